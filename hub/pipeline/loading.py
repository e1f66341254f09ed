"""Read orders as the database has them, for whoever decides on them: in a handful of queries, however many orders."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.flows.compile import compile_flow
from hub.flows.run import Run
from hub.model import OrderSnapshot
from hub.store.rows import rows_of
from hub.store.tables import (
    TENANT,
    contacts,
    errands,
    escalations,
    facts,
    flow_versions,
    messages,
    orders,
    questions,
    runs,
    surveys,
    watches,
)

from .batch import Wanted
from .claims import Claims, load_claims
from .customer import NOTHING_KNOWN, About, customer_id_of, read_about
from .dates import LATE
from .documents import OrderDoc, load
from .facts import StoredFact
from .gather import claims_of
from .news import is_home
from .plain import from_plain
from .react import RunRow
from .said import Said, read_said
from .said import ended_of as said_ended
from .shadow import realm, speaks
from .stays import EXPECTED_AT
from .watches import OPEN, Watch, needed
from .world import World


@dataclass(slots=True)
class Loaded:
    """One order as the database has it."""

    rev: int = 0
    doc: OrderDoc = field(default_factory=OrderDoc)
    connection: str = ""
    created_at: datetime | None = None
    customer_id: str = ""
    facts: list[StoredFact] = field(default_factory=list)
    runs: list[RunRow] = field(default_factory=list)
    speaking: list[RunRow] = field(default_factory=list)
    """Runs that are done, with messages or errands that have not left yet."""
    errands: list[Any] = field(default_factory=list)
    """What runs that wait have asked for outside."""
    spoken: list[Said] = field(default_factory=list)
    """What became of what those runs have said, where they care."""
    run_keys: frozenset[str] = frozenset()
    open_escalations: dict[str, str] = field(default_factory=dict)
    escalations: dict[str, dict[str, Any]] = field(default_factory=dict)
    surveys: frozenset[str] = frozenset()
    """Names of the surveys that were opened about it, those of shadows in their realm."""
    contacts: dict[str, str] = field(default_factory=dict)
    """Channel connection → open or closed, for the order's customer."""
    about: About = NOTHING_KNOWN
    claims: Claims = field(default_factory=dict)
    """What flows were claimed once for, of all orders read together: they share it while they are decided on."""
    told_since: dict[str, datetime] = field(default_factory=dict)
    """Subject → the date that a run about its delay has told the customer."""
    watches: list[Watch] = field(default_factory=list)
    """What policies wait for, of which it is time to look."""
    said: list[Any] = field(default_factory=list)
    """The messages about it, where there are such, or a promise is to be looked at."""
    answered: dict[str, datetime] = field(default_factory=dict)
    """Question of them → when it was answered."""


def load_orders(
    connection: sa.Connection, world: World, wanted: Mapping[str, Wanted], claims: Collection[str] = ()
) -> dict[str, Loaded]:
    """Documents, facts, runs and open matters of these orders. A home never ends: of its runs only those are read that
    wait or have yet to speak, and those of the keys in `claims`."""
    found = load_documents(connection, wanted)
    for order_id, want in wanted.items():
        _meet_new(order_id, want, found[order_id], world)
    homes = [each for each in wanted if is_home(each)]
    old = [order_id for order_id, loaded in found.items() if loaded.rev]  # about a new one there is nothing
    if homes or old:
        _load_runs(connection, world, found, old, homes, claims)
        for row in _asked_outside(connection, found, wanted):
            found[row.order_id].errands.append(row)
        _hear(connection, world, found, wanted)
        for row in rows_of(connection, escalations.c.order_id, (*old, *homes)):
            found[row.order_id].escalations[row.uid] = dict(row._mapping)
            if row.state != "resolved":
                found[row.order_id].open_escalations[row.key] = row.uid
        for row in rows_of(connection, surveys.c.order_id, old if world.config.surveys else ()):
            found[row.order_id].surveys |= {realm(row.name, bool(row.shadow))}
        _load_watches(connection, found, needed(timer for want in wanted.values() for timer in want.timers))
        asked = {each for each in old if found[each].watches or _has_promised(wanted[each])}
        for row in rows_of(connection, messages.c.order_id, asked):
            found[row.order_id].said.append(row)
    meet_customers(connection, found)
    _count_earlier(connection, found)
    if world.claims:
        _load_claims(connection, world, wanted, found)
    return found


def _load_claims(
    connection: sa.Connection, world: World, wanted: Mapping[str, Wanted], found: Mapping[str, Loaded]
) -> None:
    """What flows were claimed once for. An order may be somebody else's by what is told of it now."""
    homes = {*found, *_customers_of(found.values())}
    for order_id, want in wanted.items():
        if found[order_id].connection in world.config.connections:
            shop = world.shop_of(found[order_id].connection).key
            told = (record for _, record in want.records if isinstance(record, OrderSnapshot))
            homes |= {customer_id_of(each, shop, order_id) for each in told}
    held = load_claims(connection, homes)
    for loaded in found.values():
        loaded.claims = held


def _has_promised(want: Wanted) -> bool:
    return any(timer.kind == "promise" for timer in want.timers)


def load_documents(connection: sa.Connection, order_ids: Iterable[str]) -> dict[str, Loaded]:
    """What the sources said of these orders, and whose they are; nothing of what the hub made of it."""
    found = {order_id: Loaded(connection=order_id.partition(":")[0]) for order_id in order_ids}
    for row in rows_of(connection, orders.c.id, found):
        loaded = found[row.id]
        loaded.rev, loaded.doc, loaded.connection = row.rev, load(row.doc), row.connection
        loaded.created_at, loaded.customer_id = row.created_at, row.customer_id
    for row in rows_of(connection, facts.c.order_id, (each for each, loaded in found.items() if loaded.rev)):
        found[row.order_id].facts.append(StoredFact.from_row(row))
    return found


def _load_runs(
    connection: sa.Connection,
    world: World,
    found: Mapping[str, Loaded],
    old: Sequence[str],
    homes: Sequence[str],
    claims: Collection[str],
) -> None:
    keys: dict[str, set[str]] = {}
    speaking = _speaking(connection, (*old, *homes))
    rows = (*rows_of(connection, runs.c.order_id, old), *_runs_at(connection, homes, {*speaking, *claims}))
    for row in rows:
        keys.setdefault(row.order_id, set()).update((row.key, *claims_of(row.doc["run"]["values"])))
        if row.state == "waiting" or (row.state == "done" and row.key in speaking):
            kept = found[row.order_id].runs if row.state == "waiting" else found[row.order_id].speaking
            kept.append(replace(run_row(row), unreadable=remember(connection, world, row.flow, row.version)))
    _note_told(connection, found, [row for row in rows if bool(row.shadow) is world.shadow])
    for order_id, theirs in keys.items():
        found[order_id].run_keys = frozenset(theirs)


def _load_watches(connection: sa.Connection, found: Mapping[str, Loaded], keys: Collection[str]) -> None:
    """What policies wait for; nothing is asked where no timer of theirs has run out."""
    rows = [row for row in rows_of(connection, watches.c.key, keys) if row.state == OPEN]
    for row in rows:
        found[row.order_id].watches.append(Watch.of(row))
    asked = {row.subject: row.order_id for row in rows if row.subject_kind == "question"}
    for question in rows_of(connection, questions.c.id, asked):
        if question.answered_at is not None:
            found[asked[question.id]].answered[question.id] = question.answered_at


def _note_told(connection: sa.Connection, found: Mapping[str, Loaded], rows: Iterable[Any]) -> None:
    """The dates that runs about a delay have told, or are about to: what was kept back told nobody."""
    spoke = {row.key: row for row in rows if row.word.startswith(LATE) and row.doc["run"]["values"].get("spoke")}
    if not spoke:
        return
    said = connection.execute(_SAID, {"ids": sorted({row.order_id for row in spoke.values()}), "runs": sorted(spoke)})
    for key in {each.run_key for each in said if speaks(each)}:
        row = spoke[key]
        told = from_plain(row.doc["run"]["values"][EXPECTED_AT])
        since = found[row.order_id].told_since
        since[row.subject] = max(told, since.get(row.subject, told))


_SAID = sa.select(messages.c.run_key, messages.c.state, messages.c.reason).where(
    messages.c.tenant == TENANT,
    messages.c.order_id.in_(sa.bindparam("ids", expanding=True)),
    messages.c.run_key.in_(sa.bindparam("runs", expanding=True)),
    messages.c.recipient == "customer",
)


def _runs_at(connection: sa.Connection, homes: Sequence[str], keys: Collection[str]) -> list[Any]:
    """The runs of homes that wait or have one of these keys."""
    if not homes:
        return []
    theirs = sa.select(runs).where(runs.c.tenant == TENANT, runs.c.order_id.in_(homes))
    rows = list(connection.execute(theirs.where(sa.text("runs.state = 'waiting'"))).all())
    ended = theirs.where(sa.text("runs.state <> 'waiting'"), runs.c.key.in_(sorted(keys)))
    return rows + list(connection.execute(ended).all() if keys else ())


def _to_leave(table: sa.Table, states: str) -> sa.Select[Any]:
    among = table.c.order_id.in_(sa.bindparam("ids", expanding=True))
    return sa.select(table.c.run_key).where(table.c.tenant == TENANT, among, sa.text(f"{table.name}.state IN {states}"))


_SPEAKING = _to_leave(messages, "('due', 'held')").union(_to_leave(errands, "('due')"))


def _speaking(connection: sa.Connection, ids: Sequence[str]) -> set[str]:
    """Keys of runs with messages or errands that are still to leave."""
    return {row.run_key for row in connection.execute(_SPEAKING, {"ids": ids}) if row.run_key}


def _asked_outside(
    connection: sa.Connection, found: Mapping[str, Loaded], wanted: Mapping[str, Wanted]
) -> Sequence[Any]:
    """What the runs that wait have asked for outside, and what has just ended, without what was said in it."""
    ended = {order_id: ended_of(want.timers) for order_id, want in wanted.items()}
    ids = [order_id for order_id, loaded in found.items() if loaded.runs or ended.get(order_id)]
    if not ids:
        return ()
    waiting = [run.key for order_id in ids for run in found[order_id].runs]
    keys = sorted(key for each in ended.values() for key in each)
    return connection.execute(_ASKED, {"ids": ids, "waiting": waiting, "ended": keys}).all()


def _hear(connection: sa.Connection, world: World, found: Mapping[str, Loaded], wanted: Mapping[str, Wanted]) -> None:
    """What became of what runs have said: read where a message is over that one cares for, or a run waits for it."""
    over = {order_id: said_ended(want.timers) for order_id, want in wanted.items()}
    ids = [order_id for order_id, loaded in found.items() if over.get(order_id) or any(map(_holds, loaded.runs))]
    for order_id, said in read_said(connection, world, ids, frozenset().union(*over.values())).items():
        found[order_id].spoken = said


def _holds(row: RunRow) -> bool:
    """Whether a run waits for something that has no time."""
    return row.run.since is not None and row.run.due_at is None


def ended_of(timers: Iterable[Any]) -> frozenset[str]:
    """Keys of the errands that have just ended."""
    return frozenset(timer.ref for timer in timers if timer.kind == "errand")


_ASKED = sa.select(
    *(errands.c[name] for name in ("order_id", "run_key", "flow", "step", "key", "state", "reason", "answer"))
).where(
    errands.c.tenant == TENANT,
    errands.c.order_id.in_(sa.bindparam("ids", expanding=True)),
    sa.or_(
        errands.c.run_key.in_(sa.bindparam("waiting", expanding=True)),
        errands.c.key.in_(sa.bindparam("ended", expanding=True)),
    ),
)


def run_row(row: Any) -> RunRow:
    """A row of the table as a run."""
    return RunRow(
        row.key, row.flow, row.version, row.subject_kind, row.subject, row.word, row.occurrence, row.started_at,
        Run.from_json(row.doc["run"], row.state), event=from_plain(row.doc["event"]),
        shadow=bool(row.shadow),
    )  # fmt: skip


def remember(connection: sa.Connection, world: World, flow: str, version: str) -> str:
    """A run keeps the text it started with; fetch it when the live file has another. Returns why it cannot be had (a
    word that this version of the hub does not know any more); empty: it is at hand."""
    if world.knows(flow, version):
        return ""
    row = connection.execute(
        sa.select(flow_versions).where(flow_versions.c.tenant == TENANT, flow_versions.c.version == version)
    ).first()
    if row is None:
        return f"the text of the flow {flow} with which it started is not kept any more"
    try:
        world.remember(replace(compile_flow(row.name, row.source), version=version))
    except ValueError as error:
        return str(error)
    return ""


def remember_waiting(connection: sa.Connection, world: World) -> None:
    """Fetch the texts of all runs that wait or have yet to speak: what only a former text listens to is written down
    too."""
    speaking, held = (
        sa.select(messages.c.run_key).where(messages.c.tenant == TENANT, sa.text(f"messages.state = '{state}'"))
        for state in ("due", "held")
    )
    asked = sa.select(errands.c.run_key).where(errands.c.tenant == TENANT, sa.text("errands.state = 'due'"))
    texts = sa.select(runs.c.flow, runs.c.version).where(runs.c.tenant == TENANT)
    at_work = (sa.text("runs.state = 'waiting'"), runs.c.key.in_(speaking.union(held, asked)))
    for row in connection.execute(sa.union(*(texts.where(each) for each in at_work))).all():
        remember(connection, world, row.flow, row.version)


def _meet_new(order_id: str, want: Wanted, loaded: Loaded, world: World) -> None:
    """Who the customer of an order is that is not in the database yet."""
    first = next((record for _, record in want.records if isinstance(record, OrderSnapshot)), None)
    if not loaded.customer_id and first is not None and loaded.connection in world.config.connections:
        loaded.customer_id = customer_id_of(first, world.shop_of(loaded.connection).key, order_id)


def meet_customers(connection: sa.Connection, found: Mapping[str, Loaded]) -> None:
    """By which channels each order's customer can be reached, and what is known of them."""
    linked: dict[str, dict[str, str]] = {}
    for row in rows_of(connection, contacts.c.customer_id, _customers_of(found.values())):
        linked.setdefault(row.customer_id, {})[row.channel] = row.state
    about = read_about(connection, {order_id: loaded.customer_id for order_id, loaded in found.items()})
    for order_id, loaded in found.items():
        loaded.contacts, loaded.about = linked.get(loaded.customer_id, {}), about[order_id]


def _customers_of(orders: Iterable[Loaded]) -> set[str]:
    return {loaded.customer_id for loaded in orders} - {""}


_COUNT = (
    sa.select(orders.c.customer_id, sa.func.count().label("n"))
    .where(orders.c.tenant == TENANT, orders.c.customer_id.in_(sa.bindparam("customers", expanding=True)))
    .group_by(orders.c.customer_id)
)


def _count_earlier(connection: sa.Connection, found: Mapping[str, Loaded]) -> None:
    """How many orders the customers of new ones had before."""
    new = [loaded for loaded in found.values() if not loaded.rev]
    if customers := _customers_of(new):
        had = {row.customer_id: row.n for row in connection.execute(_COUNT, {"customers": sorted(customers)})}
        for loaded in new:
            loaded.doc = replace(loaded.doc, customer_orders=had.get(loaded.customer_id, 0))
