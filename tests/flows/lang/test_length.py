"""Lengths of time over the changes of the clock: days are calendar days, hours are exact."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.config.lengths import Length
from hub.config.scalars import MistakeError, read_clocks, read_flow_length, read_hours, read_length

KYIV, WARSAW = ZoneInfo("Europe/Kyiv"), ZoneInfo("Europe/Warsaw")


@pytest.mark.parametrize(
    ("zone", "start", "length", "end"),
    [
        # spring 2026: 29 March, Kyiv 03:00 → 04:00, Warsaw 02:00 → 03:00
        pytest.param(KYIV, "2026-03-28T10:00", "1d", "2026-03-29T10:00", id="a day of 23 hours keeps its hour"),
        pytest.param(KYIV, "2026-03-28T10:00", "24h", "2026-03-29T11:00", id="24 hours do not"),
        pytest.param(
            KYIV, "2026-03-28T03:30", "1d", "2026-03-29T04:00", id="the hour that is not there: the first that is"
        ),
        pytest.param(KYIV, "2026-03-22T03:00", "1w", "2026-03-29T04:00", id="the first moment of the gap"),
        pytest.param(KYIV, "2026-03-28T02:59", "1d", "2026-03-29T02:59", id="just before the gap"),
        pytest.param(KYIV, "2026-03-28T03:30", "2d", "2026-03-30T03:30", id="over the gap"),
        pytest.param(KYIV, "2026-03-28T03:30", "1d1h", "2026-03-29T05:00", id="days first, then hours"),
        pytest.param(WARSAW, "2026-03-28T02:30", "1d", "2026-03-29T03:00", id="Warsaw's gap"),
        pytest.param(WARSAW, "2026-03-28T10:00", "1d", "2026-03-29T10:00", id="Warsaw's short day"),
        pytest.param(WARSAW, "2026-03-28T10:00", "24h", "2026-03-29T11:00", id="Warsaw's 24 hours"),
        # autumn 2026: 25 October, Kyiv 04:00 → 03:00, Warsaw 03:00 → 02:00
        pytest.param(KYIV, "2026-10-24T10:00", "1d", "2026-10-25T10:00", id="a day of 25 hours keeps its hour"),
        pytest.param(KYIV, "2026-10-24T10:00", "24h", "2026-10-25T09:00", id="24 hours are an hour short"),
        pytest.param(KYIV, "2026-10-24T03:30", "1d", "2026-10-25T03:30", id="the hour that comes twice: the first"),
        pytest.param(KYIV, "2026-10-18T03:59", "1w", "2026-10-25T03:59", id="its last minute"),
        pytest.param(WARSAW, "2026-10-24T02:30", "1d", "2026-10-25T02:30", id="Warsaw's hour twice"),
        pytest.param(WARSAW, "2026-10-24T10:00", "24h", "2026-10-25T09:00", id="Warsaw's long day"),
    ],
)
def test_a_length_after_a_local_time(zone: ZoneInfo, start: str, length: str, end: str) -> None:
    moment = datetime.fromisoformat(start).replace(tzinfo=zone)
    found = read_flow_length(length).after(moment.astimezone(UTC), zone)
    assert found.tzinfo is UTC
    assert found.astimezone(zone).strftime("%Y-%m-%dT%H:%M") == end


def test_of_the_hour_that_comes_twice_the_first_is_meant() -> None:
    start = datetime(2026, 10, 24, 0, 30, tzinfo=UTC)  # 03:30 in Kyiv, summer
    assert Length(days=1).after(start, KYIV) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    start = datetime(2026, 10, 24, 0, 30, tzinfo=UTC)  # 02:30 in Warsaw
    assert Length(days=1).after(start, WARSAW) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@settings(max_examples=300, deadline=None)
@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),
    st.integers(1, 60),
    st.sampled_from([KYIV, WARSAW, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe"), UTC]),
)
def test_days_keep_the_local_time_or_move_it_by_the_gap(moment: datetime, days: int, zone: ZoneInfo) -> None:
    moment = moment.replace(microsecond=0)
    found = Length(days=days).after(moment, zone)
    local, before = found.astimezone(zone), moment.astimezone(zone)
    wanted = before.replace(tzinfo=None) + timedelta(days=days)
    moved = local.replace(tzinfo=None) - wanted
    assert timedelta(0) <= moved < timedelta(hours=1)
    assert found > moment and abs(found - moment - timedelta(days=days)) <= timedelta(hours=2)
    assert moved == timedelta(0) or local.fold == 0


@pytest.mark.parametrize(
    ("text", "exact", "days"),
    [
        ("30s", timedelta(seconds=30), 0),
        ("10m", timedelta(minutes=10), 0),
        ("48h", timedelta(hours=48), 0),
        ("2d", timedelta(0), 2),
        ("1w", timedelta(0), 7),
        ("1w2d3h4m5s", timedelta(hours=3, minutes=4, seconds=5), 9),
    ],
)
def test_how_a_length_is_written(text: str, exact: timedelta, days: int) -> None:
    assert read_length(text) == (exact, days)
    assert read_flow_length(text) == Length(exact, days)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3 days", "'3 days' is not a length of time; write 3d"),
        ("10 min", "'10 min' is not a length of time; write 10m"),
        ("3D", "'3D' is not a length of time; write 3d"),
        ("soon", "'soon' is not a length of time; write it like 30s, 10m, 3h, 2d, 1w or 1d12h"),
        ("-1d", None),
        ("1.5h", None),
        ("P3D", None),
        ("0s", None),
        ("", None),
        ("99999d", None),
        ("2d  working", "working time ('2d  working') does not count here; write 2d"),
        ("3", None),
    ],
)
def test_what_is_no_length(text: str, said: str | None) -> None:
    with pytest.raises(MistakeError) as caught:
        read_length(text)
    assert said is None or caught.value.text == said


@given(st.text(max_size=30))
def test_no_text_breaks_the_readers(text: str) -> None:
    for reader in (read_length, read_flow_length, read_hours, read_clocks):
        try:
            reader(text)
        except MistakeError as mistake:
            assert mistake.text and 0 <= mistake.offset <= len(text)
