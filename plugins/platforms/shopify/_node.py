"""Orders as GraphQL tells them: other names and casing than webhooks, and more of the truth."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from hub.model import (
    Address,
    AnyRecord,
    Customer,
    DeliverBy,
    Line,
    OrderSnapshot,
    PickupPoint,
    PointKind,
    RefKind,
    Retraction,
    ReturnSnapshot,
    StatusEvent,
    Window,
    WindowBasis,
)
from hub.status import Native

from . import _order as order
from ._events import event_key, placed, transaction_event
from ._fields import Body, as_body, split_gid
from .statuses import EVENT, RETURN, RETURN_STATUS


def is_node(value: Any) -> bool:
    """Whether a raw event holds an order of GraphQL's."""
    return isinstance(value, dict) and split_gid(value.get("id"))[0] == "Order"


def read_deleted_event(value: Any) -> list[AnyRecord]:
    """The API's word that a fulfilment event is no longer there."""
    body = as_body(value, "body").needed("deleted_fulfillment_event")
    return [Retraction(body.ident("order_id"), event_key(body.ident("id")), body.needed_moment("at"))]


def read_prepared(value: Any, *, is_cod: Callable[[Sequence[str]], bool], tags: Iterable[str]) -> list[AnyRecord]:
    """An order of which the API confirmed that it can be collected, with the moment when we learnt it."""
    body = as_body(value, "body")
    mark = body.needed("prepared_for_pickup")
    records = read_node(body.needed("order").value, is_cod=is_cod, tags=tags)
    snapshot = next(each for each in records if isinstance(each, OrderSnapshot))
    parcel = order.prepared_parcel(snapshot.ref, mark.needed_moment("at"))
    if any(each.ref == parcel.ref for each in snapshot.parcels or ()):
        return records
    ready = replace(snapshot, parcels=(*(snapshot.parcels or ()), parcel))
    return [ready if each is snapshot else each for each in records]


def read_node(value: Any, *, is_cod: Callable[[Sequence[str]], bool], tags: Iterable[str]) -> list[AnyRecord]:
    """The order with its parcels and return cases, then the events that have their own time.

    `tags`: those that stand for a status; of several that an order bears the first counts.
    """
    body = as_body(value, "order")
    ref = body.gid("id", "Order")
    shipments = body.items("fulfillments")
    snapshot, refs = _snapshot(body, ref, shipments, is_cod, tags)
    records: list[AnyRecord] = [snapshot, placed(ref, snapshot.placed_at)]
    records += [each for item in body.items("transactions") for each in _failure(item, ref)]
    for each in shipments:
        number = each.gid("id", "Fulfillment")
        records += [_event(item, refs.get(number, number), ref) for item in each.nodes("events")]
    return records


def _snapshot(
    body: Body, ref: str, shipments: Sequence[Body], is_cod: Callable[[Sequence[str]], bool], tags: Iterable[str]
) -> tuple[OrderSnapshot, dict[str, str]]:
    """The order, and fulfilment → ref of its parcel."""
    gateways = body.texts("paymentGatewayNames")
    cod = is_cod(_manual(body, gateways))
    money = _amounts(body)
    found = [_parcel(each) for each in shipments]
    lines = order.with_removed([_line(each) for each in body.nodes("lineItems")], found)
    address = body.child("shippingAddress")
    fulfillment_orders = body.nodes("fulfillmentOrders")
    display = body.word("displayFulfillmentStatus")
    how = order.deliver_by(_methods(fulfillment_orders), lines, display, has_address=address is not None)
    cancelled = body.word("cancelReason") if body.moment("cancelledAt") else None
    version = body.needed_moment("updatedAt")
    shipping = body.child("shippingLine")
    refs = order.parcel_refs(found, lines, how, ref)
    snapshot = OrderSnapshot(
        ref=ref,
        number=body.text("name") or ref,
        version=version,
        placed_at=body.needed_moment("createdAt"),
        natives=(
            *order.financial_native(body.word("displayFinancialStatus"), money, cod=cod),
            *order.tagged(_order_axis(body, fulfillment_orders, cancelled), body.texts("tags"), tags),
        ),
        lines=lines,
        total=money.total,
        paid=money.paid,
        refunded=money.refunded,
        pay_by=order.pay_by(money.total, cod=cod),
        deliver_by=how,
        parcels=order.parcels(found, refs, how, _told(shipments)),
        returns=_returns(body, ref, version),
        customer=_customer(body, address),
        address=_address(address),
        point=_counter(fulfillment_orders) if how is DeliverBy.PICKUP else None,
        tags=tuple(sorted(body.texts("tags"))),
        note=body.text("note"),
        cancel_reason=order.cancel_reason(cancelled or ""),
        payment_method=", ".join(gateways),
        delivery_method=shipping.text("title") if shipping else "",
        url=body.text("statusPageUrl"),
        test=body.flag("test"),
        attributes={each.text("key"): each.text("value") for each in body.items("customAttributes")},
    )
    return snapshot, refs


def _counter(fulfillment_orders: Sequence[Body]) -> PickupPoint | None:
    """The shop's own place at which an order is collected."""
    for each in fulfillment_orders:
        place = each.child("assignedLocation")
        if place is not None and place.text("name") and each.word("status") != "cancelled":
            address = ", ".join(part for part in map(place.text, ("address1", "city", "zip")) if part)
            return PickupPoint(ref="", kind=PointKind.SHOP, name=place.text("name"), address=address)
    return None


def _manual(body: Body, gateways: Sequence[str]) -> list[str]:
    """The gateways that no transaction says are automatic: cash on delivery is always a manual one."""
    automatic = {
        each.text("gateway").casefold()
        for each in body.items("transactions")
        if not each.flag("manualPaymentGateway", default=True)
    }
    return [each for each in gateways if each.casefold() not in automatic]


def _order_axis(body: Body, fulfillment_orders: Sequence[Body], cancelled: str | None) -> tuple[Native, ...]:
    if cancelled is not None:
        return (order.cancelled_native(cancelled),)
    told = [(each.word("status"), _holds(each)) for each in fulfillment_orders]
    return order.fulfillment_native(told, body.word("displayFulfillmentStatus"))


def _holds(body: Body) -> list[str]:
    return [hold.word("reason") for hold in body.items("fulfillmentHolds")]


def _methods(fulfillment_orders: Sequence[Body]) -> list[str]:
    found = [each.child("deliveryMethod") for each in fulfillment_orders if each.word("status") != "cancelled"]
    return [each.word("methodType") for each in found if each]


def _amounts(body: Body) -> order.Amounts:
    refunds = [each.shop_money("totalRefundedSet") for each in body.items("refunds")]
    sums = [each.amount for each in refunds if each is not None]
    total, current, outstanding = (
        body.shop_money(name) for name in ("totalPriceSet", "currentTotalPriceSet", "totalOutstandingSet")
    )
    return order.amounts(
        body.currency("currencyCode"),
        total.amount if total else None,
        current.amount if current else None,
        outstanding.amount if outstanding else None,
        sum(sums, Decimal(0)) if len(sums) == len(refunds) else None,
    )


def _line(body: Body) -> tuple[Line, Decimal | None]:
    ordered = body.count("quantity")
    if ordered is None:
        raise body.wrong("quantity", "is missing")
    line = Line(
        ref=body.gid("id", "LineItem"),
        title=body.text("name") or body.text("title"),
        ordered=ordered,
        sku=body.text("sku"),
        ships=body.flag("requiresShipping", default=True),
        price=body.shop_money("originalUnitPriceSet"),
    )
    return line, body.count("currentQuantity")


def _parcel(body: Body) -> order.Parcel:
    tracking = [each for each in body.items("trackingInfo") if each.text("number")]
    known = body.child("fulfillmentLineItems")
    return order.Parcel(
        ref=body.gid("id", "Fulfillment"),
        version=body.moment("updatedAt") or body.needed_moment("createdAt"),
        status=body.word("status"),
        word=order.parcel_word(body.word("displayStatus")),
        numbers=tuple(order.number(each.text("number"), each.text("company"), each.text("url")) for each in tracking),
        contents=None if known is None else tuple(_content(each) for each in known.items("nodes")),
    )


def _content(body: Body) -> tuple[str, Decimal]:
    return body.needed("lineItem").gid("id", "LineItem"), body.count("quantity") or Decimal(0)


def _told(shipments: Sequence[Body]) -> dict[str, set[str]]:
    return {each.gid("id", "Fulfillment"): {item.word("status") for item in each.nodes("events")} for each in shipments}


def _event(body: Body, parcel: str, ref: str) -> StatusEvent:
    eta = body.moment("estimatedDeliveryAt")
    return StatusEvent(
        kind=RefKind.PARCEL,
        ref=parcel,
        order_ref=ref,
        native=Native(EVENT, body.word("status")),
        at=body.needed_moment("happenedAt"),
        event_id=event_key(body.gid("id", "FulfillmentEvent")),
        text=body.text("message"),
        place=body.text("city"),
        eta=Window(eta, eta, WindowBasis.SHOP) if eta else None,
    )


def _failure(body: Body, ref: str) -> list[StatusEvent]:
    word = body.word("status")
    at: datetime | None = body.moment("processedAt")
    if word not in ("failure", "error") or at is None:
        return []
    return [transaction_event(ref, body.gid("id", "OrderTransaction"), word, body.word("kind"), at)]


def _returns(body: Body, ref: str, version: datetime) -> tuple[ReturnSnapshot, ...]:
    """The cases; the order's own return status only when it has none. A case has no version but the order's."""
    cases = [_case(each, version) for each in body.nodes("returns")]
    word = body.word("returnStatus")
    if cases or word in ("", "no_return"):
        return tuple(sorted(cases, key=lambda case: int(case.ref)))
    return (ReturnSnapshot(ref=f"order:{ref}", version=version, natives=(Native(RETURN_STATUS, word),)),)


def _case(body: Body, version: datetime) -> ReturnSnapshot:
    word = body.word("status")
    refunded = word == "closed" and bool(body.nodes("refunds"))
    known = body.child("returnLineItems")
    items = [(each.child("fulfillmentLineItem"), each) for each in known.items("nodes")] if known else []
    return ReturnSnapshot(
        ref=body.gid("id", "Return"),
        version=version,
        natives=(Native(RETURN, "closed/refunded" if refunded else word),),
        items=tuple(_returned(line, each) for line, each in items if line) or None,
    )


def _returned(line: Body, item: Body) -> tuple[str, Decimal]:
    return line.needed("lineItem").gid("id", "LineItem"), item.count("quantity") or Decimal(0)


def _customer(body: Body, address: Body | None) -> Customer:
    who = body.child("customer") or Body({}, "customer")
    at_home = address or Body({}, "shippingAddress")
    mail, phone = who.child("defaultEmailAddress"), who.child("defaultPhoneNumber")
    return Customer(
        ref=who.gid("id", "Customer") if "id" in who.value else "",
        name=order.full_name(who.text("firstName"), who.text("lastName")) or at_home.text("name"),
        first_name=who.text("firstName") or at_home.text("firstName"),
        email=body.text("email") or (mail.text("emailAddress") if mail else ""),
        phone=body.text("phone") or (phone.text("phoneNumber") if phone else "") or at_home.text("phone"),
        locale=body.text("customerLocale"),
        accepts_marketing=body.flag("customerAcceptsMarketing"),
    )


def _address(body: Body | None) -> Address | None:
    if body is None:
        return None
    return Address(
        name=body.text("name"),
        phone=body.text("phone"),
        street=", ".join(each for each in (body.text("address1"), body.text("address2")) if each),
        city=body.text("city"),
        region=body.text("province"),
        postcode=body.text("zip"),
        country=body.text("countryCodeV2"),
    )
