"""Runs that wait for their turn (`mode: queue`): a new occurrence came while a run of this flow and subject lived. Such
a run stands before its first step, in the order in which it came, and begins when none before it lives. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from hub.flows.run import Run

QUEUED = "queued"
"""Among a run's values while it waits: its turn, counted from 1. Not for texts."""
WHY = "queued: it waits for the run before it"


def queued(run: Run, others: Iterable[Mapping[str, Any]]) -> Run:
    """A run that takes its turn behind these (the values of the runs that live)."""
    turn = 1 + max((each.get(QUEUED, 0) for each in others), default=0)
    return replace(run, reason=WHY, values={**run.values, QUEUED: turn})


def is_queued(values: Mapping[str, Any]) -> bool:
    """Whether a run waits for its turn."""
    return QUEUED in values


def turn_of(values: Mapping[str, Any]) -> int:
    """The turn of a run; one that has begun comes before all."""
    return int(values.get(QUEUED, 0))


def begins(run: Run) -> Run:
    """The run when its turn has come."""
    values = {name: value for name, value in run.values.items() if name != QUEUED}
    return replace(run, reason="", values=values)
