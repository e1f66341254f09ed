"""A whole small town for end-to-end tests: a real hub on a real database, and the sandboxes of everything outside,
all on loopback and all on one virtual clock."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub.clock import VirtualClock
from hub.flows.load import load_config
from hub.messages import Texts, check_text
from hub.plugin.registry import Registry
from hub.plugin.sandbox import serve
from hub.runtime.hub import Hub, MakeAdapter, build_unpaced_adapter
from hub.store import tables
from hub.web.app import build_app
from plugins.carriers.nova_poshta.sandbox import NovaPoshtaSandbox
from plugins.channels.smtp.sandbox import SmtpSandbox
from plugins.channels.telegram.sandbox import TelegramSandbox
from plugins.platforms.shopify.sandbox import ShopifySandbox

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
REPOSITORY = Path(__file__).parents[2]

CONNECTIONS = """
hub: {{public_url: "{public}", data: "{data}"{database}}}
shops:
  kavovar: {{name: Kavovar, url: "https://kavovar.example", country: UA, locale: uk, timezone: Europe/Kyiv,
            currency: UAH, support: {{email: help@kavovar.example}}}}
connections:
  main-shop: {{platform: shopify, shop: kavovar, domain: amber-kiosk.myshopify.com, client_id: sandbox-client,
              client_secret: "${{SHOPIFY_SECRET}}", url: "{shopify}", poll_every: 6h}}
  nova-poshta: {{carrier: nova_poshta, api_key: "${{NP_KEY}}", url: "{np}", storage: {{locker: 3d, branch: 7d}}}}
  mail: {{channel: smtp, host: 127.0.0.1, port: {smtp}, security: none, from: "Kavovar <shop@kavovar.example>"}}
  bot: {{channel: telegram, token: "${{TELEGRAM_TOKEN}}", url: "{telegram}"}}
contact:
  routes: {{default: [bot, mail], letter: [mail]}}
  quiet: "21:00-08:00"
  settle: 1m
staff:
  support: {{people: [olena], via: [mail], acknowledge: 30m, then: manager}}
  warehouse: {{people: [olena], via: [mail], acknowledge: 1h, then: manager}}
  manager: {{people: [iryna], via: [mail], acknowledge: 15m}}
people:
  olena: {{name: Olena, mail: olena@kavovar.example, locale: uk}}
  iryna: {{name: Iryna, mail: iryna@kavovar.example, locale: en}}
"""

FLOWS = """
flows:
  confirm: {on: order.received, steps: [{notify: {template: order-received, via: letter}}]}
  paid: {on: payment.paid, when: '!payment.on_delivery', steps: [{notify: {template: payment-received}}]}
  cancelled: {on: order.cancelled, steps: [{notify: {template: order-cancelled, via: letter}}]}
  shipped:
    on: shipment.shipped
    steps:
      - wait: {that: has(shipment.tracking_url), up_to: 12h}
      - notify: {template: shipped}
  ready:
    on: shipment.ready_for_pickup
    stop_on: [shipment.delivered, shipment.returning]
    steps:
      - notify: {template: ready-for-pickup}
      - wait: {until: "at(shipment.pickup_deadline - hours(12), '09:00', customer.timezone)", or: stop}
      - notify: {template: pickup-last-day, urgent: true, before: shipment.pickup_deadline}
  delivered: {on: shipment.delivered, steps: [{notify: {template: delivered}}]}
  problem:
    on: shipment.problem
    steps:
      - escalate:
          {to: support, severity: critical, due: 4h, reason: "{{ order.number }}: {{ shipment.reason or 'problem' }}"}
"""


@dataclass
class Town:
    """Everything of one test."""

    clock: VirtualClock
    shop: ShopifySandbox
    np: NovaPoshtaSandbox
    smtp: SmtpSandbox
    telegram: TelegramSandbox
    hub: Hub
    base: str
    path: Path
    door: "_Door"
    make: MakeAdapter = build_unpaced_adapter
    shadow: bool = False

    async def restart(self, *changes: tuple[str, str], shadow: bool | None = None) -> None:
        """Stop the hub and start another on the same data, perhaps with an edited file, in shadow or live."""
        self.shadow = self.shadow if shadow is None else shadow
        for change in changes:
            text = self.path.read_text("utf-8")
            assert change[0] in text
            self.path.write_text(text.replace(*change), "utf-8")
        await self.hub.stop()
        self.hub = _hub(self.path, self.clock, self.env(), self.make, self.shadow)
        self.door.app = build_app(self.hub)
        await self.hub.start(ticking=False)
        await self.settle()

    def env(self) -> dict[str, str]:
        return {
            "SHOPIFY_SECRET": self.shop.client_secret,
            "NP_KEY": self.np.key,
            "TELEGRAM_TOKEN": self.telegram.token,
        }

    async def settle(self) -> None:
        """Let everything that can happen at this instant happen."""
        for _ in range(50):
            sent = await self.shop.deliver_due() + await self.telegram.deliver_due()
            await self.hub.quiet()
            if not sent and not await self._pending():
                return

    async def _pending(self) -> bool:
        due = await self.hub.next_due()
        return due is not None and due <= self.clock.now()

    async def advance(self, **length: float) -> None:
        """Let time pass, stopping at each instant at which something is due."""
        await self.advance_to(self.clock.now() + timedelta(**length))

    async def advance_to(self, end: datetime) -> None:
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

    def mails(self, to: str = "") -> list[str]:
        """Subjects of the mails that arrived, for one address or all."""
        return [mail.subject for mail in self.smtp.ledger if not to or to in mail.to]

    async def rows(self, table: sa.Table, *where: Any) -> Sequence[Any]:
        return await self.hub.db.read(
            lambda connection: connection.execute(sa.select(table).where(*where).order_by(*table.primary_key)).all()
        )

    async def messages(self) -> list[tuple[str, str, str]]:
        """(template, state, reason) of all messages to customers."""
        rows = await self.rows(tables.messages, tables.messages.c.recipient == "customer")
        return [(row.template, row.state, row.reason) for row in rows]

    async def headline(self, number: str = "") -> str:
        rows = await self.rows(tables.orders)
        return next(str(row.headline) for row in rows if not number or row.number == number)


@asynccontextmanager
async def town(
    folder: Path,
    *,
    flows: str = FLOWS,
    connections: str = CONNECTIONS,
    start: datetime = START,
    database: str = "",
    before: Callable[[ShopifySandbox], object] = lambda shop: None,
    make: MakeAdapter = build_unpaced_adapter,
    shadow: bool = False,
) -> AsyncIterator[Town]:
    """The town, at work."""
    clock = VirtualClock(start)
    async with AsyncExitStack() as stack:
        shop, np = ShopifySandbox(clock), NovaPoshtaSandbox(clock)
        before(shop)
        telegram, smtp = TelegramSandbox(clock), SmtpSandbox(clock=clock)
        addresses = {
            "shopify": await stack.enter_async_context(shop.serve()),
            "np": await stack.enter_async_context(np.serve()),
            "telegram": await stack.enter_async_context(telegram.serve()),
        }
        await stack.enter_async_context(smtp.serve())
        door = _Door()
        base = await stack.enter_async_context(serve(door))
        path = folder / "flows.yaml"
        given = f', database: "{database}"' if database else ""
        text = connections.format(public=base, data=folder, smtp=smtp.port, database=given, **addresses)
        path.write_text(text + flows, "utf-8")
        it = Town(clock, shop, np, smtp, telegram, None, base, path, door, make, shadow)  # type: ignore[arg-type]
        it.hub = _hub(path, clock, it.env(), make, shadow)
        door.app = build_app(it.hub)
        await it.hub.start(ticking=False)
        try:
            await it.settle()
            yield it
        finally:
            await it.hub.stop()


def _hub(path: Path, clock: VirtualClock, env: dict[str, str], make: MakeAdapter, shadow: bool) -> Hub:
    texts, _ = Texts.load(None)
    loaded = load_config(path, Registry.load(), env, texts=texts, check_text=check_text)
    assert loaded.config is not None, "\n".join(map(str, loaded.problems))
    return Hub(loaded.config, texts, clock=clock, jitter=False, make_adapter=make, shadow=shadow)


class _Door:
    """The hub's address is needed before there is a hub."""

    app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)
