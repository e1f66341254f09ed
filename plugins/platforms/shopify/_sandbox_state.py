"""The fake shop's own state: orders, what was sent, paid, held, asked back. Plain and mutable; knows no API."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(slots=True)
class Person:
    """The customer of an order; `known=False`: the order has no customer object (point of sale, phone checkout)."""

    id: int
    first_name: str
    last_name: str
    email: str | None
    phone: str | None
    locale: str | None
    known: bool = True


@dataclass(slots=True)
class Item:
    """One line."""

    id: int
    sku: str
    title: str
    quantity: int
    price: Decimal
    current: int
    ships: bool = True
    sent: int = 0


@dataclass(slots=True)
class Event:
    """One carrier scan, as an app pushed it."""

    id: int
    status: str
    at: datetime
    created_at: datetime
    message: str = ""
    city: str | None = None
    eta: datetime | None = None


@dataclass(slots=True)
class Fulfilment:
    """A record that some lines were sent. `status` in lower case."""

    id: int
    name: str
    status: str
    created_at: datetime
    updated_at: datetime
    company: str | None = None
    numbers: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    items: dict[int, int] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    @property
    def shipment_status(self) -> str | None:
        """The newest event's word; Shopify fills it in itself only for integrated carriers."""
        newest = max(self.events, key=lambda each: (each.at, each.id), default=None)
        return newest.status if newest else None


@dataclass(slots=True)
class Hold:
    """Why a fulfilment order waits."""

    reason: str
    notes: str = ""


@dataclass(slots=True)
class FulfilmentOrder:
    """What one location has to send. `status` and `method` in upper case."""

    id: int
    location: int
    method: str
    remaining: dict[int, int]
    status: str = "OPEN"
    request_status: str = "UNSUBMITTED"
    holds: list[Hold] = field(default_factory=list)


@dataclass(slots=True)
class Transaction:
    """One attempt to move money; words in lower case."""

    id: int
    kind: str
    status: str
    gateway: str
    amount: Decimal
    at: datetime
    manual: bool = False
    error_code: str | None = None
    message: str | None = None


@dataclass(slots=True)
class Refund:
    """Money that went back, and for which lines."""

    id: int
    at: datetime
    amount: Decimal
    note: str
    items: dict[int, int]
    transaction: Transaction


@dataclass(slots=True)
class Return:
    """A return case; `status` in upper case."""

    id: int
    name: str
    status: str
    created_at: datetime
    items: dict[int, int]
    refunded: bool = False


@dataclass(slots=True)
class Order:
    """One order."""

    id: int
    number: int
    created_at: datetime
    updated_at: datetime
    currency: str
    customer: Person
    items: list[Item]
    shipping: Decimal
    gateway: str
    manual: bool
    method: str
    delivery_title: str
    address: dict[str, str | None] | None
    note: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    test: bool = False
    marketing: bool = False
    authorized: bool = False
    expired: bool = False
    voided: bool = False
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    closed_at: datetime | None = None
    return_status: str | None = None
    nothing_to_send: bool = False
    fulfilments: list[Fulfilment] = field(default_factory=list)
    fulfilment_orders: list[FulfilmentOrder] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"#{self.number}"

    @property
    def subtotal(self) -> Decimal:
        return sum((each.price * each.quantity for each in self.items), ZERO)

    @property
    def total(self) -> Decimal:
        return self.subtotal + self.shipping

    @property
    def current_total(self) -> Decimal:
        """What it comes to after cancelling, editing and refunding."""
        if self.cancelled_at is not None:
            return max(self.received - self.refunded, ZERO)
        goods = sum((each.price * each.current for each in self.items), ZERO)
        returned = sum(
            (self.item(ref).price * count for refund in self.refunds for ref, count in refund.items.items()), ZERO
        )
        return max(goods + self.shipping - max(self.refunded - returned, ZERO), ZERO)

    @property
    def received(self) -> Decimal:
        good = [each for each in self.transactions if each.status == "success" and each.kind in ("sale", "capture")]
        return sum((each.amount for each in good), ZERO)

    @property
    def refunded(self) -> Decimal:
        return sum((each.amount for each in self.refunds), ZERO)

    @property
    def outstanding(self) -> Decimal:
        return max(self.current_total - (self.received - self.refunded), ZERO)

    @property
    def financial_status(self) -> str:
        """In lower case."""
        if self.refunded > 0:
            return "refunded" if self.refunded >= self.received else "partially_refunded"
        if self.received > 0:
            return "paid" if self.outstanding == 0 else "partially_paid"
        if self.voided:
            return "voided"
        if self.expired:
            return "expired"
        if self.authorized:
            return "authorized"
        return "pending" if self.total > 0 else "paid"

    @property
    def fulfillment_status(self) -> str | None:
        """What a webhook says: null, `partial` or `fulfilled`."""
        due = sum(max(each.current, each.sent) for each in self.items)
        sent = sum(each.sent for each in self.items)
        if sent == 0:
            return None
        return "fulfilled" if sent >= due else "partial"

    @property
    def display_status(self) -> str:
        """What GraphQL says of the whole order."""
        states = [each.status for each in self.fulfilment_orders if each.status not in ("CANCELLED", "CLOSED")]
        if self.nothing_to_send:
            return "FULFILLMENT_NOT_REQUIRED"
        if self.fulfillment_status == "fulfilled":
            return "FULFILLED"
        if self.fulfillment_status == "partial":
            return "PARTIALLY_FULFILLED"
        for word in ("ON_HOLD", "IN_PROGRESS", "SCHEDULED"):
            if states and all(each == word for each in states):
                return word
        if any(each.request_status in ("SUBMITTED", "ACCEPTED") for each in self.fulfilment_orders):
            return "PENDING_FULFILLMENT"
        if any(each.request_status == "REJECTED" for each in self.fulfilment_orders):
            return "REQUEST_DECLINED"
        return "UNFULFILLED"

    @property
    def order_return_status(self) -> str:
        if self.return_status is not None:
            return self.return_status
        states = {each.status for each in self.returns}
        for state, word in (("OPEN", "IN_PROGRESS"), ("REQUESTED", "RETURN_REQUESTED"), ("CLOSED", "RETURNED")):
            if state in states:
                return word
        return "NO_RETURN"

    def item(self, ref: int) -> Item:
        return next(each for each in self.items if each.id == ref)

    def fulfilment(self, ref: int) -> Fulfilment:
        return next(each for each in self.fulfilments if each.id == ref)
