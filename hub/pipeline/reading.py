"""Normalising: stored events are read by their plugins in a thread of its own, outside any transaction.

A plugin may raise (its event is a dead letter), and it may never come back: then that event is given up, the thread is
left alone, and the others go on with a new one.
"""

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from hub.model import CarrierRecord, ChannelRecord, OrderRecord, OwnEvent, RefKind, Reread
from hub.plugin import Adapter, Carrier, Channel, Platform, Raw, UnreadableError
from hub.status import Mode

from .batch import REFOLD, REWATCH, Event
from .news import NEWS, occasion_of
from .own_events import undeclared
from .world import World

log = logging.getLogger("hub.apply")

TELLS: Mapping[type[Adapter[Any]], Any] = {
    Platform: OrderRecord | CarrierRecord | Reread,
    Carrier: CarrierRecord | Reread,
    Channel: ChannelRecord,
}
"""The records that each kind of plugin may return."""

PATIENCE = 10.0
"""Seconds without any event being finished after which the one at hand is given up."""


class StuckError(Exception):
    """A plugin does not come back from reading an event."""

    def __init__(self, event_id: int, connection: str) -> None:
        super().__init__(f"{connection} did not come back from reading it")
        self.event_id = event_id


class Reader:
    """Reads events with their plugins; raises `StuckError` for one that takes for ever."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience

    async def read(self, rows: Sequence[Any], world: World) -> list[Event]:
        """The events of these rows, in their order."""
        if not rows:
            return []
        loop = asyncio.get_running_loop()
        done: asyncio.Future[list[Event]] = loop.create_future()
        events: list[Event] = []

        def work() -> None:
            for row in rows:
                events.append(read_event(row, world))
            if not loop.is_closed():
                loop.call_soon_threadsafe(_finish, done, events)

        threading.Thread(target=work, name="normalise", daemon=True).start()
        seen = -1
        while not done.done():
            if len(events) == seen:
                stuck = rows[seen]
                log.error("reading event %d does not end; it is given up", stuck.id)
                raise StuckError(stuck.id, stuck.connection)
            seen = len(events)
            await asyncio.wait([done], timeout=self.patience)
        return done.result()


def _finish(done: asyncio.Future[list[Event]], events: list[Event]) -> None:
    if not done.done():
        done.set_result(events)


def _beyond(adapter: Adapter[Any], records: Sequence[Any]) -> str:
    """What a plugin tells that is not for its kind to tell, as an error; empty: nothing."""
    for kind, known in TELLS.items():
        if isinstance(adapter, kind):
            for record in records:
                if isinstance(record, OwnEvent):
                    if wrong := undeclared(adapter, record):
                        return wrong
                    continue
                if not isinstance(record, known) or (kind is Carrier and _of_an_order(record)):
                    return (
                        f"{adapter.name} told of a {type(record).__name__}, which a {kind.__name__.lower()} cannot know"
                    )
    return ""


def _of_an_order(record: Any) -> bool:
    return isinstance(record, Reread) and record.kind is not RefKind.PARCEL


def read_event(row: Any, world: World) -> Event:
    """Normalise one stored event; what its plugin cannot read is an error on it, not an exception."""
    event = Event(row.id, row.connection, row.subject, row.received_at, Mode(row.mode))
    if row.topic == REFOLD:
        event.refold, event.body = True, row.body
        return event
    if row.topic == REWATCH:
        event.rewatch, event.body = True, row.body
        return event
    if row.topic == NEWS:
        event.news = occasion_of(row.body)
        return event
    adapter = world.adapters.get(row.connection)
    if adapter is None:
        event.error = f"there is no connection '{row.connection}' any more"
        return event
    raw = Raw(row.body, row.subject, row.dedupe_key, row.topic, row.occurred_at)
    try:
        event.records = tuple(adapter.normalise(raw))
        event.error = _beyond(adapter, event.records)
    except UnreadableError as error:
        event.error = str(error)
    except (Exception, SystemExit) as error:  # a plugin's bug must not stop the others
        event.error = f"{adapter.name} failed while reading it: {type(error).__name__}"
        log.warning("normalise of %s raised %s for event %d", row.connection, type(error).__name__, row.id)
    return event
