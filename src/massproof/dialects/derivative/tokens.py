"""Tokens: signed texts that say whose they are, what they are for and may do, and until when. None is stored."""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from massproof.serving.signing import Signer

_MARK, _METHOD = "massproof.", "TOKEN"


class Claims(NamedTuple):
    """What a token says.

    use : "access", "refresh" or "code";  scope : words with a space between
    """

    use: str
    client: str
    scope: str
    expires: int = 0  # seconds since 1970
    redirect: str = ""  # of a code: where it was sent
    challenge: str = ""  # of a code: SHA-256 of what its receiver will show (RFC 7636)
    one: str = ""  # no two tokens are the same


def issue(signer: Signer, claims: Claims, seconds: float) -> str:
    """A token that holds for so many seconds."""
    told = claims._replace(one=secrets.token_hex(8), expires=0)
    body = base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")
    query = parse_qs(signer.signed(body, seconds, _METHOD).partition("?")[2])
    return f"{_MARK}{body}.{query['expires'][0]}.{query['signature'][0]}"


def ours(token: str) -> bool:
    """Whether it was made here, or says so."""
    return token.startswith(_MARK)


def read(signer: Signer, token: str) -> Claims | None:
    """What a token says, None for one that is not ours, was changed, or has expired."""
    body, _, rest = token.removeprefix(_MARK).partition(".")
    expires, _, signature = rest.partition(".")
    if not ours(token) or not signer.holds(body, {"expires": expires, "signature": signature}, _METHOD):
        return None
    told: list[Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return Claims(*told)._replace(expires=int(expires))
