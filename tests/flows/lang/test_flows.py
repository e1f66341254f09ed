"""Good flows: what is written is what the engine gets, and a stored flow is the same flow again."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from hub.config.problems import render_problems
from hub.flows.compile import compile_flow, version_of
from hub.flows.model import (
    Choose,
    Escalate,
    Flow,
    IfFails,
    Length,
    MessageClass,
    Mode,
    Notify,
    Otherwise,
    Severity,
    State,
    Stop,
    WaitEvent,
    WaitFor,
    WaitThat,
    WaitUntil,
)
from tests.config.fakes import flows


def flow(folder: Path, text: str) -> Flow:
    """The flow `a` of a file; `text` is what stands under its name."""
    lines = "".join(f"    {line}\n" for line in text.strip().splitlines())
    loaded = flows(folder, "  a:\n" + lines)
    assert loaded.config is not None, render_problems(loaded.problems)
    found = loaded.config.flows["a"]
    assert isinstance(found, Flow)
    assert found.source is not None
    again = compile_flow("a", json.loads(json.dumps(found.source)))
    assert again == found and again.version == found.version
    return found


def test_what_a_flow_says_by_itself(tmp_path: Path) -> None:
    found = flow(tmp_path, "on: order.received\nsteps: [{notify: {template: order-received}}]")
    assert found == Flow(
        name="a",
        triggers=("order.received",),
        steps=(Notify("notify:order-received", "order-received", if_fails=IfFails.STOP),),
        source=found.source,
        version=found.version,
    )


def test_every_setting_of_a_flow(tmp_path: Path) -> None:
    found = flow(
        tmp_path,
        """
on: [shipment.shipped, order.delivered]
when: [order.total > 100, '!order.wholesale']
stop_on: [shipment.delivered, payment.refunded]
once: occurrence
mode: ignore
recheck: false
fresh: 7d
shops: [shop]
state: off
was: [old-name]
about: One line
steps: [{stop: enough}]
""",
    )
    assert found.triggers == ("shipment.shipped", "order.delivered")
    assert [each.text for each in found.when] == ["order.total > 100", "!order.wholesale"]
    assert found.stop_on == ("shipment.delivered", "payment.refunded")
    assert (found.mode, found.recheck, found.state) == (Mode.IGNORE, False, State.OFF)
    assert (found.fresh, found.shops, found.was, found.about) == (Length(days=7), ("shop",), ("old-name",), "One line")
    assert found.steps == (Stop("stop", "enough"),)


def test_every_setting_of_notify(tmp_path: Path) -> None:
    step = flow(
        tmp_path,
        """
on: shipment.ready_for_pickup
when: has(shipment.pickup_deadline)
steps:
  - notify:
      template: pickup-last-day
      to: support
      via: [mail, bot]
      class: feedback
      urgent: true
      before: shipment.pickup_deadline
      with: {days: '3', soon: now + days(1)}
      id: second
""",
    ).steps[0]
    assert isinstance(step, Notify) and step.before is not None and step.extra is not None
    assert (step.id, step.template, step.to, step.via) == ("second", "pickup-last-day", "support", ("mail", "bot"))
    assert (step.cls, step.urgent, step.before.text) == (MessageClass.FEEDBACK, True, "shipment.pickup_deadline")
    assert {name: each.text for name, each in step.extra.items()} == {"days": "3", "soon": "now + days(1)"}
    assert step.extra["days"].value({}) == 3


def test_every_kind_of_wait(tmp_path: Path) -> None:
    found = flow(
        tmp_path,
        """
on: shipment.ready_for_pickup
steps:
  - wait: 1d12h
  - wait: {until: shipment.pickup_deadline, or: skip}
  - wait: {until: shipment.pickup_deadline, or: stop, id: last}
  - wait: {until: shipment.pickup_deadline - hours(12)}
  - wait: {until: "order.placed_at + days(3)", or: 3d}
  - wait: {that: has(shipment.tracking_url), up_to: 12h}
  - wait: {event: shipment.delivered, up_to: 2w}
  - wait: {event: [shipment.delivered, shipment.returning], up_to: 30s}
  - wait: 1d12h
""",
    ).steps
    assert found[0] == WaitFor("wait:1d12h", Length(timedelta(hours=12), 1))
    skip, stop, sure, other = found[1:5]
    assert all(isinstance(each, WaitUntil) for each in found[1:5])
    assert isinstance(skip, WaitUntil) and (skip.id, skip.otherwise) == ("wait:until", Otherwise.SKIP)
    assert isinstance(stop, WaitUntil) and (stop.id, stop.otherwise) == ("last", Otherwise.STOP)
    assert isinstance(sure, WaitUntil) and (sure.id, sure.otherwise) == ("wait:until#2", None)
    assert isinstance(other, WaitUntil) and other.otherwise == Length(days=3)
    that = found[5]
    assert isinstance(that, WaitThat) and that.up_to == Length(timedelta(hours=12))
    assert found[6] == WaitEvent("wait:event", ("shipment.delivered",), Length(days=14))
    assert found[7] == WaitEvent(
        "wait:event#2", ("shipment.delivered", "shipment.returning"), Length(timedelta(seconds=30))
    )
    assert found[8] == WaitFor("wait:1d12h#2", Length(timedelta(hours=12), 1))


def test_branches_and_escalations(tmp_path: Path) -> None:
    steps = flow(
        tmp_path,
        """
on: shipment.problem
steps:
  - escalate: {to: support, severity: critical, due: 4h, reason: "{{ order.number }}: look", id: case}
  - choose:
      - when: shipment.failures >= 2
        steps: [{stop: enough}]
      - when: has(shipment.reason)
        steps:
          - choose: [{when: order.wholesale, steps: [{stop: x}]}, {else: [{wait: 1d}]}]
      - else: [{notify: {template: shipped}}]
  - escalate: {to: support, reason: again}
""",
    ).steps
    assert steps[0] == Escalate(
        "case", "support", "{{ order.number }}: look", Severity.CRITICAL, Length(timedelta(hours=4))
    )
    assert steps[2] == Escalate("escalate:support", "support", "again")
    choose = steps[1]
    assert isinstance(choose, Choose) and choose.id == "choose" and len(choose.branches) == 3
    assert choose.branches[0].steps == (Stop("stop", "enough"),) and choose.branches[2].when is None
    inner = choose.branches[1].steps[0]
    assert isinstance(inner, Choose) and inner.id == "choose#2"
    assert inner.branches[1].steps == (WaitFor("wait:1d", Length(days=1)),)


def test_a_name_appears_behind_the_step_that_makes_it(tmp_path: Path) -> None:
    flow(
        tmp_path,
        """
on: shipment.problem
steps:
  - escalate: {to: support, reason: x}
  - wait: {event: shipment.delivered, up_to: 2d}
  - choose: [{when: waited == "shipment.delivered", steps: [{stop: a}]}]
  - choose: [{when: escalation.severity == "high", steps: [{stop: b}]}]
""",
    )


def test_inserting_a_step_changes_no_key_of_a_message(tmp_path: Path) -> None:
    one = flow(tmp_path, "on: order.received\nsteps: [{notify: {template: shipped}}, {notify: {template: delivered}}]")
    two = flow(
        tmp_path,
        "on: order.received\n"
        "steps: [{wait: 1h}, {notify: {template: shipped}}, {wait: 1h}, {notify: {template: delivered}}]",
    )
    assert [each.id for each in one.steps] == [each.id for each in two.steps if isinstance(each, Notify)]


def test_the_version_is_of_what_a_flow_says_not_of_how_it_is_written(tmp_path: Path) -> None:
    one = flow(tmp_path, "on: order.received   # why\nsteps: [{notify: {template: shipped, urgent: true}}]")
    two = flow(tmp_path, "steps:\n- notify:\n    urgent: 'true'\n    template: \"shipped\"\n\non: order.received")
    three = flow(tmp_path, "on: order.received\nsteps: [{notify: {template: shipped}}]")
    assert one.version == two.version != three.version
    assert one.source is not None and one.version == version_of(one.source) and len(one.version) == 32


def test_a_stored_flow_may_name_what_the_file_no_longer_has() -> None:
    source = {
        "on": "shipment.shipped",
        "steps": [
            {"notify": {"template": "gone", "to": "gone", "via": ["gone"]}},
            {"notify": {"template": "also-gone", "via": "gone"}},
            {"escalate": {"to": "gone", "reason": "x"}},
        ],
        "shops": ["gone"],
    }
    assert [each.id for each in compile_flow("a", source).steps] == ["notify:gone", "notify:also-gone", "escalate:gone"]


def test_stored_data_may_be_numbers_and_truth() -> None:
    found = compile_flow(
        "a", {"on": "order.received", "recheck": False, "steps": [{"notify": {"template": "x", "urgent": True}}]}
    )
    assert found.recheck is False and isinstance(found.steps[0], Notify) and found.steps[0].urgent


@pytest.mark.parametrize(
    "source", [{}, {"on": "order.received"}, {"on": "x", "steps": [{"stop": "x"}]}, {"steps": 3}, {"gather": "1h"}]
)
def test_stored_data_that_is_no_flow_is_named(source: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="the stored flow 'a' cannot be read: "):
        compile_flow("a", source)
