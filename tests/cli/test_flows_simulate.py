"""`hub flows simulate`: what a live order will hear, what a story would, and that it comes out the same again."""

import sqlalchemy as sa

from hub.store import tables as t

from .using import Shop

NOW = ("--from", "2026-11-24T16:30Z")
"""After the last thing that happened in the shop of these tests."""
STORY = """
given: {order: {number: "77"}, customer: {reach: [mail], locale: pl}}
when:
  - {at: "2026-03-02T10:00", order: received}
  - {at: +1d, order: cancelled}
"""


def test_a_live_order_hears_what_is_still_to_come(shop: Shop, number: str) -> None:
    result = shop.hub("flows", "simulate", number, *NOW)
    assert result.exit_code == 0
    lines = [line for line in result.stdout.splitlines() if line[:1] == "2"]
    # It waits in a branch for seven days from 24 November, 16:12 on the shop's clock: the last call comes that morning.
    assert lines == ["2026-12-01 09:00  message pickup-last-day via mail to customer by ready"]
    assert number.lstrip("#") in result.stdout


def test_what_was_said_already_is_not_said_again_and_the_live_database_is_left_alone(shop: Shop, number: str) -> None:
    before = [shop.rows(sa.select(table)) for table in t.metadata.sorted_tables]
    shop.hub("flows", "simulate", number, *NOW)
    assert [shop.rows(sa.select(table)) for table in t.metadata.sorted_tables] == before


def test_it_comes_out_the_same_again_to_the_byte(shop: Shop, number: str) -> None:
    first, second = (shop.hub("flows", "simulate", number, *NOW, "--json").stdout for _ in range(2))
    assert first == second and "pickup-last-day" in first


def test_how_far_to_look(shop: Shop, number: str) -> None:
    result = shop.hub("flows", "simulate", number, *NOW, "--until", "2026-11-30")
    assert result.stdout == "nothing more is said\n"
    assert shop.hub("flows", "simulate", number, *NOW, "--until", "2026-11-01").exit_code == 2
    assert "not a time" in shop.hub("flows", "simulate", number, "--until", "soon").stderr


def test_a_customer_who_has_refused_is_heard_as_in_life(shop: Shop, number: str) -> None:
    (order,) = shop.rows(sa.select(t.orders).where(t.orders.c.number == number))
    closed = {"tenant": "main", "customer_id": order.customer_id, "channel": "mail", "address": "", "state": "closed"}
    shop.change(sa.insert(t.contacts).values(**closed, reason="", at=order.created_at))
    told = shop.told("flows", "simulate", number, *NOW)["effects"]
    assert [(each["kind"], each["what"]) for each in told] == [("suppressed", "pickup-last-day")]


def test_what_is_on_the_wire_counts_as_gone(shop: Shop, number: str) -> None:
    (order,) = shop.rows(sa.select(t.orders).where(t.orders.c.number == number))
    (said,) = shop.rows(sa.select(t.messages).where(t.messages.c.template == "ready-for-pickup"))
    on_wire = {"state": "on_wire", "owner": "somebody else", "finished_at": None}
    shop.change(sa.update(t.messages).where(t.messages.c.id == said.id).values(**on_wire))
    told = shop.told("flows", "simulate", order.id, *NOW)["effects"]
    assert [each["what"] for each in told] == ["pickup-last-day"]


def test_a_story(shop: Shop) -> None:
    story = shop.folder / "story.yaml"
    story.write_text(STORY, "utf-8")
    result = shop.hub("flows", "simulate", str(story))
    assert result.exit_code == 0
    lines = [line for line in result.stdout.splitlines() if line[:1] == "2"]
    assert lines == [
        "2026-03-02 10:01  message order-received via mail to customer by confirm",
        "2026-03-03 10:01  message order-cancelled via mail to customer by cancelled",
    ]
    assert "zamówienie" in result.stdout and "77" in result.stdout


def test_a_story_with_a_line_that_cannot_happen_says_so(shop: Shop) -> None:
    story = shop.folder / "story.yaml"
    story.write_text(STORY + "  - {at: +1h, answered: {recommend: 9}}\n", "utf-8")
    result = shop.hub("flows", "simulate", str(story))
    assert result.exit_code == 1 and "story.yaml:6:5: no survey is open" in result.stderr


def test_a_story_with_mistakes_and_an_unknown_order_are_refused(shop: Shop) -> None:
    story = shop.folder / "story.yaml"
    story.write_text(STORY.replace("order: cancelled", "order: canceled"), "utf-8")
    result = shop.hub("flows", "simulate", str(story))
    assert result.exit_code == 2 and "story.yaml:5:22" in result.stderr and "did you mean 'cancelled'" in result.stderr
    result = shop.hub("flows", "simulate", "987654")
    assert result.exit_code == 1 and "no order or parcel has the number '987654'" in result.stderr
