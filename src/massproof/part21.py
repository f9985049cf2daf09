"""ISO 10303-21 files, as STEP's are: their instances by number and type, with the arguments of each.

`read` checks the grammar, that no instance is defined twice and that none is missing. What an instance of a
type must look like is `signatures`' to say: `Entities.checked` holds the answer, `Entities.problem` says it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from massproof.errors import FormatError
from massproof.kernels import part21 as kernels
from massproof.kernels import signatures
from massproof.kernels.numbers import powers
from massproof.kernels.text import PADDING

MAX_NESTING = 100  # lists in lists: ten times as deep as any that ISO 10303 defines

_UNSURE = 512  # numbers of a file that may be unusual before there is more room
_NOWHERE = 1 << 62
_QUOTED = re.compile(rb"'(?:[^']|'')*'|/\*.*?\*/", re.DOTALL)
_WHOLE = {
    ord("'"): re.compile(rb"'((?:[^']|'')*+)'", re.DOTALL),
    ord('"'): re.compile(rb'"([^"]*+)"'),
}
_NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_NAME = re.compile(rb"[!\w-]*")
_GAP = rb"(?:\s|/\*.*?\*/|\\[NF]\\)*"
_HEADING = re.compile(_GAP.join([b"", rb"(?:#\d+", b"=", rb")?([!\w-]*)"]), re.DOTALL)
_NAMES = {code: name for name, code in signatures.TYPES.items()}
_ESCAPE = re.compile(
    r"''|\\\\|\\P([A-I])\\|\\S\\(.)|\\X\\([0-9A-Fa-f]{2})|\\X([24])\\((?:[0-9A-Fa-f]{4})*)\\X0\\|\\[NF]\\",
    re.DOTALL,
)
_EXPECTED = {
    kernels.NO_NAME: "#number or a keyword",
    kernels.NO_EQUALS: "= after the number",
    kernels.NO_KEYWORD: "the name of a type",
    kernels.NO_OPEN: "( after a name",
    kernels.NO_VALUE: "a value",
    kernels.NO_COMMA: "a comma or ) after a value",
    kernels.NO_SEMICOLON: "a semicolon",
}
_OF_PARTS = {kernels.COMPLEX, *(signatures.TYPES[name] for name in signatures.OF_PARTS)}
_COMMON = "STEP syntax error"


class Row(int):
    """A reference to another instance: its row, −1 for none."""


class Word(str):
    """An enumeration, as .MILLI. is, without its points."""


class Typed(NamedTuple):
    """A value with the name of its type, as LENGTH_MEASURE(25.4)."""

    name: str
    value: Any


DERIVED = ...  # what * says: another argument decides it


@dataclass(frozen=True, eq=False, slots=True)
class Entities:
    """Instances of a file, one a row: those of all its sections in their order, and statements between."""

    data: memoryview
    rows: npt.NDArray[np.int64]  # (N, 4) number or −1 of a statement, code of the type, first token, position
    kinds: npt.NDArray[np.uint8]  # (T,) of the tokens, as `kernels.part21` has them
    values: npt.NDArray[np.float64]  # (T,) where references are rows
    checked: npt.NDArray[np.int8]  # (N,) 1: as its type says; 0: no type of shapes; −k: argument k is not
    counts: npt.NDArray[np.int64]  # how many instances and statements have each code

    def __len__(self) -> int:
        return len(self.rows)

    def number(self, row: int) -> int:
        """The number of an instance, as in #12; −1 of a statement."""
        return int(self.rows[row, 0])

    def of_type(self, *names: str) -> list[int]:
        """Rows of all instances of these types, in the order of the file.

        Those with several parts have the types that `signatures.OF_PARTS` gives them.
        """
        codes = [code for name in names if self.counts[code := signatures.TYPES[name]]]
        found = [np.flatnonzero(self.rows[:, 1] == code) for code in codes]
        return [] if not found else np.sort(np.concatenate(found)).tolist()

    def is_complex(self, row: int) -> bool:
        """Whether an instance is made of several parts."""
        return int(self.rows[row, 1]) in _OF_PARTS

    def type(self, row: int) -> str:
        """Type of an instance, in capitals; of one with several parts all of them, joined by +."""
        if row < 0 or row >= len(self.rows):
            return ""
        if self.is_complex(row):
            return "+".join(self.parts(row))
        code = int(self.rows[row, 1])
        if code in _NAMES:
            return _NAMES[code]
        match = _HEADING.match(self.data, int(self.rows[row, 3]))
        return match[1].decode("latin-1").upper() if match else ""

    def arguments(self, row: int) -> list[Any]:
        """Arguments of an instance: float, str, bool, Row, Word, Typed, bytes, None for $, DERIVED for *, lists.

        Of a complex one there are none: see `parts`.
        """
        first = int(self.rows[row, 2])
        if first >= self._end(row) or self.is_complex(row):
            return []
        return self._value(first)[0]  # type: ignore[no-any-return]

    def parts(self, row: int) -> dict[str, list[Any]]:
        """Arguments of each part of an instance; of a simple one, of its only part."""
        if not self.is_complex(row):
            return {self.type(row): self.arguments(row)}
        found: dict[str, list[Any]] = {}
        token, end = int(self.rows[row, 2]) + 1, int(self.values[self.rows[row, 2]]) - 1
        while token < end:
            value, token = self._value(token)
            found[value.name] = value.value
        return found

    def _end(self, row: int) -> int:
        return int(self.rows[row + 1, 2]) if row + 1 < len(self.rows) else len(self.kinds)

    def _value(self, token: int) -> tuple[Any, int]:
        """The value at a token, and the token after it."""
        kind, value = int(self.kinds[token]), self.values[token]
        if kind == kernels.LEFT:
            end, token, found = int(value) - 1, token + 1, []
            while token < end:
                one, token = self._value(token)
                found.append(one)
            return found, end + 1
        if kind == kernels.KEYWORD:
            inner, after = self._value(token + 1)
            return Typed(self._name_at(int(value) // kernels.CODES), inner), after
        return self._single(kind, value), token + 1

    def _single(self, kind: int, value: float) -> Any:
        if kind == kernels.NUMBER:
            return float(value)
        if kind == kernels.REFERENCE:
            return Row(value)
        if kind in (kernels.TRUE, kernels.FALSE):
            return kind == kernels.TRUE
        if kind == kernels.NOTHING:
            return None
        if kind == kernels.DERIVED:
            return DERIVED
        at = int(value)
        if kind == kernels.WORD:
            return Word(self._name_at(at))
        return self._quoted(at) if kind == kernels.BINARY else text(self._quoted(at))

    def _name_at(self, at: int) -> str:
        match = _NAME.match(self.data, at)
        return match[0].decode("latin-1").upper() if match else ""

    def _quoted(self, at: int) -> bytes:
        """What stands between the quotes, the first of which is at `at`."""
        match = _WHOLE[self.data[at]].match(self.data, at)
        return match[1] if match else b""

    def describe(self, row: int) -> str:
        """An instance for a message: its number and type."""
        return f"#{self.number(row)} {self.type(row)}" if row >= 0 else "nothing"

    def expect(self, row: int, argument: Any, *types: str) -> int:
        """The row that an argument of `row` refers to, which must have one of the types, as a part if need be.

        Raises FormatError when it is no reference or refers to anything else.
        """
        if isinstance(argument, Row) and (not types or set(types) & set(self.type(argument).split("+"))):
            return int(argument)
        found = self.describe(argument) if isinstance(argument, Row) else repr(argument)
        msg = (
            f"STEP file where {self.describe(row)} has {found} in place of "
            f"{' or '.join(types) or 'a reference'}; export it again"
        )
        raise FormatError(msg)

    def problem(self, row: int) -> str:
        """What is wrong with the arguments of an instance that `checked` says is not as its type declares."""
        wrong = -int(self.checked[row])
        arguments = (
            [one for part in self.parts(row).values() for one in part] if self.is_complex(row) else None
        )
        arguments = self.arguments(row) if arguments is None else arguments
        wanted = signatures.wanted(self.type(row).split("+"), wrong)
        if not wanted:
            return f"{self.describe(row)} has {len(arguments)} arguments, more than its type has"
        if wrong > len(arguments):
            return f"{self.describe(row)} ends before argument {wrong}, expected {wanted}"
        return f"{self.describe(row)} has {self._shown(arguments[wrong - 1])} as argument {wrong}, expected {wanted}"

    def _shown(self, value: Any) -> str:
        """A value for a message."""
        if isinstance(value, Row):
            return self.describe(value)
        if isinstance(value, list):
            more = [self._shown(one) for one in value[:3]]
            return f"({', '.join(more)}{', …' if len(value) > 3 else ''})"
        special = {None: "$", DERIVED: "*", True: ".T.", False: ".F."}
        if isinstance(value, (bool, type(None), type(DERIVED))):
            return special[value]
        return f".{value}." if isinstance(value, Word) else repr(value)


def text(raw: bytes) -> str:
    r"""What a string in a file stands for: '' is one quote, \X2\00B5\X0\ a µ, \S\ a letter of a code page.

    Letters beyond ASCII, which the standard does not allow as they are, are taken as UTF-8, or else Latin-1.
    """
    try:
        found = raw.decode()
    except UnicodeDecodeError:
        found = raw.decode("latin-1")
    if "\\" not in found and "'" not in found:
        return found
    page = ["1"]

    def letter(match: re.Match[str]) -> str:
        code_page, shifted, one, size, many = match.groups()
        if code_page:
            page[0] = str(ord(code_page) - ord("A") + 1)
            return ""
        if shifted:
            return bytes([ord(shifted) % 128 + 128]).decode(f"iso8859_{page[0]}", "replace")
        if one:
            return chr(int(one, 16))
        if size:
            return bytes.fromhex(many).decode("utf-16-be" if size == "2" else "utf-32-be", "replace")
        return {"''": "'", "\\\\": "\\"}.get(match[0], "\n")

    return _ESCAPE.sub(letter, found)


@cache
def _names() -> npt.NDArray[np.uint64]:
    found: npt.NDArray[np.uint64] = kernels.names([*kernels.own_names(), *signatures.TYPES.items()])
    return found


def read(data: bytes | memoryview) -> Entities:
    """Read all instances of a file.

    Raises FormatError for a file that is cut short or not of this grammar, for a number that is out of range,
    for lists nested deeper than MAX_NESTING, for a duplicate and for a reference to nothing.
    """
    view = memoryview(data).cast("B")
    letters = np.frombuffer(view, np.uint8) if len(view) else np.zeros(0, np.uint8)
    rows, kinds, values = _records(view, letters)
    _check_sections(view, rows)
    _resolve(rows, kinds, values)
    checked = np.empty(len(rows), np.int8)
    signatures.verify(
        *(rows, len(rows), kinds, values),
        *(signatures.SIGNATURES, signatures.PARTS, signatures.MEMBERS, checked),
    )
    counts = np.bincount(rows[:, 1], minlength=kernels.CODES)
    return Entities(view, rows, kinds, values, checked, counts)


def _records(view: memoryview, letters: npt.NDArray[np.uint8]) -> tuple[Any, Any, Any]:
    """Rows and tokens of a text; references are still numbers."""
    commas, opening, closing, semicolons = _marks(letters)
    rows = np.empty((semicolons + 2, 4), np.int64)
    size = commas + 3 * opening + closing + 8
    kinds, values = np.empty(size, np.uint8), np.empty(size)  # only what is written takes memory
    state = np.zeros(5, np.int64)
    state[3] = 3 if bytes(view[:3]) == b"\xef\xbb\xbf" else 0
    unsure = np.empty((_UNSURE, 3), np.int64)
    last = max(0, len(letters) - PADDING)
    status, unsure = _run(letters, last, 0, rows, kinds, values, unsure, state)
    shift = 0
    if status == kernels.CUT:  # the last record, with room to look ahead
        shift = int(state[3])
        tail = np.concatenate([letters[shift:], np.zeros(PADDING, np.uint8)])
        state[3] = 0
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
        if signatures.TYPES[name] not in statements:
            msg = f"STEP file without a {name} section in its {len(view)} bytes; export it again"
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
    tokens = np.flatnonzero(kinds == kernels.REFERENCE)
    wanted = values[tokens].astype(np.int64)
    at = np.minimum(np.searchsorted(numbers[order], wanted), len(order) - 1)
    there = numbers[order[at]] == wanted
    values[tokens] = np.where(there, instances[order[at]], -1)
    if not there.all():
        found[2:] = np.count_nonzero(~there), wanted[~there].min()
