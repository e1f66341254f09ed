"""Another file goes live while runs are under way: each is kept, moved or stopped, as it was decided."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from hub.flows.compile import compile_flow
from hub.flows.moving import fit
from hub.model import Line
from hub.pipeline.versions import Change, carry_out, changes, flows_live, places
from hub.pipeline.world import World
from hub.store import lives
from hub.store.database import Database
from hub.store.tables import errands, file_versions, flow_versions, live_files, messages, runs, timeline, timers

from .fakes import Desk, moment, notify, order, parcel, scan, world

OLD: Mapping[str, Any] = {
    "on": "order.packed", "steps": [notify("order-received"), {"wait": "3d"}, notify("packed")],
}  # fmt: skip
SOONER: Mapping[str, Any] = {
    "on": "order.packed", "steps": [notify("order-received"), {"wait": "1d"}, notify("on-hold")],
}  # fmt: skip
"""The same, with another wait at the same place, and other words behind it."""


def file(flows: Mapping[str, Mapping[str, Any]], digest: str) -> World:
    """A world of flows that came out of a file."""
    made = world(flows)
    return replace(made, config=replace(made.config, digest=digest, sources={"flows.yaml": f"# {digest}"}))


def decide(it: Desk, digest: str, **waiting: str) -> int:
    """`ALL=` stands for every flow."""
    said = {name.replace("ALL", "*"): how for name, how in waiting.items()}
    return it.db.run(lambda connection: lives.decide(connection, digest, said, it.clock.now()))


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


async def begun(db: Database, flows: Mapping[str, Mapping[str, Any]] | None = None) -> Desk:
    """An order whose run has said its first word and waits for three days."""
    it = Desk(db, file(flows or {"f": OLD}, "first"))
    await it.hear(order("09:59", "order.packed"))
    await later(it, minutes=2)
    return it


async def later(it: Desk, **length: float) -> None:
    """So much later, in three steps: what one thing sets off may have to happen before the next."""
    end = it.clock.now() + timedelta(**length)
    for left in (2, 1, 0):
        it.clock.move_to(max(it.clock.now(), end - timedelta(minutes=2 * left)))
        await it.settle()


def told(it: Desk) -> list[str]:
    return [template for template, state, _ in it.messages() if state == "sent"]


def outcome(it: Desk) -> Any:
    return it.rows(live_files)[-1].outcome


async def test_every_live_file_is_kept_with_the_flows_in_it_and_since_when(db: Database) -> None:
    it = await begun(db)
    first = it.clock.now()
    it.go_live(file({"f": SOONER}, "second"))
    it.go_live(file({"f": SOONER}, "second"))
    it.go_live(file({"f": OLD}, "first"))
    assert [(row.digest, row.state) for row in it.rows(live_files)] == [
        ("first", "live"), ("second", "live"), ("first", "live"),
    ]  # fmt: skip
    assert [row.live_at for row in it.rows(live_files)] == [moment("10:00"), first, first]
    assert {row.digest: row.files for row in it.rows(file_versions)} == {
        "first": {"flows.yaml": "# first"}, "second": {"flows.yaml": "# second"},
    }  # fmt: skip
    assert len(it.rows(flow_versions)) == 2


async def test_without_a_word_a_run_keeps_the_text_it_started_with(db: Database) -> None:
    it = await begun(db)
    it.go_live(file({"f": SOONER}, "second"))
    await later(it, days=2)
    assert told(it) == ["order-received"]
    await later(it, days=1, minutes=5)
    assert told(it) == ["order-received", "packed"]


async def test_a_moved_run_waits_and_speaks_as_the_new_text_says_from_when_its_wait_began(db: Database) -> None:
    it = await begun(db)
    await later(it, hours=12)
    decide(it, "second", ALL="move")
    it.go_live(file({"f": SOONER}, "second"))
    await it.settle()
    (timer,) = it.rows(timers, timers.c.kind == "run", timers.c.state == 0)
    (run,) = it.rows(runs)
    assert timer.due_at == run.started_at + (moment("+1 00:00") - moment("00:00"))
    await later(it, hours=13)
    assert told(it) == ["order-received", "on-hold"]
    assert outcome(it) == {"flows": {"f": {"move": 1}}, "misfits": []}
    assert "moved to the text that is live now: wait:1d" in [row.doc.get("result") for row in it.rows(timeline)]


async def test_a_wait_that_would_be_over_by_the_new_text_is_over_at_once(db: Database) -> None:
    it = await begun(db)
    await later(it, days=2)
    decide(it, "second", f="move")
    it.go_live(file({"f": SOONER}, "second"))
    await later(it, minutes=2)
    assert told(it) == ["order-received", "on-hold"]


async def test_a_stopped_run_says_nothing_more_and_what_is_not_on_the_wire_stays(db: Database) -> None:
    it = Desk(db, file({"f": OLD}, "first"))
    await it.hear(order("09:59", "order.packed"))  # its first word settles for a minute
    decide(it, "second", f="stop")
    it.go_live(file({}, "second"))
    await later(it, days=4)
    assert told(it) == []
    assert [(row.state, row.reason) for row in it.rows(messages)] == [("suppressed", "stopped")]
    assert [(row.state, row.reason) for row in it.rows(runs)] == [("stopped", "another file went live")]
    assert not it.rows(timers, timers.c.state == 0)
    assert outcome(it) == {"flows": {"f": {"stop": 1}}, "misfits": []}


async def test_what_a_stopped_run_had_asked_for_outside_is_not_done(db: Database) -> None:
    back = {"on": "order.packed", "steps": [{"write_back": {"note": "packed"}}, {"wait": "3d"}]}
    it = await begun(db, {"f": back})
    decide(it, "second", ALL="stop")
    it.go_live(file({}, "second"))
    assert [(row.state, row.reason) for row in it.rows(errands)] == [("stopped", "its run was stopped")]


async def test_what_does_not_fit_is_kept_and_named(db: Database) -> None:
    it = await begun(db)
    decide(it, "second", ALL="move")
    it.go_live(file({"f": {"on": "order.packed", "steps": [notify("packed")]}}, "second"))
    assert outcome(it)["flows"] == {"f": {"keep": 1}}
    assert outcome(it)["misfits"] == [{"flow": "f", "why": "the step wait:3d is not there any more", "runs": 1}]
    await later(it, days=3, minutes=5)
    assert told(it) == ["order-received", "packed"]


async def test_a_run_of_a_renamed_flow_moves_to_the_new_name(db: Database) -> None:
    it = await begun(db)
    decide(it, "second", ALL="move")
    it.go_live(file({"g": {**SOONER, "was": ["f"]}}, "second"))
    await later(it, days=1, minutes=5)
    assert told(it) == ["order-received", "on-hold"]
    assert [row.flow for row in it.rows(runs)] == ["g"]


async def test_what_is_said_of_all_flows_leaves_those_alone_that_do_not_change(db: Database) -> None:
    other = {"on": "order.packed", "steps": [{"wait": "3d"}, notify("on-hold")]}
    it = await begun(db, {"f": OLD, "g": other})
    decide(it, "second", ALL="stop")
    it.go_live(file({"f": SOONER, "g": other}, "second"))
    assert {row.flow: row.state for row in it.rows(runs)} == {"f": "stopped", "g": "waiting"}
    decide(it, "second", g="stop")
    it.go_live(file({"f": SOONER, "g": other}, "second"))
    assert {row.flow: row.state for row in it.rows(runs)} == {"f": "stopped", "g": "stopped"}


async def test_a_decision_about_one_file_is_not_carried_out_for_another(db: Database) -> None:
    it = await begun(db)
    decide(it, "second", ALL="stop")
    it.go_live(file({"f": SOONER}, "third"))
    assert [row.state for row in it.rows(runs)] == ["waiting"]
    assert [(row.digest, row.state) for row in it.rows(live_files)][1:] == [
        ("second", "withdrawn"), ("third", "live"),
    ]  # fmt: skip
    it.go_live(file({"f": SOONER}, "second"))
    assert [row.state for row in it.rows(runs)] == ["waiting"]


async def test_runs_are_looked_at_as_they_stand_when_the_file_goes_live(db: Database) -> None:
    it = await begun(db)
    decide(it, "second", ALL="stop")
    await it.hear(order("10:30", "order.packed", ref="2"), at="10:30")
    it.go_live(file({}, "second"))
    assert outcome(it)["flows"] == {"f": {"stop": 2}}


async def test_when_going_live_fails_nothing_of_the_decision_is_done(db: Database) -> None:
    it = await begun(db)
    decide(it, "second", ALL="stop")

    def fail(connection: sa.Connection) -> None:
        carry_out(connection, db.dialect, file({}, "second"), {"*": "stop"}, it.clock.now())
        raise RuntimeError

    with pytest.raises(RuntimeError):
        db.run(fail)
    assert [row.state for row in it.rows(runs)] == ["waiting"]
    assert [row.state for row in it.rows(live_files)] == ["live", "waits"]


async def test_a_run_that_waits_for_other_parcels_may_always_move(db: Database) -> None:
    gathers = {"on": "shipment.shipped", "gather": "1h", "steps": [notify("shipped")]}
    it = Desk(db, file({"f": gathers}, "first"))
    lines = tuple(Line(name, f"Thing {name}", Decimal(1)) for name in ("a", "b"))
    first = parcel("a", "09:59", "shipment.shipped", numbers=["X1"], contents=(("a", Decimal(1)),))
    await it.hear(order("09:59", "order.packed", lines=lines, parcels=(first,)))
    assert [row.state for row in it.rows(runs)] == ["waiting"]
    decide(it, "second", ALL="move")
    it.go_live(file({"f": {**gathers, "steps": [notify("on-hold")]}}, "second"))
    await later(it, minutes=70)
    assert told(it) == ["on-hold"]


async def test_a_run_that_waits_for_its_turn_moves_too_and_begins_with_the_new_text(db: Database) -> None:
    failed = {"on": "shipment.delivery_failed", "mode": "queue"}
    it = Desk(db, file({"f": {**failed, "steps": [{"wait": "1d"}, notify("delivery-failed")]}}, "first"))
    await it.hear(order("09:00", "order.packed", parcels=(parcel("a", "09:00", "shipment.shipped", numbers=["P1"]),)))
    await it.hear(scan("P1", "delivery_failed", "10:05"), at="10:05")
    await it.hear(scan("P1", "in_transit", "17:00"), at="17:00")
    await it.hear(scan("P1", "delivery_failed", "18:00"), at="18:00")
    found = it.db.run(lambda connection: places(connection, {}))
    assert [place.step for place in found] == ["wait:1d", "waits for its turn"]
    decide(it, "second", ALL="move")
    it.go_live(file({"f": {**failed, "steps": [{"wait": "2h"}, notify("on-hold")]}}, "second"))
    await later(it, hours=5)
    assert told(it) == ["on-hold"]
    await later(it, hours=5)
    assert told(it) == ["on-hold", "on-hold"]


async def test_where_the_runs_stand_is_counted_by_flow_and_step_with_examples(db: Database) -> None:
    it = await begun(db)
    for number in range(2, 9):
        await it.hear(order("10:30", "order.packed", ref=str(number)), at="10:30")
    (place,) = it.db.run(lambda connection: places(connection, {"f": compile_flow("f", SOONER)}))
    assert (place.flow, place.step, place.to, place.runs, place.why_not) == ("f", "wait:3d", "wait:1d", 8, "")
    assert place.examples == ["#1", "#2", "#3", "#4", "#5"] and not place.same
    (place,) = it.db.run(lambda connection: places(connection, {}))
    assert place.why_not == "there is no flow f any more" and place.unsent == 7


async def test_what_a_file_does_to_the_flows_of_the_live_one(db: Database) -> None:
    it = await begun(db, {"f": OLD, "g": OLD, "h": OLD, "same": OLD})
    new = {"f": SOONER, "k": {**OLD, "was": ["g"]}, "same": OLD, "n": OLD}
    before = it.db.run(flows_live)
    found = changes(before, {name: compile_flow(name, source) for name, source in new.items()})
    assert [(each.flow, each.change, each.now, each.differs) for each in found] == [
        ("f", Change.CHANGED, "f", ("steps",)),
        ("g", Change.RENAMED, "k", ()),
        ("h", Change.GONE, "", ()),
        ("same", Change.SAME, "same", ()),
        ("n", Change.ADDED, "n", ()),
    ]


# ------------------------------------------------------------------------------------------------ where it fits


def moved(old: list[Any], path: tuple[int, ...], new: list[Any]) -> str:
    """Where a run goes on: `path step`, or why not."""
    flows = [compile_flow("f", {"on": "order.packed", "steps": steps}) for steps in (old, new)]
    found = fit(flows[0], path, flows[1])
    return found.why or f"{found.path} {found.step}"


RESTS = {"wait": {"until": "order.placed_at + days(3)", "id": "rests"}}
DAY, WEEK = {"wait": "1d"}, {"wait": "7d"}


@pytest.mark.parametrize(
    ("old", "path", "new", "where"),
    [
        ([RESTS], (0,), [DAY, RESTS], "(1,) rests"),  # by its id, wherever that is
        ([RESTS], (0,), [DAY], "the step rests is not there any more"),
        ([DAY], (0,), [WEEK, DAY], "(1,) wait:1d"),  # the only one of these words
        ([DAY], (0,), [WEEK], "(0,) wait:7d"),  # the same place
        ([DAY], (0,), [RESTS], "(0,) rests"),
        ([DAY], (0,), [notify("packed")], "where wait:1d stood there is notify:packed, at which it cannot wait"),
        ([WEEK, DAY], (1,), [WEEK], "the step wait:1d is not there any more"),
        ([DAY, WEEK, DAY], (2,), [DAY, WEEK], "the step wait:1d#2 is not there any more"),  # which of them is not known
        ([{"choose": [{"else": [DAY]}]}], (0, 0, 0), [{"choose": [{"else": [WEEK]}]}], "(0, 0, 0) wait:7d"),
        ([{"choose": [{"else": [DAY]}]}], (0, 0, 0), [WEEK], "the step wait:1d is not there any more"),
        ([DAY], (4,), [DAY], "it stands at no step of its own text"),
    ],
)
def test_where_a_run_goes_on(old: list[Any], path: tuple[int, ...], new: list[Any], where: str) -> None:
    assert moved(old, path, new) == where
