"""Which file is live, and what becomes of the runs under way when another one goes live (FLOWS 11, versions).

What is decided about them (`keep`, `move`, `stop`) is a row; it is carried out in the transaction in which the file
goes live, over the runs as they stand then.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from hub.flows.compile import compile_flow
from hub.flows.model import Flow
from hub.flows.moving import Fit, fit, stands_at
from hub.flows.run import RunState
from hub.store import lives
from hub.store.database import insert_new
from hub.store.tables import TENANT, file_versions, flow_versions, inbox, live_files, messages, orders, runs, timeline

from .batch import Batch, OrderPlan
from .gather import is_open
from .loading import run_row
from .queue import is_queued
from .react import Reaction, RunRow
from .remap import look_again
from .world import World
from .write import write_batch

ALL = "*"
"""In a decision: the flows that it does not name."""
SHOWN = 5
"""Orders that are named as examples."""
CHUNK = 500
"""Runs that are ended by one statement."""
STOPPED = "another file went live"
GATHERING, QUEUED = "waits for other parcels", "waits for its turn"


class How(StrEnum):
    """What becomes of a run when another text of its flow goes live."""

    KEEP = "keep"
    MOVE = "move"
    STOP = "stop"


class Change(StrEnum):
    """What a file does to a flow."""

    SAME = "same"
    CHANGED = "changed"
    RENAMED = "renamed"
    ADDED = "added"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Changed:
    """A flow, what a file does to it, its name in that file, and which of its settings differ."""

    flow: str
    change: Change
    now: str = ""
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """A run under way, the step at which it stands, and what moving it would mean."""

    row: Any
    flow: str
    now: Flow | None
    step: str
    fit: Fit
    same: bool
    """Whether its text is the new file's own."""

    @property
    def moves(self) -> bool:
        return not self.fit.why


@dataclass(slots=True)
class _Texts:
    """Former texts of flows, each read once."""

    connection: sa.Connection
    flows: Mapping[str, Flow]
    known: dict[str, Flow | str] = field(default_factory=dict)

    def of(self, name: str, version: str) -> Flow | str:
        """A text, or why it cannot be read."""
        current = self.flows.get(name)
        if current is not None and current.version == version:
            return current
        if version not in self.known:
            self.known[version] = self._read(version)
        return self.known[version]

    def _read(self, version: str) -> Flow | str:
        where = (flow_versions.c.tenant == TENANT, flow_versions.c.version == version)
        row = self.connection.execute(sa.select(flow_versions).where(*where)).first()
        if row is None:
            return "its text is not kept any more"
        try:
            return replace(compile_flow(row.name, row.source), version=version)
        except ValueError:
            return "its text cannot be read by this release"


# ------------------------------------------------------------------------------------------------ looking


def present_name(name: str, flows: Mapping[str, Flow]) -> str:
    """What a flow is called in a file: its name, or that of the flow which was called so; empty: it is gone."""
    if name in flows:
        return name
    return next((each.name for each in flows.values() if name in each.was), "")


def changes(before: Mapping[str, Flow | str], flows: Mapping[str, Flow]) -> list[Changed]:
    """What a file does to each flow of the file that is live (`before`: name → its text, or why that cannot be had)."""
    found = []
    for name, old in before.items():
        now = present_name(name, flows)
        new = flows.get(now)
        differs = _differs(old, new) if new is not None else ()
        if new is None:
            found.append(Changed(name, Change.GONE))
        elif now != name:
            found.append(Changed(name, Change.RENAMED, now, differs))
        elif isinstance(old, str) or old.version != new.version:
            found.append(Changed(name, Change.CHANGED, now, differs))
        else:
            found.append(Changed(name, Change.SAME, now))
    named = {each.now for each in found}
    return [*found, *(Changed(name, Change.ADDED, name) for name in flows if name not in named)]


def _differs(old: Flow | str, new: Flow) -> tuple[str, ...]:
    if isinstance(old, str):
        return ()
    one, other = dict(old.source or {}), dict(new.source or {})
    return tuple(key for key in {**one, **other} if one.get(key) != other.get(key) and key != "was")


def flows_live(connection: sa.Connection) -> dict[str, Flow | str]:
    """The flows of the file that is live; empty: no file has been live yet."""
    live = lives.live_file(connection)
    texts = _Texts(connection, {})
    return {name: texts.of(name, version) for name, version in live.flows.items()} if live is not None else {}


_UNDER_WAY = sa.select(runs).where(runs.c.tenant == TENANT, sa.text("runs.state = 'waiting'"))


def standing(connection: sa.Connection, flows: Mapping[str, Flow]) -> Iterator[Standing]:
    """Every run under way, against the flows of a file; the oldest first."""
    texts, fits = _Texts(connection, flows), dict[tuple[str, tuple[int, ...]], tuple[str, Fit]]()
    for row in connection.execute(_UNDER_WAY.order_by(runs.c.id)).all():
        new = flows.get(present_name(row.flow, flows))
        path, rests = tuple(row.doc["run"]["path"]), _before_its_steps(row.doc["run"]["values"])
        same = new is not None and new.version == row.version and new.name == row.flow
        if rests:
            where = rests, Fit(path, rests) if new is not None else Fit(why=_gone(row.flow))
        else:
            where = fits.get((row.version, path)) or _where(texts.of(row.flow, row.version), row.flow, path, new)
            fits[row.version, path] = where
        yield Standing(row, row.flow, new, *where, same)


def _before_its_steps(values: Mapping[str, Any]) -> str:
    """What a run waits for that has not begun its steps; empty: it has."""
    return GATHERING if is_open(values) else QUEUED if is_queued(values) else ""


def _where(old: Flow | str, name: str, path: tuple[int, ...], new: Flow | None) -> tuple[str, Fit]:
    """The step at which a run stands, and where it would go on."""
    here = stands_at(old, path) if isinstance(old, Flow) else None
    step = here.id if here is not None else ""
    if isinstance(old, str):
        return step, Fit(why=old)
    return step, fit(old, path, new) if new is not None else Fit(why=_gone(name))


def _gone(name: str) -> str:
    return f"there is no flow {name} any more"


@dataclass(slots=True)
class Place:
    """Runs of one flow at one step: how many, where they would go on, some of their orders, by number."""

    flow: str
    step: str
    same: bool
    now: str = ""
    """The flow's name in the new file."""
    to: str = ""
    why_not: str = ""
    runs: int = 0
    shadows: int = 0
    unsent: int = 0
    """Messages of theirs that have not left."""
    examples: list[str] = field(default_factory=list)


def places(connection: sa.Connection, flows: Mapping[str, Flow]) -> list[Place]:
    """Where the runs under way stand, by flow and step, the most crowded first within each flow."""
    found: dict[tuple[str, str, bool, str, str], Place] = {}
    unsent = _unsent(connection)
    for each in standing(connection, flows):
        key = (each.flow, each.step, each.same, each.fit.step, each.fit.why)
        now = each.now.name if each.now else ""
        place = found.setdefault(key, Place(each.flow, each.step, each.same, now, each.fit.step, each.fit.why))
        place.runs += 1
        place.shadows += each.row.shadow
        place.unsent += unsent[each.row.key]
        if len(place.examples) < SHOWN and each.row.order_id not in place.examples:
            place.examples.append(each.row.order_id)
    numbers = _numbers(connection, {order for place in found.values() for order in place.examples})
    for place in found.values():
        place.examples = [numbers.get(order, order) for order in place.examples]
    return sorted(found.values(), key=lambda place: (place.flow, -place.runs, place.step))


def _unsent(connection: sa.Connection) -> Counter[str]:
    due = sa.select(messages.c.run_key, sa.func.count().label("many")).where(
        messages.c.tenant == TENANT, sa.text("messages.state = 'due'"), messages.c.run_key != ""
    )
    return Counter({row.run_key: row.many for row in connection.execute(due.group_by(messages.c.run_key))})


def _numbers(connection: sa.Connection, order_ids: Iterable[str]) -> dict[str, str]:
    query = sa.select(orders.c.id, orders.c.number).where(orders.c.tenant == TENANT, orders.c.id.in_(list(order_ids)))
    return {row.id: row.number for row in connection.execute(query) if row.number}


# ------------------------------------------------------------------------------------------------ going live


def how_for(decision: Mapping[str, str], flow: str, now: str) -> How:
    """What was decided for a flow, by either of its names."""
    return How(decision.get(flow) or decision.get(now) or decision.get(ALL) or How.KEEP)


def becomes(decision: Mapping[str, str], flow: str, now: str, *, same: bool) -> How:
    """What becomes of runs of a flow. What is said of all flows is said of those whose text the new file changes; a
    flow that is named is meant whether it changes or not."""
    named = flow in decision or now in decision
    how = how_for(decision, flow, now) if named or not same else How.KEEP
    return How.KEEP if same and how is How.MOVE else how


def go_live(connection: sa.Connection, dialect: str, world: World, now: datetime) -> None:
    """The configuration is live from now on: keep its text, and do with the runs under way what was decided. The same
    text again changes nothing."""
    config = world.config
    if not config.digest:  # it was made without a file, and nobody can decide about it
        return
    live, undone = lives.live_file(connection), lives.undone_decision(connection)
    decided = undone if undone is not None and undone.digest == config.digest else None
    lives.withdraw(connection, but=decided.id if decided is not None else 0)
    if decided is None and live is not None and live.digest == config.digest:
        return
    _keep_text(connection, dialect, world)
    waiting = decided.waiting if decided is not None else {}
    values = {"state": lives.LIVE, "live_at": now, "outcome": carry_out(connection, dialect, world, waiting, now)}
    if decided is not None:
        connection.execute(sa.update(live_files).where(live_files.c.id == decided.id).values(**values))
    else:
        row = {"tenant": TENANT, "digest": config.digest, "waiting": {}, "decided_at": now, **values}
        connection.execute(sa.insert(live_files).values(**row))


def _keep_text(connection: sa.Connection, dialect: str, world: World) -> None:
    config, flows = world.config, list(world.config.flows.values())
    versions = {flow.name: flow.version for flow in flows}
    row = {"tenant": TENANT, "digest": config.digest, "files": dict(config.sources), "flows": versions}
    connection.execute(insert_new(file_versions, dialect), [row])
    kept = [{"tenant": TENANT, "version": each.version, "name": each.name, "source": each.source} for each in flows]
    if kept:
        connection.execute(insert_new(flow_versions, dialect), kept)


def carry_out(
    connection: sa.Connection, dialect: str, world: World, decision: Mapping[str, str], now: datetime
) -> dict[str, Any]:
    """Keep, move or stop the runs under way; what does not fit is kept. Returns how many of each, by flow, with what
    was kept for want of a place."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    misfits: Counter[tuple[str, str]] = Counter()
    moved, stopped = list[Standing](), list[Standing]()
    if decision:
        for each in standing(connection, world.config.flows):
            how = becomes(decision, each.flow, each.now.name if each.now else "", same=each.same)
            if how is How.MOVE and not each.moves:
                misfits[each.flow, each.fit.why] += 1
                how = How.KEEP
            counts[each.flow][how.value] += 1
            if how is not How.KEEP:
                (moved if how is How.MOVE else stopped).append(each)
    _move(connection, dialect, moved, now)
    _stop(connection, dialect, world, stopped, now)
    kept = [{"flow": flow, "why": why, "runs": many} for (flow, why), many in misfits.items()]
    return {"flows": {flow: dict(many) for flow, many in counts.items()}, "misfits": kept}


def _move(connection: sa.Connection, dialect: str, moved: Sequence[Standing], now: datetime) -> None:
    """The runs stand in the new text; their orders are looked at again at once, which reckons their waits anew."""
    if not moved:
        return
    mine = (runs.c.tenant == TENANT, runs.c.key == sa.bindparam("of"))
    values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in ("flow", "version", "doc")}
    rows = []
    for each in moved:
        assert each.now is not None, "what moves has a text to move to"
        doc = {**each.row.doc, "run": {**each.row.doc["run"], "path": list(each.fit.path)}}
        rows.append({"of": each.row.key, "new_flow": each.now.name, "new_version": each.now.version, "new_doc": doc})
    connection.execute(sa.update(runs).where(*mine).values(values), rows)
    connection.execute(sa.insert(timeline), [_line(each, f"moved to the text that is live now: {each.fit.step}", now)
                                             for each in moved])  # fmt: skip
    homes = sorted({each.row.order_id for each in moved})
    connection.execute(
        insert_new(inbox, dialect), [look_again(each.partition(":")[0], each, [], now) for each in homes]
    )


def _line(each: Standing, said: str, now: datetime) -> dict[str, Any]:
    doc = {"flow": each.flow, "word": each.row.word, "result": said, "run": each.row.key}
    about = {"tenant": TENANT, "order_id": each.row.order_id, "subject": "", "kind": "run", "event_id": None}
    return {**about, "at": now, "recorded_at": now, "doc": doc}


def _stop(connection: sa.Connection, dialect: str, world: World, ended: Sequence[Standing], now: datetime) -> None:
    """As a word of `stop_on` would: what is not on the wire yet does not leave."""
    for start in range(0, len(ended), CHUNK):
        plans: dict[str, OrderPlan] = {}
        for each in ended[start : start + CHUNK]:
            plan = plans.setdefault(each.row.order_id, OrderPlan(each.row.order_id, 0))
            _end(plan.reaction, run_row(each.row), now)
        write_batch(connection, dialect, Batch(orders=list(plans.values())), world, now)


def _end(out: Reaction, row: RunRow, now: datetime) -> None:
    run = replace(row.run, state=RunState.STOPPED, reason=STOPPED, since=None, due_at=None)
    out.runs.append(replace(row, run=run))
    out.silenced.append(row.key)
    out.timers.append({"key": f"run:{row.key}", "state": 1})
    doc = {"flow": row.flow, "word": row.word, "result": f"{run.state.value}: {STOPPED}", "run": row.key}
    out.lines.append({"kind": "run", "subject": "", "at": now, "doc": doc})
