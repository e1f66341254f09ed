"""Whether what came of a case is what was agreed: line by line, to the minute. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.config.model import Config
from hub.config.problems import Place, Problem, on_one_line
from hub.flows.cases import Case, Expected

from .effects import Effect, Kind
from .scene import providers_of

COMPLETE = frozenset({Kind.MESSAGE, Kind.ESCALATION})
"""Kinds of which each must be listed. `deferred` and `suppressed` never must; of the others all, once one is."""
NEVER = frozenset({Kind.DEFERRED, Kind.SUPPRESSED})
MOST_WORDS = 160


@dataclass(frozen=True, slots=True)
class Difference:
    """One: a line of which nothing came (`expected`), or what came without one (`found`), or a line that came
    otherwise, with both."""

    place: Place
    expected: str = ""
    found: str = ""

    @property
    def problem(self) -> Problem:
        """As a mistake in the file, at the line."""
        if self.expected and self.found:
            text = f"expected: {self.expected}; found: {self.found}"
        else:
            text = f"expected: {self.expected}; it did not come" if self.expected else f"not expected: {self.found}"
        return Problem(self.place, "test-failed", text)


def differences(case: Case, effects: Sequence[Effect], config: Config) -> list[Difference]:
    """Everything that is not as agreed; nothing: the case holds."""
    judge = _Judge(case, config)
    left = list(effects)
    unmet: list[Expected] = []
    for line in case.then:
        met = next((each for each in left if judge.is_met(line, each)), None)
        if met is None:
            unmet.append(line)
        else:
            left.remove(met)
    needed = [each for each in left if judge.must_be_listed(each)]
    found: list[Difference] = []
    for line in unmet:
        near = next((each for each in (*needed, *left) if _is_like(line, each)), None)
        if near is not None:
            left.remove(near)
            needed = [each for each in needed if each is not near]
        found.append(Difference(line.place, judge.written(line), judge.told(near, line) if near else ""))
    return found + [Difference(case.then_place, "", judge.told(each)) for each in needed]


def _is_like(line: Expected, effect: Effect) -> bool:
    return (line.kind, line.what) == (effect.kind, effect.what)


class _Judge:
    def __init__(self, case: Case, config: Config) -> None:
        self.case, self.config = case, config
        self.shop = config.shops[case.shop]
        self.listed = {line.kind for line in case.then}

    def must_be_listed(self, effect: Effect) -> bool:
        """What comes of no order (a schedule, a connection) only where the case is about that flow."""
        if not effect.order and effect.flow not in (self.case.flows or ()):
            return False
        return effect.kind in COMPLETE or (effect.kind in self.listed and effect.kind not in NEVER)

    def is_met(self, line: Expected, effect: Effect) -> bool:
        """Whether this came as the line says."""
        same = _is_like(line, effect) and _minute(line.at) == _minute(effect.at)
        return same and not any(self._wrong(line, effect))

    def _wrong(self, line: Expected, effect: Effect) -> Iterable[bool]:
        said = line.said
        holds, lacks = line.texts
        if said.via is not None:
            yield effect.via not in (said.via, *providers_of(self.config, self.shop, said.via))
        if said.to is not None:
            yield not self._is_to(said.to, effect.to)
        text = _folded(effect.text)
        yield any(_folded(each) not in text for each in holds)
        yield any(_folded(each) in text for each in lacks)
        if said.why:
            yield not effect.why.startswith(said.why)

    def _is_to(self, to: str, readers: Sequence[str]) -> bool:
        rung = self.config.staff.get(to)
        return set(readers) <= set(rung.people) if rung is not None else tuple(readers) == (to,)

    # -- as people read it

    def written(self, line: Expected) -> str:
        """The line again."""
        said, parts = line.said, [self._at(line.at), line.kind, line.what]
        parts += [f"via {said.via}"] if said.via else []
        parts += [f"to {said.to}"] if said.to else []
        parts += [f"why {said.why}"] if said.why else []
        holds, lacks = line.texts
        parts += [f"with «{each}»" for each in holds] + [f"without «{each}»" for each in lacks]
        return " ".join(parts)

    def told(self, effect: Effect, line: Expected | None = None) -> str:
        """What came; its text only where a line speaks of it."""
        parts = [self._at(effect.at), effect.kind.value, effect.what]
        parts += [f"via {effect.via}"] if effect.via else []
        parts += [f"to {', '.join(effect.to)}"] if effect.to and effect.to != ("customer",) else []
        parts += [f"({effect.why})"] if effect.why and effect.kind in NEVER else []
        if effect.kind is Kind.ESCALATION or (line is not None and any(line.texts)):
            parts += [f"«{on_one_line(_folded(effect.text), MOST_WORDS)}»"]
        parts += [f"by {effect.flow}"] if effect.flow else []
        return " ".join(parts)

    def _at(self, at: datetime) -> str:
        return f"{at.astimezone(self.shop.timezone):%Y-%m-%dT%H:%M}"


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _folded(text: str) -> str:
    """A text as lines are compared: however it is broken."""
    return " ".join(text.split())
