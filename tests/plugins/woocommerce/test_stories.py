"""A shop's days, told by a fake WooCommerce and answered by a real hub."""

import logging
from pathlib import Path
from typing import Literal

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
        assert {ref for ref in (*old, known, deleted, fresh, lost)} == set(headlines)
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
        notices = await it.rows(tables.notices) if hasattr(tables, "notices") else []
        print(notices, it.mails("ola@kavovar.example"))

        told = await it.told()
        for ref in old:
            shop.touch(ref)
        await it.advance(days=1)
        assert await it.told() == told, "once"
        shop.cancel(fresh)
        await it.advance(minutes=5)
        assert ("order-cancelled", "sent") in await it.told(fresh), "the webhooks work again"
