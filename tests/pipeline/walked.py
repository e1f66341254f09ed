"""The other way to tell the time: a clock on the wall that somebody watches minute by minute.

Written to prove the hub's own arithmetic, and nothing like it: no folds, no offsets that are added or taken away. Of
each minute of UTC the local time is looked up, and one number is kept: the **latest local time that the clock has shown
so far**. It never goes back. A local time that is left out in spring is passed when the clock jumps over it; one that
comes twice is passed when it comes first.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
CITIES = {
    "Kyiv": "Europe/Kyiv",
    "Warsaw": "Europe/Warsaw",
    "New York": "America/New_York",
    "Lisbon": "Europe/Lisbon",
    "Kolkata": "Asia/Kolkata",
}
YEARS = range(2024, 2031)


@dataclass(frozen=True)
class Walk:
    """The minutes from some days before a day until some days after it, and what the clock had shown by each."""

    city: str
    zone: ZoneInfo
    day: date
    minutes: list[datetime] = field(default_factory=list)
    shown: list[datetime] = field(default_factory=list)
    """The latest local time shown so far, minute by minute."""
    first: dict[datetime, datetime] = field(default_factory=dict)
    """Local time → the minute at which the clock first showed it, or passed it."""

    def around(self, every: int = 1) -> Iterator[datetime]:
        """Each so-many-th minute from two days before the day until two days after it."""
        start = datetime.combine(self.day - timedelta(days=2), time(), UTC)
        return iter(self.minutes[self.index(start) : self.index(start + timedelta(days=5)) : every])

    def index(self, moment: datetime) -> int:
        return (moment - self.minutes[0]) // MINUTE

    def local(self, moment: datetime) -> datetime:
        """What a clock shows then."""
        return moment.astimezone(self.zone).replace(tzinfo=None)


@lru_cache(maxsize=2)
def walk(city: str, day: date, days: int = 10) -> Walk:
    """Watch the clock of a city for so many days before and after a day."""
    walked = Walk(city, ZoneInfo(CITIES[city]), day)
    moment = datetime.combine(day - timedelta(days=days), time(), UTC)
    highest = walked.local(moment) - MINUTE
    while len(walked.minutes) < (2 * days + 1) * 24 * 60:
        shows = walked.local(moment)
        while highest < shows:
            highest += MINUTE
            walked.first[highest] = moment
        walked.minutes.append(moment)
        walked.shown.append(highest)
        moment += MINUTE
    return walked


def changes(zone: str) -> list[date]:
    """The days on which a clock is changed, by its own offset at noon and at the noon before; where it never is, the
    days on which Warsaw's is."""
    days = [date(YEARS[0], 1, 1) + timedelta(days=each) for each in range(366 * len(YEARS))]
    noons = {day: datetime.combine(day, time(12), ZoneInfo(zone)).utcoffset() for day in days if day.year in YEARS}
    found = [day for day in noons if noons[day] != noons.get(day - timedelta(days=1), noons[day])]
    return found or changes("Europe/Warsaw")


def within(start: time, end: time) -> Callable[[datetime], bool]:
    """Whether a local time lies in a span of the day, perhaps over midnight."""

    def lies(shown: datetime) -> bool:
        now = shown.time()
        return start <= now < end if start < end else now >= start or now < end

    return lies


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar, after Gauss as Lichtenberg mended it."""
    k, a = year // 100, year % 19
    m, s = 15 + (3 * k + 3) // 4 - (8 * k + 13) // 25, 2 - (3 * k + 3) // 4
    d = (19 * a + m) % 30
    r = (d + a // 11) // 29
    g = 21 + d - r
    sunday = 7 - (year + year // 4 + s) % 7
    return date(year, 3, 1) + timedelta(days=g + 7 - (g - sunday) % 7 - 1)


def nth(year: int, month: int, weekday: int, n: int) -> date:
    """The n-th such weekday (1 is Monday) of a month; -1: the last."""
    days = [date(year, month, 1) + timedelta(days=each) for each in range(31)]
    fitting = [day for day in days if day.month == month and day.isoweekday() == weekday]
    return fitting[n - 1] if n > 0 else fitting[n]


def poland(year: int) -> set[date]:
    """Act of 18 January 1951 on days free from work; 24 December since 2025."""
    fixed = [(1, 1), (1, 6), (5, 1), (5, 3), (8, 15), (11, 1), (11, 11), (12, 25), (12, 26)]
    fixed += [(12, 24)] if year >= 2025 else []
    return {date(year, *each) for each in fixed} | {easter(year) + timedelta(days=each) for each in (0, 1, 49, 60)}


def portugal(year: int) -> set[date]:
    """Labour code, article 234."""
    fixed = [(1, 1), (4, 25), (5, 1), (6, 10), (8, 15), (10, 5), (11, 1), (12, 1), (12, 8), (12, 25)]
    return {date(year, *each) for each in fixed} | {easter(year) + timedelta(days=each) for each in (-2, 0, 60)}


def united_states(year: int) -> set[date]:
    """5 U.S.C. 6103; one that falls on a Saturday is kept on the Friday before it, on a Sunday on the Monday after."""
    fixed = [date(each, *day) for each in (year, year + 1) for day in ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25))]
    kept = {day + timedelta(days={6: -1, 7: 1}.get(day.isoweekday(), 0)) for day in fixed}
    moving = {nth(year, *each) for each in ((1, 1, 3), (2, 1, 3), (5, 1, -1), (9, 1, 1), (10, 1, 2), (11, 4, 4))}
    return {day for day in {*fixed, *kept} if day.year == year} | moving


def ukraine(year: int) -> set[date]:
    """None while martial law lasts (law 2136-IX, article 6)."""
    return set()


HOLIDAYS: dict[str, tuple[str, Callable[[int], set[date]]]] = {
    "Kyiv": ("UA", ukraine),
    "Warsaw": ("PL", poland),
    "New York": ("US", united_states),
    "Lisbon": ("PT", portugal),
}
"""Where public holidays can be told from the law alone; those of India follow the moon, and differ from state to state.
"""
