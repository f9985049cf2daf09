"""What a request asks, from its path and query: exact words, and the texts of the service for what is none.

Texts of errors: oxidecomputer/dropshot, which the service is built on, and serde, whose words it passes on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from massproof.dialects.zoo.profiles import Profile
from massproof.dialects.zoo.shapes import contract
from massproof.serving.web import Refused, given

QUERY, PATH, BODY = (
    "unable to parse query string: ",
    "bad parameter in URL path: ",
    "unable to parse JSON body: ",
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
MOST = 10_000  # items of a page
USUAL = 100


class Analysis(NamedTuple):
    """What one of the endpoints that measure is asked for."""

    src_format: str
    given: float | None  # the density or mass that comes with it
    given_unit: str | None
    output_unit: str


def analysis(name: str, profile: Profile, query: Mapping[str, str]) -> Analysis:
    """The question of the endpoint `name`. Raises Refused for what is missing, or no word of the profile."""
    row = contract()["endpoints"][name]
    known = contract()["endpoints"][name].get("given")
    return Analysis(
        word(query, "src_format", profile.words("import")),
        number(query, known) if known else None,
        word(query, f"{known}_unit", profile.words(row["given_property"]), _usual(row["given_property"]))
        if known
        else None,
        word(query, "output_unit", profile.words(row["dimension"]), _usual(row["dimension"])),
    )


def _usual(dimension: str) -> str:
    return str(contract()["defaults"][dimension])


def word(
    query: Mapping[str, str], name: str, known: Sequence[str], usual: str | None = None, where: str = QUERY
) -> str:
    """A parameter that is one of some words. Raises Refused for another, and for none without a usual one."""
    value = given(query.get(name))
    if value is None and usual is not None:
        return usual
    if value is None:
        raise Refused(400, f"{where}missing field `{name}`")
    return variant(value, known, where)


def maybe(query: Mapping[str, str], name: str, known: Sequence[str]) -> str | None:
    """As `word`, of a parameter that may be left out."""
    return None if given(query.get(name)) is None else word(query, name, known)


def variant(value: Any, known: Sequence[str], where: str) -> str:
    """`value` as one of some words. Raises Refused for another."""
    if value not in known:
        words = [f"`{one}`" for one in known]
        these = " or ".join(words) if len(words) < 3 else f"one of {', '.join(words)}"
        raise Refused(400, f"{where}unknown variant `{value}`, expected {these}")
    return str(value)


def number(query: Mapping[str, str], name: str) -> float:
    """A parameter that is a finite number. Raises Refused for another, and for none."""
    text = given(query.get(name))
    if text is None:
        raise Refused(400, f"{QUERY}missing field `{name}`")
    if not _NUMBER.fullmatch(text) or not math.isfinite(value := float(text)):
        raise Refused(400, f"{QUERY}invalid float literal")
    return value


def limit(query: Mapping[str, str]) -> int:
    """How many items a page shall have. Raises Refused for no number, and for none at all."""
    text = given(query.get("limit"))
    if text is None:
        return USUAL
    if not re.fullmatch(r"\+?\d+", text, re.ASCII):
        raise Refused(400, f"{QUERY}invalid digit found in string")
    if len(text) > 10 or int(text) >= 2**32:
        raise Refused(400, f"{QUERY}number too large to fit in target type")
    if int(text) == 0:
        raise Refused(400, f"{QUERY}number would be zero for non-zero type")
    return min(int(text), MOST)


def text(value: Any, where: str = BODY) -> str:
    """A text that can be kept anywhere. Raises Refused for one that has a NUL or half a character."""
    if not isinstance(value, str):
        raise Refused(400, f"{where}invalid type, expected a string")
    if "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
        raise Refused(400, f"{where}invalid unicode code point")
    return value


def flag(query: Mapping[str, str], name: str) -> bool:
    """A parameter that is true or false. Raises Refused for another word."""
    value = given(query.get(name))
    if value not in (None, "true", "false"):
        raise Refused(400, f"{QUERY}provided string was not `true` or `false`")
    return bool(value == "true")


def identifier(text: str, where: str = PATH) -> str:
    """A UUID in the form that ids have here. Raises Refused for what is none."""
    try:
        return str(UUID(text))
    except ValueError as error:
        raise Refused(400, f"{where}UUID parsing failed: {error}") from error
