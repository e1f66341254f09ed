"""A sender corrects itself: the same event at another time, an event taken back, a list that has become shorter."""

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from hub.model import RefKind, StatusEvent
from hub.store.database import Database
from hub.store.tables import facts, timeline

from .fakes import Desk, Story, moment, native, order, parcel, world


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    db = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    yield Desk(db, world())
    db.close()


def event(word: str, at: str, event_id: str, parcel: str = "F1") -> StatusEvent:
    return StatusEvent(RefKind.PARCEL, parcel, "1", native(word), moment(at), event_id=event_id)


SENT = order("09:00", "order.processing", parcels=(parcel("F1", "09:00", "shipment.shipped"),))


# ------------------------------------------------------------------------------------------------ the same event again

TWICE = [event("shipment.delivered", at, "77") for at in ("12:00", "11:00")]


@pytest.mark.parametrize("events", [TWICE, TWICE[::-1]], ids=["later first", "earlier first"])
async def test_of_one_event_told_twice_the_smallest_time_stays(desk: Desk, events: list[StatusEvent]) -> None:
    await desk.hear(SENT, at="12:30")
    for each in events:
        await desk.hear(each, at="12:30")
    kept = [row.doc["at"] for row in desk.rows(facts, facts.c.code == "shipment.delivered")]
    assert kept == [moment("11:00").timestamp()]


async def test_an_event_that_is_only_heard_again_changes_nothing(desk: Desk) -> None:
    await desk.hear(SENT, TWICE[1], at="12:30")
    was = desk.rows(facts), len(desk.rows(timeline))
    await desk.hear(TWICE[1], at="13:30")
    assert (desk.rows(facts), len(desk.rows(timeline))) == was


@pytest.mark.parametrize("records", list(permutations([SENT, *TWICE, event("shipment.cancelled", "11:00", "77")])))
def test_since_when_a_state_holds_does_not_depend_on_arrival(records: tuple[Any, ...]) -> None:
    story = Story()
    story.hear(*records, at="13:00")
    folded = story.parcel().folded
    assert (str(folded.state), folded.since) == ("cancelled", moment("11:00"))


