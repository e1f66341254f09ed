"""What a parcel offers its reader beside its status: until when it waits and where, what is due, when it comes."""

from hub.model import (
    Deadline,
    DeadlineBasis,
    DeadlineKind,
    Money,
    PickupPoint,
    PointKind,
    Window,
)
from hub.status import (
    Payment,
    Shipment,
    storage_rule,
)

from .documents import OrderDoc
from .state import OrderView, ShipmentView
from .world import World


def deadline_of(each: ShipmentView, world: World) -> Deadline | None:
    """Until when a collectible parcel waits: the carrier's word, else the `storage` of the connection that speaks of it
    (the carrier's, or the shop's own), else the shipped storage rules (STATUS.md 5), which also say whose first notice
    starts the clock. None: not known, and then none is shown."""
    if each.news.deadline is not None:
        return each.news.deadline
    point = each.news.point
    kind = PointKind.SHOP if each.pickup else point.kind if point else None
    if kind is None:
        return None
    carrier = each.current.carrier if each.current else ""
    rule = storage_rule(world.connection(carrier).plugin if carrier else "", kind.value)
    once = rule is not None and rule.starts == "first_notice"
    starts = each.entered_at(Shipment.READY_FOR_PICKUP) if once else each.arrived_at()
    if starts is None:
        return None
    storage = world.connection(carrier or each.connection).storage
    if kind.value in storage:
        return Deadline(starts + storage[kind.value], DeadlineKind.GOES_BACK, DeadlineBasis.ESTIMATED)
    if rule is None or rule.free is None or rule.kind is None:
        return None
    return Deadline(starts + rule.free, DeadlineKind(rule.kind), DeadlineBasis.ESTIMATED)


def point_of(each: ShipmentView, doc: OrderDoc) -> PickupPoint | None:
    """Where it is to be collected: the carrier's word, else the point chosen at checkout."""
    return each.news.place or (doc.snapshot.point if doc.snapshot else None)


def cash_due(each: ShipmentView, current: OrderView) -> Money | None:
    """What is to be paid at hand-over, while it is."""
    if current.effective_payment is not Payment.CASH_ON_DELIVERY:
        return None
    if each.news.cod is not None and each.news.cod.amount is not None:
        return each.news.cod.amount
    if each.snapshot is not None and each.snapshot.cod is not None:
        return each.snapshot.cod
    only = len(current.live) == 1 and not current.rest
    return current.snapshot.total if only and current.snapshot else None


def eta_of(each: ShipmentView, doc: OrderDoc) -> Window | None:
    """When it is expected: the carrier's word, else what the shop promised."""
    return each.news.eta or (doc.snapshot.promise if doc.snapshot else None)
