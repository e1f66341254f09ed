"""The sandbox's tokens, seen from a plain client."""

import hashlib
import hmac
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from hub.clock import VirtualClock
from plugins.platforms.shopify.sandbox import ShopifySandbox

from .telling import SECRET

EXCHANGE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
    "requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
    "expiring": "1",
}


@pytest.fixture
def ask(browser: httpx.AsyncClient, url: str) -> Any:
    async def ask(**fields: Any) -> httpx.Response:
        said = {"client_id": "sandbox-client", "client_secret": SECRET, **fields}
        return await browser.post(f"{url}/admin/oauth/access_token", json=said)

    return ask


@pytest.fixture
def shop_name(browser: httpx.AsyncClient, url: str) -> Any:
    async def shop_name(token: str) -> int:
        answer = await browser.post(
            f"{url}/admin/api/2026-10/graphql.json",
            json={"query": "{ shop { name } }"},
            headers={"X-Shopify-Access-Token": token},
        )
        return answer.status_code

    return shop_name


async def test_client_credentials_give_a_token_for_a_day(ask: Any, shop_name: Any, clock: VirtualClock) -> None:
    answer = (await ask(grant_type="client_credentials")).json()
    assert answer["expires_in"] == 86399 and "refresh_token" not in answer
    assert await shop_name(answer["access_token"]) == 200
    clock.move_to(clock.now() + timedelta(seconds=86399))
    assert await shop_name(answer["access_token"]) == 401


async def test_client_credentials_may_come_as_a_form(browser: httpx.AsyncClient, url: str) -> None:
    form = {"client_id": "sandbox-client", "client_secret": SECRET, "grant_type": "client_credentials"}
    assert (await browser.post(f"{url}/admin/oauth/access_token", data=form)).status_code == 200


async def test_a_code_is_good_once(ask: Any, browser: httpx.AsyncClient, url: str, shop_name: Any) -> None:
    query = {"client_id": "sandbox-client", "scope": "read_orders", "redirect_uri": "https://app.example.com/back",
             "state": "n-204"}  # fmt: skip
    answer = await browser.get(f"{url}/admin/oauth/authorize", params=query)
    said = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    message = "&".join(f"{name}={said[name]}" for name in sorted(said) if name != "hmac")
    assert said["hmac"] == hmac.new(SECRET.encode(), message.encode(), hashlib.sha256).hexdigest()
    assert said["state"] == "n-204" and said["shop"] == "amber-kiosk.myshopify.com"
    first = await ask(code=said["code"])
    assert set(first.json()) == {"access_token", "scope"} and await shop_name(first.json()["access_token"]) == 200
    assert (await ask(code=said["code"])).status_code == 400


async def test_an_authorization_code_can_give_an_expiring_pair(ask: Any, browser: httpx.AsyncClient, url: str) -> None:
    query = {"client_id": "sandbox-client", "redirect_uri": "https://app.example.com/back"}
    answer = await browser.get(f"{url}/admin/oauth/authorize", params=query)
    code = dict(parse_qsl(urlsplit(answer.headers["location"]).query))["code"]
    pair = (await ask(code=code, expiring=1)).json()
    assert pair["expires_in"] == 3600 and pair["refresh_token_expires_in"] == 90 * 86400


async def test_the_published_callback_vector_holds(sandbox: ShopifySandbox) -> None:
    said = {
        "code": "5f0c1b7ad2e94f6c8a3d7e9b1c2d4f60",
        "shop": "amber-kiosk.myshopify.com",
        "state": "n-204",
        "timestamp": "1795338000",
    }
    assert sandbox.tokens.callback_hmac(said) == "79f0a4bcd7a87a6c10e5755e18d9173027fc0bbc299a4ee18a32993ee7d4cc4c"


async def test_a_session_token_is_exchanged_for_a_pair(ask: Any, sandbox: ShopifySandbox, clock: VirtualClock) -> None:
    session = sandbox.tokens.session_token()
    assert (await ask(**EXCHANGE, subject_token=session)).json()["expires_in"] == 3600
    assert (await ask(**EXCHANGE, subject_token=session[:-2])).status_code == 400
    clock.move_to(clock.now() + timedelta(minutes=2))
    assert (await ask(**EXCHANGE, subject_token=session)).status_code == 400


async def test_refresh_tokens_rotate_and_a_lost_answer_can_be_had_again(
    ask: Any, sandbox: ShopifySandbox, shop_name: Any, clock: VirtualClock
) -> None:
    first = (await ask(**EXCHANGE, subject_token=sandbox.tokens.session_token())).json()
    clock.move_to(clock.now() + timedelta(hours=1))
    assert await shop_name(first["access_token"]) == 401
    lost = (await ask(grant_type="refresh_token", refresh_token=first["refresh_token"])).json()
    again = (await ask(grant_type="refresh_token", refresh_token=first["refresh_token"])).json()
    assert len({first["refresh_token"], lost["refresh_token"], again["refresh_token"]}) == 3
    assert await shop_name(again["access_token"]) == 200
    third = await ask(grant_type="refresh_token", refresh_token=again["refresh_token"])
    assert third.status_code == 200
    late = await ask(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (late.status_code, late.json()) == (400, {"error": "invalid_grant"})


async def test_a_refresh_token_ends_after_ninety_days(ask: Any, sandbox: ShopifySandbox, clock: VirtualClock) -> None:
    pair = (await ask(**EXCHANGE, subject_token=sandbox.tokens.session_token())).json()
    clock.move_to(clock.now() + timedelta(days=90))
    assert (await ask(grant_type="refresh_token", refresh_token=pair["refresh_token"])).status_code == 400


@pytest.mark.parametrize(
    "fields",
    [
        {"client_secret": "wrong", "grant_type": "client_credentials"},
        {"client_id": "wrong", "grant_type": "client_credentials"},
        {"grant_type": "password"},
        {"code": "never-given"},
        {"grant_type": "refresh_token", "refresh_token": "never-given"},
        {**EXCHANGE, "requested_token_type": "online", "subject_token": "x"},
        {**EXCHANGE, "subject_token": "x"},
        {**EXCHANGE, "subject_token": "a.b.c"},
    ],
)
async def test_a_wrong_grant_is_refused(ask: Any, fields: dict[str, Any]) -> None:
    assert (await ask(**fields)).status_code == 400


async def test_a_bad_token_is_answered_as_documented(browser: httpx.AsyncClient, url: str) -> None:
    answer = await browser.post(f"{url}/admin/api/2026-10/graphql.json", json={"query": "{ shop { name } }"})
    assert (answer.status_code, answer.json()) == (
        401,
        {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"},
    )
