"""Named lists of steps (FLOWS 5.9): how they are read, and how `do` is unfolded where a flow uses one.

Unfolding is done on the tree, before a flow is read: `do: {list, with}` gets the list's steps, each `$name` of them
replaced by the value that was given. So a flow's text (`Flow.source`) says all that it does, and a run under way needs
no list of the file any more. Positions are kept: a value stands where it was given, all else where the list stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import Field as Setting

from hub.config.kinds import Kept, found
from hub.config.problems import Place, Problem, did_you_mean, instead, listed, quoted
from hub.config.scalars import NAME, MistakeError, read_bool, read_flow_length, read_int, read_number
from hub.config.sections import ListShape, Name
from hub.config.settings import Reading, Shape, read_settings
from hub.config.yaml import ListNode, MapNode, Node, Scalar, scalars_in

from .types import Field, Type

DO = "do"
MAX_DEEP = 4
"""How many lists stand inside each other at most (FLOWS 14)."""
MOST_UNFOLDED = 500
"""Steps and `do` after which a flow is not unfolded any further: it has more than its 100 steps already."""
_WHOLE = re.compile(r"\$([A-Za-z][A-Za-z0-9_]*)")
_READ = re.compile(r"\bparam\.([A-Za-z][A-Za-z0-9_]*)")
_PARAMETER = re.compile(r"[a-z][a-z0-9_]*")


class DoShape(Shape):
    """Settings of `do`."""

    list_: Name = Setting(alias="list", description="A list of `steps`.")
    with_: dict[str, Kept] = Setting({}, alias="with", title="parameter → value", description="What the list takes.")
    id: Name | None = Setting(
        None, description="Begins the keys of the list's steps, where a flow uses one list twice."
    )


@dataclass(frozen=True, slots=True)
class _Kind:
    """A type of parameters: its words in a sentence, how its text is read, and what conditions read of it."""

    words: str
    read: Callable[[str], Any]
    type: Type = Type.TEXT
    many: bool = False


def _as_it_is(text: str) -> str:
    return text


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise MistakeError("bad-name", text)
    return text


KINDS: Mapping[str, _Kind] = {
    "length": _Kind("a length of time such as 3d", lambda text: read_flow_length(text).about, Type.LENGTH),
    "int": _Kind("a whole number", read_int, Type.INT),
    "number": _Kind("a number", lambda text: float(read_number(text)), Type.AMOUNT),
    "text": _Kind("a text", _as_it_is),
    "bool": _Kind("true or false", read_bool, Type.BOOL),
    "channels": _Kind("a route or a list of channels", _name, many=True),
    "template": _Kind("the name of a text", _name),
}
"""The types that `takes` may give to a parameter."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the steps of a list know of `param`: its fields as conditions are checked with them, their values there, and
    in texts (a length as it was written). `given`: where values stand that came from outside the list."""

    fields: tuple[Field, ...] = ()
    values: tuple[tuple[str, Any], ...] = ()
    said: Mapping[str, Any] = field(default_factory=dict)
    given: frozenset[Place] = frozenset()

    def unknown(self, text: str) -> tuple[int, str] | None:
        """Where a text reads a parameter that there is none, and what is said of it."""
        names = [each.name for each in self.fields]
        wrong = next((each for each in _READ.finditer(text) if each[1] not in names), None)
        return (wrong.start(1), no_parameter(wrong[1], names)) if wrong is not None else None


@dataclass(slots=True)
class NamedList:
    """A list as it stands in the file. `endless`: it leads back to itself, or too deep, which has been reported."""

    key: Scalar
    takes: Mapping[str, str]
    types: MapNode
    steps: ListNode | None
    endless: bool = False


def no_parameter(name: str, names: list[str]) -> str:
    """What is told of a parameter that a list does not take."""
    takes = f"it takes {listed(names)}" if names else "it takes none"
    return f"this list takes no {quoted(name)}{did_you_mean(name, names) or f'; {takes}'}"


# ------------------------------------------------------------------------------------------------ reading lists


def read_lists(entries: Mapping[str, tuple[Scalar, Node]], reading: Reading) -> dict[str, NamedList]:
    """The lists of a file by name; what is wrong with them as they stand is reported, each with its place."""
    lists = {name: _list(key, node, reading) for name, (key, node) in entries.items()}
    depths: dict[str, int] = {}
    for name in lists:
        _depth(name, lists, depths, (), reading)
    for each in lists.values():
        if each.steps is not None:
            _unused(each, each.steps, reading)
    return lists


def _list(key: Scalar, node: Node, reading: Reading) -> NamedList:
    shape = read_settings(node, ListShape, reading, f"list '{key.text}'", place=key.place)
    types = node.get("takes") if isinstance(node, MapNode) else None
    for name, _ in types if isinstance(types, MapNode) else ():
        if not _PARAMETER.fullmatch(name.text):
            said = f"{quoted(name.text)} cannot be read as param.…; expected: a letter, then a-z, digits and '_'"
            reading.report(name, "bad-name", said)
    steps = node.get("steps") if isinstance(node, MapNode) else None
    if steps is not None and not isinstance(steps, ListNode):
        reading.report(steps, "bad-value", f"'steps' is a list, as in [{{notify: …}}], not {found(steps)}")
    if isinstance(steps, ListNode) and not steps.items:
        reading.report(steps, "bad-value", "'steps' holds no step")
    whole = isinstance(steps, ListNode) and bool(steps.items) and shape is not None
    takes: Mapping[str, str] = dict(shape.takes) if shape is not None else {}
    empty = MapNode((), key.place)
    return NamedList(
        key, takes, types if isinstance(types, MapNode) else empty, steps if isinstance(steps, ListNode) else None,
        endless=not whole,
    )  # fmt: skip


def uses(node: Node) -> Iterator[Scalar]:
    """The names of the lists that stand under `do` anywhere in a tree."""
    for settings in _dos(node):
        name = settings.get("list") if isinstance(settings, MapNode) else None
        if isinstance(name, Scalar):
            yield name


def _dos(node: Node) -> Iterator[Node]:
    if isinstance(node, ListNode):
        for each in node.items:
            if (settings := _of_do(each)) is not None:
                yield settings
            else:
                yield from _dos(each)
    elif isinstance(node, MapNode):
        for _, value in node:
            yield from _dos(value)


def _of_do(node: Node) -> Node | None:
    """The settings of a step that is a `do`."""
    return node.get(DO) if isinstance(node, MapNode) and len(node) == 1 else None


def _depth(
    name: str, lists: Mapping[str, NamedList], depths: dict[str, int], above: tuple[str, ...], reading: Reading
) -> int:
    """How many lists deep one goes, itself counted; a way back to itself, and one that is too long, is reported."""
    if name in depths:
        return depths[name]
    own, deepest = lists[name], 1
    for use in uses(own.steps) if own.steps is not None else ():
        if use.text not in lists:
            continue
        if use.text in (*above, name):
            way = (*above, name)[(*above, name).index(use.text) :]
            said = f"this leads back to itself: {' → '.join((*way, use.text))}"
            reading.report(use, "list-recursion", said)
            for each in way:
                lists[each].endless = True
            continue
        below = _depth(use.text, lists, depths, (*above, name), reading)
        if below == MAX_DEEP:
            said = f"lists stand at most {MAX_DEEP} deep; with this one '{name}' goes {MAX_DEEP + 1} deep"
            reading.report(use, "list-depth", said)
        own.endless = own.endless or below >= MAX_DEEP
        deepest = max(deepest, below + 1)
    depths[name] = deepest
    return deepest


def _unused(own: NamedList, steps: ListNode, reading: Reading) -> None:
    texts = [each.text for each in scalars_in(steps)]
    read = {name for text in texts for name in _READ.findall(text)}
    read |= {whole[1] for text in texts if (whole := _WHOLE.fullmatch(text))}
    for name, _ in own.types:
        if name.text not in read:
            said = f"nothing in this list uses '{name.text}': neither ${name.text} nor param.{name.text}"
            reading.report(name, "unused-parameter", said)


# ------------------------------------------------------------------------------------------------ unfolding


def unfold(node: MapNode, lists: Mapping[str, NamedList], reading: Reading) -> MapNode:
    """A flow with the lists that it uses in the place of their names. What cannot be unfolded is reported."""
    return _Unfold(lists, reading).map(node)


def alone(own: NamedList, lists: Mapping[str, NamedList], reading: Reading) -> tuple[Node | None, Parameters]:
    """The steps of a list that no flow uses, to be checked all the same; of its parameters only the types are known."""
    if own.steps is None or own.endless:
        return None, Parameters()
    unknown = {name: Scalar(f"${name}", own.key.place, told=True) for name in own.takes}
    walk = _Unfold(lists, reading)
    return walk.tree(walk.filled(own.steps, unknown, own)), Parameters(fields_of(own.takes))


def fields_of(takes: Mapping[str, str]) -> tuple[Field, ...]:
    """The parameters as fields of `param`."""
    known = ((name, KINDS[kind]) for name, kind in takes.items() if kind in KINDS)
    return tuple(Field(name, "", kind.type, many=kind.many) for name, kind in known)


def parameters_of(settings: MapNode) -> Parameters:
    """The parameters of a `do` that has been unfolded."""
    takes = {key.text: each.text for key, each in _entries(settings.get("takes")) if isinstance(each, Scalar)}
    nodes = {key.text: each for key, each in _entries(settings.get("with"))}
    values: dict[str, Any] = {}
    said: dict[str, Any] = {}
    for name, node in nodes.items():
        items = node.items if isinstance(node, ListNode) else (node,)
        texts = [each.text for each in items if isinstance(each, Scalar) and not each.told]
        kind = KINDS.get(takes.get(name, ""))
        if kind is None or len(texts) < len(items):
            continue
        read = [kind.read(text) for text in texts]
        values[name] = tuple(read) if kind.many else read[0]
        said[name] = texts[0] if kind.type is Type.LENGTH else list(read) if kind.many else read[0]
    places = frozenset(each.place for node in nodes.values() for each in scalars_in(node))
    return Parameters(fields_of(takes), tuple(values.items()), said, places)


def _entries(node: Node | None) -> tuple[tuple[Scalar, Node], ...]:
    return node.entries if isinstance(node, MapNode) else ()


@dataclass(slots=True)
class _Unfold:
    lists: Mapping[str, NamedList]
    reading: Reading
    count: int = 0

    def map(self, node: MapNode) -> MapNode:
        entries = tuple((key, self.tree(value)) for key, value in node)
        same = all(one is other for (_, one), (_, other) in zip(entries, node, strict=True))
        return node if same else replace(node, entries=entries)

    def tree(self, node: Node) -> Node:
        """The same tree with every `do` unfolded; itself where there is none."""
        if isinstance(node, MapNode):
            return self.map(node)
        if not isinstance(node, ListNode):
            return node
        items = tuple(self.step(each) for each in node.items)
        return node if all(one is other for one, other in zip(items, node.items, strict=True)) else ListNode(
            items, node.place
        )  # fmt: skip

    def step(self, node: Node) -> Node:
        self.count += isinstance(node, MapNode)
        settings = _of_do(node)
        if settings is None or not isinstance(node, MapNode):
            return self.tree(node)
        key = node.entries[0][0]
        done = self.do(settings, key) if self.count <= MOST_UNFOLDED else None
        return MapNode(((key, done or Scalar(DO, key.place, told=True)),), node.place)

    def do(self, node: Node, word: Scalar) -> MapNode | None:
        shape = read_settings(node, DoShape, self.reading, "'do'", place=word.place)
        if shape is None or not isinstance(node, MapNode):
            return None
        name = node.get("list")
        assert isinstance(name, Scalar), "it has been read"
        own = self.lists.get(name.text)
        if own is None:
            meant = instead(name.text, sorted(self.lists), "a name under 'steps'")
            self.once(name, "unknown-list", f"there is no list {quoted(name.text)}{meant}")
            return None
        if own.endless or own.steps is None:
            return None
        given = node.get("with")
        values = self.values(given if isinstance(given, MapNode) else MapNode((), word.place), own, name)
        steps = self.tree(self.filled(own.steps, values, own))
        entries = [(key, value) for key, value in node if key.text in ("list", "id")]
        with_ = tuple((Scalar(each, name.place), value) for each, value in values.items())
        more = (("with", MapNode(with_, word.place)), ("takes", own.types), ("steps", steps))
        return MapNode((*entries, *((Scalar(each, word.place), value) for each, value in more)), node.place)

    def values(self, given: MapNode, own: NamedList, name: Scalar) -> dict[str, Node]:
        """What each parameter of a list is; one that is wrong or absent is reported, and nothing follows from it."""
        for key, _ in given:
            if key.text not in own.takes:
                self.once(key, "bad-parameter", no_parameter(key.text, list(own.takes)))
        values: dict[str, Node] = {}
        for each, kind in own.takes.items():
            value = given.get(each)
            if value is None:
                said = f"'{name.text}' takes '{each}' ({KINDS[kind].words}), and 'with' does not give it"
                self.once(name, "bad-parameter", said)
            elif not _told(value) and not _fits(value, KINDS[kind]):
                said = f"'{each}' is {KINDS[kind].words}, not {found(value)}"
                self.once(value, "bad-parameter", said)
                value = None
            values[each] = value if value is not None else Scalar(f"${each}", name.place, told=True)
        return values

    def filled(self, node: Node, values: Mapping[str, Node], own: NamedList) -> Any:
        """A tree of a list with its parameters in it."""
        if isinstance(node, MapNode):
            return replace(node, entries=tuple((key, self.filled(each, values, own)) for key, each in node))
        if isinstance(node, ListNode):
            return ListNode(tuple(self.filled(each, values, own) for each in node.items), node.place)
        whole = _WHOLE.fullmatch(node.text)
        if whole is not None and whole[1] in values:
            return values[whole[1]]
        if whole is not None:
            self.once(node, "bad-parameter", no_parameter(whole[1], list(own.takes)))
            return replace(node, told=True)
        part = next((each for each in _WHOLE.finditer(node.text) if each[1] in own.takes), None)
        if part is not None:
            said = f"'{part[0]}' is replaced only where it is the whole value; inside a text write param.{part[1]}"
            self.once(node.at(part.start()), "bad-parameter", said)
            return replace(node, told=True)
        return node

    def once(self, where: Node | Place, code: str, text: str) -> None:
        """A list that several flows use is wrong in the same way for all of them."""
        problem = Problem(where if isinstance(where, Place) else where.place, code, text)
        if problem not in self.reading.problems:
            self.reading.add(problem)


def _told(node: Node) -> bool:
    return isinstance(node, Scalar) and node.told


def _fits(node: Node, kind: _Kind) -> bool:
    items = node.items if isinstance(node, ListNode) and kind.many else (node,)
    return bool(items) and all(
        isinstance(each, Scalar) and not each.empty and _reads(each.text, kind) for each in items
    )


def _reads(text: str, kind: _Kind) -> bool:
    try:
        kind.read(text)
    except MistakeError:
        return False
    return True
