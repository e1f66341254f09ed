"""One item in, records out: dates, times, points, money, follow-up waybills."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hub.model import DeadlineBasis, DeadlineKind, Money, PointKind, Relation
from hub.plugin import UnreadableError
from hub.status import Precision, Way
from plugins.carriers.nova_poshta.reading import amount, flag, moment, records, text

from .asking import ASKED_AT, read

AT_BRANCH = {
    "StatusCode": "7",
    "ServiceType": "WarehouseWarehouse",
    "WarehouseRecipient": "Відділення №12: вул. Зразкова, 7",
    "WarehouseRecipientNumber": 12,
    "WarehouseRecipientAddress": "Київ, вул. Зразкова, 7",
    "CategoryOfWarehouse": "Branch",
}


# --- dates ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-18 08:47:00",
        "18-11-2026 08:47:00",
        "18.11.2026 08:47:00",
        "08:47 18.11.2026",
        "2026-11-18T08:47:00",
        "2026-11-18T06:47:00Z",
        "2026-11-18T08:47:00+02:00",
    ],
)
def test_every_format_is_read_as_kyiv_time(written: str) -> None:
    assert moment(written) == datetime(2026, 11, 18, 6, 47, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "at", "precision"),
    [
        ("2026-11-18", "2026-11-18T21:59:59+00:00", Precision.DAY),
        ("18.11.2026", "2026-11-18T21:59:59+00:00", Precision.DAY),
        ("2026-03-29", "2026-03-29T20:59:59+00:00", Precision.DAY),
        ("2026-11-18 00:00:00", "2026-11-17T22:00:00+00:00", Precision.SECOND),
    ],
)
def test_of_a_status_with_only_a_day_the_end_of_that_day_in_kyiv_counts(
    written: str, at: str, precision: Precision
) -> None:
    found, _ = read(StatusCode="5", TrackingUpdateDate=written)
    assert (found.at.isoformat(), found.precision) == (at, precision)


@pytest.mark.parametrize("written", ["2026-11-26", "26.11.2026"])
def test_a_bare_day_begins_at_kyivs_midnight(written: str) -> None:
    assert moment(written) == datetime(2026, 11, 25, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "empty",
    [
        "",
        None,
        "0001-01-01 00:00:00",
        "0000-00-00 00:00:00",
        "soon",
        "31.02.2026",
        "9999-12-31 23:59:59",
        False,
        [],
        {},
    ],
)
def test_an_empty_or_impossible_date_is_no_date(empty: Any) -> None:
    assert moment(empty) is None


def test_the_ambiguous_hour_of_autumn_is_the_earlier_one() -> None:
    assert moment("2026-10-25 03:30:00") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_the_missing_hour_of_spring_moves_on_by_the_gap() -> None:
    assert moment("2026-03-29 03:30:00") == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert moment("2026-03-29 04:30:00") == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


# --- types that drift ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "read_as"),
    [("7", "7"), (7, "7"), (7.0, "7"), (" 7 ", "7"), (None, ""), (False, ""), (True, ""), ([7], ""), ({}, "")],
)
def test_a_field_is_text_whatever_it_came_as(value: Any, read_as: str) -> None:
    assert text(value) == read_as


@pytest.mark.parametrize(
    ("value", "read_as"),
    [
        (1200, Decimal(1200)),
        ("1200", Decimal(1200)),
        (1200.5, Decimal("1200.5")),
        ("1 200,50", Decimal("1200.50")),
        *[(nothing, None) for nothing in (0, "0", "", None, False, "-5", "1e9", "NaN", "12 UAH", 10**30)],
    ],
)
def test_a_sum_is_read_exactly_or_not_at_all(value: Any, read_as: Decimal | None) -> None:
    assert amount(value) == read_as


@pytest.mark.parametrize(
    ("value", "yes"), [(1, True), ("1", True), (True, True), (0, False), ("", False), (None, False)]
)
def test_yes_and_no_come_in_many_forms(value: Any, yes: bool) -> None:
    assert flag(value) is yes


def test_a_status_code_that_is_a_number_is_read_as_text() -> None:
    assert read(StatusCode=41)[0].native.code == "41"


# --- the checkpoint ------------------------------------------------------------------------------------------------


def test_the_time_of_a_status_is_its_tracking_update_and_no_other_field() -> None:
    dates = {"DateScan": "15:36 18.11.2026", "RecipientDateTime": "18.11.2026 13:35:00"}
    found, _ = read(StatusCode="9", TrackingUpdateDate="2026-11-18 11:36:00", **dates)
    assert (found.at, found.precision) == (datetime(2026, 11, 18, 9, 36, tzinfo=UTC), Precision.SECOND)
    without, _ = read(StatusCode="9", TrackingUpdateDate="", **dates)
    assert (without.at.isoformat(), without.precision) == (ASKED_AT, Precision.SEEN)


def test_a_new_waybill_is_as_old_as_its_creation() -> None:
    found, _ = read(StatusCode="1", DateCreated="16-11-2026 10:52:42")
    assert (found.at, found.precision) == (datetime(2026, 11, 16, 8, 52, 42, tzinfo=UTC), Precision.SECOND)


def test_a_checkpoint_is_a_snapshot_with_the_carriers_own_word() -> None:
    found, _ = read(StatusCode="5", Status="Відправлення прямує до міста Київ")
    assert found.snapshot
    assert (found.native.vocabulary, found.native.code) == ("nova_poshta", "5")
    assert found.text == found.native.label == "Відправлення прямує до міста Київ"


@pytest.mark.parametrize(("service", "code"), [("WarehouseDoors", "7/doors"), ("DoorsDoors", "7/doors"), ("", "7")])
def test_arrival_on_the_way_to_a_door_is_qualified(service: str, code: str) -> None:
    assert read(StatusCode="7", ServiceType=service)[0].native.code == code


def test_only_the_code_with_two_meanings_is_qualified() -> None:
    assert read(StatusCode="5", ServiceType="WarehouseDoors")[0].native.code == "5"


def test_doors_at_the_senders_end_say_nothing_of_the_last_leg() -> None:
    assert read(StatusCode="7", ServiceType="DoorsWarehouse")[0].native.code == "7"


@pytest.mark.parametrize(("code", "place"), [("4", "Харків"), ("5", ""), ("7", "Київ"), ("3", "")])
def test_the_place_is_the_city_that_the_code_speaks_of(code: str, place: str) -> None:
    assert read(StatusCode=code, CitySender="Харків", CityRecipient="Київ")[0].place == place


def test_the_reason_of_a_failed_attempt_is_told_in_the_text() -> None:
    found, _ = read(StatusCode="111", Status="Невдала спроба", UndeliveryReasonsSubtypeDescription="Зачинено")
    assert found.text == "Невдала спроба: Зачинено"


@pytest.mark.parametrize(
    ("owner", "way"),
    [
        ({}, Way.OUT),
        ({"OwnerDocumentType": "CargoReturn", "OwnerDocumentNumber": "20450777123450"}, Way.BACK),
        ({"OwnerDocumentType": "Redirecting", "OwnerDocumentNumber": "20450777123450"}, Way.NONE),
        ({"OwnerDocumentType": "Novelty", "OwnerDocumentNumber": "20450777123450"}, Way.NONE),
    ],
)
def test_the_way_is_read_from_the_waybill_it_was_made_from(owner: dict[str, str], way: Way) -> None:
    assert read(StatusCode="9", **owner)[0].way is way


def test_a_number_not_found_says_nothing_of_the_way() -> None:
    found, news = read(StatusCode="3")
    assert (found.native.code, found.way, found.precision, news) == ("3", Way.NONE, Precision.SEEN, None)


# --- news ----------------------------------------------------------------------------------------------------------


def test_the_expected_day_is_the_adjusted_one_where_there_is_one() -> None:
    _, news = read(ScheduledDeliveryDate="18-11-2026 12:00:00", AdjustedDate="2026-11-20 15:00:00")
    assert news is not None and news.eta is not None
    assert news.eta.day_only
    assert news.eta.start == datetime(2026, 11, 19, 22, 0, tzinfo=UTC)
    assert news.eta.end == datetime(2026, 11, 20, 21, 59, 59, tzinfo=UTC)


def test_without_adjustment_the_scheduled_day_counts() -> None:
    _, news = read(ScheduledDeliveryDate="18.11.2026 12:00:00", AdjustedDate="0001-01-01 00:00:00")
    assert news is not None and news.eta is not None
    assert news.eta.start == datetime(2026, 11, 17, 22, 0, tzinfo=UTC)


def test_a_day_on_which_the_clocks_change_is_as_long_as_it_is() -> None:
    _, news = read(ScheduledDeliveryDate="25-10-2026 12:00:00")
    assert news is not None and news.eta is not None
    assert news.eta.end - news.eta.start == timedelta(hours=25, seconds=-1)


def test_a_branch_is_a_pickup_point() -> None:
    _, news = read(**AT_BRANCH)
    assert news is not None and news.point is not None
    assert (news.point.kind, news.point.ref) == (PointKind.BRANCH, "12")
    assert news.point.address == "Київ, вул. Зразкова, 7"


@pytest.mark.parametrize("sign", [{"StatusCode": "8"}, {"CategoryOfWarehouse": "Postomat"}])
def test_a_locker_is_known_by_its_category_or_by_code_8(sign: dict[str, str]) -> None:
    _, news = read(**{**AT_BRANCH, **sign})
    assert news is not None and news.point is not None
    assert news.point.kind is PointKind.LOCKER


def test_a_parcel_for_a_door_has_no_pickup_point_and_no_deadline() -> None:
    _, news = read(**{**AT_BRANCH, "ServiceType": "WarehouseDoors", "DateFirstDayStorage": "2026-11-26"})
    assert news is None


def test_the_deadline_is_when_storage_begins_to_cost() -> None:
    _, news = read(**AT_BRANCH, DatePayedKeeping="2026-11-26 08:47:40", DateFirstDayStorage="2026-11-26")
    assert news is not None and news.deadline is not None
    assert news.deadline.at == datetime(2026, 11, 26, 6, 47, 40, tzinfo=UTC)
    assert (news.deadline.kind, news.deadline.basis) == (DeadlineKind.FEE_FROM, DeadlineBasis.TOLD)


def test_without_a_moment_the_first_paid_day_is_the_deadline() -> None:
    _, news = read(**AT_BRANCH, DatePayedKeeping="", DateFirstDayStorage="2026-11-26")
    assert news is not None and news.deadline is not None
    assert news.deadline.at == datetime(2026, 11, 25, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "sums", [{"Redelivery": 1, "RedeliverySum": 1200}, {"Redelivery": "1", "RedeliverySum": "1200"}]
)
def test_cash_on_delivery_is_due_in_hryvnias(sums: dict[str, Any]) -> None:
    _, news = read(**sums)
    assert news is not None and news.cod is not None
    assert news.cod.amount == Money(Decimal(1200), "UAH")
    assert news.cod.collected_at is None


def test_payment_control_counts_as_cash_on_delivery() -> None:
    _, news = read(Redelivery=0, RedeliverySum="", AfterpaymentOnGoodsCost="950.50")
    assert news is not None and news.cod is not None
    assert news.cod.amount == Money(Decimal("950.50"), "UAH")


CASH = {"Redelivery": 1, "RedeliverySum": 1200, "PayerType": "Recipient", "PaymentMethod": "Cash"}


@pytest.mark.parametrize(
    ("fields", "due"),
    [
        ({"AmountToPay": "85"}, 1285),
        ({"AmountToPay": 85, "ExpressWaybillAmountToPay": ""}, 1285),
        ({"AmountToPay": "85", "ExpressWaybillAmountToPay": "70,5"}, "1270.5"),
        ({"AmountToPay": "85", "ExpressWaybillAmountToPay": 0}, 1285),
        ({"AmountToPay": "85", "AmountPaid": "0"}, 1285),
        ({"Redelivery": 0, "AfterpaymentOnGoodsCost": 950, "AmountToPay": "85"}, 1035),
        ({}, 1200),
        ({"AmountToPay": "85", "PayerType": "Sender"}, 1200),
        ({"AmountToPay": "85", "PayerType": ""}, 1200),
        *[({"AmountToPay": "85", "PaymentMethod": other}, 1200) for other in ("NonCash", "", "Novelty", None)],
        ({"AmountToPay": "85", "AmountPaid": "85"}, 1200),
        *[({"AmountToPay": nonsense}, 1200) for nonsense in ("", "0", "-5", "1e3", "eighty", None, True, [85], 1e300)],
    ],
)
def test_the_carriage_that_the_recipient_pays_is_due_with_the_cash(fields: dict[str, Any], due: int | str) -> None:
    _, news = read(**{**CASH, **fields})
    assert news is not None and news.cod is not None
    assert news.cod.amount == Money(Decimal(due), "UAH")


def test_carriage_alone_is_no_cash_on_delivery() -> None:
    assert read(PayerType="Recipient", PaymentMethod="Cash", Redelivery=0, AmountToPay="85")[1] is None


@pytest.mark.parametrize("code", ["9", "10", "11"])
def test_what_was_collected_for_the_sender_is_the_cash_alone(code: str) -> None:
    _, news = read(**CASH, StatusCode=code, AmountToPay="85")
    assert news is not None and news.cod is not None
    assert news.cod.amount == Money(Decimal(1200), "UAH")


def test_a_sum_without_redelivery_is_not_due() -> None:
    assert read(Redelivery=0, RedeliverySum=1200)[1] is None


@pytest.mark.parametrize(("code", "remitted"), [("9", False), ("10", False), ("106", False), ("11", True)])
def test_cash_is_collected_at_the_hand_over_and_remitted_by_code_11(code: str, remitted: bool) -> None:
    _, news = read(
        StatusCode=code,
        Redelivery=1,
        RedeliverySum=1200,
        RecipientDateTime="18.11.2026 10:00:00",
        TrackingUpdateDate="2026-11-19 09:00:00",
    )
    assert news is not None and news.cod is not None
    assert news.cod.collected_at == datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
    assert news.cod.remitted_at == (datetime(2026, 11, 19, 7, 0, tzinfo=UTC) if remitted else None)


def test_payment_control_is_remitted_only_by_a_word_that_the_merchant_named() -> None:
    item = {
        "Number": "20450777123456",
        "StatusCode": "9",
        "AfterpaymentOnGoodsCost": 950,
        "LastTransactionStatusGM": "Done",
        "LastTransactionDateTimeGM": "2026-11-19 09:00:00",
    }
    body = {"asked_at": ASKED_AT, "item": item}
    [_, silent] = records(body)
    [_, named] = records(body, remitted_words=("Done",))
    assert silent.cod.remitted_at is None  # type: ignore[union-attr]
    assert named.cod.remitted_at == datetime(2026, 11, 19, 7, 0, tzinfo=UTC)  # type: ignore[union-attr]


# --- follow-up waybills --------------------------------------------------------------------------------------------


def _follow(kind: str, code: str = "5", **rest: Any) -> dict[str, Any]:
    return {
        "StatusCode": code,
        "LastCreatedOnTheBasisDocumentType": kind,
        "LastCreatedOnTheBasisNumber": "59000000000001",
        **rest,
    }


def test_a_return_waybill_is_followed_back() -> None:
    _, news = read(**_follow("CargoReturn", "102", ScheduledDeliveryDate="18-11-2026 12:00:00"))
    assert news is not None and news.next is not None
    assert (news.next.number, news.next.leg, news.relation) == ("59000000000001", Way.BACK, Relation.BACK)
    assert news.eta is None, "what the old waybill expects is past"


def test_a_redirected_parcel_goes_on_under_the_new_number() -> None:
    _, news = read(**_follow("Redirecting", "104"))
    assert news is not None and news.next is not None
    assert (news.next.leg, news.relation) == (Way.OUT, Relation.CONTINUES)


@pytest.mark.parametrize(("code", "relation"), [("102", Relation.BACK), ("104", Relation.CONTINUES)])
def test_an_unknown_type_is_followed_where_the_old_code_says_which_way(code: str, relation: Relation) -> None:
    found = records({"asked_at": ASKED_AT, "item": {"Number": "20450777123456", **_follow("Novelty", code)}})
    assert [getattr(each, "relation", None) for each in found] == [None, None, relation]


def test_an_unknown_type_is_reported_and_else_not_followed() -> None:
    found = records({"asked_at": ASKED_AT, "item": {"Number": "20450777123456", **_follow("Novelty", "9")}})
    natives = [(each.native.vocabulary, each.native.code) for each in found]  # type: ignore[union-attr]
    assert natives == [("nova_poshta", "9"), ("nova_poshta.basis", "Novelty")]


@pytest.mark.parametrize("number", ["", "102-00006096", "20450777123456", None, 5])
def test_an_order_number_or_itself_is_no_follow_up(number: Any) -> None:
    assert read(**{**_follow("CargoReturn", "102"), "LastCreatedOnTheBasisNumber": number})[1] is None


def test_of_a_return_waybill_only_its_status_is_told() -> None:
    back = {"OwnerDocumentType": "CargoReturn", "OwnerDocumentNumber": "20450777123450"}
    found, news = read(**AT_BRANCH, **back, ScheduledDeliveryDate="18-11-2026 12:00:00")
    assert (found.way, news) == (Way.BACK, None)


# --- nonsense ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        {},
        {"asked_at": ASKED_AT},
        {"asked_at": ASKED_AT, "item": []},
        {"asked_at": ASKED_AT, "item": {"Number": "20450777123456"}},
        {"asked_at": ASKED_AT, "item": {"Number": "", "StatusCode": "7"}},
        {"asked_at": ASKED_AT, "item": {"Number": "20450777123456", "StatusCode": "7\n8"}},
        {"asked_at": "yesterday", "item": {"Number": "20450777123456", "StatusCode": "7"}},
        {"asked_at": "2026-11-18T12:00:00", "item": {"Number": "20450777123456", "StatusCode": "7"}},
    ],
)
def test_nonsense_is_unreadable(body: Any) -> None:
    with pytest.raises(UnreadableError):
        records(body)
