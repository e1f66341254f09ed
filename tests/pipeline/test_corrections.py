"""A sender corrects itself: the same event at another time, an event taken back, a list that has become shorter."""

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from hub.model import (
    Deadline,
    DeadlineKind,
    Merged,
    ParcelKind,
    ParcelNews,
    PickupPoint,
    PointKind,
    RefKind,
    Removed,
    Retraction,
    ReturnSnapshot,
    StatusEvent,
)
from hub.pipeline.react import Reaction
from hub.store.database import Database
from hub.store.tables import facts, orders, timeline

from .fakes import Desk, Story, moment, native, notify, order, parcel, scan, told, uah, world


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


# ------------------------------------------------------------------------------------------------ a list is shorter


def case(ref: str, word: str, version: str) -> ReturnSnapshot:
    return ReturnSnapshot(ref, moment(version), (native(word),))


def there(story: Story) -> list[str]:
    view = story.view
    ids = [*(each.id for each in view.shipments), *(each.id for each in view.returns)]
    return [each.removeprefix("shop:1/") for each in ids]


TWO = order(
    "09:00", "order.processing",
    parcels=(parcel("F1", "09:30", "shipment.shipped", numbers=["P1"]), parcel("F2", "09:00")),
    returns=(case("order:1", "return.requested", "09:00"),),
)  # fmt: skip
ONE = order(
    "10:00", "order.processing", parcels=(parcel("F2", "09:00"),), returns=(case("7", "return.refunded", "10:00"),)
)
SILENT = order("10:30", "order.processing")
NONE = order("11:00", "order.processing", parcels=(), returns=())


@pytest.mark.parametrize("records", list(permutations([TWO, ONE, SILENT, scan("P1", "in_transit", "09:40")])))
def test_what_the_newest_list_does_not_name_is_not_there(records: tuple[Any, ...]) -> None:
    story = Story()
    story.hear(*records, at="12:00")
    assert there(story) == ["F2", "r:7"]
    assert [str(each.folded.state) for each in story.view.returns] == ["refunded"]
    assert [leg.number.number for leg in story.view.legs] == [], "nobody asks about the number any more"


@pytest.mark.parametrize("records", list(permutations([TWO, ONE, NONE])))
def test_an_empty_list_says_that_there_is_none(records: tuple[Any, ...]) -> None:
    story = Story()
    story.hear(*records, at="12:00")
    assert there(story) == []


def test_what_is_named_again_has_kept_its_history() -> None:
    story = Story()
    story.hear(TWO, scan("P1", "in_transit", "09:40"), NONE, at="12:00")
    story.hear(order("11:30", "order.processing", parcels=(parcel("F1", "09:30", numbers=["P1"]),)), at="12:30")
    assert there(story) == ["F1"]
    assert story.status() == "in_transit"


def test_two_lists_of_one_version_name_what_either_names() -> None:
    story = Story()
    story.hear(TWO, order("09:00", "order.processing", parcels=(parcel("F3", "09:00"),)))
    assert there(story) == ["F1", "F2", "F3", "r:order:1"]


def test_what_waits_at_the_counter_is_in_no_list_until_it_is_handed_over() -> None:
    story = Story()
    waiting = parcel("pickup:1", "09:00", "shipment.ready_for_pickup", kind=ParcelKind.PICKUP)
    story.hear(order("09:00", "order.processing", parcels=(waiting,)), NONE)
    assert there(story) == ["pickup:1"]


# ------------------------------------------------------------------------------------------------ a clock ran ahead


def place(name: str, at: str) -> ParcelNews:
    return ParcelNews("P1", moment(at), point=PickupPoint("1", PointKind.BRANCH, name))


AHEAD = order(
    "+300 09:00", "order.processing", note="ahead", lines=None,
    parcels=(parcel("F1", "+300 09:00", numbers=["P1"]),), returns=(case("7", "return.requested", "+300 09:00"),),
)  # fmt: skip
AFTER = order(
    "11:00", "order.packed", note="after", total=uah("5"),
    parcels=(parcel("F1", "11:00", numbers=["P2"]),), returns=(),
)  # fmt: skip
HEARD = [
    (AHEAD, "10:00"),
    (place("ahead", "+300 09:00"), "10:00"),
    (AFTER, "11:01"),
    (place("after", "11:00"), "11:01"),
]


@pytest.mark.parametrize("heard", list(permutations(HEARD)))
def test_what_a_clock_that_ran_ahead_said_does_not_outrank_what_came_later(heard: list[tuple[Any, str]]) -> None:
    story = Story()
    for record, at in heard:
        story.hear(record, at=at)
    snapshot, (shipment,) = story.view.snapshot, story.view.shipments
    assert snapshot is not None
    assert (snapshot.note, snapshot.total, snapshot.version) == ("after", uah("5"), moment("11:00"))
    assert [leg.number.number for leg in shipment.legs] == ["P2"]
    point = story.doc.news["P1"].point
    assert point is not None and point.name == "after"


def test_of_two_from_the_future_the_one_that_came_later_stands() -> None:
    for versions in (("+300 09:00", "+200 09:00"), ("+200 09:00", "+300 09:00")):
        said = [(order(version, note=str(n)), f"1{n}:00") for n, version in enumerate(versions)]
        for heard in (said, said[::-1]):
            story = Story()
            for record, at in heard:
                story.hear(record, at=at)
            assert story.view.snapshot is not None and story.view.snapshot.note == "1"


def test_an_order_removed_in_the_future_comes_back_with_its_next_snapshot() -> None:
    story = Story()
    story.hear(Removed("1", moment("+300 09:00")), at="10:00")
    assert story.hear(order("11:00", "order.processing"), at="11:00").doc.removed_at is None


async def test_the_drain_believes_no_clock_that_runs_ahead(desk: Desk) -> None:
    await desk.hear(AHEAD, at="10:00")
    await desk.hear(AFTER, at="11:01")
    assert "after" in desk.rows(orders)[0].doc


# ------------------------------------------------------------------------------------------------ taken back, merged

NEWS: dict[str, Any] = {
    "shipped": {"on": "shipment.shipped", "steps": [notify("shipped"), {"wait": "3d"}, notify("pickup-reminder")]},
    "done": {"on": "shipment.delivered", "steps": [notify("delivered")]},
}
GIVEN, BACK = event("shipment.delivered", "10:00", "d"), Retraction("1", "d", moment("10:30"))


def results(reaction: Reaction) -> list[str]:
    return [line["doc"]["result"] for line in reaction.lines]


def test_what_its_sender_takes_back_did_not_happen_and_nobody_is_told_of_the_step_back() -> None:
    story = Story(world(NEWS))
    assert told(story.react(SENT, at="09:05")) == ["shipped"]
    assert told(story.react(GIVEN, at="10:01")) == ["delivered"]
    assert story.view.delivered
    reaction = story.react(BACK, at="10:31")
    assert (told(reaction), reaction.words) == ([], [])
    assert (story.status(), story.view.delivered) == ("shipped", False)
    verdicts = [(line.verdict.value, str(line.after)) for line in story.parcel().folded.lines]
    assert verdicts == [("move", "shipped"), ("retracted", "shipped")]


def test_what_is_taken_back_before_it_is_heard_sets_off_nothing() -> None:
    story = Story(world(NEWS))
    story.react(SENT, at="09:05")
    assert told(story.react(BACK, at="10:31")) == []
    assert told(story.react(GIVEN, at="10:32")) == []
    assert story.status() == "shipped"
    assert told(story.react(event("shipment.delivered", "11:00", "e"), at="11:01")) == ["delivered"], "another event is"


async def test_a_stored_event_that_is_taken_back_is_so_when_the_order_is_read_again(desk: Desk) -> None:
    await desk.hear(SENT, GIVEN, at="10:01")
    assert desk.rows(orders)[0].headline == "delivered"
    await desk.hear(BACK, at="10:31")
    assert desk.rows(orders)[0].headline == "shipped"


def test_of_an_order_that_was_merged_into_another_nothing_more_is_said() -> None:
    story = Story(world(NEWS))
    story.react(SENT, at="09:05")
    reaction = story.react(Merged("1", "2", moment("09:30")), at="09:31")
    assert [(row.run.state.value, row.run.reason) for row in reaction.runs] == [("stopped", "merged into 2")]
    assert reaction.silenced == [row.key for row in reaction.runs], "also what was to be said already"
    later = story.react(GIVEN, at="10:01")
    assert (told(later), results(later)) == ([], ["merged into 2"])
    assert told(story.react(at="+4 10:00")) == []


# ------------------------------------------------------------------------------------------------ while it can be had

READY: dict[str, Any] = {"ready": {"on": "shipment.ready_for_pickup", "steps": [notify("ready-for-pickup")]}}


@pytest.mark.parametrize(
    ("deadline", "heard", "news"),
    [
        ("+5 18:00", "+5 17:59", True),
        ("+5 18:00", "+5 18:01", False),
        ("18:00", "18:01", False),
        (None, "+1 10:00", True),
        (None, "+1 10:01", False),
    ],
)
def test_that_a_parcel_can_be_collected_is_news_as_long_as_it_can(deadline: str | None, heard: str, news: bool) -> None:
    story = Story(world(READY))
    story.react(order("09:00", "order.packed", parcels=(parcel("F1", "09:00", numbers=["P1"]),)), at="09:05")
    until = Deadline(moment(deadline), DeadlineKind.GOES_BACK) if deadline else None
    records = (scan("P1", "ready_for_pickup", "10:00"), ParcelNews("P1", moment("10:00"), deadline=until))
    assert told(story.react(*records, at=heard)) == (["ready-for-pickup"] if news else [])


# ------------------------------------------------------------------------------------------------ and what waits for it

REMIND: dict[str, Any] = {
    "ready": {
        "on": "shipment.ready_for_pickup",
        "stop_on": ["shipment.delivered"],
        "steps": [notify("ready-for-pickup"), {"wait": "3d"}, notify("pickup-reminder")],
    }
}


def can_be_had(ref: str) -> Story:
    story = Story(world(REMIND))
    story.react(order("09:00", "order.packed", parcels=(parcel(ref, "09:00", numbers=["P1"]),)), at="09:05")
    assert told(story.react(scan("P1", "ready_for_pickup", "10:00"), at="10:01")) == ["ready-for-pickup"]
    return story


def test_nobody_is_reminded_of_a_parcel_that_the_shop_does_not_name_any_more() -> None:
    story = can_be_had("F1")
    assert story.react(order("11:00", "order.packed", parcels=()), at="11:01").runs == [], "it may name it again"
    reaction = story.react(at="+4 10:00", due=True)
    assert [row.run.reason for row in reaction.runs] == ["the shop does not name it any more"]
    assert told(reaction) == []


def test_a_run_goes_on_when_the_shop_names_its_parcel_again() -> None:
    story = can_be_had("F1")
    story.react(order("11:00", "order.packed", parcels=()), at="11:01")
    story.react(order("12:00", "order.packed", parcels=(parcel("F1", "12:00", numbers=["P1"]),)), at="12:01")
    assert told(story.react(at="+4 10:00", due=True)) == ["pickup-reminder"]


@pytest.mark.parametrize("delivered", [True, False])
def test_a_run_about_a_number_alone_goes_on_about_its_fulfilment(delivered: bool) -> None:
    story = can_be_had("number:P1")
    assert told(story.react(order("11:00", "order.packed", parcels=(parcel("F1", "11:00", numbers=["P1"]),)))) == []
    if delivered:
        reaction = story.react(scan("P1", "delivered", "12:00"), at="12:01")
        assert [row.run.reason for row in reaction.runs] == ["shipment.delivered"]
    reminded = story.react(at="+4 10:00")
    assert [(each["template"], each["subject"]) for each in reminded.messages] == (
        [] if delivered else [("pickup-reminder", "shop:1/number:P1")]
    )
