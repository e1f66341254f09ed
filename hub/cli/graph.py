"""`hub flows graph`: the flows as a picture."""

from pathlib import Path

import click

from ._errors import refused
from ._setup import config_option, configured, example


@click.command(epilog=example(
    "hub flows graph > flows.svg", "hub flows graph --flow shipped > shipped.svg", "hub flows graph --format mermaid",
))  # fmt: skip
@click.argument("file", required=False, type=click.Path(path_type=Path))
@config_option
@click.option("--flow", "name", help="Only this flow, with its waits and branches.")
@click.option("--format", "form", type=click.Choice(["svg", "mermaid"]), default="svg", show_default=True,
              help="`mermaid`: a text that many pages draw by themselves.")  # fmt: skip
def graph(file: Path | None, path: Path, name: str | None, form: str) -> None:
    """A picture of the flows: what begins each, and what is said, asked and done by it.

    FILE: the file to draw, if it is not the configuration itself.
    """
    from hub.config.problems import did_you_mean
    from hub.flows import mermaid, svg
    from hub.flows.graph import overview, tree

    config, _ = configured(file or path)
    draw = svg if form == "svg" else mermaid
    if name is None:
        click.echo(draw.overview(overview(config.flows)), nl=False)
    elif name in config.flows:
        click.echo(draw.flow(tree(config.flows[name])), nl=False)
    else:
        raise refused(f"there is no flow '{name[:63]}' in {config.path.name}{did_you_mean(name, sorted(config.flows))}")
