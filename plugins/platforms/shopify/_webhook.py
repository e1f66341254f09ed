"""Webhook bodies, in the snake_case words of the old REST interface. What a body is, its signed bytes say."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from hub.model import (
    Address,
    AnyRecord,
    Customer,
    DeliverBy,
    Line,
    Money,
    OrderSnapshot,
    RefKind,
    Removed,
    Reread,
    StatusEvent,
    Window,
    WindowBasis,
)
from hub.plugin import UnreadableError
from hub.status import Native

from . import _order as order
from ._events import event_key, placed, transaction_event
from ._fields import Body, as_body, gid, split_gid
from .statuses import DISPLAY, DISPUTE, EVENT

PRIVACY = frozenset({"shop_id", "shop_domain"})
"""Members of the three mandatory privacy requests."""

_BY_GID = {
    "Order": "order",
    "Fulfillment": "fulfillment",
    "FulfillmentEvent": "event",
    "OrderTransaction": "transaction",
    "Refund": "refund",
    "Return": "return",
    "Customer": "foreign",
    "Shop": "foreign",
}

_BY_MEMBERS: Sequence[tuple[str, frozenset[str]]] = (
    ("fulfillment_order", frozenset({"fulfillment_order"})),
    ("order_edit", frozenset({"order_edit"})),
    ("privacy", PRIVACY),
    ("event", frozenset({"fulfillment_id", "order_id", "happened_at"})),
    ("refund", frozenset({"refund_line_items", "order_id"})),
    ("transaction", frozenset({"kind", "gateway", "order_id"})),
    ("dispute", frozenset({"evidence_due_by", "order_id", "status"})),
    ("fulfillment", frozenset({"tracking_numbers", "order_id"})),
    ("return", frozenset({"total_return_line_items", "order"})),
    ("order", frozenset({"financial_status", "created_at", "updated_at"})),
    ("foreign", frozenset({"myshopify_domain"})),
)


def kind_of(body: Mapping[str, Any]) -> str:
    """What a webhook's body is, by its own members; empty when nothing fits."""
    if set(body) == {"id"}:
        return "deleted"
    found = _BY_GID.get(split_gid(body.get("admin_graphql_api_id"))[0])
    return found or next((kind for kind, members in _BY_MEMBERS if members <= set(body)), "")


def subject_of(body: Body, kind: str) -> str:
    """`order:<id>`, where the body names its order; else what can be read again to find it."""
    if kind in ("order", "deleted"):
        return f"order:{body.ident('id')}"
    if kind in ("privacy", "foreign"):
        return f"shop:{kind}"
    return f"order:{order_ref(body, kind)}"


def order_ref(body: Body, kind: str) -> str:
    """The order that a body speaks of; a gid of a fulfilment order or a return where it names no order."""
    if kind == "order_edit":
        return body.needed("order_edit").ident("order_id")
    if kind == "fulfillment_order":
        inner = body.needed("fulfillment_order")
        return inner.ident("order_id") if "order_id" in inner.value else gid("FulfillmentOrder", _own_number(inner))
    if kind == "return":
        named = body.child("order")
        return named.ident("id") if named else gid("Return", body.ident("id"))
    return body.ident("order_id")


def _own_number(inner: Body) -> str:
    return inner.ident("id") if isinstance(inner.value.get("id"), int) else inner.gid("id", "FulfillmentOrder")


def read_webhook(
    value: Any, *, is_cod: Callable[[Sequence[str]], bool], seen_at: datetime | None, look: bool
) -> list[AnyRecord]:
    """Records of a webhook's body. `seen_at`: when it came in, for bodies that know no time. `look`: every order is to
    be read again, because a tag may stand for its status, and what outranks a tag stands in no webhook."""
    body = as_body(value, "body")
    kind = kind_of(body.value)
    if kind in ("privacy", "foreign"):
        return []
    if kind == "order":
        return _order(body, is_cod, look)
    if kind == "deleted":
        return [_removed(body, seen_at)]
    read = _EVENTS.get(kind)
    if read is not None:
        return read(body)
    if kind == "fulfillment_order" and "preparable" in body.needed(kind).value:
        # Only the notices "prepared for pickup" and "prepared for local delivery" have this member.
        return [Reread(RefKind.ORDER, f"{gid('FulfillmentOrder', _own_number(body.needed(kind)))}?prepared")]
    if kind in ("fulfillment_order", "order_edit", "refund", "fulfillment", "return"):
        return [Reread(RefKind.ORDER, order_ref(body, kind))]
    raise UnreadableError("shopify: a body of no known kind")


def _removed(body: Body, seen_at: datetime | None) -> Removed:
    if seen_at is None:
        raise UnreadableError("shopify: a deleted order without a time")
    return Removed(body.ident("id"), seen_at)


def _transaction(body: Body) -> list[AnyRecord]:
    """A failed attempt is an event of its own; after any other the order's own words are read again."""
    ref, word, kind = body.ident("order_id"), body.word("status"), body.word("kind")
    if word not in ("failure", "error"):
        return [Reread(RefKind.ORDER, ref)]
    at = body.moment("processed_at") or body.needed_moment("created_at")
    return [transaction_event(ref, body.ident("id"), word, kind, at)]


def _event(body: Body) -> list[AnyRecord]:
    eta = body.moment("estimated_delivery_at")
    return [
        StatusEvent(
            kind=RefKind.PARCEL,
            ref=body.ident("fulfillment_id"),
            order_ref=body.ident("order_id"),
            native=Native(EVENT, body.word("status")),
            at=body.moment("happened_at") or body.needed_moment("created_at"),
            event_id=event_key(body.ident("id")),
            text=body.text("message"),
            place=body.text("city"),
            eta=Window(eta, eta, WindowBasis.SHOP) if eta else None,
        )
    ]


def _dispute(body: Body) -> list[AnyRecord]:
    ref, ident, word = body.ident("order_id"), body.ident("id"), body.word("status")
    at = body.needed_moment("initiated_at")
    return [
        StatusEvent(RefKind.ORDER, ref, ref, Native(DISPUTE, word or "opened"), at, event_id=f"dispute:{ident}:{word}")
    ]


_EVENTS: Mapping[str, Callable[[Body], list[AnyRecord]]] = {
    "event": _event,
    "transaction": _transaction,
    "dispute": _dispute,
}


def _order(body: Body, is_cod: Callable[[Sequence[str]], bool], look: bool) -> list[AnyRecord]:
    snapshot, unclear = _snapshot(body, is_cod)
    records: list[AnyRecord] = [snapshot, placed(snapshot.ref, snapshot.placed_at)]
    return [*records, Reread(RefKind.ORDER, snapshot.ref)] if look or unclear else records


def _snapshot(body: Body, is_cod: Callable[[Sequence[str]], bool]) -> tuple[OrderSnapshot, bool]:
    """The order, and whether it has to be read again: `partial` and parcel words say less than the API does."""
    ref = body.ident("id")
    gateways = body.texts("payment_gateway_names")
    cod = is_cod(gateways)
    money = _amounts(body)
    found = [_parcel(each) for each in body.items("fulfillments")]
    lines = order.with_removed([_line(each, body.currency("currency")) for each in body.items("line_items")], found)
    address = body.child("shipping_address")
    how = order.deliver_by((), lines, body.word("fulfillment_status"), has_address=address is not None)
    # Without an address, only the API knows whether this was handed over at a counter.
    known = {each.ref: each for each in found}
    refs = order.parcel_refs(found, lines, how, ref)
    refs = {each: made for each, made in refs.items() if not order.is_pickup(known[each], how)}
    cancelled = body.word("cancel_reason") if body.moment("cancelled_at") else None
    snapshot = OrderSnapshot(
        ref=ref,
        number=body.text("name") or ref,
        version=body.needed_moment("updated_at"),
        placed_at=body.needed_moment("created_at"),
        natives=(*order.financial_native(body.word("financial_status"), money, cod=cod), *_order_axis(body, cancelled)),
        lines=lines,
        total=money.total,
        paid=money.paid,
        refunded=money.refunded,
        pay_by=order.pay_by(money.total, cod=cod),
        # Whatever the address says, only the API knows whether anything has to be sent.
        deliver_by=None if how is DeliverBy.SHIP else how,
        parcels=order.parcels(found, refs, how, {each.ref: {each.word} for each in found if each.word}),
        customer=_customer(body, address),
        address=_address(address),
        tags=tuple(sorted(each.strip() for each in body.text("tags").split(",") if each.strip())),
        note=body.text("note"),
        cancel_reason=order.cancel_reason(cancelled or ""),
        payment_method=", ".join(gateways),
        delivery_method=_delivery(body),
        url=body.text("order_status_url"),
        test=body.flag("test"),
        attributes={each.text("name"): each.text("value") for each in body.items("note_attributes")},
    )
    partial = body.word("fulfillment_status") == "partial" and cancelled is None
    return snapshot, partial or any(each.word or order.is_pickup(each, how) for each in found)


def _order_axis(body: Body, cancelled: str | None) -> tuple[Native, ...]:
    """Only words that nothing outranks: the fulfilment orders, which lead, do not stand in a webhook."""
    if cancelled is not None:
        return (order.cancelled_native(cancelled),)
    word = body.word("fulfillment_status")
    return () if word in ("", "partial", "unfulfilled") else (Native(DISPLAY, word),)


def _amounts(body: Body) -> order.Amounts:
    currency = body.currency("currency")
    refunded: Decimal | None = Decimal(0)
    for refund in body.items("refunds"):
        for each in refund.items("transactions"):
            if each.word("kind") != "refund" or each.word("status") != "success":
                continue
            same = each.text("currency") in ("", currency)
            amount = each.amount("amount")
            refunded = refunded + amount if same and amount is not None and refunded is not None else None
    return order.amounts(
        currency,
        body.amount("total_price"),
        body.amount("current_total_price"),
        body.amount("total_outstanding"),
        refunded,
    )


def _line(body: Body, currency: str) -> tuple[Line, Decimal | None]:
    ordered = body.count("quantity")
    if ordered is None:
        raise body.wrong("quantity", "is missing")
    price = body.amount("price")
    line = Line(
        ref=body.ident("id"),
        title=body.text("name") or body.text("title"),
        ordered=ordered,
        sku=body.text("sku"),
        ships=body.flag("requires_shipping", default=True),
        price=None if price is None else Money(price, currency),
    )
    return line, body.count("current_quantity")


def _parcel(body: Body) -> order.Parcel:
    numbers = body.texts("tracking_numbers") or [each for each in (body.text("tracking_number"),) if each]
    urls = body.texts("tracking_urls") or [each for each in (body.text("tracking_url"),) if each]
    carrier = body.text("tracking_company")
    contents = body.value.get("line_items")
    return order.Parcel(
        ref=body.ident("id"),
        version=body.moment("updated_at") or body.needed_moment("created_at"),
        status=body.word("status"),
        word=order.parcel_word(body.word("shipment_status")),
        numbers=tuple(
            order.number(each, carrier, urls[index] if index < len(urls) else "") for index, each in enumerate(numbers)
        ),
        contents=None if contents is None else tuple(_content(each) for each in body.items("line_items")),
    )


def _content(body: Body) -> tuple[str, Decimal]:
    return body.ident("id"), body.count("quantity") or Decimal(0)


def _customer(body: Body, address: Body | None) -> Customer:
    who = body.child("customer") or Body({}, "customer")
    at_home = address or Body({}, "shipping_address")
    return Customer(
        ref=who.ident("id") if "id" in who.value else "",
        name=order.full_name(who.text("first_name"), who.text("last_name")) or at_home.text("name"),
        first_name=who.text("first_name") or at_home.text("first_name"),
        email=body.text("email") or body.text("contact_email") or who.text("email"),
        phone=body.text("phone") or who.text("phone") or at_home.text("phone"),
        locale=body.text("customer_locale"),
        accepts_marketing=body.flag("buyer_accepts_marketing"),
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
        country=body.text("country_code"),
    )


def _delivery(body: Body) -> str:
    return next((each.text("title") for each in body.items("shipping_lines") if not each.flag("is_removed")), "")
