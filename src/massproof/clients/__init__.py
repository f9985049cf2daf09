"""Remote services: have a part measured there, and keep what they say as a cassette.

A family of interchangeable clients; each is one module and its contract (port.py says what they share).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from massproof import cassettes
from massproof.clients.port import Fetched, Part, contract
from massproof.clients.session import open_session
from massproof.clients.waiting import Clock
from massproof.errors import RemoteError, UsageError
from massproof.properties import Properties

if TYPE_CHECKING:
    from massproof.clients.wire import Client

NAMES = ("zoo", "mfgdm", "derivative", "onshape")
DEADLINE = 600.0  # s


def part_of(path: str | Path, result: Properties) -> Part:
    """What a client has to know of the file at `path`, which `result` was measured from."""
    file = Path(path)
    density = result.density.value if result.density else None
    return Part(
        str(file), file.name, result.source.format, result.source.sha256, file.stat().st_size, density
    )


def record(
    service: str,
    part: Part,
    of: Mapping[str, str | None] | None = None,
    *,
    deadline: float = DEADLINE,
    environ: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    client: Client | None = None,
) -> dict[str, Any]:
    """Ask a service; the cassette of what was said, in which an error of the service stands as well.

    service : one of NAMES
    of : which thing to ask for, by the options that the service's contract lists
    deadline : s, for all of it
    environ, clock, client : where credentials, time and connections come from, if not from this machine

    `massproof.cassettes.answer` takes what the service answered out of it, or raises its RemoteError. Raises here
    UsageError, MissingCredential and MissingExtra, for what is wrong before the service is to blame.
    """
    asked = _checked(service, of or {})
    session = open_session(service, deadline, environ, clock, client)
    tape, error, fetched = session.line.tape, None, Fetched([], {})
    try:
        fetched = import_module(f"massproof.clients.{service}").fetch(part, asked, session)
    except RemoteError as raised:
        error = {"reason": raised.reason, "message": tape.text(str(raised))}
    finally:
        session.wire.client.close()
    return tape.cassette(service, part, of=asked, options=fetched.options, answer=fetched.answer, error=error)


def _checked(service: str, of: Mapping[str, str | None]) -> dict[str, str]:
    if service not in NAMES:
        msg = f"unknown service {service!r}; use one of {', '.join(NAMES)}"
        raise UsageError(msg)
    asked = {name: value for name, value in of.items() if value}
    known = contract(service)["service"]["options"]
    for name in asked:
        if name not in known:
            takes = f"takes --{', --'.join(known)}" if known else "needs none of these"
            msg = f"--{name} is nothing that {service} knows; it {takes}"
            raise UsageError(msg)
    return asked


__all__ = ["DEADLINE", "NAMES", "Part", "cassettes", "part_of", "record"]
