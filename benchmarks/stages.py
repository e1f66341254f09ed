"""A measured process: the real web application, and the stages behind it one by one as they are asked for."""

import asyncio
import itertools
import sys
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub.clock import SystemClock
from hub.pipeline.around import Capacity, Outbox, read_around
from hub.pipeline.leaving import Leaving
from hub.pipeline.outbox import look
from hub.plugin import Accepted, Form, Outgoing
from hub.runtime.hub import Hub
from hub.store.tables import messages
from hub.web.app import build_app

from .child import obey
from .stand import stand
from .web import loop_factory, serving


class Stages:
    """What can be asked of the process."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.names: list[dict[str, Any]] = []
        self.outgoing: list[Outgoing] = []

    async def count(self) -> int:
        """Events in the inbox."""
        text = sa.text("SELECT count(*) FROM inbox")
        return await self.hub.db.read(lambda connection: int(connection.execute(text).scalar_one()))

    async def apply(self) -> int:
        """Normalise, apply, react."""
        return await self.hub.apply.drain()

    async def prepare(self) -> int:
        """Get ready for `render` and `send`: what the due messages may read, and what would be handed over."""
        hub, now = self.hub, self.hub.clock.now()

        def read(connection: sa.Connection) -> None:
            due = connection.execute(sa.select(messages).where(sa.text("messages.state = 'due'"))).all()
            capacity = Capacity({"mail": len(due)}, frozenset(), {})
            around = read_around(connection, hub.world, due, now)
            leaving = [Leaving(row, hub.world, now, around, capacity, {}, Outbox()) for row in due]
            self.names = [each.names for each in leaving]
            capacity = Capacity({"": len(due), "mail": len(due)}, frozenset(), {})
            self.outgoing = [each.outgoing for each in look(connection, hub.world, now, capacity).departures]

        await hub.db.read(read)
        return len(self.outgoing)

    async def render(self) -> int:
        """The text of each."""
        shop = next(iter(self.hub.world.config.shops.values()))
        for names in self.names:
            self.hub.world.texts.render(
                "order-received", form=Form.MAIL, locale="uk", names=names, zone=shop.timezone,
                link=lambda purpose: None, shop=shop.key,
            )  # fmt: skip
        return len(self.names)

    async def send(self) -> int:
        """Each handed to the mail server, as many at once as the channel takes."""
        channel = self.hub.world.channel("mail")
        left, sent = iter(self.outgoing), itertools.count()

        async def hand_over() -> None:
            for each in left:
                outcome = await channel.send(each)
                if not isinstance(outcome, Accepted):
                    raise RuntimeError(f"not taken: {outcome}")
                next(sent)

        await asyncio.gather(*(hand_over() for _ in range(channel.limits.concurrency)))
        return next(sent)

    async def forget(self) -> None:
        """Nothing is due any more: those were sent by hand."""
        text = sa.text("UPDATE messages SET state = 'sent' WHERE state = 'due'")
        await self.hub.db.write(lambda connection: connection.execute(text))


async def live() -> None:
    async with stand(Path(sys.argv[1]), SystemClock()) as hub, serving(build_app(hub)) as base:
        it = Stages(hub)
        commands = ("count", "apply", "prepare", "render", "send", "forget")
        await obey({"base": base}, {name: getattr(it, name) for name in commands})


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(live())
