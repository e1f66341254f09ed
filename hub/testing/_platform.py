"""What every platform is held to."""

import json
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

from hub.model import Merged, OrderSnapshot, OwnEvent, Removed, Reread, Retraction, StatusEvent
from hub.plugin import CouponWish, Page, Platform, Raw
from hub.status import Axis, axis_of, lookup
from hub.status import Table as StatusTable

from ._http import HttpConformance
from ._kit import require, run
from ._samples import Sample
from ._tables import check_tables

_MOST_PAGES = 50


class PlatformConformance(HttpConformance):
    """Samples are answers to a first `poll`, and webhooks."""

    adapter: ClassVar[type[Platform[Any]]]

    async def asked(self, adapter: Any, sample: Sample) -> Sequence[Raw]:
        page: Page = await adapter.poll(None)
        return page.events

    async def ask(self, adapter: Any) -> Any:
        await adapter.poll(None)

    def test_every_event_is_about_something(self, sample: Sample) -> None:
        """`subject` says what it speaks of, and the records are a platform's."""
        for raw in self.events(sample):
            kind, _, ref = raw.subject.partition(":")
            require(kind and ref, f"the subject of an event is like order:<ref>, not {raw.subject!r}")
            wrong = [
                type(record).__name__
                for record in self.read(raw)
                if not isinstance(
                    record, OrderSnapshot | StatusEvent | Removed | Merged | Retraction | Reread | OwnEvent
                )
            ]
            require(not wrong, f"a platform says nothing of {wrong}")

    def test_no_two_natives_of_an_order_claim_one_axis(self, sample: Sample) -> None:
        """The adapter decides which field leads."""
        tables = {name: StatusTable.of(rows) for name, rows in self.adapter.statuses.items()}
        for raw in self.events(sample):
            for record in self.read(raw):
                if isinstance(record, OrderSnapshot):
                    axes = [_axis(tables, native.vocabulary, native.code) for native in record.natives]
                    claimed = [axis for axis in axes if axis is not None]
                    require(len(set(claimed)) == len(claimed), f"two natives claim the same axis: {record.natives}")

    def test_the_status_tables_are_sound(self) -> None:
        """A platform may speak of every axis."""
        check_tables(self.adapter.statuses, self.adapter.name, frozenset(Axis))

    def test_the_safety_net_is_cast_in_time(self) -> None:
        """A poll at least once a day, at most once a minute."""
        every = self.adapter.poll_every
        require(timedelta(minutes=1) <= every <= timedelta(days=1), f"poll_every is {every}: out of reason")

    def test_the_sandbox_is_greeted(self) -> None:
        """`hello` says one line for people."""

        async def greet() -> str:
            async with self.in_sandbox() as (adapter, _):
                return str(await adapter.hello())

        line = run(greet())
        require(line.strip() and "\n" not in line, f"`hello` returns one line for people, not {line!r}")

    def prepare(self, sandbox: Any) -> None:
        """Put at least one order into the sandbox; override it."""

    def test_a_poll_comes_to_an_end_and_gives_the_same_from_the_same_cursor(self) -> None:
        """The cursor is plain JSON; asking again from it makes no other events."""

        async def poll() -> tuple[list[str], list[str], Any]:
            async with self.in_sandbox() as (adapter, sandbox):
                self.prepare(sandbox)
                first = await _all_pages(adapter)
                second = await _all_pages(adapter)
                last = await adapter.poll(first[1])
                return first[0], second[0], last.cursor

        first, second, cursor = run(poll())
        require(first, "the sandbox has no orders: put one there by overriding `prepare`")
        require(first == second, "the same poll gives other dedupe keys the second time")
        require(json.loads(json.dumps(cursor)) == cursor, f"a cursor is plain JSON, not {cursor!r}")

    def test_what_it_can_do_in_the_shop_is_declared(self) -> None:
        """Flows are only let ask for what `coupons` and `tags_on` say."""
        makes = self.adapter.make_coupon is not Platform.make_coupon
        require(makes is self.adapter.coupons, f"coupons is {self.adapter.coupons}: make_coupon says otherwise")
        tags = self.adapter.tag is not Platform.tag
        require(tags is bool(self.adapter.tags_on), f"tags_on is {set(self.adapter.tags_on)}: tag says otherwise")

    def test_a_coupon_can_be_asked_for_twice(self) -> None:
        """After a lost answer the same wish comes again, and is no failure."""

        async def twice() -> None:
            async with self.in_sandbox() as (adapter, _):
                until = adapter.clock.now() + timedelta(days=30)
                for _ in range(2 if adapter.coupons else 0):
                    await adapter.make_coupon(CouponWish("key", "ABCDEFGHJKLM", until, percent=Decimal(10)))

        run(twice())

    def test_an_order_that_is_not_there_is_no_failure(self) -> None:
        """`fetch` of a reference that nobody knows, or that is none, gives nothing."""

        async def fetch() -> list[Any]:
            async with self.in_sandbox() as (adapter, _):
                return [await adapter.fetch(ref) for ref in ("999999999999", "", "../x", "nonsense")]

        require(not any(run(fetch())), "`fetch` of an unknown order must give nothing")


async def _all_pages(adapter: Any) -> tuple[list[str], Any]:
    keys: list[str] = []
    cursor: Any = None
    for _ in range(_MOST_PAGES):
        page: Page = await adapter.poll(cursor)
        keys += [raw.dedupe_key for raw in page.events]
        cursor = json.loads(json.dumps(page.cursor))
        if not page.more:
            break
    else:
        require(False, f"the poll has not come to an end after {_MOST_PAGES} pages")
    return keys, cursor


def _axis(tables: dict[str, StatusTable], vocabulary: str, code: str) -> Axis | None:
    found = lookup(code, plugin=tables.get(vocabulary))
    return axis_of(found.meaning.status) if found and found.meaning.status is not None else None
