"""What a template may be made of: an allow-list of constructs, walked over Jinja's tree before anything is compiled.

Left out on purpose: arithmetic, `~`, subscripts, slices, calls (but `link`), macros, `set`, includes, every filter that
builds big texts, and loops over anything that is not a declared list. So a template's work is bounded by its data, and
its length by the limit that holds while it is filled (`_render`).
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import nodes

from hub.config.problems import instead, listed

from ._filters import FILTERS, categories, language_of
from ._names import LINKS, LOOP_FIELDS, Fields, Kind, Spec, child
from ._words import WORDS

MAX_DEPTH = 40
MAX_NODES = 20_000
MAX_LOOPS = 2
MAX_CONSTANT = 2_000


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, in which line, and at which text of that line."""

    code: str
    line: int
    near: str
    text: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """What one template may use. `extra_filters` are those of plugins; `links` is false where `link` means nothing;
    `elsewhere` are names that there are in other places."""

    roots: Fields
    locale: str = "en"
    links: bool = True
    extra_filters: Collection[str] = ()
    elsewhere: Collection[str] = ()


@dataclass(slots=True)
class Found:
    """What a template turned out to hold: mistakes, fields read anywhere, fields it prints, and those it prints always
    (with their first line): under no condition and with nothing to stand in for them; and those it prints so in each
    round of a loop (with the line, and as they are written there)."""

    mistakes: list[Mistake] = field(default_factory=list)
    reads: set[str] = field(default_factory=set)
    prints: set[str] = field(default_factory=set)
    always: dict[str, int] = field(default_factory=dict)
    rounds: dict[str, tuple[int, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Scope:
    """The names of a place in the template: each with its kind and the path of fields it stands for."""

    names: Mapping[str, tuple[Spec, str]]
    loops: int = 0

    def within(self, name: str, spec: Spec, path: str) -> "_Scope":
        return _Scope({**self.names, name: (spec, path), "loop": (LOOP_FIELDS, "loop")}, self.loops + 1)


def check(tree: nodes.Template, allowed: Allowed) -> Found:
    """Everything that is wrong with a parsed template, and what it reads."""
    if _too_big(tree):
        return Found([Mistake("jinja-limit", 1, "", f"the text is nested deeper than {MAX_DEPTH} or far too long")])
    walk = _Walk(allowed)
    scope = _Scope({name: (spec, name) for name, spec in allowed.roots.items()})
    walk.block(tree.body, scope)
    return walk.found


def _too_big(tree: nodes.Node) -> bool:
    """Looked at without recursion, so that no depth can hurt."""
    count, waiting = 0, [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if depth > MAX_DEPTH or count > MAX_NODES:
            return True
        waiting.extend((each, depth + 1) for each in node.iter_child_nodes())
    return False


class _Walk:
    """One walk over one template. An expression's visit gives the kind of its value."""

    def __init__(self, allowed: Allowed) -> None:
        self.allowed = allowed
        self.found = Found()
        self.printing = False
        self.perhaps = 0
        self.rounds = 0

    def wrong(self, node: nodes.Node, code: str, near: str, text: str) -> Spec:
        self.found.mistakes.append(Mistake(code, _line(node), near, text))
        return Kind.ANY

    # -------------------------------------------------------------- statements

    def block(self, body: list[nodes.Node], scope: _Scope) -> None:
        for node in body:
            visit = _STATEMENTS.get(type(node))
            if visit is None:
                self.wrong(node, "jinja-unsafe", _keyword(node), f"{_called(node)} is not allowed in a text")
            else:
                visit(self, node, scope)

    def output(self, node: nodes.Output, scope: _Scope) -> None:
        for each in node.nodes:
            if not isinstance(each, nodes.TemplateData):
                self.printed(each, scope)

    def printed(self, node: nodes.Expr, scope: _Scope) -> None:
        self.printing = True
        kind = self.value(node, scope)
        self.printing = False
        if isinstance(kind, Mapping | tuple):
            self.wrong(node, "jinja-name", _near(node), "this is not one value; print one of its fields")
        elif kind is Kind.BOOL:
            self.wrong(node, "jinja-name", _near(node), "this is yes or no; ask it with {% if … %}")

    def condition(self, node: nodes.If, scope: _Scope) -> None:
        self.value(node.test, scope)
        self.perhaps += 1
        self.block(node.body, scope)
        for each in node.elif_:
            self.condition(each, scope)
        self.block(node.else_, scope)
        self.perhaps -= 1

    def loop(self, node: nodes.For, scope: _Scope) -> None:
        if node.recursive or not isinstance(node.target, nodes.Name):
            self.wrong(node, "jinja-unsafe", "for", "only simple loops are allowed: {% for item in order.items %}")
            return
        if scope.loops >= MAX_LOOPS:
            self.wrong(node, "jinja-limit", "for", f"loops may be nested only {MAX_LOOPS} deep")
            return
        spec, path = self.list_of(node.iter, scope)
        if node.target.name in scope.names or node.target.name.startswith("_") or node.target.name == "loop":
            self.wrong(
                node, "jinja-name", node.target.name, f"'{node.target.name}' is already the name of something else"
            )
        inner = scope.within(node.target.name, spec, path)
        if node.test is not None:
            self.value(node.test, inner)
        filtered = int(node.test is not None)
        self.rounds, self.perhaps = self.rounds + 1, self.perhaps + filtered
        self.block(node.body, inner)
        self.rounds, self.perhaps = self.rounds - 1, self.perhaps - filtered + 1
        self.block(node.else_, scope)
        self.perhaps -= 1

    def list_of(self, node: nodes.Node, scope: _Scope) -> tuple[Spec, str]:
        """What one round of a loop over this sees; only a declared list can be looped over."""
        if not isinstance(node, nodes.Name | nodes.Getattr):
            self.wrong(node, "jinja-unsafe", _near(node), "a loop goes over a field that is a list, and nothing else")
            return Kind.ANY, ""
        spec, path = self.path(node, scope)
        if isinstance(spec, tuple):
            return spec[0], path
        if spec is not Kind.ANY:
            self.wrong(node, "jinja-name", _near(node), f"{path} is not a list")
        return Kind.ANY, path

    # -------------------------------------------------------------- expressions

    def value(self, node: nodes.Node, scope: _Scope) -> Spec:
        visit = _EXPRESSIONS.get(type(node))
        if visit is None:
            return self.wrong(node, "jinja-unsafe", _near(node), f"{_called(node)} is not allowed in a text")
        kind: Spec = visit(self, node, scope)
        return kind

    def field(self, node: nodes.Expr, scope: _Scope) -> Spec:
        return self.path(node, scope)[0]

    def path(self, node: nodes.Node, scope: _Scope) -> tuple[Spec, str]:
        """The kind and the full name of `order`, `order.number`, `item.name`."""
        if isinstance(node, nodes.Name):
            return self.root(node, scope)
        if not isinstance(node, nodes.Getattr):
            return self.wrong(node, "jinja-unsafe", _near(node), "only fields of declared names can be read"), ""
        spec, path = self.path(node.node, scope)
        full = f"{path}.{node.attr}"
        if node.attr.startswith("_"):
            return self.wrong(node, "jinja-unsafe", node.attr, "a name that begins with '_' cannot be read"), full
        inner = child(spec, node.attr)
        if inner is None:
            choices = tuple(spec) if isinstance(spec, Mapping) else ()
            hint = instead(node.attr, choices, f"a field of {path}") if choices else ""
            return self.wrong(
                node, "jinja-name", node.attr, f"there is no field '{node.attr}' in {path or 'this'}{hint}"
            ), full
        self.note(node, full)
        return inner, full

    def root(self, node: nodes.Name, scope: _Scope) -> tuple[Spec, str]:
        if node.name in scope.names:
            spec, path = scope.names[node.name]
            self.note(node, path)
            return spec, path
        if node.name in self.allowed.elsewhere:
            text = f"there is no '{node.name}' here: not this trigger, or not every trigger of the list, offers it"
            return self.wrong(node, "not-offered", node.name, text), node.name
        code = "jinja-unsafe" if node.name.startswith("_") else "jinja-name"
        hint = instead(node.name, sorted(scope.names), "a name such as order")
        return self.wrong(node, code, node.name, f"there is no '{node.name}' here{hint}"), node.name

    def note(self, node: nodes.Node, path: str) -> None:
        self.found.reads.add(path)
        if self.printing:
            self.found.prints.add(path)
            if not self.perhaps and self.rounds:
                self.found.rounds.setdefault(path, (_line(node), _written(node)))
            elif not self.perhaps:
                self.found.always.setdefault(path, _line(node))

    def constant(self, node: nodes.Const, scope: _Scope) -> Spec:
        if isinstance(node.value, bool):
            return Kind.BOOL
        if isinstance(node.value, str) and len(node.value) <= MAX_CONSTANT:
            return Kind.TEXT
        if isinstance(node.value, int | float) and abs(node.value) < 10**9:
            return Kind.NUMBER
        return self.wrong(node, "jinja-unsafe", "", "such a constant is not allowed in a text")

    def both(self, node: nodes.BinExpr, scope: _Scope) -> Spec:
        self.perhaps += 1
        found = _joined(self.value(node.left, scope), self.value(node.right, scope))
        self.perhaps -= 1
        return found

    def negated(self, node: nodes.Not, scope: _Scope) -> Spec:
        self.value(node.node, scope)
        return Kind.BOOL

    def either(self, node: nodes.CondExpr, scope: _Scope) -> Spec:
        printing, self.printing = self.printing, False
        self.value(node.test, scope)
        self.printing = printing
        if node.expr2 is None:
            return self.wrong(node, "jinja-unsafe", "if", "say what stands here otherwise: {{ a if b else '' }}")
        self.perhaps += 1
        found = _joined(self.value(node.expr1, scope), self.value(node.expr2, scope))
        self.perhaps -= 1
        return found

    def comparison(self, node: nodes.Compare, scope: _Scope) -> Spec:
        left = self.value(node.expr, scope)
        for operand in node.ops:
            right = self.member(operand, scope) if operand.op in ("in", "notin") else self.value(operand.expr, scope)
            if operand.op in ("lt", "lteq", "gt", "gteq") and not _orderable(left, right):
                self.wrong(
                    node, "jinja-name", _near(node.expr), "only numbers with numbers and times with times have an order"
                )
            left = right
        return Kind.BOOL

    def member(self, operand: nodes.Operand, scope: _Scope) -> Spec:
        """What may stand after `in`: constants in brackets, or a field that is a list."""
        node = operand.expr
        if isinstance(node, nodes.List | nodes.Tuple):
            for each in node.items:
                if not isinstance(each, nodes.Const):
                    self.wrong(each, "jinja-unsafe", _near(each), "only constants can be listed here")
                else:
                    self.constant(each, scope)
        else:
            self.list_of(node, scope)
        return Kind.ANY

    def test(self, node: nodes.Test, scope: _Scope) -> Spec:
        if node.name != "defined" or node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
            self.wrong(node, "jinja-unsafe", node.name, "the only test is 'is defined'")
        self.value(node.node, scope)
        return Kind.BOOL

    def call(self, node: nodes.Call, scope: _Scope) -> Spec:
        plain = isinstance(node.node, nodes.Name) and node.node.name == "link" and self.allowed.links
        if not plain or node.kwargs or node.dyn_args or node.dyn_kwargs or len(node.args) != 1:
            return self.wrong(node, "jinja-unsafe", _near(node.node), "nothing can be called but link('…')")
        wanted = node.args[0]
        if not isinstance(wanted, nodes.Const) or wanted.value not in LINKS:
            return self.wrong(node, "jinja-name", "link", f"link takes one of: {listed(repr(each) for each in LINKS)}")
        return Kind.URL

    # -------------------------------------------------------------- filters

    def filter(self, node: nodes.Filter, scope: _Scope) -> Spec:
        if node.node is None:
            return self.wrong(node, "jinja-unsafe", "filter", "a filter follows a value")
        kind = self.value(node.node, scope)
        if node.name in self.allowed.extra_filters and not (node.args or node.kwargs):
            return Kind.TEXT
        if node.name not in FILTERS:
            names = sorted({*FILTERS, *self.allowed.extra_filters})
            return self.wrong(
                node, "jinja-name", node.name, f"there is no filter '{node.name}'{instead(node.name, names)}"
            )
        self.taken(node, kind)
        self.arguments(node, scope)
        return Kind.NUMBER if node.name == "length" else Kind.TEXT

    def taken(self, node: nodes.Filter, kind: Spec) -> None:
        rule = FILTERS[node.name]
        if node.name in ("length", "plural") and isinstance(kind, tuple):
            return
        if kind is not Kind.ANY and kind not in rule.takes:
            wanted = " or ".join(sorted(rule.takes)) or "a list"
            self.wrong(node, "jinja-name", node.name, f"'{node.name}' takes {wanted}, and this is {_kind_name(kind)}")
        language = language_of(self.allowed.locale)
        needs_words = rule.words or any(getattr(each, "value", "") in _WORDED for each in node.args)
        if needs_words and language not in WORDS:
            self.wrong(
                node, "jinja-name", node.name, f"'{node.name}' has no words in '{language}'; there are: {listed(WORDS)}"
            )

    def arguments(self, node: nodes.Filter, scope: _Scope) -> None:
        rule = FILTERS[node.name]
        if node.dyn_args or node.dyn_kwargs or len(node.args) > rule.most or (node.kwargs and node.name != "plural"):
            self.wrong(node, "jinja-unsafe", node.name, f"'{node.name}' does not take these arguments")
            return
        if node.name == "plural":
            self.plural_forms(node)
        for each in node.args:
            if node.name == "money" and isinstance(each, nodes.Getattr):
                self.field(each, scope)
            elif not isinstance(each, nodes.Const) or not isinstance(each.value, str):
                self.wrong(node, "jinja-unsafe", node.name, f"'{node.name}' takes only plain texts")
            elif rule.forms and each.value not in rule.forms:
                self.wrong(
                    node, "jinja-name", node.name, f"'{node.name}' knows {listed(repr(form) for form in rule.forms)}"
                )

    def plural_forms(self, node: nodes.Filter) -> None:
        """Every category that whole numbers have in this language must have its word."""
        needed = categories(self.allowed.locale)
        if any(
            not isinstance(each.value, nodes.Const) or not isinstance(each.value.value, str) for each in node.kwargs
        ):
            self.wrong(node, "jinja-unsafe", "plural", "'plural' takes only plain texts")
        given: set[str] = {*needed[: len(node.args)], *(str(each.key) for each in node.kwargs)}
        # Fractions alone are `other` where there is `many`; English has nothing but one and other.
        missing = [each for each in needed if each not in given and not (each == "other" and "many" in needed)]
        unknown = sorted(given - set(needed))
        if missing or unknown:
            what = f"lacks {listed(missing)}" if missing else f"does not know {listed(unknown)}"
            self.wrong(node, "jinja-name", "plural", f"plural {what}; '{self.allowed.locale}' has: {listed(needed)}")


_WORDED = ("on", "until", "about")
"""Forms of a day that need the language's own words."""


def _joined(first: Spec, second: Spec) -> Spec:
    """The kind of what is either of two; a kind that cannot be printed is not hidden by the other."""
    if first == second:
        return first
    hidden = (each for each in (first, second) if each is Kind.BOOL or isinstance(each, Mapping | tuple))
    return next(hidden, Kind.ANY)


def _orderable(left: Spec, right: Spec) -> bool:
    times = {Kind.TIME, Kind.DEADLINE}
    return Kind.ANY in (left, right) or left is right is Kind.NUMBER or (left in times and right in times)


def _kind_name(kind: Spec) -> str:
    if isinstance(kind, Mapping):
        return "a record"
    return "a list" if isinstance(kind, tuple) else str(kind)


_Visit = Callable[[_Walk, Any, _Scope], Any]

_STATEMENTS: Mapping[type[nodes.Node], _Visit] = {
    nodes.Output: _Walk.output,
    nodes.If: _Walk.condition,
    nodes.For: _Walk.loop,
}

_EXPRESSIONS: Mapping[type[nodes.Node], _Visit] = {
    nodes.Name: _Walk.field,
    nodes.Getattr: _Walk.field,
    nodes.Const: _Walk.constant,
    nodes.And: _Walk.both,
    nodes.Or: _Walk.both,
    nodes.Not: _Walk.negated,
    nodes.CondExpr: _Walk.either,
    nodes.Compare: _Walk.comparison,
    nodes.Test: _Walk.test,
    nodes.Call: _Walk.call,
    nodes.Filter: _Walk.filter,
}

_NAMES: Mapping[type[nodes.Node], str] = {
    nodes.Getitem: "a subscript",
    nodes.Slice: "a slice",
    nodes.Concat: "joining with '~'",
    nodes.Macro: "a macro",
    nodes.CallBlock: "a call block",
    nodes.FilterBlock: "a filter block",
    nodes.Assign: "'set'",
    nodes.AssignBlock: "'set'",
    nodes.Include: "'include'",
    nodes.Import: "'import'",
    nodes.FromImport: "'import'",
    nodes.Extends: "'extends'",
    nodes.Block: "'block'",
    nodes.With: "'with'",
    nodes.Scope: "'autoescape'",
    nodes.Dict: "a map",
    nodes.List: "a list",
    nodes.Tuple: "a list",
}


def _line(node: nodes.Node) -> int:
    """Where a construct stands; some have no line of their own, and begin with what they hold."""
    lines = (each.lineno for each in (node, *node.find_all(nodes.Node)))
    return next((line for line in lines if line is not None), 1)


def _written(node: nodes.Node) -> str:
    """A chain of fields as it stands in the template."""
    if isinstance(node, nodes.Getattr):
        return f"{_written(node.node)}.{node.attr}"
    return node.name if isinstance(node, nodes.Name) else ""


def _called(node: nodes.Node) -> str:
    if isinstance(node, nodes.BinExpr | nodes.UnaryExpr) and type(node) not in _NAMES:
        return "arithmetic"
    return _NAMES.get(type(node), f"'{type(node).__name__.lower()}'")


_KEYWORDS: Mapping[type[nodes.Node], str] = {
    nodes.Assign: "set",
    nodes.AssignBlock: "set",
    nodes.FromImport: "from",
    nodes.CallBlock: "call",
    nodes.FilterBlock: "filter",
    nodes.Scope: "autoescape",
}


def _keyword(node: nodes.Node) -> str:
    return _KEYWORDS.get(type(node), type(node).__name__.lower())


def _near(node: nodes.Node) -> str:
    """A word of the source by which the place can be found in its line."""
    for each in (node, *node.find_all((nodes.Name, nodes.Getattr, nodes.Filter))):
        if isinstance(each, nodes.Name | nodes.Filter | nodes.Test):
            return each.name
        if isinstance(each, nodes.Getattr) and not isinstance(each.node, nodes.Name):
            return each.attr
    return ""
