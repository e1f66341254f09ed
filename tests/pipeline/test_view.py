"""One order as it stands: which parcels there are, what they hold, what is said of each."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from hub.model import (
    Cod,
    Deadline,
    DeadlineBasis,
    DeadlineKind,
    DeliverBy,
    Direction,
    Line,
    Number,
    OrderSnapshot,
    ParcelKind,
    ParcelNews,
    ParcelSnapshot,
    PayBy,
    PickupPoint,
    PointKind,
    RefKind,
    Relation,
    ReturnSnapshot,
    StatusEvent,
)
from hub.pipeline.pickup import cash_due, deadline_of
from hub.status import Axis, Level, Meaning, Order, Payment, Shipment, Way

from .fakes import CONNECTIONS, Story, connection, moment, native, notify, order, parcel, scan, told, uah, world
from .fakes import Post as ThePost

TWO = (Line("a", "Coffee", Decimal(2)), Line("b", "Cup", Decimal(1)))


def held(story: Story) -> dict[str, dict[str, int]]:
    """Shipment → line → quantity."""
    return {
        each.id.removeprefix("shop:1/"): {line: int(quantity) for line, quantity in each.contents.items()}
        for each in story.view.shipments
    }


def pairs(**contents: int) -> tuple[tuple[str, Decimal], ...]:
    return tuple((line, Decimal(quantity)) for line, quantity in contents.items())


# ------------------------------------------------------------------------------------------------ contents


def test_a_parcel_that_does_not_tell_holds_all_that_no_other_holds() -> None:
    story = Story()
    story.hear(order("09:00", lines=TWO, parcels=(parcel("1", "09:00", contents=pairs(a=1)), parcel("2", "09:00"))))
    assert held(story) == {"1": {"a": 1}, "2": {"a": 1, "b": 1}}
    assert not story.view.rest


@pytest.mark.parametrize(
    ("parcels", "rest"),
    [
        ((), True),
        ((parcel("1", "09:00", contents=pairs(a=1)),), True),
        ((parcel("1", "09:00", contents=pairs(a=2, b=1)),), False),
        ((parcel("1", "09:00", contents=pairs(a=2)), parcel("2", "09:00", contents=pairs(b=1))), False),
        ((parcel("1", "09:00", "shipment.cancelled", contents=pairs(a=2, b=1)),), True),
    ],
)
def test_what_is_in_no_live_parcel_is_the_rest(parcels: Any, rest: bool) -> None:
    story = Story()
    assert story.hear(order("09:00", "order.processing", lines=TWO, parcels=parcels)).rest is rest


def test_removed_units_and_lines_that_are_not_shipped_are_no_rest() -> None:
    lines = (Line("a", "Coffee", Decimal(2), removed=Decimal(1)), Line("g", "Gift card", Decimal(1), ships=False))
    story = Story()
    view = story.hear(order("09:00", lines=lines, parcels=(parcel("1", "09:00", contents=pairs(a=1)),)))
    assert not view.rest


def test_a_cancelled_parcels_contents_go_to_the_next() -> None:
    story = Story()
    gone = parcel("1", "09:00", "shipment.cancelled", contents=pairs(a=2, b=1))
    story.hear(order("09:00", lines=TWO, parcels=(gone, parcel("2", "09:00"))))
    assert held(story) == {"1": {}, "2": {"a": 2, "b": 1}}


def test_several_numbers_in_one_fulfilment_are_parcels_of_their_own() -> None:
    story = Story()
    story.hear(order("09:00", lines=TWO, parcels=(parcel("1", "09:00", numbers=["P1", "P2"]),)))
    assert held(story) == {"1": {"a": 2, "b": 1}, "1#P2": {}}
    story.hear(scan("P1", "delivered", "10:00"))
    assert not story.view.delivered
    assert story.hear(scan("P2", "delivered", "10:30")).delivered, "all must be delivered"


def test_a_reference_may_hold_any_character() -> None:
    story = Story()
    story.hear(order("09:00", lines=TWO, parcels=(parcel("#1/A", "09:00"),)))
    assert held(story) == {"#1/A": {"a": 2, "b": 1}}


def test_a_replaced_parcel_lives_no_more_and_its_contents_count_once() -> None:
    story = Story()
    lost = parcel("1", "09:00", contents=pairs(a=2, b=1), numbers=["P1"])
    again = parcel("2", "10:00", contents=pairs(a=2, b=1), numbers=["P2"], replaces="1")
    story.hear(order("10:00", "order.processing", lines=TWO, parcels=(lost, again)))
    story.hear(scan("P1", "problem", "09:30"), scan("P2", "in_transit", "11:00"))
    assert [each.id for each in story.view.live] == ["shop:1/2"]
    assert str(story.view.headline.value) == "in_transit"
    assert not story.view.rest


# ------------------------------------------------------------------------------------------------ the shop's own word


def test_the_shops_word_of_the_whole_order_makes_a_parcel_of_the_shop() -> None:
    story = Story()
    story.hear(order("09:00", "shipment.shipped", lines=TWO))
    assert held(story) == {"shop": {"a": 2, "b": 1}}
    assert story.status() == "shipped"


@pytest.mark.parametrize(
    ("words", "there"),
    [
        pytest.param([("order.packed",)], False, id="never spoke of it"),
        pytest.param([("order.completed",)], False, id="closed without a word of it"),
        pytest.param([("shipment.shipped",), ("order.processing",)], False, id="took it back"),
        pytest.param([("shipment.shipped",), ("order.completed",)], True, id="closed it then"),
        pytest.param([("shipment.shipped",), ("nobody-mapped-this",)], True, id="an unknown word says nothing"),
        pytest.param([("shipment.shipped",), ("chatter",)], True, id="nor does one that moves nothing"),
        pytest.param([("open", "shipment.delivered")], True, id="the derived open beside it"),
        pytest.param([("open", "shipment.shipped")], True, id="whatever their alphabet"),
    ],
)
def test_the_shops_parcel_is_there_while_its_last_word_is_of_it(words: list[tuple[str, ...]], there: bool) -> None:
    story = Story()
    for hour, natives in enumerate(words, 9):
        story.hear(order(f"{hour:02}:00", *natives))
    assert bool(story.view.shipments) is there


def test_once_there_is_a_parcel_the_shops_word_goes_to_it() -> None:
    story = Story()
    story.hear(order("09:00", "shipment.shipped"))
    story.hear(order("10:00", "shipment.shipped", parcels=(parcel("1", "10:00"),)))
    assert list(held(story)) == ["1"]
    assert story.status(ref="1") == "shipped"


def test_the_shop_cannot_know_before_the_carrier_that_follows_the_number() -> None:
    story = Story()
    story.hear(order("09:00", "shipment.delivered", parcels=(parcel("1", "09:00", numbers=["P1"]),)))
    assert story.status(ref="1") == "announced"
    story.hear(scan("P1", "in_transit", "10:00"))
    assert story.status(ref="1") == "in_transit"


def test_a_number_nobody_follows_leaves_the_word_to_the_shop() -> None:
    story = Story()
    story.hear(order("09:00", parcels=(parcel("1", "09:00", "shipment.delivered", numbers=["X1"]),)))
    assert story.status(ref="1") == "delivered"


# ------------------------------------------------------------------------------------------------ numbers


def followed(relation: Relation) -> Story:
    """P1 is on its way; its carrier names P2 as what comes next."""
    story = Story()
    story.hear(order("09:00", parcels=(parcel("1", "09:00", numbers=["P1"]),)))
    story.hear(scan("P1", "in_transit", "10:00"))
    story.hear(ParcelNews("P1", moment("11:00"), next=Number("P2"), relation=relation))
    return story


def test_a_redirected_parcel_goes_on_under_its_new_number() -> None:
    story = followed(Relation.CONTINUES)
    story.hear(scan("P2", "out_for_delivery", "12:00"))
    assert (story.status(), [leg.number.number for leg in story.parcel().legs]) == ("out_for_delivery", ["P1", "P2"])
    story.hear(scan("P2", "delivered", "13:00"))
    assert story.view.delivered


def test_an_old_number_that_repeats_its_last_word_says_nothing_against_the_new_one() -> None:
    """A carrier that answers with the present state only, asked about both numbers."""
    story = followed(Relation.CONTINUES)
    for number, code, at in (("P1", "in_transit", "11:30"), ("P2", "out_for_delivery", "12:00")):
        story.hear(scan(number, code, at, snapshot=True))
    story.hear(scan("P1", "in_transit", "12:30", snapshot=True))
    assert story.status() == "out_for_delivery"


def test_what_travels_under_a_return_waybill_travels_back() -> None:
    story = followed(Relation.BACK)
    story.hear(scan("P2", "in_transit", "12:00"))
    assert story.status() == "returning"
    story.hear(scan("P2", "delivered", "13:00"))
    assert story.status() == "returned"
    assert not story.view.delivered


def states(story: Story) -> dict[str, tuple[str | None, bool]]:
    """Shipment → its status, and whether it is live."""
    return {
        each.id.removeprefix("shop:1/"): (str(each.status) if each.status else None, each.live)
        for each in story.view.shipments
    }


def test_what_a_carrier_sends_in_a_parcels_place_is_a_shipment_of_its_own_with_the_same_contents() -> None:
    story = followed(Relation.REPLACES)
    assert states(story) == {"1": ("in_transit", False), "1#P2": ("announced", True)}
    assert held(story) == {"1": {}, "1#P2": {"a": 1}}
    assert not story.view.rest
    story.hear(scan("P1", "problem", "11:30"), scan("P2", "delivered", "12:00"))
    assert states(story) == {"1": ("problem", False), "1#P2": ("delivered", True)}
    assert story.view.delivered
    assert str(story.view.headline.value) == "delivered"


def test_a_replacement_may_be_replaced_and_only_the_last_lives() -> None:
    story = followed(Relation.REPLACES)
    story.hear(ParcelNews("P2", moment("12:00"), next=Number("P3"), relation=Relation.REPLACES))
    story.hear(ParcelNews("P3", moment("13:00"), next=Number("P1"), relation=Relation.REPLACES))  # a ring ends here
    assert states(story) == {"1": ("in_transit", False), "1#P2": (None, False), "1#P3": ("announced", True)}
    assert held(story) == {"1": {}, "1#P2": {}, "1#P3": {"a": 1}}


def test_a_replacement_that_the_shop_names_itself_is_there_once() -> None:
    story = followed(Relation.REPLACES)
    both = parcel("1", "12:00", numbers=["P1"]), parcel("2", "12:00", numbers=["P2"])
    story.hear(order("12:00", parcels=both))
    assert states(story) == {"1": ("in_transit", False), "1#P2": ("announced", True)}, "by the name it has"
    assert held(story) == {"1": {}, "1#P2": {"a": 1}}


def test_a_replacement_that_the_shop_adds_to_the_fulfilment_stays_the_shipment_it_was() -> None:
    story = followed(Relation.REPLACES)
    was = states(story), held(story)
    story.hear(order("12:00", parcels=(parcel("1", "12:00", numbers=["P1", "P2"]),)))
    assert (states(story), held(story)) == was


def test_a_return_label_in_the_box_travels_back() -> None:
    story = Story()
    label = Number("P2", leg=Way.BACK)
    story.hear(order("09:00", parcels=(parcel("1", "09:00", numbers=[Number("P1"), label]),)))
    story.hear(scan("P1", "delivery_failed", "10:00"), scan("P2", "announced", "10:30"))
    assert story.status() == "delivery_failed"
    story.hear(scan("P2", "in_transit", "11:00"))
    assert story.status() == "returning"


def test_numbers_that_name_each_other_end_somewhere() -> None:
    story = followed(Relation.CONTINUES)
    story.hear(ParcelNews("P2", moment("12:00"), next=Number("P1"), relation=Relation.CONTINUES))
    assert [leg.number.number for leg in story.parcel().legs] == ["P1", "P2"]


def test_a_changed_number_takes_its_facts_along() -> None:
    story = Story()
    story.hear(order("09:00", parcels=(parcel("1", "09:00", numbers=["P1"]),)))
    story.hear(scan("P1", "delivered", "10:00"))
    story.hear(order("11:00", parcels=(parcel("1", "11:00", numbers=["P2"]),)))
    assert story.status() is None, "that was another parcel"
    story.hear(scan("P2", "shipped", "12:00"))
    assert story.status() == "shipped"


# ------------------------------------------------------------------------------------------------ which parcel is which

SAY = {
    word: {"on": f"shipment.{word}", "steps": [notify("shipped")]} for word in ("shipped", "in_transit", "delivered")
}


def ids(story: Story) -> list[str]:
    return [each.id.removeprefix("shop:1/") for each in story.view.shipments]


def by_number(*natives: str) -> OrderSnapshot:
    """The shop knows of the parcel only its number."""
    return order("09:00", "order.processing", parcels=(parcel("number:P1", "09:00", *natives, numbers=["P1"]),))


def by_fulfilment(*numbers: str, version: str = "10:00", before: tuple[ParcelSnapshot, ...] = ()) -> OrderSnapshot:
    return order(version, "order.processing", parcels=(*before, parcel("F1", version, numbers=numbers)))


@pytest.mark.parametrize("still_listed", [True, False])
@pytest.mark.parametrize("later", [True, False], ids=["the fulfilment comes later", "the fulfilment comes first"])
def test_a_number_seen_before_its_fulfilment_is_that_fulfilments_parcel(later: bool, still_listed: bool) -> None:
    alone = by_number()
    fulfilment = by_fulfilment("P1", before=(alone.parcels or ()) if still_listed else ())
    story = Story()
    story.hear(*([alone, fulfilment] if later else [fulfilment, alone]))
    story.hear(scan("P1", "in_transit", "10:30"))
    assert states(story) == {"F1": ("in_transit", True)}
    assert held(story) == {"F1": {"a": 1}}


def test_what_the_shop_said_of_a_number_alone_is_said_of_its_fulfilment() -> None:
    story = Story(world(connections=[each for each in CONNECTIONS if each.name != "post"]))
    story.hear(by_number("shipment.shipped"), by_fulfilment("P1"))
    assert states(story) == {"F1": ("shipped", True)}


def test_what_was_told_of_a_number_alone_is_not_told_again_of_its_fulfilment() -> None:
    story = Story(world(SAY))
    assert told(story.react(by_number())) == []
    assert told(story.react(scan("P1", "in_transit", "09:30"))) == ["shipped", "shipped"]
    assert told(story.react(by_fulfilment("P1", before=by_number().parcels or ()))) == []
    assert told(story.react(scan("P1", "delivered", "10:30"))) == ["shipped"], "and what comes then is"


def test_a_number_alone_that_no_fulfilment_names_stays_a_parcel_of_its_own() -> None:
    story = Story()
    story.hear(by_fulfilment("P2", before=by_number().parcels or ()))
    assert ids(story) == ["F1", "number:P1"]


@pytest.mark.parametrize("numbers", [("P2", "P1"), ("P0", "P1"), ("P0", "P1", "P2")])
def test_a_parcel_stays_the_same_in_whatever_order_its_fulfilments_numbers_are_listed(numbers: tuple[str, ...]) -> None:
    story = Story(world(SAY))
    story.react(by_fulfilment(version="08:30"))
    story.react(by_fulfilment("P1", version="09:00"))
    assert told(story.react(scan("P1", "in_transit", "09:30"))) == ["shipped", "shipped"]
    assert told(story.react(by_fulfilment(*numbers))) == []
    assert ids(story) == ["F1" if number == "P1" else f"F1#{number}" for number in numbers]
    assert held(story)["F1"] == {"a": 1}, "and keeps what it holds"


def test_an_older_list_that_comes_late_gives_no_parcel_anothers_name() -> None:
    story = Story(world(SAY))
    story.react(by_fulfilment("P1", "P2", version="09:50"))
    assert told(story.react(scan("P1", "in_transit", "10:00"))) == ["shipped", "shipped"]
    assert told(story.react(by_fulfilment("P2", version="09:40"))) == []
    assert told(story.react(scan("P2", "in_transit", "10:05"))) == ["shipped", "shipped"], "which is its own news"
    assert ids(story) == ["F1", "F1#P2"]


def test_the_last_number_left_is_told_of_as_itself() -> None:
    story = Story(world(SAY))
    story.react(by_fulfilment("P1", "P2", version="09:00"))
    assert told(story.react(scan("P2", "in_transit", "09:30"))) == ["shipped", "shipped"]
    assert told(story.react(scan("P1", "delivered", "09:40"))) == ["shipped", "shipped"]
    assert told(story.react(by_fulfilment("P2"))) == []
    assert ids(story) == ["F1#P2"]
    assert told(story.react(scan("P2", "delivered", "10:30"))) == ["shipped"]


@pytest.mark.parametrize("ref", ["F2", "number:P1"])
def test_a_parcel_that_is_listed_anew_under_another_reference_is_not_told_again(ref: str) -> None:
    story = Story(world(SAY))
    story.react(by_fulfilment("P1", version="09:00"))
    assert told(story.react(scan("P1", "delivered", "09:30"))) == ["shipped", "shipped"]
    anew = order("10:00", "order.processing", parcels=(parcel(ref, "10:00", numbers=["P1"]),))
    assert told(story.react(anew)) == []
    assert ids(story) == ["F1"]


def test_a_redirected_parcel_that_the_shop_lists_by_its_new_number_is_the_same() -> None:
    story = Story(world(SAY))
    story.react(by_fulfilment("P1", version="09:00"))
    assert told(story.react(scan("P1", "in_transit", "09:30"))) == ["shipped", "shipped"]
    story.react(ParcelNews("P1", moment("09:40"), next=Number("P2"), relation=Relation.CONTINUES))
    for numbers in (("P2",), ("P1", "P2"), ("P2", "P1")):
        assert told(story.react(by_fulfilment(*numbers, version=f"1{len(numbers)}:00"))) == []
        assert [(each.id, sorted(each.numbers)) for each in story.view.shipments] == [("shop:1/F1", ["P1", "P2"])]
    assert told(story.react(scan("P2", "delivered", "13:00"))) == ["shipped"]


def test_a_document_of_before_this_was_kept_keeps_the_names_it_had() -> None:
    story = Story()
    story.hear(by_fulfilment("P1", version="09:00"))
    story.doc = replace(story.doc, ids={})
    story.hear(by_fulfilment("P0", "P1"))
    assert ids(story) == ["F1#P0", "F1"]


def test_fulfilments_in_a_ring_of_replacements_do_not_all_vanish() -> None:
    story = Story()
    ring = tuple(parcel(ref, "09:00", replaces=of) for ref, of in (("1", "3"), ("2", "1"), ("3", "2")))
    story.hear(order("09:00", "order.processing", parcels=ring))
    assert [each.id for each in story.view.live] == ["shop:1/3"]
    story.hear(order("10:00", parcels=(parcel("1", "10:00", numbers=["P1"]), parcel("2", "10:00", numbers=["P2"]))))
    for number, other in (("P1", "P2"), ("P2", "P1")):
        story.hear(ParcelNews(number, moment("11:00"), next=Number(other), relation=Relation.REPLACES))
    assert [sorted(each.numbers) for each in story.view.live] == [["P2"]]


def test_what_a_mistyped_number_said_of_the_warehouse_goes_with_it() -> None:
    story = Story(world(statuses={"post": {"boxed": Meaning(Order.PACKED, "")}}))
    story.hear(order("09:00", "order.processing", parcels=(parcel("1", "09:00", numbers=["P1"]),)))
    story.hear(scan("P1", "boxed", "09:30"))
    assert str(story.view.order.state) == "packed"
    story.hear(order("10:00", "order.processing", parcels=(parcel("1", "10:00", numbers=["P2"]),)))
    assert str(story.view.order.state) == "processing", "that was another parcel"
    story.hear(scan("P2", "boxed", "10:30"))
    assert str(story.view.order.state) == "packed"


def test_one_number_on_two_orders_speaks_to_both() -> None:
    stories = [Story(), Story()]
    for story in stories:
        story.hear(order("09:00", parcels=(parcel("1", "09:00", numbers=["P1"]),)))
        story.hear(scan("P1", "delivered", "10:00"))
    assert [story.status() for story in stories] == ["delivered", "delivered"]


def test_the_shops_word_for_the_carrier_comes_before_the_numbers_own_form() -> None:
    them = (*CONNECTIONS, connection("other-post", _OtherPost))
    story = Story(world(connections=them))
    story.hear(order("09:00", parcels=(parcel("1", "09:00", numbers=[Number("P1", "Other Post"), Number("P2", "?")]),)))
    assert [each.legs[0].carrier for each in story.view.shipments] == ["other-post", "post"]


class _OtherPost(ThePost):
    name, label = "other", "Other Post"


# ------------------------------------------------------------------------------------------------ returns


def returning(*natives: str, numbers: tuple[str, ...] = ("P9",), version: str = "09:00") -> ReturnSnapshot:
    return ReturnSnapshot("r1", moment(version), tuple(map(native, natives)), numbers=tuple(map(Number, numbers)))


@pytest.mark.parametrize(
    ("scans", "state"),
    [
        ([], "approved"),
        (["announced"], "approved"),
        (["cancelled"], "approved"),
        (["problem"], "approved"),
        (["shipped"], "returning"),
        (["in_transit", "ready_for_pickup"], "returning"),
        (["in_transit", "delivered"], "returned"),
    ],
)
def test_a_customers_return_parcel_moves_its_case_and_no_outbound_parcel(scans: list[str], state: str) -> None:
    story = Story()
    story.hear(
        order("09:00", returns=(returning("return.approved"),), parcels=(parcel("1", "09:00", "shipment.delivered"),))
    )
    for hour, code in enumerate(scans, 10):
        story.hear(scan("P9", code, f"{hour}:00"))
    assert story.status(Axis.RETURN, "r:r1") == state
    assert [each.id for each in story.view.shipments] == ["shop:1/1"]


def back(ref: str, *natives: str, numbers: tuple[str, ...] = (), version: str = "09:00") -> ParcelSnapshot:
    """A customer's return parcel, as a platform tells of it."""
    return parcel(ref, version, *natives, numbers=numbers, direction=Direction.BACK)


def cases(story: Story) -> dict[str, str | None]:
    return {
        case.id.removeprefix("shop:1/r:"): str(case.folded.state) if case.folded.state else None
        for case in story.view.returns
    }


def test_a_return_parcel_moves_the_case_it_shares_a_number_with() -> None:
    story = Story()
    both = (replace(returning("return.approved"), ref="r0", numbers=()), returning("return.approved"))
    story.hear(order("09:00", returns=both, parcels=(back("7", numbers=("P9", "P8")),)))
    story.hear(scan("P8", "in_transit", "10:00"))
    assert cases(story) == {"r0": "approved", "r1": "returning"}
    story.hear(scan("P8", "delivered", "11:00"))
    assert cases(story) == {"r0": "approved", "r1": "returned"}
    assert story.view.shipments == ()
    assert [leg.number.number for leg in story.view.legs] == ["P9", "P8"]


def test_a_return_parcel_without_a_shared_number_belongs_to_the_first_case_that_has_none() -> None:
    story = Story()
    open_cases = tuple(replace(returning("return.approved", numbers=()), ref=ref) for ref in ("r1", "r2"))
    story.hear(order("09:00", returns=open_cases, parcels=(back("7", numbers=("P7",)), back("8", numbers=("P8",)))))
    story.hear(scan("P8", "in_transit", "10:00"))
    assert cases(story) == {"r1": "approved", "r2": "returning"}
    later = (*open_cases, replace(returning("return.requested", numbers=()), ref="r3"))
    story.hear(order("11:00", returns=later))
    assert cases(story) == {"r1": "approved", "r2": "returning", "r3": "requested"}, "a later case takes nothing away"


@pytest.mark.parametrize(
    ("natives", "state"),
    [
        ((), None),
        (("shipment.announced",), None),
        (("shipment.shipped",), "returning"),
        (("shipment.delivered",), "returned"),
    ],
)
def test_the_shop_speaks_for_a_return_parcel_that_nobody_follows(natives: tuple[str, ...], state: str | None) -> None:
    story = Story()
    story.hear(order("09:00", parcels=(back("7", *natives, numbers=("elsewhere",)),)))
    assert cases(story) == {"parcel:7": state}


def test_the_carrier_alone_moves_a_return_parcel_that_it_follows() -> None:
    story = Story()
    story.hear(order("09:00", parcels=(back("7", "shipment.delivered", numbers=("P7",)),)))
    assert cases(story) == {"parcel:7": None}
    story.hear(scan("P7", "in_transit", "10:00"))
    assert cases(story) == {"parcel:7": "returning"}


def test_two_return_parcels_with_one_number_are_one_return() -> None:
    story = Story()
    story.hear(order("09:00", returns=(returning("return.approved", numbers=()),),
                     parcels=(back("7", numbers=("P9",)), back("8", numbers=("P9",)))))  # fmt: skip
    story.hear(scan("P9", "delivered", "10:00"))
    assert cases(story) == {"r1": "returned"}


def test_a_return_parcel_that_is_sent_on_is_followed_and_one_that_goes_back_to_the_customer_is_not() -> None:
    story = Story()
    story.hear(order("09:00", parcels=(back("7", numbers=("P7",)),)))
    story.hear(scan("P7", "in_transit", "10:00"))
    story.hear(ParcelNews("P7", moment("11:00"), next=Number("P8"), relation=Relation.CONTINUES))
    story.hear(ParcelNews("P8", moment("12:00"), next=Number("P9"), relation=Relation.BACK))
    story.hear(scan("P9", "delivered", "13:00"))
    assert cases(story) == {"parcel:7": "returning"}
    assert [leg.number.number for leg in story.view.legs] == ["P7", "P8"]


# ------------------------------------------------------------------------------------------------ amounts


def money(version: str, word: str, refunded: str | None) -> OrderSnapshot:
    """Of 100 that were paid, so much went back."""
    amounts: dict[str, Any] = (
        {} if refunded is None else {"total": uah("100"), "paid": uah("100"), "refunded": uah(refunded)}
    )
    return order(version, "order.processing", f"payment.{word}", **amounts)


PAID, PART, ALL = money("09:00", "paid", "0"), money("09:30", "refunded", "40"), money("10:00", "refunded", "100")


def test_amounts_outrank_words_and_what_they_say_is_what_starts_flows() -> None:
    story = Story()
    assert story.words(PAID) == ["order.received", "order.processing", "payment.paid"]
    assert story.words(PART) == ["payment.partly_refunded"]
    assert not story.view.payment.reached(Payment.REFUNDED), "nothing waits for that in vain, or stops for it too early"
    assert story.words(ALL) == ["payment.refunded"]
    assert [str(line.after) for line in story.view.payment.lines] == ["paid", "partly_refunded", "refunded"]


@pytest.mark.parametrize("records", list(permutations([PAID, PART, money("09:40", "refunded", "40"), ALL])))
def test_amounts_belong_to_the_words_they_came_with(records: tuple[OrderSnapshot, ...]) -> None:
    story = Story()
    story.hear(*records, at="12:00")
    assert [str(line.after) for line in story.view.payment.moves] == ["paid", "partly_refunded", "refunded"]


def test_a_word_without_amounts_is_read_by_the_last_that_are_known() -> None:
    event = StatusEvent(RefKind.ORDER, "1", "1", native("payment.refunded"), moment("09:45"))
    story = Story()
    assert story.words(PAID, PART, event, at="11:00")[-1] == "payment.partly_refunded"
    story.hear(money("10:30", "refunded", None))
    assert str(story.view.payment.state) == "partly_refunded"


# ------------------------------------------------------------------------------------------------ cash, deadlines


def cod(*parcels: Any, **more: Any) -> Story:
    story = Story()
    given: dict[str, Any] = {"lines": TWO, "pay_by": PayBy.COD, "total": uah("100"), "parcels": parcels}
    story.hear(order("09:00", "payment.cash_on_delivery", **{**given, **more}))
    return story


def due(story: Story, ref: str = "1") -> str | None:
    money = cash_due(story.parcel(ref), story.view)
    return str(money.amount) if money else None


def test_cash_is_due_as_carrier_shop_and_total_say_in_this_order() -> None:
    story = cod(parcel("1", "09:00", numbers=["P1"]))
    assert due(story) == "100", "the only parcel carries the whole"
    story.hear(
        order(
            "10:00",
            "payment.cash_on_delivery",
            lines=TWO,
            parcels=(parcel("1", "10:00", numbers=["P1"], cod=uah("90")),),
        )
    )
    assert due(story) == "90"
    story.hear(ParcelNews("P1", moment("11:00"), cod=Cod(uah("95"))))
    assert due(story) == "95"


def test_no_cash_is_claimed_where_nobody_said_how_it_is_split() -> None:
    story = cod(parcel("1", "09:00", contents=pairs(a=2)), parcel("2", "09:00", contents=pairs(b=1)))
    assert due(story) is None
    rest = cod(parcel("1", "09:00", contents=pairs(a=2)))
    assert due(rest) is None, "another parcel is to come"


def test_no_cash_is_due_once_it_is_paid() -> None:
    story = cod(parcel("1", "09:00", numbers=["P1"], cod=uah("90")))
    assert due(story) == "90"
    story.hear(scan("P1", "delivered", "12:00"))
    assert due(story) is None
    assert str(story.view.effective_payment) == "paid"
    prepaid = Story()
    prepaid.hear(order("09:00", "payment.paid", parcels=(parcel("1", "09:00", cod=uah("90")),)))
    assert due(prepaid) is None


def waiting(story: Story | None = None, kind: PointKind | None = PointKind.LOCKER, **news: Any) -> Story:
    """A parcel that can be collected since 10:00."""
    story = story or Story()
    story.hear(order("09:00", parcels=(parcel("1", "09:00", numbers=["P1"]),)))
    point = PickupPoint("7", kind, "Point 7") if kind else None
    story.hear(scan("P1", "ready_for_pickup", "10:00"), ParcelNews("P1", moment("10:00"), point=point, **news))
    return story


def with_storage(**lengths: timedelta) -> Story:
    them = [replace(each, storage=lengths) if each.name == "post" else each for each in CONNECTIONS]
    return Story(world(connections=them))


class _InPost(ThePost):
    name, label = "inpost", "InPost"


def at_inpost() -> Story:
    return Story(
        world(connections=[*(each for each in CONNECTIONS if each.name != "post"), connection("post", _InPost)])
    )


DAY = timedelta(days=1)
TOLD = Deadline(moment("+5 18:00"), DeadlineKind.FEE_FROM)


@pytest.mark.parametrize(
    ("story", "deadline"),
    [
        pytest.param(waiting(with_storage(locker=DAY), deadline=TOLD), TOLD, id="told wins"),
        pytest.param(
            waiting(with_storage(locker=3 * DAY)),
            Deadline(moment("+3 10:00"), DeadlineKind.GOES_BACK, DeadlineBasis.ESTIMATED),
            id="the merchant's setting",
        ),
        pytest.param(
            waiting(at_inpost()),
            Deadline(moment("+2 10:00"), DeadlineKind.GOES_BACK, DeadlineBasis.ESTIMATED),
            id="the shipped rule",
        ),
        pytest.param(waiting(with_storage(branch=DAY)), None, id="not for this kind of point"),
        pytest.param(waiting(), None, id="no rule"),
        pytest.param(waiting(with_storage(locker=DAY), kind=None), None, id="no point"),
    ],
)
def test_until_when_a_parcel_waits(story: Story, deadline: Deadline | None) -> None:
    assert deadline_of(story.parcel(), story.world) == deadline


class _PocztaPolska(ThePost):
    name, label = "poczta_polska", "Poczta Polska"


@pytest.mark.parametrize(
    ("storage", "deadline"), [({}, "+14 10:00"), ({"post_office": timedelta(days=20)}, "+20 10:00")]
)
def test_where_the_first_notice_starts_the_clock_a_second_does_not_start_it_again(
    storage: dict[str, timedelta], deadline: str
) -> None:
    them = [each for each in CONNECTIONS if each.name != "post"]
    story = Story(world(connections=[*them, connection("post", _PocztaPolska, storage=storage)]))
    waiting(story, PointKind.POST_OFFICE)
    story.hear(scan("P1", "out_for_delivery", "+3 10:00"), scan("P1", "ready_for_pickup", "+3 16:00"), at="+3 17:00")
    found = deadline_of(story.parcel(), story.world)
    assert found is not None and found.at == moment(deadline)


def test_a_locker_counts_from_when_the_parcel_is_there_again() -> None:
    story = waiting(with_storage(locker=DAY))
    story.hear(scan("P1", "out_for_delivery", "+3 10:00"), scan("P1", "ready_for_pickup", "+3 16:00"), at="+3 17:00")
    found = deadline_of(story.parcel(), story.world)
    assert found is not None and found.at == moment("+4 16:00")


def test_a_parcel_that_has_not_arrived_has_no_deadline_of_ours() -> None:
    story = with_storage(locker=DAY)
    story.hear(order("09:00", parcels=(parcel("1", "09:00", numbers=["P1"]),)))
    story.hear(
        scan("P1", "in_transit", "10:00"),
        ParcelNews("P1", moment("10:00"), point=PickupPoint("7", PointKind.LOCKER, "7")),
    )
    assert deadline_of(story.parcel(), story.world) is None


def test_an_extended_deadline_replaces_the_first() -> None:
    story = waiting(deadline=TOLD)
    later = replace(TOLD, at=moment("+8 18:00"))
    story.hear(ParcelNews("P1", moment("12:00"), deadline=later))
    assert deadline_of(story.parcel(), story.world) == later


# ------------------------------------------------------------------------------------------------ pickup in the shop


def at_the_counter(*natives: str, story: Story | None = None) -> Story:
    story = story or Story()
    parcels = (parcel("1", "09:00", *natives, kind=ParcelKind.PICKUP),)
    story.hear(order("09:00", "order.processing", deliver_by=DeliverBy.PICKUP, parcels=parcels))
    return story


def test_what_waits_at_the_shops_counter_waits_a_week() -> None:
    story = at_the_counter("shipment.ready_for_pickup")
    assert str(story.view.headline.value) == "ready_for_pickup"
    deadline = deadline_of(story.parcel(), story.world)
    assert deadline is not None and deadline.at == moment("+7 09:00")


def test_how_long_things_wait_at_the_shops_counter_is_a_setting_of_the_shop() -> None:
    them = [replace(each, storage={"shop": 3 * DAY}) if each.name == "shop" else each for each in CONNECTIONS]
    story = at_the_counter("shipment.ready_for_pickup", story=Story(world(connections=them)))
    deadline = deadline_of(story.parcel(), story.world)
    assert deadline is not None and deadline.at == moment("+3 09:00")


def test_a_completed_order_was_handed_over_at_the_counter() -> None:
    story = at_the_counter("shipment.ready_for_pickup")
    view = story.hear(order("10:00", "order.completed", deliver_by=DeliverBy.PICKUP))
    assert view.delivered and str(view.headline.value) == "delivered"


# ------------------------------------------------------------------------------------------------ codes


def test_an_unknown_code_keeps_the_last_state_and_is_quarantined() -> None:
    story = Story()
    story.hear(order("09:00", parcels=(parcel("1", "09:00", numbers=["P1"]),)))
    story.hear(scan("P1", "in_transit", "10:00"), scan("P1", "no-such-code", "11:00"))
    assert story.status() == "in_transit"
    assert [line.verdict.value for line in story.parcel().folded.lines] == ["move", "quarantine"]


def test_the_merchants_table_is_asked_before_the_plugins() -> None:
    story = Story(world(statuses={"post": {"in_transit": Meaning(Shipment.PROBLEM, ""), "no-*": Meaning(None, "")}}))
    story.hear(order("09:00", parcels=(parcel("1", "09:00", numbers=["P1"]),)))
    story.hear(scan("P1", "no-such-code", "09:30"), scan("P1", "in_transit", "10:00"))
    assert [line.verdict.value for line in story.parcel().folded.lines] == ["nothing", "move"]
    assert story.status() == "problem"


def test_a_carriers_word_of_the_warehouse_is_a_word_of_the_order() -> None:
    story = Story(world(statuses={"post": {"boxed": Meaning(Order.PACKED, "")}}))
    story.hear(order("09:00", "order.processing", parcels=(parcel("1", "09:00", numbers=["P1"]),)))
    story.hear(scan("P1", "boxed", "10:00"))
    assert str(story.view.order.state) == "packed"
    assert story.view.order.fact is not None and story.view.order.fact.level is Level.CARRIER
