"""Whose clock it is: the time zones of a country, of a delivery, of a customer.

Source: the time zone database (IANA), as the `tzdata` package brings it. Its `zone1970.tab` names for each zone the
countries that keep its time, first the one that it lies in. So a country's zones are those that name it first: Kyiv for
Ukraine, without occupied Crimea, which keeps Moscow's time and to which nobody delivers; Berlin for Germany. A country
that is first nowhere (Norway: clocks as in Berlin) has those of `zone.tab`, where each country has its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from hub.config.model import Shop

from .state import OrderView


@lru_cache(maxsize=300)
def zones_of_country(country: str) -> tuple[ZoneInfo, ...]:
    """The zones of a country (ISO 3166 alpha-2); none of what is no country."""
    return tuple(map(ZoneInfo, _zones().get(country.strip().upper(), ())))


def clocks_of(view: OrderView | None, shop: Shop) -> Sequence[ZoneInfo]:
    """The clocks that the recipient of an order may live by: those of the country it is delivered to, else the shop's.
    (No shop, carrier or channel says which zone a customer lives in.)"""
    address = view.snapshot.address if view is not None and view.snapshot is not None else None
    return (zones_of_country(address.country) if address is not None else ()) or (shop.timezone,)


def clock_of(view: OrderView, shop: Shop) -> ZoneInfo:
    """The recipient's one clock: that of the country where it has exactly one, else the shop's."""
    clocks = clocks_of(view, shop)
    return clocks[0] if len(clocks) == 1 else shop.timezone


@cache
def _zones() -> Mapping[str, Sequence[str]]:
    """Country → its zones."""
    first: dict[str, list[str]] = {}
    own: dict[str, list[str]] = {}
    for table, zones in (("zone1970.tab", first), ("zone.tab", own)):
        for country, zone in _lines(table):
            zones.setdefault(country, []).append(zone)
    return {**own, **first}


def _lines(table: str) -> Iterator[tuple[str, str]]:
    """(the first of the countries, zone) of each line."""
    for line in files("tzdata").joinpath("zoneinfo", table).read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            countries, _, zone = line.split("\t")[:3]
            yield countries.partition(",")[0], zone
