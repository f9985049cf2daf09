"""What is said between us and a service, written down without secrets while it happens.

What may be kept is listed, never what may not: of headers a few are kept by name, of a URL on another host, which is a
signed one, no query. Known secrets and whatever a key of the contract calls secret are replaced wherever they stand.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

from massproof import cassettes
from massproof.clients.port import Part, Reply, Request
from massproof.clients.waiting import Clock
from massproof.version import __version__

REMOVED = "(removed)"  # of characters that may stand in a URL: what is left of one is still found as one
SHORTEST_SECRET = 8  # characters; a shorter one could not be told from ordinary text

_HEADERS = ("accept", "content-type", "region", "x-ads-region")
_ANSWERED = ("content-type", "date", "retry-after", "x-api-call-id", "x-request-id", "x-ads-app-identifier")
_SECRET_KEY = re.compile(
    r"token|secret|signature|signed|password|authorization|cookie|credential|api.?key|upload.?key|urls\b|user.?id|e-?mail",
    re.IGNORECASE,
)
_SECRET_QUERY = re.compile(rf"((?:^|&)[^=&]*(?:{_SECRET_KEY.pattern})[^=&]*=)[^&]*", re.IGNORECASE)
_URL = re.compile(r"""\b[a-z][a-z0-9+.-]*://[^\s"'<>]+""", re.IGNORECASE)
_LONGEST_TEXT = 2000  # characters kept of an answer that is not JSON


class Tape:
    """Exchanges with one service, in order."""

    def __init__(self, host: str, secrets: Iterable[str], clock: Clock) -> None:
        self._host, self._clock = urlsplit(host).netloc.rpartition("@")[2], clock
        self._secrets: list[str] = []  # longest first: one may be part of another
        self.hide(*secrets)
        self._exchanges: list[dict[str, Any]] = []

    def hide(self, *secrets: str) -> None:
        """From now on, and in the end everywhere, replace these."""
        for secret in filter(None, secrets):
            forms = {*_forms(secret), *self._secrets}
            self._secrets = sorted(forms, key=lambda form: (-len(form), form))

    def record(self, request: Request, reply: Reply) -> int:
        """Write down one exchange; its number. The same one again is counted, not written twice."""
        asked = {
            "method": request.method,
            "url": self.address(request.url),
            "headers": _kept(request.headers, _HEADERS),
            "body": self.clean(request.shown),
        }
        answered = {
            "status": reply.status,
            "headers": _kept(reply.headers, _ANSWERED),
            "body": REMOVED if request.secret else self.clean(_readable(reply.text)),
        }
        date = self._clock.today().isoformat(timespec="milliseconds")
        last = self._exchanges[-1] if self._exchanges else {}
        if last.get("request") == asked and _same(last["response"], answered):
            last |= {"response": answered, "times": last["times"] + 1, "date": date}
        else:
            self._exchanges.append({"request": asked, "response": answered, "date": date, "times": 1})
        return len(self._exchanges) - 1

    def body(self, number: int) -> Any:
        """The answer of an exchange, as it was written down."""
        return self._exchanges[number]["response"]["body"]

    def clean(self, value: Any) -> Any:
        """`value`, made of what JSON has, without secrets."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(k): self._member(k, v) for k, v in value.items()}
        return [self.clean(v) for v in value] if isinstance(value, list) else value

    def text(self, text: str) -> str:
        """`text` without secrets."""
        return _URL.sub(lambda found: self.address(found[0]), self._replaced(text))

    def address(self, url: str) -> str:
        """A URL without user, and without query where it is not the service's own."""
        try:
            parts = urlsplit(self._replaced(url))
        except ValueError:  # an IPv6 address that is none
            return REMOVED
        host = parts.netloc.rpartition("@")[2]
        own = _SECRET_QUERY.sub(rf"\1{REMOVED}", parts.query)
        query = own if host == self._host or not own else REMOVED
        return parts._replace(netloc=host, query=query, fragment="").geturl()

    def _replaced(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, REMOVED)
        return text

    def _member(self, key: str, value: Any) -> Any:
        return REMOVED if value is not None and _SECRET_KEY.search(key) else self.clean(value)

    def cassette(self, dialect: str, part: Part | None, **rest: Any) -> dict[str, Any]:
        """The cassette, cleaned once more of all that has become known as secret."""
        return {
            cassettes.KEY: cassettes.VERSION,
            "massproof": __version__,
            "recorded": self._clock.today().isoformat(timespec="seconds"),
            "dialect": dialect,
            "file": {"name": part.name, "sha256": part.sha256, "size": part.size} if part else {},
            "exchanges": self.clean(self._exchanges),
            **self.clean(rest),
        }


def _forms(secret: str) -> set[str]:
    """A secret as it stands in plain text, in a URL, in JSON within a text, and in what base64 is used for."""
    encoded = base64.b64encode(secret.encode()).decode()
    wrapped = {
        secret,
        encoded,
        encoded.rstrip("="),
        base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
    }
    return (
        wrapped
        | {quote(form, safe="") for form in wrapped}
        | {quote(secret), quote_plus(secret), json.dumps(secret)[1:-1]}
    )


def _kept(headers: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    low = {k.lower(): v for k, v in headers.items()}
    return {name: low[name] for name in names if name in low}


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two answers differ in their headers at most."""
    return (one["status"], one["body"]) == (other["status"], other["body"])


def _readable(text: str) -> Any:
    """JSON where it is, the beginning of the text where not."""
    try:
        return json.loads(text, parse_constant=str)
    except ValueError:
        return text[:_LONGEST_TEXT]
