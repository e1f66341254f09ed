"""The hub with a fault planted in it, so that the run can show that it would find it: `HUB_PLANTED` names the fault.

early-2xx   a webhook is answered before it is on disk
lost-row    now and then a message is not written with the run that says it
uncounted   what was on the wire at a crash is sent again without being counted as unknown
twice       a message is handed over before it is committed *on the wire*
"""

import asyncio
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from hub.pipeline import write
from hub.pipeline.deliver import DeliverDrain
from hub.pipeline.receive import Receiver
from hub.store.tables import messages


def early_2xx() -> None:
    async def put(self: Receiver, rows: list[dict[str, Any]]) -> int:
        later = asyncio.get_running_loop()
        later.call_later(1.0, lambda: later.create_task(honest(self, rows)))
        return len(rows)

    honest, Receiver.put = Receiver.put, put  # type: ignore[method-assign]


def lost_row() -> None:
    def insert(connection: sa.Connection, dialect: str, world: Any, rows: Iterable[dict[str, Any]]) -> None:
        honest(connection, dialect, world, [row for row in rows if row["key"][0] != "0"])

    honest, write.write_messages = write.write_messages, insert  # type: ignore[attr-defined]


def uncounted() -> None:
    async def recover(self: DeliverDrain) -> int:
        again = sa.update(messages).where(sa.text("messages.state = 'on_wire'")).values(state="due", owner="")
        await self.db.write(lambda connection: connection.execute(again))
        return 0

    DeliverDrain.recover = recover  # type: ignore[method-assign]


def twice() -> None:
    async def send(self: DeliverDrain, world: Any, departure: Any) -> None:
        back = sa.update(messages).where(messages.c.id == departure.message.id).values(state="due")
        on = sa.update(messages).where(messages.c.id == departure.message.id).values(state="on_wire")
        await self.db.write(lambda connection: connection.execute(back))
        await world.channel(departure.connection).send(departure.outgoing)
        await self.db.write(lambda connection: connection.execute(on))
        await honest(self, world, departure)

    honest, DeliverDrain._send = DeliverDrain._send, send  # type: ignore[method-assign]


FAULTS: Mapping[str, Callable[[], None]] = {
    "early-2xx": early_2xx,
    "lost-row": lost_row,
    "uncounted": uncounted,
    "twice": twice,
}

if __name__ == "__main__":
    from hub.cli import main

    FAULTS[os.environ["HUB_PLANTED"]]()
    main(sys.argv[1:])
