"""Answers: what is understood of what comes, and what flows read of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.config.questions import SHIPPED, Question, QuestionKind, Survey
from hub.pipeline.answers import (
    MOST_WORDS,
    answer_names,
    is_whole,
    open_question,
    together,
    understood,
    words_of,
)
from hub.pipeline.survey_chat import buttons_for, pressed
from hub.plugin import Button

FIVE = Survey("after", "five-questions")
WHOLE = {"product": 5, "expectations": 4, "delivery": 1, "service": 3, "recommend": 9}


@pytest.mark.parametrize(
    ("given", "understood_as"),
    [
        ({"product": "5", "recommend": "0"}, {"product": 5, "recommend": 0}),
        ({"product": "0"}, {}),
        ({"product": "6"}, {}),
        ({"recommend": "11"}, {}),
        ({"recommend": "-1"}, {}),
        ({"recommend": "٣"}, {}),
        ({"recommend": "9" * 5000}, {}),
        ({"recommend": " 9"}, {}),
        ({"recommend": ""}, {}),
        ({"stranger": "5"}, {}),
        ({"comment": "  Good\r\ncoffee \x00\x1b[31m\u202e "}, {"comment": "Good\ncoffee [31m"}),
        ({"comment": ""}, {"comment": ""}),
    ],
)
def test_only_what_answers_a_question_is_understood(given: dict[str, str], understood_as: dict[str, Any]) -> None:
    assert understood(FIVE, given) == understood_as


@given(st.text(max_size=10_000))
def test_words_are_kept_short_and_show_nothing_that_steers(text: str) -> None:
    kept = words_of(text)
    assert len(kept) <= MOST_WORDS and kept == words_of(kept)
    assert not set(kept) & set("\x00\x1b\r\u202e\u2066\ud800")


def test_the_newest_word_counts_and_empty_words_take_back() -> None:
    assert together({"product": 1, "comment": "bad"}, {"product": 5, "comment": ""}) == {"product": 5}


def test_a_comment_is_a_gift() -> None:
    assert is_whole(FIVE, WHOLE) and not is_whole(FIVE, {"product": 5})
    assert open_question(FIVE, WHOLE) == SHIPPED["comment"]
    assert open_question(FIVE, {**WHOLE, "comment": None}) is None


def test_flows_read_what_was_given_and_nothing_that_was_passed_over() -> None:
    assert answer_names(FIVE, {**WHOLE, "service": None, "comment": "Good"}) == {
        "survey": "after",
        "nps": 9,
        "scores": {"product": 5, "expectations": 4, "delivery": 1, "recommend": 9},
        "text": "Good",
        "complete": True,
    }
    assert answer_names(FIVE, {"recommend": None}) == {"survey": "after", "scores": {}, "complete": False}


def test_what_the_file_does_not_ask_any_more_is_no_answer() -> None:
    short = Survey("after", "five-questions", questions=(SHIPPED["product"],))
    assert answer_names(short, WHOLE) == {"survey": "after", "scores": {"product": 5}, "complete": True}


# ------------------------------------------------------------------------------------------------ buttons

SECRET = b"s" * 32
HERE = {"secret": SECRET, "channel": "bot", "address": "501"}


def made(question: Question) -> tuple[Button, ...]:
    return buttons_for(question, "a" * 24, "uk", **HERE)  # type: ignore[arg-type]


@pytest.mark.parametrize("question", SHIPPED.values(), ids=SHIPPED)
def test_every_button_fits_and_is_understood_where_it_was_sent(question: Question) -> None:
    marks = []
    for button in made(question):
        assert len(button.data.encode()) <= 64
        press = pressed(button.data, **HERE)  # type: ignore[arg-type]
        assert press is not None and press.survey == "a" * 24 and press.answers(FIVE) is question
        marks.append(press.mark)
    assert marks == [*map(str, question.marks), "-"]


def test_a_button_counts_only_in_the_chat_that_it_was_sent_to() -> None:
    data = made(SHIPPED["recommend"])[0].data
    for other in ({"address": "502"}, {"channel": "bot2"}, {"secret": b"t" * 32}):
        assert pressed(data, **{**HERE, **other}) is None  # type: ignore[arg-type]


def test_no_character_of_a_button_can_be_changed() -> None:
    data = made(SHIPPED["recommend"])[10].data
    for at, was in enumerate(data):
        other = "1" if was == "0" else "0"
        assert pressed(data[:at] + other + data[at + 1 :], **HERE) is None  # type: ignore[arg-type]


@given(st.text(st.characters(), max_size=80))
def test_what_is_no_button_of_ours_is_not_heard(data: str) -> None:
    assert pressed(data, **HERE) is None  # type: ignore[arg-type]


def test_every_question_is_asked_in_every_language() -> None:
    for question in SHIPPED.values():
        said = {question.said(language) for language in ("en", "uk", "pl", "ru")}
        assert len(said) == 4 and all(each.endswith("?") for each in said)
    own = Question("size", QuestionKind.YES_NO, {"uk": "Чи підійшов розмір?"})
    assert own.said("pl") == "Чи підійшов розмір?", "rather in another language than not at all"
    assert [own.shown(mark, "pl") for mark in own.marks] == ["Tak", "Nie"]
