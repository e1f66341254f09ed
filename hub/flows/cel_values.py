"""Comparisons that can never be true: a field that holds one of a closed list of words, with a word that is none."""

from collections.abc import Iterator

from hub.config.problems import instead, quoted

from .cel_errors import Mistake
from .cel_tree import Call, Const, Loop, Many, Tree, inside, path_of, resolved
from .types import is_event, words_of

_COMPARING = frozenset({"_==_", "_!=_", "@in"})
Loops = dict[str, tuple[str, ...]]


def misnamed(tree: Tree) -> tuple[Mistake, ...]:
    """The words that a field is compared with and can never be, in the order written."""
    return tuple(_misnamed(tree, {}))


def _misnamed(tree: Tree, loops: Loops) -> Iterator[Mistake]:
    if isinstance(tree, Loop):
        yield from _misnamed(tree.range, loops)
        known = {**loops, tree.var: resolved(path_of(tree.range), loops) or (), tree.accu: ()}
        for part in tree.parts:
            yield from _misnamed(part, known)
        return
    if isinstance(tree, Call) and tree.function in _COMPARING and len(tree.args) == 2:
        left, right = tree.args
        yield from _compared(left, right, loops)
        if tree.function != "@in":
            yield from _compared(right, left, loops)
    for part in inside(tree):
        yield from _misnamed(part, loops)


def _compared(field: Tree, other: Tree, loops: Loops) -> Iterator[Mistake]:
    path = resolved(path_of(field), loops)
    words = words_of(path) if path else ()
    family = "a trigger such as payment.paid" if path == ("waited",) else ""  # too many to list
    for each in other.parts if isinstance(other, Many) else (other,):
        if words and path and isinstance(each, Const) and isinstance(each.value, str) and each.value not in words:
            if path == ("waited",) and is_event(each.value):
                continue
            meant = instead(each.value, [word for word in words if word], family)
            said = f"'{'.'.join(path)}' is never {quoted(each.value)}{meant}"
            yield Mistake("cel-constant", said, each.offset)
