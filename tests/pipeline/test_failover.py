"""The outbox with two providers of one kind: whose fault it was decides who is asked next."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.config.model import Cap, Contact
from hub.model import ChannelClosed, Customer, Receipt, ReceiptState
from hub.pipeline.orders import reachable
from hub.pipeline.receive import inbox_row
from hub.plugin import Config, Permanent, Raw, Suppress, Transient, Unknown
from hub.status import Mode
from hub.store.database import Database
from hub.store.tables import TENANT, attempts, connections, contacts, customers, inbox, messages, optouts, suppressions

from .fakes import CONNECTIONS, SHOP, Desk, Telling, Texter, connection, notify, order, world

PHONE = "+380671234567"
BOTH = Customer(email="o@x.example", phone=PHONE)


class Hearing(Telling, Texter):
    """An SMS provider that tells of receipts and answers."""


class Plain(Hearing):
    """One without receipts."""

    receipts = False


PAIR = {"texts": ("sms", "backup")}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    yield database
    database.close()


def desk(
    db: Database, via: Any = ("texts", "mail"), contact: Contact | None = None, kind: Any = Hearing, step: Any = None
) -> Desk:
    flows = {"packed": {"on": "order.packed", "steps": [notify("order-received", via=list(via), **(step or {}))]}}
    others = [each for each in CONNECTIONS if each.name != "sms"]
    its = world(
        flows,
        contact=contact or Contact(settle=timedelta(0)),
        connections=[*others, connection("sms", kind), connection("backup", kind)],
        failovers=PAIR,
    )
    return Desk(db, its)


def packed(ref: str = "1", at: str = "10:00", customer: Customer = BOTH) -> Any:
    return order(at, "order.packed", ref=ref, customer=customer)


async def says(it: Desk, channel: str, record: Any) -> None:
    """A channel tells of something."""
    key = str(len(it.said))
    it.said[key] = record
    row = inbox_row(channel, Raw(key, f"chat:{key}", key), Mode.LIVE, it.clock)
    await it.db.write(lambda connection: connection.execute(sa.insert(inbox).values(**row)))
    await it.settle()


def counts(it: Desk) -> tuple[int, int, int]:
    """How often the first, the second and the letter box were asked to tell a customer."""
    theirs = [message for message in it.channel("mail").sent if message.to == BOTH.email]
    return len(it.channel("sms").sent), len(it.channel("backup").sent), len(theirs)


async def test_money_used_up_at_the_first_costs_no_time(db: Database) -> None:
    it = desk(db)
    it.channel("sms").answers.append(Config("no money"))
    await it.hear(packed())
    assert it.messages() == [("order-received", "sent", "backup")]
    await it.hear(packed("2"))
    assert counts(it)[:2] == (1, 2), "who pauses is not asked"
    (paused,) = [row for row in it.rows(connections) if row.paused]
    assert (paused.name, paused.paused) == ("sms", "no money")
    first, second = it.rows(attempts)[:2]
    assert first.key != second.key, "an attempt's key is the connection's"
    assert len(it.rows(messages, messages.c.recipient == "customer")) == 2


async def test_both_out_of_money_is_waited_for_as_for_one(db: Database) -> None:
    it = desk(db)
    it.channel("sms").answers += [Config("no money")] * 9
    it.channel("backup").answers += [Config("no money")] * 9
    await it.hear(packed(), at="10:00")
    assert it.messages() == [("order-received", "due", "backup")]
    await it.wait(minutes=14)
    assert counts(it) == (1, 1, 0)
    await it.wait(minutes=3)
    assert it.messages() == [("order-received", "sent", "mail")]


async def test_each_provider_that_is_down_has_its_quarter_of_an_hour(db: Database) -> None:
    it = desk(db)
    it.channel("sms").answers += [Transient("down")] * 9
    await it.hear(packed())
    await it.wait(minutes=14)
    assert counts(it)[1:] == (0, 0)
    await it.wait(minutes=2)
    assert it.messages() == [("order-received", "sent", "backup")]
    it.channel("sms").answers += [Transient("down")] * 9
    it.channel("backup").answers += [Transient("down")] * 9
    await it.hear(packed("2"))
    await it.wait(minutes=32)
    assert it.messages()[-1] == ("order-received", "sent", "mail")


@pytest.mark.parametrize(
    "outcome",
    [Suppress("no such number"), Suppress("STOP", blocked=True), Permanent("refused")],
    ids=["dead", "blocked", "refused"],
)
async def test_a_fault_of_the_address_is_no_business_of_the_other_provider(db: Database, outcome: Any) -> None:
    it = desk(db)
    it.channel("sms").answers.append(outcome)
    await it.hear(packed())
    assert it.messages() == [("order-received", "sent", "mail")]
    assert counts(it) == (1, 0, 1)
    (row,) = it.rows(messages, messages.c.recipient == "customer")
    assert row.doc["why"] == {"sms": outcome.reason, "backup": f"sms: {outcome.reason}"}, "people read who said so"


async def test_nor_is_one_that_the_second_finds(db: Database) -> None:
    it = desk(db)
    it.channel("sms").answers.append(Config("no money"))
    it.channel("backup").answers.append(Suppress("no such number"))
    await it.hear(packed())
    await it.hear(packed("2"))
    assert [by for _, _, by in it.messages()] == ["mail", "mail"]
    assert counts(it) == (1, 1, 2), "marked for both"


async def test_no_receipt_in_time_leads_out_of_the_failover(db: Database) -> None:
    contact = Contact(settle=timedelta(0), receipt={"sms": timedelta(minutes=20), "backup": timedelta(minutes=20)})
    it = desk(db, contact=contact)
    await it.hear(packed())
    await it.wait(minutes=21)
    assert it.messages() == [("order-received", "sent", "mail")]
    assert counts(it) == (1, 0, 1), "a phone that is off is off for both"


async def test_so_does_a_receipt_that_says_no(db: Database) -> None:
    it = desk(db)
    await it.hear(packed())
    key = it.channel("sms").sent[0].key
    await says(it, "sms", Receipt(ReceiptState.FAILED, it.clock.now(), key=key, reason="expired"))
    assert it.messages() == [("order-received", "sent", "mail")]
    assert counts(it) == (1, 0, 1)


async def test_what_may_have_gone_is_tried_twice_in_all(db: Database) -> None:
    """Without keys and receipts the rule decides; the second try is another provider's, for the first is in trouble."""
    it = desk(db, kind=Plain)
    it.channel("sms").answers.append(Unknown("lost"))
    it.channel("backup").answers.append(Unknown("lost"))
    await it.hear(packed())
    await it.wait(minutes=30)
    assert it.messages() == [("order-received", "uncertain", "backup")]
    assert counts(it) == (1, 1, 0)


async def test_or_once_where_the_rule_is_maybe_never(db: Database) -> None:
    it = desk(db, kind=Plain)
    config = it.world.config
    its = {name: replace(each, uncertain="maybe_never") for name, each in config.connections.items()}
    it.go_live(replace(it.world, config=replace(config, connections=its)))
    it.channel("sms").answers.append(Unknown("lost"))
    await it.hear(packed())
    await it.wait(minutes=30)
    assert it.messages() == [("order-received", "uncertain", "sms")]
    assert counts(it) == (1, 0, 0)


# ------------------------------------------------------------------------------------------------ one address


async def test_stop_at_either_closes_both_and_start_at_the_other_opens_them(db: Database) -> None:
    it = desk(db)
    await it.hear(packed())
    await says(it, "backup", ChannelClosed(PHONE, it.clock.now(), reason="STOP"))
    await it.hear(packed("2"))
    await it.hear(packed("3", customer=replace(BOTH, email="other@x.example")))
    assert [by for _, _, by in it.messages()] == ["sms", "mail", "mail"], "whoever gives that number"
    await says(it, "sms", ChannelClosed(PHONE, it.clock.now(), reason="START", open=True))
    await it.hear(packed("4"))
    assert it.messages()[-1][2] == "sms"
    assert not it.rows(suppressions)
    assert {row.state for row in it.rows(contacts)} == {"open"}


async def test_a_failover_that_is_made_later_knows_what_was_said_before(db: Database) -> None:
    it = desk(db, via=("backup", "mail"))
    joined = it.world
    it.go_live(replace(joined, config=replace(joined.config, failovers={})))
    await says(it, "sms", ChannelClosed(PHONE, it.clock.now(), reason="STOP"))
    await it.hear(packed())
    it.go_live(joined)
    await it.hear(packed("2"))
    assert [by for _, _, by in it.messages()] == ["backup", "mail"]


async def test_who_wants_no_such_messages_here_wants_none_by_the_other(db: Database) -> None:
    it = desk(db, step={"class": "feedback"})
    await it.hear(packed())
    (who,) = it.rows(customers)
    row = {"tenant": TENANT, "customer_id": who.id, "cls": "feedback", "channel": "backup", "at": it.clock.now()}
    db.run(lambda connection: connection.execute(sa.insert(optouts).values(**row, how="one-click")))
    await it.hear(packed("2"))
    assert [by for _, _, by in it.messages()] == ["sms", "mail"]


async def test_a_cap_on_the_failover_counts_both(db: Database) -> None:
    cap = Cap(2, timedelta(days=7), "texts", providers=frozenset(PAIR["texts"]))
    day = timedelta(days=1)
    it = desk(db, contact=Contact(settle=timedelta(0), caps=(cap,), receipt={"sms": day, "backup": day}))
    it.channel("sms").answers += [Config("no money")]
    await it.hear(packed("1"))
    await it.wait(minutes=16)
    await it.hear(packed("2"))
    await it.hear(packed("3"))
    assert [by for _, _, by in it.messages()] == ["backup", "sms", "mail"]


def test_conditions_know_it_by_its_name(db: Database) -> None:
    its = desk(db).world
    doc: Any = type("Doc", (), {"snapshot": order("10:00", customer=BOTH)})
    assert reachable(its, doc, {}) == ("mail", "sms", "backup", "texts")
    assert reachable(its, doc, {"backup": "closed"}) == ("mail",)


def test_a_list_holds_no_channel_twice(db: Database) -> None:
    its = desk(db).world
    assert its.entries_of(("sms", "texts", "mail", "backup"), SHOP) == [("sms",), ("backup",), ("mail",)]
    assert its.list_of(("texts", "mail"), replace(SHOP, connections={"mail": "sms"})) == ["sms", "backup"]


# ------------------------------------------------------------------------------------------------ receipts


class Called(Hearing):
    """A provider that calls receipts in: none comes to a hub that it cannot reach."""

    def gives_receipts(self, url: str | None) -> bool:
        return url is not None


@pytest.mark.parametrize(("public_url", "by"), [("https://hub.example", "mail"), (None, "sms")])
async def test_a_receipt_that_cannot_come_is_not_waited_for(db: Database, public_url: str | None, by: str) -> None:
    flows = {"packed": {"on": "order.packed", "steps": [notify("order-received", via=["sms", "mail"])]}}
    others = [each for each in CONNECTIONS if each.name != "sms"]
    its = world(
        flows,
        contact=Contact(settle=timedelta(0)),
        connections=[*others, connection("sms", Called)],
        public_url=public_url,
    )
    it = Desk(db, its)
    await it.hear(packed())
    await it.wait(hours=1)
    assert it.messages() == [("order-received", "sent", by)]
