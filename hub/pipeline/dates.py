"""When something is expected, and when the customer was told that it comes. Pure.

The customer is told first by the shop's promise at checkout; where the shop promised nothing, by the carrier's first
word, which their order page shows at once. That date does not move because another is foreseen: it moves when a message
about the delay has told them the new one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub.model import DeliverBy
from hub.status import Order, Shipment

from .state import OrderView, ShipmentView

LATE = "late."
"""Begins the words of what is later than the customer was told."""
ARRIVED = frozenset(
    {Shipment.READY_FOR_PICKUP, Shipment.DELIVERED, Shipment.RETURNING, Shipment.RETURNED, Shipment.CANCELLED}
)
"""A parcel in these is not expected any more: it is there, or goes back."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """An order or a parcel that is on its way: the date that the customer was told, and the one that is foreseen."""

    kind: str
    subject: str
    told: datetime
    eta: datetime

    @property
    def word(self) -> str:
        return LATE + self.kind

    def expected(self, now: datetime) -> datetime:
        """When it comes at the earliest: what is foreseen, or now when that has passed."""
        return max(self.eta, now)


def awaited(view: OrderView, told_since: Mapping[str, datetime]) -> list[Awaited]:
    """The order and its parcels that are still to come and of which a date was told. `told_since`: subject → the date
    that a message about the delay has told since."""
    found = list(_awaited(view))
    return [replace(each, told=max(each.told, told_since.get(each.subject, each.told))) for each in found]


def delay_of(view: OrderView, now: datetime) -> timedelta | None:
    """How much later than it was promised, or first told, an order comes or came; None: it does not, or nobody knows.
    One that is under way and has missed its date is later with every hour."""
    told, eta = told_first(view), _foreseen(view)
    if told is None or eta is None:
        return None
    late = (max(eta, now) if _is_open(view) else eta) - told
    return late if late > timedelta(0) else None


def told_first(view: OrderView) -> datetime | None:
    """The date that the customer of an order was told first."""
    promise = view.snapshot.promise if view.snapshot else None
    if promise is not None:
        return promise.end
    return max((each.news.first_eta.end for each in view.live if each.news.first_eta), default=None)


def _foreseen(view: OrderView) -> datetime | None:
    """When the last of an order's parcels is foreseen."""
    return max((each.news.eta.end for each in view.live if each.news.eta), default=told_first(view))


def _awaited(view: OrderView) -> Iterator[Awaited]:
    if not _is_open(view):
        return
    told, eta = told_first(view), _foreseen(view)
    if told is not None and eta is not None:
        yield Awaited("order", view.id, told, eta)
    promise = view.snapshot.promise if view.snapshot else None
    for each in view.live:
        first = promise or each.news.first_eta
        foreseen = each.news.eta or first
        if first is not None and foreseen is not None and not _has_arrived(each):
            yield Awaited("shipment", each.id, first.end, foreseen.end)


def _is_open(view: OrderView) -> bool:
    """Whether something of an order is still to come. Its shop may have closed it when the last parcel left."""
    if view.snapshot is None or view.gone or view.order.state is Order.CANCELLED:
        return False
    if view.snapshot.deliver_by is DeliverBy.DIGITAL:
        return False
    if not view.live:
        return view.order.state is not Order.COMPLETED
    return view.rest or not all(map(_has_arrived, view.live))


def _has_arrived(each: ShipmentView) -> bool:
    return each.pickup or each.status in ARRIVED
