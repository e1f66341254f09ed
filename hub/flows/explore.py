"""The whole set of flows, walked: every trigger with every combination of statuses and answers that its conditions can
tell apart. What can never happen, and where an order ends or stays and nobody hears of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hub.config.model import Config
from hub.config.problems import listed
from hub.config.settings import Reading
from hub.status import FINAL, Order, Payment, Shipment, full_name

from .cel import Compiled
from .cel_tree import Tree
from .check import all_steps
from .compile import Checked
from .model import (
    Ask,
    Branch,
    Choose,
    Escalate,
    Flow,
    Notify,
    State,
    Step,
    Stop,
    WaitEvent,
    WaitFor,
    WaitThat,
    WaitUntil,
)
from .truth import AXES, Case, Path, cases
from .types import ROLL_UP, axis_of_word

RESTING = frozenset(
    full_name(each)
    for each in (
        *(Order.ON_HOLD, Payment.PAYMENT_FAILED, Shipment.DELIVERY_FAILED),
        *(Shipment.READY_FOR_PICKUP, Shipment.PROBLEM),
    )
)
"""Statuses in which things stand still until somebody does something."""
ENDS = frozenset(full_name(each) for each in FINAL)
TOLD_BY: Mapping[str, tuple[str, ...]] = {"shipment.delivered": (ROLL_UP,)}
"""A status → triggers that come with it and tell the same."""
SAMPLED = " (sampled: it depends on the data)"
NOT_ITS_OWN = frozenset({"shipment.shipped", ROLL_UP})
"""Triggers at which the axis may already be further on."""
_FIELD = {axis: path for path, axis in AXES.items()}
_WAITS = (WaitFor, WaitUntil, WaitThat, WaitEvent)


def explore(checked: Mapping[str, Checked], config: Config, words: frozenset[str] | None, reading: Reading) -> None:
    """Report what no case reaches, and cases that nobody hears of. `words`: the triggers that the connections can
    produce; None: the file is not whole, and nothing is said about silence."""
    at_work = [each for each in checked.values() if each.flow.state is not State.OFF]
    for each in at_work:
        if _never_met(each, reading):
            continue
        _branches(each, reading)
    if words is not None:
        live = [each for each in at_work if each.flow.state is State.LIVE]
        for word in sorted((ENDS | RESTING) & words - config.contact.silent):
            _silence(word, live, config, reading)


def known_at(word: str) -> dict[Path, str]:
    """The status that is certain when this trigger comes."""
    status = word.removeprefix("stalled.")
    axis = axis_of_word(status) if status not in NOT_ITS_OWN else None
    return {_FIELD[axis]: status.partition(".")[2]} if axis is not None else {}


def _trees(flow: Flow) -> tuple[Tree, ...]:
    return tuple(each.tree for each in flow.when if isinstance(each, Compiled))


# ------------------------------------------------------------------------------------------------ never


def _never_met(each: Checked, reading: Reading) -> bool:
    """Whether the conditions of a flow contradict its triggers; each trigger at which they do is named."""
    trees, never = _trees(each.flow), 0
    for word, place in each.words.items() if trees else ():
        tried = list(cases(trees, known_at(word)))
        if tried and not any(all(case.of(tree) is True for tree in trees) for case in tried):
            text = f"'when' of '{each.flow.name}' is never met at '{word}'"
            reading.report(place, "never-fires", text, _because(word))
            never += 1
    return never > 0


def _because(word: str) -> str:
    known = known_at(word)
    return "; ".join(f"{'.'.join(path)} is '{status}' there" for path, status in known.items())


def _branches(each: Checked, reading: Reading) -> None:
    """Branches that no trigger of the flow leads to. Behind a wait the statuses may be any."""
    at_once = True
    for step in each.flow.steps:
        if isinstance(step, Choose):
            _one_choice(each, step, at_once, (), reading)
        at_once = at_once and not any(isinstance(inner, _WAITS) for inner in all_steps((step,)))


def _one_choice(each: Checked, choice: Choose, at_once: bool, above: tuple[Tree, ...], reading: Reading) -> None:
    before: list[Tree] = []
    for branch in choice.branches:
        own = (branch.when.tree,) if isinstance(branch.when, Compiled) else ()
        if not _reached(each.flow, (*above, *own), tuple(before), at_once):
            what = f"the branch '{branch.when.text}'" if branch.when is not None else "'else'"
            place = each.keys.get(choice.id, each.place)
            reading.report(place, "never-reached", f"{what} of '{each.flow.name}' is never taken", _why(each, at_once))
            before += own
            continue
        still = at_once
        for step in branch.steps:
            if isinstance(step, Choose):
                _one_choice(each, step, still, (*above, *own) if still else (), reading)
            still = still and not isinstance(step, _WAITS)
        before += own


def _why(each: Checked, at_once: bool) -> str:
    return "; ".join(filter(None, map(_because, each.flow.triggers))) if at_once else ""


def _reached(flow: Flow, must: tuple[Tree, ...], before: tuple[Tree, ...], at_once: bool) -> bool:
    """Whether some case of some trigger meets these and none of the branches before."""
    whens = _trees(flow) if at_once else ()
    for word in flow.triggers if at_once else ("",):
        tried, some = cases((*whens, *must, *before), known_at(word)), False
        for case in tried:
            some = True
            if all(case.of(tree) is True for tree in (*whens, *must)) and not any(
                case.of(tree) is True for tree in before
            ):
                return True
        if not some:
            return True  # more cases than can be tried
    return False


# ------------------------------------------------------------------------------------------------ silence


def _silence(word: str, live: list[Checked], config: Config, reading: Reading) -> None:
    """An order that ends or stays here, and of which no flow says anything to anybody in some case."""
    triggers = (word, f"stalled.{word}", *TOLD_BY.get(word, ()))
    for shop in config.shops:
        told = [
            each
            for each in live
            if set(triggers) & set(each.flow.triggers) and (each.flow.shops is None or shop in each.flow.shops)
        ]
        if not told or not any(_speaks_ever(each.flow) for each in told):
            continue  # no flow is about it: "not told" says so
        trees = tuple(dict.fromkeys(tree for each in told for tree in (*_trees(each.flow), *_inner(each.flow.steps))))
        quiet = [case for case in cases(trees, known_at(word)) if not any(_heard(each.flow, case) for each in told)]
        if quiet:
            first = told[0]
            place = next(first.words[each] for each in triggers if each in first.words)
            kind = "ends" if word in ENDS else "stays"
            text = f"an order that {kind} in '{word}' is not heard of when {_said(quiet, told)}"
            names = listed([f"'{each.flow.name}'" for each in told], 5)
            reading.report(
                place,
                "ends-silent",
                text,
                f"{names} {'says' if len(told) == 1 else 'say'} nothing then{SAMPLED if quiet[0].answers else ''}",
            )
            return


def _speaks_ever(flow: Flow) -> bool:
    return any(isinstance(each, Notify | Ask | Escalate) for each in all_steps(flow.steps))


def _inner(steps: Iterable[Step]) -> Iterator[Tree]:
    """The conditions of the branches in a list."""
    for each in all_steps(tuple(steps)):
        for branch in each.branches if isinstance(each, Choose) else ():
            if isinstance(branch.when, Compiled):
                yield branch.when.tree


def _heard(flow: Flow, case: Case) -> bool:
    """Whether a flow says anything in this case, if nothing else happens meanwhile."""
    return all(case.of(tree) is True for tree in _trees(flow)) and _says(flow.steps, case) is True


def _says(steps: tuple[Step, ...], case: Case) -> bool | None:
    """True: something is said; False: the run stops without; None: it goes on."""
    for each in steps:
        if isinstance(each, Notify | Ask | Escalate):
            return True
        if isinstance(each, Stop):
            return False
        if isinstance(each, Choose):
            taken = next((branch for branch in each.branches if _taken(branch, case)), None)
            found = _says(taken.steps, case) if taken is not None else None
            if found is not None:
                return found
    return None


def _taken(branch: Branch, case: Case) -> bool:
    return not isinstance(branch.when, Compiled) or case.of(branch.when.tree) is True


def _said(quiet: list[Case], told: list[Checked]) -> str:
    """The conditions as they are written that are not met in the first of these cases."""
    case = quiet[0]
    unmet = [
        expression.text
        for each in told
        for expression in (*each.flow.when, *_expressions(each.flow.steps))
        if isinstance(expression, Compiled) and case.of(expression.tree) is not True
    ]
    named = listed([f"'{' '.join(each.split())}'" for each in dict.fromkeys(unmet)], 3)
    return f"{named} {'is' if len(set(unmet)) == 1 else 'are'} not met" if unmet else "its run stops first"


def _expressions(steps: tuple[Step, ...]) -> Iterator[object]:
    for each in all_steps(steps):
        if isinstance(each, Choose):
            yield from (branch.when for branch in each.branches if branch.when is not None)
