"""Clocks that no order has: cron lines on a shop's clock (`schedule`), and connections from which nothing comes
(`stalled: connection`). Each is a timer row at the home of its shop or connection, so that the apply drain rings it as
it does those of orders: once, whatever is killed, and after a standstill for the latest time alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hub.config.model import Shop
from hub.flows.cron import Cron, cron_of
from hub.flows.model import Flow
from hub.store.database import upsert
from hub.store.tables import TENANT, connections, timers

from .names import known
from .news import home_of, is_home
from .occasions import Occasion
from .report import figures
from .stays import Clocks, micros, timer_of
from .world import World

SCHEDULE, SILENT = "schedule", "stalled.connection"
KINDS = ("schedule", "stalled")
"""Kinds of timers that stand at homes."""
SPEAKS = ("platform", "carrier")
"""Kinds of connections from which something comes as long as they work; a channel may only ever send."""
GRACE = timedelta(minutes=15)
"""How long a connection has to be heard after the hub was away itself."""


def keep(connection: sa.Connection, dialect: str, world: World, now: datetime) -> None:
    """A timer for each flow and shop, each flow and connection of the live file; those of others are called off. What
    was due while the hub was away stays due."""
    wanted = {row["key"]: row for row in (*_schedules(world, now), *_silences(connection, world, now))}
    ours = sa.select(timers.c.key, timers.c.ref, timers.c.state).where(
        timers.c.tenant == TENANT, timers.c.order_id.like("~%"), timers.c.kind.in_(KINDS)
    )
    there = {row.key: row for row in connection.execute(ours)}
    gone = [key for key, row in there.items() if key not in wanted and row.state == 0]
    if gone:
        connection.execute(sa.update(timers).where(timers.c.tenant == TENANT, timers.c.key.in_(gone)).values(state=1))
    rows = [row for key, row in wanted.items() if not _stands(row, there.get(key))]
    if rows:
        connection.execute(upsert(timers, dialect, keys=("tenant", "key"), change=("ref", "due_at", "state")), rows)


def _stands(row: Mapping[str, Any], known: Any) -> bool:
    """Whether a cron line has its timer already; a silence is reckoned anew."""
    return row["kind"] == "schedule" and known is not None and known.state == 0 and known.ref == row["ref"]


def _schedules(world: World, now: datetime) -> Iterator[dict[str, Any]]:
    for flow in world.flows_by_word.get(SCHEDULE, ()):
        for shop in world.config.shops.values():
            if flow.shops is None or shop.key in flow.shops:
                yield _schedule(flow, shop, now)


def _schedule(flow: Flow, shop: Shop, now: datetime) -> dict[str, Any]:
    at = _line(flow).next_after(now, shop.timezone)
    row = timer_of("schedule", home_of("shop", shop.key), flow.name, SCHEDULE, shop.key, at, now)
    # An edited line, or another clock, is seen by it.
    return {**row, "ref": f"{row['ref']}|{flow.given[SCHEDULE].text} {shop.timezone.key}"}


def _silences(connection: sa.Connection, world: World, now: datetime) -> Iterator[dict[str, Any]]:
    flows = world.flows_by_word.get(SILENT, ())
    heard = _last_events(connection) if flows else {}
    for flow in flows:
        for name, each in world.config.connections.items():
            if each.kind in SPEAKS and (flow.shops is None or world.shop_of(name).key in flow.shops):
                last, from_now = heard.get(name), _over(flow, now, name, world)
                due = max(_over(flow, last, name, world), min(now + GRACE, from_now)) if last else from_now
                yield timer_of("stalled", home_of("connection", name), flow.name, SILENT, name, due, now)


def _last_events(connection: sa.Connection) -> dict[str, datetime | None]:
    query = sa.select(connections.c.name, connections.c.last_event_at).where(connections.c.tenant == TENANT)
    return {row.name: row.last_event_at for row in connection.execute(query)}


# ------------------------------------------------------------------------------------------------ when they ring


def read_homes(
    connection: sa.Connection, world: World, due: Mapping[str, Sequence[Any]], now: datetime
) -> dict[str, Mapping[str, Any]]:
    """What is to be known of each timer of a home that has run out, by its key: `report` of a cron line's period, or
    when a connection was last heard."""
    found: dict[str, Mapping[str, Any]] = {}
    for timer in (each for home, some in due.items() if is_home(home) for each in some if each.kind in KINDS):
        name, word, subject = timer.ref.split("|")[:3]
        flow = _flow(world, name, word)
        if timer.kind == "schedule" and flow is not None and subject in world.config.shops:
            line, zone = _line(flow), world.config.shops[subject].timezone
            until = line.last_by(now, zone)
            since = line.last_by(until - timedelta(microseconds=1), zone)
            found[timer.key] = {"report": figures(connection, subject, since, until)}
        elif timer.kind == "stalled":
            found[timer.key] = {"last_event_at": _last_events(connection).get(subject)}
    return found


def rung(due: Sequence[Any], read: Mapping[str, Mapping[str, Any]], world: World, now: datetime) -> Clocks:
    """What timers of a home bring that have run out. Pure."""
    out = Clocks()
    for timer in due:
        if timer.key in read:
            name, word, subject = timer.ref.split("|")[:3]
            flow = _flow(world, name, word)
            if flow is not None and timer.kind == "schedule":
                _ring(flow, world.config.shops[subject], read[timer.key], now, out)
            elif flow is not None and subject in world.config.connections:
                _silent(flow, subject, read[timer.key]["last_event_at"], world, now, out)
    return out


def _ring(flow: Flow, shop: Shop, read: Mapping[str, Any], now: datetime, out: Clocks) -> None:
    at = read["report"]["until"]
    occasion = Occasion(SCHEDULE, "shop", shop.key, micros(at), now, None, names=read, source="hub", flow=flow.name)
    out.occasions.append(occasion)
    out.timers.append(_schedule(flow, shop, now))


def _silent(flow: Flow, name: str, last: datetime | None, world: World, now: datetime, out: Clocks) -> None:
    """Nothing came for so long, or something did: then the clock runs on from there. Of one that never spoke the clock
    began when the flow went live, or the connection was made."""
    over = _over(flow, last, name, world) if last is not None else now
    again = over if over > now else _over(flow, now, name, world)
    out.timers.append(timer_of("stalled", home_of("connection", name), flow.name, SILENT, name, again, now))
    if over <= now:
        occurrence = micros(last) if last else 0
        names = {"connection": connection_names(name, world, now, last_event_at=last)}
        occasion = Occasion(SILENT, "connection", name, occurrence, now, None, names=names, source=name, flow=flow.name)
        out.occasions.append(occasion)


def connection_names(
    name: str,
    world: World,
    now: datetime,
    *,
    last_event_at: datetime | None = None,
    error: str = "",
    expires_at: datetime | None = None,
) -> dict[str, Any]:
    """`connection`, as conditions and texts read it."""
    each = world.connection(name)
    return known(
        name=name,
        kind=each.kind,
        plugin=each.plugin,
        last_event_at=last_event_at,
        silent_for=now - last_event_at if last_event_at is not None else None,
        error=error,
        expires_at=expires_at,
    )


def _flow(world: World, name: str, word: str) -> Flow | None:
    return next((each for each in world.flows_by_word.get(word, ()) if each.name == name), None)


def _line(flow: Flow) -> Cron:
    return cron_of(flow.given[SCHEDULE].text)


def _over(flow: Flow, since: datetime, name: str, world: World) -> datetime:
    """When a silence since then has lasted long enough."""
    length, shop = flow.given[SILENT].length, world.shop_of(name)
    assert length is not None
    return length.after(since, shop.timezone, shop.hours)
