"""Customers whom a flow leaves out for good, so that the others can be compared with them (FLOWS 11). Pure."""

from hub.flows.model import Flow
from hub.store.tables import TENANT

from .plain import number_of

_PARTS = 10_000


def is_held_out(flow: Flow, customer_id: str) -> bool:
    """Whether a customer is of the share that a flow does nothing for: the same for all their orders, and under any
    name that the flow has had (the first of `was` is its oldest)."""
    if flow.holdout is None or not customer_id:
        return False
    name = flow.was[0] if flow.was else flow.name
    return number_of(TENANT, "holdout", name, customer_id) % _PARTS < flow.holdout * _PARTS // 100
