"""`hub escalation`: matters that a person must take on; for hubs whose links nobody can open, and for scripts."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._errors import Stop, refused
from ._group import Lazy, LazyGroup
from ._out import print_json, print_table
from ._setup import config_option, example, json_option, look, opened

if TYPE_CHECKING:
    import sqlalchemy as sa

COMMANDS = {
    "Commands": {
        "list": Lazy("hub.cli.escalation:list_", "What nobody has resolved yet, the most pressing first."),
        "acknowledge": Lazy("hub.cli.escalation:acknowledge", "Take a matter on: nobody else is called for it."),
        "resolve": Lazy("hub.cli.escalation:resolve", "Close a matter."),
    }
}
MARKS = 8
"""How much of an id is shown; what is given may be longer."""


@click.command("escalation", cls=LazyGroup, sections=COMMANDS)
def escalation() -> None:
    """Matters that a person must take on. The links in messages to staff do the same."""


@click.command("list", epilog=example("hub escalation list", "hub escalation list --json"))
@config_option
@json_option
def list_(path: Path, as_json: bool) -> None:
    """What nobody has resolved yet, the most pressing first."""
    from hub.store.queries import open_matters

    with opened(path) as db:
        rows = [_matter(row) for row in look(db, open_matters)]
    if as_json:
        print_json(rows)
        return
    headings = ("id", "severity", "state", "with", "order", "due", "why")
    columns = ("id", "severity", "state", "with", "order", "due_at", "reason")
    print_table(headings, [[row[each] for each in columns] for row in rows], empty="nothing waits for a person")


def _matter(row: Any) -> dict[str, Any]:
    return {
        "id": row.uid[:MARKS],
        "severity": row.severity,
        "state": row.state,
        "with": row.owner or row.rung,
        "order": row.number or row.order_id,
        "flow": row.flow,
        "reason": row.reason,
        "opened_at": row.opened_at,
        "due_at": row.due_at,
    }


@click.command(epilog=example("hub escalation acknowledge 3515cca4 --by olena"))
@click.argument("escalation_id")
@click.option("--by", default="", help="Who takes it on: a person of the file.")
@config_option
def acknowledge(escalation_id: str, by: str, path: Path) -> None:
    """Take a matter on: nobody else is called for it."""
    from hub.clock import SystemClock
    from hub.store.queries import acknowledge_matter

    if by:
        _known(by, path)
    now = SystemClock().now()
    _change(escalation_id, path, lambda connection, uid: acknowledge_matter(connection, uid, now, owner=by))
    click.echo(f"{escalation_id} is taken{f' by {by}' if by else ''}; nobody else is called for it")


@click.command(epilog=example('hub escalation resolve 3515cca4 --note "sent a new one"'))
@click.argument("escalation_id")
@click.option("--note", default="", help="What was done; kept with it.")
@config_option
def resolve(escalation_id: str, note: str, path: Path) -> None:
    """Close a matter."""
    from hub.clock import SystemClock
    from hub.store.queries import resolve_matter

    now = SystemClock().now()
    _change(escalation_id, path, lambda connection, uid: resolve_matter(connection, uid, note, now))
    click.echo(f"{escalation_id} is resolved")


def _known(person: str, path: Path) -> None:
    from hub.config.problems import did_you_mean, listed

    from ._setup import configured

    config, _ = configured(path)
    if person not in config.people:
        meant = did_you_mean(person, config.people) or f"; there are: {listed(config.people) or 'none'}"
        raise refused(f"there is no person '{person[:40]}' in {config.path.name}{meant}")


def _change(wanted: str, path: Path, change: "Callable[[sa.Connection, str], bool]") -> None:
    from hub.store.queries import find_matters

    def work(connection: "sa.Connection") -> None:
        found = find_matters(connection, wanted) if len(wanted) >= MARKS else ()
        if len(found) != 1:
            word = "several escalations begin" if found else "no escalation that is open begins"
            raise Stop(f"{word} with '{wanted[:40]}'; `hub escalation list` shows them")
        if not change(connection, found[0].uid):
            raise Stop(f"{wanted[:40]} is {found[0].state} already")

    with opened(path) as db:
        db.run(work)
