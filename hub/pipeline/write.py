"""Write what was decided, in the caller's transaction. Every insert ignores what is there already: keys are content;
only a fact takes the place of a greater record of its key.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from hub.flows.model import Severity
from hub.store.consents import AT_THE_TILL, MARKETING, set_consent
from hub.store.database import insert_new, upsert
from hub.store.errands import stop_errands, try_again
from hub.store.queries import count_dead, orders_of
from hub.store.rows import change_row, rows_of
from hub.store.tables import (
    TENANT,
    InboxState,
    Utc,
    customers,
    errands,
    escalations,
    facts,
    flow_versions,
    inbox,
    messages,
    numbers,
    orders,
    polls,
    runs,
    slot_of,
    slot_of_subject,
    surveys,
    timeline,
    timers,
    watches,
)

from .asking import pace
from .batch import Batch, OrderPlan
from .claims import write_claims
from .customer import write_marks
from .documents import dump, load
from .ladder import history_line
from .listen import message_moved, status_changed
from .matters import OVERDUE_WORD, report_matter, ring_now
from .news import home_of, report
from .people import write_channel
from .plain import number_of, to_plain
from .questions import ORDERED, ordered
from .react import RunRow
from .remap import look_again
from .rewatch import look_at_some
from .shadow import write_messages
from .staff import tell_notice, tell_unmapped
from .states import done_with
from .surveys import rested
from .unmapped import add_seen
from .world import World

WAITS = "|waits:"
"""Marks the dedupe key of a copy of an event that waits for one more order or parcel."""
HOMELESS = timedelta(hours=1)
"""How long a timer waits whose order's shop is not in the file."""
NO_RECEIPT = "no receipt in time"
STATUS_UNMAPPED = "status.unmapped"


_UNCHANGED = sa.update(orders).where(
    orders.c.tenant == TENANT, orders.c.id == sa.bindparam("order_id"), orders.c.rev == sa.bindparam("seen")
)
"""The order is as it was when this was decided."""


class StaleError(Exception):
    """An order changed between reading and writing; read again."""


def write_batch(connection: sa.Connection, dialect: str, batch: Batch, world: World, now: datetime) -> None:
    """All of a batch; raises `StaleError` when an order it was decided on has changed since."""
    write = _Write(connection, dialect, world, now)
    for plan in batch.orders:
        write.order(plan)
    write.events(batch)  # before the rows: an order in this very batch may take up an orphan of it
    write.rows(batch.orders)
    for event, record in batch.channel:
        write_channel(connection, dialect, event.connection, event.id, record, world, now)
    for told in batch.own:
        report(connection, dialect, world, now=now, **told.arguments())
    for body in batch.rewatch:
        look_at_some(connection, dialect, body, now)
    for source, kind, ref in batch.rereads:
        write.poll_soon(source, kind, ref)


class _Write:
    def __init__(self, connection: sa.Connection, dialect: str, world: World, now: datetime) -> None:
        self.connection, self.dialect, self.world, self.now = connection, dialect, world, now

    def order(self, plan: OrderPlan) -> None:
        if plan.row is None:
            return
        if plan.rev == 0:
            row = {"tenant": TENANT, "rev": 1, **plan.row}
            done = self.connection.execute(insert_new(orders, self.dialect), row)
        else:
            row = {name: value for name, value in plan.row.items() if name not in ("id", "created_at")}
            decided_on = {"order_id": plan.order_id, "seen": plan.rev}
            done = self.connection.execute(_UNCHANGED, {**row, "rev": plan.rev + 1, **decided_on})
        if done.rowcount != 1:
            raise StaleError(plan.order_id)

    def rows(self, plans: Sequence[OrderPlan]) -> None:
        reactions = [plan.reaction for plan in plans]
        first_seen = [plan.row for plan in plans if plan.row and plan.rev == 0]
        for source in sorted({row["connection"] for row in first_seen}):
            refs = [f"order:{row['ref']}" for row in first_seen if row["connection"] == source]
            self._wake_orphans(refs, source)
        if self.world.tells_events:  # a warehouse knows orders by their number
            self._wake_orphans([f"order:{row['number']}" for row in first_seen], None)
        self._ordered(plan for plan in plans if plan.row and plan.rev == 0)
        self._insert(customers, ({"tenant": TENANT, **plan.customer} for plan in plans if plan.customer))
        self._facts(plans)
        for plan in plans:
            if plan.needless:
                which = sa.tuple_(facts.c.subject, facts.c.key).in_(plan.needless)
                self.connection.execute(
                    sa.delete(facts).where(facts.c.tenant == TENANT, facts.c.order_id == plan.order_id, which)
                )
            for word in plan.reaction.words:
                status_changed(self.connection, plan.order_id, word)
            self._hand_over(plan)
            self._consents(plan)
            self._numbers(plan)
            self._unmapped(plan)
            for notice in plan.notices:
                self._notice(plan.order_id, *notice)
        self._polls(row for plan in plans for row in plan.polls)
        self._insert(
            flow_versions,
            (
                {"tenant": TENANT, "version": version, "name": flow.name, "source": flow.source}
                for reaction in reactions
                for version, flow in reaction.versions.items()
            ),
        )
        self._runs(plans)
        if not write_claims(self.connection, self.dialect, [row for reaction in reactions for row in reaction.claims]):
            raise StaleError("a claim")
        write_marks(
            self.connection, self.dialect,
            [row for reaction in reactions for row in reaction.mutes],
            [row for reaction in reactions for row in reaction.tags],
        )  # fmt: skip
        said = (row for reaction in reactions for row in reaction.messages)
        write_messages(self.connection, self.dialect, self.world, said)
        self._errands([row for reaction in reactions for row in reaction.errands])
        self._insert(escalations, (row for reaction in reactions for row in reaction.escalations))
        self._insert(surveys, (row for reaction in reactions for row in reaction.surveys))
        new = [pair for reaction in reactions for pair in reaction.watches]
        self._insert(watches, (watch for watch, _ in new))
        self._insert(timers, (timer for _, timer in new))
        for key, changed in (each for reaction in reactions for each in reaction.looked_at.items()):
            change_row(self.connection, watches.c.key, key, changed)
        self._escalations(plans)
        self._timers(plans)
        for message_id in (each for plan in plans for each in plan.unreceipted):
            self._next_channel(message_id)
        for survey in (each for plan in plans for each in plan.rested):
            rested(self.connection, self.dialect, survey, self.world, self.now)
        self._timeline(plans)

    def _ordered(self, new: Iterable[OrderPlan]) -> None:
        """Other orders of the same customers hear of the new ones (FLOWS 3)."""
        if not self.world.hears(ORDERED):
            return
        rows = [plan.row for plan in new if plan.row is not None]
        seen = [(row["id"], row["customer_id"], load(row["doc"]).snapshot) for row in rows]
        placed = [(order_id, customer, each.placed_at) for order_id, customer, each in seen if each is not None]
        ordered(self.connection, self.dialect, self.world, placed, self.now)

    def _insert(self, table: sa.Table, rows: Iterable[dict[str, Any]]) -> None:
        rows = list(rows)
        if rows:
            self.connection.execute(insert_new(table, self.dialect), rows)

    def _notice(self, order_id: str, occasion: str, subject: str, notice: Mapping[str, Any]) -> None:
        """What a person should look at. A flow of the merchant's own that listens to it speaks in the hub's place."""
        word = f"status.{notice['kind']}"
        report(
            self.connection, self.dialect, self.world, home=order_id, word=word, kind="order", subject=order_id,
            occurrence=number_of(occasion), at=self.now, now=self.now,
        )  # fmt: skip
        if not self.world.speaks(word, order_id.partition(":")[0]):
            tell_notice(
                self.connection, self.dialect, occasion, notice, self.world, self.now,
                order_id=order_id, subject=subject,
            )  # fmt: skip

    def _errands(self, rows: Sequence[dict[str, Any]]) -> None:
        """What is to be done outside. A step that is done again, because its run was resumed there, is tried again
        under the same key, and says the same."""
        if rows:
            self._insert(errands, rows)
            try_again(self.connection, self.now, errands.c.key.in_([row["key"] for row in rows]))

    def _facts(self, plans: Sequence[OrderPlan]) -> None:
        rows = [_fact_row(plan.order_id, *each) for plan in plans for each in plan.facts]
        if rows:
            keys, change = ("tenant", "order_id", "subject", "key"), ("source", "vocabulary", "code", "doc", "event_id")
            self.connection.execute(upsert(facts, self.dialect, keys=keys, change=change), rows)

    def _hand_over(self, plan: OrderPlan) -> None:
        """What waits to be said about an order is for whose it is now."""
        if plan.customer_was and plan.row:
            theirs = sa.update(messages).where(messages.c.tenant == TENANT, messages.c.order_id == plan.order_id)
            due = theirs.where(
                sa.text("messages.state IN ('due', 'held')"), messages.c.customer_id == plan.customer_was
            )
            self.connection.execute(due.values(customer_id=plan.row["customer_id"]))

    def _consents(self, plan: OrderPlan) -> None:
        for at, given in plan.consents:
            assert plan.row is not None
            set_consent(
                self.connection, self.dialect, customer_id=plan.row["customer_id"], cls=MARKETING, given=given, at=at,
                how=AT_THE_TILL,
            )  # fmt: skip

    def _numbers(self, plan: OrderPlan) -> None:
        if plan.row is None:
            return
        held = {row.number for row in rows_of(self.connection, numbers.c.order_id, [plan.order_id] if plan.rev else ())}
        new = [number for number in plan.numbers if number not in held]
        self._insert(numbers, ({"tenant": TENANT, "number": number, "order_id": plan.order_id} for number in new))
        self._wake_orphans([f"parcel:{number}" for number in new], None)
        self._tell_again(plan.order_id, new)
        if (new or plan.rev == 0) and self._dead_letters:
            count_dead(self.connection, plan.order_id)
        self._ask_no_more(plan.order_id, held - set(plan.numbers))

    @cached_property
    def _dead_letters(self) -> bool:
        """Whether there is any that an order could be incomplete by; asked once, after those of this batch are written:
        a shop without one is not asked for each of its new orders."""
        return (
            self.connection.execute(sa.select(inbox.c.id).where(sa.text("inbox.state = 9")).limit(1)).first()
            is not None
        )

    def _ask_no_more(self, order_id: str, gone: set[str]) -> None:
        """Numbers that were replaced (a typo, a new label) end their questions, unless another order holds them."""
        if not gone:
            return
        query = sa.select(numbers.c.number).where(numbers.c.number.in_(gone), numbers.c.order_id != order_id)
        others = {row.number for row in self.connection.execute(query.where(numbers.c.tenant == TENANT))}
        parcels = sa.update(polls).where(polls.c.tenant == TENANT, polls.c.kind == "parcel")
        self.connection.execute(parcels.where(polls.c.ref.in_(gone - others)).values(state=1, until_at=self.now))

    def _tell_again(self, order_id: str, new: list[str]) -> None:
        """A number that another order holds already: the carrier's unchanged answer would count as known, so what it
        said is read once more, now for this order too."""
        if not new:
            return
        others = sa.select(numbers.c.order_id, numbers.c.number).where(
            numbers.c.tenant == TENANT, numbers.c.number.in_(new), numbers.c.order_id != order_id
        )
        for row in self.connection.execute(others).all():
            self._share_news(order_id, row.order_id, row.number)
            said = sa.select(facts.c.event_id).where(
                facts.c.tenant == TENANT, facts.c.order_id == row.order_id, facts.c.subject == f"n:{row.number}"
            )
            heard = sa.update(inbox).where(inbox.c.id.in_(said.scalar_subquery()), inbox.c.state == InboxState.DONE)
            self.connection.execute(heard.values(state=InboxState.PENDING))

    def _share_news(self, order_id: str, other: str, number: str) -> None:
        """What was told of a number beside its status (place, deadline) may have come with no fact to read again."""
        query = sa.select(orders.c.id, orders.c.doc).where(
            orders.c.tenant == TENANT, orders.c.id.in_((order_id, other))
        )
        docs = {row.id: load(row.doc) for row in self.connection.execute(query)}
        news = docs[other].news.get(number) if other in docs else None
        if news is not None and number not in docs[order_id].news:
            doc = replace(docs[order_id], news={**docs[order_id].news, number: news})
            mine = sa.update(orders).where(orders.c.tenant == TENANT, orders.c.id == order_id)
            self.connection.execute(mine.values(doc=dump(doc), rev=orders.c.rev + 1))
            # What follows from it (a number that the parcel goes on under, above all) is decided in the next batch.
            self._insert(inbox, [look_again(order_id.partition(":")[0], order_id, [], self.now)])

    def _wake_orphans(self, subjects: list[str], source: str | None) -> None:
        """Events that waited for this order or number are taken up."""
        if not subjects:
            return
        wake = sa.update(inbox).where(
            sa.text("inbox.state = 2"), inbox.c.tenant == TENANT, inbox.c.subject.in_(subjects)
        )
        if source is not None:
            wake = wake.where(inbox.c.connection == source)
        self.connection.execute(wake.values(state=InboxState.PENDING))

    def _unmapped(self, plan: OrderPlan) -> None:
        for each in plan.unmapped:
            code = add_seen(self.connection, each, each["at"])
            if each["told"]:  # once per code: what is told has the code for its key
                self._tell_unmapped(each["connection"], each["vocabulary"], code)

    def _tell_unmapped(self, source: str, vocabulary: str, code: str) -> None:
        if self.world.shadow or not self.world.speaks(STATUS_UNMAPPED, source):
            tell_unmapped(self.connection, self.dialect, source, vocabulary, code, self.world, self.now)
        where = self.world.connection(source)
        names = {
            "connection": {"name": source, "kind": where.kind, "plugin": where.plugin},
            "unmapped": {"code": code, "connection": source, "parcels": 1, "first_seen_at": self.now},
        }
        report(
            self.connection, self.dialect, self.world, home=home_of("connection", source), word=STATUS_UNMAPPED,
            kind="connection", subject=source, occurrence=number_of(vocabulary, code), at=self.now, now=self.now,
            names=names,
        )  # fmt: skip

    def _polls(self, rows: Iterable[dict[str, Any]]) -> None:
        wishes = {(row["connection"], row["ref"]): row for row in rows}
        if wishes:
            keys = ("tenant", "connection", "kind", "ref")
            statement = upsert(polls, self.dialect, keys=keys, change=("slot", "every", "slow_at", "until_at", "state"))
            self.connection.execute(statement, list(wishes.values()))
            # A parcel that is to be asked about more often now must not wait out its former pace first.
            latest = sa.bindparam("latest", type_=Utc)
            own = (polls.c.connection == sa.bindparam("of"), polls.c.ref == sa.bindparam("number"))
            parcel = sa.update(polls).where(polls.c.tenant == TENANT, polls.c.kind == "parcel", *own)
            self.connection.execute(
                parcel.where(polls.c.due_at > latest, polls.c.failures == 0).values(due_at=latest),
                [
                    {"of": row["connection"], "number": row["ref"], "latest": self.now + pace(row, self.now)}
                    for row in wishes.values()
                ],
            )

    def poll_soon(self, source: str, kind: str, ref: str) -> None:
        """Ask again about an order or a parcel, now."""
        slot = slot_of_subject(source, f"{kind}:{ref}")
        row = {
            "tenant": TENANT, "slot": slot, "connection": source, "kind": kind, "ref": ref,
            "due_at": self.now, "state": 0,
        }  # fmt: skip
        keys = ("tenant", "connection", "kind", "ref")
        self.connection.execute(upsert(polls, self.dialect, keys=keys, change=("due_at", "state")), [row])

    def _runs(self, plans: Sequence[OrderPlan]) -> None:
        rows = {row.key: (plan.order_id, row) for plan in plans for row in plan.reaction.runs}
        new = [_run_values(order_id, row, self.now) for order_id, row in rows.values() if row.new]
        self._insert(runs, new)
        old = [
            {"b_key": row.key, **{k: v for k, v in _run_values(order_id, row, self.now).items() if k in _MOVES}}
            for order_id, row in rows.values()
            if not row.new
        ]
        if old:
            where = (runs.c.tenant == TENANT, runs.c.key == sa.bindparam("b_key"))
            values: dict[str, Any] = {name: sa.bindparam(name) for name in _MOVES}
            self.connection.execute(sa.update(runs).where(*where).values(values), old)
        silenced = sorted({key for plan in plans for key in plan.reaction.silenced})
        if silenced:
            theirs = (messages.c.tenant == TENANT, messages.c.run_key.in_(silenced))
            for waits in ("messages.state = 'due'", "messages.state = 'held'"):  # each has an index of its own
                stopped = sa.update(messages).where(*theirs, sa.text(waits)).returning(messages.c.id)
                ended = stopped.values(state="suppressed", reason="stopped", finished_at=self.now)
                for message_id in self.connection.execute(ended).scalars().all():
                    message_moved(self.connection, self.dialect, self.world, message_id, "suppressed", self.now)
            stop_errands(self.connection, silenced, self.now)

    def _escalations(self, plans: Sequence[OrderPlan]) -> None:
        for plan in plans:
            for note in plan.reaction.notes:
                self._add_note(note)
            for was, now, kind in plan.climbed:
                mine = sa.update(escalations).where(escalations.c.tenant == TENANT, escalations.c.uid == now["uid"])
                unresolved = mine.where(sa.text("escalations.state <> 'resolved'"))
                done = self.connection.execute(unresolved.values(rung=now["rung"], told=now["told"]))
                if done.rowcount and kind == "due":  # of the rung that did not settle it
                    report_matter(self.connection, self.dialect, OVERDUE_WORD, was, self.world, self.now)

    def _next_channel(self, message_id: int) -> None:
        """Sent, but no receipt came in time: the list goes on; a later receipt only corrects the record."""
        row = self.connection.execute(sa.select(messages).where(messages.c.id == message_id)).first()
        if row is None or row.state != "sent":
            return
        doc = done_with(row.doc, row.connection, NO_RECEIPT)
        values = {"state": "due", "reason": NO_RECEIPT, "due_at": self.now, "tries": 0, "connection": ""}
        self.connection.execute(sa.update(messages).where(messages.c.id == message_id).values(**values, doc=doc))

    def _add_note(self, note: dict[str, Any]) -> None:
        where = (escalations.c.tenant == TENANT, escalations.c.uid == note["uid"])
        row = self.connection.execute(sa.select(escalations).where(*where)).one()
        severity = max(Severity(row.severity), Severity(note["severity"]), key=list(Severity).index).value
        text = f"{row.note}\n{note['note']}".strip()
        self.connection.execute(sa.update(escalations).where(*where).values(note=text, severity=severity))
        self._insert_line(row.order_id, history_line(row.uid, f"raised again: {note['note']}", self.now))
        if severity == Severity.CRITICAL and row.severity != severity:
            ring_now(self.connection, dict(row._mapping), self.world, self.now)

    def _insert_line(self, order_id: str, line: dict[str, Any]) -> None:
        row = {"tenant": TENANT, "order_id": order_id, "recorded_at": self.now, "event_id": None, **line}
        self.connection.execute(sa.insert(timeline).values(**row))

    def _timers(self, plans: Sequence[OrderPlan]) -> None:
        fired = [timer for plan in plans for timer in plan.fired_timers]
        if fired:
            self.connection.execute(sa.update(timers).where(timers.c.id.in_(fired)).values(state=1))
        postponed = [timer for plan in plans for timer in plan.postponed]
        if postponed:
            later = sa.update(timers).where(timers.c.id.in_(postponed))
            self.connection.execute(later.values(due_at=self.now + HOMELESS))
        wishes = {row["key"]: row for plan in plans for row in plan.reaction.timers}
        off = [key for key, row in wishes.items() if row["state"] == 1]
        if off:
            self.connection.execute(
                sa.update(timers).where(timers.c.tenant == TENANT, timers.c.key.in_(off)).values(state=1)
            )
        on = [row for row in wishes.values() if row["state"] == 0]
        if on:
            statement = upsert(timers, self.dialect, keys=("tenant", "key"), change=("due_at", "state"))
            self.connection.execute(statement, on)

    def _timeline(self, plans: Sequence[OrderPlan]) -> None:
        rows = [
            {"tenant": TENANT, "order_id": plan.order_id, "recorded_at": self.now, "event_id": None, **line}
            for plan in plans
            for line in (*plan.lines, *plan.reaction.lines)
        ]
        if rows:
            self.connection.execute(sa.insert(timeline), rows)

    def _wait(self, event_id: int, subject: str) -> None:
        """A copy of an event waits for something else that it speaks of; one for each, however often it is read."""
        row = self.connection.execute(sa.select(inbox).where(inbox.c.id == event_id)).one()
        copy = {name: value for name, value in row._mapping.items() if name != "id"}
        key = f"{row.dedupe_key.partition(WAITS)[0]}{WAITS}{subject}"
        changed = {"dedupe_key": key, "subject": subject, "state": InboxState.ORPHAN, "done_at": None}
        self._insert(inbox, [{**copy, **changed}])

    def events(self, batch: Batch) -> None:
        """What became of the events themselves."""
        if batch.done:
            done = sa.update(inbox).where(inbox.c.id.in_(batch.done))
            self.connection.execute(done.values(state=InboxState.DONE, done_at=self.now))
        for event_id, subject in batch.orphans:
            orphan = sa.update(inbox).where(inbox.c.id == event_id)
            self.connection.execute(orphan.values(state=InboxState.ORPHAN, subject=subject, done_at=None))
        for event_id, subject in batch.waiting:
            self._wait(event_id, subject)
        for event_id, reason in batch.dead:
            dead = sa.update(inbox).where(inbox.c.id == event_id).values(state=InboxState.DEAD, error=reason)
            row = self.connection.execute(dead.returning(inbox.c.connection, inbox.c.subject)).one()
            for order_id in orders_of(self.connection, row.connection, row.subject):
                count_dead(self.connection, order_id)


_MOVES = ("state", "reason", "doc", "ended_at")


def _run_values(order_id: str, row: RunRow, now: datetime) -> dict[str, Any]:
    return {
        "tenant": TENANT,
        "slot": slot_of(order_id),
        "key": row.key,
        "order_id": order_id,
        "flow": row.flow,
        "version": row.version,
        "subject_kind": row.subject_kind,
        "subject": row.subject,
        "word": row.word,
        "occurrence": row.occurrence,
        "state": row.run.state.value,
        "reason": row.run.reason,
        "shadow": int(row.shadow),
        "doc": {"run": row.run.to_json(), "event": to_plain(dict(row.event))},
        "started_at": row.started_at,
        "ended_at": None if row.run.state == "waiting" else now,
    }


def _fact_row(order_id: str, fact: Any, event_id: int) -> dict[str, Any]:
    return {
        "tenant": TENANT,
        "order_id": order_id,
        "subject": fact.subject,
        "key": fact.key,
        "source": fact.source,
        "vocabulary": fact.native.vocabulary,
        "code": fact.native.code,
        "doc": fact.to_json(),
        "event_id": event_id,
    }


ORPHAN_SHOWN_AFTER = timedelta(days=1)
"""An event whose order never came is shown to staff after this long (DESIGN 3)."""
