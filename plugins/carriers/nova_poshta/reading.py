"""From one item of `getStatusDocuments` to records. Pure; types that drift are read through tolerant converters."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from hub.model import (
    CarrierRecord,
    Checkpoint,
    Cod,
    Deadline,
    DeadlineKind,
    Money,
    Number,
    ParcelNews,
    PickupPoint,
    PointKind,
    Relation,
    Window,
)
from hub.plugin import UnreadableError
from hub.status import Native, Precision, Shipment, Way

from .statuses import BAD_NUMBER, BASIS, DOORS, RELATION_BY_CODE, RELATIONS, STATUSES, VOCABULARY

NUMBER = re.compile(r"[0-9]{14}")

# No date carries an offset. Kyiv time is unverified but fits every answer seen. `zoneinfo` reads an ambiguous autumn
# hour as the earlier one and moves a missing spring hour on by the gap, which is what we want of both.
_ZONE = ZoneInfo("Europe/Kyiv")
_FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d",
    "%d-%m-%Y %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%H:%M %d.%m.%Y",
    "%d.%m.%Y",
)
_YEARS = range(2001, 2100)
_AMOUNT = re.compile(r"[0-9]{1,12}([.,][0-9]{1,6})?")
_CODE = re.compile(r"[\w.\-]{1,40}")

_AT_SENDER = ("4", "41")
_AT_RECIPIENT = ("6", "7", "8", "9", "10", "11", "14", "101", "103", "105", "106", "107", "108", "111")
_PLACES: Mapping[str, str] = dict.fromkeys(_AT_SENDER, "CitySender") | dict.fromkeys(_AT_RECIPIENT, "CityRecipient")
_NOTHING_KNOWN = ("3", BAD_NUMBER)
_WITH_CASH = ("10", "11")
_CASH_REMITTED = "11"
_RECIPIENT = "Recipient"
_CASH = "Cash"

_DAYS = {
    "Monday": "Mo",
    "Tuesday": "Tu",
    "Wednesday": "We",
    "Thursday": "Th",
    "Friday": "Fr",
    "Saturday": "Sa",
    "Sunday": "Su",
}
_HOURS = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-4]):[0-5][0-9]")
_DEGREES = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,20})?")


def text(value: Any) -> str:
    """A field as text, whatever type it came in; "" for what is no text or number (null, false, a list)."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else str(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**15 else ""
    return "".join(each if each.isprintable() else " " for each in value[:500]).strip()


def flag(value: Any) -> bool:
    """A yes-or-no field: true, 1, "1" and "true" are yes."""
    return value is True or text(value).casefold() in {"1", "true"}


def amount(value: Any) -> Decimal | None:
    """A sum above nothing, or None."""
    found = text(value).replace(" ", "")
    if not _AMOUNT.fullmatch(found):
        return None
    return Decimal(found.replace(",", ".")) or None


def moment(value: Any) -> datetime | None:
    """A date in any of the formats that one answer mixes, in UTC; None for an empty or unreadable one."""
    written = text(value)
    found = next((each for each in (_in_format(written, form) for form in _FORMATS) if each), None) or _iso(written)
    if found is None or found.year not in _YEARS:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=_ZONE)).astimezone(UTC)


def _in_format(written: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(written, form)  # noqa: DTZ007  (the zone is added by the caller)
    except ValueError:
        return None


def _end_of_day(at: datetime) -> datetime:
    """The last second of the day in Kyiv, which is where a status stands of which only the day is known."""
    tomorrow = at.astimezone(_ZONE).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time.min, _ZONE).astimezone(UTC) - timedelta(seconds=1)


def _iso(written: str) -> datetime | None:
    try:
        return datetime.fromisoformat(written) if "T" in written else None
    except ValueError:
        return None


def hours(schedule: Any) -> str:
    """`{"Monday": "08:00-21:00", …}` as `opening_hours`, days that are alike together; "" where no day can be read."""
    told = schedule if isinstance(schedule, dict) else {}
    each_day = [(short, text(told.get(day))) for day, short in _DAYS.items()]
    runs: list[tuple[str, list[str]]] = [
        (span, [short for short, _ in days])
        for span, days in ((span, list(days)) for span, days in groupby(each_day, key=lambda day: day[1]))
        if _HOURS.fullmatch(span)
    ]
    if [len(days) for _, days in runs] == [len(_DAYS)]:
        return runs[0][0]
    return "; ".join(f"{days[0]}-{days[-1]} {span}" if len(days) > 1 else f"{days[0]} {span}" for span, days in runs)


def coordinates(place: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Latitude and longitude, or neither."""
    lat, lon = (text(place.get(name)) for name in ("Latitude", "Longitude"))
    if not _DEGREES.fullmatch(lat) or not _DEGREES.fullmatch(lon):
        return None, None
    north, east = float(lat), float(lon)
    known = abs(north) <= 90 and abs(east) <= 180 and (north, east) != (0, 0)
    return (north, east) if known else (None, None)


def records(body: Any, *, remitted_words: Sequence[str] = ()) -> Sequence[CarrierRecord]:
    """Records of a raw event `{"asked_at": ISO time, "item": {...}}`; `UnreadableError` when it is nothing of the kind.
    It may hold `"point"`, an item of `getWarehouses` about the point that the parcel waits at.

    `remitted_words`: values of `LastTransactionStatusGM` that say the money has reached the sender.
    """
    item = _Item(body, remitted_words)
    found: list[CarrierRecord] = [item.checkpoint()]
    if item.unknown_basis:
        found.append(item.basis_checkpoint())
    news = item.news()
    return found if news is None else [*found, news]


class _Item:
    """One item with what every part of the reading needs."""

    def __init__(self, body: Any, remitted_words: Sequence[str]) -> None:
        fields = body.get("item") if isinstance(body, dict) else None
        if not isinstance(fields, dict):
            raise UnreadableError("nova_poshta: not an item of getStatusDocuments")
        self.fields: dict[str, Any] = fields
        self.place = place if isinstance(place := body.get("point"), dict) else {}
        self.remitted_words = remitted_words
        self.asked_at = _asked_at(body)
        self.number = self.text("Number")
        self.code = self.text("StatusCode")
        if not self.number or not _CODE.fullmatch(self.code):
            raise UnreadableError("nova_poshta: an item without a number or a status code")
        self.doors = self.text("ServiceType").endswith("Doors")
        self.relation, self.next_number = self._next()
        self.way = self._way()
        self.at, self.precision = self._when()
        meaning = STATUSES[VOCABULARY].get(self.code)
        self.delivered = meaning is not None and meaning.status == Shipment.DELIVERED

    def text(self, key: str) -> str:
        return text(self.fields.get(key))

    def moment(self, key: str) -> datetime | None:
        return moment(self.fields.get(key))

    def _when(self) -> tuple[datetime, Precision]:
        """The time of the status: `TrackingUpdateDate` and nothing else, because fields that speak of one moment have
        been seen hours apart. Two safe exceptions: a new waybill is as old as its creation (no status comes before
        it), and without any time it is the moment we asked, which no true time can be later than."""
        told = (self.text(name) for name in ("TrackingUpdateDate", *(("DateCreated",) if self.code == "1" else ())))
        found = next(((written, at) for written in told if (at := moment(written))), None)
        if found is None:
            return self.asked_at, Precision.SEEN
        written, at = found
        return (_end_of_day(at), Precision.DAY) if ":" not in written else (at, Precision.SECOND)

    def _next(self) -> tuple[Relation | None, str]:
        number = self.text("LastCreatedOnTheBasisNumber")
        if not NUMBER.fullmatch(number) or number == self.number:
            return None, ""
        kind = self.text("LastCreatedOnTheBasisDocumentType")
        return RELATIONS.get(kind) or RELATION_BY_CODE.get(self.code), number

    def _way(self) -> Way:
        """A waybill made from none goes out, a return waybill comes back; a redirected one goes the way it went
        before, which only the hub knows."""
        if self.code in _NOTHING_KNOWN:
            return Way.NONE
        if not self.text("OwnerDocumentNumber"):
            return Way.OUT
        return Way.BACK if RELATIONS.get(self.text("OwnerDocumentType")) is Relation.BACK else Way.NONE

    @property
    def unknown_basis(self) -> str:
        """The type of the waybill made from this one, when nobody has told us what it means."""
        kind = self.text("LastCreatedOnTheBasisDocumentType")
        return "" if not self.next_number or not _CODE.fullmatch(kind) or kind in RELATIONS else kind

    def checkpoint(self) -> Checkpoint:
        qualified = f"{self.code}/{DOORS}"
        code = qualified if self.doors and qualified in STATUSES[VOCABULARY] else self.code
        label = self.text("Status")
        why = self.text("UndeliveryReasonsSubtypeDescription") if self.code == "111" else ""
        return Checkpoint(
            number=self.number,
            native=Native(VOCABULARY, code, label),
            at=self.at,
            precision=self.precision,
            text=f"{label}: {why}" if why else label,
            place=self.text(_PLACES.get(self.code, "")),
            way=self.way,
            snapshot=True,
        )

    def basis_checkpoint(self) -> Checkpoint:
        """Moves nothing; lets staff see a type of follow-up waybill that nobody has mapped."""
        made_at = self.moment("LastCreatedOnTheBasisDateTime")
        return Checkpoint(
            number=self.number,
            native=Native(BASIS, self.unknown_basis, "Follow-up waybill of an unknown type"),
            at=made_at or self.asked_at,
            precision=Precision.SECOND if made_at else Precision.SEEN,
            text=f"Follow-up waybill {self.next_number}",
            snapshot=True,
        )

    def news(self) -> ParcelNews | None:
        """What is known beside the status; None when that is nothing.

        Of a return waybill nothing is told (its dates, point and money are the sender's, not the customer's), and of
        a waybill whose parcel travels on under another number only that number.
        """
        following = self._follow_up()
        if self.way is Way.BACK or (self.code in RELATION_BY_CODE and following):
            rest: dict[str, Any] = {}
        else:
            rest = {"eta": self._eta(), "point": self._point(), "deadline": self._deadline(), "cod": self._cod()}
        known = {name: value for name, value in {**following, **rest}.items() if value is not None}
        return ParcelNews(number=self.number, at=self.asked_at, **known) if known else None

    def _follow_up(self) -> dict[str, Any]:
        if self.relation is None:
            return {}
        leg = Way.BACK if self.relation is Relation.BACK or self.way is Way.BACK else Way.OUT
        return {"next": Number(self.next_number, carrier=VOCABULARY, leg=leg), "relation": self.relation}

    def _eta(self) -> Window | None:
        expected = self.moment("AdjustedDate") or self.moment("ScheduledDeliveryDate")
        if expected is None or self.delivered:
            return None
        day = expected.astimezone(_ZONE).date()
        start = datetime.combine(day, time.min, _ZONE)
        return Window(start, _end_of_day(expected), day_only=True)

    def _point(self) -> PickupPoint | None:
        name = self.text("WarehouseRecipient")
        if not name or self.doors:
            return None
        locker = "postomat" in self.text("CategoryOfWarehouse").casefold() or self.code == "8"
        street = name.partition(":")[2].strip()
        if street and street in self.text("WarehouseRecipientAddress"):
            name = name.partition(":")[0]  # the address says the street again
        ref = self.text("WarehouseRecipientRef")
        place = self.place if ref and text(self.place.get("Ref")) == ref else {}
        lat, lon = coordinates(place)
        return PickupPoint(
            ref=ref or self.text("WarehouseRecipientNumber"),
            kind=PointKind.LOCKER if locker else PointKind.BRANCH,
            name=name,
            address=self.text("WarehouseRecipientAddress"),
            carrier=VOCABULARY,
            hours=hours(place.get("Schedule")),
            lat=lat,
            lon=lon,
        )

    def _deadline(self) -> Deadline | None:
        """Paid storage begins; when the parcel is sent back is not told."""
        begins = self.moment("DatePayedKeeping") or self.moment("DateFirstDayStorage")
        if begins is None or self.delivered or self.doors:
            return None
        return Deadline(begins, DeadlineKind.FEE_FROM)

    def _cod(self) -> Cod | None:
        due = amount(self.fields.get("RedeliverySum")) if flag(self.fields.get("Redelivery")) else None
        controlled = amount(self.fields.get("AfterpaymentOnGoodsCost"))
        if due is None and controlled is None and self.code not in _WITH_CASH:
            return None
        cash = due or controlled
        total = cash + self._carriage() if cash else None
        return Cod(
            amount=Money(total, "UAH") if total else None,
            collected_at=(self.moment("RecipientDateTime") or self.at) if self.delivered else None,
            remitted_at=self._remitted_at(),
        )

    def _carriage(self) -> Decimal:
        """What the recipient pays for the carriage at the hand-over, on top of the cash: nothing where another pays it,
        where it is not paid in cash, where something has been paid (what is left is not told), or where it cannot be
        read. Afterwards the sum is the cash alone, which is what the sender gets."""
        at_the_counter = self.text("PayerType") == _RECIPIENT and self.text("PaymentMethod") == _CASH
        if self.delivered or not at_the_counter or amount(self.fields.get("AmountPaid")) is not None:
            return Decimal(0)
        sums = (amount(self.fields.get(name)) for name in ("ExpressWaybillAmountToPay", "AmountToPay"))
        return next((each for each in sums if each is not None), Decimal(0))

    def _remitted_at(self) -> datetime | None:
        if self.code == _CASH_REMITTED:
            return self.at
        done = self.text("LastTransactionStatusGM") in self.remitted_words
        return self.moment("LastTransactionDateTimeGM") if done else None


def _asked_at(body: Mapping[str, Any]) -> datetime:
    found = _iso(text(body.get("asked_at")))
    if found is None or found.tzinfo is None or found.year not in _YEARS:
        raise UnreadableError("nova_poshta: when it was asked is not known")
    return found
