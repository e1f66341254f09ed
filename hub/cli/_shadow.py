"""What a time in shadow comes to: rows in, figures out. Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from hub.messages import sms_segments
from hub.store.queries import NOT_DONE

MANY = 3
"""More messages than this in one day are pointed out: that is what customers complain of."""


def for_customer(row: Any) -> bool:
    """Whether a message is for somebody outside."""
    return not str(row.recipient).startswith("staff:")


def would_have_gone(row: Any) -> bool:
    """Whether it passed every guard and would have been sent."""
    return (row.state, row.reason) == ("suppressed", "shadow")


def brief(row: Any) -> dict[str, Any]:
    """A message in a list: when it would have gone, or why not."""
    content = row.content or {}
    return {
        "id": f"m{row.id}",
        "at": row.finished_at or row.due_at,
        "order": row.number or row.order_id,
        "to": row.recipient,
        "flow": row.flow,
        "template": row.template,
        "channel": row.connection,
        "would_be_sent": would_have_gone(row),
        "why_not": "" if would_have_gone(row) else why_not(row),
        "begins": " ".join((content.get("subject") or content.get("text") or "").split())[:60],
    }


def why_not(row: Any) -> str:
    """Why it would not have gone, or not yet."""
    if row.state == "due":
        return f"not yet: {row.reason}" if row.reason else "not yet due"
    return str(row.reason or row.state)


def report_of(
    rows: Sequence[Any],
    heard: Sequence[Any],
    matters: Sequence[Any],
    undone: Sequence[Any],
    new: Sequence[Any],
    since: datetime,
    until: datetime,
    clock: tzinfo,
) -> dict[str, Any]:
    """The figures of a period. `rows`: messages made in shadow; `heard`: those that customers really heard beside them;
    `matters`: what staff would be called for; `undone`: lines of other steps that were not carried out; `new`: orders
    that came to be known; days are those of `clock`."""
    ours = [row for row in rows if for_customer(row)]
    gone = [row for row in ours if would_have_gone(row)]
    told = {row.order_id for row in (*gone, *heard)}
    return {
        "since": since,
        "until": until,
        "messages": len(gone),
        "customers": len({row.customer_id for row in gone if row.customer_id}),
        "days": _days(gone, clock),
        "flows": [
            {"flow": flow, "template": template, "channel": channel, "messages": many}
            for (flow, template, channel), many in Counter(
                (row.flow, row.template, row.connection) for row in gone
            ).most_common()
        ],
        "sms": _sms(gone),
        "not_sent": [
            {"template": template, "why": why, "messages": many}
            for (template, why), many in Counter(
                (row.template, why_not(row).partition(": ")[0]) for row in ours if not would_have_gone(row)
            ).most_common()
        ],
        "told_often": _often([*gone, *heard], clock),
        "silent": [{"order": row.number or row.id, "status": row.headline} for row in new if row.id not in told],
        "staff": [
            {"flow": flow, "group": rung, "severity": severity, "times": many}
            for (flow, rung, severity), many in Counter(
                (row.flow, row.rung, row.severity) for row in matters
            ).most_common()
        ],
        "not_done": [
            {"flow": flow, "step": step, "times": many}
            for (flow, step), many in Counter(
                (row.doc["flow"], row.doc["result"].removeprefix(NOT_DONE)) for row in undone
            ).most_common()
        ],
    }


def _day(row: Any, clock: tzinfo) -> str:
    return f"{row.finished_at.astimezone(clock):%Y-%m-%d}"


def _days(gone: Sequence[Any], clock: tzinfo) -> list[dict[str, Any]]:
    by: dict[str, list[Any]] = defaultdict(list)
    for row in gone:
        by[_day(row, clock)].append(row)
    return [
        {"day": day, "messages": len(rows), "customers": len({row.customer_id for row in rows if row.customer_id})}
        for day, rows in sorted(by.items())
    ]


def _often(gone: Sequence[Any], clock: tzinfo) -> list[dict[str, Any]]:
    """Customers by one of their orders: who they are does not belong in a report that is passed on."""
    by: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in gone:
        if row.customer_id:
            by[_day(row, clock), row.customer_id].append(row)
    return [
        {
            "day": day,
            "messages": len(rows),
            "orders": sorted({row.number or row.order_id for row in rows}),
            "templates": [row.template for row in rows],
        }
        for (day, _), rows in sorted(by.items())
        if len(rows) > MANY
    ]


def _sms(gone: Sequence[Any]) -> list[dict[str, Any]]:
    """What SMS would have cost, the dearest template first, and the characters that make it dear."""
    costs: dict[str, dict[str, Any]] = {}
    dear: dict[str, Counter[str]] = defaultdict(Counter)
    for row in gone:
        if (row.content or {}).get("form") != "sms":
            continue
        counted = sms_segments(row.content["text"])
        cost = costs.setdefault(row.template, {"template": row.template, "messages": 0, "segments": 0, "ucs2": 0})
        cost["messages"] += 1
        cost["segments"] += counted.segments
        cost["ucs2"] += bool(counted.offending)
        dear[row.template].update(counted.offending)
    ordered = sorted(costs.values(), key=lambda each: (-each["segments"], each["template"]))
    return [{**each, "because_of": _most(dear[each["template"]])} for each in ordered]


def _most(letters: Mapping[str, int]) -> str:
    """The letters that force UCS-2 most often."""
    return "".join(letter for letter, _ in Counter(letters).most_common(8))
