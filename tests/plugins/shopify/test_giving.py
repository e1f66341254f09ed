"""Coupons and tags, against the fake shop."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from hub.clock import VirtualClock
from hub.plugin import CouponWish, FailureError, Permanent, TagScope, TagWish
from plugins.platforms.shopify import Shopify
from plugins.platforms.shopify.sandbox import ShopifySandbox

from .telling import snapshot_of


def wish(clock: VirtualClock, **worth: Any) -> CouponWish:
    return CouponWish("k", "ABCDEFGHJKLM", clock.now() + timedelta(days=60), **worth)


@pytest.mark.parametrize(
    ("worth", "value"),
    [
        ({"percent": Decimal("12.5")}, {"percentage": 0.125}),
        ({"amount": Decimal(100)}, {"discountAmount": {"amount": "100", "appliesOnEachItem": False}}),
    ],
)
async def test_a_coupon_is_for_one_order_until_a_day(
    sandbox: ShopifySandbox, shop: Shopify, clock: VirtualClock, worth: dict[str, Any], value: dict[str, Any]
) -> None:
    await shop.make_coupon(wish(clock, **worth))
    [made] = sandbox.shop.discounts.values()
    assert made["customerGets"] == {"value": value, "items": {"all": True}}
    assert (made["code"], made["usageLimit"], made["context"]) == ("ABCDEFGHJKLM", 1, {"all": "ALL"})
    assert made["endsAt"] == (clock.now() + timedelta(days=60)).isoformat()


async def test_the_same_wish_makes_no_second_one(sandbox: ShopifySandbox, shop: Shopify, clock: VirtualClock) -> None:
    await shop.hello()
    sandbox.chaos.reset(when="after", path="*/graphql.json", times=2)
    for _ in range(3):
        try:
            await shop.make_coupon(wish(clock, percent=Decimal(10)))
        except FailureError:
            continue
    assert len(sandbox.shop.discounts) == 1


async def test_what_the_shop_refuses_is_told(sandbox: ShopifySandbox, shop: Shopify, clock: VirtualClock) -> None:
    with pytest.raises(FailureError, match="Value must be between") as failure:
        await shop.make_coupon(wish(clock, percent=Decimal(200)))
    assert isinstance(failure.value.outcome, Permanent)


async def test_tags_are_added_and_taken_off_and_others_stay(sandbox: ShopifySandbox, shop: Shopify) -> None:
    order = sandbox.shop.create_order(tags=["gift", "new"])
    await shop.tag(TagWish("k", TagScope.ORDER, order, ("vip", "gift"), ("new",)))
    assert sandbox.shop.find(order).tags == ["gift", "vip"]


async def test_a_customer_is_tagged_by_the_reference_that_the_order_gave(
    sandbox: ShopifySandbox, shop: Shopify
) -> None:
    order = sandbox.shop.create_order()
    [raw] = await shop.fetch(order)
    snapshot = snapshot_of(shop.normalise(raw))
    await shop.tag(TagWish("k", TagScope.CUSTOMER, snapshot.customer.ref, ("vip",)))
    await shop.tag(TagWish("k", TagScope.CUSTOMER, snapshot.customer.ref, (), ("vip",)))
    assert list(sandbox.shop.customer_tags.values()) == [[]]
    with pytest.raises(FailureError):
        await shop.tag(TagWish("k", TagScope.CUSTOMER, "999", ("vip",)))
