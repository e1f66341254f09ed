"""The shipped texts: every one exists in every language and form, and reads as its snapshot says.

`UPDATE_SNAPSHOTS=1` writes the snapshots anew; then read the difference.
"""

import os
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hub.messages import MissingData, Rendering, Texts, sms_segments
from hub.messages._file import FRAME, Reading, parse_file, read_text
from hub.messages._texts import SHIPPED, parts_of
from hub.plugin import Form
from tests.ground.repository import ROOT

from .world import (
    CHAT_ONLY,
    CUSTOMER,
    KYIV,
    LOCALES,
    OPTIONAL,
    STAFF,
    VOICED,
    WARSAW,
    cases,
    link,
    links_of,
    sample,
    shipment,
    sparse,
    waiting,
)

SNAPSHOTS = Path(__file__).parent / "snapshots"
SHOPS = {"plain": "", "parcel": "parcel"}
TEXTS, PROBLEMS = Texts.load(None, SHOPS)
FORMS = {
    **dict.fromkeys(CUSTOMER, ("mail", "chat", "sms")),
    "please-check-your-number": ("mail", "chat"),
    **dict.fromkeys(CHAT_ONLY, ("chat",)),
    **dict.fromkeys(STAFF, ("mail", "chat")),
    **dict.fromkeys(
        (
            "staff-escalation",
            "staff-overdue",
            "staff-handed-over",
            "staff-connection-failing",
            "staff-connection-silent",
            "staff-policy",
            "staff-promise",
            "staff-breaker",
        ),
        ("mail", "chat", "sms"),
    ),
}
ALL = [(name, form, locale) for name, forms in FORMS.items() for form in forms for locale in LOCALES]
SPOKEN = [(name, voice) for name in FORMS for voice in SHOPS if voice == "plain" or name in VOICED]
"""Each template in each voice that it has."""
VOICED_ALL = [(name, voice, form, locale) for name, voice in SPOKEN for form in FORMS[name] for locale in LOCALES]


def render(name: str, form: str, locale: str, voice: str = "plain", **more: object) -> Rendering:
    return made_of(name, form, locale, voice, {**sample(name, locale), **more})


def made_of(name: str, form: str, locale: str, voice: str, names: Mapping[str, Any]) -> Rendering:
    zone = WARSAW if locale == "pl" else KYIV
    return TEXTS.render(name, form=Form(form), locale=locale, names=names, zone=zone, link=links_of(name), shop=voice)


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


def all_cases(name: str, voice: str, locale: str) -> str:
    """A template in one voice and language: every form, in every world in which it reads otherwise."""
    parts: dict[str, str] = {}
    for case, names in cases(name, locale, TEXTS.needs(name)).items():
        for form in FORMS[name]:
            text = shown(made_of(name, form, locale, voice, names), form)
            if text not in parts:
                parts[text] = f"=== {form}{case and f': {case}'}\n"
    return "\n".join(f"{head}{text}" for text, head in parts.items())


def test_every_shipped_file_is_without_mistakes_and_in_every_language_and_form() -> None:
    assert PROBLEMS == ()
    assert set(TEXTS.names()) == set(FORMS)
    voices = {"plain": "", "parcel": ".parcel"}
    wanted = {f"{name}{voices[voice]}.{form}" for name, voice in SPOKEN for form in FORMS[name]}
    for locale in LOCALES:
        found = {path.name for path in (SHIPPED / locale).iterdir()}
        assert found - {f"{name}.mail" for name in FRAME} == wanted, locale


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*/*.*")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_shipped_file_passes_the_check(path: Path) -> None:
    name, _, form = parts_of(path.name)
    text, unreadable = read_text(path, path.name)
    file, problems = parse_file(text, path.name, name, form, path.parent.name, Reading())
    assert (unreadable, problems) == ((), ())
    assert file is not None


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(("name", "voice"), SPOKEN)
def test_a_text_reads_as_its_snapshot(name: str, voice: str, locale: str) -> None:
    snapshot(
        SNAPSHOTS / locale / f"{name}{'' if voice == 'plain' else f'.{voice}'}.txt", all_cases(name, voice, locale)
    )


def test_no_snapshot_is_left_over() -> None:
    wanted = {f"{name}{'' if voice == 'plain' else f'.{voice}'}.txt" for name, voice in SPOKEN}
    for locale in LOCALES:
        assert {path.name for path in (SNAPSHOTS / locale).glob("*.txt")} == wanted


WORDS = re.compile(r"[^\W\d_]{3}")
TAGS = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\n|^(?:needs|must_contain):.*$", re.MULTILINE)


def folded(text: str) -> str:
    """As far as two ways of writing the same words are alike: the marks of facts, blanks, letters without marks."""
    plain = text.replace("::", ":").replace("ł", "l").replace("Ł", "L").replace("–", "-").replace("’", "'")
    bare = "".join(each for each in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(each))
    return " ".join(re.sub(r"[„”“«»\"]", "", bare).split())


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*/*.*")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_paragraph_of_a_text_shows_in_its_snapshot(path: Path) -> None:
    """Whatever words a template can say, somebody has seen it say them."""
    name, voice, _ = parts_of(path.name)
    which = "*" if name in FRAME else name if voice == "plain" else f"{name}.{voice}"
    seen = folded("\n".join(each.read_text("utf-8") for each in (SNAPSHOTS / path.parent.name).glob(f"{which}.txt")))
    head = re.sub(r"^(subject|headline|badge|preheader|button): ", "", path.read_text("utf-8"), flags=re.MULTILINE)
    pieces = (folded(piece.strip(" -|[]().,:;")) for piece in TAGS.split(head))
    assert [piece for piece in pieces if WORDS.search(piece) and piece not in seen] == []


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    ("name", "voice"), [("ready-for-pickup", "plain"), ("ready-for-pickup", "parcel"), ("staff-escalation", "plain")]
)
def test_a_mail_in_html_is_as_its_snapshot(name: str, voice: str, locale: str) -> None:
    shop = "" if voice == "plain" else f".{voice}"
    snapshot(SNAPSHOTS / locale / f"{name}{shop}.html", render(name, "mail", locale, voice).html)


@pytest.mark.parametrize(("name", "voice", "form", "locale"), [each for each in VOICED_ALL if each[0] in CUSTOMER])
def test_a_text_for_customers_names_the_order_and_how_to_go_on(name: str, voice: str, form: str, locale: str) -> None:
    made = render(name, form, locale, voice)
    assert "1001" in made.text
    if form == "mail":
        assert "help@kavovar.example" in made.text
        assert "1001" in made.subject or name in OPTIONAL
    if form == "sms":
        assert sms_segments(made.text).segments <= (3 if "unsubscribe" in made.text else 2), made.text


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", OPTIONAL)
def test_what_nobody_has_to_be_sent_can_be_stopped(name: str, locale: str) -> None:
    """In a mail and a chat always; in an SMS where it advertises (a survey's two addresses would be one too many)."""
    for form in FORMS[name]:
        made = render(name, form, locale)
        assert ("/l/unsubscribe" in made.text + "".join(each.url for each in made.buttons)) == (
            form != "sms" or not name.startswith("five")
        )


def facts(text: str) -> set[str]:
    """The values in a text: numbers, addresses, times; the words around them are the voice's."""
    return set(re.findall(r"https?://\S+|\S*\d\S*", text.replace("\u00a0", " ")))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("form", ["mail", "chat", "sms"])
@pytest.mark.parametrize("name", VOICED)
def test_the_parcel_tells_every_fact_that_the_plain_text_tells(name: str, form: str, locale: str) -> None:
    for names in cases(name, locale, TEXTS.needs(name)).values():
        plain, parcel = (made_of(name, form, locale, voice, names) for voice in SHOPS)
        strip = str.maketrans("", "", ".,:;()?")
        said, says = ({each.translate(strip) for each in facts(made.text)} for made in (plain, parcel))
        assert said == says
        assert [each.url for each in plain.buttons] == [each.url for each in parcel.buttons]
        assert plain.text != parcel.text


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


@pytest.mark.parametrize(("name", "voice", "form", "locale"), VOICED_ALL)
def test_no_text_mixes_languages(name: str, voice: str, form: str, locale: str) -> None:
    made = render(name, form, locale, voice)
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
@pytest.mark.parametrize("voice", SHOPS)
def test_until_is_said_only_of_a_deadline_that_the_carrier_told(
    name: str, form: str, locale: str, kind: str, basis: str, voice: str
) -> None:
    made = made_of(name, form, locale, voice, waiting(locale, kind, basis))
    until = {"en": "until ", "uk": "до ", "pl": "do ", "ru": "до "}[locale]
    about = {"en": "about", "uk": "близько", "pl": "około", "ru": "около"}[locale]
    free = {"en": "free", "uk": "безкоштовне", "pl": "bezpłatne", "ru": "бесплатное"}[locale]
    text = made.text.partition("-- \n")[0].casefold()
    day = re.compile(rf"(?:{until})(?:\w+,? )?12")
    plain = text.replace("ł", "l").replace("około", "okolo")
    assert bool(day.search(text)) == (basis == "told"), text
    assert (about.replace("ł", "l") in plain) == (basis == "estimated"), text
    assert (free.replace("ł", "l") in plain) == (kind == "fee_from"), text


@pytest.mark.parametrize(("name", "voice", "form", "locale"), [each for each in VOICED_ALL if each[0] in CUSTOMER])
def test_a_text_can_do_with_nothing_but_a_number_and_what_it_says_it_needs(
    name: str, voice: str, form: str, locale: str
) -> None:
    """A survey needs its link: without one there is nothing to say."""
    survey = "https://hub.kavovar.example/l/survey" if name.startswith("five") else None
    made = TEXTS.render(
        name,
        form=Form(form),
        locale=locale,
        names=sparse(sample(name, locale), TEXTS.needs(name)),
        zone=KYIV,
        link=lambda wanted: survey if wanted == "survey" else None,
        shop=voice,
    )
    assert "1001" in made.text
    assert [each for each in made.buttons if each.url != survey] == []
    assert not re.search(r"\s[.,:;]|:\s*$|\(\)|\bNone\b", made.text.replace("-- \n", ""), re.MULTILINE), made.text


@pytest.mark.parametrize("form", ["mail", "sms"])
@pytest.mark.parametrize("name", ["five-questions", "five-questions-reminder"])
def test_a_survey_without_its_link_waits(name: str, form: str) -> None:
    """In a chat its questions have buttons of their own."""
    with pytest.raises(MissingData):
        TEXTS.render(name, form=Form(form), locale="en", names=sample(name, "en"), zone=KYIV, link=lambda _: None)


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


def test_the_page_about_messages_names_every_text_and_who_speaks_in_it() -> None:
    page = (ROOT / "docs" / "messages.md").read_text("utf-8")
    assert [name for name in FORMS if f"`{name}`" not in page] == []
    rows = page.partition("| the parcel speaks |")[2].partition("\n\n")[0].splitlines()[2:]
    assert {name for row in rows for name in re.findall("`([a-z-]+)`", row.split("|")[1])} == set(VOICED)
