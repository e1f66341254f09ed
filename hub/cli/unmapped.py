"""`hub unmapped`: codes that nobody mapped. Unknown is unknown, until a person says what it means."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._edit import CannotEditError, MapRow, holds, with_row
from ._errors import FAILED, Stop, refused
from ._files import replace_file
from ._group import Lazy, LazyGroup
from ._out import moment, print_json, title
from ._setup import (
    Configuration,
    config_option,
    example,
    existing,
    files_of,
    json_option,
    look,
    offline,
    opened,
    read_configuration,
    tell_refused,
    top_of,
)

if TYPE_CHECKING:
    import sqlalchemy as sa

    from hub.pipeline.state import OrderView
    from hub.pipeline.world import World

COMMANDS = {
    "Commands": {
        "list": Lazy("hub.cli.unmapped:list_", "All of them, with a line to paste."),
        "map": Lazy("hub.cli.unmapped:map_", "Write into flows.yaml what a code means."),
    }
}


@click.command("unmapped", cls=LazyGroup, sections=COMMANDS)
def unmapped() -> None:
    """Codes of shops and carriers that nobody mapped: list them, map them."""


@click.command("list", epilog=example("hub unmapped list", "hub unmapped list --json"))
@config_option
@json_option
def list_(path: Path, as_json: bool) -> None:
    """All of them, the most frequent first, with a line to paste into flows.yaml.

    Codes that only a pattern knows (* or ?) follow: a pattern is a guess, and may be wrong for one of them.
    """
    from hub.store.queries import unmapped_codes

    read = read_configuration(path)
    with opened(path) as db:
        rows = [_plain(row) for row in look(db, unmapped_codes)]
        if read.config is not None:
            told = offline(read.config, read.texts, lambda world: look(db, lambda c: _by_configuration(c, rows, world)))
            rows = list(told)
    if as_json:
        print_json(rows)
        return
    guessed = [row for row in rows if row["pattern"]]
    if len(guessed) == len(rows):
        click.echo("no unmapped codes")
    for row in rows:
        if not row["pattern"]:
            _show(row)
    if guessed:
        title("By pattern")
    for row in guessed:
        _show_guessed(row)
    if read.config is None:
        tell_refused(path)


def _plain(row: Any) -> dict[str, Any]:
    from hub.status import full_name, propose

    found = propose(row.label or row.code)
    target = full_name(found.status) if found is not None and found.status is not None else ""
    return {
        "connection": row.connection,
        "vocabulary": row.vocabulary,
        "code": row.code,
        "label": row.label,
        "count": row._mapping["count"],
        "first_seen": row.first_seen,
        "last_seen": row.last_seen,
        "examples": row.examples,
        "by": "nobody",
        "pattern": "",
        "proposal": target,
        "ground": found.note if found is not None else "",
        "line": MapRow(row.connection, row.code, target or "AXIS.STATUS").line,
    }


def _by_configuration(
    connection: "sa.Connection", rows: Sequence[Mapping[str, Any]], world: "World"
) -> list[dict[str, Any]]:
    """The codes, each example with what came before and after it; then what only a pattern knows."""
    views = _views(connection, {each["order"] for row in rows for each in row["examples"]}, world)
    return [*({**row, "examples": _around(row, views)} for row in rows), *_guessed(connection, world)]


def _views(connection: "sa.Connection", ids: set[str], world: "World") -> "Mapping[str, OrderView]":
    from hub.pipeline.batch import Wanted
    from hub.pipeline.loading import load_orders
    from hub.pipeline.view import view

    loaded = load_orders(connection, world, {order_id: Wanted() for order_id in sorted(ids)})
    there = {order_id: it for order_id, it in loaded.items() if it.rev and it.connection in world.config.connections}
    return {order_id: view(order_id, it.connection, it.doc, it.facts, world) for order_id, it in there.items()}


def _around(row: Mapping[str, Any], views: "Mapping[str, OrderView]") -> list[dict[str, Any]]:
    from hub.pipeline.unmapped import before_and_after

    found = []
    for each in row["examples"]:
        view = views.get(each["order"])
        both = before_and_after(view, row["connection"], each) if view is not None else None
        found.append({**each, "before": both[0], "after": both[1]} if both else dict(each))
    return found


def _guessed(connection: "sa.Connection", world: "World") -> list[dict[str, Any]]:
    """Codes whose meaning a pattern gave, the merchant's or the plugin's, and how often each was seen."""
    from hub.status import By, full_name, plain_code
    from hub.store.queries import codes_said

    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in codes_said(connection):
        by = world.meaning(row.source, row.vocabulary, row.code)
        if by is None or by.by not in (By.MERCHANT_PATTERN, By.PLUGIN_PATTERN):
            continue
        target = full_name(by.meaning.status) if by.meaning.status is not None else "nothing"
        reason = by.meaning.reason.value if by.meaning.reason else ""
        first = {
            "connection": row.source,
            "vocabulary": row.vocabulary,
            "code": row.code,
            "label": "",
            "count": 0,
            "first_seen": None,
            "last_seen": None,
            "examples": [],
            "by": by.by.value,
            "pattern": by.pattern,
            "proposal": "",
            "ground": "",
            "line": MapRow(row.source, row.code, target, reason).line,
        }
        seen = found.setdefault((row.source, row.vocabulary, plain_code(row.code)), first)
        seen["count"] += row.many
    return list(found.values())


def _show(row: dict[str, Any]) -> None:
    from ._errors import one_line

    label = f" ({one_line(row['label'])})" if row["label"] else ""
    click.secho(f"{row['connection']}  {one_line(row['code'])}{label}", bold=True)
    facts = [
        ("seen", f"{row['count']} times, {moment(row['first_seen'])} to {moment(row['last_seen'])}"),
        *(("in", _where(each)) for each in row["examples"]),
        ("perhaps", f"{row['proposal']}, because {row['ground']}" if row["proposal"] else "nothing to go by"),
        ("statuses:", row["line"]),
    ]
    for name, value in facts:
        click.echo(f"  {name:<10}{one_line(value)}")


def _show_guessed(row: dict[str, Any]) -> None:
    """A code that a pattern knows. No table: a line to paste is never folded."""
    from ._errors import one_line

    click.secho(f"{row['connection']}  {one_line(row['code'])}", bold=True)
    facts = (("seen", f"{row['count']} times"), ("by", f"{row['by']} {row['pattern']}"), ("statuses:", row["line"]))
    for name, value in facts:
        click.echo(f"  {name:<10}{one_line(value)}")


def _where(each: Mapping[str, Any]) -> str:
    """An order and parcel, with what came before and after the code."""
    number = str(each["subject"]).removeprefix("n:") if str(each["subject"]).startswith("n:") else ""
    place = f"{each['order']}{f', parcel {number}' if number else ''}"
    if "before" not in each:
        return place
    return f"{place}: {each['before'] or 'nothing'} before, {each['after'] or 'nothing'} after"


@click.command("map", epilog=example(
    "hub unmapped map main-shop wc-at-tailor order.processing",
    "hub unmapped map inpost X17 shipment.on_hold --reason delayed",
    "hub unmapped map inpost X18 nothing",
))  # fmt: skip
@click.argument("connection")
@click.argument("code")
@click.argument("target")
@click.option("--reason", default="", help="Why, as the status model lists it: not_at_home, delayed …")
@config_option
def map_(connection: str, code: str, target: str, reason: str, path: Path) -> None:
    """Write into flows.yaml what a code means.

    TARGET is axis.status, or `nothing` for a code that moves nothing. Comments and everything else in the file stay;
    the file is checked afterwards, and put back as it was if that made a mistake.
    """
    path = existing(path)
    row = MapRow(connection, code, target, reason)
    _meant(row, path)
    file = _file_for(path, connection)
    original = file.read_bytes()
    before = read_configuration(path)
    try:
        edited = with_row(_text(original), row)
    except CannotEditError as error:
        raise Stop(f"{file.name} is left alone: {error}", FAILED) from error
    replace_file(file, _bytes(edited, original))
    after = read_configuration(path)
    worse = _new_errors(before, after)
    if worse:
        replace_file(file, original)
        raise Stop(f"{file.name} is left alone: {worse[0]}", FAILED)
    click.echo(f"{file.name}: {connection}: {code} means {row.value}")
    click.echo("a running hub takes it up when it gets SIGHUP; orders with this code are folded again then")


def _meant(row: MapRow, path: Path) -> None:
    """The connection, the status and the reason exist."""
    from hub.config.problems import did_you_mean
    from hub.config.yaml import MapNode
    from hub.status import parse_reason, parse_status

    node = top_of(path).get("connections")
    names = [key.text for key, _ in node] if isinstance(node, MapNode) else []
    if row.connection not in names:
        raise refused(f"there is no connection '{row.connection}' in {path.name}{did_you_mean(row.connection, names)}")
    if not row.code.strip():
        raise refused("a code is not empty")
    try:
        if row.target != "nothing":
            parse_status(row.target)
        if row.reason:
            parse_reason(row.reason)
    except ValueError as error:
        raise refused(str(error)) from error


def _file_for(path: Path, connection: str) -> Path:
    """The file that speaks of this connection's codes, else one that has `statuses`, else the first."""
    files = [path.parent / name for name in files_of(path)] or [path]
    texts = {file: _text(file.read_bytes()) for file in files}
    for wanted in (connection, ""):
        found = [file for file, text in texts.items() if holds(text, wanted)]
        if found:
            return found[0].resolve()
    return path.resolve()


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refused("the file is not UTF-8") from error


def _bytes(text: str, original: bytes) -> bytes:
    mark = b"\xef\xbb\xbf"
    return (mark if original.startswith(mark) else b"") + text.encode()


def _new_errors(before: Configuration, after: Configuration) -> Sequence[str]:
    """Mistakes that were not there before; their lines may have moved."""
    known = {(each.code, each.text) for each in before.errors}
    return [str(each) for each in after.errors if (each.code, each.text) not in known]
