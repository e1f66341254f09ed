"""A sandbox on a real socket, a plain client to question it, and the adapter over the hub's own client."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from hub.clock import VirtualClock
from hub.plugin.http import make_client
from plugins.channels.telegram import Telegram
from plugins.channels.telegram.sandbox import TOKEN, TelegramSandbox
from plugins.channels.telegram.settings import TelegramSettings

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@dataclass
class Asking:
    """A client of the Bot API that knows nothing of the adapter."""

    client: httpx.AsyncClient
    base: str

    async def json(self, method: str, **params: Any) -> httpx.Response:
        return await self.client.post(f"{self.base}/bot{TOKEN}/{method}", json=params)

    async def form(self, method: str, **params: Any) -> httpx.Response:
        return await self.client.post(f"{self.base}/bot{TOKEN}/{method}", data=params)

    async def result(self, method: str, **params: Any) -> Any:
        answer = await self.json(method, **params)
        assert answer.json()["ok"], answer.text
        return answer.json()["result"]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def later(clock: VirtualClock) -> Callable[[float], None]:
    return lambda seconds: clock.move_to(clock.now() + timedelta(seconds=seconds))


@pytest.fixture
def sandbox(clock: VirtualClock) -> TelegramSandbox:
    return TelegramSandbox(clock)


@pytest.fixture
async def base(sandbox: TelegramSandbox) -> AsyncIterator[str]:
    async with sandbox.serve() as url:
        yield url


@pytest.fixture
async def api(base: str) -> AsyncIterator[Asking]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield Asking(client, base)


Make = Callable[..., Awaitable[Telegram]]


@pytest.fixture
async def make(base: str, clock: VirtualClock) -> AsyncIterator[Make]:
    """Make adapters over the hub's client, with these settings beside token and url."""
    clients: list[httpx.AsyncClient] = []

    async def one(**settings: Any) -> Telegram:
        wanted = TelegramSettings(**{"token": TOKEN, "url": base, **settings})
        client = make_client("bot", Telegram.limits, clock)
        clients.append(client)
        return Telegram(wanted, client, clock, connection="bot")

    yield one
    for client in clients:
        await client.aclose()


@pytest.fixture
async def telegram(make: Make) -> Telegram:
    return await make()
