"""Working time: hours count only while somebody works, days are working days; also where the clock changes."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.config.lengths import OFFICE, Hours, Length, opens_at, working_after
from hub.config.scalars import read_flow_length

KYIV, WARSAW = ZoneInfo("Europe/Kyiv"), ZoneInfo("Europe/Warsaw")
NEW_YORK, LISBON = ZoneInfo("America/New_York"), ZoneInfo("Europe/Lisbon")
WEEK = Hours(frozenset(range(1, 8)), time(0), time(12))
NIGHTS = Hours(frozenset(range(1, 6)), time(22), time(6))
EVERY_NIGHT = Hours(frozenset(range(1, 8)), time(22), time(6))
MONDAYS = Hours(frozenset({1}), time(9), time(10))
ROUND_THE_CLOCK = Hours(frozenset(range(1, 8)), time(0), time(0))


@pytest.mark.parametrize(
    ("hours", "start", "length", "end"),
    [
        # 3 March 2026 is a Tuesday
        pytest.param(OFFICE, "03-03T10:00", "4h working", "03-03T14:00", id="within a day"),
        pytest.param(OFFICE, "03-03T14:00", "4h working", "03-03T18:00", id="to the very end of it"),
        pytest.param(OFFICE, "03-03T15:00", "4h working", "03-04T10:00", id="into the next day"),
        pytest.param(OFFICE, "03-03T07:00", "30m working", "03-03T09:30", id="before the hours"),
        pytest.param(OFFICE, "03-03T20:00", "30m working", "03-04T09:30", id="behind the hours"),
        pytest.param(OFFICE, "03-06T17:00", "4h working", "03-09T12:00", id="over a weekend"),
        pytest.param(OFFICE, "03-07T12:00", "4h working", "03-09T13:00", id="from a Saturday"),
        pytest.param(OFFICE, "03-03T10:00", "48h working", "03-10T13:00", id="five days and three hours"),
        pytest.param(OFFICE, "03-03T10:00", "90s working", "03-03T10:01", id="seconds"),
        pytest.param(OFFICE, "03-03T10:00", "1d working", "03-04T10:00", id="the next working day"),
        pytest.param(OFFICE, "03-06T15:00", "1d working", "03-09T15:00", id="Friday to Monday"),
        pytest.param(OFFICE, "03-06T15:00", "2d working", "03-10T15:00", id="Friday to Tuesday"),
        pytest.param(OFFICE, "03-07T15:00", "1d working", "03-09T15:00", id="Saturday to Monday"),
        pytest.param(OFFICE, "03-03T20:00", "1d working", "03-04T18:00", id="late: by the end of the day"),
        pytest.param(OFFICE, "03-03T05:00", "1d working", "03-04T09:00", id="early: when the day begins"),
        pytest.param(OFFICE, "03-06T16:00", "1d4h working", "03-10T11:00", id="days first, then hours"),
        pytest.param(OFFICE, "03-06T16:00", "4h", "03-06T20:00", id="without the word the hours do not count"),
        pytest.param(MONDAYS, "03-03T10:00", "1h working", "03-09T10:00", id="one hour a week"),
        pytest.param(MONDAYS, "03-03T10:00", "2d working", "03-16T10:00", id="one day a week"),
        pytest.param(NIGHTS, "03-03T23:00", "4h working", "03-04T03:00", id="over midnight"),
        pytest.param(NIGHTS, "03-04T02:00", "5h working", "03-04T23:00", id="from after midnight"),
        pytest.param(NIGHTS, "03-07T02:00", "5h working", "03-09T23:00", id="Friday's night ends on Saturday"),
        pytest.param(NIGHTS, "03-08T02:00", "1h working", "03-09T23:00", id="Saturday has no night"),
        pytest.param(NIGHTS, "03-03T23:00", "1d working", "03-04T23:00", id="the next night"),
        pytest.param(NIGHTS, "03-04T02:00", "1d working", "03-05T02:00", id="after midnight it is yesterday's day"),
        pytest.param(NIGHTS, "03-07T02:00", "1d working", "03-10T02:00", id="Friday's night to Monday's"),
        pytest.param(NIGHTS, "03-03T12:00", "1d working", "03-04T22:00", id="from a day to the next night"),
        pytest.param(ROUND_THE_CLOCK, "03-03T23:00", "48h working", "03-05T23:00", id="somebody always works"),
    ],
)
def test_working_time_from_a_moment(hours: Hours, start: str, length: str, end: str) -> None:
    moment = datetime.fromisoformat(f"2026-{start}").replace(tzinfo=KYIV).astimezone(UTC)
    found = read_flow_length(length).after(moment, KYIV, hours)
    assert found.tzinfo is UTC
    assert found.astimezone(KYIV).strftime("%m-%dT%H:%M") == end


@pytest.mark.parametrize(
    ("zone", "hours", "start", "length", "end"),
    [
        # spring 2026: 29 March at 01:00 UTC; 8 March in New York at 02:00
        pytest.param(KYIV, WEEK, "2026-03-29T00:00", "4h working", "2026-03-29T05:00", id="Kyiv, an hour is not there"),
        pytest.param(WARSAW, WEEK, "2026-03-29T00:00", "4h working", "2026-03-29T05:00", id="Warsaw"),
        pytest.param(LISBON, WEEK, "2026-03-29T00:00", "4h working", "2026-03-29T05:00", id="Lisbon"),
        pytest.param(NEW_YORK, WEEK, "2026-03-08T00:00", "4h working", "2026-03-08T05:00", id="New York"),
        pytest.param(KYIV, OFFICE, "2026-03-27T17:00", "2h working", "2026-03-30T10:00", id="a weekend of 47 hours"),
        pytest.param(NEW_YORK, EVERY_NIGHT, "2026-03-07T22:00", "7h working", "2026-03-08T06:00", id="a short night"),
        pytest.param(KYIV, EVERY_NIGHT, "2026-03-28T03:30", "1d working", "2026-03-29T04:00", id="the hour in the gap"),
        # autumn 2026: 25 October at 01:00 UTC; 1 November in New York at 02:00
        pytest.param(KYIV, WEEK, "2026-10-25T00:00", "6h working", "2026-10-25T05:00", id="Kyiv, an hour comes twice"),
        pytest.param(WARSAW, WEEK, "2026-10-25T00:00", "6h working", "2026-10-25T05:00", id="Warsaw, autumn"),
        pytest.param(LISBON, WEEK, "2026-10-25T00:00", "6h working", "2026-10-25T05:00", id="Lisbon, autumn"),
        pytest.param(NEW_YORK, WEEK, "2026-11-01T00:00", "6h working", "2026-11-01T05:00", id="New York, autumn"),
        pytest.param(LISBON, EVERY_NIGHT, "2026-10-24T22:00", "9h working", "2026-10-25T06:00", id="a long night"),
        pytest.param(KYIV, OFFICE, "2026-10-23T17:00", "2h working", "2026-10-26T10:00", id="a weekend of 49 hours"),
        pytest.param(WARSAW, OFFICE, "2026-10-23T12:00", "1d working", "2026-10-26T12:00", id="the same time of day"),
    ],
)
def test_working_time_where_the_clock_changes(zone: ZoneInfo, hours: Hours, start: str, length: str, end: str) -> None:
    moment = datetime.fromisoformat(start).replace(tzinfo=zone).astimezone(UTC)
    found = read_flow_length(length).after(moment, zone, hours)
    assert found.astimezone(zone).strftime("%Y-%m-%dT%H:%M") == end


SOME_HOURS = st.builds(
    Hours,
    st.frozensets(st.integers(1, 7), min_size=1),
    st.builds(time, st.integers(0, 23), st.sampled_from([0, 30])),
    st.builds(time, st.integers(0, 23), st.sampled_from([0, 30])),
)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))
ZONES = st.sampled_from([KYIV, WARSAW, NEW_YORK, LISBON])


@settings(max_examples=300, deadline=None)
@given(SOME_HOURS, MOMENTS, ZONES, st.integers(1, 3000), st.integers(1, 3000))
def test_working_time_adds_up(hours: Hours, moment: datetime, zone: ZoneInfo, first: int, then: int) -> None:
    one, two = (Length(timedelta(minutes=each), working=True) for each in (first, then))
    both = working_after(Length(one.exact + two.exact, working=True), moment, hours, zone)
    assert working_after(two, working_after(one, moment, hours, zone), hours, zone) == both
    assert both - moment >= one.exact + two.exact


@settings(max_examples=300, deadline=None)
@given(SOME_HOURS, MOMENTS, ZONES, st.integers(0, 40), st.integers(0, 600))
def test_it_ends_while_somebody_works_or_as_they_stop(
    hours: Hours, moment: datetime, zone: ZoneInfo, days: int, minutes: int
) -> None:
    length = Length(timedelta(minutes=minutes), days, working=True)
    if not length.about:
        return
    end = working_after(length, moment, hours, zone)
    just_before = end - timedelta(microseconds=1)
    assert opens_at(hours, end, zone) == end or opens_at(hours, just_before, zone) == just_before
    assert end > moment
