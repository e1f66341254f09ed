"""What changed without a status, what lasts, and what is later than was told: over a real database."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from hub.config.model import Contact
from hub.model import Address, Line, ParcelNews, PickupPoint, PointKind, Window
from hub.pipeline import rewatch
from hub.pipeline.around import Capacity, Outbox, read_around
from hub.pipeline.batch import REWATCH, Wanted
from hub.pipeline.gather import claims_of
from hub.pipeline.leaving import Leaving
from hub.pipeline.loading import load_orders
from hub.pipeline.names import names_of
from hub.pipeline.news import report
from hub.pipeline.occasions import Occasion
from hub.pipeline.presses import press
from hub.pipeline.react import run_key
from hub.pipeline.stays import micros
from hub.status import Mode
from hub.store.database import Database, upsert
from hub.store.tables import connections, escalations, inbox, messages, runs, timeline, timers

from .fakes import CONTACT, ORDER, Desk, Story, moment, native, notify, order, parcel, scan, world

KYIV_STREET = Address(name="Olena", street="Khreshchatyk 1", city="Kyiv", country="UA")


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def hearing(on: Any, reason: str = "{{ event.name }}", **more: Any) -> dict[str, Any]:
    return {"on": on, "steps": [{"escalate": {"to": "support", "reason": reason, "id": "look"}}], **more}


def stalled(what: str, length: str, **more: Any) -> dict[str, Any]:
    return hearing({"stalled": what, "for": length}, **more)


def ran(it: Desk) -> list[tuple[str, str]]:
    return [(row.flow, row.subject.removeprefix("shop:1")) for row in it.rows(runs)]


async def later(it: Desk, **length: float) -> None:
    """Let time pass, half an hour at a step."""
    end = it.clock.now() + timedelta(**length)
    while it.clock.now() < end:
        it.clock.move_to(min(it.clock.now() + timedelta(minutes=30), end))
        await it.settle()


def pending(it: Desk, kind: str) -> list[Any]:
    return list(it.rows(timers, timers.c.kind == kind, timers.c.state == 0))


def news(number: str, at: str, **more: Any) -> ParcelNews:
    return ParcelNews(number, moment(at), **more)


def eta(day: str) -> Window:
    return Window(moment(f"{day} 00:00"), moment(f"{day} 18:00"))


# ------------------------------------------------------------------------------------------------ changes

CHANGED = {"order": hearing("order.changed")}


def changed(it: Desk) -> list[list[str]]:
    return [row.doc["event"]["changed"] for row in it.rows(runs)]


async def test_a_corrected_address_is_a_change_and_says_which(db: Database) -> None:
    it = Desk(db, world(CHANGED))
    await it.hear(order("10:00", "order.packed", address=KYIV_STREET), at="10:00")
    await it.hear(order("10:05", "order.packed", address=replace(KYIV_STREET, street="Khreshchatyk 22")), at="10:05")
    await it.hear(order("10:10", "order.packed", address=replace(KYIV_STREET, street="khreshchatyk  22")), at="10:10")
    assert changed(it) == [["address"]], "another spelling is no change"


async def test_other_items_are_a_change_each_time(db: Database) -> None:
    it = Desk(db, world({"order": {"on": "order.changed", "steps": [{"stop": "seen"}]}}))
    for minute, count in enumerate((1, 2, 1, 2)):
        lines = (Line("a", "Coffee", Decimal(count)),)
        await it.hear(order(f"10:0{minute}", "order.packed", lines=lines), at=f"10:0{minute}")
    assert len(it.rows(runs)) == 3


@pytest.mark.parametrize(
    ("second", "mode"),
    [
        pytest.param(order("10:05", "order.packed", address=KYIV_STREET), Mode.LIVE, id="known for the first time"),
        pytest.param(order("10:05", "order.packed", note="please"), Mode.LIVE, id="nothing that counts"),
        pytest.param(
            order("10:05", "order.completed", lines=(Line("a", "Coffee", Decimal(2)),)), Mode.LIVE, id="a status moved"
        ),
        pytest.param(
            order("10:05", "order.packed", lines=(Line("a", "Coffee", Decimal(2)),)), Mode.IMPORT, id="an import"
        ),
    ],
)
async def test_what_is_no_change(db: Database, second: Any, mode: Mode) -> None:
    it = Desk(db, world(CHANGED))
    await it.hear(order("10:00", "order.packed"), at="10:00")
    await it.hear(second, mode=mode, at="10:05")
    assert it.rows(runs) == []


async def test_what_an_import_corrects_is_no_news_because_something_else_happened_with_it(db: Database) -> None:
    flows = {"f": hearing("order.changed"), "asked": hearing("customer.asked")}
    it = Desk(db, world(flows))
    await it.hear(order("10:00", "order.packed", address=KYIV_STREET), at="10:00")
    settle, it.settle = it.settle, _nothing  # type: ignore[method-assign]
    other = replace(KYIV_STREET, street="Khreshchatyk 2")
    await it.hear(order("10:05", "order.packed", address=other), at="10:06", mode=Mode.IMPORT)
    it.settle = settle  # type: ignore[method-assign]
    now, about = it.clock.now(), dict[str, Any](home=ORDER, kind="question", subject="q1", occurrence=1)
    it.db.run(lambda each: report(each, it.db.dialect, it.world, word="customer.asked", at=now, now=now, **about))
    await it.settle()
    assert [row.flow for row in it.rows(runs)] == ["asked"]


async def _nothing() -> None:
    """Instead of everything that can happen at a moment."""


async def test_another_pickup_point_and_date_of_a_parcel(db: Database) -> None:
    it = Desk(db, world({"parcel": hearing("shipment.changed")}))
    branch, locker = (PickupPoint(ref, PointKind.BRANCH, f"No. {ref}") for ref in ("1", "2"))
    await it.hear(order("10:00", "order.packed", parcels=(parcel("1", "10:00", numbers=["P1"]),)), at="10:00")
    await it.hear(scan("P1", "in_transit", "10:10"), news("P1", "10:10", eta=eta("+1"), point=branch), at="10:10")
    assert it.rows(runs) == [], "a first word is no change"
    await it.hear(news("P1", "10:20", eta=eta("+1"), point=locker), at="10:20")
    await it.hear(news("P1", "10:30", eta=eta("+2")), at="10:30")
    assert changed(it) == [["pickup_point"], ["eta"]]


@pytest.mark.parametrize(("corrected", "said"), [("10:02", []), ("+2 10:02", [["tracking_number"]])])
async def test_a_corrected_number_is_a_change_where_its_status_is_no_news(
    db: Database, corrected: str, said: list[list[str]]
) -> None:
    def sent(version: str, *numbers: str) -> Any:
        box = parcel("1", version, "shipment.shipped", numbers=numbers)
        return order(version, "order.packed", parcels=(box,))

    it = Desk(db, world({"parcel": hearing("shipment.changed")}))
    await it.hear(sent("10:00"), at="10:00")
    await it.hear(sent("10:01", "P1"), at="10:01")
    assert changed(it) == [], "a first number is no change"
    await it.hear(sent(corrected, "P2"), at=corrected)
    assert changed(it) == said


# ------------------------------------------------------------------------------------------------ stalled

PROCESSING = {"slow": stalled("order.processing", "2d")}


async def test_a_status_that_lasts_is_told_once(db: Database) -> None:
    it = Desk(db, world({"slow": stalled("order.processing", "2d", reason="{{ order.number }} {{ event.name }}")}))
    await it.hear(order("10:00", "order.processing"), at="10:00")
    await later(it, days=1, hours=23)
    assert ran(it) == []
    await later(it, hours=2)
    assert ran(it) == [("slow", "")]
    assert it.rows(escalations)[0].reason == "#1 stalled.order.processing"
    (row,) = it.rows(runs)
    assert row.doc["run"]["values"]["entered_at"] == {"$time": "2026-03-03T10:00:00+00:00"}
    await it.hear(order("+3 12:00", "order.processing"), at="+3 12:00")
    await later(it, hours=72)
    assert len(it.rows(runs)) == 1


async def test_working_time_leaves_the_weekend_out(db: Database) -> None:
    """From Friday 16:00 in Kyiv, two hours before the shop's nine to six end: the rest counts on Monday."""
    it = Desk(db, world({"slow": stalled("order.processing", "4h working")}))
    await it.hear(order("+3 14:00", "order.processing"), at="+3 14:00")
    assert [row.due_at for row in pending(it, "stalled")] == [moment("+6 09:00")]
    await later(it, hours=66)
    assert ran(it) == []
    await later(it, hours=2)
    assert ran(it) == [("slow", "")]


async def test_a_status_that_was_left_in_time_is_not(db: Database) -> None:
    it = Desk(db, world(PROCESSING))
    await it.hear(order("10:00", "order.processing"), at="10:00")
    assert len(pending(it, "stalled")) == 1
    await it.hear(order("+1 10:00", "order.packed"), at="+1 10:00")
    assert pending(it, "stalled") == []
    await later(it, hours=60)
    assert ran(it) == []


async def test_a_later_stay_is_another(db: Database) -> None:
    it = Desk(db, world({"held": stalled("order.on_hold", "2h")}))
    await it.hear(order("10:00", "order.on_hold"), at="10:00")
    await later(it, hours=3)
    await it.hear(order("14:00", "order.processing"), at="14:00")
    await it.hear(order("15:00", "order.on_hold"), at="15:00")
    await later(it, hours=3)
    assert len(ran(it)) == 2


async def test_a_refresh_does_not_start_the_clock_again(db: Database) -> None:
    it = Desk(db, world({"slow": stalled("payment.awaiting_payment", "3h")}))
    await it.hear(order("10:00", "payment.awaiting_payment"), at="10:00")
    await it.hear(order("12:00", "payment.awaiting_payment"), at="12:00")
    await later(it, minutes=65)
    assert ran(it) == [("slow", "")]


async def test_a_stay_that_began_in_an_import_counts_from_there(db: Database) -> None:
    it = Desk(db, world(PROCESSING))
    await it.hear(order("-9 10:00", "order.processing", placed="-9 09:00"), mode=Mode.IMPORT)
    await later(it, hours=47)
    assert ran(it) == []
    await later(it, hours=2)
    assert ran(it) == [("slow", "")]


async def test_a_parcel_of_which_nothing_is_heard(db: Database) -> None:
    it = Desk(db, world({"silent": stalled("shipment", "5d"), "transit": stalled("shipment.in_transit", "3d")}))
    await it.hear(order("10:00", "order.packed", parcels=(parcel("1", "10:00", numbers=["P1"]),)), at="10:00")
    await it.hear(scan("P1", "in_transit", "11:00"), at="11:00")
    await it.hear(scan("P1", "nobody-knows", "+2 11:00"), at="+2 11:00")
    await later(it, hours=25)
    assert ran(it) == [("transit", "/1")], "an unknown code leaves the status as it was"
    await later(it, hours=72)
    assert ("silent", "/1") not in ran(it), "but it is a word"
    await later(it, hours=24)
    assert ran(it) == [("transit", "/1"), ("silent", "/1")]


async def test_of_a_delivered_parcel_nothing_more_is_expected(db: Database) -> None:
    it = Desk(db, world({"silent": stalled("shipment", "1d")}))
    await it.hear(order("10:00", "order.packed", parcels=(parcel("1", "10:00", numbers=["P1"]),)), at="10:00")
    await it.hear(scan("P1", "delivered", "11:00"), at="11:00")
    await later(it, hours=30)
    assert ran(it) == [] and pending(it, "stalled") == []


async def test_a_condition_is_asked_when_the_clock_rings(db: Database) -> None:
    slow = stalled("order.processing", "2h", when="order.total >= 500")
    it = Desk(db, world({"slow": slow}))
    await it.hear(order("10:00", "order.processing"), at="10:00")
    await later(it, hours=3)
    assert ran(it) == []
    assert "not met" in it.rows(timeline, timeline.c.kind == "run")[-1].doc["result"]


async def test_no_flow_pays_for_the_clocks_of_others(db: Database) -> None:
    it = Desk(db, world({f"f{n}": stalled("order.on_hold", "2h") for n in range(5)}))
    await it.hear(order("10:00", "order.processing"), at="10:00")
    await it.hear(order("10:05", "order.packed"), at="10:05")
    assert it.rows(timers) == []


# ------------------------------------------------------------------------------------------------ late

TELLS: Mapping[str, Any] = {"on": {"late": "order", "by": "1d"}, "steps": [notify("parcel-delayed", via=["mail"])]}
QUIET = Contact(routes=CONTACT.routes, settle=timedelta(0))


def late_world(**flows: Any) -> Any:
    return world(flows or {"late": TELLS}, contact=QUIET)


async def on_its_way(it: Desk, first: str) -> None:
    await it.hear(order("10:00", "order.packed", parcels=(parcel("1", "10:00", numbers=["P1"]),)), at="10:00")
    await it.hear(scan("P1", "in_transit", "10:10"), news("P1", "10:10", eta=eta(first)), at="10:10")


async def test_a_date_that_moves_far_enough_is_told_once(db: Database) -> None:
    it = Desk(db, late_world())
    await on_its_way(it, "+2")
    await it.hear(news("P1", "10:20", eta=Window(moment("+3 00:00"), moment("+3 12:00"))), at="10:20")
    assert ran(it) == [], "less than a day"
    await it.hear(news("P1", "10:30", eta=eta("+4")), at="10:30")
    await it.hear(news("P1", "10:40", eta=Window(moment("+5 00:00"), moment("+5 12:00"))), at="10:40")
    assert [each[:2] for each in it.messages()] == [("parcel-delayed", "sent")]


async def test_the_new_date_can_be_missed_anew(db: Database) -> None:
    it = Desk(db, late_world())
    await on_its_way(it, "+2")
    await it.hear(news("P1", "10:30", eta=eta("+4")), at="10:30")
    await it.hear(news("P1", "+1 10:30", eta=eta("+5")), at="+1 10:30")
    assert len(it.messages()) == 2


async def test_without_a_message_the_first_date_is_what_was_told(db: Database) -> None:
    it = Desk(db, late_world(late=hearing({"late": "order", "by": "1d"})))
    await on_its_way(it, "+2")
    await it.hear(news("P1", "10:30", eta=eta("+4")), at="10:30")
    await it.hear(news("P1", "+1 10:30", eta=eta("+6")), at="+1 10:30")
    assert len(ran(it)) == 1


async def test_what_was_kept_back_told_no_date(db: Database) -> None:
    it = Desk(db, late_world())
    await on_its_way(it, "+2")
    await it.hear(news("P1", "10:30", eta=eta("+4")), at="10:30")
    kept_back = messages.update().values(state="suppressed", reason="muted")
    await it.db.write(lambda connection: connection.execute(kept_back))
    loaded = await it.db.read(lambda connection: load_orders(connection, it.world, {ORDER: Wanted()}))
    assert loaded[ORDER].told_since == {}
    sent = messages.update().values(state="sent", reason="")
    await it.db.write(lambda connection: connection.execute(sent))
    loaded = await it.db.read(lambda connection: load_orders(connection, it.world, {ORDER: Wanted()}))
    assert loaded[ORDER].told_since == {ORDER: moment("+4 18:00")}


async def test_a_date_that_passes_in_silence_is_missed_by_the_clock(db: Database) -> None:
    it = Desk(db, late_world())
    await on_its_way(it, "+1")
    it.clock.move_to(moment("+2 17:00"))
    await it.settle()
    assert it.messages() == []
    it.clock.move_to(moment("+2 18:00"))
    await it.settle()
    assert [each[0] for each in it.messages()] == ["parcel-delayed"]


async def test_what_arrived_in_time_is_not_late(db: Database) -> None:
    it = Desk(db, late_world())
    await on_its_way(it, "+1")
    await it.hear(scan("P1", "ready_for_pickup", "+1 12:00"), at="+1 12:00")
    assert pending(it, "late") == []
    it.clock.move_to(moment("+9 18:00"))
    await it.settle()
    assert it.messages() == []


async def test_what_the_shop_promised_counts_before_what_the_carrier_says(db: Database) -> None:
    it = Desk(db, late_world(late={**TELLS, "on": {"late": "shipment", "by": "2d"}}))
    boxes = (parcel("1", "10:00", numbers=["P1"]),)
    await it.hear(order("10:00", "order.packed", parcels=boxes, promise=eta("+2")), at="10:00")
    await it.hear(scan("P1", "in_transit", "10:10"), news("P1", "10:10", eta=eta("+4")), at="10:10")
    assert ran(it) == [("late", "/1")]


def test_a_delay_is_reckoned_from_the_same_date() -> None:
    story = Story(late_world())
    story.hear(order("10:00", "order.packed", parcels=(parcel("1", "10:00", numbers=["P1"]),)))
    story.hear(scan("P1", "in_transit", "10:10"), news("P1", "10:10", eta=eta("+1")), at="10:10")
    assert "delay" not in names_of(story.view, story.world, moment("+1 12:00"))["order"]
    story.hear(news("P1", "10:20", eta=eta("+3")), at="10:20")
    assert names_of(story.view, story.world, moment("+1 12:00"))["order"]["delay"] == timedelta(days=2)
    assert names_of(story.view, story.world, moment("+5 18:00"))["order"]["delay"] == timedelta(days=4)
    story.hear(scan("P1", "delivered", "+4 12:00"), at="+4 12:00")
    assert names_of(story.view, story.world, moment("+5 18:00"))["order"]["delay"] == timedelta(days=2)


# ------------------------------------------------------------------------------------------------ flows that go live


async def test_orders_that_are_in_a_status_get_the_clock_of_a_new_flow(db: Database) -> None:
    it = Desk(db, world({}))
    await it.hear(order("10:00", "order.processing", ref="1"), order("10:00", "order.packed", ref="2"))
    await later(it, hours=1)
    it.go_live(world({"slow": stalled("order.processing", "2h")}))
    await it.settle()
    assert [row.order_id for row in pending(it, "stalled")] == ["shop:1"]
    await later(it, hours=2)
    assert [row.subject for row in it.rows(runs)] == ["shop:1"]


async def test_they_are_looked_at_once_and_some_at_a_time(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewatch, "CHUNK", 2)
    it = Desk(db, world({}))
    await it.hear(*(order("10:00", "order.processing", ref=str(n)) for n in range(5)))
    await it.hear(order("10:00", "order.cancelled", ref="9"))
    flows = world({"slow": stalled("order.processing", "2h")})
    it.go_live(flows)
    await it.settle()
    looks = len(it.rows(inbox, inbox.c.topic == REWATCH))
    assert (len(pending(it, "stalled")), looks) == (5, 4)
    it.go_live(flows)
    await it.settle()
    assert len(it.rows(inbox, inbox.c.topic == REWATCH)) == looks


async def test_what_has_lasted_for_days_when_a_flow_goes_live_is_old_news(db: Database) -> None:
    it = Desk(db, world({}))
    await it.hear(order("10:00", "order.processing"))
    it.clock.move_to(moment("+9 10:00"))
    it.go_live(world({"slow": stalled("order.processing", "2h")}))
    await it.settle()
    assert ran(it) == [] and pending(it, "stalled") == []


async def test_a_clock_that_ran_out_while_the_hub_was_away_rings(db: Database) -> None:
    it = Desk(db, world({"slow": stalled("order.processing", "2h")}))
    await it.hear(order("10:00", "order.processing"))
    it.clock.move_to(moment("+5 10:00"))
    await it.settle()
    assert ran(it) == [("slow", "")]


async def test_a_flow_that_is_gone_rings_no_more(db: Database) -> None:
    it = Desk(db, world({"slow": stalled("order.processing", "2h")}))
    await it.hear(order("10:00", "order.processing"))
    it.go_live(world({}))
    await later(it, hours=3)
    assert ran(it) == []


# ------------------------------------------------------------------------------------------------ schedule

MONDAYS = {
    "on": {"schedule": "0 8 * * MON"},
    "steps": [{"escalate": {"to": "support", "reason": "{{ report.orders }}"}}],
}


async def test_a_cron_line_rings_on_the_shops_clock_with_its_figures(db: Database) -> None:
    raises = {"escalate": {"to": "support", "reason": "look", "due": "2h"}}
    matter = {"on": "order.packed", "steps": [raises, notify("packed", via=["mail"])]}
    it = Desk(db, world({"weekly": MONDAYS, "matter": matter}, contact=QUIET))
    await it.hear(order("10:00", "order.packed", parcels=(parcel("1", "10:00", numbers=["P1"]),)), at="10:00")
    await it.hear(scan("P1", "delivered", "11:00"), at="11:00")
    await it.hear(order("10:00", "order.packed", ref="old"), mode=Mode.IMPORT)
    it.clock.move_to(moment("+6 05:59"))  # Kyiv is two hours ahead
    await it.settle()
    assert [row.flow for row in it.rows(runs)] == ["matter"]
    it.clock.move_to(moment("+6 06:00"))
    await it.settle()
    (row,) = it.rows(runs, runs.c.flow == "weekly")
    assert (row.order_id, row.subject_kind, row.subject) == ("~shop:main", "shop", "main")
    told = row.doc["run"]["values"]["report"]
    assert (told["orders"], told["delivered"]) == (1, 1)
    assert (told["messages_sent"], told["messages_failed"]) == (1, 0)
    assert [told[f"escalations_{each}"] for each in ("opened", "overdue", "open")] == [1, 1, 1]
    assert told["since"] == {"$time": "2026-03-02T06:00:00+00:00"}
    assert it.rows(escalations, escalations.c.flow == "weekly")[0].reason == "1"


async def test_what_was_missed_comes_once_and_then_in_time(db: Database) -> None:
    it = Desk(db, world({"weekly": MONDAYS}))
    it.clock.move_to(moment("+22 10:00"))
    await it.settle()
    it.go_live(it.world)
    await it.settle()
    assert [row.occurrence for row in it.rows(runs)] == [micros(moment("+20 06:00"))]
    it.clock.move_to(moment("+27 06:00"))
    await it.settle()
    assert len(it.rows(runs)) == 2


async def test_a_changed_line_takes_effect_and_a_gone_one_is_called_off(db: Database) -> None:
    it = Desk(db, world({"weekly": MONDAYS}))
    it.go_live(world({"weekly": {**MONDAYS, "on": {"schedule": "0 8 * * 3"}}}))
    assert [row.due_at for row in pending(it, "schedule")] == [moment("+1 06:00")]
    it.go_live(world({}))
    assert pending(it, "schedule") == []
    it.go_live(world({"weekly": MONDAYS}))
    assert [row.due_at for row in pending(it, "schedule")] == [moment("+6 06:00")]


# ------------------------------------------------------------------------------------------------ silent connections


def hear_from(it: Desk, name: str, at: str) -> None:
    row = {"tenant": "main", "name": name, "last_event_at": moment(at)}
    it.db.run(
        lambda connection: connection.execute(
            upsert(connections, it.db.dialect, keys=("tenant", "name"), change=("last_event_at",)), [row]
        )
    )


async def test_a_connection_from_which_nothing_comes(db: Database) -> None:
    it = Desk(db, world({}))
    for name in ("shop", "post"):
        hear_from(it, name, "09:30")
    it.go_live(world({"silent": stalled("connection", "6h", reason="{{ connection.name }}")}))
    await later(it, hours=5)
    hear_from(it, "post", "14:00")
    await later(it, hours=1)
    assert [row.reason for row in it.rows(escalations)] == ["shop"]
    await later(it, hours=12)
    assert [row.reason for row in it.rows(escalations)] == ["shop", "post"], "each silence is told once"
    hear_from(it, "shop", "+1 03:00")
    await later(it, hours=18)
    assert [row.subject for row in it.rows(runs)] == ["shop", "post", "shop"]


async def test_a_hub_that_was_away_itself_listens_first(db: Database) -> None:
    flows = {"silent": stalled("connection", "6h")}
    it = Desk(db, world(flows))
    for name in ("shop", "post"):
        hear_from(it, name, "09:30")
    it.clock.move_to(moment("+2 10:00"))
    it.go_live(world(flows))
    for name in ("shop", "post"):
        hear_from(it, name, "+2 10:01")
    await later(it, hours=5)
    assert it.rows(runs) == []


# ------------------------------------------------------------------------------------------------ gather

GATHER: Mapping[str, Any] = {"on": "shipment.shipped", "gather": "30m", "steps": [notify("shipped", via=["mail"])]}


def boxes(version: str, *sent: str, contents: int = 2) -> Any:
    """An order of so many things, each in a parcel of its own; `sent`: the numbers of those that have left."""
    lines = tuple(Line(str(n), f"Thing {n}", Decimal(1)) for n in range(contents))
    parcels = tuple(
        parcel(str(n), version, "shipment.shipped", numbers=[number], contents=((str(n), Decimal(1)),))
        for n, number in enumerate(sent)
    )
    return order(version, "order.packed", lines=lines, parcels=parcels)


async def test_parcels_that_are_sent_together_are_told_together(db: Database) -> None:
    it = Desk(db, world({"shipped": GATHER}, contact=QUIET))
    await it.hear(boxes("10:00", "X1", contents=3), at="10:00")
    await it.hear(boxes("10:10", "X1", "X2", contents=3), at="10:10")
    assert it.messages() == []
    it.clock.move_to(moment("10:30"))
    await it.settle()
    assert [each[:2] for each in it.messages()] == [("shipped", "sent")]
    assert len(it.rows(runs)) == 1
    await it.hear(boxes("11:00", "X1", "X2", "X3", contents=3), at="11:00")
    await later(it, hours=1)
    assert [row.subject for row in it.rows(runs)] == ["shop:1/0", "shop:1/2"], "one after the window is its own"
    assert len(it.messages()) == 2


@pytest.mark.parametrize("gone", [True, False])
async def test_when_the_first_is_not_sent_after_all_the_others_are_told(db: Database, gone: bool) -> None:
    it = Desk(db, world({"shipped": GATHER}, contact=QUIET))
    await it.hear(boxes("10:00", "X1", contents=3), at="10:00")
    both = boxes("10:10", "X1", "X2", contents=3)
    await it.hear(both, at="10:10")
    first, second = both.parcels
    first = replace(first, version=moment("10:20"), natives=(native("shipment.cancelled"),))
    await it.hear(replace(both, version=moment("10:20"), parcels=(second,) if gone else (first, second)), at="10:20")
    await later(it, hours=1)
    assert [each[:2] for each in it.messages()] == [("shipped", "sent")]
    assert [row.subject for row in it.rows(messages)] == ["shop:1/1"]


async def test_when_nothing_is_left_to_send_nobody_waits(db: Database) -> None:
    it = Desk(db, world({"shipped": GATHER}, contact=QUIET))
    await it.hear(boxes("10:00", "X1"), at="10:00")
    assert it.messages() == []
    await it.hear(boxes("10:10", "X1", "X2"), at="10:10")
    assert [each[:2] for each in it.messages()] == [("shipped", "sent")]
    await later(it, hours=1)
    assert (len(it.rows(runs)), len(it.messages())) == (1, 1)


async def test_what_joined_is_claimed_for_good(db: Database) -> None:
    it = Desk(db, world({"shipped": GATHER}, contact=QUIET))
    await it.hear(boxes("10:00", "X1"), at="10:00")
    await it.hear(boxes("10:10", "X1", "X2"), at="10:10")
    (row,) = it.rows(runs)
    again = run_key("shipped", Occasion("shipment.shipped", "shipment", "shop:1/1", 1, moment("10:10"), None))
    assert again in claims_of(row.doc["run"]["values"])
    loaded = it.db.run(lambda connection: load_orders(connection, it.world, {"shop:1": Wanted()}))
    assert again in loaded["shop:1"].run_keys


async def test_its_steps_see_the_gathered_parcels_alone(db: Database) -> None:
    counts = {**GATHER, "steps": [{"choose": [{"when": "size(shipments) == 2", "steps": [notify("packed")]}]}]}
    it = Desk(db, world({"shipped": counts}, contact=QUIET))
    await it.hear(boxes("10:00", "X1", contents=4), at="10:00")
    await later(it, minutes=40)
    await it.hear(boxes("11:00", "X1", "X2", contents=4), at="11:00")
    await it.hear(boxes("11:10", "X1", "X2", "X3", contents=4), at="11:10")
    await later(it, minutes=40)
    assert [row.run_key == it.rows(runs)[1].key for row in it.rows(messages)] == [True]
    assert (await _names(it))["shipments"] == ["X2", "X3"]


async def _names(it: Desk) -> Mapping[str, Any]:
    """What the text of the only message reads."""
    (row,) = it.rows(messages)
    around = it.db.run(lambda connection: read_around(connection, it.world, [row], it.clock.now()))
    leaving = Leaving(row, it.world, it.clock.now(), around, Capacity({}, frozenset(), {}), {}, Outbox())
    return {"shipments": [each["tracking_number"] for each in leaving.names["shipments"]]}


# ------------------------------------------------------------------------------------------------ buttons


async def test_a_button_starts_its_flow_and_two_clicks_in_ten_seconds_are_one(db: Database) -> None:
    it = Desk(db, world({"one": hearing({"button": "One"}), "two": hearing({"button": "Two"})}))
    await it.hear(order("10:00", "order.packed"), at="10:00")
    shop = it.world.config.shops["main"]
    clicks = []
    for second in (9, 14, 19, 24):
        it.clock.move_to(moment("10:01") + timedelta(seconds=second))
        at = it.clock.now()
        clicks.append(
            it.db.run(lambda connection, at=at: press(connection, it.db.dialect, it.world, shop, ORDER, "Two", at))  # type: ignore[misc]
        )
        await it.settle()
    assert clicks == [True, False, True, False]
    assert ran(it) == [("two", ""), ("two", "")]
