"""One part of a file alone, in its own frame: what is drawn and written of it is what is measured of it."""

import pytest

import massproof as mp
from massproof import choice, conversion, partwise, rendering
from massproof.blobs import Blobs
from massproof.errors import UsageError
from massproof.operations import jobs
from massproof.operations.port import Job
from massproof.selection import nodes


def test_a_part_alone_measures_as_it_does_in_the_breakdown(data):
    path = data / "assembly.step"
    told = mp.assembly(path)
    for id, part in told.parts.items():
        found = mp.measure(partwise.alone(path, id))

        assert found.volume.value == pytest.approx(part.properties.volume.value, rel=1e-9)
        assert found.area.value == pytest.approx(part.properties.area.value, rel=1e-9)
        for one, other in zip(found.bounding_box.min, part.properties.bounding_box.min, strict=True):
            assert one.value == pytest.approx(other.value, abs=1e-9)


def test_a_part_alone_is_a_tree_of_what_it_holds(data):
    """A part that the whole uses several times stands once in itself."""
    path = data / "assembly.step"

    def standing(id):
        return [
            node.name
            for node in nodes(choice.of(partwise.alone(path, id)).roots)
            if node.definition is not None
        ]

    assert len(standing("d0")) == 7
    assert standing("d4") == ["bolt"]


def test_what_has_no_parts_is_one(data):
    assert mp.measure(partwise.alone(data / "box.stl", "d0")).volume == mp.measure(data / "box.stl").volume
    for name in ("box.stl", "assembly.step"):
        with pytest.raises(UsageError, match="has no part 'd99'; give an id of its `assembly`"):
            partwise.alone(data / name, "d99")


@pytest.mark.parametrize(("kind", "options"), [("thumbnail", {}), ("conversion", {"name": "part.stl"})])
def test_jobs_can_be_of_one_part(tmp_path, data, monkeypatch, kind, options):
    """What is drawn and written is the part itself; that it is so to the eye is tested with pictures."""
    given = []

    def taken(source, *rest, **more):
        given.append((source, more))
        raise UsageError(kind)

    monkeypatch.setattr(rendering, "render", taken)
    monkeypatch.setattr(conversion, "convert", taken)
    blobs = Blobs(tmp_path)
    job = Job(
        kind,
        (blobs.put((data / "assembly.step").read_bytes()).digest,),
        options | {"definition": "d4", "format": "step"},
    )
    with pytest.raises(UsageError, match=kind):
        jobs.KINDS[kind](job, blobs)
    ((source, more),) = given

    assert more == {"format": "step"}
    assert mp.measure(source).volume.value == pytest.approx(
        mp.assembly(data / "assembly.step").parts["d4"].properties.volume.value, rel=1e-9
    )
