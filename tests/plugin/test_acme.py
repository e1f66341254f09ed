"""The finished carrier of the plugin guide, against its sandbox."""

import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import hub.plugin
from hub.clock import VirtualClock
from hub.model import Checkpoint
from hub.plugin import Config, FailureError, Raw, RefusedError, TrackRequest, Transient, UnreadableError, WebhookRequest
from hub.plugin.http import make_client
from hub.plugin.registry import Registry
from hub.plugin.sandbox import serve
from hub.status import Native

from . import acme as plugin
from .acme import Acme, AcmeSettings
from .acme.sandbox import KEY, MOST, SECRET, AcmeSandbox, Asked

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NUMBER = "AC00000001"


class World:
    def __init__(self, sandbox: AcmeSandbox, acme: Acme) -> None:
        self.sandbox, self.acme = sandbox, acme


@pytest.fixture
async def world(clock: VirtualClock) -> AsyncIterator[World]:
    sandbox = AcmeSandbox(clock)
    async with sandbox.serve() as url, make_client("acme", Acme.limits, clock) as client:
        settings = AcmeSettings(api_key=SecretStr(KEY), webhook_secret=SecretStr(SECRET), url=url)
        yield World(sandbox, Acme(settings, client, clock))


async def test_parcels_are_tracked_in_one_request(world: World, clock: VirtualClock) -> None:
    await world.sandbox.scan(NUMBER, "LBL", "Label created")
    clock.move_to(NOW + timedelta(hours=1))
    await world.sandbox.scan(NUMBER, "COL", "Collected", "Kyiv")
    (raw,) = await world.acme.track([TrackRequest(NUMBER), TrackRequest("AC00000002")])
    assert raw.subject == f"parcel:{NUMBER}"
    assert world.acme.normalise(raw) == [
        Checkpoint(NUMBER, Native("acme", "LBL"), NOW, text="Label created", place="Depot 1"),
        Checkpoint(NUMBER, Native("acme", "COL"), NOW + timedelta(hours=1), text="Collected", place="Kyiv"),
    ]
    assert list(world.sandbox.ledger) == [Asked(clock.now(), "/v2/parcels", (NUMBER, "AC00000002"))]


async def test_asking_twice_gives_the_same_key_until_something_happens(world: World) -> None:
    await world.sandbox.scan(NUMBER, "LBL")
    one, same = [(await world.acme.track([TrackRequest(NUMBER)]))[0].dedupe_key for _ in range(2)]
    await world.sandbox.scan(NUMBER, "COL")
    (other,) = await world.acme.track([TrackRequest(NUMBER)])
    assert one == same != other.dedupe_key


async def test_a_webhook_and_a_poll_meet(world: World) -> None:
    heard: list[WebhookRequest] = []

    async def hook(request: Request) -> Response:
        headers = [(name.lower(), value) for name, value in request.headers.items()]
        heard.append(WebhookRequest("POST", "", {}, headers, await request.body()))
        return Response()

    async with serve(Starlette(routes=[Route("/in/acme", hook, methods=["POST"])])) as url:
        assert await world.acme.register(f"{url}/in/acme") == ["Acme now sends its webhooks here"]
        assert await world.acme.register(f"{url}/in/acme") == []
        delivery = await world.sandbox.scan(NUMBER, "OFD")
    assert delivery is not None and delivery.taken
    (told,) = world.acme.verify(heard[0]).events
    (asked,) = await world.acme.track([TrackRequest(NUMBER)])
    assert told == asked


async def test_nothing_is_registered_where_the_hub_cannot_be_reached(world: World) -> None:
    assert await world.acme.register(None) == []
    assert world.sandbox.hook == ""


async def test_a_wrong_key_is_our_fault(world: World, clock: VirtualClock) -> None:
    settings = world.acme.settings.model_copy(update={"api_key": SecretStr("wrong")})
    with pytest.raises(FailureError) as caught:
        await Acme(settings, world.acme.client, clock).hello()
    assert isinstance(caught.value.outcome, Config)


async def test_the_account_says_hello(world: World) -> None:
    assert await world.acme.hello() == "Acme Express answers to Test Shop"


async def test_trouble_there_is_for_later(world: World) -> None:
    world.sandbox.chaos.fail(429, retry_after=30)
    with pytest.raises(FailureError) as caught:
        await world.acme.track([TrackRequest(NUMBER)])
    outcome = caught.value.outcome
    assert isinstance(outcome, Transient) and outcome.not_before == NOW + timedelta(seconds=30)


async def test_an_answer_that_is_not_as_documented_is_unreadable(clock: VirtualClock) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"parcels": {}}))
    async with make_client("acme", Acme.limits, clock, transport=transport) as client:
        acme = Acme(unasked(clock).settings, client, clock)
        for call in (acme.hello(), acme.track([TrackRequest(NUMBER)])):
            with pytest.raises(UnreadableError):
                await call


async def test_the_batch_is_what_the_api_takes(world: World) -> None:
    assert Acme.batch == MOST
    assert await world.acme.track([TrackRequest(f"AC{each:08}") for each in range(MOST)]) == []
    assert await world.acme.track([TrackRequest(f"AC{each:08}") for each in range(MOST + 1)]) == []
    assert [len(each.numbers) for each in world.sandbox.ledger] == [MOST, MOST, 1]


def unasked(clock: VirtualClock) -> Acme:
    settings = AcmeSettings(api_key=SecretStr(KEY), webhook_secret=SecretStr(SECRET))
    return Acme(settings, make_client("acme", Acme.limits, clock), clock)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"number": 1, "scans": []},
        {"number": NUMBER, "scans": "x"},
        {"number": NUMBER, "scans": [None]},
        {"number": NUMBER, "scans": [{"code": 7, "at": "2026-03-02T09:00Z", "text": "", "place": ""}]},
        {"number": NUMBER, "scans": [{"code": "LBL", "at": "yesterday", "text": "", "place": ""}]},
        {"number": NUMBER, "scans": [{"code": "LBL", "at": "2026-03-02T09:00", "text": "", "place": ""}]},
    ],
)
def test_nonsense_is_unreadable(clock: VirtualClock, body: Any) -> None:
    with pytest.raises(UnreadableError):
        unasked(clock).normalise(Raw(body, "parcel:x", "key"))


@pytest.mark.parametrize(("body", "error"), [(b"[1]", UnreadableError), (b"{", UnreadableError)])
def test_a_signed_webhook_of_nonsense_is_unreadable(clock: VirtualClock, body: bytes, error: type[Exception]) -> None:
    signature = hmac.new(SECRET.encode(), body, "sha256").hexdigest()
    with pytest.raises(error):
        unasked(clock).verify(WebhookRequest("POST", "", {}, [("x-acme-signature", signature)], body))


def test_an_unsigned_webhook_is_refused(clock: VirtualClock) -> None:
    body = json.dumps({"number": NUMBER, "scans": []}).encode()
    with pytest.raises(RefusedError):
        unasked(clock).verify(WebhookRequest("POST", "", {}, [], body))


def test_acme_knows_its_own(clock: VirtualClock) -> None:
    acme = unasked(clock)
    assert acme.recognises(NUMBER) and not acme.recognises("1Z0000000000000000")
    assert acme.calls_itself("ACME express") and not acme.calls_itself("UPS")
    assert acme.tracking_url(NUMBER) == f"https://acme.example/track/{NUMBER}"
    assert SECRET not in repr(acme.settings) and KEY not in repr(acme.settings)


class Point:
    """An entry point as a stranger's distribution would bring it."""

    name = "acme"
    dist = type("Distribution", (), {"name": "orderhub-acme"})

    def load(self) -> ModuleType:
        return plugin


def test_acme_comes_through_the_door() -> None:
    assert Registry.load([Point()]).adapter("carrier", "acme").adapter is Acme
    assert set(hub.plugin.__all__) >= {"Carrier", "Raw", "verify_hmac"}
