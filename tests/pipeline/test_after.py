"""What a message becomes after an attempt, and that no state moves where the table has no move."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from hub.pipeline.after import PAUSE, SCHEDULE, Attempted, Verdict, after
from hub.pipeline.guards import NEXT_AFTER
from hub.pipeline.states import FINISHED, MOVES, REACHED, MessageState
from hub.plugin import Accepted, Config, Duplicate, Outcome, Permanent, Suppress, Transient, Unknown

from .fakes import moment

NOW = moment("10:00")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SENT, DUE, UNCERTAIN = MessageState.SENT, MessageState.DUE, MessageState.UNCERTAIN
ALONE = Attempted(
    NOW, tries=1, first_try_at=NOW, others=False, honours_keys=False, receipts=False, receipt_wait=30 * MINUTE,
    uncertain="maybe_twice",
)  # fmt: skip


def given(**more: Any) -> Attempted:
    return replace(ALONE, **more)


@pytest.mark.parametrize("outcome", [Accepted("id-1"), Duplicate("id-1")])
@pytest.mark.parametrize("others", [True, False])
def test_what_was_taken_is_sent_and_waits_for_a_receipt_where_there_are_any(outcome: Outcome, others: bool) -> None:
    assert after(outcome, given(others=others)) == Verdict(SENT)
    assert after(outcome, given(others=others, receipts=True)) == Verdict(SENT, receipt_by=NOW + 30 * MINUTE)


BUSY = Transient("busy")


@pytest.mark.parametrize(
    ("tries", "jitter", "wait"),
    [(1, 1.0, 15), (2, 1.0, 60), (3, 1.0, 300), (4, 1.0, 1800), (5, 1.0, 7200), (6, 1.0, 21600), (7, 1.0, 43200),
     (1, 0.8, 12), (1, 1.2, 18)],
)  # fmt: skip
def test_a_temporary_failure_is_tried_again_on_the_schedule(tries: int, jitter: float, wait: float) -> None:
    verdict = after(BUSY, given(tries=tries, jitter=jitter))
    assert verdict == Verdict(DUE, "busy", NOW + timedelta(seconds=wait))


def test_when_the_schedule_is_used_up_the_channel_is_done_with() -> None:
    assert after(BUSY, given(tries=len(SCHEDULE) + 1)) == Verdict(DUE, "busy", NOW, next_channel=True)


@pytest.mark.parametrize(
    ("asked", "others", "due"),
    [
        pytest.param(NOW + HOUR, False, NOW + HOUR, id="Retry-After is later and wins"),
        pytest.param(NOW + timedelta(seconds=1), False, NOW + SCHEDULE[0], id="Retry-After is sooner"),
        pytest.param(NOW - HOUR, False, NOW + SCHEDULE[0], id="Retry-After is past"),
        pytest.param(NOW + HOUR, True, NOW + NEXT_AFTER, id="another channel does not wait that long"),
    ],
)
@pytest.mark.parametrize("unsent", [False, True])
def test_a_wish_to_be_asked_later_is_obeyed(asked: datetime, others: bool, due: datetime, unsent: bool) -> None:
    """Also when another channel is left: then that one is tried, and not the one that asked for quiet."""
    verdict = after(Transient("busy", asked, unsent=unsent), given(others=others))
    assert verdict.due_at == (max(asked, NOW) if unsent and not others else due)
    assert verdict.next_channel is (asked > due)


@pytest.mark.parametrize(("minutes", "next_channel"), [(14, False), (15, False), (16, True)])
def test_who_asks_for_less_than_the_quarter_is_tried_again(minutes: int, next_channel: bool) -> None:
    verdict = after(Transient("busy", NOW + minutes * MINUTE), given(others=True))
    assert verdict.due_at == NOW + min(minutes, 15) * MINUTE
    assert verdict.next_channel is next_channel


@pytest.mark.parametrize("outcome", [BUSY, Transient("busy", NOW + HOUR), Config("no money")])
def test_after_a_quarter_of_an_hour_the_next_channel_has_its_turn(outcome: Outcome) -> None:
    started = NOW - NEXT_AFTER
    verdict = after(outcome, given(others=True, first_try_at=started, tries=4))
    assert (verdict.state, verdict.due_at, verdict.next_channel) == (DUE, NOW, True)
    patient = after(outcome, given(others=False, first_try_at=started, tries=4))
    assert not patient.next_channel


def test_a_fault_of_ours_uses_up_no_attempt() -> None:
    alone = after(Config("no money"), given())
    assert alone == Verdict(DUE, "no money", NOW + PAUSE, counts=False, paused="no money")
    late = after(Config("no money"), given(others=True, first_try_at=NOW - 10 * MINUTE))
    assert late == Verdict(DUE, "no money", NOW + 5 * MINUTE, counts=False, paused="no money")


@pytest.mark.parametrize(
    ("outcome", "more"),
    [
        (Permanent("too long"), {}),
        (Suppress("no such mailbox"), {"dead": True}),
        (Suppress("blocked", blocked=True), {"closed": True}),
    ],
)
@pytest.mark.parametrize("others", [True, False])
def test_what_never_works_moves_on_at_once(outcome: Outcome, more: dict[str, Any], others: bool) -> None:
    reason = outcome.reason  # type: ignore[union-attr]
    done = Verdict(DUE, reason, NOW, next_channel=True, everywhere=True, **more)
    assert after(outcome, given(others=others)) == done
    assert after(outcome, given(others=others, stands_by=True)) == done, "another provider is not asked either"


def test_money_that_is_used_up_at_one_provider_is_no_reason_to_wait_for_the_other() -> None:
    verdict = after(Config("no money"), given(others=True, stands_by=True))
    assert verdict == Verdict(DUE, "no money", NOW, counts=False, paused="no money")


@pytest.mark.parametrize("more", [{"first_try_at": NOW - NEXT_AFTER}, {"tries": len(SCHEDULE) + 1}])
def test_a_provider_that_is_down_is_done_with_alone(more: dict[str, Any]) -> None:
    assert after(BUSY, given(others=True, stands_by=True)).next_channel is False, "it has its quarter of an hour"
    assert after(BUSY, given(others=True, stands_by=True, **more)) == Verdict(DUE, "busy", NOW, next_channel=True)


LOST = Unknown("the answer was lost")


@pytest.mark.parametrize(
    ("more", "verdict"),
    [
        pytest.param({"honours_keys": True}, Verdict(DUE, LOST.reason, NOW + SCHEDULE[0]), id="again, same key"),
        pytest.param({"honours_keys": True, "receipts": True}, Verdict(DUE, LOST.reason, NOW + SCHEDULE[0]), id="keys"),
        pytest.param({"receipts": True}, Verdict(SENT, receipt_by=NOW + 30 * MINUTE), id="waits for a receipt"),
        pytest.param({}, Verdict(DUE, LOST.reason, NOW + SCHEDULE[0]), id="maybe twice"),
        pytest.param(
            {"stands_by": True},
            Verdict(DUE, LOST.reason, NOW + SCHEDULE[0], next_channel=True),
            id="maybe twice, and by the other provider",
        ),
        pytest.param(
            {"honours_keys": True, "stands_by": True},
            Verdict(DUE, LOST.reason, NOW + SCHEDULE[0]),
            id="the provider knows the key",
        ),
        pytest.param({"unknowns": 1}, Verdict(UNCERTAIN, LOST.reason), id="maybe twice is not thrice"),
        pytest.param({"unknowns": 1, "stands_by": True}, Verdict(UNCERTAIN, LOST.reason), id="by nobody"),
        pytest.param({"uncertain": "maybe_never"}, Verdict(UNCERTAIN, LOST.reason), id="maybe never"),
    ],
)
def test_a_lost_answer_is_decided_by_rule(more: dict[str, Any], verdict: Verdict) -> None:
    assert after(LOST, given(**more)) == verdict


CASES = list(
    product(
        [True, False], [True, False], [True, False], ["maybe_twice", "maybe_never"], [0, 1], [1, 7, 8], [0, 60]
    )
)  # fmt: skip


def every(outcome: Outcome) -> list[Verdict]:
    """The verdicts on an outcome in every situation."""
    return [
        after(
            outcome,
            given(
                others=others, honours_keys=keys, receipts=receipts, uncertain=rule, unknowns=unknowns, tries=tries,
                first_try_at=NOW - minutes * MINUTE,
            ),
        )
        for others, keys, receipts, rule, unknowns, tries, minutes in CASES
    ]  # fmt: skip


def test_uncertainty_alone_never_moves_the_cascade_on() -> None:
    assert not any(verdict.next_channel for verdict in every(LOST))


ALL = [Accepted(), Duplicate(), BUSY, Transient("busy", NOW + HOUR), Permanent("p"), Suppress("s"), Config("c"), LOST]


@pytest.mark.parametrize("outcome", ALL, ids=lambda each: type(each).__name__)
def test_every_verdict_is_a_move_of_the_table_and_never_in_the_past(outcome: Outcome) -> None:
    for verdict in every(outcome):
        assert verdict.state in MOVES[MessageState.ON_WIRE]
        assert (verdict.due_at is not None) == (verdict.state is DUE)
        assert verdict.due_at is None or verdict.due_at >= NOW


# ------------------------------------------------------------------------------------------------ the states


def test_every_state_has_its_moves_and_no_move_leads_elsewhere() -> None:
    assert set(MOVES) == set(MessageState)
    assert all(target in set(MessageState) for targets in MOVES.values() for target in targets)
    assert not any(state in targets for state, targets in MOVES.items()), "to stay is no move"


def test_every_state_can_be_reached_from_due() -> None:
    found: set[str] = {MessageState.DUE}
    while more := {target for state in found for target in MOVES[state]} - found:
        found |= more
    assert found == set(MessageState)


def test_what_is_over_stays_over() -> None:
    """Only failed comes back, when staff replay it; a channel's later word may still correct the record."""
    for state in (MessageState.SUPPRESSED, MessageState.SUPERSEDED, MessageState.READ):
        assert MOVES[state] == frozenset()
    assert REACHED < FINISHED
    open_states = set(MessageState) - FINISHED
    assert open_states == {MessageState.DUE, MessageState.ON_WIRE, MessageState.HELD}
    assert all("on_wire" not in MOVES[state] for state in MessageState if state != "due"), "only due messages leave"


def test_a_limit_of_our_own_costs_no_try_and_waits_no_longer_than_it_must() -> None:
    soon = NOW + timedelta(seconds=1)
    verdict = after(Transient("one message a second", soon, unsent=True), given(tries=3))
    assert (verdict.state, verdict.due_at, verdict.counts) == (MessageState.DUE, soon, False)
