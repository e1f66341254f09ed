"""Coupons, against the fake shop."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from hub.plugin import CouponWish, FailureError
from plugins.platforms.woocommerce import WooCommerce
from plugins.platforms.woocommerce.sandbox import WooCommerceSandbox

UNTIL = datetime(2027, 1, 31, 12, tzinfo=UTC)


def wish(**worth: Any) -> CouponWish:
    return CouponWish("k", "ABCDEFGHJKLM", UNTIL, **worth)


@pytest.mark.parametrize(
    ("worth", "kind", "amount"),
    [({"percent": Decimal(10)}, "percent", "10"), ({"amount": Decimal("99.50")}, "fixed_cart", "99.50")],
)
async def test_a_coupon_is_for_one_order_until_a_day(
    sandbox: WooCommerceSandbox, shop: WooCommerce, worth: dict[str, Any], kind: str, amount: str
) -> None:
    await shop.make_coupon(wish(**worth))
    [made] = sandbox.shop.coupons.values()
    assert (made["code"], made["discount_type"], made["amount"]) == ("abcdefghjklm", kind, amount)
    assert (made["usage_limit"], made["individual_use"]) == (1, True)
    assert made["date_expires_gmt"] == "2027-01-31T12:00:00"


async def test_the_same_wish_makes_no_second_one(sandbox: WooCommerceSandbox, shop: WooCommerce) -> None:
    sandbox.chaos.reset(when="after", method="POST")
    with pytest.raises(FailureError):
        await shop.make_coupon(wish(percent=Decimal(10)))
    await shop.make_coupon(wish(percent=Decimal(10)))
    assert len(sandbox.shop.coupons) == 1
