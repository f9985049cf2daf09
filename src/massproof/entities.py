"""Instances of a STEP file by number and type, with the arguments of each.

What an instance of a type must look like is `schema`'s to say: `Entities.checked` holds the answer,
`Entities.problem` says it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from massproof.errors import FormatError
from massproof.kernels import schema, tokens

_WHOLE = {
    ord("'"): re.compile(rb"'((?:[^']|'')*+)'", re.DOTALL),
    ord('"'): re.compile(rb'"([^"]*+)"'),
}
_NAME = re.compile(rb"[!\w-]*")
_GAP = rb"(?:\s|/\*.*?\*/|\\[NF]\\)*"
_HEADING = re.compile(_GAP.join([b"", rb"(?:#\d+", b"=", rb")?([!\w-]*)"]), re.DOTALL)
_NAMES = {code: name for name, code in schema.TYPES.items()}
_ESCAPE = re.compile(
    r"''|\\\\|\\P([A-I])\\|\\S\\(.)|\\X\\([0-9A-Fa-f]{2})|\\X([24])\\((?:[0-9A-Fa-f]{4})*)\\X0\\|\\[NF]\\",
    re.DOTALL,
)
_OF_PARTS = {tokens.COMPLEX, *(schema.TYPES[name] for name in schema.OF_PARTS)}


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

        Those with several parts have the types that `schema.OF_PARTS` gives them.
        """
        codes = [code for name in names if self.counts[code := schema.TYPES[name]]]
        found = [np.flatnonzero(self.rows[:, 1] == code) for code in codes]
        return sorted(row for rows in found for row in rows.tolist())

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
        if self.is_complex(row):
            return []
        written = self._tokens(row)
        return self._value(written, 0)[0] if written[0] else []

    def name(self, row: int) -> str:
        """The first argument of an instance with arguments, "" where that is no text or it has several parts."""
        token = int(self.rows[row, 2]) + 1
        named = not self.is_complex(row) and self.kinds[token] == tokens.STRING
        return text(self._quoted(int(self.values[token]))) if named else ""

    def parts(self, row: int) -> dict[str, list[Any]]:
        """Arguments of each part of an instance; of a simple one, of its only part."""
        if not self.is_complex(row):
            return {self.type(row): self.arguments(row)}
        found: dict[str, list[Any]] = {}
        written, at = self._tokens(row), 1
        while written[0][at] != tokens.RIGHT:
            value, at = self._value(written, at)
            found[value.name] = value.value
        return found

    def _tokens(self, row: int) -> tuple[list[int], list[float]]:
        """Kinds and values of the tokens of an instance: Python's own numbers, which are faster one by one."""
        first = int(self.rows[row, 2])
        end = int(self.rows[row + 1, 2]) if row + 1 < len(self.rows) else len(self.kinds)
        return self.kinds[first:end].tolist(), self.values[first:end].tolist()

    def _value(self, written: tuple[list[int], list[float]], at: int) -> tuple[Any, int]:
        """The value at token `at` of those of an instance, and the token after it."""
        kinds, values = written
        if kinds[at] == tokens.LEFT:
            at, found = at + 1, []
            while kinds[at] != tokens.RIGHT:
                one, at = self._value(written, at)
                found.append(one)
            return found, at + 1
        if kinds[at] == tokens.KEYWORD:
            inner, after = self._value(written, at + 1)
            return Typed(self._name_at(int(values[at]) // tokens.CODES), inner), after
        return self._single(kinds[at], values[at]), at + 1

    def _single(self, kind: int, value: float) -> Any:
        if kind == tokens.NUMBER:
            return value
        if kind == tokens.REFERENCE:
            return Row(value)
        if kind in (tokens.TRUE, tokens.FALSE):
            return kind == tokens.TRUE
        if kind == tokens.NOTHING:
            return None
        if kind == tokens.DERIVED:
            return DERIVED
        at = int(value)
        if kind == tokens.WORD:
            return Word(self._name_at(at))
        return self._quoted(at) if kind == tokens.BINARY else text(self._quoted(at))

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
        wanted = schema.wanted(self.type(row).split("+"), wrong)
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
