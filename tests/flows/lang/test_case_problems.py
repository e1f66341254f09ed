"""Every kind of mistake in `tests:`: where it is said to be, and in which words."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.config.problems import CODES, Level
from hub.flows.cases import read_moment, resolved
from tests.config.fakes import GROUND, LINES, WITH_TARGET, FakeTexts, load

FLOW = "flows: {a: {on: shipment.delivered, steps: [{stop: x}]}, press: {on: {button: Sorry}, steps: [{stop: x}]}}\n"
AT = '{at: "2026-03-02T10:00"'


def problems(folder: Path, *lines: str, ground: str = GROUND) -> list[str]:
    """`line:column code` of what is wrong with a case; line 1 is the first of `lines`, column 1 its first."""
    text = "".join(f"    {line}\n" for line in lines)
    found = load(folder, f"{ground}{FLOW}tests:\n  -\n{text}", FakeTexts())
    above = ground.count("\n") + 3
    wrong = [each for each in found.problems if each.code != "never-fires"]
    return [f"{each.line - above}:{each.column - 4} {each.code}" for each in wrong]


def case(*, when: str = f"{AT}, order: packed}}", then: str = "nothing", more: str = "") -> list[str]:
    lines = ["name: x", f"when: [{when}]", f"then: {then}"]
    return [*lines, more] if more else lines


CASES = [
    pytest.param(case(), "", id="right"),
    pytest.param(["name: x"], "1:1 missing-setting 1:1 missing-setting", id="nothing happens"),
    pytest.param(case(more="shop: elsewhere"), "4:7 unknown-shop", id="shop"),
    pytest.param(case(more="flow: [a, b]"), "4:11 unknown-flow", id="flow"),
    pytest.param(case(more="givn: {}"), "4:1 unknown-setting", id="a setting that is not there"),
    pytest.param(case(more="until: soon"), "4:8 bad-time", id="until is no time"),
    pytest.param(case(more='until: "2026-03-01"'), "4:8 bad-time", id="until is before the last line"),
    # what is given
    pytest.param(case(more="given: {order: {status: packd}}"), "4:25 unknown-status", id="status"),
    pytest.param(case(more="given: {payment: {status: packed}}"), "4:27 unknown-status", id="status of another axis"),
    pytest.param(case(more="given: {order: {total: much}}"), "4:24 bad-value", id="total"),
    pytest.param(case(more="given: {order: {placed_at: 10 o'clock}}"), "4:28 bad-time", id="a time"),
    pytest.param(
        case(more="given: {shipment: {carrier: pst, tracking_number: P1}}"), "4:29 unknown-connection", id="carrier"
    ),
    pytest.param(
        case(more="given: {shipment: {carrier: mail, tracking_number: P1}}"), "4:29 wrong-connection", id="no carrier"
    ),
    pytest.param(case(more="given: {shipment: {carrier: post}}"), "4:29 missing-setting", id="no number to follow"),
    pytest.param(
        case(more="given: {shipment: {status: shipped}, shipments: [{status: shipped}]}"),
        "4:38 conflicting-settings",
        id="one and several",
    ),
    pytest.param(case(more="given: {customer: {reach: [bott]}}"), "4:28 unknown-connection", id="reach"),
    pytest.param(case(more="given: {customer: {locale: ua}}"), "4:28 bad-locale", id="locale"),
    # what happens
    pytest.param(case(when='{at: "+2h", order: packed}'), "2:13 bad-time", id="the first line needs a day"),
    pytest.param(case(when='{at: "25:00", order: packed}'), "2:13 bad-time", id="no time"),
    pytest.param(case(when='{at: "2026-02-30", order: packed}'), "2:13 bad-time", id="no day"),
    pytest.param(case(when='{at: "+2x", order: packed}'), "2:13 bad-length", id="no length"),
    pytest.param(
        case(when=f'{AT}, order: packed}}, {{at: "2026-03-01", order: completed}}'), "2:54 bad-time", id="backwards"
    ),
    pytest.param(case(when=f"{AT}}}"), "2:8 missing-setting", id="nothing in a line"),
    pytest.param(case(when=f"{AT}, order: packed, payment: paid}}"), "2:48 conflicting-settings", id="two in a line"),
    pytest.param(case(when=f"{AT}, shipment: packed}}"), "2:43 unknown-status", id="a status of a line"),
    pytest.param(case(when=f"{AT}, asked: money}}"), "2:40 bad-value", id="topic"),
    pytest.param(case(when=f"{AT}, asked: {{text: Hm, via: post}}}}"), "2:56 wrong-connection", id="channel"),
    pytest.param(case(when=f"{AT}, button: Sory}}"), "2:41 bad-value", id="button"),
    pytest.param(case(when=f"{AT}, acknowledge: staff}}"), "2:46 unknown-staff", id="group"),
    pytest.param(case(when=f"{AT}, resolve: {{by: olga}}}}"), "2:47 unknown-staff", id="person"),
    pytest.param(case(when=f"{AT}, receipt: {{post: none}}}}"), "2:43 wrong-connection", id="receipts of no channel"),
    pytest.param(case(when=f"{AT}, fail: {{mail: never}}}}"), "2:46 bad-value", id="how it fails"),
    pytest.param(case(when=f"{AT}, native: {{there: 7}}}}"), "2:42 unknown-connection", id="whose code"),
    pytest.param(case(when=f"{AT}, event: ping}}"), "2:33 not-yet", id="an event"),
    pytest.param(case(when=f"{AT}, change: {{order: {{totl: 5}}}}}}"), "2:50 unknown-setting", id="a change"),
    # what must come
    pytest.param(case(then="all"), "3:7 bad-value", id="then is a word"),
    pytest.param(case(then="[]"), "3:7 bad-value", id="then is empty"),
    pytest.param(case(then=f"[{AT}, message: shiped}}]"), "3:42 unknown-template", id="template"),
    pytest.param(case(then=f"[{AT}, message: shipped, via: sms}}]"), "3:56 unknown-connection", id="via"),
    pytest.param(case(then=f"[{AT}, message: shipped, to: olga}}]"), "3:55 unknown-staff", id="to"),
    pytest.param(case(then=f"[{AT}, escalation: olena}}]"), "3:45 unknown-staff", id="a group"),
    pytest.param(case(then=f"[{AT}, survey: five}}]"), "3:41 unknown-survey", id="survey"),
    pytest.param(case(then=f"[{AT}, message: shipped, survey: five}}]"), "3:51 conflicting-settings", id="two kinds"),
    pytest.param(case(then='[{at: "2026-03-01", message: shipped}]'), "3:13 bad-time", id="before it begins"),
]


@pytest.mark.parametrize(("lines", "expected"), CASES)
def test_a_mistake_is_told_at_its_place(tmp_path: Path, lines: list[str], expected: str) -> None:
    found = problems(tmp_path, *lines)
    assert " ".join(found) == expected


def test_a_target_is_followed(tmp_path: Path) -> None:
    assert problems(tmp_path, *case(then=f"[{AT}, call: crm}}]"), ground=WITH_TARGET) == []
    assert problems(tmp_path, *case(then=f"[{AT}, call: mail}}]"), ground=WITH_TARGET) == ["3:39 wrong-connection"]


def test_two_tests_of_one_name(tmp_path: Path) -> None:
    one = f"  - {{name: x, when: [{AT}, order: packed}}], then: nothing}}\n"
    found = load(tmp_path, f"{GROUND}{FLOW}tests:\n{one}{one}", FakeTexts())
    assert [(each.line, each.code) for each in found.errors] == [(LINES + 4, "bad-name")]


def test_several_shops_need_their_name(tmp_path: Path) -> None:
    ground = GROUND.replace("shop: {name: Kavovar", "shops:\n  one: {name: One}\n  two: {name: Kavovar")
    ground = ground.replace("platform: shoplet,", "platform: shoplet, shop: one,")
    assert problems(tmp_path, *case(), ground=ground) == ["1:1 missing-setting"]
    assert problems(tmp_path, *case(more="shop: two"), ground=ground) == ["4:7 bad-value"]
    assert problems(tmp_path, *case(more="shop: one"), ground=ground) == []


def test_times_are_the_shops_and_lengths_count_from_the_line_before(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        f"{GROUND}{FLOW}tests:\n  - name: x\n    when: [{AT}, order: packed}}, {{at: +2h, order: completed}}]\n"
        '    then: [{at: "2026-03-02T10:00Z", message: shipped}, {at: +1d, message: delivered}]\n',
        FakeTexts(),
    )
    assert loaded.config is not None
    (case,) = loaded.config.tests
    assert [each.at for each in case.when] == [datetime(2026, 3, 2, hour, tzinfo=UTC) for hour in (8, 10)]
    assert [each.at for each in case.then] == [datetime(2026, 3, day, 10, tzinfo=UTC) for day in (2, 3)]
    assert case.until == datetime(2026, 4, 1, 9, tzinfo=UTC)  # 30 calendar days, over the change of the clock


def test_a_moment_needs_a_line_before_it_only_when_it_counts_from_one() -> None:
    from hub.config.model import Shop

    assert resolved(read_moment("+2h"), Shop("s", "S"), None) is None
    assert resolved(read_moment("2026-03-02"), Shop("s", "S"), None) == datetime(2026, 3, 2, tzinfo=UTC)


def test_a_test_that_fails_weighs_as_a_mistake() -> None:
    assert CODES["test-failed"].level is Level.ERROR
