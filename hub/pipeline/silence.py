"""Webhooks that have fallen silent: polls go on finding orders, and the platform told of none of them.

Kept in memory: what a hub that was restarted has forgotten, the next orders show anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from hub.plugin import Adapter, Raw
from hub.store.tables import TENANT, connections

from .staff import tell_notice
from .world import World

GRACE = timedelta(minutes=10)
"""How much later than an order's change its webhook may come; a busy shop's queue takes some minutes."""
NOTED_EVERY = timedelta(minutes=1)
"""How often the last webhook of a connection is noted."""
ENOUGH = 2
"""Orders without a webhook that make a silence: one may have been changed in a way that the platform tells nobody."""


@dataclass(slots=True)
class Silences:
    """Of each connection the orders that a poll found, with the time of their change, until a webhook comes."""

    found: dict[str, dict[str, datetime]] = field(default_factory=dict)
    told: dict[str, datetime | None] = field(default_factory=dict)
    """Connection → its last webhook before the silence that was told."""

    def polled(self, name: str, events: Iterable[Raw], now: datetime) -> None:
        """A poll found orders that the hub did not know so."""
        orders = self.found.setdefault(name, {})
        for raw in events:
            if raw.subject.startswith("order:"):
                orders[raw.subject] = raw.occurred_at or now

    def tell(self, connection: sa.Connection, dialect: str, name: str, world: World, now: datetime) -> None:
        """Staff hear of a silence once: how many orders were found by asking alone, and since when."""
        if not self.found.get(name) or not _takes_webhooks(name, world):
            self.found.pop(name, None)
            return
        query = sa.select(connections.c.last_webhook_at).where(connections.c.tenant == TENANT)
        last = connection.scalar(query.where(connections.c.name == name))
        orders = {ref: at for ref, at in self.found[name].items() if last is None or at > last + NOTED_EVERY}
        self.found[name] = orders
        late = [at for at in orders.values() if at <= now - GRACE]
        known = self.told.get(name, now) == last
        if not known and len(late) < ENOUGH:
            return
        del self.found[name]  # nothing more is said of this silence
        if known:
            return
        self.told[name] = last
        notice = {"kind": "silence", "source": name, "count": len(orders), "since": min(orders.values())}
        tell_notice(connection, dialect, f"silence|{name}|{last or 'ever'}", notice, world, now)


def _takes_webhooks(name: str, world: World) -> bool:
    return world.webhook_url(name) is not None and type(world.adapters[name]).verify is not Adapter.verify


def tell_mended(
    connection: sa.Connection, dialect: str, name: str, lines: Iterable[str], world: World, now: datetime
) -> None:
    """A look at our webhooks found something else than the look before had left, and set it right: somebody, or the
    other system itself, had changed it. Told once a day for each such finding."""
    said = "; ".join(lines)
    if said:
        notice = {"kind": "webhooks", "source": name, "said": said}
        tell_notice(connection, dialect, f"webhooks|{name}|{said}|{now:%Y-%m-%d}", notice, world, now)
