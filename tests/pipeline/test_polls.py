"""What is asked of whom, how often, and until when."""

from datetime import timedelta
from typing import Any

import pytest

from hub.model import Number, ReturnSnapshot
from hub.pipeline.batch import Event, Wanted
from hub.pipeline.orders import CORRECTIONS, INTERVALS, Loaded, plan_order
from hub.pipeline.polls import standing_polls
from hub.status import FINAL, Mode, Shipment

from .fakes import CONNECTIONS, ORDER, TUESDAY, Letters, Shoplet, connection, moment, native, order, parcel, scan, world

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def wishes(*records: Any, now: str = "12:00") -> dict[str, tuple[timedelta, Any, int]]:
    """Number → (how often, until when, ended) for an order of which these records are all that is known."""
    want = Wanted()
    for record in records:
        source = "post" if hasattr(record, "number") and not hasattr(record, "placed_at") else "shop"
        want.take(Event(1, source, "", moment(now), Mode.LIVE), (record,))
    plan = plan_order(ORDER, want, Loaded(connection="shop"), world(), moment(now))
    return {row["ref"]: (timedelta(seconds=row["every"]), row["until_at"], row["state"]) for row in plan.polls}


P1 = order("09:00", parcels=(parcel("1", "09:00", numbers=["P1"]),))


def test_only_numbers_that_a_carrier_follows_are_asked_about() -> None:
    told = order("09:00", parcels=(parcel("1", "09:00", numbers=["P1", "X1", "P2"]),))
    assert set(wishes(told)) == {"P1", "P2"}
    assert wishes(order("09:00", parcels=(parcel("1", "09:00"),))) == {}


@pytest.mark.parametrize("status", [each for each in Shipment if each not in FINAL])
def test_how_often_is_asked_follows_the_status(status: Shipment) -> None:
    own = {Shipment.OUT_FOR_DELIVERY: 7 * MINUTE}  # the adapter's table comes first
    assert wishes(P1, scan("P1", status, "10:00"))["P1"] == (own.get(status, INTERVALS[status]), None, 0)


def test_a_parcel_of_which_nothing_is_known_is_asked_about() -> None:
    assert wishes(P1)["P1"] == (INTERVALS[Shipment.ANNOUNCED], None, 0)


@pytest.mark.parametrize("status", sorted(set(Shipment) & FINAL))
def test_a_final_parcel_is_asked_about_daily_for_three_more_days(status: Shipment) -> None:
    scans = [scan("P1", "announced", "09:30"), scan("P1", status, "10:00")]
    if status is Shipment.RETURNED:
        scans.insert(1, scan("P1", "returning", "09:45"))
    until = moment("10:00") + CORRECTIONS
    assert wishes(P1, *scans)["P1"] == (DAY, until, 0)
    assert wishes(P1, *scans, now="+3 09:59")["P1"] == (DAY, until, 0)
    assert wishes(P1, *scans, now="+3 10:00")["P1"] == (DAY, until, 1), "and then no more"


def test_a_false_delivery_is_asked_about_again() -> None:
    scans = [scan("P1", "delivered", "10:00"), scan("P1", "out_for_delivery", "+1 10:00")]
    assert wishes(P1, *scans, now="+5 10:00")["P1"] == (7 * MINUTE, None, 0)


def case(*natives: str) -> Any:
    snapshot = ReturnSnapshot("r", moment("09:00"), tuple(map(native, natives)), numbers=(Number("P9"),))
    return order("09:00", returns=(snapshot,))


@pytest.mark.parametrize(
    ("natives", "scans", "wish"),
    [
        ((), (), (6 * HOUR, None, 0)),
        (("return.approved",), (("in_transit", "10:00"),), (6 * HOUR, None, 0)),
        (("return.approved",), (("delivered", "10:00"),), (DAY, moment("10:00") + CORRECTIONS, 0)),
        (("return.withdrawn",), (), (DAY, moment("09:00") + CORRECTIONS, 0)),
    ],
)
def test_a_return_parcel_is_asked_about_until_the_shop_has_it(natives: Any, scans: Any, wish: Any) -> None:
    assert wishes(case(*natives), *(scan("P9", code, at) for code, at in scans)) == {"P9": wish}


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
