"""Which tracking numbers a carrier is asked about, how often, and until when. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from hub.status import FINAL, Folded, Return, Shipment, Status, Verdict
from hub.store.tables import TENANT, slot_of

from .state import OrderView
from .world import World

INTERVALS: Mapping[Shipment | None, timedelta] = {
    None: timedelta(hours=1),
    Shipment.ANNOUNCED: timedelta(hours=2),
    Shipment.SHIPPED: timedelta(hours=1),
    Shipment.IN_TRANSIT: timedelta(hours=1),
    Shipment.ON_HOLD: timedelta(hours=2),
    Shipment.ARRIVED_AT_BRANCH: timedelta(minutes=30),
    Shipment.OUT_FOR_DELIVERY: timedelta(minutes=30),
    Shipment.DELIVERY_FAILED: timedelta(hours=1),
    Shipment.READY_FOR_PICKUP: timedelta(hours=2),
    Shipment.PROBLEM: timedelta(hours=4),
    Shipment.RETURNING: timedelta(hours=6),
}
"""How often a carrier is asked about a parcel, by its status; an adapter's own table comes first."""

DAILY = timedelta(days=1)
RETURNS_EVERY = timedelta(hours=6)
CORRECTIONS = timedelta(days=3)
"""A final parcel is asked once a day for this long, to hear corrections (STATUS.md 1)."""
UNSENT_FOR = timedelta(days=3)
"""A parcel that its sender still has after this long is asked about once a day (Nova Poshta's page, A3)."""
UNMOVED_FOR = timedelta(days=14)
"""So is one that stands anywhere else for this long."""
GIVEN_UP = timedelta(days=90)
"""Nobody asks any more for a parcel of which nothing was heard for this long; whatever is heard of it begins anew."""
_UNSENT = (None, Shipment.ANNOUNCED)
_RETURN_OVER = FINAL | {Return.RETURNED}


def questions(after: OrderView, world: World, now: datetime) -> list[dict[str, Any]]:
    """Rows of polls, one for each number that a carrier connection follows: of several parcels under one number the one
    that is asked about most counts."""
    rows: list[dict[str, Any]] = []
    for each in after.shipments:
        for leg in each.legs:
            if leg.carrier:
                every = world.carrier(leg.carrier).intervals.get(each.status) or INTERVALS.get(each.status) or DAILY
                wanted = _wanted(every, each.folded, now, over=_over(each.folded, each.status, world))
                rows.append(_row(after.id, leg.carrier, leg.number.number, now, *wanted))
    for case in after.returns:
        for leg in case.legs:
            if leg.carrier:
                wanted = _wanted(RETURNS_EVERY, case.folded, now, over=case.folded.state in _RETURN_OVER)
                rows.append(_row(after.id, leg.carrier, leg.number.number, now, *wanted))
    rows.sort(key=lambda row: (row["state"], -row["every"], row["until_at"]))
    return list({(row["connection"], row["ref"]): row for row in rows[::-1]}.values())


def pace(row: Mapping[str, Any], now: datetime) -> timedelta:
    """How long after now a parcel is asked about again; `row`: one of polls."""
    slow = not row["every"] or (row["slow_at"] is not None and row["slow_at"] <= now)
    return DAILY if slow else timedelta(seconds=row["every"])


def _over(folded: Folded, status: Status | None, world: World) -> bool:
    """Whether nothing more is expected: as the table of the source says of its last word, else as the status says."""
    words = [line.fact for line in folded.lines if line.verdict in (Verdict.MOVE, Verdict.SAME)]
    last = world.meaning(words[-1].source, words[-1].native.vocabulary, words[-1].native.code) if words else None
    final = last.meaning.final if last is not None and folded.state is status else None
    return status in FINAL if final is None else final


def _wanted(every: timedelta, folded: Folded, now: datetime, *, over: bool) -> tuple[timedelta, datetime, datetime]:
    """How often, from when on only daily, and until when."""
    since = folded.since or now
    if over:
        return DAILY, since, since + CORRECTIONS
    patience = UNSENT_FOR if folded.state in _UNSENT else UNMOVED_FOR
    return every, since + patience, since + GIVEN_UP


def _row(
    order_id: str, carrier: str, number: str, now: datetime, every: timedelta, slow_at: datetime, until: datetime
) -> dict[str, Any]:
    return {
        "tenant": TENANT,
        "slot": slot_of(order_id),
        "connection": carrier,
        "kind": "parcel",
        "ref": number,
        "due_at": now,
        "state": int(until <= now),
        "every": int(every.total_seconds()),
        "slow_at": slow_at,
        "until_at": until,
    }
