"""A few connections that are used again, and the pace at which mails leave."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

from hub.clock import monotonic

from ._session import Session

IDLE = timedelta(seconds=25)
"""How long a connection may lie idle; big providers close theirs after 30 s to 5 min."""


class Pool:
    """At most `size` connections at once; each carries at most `per_connection` mails."""

    def __init__(self, make: Callable[[], Session], *, size: int, per_connection: int, idle: timedelta = IDLE) -> None:
        self._make = make
        self._free = asyncio.Semaphore(size)
        self._per_connection = per_connection
        self._idle_for = idle.total_seconds()
        self._idle: list[Session] = []

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait until a connection may be used."""
        async with self._free:
            yield

    @contextlib.asynccontextmanager
    async def session(self, *, fresh: bool = False) -> AsyncIterator[Session]:
        """A signed-in connection. It is kept for the next mail unless something else than a plain refusal came out."""
        session = None if fresh else self._take()
        if session is None:
            session = self._make()
        try:
            if not session.ready:
                await session.open()
            yield session
        finally:
            await self._give_back(session)

    def _take(self) -> Session | None:
        self._drop_stale()
        return self._idle.pop() if self._idle else None

    def _drop_stale(self) -> None:
        oldest = monotonic() - self._idle_for
        for session in self._idle:
            if session.used_at < oldest:
                session.close()
        self._idle = [session for session in self._idle if session.ready]

    async def _give_back(self, session: Session) -> None:
        if not session.ready:
            session.close()
        elif session.carried >= self._per_connection:
            await session.quit()
        else:
            self._idle.append(session)

    async def close(self) -> None:
        """Say goodbye on all idle connections."""
        idle, self._idle = self._idle, []
        for session in idle:
            await session.quit()


class Pace:
    """At most so many mails per minute, evenly spread."""

    def __init__(self, per_minute: int | None) -> None:
        self._gap = 60 / per_minute if per_minute else 0.0
        self._next = 0.0

    def wait(self, at_most: float) -> tuple[bool, float]:
        """(whether a place was taken, seconds until it). A place further away than `at_most` is not taken."""
        now = monotonic()
        wait = max(0.0, self._next - now)
        if wait > at_most:
            return False, wait
        self._next = max(self._next, now) + self._gap
        return True, wait
