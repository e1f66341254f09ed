"""What a failed try makes of an errand, and what values look like outside: pure decisions."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from hub.flows.run import Run, RunState
from hub.flows.types import NAMES, RECORDS
from hub.pipeline.errand import SCHEDULE, WINDOW, after_cooling, after_failure, became_of, tracking_of
from hub.pipeline.order_json import KEPT_BACK, as_json, order_json
from hub.pipeline.react import Reaction, RunRow
from hub.pipeline.stuck import notices_of_errands
from hub.plugin import Config, FailureError, Permanent, Suppress, Transient, Unknown, path_mistake
from hub.status import Order

from .fakes import ORDER, Story, order, world

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
BEGAN = NOW - timedelta(hours=1)
HOURS = timedelta(hours=1)


def after(outcome: Any, *, tries: int = 1, since: datetime = BEGAN) -> tuple[str, timedelta | None, bool]:
    found = after_failure(FailureError(outcome), tries=tries, since=since, now=NOW)
    return found.state, found.due_at - NOW if found.due_at else None, found.counts


@pytest.mark.parametrize("outcome", [Transient("5xx"), Unknown("the answer was lost")])
def test_what_may_pass_is_tried_eight_times(outcome: Any) -> None:
    waits = [after(outcome, tries=n, since=NOW)[1] for n in range(1, 8)]
    assert waits == list(SCHEDULE) and after(outcome, tries=8)[0] == "failed"
    assert sum(SCHEDULE, timedelta()) < WINDOW


@pytest.mark.parametrize(
    ("outcome", "found"),
    [
        (Permanent("410"), ("failed", None, True)),
        (Suppress("gone"), ("failed", None, True)),
        (Config("credentials"), ("due", timedelta(minutes=15), False)),
        (Transient("429", NOW + 2 * HOURS), ("due", 2 * HOURS, True)),
        (Transient("429", NOW + timedelta(seconds=1)), ("due", timedelta(seconds=30), True)),
        (Transient("429", NOW + 24 * HOURS), ("failed", None, True)),
        (Transient("breaker", NOW + HOURS, unsent=True), ("due", HOURS, False)),
        (Transient("breaker", unsent=True), ("due", timedelta(seconds=30), False)),
        (Transient("breaker", NOW + 24 * HOURS, unsent=True), ("failed", None, False)),
        (Transient("breaker", NOW - HOURS, unsent=True), ("due", timedelta(0), False)),
    ],
)
def test_what_each_outcome_means(outcome: Any, found: Any) -> None:
    assert after(outcome) == found


def test_what_waits_for_a_target_that_is_out_of_order_has_an_end_too() -> None:
    assert after_cooling(NOW + HOURS, since=BEGAN, now=NOW).state == "due"
    late = after_cooling(NOW + HOURS, since=NOW - WINDOW, now=NOW)
    assert late.state == "failed" and "within 24 hours" in late.reason


def test_a_run_hears_of_its_own_errands_only() -> None:
    class Row:
        def __init__(self, run_key: str, step: str, state: str, reason: str = "", answer: Any = None) -> None:
            self.run_key, self.step, self.state, self.reason, self.answer = run_key, step, state, reason, answer

    rows = [Row("r1", "a", "done", answer={"status": 200}), Row("r1", "b", "due"), Row("r1", "c", "failed", "no")]
    assert became_of(rows, "r1", "a").response == {"status": 200}  # type: ignore[union-attr]
    assert became_of(rows, "r1", "b") is None and became_of(rows, "r2", "a") is None
    assert became_of(rows, "r1", "c").failed == "no"  # type: ignore[union-attr]


def test_the_tracking_number_is_the_runs_parcel_else_the_newest() -> None:
    parcels = [
        {"tracking_number": "1", "carrier": "a"},
        {"tracking_number": "2", "tracking_url": "u"},
        {"carrier": "c"},
    ]
    assert tracking_of({"shipments": parcels}) == {"tracking_number": "2", "tracking_url": "u"}
    assert tracking_of({"shipments": parcels, "shipment": parcels[0]}) == {"tracking_number": "1", "carrier": "a"}
    assert tracking_of({"shipments": []}) == {}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (Decimal("1250.00"), "1250.00"),
        (Decimal("1E+3"), "1000"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (timedelta(days=1), 86400.0),
        (Order.PACKED, "packed"),
        ({"a": None, "b": [1, True, "x"]}, {"b": [1, True, "x"]}),
    ],
)
def test_values_as_json(value: Any, found: Any) -> None:
    assert as_json(value) == found and type(as_json(value)) is type(found)


def test_the_orders_json_holds_what_is_declared_and_nothing_that_opens_something() -> None:
    assert all(any(each.name == field for each in RECORDS[record]) for record, field in KEPT_BACK)
    shipment = {"tracking_number": "1", "pickup_code": "9911", "pickup_point": {"name": "x", "secret": "y"}}
    names = {
        "now": NOW,
        "order": {"number": "7", "url": "https://shop.example/secret", "undeclared": 1, "note": None},
        "payment": {"status": "paid", "url": "https://pay.example/secret"},
        "shipments": [shipment],
        "shipment": shipment,
    }
    said = order_json(names, "order.packed", NOW)
    parcel = {"tracking_number": "1", "pickup_point": {"name": "x"}}
    data = {"version": 1, "order": {"number": "7"}, "payment": {"status": "paid"}, "shipments": [parcel]}
    assert said == {"type": "order.packed", "timestamp": "2026-11-25T12:00:00Z", "data": {**data, "shipment": parcel}}
    assert "order" in NAMES


@pytest.mark.parametrize("path", ["", "/", "a", "/a/b", "a/", "a..b", "a%20b", "~x;v=1", "a.b/c"])
def test_paths_that_stay(path: str) -> None:
    assert path_mistake(path) == ""


@pytest.mark.parametrize(
    "path", ["..", "/..", "a/..", "%2E%2E", "%25252e%25252e", ".;x/a", "\\..", "a//b", "%00", "%zz"]
)
def test_paths_that_do_not(path: str) -> None:
    assert path_mistake(path) != ""


def test_what_a_run_asked_for_that_ends_in_the_same_batch_is_not_done() -> None:
    steps = [{"call": {"to": "crm"}}, {"wait": "1d"}]
    story = Story(world({"tell": {"on": ["order.packed", "payment.paid"], "steps": steps}}))
    both = story.react(order("09:00", "order.packed", "payment.paid"), at="09:00")
    first, second = {row.key: row for row in both.runs}.values()
    assert (first.run.state, second.run.state) == (RunState.RESTARTED, RunState.WAITING)
    assert [row["run_key"] for row in both.errands] == [second.key]


def test_staff_are_told_of_what_failed_unless_a_run_is_parked_because_of_it() -> None:
    failed = SimpleNamespace(key="k", run_key="r", flow="f", step="call:crm", state="failed", reason="gone")
    done = SimpleNamespace(**{**vars(failed), "key": "d", "state": "done"})
    found = notices_of_errands([failed, done], {"k", "d"}, Reaction(), NOW)
    assert [each[2] for each in found] == [{"kind": "errand", "source": "f", "said": "call:crm: gone"}]
    assert notices_of_errands([failed], set(), Reaction(), NOW) == [], "it was told when it failed"
    run = RunRow("r", "f", "v", "order", ORDER, "order.packed", 1, NOW, Run(state=RunState.PARKED))
    assert notices_of_errands([failed], {"k"}, Reaction(runs=[run]), NOW) == []
