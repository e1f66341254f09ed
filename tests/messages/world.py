"""One order, told in many moments: the data that the shipped texts are filled with in tests."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

NOW = datetime(2026, 11, 9, 8, 0, tzinfo=UTC)
KYIV, WARSAW = ZoneInfo("Europe/Kyiv"), ZoneInfo("Europe/Warsaw")
CUSTOMER = (
    "order-received",
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
)
CHAT_ONLY = ("order-status", "order-status-none", "chat-linked", "chat-help", "staff-matter")
STAFF = (
    "staff-escalation",
    "staff-overdue",
    "staff-handed-over",
    "staff-connection-paused",
    "staff-unmapped-status",
    "staff-notice",
    "staff-unheard",
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
    }
    if template in ("ready-for-pickup", "pickup-reminder", "pickup-last-day"):
        return waiting(locale)
    return world(locale, **special.get(template, {}))


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
