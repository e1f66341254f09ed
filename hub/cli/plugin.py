"""`hub plugin`: what is installed."""

import click

from ._group import Lazy, LazyGroup
from ._out import print_json, print_table, title
from ._setup import example, json_option, registry

COMMANDS = {"Commands": {"list": Lazy("hub.cli.plugin:list_", "All plugins and what they bring.")}}


@click.command("plugin", cls=LazyGroup, sections=COMMANDS)
def plugin() -> None:
    """Show which plugins there are, broken ones with the reason."""


@click.command("list", epilog=example("hub plugin list", "hub plugin list --json"))
@json_option
def list_(as_json: bool) -> None:
    """All plugins and what they bring. A broken one harms only the connections that use it."""
    known = registry()
    adapters = [
        {"kind": kind, "name": name, "label": entry.adapter.label, "plugin": entry.plugin}
        for (kind, name), entry in sorted(known.adapters.items())
    ]
    broken = [{"plugin": f"{each.distribution}:{each.name}", "reason": each.reason} for each in known.broken]
    commands = [str(each.name) for each in known.commands]
    if as_json:
        print_json(
            {
                "plugins": sorted(known.plugins),
                "adapters": adapters,
                "filters": sorted(known.filters),
                "commands": commands,
                "broken": broken,
                "problems": list(known.problems),
            }
        )
        return
    rows = [tuple(each.values()) for each in adapters]
    print_table(("kind", "name", "label", "from"), rows, empty="no adapters")
    if commands:
        title("Commands")
        click.echo(", ".join(commands))
    if known.problems:
        title("Problems")
        for problem in known.problems:
            click.echo(problem)
