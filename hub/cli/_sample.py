"""Made-up data for every name that a text can read, so that a text can be seen before anybody needs it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hub.config.model import Shop
from hub.messages._names import ROOTS, Kind, Spec
from hub.status import HeadlineValue, Label, label

WORDS: Mapping[str, Any] = {
    "order.number": "1001",
    "order.items": [{"name": "Coffee Kenya AA, 250 g", "quantity": Decimal(2), "price": Decimal("9.50")}],
    "order.item_count": 2,
    "order.total": Decimal("19.00"),
    "order.parcels": 1,
    "order.parcels_delivered": 0,
    "order.address": "1 Main Street, Springfield",
    "order.recipient": "Anna Sample",
    "order.status": "processing",
    "order.headline": "in_transit",
    "order.return_status": "approved",
    "order.wholesale": False,
    "order.test": True,
    "payment.status": "paid",
    "payment.method": "card",
    "payment.on_delivery": False,
    "payment.failures": 1,
    "payment.refunded": Decimal("9.50"),
    "customer.name": "Anna Sample",
    "customer.first_name": "Anna",
    "customer.email": "anna@customer.example",
    "customer.phone": "+380441234567",
    "shipment.tracking_number": "20450000000001",
    "shipment.carrier": "Sample Carrier",
    "shipment.status": "ready_for_pickup",
    "shipment.pickup_deadline_kind": "goes_back",
    "shipment.pickup_deadline_basis": "told",
    "shipment.cash_due": Decimal("19.00"),
    "shipment.index": 1,
    "shipment.count": 2,
    "shipment.pickup_point": {
        "name": "Branch 12",
        "kind": "branch",
        "address": "5 Station Road",
        "hours": "Mo-Fr 08:00-21:00; Sa 09:00-18:00",
    },
    "shipment.last": {"text": "Sorted in the depot", "native_status": "7"},
    "escalation.severity": "normal",
    "escalation.reason": "1001: a made-up matter",
    "message.template": "shipped",
    "message.tried": ["bot", "mail"],
    "connection.name": "main-shop",
    "connection.error": "our credentials were refused",
    "unmapped.code": "X17",
    "unmapped.connection": "main-shop",
}
"""Full name → its value, where the kind alone does not give a good one."""

_PLAIN: Mapping[Kind, Any] = {
    Kind.TEXT: "sample",
    Kind.NUMBER: 3,
    Kind.BOOL: True,
    Kind.URL: "https://shop.example/sample",
    Kind.EMAIL: "help@shop.example",
    Kind.PHONE: "+380441234567",
    Kind.REASON: "not_at_home",
    Kind.HEADLINE: "in_transit",
    Kind.ORDER: "processing",
    Kind.PAYMENT: "paid",
    Kind.SHIPMENT: "in_transit",
    Kind.RETURN: "approved",
    Kind.ANY: "sample",
}


def sample_names(shop: Shop, locale: str, now: datetime, extra: Mapping[str, Any]) -> dict[str, Any]:
    """A value for every name. `extra`: names that flows add; `shop` says the currency, the country and the support."""
    names = {root: _sample(spec, root, now) for root, spec in ROOTS.items()}
    names["now"] = now
    names["shop"] = {**names["shop"], **_shop(shop)}
    money = {"currency": shop.currency or "EUR", "country": shop.country or "IE", "locale": locale}
    names["order"] = {**names["order"], **money}
    names["orders"] = [_brief(label(HeadlineValue.IN_TRANSIT, locale), now)]
    return {**names, **{name: "sample" for name in extra if name not in names}}


def _sample(spec: Spec, path: str, now: datetime) -> Any:
    if path in WORDS:
        return WORDS[path]
    if isinstance(spec, Mapping):
        return {name: _sample(each, f"{path}.{name}", now) for name, each in spec.items()}
    if isinstance(spec, tuple):
        inner = path.removesuffix("s")
        return [_sample(spec[0], inner, now)]
    if spec in (Kind.TIME, Kind.DEADLINE):
        return now + timedelta(days=2)
    return _PLAIN.get(spec)


def _shop(shop: Shop) -> dict[str, Any]:
    support = {"phone": shop.support.phone, "email": shop.support.email, "url": shop.support.url}
    said = {
        "key": shop.key,
        "name": shop.name,
        "url": shop.url,
        "returns_url": shop.returns_url,
        "country": shop.country,
    }
    return {
        name: value for name, value in {**said, "support": {k: v for k, v in support.items() if v}}.items() if value
    }


def _brief(words: Label, now: datetime) -> dict[str, Any]:
    return {
        "number": "1001",
        "label": words.label,
        "sentence": words.sentence,
        "eta": now + timedelta(days=2),
        "tracking_url": "https://shop.example/sample",
    }
