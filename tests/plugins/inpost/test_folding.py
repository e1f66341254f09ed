"""What the status model makes of whole histories, whatever part of them is asked for, and how often."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from hub.clock import VirtualClock
from hub.model import Checkpoint
from hub.status import Axis, Fact, Folded, Level, Shipment, Table, Verdict, fold, lookup
from plugins.carriers.inpost import InPost
from plugins.carriers.inpost.sandbox import InPostSandbox
from plugins.carriers.inpost.statuses import STATUSES

from .telling import ask, parted

TABLES = {name: Table.of(rows) for name, rows in STATUSES.items()}
HOUR = timedelta(hours=1)
_S = Shipment

STORIES = {
    "to a locker": (
        ("dispatched_by_sender", "adopted_at_sorting_center", "out_for_delivery", "ready_to_pickup", "delivered"),
        (_S.SHIPPED, _S.IN_TRANSIT, _S.OUT_FOR_DELIVERY, _S.READY_FOR_PICKUP, _S.DELIVERED),
    ),
    "the first mile by courier": (
        ("collected_from_sender", "taken_by_courier", "adopted_at_source_branch", "sent_from_source_branch"),
        (_S.SHIPPED, _S.IN_TRANSIT),
    ),
    "reminded, and collected": (
        ("ready_to_pickup", "pickup_reminder_sent", "pickup_reminder_sent", "delivered"),
        (_S.READY_FOR_PICKUP, _S.DELIVERED),
    ),
    "expired, and collected in the branch": (
        ("ready_to_pickup", "pickup_time_expired", "ready_to_pickup_from_branch", "delivered"),
        (_S.READY_FOR_PICKUP, _S.DELIVERY_FAILED, _S.READY_FOR_PICKUP, _S.DELIVERED),
    ),
    "expired, and collected all the same": (
        ("ready_to_pickup", "pickup_time_expired", "delivered"),
        (_S.READY_FOR_PICKUP, _S.DELIVERY_FAILED, _S.DELIVERED),
    ),
    "refused and sent back": (
        ("out_for_delivery_to_address", "rejected_by_receiver", "avizo", "returned_to_sender"),
        (_S.OUT_FOR_DELIVERY, _S.DELIVERY_FAILED, _S.RETURNED),
    ),
    "not collected and sent back": (
        ("ready_to_pickup_from_pok", "taken_by_courier_from_customer_service_point", "returned_to_sender"),
        (_S.READY_FOR_PICKUP, _S.RETURNING, _S.RETURNED),
    ),
    "a door at the second attempt": (
        ("out_for_delivery_to_address", "undelivered_cod_cash_receiver", "out_for_delivery_to_address", "delivered"),
        (_S.OUT_FOR_DELIVERY, _S.DELIVERY_FAILED, _S.OUT_FOR_DELIVERY, _S.DELIVERED),
    ),
    "redirected on the way": (
        ("adopted_at_sorting_center", "permanently_redirected_to_box_machine", "ready_to_pickup"),
        (_S.IN_TRANSIT, _S.READY_FOR_PICKUP),
    ),
    "a full locker": (
        ("out_for_delivery", "stack_in_box_machine", "unstack_from_box_machine", "ready_to_pickup", "delivered"),
        (_S.OUT_FOR_DELIVERY, _S.READY_FOR_PICKUP, _S.IN_TRANSIT, _S.READY_FOR_PICKUP, _S.DELIVERED),
    ),
    "late, and then not": (
        ("adopted_at_sorting_center", "delay_in_delivery", "out_for_delivery"),
        (_S.IN_TRANSIT, _S.ON_HOLD, _S.OUT_FOR_DELIVERY),
    ),
    "a complaint at the locker": (("ready_to_pickup", "claimed"), (_S.READY_FOR_PICKUP, _S.PROBLEM)),
    "a word that means nothing": (("dispatched_by_sender", "other"), (_S.SHIPPED,)),
    "a label that is void": (("canceled",), (_S.CANCELLED,)),
    "the words of the Group": (
        ("FMD.1005", "MMD.1002", "LMD.1003", "LMD.9001", "EOL.1002"),
        (_S.SHIPPED, _S.IN_TRANSIT, _S.READY_FOR_PICKUP, _S.DELIVERED),
    ),
}


def _fact(point: Checkpoint, heard_at: datetime) -> Fact | None:
    found = lookup(point.native.code, plugin=TABLES[point.native.vocabulary])
    if found is None or not isinstance(found.meaning.status, Shipment):
        return None
    return Fact(
        key=f"{point.number} {point.native.code} {point.at.isoformat()}",
        subject="shipment:1",
        axis=Axis.SHIPMENT,
        value=found.meaning.status,
        reason=found.meaning.reason,
        at=point.at,
        precision=point.precision,
        source="inpost",
        level=Level.CARRIER,
        snapshot=point.snapshot,
        way=point.way,
        retracts=None,
        native=point.native,
        received_at=heard_at,
    )


def _moved(folded: Folded) -> tuple[object, ...]:
    assert not folded.contradictions
    return tuple(line.after for line in folded.lines if line.verdict is Verdict.MOVE)


async def _heard(carrier: InPost, number: str, clock: VirtualClock) -> Sequence[Fact]:
    found = [each for raw in await ask(carrier, number) for each in parted(carrier.normalise(raw))[0]]
    return [fact for each in found if (fact := _fact(each, clock.now()))]


@pytest.mark.parametrize("story", STORIES)
async def test_a_history_is_folded_to_its_story(
    carrier: InPost, world: InPostSandbox, clock: VirtualClock, story: str
) -> None:
    """Asked after every step or only at the end, and read in any order: the same story."""
    statuses, moves = STORIES[story]
    number = world.create()
    heard = [*await _heard(carrier, number, clock)]
    for status in statuses:
        clock.move_to(clock.now() + HOUR)
        await world.move(number, status)
        heard += await _heard(carrier, number, clock)
    at_the_end = await _heard(carrier, number, clock)
    whole = fold(Axis.SHIPMENT, at_the_end, followed=True)
    assert _moved(whole)[1:] == moves and _moved(whole)[0] is _S.ANNOUNCED
    assert {fact.key for fact in heard} == {fact.key for fact in at_the_end}, "what is told again is the same fact"
    random.Random(story).shuffle(heard)
    again = fold(Axis.SHIPMENT, heard, followed=True)
    assert (again.state, _moved(again)) == (whole.state, _moved(whole))


async def test_a_depots_scan_that_comes_late_moves_nothing(
    carrier: InPost, world: InPostSandbox, clock: VirtualClock
) -> None:
    number = world.create()
    for hours, status in ((5, "ready_to_pickup"), (6, "delivered")):
        clock.move_to(clock.now() + hours * HOUR)
        await world.move(number, status)
    await world.move(number, "adopted_at_sorting_center", at=clock.now() - 8 * HOUR)
    folded = fold(Axis.SHIPMENT, await _heard(carrier, number, clock), followed=True)
    assert folded.state is _S.DELIVERED
