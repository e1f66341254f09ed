"""Cases of `tests:` on rehearsals: what came of each, and what of the file none of them has reached."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from hub.config.model import Config
from hub.config.problems import Problem
from hub.flows.cases import Case
from hub.flows.model import Choose, Flow, State, Step, lists_in
from hub.messages import Texts
from hub.status import Order
from hub.store.tables import InboxState, inbox, runs

from .effects import Effect, Kind
from .rehearsal import Rehearsal
from .scene import BEFORE, CannotError, Scene
from .verdict import Difference, differences

Path = tuple[int, ...]
_DEAD = sa.select(inbox.c.error).where(inbox.c.state == InboxState.DEAD).order_by(inbox.c.id)
"""Why events could not be applied: nothing of them would ever come."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a case. `cannot`: lines that could not happen, and events that could not be applied; they are among
    the differences. `flows` that ran, `went`: (flow, path) of the branches they took, `locales` in which the customer
    was written to."""

    case: Case
    effects: tuple[Effect, ...]
    differences: tuple[Difference, ...]
    cannot: tuple[Difference, ...] = ()
    flows: frozenset[str] = frozenset()
    went: frozenset[tuple[str, Path]] = frozenset()
    locales: frozenset[str] = frozenset()

    @property
    def holds(self) -> bool:
        """Whether everything is as agreed."""
        return not self.differences

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Each difference as a mistake at its line."""
        return tuple(each.problem for each in self.differences)


async def run_case(case: Case, config: Config, texts: Texts) -> Result:
    """Play a case from its given state to its end."""
    only = {name: flow for name, flow in config.flows.items() if case.flows is None or name in case.flows}
    start = case.when[0].at - BEFORE
    cannot: list[Difference] = []
    async with Rehearsal(replace(config, flows=only), texts, start) as it:
        scene = Scene(it, case.given, config.shops[case.shop], start)
        await scene.set(known=not any(each.said.order is Order.RECEIVED for each in case.when))
        for line in case.when:
            await it.until(line.at)
            try:
                await scene.happen(line)
            except CannotError as error:
                cannot.append(Difference(line.place, f"{line.kind} happens", str(error)))
        await it.until(case.until)
        ran = await it.hub.db.read(lambda connection: frozenset(connection.execute(sa.select(runs.c.flow)).scalars()))
        dead = await it.hub.db.read(lambda connection: connection.execute(_DEAD).scalars().all())
    cannot += [Difference(case.place, "", each) for each in dead]
    told = [each for each in it.effects if each.kind is Kind.MESSAGE and each.to == ("customer",)]
    return Result(
        case,
        tuple(it.effects),
        (*cannot, *differences(case, it.effects, config)),
        tuple(cannot),
        ran,
        frozenset(it.went),
        frozenset(each.locale.partition("-")[0].lower() for each in told),
    )


# ------------------------------------------------------------------------------------------------ coverage


@dataclass(frozen=True, slots=True)
class Branch:
    """One list of steps inside a step: `label` says which, as `choose, line 2: else`."""

    flow: str
    path: Path
    label: str


@dataclass(slots=True)
class Coverage:
    """What of a file the cases have reached, and what not."""

    flows: Mapping[str, bool]
    branches: Mapping[Branch, bool]
    locales: Mapping[str, bool]

    @property
    def whole(self) -> bool:
        """Whether all of it was reached."""
        return all(all(part.values()) for part in (self.flows, self.branches, self.locales))


def coverage(results: Sequence[Result], config: Config) -> Coverage:
    """Of the flows at work, of their branches, and of the languages of the shops."""
    ran, went, spoken = (
        {one for each in results for one in getattr(each, part)} for part in ("flows", "went", "locales")
    )
    at_work = [flow for flow in config.flows.values() if flow.state is not State.OFF]
    branches = [branch for flow in at_work for branch in branches_of(flow)]
    locales = dict.fromkeys(shop.locale.partition("-")[0].lower() for shop in config.shops.values())
    return Coverage(
        {flow.name: flow.name in ran for flow in at_work},
        {branch: (branch.flow, branch.path) in went for branch in branches},
        {locale: locale in spoken for locale in locales},
    )


def branches_of(flow: Flow) -> Iterator[Branch]:
    """Every list of steps inside a step of a flow."""

    def walk(steps: Sequence[Step], path: Path) -> Iterator[Branch]:
        for place, step in enumerate(steps):
            for number, inner in enumerate(lists_in(step)):
                here = (*path, place, number)
                yield Branch(flow.name, here, f"{_name(step)}: {_which(step, number)}")
                yield from walk(inner, here)

    return walk(flow.steps, ())


def _name(step: Any) -> str:
    return "choose" if isinstance(step, Choose) else step.id


def _which(step: Step, number: int) -> str:
    if not isinstance(step, Choose):
        return "if_fails"
    when = step.branches[number].when
    return "else" if when is None else f"when {' '.join(when.text.split())}"
