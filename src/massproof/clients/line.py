"""A conversation with one service: send, try again what may succeed later, write it all down, wait for jobs to end."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Protocol

from massproof.clients.port import Reply, Request, State, ended
from massproof.clients.tape import Tape
from massproof.clients.waiting import Patience, retry_after
from massproof.errors import RemoteError

LATER = frozenset({429, 502, 503, 504})  # too many requests, and gateways that reached nobody
FINE = frozenset({200, 201})

# What to do about a refusal, whoever refuses.
_ADVICE = {
    400: "check the ids and options",
    401: "the credentials are not accepted: check the environment variables, tokens expire",
    402: "the account has no calls or credits left",
    403: "the account may not do this: check its permissions and the scopes of the token",
    404: "there is nothing by that id, or this account may not see it",
    406: "the service cannot do this with this kind of file",
    413: "it is too large for the service",
}


class Unreachable(Exception):  # no error of ours until tries are used up
    """The connection failed, or broke before the answer was whole."""


class Transport(Protocol):
    """Sends one request once."""

    def __call__(self, request: Request, seconds: float) -> Reply:
        """The answer, whatever its status; raises Unreachable when there is none within `seconds`."""


class Line:
    """One conversation: all its requests share a deadline and a tape."""

    def __init__(self, title: str, transport: Transport, patience: Patience, tape: Tape) -> None:
        self.title, self.tape = title, tape
        self._transport, self._patience = transport, patience

    def send(
        self,
        request: Request,
        *,
        fine: Collection[int] = FINE,
        again: Callable[[Reply], str] = lambda reply: "",
        transport: Transport | None = None,
    ) -> tuple[int, Reply]:
        """Send a request, again and again while that may help; the number of the exchange, and the answer.

        fine : statuses of HTTP that are an answer
        again : why an answer that looks fine is a passing fault, "" when it is none
        transport : what sends this one, if not the line's own

        Raises RemoteError: refused (another status), unavailable (tries used up), deadline.
        """
        of = f"{self.title}: {request.method} {self.tape.address(request.url)}"
        turn = 0
        while True:
            asked = None
            try:
                reply = (transport or self._transport)(request, self._patience.for_request(of))
            except Unreachable as error:
                why = self.tape.text(str(error))
            else:
                number = self.tape.record(request, reply)
                why = f"HTTP {reply.status}" if reply.status in LATER else again(reply)
                if not why and reply.status in fine:
                    return number, reply
                if not why:
                    raise self._refused(of, reply)
                asked = retry_after(reply.headers.get("retry-after"), self._patience.clock.today())
            turn += 1
            if turn >= self._patience.tries:
                msg = f"{of} did not answer in {turn} tries, at last: {why}; try again later"
                raise RemoteError(msg, "unavailable")
            self._patience.pause(turn - 1, f"{of}, at last: {why}", asked)

    def _refused(self, of: str, reply: Reply) -> RemoteError:
        said = self.tape.text(reply.said())
        advice = _ADVICE.get(reply.status, "look at the service's own pages")
        return RemoteError(
            f"{of} refused with HTTP {reply.status}{': ' + said if said else ''}; {advice}", "refused"
        )

    def wait(self, of: str, ask: Callable[[], tuple[State, str, Any]]) -> Any:
        """Ask until the job has ended; what it brought.

        ask : gives the state, the service's words if it went wrong, and what it brought

        Raises RemoteError when the job ends without an answer, or not before the deadline.
        """
        turn = 0
        while True:
            state, why, brought = ask()
            if state is State.DONE:
                return brought
            if state is not State.PENDING:
                raise ended(state, of, self.tape.text(why))
            self._patience.pause(turn, of)
            turn += 1
