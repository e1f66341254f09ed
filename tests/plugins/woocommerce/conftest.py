"""A shop on a real socket, and the adapter as the hub makes it, but without the pause between requests."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from hub.clock import VirtualClock
from hub.plugin import Limits
from hub.plugin.http import make_client
from plugins.platforms.woocommerce import WooCommerce
from plugins.platforms.woocommerce.sandbox import WooCommerceSandbox

from .telling import MORNING, settings


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(MORNING)


@pytest.fixture
def sandbox(clock: VirtualClock) -> WooCommerceSandbox:
    return WooCommerceSandbox(clock)


@pytest.fixture
async def url(sandbox: WooCommerceSandbox) -> AsyncIterator[str]:
    async with sandbox.serve() as url:
        yield url


@pytest.fixture
async def client(clock: VirtualClock) -> AsyncIterator[httpx.AsyncClient]:
    client = make_client("main-shop", Limits(concurrency=2, timeout=timedelta(seconds=10)), clock)
    yield client
    await client.aclose()


@pytest.fixture
def shop(client: httpx.AsyncClient, clock: VirtualClock, url: str) -> WooCommerce:
    return WooCommerce(settings(url=url), client, clock, connection="main-shop")


@pytest.fixture
async def browser(sandbox: WooCommerceSandbox, url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A plain client with the key: the other side of the sandbox's own tests."""
    base = f"{url}/wp-json/wc/v3/"
    async with httpx.AsyncClient(trust_env=False, auth=(sandbox.key, sandbox.secret), base_url=base) as plain:
        yield plain
