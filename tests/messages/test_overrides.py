# ruff: noqa: E501  (tables are read across)
"""A merchant's own texts: found before the shipped ones, and refused with their place when something is wrong."""

from pathlib import Path

import pytest

from hub.config.model import PLAIN
from hub.messages import MissingData, NoTextError, Texts
from hub.plugin import Form

from .world import KYIV, link, world


def write(folder: Path, **files: str) -> Path:
    """`uk__shipped_sms="…"` becomes uk/shipped.sms."""
    for name, text in files.items():
        *folders, last = name.split("__")
        path = folder.joinpath(*folders, ".".join(last.rsplit("_", 1)).replace("_", "-"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def load(folder: Path, *shops: str) -> Texts:
    texts, problems = Texts.load(folder, dict.fromkeys(shops, PLAIN))
    assert problems == ()
    return texts


def sms(texts: Texts, template: str = "shipped", locale: str = "uk", shop: str | None = None) -> str:
    return texts.render(template, form=Form.SMS, locale=locale, names=world("en"), zone=KYIV, link=link, shop=shop).text


def mail(texts: Texts, template: str = "shipped", shop: str | None = None, locale: str = "en") -> str:
    made = texts.render(template, form=Form.MAIL, locale=locale, names=world("en"), zone=KYIV, link=link, shop=shop)
    return made.html


def test_a_shops_own_text_comes_before_the_merchants_and_that_before_the_shipped_one(tmp_path: Path) -> None:
    texts = load(
        write(tmp_path, uk__shipped_sms="Їде {{ order.number }}", ziarno__uk__shipped_sms="Ziarno: {{ order.number }}"),
        "ziarno",
        "kavovar",
    )
    assert sms(texts, shop="ziarno") == "Ziarno: 1001"
    assert sms(texts, shop="kavovar") == "Їде 1001"
    assert sms(texts) == "Їде 1001"
    assert sms(texts, "delivered", shop="ziarno").startswith("Kavovar: замовлення 1001")


def test_language_counts_before_place(tmp_path: Path) -> None:
    texts = load(write(tmp_path, uk__shipped_sms="Їде {{ order.number }}"))
    assert texts.locale_for("shipped", "sms", ["pl", "uk"]) == "pl"


def test_a_text_of_ones_own_and_a_language_of_ones_own(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        uk__our_news_sms="Оплатіть {{ order.number }}",
        de__shipped_sms="Bestellung {{ order.number }} ist unterwegs, {{ shipment.count | plural('Paket', 'Pakete') }}",
        de__shipped_mail="subject: Unterwegs\n\nBestellung {{ order.number }}",
    )
    texts = load(folder)
    assert "our-news" in texts.names()
    assert texts.has("our-news", "uk", "sms")
    assert not texts.has("our-news", "uk", "mail")
    assert not texts.has("our-news", "en", "sms")
    assert sms(texts, locale="de") == "Bestellung 1001 ist unterwegs, Paket"
    assert texts.locale_for("shipped", "sms", ["de-AT"]) == "de"
    assert (
        texts.locale_for("shipped", "mail", ["de-AT"]) == "en"
    )  # no footer in German: never two languages in one mail
    write(folder, de__footer_mail="Fragen? {{ shop.support.email }}")
    assert load(folder).locale_for("shipped", "mail", ["de-AT"]) == "de"
    with pytest.raises(NoTextError):
        texts.locale_for("our-news", "sms", ["pl"])


def test_one_text_can_serve_every_form(tmp_path: Path) -> None:
    texts = load(write(tmp_path, en__hello_text="subject: Hello {{ order.number }}\n\nHello\n\nfrom {{ shop.name }}"))
    assert sms(texts, "hello", "en") == "Hello from Kavovar"
    made = texts.render("hello", form=Form.MAIL, locale="en", names=world("en"), zone=KYIV, link=link)
    assert made.subject == "Hello 1001"
    assert made.text.startswith("Hello\n\nfrom Kavovar\n")


def test_the_marks_become_paragraphs_lists_facts_and_links(tmp_path: Path) -> None:
    source = (
        "subject: S\nheadline: H\nbadge: {{ order.headline | status }}\npreheader: Before\nbutton: Go | https://shop.example/go\n"
        "\nOne\nline two\n\n- first\n- second\n\nWhere:: here\nWhen:: now\n\n"
        "[Our rules](https://shop.example/rules), https://shop.example/more. {% if order.gift %}\n\nGift{% endif %}"
    )
    texts = load(write(tmp_path, en__hello_mail=source))
    html = mail(texts, "hello")
    for piece in (
        "One<br>\nline two</p>", ">first</li>", ">Where</dt>", ">here</dd>", '<a href="https://shop.example/rules">Our rules</a>',
        '<a href="https://shop.example/more">https://shop.example/more</a>.', 'href="https://shop.example/go"', ">H</h1>", "Before", "Processing",
    ):  # fmt: skip
        assert piece in html, piece
    made = texts.render("hello", form=Form.MAIL, locale="en", names=world("en"), zone=KYIV, link=link)
    assert "Where: here\nWhen: now\n\nOur rules: https://shop.example/rules, https://shop.example/more." in made.text


def test_a_line_of_tags_that_comes_to_nothing_leaves_no_gap(tmp_path: Path) -> None:
    source = "A\n{% if order.gift %}\nB\n{% endif %}\n{% if order.gift %}C{% endif %}\nD\n\n\n\n{% if order.note %}E{% endif %}\n\nF"
    texts = load(write(tmp_path, en__hello_chat=source))
    made = texts.render("hello", form=Form.CHAT, locale="en", names=world("en"), zone=KYIV, link=link)
    assert made.text == "A\nD\n\nF"


def test_an_html_body_of_ones_own_stands_in_the_layout(tmp_path: Path) -> None:
    source = '<p>Hi {{ order.number }}</p>{% if shipment.tracking_url %}<a href="{{ shipment.tracking_url }}">Go</a>{% endif %}'
    folder = write(tmp_path, en__shipped_html=source)
    html = mail(load(folder))
    assert '<p>Hi 1001</p><a href="https://track.example/20450000000001">Go</a>' in html
    assert "<h1" in html
    write(folder, ziarno__en__shipped_mail="subject: Z\n\nZiarno sends {{ order.number }}")
    assert "Ziarno sends 1001" in mail(load(folder, "ziarno"), shop="ziarno")  # a nearer text stands before it


def test_a_layout_of_ones_own(tmp_path: Path) -> None:
    source = '<html lang="{{ mail.lang }}"><h1>{{ mail.headline }}</h1>{{ mail.content }}<small>{{ mail.footer }}</small></html>'
    folder = write(tmp_path, layout_html=source)
    assert mail(load(folder)).startswith('<html lang="en"><h1>Order 1001 is on its way</h1><p ')
    folder = write(tmp_path / "other", ziarno__layout_html=source)
    texts = load(folder, "ziarno")
    assert mail(texts, shop="ziarno").startswith('<html lang="en">')
    assert mail(texts).startswith("<!doctype html>")


def test_flows_own_names_and_plugins_filters_are_known(tmp_path: Path) -> None:
    folder = write(tmp_path, en__hello_sms="{{ discount }} {{ order.number | shout }} {{ order.note | shout }}")
    _, problems = Texts.load(folder)
    assert {each.code for each in problems} == {"jinja-name"}
    texts, problems = Texts.load(
        folder, extra_names=["discount"], filters={"shout": lambda value, locale: f"{value.upper()}\n!\x01"}
    )
    assert problems == ()
    names = world("en", order={"note": "a"}) | {"discount": 10}
    made = texts.render("hello", form=Form.SMS, locale="en", names=names, zone=KYIV, link=link)
    assert made.text == "10 1001 ! A !"


def test_needs_of_an_own_text_count(tmp_path: Path) -> None:
    texts = load(write(tmp_path, en__hello_sms="needs: [shipment.tracking_url, order.eta]\n\nHello {{ order.number }}"))
    assert texts.needs("hello") == ("order.eta", "shipment.tracking_url")
    with pytest.raises(MissingData) as missing:
        sms(texts, "hello", "en")
    assert missing.value.fields == ("order.eta",)


BROKEN = {
    "a name that is not there": ("uk__shipped_sms", "a\nb {{ order.nubmer }}", "uk/shipped.sms", 2, 12, "jinja-name"),
    "a construct that is not allowed": ("en__shipped_chat", "{% set x = 1 %}", "en/shipped.chat", 1, 4, "jinja-unsafe"),
    "syntax": ("en__shipped_chat", "a\n\n{{ order.number", "en/shipped.chat", 3, 1, "jinja-syntax"),
    "no subject": ("en__shipped_mail", "badge: x\n\ntext", "en/shipped.mail", 1, 1, "missing-setting"),
    "no text": ("en__shipped_mail", "subject: x\n\n", "en/shipped.mail", 3, 1, "missing-setting"),
    "a wrong subject": ("en__shipped_mail", "badge: x\nsubject: a {{ oops }}\n\nt", "en/shipped.mail", 2, 15, "jinja-name"),
    "no head": ("en__shipped_mail", "Hello you\n\ntext", "en/shipped.mail", 1, 1, "bad-value"),
    "a key that is not there": ("en__shipped_mail", "subject: x\nsubjct: y\n\nt", "en/shipped.mail", 2, 1, "unknown-setting"),
    "a key of another form": ("en__shipped_sms", "subject: x\n\ntext", "en/shipped.sms", 1, 1, "unknown-setting"),
    "a misspelt key": ("en__shipped_chat", "nedds: [order.number]\n\ntext", "en/shipped.chat", 1, 1, "unknown-setting"),
    "a key twice": ("en__shipped_mail", "subject: x\nsubject: y\n\nt", "en/shipped.mail", 2, 1, "conflicting-settings"),
    "needs that are no list": ("en__shipped_sms", "needs: order.number\n\nt", "en/shipped.sms", 1, 8, "bad-value"),
    "needs that are no field": ("en__shipped_sms", "needs: [order.nubmer]\n\nt", "en/shipped.sms", 1, 8, "jinja-name"),
    "must_contain": ("en__shipped_sms", "must_contain: [order.number]\n\nt", "en/shipped.sms", 1, 15, "missing-setting"),
    "must_contain words": ("en__shipped_sms", "must_contain: ['STOP']\n\nt", "en/shipped.sms", 1, 15, "missing-setting"),
    "a button without address": ("en__shipped_chat", "button: Go\n\nt", "en/shipped.chat", 1, 9, "bad-value"),
    "a wrong button": ("en__shipped_chat", "button: Go | {{ oops }}\n\nt", "en/shipped.chat", 1, 17, "jinja-name"),
    "a form that is not there": ("en__shipped_txt", "t", "en/shipped.txt", 1, 1, "bad-name"),
    "a folder that is no language": ("english__shipped_sms", "t", "english/shipped.sms", 1, 1, "bad-locale"),
    "a folder that is a country": ("ua__shipped_sms", "t", "ua/shipped.sms", 1, 1, "bad-locale"),
    "a shop that is not there": ("zarno__en__shipped_sms", "t", "zarno/en/shipped.sms", 1, 1, "unknown-shop"),
    "too deep": ("a__b__c__shipped_sms", "t", "a/b/c/shipped.sms", 1, 1, "bad-name"),
    "no folder": ("shipped_sms", "t", "shipped.sms", 1, 1, "bad-name"),
    "too long": ("en__shipped_sms", "t" * 65_537, "en/shipped.sms", 1, 1, "jinja-limit"),
    "words that a language lacks": (
        "de__shipped_sms", "{{ shipment.eta | day('on') }}", "de/shipped.sms", 1, 19, "jinja-name"),
    "a value in a script": ("en__shipped_html", "<script>{{ order.number }}</script>", "en/shipped.html", 1, 1, "jinja-unsafe"),
    "a handler": ("en__shipped_html", '<p onclick="x">{{ order.number }}</p>', "en/shipped.html", 1, 4, "jinja-unsafe"),
    "a text as address": ("en__shipped_html", '<a href="{{ order.number }}">', "en/shipped.html", 1, 10, "jinja-unsafe"),
    "half an address": ("en__shipped_html", '<a href="/x?{{ shop.url }}">', "en/shipped.html", 1, 13, "jinja-unsafe"),
    "no quotes": ("en__shipped_html", "<p class={{ order.number }}>", "en/shipped.html", 1, 10, "jinja-unsafe"),
    "in a tag": ("en__shipped_html", "<p {{ order.number }}>", "en/shipped.html", 1, 4, "jinja-unsafe"),
    "in a style": ("en__shipped_html", "<style>a{ {{ order.number }} }</style>", "en/shipped.html", 1, 11, "jinja-unsafe"),
    "in style=": ("en__shipped_html", '<p style="{{ order.number }}">', "en/shipped.html", 1, 11, "jinja-unsafe"),
    "in a comment": ("en__shipped_html", "<!-- {{ order.number }} -->", "en/shipped.html", 1, 6, "jinja-unsafe"),
    "a wrong layout": ("layout_html", "{{ mail.contents }}", "layout.html", 1, 9, "jinja-name"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_text_is_reported_with_its_place(case: str, tmp_path: Path) -> None:
    name, source, shown, line, column, code = BROKEN[case]
    folder = write(tmp_path / "messages", **{name: source})
    _, problems = Texts.load(folder, {"ziarno": PLAIN})
    first = problems[0]
    assert (first.file, first.line, first.column, first.code) == (f"messages/{shown}", line, column, code)
    assert first.severity == "E"
    assert first.text


def test_all_mistakes_of_a_folder_come_at_once(tmp_path: Path) -> None:
    _, problems = Texts.load(write(tmp_path, en__a_sms="{{ x }} {{ y }}", uk__b_sms="{{ z }}"))
    assert len(problems) == 3


def test_a_folder_that_is_not_there_and_files_beside_the_texts_are_no_mistakes(tmp_path: Path) -> None:
    assert Texts.load(tmp_path / "nowhere")[1] == ()
    assert Texts.load(None)[1] == ()
    write(tmp_path, README_md="notes")
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / ".shipped.sms.swp").write_bytes(b"\xff")
    (tmp_path / "en" / "shipped.sms~").write_text("{{")
    assert Texts.load(tmp_path)[1] == ()


def test_a_file_that_is_not_utf_8_is_reported_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "uk").mkdir()
    (tmp_path / "uk" / "shipped.sms").write_bytes("один\n".encode() + "два".encode("cp1251"))
    (problem,) = Texts.load(tmp_path)[1]
    assert (problem.line, problem.code) == (2, "yaml-encoding")


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("top secret")
    folder = write(tmp_path / "messages", en__a_sms="a")
    (folder / "en" / "b.sms").symlink_to(secret)
    texts, problems = Texts.load(folder)
    assert [each.code for each in problems] == ["include-outside"]
    assert "b" not in texts.names()


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    source = (
        "\ufeffsubject: Hello\r\n\r\nOne {{ order.number }}\r\n{% if order.gift %}\r\nTwo\r\n{% endif %}\r\nThree\r\n"
    )
    (tmp_path / "en" / "hello.mail").write_bytes(source.encode())
    made = load(tmp_path).render("hello", form=Form.MAIL, locale="en", names=world("en"), zone=KYIV, link=link)
    assert made.text.startswith("One 1001\nThree\n\n")
    assert made.subject == "Hello"


def test_a_mistake_in_the_head_is_shown_in_its_whole_line(tmp_path: Path) -> None:
    folder = write(tmp_path / "messages", uk__shipped_mail="subject: Їде {{ order.nummer }}\n\nТекст")
    texts, (problem,) = Texts.load(folder)
    assert (
        problem.snippet == "subject: Їде {{ order.nummer }}" and problem.snippet[problem.column - 1 :][:6] == "nummer"
    )
    assert texts.spoilt == {"shipped"}


def test_what_a_text_cannot_do_without(tmp_path: Path) -> None:
    body = "{{ order.number }} {{ shipment.eta or shop.name }} {% if payment.url %}{{ payment.url }}{% endif %}"
    head = "needs: [shipment.tracking_url]\n\n"
    texts = load(write(tmp_path, uk__our_news_sms=head + body))
    found = texts.always("our-news", "uk", "sms")
    assert {each for each in found if "." in each} == {"order.number", "shipment.tracking_url"}
    assert texts.always("our-news", "pl", "sms") == frozenset()
    assert list(texts.own) == ["our-news"]


PARCEL = {"kavovar": "parcel", "ziarno": "plain"}


def voiced(folder: Path) -> Texts:
    texts, problems = Texts.load(folder, PARCEL)
    assert problems == ()
    return texts


def test_a_shop_that_speaks_as_the_parcel_does_so_where_there_is_such_a_text(tmp_path: Path) -> None:
    texts = voiced(tmp_path)
    assert sms(texts, shop="kavovar", locale="en") != sms(texts, shop="ziarno", locale="en")
    assert sms(texts, shop="ziarno", locale="en") == sms(texts, locale="en")
    refunded = [sms(texts, "refunded", "en", shop=shop) for shop in PARCEL]
    assert refunded[0] == refunded[1]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"uk__shipped_sms": "merchant's plain"}, "merchant's plain"),
        ({"uk__shipped_sms": "plain", "uk__shipped.parcel_sms": "parcel"}, "parcel"),
        ({"uk__shipped.parcel_sms": "merchant's", "kavovar__uk__shipped_sms": "shop's plain"}, "shop's plain"),
        ({"uk__shipped.parcel_sms": "merchant's", "kavovar__uk__shipped.parcel_sms": "shop's"}, "shop's"),
        ({"uk__shipped.parcel_text": "one for every form", "uk__shipped_sms": "plain"}, "one for every form"),
        ({"ziarno__uk__shipped_sms": "another shop's", "uk__shipped.parcel_sms": "parcel"}, "parcel"),
    ],
)
def test_the_place_counts_before_the_voice(tmp_path: Path, files: dict[str, str], said: str) -> None:
    assert sms(voiced(write(tmp_path, **files)), shop="kavovar") == said


def test_the_language_counts_before_the_voice(tmp_path: Path) -> None:
    texts = voiced(write(tmp_path, de__hello_sms="Hallo", en__hello_parcel_sms="unused", en__hello_sms="Hello"))
    assert texts.locale_for("hello", "sms", ["de"], "kavovar") == "de"
    texts = voiced(write(tmp_path, **{"en__news.parcel_sms": "I am here"}))
    assert texts.has("news", "en", "sms", "kavovar")
    assert not texts.has("news", "en", "sms", "ziarno")
    assert "news" in texts.own


def test_a_mails_own_html_keeps_to_its_voice(tmp_path: Path) -> None:
    texts = voiced(write(tmp_path, **{"en__shipped.parcel_html": "<b>It is me</b>"}))
    assert "It is me" in mail(texts, shop="kavovar")
    assert "It is me" not in mail(texts, shop="ziarno")
    texts = voiced(write(tmp_path, en__shipped_html="<b>plain</b>", **{"en__shipped.parcel_mail": "subject: S\n\nMe"}))
    assert "It is me" in mail(texts, shop="kavovar")
    (tmp_path / "en" / "shipped.parcel.html").unlink()
    texts = voiced(tmp_path)
    assert "plain" not in mail(texts, shop="kavovar")
    assert "<b>plain</b>" in mail(texts, shop="ziarno")


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("shipped.parcl.sms", "bad-name", "'parcl' is not a voice: NAME.parcel.sms, or NAME.sms for the plain one; "),
        ("shipped.plain.sms", "bad-name", "'plain' is not a voice"),
        ("shipped.parcel.parcel.sms", "bad-name", "'parcel.parcel' is not a voice"),
        ("shipped.parcel.smss", "bad-name", "a text is called NAME.mail"),
    ],
)
def test_a_voice_that_there_is_not_is_refused_with_its_place(tmp_path: Path, name: str, code: str, said: str) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / name).write_text("x", "utf-8")
    (problem,) = Texts.load(tmp_path, PARCEL)[1]
    assert (problem.code, problem.file.endswith(f"en/{name}")) == (code, True)
    assert said in problem.text


def test_a_text_in_a_voice_that_no_shop_has_is_remarked_and_stays_usable(tmp_path: Path) -> None:
    folder = write(tmp_path, **{"ziarno__en__shipped.parcel_sms": "I", "en__shipped.parcel_sms": "I too"})
    texts, (problem,) = Texts.load(folder, PARCEL)
    assert (problem.code, problem.severity) == ("unused-text", "N")
    assert "ziarno/en/shipped.parcel.sms" in problem.file and "voice: parcel" in problem.text
    assert texts.spoilt == frozenset()
