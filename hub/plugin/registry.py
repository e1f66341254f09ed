"""Which plugins there are and what they bring.

Entry points of the group `orderhub` are loaded one by one, each registered as `distribution:name` with a manager that
belongs to the `Registry` object. A plugin that cannot be taken is recorded as `Broken` and harms nothing else. What two
plugins claim at once belongs to neither: asking for it names both.
"""

import importlib.metadata
import logging
import os
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import pluggy

from . import _hooks
from ._adapters import Adapter, Carrier, Channel, Platform
from ._checks import Offer, offer, refuse_later
from ._targets import Target

log = logging.getLogger(__name__)

GROUP = "orderhub"
_LOADERS = {Path(file).parent for file in (__file__, pluggy.__file__)}
_PYTHON = Path(os.__file__).parent
"""Whose frames are not a plugin's own: ours, pluggy's, Python's."""


class Kind(StrEnum):
    """The plugin kinds; each equals its word."""

    PLATFORM = "platform"
    CARRIER = "carrier"
    CHANNEL = "channel"
    TARGET = "target"

    @classmethod
    def of(cls, adapter: type[Adapter[Any]]) -> "Kind":
        """The kind of an adapter class."""
        return next(kind for kind, base in _BASES.items() if issubclass(adapter, base))


_BASES: Mapping[Kind, type[Adapter[Any]]] = {
    Kind.PLATFORM: Platform,
    Kind.CARRIER: Carrier,
    Kind.CHANNEL: Channel,
    Kind.TARGET: Target,
}


class EntryPoint(Protocol):
    """What the registry needs of an `importlib.metadata.EntryPoint`."""

    @property
    def name(self) -> str: ...

    @property
    def dist(self) -> Any: ...

    def load(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """An adapter class, with the plugin (`distribution:name`) and the distribution that bring it."""

    adapter: type[Adapter[Any]]
    plugin: str
    distribution: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A plugin that was not taken: the entry point's `name`, its `distribution`, and a `reason` for people."""

    name: str
    distribution: str
    reason: str


class UnknownAdapterError(LookupError):
    """There is no usable adapter of that name; the text says what to do."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(slots=True)
class _Claims:
    """Who claims a name, over all plugins."""

    holders: dict[Any, list[tuple[str, Any]]] = field(default_factory=dict)

    def add(self, key: Any, plugin: str, value: Any) -> None:
        self.holders.setdefault(key, []).append((plugin, value))

    def undisputed(self) -> dict[Any, tuple[str, Any]]:
        return {key: held[0] for key, held in self.holders.items() if len(held) == 1}

    def disputed(self) -> dict[Any, list[str]]:
        return {key: [plugin for plugin, _ in held] for key, held in self.holders.items() if len(held) > 1}


class Registry:
    """What all plugins bring. Made with `Registry.load()`; read-only afterwards."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(_hooks)
        self._broken: list[Broken] = []
        self._adapters, self._filters, self._commands = _Claims(), _Claims(), _Claims()

    @classmethod
    def load(cls, entry_points: Iterable[EntryPoint] | None = None) -> "Registry":
        """Load the installed plugins, or these entry points. The order in which they come does not matter."""
        made = cls()
        found = importlib.metadata.entry_points(group=GROUP) if entry_points is None else entry_points
        for each in sorted(found, key=lambda each: (_distribution(each), each.name)):
            made._load(each)
        return made

    @property
    def adapters(self) -> Mapping[tuple[str, str], Entry]:
        """(kind, name) → entry, of all adapters that one plugin alone claims."""
        return MappingProxyType(
            {
                key: Entry(adapter, plugin, plugin.partition(":")[0])
                for key, (plugin, adapter) in self._adapters.undisputed().items()
            }
        )

    @property
    def plugins(self) -> Sequence[str]:
        """The plugins that were taken, as `distribution:name`."""
        return [name for name, plugin in self._manager.list_name_plugin() if plugin is not None]

    @property
    def broken(self) -> Sequence[Broken]:
        """The plugins that were not taken."""
        return tuple(self._broken)

    @property
    def filters(self) -> Mapping[str, Callable[..., Any]]:
        """Template filters that one plugin alone claims, by name."""
        return MappingProxyType({name: each for name, (_, each) in self._filters.undisputed().items()})

    @property
    def commands(self) -> Sequence[Any]:
        """Command-line commands whose name one plugin alone claims."""
        return tuple(each for _, each in self._commands.undisputed().values())

    @property
    def problems(self) -> Sequence[str]:
        """A sentence for people on each plugin that was not taken and each name that comes twice."""
        broken = [f"plugin {each.distribution}:{each.name} is broken: {each.reason}" for each in self._broken]
        adapters = [_twice(f"{kind} {name}", by) for (kind, name), by in self._adapters.disputed().items()]
        others = {"filter": self._filters, "command": self._commands}
        rest = [_twice(f"{what} {name}", by) for what, each in others.items() for name, by in each.disputed().items()]
        return [*broken, *sorted(adapters + rest)]

    def adapter(self, kind: str, name: str) -> Entry:
        """The adapter of that kind and name, or `UnknownAdapterError` with what to do."""
        if (found := self.adapters.get((kind, name))) is not None:
            return found
        raise UnknownAdapterError(self._why_not(kind, name))

    def tell_event_received(self, connection: str, subject: str) -> None:
        """Tell listeners that an event was stored."""
        self._tell("event_received", connection=connection, subject=subject)

    def tell_status_changed(self, order_id: str, word: str) -> None:
        """Tell listeners that a status moved."""
        self._tell("status_changed", order_id=order_id, word=word)

    def tell_message_finished(self, message_id: int, state: str) -> None:
        """Tell listeners that a message reached a final state."""
        self._tell("message_finished", message_id=message_id, state=state)

    def _load(self, point: EntryPoint) -> None:
        distribution = _distribution(point)
        plugin = f"{distribution}:{point.name}"
        try:
            offered = self._register(point, plugin)
        except (Exception, SystemExit) as error:
            # Whatever a stranger's module does when it is imported or asked, only that plugin is lost.
            self._broken.append(Broken(point.name, distribution, _said(error)))
            log.warning("plugin %s is broken: %s", plugin, _said(error))
            return
        for adapter in offered.adapters:
            self._adapters.add((Kind.of(adapter).value, adapter.name), plugin, adapter)
        for name, each in offered.filters.items():
            self._filters.add(name, plugin, each)
        for command in offered.commands:
            self._commands.add(command.name, plugin, command)

    def _register(self, point: EntryPoint, plugin: str) -> Offer:
        if self._manager.has_plugin(plugin):
            raise ValueError("an entry point of this name comes twice")
        module = point.load()
        self._manager.register(module, plugin)
        try:
            hooks = self._implementations(plugin)
            refuse_later(hooks)
            self._manager.check_pending()
            return offer(hooks)
        except BaseException:
            self._manager.unregister(name=plugin)
            raise

    def _implementations(self, plugin: str) -> Mapping[str, pluggy.HookImpl]:
        callers = self._manager.get_hookcallers(self._manager.get_plugin(plugin)) or []
        found = [(each.name, impl) for each in callers for impl in each.get_hookimpls()]
        return {name: impl for name, impl in found if impl.plugin_name == plugin}

    def _tell(self, hook: str, **said: Any) -> None:
        for each in getattr(self._manager.hook, hook).get_hookimpls():
            try:
                each.function(*(said[name] for name in each.argnames))
            except Exception as error:
                # The name of the class only: a listener's text may hold anything.
                log.error("%s of plugin %s failed: %s", hook, each.plugin_name, type(error).__name__)

    def _why_not(self, kind: str, name: str) -> str:
        if by := self._adapters.disputed().get((kind, name)):
            return _twice(f"{kind} {name}", by)
        for each in self._broken:
            if each.name == name:
                return f"{kind} {name}: plugin {each.distribution}:{each.name} is broken: {each.reason}"
        others = sorted(other for other, each in self.adapters if each == name)
        if others:
            return f"{name} is no {kind}, it is a {others[0]}"
        known = sorted(each for other, each in self.adapters if other == kind)
        near = get_close_matches(name, known, 1)
        meant = f"; did you mean {near[0]}?" if near else ""
        return f"there is no {kind} {name}; there are: {', '.join(known) or 'none'}{meant}"


def _twice(what: str, by: Sequence[str]) -> str:
    return f"{what} comes twice: from {' and from '.join(by)}"


def _distribution(point: EntryPoint) -> str:
    return str(getattr(point.dist, "name", None) or "unknown")


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split())
    said = f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__
    return f"{said}{_place(error)}"


def _place(error: BaseException) -> str:
    """Where in the plugin it happened, where that is in the plugin and not said already."""
    own = [each for each in traceback.extract_tb(error.__traceback__) if _is_own(Path(each.filename))]
    if not own or isinstance(error, SyntaxError):
        return ""
    return f" ({'/'.join(Path(own[-1].filename).parts[-2:])}:{own[-1].lineno})"


def _is_own(file: Path) -> bool:
    python = file.is_relative_to(_PYTHON) and "site-packages" not in file.parts
    return not (python or file.parent in _LOADERS or file.name.startswith("<"))
