"""How hard one connection asks: so many at once, so many a second, and not before the other side allows it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from hub.clock import Clock, monotonic, pause

from ._adapters import Limits
from ._breaker import BELIEVED, ahead
from ._failures import Call


class Queue:
    """The turns of one connection. Waiting for a turn is bounded by `limits.timeout`; the call's own time is apart."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        if limits.concurrency < 1 or limits.burst < 1 or (limits.per_second is not None and limits.per_second <= 0):
            raise ValueError(f"limits that let nothing through: {limits}")
        self._patience = limits.timeout.total_seconds()
        self._clock = clock
        self._places = asyncio.Semaphore(limits.concurrency)
        self._bucket = Bucket(limits.per_second, limits.burst) if limits.per_second else None

    @asynccontextmanager
    async def turn(self, call: Call) -> AsyncIterator[None]:
        """Wait for a place and for the rate limit; fails at once where that would take too long."""
        until = monotonic() + self._patience
        try:
            async with asyncio.timeout(self._patience):
                await self._places.acquire()
        except TimeoutError:
            raise call.failure("crowd") from None
        try:
            await self._wait_for_rate(call, until)
            yield
        finally:
            self._places.release()

    async def _wait_for_rate(self, call: Call, until: float) -> None:
        if self._bucket is None:
            return
        wait = self._bucket.wait()
        if wait > until - monotonic():
            raise call.failure("rate", not_before=self._clock.now() + min(timedelta(seconds=wait), BELIEVED))
        self._bucket.take()
        if wait > 0:
            await pause(wait)


class Bucket:
    """A token bucket in real seconds. Tokens may be taken in advance: whoever takes one waits its `wait` first."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._rate, self._burst = per_second, float(burst)
        self._tokens, self._filled_at = self._burst, monotonic()

    def wait(self) -> float:
        """Seconds until the next token."""
        now = monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        return max(0.0, (1 - self._tokens) / self._rate)

    def take(self) -> None:
        """Take the next token."""
        self._tokens -= 1


class Memory:
    """What the other side wished: nothing before `until` (clock time)."""

    def __init__(self, clock: Clock) -> None:
        self.until: datetime | None = None
        self._clock = clock

    def hear(self, response: httpx.Response) -> datetime | None:
        """Remember an answer's Retry-After; returns the moment where there is one."""
        if response.status_code not in (429, 503):
            return None
        wait = retry_after(response.headers.get("retry-after", ""), response.headers.get("date", ""), self._clock.now())
        if wait is None:
            return None
        moment = self._clock.now() + wait
        self.until = moment if not ahead(self.until, self._clock.now()) else max(moment, self.until or moment)
        return moment

    def forbids(self) -> bool:
        """Whether we are to wait still."""
        return ahead(self.until, self._clock.now())


_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")


def retry_after(text: str, date: str, now: datetime) -> timedelta | None:
    """How long a Retry-After asks to wait (RFC 9110, 10.2.3), at most an hour; None where it says nothing usable.

    `text` holds seconds or an HTTP date; a date is measured from the answer's own `date`, so that clocks that differ do
    no harm.
    """
    text = text.strip()
    if _SECONDS.fullmatch(text):
        wait = min(float(text), BELIEVED.total_seconds())
        return timedelta(seconds=wait) if wait > 0 else None
    until, told_at = _http_date(text), _http_date(date)
    if until is None:
        return None
    wait_for = min(until - (told_at or now), BELIEVED)
    return wait_for if wait_for > timedelta(0) else None


def _http_date(text: str) -> datetime | None:
    if len(text) > 64:
        return None
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
