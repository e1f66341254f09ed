"""What many answers come to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.insight.scores import Score, csat, nps, share, share_of_yes

MARKS = st.lists(st.integers(0, 10), min_size=1, max_size=200)
STARS = st.lists(st.integers(1, 5), min_size=1, max_size=200)


def value(score: Score | None) -> int:
    assert score is not None
    return score.value


@pytest.mark.parametrize(
    ("marks", "score"),
    [
        ([10], 100),
        ([9], 100),
        ([8], 0),
        ([7], 0),
        ([6], -100),
        ([0], -100),
        ([10, 9, 8, 7, 6], 20),
        ([10] * 6 + [7] * 2 + [0] * 2, 40),
        ([10, 7, 7, 7, 7, 7, 7, 7], 13),
        ([0, 7, 7, 7, 7, 7, 7, 7], -13),
    ],
)
def test_the_promoter_score_is_promoters_minus_detractors(marks: list[int], score: int) -> None:
    assert (value(nps(marks)), nps(marks).n) == (score, len(marks))  # type: ignore[union-attr]


@pytest.mark.parametrize(("marks", "percent"), [([5, 4, 3, 2, 1], 40), ([4], 100), ([3], 0), ([5, 5, 1], 67)])
def test_satisfied_is_who_gives_one_of_the_two_best_marks(marks: list[int], percent: int) -> None:
    assert value(csat(marks)) == percent


def test_of_nobody_nothing_is_said() -> None:
    assert (nps([]), csat([]), share_of_yes([]), share(0, 0)) == (None, None, None, None)
    assert (share(1, 3), value(share_of_yes([1, 0, 1, 1]))) == (33, 75)


@given(MARKS)
def test_a_score_stays_within_its_bounds_whatever_the_order(marks: list[int]) -> None:
    score = nps(marks)
    assert score is not None and -100 <= score.value <= 100 and 0 < score.margin <= 100 and score.n == len(marks)
    assert nps(sorted(marks)) == score


@given(MARKS)
def test_one_more_promoter_never_lowers_it_and_one_more_detractor_never_raises_it(marks: list[int]) -> None:
    assert value(nps([*marks, 10])) >= value(nps(marks)) >= value(nps([*marks, 0]))


@given(st.lists(st.sampled_from([0, 8, 10]), min_size=1, max_size=100))
def test_praise_and_blame_are_weighed_alike(marks: list[int]) -> None:
    assert value(nps(marks)) == -value(nps([10 - mark if mark != 8 else 8 for mark in marks]))


@given(STARS)
def test_a_share_is_a_percentage_and_more_answers_make_it_surer(marks: list[int]) -> None:
    one, ten = csat(marks), csat(marks * 10)
    assert one is not None and ten is not None
    assert 0 <= one.value <= 100 and one.value == ten.value and ten.margin < one.margin
