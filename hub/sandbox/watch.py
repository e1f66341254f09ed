"""What an onlooker sees: how each order stands, who was told what, and the figures of the moment. Only reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.status import HeadlineValue, Label, label
from hub.store.tables import inbox, orders, unmapped

from .book import Arrival
from .stage import Stage
from .story import CASES, CHANNELS, ZONE


@dataclass(frozen=True, slots=True)
class Standing:
    """One order of the story: `number` is empty until it is placed."""

    key: str
    number: str
    name: str
    situation: str
    headline: Label | None


@dataclass(frozen=True, slots=True)
class Told:
    """One message that arrived: when (the shop's clock), how, whom, and its first words."""

    at: datetime
    channel: str
    name: str
    staff: bool
    text: str


@dataclass
class Glance:
    """Everything there is to see at one moment."""

    now: datetime
    standings: Sequence[Standing] = ()
    told: Sequence[Told] = ()
    events: int = 0
    unknown: int = 0
    dead: int = 0
    down: bool = False
    fresh: Sequence[Told] = ()
    moved: Sequence[Standing] = ()
    """What is new since the glance before."""


@dataclass
class Watch:
    """Looks again and again, and knows what is new."""

    stage: Stage
    said: list[Told] = field(default_factory=list)
    headlines: dict[str, str] = field(default_factory=dict)

    async def look(self) -> Glance:
        """The present moment."""
        found = await self.stage.town.hub.db.read(_figures)
        fresh = [self._told(each) for each in self.stage.book.read()[len(self.said) :]]
        self.said += fresh
        standings = [self._standing(case.key, found["orders"]) for case in CASES]
        words = {each.key: each.headline.label for each in standings if each.headline}
        moved = [each for each in standings if words.get(each.key) != self.headlines.get(each.key)]
        self.headlines = words
        return Glance(
            now=self.stage.town.clock.now().astimezone(ZONE),
            standings=standings,
            told=self.said,
            events=found["events"],
            unknown=found["unknown"],
            dead=found["dead"],
            down=self.stage.bot_is_down,
            fresh=fresh,
            moved=moved,
        )

    def _standing(self, key: str, rows: Mapping[str, Any]) -> Standing:
        it = self.stage.cases[key]
        row = rows.get(f"{it.case.shop}:{it.order}")
        shown = label(HeadlineValue(row.headline), "en") if row and row.headline else None
        return Standing(key, row.number if row else "", it.case.name, it.case.situation, shown)

    def _told(self, arrival: Arrival) -> Told:
        name, staff = self.who(arrival.to)
        text = " ".join((arrival.title or arrival.text).split())
        return Told(arrival.at.astimezone(ZONE), CHANNELS[arrival.channel], name, staff, text)

    def who(self, to: str) -> tuple[str, bool]:
        """(name, whether of the staff) of whoever has an address or a chat."""
        for it in self.stage.cases.values():
            if to in (it.case.address, str(it.chat), it.case.phone):
                return it.case.name, False
        for person in self.stage.town.config.people.values():
            if to in person.addresses.values():
                return person.name, True
        return to, False


def _figures(connection: sa.Connection) -> Mapping[str, Any]:
    count = sa.select(sa.func.count()).select_from(inbox)
    rows = connection.execute(sa.select(orders.c.id, orders.c.number, orders.c.headline))
    return {
        "orders": {row.id: row for row in rows},
        "events": connection.execute(count).scalar_one(),
        "dead": connection.execute(count.where(sa.text("inbox.state = 9"))).scalar_one(),
        "unknown": connection.execute(sa.select(sa.func.count()).select_from(unmapped)).scalar_one(),
    }
