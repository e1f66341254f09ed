"""How the adapter asks, and what it makes of answers of every kind. Against the sandbox, over a socket."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from hub.clock import VirtualClock
from hub.model import Money
from hub.plugin import Config, FailureError, Limits, Permanent, TrackRequest, Transient, UnreadableError
from hub.plugin.http import make_client
from hub.status import Precision
from plugins.carriers.inpost import InPost, adapters
from plugins.carriers.inpost.asking import ROOM, URL, Aside, kept
from plugins.carriers.inpost.sandbox import ORGANIZATION, TOKEN, InPostSandbox
from plugins.carriers.inpost.statuses import BAD_NUMBER
from plugins.carriers.nova_poshta import NovaPoshta

from .telling import NUMBER, OTHER, SECRET, answer, ask, codes, event, machine, parted, settings

Answering = Callable[[httpx.Request], httpx.Response]


def _over(respond: Answering, clock: VirtualClock, **rest: Any) -> InPost:
    client = make_client("inpost", Limits(), clock, transport=httpx.MockTransport(respond))
    return InPost(settings(**rest), client, clock)


def _saying(body: Any, status: int = 200) -> Answering:
    return lambda _: httpx.Response(status, json=body)


def _paths(world: InPostSandbox) -> list[str]:
    return [each.path for each in world.ledger]


# --- one number per request ----------------------------------------------------------------------------------------


async def test_each_number_is_a_request_of_its_own(carrier: InPost, world: InPostSandbox) -> None:
    numbers = [world.create() for _ in range(3)]
    assert [raw.subject for raw in await ask(carrier, *numbers)] == [f"parcel:{each}" for each in numbers]
    assert _paths(world) == [f"/v1/tracking/{each}" for each in numbers]


async def test_a_number_asked_about_twice_is_asked_once(carrier: InPost, world: InPostSandbox) -> None:
    number = world.create()
    assert len(await ask(carrier, number, number)) == 1
    assert len(world.ledger) == 1


async def test_the_whole_history_is_read_oldest_first(
    carrier: InPost, world: InPostSandbox, clock: VirtualClock
) -> None:
    number = world.create()
    for status in ("dispatched_by_sender", "adopted_at_sorting_center", "ready_to_pickup"):
        clock.move_to(clock.now() + timedelta(hours=3))
        await world.move(number, status)
    assert await codes(carrier, number) == [
        "confirmed",
        "dispatched_by_sender",
        "adopted_at_sorting_center",
        "ready_to_pickup",
    ]


async def test_the_token_is_told_where_it_is_needed_and_nowhere_else(owner: InPost, world: InPostSandbox) -> None:
    number = world.create(cod=20)
    await ask(owner, number)
    told = {each.path: each.token for each in world.ledger}
    assert told == {f"/v1/tracking/{number}": False, f"/v1/organizations/{ORGANIZATION}/shipments": True}


def test_five_requests_a_second_are_the_most() -> None:
    assert InPost.limits.per_second == 5.0
    assert (InPost.limits.burst, InPost.batch) == (1, 1)


# --- what is not known ---------------------------------------------------------------------------------------------


async def test_an_unknown_number_is_no_failure_and_tells_nothing(carrier: InPost, world: InPostSandbox) -> None:
    known = world.create()
    assert [raw.subject for raw in await ask(carrier, NUMBER, known)] == [f"parcel:{known}"]


async def test_many_unknown_numbers_do_not_stop_the_asking(carrier: InPost, world: InPostSandbox) -> None:
    strangers = [f"{serial:024d}" for serial in range(1, 21)]
    number = world.create()
    assert len(await ask(carrier, *strangers, number)) == 1


@pytest.mark.parametrize("body", [b"", b"<html>Not found</html>", b'{"error": "no_such_route"}', b"[]", b"null"])
async def test_a_404_that_is_not_inposts_own_is_a_failure(clock: VirtualClock, body: bytes) -> None:
    carrier = _over(lambda _: httpx.Response(404, content=body), clock)
    with pytest.raises(FailureError) as caught:
        await ask(carrier, NUMBER)
    assert isinstance(caught.value.outcome, Transient)


async def test_a_number_that_was_forgotten_tells_nothing_more(carrier: InPost, world: InPostSandbox) -> None:
    number = world.create()
    assert len(await ask(carrier, number)) == 1
    world.purge(number)
    assert await ask(carrier, number) == []


@pytest.mark.parametrize(
    "number",
    [
        "123",
        "../../v1/statuses",
        "63007123456789012345678X",
        NUMBER + "0",
        "６３００７１２３４５６７８９０１２３４５６７８９",
        NUMBER + "\n",
    ],
)
async def test_a_number_of_another_form_is_never_sent_and_still_seen(
    carrier: InPost, world: InPostSandbox, number: str
) -> None:
    [raw] = await ask(carrier, number)
    [point] = carrier.normalise(raw)
    assert (point.native.code, point.precision) == (BAD_NUMBER, Precision.SEEN)  # type: ignore[union-attr]
    assert len(world.ledger) == 0


async def test_an_answer_about_another_number_is_left_alone(clock: VirtualClock) -> None:
    assert await ask(_over(_saying(answer(event("confirmed"))), clock), OTHER) == []


@pytest.mark.parametrize("body", [[], "x", 5, {}, {"tracking_number": int(NUMBER)}, {"tracking_number": None}])
async def test_an_answer_about_nothing_is_unreadable(clock: VirtualClock, body: Any) -> None:
    with pytest.raises(UnreadableError):
        await ask(_over(_saying(body), clock), NUMBER)


# --- what is stored ------------------------------------------------------------------------------------------------


async def test_the_same_answer_has_the_same_key_whenever_it_is_asked_for(
    carrier: InPost, world: InPostSandbox, clock: VirtualClock
) -> None:
    number = world.create()
    [first] = await ask(carrier, number)
    clock.move_to(clock.now() + timedelta(hours=5))
    [second] = await ask(carrier, number)
    assert first.dedupe_key == second.dedupe_key
    await world.move(number, "dispatched_by_sender")
    [third] = await ask(carrier, number)
    assert third.dedupe_key != first.dedupe_key


@pytest.mark.parametrize(
    "change",
    [
        {"status": "delivered"},
        {"updated_at": "2026-11-18T09:00:00.000+01:00"},
        {"tracking_details": []},
        {"custom_attributes": {"target_machine_id": "KRA01M"}},
    ],
)
async def test_whatever_matters_makes_another_key(clock: VirtualClock, change: dict[str, Any]) -> None:
    whole = answer(event("confirmed"))

    def respond(body: Any) -> Answering:
        absent = {"status": 404, "error": "resource_not_found"}
        return lambda request: (
            httpx.Response(404, json=absent) if "/points/" in request.url.path else httpx.Response(200, json=body)
        )

    keys = [(await ask(_over(respond(each), clock), NUMBER))[0].dedupe_key for each in (whole, {**whole, **change})]
    assert keys[0] != keys[1]


async def test_what_nobody_reads_is_neither_stored_nor_part_of_the_key(clock: VirtualClock) -> None:
    plain = answer(event("confirmed"))
    more = {**plain, "receiver": {"phone": "600100200"}, "expected_flow": ["x"], "created_at": "later"}
    more["custom_attributes"] = {**plain["custom_attributes"], "dropoff_machine_id": "WAW123"}
    [one], [two] = [await ask(_over(_saying(each), clock), NUMBER) for each in (plain, more)]
    assert one.dedupe_key == two.dedupe_key
    assert "600100200" not in str(two.body) and "WAW123" not in str(two.body)


async def test_of_a_shipment_only_the_cash_is_stored(owner: InPost, world: InPostSandbox) -> None:
    number = world.create(cod=129.90, receiver={"first_name": "Kanarek", "phone": "600999888"})
    [raw] = await ask(owner, number)
    assert raw.body["cod"] == {"amount": 129.90, "currency": "PLN"}
    for secret in ("Kanarek", "600999888", TOKEN):
        assert secret not in str(raw.body)


def test_only_plain_values_of_the_shape_are_kept() -> None:
    shape = {"a": None, "b": {"c": None}}
    said = {"a": [1, {"x": 1}, None, "y"], "b": [{"c": 2, "d": 3}, 4], "z": 5}
    assert kept(said, shape) == {"a": [1, None, None, "y"], "b": [{"c": 2}, None]}
    assert kept({"a": {"deep": 1}, "b": "text"}, shape) == {"a": None, "b": None}


# --- what is asked beside ------------------------------------------------------------------------------------------


async def test_a_redirection_to_a_point_that_is_not_described_is_asked_about_once_a_day(
    carrier: InPost, world: InPostSandbox, clock: VirtualClock
) -> None:
    number = world.create()
    await world.redirect(number, "KRA01M", described=False)
    for hours in (0, 5, 20):
        clock.move_to(clock.now() + timedelta(hours=hours))
        [raw] = await ask(carrier, number)
        _, news, _ = parted(carrier.normalise(raw))
        assert news is not None and news.point is not None
        assert (news.point.ref, news.point.address) == ("KRA01M", "Zmyślona 3, 30-001 Kraków")
    assert _paths(world).count("/v1/points/KRA01M") == 2


async def test_a_point_that_cannot_be_asked_about_is_told_by_name(carrier: InPost, world: InPostSandbox) -> None:
    number = world.create()
    await world.redirect(number, "KRA01M", described=False)
    world.chaos.fail(503, path="/v1/points/*", times=9)
    [raw] = await ask(carrier, number)
    _, news, _ = parted(carrier.normalise(raw))
    assert news is not None and news.point is not None
    assert (news.point.name, news.point.address) == ("KRA01M", "")
    await ask(carrier, number)
    assert world.chaos.struck == 1, "after a failure it rests"


async def test_the_hostile_name_of_a_point_stays_one_part_of_the_path(clock: VirtualClock) -> None:
    asked: list[bytes] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path)
        attributes = {"target_machine_id": "../statuses?x=1#", "target_machine_detail": None}
        return httpx.Response(200, json=answer(event("confirmed"), custom_attributes=attributes))

    await ask(_over(respond, clock), NUMBER)
    assert asked[1:] == [b"/v1/points/..%2Fstatuses%3Fx%3D1%23"]


async def test_cash_is_asked_for_once_a_day_and_told_in_zlotys(
    owner: InPost, world: InPostSandbox, clock: VirtualClock
) -> None:
    number = world.create(cod=129.90)
    for _ in range(3):
        [raw] = await ask(owner, number)
        clock.move_to(clock.now() + timedelta(hours=10))
    _, news, _ = parted(owner.normalise(raw))
    assert news is not None and news.cod is not None and news.cod.amount is not None
    assert (f"{news.cod.amount.amount:.2f}", news.cod.amount.currency) == ("129.90", "PLN")
    assert isinstance(news.cod.amount, Money)
    assert (news.cod.collected_at, news.cod.remitted_at) == (None, None), "that is told nowhere"
    assert _paths(world).count(f"/v1/organizations/{ORGANIZATION}/shipments") == 1


@pytest.mark.parametrize("cod", [0, 129.90])
async def test_a_parcel_of_somebody_else_has_no_cash(
    client: httpx.AsyncClient, clock: VirtualClock, world: InPostSandbox, url: str, cod: float
) -> None:
    """Another organization's token is refused; tracking goes on without it."""
    stranger = InPost(settings(url, token=TOKEN, organization=99), client, clock)
    [raw] = await ask(stranger, world.create(cod=cod))
    assert "cod" not in raw.body


async def test_a_refused_token_does_not_stop_the_tracking(
    client: httpx.AsyncClient, clock: VirtualClock, world: InPostSandbox, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = InPost(settings(url, token="a-token-that-is-wrong", organization=ORGANIZATION), client, clock)
    number = world.create()
    assert await codes(wrong, number) == ["confirmed"]
    assert await codes(wrong, number) == ["confirmed"]
    assert [each.status for each in world.ledger if each.token] == [401], "asked once an hour at most"
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn")]
    assert ours and not [line for line in ours if "a-token-that-is-wrong" in line or number in line]


async def test_a_code_that_we_do_not_know_comes_with_inposts_title(carrier: InPost, world: InPostSandbox) -> None:
    world.statuses["brand_new"] = {"native_label_original": "Zupełnie nowy", "native_label_en": "Brand new"}
    number = world.create()
    await world.move(number, "brand_new")
    for _ in range(2):
        [raw] = await ask(carrier, number)
    points, _, _ = parted(carrier.normalise(raw))
    assert [(each.native.code, each.native.label) for each in points][-1] == ("brand_new", "Zupełnie nowy")
    assert _paths(world).count("/v1/statuses") == 1


async def test_known_codes_need_no_titles(carrier: InPost, world: InPostSandbox) -> None:
    await ask(carrier, world.create())
    assert "/v1/statuses" not in _paths(world)


async def test_what_is_remembered_has_bounds(clock: VirtualClock) -> None:
    asked: list[str] = []

    async def tell(key: str) -> dict[str, str]:
        asked.append(key)
        return {"key": key}

    aside = Aside(clock, tell, timedelta(days=1))
    for serial in range(ROOM + 1):
        await aside.of(str(serial))
    assert await aside.of(str(ROOM)) == {"key": str(ROOM)}
    assert len(asked) == ROOM + 1, "the newest is remembered"
    await aside.of("0")
    assert asked[-1] == "0", "the oldest is not"


async def test_what_was_known_outlives_a_failure(clock: VirtualClock) -> None:
    answers: list[Any] = [{"a": 1}, UnreadableError("no"), {"a": 2}]

    async def tell(_: str) -> Any:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    aside = Aside(clock, tell, timedelta(days=1))
    seen = []
    for hours in (0, 25, 0.5, 1):
        clock.move_to(clock.now() + timedelta(hours=hours))
        seen.append(await aside.of("x"))
    assert seen == [{"a": 1}, {"a": 1}, {"a": 1}, {"a": 2}]


# --- failures ------------------------------------------------------------------------------------------------------


async def _failure(carrier: InPost) -> FailureError:
    with pytest.raises(FailureError) as caught:
        await ask(carrier, NUMBER)
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Permanent),
        (401, Config),
        (403, Config),
        (408, Transient),
        (429, Transient),
        (500, Transient),
        (503, Transient),
    ],
)
async def test_a_refusal_is_what_the_table_of_failures_says(
    carrier: InPost, world: InPostSandbox, status: int, kind: type
) -> None:
    world.chaos.fail(status, body=f'{{"error": "x", "message": "{NUMBER} {SECRET}"}}')
    failure = await _failure(carrier)
    assert isinstance(failure.outcome, kind)
    assert NUMBER not in str(failure) and SECRET not in str(failure)


async def test_a_wish_to_wait_is_heard_and_obeyed(carrier: InPost, world: InPostSandbox, clock: VirtualClock) -> None:
    number = world.create()
    world.chaos.fail(429, retry_after=120)
    found = (await _failure(carrier)).outcome
    assert isinstance(found, Transient) and found.not_before is not None
    assert found.not_before >= clock.now() + timedelta(seconds=120)
    await _failure(carrier)
    assert world.chaos.struck == 1 and len(world.ledger) == 0, "until then nothing is asked"
    clock.move_to(found.not_before)
    assert await codes(carrier, number) == ["confirmed"]


@pytest.mark.parametrize(("trouble", "times"), [("hang", 1), ("cut", 1), ("reset", 2), ("garble", 1)])
async def test_silence_and_broken_connections_may_pass(
    carrier: InPost, world: InPostSandbox, trouble: str, times: int
) -> None:
    """A GET whose connection was reset is tried once more by the wire itself."""
    number = world.create(NUMBER)
    getattr(world.chaos, trouble)(times)
    assert isinstance((await _failure(carrier)).outcome, Transient)
    assert await codes(carrier, number) == ["confirmed"]


# --- hello ---------------------------------------------------------------------------------------------------------


async def test_hello_needs_no_token_and_says_so(carrier: InPost, world: InPostSandbox) -> None:
    assert await carrier.hello() == "InPost answers and knows 58 statuses; tracking needs no token"
    assert [(each.method, each.token) for each in world.ledger] == [("GET", False)]


async def test_hello_proves_the_token(owner: InPost, world: InPostSandbox) -> None:
    assert await owner.hello() == "InPost answers, knows 58 statuses and accepts the token"
    assert {each.method for each in world.ledger} == {"GET"}, "it makes nothing"


@pytest.mark.parametrize(("token", "organization"), [("a-token-that-is-wrong", ORGANIZATION), (TOKEN, 99)])
async def test_hello_fails_without_a_good_token(
    client: httpx.AsyncClient, clock: VirtualClock, url: str, token: str, organization: int
) -> None:
    with pytest.raises(FailureError) as caught:
        await InPost(settings(url, token=token, organization=organization), client, clock).hello()
    assert isinstance(caught.value.outcome, Config)
    assert token not in str(caught.value)


@pytest.mark.parametrize("body", [{}, [], {"items": None}, "x"])
async def test_hello_is_not_content_with_any_answer(clock: VirtualClock, body: Any) -> None:
    with pytest.raises(UnreadableError):
        await _over(_saying(body), clock).hello()


# --- settings, numbers, names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"token": TOKEN},
        {"webhook_secret": "short"},
        {"organization": 0},
        {"senders": ["91.216.25.7/24"]},
        {"senders": ["inpost"]},
        {"sender_header": "x real ip"},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)


def test_nothing_must_be_set_and_the_address_is_the_carriers_own() -> None:
    found = InPost.settings_type.model_validate({})
    assert getattr(found, "url") == URL == "https://api-shipx-pl.easypack24.net"  # noqa: B009


async def test_the_address_may_end_with_a_slash(
    clock: VirtualClock, client: httpx.AsyncClient, url: str, world: InPostSandbox
) -> None:
    assert await codes(InPost(settings(url + "/"), client, clock), world.create()) == ["confirmed"]


@pytest.mark.parametrize(
    ("number", "ours"),
    [
        (NUMBER, True),
        ("0" * 24, True),
        ("20450777123456", False),  # Nova Poshta
        ("SHPL6145344878", False),  # Nova Post
        ("0500012345678", False),  # Ukrposhta
        ("RA123456785PL", False),  # S10
        ("00259007731234567890", False),  # Poczta Polska
        ("1234567890123U", False),  # DPD
        ("123-4567890", False),  # Meest
        ("1Z999AA10123456784", False),  # UPS
        ("123456789012", False),  # FedEx
        ("123456789012345", False),  # FedEx Ground
        ("9400111899223197428490", False),  # USPS, 22 digits
        ("00340434161094042557", False),  # DHL
        ("JJD000390007882823446", False),  # DHL
        ("12345678901", False),  # GLS
        ("1106207236", False),  # CDEK
        (NUMBER[:-1], False),
        (NUMBER + "1", False),
        ("６" * 24, False),
        (f" {NUMBER}", False),
    ],
)
def test_24_digits_are_ours_and_no_other_carriers_number_is(clock: VirtualClock, number: str, ours: bool) -> None:
    assert _over(_saying({}), clock).recognises(number) is ours


def test_a_neighbour_does_not_take_ours(clock: VirtualClock) -> None:
    client = make_client("np", Limits(), clock, transport=httpx.MockTransport(_saying({})))
    neighbour = NovaPoshta(NovaPoshta.settings_type.model_validate({"api_key": "k" * 32}), client, clock)
    assert not neighbour.recognises(NUMBER)


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        *[
            (word, True)
            for word in (
                "InPost",
                "INPOST",
                "inpost",
                "In-Post",
                "InPost Paczkomaty 24/7",
                "Kurier InPost",
                "paczkomaty_inpost",
                "inpost_courier_standard",
                "Allegro Paczkomaty InPost",
                "Paczkomat",
                "Paczkomaty® 24/7",
            )
        ],
        *[
            (word, False)
            for word in (
                "Main-Post",
                "mainpost",
                "inposting",
                "Orlen Paczka",
                "Poczta Polska",
                "",
                "Nova Poshta",
                "DPD",
            )
        ],
    ],
)
def test_shops_call_it_by_many_names(clock: VirtualClock, word: str, ours: bool) -> None:
    assert _over(_saying({}), clock).calls_itself(word) is ours


def test_the_tracking_page_takes_the_number_in_its_query(clock: VirtualClock) -> None:
    carrier = _over(_saying({}), clock)
    assert carrier.tracking_url(NUMBER) == f"https://inpost.pl/sledzenie-przesylek?number={NUMBER}"
    assert carrier.tracking_url("a&b=c") == "https://inpost.pl/sledzenie-przesylek?number=a%26b%3Dc"


async def test_nothing_is_registered_because_inpost_has_no_call_for_it(carrier: InPost, world: InPostSandbox) -> None:
    assert list(await carrier.register("https://hub.example/in/inpost")) == []
    assert len(world.ledger) == 0


def test_the_plugin_brings_one_carrier() -> None:
    assert list(adapters()) == [InPost]


async def test_the_answer_of_the_page_is_read_whole(clock: VirtualClock) -> None:
    [raw] = await _over(_saying(answer(event("ready_to_pickup"))), clock).track([TrackRequest(NUMBER)])
    assert raw.body["tracking"]["custom_attributes"]["target_machine_detail"]["name"] == machine()["name"]
