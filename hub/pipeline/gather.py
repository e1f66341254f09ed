"""Parcels of one order that are told together (FLOWS 2.4, `gather`). The first one's run waits with its window open;
those that trigger within it join: they are that run's `shipments`, and their claims are its own. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from hub.flows.run import Run
from hub.status import FINAL, full_name

from .state import OrderView

GATHERED = "gathered"
"""Among a run's values: the parcels that are in it, the claims of those that joined, and whether more may. Not for
texts."""


def begun(run: Run, subject: str, until: datetime) -> Run:
    """A run that waits for other parcels before it does its first step."""
    return replace(run, due_at=until, values={**run.values, GATHERED: _of((subject,), (), open_=True)})


def joined(run: Run, subject: str, claim: str) -> Run:
    """The same with one more parcel."""
    known = run.values[GATHERED]
    subjects = dict.fromkeys((*known["subjects"], subject))
    return replace(run, values={**run.values, GATHERED: _of(subjects, (*known["claims"], claim), open_=True)})


def closed(run: Run) -> Run:
    """The same with its window shut: it does its steps."""
    known = run.values[GATHERED]
    return replace(
        run, due_at=None, values={**run.values, GATHERED: _of(known["subjects"], known["claims"], open_=False)}
    )


def is_open(values: Mapping[str, Any]) -> bool:
    """Whether a run still waits for other parcels."""
    return bool(values.get(GATHERED, {}).get("open"))


def claims_of(values: Mapping[str, Any]) -> Sequence[str]:
    """Keys of the runs that the parcels which joined would have had."""
    return values.get(GATHERED, {}).get("claims", ())  # type: ignore[no-any-return]


def is_complete(values: Mapping[str, Any], view: OrderView) -> bool:
    """Whether no other parcel can join: every one that lives is in, and nothing is left to send."""
    held = {view.as_now(each) for each in values[GATHERED]["subjects"]}
    return not view.rest and all(each.id in held for each in view.live)


def leader(values: Mapping[str, Any], word: str, view: OrderView) -> str | None:
    """Which of its parcels a run is about that gathered them: the first that is not over by another end than that of
    which it tells, else the first that is still there. None: it gathered none, or none is left."""
    known = values.get(GATHERED)
    if known is None:
        return None
    there = {each.id: each for each in view.shipments if not each.replaced}
    held = [each for each in dict.fromkeys(view.as_now(each) for each in known["subjects"]) if each in there]
    states = {each: there[each].folded.state for each in held}
    going = [each for each, state in states.items() if state is None or state not in FINAL or full_name(state) == word]
    return next(iter((*going, *held)), None)


def only_gathered(names: Mapping[str, Any], values: Mapping[str, Any], view: OrderView | None) -> dict[str, Any]:
    """The names of a run that gathered: `shipments` are its own, in the order in which they came."""
    kept = {name: value for name, value in names.items() if name != GATHERED}
    if GATHERED not in values or view is None or "shipments" not in kept:
        return kept
    by_id = {each.id: its for each, its in zip(view.shipments, kept["shipments"], strict=True)}
    held = dict.fromkeys(view.as_now(each) for each in values[GATHERED]["subjects"])
    return {**kept, "shipments": [by_id[each] for each in held if each in by_id]}


def _of(subjects: Any, claims: Any, *, open_: bool) -> dict[str, Any]:
    return {"subjects": list(subjects), "claims": list(claims), "open": open_}
