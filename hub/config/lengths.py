"""Lengths of time as they are written, and the hours in which people work. Pure; FLOWS 1 says what each unit means."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from .calendars import EVERY_DAY, Calendar


@dataclass(frozen=True, slots=True)
class Hours:
    """`Mon-Sat 09:00-19:00`: weekdays 1 (Monday) to 7, and a span of local time. An end that is not after the start
    lies on the next day, and its hours are still those of the day on which they began. On days on which the `calendar`
    rests there are none."""

    days: frozenset[int]
    start: time
    end: time
    calendar: Calendar = EVERY_DAY

    @property
    def nights(self) -> int:
        """How many days later the hours of a day end than they begin: 0 or 1."""
        return int(self.start >= self.end)

    def hold_on(self, day: date) -> bool:
        """Whether somebody works on a day."""
        return day.isoweekday() in self.days and not self.calendar.rests(day)

    def of(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """When the hours of a day begin and end, in UTC."""
        until = day + timedelta(days=self.nights)
        return first_real(datetime.combine(day, self.start), zone), first_real(datetime.combine(until, self.end), zone)


OFFICE = Hours(frozenset(range(1, 6)), time(9), time(18))
"""When a shop works that does not say so: Monday to Friday, 09:00 to 18:00."""


@dataclass(frozen=True, slots=True)
class Length:
    """A length of time as written: an exact part and calendar days (same local time, so 23 to 25 hours each).
    `working`: the days are working days, and the exact part counts only within the hours."""

    exact: timedelta = timedelta(0)
    days: int = 0
    working: bool = False

    def after(self, moment: datetime, zone: ZoneInfo, hours: Hours = OFFICE) -> datetime:
        """`moment` plus this length, in UTC. A local time that does not exist becomes the first that does; one that
        comes twice means the first. `hours` count for working lengths only."""
        if self.working:
            return working_after(self, moment, hours, zone)
        if not self.days:
            return moment + self.exact
        local = moment.astimezone(zone)
        wall = local.replace(tzinfo=None) + timedelta(days=self.days)
        return first_real(wall, zone) + self.exact

    @property
    def about(self) -> timedelta:
        """The length with a day taken as 24 hours; of a working one the least that it can take."""
        return self.exact + timedelta(days=self.days)


def first_real(wall: datetime, zone: ZoneInfo) -> datetime:
    """A naive local time in UTC: the first of two, and in the spring gap the first instant that exists."""
    utc = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if utc.astimezone(zone).replace(tzinfo=None) == wall:
        return utc
    # Inside the gap the offset before it (fold=0) leads past the change and the one after it (fold=1) leads before:
    # the change itself is the first instant whose local time is not before the wall time asked for.
    low, high = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), utc
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (low, middle) if middle.astimezone(zone).replace(tzinfo=None) >= wall else (middle, high)
    return high.replace(microsecond=0)


def opens_at(hours: Hours | None, now: datetime, zone: ZoneInfo) -> datetime:
    """When the hours next hold: now, or the next beginning; without hours they always hold."""
    return now if hours is None else next(_shifts(hours, now, zone))[0]


def working_after(length: Length, moment: datetime, hours: Hours, zone: ZoneInfo) -> datetime:
    """`moment` plus a working length, in UTC. `2d` leads to the second working day after that of `moment`, at the same
    time of day or the nearest of the hours; then hours and minutes count while somebody works."""
    at = _days_on(length.days, moment, hours, zone) if length.days else moment
    left = length.exact
    if not left:
        return at
    for start, end in _shifts(hours, at, zone):
        if left <= end - start:
            return start + left
        left -= end - start
    raise AssertionError("there is always another working day")


def working_days(start: datetime, end: datetime, hours: Hours, zone: ZoneInfo) -> int:
    """How many working days lie between: the most that can be added to `start` without passing `end`, so that
    `2d working` is over just when this becomes 2. Less than nothing where the end comes first."""
    if end < start:
        return -working_days(end, start, hours, zone)
    first, last = _day_of(start, hours, zone), end.astimezone(zone).date()
    days = sum(hours.hold_on(first + timedelta(days=each)) for each in range(1, (last - first).days + 1))
    while days and _days_on(days, start, hours, zone) > end:
        days -= 1
    return days


def working_time(start: datetime, end: datetime, hours: Hours, zone: ZoneInfo) -> timedelta:
    """How long somebody works between two moments; less than nothing where the end comes first."""
    if end < start:
        return -working_time(end, start, hours, zone)
    shifts = takewhile(lambda shift: shift[0] < end, _shifts(hours, start, zone))
    return sum((min(until, end) - begins for begins, until in shifts), timedelta(0))


def _day_of(moment: datetime, hours: Hours, zone: ZoneInfo) -> date:
    """The day to which a moment belongs: at 02:00 of a night shift that on whose evening the shift began."""
    local = moment.astimezone(zone)
    evening_before = local.date() - timedelta(days=1)
    at_night = bool(hours.nights) and local.time() < hours.end and hours.hold_on(evening_before)
    return evening_before if at_night else local.date()


def _days_on(count: int, moment: datetime, hours: Hours, zone: ZoneInfo) -> datetime:
    local, day = moment.astimezone(zone), _day_of(moment, hours, zone)
    for _ in range(count):
        day += timedelta(days=1)
        while not hours.hold_on(day):
            day += timedelta(days=1)
    small_hours = bool(hours.nights) and local.time() < hours.end
    same_time = datetime.combine(day + timedelta(days=int(small_hours)), local.time())
    start, end = hours.of(day, zone)
    return min(max(first_real(same_time, zone), start), end)


def _shifts(hours: Hours, now: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """What is left of the hours from now on, day after day, without end: (from, until) in UTC."""
    day = now.astimezone(zone).date() - timedelta(days=hours.nights)
    while True:
        if hours.hold_on(day):
            start, end = hours.of(day, zone)
            if now < end:
                yield max(now, start), end
        day += timedelta(days=1)
