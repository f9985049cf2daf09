"""The text of STEP files: the same table however it is written, and a reason for what is none."""

import contextlib
import json
import re

import numpy as np
import part21_naive as naive
import pytest
from hypothesis import given
from hypothesis import strategies as st
from part21_makers import END, HEADER, Lines, file
from test_corpus import HOME

from massproof import part21
from massproof.entities import DERIVED, Row, Typed, Word
from massproof.errors import FormatError
from massproof.kernels import jit, schema, tokens

CORPUS = pytest.mark.skipif(not (HOME / "truth.json").exists(), reason=f"no corpus at {HOME}")
COMPILED = pytest.mark.skipif(jit.DISABLED, reason="real files take too long as Python")


@pytest.fixture(scope="module", autouse=True, params=[100, part21._COPIED], ids=["in two parts", "whole"])
def _copied(request):
    """Bytes from which on a file is read where it lies, but for its end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(part21, "_COPIED", request.param)
        yield


def plain(value):
    """What the naive reader gives for the same value."""
    if isinstance(value, Row):
        return f"#{value}"
    if isinstance(value, Typed):
        return value.name, plain(value.value)
    if isinstance(value, Word):
        return f".{value}."
    if isinstance(value, bytes):
        return f'"{value.decode()}"'
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return [plain(one) for one in value] if isinstance(value, list) else value


def table(data):
    """All instances of a file as the naive reader gives them, references by number."""
    entities = part21.read(data)
    found = {}
    for row in range(len(entities)):
        if entities.number(row) >= 0:
            parts = [(name, plain(value)) for name, value in entities.parts(row).items()]
            found[entities.number(row)] = parts if entities.is_complex(row) else parts[0]
    text = json.dumps(found, default=repr)
    return json.loads(re.sub(r"\"#(\d+)\"", lambda m: f'"#{entities.number(int(m[1]))}"', text))


def expected(data):
    return json.loads(json.dumps(naive.instances(data.decode("latin-1")), default=repr))


BOX = [
    "#1=CARTESIAN_POINT('',(1.,.5,-2E1))",
    "#2=DIRECTION('it''s',(1.E+005,+1,-.25e-3))",
    "#30=(BOUNDED_CURVE()B_SPLINE_CURVE(1,(#1,#1),.UNSPECIFIED.,.F.,.U.)RATIONAL_B_SPLINE_CURVE((1.,2.)))",
    '#4=FOO("0F",$,*,.T.,.f.,(),((),(#2)),LENGTH_MEASURE(25.4),((1,2),(3)))',
    "#5=bar_2(.UNKNOWN.)",
    "#6=!OWN(#4294967296)",
    "#4294967296=ADVANCED_FACE('',(#1),#2,.T.)",
]


def test_a_file_is_what_an_obvious_reader_says():
    assert table(file(*BOX)) == expected(file(*BOX))


def test_values_have_their_types():
    entities = part21.read(file(*BOX))
    (row,) = [row for row in range(len(entities)) if entities.number(row) == 4]

    assert entities.type(row) == "FOO"
    assert entities.arguments(row)[:7] == [b"0F", None, DERIVED, True, False, [], [[], [Row(row - 2)]]]
    assert entities.arguments(row)[7] == Typed("LENGTH_MEASURE", [25.4])
    assert entities.arguments(row + 1) == [Word("UNKNOWN")]
    assert entities.type(row - 1) == "BOUNDED_CURVE+B_SPLINE_CURVE+RATIONAL_B_SPLINE_CURVE"
    assert entities.arguments(row - 1) == []
    assert entities.type(-1) == ""
    assert entities.describe(row) == "#4 FOO"
    assert entities.describe(-1) == "nothing"


GAPS = st.sampled_from(["", " ", "\n", "\r\n", "\t  ", "/* a 'b' ; ( */", "/**/", "\\N\\", " /* x\n*/ \n"])


@given(st.data())
def test_white_space_and_comments_change_nothing(data):
    """Between any two tokens; long ones, so that windows of 64 bytes end everywhere."""
    text = file(*BOX[:4]).decode()
    head, body = text[: text.index("#1")], text[text.index("#1") : text.index("ENDSEC;\nEND")]
    pieces = [match[0] for match in naive.TOKEN.finditer(body)]
    gaps = data.draw(st.lists(GAPS, min_size=len(pieces), max_size=len(pieces)))
    wide = "".join(gap + piece for gap, piece in zip(gaps, pieces, strict=True)) + END
    assert table((head + wide).encode()) == expected(file(*BOX[:4]))


NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(10**25), 10**25).map(str),
    st.from_regex(r"[+-]?([0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})([eE][+-]?[0-9]{1,3})?", fullmatch=True),
)


@given(st.lists(NUMBERS, min_size=1, max_size=5))
def test_numbers_are_those_of_python(texts):
    found = [float(text) for text in texts]
    if np.isfinite(found).all():
        entities = part21.read(file(f"#1=X({','.join(texts)})"))
        (row,) = [row for row in range(len(entities)) if entities.number(row) == 1]
        assert [x.hex() for x in entities.arguments(row)] == [x.hex() for x in found]
    else:
        with pytest.raises(FormatError, match="out of range"):
            part21.read(file(f"#1=X({','.join(texts)})"))


@given(st.recursive(st.sampled_from(["1.", "#1", "'a'", "$", ".X.", "M(2.)"]), lambda inner: st.lists(inner, max_size=4)))  # fmt: skip
def test_lists_nest(value):
    def written(one):
        return one if isinstance(one, str) else f"({','.join(map(written, one))})"

    data = file(f"#1=X({written(value)})")
    assert table(data) == expected(data)


@pytest.mark.parametrize("depth", [1, 8, part21.MAX_NESTING - 1, part21.MAX_NESTING])
def test_nesting_has_a_limit(depth):
    data = file("#1=X" + "(" * depth + "1." + ")" * depth)
    assert table(data) == expected(data)
    with pytest.raises(FormatError, match=r"nested 33 deep at byte .*, the limit is 32"):
        part21.read(file("#1=X" + "(" * 33 + ")" * 33))


@pytest.mark.parametrize("length", [0, 7, 250])
def test_strings_have_a_limit(length, monkeypatch):
    """Which is of what is written: a quote takes two bytes."""
    monkeypatch.setattr(part21, "MAX_STRING", 500)
    at_most = "''" * length
    data = file(f"#1=X('a',('{at_most}'),'')")
    assert table(data) == expected(data)
    with pytest.raises(FormatError, match=r"string of 502 bytes at byte \d+, line \d+, the limit is 500"):
        part21.read(file(f"#1=X('a',('{at_most}'),'" + "''" * 251 + "')"))


def test_long_records_of_short_strings_are_read(monkeypatch):
    monkeypatch.setattr(part21, "MAX_STRING", 500)
    data = file("#1=X(" + ",".join(["'a'"] * 400) + ")", "#2=X(" + ",".join(["1."] * 400) + ",'b')")
    assert table(data) == expected(data)


def test_entities_have_a_limit(monkeypatch):
    monkeypatch.setattr(part21, "MAX_ENTITIES", 20)
    with pytest.raises(FormatError, match=r"\d+ entities, the limit is 20; export the parts one by one"):
        part21.read(file(*(f"#{n}=X()" for n in range(1, 21))))


def test_many_unusual_numbers_are_read(monkeypatch):
    """More than there is room for at first: numbers of sixty digits or more."""
    monkeypatch.setattr(part21, "_UNSURE", 2)
    long = "1." + "0" * 70 + "5"
    data = file(f"#1=X({','.join([long] * 9)})", f"#2=X({long})")
    assert table(data) == expected(data)


STRINGS = {
    b"plain": "plain",
    b"it''s": "it's",
    b"''": "'",
    rb"a\\b": "a\\b",
    rb"\X\B5m": "µm",
    rb"\X2\03B103B2\X0\ \X4\0001F600\X0\!": "αβ 😀!",
    rb"\S\D": "Ä",
    rb"\PB\\S\!\PA\\S\!": "Ą¡",
    "größe".encode(): "größe",
    "größe".encode("latin-1"): "größe",
    rb"one\N\two": "one\ntwo",
    b"a" * 5000: "a" * 5000,
    b"x''" * 200: "x'" * 200,
    rb"\X2\D8\X0\ ": r"\X2\D8\X0\ ",
}


@pytest.mark.parametrize("raw", STRINGS)
def test_strings_stand_for_letters(raw):
    data = file("#1=X('@')").replace(b"@", raw)
    entities = part21.read(data)
    (row,) = [row for row in range(len(entities)) if entities.number(row) == 1]
    assert entities.arguments(row) == [STRINGS[raw]]


def test_several_sections_and_what_is_around_them():
    """Edition 3: anchors, references to other files, parameters of sections, a signature after the end."""
    text = (
        "\ufeffISO-10303-21;HEADER;FILE_NAME('a;b');ENDSEC;ANCHOR;<a>=#1;ENDSEC;"
        "REFERENCE;#7=<other.stp#b>;ENDSEC;"
        "DATA('one',('S'));#1=X(#7);ENDSEC;DATA;#2=X(#1);ENDSEC;END-ISO-10303-21;"
        "SIGNATURE 'never ends"
    )
    entities = part21.read(text.encode())
    rows = {entities.number(row): row for row in range(len(entities)) if entities.number(row) > 0}
    assert sorted(rows) == [1, 2, 7]
    assert entities.arguments(rows[1]) == [rows[7]]
    assert entities.arguments(rows[7]) == []
    assert entities.type(entities.of_type("FILE_NAME")[0]) == "FILE_NAME"
    assert entities.arguments(entities.of_type("FILE_NAME")[0]) == ["a;b"]


def test_a_file_of_any_length_is_read():
    """The last record is read in a copy: it may begin anywhere."""
    for size in range(0, 200, 7):
        data = file(f"#1=X('{'a' * size}')", "#2=Y(#1)")
        assert table(data) == expected(data)


def test_instances_are_found_by_their_types():
    written = ["POLYLINE()", "X()", "LINE()", "(LINE()X())", "LINE()", "CURVE()"]
    entities = part21.read(file(*(f"#{n}={one}" for n, one in enumerate(written, 1))))
    for names in (["LINE"], ["POLYLINE", "LINE"], ["LINE", "POLYLINE", "CIRCLE", "CURVE"], ["CIRCLE"], []):
        rows = [row for row in range(len(entities)) if entities.type(row) in names]
        assert entities.of_type(*names) == rows
        assert entities.count(*names) == len(rows)
    assert sorted(entities.order.tolist()) == list(range(len(entities)))


def test_lower_case_is_read():
    entities = part21.read(file(*BOX).lower())
    assert entities.type(entities.of_type("CARTESIAN_POINT")[0]) == "CARTESIAN_POINT"


def test_a_name_of_any_length_is_read():
    entities = part21.read(file(f"#1={'A' * 100}()", f"#2={'B' * 64}()"))
    assert entities.type(entities.of_type("ENDSEC")[1] - 1) == "B" * 64


def test_what_follows_the_end_is_not_read():
    assert len(part21.read(file(*BOX) + b"#1=X(;'")) == len(part21.read(file(*BOX)))


def broken():
    """(body, words of the message) of every way to be malformed."""
    return {
        "no equals": ("#1 X()", "expected = after the number"),
        "no number": ("#=X()", "expected #number or a keyword"),
        "huge number": (f"#{'1' * 30}=X()", "expected #number or a keyword"),
        "no type": ("#1=;", "expected the name of a type"),
        "number as type": ("#1=(1.)", "expected the name of a type"),
        "no list": ("#1=X;", r"in #1: expected \( after a name"),
        "typed without list": ("#1=X(Y,1)", r"expected \( after a name"),
        "no value": ("#1=X(1.,)", "expected a value, found b'\\)"),
        "two commas": ("#1=X(,)", "expected a value"),
        "bad reference": ("#1=X(#)", "expected a value, found b'#"),
        "bad word": ("#1=X(.)", "expected a value"),
        "endless word": ("#1=X(.ABC)", "expected a value"),
        "no number after sign": ("#1=X(-)", "expected a number, found b'-'"),
        "two signs": ("#1=X(--1.)", "expected a number, found b'--1.'"),
        "underscore": ("#1=X(1_0)", "expected a comma"),
        "no comma": ("#1=X(1. 2.)", "expected a comma or \\) after a value"),
        "no semicolon": ("#1=X()#2=X()", "expected a semicolon"),
        "closed twice": ("#1=X())", "expected a semicolon"),
        "stray": ("?", "expected #number or a keyword, found b'\\?"),
        "infinite": ("#1=X(1.E400)", "out of range, 1.E400"),
        "not a number": ("#1=X(1.#QNAN)", "expected a comma"),
        "exponent without digits": ("#1=X(1.E)", "expected a number, found b'1.E'"),
        "duplicate": ("#1=X();#1=Y()", "#1 is defined twice"),
        "far duplicate": (f"#1=X();#{10**14}=X();#1=Y()", "#1 is defined twice"),
        "undefined": ("#1=X(#9,#2,#2)", "3 undefined references, the first #2"),
        "far undefined": (f"#1=X(#5);#{10**14}=X(#{10**13})", "2 undefined references, the first #5"),
    }


@pytest.mark.parametrize("name", broken())
def test_what_is_malformed_is_refused_with_a_reason(name):
    body, words = broken()[name]
    with pytest.raises(FormatError, match=words):
        part21.read(file(body))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 bytes without the closing"),
        (b"ISO-10303-21;", "without the closing END-ISO-10303-21"),
        (file("#1=X('a")[:-3], "inside a string"),
        (file("#1=X(1.) /* a"), "comment that never ends"),
        (file("#1=X('/* no comment')")[:-40], "cut short"),
        (file("#1=X(1.)").replace(b"HEADER;", b""), "without a HEADER section"),
        (file("#1=X(1.)").replace(b"DATA;", b""), "without a DATA section"),
    ],
)
def test_what_is_cut_short_is_refused(data, words):
    with pytest.raises(FormatError, match=words):
        part21.read(data)


def test_every_truncation_and_deletion_is_refused_or_read():
    """No crash and no other exception; what is cut before its end is refused."""
    data = file(*BOX[:4])
    for cut in range(0, len(data) - 1, 1 if not jit.DISABLED else 17):
        with contextlib.suppress(FormatError):
            part21.read(data[:cut] + data[cut + 3 :])
        if cut < len(data) - 3:
            with pytest.raises(FormatError):
                part21.read(data[:cut])


@COMPILED
@given(st.binary(max_size=300), st.integers(0, 400))
def test_any_bytes_are_refused_or_read(noise, at):
    data = file(*BOX)
    for text in (noise, data[:at] + noise + data[at:], HEADER.encode() + b"DATA;" + noise):
        with contextlib.suppress(FormatError):
            part21.read(text)


def test_numbers_far_apart_cost_nothing():
    entities = part21.read(file("#1=X(#999999999999999)", "#999999999999999=X(#1)"))
    rows = [row for row in range(len(entities)) if entities.number(row) >= 0]
    assert [entities.arguments(row) for row in rows] == [[rows[1]], [rows[0]]]


def test_all_names_are_told_apart():
    """A name of the table, and one that is not, whatever slots their hashes meet in."""
    known = tokens.names([*tokens.own_names(), *schema.TYPES.items()])
    assert np.count_nonzero(known[:, 0]) == len(schema.TYPES) + 1
    lines = [f"#{code}={name}()" for name, code in schema.TYPES.items() if "-" not in name]
    lines += [f"#{i + 5000}=UNKNOWN_{i}()" for i in range(100)]
    entities = part21.read(file(*lines[:: 1 if not jit.DISABLED else 9]))
    for row in range(len(entities)):
        number = entities.number(row)
        if number >= 0:
            assert entities.rows[row, 1] == (number if number < 5000 else tokens.OTHER)
            assert entities.type(row) in lines[0] or f"#{number}={entities.type(row)}()" in lines


def checked(*lines):
    """Whether the last of some lines is as its type declares, and what is wrong."""
    entities = part21.read(file(*lines))
    row = max(range(len(entities)), key=entities.number)
    return int(entities.checked[row]), entities.problem(row) if entities.checked[row] < 0 else ""


POINT, AXIS, VECTOR = "#1=CARTESIAN_POINT('',(0.,0.,0.))", "#2=DIRECTION($,(0.,0.,1.))", "#3=VECTOR('',#2,1.)"
SPLINE = "#9=(BOUNDED_CURVE()B_SPLINE_CURVE(1,(#1,#1),.U.,.F.,.F.)B_SPLINE_CURVE_WITH_KNOTS((2,2),(0.,1.),$))"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("#9=LINE('',#1,#3)", ""),
        ("#9=FOO('',#1,#3)", ""),
        ("#9=LINE('',#1,#1)", "#9 LINE has #1 CARTESIAN_POINT as argument 3, expected vector"),
        ("#9=LINE('',#1)", "#9 LINE ends before argument 3, expected vector"),
        ("#9=LINE('',#1,#3,1.)", "#9 LINE has 4 arguments, more than its type has"),
        ("#9=LINE('',(#1),#3)", r"has (#1 CARTESIAN_POINT) as argument 2, expected point"),
        ("#9=LINE(1.,#1,#3)", "has 1.0 as argument 1, expected a string"),
        ("#9=LINE('',$,#3)", "has $ as argument 2, expected point"),
        ("#9=LINE('',*,#3)", "has * as argument 2, expected point"),
        ("#9=LINE('',.T.,#3)", "has .T. as argument 2, expected point"),
        ("#9=LINE('',.MILLI.,#3)", "has .MILLI. as argument 2, expected point"),
        ("#9=LINE('','x',#3)", "has 'x' as argument 2, expected point"),
        ("#9=AXIS2_PLACEMENT_3D('',#1,$,#2)", ""),
        ("#9=AXIS2_PLACEMENT_3D('',#1,#2,#1)", "as argument 4, expected direction"),
        ("#9=VERTEX_POINT('',#9)", "#9 VERTEX_POINT as argument 2"),
        ("#9=POLYLINE('',(#1,#1,#2))", "has (#1 CARTESIAN_POINT, #1 CARTESIAN_POINT, #2 DIRECTION) as argument 2, expected a list of point"),
        ("#9=POLYLINE('',(#2,#1,#1,#1))", "#1 CARTESIAN_POINT, …) as"),
        ("#9=POLYLINE('',#1)", "expected a list of point"),
        ("#9=BEZIER_SURFACE('',1,1,((#1,#1),(#1,#1)),.U.,.F.,.F.,.F.)", ""),
        ("#9=BEZIER_SURFACE('',1,1,(#1,(#1,#1)),.U.,.F.,.F.,.F.)", "expected lists of point"),
        ("#9=BEZIER_SURFACE('',1,1.5,((#1),(#1)),.U.,.F.,.F.,.F.)", "has 1.5 as argument 3, expected whole number"),
        ("#9=BEZIER_SURFACE('',1,1,((#1),(#2)),.U.,.F.,.F.,.F.)", "expected lists of point"),
        ("#9=OPEN_SHELL('',(#1))", "expected a list of face or turned"),
        ("#9=ORIENTED_FACE('',*,#1,.T.)", "expected face"),
        ("#9=TRIMMED_CURVE('',#1,(PARAMETER_VALUE(1.)),X(2.),.T.,.U.)", "argument 2, expected curve"),
        ("#9=FACE_SURFACE('',(),#1,.U.)", "argument 3, expected surface"),
        ("#9=CURVE_BOUNDED_SURFACE('',#1,(),1.)", "argument 2"),
        (SPLINE, ""),
        (SPLINE.replace("(0.,1.)", "(0.,#1)"), "expected a list of number"),
        (SPLINE.replace("(1,(#1", "(-1,(#1"), "has -1.0 as argument 1, expected whole number"),
        (SPLINE.replace("BOUNDED_CURVE()", "REPRESENTATION_ITEM('')"), ""),
    ],
)  # fmt: skip
def test_arguments_are_checked_against_their_types(line, words):
    code, problem = checked(POINT, AXIS, VECTOR, line)
    assert (code < 0) == bool(words)
    assert words in problem


def test_flags_may_not_be_unknown():
    lines = Lines()
    lines.disc()
    assert checked(*lines)[0] == 1
    text = lines[-1].replace(".T.", ".U.")
    assert "expected .T. or .F." in checked(*lines[:-1], text)[1]


def test_a_reference_of_the_wrong_type_is_named():
    entities = part21.read(file(POINT, AXIS, VECTOR, "#4=(A()B(#1))"))
    (row,) = entities.of_type("VECTOR")
    argument = entities.arguments(row)[1]
    assert entities.expect(row, argument, "DIRECTION") == argument == entities.expect(row, argument)
    assert entities.expect(row, Row(row + 1), "X", "B") == row + 1
    with pytest.raises(FormatError, match="#3 VECTOR has #2 DIRECTION in place of LINE or CIRCLE; export"):
        entities.expect(row, argument, "LINE", "CIRCLE")
    with pytest.raises(FormatError, match=r"#3 VECTOR has 1\.0 in place of a reference"):
        entities.expect(row, 1.0)


@CORPUS
@COMPILED
def test_real_files_are_what_an_obvious_reader_says():
    """Those of up to 60 kB; their strings are compared as they are written."""
    records = json.loads((HOME / "truth.json").read_text())["files"]
    names = [r["file"] for r in records if r["kind"] == "brep" and 0 < r["bytes"] < 60_000]
    assert len(names) > 20
    for name in names:
        data = (HOME / name).read_bytes()
        if b"\\" not in data:
            assert table(data) == expected(data), name


@CORPUS
@COMPILED
def test_all_real_files_are_as_their_types_declare():
    """But for curves of parameter planes, which are never needed."""
    records = json.loads((HOME / "truth.json").read_text())["files"]
    for record in records:
        data = (HOME / record["file"]).read_bytes() if record["kind"] == "brep" else b""
        if data:
            entities = part21.read(data)
            wrong = [entities.problem(row) for row in np.flatnonzero(entities.checked < 0)]
            assert not [text for text in wrong if "AXIS2_PLACEMENT_2D" not in text], record["file"]
