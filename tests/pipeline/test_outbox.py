"""The outbox over a real database: caps between orders, channels that pause or are down, and what is asked again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.config.lengths import Hours, Length
from hub.config.model import Cap, Contact, Rung, Unheard
from hub.messages import Texts
from hub.model import Customer, Merged, Removed, Reply
from hub.pipeline.around import _sent
from hub.pipeline.asking import CORRECTIONS
from hub.pipeline.matters import Act, Wish, act
from hub.pipeline.receive import inbox_row
from hub.plugin import Config, Raw, Suppress, Transient, Unknown
from hub.status import Mode
from hub.store.database import Database
from hub.store.migrate import upgrade
from hub.store.tables import TENANT, connections, contacts, escalations, inbox, messages, orders, polls

from .fakes import (
    CONNECTIONS,
    SHOP,
    STAFF,
    Bot,
    Desk,
    Telling,
    connection,
    moment,
    notify,
    order,
    parcel,
    scan,
    world,
)


class Answering(Telling, Bot):
    """A chat in which customers ask."""


BOTH = Customer(email="o@x.example", phone="+380671234567", accepts_marketing=True)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    yield database
    database.close()


def desk(db: Database, via: Any = "default", contact: Contact | None = None, **step: Any) -> Desk:
    flows = {"packed": {"on": "order.packed", "steps": [notify("order-received", via=via, **step)]}}
    routes = Contact(routes={"default": ("mail",)}, settle=timedelta(0))
    return Desk(db, world(flows, contact=contact or routes))


def packed(ref: str = "1", customer: Customer = BOTH, at: str = "10:00") -> Any:
    return order(at, "order.packed", ref=ref, customer=customer)


# ------------------------------------------------------------------------------------------------ caps


async def test_a_cap_counts_what_leaves_at_the_same_moment(db: Database) -> None:
    """Two orders of one customer, told in one breath."""
    it = desk(
        db,
        contact=Contact({"default": ("mail",)}, settle=timedelta(0), caps=(Cap(1, timedelta(days=1)),)),
        **{"class": "feedback"},
    )
    await it.hear(packed("1"), packed("2"), packed("3", Customer(email="other@x.example")))
    assert [state for _, state, _ in it.messages()] == ["sent", "suppressed", "sent"]
    assert len(it.channel("mail").sent) == 2


async def test_and_frees_again_when_its_window_has_passed(db: Database) -> None:
    it = desk(
        db,
        contact=Contact({"default": ("mail",)}, settle=timedelta(0), caps=(Cap(1, timedelta(minutes=10)),)),
        **{"class": "feedback"},
    )
    await it.hear(packed("1"))
    await it.wait(minutes=11)
    await it.hear(packed("2"))
    assert [state for _, state, _ in it.messages()] == ["sent", "sent"]


async def test_a_cap_counts_what_went_out_although_another_channel_took_over(db: Database) -> None:
    """An SMS without a receipt is an SMS: it rang, and it cost."""
    contact = Contact(
        {"default": ("mail",)},
        settle=timedelta(0),
        caps=(Cap(1, timedelta(days=7), "sms"),),
        receipt={"sms": timedelta(minutes=10)},
    )
    it = desk(db, ["sms", "mail"], contact)
    await it.hear(packed("1"))
    await it.wait(minutes=30)
    assert it.messages() == [("order-received", "sent", "mail")]
    await it.hear(packed("2"))
    assert it.messages()[1] == ("order-received", "sent", "mail")
    assert len(it.channel("sms").sent) == 1
    await it.hear(packed("3", at="+7 09:59"), at="+7 09:59")
    assert it.messages()[2] == ("order-received", "sent", "mail"), "until its very end"
    await it.hear(packed("4", at="+7 10:01"), at="+7 10:01")
    assert len(it.channel("sms").sent) == 2


@pytest.mark.parametrize(
    ("outcome", "second"),
    [
        pytest.param(Unknown("lost"), "sms", id="it may have gone"),
        pytest.param(Transient("busy"), "mail", id="not gone"),
    ],
)
async def test_a_cap_counts_what_may_have_gone(db: Database, outcome: Any, second: str) -> None:
    contact = Contact({"default": ("mail",)}, settle=timedelta(0), caps=(Cap(1, timedelta(days=1), "mail"),))
    it = desk(db, ["mail", "sms"], contact)
    it.channel("mail").answers += [outcome] * 6
    await it.hear(packed("1"))
    await it.wait(hours=1)
    it.channel("mail").answers.clear()
    await it.hear(packed("2"))
    assert [connection for _, _, connection in it.messages()][1] == second


async def test_what_is_tried_again_under_its_key_counts_once(db: Database) -> None:
    contact = Contact({"default": ("mail",)}, settle=timedelta(0), caps=(Cap(2, timedelta(days=1), "mail"),))
    it = desk(db, ["mail", "sms"], contact)
    it.channel("mail").answers += [Unknown("lost"), Unknown("lost")]
    await it.hear(packed("1"))
    await it.wait(hours=1)
    assert len(it.channel("mail").sent) == 2
    await it.hear(packed("2"), packed("3"))
    assert [connection for _, _, connection in it.messages()] == ["mail", "mail", "sms"]


def test_what_was_sent_is_found_by_the_customer_and_the_time(db: Database) -> None:
    """However much was said to somebody before."""
    upgrade(db)
    plans: list[str] = []

    def look(connection: sa.Connection) -> None:
        def explain(conn: Any, cursor: Any, statement: str, parameters: Any, *more: Any) -> None:
            if not statement.startswith("EXPLAIN"):
                told = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plans.append(" ".join(str(row[3]) for row in told))

        sa.event.listen(connection, "before_cursor_execute", explain)
        _sent(connection, {"c"}, moment("09:00"))

    db.run(look)
    assert len(plans) == 2
    for plan in plans:
        assert "ix_messages_customer (tenant=? AND customer_id=? AND finished_at" in plan, plan
        assert "ix_attempts_message (message_id=?)" in plan and "SCAN" not in plan, plan


# ------------------------------------------------------------------------------------------------ the cascade

OURS = Config("no money")


async def test_a_fault_of_ours_does_not_hold_a_message_that_has_another_channel(db: Database) -> None:
    it = desk(db, ["sms", "mail"])
    it.channel("sms").answers += [OURS] * 9
    await it.hear(packed())
    await it.wait(minutes=14)
    assert len(it.channel("sms").sent) == 1, "the connection pauses"
    await it.wait(minutes=3)
    assert it.messages() == [("order-received", "sent", "mail")]
    (row,) = it.rows(connections, connections.c.name == "sms")
    assert row.paused == "no money" and row.paused_until > it.clock.now()


async def test_without_another_channel_it_waits_and_loses_no_attempt(db: Database) -> None:
    it = desk(db, ["mail"])
    it.channel("mail").answers += [OURS] * 9
    await it.hear(packed())
    await it.wait(hours=3)
    assert it.messages() == [("order-received", "sent", "mail")]
    assert len(it.channel("mail").sent) == 10


@pytest.mark.parametrize(
    ("via", "customer"),
    [
        pytest.param(["mail", "bot"], BOTH, id="the bot is not linked"),
        pytest.param(["mail", "sms"], replace(BOTH, phone=""), id="there is no phone"),
    ],
)
async def test_a_channel_that_reaches_nobody_is_no_reason_to_give_up_early(
    db: Database, via: Any, customer: Customer
) -> None:
    """A quarter of an hour of trouble must not cost the message, when nothing else could carry it."""
    it = desk(db, via)
    it.channel("mail").answers += [Transient("busy")] * 4
    await it.hear(packed(customer=customer))
    await it.wait(minutes=40)
    assert it.messages() == [("order-received", "sent", "mail")]


async def test_a_channel_that_asks_for_an_hour_of_quiet_is_left_in_peace(db: Database) -> None:
    """The next one has its turn after a quarter of an hour all the same."""
    it = desk(db, ["sms", "mail"])
    it.channel("sms").answers.append(Transient("too many requests", it.clock.now() + timedelta(hours=1)))
    await it.hear(packed())
    await it.wait(minutes=14)
    assert it.channel("mail").sent == []
    await it.wait(minutes=2)
    assert it.messages() == [("order-received", "sent", "mail")]
    await it.wait(hours=2)
    assert len(it.channel("sms").sent) == 1


def test_a_routes_word_means_what_the_shop_says() -> None:
    mapped = replace(SHOP, connections={"sms": "bot"})
    its = world(contact=Contact(routes={"default": ("sms", "mail", "gone")}), shop=mapped)
    assert its.list_of("default", mapped) == ["bot", "mail"]
    assert its.list_of(("sms", "bot"), mapped) == ["bot"], "no channel twice"
    assert its.list_of(("sms", "post", "gone", "mail"), SHOP) == ["sms", "mail"], "what is a channel in the newest file"
    assert its.list_of("gone", SHOP) == []


async def test_a_shops_own_word_for_a_channel_is_not_another_channel(db: Database) -> None:
    flows = {"packed": {"on": "order.packed", "steps": [notify("order-received")]}}
    its = world(
        flows,
        contact=Contact({"default": ("letters",)}, settle=timedelta(0)),
        shop=replace(SHOP, connections={"letters": "mail"}),
    )
    it = Desk(db, its)
    it.channel("mail").answers += [Transient("busy")] * 4
    await it.hear(packed())
    await it.wait(minutes=40)
    assert it.messages() == [("order-received", "sent", "mail")]


async def test_a_dead_address_leads_to_the_next_channel_at_once_and_is_not_used_again(db: Database) -> None:
    it = desk(db, ["mail", "sms"])
    it.channel("mail").answers.append(Suppress("no such mailbox"))
    await it.hear(packed("1"))
    await it.hear(packed("2"))
    assert [connection for _, _, connection in it.messages()] == ["sms", "sms"]
    assert len(it.channel("mail").sent) == 1


@pytest.mark.parametrize(("first", "second"), [("mail", "sms"), ("sms", "mail")])
async def test_who_blocked_a_channel_is_not_spoken_to_there_again(db: Database, first: str, second: str) -> None:
    """Nobody links mail or SMS: the customer is known there only from the orders."""
    it = desk(db, [first, second])
    it.channel(first).answers.append(Suppress("STOP", blocked=True))
    await it.hear(packed("1"))
    await it.hear(packed("2"))
    assert [connection for _, _, connection in it.messages()] == [second, second]
    assert len(it.channel(first).sent) == 1
    (contact,) = it.rows(contacts)
    assert (contact.channel, contact.state, contact.reason) == (first, "closed", "STOP")
    assert contact.address == it.channel(first).sent[0].to
    await it.hear(packed("3", replace(BOTH, email="other@x.example")))
    assert len(it.channel(first).sent) == 2, "closed for this customer, not for all"


async def test_uncertain_mail_is_said_twice_at_most_and_never_by_another_channel(db: Database) -> None:
    it = desk(db, ["mail", "sms"])
    it.channel("mail").answers += [Unknown("lost")] * 3
    await it.hear(packed())
    await it.wait(hours=1)
    assert it.messages() == [("order-received", "uncertain", "mail")]
    assert (len(it.channel("mail").sent), len(it.channel("sms").sent)) == (2, 0)
    assert len({message.key for message in it.channel("mail").sent}) == 1, "under one key"


# ------------------------------------------------------------------------------------------------ deadlines


def payable(until: str, version: str = "10:00") -> Any:
    """A date that may move; a promise never does."""
    return order(version, "order.packed", customer=BOTH, payment_due_at=moment(until))


@pytest.mark.parametrize(
    ("before", "moved", "outcome"),
    [
        pytest.param("payment.due_at", "10:20", ("suppressed", "too-late"), id="it came nearer"),
        pytest.param("payment.due_at", "11:30", ("sent", ""), id="it is further away"),
        pytest.param("payment.due_at", None, ("suppressed", "too-late"), id="it is not known any more"),
        pytest.param("now + minutes(20)", "11:30", ("suppressed", "too-late"), id="it counts from when it was decided"),
        pytest.param("now + minutes(50)", "10:20", ("sent", ""), id="and has not come"),
    ],
)
async def test_a_deadline_is_what_it_is_when_the_message_leaves(
    db: Database, before: str, moved: str | None, outcome: tuple[str, str]
) -> None:
    """The message waits for its channel, and meanwhile the order changes."""
    first = "10:45" if moved == "10:20" else "10:20"
    it = desk(db, ["mail"], before=before)
    it.channel("mail").answers.append(Transient("busy", moment("10:30")))
    await it.hear(payable(first), at="10:01")
    await it.hear(payable(moved, "10:05") if moved else packed(at="10:05"), at="10:05")
    await it.wait(minutes=30)
    (row,) = it.rows(messages)
    assert (row.state, row.reason) == outcome
    assert len(it.channel("mail").sent) == (2 if outcome[0] == "sent" else 1)


async def test_also_in_a_branch_and_with_the_text_that_the_run_started_with(db: Database) -> None:
    def flows(before: str) -> dict[str, Any]:
        said = notify("order-received", via=["mail"], before=before)
        when = {"when": "order.number == '#1'", "steps": [said]}
        return {"packed": {"on": "order.packed", "steps": [{"choose": [when]}]}}

    contact = Contact(settle=timedelta(0))
    it = Desk(db, world(flows("payment.due_at"), contact=contact))
    it.channel("mail").answers.append(Transient("busy", moment("10:30")))
    await it.hear(payable("10:20"), at="10:01")
    it.go_live(world(flows("order.placed_at"), contact=contact))
    await it.hear(payable("11:30", "10:05"), at="10:05")
    await it.wait(minutes=30)
    assert it.messages() == [("order-received", "sent", "mail")]


# ------------------------------------------------------------------------------------------------ staff


@pytest.mark.parametrize(
    ("settles", "told"),
    [
        pytest.param("", [("staff-overdue", "sent", "")] * 2, id="nobody did anything"),
        pytest.param("take", [("staff-overdue", "sent", "")] * 2, id="somebody took it, and it is late"),
        pytest.param("resolve", [("staff-overdue", "suppressed", "already resolved")] * 2, id="it was resolved"),
    ],
)
async def test_nobody_is_called_in_the_morning_about_what_was_resolved_at_night(
    db: Database, settles: str, told: list[tuple[str, str, str]]
) -> None:
    """The word that it is overdue waits for the hours of the next rung."""
    steps = [{"escalate": {"to": "support", "reason": "why", "due": "1h", "id": "call"}}]
    office = Hours(frozenset(range(1, 8)), time(9), time(18))
    staff = {
        "support": Rung("support", ("olena",), ("mail",), timedelta(days=9), then="manager"),
        "manager": replace(STAFF["manager"], hours=office),
    }
    it = Desk(db, world({"packed": {"on": "order.packed", "steps": steps}}, staff=staff))
    await it.hear(packed(at="19:59"), at="20:00")
    await it.wait(minutes=70)
    overdue = messages.c.template == "staff-overdue"
    assert [row.state for row in it.rows(messages, overdue)] == ["due", "due"], "it is night"
    (matter,) = it.rows(escalations)
    now = it.clock.now()
    if settles == "take":
        db.run(lambda connection: act(connection, db.dialect, matter.uid, Act(Wish.TAKE, "olena"), it.world, now))
    if settles == "resolve":
        db.run(lambda connection: act(connection, db.dialect, matter.uid, Act(Wish.RESOLVE), it.world, now))
    it.clock.move_to(moment("+1 07:00"))
    await it.settle()
    assert [(row.template, row.state, row.reason) for row in it.rows(messages, overdue)] == told


@pytest.mark.parametrize(("settles", "reason"), [("take", "already taken"), ("resolve", "already resolved")])
async def test_nor_that_somebody_could_not_be_reached(db: Database, settles: str, reason: str) -> None:
    staff = {"support": replace(STAFF["support"], hours=Hours(frozenset(range(1, 8)), time(9), time(18)))}
    flows = {"packed": {"on": "order.packed", "steps": [notify("order-received", via=["bot"])]}}
    contact = Contact(settle=timedelta(0), unheard=Unheard("support", Length(timedelta(hours=8))))
    it = Desk(db, world(flows, contact=contact, staff={**STAFF, **staff}))
    await it.hear(packed(at="19:59"), at="20:00")
    (matter,) = it.rows(escalations)
    now = it.clock.now()
    if settles == "take":
        db.run(lambda connection: act(connection, db.dialect, matter.uid, Act(Wish.TAKE, "olena"), it.world, now))
    else:
        db.run(lambda connection: act(connection, db.dialect, matter.uid, Act(Wish.RESOLVE), it.world, now))
    it.clock.move_to(moment("+1 07:00"))
    await it.settle()
    (row,) = it.rows(messages, messages.c.template == "staff-unheard")
    assert (row.state, row.reason) == ("suppressed", reason)


# ------------------------------------------------------------------------------------------------ languages


@pytest.mark.parametrize(
    ("tag", "spoken"),
    [
        pytest.param("de-DE", "de", id="the merchant's own"),
        pytest.param("pt-BR", "pt-BR", id="of a country"),
        pytest.param("pt", "uk", id="not that of another country: the shop's"),
        pytest.param("pl_PL", "pl", id="one of ours"),
    ],
)
async def test_a_merchants_own_language_is_spoken(db: Database, tmp_path: Path, tag: str, spoken: str) -> None:
    for locale in ("de", "pt-BR"):
        folder = tmp_path / "messages" / locale
        folder.mkdir(parents=True)
        (folder / "order-received.sms").write_text(f"({locale}) {{{{ order.number }}}}\n")
    texts, problems = Texts.load(tmp_path / "messages", {"main": "plain"})
    assert not problems
    flows = {"packed": {"on": "order.packed", "steps": [notify("order-received", via=["sms"])]}}
    it = Desk(db, replace(world(flows, contact=Contact(settle=timedelta(0))), texts=texts))
    await it.hear(packed(customer=replace(BOTH, locale=tag)))
    (message,) = it.channel("sms").sent
    assert message.locale == spoken
    assert message.text == f"({spoken}) #1" or spoken in ("uk", "pl")


# ------------------------------------------------------------------------------------------------ asked again


async def test_questions_about_a_parcel_end_and_begin_again_when_it_moves_again(db: Database) -> None:
    it = desk(db)

    def asked() -> tuple[int, bool]:
        """Whether it is over, and whether only corrections are still to be heard."""
        (row,) = it.rows(polls, polls.c.ref == "P1")
        return row.state, row.until_at - row.slow_at == CORRECTIONS

    held = (parcel("1", "09:00", numbers=["P1"]),)
    await it.hear(order("10:00", "order.packed", parcels=held))
    assert asked() == (0, False)
    await it.hear(scan("P1", "delivered", "10:00"), at="10:05")
    assert asked() == (0, True)
    await it.hear(order("+5 10:00", "order.completed", parcels=held), at="+5 10:00")
    assert asked() == (1, True), "over for good, whatever the shop still writes into the order"
    await it.hear(scan("P1", "out_for_delivery", "+5 11:00"), at="+5 11:00")
    assert asked() == (0, False)


# ------------------------------------------------------------------------------------------------ orders that are gone


async def asked(it: Desk) -> str:
    """What a customer whose chat is linked is answered."""
    (customer,) = {row.customer_id for row in it.rows(orders)}
    contact = {"tenant": TENANT, "customer_id": customer, "channel": "bot", "address": "7", "at": it.clock.now()}
    it.db.run(lambda connection: connection.execute(sa.insert(contacts).values(**contact)))
    it.said["reply"] = Reply("7", "where?", it.clock.now(), event_id="1")
    raw = Raw("reply", "chat:7", "reply")
    row = inbox_row("bot", raw, Mode.LIVE, it.clock)
    await it.db.write(lambda connection: connection.execute(sa.insert(inbox).values(**row)))
    await it.settle()
    (answer,) = it.channel("bot").sent
    return answer.text


@pytest.mark.parametrize(
    "gone", [Merged("1", "2", moment("11:00")), Removed("1", moment("11:00"))], ids=["merged", "deleted"]
)
async def test_who_asks_is_told_nothing_of_an_order_that_is_gone(db: Database, gone: Any) -> None:
    it = Desk(db, world(connections=[*CONNECTIONS[:4], connection("bot", Answering)]))
    await it.hear(packed("1"), packed("2"), at="10:00")
    await it.hear(gone, at="11:00")
    text = await asked(it)
    assert "#2" in text and "#1" not in text


async def test_who_asks_when_all_are_gone_is_told_so(db: Database) -> None:
    it = Desk(db, world(connections=[*CONNECTIONS[:4], connection("bot", Answering)]))
    await it.hear(packed("1"), at="10:00")
    await it.hear(Removed("1", moment("11:00")), at="11:00")
    assert "відкритих замовлень немає" in await asked(it)


async def test_a_merged_order_has_no_headline(db: Database) -> None:
    it = desk(db)
    await it.hear(packed("1"), packed("2"), at="10:00")
    await it.hear(Merged("1", "2", moment("11:00")), at="11:00")
    assert [row.headline for row in it.rows(orders)] == ["", "packed"]
