"""What the headline is told of an order, and the effective values it reads (STATUS.md, sections 2 and 4)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from ._axes import RULES, Order, Payment, Return, Shipment, Word
from ._facts import Reason

Quantity = int | Decimal

WAITING = (Return.RETURNING, Return.APPROVED, Return.REQUESTED)
"""Return cases whose things the shop has not got yet."""


class HeadlineValue(Word):
    RECEIVED = "received"
    AWAITING_PAYMENT = "awaiting_payment"
    PAYMENT_FAILED = "payment_failed"
    PAID = "paid"
    ON_HOLD = "on_hold"
    PROCESSING = "processing"
    PICKING = "picking"
    PACKED = "packed"
    SHIPPED = "shipped"
    IN_TRANSIT = "in_transit"
    ARRIVED_AT_BRANCH = "arrived_at_branch"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERY_FAILED = "delivery_failed"
    READY_FOR_PICKUP = "ready_for_pickup"
    DELIVERED = "delivered"
    PROBLEM = "problem"
    CANCELLED = "cancelled"
    RETURNING = "returning"
    RETURNED = "returned"
    REFUNDED = "refunded"


class CompletedMeans(Word):
    """What a connection lets a shop's `completed` mean where no carrier speaks."""

    SHIPPED = "shipped"
    DELIVERED = "delivered"


@dataclass(frozen=True, slots=True)
class ParcelView:
    """What the headline knows of one parcel.

    `subject` is the shipment's id, `units` how many units it holds. `followed`: a carrier connection speaks for it.
    `pickup`: it is handed over in the shop. `back`: a customer's return parcel. `replaced`: another was sent instead.
    """

    subject: str
    status: Shipment | None
    reason: Reason | None = None
    units: Quantity = 0
    followed: bool = False
    pickup: bool = False
    back: bool = False
    replaced: bool = False

    @property
    def live(self) -> bool:
        return not self.back and not self.replaced and self.status is not Shipment.CANCELLED


@dataclass(frozen=True, slots=True)
class ReturnView:
    """What the headline knows of one return case; `units` None means all."""

    subject: str
    status: Return | None
    reason: Reason | None = None
    units: Quantity | None = None


@dataclass(frozen=True, slots=True)
class HeadlineInput:
    """All that decides a headline.

    `rest`: some due units are in no live parcel. `digital`, `pickup`: how the order reaches the customer.
    `all_removed`: every line was cancelled or edited away. `units`: how many are due. `subject` is the order's id;
    the two reasons are those of the order and the payment axis.
    """

    order: Order | None
    payment: Payment | None
    parcels: Sequence[ParcelView] = ()
    returns: Sequence[ReturnView] = ()
    rest: bool = False
    digital: bool = False
    pickup: bool = False
    completed_means: CompletedMeans = CompletedMeans.SHIPPED
    all_removed: bool = False
    units: Quantity = 0
    subject: str | None = None
    order_reason: Reason | None = None
    payment_reason: Reason | None = None


def effective(given: HeadlineInput) -> HeadlineInput:
    """Only live parcels and standing returns, with effective values (E1, E2), and the rest as section 2 defines it."""
    parcels = effective_parcels(given.parcels, given.order, given.completed_means)
    returns = tuple(case for case in given.returns if case.status not in (None, Return.WITHDRAWN, Return.REFUSED))
    rest = has_rest(given.rest, given.order, parcels)
    payment = effective_payment(given.payment, parcels, rest)
    return replace(given, parcels=parcels, returns=returns, rest=rest, payment=payment)


def has_rest(uncovered: bool, order: Order | None, parcels: Sequence[ParcelView]) -> bool:
    """Whether something is still to be put into a parcel; `uncovered`: due units that live parcels do not hold."""
    if not any(parcel.live for parcel in parcels):
        return True
    return uncovered and order is not Order.COMPLETED


def effective_payment(payment: Payment | None, parcels: Sequence[ParcelView], rest: bool) -> Payment | None:
    """E1: what was due at hand-over is paid once all is handed over, and void once all has come back."""
    values = {parcel.status for parcel in parcels if parcel.live}
    if payment is not Payment.CASH_ON_DELIVERY or rest:
        return payment
    if values == {Shipment.DELIVERED}:
        return Payment.PAID
    return Payment.VOIDED if values == {Shipment.RETURNED} else payment


def effective_parcels(
    parcels: Iterable[ParcelView], order: Order | None, completed_means: str = CompletedMeans.SHIPPED
) -> tuple[ParcelView, ...]:
    """The live parcels. E2: one that no carrier follows counts as delivered once a completed order says so.

    A parcel of which nothing is known yet counts as announced: the sender has it, as far as anybody knows.
    """
    return tuple(
        replace(parcel, status=_effective_status(parcel, order, completed_means)) for parcel in parcels if parcel.live
    )


def _effective_status(parcel: ParcelView, order: Order | None, completed_means: str) -> Shipment:
    status = parcel.status or Shipment.ANNOUNCED
    handed_over = parcel.pickup or completed_means == CompletedMeans.DELIVERED
    on_its_way = RULES[status].stage in ("preparing", "on_the_way", "near")
    if order is Order.COMPLETED and handed_over and on_its_way and not parcel.followed:
        return Shipment.DELIVERED
    return status


def delivered_units(seen: HeadlineInput) -> Quantity:
    return sum(parcel.units for parcel in seen.parcels if parcel.status is Shipment.DELIVERED)


def order_delivered(parcels: Sequence[ParcelView], rest: bool) -> bool:
    """The one roll-up, `order.delivered`: nothing is left to send, no live parcel is open, and one was handed over."""
    values = {parcel.status for parcel in parcels if parcel.live}
    return not rest and Shipment.DELIVERED in values and values <= {Shipment.DELIVERED, Shipment.RETURNED}


def payment_by_amounts(value: Payment, paid: Decimal | None, refunded: Decimal | None) -> Payment:
    """Amounts outrank words: less refunded than paid is `partly_refunded`. None: the amount is not told."""
    if value is Payment.REFUNDED and paid is not None and refunded is not None and refunded < paid:
        return Payment.PARTLY_REFUNDED
    return value
