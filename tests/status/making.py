"""Facts for tests, with everything that does not matter filled in."""

from datetime import UTC, datetime, timedelta
from typing import TypedDict, Unpack

from hub.status import (
    Axis,
    Fact,
    Folded,
    Level,
    Mode,
    Native,
    Order,
    Payment,
    Precision,
    Reason,
    Return,
    Shipment,
    Status,
    Way,
    axis_of,
    fold,
    parse_status,
)

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


class Details(TypedDict, total=False):
    key: str
    reason: Reason | None
    precision: Precision
    source: str
    level: Level
    snapshot: bool
    way: Way
    retracts: str | None
    received_at: datetime
    mode: Mode
    known: bool
    about: str


def moment(text: str) -> datetime:
    """ "10:05" is Monday; "+1 10:05" the day after."""
    day, _, clock = text.rpartition(" ")
    hours, minutes = clock.split(":")
    return MONDAY + timedelta(days=int(day or 0), hours=int(hours), minutes=int(minutes))


def status(word: str) -> Status:
    """A status as it is, or read from `axis.value`; a bare word is a value of the shipment axis."""
    if isinstance(word, Order | Payment | Shipment | Return):
        return word
    return parse_status(word if "." in word else f"shipment.{word}")


def fact(value: str | None, time: str, *, axis: Axis = Axis.SHIPMENT, **details: Unpack[Details]) -> Fact:
    """A carrier's event, or of `axis` when it has no value."""
    read = None if value is None else status(value)
    chosen: Details = {
        "key": f"{value}@{time}",
        "reason": None,
        "precision": Precision.SECOND,
        "source": "acme",
        "level": Level.CARRIER,
        "snapshot": False,
        "way": Way.NONE,
        "retracts": None,
        "received_at": moment(time),
        "mode": Mode.LIVE,
        "known": False,
        "about": "",
    }
    chosen.update(details)
    return Fact(
        subject="shipment:1",
        axis=axis if read is None else axis_of(read),
        value=read,
        at=moment(time),
        native=Native("acme", str(value)),
        **chosen,
    )


def shop(value: str, time: str, **details: Unpack[Details]) -> Fact:
    """What a shop says: a state, not an event."""
    chosen: Details = {"source": "shop", "level": Level.SHOP, "snapshot": True, "key": f"shop:{value}@{time}"}
    chosen.update(details)
    return fact(value, time, **chosen)


def person(value: str, time: str) -> Fact:
    """What somebody set in the console."""
    return fact(value, time, source="console", level=Level.PERSON, key=f"person:{value}@{time}")


def history(*facts: Fact, followed: bool = False, placed_at: datetime | None = None) -> Folded:
    return fold(facts[0].axis, facts, followed=followed, placed_at=placed_at)


def verdicts(folded: Folded) -> list[str]:
    return [line.verdict.value for line in folded.lines]
