"""Short words for the tests of this folder."""

import json
from collections.abc import Sequence
from typing import Any

from hub.model import Checkpoint, ParcelNews
from hub.plugin import Raw, TrackRequest, WebhookRequest
from plugins.carriers.inpost import InPost, InPostSettings
from plugins.carriers.inpost.reading import records

ASKED_AT = "2026-11-18T12:00:00+00:00"
NUMBER = "630071234567890123456789"
OTHER = "630071234567890123456780"
SECRET = "a-path-that-nobody-guesses"


def settings(url: str = "https://shipx.example", **rest: Any) -> InPostSettings:
    return InPostSettings.model_validate({"url": url, **rest})


def event(status: str, at: str = "2026-11-18T07:42:10.000+01:00", agency: str | None = None) -> dict[str, Any]:
    """One line of a history."""
    return {"status": status, "origin_status": None, "agency": agency, "datetime": at}


def machine(name: str = "KRA010", **rest: Any) -> dict[str, Any]:
    """A point as answers describe it."""
    return {
        "name": name,
        "opening_hours": "06:00-22:00",
        "location_description": "Obok sklepu",
        "location": {"latitude": 50.0614, "longitude": 19.9366},
        "address": {"line1": "Przykładowa 12", "line2": "31-019 Kraków"},
        "type": ["parcel_locker"],
        "location247": False,
        **rest,
    }


def answer(*events: dict[str, Any], **rest: Any) -> dict[str, Any]:
    """An answer about NUMBER; the newest event comes first."""
    found: dict[str, Any] = {"tracking_number": NUMBER, "service": "inpost_locker_standard"}
    if events:
        found |= {"status": events[0]["status"], "updated_at": events[0]["datetime"]}
    target = {"target_machine_id": "KRA010", "target_machine_detail": machine()}
    return {**found, "custom_attributes": target, "tracking_details": list(events), **rest}


def read(tracking: dict[str, Any], **beside: Any) -> tuple[list[Checkpoint], ParcelNews | None, list[ParcelNews]]:
    """Checkpoints, the news with a point or cash, and the news of reminders."""
    return parted(records({"asked_at": ASKED_AT, "tracking": tracking, **beside}))


def parted(found: Sequence[Any]) -> tuple[list[Checkpoint], ParcelNews | None, list[ParcelNews]]:
    points = [each for each in found if isinstance(each, Checkpoint)]
    news = [each for each in found if isinstance(each, ParcelNews)]
    assert len(points) + len(news) == len(found)
    rest = [each for each in news if each.told is None]
    assert len(rest) <= 1
    return points, rest[0] if rest else None, [each for each in news if each.told is not None]


async def ask(carrier: InPost, *numbers: str) -> Sequence[Raw]:
    return await carrier.track([TrackRequest(each) for each in numbers])


async def codes(carrier: InPost, number: str) -> list[str]:
    """The native codes that the adapter reads for a number, oldest first."""
    return [point.native.code for raw in await ask(carrier, number) for point in parted(carrier.normalise(raw))[0]]


def post(body: Any, *headers: tuple[str, str], rest: str = SECRET, method: str = "POST") -> WebhookRequest:
    """A webhook as the hub hands it over."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return WebhookRequest(method, rest, {}, [("content-type", "application/json"), *headers], sent)


def hint(number: Any = NUMBER, **rest: Any) -> dict[str, Any]:
    """The body of a webhook about a number."""
    return {
        "event_ts": "2026-11-18 07:42:10 +0100",
        "event": "shipment_status_changed",
        "organization_id": 1234,
        "payload": {"shipment_id": 998877, "status": "ready_to_pickup", "tracking_number": number},
        **rest,
    }
