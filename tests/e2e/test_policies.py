"""The policies of the example, in a whole town: each holds with the flows as they are, and each can be broken."""

import asyncio
from pathlib import Path

import pytest

from hub.pipeline.questions import answer, open_questions
from hub.store import tables
from tests.cli.using import Shop

from .test_reasons import _linked
from .test_stories import NUMBER, _shipped
from .town import FLOWS, Town, town

POLICIES = """
policies:
  paid-orders-hear-from-us: {after: payment.paid, within: 24h, hear: any, unless: payment.on_delivery}
  problems-reach-a-human:   {after: shipment.problem, within: 15m, hear: staff}
  complaints-are-answered:  {after: customer.asked, within: 48h, hear: answer, unless: question.topic != "complaint"}
  few-chats:                {at_most: 3, per: 7d, of: {channel: bot}, then: block}
  link-or-nothing:          {never: {template: [shipped, shipped-part]}, unless: has(shipment.tracking_url)}
  no-ads-while-unhappy:     {never: {class: marketing}, when: customer.open_questions > 0}
  no-survey-on-the-way-back: {never: {class: feedback}, when: has(order.return_status)}
"""
PROBLEM = "  problem:\n    on: shipment.problem\n"
ADS = """
  ads: {on: order.received, steps: [{wait: 1h}, {notify: {template: please-review, class: marketing, via: letter}}]}
"""
SURVEY = """
  asks: {on: order.received, steps: [{wait: 3h}, {notify: {template: packed, class: feedback, via: letter}}]}
"""


def file(*changes: tuple[str, str], more: str = "") -> str:
    text = FLOWS
    for change in changes:
        assert change[0] in text
        text = text.replace(*change)
    return text + more + POLICIES


async def states(it: Town, policy: str) -> list[str]:
    return [row.state for row in await it.rows(tables.watches, tables.watches.c.policy == policy)]


async def reasons(it: Town, template: str) -> list[tuple[str, str]]:
    return [(state, reason) for name, state, reason in await it.messages() if name == template]


async def matters(it: Town) -> list[tuple[str, str]]:
    rows = await it.rows(tables.escalations, tables.escalations.c.reason.startswith("policy "))
    return [(row.rung, row.reason) for row in rows]


@pytest.mark.parametrize("told", [True, False])
async def test_paid_orders_hear_from_us(tmp_path: Path, told: bool) -> None:
    for_others = ("on: order.received, ", "on: order.received, when: order.wholesale, ")
    nobody = (for_others, ("'!payment.on_delivery'", "'!payment.on_delivery && order.wholesale'"))
    async with town(tmp_path, flows=file(*(() if told else nobody))) as it:
        it.shop.shop.create_order(gateway="shopify_payments", paid=True)
        await it.advance(hours=19)
        assert await states(it, "paid-orders-hear-from-us") == ["open"]
        await it.advance(hours=1)
        warned = [each for each in it.mails("iryna@kavovar.example") if "time is running out" in each]
        assert len(warned) == (0 if told else 1)
        await it.advance(hours=5)
        assert await states(it, "paid-orders-hear-from-us") == ["kept" if told else "broken"]
        broken = [("manager", "policy paid-orders-hear-from-us: the customer heard nothing within 24h of payment.paid")]
        assert await matters(it) == ([] if told else broken)


async def test_cash_at_the_door_is_waited_for_by_nobody(tmp_path: Path) -> None:
    async with town(tmp_path, flows=file()) as it:
        it.shop.shop.create_order()
        await it.advance(hours=30)
        assert await it.rows(tables.watches) == []


@pytest.mark.parametrize("told", [True, False])
async def test_problems_reach_a_human(tmp_path: Path, told: bool) -> None:
    changes = () if told else ((PROBLEM, PROBLEM + "    when: order.wholesale\n"),)
    async with town(tmp_path, flows=file(*changes)) as it:
        await _shipped(it)
        it.np.move(NUMBER, "105")
        await it.advance(hours=2)
        assert await it.headline() == "problem"
        assert await states(it, "problems-reach-a-human") == ["kept" if told else "broken"]


@pytest.mark.parametrize("answered", [True, False])
async def test_complaints_are_answered(tmp_path: Path, answered: bool) -> None:
    async with town(tmp_path, flows=file()) as it:
        it.shop.shop.create_order(gateway="shopify_payments")
        await it.advance(minutes=5)
        chat = await _linked(it)
        it.telegram.say(chat, "Де моє замовлення?")
        it.telegram.say(chat, "Кава приїхала, але чашка розбита")
        await it.advance(hours=30)
        assert await states(it, "complaints-are-answered") == ["open"], "who asks where it is complains of nothing"
        now, hub = it.clock.now(), it.hub
        if answered:
            (row,) = await hub.db.read(open_questions)
            await hub.db.write(lambda each: answer(each, hub.db.dialect, hub.world, row, "Sorry", by="olena", now=now))
        await it.advance(hours=20)
        assert await states(it, "complaints-are-answered") == ["kept" if answered else "broken"]


async def test_few_messages_in_a_chat(tmp_path: Path) -> None:
    async with town(tmp_path, flows=file()) as it:
        it.shop.shop.create_order(gateway="shopify_payments")
        await it.advance(minutes=5)
        await _linked(it)
        orders = [it.shop.shop.create_order(gateway="shopify_payments") for _ in range(4)]
        await it.advance(minutes=5)
        for order in orders:
            it.shop.shop.pay(order)
            await it.advance(minutes=5)
        rows = await it.rows(tables.messages, tables.messages.c.template == "payment-received")
        assert [row.connection for row in rows] == ["bot", "bot", "bot", "mail"], "the list goes on"


@pytest.mark.parametrize("numbered", [True, False])
async def test_a_link_or_nothing(tmp_path: Path, numbered: bool) -> None:
    async with town(tmp_path, flows=file()) as it:
        if numbered:
            await _shipped(it)
        else:
            order = it.shop.shop.create_order(gateway="shopify_payments", paid=True)
            await it.advance(minutes=5)
            made = it.shop.shop.fulfil(order, "", "")
            it.shop.shop.fulfillment_event(order, made, "IN_TRANSIT")
        await it.advance(hours=14)
        against = [("suppressed", "policy: link-or-nothing: has(shipment.tracking_url) is not met")]
        assert await reasons(it, "shipped") == ([("sent", "")] if numbered else against)


@pytest.mark.parametrize("unhappy", [True, False])
async def test_no_ads_while_unhappy(tmp_path: Path, unhappy: bool) -> None:
    async with town(tmp_path, flows=file(more=ADS)) as it:
        it.shop.shop.create_order(gateway="shopify_payments", marketing=True)
        await it.advance(minutes=5)
        chat = await _linked(it)
        it.telegram.say(chat, "Кава приїхала, але чашка розбита" if unhappy else "Дякую!")
        await it.advance(hours=2)
        against = [("suppressed", "policy: no-ads-while-unhappy: customer.open_questions > 0 is met")]
        assert await reasons(it, "please-review") == (against if unhappy else [("sent", "")])


@pytest.mark.parametrize("back", [True, False])
async def test_no_survey_on_the_way_back(tmp_path: Path, back: bool) -> None:
    async with town(tmp_path, flows=file(more=SURVEY)) as it:
        order = it.shop.shop.create_order(gateway="shopify_payments", paid=True)
        await it.advance(minutes=5)
        it.shop.shop.fulfil(order, NUMBER, "Nova Poshta")
        await it.advance(minutes=5)
        if back:
            it.shop.shop.request_return(order)
        await it.advance(hours=4)
        against = [("suppressed", "policy: no-survey-on-the-way-back: has(order.return_status) is met")]
        assert await reasons(it, "packed") == (against if back else [("sent", "")])


async def test_hub_order_shows_what_is_waited_for_and_what_became_of_it(tmp_path: Path) -> None:
    async with town(tmp_path, flows=file()) as it:
        it.shop.shop.create_order(gateway="shopify_payments", paid=True)
        await it.advance(minutes=5)
        (placed,) = await it.rows(tables.orders)

        here = Shop(tmp_path, it.env())
        shown = (await asyncio.to_thread(here.hub, "order", placed.number)).stdout
        assert "Policies" in shown and "paid-orders-hear-from-us" in shown
        (watched,) = (await asyncio.to_thread(here.told, "order", placed.number))["policies"]
        known = {"policy": "paid-orders-hear-from-us", "trigger": "payment.paid", "state": "open"}
        assert {name: watched[name] for name in known} == known
