"""What follows from conditions that are known to hold, without any order at hand: enough to say that a flow never does
what a policy forbids. What cannot be shown so is simply not known. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from numbers import Real
from typing import Any

from hub.status import Axis

from .cel import Compiled
from .cel_tree import NONE, Call, Const, Loop, Many, Name, Paths, Select, Tree, must_read, path_of, reads
from .types import ROLL_UP, axis_of_word, maybes_in

STATUS_OF = {
    Axis.ORDER: ("order", "status"),
    Axis.PAYMENT: ("payment", "status"),
    Axis.SHIPMENT: ("shipment", "status"),
    Axis.RETURN: ("order", "return_status"),
}
"""Where the status of an axis is read."""
_COMPARED = {"_==_": "==", "_!=_": "!=", "_<_": "<", "_<=_": "<=", "_>_": ">", "_>=_": ">="}
_TURNED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field against constants: `op` is one of == != < <= > >= in."""

    path: tuple[str, ...]
    op: str
    values: tuple[Any, ...]

    def holds(self, value: Any) -> bool:
        """Whether it is true of a value of the same type."""
        first = self.values[0] if self.values else None
        match self.op:
            case "==" | "in":
                return value in self.values
            case "!=":
                return bool(value != first)
            case "<":
                return bool(value < first)
            case "<=":
                return bool(value <= first)
            case ">":
                return bool(value > first)
        return bool(value >= first)


@dataclass(frozen=True, slots=True)
class Fact:
    """A condition without `&&` and `||` that is known to be `truth`; `there`: what it had to read."""

    bare: Any
    truth: bool
    there: Paths = field(default=NONE, compare=False)
    comparison: Comparison | None = field(default=None, compare=False)


Facts = frozenset[Fact]
NO_FACTS: Facts = frozenset()


def facts_of(condition: Compiled, truth: bool) -> Facts:
    """What is known where a condition is known to be `truth`."""
    return frozenset(_facts(condition.tree, truth))


def facts_of_unmet(condition: Compiled) -> Facts:
    """What is known where a condition is not met: that it is false, if it cannot be unknown."""
    sure = not any(maybes_in(each.path) for each in reads(condition.tree))
    return facts_of(condition, False) if sure else NO_FACTS


def facts_of_trigger(words: Sequence[str]) -> Facts:
    """What is known at the moment of a trigger that is a status."""
    axis = axis_of_word(words[0]) if len(words) == 1 and words[0] != ROLL_UP else None
    if axis is None:
        return NO_FACTS
    path = STATUS_OF[axis]
    said = Comparison(path, "==", (words[0].partition(".")[2],))
    return frozenset({Fact(said, True, frozenset({path[:1], path}), said)})


def known_to_be(condition: Compiled, truth: bool, facts: Iterable[Fact]) -> bool:
    """Whether a condition is certainly `truth` where these facts hold."""
    return _known(condition.tree, truth, tuple(facts))


def _facts(tree: Tree, truth: bool) -> list[Fact]:
    if isinstance(tree, Call) and tree.function == "!_":
        return _facts(tree.args[0], not truth)
    if isinstance(tree, Call) and tree.function == ("_&&_" if truth else "_||_"):
        return [fact for each in tree.args for fact in _facts(each, truth)]
    return [Fact(_bare(tree), truth, must_read(tree), _comparison(tree))]


def _known(tree: Tree, truth: bool, facts: Sequence[Fact]) -> bool:
    if isinstance(tree, Const):
        return tree.value is truth
    if isinstance(tree, Call) and tree.function == "!_":
        return _known(tree.args[0], not truth, facts)
    if isinstance(tree, Call) and tree.function in ("_&&_", "_||_"):
        of_each = (_known(each, truth, facts) for each in tree.args)
        return all(of_each) if (tree.function == "_&&_") is truth else any(of_each)
    bare = _bare(tree)
    if any(each.bare == bare and each.truth is truth for each in facts):
        return True
    if isinstance(tree, Select) and tree.asks:
        return truth and any(path_of(tree) in each.there for each in facts if not _asks(each.bare))
    goal = _comparison(tree)
    return goal is not None and _follows(goal, truth, facts)


def _asks(bare: Any) -> bool:
    return isinstance(bare, tuple) and bool(bare) and bare[0] == "has"


def _follows(goal: Comparison, truth: bool, facts: Sequence[Fact]) -> bool:
    """Whether every value that the facts leave to a field makes the comparison `truth`. Between and beside the
    constants one value stands for all."""
    about = [(each.comparison, each.truth) for each in facts if each.comparison and each.comparison.path == goal.path]
    values = [value for one, _ in about for value in one.values] + list(goal.values)
    left = [value for value in _standing(values) if all(one.holds(value) is held for one, held in about)]
    return bool(about and left) and all(goal.holds(value) is truth for value in left)


def _standing(values: Sequence[Any]) -> list[Any]:
    """Values that stand for all there are, given the constants of one type; none where they are of several."""
    if all(isinstance(each, str) for each in values):
        return [*dict.fromkeys(values), "\0"]
    if all(isinstance(each, bool) for each in values):
        return [True, False]
    if not all(isinstance(each, Real) and not isinstance(each, bool) for each in values):
        return []
    known = sorted({float(each) for each in values})
    between = [(one + two) / 2 for one, two in pairwise(known)]
    return [known[0] - 1, *known, *between, known[-1] + 1]


def _comparison(tree: Tree) -> Comparison | None:
    if not isinstance(tree, Call) or len(tree.args) != 2:
        return None
    left, right = tree.args
    if tree.function == "@in" and isinstance(right, Many):
        path, listed = path_of(left), right.parts
        if path is None or not all(isinstance(each, Const) for each in listed):
            return None
        return Comparison(path, "in", tuple(each.value for each in listed if isinstance(each, Const)))
    op = _COMPARED.get(tree.function)
    if op is None:
        return None
    if isinstance(left, Const):
        left, right, op = right, left, _TURNED[op]
    path = path_of(left)
    return Comparison(path, op, (right.value,)) if path is not None and isinstance(right, Const) else None


def _bare(tree: Tree) -> Any:
    """A tree without the places at which its parts stand."""
    comparison = _comparison(tree)
    if comparison is not None:
        return comparison
    match tree:
        case Const():
            return ("const", type(tree.value).__name__, tree.value)
        case Name():
            return ("name", tree.name)
        case Select():
            return ("has" if tree.asks else "field", _bare(tree.operand), tree.field)
        case Call():
            return ("call", tree.function, *map(_bare, tree.args))
        case Loop():
            return ("loop", tree.var, _bare(tree.range), *map(_bare, tree.parts))
        case Many():
            return ("many", *map(_bare, tree.parts))
    return ("record", tree.name)
