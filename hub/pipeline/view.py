"""The state of one order, computed whole from its document and its facts. Pure: the same in, the same out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from hub.model import (
    DeliverBy,
    ParcelKind,
    ParcelSnapshot,
)
from hub.status import (
    Axis,
    CompletedMeans,
    Fact,
    Folded,
    HeadlineInput,
    Level,
    Order,
    Payment,
    Reason,
    Return,
    ReturnView,
    Shipment,
    Status,
    Way,
    axis_of,
    effective_parcels,
    effective_payment,
    fold,
    has_rest,
    headline_of,
    payment_by_amounts,
    return_by_parcel,
)

from .documents import News, OrderDoc
from .facts import StoredFact
from .parcels import Outbound, Parcels, Returning
from .state import SHOP_PARCEL, Leg, OrderView, ReturnCase, ShipmentView, parcel_view
from .world import World


def view(order_id: str, connection: str, doc: OrderDoc, facts: Sequence[StoredFact], world: World) -> OrderView:
    """Fold everything that is known of one order."""
    build = _Build(order_id, connection, doc, facts, world)
    return build.whole()


def nothing_of(home: str) -> OrderView:
    """What stands for an order where there is none: runs of a connection or a shop."""
    headline = headline_of(HeadlineInput(None, None, subject=home))
    return OrderView(
        home, "", OrderDoc(), Folded(), Folded(), (), (), rest=False, headline=headline, effective_payment=None
    )


@dataclass(frozen=True, slots=True)
class _Heard:
    """A stored fact and what its code means now."""

    stored: StoredFact
    value: Status | None
    known: bool
    reason: Reason | None


class _Build:
    def __init__(
        self, order_id: str, connection: str, doc: OrderDoc, facts: Sequence[StoredFact], world: World
    ) -> None:
        self.id, self.connection, self.doc, self.world = order_id, connection, doc, world
        parcels = Parcels(order_id, doc, world)
        self.outbound, self.returning = parcels.outbound(), parcels.returning()
        self.placed_at = doc.snapshot.placed_at if doc.snapshot else None
        self.said: dict[str, list[_Heard]] = {}
        self.retractions = [fact for fact in facts if fact.retracts]
        for fact in facts:
            if not fact.retracts:
                self.said.setdefault(fact.subject, []).append(self._heard(fact))
        self.used: list[Fact] = []

    def _heard(self, stored: StoredFact) -> _Heard:
        found = self.world.meaning(stored.source, stored.native.vocabulary, stored.native.code)
        if found is None:
            return _Heard(stored, None, False, stored.native.reason)
        meaning = found.meaning
        return _Heard(stored, meaning.status, True, stored.native.reason or meaning.reason)

    def whole(self) -> OrderView:
        order = self._fold(Axis.ORDER, self.id, self._of_axis(Axis.ORDER, "o", every=True))
        payment = self._payment()
        shipments = self._shipments()
        returns = tuple(self._return(case) for case in self.returning)
        given = self._headline_input(order, payment, shipments, returns)
        parcels = effective_parcels(given.parcels, given.order, given.completed_means)
        rest = has_rest(given.rest, given.order, parcels)
        effective = {parcel.subject: parcel.status for parcel in parcels}
        shipments = tuple(replace(each, status=effective.get(each.id, each.status)) for each in shipments)
        return OrderView(
            self.id, self.connection, self.doc, order, payment, shipments, returns, rest, headline_of(given),
            effective_payment(given.payment, parcels, rest), tuple(self.used),
        )  # fmt: skip

    # -- facts of an axis

    def _of_axis(self, axis: Axis, subject: str, *, every: bool = False) -> list[_Heard]:
        """What was said of an axis: by the named subject (valueless words belong to their natural axis), and with
        `every` of anything that the order has now (a carrier's `picked` is a word of the order axis)."""
        natural = {"o": Axis.ORDER, "p": Axis.SHIPMENT, "n": Axis.SHIPMENT, "r": Axis.RETURN}[subject[0]]
        own = [
            heard
            for heard in self.said.get(subject, ())
            if (axis_of(heard.value) if heard.value is not None else natural) is axis
        ]
        if every:
            others = (heard for name in self._present() if name != subject for heard in self.said.get(name, ()))
            own += [heard for heard in others if heard.value is not None and axis_of(heard.value) is axis]
        return own

    def _present(self) -> list[str]:
        """Subjects of facts that the order has now. A number that was a typo, or a parcel that the shop names no more,
        took its facts along."""
        legs = [
            *(leg for each in self.outbound for leg in each.legs),
            *(leg for case in self.returning for leg in case.legs),
        ]
        names = (
            "o",
            *(f"n:{leg.number.number}" for leg in legs),
            *(f"p:{ref}" for each in self.outbound for ref in each.refs),
            *(f"p:{ref}" for case in self.returning for ref in case.parcels),
            *(f"r:{case.snapshot.ref}" for case in self.returning),
        )
        return list(dict.fromkeys(names))

    def _fold(self, axis: Axis, subject: str, heard: Sequence[_Heard], *, followed: bool = False) -> Folded:
        facts = [self._fact(axis, subject, each) for each in heard]
        facts += [self._retraction(axis, subject, each) for each in self.retractions]
        self.used += facts
        return fold(axis, facts, followed=followed, placed_at=self.placed_at)

    def _fact(self, axis: Axis, subject: str, heard: _Heard) -> Fact:
        stored = heard.stored
        return Fact(
            key=stored.key,
            subject=subject,
            axis=axis,
            value=heard.value,
            reason=heard.reason,
            at=stored.at,
            precision=stored.precision,
            source=stored.source,
            level=stored.level,
            snapshot=stored.snapshot,
            way=stored.way,
            retracts=None,
            native=stored.native,
            received_at=stored.received_at,
            mode=stored.mode,
            known=heard.known,
            about=stored.subject,
        )

    def _retraction(self, axis: Axis, subject: str, stored: StoredFact) -> Fact:
        taken_back = self._fact(axis, subject, _Heard(stored, None, True, None))
        return replace(taken_back, retracts=stored.retracts)

    # -- payment

    def _payment(self) -> Folded:
        heard = [self._by_amounts(each) for each in self._of_axis(Axis.PAYMENT, "o")]
        return self._fold(Axis.PAYMENT, self.id, heard)

    def _by_amounts(self, heard: _Heard) -> _Heard:
        """Amounts outrank words: those told in the same breath, else the last that are known."""
        if not isinstance(heard.value, Payment):
            return heard
        snapshot, stored = self.doc.snapshot, heard.stored
        known = (snapshot.paid, snapshot.refunded) if snapshot else (None, None)
        paid, refunded = (
            amount if amount is not None else money.amount if money else None
            for amount, money in zip((stored.paid, stored.refunded), known, strict=True)
        )
        return replace(heard, value=payment_by_amounts(heard.value, paid, refunded))

    # -- shipments

    def _shipments(self) -> tuple[ShipmentView, ...]:
        shop_words = self._of_axis(Axis.SHIPMENT, "o")
        planned = self.outbound
        views = [self._shipment(each, shop_words) for each in planned]
        if not any(each.live for each in views) and self._shop_speaks_of_parcel(shop_words):
            sid = f"{self.id}/{SHOP_PARCEL}"
            views.append(self._folded(sid, None, (), shop_words))
        return tuple(self._with_contents(views, {each.id for each in planned if not each.holds}))

    def _shop_speaks_of_parcel(self, words: Sequence[_Heard]) -> bool:
        """The shop's last word is of the parcel, or that it closed the order after it spoke of the parcel."""
        spoken = [heard for heard in words if heard.value is not None]
        if not spoken:
            return False
        mapped = [*spoken, *(heard for heard in self._of_axis(Axis.ORDER, "o") if heard.value is not None)]
        newest = max(heard.stored.at for heard in mapped)
        last = [heard.value for heard in mapped if heard.stored.at == newest]
        return any(isinstance(value, Shipment) or value is Order.COMPLETED for value in last)

    def _shipment(self, each: Outbound, shop_words: Sequence[_Heard]) -> ShipmentView:
        of_it = [heard for ref in each.refs for heard in self._of_axis(Axis.SHIPMENT, f"p:{ref}")]
        found = self._folded(each.id, each.snapshot, each.legs, [*of_it, *shop_words])
        return replace(found, replaced=each.replaced)

    def _folded(
        self, sid: str, parcel: ParcelSnapshot | None, legs: tuple[Leg, ...], shop_words: Sequence[_Heard]
    ) -> ShipmentView:
        heard = list(shop_words)
        for leg in legs:
            heard += [_on_leg(each, leg.way) for each in self._of_axis(Axis.SHIPMENT, f"n:{leg.number.number}")]
        folded = self._fold(Axis.SHIPMENT, sid, heard, followed=any(leg.carrier for leg in legs))
        return ShipmentView(
            id=sid,
            snapshot=parcel,
            legs=legs,
            folded=folded,
            news=self._news(legs),
            contents={},
            pickup=parcel.kind is ParcelKind.PICKUP if parcel else False,
            replaced=False,
            status=folded.state if isinstance(folded.state, Shipment) else None,
            connection=self.connection,
        )

    def _news(self, legs: Sequence[Leg]) -> News:
        """What the carrier says beside the status: the latest leg that was told something, field by field."""
        merged = News()
        for leg in legs:
            news = self.doc.news.get(leg.number.number)
            if news is not None:
                told = {
                    name: getattr(news, name) for name in ("eta", "first_eta", "point", "deadline", "cod", "attempts")
                }
                kept = {name: value for name, value in told.items() if value is not None}
                merged = replace(merged, told=(*merged.told, *news.told), **kept)
        return merged

    def _with_contents(self, views: Sequence[ShipmentView], empty: set[str]) -> list[ShipmentView]:
        """Contents as told; a parcel that does not tell holds all that no other live parcel holds.

        `empty`: ids of those whose fulfilment's contents lie in another parcel of it.
        """
        due = self._due()
        live = [each for each in views if each.live]
        told: dict[str, Mapping[str, Decimal]] = {}
        for each in live:
            if each.id in empty:
                told[each.id] = {}
            elif each.snapshot is not None and each.snapshot.contents is not None:
                told[each.id] = dict(each.snapshot.contents)
        left = dict(due)
        for contents in told.values():
            for line, quantity in contents.items():
                left[line] = max(Decimal(0), left.get(line, Decimal(0)) - quantity)
        result = []
        for each in views:
            holds = told.get(each.id)
            if holds is None and each.live:
                holds, left = {line: quantity for line, quantity in left.items() if quantity}, {}
            result.append(replace(each, contents=holds or {}))
        return result

    def _due(self) -> dict[str, Decimal]:
        lines = (self.doc.snapshot.lines if self.doc.snapshot else None) or ()
        return {line.ref: line.ordered - line.removed for line in lines if line.ships and line.ordered > line.removed}

    # -- returns

    def _return(self, case: Returning) -> ReturnCase:
        heard = self._of_axis(Axis.RETURN, f"r:{case.snapshot.ref}")
        if not any(leg.carrier for leg in case.legs):  # else the shop cannot know before the carrier
            heard += [_as_return(each) for ref in case.parcels for each in self._of_axis(Axis.SHIPMENT, f"p:{ref}")]
        for leg in case.legs:
            heard += [_as_return(each) for each in self._of_axis(Axis.SHIPMENT, f"n:{leg.number.number}")]
        folded = self._fold(Axis.RETURN, case.id, heard)
        return ReturnCase(case.id, case.snapshot, folded, case.legs, case.parcels)

    # -- headline

    def _headline_input(
        self,
        order: Folded,
        payment: Folded,
        shipments: Sequence[ShipmentView],
        returns: Sequence[ReturnCase],
    ) -> HeadlineInput:
        snapshot = self.doc.snapshot
        due = self._due()
        lines = (snapshot.lines if snapshot else None) or ()
        covered: dict[str, Decimal] = {}
        for each in shipments:
            if each.live:
                for line, quantity in each.contents.items():
                    covered[line] = covered.get(line, Decimal(0)) + quantity
        deliver_by = snapshot.deliver_by if snapshot else DeliverBy.SHIP
        return HeadlineInput(
            order=order.state,  # type: ignore[arg-type]
            payment=payment.state,  # type: ignore[arg-type]
            parcels=tuple(parcel_view(each) for each in shipments),
            returns=tuple(_return_view(each) for each in returns),
            rest=any(quantity > covered.get(line, Decimal(0)) for line, quantity in due.items()),
            digital=deliver_by is DeliverBy.DIGITAL,
            pickup=deliver_by is DeliverBy.PICKUP,
            completed_means=CompletedMeans(self.world.connection(self.connection).completed_means),
            all_removed=bool(lines) and all(line.removed >= line.ordered for line in lines),
            units=sum(due.values(), Decimal(0)),
            subject=self.id,
            order_reason=order.reason,
            payment_reason=payment.reason,
        )


def _on_leg(heard: _Heard, way: Way) -> _Heard:
    """Facts of a return waybill travel back; what the source itself says of the way stands."""
    return heard if way is Way.NONE else _Heard(replace(heard.stored, way=way), heard.value, heard.known, heard.reason)


def _as_return(heard: _Heard) -> _Heard:
    """A customer's return parcel: any movement means it is on its way, its hand-over that the shop has it."""
    if not isinstance(heard.value, Shipment):
        return heard
    stored = replace(heard.stored, level=Level.CARRIER)
    return _Heard(stored, return_by_parcel(heard.value), heard.known, heard.reason)


def _return_view(case: ReturnCase) -> ReturnView:
    items = case.snapshot.items
    units = None if items is None else sum((quantity for _, quantity in items), Decimal(0))
    state = case.folded.state
    return ReturnView(case.id, state if isinstance(state, Return) else None, case.folded.reason, units)
