"""What became of the steps that say something (`notify`, `survey`, `escalate`), for runs that care whether it failed.

A step has failed for good when nobody heard it: every message of it is over, and at least one because its list of
channels was used up or its data stayed missing. What a guard kept back (muted, refused, no longer true, too late) has
not failed: the merchant said so. Of a matter the words to staff count, whichever rung they went to.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.flows.model import Escalate, IfFails, Spoken
from hub.store.database import say_after_commit, upsert
from hub.store.tables import TENANT, messages, timers

from .plain import key_of
from .shadow import SHADOW
from .states import FINISHED, REACHED
from .world import World

KIND = "said"
"""The kind of a timer by which a run hears what became of a message of its own; `ref` is the message's key."""
STEPS = "steps"
"""Among what a message keeps: its failure has steps of its own, and its run waits for what becomes of it."""


@dataclass(frozen=True, slots=True)
class Said:
    """What became of a step, in the shape of an errand's row. `state`: due, done or failed."""

    run_key: str
    step: str
    key: str
    state: str
    reason: str = ""
    answer: Mapping[str, Any] | None = None


def wish_of(step: Spoken, run_key: str) -> dict[str, Any]:
    """What each message of a step keeps, so that its run hears of it; nothing where the run would not care."""
    if step.if_fails is IfFails.CONTINUE:
        return {}
    how = STEPS if step.holds else IfFails.STOP.value
    return {"if_fails": {"how": how, "run": run_key, "step": said_as(step, run_key)}}


def said_as(step: Any, run_key: str) -> str:
    """Under which name what became of a step is found: a matter has an id of its own."""
    return key_of(run_key, step.id)[:24] if isinstance(step, Escalate) else str(step.id)


def has_failed(row: Any) -> bool:
    """Whether a message can never be heard, and nobody meant it so."""
    return bool(row.state == "failed") or (row.state == "suppressed" and str(row.reason).startswith("missing-data"))


def is_over(row: Any, world: World) -> bool:
    """Whether it is known what became of a message: one that is only sent waits for its receipt, if it gets one."""
    if row.state == "sent":
        return not (row.connection in world.adapters and world.gives_receipts(row.connection))
    return row.state in FINISHED


def tell_run(connection: sa.Connection, dialect: str, world: World, row: Any, now: datetime) -> None:
    """Let the run of a message know what became of it, in its order's turn."""
    wish = row.doc.get("if_fails")
    if wish is None or not (has_failed(row) or (wish["how"] == STEPS and is_over(row, world))):
        return
    timer = {
        "tenant": TENANT, "slot": row.slot, "key": f"{KIND}:{row.key}", "kind": KIND, "ref": row.key,
        "order_id": row.order_id, "due_at": now, "state": 0,
    }  # fmt: skip
    keys, change = ("tenant", "key"), ("due_at", "state")
    connection.execute(upsert(timers, dialect, keys=keys, change=change), [timer])
    say_after_commit(connection, ("wake", "apply", ""))


_SAID = sa.select(
    *(messages.c[name] for name in ("order_id", "key", "state", "reason", "connection", "recipient", "doc"))
).where(messages.c.tenant == TENANT, messages.c.order_id.in_(sa.bindparam("ids", expanding=True)))


def read_said(connection: sa.Connection, world: World, ids: Sequence[str], ended: Set[str]) -> dict[str, list[Said]]:
    """Order → what became of the steps whose failure matters to their runs. `ended`: keys of messages just over."""
    found: dict[tuple[str, str, str], list[Any]] = {}
    for row in connection.execute(_SAID, {"ids": ids}) if ids else ():
        wish = row.doc.get("if_fails")
        if wish is not None:
            found.setdefault((row.order_id, wish["run"], wish["step"]), []).append(row)
    said: dict[str, list[Said]] = {}
    for (order_id, run_key, step), rows in found.items():
        said.setdefault(order_id, []).append(_became(run_key, step, rows, world, ended))
    return said


def _became(run_key: str, step: str, rows: Sequence[Any], world: World, ended: Set[str]) -> Said:
    key = next((row.key for row in rows if row.key in ended), rows[0].key)
    if any(is_over(row, world) and (row.state in REACHED or row.reason == SHADOW) for row in rows):
        return Said(run_key, step, key, "done")
    if not all(is_over(row, world) for row in rows):
        return Said(run_key, step, key, "due")
    failed = next((row for row in rows if has_failed(row)), None)
    return Said(run_key, step, key, "failed", failed.reason) if failed is not None else Said(run_key, step, key, "done")


def ended_of(timed: Iterable[Any]) -> frozenset[str]:
    """Keys of the messages of which a run is to hear now."""
    return frozenset(timer.ref for timer in timed if timer.kind == KIND)
