"""Nova Poshta (Нова пошта), domestic waybills: up to 100 parcels per request, current state only, no webhooks."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
from pydantic import Field, SecretStr

from hub.model import CarrierRecord
from hub.plugin import Carrier, Clock, Limits, Raw, Settings, TrackRequest, digest, hookimpl
from hub.status import Shipment

from .asking import URL, Api, kept, states
from .points import ROOM, Points
from .reading import NUMBER, records, text
from .statuses import BAD_NUMBER, STATUSES, VOCABULARY

# Longest first names of the firm that shops use, without blanks and signs; a longer word may go on after them
# ("Нова Пошта: відділення"). The last two stand only alone.
_NAMES = ("novaposhta", "novaposta", "novapochta", "novayapochta", "новапошта", "новапочта", "новаяпочта")
_SHORT_NAMES = ("np", "нп")
_OTHER_FIRMS = ("novaposhtaglobal", "новапоштаглобал")


class NovaPoshtaSettings(Settings):
    """Settings of a `nova_poshta` connection."""

    api_key: SecretStr = Field(description="Key from the business cabinet: Settings, Security.")
    url: str = Field(default=URL, description="Another address of the API, for a sandbox.")
    remitted_words: tuple[str, ...] = Field(
        default=(),
        description="Values of LastTransactionStatusGM that say a payment-control sum has reached you; "
        "they are not published, so none is believed until named here.",
    )


class NovaPoshta(Carrier[NovaPoshtaSettings]):
    name = VOCABULARY
    label = "Nova Poshta"
    settings_type = NovaPoshtaSettings
    # No limit is published: one request at a time for each key, a second apart.
    limits = Limits(concurrency=1, per_second=1.0, timeout=timedelta(seconds=20))
    statuses = STATUSES
    batch = 100
    snapshots = True
    intervals: ClassVar[Mapping[Shipment | None, timedelta]] = {
        None: timedelta(hours=1),
        Shipment.ANNOUNCED: timedelta(hours=3),
        Shipment.SHIPPED: timedelta(hours=1),
        Shipment.IN_TRANSIT: timedelta(hours=1),
        Shipment.ARRIVED_AT_BRANCH: timedelta(minutes=30),
        Shipment.OUT_FOR_DELIVERY: timedelta(minutes=30),
        Shipment.READY_FOR_PICKUP: timedelta(hours=2),
        Shipment.DELIVERY_FAILED: timedelta(hours=2),
        Shipment.PROBLEM: timedelta(hours=4),
        Shipment.DELIVERED: timedelta(days=1),
        Shipment.RETURNING: timedelta(hours=4),
    }

    def __init__(
        self, settings: NovaPoshtaSettings, client: httpx.AsyncClient, clock: Clock, *, connection: str = ""
    ) -> None:
        super().__init__(settings, client, clock, connection=connection)
        self._api = Api(client, settings.url, settings.api_key.get_secret_value())
        self._points = Points(self._api, clock)
        self._suspects: set[str] = set()
        # Parcels told with their point: number → the key of the answer and the point.
        self._told: dict[str, tuple[str, dict[str, Any]]] = {}

    def recognises(self, number: str) -> bool:
        return NUMBER.fullmatch(number) is not None

    def calls_itself(self, word: str) -> bool:
        name = re.sub(r"[\W_]", "", word.casefold())
        return name in _SHORT_NAMES or (name.startswith(_NAMES) and not name.startswith(_OTHER_FIRMS))

    def tracking_url(self, number: str) -> str:
        return f"https://novaposhta.ua/tracking/{quote(number, safe='')}"

    async def track(self, parcels: Sequence[TrackRequest]) -> Sequence[Raw]:
        """Raw events of the parcels that were answered for: `{"asked_at": ISO time, "item": {...}}`, with `"point"`
        beside the item of a parcel that waits where more is known of the place. A number that cannot be asked about
        gets an item with the carrier's error code, so that staff sees it."""
        wanted = {each.number: each for each in parcels}
        asked_at = self.clock.now()
        bad = [number for number in wanted if not self.recognises(number)]
        items: dict[str, dict[str, Any]] = {}
        for batch in self._batches([each for each in wanted.values() if self.recognises(each.number)]):
            answered, refused = await states(self._api, batch)
            self._suspects.difference_update(each.number for each in batch)
            self._suspects.update(refused)
            bad += refused
            items |= {text(each.get("Number")): each for each in reversed(answered)}
        items |= {number: _spoilt(number) for number in bad}
        found = {number: kept(items[number]) for number in wanted if number in items}
        points = await self._points_of(found)
        return [_raw(number, fields, points.get(number), asked_at) for number, fields in found.items()]

    async def _points_of(self, found: Mapping[str, dict[str, Any]]) -> Mapping[str, dict[str, Any]]:
        """Number → what is known of the point that the parcel waits at. Once told it stays as it was told while the
        answer is the same: then nothing is asked, and nothing makes it another event."""
        keys = {number: digest(_matter(fields)) for number, fields in found.items() if _waits_at(fields)}
        told = {number: self._told[number][1] for number in keys if self._told.get(number, ("",))[0] == keys[number]}
        refs = {number: _waits_at(found[number]) for number in keys if number not in told}
        points = await self._points.of(list(refs.values()))
        told |= {number: points[ref] for number, ref in refs.items() if ref in points}
        for number in found:
            self._told.pop(number, None)
        self._told |= {number: (keys[number], point) for number, point in told.items()}
        while len(self._told) > ROOM:
            del self._told[next(iter(self._told))]
        return told

    def _batches(self, parcels: Sequence[TrackRequest]) -> list[Sequence[TrackRequest]]:
        """Batches of 100; a number that was found at fault before is asked about alone, so as to spoil nothing."""
        alone: list[Sequence[TrackRequest]] = [[each] for each in parcels if each.number in self._suspects]
        rest = [each for each in parcels if each.number not in self._suspects]
        return [*(rest[start : start + self.batch] for start in range(0, len(rest), self.batch)), *alone]

    def normalise(self, raw: Raw) -> Sequence[CarrierRecord]:
        return records(raw.body, remitted_words=self.settings.remitted_words)

    async def hello(self) -> str:
        """List today's waybills, which needs a good key (tracking does not), and forget them."""
        today = self.clock.now().strftime("%d.%m.%Y")
        span = {"DateTimeFrom": today, "DateTimeTo": today, "Page": "1"}
        await self._api.call("InternetDocument", "getDocumentList", span)
        return "Nova Poshta accepts the key"


def _spoilt(number: str) -> dict[str, Any]:
    return {"Number": number, "StatusCode": BAD_NUMBER, "Status": "Document number is not correct"}


def _waits_at(fields: dict[str, Any]) -> str:
    """The reference of the point that a parcel waits at; "" while it does not."""
    meaning = STATUSES[VOCABULARY].get(text(fields.get("StatusCode")))
    waits = meaning is not None and meaning.status == Shipment.READY_FOR_PICKUP
    return text(fields.get("WarehouseRecipientRef")) if waits else ""


def _matter(fields: dict[str, Any]) -> dict[str, str]:
    """What makes an answer another one; not the label: the same state is named now in Ukrainian, now in Russian."""
    return {name: text(value) for name, value in fields.items() if name != "Status"}


def _raw(number: str, fields: dict[str, Any], point: dict[str, Any] | None, asked_at: datetime) -> Raw:
    matter = _matter(fields)
    return Raw(
        {"asked_at": asked_at.isoformat(), "item": fields, **({"point": point} if point else {})},
        subject=f"parcel:{number}",
        # A point that becomes known later is news, to be stored once.
        dedupe_key=digest(matter, point) if point else digest(matter),
    )


@hookimpl
def adapters() -> Sequence[type[Carrier[Any]]]:
    return [NovaPoshta]
