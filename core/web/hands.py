"""Threads for what blocks. They are few, each kind of work has its own, and nobody waits for them longer than was said."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from ..errors import TryLater

T = TypeVar("T")


class TooSlow(TryLater):
    """It took longer than anybody waits for it; it may still come to its end."""


class Hands:
    """A few threads. What waits for one of them and is not waited for any more is never begun."""

    def __init__(self, threads: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(threads, name)

    async def do(self, work: Callable[[], T], seconds: int) -> T:
        """What `work` returns. Raises TooSlow after so many seconds, and whatever `work` raises."""
        future = self._pool.submit(copy_context().run, work)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), seconds)
        except TimeoutError:
            raise TooSlow(f"It took longer than {seconds} s.") from None

    def let_go(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
