"""Groups whose commands are imported only when they are asked for, and the one place where errors become a line."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import click

from ._errors import explained


@dataclass(frozen=True, slots=True)
class Lazy:
    """A command that is not imported yet: `module:name`, and its line in the list."""

    where: str
    about: str

    def load(self) -> click.Command:
        """The command itself."""
        module, _, name = self.where.partition(":")
        found: click.Command = getattr(importlib.import_module(module), name)
        return found


Sections = Mapping[str, Mapping[str, Lazy]]


class LazyGroup(click.Group):
    """A group made from a table: heading → name → command. `plugin_commands`: plugins may bring more."""

    def __init__(self, *args: Any, sections: Sections, plugin_commands: bool = False, **more: Any) -> None:
        super().__init__(*args, **more)
        self.sections = sections
        self.plugin_commands = plugin_commands

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for commands in self.sections.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for commands in self.sections.values():
            if cmd_name in commands:
                return commands[cmd_name].load()
        return _of_plugins(cmd_name) if self.plugin_commands else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, self.list_commands(ctx)))
        for heading, commands in self.sections.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), each.about) for name, each in commands.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        command = None if name.startswith("-") else self.get_command(ctx, name)
        if command is None:
            ctx.fail(f"there is no command '{name}'{_meant(name, self.list_commands(ctx))}")
        return name, command, args[1:]


class HubGroup(LazyGroup):
    """The outermost group: what goes wrong below leaves as one line and an exit status."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise  # who reads the output has seen enough (`hub order 1001 | head -1`): click ends quietly
        except Exception as error:
            raise explained(error) from error


def _meant(name: str, names: Sequence[str]) -> str:
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else f"; there are: {', '.join(names)}"


def _of_plugins(name: str) -> click.Command | None:
    from ._setup import registry

    found = (each for each in registry().commands if each.name == name)
    return next((each for each in found if isinstance(each, click.Command)), None)
