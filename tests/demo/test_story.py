"""The story is consistent in itself."""

from datetime import UTC, datetime, timedelta

from hub.messages import Texts
from hub.sandbox import expected
from hub.sandbox.drive import on_grid
from hub.sandbox.stage import unknown_acts
from hub.sandbox.story import ACTS, CASES, END, PLAN, moment
from hub.status import HeadlineValue


def test_every_act_has_a_lever_and_befalls_somebody_of_the_story() -> None:
    assert unknown_acts() == []


def test_nobody_is_acted_upon_before_the_order() -> None:
    ordered = {act.case: act.moment for act in ACTS if act.act == "order"}
    assert set(ordered) == {case.key for case in CASES}
    assert [act for act in ACTS if act.case and act.moment < ordered[act.case]] == []


def test_a_parcel_moves_only_after_it_was_made() -> None:
    made = {act.case: act.moment for act in reversed(ACTS) if act.act == "ship"}
    moves = ("arrive", "move", "miss", "refuse", "send_back", "hand_over", "scan", "damaged", "unknown_code")
    assert [act for act in ACTS if act.act in moves and act.moment <= made[act.case]] == []


def test_the_story_is_over_at_its_end() -> None:
    assert max(act.moment for act in ACTS) < moment(END)


def test_names_keys_and_addresses_are_nobody_elses() -> None:
    for attribute in ("key", "name", "situation", "address", "phone"):
        values = [getattr(case, attribute) for case in CASES]
        assert len(values) == len(set(values)), attribute


def test_some_twenty_five_orders_in_four_languages() -> None:
    assert 24 <= len(CASES) <= 28
    assert {case.locale[:2] for case in CASES} == {"uk", "pl", "en", "ru"}


def test_what_is_expected_names_cases_headlines_and_texts_that_exist() -> None:
    keys, texts = {case.key for case in CASES}, {*Texts.load(None)[0].names(), "survey-question"}
    assert set(expected.TOLD) == keys
    assert set(expected.CALLED) | set(expected.UNHEARD) <= keys
    assert {case.ends for case in CASES} <= {str(value) for value in HeadlineValue}
    assert {each.partition(":")[2] for said in expected.TOLD.values() for each in said} <= texts
    assert {each.split(":")[2] for said in expected.CALLED.values() for each in said} <= texts
    assert {each.partition(":")[0] for said in expected.TOLD.values() for each in said} <= set(PLAN.connections)


def test_times_are_of_the_shops_clock() -> None:
    assert moment("2 14:30").astimezone(UTC) == datetime(2026, 11, 25, 12, 30, tzinfo=UTC)


def test_carriers_are_asked_at_full_and_half_hours() -> None:
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert on_grid(noon) == noon
    assert on_grid(noon + timedelta(seconds=1)) == noon + timedelta(minutes=30)
    assert on_grid(noon + timedelta(minutes=31)) == noon + timedelta(hours=1)
    assert on_grid(None) is None
