"""The virtual clock at the wheel: whenever nothing is in flight, it jumps to the next instant at which something is
due."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from hub.store.tables import errands, messages, polls, timers

from .stage import Stage
from .story import ACTS, END, At, moment
from .town import Town

GRID = timedelta(minutes=30)
"""The carrier is asked at full and half hours, about all parcels whose time has come: one stop for many."""
TURNS = 200
"""Turns at one instant after which the town is thought to go round in circles."""

Seen = Callable[[], Awaitable[None]]


class EndlessError(Exception):
    """Something is due again and again at one instant."""


class Drive:
    """Plays the story. `seen` is awaited after every stop of the clock, for whoever looks on."""

    def __init__(self, town: Town, stage: Stage, seen: Seen) -> None:
        self.town, self.stage, self.seen = town, stage, seen
        self.stops = 0

    async def play(self) -> None:
        """The whole story, to its end."""
        await self.settle()
        for instant, acts in _instants():
            await self.until(instant)
            for each in acts:
                await self.stage.play(each.case, each.act, each.words)
            await self.settle()
            await self.seen()
        await self.until(moment(END).astimezone(UTC))
        await self.settle()
        await self.seen()

    async def until(self, end: datetime) -> None:
        """Let time pass up to an instant, stopping wherever something is due."""
        while (due := await self._next()) is not None and due < end:
            await self._stop(due)
        self.town.clock.move_to(end)

    async def _stop(self, instant: datetime) -> None:
        self.town.clock.move_to(instant)
        self.stops += 1
        await self.town.hub.tick()
        await self.settle()
        await self.seen()

    async def settle(self) -> None:
        """Let everything that can happen at this instant happen."""
        for _ in range(TURNS):
            sent = await self.stage.deliver_due()
            await self.town.hub.quiet()
            due = await self.town.hub.next_due()
            if not sent and (due is None or due > self.town.clock.now()):
                return
        raise EndlessError(f"the town does not come to rest at {self.town.clock.now():%Y-%m-%d %H:%M}")

    async def _next(self) -> datetime | None:
        promised, asked = await self.town.hub.db.read(_due)
        known = [promised, on_grid(asked), self.stage.next_at()]
        return min((each for each in known if each is not None), default=None)


def _instants() -> Iterator[tuple[datetime, list[At]]]:
    """The story's instants in their order, with what happens at each."""
    together: dict[datetime, list[At]] = {}
    for each in sorted(ACTS, key=lambda act: act.moment):
        together.setdefault(each.moment.astimezone(UTC), []).append(each)
    return iter(together.items())


def on_grid(instant: datetime | None) -> datetime | None:
    """The instant, or the next full or half hour after it."""
    if instant is None:
        return None
    over = timedelta(minutes=instant.minute % 30, seconds=instant.second, microseconds=instant.microsecond)
    return instant if not over else instant - over + GRID


def _due(connection: sa.Connection) -> tuple[datetime | None, datetime | None]:
    """When something was promised (a timer, a message, what is done outside), and when somebody is to be asked."""
    timer = connection.execute(sa.select(sa.func.min(timers.c.due_at)).where(sa.text("timers.state = 0"))).scalar()
    message = connection.execute(
        sa.select(sa.func.min(messages.c.due_at)).where(sa.text("messages.state = 'due'"))
    ).scalar()
    poll = connection.execute(sa.select(sa.func.min(polls.c.due_at)).where(sa.text("polls.state = 0"))).scalar()
    errand = connection.execute(
        sa.select(sa.func.min(errands.c.due_at)).where(sa.text("errands.state = 'due'"))
    ).scalar()
    return min((each for each in (timer, message, errand) if each is not None), default=None), poll
