"""What a message costs: the sandbox's count against the hub's own, over the vectors of the dossier."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.messages import sms_segments
from plugins.channels.smsapi.sandbox_parts import is_unicode, normalised, parts

from .conftest import Asking

VECTORS = [
    ("a" * 160, "GSM-7", 1, 1),
    ("a" * 161, "GSM-7", 2, 2),
    ("a" * 306, "GSM-7", 2, 2),
    ("a" * 307, "GSM-7", 3, 3),
    ("€" * 80, "GSM-7", 1, 1),
    ("€" * 81, "GSM-7", 2, 2),
    (("a" * 152 + "€") * 2, "GSM-7", 3, 3),
    ("ж" * 70, "UCS-2", 1, 1),
    ("ж" * 71, "UCS-2", 2, 2),
    ("ж" * 134, "UCS-2", 2, 2),
    ("ж" * 135, "UCS-2", 3, 3),
    ("📦" * 35, "UCS-2", 1, 1),
    ("📦" * 36, "UCS-2", 2, 2),
    ("ж" * 66 + "📦" + "ж" * 66, "UCS-2", 3, 2),
    (
        "Twoja paczka 1042 czeka w paczkomacie KRA01M. Kod odbioru: 123456. Odbierz do 12.11. Sklep",
        "GSM-7",
        1,
        1,
    ),
    ("Twoja paczka 1042 została nadana", "UCS-2", 1, 1),
    ("Kraków", "UCS-2", 1, 1),
    (
        "Замовлення №1042 прибуло у відділення НП №17. Заберіть до 12.11. Трекінг: https://shop.ua/t/9f3c",
        "UCS-2",
        2,
        2,
    ),
]
"""(text, alphabet, parts of the hub's strict count, parts that a gateway charges), from sms.md section 0."""


@pytest.mark.parametrize(("text", "alphabet", "strict", "charged"), VECTORS)
def test_the_dossiers_vectors(text: str, alphabet: str, strict: int, charged: int) -> None:
    found = sms_segments(text)
    assert (found.encoding, found.segments) == (alphabet, strict)
    assert (is_unicode(text), parts(text)) == (alphabet == "UCS-2", charged)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=400))
def test_both_counts_agree_on_the_alphabet_and_nearly_on_the_parts(text: str) -> None:
    found = sms_segments(text)
    assert is_unicode(text) == bool(found.offending)
    assert parts(text) <= found.segments <= parts(text) + 1 + found.segments // 30


def test_the_hub_names_the_letter_that_makes_it_dear() -> None:
    assert sms_segments("Twoja paczka czeka w Krakówie, odbiór: ul. Długa").offending == "ół"


def test_normalising_brings_polish_back_into_the_cheap_alphabet() -> None:
    assert normalised("Zażółć gęślą jaźń") == "Zazolc gesla jazn"
    assert not is_unicode(normalised("Zażółć gęślą jaźń"))


async def test_an_answer_tells_parts_and_points(api: Asking) -> None:
    answer = await api.send(message="ó" * 71, details="1")
    assert (answer["parts"], answer["length"], answer["list"][0]["points"]) == (2, 71, 0.33)
