"""What a change of state fires: STATUS.md, section 7, and FLOWS.md 2.2."""

from datetime import timedelta

import pytest

from hub.status import (
    COUNTED,
    Axis,
    Fact,
    Folded,
    Order,
    Payment,
    Return,
    Shipment,
    Status,
    fold,
    full_name,
    is_fresh,
    occurrence,
    triggers,
)

from .making import fact, history, moment

NOTHING = Folded()
SHIPPED_EARLY = (fact("announced", "07:00"), fact("shipped", "08:00"))


def fired(before: tuple[Fact, ...], *news: Fact) -> list[tuple[str, int, bool]]:
    """Word, occurrence and whether it is implied, when news is added to what was known."""
    axis = news[0].axis
    found = triggers(axis, fold(axis, before), fold(axis, [*before, *news]))
    return [(each.word, each.occurrence, each.implied) for each in found]


def test_a_net_move_fires_its_value_with_the_time_and_the_fact() -> None:
    news = fact("order.packed", "10:00")
    (found,) = triggers(Axis.ORDER, NOTHING, history(news))
    assert (found.word, found.status, found.occurrence) == ("order.packed", Order.PACKED, 1)
    assert (found.at, found.implied, found.cause) == (moment("10:00"), False, news)


def test_values_passed_inside_one_batch_fire_nothing() -> None:
    assert fired(SHIPPED_EARLY, fact("in_transit", "10:00"), fact("out_for_delivery", "11:00")) == [
        ("shipment.out_for_delivery", 1, False)
    ]


def test_what_moves_nothing_fires_nothing() -> None:
    assert fired(SHIPPED_EARLY, fact("shipped", "09:00")) == []
    assert fired(SHIPPED_EARLY, fact(None, "09:00")) == []
    assert fired(SHIPPED_EARLY, fact("announced", "09:00")) == []
    assert triggers(Axis.SHIPMENT, NOTHING, NOTHING) == ()


class TestImpliedShipping:
    def test_the_first_proof_of_movement_implies_that_it_was_shipped(self) -> None:
        assert fired((fact("announced", "07:00"),), fact("in_transit", "10:00")) == [
            ("shipment.shipped", 1, True),
            ("shipment.in_transit", 1, False),
        ]

    def test_its_time_is_that_of_the_first_proof(self) -> None:
        after = history(fact("in_transit", "09:00"), fact("out_for_delivery", "11:00"))
        shipped, _ = triggers(Axis.SHIPMENT, NOTHING, after)
        assert shipped.at == moment("09:00")

    @pytest.mark.parametrize("value", ["announced", "cancelled", "problem"])
    def test_what_proves_no_movement_implies_nothing(self, value: str) -> None:
        assert fired((), fact(value, "10:00")) == [(f"shipment.{value}", 1, False)]

    def test_it_is_said_once(self) -> None:
        assert fired(SHIPPED_EARLY, fact("in_transit", "10:00")) == [("shipment.in_transit", 1, False)]
        assert fired((), fact("shipped", "10:00")) == [("shipment.shipped", 1, False)]

    def test_a_parcel_taken_back_before_the_network_was_not_shipped(self) -> None:
        batch = (fact("shipped", "10:00"), fact("cancelled", "10:30", snapshot=True))
        assert fired((fact("announced", "07:00"),), *batch) == [("shipment.cancelled", 1, False)]

    def test_it_is_implied_on_no_other_axis(self) -> None:
        assert fired((), fact("order.packed", "10:00")) == [("order.packed", 1, False)]


class TestOccurrence:
    def test_a_second_failed_attempt_is_the_second_occurrence(self) -> None:
        before = (*SHIPPED_EARLY, fact("delivery_failed", "10:00"), fact("out_for_delivery", "+1 08:00"))
        assert fired(before, fact("delivery_failed", "+1 10:00")) == [("shipment.delivery_failed", 2, False)]

    def test_a_second_attempt_that_came_in_one_batch_with_its_failure_counts(self) -> None:
        before = (*SHIPPED_EARLY, fact("delivery_failed", "10:00"))
        news = (fact("out_for_delivery", "+1 08:00"), fact("delivery_failed", "+1 10:00"))
        assert fired(before, *news) == [("shipment.delivery_failed", 2, False)]

    def test_a_failure_repeated_six_hours_later_fires_again_with_its_own_time(self) -> None:
        before, again = (*SHIPPED_EARLY, fact("delivery_failed", "10:00")), fact("delivery_failed", "17:00")
        (found,) = triggers(Axis.SHIPMENT, history(*before), history(*before, again))
        assert (found.occurrence, found.at, found.cause) == (2, moment("17:00"), again)

    def test_a_failure_repeated_at_once_fires_nothing(self) -> None:
        before = (*SHIPPED_EARLY, fact("delivery_failed", "10:00"))
        assert fired(before, fact("delivery_failed", "12:00")) == []

    def test_an_earlier_attempt_learnt_of_late_does_not_renumber_what_was_said(self) -> None:
        before = (*SHIPPED_EARLY, fact("delivery_failed", "+1 10:00"))
        news = (fact("delivery_failed", "10:00"), fact("out_for_delivery", "+1 08:00"))
        assert fired(before, *news) == []

    def test_only_some_values_count_past_one(self) -> None:
        assert {full_name(value) for value in COUNTED} == {
            "order.on_hold",
            "payment.payment_failed",
            "shipment.on_hold",
            "shipment.out_for_delivery",
            "shipment.delivery_failed",
            "shipment.problem",
            "return.requested",
        }
        twice = history(fact("delivered", "10:00"), fact("out_for_delivery", "+1 08:00"), fact("delivered", "+1 10:00"))
        assert twice.entered[Shipment.DELIVERED] == 2
        assert occurrence(twice) == 1
        assert occurrence(NOTHING) == 0


class TestRetraction:
    def test_a_step_back_by_a_retraction_starts_nothing(self) -> None:
        before = (*SHIPPED_EARLY, fact("delivered", "10:00", key="mistake"))
        assert fired(before, fact(None, "11:00", retracts="mistake")) == []

    def test_a_retracted_way_back_that_lets_a_hand_over_stand_starts_nothing(self) -> None:
        before = (*SHIPPED_EARLY, fact("returning", "09:00", key="mistake"), fact("delivered", "10:00"))
        assert fired(before, fact(None, "11:00", retracts="mistake")) == []

    def test_news_beside_a_retraction_is_news(self) -> None:
        before = (*SHIPPED_EARLY, fact("delivered", "10:00", key="mistake"))
        news = (fact(None, "11:00", retracts="mistake"), fact("ready_for_pickup", "11:00"))
        assert fired(before, *news) == [("shipment.ready_for_pickup", 1, False)]

    def test_a_late_event_that_changes_how_another_is_read_is_a_move_of_now(self) -> None:
        before = (*SHIPPED_EARLY, fact("delivered", "+1 10:00"))
        assert fired(before, fact("returning", "09:00")) == [("shipment.returned", 1, False)]


@pytest.mark.parametrize(
    ("status", "age", "deadline", "fresh"),
    [
        (Shipment.DELIVERED, 24, None, True),
        (Shipment.DELIVERED, 25, None, False),
        (Shipment.READY_FOR_PICKUP, 25, 1, True),
        (Shipment.READY_FOR_PICKUP, 2, -1, False),
        (Shipment.READY_FOR_PICKUP, 25, None, False),
        (Payment.PAID, 25, 1, False),
        (Return.REQUESTED, -1, None, True),
    ],
)
def test_news_is_fresh_for_a_day_and_a_waiting_parcel_until_its_deadline(
    status: Status, age: int, deadline: int | None, fresh: bool
) -> None:
    now = moment("+3 12:00")
    until = None if deadline is None else now + timedelta(hours=deadline)
    assert is_fresh(status, now - timedelta(hours=age), now, timedelta(hours=24), until) is fresh
