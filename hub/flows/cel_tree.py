"""The checked tree of a CEL expression: what it reads and where, whether it keeps within limits, what it proves.

The library gives the tree as a serialised `cel.expr.CheckedExpr`; the few fields needed are declared here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

_TYPES = {"int64": 3, "int32": 5, "bool": 8, "string": 9, "double": 1, "bytes": 12}
_MESSAGES = """
Expr: id 2 int64; const 3 Const; ident 4 Name; select 5 Select; call 6 Call; list 7 List; struct 8 Struct; loop 9 Loop
Const: null 1 int64; bool 2 bool; int64 3 int64; uint64 4 int64; double 5 double; string 6 string; bytes 7 bytes
Name: name 1 string
Select: operand 1 Expr; field 2 string; test_only 3 bool
Call: target 1 Expr; function 2 string; args 3* Expr
List: elements 1* Expr
Entry: map_key 3 Expr; value 4 Expr
Struct: message_name 1 string; entries 2* Entry
Loop: var 1 string; range 2 Expr; accu 3 string; init 4 Expr; test 5 Expr; step 6 Expr; result 7 Expr
Primitive: primitive 3 int32
TypeEntry: key 1 int64; value 2 Primitive
PositionEntry: key 1 int64; value 2 int32
Source: positions 4* PositionEntry
Checked: types 3* TypeEntry; expr 4 Expr; source 5 Source
"""


@cache
def _checked_type() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="hub_cel_tree.proto", package="hub.tree", syntax="proto2")
    for line in _MESSAGES.strip().splitlines():
        name, _, fields = line.partition(": ")
        message = file.message_type.add(name=name)
        for each in fields.split("; "):
            word, number, kind = each.split(" ")
            label = 3 if number.endswith("*") else 1
            basic = _TYPES.get(kind)
            message.field.add(
                name=word,
                number=int(number.rstrip("*")),
                label=label,
                type=basic or 11,
                type_name=None if basic else f".hub.tree.{kind}",
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file) if hasattr(pool, "Add") else pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("hub.tree.Checked"))


STRING, BYTES = 5, 6
"""The numbers of the library's primitive types that can grow."""


@dataclass(frozen=True, slots=True)
class Const:
    offset: int
    value: Any


@dataclass(frozen=True, slots=True)
class Name:
    offset: int
    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """`operand.field`, or with `asks` the field inside `has(...)`."""

    offset: int
    operand: Tree
    field: str
    asks: bool


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or function; `args` begin with what a method is called on. `grows`: its result is text or bytes."""

    offset: int
    function: str
    args: tuple[Tree, ...]
    grows: bool


@dataclass(frozen=True, slots=True)
class Many:
    """A list or map literal."""

    offset: int
    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A record literal, which the language does not have."""

    offset: int
    name: str


@dataclass(frozen=True, slots=True)
class Loop:
    """`range.exists(var, …)` and its sisters, taken apart by the library."""

    offset: int
    var: str
    range: Tree
    accu: str
    parts: tuple[Tree, ...]


Tree = Const | Name | Select | Call | Many | Record | Loop


def read_tree(serialized: bytes) -> Tree:
    """The tree of a checked expression (`Expression.serialize()`)."""
    wrapped = any_pb2.Any.FromString(serialized)
    checked = _checked_type().FromString(wrapped.value)
    types = {each.key: each.value.primitive for each in checked.types}
    places = {each.key: each.value for each in checked.source.positions}
    return _read(checked.expr, places, types)


def _read(expr: Any, places: dict[int, int], types: dict[int, int]) -> Tree:
    at = places.get(expr.id, 0)

    def inner(each: Any) -> Tree:
        return _read(each, places, types)

    if expr.HasField("ident"):
        return Name(at, expr.ident.name)
    if expr.HasField("select"):
        return Select(at, inner(expr.select.operand), expr.select.field, expr.select.test_only)
    if expr.HasField("call"):
        call = expr.call
        target = (inner(call.target),) if call.HasField("target") else ()
        grows = types.get(expr.id) in (STRING, BYTES)
        return Call(at, call.function, target + tuple(map(inner, call.args)), grows)
    if expr.HasField("list"):
        return Many(at, tuple(map(inner, expr.list.elements)))
    if expr.HasField("struct"):
        if expr.struct.message_name:
            return Record(at, expr.struct.message_name)
        return Many(at, tuple(inner(part) for each in expr.struct.entries for part in (each.map_key, each.value)))
    if expr.HasField("loop"):
        loop = expr.loop
        parts = tuple(map(inner, (loop.init, loop.test, loop.step, loop.result)))
        return Loop(at, loop.var, inner(loop.range), loop.accu, parts)
    return Const(at, _constant(expr.const))


def _constant(const: Any) -> Any:
    for name in ("bool", "int64", "uint64", "double", "string", "bytes"):
        if const.HasField(name):
            return getattr(const, name)
    return None


def inside(tree: Tree) -> tuple[Tree, ...]:
    """The parts of a tree, in the order written."""
    if isinstance(tree, Select):
        return (tree.operand,)
    if isinstance(tree, Call):
        return tree.args
    if isinstance(tree, Many):
        return tree.parts
    return (tree.range, *tree.parts) if isinstance(tree, Loop) else ()


def walk(tree: Tree) -> Iterator[Tree]:
    """A tree and everything in it."""
    todo = [tree]
    while todo:
        each = todo.pop()
        yield each
        todo.extend(reversed(inside(each)))


def path_of(tree: Tree) -> tuple[str, ...] | None:
    """`("shipment", "pickup_point", "name")` for a chain of fields, else None."""
    words: list[str] = []
    while isinstance(tree, Select):
        words.append(tree.field)
        tree = tree.operand
    return (tree.name, *reversed(words)) if isinstance(tree, Name) else None


@dataclass(frozen=True, slots=True)
class Read:
    """A field that an expression reads; inside a loop the path begins with what is looped over."""

    path: tuple[str, ...]
    offset: int
    asks: bool


def reads(tree: Tree) -> tuple[Read, ...]:
    """Every field read, whole chains only, in the order written."""
    return tuple(_reads(tree, {}))


def _reads(tree: Tree, loops: dict[str, tuple[str, ...]]) -> Iterator[Read]:
    path = path_of(tree)
    if path is not None:
        yield from _one_read(tree, path, loops)
    elif isinstance(tree, Loop):
        yield from _reads(tree.range, loops)
        around = resolved(path_of(tree.range), loops)
        known = {**loops, tree.var: around or (), tree.accu: ()}
        for part in tree.parts:
            yield from _reads(part, known)
    else:
        for part in inside(tree):
            yield from _reads(part, loops)


def _one_read(tree: Tree, path: tuple[str, ...], loops: dict[str, tuple[str, ...]]) -> Iterator[Read]:
    full = resolved(path, loops)
    if full:
        yield Read(full, tree.offset, isinstance(tree, Select) and tree.asks)


def resolved(path: tuple[str, ...] | None, loops: dict[str, tuple[str, ...]]) -> tuple[str, ...] | None:
    """A path with the name of a loop replaced by what is looped over; None when that is no field."""
    if path is None or path[0] not in loops:
        return path
    return loops[path[0]] + path[1:] if loops[path[0]] else None


def roots(tree: Tree) -> frozenset[str]:
    """The names that an expression begins its reads with."""
    return frozenset(each.path[0] for each in reads(tree))


# ------------------------------------------------------------------------------------------------ limits

MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Excess:
    """What goes beyond the limits, and where."""

    offset: int
    text: str


def excesses(tree: Tree) -> tuple[Excess, ...]:
    """Where an expression nests too deep or loops too much (FLOWS 4)."""
    return tuple(_excesses(tree, (), 1))


def _excesses(tree: Tree, loops: tuple[str, ...], depth: int) -> Iterator[Excess]:
    if depth > MAX_DEPTH * 2:
        yield Excess(tree.offset, f"nested deeper than {MAX_DEPTH} levels")
        return
    if isinstance(tree, Loop):
        yield from _loop_excess(tree, loops)
        yield from _excesses(tree.range, loops, depth + 1)
        for part in tree.parts:
            yield from _excesses(part, (*loops, tree.var), depth)
        return
    if loops and isinstance(tree, Call) and tree.grows and tree.function == "_+_":
        yield Excess(tree.offset, "no text is built inside a loop")
    deeper = depth if isinstance(tree, Call) and tree.function in ("_&&_", "_||_") else depth + 1
    for part in inside(tree):
        yield from _excesses(part, loops, deeper)


def _loop_excess(loop: Loop, loops: tuple[str, ...]) -> Iterator[Excess]:
    path = path_of(loop.range)
    if path is None or len(path) + len(loops) < 2:
        if path != ("shipments",):
            yield Excess(loop.offset, "a loop goes over a field, such as order.items")
    elif len(loops) > 1:
        yield Excess(loop.offset, "a loop inside a loop inside a loop")
    elif loops and path[0] != loops[-1]:
        yield Excess(loop.offset, f"a loop inside a loop goes over a field of the item, such as {loops[-1]}.categories")


# ------------------------------------------------------------------------------------------------ presence

Paths = frozenset[tuple[str, ...]]
NONE: Paths = frozenset()


def _prefixes(path: tuple[str, ...]) -> Paths:
    return frozenset(path[:end] for end in range(1, len(path) + 1))


def proves(tree: Tree, truth: bool) -> Paths:
    """Paths that are certainly there when this condition is known to be `truth`."""
    if isinstance(tree, Call) and tree.function == "!_":
        return proves(tree.args[0], not truth)
    if isinstance(tree, Call) and tree.function in ("_&&_", "_||_"):
        sides = [proves(each, truth) for each in tree.args]
        both = (tree.function == "_&&_") is truth
        return frozenset.union(*sides) if both else frozenset.intersection(*sides)
    if isinstance(tree, Select) and tree.asks:
        path = path_of(tree) or ()
        return _prefixes(path) if truth else _prefixes(path[:-1])
    if isinstance(tree, Call) and tree.function == "_?_:_":
        asked, yes, no = tree.args
        ways = [
            proves(asked, way) | proves(side, truth)
            for way, side in ((True, yes), (False, no))
            if not (isinstance(side, Const) and side.value is not truth)
        ]
        return frozenset.intersection(*ways) if ways else NONE
    return must_read(tree)


def unmet(tree: Tree, certain: Callable[[tuple[str, ...]], bool], truth: bool = True) -> Paths:
    """Paths that are certainly there when this condition is not known to be `truth`: it is the opposite or unknown, and
    what is unknown may be so for want of anything it reads. Only a `has` of a field whose record is `certain` to be
    there is never unknown."""
    if isinstance(tree, Call) and tree.function == "!_":
        return unmet(tree.args[0], certain, not truth)
    if isinstance(tree, Call) and tree.function in ("_&&_", "_||_"):
        sides = [unmet(each, certain, truth) for each in tree.args]
        return frozenset.intersection(*sides) if (tree.function == "_&&_") is truth else frozenset.union(*sides)
    path = path_of(tree) if isinstance(tree, Select) and tree.asks else None
    return _prefixes(path) if path is not None and not truth and certain(path[:-1]) else NONE


def must_read(tree: Tree) -> Paths:
    """Paths that are certainly there when this has a value at all."""
    if isinstance(tree, Call) and tree.function in ("_&&_", "_||_"):
        return frozenset.intersection(*map(must_read, tree.args))
    if isinstance(tree, Call) and tree.function == "_?_:_":
        asked, yes, no = tree.args
        return must_read(asked) | ((proves(asked, True) | must_read(yes)) & (proves(asked, False) | must_read(no)))
    if isinstance(tree, Loop):
        return must_read(tree.range)
    path = path_of(tree)
    if path is not None:
        return _prefixes(path[:-1] if isinstance(tree, Select) and tree.asks else path)
    return frozenset[tuple[str, ...]]().union(*map(must_read, inside(tree)))


def unproved(tree: Tree, known: Paths) -> Iterator[Read]:
    """Reads whose field is not in `known` and not asked for before: without it the whole may be unknown."""
    if isinstance(tree, Call) and tree.function in ("_&&_", "_||_", "_?_:_"):
        first, *rest = tree.args
        yield from unproved(first, known)
        for index, each in enumerate(rest):
            truth = tree.function == "_&&_" or (tree.function == "_?_:_" and index == 0)
            yield from unproved(each, known | proves(first, truth))
        return
    path = path_of(tree)
    if path is None:
        for part in (tree.range,) if isinstance(tree, Loop) else inside(tree):
            yield from unproved(part, known)
        return
    asked = isinstance(tree, Select) and tree.asks
    needed = path[:-1] if asked else path
    if needed not in known:
        yield Read(needed, tree.offset, asked)
