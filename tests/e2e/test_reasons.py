"""Why a message did not go: bounces, opt-outs, what came due together; and what becomes of what nobody can apply."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from hub.model import OrderSnapshot
from hub.plugin import Raw, UnreadableError
from hub.store import tables
from hub.store.queries import replay_event
from plugins.carriers.nova_poshta import NovaPoshta
from plugins.platforms.shopify import Shopify

from .town import CONNECTIONS, FLOWS, Town, town

CUSTOMER = "olena.hrytsenko@example.com"
NUMBER = "20450999123456"
SECRET = "a-path-that-nobody-guesses"
BOUNCING = CONNECTIONS.replace(
    "security: none, from:",
    f'security: none, bounce_secret: "{SECRET}", webhook_secret: "{SECRET}", bounce_domain: b.kavovar.example, from:',
)
PAID_IS_FEEDBACK = FLOWS.replace("{template: payment-received}", "{template: payment-received, class: feedback}")
TWICE_IN_A_NIGHT = """
flows:
  confirm: {on: order.received, steps: [{notify: {template: order-received, via: letter}}]}
  paid: {on: payment.paid, steps: [{notify: {template: payment-received}}, {wait: 1h}, {notify: {template: packed}}]}
"""


async def _linked(it: Town) -> int:
    """The customer's chat, linked by the invitation in the first mail."""
    link = next(word for word in it.smtp.ledger[0].text.split() if word.startswith("https://t.me/"))
    chat = it.telegram.open_chat("Олена")
    it.telegram.follow(chat, link)
    await it.advance(minutes=1)
    return chat


async def test_a_posted_bounce_marks_the_address_dead_and_says_why(tmp_path: Path) -> None:
    async with town(tmp_path, connections=BOUNCING) as it:
        order = it.shop.shop.create_order(gateway="shopify_payments")
        await it.advance(minutes=5)
        bounce = it.smtp.bounce(it.smtp.ledger[0])
        async with httpx.AsyncClient() as server:
            wrong = await server.post(f"{it.base}/in/mail/somewhere-else", content=bounce)
            right = [await server.post(f"{it.base}/in/mail/{SECRET}", content=bounce) for _ in range(2)]
        assert wrong.status_code == 401
        assert [answer.status_code for answer in right] == [200, 200]
        await it.advance(minutes=1)
        ((template, state, reason),) = await it.messages()
        assert (template, state) == ("order-received", "failed")
        assert "mail: bounced: 5.1.1" in reason
        it.shop.shop.pay(order)
        await it.advance(minutes=5)
        assert it.mails(CUSTOMER) == ["Ми отримали ваше замовлення #1071"], "the dead address is not used again"


async def test_one_click_ends_a_kind_of_message_and_leaves_no_dead_letter(tmp_path: Path) -> None:
    async with town(tmp_path, flows=PAID_IS_FEEDBACK) as it:
        orders = [it.shop.shop.create_order(gateway="shopify_payments") for _ in range(2)]
        await it.advance(minutes=5)
        it.shop.shop.pay(orders[0])
        await it.advance(minutes=5)
        headers = {name.lower(): value for name, value in it.smtp.ledger[-1].headers}
        assert headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
        link = headers["list-unsubscribe"].strip("<>")
        async with httpx.AsyncClient() as reader:
            for scanned in (await reader.get(link), await reader.head(link)):
                assert scanned.status_code == 200
            assert await it.rows(tables.optouts) == [], "a scanner that opens the link changes nothing"
            form = {"List-Unsubscribe": "One-Click"}
            assert (await reader.post(link, data=form)).status_code == 200
            assert (await reader.post(f"{link}x", data=form)).status_code == 404
        it.shop.shop.pay(orders[1])
        await it.advance(minutes=5)
        assert (await it.messages())[-1] == ("payment-received", "suppressed", "opted out")
        assert it.mails(CUSTOMER)[-1].startswith("Оплат"), "one was told before"
        assert len(it.mails(CUSTOMER)) == 3


async def test_a_refusal_for_good_is_kept_as_the_reason(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        it.shop.shop.create_order(gateway="shopify_payments")
        await it.advance(minutes=5)
        it.telegram.refuse(400, "Bad Request: message is too long", times=10)
        await _linked(it)
        greeting = (await it.rows(tables.messages, tables.messages.c.template == "chat-linked"))[0]
        assert (greeting.state, greeting.reason) == (
            "failed",
            "nobody could be reached: bot: the text is too long for Telegram",
        )


async def test_of_two_messages_of_a_run_that_waited_for_the_morning_the_later_is_told(tmp_path: Path) -> None:
    night = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)
    async with town(tmp_path, flows=TWICE_IN_A_NIGHT, start=night) as it:
        order = it.shop.shop.create_order(gateway="shopify_payments")
        await it.advance(minutes=5)
        await _linked(it)
        it.shop.shop.pay(order)
        await it.advance(hours=12)
        assert (await it.messages())[1:] == [("payment-received", "superseded", "superseded"), ("packed", "sent", "")]


async def test_who_stopped_the_bot_still_gets_news_of_orders_there(tmp_path: Path) -> None:
    """The word ends all but that; a block ends the chat, until it is lifted (decision 0027)."""
    async with town(tmp_path) as it:
        orders = [it.shop.shop.create_order(gateway="shopify_payments") for _ in range(2)]
        await it.advance(minutes=5)
        chat = await _linked(it)
        it.telegram.say(chat, "/stop")
        await it.advance(minutes=1)
        assert "/start" in it.telegram.screen(chat)[-1].text
        it.shop.shop.pay(orders[0])
        await it.advance(minutes=5)
        assert "Оплат" in it.telegram.screen(chat)[-1].text
        assert len(it.mails(CUSTOMER)) == 2
        it.telegram.block(chat)
        await it.advance(minutes=1)
        orders.append(it.shop.shop.create_order(gateway="shopify_payments"))
        await it.advance(minutes=5)
        it.shop.shop.pay(orders[2])
        await it.advance(minutes=5)
        assert len(it.mails(CUSTOMER)) == 4
        it.telegram.unblock(chat)
        await it.advance(minutes=1)
        it.shop.shop.pay(orders[1])
        await it.advance(minutes=5)
        assert "Оплат" in it.telegram.screen(chat)[-1].text
        assert len(it.mails(CUSTOMER)) == 4


class _Careless(Shopify):
    """A plugin with a bug: a snapshot whose quantities are texts."""

    def normalise(self, raw: Raw) -> Any:
        records = super().normalise(raw)
        return [_spoilt(each) if isinstance(each, OrderSnapshot) else each for each in records]


def _spoilt(snapshot: OrderSnapshot) -> OrderSnapshot:
    for line in snapshot.lines or ():
        object.__setattr__(line, "ordered", "two")
    return snapshot


async def test_what_cannot_be_applied_is_set_aside_and_its_order_is_incomplete(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        order = it.shop.shop.create_order(gateway="shopify_payments")
        await it.advance(minutes=5)
        good = it.hub.world.adapters["main-shop"]
        careless = _Careless(good.settings, good.client, good.clock, connection="main-shop")
        it.hub.world.adapters["main-shop"] = careless  # type: ignore[index]
        it.shop.shop.pay(order)
        await it.advance(minutes=5)
        it.hub.world.adapters["main-shop"] = good  # type: ignore[index]
        dead = await it.rows(tables.inbox, tables.inbox.c.state == 9)
        assert dead
        assert {row.error for row in dead} == {"applying it failed; the log names the error"}
        assert (await it.rows(tables.orders))[0].incomplete == len(dead)
        other = it.shop.shop.create_order(gateway="shopify_payments", email="somebody@example.com")
        await it.advance(minutes=5)
        assert str(other) in (await it.rows(tables.orders))[-1].id, "nobody else waits"


async def test_a_carriers_answer_that_cannot_be_read_leaves_each_order_of_the_parcel_incomplete(tmp_path: Path) -> None:
    number = "20450999123456"
    async with town(tmp_path) as it:
        it.np.create(number)
        orders = [it.shop.shop.create_order(gateway="shopify_payments", email=f"{n}@example.com") for n in range(2)]
        await it.advance(minutes=5)
        good = it.hub.world.adapters["nova-poshta"]
        it.hub.world.adapters["nova-poshta"] = _Blind(good.settings, good.client, good.clock, connection="nova-poshta")  # type: ignore[index]
        it.shop.shop.fulfil(orders[0], number, "Nova Poshta")
        await it.advance(minutes=10)
        it.shop.shop.fulfil(orders[1], number, "Nova Poshta")
        await it.advance(minutes=10)
        dead = await it.rows(tables.inbox, tables.inbox.c.state == 9)
        assert {row.subject for row in dead} == {f"parcel:{number}"}
        assert [row.incomplete for row in await it.rows(tables.orders)] == [len(dead)] * 2
        it.hub.world.adapters["nova-poshta"] = good  # type: ignore[index]
        for row in dead:
            await it.hub.db.write(lambda connection, row=row: replay_event(connection, row.id))  # type: ignore[misc]
        await it.hub.quiet()
        assert [row.incomplete for row in await it.rows(tables.orders)] == [0, 0]


class _Blind(NovaPoshta):
    def normalise(self, raw: Raw) -> Sequence[Any]:
        raise UnreadableError("nova_poshta: cannot be read")


async def test_a_mistyped_number_is_asked_about_no_more_and_again_when_it_comes_back(tmp_path: Path) -> None:
    typo = "20450999123465"
    async with town(tmp_path) as it:
        order = it.shop.shop.create_order(gateway="shopify_payments", paid=True)
        await it.advance(minutes=5)
        it.np.create(NUMBER)
        parcel = it.shop.shop.fulfil(order, typo, "Nova Poshta")
        await it.advance(minutes=5)
        it.shop.shop.set_tracking(order, parcel, NUMBER, "Nova Poshta")
        await it.advance(minutes=5)
        it.np.move(NUMBER, "5")
        await it.advance(hours=4)
        assert await it.headline() == "in_transit"
        asked = {row.ref: row.state for row in await it.rows(tables.polls, tables.polls.c.kind == "parcel")}
        assert asked == {NUMBER: 0, typo: 1}
        it.shop.shop.set_tracking(order, parcel, typo, "Nova Poshta")
        await it.advance(minutes=5)
        asked = {row.ref: row.state for row in await it.rows(tables.polls, tables.polls.c.kind == "parcel")}
        assert asked == {NUMBER: 1, typo: 0}


async def test_a_code_that_lost_its_meaning_is_listed_and_folded_out_in_silence(tmp_path: Path) -> None:
    mapped = 'statuses: {nova-poshta: {"777": shipment.out_for_delivery}}\nflows:\n'
    async with town(tmp_path, flows=FLOWS.replace("flows:\n", mapped)) as it:
        order = it.shop.shop.create_order(gateway="shopify_payments", paid=True)
        await it.advance(minutes=5)
        it.np.create(NUMBER)
        it.shop.shop.fulfil(order, NUMBER, "Nova Poshta")
        await it.advance(minutes=5)
        it.np.move(NUMBER, "5")
        await it.advance(hours=4)
        it.np.move(NUMBER, "777")
        await it.advance(hours=4)
        assert await it.headline() == "out_for_delivery"
        told = await it.messages()
        await it.restart((mapped, "flows:\n"))
        await it.advance(minutes=5)
        assert await it.headline() == "in_transit"
        assert await it.messages() == told
        (row,) = await it.rows(tables.unmapped)
        assert (row.connection, row.code, row._mapping["count"]) == ("nova-poshta", "777", 1)
        assert row.examples[0]["order"].endswith(order)


async def test_a_number_that_lived_before_its_order_is_shown_to_a_person(tmp_path: Path) -> None:
    """Recycled or mistyped: its history is not this order's, and somebody should look at it, once."""
    async with town(tmp_path) as it:
        it.np.create(NUMBER)
        it.np.hand_over(NUMBER)
        await it.advance(days=3)
        order = it.shop.shop.create_order(gateway="shopify_payments", paid=True)
        await it.advance(minutes=5)
        it.shop.shop.fulfil(order, NUMBER, "Nova Poshta")
        await it.advance(hours=30)
        assert await it.headline() == "packed"
        assert "delivered" not in [template for template, *_ in await it.messages()]
        staff = [mail for mail in it.smtp.ledger if "iryna@kavovar.example" in mail.to]
        assert ["before the order" in mail.text for mail in staff] == [True]
