"""Promises to write again over a real database: what keeps one, what renews it, and when a person is asked."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub.config.model import Contact, PromiseRule, Quiet
from hub.model import Address, Customer
from hub.pipeline.questions import ask
from hub.store.database import Database
from hub.store.tables import escalations, messages, timeline, timers

from .fakes import CONNECTIONS, KYIV, ORDER, Bot, Desk, connection, moment, notify, order, world

CONTACT = Contact(
    routes={"default": ("mail",)}, settle=timedelta(0), promise=PromiseRule("still-on-its-way", "support")
)
PROMISES: Mapping[str, Any] = {"on": "order.packed", "steps": [notify("packed", promise="1d")]}
ON_HOLD: Mapping[str, Any] = {"on": "order.on_hold", "steps": [notify("on-hold")]}
BACK: Mapping[str, Any] = {"on": "order.processing", "steps": [notify("packed", promise="2h")]}


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def desk(db: Database, contact: Contact = CONTACT, **flows: Mapping[str, Any]) -> Desk:
    return Desk(db, world({"packed": PROMISES, **flows}, contact=contact))


def said(it: Desk) -> list[str]:
    """What reached the customer."""
    return [template for template, state, _ in it.messages() if state == "sent"]


def asked(it: Desk) -> list[str]:
    return [f"{row.rung}: {row.reason}" for row in it.rows(escalations)]


def watched(it: Desk) -> list[Any]:
    return [row.due_at for row in it.rows(timers, timers.c.kind == "promise", sa.text("timers.state = 0"))]


async def packed(it: Desk, at: str = "10:00", **more: Any) -> None:
    await it.hear(order(at, "order.packed", **more), at=at)


async def go_to(it: Desk, at: str) -> None:
    """In steps of ten minutes: days pass."""
    while it.clock.now() < moment(at):
        it.clock.move_to(min(it.clock.now() + timedelta(minutes=10), moment(at)))
        await it.settle()


async def test_the_text_knows_by_when_it_promises_more(db: Database) -> None:
    it = desk(db, packed={"on": "order.packed", "steps": [notify("delayed", promise="2d working")]})
    await packed(it)  # a Tuesday
    assert "четверга" in (text := it.channel("mail").sent[0].text) or "четвер" in text
    (row,) = it.rows(messages)
    assert row.doc["promise"]["by"] == moment("+2 10:00").isoformat()
    (due,) = watched(it)  # an hour of work before it runs out, to the minute
    assert due == moment("+2 09:00")


@pytest.mark.parametrize(
    ("made", "promise", "looked"),
    [
        ("10:30", "1d working", "+1 09:30"),
        ("+1 07:10", "1d working", "+1 15:10"),  # until 09:10: most of the last hour of work is the day before's
        ("10:00", "1h", "10:30"),  # an hour before is now
        ("+4 12:00", "1d", "+5 00:00"),  # until Sunday noon: nobody works in between
    ],
)
async def test_it_is_looked_at_a_working_hour_before_it_runs_out_or_half_way(
    db: Database, made: str, promise: str, looked: str
) -> None:
    it = desk(db, packed={"on": "order.packed", "steps": [notify("delayed", promise=promise)]})
    await packed(it, made)
    (due,) = watched(it)
    assert due == moment(looked)


async def test_any_later_message_that_reaches_the_customer_keeps_it(db: Database) -> None:
    it = desk(db, hold=ON_HOLD)
    await packed(it)
    await it.hear(order("12:00", "order.on_hold"), at="12:00")
    await go_to(it, "+3 10:00")
    assert said(it) == ["packed", "on-hold"] and asked(it) == [] and watched(it) == []


async def test_a_later_message_that_reached_nobody_keeps_nothing(db: Database) -> None:
    marketing = {"on": "order.on_hold", "steps": [notify("on-hold", **{"class": "marketing"})]}
    it = desk(db, hold=marketing)
    await packed(it)
    await it.hear(order("12:00", "order.on_hold"), at="12:00")
    await go_to(it, "+1 09:59")
    assert [each[:2] for each in it.messages()] == [
        ("packed", "sent"), ("on-hold", "suppressed"), ("still-on-its-way", "sent"),
    ]  # fmt: skip


async def test_it_is_renewed_before_it_runs_out_twice_in_a_row_then_a_person_is_asked(db: Database) -> None:
    it = desk(db)
    await packed(it)
    await go_to(it, "+1 09:59")
    assert said(it) == ["packed", "still-on-its-way"] and asked(it) == []
    first, second = (row.doc["promise"] for row in it.rows(messages))
    assert (first["again"], second["again"]) == (0, 1) and second["at"] < first["by"]
    assert (first["by"], second["by"]) == (moment("+1 10:00").isoformat(), moment("+2 10:00").isoformat())
    assert "still-on-its-way promises anew" in it.rows(timeline)[-1].doc["text"]
    await go_to(it, "+2 09:59")
    assert said(it) == ["packed", "still-on-its-way", "still-on-its-way"] and asked(it) == []
    await go_to(it, "+5 09:59")
    assert said(it) == ["packed", "still-on-its-way", "still-on-its-way"] and watched(it) == []
    (reason,) = asked(it)
    assert "still-on-its-way promised news by 2026-03-06 12:00" in reason
    assert reason.endswith("renewed 2 times in a row")
    told = it.rows(messages, messages.c.template == "staff-promise")
    assert [(row.recipient, row.state) for row in told] == [("staff:olena", "sent")]
    assert "We promised the customer of order #1 to write" in next(
        each.text for each in it.channel("mail").sent if each.to == "olena@shop.example"
    )


async def test_what_was_said_in_between_begins_the_row_anew(db: Database) -> None:
    it = desk(db, hold={"on": "order.on_hold", "steps": [notify("on-hold", promise="1d")]})
    await packed(it)
    await go_to(it, "+2 09:59")
    assert said(it) == ["packed", "still-on-its-way", "still-on-its-way"]
    await it.hear(order("+2 10:00", "order.on_hold"), at="+2 10:00")
    await go_to(it, "+4 09:59")
    assert said(it)[3:] == ["on-hold", "still-on-its-way", "still-on-its-way"] and asked(it) == []


async def test_who_waits_for_an_answer_is_not_told_that_there_is_nothing_new(db: Database) -> None:
    it = desk(db)
    await packed(it)
    (row,) = it.rows(messages)
    await it.db.write(
        lambda connection: ask(
            connection, it.db.dialect, it.world, customer_id=row.customer_id, order_id=ORDER, channel="mail",
            topic="other", text="Well?", occasion="1", at=it.clock.now(), now=it.clock.now(),
        )
    )  # fmt: skip
    await go_to(it, "+1 09:59")
    assert said(it) == ["packed"]
    assert [each.rpartition(": ")[2] for each in asked(it)] == ["a question is open"]


async def test_without_a_rule_a_person_is_asked(db: Database) -> None:
    it = desk(db, replace(CONTACT, promise=None))
    await packed(it)
    await go_to(it, "+1 09:59")
    assert said(it) == ["packed"] and [each.partition(":")[0] for each in asked(it)] == ["manager"]


async def test_a_second_promise_of_an_order_adds_to_the_matter_that_is_open(db: Database) -> None:
    it = desk(db, replace(CONTACT, promise=replace(CONTACT.promise, at_most=0)), back=BACK)  # type: ignore[type-var]
    await packed(it)
    await go_to(it, "+1 09:59")
    await it.hear(order("+1 10:00", "order.processing"), at="+1 10:00")
    await go_to(it, "+1 14:00")
    (matter,) = it.rows(escalations)
    assert "packed promised news by 2026-03-04 14:00" in matter.note


@pytest.mark.parametrize("status", ["order.cancelled", "order.completed"])
async def test_it_ends_with_the_order(db: Database, status: str) -> None:
    delivered = replace(CONNECTIONS[0], completed_means="delivered")
    it = Desk(db, world({"packed": PROMISES}, contact=CONTACT, connections=(delivered, *CONNECTIONS[1:])))
    await packed(it)
    await it.hear(order("12:00", status), at="12:00")
    await go_to(it, "+3 10:00")
    assert said(it) == ["packed"] and asked(it) == []


async def test_what_is_promised_after_the_end_holds_all_the_same(db: Database) -> None:
    late = {"on": "order.cancelled", "steps": [notify("order-cancelled", promise="1d")]}
    it = desk(db, late=late)
    await it.hear(order("10:00", "order.cancelled"), at="10:00")
    await go_to(it, "+1 09:59")
    assert said(it) == ["order-cancelled", "still-on-its-way"]


async def test_a_moment_that_is_not_known_or_has_passed_promises_nothing(db: Database) -> None:
    promises = {
        f"f{count}": {"on": "order.packed", "steps": [notify("delayed", promise=each)]}
        for count, each in enumerate(("order.eta", "order.placed_at"))
    }
    it = Desk(db, world(promises, contact=CONTACT))
    await packed(it)
    assert said(it) == ["delayed", "delayed"] and watched(it) == []
    assert [each for each in it.rows(messages) if "promise" in each.doc] == []


async def test_a_moment_is_promised_as_it_stands_when_the_message_leaves(db: Database) -> None:
    it = desk(db, packed={"on": "order.packed", "steps": [notify("packed", promise="at(now, '18:00', shop.timezone)")]})
    await packed(it)
    assert it.rows(messages)[0].doc["promise"]["by"] == moment("16:00").isoformat()
    await go_to(it, "15:59")
    assert said(it) == ["packed", "still-on-its-way"]
    assert it.rows(messages)[1].doc["promise"]["length"] == [6 * 3600, 0, False]


async def test_it_survives_a_restart_and_what_ran_out_meanwhile_is_renewed(db: Database) -> None:
    it = desk(db)
    await packed(it)
    it = Desk(db, it.world)
    it.clock.move_to(moment("+1 12:00"))
    await it.settle()
    assert said(it) == ["packed", "still-on-its-way"] and asked(it) == []


async def test_what_would_ring_at_night_is_said_before_the_quiet_begins(db: Database) -> None:
    """Promised until 06:30, in the quiet that lasts until 08:00."""
    quiet = Quiet(time(21), time(8))
    contact = replace(CONTACT, routes={"default": ("sms",)}, quiet=quiet)
    flow = {"on": "order.packed", "steps": [notify("delayed", promise="at(now + days(1), '06:30', shop.timezone)")]}
    it = desk(db, contact, packed=flow)
    kyiv = Customer(email="o@x.example", phone="+380671234567")
    await packed(it, customer=kyiv, address=Address(country="UA"))
    ((due,),) = [watched(it)]
    assert due.astimezone(KYIV).time() < time(21) and due.astimezone(KYIV).date() == moment("10:00").date()


async def test_something_that_is_to_be_said_in_time_is_waited_for(db: Database) -> None:
    soon = {"on": "order.packed", "steps": [{"wait": "22h"}, notify("on-hold")]}
    it = desk(db, replace(CONTACT, quiet=Quiet(time(6), time(11, 40), channels=("mail",))), soon=soon)
    await packed(it)
    await go_to(it, "+1 09:59")
    assert said(it) == ["packed", "on-hold"] and asked(it) == []


async def test_a_renewal_that_reaches_nobody_leaves_it_to_a_person_at_once(db: Database) -> None:
    bot = connection("bot", Bot)
    rule = PromiseRule("still-on-its-way", "support", via=("bot",))
    it = Desk(
        db, world({"packed": PROMISES}, contact=replace(CONTACT, promise=rule), connections=(*CONNECTIONS[:4], bot))
    )
    await packed(it)
    await go_to(it, "+1 09:59")
    assert [each[:2] for each in it.messages()] == [("packed", "sent"), ("still-on-its-way", "failed")]
    assert [each.rpartition(": ")[2] for each in asked(it)] == ["still-on-its-way did not reach the customer"]


async def test_in_shadow_it_is_only_written_down(db: Database) -> None:
    it = desk(db, packed={**PROMISES, "state": "shadow"})
    await packed(it)
    await go_to(it, "+5 09:59")
    assert it.channel("mail").sent == []
    assert [(row.template, row.reason, row.shadow) for row in it.rows(messages)] == [
        ("packed", "shadow", 1), ("still-on-its-way", "shadow", 1), ("still-on-its-way", "shadow", 1),
        ("staff-promise", "shadow", 1),
    ]  # fmt: skip
    assert [row.state for row in it.rows(escalations)] == ["shadow"]


async def test_what_a_shadow_says_keeps_no_promise_that_was_made_for_real(db: Database) -> None:
    it = desk(db, hold={**ON_HOLD, "state": "shadow"})
    await packed(it)
    await it.hear(order("12:00", "order.on_hold"), at="12:00")
    await go_to(it, "+1 09:59")
    assert said(it) == ["packed", "still-on-its-way"]
