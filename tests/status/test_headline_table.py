"""The headline of every combination, against a slow reading of STATUS.md, section 4, on plain words."""

from collections.abc import Iterator, Sequence
from itertools import chain, combinations_with_replacement, product

import pytest

from hub.status import CompletedMeans, HeadlineValue, Order, ParcelView, Payment, Return, ReturnView, Shipment, headline

ORDERS = (None, *Order)
PAYMENTS = (None, *Payment)
KINDS = ("ship", "pickup", "digital")
PARCEL_SETS = [values for count in range(3) for values in combinations_with_replacement((None, *Shipment), count)]
ONE_CASE: list[tuple[Return, ...]] = [(), *((value,) for value in Return)]
TWO_CASES = list(combinations_with_replacement(Return, 2))

TROUBLE_FIRST = (
    "problem",
    "delivery_failed",
    "returning",
    "ready_for_pickup",
    "out_for_delivery",
    "on_hold",
    "arrived_at_branch",
    "in_transit",
    "shipped",
)
CAN_STILL_ARRIVE = ("announced", *TROUBLE_FIRST[3:])


def by_the_prose(
    order: str, payment: str, sent: Sequence[str], returned: Sequence[str], *, rest: bool, kind: str, means: str
) -> tuple[int, str]:
    """Row and headline. Every parcel holds one unit; every case covers all; "" is no value."""
    live = [value or "announced" for value in sent if value != "cancelled"]
    rest = True if not live else rest and order != "completed"
    if order == "completed" and (kind == "pickup" or means == "delivered"):
        live = ["delivered" if value in CAN_STILL_ARRIVE else value for value in live]
    if payment == "cash_on_delivery" and live and not rest:
        payment = "paid" if set(live) == {"delivered"} else "voided" if set(live) == {"returned"} else payment
    cases = [value for value in returned if value not in ("withdrawn", "refused")]
    if order == "cancelled":
        return 1, "cancelled"
    if payment == "refunded":
        return 2, "refunded"
    for number, value in enumerate(TROUBLE_FIRST, 3):
        if value in live:
            return number, value
    if "announced" in live or rest:
        return still_to_send(order, payment, live, kind, means)
    if any(value in ("requested", "approved", "returning") for value in cases):
        return 22, "returning"
    if "returned" in cases:
        return 23, "returned"
    if set(live) == {"returned"}:
        return 24, "returned"
    return (25, "refunded") if "refunded" in cases else (26, "delivered")


def still_to_send(order: str, payment: str, live: Sequence[str], kind: str, means: str) -> tuple[int, str]:
    if payment == "payment_failed":
        return 12, "payment_failed"
    if payment == "awaiting_payment" and order in ("", "received", "on_hold"):
        return 13, "awaiting_payment"
    if order == "on_hold":
        return 14, "on_hold"
    if not live and kind == "digital" and (order == "completed" or payment in ("paid", "partly_refunded")):
        return 15, "delivered"
    if not live and order == "completed":
        return 16, "delivered" if kind == "pickup" else means
    if order in ("packed", "completed"):
        return 17, "packed"
    if order == "picking":
        return 18, "picking"
    if order == "processing" or live:
        return 19, "processing"
    return (20, "paid") if payment in ("authorised", "paid", "partly_refunded") else (21, "received")


def disagreements(
    order: Order | None,
    payment: Payment | None,
    case_sets: Sequence[tuple[Return, ...]],
    means: CompletedMeans,
) -> Iterator[tuple[object, ...]]:
    for sent, cases, rest, kind in product(PARCEL_SETS, case_sets, (False, True), KINDS):
        found = headline(
            order,
            payment,
            [ParcelView("p", value, units=1, pickup=kind == "pickup") for value in sent],
            [ReturnView("r", value) for value in cases],
            rest=rest,
            digital=kind == "digital",
            pickup=kind == "pickup",
            completed_means=means,
        )
        expected = by_the_prose(
            order or "",
            payment or "",
            [value or "" for value in sent],
            cases,
            rest=rest,
            kind=kind,
            means=means,
        )
        if (found.row, found.value.value) != expected:
            yield order, payment, sent, cases, rest, kind, means, found, expected


@pytest.mark.parametrize("order", ORDERS)
def test_every_combination_has_the_headline_of_the_prose(order: Order | None) -> None:
    wrong = chain.from_iterable(disagreements(order, payment, ONE_CASE, CompletedMeans.SHIPPED) for payment in PAYMENTS)
    assert next(wrong, None) is None


@pytest.mark.parametrize("order", [None, Order.CANCELLED, Order.COMPLETED])
def test_two_returns_or_a_completed_that_means_delivered_follow_the_prose_too(order: Order | None) -> None:
    payments = (Payment.CASH_ON_DELIVERY, Payment.REFUNDED)
    wrong = chain.from_iterable(
        disagreements(order, payment, TWO_CASES, CompletedMeans.DELIVERED) for payment in payments
    )
    assert next(wrong, None) is None


def test_every_headline_can_be_reached() -> None:
    reached = {
        by_the_prose(order or "", payment or "", sent, cases, rest=False, kind="ship", means="shipped")[1]
        for order, payment, cases in product(ORDERS, PAYMENTS, ONE_CASE)
        for sent in [[], *([value] for value in Shipment)]
    }
    assert reached == {value.value for value in HeadlineValue}
