"""Cron lines as cron itself means them, on a shop's clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.config.scalars import MistakeError
from hub.flows.cron import cron_of

KYIV = ZoneInfo("Europe/Kyiv")
TUESDAY = datetime(2026, 3, 3, 10, 0, tzinfo=KYIV)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=KYIV)


@pytest.mark.parametrize(
    ("line", "comes"),
    [
        pytest.param("0 8 * * MON", "2026-03-09T08:00", id="a name"),
        pytest.param("0 8 * * 1", "2026-03-09T08:00", id="1 is Monday"),
        pytest.param("0 8 * * 0", "2026-03-08T08:00", id="0 is Sunday"),
        pytest.param("0 8 * * 7", "2026-03-08T08:00", id="and so is 7"),
        pytest.param("0 8 * * 5-7", "2026-03-06T08:00", id="Friday to Sunday"),
        pytest.param("0 8 * * sat,sun", "2026-03-07T08:00", id="a list of names"),
        pytest.param("30 9-18/3 * * *", "2026-03-03T12:30", id="steps in a range"),
        pytest.param("*/15 * * * *", "2026-03-03T10:15", id="each quarter of an hour"),
        pytest.param("5/20 * * * *", "2026-03-03T10:05", id="from five on"),
        pytest.param("0 8 1 * *", "2026-04-01T08:00", id="the first of the month"),
        pytest.param("0 8 1 * FRI", "2026-03-06T08:00", id="the first, or a Friday: either will do"),
        pytest.param("0 8 29 feb *", "2028-02-29T08:00", id="a leap day"),
        pytest.param("30 3 29 3 *", "2026-03-29T04:00", id="03:30 that does not exist: the first instant after"),
    ],
)
def test_when_a_line_comes_next(line: str, comes: str) -> None:
    assert cron_of(line).next_after(TUESDAY, KYIV) == local(comes)


@pytest.mark.parametrize("line", ["0 8 31 2 *", "0 8 31 4,6 *", "0 8 * *", "60 8 * * *", "0 8 * * 5-8", "0 8 5-1 * *"])
def test_what_never_comes_or_is_no_line_is_refused(line: str) -> None:
    with pytest.raises(MistakeError):
        cron_of(line)


def test_the_hour_that_comes_twice_counts_once() -> None:
    """25 October 2026, Kyiv: 03:00 to 04:00 comes twice."""
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    line = cron_of("30 3 * * *")
    assert line.next_after(first - timedelta(minutes=1), KYIV) == first
    assert line.next_after(first, KYIV) == local("2026-10-26T03:30")
    assert line.last_by(first + timedelta(hours=5), KYIV) == first


def test_the_last_one_of_those_that_were_missed() -> None:
    assert cron_of("0 8 * * MON").last_by(TUESDAY, KYIV) == local("2026-03-02T08:00")
    assert cron_of("0 8 * * MON").last_by(local("2026-03-02T08:00"), KYIV) == local("2026-03-02T08:00")


@given(st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)), st.sampled_from(["0 3 * * *", "*/7 1-4 * * 0,3"]))
def test_what_comes_next_is_the_last_once_it_is_there(moment: datetime, line: str) -> None:
    cron, at = cron_of(line), moment.replace(tzinfo=UTC)
    following = cron.next_after(at, KYIV)
    assert following > at
    assert cron.last_by(following, KYIV) == following
    assert cron.last_by(following - timedelta(microseconds=1), KYIV) <= at
