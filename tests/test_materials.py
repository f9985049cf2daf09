import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massproof.errors import UnknownMaterial
from massproof.materials import Material, find, material, table

ROWS = table()
SPELLINGS = [text for row in ROWS for text in (row.name, *row.aliases)]

# What people and CAD systems write, and bounds that any answer must keep (kg/m³).
REQUIRED = {
    "ABS Plastic": (1000, 1100),
    "Steel": (7850, 7850),
    "Steel, Mild": (7800, 7900),
    "Stainless Steel": (7700, 8100),
    "Aluminum": (2600, 2800),
    "Aluminium": (2600, 2800),
    "Aluminum 6061": (2690, 2720),
    "Aluminum 6061-T6": (2690, 2720),
    "6061-T6": (2690, 2720),
    "PLA": (1200, 1300),
    "Titanium": (4400, 4600),
    "Titanium Ti-6Al-4V": (4400, 4450),
    "Ti-6Al-4V": (4400, 4450),
    "Nylon": (1000, 1160),
    "Polycarbonate": (1190, 1220),
    "Acrylic": (1170, 1200),
    "Brass": (8300, 8800),
    "Bronze": (8400, 8950),
    "Copper": (8880, 8970),
    "Cast Iron": (6800, 7800),
    "Water": (997, 999),
    "Gold": (19200, 19400),
    "Silver": (10400, 10600),
    "Concrete": (2000, 2600),
    "Glass": (2200, 2700),
    "Rubber": (900, 1500),
    "Carbon Fiber": (1400, 1700),
    "Wood, Oak": (600, 850),
}


def normal(spelling):
    return re.sub(r"[\s,-]+", "", spelling).casefold()


def test_the_table_is_long_enough_to_be_useful():
    assert len(ROWS) >= 120


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_has_a_source_and_a_sane_ordered_density(row):
    """Nothing is denser than osmium, and only air and foams are lighter than any solid or liquid.

    The second bound stops a density written in g/cm³.
    """
    assert 0.5 < row.low <= row.density <= row.high < 23000
    assert row.low > 50 or row.name.startswith("Foam, ") or row.name == "Air"
    assert row.low < row.high, "a name without any spread claims more than a source can give"
    assert row.high <= 10 * row.low, "even foams of one name differ tenfold only"
    assert len(row.source.split()) >= 3
    assert row.name.strip() == row.name != ""


def test_no_spelling_stands_twice():
    """Neither for two materials, nor for one: a spelling that compares equal adds nothing."""
    known = {}
    for row in ROWS:
        for text in (row.name, *row.aliases):
            assert normal(text), f"{row.name}: nothing is left of {text!r}"
            assert known.setdefault(normal(text), row.name) is row.name, text
    assert len(known) == len(SPELLINGS)


@pytest.mark.parametrize(("name", "bounds"), REQUIRED.items())
def test_the_names_that_people_type_resolve(name, bounds):
    low, high = bounds
    assert low <= material(name).density <= high


def test_both_spellings_of_aluminium_are_one_material():
    for text in SPELLINGS:
        if "Aluminum" in text and text.replace("Aluminum", "Aluminium") in SPELLINGS:
            assert material(text) is material(text.replace("Aluminum", "Aluminium"))
    assert material("Aluminium") is material("Aluminum")


@given(st.sampled_from(SPELLINGS), st.randoms(use_true_random=False))
def test_lookup_ignores_case_spaces_hyphens_and_commas(spelling, random):
    noise = [random.choice(["", "", " ", "-", ",", "\t"]) for _ in spelling]
    letters = [random.choice([c.upper(), c.lower()]) for c in re.sub(r"[\s,-]", "", spelling)]
    written = "".join(a + b for a, b in zip(letters, noise, strict=False))

    assert material(written) is material(spelling)


@given(st.sampled_from(ROWS))
def test_a_name_and_its_aliases_are_one_material(row):
    assert {material(text) for text in (row.name, *row.aliases)} == {row}


def test_an_unknown_name_names_the_nearest_and_a_command_that_finds_some():
    with pytest.raises(UnknownMaterial) as caught:
        material("Alu 6061")

    message = str(caught.value)
    assert message.startswith("unknown material 'Alu 6061'; nearest: ")
    assert "Aluminum 6061-T6" in message
    assert message.endswith('; list them with: massproof materials find "alu"')


def test_one_wrong_letter_finds_its_material_first():
    for wrong, right in [
        ("Stele", "Steel"),
        ("Alumnium", "Aluminum"),
        ("Polycarbonat", "Polycarbonate"),
        ("Inconnel 625", "Inconel 625"),
    ]:
        with pytest.raises(UnknownMaterial, match=f"nearest: {right}[,;]"):
            material(wrong)


@given(st.text())
def test_the_command_in_the_message_always_finds_something(text):
    try:
        material(text)
    except UnknownMaterial as error:
        assert find(re.search(r'find "(.*)"$', str(error), re.DOTALL)[1])


def test_a_name_like_no_other_is_not_given_a_neighbour():
    with pytest.raises(UnknownMaterial, match="nothing is spelled like it"):
        material("§§§")


@given(st.sampled_from(SPELLINGS), st.data())
def test_find_finds_every_part_of_a_spelling(spelling, data):
    """Any substring of a name or alias finds its material, and only rows that contain it."""
    begin = data.draw(st.integers(0, len(spelling)))
    end = data.draw(st.integers(begin, len(spelling)))
    part = spelling[begin:end]
    found = find(part)

    assert material(spelling) in found
    assert len(set(found)) == len(found)
    for row in found:
        assert any(normal(part) in normal(text) for text in (row.name, *row.aliases))


@given(st.sampled_from(SPELLINGS))
def test_find_puts_the_exact_spelling_first(spelling):
    assert find(spelling)[0] is material(spelling)


def test_find_puts_beginnings_before_middles_and_short_before_long():
    names = [row.name for row in find("steel")]
    assert names[0] == "Steel"
    assert names.index("Steel, Tool") < names.index("Stainless Steel")
    assert [row.name for row in find("ALU")][:2] == ["Aluminum", "Alumina"]
    assert find("6061")[0].name == "Aluminum 6061-T6"


def test_find_of_nothing_is_everything_and_of_nonsense_nothing():
    assert find("") == table()
    assert find("no such material") == ()


def test_a_material_is_a_value():
    row = Material("Foam", 30.0, 20.0, 40.0, "weighed")
    assert row == Material("Foam", 30.0, 20.0, 40.0, "weighed")
    with pytest.raises(AttributeError):
        row.density = 31.0


def test_the_file_is_read_once_and_not_at_import():
    code = (
        "import sys, massproof.materials as m\n"
        "assert not {'tomllib', 'difflib', 'numpy'} & set(sys.modules), sorted(sys.modules)\n"
        "assert m.table() is m.table()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
