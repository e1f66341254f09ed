"""`hub escalation`: matters that a person must take on; for hubs whose links nobody can open, and for scripts."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._errors import Stop, refused
from ._group import Lazy, LazyGroup
from ._out import cell, moment, print_json, print_table, printable
from ._setup import config_option, configured, example, json_option, look, offline, opened

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import sqlalchemy as sa

    from hub.pipeline.matters import Act
    from hub.pipeline.world import World

COMMANDS = {
    "Commands": {
        "list": Lazy("hub.cli.escalation:list_", "What nobody has resolved yet, the most pressing first."),
        "show": Lazy("hub.cli.escalation:show", "One matter, with everything that was done about it."),
        "take": Lazy("hub.cli.escalation:take", "Take a matter on: nobody else is called for it."),
        "resolve": Lazy("hub.cli.escalation:resolve", "Close a matter, perhaps with a choice."),
        "hand-over": Lazy("hub.cli.escalation:hand_over", "Give a matter to another person or group."),
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


@click.command(epilog=example("hub escalation show 3515cca4"))
@click.argument("escalation_id")
@config_option
@json_option
def show(escalation_id: str, path: Path, as_json: bool) -> None:
    """One matter, with everything that was done about it."""
    from hub.store.queries import matter_history

    with opened(path) as db:
        row = look(db, lambda connection: _found(connection, escalation_id, closed=True))
        lines = [{"at": each.at, "what": each.doc["text"]} for each in look(db, lambda it: matter_history(it, row))]
    whole = {**_matter(row), "note": row.note, "choices": row.choices or [], "choice": row.choice, "history": lines}
    if as_json:
        print_json(whole)
        return
    click.secho(f"{whole['id']}  {cell(whole['reason'])}", bold=True)
    due = f", due {moment(row.due_at)}" if row.due_at else ""
    what = f"{row.severity}, {row.state}, with {whole['with']}{due}; order {whole['order']}, flow {row.flow}"
    click.echo(cell(what))
    if row.choices:
        click.echo(f"choices: {', '.join(row.choices)}{f'; chosen: {row.choice}' if row.choice else ''}")
    if row.note:
        click.echo(printable(row.note))
    print_table(
        ("at", "what"), [[moment(each["at"]), each["what"]] for each in lines], empty="no history is kept of it"
    )


by_option = click.option("--by", default="", help="Who does it: a person of the file.")
note_option = click.option("--note", default="", help="What was done, or is to be known; kept with it.")


@click.command(epilog=example("hub escalation take 3515cca4 --by olena"))
@click.argument("escalation_id")
@by_option
@config_option
def take(escalation_id: str, by: str, path: Path) -> None:
    """Take a matter on: nobody else is called for it."""
    from hub.pipeline.matters import Act, Wish

    _do(escalation_id, path, Act(Wish.TAKE, by))
    click.echo(f"{escalation_id} is taken{f' by {by}' if by else ''}; nobody else is called for it")


@click.command(epilog=example('hub escalation resolve 3515cca4 --note "sent a new one"'))
@click.argument("escalation_id")
@click.option("--choice", default="", help="One of its choices.")
@by_option
@note_option
@config_option
def resolve(escalation_id: str, choice: str, by: str, note: str, path: Path) -> None:
    """Close a matter, perhaps with a choice."""
    from hub.pipeline.matters import Act, Wish

    choices = _do(escalation_id, path, Act(Wish.RESOLVE, by, note, choice))
    unchosen = f", and nobody chose one of: {', '.join(choices)}" if choices and not choice else ""
    click.echo(f"{escalation_id} is resolved{unchosen}")


@click.command("hand-over", epilog=example('hub escalation hand-over 3515cca4 manager --note "they want a refund"'))
@click.argument("escalation_id")
@click.argument("to")
@by_option
@note_option
@config_option
def hand_over(escalation_id: str, to: str, by: str, note: str, path: Path) -> None:
    """Give a matter to another person or group: they are told, and must take it in time."""
    from hub.pipeline.matters import Act, Wish

    _do(escalation_id, path, Act(Wish.HAND_OVER, by, note, to=to))
    click.echo(f"{escalation_id} is handed over to {to}, who must take it now")


def _do(wanted: str, path: Path, deed: "Act") -> "Sequence[str]":
    """Do something about a matter; names that lead nowhere are refused before. Returns the choices that it had."""
    from hub.clock import SystemClock
    from hub.pipeline.matters import Became, act

    config, texts = configured(path)
    _known(deed.by, config.people, f"there is no person '{deed.by[:40]}' in {config.path.name}")
    known = (*config.staff, *config.people)
    _known(deed.to, known, f"there is no group and no person '{deed.to[:40]}' in {config.path.name}")

    def work(connection: "sa.Connection", dialect: str, world: "World") -> "Sequence[str]":
        row = _found(connection, wanted)
        _known(deed.choice, row.choices or (), f"'{deed.choice[:40]}' is no choice of {wanted[:40]}")
        if act(connection, dialect, row.uid, deed, world, SystemClock().now()) is Became.SETTLED:
            raise Stop(f"{wanted[:40]} is {row.state} already")
        return row.choices or ()

    with opened(path) as db:
        return offline(config, texts, lambda world: db.run(lambda connection: work(connection, db.dialect, world)))


def _known(name: str, names: "Collection[str]", said: str) -> None:
    from hub.config.problems import did_you_mean, listed

    if name and name not in names:
        meant = did_you_mean(name, names) or f"; there are: {listed(names) or 'none'}"
        raise refused(f"{said}{meant}")


def _found(connection: "sa.Connection", wanted: str, *, closed: bool = False) -> Any:
    from hub.store.queries import find_matters

    found = find_matters(connection, wanted, closed=closed) if len(wanted) >= MARKS else ()
    if len(found) != 1:
        word = "several escalations begin" if found else f"no escalation{'' if closed else ' that is open'} begins"
        raise Stop(f"{word} with '{wanted[:40]}'; `hub escalation list` shows those that are open")
    return found[0]
