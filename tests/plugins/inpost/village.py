"""The end-to-end town as a Polish shop that sends with InPost: its webhooks, where the hub can be reached."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from hub.clock import Clock, VirtualClock
from plugins.carriers.inpost.sandbox import ORGANIZATION, TOKEN, InPostSandbox
from tests.e2e.town import CONNECTIONS, START, Town, town

from .telling import SECRET

CUSTOMER = "anna.przyklad@example.com"
HOOKED = f'webhook_secret: "{SECRET}", organization: {ORGANIZATION}, sender_header: x-real-ip'
OWNED = f'token: "{TOKEN}", organization: {ORGANIZATION}'
POLISH = CONNECTIONS.replace(
    "country: UA, locale: uk, timezone: Europe/Kyiv,\n            currency: UAH",
    "country: PL, locale: pl, timezone: Europe/Warsaw,\n            currency: PLN",
)


class _Lent:
    """The town's clock, which there is only once the town stands."""

    def __init__(self) -> None:
        self.clock: Clock = VirtualClock(START)

    def now(self) -> datetime:
        return self.clock.now()


@asynccontextmanager
async def village(folder: Path, settings: str = HOOKED) -> AsyncIterator[tuple[Town, InPostSandbox]]:
    """The town with InPost in it; `settings`: of the connection, as they stand in `flows.yaml`."""
    lent = _Lent()
    inpost = InPostSandbox(lent)
    async with inpost.serve() as url:
        line = f'  inpost: {{{{carrier: inpost, url: "{url}", {settings}}}}}\n'
        connections = POLISH.replace("  mail:", f"{line}  mail:")
        assert "Europe/Warsaw" in connections and line in connections
        async with town(folder, connections=connections) as it:
            lent.clock = it.clock
            yield it, inpost


async def ordered(it: Town, *, cash: bool = False) -> str:
    """An order from Poland, confirmed; paid, or to be paid at the hand-over."""
    order = it.shop.shop.create_order(
        name="Anna Przykład",
        email=CUSTOMER,
        phone="+48600100200",
        locale="pl-PL",
        currency="PLN",
        gateway="Cash on Delivery (COD)" if cash else "shopify_payments",
        paid=not cash,
    )
    await it.advance(minutes=5)
    return order
