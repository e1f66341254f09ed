"""What an SMS costs."""

import pytest

from hub.messages import Segments, sms_segments
from hub.messages._sms import cheaper


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments("GSM-7", 1)),
        ("a" * 160, Segments("GSM-7", 1)),
        ("a" * 161, Segments("GSM-7", 2)),
        ("a" * 306, Segments("GSM-7", 2)),
        ("a" * 307, Segments("GSM-7", 3)),
        ("€" * 80, Segments("GSM-7", 1)),
        ("€" * 81, Segments("GSM-7", 2)),
        ("a" * 152 + "€" + "a" * 153, Segments("GSM-7", 3)),
        ("[{]}\\~^|€", Segments("GSM-7", 1)),
        ("@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉäöñüà§¿¡", Segments("GSM-7", 1)),
        ("ї" * 70, Segments("UCS-2", 1, "ї")),
        ("ї" * 71, Segments("UCS-2", 2, "ї")),
        ("ї" * 134, Segments("UCS-2", 2, "ї")),
        ("ї" * 135, Segments("UCS-2", 3, "ї")),
        ("a" * 69 + "“", Segments("UCS-2", 1, "“")),
        ("😀" * 35, Segments("UCS-2", 1, "😀")),
        ("😀" * 36, Segments("UCS-2", 2, "😀")),
        ("😀" * 67, Segments("UCS-2", 3, "😀")),
        ("ąbąćb", Segments("UCS-2", 1, "ąć")),
        ("a\u00a0b", Segments("UCS-2", 1, "\u00a0")),
    ],
)
def test_a_text_has_its_alphabet_and_parts(text: str, expected: Segments) -> None:
    assert sms_segments(text) == expected


@pytest.mark.parametrize(
    ("text", "cheap"),
    [
        ("zamówienie już czeka: 1 450,00 zł", "zamowienie juz czeka: 1 450,00 zl"),
        ("Zażółć gęślą jaźń – ŁÓDŹ", "Zazolc gesla jazn - LODZ"),
        ("“Best” … café", '"Best" ... café'),
        ("№ 5 — готово…", "№ 5 — готово…"),
        ("готово\u00a0вже", "готово вже"),
        ("plain", "plain"),
        ("ok 😀 ą", "ok 😀 ą"),
    ],
)
def test_a_text_is_made_cheaper_only_where_that_helps(text: str, cheap: str) -> None:
    assert cheaper(text) == cheap
