"""What staff are told of an order's news, once for each thing, and what stands of it on the timeline."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hub.messages import Rendering, Texts
from hub.model import Deadline, DeadlineBasis, DeadlineKind, ParcelNews, RefKind, Retraction, StatusEvent
from hub.plugin import Form
from hub.status import Meaning, Mode, Order, Precision, Reason, Shipment
from hub.store.database import Database
from hub.store.tables import messages, orders, timeline

from .fakes import KYIV, Desk, moment, native, notify, order, parcel, scan, world

PROBLEM = Meaning(Shipment.PROBLEM, "")
GONE = Meaning(Shipment.PROBLEM, "", Reason.LOST)
CODES = {"post": {"hm": PROBLEM, "gone": GONE, "gone-there": Meaning(Shipment.IN_TRANSIT, "", Reason.LOST)}}
SENT = order("09:00", "order.processing", parcels=(parcel("1", "09:00", numbers=["P1"]),))
Flows = Mapping[str, Mapping[str, Any]]


@pytest.fixture
def at_desk(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    db = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    yield lambda flows=None, **more: Desk(db, world(flows, **more))
    db.close()


@pytest.fixture
def desk(at_desk: Callable[..., Desk]) -> Desk:
    return at_desk(statuses=CODES)


def told(desk: Desk) -> list[tuple[str, str]]:
    """(kind, subject) of the notices to staff."""
    rows = desk.rows(messages, messages.c.template == "staff-notice", messages.c.recipient == "staff:iryna")
    return [(row.doc["extra"]["notice"]["kind"], row.subject.removeprefix("shop:1")) for row in rows]


# ------------------------------------------------------------------------------------------------ reasons


async def test_a_lost_parcel_is_always_told_to_staff(desk: Desk) -> None:
    await desk.hear(SENT, at="10:00")
    await desk.hear(scan("P1", "gone", "10:05"), at="10:06")
    await desk.hear(scan("P1", "gone", "11:05"), at="11:06")
    assert told(desk) == [("trouble", "/1")], "and once"


@pytest.mark.parametrize(
    ("before", "code"),
    [
        pytest.param("hm", "gone", id="the status stays"),
        pytest.param("delivered", "gone-there", id="a stale word"),
    ],
)
async def test_also_when_the_reason_is_learnt_by_a_word_that_moves_nothing(desk: Desk, before: str, code: str) -> None:
    await desk.hear(SENT, at="10:00")
    await desk.hear(scan("P1", before, "10:05"), at="10:06")
    await desk.hear(scan("P1", code, "10:30"), at="10:31")
    assert told(desk) == [("trouble", "/1")]


async def test_also_when_a_lesser_witness_says_it(at_desk: Callable[..., Desk]) -> None:
    desk = at_desk(statuses={"shop": {"lost": GONE}})
    await desk.hear(SENT, at="10:00")
    await desk.hear(scan("P1", "in_transit", "10:05"), at="10:06")
    await desk.hear(order("11:00", "order.processing", parcels=(parcel("1", "11:00", "lost", numbers=["P1"]),)))
    assert told(desk) == [("trouble", "/1")]


CALLS: Flows = {
    "lost": {"on": "shipment.problem", "steps": [{"escalate": {"to": "support", "reason": "Lost"}}]},
}


async def test_what_a_flow_calls_a_person_about_is_not_told_a_second_time(at_desk: Callable[..., Desk]) -> None:
    """Nor when the carrier says it again."""
    desk = at_desk(CALLS, statuses=CODES)
    await desk.hear(SENT, at="10:00")
    await desk.hear(scan("P1", "gone", "10:05"), at="10:06")
    await desk.hear(scan("P1", "gone", "11:05"), at="11:06")
    assert told(desk) == []


async def test_what_an_import_brings_is_told_to_nobody(desk: Desk) -> None:
    await desk.hear(SENT, at="10:00", mode=Mode.IMPORT)
    await desk.hear(scan("P1", "gone", "09:30"), at="10:01", mode=Mode.IMPORT)
    assert (desk.rows(orders)[0].headline, told(desk)) == ("problem", [])
    await desk.hear(scan("P1", "gone", "11:00"), at="11:01")
    assert told(desk) == [("trouble", "/1")], "but what is said after it is"


# ------------------------------------------------------------------------------------------------ taken back


def event(word: str, at: str, key: str) -> StatusEvent:
    return StatusEvent(RefKind.PARCEL, "1", "1", native(word), moment(at), event_id=key)


def back(key: str, at: str) -> Retraction:
    return Retraction("1", key, moment(at))


PACKED = order("09:00", "order.processing", parcels=(parcel("1", "09:00", "shipment.shipped"),))


async def test_a_step_back_is_told_to_staff_and_stands_on_the_timeline(desk: Desk) -> None:
    await desk.hear(PACKED, at="10:00")
    await desk.hear(event("shipment.delivered", "10:00", "d"), at="10:01")
    known = len(desk.rows(timeline))
    await desk.hear(back("d", "10:30"), at="10:31")
    (line,) = desk.rows(timeline)[known:]
    words = {name: line.doc[name] for name in ("axis", "native", "source", "verdict", "before", "after")}
    assert (line.kind, line.subject, line.at, line.event_id) == ("status", "shop:1/1", moment("10:30"), 3)
    assert words == {
        "axis": "shipment", "native": "shop:shipment.delivered", "source": "shop", "verdict": "retracted",
        "before": "delivered", "after": "shipped",
    }  # fmt: skip
    assert told(desk) == [("retracted", "/1")]


async def test_what_is_taken_back_before_it_counted_is_no_step_back(desk: Desk) -> None:
    await desk.hear(PACKED, at="10:00")
    await desk.hear(event("shipment.delivered", "10:00", "d"), back("d", "10:30"), at="10:31")
    assert [row.doc["verdict"] for row in desk.rows(timeline) if "delivered" in row.doc["native"]] == ["retracted"]
    assert told(desk) == []


async def test_what_changes_no_status_is_on_the_timeline_alone(desk: Desk) -> None:
    await desk.hear(PACKED, at="10:00")
    await desk.hear(event("shipment.in_transit", "10:00", "t"), event("shipment.delivered", "10:10", "d"), at="10:11")
    await desk.hear(back("t", "10:30"), at="10:31")
    assert desk.rows(timeline)[-1].doc["native"] == "shop:shipment.in_transit"
    assert told(desk) == []


THANKS: Flows = {"thanks": {"on": "order.delivered", "steps": [notify("delivered", via=["mail"])]}}


async def test_a_step_back_never_tells_the_customer_that_all_was_delivered(at_desk: Callable[..., Desk]) -> None:
    desk = at_desk(THANKS)
    await desk.hear(PACKED, at="10:00")
    await desk.hear(event("shipment.delivered", "10:00", "d"), event("shipment.problem", "10:20", "p"), at="10:21")
    assert desk.rows(orders)[0].headline == "problem"
    await desk.hear(back("p", "10:30"), at="10:31")
    await desk.wait(minutes=5)
    assert (desk.rows(orders)[0].headline, desk.messages()) == ("delivered", [])


async def test_what_is_truly_delivered_in_the_same_moment_is_said(at_desk: Callable[..., Desk]) -> None:
    desk = at_desk(THANKS)
    both = (parcel("1", "09:00", "shipment.shipped"), parcel("2", "09:00", numbers=["P2"], contents=()))
    await desk.hear(order("09:00", "order.processing", parcels=both), scan("P2", "in_transit", "09:30"), at="10:00")
    await desk.hear(event("shipment.delivered", "10:00", "d"), event("shipment.problem", "10:20", "p"), at="10:21")
    await desk.hear(back("p", "10:30"), scan("P2", "delivered", "10:31"), at="10:32")
    await desk.wait(minutes=5)
    assert [template for template, *_ in desk.messages()] == ["delivered"]


# ------------------------------------------------------------------------------------------------ cancelled, moving


def cancelled(at: str) -> Any:
    return order(at, "order.cancelled", parcels=(parcel("1", "09:00", numbers=["P1"]),))


async def test_a_parcel_that_travels_on_though_its_order_is_cancelled_is_told(desk: Desk) -> None:
    await desk.hear(SENT, at="10:00")
    await desk.hear(scan("P1", "in_transit", "10:05"), at="10:06")
    assert told(desk) == []
    await desk.hear(cancelled("11:00"), at="11:01")
    assert told(desk) == [("moving", "/1")]
    await desk.hear(scan("P1", "out_for_delivery", "12:00"), cancelled("12:10"), at="12:11")
    assert told(desk) == [("moving", "/1")], "once"


async def test_so_is_one_that_sets_off_after_that(desk: Desk) -> None:
    await desk.hear(SENT, at="10:00")
    await desk.hear(cancelled("11:00"), at="11:01")
    assert told(desk) == []
    await desk.hear(scan("P1", "in_transit", "11:05"), at="11:06")
    assert told(desk) == [("moving", "/1")]


@pytest.mark.parametrize("code", ["announced", "cancelled", "delivered", "returning"])
async def test_one_that_does_not_travel_to_the_customer_is_not(desk: Desk, code: str) -> None:
    await desk.hear(SENT, at="10:00")
    await desk.hear(scan("P1", code, "10:05"), at="10:06")
    await desk.hear(cancelled("11:00"), at="11:01")
    assert told(desk) == []


async def test_a_new_meaning_of_a_code_is_no_news_to_anybody(at_desk: Callable[..., Desk]) -> None:
    desk = at_desk()
    await desk.hear(SENT, at="10:00")
    await desk.hear(scan("P1", "in_transit", "10:05"), at="10:06")
    await desk.hear(order("11:00", "void", parcels=(parcel("1", "09:00", numbers=["P1"]),)), at="11:01")
    desk.go_live(world(statuses={"shop": {"void": Meaning(Order.CANCELLED, "")}}))
    await desk.settle()
    assert (desk.rows(orders)[0].headline, told(desk)) == ("cancelled", [])


# ------------------------------------------------------------------------------------------------ marks of a line


def marks(desk: Desk, name: str) -> list[Any]:
    """(value, this mark) of the lines of the parcel's axis."""
    lines = [row.doc for row in desk.rows(timeline, timeline.c.kind == "status") if row.doc["axis"] == "shipment"]
    return [(doc["value"], doc[name]) for doc in lines]


async def test_a_move_that_is_too_old_to_be_told_is_marked_though_no_flow_listens(desk: Desk) -> None:
    await desk.hear(SENT, at="10:00")
    await desk.hear(scan("P1", "shipped", "10:05"), at="+1 10:04")
    await desk.hear(scan("P1", "in_transit", "10:06"), scan("P1", "shipped", "10:07"), at="+1 10:10")
    assert marks(desk, "old_news") == [("shipped", None), ("in_transit", True), ("shipped", None)]


async def test_what_waits_to_be_collected_is_news_until_its_deadline(desk: Desk) -> None:
    await desk.hear(SENT, at="10:00")
    until = Deadline(moment("+3 18:00"), DeadlineKind.GOES_BACK, DeadlineBasis.TOLD)
    await desk.hear(ParcelNews("P1", moment("10:00"), deadline=until), at="10:01")
    await desk.hear(scan("P1", "ready_for_pickup", "10:05"), at="+3 10:00")
    assert marks(desk, "old_news") == [("ready_for_pickup", None)]


async def test_how_exactly_a_time_is_known_stands_beside_it(desk: Desk) -> None:
    await desk.hear(SENT, at="10:00")
    scans = [("shipped", Precision.SECOND), ("in_transit", Precision.DAY), ("out_for_delivery", Precision.SEEN)]
    await desk.hear(*(scan("P1", code, "10:05", precision=precision) for code, precision in scans), at="10:10")
    assert sorted(marks(desk, "precision")) == [("in_transit", "day"), ("out_for_delivery", "seen"), ("shipped", None)]


# ------------------------------------------------------------------------------------------------ what it says

SAYS = {
    "retracted": {"en": "taken back", "uk": "відкликає", "pl": "wycofuje", "ru": "отзывает"},
    "moving": {"en": "was not stopped", "uk": "не зупинено", "pl": "nie zatrzymano", "ru": "не остановлена"},
}


@pytest.mark.parametrize("form", [Form.CHAT, Form.MAIL])
@pytest.mark.parametrize(("kind", "locale"), [(kind, locale) for kind, words in SAYS.items() for locale in words])
def test_it_is_said_in_each_language(kind: str, locale: str, form: Form) -> None:
    text = notice(form, locale, kind)
    assert SAYS[kind][locale] in text.text
    assert form is Form.CHAT or len(text.subject) > len("#1: ")


def notice(form: Form, locale: str, kind: str) -> Rendering:
    names = {"notice": {"kind": kind, "source": "post", "said": "Delivered"}, "order": {"number": "#1"}}
    return Texts.load(None)[0].render(
        "staff-notice", form=form, locale=locale, names=names, zone=KYIV, link=lambda purpose: None
    )
