"""The door to httpx: one request, one answer, nothing else. What to do about it is decided in `line`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from massproof.clients.line import Unreachable
from massproof.clients.port import Reply, Request
from massproof.errors import MissingExtra
from massproof.version import __version__

if TYPE_CHECKING:
    from httpx import Client as Client


class Wire:
    """A client of HTTP for one service.

    headers : sent with each request to the service's own host, and to no other: they hold the secret
    client : of httpx; one that never leaves the process, in tests
    """

    def __init__(self, host: str, headers: Mapping[str, str], client: Client | None = None) -> None:
        self._host, self.headers = host, dict(headers)
        self.client = client or _client()

    def __call__(self, request: Request, seconds: float) -> Reply:
        """Send once; raises Unreachable when the connection fails or breaks."""
        with self.caught():
            reply = self.client.request(
                request.method,
                request.url,
                headers=self._headers(request),
                timeout=seconds,
                **_content(request.body),
            )
        return Reply(reply.status_code, dict(reply.headers), reply.text)

    def _headers(self, request: Request) -> dict[str, str]:
        own = request.url.startswith(self._host + "/")
        return {**(self.headers if own else {}), **request.headers}

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Whatever of httpx says that there is no whole answer, as one error of ours."""
        import httpx

        try:
            yield
        except (httpx.TransportError, httpx.DecodingError) as error:
            msg = f"{type(error).__name__}: {error}"
            raise Unreachable(msg) from error


def _client() -> Client:
    try:
        import httpx
    except ImportError as error:
        what = "asking a remote service"
        raise MissingExtra(what, "remote") from error
    return httpx.Client(headers={"user-agent": f"massproof/{__version__}"}, follow_redirects=False)


def _content(body: Any) -> dict[str, Any]:
    if body is None:
        return {}
    if isinstance(body, Path):
        return {"content": body.read_bytes()}
    return {"content": body} if isinstance(body, str) else {"json": body}
