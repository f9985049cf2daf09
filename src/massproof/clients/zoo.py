"""Zoo: the file is sent once for each property, small ones are answered at once, large ones when a job has ended.

Requests are made by Zoo's own package, kittycad, and this is the door to it. Its models refuse an answer that has
something new in it, so the answer is taken as it came: what it must have is checked here and by the dialect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from massproof.clients.line import FINE, Unreachable
from massproof.clients.port import Fetched, Part, Reply, Request, State, need
from massproof.clients.session import Session
from massproof.errors import MissingExtra, UsageError

_ABSENT = 404


def fetch(part: Part, of: Mapping[str, str], session: Session) -> Fetched:
    """Have `part` measured there; raises UsageError for a format that it does not take, MissingExtra, RemoteError."""
    formats = session.contract["formats"]
    if part.format not in formats:
        msg = f"Zoo takes {', '.join(formats)} and {part.name} is {part.format}; convert it, or compare with another"
        raise UsageError(msg)
    service = _Zoo(part, formats[part.format], session)
    asked = [ask for ask in session.contract["ask"] if "density" not in ask or part.density is not None]
    numbers = [service.measured(ask) for ask in asked]
    return Fetched([number for number in numbers if number is not None], {})


class _Zoo:
    def __init__(self, part: Part, format: str, session: Session) -> None:
        self._part, self._format, self._session = part, format, session
        self._bytes = Path(part.path).read_bytes()
        self._kittycad = _kittycad(session)

    def measured(self, ask: Mapping[str, Any]) -> int | None:
        """The exchange with one property's answer, None when this server does not know the property."""
        of = f"Zoo's {ask['what']} of {self._part.name}"
        job: list[str] = []

        def look() -> tuple[State, str, int | None]:
            number, reply = self._poll(job[0]) if job else self._submit(ask)
            if reply.status == _ABSENT:
                return State.DONE, "", None
            found = need(reply.json(of), dict, "the answer", of)
            state = self._session.contract.state(found.get("status"), of)
            job[:] = [need(found.get("id"), str, "id", of)]
            return state, str(found.get("error") or ""), number

        number: int | None = self._session.line.wait(of, look)
        return number

    def _submit(self, ask: Mapping[str, Any]) -> tuple[int, Reply]:
        query = {"src_format": self._format}
        density = {ask["density"]: self._part.density} if "density" in ask else {}
        shown = urlencode(query | density | ask["query"], safe=":")
        request = Request("POST", f"{self._session.host}{ask['path']}?{shown}", body=Path(self._part.path))
        call = getattr(self._kittycad.file, ask["call"])
        fine = FINE | {_ABSENT} if "since" in ask else FINE
        return self._send(request, lambda: call(body=self._bytes, **query, **density, **ask["query"]), fine)

    def _poll(self, job: str) -> tuple[int, Reply]:
        path = self._session.contract["poll"]["path"]
        request = Request("GET", f"{self._session.host}{path}{job}")
        return self._send(request, lambda: self._kittycad.api_calls.get_async_operation(id=job), FINE)

    def _send(self, request: Request, call: Callable[[], Any], fine: frozenset[int]) -> tuple[int, Reply]:
        return self._session.line.send(
            request, fine=fine, transport=lambda _, seconds: self._once(call, seconds)
        )

    def _once(self, call: Callable[[], Any], seconds: float) -> Reply:
        from kittycad.exceptions import KittyCADError

        client, seen = self._session.wire.client, list[Any]()
        client.timeout = seconds
        client.event_hooks = {"response": [seen.append]}
        with self._session.wire.caught(), suppress(KittyCADError, ValueError):
            call()
        if not seen:
            msg = "there was no answer"
            raise Unreachable(msg)
        return Reply(seen[-1].status_code, dict(seen[-1].headers), seen[-1].text)


def _kittycad(session: Session) -> Any:
    try:
        from kittycad import KittyCAD
    except ImportError as error:
        what = "asking Zoo"
        raise MissingExtra(what, "zoo") from error
    return KittyCAD(token=session.login.values[0], base_url=session.host, http_client=session.wire.client)
