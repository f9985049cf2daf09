"""What a client of a service is, and the values that pass through it.

A client is one module with one function, `fetch(part, of, line)`, and its contract: a TOML file of the same name with
the service's address, credentials, statuses and requests. The words of a vendor's API are in that file.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from massproof.errors import RemoteError


class State(StrEnum):
    """What the status of a job means to us, whatever a vendor calls it."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Part:
    """The file that is measured here, and sent where a service takes files.

    format : "step", "stl", ...
    density : kg/m³, None when it is not known
    """

    path: str
    name: str
    format: str
    sha256: str
    size: int
    density: float | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request, before any secret is added to it.

    body : JSON; or the path of a file, whose bytes are sent; or None
    secret : whether the answer is of no use but for a secret in it, and is not written down
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    secret: bool = False

    @property
    def shown(self) -> Any:
        """The body as it may be written down: of a file, its name only."""
        return {"file": self.body.name} if isinstance(self.body, Path) else self.body


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: a status of HTTP, headers, and text."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    text: str

    def json(self, of: str) -> Any:
        """The text as JSON; raises RemoteError when it is not, as of an answer cut short."""
        try:
            return json.loads(self.text, parse_constant=_refuse)
        except ValueError as error:
            start = " ".join(self.text[:40].split())
            msg = (
                f"{of} answered {self.status} with {len(self.text)} characters that are not JSON ({error}), "
                f"beginning with {start!r}; try again, or later"
            )
            raise RemoteError(msg, "malformed") from error

    def said(self) -> str:
        """The service's own words about an error, "" when there are none that can be understood."""
        try:
            found = json.loads(self.text)
        except ValueError:
            return ""
        words = [found.get(k) for k in _WORDS] if isinstance(found, dict) else []
        words += [error.get("message") for error in graphql_errors(found)]
        return "; ".join(word for word in words if isinstance(word, str))[:300]


# Where services put the reason of a refusal.
_WORDS = (
    "message",
    "developerMessage",
    "reason",
    "diagnostic",
    "detail",
    "error_description",
    "error_code",
    "errorCode",
)


def graphql_errors(found: object) -> list[dict[str, Any]]:
    """The objects of a GraphQL answer's `errors`."""
    listed = found.get("errors") if isinstance(found, dict) else None
    return [error for error in listed if isinstance(error, dict)] if isinstance(listed, list) else []


class Fetched(NamedTuple):
    """What a client brings: which exchanges hold the answer, and what `dialects.parse` has to know of it.

    answer : number of an exchange, or a list of them where each property was asked for on its own
    """

    answer: int | list[int]
    options: dict[str, Any]


class Contract:
    """The TOML file of a service."""

    def __init__(self, tables: dict[str, Any]) -> None:
        self.tables = tables
        self.title: str = tables["service"]["title"]

    def __getitem__(self, name: str) -> Any:
        return self.tables[name]

    def state(self, status: object, of: str, table: str = "statuses") -> State:
        """What a status means; raises RemoteError for none, and for one that the contract does not have."""
        if status is None:
            msg = f"{of}: the status is null, so whether there is an answer is not known; try again, or later"
            raise RemoteError(msg, "null-status")
        known: dict[str, str] = self.tables[table]
        if not isinstance(status, str) or status not in known:
            msg = f"{of}: the status {status!r} is not one of {', '.join(known)}; report it, with a cassette"
            raise RemoteError(msg, "unknown-status")
        return State(known[status])


@cache
def contract(name: str) -> Contract:
    """The contract of the service called `name`, read once."""
    return Contract(tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8")))


def ended(state: State, of: str, why: str = "") -> RemoteError:
    """The error for a job that ended without an answer."""
    ends = {
        State.FAILED: "failed there",
        State.CANCELLED: "was cancelled there",
        State.TIMEOUT: "took too long there, and was given up",
    }
    return RemoteError(
        f"{of} {ends[state]}{': ' + why if why else ''}; look at it in the service itself", state.value
    )


def need(value: Any, kind: type, where: str, of: str) -> Any:
    """`value` if it is of `kind`; raises RemoteError naming the place in the answer when it is not."""
    if not isinstance(value, kind):
        msg = f"{of}: {where} should be a {kind.__name__} and is {str(value)[:60]!r}; report it, with a cassette"
        raise RemoteError(msg, "malformed")
    return value


def _refuse(name: str) -> NoReturn:
    msg = f"{name} is no number of JSON"
    raise ValueError(msg)
