"""What a mail looks like: the same, to any reader, as one that the standard library makes."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage, Message
from typing import Any

import pytest

from hub.plugin import Outgoing, Permanent
from plugins.channels.smtp._address import read_address
from plugins.channels.smtp._mime import BOUNDARY, Composer, Sender, encode_body

from .world import KEY, world

NOW = datetime(2026, 11, 5, 8, 30, tzinfo=UTC)
TEXTS = [
    "plain",
    "Замовлення 1042 вже в дорозі",
    "Paczka czeka w punkcie: Żółta Łódź",
    "two\nlines\n\nand a gap",
    ".\n..\n.hidden\nFrom the shop\n",
    "x" * 3000,
    "трейлінг   \nпробіли \t\n",
    "=E2=80=A8 =?utf-8?q?not=20a=20word?= 100 % = 5",
    "смайлик 📦" * 200,
    "",
]
NAMES = [
    "",
    "Anna",
    "Anna Nowak",
    "Nowak, Anna",
    'Anna "Ania" Nowak',
    "Анна Коваленко",
    "O'Neill <b@x.test>",
    "a\\b",
    "ї" * 21,
]
SUBJECTS = [
    "",
    "Order 1042",
    "Замовлення №1042",
    "word " * 40,
    "x" * 300,
    "double  blanks " * 12,
    "=?utf-8?b?0J8=?=",
    "я" * 399,
]


def composed(message: Outgoing, sender: str = "Kavovar <shop@kavovar.example>", **more: Any) -> bytes:
    return Composer(Sender(sender, **more)).compose(message, read_address(message.to), NOW)


def modern(content: bytes) -> EmailMessage:
    found = message_from_bytes(content, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def by_the_library(message: Outgoing) -> EmailMessage:
    """The same mail, made the slow way."""
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = Address("Kavovar", "shop", "kavovar.example")
    mail["To"] = Address(message.to_name, *message.to.split("@"))
    mail["Subject"] = message.subject.strip()
    mail["Message-ID"] = f"<{message.key}@kavovar.example>"
    mail["Date"] = NOW
    mail["Content-Language"] = message.locale
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    return modern(mail.as_bytes())


def meaning(mail: EmailMessage) -> dict[str, Any]:
    headers = {name.lower(): str(value) for name, value in mail.items() if not name.lower().startswith("content-")}
    addresses = [(each.display_name, each.addr_spec) for name in ("from", "to") for each in mail[name].addresses]
    parts = [
        (part.get_content_type(), part.get_content_charset(), str(part.get_content()).rstrip("\r\n"))
        for part in mail.walk()
        if not part.is_multipart()
    ]
    del headers["from"], headers["to"]
    return {**headers, "addresses": addresses, "parts": parts, "type": mail.get_content_type()}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("html", ["", "<p>Привіт, <b>Анно</b></p>\n.\n" * 60])
def test_a_mail_means_the_same_as_one_the_library_makes(text: str, html: str) -> None:
    message = Outgoing(key=KEY, to="anna@example.test", text=text, html=html, subject="Order 1042", to_name="Anna")
    assert meaning(modern(composed(message))) == meaning(by_the_library(message))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("subject", SUBJECTS)
def test_names_and_subjects_come_back_as_they_were(name: str, subject: str) -> None:
    message = Outgoing(key=KEY, to="anna@example.test", text="x", subject=subject, to_name=name)
    mail = modern(composed(message))
    assert str(mail["subject"]) == subject.strip()
    (address,) = mail["to"].addresses
    assert (address.display_name, address.addr_spec) == (name, "anna@example.test")


def test_a_name_too_long_for_one_encoded_word_is_whole_again() -> None:
    """By RFC 2047 6.2; the standard library's address parser of today puts blanks between the words."""
    name = "Дуже-Довге Прізвище-Зі-Складових" * 3
    content = composed(Outgoing(key=KEY, to="anna@example.test", text="x", to_name=name))
    value = str(message_from_bytes(content)["to"])
    assert str(make_header(decode_header(value))) == f"{name} <anna@example.test>"


@pytest.mark.parametrize("name", NAMES)
def test_the_shop_s_own_name_is_kept(name: str) -> None:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    mail = modern(composed(Outgoing(key=KEY, to="a@x.test", text="x"), sender=f'"{quoted}" <shop@kavovar.example>'))
    (address,) = mail["from"].addresses
    assert (address.display_name, address.addr_spec) == (name, "shop@kavovar.example")


def _lines(content: bytes) -> list[bytes]:
    assert content.endswith(b"\r\n")
    lines = content.split(b"\r\n")
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    return lines


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("subject", SUBJECTS)
def test_lines_are_short_seven_bit_and_end_in_crlf(text: str, subject: str) -> None:
    message = Outgoing(key=KEY, to="anna@example.test", text=text, html=f"<p>{text}</p>", subject=subject)
    content = composed(message)
    assert content.isascii()
    assert all(len(line) <= 78 for line in _lines(content))


def test_the_boundary_can_stand_in_no_body() -> None:
    for text in (f"--{BOUNDARY}", f"--{BOUNDARY}--\nX", f"я--{BOUNDARY}" * 50):
        _, content = encode_body(text)
        assert BOUNDARY.encode() not in content


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("a long text with little ą", "quoted-printable"), ("Привіт усім", "base64"), ("", "quoted-printable")],
)
def test_the_shorter_encoding_is_chosen(text: str, encoding: str) -> None:
    assert encode_body(text)[0] == encoding


def test_the_headers_of_a_plain_mail() -> None:
    mail = modern(
        composed(Outgoing(key=KEY, to="a@x.test", text="x", locale="uk"), reply_to="Help <help@shop.example>")
    )
    assert mail["message-id"] == f"<{KEY}@kavovar.example>"
    assert mail["date"] == "Thu, 05 Nov 2026 08:30:00 +0000"
    assert mail["auto-submitted"] == "auto-generated"
    assert mail["x-auto-response-suppress"] == "All"
    assert mail["reply-to"] == "Help <help@shop.example>"
    assert mail["content-language"] == "uk"
    for absent in ("in-reply-to", "references", "list-unsubscribe", "list-unsubscribe-post", "list-id", "bcc"):
        assert absent not in mail


def test_later_mails_of_an_order_answer_the_first() -> None:
    first, later = (modern(composed(Outgoing(key=key, to="a@x.test", text="x", thread=KEY))) for key in (KEY, "f" * 32))
    assert "in-reply-to" not in first
    assert later["in-reply-to"] == later["references"] == first["message-id"]


def test_a_mail_that_can_be_unsubscribed_from_says_how() -> None:
    link = "https://hub.shop.example/u/9Jx2pQ7T"
    message = Outgoing(key=KEY, to="a@x.test", text="x", unsubscribe_url=link)
    content = composed(message, list_id="news.shop.example")
    assert f"\r\nList-Unsubscribe: <{link}>\r\n".encode() in content
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in content
    assert b"\r\nList-Id: <news.shop.example>\r\n" in content
    assert b"List-Id" not in composed(Outgoing(key=KEY, to="a@x.test", text="x"), list_id="news.shop.example")


@pytest.mark.parametrize(
    "link",
    [
        "mailto:x@y.test",
        "javascript:alert(1)",
        "https://x.test/> , <https://evil.test/",
        "https://x.test/\r\nBcc: evil@x.test",
        "https://x.test/a b",
        "https://x.test/" + "a" * 600,
        "https://ї.test/",
    ],
)
async def test_an_unsubscribe_link_that_is_none_stops_the_mail(link: str) -> None:
    async with world() as shop:
        assert isinstance(await shop.send(unsubscribe_url=link), Permanent)
        assert shop.sandbox.connections == 0


def test_only_harmless_headers_can_be_added() -> None:
    added = {
        "X-Order": "1042 Київ",
        "Feedback-ID": "a:b:c:shop",
        "Bcc": "evil@x.test",
        "From": "evil@x.test",
        "X-Evil\r\nBcc": "evil@x.test",
        "X-Auto-Response-Suppress": "None",
        "X-Break": "1\r\nBcc: evil@x.test",
        "": "x",
    }
    mail = modern(composed(Outgoing(key=KEY, to="a@x.test", text="x", headers=added)))
    assert (mail["x-order"], mail["feedback-id"]) == ("1042 Київ", "a:b:c:shop")
    assert mail["x-break"] == "1  Bcc: evil@x.test"
    assert mail["bcc"] is None and mail.get_all("from") == ["Kavovar <shop@kavovar.example>"]
    assert mail.get_all("x-auto-response-suppress") == ["All"]


def test_a_unicode_local_part_stands_in_the_header_as_it_is() -> None:
    content = composed(Outgoing(key=KEY, to="анна@приклад.test", text="x", to_name="Анна"))
    assert "To: =?utf-8?b?0JDQvdC90LA=?=\r\n <анна@xn--80aikifvh.test>\r\n" in content.decode()


def test_a_key_of_another_shape_still_makes_a_message_id() -> None:
    for key in ("short-1", "with blank", "x>\r\nBcc: e@x.test", "ї" * 40):
        mail: Message = modern(composed(Outgoing(key=key, to="a@x.test", text="x")))
        assert str(mail["message-id"]).endswith("@kavovar.example>")
        assert mail["bcc"] is None


def test_skeletons_are_kept_by_template_and_language_and_not_without_end() -> None:
    composer = Composer(Sender("shop@kavovar.example"), keep=8)
    to = read_address("a@x.test")
    for number in range(100):
        for locale in ("en", "uk"):
            message = Outgoing(key=KEY, to="a@x.test", text="x", html="<p>", skeleton=f"t{number % 4}", locale=locale)
            assert f"Content-Language: {locale}".encode() in composer.compose(message, to, NOW)
    assert len(composer._skeletons) == 8
    for number in range(100):
        composer.compose(Outgoing(key=KEY, to="a@x.test", text="x", skeleton=f"u{number}"), to, NOW)
    assert len(composer._skeletons) == 8
