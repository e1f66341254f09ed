"""Answers to a survey that come out of a chat: pressed buttons, and the words that were asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.config.questions import Survey
from hub.store.links import link_secret
from hub.store.tables import TENANT, contacts, orders, slot_of, surveys

from .answers import open_question, together, understood
from .plain import key_of
from .shadow import write_messages
from .survey_chat import PASSED, pressed
from .surveys import PARTIAL, RESTS, find_survey, keep, takes_answers
from .world import World

THANKS = "survey-thanks"
QUESTION = "survey-question"
"""What the outbox calls a question; its words are the survey's own."""
Say = Callable[[str, str, str, str, str, str], None]
"""(template, address, occasion, locale, customer, order) → a message to this chat."""


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat that said something, and where it is taken in."""

    connection: sa.Connection
    dialect: str
    world: World
    source: str
    address: str
    now: datetime


def take_press(chat: Chat, data: str, say: Say) -> None:
    """A pressed button. One that we never made for this chat, that is of a survey that is over, or that asks what the
    file does not ask any more, changes nothing."""
    press = pressed(data, secret=link_secret(chat.connection), channel=chat.source, address=chat.address)
    if press is None:
        return
    row = find_survey(chat.connection, press.survey, to_change=True)
    survey = chat.world.config.surveys.get(row.name) if row is not None else None
    question = press.answers(survey) if survey is not None else None
    if survey is None or question is None or not takes_answers(row, chat.now):
        return
    given = {question.key: None} if press.mark == PASSED else understood(survey, {question.key: press.mark})
    if given:
        _go_on(chat, survey, row, given, say)


def take_words(chat: Chat, text: str, say: Say) -> bool:
    """Whether what somebody wrote is the comment that a survey has just asked them for."""
    for row in _waiting(chat):
        survey = chat.world.config.surveys.get(row.name)
        question = open_question(survey, row.answers) if survey is not None else None
        if survey is None or question is None or question.marks:
            continue
        given = understood(survey, {question.key: text})
        if given.get(question.key):
            _go_on(chat, survey, row, given, say)
            return True
    return False


def _waiting(chat: Chat) -> Any:
    """Surveys that this chat answered within the hour, the newest first."""
    theirs = sa.select(contacts.c.customer_id).where(
        contacts.c.tenant == TENANT, contacts.c.channel == chat.source, contacts.c.address == chat.address
    )
    found = (
        sa.select(surveys)
        .join(orders, sa.and_(orders.c.tenant == surveys.c.tenant, orders.c.id == surveys.c.order_id))
        .where(surveys.c.tenant == TENANT, orders.c.customer_id.in_(theirs), surveys.c.state == PARTIAL)
        .where(surveys.c.channel == chat.source, surveys.c.heard_at > chat.now - RESTS)
        .where(surveys.c.until_at >= chat.now)
        .order_by(surveys.c.heard_at.desc())
    )
    return chat.connection.execute(found.with_for_update(of=surveys)).all()


def _go_on(chat: Chat, survey: Survey, row: Any, given: Mapping[str, Any], say: Say) -> None:
    """Keep the answer at once and ask the next question, or say thank you."""
    following = open_question(survey, together(row.answers, given))
    keep(
        chat.connection, chat.dialect, chat.world, survey, row, given,
        channel=chat.source, now=chat.now, done=following is None,
    )  # fmt: skip
    if following is None:
        say(THANKS, chat.address, f"survey|{row.id}", "", row.customer_id, row.order_id)
        return
    question = {
        "tenant": TENANT,
        "slot": slot_of(row.order_id),
        "key": key_of(TENANT, "survey", row.id, following.key, chat.source, chat.address),
        "order_id": row.order_id,
        "customer_id": row.customer_id,
        "template": QUESTION,
        "cls": "transactional",
        "recipient": f"chat:{chat.source}",
        "state": "due",
        "due_at": chat.now,
        "created_at": chat.now,
        "doc": {
            "via": [chat.source], "urgent": True, "address": chat.address, "survey": row.id, "question": following.key,
        },
    }  # fmt: skip
    write_messages(chat.connection, chat.dialect, chat.world, [question])
