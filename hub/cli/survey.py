"""`hub survey`: how customers answered."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._group import Lazy, LazyGroup
from ._out import print_json, print_table
from ._setup import config_option, configured, example, json_option, look, opened

if TYPE_CHECKING:
    from datetime import datetime

    from hub.insight.scores import Score
    from hub.insight.surveys import SurveyFigures

COMMANDS = {
    "Commands": {
        "list": Lazy("hub.cli.survey:list_", "How many were sent and answered, and what the answers come to."),
        "comments": Lazy("hub.cli.survey:comments_", "What customers wrote, the newest first."),
    }
}
since_option = click.option("--since", default="", help="Only those sent within this time: `30d`; default: all.")


@click.command("survey", cls=LazyGroup, sections=COMMANDS)
def survey() -> None:
    """How customers answered what they were asked."""


@click.command("list", epilog=example("hub survey list", "hub survey list --since 30d --json"))
@since_option
@config_option
@json_option
def list_(since: str, path: Path, as_json: bool) -> None:
    """How many were sent and answered, and what the answers come to: NPS from -100 to 100, other questions as the share
    of 4 and 5 (or of yes) in percent; with the number of answers, and how far the truth may lie to either side."""
    from hub.insight.surveys import figures

    config, _ = configured(path)
    start = _start(since)
    with opened(path) as db:
        found = look(db, lambda connection: figures(connection, config.surveys, start))
    if as_json:
        print_json(found)
        return
    headings = ("survey", "sent", "answered", "partial", "rate", "NPS", "others")
    print_table(headings, [_row(each) for each in found], empty="no survey is in the file, and none was ever sent")


@click.command("comments", epilog=example("hub survey comments --since 7d"))
@since_option
@config_option
@json_option
def comments_(since: str, path: Path, as_json: bool) -> None:
    """What customers wrote, the newest first, by the number of the order."""
    from hub.insight.surveys import comments

    config, _ = configured(path)
    start = _start(since)
    with opened(path) as db:
        found = look(db, lambda connection: comments(connection, config.surveys, start))
    if as_json:
        print_json(found)
        return
    rows = [(each.at, each.order, _marks(each.scores), each.text) for each in found]
    print_table(("at", "number", "marks", "what they wrote"), rows, empty="nobody wrote anything")


def _start(since: str) -> "datetime | None":
    from hub.clock import SystemClock
    from hub.config.scalars import MistakeError, read_span

    if not since:
        return None
    try:
        return SystemClock().now() - read_span(since)
    except MistakeError as mistake:
        raise click.BadParameter(mistake.text, param_hint="--since") from None


def _row(each: "SurveyFigures") -> tuple[Any, ...]:
    others = {key: score for key, score in each.scores.items() if score is not each.nps}
    rate = f"{each.rate} %" if each.rate is not None else ""
    said = ", ".join(f"{key} {score.value} % (n={score.n})" for key, score in others.items())
    return each.name, each.sent, each.answered, each.partial, rate, _nps(each.nps), said


def _nps(score: "Score | None") -> str:
    return f"{score.value:+d} ±{score.margin} (n={score.n})" if score is not None else ""


def _marks(scores: Any) -> str:
    return " ".join(f"{key}={mark}" for key, mark in scores.items())
