"""The names that conditions and texts read (FLOWS 3), as plain maps: what is not known is absent, never None."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from hub.config.model import Shop
from hub.flows.working import written
from hub.model import DeliverBy, Line, Money, OrderSnapshot, PayBy, PickupPoint, PointKind
from hub.status import Order, Payment, Shipment, label, phrase_text
from hub.store.consents import MARKETING

from .customer import NOTHING_KNOWN, About, with_tags
from .dates import delay_of
from .pickup import cash_due, deadline_of, eta_of, point_of
from .state import OrderView, ShipmentView
from .world import World
from .zones import clock_of


@dataclass(frozen=True, slots=True)
class Reach:
    """What is known of how a customer can be reached: channel connection → address, closed channels left out."""

    channels: Mapping[str, str]


def known(**values: Any) -> dict[str, Any]:
    """The values that are known: neither None nor empty text."""
    return {name: value for name, value in values.items() if value is not None and value != ""}


def locales_of(view: OrderView, shop: Shop) -> tuple[str, ...]:
    """The languages that a message about an order may be in, as tags, the first wish first: the order's, frozen when it
    came in, the customer's, the shop's. Which of them there are texts in, the texts know: a merchant may bring any."""
    customers = view.snapshot.customer.locale if view.snapshot is not None else ""
    return tuple(dict.fromkeys(tag for tag in (view.doc.locale, customers, shop.locale) if tag))


def locale_of(view: OrderView, shop: Shop) -> str:
    """The language of an order for conditions to compare with: `uk`, also where the shop says `uk-UA`."""
    return locales_of(view, shop)[0].replace("_", "-").partition("-")[0].lower()


def shop_names(shop: Shop) -> dict[str, Any]:
    """`shop`."""
    support = known(phone=shop.support.phone, email=shop.support.email, url=shop.support.url)
    return known(
        key=shop.key,
        name=shop.name,
        url=shop.url,
        country=shop.country,
        locale=shop.locale,
        timezone=shop.timezone.key,
        calendar=written(shop.hours, shop.timezone),
        currency=shop.currency,
        returns_url=shop.returns_url,
        support=support,
    )


def names_of(
    view: OrderView,
    world: World,
    now: datetime,
    reach: Sequence[str] = (),
    subject: str | None = None,
    about: About = NOTHING_KNOWN,
) -> dict[str, Any]:
    """Everything an order offers; with `subject` also the one shipment that a run is about."""
    shop = world.shop_of(view.connection)
    shipments = [shipment_names(each, view, world) for each in view.shipments]
    names: dict[str, Any] = {
        "now": now,
        "shop": shop_names(shop),
        "order": _order(view, shop, world, about, now),
        "payment": _payment(view),
        "customer": _customer(view, shop, reach, about),
        "shipments": shipments,
    }
    for each, its in zip(view.shipments, shipments, strict=True):
        if each.id == subject:
            names["shipment"] = its
    return names


def _order(view: OrderView, shop: Shop, world: World, about: About, now: datetime) -> dict[str, Any]:
    snapshot = view.snapshot
    if snapshot is None:
        return known(
            status=_word(view.order.state),
            headline=view.headline.value.value,
            items=[],
            tags=with_tags((), about.order_tags),
        )
    live = view.live
    delivered = sum(each.status is Shipment.DELIVERED for each in live)
    etas = [window.end for each in live if (window := eta_of(each, view.doc))]
    eta = max(etas) if etas else None
    promised = snapshot.promise.end if snapshot.promise else None
    open_cases = [case for case in view.returns if case.folded.state is not None]
    address = snapshot.address
    return known(
        number=snapshot.number,
        status=_word(view.order.state),
        headline=view.headline.value.value,
        return_status=_word(open_cases[-1].folded.state) if open_cases else None,
        placed_at=snapshot.placed_at,
        promised_at=promised,
        eta=eta,
        delay=delay_of(view, now),
        total=snapshot.total.amount if snapshot.total else None,
        currency=snapshot.total.currency if snapshot.total else shop.currency,
        items=[_item(line) for line in snapshot.lines or ()],
        item_count=len(snapshot.lines or ()),
        tags=with_tags(snapshot.tags, about.order_tags),
        note=snapshot.note,
        country=(address.country if address else "") or shop.country,
        locale=locale_of(view, shop),
        address=_address(snapshot),
        recipient=address.name if address else None,
        delivery_method=snapshot.delivery_method or (snapshot.deliver_by or DeliverBy.SHIP).value,
        wholesale=snapshot.wholesale,
        gift=snapshot.gift,
        parcels=len(live),
        parcels_delivered=delivered,
        reason=view.order.reason.value if view.order.reason else None,
        url=snapshot.url,
        platform=world.connection(view.connection).plugin,
        test=snapshot.test,
        attributes=dict(snapshot.attributes),
    )


def _word(state: Any) -> str | None:
    return None if state is None else str(state.value)


def _address(snapshot: OrderSnapshot) -> str | None:
    address = snapshot.address
    if address is None:
        return None
    return ", ".join(part for part in (address.street, address.city, address.postcode) if part) or None


def _item(line: Line) -> dict[str, Any]:
    due = line.ordered - line.removed
    return {
        **known(
            sku=line.sku,
            name=line.title,
            price=line.price.amount if line.price else None,
            image_url=line.image_url,
        ),
        "quantity": due if due else line.ordered,
        "categories": list(line.categories),
        "back_ordered": False,
    }


def _payment(view: OrderView) -> dict[str, Any]:
    snapshot = view.snapshot
    return known(
        status=_word(view.effective_payment),
        method=snapshot.payment_method if snapshot else None,
        on_delivery=bool(snapshot and snapshot.pay_by is PayBy.COD),
        failures=view.payment.entered.get(Payment.PAYMENT_FAILED, 0),
        reason=view.payment.reason.value if view.payment.reason else None,
        due_at=snapshot.payment_due_at if snapshot else None,
        url=(snapshot.payment_url if snapshot else None) or None,
        refunded=_amount(snapshot.refunded if snapshot else None),
    )


def _amount(money: Money | None) -> Decimal:
    return money.amount if money else Decimal(0)


def _customer(view: OrderView, shop: Shop, reach: Sequence[str], about: About) -> dict[str, Any]:
    snapshot = view.snapshot
    heard = {**known(last_heard_at=about.last_heard_at), "open_questions": about.open_questions}
    if snapshot is None:
        tags, consents = with_tags((), about.customer_tags), _consents(about, order_allows=False)
        return {"channels": list(reach), "tags": tags, "consents": consents, "orders": 0, **heard}
    customer, address = snapshot.customer, snapshot.address
    return {
        **known(
            name=customer.name or (address.name if address else ""),
            first_name=customer.first_name,
            email=customer.email,
            phone=customer.phone or (address.phone if address else ""),
            locale=locale_of(view, shop),
            timezone=clock_of(view, shop).key,
        ),
        "channels": list(reach),
        "orders": view.doc.customer_orders,
        "tags": with_tags(customer.tags, about.customer_tags),
        "consents": _consents(about, order_allows=customer.accepts_marketing),
        **heard,
    }


def _consents(about: About, *, order_allows: bool) -> list[str]:
    return [] if about.standing.refusal(MARKETING, order_allows=order_allows) else [MARKETING]


def shipment_names(each: ShipmentView, view: OrderView, world: World) -> dict[str, Any]:
    """`shipment`."""
    leg = each.current
    carrier = world.connection(leg.carrier) if leg and leg.carrier else None
    deadline, cash = deadline_of(each, world), cash_due(each, view)
    point = point_of(each, view.doc) or (_counter(world.shop_of(view.connection)) if each.pickup else None)
    eta = each.news.eta
    live = view.live
    money = known(amount=cash.amount, currency=cash.currency) if cash else None
    return known(
        tracking_number=leg.number.number if leg else None,
        tracking_url=_tracking_url(each, world),
        carrier=carrier.adapter.label if carrier else (leg.number.carrier if leg else ""),
        status=_word(each.status),
        reason=each.folded.reason.value if each.folded.reason else None,
        index=live.index(each) + 1 if each in live else 1,
        count=max(len(live), 1),
        failures=each.folded.entered.get(Shipment.DELIVERY_FAILED, 0),
        eta=eta.end if eta else None,
        window_from=eta.start if eta and not eta.day_only else None,
        window_until=eta.end if eta and not eta.day_only else None,
        shipped_at=each.entered_at(Shipment.SHIPPED),
        arrived_at=each.arrived_at(),
        delivered_at=each.entered_at(Shipment.DELIVERED),
        pickup_deadline=deadline.at if deadline else None,
        pickup_deadline_kind=deadline.kind.value if deadline else None,
        pickup_deadline_basis=deadline.basis.value if deadline else None,
        pickup_point=known(name=point.name, kind=point.kind.value, address=point.address, hours=point.hours)
        if point
        else None,
        cash_due=money["amount"] if money else None,
        last=_last(each),
        items=_contents(each, view),
        carrier_tells=sorted(carrier.tells) if carrier else [],
        carrier_told=[told.kind.value for told in each.news.told],
    )


def _counter(shop: Shop) -> PickupPoint:
    """Where an order is collected when its platform does not say more than that it is at the shop."""
    return PickupPoint(ref="", kind=PointKind.SHOP, name=shop.name)


def _tracking_url(each: ShipmentView, world: World) -> str | None:
    leg = each.current
    if leg is None:
        return None
    if leg.number.url:
        return leg.number.url
    return world.carrier(leg.carrier).tracking_url(leg.number.number) if leg.carrier else None


def _last(each: ShipmentView) -> dict[str, Any] | None:
    if not each.folded.lines:
        return None
    fact = each.folded.lines[-1].fact
    return known(at=fact.at, text=fact.native.label or None, native_status=fact.native.code)


def _contents(each: ShipmentView, view: OrderView) -> list[dict[str, Any]]:
    lines = {line.ref: line for line in (view.snapshot.lines if view.snapshot else None) or ()}
    return [{**_item(lines[ref]), "quantity": quantity} for ref, quantity in each.contents.items() if ref in lines]


def status_summary(view: OrderView, world: World, locale: str) -> dict[str, Any]:
    """One order as the answer to "where is my order?" tells it."""
    words = label(view.headline, locale)
    live = [each for each in view.live if each.status not in (Shipment.DELIVERED, Shipment.RETURNED)]
    parcel = shipment_names(live[0], view, world) if live else {}
    snapshot = view.snapshot
    return known(
        number=snapshot.number if snapshot else view.id,
        label=words.label,
        sentence=words.sentence,
        phrase=phrase_text(view.headline.phrase, locale) if view.headline.phrase else None,
        done=view.order.state is Order.CANCELLED or view.delivered,
        **{
            name: parcel.get(name)
            for name in ("tracking_number", "tracking_url", "eta", "pickup_point", "pickup_deadline", "cash_due")
        },
        **{name: parcel.get(name) for name in ("pickup_deadline_kind", "pickup_deadline_basis")},
    )
