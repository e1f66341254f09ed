"""A shop's days, told by a fake WooCommerce and answered by a real hub."""

import json
import logging
from pathlib import Path
from typing import Any, Literal

import pytest

from hub.store import tables

from .town import CUSTOMER, Town, town


async def test_an_order_is_told_by_its_webhooks_alone(tmp_path: Path) -> None:
    async with town(tmp_path, every="1d") as it:
        assert {each.topic: each.status for each in it.shop.hooks.webhooks.values()} == {
            "order.created": "active", "order.updated": "active", "order.deleted": "active", "order.restored": "active",
        }  # fmt: skip
        assert [(each.what, each.status) for each in it.shop.ledger.where(kind="ping")] == [
            (topic, 200) for topic in ("order.created", "order.updated", "order.deleted", "order.restored")
        ]
        assert await it.rows(tables.inbox) == [], "a ping is greeted and stored nowhere"
        order = it.shop.shop.create_order()
        await it.advance(minutes=5)
        it.shop.shop.pay(order)
        await it.advance(minutes=5)
        it.shop.shop.cancel(order)
        await it.advance(minutes=5)
        assert await it.told() == [
            ("order-received", "sent"),
            ("payment-received", "sent"),
            ("order-cancelled", "sent"),
        ]
        assert len(it.mails()) == 3


async def _paid(it: Town) -> str:
    order = it.shop.shop.create_order(paid=True)
    await it.advance(minutes=5)
    assert ("order-received", "sent") in await it.told(order)
    return order


@pytest.mark.parametrize("storage", ["hpos", "legacy"])
async def test_an_outage_is_made_good(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, storage: Literal["hpos", "legacy"]
) -> None:
    """The hub is down for two days; the shop's webhooks fail and are switched off by WooCommerce. On return polls find
    every order, customers are told once and only what is still news, and staff can see what was missed."""
    caplog.set_level(logging.INFO, "hub.poll")
    async with town(tmp_path, storage=storage) as it:
        shop = it.shop.shop
        known, deleted = await _paid(it), await _paid(it)
        mails = len(it.mails())

        await it.stop()
        old = [shop.create_order(paid=True, email="old@example.com") for _ in range(7)]
        await it.pass_by(hours=1)
        shop.cancel(known)
        shop.trash(deleted)
        await it.pass_by(hours=1)
        for _ in range(8):
            shop.touch(old[0])
            await it.pass_by(minutes=30)
        hooks = {each.topic: each.status for each in it.shop.hooks.webhooks.values()}
        assert hooks["order.created"] == hooks["order.updated"] == "disabled"
        await it.pass_by(hours=39)
        fresh = shop.create_order(paid=True, email="fresh@example.com")
        lost = shop.create_order(paid=True, email="lost@example.com")
        await it.pass_by(hours=2)
        shop.cancel(lost)
        await it.pass_by(hours=1)
        assert it.shop.hooks.next_at() is None, "WooCommerce repeats nothing"

        await it.start()
        await it.advance(hours=2)
        headlines = await it.headlines()
        assert set(headlines) == {*old, known, deleted, fresh, lost}
        assert headlines[known] == headlines[lost] == "cancelled"
        assert {headlines[ref] for ref in (*old, fresh)} == {"processing"}

        assert it.mails("old@example.com") == [], "two days old is not news"
        assert sorted(await it.told(fresh)) == [("order-received", "sent"), ("payment-received", "sent")]
        assert len(it.mails(CUSTOMER)) == mails, "the cancellation is two days old, and the deleted order is silent"
        assert ("order-cancelled", "sent") in await it.told(lost)
        assert len(it.mails("lost@example.com")) == len([state for _, state in await it.told(lost) if state == "sent"])

        assert {each.status for each in it.shop.hooks.webhooks.values()} == {"active"}
        said = [each.getMessage() for each in caplog.records if "switched it off" in each.getMessage()]
        assert sorted(line.partition(": the shop")[0] for line in said) == [
            "main-shop: order.created", "main-shop: order.updated",
        ]  # fmt: skip
        seen = {each.subject: each.text for each in it.smtp.ledger if "iza@kavovar.example" in each.to}
        assert set(seen) == {
            f"{deleted}: the order was deleted in the shop",
            "webhooks of main-shop are silent",
            "our webhooks were changed at main-shop",
        }
        silent, changed = seen["webhooks of main-shop are silent"], seen["our webhooks were changed at main-shop"]
        assert "Since 24 November, 09:10 no webhook has come from main-shop." in silent
        assert "Orders found only by asking: 11." in silent, "seven old, one cancelled, one deleted, two new"
        assert changed.count("the shop had switched it off, and it is on again") == 2

        told = await it.told()
        for ref in old:
            shop.touch(ref)
        await it.advance(days=1)
        assert await it.told() == told, "once"
        shop.cancel(fresh)
        await it.advance(minutes=5)
        assert ("order-cancelled", "sent") in await it.told(fresh), "the webhooks work again"


async def test_a_shop_s_own_status_is_asked_about_and_then_means_what_the_merchant_says(tmp_path: Path) -> None:
    """`wc-ready-pickup` is nobody's but the merchant's: unmapped it moves nothing and staff are told."""
    async with town(tmp_path) as it:
        it.shop.shop.register_status("ready-pickup", "Ready for pickup")
        order = it.shop.shop.create_order(paid=True, shipping_method="local_pickup", shipping_title="Collect in Poznań")
        await it.advance(minutes=5)
        it.shop.shop.set_status(order, "ready-pickup")
        await it.advance(minutes=5)
        assert await it.headlines() == {order: "processing"}
        (row,) = await it.rows(tables.unmapped)
        assert row.code == "wc-ready-pickup"
        assert len(it.mails("iza@kavovar.example")) == 1

        await it.stop()
        text = it.path.read_text("utf-8")
        it.path.write_text(text + "statuses: {main-shop: {wc-ready-pickup: shipment.ready_for_pickup}}\n", "utf-8")
        await it.start()
        await it.advance(minutes=5)
        assert await it.headlines() == {order: "ready_for_pickup"}
        assert ("ready-for-pickup", "sent") in await it.told(order)


async def test_a_draft_that_leaks_is_no_order(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        it.shop.hooks.mischief.leak_drafts = True
        draft = it.shop.shop.create_order(status="checkout-draft")
        it.shop.shop.touch(draft)
        await it.advance(hours=1)
        assert await it.headlines() == {} and it.mails() == []
        assert {row.error for row in await it.rows(tables.inbox)} == {""}


async def test_a_queue_that_stands_still_delays_nothing_longer_than_a_poll(tmp_path: Path) -> None:
    """WP-Cron is broken: no webhook comes for hours, and then all of them, with the newest state in each."""
    async with town(tmp_path) as it:
        it.shop.hooks.mischief.cron_broken = True
        order = it.shop.shop.create_order()
        await it.advance(minutes=7)
        assert await it.told(order) == [("order-received", "sent")]
        it.shop.shop.pay(order)
        await it.advance(hours=5)
        told = await it.told(order)
        assert told == [("order-received", "sent"), ("payment-received", "sent")]
        it.shop.hooks.mischief.cron_broken = False
        await it.advance(hours=1)
        assert await it.told(order) == told
        assert len(it.shop.ledger.where(kind="webhook", status=200)) == 2


async def _doc(it: Town) -> Any:
    (row,) = await it.rows(tables.orders)
    return json.loads(row.doc)


async def test_a_deleted_order_falls_silent_and_comes_back_when_it_is_restored(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        order = await _paid(it)
        it.shop.shop.trash(order)
        await it.advance(minutes=10)
        mails = len(it.mails())
        assert len(it.mails("iza@kavovar.example")) == 1
        it.shop.shop.restore(order)
        await it.advance(minutes=10)
        it.shop.shop.cancel(order)
        await it.advance(minutes=10)
        assert await it.headlines() == {order: "cancelled"} and len(it.mails()) == mails + 1
        assert "removed_at" not in await _doc(it)
        it.shop.shop.trash(order)
        await it.advance(minutes=10)
        assert "removed_at" in await _doc(it), "its notice has the bytes of the first; the poll of the trash tells it"


async def test_an_order_that_is_not_paid_is_cancelled_in_the_shop_and_that_is_told_once(tmp_path: Path) -> None:
    flows = """
flows:
  unpaid:
    on: payment.awaiting_payment
    stop_on: [payment.paid]
    steps: [{wait: 2h}, {write_back: {status: cancelled, note: "{{ order.number }} was not paid in time"}}]
  cancelled: {on: order.cancelled, steps: [{notify: {template: order-cancelled}}]}
"""
    async with town(tmp_path, flows=flows) as it:
        order = it.shop.shop.create_order()
        it.shop.shop.create_order(paid=True)
        await it.advance(hours=3)
        (errand,) = await it.rows(tables.errands)
        assert (errand.kind, errand.state, errand.tries) == ("write_back", "done", 1)
        assert it.shop.shop.find(order).status == "cancelled"
        await it.advance(hours=30)
        assert await it.told() == [("order-cancelled", "sent")], "the echo is told, and once"
        assert len(await it.rows(tables.errands)) == 1
