"""One answer in, records out: times, statuses, points, cash, reminders."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from hub.model import Money, PointKind, Told, ToldKind
from hub.plugin import UnreadableError
from hub.status import Precision
from plugins.carriers.inpost.reading import moment, money, records, text

from .telling import ASKED_AT, NUMBER, answer, event, machine, read

READY = event("ready_to_pickup")
NOTHING: list[Any] = [0, 0.0, "0.00", None, True, "", -5, "1e3", 1e300, "12 PLN", [], {}]


# --- times ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2026-11-18T07:42:10.900+01:00", datetime(2026, 11, 18, 6, 42, 10, 900_000, tzinfo=UTC)),
        ("2026-07-18T07:42:10.000+02:00", datetime(2026, 7, 18, 5, 42, 10, tzinfo=UTC)),
        ("2026-11-18T06:42:10Z", datetime(2026, 11, 18, 6, 42, 10, tzinfo=UTC)),
        ("2026-11-18T07:42:10", datetime(2026, 11, 18, 6, 42, 10, tzinfo=UTC)),
        ("2026-07-18T07:42:10", datetime(2026, 7, 18, 5, 42, 10, tzinfo=UTC)),
    ],
)
def test_a_date_is_read_with_its_offset_and_without_one_as_warsaws(written: str, at: datetime) -> None:
    assert moment(written) == at


def test_the_ambiguous_hour_of_autumn_is_told_apart_by_its_offset_and_is_the_earlier_one_without() -> None:
    first, second = (moment(f"2026-10-25T02:30:00+0{hours}:00") for hours in (2, 1))
    assert (first, second) == (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    assert moment("2026-10-25T02:30:00") == first


def test_the_missing_hour_of_spring_moves_on_by_the_gap() -> None:
    assert moment("2026-03-29T02:30:00") == moment("2026-03-29T03:30:00+02:00")


@pytest.mark.parametrize(
    "empty", ["", None, "soon", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-12:00", "2026-02-31", 5, True, [], {}]
)
def test_an_impossible_date_is_no_date(empty: Any) -> None:
    assert moment(empty) is None


# --- the history -----------------------------------------------------------------------------------------------------


def test_every_line_of_the_history_is_a_checkpoint_with_its_own_time_and_place() -> None:
    early = event("adopted_at_sorting_center", "2026-11-17T22:30:00.000+01:00", "KRA")
    points, _, _ = read(answer(READY, early))
    assert [(each.native.code, each.at.isoformat(), each.place, each.precision) for each in points] == [
        ("adopted_at_sorting_center", "2026-11-17T21:30:00+00:00", "KRA", Precision.SECOND),
        ("ready_to_pickup", "2026-11-18T06:42:10+00:00", "", Precision.SECOND),
    ]
    assert not any(each.snapshot for each in points)


def test_lines_are_put_in_order_however_they_come() -> None:
    lines = [event("confirmed", "2026-11-16T09:00:00+01:00"), READY, event("avizo", "2026-11-17T09:00:00+01:00")]
    assert read(answer(*lines))[0] == read(answer(*reversed(lines)))[0]


def test_of_equal_times_the_line_told_first_is_the_newer() -> None:
    points, _, _ = read(answer(event("collected_from_sender"), event("taken_by_courier"), event("confirmed")))
    assert [each.native.code for each in points] == ["confirmed", "taken_by_courier", "collected_from_sender"]


@pytest.mark.parametrize(
    ("code", "vocabulary", "label"),
    [
        ("ready_to_pickup", "inpost", "Gotowa do odbioru"),
        ("READY_TO_PICKUP", "inpost", "Gotowa do odbioru"),
        ("LMD.1003", "inpost.group", "Ready to collect"),
        ("CC.001", "inpost.group", "At customs"),
        ("brand_new", "inpost", ""),
        ("XYZ.9999", "inpost.group", ""),
    ],
)
def test_a_code_is_of_its_own_vocabulary_with_the_label_of_the_table(code: str, vocabulary: str, label: str) -> None:
    [point], _, _ = read(answer(event(code)))
    assert (point.native.vocabulary, point.native.code, point.native.label) == (vocabulary, code, label)
    assert point.text == label


def test_a_code_of_no_table_has_the_title_that_came_with_the_answer() -> None:
    [point], _, _ = read(answer(event("brand_new")), titles={"brand_new": "Zupełnie nowy", "ready_to_pickup": "x"})
    assert (point.native.label, point.text) == ("Zupełnie nowy", "Zupełnie nowy")


@pytest.mark.parametrize("when", [None, "", "soon", 5])
def test_a_line_without_a_time_makes_the_answer_unreadable(when: Any) -> None:
    with pytest.raises(UnreadableError, match="without a time"):
        read(answer({"status": "confirmed", "datetime": when}))


@pytest.mark.parametrize("code", [None, "", "a b", "x" * 65, 1.5, [], "re\x00ady"])
def test_a_line_without_a_status_makes_the_answer_unreadable(code: Any) -> None:
    with pytest.raises(UnreadableError, match="without a status"):
        read(answer({**READY, "status": code}, READY))


@pytest.mark.parametrize("details", [{}, "x", 5])
def test_a_history_that_is_none_is_unreadable(details: Any) -> None:
    with pytest.raises(UnreadableError, match="history"):
        read(answer(READY, tracking_details=details))


# --- the present status --------------------------------------------------------------------------------------------


def test_a_status_that_the_history_does_not_have_is_as_old_as_the_last_change() -> None:
    said = answer(event("confirmed", "2026-11-16T09:00:00+01:00"))
    points, _, _ = read({**said, "status": "dispatched_by_sender", "updated_at": "2026-11-16T18:02:12.1+01:00"})
    assert [(each.native.code, each.at.isoformat(), each.precision) for each in points][1:] == [
        ("dispatched_by_sender", "2026-11-16T17:02:12.100000+00:00", Precision.SECOND)
    ]


def test_without_any_time_it_is_the_moment_of_asking() -> None:
    [point], _, _ = read(answer(status="created"))
    assert (point.at.isoformat(), point.precision) == (ASKED_AT, Precision.SEEN)


def test_a_status_that_the_history_has_is_not_told_twice() -> None:
    points, _, _ = read(answer(READY, updated_at="2026-11-18T09:00:00+01:00"))
    assert len(points) == 1


def test_a_history_needs_no_status_beside_it() -> None:
    assert len(read(answer(READY, status=None))[0]) == 1


def test_neither_a_status_nor_a_history_is_unreadable() -> None:
    with pytest.raises(UnreadableError):
        read(answer(status=None))


# --- the point -----------------------------------------------------------------------------------------------------


def _point(*events: dict[str, Any], **rest: Any) -> Any:
    beside = {"point": rest.pop("point")} if "point" in rest else {}
    _, news, _ = read(answer(*(events or (READY,)), **rest), **beside)
    return news.point if news else None


def _target(**changes: Any) -> dict[str, Any]:
    return {"custom_attributes": {"target_machine_id": "KRA010", "target_machine_detail": machine(**changes)}}


def test_a_locker_is_told_with_its_name_address_hours_and_coordinates() -> None:
    found = _point()
    assert (found.ref, found.name, found.kind, found.carrier) == ("KRA010", "KRA010", PointKind.LOCKER, "inpost")
    assert (found.address, found.hours) == ("Przykładowa 12, 31-019 Kraków", "06:00-22:00")
    assert (found.lat, found.lon) == (50.0614, 19.9366)


@pytest.mark.parametrize(
    ("changes", "hours"),
    [
        ({"opening_hours": "24/7"}, "24/7"),
        ({"opening_hours": None, "location247": True}, "24/7"),
        ({"opening_hours": "", "location247": False}, ""),
        ({"opening_hours": {"Mon": 1}, "location247": "yes"}, ""),
    ],
)
def test_hours_are_told_or_follow_from_the_flag(changes: dict[str, Any], hours: str) -> None:
    assert _point(**_target(**changes)).hours == hours


@pytest.mark.parametrize(
    "place", [None, {}, {"latitude": "50"}, {"latitude": 0, "longitude": 0}, {"latitude": 91, "longitude": 1}, [1, 2]]
)
def test_coordinates_are_both_or_neither(place: Any) -> None:
    found = _point(**_target(location=place))
    assert (found.lat, found.lon) == (None, None)


@pytest.mark.parametrize(
    ("types", "service", "kind"),
    [
        (["parcel_locker"], "inpost_courier_standard", PointKind.LOCKER),
        (["parcel_locker", "pop"], "", PointKind.LOCKER),
        (["parcel_locker_superpop"], "", PointKind.LOCKER),
        (["pop"], "inpost_locker_standard", PointKind.PARTNER),
        ([], "inpost_locker_standard", PointKind.LOCKER),
        (None, "inpost_locker_economy", PointKind.LOCKER),
        (None, "inpost_courier_standard", PointKind.PARTNER),
        (None, None, PointKind.PARTNER),
    ],
)
def test_the_kind_of_a_point_follows_from_its_types_else_from_the_service(
    types: Any, service: Any, kind: PointKind
) -> None:
    assert _point(service=service, **_target(type=types)).kind is kind


def test_a_courier_has_no_point() -> None:
    assert _point(custom_attributes={}) is None
    assert _point(custom_attributes=None) is None


def test_after_a_redirection_the_new_point_is_told_as_it_describes_itself() -> None:
    moved = {"target_machine_id": "KRA01M", "target_machine_detail": machine("KRA010")}
    place = machine("KRA01M", address={"line1": "Zmyślona 3", "line2": "30-001 Kraków"})
    found = _point(custom_attributes=moved, point=place)
    assert (found.ref, found.address) == ("KRA01M", "Zmyślona 3, 30-001 Kraków")
    bare = _point(custom_attributes=moved)
    assert (bare.ref, bare.address, bare.hours, bare.lat) == ("KRA01M", "", "", None), "not the old one's address"


@pytest.mark.parametrize(
    ("status", "kind", "name"),
    [
        ("ready_to_pickup_from_branch", PointKind.BRANCH, "Oddział InPost"),
        ("ready_to_pickup_from_pok", PointKind.PARTNER, "PaczkoPunkt InPost"),
        ("courier_avizo_in_customer_service_point", PointKind.PARTNER, "PaczkoPunkt InPost"),
        ("stack_in_customer_service_point", PointKind.PARTNER, "PaczkoPunkt InPost"),
        ("stack_in_box_machine", PointKind.LOCKER, "KRA010"),
        ("ready_to_pickup", PointKind.LOCKER, "KRA010"),
    ],
)
def test_who_waits_at_another_kind_of_point_is_not_sent_to_the_locker(status: str, kind: PointKind, name: str) -> None:
    found = _point(event(status))
    assert (found.kind, found.name) == (kind, name)


def test_a_point_of_the_kind_that_the_status_names_is_told_whole() -> None:
    found = _point(event("ready_to_pickup_from_pok"), **_target(type=["pop"]))
    assert (found.name, found.address) == ("KRA010", "Przykładowa 12, 31-019 Kraków")


@pytest.mark.parametrize("later", ["pickup_reminder_sent", "other", "brand_new"])
def test_what_moves_nothing_does_not_change_where_it_waits(later: str) -> None:
    found = _point(event(later, "2026-11-19T07:00:00+01:00"), event("ready_to_pickup_from_branch"))
    assert found.kind is PointKind.BRANCH


@pytest.mark.parametrize(
    "status", ["delivered", "returned_to_sender", "taken_by_courier_from_customer_service_point", "canceled"]
)
def test_of_a_parcel_that_waits_no_more_no_point_is_told(status: str) -> None:
    assert _point(event(status)) is None


# --- cash and reminders --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "found"),
    [
        (129.90, "129.9"),
        ("129.90", "129.90"),
        (130, "130"),
        *[(nothing, None) for nothing in NOTHING],
    ],
)
def test_a_sum_is_read_as_it_was_written_or_not_at_all(amount: Any, found: str | None) -> None:
    wanted = Money(Decimal(found), "PLN") if found else None
    assert money({"amount": amount, "currency": "PLN"}) == wanted


@pytest.mark.parametrize("currency", [None, "", "zł", "pln", "PLNX", 5])
def test_a_sum_needs_its_currency(currency: Any) -> None:
    assert money({"amount": "10", "currency": currency}) is None


def test_cash_is_told_with_the_parcel() -> None:
    _, news, _ = read(answer(READY), cod={"amount": 129.9, "currency": "PLN"})
    assert news is not None and news.cod is not None
    assert news.cod.amount == Money(Decimal("129.9"), "PLN")


def test_nothing_to_tell_is_no_news() -> None:
    assert read(answer(READY, custom_attributes={}))[1:] == (None, [])


@pytest.mark.parametrize("code", ["pickup_reminder_sent", "pickup_reminder_sent_address", "LMD.9001"])
def test_inposts_own_reminders_are_told_each_with_its_time(code: str) -> None:
    _, _, told = read(answer(event(code, "2026-11-19T07:00:00+01:00"), event(code, "2026-11-18T19:00:00+01:00"), READY))
    assert [each.told for each in told] == [
        Told(ToldKind.REMINDER, datetime(2026, 11, 18, 18, tzinfo=UTC)),
        Told(ToldKind.REMINDER, datetime(2026, 11, 19, 6, tzinfo=UTC)),
    ]


# --- what is no answer ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [None, "", "123", NUMBER + "0", 630071])
def test_an_answer_without_a_number_is_unreadable(number: Any) -> None:
    with pytest.raises(UnreadableError, match="tracking number"):
        read(answer(READY, tracking_number=number))


@pytest.mark.parametrize("asked_at", [None, "", "soon", 5])
def test_an_event_that_does_not_say_when_it_was_asked_is_unreadable(asked_at: Any) -> None:
    with pytest.raises(UnreadableError, match="asked"):
        records({"asked_at": asked_at, "tracking": answer(READY)})


@pytest.mark.parametrize(
    ("value", "read_as"), [(" x ", "x"), (7, "7"), ("a\x00b", "a b"), (None, ""), (True, ""), (1.5, ""), ([1], "")]
)
def test_a_field_is_text_or_nothing(value: Any, read_as: str) -> None:
    assert text(value) == read_as
