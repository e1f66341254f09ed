"""The whole set walked: what never happens, who hears nothing, which waits and deadlines cannot be meant."""

from pathlib import Path
from typing import Any

import pytest

from hub.flows.cel import Compiled, Wants, compile_expression
from hub.flows.truth import Case, cases
from hub.flows.types import EVERYTHING
from tests.config.fakes import GROUND, LINES, load, said

ON = "on: order.received"
SAY = "{notify: {template: order-received}}"
PICKUP = "on: shipment.ready_for_pickup"
STOPS = "stop_on: [shipment.delivered, shipment.returning]"
STORED = GROUND.replace("carrier: post,", "carrier: post, storage: {locker: 2d, branch: 7d},")
LOUD = GROUND.replace("routes: {", "quiet: '21:00-08:00'\n  routes: {loud: [bot], ")


def codes(folder: Path, *flows: str, ground: str = GROUND) -> list[str]:
    """`name line` is left out: the codes of what is said about flows, in order."""
    text = "".join(f"  f{number}: {{{flow}}}\n" for number, flow in enumerate(flows))
    return [each.partition(" ")[2] for each in said(load(folder, f"{ground}flows:\n{text}"))]


def quiet_but(*words: str) -> str:
    """The good file in which these statuses are not silent."""
    ground = GROUND
    for word in words:
        assert f"{word}, " in ground
        ground = ground.replace(f"{word}, ", "", 1)
    return ground


# ------------------------------------------------------------------------------------------------ never

WHENS = [
    (ON, "order.status == 'packed'", True),
    (ON, "order.status != 'received'", True),
    (ON, "order.status in ['packed', 'picking']", True),
    (ON, "order.status in ['packed', 'received']", False),
    (ON, "order.gift && !order.gift", True),
    (ON, "order.total > 5 && order.total <= 5", True),
    (ON, "order.total > 5 || payment.status == 'paid'", False),
    (ON, "payment.status == 'paid' && payment.status == 'refunded'", True),
    (ON, "has(order.note) ? order.status == 'packed' : order.status == 'picking'", True),
    ("on: shipment.shipped", "shipment.status == 'delivered'", False),
    ("on: order.delivered", "order.status == 'completed'", False),
    ("on: {stalled: order.processing, for: 3h}", "order.status == 'packed'", True),
]


@pytest.mark.parametrize(("on", "when", "never"), WHENS)
def test_a_condition_that_contradicts_its_trigger(tmp_path: Path, on: str, when: str, never: bool) -> None:
    found = codes(tmp_path, f'{on}, when: "{when}", steps: [{{stop: x}}]')
    assert found == (["never-fires"] if never else [])


CHOICES = [
    ("{when: \"order.status == 'packed'\", steps: [{stop: x}]}", True),
    ("{when: order.gift, steps: [{stop: x}]}, {when: order.gift, steps: [{stop: y}]}", True),
    ("{when: order.gift, steps: [{stop: x}]}, {when: '!order.gift', steps: [{stop: y}]}, {else: [{stop: z}]}", True),
    # what may be absent may be neither
    (
        "{when: \"order.note == 'x'\", steps: [{stop: x}]}, {when: \"order.note != 'x'\", steps: [{stop: y}]},"
        " {else: [{stop: z}]}",
        False,
    ),
    ("{when: order.gift, steps: [{choose: [{when: '!order.gift', steps: [{stop: y}]}]}]}", True),
    ("{when: order.gift, steps: [{wait: 1d}, {choose: [{when: '!order.gift', steps: [{stop: y}]}]}]}", False),
]


@pytest.mark.parametrize(("branches", "never"), CHOICES)
def test_a_branch_that_no_case_takes(tmp_path: Path, branches: str, never: bool) -> None:
    assert codes(tmp_path, f"{ON}, steps: [{{choose: [{branches}]}}]") == (["never-reached"] if never else [])


def test_behind_a_wait_the_status_may_be_another(tmp_path: Path) -> None:
    choice = "{choose: [{when: \"order.status == 'packed'\", steps: [{stop: x}]}]}"
    assert codes(tmp_path, f"{ON}, steps: [{{wait: 1d}}, {choice}]") == []


# ------------------------------------------------------------------------------------------------ silence

CANCELLED = "on: order.cancelled"
AGAIN = "{notify: {template: order-received, id: again}}"
SILENT = [
    ((f"{CANCELLED}, steps: [{SAY}]",), False),
    ((f"{CANCELLED}, when: order.gift, steps: [{SAY}]",), True),
    ((f"{CANCELLED}, when: order.gift, steps: [{SAY}]", f"{CANCELLED}, when: '!order.gift', steps: [{SAY}]"), False),
    ((f"{CANCELLED}, when: order.gift, steps: [{SAY}]", f"{CANCELLED}, steps: [{{tag: {{add: x}}}}]"), True),
    ((f"{CANCELLED}, steps: [{{choose: [{{when: order.gift, steps: [{SAY}]}}]}}]",), True),
    ((f"{CANCELLED}, steps: [{{choose: [{{when: order.gift, steps: [{SAY}]}}, {{else: [{AGAIN}]}}]}}]",), False),
    ((f"{CANCELLED}, steps: [{{choose: [{{when: order.gift, steps: [{{stop: x}}]}}]}}, {SAY}]",), True),
    ((f"{CANCELLED}, steps: [{{escalate: {{to: support, reason: x}}}}]",), False),
    ((f"{CANCELLED}, when: \"payment.status == 'paid'\", steps: [{SAY}]",), True),
    (
        (
            f"{CANCELLED}, when: \"order.note == 'x'\", steps: [{SAY}]",
            f"{CANCELLED}, when: \"order.note != 'x'\", steps: [{SAY}]",
        ),
        True,
    ),
    (
        (
            f"{CANCELLED}, when: \"has(order.note) && order.note == 'x'\", steps: [{SAY}]",
            f"{CANCELLED}, when: \"!has(order.note) || order.note != 'x'\", steps: [{SAY}]",
        ),
        False,
    ),
]


@pytest.mark.parametrize(("flows", "silent"), SILENT)
def test_an_order_that_ends_and_nobody_hears_of_it(tmp_path: Path, flows: tuple[str, ...], silent: bool) -> None:
    found = codes(tmp_path, *flows, ground=quiet_but("order.cancelled"))
    assert ("ends-silent" in found) == silent


def test_an_end_that_is_silent_on_purpose_or_told_of_otherwise(tmp_path: Path) -> None:
    flow = f"{CANCELLED}, when: order.gift, steps: [{SAY}]"
    assert codes(tmp_path, flow) == []
    flow = f"on: shipment.delivered, when: order.gift, steps: [{SAY}]"
    both = (flow, f"on: order.delivered, steps: [{SAY}]")
    assert "ends-silent" in codes(tmp_path, flow, ground=quiet_but("shipment.delivered"))
    assert "ends-silent" not in codes(tmp_path, *both, ground=quiet_but("shipment.delivered"))


def test_where_things_stand_still_a_stalled_flow_is_heard(tmp_path: Path) -> None:
    ground = quiet_but("shipment.problem")
    flow = f"on: shipment.problem, when: order.gift, steps: [{SAY}]"
    assert "ends-silent" in codes(tmp_path, flow, ground=ground)
    later = f"on: {{stalled: shipment.problem, for: 2d}}, steps: [{SAY}]"
    assert "ends-silent" not in codes(tmp_path, flow, later, ground=ground)


def test_each_shop_is_asked_for_itself(tmp_path: Path) -> None:
    ground = quiet_but("order.cancelled").replace("shop: {name: Kavovar,", "shops: {a: {name: A}, b: {name: B,")
    ground = ground.replace("timezone: Europe/Kyiv}\n", "timezone: Europe/Kyiv}}\n", 1)
    ground = ground.replace("platform: shoplet,", "platform: shoplet, shop: a,")
    flows = f"{CANCELLED}, when: order.gift, shops: [b], steps: [{SAY}]", f"{CANCELLED}, shops: [a], steps: [{SAY}]"
    assert "ends-silent" in codes(tmp_path, *flows, ground=ground)


def test_a_file_with_a_mistake_elsewhere_is_not_said_to_be_silent(tmp_path: Path) -> None:
    flow = f"{CANCELLED}, when: order.gift, steps: [{SAY}]"
    assert "ends-silent" not in codes(tmp_path, flow, "on: order.packd", ground=quiet_but("order.cancelled"))


# ------------------------------------------------------------------------------------------------ waits

WAITS = [
    ("{wait: 3d}", "", ["waits-too-long"]),
    ("{wait: 1d}", "", []),
    ("{wait: 1d}, {wait: 36h}", "", ["waits-too-long"]),
    ("{wait: 8d}", "", ["waits-too-long"]),
    ("{wait: 8d}", STOPS, ["waits-past-stop"]),
    ("{wait: {until: shipment.pickup_deadline + hours(1), or: stop}}", STOPS, ["waits-past-stop"]),
    ("{wait: {until: shipment.pickup_deadline - hours(1), or: stop}}", STOPS, []),
    ("{wait: {until: shipment.pickup_deadline + hours(1), or: stop}}", "", []),
    ("{wait: {event: shipment.delivered, up_to: 1d}}", STOPS, ["waits-past-stop"]),
    ("{wait: {event: order.cancelled, up_to: 1d}}", "", ["waits-past-stop"]),
    ("{wait: {event: payment.paid, up_to: 1d}}", STOPS, []),
    (
        "{choose: [{when: shipment.pickup_deadline - shipment.arrived_at > days(4), steps: [{wait: 3d}]}]}",
        "",
        [],
    ),
]


@pytest.mark.parametrize(("steps", "stops", "found"), WAITS)
def test_a_wait_against_the_shelf_and_the_stop(tmp_path: Path, steps: str, stops: str, found: list[str]) -> None:
    flow = f"{PICKUP}, {stops + ', ' if stops else ''}steps: [{steps}, {{stop: x}}]"
    assert codes(tmp_path, flow, ground=STORED) == found


def test_a_cancelled_order_does_not_end_the_run_of_a_return(tmp_path: Path) -> None:
    steps = "steps: [{wait: {event: order.cancelled, up_to: 1d}}]"
    assert codes(tmp_path, f"on: return.requested, {steps}") == []


# ------------------------------------------------------------------------------------------------ deadlines

QUIET = [
    ("at(now, '07:00', customer.timezone)", "loud", True),
    ("at(now, '08:00', customer.timezone)", "loud", True),
    ("at(now, '09:00', customer.timezone)", "loud", False),
    ("at(now, '21:00', customer.timezone)", "loud", False),
    ("at(now, '07:00', customer.timezone)", "default", False),
    ("at(now + days(1), '07:00', customer.timezone)", "loud", False),
]


@pytest.mark.parametrize(("before", "via", "told"), QUIET)
def test_a_deadline_before_the_night_is_over(tmp_path: Path, before: str, via: str, told: bool) -> None:
    flow = f'{ON}, steps: [{{notify: {{template: order-received, via: {via}, before: "{before}"}}}}]'
    assert codes(tmp_path, flow, ground=LOUD) == (["quiet-past-deadline"] if told else [])


RECEIPTS = [
    ("", "started_at + minutes(20)", True),
    ("", "started_at + hours(1)", False),
    ("{wait: 50m}, ", "started_at + hours(1)", True),
    ("", "now + minutes(29)", True),
    ("{wait: {until: order.placed_at + hours(2)}}, ", "order.placed_at + hours(2) + minutes(10)", True),
    ("{wait: {until: order.placed_at + hours(2)}}, ", "order.placed_at + hours(3)", False),
    ("{wait: {until: order.placed_at + hours(2)}}, ", "started_at + minutes(5)", False),
]


@pytest.mark.parametrize(("first", "before", "told"), RECEIPTS)
def test_receipts_against_the_deadline(tmp_path: Path, first: str, before: str, told: bool) -> None:
    ground = GROUND.replace("routes: {", "receipt: {bot: 30m}\n  routes: {")
    flow = f"{ON}, steps: [{first}{{notify: {{template: order-received, before: {before}}}}}]"
    assert codes(tmp_path, flow, ground=ground) == []  # the bot of these tests gives no receipts
    with_receipts = load(tmp_path, f"{ground}flows:\n  a: {{{flow}}}\n", receipts=True)
    assert said(with_receipts) == ([f"{LINES + 3}:{_column(flow)} receipt-past-deadline"] if told else [])


def _column(flow: str) -> int:
    return 7 + flow.index("notify")


# ------------------------------------------------------------------------------------------------ truth


def tree(text: str) -> Compiled:
    found = compile_expression(text, Wants.BOOL, EVERYTHING)
    assert isinstance(found, Compiled)
    return found


@pytest.mark.parametrize(
    "text",
    [
        "order.status == 'packed' || order.gift",
        "!(order.total < 5) && order.status in ['packed', 'received']",
        "order.gift ? order.wholesale : !order.wholesale",
        "payment.status != 'paid' && (order.gift || order.wholesale)",
    ],
)
def test_a_case_agrees_with_the_library(text: str) -> None:
    """What a case says of a condition is what CEL says of data that answers so."""
    expression = tree(text)
    for status in ("packed", "received"):
        for paid in ("paid", "authorised"):
            for gift in (True, False):
                for wholesale in (True, False):
                    for total in (4.0, 6.0):
                        order = {"status": status, "gift": gift, "wholesale": wholesale, "total": total}
                        names = {"order": order, "payment": {"status": paid}}
                        statuses: dict[tuple[str, ...], Any] = {("order", "status"): status}
                        statuses["payment", "status"] = paid
                        answers = {
                            each: bool(tree(word).value(names))
                            for word in ("order.gift", "order.wholesale", "order.total >= 5")
                            for each in next(iter(cases((tree(word).tree,), statuses))).answers
                        }
                        assert Case(statuses, answers).of(expression.tree) is expression.value(names)


def test_more_cases_than_can_be_tried_say_nothing() -> None:
    text = " || ".join(f"order.note == '{n}'" for n in range(12))
    assert list(cases((tree(text).tree,), {})) == []
