"""`hub order`: everything about one order, and why each flow did or did not start."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from ._errors import Stop
from ._out import cell, counted, moment, print_json, print_table, printable, title, whose_clock
from ._setup import config_option, example, json_option, look, offline, opened, read_configuration, tell_refused

if TYPE_CHECKING:
    import sqlalchemy as sa


class OrPress(click.Command):
    """`hub order NUMBER`, and `hub order press NUMBER LABEL` beside it."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if args[:1] == ["press"]:
            from .press import press

            return press.make_context(f"{info_name} press", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command(
    cls=OrPress,
    epilog=example(
        "hub order 1001",
        "hub order 20450000000001 --texts",
        "hub order 1001 --json",
        'hub order press 1001 "Apologise"   (a button of a flow; without a label: which there are)',
    ),
)
@click.argument("number")
@config_option
@click.option("--texts", is_flag=True, help="Show the messages as they were sent.")
@json_option
def order(number: str, path: Path, texts: bool, as_json: bool) -> None:
    """Show all that is known of an order, and why each flow did or did not start.

    NUMBER is the order's number, the number of one of its parcels, or the platform's own reference.
    """
    from hub.store.queries import find_orders

    with opened(path) as db:
        rows = look(db, lambda connection: find_orders(connection, number))
        whole = look(db, lambda connection: _whole(connection, rows[0])) if len(rows) == 1 else {}
    if not rows:
        raise Stop(
            f"no order or parcel has the number '{number}'; `hub event list --state orphan` shows what waits for one"
        )
    if len(rows) > 1:
        _several(rows, as_json)
        return
    whole |= _by_configuration(path, rows[0], whole)
    if as_json:
        print_json(whole if texts else {**whole, "messages": [_without_text(each) for each in whole["messages"]]})
    else:
        show(whole, texts=texts)


def _several(rows: Sequence[Any], as_json: bool) -> None:
    brief = [{"id": row.id, "number": row.number, "headline": row.headline, "placed": row.created_at} for row in rows]
    if as_json:
        print_json({"several": brief})
        return
    click.echo(f"{len(rows)} orders have this number; ask for one by its id")
    print_table(("id", "number", "headline", "since"), [tuple(each.values()) for each in brief])


def _whole(connection: "sa.Connection", row: Any) -> dict[str, Any]:
    from hub.store import queries
    from hub.store.errands import errands_of

    said = queries.messages_of(connection, row.id)
    tries = queries.attempts_of(connection, [each.id for each in said])
    lines = queries.timeline_of(connection, row.id)
    return {
        "id": row.id,
        "number": row.number,
        "shop": row.connection,
        "headline": row.headline,
        "order_status": row.order_status,
        "payment_status": row.payment_status,
        "incomplete": row.incomplete,
        "known_since": row.created_at,
        "updated_at": row.updated_at,
        "numbers": queries.numbers_of(connection, row.id),
        "timeline": [_line(each) for each in lines if each.kind != "run"],
        "flows": [_flow(each) for each in lines if each.kind == "run"],
        "messages": [_message(each, tries.get(each.id, ())) for each in said],
        "runs": [_run(each) for each in queries.runs_of(connection, row.id)],
        "errands": [_errand(each) for each in errands_of(connection, row.id)],
        "escalations": [_matter(each) for each in queries.escalations_of(connection, row.id)],
        "policies": [_watch(each) for each in queries.watches_of(connection, row.id)],
    }


def _line(row: Any) -> dict[str, Any]:
    event = f"e{row.event_id}" if row.event_id else ""
    return {
        "at": row.at,
        "kind": row.kind,
        "subject": row.subject,
        "event": event,
        **row.doc,
        "recorded_at": row.recorded_at,
    }


def _flow(row: Any) -> dict[str, Any]:
    doc = row.doc
    return {"at": row.at, "flow": doc.get("flow"), "trigger": doc.get("word"), "result": doc.get("result")}


def _message(row: Any, tries: Sequence[Any]) -> dict[str, Any]:
    return {
        "id": f"m{row.id}",
        "template": row.template,
        "to": row.recipient,
        "flow": row.flow,
        "state": row.state,
        "reason": row.reason,
        "due_at": row.due_at,
        "finished_at": row.finished_at,
        "channel": row.connection or (tries[-1].connection if tries else ""),
        "attempts": [
            {
                "channel": each.connection,
                "outcome": each.outcome or "on the wire",
                "reason": each.reason,
                "started_at": each.started_at,
                "content": each.content,
            }
            for each in tries
        ],
    }


def _without_text(message: Mapping[str, Any]) -> dict[str, Any]:
    tries = [{name: value for name, value in each.items() if name != "content"} for each in message["attempts"]]
    return {**message, "attempts": tries}


def _run(row: Any) -> dict[str, Any]:
    due = row.doc.get("run", {}).get("due_at") if row.state == "waiting" else None
    return {
        "id": f"r{row.id}",
        "flow": row.flow,
        "trigger": row.word,
        "subject": row.subject,
        "state": row.state,
        "reason": row.reason,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "waits_until": datetime.fromisoformat(due) if due else None,
    }


def _errand(row: Any) -> dict[str, Any]:
    """What it says stays in the database: it may be anything."""
    return {
        "id": f"c{row.id}",
        "what": row.step,
        "by": row.connection,
        "flow": row.flow,
        "state": row.state,
        "reason": row.reason,
        "tries": row.tries,
        "due_at": row.due_at,
        "finished_at": row.finished_at,
        "key": row.key,
    }


def _matter(row: Any) -> dict[str, Any]:
    return {
        "id": row.uid[:8],
        "severity": row.severity,
        "state": row.state,
        "reason": row.reason,
        "with": row.owner or row.rung,
        "opened_at": row.opened_at,
        "due_at": row.due_at,
        "note": row.note,
    }


def _watch(row: Any) -> dict[str, Any]:
    return {
        "policy": row.policy,
        "trigger": row.word,
        "subject": row.subject,
        "state": row.state,
        "since": row.since_at,
        "due_at": row.due_at,
        "ended_at": row.ended_at,
    }


# ------------------------------------------------------------------------------------------------ parcels


def _by_configuration(path: Path, row: Any, whole: Mapping[str, Any]) -> dict[str, Any]:
    """The parcels with their statuses, and the flows that nothing has set off. Where the file is refused, the parcels'
    bare numbers are all there is."""
    read = read_configuration(path)
    if read.config is None or row.connection not in read.config.connections:
        bare = [
            {"number": number, "status": "", "carrier": "", "since": None, "cash": ""} for number in whole["numbers"]
        ]
        if read.config is None:
            tell_refused(path)
        return {"phrase": "", "parcels": bare, "returns": [], "not_set_off": {}, "timezone": ""}
    heard = {each["flow"] for each in whole["flows"]}
    waiting = {name: list(flow.triggers) for name, flow in read.config.flows.items() if name not in heard}
    with opened(path) as db:
        folded = offline(read.config, read.texts, lambda world: look(db, lambda c: _folded(c, row, world)))
    zone = read.config.shop_of(row.connection).timezone
    return {**folded, "not_set_off": waiting, "timezone": zone.key}


def _folded(connection: "sa.Connection", row: Any, world: Any) -> dict[str, Any]:
    from hub.pipeline.batch import Wanted
    from hub.pipeline.loading import load_orders
    from hub.pipeline.view import view
    from hub.status import phrase_text

    loaded = load_orders(connection, world, {row.id: Wanted()})[row.id]
    seen = view(row.id, loaded.connection, loaded.doc, loaded.facts, world)
    phrase = seen.headline.phrase
    return {
        "phrase": phrase_text(phrase, "en") if phrase else "",
        "parcels": [_parcel(each) for each in seen.shipments],
        "returns": [_return(each) for each in seen.returns],
    }


def _parcel(each: Any) -> dict[str, Any]:
    leg, folded = each.current, each.folded
    return {
        "number": leg.number.number if leg else "",
        "status": each.status.value if each.status else "",
        "reason": folded.reason.value if folded.reason else "",
        "carrier": (leg.carrier or leg.number.carrier) if leg else "",
        "since": folded.since,
        "replaced": each.replaced,
        "cash": _cash(each.news.cod),
    }


def _return(each: Any) -> dict[str, Any]:
    folded = each.folded
    return {
        "ref": each.snapshot.ref,
        "status": folded.state.value if folded.state else "",
        "reason": folded.reason.value if folded.reason else "",
        "numbers": [leg.number.number for leg in each.legs],
        "since": folded.since,
    }


def _cash(cod: Any) -> str:
    """Cash on delivery: the money has a life of its own, apart from the parcel's."""
    if cod is None:
        return ""
    state = "remitted" if cod.remitted_at else "collected" if cod.collected_at else "due"
    return f"{cod.amount.amount} {cod.amount.currency} {state}" if cod.amount else state


# ------------------------------------------------------------------------------------------------ for people


PARCELS = {
    "number": "number",
    "status": "status",
    "reason": "why",
    "carrier": "carrier",
    "since": "since",
    "cash": "cash",
}
RETURNS = {"ref": "return", "status": "status", "reason": "why", "numbers": "numbers", "since": "since"}
FLOWS = {"at": "at", "trigger": "trigger", "flow": "flow", "result": "what became of it"}
RUNS = {"id": "id", "flow": "flow", "state": "state", "reason": "why", "started_at": "since", "waits_until": "until"}
MESSAGES = {
    "id": "id",
    "at": "at",
    "template": "template",
    "to": "to",
    "state": "state",
    "channel": "by",
    "reason": "why",
}
ERRANDS = {"id": "id", "at": "at", "what": "what", "by": "by", "state": "state", "tries": "tries", "reason": "why"}
ESCALATIONS = {
    "id": "id", "severity": "severity", "state": "state", "with": "with", "reason": "why", "due_at": "due",
}  # fmt: skip

POLICIES = {"policy": "policy", "trigger": "trigger", "state": "state", "since": "since", "due_at": "by"}


def show(whole: Mapping[str, Any], *, texts: bool) -> None:
    """The screen of one order."""
    number, headline = whole["number"] or whole["id"], whole["headline"] or "merged into another order"
    click.secho(f"{cell(number)}  {headline}", bold=True)
    states = f"order {whole['order_status'] or '?'}, payment {whole['payment_status'] or '?'}"
    click.echo(f"{whole['id']}, {states}; {whose_clock()}")
    if whole["phrase"]:
        click.echo(whole["phrase"])
    if whole["incomplete"]:
        click.echo(f"incomplete: {counted(whole['incomplete'], 'dead letter')}; see `hub deadletter list`")
    _table("Parcels", whole["parcels"], PARCELS)
    if whole["returns"]:
        _table("Returns", whole["returns"], RETURNS)
    title("Timeline")
    zone = ZoneInfo(whole["timezone"]) if whole.get("timezone") else None
    lines = [(_when(each, zone), _subject(each, whole), _said(each), each["event"]) for each in whole["timeline"]]
    print_table(("at", "of", "what", "event"), lines, empty="nothing yet")
    _messages(whole["messages"], texts)
    _table("Flows", whole["flows"], FLOWS)
    if whole["not_set_off"]:
        idle = [{"flow": name, "on": ", ".join(words)} for name, words in whole["not_set_off"].items()]
        _table("Flows that nothing has set off", idle, {"flow": "flow", "on": "on"})
    _table("Runs", whole["runs"], RUNS)
    if whole["errands"]:
        _table("Outside", [{**each, "at": each["finished_at"] or each["due_at"]} for each in whole["errands"]], ERRANDS)
    _table("Escalations", whole["escalations"], ESCALATIONS)
    if whole["policies"]:
        _table("Policies", whole["policies"], POLICIES)


def _table(heading: str, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    title(heading)
    print_table(list(columns.values()), [[row.get(name) for name in columns] for row in rows], empty="none")


def _subject(line: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    if line["kind"] == "escalation":
        return f"escalation {line['subject'][:8]}"
    own = str(line["subject"]).removeprefix(whole["id"]).lstrip("/#")
    return f"{line.get('axis', '')} {own}".strip()


def _said(line: Mapping[str, Any]) -> str:
    if line["kind"] != "status":
        return str(line.get("text") or line.get("result") or line["kind"])
    moved = line["after"] if line["after"] != line["before"] else f"stays {line['before'] or 'unknown'}"
    why = f" ({line['reason']})" if line.get("reason") else ""
    label = f": {line['label']}" if line["label"] and line["label"] != line["native"] else ""
    old = ", old-news" if line.get("old_news") else ""
    return f"{moved}{why}{label} [{line['native']}, {line['source']}, {line['verdict']}{old}]"


def _when(line: Mapping[str, Any], zone: ZoneInfo | None) -> str:
    """The time of a line as exactly as its source knew it; a day is the shop's (no `zone`: this machine's)."""
    at: datetime = line["at"]
    match line.get("precision"):
        case "seen":
            return f"seen at {moment(at)}"
        case "day":
            # It is kept as the end of that day where the sender is, whose noon is the same day on nearly every clock,
            # or as the moment in that day when the sender was asked: the shop's clock is the nearest to the sender's.
            whole = (at.minute, at.second) == (59, 59)
            return (at - timedelta(hours=12) if whole else at).astimezone(zone).strftime("%Y-%m-%d")
    return moment(at)


def _messages(messages: Sequence[Mapping[str, Any]], texts: bool) -> None:
    _table("Messages", [{**each, "at": each["finished_at"] or each["due_at"]} for each in messages], MESSAGES)
    for message in messages if texts else ():
        for each in message["attempts"]:
            title(f"{message['id']} by {each['channel']}: {each['outcome']}")
            content = each["content"] or {}
            for part in (content.get("subject"), content.get("text")):
                if part:
                    click.echo(printable(part))
