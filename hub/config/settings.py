"""Reads a node as a pydantic model: scalars are typed by the key they stand under, mistakes are told in our own words.

The same reader serves the hub's sections, the steps of flows and the plugins' settings, so one declaration of a model
gives parsing, checking, documentation and the editor's schema.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from .problems import Place, Problem, did_you_mean, listed, nearest, quoted
from .scalars import Kind, MistakeError, read_bool, read_int, read_number, read_span, untyped
from .secrets import Secrets, is_reference
from .yaml import ListNode, MapNode, Node, Scalar


class Shape(BaseModel):
    """Base of the hub's own sections and steps. `later` names the words that this version refuses by name."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, populate_by_name=True)
    later: ClassVar[frozenset[str]] = frozenset()
    names: ClassVar[str] = ""


@dataclass(slots=True)
class Reading:
    """What is collected while a configuration is read. `secrets` None: references are refused here."""

    problems: list[Problem] = field(default_factory=list)
    secrets: Secrets | None = None

    def report(self, where: Node | Place, code: str, text: str, hint: str = "") -> None:
        place = where if isinstance(where, Place) else where.place
        self.problems.append(Problem(place, code, text, hint))

    def with_secrets(self, secrets: Secrets) -> Reading:
        """The same, where references may stand."""
        return Reading(self.problems, secrets)


BAD: Any = object()
"""Stands for a value whose mistake has been reported."""

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Kept:
    """A part that somebody else reads, whatever it is."""

    node: Node


@dataclass(frozen=True, slots=True)
class Placed:
    """A scalar that is read later (an expression, a text): the value keeps the node it came from."""

    node: Scalar

    @property
    def text(self) -> str:
        return self.node.text


# ------------------------------------------------------------------------------------------------ what a type expects


def options(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of an annotation; `Annotated` with a `Kind` gives the kind."""
    origin = get_origin(annotation)
    if origin is Annotated:
        kind = next((each for each in annotation.__metadata__ if isinstance(each, Kind)), None)
        return (kind,) if kind is not None else options(annotation.__origin__)
    if origin in (Union, types.UnionType):
        return tuple(each for member in get_args(annotation) for each in options(member))
    return (annotation,)


def annotation_of(info: FieldInfo) -> Any:
    """A field's annotation with the metadata that pydantic took apart."""
    return Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation


def key_of(name: str, info: FieldInfo) -> str:
    return info.alias or name


def keys_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """What can be written → the field."""
    return {key_of(name, info): info for name, info in model.model_fields.items()}


def _is_list(option: Any) -> bool:
    return (get_origin(option) or option) in (list, tuple, set, frozenset, Sequence)


def _is_map(option: Any) -> bool:
    return (get_origin(option) or option) in (dict, Mapping) or _is_model(option)


def _is_model(option: Any) -> bool:
    return isinstance(option, type) and issubclass(option, BaseModel)


def _is_any(option: Any) -> bool:
    return option is Any or option is object


def is_secret(annotation: Any) -> bool:
    return any(isinstance(each, type) and issubclass(each, SecretStr | SecretBytes) for each in options(annotation))


_WORDS: Mapping[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    Decimal: "a number",
    bool: "true or false",
    timedelta: "a length of time such as 3d",
    Path: "a path",
    SecretStr: "a secret such as ${NAME}",
    SecretBytes: "a secret such as ${NAME}",
}


def expected(annotation: Any) -> str:
    """What may be written, in words: `text or a list`."""
    words = dict.fromkeys(word for each in options(annotation) if (word := _expected_one(each)))
    return " or ".join(words) or "a value"


def _expected_one(option: Any) -> str:
    if option is None or option is type(None):
        return ""
    if isinstance(option, Kind):
        return option.words
    if get_origin(option) is Literal:
        return "one of " + listed(map(str, get_args(option))) if len(get_args(option)) > 1 else str(get_args(option)[0])
    if isinstance(option, type) and issubclass(option, Enum):
        return "one of " + listed(str(each.value) for each in option)
    if _is_list(option):
        return "a list"
    if _is_map(option):
        return "settings"
    if option is Placed:
        return "text"
    return _WORDS.get(option, "text")


def found(node: Node) -> str:
    """What stands there, in words."""
    if isinstance(node, ListNode):
        return "a list"
    return "settings" if isinstance(node, MapNode) else quoted(node.text)


# ------------------------------------------------------------------------------------------------ reading


def read_settings(
    node: Node | None,
    model: type[M],
    reading: Reading,
    what: str,
    *,
    place: Place | None = None,
    skip: frozenset[str] = frozenset(),
) -> M | None:
    """`node` as a `model`, or None after reporting what is wrong. `what` is how a sentence names it: "'notify'".

    `skip` are keys that somebody else reads. `place` is where a missing setting is reported (default: the map).
    """
    if not isinstance(node, MapNode):
        if node is not None:
            reading.report(
                node, "bad-value", f"{what} takes settings, as in {{{_example(model)}: …}}, not {found(node)}"
            )
        return None
    raw, misspelt, sound = _raw(node, model, reading, what, skip)
    try:
        value = model.model_validate(raw)
    except ValidationError as error:
        told = _Told(node, model, reading, what, misspelt, place or node.place)
        for each in error.errors(include_url=False, include_context=True):
            told.tell(each, raw)
        return None
    except Exception as error:  # a plugin's own validator may do anything
        reading.report(node, "broken-plugin", f"the settings of {what} could not be checked ({type(error).__name__})")
        return None
    return value if sound else None


def _example(model: type[BaseModel]) -> str:
    keys = keys_of(model)
    return next((key for key, info in keys.items() if info.is_required()), next(iter(keys), "name"))


def _raw(
    node: MapNode, model: type[BaseModel], reading: Reading, what: str, skip: frozenset[str]
) -> tuple[dict[str, Any], list[str], bool]:
    """The values to hand to the model; the misspelt keys; whether all was sound."""
    keys, raw, misspelt, sound = keys_of(model), dict[str, Any](), list[str](), True
    later: frozenset[str] = getattr(model, "later", frozenset())
    for key, value in node:
        if key.text in skip:
            continue
        info = keys.get(key.text)
        if info is None:
            sound = False
            if key.text in later:
                not_yet(reading, key, f"'{key.text}'")
            else:
                misspelt.append(key.text)
                unknown_setting(reading, key, keys, what)
            continue
        plain = read_value(value, annotation_of(info), reading, f"'{key.text}'")
        if plain is BAD:
            sound = False
            raw[key.text] = BAD
        else:
            raw[key.text] = plain
    return raw, misspelt, sound


def not_yet(reading: Reading, where: Node | Place, what: str) -> None:
    """Refuse a word of the language that this version does not have."""
    reading.report(where, "not-yet", f"{what} is not supported in this version")


def unknown_setting(reading: Reading, key: Scalar, keys: Iterable[str], what: str) -> None:
    known = list(keys)
    text = f"{what} has no setting {quoted(key.text)}{did_you_mean(key.text, known)}"
    reading.report(key, "unknown-setting", text, f"settings of {what}: {listed(known)}" if known else "")


def read_value(node: Node, annotation: Any, reading: Reading, what: str) -> Any:
    """The plain value that a node stands for under a type, or BAD. What it means beyond that is pydantic's."""
    choices = options(annotation)
    if Kept in choices:
        return Kept(node)
    if isinstance(node, Scalar):
        return _scalar(node, annotation, choices, reading, what)
    if isinstance(node, ListNode):
        return _list(node, annotation, choices, reading, what)
    return _map(node, annotation, choices, reading, what)


def _wrong(node: Node, annotation: Any, reading: Reading, what: str) -> Any:
    reading.report(node, "bad-value", f"{what} is {expected(annotation)}, not {found(node)}")
    return BAD


def _scalar(node: Scalar, annotation: Any, choices: tuple[Any, ...], reading: Reading, what: str) -> Any:
    if node.empty:
        if type(None) in choices or any(map(_is_any, choices)):
            return None
        if not any(_is_list(each) or _is_map(each) for each in choices):
            reading.report(node, "bad-value", f"{what} has no value; it is {expected(annotation)}")
            return BAD
    text = _resolved(node, annotation, reading)
    if text is None:
        return BAD
    if Placed in choices:
        return Placed(node)
    mistakes: list[MistakeError] = []
    for choice in choices:
        reader = _reader(choice, node)
        if reader is None:
            continue
        try:
            return reader(text)
        except MistakeError as mistake:
            mistakes.append(mistake)
    if not mistakes:
        return _wrong(node, annotation, reading, what)
    return _mistaken(node, annotation, mistakes, reading, what)


def _mistaken(node: Scalar, annotation: Any, mistakes: list[MistakeError], reading: Reading, what: str) -> Any:
    only = mistakes[0]
    special = next((each for each in mistakes if each.code == "not-yet"), None)
    if special is None and len([each for each in options(annotation) if each is not type(None)]) > 1:
        reading.report(node, "bad-value", f"{what} is {expected(annotation)}, not {quoted(node.text)}")
        return BAD
    chosen = special or only
    text = chosen.text if chosen.code != "bad-value" or not chosen.text.startswith("'") else f"{what}: {chosen.text}"
    reading.report(node.at(chosen.offset), chosen.code, text)
    return BAD


def _resolved(node: Scalar, annotation: Any, reading: Reading) -> str | None:
    """The text with a reference replaced by the secret; None after a complaint."""
    if reading.secrets is None:
        if is_reference(node.text):
            where = "secrets are referred to in `connections` and `people` only"
            reading.report(node, "secret-place", f"{quoted(node.text)} stands here; {where}")
            return None
        return node.text
    try:
        resolved = reading.secrets.resolve(node.text)
    except MistakeError as mistake:
        reading.report(node.at(mistake.offset), mistake.code, mistake.text)
        return None
    if is_secret(annotation) and not is_reference(node.text) and node.text:
        reading.secrets.literal(node)
        text = "a secret stands in the file; write a reference such as ${NAME}, and the value into .env"
        reading.report(node, "secret-literal", text)
    return resolved


def _reader(choice: Any, node: Scalar) -> Callable[[str], Any] | None:
    """How a scalar is read under one alternative; None: a scalar cannot be this."""
    if isinstance(choice, Kind):
        return choice.read
    if choice is type(None) or choice is None or _is_list(choice) or _is_map(choice):
        return None
    if get_origin(choice) is Literal:
        return _one_of([str(each) for each in get_args(choice)])
    if isinstance(choice, type) and issubclass(choice, Enum):
        return _one_of([str(each.value) for each in choice])
    if _is_any(choice):
        return untyped if not node.style else str
    return _SCALARS.get(choice, str)


_SCALARS: Mapping[Any, Callable[[str], Any]] = {
    bool: read_bool,
    int: read_int,
    float: read_number,
    Decimal: read_number,
    timedelta: read_span,
}


def _one_of(words: list[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            meant = did_you_mean(text, words) or f"; there are: {listed(words)}"
            raise MistakeError("bad-value", f"{quoted(text)} is not possible{meant}")
        return text

    return read


def _list(node: ListNode, annotation: Any, choices: tuple[Any, ...], reading: Reading, what: str) -> Any:
    if any(map(_is_any, choices)):
        return _each(node, Any, reading, what)
    choice = next((each for each in choices if _is_list(each)), None)
    if choice is None:
        return _wrong(node, annotation, reading, what)
    inner = next(iter(get_args(choice)), Any)
    return _each(node, inner, reading, what)


def _each(node: ListNode, annotation: Any, reading: Reading, what: str) -> Any:
    items = [read_value(each, annotation, reading, f"an item of {what}") for each in node.items]
    return BAD if any(each is BAD for each in items) else items


def _map(node: MapNode, annotation: Any, choices: tuple[Any, ...], reading: Reading, what: str) -> Any:
    model = next((each for each in choices if _is_model(each)), None)
    if model is not None:
        raw, _, sound = _raw(node, model, reading, what, frozenset())
        return raw if sound else BAD
    if any(map(_is_any, choices)):
        return _values(node, Any, reading)
    choice = next((each for each in choices if _is_map(each)), None)
    if choice is None:
        return _wrong(node, annotation, reading, what)
    inner = get_args(choice)[1] if len(get_args(choice)) == 2 else Any
    return _values(node, inner, reading)


def _values(node: MapNode, annotation: Any, reading: Reading) -> Any:
    values = {key.text: read_value(value, annotation, reading, f"'{key.text}'") for key, value in node}
    return BAD if any(each is BAD for each in values.values()) else values


# ------------------------------------------------------------------------------------------------ pydantic's complaints


@dataclass(frozen=True, slots=True)
class _Told:
    """Tells what pydantic found, in our words and at the place it concerns."""

    node: MapNode
    model: type[BaseModel]
    reading: Reading
    what: str
    misspelt: list[str]
    place: Place

    def tell(self, error: ErrorDetails, raw: dict[str, Any]) -> None:
        location = error["loc"]
        if location and raw.get(str(location[0])) is BAD:
            return
        if error["type"] == "missing":
            self._missing(location)
            return
        node = _at(self.node, location)
        name = next((str(each) for each in reversed(location) if isinstance(each, str)), "")
        subject = f"'{name}'" if name in {key.text for key, _ in _keys_in(self.node)} else self.what
        annotation = self._annotation(location)
        self.reading.report(node, "bad-value", self._masked(f"{subject} {_complaint(error, annotation)}"))

    def _missing(self, location: tuple[int | str, ...]) -> None:
        key = str(location[-1])
        if any(nearest(each, [key]) for each in self.misspelt):
            return
        where = _at(self.node, location[:-1])
        place = self.place if len(location) == 1 else where.place
        owner = self.what if len(location) == 1 else f"'{location[-2]}'"
        self.reading.report(place, "missing-setting", f"{owner} needs '{key}'")

    def _annotation(self, location: tuple[int | str, ...]) -> Any:
        info = keys_of(self.model).get(str(location[0])) if location else None
        return annotation_of(info) if info is not None and len(location) == 1 else Any

    def _masked(self, text: str) -> str:
        return self.reading.secrets.masked(text) if self.reading.secrets else text


def _keys_in(node: Node) -> Iterator[tuple[Scalar, Node]]:
    if isinstance(node, MapNode):
        for key, value in node:
            yield key, value
            yield from _keys_in(value)


def _at(node: Node, location: tuple[int | str, ...]) -> Node:
    """The node that pydantic's path leads to; steps that name a type and no key are passed over."""
    for step in location:
        if isinstance(node, MapNode) and (inner := node.get(str(step))) is not None:
            node = inner
        elif isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
    return node


_COMPLAINTS: Mapping[str, str] = {
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must hold at least {min_length}",
    "too_long": "must hold at most {max_length}",
    "string_pattern_mismatch": "does not have the right form",
    "url_parsing": "must be an address such as https://shop.example",
    "url_scheme": "must be an address such as https://shop.example",
    "url_type": "must be an address such as https://shop.example",
    "path_not_file": "must be a file that exists",
    "path_not_directory": "must be a folder that exists",
}


def _complaint(error: ErrorDetails, annotation: Any) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        raised = context.get("error")
        return f"is not right: {raised}" if raised is not None and str(raised) else "is not right"
    if kind in _COMPLAINTS:
        try:
            return _COMPLAINTS[kind].format(**context)
        except KeyError:
            return "is not right"
    words = expected(annotation)
    return f"must be {words}" if words != "a value" else "is not of the right kind"
