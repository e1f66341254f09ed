"""Whole stories: a real hub, a shop, InPost and a mail server, all on loopback and on one clock."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from hub.pipeline.documents import load
from hub.pipeline.facts import StoredFact
from hub.pipeline.names import names_of
from hub.pipeline.view import view
from hub.store import tables
from tests.e2e.town import Town

from .telling import NUMBER, SECRET, hint
from .village import CUSTOMER, OWNED, ordered, village

SHIPPED_BY = "InPost Paczkomaty 24/7"


async def _polls(it: Town) -> list[tuple[str, int, str]]:
    rows = await it.rows(tables.polls, tables.polls.c.kind == "parcel", tables.polls.c.connection == "inpost")
    return [(row.ref, row.failures, row.error) for row in rows]


async def test_a_parcel_goes_to_a_locker_and_is_collected_on_the_last_day(tmp_path: Path) -> None:
    """The label is made before InPost knows the number; then webhooks tell at once what hourly questions would not."""
    async with village(tmp_path) as (it, inpost):
        assert await inpost.activate(f"{it.base}/in/inpost/{SECRET}")
        order = await ordered(it)
        it.shop.shop.fulfil(order, NUMBER, SHIPPED_BY)
        await it.advance(minutes=10)
        assert await it.headline() == "packed"
        assert inpost.ledger[-1].status == 404
        assert await _polls(it) == [(NUMBER, 0, "")], "an unknown number is no failure"

        inpost.create(NUMBER, to="KRA01M")
        await inpost.move(NUMBER, "dispatched_by_sender", agency="WAW")
        await it.advance(minutes=2)
        assert await it.headline() == "shipped"
        await it.advance_to(datetime(2026, 11, 25, 6, 42, tzinfo=UTC))
        await inpost.move(NUMBER, "out_for_delivery", agency="KRA")
        await it.advance(hours=2)
        await inpost.move(NUMBER, "ready_to_pickup")
        await it.advance(minutes=5)
        assert await it.headline() == "ready_for_pickup"
        ready = it.smtp.ledger[-1]
        assert CUSTOMER in ready.to and "KRA01M" in ready.subject
        assert "Zmyślona 3, 30-001 Kraków" in ready.text
        assert "27 listopada" in ready.text, "48 hours after it was there"

        await it.advance(hours=20)
        await inpost.move(NUMBER, "pickup_reminder_sent")
        await it.advance_to(datetime(2026, 11, 27, 8, 30, tzinfo=UTC))
        before = [template for template, *_ in await it.messages()]
        assert before[-2:] == ["ready-for-pickup", "pickup-last-day"], "a reminder of theirs is no second arrival"
        await inpost.move(NUMBER, "delivered")
        await inpost.repeat()
        await inpost.repeat(0)
        await it.advance(days=5)
        assert await it.headline() == "delivered"
        assert [(template, state) for template, state, _ in await it.messages()] == [
            ("order-received", "sent"),
            ("payment-received", "sent"),
            ("shipped", "sent"),
            ("ready-for-pickup", "sent"),
            ("pickup-last-day", "sent"),
            ("delivered", "sent"),
        ]
        assert await it.rows(tables.inbox, tables.inbox.c.state == 9) == []
        assert not any(each.token for each in inpost.ledger), "nothing needed a token"


async def test_a_hint_only_makes_the_hub_ask_and_a_forged_one_says_nothing(tmp_path: Path) -> None:
    async with village(tmp_path) as (it, inpost):
        inpost.create(NUMBER)
        order = await ordered(it)
        it.shop.shop.fulfil(order, NUMBER, SHIPPED_BY)
        await it.advance(minutes=10)
        stored, asked = len(await it.rows(tables.inbox)), len(inpost.ledger)
        lie = hint(payload={"shipment_id": 1, "status": "delivered", "tracking_number": NUMBER})
        async with httpx.AsyncClient() as stranger:
            for path, address in (
                ("inpost", "91.216.25.7"),
                ("inpost/x", "91.216.25.7"),
                (f"inpost/{SECRET}", "1.2.3.4"),
            ):
                url, headers = f"{it.base}/in/{path}", {"x-real-ip": address}
                assert (await stranger.post(url, json=lie, headers=headers)).status_code == 401
            await it.settle()
            assert (len(await it.rows(tables.inbox)), len(inpost.ledger)) == (stored, asked)
            url, headers = f"{it.base}/in/inpost/{SECRET}", {"x-real-ip": "91.216.25.7"}
            assert (await stranger.post(url, json=lie, headers=headers)).status_code == 200
        await it.settle()
        assert len(inpost.ledger) == asked + 1, "it was asked"
        assert await it.headline() == "packed", "and what it said counts, not the hint"


async def test_the_same_history_asked_for_again_and_again_is_stored_once(tmp_path: Path) -> None:
    async with village(tmp_path, settings="") as (it, inpost):
        inpost.create(NUMBER)
        order = await ordered(it)
        it.shop.shop.fulfil(order, NUMBER, SHIPPED_BY)
        await inpost.move(NUMBER, "adopted_at_sorting_center", agency="KRA")
        await it.advance(hours=12)
        assert len(inpost.ledger) > 5
        assert len(await it.rows(tables.inbox, tables.inbox.c.connection == "inpost")) == 1


async def test_who_pays_at_the_locker_is_told_how_much(tmp_path: Path) -> None:
    async with village(tmp_path, settings=OWNED) as (it, inpost):
        inpost.create(NUMBER, cod=129.90)
        order = await ordered(it, cash=True)
        it.shop.shop.fulfil(order, NUMBER, SHIPPED_BY)
        await it.advance(hours=1)
        await inpost.move(NUMBER, "ready_to_pickup")
        await it.advance(hours=3)
        ready = it.smtp.ledger[-1]
        assert "KRA010" in ready.subject
        assert "129,90" in ready.text


async def _shipment(it: Town) -> Any:
    """What texts and conditions read of the one shipment."""
    (row,) = await it.rows(tables.orders)
    facts = [StoredFact.from_row(each) for each in await it.rows(tables.facts)]
    seen = view(row.id, row.connection, load(row.doc), facts, it.hub.world)
    return names_of(seen, it.hub.world, it.clock.now())["shipments"][0]


async def test_a_parcel_that_nobody_collects_waits_in_the_branch_and_goes_back(tmp_path: Path) -> None:
    async with village(tmp_path) as (it, inpost):
        assert await inpost.activate(f"{it.base}/in/inpost/{SECRET}")
        inpost.create(NUMBER)
        order = await ordered(it)
        it.shop.shop.fulfil(order, NUMBER, SHIPPED_BY)
        await it.advance(minutes=10)
        seen = []
        for status in (
            "ready_to_pickup",
            "pickup_time_expired",
            "ready_to_pickup_from_branch",
            "taken_by_courier_from_customer_service_point",
            "returned_to_sender",
        ):
            await inpost.move(NUMBER, status)
            await it.advance(hours=1)
            there = await _shipment(it)
            seen.append((await it.headline(), there["pickup_point"]["name"], "pickup_deadline" in there))
            await it.advance(hours=48)
        assert seen == [
            ("ready_for_pickup", "KRA010", True),
            ("delivery_failed", "KRA010", True),
            ("ready_for_pickup", "Oddział InPost", False),
            ("returning", "Oddział InPost", False),
            ("returned", "Oddział InPost", False),
        ]


async def test_a_hint_that_comes_before_the_tracking_knows_is_made_good_by_the_next_question(tmp_path: Path) -> None:
    async with village(tmp_path) as (it, inpost):
        assert await inpost.activate(f"{it.base}/in/inpost/{SECRET}")
        inpost.create(NUMBER)
        order = await ordered(it)
        it.shop.shop.fulfil(order, NUMBER, SHIPPED_BY)
        await it.advance(minutes=10)
        await inpost.move(NUMBER, "out_for_delivery")
        await it.advance(minutes=10)
        inpost.lag = timedelta(seconds=5)
        await inpost.move(NUMBER, "ready_to_pickup")
        await it.settle()
        assert await it.headline() == "out_for_delivery", "the hint itself moves nothing"
        await it.advance(minutes=31)
        assert await it.headline() == "ready_for_pickup"
