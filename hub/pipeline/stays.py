"""Clocks on an order: a status that lasts (`stalled`), and a date that is missed (`late`). Each is a timer row for one
flow and subject, wished for when the stay begins and called off when it ends, so that no event costs more for the flows
that listen to others. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hub.config.model import Shop
from hub.flows.model import Flow, Length
from hub.status import FINAL, Axis, Folded, full_name
from hub.store.tables import TENANT, slot_of

from .dates import LATE, Awaited, awaited
from .occasions import Occasion
from .plain import key_of
from .state import OrderView, ShipmentView
from .world import World

STALLED = "stalled."
"""Begins the words of what lasts."""
KINDS = ("stalled", "late")
"""Kinds of timers that tell of them."""
SILENT = STALLED + "shipment"
EXPECTED_AT = "expected_at"
"""The date that a run about a delay tells of."""
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Stay:
    """A subject stays in a status, or is silent: since when, and the how manieth time that is."""

    word: str
    kind: str
    subject: str
    since: datetime
    occurrence: int


@dataclass(frozen=True, slots=True)
class Watched:
    """One order before and after, for its clocks. `anew`: nothing is known of the clocks that run (the flows changed).
    `counts_from`: no clock begins before (the end of the import that brought the order). `live`: what is learnt now may
    be told. `told_since`: as `awaited` wants it."""

    before: OrderView | None
    after: OrderView
    world: World
    shop: Shop
    now: datetime
    anew: bool = False
    counts_from: datetime | None = None
    live: bool = True
    told_since: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(slots=True)
class Clocks:
    """What follows: timers to be set and called off, and what has come about."""

    timers: list[dict[str, Any]] = field(default_factory=list)
    occasions: list[Occasion] = field(default_factory=list)


def clocks_of(it: Watched, due: Sequence[Any]) -> Clocks:
    """`due`: timers of this order that have run out."""
    out = Clocks()
    if it.world.keeps_clocks and (it.anew or it.before is not it.after):
        _watch_stays(it, out)
        _watch_dates(it, out)
    for timer in due:
        if timer.kind in KINDS:
            _run_out(it, timer, out)
    return out


# ------------------------------------------------------------------------------------------------ what lasts


def stays_of(view: OrderView | None) -> dict[tuple[str, str], Stay]:
    """(word, subject) → what an order and its parts stay in."""
    if view is None or view.gone:
        return {}
    return {(each.word, each.subject): each for each in _stays(view)}


def _stays(view: OrderView) -> Iterator[Stay]:
    parcels = {each.id: each for each in view.shipments}
    for axis, subject, folded in view.axes():
        if folded.state is not None and folded.since is not None and _holds(view, axis, folded, parcels.get(subject)):
            kind = "shipment" if axis is Axis.SHIPMENT else "order"
            count = folded.entered.get(folded.state, 1)
            yield Stay(STALLED + full_name(folded.state), kind, subject, folded.since, count)
    for each in view.live:
        last = _last_word(each)
        if last is not None and each.status not in FINAL and not each.pickup:
            yield Stay(SILENT, "shipment", each.id, last, micros(last))


def _holds(view: OrderView, axis: Axis, folded: Folded, parcel: ShipmentView | None) -> bool:
    """Whether a subject truly is in its status: not when another axis ends it (an order that its shop closed has no
    parcel under way, cash that was taken at the door is not owed)."""
    if axis is Axis.SHIPMENT:
        return parcel is not None and parcel.live and parcel.status is folded.state
    return axis is not Axis.PAYMENT or view.effective_payment is folded.state


def _last_word(each: ShipmentView) -> datetime | None:
    """When anybody last said anything of a parcel."""
    said = [line.fact.at for line in each.folded.lines]
    return max(said, default=each.snapshot.version if each.snapshot else None)


def _watch_stays(it: Watched, out: Clocks) -> None:
    before, after = {} if it.anew else stays_of(it.before), stays_of(it.after)
    for key, stay in before.items():
        if key not in after:
            out.timers += [_timer("stalled", it, flow, *key, None) for flow in _flows(it, stay.word)]
    for key, stay in after.items():
        if before.get(key) == stay:
            continue
        for flow in _flows(it, stay.word):
            _wish("stalled", it, flow, key, _ends(it, flow, stay), out)


def _ends(it: Watched, flow: Flow, stay: Stay) -> datetime:
    begins = max(stay.since, it.counts_from) if it.counts_from else stay.since
    return _after(_length(flow, stay.word), begins, it.shop)


# ------------------------------------------------------------------------------------------------ what is missed


def _watch_dates(it: Watched, out: Clocks) -> None:
    former = awaited(it.before, it.told_since) if it.before is not None and not it.anew else []
    before = {(each.word, each.subject): each for each in former}
    after = {(each.word, each.subject): each for each in awaited(it.after, it.told_since)}
    for key in before:
        if key not in after:
            out.timers += [_timer("late", it, flow, *key, None) for flow in _flows(it, key[0])]
    for key, date in after.items():
        was = before.get(key)
        if was == date:
            continue
        for flow in _flows(it, date.word):
            limit = _after(_length(flow, date.word), date.told, it.shop)
            if date.eta < limit:
                _wish("late", it, flow, key, limit, out)
                continue
            known = was is not None and was.told == date.told and was.eta >= limit
            if it.live and not known and not _is_old(it, flow, limit):
                out.occasions.append(_late(date, flow, it.now))
            # Its customer is told the new date; that can be missed anew.
            _wish("late", it, flow, key, _after(_length(flow, date.word), date.eta, it.shop), out)


def _late(date: Awaited, flow: Flow, now: datetime) -> Occasion:
    return Occasion(
        date.word, date.kind, date.subject, micros(date.told), now, None, names={EXPECTED_AT: date.eta}, flow=flow.name
    )


# ------------------------------------------------------------------------------------------------ timers


def timer_of(
    kind: str, order_id: str, flow: str, word: str, subject: str, due_at: datetime | None, now: datetime
) -> dict[str, Any]:
    """The clock of one flow on one subject; `due_at` None calls it off."""
    return {
        "tenant": TENANT,
        "slot": slot_of(order_id),
        "key": f"{kind}:{key_of(flow, word, subject)}",
        "kind": kind,
        "ref": f"{flow}|{word}|{subject}",
        "order_id": order_id,
        "due_at": due_at or now,
        "state": 0 if due_at is not None else 1,
    }  # fmt: skip


def _timer(kind: str, it: Watched, flow: Flow, word: str, subject: str, due_at: datetime | None) -> dict[str, Any]:
    return timer_of(kind, it.after.id, flow.name, word, subject, due_at, it.now)


def _wish(kind: str, it: Watched, flow: Flow, key: tuple[str, str], due_at: datetime, out: Clocks) -> None:
    """A clock that has run out long ago is not set: that is old news. One that has been set rings also when the hub was
    away."""
    if not _is_old(it, flow, due_at):
        out.timers.append(_timer(kind, it, flow, *key, due_at))


def _is_old(it: Watched, flow: Flow, moment: datetime) -> bool:
    fresh = flow.fresh.about if flow.fresh else it.world.config.contact_of(it.shop).fresh
    return moment <= it.now - (fresh if it.live else timedelta(0))


def _run_out(it: Watched, timer: Any, out: Clocks) -> None:
    """What has truly lasted, or been missed, until now; else when to look again, or nothing: it is over."""
    name, word, subject = timer.ref.split("|", 2)
    subject = it.after.as_now(subject)
    flow = next((each for each in _flows(it, word) if each.name == name), None)
    if flow is None:
        return
    if word.startswith(LATE):
        date = next((d for d in awaited(it.after, it.told_since) if (d.word, d.subject) == (word, subject)), None)
        if date is None:
            return
        limit, occasion = _after(_length(flow, word), date.told, it.shop), _late(date, flow, it.now)
        over = date.expected(it.now) >= limit
    else:
        stay = stays_of(it.after).get((word, subject))
        if stay is None:
            return
        limit, names = _ends(it, flow, stay), {"entered_at": stay.since}
        occasion = Occasion(word, stay.kind, subject, stay.occurrence, it.now, None, names=names, flow=name)
        over = limit <= it.now
    if over:
        out.occasions.append(occasion)
    else:
        out.timers.append(_timer(timer.kind, it, flow, word, subject, limit))


def _flows(it: Watched, word: str) -> list[Flow]:
    flows = it.world.flows_by_word.get(word, ())
    return [flow for flow in flows if flow.shops is None or it.shop.key in flow.shops]


def _length(flow: Flow, word: str) -> Length:
    length = flow.given[word].length
    assert length is not None
    return length


def _after(length: Length, moment: datetime, shop: Shop) -> datetime:
    return length.after(moment, shop.timezone, shop.hours)


def micros(moment: datetime) -> int:
    """An instant as an occurrence: whole microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
