"""What is said of an order whose parts differ: "2 of 3 parcels delivered" (STATUS.md, section 4)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ._axes import Shipment
from ._effective import WAITING, HeadlineInput, HeadlineValue, Quantity, delivered_units
from ._locale import language


class PhraseKind(StrEnum):
    DELIVERED = "delivered"
    ON_THE_WAY = "on_the_way"
    READY = "ready"
    AFFECTED = "affected"
    BEING_RETURNED = "being_returned"
    RETURNED = "returned"


class Unit(StrEnum):
    PARCELS = "parcels"
    ITEMS = "items"


@dataclass(frozen=True, slots=True)
class Phrase:
    """`n` of `m` parcels or items."""

    kind: PhraseKind
    n: int
    m: int
    unit: Unit


_AFFECTED = frozenset({Shipment.PROBLEM, Shipment.DELIVERY_FAILED, Shipment.ON_HOLD})
_MOVING = frozenset({Shipment.SHIPPED, Shipment.IN_TRANSIT, Shipment.ARRIVED_AT_BRANCH, Shipment.OUT_FOR_DELIVERY})
_TROUBLED = frozenset({HeadlineValue.PROBLEM, HeadlineValue.DELIVERY_FAILED, HeadlineValue.PAYMENT_FAILED})


def phrase_of(seen: HeadlineInput, row: int, value: HeadlineValue) -> Phrase | None:
    """The first phrase that applies to effective values: some of at least two, not all of them."""
    return next((phrase for phrase in _phrases(seen, row, value) if phrase is not None), None)


def _phrases(seen: HeadlineInput, row: int, value: HeadlineValue) -> Iterator[Phrase | None]:
    if row >= 22 and seen.returns:
        yield _returned(seen)
    if seen.rest:
        yield _some(PhraseKind.DELIVERED, delivered_units(seen), seen.units, Unit.ITEMS)
    yield _parcels(PhraseKind.DELIVERED, seen, frozenset({Shipment.DELIVERED}))
    if value in _TROUBLED or value is HeadlineValue.ON_HOLD:
        yield _parcels(PhraseKind.AFFECTED, seen, _AFFECTED)
    if value is HeadlineValue.READY_FOR_PICKUP:
        yield _parcels(PhraseKind.READY, seen, frozenset({Shipment.READY_FOR_PICKUP}))
    if seen.rest:
        moving = sum(parcel.units for parcel in seen.parcels if parcel.status in _MOVING)
        yield _some(PhraseKind.ON_THE_WAY, moving, seen.units, Unit.ITEMS)
    else:
        yield _parcels(PhraseKind.ON_THE_WAY, seen, _MOVING)


def _returned(seen: HeadlineInput) -> Phrase | None:
    """Items of the cases still under way, else of those done, among what had been delivered."""
    delivered = delivered_units(seen) or seen.units
    waiting = [case for case in seen.returns if case.status in WAITING]
    kind = PhraseKind.BEING_RETURNED if waiting else PhraseKind.RETURNED
    units = [case.units for case in waiting or seen.returns]
    known = [unit for unit in units if unit is not None]
    return _some(kind, sum(known), delivered, Unit.ITEMS) if len(known) == len(units) else None


def _parcels(kind: PhraseKind, seen: HeadlineInput, values: frozenset[Shipment]) -> Phrase | None:
    return _some(kind, sum(parcel.status in values for parcel in seen.parcels), len(seen.parcels), Unit.PARCELS)


def _some(kind: PhraseKind, n: Quantity, m: Quantity, unit: Unit) -> Phrase | None:
    """A phrase counts things: weights and lengths in fractions have none."""
    whole = int(n) == n and int(m) == m
    return Phrase(kind, int(n), int(m), unit) if whole and 0 < n < m else None


_TEXTS: Mapping[str, Mapping[PhraseKind, str]] = {
    "en": {
        PhraseKind.DELIVERED: "{n} of {m} {noun} delivered",
        PhraseKind.ON_THE_WAY: "On the way: {n} of {m} {noun}",
        PhraseKind.READY: "Ready for pickup: {n} of {m} {noun}",
        PhraseKind.AFFECTED: "Needs attention: {n} of {m} {noun}",
        PhraseKind.BEING_RETURNED: "Being returned: {n} of {m} {noun}",
        PhraseKind.RETURNED: "Returned: {n} of {m} {noun}",
    },
    "uk": {
        PhraseKind.DELIVERED: "Доставлено {n} з {m} {noun}",
        PhraseKind.ON_THE_WAY: "У дорозі: {n} з {m} {noun}",
        PhraseKind.READY: "Готово до видачі: {n} з {m} {noun}",
        PhraseKind.AFFECTED: "Потребує уваги: {n} з {m} {noun}",
        PhraseKind.BEING_RETURNED: "Повертається: {n} з {m} {noun}",
        PhraseKind.RETURNED: "Повернуто: {n} з {m} {noun}",
    },
    "pl": {
        PhraseKind.DELIVERED: "Doręczono {n} z {m} {noun}",
        PhraseKind.ON_THE_WAY: "W drodze: {n} z {m} {noun}",
        PhraseKind.READY: "Gotowe do odbioru: {n} z {m} {noun}",
        PhraseKind.AFFECTED: "Wymaga uwagi: {n} z {m} {noun}",
        PhraseKind.BEING_RETURNED: "W zwrocie: {n} z {m} {noun}",
        PhraseKind.RETURNED: "Zwrócono: {n} z {m} {noun}",
    },
    "ru": {
        PhraseKind.DELIVERED: "Доставлено {n} из {m} {noun}",
        PhraseKind.ON_THE_WAY: "В пути: {n} из {m} {noun}",
        PhraseKind.READY: "Готово к выдаче: {n} из {m} {noun}",
        PhraseKind.AFFECTED: "Требует внимания: {n} из {m} {noun}",
        PhraseKind.BEING_RETURNED: "Возвращается: {n} из {m} {noun}",
        PhraseKind.RETURNED: "Возвращено: {n} из {m} {noun}",
    },
}

# The genitive after "n of m": the plural, and the singular after 21, 31, 101 … where a language has one.
_NOUNS: Mapping[str, Mapping[Unit, tuple[str, str]]] = {
    "en": {Unit.PARCELS: ("parcels", "parcels"), Unit.ITEMS: ("items", "items")},
    "uk": {Unit.PARCELS: ("посилок", "посилки"), Unit.ITEMS: ("товарів", "товару")},
    "pl": {Unit.PARCELS: ("paczek", "paczek"), Unit.ITEMS: ("produktów", "produktów")},
    "ru": {Unit.PARCELS: ("посылок", "посылки"), Unit.ITEMS: ("товаров", "товара")},
}


def phrase_text(phrase: Phrase, locale: str) -> str:
    """The phrase in a language we have (`uk`, `uk-UA`); another language reads English."""
    chosen = language(locale)
    plural, singular = _NOUNS[chosen][phrase.unit]
    noun = singular if phrase.m % 10 == 1 and phrase.m % 100 != 11 else plural
    return _TEXTS[chosen][phrase.kind].format(n=phrase.n, m=phrase.m, noun=noun)
