"""One order as WooCommerce tells it: the same object in a webhook, in a list and by itself."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from html import unescape
from typing import Any

from hub.model import (
    Address,
    AnyRecord,
    Customer,
    DeliverBy,
    Line,
    Money,
    Number,
    OrderSnapshot,
    ParcelSnapshot,
    PayBy,
    PickupPoint,
    PointKind,
    RefKind,
    Removed,
    Reread,
)
from hub.status import Native

from ._fields import Body, as_body
from .statuses import CORE, FULFILLMENT, MANUAL_PAYMENT, NO_ORDER, OPEN, PAYMENT, PAYMENT_SLUGS, STATUS, TRASH

FULFILLMENTS = "hub_fulfillments"
"""Where a poll puts an order's fulfilments, which WooCommerce tells at an address of their own."""
SHIPMENT_TRACKING = "_wc_shipment_tracking_items"
"""Meta key of the extensions Shipment Tracking and Advanced Shipment Tracking."""
OUR_NUMBER = "_hub_tracking"
"""Meta key of a number that the hub wrote where the shop has no better place for it."""

_NOTHING = Decimal(0)
_CENT = Decimal("0.01")
_METHOD = re.compile(r"[a-z0-9_-]{1,60}", re.ASCII)
_BLANKS = re.compile(r"\s+")
_BETWEEN = re.compile(r"[,;|\n]+")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Reading:
    """What the connection's settings say of reading an order."""

    cod_methods: frozenset[str]
    pickup_methods: frozenset[str]
    tracking_meta: tuple[str, ...]
    language_meta: tuple[str, ...]
    attributes: tuple[str, ...]
    fulfillments: bool


def is_order(value: Any) -> bool:
    return isinstance(value, dict) and {"id", "status", "line_items", "currency"} <= set(value)


def read_order(value: Any, reading: Reading) -> list[AnyRecord]:
    """The order, or that it was put into the trash; nothing of what is no order yet."""
    body = as_body(value, "order")
    slug = body.text("status").lower()
    if not slug:
        raise body.wrong("status", "is missing")
    ref, version = body.ident("id"), body.needed_moment("date_modified_gmt")
    if slug in NO_ORDER:
        return []
    if slug == TRASH:
        return [Removed(ref, version)]
    snapshot = _snapshot(body, ref, version, slug, reading)
    return [snapshot, Reread(RefKind.ORDER, ref)] if snapshot.parcels is None else [snapshot]


def _snapshot(body: Body, ref: str, version: datetime, slug: str, reading: Reading) -> OrderSnapshot:
    currency = body.currency("currency")
    total, refunded = body.amount("total"), _refunded(body)
    paid_at, method = body.moment("date_paid_gmt"), body.text("payment_method")
    cod = method in reading.cod_methods
    natives = _natives(slug, method, cod=cod, paid=paid_at is not None, total=total, refunded=refunded)
    meta = _meta(body)
    shipping = body.items("shipping_lines")
    how = _deliver_by(body, shipping, reading)
    title = next((unescape(each.text("method_title")) for each in shipping), "")
    return OrderSnapshot(
        ref=ref,
        number=_number(body, ref),
        version=version,
        placed_at=body.moment("date_created_gmt") or version,
        natives=natives,
        lines=tuple(_line(each, currency, how) for each in body.items("line_items")),
        total=_money(total, currency),
        paid=_money(_paid(total, slug, paid=paid_at is not None, cod=cod), currency),
        refunded=_money(refunded, currency),
        pay_by=PayBy.COD if cod else PayBy.FREE if total == 0 else PayBy.PREPAID,
        deliver_by=how,
        parcels=_parcels(body, meta, version, reading),
        customer=_customer(body, meta, reading),
        address=_address(body) if how is DeliverBy.SHIP else None,
        point=PickupPoint("", PointKind.SHOP, title) if how is DeliverBy.PICKUP and title else None,
        note=body.text("customer_note"),
        payment_method=unescape(body.text("payment_method_title")) or method,
        delivery_method=title,
        payment_url=body.text("payment_url") if body.flag("needs_payment") else "",
        attributes=dict(_attributes(meta, reading.attributes)),
    )


def _number(body: Body, ref: str) -> str:
    """The human number; plugins that make their own write it as a text, some as a number."""
    found = body.value.get("number")
    return (
        str(found)
        if isinstance(found, int) and not isinstance(found, bool) and found > 0
        else body.text("number") or ref
    )


# --- statuses and money


def _natives(
    slug: str, method: str, *, cod: bool, paid: bool, total: Decimal | None, refunded: Decimal
) -> tuple[Native, ...]:
    """The status's own word, and beside it what the status does not say: of a word of the payment axis that the order
    is open, of every other how it is paid."""
    if slug in PAYMENT_SLUGS or (slug == "on-hold" and method in MANUAL_PAYMENT):
        return Native(STATUS, _code(slug, method)), Native(STATUS, OPEN)
    return Native(STATUS, _code(slug, method)), *_payment(slug, cod=cod, paid=paid, total=total, refunded=refunded)


def _code(slug: str, method: str) -> str:
    if slug == "on-hold" and _METHOD.fullmatch(method):
        return f"on-hold/{method}"
    return slug if slug in CORE or slug.startswith("wc-") else f"wc-{slug}"


def _payment(slug: str, *, cod: bool, paid: bool, total: Decimal | None, refunded: Decimal) -> Iterator[Native]:
    """A refund of what was never taken (goods struck off an order that is paid at the door) gives no money back."""
    taken = paid or (cod and slug == "completed")
    if taken and refunded > 0 and total is not None:
        yield Native(PAYMENT, "refunds:part" if refunded < total else "refunds:all")
    elif paid:
        yield Native(PAYMENT, "paid:yes")
    elif cod:
        yield Native(PAYMENT, "paid:cod")


def _refunded(body: Body) -> Decimal:
    """What went back, as a positive amount; WooCommerce lists refunds with negative totals."""
    return sum((abs(each.amount("total") or _NOTHING) for each in body.items("refunds")), _NOTHING)


def _paid(total: Decimal | None, slug: str, *, paid: bool, cod: bool) -> Decimal | None:
    """All of it, nothing, or None: not known (staff let an order through that has no paid date)."""
    if paid:
        return total
    waits = slug in ("pending", "failed", "on-hold") or (cod and slug == "processing")
    return _NOTHING if waits else None


def _money(amount: Decimal | None, currency: str) -> Money | None:
    return None if amount is None else Money(amount, currency)


# --- goods and people


def _line(body: Body, currency: str, how: DeliverBy) -> Line:
    ordered = body.count("quantity")
    whole = body.amount("subtotal")
    image = body.child("image")
    return Line(
        ref=body.ident("id"),
        title=unescape(body.text("name")),
        ordered=ordered,
        sku=body.text("sku"),
        ships=how is not DeliverBy.DIGITAL,
        # `price` is a number and money stays exact: what one costs is reckoned from the text.
        price=None if whole is None or not ordered else Money((whole / ordered).quantize(_CENT), currency),
        image_url=image.text("src") if image else "",
    )


def _deliver_by(body: Body, shipping: Sequence[Body], reading: Reading) -> DeliverBy:
    """From the shipping methods; without any, from what WooCommerce thinks of processing it and from the address,
    which the checkout leaves empty when nothing has to be sent."""
    methods = {each.text("method_id").partition(":")[0] for each in shipping}
    if methods & reading.pickup_methods:
        return DeliverBy.PICKUP
    sent = bool(methods) or (body.flag("needs_processing", default=True) and _lives(body.child("shipping")))
    return DeliverBy.SHIP if sent else DeliverBy.DIGITAL


def _lives(address: Body | None) -> bool:
    return address is not None and any(address.text(part) for part in ("address_1", "city", "postcode"))


def _address(body: Body) -> Address | None:
    shipping, billing = body.child("shipping"), body.child("billing")
    used = shipping if _lives(shipping) else billing
    if used is None or not _lives(used):
        return None
    return Address(
        name=_name(used),
        phone=used.text("phone") or (billing.text("phone") if billing else ""),
        street=", ".join(each for each in (used.text("address_1"), used.text("address_2")) if each),
        city=used.text("city"),
        region=used.text("state"),
        postcode=used.text("postcode"),
        country=used.text("country"),
    )


def _name(body: Body) -> str:
    return " ".join(each for each in (body.text("first_name"), body.text("last_name")) if each)


def _customer(body: Body, meta: dict[str, Any], reading: Reading) -> Customer:
    who = body.child("billing") or Body({}, "billing")
    language = next((meta[key] for key in reading.language_meta if isinstance(meta.get(key), str)), "")
    return Customer(
        ref="" if body.value.get("customer_id") in (None, 0) else body.ident("customer_id"),
        name=_name(who),
        first_name=who.text("first_name"),
        email=who.text("email"),
        phone=who.text("phone"),
        locale=language.replace("_", "-")[:35],
    )


# --- meta data and parcels


def _meta(body: Body) -> dict[str, Any]:
    """Meta key → value, of one key the last."""
    return {each.text("key"): each.value.get("value") for each in body.items("meta_data")}


def _attributes(meta: dict[str, Any], wanted: Iterable[str]) -> Iterator[tuple[str, str]]:
    for key in wanted:
        value = meta.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            yield key, str(value)[:_LONGEST]


def _parcels(
    body: Body, meta: dict[str, Any], version: datetime, reading: Reading
) -> tuple[ParcelSnapshot, ...] | None:
    """Fulfilments, and numbers that only stand on the order. None: this body does not tell the fulfilments."""
    if reading.fulfillments and FULFILLMENTS not in body.value:
        return None
    told = [_fulfillment(each, version) for each in body.items(FULFILLMENTS) if not each.text("date_deleted")]
    known = {number.number for parcel in told for number in parcel.numbers}
    loose = [each for each in numbers_of(meta, reading.tracking_meta) if each.number not in known]
    first = () if told else None  # without a fulfilment, all that was ordered is in the first
    return (*told, *(_alone(each, version, first if place == 0 else ()) for place, each in enumerate(loose)))


def _alone(number: Number, version: datetime, contents: tuple[tuple[str, Decimal], ...] | None) -> ParcelSnapshot:
    return ParcelSnapshot(f"number:{number.number}", version, numbers=(number,), contents=contents)


def _fulfillment(body: Body, version: datetime) -> ParcelSnapshot:
    """`_items` is required and says what is in it; a fulfilment's `status` may be one of a plugin's own."""
    meta = _meta(body)
    items = [as_body(each, f"{body.where}._items") for each in _as_list(meta.get("_items"))]
    carrier, url = (str(meta.get(key) or "") for key in ("_shipment_provider", "_tracking_url"))
    found = [_number_of(each, carrier, url) for each in _split(meta.get("_tracking_number"))]
    return ParcelSnapshot(
        ref=body.ident("id"),
        version=version,
        natives=(Native(FULFILLMENT, body.text("status")),) if body.text("status") else (),
        numbers=tuple(found),
        contents=tuple((each.ident("item_id"), each.count("qty")) for each in items) or None,
    )


def numbers_of(meta: dict[str, Any], keys: Iterable[str]) -> list[Number]:
    """Tracking numbers in an order's meta data: the tracking extensions', the merchant's own keys', and ours."""
    found = [_of_extension(each) for each in _as_list(meta.get(SHIPMENT_TRACKING)) if isinstance(each, dict)]
    for key in (*keys, OUR_NUMBER):
        found += [_number_of(each, "", "") for each in _split(meta.get(key))]
    by_number = {each.number: each for each in reversed(found) if each.number}
    return [by_number[each] for each in dict.fromkeys(each.number for each in found) if each]


def _of_extension(item: dict[str, Any]) -> Number:
    body = Body(item, SHIPMENT_TRACKING)
    carrier = body.text("tracking_provider") or body.text("custom_tracking_provider")
    return _number_of(body.text("tracking_number"), carrier, body.text("custom_tracking_link"))


def _number_of(text: str, carrier: str, url: str) -> Number:
    return Number(plain_number(text), carrier[:_LONGEST], url=url)


def plain_number(text: str) -> str:
    """A tracking number without blanks, in upper case."""
    return _BLANKS.sub("", text).upper()[:_LONGEST]


def _split(value: Any) -> list[str]:
    """One number or several in a text, or a list of them; anything else is no number."""
    if isinstance(value, list):
        return [each for inner in value if not isinstance(inner, list) for each in _split(inner)]
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        value = str(value)
    return [each for each in _BETWEEN.split(value) if each.strip()] if isinstance(value, str) else []


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
