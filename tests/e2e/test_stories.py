"""Stories of a shop's days, told by the outside world and answered by the hub."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.pipeline.apply import Taken
from hub.pipeline.receive import inbox_row, new_events
from hub.plugin import Raw
from hub.status import Mode
from hub.store import tables
from hub.store.database import insert_new
from hub.store.links import link_row, link_secret, token_for

from .town import CONNECTIONS, Town, town

CUSTOMER = "olena.hrytsenko@example.com"
NUMBER = "20450999123456"


async def _shipped(it: Town, *, to: str = "branch") -> str:
    """An order that has been confirmed and is on its way under NUMBER."""
    order = it.shop.shop.create_order(gateway="shopify_payments", paid=True)
    await it.advance(minutes=5)
    it.np.create(NUMBER, to=to)
    it.shop.shop.fulfil(order, NUMBER, "Nova Poshta")
    await it.advance(minutes=5)
    it.np.move(NUMBER, "5")
    await it.advance(hours=5)
    assert await it.headline() == "in_transit"
    return order


def _templates(messages: list[tuple[str, str, str]], state: str = "sent") -> list[str]:
    return [template for template, its, _ in messages if its == state]


async def test_what_was_there_before_the_hub_is_not_told(tmp_path: Path) -> None:
    """The first poll imports: statuses move, flows do not start; the next live move is news."""
    orders: list[str] = []
    async with town(tmp_path, before=lambda shop: orders.append(shop.shop.create_order())) as it:
        (order,) = orders
        await it.advance(hours=1)
        assert await it.headline() == "received"
        assert await it.messages() == []
        it.shop.shop.cancel(order)
        await it.advance(hours=1)
        assert _templates(await it.messages()) == ["order-cancelled"]


async def test_a_parcel_nobody_collects_is_reminded_and_goes_back(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        await _shipped(it)
        it.np.arrive(NUMBER)
        await it.advance(days=8)
        assert await it.headline() == "ready_for_pickup"
        assert _templates(await it.messages())[-2:] == ["ready-for-pickup", "pickup-last-day"]
        it.np.move(NUMBER, "105")
        back = it.np.return_waybill(NUMBER)
        await it.advance(hours=5)
        it.np.move(back, "5")
        await it.advance(hours=8)
        assert await it.headline() == "returning"
        it.np.hand_over(back)
        await it.advance(hours=8)
        assert await it.headline() == "returned"
        assert "delivered" not in _templates(await it.messages())


async def test_waits_survive_a_restart(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        await _shipped(it)
        it.np.arrive(NUMBER)
        await it.advance(hours=3)
        await it.restart()
        await it.advance(days=8)
        assert _templates(await it.messages())[-2:] == ["ready-for-pickup", "pickup-last-day"]


async def test_collecting_the_parcel_ends_the_reminders(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        await _shipped(it)
        it.np.arrive(NUMBER)
        await it.advance(days=1)
        it.np.hand_over(NUMBER)
        await it.advance(days=9)
        assert _templates(await it.messages())[-2:] == ["ready-for-pickup", "delivered"]


async def test_what_happens_together_is_told_once_about_the_newest(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        await _shipped(it)
        it.np.arrive(NUMBER)
        await it.hub.quiet()
        await it.advance_to(datetime(2026, 11, 25, 9, 0, tzinfo=UTC))
        before = len(await it.messages())
        it.np.hand_over(NUMBER)
        await it.advance(hours=3)
        assert [m[0] for m in (await it.messages())[before:]] == ["delivered"]


async def test_a_linked_chat_is_preferred_and_asked_questions_are_answered(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        it.shop.shop.create_order()
        await it.advance(minutes=5)
        mail = next(iter(it.smtp.ledger))
        link = next(word for word in mail.text.split() if word.startswith("https://t.me/"))
        chat = it.telegram.open_chat("Олена")
        it.telegram.follow(chat, link)
        await it.advance(minutes=1)
        assert len(it.telegram.screen(chat)) == 2, "the start, and our greeting"
        it.telegram.say(chat, "Де моє замовлення?")
        await it.advance(minutes=1)
        answer = it.telegram.screen(chat)[-1].text
        assert "#1001" in answer or "№" in answer or "Прийнято" in answer
        await it.advance(minutes=5)
        order = it.shop.shop.orders[next(iter(it.shop.shop.orders))]
        it.shop.shop.pay(str(order.id))
        mails = len(it.mails(CUSTOMER))
        it.np.create(NUMBER)
        it.shop.shop.fulfil(str(order.id), NUMBER, "Nova Poshta")
        await it.advance(minutes=5)
        it.np.move(NUMBER, "5")
        await it.advance(hours=4)
        assert len(it.mails(CUSTOMER)) == mails, "the chat was used, not the mail"
        assert _templates(await it.messages())[-1] == "shipped"


async def test_a_strangers_link_opens_nothing(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        it.shop.shop.create_order()
        await it.advance(minutes=5)
        mail = next(iter(it.smtp.ledger))
        link = next(word for word in mail.text.split() if word.startswith("https://t.me/"))
        first, second = it.telegram.open_chat("Олена"), it.telegram.open_chat("Чужий")
        it.telegram.follow(first, link)
        await it.advance(minutes=1)
        it.telegram.follow(second, link)
        await it.advance(minutes=1)
        rows = await it.rows(tables.contacts)
        assert [row.address for row in rows] == [str(first)]


async def test_who_blocks_the_bot_gets_mail(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        it.shop.shop.create_order(gateway="shopify_payments")
        await it.advance(minutes=5)
        link = next(word for word in next(iter(it.smtp.ledger)).text.split() if word.startswith("https://t.me/"))
        chat = it.telegram.open_chat("Олена")
        it.telegram.follow(chat, link)
        await it.advance(minutes=1)
        it.telegram.block(chat)
        await it.advance(minutes=1)
        it.shop.shop.pay(next(iter(map(str, it.shop.shop.orders))))
        await it.advance(minutes=5)
        assert _templates(await it.messages())[-1] == "payment-received"
        assert len(it.mails(CUSTOMER)) == 2


async def test_a_channel_that_is_down_is_passed_over_after_a_quarter_of_an_hour(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with town(tmp_path) as it:
        order = it.shop.shop.create_order(gateway="shopify_payments")
        await it.advance(minutes=5)
        link = next(word for word in next(iter(it.smtp.ledger)).text.split() if word.startswith("https://t.me/"))
        chat = it.telegram.open_chat("Олена")
        it.telegram.follow(chat, link)
        await it.advance(minutes=1)
        it.telegram.down(times=1000)
        it.shop.shop.pay(order)
        await it.advance(minutes=10)
        assert len(it.mails(CUSTOMER)) == 1
        await it.advance(minutes=20)
        assert len(it.mails(CUSTOMER)) == 2
    said = [each.getMessage() for each in caplog.records if each.name == "hub.deliver"]
    assert len(said) == 1 and said[0].startswith("sending by bot failed: "), "once, however often it was tried"


async def test_quiet_hours_wait_for_the_morning(tmp_path: Path) -> None:
    night = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)
    async with town(tmp_path, start=night) as it:
        order = it.shop.shop.create_order(gateway="shopify_payments")
        await it.advance(minutes=5)
        link = next(word for word in next(iter(it.smtp.ledger)).text.split() if word.startswith("https://t.me/"))
        chat = it.telegram.open_chat("Олена")
        it.telegram.follow(chat, link)
        await it.advance(minutes=1)
        seen = len(it.telegram.screen(chat))
        it.shop.shop.pay(order)
        await it.advance(hours=8)
        assert len(it.telegram.screen(chat)) == seen
        await it.advance(hours=2)
        assert len(it.telegram.screen(chat)) == seen + 1


async def test_an_escalation_climbs_until_somebody_takes_it(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        await _shipped(it)
        it.np.move(NUMBER, "105")
        await it.advance(hours=2)
        assert await it.headline() == "problem"
        assert len(it.mails("olena@kavovar.example")) >= 1
        assert len(it.mails("iryna@kavovar.example")) >= 1, "nobody took it within half an hour"
        mail = next(mail for mail in it.smtp.ledger if "olena@kavovar.example" in mail.to)
        link = next(word for word in mail.text.split() if "/e/" in word)
        before = len(it.mails())
        answer = await it.hub.world.adapters["main-shop"].client.get(link)
        assert answer.status_code == 200
        assert (await it.rows(tables.escalations))[0].state == "open", "opening the page takes nothing"
        answer = await it.hub.world.adapters["main-shop"].client.post(link, data={"do": "take"})
        assert answer.status_code == 200
        assert (await it.rows(tables.escalations))[0].state == "acknowledged"
        await it.advance(hours=1)
        assert len(it.mails()) == before


async def test_an_unknown_code_is_kept_and_folded_in_once_it_is_mapped(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        await _shipped(it)
        it.np.move(NUMBER, "777")
        await it.advance(hours=2)
        assert await it.headline() == "in_transit"
        rows = await it.rows(tables.unmapped)
        assert [(row.connection, row.code) for row in rows] == [("nova-poshta", "777")]
        await it.restart(("flows:\n", 'statuses: {nova-poshta: {"777": shipment.out_for_delivery}}\nflows:\n'))
        assert await it.headline() == "out_for_delivery"
        assert await it.rows(tables.unmapped) == []


async def test_a_dead_address_is_not_used_again(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        order = it.shop.shop.create_order(email="550-unknown@example.com", gateway="shopify_payments")
        await it.advance(minutes=5)
        assert [(t, s) for t, s, _ in await it.messages()] == [("order-received", "failed")]
        it.shop.shop.pay(order)
        await it.advance(minutes=5)
        attempts = await it.rows(tables.attempts)
        assert len(attempts) == 1, "the second message did not try the dead address"


async def test_an_event_before_its_order_waits_for_it(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        order = it.shop.shop.create_order()
        fulfilment = it.shop.shop.fulfil(order, "JJD000390007", "DHL")
        it.shop.shop.fulfillment_event(order, fulfilment, "out_for_delivery")
        await it.advance(minutes=5)
        assert await it.headline() == "out_for_delivery"
        states = {row.state for row in await it.rows(tables.inbox)}
        assert states == {1}


@pytest.mark.parametrize("policy", ["maybe_twice", "maybe_never"])
async def test_a_lost_answer_follows_the_connections_rule(tmp_path: Path, policy: str) -> None:
    connections = CONNECTIONS.replace("port: {smtp}, ", f"port: {{smtp}}, uncertain: {policy}, ")
    async with town(tmp_path, connections=connections) as it:
        it.shop.shop.create_order(email="drop-after-dot@example.com")
        await it.advance(hours=1)
        attempts = await it.rows(tables.attempts)
        assert {row.outcome for row in attempts} == {"unknown"}
        assert len(attempts) == (2 if policy == "maybe_twice" else 1)
        assert [(t, s) for t, s, _ in await it.messages()] == [("order-received", "uncertain")]


async def test_a_redirected_parcel_goes_on_under_its_new_number(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        await _shipped(it)
        new = it.np.redirect(NUMBER)
        await it.advance(hours=3)
        it.np.arrive(new)
        await it.advance(hours=3)
        assert await it.headline() == "ready_for_pickup"
        it.np.hand_over(new)
        await it.advance(hours=20)
        assert await it.headline() == "delivered"
        assert _templates(await it.messages())[-2:] == ["ready-for-pickup", "delivered"]


async def test_a_split_order_is_delivered_when_its_last_parcel_is(tmp_path: Path) -> None:
    lines = [("TEA", "Green tea", 1, "500.00"), ("CUP", "Cup", 1, "300.00")]
    async with town(tmp_path) as it:
        order = it.shop.shop.create_order(lines=lines, gateway="shopify_payments", paid=True)
        await it.advance(minutes=5)
        first, second = it.np.create(), it.np.create()
        tea, cup = (item.id for item in it.shop.shop.find(order).items)
        it.shop.shop.fulfil(order, first, "Nova Poshta", {tea: 1})
        await it.advance(minutes=5)
        it.np.hand_over(first)
        await it.advance(hours=5)
        assert await it.headline() == "processing", "one of two units"
        it.shop.shop.fulfil(order, second, "Nova Poshta", {cup: 1})
        await it.advance(minutes=5)
        it.np.move(second, "5")
        await it.advance(hours=5)
        assert await it.headline() == "in_transit"
        it.np.hand_over(second)
        await it.advance(hours=5)
        assert await it.headline() == "delivered"


async def test_a_return_is_not_a_parcel_that_came_back(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        order = await _shipped(it)
        it.np.hand_over(NUMBER)
        await it.advance(hours=5)
        case = it.shop.shop.request_return(order)
        await it.advance(minutes=5)
        assert await it.headline() == "returning"
        it.shop.shop.approve_return(order, case)
        await it.advance(minutes=5)
        it.shop.shop.receive_return(order, case)
        await it.advance(minutes=5)
        assert await it.headline() == "returned"


async def test_wrong_credentials_pause_the_connection_and_a_person_is_told(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        it.telegram.refuse(401, "Unauthorized", times=1000)
        chat = it.telegram.open_chat("Олена")
        it.shop.shop.create_order(gateway="shopify_payments")
        await it.advance(minutes=5)
        link = next(word for word in next(iter(it.smtp.ledger)).text.split() if word.startswith("https://t.me/"))
        it.telegram.follow(chat, link)
        await it.advance(minutes=1)
        it.shop.shop.pay(next(iter(map(str, it.shop.shop.orders))))
        await it.advance(minutes=40)
        paused = {row.name: row.paused for row in await it.rows(tables.connections) if row.paused}
        assert list(paused) == ["bot"]
        assert any("bot" in subject for subject in it.mails("iryna@kavovar.example"))
        assert _templates(await it.messages())[-1] == "payment-received", "by mail, after a quarter of an hour"
        assert [row.tries for row in await it.rows(tables.messages, tables.messages.c.template == "chat-linked")] == [0]


async def test_what_only_staff_should_see_is_told_to_them_once(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        order = await _shipped(it)
        before = len(it.mails("iryna@kavovar.example"))
        it.shop.shop.dispute(order)
        await it.advance(minutes=5)
        it.shop.shop.dispute(order)
        await it.advance(minutes=5)
        assert len(it.mails("iryna@kavovar.example")) == before + 1
        it.np.move(NUMBER, "2")
        await it.advance(hours=3)
        assert await it.headline() == "in_transit", "deleted after it travelled: a contradiction"
        assert len(it.mails("iryna@kavovar.example")) == before + 2


async def test_a_deleted_order_falls_silent_and_staff_see_it(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        order = await _shipped(it)
        it.np.arrive(NUMBER)
        await it.advance(hours=3)
        told = await it.messages()
        before = len(it.mails("iryna@kavovar.example"))
        it.shop.shop.delete(order)
        await it.advance(days=8)
        assert await it.messages() == told
        assert len(it.mails("iryna@kavovar.example")) == before + 1
        assert {row.state for row in await it.rows(tables.runs)} <= {"done", "stopped"}


async def test_one_number_on_two_orders_speaks_to_both(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        await _shipped(it)
        second = it.shop.shop.create_order(email="second@example.com", gateway="shopify_payments", paid=True)
        await it.advance(minutes=5)
        it.shop.shop.fulfil(second, NUMBER, "Nova Poshta")
        await it.advance(minutes=10)
        assert [row.headline for row in await it.rows(tables.orders)] == ["in_transit", "in_transit"]
        it.np.hand_over(NUMBER)
        await it.advance(hours=5)
        assert [row.headline for row in await it.rows(tables.orders)] == ["delivered", "delivered"]


async def test_what_stops_a_run_also_stops_what_it_had_already_decided_to_say(tmp_path: Path) -> None:
    flows = """
flows:
  failed:
    on: shipment.delivery_failed
    stop_on: [shipment.out_for_delivery]
    steps: [{notify: {template: delivery-failed, via: [bot]}}]
"""
    connections = CONNECTIONS.replace('quiet: "21:00-08:00"', 'quiet: "00:00-23:59"').replace(
        "default: [bot, mail]", "default: [bot]"
    )
    async with town(tmp_path, flows=flows, connections=connections) as it:
        order = it.shop.shop.create_order(gateway="shopify_payments", paid=True)
        await it.advance(minutes=5)
        customer = (await it.rows(tables.customers))[0].id
        chat = it.telegram.open_chat("Олена")
        it.telegram.follow(chat, f"https://t.me/shop_orders_bot?start={await _token(it, customer)}")
        it.np.create(NUMBER, to="doors")
        it.shop.shop.fulfil(order, NUMBER, "Nova Poshta")
        await it.advance(minutes=5)
        it.np.miss(NUMBER)
        await it.advance(hours=4)
        assert _templates(await it.messages(), "due") == ["delivery-failed"]
        it.np.move(NUMBER, "101")
        await it.advance(hours=4)
        assert [m for m in await it.messages() if m[0] == "delivery-failed"] == [
            ("delivery-failed", "suppressed", "stopped")
        ]


async def _token(it: Town, customer: str) -> str:
    def make(connection: sa.Connection) -> str:
        token = token_for(link_secret(connection), "link:bot", customer)
        row = link_row(token, "link:bot", customer, None)
        connection.execute(insert_new(tables.links, it.hub.db.dialect).values(**row))
        return token

    return await it.hub.db.write(make)


async def test_two_orders_of_one_person_in_one_parcel_are_told_of_once(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        await _shipped(it)
        second = it.shop.shop.create_order(gateway="shopify_payments", paid=True)
        await it.advance(minutes=5)
        it.shop.shop.fulfil(second, NUMBER, "Nova Poshta")
        await it.advance(minutes=10)
        it.np.hand_over(NUMBER)
        await it.advance(hours=16)
        told = _templates(await it.messages())
        assert (told.count("order-received"), told.count("delivered")) == (2, 1)


async def test_an_order_that_is_touched_again_and_again_stays_small(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        order = await _shipped(it)
        before = await it.rows(tables.facts)
        for _ in range(20):
            it.shop.shop.touch(order)
            await it.advance(minutes=1)
        after = await it.rows(tables.facts)
        assert len(after) <= len(before) + 4, "the first and the last of equal words are enough"
        assert await it.headline() == "in_transit"


async def test_todays_order_does_not_wait_behind_a_crowd(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        raws = [Raw({"id": 10**12 + n}, f"order:{10**12 + n}", f"old-{n}") for n in range(400)]
        rows = [inbox_row("main-shop", raw, Mode.IMPORT, it.clock) for raw in raws]
        await it.hub.db.write(lambda connection: new_events(connection, it.hub.db.dialect, rows))
        fresh = [inbox_row("main-shop", Raw({}, "order:1", "fresh"), Mode.LIVE, it.clock)]
        await it.hub.db.write(lambda connection: new_events(connection, it.hub.db.dialect, fresh))
        taken = Taken()
        now = it.clock.now()
        await it.hub.db.read(lambda connection: taken.read(connection, now, 20, timers_first=False))
        keys = [row.dedupe_key for row in taken.events]
        assert "fresh" in keys and "old-0" in keys and len(keys) == 20
