"""Writing into the shop's order. Every wish is read-compare-write, so that a repeat after a lost answer does nothing:
Shopify honours no idempotency key on these mutations. The customer is never told by Shopify (`notifyCustomer: false`).
"""

from typing import Any

from hub.plugin import FailureError, Permanent, WriteBack, WriteBackStatus

from . import _queries as queries
from ._fields import Body, gid
from ._graphql import Api
from ._order import number

_NOTE_LIMIT = 255
_OPEN = ("open", "in_progress")
_NO_PARCEL = frozenset({"cancelled", "error", "failure"})
_PAID = frozenset({"paid", "partially_refunded", "refunded"})


async def write_back(api: Api, wish: WriteBack, *, refund_on_cancel: bool) -> None:
    """Do what is wished and not yet so; `FailureError` (Permanent) where the shop's order cannot take it."""
    order = await _read(api, wish.order_ref)
    if wish.tracking_number or wish.status in (WriteBackStatus.SHIPPED, WriteBackStatus.COMPLETED):
        await _ship(api, order, wish)
    if wish.note:
        await _note(api, order, wish.note)
    if wish.status is WriteBackStatus.PAID and order.word("displayFinancialStatus") not in _PAID:
        await api.change(queries.MARK_PAID, {"input": {"id": order.text("id")}}, "orderMarkAsPaid")
    if wish.status is WriteBackStatus.CANCELLED and not order.text("cancelledAt"):
        await _cancel(api, order, wish, refund=refund_on_cancel)


async def _read(api: Api, ref: str) -> Body:
    order = (await api.read(queries.TO_SHIP, {"id": gid("Order", ref)})).child("order")
    if order is None:
        raise FailureError(Permanent("shopify: there is no such order (older than 60 days, or deleted)"))
    return order


async def _ship(api: Api, order: Body, wish: WriteBack) -> None:
    """One number is one parcel, and one call is one location: the first location's fulfilment orders take it."""
    live = [each for each in order.items("fulfillments") if each.word("status") not in _NO_PARCEL]
    wanted = number(wish.tracking_number, "", "").number
    known = {number(info.text("number"), "", "").number for each in live for info in each.items("trackingInfo")}
    if wanted and wanted in known:
        return
    places = _by_location(order)
    if not places:
        await _onto_existing(api, live, wish)
        return
    tracking = {"trackingInfo": _tracking(wish)} if wanted else {}
    for ids in places[:1] if wanted else places:
        await _fulfil(api, ids, tracking)


async def _fulfil(api: Api, ids: list[str], tracking: dict[str, Any]) -> None:
    parts = [{"fulfillmentOrderId": each} for each in ids]
    fulfillment = {"lineItemsByFulfillmentOrder": parts, "notifyCustomer": False, **tracking}
    await api.change(queries.FULFIL, {"fulfillment": fulfillment}, "fulfillmentCreate")


async def _onto_existing(api: Api, live: list[Body], wish: WriteBack) -> None:
    """Nothing is left to fulfil: a fulfilment that has no number yet takes it."""
    if not wish.tracking_number:
        return
    bare = [each for each in live if not any(info.text("number") for info in each.items("trackingInfo"))]
    if not bare:
        raise FailureError(Permanent("shopify: nothing is left to fulfil, and every fulfilment has its number"))
    variables = {"id": bare[0].text("id"), "tracking": _tracking(wish)}
    await api.change(queries.SET_TRACKING, variables, "fulfillmentTrackingInfoUpdate")


def _by_location(order: Body) -> list[list[str]]:
    found: dict[str, list[str]] = {}
    for each in order.nodes("fulfillmentOrders"):
        if each.word("status") not in _OPEN:
            continue
        assigned = each.child("assignedLocation")
        place = assigned.child("location") if assigned else None
        found.setdefault(place.text("id") if place else "", []).append(each.text("id"))
    return list(found.values())


def _tracking(wish: WriteBack) -> dict[str, str]:
    """Shopify knows no links of Nova Poshta, Ukrposhta or Meest: the URL goes with the number."""
    parts = {"number": wish.tracking_number, "company": wish.carrier, "url": wish.tracking_url}
    return {name: text for name, text in parts.items() if text}


async def _note(api: Api, order: Body, note: str) -> None:
    """`orderUpdate` overwrites: what stands there stays, and a note that stands there is not written again."""
    before = str(order.value.get("note") or "")
    if f"\n{note}\n" in f"\n{before}\n":
        return
    written = f"{before}\n{note}" if before else note
    await api.change(queries.SET_NOTE, {"input": {"id": order.text("id"), "note": written}}, "orderUpdate")


async def _cancel(api: Api, order: Body, wish: WriteBack, *, refund: bool) -> None:
    variables = {
        "id": order.text("id"),
        "reason": "OTHER",
        "refund": {"originalPaymentMethodsRefund": refund},
        "note": wish.note[:_NOTE_LIMIT] or None,
    }
    await api.change(queries.CANCEL, variables, "orderCancel")
