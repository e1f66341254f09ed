"""A page for each adapter: settings, limits, what it can, and its table native → meaning."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hub.config.kinds import annotation_of, expected, key_of
from hub.plugin import Adapter, Carrier, Channel, Meaning, Platform
from hub.plugin.registry import Registry
from hub.status import full_name

from . import tables


def pages(registry: Registry) -> dict[str, str]:
    """Name of the adapter → its page; only what this distribution brings."""
    return {
        name: _page(kind, entry.adapter)
        for (kind, name), entry in sorted(registry.adapters.items())
        if entry.distribution == "orderhub"
    }


def _page(kind: str, adapter: type[Adapter[Any]]) -> str:
    use = f"`{{{kind}: {adapter.name}, …}}` under `connections`."
    return tables.page(
        f"{adapter.label} ({kind})",
        use,
        "## Settings\n\n" + "\n\n".join(_settings(adapter.settings_type, "")),
        "## Behaviour\n\n" + tables.table(("", ""), _behaviour(adapter)),
        *_statuses(adapter),
    )


def _settings(model: type[BaseModel], inside: str) -> Iterator[str]:
    rows = []
    nested: list[tuple[str, type[BaseModel]]] = []
    for name, info in model.model_fields.items():
        key = f"{inside}{key_of(name, info)}"
        rows.append((f"`{key}`", expected(annotation_of(info)), _default(info), info.description or ""))
        nested += [(f"{key}.", each) for each in _models(info.annotation)]
    yield tables.table(("setting", "value", "default", "meaning"), rows)
    for prefix, each in nested:
        yield from _settings(each, prefix)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in getattr(annotation, "__args__", ()):
        yield from _models(each)


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True, validated_data={})
    if value is None or value == "" or (isinstance(value, tuple | Mapping) and not value):
        return ""
    if isinstance(value, BaseModel):
        return ""
    return f"`{_written(value)}`"


def _written(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case timedelta():
            return _length(value)
        case tuple() | list() | frozenset():
            return "[" + ", ".join(_written(each) for each in value) + "]"
        case Mapping():
            return "{" + ", ".join(f"{key}: {_written(each)}" for key, each in value.items()) + "}"
    return str(value)


def _length(value: timedelta) -> str:
    """As it is written in flows.yaml: `1d12h`."""
    seconds = round(value.total_seconds())
    parts = ((seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"


def _behaviour(adapter: type[Adapter[Any]]) -> Iterator[tuple[str, str]]:
    limits = adapter.limits
    rate = f", {limits.per_second:g} a second" if limits.per_second is not None else ""
    yield "at once", f"{limits.concurrency} calls{rate}, each at most {_length(limits.timeout)}"
    if adapter.verify is not Adapter.verify:
        yield (
            "webhooks",
            "verified" if adapter.signed else "declared unsigned: a hint to look, on a path nobody can guess",
        )
    if issubclass(adapter, Platform):
        yield "polled", f"every {_length(adapter.poll_every)}; each minute where no webhook can come"
    if issubclass(adapter, Carrier):
        yield "numbers in one request", str(adapter.batch)
        for status, often in adapter.intervals.items():
            yield f"asked while {status or 'nothing is known'}", f"every {_length(often)}"
    if issubclass(adapter, Channel):
        yield from _channel(adapter)


def _channel(adapter: type[Channel[Any]]) -> Iterator[tuple[str, str]]:
    yield "form of texts", f"`{adapter.form}`"
    yield "reaches a person by", str(adapter.address_kind)
    yield "rings at night", _yes(adapter.rings)
    yield "says what was delivered", _yes(adapter.receipts)
    yield "recognises a repeat by its key", _yes(adapter.honours_keys)
    if adapter.max_length is not None:
        yield "longest text", f"{adapter.max_length:,} characters"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _statuses(adapter: type[Adapter[Any]]) -> Iterator[str]:
    for vocabulary, rows in sorted(getattr(adapter, "statuses", {}).items()):
        lines = ((f"`{code}`", *_meaning(each)) for code, each in rows.items())
        yield f"## Codes: {vocabulary}\n\n" + tables.table(("code", "its own label", "means", "note"), lines)


def _meaning(meaning: Meaning) -> tuple[str, str, str]:
    said = f"`{full_name(meaning.status)}`" if meaning.status else "known, moves nothing"
    reason = f", reason `{meaning.reason}`" if meaning.reason else ""
    final = "" if meaning.final is None else ", final" if meaning.final else ", not final"
    return meaning.label, f"{said}{reason}{final}", meaning.note
