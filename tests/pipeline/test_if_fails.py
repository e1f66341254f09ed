"""`if_fails` of what is said (FLOWS 5.10): a message that nobody will ever hear, and what its run does then."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from hub.config.model import Contact
from hub.config.questions import Survey
from hub.flows.model import IfFails, Notify
from hub.model import Customer
from hub.plugin import Accepted, Permanent
from hub.store.database import Database
from hub.store.queries import replay_run
from hub.store.tables import escalations, messages, runs, timers

from .fakes import CONTACT, Desk, flow, notify, order, world

AT_ONCE = Contact(routes={**CONTACT.routes, "mail": ("mail",)}, settle=timedelta(0))
CALL_SOMEBODY = [{"escalate": {"to": "support", "reason": "not reached", "id": "look"}}]
PACKED = order("09:59", "order.packed")
NOBODY = order("09:59", "order.packed", customer=Customer(email=""))


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def desk(db: Database, *steps: Mapping[str, Any], **more: Any) -> Desk:
    return Desk(db, world({"f": {"on": "order.packed", "steps": list(steps), **more}}, contact=AT_ONCE))


def stood(it: Desk) -> list[tuple[str, str]]:
    return [(row.state, row.reason) for row in it.rows(runs)]


def raised(it: Desk) -> list[str]:
    return [row.reason for row in it.rows(escalations)]


def mail(**more: Any) -> dict[str, Any]:
    return notify("order-received", via=["mail"], **more)


async def test_nobody_reached_parks_a_run_that_had_gone_on_and_staff_are_told(db: Database) -> None:
    it = desk(db, mail(), {"wait": "1d"}, *CALL_SOMEBODY)
    await it.hear(NOBODY, at="10:00")
    ((state, reason),) = stood(it)
    assert state == "parked"
    assert reason == "notify:order-received failed: nobody could be reached: mail: no address"
    notices = it.rows(messages, messages.c.template == "staff-notice")
    assert {(row.recipient, row.doc["extra"]["notice"]["kind"]) for row in notices} == {
        ("staff:iryna", "parked"),
        ("staff:petro", "parked"),
    }
    (run,) = it.rows(runs)
    assert await it.db.write(lambda connection: replay_run(connection, run.id, it.clock.now()))
    await it.settle()
    assert stood(it) == [("waiting", "")], "replayed by hand it goes on where it stood"


async def test_continue_goes_on_and_so_does_a_flow_that_says_so_for_all(db: Database) -> None:
    it = desk(db, mail(if_fails="continue"), {"wait": "1d"})
    await it.hear(NOBODY, at="10:00")
    assert stood(it) == [("waiting", "")] and it.rows(timers, timers.c.kind == "said") == []
    every = flow("f", on="order.packed", steps=[mail(), mail(id="own", if_fails="stop")], if_fails="continue")
    assert [each.if_fails for each in every.steps if isinstance(each, Notify)] == [IfFails.CONTINUE, IfFails.STOP]


async def test_steps_for_a_failure_are_done_and_the_run_goes_on_behind_them(db: Database) -> None:
    it = desk(db, mail(if_fails=CALL_SOMEBODY), notify("packed", via=["mail"], if_fails="continue"))
    await it.hear(NOBODY, at="10:00")
    assert raised(it) == ["not reached"] and stood(it) == [("done", "")]
    assert [each[0] for each in it.messages()] == ["order-received", "packed"]


async def test_they_are_not_done_when_it_was_heard(db: Database) -> None:
    it = desk(db, mail(if_fails=CALL_SOMEBODY), notify("packed", via=["mail"]))
    await it.hear(PACKED, at="10:00")
    assert raised(it) == [] and stood(it) == [("done", "")]
    assert [each[:2] for each in it.messages()] == [("order-received", "sent"), ("packed", "sent")]


async def test_the_run_waits_for_the_receipt_where_there_is_one_and_over_a_restart(db: Database) -> None:
    step = notify("order-received", via=["sms"], if_fails=CALL_SOMEBODY)
    it = desk(db, step)
    await it.hear(order("09:59", "order.packed", customer=Customer(phone="+380501234567")), at="10:00")
    assert [each[1] for each in it.messages()] == ["sent"] and stood(it) == [("waiting", "")]
    it = Desk(it.db, it.world, it.clock, it.said)
    await it.wait(minutes=8)
    assert stood(it) == [("waiting", "")]
    await it.wait(minutes=30)
    assert [each[1] for each in it.messages()] == ["failed"], "no receipt came, and there is no other channel"
    assert raised(it) == ["not reached"] and stood(it) == [("done", "")]


async def test_what_a_guard_keeps_back_has_not_failed(db: Database) -> None:
    it = desk(db, mail(if_fails=CALL_SOMEBODY, before="order.placed_at"), {"wait": "1h"})
    await it.hear(PACKED, at="10:00")
    assert [row.reason for row in it.rows(messages)] == ["too-late"]
    assert raised(it) == [] and stood(it) == [("waiting", "")]


async def test_a_second_address_mends_the_first(db: Database) -> None:
    it = desk(db, mail(if_fails=CALL_SOMEBODY))
    it.channel("mail").answers = [Permanent("no such text"), Accepted("x")]
    await it.hear(PACKED, at="10:00")
    assert raised(it) == ["not reached"], "this was its only channel"


async def test_staff_who_cannot_be_told_are_a_failure_only_if_none_of_them_was(db: Database) -> None:
    told = notify("order-received", to="manager", via=["mail"], if_fails=CALL_SOMEBODY)
    it = desk(db, told)
    it.channel("mail").answers = [Permanent("no"), Accepted("x")]
    await it.hear(PACKED, at="10:00")
    assert raised(it) == [] and stood(it) == [("done", "")]


async def test_a_matter_whose_words_reach_nobody(db: Database) -> None:
    more = {"to": "support", "reason": "first", "if_fails": [{"escalate": {"to": "manager", "reason": "second"}}]}
    it = desk(db, {"escalate": more}, {"wait": "1d"})
    it.channel("mail").answers = [Permanent("no")]
    await it.hear(PACKED, at="10:00")
    assert raised(it) == ["first", "second"] and stood(it) == [("waiting", "")]


async def test_a_matter_that_says_nothing_of_it_goes_up_its_ladder(db: Database) -> None:
    it = desk(db, {"escalate": {"to": "support", "reason": "first"}}, {"wait": "1d"})
    it.channel("mail").answers = [Permanent("no")]
    await it.hear(PACKED, at="10:00")
    assert stood(it) == [("waiting", "")]


async def test_a_survey_that_invites_nobody(db: Database) -> None:
    ask = {"survey": {"name": "after", "via": ["mail"], "if_fails": CALL_SOMEBODY}}
    asked = world(
        {"f": {"on": "order.packed", "steps": [ask]}}, contact=AT_ONCE, surveys={"after": Survey("after", "survey")}
    )
    it = Desk(db, asked)
    await it.hear(NOBODY, at="10:00")
    assert raised(it) == ["not reached"] and stood(it) == [("done", "")]


async def test_a_shadow_waits_for_nobody(db: Database) -> None:
    it = desk(db, mail(if_fails=CALL_SOMEBODY), state="shadow")
    await it.hear(NOBODY, at="10:00")
    assert stood(it) == [("done", "")] and raised(it) == []


async def test_steps_of_the_whole_flow_are_for_each_step_that_has_none(db: Database) -> None:
    it = desk(db, mail(), notify("packed", via=["mail"], if_fails="continue"), if_fails=CALL_SOMEBODY)
    await it.hear(NOBODY, at="10:00")
    assert raised(it) == ["not reached"] and stood(it) == [("done", "")]
