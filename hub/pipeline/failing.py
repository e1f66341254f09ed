"""Connections that fail, and credentials that end: what flows hear of them (`connection.failing`, `.expiring`)."""

from datetime import datetime, time, timedelta

import sqlalchemy as sa

from hub.flows.model import first_real
from hub.plugin.http import client_state
from hub.store.tables import TENANT, connections

from .appointments import connection_names
from .news import home_of, report
from .staff import tell_paused
from .stays import micros
from .world import World

FAILING, EXPIRING = "connection.failing", "connection.expiring"
AHEAD = timedelta(days=14)
"""How long before its end a credential is spoken of."""


def paused(connection: sa.Connection, dialect: str, name: str, reason: str, world: World, now: datetime) -> None:
    """A connection pauses for a fault of ours. A flow of the merchant's own that listens speaks in the hub's place."""
    if world.shadow or not world.speaks(FAILING, name):
        tell_paused(connection, dialect, name, reason, world, now)
    _report(connection, dialect, name, reason, now, world, now)


def left_alone(connection: sa.Connection, dialect: str, name: str, world: World, now: datetime) -> None:
    """A call failed in a way that time may heal; when it was the one that opened the breaker, flows hear of it."""
    adapter = world.adapters.get(name)
    state = client_state(adapter.client) if adapter is not None else None
    if state is not None and state.open and state.since is not None:
        _report(connection, dialect, name, state.reason, state.since, world, now)


def _report(
    connection: sa.Connection, dialect: str, name: str, reason: str, since: datetime, world: World, now: datetime
) -> None:
    if name not in world.config.connections or not world.hears(FAILING):
        return
    last = sa.select(connections.c.last_event_at).where(connections.c.tenant == TENANT, connections.c.name == name)
    names = connection_names(name, world, now, last_event_at=connection.execute(last).scalar(), error=reason)
    report(
        connection, dialect, world, home=home_of("connection", name), word=FAILING, kind="connection", subject=name,
        occurrence=micros(since), at=now, now=now, names={"connection": names},
    )  # fmt: skip


def tell_expiring(connection: sa.Connection, dialect: str, world: World, now: datetime) -> None:
    """Say of each credential that ends within two weeks that it does; once for each credential and end."""
    for name in world.config.connections:
        at = expires_at(name, world)
        if at is not None and at - now <= AHEAD:
            names = {"connection": connection_names(name, world, now, expires_at=at)}
            report(
                connection, dialect, world, home=home_of("connection", name), word=EXPIRING, kind="connection",
                subject=name, occurrence=micros(at), at=now, now=now, names=names,
            )  # fmt: skip


def expires_at(name: str, world: World) -> datetime | None:
    """When the credential of a connection ends: what its plugin can tell, else the day that the file names, from its
    first moment on the shop's clock."""
    known, day = world.adapters[name].expires_at(), world.connection(name).expires
    if known is not None or day is None:
        return known
    return first_real(datetime.combine(day, time(0)), world.shop_of(name).timezone)
