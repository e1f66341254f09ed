"""From one answer of `GET /v1/tracking/{number}` to records. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hub.model import CarrierRecord, Checkpoint, Cod, Money, ParcelNews, PickupPoint, PointKind, Told, ToldKind
from hub.plugin import UnreadableError
from hub.status import Native, Precision, Shipment

from .statuses import BAD_NUMBER, REMINDERS, VOCABULARY, WAITS_AT, meaning_of, vocabulary_of

NUMBER = re.compile(r"[0-9]{24}")

# Every date seen carries an offset; one without would be Poland's. `zoneinfo` reads an ambiguous autumn hour as the
# earlier one and moves a missing spring hour on by the gap.
_ZONE = ZoneInfo("Europe/Warsaw")
_YEARS = range(2001, 2100)
_CODE = re.compile(r"[\w.\-]{1,64}")
_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
_CURRENCY = re.compile(r"[A-Z]{3}")

_LOCKER_TYPE = "parcel_locker"
_LOCKER_SERVICE = "inpost_locker"
_NO_MORE_WAITING = frozenset({Shipment.DELIVERED, Shipment.RETURNING, Shipment.RETURNED, Shipment.CANCELLED})
_NAMELESS: Mapping[PointKind, str] = {
    PointKind.LOCKER: "Paczkomat InPost",
    PointKind.PARTNER: "PaczkoPunkt InPost",
    PointKind.BRANCH: "Oddział InPost",
}
"""What a point is called of which only the kind is known."""


def text(value: Any) -> str:
    """A field as text; "" for what is no text or whole number (null, true, a list)."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15:
        return str(value)
    if not isinstance(value, str):
        return ""
    return "".join(each if each.isprintable() else " " for each in value[:500]).strip()


def moment(value: Any) -> datetime | None:
    """A date in UTC; None for an empty or unreadable one."""
    try:
        found = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    if found.year not in _YEARS:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=_ZONE)).astimezone(UTC)


def coordinates(place: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Latitude and longitude, or neither."""
    north, east = (_number(place.get(name)) for name in ("latitude", "longitude"))
    if north is None or east is None or (north, east) == (0, 0) or abs(north) > 90 or abs(east) > 180:
        return None, None
    return float(north), float(east)


def _number(value: Any) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def fields(value: Any) -> Mapping[str, Any]:
    """An object's fields; none of anything else."""
    return value if isinstance(value, dict) else {}


def money(cash: Mapping[str, Any]) -> Money | None:
    """A sum above nothing, or None. An amount comes as text, or as a JSON number, which is read as it was written."""
    amount, currency = cash.get("amount"), text(cash.get("currency"))
    written = str(amount) if isinstance(amount, float) else text(amount)
    if not _AMOUNT.fullmatch(written) or not _CURRENCY.fullmatch(currency):
        return None
    return Money(Decimal(written), currency) if Decimal(written) else None


def records(body: Any) -> Sequence[CarrierRecord]:
    """Records of a stored answer; `UnreadableError` when it is nothing of the kind.

    `{"asked_at": ISO time, "tracking": the answer}`, beside it where they are known `"point"` (an answer about the
    point it is sent to), `"cod"` (amount and currency) and `"titles"` (code → the carrier's title, for codes that our
    table does not have); or `{"asked_at": ISO time, "bad_number": number}`.
    """
    said = fields(body)
    asked_at = moment(said.get("asked_at"))
    if asked_at is None:
        raise UnreadableError("inpost: when it was asked is not known")
    if bad := text(said.get("bad_number")):
        return [Checkpoint(bad, _native(BAD_NUMBER, {}), asked_at, Precision.SEEN)]
    answer = _Answer(said, asked_at)
    return [*(each.checkpoint for each in answer.events), *answer.news()]


@dataclass(frozen=True, slots=True)
class _Event:
    """One thing of a history: the carrier's code, and what it is as a record."""

    code: str
    checkpoint: Checkpoint

    @property
    def status(self) -> Any:
        meaning = meaning_of(self.code)
        return meaning.status if meaning else None


class _Answer:
    """One answer with what every part of the reading needs. `events`: oldest first."""

    def __init__(self, said: Mapping[str, Any], asked_at: datetime) -> None:
        tracking = fields(said.get("tracking"))
        self.said, self.tracking, self.asked_at = said, tracking, asked_at
        self.number = text(tracking.get("tracking_number"))
        if not NUMBER.fullmatch(self.number):
            raise UnreadableError("inpost: an answer without a tracking number")
        details = tracking.get("tracking_details")
        if not isinstance(details, list | None):
            raise UnreadableError("inpost: an answer without a history")
        self.titles = fields(said.get("titles"))
        told = [self._event(fields(each)) for each in reversed(details or [])]
        self.events = sorted([*told, *self._untold(told)], key=lambda each: each.checkpoint.at)

    def _event(self, each: Mapping[str, Any]) -> _Event:
        at = moment(each.get("datetime"))
        if at is None:
            # To take it for now would put an old event behind the newest one.
            raise UnreadableError("inpost: an event without a time")
        return self._made(each.get("status"), at, Precision.SECOND, text(each.get("agency")))

    def _untold(self, told: Sequence[_Event]) -> Sequence[_Event]:
        """The present status, where the history does not have it: as old as the answer's last change."""
        status = self.tracking.get("status")
        if text(status) in {each.code for each in told} or (status is None and told):
            return ()
        updated_at = moment(self.tracking.get("updated_at"))
        precision = Precision.SECOND if updated_at else Precision.SEEN
        return [self._made(status, updated_at or self.asked_at, precision, "")]

    def _made(self, status: Any, at: datetime, precision: Precision, place: str) -> _Event:
        code = text(status)
        if not _CODE.fullmatch(code):
            raise UnreadableError("inpost: an event without a status")
        native = _native(code, self.titles)
        return _Event(code, Checkpoint(self.number, native, at, precision, text=native.label, place=place))

    def news(self) -> Sequence[ParcelNews]:
        """What is told beside the statuses: where it is to be collected, what is to be paid, who was reminded."""
        amount = money(fields(self.said.get("cod")))
        point, cod = self._point(), Cod(amount) if amount else None
        reminders = [each.checkpoint.at for each in self.events if each.code in REMINDERS]
        return [
            *([ParcelNews(self.number, self.asked_at, point=point, cod=cod)] if point or cod else ()),
            *(ParcelNews(self.number, at, told=Told(ToldKind.REMINDER, at)) for at in reminders),
        ]

    def _point(self) -> PickupPoint | None:
        """Where the parcel is sent to, or waits. Nothing once it waits no more; and where its status names another
        kind of point than the one it was sent to, only that kind."""
        moved = [each for each in self.events if each.status is not None and each.code not in REMINDERS]
        last = moved[-1] if moved else None
        if last is not None and last.status in _NO_MORE_WAITING:
            return None
        target = self._target()
        kind = WAITS_AT.get(last.code) if last else None
        if kind is None or (target is not None and target.kind is kind):
            return target
        return PickupPoint(ref="", kind=kind, name=_NAMELESS[kind], carrier=VOCABULARY)

    def _target(self) -> PickupPoint | None:
        attributes = fields(self.tracking.get("custom_attributes"))
        ref = text(attributes.get("target_machine_id"))
        told = (fields(attributes.get("target_machine_detail")), fields(self.said.get("point")))
        place = next((each for each in told if text(each.get("name")) == ref), {}) if ref else told[0]
        name = ref or text(place.get("name"))
        if not name:
            return None
        address = fields(place.get("address"))
        lat, lon = coordinates(fields(place.get("location")))
        return PickupPoint(
            ref=name,
            kind=self._kind(place.get("type")),
            name=name,
            address=", ".join(line for key in ("line1", "line2") if (line := text(address.get(key)))),
            carrier=VOCABULARY,
            hours=text(place.get("opening_hours")) or ("24/7" if place.get("location247") is True else ""),
            lat=lat,
            lon=lon,
        )

    def _kind(self, types: Any) -> PointKind:
        """By the point's own types; by the service where it has none."""
        words = [text(each) for each in types] if isinstance(types, list) else []
        locker = (
            any(word.startswith(_LOCKER_TYPE) for word in words)
            if words
            else text(self.tracking.get("service")).startswith(_LOCKER_SERVICE)
        )
        return PointKind.LOCKER if locker else PointKind.PARTNER


def target_without_details(tracking: Mapping[str, Any]) -> str:
    """The id of the point an answer sends its parcel to and does not describe; "" where it does, or names none."""
    attributes = fields(tracking.get("custom_attributes"))
    ref = text(attributes.get("target_machine_id"))
    return "" if text(fields(attributes.get("target_machine_detail")).get("name")) == ref else ref


def unknown_codes(tracking: Mapping[str, Any]) -> Sequence[str]:
    """The codes of an answer that our tables do not have."""
    details = tracking.get("tracking_details")
    said = [tracking.get("status"), *(fields(each).get("status") for each in details or ())]
    return sorted({code for each in said if (code := text(each)) and meaning_of(code) is None})


def _native(code: str, titles: Mapping[str, Any]) -> Native:
    meaning = meaning_of(code)
    return Native(vocabulary_of(code), code, meaning.label if meaning else text(titles.get(code)))
