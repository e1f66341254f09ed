"""A clock, and clients that close themselves."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from hub.clock import VirtualClock
from hub.plugin import Limits
from hub.plugin.http import make_client

Make = Callable[..., httpx.AsyncClient]

HASTY = Limits(timeout=timedelta(seconds=0.3))
"""For what hangs on purpose."""


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))


@pytest.fixture
async def make(clock: VirtualClock) -> AsyncIterator[Make]:
    """Makes clients of a connection called `acme`, with a time-out that only a hang reaches."""
    made: list[httpx.AsyncClient] = []

    def one(limits: Limits | None = None, **rest: Any) -> httpx.AsyncClient:
        client = make_client("acme", limits or Limits(timeout=timedelta(seconds=5)), clock, **rest)
        made.append(client)
        return client

    yield one
    for each in made:
        await each.aclose()
