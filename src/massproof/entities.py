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

DERIVED = ...  # what * says: another argument decides it

_WHOLE = {
    ord("'"): re.compile(rb"'((?:[^']|'')*+)'", re.DOTALL),
    ord('"'): re.compile(rb'"([^"]*+)"'),
}
_NAME = re.compile(rb"[!\w-]*")
_GAP = rb"(?:\s|/\*.*?\*/|\\[NF]\\)*"
_HEADING = re.compile(_GAP.join([b"", rb"(?:#\d+", b"=", rb")?([!\w-]*)"]), re.DOTALL)
_ESCAPE = re.compile(
    r"''|\\\\|\\P([A-I])\\|\\S\\(.)|\\X\\([0-9A-Fa-f]{2})|\\X([24])\\((?:[0-9A-Fa-f]{4})*)\\X0\\|\\[NF]\\",
    re.DOTALL,
)
_PLAIN = {tokens.TRUE: True, tokens.FALSE: False, tokens.NOTHING: None, tokens.DERIVED: DERIVED}
_OF_PARTS = {tokens.COMPLEX, *(schema.TYPES[name] for name in schema.OF_PARTS)}


class Row(int):
    """A reference to another instance: its row, −1 for none."""


class Word(str):
    """An enumeration, as .MILLI. is, without its points."""


class Typed(NamedTuple):
    """A value with the name of its type, as LENGTH_MEASURE(25.4)."""

    name: str
    value: Any


@dataclass(frozen=True, eq=False, slots=True)
class Entities:
    """Instances of a file, one a row: those of all its sections in their order, and statements between."""

    data: memoryview
    rows: npt.NDArray[np.int64]  # (N, 4) number or −1 of a statement, code of the type, first token, position
    kinds: npt.NDArray[np.uint8]  # (T,) of the tokens, as `kernels.part21` has them
    values: npt.NDArray[np.float64]  # (T,) where references are rows
    checked: npt.NDArray[np.int8]  # (N,) 1: as its type says; 0: no type of shapes; −k: argument k is not
    order: npt.NDArray[np.int32]  # (N,) rows by type, those of one type as they follow each other
    places: dict[str, slice]  # where in `order` the instances of each type are, of those that there are

    def __len__(self) -> int:
        return len(self.rows)

    def number(self, row: int) -> int:
        """The number of an instance, as in #12; −1 of a statement."""
        return int(self.rows[row, 0])

    def of_type(self, *names: str) -> list[int]:
        """Rows of all instances of these types, in the order of the file.

        Those with several parts have the types that `schema.OF_PARTS` gives them.
        """
        found = []
        for name in names:
            if name in self.places:
                found += self.rows_of(name).tolist()
        return sorted(found)

    def rows_of(self, name: str) -> npt.NDArray[np.int32]:
        """Rows of all instances of one type, in the order of the file."""
        return self.order[self.places.get(name, slice(0))]

    def count(self, *names: str) -> int:
        """How many instances have one of these types."""
        found = 0
        for name in names:
            if name in self.places:
                found += self.places[name].stop - self.places[name].start
        return found

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
        if code in schema.NAMES:
            return schema.NAMES[code]
        match = _HEADING.match(self.data, int(self.rows[row, 3]))
        return match[1].decode("latin-1").upper() if match else ""

    def arguments(self, row: int) -> list[Any]:
        """Arguments of an instance: float, str, bool, Row, Word, Typed, bytes, None for $, DERIVED for *, lists.

        Of a complex one there are none: see `parts`.
        """
        if self.is_complex(row):
            return []
        kinds, values = self._tokens(row)
        return self._list(kinds, values, 1)[0] if kinds else []

    def name(self, row: int) -> str:
        """The first argument of an instance with arguments, "" where that is no text or it has several parts."""
        token = int(self.rows[row, 2]) + 1
        named = not self.is_complex(row) and self.kinds[token] == tokens.STRING
        return text(self._quoted(int(self.values[token]))) if named else ""

    def parts(self, row: int) -> dict[str, list[Any]]:
        """Arguments of each part of an instance; of a simple one, of its only part."""
        if not self.is_complex(row):
            return {self.type(row): self.arguments(row)}
        return {one.name: one.value for one in self._list(*self._tokens(row), 1)[0]}

    def _tokens(self, row: int) -> tuple[list[int], list[float]]:
        """Kinds and values of the tokens of an instance: Python's own numbers, which are faster one by one."""
        first = int(self.rows[row, 2])
        end = int(self.rows[row + 1, 2]) if row + 1 < len(self.rows) else len(self.kinds)
        return self.kinds[first:end].tolist(), self.values[first:end].tolist()

    def _list(self, kinds: list[int], values: list[float], at: int) -> tuple[list[Any], int]:
        """What the list holds of which token `at` is the first, and the token after its end."""
        found: list[Any] = []
        while (kind := kinds[at]) != tokens.RIGHT:
            if kind == tokens.NUMBER:
                found.append(values[at])
            elif kind == tokens.REFERENCE:
                found.append(Row(values[at]))
            elif kind == tokens.LEFT:
                inner, at = self._list(kinds, values, at + 1)
                found.append(inner)
                continue
            elif kind == tokens.KEYWORD:
                name = self._keyword(int(values[at]))
                inner, at = self._list(kinds, values, at + 2)
                found.append(Typed(name, inner))
                continue
            else:
                found.append(self._single(kind, int(values[at])))
            at += 1
        return found, at + 1

    def _single(self, kind: int, at: int) -> Any:
        """What a token says that is no number, reference or list, and stands at a place of the text."""
        if kind == tokens.STRING:
            return text(self._quoted(at))
        if kind == tokens.WORD:
            return Word(self._name_at(at))
        return self._quoted(at) if kind == tokens.BINARY else _PLAIN[kind]

    def _keyword(self, value: int) -> str:
        """The name that a token is, in capitals."""
        at, code = divmod(value, tokens.CODES)
        return schema.NAMES.get(code) or self._name_at(at)

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
