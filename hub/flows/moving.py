"""Where a run that waits in one text of its flow would stand in another (FLOWS 11, versions). Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .model import Flow, Step, WaitEvent, WaitFor, WaitThat, WaitUntil, lists_in
from .run import settled, step_at

WAITS = (WaitFor, WaitUntil, WaitThat, WaitEvent)
"""One of these may take another's place: what a run waits for is reckoned anew."""

Path = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """The place in the other text and the step there; `why` says why there is none."""

    path: Path = ()
    step: str = ""
    why: str = ""


def walk(steps: Sequence[Step], above: Path = ()) -> Iterator[tuple[Path, Step]]:
    """Every step with the path that leads to it, in the order in which they stand."""
    for place, step in enumerate(steps):
        yield (*above, place), step
        for number, inner in enumerate(lists_in(step)):
            yield from walk(inner, (*above, place, number))


def stands_at(flow: Flow, path: Path) -> Step | None:
    """The step at which a run stands; None: the path leads nowhere in this text."""
    try:
        return step_at(flow.steps, settled(flow.steps, path))
    except IndexError:
        return None


def fit(old: Flow, path: Path, new: Flow) -> Fit:
    """Where a run at `path` of `old` goes on in `new`: at the step with the same `id`; one without an `id` of its own
    at the only step of these very words, else at the same place if the run can wait there, too."""
    here = stands_at(old, path)
    if here is None:
        return Fit(why="it stands at no step of its own text")
    there = dict(walk(new.steps))
    place = _same_step(old, here, there) or (None if _written(here) else settled(old.steps, path))
    if place is None or place not in there:
        return Fit(why=f"the step {here.id} is not there any more")
    step = there[place]
    if not _takes_place_of(step, here):
        return Fit(why=f"where {here.id} stood there is {step.id}, at which it cannot wait")
    return Fit(place, step.id)


def _same_step(old: Flow, here: Step, there: Mapping[Path, Step]) -> Path | None:
    found = next((path for path, step in there.items() if step.id == here.id), None)
    if _written(here):
        return found
    before, after = (Counter(_words(step) for step in steps) for steps in (_all(old), there.values()))
    alone = before[_words(here)] == after[_words(here)] == 1
    return found if alone else None


def _all(flow: Flow) -> list[Step]:
    return [step for _, step in walk(flow.steps)]


def _words(step: Step) -> str:
    """What a step without an `id` is called, but for the number that tells it from others like it."""
    return step.id.partition("#")[0]


def _written(step: Step) -> bool:
    """Whether the `id` is the merchant's own; the others are made of words with a colon, and no NAME has one."""
    return ":" not in step.id


def _takes_place_of(step: Step, here: Step) -> bool:
    if isinstance(here, WAITS):
        return isinstance(step, WAITS)
    return type(step) is type(here) and step.id == here.id  # a matter, a call: what became of it is kept under its key
