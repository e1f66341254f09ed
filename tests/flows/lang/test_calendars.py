"""Calendars: whose holidays count, a shop's own days, and what conditions ask of them."""

import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.config.calendars import Calendar, parts_of, public_holidays
from hub.config.lengths import OFFICE, Hours, Length, working_after, working_days, working_time
from hub.flows.cel import Compiled, Wants, compile_expression
from hub.flows.model import Unknown
from hub.flows.working import understood, written

WARSAW, KYIV = ZoneInfo("Europe/Warsaw"), ZoneInfo("Europe/Kyiv")


@pytest.mark.parametrize(
    ("calendar", "day", "rests"),
    [
        pytest.param(Calendar(), "2026-12-25", False, id="nobody's"),
        pytest.param(Calendar("PL"), "2026-11-11", True, id="a country's"),
        pytest.param(Calendar("PL"), "2026-11-12", False, id="the day after"),
        pytest.param(Calendar("PL"), "2024-12-24", False, id="before the law was changed"),
        pytest.param(Calendar("PL"), "2025-12-24", True, id="and since"),
        pytest.param(Calendar("UA"), "2022-03-08", True, id="Ukraine before martial law"),
        pytest.param(Calendar("UA"), "2026-12-25", False, id="Ukraine under martial law"),
        pytest.param(Calendar("DE"), "2027-01-06", False, id="a whole country"),
        pytest.param(Calendar("DE-BY"), "2027-01-06", True, id="a part of it"),
        pytest.param(Calendar("XX"), "2027-01-01", False, id="a country that is not known"),
        pytest.param(Calendar("UA", frozenset({"2026-12-25"})), "2026-12-25", True, id="a day of its own"),
        pytest.param(Calendar("UA", frozenset({"2026-12-25"})), "2027-12-25", False, id="that day alone"),
        pytest.param(Calendar("UA", frozenset({"12-25"})), "2027-12-25", True, id="each year's"),
        pytest.param(Calendar("PL", frozenset(), frozenset({"11-11"})), "2026-11-11", False, id="worked each year"),
        pytest.param(Calendar("PL", frozenset(), frozenset({"2026-11-11"})), "2027-11-11", True, id="worked once"),
        pytest.param(Calendar("", frozenset({"12-25"}), frozenset({"2026-12-25"})), "2026-12-25", False, id="both"),
    ],
)
def test_when_a_calendar_rests(calendar: Calendar, day: str, rests: bool) -> None:
    assert calendar.rests(date.fromisoformat(day)) is rests


def test_what_is_known_of_countries() -> None:
    assert parts_of("XX") is None and "BY" in (parts_of("DE") or ())
    assert public_holidays("DE-BY", 2027) > public_holidays("DE", 2027) > set()


NIGHTS = Hours(frozenset(range(1, 6)), time(22), time(6), Calendar("PL"))


def test_the_hours_of_a_night_rest_with_the_day_on_which_they_begin() -> None:
    """10 November 2026 is a Tuesday, and its night reaches into the holiday."""
    at = datetime(2026, 11, 11, 2, tzinfo=WARSAW).astimezone(UTC)
    assert working_after(Length(timedelta(hours=5), working=True), at, NIGHTS, WARSAW) == datetime(
        2026, 11, 12, 23, tzinfo=WARSAW
    )
    assert working_after(Length(days=1, working=True), at, NIGHTS, WARSAW) == datetime(2026, 11, 13, 2, tzinfo=WARSAW)


CALENDARS = st.builds(
    Calendar,
    st.sampled_from(["", "PL", "UA", "DE-BY", "US"]),
    st.frozensets(st.sampled_from(["12-27", "2026-06-01", "2026-06-02", "07-15"])),
    st.frozensets(st.sampled_from(["05-01", "2026-12-25", "11-11"])),
)
SOME_HOURS = st.builds(
    Hours,
    st.frozensets(st.integers(1, 7), min_size=1),
    st.builds(time, st.integers(0, 23), st.sampled_from([0, 30])),
    st.builds(time, st.integers(0, 23), st.sampled_from([0, 30])),
    CALENDARS,
).filter(lambda hours: hours.start != hours.end)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))
ZONES = st.sampled_from([KYIV, WARSAW, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")])


@settings(max_examples=300, deadline=None)
@given(SOME_HOURS, MOMENTS, ZONES, st.integers(1, 6000))
def test_working_hours_count_what_a_working_length_adds(
    hours: Hours, moment: datetime, zone: ZoneInfo, minutes: int
) -> None:
    end = working_after(Length(timedelta(minutes=minutes), working=True), moment, hours, zone)
    assert working_time(moment, end, hours, zone) == timedelta(minutes=minutes)
    assert working_time(end, moment, hours, zone) == -timedelta(minutes=minutes)


@settings(max_examples=300, deadline=None)
@given(SOME_HOURS, MOMENTS, ZONES, st.integers(1, 30))
def test_working_days_count_what_a_working_length_adds(
    hours: Hours, moment: datetime, zone: ZoneInfo, days: int
) -> None:
    end = working_after(Length(days=days, working=True), moment, hours, zone)
    assert working_days(moment, end, hours, zone) == days
    assert working_days(moment, end - timedelta(microseconds=1), hours, zone) == days - 1


@settings(max_examples=200, deadline=None)
@given(SOME_HOURS, ZONES)
def test_a_calendar_as_a_text_says_all_of_it(hours: Hours, zone: ZoneInfo) -> None:
    assert understood(written(hours, zone)) == (hours, zone)


OFFICE_IN_WARSAW = written(Hours(OFFICE.days, OFFICE.start, OFFICE.end, Calendar("PL")), WARSAW)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("working_days(started_at, now, shop.calendar)", 2),
        ("working_days(now, started_at, shop.calendar)", -2),
        ("working_days(started_at, now, shop.calendar) >= 2", True),
        ("working_hours(started_at, now, shop.calendar)", 19.5),
        ("working_hours(started_at, now, shop.calendar) > 19", True),
        ("working_days(timestamp('1990-01-01T00:00:00Z'), now, shop.calendar) > 2", None),
        ("working_hours(timestamp('0001-01-01T00:00:00Z'), now, shop.calendar) > 2.0", None),
        ("working_days(started_at, now, shop.name) > 2", None),
    ],
)
def test_what_conditions_ask_of_a_calendar(text: str, value: object) -> None:
    """From Tuesday, 10 November 2026, 15:00 to Friday 16:30; Wednesday is a holiday."""
    expression = compile_expression(text, Wants.ANY, frozenset({"started_at", "now", "shop"}))
    assert isinstance(expression, Compiled)
    start, now = (datetime(2026, 11, day, *at, tzinfo=WARSAW) for day, at in ((10, (15, 0)), (13, (16, 30))))
    found = expression.value({"started_at": start, "now": now, "shop": {"calendar": OFFICE_IN_WARSAW, "name": "K"}})
    assert isinstance(found, Unknown) if value is None else found == value


@pytest.mark.parametrize("text", ["UA", "Europe/Kyiv Mon 09:00 UA", "Europe/Kiew Mon 09:00-10:00 UA", "a b c d"])
def test_a_calendar_that_is_none_is_told_where_the_file_is_loaded(text: str) -> None:
    mistakes = compile_expression(f"working_days(now, now, '{text}') > 1", Wants.BOOL, frozenset({"now"}))
    assert not isinstance(mistakes, Compiled)
    assert [(each.code, each.offset) for each in mistakes] == [("cel-constant", 23)]


SEEN = """
import sys, hub.runtime.hub, hub.web.app, hub.flows.load
from datetime import date
from hub.config.calendars import Calendar
{code}
print(len([name for name in sys.modules if name.startswith("holidays.countries.")]), "holidays" in sys.modules)
"""


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        pytest.param("", "0 False", id="no calendar, no package"),
        pytest.param(
            "Calendar('', frozenset({'12-25'})).rests(date(2026, 12, 25))", "0 False", id="own days need none"
        ),
        pytest.param("Calendar('PL').rests(date(2026, 12, 25))", "1 True", id="one country"),
        pytest.param(
            "[Calendar(each).rests(date(2026, 12, 25)) for each in ('PL', 'UA', 'DE-BY')]",
            "3 True",
            id="three countries",
        ),
        pytest.param(
            "Calendar('PL').rests(date(2026, 12, 25)); from holidays.countries import Germany, Norway",
            "200 True",
            id="who wants all of the package has it",
        ),
    ],
)
def test_only_the_countries_that_are_used_are_kept_in_memory(code: str, seen: str) -> None:
    done = subprocess.run([sys.executable, "-c", SEEN.format(code=code)], capture_output=True, text=True, check=True)
    count, package = done.stdout.split()
    wanted, there = seen.split()
    assert package == there
    assert int(count) == int(wanted) if int(wanted) < 10 else int(count) > int(wanted)
