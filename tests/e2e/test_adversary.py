"""What a hostile stranger tried: each of these once lost an event, told a customer twice, or kept others waiting."""

import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from hub.config.model import Quiet
from hub.model import (
    ChannelClosed,
    Customer,
    Linked,
    Merged,
    Number,
    OrderSnapshot,
    ParcelNews,
    PickupPoint,
    PointKind,
    Receipt,
    ReceiptState,
    RefKind,
    Relation,
    Removed,
    Reply,
    Reread,
)
from hub.pipeline.apply import Taken, note_try, plan_batch
from hub.pipeline.listen import tell
from hub.pipeline.reading import read_event
from hub.pipeline.receive import inbox_row, new_events
from hub.pipeline.remap import remember_statuses
from hub.pipeline.write import write_batch
from hub.plugin import Accepted, FailureError, Outcome, Outgoing, Page, Permanent, Raw, TrackRequest, Transient
from hub.plugin import Config as OurFault
from hub.plugin.sandbox import serve
from hub.runtime.hub import build_world
from hub.status import Meaning, Mode, Precision
from hub.store import tables
from hub.store.database import Database, DatabaseBusyError, say_after_commit
from hub.store.links import find_link
from hub.store.queries import replay_event, unpause
from hub.store.tables import slot_of
from hub.web.app import build_app
from tests.pipeline.fakes import CONTACT, moment, notify, order, parcel, scan
from tests.pipeline.fakes import connection as of

from .hamlet import ALL, Board, Hamlet, OtherPost, config_of, hamlet, maker, new_hub

PHONE = Customer(email="o@x.example", phone="+380501112233")


def packed(*numbers: str, ref: str = "f") -> Any:
    return parcel(ref, "09:00", "shipment.announced", numbers=numbers)


def says(template: str, *via: str, **more: Any) -> dict[str, Any]:
    return notify(template, via=list(via), **more)


RECEIVED = {"greet": {"on": "order.received", "steps": [says("order-received", "sms", "mail")]}}


def new_order(ref: str = "1", customer: Customer = PHONE) -> OrderSnapshot:
    return order("09:59", "order.received", ref=ref, placed="09:59", customer=customer)


def receipt(it: Hamlet, state: ReceiptState) -> Receipt:
    return Receipt(provider_id="provider-1", state=state, at=it.clock.now())


async def taken(channel: str, message: Outgoing) -> Outcome:
    return Accepted("provider-1")


async def out_of_order(channel: str, message: Outgoing) -> Outcome:
    return Transient("out of order")


async def together(it: Hamlet, *events: tuple[str, Raw]) -> None:
    """Events of several connections in one commit."""
    await it.hub.receiver.put([inbox_row(name, raw, Mode.LIVE, it.clock) for name, raw in events])
    await it.hub.quiet()


# ------------------------------------------------------------------------------------------------ nothing is lost


@pytest.mark.parametrize("first", ["post", "shop"])
async def test_a_carrier_speaks_of_a_parcel_in_the_batch_that_brings_its_order(
    tmp_path: Path, database_url: str, first: str
) -> None:
    async with hamlet(tmp_path, database=database_url) as it:
        events = [
            ("post", it.board.raw("parcel:P1", scan("P1", "in_transit", "09:50"))),
            ("shop", it.board.raw("order:1", order("09:00", "order.processing", parcels=(packed("P1"),)))),
        ]
        await together(it, *sorted(events, key=lambda each: each[0] != first))
        assert [row.headline for row in await it.rows(tables.orders)] == ["in_transit"]
        assert {row.state for row in await it.rows(tables.inbox)} == {1}


async def test_no_event_is_set_aside_because_the_database_was_locked(tmp_path: Path) -> None:
    async with hamlet(tmp_path) as it:
        await it.hub.db.write(lambda connection: connection.exec_driver_sql("PRAGMA busy_timeout=1").close())
        other = sqlite3.connect(tmp_path / "hub.db", isolation_level=None, timeout=10)
        await it.store("shop", it.board.raw("order:1", order("09:00", "order.processing")))
        other.execute("BEGIN IMMEDIATE")
        while it.hub.engine.health()["apply"] != "OperationalError":
            await asyncio.sleep(0.001)
        other.execute("COMMIT")
        other.close()
        await it.hub.quiet()
        assert [row.state for row in await it.rows(tables.inbox)] == [1]


async def test_timers_fire_while_a_crowd_of_events_waits(tmp_path: Path, database_url: str) -> None:
    flows = {"later": {"on": "order.received", "steps": [{"wait": "1h"}, says("order-received", "mail", urgent=True)]}}
    async with hamlet(tmp_path, flows, database=database_url) as it:
        await it.hear("shop", "order:1", order("09:59", "order.received", placed="09:59"))
        crowd = [it.board.raw(f"order:{n}", order("09:00", "order.packed", ref=f"{n}")) for n in range(2, 300)]
        it.clock.move_to(moment("11:00"))
        await it.store("shop", *crowd)
        while not await it.rows(tables.messages):
            await asyncio.sleep(0)
        pending = sa.text("inbox.state = 0")
        assert len(await it.rows(tables.inbox, pending)) > 100
        await it.hub.quiet()
        assert it.said() == ["order-received"]


async def test_a_message_meant_for_a_channel_that_is_gone_goes_by_the_next(tmp_path: Path) -> None:
    async with hamlet(tmp_path, RECEIVED) as it:
        it.board.outcomes["sms"] = out_of_order
        await it.hear("shop", "order:1", new_order())
        await it.advance(minutes=2)
        without = tuple(each for each in ALL if each.name != "sms")
        await it.hub.swap(*config_of(RECEIVED, tmp_path, without))
        await it.advance(minutes=15)
        assert await it.messages() == [("order-received", "sent", "")]
        assert it.said("mail") == ["order-received"]


# ------------------------------------------------------------------------------------------------ nothing is told twice


async def test_an_outcome_that_cannot_be_recorded_yet_is_kept(tmp_path: Path) -> None:
    async with hamlet(tmp_path, RECEIVED) as it:
        await it.hub.db.write(lambda connection: connection.exec_driver_sql("PRAGMA busy_timeout=1").close())
        other = sqlite3.connect(tmp_path / "hub.db", isolation_level=None, timeout=10)

        async def locked_meanwhile(channel: str, message: Outgoing) -> Outcome:
            other.execute("BEGIN IMMEDIATE")
            asyncio.get_running_loop().call_later(0.1, other.execute, "COMMIT")
            return Accepted()

        it.board.outcomes["sms"] = locked_meanwhile
        await it.hear("shop", "order:1", new_order())
        await it.advance(minutes=5)
        other.close()
        it.board.outcomes.clear()
        await it.advance(minutes=5)
        assert [row.outcome for row in await it.rows(tables.attempts)] == ["accepted"]
        assert it.said("sms") == ["order-received"]


async def test_a_bounce_of_a_channel_that_was_given_up_undoes_nothing(tmp_path: Path) -> None:
    async with hamlet(tmp_path, RECEIVED) as it:
        it.board.outcomes["sms"] = taken
        await it.hear("shop", "order:1", new_order())
        await it.advance(hours=1)
        assert it.said("mail") == ["order-received"]
        await it.hear("sms", "receipt", receipt(it, ReceiptState.FAILED))
        await it.advance(hours=1)
        assert it.said("mail") == ["order-received"]
        assert await it.messages() == [("order-received", "sent", "")]


async def test_a_receipt_ends_the_search_for_the_next_channel(tmp_path: Path) -> None:
    async with hamlet(tmp_path, RECEIVED) as it:
        it.board.outcomes |= {"sms": taken, "mail": out_of_order}
        await it.hear("shop", "order:1", new_order())
        await it.advance(minutes=32)
        tried = it.said("mail")
        assert tried
        await it.hear("sms", "receipt", receipt(it, ReceiptState.DELIVERED))
        await it.advance(hours=3)
        assert it.said("mail") == tried
        assert await it.messages() == [("order-received", "delivered", "")]


async def test_a_receipt_may_overtake_the_answer_to_its_message(tmp_path: Path, database_url: str) -> None:
    async with hamlet(tmp_path, RECEIVED, database=database_url) as it:

        async def receipt_first(channel: str, message: Outgoing) -> Outcome:
            await it.store("sms", it.board.raw("receipt", receipt(it, ReceiptState.DELIVERED)))
            while await it.rows(tables.inbox, sa.text("inbox.state = 0")):
                await asyncio.sleep(0)
            return Accepted("provider-1")

        it.board.outcomes["sms"] = receipt_first
        await it.hear("shop", "order:1", new_order())
        await it.advance(hours=2)
        assert await it.messages() == [("order-received", "delivered", "")]
        assert it.said() == ["order-received"]


# ------------------------------------------------------------------------------------------------ nobody waits


async def test_other_orders_do_not_wait_for_those_that_hang_on_the_wire(tmp_path: Path) -> None:
    words = [says("payment-received", "mail", urgent=True, id=f"word-{n}") for n in range(6)]
    flows = {"talk": {"on": "order.received", "steps": [says("order-received", "sms", urgent=True), *words]}}
    async with hamlet(tmp_path, flows) as it:
        answer = asyncio.Event()

        async def hang(channel: str, message: Outgoing) -> Outcome:
            await answer.wait()
            return Accepted()

        it.board.outcomes["sms"] = hang
        await it.store("shop", *(it.board.raw(f"order:{n}", new_order(f"{n}")) for n in range(1, 5)))
        while len(it.said("sms")) < 4:
            await asyncio.sleep(0)
        await it.store("shop", it.board.raw("order:9", new_order("9", Customer(email="z@x.example"))))
        async with asyncio.timeout(10):
            while len(it.said("mail")) < 6:
                await asyncio.sleep(0)
        assert {message.to for name, message in it.board.sent if name == "mail"} == {"z@x.example"}
        answer.set()


async def test_a_carrier_with_a_crowd_of_parcels_keeps_no_other_carrier_waiting(tmp_path: Path) -> None:
    async with hamlet(tmp_path, connections=(*ALL, of("slow", OtherPost))) as it:
        answer = asyncio.Event()

        async def slow(parcels: Sequence[TrackRequest]) -> Sequence[Raw]:
            if parcels[0].number.startswith("Q"):
                await answer.wait()
            return ()

        it.board.track = slow
        asks = {"tenant": "main", "slot": 0, "kind": "parcel", "state": 0, "every": 3600}
        due = it.clock.now()
        rows = [{**asks, "connection": "slow", "ref": f"Q{n}", "due_at": due} for n in range(700)]
        rows.append({**asks, "connection": "post", "ref": "P1", "due_at": due + timedelta(seconds=1)})
        await it.hub.db.write(lambda connection: connection.execute(sa.insert(tables.polls), rows))
        it.clock.move_to(due + timedelta(seconds=1))
        async with asyncio.timeout(10):
            while ("post", ("P1",)) not in it.board.asked:
                it.hub.wake("poll")
                await asyncio.sleep(0.01)
        for task in it.hub.polls.asking.values():
            task.cancel()


# ------------------------------------------------------------------------------------------------ questions


async def test_a_hint_that_comes_while_its_order_is_being_fetched_is_followed(tmp_path: Path) -> None:
    async with hamlet(tmp_path) as it:
        asked, answer = asyncio.Event(), asyncio.Event()
        hint = Reread(RefKind.ORDER, "1")

        async def first_slowly(ref: str) -> Sequence[Raw]:
            if asked.is_set():
                return [it.board.raw("order:1", order("09:30", "order.completed"))]
            asked.set()
            await answer.wait()
            return [it.board.raw("order:1", order("09:00", "order.processing"))]

        it.board.fetch = first_slowly
        await it.store("shop", it.board.raw("order:1", hint))
        await asked.wait()
        it.clock.move_to(it.clock.now() + timedelta(seconds=1))
        await it.store("shop", it.board.raw("order:1", hint))
        while await it.rows(tables.inbox, sa.text("inbox.state = 0")):
            await asyncio.sleep(0)
        answer.set()
        await it.hub.quiet()
        assert [row.order_status for row in await it.rows(tables.orders)] == ["completed"]


async def test_a_carrier_that_is_back_in_the_file_is_asked_again(tmp_path: Path, database_url: str) -> None:
    async with hamlet(tmp_path, database=database_url) as it:
        await it.hear("shop", "order:1", order("09:00", "order.processing", parcels=(packed("P1"),)))
        await it.hub.swap(*config_of({}, tmp_path, tuple(each for each in ALL if each.name != "post")))
        await it.advance(hours=1)
        it.board.asked.clear()
        await it.hub.swap(*config_of({}, tmp_path))
        await it.advance(hours=3)
        assert ("post", ("P1",)) in it.board.asked


async def test_a_shop_that_promises_more_and_leads_nowhere_is_left_alone(tmp_path: Path) -> None:
    board = Board()

    async def round_and_round(cursor: Any) -> Page:
        return Page((), "here", more=True)

    board.poll = round_and_round
    async with hamlet(tmp_path, board=board) as it:
        (row,) = await it.rows(tables.polls, tables.polls.c.kind == "list")
        assert row.failures == 1
        assert "no way to it" in row.error


# ------------------------------------------------------------------------------------------------ stop and reload


async def test_a_message_is_not_stopped_between_its_claim_and_the_wire(tmp_path: Path) -> None:
    async with hamlet(tmp_path, RECEIVED) as it:
        await it.hear("shop", "order:1", new_order())
        it.clock.move_to(it.clock.now() + timedelta(minutes=2))
        writer_is_busy = threading.Event()
        held = asyncio.create_task(it.hub.db.write(lambda connection: writer_is_busy.wait(10)))
        await asyncio.sleep(0)
        it.hub.wake("deliver")
        while not it.hub.deliver.deciding.locked():
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)  # the look is over, its claim waits for the writer
        stopping = asyncio.create_task(it.hub.stop())
        await asyncio.sleep(0.01)
        writer_is_busy.set()
        await asyncio.gather(held, stopping)
        db = Database(it.url)
        (left,) = db.run(lambda connection: connection.execute(sa.select(tables.messages)).all())
        db.close()
        assert (left.state, it.said()) == ("sent", ["order-received"])


async def test_a_configuration_that_cannot_go_live_leaves_the_old_one(tmp_path: Path) -> None:
    async with hamlet(tmp_path, RECEIVED) as it:
        await it.hub.db.write(lambda connection: connection.exec_driver_sql("PRAGMA busy_timeout=1").close())
        other = sqlite3.connect(tmp_path / "hub.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sa.exc.OperationalError):
            await it.hub.swap(*config_of({}, tmp_path))
        other.close()
        await it.hear("shop", "order:1", new_order())
        await it.advance(minutes=2)
        assert it.said() == ["order-received"]


# ------------------------------------------------------------------------------------------------ what is said


async def test_an_order_that_cannot_be_read_keeps_nobody_elses_message_waiting(tmp_path: Path) -> None:
    async with hamlet(tmp_path, RECEIVED) as it:
        await it.hear("shop", "order:1", new_order("1"))
        await it.hear("shop", "order:2", new_order("2"))
        broken = sa.update(tables.orders).where(tables.orders.c.id == "shop:1").values(doc='{"snapshot": 7}')
        await it.hub.db.write(lambda connection: connection.execute(broken))
        it.clock.move_to(it.clock.now() + timedelta(minutes=2))
        await it.hub.quiet()
        states = [(row.order_id, row.state) for row in await it.rows(tables.messages)]
        assert states == [("shop:1", "failed"), ("shop:2", "sent")]


async def test_an_older_flow_that_speaks_later_supersedes_nothing(tmp_path: Path) -> None:
    flows = {
        "moving": {"on": "shipment.in_transit", "steps": [{"wait": "14h"}, says("shipped", "mail")]},
        "ready": {"on": "shipment.ready_for_pickup", "steps": [says("ready-for-pickup", "mail")]},
    }
    contact = replace(CONTACT, quiet=Quiet(time(21), time(8), ("mail",)))
    async with hamlet(tmp_path, flows, contact=contact) as it:
        point = PickupPoint("1", PointKind.BRANCH, "Branch 1", "High Street 1")
        await it.hear("shop", "order:1", order("09:00", "order.processing", parcels=(packed("P1"),), point=point))
        await it.hear("post", "parcel:P1", scan("P1", "in_transit", "10:00"))
        it.clock.move_to(moment("19:30"))
        await it.hear("post", "parcel:P1", scan("P1", "ready_for_pickup", "19:20"))
        await it.advance(hours=14)
        assert sorted(it.said()) == ["ready-for-pickup", "shipped"]


async def test_two_triggers_of_one_flow_in_one_batch_open_one_matter(tmp_path: Path, database_url: str) -> None:
    steps = [{"escalate": {"to": "support", "reason": "look at this"}}]
    flows = {"care": {"on": ["order.cancelled", "payment.refunded"], "steps": steps}}
    async with hamlet(tmp_path, flows, database=database_url) as it:
        await it.hear("shop", "order:1", order("09:58", "order.received", "payment.paid"))
        await it.hear("shop", "order:1", order("09:59", "order.cancelled", "payment.refunded"))
        (matter,) = await it.rows(tables.escalations)
        assert matter.note == "look at this"
        assert len(it.board.sent) == 1


async def test_a_link_in_a_fresh_message_works(tmp_path: Path) -> None:
    async with hamlet(tmp_path, {"greet": {"on": "order.received", "steps": [says("order-received", "mail")]}}) as it:
        for ref in ("1", "2"):
            now = it.clock.now()
            await it.hear("shop", f"order:{ref}", replace(new_order(ref), version=now, placed_at=now))
            await it.advance(days=59)
        token = it.board.sent[-1][1].text.partition("https://chat.example/")[2][:27]
        assert await it.hub.db.read(lambda connection: find_link(connection, token, "link:bot", it.clock.now()))


async def test_an_order_that_comes_cancelled_sets_nothing_going(tmp_path: Path) -> None:
    flows: dict[str, dict[str, Any]] = {
        "thanks": {
            "on": "payment.paid",
            "stop_on": ["order.cancelled"],
            "steps": [{"wait": "2h"}, says("payment-received", "mail")],
        },
        "care": {"on": "order.received", "steps": [{"wait": "2h"}, {"escalate": {"to": "support", "reason": "late"}}]},
        "told": {"on": "order.cancelled", "steps": [says("order-cancelled", "mail")]},
    }
    async with hamlet(tmp_path, flows) as it:
        await it.hear("shop", "order:1", order("09:59", "order.cancelled", "payment.paid", placed="09:58"))
        await it.advance(hours=3)
        assert it.said() == ["order-cancelled"]
        assert not await it.rows(tables.escalations)


async def test_a_wait_goes_on_when_its_shop_is_back_in_the_file(tmp_path: Path) -> None:
    flows = {"later": {"on": "order.received", "steps": [{"wait": "2h"}, says("order-received", "mail")]}}
    async with hamlet(tmp_path, flows) as it:
        await it.hear("shop", "order:1", order("09:59", "order.received", placed="09:58", parcels=(packed("P1"),)))
        await it.hub.swap(*config_of(flows, tmp_path, tuple(each for each in ALL if each.name != "shop")))
        await it.hear("post", "parcel:P1", scan("P1", "in_transit", "10:05"))
        await it.advance(hours=3)
        (dead,) = await it.rows(tables.inbox, tables.inbox.c.state == 9)
        assert "no shop 'shop'" in dead.error
        await it.hub.swap(*config_of(flows, tmp_path))
        await it.hub.db.write(lambda connection: replay_event(connection, dead.id))
        await it.advance(hours=2)
        assert it.said() == ["order-received"]
        assert [row.headline for row in await it.rows(tables.orders)] == ["in_transit"]


async def test_an_order_that_the_shop_does_not_have_is_asked_for_once(tmp_path: Path) -> None:
    async with hamlet(tmp_path) as it:

        async def absent(ref: str) -> Sequence[Raw]:
            raise FailureError(Permanent("there is no such thing there"))

        it.board.fetch = absent
        await it.hear("shop", "order:7", Reread(RefKind.ORDER, "7"))
        await it.advance(days=1)
        assert it.board.asked.count(("shop", ("7",))) == 1
        await it.hear("shop", "order:7", Reread(RefKind.ORDER, "7"))
        assert it.board.asked.count(("shop", ("7",))) == 2


async def test_one_parcel_that_is_refused_spoils_nothing_for_the_others(tmp_path: Path) -> None:
    class Batching(ALL[1].adapter):  # type: ignore[misc]
        batch = 10

    connections = (*(each for each in ALL if each.name != "post"), of("post", Batching))
    async with hamlet(tmp_path, connections=connections) as it:

        async def refuse_all(parcels: Sequence[TrackRequest]) -> Sequence[Raw]:
            if any(each.number == "P2" for each in parcels):
                raise FailureError(Permanent("one of these is no number"))
            return [it.board.raw(f"parcel:{each.number}", scan(each.number, "in_transit", "09:50")) for each in parcels]

        it.board.track = refuse_all
        for ref in ("1", "2", "3"):
            parcels = (packed(f"P{ref}"),)
            await it.store(
                "shop", it.board.raw(f"order:{ref}", order("09:00", "order.packed", ref=ref, parcels=parcels))
            )
        await it.hub.quiet()
        assert [row.headline for row in await it.rows(tables.orders)] == ["in_transit", "packed", "in_transit"]


async def test_a_parcel_that_never_moves_is_asked_about_ever_less_and_in_the_end_no_more(tmp_path: Path) -> None:
    seldom = timedelta(days=1)
    connections = tuple(
        replace(each, poll_every=seldom) if each.kind in ("platform", "channel") else each for each in ALL
    )
    async with hamlet(tmp_path, connections=connections) as it:

        async def asked_in(days: int) -> int:
            before = len(it.board.asked)
            await it.advance(days=days)
            return sum(each == ("post", ("P1",)) for each in it.board.asked[before:])

        await it.hear("shop", "order:1", order("09:00", "order.packed", parcels=(packed("P1"),)))
        await it.hear("post", "parcel:P1", scan("P1", "announced", "09:50"))
        assert await asked_in(3) == 3 * 12, "every two hours"
        assert 4 <= await asked_in(5) <= 6
        await it.advance(days=80)
        assert 1 <= await asked_in(4) <= 3, "and not at all once it is 90 days old"
        await it.hear("post", "parcel:P1", Reread(RefKind.PARCEL, "P1"))
        await it.hear("post", "parcel:P1", scan("P1", "in_transit", "+92 09:50"))
        assert await asked_in(1) == 24, "what is heard of it begins anew"


async def test_a_form_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    async with hamlet(tmp_path) as it, serve(build_app(it.hub)) as base, httpx.AsyncClient() as client:
        large = await client.post(f"{base}/e/none", content=b"note=" + b"a" * 100_000)
        assert large.status_code == 400
        many = await client.post(f"{base}/e/none", content=b"&".join([b"a=1"] * 200))
        assert many.status_code == 400
        assert (await client.post(f"{base}/e/none", content=b"do=resolve")).status_code == 404


# ------------------------------------------------------------------------------------------------ strangers


@pytest.mark.parametrize("written", ["+380509999999", "050 999 99 99", "(050) 999-99-99"])
async def test_a_stop_counts_for_the_phone_it_came_from(tmp_path: Path, written: str) -> None:
    async with hamlet(tmp_path, RECEIVED) as it:
        await it.hear("shop", "order:1", new_order())
        other, caller = replace(PHONE, phone=written), "+380509999999"
        await it.hear("shop", "order:2", new_order("2", other))
        await it.advance(minutes=5)
        assert it.said("sms") == ["order-received"] * 2
        await it.hear("sms", "reply", ChannelClosed(caller, it.clock.now(), "STOP"))
        await it.hear("shop", "order:3", new_order("3", other))
        await it.advance(minutes=5)
        assert it.said("sms") == ["order-received"] * 2
        await it.hear("sms", "reply", ChannelClosed(caller, it.clock.now(), "START", open=True))
        await it.hear("shop", "order:4", new_order("4", other))
        await it.advance(minutes=5)
        assert it.said("sms") == ["order-received"] * 3


@pytest.mark.parametrize("body", [{"key": "\ud800"}, {"key": moment("10:00")}, {"key": "x"}])
async def test_an_event_that_cannot_be_stored_keeps_no_other_waiting(
    tmp_path: Path, database_url: str, body: dict[str, Any]
) -> None:
    board = Board()
    good = board.raw("order:1", order("09:00", "order.packed"))
    bad = Raw(body, "order:9\0" if body["key"] == "x" else "order:9", "bad")

    async def page(cursor: Any) -> Page:
        return Page((bad, good), "next", more=False)

    board.poll = page
    async with hamlet(tmp_path, board=board, database=database_url) as it:
        assert [row.id for row in await it.rows(tables.orders)] == ["shop:1"]
        assert sorted(row.state for row in await it.rows(tables.inbox)) == [1, 9]
        await it.store("shop", bad)
        (row,) = await it.rows(tables.polls, tables.polls.c.kind == "list")
        assert (row.failures, row.cursor) == (0, "next")


async def test_a_clock_that_was_ahead_for_a_while_stops_nothing(tmp_path: Path, database_url: str) -> None:
    async with hamlet(tmp_path, database=database_url) as it:
        await it.hear("shop", "order:1", order("09:00", "order.packed", parcels=(packed("P1"),)))
        await it.hub.tick()
        right = it.clock.now()
        it.clock.move_to(right + timedelta(days=365))
        await it.hub.quiet()
        await it.hub.tick()
        it.clock._now = right + timedelta(minutes=1)  # no clock of ours goes back by itself
        it.board.asked.clear()
        await it.hub.tick()
        await it.hub.quiet()
        assert {name for name, _ in it.board.asked} == {"shop", "post"}
        assert all(row.next_run_at < right + timedelta(days=2) for row in await it.rows(tables.schedules))


async def test_an_address_that_is_corrected_gives_nobody_the_orders_of_another(tmp_path: Path) -> None:
    flows = {
        word: {"on": f"order.{word}", "steps": [says("packed", "bot", "mail", urgent=True)]} for word in ("packed",)
    }
    async with hamlet(tmp_path, flows) as it:
        stranger, buyer = Customer(email="stranger@x.example"), Customer(email="buyer@y.example")
        await it.hear("shop", "order:1", order("09:50", "order.received", customer=stranger))
        await it.hear("shop", "order:2", order("09:51", "order.received", ref="2", customer=stranger))
        await it.hear("shop", "order:2", order("09:58", "order.packed", ref="2", customer=buyer))
        (mail,) = [message for name, message in it.board.sent if message.to == buyer.email]
        token = mail.text.partition("https://chat.example/")[2][:27]
        await it.hear("bot", "chat", Linked(token, "chat-of-buyer", it.clock.now()))
        await it.hear("bot", "chat", Reply(address="chat-of-buyer", text="?", at=it.clock.now(), event_id="1"))
        answers = [message.text for name, message in it.board.sent if name == "bot"]
        assert "#2" in answers[-1]
        assert "#1" not in answers[-1]


async def test_a_second_hub_on_the_same_database_is_refused(tmp_path: Path, database_url: str) -> None:
    async with hamlet(tmp_path, database=database_url) as it:
        second = new_hub(*config_of({}, tmp_path), it.clock, database_url, it.board)
        with pytest.raises(DatabaseBusyError):
            await second.start(ticking=False)
        second.db.close()
        await it.hub.stop()
        third = new_hub(*config_of({}, tmp_path), it.clock, database_url, it.board)
        await third.start(ticking=False)
        await third.stop()


# ------------------------------------------------------------------------------------------------ several at once


async def test_an_event_of_several_parcels_waits_for_each_of_them(tmp_path: Path, database_url: str) -> None:
    async with hamlet(tmp_path, database=database_url) as it:
        numbers = ("P1", "P2", "P3", "P4")
        await it.hear("shop", "order:1", order("09:00", "order.packed", parcels=(packed("P1"),)))
        await it.hear("post", "whatever", *(scan(number, "in_transit", "09:50") for number in numbers))
        for ref in ("3", "2", "4"):
            parcels = (packed(f"P{ref}"),)
            await it.hear("shop", f"order:{ref}", order("09:00", "order.packed", ref=ref, parcels=parcels))
        assert [row.headline for row in await it.rows(tables.orders)] == ["in_transit"] * 4
        assert {row.state for row in await it.rows(tables.inbox)} <= {1, 2}


async def test_an_event_of_more_parcels_than_can_be_waited_for_is_a_dead_letter(tmp_path: Path) -> None:
    async with hamlet(tmp_path) as it:
        await it.hear("post", "whatever", *(scan(f"P{n}", "in_transit", "09:50") for n in range(50)))
        (row,) = await it.rows(tables.inbox)
        assert (row.state, "50" in row.error) == (9, True)


async def test_a_message_that_waits_follows_its_parcel_when_the_number_comes(tmp_path: Path) -> None:
    """The shop says "shipped" of the order; its number comes within the minute in which the message settles."""
    when = {"when": "shipment.index == 1"}
    flows = {"moves": {"on": "shipment.shipped", **when, "steps": [says("shipped", "mail")]}}
    connections = tuple(each for each in ALL if each.name != "post")
    async with hamlet(tmp_path, flows, connections=connections) as it:
        await it.hear("shop", "order:1", order("09:58", "shipment.shipped"))
        await it.hear("shop", "order:1", order("09:59", "shipment.shipped", parcels=(packed("P1"),)))
        await it.advance(minutes=5)
        assert it.said() == ["shipped"]
        assert "P1" in it.board.sent[0][1].text


async def test_two_orders_in_one_parcel_are_told_of_it_once_and_of_other_parcels_each(tmp_path: Path) -> None:
    flows = {"there": {"on": "shipment.ready_for_pickup", "steps": [says("ready-for-pickup", "mail")]}}
    async with hamlet(tmp_path, flows) as it:
        await it.hear("shop", "order:1", order("09:00", "order.packed", parcels=(packed("P1"),)))
        both = (packed("P7", ref="7"), packed("P1", ref="8"))
        await it.hear("shop", "order:2", order("09:00", "order.packed", ref="2", parcels=both))
        await it.hear("post", "parcel:P7", scan("P7", "ready_for_pickup", "09:50"))
        await it.advance(minutes=5)
        await it.hear("post", "parcel:P1", scan("P1", "ready_for_pickup", "09:55"))
        await it.advance(minutes=5)
        rows = await it.rows(tables.messages)
        assert [(row.subject, row.state) for row in rows] == [
            ("shop:2/7", "sent"), ("shop:1/f", "sent"), ("shop:2/8", "suppressed"),
        ]  # fmt: skip


async def test_a_second_order_in_the_parcel_follows_where_it_goes_on(tmp_path: Path) -> None:
    async with hamlet(tmp_path) as it:
        await it.hear("shop", "order:1", order("09:00", "order.packed", parcels=(packed("P1"),)))
        onward = ParcelNews("P1", moment("09:30"), next=Number("P3"), relation=Relation.CONTINUES)
        await it.hear("post", "parcel:P1", onward)
        await it.hear("shop", "order:2", order("09:00", "order.packed", ref="2", parcels=(packed("P1"),)))
        await it.hear("post", "parcel:P3", scan("P3", "delivered", "09:50"))
        assert [row.headline for row in await it.rows(tables.orders)] == ["delivered", "delivered"]


async def test_who_asks_for_patience_is_not_asked_because_the_shop_says_something(tmp_path: Path) -> None:
    async with hamlet(tmp_path) as it:

        async def later(parcels: Sequence[TrackRequest]) -> Sequence[Raw]:
            raise FailureError(Transient("too many", not_before=it.clock.now() + timedelta(hours=6)))

        it.board.track = later
        await it.hear("shop", "order:1", order("09:00", "order.packed", parcels=(packed("P1"),)))
        which = (tables.polls, tables.polls.c.ref == "P1")
        due = [(await it.rows(*which))[0].due_at]
        await it.hear("shop", "order:1", order("09:30", "order.packed", note="x", parcels=(packed("P1"),)))
        due.append((await it.rows(*which))[0].due_at)
        assert due == [it.clock.now() + timedelta(hours=6)] * 2


async def test_a_second_order_in_the_parcel_learns_all_that_was_told_of_it(tmp_path: Path) -> None:
    async with hamlet(tmp_path) as it:
        point = PickupPoint("1", PointKind.BRANCH, "Branch 1", "High Street 1")
        await it.hear("shop", "order:1", order("09:00", "order.packed", parcels=(packed("P1"),)))
        await it.hear("post", "parcel:P1", scan("P1", "ready_for_pickup", "09:50"))
        await it.hear("post", "parcel:P1", ParcelNews("P1", at=it.clock.now(), point=point))
        await it.hear("shop", "order:2", order("09:00", "order.packed", ref="2", parcels=(packed("P1"),)))
        second = (await it.rows(tables.orders))[1]
        assert (second.headline, "High Street" in second.doc) == ("ready_for_pickup", True)


async def test_two_fulfilments_in_one_parcel_are_told_of_once(tmp_path: Path) -> None:
    flows = {"moves": {"on": "shipment.in_transit", "steps": [says("shipped", "mail", urgent=True)]}}
    async with hamlet(tmp_path, flows) as it:
        both = (packed("P1", ref="f1"), packed("P1", ref="f2"), packed("P3", ref="f3"))
        await it.hear("shop", "order:1", order("09:00", "order.packed", parcels=both))
        await it.hear("post", "parcel:P1", scan("P1", "in_transit", "09:50"))
        assert it.said() == ["shipped"]
        assert [reason for _, state, reason in await it.messages() if state != "sent"] == [
            "said-already: with another in the same parcel"
        ]
        await it.hear("post", "parcel:P3", scan("P3", "in_transit", "09:50"))
        assert it.said() == ["shipped", "shipped"]


async def test_news_beside_a_newly_mapped_code_is_told(tmp_path: Path, database_url: str) -> None:
    flows = {"shipped": {"on": "shipment.shipped", "steps": [says("shipped", "mail", urgent=True)]}}
    async with hamlet(tmp_path, flows, database=database_url) as it:
        await it.hear("shop", "order:1", order("09:00", "order.packed", "weird", parcels=(packed("P1"),)))
        config, texts = config_of(flows, tmp_path, statuses={"shop": {"weird": Meaning(None, "")}})
        it.hub.world = mapped = build_world(config, texts, it.clock, maker(it.board))
        news = it.board.raw("parcel:P1", scan("P1", "out_for_delivery", "09:59"))

        def both(connection: sa.Connection) -> int:
            new_events(connection, it.hub.db.dialect, [inbox_row("post", news, Mode.LIVE, it.clock)])
            return remember_statuses(connection, it.hub.db.dialect, mapped, it.clock.now())

        assert await it.hub.db.write(both) == 1
        await it.hub.quiet()
        assert "shipped" in it.said()


async def test_what_changed_since_the_look_is_looked_at_again(tmp_path: Path) -> None:
    flows = {"moving": {"on": "shipment.in_transit", "steps": [says("shipped", "mail")]}}
    async with hamlet(tmp_path, flows) as it:
        await it.hear("shop", "order:1", order("09:00", "order.packed", parcels=(packed("P1"),)))
        await it.hear("post", "parcel:P1", scan("P1", "in_transit", "09:50"))
        it.clock.move_to(it.clock.now() + timedelta(minutes=2))
        busy = threading.Event()

        def meanwhile(connection: sa.Connection) -> None:
            """The parcel is handed over by the time the claim can be written."""
            busy.wait(10)
            raw = it.board.raw("parcel:P1", scan("P1", "delivered", "10:01"))
            new_events(connection, it.hub.db.dialect, [inbox_row("post", raw, Mode.LIVE, it.clock)])
            taken = Taken()
            taken.read(connection, it.clock.now(), 10, timers_first=False)
            taken.said = [read_event(row, it.hub.world) for row in taken.events]
            batch = plan_batch(connection, it.hub.world, it.clock.now(), taken)
            write_batch(connection, it.hub.db.dialect, batch, it.hub.world, it.clock.now())

        held = asyncio.create_task(it.hub.db.write(meanwhile))
        await asyncio.sleep(0)
        it.hub.wake("deliver")
        while not it.hub.deliver.deciding.locked():
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)  # the look is over, its claim waits for the writer
        busy.set()
        await held
        await it.hub.quiet()
        assert it.said() == []
        assert await it.messages() == [("shipped", "suppressed", "overtaken")]


# ------------------------------------------------------------------------------------------------ poison


async def test_a_plugin_that_does_not_come_back_stops_nobody(tmp_path: Path, database_url: str) -> None:
    async with hamlet(tmp_path, database=database_url) as it:
        for_ever, read = threading.Event(), it.board.read

        def reading(raw: Raw) -> Sequence[Any]:
            if raw.dedupe_key == "poison":
                for_ever.wait(30)
            return read(raw)

        it.board.read = reading  # type: ignore[method-assign]  # the adapter's own: a plugin that loops
        it.hub.apply.reader.patience = 0.05
        poison = it.board.raw("order:1", order("09:00", "order.packed"), key="poison")
        await it.store("shop", poison, it.board.raw("order:2", order("09:00", "order.packed", ref="2")))
        await it.hub.quiet()
        assert [row.id for row in await it.rows(tables.orders)] == ["shop:2"]
        (dead,) = await it.rows(tables.inbox, tables.inbox.c.state == 9)
        assert (dead.dedupe_key, dead.error) == ("poison", "shop did not come back from reading it")
        for_ever.set()


async def test_an_event_that_killed_the_hub_five_times_is_not_read_again(tmp_path: Path) -> None:
    async with hamlet(tmp_path) as it:
        await it.hub.stop()
        poison = it.board.raw("order:1", order("09:00", "order.packed"), key="poison")
        good = it.board.raw("order:2", order("09:00", "order.packed", ref="2"))
        db = Database(it.url)
        rows = [inbox_row("shop", raw, Mode.LIVE, it.clock) for raw in (poison, good)]
        db.run(lambda connection: new_events(connection, db.dialect, rows))
        for tries in range(1, 6):  # what five lives leave behind that end while it is being read
            found = db.run(note_try)
            assert found is not None
            assert (found[0].dedupe_key, found[1]) == ("poison", tries)
        db.close()
        again = new_hub(*config_of({}, tmp_path), it.clock, it.url, it.board)
        await again.start(ticking=False)
        await again.quiet()
        find = sa.select(tables.inbox.c.state, tables.inbox.c.error).order_by(tables.inbox.c.id)
        (first, second) = await again.db.read(lambda connection: connection.execute(find).all())
        assert (first.state, "died 5 times" in first.error) == (9, True)
        assert second.state == 1
        await again.stop()


async def test_news_of_an_order_does_not_pass_its_own_import(tmp_path: Path, database_url: str) -> None:
    flows = {"greet": {"on": "order.received", "steps": [says("order-received", "mail", urgent=True)]}}
    async with hamlet(tmp_path, flows, database=database_url) as it:

        def old(ref: str) -> Raw:
            return it.board.raw(f"order:{ref}", order("09:00", "order.received", ref=ref, placed="08:30"))

        rows = [inbox_row("shop", old(f"{n}"), Mode.IMPORT, it.clock) for n in range(300)]
        news = it.board.raw("order:150", order("09:59", "order.packed", ref="150", placed="08:30"))
        rows.append(inbox_row("shop", news, Mode.LIVE, it.clock))
        await it.hub.db.write(lambda connection: new_events(connection, it.hub.db.dialect, rows))
        await it.hub.quiet()
        assert it.said() == []


async def test_what_is_urgent_does_not_wait_behind_the_morning(tmp_path: Path, database_url: str) -> None:
    flows = {
        "packed": {"on": "order.packed", "steps": [says("packed", "mail")]},
        "held": {"on": "order.on_hold", "steps": [says("on-hold", "mail", urgent=True)]},
    }
    async with hamlet(tmp_path, flows, database=database_url) as it:
        crowd = [it.board.raw(f"order:{n}", order("09:59", "order.packed", ref=f"{n}")) for n in range(60)]
        await it.store("shop", *crowd)
        await it.hub.quiet()
        answer = asyncio.Event()

        async def slowly(channel: str, message: Outgoing) -> Outcome:
            await answer.wait()
            return Accepted()

        it.board.outcomes["mail"] = slowly
        it.clock.move_to(it.clock.now() + timedelta(minutes=2))
        it.hub.wake("deliver")
        while len(it.board.sent) < 4:
            await asyncio.sleep(0)
        await it.store("shop", it.board.raw("order:u", order("10:01", "order.on_hold", ref="u")))
        while not await it.rows(tables.messages, tables.messages.c.template == "on-hold"):
            await asyncio.sleep(0)
        answer.set()
        await it.hub.quiet()
        assert "on-hold" in it.said()[:20]


async def test_staff_are_told_once_a_day_that_a_connection_pauses(tmp_path: Path) -> None:
    async with hamlet(tmp_path) as it:

        async def forbidden(ref: str) -> Sequence[Raw]:
            raise FailureError(OurFault("our credentials were refused"))

        it.board.fetch = forbidden
        for ref in ("1", "2", "3"):
            await it.hear("shop", f"order:{ref}", Reread(RefKind.ORDER, ref))
            await it.hub.db.write(lambda connection: unpause(connection, "shop", it.clock.now()))
            await it.advance(minutes=1)
        assert len(it.said("mail")) == 2, "both who look after the hub, once"


async def test_a_current_code_without_a_time_that_changes_back_is_heard_each_time(tmp_path: Path) -> None:
    """The carrier's answers are equal at the first and the third change; only changes are stored."""
    post = of("post", type("_Current", (ALL[1].adapter,), {"snapshots": True}))
    async with hamlet(tmp_path, connections=tuple(post if each.name == "post" else each for each in ALL)) as it:
        now = {"code": "returning"}

        async def answer(parcels: Sequence[TrackRequest]) -> Sequence[Raw]:
            seen = scan("P1", now["code"], "09:00", precision=Precision.SEEN, snapshot=True)
            return [it.board.raw("parcel:P1", replace(seen, at=it.clock.now()), key=now["code"])]

        it.board.track = answer
        await it.hear("shop", "order:1", order("09:00", "order.packed", parcels=(packed("P1"),)))
        heard = []
        for code in ("returning", "problem", "returning", "problem"):
            now["code"] = code
            await it.advance(hours=13)
            heard.append((await it.rows(tables.orders))[0].headline)
        assert heard == ["returning", "problem", "returning", "problem"]
        assert len(await it.rows(tables.inbox, tables.inbox.c.connection == "post")) == 4


# ------------------------------------------------------------------------------------------------ listening


class _Ear:
    """A plugin that listens."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.words: list[tuple[str, str]] = []
        self.finished: list[tuple[int, str]] = []

    def tell_event_received(self, connection: str, subject: str) -> None:
        self.events.append((connection, subject))

    def tell_status_changed(self, order_id: str, word: str) -> None:
        self.words.append((order_id, word))

    def tell_message_finished(self, message_id: int, state: str) -> None:
        self.finished.append((message_id, state))


async def test_listeners_hear_of_each_event_status_and_finished_message_and_of_nothing_twice(tmp_path: Path) -> None:
    flows = {
        "received": {"on": "order.received", "steps": [says("order-received", "mail", urgent=True)]},
        "packed": {"on": "order.packed", "steps": [says("packed", "mail")]},  # not urgent: it settles first
    }
    async with hamlet(tmp_path, flows) as it:
        ear = _Ear()
        it.hub.db.on_commit = partial(tell, ear)
        first = it.board.raw("order:1", order("09:00", "order.packed", parcels=(packed("P1"),)))
        await it.store("shop", first)
        await it.store("shop", first)
        it.board.track = lambda parcels: _answer(it, parcels)
        await it.hub.quiet()
        assert ear.events == [("shop", "order:1"), ("post", "parcel:P1")], "a repeat is none, and a poll's is one"
        assert ("shop:1", "order.packed") in ear.words
        assert ("shop:1", "shipment.in_transit") in ear.words
        await it.hear("shop", "order:1", order("10:00", "order.cancelled", parcels=(packed("P1"),)))
        await it.hear("shop", "order:2", order("10:00", "order.received", ref="2"))
        rows = await it.rows(tables.messages)
        assert sorted(ear.finished) == [(row.id, row.state) for row in rows]
        customers = [row.state for row in rows if row.recipient == "customer"]
        assert customers == ["superseded", "suppressed", "sent"]


async def _answer(it: Hamlet, parcels: Sequence[TrackRequest]) -> Sequence[Raw]:
    return [it.board.raw(f"parcel:{each.number}", scan(each.number, "in_transit", "09:50")) for each in parcels]


async def test_what_a_transaction_said_that_was_rolled_back_nobody_hears(tmp_path: Path) -> None:
    async with hamlet(tmp_path) as it:
        heard: list[Any] = []
        it.hub.db.on_commit = heard.extend

        def fails(connection: sa.Connection) -> None:
            say_after_commit(connection, "never")
            raise ValueError

        with pytest.raises(ValueError):
            await it.hub.db.write(fails)
        await it.hub.db.write(lambda connection: say_after_commit(connection, "this"))
        await it.hub.db.write(lambda connection: None)
        assert heard == ["this"]

        def deaf(said: Any) -> None:
            raise SystemError

        it.hub.db.on_commit = deaf
        await it.hub.db.write(lambda connection: say_after_commit(connection, "that"))  # is on disk all the same


# ------------------------------------------------------------------------------------------------ odd plugins


@pytest.mark.parametrize(
    ("source", "record", "error"),
    [
        ("post", order("09:00"), "post told of a OrderSnapshot, which a carrier cannot know"),
        ("post", Reread(RefKind.ORDER, "1"), "post told of a Reread, which a carrier cannot know"),
        ("mail", scan("P1", "delivered", "09:50"), "letters told of a Checkpoint, which a channel cannot know"),
        ("shop", {"id": 1}, "shoplet told of a dict, which a platform cannot know"),
    ],
)
async def test_a_plugin_tells_only_what_its_kind_can_know(tmp_path: Path, source: str, record: Any, error: str) -> None:
    async with hamlet(tmp_path) as it:
        await it.hear(source, "whatever", record)
        (row,) = await it.rows(tables.inbox)
        assert (row.state, row.error) == (9, error)
        assert await it.rows(tables.orders) == []


async def test_a_shops_hint_at_a_parcel_asks_the_carrier_of_its_number(tmp_path: Path) -> None:
    async with hamlet(tmp_path) as it:
        await it.hear("shop", "order:1", order("09:00", "order.packed", parcels=(packed("P1"),)))
        before = it.board.asked.count(("post", ("P1",)))
        for source in ("shop", "post"):
            await it.hear(source, f"hint:{source}", Reread(RefKind.PARCEL, "P1"), Reread(RefKind.PARCEL, "P2"))
        assert it.board.asked.count(("post", ("P1",))) == before + 2
        asked = {row.ref for row in await it.rows(tables.polls, tables.polls.c.kind == "parcel")}
        assert asked == {"P1"}, "of a parcel that no order holds nobody is asked"


@pytest.mark.parametrize("gone", [Removed("1", moment("12:00")), Merged("1", "2", moment("12:00"))])
async def test_an_order_whose_end_came_before_it_is_gone(tmp_path: Path, gone: Any) -> None:
    flows = {"received": {"on": "order.received", "steps": [says("order-received", "mail", urgent=True)]}}
    async with hamlet(tmp_path, flows) as it:
        await it.hear("shop", "order:1", gone)
        await it.hear("shop", "order:1", order("09:00", "order.packed"))
        assert set(it.said()) <= {"staff-notice"}
        assert {row.state for row in await it.rows(tables.inbox)} == {1}


# ------------------------------------------------------------------------------------------------ slots


async def test_a_drain_works_on_its_slots_and_leaves_the_others(tmp_path: Path, database_url: str) -> None:
    """Everything of an order lies in the order's slot, so that one drain does all of it."""
    flows = {
        "received": {"on": "order.received", "steps": [says("order-received", "mail", urgent=True), {"wait": "1h"}]}
    }
    async with hamlet(tmp_path, flows, database=database_url) as it:
        hub, own = it.hub, slot_of("shop:1")
        hub.worker.cancel()  # type: ignore[union-attr]
        mine, others = range(own, own + 1), range(own + 1, tables.SLOTS)
        await it.store("shop", it.board.raw("order:1", order("09:00", "order.packed", parcels=(packed("P1"),))))
        for slots, done in ((others, False), (mine, True)):
            assert bool(await hub.apply.drain(slots)) is done
        for slots, done in ((others, False), (mine, True)):
            assert bool(await hub.deliver.drain(slots)) is done
        await hub.deliver.settle()
        for slots, done in ((others, False), (mine, True)):
            before = len(it.board.asked)
            await hub.polls.drain(slots)
            await hub.polls.settle()
            assert (("post", ("P1",)) in it.board.asked[before:]) is done
        it.clock.move_to(it.clock.now() + timedelta(hours=2))
        for slots, done in ((others, False), (mine, True)):
            assert bool(await hub.apply.drain(slots)) is done, "the run's timer"
        of_order = (tables.inbox, tables.messages, tables.runs, tables.timers, tables.orders)
        assert {row.slot for table in of_order for row in await it.rows(table) if "P1" not in str(row)} == {own}
