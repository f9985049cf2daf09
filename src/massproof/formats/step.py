"""STEP, ISO 10303-21. OCCT reads it; what would crash it or be dropped is refused here."""

from __future__ import annotations

import dataclasses
import math
import re
from graphlib import CycleError, TopologicalSorter

import numpy as np

from massproof import occt
from massproof.brep import Brep
from massproof.errors import FormatError

SUFFIXES = (".step", ".stp")

MAX_NESTING = 1000  # parentheses; OCCT overflows its stack at 100 000, real files nest 5 deep

_BOM = b"\xef\xbb\xbf"
_START = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|/\*.*?\*/)*ISO-10303-21\b", re.DOTALL)
_QUOTED = re.compile(rb"'[^']*'|/\*.*?\*/", re.DOTALL)
_INSTANCE = re.compile(rb"\s*#(\d{1,18})\s*=\s*(.*)", re.DOTALL)
_REFERENCE = re.compile(rb"#(\d{1,18})(?!\d)")
_LONG_EXPONENT = re.compile(rb"(?<!\d)\d+\.?\d*[Ee]\+?\d{3,}")
_MEASURE = re.compile(rb"MEASURE(?:_WITH_UNIT)?\s*\(\s*([-+.\dEe]+)")
_SPACE = re.compile(rb"GEOMETRIC_REPRESENTATION_CONTEXT\s*\(\s*3\s*\)")
_SOLIDS = (b"MANIFOLD_SOLID_BREP", b"BREP_WITH_VOIDS", b"FACETED_BREP")


def sniff(data: memoryview) -> bool:
    """Whether `data` looks like STEP, from its first bytes only."""
    return bool(_START.match(bytes(data[:4096])))


def read(data: memoryview) -> Brep:
    """Read a STEP file; coordinates come out in millimetres.

    Raises FormatError when it is no STEP file, cut short, not well-formed, refers to what it does
    not define, contains itself, or holds nothing that has an area; MissingExtra without OCP.
    """
    view = bytes(data).removeprefix(_BOM)
    if not sniff(memoryview(view)):
        msg = f"not a STEP file: it begins with {view[:16]!r}, expected ISO-10303-21; check what was exported"
        raise FormatError(msg)
    text = _QUOTED.sub(b" ", view)
    _check_syntax(view, text)
    instances = _instances(text)
    _check_references(text, instances)
    _check_structure(instances)
    _check_units(instances)
    brep = occt.read(view)
    return dataclasses.replace(brep, notes=brep.notes + tuple(_notes(instances, brep)))


def _check_syntax(data: bytes, text: bytes) -> None:
    """Refuse what the parser behind would crash on, or reject without a reason."""
    size = f"{len(data)} bytes"
    if b"/*" in text:
        msg = f"STEP file with a comment that never ends, in {size}; export or copy it again"
        raise FormatError(msg)
    if b"END-ISO-10303-21" not in text:
        inside = ", inside a string" if b"'" in text else ""
        msg = (
            f"STEP file cut short (truncated){inside}: {size} without the closing "
            "END-ISO-10303-21; export or copy it again"
        )
        raise FormatError(msg)
    if re.match(rb"\s*ISO-10303-21\s*;\s*header\b", text):
        msg = "STEP syntax error: keywords in lower case, expected HEADER; export it again"
        raise FormatError(msg)
    if not re.search(rb"\bHEADER\s*;", text):
        msg = f"STEP file without a HEADER section in its {size}; export it again"
        raise FormatError(msg)
    if not re.search(rb"\bDATA\s*[;(]", text):
        msg = f"STEP file without a DATA section: its {size} hold no geometry; export it again"
        raise FormatError(msg)
    depth = _nesting(text)
    if depth > MAX_NESTING:
        msg = f"STEP file nested {depth} deep, the limit is {MAX_NESTING}; export it again"
        raise FormatError(msg)
    for number in _LONG_EXPONENT.findall(text):
        if not math.isfinite(float(number)):
            msg = f"STEP file with a number out of range, {number.decode()}; export it again"
            raise FormatError(msg)


def _nesting(text: bytes) -> int:
    """Deepest nesting of parentheses, block by block so that memory stays small."""
    level = deepest = 0
    for start in range(0, len(text), 1 << 20):
        block = np.frombuffer(text, np.uint8, count=min(1 << 20, len(text) - start), offset=start)
        steps = (block == ord("(")).astype(np.int32) - (block == ord(")"))
        levels = np.cumsum(steps)
        deepest = max(deepest, level + int(levels.max()))
        level += int(levels[-1])
    return deepest


def _instances(text: bytes) -> dict[int, bytes]:
    """What each instance is defined as: `LINE( ,#3,#4)`, without strings and comments."""
    instances: dict[int, bytes] = {}
    for record in text.split(b";"):
        match = _INSTANCE.match(record)
        if match:
            number = int(match[1])
            if number in instances:
                msg = f"STEP file with a duplicate: #{number} is defined twice; export it again"
                raise FormatError(msg)
            instances[number] = match[2]
    return instances


def _references(body: bytes) -> list[int]:
    return [int(number) for number in _REFERENCE.findall(body)]


def _check_references(text: bytes, instances: dict[int, bytes]) -> None:
    """Nothing is missing, and no oriented edge is made of another."""
    missing = set(map(int, set(_REFERENCE.findall(text)))) - instances.keys()
    if missing:
        msg = (
            f"STEP file with {len(missing)} undefined references, the first #{min(missing)}: it "
            "was cut or edited; export it again"
        )
        raise FormatError(msg)
    for number, body in instances.items():
        edge = _references(body)[-1:] if body.startswith(b"ORIENTED_EDGE") else []
        if edge and instances[edge[0]].startswith(b"ORIENTED_EDGE"):
            # ISO 10303-42 forbids it, and OCCT overflows its stack on a ring of them
            msg = (
                f"STEP file with a reference from one ORIENTED_EDGE, #{number}, to another, "
                f"#{edge[0]}, expected an EDGE_CURVE; export it again"
            )
            raise FormatError(msg)


def _check_structure(instances: dict[int, bytes]) -> None:
    """No assembly contains itself, nor more parts than OCCT, which copies mapped items, survives."""
    counts: dict[int, int] = {}
    members = _members(instances)
    try:
        for number in TopologicalSorter(members).static_order():
            counts[number] = max(1, sum(counts[member] for member in members.get(number, ())))
    except CycleError as error:
        ring = " > ".join(f"#{number}" for number in error.args[1][:8])
        msg = f"STEP assembly that contains itself, a cycle: {ring}; export it again"
        raise FormatError(msg) from error
    most = max(counts.values(), default=0)
    if most > occt.MAX_OCCURRENCES:
        msg = (
            f"STEP file with too many occurrences: {most} placed parts, the limit is "
            f"{occt.MAX_OCCURRENCES}; export the sub-assemblies one by one"
        )
        raise FormatError(msg)


def _members(instances: dict[int, bytes]) -> dict[int, list[int]]:
    """What is placed in what: product in product, mapped item in representation in mapped item."""
    mapped = {n for n, body in instances.items() if body.startswith(b"MAPPED_ITEM")}
    members: dict[int, list[int]] = {}
    for number, body in instances.items():
        if body.startswith(b"NEXT_ASSEMBLY_USAGE_OCCURRENCE"):
            whole, *parts = _references(body)[:2] or [number]
            members.setdefault(whole, []).extend(parts)
        elif number in mapped:
            members[number] = _references(body)[:1]
        elif body.startswith(b"REPRESENTATION_MAP"):
            members[number] = _references(body)[1:2]
        elif mapped and b"REPRESENTATION" in body:
            members[number] = [member for member in _references(body) if member in mapped]
    return members


def _check_units(instances: dict[int, bytes]) -> None:
    """Refuse conversion factors that are no factors: OCCT computes with 0 and with −25.4."""
    for body in instances.values():
        at = body.find(b"CONVERSION_BASED_UNIT")
        for number in _references(body[at:])[:1] if at >= 0 else ():
            factor = _MEASURE.search(instances[number])
            if factor and not 0 < _number(factor[1]) < math.inf:
                msg = (
                    f"STEP file with a unit whose conversion factor, in #{number}, is "
                    f"{factor[1].decode()}, expected more than 0; export it again"
                )
                raise FormatError(msg)


def _number(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _notes(instances: dict[int, bytes], brep: Brep) -> list[tuple[str, str, dict[str, int]]]:
    """What the file states and the shapes do not show."""
    notes: list[tuple[str, str, dict[str, int]]] = []
    written = sum(body.startswith(_SOLIDS) for body in instances.values())
    made = occt.definitions(brep.solids)
    if made < written:
        why = f"of {written} solids in the file {made} could be made; the others are not closed"
        notes.append(("solids-missing", why, {"expected": written, "found": made}))
    spaces = [body for body in instances.values() if _SPACE.search(body)]
    bare = sum(b"GLOBAL_UNIT_ASSIGNED_CONTEXT" not in body for body in spaces)
    if bare and brep.declared:
        why = f"{bare} of {len(spaces)} geometric contexts state no unit; millimetre is assumed there"
        notes.append(("unit-assumed", why, {"contexts": len(spaces), "without": bare}))
    return notes
