"""The state of one order and its parts, as values: what a fold of everything known gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from hub.model import (
    Number,
    OrderSnapshot,
    ParcelSnapshot,
    ReturnSnapshot,
)
from hub.status import (
    Axis,
    Fact,
    Folded,
    Headline,
    ParcelView,
    Payment,
    Shipment,
    Way,
    order_delivered,
)

from .documents import News, OrderDoc

SHOP_PARCEL = "shop"
"""The parcel of which only the shop speaks, by the order."""
ONLY_NUMBER = "number:"
"""Begins the reference of a parcel of which the shop knows only the number: there is no fulfilment yet."""
OF_PARCEL = "parcel:"
"""Begins the reference of a return case that the shop has not named: only its parcel is known."""


NOT_THERE = "the shop does not name it any more"
"""Why nothing is said of a parcel or return case while the shop's newest list leaves it out."""


def return_id(order_id: str, ref: str) -> str:
    return f"{order_id}/r:{ref}"


@dataclass(frozen=True, slots=True)
class Leg:
    """A number of a shipment, and what facts under it say of the way."""

    number: Number
    way: Way
    carrier: str  # connection that follows it, or empty


@dataclass(frozen=True, slots=True)
class ShipmentView:
    """One outbound parcel with its folded state."""

    id: str
    snapshot: ParcelSnapshot | None
    legs: tuple[Leg, ...]
    folded: Folded
    news: News
    contents: Mapping[str, Decimal]
    pickup: bool
    replaced: bool
    status: Shipment | None
    connection: str = ""
    """The shop's, which speaks of it where no carrier does."""

    @property
    def followed(self) -> bool:
        return any(leg.carrier for leg in self.legs)

    @property
    def numbers(self) -> frozenset[str]:
        return frozenset(leg.number.number for leg in self.legs)

    @property
    def live(self) -> bool:
        return not self.replaced and self.status is not Shipment.CANCELLED

    @property
    def units(self) -> Decimal:
        return sum(self.contents.values(), Decimal(0))

    @property
    def current(self) -> Leg | None:
        """The leg that life goes on under: the last one."""
        return self.legs[-1] if self.legs else None

    def arrived_at(self) -> datetime | None:
        """When it last became collectible."""
        return next(reversed(self._entries(Shipment.READY_FOR_PICKUP)), None)

    def entered_at(self, value: Shipment) -> datetime | None:
        """When it first came into a status."""
        return next(iter(self._entries(value)), None)

    def _entries(self, value: Shipment) -> list[datetime]:
        return [line.fact.at for line in self.folded.lines if line.occurrence and line.after is value]


@dataclass(frozen=True, slots=True)
class ReturnCase:
    """One return case with its folded state."""

    id: str
    snapshot: ReturnSnapshot
    folded: Folded
    legs: tuple[Leg, ...] = ()
    """What the customer's return parcels travel under."""
    parcels: tuple[str, ...] = ()
    """Their references at the platform."""


@dataclass(frozen=True)
class OrderView:
    """One order as it stands."""

    id: str
    connection: str
    doc: OrderDoc
    order: Folded
    payment: Folded
    shipments: tuple[ShipmentView, ...]
    returns: tuple[ReturnCase, ...]
    rest: bool
    headline: Headline
    effective_payment: Payment | None
    facts: tuple[Fact, ...] = field(default=(), repr=False)

    @property
    def snapshot(self) -> OrderSnapshot | None:
        return self.doc.snapshot

    @property
    def gone(self) -> str:
        """Why nothing more is said of this order: deleted in the shop, or merged into another; empty: it lives."""
        if self.doc.merged_into:
            return f"merged into {self.doc.merged_into}"
        return "deleted in the shop" if self.doc.removed_at is not None else ""

    @property
    def delivered(self) -> bool:
        """The roll-up: the last open parcel is delivered."""
        return order_delivered([parcel_view(each) for each in self.shipments], self.rest)

    @cached_property
    def live(self) -> tuple[ShipmentView, ...]:
        return tuple(each for each in self.shipments if each.live)

    @property
    def legs(self) -> list[Leg]:
        """Every number that something of this order travels under, out or back."""
        return [
            *(leg for each in self.shipments for leg in each.legs),
            *(leg for case in self.returns for leg in case.legs),
        ]

    def folded(self, axis: Axis, subject: str) -> Folded:
        """The fold of one axis and subject (`subject` is the order's, a shipment's or a return case's id)."""
        if axis is Axis.ORDER:
            return self.order
        if axis is Axis.PAYMENT:
            return self.payment
        cases: Sequence[ShipmentView | ReturnCase] = self.shipments if axis is Axis.SHIPMENT else self.returns
        return next((case.folded for case in cases if case.id == subject), Folded())

    def former(self, subject: str) -> list[str]:
        """What a subject was known as before: the first parcel as the shop's, when the shop had only said it of the
        order; a return case as one of its parcels, when the shop had only sent that."""
        if self.shipments and subject == self.shipments[0].id:
            return [f"{self.id}/{SHOP_PARCEL}"]
        case = next((case for case in self.returns if case.id == subject), None)
        return [return_id(self.id, OF_PARCEL + ref) for ref in case.parcels] if case else []

    def has(self, subject: str) -> bool:
        """Whether a subject is there: the order itself, a parcel, a return case."""
        return subject == self.id or subject in self._parts

    def as_now(self, subject: str) -> str:
        """What a subject that was told of before is known as now."""
        parts = [] if self.has(subject) else self._parts
        return next((each for each in parts if subject in self.former(each)), subject)

    @cached_property
    def _parts(self) -> list[str]:
        return [*(each.id for each in self.shipments), *(case.id for case in self.returns)]

    def axes(self) -> list[tuple[Axis, str, Folded]]:
        """Every axis and subject there is."""
        return [
            (Axis.ORDER, self.id, self.order),
            (Axis.PAYMENT, self.id, self.payment),
            *((Axis.SHIPMENT, each.id, each.folded) for each in self.shipments),
            *((Axis.RETURN, each.id, each.folded) for each in self.returns),
        ]


def parcel_view(each: ShipmentView) -> ParcelView:
    """A shipment as the headline is told of it."""
    return ParcelView(
        subject=each.id,
        status=each.status,
        reason=each.folded.reason,
        units=each.units,
        followed=each.followed,
        pickup=each.pickup,
        replaced=each.replaced,
    )
