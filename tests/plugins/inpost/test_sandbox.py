"""The fake carrier from its client's side; the sections are those of the dossier it was made from, and the first are
what that says a fake must reproduce."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from hub.clock import VirtualClock
from hub.plugin.sandbox import serve
from plugins.carriers.inpost.sandbox import ADDRESS, ORGANIZATION, TOKEN, InPostSandbox

BEARER = {"Authorization": f"Bearer {TOKEN}"}
SHIPMENTS = f"/v1/organizations/{ORGANIZATION}/shipments"
NOBODY = "6" * 24
WISH = {
    "receiver": {"first_name": "Jan", "last_name": "Przykład", "email": "jan@example.com", "phone": "600100200"},
    "parcels": {"template": "small"},
    "service": "inpost_locker_standard",
    "custom_attributes": {"target_point": "KRA010", "sending_method": "parcel_locker"},
    "reference": "ORD-1042",
    "cod": {"amount": 129.90, "currency": "PLN"},
}


@dataclass
class Listener:
    """Somebody who takes webhooks: what came, and what they answer."""

    url: str = ""
    answers: int = 200
    came: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)

    async def take(self, request: Request) -> PlainTextResponse:
        body = await request.body()
        self.came.append((request.method, dict(request.headers), await request.json() if body else None))
        return PlainTextResponse("", self.answers)

    @property
    def told(self) -> list[Any]:
        return [body for method, _, body in self.came if method == "POST"]


@asynccontextmanager
async def listening(answers: int = 200) -> AsyncIterator[Listener]:
    listener = Listener(answers=answers)
    app = Starlette(routes=[Route("/hook", listener.take, methods=["GET", "POST"])])
    async with serve(app) as url:
        listener.url = f"{url}/hook"
        yield listener


async def _tracked(browser: httpx.AsyncClient, url: str, number: str) -> Any:
    answer = await browser.get(f"{url}/v1/tracking/{number}")
    assert answer.status_code == 200
    return answer.json()


# --- what a fake must reproduce ------------------------------------------------------------------------------------


async def test_tracking_asks_for_no_token(browser: httpx.AsyncClient, url: str, world: InPostSandbox) -> None:
    number = world.create()
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        assert (await browser.get(f"{url}/v1/tracking/{number}", headers=headers)).status_code == 200
    assert [each.token for each in world.ledger] == [False, True]


async def test_one_number_is_asked_about_at_a_time(browser: httpx.AsyncClient, url: str, world: InPostSandbox) -> None:
    first, second = world.create(), world.create()
    assert (await browser.get(f"{url}/v1/tracking/{first},{second}")).status_code == 404
    assert (await _tracked(browser, url, second))["tracking_number"] == second


async def test_an_unknown_number_is_answered_404_with_its_body(browser: httpx.AsyncClient, url: str) -> None:
    answer = await browser.get(f"{url}/v1/tracking/{NOBODY}")
    assert answer.status_code == 404
    body = answer.json()
    assert (body["status"], body["error"], body["details"]) == (404, "resource_not_found", {})
    assert body["message"].startswith("Tracking information about") and body["message"].endswith("not found")


async def test_a_new_and_an_old_number_are_answered_like_a_wrong_one(
    browser: httpx.AsyncClient, url: str, world: InPostSandbox
) -> None:
    number = world.create()
    world.purge(number)
    gone, wrong = [(await browser.get(f"{url}/v1/tracking/{each}")).json() for each in (number, NOBODY)]
    assert {**gone, "message": ""} == {**wrong, "message": ""}


async def test_the_newest_detail_comes_first(
    browser: httpx.AsyncClient, url: str, world: InPostSandbox, clock: VirtualClock
) -> None:
    number = world.create()
    for status in ("dispatched_by_sender", "adopted_at_sorting_center", "ready_to_pickup"):
        clock.move_to(clock.now() + timedelta(hours=5))
        await world.move(number, status, agency="KRA")
    answer = await _tracked(browser, url, number)
    said = [each["status"] for each in answer["tracking_details"]]
    assert said == ["ready_to_pickup", "adopted_at_sorting_center", "dispatched_by_sender", "confirmed"]
    assert answer["status"] == "ready_to_pickup"
    assert set(answer["tracking_details"][0]) == {"status", "origin_status", "agency", "datetime"}


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (datetime(2026, 11, 18, 6, 42, 10, tzinfo=UTC), "2026-11-18T07:42:10.000+01:00"),
        (datetime(2027, 7, 18, 6, 42, 10, tzinfo=UTC), "2027-07-18T08:42:10.000+02:00"),
    ],
)
async def test_dates_are_polands_with_their_offset_and_milliseconds(
    browser: httpx.AsyncClient, url: str, world: InPostSandbox, clock: VirtualClock, at: datetime, written: str
) -> None:
    number = world.create()
    clock.move_to(at + timedelta(hours=1))
    await world.move(number, "delivered", at=min(at, clock.now()))
    assert (await _tracked(browser, url, number))["tracking_details"][0]["datetime"] == written


@pytest.mark.parametrize(("answers", "taken"), [(200, True), (204, False), (401, False)])
async def test_the_webhooks_address_is_probed_with_a_get_and_must_answer_200(
    world: InPostSandbox, url: str, answers: int, taken: bool
) -> None:
    number = world.create()
    async with listening(answers) as listener:
        assert await world.activate(listener.url) is taken
        assert [method for method, *_ in listener.came] == ["GET"]
        await world.move(number, "dispatched_by_sender")
        assert len(listener.told) == (1 if taken else 0)


async def test_the_time_of_a_webhook_is_written_with_spaces(world: InPostSandbox, url: str) -> None:
    number = world.create()
    async with listening() as listener:
        await world.activate(listener.url)
        await world.move(number, "ready_to_pickup")
        assert listener.told == [
            {
                "event_ts": "2026-11-18 13:00:00 +0100",
                "event": "shipment_status_changed",
                "organization_id": ORGANIZATION,
                "payload": {
                    "shipment_id": world.parcel(number).id,
                    "status": "ready_to_pickup",
                    "tracking_number": number,
                },
            }
        ]


async def test_a_shipment_is_made_in_steps_and_has_its_number_at_the_last(
    browser: httpx.AsyncClient, url: str, world: InPostSandbox
) -> None:
    async with listening() as listener:
        await world.activate(listener.url)
        made = await browser.post(url + SHIPMENTS, json=WISH, headers=BEARER)
        assert made.status_code == 201
        assert (made.json()["status"], made.json()["tracking_number"]) == ("created", None)
        one = f"{url}/v1/shipments/{made.json()['id']}"
        seen = []
        for _ in range(3):
            await world.prepare(made.json()["id"])
            now = (await browser.get(one, headers=BEARER)).json()
            seen.append((now["status"], now["tracking_number"] is not None))
        assert seen == [("offers_prepared", False), ("offer_selected", False), ("confirmed", True)]
        told = [(each["event"], each["payload"]["tracking_number"]) for each in listener.told]
        assert told == [("offers_prepared", None), ("shipment_confirmed", now["tracking_number"])]
    tracked = await _tracked(browser, url, now["tracking_number"])
    assert tracked["custom_attributes"]["target_machine_id"] == "KRA010"


# --- 1: who may ask ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}])
@pytest.mark.parametrize("path", [SHIPMENTS, "/v1/shipments/998877", "/v1/shipments/998877/label"])
async def test_1_shipments_are_for_who_has_the_token(
    browser: httpx.AsyncClient, url: str, world: InPostSandbox, headers: dict[str, str], path: str
) -> None:
    world.create()
    answer = await browser.get(url + path, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "token_invalid")


async def test_1_another_organization_is_closed(browser: httpx.AsyncClient, url: str) -> None:
    answer = await browser.get(f"{url}/v1/organizations/99/shipments", headers=BEARER)
    assert (answer.status_code, answer.json()["error"]) == (403, "access_forbidden")


# --- 2: tracking, statuses, points ----------------------------------------------------------------------------------


async def test_2_an_answer_has_no_personal_data(browser: httpx.AsyncClient, url: str, world: InPostSandbox) -> None:
    number = world.create(cod=129.90, receiver={"first_name": "Kanarek", "phone": "600999888"})
    text = (await browser.get(f"{url}/v1/tracking/{number}")).text
    assert "Kanarek" not in text and "600999888" not in text and "129.9" not in text


async def test_2_an_answer_has_the_fields_of_the_documented_one(
    browser: httpx.AsyncClient, url: str, world: InPostSandbox
) -> None:
    answer = await _tracked(browser, url, world.create(to="KRA01M"))
    assert list(answer) == [
        "tracking_number",
        "type",
        "service",
        "status",
        "created_at",
        "updated_at",
        "custom_attributes",
        "tracking_details",
        "expected_flow",
    ]
    attributes = answer["custom_attributes"]
    assert attributes["target_machine_id"] == attributes["target_machine_detail"]["name"] == "KRA01M"
    assert attributes["target_machine_detail"]["address"]["line1"] == "Zmyślona 3"
    assert attributes["dropoff_machine_id"] == "WAW123"


async def test_2_a_courier_has_no_target(browser: httpx.AsyncClient, url: str, world: InPostSandbox) -> None:
    answer = await _tracked(browser, url, world.create(to=""))
    assert (answer["service"], answer["custom_attributes"]) == ("inpost_courier_standard", {})


@pytest.mark.parametrize(
    ("query", "title"),
    [("", "Gotowa do odbioru"), ("?lang=pl_PL", "Gotowa do odbioru"), ("?lang=en_GB", "Ready to coll")],
)
async def test_2_statuses_are_named_in_two_languages(
    browser: httpx.AsyncClient, url: str, query: str, title: str
) -> None:
    answer = (await browser.get(f"{url}/v1/statuses{query}")).json()
    assert len(answer["items"]) == 58
    assert next(each for each in answer["items"] if each["name"] == "ready_to_pickup")["title"].startswith(title)
    assert all(set(each) == {"name", "title", "description"} for each in answer["items"])


async def test_2_any_other_language_is_refused(browser: httpx.AsyncClient, url: str) -> None:
    answer = await browser.get(f"{url}/v1/statuses?lang=uk_UA")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_parameter")


async def test_2_own_shipments_are_listed_by_number_and_by_page(
    browser: httpx.AsyncClient, url: str, world: InPostSandbox
) -> None:
    numbers = [world.create(cod=10 + each) for each in range(35)]
    one = (await browser.get(f"{url}{SHIPMENTS}?tracking_number={numbers[3]}", headers=BEARER)).json()
    assert [(each["tracking_number"], each["cod"]) for each in one["items"]] == [
        (numbers[3], {"amount": 13, "currency": "PLN"})
    ]
    pages = [(await browser.get(f"{url}{SHIPMENTS}?page={page}", headers=BEARER)).json() for page in (1, 2)]
    assert [(each["count"], each["page"], len(each["items"])) for each in pages] == [(35, 1, 30), (35, 2, 5)]
    assert set(pages[0]) == {"href", "count", "page", "per_page", "items"}


# --- 3: webhooks ---------------------------------------------------------------------------------------------------


async def test_3_a_webhook_comes_unsigned_from_inposts_network(world: InPostSandbox, url: str) -> None:
    """On this machine the network is what a reverse proxy would write beside it."""
    number = world.create()
    async with listening() as listener:
        await world.activate(listener.url)
        await world.move(number, "ready_to_pickup")
        _, headers, _ = listener.came[-1]
        assert headers["x-real-ip"] == ADDRESS and ADDRESS.startswith("91.216.25.")
        assert not [name for name in headers if "sign" in name or "hmac" in name or name == "authorization"]


async def test_3_webhooks_come_twice_and_out_of_order(world: InPostSandbox, url: str) -> None:
    number = world.create()
    async with listening() as listener:
        await world.activate(listener.url)
        await world.move(number, "ready_to_pickup")
        await world.move(number, "delivered")
        await world.repeat(0)
        said = [each["payload"]["status"] for each in listener.told]
        assert said == ["ready_to_pickup", "delivered", "ready_to_pickup"]
        assert listener.told[0] == listener.told[2]


async def test_3_a_return_carries_keys_of_its_own(world: InPostSandbox, url: str) -> None:
    number = world.create()
    async with listening() as listener:
        await world.activate(listener.url)
        await world.move(number, "returned_to_sender")
        assert set(listener.told[0]["payload"]) > {"shipment_id", "status", "tracking_number"}


# --- 5, 6, 7: points, labels, errors ---------------------------------------------------------------------------------


async def test_5_a_redirection_shows_as_another_target(
    browser: httpx.AsyncClient, url: str, world: InPostSandbox
) -> None:
    number = world.create()
    await world.redirect(number, "KRA01M", described=False)
    answer = await _tracked(browser, url, number)
    assert answer["custom_attributes"]["target_machine_id"] == "KRA01M"
    assert answer["custom_attributes"]["target_machine_detail"] is None
    point = await browser.get(f"{url}/v1/points/KRA01M")
    assert point.json()["address"] == {"line1": "Zmyślona 3", "line2": "30-001 Kraków"}
    assert (await browser.get(f"{url}/v1/points/XXX000")).status_code == 404


async def test_6_a_shipment_is_cancelled_only_at_its_beginning(
    browser: httpx.AsyncClient, url: str, world: InPostSandbox
) -> None:
    ids = [(await browser.post(url + SHIPMENTS, json=WISH, headers=BEARER)).json()["id"] for _ in range(2)]
    for _ in range(3):
        await world.prepare(ids[1])
    codes = [(await browser.delete(f"{url}/v1/shipments/{each}", headers=BEARER)).status_code for each in ids]
    assert codes == [204, 400]


async def test_6_a_label_is_there_once_there_is_a_number(
    browser: httpx.AsyncClient, url: str, world: InPostSandbox
) -> None:
    made = (await browser.post(url + SHIPMENTS, json=WISH, headers=BEARER)).json()["id"]
    label = f"{url}/v1/shipments/{made}/label?format=pdf&type=A6"
    assert (await browser.get(label, headers=BEARER)).status_code == 404
    for _ in range(3):
        await world.prepare(made)
    answer = await browser.get(label, headers=BEARER)
    assert answer.headers["content-type"] == "application/pdf" and answer.content.startswith(b"%PDF")


async def test_7_errors_name_what_is_missing(browser: httpx.AsyncClient, url: str) -> None:
    answer = await browser.post(url + SHIPMENTS, json={"service": "inpost_locker_standard"}, headers=BEARER)
    assert answer.status_code == 400
    assert answer.json()["details"] == {"receiver": ["required"], "parcels": ["required"]}


async def test_7_the_text_of_an_error_stands_under_two_names(browser: httpx.AsyncClient, url: str) -> None:
    absent, refused = [(await browser.get(url + path)).json() for path in ("/v1/points/XXX000", "/v1/statuses?lang=xx")]
    assert "message" in absent and "description" not in absent
    assert "description" in refused and "message" not in refused


# --- 8: quirks -----------------------------------------------------------------------------------------------------


async def test_8_the_tracking_can_be_behind_the_webhook(
    browser: httpx.AsyncClient, url: str, world: InPostSandbox, clock: VirtualClock
) -> None:
    number = world.create()
    clock.move_to(clock.now() + timedelta(hours=1))
    world.lag = timedelta(seconds=5)
    async with listening() as listener:
        await world.activate(listener.url)
        await world.move(number, "delivered")
        assert listener.told[0]["payload"]["status"] == "delivered"
    assert (await _tracked(browser, url, number))["status"] == "confirmed"
    clock.move_to(clock.now() + timedelta(seconds=5))
    assert (await _tracked(browser, url, number))["status"] == "delivered"


async def test_8_a_cancelled_label_is_spelt_with_one_l(browser: httpx.AsyncClient, url: str) -> None:
    names = {each["name"] for each in (await browser.get(f"{url}/v1/statuses")).json()["items"]}
    assert "canceled" in names and "cancelled" not in names
