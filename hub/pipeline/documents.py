"""What the hub keeps of one order beside its facts, and how records are folded into it.

`OrderDoc` is a pure value: `learn(doc, record)` gives the next one. Which record wins never depends on arrival: a
snapshot by its `version`, news by its own `at`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from hub.model import (
    Cod,
    Deadline,
    Merged,
    Number,
    OrderSnapshot,
    ParcelKind,
    ParcelNews,
    ParcelSnapshot,
    PickupPoint,
    Relation,
    Removed,
    ReturnSnapshot,
    Told,
    Window,
)


@dataclass(frozen=True, slots=True)
class News:
    """What a carrier said of one number, newest word per field; `at` of each field's newest word."""

    eta: Window | None = None
    first_eta: Window | None = None
    point: PickupPoint | None = None
    open_at: PickupPoint | None = None
    """The newest point that was told with its hours; they may have come with an older word than the newest."""
    deadline: Deadline | None = None
    cod: Cod | None = None
    next: Number | None = None
    relation: Relation | None = None
    told: tuple[Told, ...] = ()
    attempts: int | None = None
    said_at: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def place(self) -> PickupPoint | None:
        """Where the parcel waits, with hours and coordinates where any word about this point told them."""
        newest, known = self.point, self.open_at
        if newest is None or known is None or newest.hours or not newest.ref or newest.ref != known.ref:
            return newest
        return replace(newest, hours=known.hours, lat=known.lat, lon=known.lon)


@dataclass(frozen=True, slots=True)
class OrderDoc:
    """One order as its sources described it."""

    snapshot: OrderSnapshot | None = None
    parcels: Mapping[str, ParcelSnapshot] = field(default_factory=dict)
    """By reference; every one that was ever told, the newest version of each."""
    returns: Mapping[str, ReturnSnapshot] = field(default_factory=dict)
    listed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """`parcels`, `returns` → references in the list that was told last (its version: `told`)."""
    news: Mapping[str, News] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    """Number → what follows the order's id in the id of its shipment, given when the number was first seen."""
    told: Mapping[str, datetime] = field(default_factory=dict)
    """Optional part of the snapshot → version of the snapshot that it is from: the last that told it, or the first."""
    removed_at: datetime | None = None
    merged_into: str = ""
    merged_at: datetime | None = None
    imported: bool = False
    """First seen in an import: `order.received` never fires for it."""
    customer_orders: int = 0
    """Earlier orders of the same customer when this one came in."""
    locale: str = ""
    """Frozen when the order came in."""

    @property
    def parcels_there(self) -> list[ParcelSnapshot]:
        """Those that the newest list names, and what waits at a counter: platforms list that only when it is handed
        over, or in some of their forms, so that a list without it does not end it."""
        there = self.listed.get("parcels", self.parcels)
        return [each for ref, each in self.parcels.items() if ref in there or each.kind is ParcelKind.PICKUP]

    @property
    def returns_there(self) -> list[ReturnSnapshot]:
        """Those that the newest list names."""
        there = self.listed.get("returns", self.returns)
        return [each for ref, each in self.returns.items() if ref in there]


_codec: TypeAdapter[OrderDoc] = TypeAdapter(OrderDoc)


def dump(doc: OrderDoc) -> str:
    """JSON text of a document."""
    return _codec.dump_json(doc, exclude_defaults=True).decode()


def load(text: str) -> OrderDoc:
    """The document again."""
    return _codec.validate_json(text)


def learn(doc: OrderDoc, record: Any, *, imported: bool = False) -> OrderDoc:
    """The document after a record; records that carry only facts leave it alone."""
    match record:
        case OrderSnapshot():
            return _order(doc, record, imported)
        case ParcelNews():
            return replace(doc, news={**doc.news, record.number: _news(doc.news.get(record.number, News()), record)})
        case Removed():
            return _removed(doc, record)
        case Merged():
            return _merged(doc, record)
        case _:
            return doc


_OPTIONAL = ("lines", "total", "paid", "refunded", "deliver_by", "address", "point", "promise")
_NEVER_MOVES = frozenset({"promise"})
"""Of these the first word stands: what was said at checkout."""
_LISTS = ("parcels", "returns")


def _removed(doc: OrderDoc, record: Removed) -> OrderDoc:
    """Gone, unless a later snapshot has shown it alive; which of them came first does not matter."""
    if doc.snapshot is not None and doc.snapshot.version > record.at:
        return doc
    return replace(doc, removed_at=max(record.at, doc.removed_at or record.at))


def _merged(doc: OrderDoc, record: Merged) -> OrderDoc:
    if doc.merged_at is not None and (record.at, record.into) < (doc.merged_at, doc.merged_into):
        return doc
    return replace(doc, merged_into=record.into, merged_at=record.at)


def _order(doc: OrderDoc, record: OrderSnapshot, imported: bool) -> OrderDoc:
    first = doc.snapshot is None
    plain = replace(record, parcels=None, returns=None)
    newest = plain if doc.snapshot is None or _beats(_bare(plain), _bare(doc.snapshot)) else doc.snapshot
    told = dict(doc.told)
    for name in _OPTIONAL:
        value = getattr(plain, name)
        if value is not None and (name not in told or _wins(name, told[name], getattr(doc.snapshot, name), plain)):
            told[name] = record.version
            newest = replace(newest, **{name: value})
        elif doc.snapshot is not None and getattr(newest, name) != getattr(doc.snapshot, name):
            newest = replace(newest, **{name: getattr(doc.snapshot, name)})
    listed = dict(doc.listed)
    for name in _LISTS:
        refs = None if getattr(record, name) is None else {each.ref for each in getattr(record, name)}
        if refs is not None and (name not in told or record.version >= told[name]):
            both = refs.union(listed[name]) if told.get(name) == record.version else refs
            told[name], listed[name] = record.version, tuple(sorted(both))
    back = doc.removed_at is not None and record.version > doc.removed_at
    return replace(
        doc,
        snapshot=newest,
        parcels=_newest(doc.parcels, record.parcels),
        returns=_newest(doc.returns, record.returns),
        listed=listed,
        told=told,
        removed_at=None if back else doc.removed_at,
        imported=imported if first else doc.imported,
        locale=record.customer.locale if first else doc.locale,
    )


def _bare(snapshot: OrderSnapshot) -> OrderSnapshot:
    """Without what is decided part by part: a part that an earlier snapshot told must not decide for the whole."""
    return replace(snapshot, **dict.fromkeys(_OPTIONAL))  # type: ignore[arg-type]


def _beats(new: Any, old: Any) -> bool:
    """Newer by its sender's version; at equal versions the content decides, so that arrival never does."""
    return (
        (new.version, repr(new)) > (old.version, repr(old)) if new.version == old.version else new.version > old.version
    )


def _wins(name: str, known_at: datetime, known: Any, record: OrderSnapshot) -> bool:
    new, old = (record.version, repr(getattr(record, name))), (known_at, repr(known))
    return new < old if name in _NEVER_MOVES else new > old


def _newest(known: Mapping[str, Any], told: tuple[Any, ...] | None) -> Mapping[str, Any]:
    if not told:
        return known
    merged = dict(known)
    for each in told:
        old = merged.get(each.ref)
        if old is None or _beats(each, old):
            merged[each.ref] = each
    return dict(sorted(merged.items(), key=lambda item: (len(item[0]), item[0])))


_NEWS = tuple(f.name for f in fields(News) if f.name not in ("first_eta", "open_at", "told", "said_at"))


def _news(known: News, record: ParcelNews) -> News:
    said = dict(known.said_at)
    changes: dict[str, Any] = {}
    heard = {name: getattr(record, name) for name in _NEWS}
    for name, value in (heard | {"open_at": record.point if record.point and record.point.hours else None}).items():
        if value is None:
            continue
        if name not in said or (record.at, repr(value)) > (said[name], repr(getattr(known, name))):
            changes[name] = value
            said[name] = record.at
    if record.told is not None and record.told not in known.told:
        changes["told"] = tuple(sorted((*known.told, record.told), key=lambda told: (told.at, told.kind)))
    if record.eta is not None and ("first_eta" not in said or _earlier(record, said["first_eta"], known.first_eta)):
        changes["first_eta"] = record.eta
        said["first_eta"] = record.at
    return replace(known, said_at=said, **changes)


def _earlier(record: ParcelNews, known_at: datetime, known: Window | None) -> bool:
    return (record.at, repr(record.eta)) < (known_at, repr(known))
