"""How long to wait, how often, and when to stop: back-off with jitter, Retry-After, and one deadline for everything.

Exponential back-off with half of it left to chance ("equal jitter"): Marc Brooker, Exponential Backoff And Jitter,
AWS Architecture Blog, 2015. Retry-After is a number of seconds or a date: RFC 9110, 10.2.3.
"""

from __future__ import annotations

import random
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

from massproof.errors import RemoteError, UsageError

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
LONGEST_REQUEST = 300.0  # s; a gateway in front of one service gives up after four to five minutes


class Clock(Protocol):
    """Time and chance, which tests replace."""

    def now(self) -> float:
        """Seconds that only go forward."""

    def sleep(self, seconds: float) -> None:
        """Wait."""

    def today(self) -> datetime:
        """Date and time, UTC."""

    def chance(self) -> float:
        """A number from 0 to 1."""


class SystemClock:
    """The clock on the wall."""

    now = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)
    chance = staticmethod(random.random)

    @staticmethod
    def today() -> datetime:
        """Date and time, UTC."""
        return datetime.now(UTC)


@dataclass(slots=True)
class Patience:
    """One deadline for a whole conversation, and the pauses within it.

    deadline : s, from the making of this object
    tries : how often one request is sent at most
    first, most : s, the shortest and the longest pause before chance
    """

    deadline: float
    clock: Clock = field(default_factory=SystemClock)
    tries: int = 6
    first: float = 1.0
    most: float = 30.0
    _end: float = field(init=False)

    def __post_init__(self) -> None:
        self._end = self.clock.now() + self.deadline

    def left(self) -> float:
        """Seconds until the deadline, 0 when it is over."""
        return max(0.0, self._end - self.clock.now())

    def for_request(self, waiting_for: str) -> float:
        """Seconds that the next request may take; raises RemoteError when none are left."""
        if not self.left():
            raise self._over(waiting_for)
        return min(self.left(), LONGEST_REQUEST)

    def pause(self, turn: int, waiting_for: str, asked: float | None = None) -> None:
        """Wait before the next try, the longer the later it is.

        turn : 0 before the second try, 1 before the third, ...
        asked : s, what the service asks for; never waited less

        Raises RemoteError at once when the deadline would pass meanwhile.
        """
        length = min(self.most, self.first * 2.0 ** min(turn, 30)) * (0.5 + 0.5 * self.clock.chance())
        length = max(length, asked or 0.0)
        if length >= self.left():
            raise self._over(waiting_for, asked)
        self.clock.sleep(length)

    def _over(self, waiting_for: str, asked: float | None = None) -> RemoteError:
        wish = f"; the service asks to wait {asked:.0f} s more" if asked else ""
        msg = f"{waiting_for}: not done by the deadline of {self.deadline:g} s{wish}; give more time with --deadline"
        return RemoteError(msg, "deadline")


def retry_after(text: str | None, today: datetime) -> float | None:
    """Seconds that a Retry-After header asks to wait, None when there is none or it cannot be understood."""
    if text is None:
        return None
    if re.fullmatch(r"\s*\d{1,9}\s*", text):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # no date; a date or zone of too many digits
        return None
    if date.tzinfo is None:  # "-0000": a date without a zone is UTC
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - today).total_seconds())


def seconds(text: str) -> float:
    """A length of time: "90", "90s", "10m", "1.5h"; raises UsageError for another text."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(s|m|min|h|)\s*", text)
    length = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not 0 < length <= 30 * 86400:
        msg = f"--deadline {text!r} is no length of time between 0 and 30 days; write it like 90s, 10m or 1h"
        raise UsageError(msg)
    return length
