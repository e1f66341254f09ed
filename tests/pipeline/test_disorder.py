"""Any history of an order, shuffled and doubled on its way to the hub: the same end, and nothing said twice."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.model import Direction, Number, ParcelNews, RefKind, Relation, Retraction, ReturnSnapshot, StatusEvent
from hub.pipeline.state import OrderView
from hub.status import Shipment

from .fakes import Story, moment, native, notify, order, parcel, scan, world

WORDS = ("shipped", "in_transit", "ready_for_pickup", "delivery_failed", "delivered", "returned", "problem")
FLOWS: dict[str, Any] = {
    **{f"s-{word}": {"on": f"shipment.{word}", "steps": [notify("shipped")]} for word in WORDS},
    "received": {"on": "order.received", "steps": [notify("order-received")]},
    "cancelled": {"on": "order.cancelled", "steps": [notify("order-cancelled")]},
    "done": {"on": "order.delivered", "steps": [notify("delivered")]},
    "back": {"on": ["return.returning", "return.returned"], "steps": [notify("return-news")]},
    "paid": {"on": "payment.paid", "steps": [notify("payment-received")]},
}
TIMES = st.integers(0, 40).map(lambda step: f"{9 + step // 12:02}:{step % 12 * 5:02}")
CODES = st.sampled_from([*map(str, Shipment), "nobody-mapped-this"])
ORDERS = st.sampled_from(["order.processing", "order.packed", "order.completed", "order.cancelled", "open", "chatter"])
PAYMENTS = st.sampled_from(["payment.paid", "payment.cash_on_delivery", "payment.refunded", "payment.awaiting_payment"])
FULFILMENTS = st.sampled_from(["shipment.shipped", "shipment.delivered", "shipment.cancelled"])
PARCELS = st.builds(
    lambda ref, at, word, numbers, way, replaces: parcel(
        ref, at, word, numbers=numbers, direction=way, replaces=replaces
    ),
    st.sampled_from(["1", "2", "number:P1"]), TIMES, FULFILMENTS,
    st.sampled_from([(), ("P1",), ("P1", "P2"), ("P2", "P1"), ("P9",), ("X1",)]),
    st.sampled_from([Direction.OUT, Direction.OUT, Direction.BACK]), st.sampled_from(["", "", "1"]),
)  # fmt: skip
RETURNS = st.builds(
    lambda ref, at, word, numbers: ReturnSnapshot(
        ref, moment(at), (native(word),), numbers=tuple(map(Number, numbers))
    ),
    st.sampled_from(["r1", "r2"]), TIMES, st.sampled_from(["return.requested", "return.approved", "return.refused"]),
    st.sampled_from([(), ("P9",)]),
)  # fmt: skip
SNAPSHOTS = st.builds(
    lambda at, one, two, parcels, returns: order(at, one, two, parcels=parcels, returns=returns),
    TIMES, ORDERS, PAYMENTS, st.none() | st.lists(PARCELS, max_size=2).map(tuple),
    st.none() | st.lists(RETURNS, max_size=2).map(tuple),
)  # fmt: skip
SCANS = st.builds(scan, st.sampled_from(["P1", "P2", "P3", "P9"]), CODES, TIMES)
NEWS = st.builds(
    lambda number, at, relation: ParcelNews(number, moment(at), next=Number("P3"), relation=relation),
    st.sampled_from(["P1", "P2"]), TIMES, st.sampled_from(Relation),
)  # fmt: skip
SAME_EVENT = st.builds(
    lambda at, word, event: StatusEvent(RefKind.PARCEL, "1", "1", native(word), moment(at), event_id=event),
    TIMES, FULFILMENTS, st.sampled_from(["e1", "e2"]),
)  # fmt: skip
"""The sender tells an event again under its own id, sometimes with another time or word."""
TAKEN_BACK = st.builds(lambda of, at: Retraction("1", of, moment(at)), st.sampled_from(["e1", "e2"]), TIMES)
HISTORIES = st.lists(SNAPSHOTS | SCANS | SCANS | NEWS | SAME_EVENT | TAKEN_BACK, min_size=2, max_size=8)
SHUFFLED = HISTORIES.flatmap(lambda records: st.tuples(st.just(records), st.permutations([*records, *records[:3]])))


def end(view: OrderView) -> dict[str, Any]:
    """All that is known of an order in the end."""
    return {
        "order": (view.order.state, view.order.since),
        "payment": view.effective_payment,
        "headline": view.headline.value,
        "rest": view.rest,
        "delivered": view.delivered,
        "shipments": sorted(
            (sorted(each.numbers) or [each.id], str(each.status), str(each.folded.since), each.live)
            for each in view.shipments
        ),
        "returns": [(case.id, case.folded.state) for case in view.returns],
    }


def lived(records: list[Any]) -> tuple[Story, list[tuple[Any, ...]]]:
    """The story of these events, and of which parcel what was set off: by its number, for that is the parcel."""
    story, set_off = Story(world(FLOWS), now=moment("13:00")), list[tuple[Any, ...]]()
    for record in records:
        for row in story.react(record).runs:
            if row.new:
                set_off.append((row.flow, row.word, row.occurrence, *_physical(story.view, row.subject)))
        story.now -= timedelta(seconds=1)  # heard at one moment: when it was heard must not matter
    return story, set_off


def _physical(view: OrderView, subject: str) -> tuple[str, ...]:
    """The number that a parcel set off under. (One of two fulfilments in one parcel is kept silent by the outbox.)"""
    mine = next((each for each in view.shipments if each.id == subject), None)
    shared = mine is not None and any(each is not mine and each.numbers & mine.numbers for each in view.shipments)
    return (subject,) if mine is None or shared or not mine.legs else (mine.legs[0].number.number,)


@given(SHUFFLED)
@settings(max_examples=50, deadline=None)
def test_the_end_depends_on_what_happened_and_not_on_when_it_was_heard(both: tuple[list[Any], list[Any]]) -> None:
    one, other = both
    (first, said), (second, more) = lived(one), lived(other)
    assert end(first.view) == end(second.view)
    assert len(said) == len(set(said)) and len(more) == len(set(more)), "nothing is said twice of a parcel"
