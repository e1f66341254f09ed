"""How far a poll has come, and what to ask for next. Pure.

Pages move while they are read: an order that changes leaves its place, and its neighbour slips over to the page that
was read already. So every page is asked for from the last order of the one before (by its modified time), and a page
number counts only among orders of one second. What is read twice is one event.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from hub.clock import aware

PER_PAGE = 50
"""WooCommerce gives 100 at most; orders with much meta data are large, and an answer has a limit."""
OVERLAP = timedelta(minutes=10)
"""What the next run reads again, for orders that were saved while this one asked."""
_SECOND = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cursor:
    """One run asks first for `any` order modified after `start`, then for those in the `trash`, which `any` leaves out.

    `after`, `page`: the next question. `seen`: the newest modified time so far; the watermark comes of it, because the
    shop's clock is the shop's. `by`: what the shop can sort by; an old one knows no `modified`. `first`: the import,
    which does not look into the trash.
    """

    start: datetime
    after: datetime
    seen: datetime = _EPOCH
    page: int = 1
    status: Literal["any", "trash"] = "any"
    by: Literal["modified", "date"] = "modified"
    first: bool = False

    @classmethod
    def of(cls, stored: Any, beginning: datetime) -> "Cursor":
        """Read what `as_json` wrote; None: the first time, from `beginning`."""
        if stored is None:
            return cls(beginning, beginning, first=True)
        times = {name: aware(datetime.fromisoformat(stored[name])) for name in ("start", "after", "seen")}
        return cls(**{**stored, **times})

    def as_json(self) -> dict[str, Any]:
        return {name: each.isoformat() if isinstance(each, datetime) else each for name, each in asdict(self).items()}

    def question(self) -> dict[str, Any]:
        """Parameters of `GET /orders`. `modified_after` is exclusive, and local time unless told otherwise."""
        return {
            "modified_after": self.after.strftime("%Y-%m-%dT%H:%M:%S"),
            "dates_are_gmt": "true",
            "orderby": self.by,
            "order": "asc",
            "per_page": PER_PAGE,
            "page": self.page,
            "status": self.status,
        }

    def following(self, times: Sequence[datetime], size: int, now: datetime) -> tuple["Cursor", bool]:
        """What comes after a page of `size` orders with these modified times, and whether it is still this run.

        A time in the future (a shop's clock that was wrong for a moment) moves the watermark no further than `now`.
        """
        seen = max([self.seen, *times])
        if size >= PER_PAGE:
            last = max(times, default=self.after) - _SECOND
            if self.by == "modified" and last > self.after:
                return replace(self, seen=seen, after=last, page=1), True
            return replace(self, seen=seen, page=self.page + 1), True
        if self.status == "any" and not self.first:
            return replace(self, seen=seen, after=self.start, page=1, status="trash"), True
        start = max(self.start, min(seen, now) - OVERLAP)
        return Cursor(start, start, by=self.by), False

    def without_sorting(self) -> "Cursor":
        """The same run for a shop that cannot sort by the modified time: from its beginning, by creation."""
        return replace(self, by="date", after=self.start, page=1)
