"""Customers and their questions, from the command line."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub.cli.customer import mask
from hub.clock import SystemClock
from hub.pipeline.around import address_hash
from hub.store import tables as t

from .using import Shop

WHEN = datetime(2026, 11, 24, 9, tzinfo=UTC)
QUESTION = "a1" * 12


@pytest.fixture
def buyer(shop: Shop) -> Any:
    return shop.rows(sa.select(t.customers))[0]


def channel(shop: Shop, who: str, name: str = "mail", *more: str) -> dict[str, Any]:
    told = shop.told("customer", "show", who, *more)
    return next(each for each in told["channels"] if each["channel"] == name)


class TestShow:
    def test_a_customer_is_found_by_order_mail_and_phone(self, shop: Shop, buyer: Any, number: str) -> None:
        by = (number, buyer.email.upper(), buyer.id, *([buyer.phone] if buyer.phone else []))
        assert {shop.told("customer", "show", who)["id"] for who in by} == {buyer.id}

    def test_addresses_are_masked_unless_asked_for(self, shop: Shop, buyer: Any, number: str) -> None:
        shown = shop.hub("customer", "show", number).stdout
        assert buyer.email not in shown and mask(buyer.email) in shown
        assert channel(shop, number, "mail", "--full")["address"] == buyer.email

    def test_a_name_cannot_steer_the_terminal(self, shop: Shop, buyer: Any, number: str) -> None:
        shop.change(sa.update(t.customers).values(name="O\x07\u202elena"))
        assert not {"\x07", "\u202e"} & set(shop.hub("customer", "show", buyer.id, "--full").stdout)

    def test_nobody_is_said_so(self, shop: Shop) -> None:
        result = shop.hub("customer", "show", "nobody@x.example")
        assert result.exit_code == 1 and "no customer has" in result.stderr

    def test_everything_known_is_shown(self, shop: Shop, buyer: Any, number: str) -> None:
        until = SystemClock().now() + timedelta(days=3)
        mark = {"tenant": "main", "scope": "customer", "ref": buyer.id, "at": WHEN, "how": "complaint"}
        shop.change(
            sa.insert(t.mutes).values(**mark, cls="marketing", until_at=until),
            sa.insert(t.mutes).values(**mark, cls="feedback", until_at=WHEN),
            sa.insert(t.tags).values(**mark, tag="vip", present=1),
        )
        told = shop.told("customer", "show", number)
        assert [(each["on"], each["class"]) for each in told["mutes"]] == [("customer", "marketing")], (
            "what is over is not"
        )
        assert [(each["tag"], each["state"]) for each in told["tags"]] == [("vip", "on")]
        shown = shop.hub("customer", "show", number).stdout
        assert "vip" in shown and "complaint" in shown


class TestConsent:
    def test_what_staff_are_told_is_kept(self, shop: Shop, number: str) -> None:
        assert (
            "is refused in mail"
            in shop.hub("customer", "optout", number, "--class", "feedback", "--channel", "mail").stdout
        )
        assert channel(shop, number)["feedback"] == "opted out"
        assert channel(shop, number, "bot")["feedback"] == "yes"
        again = shop.hub("customer", "optout", number, "--class", "feedback", "--channel", "mail")
        assert "was refused in mail already" in again.stdout
        shop.hub("customer", "consent", number, "--class", "marketing")
        told = shop.told("customer", "show", number)
        assert {each["marketing"] for each in told["channels"]} == {"yes"}
        kept = [(each["class"], each["channel"], each["given"], each["how"]) for each in told["consents"]]
        assert kept == [("feedback", "mail", "no", "staff"), ("marketing", "all", "yes", "staff")]

    def test_a_channel_that_there_is_not_is_named(self, shop: Shop, number: str) -> None:
        result = shop.hub("customer", "optout", number, "--class", "feedback", "--channel", "viber")
        assert result.exit_code == 2 and "there is no channel 'viber'; there are: mail, bot" in result.stderr


class TestRevive:
    def test_a_dead_address_is_used_again(self, shop: Shop, buyer: Any, number: str) -> None:
        dead = {"tenant": "main", "channel": "mail", "address_hash": address_hash("mail", buyer.email)}
        shop.change(sa.insert(t.suppressions).values(**dead, reason="no such mailbox", at=WHEN))
        assert (channel(shop, number)["state"], channel(shop, number)["why"]) == ("dead", "no such mailbox")
        assert shop.hub("customer", "revive", number, "mail").exit_code == 0
        assert channel(shop, number)["state"] == "open"
        again = shop.hub("customer", "revive", number, "mail")
        assert again.exit_code == 1 and "nothing keeps the address in mail" in again.stderr

    def test_who_closed_a_channel_opens_it_themselves(self, shop: Shop, buyer: Any, number: str) -> None:
        closed = {"tenant": "main", "customer_id": buyer.id, "channel": "mail", "address": buyer.email, "at": WHEN}
        shop.change(sa.insert(t.contacts).values(**closed, state="closed", reason="complaint"))
        result = shop.hub("customer", "revive", number, "mail")
        assert result.exit_code == 1 and "only they can open it" in result.stderr


@pytest.mark.parametrize(
    ("text", "masked"),
    [("anna@x.example", "a…@x.example"), ("+380501112233", "+38…33"), ("123", "1…"), ("", ""), ("@", "…@")],
)
def test_a_mask_leaves_enough_to_know_it_again(text: str, masked: str) -> None:
    assert mask(text) == masked


class TestQuestions:
    @pytest.fixture
    def asked(self, shop: Shop, buyer: Any) -> Shop:
        order = shop.rows(sa.select(t.orders).where(t.orders.c.customer_id == buyer.id))[0]
        row = {
            "tenant": "main", "id": QUESTION, "order_id": order.id, "customer_id": buyer.id, "channel": "page",
            "topic": "complaint", "text": "It is broken", "asked_at": WHEN,
        }  # fmt: skip
        shop.change(sa.insert(t.questions).values(**row))
        return shop

    def test_nothing_is_said_in_words(self, shop: Shop) -> None:
        assert "nobody waits for an answer" in shop.hub("question", "list").stdout

    def test_a_question_is_shown_and_answered_once(self, asked: Shop) -> None:
        (row,) = asked.told("question", "list")
        assert (row["id"], row["topic"], row["text"]) == (QUESTION[:8], "complaint", "It is broken")
        assert row["order"].startswith("#") and "It is broken" in asked.hub("question", "list").stdout
        assert asked.hub("question", "answer", row["id"], "We send a new one", "--by", "olena").exit_code == 0
        (kept,) = asked.rows(sa.select(t.questions))
        assert (kept.answer, kept.answered_by) == ("We send a new one", "olena")
        (message,) = asked.rows(sa.select(t.messages).where(t.messages.c.template == "question-answered"))
        assert (message.state, message.recipient, message.doc["via"]) == ("due", "customer", ["mail"])
        assert message.doc["extra"]["question"]["answer"] == "We send a new one"
        again = asked.hub("question", "answer", row["id"], "Another")
        assert again.exit_code == 1 and "was answered already, by olena" in again.stderr
        assert asked.told("question", "list") == []

    @pytest.mark.parametrize("wrong", ["zzzzzzzz", "a1", "%%%%%%%%"])
    def test_a_question_that_there_is_not(self, asked: Shop, wrong: str) -> None:
        result = asked.hub("question", "answer", wrong, "text")
        assert result.exit_code == 1 and "`hub question list` shows them" in result.stderr

    def test_an_answer_has_words(self, asked: Shop) -> None:
        assert asked.hub("question", "answer", QUESTION, "  ").exit_code == 2
