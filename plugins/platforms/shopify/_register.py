"""Seeing to it that Shopify sends its webhooks to us, and that they stay registered."""

from collections.abc import Sequence

from hub.plugin import Config, FailureError, Permanent

from . import _queries as queries
from ._fields import Body
from ._graphql import Api

TOPICS: tuple[str, ...] = (
    "ORDERS_CREATE",
    "ORDERS_UPDATED",
    "ORDERS_PAID",
    "ORDERS_CANCELLED",
    "ORDERS_EDITED",
    "ORDERS_DELETE",
    "ORDERS_FULFILLED",
    "ORDERS_PARTIALLY_FULFILLED",
    "ORDER_TRANSACTIONS_CREATE",
    "REFUNDS_CREATE",
    "FULFILLMENTS_CREATE",
    "FULFILLMENTS_UPDATE",
    "FULFILLMENT_EVENTS_CREATE",
    "FULFILLMENT_EVENTS_DELETE",
    "FULFILLMENT_ORDERS_PLACED_ON_HOLD",
    "FULFILLMENT_ORDERS_HOLD_RELEASED",
    "FULFILLMENT_ORDERS_LINE_ITEMS_PREPARED_FOR_PICKUP",
    "FULFILLMENT_ORDERS_LINE_ITEMS_PREPARED_FOR_LOCAL_DELIVERY",
    "FULFILLMENT_ORDERS_PROGRESS_REPORTED",
    "RETURNS_REQUEST",
    "RETURNS_APPROVE",
    "RETURNS_DECLINE",
    "RETURNS_CANCEL",
    "RETURNS_CLOSE",
    "RETURNS_REOPEN",
    "RETURNS_PROCESS",
    "RETURNS_UPDATE",
    "DISPUTES_CREATE",
    "DISPUTES_UPDATE",
)
"""What the hub wants to hear."""

_PAGES = 20


async def register(api: Api, url: str) -> Sequence[str]:
    """Subscribe to what is missing and put right what points elsewhere; a line for each change.

    A topic that the app has no scope for is named and left out, as long as the orders themselves can be had.
    """
    known: dict[str, Body] = {}
    for each in await _subscriptions(api):
        known.setdefault(each.text("topic"), each)
    lines = [await _see_to(api, topic, known.get(topic), url) for topic in TOPICS]
    return [line for line in lines if line]


async def _subscriptions(api: Api) -> list[Body]:
    found: list[Body] = []
    after: str | None = None
    for _ in range(_PAGES):
        page = (await api.read(queries.SUBSCRIPTIONS, {"after": after})).needed("webhookSubscriptions")
        found += page.items("nodes")
        info = page.needed("pageInfo")
        after = info.text("endCursor") or None
        if not info.flag("hasNextPage") or after is None:
            break
    return found


async def _see_to(api: Api, topic: str, known: Body | None, url: str) -> str:
    try:
        return await _subscribed(api, topic, known, url)
    except FailureError as failure:
        optional = not topic.startswith("ORDERS_")
        if optional and failure.status is None and isinstance(failure.outcome, Config | Permanent):
            return f"{topic}: not registered ({failure.outcome.reason})"
        raise


async def _subscribed(api: Api, topic: str, known: Body | None, url: str) -> str:
    wanted = {"uri": url, "format": "JSON"}
    if known is None:
        await api.change(queries.SUBSCRIBE, {"topic": topic, "in": wanted}, "webhookSubscriptionCreate")
        return f"{topic}: registered"
    plain = known.text("format") in ("", "JSON") and not known.text("filter") and not known.texts("includeFields")
    if known.text("uri") == url and plain:
        return ""
    variables = {"id": known.text("id"), "in": {**wanted, "filter": None, "includeFields": []}}
    await api.change(queries.CORRECT, variables, "webhookSubscriptionUpdate")
    return f"{topic}: corrected"
