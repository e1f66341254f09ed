"""What a customer allows and refuses, by every way there is, and what becomes of the messages."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from hub.model import ChannelClosed, Customer
from hub.plugin import Accepted, Outgoing, Suppress
from hub.plugin.sandbox import serve
from hub.store import tables
from hub.web.app import build_app
from hub.web.words import WORDS
from tests.pipeline.fakes import connection as of
from tests.pipeline.fakes import moment, notify, order

from .hamlet import ALL as HAMLET
from .hamlet import Hamlet, _Letters, hamlet
from .test_reasons import _linked
from .town import FLOWS, town

ANNA = Customer(email="anna@x.example", phone="+380509999999")
WILLING = replace(ANNA, accepts_marketing=True)
ALL = ("bot", "mail", "sms")
PUBLIC: dict[str, Any] = {"public_url": "https://hub.example"}


def by(channel: str, cls: str) -> dict[str, Any]:
    return notify("packed", via=[channel], id=f"{cls}-{channel}", **{"class": cls})


EVERY = {
    "every": {
        "on": "order.packed",
        "steps": [by(name, cls) for cls in ("transactional", "feedback", "marketing") for name in ("mail", "sms")],
    }
}


async def heard(it: Hamlet, ref: str, customer: Customer, placed: str = "09:50", at: str = "10:00") -> set[str]:
    """Which steps of the flow reached them about a new order."""
    await it.hear("shop", f"order:{ref}", order(at, "order.packed", ref=ref, placed=placed, customer=customer))
    await it.advance(minutes=3)
    rows = await it.rows(tables.messages, tables.messages.c.order_id == f"shop:{ref}")
    return {row.step for row in rows if row.state == "sent"}


NEWS = {"transactional-mail", "transactional-sms"}
FEEDBACK, OFFERS = {"feedback-mail", "feedback-sms"}, {"marketing-mail", "marketing-sms"}


@pytest.mark.parametrize("willing", [True, False])
async def test_offers_need_a_consent_and_the_rest_does_not(tmp_path: Path, database_url: str, willing: bool) -> None:
    async with hamlet(tmp_path, EVERY, database=database_url) as it:
        expected = NEWS | FEEDBACK | (OFFERS if willing else set())
        assert await heard(it, "1", WILLING if willing else ANNA) == expected
        kept = [(row.cls, row.channel, row.given, row.at, row.how) for row in await it.rows(tables.consents)]
        assert kept == ([("marketing", "", 1, moment("09:50"), "order")] if willing else [])


async def test_one_consent_is_the_customers_and_not_the_orders(tmp_path: Path) -> None:
    """A later order that was not asked says nothing, and one that is taken back in the shop says no."""
    async with hamlet(tmp_path, EVERY) as it:
        await heard(it, "1", WILLING)
        assert await heard(it, "2", ANNA, placed="10:02", at="10:03") == NEWS | FEEDBACK | OFFERS
        await it.hear("shop", "order:1", order("10:10", "order.packed", placed="09:50", customer=ANNA))
        assert await heard(it, "3", ANNA, placed="10:12", at="10:13") == NEWS | FEEDBACK
        assert await heard(it, "4", WILLING, placed="10:15", at="10:16") == NEWS | FEEDBACK | OFFERS
        assert [(row.given, row.at) for row in await it.rows(tables.consents)] == [
            (1, moment("09:50")), (0, moment("10:10")), (1, moment("10:15")),
        ]  # fmt: skip


async def test_what_is_left_by_one_click_comes_again_with_a_newer_order_and_not_with_an_older(tmp_path: Path) -> None:
    async with hamlet(tmp_path, EVERY, public_url="https://hub.example") as it, serve(build_app(it.hub)) as base:
        await heard(it, "1", WILLING)
        (offer,) = [
            message for name, message in it.board.sent if name == "mail" and "marketing" in await _class(it, message)
        ]
        link = offer.unsubscribe_url.replace("https://hub.example", base)
        async with httpx.AsyncClient() as reader:
            assert (await reader.get(link)).status_code == 200
            assert await it.rows(tables.optouts) == []
            body = {"List-Unsubscribe": "One-Click"}
            assert (await reader.post(link, data=body)).status_code == 200
            assert (await reader.post(link, content=b"\xff=\xfe" * 100)).status_code == 200, "whatever stands in it"
        (kept,) = await it.rows(tables.optouts)
        assert (kept.cls, kept.channel, kept.how) == ("marketing", "mail", "one-click")
        older = NEWS | FEEDBACK | {"marketing-sms"}
        assert await heard(it, "2", WILLING, placed="09:55", at="10:04") == older
        newer = await heard(it, "3", WILLING, placed="10:10", at="10:11")
        assert newer == NEWS | FEEDBACK | OFFERS
        history = [(row.channel, row.given, row.how) for row in await it.rows(tables.consents)]
        assert (
            history[0] == ("", 1, "order")
            and history[1] == ("mail", 0, "one-click")
            and history[-1][1:] == (1, "order")
        )


async def _class(it: Hamlet, message: Outgoing) -> Sequence[str]:
    tried = await it.rows(tables.attempts, tables.attempts.c.key == message.key)
    rows = await it.rows(tables.messages, tables.messages.c.id == tried[0].message_id)
    return [row.cls for row in rows]


async def test_stop_by_sms_is_for_all_and_start_makes_it_as_it_was(tmp_path: Path, database_url: str) -> None:
    async with hamlet(tmp_path, EVERY, database=database_url) as it:
        assert await heard(it, "1", ANNA) == NEWS | FEEDBACK
        await it.hear("sms", "reply", ChannelClosed(ANNA.phone, it.clock.now(), "stop", word=True))
        assert await heard(it, "2", ANNA, placed="10:05", at="10:06") == {"transactional-mail", "feedback-mail"}
        kept = {(row.cls, row.channel, row.given, row.how) for row in await it.rows(tables.consents)}
        assert kept == {("feedback", "sms", 0, "stop"), ("marketing", "sms", 0, "stop")}
        await it.advance(minutes=5)
        await it.hear("sms", "reply", ChannelClosed(ANNA.phone, it.clock.now(), "start", open=True, word=True))
        assert await heard(it, "3", ANNA, placed="10:15", at="10:16") == NEWS | FEEDBACK, "and no offers by that"


async def test_a_complaint_closes_mail_and_refuses_both_there(tmp_path: Path) -> None:
    async with hamlet(tmp_path, EVERY) as it:
        await heard(it, "1", WILLING)
        await it.hear("mail", "bounce", ChannelClosed(ANNA.email, it.clock.now(), "complaint"))
        assert await heard(it, "2", WILLING, placed="10:05", at="10:06") == {
            "transactional-sms", "feedback-sms", "marketing-sms",
        }  # fmt: skip
        kept = {(row.cls, row.how) for row in await it.rows(tables.optouts)}
        assert kept == {("feedback", "complaint"), ("marketing", "complaint")}


async def test_a_dead_address_is_not_used_until_it_changes(tmp_path: Path) -> None:
    async with hamlet(tmp_path, EVERY) as it:

        async def dead(name: str, message: Outgoing) -> Any:
            return Suppress("there is no such mailbox") if message.to == ANNA.email else Accepted()

        it.board.outcomes["mail"] = dead
        assert await heard(it, "1", ANNA) == {"transactional-sms", "feedback-sms"}
        tried = len([1 for name, _ in it.board.sent if name == "mail"])
        assert await heard(it, "2", ANNA, placed="10:05", at="10:06") == {"transactional-sms", "feedback-sms"}
        assert len([1 for name, _ in it.board.sent if name == "mail"]) == tried, "it is not tried again"
        moved = replace(ANNA, email="anna.new@x.example")
        assert await heard(it, "3", moved, placed="10:08", at="10:09") == NEWS | FEEDBACK


async def test_the_page_of_an_order_leads_to_the_same_preferences(tmp_path: Path) -> None:
    flows = {"tell": {"on": "order.packed", "steps": [by("mail", "transactional")]}}
    async with hamlet(tmp_path, flows, public_url="https://hub.example") as it, serve(build_app(it.hub)) as base:
        await heard(it, "1", ANNA)
        text = it.board.sent[-1][1].text
        token = re.findall(r"https://hub\.example/o/([\w-]{27})", text)[0]
        async with httpx.AsyncClient(headers={"accept-language": "en"}) as reader:
            page = (await reader.get(f"{base}/o/{token}")).text
            assert f'href="/u/{token}"' in page
            shown = (await reader.get(f"{base}/u/{token}")).text
            assert 'name="feedback.mail"' in shown and "One-Click" not in shown
            assert (await reader.post(f"{base}/u/{token}", data={"List-Unsubscribe": "One-Click"})).status_code == 404
            saved = await reader.post(
                f"{base}/u/{token}", data={"shown": "feedback.mail marketing.mail transactional.mail nonsense x.y"}
            )
            assert saved.status_code == 200
        kept = [(row.cls, row.channel) for row in await it.rows(tables.optouts)]
        assert kept == [("feedback", "mail")], "what was not ticked, of what was on the page and can be refused"


ASKING = (
    FLOWS
    + """
  ask: {on: payment.paid, steps: [{notify: {template: order-received, class: feedback, id: ask}}]}
"""
)


async def test_stop_and_start_in_a_chat(tmp_path: Path) -> None:
    """The word refuses all but news of orders, is answered with just that, and is taken back by start."""
    async with town(tmp_path, flows=ASKING) as it:
        orders = [it.shop.shop.create_order(gateway="shopify_payments") for _ in range(2)]
        await it.advance(minutes=5)
        chat = await _linked(it)
        it.telegram.say(chat, "/stop")
        await it.advance(minutes=1)
        assert "лише новини про ваші замовлення" in it.telegram.screen(chat)[-1].text
        kept = await it.rows(tables.consents)
        assert [(row.cls, row.channel, row.given, row.how) for row in kept] == [
            ("feedback", "bot", 0, "stop"), ("marketing", "bot", 0, "stop"),
        ]  # fmt: skip
        it.shop.shop.pay(orders[0])
        await it.advance(minutes=5)
        assert "Оплату" in it.telegram.screen(chat)[-1].text
        rows = await it.rows(tables.messages, tables.messages.c.cls == "feedback")
        assert [(row.state, row.connection) for row in rows] == [("sent", "mail")], "the next channel of the list"
        it.telegram.press_start(chat)
        await it.advance(minutes=1)
        assert await it.rows(tables.optouts) == []
        it.shop.shop.pay(orders[1])
        await it.advance(minutes=5)
        rows = await it.rows(tables.messages, tables.messages.c.cls == "feedback")
        assert [row.connection for row in rows] == ["mail", "bot"]


async def test_conditions_read_the_same_truth(tmp_path: Path) -> None:
    flows = {
        "offer": {
            "on": "order.packed", "when": 'customer.consents.exists(c, c == "marketing")',
            "steps": [by("mail", "transactional")],
        }
    }  # fmt: skip
    async with hamlet(tmp_path, flows) as it:
        assert await heard(it, "1", WILLING)
        (customer,) = await it.rows(tables.customers)
        refused = {"tenant": "main", "customer_id": customer.id, "cls": "marketing", "channel": "", "how": "x"}
        when = it.clock.now()
        await it.hub.db.write(lambda c: c.execute(sa.insert(tables.optouts).values(**refused, at=when)))
        word = {**refused, "given": 0, "at": when}
        await it.hub.db.write(lambda c: c.execute(sa.insert(tables.consents).values(**word)))
        assert not await heard(it, "2", WILLING, placed="10:01", at="10:04")
        assert await heard(it, "3", WILLING, placed="10:10", at="10:11"), "the word of the very order counts"


async def test_a_failover_is_one_channel_on_the_page_and_one_click_ends_all_of_it(tmp_path: Path) -> None:
    two = (*HAMLET, of("mail2", _Letters))
    offer = {"offer": {"on": "order.packed", "steps": [notify("packed", via=["letters"], **{"class": "marketing"})]}}
    joined: dict[str, Any] = {"connections": two, "failovers": {"letters": ("mail", "mail2")}}
    async with (
        hamlet(tmp_path, offer, public_url="https://hub.example", **joined) as it,
        serve(build_app(it.hub)) as base,
    ):
        await heard(it, "1", WILLING)
        link = it.board.sent[-1][1].unsubscribe_url.replace("https://hub.example", base)
        async with httpx.AsyncClient() as reader:
            asked = (await reader.get(link)).text
            assert re.findall(r'name="(marketing[^"]*)" value="yes"( checked)?', asked) == [
                ("marketing.mail", " checked"), ("marketing.sms", " checked"),
            ]  # fmt: skip
            await reader.post(link, data={"List-Unsubscribe": "One-Click"})
            assert 'name="marketing.mail" value="yes">' in (await reader.get(link)).text
            await heard(it, "2", ANNA, placed="10:05", at="10:06")
            assert len(it.board.sent) == 1, "nor by the other provider"
            await reader.post(link, data={"shown": "marketing.mail", "marketing.mail": "yes"})
            assert 'name="marketing.mail" value="yes" checked>' in (await reader.get(link)).text
            await reader.post(link, data={"shown": "marketing.mail"})
        kept = {(row.channel, row.how) for row in await it.rows(tables.optouts)}
        assert kept == {("mail", "preference page"), ("mail2", "preference page")}


async def test_a_shop_with_many_channels_keeps_what_the_page_says(tmp_path: Path) -> None:
    """A form that was too long would be taken for one click."""
    many = (*HAMLET, *(of(f"letters{n}", type(f"Letters{n}", (_Letters,), {"label": f"Post {n}"})) for n in range(8)))
    flows = {"every": {"on": "order.packed", "steps": [by("mail", "marketing")]}}
    async with hamlet(tmp_path, flows, connections=many, **PUBLIC) as it, serve(build_app(it.hub)) as base:
        await heard(it, "1", WILLING)
        link = it.board.sent[-1][1].unsubscribe_url.replace("https://hub.example", base)
        async with httpx.AsyncClient() as reader:
            boxes = re.findall(r'type="checkbox" name="([^"]+)"', (await reader.get(link)).text)
            assert len(boxes) == 20
            answer = await reader.post(link, data={"shown": " ".join(boxes)} | dict.fromkeys(boxes, "yes"))
        assert WORDS["uk"]["saved"] in answer.text
        assert await it.rows(tables.optouts) == []
