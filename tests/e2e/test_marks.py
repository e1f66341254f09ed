"""`mute` keeps messages back, `tag` puts words on an order or its customer."""

from pathlib import Path
from typing import Any

import pytest

from hub.model import Customer
from hub.store import tables
from tests.pipeline.fakes import notify, order

from .hamlet import Hamlet, hamlet

ANNA = Customer(email="anna@x.example", accepts_marketing=True, tags=("vip", "old"))


def then(*steps: Any, on: str = "order.packed", **more: Any) -> dict[str, Any]:
    return {"on": on, "steps": list(steps), **more}


def say(template: str, cls: str, **more: Any) -> dict[str, Any]:
    return notify(template, via=["mail"], **{"class": cls}, **more)


def flows(mute: dict[str, Any]) -> dict[str, Any]:
    return {
        "quiet": then({"mute": mute}, on="order.received", when='order.number == "#1"'),
        "news": then(say("packed", "transactional")),
        "ask": then(say("delivered", "feedback", id="ask")),
        "offer": then(say("refunded", "marketing", id="offer")),
        "alarm": then(say("on-hold", "transactional", urgent=True)),
    }


async def _packed(it: Hamlet, ref: str, placed: str = "09:50", at: str = "10:30") -> dict[str, tuple[str, str]]:
    await it.hear("shop", f"order:{ref}", order(at, "order.packed", ref=ref, placed=placed, customer=ANNA))
    await it.advance(minutes=3)
    rows = await it.rows(tables.messages, tables.messages.c.order_id == f"shop:{ref}")
    return {row.flow: (row.state, row.reason) for row in rows}


async def _received(it: Hamlet, ref: str = "1") -> None:
    await it.hear("shop", f"order:{ref}", order("09:55", "order.received", ref=ref, placed="09:50", customer=ANNA))
    await it.advance(minutes=3)


SENT, MUTED = ("sent", ""), ("suppressed", "muted")


@pytest.mark.parametrize(
    ("mute", "mine", "others"),
    [
        ({"classes": ["marketing"], "for": "3d"}, {"offer"}, {"offer"}),
        ({"classes": ["marketing", "feedback"], "for": "3d"}, {"ask", "offer"}, {"ask", "offer"}),
        ({"classes": "all", "for": "3d", "who": "order"}, {"news", "ask", "offer"}, set()),
        ({"classes": "all", "for": "3d", "who": "customer"}, {"news", "ask", "offer"}, {"news", "ask", "offer"}),
    ],
    ids=["one class", "two classes", "the hand-over of an order", "a customer"],
)
async def test_what_is_muted_is_not_said_and_urgent_news_are(
    tmp_path: Path, database_url: str, mute: dict[str, Any], mine: set[str], others: set[str]
) -> None:
    async with hamlet(tmp_path, flows(mute), database=database_url) as it:
        await _received(it)
        first = await _packed(it, "1")
        assert {flow for flow, became in first.items() if became == MUTED} == mine
        assert {flow for flow, became in first.items() if became == SENT} == {"news", "ask", "offer", "alarm"} - mine
        second = await _packed(it, "2")
        assert {flow for flow, became in second.items() if became == MUTED} == others


async def test_a_mute_ends_and_a_shorter_one_does_not_shorten_it(tmp_path: Path) -> None:
    both = flows({"classes": ["feedback"], "for": "2d"})
    both["shorter"] = then({"mute": {"classes": ["feedback"], "for": "1h"}}, on="order.processing")
    async with hamlet(tmp_path, both) as it:
        await _received(it)
        await it.hear("shop", "order:1", order("10:10", "order.processing", placed="09:50", customer=ANNA))
        await it.advance(hours=5)
        assert (await _packed(it, "2", at="15:00"))["ask"] == MUTED
        await it.advance(days=2)
        later = order("+2 15:10", "order.packed", ref="3", placed="+2 15:05", customer=ANNA)
        await it.hear("shop", "order:3", later)
        await it.advance(minutes=3)
        (row,) = await it.rows(tables.messages, tables.messages.c.order_id == "shop:3", tables.messages.c.flow == "ask")
        assert (row.state, row.reason) == SENT


async def test_tags_are_read_with_the_shops_and_by_the_very_next_step(tmp_path: Path, database_url: str) -> None:
    told = then(say("packed", "transactional"), when='order.tags == ["gift"] && "loyal" in customer.tags')
    marked = then(
        {"tag": {"add": ["gift", "oops"]}},
        {"tag": {"remove": "oops"}},
        {"tag": {"who": "customer", "add": "loyal", "remove": ["old"]}},
        {
            "choose": [
                {
                    "when": '"gift" in order.tags && customer.tags == ["vip", "loyal"]',
                    "steps": [say("order-received", "transactional")],
                }
            ]
        },
        on="order.received",
    )
    async with hamlet(tmp_path, {"mark": marked, "told": told}, database=database_url) as it:
        await _received(it)
        assert it.said() == ["order-received"]
        await _packed(it, "1")
        assert it.said() == ["order-received", "packed"]
        rows = await it.rows(tables.tags)
        assert {(row.scope, row.tag, row.present, row.how) for row in rows} == {
            ("order", "gift", 1, "mark"), ("order", "oops", 0, "mark"), ("customer", "loyal", 1, "mark"),
            ("customer", "old", 0, "mark"),
        }  # fmt: skip
