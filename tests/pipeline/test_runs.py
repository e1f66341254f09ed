"""Runs over a real database: those that waited go on in a newer file, which may lack what their text names; what is
asked again before a message leaves; a matter that is raised twice."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.config.model import Rung
from hub.store import queries
from hub.store.database import Database
from hub.store.tables import InboxState, escalations, flow_versions, inbox, messages, orders, runs, timeline, timers

from .fakes import CONNECTIONS, Desk, Post, connection, notify, order, parcel, world

PACKED = order("09:59", "order.packed")
MANAGER = {"manager": Rung("manager", ("iryna",), ("mail",), timedelta(minutes=15))}
ESCALATES: Mapping[str, Any] = {
    "on": "order.packed", "steps": [{"wait": "1h"}, {"escalate": {"to": "support", "reason": "look"}}],
}  # fmt: skip


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    yield database
    database.close()


def unharmed(it: Desk) -> bool:
    """No event and no timer was set aside."""
    return not it.rows(inbox, inbox.c.state == InboxState.DEAD) and not it.rows(timers, timers.c.state == 9)


def said(it: Desk) -> list[str]:
    return [str(row.doc.get("result") or row.doc.get("text")) for row in it.rows(timeline)]


def ended(it: Desk) -> list[tuple[str, str]]:
    return [(row.state, row.reason) for row in it.rows(runs)]


async def test_a_group_that_left_the_file_harms_no_event_of_the_order(db: Database) -> None:
    it = Desk(db, world({"f": ESCALATES}))
    await it.hear(PACKED)
    it.go_live(world({}, staff=MANAGER))
    await it.wait(minutes=61)
    assert unharmed(it) and ended(it) == [("done", "")]
    assert [row.rung for row in it.rows(escalations)] == ["manager"]
    assert "the staff group support is not in the file any more: manager is told instead" in said(it)
    await it.hear(order("12:00", "order.on_hold"), at="12:00")
    assert [row.order_status for row in it.rows(orders)] == ["on_hold"] and unharmed(it)


async def test_an_open_matter_of_a_group_that_left_the_file_goes_to_who_is_there(db: Database) -> None:
    it = Desk(db, world({"f": ESCALATES}))
    await it.hear(PACKED)
    await it.wait(minutes=61)
    it.go_live(world({}, staff=MANAGER))
    await it.wait(minutes=31)
    told = [row.recipient for row in it.rows(messages, messages.c.template == "staff-escalation")]
    assert told[:2] == ["staff:olena", "staff:iryna"]
    assert [row.rung for row in it.rows(escalations)] == ["manager"]
    assert said(it)[-1] == "the staff group support is not in the file any more: manager is told instead"


async def test_a_run_whose_text_this_version_cannot_read_waits_as_a_dead_letter(db: Database) -> None:
    it = Desk(db, world({"f": ESCALATES}))
    await it.hear(PACKED)
    strange = {"on": "order.packed", "steps": [{"fax": "1h"}]}
    it.db.run(lambda connection: connection.execute(sa.update(flow_versions).values(source=strange)))
    it.go_live(world({}))
    await it.hear(order("10:30", "order.on_hold"), at="10:30")
    assert unharmed(it) and [row.order_status for row in it.rows(orders)] == ["on_hold"]
    ((state, reason),) = ended(it)
    assert state == "parked" and "there is no step 'fax'" in reason
    notices = it.rows(messages, messages.c.template == "staff-notice")
    told = [(row.recipient, row.state, row.order_id) for row in notices]
    assert told == [("staff:iryna", "sent", "shop:1"), ("staff:petro", "sent", "shop:1")]
    assert all("there is no step 'fax'" in letter.text for letter in it.channel("mail").sent)


class Raising(Post):
    """A carrier whose plugin fails on its own numbers."""

    def tracking_url(self, number: str) -> str:
        raise RuntimeError(f"cannot read {number}")


RAISES = [connection("post", Raising) if each.name == "post" else each for each in CONNECTIONS]


async def test_a_parked_run_goes_on_where_it_stands_once_the_cause_is_mended(db: Database) -> None:
    steps = [{"wait": "1h"}, {"escalate": {"to": "support", "reason": "look"}}, notify("packed", via=["mail"])]
    good = world({"f": {"on": "order.packed", "steps": steps}})
    bad = world({"f": {"on": "order.packed", "steps": steps}}, connections=RAISES)
    it = Desk(db, good)
    await it.hear(order("09:59", "order.packed", parcels=(parcel("1", "09:59", numbers=["P1"]),)))
    it.go_live(bad)
    await it.apply.drain()
    it.clock.move_to(it.clock.now() + timedelta(minutes=61))
    await it.apply.drain()
    assert ended(it) == [("parked", "wait:1h failed: RuntimeError; the log names the place")] and unharmed(it)
    it.go_live(good)
    (row,) = it.rows(runs)
    assert it.db.run(lambda connection: queries.replay_run(connection, row.id, it.clock.now()))
    await it.wait(minutes=2)
    assert ended(it) == [("done", "")]
    assert it.messages() == [("packed", "sent", "mail")]


# ------------------------------------------------------------------------------------------------ asked or raised again


@pytest.mark.parametrize(("recheck", "state"), [(True, "suppressed"), (False, "sent")])
async def test_without_recheck_a_condition_counts_only_at_the_trigger(db: Database, recheck: bool, state: str) -> None:
    when = 'order.status == "packed" && !order.gift'
    flow = {"on": "order.packed", "when": when, "steps": [notify("packed", via=["mail"])]}
    it = Desk(db, world({"f": {**flow, "recheck": recheck}}))
    await it.hear(order("10:00", "order.packed"), order("10:00", "order.packed", ref="2", gift=True))
    assert it.messages() == [("packed", "due", "")], "at the trigger it is asked either way: not of the gift"
    await it.hear(order("10:01", "order.on_hold"))
    await it.wait(minutes=2)
    assert [found for _, found, _ in it.messages()] == [state]


@pytest.mark.parametrize("later", [{}, {"f": {"on": "order.packed", "recheck": False, "steps": [notify("packed")]}}])
async def test_a_run_keeps_what_its_own_text_asks_again(db: Database, later: Mapping[str, Any]) -> None:
    asks = {"on": "order.packed", "when": 'order.status == "packed"', "steps": [notify("packed", via=["mail"])]}
    it = Desk(db, world({"f": asks}))
    await it.hear(order("10:00", "order.packed"))
    it.go_live(world(dict(later)))  # the flow leaves the file, or asks nothing again any more
    await it.hear(order("10:01", "order.on_hold"))
    await it.wait(minutes=2)
    assert [found for _, found, _ in it.messages()] == ["suppressed"]


@pytest.mark.parametrize(
    ("first", "second", "presses"),
    [("normal", "critical", "critical"), ("critical", "low", "critical"), ("high", "high", "high")],
)
async def test_a_matter_raised_again_gets_a_note_and_the_higher_severity_and_no_new_clock(
    db: Database, first: str, second: str, presses: str
) -> None:
    def held(severity: str, reason: str) -> Any:
        step = {"escalate": {"to": "support", "reason": reason, "severity": severity, "due": "4h"}}
        return world({"f": {"on": "order.on_hold", "steps": [step]}})

    it = Desk(db, held(first, "once"))
    await it.hear(order("10:00", "order.on_hold"), at="10:01")
    clocks = [(row.kind, row.due_at) for row in it.rows(timers, timers.c.state == 0)]
    it.go_live(held(second, "twice"))
    await it.hear(order("10:05", "order.processing"), at="10:06")
    await it.hear(order("10:10", "order.on_hold"), at="10:11")
    (matter,) = it.rows(escalations)
    assert (matter.reason, matter.note, matter.severity) == ("once", "twice", presses)
    assert [(row.kind, row.due_at) for row in it.rows(timers, timers.c.state == 0)] == clocks
    told = it.rows(messages, messages.c.template == "staff-escalation")
    assert [row.recipient for row in told] == ["staff:olena"], "nobody is called twice for one matter"
