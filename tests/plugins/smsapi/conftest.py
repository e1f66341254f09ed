"""A sandbox on a real socket, a plain client to question it, and the adapter over the hub's own client."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from hub.clock import VirtualClock
from hub.plugin import Limits, Outgoing
from hub.plugin.http import make_client
from plugins.channels.smsapi import Smsapi, SmsapiSettings
from plugins.channels.smsapi.sandbox import SENDER, TOKEN, SmsapiSandbox

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
PHONE = "+48600100200"
SECRET = "path-of-the-tests-0001"


@dataclass
class Asking:
    """A client of the API that knows nothing of the adapter."""

    client: httpx.AsyncClient
    base: str

    async def post(self, path: str, token: str = TOKEN, **form: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return await self.client.post(f"{self.base}/{path}", data=form, headers=headers)

    async def send(self, to: str = "48600100200", message: str = "Kod 4821", **form: str) -> Any:
        wish = {"format": "json", "from": SENDER, "to": to, "message": message, **form}
        return (await self.post("sms.do", **wish)).json()

    async def error(self, **form: str) -> int:
        """The error that a request is refused with."""
        return int((await self.send(**form))["error"])


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def later(clock: VirtualClock) -> Callable[[float], None]:
    return lambda seconds: clock.move_to(clock.now() + timedelta(seconds=seconds))


@pytest.fixture
def sandbox(clock: VirtualClock) -> SmsapiSandbox:
    return SmsapiSandbox(clock)


@pytest.fixture
async def base(sandbox: SmsapiSandbox) -> AsyncIterator[str]:
    async with sandbox.serve() as url:
        yield url


@pytest.fixture
async def api(base: str) -> AsyncIterator[Asking]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield Asking(client, base)


Make = Callable[..., Smsapi]


@pytest.fixture
async def make(base: str, clock: VirtualClock) -> AsyncIterator[Make]:
    """Make adapters over the hub's client, with these settings beside the usual ones."""
    clients: list[httpx.AsyncClient] = []

    def one(**settings: Any) -> Smsapi:
        usual = {"token": TOKEN, "sender": SENDER, "callback_secret": SECRET, "url": base}
        clients.append(make_client("sms", Limits(timeout=timedelta(seconds=4)), clock))
        return Smsapi(SmsapiSettings(**{**usual, **settings}), clients[-1], clock, connection="sms")

    yield one
    for client in clients:
        await client.aclose()


@pytest.fixture
def smsapi(make: Make) -> Smsapi:
    return make()


def saying(text: str = "Paczka 1042 czeka w KRA01M", to: str = PHONE, key: str = "0" * 32) -> Outgoing:
    """A message."""
    return Outgoing(key=key, to=to, text=text)
