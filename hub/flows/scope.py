"""Where a step stands while a flow is read: which names it may use, what is known to be there, which keys are taken."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from hub.config.kinds import Placed
from hub.config.problems import Level, Place, Problem, instead, nearest, quoted
from hub.config.scalars import NAME
from hub.config.secrets import reference_at
from hub.config.settings import Reading, is_open, not_yet
from hub.config.yaml import ListNode, MapNode, Node, Scalar

from .cel import Compiled, Wants, compile_expression
from .cel_errors import OUTSIDE, only_behind
from .cel_tree import NONE, Paths, unproved
from .cel_values import misnamed
from .lists import NamedList, Parameters
from .model import IfFails, Step
from .types import IN_LISTS, IN_STEPS, LATER_NAMES, maybes_in

TextCheck = Callable[[str, frozenset[str], Callable[[str], str]], tuple[Problem, ...]]
"""What is wrong with a TEXT that may use these names, asking of a field which part of it may be absent (or nothing);
places count from the text's own first character."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the rest of the file defines, for following names. `templates` None: not known, not checked."""

    connections: Mapping[str, str] = field(default_factory=dict)
    """name → kind; "" when the connection itself could not be read."""
    routes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """shop → the names of its routes."""
    staff: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    shops: frozenset[str] = frozenset()
    surveys: frozenset[str] = frozenset()
    lists: Mapping[str, NamedList] = field(default_factory=dict)
    events: Mapping[str, frozenset[str]] | None = None
    """Events of sources' own → the names that they offer. None: not known, not checked."""
    words: frozenset[str] = frozenset()
    """Words that a shop lets mean a channel of its own."""
    templates: frozenset[str] | None = None
    check_text: TextCheck | None = None

    @property
    def channels(self) -> list[str]:
        return [name for name, kind in self.connections.items() if kind == "channel"]

    def within(self, shops: Collection[str]) -> Known:
        """The same for a flow of some shops only."""
        return replace(self, routes={shop: names for shop, names in self.routes.items() if shop in shops})

    def some_route(self, name: str) -> bool:
        """Whether there is a route of that name in any shop."""
        return any(name in names for names in self.routes.values())


@dataclass(slots=True)
class Scope:
    """Reads along a flow from top to bottom. `known` None: a flow that was checked before, whose names lead nowhere."""

    reading: Reading
    offered: frozenset[str]
    known: Known | None = None
    there: Paths = NONE
    """Fields that may be absent and have been asked for or read on the way here."""
    keys: dict[str, Place] = field(default_factory=dict)
    steps: int = 0
    waits: bool = False
    depth: int = 0
    if_fails: IfFails | tuple[Step, ...] | None = None
    """What the flow says for every step that says nothing of it itself."""
    params: Parameters | None = None
    """Of the named list whose steps are being read."""
    prefix: str = ""
    """Begins the keys of its steps."""

    def report(self, where: Node | Place, code: str, text: str, hint: str = "", level: Level | None = None) -> None:
        if isinstance(where, Scalar) and where.told:
            return
        place = where if isinstance(where, Place) else where.place
        self.reading.add(Problem(place, code, text, hint, level=level))

    @contextmanager
    def branch(self, there: Paths) -> Iterator[None]:
        """Steps that only happen when something more is there."""
        before = self.there
        self.there, self.depth = before | there, self.depth + 1
        try:
            yield
        finally:
            self.there, self.depth = before, self.depth - 1

    @contextmanager
    def listed(self, params: Parameters, prefix: str, where: Place) -> Iterator[None]:
        """The steps of a named list that is used at `where`. What is wrong with them is told once, with that place."""
        outer, told = (self.params, self.prefix, self.offered & {IN_LISTS}), len(self.reading.problems)
        self.params, self.prefix = params, f"{self.prefix}{prefix}:" if prefix else self.prefix
        self.offered |= {IN_LISTS}
        try:
            yield
        finally:
            self.params, self.prefix, known = outer
            self.offered = self.offered - {IN_LISTS} | known
            self._told_once(told, params, where)

    def _told_once(self, told: int, params: Parameters, where: Place) -> None:
        before, new = self.reading.problems[:told], self.reading.problems[told:]
        known = {(each.place, each.code, each.text) for each in before}
        fresh = [each for each in new if (each.place, each.code, each.text) not in known]
        told_of = [each if each.place in params.given else _used_at(each, where) for each in fresh]
        self.reading.problems[told:] = told_of

    def expression(self, placed: Placed, wants: Wants, names: frozenset[str] | None = None) -> Compiled | None:
        """A compiled expression; its mistakes are reported where they stand in the file."""
        node, fields = placed.node, self.params.fields if self.params else ()
        if self._no_parameter(placed):
            return None
        compiled = compile_expression(node.text, wants, self.offered if names is None else names, fields)
        if isinstance(compiled, Compiled):
            if self.params is not None:
                compiled = replace(compiled, param=self.params.values)
            for each in misnamed(compiled.tree) if self.known is not None else ():
                self.report(node.at(each.offset), each.code, each.text)
            return compiled
        for each in compiled:
            self.report(node.at(each.offset), each.code, each.text, each.hint)
        return None

    def _no_parameter(self, placed: Placed) -> bool:
        """Whether a text reads a parameter that its list does not take; it is reported."""
        wrong = self.params.unknown(placed.text) if self.params is not None else None
        if wrong is not None:
            self.report(placed.node.at(wrong[0]), "bad-parameter", wrong[1])
        return wrong is not None

    def at(self, node: MapNode, key: str, wants: Wants, whole: bool) -> Compiled | None:
        """The compiled expression under a key of a step, if one stands there. It is read where the rest of the step
        cannot be (not `whole`), so that all mistakes are told at once."""
        placed = placed_at(node.get(key), whole)
        return self.expression(placed, wants) if placed is not None else None

    def maybe_missing(self, placed: Placed, expression: Compiled, level: Level, because: str) -> None:
        """Complain about fields that may be absent where nothing above has asked for them."""
        for read in unproved(expression.tree, self.there):
            absent = next((each for each in maybes_in(read.path) if each not in self.there), None)
            if absent is not None:
                name = ".".join(absent)
                self.report(
                    placed.node.at(_start(placed.text, name, read.offset)),
                    "maybe-missing",
                    f"'{name}' may be absent; {because}",
                    level=level,
                )

    def said(self, word: Node, node: MapNode, what: str) -> str:
        """The key of a step as it is written: its `id`, or its word and what it says (`what` is the setting)."""
        own, key = text_at(node, "id"), text_at(node, what)
        misspelt = not own and any(nearest(each.text, ["id"]) for each, _ in node)
        step = word.text if isinstance(word, Scalar) else ""
        return self.key(word, f"{step}:{key}", own or None) if own or (key and not misspelt) else ""

    def key(self, node: Node, key: str, own: str | None) -> str:
        """The key of a step that says or raises something: its own id, else what it does. Never its position."""
        chosen = self.prefix + (own or key)
        if chosen in self.keys:
            first = self.keys[chosen]
            text = f"two steps of this flow would share the key '{chosen}' (the other is in line {first.line})"
            hint = "give one of them an id, such as {…, id: second}"
            hint += "; a list that is used twice takes it beside its name, as in do: {list: …, id: second}"
            self.report(node, "step-needs-id", text, hint if self.params is not None else hint.partition(";")[0])
        self.keys.setdefault(chosen, node.place)
        return chosen

    def counted(self, node: Node, key: str, own: str | None) -> str:
        """The key of a step that nobody hears of; the second of its kind is numbered."""
        if own is not None:
            return self.key(node, key, own)
        key, number = self.prefix + key, 2
        chosen = key
        while chosen in self.keys:
            chosen, number = f"{key}#{number}", number + 1
        self.keys[chosen] = node.place
        return chosen

    # ------------------------------------------------------------------------------------------ following names

    def template(self, node: Scalar) -> None:
        templates = self.known.templates if self.known else None
        if templates is not None and node.text not in templates and NAME.fullmatch(node.text):
            meant = instead(node.text, sorted(templates), "a shipped text, or one of 'messages' beside the file")
            self.report(node, "unknown-template", f"there is no text {quoted(node.text)}{meant}")

    def recipient(self, node: Scalar) -> None:
        """`to` of a message: the customer, a staff group or a person."""
        if node.text == "recipient":
            self.report(node, "not-yet", "'recipient' is not supported in this version")
        elif self.known and node.text not in ("customer", *self.known.staff, *self.known.people):
            choices = ("customer", *sorted(self.known.staff), *sorted(self.known.people))
            meant = instead(node.text, choices, "customer, a staff group or a person")
            self.report(node, "unknown-staff", f"there is no staff group or person {quoted(node.text)}{meant}")

    def group(self, node: Scalar) -> None:
        """`to` of an escalation."""
        if self.known and node.text not in self.known.staff:
            meant = instead(node.text, sorted(self.known.staff), "a group of 'staff'")
            self.report(node, "unknown-staff", f"there is no staff group {quoted(node.text)}{meant}")

    def survey(self, node: Scalar) -> None:
        """`name` of a survey."""
        if self.known and node.text not in self.known.surveys:
            meant = instead(node.text, sorted(self.known.surveys), "a name under 'surveys'")
            self.report(node, "unknown-survey", f"there is no survey {quoted(node.text)}{meant}")

    def via(self, node: Node | None, step: Node) -> None:
        """A route by name, or channels in a list."""
        if self.known is None:
            return
        if node is None:
            if not self._everywhere("default", step, self.known):
                text = "there is no route 'default', which is taken where 'via' is absent"
                self.report(step, "unknown-route", text, "define it in 'contact', or write 'via'")
        elif isinstance(node, Scalar):
            self._route(node, self.known)
        elif isinstance(node, ListNode):
            for each in node.items:
                if isinstance(each, Scalar):
                    self._channel(each, self.known)

    def _route(self, node: Scalar, known: Known) -> None:
        if self._everywhere(node.text, node, known):
            return
        if known.connections.get(node.text) == "channel" or node.text in known.words:
            meant = f"; for the channel of that name write [{node.text}]"
        else:
            meant = instead(
                node.text, sorted({each for names in known.routes.values() for each in names}), "a route of 'contact'"
            )
        self.report(node, "unknown-route", f"there is no route {quoted(node.text)}{meant}")

    def _everywhere(self, name: str, where: Node, known: Known) -> bool:
        """Whether there is a route of that name; that one of the flow's shops is without it is reported here."""
        if not known.some_route(name):
            return not known.routes
        without = next((shop for shop, names in known.routes.items() if name not in names), None)
        if without is not None:
            text = f"shop '{without}' has no route {quoted(name)}"
            self.report(where, "unknown-route", text, "its own 'routes' stand instead of the common ones")
        return True

    def _channel(self, node: Scalar, known: Known) -> None:
        kind = known.connections.get(node.text)
        if node.text in known.words or kind in ("channel", ""):
            return
        if kind is not None:
            self.report(node, "wrong-connection", f"'{node.text}' is a {kind}; a channel is asked for here")
            return
        meant = instead(node.text, known.channels, "a connection of the kind 'channel'")
        if known.some_route(node.text):
            meant = f"; for the route of that name write via: {node.text}"
        self.report(node, "unknown-connection", f"there is no channel {quoted(node.text)}{meant}")

    def events(self, node: Node | None) -> None:
        """`{event: name}`, one or in a list: some connection must be able to tell of it."""
        known = self.known.events if self.known is not None else None
        for each in node.items if isinstance(node, ListNode) else (node,):
            name = each.get("event") if isinstance(each, MapNode) and len(each) == 1 else None
            if known is not None and isinstance(name, Scalar) and NAME.fullmatch(name.text) and name.text not in known:
                meant = instead(name.text, sorted(known), "an event that a connection's plugin declares")
                said = f"no connection of this file can tell of an event {quoted(name.text)}{meant}"
                self.report(name, "unknown-trigger", said)

    def target(self, node: Scalar) -> None:
        """`to` of a call."""
        kind = self.known.connections.get(node.text) if self.known is not None else ""
        if self.known is None or kind in ("target", ""):
            return
        if kind is not None:
            self.report(node, "wrong-connection", f"'{node.text}' is a {kind}; a target is asked for here")
            return
        targets = [name for name, each in self.known.connections.items() if each == "target"]
        meant = instead(node.text, targets, "a connection of the kind 'target'")
        self.report(node, "unknown-connection", f"there is no target {quoted(node.text)}{meant}")

    def text(self, placed: Placed) -> None:
        """A TEXT: its mistakes are reported where they stand in the file."""
        check = self.known.check_text if self.known else None
        if check is None or self._no_parameter(placed):
            return
        for each in check(placed.text, self.offered, self._absent):
            offset = _index(placed.text, each.line, each.column)
            word = _WORD.match(placed.text, offset)
            if each.code == "not-offered" and word and word[0] in LATER_NAMES:
                not_yet(self.reading, placed.node.at(offset), f"'{word[0]}'")
            elif each.code == "not-offered" and word and word[0] == IN_LISTS:
                self.report(placed.node.at(offset), each.code, OUTSIDE)
            elif each.code == "not-offered" and word and word[0] in IN_STEPS:
                self.report(placed.node.at(offset), each.code, only_behind(word[0]))
            else:
                self.report(placed.node.at(offset), each.code, each.text, each.hint)

    def certain(self, path: tuple[str, ...]) -> bool:
        """Whether a field is certainly there here."""
        return all(each in self.there for each in maybes_in(path))

    def _absent(self, path: str) -> str:
        """The part of a field that may be absent here, or nothing."""
        return next((".".join(each) for each in maybes_in(tuple(path.split("."))) if each not in self.there), "")


def _used_at(problem: Problem, where: Place) -> Problem:
    through = f"used in line {where.line}" + (f" of {where.file}" if where.file != problem.file else "")
    return replace(problem, hint=f"{problem.hint}; {through}" if problem.hint else through)


_WORD = re.compile(r"\w+")


def placed_at(node: Node | None, whole: bool) -> Placed | None:
    """The scalar that stands there, to be read as an expression or a text; None for what has been told already: nothing
    at all, what could not be read as it was meant, a reference to a secret, and, in a step that cannot be read as a
    `whole`, a piece of a value."""
    if not isinstance(node, Scalar) or node.empty or node.told or reference_at(node.text) is not None:
        return None
    if is_open(node) and not whole:
        return None
    return Placed(node)


def text_at(node: MapNode, key: str) -> str:
    """The text under a key, or nothing."""
    value = node.get(key)
    return value.text if isinstance(value, Scalar) else ""


def _start(text: str, name: str, offset: int) -> int:
    """Where a chain of fields begins, given a character inside it."""
    found = text.rfind(name, 0, offset + len(name))
    return found if found >= 0 else offset


def _index(text: str, line: int, column: int) -> int:
    lines = text.split("\n")
    return min(sum(len(each) + 1 for each in lines[: line - 1]) + column - 1, len(text))
