"""How customers answered, from the command line."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub.clock import SystemClock
from hub.store import tables as t

from .using import Shop

NAME = "after-delivery"


def _survey(number: int, state: str, days: int, run: str = "", **answers: Any) -> sa.Insert:
    now = SystemClock().now()
    return sa.insert(t.surveys).values(
        tenant=t.TENANT, id=f"s{number}", slot=0, order_id=f"main-shop:{number}", customer_id="c", run_key=run,
        name=NAME, state=state, channel="mail", answers=answers, opened_at=now - timedelta(days=days),
        until_at=now + timedelta(days=9), heard_at=now if answers else None,
    )  # fmt: skip


def _invitation(number: int, state: str) -> sa.Insert:
    now = SystemClock().now()
    return sa.insert(t.messages).values(
        tenant=t.TENANT, slot=0, key=f"m{number}", order_id=f"main-shop:{number}", run_key=f"r{number}", state=state,
        recipient="customer", due_at=now, doc={"survey": f"s{number}"}, created_at=now,
    )  # fmt: skip


@pytest.fixture
def asked(shop: Shop) -> Shop:
    """The shop with a survey that six orders were asked; one invitation never left, and one is old."""
    text = shop.file.read_text("utf-8")
    shop.file.write_text(text + f"\nsurveys: {{{NAME}: {{template: five-questions}}}}\n", "utf-8")
    order = shop.rows(sa.select(t.orders))[0]
    shop.change(
        _survey(1, "answered", 1, product=5, service=3, recommend=10, comment="Good \x1b[31m coffee"),
        _survey(2, "answered", 2, product=4, service=None, recommend=9),
        _survey(3, "partial", 3, recommend=2),
        _survey(4, "open", 3, "r4"),
        _survey(5, "open", 3, "r5"),
        _survey(6, "answered", 90, product=1, recommend=0, comment="Bad"),
        _invitation(4, "sent"),
        _invitation(5, "failed"),
        sa.update(t.surveys).where(t.surveys.c.id == "s1").values(order_id=order.id),
    )
    return shop


def test_without_any_it_is_said_in_words(shop: Shop) -> None:
    assert "no survey is in the file" in shop.hub("survey", "list").stdout
    assert "nobody wrote anything" in shop.hub("survey", "comments").stdout


def test_figures_are_told_of_a_period(asked: Shop) -> None:
    (told,) = asked.told("survey", "list", "--since", "30d")
    assert (told["name"], told["sent"], told["answered"], told["partial"], told["rate"]) == (NAME, 4, 2, 1, 75)
    assert (told["nps"]["value"], told["nps"]["n"]) == (33, 3) and 0 < told["nps"]["margin"] <= 100
    figures = {key: (score["value"], score["n"]) for key, score in told["scores"].items()}
    assert figures == {"product": (100, 2), "service": (0, 1), "recommend": (33, 3)}
    said = asked.hub("survey", "list").stdout
    assert "+0 ±" in said and "(n=4)" in said and "product 67 % (n=3)" in said


def test_comments_are_told_by_order_and_cannot_steer_a_terminal(asked: Shop) -> None:
    order = asked.rows(sa.select(t.orders))[0]
    (row,) = asked.told("survey", "comments", "--since", "30d")
    assert (row["order"], row["scores"]) == (order.number, {"product": 5, "service": 3, "recommend": 10})
    said = asked.hub("survey", "comments")
    assert "\x1b" not in said.stdout and "recommend=10" in said.stdout
    assert "@" not in said.stdout


def test_a_period_that_is_none_is_refused(asked: Shop) -> None:
    result = asked.hub("survey", "list", "--since", "soon")
    assert result.exit_code == 2 and "'soon' is not a length of time" in result.stderr
