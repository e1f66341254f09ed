"""The steps that reach outside, `call` and `write_back` (FLOWS 5.7, 5.10): declared as those of `builtin.py` are."""

from __future__ import annotations

import re

from pydantic import Field

from hub.config.kinds import Kept, Placed
from hub.config.problems import Level, quoted
from hub.config.sections import Name
from hub.config.settings import Shape, read_settings
from hub.config.yaml import MapNode, Node, Scalar
from hub.plugin import BODILESS, Method, WriteBackStatus, path_mistake

from .builtin import ends, step
from .cel import Compiled, Wants
from .fails import IF_FAILS, ReadSteps, read_if_fails
from .model import Call, IfFails, Step, WriteBack
from .scope import Scope, placed_at, text_at

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class CallShape(Shape):
    """Settings of `call`."""

    to: Name = Field(description="A connection of the kind `target`.")
    path: str = Field("", max_length=500, description="Appended to the connection's address; it cannot leave it.")
    method: Method = Field("POST", description="How it is called; GET and DELETE have no body.")
    body: dict[str, Placed] | None = Field(
        None, title="name → a value (CEL)", description="What is said; without it the order as the hub's own JSON."
    )
    save: dict[str, Placed] = Field(
        {}, title="name → a value (CEL)", description="What to keep of `response`, as `saved.<name>`; the run waits."
    )
    if_fails: Kept | None = IF_FAILS
    id: Name | None = Field(None, description="The step's key, where a flow calls one target twice.")


@step("call", CallShape, example="call: {to: crm, body: {order: order.number, status: order.headline}}")
def call(word: Scalar, node: Node, scope: Scope, steps: ReadSteps) -> Step | None:
    """Call a target after what happened is safely stored: signed, tried 8 times within a day."""
    shape = read_settings(node, CallShape, scope.reading, "'call'", place=word.place)
    if not isinstance(node, MapNode):
        return None
    if isinstance(to := node.get("to"), Scalar) and to.text:
        scope.target(to)
    if isinstance(path := node.get("path"), Scalar) and (mistake := path_mistake(path.text)):
        scope.report(path, "bad-value", f"'path': {mistake}")
    method = text_at(node, "method") or "POST"
    if method in BODILESS and (stray := node.key("body")) is not None:
        scope.report(stray, "conflicting-settings", f"a {method} has no body; name what is meant in 'path'")
    body = _body(node.get("body"), scope, whole=shape is not None)
    save = _save(node.get("save"), scope, whole=shape is not None)
    key = scope.said(word, node, "to")
    if_fails = read_if_fails(node.get("if_fails"), scope, steps)
    if save:
        scope.offered |= {"saved"}
        if if_fails is IfFails.STOP or (isinstance(if_fails, tuple) and if_fails and ends(if_fails[-1])):
            scope.there |= {("saved",)}  # else a run may come by here that was never answered
    if shape is None or if_fails is None:
        return None
    said = body if node.get("body") is not None else None
    return Call(key, shape.to, shape.path, shape.method, said, save or None, if_fails)


def _body(node: Node | None, scope: Scope, *, whole: bool) -> dict[str, Compiled]:
    values: dict[str, Compiled] = {}
    for key, value in node if isinstance(node, MapNode) else ():
        placed = placed_at(value, whole)
        compiled = scope.expression(placed, Wants.ANY) if placed is not None else None
        if placed is not None and compiled is not None:
            scope.maybe_missing(placed, compiled, Level.WARNING, "then the call goes without it; ask has(…) above")
            values[key.text] = compiled
    return values


def _save(node: Node | None, scope: Scope, *, whole: bool) -> dict[str, Compiled]:
    values: dict[str, Compiled] = {}
    for key, value in node if isinstance(node, MapNode) else ():
        if not _NAME.fullmatch(key.text):
            said = f"{quoted(key.text)} cannot be read as saved.…; expected: a letter, then letters, digits and '_'"
            scope.report(key, "bad-name", said)
        placed = placed_at(value, whole)
        compiled = scope.expression(placed, Wants.ANY, frozenset({"response"})) if placed is not None else None
        if compiled is not None:
            values[key.text] = compiled
    return values


class WriteBackShape(Shape):
    """Settings of `write_back`."""

    status: WriteBackStatus | None = Field(
        None, description="What the shop's order becomes; the hub's own status moves when the shop reports it."
    )
    note: Placed | None = Field(
        None, title="a text", description="A note for the shop's staff, as a text that may use values."
    )
    tracking: bool = Field(False, description="Write the parcel's tracking number, link and carrier into the order.")
    if_fails: Kept | None = IF_FAILS
    id: Name | None = Field(None, description="The step's key, where a flow writes the same thing twice.")


@step("write_back", WriteBackShape, example='write_back: {status: cancelled, note: "not paid in time"}')
def write_back(word: Scalar, node: Node, scope: Scope, steps: ReadSteps) -> Step | None:
    """Write into the order's own shop: a status, a note, a tracking number."""
    shape = read_settings(node, WriteBackShape, scope.reading, "'write_back'", place=word.place)
    if not isinstance(node, MapNode):
        return None
    if "order" not in scope.offered:
        scope.report(word, "not-offered", "there is no order here that could be written to")
    if (note := placed_at(node.get("note"), shape is not None)) is not None:
        scope.text(note)
    wishes = [each for each in ("status", "note", "tracking") if node.key(each) is not None]
    if shape is not None and not (shape.status or shape.note or shape.tracking):
        scope.report(word, "missing-setting", "'write_back' needs 'status', 'note' or 'tracking: true'")
    what = text_at(node, "status") or next(iter(wishes), "")
    key = scope.key(word, f"write_back:{what}", text_at(node, "id") or None)
    if_fails = read_if_fails(node.get("if_fails"), scope, steps)
    if shape is None or if_fails is None:
        return None
    return WriteBack(
        key,
        shape.status.value if shape.status else "",
        shape.note.text if shape.note else "",
        shape.tracking,
        if_fails,
        scope.params.said if scope.params is not None else None,
    )
