"""A town with a shop, a letter box and SMS providers: a real hub on a real database, all on loopback and on one
virtual clock."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
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
from hub.runtime.hub import Hub, build_unpaced_adapter
from hub.store import tables
from hub.web.app import build_app
from plugins.channels.smtp.sandbox import SmtpSandbox
from plugins.platforms.shopify.sandbox import ShopifySandbox

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)

FILE = """
hub: {{public_url: "{public}", data: "{data}"}}
shops:
  kavovar: {{name: Kavovar, url: "https://kavovar.example", country: UA, locale: en, timezone: Europe/Kyiv,
            currency: UAH, support: {{email: help@kavovar.example}}}}
connections:
  main-shop: {{platform: shopify, shop: kavovar, domain: amber-kiosk.myshopify.com, client_id: sandbox-client,
              client_secret: "${{SHOPIFY_SECRET}}", url: "{shopify}", poll_every: 6h}}
  mail: {{channel: smtp, host: 127.0.0.1, port: {smtp}, security: none, from: "Kavovar <shop@kavovar.example>"}}
{sms}
contact: {{routes: {{default: [sms, mail]}}, settle: 1m}}
staff: {{support: {{people: [olena], via: [mail], acknowledge: 30m}}}}
people: {{olena: {{name: Olena, mail: olena@kavovar.example, locale: en}}}}
flows:
  confirm: {{on: order.received, steps: [{{notify: {{template: order-received}}}}]}}
"""


@dataclass
class SmsTown:
    """Everything of one test."""

    clock: VirtualClock
    shop: ShopifySandbox
    smtp: SmtpSandbox
    hub: Hub
    base: str
    deliver_due: Callable[[], Coroutine[Any, Any, int]]
    make: Callable[[], Hub]
    door: "_Door"

    async def restart(self) -> None:
        """Stop the hub and start another on the same data."""
        await self.hub.stop()
        self.hub = self.make()
        self.door.app = build_app(self.hub)
        await self.hub.start(ticking=False)
        await self.settle()

    async def settle(self) -> None:
        """Let everything that can happen at this instant happen."""
        for _ in range(50):
            brought = await self.shop.deliver_due() + await self.deliver_due()
            await self.hub.quiet()
            due = await self.hub.next_due()
            if not brought and (due is None or due > self.clock.now()):
                return

    async def advance(self, **length: float) -> None:
        """Let time pass, stopping at each instant at which something is due."""
        end = self.clock.now() + timedelta(**length)
        await self.settle()
        while (nearest := await self.hub.next_due()) is not None and nearest < end:
            self.clock.move_to(nearest)
            await self.settle()
        self.clock.move_to(end)
        await self.settle()

    async def messages(self) -> list[tuple[str, str]]:
        """(state, connection) of all messages to customers, in the order in which they were made."""
        table = tables.messages
        query = sa.select(table).where(table.c.recipient == "customer").order_by(table.c.id)
        rows = await self.hub.db.read(lambda connection: connection.execute(query).all())
        return [(row.state, row.connection) for row in rows]

    def mails(self, to: str) -> list[str]:
        """Subjects of the mails that arrived there."""
        return [mail.subject for mail in self.smtp.ledger if to in mail.to]


@asynccontextmanager
async def sms_town(
    folder: Path, clock: VirtualClock, providers: Mapping[str, tuple[Any, str]], env: Mapping[str, str]
) -> AsyncIterator[SmsTown]:
    """The town, at work. `providers`: connection → its sandbox and its settings without the address; several are the
    failover `sms`, else the only one is `sms` itself."""
    shop, smtp = ShopifySandbox(clock), SmtpSandbox(clock=clock)
    async with AsyncExitStack() as stack:
        shopify = await stack.enter_async_context(shop.serve())
        urls = {name: await stack.enter_async_context(sandbox.serve()) for name, (sandbox, _) in providers.items()}
        lines = [f'  {name}: {{{settings}, url: "{urls[name]}"}}' for name, (_, settings) in providers.items()]
        if len(providers) > 1:
            lines.append(f"  sms: {{failover: [{', '.join(providers)}]}}")
        await stack.enter_async_context(smtp.serve())
        door = _Door()
        base = await stack.enter_async_context(serve(door))
        sms = "\n".join(lines)
        text = FILE.format(public=base, data=folder, shopify=shopify, smtp=smtp.port, sms=sms)
        path = folder / "flows.yaml"
        path.write_text(text, "utf-8")

        def make() -> Hub:
            return _hub(path, clock, {**env, "SHOPIFY_SECRET": shop.client_secret})

        async def deliver_due() -> int:
            tellers = [sandbox.deliver_due for sandbox, _ in providers.values() if hasattr(sandbox, "deliver_due")]
            return sum([await each() for each in tellers])

        it = SmsTown(clock, shop, smtp, make(), base, deliver_due, make, door)
        door.app = build_app(it.hub)
        await it.hub.start(ticking=False)
        try:
            await it.settle()
            yield it
        finally:
            await it.hub.stop()


def _hub(path: Path, clock: VirtualClock, env: Mapping[str, str]) -> Hub:
    texts, _ = Texts.load(None)
    loaded = load_config(path, Registry.load(), dict(env), texts=texts, check_text=check_text)
    assert loaded.config is not None, "\n".join(map(str, loaded.problems))
    return Hub(loaded.config, texts, clock=clock, jitter=False, make_adapter=build_unpaced_adapter)


class _Door:
    """The hub's address is needed before there is a hub."""

    app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)
