"""What a pydantic annotation lets a person write, and the words for it."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

from .problems import listed, quoted
from .scalars import Kind
from .yaml import ListNode, MapNode, Node, Scalar


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


def is_list(option: Any) -> bool:
    return (get_origin(option) or option) in (list, tuple, set, frozenset, Sequence)


def is_map(option: Any) -> bool:
    return (get_origin(option) or option) in (dict, Mapping) or is_model(option)


def is_model(option: Any) -> bool:
    return isinstance(option, type) and issubclass(option, BaseModel)


def is_any(option: Any) -> bool:
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
    if is_list(option):
        return "a list"
    if is_map(option):
        return "settings" if is_model(option) else "a map"
    if option is Placed:
        return "text"
    return _WORDS.get(option, "text")


def found(node: Node) -> str:
    """What stands there, in words."""
    if isinstance(node, ListNode):
        return "a list"
    if isinstance(node, MapNode):
        return "settings"
    return "nothing" if node.empty else quoted(node.text)
