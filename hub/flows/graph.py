"""The flows as a picture: what it shows, as data. `mermaid` and `svg` draw it. Made of `Flow.source`, so that whatever
a step is called it is shown. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .lists import DO
from .model import Flow, State


class Kind(StrEnum):
    """What a step does, for its colour."""

    SAY = "say"
    STAFF = "staff"
    WAIT = "wait"
    DO = "do"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Deed:
    """A step in a few words."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Fork:
    """Ways of which a run takes the first whose condition holds (the label; `else`: none did). Without an `else` it
    may take none and goes on. `deed`: the step of which these are the ways (`if_fails`); None: a `choose`."""

    ways: tuple[tuple[str, "Steps"], ...]
    deed: Deed | None = None

    @property
    def open(self) -> bool:
        """Whether a run may take none of the ways."""
        return all(label != ELSE for label, _ in self.ways)


Steps = tuple[Deed | Fork, ...]
ELSE = "else"
OUTSIDE = ("customer", "recipient")
"""Whom messages go to that are for nobody of the staff."""


@dataclass(frozen=True, slots=True)
class Row:
    """A flow among others: what starts it, and what comes of it."""

    name: str
    state: State
    triggers: tuple[str, ...]
    deeds: tuple[Deed, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Flows about one thing."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """One flow from within."""

    name: str
    about: str
    triggers: tuple[str, ...]
    when: tuple[str, ...]
    stop_on: tuple[str, ...]
    steps: Steps


TITLES: Mapping[str, str] = {
    "order": "Orders",
    "payment": "Payments",
    "shipment": "Parcels",
    "return": "Returns",
    "customer": "Customers",
    "survey": "Surveys",
    "message": "Messages",
    "escalation": "Matters",
    "status": "Statuses",
    "connection": "Connections",
    "schedule": "By the clock",
    "button": "By a button",
    "event": "Events of others",
}


def overview(flows: Mapping[str, Flow]) -> list[Group]:
    """All flows, grouped by what starts them; those that start by the same stand together."""
    rows: dict[str, list[Row]] = {}
    for flow in flows.values():
        source = flow.source or {}
        on = _listed(source.get("on"))
        deeds = tuple(dict.fromkeys(each for each in _flat(steps_of(source.get("steps", []))) if each.kind in _TELLING))
        row = Row(flow.name, flow.state, tuple(trigger_text(each) for each in on), deeds)
        rows.setdefault(_subject(on[0]), []).append(row)
    order = [*TITLES, *(each for each in rows if each not in TITLES)]
    return [Group(TITLES.get(each, each), _together(rows[each])) for each in order if each in rows]


_TELLING = (Kind.SAY, Kind.STAFF, Kind.DO)


def tree(flow: Flow) -> Tree:
    """One flow with its waits and branches."""
    source = flow.source or {}
    return Tree(
        flow.name,
        flow.about,
        tuple(trigger_text(each) for each in _listed(source.get("on"))),
        tuple(_line(each) for each in _listed(source.get("when"))),
        tuple(trigger_text(each) for each in _listed(source.get("stop_on"))),
        steps_of(source.get("steps", [])),
    )


def trigger_text(trigger: Any) -> str:
    """A trigger as it is written, on one line."""
    if isinstance(trigger, Mapping):
        return ", ".join(f"{word}: {_line(value)}" for word, value in trigger.items())
    return str(trigger)


def _subject(trigger: Any) -> str:
    """What a trigger is about."""
    if not isinstance(trigger, Mapping):
        return str(trigger).partition(".")[0]
    word, given = next(iter(trigger.items()))
    return str(given).partition(".")[0] if word in ("stalled", "late") else str(word)


def _together(rows: Sequence[Row]) -> tuple[Row, ...]:
    firsts = list(dict.fromkeys(row.triggers[0] for row in rows))
    return tuple(sorted(rows, key=lambda row: firsts.index(row.triggers[0])))


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


# ------------------------------------------------------------------------------------------------ steps


def steps_of(steps: Sequence[Mapping[str, Any]]) -> Steps:
    """Steps as they are written, in a few words each."""
    return tuple(each for step in steps for word, given in step.items() for each in _told(word, given))


def _told(word: str, given: Any) -> Steps:
    """A step; of a named list, its steps, which stand in the flow's own text."""
    if word == DO and isinstance(given, Mapping) and "steps" in given:
        return steps_of(given["steps"])
    return (_step(word, given),)


def _step(word: str, given: Any) -> Deed | Fork:
    if word == "choose":
        return Fork(tuple(_way(each) for each in given))
    deed = Deed(_kind(word, given), _SAID.get(word, _other)(word, given))
    fails = given.get("if_fails") if isinstance(given, Mapping) else None
    return Fork((("if it fails", steps_of(fails)),), deed) if isinstance(fails, list) else deed


def _kind(word: str, given: Any) -> Kind:
    to_staff = word == "notify" and given.get("to", OUTSIDE[0]) not in OUTSIDE
    return Kind.STAFF if to_staff else _KINDS.get(word, Kind.DO)


def _way(branch: Mapping[str, Any]) -> tuple[str, Steps]:
    if "else" in branch:
        return ELSE, steps_of(branch["else"])
    return _line(branch["when"]), steps_of(branch["steps"])


def _flat(steps: Steps) -> Iterator[Deed]:
    for each in steps:
        if isinstance(each, Deed):
            yield each
        else:
            if each.deed is not None:
                yield each.deed
            for _, way in each.ways:
                yield from _flat(way)


def _line(value: Any) -> str:
    return " ".join(str(value).split())


def _notify(word: str, given: Mapping[str, Any]) -> str:
    to = given.get("to", "customer")
    return f"{given['template']}" if to == "customer" else f"{given['template']} to {to}"


def _wait(word: str, given: Any) -> str:
    if not isinstance(given, Mapping):
        return f"wait {given}"
    if "until" in given:
        other = f" (unknown: {given['or']})" if "or" in given else ""
        return f"wait until {_line(given['until'])}{other}"
    what = f"for {', '.join(_listed(given['event']))}" if "event" in given else f"that {_line(given['that'])}"
    return f"wait {what}, up to {given['up_to']}"


def _escalate(word: str, given: Mapping[str, Any]) -> str:
    return f"asks {given['to']}" + (" and waits" if str(given.get("wait", "")).lower() == "true" else "")


def _other(word: str, given: Any) -> str:
    """A step in its own words: what stands in it that is short."""
    said = word.replace("_", " ")
    if not isinstance(given, Mapping):
        return f"{said} {_line(given or '')}".strip()
    values = [value for key, value in given.items() if key in _TELL]
    return " ".join([said, *(", ".join(map(_line, _listed(value))) for value in values)])


_TELL = ("to", "status", "add", "remove", "classes", "for", "percent", "amount", "list")
"""Settings of other steps that say what they do."""
_KINDS: Mapping[str, Kind] = {
    "notify": Kind.SAY, "survey": Kind.SAY, "escalate": Kind.STAFF, "wait": Kind.WAIT, "stop": Kind.STOP,
}  # fmt: skip
_SAID: Mapping[str, Any] = {
    "notify": _notify,
    "wait": _wait,
    "escalate": _escalate,
    "survey": lambda word, given: f"survey {given['name']}",
}
