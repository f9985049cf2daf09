"""Opening a conversation: where a service is, who we are there, and what is not to be written down."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from massproof.clients.line import Line
from massproof.clients.port import Contract, contract
from massproof.clients.tape import SHORTEST_SECRET, Tape
from massproof.clients.waiting import Clock, Patience, SystemClock
from massproof.clients.wire import Wire
from massproof.errors import MissingCredential, UsageError

if TYPE_CHECKING:
    from massproof.clients.wire import Client


class Login(NamedTuple):
    """Credentials that were found.

    kind : "bearer" (a token), "basic" (key and secret with each request), "client" (id and secret, for a token)
    """

    kind: str
    values: tuple[str, ...]

    @property
    def basic(self) -> str:
        """Both values as HTTP Basic authentication wants them (RFC 7617)."""
        return base64.b64encode(":".join(self.values).encode()).decode()

    def headers(self) -> dict[str, str]:
        """What each request carries; nothing when a token has yet to be asked for."""
        made = {"bearer": f"Bearer {self.values[0]}", "basic": f"Basic {self.basic}"}
        return {"authorization": made[self.kind]} if self.kind in made else {}


class Session(NamedTuple):
    """What a client works with."""

    contract: Contract
    host: str
    login: Login
    line: Line
    wire: Wire

    def authorize(self, token: str) -> None:
        """Use a token that was just given, and never write it down."""
        self.line.tape.hide(token)
        self.wire.headers["authorization"] = f"Bearer {token}"


def open_session(
    service: str,
    deadline: float,
    environ: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    client: Client | None = None,
    host: str | None = None,
) -> Session:
    """Find credentials and the service's address, and be ready to send.

    Raises MissingCredential, UsageError for an address that is none, MissingExtra.
    """
    of, environ = contract(service), os.environ if environ is None else environ
    login, base = find_login(of, environ), host or find_host(of, environ)
    patience = Patience(deadline, clock or SystemClock())
    tape = Tape(base, (*login.values, login.basic), patience.clock)
    wire = Wire(base, login.headers(), client)
    return Session(of, base, login, Line(of.title, wire, patience, tape), wire)


def find_login(of: Contract, environ: Mapping[str, str]) -> Login:
    """The first credentials of the contract that the environment has in full; raises MissingCredential."""
    for way in of["credentials"]:
        values = tuple(environ.get(name, "").strip() for name in way["variables"])
        if all(values):
            _check(way["variables"], values)
            return Login(way["kind"], values)
    ways = ", or ".join(" and ".join(way["variables"]) for way in of["credentials"])
    msg = f"{of.title} wants credentials: set {ways} in the environment ({of['service']['keys']}); see docs/clients.md"
    raise MissingCredential(msg)


def _check(names: list[str], values: tuple[str, ...]) -> None:
    for name, value in zip(names, values, strict=True):
        if len(value) < SHORTEST_SECRET or not (value.isascii() and value.isprintable()):
            msg = (
                f"{name} has {len(value)} characters, and a credential has at least {SHORTEST_SECRET}, all of them "
                "printable ASCII; copy it again"
            )
            raise MissingCredential(msg)


def find_host(of: Contract, environ: Mapping[str, str]) -> str:
    """The service's address, from the environment where it is set there; raises UsageError for what is none."""
    service = of["service"]
    for name in service["host_variables"]:
        if environ.get(name, "").strip():
            return checked_host(environ[name].strip(), name)
    return str(service["host"])


def checked_host(address: str, name: str) -> str:
    """An address without the slash at its end; raises UsageError when it is no http or https address."""
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("http", "https") and parts.hostname and not parts.query and parts.port != 0
    except ValueError:
        good = False
    if not good:
        msg = f"{name} is {address!r}, which is no address like https://host or http://localhost:8787; correct it"
        raise UsageError(msg)
    return address.rstrip("/")
