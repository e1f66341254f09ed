"""A hub that nothing outside can reach: no public_url, so that everything comes in by asking."""

from pathlib import Path

from hub.store import tables

from .town import CONNECTIONS, town

UNREACHABLE = CONNECTIONS.replace('public_url: "{public}", ', "").replace(", poll_every: 6h", "")
CUSTOMER = "olena.hrytsenko@example.com"


async def test_a_hub_behind_nat_works_by_polling_alone(tmp_path: Path) -> None:
    assert "public" not in UNREACHABLE and "poll_every" not in UNREACHABLE
    async with town(tmp_path, connections=UNREACHABLE) as it:
        assert it.hub.world.config.hub.public_url is None
        assert not it.shop.hooks.subscriptions and it.telegram.webhook is None, "nobody could deliver"
        await it.advance(minutes=2)
        order = it.shop.shop.create_order(gateway="shopify_payments", paid=True)
        await it.advance(minutes=5)
        states = [(template, state) for template, state, _ in await it.messages()]
        assert ("order-received", "sent") in states
        link = next(word for word in it.smtp.ledger[0].text.split() if word.startswith("https://t.me/"))
        chat = it.telegram.open_chat("Олена")
        it.telegram.follow(chat, link)
        await it.advance(minutes=1)
        assert len(it.telegram.screen(chat)) == 2, "the start, and our greeting"
        assert it.telegram.calls.count("getUpdates") > 10
        assert it.telegram.pending == [], "what was heard is confirmed"
        mails = len(it.mails(CUSTOMER))
        it.shop.shop.cancel(order)
        await it.advance(minutes=5)
        assert await it.headline() == "cancelled"
        assert len(it.mails(CUSTOMER)) == mails + 1, "a letter"
        said = await it.rows(tables.inbox, tables.inbox.c.connection == "bot")
        assert [row.subject for row in said] == [f"chat:{chat}"]
