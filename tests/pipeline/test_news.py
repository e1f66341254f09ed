"""Happenings that are no status: what flows make of them, over a real database."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.config.model import Contact
from hub.model import Customer
from hub.pipeline.around import read_around
from hub.pipeline.batch import Wanted
from hub.pipeline.loading import load_orders
from hub.pipeline.news import home_of, report
from hub.store.database import Database
from hub.store.tables import InboxState, attempts, escalations, inbox, messages, runs, timeline

from .fakes import ORDER, PEOPLE, STAFF, Desk, moment, notify, order, parcel, scan, world

QUESTION = {"question": {"text": "Where is it?", "topic": "status", "channel": "mail"}}
ASKED: Mapping[str, Any] = {
    "on": "customer.asked",
    "when": 'question.topic == "status"',
    "steps": [{"escalate": {"to": "support", "reason": "{{ order.number }}: {{ question.text }}"}}],
}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    yield database
    database.close()


async def tell(it: Desk, word: str, kind: str = "order", **more: Any) -> None:
    """Something happens, now."""
    given: dict[str, Any] = {"home": ORDER, "subject": ORDER, "occurrence": 1, "at": it.clock.now(), **more}
    now = it.clock.now()
    it.db.run(lambda connection: report(connection, it.db.dialect, it.world, word=word, kind=kind, now=now, **given))
    await it.settle()


def ran(it: Desk) -> list[tuple[str, str, str]]:
    return [(row.flow, row.state, row.reason) for row in it.rows(runs)]


async def test_a_flow_reads_what_happened_beside_the_order(db: Database) -> None:
    it = Desk(db, world({"asked": ASKED}))
    await it.hear(order("10:00", "order.received"))
    await tell(it, "customer.asked", "question", subject="q1", names=QUESTION)
    (row,) = it.rows(escalations)
    assert (row.reason, row.order_id, row.subject) == ("#1: Where is it?", ORDER, ORDER)
    assert [(each.subject_kind, each.subject) for each in it.rows(runs)] == [("question", "q1")]


async def test_it_acts_once_however_often_it_is_told(db: Database) -> None:
    it = Desk(db, world({"asked": ASKED}))
    await it.hear(order("10:00", "order.received"))
    for subject in ("q1", "q1", "q2"):
        await tell(it, "customer.asked", "question", subject=subject, names=QUESTION)
    assert [each.subject for each in it.rows(runs)] == ["q1", "q2"]


async def test_a_condition_on_it_counts(db: Database) -> None:
    it = Desk(db, world({"asked": ASKED}))
    await it.hear(order("10:00", "order.received"))
    other = {"question": {**QUESTION["question"], "topic": "return"}}
    await tell(it, "customer.asked", "question", subject="q1", names=other)
    assert ran(it) == []
    assert "not met" in it.rows(timeline, timeline.c.kind == "run")[-1].doc["result"]


async def test_what_nobody_listens_to_is_not_written_down(db: Database) -> None:
    it = Desk(db, world({"asked": ASKED}))
    await it.hear(order("10:00", "order.received"))
    before = len(it.rows(inbox))
    await tell(it, "survey.answered", "answer", subject="s1")
    assert len(it.rows(inbox)) == before
    it.go_live(world({"stops": {"on": "order.packed", "stop_on": ["survey.answered"], "steps": [{"wait": "1d"}]}}))
    await tell(it, "survey.answered", "answer", subject="s1")
    assert len(it.rows(inbox)) == before + 1


async def test_of_an_order_that_nobody_knows_nothing_comes(db: Database) -> None:
    it = Desk(db, world({"asked": ASKED}))
    await tell(it, "customer.asked", "question", subject="q1", names=QUESTION)
    assert ran(it) == [] and [row.state for row in it.rows(inbox)] == [InboxState.DONE]


async def test_old_news_starts_nothing(db: Database) -> None:
    it = Desk(db, world({"asked": ASKED}))
    await it.hear(order("10:00", "order.received"))
    await tell(it, "customer.asked", "question", subject="q1", names=QUESTION, at=moment("-2 10:00"))
    assert ran(it) == []


async def test_it_stops_a_run_and_what_that_has_to_say(db: Database) -> None:
    waits = {"on": "order.packed", "stop_on": ["customer.asked"], "steps": [{"wait": "1h"}, notify("packed")]}
    it = Desk(db, world({"f": waits}))
    await it.hear(order("10:00", "order.packed"))
    await tell(it, "customer.asked", "question", subject="q1", names=QUESTION)
    await it.wait(hours=2)
    assert ran(it) == [("f", "stopped", "customer.asked")] and it.messages() == []


@pytest.mark.parametrize("steps", [[{"wait": "1h"}, notify("packed")], [notify("packed")]])
async def test_a_run_hears_what_only_the_text_listens_to_with_which_it_started(
    db: Database, steps: list[dict[str, Any]]
) -> None:
    contact = Contact(routes={"default": ("mail",)}, settle=timedelta(minutes=30))
    waits = {"on": "order.packed", "stop_on": ["customer.asked"], "steps": steps}
    it = Desk(db, world({"f": waits}, contact=contact))
    await it.hear(order("10:00", "order.packed"))
    edited = Desk(db, world({"f": {**waits, "stop_on": []}}, contact=contact), it.clock)  # after a restart
    await tell(edited, "customer.asked", "question", subject="q1", names=QUESTION)
    await edited.wait(hours=2)
    assert not [state for _, state, _ in edited.messages() if state != "suppressed"]


@pytest.mark.parametrize(("asked_at", "ends"), [("10:05", []), ("09:55", ["packed"])])
async def test_what_comes_with_the_trigger_in_one_batch_stops_as_what_comes_after_it(
    db: Database, asked_at: str, ends: list[str]
) -> None:
    waits = {"on": "order.packed", "stop_on": ["customer.asked"], "steps": [{"wait": "1h"}, notify("packed")]}
    it = Desk(db, world({"f": waits}))
    await it.hear(order("09:00", "order.received"))
    drain, it.apply.drain = it.apply.drain, _nothing  # type: ignore[method-assign]
    await it.hear(order("10:00", "order.packed"), at="10:06")
    await tell(it, "customer.asked", "question", subject="q1", names=QUESTION, at=moment(asked_at))
    it.apply.drain = drain  # type: ignore[method-assign]
    await it.wait(hours=2)
    assert [template for template, state, _ in it.messages() if state != "suppressed"] == ends


async def _nothing(slots: Any = None) -> int:
    return 0


@pytest.mark.parametrize(("mine", "template"), [(True, "problem-solved"), (False, "delivered")])
async def test_a_matter_is_heard_of_by_the_run_that_raised_it(db: Database, mine: bool, template: str) -> None:
    heard = {"choose": [{"when": 'waited != ""', "steps": [notify("problem-solved")]}, {"else": [notify("delivered")]}]}
    raises = {"escalate": {"to": "support", "reason": "look"}}
    steps = [raises, {"wait": {"event": "escalation.resolved", "up_to": "1h"}}, heard]
    it = Desk(db, world({"f": {"on": "order.packed", "steps": steps}}))
    await it.hear(order("10:00", "order.packed"))
    run = it.rows(runs)[0].key if mine else "of-another"
    await tell(it, "escalation.resolved", "escalation", subject="m1", run=run)
    await it.wait(hours=2)
    assert [each[0] for each in it.messages()] == [template]


async def test_a_connection_has_runs_of_its_own_that_survive_and_speak_to_staff(db: Database) -> None:
    steps = [
        {"wait": "1h"},
        {"escalate": {"to": "support", "reason": "{{ connection.name }} of {{ shop.name }}", "due": "1h"}},
    ]
    it = Desk(db, world({"failing": {"on": "connection.failing", "steps": steps}}))
    home, names = home_of("connection", "post"), {"connection": {"name": "post", "kind": "carrier"}}
    await tell(it, "connection.failing", "connection", home=home, subject="post", names=names)
    assert ran(it) == [("failing", "waiting", "")]
    await it.wait(minutes=61)
    (row,) = it.rows(escalations)
    assert (row.reason, row.order_id, row.state) == ("post of Shop", home, "open")
    assert [each.recipient for each in it.rows(messages)] == ["staff:olena"]
    await it.wait(minutes=31)
    assert {each.recipient for each in it.rows(messages)} == {"staff:olena", "staff:iryna", "staff:petro"}
    assert [letter.to for letter in it.channel("mail").sent].count("olena@shop.example") == 1


async def test_what_ended_long_ago_at_a_connection_is_not_read_again_and_not_done_again(db: Database) -> None:
    steps = [{"escalate": {"to": "support", "reason": "look"}}]
    it = Desk(db, world({"failing": {"on": "connection.failing", "steps": steps}}))
    home = home_of("connection", "post")
    failing = {"home": home, "subject": "post", "names": {"connection": {"name": "post", "kind": "carrier"}}}
    for n in range(5):
        await tell(it, "connection.failing", "connection", occurrence=n, **failing)
    loaded = it.db.run(lambda connection: load_orders(connection, it.world, {home: Wanted()}))
    assert (loaded[home].runs, loaded[home].run_keys) == ([], frozenset())
    said, now = it.rows(messages), it.clock.now()
    around = it.db.run(lambda connection: read_around(connection, it.world, said, now))
    assert (around.loaded, around.later) == ({}, {})
    it.db.run(lambda connection: connection.execute(sa.delete(inbox)))  # it is remembered for 90 days
    await tell(it, "connection.failing", "connection", occurrence=2, **failing)
    assert len(it.rows(runs)) == 5
    assert it.rows(timeline, timeline.c.kind == "run")[-1].doc["result"] == "said-already"


async def test_what_staff_get_no_receipt_of_goes_on_to_the_next_channel_without_an_order_too(db: Database) -> None:
    staff = {"support": replace(STAFF["support"], via=("sms", "mail"), acknowledge=timedelta(days=2))}
    steps = [{"escalate": {"to": "support", "reason": "look"}}]
    made = world({"failing": {"on": "connection.failing", "steps": steps}}, staff=staff)
    olena = replace(PEOPLE["olena"], addresses={"sms": "+380501112233", "mail": "olena@shop.example"})
    it = Desk(db, replace(made, config=replace(made.config, people={"olena": olena})))
    home, names = home_of("connection", "post"), {"connection": {"name": "post", "kind": "carrier"}}
    await tell(it, "connection.failing", "connection", home=home, subject="post", names=names)
    await it.wait(hours=2)
    assert [row.connection for row in it.rows(attempts)] == ["sms", "mail"]


async def test_one_flow_alone_hears_what_is_for_it(db: Database) -> None:
    def press(label: str) -> dict[str, Any]:
        return {"on": {"button": label}, "steps": [notify("packed")]}

    it = Desk(db, world({"one": press("One"), "two": press("Two")}))
    await it.hear(order("10:00", "order.received"))
    await tell(it, "button", flow="two")
    assert [each[0] for each in ran(it)] == ["two"]


async def test_cancelling_leaves_the_answer_to_a_customer_alone(db: Database) -> None:
    slow = {**ASKED, "steps": [{"wait": "1h"}, *ASKED["steps"]]}
    it = Desk(db, world({"asked": slow}))
    await it.hear(order("10:00", "order.received"))
    await tell(it, "customer.asked", "question", subject="q1", names=QUESTION)
    await it.hear(order("10:10", "order.cancelled"), at="10:10")
    await it.wait(hours=2)
    assert ran(it) == [("asked", "done", "")] and len(it.rows(escalations)) == 1


# ------------------------------------------------------------------------------------------------ what the hub reports


def hearing(word: str, reason: str, **more: Any) -> dict[str, Any]:
    """A flow that raises a matter with these words."""
    return {"on": word, "steps": [{"escalate": {"to": "support", "reason": reason}}], **more}


def reasons(it: Desk) -> list[str]:
    return [row.reason for row in it.rows(escalations)]


SAYS = {"on": "order.packed", "steps": [notify("packed", via=["mail"])]}


async def test_a_message_that_reached_the_customer_is_news(db: Database) -> None:
    words = "{{ message.template }} by {{ message.channel }}: {{ message.outcome }}"
    it = Desk(db, world({"says": SAYS, "told": hearing("message.delivered", words, when="message.reached")}))
    await it.hear(order("10:00", "order.packed"))
    await it.wait(minutes=2)
    assert reasons(it) == ["packed by mail: sent"]


async def test_and_one_that_could_not(db: Database) -> None:
    words = "{{ message.template }}: {{ message.outcome }}"
    it = Desk(db, world({"says": SAYS, "failed": hearing("message.failed", words)}))
    await it.hear(order("10:00", "order.packed", customer=Customer(phone="+380671234567")))
    await it.wait(minutes=2)
    assert reasons(it) == ["packed: failed: nobody could be reached: mail: no address"]


async def test_what_is_said_of_a_message_brings_no_news_of_its_own(db: Database) -> None:
    again = {"on": "message.failed", "steps": [notify("order-received", via=["mail"])]}
    it = Desk(db, world({"says": SAYS, "again": again}))
    await it.hear(order("10:00", "order.packed", customer=Customer(phone="+380671234567")))
    await it.wait(minutes=5)
    assert [(row.template, row.state) for row in it.rows(messages)] == [
        ("packed", "failed"),
        ("order-received", "failed"),
    ]


async def test_a_code_that_nobody_mapped_is_told_once_by_the_merchants_own_flow(db: Database) -> None:
    words = "{{ unmapped.code }} at {{ connection.name }}"
    it = Desk(db, world({"unmapped": hearing("status.unmapped", words)}))
    for ref in ("1", "2"):
        await it.hear(order("10:00", "strange", ref=ref))
    assert reasons(it) == ["strange at shop"]
    assert it.rows(messages, messages.c.template == "staff-unmapped-status") == []


async def test_a_contradiction_is_told_by_the_merchants_own_flow(db: Database) -> None:
    it = Desk(db, world({"against": hearing("status.contradiction", "{{ order.number }}")}))
    await it.hear(order("10:00", "order.packed", parcels=(parcel("1", "10:00", numbers=["P1"]),)))
    await it.hear(scan("P1", "delivered", "11:00"), at="11:00")
    await it.hear(scan("P1", "cancelled", "12:00"), at="12:00")
    assert reasons(it) == ["#1"]
    assert it.rows(messages, messages.c.template == "staff-notice") == []
