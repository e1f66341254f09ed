"""`hub flows explain`: why something was said, and why not."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._errors import Stop
from ._out import cell, counted, moment, print_json, whose_clock
from ._setup import config_option, example, json_option, look, number_in, opened, top_of

if TYPE_CHECKING:
    import sqlalchemy as sa

SHOWN = 20
"""How many orders of a flow are shown, the newest first."""


@click.command(epilog=example("hub flows explain 1001", "hub flows explain m12", "hub flows explain delayed"))
@click.argument("what")
@config_option
@json_option
def explain(what: str, path: Path, as_json: bool) -> None:
    """Why was this sent, and why was that not?

    WHAT is the number of an order or of a parcel; a message as `hub order` names it (m12); or a flow. Of every flow
    that something set off it says what became of it: the condition that was not met, what it read, and what would have
    met it. It is kept as long as the order.
    """
    with opened(path) as db:
        told = look(db, lambda connection: _told(connection, what, _flows(path)))
    if told is None:
        raise Stop(f"'{what}' is the number of no order or parcel, no message (m12) and no flow of {path.name}")
    if as_json:
        print_json(told)
    else:
        _print(told)


def _flows(path: Path) -> frozenset[str]:
    from hub.config.yaml import MapNode

    node = top_of(path).get("flows")
    return frozenset(key.text for key, _ in node) if isinstance(node, MapNode) else frozenset()


def _told(connection: "sa.Connection", what: str, flows: frozenset[str]) -> dict[str, Any] | None:
    from hub.store import explained, queries

    if re.fullmatch(r"m\d+", what):
        message = explained.message(connection, number_in(what, "m"))
        return None if message is None else _message(connection, message)
    rows = queries.find_orders(connection, what)
    if rows:
        return {"what": "order", "orders": [_order(connection, row) for row in rows]}
    lines = explained.lines_of_flow(connection, what, SHOWN)
    if what in flows or lines:
        return _flow(what, lines)
    return None


# ------------------------------------------------------------------------------------------------ what is told


def _order(connection: "sa.Connection", row: Any) -> dict[str, Any]:
    from hub.store import queries

    said = queries.messages_of(connection, row.id)
    lines = [each for each in queries.timeline_of(connection, row.id) if each.kind == "run"]
    return {
        "order": row.number or row.id,
        "headline": row.headline,
        "lines": [_line(each, said) for each in lines],
        "others": [_said(each) for each in said if not each.run_key],
    }


def _message(connection: "sa.Connection", row: Any) -> dict[str, Any]:
    from hub.store import queries

    lines = [each for each in queries.timeline_of(connection, row.order_id) if each.kind == "run"]
    mine = [each for each in lines if row.run_key and each.doc.get("run") == row.run_key]
    tries = queries.attempts_of(connection, [row.id]).get(row.id, ())
    return {
        "what": "message",
        **_said(row),
        "flow": row.flow,
        "step": row.step,
        "order": row.order_id,
        "lines": [_line(each, ()) for each in mine],
        "tried": [{"channel": each.connection, "outcome": each.outcome, "reason": each.reason} for each in tries],
    }


def _flow(name: str, lines: Sequence[Any]) -> dict[str, Any]:
    results = Counter(_kind(each.doc["result"]) for each in lines)
    rules = Counter(each.doc["rule"] for each in lines if each.doc.get("rule") and not each.doc.get("run"))
    return {
        "what": "flow",
        "flow": name,
        "results": dict(results.most_common()),
        "not_met": [{"rule": rule, "times": times, "wanted": _wanted(rule)} for rule, times in rules.most_common()],
        "lines": [{"order": each.order_id, **_line(each, ())} for each in lines],
    }


def _kind(result: str) -> str:
    return result.partition(":")[0]


def _line(row: Any, messages: Sequence[Any]) -> dict[str, Any]:
    doc = row.doc
    begun = bool(doc.get("run")) and str(doc.get("result", "")).startswith("started")
    told: dict[str, Any] = {
        "at": row.at,
        "trigger": doc.get("word"),
        "flow": doc.get("flow"),
        "result": doc.get("result"),
        "rule": doc.get("rule", ""),
        "read": doc.get("read", {}),
        "said": [_said(each) for each in messages if begun and each.run_key == doc["run"]],
    }
    unmet = told["rule"] and not doc.get("run")
    return {**told, "wanted": _wanted(told["rule"])} if unmet else told


def _said(row: Any) -> dict[str, Any]:
    asked = row.doc.get("asked", {})
    told = {
        "message": f"m{row.id}",
        "template": row.template,
        "to": row.recipient,
        "state": row.state,
        "reason": row.reason,
        "by": row.connection,
        "at": row.finished_at or row.due_at,
        "rule": asked.get("rule", ""),
        "read": asked.get("read", {}),
    }
    return {**told, "wanted": _wanted(asked["rule"])} if asked else told


def _wanted(rule: str) -> str:
    from hub.flows.types import NAMES
    from hub.flows.why import would_meet

    return would_meet(rule, frozenset(NAMES))


# ------------------------------------------------------------------------------------------------ for people


def _print(told: Mapping[str, Any]) -> None:
    click.echo(whose_clock())
    match told["what"]:
        case "order":
            for each in told["orders"]:
                _print_order(each)
        case "message":
            _print_said(told, "")
            click.echo(f"  said by {told['flow'] or 'the hub itself'}, about {told['order'] or 'no order'}")
            _print_lines(told["lines"])
            for each in told["tried"]:
                click.echo(f"  tried {each['channel']}: {each['outcome']}{_because(each['reason'])}")
        case "flow":
            _print_flow(told)


def _print_order(told: Mapping[str, Any]) -> None:
    click.secho(f"{cell(told['order'])}  {told['headline']}", bold=True)
    _print_lines(told["lines"])
    if not told["lines"]:
        click.echo("nothing has set off a flow yet")
    for each in told["others"]:
        _print_said(each, "  the hub itself said ")


def _print_lines(lines: Sequence[Mapping[str, Any]]) -> None:
    before = None
    for each in lines:
        now = (each["at"], each["trigger"])
        if now != before:
            click.secho(f"{moment(each['at'])}  {each['trigger']}", bold=True)
        before = now
        for line in _lines(each):
            click.echo(f"  {line}")
        for said in each["said"]:
            _print_said(said, "    ")


def _lines(each: Mapping[str, Any]) -> Iterator[str]:
    yield f"{each['flow']}: {_short(each)}"
    if each["rule"] and not each.get("wanted") and not each["result"].startswith("choose"):
        yield f"    {each['rule']}"
    if each["read"]:
        yield f"    {_read(each['read'])}"
    if each.get("wanted"):
        yield f"    {each['wanted']}"


def _short(each: Mapping[str, Any]) -> str:
    """The result; of a condition its first part that was not met."""
    return f"not met: {each['rule']}" if each.get("wanted") else str(each["result"])


def _read(read: Mapping[str, Any]) -> str:
    return "; ".join(f"{name} was {_value(value)}" for name, value in read.items())


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_value, value)) or "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):  # a moment or an amount, as it is kept
        return _value(next(iter(value.values())))
    return cell(value)


def _print_said(each: Mapping[str, Any], before: str) -> None:
    by = f" by {each['by']}" if each["by"] else ""
    state = f"{each['state']}{_because(each['reason'])}{by}, {moment(each['at'])}"
    click.echo(f"{before}{each['message']} {each['template']} to {each['to']}: {state}")
    if each["read"]:
        click.echo(f"{before}  {_read(each['read'])}; {each['wanted']}")


def _because(reason: str) -> str:
    return f" ({cell(reason)})" if reason else ""


def _print_flow(told: Mapping[str, Any]) -> None:
    click.secho(told["flow"], bold=True)
    if not told["lines"]:
        click.echo("nothing has set it off yet")
        return
    results = ", ".join(f"{name} {counted(times, 'time')}" for name, times in told["results"].items())
    click.echo(f"the last {counted(len(told['lines']), 'time')} that something set it off: {results}")
    for each in told["not_met"]:
        click.echo(f"  {counted(each['times'], 'time')} {each['rule']}: {each['wanted']}")
    for each in told["lines"]:
        click.echo(f"{moment(each['at'])}  {each['order']}  {each['trigger']}: {_short(each)}")
        if each["read"]:
            click.echo(f"    {_read(each['read'])}")
