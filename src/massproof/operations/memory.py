"""Operations that live as long as the process: for tests, and for a server that shall leave no trace."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from massproof.operations.jobs import ending
from massproof.operations.port import Job, Operation, Run, State, again


class Memory:
    """The port `Operations`, without durability."""

    def __init__(self, run: Run, threads: int = 2, job_seconds: float = 60.0) -> None:
        """threads : that run jobs, one at least. job_seconds : that a job may take."""
        self._run, self._seconds, self._all = run, job_seconds, dict[str, Operation]()
        self._running: dict[str, threading.Event] = {}
        self._changed = threading.Condition()
        self._pool = ThreadPoolExecutor(max(1, threads), "massproof-job")

    def submit(self, job: Job) -> Operation:
        """As the port says."""
        with self._changed:
            known = self._all.get(job.id)
            if known and not again(known):
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
            done = self._running[job.id] = threading.Event()
        found = ending(self._run, job, self._seconds, done)
        with self._changed:
            if found is None or self._running.get(job.id) is not done:  # cancelled, and perhaps begun anew
                return
            del self._running[job.id]
            (state, outcome, failure), known, now = found, self._all[job.id], time.time()
            self._keep(replace(known, state=state, ended=now, updated=now, outcome=outcome, failure=failure))

    def _keep(self, operation: Operation) -> None:
        self._all[operation.id] = operation
        self._changed.notify_all()

    def get(self, id: str) -> Operation | None:
        """As the port says."""
        return self._all.get(id)

    held = get

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
        """As the port says: what runs is not interrupted, its answer is not kept, and its place is free at once."""
        with self._changed:
            known, now = self._all.get(id), time.time()
            if known and not known.state.ended:
                self._running.pop(id, threading.Event()).set()
                self._keep(replace(known, state=State.CANCELLED, ended=now, updated=now))
            return self._all.get(id)

    def recover(self) -> int:
        """Nothing outlives the process."""
        return 0

    def close(self) -> None:
        """As the port says."""
        self._pool.shutdown(wait=True, cancel_futures=True)
