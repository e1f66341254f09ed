"""A JSON Schema of flows.yaml, so that editors complete and check while one types: the same shapes as the loader's."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hub.config.kinds import Kept, Placed, annotation_of, is_any, is_list, is_map, is_model, key_of, options
from hub.config.scalars import NAME
from hub.config.sections import (
    TOP,
    ConnectionShape,
    ContactShape,
    HubShape,
    ListShape,
    MeaningShape,
    PersonShape,
    RungShape,
    ShopShape,
    SurveyShape,
)

from .builtin import STEPS
from .cases import CaseShape, ThenShape, WhenShape
from .compile import ONCE, FlowShape, OnceShape
from .model import IfFails
from .read_policies import FORMS
from .types import WORDS
from .words import MAPS

Schema = dict[str, Any]
TEXT: Schema = {"type": ["string", "number", "boolean"]}
"""What is a text to the hub may look like a number to an editor."""


def json_schema() -> Schema:
    """The schema, as plain data."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "flows.yaml of orderhub",
        "type": "object",
        "additionalProperties": False,
        "properties": {key: {**_top(key), "description": means} for key, means in TOP.items()},
        "$defs": {
            "triggers": _one_or_many({"anyOf": [{"enum": list(WORDS)}, *(_model(shape) for shape in MAPS.values())]}),
            "steps": {"type": "array", "minItems": 1, "items": {"oneOf": [_step(name) for name in STEPS]}},
        },
    }


_NAMED: Mapping[str, type[BaseModel]] = {
    "shops": ShopShape,
    "staff": RungShape,
    "steps": ListShape,
    "surveys": SurveyShape,
    "flows": FlowShape,
}
_OPEN: Mapping[str, type[BaseModel]] = {"connections": ConnectionShape, "people": PersonShape}
_SINGLE: Mapping[str, type[BaseModel]] = {"hub": HubShape, "shop": ShopShape, "contact": ContactShape}


def _top(key: str) -> Schema:
    if key in _SINGLE:
        return _model(_SINGLE[key])
    if key in _NAMED:
        return _by_name(_model(_NAMED[key]))
    if key in _OPEN:  # beside these keys stand the plugin's, or the connections'
        return _by_name({**_model(_OPEN[key]), "additionalProperties": True})
    if key == "policies":
        return _by_name({"oneOf": [_model(shape) for shape in FORMS.values()]})
    if key == "statuses":
        return {"type": "object", "additionalProperties": _map_of({"anyOf": [TEXT, _model(MeaningShape)]})}
    if key == "tests":
        return {"type": "array", "items": _model(CaseShape)}
    return {"const": 1} if key == "version" else _one_or_many(TEXT)


def _by_name(schema: Schema) -> Schema:
    return {"type": "object", "propertyNames": {"pattern": f"^{NAME.pattern}$"}, "additionalProperties": schema}


def _map_of(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def _one_or_many(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "array", "items": schema}]}


def _model(model: type[BaseModel]) -> Schema:
    fields = {key_of(name, info): info for name, info in model.model_fields.items()}
    required = [key for key, info in fields.items() if info.is_required() or "required" in (info.title or "")]
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {key: _field(key, info) for key, info in fields.items()},
        **({"required": required} if required else {}),
    }


def _field(key: str, info: FieldInfo) -> Schema:
    found = [_option(key, each) for each in options(annotation_of(info)) if each is not type(None)]
    schema = found[0] if len(found) == 1 else {"anyOf": found}
    return {**schema, "description": info.description or ""}


def _option(key: str, option: Any) -> Schema:
    if option is Kept:
        return _kept(key)
    if get_origin(option) is Literal:
        return {"enum": list(get_args(option))}
    if isinstance(option, type) and issubclass(option, Enum):
        return {"enum": [each.value for each in option]}
    if is_model(option):
        return _model(option)
    if is_list(option):
        inner = next(iter(get_args(option)), Any)
        return {"type": "array", "items": _either(key, inner)}
    if is_map(option):
        return _map_of(_either(key, get_args(option)[1]))
    return _scalar(option)


def _either(key: str, annotation: Any) -> Schema:
    found = [_option(key, each) for each in options(annotation) if each is not type(None)]
    return found[0] if len(found) == 1 else {"anyOf": found}


def _scalar(option: Any) -> Schema:
    if is_any(option):
        return {}
    if option is bool:
        return {"type": "boolean"}
    if option is int:
        return {"type": "integer"}
    if option in (float, Decimal):
        return {"type": "number"}
    return {"type": "string"} if option in (timedelta, Placed) else TEXT


def _kept(key: str) -> Schema:
    if key == "when":
        return {"type": "array", "minItems": 1, "items": _model(WhenShape)}
    if key == "then":
        return {"anyOf": [{"const": "nothing"}, {"type": "array", "items": _model(ThenShape)}]}
    if key == "after":
        return {"enum": list(WORDS)}
    if key in ("steps", "else"):
        return {"$ref": "#/$defs/steps"}
    if key == "once":
        return {"anyOf": [{"enum": ["occurrence", *ONCE]}, _model(OnceShape)]}
    if key == "if_fails":
        return {"anyOf": [{"enum": list(IfFails)}, {"$ref": "#/$defs/steps"}]}
    if key == "with":  # of a `do`: what its list takes
        return {}
    return {"$ref": "#/$defs/triggers"}


def _step(name: str) -> Schema:
    kind = STEPS[name]
    settings = _model(kind.settings)
    if name == "wait":
        settings = {"anyOf": [{"type": "string"}, settings]}
    elif name == "choose":
        settings = {"type": "array", "minItems": 1, "items": settings}
    elif name == "stop":
        settings = {"type": ["string", "null"]}
    return {
        "type": "object",
        "description": kind.summary,
        "required": [name],
        "additionalProperties": False,
        "properties": {name: settings},
    }
