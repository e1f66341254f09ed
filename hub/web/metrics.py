"""Figures in Prometheus' text format: counts by connection and state, nothing about any person."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.runtime.hub import Hub
from hub.store.tables import connections, errands, escalations, inbox, messages, unmapped

_OPEN = ("due", "on_wire")
_INBOX = {0: "pending", 2: "orphan", 9: "dead"}


async def metrics_text(hub: Hub) -> str:
    """All metrics as text."""
    now = hub.clock.now()
    figures = await hub.db.read(lambda connection: _figures(connection, now))
    lines = [
        *_metric("hub_events_received_total", "Webhook events by what became of them", "counter", (
            ({"connection": connection, "result": result}, count)
            for (connection, result), count in sorted(hub.receiver.counts.items())
        )),
        *_metric("hub_attempts_total", "Attempts by channel and outcome", "counter", (
            ({"connection": connection, "outcome": outcome}, count)
            for (connection, outcome), count in sorted(hub.deliver.outcomes.items())
        )),
        *_metric("hub_errand_tries_total", "Calls and write-backs by what became of the try", "counter", (
            ({"connection": connection, "outcome": outcome}, count)
            for (connection, outcome), count in sorted(hub.errands.outcomes.items())
        )),
        *_metric("hub_errands_open", "Calls and write-backs that are not finished", "gauge", (
            ({"state": state}, figures["errands"].get(state, 0)) for state in _OPEN
        )),
        *_metric("hub_inbox_events", "Events that wait or cannot be processed", "gauge", (
            ({"state": name}, figures["inbox"].get(state, 0)) for state, name in _INBOX.items()
        )),
        *_metric("hub_messages_open", "Messages that are not finished", "gauge", (
            ({"state": state}, figures["messages"].get(state, 0)) for state in _OPEN
        )),
        *_metric("hub_messages_on_wire_at_start", "What may have gone when the hub last stopped", "gauge", (
            ({}, count) for count in (hub.uncertain_at_start,)
        )),
        *_metric("hub_escalations_open", "Matters that nobody has resolved", "gauge", (
            ({}, count) for count in (figures["escalations"],)
        )),
        *_metric("hub_escalations_overdue", "Matters that nobody has resolved in time", "gauge", (
            ({}, count) for count in (figures["overdue"],)
        )),
        *_metric("hub_shadow", "1: the whole hub runs in shadow, and nothing goes to customers", "gauge", (
            ({}, int(on)) for on in (hub.world.shadow,)
        )),
        *_metric("hub_codes_unmapped", "Native codes that nobody has mapped", "gauge", (
            ({}, count) for count in (figures["unmapped"],)
        )),
        *_metric("hub_connection_paused", "1: the connection pauses for a fault of ours", "gauge", (
            ({"connection": name}, int(bool(paused))) for name, paused in figures["connections"]
        )),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _figures(connection: sa.Connection, now: datetime) -> dict[str, Any]:
    """Each count uses a partial index, so it grows with what is open, not with what ever was."""
    inbox_counts = {
        state: connection.execute(
            sa.select(sa.func.count()).select_from(inbox).where(sa.text(f"inbox.state = {state}"))
        ).scalar_one()
        for state in _INBOX
    }
    open_states, open_errands = (
        {
            state: connection.execute(
                sa.select(sa.func.count()).select_from(table).where(sa.text(f"{table.name}.state = '{state}'"))
            ).scalar_one()
            for state in _OPEN
        }
        for table in (messages, errands)
    )
    unresolved = sa.select(sa.func.count()).select_from(escalations).where(sa.text("escalations.state <> 'resolved'"))
    unresolved = unresolved.where(escalations.c.state != "shadow")
    return {
        "inbox": inbox_counts,
        "messages": open_states,
        "errands": open_errands,
        "escalations": connection.execute(unresolved).scalar_one(),
        "overdue": connection.execute(unresolved.where(escalations.c.due_at < now)).scalar_one(),
        "unmapped": connection.execute(sa.select(sa.func.count()).select_from(unmapped)).scalar_one(),
        "connections": [
            (row.name, row.paused)
            for row in connection.execute(sa.select(connections.c.name, connections.c.paused)).all()
        ],
    }


def _metric(name: str, help_text: str, kind: str, rows: Iterable[tuple[dict[str, str], int]]) -> list[str]:
    lines = [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}"]
    for labels, value in rows:
        inside = ",".join(f'{label}="{text}"' for label, text in labels.items())
        lines.append(f"{name}{{{inside}}} {value}" if inside else f"{name} {value}")
    return lines
