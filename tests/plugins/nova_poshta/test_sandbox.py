"""The fake carrier from its client's side; the sections are those of the dossier it was made from."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from hub.clock import VirtualClock
from hub.model import Relation
from hub.status import Way
from plugins.carriers.nova_poshta import NovaPoshta
from plugins.carriers.nova_poshta.sandbox import EXPIRED_KEY, KEY, NovaPoshtaSandbox

from .asking import ask_one, call, documents

STATES = "TrackingDocument.getStatusDocuments"
NOBODY = "59001234567890"


async def _item(client: httpx.AsyncClient, url: str, number: str, **rest: Any) -> dict[str, Any]:
    phone = rest.pop("phone", "")
    answer = await call(client, url, STATES, documents(number, phone=phone), **rest)
    [item] = answer["data"]
    assert isinstance(item, dict)
    return item


# --- A1: one address, the key in the body --------------------------------------------------------------------------


@pytest.mark.parametrize("method", [STATES, "TrackingDocumentGeneral.getStatusDocuments", "Address.getWarehouses"])
async def test_a1_one_url_answers_for_every_method(client: httpx.AsyncClient, url: str, method: str) -> None:
    assert (await call(client, url, method, documents(NOBODY)))["success"] is True


async def test_a1_an_expired_key_is_refused_with_200(client: httpx.AsyncClient, url: str) -> None:
    answer = await call(client, url, STATES, documents(NOBODY), key=EXPIRED_KEY)
    assert (answer["success"], answer["errors"], answer["errorCodes"]) == (False, ["API key expired"], ["20000200068"])


async def test_a1_the_key_is_checked_before_the_method(client: httpx.AsyncClient, url: str) -> None:
    existing = await call(client, url, "InternetDocument.getDocumentList", {}, key="")
    invented = await call(client, url, "InternetDocument.getEverything", {}, key="")
    assert existing["errors"] == invented["errors"]
    assert (await call(client, url, "InternetDocument.getEverything", {}))["errors"] == ["Method not found"]


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b'{"apiKey": 5}'])
async def test_a1_nonsense_is_answered_with_200(client: httpx.AsyncClient, url: str, body: bytes) -> None:
    answer = await client.post(url, content=body)
    assert (answer.status_code, answer.json()["success"]) == (200, False)


# --- A2.1, A2.2: tracking ------------------------------------------------------------------------------------------


async def test_a21_a_hundred_numbers_are_answered_and_one_more_is_refused(client: httpx.AsyncClient, url: str) -> None:
    numbers = [f"20450777{serial:06d}" for serial in range(101)]
    assert len((await call(client, url, STATES, documents(*numbers[:100])))["data"]) == 100
    too_many = await call(client, url, STATES, documents(*numbers))
    assert (too_many["success"], too_many["data"]) == (False, [])


async def test_a22_the_frame_has_all_its_lists(client: httpx.AsyncClient, url: str) -> None:
    lists = "success data errors warnings info messageCodes errorCodes warningCodes infoCodes"
    assert " ".join(await call(client, url, STATES, documents(NOBODY))) == lists


async def test_a22_only_the_present_state_is_told(
    client: httpx.AsyncClient, url: str, world: NovaPoshtaSandbox
) -> None:
    number = world.create()
    for code in ("4", "5", "6"):
        world.move(number, code)
    item = await _item(client, url, number)
    assert item["StatusCode"] == "6"
    assert len(item) > 80


# --- A2.3: dates ---------------------------------------------------------------------------------------------------


async def test_a23_one_answer_mixes_six_formats(
    client: httpx.AsyncClient, url: str, world: NovaPoshtaSandbox, clock: VirtualClock
) -> None:
    number = world.create(cod=1200)
    clock.move_to(datetime(2026, 11, 18, 14, 0, tzinfo=UTC))
    world.arrive(number)
    clock.move_to(datetime(2026, 11, 19, 9, 30, tzinfo=UTC))
    world.hand_over(number)
    item = await _item(client, url, number)
    wanted = {
        "DateCreated": "18-11-2026 14:00:00",
        "ActualDeliveryDate": "2026-11-18 16:00:00",
        "RecipientDateTime": "19.11.2026 11:30:00",
        "DateScan": "11:30 19.11.2026",
        "TrackingUpdateDate": "2026-11-19 11:30:00",
        "DateFirstDayStorage": "2026-11-25",
        "DatePayedKeeping": "2026-11-25 16:00:00",
        "AdjustedDate": "",
    }
    assert {name: item[name] for name in wanted} == wanted


async def test_a23_empty_dates_come_in_three_forms(
    client: httpx.AsyncClient, url: str, world: NovaPoshtaSandbox
) -> None:
    item = await _item(client, url, world.create())
    names = ("RecipientDateTime", "DateFirstDayStorage", "ActualDeliveryDate")
    assert [item[name] for name in names] == ["", None, "0001-01-01 00:00:00"]


# --- A2.4: masking -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "phone", "full"),
    [
        (KEY, "", True),
        ("", "380671112233", True),
        ("", "380501112200", True),
        ("", "380990000000", False),
        ("", "", False),
        ("a" * 32, "", False),
    ],
)
async def test_a24_names_and_phones_are_for_the_owner_or_who_knows_a_phone(
    client: httpx.AsyncClient, url: str, world: NovaPoshtaSandbox, key: str, phone: str, full: bool
) -> None:
    world.keys.add("a" * 32)
    number = world.create(recipient_phone="380671112233")
    answer = await call(client, url, STATES, documents(number, phone=phone), key=key)
    [item] = answer["data"]
    people = ("RecipientFullName", "PhoneRecipient", "PhoneSender", "RecipientAddress")
    assert [bool(item[name]) for name in people] == [full] * 4
    assert item["StatusCode"] and item["CityRecipient"] and item["WarehouseRecipient"] and item["DateCreated"]
    assert [list(each) for each in answer["warnings"]] == ([] if full else [[f"ID_{number}"]])


# --- A2.5: special answers -----------------------------------------------------------------------------------------


async def test_a25_an_unknown_number_is_code_3_with_few_keys(client: httpx.AsyncClient, url: str) -> None:
    answer = await call(client, url, STATES, documents(NOBODY))
    assert answer["success"] is True
    assert answer["data"][0]["StatusCode"] == "3"
    assert len(answer["data"][0]) < 20
    assert answer["warnings"] == [{f"ID_{NOBODY}": answer["warnings"][0][f"ID_{NOBODY}"]}]


async def test_a25_an_announced_waybill_is_code_1(
    client: httpx.AsyncClient, url: str, world: NovaPoshtaSandbox
) -> None:
    assert (await _item(client, url, world.create()))["StatusCode"] == "1"


@pytest.mark.parametrize("wish", [documents("123"), {"Documents": None}, {}, documents(NOBODY, "12")])
async def test_a25_a_malformed_number_loses_the_whole_batch(
    client: httpx.AsyncClient, url: str, wish: Mapping[str, Any]
) -> None:
    answer = await call(client, url, STATES, wish)
    assert (answer["success"], answer["data"]) == (False, [])
    assert (answer["errors"], answer["errorCodes"]) == (["Document number is not correct"], ["20001401442"])


async def test_a25_an_old_waybill_is_unknown_again(
    client: httpx.AsyncClient, url: str, world: NovaPoshtaSandbox
) -> None:
    number = world.create()
    world.purge(number)
    assert (await _item(client, url, number))["StatusCode"] == "3"


# --- A4: what the world does, as the adapter sees it ---------------------------------------------------------------


async def test_a4_a_parcel_to_a_locker_with_cash(carrier: NovaPoshta, world: NovaPoshtaSandbox) -> None:
    number = world.create(to="locker", cod=1200)
    seen = []
    for step in (world.refuse, world.arrive, world.hand_over, world.remit):
        step(number)
        found, news = await ask_one(carrier, number)
        seen.append((found.native.code, bool(news and news.cod and news.cod.remitted_at)))
    assert seen == [("103", False), ("8", False), ("10", False), ("11", True)]


async def test_a4_a_parcel_to_a_door(carrier: NovaPoshta, world: NovaPoshtaSandbox) -> None:
    number = world.create(to="doors")
    seen = []
    for step in (world.arrive, world.miss, world.hand_over):
        step(number)
        seen.append((await ask_one(carrier, number))[0].native.code)
    assert seen == ["7/doors", "111", "9"]


async def test_a4_a_refused_parcel_comes_back_under_its_own_number(
    carrier: NovaPoshta, world: NovaPoshtaSandbox
) -> None:
    number = world.create(cod=1200)
    world.refuse(number)
    assert (await ask_one(carrier, number))[0].native.code == "103"
    back = world.return_waybill(number)
    old, news = await ask_one(carrier, number)
    assert (old.native.code, old.way) == ("102", Way.OUT)
    assert news is not None and news.next is not None
    assert (news.next.number, news.relation) == (back, Relation.BACK)
    world.hand_over(back)
    new, more = await ask_one(carrier, back)
    assert (new.native.code, new.way, more) == ("9", Way.BACK, None)


async def test_a4_a_redirected_parcel_goes_on_under_another_number(
    carrier: NovaPoshta, world: NovaPoshtaSandbox
) -> None:
    number = world.create()
    new = world.redirect(number, city="Львів", to="locker")
    old, news = await ask_one(carrier, number)
    assert (old.native.code, news and news.next and news.next.number) == ("104", new)
    world.arrive(new)
    found, more = await ask_one(carrier, new)
    assert (found.native.code, found.place) == ("8", "Львів")
    assert more is not None and more.point is not None and more.point.address.startswith("Львів")


# --- A5, A6: points, making and deleting waybills ------------------------------------------------------------------


async def test_a5_hours_and_coordinates_of_a_point_are_a_second_call(
    client: httpx.AsyncClient, url: str, world: NovaPoshtaSandbox
) -> None:
    item = await _item(client, url, world.create())
    answer = await call(client, url, "Address.getWarehouses", {"Ref": item["WarehouseRecipientRef"]})
    [point] = answer["data"]
    assert point["Description"] == item["WarehouseRecipient"]
    assert point["Schedule"]["Monday"] and point["Latitude"] and point["Longitude"] and point["Phone"]


WAYBILL = {
    "RecipientsPhone": "380671112233",
    "ServiceType": "WarehouseWarehouse",
    "BackwardDeliveryData": [{"PayerType": "Recipient", "CargoType": "Money", "RedeliveryString": "1200"}],
}


async def test_a6_a_waybill_is_made_tracked_listed_and_deleted(client: httpx.AsyncClient, url: str) -> None:
    [made] = (await call(client, url, "InternetDocument.save", WAYBILL))["data"]
    assert set(made) == {"Ref", "CostOnSite", "EstimatedDeliveryDate", "IntDocNumber", "TypeDocument"}
    assert made["EstimatedDeliveryDate"] == "20.11.2026"
    number = made["IntDocNumber"]
    assert (await _item(client, url, number))["RedeliverySum"] == 1200
    day = {"DateTimeFrom": "18.11.2026", "DateTimeTo": "18.11.2026"}
    [listed] = (await call(client, url, "InternetDocument.getDocumentList", day))["data"]
    assert (listed["IntDocNumber"], listed["Ref"]) == (number, made["Ref"])
    await call(client, url, "InternetDocument.delete", {"DocumentRefs": [made["Ref"]]})
    assert (await _item(client, url, number))["StatusCode"] == "2"


async def test_a6_a_list_has_a_hundred_on_a_page(client: httpx.AsyncClient, url: str, world: NovaPoshtaSandbox) -> None:
    for _ in range(103):
        world.create()
    day = {"DateTimeFrom": "18.11.2026", "DateTimeTo": "18.11.2026"}
    sizes = [
        len((await call(client, url, "InternetDocument.getDocumentList", {**day, "Page": page}))["data"])
        for page in ("1", "2", "3")
    ]
    assert sizes == [100, 3, 0]


async def test_a6_another_days_list_is_empty(client: httpx.AsyncClient, url: str, world: NovaPoshtaSandbox) -> None:
    world.create()
    day = {"DateTimeFrom": "19.11.2026", "DateTimeTo": "20.11.2026"}
    assert (await call(client, url, "InternetDocument.getDocumentList", day))["data"] == []


async def test_a6_a_return_is_an_order_and_then_a_waybill(
    client: httpx.AsyncClient, url: str, world: NovaPoshtaSandbox
) -> None:
    number = world.create()
    assert (await call(client, url, "AdditionalService.CheckPossibilityCreateReturn", {"Number": number}))["data"]
    assert (await call(client, url, "AdditionalService.getReturnReasons", {}))["data"]
    assert (await call(client, url, "AdditionalService.getReturnReasonsSubtypes", {}))["data"]
    wish = {"IntDocNumber": number, "OrderType": "orderCargoReturn"}
    [order] = (await call(client, url, "AdditionalService.save", wish))["data"]
    assert order["Number"].startswith("102-")
    assert (await _item(client, url, number))["LastCreatedOnTheBasisDocumentType"] == "CargoReturn"


async def test_a6_a_return_of_an_unknown_waybill_is_refused(client: httpx.AsyncClient, url: str) -> None:
    answer = await call(client, url, "AdditionalService.CheckPossibilityCreateReturn", {"Number": NOBODY})
    assert answer["errorCodes"] == ["20000301849"]


# --- A7, A8: errors and quirks -------------------------------------------------------------------------------------


async def test_a7_info_is_now_a_list_and_now_an_object(
    client: httpx.AsyncClient, url: str, world: NovaPoshtaSandbox
) -> None:
    answers = [await call(client, url, STATES, documents(number)) for number in (world.create(), NOBODY)]
    assert [each["info"] for each in answers] == [[], {}]


async def test_a8_types_drift_from_one_waybill_to_another(
    client: httpx.AsyncClient, url: str, world: NovaPoshtaSandbox
) -> None:
    numbers = [world.create(number, cod=1200) for number in ("20450777000006", "20450777000007")]
    items = [await _item(client, url, number) for number in numbers]
    drifting = ("StatusCode", "Redelivery", "RedeliverySum")
    assert [[item[name] for name in drifting] for item in items] == [["1", 1, 1200], [1, "1", "1200"]]


async def test_a8_drifting_types_read_the_same(carrier: NovaPoshta, world: NovaPoshtaSandbox) -> None:
    found = [await ask_one(carrier, world.create(f"2045077700000{last}", cod=1200)) for last in (6, 7)]
    assert found[0][0].native == found[1][0].native
    assert [news.cod for _, news in found if news] == [found[0][1].cod] * 2  # type: ignore[union-attr]


async def test_the_ledger_keeps_requests_and_changes(
    carrier: NovaPoshta, world: NovaPoshtaSandbox, clock: VirtualClock
) -> None:
    number = world.create()
    await ask_one(carrier, number)
    clock.move_to(clock.now() + timedelta(hours=1))
    world.move(number, "5")
    assert [(each.what, each.numbers, each.outcome) for each in world.ledger] == [
        ("change", (number,), "1"),
        (STATES, (number,), "ok"),
        ("change", (number,), "5"),
    ]
    assert world.ledger[2].at - world.ledger[0].at == timedelta(hours=1)
