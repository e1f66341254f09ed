"""A merchant's own order statuses at Shopify: tags, from the shop's screen to the order's status."""

from pathlib import Path

from .town import CONNECTIONS, town

TAGGED = CONNECTIONS.replace("poll_every: 6h", "poll_every: 6h, tags: {{ready-to-ship: order.packed}}")


async def test_a_tag_moves_the_order_and_another_meaning_of_it_takes_effect(tmp_path: Path) -> None:
    async with town(tmp_path, connections=TAGGED) as it:
        order = it.shop.shop.create_order(gateway="shopify_payments", paid=True)
        await it.advance(minutes=5)
        assert await it.headline() == "paid"
        it.shop.shop.set_tags(order, ["vip", "Ready-to-ship"])
        await it.advance(minutes=5)
        assert await it.headline() == "packed"
        await it.restart(("ready-to-ship: order.packed", "ready-to-ship: order.picking"))
        await it.advance(minutes=5)
        assert await it.headline() == "picking"
        it.shop.shop.hold(order, "incorrect_address")
        await it.advance(minutes=5)
        assert await it.headline() == "on_hold"
