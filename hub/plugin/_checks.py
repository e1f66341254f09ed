"""Whether what a plugin brings is what the door takes; every complaint says what is missing."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pluggy

from hub.model import EventAbout
from hub.status import Meaning, check_plugin_table

from ._adapters import Adapter, AddressKind, Carrier, Channel, Form, Platform, Settings
from ._hooks import LATER
from ._targets import Target

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_EVENT = re.compile(r"[a-z][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Offer:
    """All that one plugin brings."""

    adapters: Sequence[type[Adapter[Any]]]
    filters: Mapping[str, Callable[..., Any]]
    commands: Sequence[Any]


def offer(implementations: Mapping[str, pluggy.HookImpl]) -> Offer:
    """Ask a plugin's hooks and check what they say; TypeError for what cannot be taken."""
    if not implementations:
        raise TypeError("it implements no hook of the door: mark its functions with @hookimpl")
    for name, each in implementations.items():
        if each.hookwrapper or each.wrapper:
            raise TypeError(f"hook {name} is a wrapper; the door takes plain ones")

    def ask(hook: str, kind: type, empty: Any) -> Any:
        said = implementations[hook].function() if hook in implementations else empty
        if not isinstance(said, kind) or isinstance(said, str | bytes):
            raise TypeError(f"hook {hook} returns {type(said).__name__} where a {kind.__name__.lower()} is due")
        return said

    made = Offer(
        ask("adapters", Sequence, ()),
        ask("template_filters", Mapping, {}),
        ask("commands", Sequence, ()),
    )
    for adapter in made.adapters:
        check_adapter(adapter)
    for name, change in made.filters.items():
        if not (isinstance(name, str) and _NAME.fullmatch(name) and callable(change)):
            raise TypeError(f"template filter {name!r} needs a name like 'money' and a function")
    for each in made.commands:
        if not isinstance(getattr(each, "name", None), str):
            raise TypeError(f"{type(each).__name__} is no command: it has no name")
    return made


def refuse_later(hooks: Iterable[str]) -> None:
    """TypeError for a hook that only a later version has."""
    for name in sorted(LATER.intersection(hooks)):
        raise TypeError(f"hook {name} is not supported in this version")


_ATTRIBUTES: Mapping[type, Mapping[str, type]] = {
    Adapter: {"label": str, "events": Mapping},
    Platform: {"statuses": Mapping},
    Carrier: {"statuses": Mapping, "batch": int},
    Channel: {"form": Form, "address_kind": AddressKind, "rings": bool},
}
"""Which class attributes each kind must state, and their types."""


def check_adapter(adapter: Any) -> None:
    """TypeError unless this is an adapter class with all that its kind must state."""
    if not (isinstance(adapter, type) and issubclass(adapter, Platform | Carrier | Channel | Target)):
        who = getattr(adapter, "__name__", adapter)
        raise TypeError(f"{who!r} is neither a Platform, a Carrier, a Channel nor a Target")
    who = f"adapter {adapter.__name__}"
    name = getattr(adapter, "name", None)
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise TypeError(f"{who} needs a name of small letters, digits and '_', not {name!r}")
    settings = getattr(adapter, "settings_type", None)
    if not (isinstance(settings, type) and issubclass(settings, Settings)):
        raise TypeError(f"{who} needs a settings_type derived from Settings")
    for base, wanted in _ATTRIBUTES.items():
        for attribute, kind in wanted.items() if issubclass(adapter, base) else ():
            if not isinstance(getattr(adapter, attribute, None), kind):
                raise TypeError(f"{who} needs {attribute}, a {kind.__name__}")
    for event, about in adapter.events.items():
        if not (isinstance(event, str) and _EVENT.fullmatch(event) and isinstance(about, EventAbout)):
            raise TypeError(f"{who}: events are name → EventAbout, with names of a-z, digits and '-', not {event!r}")
    for vocabulary, rows in getattr(adapter, "statuses", {}).items():
        _check_rows(f"{who}, vocabulary {vocabulary!r}", rows)


def _check_rows(whose: str, rows: Any) -> None:
    if not isinstance(rows, Mapping) or not all(isinstance(each, Meaning) for each in rows.values()):
        raise TypeError(f"{whose} needs rows: code and Meaning")
    try:
        check_plugin_table(rows)
    except ValueError as error:
        raise TypeError(f"{whose}: {error}") from None
