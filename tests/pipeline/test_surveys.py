"""Surveys over a database: who can be asked at all, and what a file that changed meanwhile does to them."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hub.config.questions import Survey
from hub.pipeline.surveys import find_survey, keep, survey_id
from hub.plugin import Outcome, Permanent, Transient
from hub.store import tables
from tests.e2e.hamlet import START, Hamlet, hamlet

from .fakes import ORDER, order

ASK: Mapping[str, Any] = {"on": "order.received", "steps": [{"survey": {"name": "after", "via": ["sms", "mail"]}}]}
AFTER = Survey("after", "five-questions")


async def asked(it: Hamlet) -> None:
    await it.hear("shop", "order:1", order("09:59", "order.received", placed="09:59"))
    await it.advance(minutes=5)


async def test_without_a_page_a_mail_cannot_ask(tmp_path: Path) -> None:
    async with hamlet(tmp_path, {"ask": ASK}, surveys={"after": AFTER}, public_url=None) as it:
        await asked(it)
        ((template, state, reason),) = await it.messages()
        assert (template, state) == ("five-questions", "failed")
        assert "mail: no page to answer on: hub.public_url is not set" in reason


async def test_a_survey_that_left_the_file_is_not_asked_and_the_run_goes_on(tmp_path: Path) -> None:
    steps = [*ASK["steps"], {"notify": {"template": "delivered", "via": ["mail"]}}]
    async with hamlet(tmp_path, {"ask": {**ASK, "steps": steps}}) as it:
        await asked(it)
        assert await it.rows(tables.surveys) == []
        lines = [row.doc["result"] for row in await it.rows(tables.timeline, tables.timeline.c.kind == "run")]
        assert lines == ["started", "survey:after: there is no such survey in the file any more", "done"]
        assert [template for template, _, _ in await it.messages()] == ["delivered"]


NOT_OUT = {"muted": "suppressed", "refused": "failed", "waits": "due"}


@pytest.mark.parametrize("why", ["", *NOT_OUT])
async def test_nobody_is_reminded_of_an_invitation_that_did_not_go_out(
    tmp_path: Path, database_url: str, why: str
) -> None:
    mute = [{"mute": {"classes": ["feedback"], "for": "1h"}}] if why == "muted" else []
    ask = {"on": "order.received", "steps": [*mute, {"survey": {"name": "after", "via": ["mail"]}}]}
    outcomes: Mapping[str, Outcome] = {
        "refused": Permanent("no such box"),
        "waits": Transient("closed", START + timedelta(days=1)),
    }
    surveys = {"after": replace(AFTER, remind=timedelta(hours=2))}
    async with hamlet(tmp_path, {"ask": ask}, surveys=surveys, database=database_url) as it:
        if why in outcomes:
            it.board.outcomes["mail"] = lambda channel, message: _is(outcomes[why])
        await asked(it)
        it.board.outcomes.clear()
        await it.advance(hours=3)
        (_, invited, _), reminded = await it.messages()
    assert invited == NOT_OUT.get(why, "sent")
    ends = ("suppressed", "stopped: the invitation did not go out") if why else ("sent", "")
    assert reminded == ("five-questions-reminder", *ends)


async def _is(outcome: Outcome) -> Outcome:
    return outcome


async def test_two_who_answer_at_once_lose_nothing(tmp_path: Path, database_url: str) -> None:
    async with hamlet(tmp_path, {"ask": ASK}, surveys={"after": AFTER}, database=database_url) as it:
        await asked(it)
        which, now = survey_id(ORDER, "after"), it.clock.now()

        def answer(connection: Any, given: Mapping[str, int]) -> None:
            row = find_survey(connection, which, to_change=True)
            dialect, world = it.hub.db.dialect, it.hub.world
            keep(connection, dialect, world, AFTER, row, given, channel="mail", now=now, done=True)

        keys = ("product", "expectations", "delivery", "service", "recommend")
        await asyncio.gather(*(it.hub.db.write(partial(answer, given={key: 4})) for key in keys))
        (row,) = await it.rows(tables.surveys)
        assert (row.state, row.answers) == ("answered", dict.fromkeys(keys, 4))
