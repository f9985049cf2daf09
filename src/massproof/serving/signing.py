"""Addresses that work without a token until they expire: HMAC-SHA256 of method, path and expiry (RFC 2104)."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping

_EXPIRES, _SIGNATURE = "expires", "signature"


class Signer:
    """Signs paths of this server, and knows its own signatures."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def signed(self, path: str, seconds: float, method: str = "GET") -> str:
        """The path with a query that lets anybody use it with one method for so many seconds."""
        until = int(time.time() + seconds)
        return f"{path}?{_EXPIRES}={until}&{_SIGNATURE}={self._mark(method, path, until)}"

    def holds(self, path: str, query: Mapping[str, str], method: str = "GET") -> bool:
        """Whether a request has a signature of ours that has not expired."""
        until, mark = query.get(_EXPIRES, ""), query.get(_SIGNATURE, "")
        if not (until.isascii() and until.isdigit() and len(until) < 12) or int(until) < time.time():
            return False
        return hmac.compare_digest(mark.encode(), self._mark(method, path, int(until)).encode())

    def _mark(self, method: str, path: str, until: int) -> str:
        return hmac.new(self._key, f"{method}\n{path}\n{until}".encode(), hashlib.sha256).hexdigest()
