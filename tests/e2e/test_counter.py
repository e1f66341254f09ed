"""Orders that are collected at the shop's own counter: no carrier tells of them, so the shop must."""

from dataclasses import replace
from pathlib import Path

from hub.pipeline.documents import load
from hub.pipeline.facts import StoredFact
from hub.pipeline.names import names_of
from hub.pipeline.view import view
from hub.store import tables

from .town import Town, town

CUSTOMER = "olena.hrytsenko@example.com"


async def _ready(it: Town) -> str:
    order = it.shop.shop.create_order(
        gateway="shopify_payments", paid=True, method="PICK_UP", delivery_title="Our shop"
    )
    await it.advance(minutes=5)
    it.shop.shop.prepare_pickup(order)
    await it.advance(minutes=5)
    assert await it.headline() == "ready_for_pickup"
    return order


async def test_who_collects_at_the_shop_is_told_where_and_when_it_is_ready(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        order = await _ready(it)
        assert it.mails(CUSTOMER)[-1] == "Замовлення #1071 чекає на вас: Main"
        assert "12 Khreshchatyk, Kyiv, 01001" in it.smtp.ledger[-1].text
        it.shop.shop.picked_up(order)
        await it.advance(minutes=5)
        assert await it.headline() == "delivered"
        states = [(template, state) for template, state, _ in await it.messages()]
        assert states[-2:] == [("ready-for-pickup", "sent"), ("delivered", "sent")]
        assert ("shipped", "sent") not in states, "nothing was shipped"


async def test_who_does_not_come_is_reminded_before_the_week_is_over(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        await _ready(it)
        await it.advance(days=8)
        assert [template for template, *_ in await it.messages()][-2:] == ["ready-for-pickup", "pickup-last-day"]


async def test_where_the_platform_names_no_place_the_shop_is_the_place(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        await _ready(it)
        (row,) = await it.rows(tables.orders)
        doc = load(row.doc)
        assert doc.snapshot is not None
        nowhere = replace(doc, snapshot=replace(doc.snapshot, point=None))
        facts = [StoredFact.from_row(each) for each in await it.rows(tables.facts)]
        world = it.hub.world
        seen = view(row.id, row.connection, nowhere, facts, world)
        point = names_of(seen, world, it.clock.now())["shipments"][0]["pickup_point"]
        assert point == {"name": "Kavovar", "kind": "shop"}
