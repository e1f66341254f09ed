"""A hub whose pages a browser can open: the real web application over a real hub, on loopback."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hub.model import Customer
from hub.plugin.sandbox import serve
from hub.web.app import build_app
from tests.e2e.hamlet import Hamlet, hamlet
from tests.pipeline.fakes import notify, order, parcel

REASON = "The post says: " + "ЖЖЖ" * 60 + " <script>alert(1)</script> \u202eabc 📦"
"""A matter's reason as a hostile order makes it: without a blank, with markup, steering the direction of writing."""
FLOWS = {
    "ask": {"on": "order.received", "steps": [notify("order-received", via=["mail"], **{"class": "feedback"})]},
    "call": {
        "on": "shipment.problem",
        "steps": [{"escalate": {"to": "support", "severity": "critical", "due": "4h", "reason": REASON}}],
    },
}


DECIDE = {
    "decide": {
        "on": "shipment.problem",
        "steps": [
            {
                "escalate": {
                    "to": "support", "severity": "critical", "due": "4h", "reason": REASON, "wait": True,
                    "choices": ["approve", "переробити й надіслати ще раз задарма", "W" * 40],
                }
            }
        ],
    }
}  # fmt: skip
"""A matter that is decided by a click on one of three words, as long as they may be."""
BUYER = Customer(email="o@x.example")


@dataclass
class Site:
    """The hub, and where its pages are."""

    it: Hamlet
    base: str
    customer: Customer

    def here(self, link: str) -> str:
        """A link of a message, at the address of this site."""
        return f"{self.base}{urlsplit(link).path}"

    async def order_link(self, tale: Sequence[tuple[str, str, Any]], door: str = "/o/") -> str:
        """The link to the page of an order of which all this was told, brought by the mail about the first of it."""
        for connection, subject, record in tale:
            await self.it.hear(connection, subject, record)
            await self.it.advance(minutes=2)
        return self.said(door)

    def said(self, door: str) -> str:
        """The last link to such a page that a message brought."""
        words = [word for _, message in self.it.board.sent for word in message.text.split() if door in word]
        return self.here(words[-1])

    async def unsubscribe_link(self) -> str:
        """The link that a customer's mail brings."""
        await self.it.hear("shop", "order:1", order("09:59", "order.received", placed="09:59", customer=self.customer))
        await self.it.advance(minutes=5)
        return self.here(self.it.board.sent[-1][1].unsubscribe_url)

    async def matter_link(self) -> str:
        """The link that a mail about a matter brings to who is called."""
        packed = parcel("f", "09:59", "shipment.problem", numbers=("X1",))
        await self.it.hear("shop", "order:1", order("09:59", "order.processing", placed="09:50", parcels=(packed,)))
        await self.it.advance(minutes=5)
        return self.said("/e/")


@asynccontextmanager
async def site(folder: Path, customer: Customer = BUYER, **more: Any) -> AsyncIterator[Site]:
    """The hub at work, its pages served."""
    async with hamlet(folder, **{"flows": FLOWS, **more}) as it, serve(build_app(it.hub)) as base:
        yield Site(it, base, customer)
