"""From records to facts: what is stored of a source's word, keyed by content and never by the delivery.

A stored fact is native; what it means is looked up anew at each fold, so that a newly mapped code takes effect by
folding again. Its `subject` says whom the source spoke of: `o` the order, `p:<ref>` a platform's fulfilment, `r:<ref>`
a return case, `n:<number>` the parcel with that tracking number.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hub.model import (
    Checkpoint,
    Merged,
    OrderSnapshot,
    ParcelNews,
    RefKind,
    Removed,
    Retraction,
    StatusEvent,
)
from hub.status import RANK, Axis, Level, Mode, Native, Precision, Reason, Status, Way, axis_of

FUTURE = timedelta(minutes=10)
"""A sender's clock may run ahead by this much; what is later counts as now, and is flagged (STATUS.md 3)."""

_SUBJECT = {RefKind.ORDER: "o", RefKind.PARCEL: "p:", RefKind.RETURN: "r:"}


@dataclass(frozen=True, slots=True)
class StoredFact:
    """One native word of one source about one subject."""

    subject: str
    key: str
    source: str
    level: Level
    native: Native
    at: datetime
    received_at: datetime
    precision: Precision = Precision.SECOND
    snapshot: bool = False
    way: Way = Way.NONE
    retracts: str = ""
    mode: Mode = Mode.LIVE
    text: str = ""
    place: str = ""
    clock: bool = False
    paid: Decimal | None = None
    """What had been paid and refunded when a shop said its words of the order: amounts outrank words."""
    refunded: Decimal | None = None

    def to_json(self) -> dict[str, Any]:
        """What is stored beside the key columns; defaults are left out."""
        native = self.native
        doc: dict[str, Any] = {
            "level": int(self.level),
            "at": self.at.timestamp(),
            "received": self.received_at.timestamp(),
            "precision": self.precision.value if self.precision is not Precision.SECOND else None,
            "snapshot": self.snapshot or None,
            "way": self.way.value or None,
            "retracts": self.retracts or None,
            "mode": self.mode.value if self.mode is not Mode.LIVE else None,
            "label": native.label or None,
            "reason": native.reason.value if native.reason else None,
            "text": self.text or None,
            "place": self.place or None,
            "clock": self.clock or None,
            "paid": str(self.paid) if self.paid is not None else None,
            "refunded": str(self.refunded) if self.refunded is not None else None,
        }
        return {name: value for name, value in doc.items() if value is not None}

    @classmethod
    def from_row(cls, row: Any) -> "StoredFact":
        """The fact again, from a row of the table `facts`."""
        doc: Mapping[str, Any] = row.doc
        reason = doc.get("reason")
        return cls(
            subject=row.subject,
            key=row.key,
            source=row.source,
            level=Level(doc["level"]),
            native=Native(row.vocabulary, row.code, doc.get("label", ""), Reason(reason) if reason else None),
            at=datetime.fromtimestamp(doc["at"], UTC),
            received_at=datetime.fromtimestamp(doc["received"], UTC),
            precision=Precision(doc.get("precision", "second")),
            snapshot=doc.get("snapshot", False),
            way=Way(doc.get("way", "")),
            retracts=doc.get("retracts", ""),
            mode=Mode(doc.get("mode", "live")),
            text=doc.get("text", ""),
            place=doc.get("place", ""),
            clock=doc.get("clock", False),
            paid=Decimal(doc["paid"]) if "paid" in doc else None,
            refunded=Decimal(doc["refunded"]) if "refunded" in doc else None,
        )


@dataclass(frozen=True, slots=True)
class Witness:
    """Who said it: connection and level, when we heard it, and whether it came as news."""

    source: str
    level: Level
    received_at: datetime
    mode: Mode = Mode.LIVE


def facts_of(record: Any, witness: Witness) -> Iterator[StoredFact]:
    """The facts in a record; records without statuses have none."""
    match record:
        case OrderSnapshot():
            paid, refunded = (money.amount if money else None for money in (record.paid, record.refunded))
            for fact in _snapshot("o", record, witness, _cancel_reasons(record)):
                yield replace(fact, paid=paid, refunded=refunded)
            for parcel in record.parcels or ():
                yield from _snapshot(f"p:{parcel.ref}", parcel, witness, parcel.natives)
            for case in record.returns or ():
                yield from _snapshot(f"r:{case.ref}", case, witness, case.natives)
        case StatusEvent():
            yield _timed(record, witness, _event_subject(record), record.event_id)
        case Checkpoint():
            fact = _timed(record, witness, f"n:{record.number}", record.event_id)
            yield replace(fact, precision=record.precision, way=record.way, snapshot=record.snapshot)
        case Retraction():
            yield _retraction(record, witness)


def take_in(known: dict[tuple[str, str], StoredFact], heard: Iterable[StoredFact]) -> list[StoredFact]:
    """Put what was heard into what is known, by (subject, key); returns what is new there. Of records with one key the
    smallest stays, whichever came first (STATUS.md 3)."""
    new = []
    for fact in heard:
        place = fact.subject, fact.key
        if place not in known or _content(fact) < _content(known[place]):
            known[place] = fact
            new.append(fact)
    return new


def _content(fact: StoredFact) -> tuple[Any, ...]:
    """A total order of records of one key by all that a fold reads of them; the time leads, and an amount that is told
    comes before none. When and how it was heard, and words for people, make no other record."""
    native = fact.native
    return (
        fact.at, native.vocabulary, native.code, native.reason or "", -fact.level, fact.snapshot, fact.way,
        fact.precision, fact.retracts, *((each is None, each or 0) for each in (fact.paid, fact.refunded)),
    )  # fmt: skip


def _event_subject(record: StatusEvent) -> str:
    prefix = _SUBJECT[record.kind]
    return prefix if record.kind is RefKind.ORDER else prefix + record.ref


def _cancel_reasons(record: OrderSnapshot) -> tuple[Native, ...]:
    """The reason of a cancellation belongs to whichever native word turns out to mean cancelled; it rides on all
    words of the order axis that have none, and only counts where it fits."""
    if record.cancel_reason is None:
        return record.natives
    return tuple(
        replace(native, reason=record.cancel_reason)
        if native.reason is None and "cancel" in native.code.lower()
        else native
        for native in record.natives
    )


def _snapshot(subject: str, said: Any, witness: Witness, natives: tuple[Native, ...]) -> Iterator[StoredFact]:
    at, late = _not_future(said.version, witness.received_at)
    for native in natives:
        key = _key(witness.source, subject, native.vocabulary, native.code, said.version.isoformat())
        yield StoredFact(
            subject, key, witness.source, witness.level, native, at, witness.received_at,
            snapshot=True, mode=witness.mode, clock=late,
        )  # fmt: skip


def _timed(record: StatusEvent | Checkpoint, witness: Witness, subject: str, event_id: str) -> StoredFact:
    if isinstance(record, Checkpoint) and record.precision is Precision.DAY:
        at, late = _that_day(record.at, witness.received_at)
    else:
        at, late = _not_future(record.at, witness.received_at)
    native = record.native
    content = (subject, native.vocabulary, native.code, record.at.isoformat())
    key = _key(witness.source, "e", event_id) if event_id else _key(witness.source, *content)
    return StoredFact(
        subject, key, witness.source, witness.level, native, at, witness.received_at,
        mode=witness.mode, text=record.text, place=record.place, clock=late,
    )  # fmt: skip


def _retraction(record: Retraction, witness: Witness) -> StoredFact:
    return StoredFact(
        "o", _key(witness.source, "x", record.of), witness.source, witness.level, Native("", ""), record.at,
        witness.received_at, retracts=_key(witness.source, "e", record.of), mode=witness.mode,
    )  # fmt: skip


def believed(record: Any, received_at: datetime) -> Any:
    """The record as the document is to learn it: a version from the future counts as of when it came in, as its facts
    do. Else one snapshot of a clock that runs ahead would outrank all later ones."""

    def by_then(each: Any, name: str) -> Any:
        at, late = _not_future(getattr(each, name), received_at)
        return replace(each, **{name: at}) if late else each

    match record:
        case OrderSnapshot():
            parcels, returns = (
                None if told is None else tuple(by_then(each, "version") for each in told)
                for told in (record.parcels, record.returns)
            )
            return by_then(replace(record, parcels=parcels, returns=returns), "version")
        case ParcelNews() | Removed() | Merged():
            return by_then(record, "at")
        case _:
            return record


def _not_future(at: datetime, received_at: datetime) -> tuple[datetime, bool]:
    late = at > received_at + FUTURE
    return (received_at, True) if late else (at, False)


def _that_day(at: datetime, received_at: datetime) -> tuple[datetime, bool]:
    """Only the day is known, and `at` is its end: that is not the sender's clock being fast."""
    return min(at, received_at), at - timedelta(days=1) > received_at + FUTURE


def _key(*parts: str) -> str:
    return "|".join(parts)


def said_in_between(
    facts: Sequence[StoredFact], value_of: Callable[[StoredFact], Status | None]
) -> set[tuple[str, str]]:
    """(subject, key) of snapshot facts that can never matter: of a run of equal words of one source about one axis the
    first and the last are enough, for a late word falls before, inside or after the run either way.

    A shop that touches an order every minute would else make each later event of that order dearer. The state is the
    same: the fold takes nothing from a repeated word but its reason, and the last one has it too. Only where the same
    source's own *other* word of that thing comes late, from inside a run, it is the run's last word that ends it.
    """
    said: dict[tuple[str, str, Axis | None], list[StoredFact]] = {}
    rank = {}
    for fact in facts:
        if fact.snapshot:
            value = value_of(fact)
            rank[fact.subject, fact.key] = RANK[value] if value is not None else -1
            said.setdefault((fact.source, fact.subject, axis_of(value) if value is not None else None), []).append(fact)
    found = set()
    for words in said.values():
        words.sort(key=lambda fact: (fact.at, rank[fact.subject, fact.key], fact.key))  # as they are folded
        for before, fact, after in zip(words, words[1:], words[2:], strict=False):
            if _same_word(before, fact) and _same_word(fact, after):
                found.add((fact.subject, fact.key))
    return found


def _same_word(one: StoredFact, other: StoredFact) -> bool:
    return _word(one) == _word(other)


def _word(fact: StoredFact) -> tuple[Any, ...]:
    return fact.native, fact.way, fact.mode, fact.level, fact.paid, fact.refunded
