"""How often a flow begins: once for a parcel, an order or a customer, ever or within a time (FLOWS 2.2)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from hub.model import Customer
from hub.pipeline.claims import Claim, write_claims
from hub.pipeline.receive import inbox_row
from hub.plugin import Raw
from hub.status import Mode
from hub.store import tables
from hub.store.database import Database

from .fakes import ORDER, Desk, _insert, moment, notify, order, parcel, scan, world

Make = Callable[[Mapping[str, Any]], Desk]
ANNA, BORYS = Customer(email="anna@x.example"), Customer(email="borys@x.example")


def flow(once: Any, on: Any = "order.on_hold", **more: Any) -> dict[str, Any]:
    return {"on": on, "once": once, "steps": [notify("on-hold", via=["mail"])], **more}


@pytest.fixture
def desk(database_url: str) -> Iterator[Make]:
    """A desk with these flows; its database is closed at the end."""
    db = Database(database_url)
    yield lambda flows: Desk(db, world(flows))
    db.close()


def begun(it: Desk) -> list[str]:
    """What became of each time that the flow was set off."""
    lines = it.rows(tables.timeline, tables.timeline.c.kind == "run")
    return [row.doc["result"] for row in lines if row.doc["result"] != "done"]


async def held(it: Desk, at: str, ref: str = "1", customer: Customer = ANNA) -> None:
    """The order is put on hold, after it was released."""
    day, _, clock = at.rpartition(" ")
    before = f"{day} {clock[:-1]}0".strip()
    await it.hear(order(before, "order.processing", ref=ref, customer=customer), at=before)
    await it.hear(order(at, "order.on_hold", ref=ref, customer=customer), at=at)


async def test_each_time_is_its_own_news_unless_it_is_said_otherwise(desk: Make) -> None:
    it = desk({"hold": flow("occurrence")})
    await held(it, "10:01")
    await held(it, "11:01")
    assert begun(it) == ["started", "started"]


async def test_once_for_an_order_is_once_ever(desk: Make) -> None:
    it = desk({"hold": flow("order")})
    for at in ("10:01", "11:01", "+40 10:01"):
        await held(it, at)
    await held(it, "+40 11:01", ref="2", customer=BORYS)
    assert begun(it) == ["started", *["said-already: once for this order"] * 2, "started"]


async def test_once_for_a_customer_holds_over_their_orders(desk: Make) -> None:
    it = desk({"hold": flow("customer")})
    await held(it, "10:01")
    await held(it, "10:11", ref="2")
    await held(it, "10:21", ref="3", customer=BORYS)
    assert begun(it) == ["started", "said-already: once for this customer", "started"]


async def test_two_orders_of_one_customer_in_one_batch_begin_once(desk: Make) -> None:
    it = desk({"hold": flow("customer", on="order.received")})
    rows: list[Any] = []
    for ref in ("1", "2", "3"):
        it.said[ref] = order("10:00", "order.received", ref=ref, customer=ANNA, placed="10:00")
        rows.append(inbox_row("shop", Raw(ref, f"order:{ref}", ref), Mode.LIVE, it.clock))
    await it.db.write(partial(_insert, rows=rows))
    await it.settle()
    assert sorted(begun(it)) == ["said-already: once for this customer"] * 2 + ["started"]
    assert len(it.rows(tables.claims)) == 1


async def test_once_for_a_parcel_holds_for_that_parcel(desk: Make) -> None:
    it = desk({"out": flow("shipment", on="shipment.out_for_delivery")})
    await it.hear(
        order(
            "10:00",
            "order.received",
            parcels=(parcel("a", "10:00", numbers=["P1"]), parcel("b", "10:00", numbers=["P2"])),
        ),
        at="10:00",
    )
    for number, code, at in (
        ("P1", "out_for_delivery", "10:05"), ("P2", "out_for_delivery", "10:06"), ("P1", "delivery_failed", "11:00"),
        ("P1", "out_for_delivery", "+1 10:05"),
    ):  # fmt: skip
        await it.hear(scan(number, code, at), at=at)
    assert begun(it) == ["started", "started", "said-already: once for this shipment"]


async def test_a_window_ends_and_counts_from_the_last_that_began(desk: Make) -> None:
    it = desk({"hold": flow({"order": "2d"})})
    for at in ("10:01", "+1 10:01", "+2 10:11", "+3 10:01", "+4 11:01"):
        await held(it, at)
    said = "said-already: once for this order"
    assert begun(it) == ["started", said, "started", said, "started"]


async def test_a_new_name_tells_nobody_again_and_conditions_claim_nothing(desk: Make) -> None:
    it = desk({"hold": flow("order", when="order.item_count > 5")})
    await held(it, "10:01")
    assert it.rows(tables.claims) == [], "it did not begin"
    it.go_live(world({"hold": flow("order")}))
    await held(it, "11:01")
    it.go_live(world({"kept-back": flow("order", was=["hold"])}))
    await held(it, "12:01")
    assert begun(it)[1:] == ["started", "said-already: once for this order"]


async def test_a_shadow_claims_for_itself(desk: Make) -> None:
    it = desk({"hold": flow("order", state="shadow")})
    await held(it, "10:01")
    it.go_live(world({"hold": flow("order")}))
    await held(it, "11:01")
    await held(it, "12:01")
    assert begun(it) == ["started in shadow", "started", "said-already: once for this order"]


async def test_parcels_that_are_told_together_are_claimed_together(desk: Make) -> None:
    it = desk({"gone": flow("shipment", on="shipment.shipped", gather="30m")})
    parts = tuple(parcel(ref, "10:00", numbers=[f"P{ref}"]) for ref in "ab")
    await it.hear(order("10:00", "order.received", parcels=parts), at="10:00")
    await it.hear(scan("Pa", "shipped", "10:05"), at="10:05")
    await it.hear(scan("Pb", "shipped", "10:06"), at="10:06")
    assert [(row.scope, row.ref) for row in it.rows(tables.claims)] == [
        ("shipment", f"{ORDER}/a"), ("shipment", f"{ORDER}/b"),
    ]  # fmt: skip


def claim(seen: str | None = None, at: str = "10:00") -> Claim:
    return Claim(("hold", "customer", "c"), "c", moment(at), moment(seen) if seen else None)


@pytest.mark.parametrize(
    ("rows", "written"),
    [([claim()], True), ([claim(), claim()], False), ([claim(), claim("10:00", "11:00")], True),
     ([claim(), claim("09:00", "11:00")], False)],
)  # fmt: skip
async def test_who_was_faster_is_found_when_it_is_written(desk: Make, rows: Sequence[Claim], written: bool) -> None:
    it = desk({})
    assert it.db.run(lambda connection: write_claims(connection, it.db.dialect, rows)) is written


async def test_what_another_process_claimed_meanwhile_is_read_again(desk: Make) -> None:
    """The row appears between reading and writing: the batch is decided anew, and nobody is told twice."""
    it = desk({"hold": flow("customer", on="order.received")})
    await it.hear(order("10:00", "order.packed", ref="9", customer=ANNA, placed="10:00"), at="10:00")
    (known,) = {row.customer_id for row in it.rows(tables.orders)}
    it.db.run(lambda connection: connection.execute(sa.delete(tables.claims)))
    read = it.apply.db.read
    seen: list[bool] = []

    async def read_and_lose(work: Any) -> Any:
        found = await read(work)
        if getattr(found, "orders", None) and not seen:
            seen.append(True)
            theirs = [replace(claim(), key=("hold", "customer", known), home=known)]
            it.db.run(lambda connection: write_claims(connection, it.db.dialect, theirs))
        return found

    it.apply.db.read = read_and_lose  # type: ignore[method-assign]
    await it.hear(order("10:05", "order.received", ref="2", customer=ANNA, placed="10:05"), at="10:05")
    it.apply.db.read = read  # type: ignore[method-assign]
    assert seen and begun(it)[-1] == "said-already: once for this customer"
