"""Exact solids as a kernel hands them over: opaque shapes, already in one unit and one frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from massproof.errors import Note


@dataclass(frozen=True, eq=False, slots=True)
class Brep:
    """The solids and free shells of one file or one CAD object, placed in its frame.

    A solid that occurs n times is listed n times, each with its own placement; who integrates may
    recognise the shared definition and measure it once.
    """

    solids: tuple[Any, ...]  # placed kernel shapes
    shells: tuple[Any, ...]  # surfaces that bound no solid: area yes, volume no
    unit: str | None  # length unit of the shapes' coordinates; None when the source has none
    declared: str  # what the source itself says of its unit, "" when it says nothing
    notes: tuple[Note, ...] = ()  # what the reader noticed
