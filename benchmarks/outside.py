"""What is outside the hub, in a process of its own: a shop that is asked and a mail server that takes mail."""

import asyncio
from typing import Any

from hub.clock import SystemClock
from plugins.channels.smtp.sandbox import SmtpSandbox
from plugins.platforms.shopify.sandbox import ShopifySandbox

from .child import obey
from .load import SECRET


async def live() -> None:
    clock = SystemClock()
    shop, smtp = ShopifySandbox(clock, client_secret=SECRET), SmtpSandbox(clock=clock)

    async def mails() -> int:
        return len(smtp.ledger)

    async with shop.serve() as shopify, smtp.serve():
        facts: dict[str, Any] = {"shopify": shopify, "smtp": smtp.port}
        await obey(facts, {"mails": mails})


if __name__ == "__main__":
    asyncio.run(live())
