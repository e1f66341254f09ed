"""Reads a node as a pydantic model: scalars are typed by the key they stand under, mistakes are told in our own words.

The same reader serves the hub's sections, the steps of flows and the plugins' settings, so one declaration of a model
gives parsing, checking, documentation and the editor's schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from itertools import takewhile
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from .kinds import (
    Kept,
    Placed,
    annotation_of,
    expected,
    found,
    is_any,
    is_list,
    is_map,
    is_model,
    is_secret,
    keys_of,
    options,
)
from .problems import MAX_PROBLEMS, Level, Place, Problem, did_you_mean, instead, listed, nearest, quoted
from .scalars import Kind, MistakeError, read_bool, read_int, read_number, read_span, untyped
from .secrets import Secrets, is_reference, reference_at
from .yaml import ListNode, MapNode, Node, Scalar, from_plain, scalars_in, stuck_word, stuck_words


class Shape(BaseModel):
    """Base of the hub's own sections and steps. `later` names the words that this version refuses by name."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, populate_by_name=True)
    later: ClassVar[frozenset[str]] = frozenset()
    names: ClassVar[str] = ""


class TooManyError(Exception):
    """There are so many mistakes that reading on would only cost time."""


@dataclass(slots=True)
class Reading:
    """What is collected while a configuration is read. `secrets` None: references are refused here."""

    problems: list[Problem] = field(default_factory=list)
    secrets: Secrets | None = None

    def report(self, where: Node | Place, code: str, text: str, hint: str = "") -> None:
        place = where if isinstance(where, Place) else where.place
        self.add(Problem(place, code, text, hint))

    def add(self, problem: Problem) -> None:
        """Keep a problem; raises TooManyError when there are so many mistakes that it is no use to go on."""
        self.problems.append(problem)
        if problem.severity is Level.ERROR and len(self.problems) >= MAX_PROBLEMS:
            raise TooManyError

    def with_secrets(self, secrets: Secrets) -> Reading:
        """The same, where references may stand."""
        return Reading(self.problems, secrets)


BAD: Any = object()
"""Stands for a value whose mistake has been reported."""

M = TypeVar("M", bound=BaseModel)


# ------------------------------------------------------------------------------------------------ reading


def read_settings(
    node: Node | None,
    model: type[M],
    reading: Reading,
    what: str,
    *,
    place: Place | None = None,
    skip: frozenset[str] = frozenset(),
    also: tuple[str, ...] = (),
) -> M | None:
    """`node` as a `model`, or None after reporting what is wrong. `what` is how a sentence names it: "'notify'".

    `skip` are keys that somebody else reads, `also` keys that exist beside the model's. `place` is where a missing
    setting is reported (default: the map).
    """
    if not isinstance(node, MapNode):
        stuck = stuck_word(node.text) if isinstance(node, Scalar) and not node.style else ""
        if node is not None and stuck in keys_of(model):
            reading.report(node, "yaml-syntax", stuck_words(stuck))
        elif node is not None:
            reading.report(
                node, "bad-value", f"{what} takes settings, as in {{{_example(model)}: …}}, not {found(node)}"
            )
        return None
    raw = _raw(node, model, reading, what, skip, also)
    try:
        value = model.model_validate(raw.values)
    except ValidationError as error:
        told = _Told(node, model, reading, what, raw, place or node.place)
        errors = error.errors(include_url=False, include_context=True)
        for each in _telling(errors):
            told.tell(each)
        return None
    except Exception as error:  # a plugin's own validator may do anything; after a mistake of ours it is no wonder
        if raw.sound:
            reading.report(
                node, "broken-plugin", f"the settings of {what} could not be checked ({type(error).__name__})"
            )
        return None
    return value if raw.sound else None


def _telling(errors: list[ErrorDetails]) -> Iterable[ErrorDetails]:
    """One complaint per setting, in their order. The alternatives of a type complain one by one; what counts is what is
    said by one of the kind that was written, and not that it is of no other kind."""
    firsts: dict[tuple[int | str, ...], ErrorDetails] = {}
    for each in errors:
        said = firsts.setdefault(each["loc"][:1], each)
        if said["type"].endswith("_type") and not each["type"].endswith("_type"):
            firsts[each["loc"][:1]] = each
    return firsts.values()


def complaint(model: type[BaseModel], key: str, text: str) -> str:
    """What is wrong with one setting's text, as a sentence, or nothing; what needs other settings is not looked at."""
    reading = Reading()
    read_settings(from_plain({key: text}, Place("")), model, reading, "it")
    found = (each for each in reading.problems if each.text.startswith(f"'{key}'"))
    return next((f"{each.text}: {each.hint}".removesuffix(": ") for each in found), "")


def _example(model: type[BaseModel]) -> str:
    keys = keys_of(model)
    return next((key for key, info in keys.items() if info.is_required()), next(iter(keys), "name"))


@dataclass(slots=True)
class _Raw:
    """What stands in a map: the values to hand to the model, keys with a mistake, and words that are no key."""

    values: dict[str, Any] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)
    misspelt: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.bad and not self.misspelt


def _raw(
    node: MapNode, model: type[BaseModel], reading: Reading, what: str, skip: frozenset[str], also: tuple[str, ...]
) -> _Raw:
    keys, raw = keys_of(model), _Raw()
    later: frozenset[str] = getattr(model, "later", frozenset())
    pieces = _pieces(node, reading, keys)
    for key, value in node:
        if key.text in pieces:
            raw.bad.add(key.text)
        if key.text in skip or key.text in pieces:
            continue
        info = keys.get(key.text)
        if info is not None:
            plain = read_value(value, annotation_of(info), reading, f"'{key.text}'")
            if plain is BAD:
                raw.bad.add(key.text)
            else:
                raw.values[key.text] = plain
        elif key.text in later:
            raw.bad.add(key.text)
            not_yet(reading, key, f"'{key.text}'")
        else:
            raw.misspelt.append(key.text)
            unknown_setting(reading, key, (*also, *keys), what)
    return raw


def _pieces(node: MapNode, reading: Reading, keys: Mapping[str, FieldInfo] = MappingProxyType({})) -> frozenset[str]:
    """Keys that are pieces of a value with commas in it: inside `{…}` such a value must be quoted. Reported."""
    entries = list(node)
    start = next((n for n, (_, value) in enumerate(entries) if is_open(value) or _goes_on(entries[n:], keys)), None)
    rest = entries[start + 1 :] if start is not None else []
    pieces = list(takewhile(lambda entry: isinstance(entry[1], Scalar) and entry[1].empty, rest))
    if start is None or not pieces:
        return frozenset()
    first = entries[start]
    reading.report(first[1], "yaml-quote", "this value goes on behind a comma and must be quoted as a whole", "'…'")
    return frozenset(key.text for key, _ in (first, *pieces))


def _goes_on(entries: list[tuple[Scalar, Node]], keys: Mapping[str, FieldInfo]) -> bool:
    """Whether a sentence goes on behind its comma: text without quotes, and behind it on the same line what is no
    setting, looks like none, and has no value."""
    if len(entries) < 2:
        return False
    (key, value), (piece, nothing) = entries[:2]
    info = keys.get(key.text)
    if info is None or not isinstance(value, Scalar) or value.style or value.empty:
        return False
    free = any(each is Placed or each is str for each in options(annotation_of(info)))
    empty = isinstance(nothing, Scalar) and nothing.empty and piece.place.line == value.place.line
    return free and empty and nearest(piece.text, keys) is None


def is_open(value: Node) -> bool:
    """Whether a value without quotes opens a bracket and does not close it."""
    return isinstance(value, Scalar) and not value.style and value.text.count("(") > value.text.count(")")


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
    if isinstance(node, Scalar) and node.told:
        return BAD
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
        if type(None) in choices or any(map(is_any, choices)):
            return None
        if not any(is_list(each) or is_map(each) for each in choices):
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
    if special is None and len(mistakes) > 1:
        reading.report(node, "bad-value", f"{what} is {expected(annotation)}, not {quoted(node.text)}")
        return BAD
    chosen = special or only
    text = chosen.text if chosen.code != "bad-value" or not chosen.text.startswith("'") else f"{what}: {chosen.text}"
    reading.report(_from(node, chosen.offset), chosen.code, text)
    return BAD


def _from(node: Scalar, offset: int) -> Place:
    """The value as a whole, or a character inside it."""
    return node.at(offset) if offset else node.place


def _resolved(node: Scalar, annotation: Any, reading: Reading) -> str | None:
    """The text with a reference replaced by the secret; None after a complaint."""
    if reading.secrets is None:
        return None if refused_reference(node, reading) else node.text
    try:
        resolved = reading.secrets.resolve(node.text)
    except MistakeError as mistake:
        reading.report(_from(node, mistake.offset), mistake.code, mistake.text)
        return None
    if is_secret(annotation) and not is_reference(node.text) and node.text:
        reading.secrets.literal(node)
        text = "a secret stands in the file; write a reference such as ${NAME}, and the value into .env"
        reading.report(node, "secret-literal", text)
    return resolved


def refused_reference(node: Scalar, reading: Reading) -> bool:
    """Whether a reference to a secret, or a piece of one, stands where none may; it is reported."""
    at = reference_at(node.text)
    if at is None:
        return False
    where = "secrets are referred to in `connections` and `people` only"
    reading.report(_from(node, at), "secret-place", f"{quoted(node.text)} stands here; {where}")
    return True


def refuse_references(tree: Node, reading: Reading) -> None:
    """Report the references in keys and values that nobody has read as settings."""
    told = {each.place for each in reading.problems if each.code == "secret-place"}
    quiet = Reading()
    for each in scalars_in(tree):
        refused_reference(each, quiet)
    for problem in quiet.problems:
        if problem.place not in told:
            reading.add(problem)


def _reader(choice: Any, node: Scalar) -> Callable[[str], Any] | None:
    """How a scalar is read under one alternative; None: a scalar cannot be this."""
    if isinstance(choice, Kind):
        return choice.read
    if choice is type(None) or choice is None or is_list(choice) or is_map(choice):
        return None
    if get_origin(choice) is Literal:
        return _one_of([str(each) for each in get_args(choice)])
    if isinstance(choice, type) and issubclass(choice, Enum):
        return _one_of([str(each.value) for each in choice])
    if is_any(choice):
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
            raise MistakeError("bad-value", f"{quoted(text)} is not possible{instead(text, words)}")
        return text

    return read


def _list(node: ListNode, annotation: Any, choices: tuple[Any, ...], reading: Reading, what: str) -> Any:
    if any(map(is_any, choices)):
        return _each(node, Any, reading, what)
    choice = next((each for each in choices if is_list(each)), None)
    if choice is None:
        return _wrong(node, annotation, reading, what)
    inner = next(iter(get_args(choice)), Any)
    return _each(node, inner, reading, what)


def _each(node: ListNode, annotation: Any, reading: Reading, what: str) -> Any:
    items = [read_value(each, annotation, reading, f"an item of {what}") for each in node.items]
    return BAD if any(each is BAD for each in items) else items


def _map(node: MapNode, annotation: Any, choices: tuple[Any, ...], reading: Reading, what: str) -> Any:
    model = next((each for each in choices if is_model(each)), None)
    if model is not None:
        value = read_settings(node, model, reading, what)
        return BAD if value is None else value
    if any(map(is_any, choices)):
        return _values(node, Any, reading)
    choice = next((each for each in choices if is_map(each)), None)
    if choice is None:
        return _wrong(node, annotation, reading, what)
    inner = get_args(choice)[1] if len(get_args(choice)) == 2 else Any
    return _values(node, inner, reading)


def _values(node: MapNode, annotation: Any, reading: Reading) -> Any:
    pieces = _pieces(node, reading)
    whole = [(key.text, value) for key, value in node if key.text not in pieces]
    values = {key: read_value(value, annotation, reading, f"'{key}'") for key, value in whole}
    return BAD if pieces or any(each is BAD for each in values.values()) else values


# ------------------------------------------------------------------------------------------------ pydantic's complaints


@dataclass(frozen=True, slots=True)
class _Told:
    """Tells what pydantic found, in our words and at the place it concerns."""

    node: MapNode
    model: type[BaseModel]
    reading: Reading
    what: str
    raw: _Raw
    place: Place

    def tell(self, error: ErrorDetails) -> None:
        location = error["loc"]
        key = str(location[0]) if location else ""
        if key in self.raw.bad or not (location or self.raw.sound):
            return  # it follows from a mistake that has been told
        if error["type"] == "missing":
            self._missing(key)
            return
        info = keys_of(self.model).get(key)
        annotation = annotation_of(info) if info is not None and len(location) == 1 else Any
        subject = f"'{key}'" if key else self.what
        text = f"{subject} {_complaint(error, annotation)}"
        about = info.description or "" if info is not None and error["type"] == "string_pattern_mismatch" else ""
        self.reading.report(_at(self.node, location), "bad-value", self._masked(text), about)

    def _missing(self, key: str) -> None:
        if not self.node.merged and not any(nearest(each, [key]) for each in self.raw.misspelt):
            self.reading.report(self.place, "missing-setting", f"{self.what} needs '{key}'")

    def _masked(self, text: str) -> str:
        return self.reading.secrets.masked(text) if self.reading.secrets else text


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
