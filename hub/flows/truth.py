"""What a condition comes to when only some of what it reads is known: the statuses of the axes are tried one by one,
every other question may be answered yes, no, or not at all."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, product
from typing import TypeAlias

from hub.status import VALUES, Axis

from .cel_tree import Call, Const, Loop, Many, Name, Select, Tree, inside, must_read, path_of
from .types import maybes_in

Path: TypeAlias = tuple[str, ...]
Answer: TypeAlias = bool | None
"""None: not known, and so not met."""
AXES: Mapping[Path, Axis] = {
    ("order", "status"): Axis.ORDER,
    ("payment", "status"): Axis.PAYMENT,
    ("shipment", "status"): Axis.SHIPMENT,
    ("order", "return_status"): Axis.RETURN,
}
"""The fields that hold a status."""
MOST = 20_000
"""So many combinations are tried; more questions than that at once are asked by nobody."""
_OPPOSITE = {"_<_": "_>=_", "_<=_": "_>_", "_!=_": "_==_"}
"""Comparisons that are read as the opposite of another, so that both are one question."""


@dataclass(frozen=True, slots=True)
class Question:
    """A part of a condition that data answers. `asks`: it is a `has` of `reads`; `reads`: what it must read."""

    key: Hashable
    reads: frozenset[Path] = frozenset()
    asks: bool = False

    @property
    def answers(self) -> tuple[Answer, ...]:
        return (True, False) if self.asks or not any(maybes_in(each) for each in self.reads) else (True, False, None)


@dataclass(frozen=True, slots=True)
class Case:
    """One combination: the statuses (None: there is none) and an answer to each question."""

    statuses: Mapping[Path, str | None]
    answers: Mapping[Question, Answer] = field(default_factory=dict)

    def of(self, tree: Tree) -> Answer:
        """What a condition comes to. `&&` and `||` absorb what is not known, as CEL does."""
        if isinstance(tree, Const):
            return tree.value if isinstance(tree.value, bool) else None
        if isinstance(tree, Call):
            found = self._call(tree)
            if found is not _OTHER:
                return found  # type: ignore[return-value]
        return self._answer(tree)

    def _call(self, tree: Call) -> object:
        match tree.function, tree.args:
            case "!_", (inner,):
                return _not(self.of(inner))
            case "_&&_", args:
                return _all([self.of(each) for each in args])
            case "_||_", args:
                return _not(_all([_not(self.of(each)) for each in args]))
            case "_?_:_", (asked, yes, no):
                answer = self.of(asked)
                return None if answer is None else self.of(yes if answer else no)
            case (("_==_" | "_!=_") as function, (left, right)) if (held := self._held(left, right)) is not _OTHER:
                return _not(held) if function == "_!=_" else held  # type: ignore[arg-type]
            case "@in", (one, Many(parts=parts)) if all(isinstance(each, Const) for each in parts):
                found = [self._held(one, each) for each in parts]
                if _OTHER not in found:
                    return None if None in found else any(found)
            case function, args if function in _OPPOSITE:
                return _not(self._answer(Call(tree.offset, _OPPOSITE[function], args, tree.grows)))
        return _OTHER

    def _held(self, one: Tree, other: Tree) -> object:
        """Whether the status in a field is this word."""
        path, word = (path_of(one), other) if isinstance(other, Const) else (path_of(other), one)
        if path is None or not isinstance(word, Const) or path not in self.statuses:
            return _OTHER
        status = self.statuses[path]
        return None if status is None else status == word.value

    def _answer(self, tree: Tree) -> Answer:
        return self.answers.get(question(tree))


_OTHER = object()
"""Not decided by statuses: a question of its own."""


def _not(answer: Answer) -> Answer:
    return None if answer is None else not answer


def _all(answers: list[Answer]) -> Answer:
    return False if False in answers else None if None in answers else True


def question(tree: Tree) -> Question:
    """The question that a part of a condition is, wherever it stands."""
    path = path_of(tree)
    if path is not None and isinstance(tree, Select) and tree.asks:
        return Question(("has", path), frozenset({path}), asks=True)
    return Question(_shape(tree), must_read(tree))


def _shape(tree: Tree) -> Hashable:
    """A tree without its places: what is written twice is one question."""
    own: Hashable = ""
    match tree:
        case Const(value=value):
            own = (type(value).__name__, value)
        case Name(name=name):
            own = name
        case Select(field=name, asks=asks):
            own = (name, asks)
        case Call(function=name):
            own = name
        case Loop(var=name):
            own = name
    return type(tree).__name__, own, tuple(_shape(each) for each in inside(tree))


def questions(tree: Tree) -> Iterator[Question]:
    """The questions of a condition, statuses left out."""
    if isinstance(tree, Const):
        return
    if isinstance(tree, Call):
        if tree.function in ("!_", "_&&_", "_||_", "_?_:_"):
            for each in tree.args:
                yield from questions(each)
            return
        everything = Case(dict.fromkeys(AXES))
        if everything._call(tree) is not _OTHER and tree.function not in _OPPOSITE:
            return
        if tree.function in _OPPOSITE:
            if tree.function == "_!=_" and everything._held(*tree.args) is not _OTHER:
                return
            tree = Call(tree.offset, _OPPOSITE[tree.function], tree.args, tree.grows)
    yield question(tree)


def statuses_read(tree: Tree) -> Iterator[Path]:
    """The status fields that a condition reads."""
    path = path_of(tree)
    if path is not None and path in AXES:
        yield path
    for each in inside(tree):
        yield from statuses_read(each)


def cases(trees: tuple[Tree, ...], known: Mapping[Path, str]) -> Iterator[Case]:
    """Every combination that these conditions can tell apart, where some statuses are known; nothing where there are
    more than can be tried."""
    paths = sorted({path for tree in trees for path in statuses_read(tree)} - known.keys())
    asked = list(dict.fromkeys(each for tree in trees for each in questions(tree)))
    words: list[tuple[str | None, ...]] = [_words(each) for each in paths]
    size = 1
    for choices in (*words, *(each.answers for each in asked)):
        size *= len(choices)
    if size > MOST:
        return
    for chosen in product(*words):
        statuses = {**known, **dict(zip(paths, chosen, strict=True))}
        for answers in islice(product(*(each.answers for each in asked)), MOST):
            given = dict(zip(asked, answers, strict=True))
            if _possible(given):
                yield Case(statuses, given)


def _words(path: Path) -> tuple[str | None, ...]:
    none: tuple[str | None, ...] = (None,) if maybes_in(path) else ()
    return (*(str(each) for each in VALUES[AXES[path]]), *none)


def _possible(answers: Mapping[Question, Answer]) -> bool:
    """Whether the answers agree with each other on what is there."""
    there = {path: answer for each, answer in answers.items() if each.asks for path in each.reads}
    for each, answer in answers.items():
        if each.asks:
            continue
        if answer is not None and any(there.get(path) is False for path in each.reads):
            return False
        missing = [path for path in each.reads if path not in there and path not in AXES and maybes_in(path)]
        if answer is None and not missing and all(there.get(path, True) for path in each.reads):
            return False
    return True
