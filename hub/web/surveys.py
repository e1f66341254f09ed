"""The page of a survey by its signed link. Opening it writes nothing, whatever its address proposes; what is sent is
kept, also where something is missing yet. Missing, unknown and expired links, and those of orders that are gone or
somebody else's by now, look alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.config.model import Shop
from hub.config.questions import Question, Survey
from hub.pipeline.answers import MOST_WORDS, understood
from hub.pipeline.documents import load
from hub.pipeline.surveys import ANSWERED, find_survey, keep
from hub.pipeline.world import World
from hub.store.links import find_link, order_of
from hub.store.tables import TENANT, orders

from .words import WORDS


@dataclass(frozen=True, slots=True)
class OpenSurvey:
    """What a good link opens."""

    survey: Survey
    row: Any
    answers: Mapping[str, Any]
    shop: Shop
    number: str
    locale: str
    """The order's language, as a tag."""
    channel: str = ""
    """By which channel the link came."""
    finished: bool = False
    """Everything was sent."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One button of a row."""

    value: int
    text: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """One question as it stands on the page: `choices`, or a field for words."""

    key: str
    text: str
    low: str
    high: str
    choices: tuple[Choice, ...]
    words: str
    missing: bool


@dataclass(frozen=True, slots=True)
class SurveyPage:
    """Everything that the page shows."""

    shop: str
    shop_url: str
    title: str
    questions: tuple[AskedQuestion, ...]
    saved: str
    most_words: int = MOST_WORDS


def open_survey(
    connection: sa.Connection, world: World, token: str, now: datetime, *, to_change: bool = False
) -> OpenSurvey | None:
    """A handful of look-ups by key."""
    link = find_link(connection, token, "survey", now)
    if link is None:
        return None
    customer, channel, which = order_of(link.ref)
    row = find_survey(connection, which, to_change=to_change)
    survey = world.config.surveys.get(row.name) if row is not None else None
    if row is None or survey is None or now > row.until_at:
        return None
    found = sa.select(orders).where(orders.c.tenant == TENANT, orders.c.id == row.order_id)
    order = connection.execute(found).first()
    if order is None or order.customer_id != customer or order.connection not in world.config.connections:
        return None
    doc = load(order.doc)
    if doc.removed_at is not None or doc.snapshot is None:
        return None
    shop = world.shop_of(order.connection)
    locale = doc.locale or doc.snapshot.customer.locale or shop.locale
    return OpenSurvey(
        survey, row, row.answers, shop, doc.snapshot.number, locale, channel, finished=row.state == ANSWERED
    )  # fmt: skip


def answer(
    connection: sa.Connection, world: World, token: str, given: Mapping[str, str], now: datetime
) -> OpenSurvey | None:
    """Keep what was sent; what was sent whole before stays as it was."""
    found = open_survey(connection, world, token, now, to_change=True)
    if found is None or found.finished:
        return found
    keep(
        connection, connection.dialect.name, world, found.survey, found.row, understood(found.survey, given),
        channel=found.channel, now=now, done=True,
    )  # fmt: skip
    return open_survey(connection, world, token, now)


def survey_page(found: OpenSurvey, lang: str, proposed: Mapping[str, str], *, saved: bool) -> SurveyPage:
    """The page in a language. `proposed`: what the address of the link chooses already; `saved`: something was sent
    and something is still missing."""
    say, known = WORDS[lang], {**found.answers, **understood(found.survey, proposed)}
    asked = [_asked(each, lang, known, saved=saved) for each in found.survey.questions]
    left = sum(each.missing for each in asked)
    return SurveyPage(
        shop=found.shop.name,
        shop_url=found.shop.url,
        title=say["number"].format(number=found.number),
        questions=tuple(asked),
        saved=say["survey_saved"].format(n=left) if saved else "",
    )


def _asked(question: Question, lang: str, known: Mapping[str, Any], *, saved: bool) -> AskedQuestion:
    value, ends = known.get(question.key), question.ends(lang)
    choices = tuple(Choice(mark, question.shown(mark, lang), value == mark) for mark in question.marks)
    low, high = ends or ("", "")
    words = value if isinstance(value, str) else ""
    missing = saved and bool(choices) and question.key not in known
    return AskedQuestion(question.key, question.said(lang), low, high, choices, words, missing)
