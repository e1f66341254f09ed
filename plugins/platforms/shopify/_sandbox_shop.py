"""The levers of the fake shop: each moves the world and says which webhooks Shopify would send for it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any

from hub.clock import Clock

from ._sandbox_bodies import Bodies, Tree
from ._sandbox_state import (
    Event,
    Fulfilment,
    FulfilmentOrder,
    Hold,
    Item,
    Order,
    Person,
    Refund,
    Return,
    Transaction,
)

Say = Callable[[str, str, Sequence[tuple[str, Tree]]], None]
"""(what happened, order id, the webhooks as (topic header, body))."""

ADDRESS: Mapping[str, str | None] = {
    "address1": "Nova Poshta branch 14",
    "address2": None,
    "city": "Lviv",
    "province": "Lviv Oblast",
    "zip": "79000",
    "country_code": "UA",
}


class Shop:
    """Orders of one shop and what can happen to them. Ids look like Shopify's own."""

    def __init__(self, clock: Clock, bodies: Bodies, say: Say) -> None:
        self.orders: dict[int, Order] = {}
        self.discounts: dict[str, dict[str, Any]] = {}
        """Code, in capitals → the discount as it was asked for."""
        self.customer_tags: dict[str, list[str]] = {}
        """Customer's gid → tags."""
        self._clock = clock
        self._bodies = bodies
        self._say = say
        self._order_ids = count(6120043217117)
        self._numbers = count(1071)
        self._ids = count(7012003344556)

    def find(self, order: str) -> Order:
        """The order by its id; KeyError when there is none."""
        return self.orders[int(order)]

    def create_order(
        self, *, lines: Sequence[tuple[str, str, int, str]] = (("TEA-GRN-250", "Green tea", 2, "590.00"),),
        name: str = "Olena Hrytsenko", email: str | None = "olena.hrytsenko@example.com",
        phone: str | None = "+380501112233", locale: str | None = "uk-UA", customer: bool = True,
        gateway: str = "Cash on Delivery (COD)", manual: bool | None = None, paid: bool = False,
        authorized: bool = False, method: str = "SHIPPING", delivery_title: str = "Nova Poshta",
        shipping: str = "69.00", currency: str = "UAH", address: Mapping[str, str | None] | None = None,
        locations: int = 1, note: str | None = None, tags: Sequence[str] = (),
        attributes: Mapping[str, str] | None = None, test: bool = False, marketing: bool = False,
    ) -> str:  # fmt: skip
        """A customer orders; gives the order's id. `lines`: (sku, title, quantity, price). `method`: the delivery
        method type (SHIPPING, PICK_UP, LOCAL, PICKUP_POINT, RETAIL, NONE). `manual`: guessed from the gateway."""
        now = self._clock.now()
        first, _, last = name.partition(" ")
        sent = method in ("SHIPPING", "LOCAL", "PICKUP_POINT")
        order = Order(
            id=next(self._order_ids),
            number=next(self._numbers),
            created_at=now,
            updated_at=now,
            currency=currency,
            customer=Person(next(self._ids), first, last, email, phone, locale, customer),
            items=[self._item(*line, ships=method != "NONE") for line in lines],
            shipping=Decimal(shipping) if sent else Decimal(0),
            gateway=gateway,
            manual=gateway != "shopify_payments" if manual is None else manual,
            method=method,
            delivery_title="" if method == "NONE" else delivery_title,
            address=_address(address, first, last, phone) if sent else None,
            note=note,
            tags=list(tags),
            attributes=dict(attributes or {}),
            test=test,
            marketing=marketing,
            authorized=authorized,
        )
        order.fulfilment_orders = self._fulfilment_orders(order, locations)
        self.orders[order.id] = order
        self._say("created", str(order.id), [("orders/create", self._bodies.order(order))])
        if paid:
            self.pay(str(order.id))
        return str(order.id)

    def _item(self, sku: str, title: str, quantity: int, price: str, *, ships: bool) -> Item:
        return Item(next(self._ids), sku, title, quantity, Decimal(price), quantity, ships=ships)

    def _fulfilment_orders(self, order: Order, locations: int) -> list[FulfilmentOrder]:
        shares: list[dict[int, int]] = [{} for _ in range(min(locations, len(order.items)))]
        for index, item in enumerate(order.items):
            shares[index % len(shares)][item.id] = item.quantity
        return [
            FulfilmentOrder(next(self._ids), 71200334557 + place, order.method, share)
            for place, share in enumerate(shares)
        ]

    def pay(self, order: str, amount: str | None = None) -> None:
        """Money comes in; all that is open when no amount is given."""
        found = self.find(order)
        kind = "capture" if found.authorized else "sale"
        due = found.outstanding if amount is None else Decimal(amount)
        payment = self._transact(found, kind, "success", due)
        found.authorized = False
        self._moved(found, "paid", ("order_transactions/create", self._bodies.transaction(found, payment)),
                    "orders/paid" if found.outstanding == 0 else "")  # fmt: skip

    def fail_payment(self, order: str, *, kind: str = "sale", error_code: str = "card_declined") -> None:
        """An attempt to pay fails."""
        found = self.find(order)
        payment = self._transact(found, kind, "failure", found.outstanding)
        payment.error_code, payment.message = error_code, "Your card was declined."
        self._moved(found, "payment failed", ("order_transactions/create", self._bodies.transaction(found, payment)))

    def _transact(self, order: Order, kind: str, status: str, amount: Decimal) -> Transaction:
        made = Transaction(next(self._ids), kind, status, order.gateway, amount, self._clock.now(), manual=order.manual)
        order.transactions.append(made)
        return made

    def cancel(self, order: str, reason: str = "customer", *, refund: bool = True) -> None:
        """The order is cancelled, for good."""
        found = self.find(order)
        found.cancelled_at, found.cancel_reason = self._clock.now(), reason
        found.closed_at = self._clock.now()
        for each in found.fulfilment_orders:
            each.status = "CANCELLED" if each.status != "CLOSED" else each.status
        for item in found.items:
            item.current = item.sent
        if found.received == 0:
            found.voided, found.authorized = True, False
        elif refund and found.received > found.refunded:
            self._refund(found, found.received - found.refunded, {}, "cancelled")
        self._moved(found, "cancelled", "orders/cancelled")

    def hold(self, order: str, reason: str = "incorrect_address", notes: str = "") -> None:
        """What is not sent yet is put on hold."""
        found = self.find(order)
        for each in found.fulfilment_orders:
            if each.status in ("OPEN", "IN_PROGRESS", "SCHEDULED"):
                each.status = "ON_HOLD"
                each.holds = [Hold(reason, notes)]
        self._moved(found, "held", ("fulfillment_orders/placed_on_hold", self._hold_body(found, reason, notes)))

    def release(self, order: str) -> None:
        """The hold ends."""
        found = self.find(order)
        for each in found.fulfilment_orders:
            if each.status == "ON_HOLD":
                each.status, each.holds = "OPEN", []
        self._moved(found, "released", ("fulfillment_orders/hold_released", self._trigger_body(found)))

    def report_progress(self, order: str) -> None:
        """Somebody has begun to pick."""
        found = self.find(order)
        for each in found.fulfilment_orders:
            each.status = "IN_PROGRESS" if each.status == "OPEN" else each.status
        self._moved(found, "picking", ("fulfillment_orders/progress_reported", self._trigger_body(found)))

    def _hold_body(self, order: Order, reason: str, notes: str) -> Tree:
        return {**self._trigger_body(order), "fulfillment_hold": {"reason": reason, "reason_notes": notes}}

    def _trigger_body(self, order: Order) -> dict[str, dict[str, Any]]:
        each = order.fulfilment_orders[0]
        return {"fulfillment_order": {"id": f"gid://shopify/FulfillmentOrder/{each.id}", "status": each.status.lower()}}

    def prepare_pickup(self, order: str) -> None:
        """The goods wait at the counter. Only this notice says so: the fulfilment comes when they are fetched."""
        found = self.find(order)
        body = self._trigger_body(found)
        body["fulfillment_order"] |= {"preparable": True, "delivery_method": {"method_type": found.method.lower()}}
        self._moved(found, "ready for pickup", ("fulfillment_orders/line_items_prepared_for_pickup", body))

    def picked_up(self, order: str) -> int:
        """The customer has collected it; gives the fulfilment's id."""
        return self.fulfil(order)

    def fulfil(
        self,
        order: str,
        number: str | None = None,
        company: str | None = None,
        line_items: Mapping[int, int] | None = None,
        *,
        url: str | None = None,
        numbers: Sequence[str] = (),
    ) -> int:
        """Lines are sent (all that is left, when none are named); gives the fulfilment's id."""
        found = self.find(order)
        items = line_items or {each.id: each.current - each.sent for each in found.items if each.current > each.sent}
        made = self._record(found, company, items)
        made.numbers = list(numbers) or ([number] if number else [])
        made.urls = [url] if url else []
        self._fulfilled(found, made)
        return made.id

    def _fulfilled(self, order: Order, made: Fulfilment) -> None:
        whole = "orders/fulfilled" if order.fulfillment_status == "fulfilled" else "orders/partially_fulfilled"
        self._moved(order, "fulfilled", ("fulfillments/create", self._bodies.fulfillment(order, made)), whole)

    def _record(self, order: Order, company: str | None, items: Mapping[int, int]) -> Fulfilment:
        now = self._clock.now()
        name = f"{order.name}.{len(order.fulfilments) + 1}"
        made = Fulfilment(next(self._ids), name, "success", now, now, company, items=dict(items))
        order.fulfilments.append(made)
        for ref, quantity in items.items():
            order.item(ref).sent += quantity
            _take(order.fulfilment_orders, ref, quantity)
        return made

    def fulfil_orders(
        self, order: str, ids: Sequence[int], company: str | None, numbers: Sequence[str], urls: Sequence[str]
    ) -> Fulfilment:
        """What `fulfillmentCreate` does: whole fulfilment orders become one parcel."""
        found = self.find(order)
        taken = [each for each in found.fulfilment_orders if each.id in ids]
        items = {ref: quantity for each in taken for ref, quantity in each.remaining.items() if quantity}
        made = self._record(found, company, items)
        made.numbers, made.urls = list(numbers), list(urls)
        self._fulfilled(found, made)
        return made

    def set_tracking(self, order: str, fulfilment: int, number: str, company: str | None = None, url: str = "") -> None:
        """A number is written, or written anew."""
        found = self.find(order)
        each = found.fulfilment(fulfilment)
        each.numbers, each.company, each.urls = [number], company or each.company, [url] if url else []
        each.updated_at = self._clock.now()
        self._moved(found, "tracking set", ("fulfillments/update", self._bodies.fulfillment(found, each)))

    def cancel_fulfilment(self, order: str, fulfilment: int) -> None:
        """The record is undone; its lines are due again."""
        found = self.find(order)
        each = found.fulfilment(fulfilment)
        each.status, each.updated_at = "cancelled", self._clock.now()
        for ref, quantity in each.items.items():
            found.item(ref).sent -= quantity
        left = dict(each.items)
        found.fulfilment_orders.append(FulfilmentOrder(next(self._ids), 71200334557, found.method, left))
        self._moved(found, "fulfilment cancelled", ("fulfillments/update", self._bodies.fulfillment(found, each)))

    def fulfillment_event(
        self, order: str, fulfilment: int, status: str, *, at: datetime | None = None, message: str = "",
        city: str | None = "Lviv", eta: datetime | None = None,
    ) -> int:  # fmt: skip
        """An app pushes a carrier's scan; gives its id."""
        found = self.find(order)
        each = found.fulfilment(fulfilment)
        now = self._clock.now()
        made = Event(next(self._ids), status, at or now, now, message, city, eta)
        each.events.append(made)
        each.updated_at = now
        self._moved(
            found,
            f"event {status}",
            ("fulfillment_events/create", self._bodies.event(found, each, made)),
            ("fulfillments/update", self._bodies.fulfillment(found, each)),
        )
        return made.id

    def deliver(self, order: str, fulfilment: int) -> int:
        """The parcel is handed over."""
        return self.fulfillment_event(order, fulfilment, "delivered")

    def delete_event(self, order: str, event: int) -> None:
        """A scan is taken back: its notice has the very body of the event."""
        found = self.find(order)
        each = next(each for each in found.fulfilments if any(scan.id == event for scan in each.events))
        scan = next(scan for scan in each.events if scan.id == event)
        body = self._bodies.event(found, each, scan)
        each.events.remove(scan)
        each.updated_at = self._clock.now()
        self._moved(found, "event deleted", ("fulfillment_events/delete", body))

    def request_return(self, order: str, line_items: Mapping[int, int] | None = None) -> int:
        """The customer asks to send something back; gives the case's id."""
        found = self.find(order)
        items = dict(line_items) if line_items else {each.id: each.sent for each in found.items if each.sent}
        name = f"{found.name}-R{len(found.returns) + 1}"
        made = Return(next(self._ids), name, "REQUESTED", self._clock.now(), items)
        found.returns.append(made)
        self._moved(found, "return requested", ("returns/request", self._bodies.return_case(found, made)))
        return made.id

    def approve_return(self, order: str, case: int) -> None:
        self._return_moves(order, case, "OPEN", "returns/approve")

    def decline_return(self, order: str, case: int) -> None:
        self._return_moves(order, case, "DECLINED", "returns/decline")

    def cancel_return(self, order: str, case: int) -> None:
        self._return_moves(order, case, "CANCELED", "returns/cancel")

    def receive_return(self, order: str, case: int) -> None:
        """The goods are back, and the case is closed."""
        self._return_moves(order, case, "CLOSED", "returns/close")

    def _return_moves(self, order: str, case: int, status: str, topic: str) -> None:
        found = self.find(order)
        each = next(each for each in found.returns if each.id == case)
        each.status = status
        self._moved(found, f"return {status.lower()}", (topic, self._bodies.return_case(found, each)))

    def refund(
        self, order: str, amount: str | None = None, line_items: Mapping[int, int] | None = None, *, note: str = "",
        case: int | None = None,
    ) -> None:  # fmt: skip
        """Money goes back; all that came in, when no amount is given."""
        found = self.find(order)
        due = found.received - found.refunded if amount is None else Decimal(amount)
        for each in found.returns:
            each.refunded = each.refunded or each.id == case
        made = self._refund(found, due, dict(line_items or {}), note)
        said = ("order_transactions/create", self._bodies.transaction(found, made.transaction))
        self._moved(found, "refunded", ("refunds/create", self._bodies.refund(found, made)), said)

    def _refund(self, order: Order, amount: Decimal, items: dict[int, int], note: str) -> Refund:
        for ref, quantity in items.items():
            order.item(ref).current -= quantity
        payment = self._transact(order, "refund", "success", amount)
        made = Refund(next(self._ids), self._clock.now(), amount, note, items, payment)
        order.refunds.append(made)
        return made

    def edit(self, order: str, sku: str, quantity: int) -> None:
        """Staff changes how many of a line are due."""
        found = self.find(order)
        item = next(each for each in found.items if each.sku == sku)
        added = quantity - item.current
        item.current, item.quantity = quantity, max(item.quantity, quantity)
        for each in found.fulfilment_orders:
            if item.id in each.remaining:
                each.remaining[item.id] = max(each.remaining[item.id] + added, 0)
        edit = {"id": next(self._ids), "order_id": found.id, "created_at": self._bodies.time(self._clock.now())}
        self._moved(found, "edited", ("orders/edited", {"order_edit": edit}))

    def need_nothing_sent(self, order: str) -> None:
        """Shopify finds that nothing has to be sent of it, whatever its goods look like: only GraphQL says so."""
        found = self.find(order)
        found.nothing_to_send, found.fulfilment_orders = True, []
        self._moved(found, "nothing to send")

    def set_note(self, order: str, note: str) -> None:
        found = self.find(order)
        found.note = note
        self._moved(found, "note set")

    def set_tags(self, order: str, tags: Sequence[str]) -> None:
        found = self.find(order)
        found.tags = list(tags)
        self._moved(found, "tags set")

    def touch(self, order: str) -> None:
        """`orders/updated` with no visible difference, as Shopify often sends it."""
        self._moved(self.find(order), "touched")

    def dispute(self, order: str, status: str = "needs_response") -> None:
        """The bank takes the money back and asks for evidence."""
        found = self.find(order)
        body = self._bodies.dispute(found, next(self._ids), status, self._clock.now())
        self._say("disputed", order, [("disputes/create", body)])

    def delete(self, order: str) -> None:
        """The order is gone."""
        found = self.orders.pop(int(order))
        self._say("deleted", order, [("orders/delete", {"id": found.id})])

    def _moved(self, order: Order, what: str, *said: str | tuple[str, Tree]) -> None:
        """Every change touches the order's updated time and ends with `orders/updated`."""
        order.updated_at = self._clock.now()
        whole: dict[str, Any] = self._bodies.order(order)
        news = [each if isinstance(each, tuple) else (each, whole) for each in said if each]
        self._say(what, str(order.id), [*news, ("orders/updated", whole)])


def _address(given: Mapping[str, str | None] | None, first: str, last: str, phone: str | None) -> dict[str, str | None]:
    return {"first_name": first, "last_name": last, "phone": phone, **(ADDRESS if given is None else given)}


def _take(orders: Sequence[FulfilmentOrder], ref: int, quantity: int) -> None:
    """Take units out of the fulfilment orders; one with nothing left is closed."""
    for each in orders:
        taken = min(each.remaining.get(ref, 0), quantity)
        if taken:
            each.remaining[ref] -= taken
            quantity -= taken
        if not any(each.remaining.values()) and each.status != "CANCELLED":
            each.status, each.holds = "CLOSED", []
