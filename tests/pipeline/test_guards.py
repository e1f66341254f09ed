"""What becomes of a message that is due: the guards, one after the other."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.config.model import Cap, Contact, Quiet
from hub.pipeline.guards import (
    AHEAD_OF_QUIET,
    DATA_WAITS,
    NEXT_AFTER,
    Decision,
    Defer,
    Drop,
    Option,
    Question,
    Via,
    before_quiet,
    decide,
    is_capped,
    quiet_until,
)
from hub.pipeline.states import MOVES

from .fakes import KYIV, moment

WARSAW = ZoneInfo("Europe/Warsaw")
NOW = moment("10:00")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
BOT, SMS, MAIL = Option("bot", rings=True), Option("sms", rings=True), Option("mail", rings=False)
NIGHT = Quiet(time(21), time(8))
QUIETLY = Contact(quiet=NIGHT)


def ask(**more: Any) -> Question:
    given: dict[str, Any] = {
        "now": NOW, "cls": "transactional", "urgent": False, "staff": False, "created_at": NOW, "before_at": None,
        "options": (BOT, MAIL), "zones": (KYIV,),
    }  # fmt: skip
    return Question(**{**given, **more})


ANYTIME = Contact()


def decided(contact: Contact = ANYTIME, capped: str = "", **more: Any) -> Decision:
    return decide(ask(**more), contact, lambda name: name in capped.split())


OBJECTIONS: list[tuple[dict[str, Any], str]] = [
    ({"stopped": "stopped"}, "stopped"),
    ({"untrue": "order.total > 5.0: not met"}, "no-longer-true: order.total > 5.0: not met"),
    ({"superseded": True}, "superseded"),
    ({"overtaken": True}, "overtaken"),
    ({"missing": ("shipment.tracking_url",), "created_at": NOW - DATA_WAITS}, "missing-data: shipment.tracking_url"),
    ({"forbidden": "no consent"}, "no consent"),
    ({"before_at": NOW - MINUTE}, "too-late"),
    ({"options": ()}, "nobody could be reached: no channel"),
]


@pytest.mark.parametrize("first", range(len(OBJECTIONS)))
def test_the_first_guard_that_objects_names_the_outcome(first: int) -> None:
    """With every later objection standing too."""
    all_later: dict[str, Any] = {}
    for objections, _ in reversed(OBJECTIONS[first:]):
        all_later |= objections
    decision = decided(**all_later)
    assert isinstance(decision, Drop)
    assert decision.reason == OBJECTIONS[first][1]
    assert decision.state in MOVES["due"]


def test_without_objection_the_first_channel_speaks() -> None:
    assert decided() == Via("bot")


def test_missing_data_is_waited_for_but_not_past_half_a_day() -> None:
    assert decided(missing=("a", "b")) == Defer(NOW + 10 * MINUTE, "waits for a, b")
    almost = decided(missing=("a",), created_at=NOW - DATA_WAITS + MINUTE)
    assert almost == Defer(NOW + MINUTE, "waits for a")


def test_at_its_last_moment_a_message_may_still_leave() -> None:
    assert decided(before_at=NOW) == Via("bot")


# ------------------------------------------------------------------------------------------------ quiet hours

LATE = moment("20:00")  # 22:00 in Kyiv; quiet ends at 06:00 UTC
MORNING = moment("+1 06:00")


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        pytest.param({"urgent": True}, Via("bot"), id="urgent breaks the quiet"),
        pytest.param({"staff": True}, Via("bot"), id="staff are told at night"),
        pytest.param({"options": (MAIL, BOT)}, Via("mail"), id="mail rings for nobody"),
        pytest.param({}, Defer(MORNING, "quiet"), id="deferred"),
        pytest.param({"before_at": MORNING}, Defer(MORNING, "quiet"), id="the end of quiet is not after before"),
        pytest.param(
            {"before_at": MORNING - MINUTE}, Via("mail", passed=(("bot", "quiet"),)), id="a channel that does not ring"
        ),
        pytest.param({"before_at": MORNING - MINUTE, "options": (BOT, SMS)}, Via("bot", silent=True), id="silently"),
        pytest.param(
            {"before_at": MORNING - MINUTE, "options": (BOT,), "cls": "feedback"},
            Drop("suppressed", "too-late"),
            id="other classes are too late",
        ),
    ],
)
def test_quiet_hours_defer_and_never_past_the_deadline(more: dict[str, Any], outcome: Decision) -> None:
    assert decided(QUIETLY, now=LATE, created_at=LATE, **more) == outcome


def test_quiet_hours_are_asked_before_caps() -> None:
    """What is capped tonight may be free in the morning."""
    both: dict[str, Any] = {"now": LATE, "created_at": LATE, "options": (SMS,)}
    assert decided(QUIETLY, "sms", cls="marketing", **both) == Defer(MORNING, "quiet")
    assert decided(QUIETLY, "sms", cls="marketing", now=NOW, options=(SMS,)) == Drop("suppressed", "capped")


def test_the_merchant_may_name_the_channels_that_are_quiet() -> None:
    only_mail = Contact(quiet=replace(NIGHT, channels=("mail",)))
    late: dict[str, Any] = {"now": LATE, "created_at": LATE}
    assert decided(only_mail, options=(BOT,), **late) == Via("bot")
    assert decided(only_mail, options=(MAIL,), **late) == Defer(MORNING, "quiet")


@pytest.mark.parametrize(
    ("zone", "now", "ends"),
    [
        pytest.param(KYIV, "2026-03-29T00:30+02:00", "2026-03-29T08:00+03:00", id="Kyiv springs on"),
        pytest.param(KYIV, "2026-10-25T02:00+03:00", "2026-10-25T08:00+02:00", id="Kyiv falls back"),
        pytest.param(WARSAW, "2026-03-28T22:00+01:00", "2026-03-29T08:00+02:00", id="Warsaw springs on"),
        pytest.param(WARSAW, "2026-10-24T22:00+02:00", "2026-10-25T08:00+01:00", id="Warsaw falls back"),
        pytest.param(KYIV, "2026-07-01T21:00+03:00", "2026-07-02T08:00+03:00", id="from its first moment"),
        pytest.param(KYIV, "2026-07-01T20:59:59+03:00", None, id="not before"),
        pytest.param(KYIV, "2026-07-01T08:00+03:00", None, id="not from its end"),
        pytest.param(KYIV, "2028-02-29T23:00+02:00", "2028-03-01T08:00+02:00", id="29 February"),
    ],
)
def test_quiet_ends_at_the_recipients_own_clock(zone: ZoneInfo, now: str, ends: str | None) -> None:
    assert quiet_until(NIGHT, datetime.fromisoformat(now), zone) == (datetime.fromisoformat(ends) if ends else None)


CHANGES = [
    pytest.param(KYIV, datetime(2026, 3, 29, 1, tzinfo=UTC), id="Kyiv, spring"),
    pytest.param(KYIV, datetime(2026, 10, 25, 1, tzinfo=UTC), id="Kyiv, autumn"),
    pytest.param(WARSAW, datetime(2026, 3, 29, 1, tzinfo=UTC), id="Warsaw, spring"),
    pytest.param(WARSAW, datetime(2026, 10, 25, 1, tzinfo=UTC), id="Warsaw, autumn"),
]
SPANS = [
    (time(21), time(8)), (time(22), time(2, 30)), (time(22), time(3, 30)), (time(2, 30), time(8)),
    (time(3, 30), time(8)), (time(2, 15), time(2, 45)), (time(3, 15), time(3, 45)),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "change"), CHANGES)
@pytest.mark.parametrize(("start", "end"), SPANS)
def test_quiet_always_ends_later_than_now_and_once(zone: ZoneInfo, change: datetime, start: time, end: time) -> None:
    """Whatever the clocks do: an end that lies behind us would be asked for again and again."""
    quiet = Quiet(start, end)
    for step in range(-36 * 4, 36 * 4):
        now = change + step * timedelta(minutes=15)
        until = quiet_until(quiet, now, zone)
        assert until is None or until > now
        assert until is None or quiet_until(quiet, until, zone) is None


@pytest.mark.parametrize(
    ("due", "before", "now", "ends"),
    [
        pytest.param("20:00", "+1 05:00", "10:00", moment("19:00") - AHEAD_OF_QUIET, id="before quiet begins"),
        pytest.param("20:00", "+1 06:00", "10:00", moment("20:00"), id="the morning is early enough"),
        pytest.param("18:00", "+1 05:00", "10:00", moment("18:00"), id="not quiet then"),
        pytest.param("20:00", "19:30", "10:00", moment("20:00"), id="too late anyway"),
        pytest.param("22:00", "+1 05:00", "20:00", moment("22:00"), id="it is quiet already"),
        pytest.param("20:00", "+1 05:00", "18:58", moment("18:58"), id="quiet is about to begin: not in the past"),
    ],
)
def test_a_wait_ends_before_the_quiet_that_would_make_it_late(due: str, before: str, now: str, ends: datetime) -> None:
    times = {"due_at": moment(due), "before_at": moment(before), "now": moment(now)}
    assert before_quiet(NIGHT, BOT, KYIV, **times) == ends
    assert before_quiet(NIGHT, MAIL, KYIV, **times) == times["due_at"]
    if ends != times["due_at"]:
        assert quiet_until(NIGHT, ends, KYIV) is None


# ------------------------------------------------------------------------------------------------ caps


@pytest.mark.parametrize(
    ("cap", "ages", "capped"),
    [
        pytest.param(Cap(2, 24 * HOUR), [1, 2], True, id="used up"),
        pytest.param(Cap(2, 24 * HOUR), [1, 24], False, id="the window slides"),
        pytest.param(Cap(2, 24 * HOUR), [1, 23.99], True, id="until its very end"),
        pytest.param(Cap(1, 24 * HOUR, channel="sms"), [1], True, id="by channel"),
        pytest.param(Cap(1, 24 * HOUR, channel="bot"), [1], False, id="another channel"),
        pytest.param(Cap(1, 24 * HOUR, cls="marketing"), [1], False, id="another class"),
        pytest.param(Cap(1, 24 * HOUR, channel="sms", cls="feedback"), [1], True, id="both"),
        pytest.param(Cap(0, HOUR), [], True, id="never"),
    ],
)
def test_a_cap_counts_what_was_said_in_its_window(cap: Cap, ages: list[float], capped: bool) -> None:
    sent = [(NOW - age * HOUR, "sms", "feedback") for age in ages]
    assert is_capped((cap,), sent, connection="sms", cls="feedback", now=NOW) is capped


def test_a_cap_on_one_channel_does_not_count_the_others() -> None:
    sent = [(NOW, "mail", "feedback"), (NOW, "bot", "feedback")]
    assert not is_capped((Cap(1, HOUR, channel="sms"),), sent, connection="sms", cls="feedback", now=NOW)


@pytest.mark.parametrize(
    ("cls", "capped", "outcome"),
    [
        ("feedback", "bot", Via("mail", passed=(("bot", "capped"),))),
        ("feedback", "bot mail", Drop("suppressed", "capped")),
        ("transactional", "bot mail", Via("mail", passed=(("bot", "capped"), ("mail", "capped")))),
    ],
)
def test_a_capped_channel_is_passed_over_and_news_is_never_dropped(cls: str, capped: str, outcome: Decision) -> None:
    assert decided(capped=capped, cls=cls) == outcome


@pytest.mark.parametrize("who", ["urgent", "staff"])
def test_caps_are_not_for_the_urgent_nor_for_staff(who: str) -> None:
    asked: dict[str, Any] = {who: True}
    assert decided(capped="bot mail", **asked) == Via("bot")


# ------------------------------------------------------------------------------------------------ the cascade


def test_closed_channels_are_passed_over_at_once() -> None:
    shut = replace(BOT, closed="not linked")
    assert decided(options=(shut, MAIL)) == Via("mail", passed=(("bot", "not linked"),))
    nobody = decided(options=(shut, replace(MAIL, closed="no address")))
    assert nobody == Drop("failed", "nobody could be reached: bot: not linked; mail: no address")


def pausing(option: Option, minutes: int) -> Option:
    return replace(option, waits_until=NOW + minutes * MINUTE)


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        pytest.param({"options": (pausing(BOT, 40), MAIL)}, Defer(NOW + NEXT_AFTER, "channel pauses"), id="patience"),
        pytest.param({"options": (pausing(BOT, 5), MAIL)}, Defer(NOW + 5 * MINUTE, "channel pauses"), id="short pause"),
        pytest.param(
            {"options": (pausing(BOT, 40), MAIL), "first_try_at": NOW - NEXT_AFTER},
            Via("mail", passed=(("bot", "pauses"),)),
            id="patience is over",
        ),
        pytest.param(
            {"options": (pausing(BOT, 40), MAIL), "urgent": True},
            Via("mail", passed=(("bot", "pauses"),)),
            id="the urgent does not wait",
        ),
        pytest.param({"options": (pausing(BOT, 40),)}, Defer(NOW + 40 * MINUTE, "channel pauses"), id="no other"),
        pytest.param({"options": (BOT, pausing(MAIL, 40))}, Via("bot"), id="another one pauses"),
        pytest.param({"options": (pausing(BOT, 0), MAIL)}, Via("bot"), id="the pause is over"),
        pytest.param(
            {"options": (pausing(BOT, 40), pausing(MAIL, 9)), "first_try_at": NOW - HOUR},
            Defer(NOW + 9 * MINUTE, "channel pauses"),
            id="all pause: whichever comes back first",
        ),
    ],
)
def test_a_pausing_channel_is_waited_for_a_quarter_of_an_hour(more: dict[str, Any], outcome: Decision) -> None:
    assert decided(**more) == outcome


# ------------------------------------------------------------------------------------------------ failover

FIRST, SECOND, LETTER = replace(SMS, entry=0), replace(SMS, connection="backup", entry=0), replace(MAIL, entry=1)


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        pytest.param((FIRST, SECOND, LETTER), Via("sms"), id="the first"),
        pytest.param((pausing(FIRST, 40), SECOND, LETTER), Via("backup"), id="one pauses, and nobody waits"),
        pytest.param(
            (pausing(FIRST, 40), pausing(SECOND, 9), LETTER),
            Defer(NOW + 9 * MINUTE, "channel pauses"),
            id="both pause: whichever comes back first",
        ),
        pytest.param((pausing(FIRST, 0), SECOND, LETTER), Via("sms"), id="the pause is over"),
        pytest.param(
            (replace(FIRST, closed="no text in this form"), SECOND, LETTER),
            Via("backup", passed=(("sms", "no text in this form"),)),
            id="one is closed",
        ),
        pytest.param((LETTER, pausing(FIRST, 40), SECOND), Via("mail"), id="it is not its turn"),
    ],
)
def test_of_a_failover_the_provider_speaks_that_can(options: tuple[Option, ...], outcome: Decision) -> None:
    assert decided(options=options) == outcome


@pytest.mark.parametrize(
    ("capped", "outcome"),
    [
        ("sms", Via("backup", passed=(("sms", "capped"),))),
        ("sms backup", Via("mail", passed=(("sms", "capped"), ("backup", "capped")))),
    ],
)
def test_a_cap_on_one_provider_is_no_cap_on_the_other(capped: str, outcome: Decision) -> None:
    assert decided(capped=capped, options=(FIRST, SECOND, LETTER)) == outcome


def test_news_goes_by_the_last_of_the_list_whichever_of_its_providers_can() -> None:
    decision = decided(capped="bot sms backup", options=(BOT, pausing(FIRST, 9), SECOND))
    assert isinstance(decision, Via) and decision.connection == "backup"


BOTH = frozenset({"sms", "backup"})


@pytest.mark.parametrize(
    ("cap", "capped"),
    [
        pytest.param(Cap(2, HOUR, "texts", providers=BOTH), {"sms", "backup"}, id="by its name: what any of them sent"),
        pytest.param(Cap(1, HOUR, "backup"), {"backup"}, id="by a provider's name: its own"),
        pytest.param(Cap(2, HOUR, "sms"), set(), id="the other's does not count"),
    ],
)
def test_a_cap_on_a_failover_counts_what_any_of_its_providers_sent(cap: Cap, capped: set[str]) -> None:
    sent = [(NOW, "sms", "feedback"), (NOW, "backup", "feedback"), (NOW, "mail", "feedback")]
    found = {name for name in ("sms", "backup", "mail") if is_capped((cap,), sent, connection=name, cls="x", now=NOW)}
    assert found == capped
