"""`hub breaker`: what is held is shown, and let go or dropped."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from hub.store import tables as t

from .using import Shop

WHEN = datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.fixture
def held(shop: Shop) -> Any:
    """A message to a customer whose flow is held."""
    row = shop.rows(sa.select(t.messages).where(t.messages.c.recipient == "customer", t.messages.c.flow != ""))[0]
    hour = {"tenant": t.TENANT, "flow": row.flow, "shadow": 0, "hour": WHEN, "sent": 50, "most": 50, "held_at": WHEN}
    shop.change(
        sa.update(t.messages).where(t.messages.c.id == row.id).values(state="held", reason="the breaker"),
        sa.insert(t.flow_hours).values(**hour),
    )
    return row


def now(shop: Shop, row: Any) -> Any:
    return shop.rows(sa.select(t.messages).where(t.messages.c.id == row.id))[0]


def test_nothing_held_is_said_in_words(shop: Shop) -> None:
    assert "nothing is held" in shop.hub("breaker", "show").stdout
    assert shop.told("breaker", "show") == []


def test_what_is_held_is_shown_by_flow_and_by_message(shop: Shop, held: Any) -> None:
    (one,) = shop.told("breaker", "show")
    assert (one["flow"], one["messages"], one["sent"], one["most"]) == (held.flow, 1, 50, 50)
    assert "`hub breaker release FLOW`" in shop.hub("breaker", "show").stdout
    (message,) = shop.told("breaker", "show", held.flow)
    assert (message["id"], message["template"]) == (f"m{held.id}", held.template)
    assert held.template in shop.hub("breaker", "show", held.flow).stdout
    assert shop.told("status")["queues"]["messages held"] == 1


def test_an_order_shows_that_its_message_is_held(shop: Shop, held: Any) -> None:
    (order,) = shop.rows(sa.select(t.orders).where(t.orders.c.id == held.order_id))
    states = {each["id"]: each["state"] for each in shop.told("order", order.number)["messages"]}
    assert states[f"m{held.id}"] == "held"


def test_what_is_released_is_due_again_and_the_flow_is_held_no_longer(shop: Shop, held: Any) -> None:
    done = shop.hub("breaker", "release", held.flow)
    assert done.exit_code == 0 and f"{held.flow} goes on; 1 message may leave" in done.stdout
    assert now(shop, held).state == "due" and now(shop, held).doc["released"] is True
    assert shop.told("breaker", "show") == []


def test_what_is_dropped_is_never_sent(shop: Shop, held: Any) -> None:
    done = shop.hub("breaker", "drop", held.flow, "--reason", "wrong map")
    assert done.exit_code == 0 and f"{held.flow} goes on; 1 message will never be sent" in done.stdout
    assert (now(shop, held).state, now(shop, held).reason) == ("suppressed", "dropped by hand: wrong map")


@pytest.mark.parametrize("word", ["release", "drop"])
def test_a_flow_that_is_not_held_is_named(shop: Shop, word: str) -> None:
    done = shop.hub("breaker", word, "nothing")
    assert done.exit_code == 1 and "nothing of 'nothing' is held; see `hub breaker show`" in done.stderr
