"""The step `coupon` (FLOWS 5.7): a discount for one customer, made in the shop of their order, and never too many."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from hub.config.kinds import Kept
from hub.config.problems import quoted
from hub.config.scalars import Kind, MistakeError, read_span
from hub.config.sections import Name, PlainLengthText
from hub.config.settings import Shape, read_settings
from hub.config.yaml import MapNode, Node, Scalar

from .builtin import step
from .fails import IF_FAILS, ReadSteps, read_if_fails
from .model import Allowance, Coupon, Step
from .scope import Scope, text_at

_ALLOWANCE = re.compile(r"([0-9]{1,6}) per (\S+)")


def read_allowance(text: str) -> tuple[int, timedelta]:
    """`1 per 90d`."""
    found = _ALLOWANCE.fullmatch(text.strip())
    if found is None or int(found[1]) == 0:
        said = f"{quoted(text)} does not say how many in which time; write it like 1 per 90d"
        raise MistakeError("bad-value", said)
    return int(found[1]), read_span(found[2])


AllowanceText = Annotated[tuple[int, timedelta], Kind("so many in a time, such as 1 per 90d", read_allowance)]


class CouponShape(Shape):
    """Settings of `coupon`."""

    percent: Decimal | None = Field(None, gt=0, le=100, description="So much per cent off; or `amount`.")
    amount: Decimal | None = Field(
        None, gt=0, le=1_000_000, description="So much off, in the currency of the order's shop."
    )
    valid: PlainLengthText = Field(description="How long it can be used.")
    at_most: dict[Literal["customer", "shop"], AllowanceText] | None = Field(
        None,
        title="customer, shop → such as 1 per 90d",
        description="No more coupons than this, whatever flow made them; beyond it there is none, and the run goes on.",
    )
    if_fails: Kept | None = IF_FAILS
    id: Name | None = Field(None, description="The step's key, where a flow makes the same coupon twice.")


@step("coupon", CouponShape, example="coupon: {percent: 10, valid: 60d, at_most: {customer: 1 per 90d}}")
def coupon(word: Scalar, node: Node, scope: Scope, steps: ReadSteps) -> Step | None:
    """Make a discount code in the order's own shop, to be used once; the run waits for it, and texts know it as
    `coupon.code`."""
    shape = read_settings(node, CouponShape, scope.reading, "'coupon'", place=word.place)
    scope.offered |= {"coupon"}
    if not isinstance(node, MapNode):
        return None
    if "order" not in scope.offered:
        scope.report(word, "not-offered", "there is no order here in whose shop it could be made")
    worth = [each for each in ("percent", "amount") if node.key(each) is not None]
    if len(worth) > 1:
        scope.report(node.key("amount") or word, "conflicting-settings", "'percent' and 'amount' exclude each other")
    if not worth:
        scope.report(word, "missing-setting", "'coupon' needs 'percent' or 'amount'")
    limits = node.get("at_most")
    if (
        limits is None
        or (isinstance(limits, MapNode) and not len(limits))
        or (isinstance(limits, Scalar) and limits.empty)
    ):
        said = "'coupon' needs 'at_most': without it nothing bounds what a flow gives away"
        scope.report(node.key("at_most") or word, "coupon-uncapped", said, "at_most: {customer: 1 per 90d}")
    what = next((f"{text_at(node, each)}{'%' if each == 'percent' else ''}" for each in worth), "")
    key = scope.key(word, f"coupon:{what}", text_at(node, "id") or None)
    if_fails = read_if_fails(node.get("if_fails"), scope, steps)
    if shape is None or if_fails is None or len(worth) != 1 or not shape.at_most:
        return None
    at_most = tuple(Allowance(scope_, most, per) for scope_, (most, per) in shape.at_most.items())
    return Coupon(key, shape.percent, shape.amount, shape.valid, at_most, if_fails)
