"""The one word a customer reads of an order (STATUS.md, section 4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ._axes import Axis, Order, Payment, Return, Shipment, Status
from ._effective import (
    WAITING,
    CompletedMeans,
    HeadlineInput,
    HeadlineValue,
    ParcelView,
    Quantity,
    ReturnView,
    delivered_units,
    effective,
)
from ._facts import Reason
from ._phrase import Phrase, phrase_of


@dataclass(frozen=True, slots=True)
class Headline:
    """The headline, the row of the table that gave it, and the axis, subject and value that decided."""

    value: HeadlineValue
    row: int
    decided_by_axis: Axis | None = None
    decided_by: str | None = None
    decided_value: Status | None = None
    reason: Reason | None = None
    phrase: Phrase | None = None


def headline(
    order: Order | None,
    payment: Payment | None,
    parcels: Sequence[ParcelView],
    returns: Sequence[ReturnView],
    *,
    rest: bool,
    digital: bool = False,
    pickup: bool = False,
    completed_means: str = CompletedMeans.SHIPPED,
    all_removed: bool = False,
    units: Quantity = 0,
    subject: str | None = None,
    order_reason: Reason | None = None,
    payment_reason: Reason | None = None,
) -> Headline:
    """The headline of an order; the fields of `HeadlineInput` as arguments."""
    return headline_of(
        HeadlineInput(
            order,
            payment,
            parcels,
            returns,
            rest,
            digital,
            pickup,
            CompletedMeans(completed_means),
            all_removed,
            units,
            subject,
            order_reason,
            payment_reason,
        )
    )


def headline_of(given: HeadlineInput) -> Headline:
    """The first row that applies, spoken of effective values."""
    seen = effective(given)
    row = next(row for row in ROWS if row.applies(seen))
    value = row.value(seen) if callable(row.value) else row.value
    axis, decided_by, decided_value, reason = _decider(row, seen)
    return Headline(value, row.number, axis, decided_by, decided_value, reason, phrase_of(seen, row.number, value))


_SHIPMENT_ROWS = (
    (3, Shipment.PROBLEM),
    (4, Shipment.DELIVERY_FAILED),
    (5, Shipment.RETURNING),
    (6, Shipment.READY_FOR_PICKUP),
    (7, Shipment.OUT_FOR_DELIVERY),
    (8, Shipment.ON_HOLD),
    (9, Shipment.ARRIVED_AT_BRANCH),
    (10, Shipment.IN_TRANSIT),
    (11, Shipment.SHIPPED),
)

_O, _P, _S, _R, _H = Order, Payment, Shipment, Return, HeadlineValue
_PAID_UP = (_P.PAID, _P.PARTLY_REFUNDED)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: when it applies to effective values, what it gives, and whose word decided.

    `by` are the values that decide, the first that is there; the order when none is.
    """

    number: int
    applies: Callable[[HeadlineInput], bool]
    value: HeadlineValue | Callable[[HeadlineInput], HeadlineValue]
    by: tuple[Status, ...]


def _holds(value: Shipment) -> Callable[[HeadlineInput], bool]:
    return lambda seen: any(parcel.status is value for parcel in seen.parcels)


def _has_case(seen: HeadlineInput, *values: Return) -> bool:
    return any(case.status in values for case in seen.returns)


def _open(condition: Callable[[HeadlineInput], bool]) -> Callable[[HeadlineInput], bool]:
    """Rows 12 to 21 apply while something is still to be sent."""
    announced = _holds(Shipment.ANNOUNCED)
    return lambda seen: (announced(seen) or seen.rest) and condition(seen)


def _paid_digital(seen: HeadlineInput) -> bool:
    return not seen.parcels and seen.digital and (seen.order is _O.COMPLETED or seen.payment in _PAID_UP)


def _without_parcel(seen: HeadlineInput) -> HeadlineValue:
    at_once = seen.pickup or seen.digital
    return _H.DELIVERED if at_once or seen.completed_means is CompletedMeans.DELIVERED else _H.SHIPPED


def _covers_all(seen: HeadlineInput) -> bool:
    """Whether the refunded cases hold every delivered unit."""
    units = [case.units for case in seen.returns if case.status is _R.REFUNDED]
    if not units:
        return False
    return None in units or sum(unit for unit in units if unit is not None) >= delivered_units(seen)


def _cancelled(seen: HeadlineInput) -> bool:
    return seen.order is _O.CANCELLED or (seen.all_removed and seen.payment is not _P.REFUNDED)


ROWS: tuple[Row, ...] = (
    Row(1, _cancelled, _H.CANCELLED, ()),
    Row(2, lambda seen: seen.payment is _P.REFUNDED, _H.REFUNDED, (_P.REFUNDED,)),
    *(Row(number, _holds(value), HeadlineValue(value.value), (value,)) for number, value in _SHIPMENT_ROWS),
    Row(12, _open(lambda seen: seen.payment is _P.PAYMENT_FAILED), _H.PAYMENT_FAILED, (_P.PAYMENT_FAILED,)),
    Row(
        13,
        _open(lambda seen: seen.payment is _P.AWAITING_PAYMENT and seen.order in (None, _O.RECEIVED, _O.ON_HOLD)),
        _H.AWAITING_PAYMENT,
        (_P.AWAITING_PAYMENT,),
    ),
    Row(14, _open(lambda seen: seen.order is _O.ON_HOLD), _H.ON_HOLD, ()),
    Row(15, _open(_paid_digital), _H.DELIVERED, (_O.COMPLETED, *_PAID_UP)),
    Row(16, _open(lambda seen: not seen.parcels and seen.order is _O.COMPLETED), _without_parcel, ()),
    Row(17, _open(lambda seen: seen.order in (_O.PACKED, _O.COMPLETED)), _H.PACKED, ()),
    Row(18, _open(lambda seen: seen.order is _O.PICKING), _H.PICKING, ()),
    Row(
        19,
        _open(lambda seen: seen.order is _O.PROCESSING or bool(seen.parcels)),
        _H.PROCESSING,
        (_O.PROCESSING, _S.ANNOUNCED, _S.DELIVERED, _S.RETURNED),
    ),
    Row(
        20,
        _open(lambda seen: seen.payment in (_P.AUTHORISED, *_PAID_UP)),
        _H.PAID,
        (_P.AUTHORISED, *_PAID_UP),
    ),
    Row(21, _open(lambda seen: True), _H.RECEIVED, ()),
    Row(22, lambda seen: _has_case(seen, *WAITING), _H.RETURNING, WAITING),
    Row(23, lambda seen: _has_case(seen, _R.RETURNED), _H.RETURNED, (_R.RETURNED,)),
    Row(
        24,
        lambda seen: all(parcel.status is _S.RETURNED for parcel in seen.parcels),
        _H.RETURNED,
        (_S.RETURNED,),
    ),
    Row(25, _covers_all, _H.REFUNDED, (_R.REFUNDED,)),
    Row(26, lambda seen: True, _H.DELIVERED, (_S.DELIVERED,)),
)


def _decider(row: Row, seen: HeadlineInput) -> tuple[Axis, str | None, Status | None, Reason | None]:
    """Whose word decided: axis, subject, value and reason."""
    said: list[tuple[Axis, str | None, Status | None, Reason | None]] = [
        (Axis.ORDER, seen.subject, seen.order, seen.order_reason),
        (Axis.PAYMENT, seen.subject, seen.payment, seen.payment_reason),
        *((Axis.SHIPMENT, parcel.subject, parcel.status, parcel.reason) for parcel in seen.parcels),
        *((Axis.RETURN, case.subject, case.status, case.reason) for case in seen.returns),
    ]
    for value in row.by:
        for word in said:
            if word[2] is value:
                return word
    return said[0]
