"""Operations that live as long as the process: for tests, and for a server that shall leave no trace."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from massproof.operations.jobs import outcome_of
from massproof.operations.port import TRANSIENT, Job, Operation, Run, State


class Memory:
    """The port `Operations`, without durability."""

    def __init__(self, run: Run, threads: int = 2) -> None:
        self._run, self._all = run, dict[str, Operation]()
        self._changed = threading.Condition()
        self._pool = ThreadPoolExecutor(threads, "massproof-job")

    def submit(self, job: Job) -> Operation:
        """As the port says."""
        with self._changed:
            known = self._all.get(job.id)
            if known and not _again(known):
                return known
            now = time.time()
            made = Operation(
                job.id, job, State.QUEUED, now, updated=now, attempts=known.attempts if known else 0
            )
            self._all[job.id] = made
        self._pool.submit(self._work, job)
        return made

    def _work(self, job: Job) -> None:
        with self._changed:
            now, known = time.time(), self._all[job.id]
            if known.state is not State.QUEUED:  # cancelled since
                return
            self._keep(
                replace(known, state=State.RUNNING, started=now, updated=now, attempts=known.attempts + 1)
            )
        state, outcome, failure = outcome_of(self._run, job)
        with self._changed:
            known, now = self._all[job.id], time.time()
            if known.state is State.RUNNING:
                self._keep(
                    replace(known, state=state, ended=now, updated=now, outcome=outcome, failure=failure)
                )

    def _keep(self, operation: Operation) -> None:
        self._all[operation.id] = operation
        self._changed.notify_all()

    def get(self, id: str) -> Operation | None:
        """As the port says."""
        return self._all.get(id)

    def list(
        self,
        *,
        kind: str | None = None,
        state: State | None = None,
        limit: int = 100,
        before: float | None = None,
    ) -> Sequence[Operation]:
        """As the port says."""
        with self._changed:
            rows = sorted(self._all.values(), key=lambda one: (one.created, one.id), reverse=True)
        return [
            one
            for one in rows
            if kind in (None, one.job.kind)
            and state in (None, one.state)
            and (before is None or one.created < before)
        ][:limit]

    def wait(self, id: str, seconds: float) -> Operation | None:
        """As the port says."""
        with self._changed:
            self._changed.wait_for(lambda: id not in self._all or self._all[id].state.ended, seconds)
            return self._all.get(id)

    def cancel(self, id: str) -> Operation | None:
        """As the port says: what runs is not interrupted, and its answer is not kept."""
        with self._changed:
            known, now = self._all.get(id), time.time()
            if known and not known.state.ended:
                self._keep(replace(known, state=State.CANCELLED, ended=now, updated=now))
            return self._all.get(id)

    def recover(self) -> int:
        """Nothing outlives the process."""
        return 0

    def close(self) -> None:
        """As the port says."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _again(known: Operation) -> bool:
    if known.state is State.CANCELLED:
        return True
    return known.state is State.FAILED and known.failure is not None and known.failure.code in TRANSIENT
