"""Answers that would be the same again: kept with what they rest on, which is looked at each time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from massproof.dialects.mfgdm.tree import State, state_of
from massproof.dialects.mfgdm.work import Recent

_MOST, _LARGEST = 512, 1 << 16  # answers, bytes of one
_SECONDS = 60.0  # that one is given again: signed addresses in it are good for much longer


class Answer(NamedTuple):
    """A whole answer."""

    content: bytes
    headers: Mapping[str, str]
    ground: tuple[tuple[Path, State], ...]  # files and folders that it rests on, as they were
    until: float  # on the monotonic clock


class Answers:
    """Answers that came without reading disks or databases, by the questions."""

    def __init__(self) -> None:
        self._all: Recent[Answer] = Recent(_MOST)

    def get(self, question: object) -> Answer | None:
        """The answer that would be given now, None when that is not known."""
        found = self._all.get(question)
        if found is None or found.until < time.monotonic():
            return None
        return found if all(state_of(path) == state for path, state in found.ground) else None

    def put(
        self, question: object, content: bytes, headers: Mapping[str, str], ground: Mapping[Path, State]
    ) -> None:
        """Keep an answer."""
        if len(content) <= _LARGEST:
            until = time.monotonic() + _SECONDS
            self._all.put(question, Answer(content, headers, tuple(ground.items()), until))
