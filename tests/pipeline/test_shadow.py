"""Shadows over a real database: what they keep, what they leave alone, and what becomes of them at a switch."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import hub
from hub.config.model import Cap, Contact, Unheard
from hub.config.questions import Survey
from hub.flows.model import Stop
from hub.insight.surveys import figures
from hub.model import Customer
from hub.pipeline import staff
from hub.pipeline.news import report
from hub.pipeline.react import _React
from hub.pipeline.shadow import WAITS, would_have, write_messages
from hub.pipeline.surveys import find_survey
from hub.store.database import Database
from hub.store.queries import NOT_DONE, failed_messages, matters, not_done_in_shadow, open_matters
from hub.store.tables import attempts, escalations, messages, runs, surveys, timers

from .fakes import ORDER, Desk, Story, moment, notify, order, parcel, scan, world

BOTH = Customer(email="o@x.example", phone="+380671234567")
CONTACT = Contact(routes={"default": ("mail",)}, settle=timedelta(0))
PACKED: Mapping[str, Any] = {"on": "order.packed", "steps": [notify("order-received")]}
CALLS: Mapping[str, Any] = {
    "on": "order.packed",
    "steps": [{"escalate": {"to": "support", "reason": "{{ order.number }} is wrong", "due": "1h"}}],
}


ASKS: Mapping[str, Any] = {"on": "order.packed", "steps": [{"survey": {"name": "after", "via": ["mail"]}}]}
AFTER = {"after": Survey("after", "five-questions", remind=timedelta(hours=2))}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    yield database
    database.close()


def desk(db: Database, contact: Contact = CONTACT, *, shadow: bool = False, **flows: Mapping[str, Any]) -> Desk:
    return Desk(db, replace(world(flows, contact=contact), shadow=shadow))


def shadowed(source: Mapping[str, Any]) -> dict[str, Any]:
    return {**source, "state": "shadow"}


def packed(ref: str = "1", at: str = "10:00", customer: Customer = BOTH) -> Any:
    held = (parcel("1", "10:00", numbers=[f"P{ref}"]),)
    return order(at, "order.packed", ref=ref, customer=customer, parcels=held)


def said(it: Desk) -> list[tuple[str, str, str]]:
    """(flow, state, reason) of all messages."""
    return [(row.flow, row.state, row.reason) for row in it.rows(messages)]


# ------------------------------------------------------------------------------------------------ what is kept


async def test_a_shadow_flow_keeps_what_it_would_have_sent_and_sends_nothing(db: Database) -> None:
    it = desk(db, quiet=shadowed(PACKED))
    await it.hear(packed())
    assert said(it) == [("quiet", "suppressed", "shadow")]
    (kept,) = it.rows(attempts)
    assert (kept.outcome, kept.connection, kept.address_hash) == ("shadow", "mail", "")
    assert "#1" in kept.content["subject"] and "#1" in kept.content["text"]
    assert kept.content["html"].startswith("<") and kept.content["form"] == "mail"
    assert it.channel("mail").sent == []


async def test_a_shadow_says_the_same_as_the_live_flow_beside_it(db: Database) -> None:
    it = desk(db, live=PACKED, quiet=shadowed(PACKED))
    await it.hear(packed())
    assert sorted(said(it)) == [("live", "sent", ""), ("quiet", "suppressed", "shadow")]
    one, other = (each.content["text"] for each in it.rows(attempts))
    assert one == other == it.channel("mail").sent[0].text


async def test_its_first_usable_channel_counts_as_reached(db: Database) -> None:
    via = Contact(routes={"default": ("bot", "sms", "mail")}, settle=timedelta(0))
    it = desk(db, via, quiet=shadowed(PACKED))
    await it.hear(packed())
    await it.wait(hours=2)
    assert [(row.connection, row.outcome) for row in it.rows(attempts)] == [("sms", "shadow")]


# ------------------------------------------------------------------------------------------------ what it leaves alone


async def test_newer_news_of_a_shadow_silences_no_live_message(db: Database) -> None:
    late = replace(CONTACT, settle=timedelta(minutes=5))
    shipped = {"on": "shipment.shipped", "steps": [notify("shipped")]}
    delivered = {"on": "shipment.delivered", "steps": [notify("delivered")]}
    it = desk(db, late, live=shipped, quiet=shadowed(delivered), twin=shadowed(shipped))
    await it.hear(packed())
    await it.hear(scan("P1", "in_transit", "10:01"))
    await it.hear(scan("P1", "delivered", "10:02"))
    await it.wait(minutes=10)
    states = {row.flow: (row.state, row.reason) for row in it.rows(messages)}
    assert states["quiet"] == ("suppressed", "shadow")
    assert states["twin"] == ("superseded", "superseded"), "among themselves it is as it would be"
    assert states["live"] == ("suppressed", "overtaken"), "the status ends it, no shadow does"


@pytest.mark.parametrize("newer", ["live", "quiet"])
async def test_neither_silences_the_other_by_newer_news(db: Database, newer: str) -> None:
    late = replace(CONTACT, settle=timedelta(minutes=5))
    first = {"on": "shipment.shipped", "steps": [notify("order-received")]}
    then = {"on": "shipment.ready_for_pickup", "steps": [notify("order-received")]}
    live, quiet = (then, first) if newer == "live" else (first, then)
    it = desk(db, late, live=live, quiet=shadowed(quiet))
    await it.hear(packed())
    await it.hear(scan("P1", "in_transit", "10:01"), scan("P1", "ready_for_pickup", "10:02"))
    await it.wait(minutes=10)
    assert {row.flow: row.state for row in it.rows(messages)} == {"live": "sent", "quiet": "suppressed"}
    assert {row.reason for row in it.rows(messages)} == {"", "shadow"}


async def test_a_shadow_uses_up_no_cap_and_is_held_against_all_that_was_heard(db: Database) -> None:
    capped = replace(CONTACT, caps=(Cap(1, timedelta(days=1), channel="mail"),))
    feedback = {"on": "order.packed", "steps": [notify("order-received", **{"class": "feedback"})]}
    it = desk(db, capped, quiet=shadowed(feedback))
    await it.hear(packed("1"))
    it.go_live(replace(world({"live": feedback, "quiet": shadowed(feedback)}, contact=capped)))
    await it.hear(packed("2"))
    assert said(it)[:1] == [("quiet", "suppressed", "shadow")]
    assert sorted(said(it)[1:]) == [("live", "sent", ""), ("quiet", "suppressed", "capped")]


async def test_a_mail_joins_no_thread_that_never_began(db: Database) -> None:
    more = {"on": "order.completed", "steps": [notify("order-received")]}
    it = desk(db, quiet=shadowed(PACKED), live=more)
    await it.hear(packed())
    await it.hear(order("11:00", "order.completed", customer=BOTH))
    assert [each.thread for each in it.channel("mail").sent] == [""]


# ------------------------------------------------------------------------------------------------ people


async def test_nobody_is_called_by_a_shadow(db: Database) -> None:
    it = desk(db, quiet=shadowed(CALLS))
    await it.hear(packed())
    await it.wait(hours=2)
    assert it.channel("mail").sent == []
    (matter,) = it.rows(escalations)
    assert (matter.state, matter.reason, matter.rung) == ("shadow", "#1 is wrong", "support")
    assert said(it) == [("quiet", "suppressed", "shadow")], "whom it would have called first, and with which words"
    assert "#1 is wrong" in it.rows(attempts)[0].content["text"]
    assert it.rows(timers, timers.c.kind.in_(("acknowledge", "due"))) == []
    assert db.run(open_matters) == []
    waiting = db.run(lambda connection: matters(connection, it.clock.now()))
    assert not any(many for what, many in waiting.items() if what.startswith("escalations"))


async def test_a_matter_that_a_shadow_raised_is_raised_live_all_the_same(db: Database) -> None:
    it = desk(db, quiet=shadowed(CALLS))
    await it.hear(packed())
    it.go_live(world({"quiet": {**CALLS, "on": "order.completed"}}, contact=CONTACT))
    await it.hear(order("11:00", "order.completed", customer=BOTH))
    assert [row.state for row in it.rows(escalations)] == ["shadow", "open"]
    assert len(it.channel("mail").sent) == 1


async def test_that_a_shadow_reached_nobody_calls_nobody_and_is_no_dead_letter(db: Database) -> None:
    unheard = replace(CONTACT, unheard=Unheard("support", None))
    it = desk(db, unheard, quiet=shadowed(PACKED))
    await it.hear(packed(customer=Customer(phone="+380671234567")))
    assert said(it) == [
        ("quiet", "failed", "nobody could be reached: mail: no address"), ("quiet", "suppressed", "shadow"),
    ]  # fmt: skip
    assert [row.state for row in it.rows(escalations)] == ["shadow"] and it.channel("mail").sent == []
    assert db.run(failed_messages) == []


async def test_what_the_hub_itself_lacks_is_told_in_shadow_and_says_so(db: Database) -> None:
    it = desk(db, shadow=True)
    await it.hear(packed())
    await it.hear(scan("P1", "gibberish", "10:01"))
    assert it.channel("mail").sent
    for each in it.channel("mail").sent:
        assert each.subject.startswith("[shadow] ") and each.text.startswith("[shadow] ") and each.html == ""
    db.run(lambda connection: _notice(connection, it, order_id=ORDER))
    before = len(it.channel("mail").sent)
    await it.settle()
    assert len(it.channel("mail").sent) == before, "what is about an order is the old system's"
    assert said(it)[-1] == ("", "suppressed", "shadow")


def _notice(connection: sa.Connection, it: Desk, **more: Any) -> None:
    said = {"kind": "flagged", "source": "shop", "said": "dispute", "reason": "dispute"}
    staff.tell_notice(connection, it.db.dialect, "flagged|1", said, it.world, it.clock.now(), **more)


# ------------------------------------------------------------------------------------------------ surveys


async def test_an_invitation_and_its_reminder_are_kept_and_nobody_can_answer(db: Database) -> None:
    it = Desk(db, world({"quiet": shadowed(ASKS)}, contact=CONTACT, surveys=AFTER))
    await it.hear(packed())
    await it.wait(hours=3)
    assert [(row.template, row.state, row.reason, row.shadow) for row in it.rows(messages)] == [
        ("five-questions", "suppressed", "shadow", 1), ("five-questions-reminder", "suppressed", "shadow", 1),
    ]  # fmt: skip
    assert all("https://hub.example/s/" in row.content["text"] for row in it.rows(attempts))
    (row,) = it.rows(surveys)
    assert (row.shadow, row.state) == (1, "open")
    assert db.run(lambda connection: find_survey(connection, row.id)) is None
    assert db.run(lambda connection: not_done_in_shadow(connection, moment("00:00"))) == []


async def test_a_survey_in_shadow_keeps_no_live_one_from_asking_and_counts_nowhere(db: Database) -> None:
    it = Desk(db, world({"flow": shadowed(ASKS)}, contact=CONTACT, surveys=AFTER))
    await it.hear(packed())
    (nothing,) = db.run(lambda connection: figures(connection, AFTER))
    assert nothing.sent == 0
    it.go_live(world({"flow": {**ASKS, "on": "order.completed"}}, contact=CONTACT, surveys=AFTER))
    await it.hear(order("11:00", "order.completed", customer=BOTH))
    assert [(row.state, row.reason) for row in it.rows(messages, messages.c.template == "five-questions")] == [
        ("suppressed", "shadow"), ("sent", ""),
    ]  # fmt: skip
    assert {row.shadow for row in it.rows(surveys)} == {0, 1} and len({row.id for row in it.rows(surveys)}) == 2
    (found,) = db.run(lambda connection: figures(connection, AFTER))
    assert found.sent == 1
    change = sa.update(surveys).where(surveys.c.shadow == 1).values(state="answered", answers={"recommend": 0})
    db.run(lambda connection: connection.execute(change))
    (found,) = db.run(lambda connection: figures(connection, AFTER))
    assert (found.sent, found.answered, found.nps) == (1, 0, None)


@pytest.mark.parametrize("first", ["live", "quiet"])
async def test_an_order_is_asked_once_in_shadow_as_it_is_live(db: Database, first: str) -> None:
    then = {**ASKS, "on": "order.completed"}
    live, quiet = (ASKS, then) if first == "live" else (then, ASKS)
    flows = {"live": live, "quiet": shadowed(quiet), "more": shadowed({**ASKS, "on": "order.completed"})}
    it = Desk(db, world(flows, contact=CONTACT, surveys=AFTER))
    await it.hear(packed())
    await it.hear(order("11:00", "order.completed", customer=BOTH))
    invited = it.rows(messages, messages.c.template == "five-questions")
    assert sorted(row.shadow for row in invited) == [0, 1]
    assert [row.flow for row in invited if not row.shadow] == ["live"]


# ------------------------------------------------------------------------------------------------ switches

WAITS_A_DAY: Mapping[str, Any] = {"on": "order.packed", "steps": [{"wait": "1d"}, notify("order-received")]}


async def test_what_waits_in_shadow_ends_in_shadow_and_what_comes_after_is_live(db: Database) -> None:
    it = desk(db, flow=shadowed(WAITS_A_DAY))
    await it.hear(packed("1"))
    it.go_live(world({"flow": WAITS_A_DAY}, contact=CONTACT))
    await it.hear(packed("2"))
    await it.wait(days=1, minutes=5)
    assert [(row.order_id, row.state, row.reason) for row in it.rows(messages)] == [
        ("shop:1", "suppressed", "shadow"), ("shop:2", "sent", ""),
    ]  # fmt: skip
    assert [(row.order_id, row.shadow) for row in it.rows(runs)] == [("shop:1", 1), ("shop:2", 0)]


async def test_what_a_shadow_said_is_not_told_again_and_keeps_nobody_from_saying_what_is_new(db: Database) -> None:
    again = {"on": "shipment.delivery_failed", "steps": [notify("delivery-failed")]}
    it = desk(db, flow=shadowed(again))
    await it.hear(packed(), scan("P1", "delivery_failed", "10:01"))
    it.go_live(world({"flow": again}, contact=CONTACT))
    await it.hear(packed(at="10:05"))
    assert [row.state for row in it.rows(messages)] == ["suppressed"]
    await it.hear(scan("P1", "in_transit", "11:00"), scan("P1", "delivery_failed", "11:05"), at="11:05")
    assert [row.state for row in it.rows(messages)] == ["suppressed", "sent"]


async def test_a_hub_in_shadow_lets_nothing_out_that_was_made_live_before(db: Database) -> None:
    late = replace(CONTACT, settle=timedelta(minutes=5))
    it = desk(db, late, flow=PACKED)
    await it.hear(packed("1"))
    it.go_live(replace(it.world, shadow=True))
    await it.hear(packed("2"))
    await it.wait(minutes=30)
    states = [(row.state, row.reason) for row in it.rows(messages)]
    assert states == [("due", WAITS), ("suppressed", "shadow")] and it.channel("mail").sent == []
    it.go_live(replace(it.world, shadow=False))
    await it.wait(minutes=30)
    assert [row.state for row in it.rows(messages)] == ["sent", "suppressed"]


async def test_what_was_due_in_shadow_is_not_sent_late(db: Database) -> None:
    late = replace(CONTACT, settle=timedelta(minutes=5))
    it = desk(db, late, shadow=True, flow=PACKED)
    await it.hear(packed())
    it.go_live(replace(it.world, shadow=False))
    await it.wait(minutes=30)
    assert said(it) == [("flow", "suppressed", "shadow")] and it.channel("mail").sent == []


def test_a_live_occurrence_ends_no_shadow_and_a_waiting_shadow_keeps_none_from_starting() -> None:
    source = {"on": "shipment.delivery_failed", "mode": "ignore", "steps": [{"wait": "9d"}, notify("delivery-failed")]}
    story = Story(world({"flow": shadowed(source)}))
    first = story.world.config.flows["flow"]
    story.react(packed(), scan("P1", "delivery_failed", "10:01"))
    for mode in ("ignore", "restart"):
        former = story.world.config.flows["flow"]
        story.world = world({"flow": {**source, "mode": mode}})
        story.world.remember(former)
        story.world.remember(first)
        at = "12:00" if mode == "ignore" else "20:00"
        story.react(scan("P1", "in_transit", at.replace(":00", ":01")), at=at.replace(":00", ":02"))
        story.react(scan("P1", "delivery_failed", at.replace(":00", ":05")), at=at.replace(":00", ":06"))
    assert [(row.shadow, str(row.run.state)) for row in story.runs.values()] == [
        (True, "waiting"), (False, "restarted"), (False, "waiting"),
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------ safe by default


class Brew:
    """An effect that nobody has thought of yet."""

    step = Stop("brew:coffee", "")


def test_an_effect_that_knows_no_shadows_is_only_written_down() -> None:
    story = Story(replace(world({"flow": WAITS_A_DAY}), shadow=True))
    story.react(packed())
    (row,) = story.runs.values()
    assert row.shadow
    here = _React.__new__(_React)
    lines: list[str] = []
    here._line = lambda flow, word, result, run, why=None: lines.append(result)  # type: ignore[method-assign]
    assert here._do(row, Brew(), row.run) is row.run  # type: ignore[arg-type]
    assert lines == [f"{NOT_DONE}brew:coffee"] == [would_have(Brew())]  # type: ignore[arg-type]


def test_messages_come_into_the_outbox_by_one_door() -> None:
    """So that none is forgotten that has to be a shadow's."""
    root = Path(hub.__file__).parent
    found = [
        path.relative_to(root).as_posix()
        for path in sorted(root.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("insert", "insert_new", "upsert"))
        if node.args and ast.unparse(node.args[0]).endswith("messages")
    ]
    assert found == ["pipeline/shadow.py"]


async def test_a_message_that_does_not_say_so_is_what_its_run_is(db: Database) -> None:
    it = desk(db, live=PACKED, quiet=shadowed(PACKED))
    await it.hear(packed())
    keys = {row.flow: row.key for row in it.rows(runs)}
    given = [
        {
            "slot": 1, "key": flow, "run_key": key, "template": "order-received", "cls": "transactional",
            "recipient": "customer", "due_at": it.clock.now(), "created_at": it.clock.now(), "doc": {},
        }
        for flow, key in {**keys, "none": ""}.items()
    ]  # fmt: skip
    db.run(lambda connection: write_messages(connection, db.dialect, it.world, given))
    db.run(
        lambda connection: write_messages(connection, db.dialect, replace(it.world, shadow=True), [_other(given[2])])
    )
    found = {row.key: row.shadow for row in it.rows(messages, messages.c.key.in_([*keys, "none", "other"]))}
    assert found == {"live": 0, "quiet": 1, "none": 0, "other": 1}


def _other(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "key": "other"}


@pytest.mark.parametrize("whole", [False, True])
async def test_a_shadow_speaks_in_nobodys_place(db: Database, whole: bool) -> None:
    """What the hub tells staff by itself, it tells also where only a shadow listens."""
    tells = {"on": "status.unmapped", "steps": [notify("staff-unmapped-status", to="support")]}
    it = desk(db, shadow=whole, flow=tells if whole else shadowed(tells))
    await it.hear(packed())
    await it.hear(scan("P1", "gibberish", "10:01"))
    theirs = {(row.flow, row.state) for row in it.rows(messages) if row.recipient.startswith("staff:")}
    assert theirs == {("", "sent"), ("flow", "suppressed")}


async def test_that_a_shadow_reached_its_reader_is_news_to_shadows(db: Database) -> None:
    on = {"on": "message.delivered", "steps": [notify("delivered", via=["mail"])]}
    it = desk(db, says=shadowed(PACKED), live=on, quiet=shadowed(on))
    await it.hear(packed())
    assert [row.flow for row in it.rows(runs)] == ["says", "quiet"]


async def test_what_only_would_have_happened_is_heard_by_shadows_alone(db: Database) -> None:
    on = {"on": "message.failed", "steps": [notify("order-received")]}
    it = desk(db, live=on, quiet=shadowed(on))
    await it.hear(packed())

    def tell(occurrence: int, shadow: bool) -> None:
        now = it.clock.now()
        db.run(
            lambda connection: report(
                connection, db.dialect, it.world, home=ORDER, word="message.failed", kind="message",
                subject=f"m{occurrence}", occurrence=occurrence, at=now, now=now, shadow=shadow,
            )
        )  # fmt: skip

    tell(1, True)
    await it.settle()
    assert {row.flow for row in it.rows(runs)} == {"quiet"}
    tell(2, False)
    await it.settle()
    assert sorted(row.flow for row in it.rows(runs)) == ["live", "quiet", "quiet"]
