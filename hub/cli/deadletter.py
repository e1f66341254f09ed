"""`hub deadletter`: what cannot be processed, kept with its reason until somebody replays or dismisses it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ._errors import Stop, refused
from ._group import Lazy, LazyGroup
from ._out import counted, print_json, print_table
from ._setup import config_option, example, json_option, look, number_in, opened

COMMANDS = {
    "Commands": {
        "list": Lazy("hub.cli.deadletter:list_", "Everything that waits for you, with the reason."),
        "replay": Lazy("hub.cli.deadletter:replay", "Try it again, once the cause is mended."),
        "dismiss": Lazy("hub.cli.deadletter:dismiss", "Put it aside."),
    }
}
KINDS = {"e": "event", "m": "message", "r": "run", "c": "errand", "t": "timer"}
"""First letter of an id → what it is of."""


@click.command("deadletter", cls=LazyGroup, sections=COMMANDS)
def deadletter() -> None:
    """What cannot be processed: events that nobody can read (e12), messages that reached nobody (m34), runs that
    cannot go on (r5), calls and write-backs that were not taken (c6), timers whose work failed (t7)."""


@click.command("list", epilog=example("hub deadletter list", "hub deadletter list --json"))
@config_option
@json_option
def list_(path: Path, as_json: bool) -> None:
    """Everything that waits for you, with the reason."""
    with opened(path) as db:
        rows = look(db, _all)
    if as_json:
        print_json(rows)
        return
    table = [(row["id"], row["at"], row["order"], row["what"], row["reason"]) for row in rows]
    print_table(("id", "since", "order", "what", "why"), table, empty="no dead letters")
    if rows:
        click.echo(f"{counted(len(rows), 'dead letter')}; `hub deadletter replay ID` or `dismiss ID`")


def _all(connection: Any) -> list[dict[str, Any]]:
    from hub.store import queries
    from hub.store.errands import failed_errands

    return [
        *(
            _row("e", row, row.received_at, _order_of(row), f"{row.connection}: {row.topic or row.subject}", row.error)
            for row in queries.dead_events(connection)
        ),
        *(
            _row(
                "m", row, row.finished_at or row.created_at, row.order_id, f"{row.template} to {_whom(row)}", row.reason
            )
            for row in queries.failed_messages(connection)
        ),
        *(
            _row("r", row, row.ended_at or row.started_at, row.order_id, f"flow {row.flow} ({row.word})", row.reason)
            for row in queries.parked_runs(connection)
        ),
        *(
            _row(
                "c",
                row,
                row.finished_at,
                row.order_id,
                f"{row.step} of flow {row.flow} by {row.connection}",
                row.reason,
            )
            for row in failed_errands(connection)
        ),
        *(
            _row("t", row, row.due_at, row.order_id, f"{row.kind} timer", "its work failed; the log names the error")
            for row in queries.stuck_timers(connection)
        ),
    ]


def _row(letter: str, row: Any, at: Any, order: str, what: str, reason: str) -> dict[str, Any]:
    return {"id": f"{letter}{row.id}", "kind": KINDS[letter], "at": at, "order": order, "what": what, "reason": reason}


def _order_of(row: Any) -> str:
    ref = row.subject.removeprefix("order:")
    return f"{row.connection}:{ref}" if ref != row.subject else ""


def _whom(row: Any) -> str:
    return str(row.recipient)


@click.command(epilog=example("hub deadletter replay e12 m34"))
@click.argument("ids", nargs=-1, required=True)
@config_option
def replay(ids: Sequence[str], path: Path) -> None:
    """Try it again, once the cause is mended. A message is offered to all its channels anew."""
    from hub.clock import SystemClock
    from hub.store import queries
    from hub.store.errands import replay_errand

    now = SystemClock().now()
    again = {
        "e": lambda connection, number: (
            _dead_event(connection, number) and bool(queries.replay_event(connection, number))
        ),
        "m": lambda connection, number: queries.replay_message(connection, number, now),
        "r": lambda connection, number: queries.replay_run(connection, number, now),
        "c": lambda connection, number: replay_errand(connection, number, now),
        "t": lambda connection, number: queries.set_timer(connection, number, again=True),
    }
    _each(ids, path, again, "is tried again; a running hub takes it up within a second")


@click.command(epilog=example('hub deadletter dismiss m34 --reason "called the customer"'))
@click.argument("ids", nargs=-1, required=True)
@click.option("--reason", default="by hand", show_default=True, help="Why; kept with it.")
@config_option
def dismiss(ids: Sequence[str], reason: str, path: Path) -> None:
    """Put it aside. It stays in the database with the reason."""
    from hub.clock import SystemClock
    from hub.store import queries
    from hub.store.errands import dismiss_errand

    now = SystemClock().now()
    aside = {
        "e": lambda connection, number: (
            _dead_event(connection, number) and bool(queries.dismiss_event(connection, number, reason, now))
        ),
        "m": lambda connection, number: queries.dismiss_message(connection, number, reason),
        "r": lambda connection, number: queries.dismiss_run(connection, number, reason, now),
        "c": lambda connection, number: dismiss_errand(connection, number, reason),
        "t": lambda connection, number: queries.set_timer(connection, number, again=False),
    }
    _each(ids, path, aside, "is dismissed")


def _dead_event(connection: Any, number: int) -> bool:
    from hub.store.queries import find_event
    from hub.store.tables import InboxState

    row = find_event(connection, number)
    return row is not None and row.state == InboxState.DEAD


def _each(ids: Sequence[str], path: Path, doing: Any, done: str) -> None:
    """All of them in one transaction: one wrong id, and nothing is changed."""
    wanted = [_parsed(each) for each in ids]

    def work(connection: Any) -> None:
        for letter, number in wanted:
            if not doing[letter](connection, number):
                raise Stop(f"there is no dead {KINDS[letter]} {letter}{number}; see `hub deadletter list`")

    with opened(path) as db:
        db.run(work)
    for letter, number in wanted:
        click.echo(f"{letter}{number} {done}")


def _parsed(text: str) -> tuple[str, int]:
    letter = text[:1]
    if letter not in KINDS:
        raise refused(f"'{text[:40]}' is no id of a dead letter; ids look like e12, m34, r5, c6, t7")
    return letter, number_in(text, letter)
