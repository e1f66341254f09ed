"""`hub event`: the inbox, where everything lies as it came."""

from pathlib import Path
from typing import Any

import click

from ._errors import Stop
from ._group import Lazy, LazyGroup
from ._out import moment, print_json, print_table
from ._setup import config_option, example, json_option, look, number_in, opened

COMMANDS = {
    "Commands": {
        "list": Lazy("hub.cli.event:list_", "The newest events."),
        "show": Lazy("hub.cli.event:show", "One event whole, as it came."),
        "replay": Lazy("hub.cli.event:replay", "Let an event be applied again."),
        "dismiss": Lazy("hub.cli.event:dismiss", "Put an event aside for good."),
    }
}
STATES = ("pending", "done", "orphan", "dead", "dismissed")


@click.command("event", cls=LazyGroup, sections=COMMANDS)
def event() -> None:
    """Look into the inbox; replay or dismiss an event."""


@click.command(
    "list", epilog=example("hub event list --state dead", "hub event list --connection main-shop --limit 20")
)
@config_option
@click.option("--state", type=click.Choice(STATES), help="Only events in this state.")
@click.option("--connection", "source", help="Only events of this connection.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many.")
@json_option
def list_(path: Path, state: str | None, source: str | None, limit: int, as_json: bool) -> None:
    """The newest events, without what stands in them."""
    from hub.store.queries import list_events

    with opened(path) as db:
        rows = look(db, lambda connection: list_events(connection, state=state, source=source, limit=limit))
    if as_json:
        print_json([plain(row) for row in rows])
        return
    print_table(
        ("id", "received", "connection", "subject", "topic", "state", "why"),
        [
            (f"e{row.id}", row.received_at, row.connection, row.subject, row.topic, _word(row), row.error)
            for row in rows
        ],
        empty="no events",
    )


@click.command(epilog=example("hub event show e12"))
@click.argument("event_id")
@config_option
@json_option
def show(event_id: str, path: Path, as_json: bool) -> None:
    """One event whole, as it came. It may hold personal data."""
    from hub.store.queries import find_event

    number = number_in(event_id, "e")
    with opened(path) as db:
        row = look(db, lambda connection: find_event(connection, number))
    if row is None:
        raise _absent(number)
    if as_json:
        print_json({**plain(row), "body": row.body})
        return
    for name, value in plain(row).items():
        click.echo(f"{name + ':':<13}{moment(getattr(row, name)) if name.endswith('_at') else value}".rstrip())
    print_json(row.body)


@click.command(epilog=example("hub event replay e12"))
@click.argument("event_id")
@config_option
def replay(event_id: str, path: Path) -> None:
    """Let an event be applied again. What it did already it does not do twice."""
    from hub.store.queries import replay_event

    number = number_in(event_id, "e")
    with opened(path) as db:
        before = db.run(lambda connection: replay_event(connection, number))
    if not before:
        raise _absent(number)
    click.echo(f"e{number} was {before}; a running hub takes it up within a second")


@click.command(epilog=example('hub event dismiss e12 --reason "a test order"'))
@click.argument("event_id")
@click.option("--reason", default="by hand", show_default=True, help="Why; kept with the event.")
@config_option
def dismiss(event_id: str, reason: str, path: Path) -> None:
    """Put an event aside for good. It stays in the inbox with the reason."""
    from hub.clock import SystemClock
    from hub.store.queries import dismiss_event

    number, now = number_in(event_id, "e"), SystemClock().now()
    with opened(path) as db:
        before = db.run(lambda connection: dismiss_event(connection, number, reason, now))
    if not before:
        raise _absent(number)
    click.echo(f"e{number} was {before} and is dismissed")


def plain(row: Any) -> dict[str, Any]:
    """An event without its body, for programs."""
    return {
        "id": f"e{row.id}",
        "connection": row.connection,
        "subject": row.subject,
        "topic": row.topic,
        "state": _word(row),
        "error": row.error,
        "mode": row.mode,
        "occurred_at": row.occurred_at,
        "received_at": row.received_at,
        "done_at": row.done_at,
        "dedupe_key": row.dedupe_key,
    }


def _word(row: Any) -> str:
    from hub.store.queries import state_word

    return state_word(row.state)


def _absent(number: int) -> Stop:
    return Stop(f"there is no event e{number}; `hub event list` shows the newest")
