# ruff: noqa: E501  (tables are read across)
"""Dates, money, phones and counting words, as a reader of each language expects them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.messages import LANGUAGES, NoTextError, check_text, render_text
from hub.messages._check import Allowed
from hub.messages._marks import plain, tidy
from hub.messages._names import ROOTS
from hub.messages._render import Source, compile_source
from hub.messages._values import Filling
from hub.messages._words import _REASONS, reason_words
from hub.model import Money
from hub.status import Reason

from .world import KYIV

NOW = datetime(2026, 11, 9, 8, tzinfo=UTC)


def said(source: str, locale: str, *, zone: ZoneInfo = KYIV, country: str = "", **names: Any) -> str:
    compiled, problems = compile_source(Source(source, "t"), Allowed(ROOTS, locale))
    assert problems == ()
    assert compiled is not None
    return plain(tidy(compiled.fill(names, Filling(locale, zone, NOW, country=country), lambda _: None)))


PLURALS = {
    "en": ("one='item', other='items'", "items item items items items items items items items items"),
    "uk": (
        "one='товар', few='товари', many='товарів', other='товару'",
        "товарів товар товари товарів товарів товар товари товарів товар товарів",
    ),
    "pl": (
        "one='produkt', few='produkty', many='produktów', other='produktu'",
        "produktów produkt produkty produktów produktów produktów produkty produktów produktów produktów",
    ),
    "ru": (
        "one='товар', few='товара', many='товаров', other='товара'",
        "товаров товар товара товаров товаров товар товара товаров товар товаров",
    ),
}
COUNTS = (0, 1, 2, 5, 11, 21, 22, 25, 101, 111)


@pytest.mark.parametrize(
    ("locale", "week", "split"),
    [
        ("en", "Mon–Fri 08:00–21:00, Sat 09:00–18:00", "Mon, Wed 08:00–12:00, 13:00–17:00; Sun 10:00–14:00"),
        ("uk", "пн–пт 08:00–21:00, сб 09:00–18:00", "пн, ср 08:00–12:00, 13:00–17:00; нд 10:00–14:00"),
        ("pl", "pon.–pt. 08:00–21:00, sob. 09:00–18:00", "pon., śr. 08:00–12:00, 13:00–17:00; niedz. 10:00–14:00"),
        ("ru", "пн–пт 08:00–21:00, сб 09:00–18:00", "пн, ср 08:00–12:00, 13:00–17:00; вс 10:00–14:00"),
    ],
)
def test_hours_name_the_days_in_the_readers_language(locale: str, week: str, split: str) -> None:
    assert opening("Mo-Fr 08:00-21:00; Sa 09:00-18:00; Su off;", locale) == week
    assert opening("Mo,We 08:00-12:00,13:00-17:00; Su 10:00-14:00", locale) == split
    assert opening("8:00-21:00", locale) == "8:00–21:00"


@pytest.mark.parametrize(
    "given",
    ["24/7", "9:00–20:00", "пн-пт 08:00-21:00", "Mo-Fr 08:00-21:00; PH off", "Su off", "Mo-Fr", "ask us", "; Mo"],
)
def test_hours_in_another_form_stay_as_they_are(given: str) -> None:
    assert opening(given, "pl") == given


def opening(hours: str, locale: str) -> str:
    return said("{{ shipment.pickup_point.hours | hours }}", locale, shipment={"pickup_point": {"hours": hours}})


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_counted_word_has_the_form_that_the_language_wants(locale: str) -> None:
    forms, expected = PLURALS[locale]
    source = f"{{{{ order.item_count | plural({forms}) }}}}"
    assert [said(source, locale, order={"item_count": n}) for n in COUNTS] == expected.split()
    assert [said(source, locale, order={"item_count": Decimal(n)}) for n in COUNTS] == expected.split()


def test_a_fraction_has_its_own_form_and_two_point_zero_is_two() -> None:
    source = "{{ order.item_count | plural(one='товар', few='товари', many='товарів', other='товару') }}"
    assert said(source, "uk", order={"item_count": Decimal("2.5")}) == "товару"
    assert said(source, "uk", order={"item_count": Decimal("2.0")}) == "товари"
    assert said("{{ order.item_count | plural('item', 'items') }}", "en", order={"item_count": 1}) == "item"
    assert said("{{ order.items | plural(one='item', other='items') }}", "en", order={"items": [{}, {}]}) == "items"


def test_a_plural_without_a_form_that_the_language_has_is_a_mistake() -> None:
    _, problems = compile_source(
        Source("{{ order.item_count | plural(one='товар', other='товари') }}", "t"), Allowed(ROOTS, "uk")
    )
    assert [each.code for each in problems] == ["jinja-name"]
    assert "lacks few, many" in problems[0].text


DAYS = {
    "en": ("Thursday 12 November", "on Thursday 12 November", "until Thursday 12 November", "about Thursday 12 November"),
    "uk": ("четвер, 12 листопада", "у четвер, 12 листопада", "до четверга, 12 листопада", "близько четверга, 12 листопада"),
    "pl": ("czwartek, 12 listopada", "w czwartek, 12 listopada", "do czwartku, 12 listopada", "około czwartku, 12 listopada"),
    "ru": ("четверг, 12 ноября", "в четверг, 12 ноября", "до четверга, 12 ноября", "около четверга, 12 ноября"),
}  # fmt: skip


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_day_has_its_case_after_each_preposition(locale: str) -> None:
    parcel = {"eta": datetime(2026, 11, 12, 10, tzinfo=UTC)}
    sources = ["day", "day('on')", "day('until')", "day('about')"]
    assert tuple(said(f"{{{{ shipment.eta | {each} }}}}", locale, shipment=parcel) for each in sources) == DAYS[locale]


@pytest.mark.parametrize(
    ("locale", "days"),
    [
        ("en", "on Monday,on Tuesday,on Wednesday,on Thursday,on Friday,on Saturday,on Sunday"),
        ("uk", "у понеділок,у вівторок,у середу,у четвер,у п’ятницю,у суботу,у неділю"),
        ("pl", "w poniedziałek,we wtorek,w środę,w czwartek,w piątek,w sobotę,w niedzielę"),
        ("ru", "в понедельник,во вторник,в среду,в четверг,в пятницу,в субботу,в воскресенье"),
    ],
)
def test_each_weekday_is_right_after_on(locale: str, days: str) -> None:
    for number, expected in enumerate(days.split(",")):
        eta = datetime(2026, 11, 9 + number, 10, tzinfo=UTC)
        assert said("{{ shipment.eta | day('on') }}", locale, shipment={"eta": eta}).startswith(expected)


def test_a_day_is_the_readers_own_and_another_year_is_named() -> None:
    late = datetime(2026, 11, 11, 22, 30, tzinfo=UTC)
    assert said("{{ shipment.eta | datetime }}", "en", shipment={"eta": late}) == "Thursday 12 November, 00:30"
    assert said("{{ shipment.eta | datetime }}", "en", zone=ZoneInfo("America/New_York"), shipment={"eta": late}) == (
        "Wednesday 11 November, 17:30"
    )
    next_year = datetime(2027, 1, 5, tzinfo=UTC)
    assert said("{{ shipment.eta | day }}", "en", shipment={"eta": next_year}) == "Tuesday 5 January 2027"
    assert said("{{ shipment.eta | day('on') }}", "uk", shipment={"eta": next_year}).startswith(
        "у вівторок, 5 січня 2027"
    )


def test_until_midnight_is_until_the_day_before() -> None:
    midnight = datetime(2026, 11, 11, 22, 0, tzinfo=UTC)
    evening = datetime(2026, 11, 11, 21, 59, tzinfo=UTC)
    for moment in (midnight, evening):
        deadline = {"pickup_deadline": moment, "pickup_deadline_basis": "told", "pickup_deadline_kind": "goes_back"}
        assert "until Wednesday 11 November;" in said(
            "{{ shipment.pickup_deadline | deadline }}", "en", shipment=deadline
        )
        assert (
            said("{{ shipment.pickup_deadline | deadline('short') }}", "en", shipment=deadline)
            == "Kept until 11 November."
        )


def test_a_deadline_of_unknown_basis_is_an_estimate() -> None:
    bare = {"pickup_deadline": datetime(2026, 11, 12, 10, tzinfo=UTC)}
    assert "about Thursday 12 November" in said("{{ shipment.pickup_deadline | deadline }}", "en", shipment=bare)


@pytest.mark.parametrize(
    ("locale", "amount", "currency", "expected"),
    [
        ("en", Decimal("1450"), "EUR", "€1,450.00"),
        ("en", Decimal("1450.5"), "UAH", "UAH 1,450.50"),
        ("en", Decimal("-5"), "UAH", "-UAH 5.00"),
        ("en", Decimal("5"), "EUR", "€5.00"),
        ("uk", Decimal("1450.00"), "UAH", "1 450 ₴"),
        ("uk", Decimal("1450.50"), "UAH", "1 450,50 ₴"),
        ("pl", Decimal("129"), "PLN", "129,00 zł"),
        ("pl", Decimal("1450.5"), "PLN", "1 450,50 zł"),
        ("ru", 600, "UAH", "600 ₴"),
        ("ru", Decimal("600.01"), "USD", "600,01 $"),
        ("en", Decimal("5"), "coins", "5 coins"),
    ],
)
def test_money_is_written_as_in_a_shop(locale: str, amount: Any, currency: str, expected: str) -> None:
    order = {"total": amount, "currency": currency}
    shown = said("{{ order.total | money(order.currency) }}", locale, order=order)
    assert shown.replace("\u00a0", " ").replace("\u202f", " ") == expected


def test_money_knows_its_own_currency() -> None:
    assert said("{{ order.total | money }}", "en", order={"total": Money(Decimal(5), "GBP")}) == "£5.00"
    assert said("{{ shipment.cash_due | money('EUR') }}", "en", shipment={"cash_due": 5}) == "€5.00"


@pytest.mark.parametrize(
    ("given", "country", "expected"),
    [
        ("+380441234567", "", "+380 44 123 4567"),
        ("0671234567", "UA", "+380 67 123 4567"),
        ("602 123 456", "PL", "+48 602 123 456"),
        ("call me", "UA", "call me"),
        ("12", "UA", "12"),
    ],
)
def test_a_phone_is_written_to_be_read_and_called(given: str, country: str, expected: str) -> None:
    assert (
        said("{{ shipment.courier.phone | phone }}", "en", country=country, shipment={"courier": {"phone": given}})
        == expected
    )


def test_quantities_have_no_needless_decimals() -> None:
    for quantity, expected in ((Decimal("2.000"), "2"), (Decimal("1.5"), "1.5"), (1000, "1,000")):
        assert said("{{ order.item_count | quantity }}", "en", order={"item_count": quantity}) == expected


def test_every_reason_has_human_words_in_every_language() -> None:
    assert set(_REASONS) == set(Reason)
    for reason in Reason:
        words = [reason_words(reason, language) for language in LANGUAGES]
        assert len(set(words)) == len(LANGUAGES)
        assert all(word and "_" not in word and not word.endswith(".") for word in words)
    assert said("{{ shipment.reason | reason }}", "pl", shipment={"reason": "not_at_home"}) == "nikogo nie było w domu"
    assert said("{{ payment.reason | reason }}", "pl", payment={"reason": "card 4242 declined"}) == "card 4242 declined"


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_status_is_called_as_the_status_model_calls_it(locale: str) -> None:
    expected = {"en": "Delayed", "uk": "Затримується", "pl": "Opóźniona", "ru": "Задерживается"}
    assert said("{{ shipment.status | status }}", locale, shipment={"status": "on_hold"}) == expected[locale]
    assert said("{{ order.status | status }}", "en", order={"status": "on_hold"}) == "On hold"
    assert said("{{ shipment.status | status }}", locale, shipment={"status": "no such"}) == "no such"


def test_a_time_that_was_kept_as_json_is_a_time() -> None:
    assert said("{{ question.asked_at | time }}", "en", question={"asked_at": "2026-11-12T10:00:00+00:00"}) == "12:00"
    assert render_text("{{ question.asked_at | time }}", {"question": {"asked_at": "soon"}}, "en", KYIV) == "–"


def test_a_reason_for_staff_is_filled_even_where_something_is_absent() -> None:
    source = (
        "Ask {{ shipment.carrier }} where {{ shipment.tracking_number or 'the parcel' }} is, {{ entered_at | day }}"
    )
    assert render_text(source, {"shipment": {"carrier": "DHL"}, "entered_at": None}, "en", KYIV) == (
        "Ask DHL where the parcel is, –"
    )
    assert check_text(source, {"shipment", "entered_at"}) == ()
    with pytest.raises(NoTextError):
        render_text("{{ oops }}", {}, "en", KYIV)
