"""The fake shop's own state and the levers that move it. Plain and mutable; knows no HTTP.

Everything that WooCommerce saves through its own functions moves the modified time and is told to `happened`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any

from hub.clock import Clock

ZERO = Decimal(0)
CORE = {
    "pending": "Pending payment",
    "processing": "Processing",
    "on-hold": "On hold",
    "completed": "Completed",
    "cancelled": "Cancelled",
    "refunded": "Refunded",
    "failed": "Failed",
    "checkout-draft": "Draft",
}
MAILED = frozenset({"processing", "on-hold", "completed", "refunded"})
"""Statuses with which WooCommerce itself mails the customer."""

Product = tuple[str, str, int, str]
"""sku, name, quantity, price"""
MUG: tuple[Product, ...] = (("MUG-BLU", "Ceramic mug &ndash; Blue", 2, "45.91"),)


@dataclass(slots=True)
class Item:
    """One line."""

    id: int
    sku: str
    name: str
    quantity: int
    price: Decimal


@dataclass(slots=True)
class Refund:
    """Money that went back; its id is of the same space as orders' ids."""

    id: int
    at: datetime
    amount: Decimal
    reason: str
    items: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Note:
    """A note on an order; one for the customer is mailed."""

    id: int
    at: datetime
    text: str
    customer: bool


@dataclass(slots=True)
class Meta:
    """One row of meta data; the value may be any JSON."""

    id: int
    key: str
    value: Any


@dataclass(slots=True)
class Fulfilment:
    """A row of the feature Order Fulfillments."""

    id: int
    status: str
    is_fulfilled: bool
    at: datetime
    meta: list[Meta]
    deleted: datetime | None = None


@dataclass(slots=True)
class Order:
    """One order."""

    id: int
    number: str
    status: str
    currency: str
    created: datetime
    modified: datetime
    items: list[Item]
    shipping: Decimal
    method: str
    method_title: str
    shipping_method: str
    shipping_title: str
    billing: dict[str, str]
    shipping_address: dict[str, str]
    customer_id: int = 0
    note: str = ""
    created_via: str = "checkout"
    needs_processing: bool = True
    paid: datetime | None = None
    completed: datetime | None = None
    transaction: str = ""
    before_trash: str = ""
    meta: list[Meta] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    fulfilments: list[Fulfilment] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        return sum((each.price * each.quantity for each in self.items), ZERO) + self.shipping

    @property
    def refunded(self) -> Decimal:
        return sum((each.amount for each in self.refunds), ZERO)

    def value(self, key: str) -> Any:
        return next((each.value for each in self.meta if each.key == key), None)


Happened = Callable[[str, Order, str], None]
"""(what WooCommerce calls it: created, updated, deleted, restored or an action's hook; the order; the lever)"""


class Shop:
    """The orders. `storage`: where WooCommerce keeps them. In `legacy` (posts) orders share their ids with everything
    else, and a plugin that writes meta data past WooCommerce moves no time and tells nobody."""

    def __init__(self, clock: Clock, happened: Happened, mailed: Callable[[Order, str], None], storage: str) -> None:
        self.orders: dict[int, Order] = {}
        self.coupons: dict[str, dict[str, Any]] = {}
        """Code, in small letters → the coupon as it was asked for."""
        self.statuses: dict[str, str] = dict(CORE)
        self._clock, self._happened, self._mailed, self.storage = clock, happened, mailed, storage
        self._ids, self._inner = count(7419), count(3105)

    # --- levers

    def register_status(self, slug: str, name: str) -> None:
        """A plugin's own status; `slug` without `wc-`."""
        self.statuses[slug] = name

    def create_order(
        self,
        *,
        name: str = "Marek Zawadzki",
        email: str = "marek.zawadzki@example.com",
        phone: str = "+48600111222",
        lines: Sequence[Product] = MUG,
        currency: str = "PLN",
        shipping: str = "12.99",
        method: str = "przelewy24",
        method_title: str = "Przelewy24",
        shipping_method: str = "flat_rate",
        shipping_title: str = "InPost locker",
        paid: bool = False,
        status: str = "",
        digital: bool = False,
        number: str = "",
        note: str = "",
        meta: Mapping[str, Any] | None = None,
        created_via: str = "checkout",
        customer_id: int = 0,
        other_address: Mapping[str, str] | None = None,
    ) -> str:
        """A customer orders; gives the id. Without a `status`, what WooCommerce makes of the payment method."""
        now = self._clock.now()
        first, _, last = name.partition(" ")
        home = {
            "first_name": first, "last_name": last, "company": "", "address_1": "ul. Lipowa 8/3", "address_2": "",
            "city": "Poznań", "state": "", "postcode": "61-001", "country": "PL",
        }  # fmt: skip
        empty = dict.fromkeys(home, "")
        ident = self._next_id()
        sent = not digital and shipping_method not in ("local_pickup", "pickup_location")
        order = Order(
            id=ident,
            number=number or str(ident),
            status=status or _first_status(method, paid=paid),
            currency=currency,
            created=now,
            modified=now,
            items=[
                Item(next(self._inner), sku, title, quantity, Decimal(price)) for sku, title, quantity, price in lines
            ],
            shipping=ZERO if digital else Decimal(shipping),
            method=method,
            method_title=method_title,
            shipping_method="" if digital else shipping_method,
            shipping_title="" if digital else shipping_title,
            billing={**home, "email": email, "phone": phone},
            shipping_address={**(other_address or home if sent else empty), "phone": ""},
            customer_id=customer_id,
            note=note,
            created_via=created_via,
            needs_processing=not digital,
            paid=now if paid else None,
            meta=[Meta(next(self._inner), key, value) for key, value in (meta or {}).items()],
        )
        self.orders[ident] = order
        self._tell("created", order, "created")
        if order.status in MAILED:
            self._mailed(order, order.status)
        return str(ident)

    def set_status(self, ref: str, status: str) -> Order:
        """To a core status or one that is registered, by staff or a plugin."""
        order = self.find(ref)
        was, order.status = order.status, status
        if status == "completed":
            order.completed = self._clock.now()
            order.paid = order.paid or self._clock.now()
        if status == "refunded" and order.refunded < order.total:
            self._add_refund(order, order.total - order.refunded, "Order fully refunded")
        self._save(order, status)
        if status != was:
            self._tell(f"action.woocommerce_order_status_{status}", order, "")
            self._tell("action.woocommerce_order_status_changed", order, "")
            if status in MAILED:
                self._mailed(order, status)
        return order

    def pay(self, ref: str, transaction: str = "p24-77120934") -> None:
        """The gateway says that the money is there."""
        order = self.find(ref)
        order.paid, order.transaction = self._clock.now(), transaction
        if order.status in ("pending", "on-hold", "failed", "cancelled"):
            self.set_status(ref, "processing" if order.needs_processing else "completed")
        else:
            self._save(order, "paid")

    def fail_payment(self, ref: str) -> None:
        self.set_status(ref, "failed")

    def cancel(self, ref: str) -> None:
        self.set_status(ref, "cancelled")

    def complete(self, ref: str) -> None:
        self.set_status(ref, "completed")

    def refund(self, ref: str, amount: str, reason: str = "Chipped mug", items: Mapping[int, int] | None = None) -> int:
        """Part or all of the money; all of it makes the order `refunded`."""
        order = self.find(ref)
        made = self._add_refund(order, Decimal(amount), reason, dict(items or {}))
        if order.refunded >= order.total:
            self.set_status(ref, "refunded")
        else:
            self._save(order, "refunded in part")
        return made.id

    def set_meta(self, ref: str, key: str, value: Any) -> None:
        """Through WooCommerce's own functions: the order is saved."""
        order = self.find(ref)
        self._put_meta(order, key, value)
        self._save(order, f"meta {key}")

    def plugin_meta(self, ref: str, key: str, value: Any) -> None:
        """As an old plugin does it, with `update_post_meta`: past WooCommerce where orders are posts."""
        order = self.find(ref)
        self._put_meta(order, key, value)
        if self.storage != "legacy":
            self._save(order, f"meta {key}")

    def add_tracking(self, ref: str, number: str, provider: str = "DPD", link: str = "") -> dict[str, Any]:
        """A row of the extension Shipment Tracking, in its meta key."""
        order = self.find(ref)
        rows = list(order.value("_wc_shipment_tracking_items") or [])
        custom = provider if link else ""
        row = {
            "tracking_provider": "" if link else provider,
            "custom_tracking_provider": custom,
            "custom_tracking_link": link,
            "tracking_number": number,
            "date_shipped": f"{self._clock.now().timestamp():.0f}",
            "tracking_id": f"{next(self._inner):032x}",
        }
        self.set_meta(ref, "_wc_shipment_tracking_items", [*rows, row])
        return row

    def add_note(self, ref: str, text: str, *, customer: bool) -> Note:
        """A note is a comment: the order itself is not saved."""
        order = self.find(ref)
        note = Note(next(self._inner), self._clock.now(), text.strip(), customer)
        order.notes.append(note)
        if customer:
            self._mailed(order, "note")
        return note

    def add_fulfilment(self, ref: str, status: str, meta: Mapping[str, Any], *, mail: bool = False) -> Fulfilment:
        order = self.find(ref)
        rows = [Meta(next(self._inner), key, value) for key, value in meta.items()]
        made = Fulfilment(next(self._inner), status, status == "fulfilled", self._clock.now(), rows)
        order.fulfilments.append(made)
        self._save(order, "fulfilment")
        if mail:
            self._mailed(order, "fulfilment")
        return made

    def change_fulfilment(self, ref: str, found: Fulfilment, status: str | None, meta: Mapping[str, Any]) -> None:
        """Meta data that are left out are dropped."""
        found.status = status or found.status
        found.meta = [Meta(next(self._inner), key, value) for key, value in meta.items()]
        self._save(self.find(ref), "fulfilment")

    def touch(self, ref: str) -> None:
        """Saved, and nothing of note changed."""
        self._save(self.find(ref), "touched")

    def edit(self, ref: str, quantity: int) -> None:
        order = self.find(ref)
        order.items[0].quantity = quantity
        self._save(order, "edited")

    def trash(self, ref: str) -> None:
        order = self.find(ref)
        order.before_trash, order.status = order.status, "trash"
        order.modified = self._clock.now()
        self._tell("deleted", order, "trashed")

    def restore(self, ref: str) -> None:
        order = self.find(ref)
        order.status, order.modified = order.before_trash, self._clock.now()
        self._tell("restored", order, "restored")

    def delete(self, ref: str) -> None:
        """For good."""
        order = self.orders.pop(int(ref))
        self._tell("deleted", order, "deleted")

    def find(self, ref: str) -> Order:
        return self.orders[int(ref)]

    # --- underneath

    def _next_id(self) -> int:
        """Posts of every kind share one count, so that orders' ids have gaps."""
        ident = next(self._ids)
        if self.storage == "legacy":
            next(self._ids)
        return ident

    def _add_refund(self, order: Order, amount: Decimal, reason: str, items: dict[int, int] | None = None) -> Refund:
        made = Refund(self._next_id(), self._clock.now(), amount, reason, items or {})
        order.refunds.append(made)
        return made

    def _put_meta(self, order: Order, key: str, value: Any) -> None:
        """By key: what stands there is changed, all else stays."""
        known = next((each for each in order.meta if each.key == key), None)
        if known is None:
            order.meta.append(Meta(next(self._inner), key, value))
        else:
            known.value = value

    def _save(self, order: Order, lever: str) -> None:
        order.modified = self._clock.now()
        self._tell("updated", order, lever)

    def _tell(self, event: str, order: Order, lever: str) -> None:
        self._happened(event, order, lever)


def _first_status(method: str, *, paid: bool) -> str:
    if paid or method == "cod":
        return "processing"
    return "on-hold" if method in ("bacs", "cheque") else "pending"
