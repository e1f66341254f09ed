"""The order as the hub's own JSON: what a `call` without a `body` says. Its shape is the table of names that conditions
read (`hub.flows.types`), without what opens something for whoever holds it. `docs/targets.md` is written from here.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hub.flows.types import NAMES, RECORDS, Field

VERSION = 1
"""Grows when something is taken away or changes its meaning; what is added changes nothing."""
PARTS = (
    "shop", "event", "order", "payment", "customer", "shipments", "shipment", "question", "answer", "message",
    "escalation", "connection", "unmapped",
)  # fmt: skip
"""The names that stand in it, as far as they are there."""
KEPT_BACK = frozenset({("order", "url"), ("payment", "url"), ("shipment", "pickup_code")})
"""(record, field) of what opens an order, a payment or a locker. Who needs it names it in a `body`."""


def order_json(names: Mapping[str, Any], word: str, at: datetime) -> dict[str, Any]:
    """`type`, `timestamp` and `data`, as Standard Webhooks advises; `data` holds the version and the parts."""
    parts = {name: _value(names[name], NAMES[name]) for name in PARTS if name in names}
    return {"type": word, "timestamp": _time(at), "data": {"version": VERSION, **parts}}


def fields_of(record: str) -> list[Field]:
    """The fields of a record that stand in it."""
    return [each for each in RECORDS[record] if (record, each.name) not in KEPT_BACK]


def _value(value: Any, field: Field) -> Any:
    if not field.record:
        return as_json(value)
    if field.many:
        return [_record(each, field.record) for each in value]
    return _record(value, field.record)


def _record(value: Mapping[str, Any], record: str) -> dict[str, Any]:
    return {each.name: _value(value[each.name], each) for each in fields_of(record) if value.get(each.name) is not None}


def as_json(value: Any) -> Any:
    """A value of a flow as plain JSON: times as ISO 8601 in UTC, exact amounts as text, lengths in seconds."""
    match value:
        case datetime():
            return _time(value)
        case Decimal():
            return format(value, "f")
        case timedelta():
            return value.total_seconds()
        case Mapping():
            return {str(name): as_json(each) for name, each in value.items() if each is not None}
        case list() | tuple() | set() | frozenset():
            return [as_json(each) for each in value]
        case str():
            return str(value)  # a word of the status model is one too
        case None | bool() | int() | float():
            return value
    return str(value)


def _time(value: datetime) -> str:
    return value.isoformat(timespec="milliseconds" if value.microsecond else "seconds").replace("+00:00", "Z")
