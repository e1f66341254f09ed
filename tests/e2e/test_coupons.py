"""Coupons and tags in the shop: made once, never too many, never by a shadow."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.store import tables
from hub.store.queries import NOT_DONE
from plugins.platforms.shopify._sandbox_admin import UserError

from .town import Town, town

FLOWS = """
steps:
  apologise:
    takes: {percent: int}
    steps:
      - coupon: {percent: $percent, valid: 60d, at_most: {customer: 1 per 90d, shop: 2 per 30d}}
      - notify: {template: sorry-late, via: letter}
flows:
  sorry:
    on: order.received
    steps: [{do: {list: apologise, with: {percent: 10}}}]
"""


async def errands(it: Town) -> list[tuple[str, str, str]]:
    return [(row.kind, row.state, row.reason) for row in await it.rows(tables.errands)]


def mails(it: Town) -> list[str]:
    return [each.text for each in it.smtp.ledger]


def codes(it: Town) -> list[str]:
    return list(it.shop.shop.discounts)


async def test_a_coupon_is_made_in_the_shop_and_told(tmp_path: Path, database_url: str) -> None:
    given = "" if database_url.startswith("sqlite") else database_url
    async with town(tmp_path, flows=FLOWS, database=given) as it:
        it.shop.shop.create_order(email="a@x.example")
        await it.advance(minutes=5)
        [code] = codes(it)
        made = it.shop.shop.discounts[code]
        assert made["customerGets"]["value"] == {"percentage": 0.1} and made["usageLimit"] == 1
        assert made["endsAt"].startswith("2027-01-23T"), "60 calendar days"
        [mail] = mails(it)
        assert code in mail and "23 січня" in mail
        assert await errands(it) == [("coupon", "done", "")]
        assert code not in str([row.doc for row in await it.rows(tables.errands)]), "what was asked for is no secret"
        assert [(row.state, row.reason) for row in await it.rows(tables.runs)] == [("done", "")]


async def test_a_lost_answer_makes_no_second_coupon(tmp_path: Path) -> None:
    async with town(tmp_path, flows=FLOWS) as it:
        it.shop.shop.create_order(email="a@x.example")
        await it.advance(minutes=5)
        [row] = await it.rows(tables.errands)
        again = sa.update(tables.errands).values(state="due", due_at=it.clock.now(), tries=0)
        await it.hub.db.write(lambda connection: connection.execute(again))
        await it.advance(minutes=5)
        assert len(codes(it)) == 1 and await errands(it) == [("coupon", "done", "")]
        assert row.answer["coupon"]["code"] == codes(it)[0]
        assert len(await it.rows(tables.coupons)) == 1, "and it counts once"


async def test_over_the_cap_there_is_none_and_the_run_goes_on(tmp_path: Path) -> None:
    async with town(tmp_path, flows=FLOWS) as it:
        for who in ("a", "a", "b", "c"):
            it.shop.shop.create_order(email=f"{who}@x.example")
            await it.advance(minutes=5)
        assert len(codes(it)) == 2, "one for a, one for b, and the shop has no more to give"
        told = [next((code for code in codes(it) if code in mail), "") for mail in mails(it)]
        assert [bool(each) for each in told] == [True, False, True, False]
        assert "промокод" not in mails(it)[1].lower()
        assert [state for _, state, _ in await errands(it)] == ["done"] * 4
        assert [row.state for row in await it.rows(tables.runs)] == ["done"] * 4
        await it.advance(days=31)
        it.shop.shop.create_order(email="c@x.example")
        await it.advance(minutes=5)
        assert len(codes(it)) == 3, "the shop's month is over"


def refuse(args: Mapping[str, Any]) -> Any:
    raise UserError("Discounts are frozen.", "basicCodeDiscount")


async def test_a_coupon_that_could_not_be_made_does_not_count(tmp_path: Path) -> None:
    flows = FLOWS.replace("shop: 2 per 30d}", "shop: 2 per 30d}, if_fails: continue")
    async with town(tmp_path, flows=flows) as it:
        it.shop.admin._do_discountCodeBasicCreate = refuse  # type: ignore[method-assign]
        it.shop.shop.create_order(email="a@x.example")
        await it.advance(minutes=5)
        [(kind, state, reason)] = await errands(it)
        assert (kind, state) == ("coupon", "failed") and "Discounts are frozen." in reason
        assert "sorry-late" in [row.template for row in await it.rows(tables.messages)], "the run goes on"
        assert not await it.rows(tables.coupons)


@pytest.mark.parametrize("whole", [True, False])
async def test_a_shadow_makes_none_and_says_so(tmp_path: Path, whole: bool) -> None:
    flows = FLOWS if whole else FLOWS.replace("    on: order.received", "    on: order.received\n    state: shadow")
    async with town(tmp_path, flows=flows, shadow=whole) as it:
        it.shop.shop.create_order(email="a@x.example")
        await it.advance(minutes=5)
        assert not codes(it) and not await errands(it) and not mails(it)
        lines = [row.doc.get("result", "") for row in await it.rows(tables.timeline)]
        assert f"{NOT_DONE}coupon:10%" in lines
        assert [row.template for row in await it.rows(tables.messages)] == ["sorry-late"]


TAGS = """
flows:
  vip:
    on: order.received
    steps:
      - tag: {add: [vip], remove: [new], write_back: true}
      - tag: {add: [regular], who: customer, write_back: true}
"""


async def test_tags_are_put_on_in_the_shop_too(tmp_path: Path) -> None:
    async with town(tmp_path, flows=TAGS) as it:
        order = it.shop.shop.create_order(email="a@x.example")
        it.shop.shop.set_tags(order, ["new", "gift"])
        await it.advance(minutes=5)
        assert it.shop.shop.find(order).tags == ["gift", "vip"]
        assert list(it.shop.shop.customer_tags.values()) == [["regular"]]
        assert await errands(it) == [("tag", "done", ""), ("tag", "done", "")]


async def test_a_shadow_tags_nothing_in_the_shop(tmp_path: Path) -> None:
    async with town(tmp_path, flows=TAGS, shadow=True) as it:
        order = it.shop.shop.create_order(email="a@x.example")
        await it.advance(minutes=5)
        assert not it.shop.shop.find(order).tags and not await errands(it)
