"""Surveys as rows: opened by a flow's step, answered on the page or in a chat, reported as `survey.answered`.

A survey is answered once: what was sent whole is never changed. What is partial can be completed until it closes, and
is reported once it has rested. The reminder is a message of its own that waits in the outbox beside the invitation, so
that whatever stops the run that asked stops it as well.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hub.config.questions import Survey
from hub.store.database import upsert
from hub.store.tables import TENANT, slot_of, surveys, timers

from .answers import Answers, answer_names, is_whole, together
from .news import report
from .plain import key_of
from .shadow import realm
from .world import World

RESTS = timedelta(hours=1)
"""How long a partial answer rests before it counts as given."""
OPEN, PARTIAL, ANSWERED = "open", "partial", "answered"


def survey_id(order_id: str, name: str) -> str:
    """A survey of an order: 24 hex digits made of content."""
    return key_of(TENANT, "survey", order_id, name)[:24]


def new_survey(
    survey: Survey, *, order_id: str, customer_id: str, run_key: str, now: datetime, shadow: bool
) -> dict[str, Any]:
    """The row of a survey that opens now; one of a shadow has an id of its own, and so links of its own."""
    return {
        "tenant": TENANT,
        "id": survey_id(order_id, realm(survey.name, shadow)),
        "slot": slot_of(order_id),
        "order_id": order_id,
        "customer_id": customer_id,
        "run_key": run_key,
        "name": survey.name,
        "state": OPEN,
        "channel": "",
        "shadow": int(shadow),
        "answers": {},
        "opened_at": now,
        "until_at": now + survey.open,
    }


def takes_answers(row: Any, now: datetime) -> bool:
    """Whether something can still be answered."""
    return bool(row.state != ANSWERED and now <= row.until_at)


def find_survey(connection: sa.Connection, which: str, *, to_change: bool = False) -> Any:
    """The row of a survey that can be answered, or None: of a shadow's nobody was asked. `to_change`: nobody else
    answers it meanwhile."""
    found = sa.select(surveys).where(surveys.c.tenant == TENANT, surveys.c.id == which, surveys.c.shadow == 0)
    return connection.execute(found.with_for_update() if to_change else found).first()


def keep(
    connection: sa.Connection,
    dialect: str,
    world: World,
    survey: Survey,
    row: Any,
    given: Mapping[str, Any],
    *,
    channel: str,
    now: datetime,
    done: bool,
) -> dict[str, Any]:
    """Keep what was answered; `done`: it is all that will come, if every question that is chosen has its answer.
    `row` was read to be changed and still takes answers. Returns all answers there are now."""
    answers = together(row.answers, given)
    if not answers:
        return answers
    finished = done and is_whole(survey, answers)
    state = {"state": ANSWERED, "finished_at": now} if finished else {"state": PARTIAL}
    changed = sa.update(surveys).where(surveys.c.tenant == TENANT, surveys.c.id == row.id)
    connection.execute(changed.values(answers=answers, channel=channel, heard_at=now, **state))
    rest = {
        "tenant": TENANT, "slot": row.slot, "key": f"survey:{row.id}", "kind": "survey", "ref": row.id,
        "order_id": row.order_id, "due_at": now + RESTS, "state": 1 if finished else 0,
    }  # fmt: skip
    connection.execute(upsert(timers, dialect, keys=("tenant", "key"), change=("due_at", "state")), [rest])
    if finished:
        _tell(connection, dialect, world, survey, row, answers, now)
    return answers


def rested(connection: sa.Connection, dialect: str, which: str, world: World, now: datetime) -> None:
    """A partial answer has rested: it counts as given. One that lacks only the comment is whole."""
    row = find_survey(connection, which, to_change=True)
    survey = world.config.surveys.get(row.name) if row is not None else None
    if row is None or survey is None or row.state != PARTIAL:
        return
    if is_whole(survey, row.answers):
        changed = sa.update(surveys).where(surveys.c.tenant == TENANT, surveys.c.id == row.id)
        connection.execute(changed.values(state=ANSWERED, finished_at=now))
    _tell(connection, dialect, world, survey, row, row.answers, now)


def _tell(
    connection: sa.Connection, dialect: str, world: World, survey: Survey, row: Any, answers: Answers, now: datetime
) -> None:
    """`survey.answered`: what came, one occurrence for each survey. What comes after it rested once is told again,
    for the flows that could not start with what there was."""
    again = int(key_of(json.dumps(answers, sort_keys=True))[:15], 16)
    report(
        connection, dialect, world, home=row.order_id, word="survey.answered", kind="answer", subject=row.id,
        occurrence=1, at=now, now=now, names={"answer": answer_names(survey, answers)}, again=again,
    )  # fmt: skip
