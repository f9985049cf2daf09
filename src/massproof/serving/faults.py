"""What goes wrong on request, so that clients can be tested against it.

A rule is words, as "status=503 retry-after=2 path=/file times=2": what happens, where, how often. Rules are separated
by semicolons. They hold for a server (its settings, or what a test tells it) or for one request, whose header
`X-Massproof-Fault` says them. All that follows is the grammar; docs/serve.md tells it to users.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, TypeVar

from starlette.requests import Request

from massproof.errors import UsageError
from massproof.operations.port import Failure, Operation, Outcome, State

T = TypeVar("T")

HEADER = b"x-massproof-fault"
KEY = "massproof.faults"  # in the scope of a request: the rules that hit it
_LOOKS = "massproof.looks"  # in the scope: the states that it has been shown
_REMEMBERED = 1000  # texts of headers, and operations of a script, whose counts are kept
_LONGEST = 600.0  # seconds
# One word for a script of one state.
_STATES = {"stuck": State.RUNNING, "failed": State.FAILED, "timeout": State.TIMED_OUT}
_SWITCHES = ("drop", "null-status")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What happens, to which requests, how often."""

    status: int | None = None  # that is answered in place of the answer
    retry_after: str = "1"  # what such an answer says, of 429 and 503
    fail: float = 1.0  # share of the requests that it hits
    latency: float = 0.0  # seconds before the answer
    slow: float = 0.0  # seconds that the body of the answer takes
    drop: bool = False  # the connection is cut in the middle of the answer
    null_status: bool = False  # every "status" of the answer is null
    states: tuple[State, ...] = ()  # of an operation, one for each look at it; the last stays
    path: str = ""  # prefix
    method: str = ""
    times: int | None = None  # after so many it is over


def rules(text: str) -> tuple[Rule, ...]:
    """The rules that a text says; raises UsageError, which quotes the word that means nothing."""
    return tuple(_rule(part) for part in text.split(";") if part.strip())


def _rule(text: str) -> Rule:
    found: dict[str, Any] = {}
    for word in text.split():
        name, _, value = word.partition("=")
        read = _WORDS.get(name)
        if read is None or (name in _BARE) != (value == ""):
            msg = f"{word!r} is no fault; write one of {', '.join(_EXAMPLES)}"
            raise UsageError(msg)
        try:
            found |= read(name, value)
        except ValueError:
            msg = f"{word!r} is no fault: write it as {_EXAMPLES_OF[name]}"
            raise UsageError(msg) from None
    if "fail" in found and not {"status", "drop"} & set(found):
        found["status"] = 500
    return Rule(**found)


def _seconds(name: str, text: str) -> dict[str, Any]:
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)(ms|s|)", text)
    seconds = float(match[1]) / (1000 if match[2] == "ms" else 1) if match else -1.0
    return {name: _within(seconds, 0, _LONGEST)}


def _within(value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise ValueError
    return value


def _script(_: str, text: str) -> dict[str, Any]:
    return {"states": tuple(_STATES.get(word) or State(word) for word in text.split(","))}


_BARE = {*_STATES, *_SWITCHES}
_WORDS: dict[str, Any] = {
    "latency": _seconds,
    "slow": _seconds,
    "status": lambda _, text: {"status": int(_within(int(text), 400, 599))},
    "retry-after": lambda _, text: {"retry_after": str(int(_within(int(text), 0, 86400)))},
    "fail": lambda _, text: {"fail": _within(float(text), 0, 1)},
    "states": _script,
    "path": lambda _, text: {"path": text},
    "method": lambda _, text: {"method": text.upper()},
    "times": lambda _, text: {"times": int(_within(int(text), 1, 10**9))},
    **{word: lambda name, _: {"states": (_STATES[name],)} for word in _STATES},
    **{word: lambda name, _: {name.replace("-", "_"): True} for word in _SWITCHES},
}
_EXAMPLES_OF = {
    "latency": "latency=2s or latency=200ms, of 10 minutes at most",
    "slow": "slow=5s, of 10 minutes at most",
    "status": "status=503, of 400 to 599",
    "retry-after": "retry-after=2, in seconds",
    "fail": "fail=0.1, a share of 0 to 1",
    "states": f"states=queued,running,succeeded, of {', '.join(State)}",
    "times": "times=2",
}
_EXAMPLES = (*(text.partition(",")[0] for text in _EXAMPLES_OF.values()), "path=/file", "method=GET", *_BARE)


@dataclass(slots=True)
class Armed:
    """A rule, and how often it has happened."""

    rule: Rule
    left: float = float("inf")
    chance: Random = field(default_factory=lambda: Random(0))  # the same requests fail in every run
    looks: OrderedDict[str, int] = field(default_factory=OrderedDict)  # by operation

    def hits(self, method: str, path: str) -> bool:
        """Whether it happens to this request; once more, if it does."""
        rule = self.rule
        if self.left < 1 or not path.startswith(rule.path) or rule.method not in ("", method):
            return False
        if rule.fail < 1 and self.chance.random() >= rule.fail:
            return False
        self.left -= 1
        return True

    def look(self, id: str) -> State:
        """The state of its script that is shown of an operation now."""
        before = self.looks.pop(id, 0)
        _keep(self.looks, id, before + 1)
        return self.rule.states[min(before, len(self.rule.states) - 1)]


class Faults:
    """All rules of a server, and of the requests that name some."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        """Raises UsageError for what is no rule."""
        self._server = _armed(texts)
        self._asked: OrderedDict[str, list[Armed]] = OrderedDict()

    def set(self, texts: Iterable[str]) -> None:
        """Other rules of the server from now on; raises UsageError for what is none, and changes nothing then."""
        self._server = _armed(texts)

    def of(self, method: str, path: str, asked: str = "") -> list[Armed]:
        """The rules that happen to a request; `asked` are those of its header. Raises UsageError."""
        if not (self._server or asked):
            return []
        return [one for one in (*self._server, *self._of_header(asked)) if one.hits(method, path)]

    def _of_header(self, text: str) -> Iterator[Armed]:
        if text:  # equal texts are one sequence: "times=2" of three equal requests lets the third pass
            known = self._asked.pop(text) if text in self._asked else _armed([text])
            _keep(self._asked, text, known)
            yield from known


def _armed(texts: Iterable[str]) -> list[Armed]:
    found = [rule for text in texts for rule in rules(text)]
    return [Armed(rule, float("inf") if rule.times is None else rule.times) for rule in found]


def _keep(kept: OrderedDict[str, T], key: str, value: T) -> None:
    kept[key] = value
    if len(kept) > _REMEMBERED:
        kept.popitem(last=False)


def view(request: Request, operation: Operation) -> Operation:
    """The operation as this request shall see it; however often it asks, it looks once."""
    scripts = [one for one in request.scope.get(KEY, ()) if one.rule.states]
    if not scripts:
        return operation
    looks: dict[str, State] = request.scope.setdefault(_LOOKS, {})
    if operation.id not in looks:
        looks[operation.id] = scripts[0].look(operation.id)
    return _shown(operation, looks[operation.id])


def _shown(operation: Operation, state: State) -> Operation:
    """The operation in a state of a script; where the script says that it is well, as it is."""
    if state is State.SUCCEEDED:
        return operation
    if not state.ended:
        started = None if state is not State.RUNNING else operation.started or operation.created
        return replace(operation, state=state, started=started, ended=None, outcome=Outcome(), failure=None)
    why = Failure("INJECTED", f"this operation has {state.replace('_', ' ')} because a fault was asked for")
    ended = operation.ended or time.time()
    return replace(operation, state=state, ended=ended, outcome=Outcome(), failure=why)
