"""Where jobs wait for hands. On one machine a bounded pool of threads; across machines see `shared_queue`."""

import logging
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread
from time import monotonic
from typing import Protocol

from .jobs import Job
from .logs import tell


class Queue(Protocol):
    """Takes jobs. What waits twice for the same company is done once; a company is never worked on twice at a time."""

    def put(self, job: Job) -> None:
        """This is to be done soon. Returns at once."""

    def depth(self) -> int:
        """How many jobs wait."""

    def close(self, patience: int) -> bool:
        """Take no more, and wait so many seconds for what is being done. Returns whether everything came to its end."""


class ThreadQueue:
    """A pool of threads in this process. Companies are served in the order in which they came; one that comes back stands at the end.

    Nothing is lost when the process dies: what was due is still due.
    """

    def __init__(self, threads: int, do: Callable[[Job], object]) -> None:
        self._do = do
        self._waiting: deque[str] = deque()
        self._jobs: dict[str, Job] = {}
        self._busy: set[str] = set()
        self._closed = False
        self._changed = Condition()
        self._threads = [Thread(target=self._serve, name=f"puntual-{number}", daemon=True) for number in range(threads)]
        for thread in self._threads:
            thread.start()

    def put(self, job: Job) -> None:
        """This is to be done soon; of several for a company the first that waits is done."""
        with self._changed:
            if self._closed or job.company in self._jobs:
                return
            self._jobs[job.company] = job
            self._waiting.append(job.company)
            self._changed.notify()

    def depth(self) -> int:
        """How many jobs wait."""
        with self._changed:
            return len(self._waiting)

    def idle(self) -> bool:
        """Whether nothing waits and nobody works."""
        with self._changed:
            return not self._waiting and not self._busy

    def close(self, patience: int) -> bool:
        """Take no more, drop what waits, and wait for what is being done."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._jobs.clear()
            self._changed.notify_all()
        end = monotonic() + patience
        for thread in self._threads:
            thread.join(max(end - monotonic(), 0))
        return not any(thread.is_alive() for thread in self._threads)

    def _serve(self) -> None:
        while (job := self._next()) is not None:
            try:
                self._do(job)
            except Exception:  # noqa: BLE001  # one job must not take its hand from all others
                tell("mistake", logging.ERROR, exc_info=True, company=job.company)
            finally:
                with self._changed:
                    self._busy.discard(job.company)
                    self._changed.notify_all()

    def _next(self) -> Job | None:
        """The next job of a company that nobody works on; None when the queue is closed."""
        with self._changed:
            while True:
                if self._closed:
                    return None
                for _ in range(len(self._waiting)):
                    company = self._waiting.popleft()
                    if company not in self._busy:
                        self._busy.add(company)
                        return self._jobs.pop(company)
                    self._waiting.append(company)
                self._changed.wait()
