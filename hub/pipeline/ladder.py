"""Escalations and their ladder (FLOWS 8): who is told, when the next is told. Pure decisions; rows come out.

Not acknowledged in time: the next rung is told too. Not resolved by `due`: overdue, and the next rung. The top rung is
told again each `acknowledge`, three times, then daily. Outside a rung's hours only `critical` rings; for the others
the clock starts when the hours begin.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hub.config.lengths import Hours, opens_at
from hub.config.model import Rung, Shop
from hub.flows.model import Escalate, Severity
from hub.store.tables import TENANT, slot_of

from .names import known
from .plain import key_of
from .shadow import SHADOW
from .staff import caretakers
from .world import World

MATTER = "matter"
"""Among a run's values: the matter it raised last, as its uid and the group that was told first. Not for texts."""
TEMPLATE = "staff-escalation"
OVERDUE = "staff-overdue"
HANDED_OVER = "staff-handed-over"
AGAIN = 3
"""How often the top rung is told again at its own pace; daily from then on."""
DAILY = timedelta(days=1)


@dataclass(slots=True)
class EscalationRows:
    """What opening or climbing writes."""

    escalation: dict[str, Any] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    timers: list[dict[str, Any]] = field(default_factory=list)
    line: str = ""
    """What the timeline says of who is told, where that is not whom the flow names."""


def escalation_rows(
    uid: str,
    key: str,
    step: Escalate,
    reason: str,
    *,
    order_id: str,
    run_key: str,
    flow: str,
    subject: str,
    word: str,
    world: World,
    now: datetime,
    shop: Shop,
    template: str = TEMPLATE,
    shadow: bool = False,
) -> EscalationRows:
    """Open a matter: its row, the words to the first rung, and its two clocks. In shadow nobody can take it, so it has
    no clocks, and who would have been told further up is not known."""
    rung, line = rung_of(step.to, world)
    starts = _starts(rung, step.severity, now, shop)
    due_at = step.due.after(starts, shop.timezone, _hours(rung, shop) or shop.hours) if step.due else None
    escalation = {
        "tenant": TENANT,
        "slot": slot_of(order_id),
        "uid": uid,
        "key": key,
        "order_id": order_id,
        "run_key": run_key,
        "flow": flow,
        "subject": subject,
        "rung": rung.name,
        "told": 1,
        "severity": step.severity.value,
        "reason": reason,
        "state": SHADOW if shadow else "open",
        "choices": list(step.choices) or None,
        "handed": 0,
        "due_at": due_at,
        "opened_at": now,
    }
    rows = EscalationRows(escalation, line=line)
    rows.messages = words_to(rung, escalation, 1, starts, template, word=word, now=now)
    if shadow:
        return rows
    rows.timers = [_timer("acknowledge", escalation, starts + rung.acknowledge)]
    if due_at is not None:
        rows.timers.append(_timer("due", escalation, due_at))
    return rows


def climb(escalation: Mapping[str, Any], kind: str, world: World, now: datetime, shop: Shop) -> EscalationRows:
    """What happens when a clock of an open matter runs out; nothing, when it is taken or resolved."""
    if escalation["state"] in ("resolved", SHADOW) or (kind == "acknowledge" and escalation["state"] != "open"):
        return EscalationRows()
    rung, line = rung_of(escalation["rung"], world)
    upper = world.config.staff.get(rung.then) if rung.then and not line else None
    told = 1 if upper or (line and rung.people) else escalation["told"] + 1
    speaking = upper or rung
    severity = Severity(escalation["severity"])
    starts = _starts(speaking, severity, now, shop)
    changed = {"rung": speaking.name, "told": told}
    template = OVERDUE if kind == "due" else TEMPLATE
    rows = EscalationRows({**escalation, **changed}, line=line if rung.people else "")
    rows.messages = words_to(speaking, rows.escalation, told, starts, template, word="", now=now)
    pace = speaking.acknowledge if told <= AGAIN else DAILY
    if escalation["state"] == "open":
        rows.timers = [_timer("acknowledge", rows.escalation, starts + pace)]
    return rows


def hand_over(matter: Mapping[str, Any], to: str, world: World, now: datetime, shop: Shop) -> EscalationRows | None:
    """Give a matter to a group, or to one person, who is told and must take it in time, else the ladder goes on from
    there; None for a name that is neither. By when it must be resolved stays as it was."""
    staff, person = world.config.staff, world.config.people.get(to)
    rung = staff.get(to) or (_group_of(to, matter["rung"], staff) if person is not None else None)
    if rung is None:
        return None
    alone = to not in staff
    owner = to if alone else ""
    changed = {"state": "open", "owner": owner, "acknowledged_at": None, "rung": rung.name, "told": 1}
    rows = EscalationRows({**matter, **changed, "handed": matter["handed"] + 1})
    starts = _starts(rung, Severity(matter["severity"]), now, shop)
    told = rung
    if alone and person is not None:
        told = replace(rung, people=(to,), via=tuple(dict.fromkeys((*rung.via, *person.addresses))))
    rows.messages = words_to(told, rows.escalation, 1, starts, HANDED_OVER, word="", now=now)
    rows.timers = [_timer("acknowledge", rows.escalation, starts + rung.acknowledge)]
    return rows


def _group_of(person: str, present: str, staff: Mapping[str, Rung]) -> Rung | None:
    """The group whose ladder a person's matter climbs: the present one, if they are of it, else their first."""
    theirs = [rung for rung in staff.values() if person in rung.people]
    return next((rung for rung in theirs if rung.name == present), next(iter(theirs), staff.get(present)))


def raised(matter: Mapping[str, Any], severity: Severity) -> dict[str, Any]:
    """An open matter that is raised once more: it presses as much as the more pressing of the two."""
    more = max(Severity(matter["severity"]), severity, key=list(Severity).index)
    return {**matter, "severity": more.value}


def matter_names(matter: Mapping[str, Any], first: str, staff: Mapping[str, Rung]) -> dict[str, Any]:
    """`escalation` as conditions and texts read it (FLOWS 3), of a matter's row; `first`: the group told first."""
    return known(
        id=matter["uid"][:8],
        reason=matter["reason"],
        severity=matter["severity"],
        level=level_of(first, matter["rung"], staff),
        flow=matter["flow"],
        due_at=matter["due_at"],
        owner=matter.get("owner"),
        choice=matter.get("choice"),
        choices=matter.get("choices"),
    )


def first_told(matter: Mapping[str, Any], run_doc: Mapping[str, Any] | None) -> str:
    """The group that was told of a matter first, as the run that raised it remembers."""
    last = run_doc["run"].get("values", {}).get(MATTER) if run_doc is not None else None
    return str(last["to"]) if last and last["uid"] == matter["uid"] else str(matter["rung"])


def level_of(first: str, now: str, staff: Mapping[str, Rung]) -> int:
    """How far up the ladder a matter is, from 1; 1 too where the newest file no longer leads from there to here."""
    way = [first]
    while way[-1] != now:
        rung = staff.get(way[-1])
        if rung is None or not rung.then or rung.then in way:
            return 1
        way.append(rung.then)
    return len(way)


def words_to(
    rung: Rung, escalation: Mapping[str, Any], told: int, due_at: datetime, template: str, *, word: str, now: datetime
) -> list[dict[str, Any]]:
    """One message to each person of a rung."""
    return [
        {
            "tenant": TENANT,
            "slot": escalation["slot"],
            "key": key_of(
                TENANT, "escalation", escalation["uid"], template, rung.name, told, person, escalation["handed"]
            ),
            "order_id": escalation["order_id"],
            "customer_id": "",
            "run_key": "",
            "flow": escalation["flow"],
            "step": f"{template}:{rung.name}:{told}",
            "template": template,
            "cls": "transactional",
            "recipient": f"staff:{person}",
            "word": word,
            "subject": escalation["subject"],
            "state": "due",
            "reason": f"outside the hours of {rung.name}" if due_at > now else "",
            "shadow": int(escalation["state"] == SHADOW),
            "due_at": max(due_at, now),
            "before_at": None,
            "created_at": now,
            "doc": {"via": list(rung.via), "urgent": True, "escalation": escalation["uid"]},
        }
        for person in rung.people
    ]


def climbed_text(was: Mapping[str, Any], now: Mapping[str, Any], kind: str) -> str:
    """What the history says of a clock that ran out."""
    what = "not resolved in time" if kind == "due" else f"nobody of {was['rung']} took it in time"
    return f"{what}: {now['rung']} is told{' again' if now['rung'] == was['rung'] else ''}"


def history_line(uid: str, text: str, now: datetime) -> dict[str, Any]:
    """A line of an order's timeline about a matter."""
    return {"kind": "escalation", "subject": uid, "at": now, "doc": {"text": text}}


def opened_line(matter: Mapping[str, Any]) -> dict[str, Any]:
    """The first line of a matter's history."""
    shadow = "in shadow: " if matter["state"] == SHADOW else ""
    said = f"{shadow}{matter['severity']}, for {matter['rung']}: {matter['reason']}"
    return history_line(matter["uid"], said, matter["opened_at"])


def rung_of(name: str, world: World) -> tuple[Rung, str]:
    """A group of the newest file. For one that it does not name any more those who look after the hub are told, and the
    line says so: a run that waited has its flow's text, but staff are always the newest (FLOWS 11)."""
    rung = world.config.staff.get(name)
    if rung is not None:
        return rung, ""
    instead = caretakers(world)
    if instead is None:
        return Rung(name, (), ()), f"the staff group {name} is not in the file any more, and there is no other"
    return instead, f"the staff group {name} is not in the file any more: {instead.name} is told instead"


def _starts(rung: Rung, severity: Severity, now: datetime, shop: Shop) -> datetime:
    return now if severity is Severity.CRITICAL else opens_at(_hours(rung, shop), now, shop.timezone)


def _hours(rung: Rung, shop: Shop) -> Hours | None:
    """When a group is there: its own hours, but not on the days on which the shop rests."""
    return replace(rung.hours, calendar=shop.hours.calendar) if rung.hours else None


def _timer(kind: str, escalation: Mapping[str, Any], due_at: datetime) -> dict[str, Any]:
    return {
        "tenant": TENANT,
        "slot": escalation["slot"],
        "key": f"{kind}:{escalation['uid']}",
        "kind": kind,
        "ref": escalation["uid"],
        "order_id": escalation["order_id"],
        "due_at": due_at,
        "state": 0,
    }
