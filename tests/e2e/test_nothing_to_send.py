"""An order of which nothing has to be sent: only Shopify's API says so, and its webhooks come between the answers."""

from datetime import timedelta
from pathlib import Path

import pytest

from hub.model import DeliverBy
from hub.pipeline.documents import load
from hub.store import tables

from .town import town


@pytest.mark.parametrize("method", ["SHIPPING", "RETAIL"], ids=["with an address", "at the till"])
@pytest.mark.parametrize("late", [False, True], ids=["webhook first", "webhook last"])
async def test_it_is_over_without_a_parcel_whichever_word_comes_last(tmp_path: Path, late: bool, method: str) -> None:
    async with town(tmp_path) as it:
        order = it.shop.shop.create_order(gateway="shopify_payments", paid=True, method=method)
        await it.advance(minutes=5)
        if late:
            it.shop.delay_next("orders/updated", timedelta(hours=9))
        it.shop.shop.need_nothing_sent(order)
        await it.advance(hours=7)
        assert await it.headline() == "delivered", "the poll has told it"
        await it.advance(hours=3)
        assert await it.headline() == "delivered"
        assert ("shipped", "sent") not in [(template, state) for template, state, _ in await it.messages()]
        (row,) = await it.rows(tables.orders)
        snapshot = load(row.doc).snapshot
        assert snapshot is not None
        assert method == "RETAIL" or snapshot.deliver_by is DeliverBy.DIGITAL
        it.shop.shop.touch(order)
        await it.advance(minutes=5)
        assert await it.headline() == "delivered", "a later webhook knows no better"
