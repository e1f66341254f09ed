"""`hub breaker`: flows that are held because they said far more than usual."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._errors import Stop
from ._group import Lazy, LazyGroup
from ._out import counted, print_json, print_table
from ._setup import config_option, configured, example, json_option, look, offline, opened

if TYPE_CHECKING:
    from collections.abc import Callable

    import sqlalchemy as sa

    from hub.pipeline.world import World

COMMANDS = {
    "Commands": {
        "show": Lazy("hub.cli.breaker:show", "What is held, and what it would say."),
        "release": Lazy("hub.cli.breaker:release", "It was meant: let a flow go on, with all that it held."),
        "drop": Lazy("hub.cli.breaker:drop", "It was a mistake: let a flow go on without what it held."),
    }
}
MOST = 50
"""Messages of a flow that are shown."""


@click.command("breaker", cls=LazyGroup, sections=COMMANDS)
def breaker() -> None:
    """Flows that said far more in an hour than they ever do. What more they have to say is held until you decide
    (contact.breaker in flows.yaml says what is far more)."""


@click.command(epilog=example("hub breaker show", "hub breaker show shipped", "hub breaker show --json"))
@click.argument("flow", default="")
@config_option
@json_option
def show(flow: str, path: Path, as_json: bool) -> None:
    """What is held, and what it would say. With the name of a flow: its messages, the oldest first."""
    from hub.pipeline.breaker import held_flows, held_messages

    with opened(path) as db:
        flows = look(db, held_flows)
        rows = look(db, lambda connection: held_messages(connection, flow, MOST)) if flow else ()
    if flow:
        _messages([_message(row) for row in rows], as_json)
    elif as_json:
        print_json(flows)
    else:
        columns = ("flow", "shadow", "messages", "since", "sent", "most")
        table = [["yes" if each.get(name) is True else each.get(name) or "" for name in columns] for each in flows]
        headings = ("flow", "in shadow", "held", "since", "said in that hour", "usual at most")
        print_table(headings, table, empty="nothing is held")
        if flows:
            click.echo("`hub breaker release FLOW` if it was meant, `hub breaker drop FLOW` if it was a mistake")


def _message(row: Any) -> dict[str, Any]:
    return {"id": f"m{row.id}", "order": row.number or row.order_id, "template": row.template, "at": row.created_at}


def _messages(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    columns = ("id", "order", "template", "at")
    print_table(columns, [[row[name] for name in columns] for row in rows], empty="nothing of it is held")


@click.command(epilog=example("hub breaker release shipped"))
@click.argument("flow")
@config_option
def release(flow: str, path: Path) -> None:
    """It was meant: let a flow go on, with all that it held. What is no longer true is not said even so."""
    from hub.clock import SystemClock
    from hub.pipeline.breaker import release as let_go

    now = SystemClock().now()
    many = _do(path, flow, lambda connection, dialect, world: let_go(connection, dialect, flow, world, now))
    click.echo(f"{flow} goes on; {counted(many, 'message')} may leave, a running hub takes them up within a second")


@click.command(epilog=example('hub breaker drop shipped --reason "wrong status map"'))
@click.argument("flow")
@click.option("--reason", default="a mistake", show_default=True, help="Why; kept with each message.")
@config_option
def drop(flow: str, reason: str, path: Path) -> None:
    """It was a mistake: let a flow go on without what it held. Those messages are never sent."""
    from hub.clock import SystemClock
    from hub.pipeline.breaker import drop as never

    now = SystemClock().now()
    many = _do(path, flow, lambda connection, dialect, world: never(connection, dialect, flow, reason, world, now))
    click.echo(f"{flow} goes on; {counted(many, 'message')} will never be sent")


def _do(path: Path, flow: str, work: "Callable[[sa.Connection, str, World], int | None]") -> int:
    config, texts = configured(path)
    with opened(path) as db:
        many = offline(config, texts, lambda world: db.run(lambda connection: work(connection, db.dialect, world)))
    if many is None:
        raise Stop(f"nothing of '{flow[:40]}' is held; see `hub breaker show`")
    return many
