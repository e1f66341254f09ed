"""Puts a town together: the sandboxes that a flows.yaml needs, the hub that talks to them, and the hub's web server.

The configuration is the merchant's own file. In memory, and nowhere else, its connections are pointed to the sandboxes,
its secrets are theirs, and its data goes to a folder of the demo.
"""

import errno
import importlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.clock import Clock, VirtualClock
from hub.config.files import peek, shops_of
from hub.config.model import Config, Connection
from hub.flows.load import load_config
from hub.messages import Texts, check_text
from hub.plugin import Adapter, Settings
from hub.plugin.http import make_client
from hub.plugin.registry import Registry
from hub.plugin.sandbox import serve
from hub.runtime.hub import Hub
from hub.status import Meaning
from hub.web.app import build_app

SAFETY_NET = timedelta(hours=6)
"""How often the demo polls what sends webhooks too: each poll is a stop of the virtual clock."""


class DemoError(Exception):
    """The demo cannot begin; the text says why, in one line."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What stands around a flows.yaml in a demo.

    `connections`: connection → (plugin, what its sandbox is made with). `secrets`: the name of a secret → where it
    comes from, as (connection, attribute of its sandbox). `people`: the name of a secret → whose chat id it is, for
    staff. `bot`: the connection they have their chats with. `statuses`: more lines of the merchant's own status tables.
    """

    connections: Mapping[str, tuple[str, Mapping[str, Any]]]
    secrets: Mapping[str, tuple[str, str] | str]
    people: Mapping[str, str]
    bot: str
    statuses: Mapping[str, Mapping[str, Meaning]]


@dataclass
class Town:
    """Everything of one demo. `sandboxes`: connection → sandbox; `staff`: person → chat id."""

    clock: VirtualClock
    hub: Hub
    config: Config
    sandboxes: Mapping[str, Any]
    staff: Mapping[str, int]
    base: str


def sandbox_of(adapter: type[Adapter[Any]]) -> type[Any]:
    """The sandbox class of an adapter: `SANDBOX` in the module `sandbox` of its plugin's folder."""
    folder = adapter.__module__
    while folder:
        found = getattr(_module(f"{folder}.sandbox"), "SANDBOX", None)
        if isinstance(found, type):
            return found
        folder = folder.rpartition(".")[0]
    raise DemoError(f"the plugin '{adapter.name}' brings no sandbox")


def _module(name: str) -> ModuleType | None:
    """A module, or None where there is none; one that lacks a package it needs is an error with the way out."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            return None
        raise DemoError(f"a sandbox needs the package '{error.name}': pip install 'orderhub[sandbox]'") from error


@asynccontextmanager
async def town(
    path: Path, plan: Plan, clock: VirtualClock, data: Path, *, ports: Sequence[int] = (0,), extra: Sequence[Route] = ()
) -> AsyncIterator[Town]:
    """A town at work: everything has started, and the hub has asked everybody once. The hub listens on the
    first of `ports` that can be had; 0: any."""
    registry = Registry.load()
    async with AsyncExitStack() as stack:
        sandboxes = {name: _sandbox(registry, clock, *made) for name, made in plan.connections.items()}
        urls = {name: await stack.enter_async_context(each.serve()) for name, each in sandboxes.items()}
        staff = {person: sandboxes[plan.bot].open_chat(person.title()) for person in plan.people.values()}
        env = {name: _secret(where, sandboxes) for name, where in plan.secrets.items()}
        env |= {name: str(staff[person]) for name, person in plan.people.items()}
        door = _Door()
        base = await _serve(stack, door, ports)
        texts, config = _read(path, registry, env)
        config = _on_this_machine(config, urls, base, data, plan.statuses)
        hub = Hub(config, texts, clock=clock, make_adapter=_without_pace, jitter=False)
        door.app = build_app(hub, list(extra))
        stack.push_async_callback(hub.stop)
        await hub.start(ticking=False)
        yield Town(clock, hub, config, sandboxes, staff, base)


async def _serve(stack: AsyncExitStack, app: ASGIApp, ports: Sequence[int]) -> str:
    """Serve on the first port that can be had."""
    for port in ports:
        try:
            return await stack.enter_async_context(serve(app, port=port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise DemoError(f"port {ports[-1]} is taken; name another with --port")


def _sandbox(registry: Registry, clock: Clock, plugin: str, made_with: Mapping[str, Any]) -> Any:
    found = next((entry for (_, name), entry in registry.adapters.items() if name == plugin), None)
    if found is None:
        raise DemoError(f"there is no plugin '{plugin}'; `hub plugin list` shows what there is")
    return sandbox_of(found.adapter)(clock=clock, **made_with)


def _secret(where: tuple[str, str] | str, sandboxes: Mapping[str, Any]) -> str:
    if isinstance(where, str):
        return where
    connection, attribute = where
    return str(getattr(sandboxes[connection], attribute))


def _read(path: Path, registry: Registry, env: Mapping[str, str]) -> tuple[Texts, Config]:
    if not path.is_file():
        raise DemoError(f"there is no {path}; the demo plays the flows.yaml of the checkout that it is started in")
    folder = path.parent / "messages"
    texts, wrong = Texts.load(folder if folder.is_dir() else None, shops_of(peek(path)))
    loaded = load_config(path, registry, env, texts=texts, check_text=check_text)
    if loaded.config is None or any(each.severity == "E" for each in wrong):
        problems = "\n".join(map(str, (*loaded.problems, *wrong)))
        raise DemoError(f"{path.name} has mistakes; `hub flows check` shows them with their places:\n{problems}")
    return texts, loaded.config


def _on_this_machine(
    config: Config, urls: Mapping[str, str], base: str, data: Path, statuses: Mapping[str, Mapping[str, Meaning]]
) -> Config:
    """The configuration with its connections pointed to the sandboxes."""
    strangers = sorted(set(config.connections) - set(urls))
    if strangers:
        raise DemoError(f"the demo has no sandbox for the connections {', '.join(strangers)}")
    tables = {**config.statuses}
    for connection, lines in statuses.items():
        tables[connection] = {**tables.get(connection, {}), **lines}
    return replace(
        config,
        hub=replace(config.hub, public_url=base, data=data, database=None),
        connections={name: _to_sandbox(each, urls[name]) for name, each in config.connections.items()},
        statuses=tables,
    )


def _to_sandbox(connection: Connection, url: str) -> Connection:
    fields = type(connection.settings).model_fields
    changed = connection.settings.model_copy(update=_address(fields, url))
    polled = connection.kind != "carrier"
    return replace(connection, settings=changed, poll_every=SAFETY_NET if polled else connection.poll_every)


def _address(fields: Mapping[str, Any], url: str) -> Mapping[str, Any]:
    """Where a sandbox is, in the words of its connection's settings: one `url` (a target has to be allowed one of our
    own network), or host and port on an open line."""
    if "private" in fields:
        return {"url": url, "private": True}
    if "url" in fields:
        return {"url": url}
    there = urlsplit(url)
    security: Any = fields["security"].annotation
    return {"host": there.hostname, "port": there.port, "security": security("none"), "username": "", "password": None}


def _without_pace(name: str, config: Config, clock: Clock) -> Adapter[Settings]:
    """An adapter whose client does not space its calls out: that pace counts real seconds, and days last one here."""
    connection = config.connections[name]
    limits = replace(connection.adapter.limits, per_second=None)
    client = make_client(name, limits, clock, private=connection.adapter.reaches_private(connection.settings))
    return connection.adapter(connection.settings, client, clock, connection=name)


class _Door:
    """The hub's address is needed before there is a hub."""

    app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None, "nobody knows this address yet"
        await self.app(scope, receive, send)
