"""Conditions and values in CEL: checked with types when a file is loaded, evaluated over plain maps while running.

Two environments of one library (`cel-expr-python`): the first checks against the records of `types.py` as messages,
the second evaluates over maps, where an absent key makes the whole unknown unless `&&` or `||` absorbs it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, TypeAlias
from zoneinfo import available_timezones

from cel_expr_python import cel
from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, struct_pb2, timestamp_pb2

from .cel_errors import Mistake, rewritten
from .cel_functions import FUNCTIONS, UNTYPED, bad_clock
from .cel_tree import Call, Const, Record, Tree, excesses, read_tree, reads, walk
from .model import Unknown
from .types import NAMES, RECORDS, Field, Type
from .working import bad_calendar

MAX_TEXT = 2000
EXCEEDED = "Iteration budget exceeded"
"""What the library raises when an expression takes more than its 10,000 loop steps (FLOWS 4)."""
Wanted: TypeAlias = Mapping[str, Any]
"""Names to what is read of them: a nested map, or None for all of it."""


class Wants(StrEnum):
    """What an expression must give."""

    BOOL = "a condition"
    TIME = "a moment in time"
    ANY = "a value"


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression that has passed the checks; an `Expression` of the flow model."""

    text: str
    wants: Wants = Wants.ANY
    tree: Tree = field(default=Const(0, True), repr=False, compare=False)
    wanted: Wanted = field(default_factory=dict, repr=False, compare=False)
    _program: Any = field(default=None, repr=False, compare=False)

    def value(self, names: Mapping[str, Any]) -> Any | Unknown:
        """The value over these names, or what could not be read. Times are aware datetimes, amounts Decimal or float;
        what is absent is an absent key. Never raises."""
        try:
            found = self._program.eval(data=_only(names, self.wanted))
            kind, value = found.type().name(), found.plain_value()
        except Exception as error:  # the library raises for its own limits and for values it cannot take
            return Unknown(exceeded=True) if EXCEEDED in str(error) else Unknown(self.absent(names))
        if kind in ("ERROR", "UNKNOWN") or not _is(value, self.wants):
            return Unknown(self.absent(names))
        return value

    def absent(self, names: Mapping[str, Any]) -> tuple[str, ...]:
        """The fields that are read and not there, as written: `shipment.tracking_url`."""
        missing = (_first_absent(each.path, names) for each in reads(self.tree) if not each.asks)
        return tuple(dict.fromkeys(".".join(path) for path in missing if path))


def _is(value: Any, wants: Wants) -> bool:
    if wants is Wants.BOOL:
        return isinstance(value, bool)
    return isinstance(value, datetime) if wants is Wants.TIME else True


def _first_absent(path: tuple[str, ...], names: Mapping[str, Any]) -> tuple[str, ...] | None:
    found: list[Any] = [names]
    for index, word in enumerate(path):
        values = [each[word] for each in found if isinstance(each, Mapping) and each.get(word) is not None]
        if len(values) < len(found):
            return path[: index + 1]
        found = [item for each in values for item in (each if isinstance(each, list | tuple) else [each])]
    return None


def _wanted(tree: Tree) -> Wanted:
    """What an expression reads, as nested names."""
    wanted: dict[str, Any] = {}
    for path in sorted(each.path for each in reads(tree)):  # a shorter path comes first and takes all below it
        at: Any = wanted
        for word in path[:-1]:
            at = at.setdefault(word, {}) if at is not None else None
        if at is not None and at.get(path[-1], {}) == {}:
            at[path[-1]] = None
    return wanted


def _only(value: Any, wanted: Wanted | None) -> Any:
    """The part of the names that is read, as the library takes it: binding costs more than evaluating."""
    if wanted is None:
        return _to_cel(value)
    if isinstance(value, list | tuple):
        return [_only(each, wanted) for each in value if each is not None]
    if not isinstance(value, Mapping):
        return _to_cel(value)
    found = ((name, value.get(name), inner) for name, inner in wanted.items())
    return {name: _only(each, inner) for name, each, inner in found if each is not None}


def _to_cel(value: Any) -> Any:
    """Plain values as the library takes them; None is left out, since what is not known is absent."""
    if isinstance(value, datetime):
        stamp = timestamp_pb2.Timestamp()
        stamp.FromDatetime(value)
        return stamp
    if isinstance(value, timedelta):
        length = duration_pb2.Duration()
        length.FromTimedelta(value)
        return length
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {str(key): _to_cel(each) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple | set | frozenset):
        return [_to_cel(each) for each in value if each is not None]
    return str(value) if isinstance(value, str) else value


# ------------------------------------------------------------------------------------------------ environments

_T = cel.Type
_CEL: Mapping[str, Any] = {
    "int": _T.INT,
    "double": _T.DOUBLE,
    "string": _T.STRING,
    "bool": _T.BOOL,
    "timestamp": _T.TIMESTAMP,
    "duration": _T.DURATION,
    "bytes": _T.BYTES,
    "uint": _T.UINT,
}
_OF_TYPE: Mapping[Type, Any] = {
    Type.TEXT: _T.STRING,
    Type.INT: _T.INT,
    Type.AMOUNT: _T.DOUBLE,
    Type.BOOL: _T.BOOL,
    Type.TIME: _T.TIMESTAMP,
    Type.LENGTH: _T.DURATION,
    Type.ANY: _T.DYN,
}
_PROTO: Mapping[Type, tuple[int, str | None]] = {
    Type.TEXT: (9, None),
    Type.INT: (3, None),
    Type.AMOUNT: (1, None),
    Type.BOOL: (8, None),
    Type.TIME: (11, ".google.protobuf.Timestamp"),
    Type.LENGTH: (11, ".google.protobuf.Duration"),
    Type.ANY: (11, ".google.protobuf.Value"),
}
_COMPARED = {"_<_": "less", "_<=_": "less_equals", "_>_": "greater", "_>=_": "greater_equals"}


@cache
def _pool() -> Any:
    """One message per record of the table."""
    pool = descriptor_pool.DescriptorPool()
    file = descriptor_pb2.FileDescriptorProto(name="hub_names.proto", package="hub", syntax="proto3")
    for library in (timestamp_pb2, duration_pb2, struct_pb2):
        pool.AddSerializedFile(library.DESCRIPTOR.serialized_pb)
        file.dependency.append(library.DESCRIPTOR.name)
    for name, fields in RECORDS.items():
        message = file.message_type.add(name=name)
        for number, each in enumerate(fields, 1):
            kind, type_name = _PROTO[each.type] if each.type else (11, f".hub.{each.record}")
            message.field.add(
                name=each.name, number=number, label=3 if each.many else 1, type=kind, type_name=type_name
            )
    pool.AddSerializedFile(file.SerializeToString())
    return pool


def _type(each: Field) -> Any:
    inner = _OF_TYPE[each.type] if each.type else cel.Type(f"hub.{each.record}")
    return cel.Type.List(inner) if each.many else inner


@cache
def _functions() -> list[Any]:
    return [
        cel.FunctionDecl(
            each.name,
            [
                cel.Overload(
                    "_".join(("hub", each.name, *each.takes)),
                    return_type=_CEL[each.gives],
                    parameters=[_CEL[word] for word in each.takes],
                    impl=each.does,
                )
            ],
        )
        for each in FUNCTIONS
    ]


_PAIRS = (*((word, word) for word in _CEL), ("double", "int"), ("int", "double"))
"""What may be compared: the library's own pairs, and an amount against a whole number in either order."""


def _comparisons(*pairs: tuple[str, str]) -> list[Any]:
    return [
        cel.FunctionDecl(
            symbol,
            [
                cel.Overload(
                    f"{name}_{left}_{right}",
                    return_type=_T.BOOL,
                    parameters=[_CEL.get(left, _T.DYN), _CEL.get(right, _T.DYN)],
                )
                for left, right in pairs
            ],
        )
        for symbol, name in _COMPARED.items()
    ]


@lru_cache(maxsize=256)
def _checking(names: frozenset[str]) -> Any:
    return cel.NewEnv(
        _pool(),
        config=_without(*_COMPARED, *UNTYPED),
        variables={name: _type(NAMES[name]) for name in sorted(names)},
        functions=_functions() + _comparisons(*_PAIRS),
    )


@cache
def _running() -> Any:
    """What has been checked is compared whatever it is: the library decides by the values."""
    return cel.NewEnv(
        config=_without(*_COMPARED),
        variables=dict.fromkeys(sorted(NAMES), _T.DYN),
        functions=_functions() + _comparisons(("dyn", "dyn")),
    )


def _without(*functions: str) -> Any:
    """The library's own functions but these."""
    return cel.NewEnvConfigFromYaml(
        "stdlib:\n  exclude_functions:\n" + "".join(f"    - name: {each}\n" for each in functions)
    )


# ------------------------------------------------------------------------------------------------ compiling


@lru_cache(maxsize=8192)
def compile_expression(text: str, wants: Wants, names: frozenset[str]) -> Compiled | tuple[Mistake, ...]:
    """The expression, or what is wrong with it; `names` are those offered where it stands. Offsets are characters."""
    if len(text) > MAX_TEXT:
        return (Mistake("cel-limit", f"an expression has at most {MAX_TEXT:,} characters", MAX_TEXT),)
    if not text.strip():
        return (Mistake("cel-syntax", "the expression is empty", 0),)
    if wants is Wants.TIME and _CLOCK.fullmatch(text.strip()):
        said = f"'{text.strip()}' is an hour of the day, and {wants} is asked for"
        return (
            Mistake("not-a-time", said, 0, f"\"at(now, '{text.strip():0>5}', shop.timezone)\" is today at that hour"),
        )
    if _deep(text):
        return (Mistake("cel-limit", "nested deeper than 32 levels", _deep(text)),)
    try:
        checked = _checking(names).compile(text)
    except Exception as error:  # the library's only way to say what is wrong
        return rewritten(str(error), text, names)
    tree = read_tree(checked.serialize())
    mistakes = _limits(tree) or _constants(tree, text) or _wrong_result(checked.return_type(), wants, text)
    if mistakes:
        return mistakes
    return Compiled(text, wants, tree, _wanted(tree), _running().compile(text))


_CLOCK = re.compile(r"\d\d?:\d\d")


def _deep(text: str) -> int:
    """Where brackets nest deeper than any expression needs; 0 when nowhere. Texts are passed over."""
    depth = 0
    for found in re.finditer(r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|[\[({]|[\])}]", text):
        if found[0] in "([{":
            depth += 1
        elif found[0] in ")]}":
            depth -= 1
        if depth > 32:
            return found.start()
    return 0


def _limits(tree: Tree) -> tuple[Mistake, ...]:
    return tuple(Mistake("cel-limit", each.text, each.offset) for each in excesses(tree)[:1])


def _wrong_result(kind: Any, wants: Wants, text: str) -> tuple[Mistake, ...]:
    name = kind.name()
    if wants is Wants.ANY or name in ("DYN", "BOOL" if wants is Wants.BOOL else "TIMESTAMP"):
        return ()
    code = "not-a-condition" if wants is Wants.BOOL else "not-a-time"
    return (Mistake(code, f"this is {result_words(name)}, and {wants} is asked for", 0),)


def result_words(name: str) -> str:
    """A result type of the library in words."""
    words = {
        "BOOL": "true or false",
        "INT": "a whole number",
        "DOUBLE": "a number",
        "STRING": "a text",
        "TIMESTAMP": "a moment in time",
        "DURATION": "a length of time",
    }
    return words.get(name, "a list" if name.startswith("LIST") else "a record")


_ZONED = re.compile(r"get[A-Z]\w+")


def _constants(tree: Tree, text: str) -> tuple[Mistake, ...]:
    """Constants that cannot be what they stand for."""
    found: list[Mistake] = []
    for each in walk(tree):
        if isinstance(each, Const) and each.value is None:
            found.append(
                Mistake("cel-constant", "there is no null; what is not known is absent: ask has(…)", each.offset)
            )
        elif isinstance(each, Const) and isinstance(each.value, bytes):
            found.append(Mistake("cel-constant", "there are no bytes; a text is written without the 'b'", each.offset))
        elif isinstance(each, Record):
            found.append(Mistake("cel-type", "records cannot be made in an expression", each.offset))
        elif isinstance(each, Call):
            found += _call_constants(each)
    return tuple(found)


def _call_constants(call: Call) -> list[Mistake]:
    constants = [each if isinstance(each, Const) and isinstance(each.value, str) else None for each in call.args]
    last = constants[-1] if constants else None
    wrong: list[tuple[Const | None, str | None]] = []
    if call.function in ("duration", "timestamp") and last is not None:
        wrong.append((last, _converted(call.function, last.value)))
    elif call.function == "matches" and last is not None:
        wrong.append((last, _pattern(last.value)))
    elif call.function in ("at", "weekday") or (_ZONED.fullmatch(call.function) and len(constants) > 1):
        wrong.append((last, _zone(last.value) if last else None))
        if call.function == "at" and constants[1] is not None:
            wrong.append((constants[1], bad_clock(constants[1].value)))
    elif call.function in ("working_days", "working_hours") and last is not None:
        wrong.append((last, bad_calendar(last.value)))
    return [Mistake("cel-constant", said, at.offset) for at, said in wrong if at is not None and said]


def _converted(function: str, text: str) -> str | None:
    if _evaluates(f"{function}({_literal(text)})"):
        return None
    if function == "timestamp":
        return f"'{text[:40]}' is not a moment such as 2026-03-01T09:00:00Z"
    whole = re.fullmatch(r"(\d+)d", text)
    meant = f"write days({whole[1]})" if whole else "write it like 90m or 1h30m"
    return f"'{text[:40]}' is no duration CEL knows; {meant}"


def _pattern(text: str) -> str | None:
    return None if _evaluates(f"''.matches({_literal(text)})") else f"'{text[:40]}' is not a pattern that can be read"


def _zone(text: str) -> str | None:
    if text in available_timezones() or re.fullmatch(r"[+-]\d\d:\d\d", text):
        return None
    return f"there is no time zone '{text[:40]}'"


def _literal(text: str) -> str:
    return '"' + "".join(f"\\U{ord(each):08x}" for each in text) + '"'


def _evaluates(text: str) -> bool:
    try:
        return bool(_running().compile(text).eval().type().name() not in ("ERROR", "UNKNOWN"))
    except Exception:  # it did not, whatever the reason
        return False
