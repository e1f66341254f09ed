"""Whole stories: what the carrier does, as the status model folds what the adapter reads."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from hub.clock import VirtualClock
from hub.plugin import TrackRequest
from hub.status import Axis, Fact, Level, Shipment, Table, Verdict, fold, lookup
from plugins.carriers.nova_poshta import NovaPoshta
from plugins.carriers.nova_poshta.sandbox import NovaPoshtaSandbox
from plugins.carriers.nova_poshta.statuses import STATUSES, VOCABULARY

from .asking import parted

TABLE = Table.of(STATUSES[VOCABULARY])
HOUR = timedelta(hours=1)
_S = Shipment


class Story:
    """One shipment with all its numbers, asked about after each step, an hour apart."""

    def __init__(self, world: NovaPoshtaSandbox, carrier: NovaPoshta, clock: VirtualClock) -> None:
        self.world, self.carrier, self.clock = world, carrier, clock
        self.numbers: list[str] = []
        self.facts: list[Fact] = []

    async def after(self, *steps: Callable[[], object]) -> list[Shipment]:
        """The values that the shipment moved through."""
        for step in steps:
            self.clock.move_to(self.clock.now() + HOUR)
            step()
            await self._ask()
        folded = fold(Axis.SHIPMENT, self.facts, followed=True)
        assert not folded.contradictions
        moved = [line.after for line in folded.lines if line.verdict is Verdict.MOVE]
        return [value for value in moved if isinstance(value, Shipment)]

    async def _ask(self) -> None:
        for raw in await self.carrier.track([TrackRequest(number) for number in self.numbers]):
            point, news = parted(self.carrier.normalise(raw))
            if news and news.next and news.next.number not in self.numbers:
                self.numbers.append(news.next.number)
            found = lookup(point.native.code, plugin=TABLE)
            if found is None or not isinstance(found.meaning.status, Shipment):
                continue
            self.facts.append(
                Fact(
                    key=f"{point.number} {point.native.code} {point.at.isoformat()}",
                    subject="shipment:1",
                    axis=Axis.SHIPMENT,
                    value=found.meaning.status,
                    reason=found.meaning.reason,
                    at=point.at,
                    precision=point.precision,
                    source=f"np:{point.number}",
                    level=Level.CARRIER,
                    snapshot=point.snapshot,
                    way=point.way,
                    retracts=None,
                    native=point.native,
                    received_at=self.clock.now(),
                )
            )


@pytest.fixture
def story(world: NovaPoshtaSandbox, carrier: NovaPoshta, clock: VirtualClock) -> Story:
    return Story(world, carrier, clock)


def _steps(world: NovaPoshtaSandbox, number: str, *codes: str) -> Sequence[Callable[[], object]]:
    def moving(code: str) -> Callable[[], object]:
        return lambda: world.move(number, code)

    return [moving(code) for code in codes]


async def test_to_a_locker_and_collected(story: Story, world: NovaPoshtaSandbox) -> None:
    number = world.create(to="locker", cod=1200)
    story.numbers.append(number)
    moved = await story.after(
        *_steps(world, number, "4", "5", "6"),
        lambda: world.arrive(number),
        lambda: world.hand_over(number),
        lambda: world.remit(number),
    )
    assert moved == [_S.SHIPPED, _S.IN_TRANSIT, _S.READY_FOR_PICKUP, _S.DELIVERED]


async def test_to_a_door_at_the_second_attempt(story: Story, world: NovaPoshtaSandbox) -> None:
    number = world.create(to="doors")
    story.numbers.append(number)
    moved = await story.after(
        lambda: world.arrive(number),
        *_steps(world, number, "101", "111", "101"),
        lambda: world.hand_over(number),
    )
    out, failed = _S.OUT_FOR_DELIVERY, _S.DELIVERY_FAILED
    assert moved == [_S.ARRIVED_AT_BRANCH, out, failed, out, _S.DELIVERED]


async def test_refused_sent_back_and_received_by_the_sender(story: Story, world: NovaPoshtaSandbox) -> None:
    number = world.create()
    story.numbers.append(number)
    back: list[str] = []
    moved = await story.after(
        lambda: world.arrive(number),
        lambda: world.refuse(number),
        lambda: back.append(world.return_waybill(number)),
        lambda: world.move(back[0], "5"),
        lambda: world.arrive(back[0]),
        lambda: world.hand_over(back[0]),
    )
    assert story.numbers == [number, back[0]]
    assert moved == [_S.READY_FOR_PICKUP, _S.DELIVERY_FAILED, _S.RETURNING, _S.RETURNED]


async def test_refused_and_then_collected_all_the_same(story: Story, world: NovaPoshtaSandbox) -> None:
    number = world.create()
    story.numbers.append(number)
    moved = await story.after(*_steps(world, number, "7", "103", "7", "9"))
    assert moved == [_S.READY_FOR_PICKUP, _S.DELIVERY_FAILED, _S.READY_FOR_PICKUP, _S.DELIVERED]


async def test_handed_over_after_the_return_was_ordered(story: Story, world: NovaPoshtaSandbox) -> None:
    number = world.create()
    story.numbers.append(number)
    moved = await story.after(*_steps(world, number, "7", "102", "9"))
    assert moved[-1] is _S.DELIVERED, "the original number says out: this is the customer, not the sender"


async def test_redirected_and_collected_elsewhere(story: Story, world: NovaPoshtaSandbox) -> None:
    number = world.create()
    story.numbers.append(number)
    new: list[str] = []
    moved = await story.after(
        lambda: world.move(number, "6"),
        lambda: new.append(world.redirect(number)),
        lambda: world.move(new[0], "5"),
        lambda: world.arrive(new[0]),
        lambda: world.hand_over(new[0]),
    )
    assert moved == [_S.IN_TRANSIT, _S.READY_FOR_PICKUP, _S.DELIVERED]


async def test_a_number_that_is_forgotten_keeps_what_was_known(story: Story, world: NovaPoshtaSandbox) -> None:
    number = world.create()
    story.numbers.append(number)
    moved = await story.after(*_steps(world, number, "9"), lambda: world.purge(number))
    assert moved == [_S.DELIVERED]
