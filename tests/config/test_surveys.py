"""`surveys` and the step that asks them, as they are written: what is meant, and where a mistake is told."""

from datetime import timedelta
from pathlib import Path

import pytest

from hub.config.model import Config
from hub.config.questions import SHIPPED, QuestionKind
from hub.flows.model import Ask, IfFails, MessageClass

from .fakes import GROUND, LINES, FakeTexts, load

STEP = "flows:\n  a:\n    on: order.received\n    steps:\n      - survey: "


def problems(folder: Path, text: str) -> list[str]:
    """`line:column code`; line 1 is the first line of `text`."""
    return [
        f"{each.line - LINES}:{each.column} {each.code}" for each in load(folder, GROUND + text, FakeTexts()).problems
    ]


def good(folder: Path, text: str) -> Config:
    loaded = load(folder, GROUND + text, FakeTexts())
    assert loaded.problems == () and loaded.config is not None
    return loaded.config


def test_the_shipped_five_and_a_comment_are_asked_unless_others_are(tmp_path: Path) -> None:
    survey = good(tmp_path, "surveys: {after: {template: delivered}}").surveys["after"]
    assert [each.key for each in survey.questions] == list(SHIPPED)
    assert [each.kind for each in survey.questions[-2:]] == [QuestionKind.RECOMMEND, QuestionKind.TEXT]
    assert (survey.open, survey.remind, survey.templates) == (timedelta(days=14), None, ("delivered",))


def test_questions_are_some_of_the_shipped_and_a_merchants_own(tmp_path: Path) -> None:
    own = "{key: fits, kind: yes_no, text: {uk: Чи підійшов розмір?, en: Does it fit?}}"
    survey = good(tmp_path, f"surveys: {{after: {{template: delivered, questions: [recommend, {own}]}}}}").surveys[
        "after"
    ]
    recommend, fits = survey.questions
    assert recommend is SHIPPED["recommend"]
    assert (fits.key, fits.said("uk"), fits.said("pl")) == ("fits", "Чи підійшов розмір?", "Does it fit?")


def test_the_step_reads_as_it_is_written(tmp_path: Path) -> None:
    config = good(tmp_path, "surveys: {after: {template: delivered}}\n" + STEP + "{name: after, via: letter}\n")
    asks = Ask("survey:after", "after", "customer", "letter", MessageClass.FEEDBACK, IfFails.STOP)
    assert config.flows["a"].steps == (asks,)


OWN = "{template: delivered, questions: [{key: a, %s}]}"


@pytest.mark.parametrize(
    ("survey", "told"),
    [
        ("{open: 14d}", "1:11 missing-setting"),
        ("{template: nothing-of-it}", "1:25 unknown-template"),
        ("{template: delivered, remind: 4d}", "1:36 unknown-template"),
        ("{template: delivered, open: 2d, remind: 3d}", "1:14 bad-value"),
        ("{template: delivered, open: soon}", "1:42 bad-length"),
        ("{template: delivered, questions: []}", "1:47 bad-value"),
        ("{template: delivered, questions: [prodct]}", "1:48 bad-value"),
        ("{template: delivered, questions: [product, product]}", "1:57 bad-value"),
        ("{template: delivered, questions: [comment]}", "1:47 bad-value"),
        (OWN % "kind: scale, text: {en: x}", "1:63 bad-value"),
        (OWN % "kind: stars, text: {}", "1:76 bad-value"),
        (OWN % "kind: stars, text: {ua: x}", "1:77 bad-locale"),
        (OWN % "kind: stars, text: {en: ''}", "1:81 bad-value"),
        (OWN % "kind: stars", "1:48 missing-setting"),
    ],
)
def test_a_mistake_in_a_survey_is_told_in_its_place(tmp_path: Path, survey: str, told: str) -> None:
    assert problems(tmp_path, f"surveys: {{a: {survey}}}") == [told]


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("{name: aftr}", "6:24 unknown-survey"),
        ("{nme: after}", "6:18 unknown-setting"),
        ("{name: after, to: support}", "6:35 bad-value"),
        ("{name: after, to: nobody}", "6:35 unknown-staff"),
        ("{name: after, to: recipient}", "6:35 not-yet"),
        ("{name: after, via: lettr}", "6:36 unknown-route"),
        ("{name: after, if_fails: x}", "6:41 bad-value"),
        ("{name: after}\n      - survey: {name: after}", "7:9 step-needs-id"),
    ],
)
def test_a_mistake_in_the_step_is_told_in_its_place(tmp_path: Path, step: str, told: str) -> None:
    assert problems(tmp_path, "surveys: {after: {template: delivered}}\n" + STEP + step + "\n") == [told]
