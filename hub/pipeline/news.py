"""Happenings that are no status: a matter is overdue, a survey is answered, a connection fails. They are events of the
hub's own in the inbox, so that each is on disk with what caused it, acts once, and is applied in its order's turn.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.config.model import Shop
from hub.store.database import insert_new, say_after_commit
from hub.store.tables import TENANT, InboxState, inbox, slot_of

from .occasions import Occasion
from .plain import from_plain, key_of, to_plain
from .world import World

NEWS = "hub.news"
"""Topic of these events."""
SOURCE = "hub"
"""What they stand under where a connection is named."""
NOBODY = "~"
"""Where a flow is named: it begins none. Waits and `stop_on` of runs that live hear it all the same."""
HOME = "~"
"""Begins the id under which runs are kept that no order belongs to: `~connection:inpost`, `~shop:kavovar`."""


def home_of(kind: str, name: str) -> str:
    """Where a connection's or a shop's runs are kept."""
    return f"{HOME}{kind}:{name}"


def is_home(order_id: str) -> bool:
    """Whether an id is a home and no order's."""
    return order_id.startswith(HOME)


def shop_of_home(home: str, world: World) -> Shop:
    """The shop whose clock, language and channels count there."""
    kind, _, name = home.removeprefix(HOME).partition(":")
    if kind == "shop" and name in world.config.shops:
        return world.config.shops[name]
    if kind == "connection" and name in world.config.connections:
        return world.shop_of(name)
    return next(iter(world.config.shops.values()))


def shop_about(order_id: str, world: World) -> Shop:
    """The shop of an order, or of a home; the first where that is not in the file any more."""
    connection = order_id.partition(":")[0]
    if not is_home(order_id) and connection in world.config.connections:
        return world.shop_of(connection)
    return shop_of_home(order_id, world)


def report(
    connection: sa.Connection,
    dialect: str,
    world: World,
    *,
    home: str,
    word: str,
    kind: str,
    subject: str,
    occurrence: int,
    at: datetime,
    now: datetime,
    names: Mapping[str, Any] | None = None,
    changed: Sequence[str] = (),
    flow: str = "",
    run: str = "",
    shadow: bool = False,
    again: int = 0,
) -> None:
    """Let flows know that something happened, with the caller's transaction. Told again it is nothing new: it acts once
    for each home, word, subject, occurrence and flow. What nobody listens to is not written.

    `home`: the order's id, or `home_of(…)`; `kind` and `subject`: what a run is about (a shipment, a question);
    `occurrence`: made of content, never of arrival; `names`: frozen for conditions and texts; `flow`: the one flow
    that it is for; `run`: the one run that hears of it in waits and `stop_on`; `shadow`: it came of a shadow's message,
    and only shadows hear of it; `again`: which telling of the occurrence it is, where more is known now: flows that it
    started are not started once more."""
    if not world.hears(word):
        return
    body = {
        "word": word, "kind": kind, "subject": subject, "occurrence": occurrence, "at": to_plain(at),
        "names": to_plain(dict(names or {})), "changed": list(changed), "flow": flow, "run": run,
        "shadow": shadow,
    }  # fmt: skip
    row = {
        "tenant": TENANT,
        "slot": slot_of(home),
        "connection": SOURCE,
        "dedupe_key": _key(home, word, kind, subject, occurrence, flow, again),
        "subject": f"news:{home}",
        "topic": NEWS,
        "body": body,
        "occurred_at": at,
        "received_at": now,
        "mode": "live",
        "state": InboxState.PENDING,
    }
    connection.execute(insert_new(inbox, dialect).values(**row))
    say_after_commit(connection, ("wake", "apply", ""))


def told_at(
    connection: sa.Connection, home: str, word: str, kind: str, subject: str, occurrence: int, flow: str = ""
) -> datetime | None:
    """When flows were let know of this; None: they were not."""
    key = _key(home, word, kind, subject, occurrence, flow)
    same = (inbox.c.tenant == TENANT, inbox.c.connection == SOURCE, inbox.c.dedupe_key == key)
    return connection.execute(sa.select(inbox.c.occurred_at).where(*same)).scalar()


def _key(home: str, word: str, kind: str, subject: str, occurrence: int, flow: str, again: int = 0) -> str:
    return key_of(NEWS, home, word, kind, subject, occurrence, flow, *([again] if again else []))


def occasion_of(body: Mapping[str, Any]) -> Occasion:
    """What such an event says."""
    return Occasion(
        body["word"],
        body["kind"],
        body["subject"],
        body["occurrence"],
        from_plain(body["at"]),
        None,
        names=from_plain(body["names"]),
        changed=tuple(body["changed"]),
        flow=body["flow"],
        run=body["run"],
        shadow=body["shadow"],
    )
