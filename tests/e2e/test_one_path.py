"""One complete way through the hub, with everything real but the outside world's owners."""

from pathlib import Path

from hub.store import tables

from .town import town


async def test_a_parcel_is_followed_from_the_order_to_the_door(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database=database_url) as it:
        order = it.shop.shop.create_order()
        await it.advance(minutes=2)
        assert await it.headline() == "received"
        assert len(it.mails("olena.hrytsenko@example.com")) == 1
        it.np.create("20450999123456", cod=1249)
        it.shop.shop.fulfil(order, "20450999123456", "Nova Poshta")
        await it.advance(minutes=10)
        assert await it.headline() == "packed"
        it.np.move("20450999123456", "5")
        await it.advance(hours=6)
        assert await it.headline() == "in_transit"
        it.np.arrive("20450999123456")
        await it.advance(hours=2)
        assert await it.headline() == "ready_for_pickup"
        await it.advance(hours=20)
        it.np.hand_over("20450999123456")
        await it.advance(hours=4)
        assert await it.headline() == "delivered"
        assert [(template, state) for template, state, _ in await it.messages()] == [
            ("order-received", "sent"),
            ("shipped", "sent"),
            ("ready-for-pickup", "sent"),
            ("delivered", "sent"),
        ]
        assert await it.rows(tables.inbox, tables.inbox.c.state == 9) == []
