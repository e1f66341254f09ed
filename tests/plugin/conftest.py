"""A clock, clients that close themselves, and an honest system with faults to order."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from hub.clock import VirtualClock
from hub.plugin import FailureError, Limits
from hub.plugin.http import make_client
from hub.plugin.sandbox import Chaos, serve

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


async def failing(client: httpx.AsyncClient, url: str) -> FailureError:
    """The failure of a GET that must fail."""
    with pytest.raises(FailureError) as caught:
        await client.get(url)
    return caught.value


class World:
    """An honest system with faults to order, and how often it was asked."""

    def __init__(self) -> None:
        self.chaos = Chaos()
        self.asked = 0
        self.now, self.most = 0, 0
        app = Starlette(routes=[Route("/{rest:path}", self._answer, methods=["GET", "POST"])])
        self.app = self.chaos.around(app)
        self.url = ""
        self.pause = 0.0

    async def _answer(self, _: Request) -> JSONResponse:
        self.asked += 1
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(self.pause)
        self.now -= 1
        return JSONResponse({})


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    async with serve(made.app) as url:
        made.url = url
        yield made
