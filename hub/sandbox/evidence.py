"""Both sides of the reckoning: what the world outside wrote down, and what the hub's database says. Only read here."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.store import tables as t

from .book import Arrival
from .stage import Stage


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that is compared. `taken`: the SHA-256 of each webhook body that the hub answered with 2xx, once for
    each time; `inbox`: the same of what is in the inbox, with the event's state; `cases`: order id → case."""

    taken: Sequence[str]
    inbox: Mapping[str, int]
    arrivals: Sequence[Arrival]
    cases: Mapping[str, str]
    orders: Sequence[Any]
    messages: Sequence[Any]
    attempts: Sequence[Any]
    events: Sequence[Any]
    unmapped: Sequence[Any]
    escalations: Sequence[Any]
    runs: Sequence[Any]
    lines: Sequence[Any]
    numbers: int
    repeated: int
    now: datetime


async def gather(stage: Stage) -> Evidence:
    """The evidence as it stands."""
    hub = stage.town.hub
    found = await hub.db.read(_tables)
    cases = {f"main-shop:{it.order}": key for key, it in stage.cases.items() if it.order}
    return Evidence(
        taken=[each.body_hash for each in stage.shop.ledger.where(kind="webhook") if 200 <= (each.status or 0) < 300],
        inbox={hash_of(row.body): row.state for row in found["inbox"] if row.connection == "main-shop"},
        arrivals=stage.book.read(),
        cases=cases,
        orders=found["orders"],
        messages=found["messages"],
        attempts=found["attempts"],
        events=found["inbox"],
        unmapped=found["unmapped"],
        escalations=found["escalations"],
        runs=found["runs"],
        lines=found["timeline"],
        numbers=len({row.number for row in found["numbers"]}),
        repeated=sum(count for (_, result), count in hub.receiver.counts.items() if result == "repeated"),
        now=stage.town.clock.now(),
    )


def hash_of(body: Any) -> str:
    """The SHA-256 of a body as the shop wrote it: members in their order, nothing escaped that need not be."""
    return hashlib.sha256(json.dumps(body, ensure_ascii=False).encode()).hexdigest()


def mark_of(attempt: Any) -> str:
    """By what the arrival of an attempt is known (see `book.Arrival`)."""
    return str(attempt.key) if attempt.connection == "mail" else f"{attempt.provider_id}/{attempt.address_hash}"


def _tables(connection: sa.Connection) -> Mapping[str, Sequence[Any]]:
    wanted = (t.inbox, t.orders, t.messages, t.attempts, t.unmapped, t.escalations, t.runs, t.timeline, t.numbers)
    return {
        each.name: connection.execute(
            sa.select(each).where(each.c.tenant == t.TENANT).order_by(*each.primary_key)
        ).all()
        for each in wanted
    }
