"""Short words for the tests of this folder."""

from collections.abc import Mapping
from typing import Any

import httpx

from hub.model import CarrierRecord, Checkpoint, ParcelNews
from hub.plugin import TrackRequest
from plugins.carriers.nova_poshta import NovaPoshta, NovaPoshtaSettings
from plugins.carriers.nova_poshta.reading import records
from plugins.carriers.nova_poshta.sandbox import KEY

ASKED_AT = "2026-11-18T12:00:00+00:00"


def settings(url: str = "https://np.example/v2.0/json/", **rest: Any) -> NovaPoshtaSettings:
    return NovaPoshtaSettings.model_validate({"api_key": KEY, "url": url, **rest})


async def ask(carrier: NovaPoshta, *numbers: str, phone: str = "") -> list[tuple[Checkpoint, ParcelNews | None]]:
    """What the adapter makes of the answers for these numbers, in their order."""
    raws = await carrier.track([TrackRequest(number, phone) for number in numbers])
    return [parted(carrier.normalise(raw)) for raw in raws]


async def ask_one(carrier: NovaPoshta, number: str) -> tuple[Checkpoint, ParcelNews | None]:
    [found] = await ask(carrier, number)
    return found


def read(**item: Any) -> tuple[Checkpoint, ParcelNews | None]:
    """Records of one item with these fields."""
    return parted(records({"asked_at": ASKED_AT, "item": {"Number": "20450777123456", "StatusCode": "5", **item}}))


def parted(found: Any) -> tuple[Checkpoint, ParcelNews | None]:
    first, *rest = list[CarrierRecord](found)
    assert isinstance(first, Checkpoint)
    news = rest[0] if rest else None
    assert news is None or isinstance(news, ParcelNews)
    return first, news


async def call(
    client: httpx.AsyncClient, url: str, method: str, wish: Mapping[str, Any] | None, *, key: str = KEY
) -> dict[str, Any]:
    """One bare call, as any client of the carrier would make it."""
    model, _, called = method.partition(".")
    frame = {"apiKey": key, "modelName": model, "calledMethod": called, "methodProperties": wish}
    answer = await client.post(url, json=frame)
    found = answer.json()
    assert isinstance(found, dict)
    return found


def documents(*numbers: str, phone: str = "") -> dict[str, Any]:
    return {"Documents": [{"DocumentNumber": number, "Phone": phone} for number in numbers]}
