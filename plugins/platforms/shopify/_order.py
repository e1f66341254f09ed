"""What both parsers share: from a few plain values to native statuses, money, lines and parcels.

Webhooks tell the order in the words of the old REST interface, polls in those of GraphQL. Whatever is decided here is
decided once, so that both give equal records for one state of an order.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from hub.model import DeliverBy, Line, Money, Number, ParcelKind, ParcelSnapshot, PayBy
from hub.status import Native, Reason

from .statuses import (
    CANCEL_REASONS,
    DISPLAY,
    EVENT,
    FINANCIAL,
    FULFILLMENT,
    FULFILLMENT_ORDER,
    HOLD_REASONS,
    ORDER,
    QUIET_HOLD,
    STATUSES,
    TAG,
    YIELDS_TO_TAGS,
    tag_code,
)

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Amounts:
    """An order's money: what it came to, what came in, what went back. None: not known."""

    total: Money | None
    paid: Money | None
    refunded: Money | None

    @property
    def all_refunded(self) -> bool:
        """Whether everything that came in went back; true also when the amounts are not known: then the word counts."""
        return self.refunded is None or self.paid is None or self.refunded.amount >= self.paid.amount


def amounts(
    currency: str, total: Decimal | None, current: Decimal | None, outstanding: Decimal | None, refunded: Decimal | None
) -> Amounts:
    """`current` is the total after edits and refunds, `outstanding` what is still open of it.

    What came in is not told by webhooks: it is what is due and no longer open, and what went back; but never more than
    the order ever came to, because a refund without a line does not always make the total smaller.
    """
    paid = None
    if total is not None and current is not None and outstanding is not None and refunded is not None:
        paid = min(max(current - outstanding + refunded, _NOTHING), max(total, current))
    return Amounts(*(None if each is None else Money(each, currency) for each in (total, paid, refunded)))


def financial_native(word: str, money: Amounts, *, cod: bool) -> tuple[Native, ...]:
    """The payment word; amounts outrank it where it says that all went back."""
    if not word:
        return ()
    if word == "pending" and cod:
        return (Native(FINANCIAL, "pending/cod"),)
    if word == "refunded" and not money.all_refunded:
        return (Native(FINANCIAL, "refunded/part"),)
    return (Native(FINANCIAL, word),)


def cancelled_native(reason: str) -> Native:
    return Native(ORDER, f"cancelled/{reason}" if reason else "cancelled")


def cancel_reason(reason: str) -> Reason | None:
    return CANCEL_REASONS.get(reason)


_LEADING = ("incomplete", "on_hold", "in_progress", "scheduled")
"""Trouble first: what the rest of an order waits for."""

_BESIDE_OPEN = frozenset({"pending_fulfillment", "request_declined", "partially_fulfilled", "in_progress", "scheduled"})
"""Order-level words that say more than a fulfilment order that is merely open."""


def fulfillment_native(orders: Sequence[tuple[str, Sequence[str]]], display: str) -> tuple[Native, ...]:
    """The order-axis word of an order that is not cancelled, from (status, hold reasons) of its fulfilment orders and
    from its own display status. The fulfilment orders lead; cancelled ones say nothing.
    """
    live = [(status, reasons) for status, reasons in orders if status != "cancelled"]
    for word in _LEADING:
        found = [reasons for status, reasons in live if status == word]
        if found:
            return (Native(FULFILLMENT_ORDER, _with_reason(word, [each for reasons in found for each in reasons])),)
    if live and all(status == "closed" for status, _ in live):
        # The same word as a webhook's, where it is the same: then both are one fact.
        return (Native(DISPLAY, display) if display == "fulfilled" else Native(FULFILLMENT_ORDER, "closed"),)
    unknown = next((status for status, _ in live if status not in ("open", "closed")), None)
    if unknown:
        return (Native(FULFILLMENT_ORDER, unknown),)
    if live and display not in _BESIDE_OPEN:
        return (Native(FULFILLMENT_ORDER, "open"),)
    return (Native(DISPLAY, display),) if display else ()


def tagged(said: tuple[Native, ...], borne: Iterable[str], telling: Iterable[str]) -> tuple[Native, ...]:
    """An order's order-axis word, or in its place the first of the `telling` tags that it bears.

    `said`: Shopify's own word, if any. Where it says that work goes on, a tag says more.
    """
    known = {tag_code(each): each for each in borne}
    tag = next((each for each in map(tag_code, telling) if each in known), None)
    if tag is None or not all(_yields(each) for each in said):
        return said
    return (Native(TAG, tag, known[tag]),)


def _yields(native: Native) -> bool:
    meaning = STATUSES[native.vocabulary].get(native.code)
    return meaning is not None and meaning.status in YIELDS_TO_TAGS


def _with_reason(word: str, reasons: Sequence[str]) -> str:
    if word != "on_hold" or not reasons:
        return word
    loud = [each for each in HOLD_REASONS if each in reasons]
    strange = sorted(set(reasons) - set(HOLD_REASONS) - {QUIET_HOLD})
    return f"on_hold/{[*loud, *strange, QUIET_HOLD][0]}"


def pay_by(total: Money | None, *, cod: bool) -> PayBy:
    if cod:
        return PayBy.COD
    return PayBy.FREE if total is not None and total.amount == 0 else PayBy.PREPAID


NOTHING_TO_SEND = "fulfillment_not_required"
"""The display word of an order that nothing has to be sent of, whatever its goods and methods look like."""


def deliver_by(methods: Iterable[str], lines: Sequence[Line], display: str, *, has_address: bool) -> DeliverBy:
    """From the order's display status, where it says that nothing is sent; from the delivery methods of the fulfilment
    orders; else from the goods and the address.

    Shopify gives no shipping address to digital, point-of-sale and pickup orders.
    """
    if display == NOTHING_TO_SEND:
        return DeliverBy.DIGITAL
    known = {each for each in methods if each}
    if known:
        if known <= {"none"}:
            return DeliverBy.DIGITAL
        return DeliverBy.PICKUP if known & {"pick_up", "retail"} else DeliverBy.SHIP
    if lines and not any(line.ships for line in lines):
        return DeliverBy.DIGITAL
    return DeliverBy.SHIP if has_address or not lines else DeliverBy.PICKUP


@dataclass(frozen=True, slots=True)
class Parcel:
    """A fulfilment as it was told. `word` is the parcel's own status, empty when none is known."""

    ref: str
    version: datetime
    status: str
    word: str
    numbers: tuple[Number, ...]
    contents: tuple[tuple[str, Decimal], ...] | None


_NO_PARCEL = frozenset({"cancelled", "error", "failure"})
_RESTATES = frozenset({"fulfilled", "marked_as_fulfilled", "canceled"})
"""Display words that only say the record's own status again."""


def parcel_word(word: str) -> str:
    return "" if word in _RESTATES else word


def parcel_refs(found: Sequence[Parcel], lines: Sequence[Line], how: DeliverBy, order: str) -> dict[str, str]:
    """Fulfilment → the ref of its parcel, by id. Goods that are not sent make no parcel.

    What is collected at the counter is one parcel from "ready" to "handed over", though Shopify makes the fulfilment
    only at the end: the first that stands has the order's own ref.
    """
    ships = {line.ref: line.ships for line in lines}
    sent = [each for each in sorted(found, key=lambda parcel: int(parcel.ref)) if not _digital(each, ships)]
    refs = {each.ref: each.ref for each in sent}
    collected = [each.ref for each in sent if is_pickup(each, how) and each.status not in _NO_PARCEL]
    return {**refs, collected[0]: pickup_ref(order)} if collected else refs


def is_pickup(parcel: Parcel, how: DeliverBy) -> bool:
    return how is DeliverBy.PICKUP and not parcel.numbers


def pickup_ref(order: str) -> str:
    return f"pickup:{order}"


def parcels(
    found: Sequence[Parcel], refs: Mapping[str, str], how: DeliverBy, told: Mapping[str, set[str]]
) -> tuple[ParcelSnapshot, ...]:
    """The fulfilments that have a ref, as parcels. `told`: fulfilment → parcel words that stand there as events."""
    known = {each.ref: each for each in found}
    return tuple(_snapshot(known[each], refs[each], told.get(each, set()), how) for each in refs)


def _snapshot(parcel: Parcel, ref: str, told: set[str], how: DeliverBy) -> ParcelSnapshot:
    pickup = is_pickup(parcel, how)
    return ParcelSnapshot(
        ref=ref,
        version=parcel.version,
        natives=_parcel_natives(parcel, told, pickup=pickup),
        numbers=parcel.numbers,
        contents=parcel.contents,
        kind=ParcelKind.PICKUP if pickup else ParcelKind.PARCEL,
    )


def prepared_parcel(order: str, at: datetime) -> ParcelSnapshot:
    """The shop's own pickup parcel, ready at the counter; there is no fulfilment yet."""
    native = Native(EVENT, "line_items_prepared_for_pickup")
    return ParcelSnapshot(pickup_ref(order), at, (native,), kind=ParcelKind.PICKUP)


def _digital(parcel: Parcel, ships: Mapping[str, bool]) -> bool:
    return (
        not parcel.numbers
        and bool(parcel.contents)
        and not any(ships.get(ref, True) for ref, _ in parcel.contents or ())
    )


def _parcel_natives(parcel: Parcel, told: set[str], *, pickup: bool) -> tuple[Native, ...]:
    """One word. A parcel word that also stands there as an event is left to the event, which has its own time and can
    be taken back; a fulfilment's version is only when somebody last touched the record."""
    if parcel.status in _NO_PARCEL:
        return (Native(FULFILLMENT, parcel.status),)
    if parcel.word:
        return () if parcel.word in told else (Native(EVENT, parcel.word),)
    if not parcel.status:
        return ()
    return (Native(FULFILLMENT, "success/pickup" if pickup and parcel.status == "success" else parcel.status),)


def with_removed(lines: Sequence[tuple[Line, Decimal | None]], found: Sequence[Parcel]) -> tuple[Line, ...]:
    """Lines with what was taken out before it was sent. Beside each line stands its current quantity.

    Shopify's current quantity also falls when something already sent is refunded: such units were not removed.
    """
    sent: dict[str, Decimal] = {}
    for parcel in found:
        if parcel.status in _NO_PARCEL or parcel.contents is None:
            continue
        for ref, quantity in parcel.contents:
            sent[ref] = sent.get(ref, _NOTHING) + quantity
    made = []
    for line, current in lines:
        gone = _NOTHING if current is None else line.ordered - current
        unsent = line.ordered - sent.get(line.ref, _NOTHING)
        made.append(replace(line, removed=max(min(gone, unsent), _NOTHING)))
    return tuple(made)


_BLANKS = re.compile(r"\s+")


def number(text: str, carrier: str, url: str) -> Number:
    return Number(_BLANKS.sub("", text).upper(), carrier, url=url)


def is_cod(gateways: Iterable[str], patterns: Iterable[str]) -> bool:
    """Whether one of the gateway names holds one of the merchant's patterns (compared without case)."""
    names = [each.casefold() for each in gateways]
    return any(pattern.casefold() in name for pattern in patterns if pattern.strip() for name in names)


def full_name(*parts: str) -> str:
    return " ".join(each for each in parts if each)
