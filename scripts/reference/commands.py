"""Every command with its help, as a terminal of 100 columns shows it."""

from collections.abc import Iterator

import click

from hub.cli import cli

from . import tables

WIDTH = 100


def page() -> str:
    parts = (f"## `{path}`\n\n```\n{text}\n```" for path, text in _walk(cli, "hub", None))
    return tables.page("Commands", *parts)


def _walk(command: click.Command, path: str, parent: click.Context | None) -> Iterator[tuple[str, str]]:
    name = path.rpartition(" ")[2]
    context = click.Context(command, parent, name, terminal_width=WIDTH, **command.context_settings)
    yield path, command.get_help(context).rstrip()
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None:
                yield from _walk(found, f"{path} {name}", context)
