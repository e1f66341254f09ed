"""A sandbox on a real socket, and the adapter as the hub would make it, but without the pause between requests."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from hub.clock import VirtualClock
from hub.plugin import Limits
from hub.plugin.http import make_client
from plugins.carriers.nova_poshta import NovaPoshta
from plugins.carriers.nova_poshta.sandbox import NovaPoshtaSandbox

from .asking import settings

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOON)


@pytest.fixture
def world(clock: VirtualClock) -> NovaPoshtaSandbox:
    return NovaPoshtaSandbox(clock)


@pytest.fixture
async def url(world: NovaPoshtaSandbox) -> AsyncIterator[str]:
    async with world.serve() as url:
        yield url


@pytest.fixture
async def client(clock: VirtualClock) -> AsyncIterator[httpx.AsyncClient]:
    client = make_client("np", Limits(concurrency=1, timeout=timedelta(milliseconds=500)), clock)
    yield client
    await client.aclose()


@pytest.fixture
def carrier(client: httpx.AsyncClient, clock: VirtualClock, url: str) -> NovaPoshta:
    return NovaPoshta(settings(url), client, clock)
