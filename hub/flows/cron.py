"""Cron lines of five fields on a local clock: when they come next, and when they came last. Pure.

As cron itself has it (POSIX crontab, Vixie's names and steps): weekdays 0 and 7 are Sunday, and where both the day of
the month and the weekday are restricted, either will do. What falls into the hour that a clock leaves out comes at the
first instant after it; what falls into the hour that comes twice comes in the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from hub.config.problems import quoted
from hub.config.scalars import MistakeError

from .model import first_real

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _DAYS),
)
FARTHEST = timedelta(days=366 * 9)
"""29 February may be eight years away."""


@dataclass(frozen=True, slots=True)
class Cron:
    """The numbers that each field lets through; `days`: of the month, `weekdays`: 0 is Sunday. `either`: a day of the
    month or a weekday will do."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    def next_after(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The first instant after `moment`, in UTC."""
        moment = moment.astimezone(UTC)
        return next(at for at in self._from(moment.astimezone(zone).date(), zone, 1) if at > moment)

    def last_by(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The last instant that is not after `moment`, in UTC."""
        moment = moment.astimezone(UTC)
        return next(at for at in self._from(moment.astimezone(zone).date(), zone, -1) if at <= moment)

    def _from(self, first: date, zone: ZoneInfo, step: int) -> Iterator[datetime]:
        for n in range(FARTHEST.days):
            day = first + timedelta(days=n * step)
            if self._on(day):
                walls = (datetime.combine(day, time(hour, minute)) for hour in self.hours for minute in self.minutes)
                yield from sorted({first_real(wall, zone) for wall in walls}, reverse=step < 0)

    def _on(self, day: date) -> bool:
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and (of_month or of_week if self.either else of_month and of_week)


@lru_cache(maxsize=256)
def cron_of(text: str) -> Cron:
    """A line as numbers; raises `MistakeError` for one that is none, or that never comes."""
    fields = text.split()
    if len(fields) != 5:
        raise MistakeError("bad-cron", f"{quoted(text)} has {len(fields)} fields; a cron line has five, as 0 8 * * MON")
    minutes, hours, days, months, weekdays = (_field(text, *each) for text, each in zip(fields, _FIELDS, strict=True))
    either = not (fields[2].startswith("*") or fields[4].startswith("*"))
    line = Cron(
        tuple(sorted(minutes)), tuple(sorted(hours)), days, months, frozenset(each % 7 for each in weekdays), either
    )
    if not either and not any(_has(month, min(days)) for month in months):
        raise MistakeError("bad-cron", f"{quoted(text)} never comes: no such month has a day {min(days)}")
    return line


def read_cron(text: str) -> str:
    """A five-field cron line; months and weekdays may be names."""
    cron_of(text)
    return text


def _has(month: int, day: int) -> bool:
    return day <= (29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31)


def _field(text: str, name: str, first: int, last: int, names: tuple[str, ...]) -> frozenset[int]:
    numbers = [_part(part, first, last, names) for part in text.split(",")]
    if not all(numbers):
        raise MistakeError("bad-cron", f"{quoted(text)} is no {name} of a cron line such as 0 8 * * MON")
    return frozenset(number for some in numbers for number in some)


def _part(part: str, first: int, last: int, names: tuple[str, ...]) -> Iterable[int]:
    """The numbers of `*`, `5`, `1-5`, `*/15`, `mon-fri`, `5/15`; none: it is not written like that."""
    span, slash, step = part.partition("/")
    if slash and not (step.isdecimal() and int(step) > 0):
        return ()
    if span == "*":
        begin, end = first, last
    else:
        ends = [
            names.index(each.lower()) + first if each.lower() in names else _number(each) for each in span.split("-")
        ]
        if len(ends) > 2 or not all(first <= each <= last for each in ends):
            return ()
        begin, end = ends[0], last if slash and len(ends) == 1 else ends[-1]
    return range(begin, end + 1, int(step) if slash else 1)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else -1
