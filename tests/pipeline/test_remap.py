"""A code's meaning changed: the orders that hold it are folded again, and what is still news is told."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from hub.model import Checkpoint
from hub.plugin import StatusTables
from hub.status import Meaning, Shipment
from hub.store.database import Database
from hub.store.tables import facts, messages, orders, unmapped

from .fakes import CONNECTIONS, Desk, Post, connection, notify, order, parcel, scan, world

FLOWS = {
    "shipped": {"on": "shipment.shipped", "steps": [notify("shipped", via=["mail"])]},
    "delivered": {"on": "shipment.delivered", "steps": [notify("delivered", via=["mail"])]},
}
Codes = Mapping[str, Mapping[str, Meaning]]
DELIVERED = Meaning(Shipment.DELIVERED, "")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    db = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    yield Desk(db, world(FLOWS))
    db.close()


async def moving(desk: Desk, *codes: str) -> None:
    """A parcel on its way, of which the post then says these codes."""
    await desk.hear(order("09:00", "order.packed", parcels=(parcel("1", "09:00", numbers=["P1"]),)), at="10:00")
    await desk.hear(scan("P1", "in_transit", "10:00"), at="10:01")
    await desk.wait(minutes=5)
    for code in codes:
        await desk.hear(scan("P1", code, "10:30"), at="10:31")


async def live(desk: Desk, statuses: Codes | None = None, post: type[Post] = Post) -> int:
    """These codes go live; returns how many orders were folded again."""
    them = [*(each for each in CONNECTIONS if each.name != "post"), connection("post", post)]
    count = desk.go_live(world(FLOWS, statuses=statuses, connections=them))
    await desk.settle()
    await desk.wait(minutes=5)
    return count


def headline(desk: Desk) -> str:
    (row,) = desk.rows(orders)
    return str(row.headline)


def told(desk: Desk) -> list[str]:
    return [template for template, _, _ in desk.messages()]


async def test_a_newly_mapped_code_takes_effect_and_is_told_while_it_is_news(desk: Desk) -> None:
    await moving(desk, "handed")
    assert headline(desk) == "in_transit"
    assert [row.code for row in desk.rows(unmapped)] == ["handed"]
    assert await live(desk, {"post": {"handed": DELIVERED}}) == 1
    assert (headline(desk), told(desk)) == ("delivered", ["shipped", "delivered"])
    assert desk.rows(unmapped) == []


async def test_but_not_when_it_is_old(desk: Desk) -> None:
    await moving(desk, "handed")
    await desk.hear(at="+3 10:00")
    await live(desk, {"post": {"handed": DELIVERED}})
    assert (headline(desk), told(desk)) == ("delivered", ["shipped"])


async def test_nor_is_what_it_only_implies(desk: Desk) -> None:
    """A parcel is delivered by a code that was unknown: nobody is told at once that it was shipped, and delivered."""
    await desk.hear(order("09:00", "order.packed", parcels=(parcel("1", "09:00", numbers=["P1"]),)), at="10:00")
    await desk.hear(scan("P1", "handed", "10:00"), at="10:01")
    await live(desk, {"post": {"handed": DELIVERED}})
    assert (headline(desk), told(desk)) == ("delivered", ["delivered"])


async def test_un_mapping_takes_effect_silently(desk: Desk) -> None:
    await live(desk, {"post": {"handed": DELIVERED}})
    await moving(desk, "handed")
    await desk.wait(minutes=5)
    assert (headline(desk), told(desk)) == ("delivered", ["shipped", "delivered"])
    assert await live(desk) == 1
    assert (headline(desk), told(desk)) == ("in_transit", ["shipped", "delivered"])


NEAR = {
    "near": {"on": "shipment.arrived_at_branch", "steps": [notify("out-for-delivery", via=["mail"])]},
    "ready": {"on": "shipment.ready_for_pickup", "steps": [notify("ready-for-pickup", via=["mail"])]},
}
READY = Meaning(Shipment.READY_FOR_PICKUP, "")


async def remapped(desk: Desk, before: Codes, after: Codes, *scans: Checkpoint) -> list[str]:
    """What customers are told when these scans came with one meaning and then get another."""
    desk.go_live(world(NEAR, statuses=before))
    await desk.hear(order("09:00", "order.packed", parcels=(parcel("1", "09:00", numbers=["P1"]),)), at="10:00")
    await desk.hear(*scans, at="10:31")
    await desk.wait(minutes=5)
    known = len(told(desk))
    desk.go_live(world(NEAR, statuses=after))
    await desk.settle()
    await desk.wait(minutes=5)
    return told(desk)[known:]


async def test_what_only_shows_again_when_a_newer_word_loses_its_meaning_is_not_told(desk: Desk) -> None:
    scans = (scan("P1", "arrived_at_branch", "10:05"), scan("P1", "handed", "10:10"))
    assert await remapped(desk, {"post": {"handed": READY}}, {}, *scans) == []
    assert headline(desk) == "arrived_at_branch"


@pytest.mark.parametrize(
    ("later", "said"),
    [
        pytest.param((), ["ready-for-pickup"], id="nothing"),
        pytest.param((scan("P1", "handed", "10:20"),), ["ready-for-pickup"], id="the same again"),
        pytest.param((scan("P1", "in_transit", "10:15"),), [], id="a scan that does not count"),
    ],
)
async def test_a_newly_mapped_code_is_told_while_nothing_newer_was_said(
    desk: Desk, later: tuple[Checkpoint, ...], said: list[str]
) -> None:
    scans = (scan("P1", "shipped", "10:05"), scan("P1", "handed", "10:10"), *later)
    assert await remapped(desk, {}, {"post": {"handed": READY}}, *scans) == said
    assert headline(desk) == "ready_for_pickup"


class NextEdition(Post):
    statuses: ClassVar[StatusTables] = {"post": {**Post.statuses["post"], "in_transit": Meaning(Shipment.PROBLEM, "")}}


async def test_another_edition_of_a_plugins_table_takes_effect_too(desk: Desk) -> None:
    await moving(desk)
    assert await live(desk, post=NextEdition) == 1
    assert headline(desk) == "problem"


@pytest.mark.parametrize(
    "statuses",
    [
        pytest.param({}, id="nothing changed"),
        pytest.param({"post": {"never-seen": DELIVERED}}, id="a code that nobody sent"),
        pytest.param({"post": {"in_transit": Meaning(Shipment.IN_TRANSIT, "another label")}}, id="the same meaning"),
        pytest.param({"shop": {"in_transit": DELIVERED}}, id="another connection's code"),
    ],
)
async def test_what_changes_nothing_folds_nothing_again(desk: Desk, statuses: Codes) -> None:
    await moving(desk)
    before = [desk.rows(table) for table in (facts, messages)]
    assert await live(desk, statuses) == 0
    assert await live(desk, statuses) == 0
    assert [desk.rows(table) for table in (facts, messages)] == before


async def test_every_order_with_the_code_is_folded_again_and_no_other(desk: Desk) -> None:
    def numbered(ref: str) -> Any:
        return order("09:00", "order.packed", ref=ref, parcels=(parcel("1", "09:00", numbers=[f"P{ref}"]),))

    await desk.hear(*(numbered(ref) for ref in "123"), at="10:00")
    await desk.hear(
        scan("P1", "handed", "10:00"), scan("P2", "handed", "10:00"), scan("P3", "shipped", "10:00"), at="10:01"
    )
    assert await live(desk, {"post": {"handed": DELIVERED}}) == 2
    assert [row.headline for row in desk.rows(orders)] == ["delivered", "delivered", "shipped"]
