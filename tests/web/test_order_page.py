"""What the page of an order is told to say: a pure function of the order, the reader and the language."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from hub.config.model import Support
from hub.model import (
    Deadline,
    DeadlineBasis,
    DeadlineKind,
    DeliverBy,
    Line,
    ParcelKind,
    Window,
)
from hub.status import HeadlineValue, Label, Native, Order, Payment, Precision, Reason, Return, Shipment, label
from hub.web.icons import ICONS
from hub.web.order_page import (
    MOST_INSIDE,
    MOST_ITEMS,
    MOST_MARKS,
    MOST_MOMENTS,
    MOST_PARCELS,
    OrderPage,
    Reader,
    Row,
    short,
)
from hub.web.order_page import order_page as page_of
from hub.web.words import WORDS
from tests.pipeline.fakes import SHOP, Story, moment, order, parcel, scan, uah, world

from .tales import COFFEE, DEADLINE, FILTERS, HOSTILE, LOCKER, hostile, one_parcel, ordered, sent_back, two_parcels

Tale = Sequence[tuple[str, str, Any]]
NOBODY = Reader()
SUPPORTED = replace(
    SHOP,
    support=Support("+380441234567", "help@shop.example", "https://shop.example/help"),
    returns_url="https://shop.example/returns",
)


def told(tale: Tale, language: str = "en", reader: Reader = NOBODY, **more: Any) -> OrderPage:
    """The page when all this was told, at 10:00 or `now`."""
    now = more.pop("now", moment("10:00"))
    story = Story(now=now, world=world(shop=more.pop("shop", SUPPORTED), **more))
    for _, _, record in tale:
        story.hear(record)
    return page_of(story.view, story.world, now, language, reader)


def row(rows: Sequence[Row], name: str) -> str | None:
    return next((each.text for each in rows if each.name == name), None)


# ------------------------------------------------------------------------------------------------ the answer


@pytest.mark.parametrize(
    ("language", "answer", "phrase", "title"),
    [
        ("en", "Ready for pickup", "Ready for pickup: 1 of 2 parcels", "Order #1"),
        ("uk", "Готово до видачі", "Готово до видачі: 1 з 2 посилок", "Замовлення #1"),
        ("pl", "Gotowe do odbioru", "Gotowe do odbioru: 1 z 2 paczek", "Zamówienie #1"),
        ("ru", "Готов к выдаче", "Готово к выдаче: 1 из 2 посылок", "Заказ #1"),
    ],
)
def test_the_answer_comes_in_every_language(language: str, answer: str, phrase: str, title: str) -> None:
    page = told(two_parcels(), language)
    assert (page.answer.label, page.phrase, page.title, page.stage) == (answer, phrase, title, 4)


def test_a_headline_is_called_as_the_axis_that_decided_calls_it() -> None:
    assert told(one_parcel("in_transit", "on_hold")).answer.label == "Delayed"


@pytest.mark.parametrize(("codes", "stage"), [(("delivered",), 5), (("shipped",), 3), (("problem",), 0)])
def test_an_order_off_the_road_shows_no_road(codes: tuple[str, ...], stage: int) -> None:
    assert told(one_parcel(*codes)).stage == stage


def test_what_waits_for_payment_can_be_paid_from_here() -> None:
    unpaid = order("09:00", "order.received", "payment.awaiting_payment", placed="08:00",
                   payment_url="https://pay.example/1", payment_due_at=moment("+1 10:00"))  # fmt: skip
    page = told([("shop", "order:1", unpaid)])
    assert (page.pay_url, page.pay_until) == (
        "https://pay.example/1",
        "We keep it for you until Wednesday 4 March, 12:00.",
    )
    assert told([("shop", "order:1", unpaid)], now=moment("+2 10:00")).pay_until == "", "that moment has passed"
    paid = replace(unpaid, version=moment("09:30"), natives=(Native("shop", "payment.paid"),))
    assert told([("shop", "order:1", unpaid), ("shop", "order:1", paid)]).pay_url == ""
    trap = replace(unpaid, payment_url="javascript:alert(1)")
    assert told([("shop", "order:1", trap)]).pay_url == ""


# ------------------------------------------------------------------------------------------------ parcels


def test_a_parcel_tells_where_it_waits_until_when_and_what_is_due() -> None:
    first, second = told(two_parcels()).parcels
    assert (first.title, first.mark and first.mark.label) == ("Parcel 1 of 2", "Ready for pickup")
    assert first.lead == "It is kept for you until Friday 6 March, 20:00; after that it goes back to us."
    assert row(first.rows, "Where") == "Поштомат № 4127, Київ, вул. Хрещатик, 22"
    assert row(first.rows, "Open") == "цілодобово"
    assert row(first.rows, "Expected") is None, "it is here"
    assert row(first.rows, "To pay on delivery") == "UAH\u00a0840.00"
    assert Row("Tracking number", "P20450999123456", "https://post.example/P20450999123456") in first.rows
    assert first.items == ("Кава Кенія АА, зерно, 250 г ×\u00a02",)
    assert (second.title, second.lead) == ("Parcel 2 of 2", "Your parcel is travelling to you.")
    assert row(second.rows, "Expected") == "Thursday 5 March, 12:00–16:00"
    assert row(second.rows, "To pay on delivery") == "UAH\u00a0180.00"


@pytest.mark.parametrize(
    ("kind", "basis", "beginning"),
    [
        (DeadlineKind.GOES_BACK, DeadlineBasis.TOLD, "It is kept for you until Friday"),
        (DeadlineKind.GOES_BACK, DeadlineBasis.ESTIMATED, "It is likely to go back to us about Friday"),
        (DeadlineKind.FEE_FROM, DeadlineBasis.TOLD, "Storage is free until Friday"),
        (DeadlineKind.FEE_FROM, DeadlineBasis.ESTIMATED, "Free storage ends about Friday"),
    ],
)
def test_a_deadline_is_said_as_what_it_is(kind: DeadlineKind, basis: DeadlineBasis, beginning: str) -> None:
    """STATUS.md 5: "until" only for what was told, and goes back."""
    deadline = Deadline(DEADLINE.at, kind, basis)
    (card,) = told(one_parcel("ready_for_pickup", point=LOCKER, deadline=deadline)).parcels
    assert card.lead.startswith(beginning)


def test_a_deadline_of_a_parcel_that_is_gone_is_not_shown() -> None:
    (card,) = told(one_parcel("ready_for_pickup", "delivered", point=LOCKER, deadline=DEADLINE)).parcels
    assert "6 March" not in card.lead
    assert row(card.rows, "Where") is None and row(card.rows, "To pay on delivery") is None


@pytest.mark.parametrize(
    ("eta", "name", "said"),
    [
        (Window(moment("+2 10:00"), moment("+2 14:00")), "Expected", "Thursday 5 March, 12:00–16:00"),
        (Window(moment("+2 00:00"), moment("+2 21:00"), day_only=True), "Expected", "Thursday 5 March"),
        (Window(moment("+2 10:00"), moment("+3 14:00")), "Expected", "Friday 6 March"),
        (Window(moment("+2 10:00"), moment("+2 10:00")), "Expected", "Thursday 5 March"),
        (Window(moment("06:00"), moment("07:00")), "Expected", "Tuesday 3 March, 08:00–09:00"),
        (Window(moment("-1 06:00"), moment("-1 07:00")), "Was due", "Monday 2 March, 08:00–09:00"),
    ],
)
def test_a_date_is_as_exact_as_it_is_known(eta: Window, name: str, said: str) -> None:
    (card,) = told(one_parcel("in_transit", eta=eta)).parcels
    assert row(card.rows, name) == said


def test_a_time_outside_the_calendar_is_left_out() -> None:
    end = datetime.max.replace(tzinfo=UTC)
    (card,) = told(one_parcel("in_transit", eta=Window(moment("10:00"), end))).parcels
    assert row(card.rows, "Expected") is None
    (card,) = told(one_parcel("ready_for_pickup", deadline=Deadline(end, DeadlineKind.GOES_BACK))).parcels
    assert card.lead == ""


def test_an_order_without_parcels_says_what_was_promised() -> None:
    promise = Window(moment("+1 10:00"), moment("+2 14:00"))
    assert row(told([("shop", "order:1", ordered(promise=promise))]).rows, "Expected") == "Thursday 5 March"
    cancelled = replace(ordered(promise=promise), natives=(Native("shop", "order.cancelled"),))
    assert told([("shop", "order:1", cancelled)]).rows == ()


def test_why_is_said_of_trouble_and_not_of_a_remark() -> None:
    late = scan("P1", "on_hold", "09:50")
    late = replace(late, native=replace(late.native, reason=Reason.CUSTOMS))
    (card,) = told([*one_parcel("in_transit"), ("post", "parcel:P1", late)]).parcels
    assert row(card.rows, "Why") == "customs are checking it"
    remark = replace(late, native=Native("post", "in_transit", reason=late.native.reason))
    (card,) = told([*one_parcel("shipped"), ("post", "parcel:P1", remark)]).parcels
    assert row(card.rows, "Why") is None


@pytest.mark.parametrize(
    ("codes", "reason", "advice"),
    [
        (("delivery_failed",), Reason.NOT_AT_HOME, "If another day or place suits you better"),
        (("delivery_failed",), Reason.WRONG_ADDRESS, "Please send us the right address"),
        (("delivery_failed", "in_transit", "delivery_failed"), Reason.NOT_AT_HOME, "This was not the first attempt"),
    ],
)
def test_what_was_not_handed_over_says_what_can_be_done(codes: tuple[str, ...], reason: Reason, advice: str) -> None:
    """The headline promises it: "below you can see what can be done now"."""
    tale = [
        ("post", "parcel:P1", replace(each, native=replace(each.native, reason=reason)))
        for n, code in enumerate(codes)
        if (each := scan("P1", code, f"{n + 9}:30"))
    ]
    (card,) = told([*one_parcel(), *tale], now=moment("23:00")).parcels
    assert card.lead.startswith(advice)


def test_what_is_collected_in_the_shop_waits_there() -> None:
    held = parcel("f", "09:00", "shipment.ready_for_pickup", kind=ParcelKind.PICKUP)
    (card,) = told([("shop", "order:1", ordered(parcels=(held,), deliver_by=DeliverBy.PICKUP))]).parcels
    assert row(card.rows, "Where") == "Shop"
    assert card.lead.startswith("It is likely to go back to us about Tuesday 10 March"), "seven days, by our default"


def test_a_code_that_nobody_mapped_says_nothing() -> None:
    """The page shows the last known value (STATUS.md 8): a parcel that is there has a label at least."""
    held = (parcel("f1", "09:00", "nobody mapped this", numbers=("X1",)),)
    page = told([("shop", "order:1", ordered(parcels=held))])
    (card,) = page.parcels
    assert card.mark is not None and card.mark.label == "Label created"
    assert row(card.rows, "Tracking number") == "X1"
    assert "nobody" not in repr(page)


# ------------------------------------------------------------------------------------------------ history


def moments(page: OrderPage) -> list[tuple[str, str]]:
    return [(f"{each.about} {each.text}".strip(), each.when) for each in page.history]


def test_history_is_the_moves_in_the_customers_words_newest_first_on_the_shops_clock() -> None:
    assert moments(told(two_parcels())) == [
        ("Parcel 1 Ready for pickup", "Tuesday 3 March, 11:50"),
        ("Parcel 2 On its way", "Tuesday 3 March, 11:30"),
        ("Parcel 1 On its way", "Tuesday 3 March, 11:20"),
        ("Parcel 1 Shipped", "Tuesday 3 March, 11:10"),
        ("Processing", "Tuesday 3 March, 11:00"),
        ("Pay on delivery", "Tuesday 3 March, 11:00"),
    ]


def test_claims_and_what_came_too_late_are_left_out() -> None:
    shop_says = replace(one_parcel()[0][2], version=moment("09:40"))
    claims = parcel("f1", "09:40", "shipment.delivered", numbers=("P1",))
    late = scan("P1", "shipped", "09:12")
    page = told(
        [
            *one_parcel("in_transit", "out_for_delivery"),
            ("shop", "order:1", replace(shop_says, parcels=(claims,))),
            ("post", "parcel:P1", late),
            ("post", "parcel:P1", scan("P1", "in_transit", "09:16")),
        ]
    )
    assert page.answer.label == "Out for delivery"
    assert [text for text, _ in moments(page)] == ["Out for delivery", "On its way", "Processing", "Pay on delivery"]


@pytest.mark.parametrize(
    ("precision", "when"),
    [
        (Precision.SEEN, "seen Tuesday 3 March, 11:50"),
        (Precision.DAY, "Tuesday 3 March"),
        (Precision.MINUTE, "Tuesday 3 March, 11:50"),
    ],
)
def test_a_time_says_how_well_it_is_known(precision: Precision, when: str) -> None:
    seen = scan("P1", "in_transit", "09:50", precision=precision)
    assert moments(told([*one_parcel(), ("post", "parcel:P1", seen)]))[0] == ("On its way", when)


def test_trouble_in_the_past_keeps_its_reason() -> None:
    failed = scan("P1", "delivery_failed", "09:50")
    failed = replace(failed, native=replace(failed.native, reason=Reason.NOT_AT_HOME))
    again = scan("P1", "out_for_delivery", "+1 08:00")
    page = told([*one_parcel(), ("post", "x", failed), ("post", "x", again)], now=moment("+1 10:00"))
    assert "Not delivered: nobody was at home" in [text for text, _ in moments(page)]


def test_a_long_history_is_cut_at_its_old_end() -> None:
    codes = ["in_transit", "on_hold"] * MOST_MOMENTS
    tale = [("post", "x", scan("P1", code, f"+{n} 09:00")) for n, code in enumerate(codes)]
    page = told([*one_parcel(), *tale], now=moment("+200 10:00"))
    assert len(page.history) == MOST_MOMENTS
    assert page.history[0].text == "Delayed", "the newest is there"


# ------------------------------------------------------------------------------------------------ the rest


def test_a_return_says_where_it_stands_and_what_it_is_of() -> None:
    page = told(sent_back(), "uk")
    (card,) = page.returns
    assert (card.mark and card.mark.label, card.items) == (
        "Повернення погоджено",
        ("Фільтри паперові, 100 шт. ×\u00a01",),
    )
    assert page.phrase == "Повертається: 1 з 3 товарів"
    assert page.returns_url == "https://shop.example/returns"


def test_what_was_ordered_without_what_was_taken_out() -> None:
    lines = (COFFEE, replace(FILTERS, removed=Decimal(1)), Line("c", "Gift", Decimal("1.5")))
    page = told([("shop", "order:1", ordered(lines=lines))])
    assert page.items == (Row("Кава Кенія АА, зерно, 250 г", "2 × UAH\u00a0420.00"), Row("Gift", "1.5"))
    assert page.sums == (
        Row("Total", "UAH\u00a01,020.00"),
        Row("Payment", "Pay on delivery"),
        Row("Delivery", "Нова пошта, поштомат"),
    )


def test_how_to_reach_the_shop() -> None:
    page = told([("shop", "order:1", ordered())])
    assert page.contact == (
        Row("Call us", "+380 44 123 4567", "tel:+380441234567"),
        Row("Write to us", "help@shop.example", "mailto:help@shop.example"),
        Row("Help", "https://shop.example/help", "https://shop.example/help"),
    )
    assert told([("shop", "order:1", ordered())], shop=SHOP).contact == ()


def test_chats_to_join_chats_joined_and_what_may_be_left() -> None:
    reader = Reader([("Telegram", "https://t.me/x?start=y")], ["Viber"], ["feedback", "marketing"])
    page = told([("shop", "order:1", ordered())], "pl", reader)
    assert page.invited == (Row("", "Wiadomości o zamówieniu: Telegram", "https://t.me/x?start=y"),)
    assert "Viber" in page.joined[0] and "/stop" in page.joined[0]
    assert [each.name for each in page.may_leave] == ["feedback", "marketing"]


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_has_an_end_and_leads_nowhere(name: str) -> None:
    page = told(hostile(HOSTILE[name]))
    links = [each.href for card in (*page.parcels, *page.returns) for each in card.rows if each.href]
    assert all(href.startswith("https://") for href in links)
    assert "https://post.example/ok" in links
    assert page.pay_url == ""
    texts = [page.title, *(each.name for each in page.items), *(e.text for c in page.parcels for e in c.rows)]
    assert all(0 < len(text) < 420 for text in texts)
    assert all(char.isprintable() or char in "\u200c\u200d\u00a0" for text in texts for char in text)
    assert len(page.items) == MOST_ITEMS and page.more_items == "and 10 more"
    assert all(len(card.items) <= MOST_INSIDE + 1 for card in page.parcels)


def test_more_parcels_than_anybody_reads_are_counted() -> None:
    held = tuple(parcel(f"f{n}", "09:00", "shipment.shipped", contents=()) for n in range(MOST_PARCELS + 3))
    page = told([("shop", "order:1", ordered(parcels=held))])
    assert (len(page.parcels), page.more_parcels) == (MOST_PARCELS, "and 3 more")


def test_no_letter_bears_a_tower_of_marks() -> None:
    assert short("a" + "\u0301" * 50 + "b") == "a" + "\u0301" * MOST_MARKS + "b"
    assert short("Café Київ їжа") == "Café Київ їжа"


@pytest.mark.parametrize("amount", [Decimal("1E+400"), Decimal("1E+15")])
def test_an_amount_beyond_all_sense_is_left_out(amount: Decimal) -> None:
    page = told([("shop", "order:1", ordered(total=replace(uah("1"), amount=amount)))])
    assert row(page.sums, "Total") is None


def _labels() -> Sequence[Label]:
    values = (*HeadlineValue, *Order, *Payment, *Shipment, *Return)
    return [label(value, "en") for value in values]


def test_every_status_has_its_icon_and_no_icon_is_left_over() -> None:
    assert {each.icon for each in _labels()} == set(ICONS)


def test_trouble_and_success_differ_in_shape() -> None:
    bad, good = ({ICONS[each.icon] for each in _labels() if each.role == role} for role in ("bad", "good"))
    assert bad and good and not bad & good


@pytest.mark.parametrize("language", WORDS)
def test_every_page_is_in_one_language(language: str) -> None:
    """Every word of ours is another one in another language, but names and numbers."""
    english, ours = told(two_parcels()), told(two_parcels(), language)
    if language != "en":
        for one, other in zip(english.parcels, ours.parcels, strict=True):
            assert {each.name for each in one.rows}.isdisjoint(each.name for each in other.rows)
        assert {each.text for each in english.history}.isdisjoint(each.text for each in ours.history)
