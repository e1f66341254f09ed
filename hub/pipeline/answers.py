"""What came back from a survey: reading what was given, adding it up, and what flows read of it. Pure.

Answers are key → the chosen mark, the words, or None for a question that was passed over in a chat.
"""

import unicodedata
from collections.abc import Mapping
from typing import Any

from hub.config.questions import Question, QuestionKind, Survey

MOST_WORDS = 2_000
"""Characters of a comment."""

Answers = Mapping[str, Any]


def understood(survey: Survey, given: Mapping[str, str]) -> dict[str, Any]:
    """The answers in what a form, a button or a chat gave; what is no answer to a question of this survey is left out.
    Empty words stay in: they take back what was written before."""
    read = ((each, _one(each, given[each.key])) for each in survey.questions if each.key in given)
    return {question.key: value for question, value in read if value is not None}


def _one(question: Question, text: str) -> int | str | None:
    if question.kind is QuestionKind.TEXT:
        return words_of(text)
    mark = int(text) if text.isascii() and text.isdigit() and len(text) <= 2 else None
    return mark if mark in question.marks else None


def words_of(text: str) -> str:
    """What somebody wrote, without what no page and no message can show, cut to its length."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")[: 2 * MOST_WORDS]
    kept = "".join(each for each in lines if each == "\n" or unicodedata.category(each) not in ("Cc", "Cf", "Cs", "Co"))
    return kept.strip()[:MOST_WORDS].strip()


def together(before: Answers, given: Answers) -> dict[str, Any]:
    """What is known after something more was given; the newest word on a question counts."""
    return {key: value for key, value in {**before, **given}.items() if value != ""}


def is_whole(survey: Survey, answers: Answers) -> bool:
    """Whether all that is answered by choosing is answered or passed over; a comment is a gift."""
    return all(each.key in answers for each in survey.questions if each.marks)


def open_question(survey: Survey, answers: Answers) -> Question | None:
    """What a chat asks next."""
    return next((each for each in survey.questions if each.key not in answers), None)


def answer_names(survey: Survey, answers: Answers) -> dict[str, Any]:
    """`answer` as conditions and texts read it (FLOWS 3); `nps` and `text` only where they were given."""
    chosen = {
        each.key: answers[each.key]
        for each in survey.questions
        if each.marks and isinstance(answers.get(each.key), int)
    }
    recommend = survey.first(QuestionKind.RECOMMEND)
    written = [str(answers[each.key]) for each in survey.questions if not each.marks and answers.get(each.key)]
    return {
        "survey": survey.name,
        **({"nps": chosen[recommend.key]} if recommend is not None and recommend.key in chosen else {}),
        "scores": chosen,
        **({"text": "\n".join(written)} if written else {}),
        "complete": is_whole(survey, answers),
    }
