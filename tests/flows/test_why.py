"""Why a condition holds or does not, in words."""

from decimal import Decimal
from typing import Any

import pytest

from hub.flows.cel import Compiled, Wants, compile_expression
from hub.flows.types import NAMES
from hub.flows.why import MOST_ITEMS, MOST_TEXT, first_part, parts_of, what_was_read, would_meet

ALL = frozenset(NAMES)


def compiled(text: str) -> Compiled:
    made = compile_expression(text, Wants.BOOL, ALL)
    assert isinstance(made, Compiled), made
    return made


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("order.total >= 3000 && customer.orders == 0", ("order.total >= 3000", "customer.orders == 0")),
        ('order.status == "a && b" && !order.gift', ('order.status == "a && b"', "!order.gift")),
        ("(order.gift && order.test) && order.wholesale", ("(order.gift && order.test)", "order.wholesale")),
        ("order.gift && order.test || order.wholesale", ("order.gift && order.test || order.wholesale",)),
        ("order.gift ? order.test : order.wholesale", ("order.gift ? order.test : order.wholesale",)),
        ('customer.tags.exists(t, t == "a" && t != "b")', ('customer.tags.exists(t, t == "a" && t != "b")',)),
    ],
)
def test_a_condition_is_taken_apart_only_where_all_of_it_must_hold(text: str, parts: tuple[str, ...]) -> None:
    assert parts_of(text) == parts


@pytest.mark.parametrize(
    ("part", "wish"),
    [
        ("order.total >= 3000", "order.total would have to be at least 3000"),
        ("3000 <= order.total", "order.total would have to be at least 3000"),
        ("order.total < 9.5", "order.total would have to be less than 9.5"),
        ('payment.status != "paid"', "payment.status would have to not be paid"),
        ('order.status in ["received", "on_hold"]', "order.status would have to be one of received, on_hold"),
        ('!(order.status in ["received", "on_hold"])', "order.status would have to be none of received, on_hold"),
        ("!order.wholesale", "order.wholesale would have to be false"),
        ("payment.on_delivery", "payment.on_delivery would have to be true"),
        ("has(customer.phone)", "customer.phone would have to be known"),
        ("!has(customer.phone)", "customer.phone would have to be absent"),
        ("!(order.total > 5)", "this would have to hold: !(order.total > 5)"),
        ('customer.tags.exists(t, t == "vip")', 'this would have to hold: customer.tags.exists(t, t == "vip")'),
        ("valid_phone(customer.phone, order.country)",
         "this would have to hold: valid_phone(customer.phone, order.country)"),
    ],
)  # fmt: skip
def test_what_would_have_met_it_is_said_in_words(part: str, wish: str) -> None:
    assert would_meet(part, ALL) == wish


def test_the_first_part_that_is_not_met_is_found_also_where_it_is_not_known() -> None:
    whole = compiled("!order.gift && order.total >= 3000 && has(customer.phone)")
    names = {"order": {"gift": False, "total": Decimal(1450)}, "customer": {}}
    assert first_part(whole, names) == ("order.total >= 3000", False)
    assert first_part(whole, {**names, "order": {"gift": False}})[0] == "order.total >= 3000"
    assert first_part(whole, {**names, "order": {"gift": False, "total": Decimal(3000)}})[0] == "has(customer.phone)"


def test_what_is_kept_of_values_is_short_and_no_more_than_was_read() -> None:
    names: dict[str, Any] = {
        "order": {
            "total": Decimal("9.50"), "number": "x" * 500,
            "items": [{"sku": str(n), "categories": ["beans"]} for n in range(100)],
        },
        "customer": {"name": "Anna", "email": "anna@x.example"},
    }  # fmt: skip
    text = 'order.total > 5 && order.number != "" && order.items.exists(i, i.categories.exists(c, c == "beans"))'
    found = what_was_read([compiled(text), compiled("has(customer.phone)")], names)
    assert found["order.total"] == Decimal("9.50")
    assert len(found["order.number"]) == MOST_TEXT + 1
    assert found["order.items.categories"] == [["beans"]] * MOST_ITEMS
    assert set(found) == {"order.total", "order.number", "order.items.categories"}, "and nobody's name"
