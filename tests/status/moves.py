"""STATUS.md, section 1, copied as text and read by other code than the model's: what the tests compare with."""

from dataclasses import dataclass

TEXT = """
order received 10 placed - | |
order on_hold 20 placed - | received |
order processing 30 preparing - | on_hold |
order picking 40 preparing - | on_hold processing |
order packed 50 preparing - | on_hold processing picking |
order completed 60 done - | on_hold processing picking packed |
order cancelled 70 void final | received on_hold processing picking packed completed |
payment awaiting_payment 10 open - | |
payment cash_on_delivery 20 open - | awaiting_payment |
payment payment_failed 30 open - | awaiting_payment cash_on_delivery |
payment authorised 40 settled - | awaiting_payment cash_on_delivery payment_failed |
payment paid 50 settled - | awaiting_payment | voided
payment partly_refunded 60 settled - | paid | voided
payment refunded 70 back final | paid partly_refunded | voided
payment voided 80 void final | awaiting_payment cash_on_delivery authorised paid |
shipment announced 10 preparing - | |
shipment cancelled 15 void final | |
shipment shipped 20 on_the_way - | cancelled |
shipment in_transit 30 on_the_way - | |
shipment on_hold 35 on_the_way - | in_transit shipped cancelled |
shipment arrived_at_branch 40 near - | in_transit on_hold |
shipment out_for_delivery 50 near - | in_transit on_hold arrived_at_branch |
shipment delivery_failed 55 trouble - | in_transit on_hold arrived_at_branch out_for_delivery cancelled |
shipment ready_for_pickup 60 near - | in_transit on_hold arrived_at_branch out_for_delivery delivery_failed |
shipment problem 70 trouble - | shipped in_transit on_hold arrived_at_branch out_for_delivery delivery_failed \
ready_for_pickup cancelled |
shipment delivered 80 done final | out_for_delivery delivery_failed ready_for_pickup problem |
shipment returning 90 back - | problem |
shipment returned 100 back final | problem |
return requested 10 asked - | |
return approved 20 asked - | requested |
return withdrawn 25 void final | requested approved |
return refused 30 void final | requested approved |
return returning 40 back - | approved refused withdrawn |
return returned 50 back - | refused |
return refunded 60 done final | returned |
"""

OUT = {"in_transit", "out_for_delivery", "delivery_failed", "ready_for_pickup", "delivered"}


@dataclass(frozen=True, slots=True)
class Row:
    rank: int
    stage: str
    final: bool
    back_to: frozenset[str]
    not_to: frozenset[str]


def _read(line: str) -> tuple[str, Row]:
    start, back_to, not_to = line.split("|")
    axis, value, rank, stage, final = start.split()
    row = Row(int(rank), stage, final == "final", frozenset(back_to.split()), frozenset(not_to.split()))
    return f"{axis}.{value}", row


TABLE = dict(_read(line) for line in TEXT.strip().splitlines())


def may_move(state: str, value: str, way: str = "") -> bool:
    """Whether the table lets a fact lead from one full name to another of the same axis."""
    axis, _, present = state.partition(".")
    word = value.partition(".")[2]
    if TABLE[value].rank > TABLE[state].rank:
        return word not in TABLE[state].not_to
    leaves = axis == "shipment" and present in ("returning", "returned") and way == "out" and word in OUT
    return word in TABLE[state].back_to or leaves
