"""What customers ask: in a chat, by SMS, on the page of their order; and who answers."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub.model import Customer, Reply
from hub.pipeline.questions import MOST_OPEN, answer, find_questions, open_questions
from hub.plugin.sandbox import serve
from hub.store import tables
from hub.web.app import build_app
from hub.web.words import WORDS
from tests.pipeline.fakes import moment, notify, order

from .hamlet import Hamlet, hamlet
from .test_reasons import _linked
from .town import FLOWS, town

ANNA = Customer(email="anna@x.example", phone="+380509999999")

COMPLAINT = (
    FLOWS
    + """
  complaint:
    on: customer.asked
    when: question.topic == "complaint"
    steps:
      - mute: {classes: [marketing, feedback], for: 30d}
      - escalate: {to: support, severity: high, due: 48h, reason: "{{ question.text }} ({{ question.about }})"}
"""
)


async def test_a_complaint_in_a_chat_becomes_a_matter_with_its_words(tmp_path: Path) -> None:
    async with town(tmp_path, flows=COMPLAINT) as it:
        it.shop.shop.create_order(gateway="shopify_payments")
        await it.advance(minutes=5)
        chat = await _linked(it)
        it.telegram.say(chat, "Кава приїхала, але чашка розбита")
        await it.advance(minutes=5)
        (question,) = await it.rows(tables.questions)
        (placed,) = await it.rows(tables.orders)
        assert (question.topic, question.channel, question.order_id) == ("complaint", "bot", placed.id)
        assert question.answered_at is None and question.customer_id == placed.customer_id
        (matter,) = await it.rows(tables.escalations)
        assert matter.reason == f"Кава приїхала, але чашка розбита ({placed.number})"
        assert (matter.severity, matter.order_id) == ("high", placed.id)
        assert {row.cls for row in await it.rows(tables.mutes)} == {"marketing", "feedback"}
        assert "Відповість жива людина" in it.telegram.screen(chat)[-1].text
        it.telegram.say(chat, "і блюдце теж")
        await it.advance(minutes=5)
        told = [each.text for each in it.telegram.screen(chat) if "Відповість жива людина" in each.text]
        assert len(told) == 1, "once an hour"
        assert len(await it.rows(tables.questions)) == 2


async def test_a_flow_that_answers_stands_in_the_place_of_the_hub_s_own_thanks(tmp_path: Path) -> None:
    says = COMPLAINT.replace(
        "    steps:\n      - mute", "    steps:\n      - notify: {template: complaint-received}\n      - mute"
    )
    async with town(tmp_path, flows=says) as it:
        it.shop.shop.create_order(gateway="shopify_payments")
        await it.advance(minutes=5)
        chat = await _linked(it)
        it.telegram.say(chat, "Кава приїхала, але чашка розбита")
        await it.advance(minutes=5)
        it.telegram.say(chat, "Скільки коштує млинок?")
        await it.advance(minutes=5)
        rows = {row.template: row for row in await it.rows(tables.messages) if row.word == "customer.asked"}
        assert rows["complaint-received"].state in ("sent", "delivered")
        thanks = [row.state for row in await it.rows(tables.messages) if row.template == "question-received"]
        assert thanks == ["superseded", "sent"], "no flow speaks on the second"


async def test_who_asks_where_it_is_is_told_at_once_and_waits_for_nobody(tmp_path: Path) -> None:
    async with town(tmp_path, flows=COMPLAINT) as it:
        it.shop.shop.create_order(gateway="shopify_payments")
        await it.advance(minutes=5)
        chat = await _linked(it)
        for text in ("Де моє замовлення?", "/status", "дякую!", "/help"):
            it.telegram.say(chat, text)
            await it.advance(minutes=2)
        (question,) = await it.rows(tables.questions)
        assert (question.topic, question.answered_by, question.answered_at) == ("status", "hub", question.answered_at)
        assert question.answered_at is not None
        templates = [row.template for row in await it.rows(tables.messages) if row.recipient == "chat:bot"]
        assert templates == ["chat-linked", "order-status", "order-status", "chat-help"]
        assert await it.rows(tables.escalations) == []


# ------------------------------------------------------------------------------------------------ who hears of it


def asked(ref: str, **more: Any) -> dict[str, Any]:
    return {
        "waits": {
            "on": "order.packed",
            "stop_on": ["customer.asked"],
            "steps": [{"wait": "2d"}, notify("packed", via=["mail"])],
        },
        "asked": {"on": "customer.asked", "steps": [notify("on-hold", via=["mail"])]},
        "again": {"on": "customer.ordered", "steps": [notify("refunded", via=["mail"])]},
        "cart": {
            "on": "order.packed",
            "stop_on": ["customer.ordered"],
            "when": f'order.number == "#{ref}"',
            "steps": [{"wait": "2d"}, notify("shipped", via=["mail"])],
        },
    }


async def packed(it: Hamlet, ref: str, customer: Customer = ANNA, at: str = "09:59", placed: str = "09:50") -> None:
    await it.hear("shop", f"order:{ref}", order(at, "order.packed", ref=ref, placed=placed, customer=customer))
    await it.advance(minutes=1)


async def states(it: Hamlet, flow: str) -> dict[str, tuple[str, str]]:
    return {row.order_id: (row.state, row.reason) for row in await it.rows(tables.runs, tables.runs.c.flow == flow)}


async def test_runs_of_all_their_orders_hear_that_a_customer_asked_and_one_begins(
    tmp_path: Path, database_url: str
) -> None:
    async with hamlet(tmp_path, asked("none"), database=database_url) as it:
        stranger = Customer(email="other@x.example")
        for ref, whose in (("1", ANNA), ("2", ANNA), ("3", stranger)):
            await packed(it, ref, whose)
        await it.hear("sms", "reply", Reply(ANNA.phone, "Коли доставка?", it.clock.now(), event_id="7"))
        stopped = ("stopped", "customer.asked")
        assert await states(it, "waits") == {"shop:1": stopped, "shop:2": stopped, "shop:3": ("waiting", "")}
        assert list(await states(it, "asked")) == ["shop:2"], "about the newest order, and once"
        (question,) = await it.rows(tables.questions)
        assert (question.channel, question.topic, question.answered_at) == ("sms", "status", None), "a person answers"
        await it.hear("sms", "again", Reply(ANNA.phone, "Коли доставка?", it.clock.now(), event_id="7"))
        assert len(await it.rows(tables.questions)) == 1


async def test_another_order_is_heard_of_by_the_runs_of_the_first(tmp_path: Path, database_url: str) -> None:
    async with hamlet(tmp_path, asked("1"), database=database_url) as it:
        await packed(it, "1")
        await packed(it, "2", Customer(email="other@x.example"))
        assert (await states(it, "cart"))["shop:1"][0] == "waiting"
        await packed(it, "3", at="10:02", placed="10:01")
        assert (await states(it, "cart"))["shop:1"] == ("stopped", "customer.ordered")
        assert list(await states(it, "again")) == ["shop:3"], "it begins at the new order, and not at a first one"


async def test_an_order_is_no_other_order_to_its_own_runs(tmp_path: Path) -> None:
    async with hamlet(tmp_path, asked("3")) as it:
        await packed(it, "1")
        await packed(it, "3", at="10:02", placed="10:01")
        assert (await states(it, "cart"))["shop:3"] == ("waiting", "")
        assert list(await states(it, "again")) == ["shop:3"]
        await packed(it, "4", at="10:04", placed="10:03")
        assert (await states(it, "cart"))["shop:3"] == ("stopped", "customer.ordered")


async def test_an_old_order_that_is_imported_late_stops_nothing(tmp_path: Path) -> None:
    async with hamlet(tmp_path, asked("1")) as it:
        await packed(it, "1")
        await packed(it, "0", at="-9 10:00", placed="-9 09:00")
        assert (await states(it, "cart"))["shop:1"][0] == "waiting"


async def test_open_questions_are_counted_and_keep_a_flow_back(tmp_path: Path) -> None:
    flows = {
        "ask": {
            "on": "order.packed",
            "when": 'customer.open_questions == 0 || now - customer.last_heard_at > hours(1)',
            "steps": [notify("packed", via=["mail"])],
        }
    }  # fmt: skip
    async with hamlet(tmp_path, flows) as it:
        await packed(it, "1")
        await it.hear("sms", "reply", Reply(ANNA.phone, "Чашка розбита", it.clock.now(), event_id="7"))
        await packed(it, "2", at="10:02", placed="10:01")
        assert list(await states(it, "ask")) == ["shop:1"]
        await it.advance(hours=2)
        await packed(it, "3", at="12:02", placed="12:01")
        assert list(await states(it, "ask")) == ["shop:1", "shop:3"]


# ------------------------------------------------------------------------------------------------ the page


TELL = {"tell": {"on": "order.packed", "steps": [notify("packed", via=["mail"])]}}


@pytest.mark.parametrize("language", WORDS)
async def test_the_page_of_an_order_asks_the_shop(tmp_path: Path, language: str) -> None:
    async with hamlet(tmp_path, TELL, public_url="https://hub.example") as it, serve(build_app(it.hub)) as base:
        await packed(it, "1")
        await it.advance(minutes=3)
        (token,) = re.findall(r"https://hub\.example/o/([\w-]{27})", it.board.sent[-1][1].text)
        link, say = f"{base}/o/{token}", WORDS[language]
        async with httpx.AsyncClient(headers={"accept-language": language}) as reader:
            page = (await reader.get(link)).text
            assert say["ask_button"] in page and all(say[f"topic_{each}"] in page for each in ("return", "complaint"))
            for nonsense in ({"ask": " "}, {"ask": "x", "topic": "prizes"}, {"ask": "x"}):
                assert say["unasked"] in (await reader.post(link, data=nonsense)).text
            assert await it.rows(tables.questions) == []
            form = {"topic": "return", "ask": "<b>Завелика</b>\nчи можна обміняти?\0"}
            for _ in range(2):
                assert say["asked"] in (await reader.post(link, data=form)).text
            (row,) = await it.rows(tables.questions)
            assert (row.topic, row.channel, row.order_id) == ("return", "page", "shop:1")
            assert row.text == "<b>Завелика</b>\nчи можна обміняти?"
            for n in range(MOST_OPEN + 1):
                last = await reader.post(link, data={"topic": "other", "ask": f"and {n}"})
            assert say["asked_much"] in last.text
            assert len(await it.rows(tables.questions)) == MOST_OPEN
            assert (await reader.post(f"{base}/o/nobody", data=form)).status_code == 404


# ------------------------------------------------------------------------------------------------ answers


@pytest.mark.parametrize(("channel", "via"), [("sms", "sms"), ("page", "mail")])
async def test_an_answer_goes_where_the_question_came_from(tmp_path: Path, channel: str, via: str) -> None:
    """Whatever is muted: they asked."""
    flows = {
        **TELL,
        "hand over": {"on": "customer.asked", "steps": [{"mute": {"who": "order", "classes": "all", "for": "9d"}}]},
    }
    async with hamlet(tmp_path, flows, public_url="https://hub.example") as it, serve(build_app(it.hub)) as base:
        await packed(it, "1")
        await it.advance(minutes=3)
        if channel == "sms":
            await it.hear("sms", "reply", Reply(ANNA.phone, "Чашка розбита", it.clock.now(), event_id="7"))
        else:
            (token,) = re.findall(r"https://hub\.example/o/([\w-]{27})", it.board.sent[-1][1].text)
            async with httpx.AsyncClient() as reader:
                await reader.post(f"{base}/o/{token}", data={"topic": "complaint", "ask": "Чашка розбита"})
            await it.hub.quiet()
        (row,) = await it.hub.db.read(open_questions)
        assert row.number == "#1"
        now, world, dialect = it.clock.now() + timedelta(minutes=1), it.hub.world, it.hub.db.dialect
        words = "Надішлемо нову завтра."
        done = await it.hub.db.write(lambda c: answer(c, dialect, world, row, words, by="olena", now=now))
        again = await it.hub.db.write(lambda c: answer(c, dialect, world, row, "інше", by="iryna", now=now))
        assert (done, again) == (True, False)
        await it.advance(minutes=5)
        name, message = it.board.sent[-1]
        assert name == via and words in message.text and it.said()[-1] == "question-answered"
        (kept,) = await it.hub.db.read(lambda connection: find_questions(connection, row.id[:8]))
        assert (kept.answered_by, kept.answer, kept.answered_at) == ("olena", words, now)
        assert await it.hub.db.read(open_questions) == []
        assert moment("10:00") < kept.answered_at
