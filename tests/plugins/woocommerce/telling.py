"""What the tests of this folder share: settings, signed requests, a receiver, and facts out of records."""

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from hub.model import AnyRecord, OrderSnapshot
from hub.plugin import Raw, WebhookRequest
from hub.plugin.sandbox import serve
from hub.status import Axis, Fact, Folded, Level, Precision, Table, Way, axis_of, fold, lookup
from plugins.platforms.woocommerce import WooCommerce, WooCommerceSettings
from plugins.platforms.woocommerce.sandbox import sign
from plugins.platforms.woocommerce.statuses import STATUSES

MORNING = datetime(2026, 11, 20, 9, 14, 3, tzinfo=UTC)
SAMPLES = Path(__file__).parent / "samples"
KEY, KEY_SECRET, SECRET = "ck_of-the-sandbox-01", "cs_of-the-sandbox-01", "wh-secret-01"
KNOWN = {"consumer_key": KEY, "consumer_secret": KEY_SECRET, "webhook_secret": SECRET}
TABLES = {name: Table.of(rows) for name, rows in STATUSES.items()}


def settings(**more: Any) -> WooCommerceSettings:
    return WooCommerceSettings.model_validate({"url": "https://kavovar.example", **KNOWN, **more})


def webhook(body: bytes, *, secret: str = SECRET, **headers: str) -> WebhookRequest:
    """A signed request; `topic="order.updated"` becomes `X-WC-Webhook-Topic`."""
    said = {f"x-wc-webhook-{name.replace('_', '-')}": value for name, value in headers.items()}
    return request(body, {"x-wc-webhook-signature": sign(secret, body), **said})


def request(body: bytes, headers: dict[str, str]) -> WebhookRequest:
    return WebhookRequest("POST", "", {}, list(headers.items()), body)


def sample(name: str) -> Any:
    """The one order of an answer, or the body of a webhook."""
    found = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return found[0] if isinstance(found, list) else found


@dataclass
class Receiver:
    """A hub's webhook address: keeps what comes in, answers as told."""

    status: int = 200
    redirect: str = ""
    requests: list[WebhookRequest] = field(default_factory=list)
    url: str = ""

    async def take(self, incoming: Request) -> Response:
        headers = [(name.decode(), value.decode()) for name, value in incoming.headers.raw]
        self.requests.append(WebhookRequest("POST", "", {}, headers, await incoming.body()))
        return RedirectResponse(self.redirect, 307) if self.redirect else PlainTextResponse("", self.status)

    @property
    def topics(self) -> list[str]:
        return [each.header("x-wc-webhook-topic") or "" for each in self.requests]

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(each.body) for each in self.requests]

    def events(self, adapter: WooCommerce) -> list[Raw]:
        return [raw for each in self.requests for raw in adapter.verify(each).events]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = Starlette(routes=[Route("/in", receiver.take, methods=["POST"])])
    async with serve(app) as url:
        receiver.url = f"{url}/in"
        yield receiver


async def poll_all(shop: WooCommerce, cursor: Any = None) -> tuple[list[Raw], Any]:
    """The events of all pages of one run, and the cursor after it."""
    events: list[Raw] = []
    for _ in range(100):
        page = await shop.poll(cursor)
        events += page.events
        cursor = json.loads(json.dumps(page.cursor))
        if not page.more:
            return events, cursor
    raise AssertionError("the poll does not come to an end")


def records_of(adapter: WooCommerce, raws: Iterable[Raw]) -> list[AnyRecord]:
    return [record for raw in raws for record in adapter.normalise(raw)]


def snapshot_of(records: Iterable[AnyRecord]) -> OrderSnapshot:
    """The newest snapshot; of equally new ones the last."""
    found = [record for record in records if isinstance(record, OrderSnapshot)]
    return max(reversed(found), key=lambda each: each.version)


def natives(record: OrderSnapshot) -> Sequence[str]:
    return [each.code for each in record.natives]


def state_of(records: Iterable[AnyRecord]) -> dict[Axis, Folded]:
    """The order's axes, folded from its snapshots as the hub does."""
    found: dict[Axis, list[Fact]] = {}
    for record in (each for each in records if isinstance(each, OrderSnapshot)):
        for native in record.natives:
            known = lookup(native.code, plugin=TABLES[native.vocabulary])
            if known is None or known.meaning.status is None:
                continue
            axis = axis_of(known.meaning.status)
            fact = Fact(
                key=f"{native.vocabulary}:{native.code}:{record.version.isoformat()}", subject="order", axis=axis,
                value=known.meaning.status, reason=None, at=record.version, precision=Precision.SECOND,
                source="main-shop", level=Level.SHOP, snapshot=True, way=Way.NONE, retracts=None, native=native,
                received_at=record.version, known=True,
            )  # fmt: skip
            found.setdefault(axis, []).append(fact)
    return {axis: fold(axis, facts) for axis, facts in found.items()}
