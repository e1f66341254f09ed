"""Escalations: who is told, when, and who is told next."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from hub.config.calendars import Calendar
from hub.config.lengths import Hours, opens_at
from hub.config.model import Rung, Shop
from hub.flows.model import Escalate, Length, Severity
from hub.pipeline.ladder import DAILY, EscalationRows, climb, escalation_rows, hand_over, level_of

from .fakes import KYIV, STAFF, moment, world

# 3 March 2026 is a Tuesday; Kyiv is two hours ahead of UTC.
OFFICE = Hours(frozenset({1, 2, 3, 4, 5}), time(9), time(18))
NIGHTS = Hours(frozenset({1, 2, 3, 4, 5}), time(22), time(6))
MINUTE = timedelta(minutes=1)
SHOP = Shop("shop", "Kavovar", timezone=KYIV, hours=Hours(frozenset({1, 2, 3, 4, 5}), time(10), time(14)))


@pytest.mark.parametrize(
    ("first", "now", "level"),
    [
        ("support", "support", 1),
        ("support", "manager", 2),
        ("manager", "support", 1),  # the ladder does not lead there any more
        ("gone", "manager", 1),
        ("gone", "gone", 1),
    ],
)
def test_how_far_up_the_ladder_a_matter_is(first: str, now: str, level: int) -> None:
    assert level_of(first, now, STAFF) == level
    circle = {**STAFF, "manager": replace(STAFF["manager"], then="support")}
    assert level_of("support", "nowhere", circle) == 1


@pytest.mark.parametrize(
    ("hours", "now", "opens"),
    [
        (None, "03:00", "03:00"),
        (OFFICE, "10:00", "10:00"),
        (OFFICE, "07:00", "07:00"),
        (OFFICE, "06:59", "07:00"),
        (OFFICE, "16:00", "+1 07:00"),
        (OFFICE, "+3 15:59", "+3 15:59"),
        (OFFICE, "+3 16:00", "+6 07:00"),  # Friday evening → Monday
        (OFFICE, "+4 10:00", "+6 07:00"),  # Saturday
        (OFFICE, "+26 10:00", "+27 06:00"),  # Sunday on which summer begins → Monday, an hour earlier in UTC
        (NIGHTS, "21:00", "21:00"),  # 23:00 in Kyiv
        (NIGHTS, "+1 02:00", "+1 02:00"),  # 04:00: the hours of the day before
        (NIGHTS, "10:00", "20:00"),
        (NIGHTS, "+4 02:00", "+4 02:00"),  # Saturday, 04:00: Friday's hours
        (NIGHTS, "+4 21:00", "+6 20:00"),  # Saturday night → Monday
        (Hours(frozenset({1}), time(9), time(10)), "10:00", "+6 07:00"),
    ],
)
def test_a_rung_is_there_in_its_hours(hours: Hours | None, now: str, opens: str) -> None:
    assert opens_at(hours, moment(now), KYIV) == moment(opens)


def opened(now: str = "10:00", due: Length | None = None, severity: Severity = Severity.NORMAL, **staff: Rung) -> Any:
    return rows_of(Escalate("escalate:support", "support", "", severity, due), {**STAFF, **staff}, now)


def rows_of(step: Escalate, staff: dict[str, Rung], now: str = "10:00") -> EscalationRows:
    return escalation_rows(
        "uid", "key", step, "why", order_id="shop:1", run_key="run", flow="f", subject="shop:1", word="order.on_hold",
        world=world(staff=staff), now=moment(now), shop=SHOP,
    )  # fmt: skip


def clocks(rows: EscalationRows) -> dict[str, datetime]:
    return {timer["kind"]: timer["due_at"] for timer in rows.timers}


def heard(rows: EscalationRows) -> list[tuple[str, datetime]]:
    return [(message["recipient"].removeprefix("staff:"), message["due_at"]) for message in rows.messages]


def test_opening_tells_the_first_rung_and_starts_two_clocks() -> None:
    rows = opened(due=Length(timedelta(hours=4)))
    assert heard(rows) == [("olena", moment("10:00"))]
    assert clocks(rows) == {"acknowledge": moment("10:30"), "due": moment("14:00")}


IN_HOURS: dict[str, Any] = {"support": replace(STAFF["support"], hours=OFFICE)}


def test_outside_its_hours_a_rung_is_told_when_they_begin() -> None:
    rows = opened("+3 20:00", Length(timedelta(hours=4)), **IN_HOURS)
    assert heard(rows) == [("olena", moment("+6 07:00"))]
    assert [each["reason"] for each in rows.messages] == ["outside the hours of support"]
    assert clocks(rows) == {"acknowledge": moment("+6 07:30"), "due": moment("+6 11:00")}


@pytest.mark.parametrize(
    ("due", "hours", "now", "ends"),
    [
        pytest.param(Length(timedelta(hours=4), working=True), OFFICE, "13:00", "+1 08:00", id="the group's hours"),
        pytest.param(Length(timedelta(hours=3), working=True), None, "10:00", "+1 09:00", id="else the shop's"),
        pytest.param(Length(days=1, working=True), OFFICE, "+3 10:00", "+6 10:00", id="a working day over a weekend"),
        pytest.param(
            Length(timedelta(hours=4), working=True), OFFICE, "+3 20:00", "+6 11:00", id="from when they begin"
        ),
    ],
)
def test_working_time_is_the_groups_own(due: Length, hours: Hours | None, now: str, ends: str) -> None:
    rows = opened(now, due, support=replace(STAFF["support"], hours=hours))
    assert clocks(rows)["due"] == moment(ends)


def test_a_group_rests_on_the_holidays_of_the_shop() -> None:
    """Wednesday is free: what is raised on Tuesday evening, climbs or is handed over waits for Thursday."""
    rests = replace(SHOP, hours=replace(SHOP.hours, calendar=Calendar(also=frozenset({"2026-03-04"}))))
    staff = {
        **STAFF,
        "support": replace(STAFF["support"], hours=OFFICE),
        "manager": Rung("manager", ("iryna",), ("mail",), hours=OFFICE),
    }
    step, its = Escalate("x", "support", "", due=Length(timedelta(hours=4), working=True)), world(staff=staff)
    rows = escalation_rows(
        "uid", "key", step, "why", order_id="shop:1", run_key="run", flow="f", subject="shop:1", word="order.on_hold",
        world=its, now=moment("20:00"), shop=rests,
    )  # fmt: skip
    assert clocks(rows) == {"acknowledge": moment("+2 07:30"), "due": moment("+2 11:00")}
    higher = climb(rows.escalation, "acknowledge", its, moment("20:00"), rests)
    given = hand_over(rows.escalation, "manager", its, moment("20:00"), rests)
    assert given is not None
    for each in (rows, higher, given):
        assert {at for _, at in heard(each)} == {moment("+2 07:00")}
    alone = world(staff={**STAFF, "support": replace(STAFF["support"], hours=None)})
    told = escalation_rows(
        "uid", "key", step, "why", order_id="shop:1", run_key="run", flow="f", subject="shop:1", word="order.on_hold",
        world=alone, now=moment("20:00"), shop=rests,
    )  # fmt: skip
    assert heard(told) == [("olena", moment("20:00"))], "a group without hours is told at any time"
    assert clocks(told)["due"] == moment("+2 12:00"), "and its working lengths are the shop's: 10:00 to 14:00"


def test_only_the_critical_rings_outside_hours() -> None:
    rows = opened("+3 20:00", severity=Severity.CRITICAL, **IN_HOURS)
    assert heard(rows) == [("olena", moment("+3 20:00"))] and rows.messages[0]["reason"] == ""
    assert clocks(rows) == {"acknowledge": moment("+3 20:30")}


def row(**more: Any) -> dict[str, Any]:
    return {**opened().escalation, **more}


def climbed(kind: str, now: str = "10:30", staff: Any = STAFF, **more: Any) -> EscalationRows:
    return climb(row(**more), kind, world(staff=staff), moment(now), SHOP)


def test_not_taken_in_time_the_next_rung_is_told_too() -> None:
    rows = climbed("acknowledge")
    assert (rows.escalation["rung"], rows.escalation["told"]) == ("manager", 1)
    assert [name for name, _ in heard(rows)] == ["iryna", "petro"]
    assert clocks(rows) == {"acknowledge": moment("10:45")}


def test_the_top_rung_is_told_three_times_more_and_then_daily() -> None:
    told, now, gaps = {"rung": "manager", "told": 1}, moment("10:00"), []
    keys: set[str] = set()
    for _ in range(6):
        rows = climb(row(**told), "acknowledge", world(), now, SHOP)
        keys |= {message["key"] for message in rows.messages}
        told = {"rung": rows.escalation["rung"], "told": rows.escalation["told"]}
        gaps.append(clocks(rows)["acknowledge"] - now)
        now = clocks(rows)["acknowledge"]
    assert gaps == [15 * MINUTE, 15 * MINUTE, DAILY, DAILY, DAILY, DAILY]
    assert len(keys) == 12, "each telling is a message of its own"


@pytest.mark.parametrize(
    ("kind", "state", "speaks"),
    [
        ("acknowledge", "open", True), ("acknowledge", "acknowledged", False), ("acknowledge", "resolved", False),
        ("due", "open", True), ("due", "acknowledged", True), ("due", "resolved", False),
    ],
)  # fmt: skip
def test_a_taken_matter_climbs_only_when_it_is_overdue(kind: str, state: str, speaks: bool) -> None:
    rows = climbed(kind, state=state)
    assert bool(rows.messages) is speaks
    assert all(
        message["template"] == ("staff-overdue" if kind == "due" else "staff-escalation") for message in rows.messages
    )
    assert bool(rows.timers) is (speaks and state == "open")


def test_the_upper_rungs_hours_count_for_the_upper_rung() -> None:
    staff = {**STAFF, "manager": replace(STAFF["manager"], hours=OFFICE)}
    assert [at for _, at in heard(climbed("acknowledge", "20:00", staff))] == [moment("+1 07:00")] * 2
    assert [at for _, at in heard(climbed("acknowledge", "20:00", staff, severity="critical"))] == [moment("20:00")] * 2


CARETAKER = {"integrator": Rung("integrator", ("petro",), ("mail",), timedelta(minutes=20))}


@pytest.mark.parametrize(
    ("staff", "told"),
    [
        pytest.param({**STAFF, **CARETAKER}, ["petro"], id="who looks after the hub"),
        pytest.param(STAFF, ["iryna", "petro"], id="else the manager"),
        pytest.param({"support": replace(STAFF["support"], then=None)}, ["olena"], id="else the first group"),
        pytest.param({}, [], id="nobody is left"),
    ],
)
def test_for_a_group_that_the_file_no_longer_has_others_are_told(staff: dict[str, Rung], told: list[str]) -> None:
    raised, later = rows_of(Escalate("x", "gone", ""), staff), climbed("acknowledge", staff=staff, rung="gone")
    for rows in (raised, later):
        assert [person for person, _ in heard(rows)] == told
        assert rows.escalation["rung"] in (*staff, "gone") and (rows.escalation["rung"] == "gone") is not bool(told)
        assert [timer["kind"] for timer in rows.timers] == ["acknowledge"], "asked again until somebody takes it"
    assert raised.line.startswith("the staff group gone is not in the file any more")
    assert bool(later.line) is bool(told), "not said again and again where there is nobody to tell"


def test_a_group_of_the_file_is_told_without_a_word() -> None:
    assert opened().line == climbed("acknowledge").line == ""
