"""The breaker of a flow over a real database: what is usual, what is held, and what becomes of it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from hub.config.model import BreakerRule, Contact
from hub.model import Customer
from hub.pipeline.breaker import (
    add_sent,
    drop,
    forget_hours,
    held_flows,
    held_messages,
    hour_of,
    hours_before,
    limit_of,
    release,
)
from hub.plugin import Transient
from hub.store import queries
from hub.store.database import Database
from hub.store.tables import TENANT, errands, escalations, flow_hours, messages, runs

from .fakes import SHOP, Desk, moment, notify, order, world

CONTACT = Contact(routes={"default": ("mail",)}, settle=timedelta(0), breaker=BreakerRule(floor=3, times=5))
PACKED: Mapping[str, Any] = {"on": "order.packed", "steps": [notify("packed")]}
BRUSSELS = ZoneInfo("Europe/Brussels")


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def desk(db: Database, contact: Contact = CONTACT, *, shadow: bool = False, **flows: Mapping[str, Any]) -> Desk:
    return Desk(db, replace(world({"packed": PACKED, **flows}, contact=contact), shadow=shadow))


async def pack(it: Desk, *refs: int, at: str | None = None) -> None:
    for ref in refs:
        stamp = at or f"10:{ref:02}"
        mail = Customer(email=f"c{ref}@x.example")
        await it.hear(order(stamp, "order.packed", ref=str(ref), customer=mail), at=stamp)


def states(it: Desk) -> list[str]:
    return [row.state for row in it.rows(messages, messages.c.recipient == "customer")]


def let(it: Desk, flow: str = "packed") -> int | None:
    return it.db.run(lambda connection: release(connection, it.db.dialect, flow, it.world, it.clock.now()))


def never(it: Desk, flow: str = "packed") -> int | None:
    return it.db.run(lambda connection: drop(connection, it.db.dialect, flow, "typo", it.world, it.clock.now()))


def usual(it: Desk, flow: str, *sent: int) -> None:
    """What a flow said at this hour one, two, … weeks ago."""
    rows = [
        {
            "tenant": TENANT,
            "flow": flow,
            "shadow": 0,
            "hour": hour_of(it.clock.now() - timedelta(weeks=week)),
            "sent": n,
        }
        for week, n in enumerate(sent, 1)
    ]
    it.db.run(lambda connection: connection.execute(sa.insert(flow_hours), rows))


# ------------------------------------------------------------------------------------------------ what is usual


@pytest.mark.parametrize(
    ("weeks", "most"),
    [((), 50), ((0, 0, 0, 0), 50), ((20, 20, 20, 20), 100), ((1000, 0, 0, 0), 50), ((12, 14), 65), ((9, 400, 30), 150)],
)
def test_the_limit_is_the_floor_or_so_many_times_the_median(weeks: tuple[int, ...], most: int) -> None:
    assert limit_of(BreakerRule(), weeks) == most


def test_the_hours_compared_are_those_on_the_shops_clock_also_when_it_was_changed() -> None:
    monday = datetime(2026, 3, 30, 8, 15, tzinfo=BRUSSELS)  # the clocks went forward on the 29th
    before = hours_before(monday, replace(SHOP, timezone=BRUSSELS))
    assert [each.astimezone(BRUSSELS).isoformat() for each in before] == [
        "2026-03-23T08:00:00+01:00", "2026-03-16T08:00:00+01:00", "2026-03-09T08:00:00+01:00",
        "2026-03-02T08:00:00+01:00",
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------ what is held


async def test_more_than_the_limit_in_an_hour_is_held_and_the_managers_are_asked_once(db: Database) -> None:
    it = desk(db)
    await pack(it, 1, 2, 3)
    assert states(it) == ["sent"] * 3 and it.rows(escalations) == []
    await pack(it, 4, 5)
    assert states(it) == ["sent"] * 3 + ["held"] * 2
    assert it.rows(messages)[3].reason == "the breaker: more than 3 in an hour; see `hub breaker`"
    ((rung, flow, severity, reason),) = [(m.rung, m.flow, m.severity, m.reason) for m in it.rows(escalations)]
    assert (rung, flow, severity) == ("manager", "packed", "high")
    assert reason == "packed has said 3 things in an hour, and at most 3 are usual: the rest is held"
    told = it.rows(messages, messages.c.template == "staff-breaker")
    assert {(row.recipient, row.state) for row in told} == {("staff:iryna", "sent"), ("staff:petro", "sent")}
    assert "The flow packed has sent 3 messages to customers within this hour" in it.channel("mail").sent[-1].text


async def test_it_stays_held_in_the_next_hour_until_somebody_decides(db: Database) -> None:
    it = desk(db)
    await pack(it, 1, 2, 3, 4)
    await pack(it, 5, at="11:30")
    assert states(it)[3:] == ["held", "held"] and len(it.rows(escalations)) == 1


async def test_each_hour_is_counted_anew(db: Database) -> None:
    it = desk(db)
    await pack(it, 1, 2, 3)
    await pack(it, 4, 5, 6, at="11:10")
    assert states(it) == ["sent"] * 6


async def test_what_is_usual_at_this_hour_may_be_said_five_times_over(db: Database) -> None:
    it = desk(db)
    usual(it, "packed", 1, 2, 1, 1)  # a median of 1
    await pack(it, *range(1, 7))
    assert states(it) == ["sent"] * 5 + ["held"]


async def test_a_weeks_old_flow_is_not_measured_by_weeks_before_it_was(db: Database) -> None:
    it = desk(db)
    usual(it, "packed", 2)
    await pack(it, *range(1, 7))
    assert states(it) == ["sent"] * 6


async def test_a_flow_harms_no_other(db: Database) -> None:
    it = desk(db, hold={"on": "order.on_hold", "steps": [notify("on-hold")]})
    await pack(it, 1, 2, 3, 4)
    await it.hear(order("10:10", "order.on_hold", ref="9"), at="10:10")
    assert states(it)[-1] == "sent"


async def test_staff_are_neither_counted_nor_held(db: Database) -> None:
    both = {"on": "order.packed", "steps": [notify("packed"), notify("staff-notice", to="iryna", via=["mail"])]}
    it = desk(db, packed=both)
    await pack(it, 1, 2, 3, 4, 5)
    assert states(it) == ["sent"] * 3 + ["held"] * 2
    assert [row.sent for row in it.rows(flow_hours)] == [3]
    staff = it.rows(messages, messages.c.template == "staff-notice")
    assert "held" not in {row.state for row in staff} and len(staff) == 5


async def test_what_is_urgent_is_held_too(db: Database) -> None:
    it = desk(db, packed={"on": "order.packed", "steps": [notify("packed", urgent=True)]})
    await pack(it, 1, 2, 3, 4)
    assert states(it) == ["sent"] * 3 + ["held"]


async def test_one_message_that_is_tried_again_is_counted_once(db: Database) -> None:
    it = desk(db)
    it.channel("mail").answers = [Transient("busy"), Transient("busy")]
    await pack(it, 1)
    await it.wait(minutes=3)
    assert states(it) == ["sent"] and [row.sent for row in it.rows(flow_hours)] == [1]


async def test_what_would_not_leave_anyway_is_not_held(db: Database) -> None:
    it = desk(db, packed={**PACKED, "when": "order.status == 'packed'"})
    await pack(it, 1, 2, 3)
    late = {"on": "order.packed", "steps": [notify("packed", **{"class": "marketing"})]}
    it.go_live(world({"packed": late}, contact=CONTACT))
    await pack(it, 4)
    assert states(it)[3:] == ["suppressed"] and it.rows(escalations) == []


async def test_without_staff_it_is_held_all_the_same(db: Database) -> None:
    it = Desk(db, world({"packed": PACKED}, contact=CONTACT, staff={}))
    await pack(it, 1, 2, 3, 4)
    assert states(it)[3:] == ["held"] and it.rows(escalations) == []


# ------------------------------------------------------------------------------------------------ what becomes of it


async def test_what_is_released_leaves_and_does_not_hold_itself_again(db: Database) -> None:
    it = desk(db)
    await pack(it, *range(1, 11))
    assert states(it) == ["sent"] * 3 + ["held"] * 7
    assert let(it) == 7
    await it.settle()
    assert states(it) == ["sent"] * 10
    assert [(matter.state, matter.note) for matter in it.rows(escalations)] == [("resolved", "released")]
    assert [(row.sent, row.excused) for row in it.rows(flow_hours)] == [(10, 10)]
    # The breaker is in place again: the same hour may bring as much once more.
    await pack(it, *range(11, 15))
    assert states(it) == ["sent"] * 13 + ["held"] and len(it.rows(escalations)) == 2


async def test_what_is_released_passes_all_guards_again(db: Database) -> None:
    true_yet = {**PACKED, "when": "order.status == 'packed'"}
    stops = {"on": "order.packed", "stop_on": ["payment.paid"], "steps": [notify("on-hold")]}
    it = desk(db, packed=true_yet, stops=stops)
    await pack(it, 1, 2, 3, 4)
    await it.hear(order("10:10", "order.on_hold", ref="4", customer=Customer(email="c4@x.example")), at="10:10")
    assert let(it) == 1
    await it.settle()
    rows = it.rows(messages, messages.c.flow == "packed")
    assert rows[3].state == "suppressed" and rows[3].reason.startswith("no-longer-true")


async def test_what_stops_a_run_stops_what_is_held_of_it(db: Database) -> None:
    it = desk(db, packed={**PACKED, "stop_on": ["payment.paid"]})
    await pack(it, 1, 2, 3, 4)
    await it.hear(
        order("10:10", "order.packed", "payment.paid", ref="4", customer=Customer(email="c4@x.example")), at="10:10"
    )
    assert [(row.state, row.reason) for row in it.rows(messages, messages.c.flow == "packed")][3] == (
        "suppressed", "stopped",
    )  # fmt: skip
    assert [row.state for row in it.rows(runs)] == ["done"] * 4 and it.rows(errands) == []
    assert let(it) == 0 and let(it) is None  # the flow itself was held still


async def test_what_is_dropped_is_never_said_and_the_flow_goes_on(db: Database) -> None:
    it = desk(db)
    await pack(it, 1, 2, 3, 4, 5)
    assert never(it) == 2
    await it.settle()
    rows = it.rows(messages, messages.c.recipient == "customer")
    assert [(row.state, row.reason) for row in rows[3:]] == [("suppressed", "dropped by hand: typo")] * 2
    assert [matter.note for matter in it.rows(escalations)] == ["dropped: typo"]
    await pack(it, 6)
    assert states(it)[-1] == "sent" and never(it) is None


async def test_who_looks_sees_which_flows_are_held_and_what_they_would_say(db: Database) -> None:
    it = desk(db)
    await pack(it, 1, 2, 3, 4)
    (seen,) = it.db.run(held_flows)
    assert seen == {
        "flow": "packed", "shadow": False, "messages": 1, "since": moment("10:04"), "sent": 3, "most": 3,
    }  # fmt: skip
    rows = it.db.run(lambda connection: held_messages(connection, "packed", 10))
    assert [(row.number, row.template) for row in rows] == [("#4", "packed")]
    assert it.db.run(lambda connection: queries.queues(connection, it.clock.now()))["messages held"] == 1


async def test_hours_of_which_nothing_is_asked_any_more_are_forgotten_unless_they_hold(db: Database) -> None:
    it = desk(db)
    await pack(it, 1, 2, 3, 4)
    usual(it, "other", 7)
    later = it.clock.now() + timedelta(weeks=6)
    it.db.run(lambda connection: forget_hours(connection, later))
    assert [row.flow for row in it.rows(flow_hours)] == ["packed"]
    let(it)
    it.db.run(lambda connection: forget_hours(connection, later))
    assert it.rows(flow_hours) == []


def test_nothing_is_written_where_nothing_of_a_flow_left(db: Database) -> None:
    it = desk(db)
    it.db.run(lambda connection: add_sent(connection, it.db.dialect, [], it.clock.now()))
    assert it.rows(flow_hours) == []


# ------------------------------------------------------------------------------------------------ shadow


async def test_a_shadow_counts_for_itself_and_calls_nobody(db: Database) -> None:
    it = desk(db, ghost={**PACKED, "state": "shadow"})
    await pack(it, 1, 2, 3)
    assert {(row.flow, row.shadow, row.sent) for row in it.rows(flow_hours)} == {("packed", 0, 3), ("ghost", 1, 3)}
    await pack(it, 4)
    ghosts = it.rows(messages, messages.c.flow == "ghost", messages.c.recipient == "customer")
    assert [(row.state, row.shadow) for row in ghosts] == [("suppressed", 1)] * 3 + [("held", 1)]
    assert {(matter.flow, matter.state) for matter in it.rows(escalations)} == {("packed", "open"), ("ghost", "shadow")}
    assert let(it, "ghost") == 1
    await it.settle()
    ghosts = it.rows(messages, messages.c.flow == "ghost", messages.c.recipient == "customer")
    assert [(row.state, row.reason) for row in ghosts][-1] == ("suppressed", "shadow")
    assert states(it).count("held") == 1


async def test_a_flow_that_was_in_shadow_begins_live_with_nothing_said(db: Database) -> None:
    it = desk(db, packed={**PACKED, "state": "shadow"})
    await pack(it, 1, 2, 3)
    it.go_live(world({"packed": PACKED}, contact=CONTACT))
    await pack(it, 4, 5, 6)
    assert states(it) == ["suppressed"] * 3 + ["sent"] * 3
