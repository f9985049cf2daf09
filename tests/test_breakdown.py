"""Breakdowns of assemblies: what is counted, and their JSON."""

import copy
import json
import math
from pathlib import Path

import jsonschema
import pytest
from referencing import Registry, Resource

import massproof
from massproof.breakdown import Assembly, Part, Use, matrix_of
from massproof.errors import FormatError

ROOT = Path(__file__).resolve().parent.parent
STAY = matrix_of([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
BESIDE = matrix_of([[0, -1, 0, 0.25], [1, 0, 0, 1 / 3], [0, 0, 1, -0.0], [0, 0, 0, 1]])


def keeps_its_schema(document):
    """Raise where a document is none that docs/schema/assembly-1.json describes."""
    own, native = (
        json.loads((ROOT / f"docs/schema/{name}-1.json").read_text()) for name in ("assembly", "native")
    )
    registry = Registry().with_resources([(native["$id"], Resource.from_contents(native))])
    jsonschema.Draft202012Validator(own, registry=registry).validate(document)


@pytest.fixture(scope="module")
def three():
    """A whole that uses a frame twice, which uses a bolt three times; and the whole uses a bolt, too."""
    own = massproof.measure(ROOT / "data" / "box.stl", unit="mm", density="7.85 g/cm^3")
    bolts = tuple(Use(f"u{n}", "M6", "d2", STAY) for n in range(3))
    frames = (Use("u0", "left", "d1", STAY), Use("u1", "right", "d1", BESIDE), Use("u2", "M6", "d2", BESIDE))
    parts = (
        Part("d0", "whole", own, frames),
        Part("d1", "frame", own, bolts, number="4711"),
        Part("d2", "bolt", own, material="steel"),
    )
    return Assembly("d0", {part.id: part for part in parts})


def test_counts_multiply_from_the_root_downwards(three):
    assert three.counts() == {"d0": 1, "d1": 2, "d2": 7}
    assert three.whole is three.parts["d0"]


def test_a_walk_meets_every_use_of_every_definition_once(three):
    walked = [(depth, use and (use.id, use.name), part.id) for depth, use, part in three.walk()]
    assert walked == [
        (0, None, "d0"),
        (1, ("u0", "left"), "d1"),
        *((2, (f"u{n}", "M6"), "d2") for n in range(3)),
        (1, ("u1", "right"), "d1"),
        (1, ("u2", "M6"), "d2"),
    ]


def test_json_holds_all_of_it(three):
    document = json.loads(json.dumps(three.to_dict(), allow_nan=False))
    read = Assembly.from_dict(document)

    assert read.to_dict() == document
    assert (read.root, list(read.parts)) == (three.root, list(three.parts))
    for one, other in zip(read.parts.values(), three.parts.values(), strict=True):
        assert (one.id, one.name, one.children) == (other.id, other.name, other.children)
        assert (one.number, one.material) == (other.number, other.material)
        assert one.properties.volume == other.properties.volume
        assert one.properties.mass == other.properties.mass


def test_json_keeps_its_schema(three):
    keeps_its_schema(three.to_dict())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: [d], "no breakdown of an assembly: schema_version is None, and '1' is read"),
        (lambda d: d | {"schema_version": "2"}, "schema_version is '2'"),
        (lambda d: d | {"root": "d9"}, "whose root, 'd9', is none of its parts"),
        (lambda d: d | {"root": ["d0"]}, "whose root, ['d0'], is none of its parts"),
        (lambda d: d | {"parts": [d["parts"]]}, "whose root, 'd0', is none of its parts"),
        (lambda d: _with(d, "parts", "d2", 7), "part d2 of a breakdown has not the fields"),
        (
            lambda d: _with(d, "parts", "d2", "more", 7),
            "properties but name, number, material, children, properties, more",
        ),
        (lambda d: _with(d, "parts", "d2", "children", None), "part d2 of a breakdown has not the fields"),
        (lambda d: _with(d, "parts", "d1", "children", 0, "part", "d7"), "part d1 of a breakdown uses 'd7'"),
        (lambda d: _with(d, "parts", "d1", "children", 0, "part", {}), "part d1 of a breakdown uses {}"),
        (lambda d: _with(d, "parts", "d1", "children", 0, "d2"), "part d1 of a breakdown uses 'd2'"),
        (lambda d: _with(d, "parts", "d1", "children", 0, "part", "d0"), "contains itself: d"),
        *(
            (
                lambda d, matrix=matrix: _with(d, "parts", "d0", "children", 1, "matrix", matrix),
                "use 'u1' in part d0",
            )
            for matrix in (
                *(None, [], STAY[:3], [[1, 0, 0, 0]] * 4, [*map(list, STAY[:3]), [0, 0, 0, 2]]),
                [[math.inf, 0, 0, 0], *map(list, STAY[1:])],
                [["1", 0, 0, 0], *map(list, STAY[1:])],
                [[1, 0, 0], *map(list, STAY[1:])],
            )
        ),
        (lambda d: _with(d, "parts", "d2", "properties", "verdict", "PROBABLY"), "verdict"),
    ],
)
def test_what_is_malformed_is_refused(three, change, says):
    with pytest.raises(FormatError) as refused:
        Assembly.from_dict(change(copy.deepcopy(three.to_dict())))
    assert says in str(refused.value)


def _with(document, *path):
    """The document with what is at the end of `path` in its place."""
    *way, last, value = path
    inner = document
    for step in way:
        inner = inner[step]
    inner[last] = value
    return document
