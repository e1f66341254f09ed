"""The proof of the clocks: every change of 2024 to 2030 in Kyiv, Warsaw, New York and Lisbon, and Kolkata, which has
none and half an hour on top. What the hub reckons is held against a clock that is watched minute by minute."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.config.calendars import Calendar, public_holidays
from hub.config.lengths import OFFICE, Hours, first_real, working_days, working_time
from hub.config.model import Contact, Quiet, Shop
from hub.config.scalars import read_clocks
from hub.flows.compile import compile_flow
from hub.flows.cron import cron_of
from hub.flows.run import Moment, Run, proceed
from hub.model import Customer
from hub.pipeline.guards import AHEAD_OF_QUIET, Option, before_quiet, quiet_until
from hub.store import tables
from hub.store.database import Database

from .fakes import Desk, notify, order, world
from .walked import CITIES, HOLIDAYS, MINUTE, YEARS, Walk, changes, nth, walk, within

CHANGES = [(city, day) for city, zone in CITIES.items() for day in changes(zone)]


@pytest.fixture(scope="module", params=CHANGES, ids=[f"{city} {day}" for city, day in CHANGES])
def it(request: pytest.FixtureRequest) -> Walk:
    """Of the module, so that each clock is watched once for all tests."""
    city, day = request.param
    return walk(city, day)


def test_it_is_about_every_change_that_the_law_makes() -> None:
    """Where clocks change: as the law of the Union (2000/84/EC), of Ukraine (1996) and of the United States (2005)
    has it. What a country changes later comes with its zone: then this list says so."""
    european = {nth(year, month, 7, -1) for year in YEARS for month in (3, 10)}
    american = {nth(year, *each) for year in YEARS for each in ((3, 7, 2), (11, 7, 1))}
    for city, days in (("Kyiv", european), ("Warsaw", european), ("Lisbon", european), ("New York", american)):
        assert {day for each, day in CHANGES if each == city} == days, city
    assert len(CHANGES) == 5 * 14


def test_every_local_time_is_the_first_instant_at_which_the_clock_has_come_so_far(it: Walk) -> None:
    wall = datetime.combine(it.day - timedelta(days=1), time())
    for each in (wall + minutes * MINUTE for minutes in range(3 * 24 * 60)):
        assert first_real(each, it.zone) == it.first[each]


def run_of(step: dict[str, Any]) -> Any:
    return compile_flow("f", {"on": "order.packed", "steps": [{"wait": step} if "wait" not in step else step]})


def ends(flow: Any, began: datetime, zone: ZoneInfo, hours: Hours = OFFICE) -> datetime | None:
    """When the wait of a run that begins now is over: the row of its timer."""
    names = {"now": began, "shop": {"timezone": zone.key}}
    run, _ = proceed(flow, Run(), Moment(lambda values: names, began, zone, hours=hours))
    return run.due_at


def test_a_wait_of_days_keeps_the_time_of_day_and_one_of_hours_does_not(it: Walk) -> None:
    for wait, days, more in (("3d", 3, 0), ("1d", 1, 0), ("1w", 7, 0), ("1d12h", 1, 12), ("36h", 0, 36)):
        flow = run_of({"wait": wait})
        for began in it.around(every=30):
            same = it.first[it.local(began) + timedelta(days=days)] if days else began
            assert ends(flow, began, it.zone) == same + timedelta(hours=more)


def test_a_wait_until_an_hour_of_a_day(it: Walk) -> None:
    for clock in ("00:30", "01:00", "01:59", "02:00", "02:30", "03:00", "03:30", "04:00", "09:00", "23:59"):
        flow = run_of({"wait": {"until": f"at(now + days(1), '{clock}', shop.timezone)", "or": "skip"}})
        for began in it.around(every=600):
            that_day = it.local(began + timedelta(hours=24)).date()
            at = it.first[datetime.combine(that_day, time.fromisoformat(clock))]
            assert ends(flow, began, it.zone) == (at if at > began else None)


NIGHTS = ("21:00-08:00", "22:00-02:30", "00:00-03:30", "02:30-03:30", "02:00-04:00", "01:30-01:45", "03:00-23:00")


def test_quiet_is_what_the_latest_time_shown_lies_in(it: Walk) -> None:
    for hours in NIGHTS:
        quiet = Quiet(*read_clocks(hours))
        lies = within(quiet.start, quiet.end)
        over: datetime | None = None
        for moment in reversed(list(it.around(every=5))):
            if not lies(it.shown[it.index(moment)]):
                over = moment
            if over is not None:
                assert quiet_until(quiet, moment, it.zone) == (over if over > moment else None), hours


def test_a_wait_that_would_end_at_night_ends_before_it(it: Walk) -> None:
    quiet = Quiet(time(21), time(8))
    lies, rings = within(quiet.start, quiet.end), Option("sms", rings=True)
    began = it.minutes[0]
    evening: datetime | None = None
    for due in it.around():
        before, quiet_now = it.shown[it.index(due) - 1], lies(it.shown[it.index(due)])
        evening = due if quiet_now and not lies(before) else evening
        if evening is None or due.minute % 10:
            continue
        planned = before_quiet(quiet, rings, it.zone, due_at=due, before_at=due + MINUTE, now=began)
        last = lies(it.shown[it.index(due + MINUTE)])
        assert planned == (evening - AHEAD_OF_QUIET if quiet_now and last else due)


def calendar_of(city: str) -> tuple[Calendar, Any]:
    """The hub's calendar of a city, and the holidays that its law makes."""
    if city in HOLIDAYS:
        country, law = HOLIDAYS[city]
        return Calendar(country), cache(law)
    return Calendar(also=frozenset({"10-29", "2026-03-30"})), lambda year: {date(year, 10, 29), date(2026, 3, 30)}


HOURS = (
    Hours(frozenset(range(1, 6)), time(9), time(18)),
    Hours(frozenset(range(1, 8)), time(0), time(12)),
    Hours(frozenset({1, 3, 6, 7}), time(2, 30), time(3, 30)),
)


def worked(it: Walk, hours: Hours, law: Any) -> list[int]:
    """How many minutes had been worked before each minute: while the latest time shown lies in the hours of a day."""
    lies, total, found = within(hours.start, hours.end), 0, []
    for shown in it.shown:
        found.append(total)
        total += lies(shown) and shown.isoweekday() in hours.days and shown.date() not in law(shown.year)
    return found


def ending(done: list[int], it: Walk, began: datetime, minutes: int) -> datetime:
    """The minute by which so many have been worked since."""
    wanted = done[it.index(began)] + minutes
    return next(moment for moment, so_far in zip(it.minutes, done, strict=True) if moment > began and so_far >= wanted)


@pytest.mark.parametrize(("hours", "minutes"), [(hours, each) for hours in HOURS for each in (20, 60)])
def test_working_hours_are_the_minutes_that_somebody_works(it: Walk, hours: Hours, minutes: int) -> None:
    calendar, law = calendar_of(it.city)
    ours, done = Hours(hours.days, hours.start, hours.end, calendar), worked(it, hours, law)
    flow = run_of({"wait": f"{minutes}m working"})
    for began in it.around(every=331):
        end = ending(done, it, began, minutes)
        assert ends(flow, began, it.zone, ours) == end
        assert working_time(began, end, ours, it.zone) == minutes * MINUTE
        assert working_time(end, began, ours, it.zone) == -minutes * MINUTE


def test_working_days_are_counted_on_the_calendar(it: Walk) -> None:
    calendar, law = calendar_of(it.city)
    hours = Hours(OFFICE.days, OFFICE.start, OFFICE.end, calendar)
    for count in (1, 2):
        flow = run_of({"wait": f"{count}d working"})
        for began in it.around(every=173):
            local = it.local(began)
            days = (local.date() + timedelta(days=each) for each in range(1, 30))
            working = [each for each in days if each.isoweekday() <= 5 and each not in law(each.year)]
            on = working[count - 1]
            same = min(max(local.time(), OFFICE.start), OFFICE.end)
            end = ends(flow, began, it.zone, hours)
            assert end == it.first[datetime.combine(on, same)]
            assert working_days(began, end, hours, it.zone) == count
            assert working_days(began, end - timedelta(microseconds=1), hours, it.zone) == count - 1
            assert working_days(end, began, hours, it.zone) == -count


@pytest.mark.parametrize("line", ["0 8 * * *", "30 2 * * *", "30 3 * * SUN", "*/20 * * * *", "59 0-4 * * *"])
def test_a_schedule_comes_once_each_time_that_the_clock_comes_there(it: Walk, line: str) -> None:
    cron, minutes = cron_of(line), set(it.around())
    expected = sorted({at for wall, at in it.first.items() if at in minutes and _fits(line, wall)})
    found, at = [], min(minutes) - MINUTE
    while (at := cron.next_after(at, it.zone)) <= max(minutes):
        found.append(at)
    assert found == expected
    assert cron.last_by(expected[-1], it.zone) == expected[-1]


def _fits(line: str, wall: datetime) -> bool:
    """These five lines, read by hand."""
    return {
        "0 8 * * *": (wall.hour, wall.minute) == (8, 0),
        "30 2 * * *": (wall.hour, wall.minute) == (2, 30),
        "30 3 * * SUN": (wall.hour, wall.minute) == (3, 30) and wall.isoweekday() == 7,
        "*/20 * * * *": wall.minute in (0, 20, 40),
        "59 0-4 * * *": wall.hour <= 4 and wall.minute == 59,
    }[line]


@pytest.mark.parametrize("city", HOLIDAYS)
def test_public_holidays_are_those_of_the_law(city: str) -> None:
    country, law = HOLIDAYS[city]
    for year in YEARS:
        assert public_holidays(country, year) == law(year), year


ODD = (
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Europe/Dublin",
)
ZONES = st.sampled_from([*CITIES.values(), *ODD])
WALLS = st.datetimes(datetime(2005, 1, 1), datetime(2037, 12, 31)).map(lambda wall: wall.replace(microsecond=0))


@settings(max_examples=500, deadline=None)
@given(ZONES, WALLS)
def test_no_local_time_of_any_clock_is_lost(zone: str, wall: datetime) -> None:
    """Also where half an hour is changed, a whole day was left out, or summer time is interrupted for Ramadan."""
    clock, found = ZoneInfo(zone), first_real(wall, ZoneInfo(zone))
    assert found.astimezone(clock).replace(tzinfo=None) >= wall
    earlier = (found - timedelta(seconds=each) for each in (1, 1800, 3600, 5400, 7200, 10800))
    assert all(each.astimezone(clock).replace(tzinfo=None) < wall for each in earlier)


ONE_OF_EACH = [(city, day) for city, day in CHANGES if day.year == 2027]


def spoken(text: str) -> str:
    """A time in UTC as the fakes count them, from 3 March 2026 on."""
    at = datetime.fromisoformat(text)
    return f"+{(at.date() - date(2026, 3, 3)).days} {at:%H:%M}"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    yield database
    database.close()


def left(desk: Desk) -> list[str]:
    """What has been handed over, in that order."""
    attempts = desk.rows(tables.attempts)
    of = {row.id: row.template for row in desk.rows(tables.messages)}
    return [of[each.message_id] for each in attempts]


@pytest.mark.parametrize(("city", "day"), ONE_OF_EACH, ids=[f"{city} {day}" for city, day in ONE_OF_EACH])
async def test_the_hub_itself_lives_by_the_clock(city: str, day: date, db: Database) -> None:
    """Packed at half past ten in the evening before the change: told in the morning of the change, asked again three
    days later, and once more a working day later; each to the minute, on the rows of a real database."""
    it = walk(city, day)
    calendar, law = calendar_of(city)
    shop = Shop("main", city, timezone=it.zone, hours=Hours(OFFICE.days, OFFICE.start, OFFICE.end, calendar))
    told = {"on": "order.packed", "steps": [notify("order-received", via=["sms"])]}
    later = {"on": "order.packed", "steps": [{"wait": "3d"}, notify("order-cancelled", via=["mail"])]}
    work = {"on": "order.packed", "steps": [{"wait": "1d working"}, notify("packed", via=["mail"])]}
    contact = Contact({"default": ("sms",)}, quiet=Quiet(time(21), time(8)), settle=timedelta(0))
    desk = Desk(db, world({"told": told, "later": later, "work": work}, contact=contact, shop=shop))
    packed = it.first[datetime.combine(day - timedelta(days=1), time(22, 30))]
    version = spoken((packed - MINUTE).isoformat())
    customer = Customer(email="o@x.example", phone="+380671234567")
    await desk.hear(order(version, "order.packed", customer=customer), at=spoken(packed.isoformat()))
    on = next(
        each
        for each in (day + timedelta(days=n) for n in range(9))
        if each.isoweekday() <= 5 and each not in law(each.year)
    )
    expected = {
        "order-received": datetime.combine(day, time(8)),
        "packed": datetime.combine(on, time(18)),
        "order-cancelled": datetime.combine(day + timedelta(days=2), time(22, 30)),
    }
    reached: list[str] = []
    for template, wall in sorted(expected.items(), key=lambda each: each[1]):
        at = it.first[wall]
        desk.clock.move_to(at - MINUTE)
        await desk.settle()
        assert left(desk) == reached, f"{template} came early"
        desk.clock.move_to(at)
        await desk.settle()
        reached.append(template)
        assert left(desk) == reached, f"{template} came late"
