"""A small GraphQL: enough of the language for the Admin API's documents, and honest about what it does not know.

Reads a document, checks every field against the schema of the sandbox (an unknown one is `undefinedField`), and cuts
plain trees to what was selected. Connections are plain lists until somebody asks for them.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ._sandbox_schema import CONNECTIONS, INPUTS, TYPES

_TOKEN = re.compile(
    r"(?P<skip>[\s,]+|#[^\n]*)|(?P<name>[A-Za-z_]\w*)|(?P<float>-?\d+\.\d+)|(?P<int>-?\d+)"
    r'|(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<dots>\.\.\.)|(?P<mark>[{}()\[\]:=!$@])'
)
_DEEPEST = 40


class QueryError(Exception):
    """The document is refused: becomes one entry of `errors`."""

    def __init__(self, message: str, code: str = "", position: int = 0) -> None:
        super().__init__(message)
        self.message, self.code, self.position = message, code, position


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name` where a value stands."""

    name: str


@dataclass(frozen=True, slots=True)
class Selection:
    """One selected field, or (`on`) the fields of an inline fragment."""

    name: str
    alias: str = ""
    args: Mapping[str, Any] = field(default_factory=dict)
    selections: tuple["Selection", ...] = ()
    on: str = ""
    position: int = 0
    directives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: `kind` is query or mutation; variables by name with their type."""

    kind: str
    variables: Mapping[str, str]
    selections: tuple[Selection, ...]


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    def operation(self) -> Operation:
        kind, variables = "query", {}
        if self._is("query") or self._is("mutation"):
            kind = self._next()
            if not self._is("{") and not self._is("("):
                self._next()
            variables = self._variables() if self._is("(") else {}
        found = Operation(kind, variables, self._selections(0))
        if self._at < len(self._tokens):
            raise self._error("one operation at a time")
        return found

    def _variables(self) -> dict[str, str]:
        self._take("(")
        found = {}
        while not self._is(")"):
            self._take("$")
            name = self._next()
            self._take(":")
            kind = self._type()
            if self._is("="):
                self._next()
                self._value(0)
                kind = kind.rstrip("!")
            found[name] = kind
        self._take(")")
        return found

    def _type(self) -> str:
        if self._is("["):
            self._next()
            inner = f"[{self._type()}]"
            self._take("]")
        else:
            inner = self._next()
        return inner + (self._next() if self._is("!") else "")

    def _selections(self, depth: int) -> tuple[Selection, ...]:
        if depth > _DEEPEST:
            raise self._error("nested too deeply")
        self._take("{")
        found = []
        while not self._is("}"):
            found.append(self._selection(depth))
        self._take("}")
        if not found:
            raise self._error("nothing is selected")
        return tuple(found)

    def _selection(self, depth: int) -> Selection:
        position = self._position()
        if self._is("..."):
            self._next()
            self._take("on")
            kind = self._next()
            return Selection("...", selections=self._selections(depth + 1), on=kind, position=position)
        name, alias = self._next(), ""
        if self._is(":"):
            self._next()
            name, alias = self._next(), name
        args = self._args(depth) if self._is("(") else {}
        directives = []
        while self._is("@"):
            self._next()
            directives.append(self._next())
            args = {**args, f"@{directives[-1]}": self._args(depth) if self._is("(") else {}}
        inner = self._selections(depth + 1) if self._is("{") else ()
        return Selection(name, alias, args, inner, "", position, tuple(directives))

    def _args(self, depth: int) -> dict[str, Any]:
        self._take("(")
        found = {}
        while not self._is(")"):
            name = self._next()
            self._take(":")
            found[name] = self._value(depth)
        self._take(")")
        return found

    def _value(self, depth: int) -> Any:
        if depth > _DEEPEST:
            raise self._error("nested too deeply")
        kind, text, _ = self._peek()
        self._at += 1
        if kind == "mark" and text == "$":
            return Variable(self._next())
        if kind == "mark" and text == "[":
            return self._list(depth)
        if kind == "mark" and text == "{":
            return self._object(depth)
        if kind == "string":
            return json.loads(text)
        if kind in ("int", "float"):
            return int(text) if kind == "int" else float(text)
        return {"true": True, "false": False, "null": None}.get(text, text)

    def _list(self, depth: int) -> list[Any]:
        found = []
        while not self._is("]"):
            found.append(self._value(depth + 1))
        self._take("]")
        return found

    def _object(self, depth: int) -> dict[str, Any]:
        found = {}
        while not self._is("}"):
            name = self._next()
            self._take(":")
            found[name] = self._value(depth + 1)
        self._take("}")
        return found

    def _peek(self) -> tuple[str, str, int]:
        if self._at >= len(self._tokens):
            raise self._error("the document ends too early")
        return self._tokens[self._at]

    def _next(self) -> str:
        text = self._peek()[1]
        self._at += 1
        return text

    def _is(self, text: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at][1] == text

    def _take(self, text: str) -> None:
        if not self._is(text):
            raise self._error(f"expected {text}")
        self._at += 1

    def _position(self) -> int:
        return self._tokens[self._at][2] if self._at < len(self._tokens) else 0

    def _error(self, message: str) -> QueryError:
        return QueryError(f"syntax error: {message}", "parseError", self._position())


def _tokens(text: str) -> list[tuple[str, str, int]]:
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise QueryError("syntax error: unexpected character", "parseError", at)
        kind = match.lastgroup or ""
        if kind != "skip":
            found.append((kind, match[0], at))
        at = match.end()
    return found


def read_document(text: str, variables: Mapping[str, Any]) -> Operation:
    """The operation with its variables filled in, checked against the schema."""
    operation = _Reader(text).operation()
    for name, kind in operation.variables.items():
        if kind.endswith("!") and variables.get(name) is None:
            raise QueryError(f"Variable ${name} of type {kind} was provided invalid value", "INVALID_VARIABLE")
        _check_input(kind.strip("[]!"), variables.get(name))
    filled = tuple(_filled(each, operation, variables) for each in operation.selections)
    _check(filled, "Mutation" if operation.kind == "mutation" else "QueryRoot")
    return Operation(operation.kind, operation.variables, filled)


def _check_input(kind: str, value: Any) -> None:
    allowed = INPUTS.get(kind)
    if allowed is None or not isinstance(value, dict):
        return
    for name in value:
        if name not in allowed:
            raise QueryError(f"Field '{name}' is not defined on {kind}", "INVALID_VARIABLE")


def _filled(selection: Selection, operation: Operation, variables: Mapping[str, Any]) -> Selection:
    def fill(value: Any) -> Any:
        if isinstance(value, Variable):
            if value.name not in operation.variables:
                raise QueryError(f"Variable ${value.name} is not declared", "variableNotDefined", selection.position)
            return variables.get(value.name)
        if isinstance(value, dict):
            return {name: fill(each) for name, each in value.items()}
        return [fill(each) for each in value] if isinstance(value, list) else value

    inner = tuple(_filled(each, operation, variables) for each in selection.selections)
    args = {name: fill(each) for name, each in selection.args.items()}
    return Selection(
        selection.name, selection.alias, args, inner, selection.on, selection.position, selection.directives
    )


def _check(selections: Sequence[Selection], kind: str) -> None:
    for each in selections:
        if each.name == "...":
            _check(each.selections, each.on)
            continue
        known = TYPES[kind]
        if each.name != "__typename" and each.name not in known:
            message = f"Field '{each.name}' doesn't exist on type '{kind}'"
            raise QueryError(message, "undefinedField", each.position)
        inner = known.get(each.name, "")
        if bool(inner) != bool(each.selections):
            raise QueryError(
                f"Field '{each.name}' needs a selection, or takes none", "selectionMismatch", each.position
            )
        if inner in CONNECTIONS and not {"first", "last"} & set(each.args):
            raise QueryError(
                f"you must provide one of first or last for '{each.name}'", "missingRequired", each.position
            )
        if inner:
            _check(each.selections, inner)


def cost_of(selections: Sequence[Selection], kind: str) -> int:
    """Points. Shopify's formula is not public in full: here an object is 1, a connection 2 and a tenth of `first`."""
    total = 0
    for each in selections:
        if each.name == "...":
            total += cost_of(each.selections, each.on)
            continue
        inner = TYPES[kind].get(each.name, "")
        if inner in CONNECTIONS:
            total += 2 + int(each.args.get("first") or 0) // 10
        total += (1 if inner else 0) + (cost_of(each.selections, inner) if inner else 0)
    return total


def project(value: Any, selections: Sequence[Selection], kind: str) -> Any:
    """Cut a tree to what was selected."""
    if value is None:
        return None
    made: dict[str, Any] = {}
    for each in selections:
        if each.name == "...":
            if value.get("__typename", each.on) == each.on:
                made.update(project(value, each.selections, each.on))
            continue
        inner = TYPES[kind].get(each.name, "")
        made[each.alias or each.name] = _told(value.get(each.name), each, inner)
    return made


def _told(found: Any, selection: Selection, inner: str) -> Any:
    if not inner:
        return found
    if inner in CONNECTIONS:
        return project(connection(found or [], selection.args), selection.selections, inner)
    if isinstance(found, list):
        cut = found[: selection.args["first"]] if selection.args.get("first") is not None else found
        return [project(each, selection.selections, inner) for each in cut]
    return project(found, selection.selections, inner)


def connection(nodes: Sequence[Mapping[str, Any]], args: Mapping[str, Any]) -> dict[str, Any]:
    """The page after `after` of so many as `first`; `_key` is the place of a node."""
    first = min(int(args.get("first") or 0), 250)
    after = _place(args["after"]) if args.get("after") else None
    rest = [each for each in nodes if after is None or list(each["_key"]) > after]
    page = rest[:first]
    return {
        "nodes": page,
        "edges": [{"node": each, "cursor": _cursor(each)} for each in page],
        "pageInfo": {
            "hasNextPage": len(rest) > len(page),
            "hasPreviousPage": after is not None,
            "startCursor": _cursor(page[0]) if page else None,
            "endCursor": _cursor(page[-1]) if page else None,
        },
    }


def _cursor(node: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(node["_key"])).encode()).decode()


def _place(cursor: Any) -> list[Any]:
    try:
        found = json.loads(base64.urlsafe_b64decode(str(cursor)))
    except ValueError:
        raise QueryError("Invalid cursor for current pagination sort.", "INVALID_CURSOR") from None
    if not isinstance(found, list):
        raise QueryError("Invalid cursor for current pagination sort.", "INVALID_CURSOR")
    return found
