"""Which parts of a tree are meant: by their names, or by their numbers in its order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from massproof.errors import UsageError
from massproof.scene import Occurrence

Parts = str | int | Sequence[str | int]

_LISTED = 40  # nodes that a message names


def nodes(roots: Sequence[Occurrence]) -> Iterator[Occurrence]:
    """Every node of a tree, groups before what is in them."""
    waiting = list(reversed(roots))
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.children)


def meshes(roots: Sequence[Occurrence]) -> dict[int, Occurrence]:
    """By its number each node that has a mesh of its own."""
    return {number: node for number, node in enumerate(nodes(roots)) if node.definition is not None}


def selected(roots: Sequence[Occurrence], parts: Parts) -> tuple[Occurrence, ...]:
    """The tree with nothing but some of its nodes and what is below these, where they stand.

    parts : names, each of all nodes that have it; and numbers in the order of `nodes`, the first 0. A text that is
        the name of none, but a number, is one.

    Raises UsageError for what there is not, with what there is.
    """
    names = [node.name for node in nodes(roots)]
    given = [parts] if isinstance(parts, (str, int)) else parts
    wanted = {number for part in given for number in _numbers(part, names)}
    return _kept(roots, wanted, iter(range(len(names))))


def visible(roots: Sequence[Occurrence]) -> tuple[Occurrence, ...]:
    """The tree without what its file hides, and without groups of which nothing is left."""
    found = (
        replace(node, definition=None if node.hidden else node.definition, children=visible(node.children))
        for node in roots
    )
    return tuple(node for node in found if node.definition is not None or node.children)


def _numbers(part: str | int, names: Sequence[str]) -> list[int]:
    """Numbers of the nodes that a name or number means."""
    found = [number for number, name in enumerate(names) if name == part]
    number = int(part) if isinstance(part, int) or part.isdecimal() else -1
    if not found and 0 <= number < len(names):
        found = [number]
    if not found:
        listed = ", ".join(f"{number} {name!r}" for number, name in enumerate(names[:_LISTED]))
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        msg = f"there is no part {part!r}; name one of these, or give its number: {listed}{more}"
        raise UsageError(msg)
    return found


def _kept(roots: Sequence[Occurrence], wanted: set[int], numbers: Iterator[int]) -> tuple[Occurrence, ...]:
    """What is wanted of a tree, whose nodes have the next numbers."""
    found: list[Occurrence] = []
    for node in roots:
        if next(numbers) in wanted:
            found.append(node)
            for _ in nodes(node.children):
                next(numbers)
        elif children := _kept(node.children, wanted, numbers):
            found.append(replace(node, definition=None, children=children))
    return tuple(found)
