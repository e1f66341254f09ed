"""What is kept of an order beside its facts: the same, in whatever order its sources were heard."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import reduce
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.model import (
    Address,
    Cod,
    Customer,
    Deadline,
    DeadlineKind,
    DeliverBy,
    Line,
    Merged,
    Number,
    ParcelNews,
    PickupPoint,
    PointKind,
    Relation,
    Removed,
    ReturnSnapshot,
    Told,
    ToldKind,
    Window,
)
from hub.pipeline.documents import News, OrderDoc, dump, learn, load

from .fakes import moment, order, parcel, uah


def learned(records: Sequence[Any], doc: OrderDoc | None = None) -> OrderDoc:
    """The document of these records, without what is frozen at the first sight."""
    return replace(reduce(learn, records, doc or OrderDoc()), locale="", imported=False)


CLOCK = st.sampled_from(["09:00", "10:00", "11:00"])
MONEY = st.sampled_from([None, uah("10"), uah("20")])
LINES = st.sampled_from([None, (), (Line("a", "Coffee", Decimal(1)),), (Line("a", "Coffee", Decimal(2)),)])
WINDOWS = st.sampled_from([None, Window(moment("12:00"), moment("13:00")), Window(moment("14:00"), moment("15:00"))])
POINTS = st.none() | st.builds(
    PickupPoint,
    st.sampled_from(["1", "2"]),
    st.just(PointKind.BRANCH),
    st.just("One"),
    hours=st.sampled_from(["", "24/7"]),
)
PARCELS = st.lists(
    st.builds(lambda ref, version, code: parcel(ref, version, code), st.sampled_from(["9", "10"]), CLOCK,
              st.sampled_from(["shipment.shipped", "shipment.delivered"])),
    max_size=2,
).map(tuple)  # fmt: skip
RETURNS = st.lists(
    st.builds(lambda ref, version, why: ReturnSnapshot(ref, moment(version), reason=why), st.sampled_from(["r1", "r2"]),
              CLOCK, st.sampled_from(["", "too big"])),
    max_size=2,
).map(tuple)  # fmt: skip
SNAPSHOTS = st.builds(
    order, CLOCK, st.sampled_from(["order.packed", "order.cancelled"]), note=st.sampled_from(["", "a", "b"]),
    lines=LINES, total=MONEY, refunded=MONEY, promise=WINDOWS, point=POINTS, parcels=st.none() | PARCELS,
    returns=st.none() | RETURNS, tags=st.sampled_from([(), ("vip",)]), deliver_by=st.sampled_from([None, *DeliverBy]),
)  # fmt: skip
NEWS = st.builds(
    lambda number, at, **more: ParcelNews(number, moment(at), **more),
    st.sampled_from(["P1", "P2"]), CLOCK, eta=WINDOWS, point=POINTS,
    deadline=st.sampled_from([None, Deadline(moment("+3 18:00"), DeadlineKind.GOES_BACK)]),
    cod=st.sampled_from([None, Cod(uah("5")), Cod(uah("6"))]),
    next=st.sampled_from([None, Number("P3"), Number("P4")]), relation=st.sampled_from([None, *Relation]),
    told=st.sampled_from([None, *(Told(kind, moment("10:00")) for kind in ToldKind)]),
    attempts=st.sampled_from([None, 1, 2]),
)  # fmt: skip
GONE = st.builds(lambda at: Removed("1", moment(at)), CLOCK) | st.builds(
    lambda into, at: Merged("1", into, moment(at)), st.sampled_from(["2", "3"]), CLOCK
)


@given(
    st.lists(SNAPSHOTS | NEWS | GONE, min_size=2, max_size=5).flatmap(
        lambda all: st.tuples(st.just(all), st.permutations(all))
    )
)
@settings(max_examples=100, deadline=None)
def test_the_order_of_arrival_does_not_matter(both: tuple[list[Any], list[Any]]) -> None:
    """Also where versions and times are equal."""
    one, other = both
    assert learned(one) == learned(other)
    assert list(learned(one).parcels) == list(learned(other).parcels), "parcels are numbered by their place"
    assert learned([*one, *one]) == learned(one), "what is heard twice counts once"


@given(st.lists(SNAPSHOTS | NEWS | GONE, min_size=1, max_size=4), SNAPSHOTS | NEWS)
@settings(max_examples=50, deadline=None)
def test_a_document_comes_back_as_it_was_and_goes_on_learning_alike(records: list[Any], more: Any) -> None:
    doc = learned(records)
    assert load(dump(doc)) == doc
    assert learn(load(dump(doc)), more) == learn(doc, more)


def test_of_equal_versions_one_stands_whatever_an_earlier_one_told() -> None:
    """The lines that an earlier snapshot told do not decide between two later ones."""
    told = order("09:00", lines=(Line("a", "Coffee", Decimal(1)),))
    pair = [order("10:00", lines=None, note=note) for note in "ab"]
    orders = [[told, *pair], [told, *pair[::-1]], [*pair, told], [*pair[::-1], told], [pair[0], told, pair[1]]]
    assert len({repr(learned(records).snapshot) for records in orders}) == 1


def test_the_newest_version_stands_and_what_it_does_not_tell_is_kept() -> None:
    address = Address(city="Kyiv")
    doc = learned(
        [order("10:00", address=address, note="old"), order("11:00", note="new"), order("09:00", note="late")]
    )
    assert doc.snapshot is not None
    assert (doc.snapshot.note, doc.snapshot.address, doc.snapshot.version) == ("new", address, moment("11:00"))


@pytest.mark.parametrize("hours", list(permutations(["09:00", "10:00", "11:00"])))
def test_a_promise_never_moves(hours: Sequence[str]) -> None:
    """It is what the shop said at checkout, which the earliest snapshot that speaks of it knows."""
    windows = {hour: Window(moment(hour), moment("18:00")) for hour in hours}
    doc = learned([order("08:00"), *(order(hour, promise=window) for hour, window in windows.items())])
    assert doc.snapshot is not None
    assert doc.snapshot.promise == windows["09:00"]


@pytest.mark.parametrize("kept", ["digital", ""])
def test_how_an_order_is_delivered_is_kept_where_a_later_word_leaves_it_open(kept: str) -> None:
    """Also what an older release stored: it named no version for it, and left out that an order is sent."""
    doc = learned([order("10:00", deliver_by=DeliverBy(kept) if kept else None)])
    stored = load(dump(replace(doc, told={})))
    seen = learn(stored, order("10:00", note="another word of the same moment")).snapshot
    assert seen is not None and (seen.deliver_by or "") == kept


def test_told_empty_is_told() -> None:
    doc = learned([order("10:00"), order("11:00", lines=())])
    assert doc.snapshot is not None and doc.snapshot.lines == ()


@pytest.mark.parametrize(
    ("records", "gone"),
    [
        ([order("09:00"), Removed("1", moment("10:00"))], True),
        ([order("09:00"), Removed("1", moment("10:00")), order("11:00")], False),
        ([order("09:00"), order("11:00"), Removed("1", moment("10:00"))], False),
        ([order("09:00"), Removed("1", moment("10:00")), order("09:30")], True),
        ([Removed("1", moment("12:00")), order("11:00"), Removed("1", moment("10:00"))], True),
    ],
)
def test_a_removed_order_comes_back_with_a_later_snapshot(records: list[Any], gone: bool) -> None:
    assert (learned(records).removed_at is not None) is gone


def test_of_news_each_field_has_its_own_newest_word() -> None:
    first, moved = Window(moment("12:00"), moment("13:00")), Window(moment("14:00"), moment("15:00"))
    point = PickupPoint("1", PointKind.BRANCH, "One")
    doc = learned([
        ParcelNews("P1", moment("10:00"), eta=moved),
        ParcelNews("P1", moment("09:00"), eta=first, point=point, attempts=1),
        ParcelNews("P1", moment("11:00"), attempts=2),
    ])  # fmt: skip
    news = doc.news["P1"]
    assert (news.eta, news.first_eta, news.point, news.attempts) == (moved, first, point, 2)
    assert doc.news.get("P2", News()) == News()


@pytest.mark.parametrize("order_of", list(permutations(range(3))))
def test_hours_of_a_point_outlive_a_later_word_without_them(order_of: Sequence[int]) -> None:
    """A carrier tells them by a second call, which may fail."""
    open_point = PickupPoint("1", PointKind.BRANCH, "One", hours="Mo-Su 08:00-21:00", lat=50.4, lon=30.5)
    bare = PickupPoint("1", PointKind.BRANCH, "One anew")
    records = [ParcelNews("P1", moment(f"1{n}:00"), point=each) for n, each in enumerate((open_point, bare, bare))]
    news = learned([records[n] for n in order_of]).news["P1"]
    assert news.place == replace(bare, hours="Mo-Su 08:00-21:00", lat=50.4, lon=30.5)
    moved = PickupPoint("2", PointKind.BRANCH, "Two")
    assert _news_after(news, moved).place == moved, "another place has its own hours"


def _news_after(news: News, point: PickupPoint) -> News:
    later = ParcelNews("P1", moment("15:00"), point=point)
    return learned([later], OrderDoc(news={"P1": news})).news["P1"]


def test_what_was_frozen_at_the_first_sight_stays() -> None:
    ukrainian, polish = (replace(order("10:00"), customer=Customer(locale=tag)) for tag in ("uk-UA", "pl"))
    doc = learn(learn(OrderDoc(), ukrainian, imported=True), replace(polish, version=moment("11:00")))
    assert (doc.locale, doc.imported) == ("uk-UA", True)
