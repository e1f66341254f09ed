"""The names that texts can use, with the kind of each field (FLOWS.md, section 3). What is not here cannot be read."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias


class Kind(StrEnum):
    """What a field holds, so that a filter is asked for the right thing when a text is loaded."""

    TEXT = "a text"
    NUMBER = "a number"
    TIME = "a time"
    DEADLINE = "a pickup deadline"
    BOOL = "yes or no"
    URL = "a web address"
    EMAIL = "an e-mail address"
    PHONE = "a phone number"
    REASON = "a reason"
    HEADLINE = "a headline"
    ORDER = "an order status"
    PAYMENT = "a payment status"
    SHIPMENT = "a parcel's status"
    RETURN = "a return's status"
    HTML = "finished HTML"
    ANY = "anything"


STATUS_KINDS = frozenset({Kind.HEADLINE, Kind.ORDER, Kind.PAYMENT, Kind.SHIPMENT, Kind.RETURN})

Spec: TypeAlias = Kind | Mapping[str, "Spec"] | tuple["Spec"]
"""A field's kind; a record's fields; or a list, as a tuple of what one of its items is."""

Fields: TypeAlias = Mapping[str, Spec]


def _of(kind: Kind, names: str) -> dict[str, Spec]:
    return dict.fromkeys(names.split(), kind)


_SUPPORT: Fields = {"phone": Kind.PHONE, "email": Kind.EMAIL, "url": Kind.URL}
_SHOP: Fields = {
    **_of(Kind.TEXT, "key name country locale timezone calendar currency"),
    **_of(Kind.URL, "url returns_url"),
    "support": _SUPPORT,
}
_ITEM: Fields = {
    **_of(Kind.TEXT, "sku name"),
    **_of(Kind.NUMBER, "quantity price"),
    "categories": (Kind.TEXT,),
    "back_ordered": Kind.BOOL,
    "image_url": Kind.URL,
}
_POINT: Fields = {**_of(Kind.TEXT, "name kind address hours"), "url": Kind.URL}
_ORDER: Fields = {
    **_of(Kind.TEXT, "number currency note country locale address recipient delivery_method platform"),
    **_of(Kind.NUMBER, "total item_count parcels parcels_delivered"),
    **_of(Kind.TIME, "placed_at promised_at eta"),
    **_of(Kind.BOOL, "wholesale gift test"),
    "status": Kind.ORDER,
    "headline": Kind.HEADLINE,
    "return_status": Kind.RETURN,
    "reason": Kind.REASON,
    "url": Kind.URL,
    "items": (_ITEM,),
    "tags": (Kind.TEXT,),
    "delay": Kind.ANY,
    "attributes": Kind.ANY,
}
_PAYMENT: Fields = {
    "status": Kind.PAYMENT,
    "method": Kind.TEXT,
    "on_delivery": Kind.BOOL,
    "reason": Kind.REASON,
    "due_at": Kind.TIME,
    "url": Kind.URL,
    **_of(Kind.NUMBER, "failures refunded"),
}
_CUSTOMER: Fields = {
    **_of(Kind.TEXT, "name first_name locale timezone prefers"),
    **_of(Kind.NUMBER, "orders open_questions"),
    **dict.fromkeys(("channels", "tags", "consents"), (Kind.TEXT,)),
    "email": Kind.EMAIL,
    "phone": Kind.PHONE,
    "last_heard_at": Kind.TIME,
}
_LAST: Fields = {"at": Kind.TIME, **_of(Kind.TEXT, "text place native_status")}
_SHIPMENT: Fields = {
    **_of(Kind.TEXT, "tracking_number carrier service fault pickup_deadline_kind pickup_deadline_basis pickup_code"),
    **_of(Kind.NUMBER, "index count failures cash_due"),
    **_of(Kind.TIME, "eta window_from window_until shipped_at arrived_at delivered_at"),
    **dict.fromkeys(("carrier_tells", "carrier_told"), (Kind.TEXT,)),
    "tracking_url": Kind.URL,
    "status": Kind.SHIPMENT,
    "reason": Kind.REASON,
    "pickup_deadline": Kind.DEADLINE,
    "pickup_point": _POINT,
    "courier": {"name": Kind.TEXT, "phone": Kind.PHONE},
    "last": _LAST,
    "items": (_ITEM,),
}
_ESCALATION: Fields = {
    **_of(Kind.TEXT, "id severity owner choice flow level"),
    "reason": Kind.TEXT,
    "due_at": Kind.TIME,
    "choices": (Kind.TEXT,),
}
_BRIEF_ORDER: Fields = {
    **_of(Kind.TEXT, "number label sentence phrase"),
    **_of(Kind.URL, "tracking_url url"),
    "eta": Kind.TIME,
    "pickup_point": _POINT,
    "pickup_deadline": Kind.DEADLINE,
    **_of(Kind.TEXT, "pickup_deadline_kind pickup_deadline_basis"),
}

ROOTS: Fields = {
    "shop": _SHOP,
    **_of(Kind.TIME, "now started_at entered_at"),
    "event": {
        **_of(Kind.TEXT, "name source"),
        **_of(Kind.TIME, "occurred_at received_at"),
        "data": Kind.ANY,
        "changed": (Kind.TEXT,),
    },
    "order": _ORDER,
    "orders": (_BRIEF_ORDER,),
    "payment": _PAYMENT,
    "customer": _CUSTOMER,
    "shipment": _SHIPMENT,
    "shipments": (_SHIPMENT,),
    "question": {**_of(Kind.TEXT, "text topic channel about answer"), "asked_at": Kind.TIME},
    "answer": {"survey": Kind.TEXT, "nps": Kind.NUMBER, "scores": Kind.ANY, "text": Kind.TEXT, "complete": Kind.BOOL},
    "escalation": _ESCALATION,
    "message": {
        **_of(Kind.TEXT, "template class flow channel outcome"),
        "tried": (Kind.TEXT,),
        "sent_at": Kind.TIME,
        "reached": Kind.BOOL,
    },
    "connection": {**_of(Kind.TEXT, "name kind plugin silent_for error"), **_of(Kind.TIME, "last_event_at expires_at")},
    "unmapped": {**_of(Kind.TEXT, "code connection"), "parcels": Kind.NUMBER, "first_seen_at": Kind.TIME},
    "notice": {
        **_of(Kind.TEXT, "kind source said channel template"),
        "reason": Kind.REASON,
        "count": Kind.NUMBER,
        "since": Kind.TIME,
    },
    "policy": {**_of(Kind.TEXT, "name kind hear template"), "by": Kind.TIME},
    "promise": {"by": Kind.TIME},
    "coupon": {"code": Kind.TEXT, "valid_until": Kind.TIME},
    "waited": Kind.TEXT,
    "saved": Kind.ANY,
    "param": Kind.ANY,
    "report": {
        **_of(Kind.TIME, "since until"),
        **_of(Kind.NUMBER, "orders delivered messages_sent messages_failed"),
        **_of(Kind.NUMBER, "escalations_opened escalations_overdue escalations_open"),
        **_of(Kind.NUMBER, "nps nps_answers csat csat_answers"),
    },
}
"""What a text may begin a name with. A template of a flow's own `with` values is loaded with their names added."""

LAYOUT_ROOTS: Fields = {
    "shop": _SHOP,
    "mail": {
        **_of(Kind.TEXT, "lang subject preheader headline badge role"),
        **_of(Kind.HTML, "content footer"),
        "buttons": ({"text": Kind.TEXT, "url": Kind.URL},),
    },
}
"""What the mail layout may read: the finished parts of one mail."""

LINKS = ("order", "telegram", "acknowledge", "unsubscribe", "survey", "return", "console")
"""What `link(...)` can be asked for: the order's own page, the deep link that joins the chat, the staff's link that
takes an escalation, the opt-out of a class, a survey, the return form, the matter in the console."""

LOOP_FIELDS: Fields = {"first": Kind.BOOL, "last": Kind.BOOL, "index": Kind.NUMBER, "length": Kind.NUMBER}


def with_extra(roots: Fields, extra: frozenset[str]) -> Fields:
    """`roots` and further names whose kind nobody declared."""
    return {**dict.fromkeys(extra, Kind.ANY), **roots}


def field_at(roots: Fields, path: str) -> Spec | None:
    """The kind of `shipment.pickup_point.name`, or None where there is no such field."""
    spec: Spec | None = roots
    for word in path.split("."):
        spec = child(spec, word) if spec is not None else None
    return spec


def child(spec: Spec, name: str) -> Spec | None:
    """The kind of a field of this, or None where there is no such field."""
    if spec is Kind.ANY:
        return Kind.ANY
    return spec.get(name) if isinstance(spec, Mapping) else None
