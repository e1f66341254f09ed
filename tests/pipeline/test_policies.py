"""Policies while they run: what must not leave, what is one too many, and who must have heard in time."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from hub.config.lengths import Hours, Length
from hub.config.model import Contact
from hub.flows.cel import Compiled, Wants, compile_expression
from hub.flows.policies import ANSWER, STAFF, After, AtMost, Never, Pattern, Policies, Policy
from hub.flows.read_policies import OF_A_MESSAGE
from hub.flows.types import offers_of
from hub.model import Customer
from hub.pipeline.gone import read_gone
from hub.pipeline.matters import Act, Wish, act
from hub.pipeline.news import home_of, report
from hub.pipeline.outbox import look
from hub.pipeline.questions import answer, ask
from hub.plugin import Permanent
from hub.status import Mode
from hub.store.database import Database
from hub.store.migrate import upgrade
from hub.store.tables import attempts, escalations, messages, questions, timers, watches

from .fakes import ORDER, Desk, moment, notify, order, parcel, scan, world
from .fakes import STAFF as GROUPS

BOTH = Customer(email="o@x.example", phone="+380671234567")
AT_ONCE = Contact(routes={"default": ("sms", "mail"), "letter": ("mail",)}, settle=timedelta(0))
TOLD: Mapping[str, Any] = {"on": "order.packed", "steps": [notify("order-received", via="letter")]}
CALLED: Mapping[str, Any] = {
    "on": "order.packed", "steps": [{"escalate": {"to": "support", "reason": "look", "due": "9h"}}],
}  # fmt: skip
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def cel(text: str, names: frozenset[str] = OF_A_MESSAGE) -> Compiled:
    compiled = compile_expression(text, Wants.BOOL, names)
    assert isinstance(compiled, Compiled), compiled
    return compiled


def desk(
    db: Database, *policies: Policy, contact: Contact = AT_ONCE, shadow: bool = False, **flows: Mapping[str, Any]
) -> Desk:
    made = world(flows, contact=contact)
    config = replace(made.config, policies={each.name: each for each in policies})
    return Desk(db, replace(made, config=config, shadow=shadow))


def packed(ref: str = "1", customer: Customer = BOTH, at: str = "10:00", **more: Any) -> Any:
    return order(at, "order.packed", ref=ref, customer=customer, **more)


def said(it: Desk) -> list[tuple[str, str]]:
    """(state, reason) of what is for customers."""
    return [(row.state, row.reason) for row in it.rows(messages, messages.c.recipient == "customer")]


def to_staff(it: Desk, kind: str = "") -> list[str]:
    """Who was told of a policy, of this kind or any."""
    rows = it.rows(messages, messages.c.template == "staff-policy")
    return [row.recipient for row in rows if not kind or row.doc["extra"]["policy"]["kind"] == kind]


def watched(it: Desk) -> list[tuple[str, str]]:
    return [(row.policy, row.state) for row in it.rows(watches)]


# ------------------------------------------------------------------------------------------------ never


NO_LETTER = Never("no-letter", Pattern(templates=frozenset({"order-received"})), cel("has(order.note)"), lets=True)


async def test_what_is_forbidden_does_not_leave_and_the_reason_names_the_policy(db: Database) -> None:
    it = desk(db, NO_LETTER, told=TOLD)
    await it.hear(packed())
    assert said(it) == [("suppressed", "policy: no-letter: has(order.note) is not met")]
    assert it.channel("mail").sent == [] and it.rows(escalations) == []


async def test_what_its_condition_read_is_kept_to_explain_by(db: Database) -> None:
    ban = Never("calm", Pattern(), cel("customer.open_questions == 0 && order.wholesale"), lets=True)
    it = desk(db, ban, told=TOLD)
    await it.hear(packed())
    (row,) = it.rows(messages)
    assert row.reason.startswith("policy: calm: ")
    assert row.doc["asked"]["rule"] == "customer.open_questions == 0 && order.wholesale"
    assert row.doc["asked"]["read"] == {"customer.open_questions": 0, "order.wholesale": False}


async def test_what_is_allowed_leaves(db: Database) -> None:
    it = desk(db, NO_LETTER, told=TOLD)
    await it.hear(packed(note="by the back door"))
    assert said(it) == [("sent", "")]


async def test_other_texts_and_other_people_are_none_of_its_business(db: Database) -> None:
    it = desk(
        db, NO_LETTER, told={"on": "order.packed", "steps": [notify("packed"), notify("order-received", to="olena")]}
    )
    await it.hear(packed())
    states = {(row.template, row.recipient): row.state for row in it.rows(messages)}
    assert states == {("packed", "customer"): "sent", ("order-received", "staff:olena"): "sent"}


@pytest.mark.parametrize("lets", [True, False])
async def test_what_is_not_known_counts_against_sending(db: Database, lets: bool) -> None:
    ban = Never("link", Pattern(classes=frozenset({"transactional"})), cel('order.note == "x"'), lets=lets)
    it = desk(db, ban, told=TOLD)
    await it.hear(packed())
    assert said(it) == [("suppressed", "policy: link: order.note is not known")]


async def test_a_sentence_about_a_channel_closes_that_channel_and_the_list_goes_on(db: Database) -> None:
    ban = Never("no-sms", Pattern(channels=frozenset({"sms"})), cel("customer.orders >= 0"), lets=False)
    it = desk(db, ban, told={"on": "order.packed", "steps": [notify("order-received")]})
    await it.hear(packed())
    assert it.messages() == [("order-received", "sent", "mail")]
    await it.hear(packed("2", Customer(phone="+380671234567")))
    assert said(it)[-1] == ("suppressed", "policy: no-sms: customer.orders >= 0 is met"), "nothing is to be mended here"


async def test_a_ban_may_be_about_the_staff(db: Database) -> None:
    ban = Never("not-her", Pattern(to=frozenset({"staff:olena"})), cel("customer.orders >= 0"), lets=False)
    it = desk(db, ban, told={"on": "order.packed", "steps": [notify("packed", to="support"), notify("order-received")]})
    await it.hear(packed())
    rows = {row.recipient: row.state for row in it.rows(messages)}
    assert rows == {"staff:olena": "suppressed", "customer": "sent"}


async def test_an_alarm_lets_it_leave_and_calls_the_manager(db: Database) -> None:
    it = desk(db, replace(NO_LETTER, blocks=False), told=TOLD)
    await it.hear(packed())
    assert said(it) == [("sent", "")]
    (matter,) = it.rows(escalations)
    assert (matter.rung, matter.severity, matter.state) == ("manager", "high", "open")
    assert matter.reason == "policy no-letter: order-received left all the same: has(order.note) is not met"
    assert to_staff(it, "never") == ["staff:iryna", "staff:petro"]
    assert "order-received" in it.channel("mail").sent[-1].text


async def test_without_a_manager_the_first_group_is_called_and_what_is_open_is_not_raised_twice(db: Database) -> None:
    twice = {"on": "order.packed", "steps": [notify("order-received", via="letter"),
                                             notify("order-received", via="letter", id="again")]}  # fmt: skip
    it = desk(db, replace(NO_LETTER, blocks=False), told=twice)
    support = {"support": replace(GROUPS["support"], then=None)}
    it.go_live(replace(it.world, config=replace(it.world.config, staff=support)))
    await it.hear(packed())
    (matter,) = it.rows(escalations)
    assert (matter.rung, matter.note.count("left all the same")) == ("support", 1)
    assert to_staff(it) == ["staff:olena"]


async def test_a_shadow_calls_nobody(db: Database) -> None:
    it = desk(db, replace(NO_LETTER, blocks=False), told={**TOLD, "state": "shadow"})
    await it.hear(packed())
    assert said(it) == [("suppressed", "shadow")]
    assert [row.state for row in it.rows(escalations)] == ["shadow"]
    assert it.channel("mail").sent == []


# ------------------------------------------------------------------------------------------------ at_most


FEW = AtMost("few", 2, DAY, "24h", Pattern(channels=frozenset({"mail"})))


async def test_no_window_holds_more_than_it_lets(db: Database) -> None:
    it = desk(db, FEW, told=TOLD)
    for ref, at in (("1", "10:00"), ("2", "11:00"), ("3", "12:00")):
        await it.hear(packed(ref, at=at), at=at)
    assert said(it) == [("sent", ""), ("sent", ""), ("suppressed", "policy: few: 2 within 24h already")]
    await it.hear(packed("4", at="+1 10:01"), packed("5", at="+1 10:01"), at="+1 10:01")
    assert [state for state, _ in said(it)[3:]] == ["sent", "suppressed"], (
        "the first is older than a day, the second not"
    )
    await it.hear(packed("6", Customer(email="other@x.example"), at="+1 10:02"), at="+1 10:02")
    assert said(it)[-1] == ("sent", ""), "each customer by themselves"


async def test_what_leaves_in_one_breath_counts(db: Database) -> None:
    it = desk(db, replace(FEW, at_most=1), told=TOLD)
    await it.hear(packed("1"), packed("2"))
    assert sorted(state for state, _ in said(it)) == ["sent", "suppressed"]


async def test_a_full_channel_is_passed_over(db: Database) -> None:
    limit = AtMost("few-sms", 1, DAY, "24h", Pattern(channels=frozenset({"sms"})))
    it = desk(db, limit, told={"on": "order.packed", "steps": [notify("order-received")]})
    await it.hear(packed("1"), packed("2", at="10:01"))
    assert [row[2] for row in it.messages()] == ["sms", "mail"]


async def test_a_message_that_goes_by_two_channels_is_one(db: Database) -> None:
    limit = AtMost("few", 1, DAY, "24h", Pattern(templates=frozenset({"order-received"})))
    it = desk(db, limit, told={"on": "order.packed", "steps": [notify("order-received")]})
    it.channel("sms").answers.append(Permanent("no"))
    await it.hear(packed("1"))
    assert it.messages() == [("order-received", "sent", "mail")]
    (row,) = it.rows(messages, messages.c.recipient == "customer")
    assert [each.connection for each in it.rows(attempts, attempts.c.message_id == row.id)] == ["sms", "mail"]


async def test_a_limit_by_order_lets_another_order_speak(db: Database) -> None:
    twice = {"on": "order.packed", "steps": [notify("packed", via="letter"), notify("order-received", via="letter")]}
    it = desk(db, AtMost("calm", 1, DAY, "24h", by="order"), told=twice)
    await it.hear(packed("1"), packed("2"))
    assert sorted(state for state, _ in said(it)) == ["sent", "sent", "suppressed", "suppressed"]


async def test_one_too_many_may_leave_with_an_alarm(db: Database) -> None:
    it = desk(db, replace(FEW, at_most=1, blocks=False), told=TOLD)
    await it.hear(packed("1"))
    assert to_staff(it) == []
    await it.hear(packed("2", at="10:01"))
    assert [state for state, _ in said(it)] == ["sent", "sent"]
    assert to_staff(it, "at_most") == ["staff:iryna", "staff:petro"]


async def test_it_is_counted_again_in_the_moment_in_which_it_leaves(db: Database) -> None:
    """Somebody else has sent since the look: what the look decided does not stand."""
    it = desk(db, replace(FEW, at_most=1), told=TOLD)
    now = it.clock.now()
    await it.hear(packed("1"), at="10:00")
    await it.hear(packed("2", Customer(email="o@x.example"), at="+2 10:00"), at="+2 10:00")
    assert [state for state, _ in said(it)] == ["sent", "sent"]
    waits = sa.update(messages).values(state="due", finished_at=None)
    it.db.run(lambda connection: connection.execute(waits))
    old = sa.update(attempts).values(started_at=now - 9 * DAY)
    it.db.run(lambda connection: connection.execute(old))
    at = it.clock.now()
    capacity = it.deliver._capacity(it.world, range(1024))
    outbox = it.db.run(lambda connection: look(connection, it.world, at, capacity))
    assert len(outbox.departures) == 1, "in one look the second is one too many"
    late = sa.update(attempts).where(attempts.c.message_id != outbox.departures[0].message.id).values(started_at=at)
    it.db.run(lambda connection: connection.execute(late))
    left = it.db.run(lambda connection: it.deliver._commit(connection, outbox, it.world, at))
    assert left == []


def test_what_went_out_is_found_by_the_customer_and_the_time_or_by_the_order(tmp_path: Path) -> None:
    """However much was said to somebody before."""
    db = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    upgrade(db)
    plans: list[str] = []

    def read(connection: sa.Connection) -> None:
        def explain(conn: Any, cursor: Any, statement: str, parameters: Any, *more: Any) -> None:
            if not statement.startswith("EXPLAIN"):
                told = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plans.append(" ".join(str(row[3]) for row in told))

        sa.event.listen(connection, "before_cursor_execute", explain)
        row = SimpleNamespace(customer_id="c", order_id="o")
        read_gone(connection, {FEW, replace(FEW, by="order")}, [row], moment("09:00"))

    db.run(read)
    db.close()
    assert len(plans) == 3
    assert all("ix_attempts_message (message_id=?)" in plan and "SCAN" not in plan for plan in plans), plans
    assert all("ix_messages_customer (tenant=? AND customer_id=? AND finished_at" in plan for plan in plans[:2]), plans
    assert "ix_messages_order (tenant=? AND order_id=?)" in plans[2], plans


def test_a_message_is_asked_about_those_policies_alone_that_may_be_about_it() -> None:
    many = [AtMost(f"a{n}", 1, DAY, "1d", Pattern(templates=frozenset({f"t{n}"}))) for n in range(50)]
    index = Policies([*many, NO_LETTER])
    assert index.about("t7", "transactional") == ((many[7],), ())
    assert index.about("order-received", "feedback") == ((), (NO_LETTER,))
    assert index.about("t7", "transactional") is index.about("t7", "transactional")


# ------------------------------------------------------------------------------------------------ after


def after(word: str = "order.packed", limit: str = "10h", **more: Any) -> After:
    return After("hear", word, Length(timedelta(hours=int(limit[:-1]))), limit, **more)


async def test_who_has_heard_in_time_is_no_alarm(db: Database) -> None:
    it = desk(db, after(), told=TOLD)
    await it.hear(packed())
    assert watched(it) == [("hear", "open")]
    await it.wait(hours=11)
    assert watched(it) == [("hear", "kept")] and to_staff(it) == [] and it.rows(escalations) == []


async def test_nobody_has_heard_staff_are_warned_and_then_called(db: Database) -> None:
    it = desk(db, after())
    await it.hear(packed(), at="10:00")
    await it.wait(hours=7, minutes=59)
    assert to_staff(it) == []
    await it.wait(minutes=1)
    assert to_staff(it, "soon") == ["staff:iryna", "staff:petro"] and it.rows(escalations) == []
    assert "#1" in it.channel("mail").sent[-1].subject and "hear" in it.channel("mail").sent[-1].subject
    await it.wait(hours=1, minutes=59)
    assert it.rows(escalations) == []
    await it.wait(minutes=1)
    (matter,) = it.rows(escalations)
    assert (matter.rung, matter.order_id) == ("manager", ORDER)
    assert matter.reason == "policy hear: the customer heard nothing within 10h of order.packed"
    assert watched(it) == [("hear", "broken")] and to_staff(it, "after") == ["staff:iryna", "staff:petro"]
    await it.wait(hours=1)
    assert len(it.rows(escalations)) == 1


async def test_the_warning_is_no_word_to_the_staff(db: Database) -> None:
    it = desk(db, after(hear=STAFF))
    await it.hear(packed())
    await it.wait(hours=11)
    assert watched(it) == [("hear", "broken")]


async def test_a_person_who_is_told_keeps_it(db: Database) -> None:
    it = desk(db, after(hear=STAFF), called=CALLED)
    await it.hear(packed())
    await it.wait(hours=9)
    assert watched(it) == [("hear", "kept")] and to_staff(it) == []


async def test_a_person_who_takes_the_matter_has_heard_of_it(db: Database) -> None:
    it = desk(db, after(hear=STAFF), called=CALLED)
    for name in ("olena", "iryna", "petro"):
        it.channel("mail").answers.append(Permanent(f"no {name}"))
    await it.hear(packed())
    (matter,) = it.rows(escalations)
    now = it.clock.now()
    it.db.run(lambda each: act(each, it.db.dialect, matter.uid, Act(Wish.TAKE, "olena"), it.world, now))
    await it.wait(hours=9)
    assert watched(it) == [("hear", "kept")]


async def test_only_the_texts_that_it_names_will_do(db: Database) -> None:
    it = desk(db, after(templates=frozenset({"packed"})), told=TOLD)
    await it.hear(packed())
    await it.wait(hours=11)
    assert watched(it) == [("hear", "broken")]


async def test_a_message_that_reached_nobody_was_not_heard(db: Database) -> None:
    """By SMS no receipt comes, and there is no other way."""
    only = Customer(phone="+380671234567")
    it = desk(db, after(), told={"on": "order.packed", "steps": [notify("order-received", via=["sms"])]})
    await it.hear(packed(customer=only))
    assert [state for state, _ in said(it)] == ["sent"]
    it.db.run(lambda each: each.execute(sa.update(timers).where(timers.c.kind == "receipt").values(state=1)))
    await it.wait(hours=11)
    assert watched(it) == [("hear", "broken")]


async def test_what_was_said_before_does_not_count_nor_what_comes_too_late(db: Database) -> None:
    early = {"on": "order.received", "steps": [notify("order-received", via="letter")]}
    late = {"on": "order.packed", "steps": [{"wait": "10h"}, notify("packed", via="letter")]}
    it = desk(db, after(), early=early, late=late, contact=replace(AT_ONCE, settle=timedelta(minutes=5)))
    await it.hear(order("09:00", "order.received", customer=BOTH), at="09:00")
    await it.wait(minutes=10)
    await it.hear(packed(), at="10:00")
    await it.wait(hours=11)
    assert [state for state, _ in said(it)] == ["sent", "sent"] and watched(it) == [("hear", "broken")]


async def test_unless_is_asked_when_it_happens_and_when_the_time_is_up(db: Database) -> None:
    names = offers_of("order.packed")
    it = desk(db, after(unless=cel('order.total > 9 || (has(order.note) && order.note == "quiet")', names)))
    await it.hear(packed("1", note="quiet"), packed("2"))
    assert [row.order_id for row in it.rows(watches)] == ["shop:2"], "the first needs nothing"
    await it.wait(hours=9)
    assert to_staff(it, "soon") == ["staff:iryna", "staff:petro"]
    await it.hear(packed("2", at="19:30", note="quiet"))
    await it.wait(hours=2)
    assert watched(it) == [("hear", "waived")] and it.rows(escalations) == []


async def test_an_unless_that_is_not_known_waives_nothing(db: Database) -> None:
    it = desk(db, after(unless=cel('order.note == "quiet"', offers_of("order.packed"))))
    await it.hear(packed())
    await it.wait(hours=11)
    assert watched(it) == [("hear", "broken")]


async def test_an_occurrence_is_watched_once_and_each_by_itself(db: Database) -> None:
    it = desk(db, after("shipment.delivery_failed"))
    held = (parcel("1", "10:00", numbers=["P1"]),)
    await it.hear(packed(parcels=held))
    await it.hear(scan("P1", "delivery_failed", "10:05"), at="10:06")
    await it.hear(scan("P1", "delivery_failed", "10:05", event_id="again"), at="10:07")
    await it.hear(scan("P1", "delivery_failed", "18:00"), at="18:01")
    assert len(it.rows(watches)) == 2
    await it.wait(hours=12)
    (matter,) = it.rows(escalations)
    assert matter.note.count("the customer heard nothing") == 1, "what is open about one subject is raised once"


async def test_old_news_oblige_nobody(db: Database) -> None:
    it = desk(db, after())
    await it.hear(packed("1"), mode=Mode.IMPORT)
    await it.hear(packed("2", at="+5 09:00"), at="+5 10:00")
    assert [row.order_id for row in it.rows(watches)] == ["shop:2"]


async def test_the_newest_text_of_a_policy_holds(db: Database) -> None:
    it = desk(db, after(), other={"on": "order.packed", "steps": [{"stop": "nothing"}]})
    await it.hear(packed(), at="10:00")
    longer = replace(it.world.config, policies={"hear": after(limit="20h")})
    it.go_live(replace(it.world, config=longer))
    await it.wait(hours=15)
    assert to_staff(it) == []
    (row,) = it.rows(watches)
    assert row.due_at == moment("+1 06:00"), "since 10:00"
    await it.wait(hours=1)
    assert to_staff(it, "soon") == ["staff:iryna", "staff:petro"]
    it.go_live(replace(it.world, config=replace(longer, policies={})))
    await it.wait(hours=5)
    assert watched(it) == [("hear", "dropped")] and it.rows(escalations) == []


async def test_a_warning_keeps_to_the_hours_of_its_group(db: Database) -> None:
    it = desk(db, after(limit="10h"))
    day = replace(
        GROUPS["manager"], hours=Hours(frozenset(range(1, 8)), moment("09:00").time(), moment("10:00").time())
    )
    it.go_live(replace(it.world, config=replace(it.world.config, staff={"manager": day})))
    await it.hear(packed(), at="10:00")
    await it.wait(hours=24)
    rows = it.rows(messages, messages.c.template == "staff-policy")
    assert [
        (row.doc["extra"]["policy"]["kind"], row.state, row.reason) for row in rows if row.recipient == "staff:iryna"
    ] == [
        ("soon", "suppressed", "too-late"),
        ("after", "sent", ""),
    ]


async def test_a_question_must_be_answered(db: Database) -> None:
    it = desk(db, after("customer.asked", hear=ANSWER))
    await it.hear(packed("1"), packed("2", at="10:00"))
    now = it.clock.now()
    for ref in ("1", "2"):
        it.db.run(
            partial(
                ask,
                dialect=it.db.dialect,
                world=it.world,
                customer_id=f"c{ref}",
                order_id=f"shop:{ref}",
                channel="mail",
                topic="other",
                text="?",
                occasion=ref,
                at=now,
                now=now,
            )
        )
    await it.settle()
    first = next(row for row in it.rows(questions) if row.order_id == "shop:1")
    it.db.run(lambda each: answer(each, it.db.dialect, it.world, first, "Yes", by="olena", now=now + HOUR))
    await it.wait(hours=11)
    assert sorted((row.order_id, row.state) for row in it.rows(watches)) == [("shop:1", "kept"), ("shop:2", "broken")]
    (matter,) = it.rows(escalations)
    assert matter.reason.endswith("the question was not answered within 10h of customer.asked")


async def test_a_hub_in_shadow_keeps_its_policies_in_shadow(db: Database) -> None:
    it = desk(db, after(), shadow=True, told=TOLD)
    await it.hear(packed("1"))
    await it.wait(hours=11)
    assert watched(it) == [("hear", "kept")]


async def test_a_hub_in_shadow_calls_nobody(db: Database) -> None:
    it = desk(db, after(), shadow=True)
    await it.hear(packed())
    await it.wait(hours=11)
    assert watched(it) == [("hear", "broken")]
    assert [row.state for row in it.rows(escalations)] == ["shadow"]
    assert {row.shadow for row in it.rows(messages, messages.c.template == "staff-policy")} == {1}
    assert it.channel("mail").sent == []


async def test_what_a_shadow_flow_says_was_not_heard(db: Database) -> None:
    it = desk(db, after(), told={**TOLD, "state": "shadow"})
    await it.hear(packed())
    await it.wait(hours=11)
    assert watched(it) == [("hear", "broken")]


async def test_a_failing_connection_must_be_told_to_a_person(db: Database) -> None:
    """A run that no order belongs to is watched where it is kept."""
    policy = after("connection.failing", "1h", hear=STAFF)
    it = desk(db, policy)
    now = it.clock.now()
    it.db.run(lambda each: report(
        each, it.db.dialect, it.world, home=home_of("connection", "mail"), word="connection.failing", kind="connection",
        subject="mail", occurrence=1, at=now, now=now))  # fmt: skip
    await it.settle()
    assert watched(it) == [("hear", "open")]
    await it.wait(hours=2)
    assert watched(it) == [("hear", "broken")]


async def test_words_without_a_policy_cost_nothing(db: Database) -> None:
    it = desk(db, after("payment.paid"), told=TOLD)
    await it.hear(packed())
    assert it.rows(watches) == []
