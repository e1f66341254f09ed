"""Buttons of flows, pressed from the command line."""

import sqlalchemy as sa

from hub.store import tables as t

from .using import Shop

FLOWS = """
  sorry: {on: {button: "Apologise"}, steps: [{escalate: {to: support, reason: "Say sorry for {{ order.number }}"}}]}
  again: {on: {button: "Send again"}, steps: [{escalate: {to: support, reason: "Send {{ order.number }} again"}}]}
"""


def _with_buttons(shop: Shop) -> str:
    """The file with two buttons; the number of its order."""
    text = shop.file.read_text("utf-8")
    shop.file.write_text(text.replace("flows:\n", f"flows:{FLOWS}", 1), "utf-8")
    return str(shop.rows(sa.select(t.orders))[0].number).lstrip("#")


def _pressed(shop: Shop) -> list[str]:
    return [row.body["flow"] for row in shop.rows(sa.select(t.inbox).where(t.inbox.c.topic == "hub.news"))]


def test_a_button_is_pressed_and_twice_is_once(shop: Shop) -> None:
    number = _with_buttons(shop)
    first, second = (shop.hub("order", "press", number, "Apologise") for _ in range(2))
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "is pressed" in first.stdout and "a moment ago" in second.stdout
    assert _pressed(shop) == ["sorry"]


def test_without_a_label_it_says_which_there_are(shop: Shop) -> None:
    number = _with_buttons(shop)
    assert shop.hub("order", "press", number).stdout.split("\n")[:2] == ["Apologise", "Send again"]
    assert _pressed(shop) == []


def test_an_unknown_label_names_the_nearest(shop: Shop) -> None:
    number = _with_buttons(shop)
    result = shop.hub("order", "press", number, "Apologize")
    assert result.exit_code == 2 and "did you mean 'Apologise'?" in result.stderr


def test_an_unknown_order_is_said(shop: Shop) -> None:
    _with_buttons(shop)
    result = shop.hub("order", "press", "987654", "Apologise")
    assert result.exit_code == 1 and "no order or parcel has the number '987654'" in result.stderr


def test_a_file_without_buttons_says_so(shop: Shop) -> None:
    number = str(shop.rows(sa.select(t.orders))[0].number).lstrip("#")
    assert "no flow of this file puts a button" in shop.hub("order", "press", number).stdout
