"""What is asked of whom, how often, and until when."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest

from hub.model import Direction, Number, ParcelNews, Relation, ReturnSnapshot
from hub.pipeline.asking import CORRECTIONS, INTERVALS
from hub.pipeline.batch import Event, Wanted
from hub.pipeline.loading import Loaded
from hub.pipeline.orders import plan_order
from hub.pipeline.polls import standing_polls
from hub.pipeline.world import World
from hub.status import FINAL, Meaning, Mode, Shipment

from .fakes import (
    CONNECTIONS,
    ORDER,
    TUESDAY,
    Letters,
    Post,
    Shoplet,
    connection,
    moment,
    native,
    order,
    parcel,
    scan,
    world,
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Wish(NamedTuple):
    """How often, from when on only daily, until when, and whether that has ended."""

    every: timedelta
    slow_at: datetime
    until: datetime
    ended: int = 0


def after(at: str, every: timedelta, slow: timedelta, until: timedelta, ended: int = 0) -> Wish:
    return Wish(every, moment(at) + slow, moment(at) + until, ended)


def wishes(*records: Any, now: str = "12:00", in_world: World | None = None) -> dict[str, Wish]:
    """Number → wish, for an order of which these records are all that is known."""
    want = Wanted()
    for record in records:
        source = "post" if hasattr(record, "number") and not hasattr(record, "placed_at") else "shop"
        want.take(Event(1, source, "", moment(now), Mode.LIVE), (record,))
    plan = plan_order(ORDER, want, Loaded(connection="shop"), in_world or world(), moment(now))
    return {
        row["ref"]: Wish(timedelta(seconds=row["every"]), row["slow_at"], row["until_at"], row["state"])
        for row in plan.polls
    }


P1 = order("09:00", parcels=(parcel("1", "09:00", numbers=["P1"]),))


def test_only_numbers_that_a_carrier_follows_are_asked_about() -> None:
    told = order("09:00", parcels=(parcel("1", "09:00", numbers=["P1", "X1", "P2"]),))
    assert set(wishes(told)) == {"P1", "P2"}
    assert wishes(order("09:00", parcels=(parcel("1", "09:00"),))) == {}


@pytest.mark.parametrize("status", [each for each in Shipment if each not in FINAL])
def test_how_often_is_asked_follows_the_status_and_how_long_it_has_stood(status: Shipment) -> None:
    own = {Shipment.OUT_FOR_DELIVERY: 7 * MINUTE}  # the adapter's table comes first
    patience = 3 * DAY if status is Shipment.ANNOUNCED else 14 * DAY
    wish = after("10:00", own.get(status, INTERVALS[status]), patience, 90 * DAY)
    assert wishes(P1, scan("P1", status, "10:00"))["P1"] == wish
    assert wishes(P1, scan("P1", status, "10:00"), now="+90 10:00")["P1"] == wish._replace(ended=1), "given up"


def test_a_parcel_of_which_nothing_is_known_is_asked_about() -> None:
    assert wishes(P1)["P1"] == after("12:00", INTERVALS[Shipment.ANNOUNCED], 3 * DAY, 90 * DAY)


@pytest.mark.parametrize("status", sorted(set(Shipment) & FINAL))
def test_a_final_parcel_is_asked_about_daily_for_three_more_days(status: Shipment) -> None:
    scans = [scan("P1", "announced", "09:30"), scan("P1", status, "10:00")]
    if status is Shipment.RETURNED:
        scans.insert(1, scan("P1", "returning", "09:45"))
    wish = after("10:00", DAY, 0 * DAY, CORRECTIONS)
    assert wishes(P1, *scans)["P1"] == wish
    assert wishes(P1, *scans, now="+3 09:59")["P1"] == wish
    assert wishes(P1, *scans, now="+3 10:00")["P1"] == wish._replace(ended=1), "and then no more"


def test_a_false_delivery_is_asked_about_again() -> None:
    scans = [scan("P1", "delivered", "10:00"), scan("P1", "out_for_delivery", "+1 10:00")]
    assert wishes(P1, *scans, now="+5 10:00")["P1"] == after("+1 10:00", 7 * MINUTE, 14 * DAY, 90 * DAY)


def test_what_the_carriers_table_says_of_its_word_decides_whether_it_is_the_last() -> None:
    """Nova Poshta's 10: handed over, and the money for the sender is still to come with 11."""
    words = {"in hand": Meaning(Shipment.DELIVERED, "", final=False), "lost": Meaning(Shipment.PROBLEM, "", final=True)}
    table = {"post": {**Post.statuses["post"], **words}}
    post = type("_Post", (Post,), {"statuses": table})
    here = world(connections=(*(each for each in CONNECTIONS if each.name != "post"), connection("post", post)))
    scans = [scan("P1", "in hand", "10:00")]
    assert wishes(P1, *scans, in_world=here)["P1"] == after("10:00", DAY, 14 * DAY, 90 * DAY)
    scans.append(scan("P1", "delivered", "+1 10:00"))
    assert wishes(P1, *scans, in_world=here, now="+1 11:00")["P1"] == after("10:00", DAY, 0 * DAY, CORRECTIONS)
    assert wishes(P1, scan("P1", "lost", "10:00"), in_world=here)["P1"] == after("10:00", DAY, 0 * DAY, CORRECTIONS)


def test_a_parcel_that_another_was_sent_in_place_of_may_still_turn_up() -> None:
    two = parcel("1", "09:00", numbers=["P1"]), parcel("2", "09:00", numbers=["P2"], replaces="1")
    found = wishes(order("09:00", parcels=two), scan("P1", "problem", "10:00"))
    assert found["P1"] == after("10:00", INTERVALS[Shipment.PROBLEM], 14 * DAY, 90 * DAY)
    assert found["P2"] == after("12:00", INTERVALS[Shipment.ANNOUNCED], 3 * DAY, 90 * DAY)


def test_of_two_fulfilments_under_one_number_the_one_that_is_asked_about_most_counts() -> None:
    two = parcel("1", "09:00", "shipment.cancelled", numbers=["P1"]), parcel("2", "09:00", numbers=["P1"])
    for parcels in (two, two[::-1]):
        found = wishes(order("09:00", parcels=parcels), scan("P1", "out_for_delivery", "10:00"))
        assert found["P1"].every == 7 * MINUTE


def test_what_a_carrier_sends_in_a_parcels_place_is_asked_about() -> None:
    news = ParcelNews("P1", moment("10:00"), next=Number("P2"), relation=Relation.REPLACES)
    assert set(wishes(P1, news)) == {"P1", "P2"}


def case(*natives: str) -> Any:
    snapshot = ReturnSnapshot("r", moment("09:00"), tuple(map(native, natives)), numbers=(Number("P9"),))
    return order("09:00", returns=(snapshot,))


@pytest.mark.parametrize(
    ("natives", "scans", "wish"),
    [
        ((), (), after("12:00", 6 * HOUR, 3 * DAY, 90 * DAY)),
        (("return.approved",), (("in_transit", "10:00"),), after("10:00", 6 * HOUR, 14 * DAY, 90 * DAY)),
        (("return.approved",), (("delivered", "10:00"),), after("10:00", DAY, 0 * DAY, CORRECTIONS)),
        (("return.withdrawn",), (), after("09:00", DAY, 0 * DAY, CORRECTIONS)),
    ],
)
def test_a_return_parcel_is_asked_about_until_the_shop_has_it(natives: Any, scans: Any, wish: Any) -> None:
    assert wishes(case(*natives), *(scan("P9", code, at) for code, at in scans)) == {"P9": wish}


def test_a_return_parcel_that_no_case_names_is_asked_about() -> None:
    assert set(wishes(order("09:00", parcels=(parcel("7", "09:00", numbers=["P7"], direction=Direction.BACK),)))) == {
        "P7"
    }


# ------------------------------------------------------------------------------------------------ again and again


class Deaf(Letters):
    """A channel that can be asked nothing."""

    name = "deaf"
    poll_every = None


def standing(public_url: str | None, *connections: Any) -> dict[tuple[str, str], timedelta]:
    rows = standing_polls(world(public_url=public_url, connections=connections or CONNECTIONS), TUESDAY)
    return {(row["connection"], row["kind"]): timedelta(seconds=row["every"]) for row in rows}


def test_a_hub_that_no_webhook_reaches_polls_each_minute() -> None:
    assert standing("https://hub.example")["shop", "list"] == Shoplet.poll_every == 5 * MINUTE
    assert standing(None)["shop", "list"] == MINUTE


@pytest.mark.parametrize("public_url", [None, "https://hub.example"])
def test_the_merchants_own_pace_is_kept(public_url: str | None) -> None:
    slow = connection("shop", Shoplet, shop="main", poll_every=6 * HOUR)
    assert standing(public_url, slow)["shop", "list"] == 6 * HOUR


def test_channels_are_asked_at_their_own_pace_and_not_where_there_is_nothing_to_ask() -> None:
    found = standing(None)
    assert found["bot", "channel"] == timedelta(seconds=30)
    assert ("deaf", "channel") not in standing(None, connection("deaf", Deaf))
    assert ("post", "list") not in found, "a carrier is asked about parcels"


def test_every_connection_is_seen_after_daily() -> None:
    found = standing(None)
    assert {name for name, kind in found if kind == "health"} == {each.name for each in CONNECTIONS}
    assert {every for (_, kind), every in found.items() if kind == "health"} == {DAY}
