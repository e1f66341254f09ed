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
from .story import BOT, MAIN_SHOP, WOO


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
    errands: Sequence[Any]
    surveys: Sequence[Any]
    calls: Sequence[str]
    """Keys of the calls that the CRM took, once for each time."""
    written: Sequence[str]
    """Cases into whose order somebody wrote by the shop's interface, as the shop says."""
    lines: Sequence[Any]
    numbers: int
    repeated: int
    fresh: int
    """How many webhooks of the shops the hub knew already, and how many it did not."""
    now: datetime


async def gather(stage: Stage) -> Evidence:
    """The evidence as it stands."""
    hub = stage.town.hub
    found = await hub.db.read(_tables)
    cases = {order_id: key for key, order_id in stage.order_ids().items()}
    return Evidence(
        taken=[each for shop in stage.shops.values() for each in shop.taken()],
        inbox={hash_of(row.body, row.connection): row.state for row in found["inbox"] if row.connection in stage.shops},
        arrivals=stage.book.read(),
        cases=cases,
        orders=found["orders"],
        messages=found["messages"],
        attempts=found["attempts"],
        events=found["inbox"],
        unmapped=found["unmapped"],
        escalations=found["escalations"],
        runs=found["runs"],
        errands=found["errands"],
        surveys=found["surveys"],
        calls=[each.key for each in stage.crm.ledger],
        written=[key for key, it in stage.cases.items() if it.order and stage.shops[it.case.shop].written(it.order)],
        lines=found["timeline"],
        numbers=len({row.number for row in found["numbers"]}),
        repeated=sum(hub.receiver.counts[shop, "repeated"] for shop in stage.shops),
        fresh=sum(hub.receiver.counts[shop, "accepted"] for shop in stage.shops),
        now=stage.town.clock.now(),
    )


WRITTEN: Mapping[str, Mapping[str, Any]] = {
    MAIN_SHOP: {"ensure_ascii": False},
    WOO: {"separators": (",", ":")},
}
"""How each shop writes its JSON, members in their order."""


def hash_of(body: Any, shop: str) -> str:
    """The SHA-256 of a body as the shop wrote it."""
    return hashlib.sha256(json.dumps(body, **WRITTEN[shop]).encode()).hexdigest()


def mark_of(attempt: Any) -> str:
    """By what the arrival of an attempt is known (see `book.Arrival`)."""
    return f"{attempt.provider_id}/{attempt.address_hash}" if attempt.connection == BOT else str(attempt.key)


def _tables(connection: sa.Connection) -> Mapping[str, Sequence[Any]]:
    wanted = (
        t.inbox, t.orders, t.messages, t.attempts, t.unmapped, t.escalations, t.runs, t.timeline, t.numbers, t.errands,
        t.surveys,
    )  # fmt: skip
    return {
        each.name: connection.execute(
            sa.select(each).where(each.c.tenant == t.TENANT).order_by(*each.primary_key)
        ).all()
        for each in wanted
    }
