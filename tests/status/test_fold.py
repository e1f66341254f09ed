"""One subject's facts become a state: STATUS.md, sections 1 to 3, case by case."""

import pytest

from hub.status import Axis, Folded, Level, Precision, Reason, Return, Shipment, Status, Way, return_by_parcel

from .making import fact, history, moment, person, shop, verdicts


def word(folded: Folded) -> str | None:
    return None if folded.state is None else folded.state.value


class TestStories:
    def test_failed_then_moving_then_out_again_ends_delivered(self) -> None:
        folded = history(
            fact("delivery_failed", "10:00"),
            fact("in_transit", "15:00"),
            fact("out_for_delivery", "+1 08:00"),
            fact("delivered", "+1 11:00"),
        )
        assert word(folded) == "delivered"
        assert verdicts(folded) == ["move"] * 4

    def test_what_is_handed_over_on_the_way_back_is_returned(self) -> None:
        folded = history(
            fact("delivered", "10:00"), fact("returning", "+1 10:00"), fact("delivered", "+3 10:00", key="second")
        )
        assert word(folded) == "returned"

    def test_a_hand_over_towards_the_customer_ends_the_way_back(self) -> None:
        folded = history(
            fact("delivered", "10:00"),
            fact("returning", "+1 10:00"),
            fact("delivered", "+3 10:00", key="second", way=Way.OUT),
        )
        assert word(folded) == "delivered"

    def test_a_scan_five_minutes_after_the_hand_over_is_the_clock_of_another_device(self) -> None:
        folded = history(fact("delivered", "10:00"), fact("out_for_delivery", "10:05"))
        assert word(folded) == "delivered"
        assert verdicts(folded) == ["move", "stale"]

    def test_a_courier_setting_off_next_morning_shows_that_delivered_was_false(self) -> None:
        folded = history(fact("delivered", "10:00"), fact("out_for_delivery", "+1 08:00"))
        assert word(folded) == "out_for_delivery"

    def test_a_retracted_hand_over_leaves_what_was_before(self) -> None:
        folded = history(
            fact("out_for_delivery", "08:00"),
            fact("delivered", "10:00", key="mistake"),
            fact(None, "11:00", retracts="mistake"),
        )
        assert word(folded) == "out_for_delivery"
        assert folded.since == moment("08:00")
        assert verdicts(folded) == ["move", "retracted"]

    def test_a_cancelled_order_is_reopened_by_a_later_snapshot(self) -> None:
        assert word(history(shop("order.cancelled", "10:00"), shop("order.processing", "12:00"))) == "processing"

    def test_a_cancelled_label_that_is_scanned_is_on_its_way(self) -> None:
        assert word(history(fact("cancelled", "10:00"), fact("in_transit", "12:00"))) == "in_transit"

    def test_a_problem_is_over_when_the_parcel_moves(self) -> None:
        assert word(history(fact("problem", "10:00"), fact("in_transit", "12:00"))) == "in_transit"

    def test_a_shop_that_repeats_itself_says_nothing_new_of_that_moment(self) -> None:
        """However often it is asked: else what is read of an event would depend on how often that was."""
        first, *again = (shop("delivered", at) for at in ("10:00", "10:05", "10:20", "10:40"))
        event = shop("out_for_delivery", "10:22", snapshot=False)
        assert word(history(first, event)) == word(history(first, *again, event)) == "out_for_delivery"

    def test_a_source_has_a_last_word_of_each_thing_it_speaks_of(self) -> None:
        """A shop says one thing of the order and another of the parcel, each time it is asked."""
        words = (("in_transit", "o"), ("problem", "p:1"))
        said = [shop(value, f"10:0{minute}", about=about) for minute in range(3) for value, about in words]
        assert verdicts(history(*said)) == ["move", "move", *["same"] * 4]

    def test_a_shop_that_repeats_itself_does_not_undo_the_warehouse(self) -> None:
        folded = history(
            shop("order.processing", "10:00"),
            fact("order.picking", "11:00", source="warehouse"),
            shop("order.processing", "12:00"),
        )
        assert word(folded) == "picking"
        assert verdicts(folded) == ["move", "move", "same"]

    def test_a_shop_that_says_delivered_does_not_know_better_than_the_carrier(self) -> None:
        folded = history(shop("delivered", "10:00"), fact("in_transit", "09:00"), followed=True)
        assert word(folded) == "in_transit"
        assert verdicts(folded) == ["move", "claim"]


class TestVerdicts:
    @pytest.mark.parametrize(
        ("first", "second", "verdict"),
        [
            ("in_transit", "out_for_delivery", "move"),
            ("in_transit", "in_transit", "same"),
            ("delivered", "in_transit", "stale"),
            ("delivered", "on_hold", "stale"),
            ("delivered", "cancelled", "contradiction"),
            ("in_transit", "cancelled", "contradiction"),
            ("payment.paid", "payment.voided", "contradiction"),
            ("payment.paid", "payment.awaiting_payment", "move"),
            ("payment.authorised", "payment.voided", "move"),
            ("return.refunded", "return.withdrawn", "contradiction"),
            ("order.completed", "order.received", "stale"),
        ],
    )
    def test_a_value_meets_a_state(self, first: str, second: str, verdict: str) -> None:
        assert verdicts(history(fact(first, "10:00"), fact(second, "12:00")))[1] == verdict

    def test_a_contradiction_leaves_the_state_and_is_listed(self) -> None:
        folded = history(fact("delivered", "10:00"), fact("cancelled", "12:00"))
        assert word(folded) == "delivered"
        assert [(line.before, line.after) for line in folded.contradictions] == [
            (Shipment.DELIVERED, Shipment.DELIVERED)
        ]

    @pytest.mark.parametrize(
        ("reason", "known", "verdict"),
        [
            (None, False, "quarantine"),
            (Reason.COMPLAINT, False, "quarantine"),
            (None, True, "nothing"),
            (Reason.COMPLAINT, True, "flagged"),
        ],
    )
    def test_a_fact_without_value_moves_nothing(self, reason: Reason | None, known: bool, verdict: str) -> None:
        folded = history(fact("shipped", "10:00"), fact(None, "11:00", reason=reason, known=known))
        assert (word(folded), folded.reason, verdicts(folded)) == ("shipped", None, ["move", verdict])

    def test_an_empty_history_has_no_state(self) -> None:
        assert word(history(fact(None, "10:00"))) is None
        assert not history(fact(None, "10:00")).reached(Shipment.ANNOUNCED)

    def test_facts_of_two_axes_are_not_folded_together(self) -> None:
        with pytest.raises(ValueError, match="only facts of the shipment axis"):
            history(fact("shipped", "10:00"), fact("order.packed", "11:00"))


class TestForeign:
    def test_what_a_number_said_two_days_before_the_order_is_of_another_parcel(self) -> None:
        old, new = fact("delivered", "-5 10:00", level=Level.CARRIER), shop("announced", "10:00")
        folded = history(old, new, placed_at=moment("09:00"))
        assert word(folded) == "announced"
        assert verdicts(folded) == ["foreign", "move"]

    def test_exactly_48_hours_before_still_counts(self) -> None:
        assert word(history(fact("shipped", "-2 09:00"), placed_at=moment("09:00"))) == "shipped"

    def test_what_a_person_sets_is_never_foreign(self) -> None:
        assert word(history(person("shipped", "-5 09:00"), placed_at=moment("09:00"))) == "shipped"

    def test_an_order_older_than_its_number_has_no_foreign_facts(self) -> None:
        assert word(history(shop("order.packed", "-5 09:00"), placed_at=moment("09:00"))) == "packed"


class TestWay:
    @pytest.mark.parametrize(
        ("value", "read"),
        [
            ("shipped", "returning"),
            ("in_transit", "returning"),
            ("on_hold", "returning"),
            ("arrived_at_branch", "returning"),
            ("out_for_delivery", "returning"),
            ("delivery_failed", "returning"),
            ("ready_for_pickup", "returning"),
            ("delivered", "returned"),
            ("problem", "problem"),
            ("returned", "returned"),
            ("announced", "announced"),
        ],
    )
    def test_a_fact_on_the_way_back_is_read_as_such(self, value: str, read: str) -> None:
        assert word(history(fact(value, "10:00", way=Way.BACK))) == read

    @pytest.mark.parametrize("state", ["returning", "returned"])
    @pytest.mark.parametrize(
        "value", ["in_transit", "out_for_delivery", "delivery_failed", "ready_for_pickup", "delivered"]
    )
    def test_only_a_fact_towards_the_customer_ends_the_way_back(self, state: str, value: str) -> None:
        outwards = history(fact(state, "10:00"), fact(value, "12:00", way=Way.OUT))
        unsaid = history(fact(state, "10:00"), fact(value, "12:00"))
        assert word(outwards) == value
        assert word(unsaid) == ("returned" if value == "delivered" else state)

    def test_a_late_start_of_the_way_back_changes_how_the_hand_over_is_read(self) -> None:
        handed_over, turned = fact("delivered", "+2 10:00"), fact("returning", "10:00")
        assert word(history(handed_over)) == "delivered"
        assert word(history(handed_over, turned)) == "returned"

    def test_a_return_parcel_speaks_for_its_case(self) -> None:
        assert return_by_parcel(Shipment.DELIVERED) is Return.RETURNED
        assert return_by_parcel(Shipment.OUT_FOR_DELIVERY) is Return.RETURNING
        assert return_by_parcel(Shipment.ANNOUNCED) is None


class TestTime:
    def test_at_equal_times_the_later_stage_stands(self) -> None:
        folded = history(fact("delivered", "10:00"), fact("out_for_delivery", "10:00"), fact("shipped", "10:00"))
        assert word(folded) == "delivered"
        assert verdicts(folded) == ["move"] * 3

    def test_the_same_event_again_keeps_its_smallest_time(self) -> None:
        folded = history(fact("shipped", "12:00", key="k"), fact("shipped", "10:00", key="k"))
        assert [line.fact.at for line in folded.lines] == [moment("10:00")]

    def test_a_move_back_needs_a_quarter_of_an_hour(self) -> None:
        def back(time: str) -> Folded:
            return history(fact("ready_for_pickup", "10:00"), fact("arrived_at_branch", time))

        assert word(back("10:14")) == "ready_for_pickup"
        assert word(back("10:15")) == "arrived_at_branch"

    def test_a_repetition_is_an_accepted_fact_from_which_the_quarter_hour_counts(self) -> None:
        folded = history(fact("delivered", "10:00"), fact("delivered", "10:20"), fact("out_for_delivery", "10:30"))
        assert verdicts(folded) == ["move", "same", "stale"]

    def test_a_snapshot_may_move_back_at_once(self) -> None:
        assert word(history(shop("order.packed", "10:00"), shop("order.processing", "10:01"))) == "processing"

    def test_a_late_event_takes_its_place(self) -> None:
        folded = history(fact("delivered", "12:00"), fact("out_for_delivery", "08:00"))
        assert verdicts(folded) == ["move", "move"]
        assert [line.after for line in folded.moves] == [Shipment.OUT_FOR_DELIVERY, Shipment.DELIVERED]


class TestWitnesses:
    def test_an_aggregator_is_outranked_by_the_carrier(self) -> None:
        folded = history(fact("delivered", "12:00", level=Level.AGGREGATOR, source="17track"), fact("shipped", "10:00"))
        assert (word(folded), verdicts(folded)) == ("shipped", ["move", "claim"])

    def test_a_carrier_who_said_nothing_we_understand_does_not_silence_the_shop(self) -> None:
        folded = history(shop("shipped", "10:00"), fact(None, "11:00"))
        assert word(folded) == "shipped"

    def test_a_foreign_or_retracted_fact_makes_no_witness(self) -> None:
        folded = history(
            fact("delivered", "-5 10:00"),
            fact("in_transit", "08:00", key="mistake"),
            fact(None, "08:30", retracts="mistake"),
            shop("shipped", "10:00"),
            placed_at=moment("09:00"),
        )
        assert word(folded) == "shipped"

    def test_a_shop_may_always_cancel_a_label(self) -> None:
        assert word(history(fact("announced", "10:00"), shop("cancelled", "11:00"), followed=True)) == "cancelled"

    @pytest.mark.parametrize("value", ["shipped", "delivered", "returned", "announced"])
    def test_the_shops_word_on_a_followed_parcel_is_announced_at_most(self, value: str) -> None:
        assert word(history(shop(value, "10:00"), followed=True)) == "announced"
        assert word(history(shop(value, "10:00"))) == value

    def test_levels_mean_nothing_beside_the_shipment_axis(self) -> None:
        folded = history(fact("order.picking", "10:00"), shop("order.packed", "11:00"))
        assert word(folded) == "packed"

    def test_a_source_that_went_on_and_came_back_says_something_new(self) -> None:
        folded = history(
            shop("order.on_hold", "10:00"),
            fact("order.processing", "11:00", source="warehouse"),
            shop("order.received", "12:00"),
            shop("order.on_hold", "13:00"),
        )
        assert verdicts(folded) == ["move", "move", "stale", "move"]

    def test_a_current_code_that_turns_back_says_something_new(self) -> None:
        out, back = fact("in_transit", "10:00", snapshot=True), fact("in_transit", "12:00", snapshot=True, way=Way.BACK)
        assert word(history(out, back)) == "returning"

    def test_a_claim_is_a_last_word_too(self) -> None:
        folded = history(
            shop("cancelled", "08:00"),
            shop("shipped", "09:00"),
            fact("in_transit", "10:00"),
            shop("cancelled", "11:00"),
        )
        assert verdicts(folded) == ["move", "claim", "move", "contradiction"]


class TestPeople:
    @pytest.mark.parametrize("value", Shipment)
    def test_a_person_may_set_any_value_at_any_time(self, value: Status) -> None:
        folded = history(fact("returned", "10:00"), person(value, "10:01"))
        assert folded.state is value

    def test_later_facts_go_on_from_there_by_the_same_rules(self) -> None:
        folded = history(fact("delivered", "10:00"), person("in_transit", "12:00"), fact("delivered", "14:00"))
        assert (word(folded), verdicts(folded)) == ("delivered", ["move"] * 3)
        assert word(history(person("delivered", "10:00"), fact("in_transit", "12:00"))) == "delivered"

    def test_a_person_does_not_silence_the_shop(self) -> None:
        assert word(history(person("announced", "10:00"), shop("shipped", "11:00"))) == "shipped"


class TestDetails:
    def test_since_reason_and_fact_are_those_of_the_move(self) -> None:
        moved = fact("delivery_failed", "10:00", reason=Reason.NOT_AT_HOME)
        folded = history(fact("out_for_delivery", "08:00"), moved)
        assert (folded.since, folded.reason, folded.fact) == (moment("10:00"), Reason.NOT_AT_HOME, moved)

    def test_a_repetition_refreshes_the_reason_and_nothing_else(self) -> None:
        folded = history(
            fact("on_hold", "10:00", reason=Reason.DELAYED), fact("on_hold", "11:00", reason=Reason.CUSTOMS)
        )
        assert (folded.reason, folded.since) == (Reason.CUSTOMS, moment("10:00"))

    def test_a_repetition_without_a_reason_keeps_the_known_one(self) -> None:
        folded = history(fact("on_hold", "10:00", reason=Reason.CUSTOMS), fact("on_hold", "11:00"))
        assert folded.reason is Reason.CUSTOMS

    def test_an_old_word_repeated_does_not_change_the_reason_of_another_state(self) -> None:
        folded = history(
            shop("order.on_hold", "10:00", reason=Reason.FRAUD_CHECK),
            fact("order.picking", "11:00", source="warehouse"),
            shop("order.on_hold", "12:00", reason=Reason.FRAUD_CHECK),
        )
        assert (word(folded), folded.reason) == ("picking", None)


class TestOccurrences:
    def test_each_applied_move_counts(self) -> None:
        folded = history(
            fact("out_for_delivery", "08:00"),
            fact("delivery_failed", "10:00"),
            fact("out_for_delivery", "+1 08:00"),
            fact("delivery_failed", "+1 10:00"),
        )
        assert folded.entered == {Shipment.OUT_FOR_DELIVERY: 2, Shipment.DELIVERY_FAILED: 2}
        assert [line.occurrence for line in folded.lines] == [1, 1, 2, 2]

    @pytest.mark.parametrize("value", ["delivery_failed", "payment.payment_failed"])
    @pytest.mark.parametrize(("time", "count"), [("15:59", 1), ("16:00", 2)])
    def test_another_failure_six_hours_later_is_a_genuine_second_one(self, value: str, time: str, count: int) -> None:
        folded = history(fact(value, "10:00"), fact(value, time))
        assert list(folded.entered.values()) == [count]
        assert verdicts(folded) == ["move", "same"]
        assert folded.since == moment("10:00")

    def test_six_hours_count_from_the_last_failure_that_counted(self) -> None:
        times = ["00:00", "04:00", "08:00", "12:00", "15:00"]
        folded = history(*(fact("delivery_failed", time) for time in times))
        assert [line.occurrence for line in folded.lines] == [1, 0, 2, 0, 3]

    def test_a_state_that_is_only_repeated_or_first_seen_is_no_second_failure(self) -> None:
        snapshot = fact("delivery_failed", "20:00", snapshot=True)
        seen = fact("delivery_failed", "21:00", precision=Precision.SEEN)
        folded = history(fact("delivery_failed", "10:00"), snapshot, seen)
        assert folded.entered == {Shipment.DELIVERY_FAILED: 1}

    def test_other_values_do_not_happen_again_without_being_left(self) -> None:
        assert history(fact("problem", "10:00"), fact("problem", "+2 10:00")).entered == {Shipment.PROBLEM: 1}


class TestReached:
    @pytest.mark.parametrize(
        ("entered", "value", "reached"),
        [
            ("delivered", "in_transit", True),
            ("delivered", "out_for_delivery", True),
            ("delivered", "ready_for_pickup", True),
            ("delivered", "delivered", True),
            ("delivered", "delivery_failed", False),
            ("delivered", "problem", False),
            ("delivered", "cancelled", False),
            ("cancelled", "announced", True),
            ("cancelled", "shipped", False),
            ("problem", "shipped", False),
            ("returning", "shipped", True),
            ("returning", "delivered", False),
            ("returned", "delivered", False),
            ("delivery_failed", "out_for_delivery", True),
            ("order.cancelled", "order.completed", False),
            ("order.packed", "order.processing", True),
            ("payment.voided", "payment.paid", False),
            ("payment.refunded", "payment.paid", True),
            ("return.withdrawn", "return.approved", False),
            ("return.refunded", "return.returned", True),
        ],
    )
    def test_a_value_is_reached_when_it_was_entered_or_passed(self, entered: str, value: str, reached: bool) -> None:
        expected = fact(value, "10:00").value
        assert expected is not None
        assert history(fact(entered, "10:00")).reached(expected) is reached

    def test_what_was_entered_once_stays_reached(self) -> None:
        folded = history(fact("delivered", "10:00"), fact("out_for_delivery", "+1 08:00"))
        assert folded.reached(Shipment.DELIVERED)

    def test_values_of_other_axes_are_never_reached(self) -> None:
        assert not history(fact("order.packed", "10:00", axis=Axis.ORDER)).reached(Shipment.ANNOUNCED)
