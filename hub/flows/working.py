"""Working time in conditions: `working_days` and `working_hours`, over a calendar written as one text.

`shop.calendar` is that text, whole: the zone, the days of the week, the hours, whose public holidays, and the shop's
own days (`+` rests too, `-` does not): `Europe/Warsaw Mon,Tue,Wed,Thu,Fri 09:00-18:00 PL +2026-12-24`. So the functions
are pure: a replay and a test agree with the day, whatever the file says by then.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from hub.config.calendars import NONE, Calendar
from hub.config.lengths import Hours
from hub.config.lengths import working_days as days_between
from hub.config.lengths import working_time as time_between
from hub.config.scalars import WEEKDAYS, MistakeError, read_hours, read_zone

LONGEST = timedelta(days=20 * 366)
"""Between moments that lie further apart nothing is counted: what is asked is not known."""


@lru_cache(maxsize=256)
def written(hours: Hours, zone: ZoneInfo) -> str:
    """The hours of a shop on its clock, as a calendar's text."""
    days = ",".join(WEEKDAYS[each - 1] for each in sorted(hours.days))
    calendar = hours.calendar
    own = (*(f"+{each}" for each in sorted(calendar.also)), *(f"-{each}" for each in sorted(calendar.without)))
    return " ".join((zone.key, days, f"{hours.start:%H:%M}-{hours.end:%H:%M}", calendar.region or NONE, *own))


@lru_cache(maxsize=256)
def understood(text: str) -> tuple[Hours, ZoneInfo]:
    """What a calendar's text says. Raises MistakeError for what is none."""
    words = text.split()
    if len(words) < 4:
        raise MistakeError("bad-value", "a calendar is shop.calendar; it holds the hours and the clock of the shop too")
    zone, days, clocks, region, *own = words
    also = frozenset(each[1:] for each in own if each.startswith("+"))
    without = frozenset(each[1:] for each in own if each.startswith("-"))
    calendar = Calendar(region if region != NONE else "", also, without)
    return Hours(*read_hours(f"{days} {clocks}"), calendar), read_zone(zone)


def working_days(start: datetime, end: datetime, calendar: str) -> int:
    """The working days between two moments: 2 from when `2d working` after the first is over."""
    hours, zone = understood(calendar)
    return days_between(_near(start, end), end, hours, zone)


def working_hours(start: datetime, end: datetime, calendar: str) -> float:
    """The hours between two moments in which somebody works."""
    hours, zone = understood(calendar)
    return time_between(_near(start, end), end, hours, zone) / timedelta(hours=1)


def _near(start: datetime, end: datetime) -> datetime:
    if abs(end - start) > LONGEST:
        raise OverflowError("too far apart to count days")
    return start


def bad_calendar(text: str) -> str | None:
    """What is wrong with a calendar inside an expression."""
    try:
        understood(text)
    except MistakeError as mistake:
        return mistake.text
    return None
