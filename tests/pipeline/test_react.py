"""What a change sets off, and what the flows do about it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hub.config.model import Quiet, Rung
from hub.model import DeliverBy, Direction, Line, Number, ParcelKind, ReturnSnapshot
from hub.pipeline.react import Reaction, Situation, react
from hub.pipeline.stuck import notices_of_runs
from hub.status import Mode
from hub.store.tables import TENANT

from .fakes import (
    CONNECTIONS,
    CONTACT,
    Post,
    Story,
    connection,
    moment,
    native,
    notify,
    order,
    parcel,
    scan,
    told,
    world,
)

P1 = parcel("1", "09:00", numbers=["P1"])
SHIPPED = order("09:00", "order.packed", parcels=(P1,))


def shipped(story: Story | None = None) -> Story:
    """A parcel that the post does not have yet."""
    story = story or Story()
    story.react(SHIPPED, at="09:00")
    return story


# ------------------------------------------------------------------------------------------------ occasions


def test_every_new_order_passes_received() -> None:
    assert Story().words(order("09:00", "order.packed", "payment.paid")) == [
        "order.received",
        "order.packed",
        "payment.paid",
    ]
    assert Story().words(order("09:00", "order.received")) == ["order.received"], "once, though two things say so"
    assert Story().words(order("09:00")) == ["order.received"]


def test_an_order_is_received_once() -> None:
    story = Story()
    story.words(order("09:00", "order.packed"))
    assert story.words(order("10:00", "order.received"), order("11:00", "order.processing")) == ["order.processing"]


def test_the_first_proof_of_movement_implies_shipped() -> None:
    story = shipped()
    assert story.words(scan("P1", "in_transit", "10:00")) == ["shipment.shipped/1", "shipment.in_transit/1"]
    assert story.words(scan("P1", "delivered", "12:00")) == ["shipment.delivered/1", "order.delivered"]


def test_values_passed_inside_one_batch_fire_nothing() -> None:
    scans = [scan("P1", code, at) for code, at in (("in_transit", "10:00"), ("ready_for_pickup", "11:00"))]
    assert shipped().words(*scans) == ["shipment.shipped/1", "shipment.ready_for_pickup/1"]


def test_a_parcel_that_never_moved_was_not_shipped() -> None:
    assert shipped().words(scan("P1", "problem", "10:00")) == ["shipment.problem/1"]


def test_nothing_is_shipped_to_the_shops_own_counter() -> None:
    story = Story()
    counter = {"deliver_by": DeliverBy.PICKUP}
    story.words(order("09:00", "order.processing", **counter))
    ready = parcel("1", "10:00", "shipment.ready_for_pickup", kind=ParcelKind.PICKUP)
    assert story.words(order("10:00", "order.processing", parcels=(ready,), **counter)) == [
        "shipment.ready_for_pickup/1"
    ]
    fetched = parcel("1", "11:00", "shipment.delivered", kind=ParcelKind.PICKUP)
    assert story.words(order("11:00", "order.processing", parcels=(fetched,), **counter)) == [
        "shipment.delivered/1", "order.delivered",
    ]  # fmt: skip


def test_part_of_an_order_delivered_is_not_delivered() -> None:
    story = Story()
    story.words(order("09:00", "order.packed", parcels=(parcel("1", "09:00", numbers=["P1", "P2"]),)))
    assert "order.delivered" not in story.words(scan("P1", "delivered", "10:00"))
    assert story.words(scan("P2", "delivered", "11:00"))[-1] == "order.delivered"


def test_an_order_that_goes_back_whole_is_not_delivered() -> None:
    story = shipped()
    assert story.words(scan("P1", "returning", "10:00"), scan("P1", "returned", "11:00")) == [
        "shipment.shipped/1", "shipment.returned/1",
    ]  # fmt: skip


def test_what_the_shop_closes_at_its_counter_is_delivered_then() -> None:
    """Not when the parcel last moved: that may be long ago, and old news is no news."""
    flows = {"thanks": {"on": "order.delivered", "steps": [notify("delivered")]}}
    story = Story(world(flows))
    counter = {"deliver_by": DeliverBy.PICKUP}
    ready = parcel("1", "09:00", "shipment.ready_for_pickup", kind=ParcelKind.PICKUP)
    story.react(order("09:00", "order.processing", parcels=(ready,), **counter), at="09:00")
    assert told(story.react(order("+5 10:00", "order.completed", **counter), at="+5 10:00")) == ["delivered"]


def test_what_is_concluded_of_a_payment_fires_nothing() -> None:
    story = Story()
    story.words(order("09:00", "order.packed", "payment.cash_on_delivery", parcels=(P1,)))
    assert not any("payment" in word for word in story.words(scan("P1", "delivered", "10:00")))
    assert str(story.view.effective_payment) == "paid"


def case(ref: str, *natives: str) -> ReturnSnapshot:
    return ReturnSnapshot(ref, moment("09:00"), tuple(map(native, natives)))


def test_two_return_cases_are_two_occasions() -> None:
    flows = {"asked": {"on": "return.requested", "steps": [notify("order-received")]}}
    story = Story(world(flows))
    story.react(order("08:00"), at="08:00")
    both = (case("r1", "return.requested"), case("r2", "return.requested"))
    reaction = story.react(order("09:00", returns=both), at="09:00")
    assert reaction.words == ["return.requested", "return.requested"]
    assert len({message["key"] for message in reaction.messages}) == 2
    assert {row.subject for row in reaction.runs} == {"shop:1/r:r1", "shop:1/r:r2"}


def test_a_return_parcel_is_told_once_though_its_case_is_named_only_later() -> None:
    story = Story(world({"back": {"on": ["return.returning", "return.returned"], "steps": [notify("return-news")]}}))
    sent = parcel("7", "09:00", numbers=["P7"], direction=Direction.BACK)
    story.react(order("09:00", parcels=(sent,)), at="09:00")
    moves = story.react(scan("P7", "in_transit", "10:00"), at="10:01")
    assert (moves.words, told(moves)) == (["return.returning"], ["return-news"])
    named = story.react(order("11:00", returns=(case("r1", "return.approved"),)), at="11:01")
    assert told(named) == [], "it is the same return"
    there = story.react(scan("P7", "delivered", "12:00"), at="12:01")
    assert (there.words, told(there)) == (["return.returned"], ["return-news"])


# ------------------------------------------------------------------------------------------------ starting

READY: Mapping[str, Any] = {"on": "shipment.ready_for_pickup", "steps": [notify("ready-for-pickup")]}
FAILED: Mapping[str, Any] = {"on": "shipment.delivery_failed", "steps": [{"wait": "2d"}, notify("delivery-failed")]}


def test_a_flow_runs_once_per_occurrence() -> None:
    story = shipped(Story(world({"ready": READY})))
    assert told(story.react(scan("P1", "ready_for_pickup", "10:00"), at="10:01")) == ["ready-for-pickup"]
    assert told(story.react(scan("P1", "ready_for_pickup", "11:00"), at="11:01")) == []
    story.react(scan("P1", "in_transit", "12:00"), at="12:01")
    again = story.react(scan("P1", "ready_for_pickup", "13:00"), at="13:01")
    assert (told(again), [line["doc"]["result"] for line in again.lines]) == ([], ["said-already"])


def failures(mode: str) -> tuple[Reaction, Reaction]:
    story = shipped(Story(world({"failed": {**FAILED, "mode": mode}})))
    first = story.react(scan("P1", "delivery_failed", "10:00"), at="10:01")
    second = story.react(scan("P1", "delivery_failed", "18:00"), at="18:01")
    return first, second


def test_a_second_failure_restarts_the_run() -> None:
    first, second = failures("restart")
    assert [row.occurrence for row in first.runs] == [1]
    assert [(row.occurrence, row.run.state.value, row.run.reason) for row in second.runs] == [
        (1, "restarted", "shipment.delivery_failed"),
        (2, "waiting", ""),
    ]
    assert second.silenced == [second.runs[0].key]
    off = {timer["key"]: timer["state"] for timer in second.timers}
    assert off == {f"run:{row.key}": int(row.occurrence == 1) for row in second.runs}


def test_or_is_ignored_while_the_first_lives() -> None:
    _, second = failures("ignore")
    assert second.runs == []
    assert [line["doc"]["result"] for line in second.lines] == ["busy"]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ({"when": "order.total > 5.0"}, "not met: order.total > 5.0: order.total is not known"),
        ({"when": "shipment.failures > 0"}, "not met: shipment.failures > 0: not met"),
        ({"shops": ["other"]}, "not for this shop"),
    ],
)
def test_a_flow_that_does_not_start_says_why(source: dict[str, Any], why: str) -> None:
    story = shipped(Story(world({"ready": {**READY, **source}})))
    reaction = story.react(scan("P1", "ready_for_pickup", "10:00"), at="10:01")
    assert (told(reaction), [line["doc"]["result"] for line in reaction.lines]) == ([], [why])


def test_a_renamed_flow_does_not_tell_again() -> None:
    story = shipped(Story(world({"ready": READY})))
    story.react(scan("P1", "ready_for_pickup", "10:00"), at="10:01")
    story.react(scan("P1", "in_transit", "11:00"), at="11:01")
    story.world = world({"collect": {**READY, "was": ["ready"]}})
    assert told(story.react(scan("P1", "ready_for_pickup", "12:00"), at="12:01")) == []


# ------------------------------------------------------------------------------------------------ old news


def ready_of(
    source: Mapping[str, Any] = READY, at: str = "10:01", mode: Mode = Mode.LIVE, scanned: str = "10:00"
) -> list[str]:
    story = shipped(Story(world({"ready": source})))
    reaction = story.react(scan("P1", "ready_for_pickup", scanned), at=at, mode=mode)
    return [line["doc"]["result"] for line in reaction.lines if line["doc"]["result"] != "done"]


@pytest.mark.parametrize(
    ("more", "result"),
    [
        ({}, "started"),
        ({"mode": Mode.IMPORT}, "old-news: from an import"),
        ({"at": "+1 10:00"}, "started"),
        ({"at": "+1 10:01"}, "old-news: it happened too long ago"),
        ({"at": "+1 10:01", "source": {**READY, "fresh": "2d"}}, "started"),
        ({"at": "11:01", "source": {**READY, "fresh": "1h"}}, "old-news: it happened too long ago"),
    ],
)
def test_old_news_is_not_news(more: dict[str, Any], result: str) -> None:
    assert ready_of(**more) == [result]


EVERYTHING = {
    "received": {"on": "order.received", "steps": [notify("order-received")]},
    "paid": {"on": "payment.paid", "steps": [notify("payment-received")]},
    "packed": {"on": "order.packed", "steps": [notify("shipped")]},
}


def test_an_imported_order_fires_from_its_next_live_move_on() -> None:
    story = Story(world(EVERYTHING))
    assert told(story.react(order("09:00", "order.received", "payment.paid"), at="09:01", mode=Mode.IMPORT)) == []
    assert told(story.react(order("09:02", "order.received", "payment.paid"), at="09:03")) == []
    assert told(story.react(order("10:00", "order.packed", "payment.paid"), at="10:01")) == ["shipped"]


def test_what_an_imported_order_was_before_the_hub_knew_it_is_not_told_later() -> None:
    """A payment event from before the import, heard after it."""
    story = Story(world(EVERYTHING))
    story.react(order("09:00", "order.received"), at="09:01", mode=Mode.IMPORT)
    late = story.react(order("08:59", "order.received", "payment.paid"), at="09:05")
    assert [line["doc"]["result"] for line in late.lines] == ["old-news: before the hub knew the order"]


def test_when_a_codes_meaning_changes_nothing_implied_and_no_first_sight_fires() -> None:
    flows = {
        word: {"on": f"shipment.{word}", "steps": [notify(word.replace("_", "-"))]} for word in ("shipped", "delivered")
    }
    story = shipped(Story(world(flows)))
    before = story.view
    after = story.hear(scan("P1", "delivered", "10:00"), at="10:01")
    codes = frozenset({("post", "post", "delivered")})
    situation = Situation(before, after, story.world, story.now, moment("09:00"), "c", ("mail",), remapped=codes)
    assert told(react(situation, [], frozenset(), frozenset())) == ["delivered"]
    assert told(react(replace(situation, remapped=frozenset()), [], frozenset(), frozenset())) == [
        "shipped", "delivered",
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------ stopping

WAITS = [{"wait": "3d"}, notify("pickup-reminder")]


def ended(reaction: Reaction) -> list[tuple[str, str, str]]:
    return [
        (row.subject.removeprefix("shop:1"), row.run.state.value, row.run.reason)
        for row in reaction.runs
        if row.run.state.value == "stopped"
    ]


def test_of_a_parcel_in_whose_place_another_was_sent_nothing_more_is_said() -> None:
    ready = {"on": ["shipment.ready_for_pickup", "shipment.returning"], "steps": [notify("shipped"), *WAITS]}
    story = Story(world({"ready": ready}))
    story.react(SHIPPED, at="09:00")
    assert told(story.react(scan("P1", "ready_for_pickup", "10:00"), at="10:01")) == ["shipped"]
    replaced = story.react(order("11:00", parcels=(P1, parcel("2", "11:00", numbers=["P2"], replaces="1"))), at="11:01")
    assert ended(replaced) == [("/1", "stopped", "another parcel was sent in its place")]
    goes_back = story.react(scan("P1", "returning", "12:00"), at="12:01")
    assert told(goes_back) == []
    assert [line["doc"]["result"] for line in goes_back.lines] == ["another parcel was sent in its place"]
    assert told(story.react(scan("P2", "ready_for_pickup", "13:00"), at="13:01")) == ["shipped"]


def two_parcels(**source: Any) -> Story:
    """Two parcels wait to be collected, each with its run."""
    story = Story(world({"ready": {"on": "shipment.ready_for_pickup", "steps": WAITS, **source}}))
    story.react(order("09:00", "order.packed", parcels=(parcel("1", "09:00", numbers=["P1", "P2"]),)), at="09:00")
    for number in ("P1", "P2"):
        story.react(scan(number, "ready_for_pickup", "10:00"), at="10:01")
    return story


def test_a_parcels_run_stops_for_its_own_parcel_only() -> None:
    story = two_parcels(stop_on=["shipment.delivered"])
    reaction = story.react(scan("P1", "delivered", "11:00"), at="11:01")
    assert ended(reaction) == [("/1", "stopped", "shipment.delivered")]
    assert reaction.silenced == [reaction.runs[0].key]


def test_and_for_anything_of_the_order() -> None:
    story = two_parcels(stop_on=["order.completed"])
    reaction = story.react(order("11:00", "order.completed"), at="11:01")
    assert [subject for subject, _, _ in ended(reaction)] == ["/1", "/1#P2"]


def test_a_value_that_was_passed_stops_as_well() -> None:
    story = shipped(
        Story(world({"packed": {"on": "order.packed", "steps": WAITS, "stop_on": ["shipment.out_for_delivery"]}}))
    )
    reaction = story.react(scan("P1", "delivered", "11:00"), at="11:01")
    assert ended(reaction) == [("", "stopped", "shipment.out_for_delivery")]


@pytest.mark.parametrize(
    ("on", "natives", "outlives"),
    [
        ("order.packed", ["order.packed"], False),
        ("payment.paid", ["order.packed", "payment.paid"], True),
    ],
)
def test_a_cancelled_order_ends_its_runs_but_those_about_money(on: str, natives: list[str], outlives: bool) -> None:
    story = Story(world({"f": {"on": on, "steps": WAITS}}))
    story.react(order("09:00", *natives), at="09:01")
    reaction = story.react(order("10:00", "order.cancelled", *natives[1:]), at="10:01")
    assert ended(reaction) == ([] if outlives else [("", "stopped", "order.cancelled")])


def test_stopping_wins_over_a_timer_that_is_due_at_the_same_moment() -> None:
    story = two_parcels(stop_on=["shipment.delivered"])
    reaction = story.react(scan("P1", "delivered", "+3 10:01"), at="+3 10:01")
    assert ended(reaction) == [("/1", "stopped", "shipment.delivered")]
    assert told(reaction) == ["pickup-reminder"], "of the other parcel"


def test_a_run_keeps_the_text_it_started_with() -> None:
    story = two_parcels()
    old = story.world.config.flows["ready"]
    story.world = world({"ready": {**READY, "steps": [{"wait": "30d"}, notify("delivered")]}})
    story.world.remember(old)
    assert told(story.react(at="+3 10:01")) == ["pickup-reminder"] * 2


def test_a_cancelled_order_does_not_end_what_is_told_of_its_return() -> None:
    flows = {
        "back": {"on": "return.approved", "steps": WAITS},
        "packed": {"on": "order.packed", "steps": [{"wait": "3d"}, notify("delivered")]},
    }
    story = Story(world(flows))
    returns = (case("r1", "return.approved"),)
    story.react(order("08:00", "order.packed"), at="08:01")
    story.react(order("09:00", "order.packed", returns=returns), at="09:01")
    cancelled = story.react(order("10:00", "order.cancelled", returns=returns), at="10:01")
    assert ended(cancelled) == [("", "stopped", "order.cancelled")], "the order's own run, and that alone"
    assert told(story.react(at="+3 10:01")) == ["pickup-reminder"]


# ------------------------------------------------------------------------------------------------ messages


def only(reaction: Reaction) -> dict[str, Any]:
    (message,) = reaction.messages
    return message


def test_a_messages_key_is_made_of_what_is_said_and_never_of_how() -> None:
    """The same step at another place, by another channel, in another version of the file: the same message."""
    first = {"on": "order.packed", "steps": [notify("shipped")]}
    second = {"on": "order.packed", "steps": [{"choose": [{"else": [notify("shipped", via=["mail"])]}]}]}
    keys = {
        only(Story(world({"f": source})).react(order("09:00", "order.packed"), at="09:01"))["key"]
        for source in (first, second)
    }
    assert len(keys) == 1


@pytest.mark.parametrize(
    "source",
    [
        {"on": "order.received", "steps": [notify("shipped")]},
        {"on": "order.packed", "steps": [notify("shipped", id="other")]},
        {"on": "order.packed", "steps": [notify("delivered")]},
        {"on": "order.packed", "steps": [notify("shipped", to="olena")]},
    ],
)
def test_another_trigger_step_or_recipient_is_another_message(source: dict[str, Any]) -> None:
    plain = {"on": "order.packed", "steps": [notify("shipped")]}
    one, other = (
        only(Story(world({"f": each})).react(order("09:00", "order.packed"), at="09:01"))["key"]
        for each in (plain, source)
    )
    assert one != other


def test_words_to_a_customer_settle_and_urgent_ones_do_not() -> None:
    steps = [notify("shipped"), notify("delivered"), notify("problem", urgent=True), notify("returning", to="support")]
    reaction = Story(world({"f": {"on": "order.packed", "steps": steps}})).react(
        order("09:00", "order.packed"), at="09:01"
    )
    settled = {message["template"]: message["due_at"] for message in reaction.messages}
    assert settled == {
        "shipped": moment("09:02"),
        "delivered": moment("09:02"),
        "problem": moment("09:01"),
        "returning": moment("09:01"),
    }


def test_a_group_is_told_one_by_one() -> None:
    reaction = Story(world({"f": {"on": "order.packed", "steps": [notify("shipped", to="manager")]}})).react(
        order("09:00", "order.packed"), at="09:01"
    )
    assert [(m["recipient"], m["customer_id"]) for m in reaction.messages] == [("staff:iryna", ""), ("staff:petro", "")]


ESCALATES = {
    "f": {"on": "shipment.problem", "steps": [{"escalate": {"to": "support", "reason": "Look at {{ order.number }}"}}]}
}


LONG = "{% for each in order.attributes.all %}{{ each }}{% endfor %}"


def test_an_escalation_says_what_the_matter_is() -> None:
    reaction = shipped(Story(world(ESCALATES))).react(scan("P1", "problem", "10:00"), at="10:01")
    (matter,) = reaction.escalations
    assert (matter["reason"], matter["rung"], matter["state"]) == ("Look at #1", "support", "open")
    assert [message["recipient"] for message in reaction.messages] == ["staff:olena"]


def matter_of(*steps: dict[str, Any], **more: Any) -> Reaction:
    """What comes of a parcel's problem where a flow does these steps about it."""
    flows = {"f": {"on": "shipment.problem", "steps": list(steps)}}
    story = Story(world(flows))
    story.react(replace(SHIPPED, **more), at="09:00")
    return story.react(scan("P1", "problem", "10:00"), at="10:01")


def test_what_a_branch_that_was_not_taken_would_have_brought_is_a_gap_in_the_matter() -> None:
    waits = {"choose": [{"when": "has(order.note)", "steps": [{"wait": "1h"}]}]}
    reason = "waited: {{ waited or 'none' }}, {{ escalation.severity or 'none' }}, {{ waited }}"
    (matter,) = matter_of(waits, {"escalate": {"to": "support", "reason": reason}}).escalations
    assert matter["reason"] == "waited: none, none, –"


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("See {{ order.attributes.list }}\nnow", "a list, a record or a yes-or-no cannot be printed"),
        (LONG, "a text grew past 65536 bytes"),
        ("{{ nobody.knows }}", "there is no 'nobody' here"),
        ("{% for", "unexpected 'end of template'"),
    ],
)
def test_a_matter_is_raised_though_its_text_cannot_be_filled(reason: str, why: str) -> None:
    attributes = {"list": [1], "all": ["x" * 4000] * 20}
    reaction = matter_of({"escalate": {"to": "support", "reason": reason}}, attributes=attributes)
    assert [matter["reason"] for matter in reaction.escalations] == [" ".join(reason.split())]
    (said,) = [line for line in lines(reaction) if "cannot be filled" in line]
    assert said.startswith("escalate:support: ") and why in said


SEVERE = {"escalate": {"to": "support", "reason": "look", "severity": "high", "due": "4h"}}


def test_a_run_knows_the_matter_that_it_raised() -> None:
    high = {"when": 'escalation.severity == "high"', "steps": [notify("shipped")]}
    asks = {"choose": [high, {"else": [notify("delivered")]}]}
    tells = {"escalate": {"to": "manager", "reason": "{{ escalation.reason }}, by {{ escalation.due_at | day }}"}}
    reaction = matter_of(SEVERE, asks, tells)
    assert [each for each in told(reaction) if not each.startswith("staff")] == ["shipped"]
    first, second = reaction.escalations
    assert (second["reason"], second["rung"]) == ("look, by вівторок, 3 березня", "manager")
    (message,) = [each for each in reaction.messages if each["recipient"] == "customer"]
    assert message["doc"]["extra"]["escalation"] == {
        "id": first["uid"][:8], "reason": "look", "severity": "high", "level": 1, "flow": "f",
        "due_at": {"$time": moment("14:01").isoformat()},
    }  # fmt: skip
    assert "matter" not in message["doc"]["values"]


def test_and_reads_it_as_it_stands_later() -> None:
    asks = {"choose": [{"when": 'escalation.level == 2 && escalation.owner == "iryna"', "steps": [notify("shipped")]}]}
    flows = {"f": {"on": "shipment.problem", "steps": [SEVERE, {"wait": "1h"}, asks]}}
    story = shipped(Story(world(flows)))
    (matter,) = story.react(scan("P1", "problem", "10:00"), at="10:01").escalations
    story.matters = {matter["uid"]: {**matter, "rung": "manager", "owner": "iryna", "state": "acknowledged"}}
    assert told(story.react(at="11:01")) == ["shipped"]


def test_before_it_raised_one_there_is_none() -> None:
    asks = {"choose": [{"when": "has(order.note)", "steps": [SEVERE]}]}
    after = {"choose": [{"when": 'escalation.severity != "low"', "steps": [notify("shipped")]}]}
    assert told(matter_of(asks, after)) == []


@pytest.mark.parametrize(("again", "before"), [("low", "high"), ("high", "low")])
def test_a_matter_that_is_open_already_is_the_runs_own_too_and_presses_as_the_more_pressing(
    again: str, before: str
) -> None:
    raises = {"escalate": {"to": "support", "reason": "look", "severity": again}}
    asks = {"choose": [{"when": 'escalation.severity == "high"', "steps": [notify("shipped")]}]}
    story = shipped(Story(world({"f": {"on": "shipment.problem", "steps": [raises, asks]}})))
    (matter,) = story.react(scan("P1", "problem", "10:00"), at="10:01").escalations
    story.matters = {matter["uid"]: {**matter, "severity": before}}
    story.react(scan("P1", "in_transit", "11:00"), at="11:01")
    second = story.react(scan("P1", "problem", "12:00"), at="12:01", open_escalations={matter["key"]: matter["uid"]})
    assert told(second) == ["shipped"]


def test_steps_read_when_the_run_began() -> None:
    for name in ("started_at", "entered_at"):
        asks = {"choose": [{"when": f"{name} <= now", "steps": [notify("shipped")]}]}
        assert told(matter_of(asks)) == ["shipped"], name


def test_messages_of_all_kinds_go_into_one_statement() -> None:
    steps = [*ESCALATES["f"]["steps"], notify("shipped")]
    story = shipped(Story(world({"f": {"on": "shipment.problem", "steps": steps}})))
    found = story.react(scan("P1", "problem", "10:00"), at="10:01").messages
    assert [each["recipient"] for each in found] == ["staff:olena", "customer"]
    assert len({frozenset(each) for each in found}) == 1, "many rows are stored at once: each has the same columns"


def test_a_second_matter_of_the_same_step_is_a_note_on_the_first() -> None:
    story = shipped(Story(world(ESCALATES)))
    (matter,) = story.react(scan("P1", "problem", "10:00"), at="10:01").escalations
    story.react(scan("P1", "in_transit", "11:00"), at="11:01")
    again = story.react(scan("P1", "problem", "12:00"), at="12:01", open_escalations={matter["key"]: matter["uid"]})
    assert (again.escalations, again.notes) == (
        [],
        [{"uid": matter["uid"], "note": "Look at #1", "severity": "normal"}],
    )


# ------------------------------------------------------------------------------------------------ what goes wrong


def lines(reaction: Reaction) -> list[str]:
    return [line["doc"]["result"] for line in reaction.lines if line["kind"] == "run"]


def waits_then(*steps: dict[str, Any]) -> Story:
    """A run that waits, with these steps behind its wait; it began while the file still had everything."""
    story = shipped(Story(world({"f": {"on": "shipment.problem", "steps": [{"wait": "1h"}, *steps]}})))
    story.react(scan("P1", "problem", "10:00"), at="10:01")
    return story


def changed(story: Story, **more: Any) -> Reaction:
    """What the run does when its wait is over in another file, which still knows what it began with."""
    old = story.world
    story.world = world({}, **more)
    story.world.remember(old.config.flows["f"])
    return story.react(at="11:01")


ONLY_MANAGER = {"staff": {"manager": Rung("manager", ("iryna",), ("mail",))}}


def test_a_matter_for_a_group_that_left_the_file_goes_to_who_is_there() -> None:
    reaction = changed(waits_then({"escalate": {"to": "support", "reason": "look"}}), **ONLY_MANAGER)
    assert [row.run.state.value for row in reaction.runs] == ["done"]
    assert [matter["rung"] for matter in reaction.escalations] == ["manager"]
    assert [message["recipient"] for message in reaction.messages] == ["staff:iryna"]
    assert "the staff group support is not in the file any more: manager is told instead" in lines(reaction)


def test_and_what_is_said_to_it() -> None:
    reaction = changed(waits_then(notify("problem", to="support")), **ONLY_MANAGER)
    assert [message["recipient"] for message in reaction.messages] == ["staff:iryna"]
    assert "the staff group support is not in the file any more: manager is told instead" in lines(reaction)
    nobody = changed(waits_then(notify("problem", to="support")), staff={})
    assert (nobody.messages, [row.run.state.value for row in nobody.runs]) == ([], ["done"])


def test_a_route_or_channel_that_left_the_file_harms_only_the_message() -> None:
    contact = replace(CONTACT, routes={}, quiet=Quiet(time(21), time(8)))
    story = waits_then(notify("problem", via=["sms"], before="order.placed_at + hours(3)"), notify("shipped"))
    reaction = changed(story, contact=contact, connections=CONNECTIONS[:2])
    assert told(reaction) == ["problem", "shipped"]


def test_a_run_whose_text_cannot_be_read_any_more_is_parked() -> None:
    story = waits_then(notify("shipped"))
    (row,) = story.runs.values()
    row.unreadable = "the stored flow 'f' cannot be read: there is no step 'fax'"
    reaction = story.react(at="11:01")
    assert [(each.run.state.value, each.run.reason) for each in reaction.runs] == [("parked", row.unreadable)]
    assert (told(reaction), reaction.silenced) == ([], [])
    assert lines(reaction) == [f"parked: {row.unreadable}"]
    assert [timer["state"] for timer in reaction.timers] == [1]


class Raising(Post):
    """A carrier whose plugin fails on its own numbers."""

    def tracking_url(self, number: str) -> str:
        raise RuntimeError(f"cannot read {number}")


RAISES = [connection("post", Raising) if each.name == "post" else each for each in CONNECTIONS]


def test_a_run_that_raises_is_parked_and_the_others_go_on() -> None:
    flows = {name: {"on": "order.packed", "steps": [{"wait": "1h"}, notify("shipped")]} for name in ("a", "b")}
    story = Story(world(flows))
    shipped(story)
    story.world = world(flows, connections=RAISES)
    reaction = story.react(at="10:01")
    parked = ("parked", "wait:1h failed: RuntimeError; the log names the place", None)
    assert [(row.run.state.value, row.run.reason, row.run.due_at) for row in reaction.runs] == [parked] * 2
    assert lines(reaction) == ["parked: wait:1h failed: RuntimeError; the log names the place"] * 2
    assert {timer["state"] for timer in reaction.timers} == {1}


def test_a_flow_that_cannot_start_is_parked_where_it_can_be_taken_up_again() -> None:
    story = shipped(Story(world({"ready": READY}, connections=RAISES)))
    reaction = story.react(scan("P1", "ready_for_pickup", "10:00"), at="10:01")
    (row,) = reaction.runs
    said = "it could not start: RuntimeError; the log names the place"
    assert (row.new, row.run.state.value, row.run.reason, row.run.path) == (True, "parked", said, (0,))
    assert row.version in reaction.versions and row.key in story.keys


def test_a_parked_run_is_told_once_a_day_for_each_flow_and_reason() -> None:
    flows = {"a": {"on": "order.packed", "steps": [{"wait": "1h"}, notify("shipped")]}}
    told_of = set()
    for day in ("", "+1 "):
        for _ in range(2):
            story = shipped(Story(world(flows)))
            story.world = world(flows, connections=RAISES)
            ((occasion, subject, notice),) = notices_of_runs(story.react(at="10:01"), moment(f"{day}10:01"))
            assert subject == "shop:1"
            assert notice == {
                "kind": "parked", "source": "a", "said": "wait:1h failed: RuntimeError; the log names the place",
            }  # fmt: skip
            told_of.add(occasion)
    assert len(told_of) == 2


MANY = tuple(Line(f"l{n}", "Coffee", Decimal(1), categories=tuple(f"c{m}" for m in range(100))) for n in range(200))
DEEP = 'order.items.exists(i, i.categories.exists(c, c == "zz"))'


@pytest.mark.parametrize(
    "source",
    [
        {"when": DEEP, "steps": [notify("shipped")]},
        {"steps": [{"choose": [{"when": DEEP, "steps": [notify("shipped")]}]}]},
        {"steps": [{"wait": {"that": DEEP, "up_to": "1h"}}]},
    ],
)
def test_a_condition_that_takes_too_many_steps_is_told_once_for_each_text_of_a_flow(source: dict[str, Any]) -> None:
    story = Story(world({"f": {"on": ["order.packed", "order.on_hold"], **source}}))
    occasions = []
    for version, status in (("09:00", "order.packed"), ("10:00", "order.on_hold")):
        reaction = story.react(order(version, status, lines=MANY), at=version)
        assert told(reaction) == []
        notices = notices_of_runs(reaction, story.now)
        assert {notice["said"] for _, _, notice in notices} == {DEEP}
        occasions += [occasion for occasion, _, _ in notices]
    assert set(occasions) == {f"limit|f|{story.world.config.flows['f'].version}"}
    if "when" in source:
        assert f"not met: {DEEP}: it takes too many steps, and is not known" in lines(reaction)


def test_a_condition_within_its_limit_is_told_to_nobody() -> None:
    story = Story(world({"f": {"on": "order.packed", "when": DEEP, "steps": [notify("shipped")]}}))
    reaction = story.react(order("09:00", "order.packed", lines=MANY[:90]), at="09:01")
    assert notices_of_runs(reaction, story.now) == []


def test_rows_belong_to_the_tenant_and_to_their_orders_slot() -> None:
    reaction = two_parcels().react(at="+3 10:01")
    rows = [*reaction.messages, *reaction.timers]
    assert {row["tenant"] for row in rows} == {TENANT}
    assert len({row["slot"] for row in rows}) == 1


# ------------------------------------------------------------------------------------------------ quiet hours

LAST_DAY = [
    {"wait": {"until": "order.placed_at + hours(14)", "or": "stop"}},
    notify("pickup-last-day", before="order.placed_at + hours(19)"),
]  # due at 22:00 UTC (midnight in Kyiv); pointless from 03:00 UTC on, when it is still quiet


BEHIND_CHOOSE = [LAST_DAY[0], {"choose": [{"when": "true", "steps": [LAST_DAY[1]]}]}]


@pytest.mark.parametrize("steps", [LAST_DAY, BEHIND_CHOOSE])
@pytest.mark.parametrize(
    ("reach", "due"),
    [
        pytest.param(("mail", "bot"), "18:55", id="the bot rings: said before the night"),
        pytest.param(("mail",), "22:00", id="mail rings for nobody"),
    ],
)
def test_what_cannot_wait_for_the_morning_is_said_before_the_night(
    reach: tuple[str, ...], due: str, steps: list[dict[str, Any]]
) -> None:
    contact = replace(CONTACT, quiet=Quiet(time(21), time(8)))
    story = Story(world({"ready": {**READY, "steps": steps}}, contact=contact), reach=reach)
    shipped(story)
    reaction = story.react(scan("P1", "ready_for_pickup", "10:00"), at="10:01")
    (row,) = reaction.runs
    assert row.run.due_at == moment(due)
    assert told(story.react(at=due)) == ["pickup-last-day"]


def test_an_edited_order_with_nothing_moved_sets_off_nothing() -> None:
    story = shipped()
    longer = (Line("a", "Coffee", 2), Line("b", "Cup", 1))  # type: ignore[arg-type]
    assert story.words(order("10:00", "order.packed", lines=longer, note="please ring")) == []


@pytest.mark.parametrize(
    ("until", "said"),
    [
        ("order.placed_at", "2026-03-03 08:00 UTC has passed already: it goes on"),
        ("order.promised_at", "order.promised_at is not known and is not waited for"),
    ],
)
def test_a_wait_that_is_over_at_once_says_so_in_the_trace(until: str, said: str) -> None:
    reaction = matter_of({"wait": {"until": until, "or": "skip"}}, notify("shipped"))
    assert lines(reaction) == ["started", f"wait:until: {said}", "done"]
    assert told(reaction) == ["shipped"]


def test_a_number_learnt_later_brings_what_it_said_meanwhile() -> None:
    story = Story()
    story.words(order("09:00", "order.packed", parcels=(parcel("1", "09:00"),)))
    story.hear(scan("P1", "in_transit", "10:00"))
    found = story.words(order("11:00", "order.packed", parcels=(parcel("1", "11:00", numbers=[Number("P1")]),)))
    assert found == ["shipment.shipped/1", "shipment.in_transit/1"]


def test_contact_fresh_is_the_default_length_of_news() -> None:
    story = shipped(Story(world({"ready": READY}, contact=replace(CONTACT, fresh=timedelta(minutes=5)))))
    reaction = story.react(scan("P1", "ready_for_pickup", "10:00"), at="10:06")
    assert told(reaction) == []
