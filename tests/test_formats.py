"""The registry: bytes and suffix decide together which reader reads, and never disagree in silence."""

import io
import mmap
from pathlib import Path

import numpy as np
import pytest
from makers import GOOD, area, assert_cube, off, refused, volume

from massproof import formats
from massproof.errors import FormatError
from massproof.formats import SUFFIXES

DATA = Path(__file__).parent.parent / "data"
FAMILY = [(kind, data) for kind, cubes in GOOD.items() for data in cubes]
CUBES = [data for _, data in FAMILY]
NAMES = {"threemf": "3mf"}
SAMPLES = [(NAMES.get(kind, kind), data) for kind, data in FAMILY] + [
    (kind, (DATA / name).read_bytes())
    for kind, name in [
        ("stl", "box.stl"),
        ("stl", "box_ascii.stl"),
        ("stl", "sphere.stl"),
        ("obj", "box.obj"),
        ("obj", "torus.obj"),
        ("step", "box_inch.step"),
        ("step", "assembly.step"),
    ]
]


@pytest.mark.parametrize(("kind", "data"), SAMPLES, ids=[kind for kind, _ in SAMPLES])
def test_every_sample_is_recognised_by_one_format_only(kind, data):
    modules = [formats._module(name) for name in formats.MODULES]
    found = [module for module in modules if module.sniff(memoryview(data))]

    assert [formats._name(module) for module in found] == [kind]


def test_every_suffix_belongs_to_the_module_that_claims_it():
    claimed = {s: name for name in formats.MODULES for s in formats._module(name).SUFFIXES}

    assert claimed == SUFFIXES


@pytest.mark.parametrize(
    ("kind", "data"), [(k, d) for k, d in SAMPLES if k != "step"], ids=[k for k, _ in SAMPLES if k != "step"]
)
def test_content_alone_and_suffix_in_any_case_name_the_same_format(kind, data):
    assert formats.read(data)[1] == kind
    assert formats.read(data, f".{kind.upper()}")[1] == kind


def test_both_suffixes_of_step_are_step():
    data = (DATA / "box_inch.step").read_bytes()

    assert [formats.read(data, suffix)[1] for suffix in (".stp", ".STEP", None)] == ["step"] * 3


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("kind", "data"), SAMPLES, ids=[kind for kind, _ in SAMPLES])
def test_a_suffix_that_the_content_contradicts_is_refused_with_what_the_content_is(kind, data, suffix):
    if SUFFIXES[suffix] != SUFFIXES[f".{kind}"]:
        refused(lambda: formats.read(data, suffix), suffix, f"{kind.upper()} file", f"the suffix .{kind}")


MISTAKES = {
    "an HTML page": b"<!DOCTYPE html><html></html>",
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
    "an XML file": b'<?xml version="1.0"?><x/>',
    "a compressed file": b"\x1f\x8b\x08\0",
    "in UTF-16": "solid x\nfacet normal 0 0 0\n".encode("utf-16"),
}


@pytest.mark.parametrize("suffix", [None, *SUFFIXES])
@pytest.mark.parametrize("what", MISTAKES)
def test_what_is_handed_in_by_mistake_is_named(what, suffix):
    refused(lambda: formats.read(MISTAKES[what], suffix), what, "known format" if suffix is None else "not a")


@pytest.mark.parametrize("text", ["solid x", "# v\nv 0 0 0", "ISO-10303-21;"])
def test_utf_16_is_recognised_without_its_mark(text):
    for order in ("utf-16-le", "utf-16-be"):
        refused(lambda order=order: formats.read(text.encode(order), ".stl"), "UTF-16")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_content_of_no_known_format_is_refused_by_the_format_of_the_suffix(suffix):
    name = SUFFIXES[suffix].upper().replace("THREEMF", "3MF")
    refused(lambda: formats.read(b"gibberish", suffix), name)


def test_a_comment_or_the_free_text_of_a_header_does_not_mislead():
    """A binary STL may begin with any word; an OFF file may begin with a line like OBJ's."""
    stl = (DATA / "box.stl").read_bytes()
    for word in (b"OFF", b"ply\n", b"solid", b"v 1 2 3", b"# f\nf "):
        assert formats.read(word.ljust(80) + stl[80:])[1] == "stl"
    assert formats.read(b"# v 0 0 0\n" + off())[1] == "off"


def test_an_unknown_suffix_is_refused_with_the_known_ones():
    refused(lambda: formats.read(off(), ".xyz"), ".xyz is no known format", ".3mf")
    refused(lambda: formats.read(off(), ""), "no suffix")


def test_unknown_bytes_are_refused_with_their_beginning():
    refused(lambda: formats.read(b"gibberish"), "b'gibberish'", "no known format", ".ply")


@pytest.mark.parametrize("suffix", [None, *SUFFIXES])
def test_an_empty_file_is_refused_as_such(suffix):
    refused(lambda: formats.read(b"", suffix), "empty (0 bytes)")


@pytest.mark.parametrize("data", CUBES)
def test_any_buffer_is_read(data, tmp_path):
    (tmp_path / "file").write_bytes(data)
    with (
        (tmp_path / "file").open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
    ):
        for buffer in (bytearray(data), memoryview(data), mapped):
            assert_cube(formats.read(buffer)[0])


def test_no_optional_library_is_needed(monkeypatch):
    for name in ("trimesh", "networkx", "lxml"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    for data in CUBES:
        assert_cube(formats.read(data)[0])


def test_bytes_that_cannot_be_a_file_of_any_format_never_raise_anything_else():
    for data in CUBES:
        for suffix in SUFFIXES:
            with pytest.raises(FormatError):
                formats.read(data[:3], suffix)


def reader(kind):
    return formats._module(kind).read


@pytest.mark.parametrize(("kind", "data"), FAMILY, ids=[kind for kind, _ in FAMILY])
def test_a_file_cut_anywhere_is_refused_or_is_still_the_cube(kind, data):
    """Only bytes at the very end may be without meaning."""
    for size in range(0, len(data), 7):
        try:
            mesh = reader(kind)(memoryview(data[:size]))
        except FormatError:
            continue
        assert size > len(data) - 8
        assert_cube(mesh)


@pytest.mark.parametrize(("kind", "data"), FAMILY, ids=[kind for kind, _ in FAMILY])
def test_a_damaged_byte_is_refused_or_gives_a_finite_mesh(kind, data):
    """No other exception and no warning escapes, whatever the bytes say."""
    random = np.random.default_rng(1)
    for _ in range(400):
        broken = bytearray(data)
        for at in random.integers(0, len(data), 2):
            broken[at] = random.integers(0, 256)
        try:
            mesh = reader(kind)(memoryview(broken))
        except FormatError:
            continue
        assert len(mesh.faces)
        assert np.isfinite(mesh.vertices).all()


@pytest.mark.parametrize("kind", GOOD)
def test_other_content_is_refused_with_its_first_bytes(kind):
    name = NAMES.get(kind, kind).upper()
    refused(lambda: reader(kind)(memoryview(b"solid cube")), "not a", name, "b'solid cu'", "suffix")
    refused(lambda: reader(kind)(memoryview(b"")), "not a", name, "b''")


@pytest.mark.parametrize(("kind", "data"), FAMILY, ids=[kind for kind, _ in FAMILY])
def test_trimesh_reads_the_same_cube(kind, data):
    trimesh = pytest.importorskip("trimesh")
    if kind == "ply" and data not in GOOD["ply"][:2]:
        return  # it reads no mixed polygons
    mesh = reader(kind)(memoryview(data))
    other = trimesh.load_scene(io.BytesIO(data), file_type=NAMES.get(kind, kind), process=False).to_mesh()

    assert other.area == pytest.approx(area(mesh))
    assert other.volume == pytest.approx(volume(mesh))
