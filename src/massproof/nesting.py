"""Whether a closed surface of several bodies encloses each point once at most, and what it leaves in doubt if not.

It does when no triangle enters another, no two lie on one another facing the same way, and the surface winds once
around the points just below each triangle: docs/decisions/nesting.md. All of this is decided exactly, so that a
volume without a finding is proved; what is not proved is a finding, and widens the interval as far as it may.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from massproof.bodies import (
    Bodies,
    Booleans,
    Crossings,
    Faces,
    Floats,
    Integers,
    Layers,
    bodies_of,
    crossings_of,
    layers_of,
    places_of,
    volumes_of,
)
from massproof.errors import Note
from massproof.kernels import topology
from massproof.kernels.overlap import shared_by_pairs, shared_volume
from massproof.kernels.tree import Surface

_WINDING_LIMIT = 150_000_000  # faces that rays may pass; one that a ray may meet counts as 64: some seconds
_THIN = 2.0**-50  # of the largest coordinate: what rounding moves corners of one plane apart by
_NAMED = 3  # places and pairs that a finding names


def doubt(vertices: Floats, faces: Faces, manifold: bool, notes: list[Note], sides: Any = None) -> float:
    """Volume that repeated faces, bodies inside out, and overlap leave in doubt; `notes` say which.

    vertices, faces : a closed, consistently oriented surface over distinct positions, its volume positive
    manifold : whether no edge has more than two faces; then no two faces can coincide
    sides : what `topology.paired` found, if that is at hand
    """
    total = 0.0
    if not manifold:
        total += _repeated(vertices, faces, notes)
        _walls(faces, notes)
    label, tangled = topology.bodies(vertices, faces, *(() if sides is None else (sides,)))
    bodies = bodies_of(Surface(vertices, faces), label)
    crossings = crossings_of(bodies)
    layers = layers_of(bodies, crossings, manifold, _WINDING_LIMIT)
    told = len(notes)
    _self_intersections(bodies, crossings, notes)
    total += _nested(bodies, crossings, layers, notes)
    if tangled and {code for code, _, _ in notes[told:]} - {"cavities", "empty-bodies"}:
        total += _tangled(tangled, _volume(vertices, faces), bodies, notes)
    return total


def _walls(faces: Faces, notes: list[Note]) -> None:
    walls = topology.back_to_back(faces)
    if walls:
        text = (
            f"{walls} pairs of triangles lie back to back, as where two bodies touch: the wall between them "
            "is no part of the outside, but counts in the area"
        )
        notes.append(("coincident-faces", text, {"pairs": walls}))


def _repeated(vertices: Floats, faces: Faces, notes: list[Note]) -> float:
    again = topology.repeated(faces)
    if not again.any():
        return 0.0
    count = int(again.sum())
    text = f"{count} of {len(again)} triangles repeat another one: their area and volume count twice"
    notes.append(("repeated-faces", text, {"count": count, "faces": len(again)}))
    return abs(_volume(vertices, faces[again]))


def _volume(vertices: Floats, faces: Faces) -> float:
    a, b, c = (vertices.T[:, faces[:, k]] for k in range(3))
    return float(volumes_of(a, b, c, a[:, :1]).sum()) / 6


def _tangled(edges: int, volume: float, bodies: Bodies, notes: list[Note]) -> float:
    """What is in doubt where parts may count several times, or as negative: the boxes hold all there is."""
    low, high = bodies.low.min(axis=0), bodies.high.max(axis=0)
    most = float(min(np.prod(bodies.high - bodies.low, axis=1).sum(), np.prod(high - low)))
    text = (
        f"at {edges} edges bodies run through each other: material may count several times, or as a hollow, so that "
        f"the volume is anything up to that of their boxes, {most:g}"
    )
    notes.append(("tangled-bodies", text, {"edges": edges, "volume_at_most": most}))
    return max(volume, most - volume)  # so that the interval holds both ends


def _self_intersections(bodies: Bodies, crossings: Crossings, notes: list[Note]) -> None:
    count, complete = len(crossings.own), crossings.found.complete
    if count:
        where = places_of(bodies.surface, crossings.own[:_NAMED])
        text = (
            f"the surface crosses itself: {count}{'' if complete else ' or more'} pairs of its triangles do, one "
            f"near {_point(where[0])}; where it covers a point several times, the volume counts it as often"
        )
        evidence = {"pairs": count, "complete": complete, "where": where.tolist()}
        notes.append(("self-intersecting", text, evidence))
    if not complete and not len(crossings.found.crossing):
        text = (
            "triangles are so long that too many of their boxes overlap to look at all of them: whether the "
            "surface intersects itself, or bodies overlap, is not known"
        )
        notes.append(("intersections-unchecked", text, {"faces": len(bodies.label)}))


def _point(place: Floats) -> str:
    return f"({', '.join(f'{x:.6g}' for x in place)})"


class _Nesting(NamedTuple):
    """What the winding numbers say about each body."""

    solid: Booleans  # (B,) the others are hollows
    inverted: Booleans  # (B,) hollows not proved to lie in a solid
    odd: Booleans  # (B,) that do not enclose each point once, though nothing of them crosses
    unknown: Booleans  # (B,)
    empty: Booleans  # (B,) that enclose nothing but rounding, and are left out of all else
    sizes: Floats  # (B,) the most volume each can have to do with
    pairs: Integers  # (n, 2) solids that overlap, and hollows that do, the smaller number first
    places: Floats  # (n, 3) where


def _nested(bodies: Bodies, crossings: Crossings, layers: Layers, notes: list[Note]) -> float:
    """What bodies do to each other: cavities are subtracted, overlap counts twice."""
    found = _nesting(bodies, crossings, layers)
    volumes = np.abs(bodies.volumes)
    cavities = ~(found.solid | found.inverted | found.empty) & _members(
        len(volumes), layers.body[layers.told]
    )
    if cavities.any():
        volume = float(volumes[cavities].sum())
        text = f"{cavities.sum()} closed cavities are subtracted"
        notes.append(("cavities", text, {"count": int(cavities.sum()), "volume": volume}))
    total = _turned(found.inverted, volumes, notes) + _thin(found.empty, volumes, notes)
    for group, what in ((found.solid, "bodies"), (cavities, "cavities")):
        total += _overlap(bodies, crossings, found, group, what, notes)
    if found.odd.any():
        where = bodies.middle[found.odd][:_NAMED]
        text = (
            f"the surface of {found.odd.sum()} bodies, one around {_point(where[0])}, does not enclose each point "
            "once: where it covers a point several times, the volume counts it as often"
        )
        notes.append(("self-intersecting", text, {"bodies": int(found.odd.sum()), "where": where.tolist()}))
    if found.unknown.any():
        text = f"which of {found.unknown.sum()} bodies lie in others was too much to find out"
        notes.append(("nesting-unchecked", text, {"bodies": int(found.unknown.sum())}))
        total += float(found.sizes[found.unknown & found.solid].sum())
    return total


def _turned(inverted: Booleans, sizes: Floats, notes: list[Note]) -> float:
    if not inverted.any():
        return 0.0
    count, volume = int(inverted.sum()), float(sizes[inverted].sum())
    text = (
        f"{count} of {len(inverted)} bodies are inside out, and not proved to lie in another one: their volume, "
        f"{volume:g}, is subtracted as that of cavities is"
    )
    notes.append(("inverted-body", text, {"count": count, "volume": volume}))
    return 2 * volume


def _thin(empty: Booleans, volumes: Floats, notes: list[Note]) -> float:
    if not empty.any():
        return 0.0
    count, volume = int(empty.sum()), float(volumes[empty].sum())
    text = (
        f"{count} of {len(empty)} closed bodies have no thickness, within rounding: they enclose nothing, "
        "and are neither solids nor cavities"
    )
    notes.append(("empty-bodies", text, {"count": count, "volume": volume}))
    return 2 * volume


def _overlap(
    bodies: Bodies, crossings: Crossings, found: _Nesting, group: Booleans, what: str, notes: list[Note]
) -> float:
    """What some bodies share: those that were found to overlap, or, if not all was looked at, that may."""
    evidence: dict[str, Any]
    if crossings.found.complete:
        chosen = group[found.pairs].all(axis=1)
        pairs, places = found.pairs[chosen], found.places[chosen]
        if not len(pairs):
            return 0.0
        shared: float = shared_by_pairs(found.sizes, bodies.low, bodies.high, pairs)
        text = (
            f"{len(pairs)} pair{'s' * (len(pairs) != 1)} of {what} overlap, one near {_point(places[0])}: what lies "
            f"in both, at most {shared:g}, is counted twice"
        )
        evidence = {"pairs": len(pairs), "volume_at_most": shared}
        evidence |= {"bodies": pairs[:_NAMED].tolist(), "where": places[:_NAMED].tolist()}
    else:
        count, whole, shared = shared_volume(found.sizes[group], bodies.low[group], bodies.high[group])
        if not count:
            return 0.0
        text = (
            f"the boxes of {count}{'' if whole else ' or more'} pair{'s' * (count != 1)} of {what} overlap, "
            f"so the {what} may too: what lies in both, at most {shared:g}, would be counted twice"
        )
        evidence = {"pairs": count, "volume_at_most": shared}
    notes.append(("overlap", text, evidence))
    return shared


def _nesting(bodies: Bodies, crossings: Crossings, layers: Layers) -> _Nesting:
    solid, simple = _solid(bodies, crossings, layers)
    empty = _empty(bodies, crossings, layers, solid)
    body, (rays, others, numbers, _) = layers.body, layers.around
    told, unknown = layers.told & ~empty[body], layers.unknown & ~empty[body]
    foreign = (others != body[rays]) & ~empty[others] & ~empty[body[rays]]
    rays, others, numbers = rays[foreign], others[foreign], numbers[foreign]
    around = np.zeros((2, len(body)), np.int64)  # how often hollows, and solids, wind around each layer
    np.add.at(around, (solid[others].astype(np.int64), rays), numbers)
    total, own = around.sum(axis=0), body[rays]
    again = solid[own] & solid[others] & (numbers > 0) & (total[rays] > 0)
    again |= ~solid[own] & ~solid[others] & (numbers < 0) & (around[1, rays] > 0) & (total[rays] < 1)
    pairs, places = _pairs(bodies, crossings, solid, own[again], others[again], layers.faces[rays[again]])

    count = len(solid)
    alike = solid[crossings.pairs]
    bare = np.bincount(body[told & (around[1] <= 0) | unknown], minlength=count) > 0
    bare[crossings.pairs[alike[:, 0] != alike[:, 1]]] = True  # a hollow that crosses a solid
    inverted = ~(solid | empty) & (bare | (not crossings.found.complete))
    lost = np.bincount(body[told & (layers.own + total != 1)], minlength=count) > 0
    lost &= ~(inverted | crossings.bodies)
    lost[pairs] = False
    crossed = _members(count, bodies.label[crossings.own])
    odd = lost | (_members(count, body[told]) & ~simple & ~crossed)
    sizes = np.where(simple, np.abs(bodies.volumes), np.prod(bodies.high - bodies.low, axis=1))
    return _Nesting(solid, inverted, odd, _members(count, body[unknown]), empty, sizes, pairs, places)


def _empty(bodies: Bodies, crossings: Crossings, layers: Layers, solid: Booleans) -> Booleans:
    """Bodies as thick as their coordinates are rounded, which cross nothing, and would be hollows or lie in others.

    Without them the surface is closed still, so that what is proved of the rest is; they are in doubt for themselves.
    """
    a, b, c = (bodies.high - bodies.low).T
    reach = np.maximum(np.abs(bodies.low), np.abs(bodies.high)).max(axis=1)
    rays, others, numbers, _ = layers.around
    own = layers.body[rays]
    held = _members(len(solid), own[(others != own) & (numbers > 0)])
    thin = _members(len(solid), layers.body[layers.told])  # sheets of faces back to back are found as such
    thin &= np.abs(bodies.volumes) <= _THIN * reach * (a * b + b * c + c * a)
    empty: Booleans = thin & (held | ~solid) & ~crossings.bodies & crossings.found.complete
    return empty


def _members(count: int, numbers: Integers) -> Booleans:
    members = np.zeros(count, bool)
    members[numbers] = True
    return members


def _pairs(
    bodies: Bodies, crossings: Crossings, solid: Booleans, inner: Integers, outer: Integers, faces: Integers
) -> tuple[Integers, Floats]:
    """Pairs of bodies of one kind that cross or hold one another, and where: for the latter, at some faces."""
    alike = solid[crossings.pairs]
    alike = alike[:, 0] == alike[:, 1]
    held = np.sort(np.stack([inner, outer], axis=1), axis=1)
    middles = bodies.surface.vertices[bodies.surface.faces[faces]].mean(axis=1)
    pairs, first = np.unique(np.concatenate([crossings.pairs[alike], held]), axis=0, return_index=True)
    return pairs, np.concatenate([crossings.places[alike], middles])[first]


def _solid(bodies: Bodies, crossings: Crossings, layers: Layers) -> tuple[Booleans, Booleans]:
    """Which bodies are solid, and for which this is proved: they wind once around all that lies below their faces."""
    count = len(bodies.volumes)
    least, most = np.full((2, count), [[9], [-9]])
    np.minimum.at(least, layers.body[layers.told], layers.own[layers.told])
    np.maximum.at(most, layers.body[layers.told], layers.own[layers.told])
    simple = (least == most) & ((least == 0) | (least == 1))
    simple &= ~_members(count, bodies.label[crossings.own])
    solid: Booleans = np.where(simple, least == 1, bodies.volumes > 0)
    return solid, simple
