"""How the adapter asks, and what it makes of answers of every kind. Against the sandbox, over a socket."""

import logging
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from hub.clock import VirtualClock
from hub.plugin import Config, FailureError, Limits, RefusedError, TrackRequest, Transient, WebhookRequest
from hub.plugin.http import make_client
from hub.status import Shipment
from plugins.carriers.nova_poshta import NovaPoshta, adapters
from plugins.carriers.nova_poshta.asking import flat, kept, wire_phone
from plugins.carriers.nova_poshta.sandbox import EXPIRED_KEY, KEY, PATH, NovaPoshtaSandbox
from plugins.carriers.nova_poshta.statuses import BAD_NUMBER

from .asking import ask, ask_one, settings

STATES = "TrackingDocument.getStatusDocuments"


def _asked(world: NovaPoshtaSandbox) -> list[tuple[str, ...]]:
    return [each.numbers for each in world.ledger if each.what == STATES]


# --- batches -------------------------------------------------------------------------------------------------------


async def test_250_numbers_are_three_requests(carrier: NovaPoshta, world: NovaPoshtaSandbox) -> None:
    numbers = [world.create() for _ in range(250)]
    assert [found.number for found, _ in await ask(carrier, *numbers)] == numbers
    assert [len(each) for each in _asked(world)] == [100, 100, 50]


async def test_a_number_asked_about_twice_is_asked_once(carrier: NovaPoshta, world: NovaPoshtaSandbox) -> None:
    number = world.create()
    assert len(await ask(carrier, number, number)) == 1
    assert _asked(world) == [(number,)]


async def test_nothing_to_ask_is_no_request(carrier: NovaPoshta, world: NovaPoshtaSandbox) -> None:
    assert await ask(carrier) == []
    assert len(world.ledger) == 0


async def test_three_bad_numbers_among_250_are_found_and_the_rest_is_answered(
    carrier: NovaPoshta, world: NovaPoshtaSandbox
) -> None:
    numbers = [world.create() for _ in range(250)]
    bad = {numbers[7], numbers[120], numbers[121]}
    world.malformed = set(bad)
    found = await ask(carrier, *numbers)
    assert [each.number for each, _ in found] == numbers
    assert {each.number for each, _ in found if each.native.code == BAD_NUMBER} == bad
    assert len(_asked(world)) < 40


async def test_a_bad_number_is_asked_alone_the_next_time_and_forgiven_when_it_was_not(
    carrier: NovaPoshta, world: NovaPoshtaSandbox
) -> None:
    numbers = [world.create() for _ in range(20)]
    world.malformed = {numbers[3]}
    await ask(carrier, *numbers)
    before = len(_asked(world))
    await ask(carrier, *numbers)
    assert [len(each) for each in _asked(world)[before:]] == [19, 1]
    world.malformed = set()
    before = len(_asked(world))
    await ask(carrier, *numbers)
    await ask(carrier, *numbers)
    assert [len(each) for each in _asked(world)[before:]] == [19, 1, 20]


@pytest.mark.parametrize(
    "number", ["123", "2045077712345X", "204507771234567", "２０４５０７７７１２３４５６", "20450777123456 "]
)
async def test_a_number_of_another_form_is_never_sent_and_still_seen(
    carrier: NovaPoshta, world: NovaPoshtaSandbox, number: str
) -> None:
    good = world.create()
    first, second = await ask(carrier, number, good)
    assert first[0].native.code == BAD_NUMBER
    assert second[0].native.code == "1"
    assert _asked(world) == [(good,)]


# --- matching ------------------------------------------------------------------------------------------------------


def _answering(*items: object) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(200, json={"success": True, "data": list(items)})


def _over(answer: Callable[[httpx.Request], httpx.Response], clock: VirtualClock, **rest: str) -> NovaPoshta:
    client = make_client("np", Limits(), clock, transport=httpx.MockTransport(answer))
    return NovaPoshta(settings(**rest), client, clock)


A, B = "20450777000001", "20450777000002"


async def test_answers_are_matched_by_number_never_by_position(clock: VirtualClock) -> None:
    carrier = _over(_answering({"Number": B, "StatusCode": 5}, {"Number": A, "StatusCode": "9"}), clock)
    assert [(found.number, found.native.code) for found, _ in await ask(carrier, A, B)] == [(A, "9"), (B, "5")]


async def test_answers_nobody_asked_for_are_left_alone(clock: VirtualClock) -> None:
    carrier = _over(_answering({"Number": "20450777000009", "StatusCode": "9"}, "what", None, {}), clock)
    assert await ask(carrier, A) == []


async def test_a_number_that_comes_as_a_number_is_matched(clock: VirtualClock) -> None:
    [found] = await ask(_over(_answering({"Number": int(A), "StatusCode": 7}), clock), A)
    assert (found[0].number, found[0].native.code) == (A, "7")


# --- what is sent and what is kept ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phone", "sent"),
    [
        ("+380671112233", "380671112233"),
        ("380671112233", "380671112233"),
        ("+48600100200", ""),
        ("", ""),
        ("+38067", ""),
    ],
)
def test_a_ukrainian_phone_is_sent_without_its_plus(phone: str, sent: str) -> None:
    assert wire_phone(phone) == sent


async def test_what_is_stored_holds_no_personal_data(carrier: NovaPoshta, world: NovaPoshtaSandbox) -> None:
    number = world.create(to="doors", recipient_phone="+380671112233")
    world.waybills[number].extra = {"CardMaskedNumber": "5168********1234"}
    [raw] = await carrier.track([TrackRequest(number, "+380671112233")])
    stored = repr(raw)
    assert raw.subject == f"parcel:{number}"
    for secret in ("380671112233", "380501112200", "Коваль", "Петренко", "Приватна", "5168", "ORD-1042", KEY):
        assert secret not in stored


def test_for_a_door_even_the_point_is_left_out() -> None:
    item = {"Number": A, "ServiceType": "WarehouseDoors", "WarehouseRecipient": "вул. Приватна, 5"}
    assert "WarehouseRecipient" not in kept(item)


def test_only_plain_values_are_kept() -> None:
    assert kept({"Number": A, "StatusCode": {"deep": []}, "Status": None, "DateCreated": ["x"]}) == {"Number": A}


async def test_the_same_state_has_the_same_key_however_it_is_labelled(clock: VirtualClock) -> None:
    one = {"Number": A, "StatusCode": "7", "Status": "Прибув", "RedeliverySum": 1200, "DaysStorageCargo": "1"}
    two = {"Number": A, "StatusCode": 7, "Status": "Прибыл", "RedeliverySum": "1200", "DaysStorageCargo": "2"}
    keys = [(await _over(_answering(each), clock).track([TrackRequest(A)]))[0].dedupe_key for each in (one, two)]
    assert keys[0] == keys[1]


@pytest.mark.parametrize(
    "change",
    [
        {"StatusCode": "8"},
        {"TrackingUpdateDate": "2026-11-18 09:00:00"},
        {"LastCreatedOnTheBasisNumber": B},
        {"RedeliverySum": 5},
    ],
)
async def test_whatever_matters_makes_another_key(clock: VirtualClock, change: dict[str, str]) -> None:
    item = {"Number": A, "StatusCode": "7"}
    keys = [
        (await _over(_answering(each), clock).track([TrackRequest(A)]))[0].dedupe_key
        for each in (item, {**item, **change})
    ]
    assert keys[0] != keys[1]


async def test_asking_again_later_makes_no_other_key(
    carrier: NovaPoshta, world: NovaPoshtaSandbox, clock: VirtualClock
) -> None:
    wish = [TrackRequest(world.create())]
    [first] = await carrier.track(wish)
    clock.move_to(clock.now() + timedelta(hours=5))
    [second] = await carrier.track(wish)
    assert first.dedupe_key == second.dedupe_key


# --- failures ------------------------------------------------------------------------------------------------------


async def _failure(carrier: NovaPoshta) -> FailureError:
    with pytest.raises(FailureError) as caught:
        await ask(carrier, A)
    return caught.value


@pytest.mark.parametrize(
    ("said", "code", "kind"),
    [
        ("API key expired", "20000200068", Config),
        ("Ключ недійсний", "", Config),
        ("x", "20000200068", Config),
        ("You have no permission for this method", "", Config),
        ("Too many requests for this API key", "", Transient),
        ("Перевищено кількість запитів", "", Transient),
        ("Service is temporarily unavailable", "", Transient),
        ("Something nobody has seen before", "", Transient),
    ],
)
@pytest.mark.parametrize("form", ["list", "dict"])
async def test_a_refusal_is_told_from_another_by_its_words(
    carrier: NovaPoshta, world: NovaPoshtaSandbox, said: str, code: str, kind: type, form: str
) -> None:
    world.refuse_next(said, code=code, form=form)
    assert isinstance((await _failure(carrier)).outcome, kind)


async def test_a_refusal_without_a_word_may_pass(carrier: NovaPoshta, world: NovaPoshtaSandbox) -> None:
    world.refuse_next("", form="null")
    failure = await _failure(carrier)
    assert isinstance(failure.outcome, Transient)
    assert "no reason given" in str(failure)


async def test_the_error_text_alone_also_marks_a_bad_number(carrier: NovaPoshta, world: NovaPoshtaSandbox) -> None:
    world.refuse_next("Document number is not correct", form="dict")
    assert (await ask_one(carrier, A))[0].native.code == BAD_NUMBER


@pytest.mark.parametrize("status", [403, 502, 503, 429])
async def test_a_page_of_the_network_in_front_may_pass(
    carrier: NovaPoshta, world: NovaPoshtaSandbox, status: int
) -> None:
    world.chaos.fail(status, body="<html>Bad gateway</html>")
    assert isinstance((await _failure(carrier)).outcome, Transient)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"[]",
        b"null",
        b'{"success": true}',
        b'{"success": true, "data": {}}',
        b"\xff\xfe",
        b"{" * 9999,
    ],
)
async def test_an_answer_that_is_not_its_own_may_pass(clock: VirtualClock, body: bytes) -> None:
    carrier = _over(lambda _: httpx.Response(200, content=body), clock)
    assert isinstance((await _failure(carrier)).outcome, Transient)


async def test_silence_and_broken_connections_may_pass(carrier: NovaPoshta, world: NovaPoshtaSandbox) -> None:
    world.chaos.hang()
    world.chaos.cut()
    world.chaos.reset()
    for _ in range(3):
        assert isinstance((await _failure(carrier)).outcome, Transient)
    assert (await ask_one(carrier, A))[0].native.code == "3"


async def test_a_failure_names_no_key_phone_or_number(
    carrier: NovaPoshta, world: NovaPoshtaSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world.refuse_next(f"Key {KEY} may not see {A} of 380671112233")
    failure = await _failure(carrier)
    for secret in (KEY, A, "380671112233"):
        assert secret not in f"{failure} {failure.outcome} {caplog.text} {carrier.settings!r}"


async def test_a_key_without_digits_is_not_told_either(clock: VirtualClock) -> None:
    key = "abcdefabcdefabcdefabcdefabcdefab"
    refusal = {"success": False, "errors": [f"API key {key} is bad"]}
    carrier = _over(lambda _: httpx.Response(200, json=refusal), clock, api_key=key)
    assert key not in str(await _failure(carrier))


# --- the rest of the adapter ---------------------------------------------------------------------------------------


async def test_hello_proves_the_key(carrier: NovaPoshta) -> None:
    assert await carrier.hello() == "Nova Poshta accepts the key"


@pytest.mark.parametrize("key", [EXPIRED_KEY, "f" * 32, ""])
async def test_hello_fails_without_a_good_key(
    client: httpx.AsyncClient, clock: VirtualClock, url: str, key: str
) -> None:
    with pytest.raises(FailureError) as caught:
        await NovaPoshta(settings(url, api_key=key), client, clock).hello()
    assert isinstance(caught.value.outcome, Config)


def test_webhooks_are_refused(clock: VirtualClock) -> None:
    with pytest.raises(RefusedError):
        _over(_answering(), clock).verify(WebhookRequest("POST", "", {}, [], b"{}"))


@pytest.mark.parametrize(
    ("number", "ours"), [(A, True), ("59001234567890", True), ("2045077700000", False), ("SHPL6145344878", False)]
)
def test_a_number_of_fourteen_digits_can_be_ours(clock: VirtualClock, number: str, ours: bool) -> None:
    assert _over(_answering(), clock).recognises(number) is ours


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        *[
            (word, True)
            for word in (
                "Nova Poshta",
                "nova-poshta",
                "NOVA_POSHTA",
                "NovaPoshta",
                "Нова пошта",
                "Нова Пошта (відділення)",
                "Новая почта",
                "NP",
                "нп",
                "Nova Pochta",
            )
        ],
        *[
            (word, False)
            for word in ("Nova Post", "Укрпошта", "Nova Poshta Global", "UNP", "NP Express", "", "Meest", "DHL")
        ],
    ],
)
def test_shops_call_it_by_many_names(clock: VirtualClock, word: str, ours: bool) -> None:
    assert _over(_answering(), clock).calls_itself(word) is ours


def test_the_tracking_page_takes_the_number_in_its_path(clock: VirtualClock) -> None:
    carrier = _over(_answering(), clock)
    assert carrier.tracking_url(A) == f"https://novaposhta.ua/tracking/{A}"
    assert carrier.tracking_url("a/../b?c") == "https://novaposhta.ua/tracking/a%2F..%2Fb%3Fc"


def test_one_request_is_in_flight_at_a_time_and_a_second_lies_between() -> None:
    assert (NovaPoshta.limits.concurrency, NovaPoshta.limits.per_second) == (1, 1.0)


def test_it_asks_more_often_while_the_parcel_moves() -> None:
    every = NovaPoshta.intervals
    assert timedelta(minutes=30) <= every[Shipment.OUT_FOR_DELIVERY] <= every[Shipment.IN_TRANSIT] <= timedelta(hours=1)
    assert timedelta(hours=2) <= every[Shipment.READY_FOR_PICKUP] <= timedelta(hours=4)
    assert every[Shipment.DELIVERED] == timedelta(days=1)


def test_the_address_is_the_carriers_own_unless_set() -> None:
    assert settings().url != NovaPoshta.settings_type.model_fields["url"].default
    assert str(NovaPoshta.settings_type.model_fields["url"].default) == f"https://api.novaposhta.ua{PATH}"


def test_the_plugin_brings_one_carrier() -> None:
    assert list(adapters()) == [NovaPoshta]


def test_texts_are_found_in_lists_objects_and_nothing() -> None:
    assert flat(["a", {"b": "c"}, None, 5]) == ["a", "c", "5"]
    assert flat({"ID_1": ["a"], "x": "b"}) == ["a", "b"]
    assert flat(None) == flat("") == flat(False) == []
