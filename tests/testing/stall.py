"""A small platform and a small channel for the kit to look at, with a sandbox that is both of them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from hub.clock import Clock
from hub.model import OrderSnapshot
from hub.plugin import (
    Accepted,
    AddressKind,
    Channel,
    Duplicate,
    FailureError,
    Form,
    Outcome,
    Outgoing,
    Page,
    Permanent,
    Platform,
    Raw,
    Settings,
    Suppress,
    Transient,
    UnreadableError,
    WriteBack,
    digest,
    hookimpl,
)
from hub.plugin.sandbox import serve
from hub.status import Meaning, Native, Order, Payment
from hub.testing import ChannelConformance, HttpConformance, PlatformConformance

GOOD = {"api_key": "api-key-of-the-stall"}
SAMPLES = Path(__file__).parent / "samples"


class StallSettings(Settings):
    api_key: SecretStr = Field(description="Key from the portal.")
    url: str = Field(default="https://stall.example", description="Another address, for a sandbox.")


class Stall(Platform[StallSettings]):
    name = "stall"
    label = "Stall"
    settings_type = StallSettings
    statuses: ClassVar[Any] = {
        "stall": {"new": Meaning(Order.RECEIVED, "New"), "done": Meaning(Order.COMPLETED, "Done")},
        "stall.money": {"paid": Meaning(Payment.PAID, "Paid")},
    }

    async def poll(self, cursor: Any) -> Page:
        answer = (await self._get("/orders")).get("orders")
        if not isinstance(answer, list):
            raise FailureError(Transient("stall: no list of orders"))
        events = [_raw(each) for each in answer if isinstance(each, dict) and "id" in each]
        return Page(events, {"seen": len(events)})

    async def fetch(self, ref: str) -> Sequence[Raw]:
        return ()

    async def write_back(self, wish: WriteBack) -> None:
        await self._get("/orders")

    async def hello(self) -> str:
        await self._get("/orders")
        return "the stall is open"

    async def _get(self, path: str) -> dict[str, Any]:
        headers = {"x-api-key": self.settings.api_key.get_secret_value()}
        answer = (await self.client.get(self.settings.url + path, headers=headers)).json()
        if not isinstance(answer, dict):
            raise FailureError(Transient("stall: not an object"))
        return answer

    def normalise(self, raw: Raw) -> Sequence[OrderSnapshot]:
        try:
            order, at = raw.body, datetime.fromisoformat(raw.body["at"])
            natives = (Native("stall", order["state"]), Native("stall.money", order["money"]))
            return [OrderSnapshot(order["id"], order["id"], at, at, natives)]
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise UnreadableError(f"stall: {type(error).__name__}") from error


def _raw(order: dict[str, Any]) -> Raw:
    return Raw(order, f"order:{order['id']}", digest(order))


class Bell(Channel[StallSettings]):
    name = "bell"
    label = "Bell"
    settings_type = StallSettings
    form = Form.CHAT
    address_kind = AddressKind.PHONE
    rings = True
    honours_keys = True
    max_length = 100

    async def send(self, message: Outgoing) -> Outcome:
        if not (message.to.isascii() and message.to.isdigit() and len(message.to) < 20):
            return Suppress("not a number")
        if not 0 < len(message.text) <= 100:
            return Permanent("too long or empty")
        said = {"key": message.key, "to": message.to, "text": message.text}
        headers = {"x-api-key": self.settings.api_key.get_secret_value()}
        answer = (await self.client.post(f"{self.settings.url}/rings", json=said, headers=headers)).json()
        if not isinstance(answer, dict) or not isinstance(answer.get("id"), str):
            raise FailureError(Transient("bell: no id"))
        return Duplicate(answer["id"]) if answer.get("again") else Accepted(answer["id"])

    async def poll(self, cursor: Any) -> Page:
        return Page([Raw({}, "message:1", "k")], None)

    def normalise(self, raw: Raw) -> Sequence[Any]:
        if raw.body != {}:
            raise UnreadableError("bell: not empty")
        return []

    async def hello(self) -> str:
        headers = {"x-api-key": self.settings.api_key.get_secret_value()}
        await self.client.get(f"{self.settings.url}/orders", headers=headers)
        return "the bell rings"


@hookimpl
def adapters() -> Sequence[type[Any]]:
    return [Stall, Bell]


class StallSandbox:
    def __init__(self, clock: Clock) -> None:
        self.orders: list[dict[str, str]] = []
        self.rung: set[str] = set()
        self.app = Starlette(routes=[Route("/orders", self._orders), Route("/rings", self._ring, methods=["POST"])])

    async def _orders(self, _: Request) -> JSONResponse:
        return JSONResponse({"orders": self.orders})

    async def _ring(self, request: Request) -> JSONResponse:
        key = (await request.json())["key"]
        again = key in self.rung
        self.rung.add(key)
        return JSONResponse({"id": f"r-{key[:4]}", "again": again})

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        async with serve(self.app) as base:
            yield base


class StallConformance(PlatformConformance):
    adapter: ClassVar[Any] = Stall
    settings = GOOD
    samples = SAMPLES / "stall"
    sandbox = StallSandbox

    def prepare(self, sandbox: Any) -> None:
        sandbox.orders.append({"id": "1", "at": "2026-11-18T10:00:00+02:00", "state": "new", "money": "paid"})


class BellConformance(HttpConformance, ChannelConformance):
    adapter: ClassVar[Any] = Bell
    settings = GOOD
    samples = SAMPLES / "bell"
    sandbox = StallSandbox
    to = "380671112233"
