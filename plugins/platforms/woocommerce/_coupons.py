"""Coupons. WooCommerce knows no idempotency keys: the code is the same each time, and is looked for before it is made.

Source: WooCommerce REST API wc/v3, coupons; a code that is taken is refused with 400
`woocommerce_rest_coupon_code_already_exists`. The key's user must be allowed to manage coupons (a shop manager is).
"""

from datetime import UTC

from hub.plugin import CouponWish

from ._api import Api
from ._fields import as_list

_COUPONS = "wc/v3/coupons"


async def make_coupon(api: Api, wish: CouponWish) -> None:
    """A discount on a whole order, with no other coupon, for whoever has the code, once."""
    if as_list((await api.get(_COUPONS, code=wish.code)).value, "coupons"):
        return
    worth = ("percent", wish.percent) if wish.percent is not None else ("fixed_cart", wish.amount)
    coupon = {
        "code": wish.code,
        "discount_type": worth[0],
        "amount": str(worth[1]),
        "individual_use": True,
        "usage_limit": 1,
        "date_expires_gmt": wish.valid_until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "description": "orderhub",
    }
    await api.change("POST", _COUPONS, coupon)
