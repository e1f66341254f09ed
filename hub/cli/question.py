"""`hub question`: what customers asked and nobody has answered, and the answer of a person."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._errors import Stop
from ._group import Lazy, LazyGroup
from ._out import print_json, print_table
from ._setup import config_option, configured, example, json_option, look, offline, opened

if TYPE_CHECKING:
    import sqlalchemy as sa

    from hub.pipeline.world import World

COMMANDS = {
    "Commands": {
        "list": Lazy("hub.cli.question:list_", "What customers asked and nobody has answered, the oldest first."),
        "answer": Lazy("hub.cli.question:answer", "Answer a question: it is sent by the channel it came by."),
    }
}
MARKS = 8
"""How much of an id is shown; what is given may be longer."""


@click.command("question", cls=LazyGroup, sections=COMMANDS)
def question() -> None:
    """Questions of customers that wait for a person. Closing a matter that a flow made of one does not answer it."""


@click.command("list", epilog=example("hub question list", "hub question list --json"))
@config_option
@json_option
def list_(path: Path, as_json: bool) -> None:
    """What customers asked and nobody has answered, the oldest first."""
    from hub.pipeline.questions import open_questions

    with opened(path) as db:
        rows = [_question(row) for row in look(db, open_questions)]
    if as_json:
        print_json(rows)
        return
    columns = ("id", "at", "order", "topic", "channel", "text")
    print_table(columns, [[row[each] for each in columns] for row in rows], empty="nobody waits for an answer")


def _question(row: Any) -> dict[str, Any]:
    return {
        "id": row.id[:MARKS],
        "at": row.asked_at,
        "order": row.number or row.order_id,
        "topic": row.topic,
        "channel": row.channel,
        "text": row.text,
    }


@click.command(epilog=example('hub question answer 3515cca4 "We have sent you a new one today."'))
@click.argument("question_id")
@click.argument("text")
@click.option("--by", default="staff", show_default=True, help="Who answers.")
@config_option
def answer(question_id: str, text: str, by: str, path: Path) -> None:
    """Answer a question: TEXT is sent by the channel it came by, else by mail, and the question is closed."""
    from hub.clock import SystemClock
    from hub.pipeline import questions

    if not text.strip():
        raise Stop("an answer has words", 2)
    config, texts = configured(path)
    now = SystemClock().now()

    def work(connection: "sa.Connection", world: "World") -> None:
        found = questions.find_questions(connection, question_id) if len(question_id) >= MARKS else ()
        if len(found) != 1:
            word = "several questions begin" if found else "no question begins"
            raise Stop(f"{word} with '{question_id[:40]}'; `hub question list` shows them")
        if not questions.answered_by(world, found[0].channel):
            raise Stop("no channel of the file can carry an answer: the question came by a page, and there is no mail")
        if not questions.answer(connection, connection.dialect.name, world, found[0], text.strip(), by=by, now=now):
            raise Stop(f"{question_id[:40]} was answered already, by {found[0].answered_by}")

    with opened(path) as db:
        offline(config, texts, lambda world: db.run(lambda connection: work(connection, world)))
    click.echo(f"{question_id} is answered; the answer leaves with the next look at the outbox")
