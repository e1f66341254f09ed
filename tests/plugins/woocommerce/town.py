"""A small town: a real hub on a real database, a WooCommerce shop and a mail server, all on loopback and one clock."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from starlette.responses import PlainTextResponse

from hub.clock import VirtualClock
from hub.flows.load import load_config
from hub.messages import Texts, check_text
from hub.plugin.registry import Registry
from hub.plugin.sandbox import serve
from hub.runtime.hub import Hub, build_unpaced_adapter
from hub.store import tables
from hub.web.app import build_app
from plugins.channels.smtp.sandbox import SmtpSandbox
from plugins.platforms.woocommerce.sandbox import WooCommerceSandbox

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
CUSTOMER = "marek.zawadzki@example.com"

FILE = """
hub: {{public_url: "{public}", data: "{data}"}}
shops:
  kavovar: {{name: Kavovar, url: "https://kavovar.example", country: PL, locale: pl, timezone: Europe/Warsaw,
            currency: PLN, support: {{email: help@kavovar.example}}}}
connections:
  main-shop: {{platform: woocommerce, shop: kavovar, url: "{woo}", consumer_key: "${{KEY}}",
              consumer_secret: "${{SECRET}}", webhook_secret: "${{HOOK}}", poll_every: {every}}}
  mail: {{channel: smtp, host: 127.0.0.1, port: {smtp}, security: none, from: "Kavovar <shop@kavovar.example>"}}
contact:
  routes: {{default: [mail]}}
  settle: 1m
staff:
  support: {{people: [ola], via: [mail], acknowledge: 30m, then: manager}}
  manager: {{people: [iza], via: [mail], acknowledge: 15m}}
people:
  ola: {{name: Ola, mail: ola@kavovar.example, locale: pl}}
  iza: {{name: Iza, mail: iza@kavovar.example, locale: en}}
"""

FLOWS = """
flows:
  confirm: {on: order.received, steps: [{notify: {template: order-received}}]}
  paid: {on: payment.paid, when: '!payment.on_delivery', steps: [{notify: {template: payment-received}}]}
  cancelled: {on: order.cancelled, steps: [{notify: {template: order-cancelled}}]}
  shipped: {on: shipment.shipped, steps: [{notify: {template: shipped}}]}
  ready: {on: shipment.ready_for_pickup, steps: [{notify: {template: ready-for-pickup}}]}
"""


class Door:
    """The hub's address: closed while there is no hub, or while it is down."""

    app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await (self.app or PlainTextResponse("down", 502))(scope, receive, send)


@dataclass
class Town:
    """Everything of one test."""

    clock: VirtualClock
    shop: WooCommerceSandbox
    smtp: SmtpSandbox
    hub: Hub
    path: Path
    door: Door

    async def stop(self) -> None:
        await self.hub.stop()
        self.door.app = None

    async def start(self) -> None:
        self.hub = make_hub(self.path, self.clock, self.shop)
        self.door.app = build_app(self.hub)
        await self.hub.start(ticking=False)
        await self.settle()

    async def settle(self) -> None:
        """Let everything that can happen at this instant happen."""
        for _ in range(50):
            sent = await self.shop.deliver_due()
            await self.hub.quiet()
            due = await self.hub.next_due()
            if not sent and not (due is not None and due <= self.clock.now()):
                return

    async def advance(self, **length: float) -> None:
        """Let time pass, stopping at each instant at which something is due."""
        end = self.clock.now() + timedelta(**length)
        await self.settle()
        while True:
            due = [each for each in (await self.hub.next_due(), self.shop.next_at()) if each is not None]
            nearest = min(due, default=end)
            if nearest >= end:
                break
            self.clock.move_to(nearest)
            await self.settle()
        self.clock.move_to(end)
        await self.settle()

    async def pass_by(self, **length: float) -> None:
        """Time in which the hub is down: the shop goes on sending."""
        self.clock.move_to(self.clock.now() + timedelta(**length))
        await self.shop.deliver_due()

    def mails(self, to: str = CUSTOMER) -> list[str]:
        return [mail.subject for mail in self.smtp.ledger if to in mail.to]

    async def rows(self, table: sa.Table, *where: Any) -> Sequence[Any]:
        return await self.hub.db.read(
            lambda connection: connection.execute(sa.select(table).where(*where).order_by(*table.primary_key)).all()
        )

    async def told(self, ref: str = "") -> list[tuple[str, str]]:
        """(template, state) of the messages to customers, of one order or all."""
        wanted = [tables.messages.c.order_id == f"main-shop:{ref}"] if ref else []
        rows = await self.rows(tables.messages, tables.messages.c.recipient == "customer", *wanted)
        return [(row.template, row.state) for row in rows]

    async def headlines(self) -> dict[str, str]:
        rows = await self.rows(tables.orders)
        return {row.id.partition(":")[2]: str(row.headline) for row in rows}


@asynccontextmanager
async def town(
    folder: Path,
    *,
    flows: str = FLOWS,
    more: str = "",
    every: str = "5m",
    storage: Literal["hpos", "legacy"] = "hpos",
    before: Callable[[WooCommerceSandbox], object] = lambda shop: None,
) -> AsyncIterator[Town]:
    """The town, at work. `more`: what else stands in flows.yaml."""
    clock = VirtualClock(START)
    async with AsyncExitStack() as stack:
        shop, smtp, door = WooCommerceSandbox(clock, storage=storage), SmtpSandbox(clock=clock), Door()
        before(shop)
        woo = await stack.enter_async_context(shop.serve())
        await stack.enter_async_context(smtp.serve())
        public = await stack.enter_async_context(serve(door))
        path = folder / "flows.yaml"
        text = FILE.format(public=public, data=folder, woo=woo, smtp=smtp.port, every=every)
        path.write_text(text + flows + more, "utf-8")
        it = Town(clock, shop, smtp, None, path, door)  # type: ignore[arg-type]
        await it.start()
        try:
            yield it
        finally:
            await it.hub.stop()


def make_hub(path: Path, clock: VirtualClock, shop: WooCommerceSandbox) -> Hub:
    env = {"KEY": shop.key, "SECRET": shop.secret, "HOOK": shop.webhook_secret}
    texts, _ = Texts.load(None)
    loaded = load_config(path, Registry.load(), env, texts=texts, check_text=check_text)
    assert loaded.config is not None, "\n".join(map(str, loaded.problems))
    return Hub(loaded.config, texts, clock=clock, jitter=False, make_adapter=build_unpaced_adapter)
