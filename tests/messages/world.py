"""One order, told in many moments: the data that the shipped texts are filled with in tests."""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

NOW = datetime(2026, 11, 9, 8, 0, tzinfo=UTC)
KYIV, WARSAW = ZoneInfo("Europe/Kyiv"), ZoneInfo("Europe/Warsaw")
CUSTOMER = (
    "order-received",
    "question-answered",
    "payment-received",
    "payment-failed",
    "order-cancelled",
    "on-hold",
    "packed",
    "shipped",
    "shipped-part",
    "out-for-delivery",
    "ready-for-pickup",
    "pickup-reminder",
    "pickup-last-day",
    "not-collected",
    "delivery-failed",
    "parcel-delayed",
    "problem-we-are-on-it",
    "problem-solved",
    "delivered",
    "return-news",
    "refunded",
    "please-check-your-number",
    "please-pay",
    "delayed",
    "sorry-late",
    "we-are-asking-the-carrier",
    "problem-still-open",
    "still-on-its-way",
    "on-hold-new-date",
    "complaint-received",
    "question-received",
    "please-review",
    "order-the-same-again",
    "five-questions",
    "five-questions-reminder",
)
VOICED = (
    "packed",
    "shipped",
    "shipped-part",
    "out-for-delivery",
    "ready-for-pickup",
    "pickup-reminder",
    "pickup-last-day",
    "not-collected",
    "delivery-failed",
    "parcel-delayed",
    "delivered",
)
"""What the parcel itself can tell: there is one, and nobody has lost it."""
OPTIONAL = ("please-review", "order-the-same-again", "five-questions", "five-questions-reminder")
"""What nobody has to be sent: these have an opt-out."""
CHAT_ONLY = (
    "order-status",
    "order-status-none",
    "chat-linked",
    "chat-help",
    "chat-stopped",
    "survey-thanks",
    "staff-matter",
)
STAFF = (
    "staff-escalation",
    "staff-overdue",
    "staff-handed-over",
    "staff-connection-paused",
    "staff-unmapped-status",
    "staff-notice",
    "staff-unheard",
    "staff-connection-failing",
    "staff-connection-expiring",
    "staff-connection-silent",
    "staff-weekly-report",
    "staff-policy",
    "staff-promise",
    "staff-breaker",
)
LOCALES = ("en", "uk", "pl", "ru")

_PLACES: Mapping[str, dict[str, Any]] = {
    "en": {
        "shop": {"name": "Kavovar", "currency": "EUR", "country": "IE", "phone": "+35312345678"},
        "items": ["Coffee Kenya AA, 250 g", "Paper filters, 100 pieces"],
        "carrier": "DHL",
        "point": {
            "name": "DHL ServicePoint 12",
            "kind": "partner",
            "address": "1 Main Street, Dublin",
            "hours": "Mo-Fr 08:00-21:00; Sa 09:00-18:00",
        },
        "address": "1 Main Street, Dublin",
        "method": "Visa •• 4242",
        "said": "Parcel could not be sorted",
    },
    "uk": {
        "shop": {"name": "Кавовар", "currency": "UAH", "country": "UA", "phone": "+380441234567"},
        "items": ["Кава Кенія АА, 250 г", "Фільтри паперові, 100 шт."],
        "carrier": "Нова пошта",
        "point": {
            "name": "Відділення № 12",
            "kind": "branch",
            "address": "Київ, вул. Хрещатик, 1",
            "hours": "Mo-Fr 08:00-21:00; Sa 09:00-18:00",
        },
        "address": "Київ, вул. Хрещатик, 1",
        "method": "Visa •• 4242",
        "said": "Посилку не вдалося відсортувати",
    },
    "pl": {
        "shop": {"name": "Ziarno", "currency": "PLN", "country": "PL", "phone": "+48221234567"},
        "items": ["Kawa Kenia AA, 250 g", "Filtry papierowe, 100 sztuk"],
        "carrier": "InPost",
        "point": {
            "name": "Paczkomat WAW12A",
            "kind": "locker",
            "address": "ul. Złota 44, Warszawa",
            "hours": "Mo-Sa 06:00-23:00",
        },
        "address": "ul. Złota 44, Warszawa",
        "method": "BLIK",
        "said": "Nie udało się posortować paczki",
    },
    "ru": {
        "shop": {"name": "Кофевар", "currency": "UAH", "country": "UA", "phone": "+380441234567"},
        "items": ["Кофе Кения АА, 250 г", "Фильтры бумажные, 100 шт."],
        "carrier": "Новая почта",
        "point": {
            "name": "Отделение № 12",
            "kind": "branch",
            "address": "Киев, ул. Крещатик, 1",
            "hours": "Mo-Fr 08:00-21:00; Sa 09:00-18:00",
        },
        "address": "Киев, ул. Крещатик, 1",
        "method": "Visa •• 4242",
        "said": "Посылку не удалось отсортировать",
    },
}


def link(name: str) -> str | None:
    """Every link there is, but the opt-out, which transactional messages do not have."""
    return None if name == "unsubscribe" else f"https://hub.kavovar.example/l/{name}"


def links_of(template: str) -> Callable[[str], str | None]:
    """The links that a message of this template is given."""
    return (lambda name: f"https://hub.kavovar.example/l/{name}") if template in OPTIONAL else link


def _at(day: int, hour: int = 9, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def shipment(locale: str, **more: Any) -> dict[str, Any]:
    place = _PLACES[locale]
    base = {
        "tracking_number": "20450000000001",
        "tracking_url": "https://track.example/20450000000001",
        "carrier": place["carrier"],
        "status": "shipped",
        "index": 1,
        "count": 1,
        "failures": 0,
        "items": [{"name": place["items"][0], "quantity": Decimal(2)}],
    }
    return {**base, **more}


def world(locale: str, **more: Mapping[str, Any] | Any) -> dict[str, Any]:
    """The names of an ordinary order; `more` lays records over them, field by field."""
    place = _PLACES[locale]
    names: dict[str, Any] = {
        "now": NOW,
        "shop": {
            "key": "kavovar",
            "name": place["shop"]["name"],
            "url": "https://kavovar.example",
            "returns_url": "https://kavovar.example/returns",
            "currency": place["shop"]["currency"],
            "country": place["shop"]["country"],
            "support": {"phone": place["shop"]["phone"], "email": "help@kavovar.example"},
        },
        "order": {
            "number": "1001",
            "status": "processing",
            "headline": "processing",
            "total": Decimal("1450.00"),
            "currency": place["shop"]["currency"],
            "country": place["shop"]["country"],
            "items": [
                {"name": place["items"][0], "quantity": Decimal(2), "price": Decimal(600)},
                {"name": place["items"][1], "quantity": Decimal(1), "price": Decimal(250)},
            ],
            "item_count": 3,
            "parcels": 1,
            "parcels_delivered": 0,
            "promised_at": _at(12),
            "address": place["address"],
            "delivery_method": place["carrier"],
        },
        "payment": {"status": "paid", "method": place["method"], "on_delivery": False, "failures": 0},
        "customer": {
            "name": "Олена Коваль" if locale in ("uk", "ru") else "Anna Nowak",
            "email": "anna@customer.example",
        },
        "shipment": shipment(locale),
    }
    for name, over in more.items():
        names[name] = {**names.get(name, {}), **over} if isinstance(over, Mapping) else over
    return names


def waiting(locale: str, kind: str = "goes_back", basis: str = "told", **more: Any) -> dict[str, Any]:
    """A parcel that waits at a pickup point, with cash to pay."""
    deadline = {"pickup_deadline": _at(12, 16), "pickup_deadline_kind": kind, "pickup_deadline_basis": basis}
    point = _PLACES[locale]["point"]
    parcel = {"status": "ready_for_pickup", "pickup_point": point, "cash_due": Decimal("450"), **deadline, **more}
    return world(locale, shipment=parcel, order={"headline": "ready_for_pickup"})


def sample(template: str, locale: str) -> dict[str, Any]:
    """The data of the moment at which this text is said."""
    place = _PLACES[locale]
    special: dict[str, Any] = {
        "payment-failed": {
            "payment": {"status": "payment_failed", "url": "https://pay.example/1001", "due_at": _at(11, 10)}
        },
        "order-cancelled": {"order": {"headline": "cancelled", "reason": "out_of_stock"}},
        "on-hold": {"order": {"status": "on_hold", "headline": "on_hold", "reason": "information_needed"}},
        "packed": {"order": {"status": "packed"}, "payment": {"status": "cash_on_delivery", "on_delivery": True}},
        "shipped": {"shipment": {"eta": _at(12)}},
        "shipped-part": {"shipment": {"index": 1, "count": 2, "eta": _at(12)}},
        "out-for-delivery": {
            "shipment": {
                "status": "out_for_delivery",
                "window_from": _at(12, 8),
                "window_until": _at(12, 11, 30),
                "courier": {"name": "Олег" if locale in ("uk", "ru") else "Jan", "phone": place["shop"]["phone"]},
                "cash_due": Decimal("1450.50"),
            }
        },
        "not-collected": {
            "shipment": {"status": "returning", "pickup_point": place["point"], "reason": "storage_expired"}
        },
        "delivery-failed": {
            "shipment": {"status": "delivery_failed", "reason": "not_at_home", "failures": 1, "eta": _at(13)}
        },
        "parcel-delayed": {"shipment": {"eta": _at(16), "reason": "delayed"}, "promise": {"by": _at(13)}},
        "problem-we-are-on-it": {"shipment": {"status": "problem", "reason": "damaged"}, "promise": {"by": _at(10)}},
        "problem-solved": {"shipment": {"eta": _at(13)}},
        "delivered": {"shipment": {"status": "delivered"}, "order": {"headline": "delivered", "parcels_delivered": 1}},
        "question-answered": {"question": {"text": place["said"], "answer": place["said"], "topic": "complaint"}},
        "return-news": {"order": {"return_status": "approved"}},
        "refunded": {"payment": {"status": "partly_refunded", "refunded": Decimal("600")}},
        "chat-linked": {"order": {"headline": "in_transit"}},
        "order-status": {"orders": _orders(locale)},
        "staff-escalation": {"escalation": _escalation(place), "shipment": {"status": "problem"}},
        "staff-overdue": {"escalation": {**_escalation(place), "owner": "Olena"}},
        "staff-handed-over": {"escalation": {**_escalation(place), "choices": ["approve", "refuse"]}},
        "staff-matter": {"escalation": {**_escalation(place), "owner": "Olena"}, "notice": {"kind": "settled"}},
        "staff-connection-paused": {"connection": {"name": "sms", "error": "401", "last_event_at": _at(9, 6)}},
        "staff-unmapped-status": {
            "unmapped": {"code": "X17", "connection": "inpost", "parcels": 3, "first_seen_at": _at(9, 7)}
        },
        "staff-notice": {"notice": {"kind": "flagged", "source": "nova-poshta", "said": "X17", "reason": "lost"}},
        "staff-unheard": {"message": {"template": "ready-for-pickup", "tried": ["bot", "sms"]}},
        "staff-connection-failing": {"connection": {"name": "sms", "error": "503", "last_event_at": _at(9, 6)}},
        "staff-connection-expiring": {"connection": {"name": "woo", "plugin": "woocommerce", "expires_at": _at(20)}},
        "staff-connection-silent": {
            "connection": {"name": "woo", "plugin": "woocommerce", "last_event_at": _at(9, 2, 30)}
        },
        "staff-weekly-report": {"report": REPORT},
        "staff-policy": {
            "policy": {"name": "paid-orders-hear-from-us", "kind": "after", "template": "packed", "by": _at(9, 12)}
        },
        "please-check-your-number": {"customer": {"phone": "0441"}},
        "please-pay": {
            "payment": {"status": "awaiting_payment", "url": "https://pay.example/1001", "due_at": _at(11, 10)}
        },
        "delayed": {"order": {"headline": "in_transit", "eta": _at(16)}, "promise": {"by": _at(11)}},
        "sorry-late": {
            "order": {"headline": "in_transit", "eta": _at(16)},
            "coupon": {"code": "K7RQ2M9ZDX4P", "valid_until": _at(30)},
            "promise": {"by": _at(11)},
        },
        "we-are-asking-the-carrier": {
            "shipment": {"status": "in_transit", "last": {"at": _at(4), "place": place["point"]["name"]}},
            "promise": {"by": _at(11)},
        },
        "problem-still-open": {"shipment": {"status": "problem", "reason": "lost"}, "promise": {"by": _at(11)}},
        "still-on-its-way": {"order": {"headline": "in_transit", "eta": _at(16)}, "promise": {"by": _at(11)}},
        "staff-promise": {"order": {"headline": "in_transit"}, "promise": {"by": _at(11)}},
        "staff-breaker": {"escalation": {**_escalation(place), "flow": "shipped"}, "notice": {"count": 312}},
        "on-hold-new-date": {
            "order": {
                "status": "on_hold",
                "reason": "out_of_stock",
                "promised_at": _at(20),
                "items": [{"name": place["items"][1], "quantity": Decimal(1), "back_ordered": True}],
            }
        },
        "complaint-received": {"question": {"text": place["said"], "topic": "complaint"}, "promise": {"by": _at(11)}},
        "question-received": {"question": {"text": "?", "topic": "other"}, "promise": {"by": _at(11)}},
        "survey-thanks": {"answer": {"survey": "after-delivery", "nps": 9}},
    }
    if template in ("ready-for-pickup", "pickup-reminder", "pickup-last-day"):
        return waiting(locale)
    return world(locale, **special.get(template, {}))


REPORT: Mapping[str, Any] = {
    "since": _at(2, 6),
    "until": _at(9, 6),
    "orders": 1240,
    "delivered": 1102,
    "messages_sent": 4210,
    "messages_failed": 12,
    "escalations_opened": 21,
    "escalations_overdue": 2,
    "escalations_open": 5,
    "nps": 46,
    "nps_answers": 102,
    "csat": Decimal("93.5"),
    "csat_answers": 1,
}
_POINT_PARCEL = {"status": "out_for_delivery", "window_from": None, "courier": None, "eta": _at(12)}


def variants(template: str, locale: str) -> Mapping[str, Mapping[str, Any]]:
    """What is laid over the sample, field by field, so that the other paragraphs of a text show too."""
    point = _PLACES[locale]["point"]
    part = {"order": {"parcels": 3, "parcels_delivered": 1}}
    told: Mapping[str, Mapping[str, Any]] = {"no word when": {"promise": {"by": None}}}
    waits: Mapping[str, Mapping[str, Any]] = {
        "with a code": {"shipment": {"pickup_code": "4821"}},
        "reckoned": {"shipment": {"pickup_deadline_basis": "estimated"}},
        "a fee begins": {"shipment": {"pickup_deadline_kind": "fee_from"}},
        "nothing but the carrier": {"shipment": {"pickup_point": None, "tracking_url": None, "tracking_number": None}},
    }
    also = shipment(locale, tracking_number="20450000000002", tracking_url="https://track.example/20450000000002")
    leaves: Mapping[str, Mapping[str, Any]] = {
        "to a pickup point": {"shipment": {"pickup_point": point, "cash_due": Decimal(450)}},
        "two": {"shipments": [also]},
    }
    table: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
        "order-received": {
            "to be paid": {
                "payment": {"status": "awaiting_payment", "url": "https://pay.example/1001", "due_at": _at(11, 10)}
            },
            "paid on delivery": {"payment": {"status": "cash_on_delivery", "on_delivery": True}},
        },
        "order-cancelled": {
            each: {"payment": {"status": each}} for each in ("refunded", "authorised", "awaiting_payment")
        },
        "on-hold": {each: {"order": {"reason": each}} for each in ("payment_missing", "out_of_stock", "customs")},
        **dict.fromkeys(("shipped", "shipped-part"), leaves),
        "out-for-delivery": {"to a pickup point": {"shipment": {**_POINT_PARCEL, "pickup_point": point}}},
        **dict.fromkeys(("ready-for-pickup", "pickup-reminder", "pickup-last-day"), waits),
        "delivery-failed": {
            "wrong address": {"shipment": {"reason": "wrong_address"}},
            "again": {"shipment": {"failures": 2, "cash_due": Decimal(450)}},
        },
        "delivered": {"one of three": part},
        "refunded": {"all of it": {"payment": {"status": "refunded"}}, "part": {"payment": {"refunded": None}}},
        "return-news": {
            each: {"order": {"return_status": each}, "payment": {"refunded": Decimal(600)}}
            for each in ("requested", "refused", "returning", "returned", "refunded", "withdrawn")
        },
        "problem-we-are-on-it": told,
        "problem-still-open": told,
        "we-are-asking-the-carrier": told,
        "complaint-received": told,
        "question-received": told,
        "delayed": {"nobody knows when": {"order": {"eta": None}}},
        "sorry-late": {"no coupon, and nobody knows when": {"order": {"eta": None}, "coupon": None}},
        "please-check-your-number": {"none": {"customer": {"phone": None}}},
        "payment-failed": {"no page to pay on": {"payment": {"url": None}}},
        "order-status-none": {"by mail only": {"shop": {"support": {"email": "help@kavovar.example"}}}},
        "payment-received": {"by phone only": {"shop": {"support": {"phone": _PLACES[locale]["shop"]["phone"]}}}},
        "survey-thanks": {"unhappy": {"answer": {"nps": 4}}},
        "order-status": {"none": {"orders": []}},
        "still-on-its-way": {"nobody knows when": {"order": {"headline": "processing", "eta": None}}},
        "staff-promise": {"they have asked": {"customer": {"open_questions": 1}}},
        "staff-escalation": {"high": {"escalation": {"severity": "high"}}},
        "staff-handed-over": {"nothing to choose": {"escalation": {"choices": None}}},
        "staff-matter": {
            "taken": {"notice": {"kind": "taken"}},
            "chosen": {"notice": {"kind": "closed"}, "escalation": {"choice": "approve"}},
        },
        "staff-notice": {
            each: {"notice": {"kind": each, "channel": "sms", "template": "packed", "since": NOW, "count": 12}}
            for each in ("contradiction", "foreign", "removed", "merged", "parked", "errand", "limit", "refused",
                         "retracted", "moving", "silence", "webhooks", "trouble")
        },
        "staff-policy": {
            f"{kind} {hear}": {"policy": {"name": "a", "kind": kind, "hear": hear, "by": NOW}}
            for kind in ("soon", "after")
            for hear in ("customer", "staff", "answer")
        }
        | {kind: {"policy": {"name": "a", "kind": kind, "template": "packed"}} for kind in ("at_most", "never")},
        "staff-weekly-report": {
            "a calm one": {"report": {"escalations_overdue": 0, "escalations_open": 0, "nps": None, "csat": None}}
        },
    }  # fmt: skip
    return table.get(template, {})


def cases(template: str, locale: str, needs: Collection[str]) -> Mapping[str, dict[str, Any]]:
    """The worlds in which a text is looked at: everything known, the other paragraphs, next to nothing known."""
    full = sample(template, locale)
    more = {name: _over(full, over) for name, over in variants(template, locale).items()}
    return {"": full, **more, "sparse": sparse(full, (*needs, *_PRINTED.get(template, ())))}


_PRINTED = {
    "staff-notice": ("notice.source", "notice.said"),
    "staff-unheard": ("order.number",),
    "staff-policy": ("policy.template",),
    "staff-promise": ("promise.by",),
    "staff-breaker": ("escalation.flow", "notice.count"),
}
"""What a text for staff prints always: the hub itself never lets it lack."""


def _over(full: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    laid = {name: {**full.get(name, {}), **each} if isinstance(each, Mapping) else each for name, each in over.items()}
    return {**full, **laid}


def sparse(full: Mapping[str, Any], needs: Collection[str]) -> dict[str, Any]:
    """Next to nothing: the order's number, the shop's name, and what a text says it needs."""
    bare: dict[str, Any] = {"now": NOW, "order": {"number": "1001"}, "shop": {"name": "Kavovar"}}
    for need in (*needs, "order.return_status", "shipment.status", "order.headline"):
        value: Any = full
        record = bare
        *path, last = need.split(".")
        for word in path:
            value = value.get(word, {}) if isinstance(value, Mapping) else {}
            record = record.setdefault(word, {})
        if isinstance(value, Mapping) and last in value:
            record[last] = value[last]
    return bare


def _escalation(place: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": "7", "reason": place["said"], "severity": "critical", "due_at": _at(9, 12), "flow": "problem"}


def _orders(locale: str) -> list[dict[str, Any]]:
    from hub.status import HeadlineValue, Phrase, PhraseKind, Unit, label, phrase_text

    transit, ready = (label(value, locale) for value in (HeadlineValue.IN_TRANSIT, HeadlineValue.READY_FOR_PICKUP))
    return [
        {
            "number": "1001",
            "label": transit.label,
            "sentence": transit.sentence,
            "phrase": phrase_text(Phrase(PhraseKind.ON_THE_WAY, 1, 3, Unit.PARCELS), locale),
            "eta": _at(12),
            "tracking_url": "https://track.example/20450000000001",
        },
        {
            "number": "1002",
            "label": ready.label,
            "sentence": ready.sentence,
            "pickup_point": _PLACES[locale]["point"],
            "pickup_deadline": _at(12, 16),
            "pickup_deadline_kind": "goes_back",
            "pickup_deadline_basis": "told",
        },
    ]
