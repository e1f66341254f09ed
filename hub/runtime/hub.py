"""The hub: one configuration, one database, the drains, and whoever calls them. `hub run`, the demo and the tests all
run this same object; they differ in the clock and in what is around it.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from hub.clock import Clock, SystemClock
from hub.config.model import Config
from hub.messages import Texts
from hub.pipeline.apply import ApplyDrain
from hub.pipeline.deliver import DeliverDrain
from hub.pipeline.errands import ErrandDrain
from hub.pipeline.failing import tell_expiring
from hub.pipeline.golive import fit
from hub.pipeline.listen import Listeners, tell
from hub.pipeline.polls import PollDrain
from hub.pipeline.receive import Receiver
from hub.pipeline.shadow import remember_mode
from hub.pipeline.world import World
from hub.plugin import Adapter, Limits
from hub.plugin.http import make_client
from hub.store.database import Database
from hub.store.errands import next_errand_at
from hub.store.links import make_link_secret
from hub.store.lives import undone_decision
from hub.store.migrate import upgrade
from hub.store.tables import Slots, errands, messages, polls, schedules, timers

from . import schedule
from .engine import EmbeddedEngine

log = logging.getLogger("hub")

TICK = 1.0
"""Seconds between two looks at what has come due."""
BACKWARDS = timedelta(minutes=1)
"""A clock that was put back by more than this was ahead before: what was reckoned by it is looked at again."""

MakeAdapter = Callable[[str, Config, Clock], Adapter[Any]]


def build_adapter(name: str, config: Config, clock: Clock) -> Adapter[Any]:
    """The adapter of a connection with the HTTP client that it is handed."""
    return _adapter(name, config, clock, config.connections[name].adapter.limits)


def build_unpaced_adapter(name: str, config: Config, clock: Clock) -> Adapter[Any]:
    """The same without a rate limit, for worlds whose clock is not the real one (rates are real time)."""
    return _adapter(name, config, clock, replace(config.connections[name].adapter.limits, per_second=None))


def _adapter(name: str, config: Config, clock: Clock, limits: Limits) -> Adapter[Any]:
    connection = config.connections[name]
    settings = connection.settings
    client = make_client(name, limits, clock, private=connection.adapter.reaches_private(settings))
    return connection.adapter(settings, client, clock, connection=name)


def build_world(
    config: Config, texts: Texts, clock: Clock, make: MakeAdapter = build_adapter, *, shadow: bool = False
) -> World:
    """A configuration with its adapters."""
    return World(config, {name: make(name, config, clock) for name in config.connections}, texts, shadow)


def database_url(config: Config) -> str:
    """Where the truth lies: `hub.database`, else SQLite in the data folder."""
    if config.hub.database:
        return config.hub.database
    config.hub.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return f"sqlite:///{config.hub.data / 'hub.db'}"


class Hub:
    """Everything of one running hub. `await start()`, then it works; `await stop()` lets go of everything."""

    def __init__(
        self,
        config: Config,
        texts: Texts,
        *,
        clock: Clock | None = None,
        database: str | Database | None = None,
        make_adapter: MakeAdapter = build_adapter,
        jitter: bool = True,
        listeners: Listeners | None = None,
        shadow: bool = False,
    ) -> None:
        self.clock = clock or SystemClock()
        self.make_adapter = make_adapter
        self.world = build_world(config, texts, self.clock, make_adapter, shadow=shadow)
        self.db = database if isinstance(database, Database) else Database(database or database_url(config))
        self.listeners = listeners
        self.db.on_commit = self._committed
        self.receiver = Receiver(self.db, self.clock, self._world, self._wake_apply)
        self.apply = ApplyDrain(self.db, self.clock, self._world)
        self.deliver = DeliverDrain(self.db, self.clock, self._world, lambda: self.wake("deliver"), jitter=jitter)
        self.errands = ErrandDrain(
            self.db, self.clock, self._world, lambda: self.wake("errand"), self._wake_apply, jitter=jitter
        )
        self.polls = PollDrain(self.db, self.clock, self._world, self._wake_apply)
        self.engine = EmbeddedEngine(
            {
                "apply": self._apply,
                "deliver": self.deliver.drain,
                "errand": self.errands.drain,
                "poll": self.polls.drain,
            }
        )
        self.scheduler: AsyncIOScheduler | None = None
        self.worker: asyncio.Task[None] | None = None
        self.started_at: datetime | None = None
        self.uncertain_at_start = 0
        self.shadow_since: datetime | None = None
        """Since when the hub ran in shadow before this start; None: it was live, or never ran."""
        self.ticked_at: datetime | None = None
        self.on_decided: Callable[[], None] = lambda: None
        """Called when somebody has decided that the file is to be read again (`hub flows apply`)."""
        self.heeded = 0

    def _world(self) -> World:
        return self.world

    def _wake_apply(self) -> None:
        self.wake("apply")

    def _committed(self, said: Sequence[tuple[str, Any, Any]]) -> None:
        """What transactions had to say: work for a stage, and news for plugins that listen."""
        for how, stage, _ in said:
            if how == "wake":
                self.wake(stage)
        if self.listeners is not None:
            tell(self.listeners, [each for each in said if each[0] != "wake"])

    def wake(self, stage: str) -> None:
        self.engine.wake(stage)

    async def _apply(self, slots: Slots) -> int:
        done = await self.apply.drain(slots)
        if done:
            self.wake("deliver")
            self.wake("errand")
            self.wake("poll")
        return done

    # -- life

    async def start(self, *, ticking: bool = True, working: bool = True) -> None:
        """Take the database, bring it up to date, count what was on the wire, and begin to work. Not `ticking`:
        somebody drives the clock; not `working`: they take the turns of the drains as well (`in_turn`)."""
        self.db.hold()
        await asyncio.to_thread(upgrade, self.db)
        now = self.clock.now()
        await self.db.write(lambda connection: make_link_secret(connection, self.db.dialect))
        await self.db.write(lambda connection: schedule.prepare(connection, self.db.dialect, now, self._jobs()))
        shadow = self.world.shadow
        self.shadow_since = await self.db.write(lambda each: remember_mode(each, self.db.dialect, shadow, now))
        await self._fit()
        self.uncertain_at_start = await self.deliver.recover() + await self.errands.recover()
        if working:
            self.worker = asyncio.create_task(self.engine.run_worker(), name="engine")
        self.started_at = now
        self.engine.wake_all()
        if ticking:
            self._start_ticking()

    def _start_ticking(self) -> None:
        options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": 30}
        self.scheduler = AsyncIOScheduler(timezone="UTC", job_defaults=options)
        self.scheduler.add_job(self.tick, "interval", seconds=TICK)
        self.scheduler.start()

    async def tick(self) -> None:
        """Wake every stage, and fire what is scheduled. Everything else is a row that a drain finds."""
        self.engine.wake_all()
        now = self.clock.now()
        if self.ticked_at is not None and now < self.ticked_at - BACKWARDS:
            log.warning("the clock went back by %s", self.ticked_at - now)
            await self.polls.prepare()
            await self.db.write(lambda connection: schedule.prepare(connection, self.db.dialect, now, self._jobs()))
        self.ticked_at = now
        scheduled, decided = await self.db.read(
            lambda connection: (_anything_scheduled(connection, now), undone_decision(connection))
        )
        if decided is not None and decided.id != self.heeded:
            self.heeded = decided.id
            self.on_decided()
        if scheduled:
            await self.db.write(lambda connection: schedule.fire_due(connection, now, self._jobs()))

    def _jobs(self) -> Mapping[str, tuple[str, schedule.Job]]:
        """The recurring work, that of the live configuration too."""

        def credentials(connection: sa.Connection, now: datetime) -> None:
            tell_expiring(connection, self.db.dialect, self.world, now)

        return {**schedule.JOBS, "look-at-credentials": ("40 7 * * *", credentials)}

    async def _fit(self) -> None:
        """Bring the rows in line with the configuration that is live now."""
        world, now = self.world, self.clock.now()
        await self.polls.prepare()
        await self.db.write(lambda connection: fit(connection, self.db.dialect, world, now))
        await self.deliver.free()

    async def stop(self) -> None:
        """Finish what is on the wire, then let go."""
        if self.scheduler is not None:
            self.scheduler.shutdown(wait=False)
        if self.worker is not None:
            async with self.deliver.deciding, self.errands.deciding:  # not between a claim and the way out
                self.worker.cancel()
                with suppress(asyncio.CancelledError):
                    await self.worker
        for task in list(self.polls.asking.values()):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await self.polls.settle()
        await self.deliver.settle()
        await self.errands.settle()
        await self._close_adapters(self.world.adapters)
        await asyncio.to_thread(self.db.close)

    async def _close_adapters(self, adapters: Mapping[str, Adapter[Any]]) -> None:
        for adapter in adapters.values():
            await adapter.aclose()
            await adapter.client.aclose()

    async def swap(self, config: Config, texts: Texts) -> None:
        """Let a checked configuration go live, whole. Runs under way keep the text they started with."""
        old, new = self.world, build_world(config, texts, self.clock, self.make_adapter, shadow=self.world.shadow)
        # Nothing leaves by the one, or is written by what it says, while the other is decided.
        async with self.apply.deciding, self.deliver.deciding, self.errands.deciding:
            self.world = new
            try:
                await self._fit()
            except BaseException:
                self.world = old
                await self._close_adapters(new.adapters)
                raise
        await self.deliver.settle()
        await self.errands.settle()
        await self.polls.settle()
        await self._close_adapters(old.adapters)
        self.engine.wake_all()

    # -- for whoever drives the clock

    async def quiet(self) -> None:
        """Return once nothing is in flight and every drain has found nothing more to do at this instant."""
        while True:
            self.engine.wake_all()
            await self._until_idle()
            if not self._in_flight() and self.engine.idle():
                return

    async def _until_idle(self) -> None:
        while not self.engine.idle() or self._in_flight():
            await self.deliver.settle()
            await self.errands.settle()
            await self.polls.settle()
            await asyncio.sleep(0.001)

    def _in_flight(self) -> bool:
        return bool(self.deliver.on_wire or self.errands.on_wire or self.polls.asking)

    async def in_turn(self) -> None:
        """Everything that can happen at this instant, one drain after the other, with nobody asked for news: the same
        in, the same out. For a hub that was started without an engine at work."""
        done = 1
        while done:
            done = await self.apply.drain()
            for stage in (self.errands, self.deliver):
                done += await stage.drain()
                await stage.settle()

    async def next_due(self, *, after: datetime | None = None, asking: bool = True) -> datetime | None:
        """The next instant at which something in the database comes due that this hub would do, later than `after` if
        that is given; not `asking`: questions to the outside do not count."""
        return await self.db.read(lambda connection: _next_due(connection, self.world.shadow, after, asking))


def _anything_scheduled(connection: sa.Connection, now: datetime) -> bool:
    return connection.execute(sa.select(schedules.c.id).where(schedules.c.next_run_at <= now)).first() is not None


def _next_due(connection: sa.Connection, shadow: bool, after: datetime | None, asking: bool) -> datetime | None:
    questions: list[tuple[sa.Select[Any], sa.ColumnElement[Any]]] = [
        (sa.select(sa.func.min(timers.c.due_at)).where(sa.text("timers.state = 0")), timers.c.due_at),
        (sa.select(sa.func.min(messages.c.due_at)).where(sa.text("messages.state = 'due'")), messages.c.due_at),
    ]
    if asking:
        questions.append((sa.select(sa.func.min(polls.c.due_at)).where(sa.text("polls.state = 0")), polls.c.due_at))
    if not shadow:  # what is to be done outside rests until the hub is live again
        questions.append((next_errand_at(), errands.c.due_at))
    later = [question if after is None else question.where(at > after) for question, at in questions]
    found = [connection.execute(question).scalar() for question in later]
    return min((each for each in found if each is not None), default=None)
