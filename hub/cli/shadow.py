"""`hub shadow`: what a hub or a flow in shadow would have sent; read from the database, whether a hub runs or not."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._errors import Stop, refused
from ._group import Lazy, LazyGroup
from ._out import cell, counted, moment, print_json, print_table, printable, title, whose_clock
from ._setup import config_option, example, json_option, look, number_in, opened

if TYPE_CHECKING:
    import sqlalchemy as sa

COMMANDS = {
    "Commands": {
        "list": Lazy("hub.cli.shadow:list_", "The messages that would have been sent, the oldest first."),
        "show": Lazy("hub.cli.shadow:show", "One message as its reader would have read it."),
        "report": Lazy("hub.cli.shadow:report", "How much would have been said to how many, and what would not."),
    }
}
SHOWN = 20
"""Lines of a part of the report; --json has all."""


@click.command("shadow", cls=LazyGroup, sections=COMMANDS)
def shadow() -> None:
    """What would have been sent by a hub under `hub run --shadow`, or by flows with `state: shadow`."""


since_option = click.option(
    "--since", default="7d", show_default=True, help="From when on: a length back from now, or a day (2026-11-24)."
)


@click.command("list", epilog=example("hub shadow list", "hub shadow list --since 1d --flow shipped --all"))
@config_option
@since_option
@click.option("--flow", help="Only of this flow.")
@click.option("--all", "whole", is_flag=True, help="Also what staff would have got, and what would not have been sent.")
@json_option
def list_(path: Path, since: str, flow: str | None, whole: bool, as_json: bool) -> None:
    """The messages that would have been sent, the oldest first."""
    from ._shadow import brief, for_customer, would_have_gone

    begin, _ = _since(since)
    rows = [row for row in _messages(path, begin) if flow in (None, row.flow)]
    if not whole:
        rows = [row for row in rows if for_customer(row) and would_have_gone(row)]
    found = [brief(row) for row in rows]
    if as_json:
        print_json(found)
        return
    headings = ("id", "at", "order", "to", "flow", "template", "channel", "begins")
    told = [{**each, "begins": each["begins"] or f"({each['why_not']})"} for each in found]
    print_table(headings, [[each[name] for name in headings] for each in told], empty="nothing would have been sent")


@click.command(epilog=example("hub shadow show m12"))
@click.argument("message_id")
@config_option
@json_option
def show(message_id: str, path: Path, as_json: bool) -> None:
    """One message as its reader would have read it. Links in it open nothing."""
    from hub.store.queries import find_shadow_message

    from ._shadow import brief

    number = number_in(message_id, "m")
    with opened(path) as db:
        row = look(db, lambda connection: find_shadow_message(connection, number))
    if row is None:
        raise Stop(f"no message {message_id[:40]} was made in shadow; `hub shadow list --all` shows them")
    told, content = brief(row), row.content or {}
    if as_json:
        print_json({**told, "content": content})
        return
    click.echo(f"{told['id']}  {told['template']}, to {told['to']} of {cell(told['order']) or 'no order'}")
    sent = f"by {told['channel']} at {moment(told['at'])}" if told["would_be_sent"] else f"not sent: {told['why_not']}"
    click.echo(f"{cell(sent)}; {whose_clock()}")
    for part in (content.get("subject"), content.get("text")):
        if part:
            click.echo()
            click.echo(printable(part))


@click.command(epilog=example("hub shadow report", "hub shadow report --since 2026-11-24 --json"))
@config_option
@since_option
@json_option
def report(path: Path, since: str, as_json: bool) -> None:
    """How much would have been said to how many, and what would not. Names nobody, so that it can be passed on."""
    from hub.pipeline.documents import load
    from hub.store import queries

    from ._shadow import report_of

    begin, now = _since(since)
    with opened(path) as db:

        def work(connection: "sa.Connection") -> dict[str, Any]:
            rows = queries.shadow_messages(connection, begin)
            matters = queries.matters_in_shadow(connection, begin)
            clock = now.astimezone().tzinfo
            assert clock is not None
            # What an import brought was there before the hub, and nobody expects to hear of it.
            new = [row for row in queries.new_orders(connection, begin) if not load(row.doc).imported]
            undone = queries.not_done_in_shadow(connection, begin)
            return report_of(rows, queries.heard_live(connection, begin), matters, undone, new, begin, now, clock)

        found = look(db, work)
    if as_json:
        print_json(found)
    else:
        _show(found)


def _show(found: Mapping[str, Any]) -> None:
    to = counted(found["customers"], "customer")
    period = f"from {moment(found['since'])} to {moment(found['until'])}"
    click.echo(f"{period}: {counted(found['messages'], 'message')} to {to}; {whose_clock()}")
    _part("By day", found["days"], {"day": "day", "messages": "messages", "customers": "customers"})
    flows = {"flow": "flow", "template": "template", "channel": "channel", "messages": "messages"}
    _part("By flow, template and channel", found["flows"], flows)
    sms = {"template": "template", "messages": "messages", "segments": "segments", "ucs2": "in UCS-2"}
    _part("What SMS would cost, the dearest first", found["sms"], {**sms, "because_of": "because of"})
    _part("Not sent, and why", found["not_sent"], {"template": "template", "why": "why", "messages": "messages"})
    often = {"day": "day", "messages": "messages", "orders": "orders", "templates": "templates"}
    joined = [
        {**each, **{name: ", ".join(each[name]) for name in ("orders", "templates")}} for each in found["told_often"]
    ]
    _part("More than three to one customer in a day", joined, often)
    _part(
        "New orders whose customers would have heard nothing", found["silent"], {"order": "order", "status": "status"}
    )
    staff = {"flow": "flow", "group": "group", "severity": "severity", "times": "times"}
    _part("What staff would have been called for", found["staff"], staff)
    steps = {"flow": "flow", "step": "step", "times": "times"}
    _part("Other steps that were not carried out", found["not_done"], steps)


def _part(heading: str, rows: list[dict[str, Any]], columns: Mapping[str, str]) -> None:
    title(heading)
    print_table(list(columns.values()), [[row[name] for name in columns] for row in rows[:SHOWN]])
    if len(rows) > SHOWN:
        click.echo(f"and {len(rows) - SHOWN} more; --json has all")


def _messages(path: Path, begin: datetime) -> Any:
    from hub.store.queries import shadow_messages

    with opened(path) as db:
        return look(db, lambda connection: shadow_messages(connection, begin))


def _since(text: str) -> tuple[datetime, datetime]:
    """When a period begins, and now. A day begins at its midnight on this machine's clock."""
    from hub.clock import SystemClock
    from hub.config.scalars import MistakeError, read_length

    now = SystemClock().now()
    try:
        if "-" in text:
            return datetime.strptime(text, "%Y-%m-%d").astimezone(), now
        exact, days = read_length(text)
        return now - exact - timedelta(days=days), now
    except (MistakeError, ValueError, OverflowError):
        raise refused(f"--since: '{text[:40]}' is no length (7d, 12h) and no day (2026-11-24)") from None
