"""Coupons, and tags on orders and customers. Neither mutation honours a key: a coupon's code is the same each time and
is looked for first; tags are added to and taken from what is there, so a repeat changes nothing.

Sources (shopify.dev, Admin API 2026-07): `DiscountCodeBasicInput` needs code, context, customerGets, startsAt, title;
its scopes are `read_discounts` and `write_discounts`, those of the tags `write_orders` and `write_customers`.
"""

from datetime import datetime
from typing import Any

from hub.plugin import CouponWish, TagScope, TagWish

from . import _queries as queries
from ._fields import gid
from ._graphql import Api

_TITLE = "orderhub"
_GIDS = {TagScope.ORDER: "Order", TagScope.CUSTOMER: "Customer"}


async def make_coupon(api: Api, wish: CouponWish, now: datetime) -> None:
    """A discount on a whole order, for whoever has the code, once."""
    if (await api.read(queries.COUPON_EXISTS, {"code": wish.code})).child("codeDiscountNodeByCode") is not None:
        return
    coupon = {
        "title": f"{_TITLE} {wish.code}",
        "code": wish.code,
        "startsAt": now.isoformat(),
        "endsAt": wish.valid_until.isoformat(),
        "usageLimit": 1,
        "appliesOncePerCustomer": True,
        "context": {"all": "ALL"},
        "customerGets": {"value": _worth(wish), "items": {"all": True}},
    }
    await api.change(queries.MAKE_COUPON, {"coupon": coupon}, "discountCodeBasicCreate")


def _worth(wish: CouponWish) -> dict[str, Any]:
    """A share from 0 to 1, or an amount of the shop's currency off the order as a whole."""
    if wish.percent is not None:
        return {"percentage": float(wish.percent / 100)}
    return {"discountAmount": {"amount": str(wish.amount), "appliesOnEachItem": False}}


async def tag(api: Api, wish: TagWish) -> None:
    """Put on, then take off; what is not named stays."""
    ident = gid(_GIDS[wish.scope], wish.ref)
    if wish.add:
        await api.change(queries.ADD_TAGS, {"id": ident, "tags": list(wish.add)}, "tagsAdd")
    if wish.remove:
        await api.change(queries.REMOVE_TAGS, {"id": ident, "tags": list(wish.remove)}, "tagsRemove")
