"""Days on which nobody works although the week says so: public holidays, and a shop's own days. Pure.

Public holidays are those of the `holidays` package: what the law of a country says now, with the days that it moves.
In Ukraine martial law suspends the days off on public holidays (law 2136-IX of 15 March 2022, article 6), so there are
none until it ends; a shop that closes all the same says so with its own days.

The package is imported with the first day that is asked of some country, and of it only that country.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holidays import HolidayBase

NONE = "none"
"""What is written where no public holiday counts."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """`region`: a country such as `UA`, or a part of one such as `DE-BY`; "" for no public holidays. `also` rests too,
    `without` does not: days as 2026-12-31, or 12-31 for that day of each year. What stands in both does not."""

    region: str = ""
    also: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()

    def rests(self, day: date) -> bool:
        """Whether nobody works on that day, whatever day of the week it is."""
        names = {day.isoformat(), day.isoformat()[5:]}
        if names & self.without:
            return False
        return bool(names & self.also) or (bool(self.region) and day in public_holidays(self.region, day.year))


EVERY_DAY = Calendar()
"""The calendar of those who work on every day of their week."""


@lru_cache(maxsize=64)
def public_holidays(region: str, year: int) -> frozenset[date]:
    """The public holidays of a country, or of a part of one, that fall into a year; none of what is not known."""
    country, _, part = region.partition("-")
    found = _holidays_of(country, part or None, year)
    return frozenset(found) if found is not None else frozenset()


def parts_of(country: str) -> tuple[str, ...] | None:
    """The parts of a country that have holidays of their own; None: its holidays are not known."""
    found = _holidays_of(country, None, _ANY_YEAR)
    return tuple(found.subdivisions) if found is not None else None


_ANY_YEAR = 2026


def _holidays_of(country: str, part: str | None, year: int) -> "HolidayBase | None":
    import holidays

    with _one_country_at_a_time():
        try:
            return holidays.country_holidays(country, part, years=year, expand=False)
        except NotImplementedError:
            return None


@contextmanager
def _one_country_at_a_time() -> Iterator[None]:
    """Keep the package from importing all its 250 countries with the first (measured in the daemon: 130 ms and 7 MB
    with one, 340 ms and 11 MB with all): while this holds, the folder of countries is a package without a first page.
    """
    name = "holidays.countries"
    spec = find_spec(name) if name not in sys.modules else None
    if spec is None:
        yield
        return
    sys.modules[name] = bare = module_from_spec(spec)
    try:
        yield
    finally:
        if sys.modules.get(name) is bare:
            del sys.modules[name]
