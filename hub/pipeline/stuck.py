"""What staff are told of an order's runs: those that cannot go on, and conditions that take too long to answer
(FLOWS 4 and 5.10). Pure.
"""

from collections.abc import Sequence, Set
from datetime import datetime
from typing import Any

from hub.flows.run import RunState

from .notices import Notice
from .react import Reaction

SHOWN = 200
"""Characters of a condition or a reason in what staff are told."""


def notices_of_runs(reaction: Reaction, now: datetime) -> list[Notice]:
    """A parked run is told once a day for each flow and reason, since one cause parks them all; a condition over its
    limit once for each text of a flow, since only an edit mends it."""
    found: list[Notice] = []
    for row in reaction.runs:
        if row.run.state is RunState.PARKED:
            said = {"kind": "parked", "source": row.flow, "said": row.run.reason[:SHOWN]}
            found.append((f"parked|{row.flow}|{row.version}|{row.run.reason}|{now:%Y-%m-%d}", row.subject, said))
    for flow, version, condition in reaction.exceeded:
        said = {"kind": "limit", "source": flow, "said": condition[:SHOWN]}
        found.append((f"limit|{flow}|{version}", "", said))
    return found


def notices_of_errands(errands: Sequence[Any], ended: Set[str], reaction: Reaction, now: datetime) -> list[Notice]:
    """What has just failed for good and parks no run: because its step says that it may, or because the run was over,
    was stopped or went another way before it heard. Staff are told once a day for each step and reason."""
    parked = {row.key for row in reaction.runs if row.run.state is RunState.PARKED}
    found: list[Notice] = []
    for each in errands:
        if each.key in ended and each.state == "failed" and each.run_key not in parked:
            said = {"kind": "errand", "source": each.flow, "said": f"{each.step}: {each.reason}"[:SHOWN]}
            found.append((f"errand|{each.flow}|{each.step}|{each.reason}|{now:%Y-%m-%d}", "", said))
    return found
