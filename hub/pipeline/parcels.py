"""Which parcels and return cases an order's document names, before anything is folded (STATUS.md 2). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hub.model import Direction, Number, ParcelSnapshot, Relation, ReturnSnapshot
from hub.status import Way

from .documents import OrderDoc
from .state import OF_PARCEL, ONLY_NUMBER, Leg, ShipmentView, return_id
from .world import World


@dataclass(frozen=True, slots=True)
class Outbound:
    """One parcel on its way to the customer.

    `refs`: the platform's references whose words are about it; none when it was sent in another's place, for then they
    were about that one. `holds`: the fulfilment's contents are in it; of several parcels of one fulfilment only one has
    them. `replaced`: another was sent in its place.
    """

    id: str
    snapshot: ParcelSnapshot
    legs: tuple[Leg, ...]
    refs: tuple[str, ...]
    holds: bool = True
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Returning:
    """One return case, the customer's return parcels that belong to it, and the numbers these travel under."""

    id: str
    snapshot: ReturnSnapshot
    parcels: tuple[str, ...]
    """Platform references."""
    legs: tuple[Leg, ...]


@dataclass(frozen=True, slots=True)
class Parcels:
    """Everything of one order that is sent or comes back."""

    order_id: str
    doc: OrderDoc
    world: World

    def outbound(self) -> list[Outbound]:
        """One shipment per number of each outbound fulfilment, and one for each that a carrier sent instead. What was
        only a number until a fulfilment named it is that fulfilment's parcel."""
        told = [each for each in self.doc.parcels_there if each.direction is Direction.OUT]
        joined = {
            f"{ONLY_NUMBER}{number.number}"
            for each in told
            for number in each.numbers
            if each.ref != f"{ONLY_NUMBER}{number.number}"
        }
        out = [each for each in told if each.ref not in joined]
        replaced = _replaced({each.replaces: each.ref for each in out if each.replaces})
        named = {number.number for each in out for number in each.numbers}
        found: list[Outbound] = []
        for parcel in out:
            for each in self._of_fulfilment(parcel, named, {other.id for other in found}):
                gone = each.replaced or not replaced.isdisjoint((parcel.ref, *each.refs))
                found.append(replace(each, replaced=gone))
        return found

    def _of_fulfilment(self, parcel: ParcelSnapshot, named: set[str], used: set[str]) -> list[Outbound]:
        """One shipment per number, and one for each that a carrier sent in another's place, unless the shop names that
        number itself: then there is one already. The contents go to the number that was sent last in the first's."""
        base = f"{self.order_id}/{parcel.ref}"
        back = tuple(leg for number in parcel.numbers if number.leg is Way.BACK for leg in self._legs(number, Way.BACK))
        outward = (number for number in parcel.numbers if number.leg is not Way.BACK)
        queue = [(origin, False) for number in outward if (origin := self._origin(number)) == number
                 or origin.number not in named]  # fmt: skip
        if not queue:
            return [Outbound(base, parcel, back, (parcel.ref,))]
        found: list[Outbound] = []
        seen, instead_of = set[str](), dict[str, str]()
        while queue:
            number, heir = queue.pop(0)
            seen.add(number.number)
            sid = self._id(base, number, used | {each.id for each in found})
            refs = () if heir else tuple(dict.fromkeys((parcel.ref, f"{ONLY_NUMBER}{number.number}")))
            each = Outbound(sid, parcel, self._legs(number), refs)
            instead = self._instead_of(number)
            if instead is not None and instead.number not in seen:
                each, instead_of[number.number] = replace(each, replaced=True), instead.number
                queue[:0] = [] if instead.number in named else [(instead, True)]
            found.append(each)
        first = next((each for each in found if each.id == base), found[0])
        holder = first.legs[0].number.number
        while holder in instead_of:
            holder = instead_of[holder]
        found[0] = replace(found[0], legs=(*found[0].legs, *back))
        return [replace(each, holds=each.legs[0].number.number == holder) for each in found]

    def _id(self, base: str, number: Number, used: set[str]) -> str:
        """The id under which a number was first a shipment of this order; for a new one the fulfilment's own, which is
        its first number's. What was told of it stays told of it, in whatever fulfilment and order it is listed."""
        kept = self.doc.ids.get(number.number)
        if kept is not None and f"{self.order_id}/{kept}" not in used:
            return f"{self.order_id}/{kept}"
        taken = used | {f"{self.order_id}/{each}" for each in self.doc.ids.values()}
        return base if base not in taken else f"{base}#{number.number}"

    def _origin(self, number: Number) -> Number:
        """The number that a parcel set off under, where this order has known it under that one."""
        seen = {number.number}
        while True:
            before = next((each for each in self.doc.ids if each not in seen and self._goes_on_as(each, number)), None)
            if before is None:
                return number
            seen.add(before)
            number = Number(before, number.carrier)

    def _goes_on_as(self, before: str, number: Number) -> bool:
        news = self.doc.news.get(before)
        if news is None or news.next is None or news.relation is Relation.REPLACES:
            return False
        return news.next.number == number.number

    def _instead_of(self, number: Number) -> Number | None:
        """The number that was sent in the place of a parcel, which may have travelled on under others before."""
        ring, instead = [number.number], self._sent_instead(number)
        following = instead
        while following is not None and following.number not in ring:
            ring.append(following.number)
            following = self._sent_instead(following)
        closes = following is not None and following.number == number.number
        return None if closes and number.number == max(ring) else instead

    def _sent_instead(self, number: Number) -> Number | None:
        news = self.doc.news.get(self._legs(number)[-1].number.number)
        return news.next if news is not None and news.relation is Relation.REPLACES else None

    def _legs(self, number: Number, way: Way = Way.NONE) -> tuple[Leg, ...]:
        """A number and those that its parcel travelled on under: a redirection, and the way back."""
        legs: list[Leg] = []
        here: Number | None = number
        while here is not None and here.number not in {leg.number.number for leg in legs}:
            legs.append(Leg(here, way, self.world.carrier_for(here.number, here.carrier or number.carrier)))
            news = self.doc.news.get(here.number)
            if news is None or news.relation is Relation.REPLACES:
                break
            way = Way.BACK if news.relation is Relation.BACK else way
            here = news.next
        return tuple(legs)

    def returning(self) -> list[Returning]:
        """The cases the shop names, and the customer's parcels that belong to each: those that share a number with it;
        else, first come first served, one to each case that names no number. A parcel that no case is left for is a
        case itself."""
        cases = self.doc.returns_there
        belong: dict[str, list[ParcelSnapshot]] = {case.ref: [] for case in cases}
        alone: list[ParcelSnapshot] = []
        for parcel in self.doc.parcels_there:
            if parcel.direction is Direction.BACK:
                shared = next((case for case in cases if _numbers(case) & _numbers(parcel)), None)
                (belong[shared.ref] if shared else alone).append(parcel)
        for parcel in alone:
            numbers = _numbers(parcel)
            same = next((case for case in cases if any(numbers & _numbers(each) for each in belong[case.ref])), None)
            if same is not None:
                belong[same.ref].append(parcel)  # told as two, but it is one parcel
                continue
            free = next((case for case in cases if not case.numbers and not belong[case.ref]), None)
            if free is None:
                free = ReturnSnapshot(f"{OF_PARCEL}{parcel.ref}", parcel.version, items=parcel.contents)
                cases.append(free)
            belong[free.ref] = [parcel]
        return [self._case(case, belong[case.ref]) for case in cases]

    def _case(self, case: ReturnSnapshot, parcels: Sequence[ParcelSnapshot]) -> Returning:
        numbers = {
            number.number: number for held in (case.numbers, *(each.numbers for each in parcels)) for number in held
        }
        legs = {leg.number.number: leg for number in numbers.values() for leg in self._legs(number)}
        return Returning(
            return_id(self.order_id, case.ref),
            case,
            tuple(each.ref for each in parcels),
            tuple(leg for leg in legs.values() if leg.way is not Way.BACK),  # on its way to the customer again
        )


def _numbers(each: ReturnSnapshot | ParcelSnapshot) -> set[str]:
    return {number.number for number in each.numbers}


def _replaced(instead: Mapping[str, str]) -> set[str]:
    """References in whose place another was sent, of `reference → the one sent instead`. In a ring the last lives."""
    gone = set()
    for ref in instead:
        chain, following = [ref], instead[ref]
        while following in instead and following not in chain:
            chain.append(following)
            following = instead[following]
        if following != ref or ref != max(chain):
            gone.add(ref)
    return gone


def with_ids(doc: OrderDoc, order_id: str, shipments: Sequence[ShipmentView]) -> OrderDoc:
    """The document with the id that each number has as a shipment, for good."""
    new = {
        each.legs[0].number.number: each.id.removeprefix(f"{order_id}/")
        for each in reversed(shipments)
        if each.legs and each.legs[0].way is not Way.BACK
    }
    return replace(doc, ids={**new, **doc.ids}) if new.keys() - doc.ids.keys() else doc
