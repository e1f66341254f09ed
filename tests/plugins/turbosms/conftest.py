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
from plugins.channels.turbosms import TurboSms, TurboSmsSettings
from plugins.channels.turbosms.sandbox import SECRET, SENDER, TOKEN, TurboSmsSandbox

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
PHONE = "+380501112233"


@dataclass
class Asking:
    """A client of the API that knows nothing of the adapter."""

    client: httpx.AsyncClient
    base: str

    async def json(self, method: str, data: Any = None, *, token: str = TOKEN) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        answer = await self.client.post(f"{self.base}/{method}.json", json=data or {}, headers=headers)
        assert answer.status_code == 200, "TurboSMS says 200 to everything"
        return answer.json()

    async def send(self, *phones: str, text: str = "Kod 4821", **rest: Any) -> Any:
        return await self.json(
            "message/send", {"recipients": list(phones), "sms": {"sender": SENDER, "text": text}, **rest}
        )


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def later(clock: VirtualClock) -> Callable[[float], None]:
    return lambda seconds: clock.move_to(clock.now() + timedelta(seconds=seconds))


@pytest.fixture
def sandbox(clock: VirtualClock) -> TurboSmsSandbox:
    return TurboSmsSandbox(clock)


@pytest.fixture
async def base(sandbox: TurboSmsSandbox) -> AsyncIterator[str]:
    async with sandbox.serve() as url:
        yield url


@pytest.fixture
async def api(base: str) -> AsyncIterator[Asking]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield Asking(client, base)


Make = Callable[..., TurboSms]


@pytest.fixture
async def make(base: str, clock: VirtualClock) -> AsyncIterator[Make]:
    """Make adapters over the hub's client, with these settings beside the usual ones."""
    clients: list[httpx.AsyncClient] = []

    def one(**settings: Any) -> TurboSms:
        usual = {"token": TOKEN, "sender": SENDER, "callback_secret": SECRET, "url": base}
        clients.append(make_client("sms", Limits(timeout=timedelta(seconds=4)), clock))
        return TurboSms(TurboSmsSettings(**{**usual, **settings}), clients[-1], clock, connection="sms")

    yield one
    for client in clients:
        await client.aclose()


@pytest.fixture
def turbosms(make: Make) -> TurboSms:
    return make()


def saying(text: str = "Zamovlennya 1042 prybulo. Kod 4821", to: str = PHONE, key: str = "0" * 32) -> Outgoing:
    """A message."""
    return Outgoing(key=key, to=to, text=text)
