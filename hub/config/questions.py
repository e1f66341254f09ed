"""Surveys and their questions: what can be asked, what the shipped five ask, and in which words. Data; the wording of
a merchant's own questions is theirs.

The shipped five are those of after-sales care: the product, how it met expectations, buying and delivery, the service
(each a satisfaction from 1 to 5), and would you recommend us (0 to 10, the question of the Net Promoter Score:
Reichheld, "The One Number You Need to Grow", HBR 12/2003); and a free comment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

Words = Mapping[str, str]
"""Language → what is said."""


class QuestionKind(StrEnum):
    """How a question is answered."""

    STARS = "stars"
    RECOMMEND = "recommend"
    YES_NO = "yes_no"
    TEXT = "text"


MARKS: Mapping[QuestionKind, Sequence[int]] = {
    QuestionKind.STARS: range(1, 6),
    QuestionKind.RECOMMEND: range(11),
    QuestionKind.YES_NO: (1, 0),
    QuestionKind.TEXT: (),
}
"""What can be chosen, in the order in which it is shown; nothing where words are written."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a survey, by its key."""

    key: str
    kind: QuestionKind
    text: Words

    @property
    def marks(self) -> Sequence[int]:
        """What can be chosen."""
        return MARKS[self.kind]

    def said(self, language: str) -> str:
        """The question in a language, else in English, else in the first that it was written in."""
        return self.text.get(language) or self.text.get("en") or next(iter(self.text.values()))

    def shown(self, mark: int, language: str) -> str:
        """A choice as a person reads it."""
        return YES_NO[language][mark] if self.kind is QuestionKind.YES_NO else str(mark)

    def ends(self, language: str) -> tuple[str, str] | None:
        """What the lowest and the highest choice mean, where the numbers alone do not tell."""
        return ENDS[self.kind][language] if self.kind in ENDS else None


ENDS: Mapping[QuestionKind, Mapping[str, tuple[str, str]]] = {
    QuestionKind.STARS: {
        "en": ("not at all", "completely"),
        "uk": ("зовсім ні", "цілком"),
        "pl": ("zdecydowanie nie", "zdecydowanie tak"),
        "ru": ("совсем нет", "полностью"),
    },
    QuestionKind.RECOMMEND: {
        "en": ("certainly not", "most certainly"),
        "uk": ("точно ні", "обов’язково"),
        "pl": ("na pewno nie", "na pewno tak"),
        "ru": ("точно нет", "обязательно"),
    },
}
YES_NO: Mapping[str, tuple[str, str]] = {
    "en": ("No", "Yes"),
    "uk": ("Ні", "Так"),
    "pl": ("Nie", "Tak"),
    "ru": ("Нет", "Да"),
}
"""By mark: 0 is no."""
SKIP: Words = {"en": "Skip", "uk": "Пропустити", "pl": "Pomiń", "ru": "Пропустить"}
WRITE_HERE: Words = {
    "en": "Just write it here.",
    "uk": "Просто напишіть тут.",
    "pl": "Po prostu napisz tutaj.",
    "ru": "Просто напишите здесь.",
}
"""How a question is answered in a chat that wants words."""

SHIPPED: Mapping[str, Question] = {
    each.key: each
    for each in (
        Question(
            "product",
            QuestionKind.STARS,
            {
                "en": "Are you happy with what you bought?",
                "uk": "Чи задоволені ви самим товаром?",
                "pl": "Czy podoba Ci się sam produkt?",
                "ru": "Довольны ли вы самим товаром?",
            },
        ),
        Question(
            "expectations",
            QuestionKind.STARS,
            {
                "en": "Is it what you expected?",
                "uk": "Чи виправдав він ваші очікування?",
                "pl": "Czy spełnia Twoje oczekiwania?",
                "ru": "Оправдал ли он ваши ожидания?",
            },
        ),
        Question(
            "delivery",
            QuestionKind.STARS,
            {
                "en": "Did buying and delivery go well?",
                "uk": "Чи задоволені ви покупкою й доставкою?",
                "pl": "Czy zakup i dostawa poszły gładko?",
                "ru": "Довольны ли вы покупкой и доставкой?",
            },
        ),
        Question(
            "service",
            QuestionKind.STARS,
            {
                "en": "Are you happy with our service?",
                "uk": "Чи задоволені ви нашим обслуговуванням?",
                "pl": "Czy odpowiada Ci nasza obsługa?",
                "ru": "Довольны ли вы нашим обслуживанием?",
            },
        ),
        Question(
            "recommend",
            QuestionKind.RECOMMEND,
            {
                "en": "Would you recommend us to a friend?",
                "uk": "Чи порадите ви нас друзям?",
                "pl": "Czy polecisz nas znajomym?",
                "ru": "Посоветуете ли вы нас друзьям?",
            },
        ),
        Question(
            "comment",
            QuestionKind.TEXT,
            {
                "en": "Anything you would like to add?",
                "uk": "Хочете щось додати?",
                "pl": "Chcesz coś dodać?",
                "ru": "Хотите что-нибудь добавить?",
            },
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Survey:
    """Questions to a customer: `template` invites (and `<template>-reminder` reminds, `remind` after the invitation),
    answers are taken for `open`. The last question of the kind `text` is the comment."""

    name: str
    template: str
    open: timedelta = timedelta(days=14)
    remind: timedelta | None = None
    questions: tuple[Question, ...] = tuple(SHIPPED.values())

    @property
    def reminder(self) -> str:
        """The text that reminds."""
        return f"{self.template}-reminder"

    @property
    def templates(self) -> tuple[str, ...]:
        """The texts that it needs."""
        return (self.template, self.reminder) if self.remind else (self.template,)

    def question(self, key: str) -> Question | None:
        """The question with this key."""
        return next((each for each in self.questions if each.key == key), None)

    def first(self, kind: QuestionKind) -> Question | None:
        """The first question of a kind."""
        return next((each for each in self.questions if each.kind is kind), None)
