"""A sandbox on a real socket, and the adapter as the hub would make it, but without the pause between requests."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from hub.clock import VirtualClock
from hub.plugin import Limits
from hub.plugin.http import make_client
from plugins.carriers.inpost import InPost
from plugins.carriers.inpost.sandbox import ORGANIZATION, TOKEN, InPostSandbox

from .telling import SECRET, settings

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOON)


@pytest.fixture
def world(clock: VirtualClock) -> InPostSandbox:
    return InPostSandbox(clock)


@pytest.fixture
async def url(world: InPostSandbox) -> AsyncIterator[str]:
    async with world.serve() as url:
        yield url


@pytest.fixture
async def client(clock: VirtualClock) -> AsyncIterator[httpx.AsyncClient]:
    client = make_client("inpost", Limits(concurrency=2, timeout=timedelta(seconds=4)), clock)
    yield client
    await client.aclose()


@pytest.fixture
def carrier(client: httpx.AsyncClient, clock: VirtualClock, url: str) -> InPost:
    """Without a token, as most connections are."""
    return InPost(settings(url, webhook_secret=SECRET), client, clock)


@pytest.fixture
def owner(client: httpx.AsyncClient, clock: VirtualClock, url: str) -> InPost:
    """With the organization's token."""
    return InPost(settings(url, token=TOKEN, organization=ORGANIZATION), client, clock)


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    """A plain client: the other side of the sandbox's own tests."""
    async with httpx.AsyncClient(trust_env=False) as plain:
        yield plain
