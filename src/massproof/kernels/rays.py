"""Rays from just below the faces of a surface, each along the axis nearest to the normal, and the faces they may meet.

A ray runs through the middle of its face, rounded: a point like any other, as long as it lies strictly inside. Where it
does not, in a needle, the ray runs through the exact middle, and the rounded one tells where that is but for a slack.
"""

from typing import NamedTuple

import numpy as np

from massproof.kernels.jit import entry, kernel
from massproof.kernels.predicates import TINY, TURN_BOUND, turns
from massproof.kernels.tree import DEPTH, WIDTH, lowest_bit, meeting, next_leaf

_SLACK = 16 * 2.0**-53  # of the largest coordinate; a middle is off by half as much at most
_KEPT = 64  # faces that are surely beside a ray are passed over in the time that another takes afterwards
_CHUNK = 1 << 16  # pairs that numpy looks at in one go
_ROOM = 1 << 14  # pairs there is memory for at first


class Rays(NamedTuple):
    """Where rays start and run."""

    faces: np.ndarray  # (Q,) int64: below which faces they start
    axis: np.ndarray  # (Q,) int64: along which axis they run
    start: np.ndarray  # (2, Q) float64: where, along the next axis and the one after that
    slack: np.ndarray  # (Q,) float64: how far from there the ray may be; 0: it is there


def from_middles(surface, chosen):
    """Rays from below `chosen` faces (Q,), which have an area."""
    a, b, c = (surface.vertices[surface.faces[chosen, k]].T for k in range(3))
    (ux, uy, uz), (wx, wy, wz) = b - a, c - a
    axis = np.argmax(np.abs([uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx]), axis=0)
    middle = a + ((b - a) + (c - a)) / 3
    rows = np.arange(len(chosen))
    start = np.stack([middle[(axis + 1) % 3, rows], middle[(axis + 2) % 3, rows]])
    flat = turned(surface, chosen, axis)[:2]
    way = turns(*(flat[:, :, k] for k in range(3)))
    inside = (way != 0) & (turns(flat, np.roll(flat, -1, axis=2), start[..., None]) == way[:, None]).all(
        axis=1
    )
    return Rays(chosen, axis, start, np.where(inside, 0.0, _SLACK * np.abs(flat).max(axis=(0, 2))))


def turned(surface, faces, axis):
    """Corners (3, n, 3) of faces, their coordinates turned so that `axis` comes last."""
    place = 3 * surface.faces[faces].astype(np.int64)
    flat = surface.vertices.ravel()
    return np.stack([flat[place + ((axis + k) % 3)[:, None]] for k in (1, 2, 0)])


def columns(surface, rays):
    """Boxes (Q, 6) on the grid around rays, a step wider than they may be, as long as their faces are."""
    rows = np.arange(len(rays.faces))
    points = np.zeros((2, len(rows), 3))
    for k in range(2):
        sign = 2 * k - 1
        points[k, rows, (rays.axis + 1) % 3] = rays.start[0] + sign * rays.slack
        points[k, rows, (rays.axis + 2) % 3] = rays.start[1] + sign * rays.slack
    column = np.hstack([surface.grid.rounded(points[0]) - 1, surface.grid.rounded(points[1]) + 1])
    for axis in (rays.axis, rays.axis + 3):
        column[rows, axis] = surface.boxes.rows[rays.faces, axis]
    return column


def candidates(surface, bodies, label, rays, limit):
    """Pairs (n, 2) of a ray and a face that it may meet, of a body around its start; None when it is too much.

    bodies : their `tree.Boxes`, on the grid of the surface;  label : (F,) int64, body of each face
    limit : how many faces may be looked at; those that are kept count more
    returns the pairs, and how much of the limit they took
    """
    column = columns(surface, rays)
    around = bodies.meeting(column, limit)  # a body that does not reach the start has no part in this
    if around is None:
        return None, limit
    left = limit - len(around)
    long, rows = column.copy(), np.arange(len(column))  # up to where it has left all bodies around its start
    top = column[rows, rays.axis + 3]
    np.maximum.at(top, around[:, 0], bodies.rows[around[:, 1], rays.axis[around[:, 0]] + 3])
    long[rows, rays.axis + 3] = top
    look = _looked_up if surface.boxes.crowded(long) else _swept
    pairs, work = look(surface, bodies, label, rays, column, long, left)
    return (pairs if work <= left else None), len(around) + work


def _looked_up(surface, bodies, label, rays, column, long, most):
    """The pairs, by compiled code."""
    tree, stack, work, room = surface.boxes.tree, np.empty(DEPTH, np.int64), np.zeros(1, np.int64), _ROOM
    start = np.ascontiguousarray(rays.start.T)
    while True:
        out = np.empty((room, 2), np.int64)
        aim = column, long, rays.axis, start, rays.slack
        ground = surface.vertices, surface.faces, label, bodies.rows
        room = meet(tree.nodes, tree.starts, tree.order, *aim, *ground, most, stack, work, out)
        if room <= len(out):
            return out[:room], int(work[0])


def _swept(surface, bodies, label, rays, column, long, _):
    """The pairs, in numpy, where they are few."""
    found = surface.boxes.meeting(long)
    kept = [np.empty((0, 2), np.int64)]
    for i in range(0, len(found), _CHUNK):
        pairs = found[i : i + _CHUNK]
        body, here = bodies.rows[label[pairs[:, 1]]], column[pairs[:, 0]]
        pairs = pairs[((body[:, :3] <= here[:, 3:]) & (body[:, 3:] >= here[:, :3])).all(axis=1)]
        kept.append(pairs[~_beside(surface, rays, pairs)])
    pairs = np.concatenate(kept)
    return pairs, len(found) + _KEPT * len(pairs)


def _beside(surface, rays, pairs):
    """As `surely_beside`, for pairs (n, 2) of a ray and a face."""
    ray, face = pairs.T
    slack, place = rays.slack[ray], 3 * surface.faces[face].T.astype(np.int64)
    flat = surface.vertices.ravel()
    x, y = (flat[place + (rays.axis[ray] + k) % 3] for k in (1, 2))
    ux, uy = (np.roll(z, -1, axis=0) - z for z in (x, y))
    wx, wy = (point - z for point, z in zip(rays.start[:, ray], (x, y), strict=True))
    p, q = ux * wy, uy * wx
    bound = TURN_BOUND * (abs(p) + abs(q)) + slack * (abs(ux) + abs(uy)) + TINY
    return (p - q > bound).any(axis=0) & (q - p > bound).any(axis=0)


@entry(
    "i4[:,6,8] i8[:] i8[:] i4[:,6] i4[:,6] i8[:] f8[:,2] f8[:] f8[:,3] i4[:,3] i8[:] i4[:,6] i8 i8[:] i8[1] i8[:,2]"
)
def meet(
    nodes,
    starts,
    order,
    column,
    long,
    axis,
    start,
    slack,
    vertices,
    faces,
    label,
    bodies,
    most,
    stack,
    work,
    out,
):
    """Pairs of a ray and a face that it may meet; returns how many there are, also when they do not fit.

    column, long : boxes around the starts, and around what rays may have to do with;  stack : memory
    work : how much was done; ends when that is more than `most`;  out : filled as far as it goes
    """
    count = work[0] = 0
    for row in range(len(long)):
        stack[0] = (len(starts) - 2) << 40
        waiting = 1
        while True:
            leaf, waiting = next_leaf(nodes, starts, long, row, 0, stack, waiting)
            if leaf < 0 or work[0] > most:
                break
            mask = meeting(nodes, leaf, long, row)
            while mask:
                face = order[WIDTH * leaf + lowest_bit(mask)]
                mask &= mask - 1
                work[0] += 1
                if not reaches(bodies, label[face], column, row):
                    continue
                if surely_beside(vertices, faces, face, axis[row], start[row, 0], start[row, 1], slack[row]):
                    continue
                if count < len(out):
                    out[count, 0], out[count, 1] = row, face
                count += 1
                work[0] += _KEPT
    return count


@kernel
def reaches(boxes, i, others, j):
    """Whether two boxes meet."""
    meet = True
    for k in range(3):
        meet = meet and boxes[i, k] <= others[j, k + 3] and boxes[i, k + 3] >= others[j, k]
    return meet


@kernel
def surely_beside(vertices, faces, face, axis, px, py, slack):
    """Whether a ray passes a face: on one side of one of its edges, on the other side of another."""
    x, y = (axis + 1) % 3, (axis + 2) % 3
    left, right = False, False
    for k in range(3):
        i, j = faces[face, k], faces[face, (k + 1) % 3]
        ux, uy = vertices[j, x] - vertices[i, x], vertices[j, y] - vertices[i, y]
        p, q = ux * (py - vertices[i, y]), uy * (px - vertices[i, x])
        bound = TURN_BOUND * (abs(p) + abs(q)) + slack * (abs(ux) + abs(uy)) + TINY
        left, right = left or p - q > bound, right or q - p > bound
    return left and right
