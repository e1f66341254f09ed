"""Every kind of mistake in a flow: where it is said to be, and in which words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.config.problems import Level, Place, Problem, render_problems
from hub.flows.compile import compile_flow
from hub.flows.load import load_config
from tests.config.fakes import ENV, GROUND, LINES, FakeRegistry, FakeTexts, flows, said

ON = "on: order.received"
STOP = "steps: [{stop: x}]"


def problems(folder: Path, text: str) -> list[str]:
    """`line:column code` of what is wrong with flow `a`; line 1 is the first line of `text`, column 1 its first."""
    lines = "".join(f"    {line}\n" if line else "\n" for line in text.splitlines())
    found = said(flows(folder, "  a:\n" + lines, FakeTexts()), ground=True)
    return [_moved(each) for each in found]


def _moved(found: str) -> str:
    place, code = found.split(" ")
    line, column = map(int, place.split(":"))
    return f"{line - 1}:{column - 4} {code}"


def steps(*written: str) -> str:
    return f"{ON}\nsteps:\n" + "".join(f"  - {each}\n" for each in written)


def pickup(*written: str) -> str:
    return "on: shipment.ready_for_pickup\nsteps:\n" + "".join(f"  - {each}\n" for each in written)


CASES = [
    # the flow itself
    pytest.param(f"{STOP}", "0:-1 missing-setting", id="no trigger"),
    pytest.param(f"{ON}", "0:-1 missing-setting", id="no steps"),
    pytest.param(f"{ON}\n{STOP}\nfresch: 1h", "3:1 unknown-setting", id="a setting that is not there"),
    pytest.param(f"{ON}\nstpes: [{{stop: x}}]", "2:1 unknown-setting", id="misspelt does not count as missing"),
    pytest.param(f"{ON}\n{STOP}\nmode: reset", "3:7 bad-value", id="mode"),
    pytest.param(f"{ON}\n{STOP}\nrecheck: no", "3:10 bad-value", id="no is a word"),
    pytest.param(f"{ON}\n{STOP}\nfresh: soon", "3:8 bad-length", id="fresh"),
    pytest.param(f"{ON}\n{STOP}\nshops: [here]", "3:9 unknown-shop", id="shop"),
    pytest.param(f"{ON}\n{STOP}\nshops: []", "3:8 bad-value", id="for no shop at all"),
    pytest.param(f"{ON}\n{STOP}\nstop_on: {{}}", "3:10 unknown-trigger", id="stop_on is an empty map"),
    pytest.param(f"{ON}\n{STOP}\nwas: [Old]", "3:7 bad-name", id="former name"),
    pytest.param(f"{ON}\n{STOP}\nonce: never", "3:7 bad-value", id="once"),
    # triggers
    pytest.param(f"on: order.recieved\n{STOP}", "1:5 unknown-status", id="status"),
    pytest.param(f"on: [order.received, shipment.shiped]\n{STOP}", "1:22 unknown-status", id="in a list"),
    pytest.param(f"on: delivered\n{STOP}", "1:5 unknown-trigger", id="no axis"),
    pytest.param(f"on: ordr.received\n{STOP}", "1:5 unknown-trigger", id="axis"),
    pytest.param(f"on: {{staled: order}}\n{STOP}", "1:5 unknown-trigger", id="map"),
    pytest.param(f"on: []\n{STOP}", "1:5 bad-value", id="no trigger in the list"),
    pytest.param(f"on: [order.received, order.received]\n{STOP}", "1:22 bad-value", id="twice"),
    pytest.param(f"on: [[order.received]]\n{STOP}", "1:6 bad-value", id="a list in a list"),
    pytest.param(f"{ON}\nstop_on: [order.canceled]\n{STOP}", "2:11 unknown-status", id="stop_on"),
    pytest.param(f"on: {{stalled: processing, for: 48h}}\n{STOP}", "1:15 unknown-trigger", id="stalled without axis"),
    pytest.param(f"on: {{stalled: order.procesing, for: 48h}}\n{STOP}", "1:15 unknown-status", id="stalled status"),
    pytest.param(f"on: {{stalled: order.delivered, for: 48h}}\n{STOP}", "1:15 unknown-status", id="stalled roll-up"),
    pytest.param(f"on: {{stalled: order.processing}}\n{STOP}", "1:5 missing-setting", id="stalled for how long"),
    pytest.param(f"on: {{stalled: shipment, for: long}}\n{STOP}", "1:30 bad-length", id="stalled length"),
    pytest.param(f"on: {{late: parcel, by: 1d}}\n{STOP}", "1:12 bad-value", id="late"),
    pytest.param(f"on: {{schedule: '0 8 * *'}}\n{STOP}", "1:16 bad-cron", id="cron fields"),
    pytest.param(f"on: {{schedule: '0 25 * * MON'}}\n{STOP}", "1:16 bad-cron", id="cron hour"),
    pytest.param(f"on: {{schedule: '0 8 * * MOO'}}\n{STOP}", "1:16 bad-cron", id="cron day"),
    pytest.param(f"on: {{button: ''}}\n{STOP}", "1:14 bad-value", id="button"),
    pytest.param(f"on: {{button: x, event: y}}\n{STOP}", "1:17 unknown-setting", id="two maps in one"),
    pytest.param(f"on: stalled\n{STOP}", "1:5 bad-value", id="a map written as a word"),
    pytest.param(f"{ON}\n{STOP}\nstop_on: [{{button: x}}]", "3:12 bad-value", id="a map in stop_on"),
    pytest.param(f"on: [{{button: x}}, {{button: y}}]\n{STOP}", "1:19 bad-value", id="two buttons"),
    pytest.param(f"on: order.changd\n{STOP}", "1:5 unknown-status", id="news"),
    pytest.param(f"{ON}\n{STOP}\ngather: 30m", "3:1 gather-not-shipment", id="gather for an order"),
    pytest.param(
        f"on: [shipment.shipped, order.packed]\n{STOP}\ngather: 30m", "3:1 gather-not-shipment", id="gather for both"
    ),
    pytest.param("on: {schedule: 0 8 * * 1}\nsteps: [{notify: {template: delivered}}]", "2:10 not-offered", id="whom"),
    pytest.param(
        "on: connection.failing\nsteps: [{notify: {template: delivered, to: customer}}]",
        "2:44 not-offered",
        id="no customer",
    ),
    # not in this version
    pytest.param(f"on: {{event: x}}\n{STOP}", "1:13 unknown-trigger", id="event"),
    pytest.param(f"{ON}\n{STOP}\nif_fails: never", "3:11 bad-value", id="if_fails"),
    pytest.param(f"{ON}\n{STOP}\nonce: {{customer: 800d}}", "3:18 bad-length", id="once: longer than two years"),
    pytest.param(f"{ON}\n{STOP}\nonce: {{customer: 1d, order: 1d}}", "3:7 bad-value", id="once: for two things"),
    pytest.param(f"{ON}\n{STOP}\nonce: {{}}", "3:7 bad-value", id="once: for nothing"),
    pytest.param(f"{ON}\n{STOP}\nonce: {{parcel: 1d}}", "3:8 unknown-setting", id="once: for what is not"),
    pytest.param(f"{ON}\n{STOP}\nonce: {{order: soon}}", "3:15 bad-length", id="once: no length"),
    pytest.param(f"on: order.packed\n{STOP}\nonce: shipment", "3:7 not-offered", id="once: for a parcel, of an order"),
    pytest.param(f"on: {{schedule: '0 8 * * MON'}}\n{STOP}\nonce: customer", "3:7 not-offered", id="once: nobody"),
    pytest.param(f"{ON}\n{STOP}\nfresh: 2d working", "3:8 bad-length", id="working time"),
    # coupons
    pytest.param(steps("coupon: {percent: 10, valid: 60d}"), "3:5 coupon-uncapped", id="no bounds"),
    pytest.param(steps("coupon: {percent: 10, valid: 60d, at_most: {}}"), "3:39 coupon-uncapped", id="empty bounds"),
    pytest.param(
        steps("coupon: {percent: 10, amount: 5, valid: 60d, at_most: {shop: 1 per 1d}}"),
        "3:27 conflicting-settings",
        id="percent and amount",
    ),
    pytest.param(steps("coupon: {valid: 60d, at_most: {shop: 1 per 1d}}"), "3:5 missing-setting", id="worth nothing"),
    pytest.param(steps("coupon: {percent: 10, at_most: {shop: 1 per 1d}}"), "3:5 missing-setting", id="for ever"),
    pytest.param(
        steps("coupon: {percent: 110, valid: 60d, at_most: {shop: 1 per 1d}}"), "3:23 bad-value", id="more than all"
    ),
    pytest.param(
        steps("coupon: {percent: 10, valid: 60d, at_most: {shop: 1 a day}}"), "3:55 bad-value", id="no such bounds"
    ),
    pytest.param(
        steps("coupon: {percent: 10, valid: 60d, at_most: {order: 1 per 1d}}"),
        "3:56 bad-value",
        id="bounds for an order",
    ),
    pytest.param(
        steps(*["coupon: {percent: 10, valid: 60d, at_most: {shop: 1 per 1d}}"] * 2),
        "4:5 step-needs-id",
        id="the same coupon twice",
    ),
    pytest.param(
        "on: {schedule: '0 8 * * MON'}\nsteps: [{coupon: {percent: 10, valid: 60d, at_most: {shop: 1 per 1d}}}]",
        "2:10 not-offered",
        id="a coupon without an order",
    ),
    pytest.param(
        steps("tag: {add: vip, write_back: true}"), "3:5 wrong-connection", id="a tag that this shop cannot have"
    ),
    # promises, and customers who are left out
    pytest.param(steps("notify: {template: shipped, promise: 2 days}"), "3:42 bad-length", id="a promise's length"),
    pytest.param(steps("notify: {template: shipped, promise: order.gift}"), "3:42 not-a-time", id="promise of no time"),
    pytest.param(steps("notify: {template: shipped, promise: order.eat}"), "3:48 cel-field", id="promise of a typo"),
    pytest.param(steps("notify: {template: shipped, promise: order.eta}"), "3:42 maybe-missing", id="perhaps promised"),
    pytest.param(
        steps("notify: {template: shipped, to: support, promise: 1d}"), "3:46 conflicting-settings", id="to staff"
    ),
    *(
        pytest.param(f"{ON}\n{STOP}\nholdout: {share}", "3:10 bad-share", id=f"share {share}")
        for share in ("0%", "100%", "5", "0.5%", "5 %", "all", "-5%")
    ),
    pytest.param(
        f"{steps('escalate: {to: support, reason: x}')}holdout: 5%", "4:1 holdout-required", id="left out of a matter"
    ),
    pytest.param(
        f"{steps('choose: [{when: order.gift, steps: [{notify: {template: shipped, urgent: true}}]}]')}holdout: 5%",
        "4:1 holdout-required",
        id="left out of what is urgent",
    ),
    pytest.param(f"on: connection.failing\n{STOP}\nholdout: 5%", "3:1 not-offered", id="nobody to leave out"),
    # marks
    pytest.param(steps("tag: {who: order}"), "3:5 missing-setting", id="a tag of nothing"),
    pytest.param(steps("tag: {add: vip, remove: [x, vip]}"), "3:5 conflicting-settings", id="a tag on and off"),
    pytest.param(steps("tag: {add: ' '}"), "3:5 bad-value", id="an empty tag"),
    pytest.param(steps("mute: {for: 3d}"), "3:5 missing-setting", id="a mute of nothing"),
    pytest.param(steps("mute: {classes: all}"), "3:5 missing-setting", id="a mute for ever"),
    pytest.param(steps("mute: {classes: [offers], for: 3d}"), "3:22 bad-value", id="a mute of no class"),
    pytest.param(steps("mute: {who: nobody, classes: all, for: 3d}"), "3:17 bad-value", id="a mute of nobody"),
    pytest.param(steps("notify: {template: shipped, if_fails: x}"), "3:43 bad-value", id="if_fails of a message"),
    pytest.param(steps("escalate: {to: support, reason: x, if_fails: x}"), "3:50 bad-value", id="if_fails of a matter"),
    pytest.param(
        steps("escalate: {to: support, reason: x, wait: true}"),
        "3:5 missing-setting",
        id="waiting for a person for ever",
    ),
    pytest.param(
        steps("escalate: {to: support, reason: x, choices: [yes, no, yes]}"), "3:59 bad-value", id="a choice twice"
    ),
    pytest.param(
        steps("escalate: {to: support, reason: x, choices: [a, b, c, d, e, f, g]}"),
        "3:49 bad-value",
        id="seven choices",
    ),
    pytest.param(
        steps(f"escalate: {{to: support, reason: x, choices: [{'x' * 41}]}}"), "3:50 bad-value", id="a long choice"
    ),
    pytest.param(steps("notify: {template: shipped, to: recipient}"), "3:37 not-yet", id="recipient"),
    pytest.param(steps("wait: 2w working"), "3:11 bad-length", id="a working week"),
    pytest.param(steps("wait: 2001h working"), "3:11 bad-length", id="more hours than a year has"),
    pytest.param(steps("wait: {that: order.gift, up_to: 0h working}"), "3:37 bad-length", id="no working time at all"),
    pytest.param(steps("wait: ٣d"), "3:11 bad-length", id="digits of another writing"),
    # steps
    pytest.param(f"{ON}\nsteps: x", "2:8 bad-value", id="steps as a word"),
    pytest.param(f"{ON}\nsteps: []", "2:8 bad-value", id="no steps in the list"),
    pytest.param(steps("notfy: {}"), "3:5 unknown-step", id="step"),
    pytest.param(steps("notify"), "3:5 step-shape", id="a word alone"),
    pytest.param(steps("{}"), "3:5 step-shape", id="no word"),
    pytest.param(steps("{notify: {template: shipped}, wait: 1d}"), "3:5 step-shape", id="two words"),
    pytest.param(steps("notify:\n    template: shipped"), "3:5 step-shape", id="beside instead of inside"),
    pytest.param(steps("stop: [x]"), "3:11 bad-value", id="stop"),
    pytest.param(steps("stop: x", "wait: 1d"), "4:5 never-reached", id="behind stop"),
    # notify
    pytest.param(steps("notify: {}"), "3:5 missing-setting", id="no template"),
    pytest.param(steps("notify: shipped"), "3:13 bad-value", id="a template alone"),
    pytest.param(steps("notify: {tempalte: shipped}"), "3:14 unknown-setting", id="setting"),
    pytest.param(steps("notify: {template: shiped}"), "3:24 unknown-template", id="template"),
    pytest.param(steps('notify: {template: "{{ order.status }}"}'), "3:24 bad-name", id="a computed template"),
    pytest.param(steps("notify: {template: shipped, to: olna}"), "3:37 unknown-staff", id="to"),
    pytest.param(steps("notify: {template: shipped, via: bot}"), "3:38 unknown-route", id="channel as route"),
    pytest.param(steps("notify: {template: shipped, via: lettr}"), "3:38 unknown-route", id="route"),
    pytest.param(steps("notify: {template: shipped, via: [sms]}"), "3:39 unknown-connection", id="channel"),
    pytest.param(steps("notify: {template: shipped, via: [letter]}"), "3:39 unknown-connection", id="route as channel"),
    pytest.param(steps("notify: {template: shipped, via: [post]}"), "3:39 wrong-connection", id="carrier"),
    pytest.param(steps("notify: {template: shipped, via: []}"), "3:38 bad-value", id="no channel"),
    pytest.param(steps("notify: {template: shipped, class: news}"), "3:40 bad-value", id="class"),
    pytest.param(
        steps("notify: {template: shipped, urgent: true, class: marketing}"), "3:33 urgent-marketing", id="urgent"
    ),
    pytest.param(steps("notify: {template: shipped, before: order.total}"), "3:41 not-a-time", id="before"),
    pytest.param(steps("notify: {template: shipped, with: {x: order.totl}}"), "3:49 cel-field", id="with"),
    pytest.param(
        steps("notify: {template: shipped}", "notify: {template: shipped}"), "4:5 step-needs-id", id="the same twice"
    ),
    pytest.param(
        steps("notify: {template: shipped, id: x}", "notify: {template: delivered, id: x}"),
        "4:5 step-needs-id",
        id="one id twice",
    ),
    pytest.param(
        steps("choose: [{when: order.gift, steps: [{notify: {template: shipped}}]}]", "notify: {template: shipped}"),
        "4:5 step-needs-id",
        id="the same in a branch",
    ),
    # wait
    pytest.param(steps("wait: soon"), "3:11 bad-length", id="length"),
    pytest.param(steps("wait: 3 days"), "3:11 bad-length", id="length in words"),
    pytest.param(steps("wait: 0d"), "3:11 bad-length", id="no length"),
    pytest.param(steps("wait: 401d"), "3:11 bad-length", id="too long"),
    pytest.param(steps("wait: [1d]"), "3:11 bad-value", id="a list"),
    pytest.param(steps("wait: {}"), "3:5 missing-setting", id="nothing"),
    pytest.param(steps("wait: {untl: now}"), "3:12 unknown-setting", id="wait setting"),
    pytest.param(steps("wait: {until: now, that: order.gift, up_to: 1d}"), "3:24 conflicting-settings", id="two forms"),
    pytest.param(steps("wait: {that: order.gift}"), "3:5 missing-setting", id="no up_to"),
    pytest.param(steps("wait: {that: order.gift, up_to: }"), "3:30 missing-setting", id="an empty up_to"),
    pytest.param(steps("wait: {until: , or: 3d}"), "3:12 missing-setting", id="an empty until"),
    pytest.param(steps("wait: {that: , up_to: 3d}"), "3:12 missing-setting", id="an empty that"),
    pytest.param(steps("wait: {event: {}, up_to: 3d}"), "3:19 unknown-trigger", id="an empty event"),
    pytest.param(steps("wait: {that: order.gift, up_to: 1d, or: skip}"), "3:41 conflicting-settings", id="or"),
    pytest.param(steps("wait: {until: now, or: maybe}"), "3:28 bad-value", id="or what"),
    pytest.param(steps("wait: {until: order.total}"), "3:19 not-a-time", id="until"),
    pytest.param(steps("wait: {that: order.total, up_to: 1d}"), "3:18 not-a-condition", id="that"),
    pytest.param(steps("wait: {event: order.gone, up_to: 1d}"), "3:19 unknown-status", id="event"),
    pytest.param(pickup("wait: {until: shipment.pickup_deadline}"), "3:19 maybe-missing", id="may be unknown"),
    pytest.param(
        pickup("notify: {template: shipped, before: shipment.pickup_deadline}"), "3:41 maybe-missing", id="no deadline"
    ),
    pytest.param(steps("wait: {until: at(now, '09:00', shop.timezone), or: skip}"), "3:19 yaml-quote", id="commas"),
    # choose
    pytest.param(steps("choose: []"), "3:13 bad-value", id="no branch"),
    pytest.param(steps("choose: [{when: order.gift}]"), "3:14 missing-setting", id="no steps in it"),
    pytest.param(steps("choose: [{steps: [{stop: x}]}]"), "3:14 missing-setting", id="no condition"),
    pytest.param(
        steps("choose: [{whne: order.gift, steps: [{stop: x}]}]"), "3:15 unknown-setting", id="branch setting"
    ),
    pytest.param(
        steps("choose: [{when: order.gift, else: [{stop: x}]}]"), "3:14 conflicting-settings", id="when and else"
    ),
    pytest.param(
        steps("choose: [{else: [{stop: x}]}, {when: order.gift, steps: [{stop: y}]}]"),
        "3:35 never-reached",
        id="behind else",
    ),
    pytest.param(
        steps("choose: [{when: order.gift, steps: [{stop: x}]}, {else: [{stop: y}]}]", "wait: 1d"),
        "4:5 never-reached",
        id="behind branches that all stop",
    ),
    # escalate
    pytest.param(steps("escalate: {to: suport, reason: x}"), "3:20 unknown-staff", id="group"),
    pytest.param(steps("escalate: {to: olena, reason: x}"), "3:20 unknown-staff", id="a person is no group"),
    pytest.param(steps("escalate: {to: support}"), "3:5 missing-setting", id="no reason"),
    pytest.param(steps("escalate: {to: support, reason: x, severity: big}"), "3:50 bad-value", id="severity"),
    pytest.param(
        steps("escalate: {to: support, reason: x}", "escalate: {to: support, reason: y}"), "4:5 step-needs-id", id="two"
    ),
    # expressions
    pytest.param(f"{ON}\nwhen: order.totl > 5\n{STOP}", "2:13 cel-field", id="field"),
    pytest.param(f"{ON}\nwhen: [order.gift, order.totl > 5]\n{STOP}", "2:26 cel-field", id="field in a list"),
    pytest.param(f"{ON}\nwhen: >\n  order.gift\n  && order.totl > 5\n{STOP}", "4:12 cel-field", id="in folded text"),
    pytest.param(f"{ON}\nwhen: |\n  order.gift\n  && order.totl > 5\n{STOP}", "4:12 cel-field", id="in literal text"),
    pytest.param(f"{ON}\nwhen: 'order.gift && ''x'' == order.totl'\n{STOP}", "2:37 cel-field", id="in single quotes"),
    pytest.param(f'{ON}\nwhen: "order.gift && \\"x\\" == order.totl"\n{STOP}', "2:37 cel-field", id="in double quotes"),
    pytest.param(f"{ON}\nwhen: order.gift &&\n  order.totl > 5\n{STOP}", "3:9 cel-field", id="over two lines"),
    pytest.param(f"{ON}\nwhen: shipment.count > 1\n{STOP}", "2:7 not-offered", id="not offered"),
    pytest.param(f"{ON}\nwhen: waited == 'x'\n{STOP}", "2:7 not-offered", id="waited before a wait"),
    pytest.param(f"{ON}\nwhen: total > 1\n{STOP}", "2:7 cel-name", id="name"),
    pytest.param(f"{ON}\nwhen: order.total\n{STOP}", "2:7 not-a-condition", id="no condition"),
    pytest.param(f"{ON}\nwhen: order.total == 5\n{STOP}", "2:19 cel-type", id="type"),
    pytest.param(f"{ON}\nwhen: nofn(1)\n{STOP}", "2:7 cel-function", id="function"),
    pytest.param(f"{ON}\nwhen: now - order.placed_at > duration('3d')\n{STOP}", "2:40 cel-constant", id="constant"),
    pytest.param(f"{ON}\nwhen: order.gift &&\n{STOP}", "2:20 cel-syntax", id="syntax"),
    pytest.param(f"{ON}\nwhen: '[1].exists(x, x > 0)'\n{STOP}", "2:18 cel-limit", id="limit"),
    pytest.param(f"{ON}\nwhen: {{a: b}}\n{STOP}", "2:7 bad-value", id="a map as condition"),
    pytest.param(
        "{on: order.received, when: valid_phone(order.note, order.country), steps: [{stop: x}]}",
        "1:28 yaml-quote",
        id="comma",
    ),
    pytest.param(f"{ON}\nwhen: now > order.placed_at\nsteps: [{{wait: 1d}}]", "2:7 clock-in-when", id="clock"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_mistake_is_found_once_and_in_its_place(tmp_path: Path, text: str, expected: str) -> None:
    assert problems(tmp_path, text) == [expected]


def test_a_flow_that_is_no_map(tmp_path: Path) -> None:
    assert said(flows(tmp_path, "  a: order.received\n"), ground=True) == ["1:6 bad-value"]


def test_the_default_route_must_be_there_when_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "flows.yaml").write_text(
        GROUND.replace("default: [bot, mail], ", "")
        + f"flows:\n  a: {{{ON}, steps: [{{notify: {{template: shipped}}}}]}}\n"
    )
    loaded = load_config(tmp_path / "flows.yaml", FakeRegistry(), ENV)
    assert said(loaded) == [f"{LINES + 2}:36 unknown-route"]


WITHOUT = [
    pytest.param("notify: {template: shipped, before: shipment.pickup_deadline}", id="before"),
    pytest.param("wait: {until: shipment.pickup_deadline}", id="until"),
]


@pytest.mark.parametrize("step", WITHOUT)
@pytest.mark.parametrize(
    "above",
    [
        pytest.param("when: has(shipment.pickup_deadline)\nsteps:\n", id="has above"),
        pytest.param("when: shipment.pickup_deadline > order.placed_at\nsteps:\n", id="read above"),
        pytest.param(
            "when: [order.gift, 'has(shipment.pickup_deadline) && order.total > 5']\nsteps:\n", id="one of several"
        ),
        pytest.param("steps:\n  - wait: {until: shipment.pickup_deadline, or: stop}\n", id="a wait above"),
        pytest.param("when: '!(!has(shipment.pickup_deadline) || order.gift)'\nsteps:\n", id="by logic"),
    ],
)
def test_what_a_condition_above_had_to_read_is_there(tmp_path: Path, above: str, step: str) -> None:
    assert problems(tmp_path, f"on: shipment.ready_for_pickup\n{above}  - {step}\n") == []


@pytest.mark.parametrize("step", WITHOUT)
@pytest.mark.parametrize(
    "above",
    [
        pytest.param("when: has(shipment.pickup_deadline) || order.gift\nsteps:\n", id="or"),
        pytest.param("when: '!has(shipment.pickup_deadline)'\nsteps:\n", id="not"),
        pytest.param("steps:\n  - wait: {until: shipment.pickup_deadline, or: skip}\n", id="skipped"),
        pytest.param(
            "steps:\n  - choose: [{when: has(shipment.pickup_deadline), steps: [{wait: 1d}]}]\n", id="in a branch"
        ),
    ],
)
def test_what_no_condition_had_to_read_may_be_missing(tmp_path: Path, above: str, step: str) -> None:
    found = problems(tmp_path, f"on: shipment.ready_for_pickup\n{above}  - {step}\n")
    assert [each.partition(" ")[2] for each in found] == ["maybe-missing"]


def test_inside_its_branch_a_field_is_there(tmp_path: Path) -> None:
    step = "choose: [{when: has(shipment.pickup_deadline), steps: [{wait: {until: shipment.pickup_deadline}}]}]"
    assert problems(tmp_path, pickup(step)) == []
    asked = "wait: {until: 'has(shipment.pickup_deadline) ? shipment.pickup_deadline : now'}"
    assert problems(tmp_path, pickup(asked)) == []


def test_a_wait_without_or_refuses_the_file_and_a_deadline_does_not(tmp_path: Path) -> None:
    wait = flows(tmp_path, "  a: {on: shipment.shipped, steps: [{wait: {until: shipment.eta}}]}\n")
    assert [each.severity for each in wait.problems] == [Level.ERROR]
    text = "  a: {on: shipment.shipped, steps: [{notify: {template: shipped, before: shipment.eta}}]}\n"
    assert [each.severity for each in flows(tmp_path, text).problems] == [Level.WARNING]


def test_a_condition_that_is_asked_once_may_read_the_clock(tmp_path: Path) -> None:
    assert problems(tmp_path, f"{ON}\nwhen: now > order.placed_at\nrecheck: false\nsteps: [{{wait: 1d}}]") == []
    assert problems(tmp_path, f"{ON}\nwhen: now > order.placed_at\n{STOP}") == []


def test_more_steps_than_a_flow_may_have(tmp_path: Path) -> None:
    found = problems(tmp_path, f"{ON}\nsteps: [" + "{wait: 1d}, " * 101 + "]")
    assert [each.partition(" ")[2] for each in found] == ["bad-value"]


def test_choose_stands_at_most_six_deep() -> None:
    inner: dict[str, Any] = {"stop": "x"}
    for depth in range(8):
        source = {"on": "order.received", "steps": [inner]}
        if depth <= 6:
            assert compile_flow("a", source)
        else:
            with pytest.raises(ValueError, match="at most 6 deep"):
                compile_flow("a", source)
        inner = {"choose": [{"when": "order.gift", "steps": [inner]}]}


def test_an_escalations_text_is_checked_where_it_stands(tmp_path: Path) -> None:
    def check(text: str, names: frozenset[str], absent: Callable[[str], str]) -> tuple[Problem, ...]:
        at = text.find("{{ ordr")
        line, column = text.count("\n", 0, at), at - text.rfind("\n", 0, at) - 1
        assert "order" in names and "shipment" not in names
        return (
            (Problem(Place("text", line + 1, column + 1), "jinja-name", "there is no name 'ordr'"),) if at >= 0 else ()
        )

    text = GROUND + (
        "flows:\n  a:\n    on: order.received\n    steps:\n      - escalate:\n          to: support\n"
        "          reason: |\n            Look:\n            at {{ ordr.number }}\n"
    )
    (tmp_path / "flows.yaml").write_text(text)
    loaded = load_config(tmp_path / "flows.yaml", FakeRegistry(), ENV, check_text=check)
    assert said(loaded, ground=True) == ["8:16 jinja-name"]


def test_a_whole_file_of_mistakes_reads_well(tmp_path: Path) -> None:
    text = """\
  Pickup:
    on: [shipment.redy_for_pickup, {event: x}]
    when: >-
      order.total = 5
      && order.note == null
    gather: 30m
    steps:
      - notify: {template: ready-for-pickup, via: bot}
      - wait: {until: 'at(shipment.pickup_deadline, "9 am", customer.timezone)', or: later}
      - notify:
        template: pickup-last-day
      - wait: 2w working
      - notify: {template: pickup-lastday, before: shipment.pickup_deadline}
      - escalate: {to: olena, due: 4 hours, reason: Look}
  two:
    on: order.received
    when: "vip" in order.tags
"""
    shown = render_problems(flows(tmp_path, text, FakeTexts()).problems)
    cut = render_problems(flows(tmp_path, text[: text.index("  two:")], FakeTexts()).problems)
    expected = Path(__file__).parent / "many-mistakes.txt"
    assert shown + "-----\n" + cut == expected.read_text()
