"""What the tests of this folder share: settings, signed requests, a receiver, and facts out of records."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from hub.clock import pause
from hub.model import AnyRecord, OrderSnapshot, RefKind, StatusEvent
from hub.plugin import Raw, WebhookRequest
from hub.plugin.sandbox import serve
from hub.status import Axis, Fact, Folded, Level, Native, Precision, Table, Way, axis_of, fold, lookup
from plugins.platforms.shopify import Shopify, ShopifySettings
from plugins.platforms.shopify.sandbox import sign
from plugins.platforms.shopify.statuses import STATUSES

SAMPLES = Path(__file__).parent / "samples"
DOMAIN = "amber-kiosk.myshopify.com"
SECRET = "hush-test-secret"
TABLES = {name: Table.of(rows) for name, rows in STATUSES.items()}


def settings(**more: Any) -> ShopifySettings:
    known = {"domain": DOMAIN, "client_id": "sandbox-client", "client_secret": SECRET}
    return ShopifySettings.model_validate({**known, **more})


def webhook(body: bytes, *, secret: str = SECRET, **headers: str) -> WebhookRequest:
    """A signed request; `topic="orders/create"` becomes `X-Shopify-Topic`."""
    said = {f"x-shopify-{name.replace('_', '-')}": value for name, value in headers.items()}
    return request(body, {"x-shopify-hmac-sha256": sign(secret, body), **said})


def request(body: bytes, headers: dict[str, str]) -> WebhookRequest:
    return WebhookRequest("POST", "", {}, list(headers.items()), body)


@dataclass
class Receiver:
    """A hub's webhook address: keeps what comes in, answers as told."""

    status: int = 200
    hang: bool = False
    redirect: str = ""
    requests: list[WebhookRequest] = field(default_factory=list)
    url: str = ""

    async def take(self, incoming: Request) -> Response:
        headers = [(name.decode(), value.decode()) for name, value in incoming.headers.raw]
        self.requests.append(WebhookRequest("POST", "", {}, headers, await incoming.body()))
        if self.hang:
            await pause(0.3)
        if self.redirect:
            return RedirectResponse(self.redirect, 307)
        return PlainTextResponse("", self.status)

    @property
    def topics(self) -> list[str]:
        return [each.header("x-shopify-topic") or "" for each in self.requests]

    def events(self, adapter: Shopify) -> list[Raw]:
        return [raw for each in self.requests for raw in adapter.verify(each).events]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = Starlette(routes=[Route("/in", receiver.take, methods=["POST"])])
    async with serve(app) as url:
        receiver.url = f"{url}/in"
        yield receiver


def records_of(adapter: Shopify, raws: Iterable[Raw]) -> list[AnyRecord]:
    return [record for raw in raws for record in adapter.normalise(raw)]


def snapshot_of(records: Iterable[AnyRecord]) -> OrderSnapshot:
    """The newest snapshot; of equally new ones the last."""
    found = [record for record in records if isinstance(record, OrderSnapshot)]
    return max(reversed(found), key=lambda each: each.version)


def facts_of(records: Iterable[AnyRecord]) -> dict[tuple[str, Axis], list[Fact]]:
    """(subject, axis) → facts, keyed by content as the hub does."""
    found: dict[tuple[str, Axis], list[Fact]] = {}
    for record in records:
        if isinstance(record, StatusEvent):
            subject = record.ref if record.kind is RefKind.PARCEL else "order"
            _add(found, subject, record.native, record.at, event=record.event_id)
        if isinstance(record, OrderSnapshot):
            _add_all(found, "order", record.natives, record.version)
            for parcel in record.parcels or ():
                _add_all(found, parcel.ref, parcel.natives, parcel.version)
            for case in record.returns or ():
                _add_all(found, case.ref, case.natives, case.version)
    return found


def _add_all(found: dict[tuple[str, Axis], list[Fact]], subject: str, natives: Iterable[Native], at: datetime) -> None:
    for native in natives:
        _add(found, subject, native, at)


def _add(
    found: dict[tuple[str, Axis], list[Fact]], subject: str, native: Native, at: datetime, *, event: str = ""
) -> None:
    known = lookup(native.code, plugin=TABLES[native.vocabulary])
    if known is None or known.meaning.status is None:
        return
    axis = axis_of(known.meaning.status)
    key = event or f"{subject}:{native.vocabulary}:{native.code}:{at.isoformat()}"
    fact = Fact(
        key=key, subject=subject, axis=axis, value=known.meaning.status, reason=known.meaning.reason, at=at,
        precision=Precision.SECOND, source="main-shop", level=Level.SHOP, snapshot=not event, way=Way.NONE,
        retracts=None, native=native, received_at=at, known=True,
    )  # fmt: skip
    found.setdefault((subject, axis), []).append(fact)


def state_of(records: Iterable[AnyRecord]) -> dict[tuple[str, Axis], Folded]:
    return {key: fold(key[1], facts) for key, facts in facts_of(records).items()}


def words(records: Iterable[AnyRecord]) -> dict[str, str]:
    """`order.payment` → the folded value."""
    return {f"{subject}.{axis}": str(found.state) for (subject, axis), found in state_of(records).items()}


def natives(record: OrderSnapshot) -> Sequence[str]:
    return [f"{each.vocabulary}:{each.code}" for each in record.natives]
