"""What an imperfect surface still defines: cracks closed, winding made consistent, holes capped; always said.

Each step is a finding, and states what it assumes or how far it can have changed the volume.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from massproof import bounds
from massproof.bounds import Cause, Faces, Sums
from massproof.errors import Note
from massproof.kernels import topology
from massproof.kernels.edges import Sides
from massproof.mass import Array

# Parts of the diagonal within which corners of open edges are taken as one, smallest first. Nearly all
# exporters compute in float32, whose step is 1.2e-7 of the size of the part.
LADDER = (1e-8, 1e-7, 1e-6)


class Surface(NamedTuple):
    """Triangles that share corners, and how their edges match."""

    vertices: Array
    faces: Faces
    sides: Sides
    edges: topology.Edges


def surface(vertices: Array, faces: Faces) -> Surface:
    """Faces with how their edges match; those that name a corner twice must be gone."""
    sides = topology.paired(faces, len(vertices))
    return Surface(vertices, faces, sides, topology.match_edges(faces, len(vertices), sides))


def close_cracks(found: Surface, sums: Sums, weld: float | None, notes: list[Note]) -> tuple[Surface, Cause]:
    """The surface with corners of open edges merged, if a small enough tolerance closes it.

    sums : of the surface as it is;  weld : a tolerance that was asked for, in the unit of the coordinates
    returns the surface and what moving its corners can have changed
    """
    size = np.ptp(found.vertices, axis=0)
    diagonal = float(np.sqrt((size * size).sum()))
    for step in [part * diagonal for part in LADDER] + [weld] * (weld is not None):
        if not (step and found.edges.boundary):
            break
        merged, move = topology.weld_within(
            found.vertices, found.faces, np.unique(found.edges.open_pairs), step
        )
        kept = merged[~topology.degenerate(merged)]
        if not len(kept):
            break
        closed = surface(found.vertices, kept)
        if closed.edges.boundary or (closed.edges.unbalanced and not closed.edges.inconsistent):
            continue
        touched = found.faces[(merged != found.faces).any(axis=1)]
        around = bounds.integrate(found.vertices, touched, sums.origin, sums.reach)
        text = (
            f"{found.edges.boundary} of {found.edges.total} edges match only after corners within {step:.2g} "
            f"({step / diagonal:.0e} of the diagonal) were taken as one; none moved by more than {move:.2g}"
        )
        evidence = {"open_edges": found.edges.boundary, "largest_gap": move, "tolerance": step}
        notes.append(("closed-within-tolerance", text, evidence))
        return closed, bounds.moved(around, move, sums.reach)._replace(area=0.0, box=0.0)
    return found, Cause()


def reorient(found: Surface, notes: list[Note], *, holes: bool = False) -> Surface:
    """The surface with its winding made consistent, body by body; what had to be turned encloses a positive volume.

    holes : whether a surface that has holes is turned too
    """
    if not found.edges.inconsistent or (found.edges.boundary and not holes):
        return found
    flip, conflicts, label = topology.oriented(found.faces, len(found.vertices), found.sides)
    if conflicts:
        return found
    turned = _turned(found.faces, flip)
    # A body that was not turned keeps its sign: it may be a cavity. Of one that was, neither sign is known.
    mixed = np.zeros(label.max() + 1, np.bool_)
    mixed[label[flip]] = True
    low, high = found.vertices.min(axis=0), found.vertices.max(axis=0)
    signed = np.zeros(len(mixed))
    np.add.at(signed, label, bounds.volumes(found.vertices, turned, low + (high - low) / 2))
    inwards = mixed & (signed < 0)
    turned = _turned(turned, inwards[label])
    result = surface(found.vertices, turned)
    if result.edges.inconsistent or result.edges.unbalanced > result.edges.boundary:
        return found
    count = int((turned != found.faces).any(axis=1).sum())
    text = (
        f"{count} of {len(turned)} faces were wound against their neighbours and were turned, in "
        f"{int(mixed.sum())} of {len(mixed)} bodies; which side of those is inside is assumed"
    )
    evidence = {"faces": count, "inconsistent_edges": found.edges.inconsistent, "bodies": int(mixed.sum())}
    notes.append(("reoriented", text, evidence))
    return result


def _turned(faces: Faces, flip: npt.NDArray[np.bool_]) -> Faces:
    turned: Faces = np.where(flip[:, None], faces[:, ::-1], faces)
    return np.ascontiguousarray(turned)


def cap_holes(found: Surface, sums: Sums, notes: list[Note]) -> tuple[Surface, Cause]:
    """The surface with a fan over each hole, and the volume which that leaves in doubt.

    The missing patch is taken to stay within the ball round the middle of its rim that reaches the farthest
    corner of it: the fan can be wrong by half of that ball, whatever the place of the part.
    """
    if not found.edges.boundary or found.edges.unbalanced > found.edges.boundary:
        return found, Cause()
    missing, hole = topology.boundary(found.faces, len(found.vertices), found.sides)
    count = int(hole.max()) + 1
    ends = found.vertices[missing]
    weight = np.bincount(hole, minlength=count)
    middle = np.stack([np.bincount(hole, ends[:, 0, k], count) / weight for k in range(3)], axis=1)
    reach = np.sqrt(((ends - middle[hole][:, None]) ** 2).sum(axis=2)).max(axis=1)
    radius = np.zeros(count)
    np.maximum.at(radius, hole, reach)
    tips = (len(found.vertices) + hole).astype(np.int32)
    fans = np.concatenate([missing.astype(np.int32), tips[:, None]], axis=1)
    vertices = np.concatenate([found.vertices, middle])
    closed = surface(vertices, np.ascontiguousarray(np.concatenate([found.faces, fans])))
    balls = float((2 / 3 * np.pi * radius**3).sum())
    text = (
        f"{count} hole{'s' * (count != 1)} with {len(missing)} open edges were capped: the volume is an "
        f"estimate, off by up to {balls:.3g} if what is missing stays within a ball over each hole, the widest "
        f"{2 * radius.max():.3g}"
    )
    evidence = {"holes": count, "edges": len(missing), "widest": float(2 * radius.max()), "volume": balls}
    notes.append(("estimated", text, evidence))
    return closed, bounds.in_doubt(balls, sums.reach + 2 * float(radius.max()))
