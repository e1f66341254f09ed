"""`hub flows`: is the file right?"""

from pathlib import Path

import click

from ._errors import FAILED, Stop
from ._group import Lazy, LazyGroup
from ._out import print_json
from ._setup import Configuration, config_option, example, json_option, read_configuration, said

COMMANDS = {
    "Commands": {
        "check": Lazy("hub.cli.flows:check", "Is it right? Mistakes with their places."),
        "diff": Lazy("hub.cli.going_live:diff", "What would become of the runs under way?"),
        "apply": Lazy("hub.cli.going_live:apply", "Let a file go live, and say what becomes of the runs under way."),
        "graph": Lazy("hub.cli.graph:graph", "A picture of the flows."),
        "schema": Lazy("hub.cli.schema:schema", "A JSON Schema, so that editors complete and check."),
        "explain": Lazy("hub.cli.explain:explain", "Why was this sent, and why was that not?"),
        "simulate": Lazy("hub.cli.flows_simulate:simulate", "What will this order hear in the next 30 days?"),
        "test": Lazy("hub.cli.flows_test:test", "Does it do what was agreed? The cases of `tests:`."),
    }
}


@click.command("flows", cls=LazyGroup, sections=COMMANDS)
def flows() -> None:
    """Check what a flows.yaml says before it goes live."""


@click.command(
    epilog=example("hub flows check", "hub flows check new.yaml --strict", "hub flows check --explain not-offered")
)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@config_option
@click.option("--strict", is_flag=True, help="Warnings count as mistakes.")
@click.option("--explain", metavar="CODE", help="What a code means and how it is mended; reads no file.")
@json_option
@click.pass_context
def check(ctx: click.Context, file: Path | None, path: Path, strict: bool, explain: str | None, as_json: bool) -> None:
    """Is it right? Every mistake with its place, then what is odd about the whole.

    Exit status: 0 right, 1 problems, 2 there is no such file or code.
    """
    if explain is not None:
        _explain(explain, as_json)
        return
    configuration = read_configuration(file or path)
    if as_json:
        print_json(_plain(configuration))
    else:
        click.echo(said(configuration))
        if configuration.problems:
            click.echo(f"What a code means: hub flows check --explain {configuration.problems[0].code}")
    weighs = ("E", "W") if strict else ("E",)
    if any(each.severity in weighs for each in configuration.problems):
        ctx.exit(FAILED)


def _explain(code: str, as_json: bool) -> None:
    """What stands on the page of the mistakes about one code."""
    from hub.config.mending import MENDING
    from hub.config.problems import CODES, instead

    if code not in CODES:
        raise Stop(f"there is no code '{code[:40]}'{instead(code, CODES, 'a code such as yaml-syntax')}", 2)
    kind = CODES[code]
    if as_json:
        print_json({"code": code, "severity": kind.level.value, "means": kind.means, "mending": MENDING[code]})
    else:
        click.echo(f"{code} ({WEIGHT[kind.level.value]})\n{kind.means}\n{MENDING[code]}\n{PAGE}#{code}")


WEIGHT = {"E": "an error: it refuses the file", "W": "a warning", "N": "a note"}
PAGE = "docs/reference/problems.md"
"""Where an example of each code stands with what is printed about it."""


def _plain(configuration: Configuration) -> dict[str, object]:
    problems = [
        {
            "file": each.file,
            "line": each.line,
            "column": each.column,
            "severity": each.severity.value,
            "code": each.code,
            "text": each.text,
            "hint": each.hint,
        }
        for each in configuration.problems
    ]
    return {"right": configuration.config is not None, "problems": problems}
