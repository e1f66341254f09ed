"""What the hub itself tells the people who look after it: a connection that pauses, a code that nobody mapped."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.config.model import Rung
from hub.store.tables import TENANT, slot_of

from .news import is_home
from .plain import key_of, to_plain
from .shadow import realm, write_messages
from .world import World

MANAGERS = "manager"
CARETAKERS = ("integrator", MANAGERS)
"""Staff groups that look after the hub, the first that exists; else the first group of the file."""


def tell_paused(connection: sa.Connection, dialect: str, name: str, reason: str, world: World, now: datetime) -> None:
    """A connection pauses for a fault of ours; told once a day for each reason, by every channel but the paused
    one."""
    each = world.config.connections.get(name)
    said = {"name": name, "kind": each.kind if each else "", "plugin": each.plugin if each else "", "error": reason}
    # It may pause and recover many times a day, when only some of what it is asked is refused.
    occasion = f"paused|{name}|{reason}|{now:%Y-%m-%d}"
    _tell(connection, dialect, world, now, "staff-connection-paused", occasion, {"connection": said}, without=name)


def tell_unmapped(
    connection: sa.Connection, dialect: str, name: str, vocabulary: str, code: str, world: World, now: datetime
) -> None:
    """A code that nobody mapped was seen for the first time; told once per code, not per parcel."""
    said = {"connection": name, "code": code, "first_seen_at": now}
    occasion = f"unmapped|{name}|{vocabulary}|{code}"
    _tell(connection, dialect, world, now, "staff-unmapped-status", occasion, {"unmapped": said})


def tell_notice(
    connection: sa.Connection,
    dialect: str,
    occasion: str,
    notice: Mapping[str, Any],
    world: World,
    now: datetime,
    *,
    order_id: str = "",
    subject: str = "",
) -> None:
    """Something that a person should look at, told once per occasion: `notice` has kind (flagged, contradiction,
    foreign, trouble, retracted, moving, removed, merged, refused, parked, errand, limit, silence, webhooks), source,
    said, reason, channel, template, count, since."""
    said = {name: value for name, value in notice.items() if value}
    without = notice.get("channel", "")
    _tell(connection, dialect, world, now, "staff-notice", occasion, {"notice": said}, without=without,
          order_id=order_id, subject=subject)  # fmt: skip


def _tell(
    connection: sa.Connection,
    dialect: str,
    world: World,
    now: datetime,
    template: str,
    occasion: str,
    extra: Mapping[str, Any],
    *,
    without: str = "",
    order_id: str = "",
    subject: str = "",
) -> None:
    # What the hub itself lacks is told in shadow too: it is there to be seen. Orders are the other system's.
    shadow = world.shadow and bool(order_id) and not is_home(order_id)
    rung = caretakers(world)
    if rung is not None:
        told = replace(rung, via=tuple(each for each in rung.via if each != without))
        rows = told_rows(told, template, occasion, extra, now, order_id=order_id, subject=subject, shadow=shadow)
        write_messages(connection, dialect, world, rows)


def told_rows(
    group: Rung,
    template: str,
    occasion: str,
    extra: Mapping[str, Any],
    now: datetime,
    *,
    order_id: str,
    subject: str,
    shadow: bool,
) -> list[dict[str, Any]]:
    """One message to each person of a group, with nothing to acknowledge; once for each occasion."""
    return [
        {
            "tenant": TENANT,
            "slot": slot_of(occasion),
            "key": key_of(TENANT, realm(occasion, shadow), person),
            "order_id": order_id,
            "subject": subject,
            "template": template,
            "cls": "transactional",
            "recipient": f"staff:{person}",
            "state": "due",
            "shadow": int(shadow),
            "due_at": now,
            "created_at": now,
            "doc": {"via": list(group.via), "urgent": True, "extra": to_plain(dict(extra))},
        }
        for person in group.people
    ]


def first_group(world: World) -> str:
    """The group that is asked where nobody is named: the managers, else the first; empty: the file has none."""
    staff = world.config.staff
    return MANAGERS if MANAGERS in staff else next(iter(staff), "")


def caretakers(world: World) -> Rung | None:
    """The group that looks after the hub; None: the file names nobody."""
    staff = world.config.staff
    named = next((staff[name] for name in CARETAKERS if name in staff), None)
    return named or next(iter(staff.values()), None)
