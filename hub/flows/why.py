"""Why a condition held or did not: what it read, its first part that is not met, and what would have met it. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from .cel import Compiled, Wants, compile_expression
from .cel_tree import Call, Const, Loop, Many, Select, Tree, path_of, reads, roots
from .model import Expression, Unknown

MOST_TEXT, MOST_ITEMS = 120, 12
"""How much of a value is kept to explain by: characters of a text, items of a list."""
Read = Mapping[str, Any]
"""Full name → what was read of it; what was absent is not there."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What conditions said: why they are not met (empty: they are), the first part that is not, and what they read."""

    unmet: str = ""
    rule: str = ""
    read: Read = field(default_factory=dict)


NOT_ASKED = Asked()


def what_was_read(conditions: Iterable[Expression], names: Mapping[str, Any]) -> dict[str, Any]:
    """The values that these conditions read, cut short, so that keeping them costs some hundred bytes."""
    paths = {each.path for condition in conditions if isinstance(condition, Compiled) for each in reads(condition.tree)}
    found = {".".join(path): _at(names, path) for path in sorted(paths)}
    return {name: value for name, value in found.items() if value is not None}


def _at(names: Any, path: Sequence[str]) -> Any:
    """The value there; of lists on the way a list of the values in their items."""
    if isinstance(names, list | tuple):
        found = [each for each in (_at(each, path) for each in names[:MOST_ITEMS]) if each is not None]
        return found if found or not names else None  # of records only their fields are kept, where those are read
    if path:
        return _at(names.get(path[0]), path[1:]) if isinstance(names, Mapping) else None
    return _short(names)


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= MOST_TEXT else f"{value[:MOST_TEXT]}…"
    if isinstance(value, list | tuple | set | frozenset):
        return [_short(each) for each in list(value)[:MOST_ITEMS]]
    return value if isinstance(value, bool | int | float | Decimal | datetime) else None


# ------------------------------------------------------------------------------------------------ parts

_TOKEN = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|&&|\|\||[?()\[\]{}]")


@lru_cache(maxsize=2048)
def parts_of(text: str) -> tuple[str, ...]:
    """The parts of a condition all of which must hold, as written: what stands between `&&` outside of brackets."""
    depth, cuts = 0, [0]
    for found in _TOKEN.finditer(text):
        token = found[0]
        if token in "([{":
            depth += 1
        elif token in ")]}":
            depth -= 1
        elif not depth and token in ("||", "?"):
            return (text.strip(),)
        elif not depth and token == "&&":
            cuts += [found.start(), found.end()]
    cuts.append(len(text))
    return tuple(text[start:end].strip() for start, end in zip(cuts[::2], cuts[1::2], strict=True))


def first_part(condition: Expression, names: Mapping[str, Any]) -> tuple[str, Any]:
    """The first part that is not met, with its value; the whole where it has no parts."""
    whole = condition.text.strip()
    for part in parts_of(condition.text) if isinstance(condition, Compiled) else ():
        compiled = _compiled(part, condition)
        value = compiled.value(names) if compiled is not None else None
        if value is not True:
            return part, value
    return whole, condition.value(names)


def _compiled(part: str, whole: Expression) -> Compiled | None:
    names = roots(whole.tree) if isinstance(whole, Compiled) else frozenset[str]()
    made = compile_expression(part, Wants.BOOL, names)
    return made if isinstance(made, Compiled) else None


# ------------------------------------------------------------------------------------------------ what would have met

_WORDS = {
    "_==_": "be {}", "_!=_": "not be {}", "_<_": "be less than {}", "_<=_": "be at most {}", "_>_": "be more than {}",
    "_>=_": "be at least {}",
}  # fmt: skip
_TURNED = {"_<_": "_>_", "_<=_": "_>=_", "_>_": "_<_", "_>=_": "_<=_"}


def would_meet(part: str, names: frozenset[str]) -> str:
    """What would have met a part of a condition, in words: `order.total would have to be at least 3000`."""
    made = compile_expression(part, Wants.BOOL, names)
    return next(_wished(made.tree), _whole(part)) if isinstance(made, Compiled) else _whole(part)


def _whole(part: str) -> str:
    return f"this would have to hold: {part}"


def _wished(tree: Tree) -> Iterator[str]:
    turned = isinstance(tree, Call) and tree.function == "!_"
    inner = tree.args[0] if isinstance(tree, Call) and turned else tree
    path = path_of(inner)
    if path is not None and isinstance(inner, Select) and inner.asks:
        yield f"{'.'.join(path)} would have to be {'absent' if turned else 'known'}"
    elif path is not None:
        yield f"{'.'.join(path)} would have to be {'false' if turned else 'true'}"
    elif isinstance(inner, Call):
        yield from _compared(inner, turned=turned)


def _compared(call: Call, *, turned: bool) -> Iterator[str]:
    if len(call.args) != 2 or (turned and call.function != "@in"):
        return
    (left, right), function = call.args, call.function
    if isinstance(left, Const) and path_of(right) is not None:
        left, right, function = right, left, _TURNED.get(function, function)
    path = path_of(left)
    if path is None or isinstance(left, Loop):
        return
    name = ".".join(path)
    if function in _WORDS and isinstance(right, Const):
        yield f"{name} would have to {_WORDS[function].format(_said(right.value))}"
    elif function == "@in" and isinstance(right, Many) and all(isinstance(each, Const) for each in right.parts):
        values = [_said(each.value) for each in right.parts if isinstance(each, Const)]
        among = "none of " if turned else "one of " if len(values) > 1 else ""
        yield f"{name} would have to be {among}{', '.join(values)}"


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def unknown_fields(value: Any) -> tuple[str, ...]:
    """The fields for want of which a condition is not known."""
    return value.fields if isinstance(value, Unknown) else ()
