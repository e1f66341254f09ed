"""All hooks of the door, each with a sentence. Every hook returns plain data, so a plugin is tested by calling it."""

from collections.abc import Sequence
from typing import Any

import pluggy

hookspec = pluggy.HookspecMarker("orderhub")
hookimpl = pluggy.HookimplMarker("orderhub")

LATER = frozenset({"flow_steps"})
"""Hooks that this version refuses by name: a step of a plugin's own would be listed, and no flow could use it."""


@hookspec
def adapters() -> Sequence[type[Any]]:
    """The adapter classes (`Platform`, `Carrier`, `Channel`, `Target`) that this plugin brings."""
    return ()


@hookspec
def template_filters() -> dict[str, Any]:
    """Filters for templates: name → pure function of (value, locale) giving text."""
    return {}


@hookspec
def commands() -> Sequence[Any]:
    """Command-line commands (`click.Command`) that this plugin brings."""
    return ()


@hookspec
def event_received(connection: str, subject: str) -> None:
    """An event was stored (told after the commit; a listener that raises is named in the log and changes nothing)."""


@hookspec
def status_changed(order_id: str, word: str) -> None:
    """A status moved, as the trigger word (`shipment.delivered`); told after the commit."""


@hookspec
def message_finished(message_id: int, state: str) -> None:
    """A message reached a final state; told after the commit."""
