"""Reading orders whole: how far a poll has come, and what a page of orders had to cut."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hub.clock import aware

from . import _queries as queries
from ._fields import Body, as_body
from ._graphql import Api

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PAGES = 40


@dataclass(frozen=True, slots=True)
class Cursor:
    """Orders updated since `since`; `after` is Shopify's own cursor within that question, `seen` the newest so far."""

    since: datetime
    after: str = ""
    seen: datetime = _EPOCH

    @classmethod
    def of(cls, stored: Any, start: datetime) -> "Cursor":
        """Read what `as_json` wrote; None: begin at `start`."""
        if stored is None:
            return cls(start)
        return cls(_moment(stored["since"]), str(stored["after"]), _moment(stored["seen"]))

    def as_json(self) -> dict[str, str]:
        return {"since": self.since.isoformat(), "after": self.after, "seen": self.seen.isoformat()}

    def query(self) -> str:
        """In Shopify's search syntax."""
        return f"updated_at:>='{self.since.strftime('%Y-%m-%dT%H:%M:%SZ')}'"


def _moment(text: str) -> datetime:
    return aware(datetime.fromisoformat(text))


async def read_order(api: Api, order: Body) -> Body:
    """The order with all its lists whole; asked for again, and larger, when a page had to cut one."""
    if not _cut(order):
        return order
    whole = (await api.read(queries.READ_LARGE, {"id": order.text("id")})).child("order") or order
    lines = whole.needed("lineItems")
    nodes, info = list(lines.items("nodes")), lines.needed("pageInfo")
    for _ in range(_PAGES):
        after = info.text("endCursor")
        if not info.flag("hasNextPage") or not after:
            break
        answer = await api.read(queries.MORE_LINES, {"id": order.text("id"), "after": after})
        page = answer.needed("order").needed("lineItems")
        nodes += page.items("nodes")
        info = page.needed("pageInfo")
    all_lines = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": [dict(each.value) for each in nodes]}
    return as_body({**whole.value, "lineItems": all_lines}, "order")


def _cut(order: Body) -> bool:
    full = any(len(order.items(name)) >= limit for name, limit in queries.LIMITS.items())
    connections = [order.child(name) for name in ("lineItems", "fulfillmentOrders", "returns")]
    for each in order.items("fulfillments"):
        connections += [each.child("fulfillmentLineItems"), each.child("events")]
    return full or any(_has_more(each) for each in connections if each)


def _has_more(connection: Body) -> bool:
    info = connection.child("pageInfo")
    return info is not None and info.flag("hasNextPage")
