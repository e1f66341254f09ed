"""What a customer's words are about."""

import pytest

from hub.pipeline.topics import TOPICS, WORDS, topic_of

SAID = [
    ("Where is my order?", "status"),
    ("When will it arrive", "status"),
    ("Де моє замовлення?", "status"),
    ("коли приїде посилка", "status"),
    ("Gdzie jest moja paczka?", "status"),
    ("Где мой заказ", "status"),
    ("?", "status"),
    ("The cup is broken", "complaint"),
    ("it doesn’t work", "complaint"),
    ("чашка розбита", "complaint"),
    ("Ekspres nie działa!", "complaint"),
    ("кофеварка сломана, где возврат?", "complaint"),
    ("I want to return it", "return"),
    ("хочу повернути каву", "return"),
    ("jak zrobić zwrot?", "return"),
    ("как вернуть?", "return"),
    ("Можна іншу адресу?", "address"),
    ("proszę zmienić adres", "address"),
    ("перенаправьте на другой адрес", "address"),
    ("Do you have decaf?", "other"),
    ("декаф маєте?", "other"),
    ("дякую!", ""),
    ("Thank you.", ""),
    ("👍", ""),
    ("", ""),
]


@pytest.mark.parametrize(("text", "topic"), SAID, ids=[text for text, _ in SAID])
def test_a_line_is_sorted_by_the_words_in_it(text: str, topic: str) -> None:
    assert topic_of(text) == topic


def test_every_language_has_words_for_every_topic() -> None:
    assert set(WORDS) == set(TOPICS) - {"other"}
    for stems in WORDS.values():
        assert set(stems) == {"en", "uk", "pl", "ru"} and all(stems.values())


@pytest.mark.parametrize("text", ["x" * 100_000, "де " * 50_000, "\u202e\0" * 1000], ids=["long", "many", "control"])
def test_any_text_has_a_topic(text: str) -> None:
    assert topic_of(text) in TOPICS
