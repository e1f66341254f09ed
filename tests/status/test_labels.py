"""Every value has a label in every language, and looks as STATUS.md, section 6, says."""

import pytest

from hub.status import (
    LANGUAGES,
    RULES,
    Axis,
    Headline,
    HeadlineValue,
    Label,
    Order,
    Payment,
    Return,
    Shipment,
    Status,
    full_name,
    label,
)

EVERYTHING: tuple[Status | HeadlineValue, ...] = (*HeadlineValue, *RULES)
ROLES = {"calm", "go", "ask", "good", "bad", "back", "void"}
CYRILLIC = "абвгґдеєжзиіїйклмнопрстуфхцчшщьюяёыэъ"


@pytest.mark.parametrize("what", EVERYTHING)
@pytest.mark.parametrize("locale", LANGUAGES)
def test_everything_has_a_complete_label(what: Status | HeadlineValue, locale: str) -> None:
    found = label(what, locale)
    assert found.label and found.stage and found.icon
    assert found.sentence.endswith((".", "!"))
    assert found.role in ROLES
    cyrillic = any(character in CYRILLIC for character in (found.label + found.sentence).casefold())
    assert cyrillic == (locale in ("uk", "ru"))


def test_good_and_bad_never_share_an_icon() -> None:
    icons: dict[str, set[str]] = {}
    for what in EVERYTHING:
        icons.setdefault(label(what, "en").role, set()).add(label(what, "en").icon)
    assert not icons["good"] & icons["bad"]


@pytest.mark.parametrize(
    ("what", "locale", "expected"),
    [
        (
            Shipment.ON_HOLD,
            "pl",
            Label(
                "Opóźniona",
                "Paczka jedzie dłużej, niż planowaliśmy; mamy ją na oku.",
                "on_the_way",
                "clock-alert",
                "ask",
            ),
        ),
        (
            HeadlineValue.ON_HOLD,
            "en",
            Label(
                "On hold",
                "Your order is paused for a moment; we are on it and will write as soon as it moves on.",
                "placed",
                "pause",
                "ask",
            ),
        ),
        (
            Shipment.IN_TRANSIT,
            "uk-UA",
            Label("В дорозі", "Посилка їде до вас.", "on_the_way", "truck", "go"),
        ),
        (
            Payment.VOIDED,
            "ru",
            Label(
                "Оплата не требуется",
                "За этот заказ ничего не списано и не будет списано.",
                "void",
                "circle-slash",
                "void",
            ),
        ),
    ],
)
def test_a_label_reads_as_written(what: Status | HeadlineValue, locale: str, expected: Label) -> None:
    assert label(what, locale) == expected


@pytest.mark.parametrize(
    "value", [*(value for value in Order if value is not Order.COMPLETED), Payment.PAYMENT_FAILED, Return.REFUNDED]
)
def test_a_value_without_texts_of_its_own_uses_the_headline_of_its_name(value: Status) -> None:
    assert label(value, "uk") == label(HeadlineValue(value.value), "uk")


def test_a_language_we_do_not_have_reads_english() -> None:
    assert label(Shipment.DELIVERED, "de-AT") == label(Shipment.DELIVERED, "en")
    assert label(Shipment.DELIVERED, "PL_pl") == label(Shipment.DELIVERED, "pl")


@pytest.mark.parametrize(
    ("headline", "like"),
    [
        (Headline(HeadlineValue.ON_HOLD, 8, Axis.SHIPMENT, "1", Shipment.ON_HOLD), Shipment.ON_HOLD),
        (Headline(HeadlineValue.ON_HOLD, 14, Axis.ORDER, "1", Order.ON_HOLD), HeadlineValue.ON_HOLD),
        (Headline(HeadlineValue.RETURNED, 23, Axis.RETURN, "1", Return.RETURNED), Return.RETURNED),
        (Headline(HeadlineValue.RETURNING, 22, Axis.RETURN, "1", Return.REQUESTED), HeadlineValue.RETURNING),
        (Headline(HeadlineValue.IN_TRANSIT, 10, Axis.SHIPMENT, "1", Shipment.IN_TRANSIT), HeadlineValue.IN_TRANSIT),
        (Headline(HeadlineValue.SHIPPED, 16, Axis.ORDER, "1", Order.COMPLETED), HeadlineValue.SHIPPED),
        (Headline(HeadlineValue.RECEIVED, 21), HeadlineValue.RECEIVED),
    ],
    ids=lambda each: f"row {each.row}" if isinstance(each, Headline) else "",
)
@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_headline_is_called_as_the_axis_that_decided_where_they_differ(
    headline: Headline, like: Status | HeadlineValue, locale: str
) -> None:
    assert label(headline, locale) == label(like, locale)


def test_every_row_of_the_texts_belongs_to_a_value() -> None:
    from hub.status._labels import _rows

    names = {full_name(value) for value in RULES} | {f"headline.{value}" for value in HeadlineValue}
    assert set(_rows()) <= names
    assert all(set(row) - {"look"} == set(LANGUAGES) for row in _rows().values())
