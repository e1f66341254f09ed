"""What a shop or a carrier corrected without moving a status: other items, another address, other dates (FLOWS 2.2,
`order.changed`, `shipment.changed`). Pure.

Only what was known before can change: that a part becomes known is told with the status that brings it.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from hub.model import PickupPoint, Window

from .occasions import Occasion
from .plain import number_of
from .state import OrderView, ShipmentView

ORDER, SHIPMENT = "order.changed", "shipment.changed"


def changes(before: OrderView | None, after: OrderView, fresh_since: datetime) -> list[Occasion]:
    """What changed between two states of one order, each subject once. `fresh_since`: a status that was reached since
    then is news, and tells the number of a parcel itself."""
    if before is None or before.snapshot is None or after.snapshot is None:
        return []
    return [*_order(before, after), *_shipments(before, after, fresh_since)]


def _order(before: OrderView, after: OrderView) -> Iterator[Occasion]:
    if before.order.state is not after.order.state or before.payment.state is not after.payment.state:
        return
    assert after.snapshot is not None
    changed = _differences(_of_order(before), _of_order(after))
    if changed:
        yield _occasion(ORDER, "order", after.id, changed, after.snapshot.version)


def _of_order(view: OrderView) -> Mapping[str, Any]:
    snapshot = view.snapshot
    assert snapshot is not None
    address, parts = snapshot.address, ("street", "city", "region", "postcode", "country")
    return {
        "items": sorted((each.ref, str(each.ordered - each.removed)) for each in snapshot.lines or ()),
        "address": "|".join(_plain(getattr(address, name)) for name in parts).strip("|") if address else None,
        "recipient": _plain(address.name) if address else None,
        "pickup_point": _point(snapshot.point),
        "due_at": _time(snapshot.payment_due_at),
    }


def _shipments(before: OrderView, after: OrderView, fresh_since: datetime) -> Iterator[Occasion]:
    for each in after.live:
        was = next((one for one in before.shipments if one.id == each.id), None)
        if was is None:
            told_anyway = each.folded.since is not None and each.folded.since > fresh_since
            was = None if told_anyway else _under_another_number(each, before, after)
        if was is None or was.folded.state is not each.folded.state:
            continue
        changed = _differences(_of_shipment(was), _of_shipment(each))
        if changed:
            yield _occasion(SHIPMENT, "shipment", each.id, changed, _said_at(each, after))


def _under_another_number(each: ShipmentView, before: OrderView, after: OrderView) -> ShipmentView | None:
    """What a parcel was whose number the shop corrected: to the hub it is another parcel of the same fulfilment."""
    ref = each.snapshot.ref if each.snapshot else None
    gone = (one for one in before.shipments if one.snapshot is not None and not after.has(one.id))
    return next((one for one in gone if one.snapshot is not None and one.snapshot.ref == ref), None)


def _of_shipment(each: ShipmentView) -> Mapping[str, Any]:
    leg, deadline = each.current, each.news.deadline
    return {
        "tracking_number": leg.number.number if leg else None,
        "carrier": (leg.carrier or _plain(leg.number.carrier)) if leg else None,
        "eta": _window(each.news.eta),
        "pickup_point": _point(each.news.place),
        "pickup_deadline": _time(deadline.at) if deadline else None,
    }


def _said_at(each: ShipmentView, view: OrderView) -> datetime:
    """When the newest word about a parcel was said."""
    of_numbers = (view.doc.news.get(leg.number.number) for leg in each.legs)
    said = [at for news in of_numbers if news is not None for at in news.said_at.values()]
    assert view.snapshot is not None
    return max([*said, each.snapshot.version if each.snapshot else view.snapshot.version])


def _occasion(word: str, kind: str, subject: str, changed: Mapping[str, Any], at: datetime) -> Occasion:
    occurrence = number_of(*changed.items(), at.isoformat())
    return Occasion(word, kind, subject, occurrence, at, None, changed=tuple(changed))


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Mapping[str, Any]:
    """Field → its new value, of those that were known and are now another."""
    return {name: new for name, new in after.items() if new and before[name] and new != before[name]}


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _point(point: PickupPoint | None) -> str | None:
    return (point.ref or _plain(f"{point.name} {point.address}")) if point is not None else None


def _window(window: Window | None) -> list[str] | None:
    return [window.start.isoformat(), window.end.isoformat()] if window is not None else None


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
