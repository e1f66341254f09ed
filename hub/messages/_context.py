"""Where values may stand in a template of HTML: in text, and as a web address in a quoted `href` or `src`.

Escaping makes a value harmless in text and in quoted attributes that only name things; it does not in scripts, in
styles, outside quotes, or as an address (`javascript:…`). So those places are refused when the template is loaded.
"""

import re
from collections.abc import Iterator

from jinja2 import nodes

from ._check import Mistake
from ._names import Fields, Kind, Spec, field_at

_TOKEN = re.compile(r"<!--|-->|<(/?)([a-zA-Z][a-zA-Z0-9]*)|[\"'>=]|[^\s\"'<>=]+|\s+|<")
_FORBIDDEN = {"script", "iframe", "object", "embed", "form", "base", "link", "svg", "math", "template", "textarea"}
_ADDRESSES = {"href", "src", "action", "background", "poster", "cite"}
_PLAIN = {"alt", "title", "lang", "class", "width", "height", "aria-label", "content", "id", "dir"}


class _Place:
    """Where in HTML the reading stands, after all text before a value."""

    def __init__(self) -> None:
        self.raw = ""  # inside the text of <style> or <title>
        self.tag = ""
        self.closing = False
        self.attribute = ""
        self.word = ""
        self.quote = ""
        self.empty = False  # nothing of the quoted value was read yet
        self.comment = False
        self.forbidden: list[str] = []

    def read(self, text: str) -> None:
        for found in _TOKEN.finditer(text):
            self._token(found.group(), found[1], found[2])

    def _token(self, token: str, slash: str | None, name: str | None) -> None:
        if self.comment:
            self.comment = token != "-->"
        elif self.quote:
            self.quote, self.empty = ("" if token == self.quote else self.quote), False
        elif self.tag:
            self._in_tag(token)
        elif token == "<!--":
            self.comment = True
        elif name:
            self._open(name.lower(), bool(slash))

    def _open(self, name: str, closing: bool) -> None:
        if self.raw and not (closing and name == self.raw):
            return
        if name in _FORBIDDEN:
            self.forbidden.append(f"<{name}")
        self.tag, self.closing, self.attribute, self.word = name, closing, "", ""

    def _in_tag(self, token: str) -> None:
        if token == ">":
            self.raw = self.tag if self.tag == "style" and not self.closing else ""
            self.tag = ""
        elif token in "\"'":
            self.quote, self.empty = token, True
        elif token == "=":
            self.attribute = self.word.lower()
        elif not token.isspace():
            self.word = token
            if token.lower().startswith("on"):
                self.forbidden.append(token)

    def refusal(self, kind: Spec | None) -> str:
        """Why a value of this kind may not stand here; empty when it may."""
        if self.comment or self.raw:
            return "no value may stand in a style or a comment"
        if not self.tag:
            return ""
        if not self.quote or self.attribute not in _ADDRESSES | _PLAIN:
            return "inside a tag a value may stand only in a quoted attribute that names or addresses something"
        if self.attribute in _ADDRESSES and not (self.empty and kind is Kind.URL):
            return f"'{self.attribute}' takes a whole web address: a field of that kind, or link('…')"
        self.empty = False
        return ""


def check_html(tree: nodes.Template, roots: Fields) -> Iterator[Mistake]:
    """Every value of a template of HTML that stands where escaping would not keep it a text."""
    place, loops = _Place(), {}
    for node in _in_order(tree):
        if isinstance(node, nodes.For) and isinstance(node.target, nodes.Name):
            loops[node.target.name] = _path(node.iter)
        elif isinstance(node, nodes.TemplateData):
            place.read(node.data)
            yield from (_forbidden(node, each) for each in place.forbidden)
            place.forbidden.clear()
        elif isinstance(node, nodes.Expr):
            refusal = place.refusal(_kind(node, roots, loops))
            if refusal:
                yield Mistake("jinja-unsafe", node.lineno, "", refusal)


def _forbidden(node: nodes.Node, name: str) -> Mistake:
    return Mistake("jinja-unsafe", node.lineno, name, f"'{name}' is not allowed in a mail")


def _in_order(node: nodes.Node) -> Iterator[nodes.Node]:
    """Loops, text and printed values in the order of the document (branches one after the other)."""
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.Output):
            yield from child.nodes
        elif isinstance(child, nodes.Stmt):
            yield child
            yield from _in_order(child)


def _path(node: nodes.Node) -> str:
    if isinstance(node, nodes.Name):
        return node.name
    return f"{_path(node.node)}.{node.attr}" if isinstance(node, nodes.Getattr) else ""


def _kind(node: nodes.Expr, roots: Fields, loops: dict[str, str]) -> Spec | None:
    if isinstance(node, nodes.Call):
        return Kind.URL
    path = _path(node)
    first, _, rest = path.partition(".")
    if first in loops:
        spec = field_at(roots, loops[first])
        return field_at(spec[0], rest) if isinstance(spec, tuple) and isinstance(spec[0], dict) and rest else None
    return field_at(roots, path)
