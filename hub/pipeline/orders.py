"""Read an order whole, decide what news means for it, and say what is to be written. Only `load_orders` reads rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.config.model import Shop
from hub.flows.compile import compile_flow
from hub.flows.run import Run
from hub.model import OrderSnapshot
from hub.plugin import AddressKind
from hub.status import Fact, Line, Mode, Precision, Status, Verdict, is_fresh
from hub.store.tables import (
    TENANT,
    contacts,
    errands,
    escalations,
    facts,
    flow_versions,
    messages,
    orders,
    runs,
    slot_of,
    surveys,
)

from .appointments import rung
from .asking import questions
from .batch import OrderPlan, Wanted
from .changes import ORDER as ORDER_CHANGED
from .changes import SHIPMENT as SHIPMENT_CHANGED
from .changes import changes
from .customer import NOTHING_KNOWN, About, read_about
from .dates import LATE
from .documents import OrderDoc, dump, learn, load
from .facts import StoredFact, Witness, believed, facts_of, said_in_between, take_in
from .gather import claims_of
from .ladder import climb, climbed_text, history_line
from .news import is_home, shop_of_home
from .notices import notices_of, taken_back
from .occasions import Occasion
from .parcels import with_ids
from .phones import phone_of
from .pickup import deadline_of
from .plain import from_plain, key_of
from .reach import open_channels, with_failovers
from .react import RunRow, Situation, react, run_key
from .remap import former
from .shadow import in_shadow, realm
from .state import OrderView
from .stays import EXPECTED_AT, Watched, clocks_of
from .stuck import notices_of_runs
from .unmapped import example_of
from .view import nothing_of, view
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
    run_keys: frozenset[str] = frozenset()
    open_escalations: dict[str, str] = field(default_factory=dict)
    escalations: dict[str, dict[str, Any]] = field(default_factory=dict)
    surveys: frozenset[str] = frozenset()
    """Names of the surveys that were opened about it."""
    contacts: dict[str, str] = field(default_factory=dict)
    """Channel connection → open or closed, for the order's customer."""
    about: About = NOTHING_KNOWN
    told_since: dict[str, datetime] = field(default_factory=dict)
    """Subject → the date that a run about its delay has told the customer."""


def load_orders(
    connection: sa.Connection, world: World, wanted: Mapping[str, Wanted], claims: Collection[str] = ()
) -> dict[str, Loaded]:
    """Documents, facts, runs and open matters of these orders, in a handful of queries. A home never ends: of its runs
    only those are read that wait or have yet to speak, and those of the keys in `claims`."""
    ids = list(wanted)
    found = {order_id: Loaded(connection=order_id.partition(":")[0]) for order_id in ids}
    for row in _of(connection, orders, ids, orders.c.id):
        loaded = found[row.id]
        loaded.rev, loaded.doc, loaded.connection = row.rev, load(row.doc), row.connection
        loaded.created_at, loaded.customer_id = row.created_at, row.customer_id
    for row in _of(connection, facts, ids):
        found[row.order_id].facts.append(StoredFact.from_row(row))
    keys: dict[str, set[str]] = {}
    speaking = _speaking(connection, ids)
    for row in _runs(connection, ids, {*speaking, *claims}):
        keys.setdefault(row.order_id, set()).update((row.key, *claims_of(row.doc["run"]["values"])))
        if bool(row.shadow) is world.shadow:
            _note_told(found[row.order_id], row)
        if row.state == "waiting" or (row.state == "done" and row.key in speaking):
            kept = found[row.order_id].runs if row.state == "waiting" else found[row.order_id].speaking
            kept.append(replace(_run_row(row), unreadable=remember(connection, world, row.flow, row.version)))
    for row in _asked_outside(connection, found):
        found[row.order_id].errands.append(row)
    for order_id, theirs in keys.items():
        found[order_id].run_keys = frozenset(theirs)
    for row in _of(connection, escalations, ids):
        found[row.order_id].escalations[row.uid] = dict(row._mapping)
        if row.state != "resolved":
            found[row.order_id].open_escalations[row.key] = row.uid
    if world.config.surveys:
        for row in _of(connection, surveys, ids):
            found[row.order_id].surveys |= {row.name}
    _meet_customers(connection, world, found, wanted)
    return found


def _note_told(loaded: Loaded, row: Any) -> None:
    values = row.doc["run"]["values"] if row.word.startswith(LATE) else {}
    if values.get("spoke"):
        told, before = from_plain(values[EXPECTED_AT]), loaded.told_since.get(row.subject)
        loaded.told_since[row.subject] = max(told, before or told)


def _of(connection: sa.Connection, table: sa.Table, ids: Sequence[str], column: sa.Column[str] | None = None) -> Any:
    column = table.c.order_id if column is None else column
    return connection.execute(sa.select(table).where(table.c.tenant == TENANT, column.in_(ids))).all()


def _runs(connection: sa.Connection, ids: Sequence[str], keys: Collection[str]) -> list[Any]:
    """All runs of orders, and of homes those that wait or have one of these keys."""
    homes = [each for each in ids if is_home(each)]
    rows = list(_of(connection, runs, [each for each in ids if not is_home(each)]))
    if homes:
        theirs = sa.select(runs).where(runs.c.tenant == TENANT, runs.c.order_id.in_(homes))
        rows += connection.execute(theirs.where(sa.text("runs.state = 'waiting'"))).all()
        ended = theirs.where(sa.text("runs.state <> 'waiting'"), runs.c.key.in_(sorted(keys)))
        rows += connection.execute(ended).all() if keys else []
    return rows


def _speaking(connection: sa.Connection, ids: Sequence[str]) -> set[str]:
    """Keys of runs with messages or errands that are still to leave."""
    due = sa.select(messages.c.run_key).where(
        messages.c.tenant == TENANT, messages.c.order_id.in_(ids), sa.text("messages.state = 'due'")
    )
    asked = sa.select(errands.c.run_key).where(
        errands.c.tenant == TENANT, errands.c.order_id.in_(ids), sa.text("errands.state = 'due'")
    )
    return {row.run_key for row in connection.execute(due.union(asked)) if row.run_key}


def _asked_outside(connection: sa.Connection, found: Mapping[str, Loaded]) -> Sequence[Any]:
    """What the runs that wait have asked for outside, without what was said in it."""
    ids = [order_id for order_id, loaded in found.items() if loaded.runs]
    waiting = [run.key for order_id in ids for run in found[order_id].runs]
    if not ids:
        return ()
    columns = (errands.c[name] for name in ("order_id", "run_key", "step", "key", "state", "reason", "answer"))
    theirs = (errands.c.tenant == TENANT, errands.c.order_id.in_(ids), errands.c.run_key.in_(waiting))
    return connection.execute(sa.select(*columns).where(*theirs)).all()


def _run_row(row: Any) -> RunRow:
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
    speaking = sa.select(messages.c.run_key).where(messages.c.tenant == TENANT, sa.text("messages.state = 'due'"))
    asked = sa.select(errands.c.run_key).where(errands.c.tenant == TENANT, sa.text("errands.state = 'due'"))
    texts = sa.select(runs.c.flow, runs.c.version).where(runs.c.tenant == TENANT)
    at_work = (sa.text("runs.state = 'waiting'"), runs.c.key.in_(speaking.union(asked)))
    for row in connection.execute(sa.union(*(texts.where(each) for each in at_work))).all():
        remember(connection, world, row.flow, row.version)


def _meet_customers(
    connection: sa.Connection, world: World, found: Mapping[str, Loaded], wanted: Mapping[str, Wanted]
) -> None:
    """Who each order's customer is, by which channels they can be reached, and how many orders they had before."""
    for order_id, loaded in found.items():
        first = next((record for _, record in wanted[order_id].records if isinstance(record, OrderSnapshot)), None)
        if not loaded.customer_id and first is not None and loaded.connection in world.config.connections:
            loaded.customer_id = customer_id_of(first, world.shop_of(loaded.connection).key, order_id)
    customers = {loaded.customer_id for loaded in found.values() if loaded.customer_id}
    linked: dict[str, dict[str, str]] = {}
    for row in _among(connection, sa.select(contacts), contacts.c.customer_id, contacts.c.tenant, customers):
        linked.setdefault(row.customer_id, {})[row.channel] = row.state
    count = sa.select(orders.c.customer_id, sa.func.count().label("n")).group_by(orders.c.customer_id)
    had = {
        row.customer_id: row.n for row in _among(connection, count, orders.c.customer_id, orders.c.tenant, customers)
    }
    about = read_about(connection, {order_id: loaded.customer_id for order_id, loaded in found.items()})
    for order_id, loaded in found.items():
        loaded.contacts, loaded.about = linked.get(loaded.customer_id, {}), about[order_id]
        if loaded.rev == 0:
            loaded.doc = replace(loaded.doc, customer_orders=had.get(loaded.customer_id, 0))


def _among(
    connection: sa.Connection, query: sa.Select[Any], column: sa.Column[str], tenant: sa.Column[str], values: set[str]
) -> Sequence[Any]:
    return connection.execute(query.where(tenant == TENANT, column.in_(values))).all() if values else ()


def reachable(world: World, doc: OrderDoc, states: Mapping[str, str]) -> tuple[str, ...]:
    """Channel connections by which a customer can be reached, and the failovers that hold them; `states`: connection →
    open or closed."""
    snapshot = doc.snapshot
    if snapshot is None:
        return ()
    phone = snapshot.customer.phone or (snapshot.address.phone if snapshot.address else "")
    has = {AddressKind.EMAIL: bool(snapshot.customer.email), AddressKind.PHONE: bool(phone)}
    return with_failovers(world, open_channels(world, states, has))


def plan_order(
    order_id: str,
    want: Wanted,
    loaded: Loaded,
    world: World,
    now: datetime,
    read: Mapping[str, Mapping[str, Any]] | None = None,
) -> OrderPlan:
    """Everything that follows for one order from these events and timers. `read`: what is known of timers of homes."""
    plan = OrderPlan(order_id, loaded.rev)
    plan.unreceipted = [int(timer.ref) for timer in want.timers if timer.kind == "receipt"]
    if is_home(order_id):
        return _plan_home(plan, want, loaded, world, now, read or {})
    shop = world.shop_of(loaded.connection) if loaded.connection in world.config.connections else None
    if shop is None:
        return _homeless(plan, want, loaded)
    remapped = {key: old for event in want.events if event.refold for key, old in former(event.body).items()}
    earlier = world.before_remap(remapped) if remapped else world
    before = view(order_id, loaded.connection, loaded.doc, loaded.facts, earlier)
    loaded.doc = with_ids(loaded.doc, order_id, before.shipments)  # a release before this kept none
    doc, all_facts, new = _learn(want, loaded, world)
    news = [event.news for event in want.events if event.news is not None]
    changed = len(news) < len(want.events)
    plan.customer_was = _whose(loaded, doc, shop.key, order_id)
    plan.consents = _consents(loaded.doc.snapshot, doc.snapshot, anew=bool(plan.customer_was))
    for at, given in plan.consents:
        loaded.about = replace(loaded.about, standing=loaded.about.standing.told_by_order(at, given))
    needless = said_in_between(all_facts, lambda fact: _value_of(fact, world))
    after = view(order_id, loaded.connection, doc, all_facts, world) if changed else before
    if changed:
        doc = with_ids(doc, order_id, after.shipments)
        _write_order(plan, order_id, shop, loaded, doc, after, now)
        plan.facts = [(fact, event_id) for fact, event_id in new if (fact.subject, fact.key) not in needless]
        plan.needless = sorted(needless & {(fact.subject, fact.key) for fact in loaded.facts})
        plan.unmapped = _unmapped(new, world, order_id, now)
        plan.lines = [*_status_lines(new, after, needless, world, now), *_undone_lines(new, before, after)]
        plan.numbers = sorted({leg.number.number for leg in after.legs})
        plan.polls = questions(after, world, now)
    known = (None if loaded.rev == 0 else before) if changed else after
    live = any(event.mode is Mode.LIVE for event in want.events if event.news is None)
    if live and not remapped and (world.hears(ORDER_CHANGED) or world.hears(SHIPMENT_CHANGED)):
        news += changes(known, after, now - world.config.contact.fresh)
    watched = Watched(
        known,
        after,
        world,
        shop,
        now,
        anew=any(event.refold for event in want.events),
        counts_from=(loaded.created_at or now) if doc.imported else None,
        live=live or not changed,
        told_since=loaded.told_since,
    )
    clocks = clocks_of(watched, want.timers if loaded.rev else ())
    situation = Situation(
        before=known,
        after=after,
        world=world,
        now=now,
        created_at=loaded.created_at or now,
        customer_id=loaded.customer_id,
        reach=reachable(world, doc, loaded.contacts),
        open_escalations=loaded.open_escalations,
        matters=loaded.escalations,
        surveys=loaded.surveys,
        remapped=remapped.keys(),
        speaking=loaded.speaking,
        news=[*news, *clocks.occasions] if loaded.rev else clocks.occasions,
        errands=loaded.errands,
        ended=frozenset(timer.ref for timer in want.timers if timer.kind == "errand"),
        about=loaded.about,
    )
    plan.reaction = react(situation, loaded.runs, loaded.run_keys, _due_runs(want))
    plan.reaction.timers += clocks.timers
    if changed:
        plan.notices = notices_of(new, before, after, plan.reaction, shadow=world.shadow)
        if plan.notices and after.gone and not before.gone:
            plan.lines.append({"kind": "note", "subject": "", "at": now, "doc": {"text": after.gone}})
    return _with_clocks(plan, want, loaded, world, now, shop)


def _due_runs(want: Wanted) -> frozenset[str]:
    return frozenset(timer.ref for timer in want.timers if timer.kind == "run")


def _with_clocks(plan: OrderPlan, want: Wanted, loaded: Loaded, world: World, now: datetime, shop: Shop) -> OrderPlan:
    """The same, with what staff are told of the runs, and with what the clocks of open matters bring."""
    plan.notices += notices_of_runs(plan.reaction, now)
    plan.fired_timers = [timer.id for timer in want.timers]
    plan.rested = [timer.ref for timer in want.timers if timer.kind == "survey"]
    for timer in want.timers:
        if timer.kind in ("acknowledge", "due") and timer.ref in loaded.escalations:
            _climb(plan, loaded, timer.ref, timer.kind, world, now, shop.timezone)
    return plan


def _plan_home(
    plan: OrderPlan,
    want: Wanted,
    loaded: Loaded,
    world: World,
    now: datetime,
    read: Mapping[str, Mapping[str, Any]],
) -> OrderPlan:
    """What follows for runs that no order belongs to: those of a connection, of a shop."""
    shop = shop_of_home(plan.order_id, world)
    nothing = nothing_of(plan.order_id)
    clocks = rung(want.timers, read, world, now)
    told = [event.news for event in want.events if event.news is not None]
    happened = [each for each in clocks.occasions if not _is_known(each, loaded, world)]
    situation = Situation(
        before=nothing,
        after=nothing,
        world=world,
        now=now,
        created_at=now,
        customer_id="",
        open_escalations=loaded.open_escalations,
        matters=loaded.escalations,
        speaking=loaded.speaking,
        news=[*told, *happened],
    )
    plan.reaction = react(situation, loaded.runs, loaded.run_keys, _due_runs(want))
    plan.reaction.timers += clocks.timers
    return _with_clocks(plan, want, loaded, world, now, shop)


def claims_at_homes(
    wanted: Mapping[str, Wanted], read: Mapping[str, Mapping[str, Any]], world: World, now: datetime
) -> set[str]:
    """Keys of the runs that would start at homes by what happened there, and by timers that have run out."""
    homes = [want for home, want in wanted.items() if is_home(home)]
    told = [event.news for want in homes for event in want.events if event.news is not None]
    rang = [occasion for want in homes for occasion in rung(want.timers, read, world, now).occasions]
    return {
        run_key(realm(name, in_shadow(flow, world)), occasion)
        for occasion in (*told, *rang)
        for flow in world.flows_by_word.get(occasion.word, ())
        for name in (flow.name, *flow.was)
    }


def _is_known(occasion: Occasion, loaded: Loaded, world: World) -> bool:
    """Whether the one flow that it is for has run because of it."""
    flow = world.config.flows[occasion.flow]
    return run_key(realm(flow.name, in_shadow(flow, world)), occasion) in loaded.run_keys


def _homeless(plan: OrderPlan, want: Wanted, loaded: Loaded) -> OrderPlan:
    """The order's shop is not in the file: what is said of it and what is due for it waits until it is."""
    waits = [timer.id for timer in want.timers if timer.kind != "receipt" and loaded.rev]
    plan.postponed = waits
    plan.fired_timers = [timer.id for timer in want.timers if timer.id not in waits]
    plan.homeless = f"there is no shop '{loaded.connection}' any more" if loaded.rev else ""
    return plan


def _climb(plan: OrderPlan, loaded: Loaded, uid: str, kind: str, world: World, now: datetime, zone: Any) -> None:
    row = loaded.escalations[uid]
    rows = climb(row, kind, world, now, zone)
    if rows.escalation:
        loaded.escalations[uid] = rows.escalation  # both clocks may run out at once, and each climbs from where it is
        plan.climbed.append((row, rows.escalation, kind))
        plan.lines.append(history_line(uid, climbed_text(row, rows.escalation, kind), now))
    if rows.line:
        plan.lines.append({"kind": "note", "subject": "", "at": now, "doc": {"text": rows.line}})
    plan.reaction.messages += rows.messages
    plan.reaction.timers += rows.timers


def _learn(
    want: Wanted, loaded: Loaded, world: World
) -> tuple[OrderDoc, list[StoredFact], list[tuple[StoredFact, int]]]:
    """The document and all facts after these events, and of the facts those that are new, each with its event."""
    doc, known = loaded.doc, {(fact.subject, fact.key): fact for fact in loaded.facts}
    new: dict[tuple[str, str], tuple[StoredFact, int]] = {}
    for event, record in want.records:
        doc = learn(doc, believed(record, event.received_at), imported=event.mode == "import")
        who = Witness(event.connection, world.level(event.connection), event.received_at, event.mode)
        new |= {(fact.subject, fact.key): (fact, event.id) for fact in take_in(known, facts_of(record, who))}
    return doc, list(known.values()), list(new.values())


def _value_of(fact: StoredFact, world: World) -> Status | None:
    found = world.meaning(fact.source, fact.native.vocabulary, fact.native.code)
    return found.meaning.status if found is not None else None


def _whose(loaded: Loaded, doc: OrderDoc, shop: str, order_id: str) -> str:
    """The customer whose order it was until its address was corrected; empty: it is whose it was. What it is told from
    now on, and the links in it, are the new one's."""
    before, after = loaded.doc.snapshot, doc.snapshot
    if before is None or after is None:
        return ""
    was, now = (each.customer.email.strip().lower() or each.customer.phone.strip() for each in (before, after))
    if not was or not now or was == now or bool(before.customer.email) != bool(after.customer.email):
        return ""  # a part that is only left out, or told later, makes nobody another person
    former, loaded.customer_id = loaded.customer_id, customer_id_of(after, shop, order_id)
    loaded.contacts, loaded.about = {}, replace(NOTHING_KNOWN, order_tags=loaded.about.order_tags)
    return former


def _consents(before: OrderSnapshot | None, after: OrderSnapshot | None, *, anew: bool) -> list[tuple[datetime, bool]]:
    """What an order newly says of marketing, and when its customer said it. An order without a tick says nothing: not
    to be asked is not to refuse. A tick that the shop takes back later is a refusal."""
    if after is None:
        return []
    allows = after.customer.accepts_marketing
    if before is None or anew:
        return [(after.placed_at, True)] if allows else []
    return [(after.version, allows)] if before.customer.accepts_marketing is not allows else []


def customer_id_of(snapshot: OrderSnapshot, shop: str, order_id: str) -> str:
    """One person of one shop: by e-mail, else phone, else the platform's own reference, else only this order."""
    customer = snapshot.customer
    identity = customer.email.strip().lower() or customer.phone.strip() or customer.ref or order_id
    return key_of(shop, identity)[:24]


def _write_order(
    plan: OrderPlan, order_id: str, shop: Shop, loaded: Loaded, doc: OrderDoc, after: OrderView, now: datetime
) -> None:
    snapshot = doc.snapshot
    plan.row = {
        "id": order_id,
        "slot": slot_of(order_id),
        "shop": shop.key,
        "connection": loaded.connection,
        "ref": order_id.partition(":")[2],
        "number": snapshot.number if snapshot else "",
        "customer_id": loaded.customer_id,
        "headline": "" if doc.merged_into else after.headline.value.value,  # the other order's speaks for it
        "order_status": after.order.state.value if after.order.state else "",
        "payment_status": after.effective_payment.value if after.effective_payment else "",
        "doc": dump(doc),
        "created_at": loaded.created_at or now,
        "updated_at": now,
    }
    if (loaded.rev == 0 or plan.customer_was) and snapshot is not None:
        plan.customer = {
            "id": loaded.customer_id,
            "shop": shop.key,
            "name": snapshot.customer.name,
            "email": snapshot.customer.email,
            "phone": phone_of(snapshot, shop),
            "locale": snapshot.customer.locale,
            "created_at": now,
        }


def _unmapped(
    new: Sequence[tuple[StoredFact, int]], world: World, order_id: str, now: datetime
) -> list[dict[str, Any]]:
    return [
        {
            "connection": fact.source,
            "vocabulary": fact.native.vocabulary,
            "code": fact.native.code,
            "label": fact.native.label,
            "example": example_of(order_id, fact),
            "at": now,
            "told": fact.mode is Mode.LIVE,
        }
        for fact, _ in new
        if not fact.retracts and world.meaning(fact.source, fact.native.vocabulary, fact.native.code) is None
    ]


def _status_lines(
    new: Sequence[tuple[StoredFact, int]],
    after: OrderView,
    needless: set[tuple[str, str]],
    world: World,
    now: datetime,
) -> list[dict[str, Any]]:
    """A timeline line for each new fact: what became of it in the light of all that is known."""
    events = {fact.key: (fact, event_id) for fact, event_id in new}
    lines = []
    for axis, subject, folded in after.axes():
        for line in folded.lines:
            if line.fact.key not in events or line.verdict is Verdict.NOTHING:
                continue
            fact, event_id = events[line.fact.key]
            if (fact.subject, fact.key) in needless:
                continue
            doc = {
                "axis": axis.value,
                **_native(fact),
                "verdict": line.verdict.value,
                "before": _word(line.before),
                "after": _word(line.after),
                "value": _word(line.fact.value),
                "reason": line.fact.reason.value if line.fact.reason else None,
                "clock": fact.clock or None,
                "precision": None if fact.precision is Precision.SECOND else fact.precision.value,
                "old_news": _is_old_news(line, subject, after, world, now) or None,
            }
            lines.append({"kind": "status", "subject": subject, "at": fact.at, "event_id": event_id, "doc": doc})
    return lines


def _undone_lines(new: Sequence[tuple[StoredFact, int]], before: OrderView, after: OrderView) -> list[dict[str, Any]]:
    """A timeline line for each word that was taken back: how its subject stood, and how it stands without it."""
    lines = []
    for each in taken_back(new, before, after):
        doc = {
            "axis": each.axis.value,
            **_native(each.fact),
            "verdict": Verdict.RETRACTED.value,
            "before": _word(each.before),
            "after": _word(each.after),
            "value": _word(each.fact.value),
        }
        lines.append(
            {"kind": "status", "subject": each.subject, "at": each.by.at, "event_id": each.event_id, "doc": doc}
        )
    return lines


def _native(fact: StoredFact | Fact) -> dict[str, Any]:
    """What was said, in the source's own words, and by whom."""
    native, text = fact.native, fact.text if isinstance(fact, StoredFact) else ""
    return {"native": f"{native.vocabulary}:{native.code}", "label": native.label or text, "source": fact.source}


def _word(status: Status | None) -> str | None:
    return status.value if status is not None else None


def _is_old_news(line: Line, subject: str, after: OrderView, world: World, now: datetime) -> bool:
    """Whether a move became known when it was no news any more (STATUS.md 7, freshness)."""
    if line.verdict is not Verdict.MOVE or line.after is None:
        return False
    shipment = next((each for each in after.shipments if each.id == subject), None)
    told = deadline_of(shipment, world) if shipment else None
    return not is_fresh(line.after, line.fact.at, now, world.config.contact.fresh, told.at if told else None)
