"""The four axes, their values, and the moves between them (STATUS.md, section 1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum


class Word(StrEnum):
    """A value that equals its plain text, but never the same word of another list.

    `Order.ON_HOLD` and `Shipment.ON_HOLD` are both stored as "on_hold" and are two things.
    """

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Word):
            return self is other
        return str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return str.__hash__(self)


class Axis(StrEnum):
    ORDER = "order"
    PAYMENT = "payment"
    SHIPMENT = "shipment"
    RETURN = "return"


class Order(Word):
    RECEIVED = "received"
    ON_HOLD = "on_hold"
    PROCESSING = "processing"
    PICKING = "picking"
    PACKED = "packed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Payment(Word):
    AWAITING_PAYMENT = "awaiting_payment"
    CASH_ON_DELIVERY = "cash_on_delivery"
    PAYMENT_FAILED = "payment_failed"
    AUTHORISED = "authorised"
    PAID = "paid"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"


class Shipment(Word):
    ANNOUNCED = "announced"
    CANCELLED = "cancelled"
    SHIPPED = "shipped"
    IN_TRANSIT = "in_transit"
    ON_HOLD = "on_hold"
    ARRIVED_AT_BRANCH = "arrived_at_branch"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERY_FAILED = "delivery_failed"
    READY_FOR_PICKUP = "ready_for_pickup"
    PROBLEM = "problem"
    DELIVERED = "delivered"
    RETURNING = "returning"
    RETURNED = "returned"


class Return(Word):
    REQUESTED = "requested"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    RETURNING = "returning"
    RETURNED = "returned"
    REFUNDED = "refunded"


Status = Order | Payment | Shipment | Return


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table of values.

    `rank` orders equal times and defines "forward". `back_to` are the earlier values a fact may go back to, `not_to`
    the later ones it may not reach, `out_to` the earlier ones open to a fact that says `way: out`. `proves` is the
    furthest value of the usual road that certainly lies behind a subject here: a delivered parcel had been on its way,
    a parcel going back had not therefore been delivered. A value that proves itself is on that road.
    """

    rank: int
    stage: str
    final: bool = False
    back_to: frozenset[Status] = frozenset()
    not_to: frozenset[Status] = frozenset()
    out_to: frozenset[Status] = frozenset()
    proves: Status | None = None


def _to(*values: Status) -> frozenset[Status]:
    return frozenset(values)


_O, _P, _S, _R = Order, Payment, Shipment, Return
_ON_THE_MOVE = (_S.SHIPPED, _S.IN_TRANSIT, _S.ON_HOLD, _S.ARRIVED_AT_BRANCH, _S.OUT_FOR_DELIVERY, _S.DELIVERY_FAILED)
_OUT = _to(_S.IN_TRANSIT, _S.OUT_FOR_DELIVERY, _S.DELIVERY_FAILED, _S.READY_FOR_PICKUP, _S.DELIVERED)

_ORDER: Mapping[Status, Rule] = {
    _O.RECEIVED: Rule(10, "placed", proves=_O.RECEIVED),
    _O.ON_HOLD: Rule(20, "placed", back_to=_to(_O.RECEIVED), proves=_O.RECEIVED),
    _O.PROCESSING: Rule(30, "preparing", back_to=_to(_O.ON_HOLD), proves=_O.PROCESSING),
    _O.PICKING: Rule(40, "preparing", back_to=_to(_O.ON_HOLD, _O.PROCESSING), proves=_O.PICKING),
    _O.PACKED: Rule(50, "preparing", back_to=_to(_O.ON_HOLD, _O.PROCESSING, _O.PICKING), proves=_O.PACKED),
    _O.COMPLETED: Rule(60, "done", back_to=_to(_O.ON_HOLD, _O.PROCESSING, _O.PICKING, _O.PACKED), proves=_O.COMPLETED),
    _O.CANCELLED: Rule(70, "void", final=True, back_to=frozenset(_O) - {_O.CANCELLED}, proves=_O.RECEIVED),
}

_PAYMENT: Mapping[Status, Rule] = {
    _P.AWAITING_PAYMENT: Rule(10, "open", proves=_P.AWAITING_PAYMENT),
    _P.CASH_ON_DELIVERY: Rule(20, "open", back_to=_to(_P.AWAITING_PAYMENT)),
    _P.PAYMENT_FAILED: Rule(
        30, "open", back_to=_to(_P.AWAITING_PAYMENT, _P.CASH_ON_DELIVERY), proves=_P.AWAITING_PAYMENT
    ),
    _P.AUTHORISED: Rule(
        40,
        "settled",
        back_to=_to(_P.AWAITING_PAYMENT, _P.CASH_ON_DELIVERY, _P.PAYMENT_FAILED),
        proves=_P.AUTHORISED,
    ),
    _P.PAID: Rule(50, "settled", back_to=_to(_P.AWAITING_PAYMENT), not_to=_to(_P.VOIDED), proves=_P.PAID),
    _P.PARTLY_REFUNDED: Rule(60, "settled", back_to=_to(_P.PAID), not_to=_to(_P.VOIDED), proves=_P.PARTLY_REFUNDED),
    _P.REFUNDED: Rule(
        70, "back", True, back_to=_to(_P.PAID, _P.PARTLY_REFUNDED), not_to=_to(_P.VOIDED), proves=_P.REFUNDED
    ),
    _P.VOIDED: Rule(80, "void", True, back_to=_to(_P.AWAITING_PAYMENT, _P.CASH_ON_DELIVERY, _P.AUTHORISED, _P.PAID)),
}

_SHIPMENT: Mapping[Status, Rule] = {
    _S.ANNOUNCED: Rule(10, "preparing", proves=_S.ANNOUNCED),
    _S.CANCELLED: Rule(15, "void", final=True, proves=_S.ANNOUNCED),
    _S.SHIPPED: Rule(20, "on_the_way", back_to=_to(_S.CANCELLED), proves=_S.SHIPPED),
    _S.IN_TRANSIT: Rule(30, "on_the_way", proves=_S.IN_TRANSIT),
    _S.ON_HOLD: Rule(35, "on_the_way", back_to=_to(_S.IN_TRANSIT, _S.SHIPPED, _S.CANCELLED), proves=_S.IN_TRANSIT),
    _S.ARRIVED_AT_BRANCH: Rule(40, "near", back_to=_to(_S.IN_TRANSIT, _S.ON_HOLD), proves=_S.ARRIVED_AT_BRANCH),
    _S.OUT_FOR_DELIVERY: Rule(
        50, "near", back_to=_to(_S.IN_TRANSIT, _S.ON_HOLD, _S.ARRIVED_AT_BRANCH), proves=_S.OUT_FOR_DELIVERY
    ),
    _S.DELIVERY_FAILED: Rule(
        55,
        "trouble",
        back_to=_to(_S.IN_TRANSIT, _S.ON_HOLD, _S.ARRIVED_AT_BRANCH, _S.OUT_FOR_DELIVERY, _S.CANCELLED),
        proves=_S.OUT_FOR_DELIVERY,
    ),
    _S.READY_FOR_PICKUP: Rule(
        60,
        "near",
        back_to=_to(_S.IN_TRANSIT, _S.ON_HOLD, _S.ARRIVED_AT_BRANCH, _S.OUT_FOR_DELIVERY, _S.DELIVERY_FAILED),
        proves=_S.READY_FOR_PICKUP,
    ),
    # Some troubles are found before the carrier has the parcel (bad data, a number nobody knows): no proof of movement.
    _S.PROBLEM: Rule(70, "trouble", back_to=_to(*_ON_THE_MOVE, _S.READY_FOR_PICKUP, _S.CANCELLED), proves=_S.ANNOUNCED),
    _S.DELIVERED: Rule(
        80,
        "done",
        final=True,
        back_to=_to(_S.OUT_FOR_DELIVERY, _S.DELIVERY_FAILED, _S.READY_FOR_PICKUP, _S.PROBLEM),
        proves=_S.DELIVERED,
    ),
    _S.RETURNING: Rule(90, "back", back_to=_to(_S.PROBLEM), out_to=_OUT, proves=_S.IN_TRANSIT),
    _S.RETURNED: Rule(100, "back", final=True, back_to=_to(_S.PROBLEM), out_to=_OUT, proves=_S.IN_TRANSIT),
}

_RETURN: Mapping[Status, Rule] = {
    _R.REQUESTED: Rule(10, "asked", proves=_R.REQUESTED),
    _R.APPROVED: Rule(20, "asked", back_to=_to(_R.REQUESTED), proves=_R.APPROVED),
    _R.WITHDRAWN: Rule(25, "void", final=True, back_to=_to(_R.REQUESTED, _R.APPROVED), proves=_R.REQUESTED),
    _R.REFUSED: Rule(30, "void", final=True, back_to=_to(_R.REQUESTED, _R.APPROVED), proves=_R.REQUESTED),
    _R.RETURNING: Rule(40, "back", back_to=_to(_R.APPROVED, _R.REFUSED, _R.WITHDRAWN), proves=_R.RETURNING),
    _R.RETURNED: Rule(50, "back", back_to=_to(_R.REFUSED), proves=_R.RETURNED),
    _R.REFUNDED: Rule(60, "done", final=True, back_to=_to(_R.RETURNED), proves=_R.REFUNDED),
}

RULES: Mapping[Status, Rule] = {**_ORDER, **_PAYMENT, **_SHIPMENT, **_RETURN}
RANK: Mapping[Status, int] = {status: rule.rank for status, rule in RULES.items()}
FINAL: frozenset[Status] = frozenset(status for status, rule in RULES.items() if rule.final)
VALUES: Mapping[Axis, tuple[Status, ...]] = {
    Axis.ORDER: tuple(Order),
    Axis.PAYMENT: tuple(Payment),
    Axis.SHIPMENT: tuple(Shipment),
    Axis.RETURN: tuple(Return),
}

_AXIS: Mapping[type[Status], Axis] = {
    Order: Axis.ORDER,
    Payment: Axis.PAYMENT,
    Shipment: Axis.SHIPMENT,
    Return: Axis.RETURN,
}


def axis_of(status: Status) -> Axis:
    return _AXIS[type(status)]


def full_name(status: Status) -> str:
    """`shipment.delivered`: what `parse_status` reads, and the word of a trigger."""
    return f"{axis_of(status)}.{status}"


_BY_NAME: Mapping[str, Status] = {full_name(status): status for status in RULES}


def parse_status(name: str) -> Status:
    """Read `axis.value`; the error names the wrong word and the nearest right one."""
    found = _BY_NAME.get(name)
    if found is not None:
        return found
    axis, dot, value = name.partition(".")
    if not dot:
        raise ValueError(f"'{name}' is not of the form axis.value{_status_meant(name)}")
    if axis not in set(Axis):
        meant = get_close_matches(axis, list(Axis), n=1, cutoff=NEAR) or _called(value)
        raise ValueError(f"there is no axis '{axis}'{nearest(axis, Axis, meant=meant)}")
    raise ValueError(f"there is no {axis} status '{value}'{_value_meant(Axis(axis), value)}")


def _status_meant(name: str) -> str:
    """What a word without an axis may have meant: the status that is called so, else the nearest."""
    close = _called(name) or get_close_matches(name, _BY_NAME, n=1, cutoff=NEAR)
    return f"; expected: a status such as shipment.delivered{_meant(close)}"


def _value_meant(axis: Axis, value: str) -> str:
    """What a value that the axis does not have may have meant: the same of another axis, else the nearest of its own.

    An order is not delivered, a parcel is: "received" would be nearer by its letters and no help.
    """
    return nearest(value, VALUES[axis], f"a status of the {axis} axis", meant=_called(value))


def _called(value: str) -> list[str]:
    """The statuses of all axes that have this value."""
    return [full for full in _BY_NAME if full.endswith(f".{value}")]


NEAR = 0.6
"""How alike two words must be for one to be meant by the other."""
SHORT = 100
"""So many characters of words still fit into a sentence."""


def nearest(
    word: str,
    choices: Mapping[str, Status] | type[StrEnum] | tuple[Status, ...],
    family: str = "",
    meant: Sequence[str] = (),
) -> str:
    """The end of a sentence about a wrong word: what is expected ("; there are: lost, damaged"), and the word that was
    probably meant (`meant`, or the nearest). A long list is called by its `family` where a word is near."""
    names = [str(choice) for choice in choices]
    close = meant or get_close_matches(word, names, n=1, cutoff=NEAR)
    whole = ", ".join(names)
    expected = family if family and close and len(whole) > SHORT else ""
    return (f"; expected: {expected}" if expected else f"; there are: {whole}") + _meant(close)


def _meant(close: Sequence[str]) -> str:
    return f"; did you mean '{close[0]}'?" if close else ""
