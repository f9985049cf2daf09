"""ISO 10303-21 files, as STEP's are: bytes to `Entities`, or why not.

Checked are the grammar, that no instance is defined twice and that none is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from massproof.entities import Entities
from massproof.errors import FormatError
from massproof.kernels import part21 as kernels
from massproof.kernels import schema, signatures, tokens
from massproof.kernels.numbers import powers
from massproof.kernels.text import PADDING

MAX_NESTING = 32  # lists in lists: several times as deep as any that ISO 10303 defines
MAX_STRING = 1 << 16  # bytes between quotes
MAX_ENTITIES = 20_000_000  # a gigabyte of text or more
_COPIED = 1 << 14  # bytes that are copied sooner than read in two parts
_UNSURE = 512  # numbers of a file that may be unusual before there is more room
_NOWHERE = 1 << 62
_QUOTED = re.compile(rb"'(?:[^']|'')*'|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(rb"'[^']*(?:''[^']*)*'")
_NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_EXPECTED = {
    kernels.NO_NAME: "#number or a keyword",
    kernels.NO_EQUALS: "= after the number",
    kernels.NO_KEYWORD: "the name of a type",
    kernels.NO_OPEN: "( after a name",
    kernels.NO_VALUE: "a value",
    kernels.NO_COMMA: "a comma or ) after a value",
    kernels.NO_SEMICOLON: "a semicolon",
}
_COMMON = "STEP syntax error"


@cache
def _names() -> npt.NDArray[np.uint64]:
    found: npt.NDArray[np.uint64] = tokens.names([*tokens.own_names(), *schema.TYPES.items()])
    return found


def read(data: bytes | memoryview) -> Entities:
    """Read all instances of a file.

    Raises FormatError for a file that is cut short or not of this grammar, for a number that is out of range,
    for lists nested deeper than MAX_NESTING, for strings longer than MAX_STRING, for more than MAX_ENTITIES, for a
    duplicate and for a reference to nothing.
    """
    view = memoryview(data).cast("B")
    letters = np.frombuffer(view, np.uint8) if len(view) else np.zeros(0, np.uint8)
    rows, kinds, values = _records(view, letters)
    _check_sections(view, rows)
    _check_sizes(view, rows, kinds, values)
    _resolve(rows, kinds, values)
    checked = np.empty(len(rows), np.int8)
    signatures.verify(
        *(rows, len(rows), kinds, values),
        *(schema.SIGNATURES, schema.PARTS, schema.MEMBERS, checked),
    )
    return Entities(view, rows, kinds, values, checked, *_by_type(rows))


def _by_type(rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int32], dict[str, slice]]:
    """Rows by type, and where among them those of each type are."""
    order, places = np.empty(len(rows), np.int32), np.zeros(tokens.CODES + 2, np.int64)
    signatures.by_type(rows, len(rows), places, order)
    used = np.flatnonzero(np.diff(places))
    found = zip(used.tolist(), places[used].tolist(), places[used + 1].tolist(), strict=True)
    return order, {schema.NAMES[code]: slice(a, b) for code, a, b in found if code in schema.NAMES}


def _records(view: memoryview, letters: npt.NDArray[np.uint8]) -> tuple[Any, Any, Any]:
    """Rows and tokens of a text; references are still numbers."""
    commas, opening, closing, semicolons = _marks(letters)
    rows = np.empty((semicolons + 2, 4), np.int64)
    size = commas + 3 * opening + closing + 8
    kinds, values = np.empty(size, np.uint8), np.empty(size)  # only what is written takes memory
    state = np.zeros(5, np.int64)
    state[3] = 3 if bytes(view[:3]) == b"\xef\xbb\xbf" else 0
    unsure = np.empty((_UNSURE, 3), np.int64)
    status, shift = kernels.CUT, 0
    if len(letters) > _COPIED:
        last = len(letters) - PADDING
        status, unsure = _run(letters, last, 0, rows, kinds, values, unsure, state)
        shift = int(state[3]) if status == kernels.CUT else 0
    if status == kernels.CUT:  # the last record, or a small file, with room to look ahead
        tail = np.concatenate([letters[shift:], np.zeros(PADDING, np.uint8)])
        state[3] -= shift
        status, unsure = _run(tail, len(tail) - PADDING, shift, rows, kinds, values, unsure, state)
    _settle(view, unsure[: state[2]], values)
    if status != kernels.DONE:
        raise FormatError(_why(view, status, int(state[3]) + shift, int(state[4]) + shift))
    return rows[: state[0]], kinds[: state[1]], values[: state[1]]


def _run(
    letters: npt.NDArray[np.uint8],
    last: int,
    shift: int,
    rows: npt.NDArray[np.int64],
    kinds: npt.NDArray[np.uint8],
    values: npt.NDArray[np.float64],
    unsure: npt.NDArray[np.int64],
    state: npt.NDArray[np.int64],
) -> tuple[int, npt.NDArray[np.int64]]:
    """Call the kernel, with more room for unusual numbers when it asks for that."""
    stack = np.empty(MAX_NESTING, np.int64)
    while True:
        status = kernels.records(
            *(letters, last, shift, rows, kinds, values, unsure, stack, _names(), powers(), state)
        )
        if status != kernels.FULL:
            return status, unsure
        unsure = np.concatenate([unsure, np.empty_like(unsure)])


def _marks(letters: npt.NDArray[np.uint8]) -> Iterator[int]:
    counts, whole = np.zeros(4, np.int64), len(letters) // 64 * 64
    kernels.marks(letters, whole, counts)
    rest = letters[whole:].tobytes()
    return (
        int(count) + rest.count(mark) for count, mark in zip(counts, (b",", b"(", b")", b";"), strict=True)
    )


def _settle(view: memoryview, unsure: npt.NDArray[np.int64], values: npt.NDArray[np.float64]) -> None:
    """Read what the kernel was not sure of as Python does."""
    for start, stop, token in unsure.tolist():
        found = bytes(view[start:stop])
        if not _NUMBER.fullmatch(found):
            msg = f"{_COMMON} {_place(view, start)}: expected a number, found {found[:40]!r}; export it again"
            raise FormatError(msg)
        values[token] = float(found)
        if not np.isfinite(values[token]):
            msg = f"STEP file with a number out of range, {found[:40].decode()}; export it again"
            raise FormatError(msg)


def _depth(text: bytes) -> int:
    """How many lists are open at most."""
    letters = np.frombuffer(text, np.uint8)
    steps = (letters == ord("(")).astype(np.int64) - (letters == ord(")"))
    return int(np.cumsum(steps).max())


def _place(view: memoryview, at: int) -> str:
    return f"at byte {at}, line {bytes(view[:at]).count(10) + 1}"


def _why(view: memoryview, status: int, start: int, at: int) -> str:
    """Why the record that begins at `start` could not be read."""
    if status == kernels.CUT:
        rest = _QUOTED.sub(b" ", bytes(view[start:]))
        inside = ", inside a string" if b"'" in rest.partition(b"/*")[0] else ""
        if b"/*" in rest and not inside:
            return f"STEP file with a comment that never ends, in {len(view)} bytes; export or copy it again"
        return (
            f"STEP file cut short (truncated){inside}: {len(view)} bytes without the closing "
            "END-ISO-10303-21; export or copy it again"
        )
    if status == kernels.DEEP:
        depth = _depth(_QUOTED.sub(b" ", bytes(view[start:])))
        return (
            f"STEP file nested {depth} deep {_place(view, at)}, the limit is {MAX_NESTING}; export it again"
        )
    found = bytes(view[at : at + 24])
    record = re.match(rb"\s*(#\d+)", bytes(view[start : start + 80]))
    inside = f" in {record[1].decode()}" if record else ""
    return f"{_COMMON} {_place(view, at)}{inside}: expected {_EXPECTED[status]}, found {found!r}; export it again"


def _check_sections(view: memoryview, rows: npt.NDArray[np.int64]) -> None:
    """Refuse a file without the sections that it must have."""
    statements = set(rows[rows[:, 0] < 0, 1].tolist())
    for name in ("HEADER", "DATA"):
        if schema.TYPES[name] not in statements:
            msg = f"STEP file without a {name} section in its {len(view)} bytes; export it again"
            raise FormatError(msg)


def _check_sizes(
    view: memoryview,
    rows: npt.NDArray[np.int64],
    kinds: npt.NDArray[np.uint8],
    values: npt.NDArray[np.float64],
) -> None:
    """Refuse strings and files that are larger than any of use, and than what reads them next may survive."""
    if len(rows) > MAX_ENTITIES:
        msg = f"STEP file with {len(rows)} entities, the limit is {MAX_ENTITIES}; export the parts one by one"
        raise FormatError(msg)
    ends, lasts = np.append(rows[1:, 3], len(view)), np.append(rows[1:, 2], len(kinds))
    for row in np.flatnonzero(ends - rows[:, 3] > MAX_STRING).tolist():
        own = slice(int(rows[row, 2]), int(lasts[row]))
        starts = values[own][kinds[own] == tokens.STRING].astype(np.int64)
        far = np.diff(np.append(starts, ends[row])) > MAX_STRING
        for start in starts[far].tolist():
            match = _STRING.match(view, start)
            length = match.end() - start - 2 if match else 0
            if length > MAX_STRING:
                msg = (
                    f"STEP file with a string of {length} bytes {_place(view, start)}, the limit is {MAX_STRING}; "
                    "export it again"
                )
                raise FormatError(msg)


def _resolve(
    rows: npt.NDArray[np.int64], kinds: npt.NDArray[np.uint8], values: npt.NDArray[np.float64]
) -> None:
    """Turn references into rows; refuse duplicates and what is not there."""
    found = np.array([0, _NOWHERE, 0, _NOWHERE])
    most = int(rows[:, 0].max(initial=0))
    if most <= 16 * len(rows) + 4096:
        index = np.full(most + 1, -1, np.int32)
        kernels.resolve(rows, len(rows), kinds, values, len(kinds), index, found)
    else:
        _resolve_sparse(rows, kinds, values, found)
    if found[0]:
        number = rows[found[1], 0]
        msg = f"STEP file with a duplicate: #{number} is defined twice; export it again"
        raise FormatError(msg)
    if found[2]:
        msg = (
            f"STEP file with {found[2]} undefined references, the first #{found[3]}: it "
            "was cut or edited; export it again"
        )
        raise FormatError(msg)


def _resolve_sparse(
    rows: npt.NDArray[np.int64],
    kinds: npt.NDArray[np.uint8],
    values: npt.NDArray[np.float64],
    found: npt.NDArray[np.int64],
) -> None:
    """What `kernels.resolve` does, for numbers that are too far apart for a table of them."""
    instances = np.flatnonzero(rows[:, 0] >= 0)
    numbers = rows[instances, 0]
    order = np.argsort(numbers, kind="stable")
    again = order[1:][numbers[order[1:]] == numbers[order[:-1]]]
    if len(again):
        found[:2] = len(again), instances[again].min()
    places = np.flatnonzero(kinds == tokens.REFERENCE)
    wanted = values[places].astype(np.int64)
    at = np.minimum(np.searchsorted(numbers[order], wanted), len(order) - 1)
    there = numbers[order[at]] == wanted
    values[places] = np.where(there, instances[order[at]], -1)
    if not there.all():
        found[2:] = np.count_nonzero(~there), wanted[~there].min()
