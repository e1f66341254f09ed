"""What must hold for any facts in any order; and a fold that does not sort is caught."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.status import (
    VALUES,
    Axis,
    Fact,
    Folded,
    Level,
    Mode,
    Native,
    Precision,
    Reason,
    Shipment,
    Verdict,
    Way,
    fold,
    full_name,
)
from hub.status._fold import distinct, walk

from .making import MONDAY
from .moves import TABLE, may_move

SCANS = {
    Shipment.ANNOUNCED,
    Shipment.SHIPPED,
    Shipment.IN_TRANSIT,
    Shipment.ON_HOLD,
    Shipment.ARRIVED_AT_BRANCH,
}


@st.composite
def a_fact(draw: st.DrawFn, axis: Axis) -> Fact:
    """Few keys, sources and times, so that repeats, equal times and retractions happen."""
    at = MONDAY + timedelta(minutes=draw(st.sampled_from([0, 1, 10, 20, 60, 400, 1500, 3000])))
    return Fact(
        key=draw(st.sampled_from("abcdefgh")),
        subject="shipment:1",
        axis=axis,
        value=draw(st.sampled_from([*VALUES[axis], None])),
        reason=draw(st.sampled_from([None, None, Reason.LOST])),
        at=at,
        precision=draw(st.sampled_from([Precision.SECOND, Precision.SEEN])),
        source=draw(st.sampled_from(["acme", "shop"])),
        level=draw(st.sampled_from([Level.SHOP, Level.CARRIER, Level.CARRIER, Level.PERSON])),
        snapshot=draw(st.booleans()),
        way=draw(st.sampled_from(Way)),
        retracts=draw(st.sampled_from([None] * 8 + ["a"])),
        native=Native("acme", "x"),
        received_at=at,
        mode=Mode.LIVE,
        about=draw(st.sampled_from(["", "", "n:1"])),
    )


@st.composite
def histories(draw: st.DrawFn, axis: Axis | None = None) -> tuple[Axis, list[Fact]]:
    chosen = axis or draw(st.sampled_from(Axis))
    return chosen, draw(st.lists(a_fact(chosen), max_size=12))


SEARCH = settings(max_examples=200, derandomize=True, database=None, deadline=None)

Fold = Callable[[Axis, Sequence[Fact]], Folded]


def sorting(axis: Axis, facts: Sequence[Fact]) -> Folded:
    return fold(axis, facts)


def without_sorting(axis: Axis, facts: Sequence[Fact]) -> Folded:
    return walk(axis, distinct(facts), followed=False, placed_at=None)


def order_does_not_matter(folding: Fold) -> None:
    @given(histories(), st.randoms(use_true_random=False))
    @SEARCH
    def holds(history: tuple[Axis, list[Fact]], dice: Random) -> None:
        axis, facts = history
        shuffled = list(facts)
        dice.shuffle(shuffled)
        assert folding(axis, shuffled) == folding(axis, facts)

    holds()


def repeats_do_not_matter(folding: Fold) -> None:
    @given(histories(), st.data())
    @SEARCH
    def holds(history: tuple[Axis, list[Fact]], data: st.DataObject) -> None:
        axis, facts = history
        again = data.draw(st.lists(st.sampled_from(facts))) if facts else []
        assert folding(axis, [*again, *facts]) == folding(axis, facts)

    holds()


def batches_do_not_matter(folding: Fold) -> None:
    """What is stored from batch to batch is what survived; joined again in any order it folds to the same."""

    @given(histories(), st.data())
    @SEARCH
    def holds(history: tuple[Axis, list[Fact]], data: st.DataObject) -> None:
        axis, facts = history
        cuts = [data.draw(st.integers(0, 2)) for _ in facts]
        batches = [[each for each, cut in zip(facts, cuts, strict=True) if cut == number] for number in range(3)]
        joined: list[Fact] = []
        for batch in data.draw(st.permutations(batches)):
            joined = distinct([*joined, *batch])
        assert folding(axis, joined) == folding(axis, facts)

    holds()


PROPERTIES = [order_does_not_matter, repeats_do_not_matter, batches_do_not_matter]


@pytest.mark.parametrize("prop", PROPERTIES)
def test_the_result_depends_on_the_set_of_facts_alone(prop: Callable[[Fold], None]) -> None:
    prop(sorting)


@pytest.mark.parametrize("prop", PROPERTIES)
def test_a_fold_that_does_not_sort_is_caught(prop: Callable[[Fold], None]) -> None:
    with pytest.raises(AssertionError):
        prop(without_sorting)


@given(histories())
def test_no_move_is_made_outside_the_table(history: tuple[Axis, list[Fact]]) -> None:
    for line in fold(*history).moves:
        if line.before is not None and line.after is not None and line.fact.level is not Level.PERSON:
            assert may_move(full_name(line.before), full_name(line.after), line.fact.way)


@given(histories())
def test_only_a_move_changes_the_state(history: tuple[Axis, list[Fact]]) -> None:
    folded = fold(*history)
    state = None
    for line in folded.lines:
        assert line.before is state
        assert (line.after is not line.before) or line.verdict is not Verdict.MOVE
        assert line.after is line.before or line.verdict is Verdict.MOVE
        state = line.after
    assert state is folded.state


@given(histories(Axis.SHIPMENT))
def test_no_scan_of_transport_leads_away_from_delivered(history: tuple[Axis, list[Fact]]) -> None:
    for line in fold(*history).moves:
        if line.before is Shipment.DELIVERED and line.fact.level is not Level.PERSON:
            assert line.after not in SCANS
            assert line.fact.value not in SCANS or line.fact.way is Way.BACK


@given(histories(Axis.SHIPMENT))
def test_nothing_delivered_is_returned_without_a_way_back(history: tuple[Axis, list[Fact]]) -> None:
    for line in fold(*history).moves:
        if line.after is Shipment.RETURNED:
            said = line.fact.value is Shipment.RETURNED or line.fact.way is Way.BACK
            assert said or line.before is Shipment.RETURNING


@given(histories(), st.data())
def test_facts_without_value_do_not_fold(history: tuple[Axis, list[Fact]], data: st.DataObject) -> None:
    axis, facts = history
    valued = [each for each in distinct(facts) if each.value is not None or each.retracts]
    with_unknown, without = fold(axis, distinct(facts)), fold(axis, valued)
    assert (with_unknown.state, with_unknown.since, with_unknown.entered) == (
        without.state,
        without.since,
        without.entered,
    )
    assert with_unknown.moves == without.moves


@given(histories())
def test_every_fact_that_is_no_retraction_has_one_line(history: tuple[Axis, list[Fact]]) -> None:
    axis, facts = history
    kept = {each.key for each in distinct(facts) if not each.retracts}
    assert sorted(line.fact.key for line in fold(axis, facts).lines) == sorted(kept)


@given(histories(Axis.SHIPMENT))
def test_a_followed_parcel_is_moved_by_the_shop_to_announced_or_cancelled_only(
    history: tuple[Axis, list[Fact]],
) -> None:
    for line in fold(*history, followed=True).moves:
        if line.fact.level is Level.SHOP:
            assert line.after in (Shipment.ANNOUNCED, Shipment.CANCELLED)


@given(histories(Axis.ORDER))
def test_a_fact_later_than_all_others_only_adds_a_line(history: tuple[Axis, list[Fact]]) -> None:
    axis, facts = history
    kept = [each for each in distinct(facts) if not each.retracts]
    latest = max((each.at for each in kept), default=MONDAY)
    earlier = [each for each in kept if each.at < latest]
    assert fold(axis, kept).lines[: len(earlier)] == fold(axis, earlier).lines


def sketch(facts: Sequence[Fact], followed: bool) -> str | None:
    """The fold of STATUS.md, section 3, on plain words, with what the prose adds: people are read to the letter, a
    claim is a source's last word too, a word is a value with its way, and a source has a last word of each thing that
    it speaks of."""
    rank = {name.partition(".")[2]: row.rank for name, row in TABLE.items() if name.startswith("shipment.")}
    gone = {each.retracts for each in facts if each.retracts}
    kept = [each for each in facts if not each.retracts and each.key not in gone and each.value is not None]
    lead = max((each.level for each in kept if each.level < 9), default=1)
    state, accepted = None, MONDAY
    said: dict[tuple[str, str], tuple[str, str]] = {}
    for each in sorted(kept, key=lambda each: (each.at, rank[str(each.value)], each.key)):
        value = str(each.value)
        repeated = each.snapshot and said.get((each.source, each.about)) == (value, each.way)
        if each.snapshot:
            said[each.source, each.about] = (value, each.way)
        if each.level < lead and value != "cancelled":
            continue
        if each.level < 9:
            if each.level == 1 and followed and value != "cancelled":
                value = "announced"
            elif value == "delivered" and each.way != "out" and (each.way == "back" or str(state)[:6] == "return"):
                value = "returned"
            elif each.way == "back" and 15 < rank[value] < 70:
                value = "returning"
        if repeated:
            continue
        back = state is not None and rank[value] < rank[state]
        soon = back and not each.snapshot and each.at - accepted < timedelta(minutes=15)
        free = state in (None, value) or (not soon and may_move(f"shipment.{state}", f"shipment.{value}", each.way))
        if free or each.level == 9:
            state, accepted = value, each.at
    return state


@given(histories(Axis.SHIPMENT), st.booleans())
@settings(max_examples=500)
def test_the_fold_is_that_of_the_document(history: tuple[Axis, list[Fact]], followed: bool) -> None:
    axis, facts = history
    state = fold(axis, facts, followed=followed).state
    assert (None if state is None else state.value) == sketch(distinct(facts), followed)
