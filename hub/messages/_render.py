"""Jinja2 behind the allow-list: a template is parsed, checked, compiled once, and filled under a limit.

Jinja's sandbox stands behind the allow-list as a second wall. It is none against big output or long loops, therefore
the length is counted while the text is produced, and every round of a loop is counted too.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Template, TemplateError, TemplateSyntaxError, nodes, pass_context
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from hub.config.problems import Place, Problem
from hub.model import Money

from ._check import Allowed, Found, Mistake, check
from ._context import check_html
from ._errors import MissingData, TooLongError, UnprintableError
from ._filters import FILLING, callable_filters, day_and_time, quantity
from ._marks import mark_addresses, mark_lines, marked
from ._names import LOOP_FIELDS, Fields
from ._values import Absent, Filling, Link, Record, Until, absent, flat, safe_url, seen

MAX_SOURCE = 64 * 1024
MAX_OUTPUT = 64 * 1024
"""Bytes."""

LinkTo = Callable[[str], str | None]
PluginFilters = Mapping[str, Callable[[Any, str], str]]


class _LinkCall:
    """What `link(...)` calls: the caller's function, believed only where it gives a web address."""

    __slots__ = ("_to",)

    def __init__(self, to: LinkTo) -> None:
        self._to = to

    def __call__(self, name: str) -> Link | Absent:
        url = self._to(name) or ""
        return Link(url, url) if safe_url(url) else absent(f"link('{name}')")


class _Environment(ImmutableSandboxedEnvironment):
    """Reads declared fields of our own wrappers and nothing else of any object."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Record):
            return obj.field(attribute)
        if isinstance(obj, Absent):
            return absent(f"{obj.path}.{attribute}")
        if isinstance(obj, LoopContext) and attribute in LOOP_FIELDS:
            return getattr(obj, attribute)
        raise UnprintableError(f"'{attribute}' cannot be read from this")

    def getitem(self, obj: Any, argument: Any) -> Any:
        raise UnprintableError("nothing can be read by subscript")

    def is_safe_callable(self, obj: Any) -> bool:
        return isinstance(obj, _LinkCall)


@pass_context
def _as_text(context: Context, value: Any) -> str:
    """A value on its way into a text: one clean line, links between marks."""
    shown = _shown(context, value)
    return marked(shown) if isinstance(shown, Link) else shown


@pass_context
def _as_html(context: Context, value: Any) -> str:
    """A value on its way into HTML; Jinja escapes what this gives, except finished HTML of our own."""
    return value if isinstance(value, Markup) else str(_shown(context, value))


def _shown(context: Context, value: Any) -> str | Link:
    filling: Filling = context[FILLING]
    if isinstance(value, Absent):
        filling.missing.append(value.path)
        return filling.gap
    if isinstance(value, Link):
        return value
    if isinstance(value, str):
        return flat(value)
    if isinstance(value, int | float | Decimal | Money) and not isinstance(value, bool):
        return quantity(Decimal(str(value)) if isinstance(value, float) else value, filling)
    if isinstance(value, datetime | Until):
        return day_and_time(value, filling)
    raise UnprintableError("a list, a record or a yes-or-no cannot be printed")


@lru_cache(maxsize=16)
def _environment(html: bool, filters: tuple[tuple[str, Callable[[Any, str], str]], ...]) -> _Environment:
    environment = _Environment(
        undefined=Absent,
        autoescape=html,
        finalize=_as_html if html else _as_text,
        optimized=False,
        cache_size=0,
        keep_trailing_newline=True,
    )
    environment.globals.clear()
    environment.filters = callable_filters(dict(filters))
    environment.tests = {"defined": lambda value: not isinstance(value, Absent)}
    return environment


@dataclass(frozen=True, slots=True)
class Compiled:
    """A template ready to be filled, with what it reads, prints, and prints under no condition (with the place)."""

    template: Template
    roots: Fields
    reads: frozenset[str]
    prints: frozenset[str]
    always: Mapping[str, Place] = field(default_factory=dict)
    rounds: Mapping[str, tuple[str, Place]] = field(default_factory=dict)

    def fill(self, names: Mapping[str, Any], filling: Filling, link: LinkTo, limit: int = MAX_OUTPUT) -> str:
        """The text with its marks; `filling.missing` afterwards says what was printed and absent.

        Raises `TooLongError` as soon as `limit` bytes are passed, `UnprintableError` for values misused.
        """
        known = {name: seen(names.get(name), spec, name, filling) for name, spec in self.roots.items() if name in names}
        context = self.template.new_context({**known, "link": _LinkCall(link), FILLING: filling})
        try:
            return "".join(_limited(self.template.root_render_func(context), limit))
        except (TypeError, ArithmeticError, TemplateError) as error:
            raise UnprintableError(f"a text misuses a value ({type(error).__name__})") from None


def _limited(chunks: Iterator[str], limit: int) -> Iterator[str]:
    size = 0
    for chunk in chunks:
        size += len(chunk.encode("utf-8", "replace"))
        if size > limit:
            raise TooLongError(f"a text grew past {limit} bytes")
        yield chunk


@dataclass(frozen=True, slots=True)
class Source:
    """A template or a line of one, with the place where it begins in its file."""

    text: str
    file: str
    line: int = 1
    column: int = 1
    html: bool = False


def compile_source(
    source: Source, allowed: Allowed, filters: PluginFilters | None = None
) -> tuple[Compiled | None, tuple[Problem, ...]]:
    """The compiled template, or None and everything that is wrong with it, each with its place."""
    text = source.text.replace("\r\n", "\n")
    tree, found = _parsed(text, allowed, source.html, filters or {})
    if tree is None or found.mistakes:
        return None, tuple(_problem(each, source, text) for each in found.mistakes)
    try:
        template = _environment(source.html, tuple((filters or {}).items())).from_string(
            _with_addresses(tree, source.html)
        )
    except (SyntaxError, RecursionError, MemoryError, TemplateError):
        deep = Mistake("jinja-limit", 1, "", "the text is nested too deep")
        return None, (_problem(deep, source, text),)
    always = {path: _place(line, path, source, text) for path, line in found.always.items()}
    rounds = {path: (near, _place(line, near, source, text)) for path, (line, near) in found.rounds.items()}
    return Compiled(template, allowed.roots, frozenset(found.reads), frozenset(found.prints), always, rounds), ()


def _parsed(text: str, allowed: Allowed, html: bool, filters: PluginFilters) -> tuple[nodes.Template | None, Found]:
    early = _early(text)
    if early is not None:
        return None, Found([early])
    try:
        tree = _environment(html, tuple(filters.items())).parse(text if html else mark_lines(text))
    except TemplateSyntaxError as error:
        return None, Found([Mistake("jinja-syntax", error.lineno, "", str(error.message))])
    except (RecursionError, MemoryError):
        return None, Found([Mistake("jinja-limit", 1, "", "the text is nested too deep")])
    except (ValueError, OverflowError):
        return None, Found([Mistake("jinja-limit", 1, "", "a number in the text is too big")])
    found = check(tree, allowed)
    if html and not found.mistakes:
        found.mistakes.extend(check_html(tree, allowed.roots))
    return tree, found


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def _early(text: str) -> Mistake | None:
    """What is seen before Jinja reads anything."""
    if len(text.encode("utf-8", "replace")) > MAX_SOURCE:
        return Mistake("jinja-limit", 1, "", f"a text has at most {MAX_SOURCE // 1024} KiB")
    found = _CONTROL.search(text)
    if found is None:
        return None
    line = text.count("\n", 0, found.start()) + 1
    return Mistake("jinja-unsafe", line, found.group(), "a control character stands here")


def _problem(mistake: Mistake, source: Source, text: str) -> Problem:
    place = _place(mistake.line, mistake.near, source, text)
    return Problem(place, mistake.code, mistake.text, snippet=_line_of(text, mistake.line))


def _place(line: int, near: str, source: Source, text: str) -> Place:
    """Where a word of a line of the template stands in its file."""
    column = _column(_line_of(text, line), near)
    return Place(source.file, source.line + line - 1, column + (source.column - 1 if line == 1 else 0))


def _line_of(text: str, line: int) -> str:
    lines = text.split("\n")
    return lines[line - 1] if 0 < line <= len(lines) else ""


def _column(line: str, near: str) -> int:
    """Where the mistake's word stands inside a tag of its line; else the first tag, else the line's beginning."""
    first = min((at for at in (line.find("{{"), line.find("{%")) if at >= 0), default=0)
    if not near:
        return first + 1
    word = rf"(?<!\w){re.escape(near)}(?!\w)" if near[0].isalnum() or near[0] == "_" else re.escape(near)
    found = re.compile(word).search(line, first) or re.compile(word).search(line)
    return found.start() + 1 if found else first + 1


def _with_addresses(tree: nodes.Template, html: bool) -> nodes.Template:
    """Web addresses that the template itself writes become links."""
    if html:
        return tree
    for output in tree.find_all(nodes.Output):
        for at, each in enumerate(output.nodes):
            if isinstance(each, nodes.TemplateData):
                each.data = mark_addresses(each.data, cut=at + 1 < len(output.nodes))
    return tree


def filling_for(names: Mapping[str, Any], locale: str, zone: ZoneInfo) -> Filling:
    """The state of one text: for whom it is, and the currency, country and time of its data."""
    shop, order = _mapping(names.get("shop")), _mapping(names.get("order"))
    now = names.get("now")
    return Filling(
        locale,
        zone,
        now if isinstance(now, datetime) and now.tzinfo else None,
        currency=str(order.get("currency") or shop.get("currency") or ""),
        country=str(order.get("country") or shop.get("country") or ""),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def complain(filling: Filling) -> None:
    """Raise `MissingData` if something printed was absent."""
    if filling.missing:
        raise MissingData(tuple(dict.fromkeys(filling.missing)))
