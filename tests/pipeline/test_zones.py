"""Whose clock it is, and that what is quiet on one of them is quiet."""

from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hub.config.model import Contact, Quiet
from hub.model import Address, Customer, Window, WindowBasis
from hub.pipeline.guards import quiet_span, quiet_until
from hub.pipeline.names import names_of
from hub.pipeline.zones import clock_of, clocks_of, zones_of_country
from hub.store.database import Database

from .fakes import SHOP, Desk, Story, moment, notify, order, world

NIGHT = Quiet(time(21), time(8))
PHONE = Customer(phone="+380671234567")


def to(country: str, city: str = "") -> Address:
    return Address(country=country, city=city, phone=PHONE.phone)


@pytest.mark.parametrize(
    ("country", "zones"),
    [
        pytest.param("UA", ["Europe/Kyiv"], id="without what keeps Moscow's time"),
        pytest.param("PL", ["Europe/Warsaw"], id="one"),
        pytest.param("de", ["Europe/Berlin"], id="the one that it names first"),
        pytest.param(" NO ", ["Europe/Oslo"], id="one that is first nowhere"),
        pytest.param("ES", ["Europe/Madrid", "Africa/Ceuta", "Atlantic/Canary"], id="several"),
        pytest.param("", [], id="none"),
        pytest.param("Poland", [], id="no country"),
    ],
)
def test_the_zones_of_a_country(country: str, zones: list[str]) -> None:
    assert [zone.key for zone in zones_of_country(country)] == zones


@pytest.mark.parametrize(
    ("address", "clocks", "clock"),
    [
        pytest.param(to("PL"), ["Europe/Warsaw"], "Europe/Warsaw", id="the country of the delivery"),
        pytest.param(to("PT"), ["Europe/Lisbon", "Atlantic/Madeira", "Atlantic/Azores"], "Europe/Kyiv", id="several"),
        pytest.param(to("XX"), ["Europe/Kyiv"], "Europe/Kyiv", id="a country that is none"),
        pytest.param(None, ["Europe/Kyiv"], "Europe/Kyiv", id="no delivery"),
    ],
)
def test_a_recipient_lives_by_the_clock_of_the_country_it_goes_to(
    address: Address | None, clocks: list[str], clock: str
) -> None:
    story = Story()
    story.hear(order("09:00", address=address))
    assert [zone.key for zone in clocks_of(story.view, SHOP)] == clocks
    assert clock_of(story.view, SHOP).key == clock
    assert names_of(story.view, story.world, story.now)["customer"]["timezone"] == clock
    assert [zone.key for zone in clocks_of(None, SHOP)] == ["Europe/Kyiv"]


@pytest.mark.parametrize(
    ("country", "now", "begins", "ends"),
    [
        # 21:00 in New York (UTC-5) until 08:00 in Honolulu (UTC-10); Adak is no later.
        pytest.param("US", "+1 12:00", "+1 02:00", "+1 18:00", id="from the east until the west"),
        pytest.param("US", "+1 02:00", "+1 02:00", "+1 18:00", id="at its beginning"),
        pytest.param("US", "+1 18:00", None, None, id="at its end"),
        pytest.param("US", "+1 01:59", None, None, id="just before"),
        pytest.param("PT", "23:00", "21:00", "+1 09:00", id="the Azores sleep longest"),
        pytest.param("UA", "20:00", "19:00", "+1 06:00", id="one clock"),
    ],
)
def test_quiet_on_one_clock_of_the_country_is_quiet(
    country: str, now: str, begins: str | None, ends: str | None
) -> None:
    span = (moment(begins), moment(ends)) if begins and ends else None
    assert quiet_span(NIGHT, moment(now), *zones_of_country(country)) == span
    assert quiet_until(NIGHT, moment(now), *zones_of_country(country)) == (span[1] if span else None)


def test_where_it_is_quiet_all_day_long_the_first_clock_decides() -> None:
    """Russia has ten hours between its ends: of sixteen quiet hours none of the day is left."""
    zones, quiet = zones_of_country("RU"), Quiet(time(18), time(10))
    for hour in range(24):
        now = moment(f"{hour}:30")
        until = quiet_until(quiet, now, *zones)
        assert until == quiet_until(quiet, now, zones[0])
        assert until is None or until > now


@pytest.mark.parametrize("country", ["US", "AU", "BR", "CA", "CL", "KZ"])
def test_quiet_on_many_clocks_ends_once(country: str) -> None:
    """Through the changes of the clocks of a year: at the end it is quiet on none of them."""
    zones, now = zones_of_country(country), datetime(2026, 1, 1, 4, 30, tzinfo=ZoneInfo("UTC"))
    for _ in range(365):
        now += timedelta(hours=25)
        until = quiet_until(NIGHT, now, *zones)
        assert (until is None) == all(quiet_until(NIGHT, now, zone) is None for zone in zones)
        assert until is None or (until > now and quiet_until(NIGHT, until, *zones) is None)


@pytest.mark.parametrize(
    ("country", "left"),
    [
        pytest.param("US", "18:00", id="14:00 in Kyiv is before dawn in America"),
        pytest.param("PL", "12:00", id="in Poland it is day as well"),
    ],
)
async def test_nobody_is_woken_because_the_shop_is_awake(tmp_path: Path, country: str, left: str) -> None:
    flows = {"packed": {"on": "order.packed", "steps": [notify("order-received", via=["sms"])]}}
    contact = Contact({"default": ("sms",)}, settle=timedelta(0), quiet=NIGHT)
    db = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    it = Desk(db, world(flows, contact=contact))
    await it.hear(order("11:59", "order.packed", customer=PHONE, address=to(country)), at="12:00")
    sent = len(it.channel("sms").sent)
    assert sent == (left == "12:00")
    it.clock.move_to(moment("18:00"))
    await it.settle()
    assert len(it.channel("sms").sent) == 1
    db.close()


def test_a_wait_ends_before_the_recipients_quiet() -> None:
    """Quiet hours, rule 3: at 19:30 it is still day in Lisbon; in Kyiv the quiet has begun at 19:00."""
    steps = [{"wait": "9h30m"}, notify("order-received", via=["sms"], before="order.promised_at")]
    for country, due in (("PT", "19:30"), ("UA", "18:55")):
        story = Story(world({"packed": {"on": "order.packed", "steps": steps}}, contact=Contact(quiet=NIGHT)))
        promise = Window(moment("+1 05:00"), moment("+1 05:00"), WindowBasis.SHOP)
        said = order("09:59", "order.packed", customer=PHONE, address=to(country), promise=promise)
        (timer,) = story.react(said, at="10:00").timers
        assert timer["due_at"] == moment(due), country
