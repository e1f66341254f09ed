"""How a language says days, amounts, deadlines and reasons: what the filters of texts do, for pages."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from hub.model import Deadline, DeadlineBasis, DeadlineKind, Money, Window
from hub.status import Reason

from . import _filters as filters
from ._values import Filling, Link, Until, clean


@dataclass(frozen=True, slots=True)
class Voice:
    """One language on one clock. `now` decides whether a date needs its year; `country` how a phone number is read."""

    language: str
    zone: ZoneInfo
    now: datetime
    country: str = ""
    _filling: Filling = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_filling", Filling(self.language, self.zone, self.now, country=self.country))

    def day(self, at: datetime, form: str = "") -> str:
        """`Thursday 12 November`; the forms are those of the filter `day`."""
        return filters.day(at, self._filling, form)

    def moment(self, at: datetime, form: str = "") -> str:
        """`Thursday 12 November, 18:05`."""
        return filters.day_and_time(at, self._filling, form)

    def window(self, window: Window) -> str:
        """When something is expected: the day, with the hours where they are known and lie in one day."""
        start, end = window.start.astimezone(self.zone), window.end.astimezone(self.zone)
        hours = not window.day_only and start < end and start.date() == end.date()
        clock = f", {filters.time(start, self._filling)}–{filters.time(end, self._filling)}" if hours else ""
        return f"{self.day(window.end)}{clock}"

    def deadline(self, deadline: Deadline) -> str:
        """A sentence: "until" only for what the carrier told, "about" for what we reckoned (STATUS.md 5)."""
        fee, told = deadline.kind is DeadlineKind.FEE_FROM, deadline.basis is DeadlineBasis.TOLD
        return filters.deadline(Until(deadline.at, fee=fee, told=told), self._filling)

    def money(self, money: Money) -> str:
        """An amount as a shop of that language writes it; nothing where it is beyond all sense."""
        return clean(filters.money(money, self._filling)) if _sane(money.amount) else ""

    def quantity(self, quantity: Decimal) -> str:
        """`2`, `1.5`."""
        return filters.quantity(quantity, self._filling) if _sane(quantity) else ""

    def reason(self, reason: Reason) -> str:
        """A reason in human words, to stand after a colon."""
        return filters.reason(reason.value, self._filling)

    def phone(self, number: str) -> tuple[str, str]:
        """A number as it is read, and the address that calls it; without one where it is no number."""
        said = filters.phone(number, self._filling)
        return (said.shown, said.href) if isinstance(said, Link) else (said, "")


def can_be_said(at: datetime) -> bool:
    """Whether a time lies within the calendar on every clock."""
    return 1 < at.year < 9999


def _sane(amount: Decimal) -> bool:
    """As texts have it: what is larger would be digits without end."""
    return amount.is_finite() and abs(amount) < 10**15
