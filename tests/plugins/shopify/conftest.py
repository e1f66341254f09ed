"""A shop on a real socket, and the adapter as the hub makes it, but without the pause between requests."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from hub.clock import VirtualClock
from hub.plugin import Limits
from hub.plugin.http import make_client
from plugins.platforms.shopify import Shopify
from plugins.platforms.shopify.sandbox import ShopifySandbox

from .telling import settings

MORNING = datetime(2026, 11, 20, 9, 14, 3, tzinfo=UTC)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(MORNING)


@pytest.fixture
def sandbox(clock: VirtualClock) -> ShopifySandbox:
    return ShopifySandbox(clock)


@pytest.fixture
async def url(sandbox: ShopifySandbox) -> AsyncIterator[str]:
    async with sandbox.serve() as url:
        yield url


@pytest.fixture
async def client(clock: VirtualClock) -> AsyncIterator[httpx.AsyncClient]:
    client = make_client("main-shop", Limits(concurrency=4, timeout=timedelta(seconds=10)), clock)
    yield client
    await client.aclose()


@pytest.fixture
def shop(client: httpx.AsyncClient, clock: VirtualClock, url: str) -> Shopify:
    return Shopify(settings(url=url), client, clock)


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    """A plain client: the other side of the sandbox's own tests."""
    async with httpx.AsyncClient(trust_env=False) as plain:
        yield plain
