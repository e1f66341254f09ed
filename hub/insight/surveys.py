"""How surveys went: how many were sent and answered, what the answers come to, and what customers wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.config.questions import Question, QuestionKind, Survey
from hub.pipeline.states import REACHED
from hub.pipeline.surveys import ANSWERED, OPEN, PARTIAL
from hub.store.tables import TENANT, messages, orders, surveys

from .scores import Score, csat, nps, share, share_of_yes

FIGURES = {QuestionKind.STARS: csat, QuestionKind.RECOMMEND: nps, QuestionKind.YES_NO: share_of_yes}


@dataclass(frozen=True, slots=True)
class SurveyFigures:
    """One survey in a period. `rate`: of those sent, how many in a hundred were answered whole or in part.
    `scores`: question → its figure (NPS for "would you recommend", else a share in percent)."""

    name: str
    sent: int
    answered: int
    partial: int
    rate: int | None
    nps: Score | None
    scores: Mapping[str, Score]


@dataclass(frozen=True, slots=True)
class Comment:
    """What a customer wrote: by the order's number, with the marks beside it. No name and no address."""

    survey: str
    order: str
    at: datetime
    scores: Mapping[str, int]
    text: str


def figures(
    connection: sa.Connection, declared: Mapping[str, Survey], since: datetime | None = None
) -> list[SurveyFigures]:
    """Every survey of the file, and those of which only answers are left; `since`: of those opened from then on."""
    rows = _opened(connection, since)
    reached = _reached(connection, since)
    names = [*declared, *sorted({row.name for row in rows} - declared.keys())]
    return [_figures(name, declared.get(name), [row for row in rows if row.name == name], reached) for name in names]


def comments(connection: sa.Connection, declared: Mapping[str, Survey], since: datetime | None = None) -> list[Comment]:
    """What was written, the newest first."""
    numbers = sa.select(orders.c.id, orders.c.number).where(orders.c.tenant == TENANT)
    rows = _opened(connection, since)
    known = {
        row.id: row.number for row in connection.execute(numbers.where(orders.c.id.in_({r.order_id for r in rows})))
    }
    found = [
        Comment(row.name, known.get(row.order_id, ""), row.heard_at, _marks(row.answers), text)
        for row in rows
        if row.heard_at is not None and (text := _words(row.answers))
    ]
    return sorted(found, key=lambda each: each.at, reverse=True)


def _opened(connection: sa.Connection, since: datetime | None) -> Sequence[Any]:
    query = sa.select(surveys).where(surveys.c.tenant == TENANT, surveys.c.shadow == 0)
    return connection.execute(query.where(surveys.c.opened_at >= since) if since else query).all()


def _reached(connection: sa.Connection, since: datetime | None) -> set[str]:
    """Ids of surveys whose invitation or reminder reached somebody."""
    said = (
        sa.select(surveys.c.id, messages.c.doc)
        .join(messages, sa.and_(messages.c.tenant == surveys.c.tenant, messages.c.order_id == surveys.c.order_id))
        .where(surveys.c.tenant == TENANT, messages.c.run_key == surveys.c.run_key)
        .where(messages.c.state.in_(sorted(REACHED)))
    )
    rows = connection.execute(said.where(surveys.c.opened_at >= since) if since else said)
    return {row.id for row in rows if row.doc.get("survey") == row.id}


def _figures(name: str, survey: Survey | None, rows: Sequence[Any], reached: set[str]) -> SurveyFigures:
    answered, partial = (sum(row.state == state for row in rows) for state in (ANSWERED, PARTIAL))
    sent = sum(row.state != OPEN or row.id in reached for row in rows)
    asked = survey.questions if survey is not None else ()
    scores = {each.key: score for each in asked if (score := _score(each, rows)) is not None}
    recommend = survey.first(QuestionKind.RECOMMEND) if survey is not None else None
    return SurveyFigures(
        name=name,
        sent=sent,
        answered=answered,
        partial=partial,
        rate=share(answered + partial, sent),
        nps=scores.get(recommend.key) if recommend is not None else None,
        scores=scores,
    )


def _score(question: Question, rows: Sequence[Any]) -> Score | None:
    marks = [mark for row in rows if (mark := row.answers.get(question.key)) in question.marks]
    return FIGURES[question.kind](marks) if question.marks else None


def _marks(answers: Mapping[str, Any]) -> dict[str, int]:
    return {key: value for key, value in answers.items() if isinstance(value, int)}


def _words(answers: Mapping[str, Any]) -> str:
    return "\n".join(value for value in answers.values() if isinstance(value, str))
