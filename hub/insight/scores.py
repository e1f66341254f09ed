"""What the answers of many customers come to, as the field defines it. Pure.

Net Promoter Score: Reichheld, "The One Number You Need to Grow" (Harvard Business Review, 12/2003): the share of 9 and
10 minus the share of 0 to 6. Customer satisfaction (CSAT): the share of the two best marks of five ("top 2 box").

The margin is that of a difference of two shares of one sample (multinomial) with 95 % confidence. Four answers are
imagined for it, so that few are not taken for certain (Agresti and Coull, The American Statistician 52, 1998: "add two
successes and two failures").
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import ceil, sqrt

PROMOTERS, DETRACTORS = range(9, 11), range(7)
SATISFIED = range(4, 6)
CONFIDENCE = 1.96
"""Standard deviations around the middle that hold 95 % (normal distribution)."""


@dataclass(frozen=True, slots=True)
class Score:
    """A figure out of `n` answers; `margin` is how far the truth may lie to either side, in points (95 %)."""

    value: int
    n: int
    margin: int


def nps(marks: Sequence[int]) -> Score | None:
    """Would you recommend us, of everybody who answered that: from -100 to 100. None: nobody did."""
    more, less, n = len(_among(marks, PROMOTERS)), len(_among(marks, DETRACTORS)), len(marks)
    return Score(_rounded(Fraction(100 * (more - less), n)), n, _margin(more + 2, less + 2, n + 4)) if n else None


def csat(marks: Sequence[int]) -> Score | None:
    """How many in a hundred of those who answered a question are satisfied. None: nobody answered it."""
    return _part(len(_among(marks, SATISFIED)), len(marks))


def share_of_yes(marks: Sequence[int]) -> Score | None:
    """How many in a hundred of those who answered said yes."""
    return _part(sum(marks), len(marks))


def share(part: int, whole: int) -> int | None:
    """So many in a hundred; None: of nothing."""
    return _rounded(Fraction(100 * part, whole)) if whole else None


def _among(marks: Iterable[int], span: range) -> list[int]:
    return [mark for mark in marks if mark in span]


def _part(chosen: int, n: int) -> Score | None:
    """So many in a hundred."""
    return Score(_rounded(Fraction(100 * chosen, n)), n, _margin(chosen + 2, 0, n + 4)) if n else None


def _margin(more: int, less: int, n: int) -> int:
    middle = Fraction(more - less, n)
    variance = float(Fraction(more + less, n) - middle * middle)
    return ceil(100 * CONFIDENCE * sqrt(variance / n))


def _rounded(value: Fraction) -> int:
    """The nearest whole number; a half goes away from zero, so that praise and blame are rounded alike."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return int(exact.to_integral_value(ROUND_HALF_UP))
