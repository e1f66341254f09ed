"""The shipped texts: every one exists in every language and form, and reads as its snapshot says.

`UPDATE_SNAPSHOTS=1` writes the snapshots anew; then read the difference.
"""

import os
import re
from pathlib import Path

import pytest

from hub.messages import Rendering, Texts, sms_segments
from hub.messages._file import FRAME, Reading, parse_file, read_text
from hub.messages._texts import SHIPPED
from hub.plugin import Form

from .world import CHAT_ONLY, CUSTOMER, KYIV, LOCALES, STAFF, WARSAW, link, sample, shipment, waiting, world

SNAPSHOTS = Path(__file__).parent / "snapshots"
TEXTS, PROBLEMS = Texts.load()
FORMS = {
    **dict.fromkeys(CUSTOMER, ("mail", "chat", "sms")),
    **dict.fromkeys(CHAT_ONLY, ("chat",)),
    **dict.fromkeys(STAFF, ("mail", "chat")),
    **dict.fromkeys(("staff-escalation", "staff-overdue", "staff-handed-over"), ("mail", "chat", "sms")),
}
ALL = [(name, form, locale) for name, forms in FORMS.items() for form in forms for locale in LOCALES]


def render(name: str, form: str, locale: str, **more: object) -> Rendering:
    names = {**sample(name, locale), **more}
    zone = WARSAW if locale == "pl" else KYIV
    return TEXTS.render(name, form=Form(form), locale=locale, names=names, zone=zone, link=link)


def snapshot(path: Path, text: str) -> None:
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8"), f"{path.name} reads otherwise now; see this file's docstring"


def shown(made: Rendering, form: str) -> str:
    """A rendering as it is kept: the subject, the text, the buttons; an SMS with what it costs."""
    parts = [f"Subject: {made.subject}\n"] if made.subject else []
    parts.append(made.text.rstrip("\n"))
    parts.extend(f"[{button.text}] {button.url}" for button in made.buttons if form == "chat")
    if form == "sms":
        cost = sms_segments(made.text)
        parts.append(f"({len(made.text)} characters, {cost.encoding}, parts: {cost.segments})")
    return "\n".join(parts) + "\n"


def test_every_shipped_file_is_without_mistakes_and_in_every_language_and_form() -> None:
    assert PROBLEMS == ()
    assert set(TEXTS.names()) == set(FORMS)
    wanted = {f"{name}.{form}" for name, forms in FORMS.items() for form in forms}
    for locale in LOCALES:
        found = {path.name for path in (SHIPPED / locale).iterdir()}
        assert found - {f"{name}.mail" for name in FRAME} == wanted, locale


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*/*.*")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_shipped_file_passes_the_check(path: Path) -> None:
    name, form = path.name.rsplit(".", 1)
    text, unreadable = read_text(path, path.name)
    file, problems = parse_file(text, path.name, name, form, path.parent.name, Reading())
    assert (unreadable, problems) == ((), ())
    assert file is not None


@pytest.mark.parametrize(("name", "form", "locale"), ALL)
def test_a_text_reads_as_its_snapshot(name: str, form: str, locale: str) -> None:
    made = render(name, form, locale)
    snapshot(SNAPSHOTS / locale / f"{name}.{form}.txt", shown(made, form))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", ["ready-for-pickup", "staff-escalation"])
def test_a_mail_in_html_is_as_its_snapshot(name: str, locale: str) -> None:
    snapshot(SNAPSHOTS / locale / f"{name}.html", render(name, "mail", locale).html)


@pytest.mark.parametrize(("name", "form", "locale"), [each for each in ALL if each[0] in CUSTOMER])
def test_a_text_for_customers_names_the_order_and_how_to_go_on(name: str, form: str, locale: str) -> None:
    made = render(name, form, locale)
    assert "1001" in made.text
    if form == "mail":
        assert "help@kavovar.example" in made.text
        assert "1001" in made.subject
    if form == "sms":
        assert sms_segments(made.text).segments <= 2


@pytest.mark.parametrize("locale", LOCALES)
def test_the_orders_page_makes_no_sms_dearer(locale: str) -> None:
    """Where there is no other address to give, an SMS gives none."""
    for name, form, its in ALL:
        if (form, its) == ("sms", locale):
            whole = sample(name, locale)
            parcel = {key: value for key, value in whole["shipment"].items() if key != "tracking_url"}
            for names in (whole, {**whole, "shipment": parcel, "payment": {"status": "payment_failed"}}):
                made = TEXTS.render(name, form=Form.SMS, locale=locale, names=names, zone=KYIV, link=link)
                assert "/l/order" not in made.text, name


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("form", ["mail", "chat"])
@pytest.mark.parametrize("name", ["order-received", "shipped", "shipped-part", "parcel-delayed", "ready-for-pickup"])
def test_a_text_leads_to_the_orders_page_beside_the_carriers(name: str, form: str, locale: str) -> None:
    """And without a hub that can be reached there is no such button."""
    there = render(name, form, locale)
    assert [button.url for button in there.buttons][-1] == "https://hub.kavovar.example/l/order"
    names = sample(name, locale)
    nowhere = TEXTS.render(name, form=Form(form), locale=locale, names=names, zone=KYIV, link=lambda _: None)
    assert [button.text for button in nowhere.buttons] == [button.text for button in there.buttons][:-1]


CYRILLIC = re.compile("[а-яіїєґё]", re.IGNORECASE)
POLISH = re.compile("[ąćęłńóśźż]", re.IGNORECASE)
ENGLISH = re.compile(r"\b(the|your|and|will|order|parcel|please|until)\b", re.IGNORECASE)
ONLY_UKRAINIAN = re.compile("[іїєґ]", re.IGNORECASE)
ONLY_RUSSIAN = re.compile("[ыэёъ]", re.IGNORECASE)
FOREIGN = {"en": (CYRILLIC, POLISH), "pl": (CYRILLIC, ENGLISH), "uk": (ONLY_RUSSIAN, POLISH, ENGLISH),
           "ru": (ONLY_UKRAINIAN, POLISH, ENGLISH)}  # fmt: skip
CODE = re.compile(r"https?://\S+|\S+@\S+|\{.*?\}|flows\.yaml|statuses|Telegram\w*|/stop")


@pytest.mark.parametrize(("name", "form", "locale"), ALL)
def test_no_text_mixes_languages(name: str, form: str, locale: str) -> None:
    made = render(name, form, locale)
    words = CODE.sub(" ", " ".join([made.subject, made.text, *(button.text for button in made.buttons)]))
    words = words.replace(name, "").replace("ready-for-pickup", "").replace("Olena", "")
    assert not [found.group() for pattern in FOREIGN[locale] for found in pattern.finditer(words)]
    if locale in ("uk", "ru") and name not in CHAT_ONLY:
        assert CYRILLIC.search(words)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("form", ["mail", "chat", "sms"])
@pytest.mark.parametrize("name", ["ready-for-pickup", "pickup-reminder", "pickup-last-day"])
@pytest.mark.parametrize("kind", ["goes_back", "fee_from"])
@pytest.mark.parametrize("basis", ["told", "estimated"])
def test_until_is_said_only_of_a_deadline_that_the_carrier_told(
    name: str, form: str, locale: str, kind: str, basis: str
) -> None:
    made = TEXTS.render(name, form=Form(form), locale=locale, names=waiting(locale, kind, basis), zone=KYIV, link=link)
    until = {"en": "until ", "uk": "до ", "pl": "do ", "ru": "до "}[locale]
    about = {"en": "about", "uk": "близько", "pl": "około", "ru": "около"}[locale]
    free = {"en": "free", "uk": "безкоштовне", "pl": "bezpłatne", "ru": "бесплатное"}[locale]
    text = made.text.partition("-- \n")[0].casefold()
    day = re.compile(rf"(?:{until})(?:\w+,? )?12")
    plain = text.replace("ł", "l").replace("około", "okolo")
    assert bool(day.search(text)) == (basis == "told"), text
    assert (about.replace("ł", "l") in plain) == (basis == "estimated"), text
    assert (free.replace("ł", "l") in plain) == (kind == "fee_from"), text


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    "status", ["requested", "approved", "refused", "returning", "returned", "refunded", "withdrawn"]
)
def test_news_of_a_return_has_a_paragraph_for_each_status(locale: str, status: str) -> None:
    names = world(locale, order={"return_status": status})
    texts = {
        form: TEXTS.render("return-news", form=form, locale=locale, names=names, zone=KYIV, link=link) for form in Form
    }
    assert all("1001" in made.text for made in texts.values())
    snapshot(SNAPSHOTS / locale / f"return-news-{status}.txt", shown(texts[Form.MAIL], "mail"))


@pytest.mark.parametrize(("name", "form", "locale"), [each for each in ALL if each[0] in CUSTOMER])
def test_a_text_can_do_with_nothing_but_a_number_and_what_it_says_it_needs(name: str, form: str, locale: str) -> None:
    full = sample(name, locale)
    bare: dict[str, object] = {"order": {"number": "1001"}, "shop": {"name": "Kavovar"}}
    for need in (*TEXTS.needs(name), "order.return_status", "shipment.status", "order.headline"):
        value: object = full
        record = bare
        *path, last = need.split(".")
        for word in path:
            value = value.get(word, {}) if isinstance(value, dict) else {}
            inner = record.setdefault(word, {})
            assert isinstance(inner, dict)
            record = inner
        if isinstance(value, dict) and last in value:
            record[last] = value[last]
    made = TEXTS.render(name, form=Form(form), locale=locale, names=bare, zone=KYIV, link=lambda _: None)
    assert "1001" in made.text
    assert made.buttons == ()
    assert not re.search(r"\s[.,:;]|:\s*$|\(\)|\bNone\b", made.text.replace("-- \n", ""), re.MULTILINE), made.text


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("form", ["mail", "chat"])
def test_parcels_that_left_together_are_told_together(form: str, locale: str) -> None:
    first = shipment(locale)
    second = shipment(locale, tracking_number="20450000000002", tracking_url="https://track.example/20450000000002")
    elsewhere = shipment(locale, tracking_number="20450000000003", status="delivered")
    made = render("shipped", form, locale, shipment=first, shipments=[first, second, elsewhere])
    assert made.text.count("20450000000001") == (2 if form == "mail" else 1)  # its number, and its button's address
    assert "https://track.example/20450000000002" in made.text
    assert "20450000000003" not in made.text


def test_polish_staff_texts_speak_to_one_person_all_along() -> None:
    """`Sprawdź, proszę` and `Proszę sprawdzić` are two registers; one message in both reads like two people."""
    texts = {path.name: path.read_text("utf-8") for path in (SHIPPED / "pl").glob("staff-*")}
    assert {name for name, text in texts.items() if re.search(r"[Pp]roszę (\w+ )?\w+[aiy]ć\b", text)} == set()


@pytest.mark.parametrize("form", ["chat", "mail"])
@pytest.mark.parametrize("locale", ["en", "uk", "pl", "ru"])
def test_a_parked_flow_names_the_command_that_lists_it(locale: str, form: str) -> None:
    assert "(hub deadletter list)" in (SHIPPED / locale / f"staff-notice.{form}").read_text("utf-8")
