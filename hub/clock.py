"""Time, from one place. Everything is UTC; local time appears only where a person reads it or quiet hours ask."""

import asyncio
import time as _time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What tells the time. `now()` is an aware datetime in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  (the one place)


class VirtualClock:
    """A clock that stands still until it is moved; the demo and the tests drive it."""

    def __init__(self, start: datetime) -> None:
        self._now = aware(start)

    def now(self) -> datetime:
        return self._now

    def move_to(self, moment: datetime) -> None:
        """Move on to `moment`; a clock never goes back."""
        self._now = max(self._now, aware(moment))


def aware(moment: datetime) -> datetime:
    """`moment` in UTC; a time without a zone is refused with ValueError."""
    if moment.tzinfo is None:
        raise ValueError(f"a time needs a zone: {moment.isoformat()}")
    return moment.astimezone(UTC)


def monotonic() -> float:
    """Seconds that only grow, for time-outs and leases inside one process."""
    return _time.monotonic()


async def pause(seconds: float) -> None:
    """Yield to other work for a moment (real seconds); never used to wait for a due time: a timer is a row."""
    await asyncio.sleep(seconds)
