"""What flows do because time passes: over real sandboxes and the whole hub."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.store import tables

from .town import FLOWS, Town, town

NUMBER, OTHER = "20450999123456", "20450999123463"
FRIDAY = datetime(2026, 11, 27, 14, 0, tzinfo=UTC)
"""16:00 in Kyiv, two hours before the shop's week ends."""


def _flows(*more: str) -> str:
    return FLOWS + "".join(f"  {each}\n" for each in more)


async def _matters(it: Town) -> list[tuple[str, datetime]]:
    rows: Any = await it.rows(tables.escalations)
    return [(row.reason, row.opened_at) for row in rows]


async def _said(it: Town, template: str) -> int:
    return sum(each == template and state == "sent" for each, state, _ in await it.messages())


async def test_an_order_that_rests_over_a_weekend_is_a_matter_in_working_time(tmp_path: Path) -> None:
    slow = 'slow: {on: {stalled: order.picking, for: 4h working}, steps: [{escalate: {to: warehouse, reason: "Slow"}}]}'
    async with town(tmp_path, flows=_flows(slow), start=FRIDAY) as it:
        order = it.shop.shop.create_order(gateway="shopify_payments", paid=True)
        it.shop.shop.report_progress(order)
        await it.advance(minutes=5)
        assert (await it.rows(tables.orders))[0].order_status == "picking"
        await it.advance_to(datetime(2026, 11, 30, 8, 59, tzinfo=UTC))
        assert await _matters(it) == []
        await it.advance(minutes=3)
        ((reason, at),) = await _matters(it)
        assert reason == "Slow" and abs(at - datetime(2026, 11, 30, 9, 0, tzinfo=UTC)) < timedelta(minutes=2)


async def test_a_parcel_of_which_nothing_is_heard_for_five_days(tmp_path: Path) -> None:
    silent = (
        "silent: {on: {stalled: shipment, for: 5d}, steps: ["
        '{escalate: {to: support, reason: "{{ order.number }} is silent"}}, {notify: {template: parcel-delayed}}]}'
    )
    async with town(tmp_path, flows=_flows(silent)) as it:
        order = it.shop.shop.create_order(gateway="shopify_payments", paid=True)
        it.np.create(NUMBER)
        it.shop.shop.fulfil(order, NUMBER, "Nova Poshta")
        await it.advance(minutes=30)
        it.np.move(NUMBER, "5")
        await it.advance(days=4, hours=20)
        assert (await _matters(it), await _said(it, "parcel-delayed")) == ([], 0)
        await it.advance(days=3)
        assert [reason for reason, _ in await _matters(it)] == ["#1071 is silent"]
        assert await _said(it, "parcel-delayed") == 1


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_date_that_moves_by_two_days_is_told_once(tmp_path: Path, restarts: bool) -> None:
    delayed = "delayed: {on: {late: shipment, by: 1d}, steps: [{notify: {template: parcel-delayed, via: letter}}]}"
    async with town(tmp_path, flows=_flows(delayed)) as it:
        order = it.shop.shop.create_order(gateway="shopify_payments", paid=True)
        it.np.create(NUMBER)
        it.shop.shop.fulfil(order, NUMBER, "Nova Poshta")
        await it.advance(minutes=30)
        it.np.move(NUMBER, "5")
        await it.advance(hours=6)
        assert await _said(it, "parcel-delayed") == 0
        it.np.waybills[NUMBER].eta += timedelta(days=2)
        it.np.move(NUMBER, "6")
        await it.advance(hours=6)
        if restarts:
            await it.restart()
        it.np.move(NUMBER, "5")
        await it.advance(days=1)
        assert await _said(it, "parcel-delayed") == 1


async def test_on_monday_at_eight_there_is_a_report(tmp_path: Path) -> None:
    said = "{to: manager, template: staff-weekly-report, via: letter}"
    weekly = f'weekly: {{on: {{schedule: "0 8 * * MON"}}, steps: [{{notify: {said}}}]}}'
    async with town(tmp_path, flows=_flows(weekly)) as it:
        for _ in range(2):
            it.shop.shop.create_order(gateway="shopify_payments", paid=True)
            await it.advance(minutes=10)
        sent = sum(state == "sent" for _, state, _ in await it.messages())
        await it.advance_to(datetime(2026, 11, 30, 5, 59, tzinfo=UTC))
        assert it.mails("iryna@kavovar.example") == []
        await it.advance(minutes=2)
        (mail,) = [each for each in it.smtp.ledger if "iryna@kavovar.example" in each.to]
        assert "Orders: 2" in mail.text and f"Messages sent: {sent}" in mail.text


async def test_two_parcels_that_leave_within_half_an_hour_are_one_message(tmp_path: Path) -> None:
    flows = FLOWS.replace("    on: shipment.shipped\n", "    on: shipment.shipped\n    gather: 30m\n")
    async with town(tmp_path, flows=flows) as it:
        lines = (("TEA", "Tea", 1, "100.00"), ("CUP", "Cup", 1, "200.00"), ("POT", "Pot", 1, "300.00"))
        order = it.shop.shop.create_order(gateway="shopify_payments", paid=True, lines=lines)
        await it.advance(minutes=5)
        first, second, _ = (each.id for each in it.shop.shop.find(order).items)
        for number, item in ((NUMBER, first), (OTHER, second)):
            it.np.create(number)
            it.shop.shop.fulfil(order, number, "Nova Poshta", {item: 1})
        await it.advance(minutes=30)
        it.np.move(NUMBER, "5")
        it.np.move(OTHER, "5")
        await it.advance(hours=6)
        assert await _said(it, "shipped") == 1
        shipped = await it.rows(tables.runs, tables.runs.c.flow == "shipped")
        assert len(shipped) == 1 and len(shipped[0].doc["run"]["values"]["gathered"]["subjects"]) == 2
