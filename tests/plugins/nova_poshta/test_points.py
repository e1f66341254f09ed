"""Hours and coordinates of the place where a parcel waits: a second call, which may fail and must not cost much."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

import plugins.carriers.nova_poshta as plugin
from hub.clock import VirtualClock
from hub.model import PickupPoint
from hub.plugin import Limits, TrackRequest
from hub.plugin.http import make_client
from plugins.carriers.nova_poshta import NovaPoshta
from plugins.carriers.nova_poshta import points as module
from plugins.carriers.nova_poshta.reading import coordinates, hours
from plugins.carriers.nova_poshta.sandbox import NovaPoshtaSandbox

from .asking import ask, ask_one, parted, settings

WAREHOUSES = "Address.getWarehouses"
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def asked(world: NovaPoshtaSandbox) -> int:
    return sum(each.what == WAREHOUSES for each in world.ledger)


def waiting(world: NovaPoshtaSandbox, **made: Any) -> str:
    number = world.create(**made)
    world.arrive(number)
    return number


async def place_of(carrier: NovaPoshta, number: str) -> PickupPoint:
    _, news = await ask_one(carrier, number)
    assert news is not None and news.point is not None
    return news.point


async def test_where_a_parcel_waits_is_told_with_hours_and_coordinates(
    carrier: NovaPoshta, world: NovaPoshtaSandbox
) -> None:
    place = await place_of(carrier, waiting(world))
    assert (place.hours, place.lat, place.lon) == ("08:00-21:00", 50.4501, 30.5234)


async def test_a_point_is_asked_about_once_a_day_and_only_for_what_was_not_told_with_it(
    carrier: NovaPoshta, world: NovaPoshtaSandbox, clock: VirtualClock
) -> None:
    await ask(carrier, *(waiting(world) for _ in range(5)), waiting(world, to="locker"))
    await ask(carrier, *world.waybills)
    assert asked(world) == 2
    clock.move_to(clock.now() + timedelta(days=1))
    await ask(carrier, *world.waybills)
    assert asked(world) == 2, "all of them were told with it"
    await ask(carrier, *world.waybills, waiting(world), waiting(world))
    assert asked(world) == 3


async def test_only_of_a_parcel_that_waits(carrier: NovaPoshta, world: NovaPoshtaSandbox) -> None:
    handed = waiting(world)
    world.hand_over(handed)
    door = world.create(to="doors")
    world.arrive(door)
    await ask(carrier, world.create(), handed, door, "20450000000000")
    assert asked(world) == 0


REF = "6ccbc96e-44f6-4247-83b2-624ce583f3ff"
WAITS = {"Number": "20450777000001", "StatusCode": "7", "WarehouseRecipient": "№12", "WarehouseRecipientRef": REF}
PLACE = {"Ref": REF, "Schedule": dict.fromkeys(DAYS, "08:00-21:00"), "Latitude": "50.4", "Longitude": "30.5"}


class Wire:
    """The carrier with some parcels; what it answers about points can be changed (None: what is asked for)."""

    def __init__(self, clock: VirtualClock, items: list[dict[str, Any]], *, hangs: str = "-") -> None:
        self.items, self.asked, self.hangs = items, 0, hangs
        self.answer: httpx.Response | None = data(PLACE)
        client = make_client("np", Limits(), clock, transport=httpx.MockTransport(self._serve))
        self.carrier = NovaPoshta(settings(), client, clock)

    async def _serve(self, request: httpx.Request) -> httpx.Response:
        wish = json.loads(request.content)
        if wish["calledMethod"] != "getWarehouses":
            return data(*self.items)
        self.asked += 1
        ref = wish["methodProperties"]["Ref"]
        if ref == self.hangs:
            await asyncio.sleep(60)
        return self.answer or data({**PLACE, "Ref": ref})


def data(*items: Any) -> httpx.Response:
    return httpx.Response(200, json={"success": True, "data": list(items)})


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json={"success": False, "errors": ["API key is not valid"], "data": []}),
        httpx.Response(200, json={"success": False, "errors": ["Document number is not correct"], "data": []}),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(403, content=b"<html>"),
        httpx.Response(500),
        data(),
        data({}, None, {"Ref": "another"}),
    ],
    ids=range(7),
)
async def test_a_point_that_cannot_be_told_of_harms_nothing_and_is_asked_about_later(
    clock: VirtualClock, answer: httpx.Response
) -> None:
    wire = Wire(clock, [WAITS])
    wire.answer = answer
    number = str(WAITS["Number"])
    for _ in range(3):
        assert (await place_of(wire.carrier, number)).hours == ""
    assert wire.asked == 1
    wire.answer = data(PLACE)
    clock.move_to(clock.now() + timedelta(hours=1))
    assert (await place_of(wire.carrier, number)).hours == "08:00-21:00"


async def test_one_failure_ends_the_asking_of_a_round(clock: VirtualClock) -> None:
    items = [{**WAITS, "Number": f"2045077700000{each}", "WarehouseRecipientRef": str(each)} for each in range(5)]
    wire = Wire(clock, items)
    wire.answer = httpx.Response(500)
    assert len(await ask(wire.carrier, *(str(each["Number"]) for each in items))) == 5
    assert wire.asked == 1


async def test_what_was_known_of_a_point_outlives_a_failure(clock: VirtualClock) -> None:
    wire = Wire(clock, [WAITS])
    for answer, number in ((data(PLACE), "20450777000001"), (httpx.Response(500), "20450777000002")):
        wire.answer, wire.items = answer, [{**WAITS, "Number": number}]
        assert (await place_of(wire.carrier, number)).hours == "08:00-21:00"
        clock.move_to(clock.now() + timedelta(days=1))
    assert wire.asked == 2


async def test_hours_that_become_known_later_are_told_once(clock: VirtualClock) -> None:
    wire = Wire(clock, [WAITS])
    keys = []
    for answer in (httpx.Response(500), data(PLACE), data({**PLACE, "Schedule": {}}), httpx.Response(500)):
        wire.answer = answer
        [raw] = await wire.carrier.track([TrackRequest(str(WAITS["Number"]))])
        keys.append(raw.dedupe_key)
        assert ("point" in raw.body) == (len(keys) > 1)
        clock.move_to(clock.now() + timedelta(days=1))
    assert keys[0] != keys[1] and keys[1:] == [keys[1]] * 3
    wire.items = [{**WAITS, "RecipientDateTime": "2026-11-20 10:00:00"}]
    [raw] = await wire.carrier.track([TrackRequest(str(WAITS["Number"]))])
    assert "point" in raw.body and raw.dedupe_key != keys[1], "another answer is told with it again"


async def test_a_parcel_that_waits_for_a_week_costs_one_call(clock: VirtualClock) -> None:
    """A hundred parcels at a hundred points, asked about every two hours, all of whose hours come late."""
    items = [{**WAITS, "Number": f"204507770{each:05}", "WarehouseRecipientRef": str(each)} for each in range(100)]
    wire = Wire(clock, items)
    wire.answer = httpx.Response(500)
    stored: dict[str, list[str]] = {}
    for _ in range(7 * 12):
        for raw in await wire.carrier.track([TrackRequest(str(each["Number"])) for each in items]):
            keys = stored.setdefault(raw.subject, [])
            if keys[-1:] != [raw.dedupe_key]:  # as the hub does
                keys.append(raw.dedupe_key)
        wire.answer = None
        clock.move_to(clock.now() + timedelta(hours=2))
    assert wire.asked == 101
    assert {len(keys) for keys in stored.values()} == {2}, "without its hours and with them"


async def test_a_round_ends_after_a_few_seconds_and_the_next_goes_on(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROUND", timedelta(seconds=0.05))
    items = [{**WAITS, "Number": f"204507770{each:05}", "WarehouseRecipientRef": str(each)} for each in range(3)]
    wire = Wire(clock, items, hangs="0")
    wire.answer = None
    numbers = [str(each["Number"]) for each in items]

    async def known() -> int:
        return sum(bool(news and news.point and news.point.hours) for _, news in await ask(wire.carrier, *numbers))

    assert (await known(), await known()) == (0, 2), "the one that hangs does not hold up the others"


async def test_a_point_nobody_knows_is_not_asked_about_every_time(
    carrier: NovaPoshta, world: NovaPoshtaSandbox
) -> None:
    number = waiting(world)
    world.points.clear()
    for _ in range(3):
        assert (await place_of(carrier, number)).hours == ""
    assert asked(world) == 1


async def test_memory_is_bounded(
    carrier: NovaPoshta, world: NovaPoshtaSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROOM", 2)
    monkeypatch.setattr(plugin, "ROOM", 1)
    numbers = [waiting(world, city=f"Місто {serial}") for serial in range(5)]
    for calls in (5, 5 + 3):  # of five two points are remembered, and one parcel as told
        found = await ask(carrier, *numbers)
        assert asked(world) == calls
        assert sum(bool(news and news.point and news.point.hours) for _, news in found) >= 2


@pytest.mark.parametrize("point", [None, [], "x", {"Ref": "another", "Schedule": dict.fromkeys(DAYS, "08:00-21:00")}])
async def test_what_is_not_of_this_point_is_not_believed(
    carrier: NovaPoshta, world: NovaPoshtaSandbox, point: Any
) -> None:
    [raw] = await carrier.track([TrackRequest(waiting(world))])
    raw.body["point"] = point
    _, news = parted(carrier.normalise(raw))
    assert news is not None and news.point is not None
    assert (news.point.hours, news.point.lat) == ("", None)


@pytest.mark.parametrize(
    ("schedule", "line"),
    [
        (dict.fromkeys(DAYS, "00:00-23:59"), "00:00-23:59"),
        (
            {**dict.fromkeys(DAYS, "08:00-21:00"), "Saturday": "09:00-18:00", "Sunday": "-"},
            "Mo-Fr 08:00-21:00; Sa 09:00-18:00",
        ),
        ({**dict.fromkeys(DAYS, "08:00-21:00"), "Wednesday": ""}, "Mo-Tu 08:00-21:00; Th-Su 08:00-21:00"),
        ({"Sunday": "10:00-14:00", "Someday": "10:00-14:00"}, "Su 10:00-14:00"),
        (dict.fromkeys(DAYS, "25:00-99:99"), ""),
        (dict.fromkeys(DAYS, "call us"), ""),
        (dict.fromkeys(DAYS, 5), ""),
        ({}, ""),
        (None, ""),
        ("08:00-21:00", ""),
    ],
)
def test_hours_are_one_line(schedule: Any, line: str) -> None:
    assert hours(schedule) == line


@pytest.mark.parametrize(
    ("lat", "lon", "found"),
    [
        ("50.4501", "30.5234", (50.4501, 30.5234)),
        (50.4501, -30, (50.4501, -30.0)),
        ("0", "0", (None, None)),
        ("90.1", "30", (None, None)),
        ("50", "181", (None, None)),
        ("50.4501", "", (None, None)),
        ("north", "30", (None, None)),
        ("nan", "inf", (None, None)),
        (None, True, (None, None)),
    ],
)
def test_coordinates_are_both_or_none(lat: Any, lon: Any, found: tuple[float | None, float | None]) -> None:
    assert coordinates({"Latitude": lat, "Longitude": lon}) == found
