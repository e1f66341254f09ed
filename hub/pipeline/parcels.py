"""Which parcels and return cases an order's document names, before anything is folded (STATUS.md 2). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hub.model import Direction, Number, ParcelSnapshot, Relation, ReturnSnapshot
from hub.status import Way

from .documents import OrderDoc
from .state import OF_PARCEL, ONLY_NUMBER, Leg, return_id
from .world import World


@dataclass(frozen=True, slots=True)
class Outbound:
    """One parcel on its way to the customer.

    `refs`: the platform's references whose words are about it; none when it was sent in another's place, for then they
    were about that one. `was`: ids under which it may have been told of before. `holds`: the fulfilment's contents are
    in it; of several parcels of one fulfilment only one has them. `replaced`: another was sent in its place.
    """

    id: str
    snapshot: ParcelSnapshot
    legs: tuple[Leg, ...]
    refs: tuple[str, ...]
    was: tuple[str, ...] = ()
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
        replaced = {each.replaces for each in out}
        named = {number.number for each in out for number in each.numbers}
        return [
            replace(each, replaced=each.replaced or not replaced.isdisjoint((parcel.ref, *each.refs)))
            for parcel in out
            for each in self._of_fulfilment(parcel, named)
        ]

    def _of_fulfilment(self, parcel: ParcelSnapshot, named: set[str]) -> list[Outbound]:
        """One shipment per number, and one for each that a carrier sent in another's place, unless the shop names that
        number itself: then there is one already. The contents go to the number that was sent last in the first's."""
        base = f"{self.order_id}/{parcel.ref}"
        numbers = self._as_named(parcel)
        back = tuple(leg for number in parcel.numbers if number.leg is Way.BACK for leg in self._legs(number, Way.BACK))
        if not numbers:
            return [Outbound(base, parcel, back, (parcel.ref,))]
        found: list[Outbound] = []
        queue, seen, holder = [(number, False) for number in numbers], set[str](), numbers[0].number
        while queue:
            number, heir = queue.pop(0)
            seen.add(number.number)
            own, alone = f"{base}#{number.number}", f"{ONLY_NUMBER}{number.number}"
            sid, legs = (own, ()) if found else (base, back)
            refs = () if heir else tuple(dict.fromkeys((parcel.ref, alone)))
            was = tuple(each for each in (own, f"{self.order_id}/{alone}") if each != sid)
            each = Outbound(sid, parcel, (*self._legs(number), *legs), refs, was)
            instead = self._instead_of(number)
            if instead is not None and instead.number not in seen:
                each = replace(each, replaced=True)
                holder = instead.number if holder == number.number else holder
                queue[:0] = [] if instead.number in named else [(instead, True)]
            found.append(each)
        return [replace(each, holds=each.legs[0].number.number == holder) for each in found]

    def _as_named(self, parcel: ParcelSnapshot) -> list[Number]:
        """The numbers of a fulfilment in the order in which they were first named: the oldest has the fulfilment's own
        id, in whatever order the platform lists them now."""
        first = self.doc.named.get(parcel.ref, {})
        places = {number: (parcel.version, place) for place, number in enumerate(parcel.numbers)}
        numbers = [number for number in parcel.numbers if number.leg is not Way.BACK]
        return sorted(numbers, key=lambda number: first.get(number.number, places[number]))

    def _instead_of(self, number: Number) -> Number | None:
        """The number that was sent in the place of a parcel, which may have travelled on under others before."""
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
