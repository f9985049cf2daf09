"""The tree of a STEP file: what uses what, under which name, in which colour, and where it stands."""

import numpy as np
import pytest
from test_appearance import GREEN, RED, Styles, assembly
from test_tessellations import Tessellations
from test_verify import Stating

from massproof import engines, isolation, partwise, selection, sources, tessellate, trees
from massproof.appearance import Look
from massproof.scene import PLAIN


class Tree(Styles, Stating):
    """Lines of assemblies."""

    def used(self, whole, part, inner, outer, at, name=""):
        use = self(f"NEXT_ASSEMBLY_USAGE_OCCURRENCE('',{name!r},'',{whole},{part},$)")
        self.place(use, inner, outer, self.between(self.frame(), self.frame(at)))
        return use


def grown(f, scale=1.0):
    model = sources.load(f.file(), "step").geometry.model
    shown = engines.measured(model)
    return trees.grown(model, shown, [one.part.name for one in shown], scale)


def shape(occurrence):
    """Names of a tree, nested as it is."""
    inner = [shape(child) for child in occurrence.children]
    return occurrence.name if occurrence.definition is not None else (occurrence.name, *inner)


def places(occurrences):
    for one in occurrences:
        yield from [one.matrix[:3, 3].tolist()] if one.definition is not None else places(one.children)


@pytest.fixture
def nested():
    """A whole of a part and of two inner assemblies, which use the part twice."""
    f = Tree()
    part = f.part(f.box())
    inner = f.representation
    outer, between = f.shape(f.millimetres()), f.shape(f.millimetres())
    middle, whole = f.product("middle", between), f.product("whole", outer)
    f.used(middle, part, inner, between, (0.0, 0.0, 0.0), "left")
    f.used(middle, part, inner, between, (5.0, 0.0, 0.0))
    for x in (0.0, 100.0):
        f.used(whole, middle, between, outer, (x, 0.0, 0.0))
    f.used(whole, part, inner, outer, (0.0, 7.0, 0.0), " alone ")
    return f


def test_what_uses_what_under_the_names_that_uses_have_or_else_products(nested):
    (root,) = grown(nested)

    assert shape(root) == ("whole", ("middle", "left", "part"), ("middle", "left", "part"), "alone")


def test_parts_stand_where_they_are_measured_in_the_unit_of_the_scene(nested):
    found = sorted(places(grown(nested, scale=25.4)))

    assert found == [[0, 0, 0], [0, 7 * 25.4, 0], [5 * 25.4, 0, 0], [100 * 25.4, 0, 0], [105 * 25.4, 0, 0]]


def test_a_single_part_has_no_tree():
    f = Tree()
    f.part(f.box())
    (only,) = grown(f)

    assert (only.name, only.definition, only.children) == ("part", 0, ())


def test_a_group_of_one_part_stays_a_group():
    f = Tree()
    part = f.part(f.box())
    inner, outer, between = f.representation, f.shape(f.millimetres()), f.shape(f.millimetres())
    middle, whole = f.product("middle", between), f.product("whole", outer)
    f.used(middle, part, inner, between, (0.0, 0.0, 0.0))
    f.used(whole, middle, between, outer, (1.0, 0.0, 0.0))
    (only,) = grown(f)

    assert shape(only) == ("whole", ("middle", "part"))


def test_the_tree_is_that_of_what_is_measured_part_by_part(data, nested):
    """In the same order, so that an object of the one has its number in the other."""
    for source in ((data / "assembly.step").read_bytes(), nested.file()):
        assembly = partwise.assembly(source, format="step")
        tree = tessellate.tree(sources.load(source, "step").geometry, "a.step")
        called = [use.name for use in _uses(assembly, assembly.root)]

        assert len(called) > 5
        assert [node.name for node in selection.nodes(tree)][1:] == called


def _uses(assembly, part):
    for use in assembly.parts[part].children:
        yield use
        yield from _uses(assembly, use.part)


def test_mapped_items_may_have_names():
    f = Tree()
    source = f(f"REPRESENTATION_MAP({f.frame()},{f.shape(f.millimetres(), f.box())})")
    items = [
        f(f"MAPPED_ITEM({name!r},{source},{f.frame((x, 0, 0))})") for name, x in (("one", 1.0), ("", 2.0))
    ]
    f.product("whole", f.shape(f.millimetres(), *items))
    (root,) = grown(f)

    assert root.name == "whole"
    assert [child.name for child in root.children] == ["one", "body"]


def test_a_place_has_a_colour_only_where_it_has_one_of_its_own():
    f = Tree()
    box = f.box()
    _, _, uses, _ = assembly(f, box)
    f.style(box, GREEN, where=uses[1], over=f.style(box, RED))
    (root,) = grown(f)

    assert [child.colour for child in root.children] == [None, (*GREEN, 1.0), None]


def test_facets_have_the_colours_of_their_part_and_faces(here):
    f = Tree()
    box = f.box()
    _, faces = f.members(box)
    f.part(box)
    f.style(box, RED)
    scene = tessellate.scene(sources.load(f.file(), "step").geometry, "a.step", "mm")
    assert (scene.definitions[0].colour, scene.definitions[0].patches) == ((*RED, 1.0), ())

    f.style(faces[2], GREEN)
    scene = tessellate.scene(sources.load(f.file(), "step").geometry, "a.step", "mm")
    patches = scene.definitions[0].patches
    assert [colour for _, colour in patches].count((*GREEN, 1.0)) == 1
    assert len(patches) == 6


def test_a_face_may_have_a_colour_where_its_part_has_none(here):
    f = Tree()
    box = f.box()
    f.style(f.members(box)[1][0], GREEN)
    f.part(box)
    scene = tessellate.scene(sources.load(f.file(), "step").geometry, "a.step", "mm")

    assert {colour for _, colour in scene.definitions[0].patches} == {(*GREEN, 1.0), PLAIN}


def test_colours_are_with_their_opacity():
    assert trees.colour(Look((1.0, 0.5, 0.0), 0.25)) == (1.0, 0.5, 0.0, 0.25)
    assert trees.colour(Look()) is None


def test_triangles_of_a_file_need_no_facets(monkeypatch):
    f = Tessellations()
    f.shown(f.faceted())
    monkeypatch.setattr(isolation, "call", None)
    geometry = sources.load(f.file(), "step").geometry
    scene = tessellate.scene(geometry, "a.step", "mm")

    assert scene.triangles == 12
    vertices = next(scene.placed()).vertices()
    assert np.ptp(vertices, axis=0).min() > 0
