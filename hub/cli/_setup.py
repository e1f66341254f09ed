"""What commands begin with: the file, the configuration, the texts, the plugins, the database."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ._errors import Stop, refused, unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.config.model import Config, HubSettings
    from hub.config.problems import Problem
    from hub.config.yaml import Node
    from hub.messages import Texts
    from hub.pipeline.world import World
    from hub.plugin.registry import Registry
    from hub.store.database import Database

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

config_option = click.option(
    "-c",
    "--config",
    "path",
    envvar="HUB_CONFIG",
    default="flows.yaml",
    show_default="./flows.yaml, or HUB_CONFIG",
    type=click.Path(path_type=Path),
    help="The configuration.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="For programs: one JSON document.")


def example(*lines: str) -> str:
    """The end of a command's help."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


@cache
def registry() -> "Registry":
    """The installed plugins, loaded once."""
    from hub.plugin.registry import Registry

    return Registry.load()


@dataclass(frozen=True, slots=True)
class Configuration:
    """A file as it was read: `config` is None when it is refused; `problems` are the file's and the texts'."""

    config: "Config | None"
    texts: "Texts"
    problems: "tuple[Problem, ...]"
    sources: "Mapping[str, str]"

    @property
    def errors(self) -> "tuple[Problem, ...]":
        """The problems that refuse the file."""
        return tuple(each for each in self.problems if each.severity == "E")


def existing(path: Path) -> Path:
    """The file, as a whole path; refused when it is not there."""
    if not path.is_file():
        raise refused(f"there is no file {path}; name it with --config, or write one with `hub init`")
    return path.resolve()


def read_configuration(path: Path) -> Configuration:
    """Everything that a file and the texts beside it say, with every problem in them."""
    from hub.flows.load import load_config
    from hub.messages import check_text

    path = existing(path)
    texts, wrong = _texts(path)
    loaded = load_config(path, registry(), os.environ, texts=texts, check_text=check_text)
    problems = (*loaded.problems, *wrong)
    broken = any(each.severity == "E" for each in wrong)
    return Configuration(None if broken else loaded.config, texts, problems, loaded.sources)


def _texts(path: Path) -> "tuple[Texts, tuple[Problem, ...]]":
    """The shipped texts and the folder `messages` beside the file. Whose shops there are, and what flows hand to texts
    with `with`, is read off the nodes: it is needed before the file can be checked."""
    from hub.config.files import peek, shops_of
    from hub.messages import Texts

    extra = frozenset(_handed_over(top_of(path).get("flows")))
    shops = shops_of(peek(path))
    return Texts.load(path.parent / "messages", shops, extra_names=extra, filters=registry().filters)


def handed_over(path: Path) -> list[str]:
    """The names that flows hand to texts with `with`."""
    return sorted(set(_handed_over(top_of(existing(path)).get("flows"))))


def top_of(path: Path) -> "dict[str, Node]":
    """The nodes of a file and its includes by top-level key, whatever is wrong in them."""
    from hub.config.files import peek

    return {name: node for name, (_, node) in peek(path).top.items()}


def files_of(path: Path) -> list[str]:
    """The file and its includes, relative to its folder."""
    from hub.config.files import peek

    return list(peek(path).sources)


def _handed_over(node: Any) -> Iterator[str]:
    from hub.config.yaml import ListNode, MapNode

    if isinstance(node, ListNode):
        for each in node.items:
            yield from _handed_over(each)
    elif isinstance(node, MapNode):
        for key, value in node:
            if key.text == "with" and isinstance(value, MapNode):
                yield from (name.text for name, _ in value)
            yield from _handed_over(value)


def said(configuration: Configuration) -> str:
    """The problems as people read them, with the count."""
    from hub.config.problems import counted, render_problems

    problems = configuration.problems
    return f"{render_problems(problems, configuration.sources)}{counted(problems)}"


def tell_refused(path: Path) -> None:
    """Why what only a file without mistakes can tell is not shown."""
    said = f"{path.name} has mistakes; patterns and carriers are not shown (`hub flows check`)"
    click.echo(f"hub: {said}", err=True)


def configured(path: Path) -> "tuple[Config, Texts]":
    """A configuration that can be used; refused with its problems otherwise."""
    configuration = read_configuration(path)
    if configuration.config is None:
        click.echo(said(configuration), err=True)
        raise refused(f"{path} is refused; mend it and try again")
    return configuration.config, configuration.texts


# ------------------------------------------------------------------------------------------------ the database


def hub_settings(path: Path) -> "HubSettings":
    """`hub:` of a file, whatever else is wrong with it: looking into the database needs no more."""
    from hub.config.build import build_hub
    from hub.config.settings import Reading

    path = existing(path)
    return build_hub(top_of(path).get("hub"), Reading(), path)


def database_of(settings: "HubSettings") -> "Database":
    """The database that these settings speak of, or a line when there is none yet. Makes nothing."""
    from hub.store.database import Database

    if settings.database:
        return Database(settings.database)
    file = settings.data / "hub.db"
    if not file.is_file():
        raise unavailable(f"there is no database at {file} yet; `hub run` makes it")
    return Database(f"sqlite:///{file}")


@contextmanager
def opened(path: Path) -> "Iterator[Database]":
    """The database of a file, checked to be of this release, and closed again."""
    db = database_of(hub_settings(path))
    try:
        check_release(db)
        yield db
    finally:
        db.close()


def check_release(db: "Database") -> None:
    """A database of another release is not touched."""
    from hub.store.migrate import current, newest

    if current(db) != newest():
        raise unavailable("the database is of another release; stop the hub and run `hub db upgrade`")


def look(db: "Database", work: "Callable[[Any], T]") -> T:
    """Read in a transaction that holds up no writer."""
    with db.reader.begin() as connection:
        return work(connection)


# ------------------------------------------------------------------------------------------------ connections


def connection_named(config: "Config", name: str, kind: str = "") -> Any:
    """A connection of the file, of this kind if one is named."""
    from hub.config.problems import did_you_mean, listed

    names = [each.name for each in config.connections.values() if not kind or each.kind == kind]
    if name in names:
        return config.connections[name]
    if name in config.connections:
        raise refused(
            f"'{name}' is a {config.connections[name].kind}, not a {kind}; there are: {listed(names) or 'none'}"
        )
    if name in config.failovers:
        raise refused(f"'{name}' is a failover; name one of its providers: {listed(config.failovers[name])}")
    meant = did_you_mean(name, names) or f"; there are: {listed(names) or 'none'}"
    raise refused(f"there is no {kind or 'connection'} '{name}' in {config.path.name}{meant}")


def world_of(config: "Config", texts: "Texts") -> "World":
    """The configuration with its adapters; close them with `closing`."""
    from hub.clock import SystemClock
    from hub.runtime.hub import build_world

    return build_world(config, texts, SystemClock())


async def _close(world: "World") -> None:
    for adapter in world.adapters.values():
        await adapter.aclose()
        await adapter.client.aclose()


def with_adapter(config: "Config", name: str, work: "Callable[[Any], Coroutine[Any, Any, T]]") -> T:
    """Run `work` with the adapter of one connection, and let go of it."""
    from hub.clock import SystemClock
    from hub.runtime.hub import build_adapter

    async def go() -> T:
        adapter = build_adapter(name, config, SystemClock())
        try:
            return await work(adapter)
        finally:
            await adapter.aclose()
            await adapter.client.aclose()

    return asyncio.run(go())


def offline(config: "Config", texts: "Texts", work: "Callable[[World], T]") -> T:
    """Run `work` with the status tables and rules of all connections; nothing is asked of anybody."""

    async def go() -> T:
        world = world_of(config, texts)
        try:
            return work(world)
        finally:
            await _close(world)

    return asyncio.run(go())


def number_in(text: str, prefix: str) -> int:
    """`e12` → 12 for the prefix `e`; a bare number is taken too."""
    digits = text.removeprefix(prefix)
    if not digits.isascii() or not digits.isdigit() or len(digits) > 18:
        raise Stop(f"'{text[:40]}' is no id; ids look like {prefix}12", 2)
    return int(digits)
