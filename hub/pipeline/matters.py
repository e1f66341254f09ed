"""What people do with a matter: take it, resolve it (perhaps with a choice), hand it over. In the caller's
transaction, and the same from the page behind a link, a button in a chat, and the command line."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from hub.config.model import Shop
from hub.store.database import say_after_commit, upsert
from hub.store.tables import TENANT, escalations, messages, runs, timeline, timers

from .ladder import MATTER, first_told, hand_over, history_line
from .loading import remember
from .news import report, shop_about
from .plain import key_of
from .shadow import SHADOW, write_messages
from .world import World

OVERDUE_WORD = "escalation.overdue"


class Wish(StrEnum):
    """What a person wants of a matter."""

    TAKE = "take"
    RESOLVE = "resolve"
    HAND_OVER = "hand-over"


class Became(StrEnum):
    """What became of it; also the word of the pages that say so."""

    TAKEN = "taken"
    CLOSED = "closed"
    HANDED = "handed"
    SETTLED = "settled"
    """Somebody was there before; nothing has changed."""
    NOBODY = "nobody"
    """There is no such person or group, or no such choice; nothing has changed."""


@dataclass(frozen=True, slots=True)
class Act:
    """One deed: by whom (a person of the file; empty: not known), to whom a matter is given, what was chosen."""

    wish: Wish
    by: str = ""
    note: str = ""
    choice: str = ""
    to: str = ""


def act(connection: sa.Connection, dialect: str, uid: str, deed: Act, world: World, now: datetime) -> Became:
    """Do it, and tell whoever must hear of it: the ladder, the history, and the flows."""
    which = sa.select(escalations).where(escalations.c.tenant == TENANT, escalations.c.uid == uid)
    row = connection.execute(which.with_for_update()).first()
    if row is None or row.state in ("resolved", SHADOW):
        return Became.SETTLED
    doing = _Doing(connection, dialect, dict(row._mapping), world, now)
    match deed.wish:
        case Wish.TAKE:
            return doing.take(deed)
        case Wish.RESOLVE:
            return doing.resolve(deed)
        case Wish.HAND_OVER:
            return doing.hand_over(deed)


class _Doing:
    def __init__(
        self, connection: sa.Connection, dialect: str, matter: dict[str, Any], world: World, now: datetime
    ) -> None:
        self.connection, self.dialect, self.matter = connection, dialect, matter
        self.world, self.now = world, now

    def take(self, deed: Act) -> Became:
        if self.matter["state"] == "acknowledged":
            return Became.TAKEN if deed.by and deed.by == self.matter["owner"] else Became.SETTLED
        self._change(state="acknowledged", acknowledged_at=self.now, owner=deed.by)
        self._stop_clocks(f"acknowledge:{self.matter['uid']}")
        self._history("taken", deed)
        self._report("escalation.acknowledged")
        return Became.TAKEN

    def resolve(self, deed: Act) -> Became:
        if deed.choice and deed.choice not in (self.matter["choices"] or ()):
            return Became.NOBODY
        taken = self.matter["state"] == "acknowledged"
        owner = self.matter["owner"] if taken or not deed.by else deed.by
        note = "\n".join(each for each in (self.matter["note"], deed.note) if each)
        self._change(state="resolved", resolved_at=self.now, owner=owner, note=note, choice=deed.choice)
        self._stop_clocks(f"acknowledge:{self.matter['uid']}", f"due:{self.matter['uid']}")
        self._history("resolved", deed)
        self._report("escalation.resolved")
        return Became.CLOSED

    def hand_over(self, deed: Act) -> Became:
        shop = shop_of_matter(self.matter, self.world)
        rows = hand_over(self.matter, deed.to, self.world, self.now, shop)
        if rows is None:
            return Became.NOBODY
        self._be_silent()
        note = "\n".join(each for each in (self.matter["note"], deed.note) if each)
        changed = ("state", "owner", "acknowledged_at", "rung", "told", "handed")
        self._change(note=note, **{name: rows.escalation[name] for name in changed})
        write_messages(self.connection, self.dialect, self.world, rows.messages)
        clock = upsert(timers, self.dialect, keys=("tenant", "key"), change=("due_at", "state"))
        self.connection.execute(clock, rows.timers)
        self._history("handed over", deed)
        say_after_commit(self.connection, ("wake", "deliver", ""))
        return Became.HANDED

    def _change(self, **values: Any) -> None:
        self.matter |= values
        mine = sa.update(escalations).where(escalations.c.tenant == TENANT, escalations.c.uid == self.matter["uid"])
        self.connection.execute(mine.values(**values))

    def _stop_clocks(self, *keys: str) -> None:
        mine = sa.update(timers).where(timers.c.tenant == TENANT, timers.c.key.in_(keys))
        self.connection.execute(mine.values(state=1))

    def _be_silent(self) -> None:
        """What waits to be said to those who had it is not said any more."""
        for message in waiting_words(self.connection, self.matter):
            mine = sa.update(messages).where(messages.c.id == message.id)
            self.connection.execute(mine.values(state="suppressed", reason="handed over", finished_at=self.now))

    def _history(self, what: str, deed: Act) -> None:
        to = f" to {deed.to}" if deed.to else ""
        by = f" by {deed.by}" if deed.by else ""
        said = "; ".join(each for each in (deed.choice, deed.note) if each)
        text = f"{what}{by}{to}{f': {said}' if said else ''}"
        self.connection.execute(
            sa.insert(timeline).values(
                tenant=TENANT, order_id=self.matter["order_id"], event_id=None, recorded_at=self.now,
                **history_line(self.matter["uid"], text, self.now),
            )
        )  # fmt: skip

    def _report(self, word: str) -> None:
        # A run that waits may have the text of an earlier file, and listen to what no flow of the newest one does.
        waiting = sa.select(runs.c.flow, runs.c.version).where(
            runs.c.tenant == TENANT, runs.c.order_id == self.matter["order_id"], sa.text("runs.state = 'waiting'")
        )
        for each in self.connection.execute(waiting).all():
            remember(self.connection, self.world, each.flow, each.version)
        report_matter(self.connection, self.dialect, word, self.matter, self.world, self.now)


def report_matter(
    connection: sa.Connection, dialect: str, word: str, matter: Mapping[str, Any], world: World, now: datetime
) -> None:
    """Tell the flows what became of a matter: once per rung on which it happened (FLOWS 2.2), and per hand-over."""
    made = sa.select(runs.c.doc).where(runs.c.tenant == TENANT, runs.c.key == matter["run_key"])
    first = first_told(matter, connection.execute(made).scalar())
    once = key_of(TENANT, matter["uid"], word, matter["rung"], matter["handed"])
    report(
        connection, dialect, world, home=matter["order_id"], word=word, kind="escalation", subject=matter["uid"],
        occurrence=int(once[:15], 16), at=now, now=now, run=matter["run_key"],
        names={MATTER: {"uid": matter["uid"], "to": first}},
    )  # fmt: skip


def ring_now(connection: sa.Connection, matter: Mapping[str, Any], world: World, now: datetime) -> None:
    """A matter that has become critical does not wait for anybody's hours."""
    for message in waiting_words(connection, matter):
        mine = sa.update(messages).where(messages.c.id == message.id, messages.c.due_at > now)
        connection.execute(mine.values(due_at=now, reason=""))
    rung = world.config.staff.get(matter["rung"])
    if rung is not None and matter["state"] == "open":
        key, ends = f"acknowledge:{matter['uid']}", now + rung.acknowledge
        mine = sa.update(timers).where(timers.c.tenant == TENANT, timers.c.key == key, sa.text("timers.state = 0"))
        connection.execute(mine.where(timers.c.due_at > ends).values(due_at=ends))


def shop_of_matter(matter: Mapping[str, Any], world: World) -> Shop:
    """The shop on whose clock its times are read."""
    return shop_about(matter["order_id"], world)


def waiting_words(connection: sa.Connection, matter: Mapping[str, Any]) -> list[Any]:
    """Messages about a matter that have not left yet."""
    due = sa.select(messages).where(messages.c.tenant == TENANT, messages.c.order_id == matter["order_id"])
    rows = connection.execute(due.where(sa.text("messages.state = 'due'"))).all()
    return [row for row in rows if row.doc.get("escalation") == matter["uid"]]
