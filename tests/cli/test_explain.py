"""Why something was said, and why not, from the command line."""

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.store import tables
from tests.e2e.town import FLOWS, town

from .using import Shop

EXPLAINED = (
    FLOWS
    + """
  dear:
    on: order.received
    when: '!order.wholesale && order.total >= 1000000'
    steps: [{notify: {template: packed}}]
  picks:
    on: order.received
    when: order.total > 0
    steps:
      - choose:
          - when: order.item_count > 100
            steps: [{notify: {template: packed}}]
          - else: [{tag: {add: [small]}}]
  slow:
    on: order.received
    when: order.status == "received"
    steps: [{wait: 1h}, {notify: {template: please-review}}]
"""
)


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("explained")

    async def live() -> None:
        async with town(folder, flows=EXPLAINED) as it:
            order = it.shop.shop.create_order()
            await it.advance(minutes=59, seconds=30)
            it.shop.shop.cancel(order)
            await it.advance(hours=2)

    asyncio.run(live())
    return Shop(folder)


def number(shop: Shop) -> str:
    return str(shop.rows(sa.select(tables.orders.c.number))[0].number)


def test_an_order_shows_what_each_flow_read_and_what_would_have_met_it(explained: Shop) -> None:
    said = explained.hub("flows", "explain", number(explained)).stdout
    assert "dear: not met: order.total >= 1000000" in said
    assert "order.wholesale was false" in said and "order.total was " in said
    assert "order.total would have to be at least 1000000" in said
    assert "picks: choose: else" in said and "order.item_count was " in said
    assert "order-received to customer: sent by mail" in said


def test_a_message_that_was_not_sent_says_what_had_changed(explained: Shop) -> None:
    rows = explained.rows(sa.select(tables.messages).where(tables.messages.c.template == "order-received"))
    said = explained.hub("flows", "explain", f"m{rows[0].id}").stdout
    assert "said by confirm" in said and "tried mail: accepted" in said and "confirm: started" in said


def test_a_flow_shows_how_often_it_began_and_what_kept_it(explained: Shop) -> None:
    told = explained.told("flows", "explain", "dear")
    assert told["results"] == {"not met": 1}
    assert told["not_met"] == [
        {
            "rule": "order.total >= 1000000",
            "times": 1,
            "wanted": "order.total would have to be at least 1000000",
        }
    ]
    text = explained.hub("flows", "explain", "dear").stdout
    assert "the last 1 time that something set it off: not met 1 time" in text


def test_what_is_nothing_is_said_to_be_nothing(explained: Shop) -> None:
    for what in ("nonsense", "m4711", "4711"):
        found = explained.hub("flows", "explain", what)
        assert found.exit_code == 1 and f"'{what}' is the number of no order" in found.stderr


def test_a_flow_that_nothing_set_off_is_said_to_be_so(shop: Shop, tmp_path: Path) -> None:
    text = shop.file.read_text("utf-8")
    shop.file.write_text(
        text.replace("flows:\n", "flows:\n  late: {on: return.requested, steps: [stop: x]}\n"), "utf-8"
    )
    assert "nothing has set it off yet" in shop.hub("flows", "explain", "late").stdout
