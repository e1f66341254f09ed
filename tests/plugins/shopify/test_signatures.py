"""Whom the adapter believes: each way around the signature, and the published vector."""

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping

import httpx
import pytest
from pydantic import ValidationError

from hub.clock import VirtualClock
from hub.plugin import RefusedError, WebhookRequest
from plugins.platforms.shopify import Shopify
from plugins.platforms.shopify.sandbox import sign

from .telling import SAMPLES, SECRET, request, settings, webhook

BODY = (SAMPLES / "webhooks" / "order-created.json").read_bytes()
GOOD = sign(SECRET, BODY)
OTHER = "hush-other-secret"
NAME = "x-shopify-hmac-sha256"


def adapter(clock: VirtualClock, **more: str) -> Shopify:
    return Shopify(settings(**more), httpx.AsyncClient(transport=httpx.MockTransport(_silent)), clock)


def _silent(_: httpx.Request) -> httpx.Response:
    return httpx.Response(503)


def _hex(body: bytes, algorithm: str = "sha256") -> str:
    return hmac.new(SECRET.encode(), body, algorithm).hexdigest()


def _base64(body: bytes, algorithm: str, key: bytes = SECRET.encode()) -> str:
    return base64.b64encode(hmac.new(key, body, algorithm).digest()).decode()


SPOILT: Mapping[str, Callable[[], WebhookRequest]] = {
    "no header": lambda: request(BODY, {}),
    "an empty header": lambda: request(BODY, {NAME: ""}),
    "a blank header": lambda: request(BODY, {NAME: " "}),
    "a doubled header": lambda: WebhookRequest("POST", "", {}, [(NAME, GOOD), (NAME, GOOD)], BODY),
    "a good and a bad header": lambda: WebhookRequest("POST", "", {}, [(NAME, "x"), (NAME, GOOD)], BODY),
    "a truncated signature": lambda: request(BODY, {NAME: GOOD[:-4]}),
    "without its padding": lambda: request(BODY, {NAME: GOOD.rstrip("=")}),
    "an extended signature": lambda: request(BODY, {NAME: GOOD + "AAAA"}),
    "with blanks around": lambda: request(BODY, {NAME: f" {GOOD} "}),
    "in lower case": lambda: request(BODY, {NAME: GOOD.lower()}),
    "in upper case": lambda: request(BODY, {NAME: GOOD.upper()}),
    "in the alphabet for URLs": lambda: request(BODY, {NAME: GOOD.replace("+", "-").replace("/", "_") + "_"}),
    "in hex": lambda: request(BODY, {NAME: _hex(BODY)}),
    "hex in base64": lambda: request(BODY, {NAME: base64.b64encode(_hex(BODY).encode()).decode()}),
    "with a prefix": lambda: request(BODY, {NAME: f"sha256={GOOD}"}),
    "SHA-1": lambda: request(BODY, {NAME: _base64(BODY, "sha1")}),
    "SHA-512": lambda: request(BODY, {NAME: _base64(BODY, "sha512")}),
    "a digest without a key": lambda: request(BODY, {NAME: base64.b64encode(hashlib.sha256(BODY).digest()).decode()}),
    "an empty secret": lambda: request(BODY, {NAME: _base64(BODY, "sha256", b"")}),
    "a secret of blanks": lambda: request(BODY, {NAME: _base64(BODY, "sha256", b"  ")}),
    "another shop's secret": lambda: request(BODY, {NAME: sign(OTHER, BODY)}),
    "another body": lambda: request(BODY + b" ", {NAME: GOOD}),
    "a body written anew": lambda: request(json.dumps(json.loads(BODY)).encode(), {NAME: GOOD}),
    "a body in another charset": lambda: request(BODY.decode().encode("utf-16"), {NAME: GOOD}),
    "a byte order mark before": lambda: request(b"\xef\xbb\xbf" + BODY, {NAME: GOOD}),
    "a packed body": lambda: request(gzip.compress(BODY), {NAME: GOOD}),
    "no body": lambda: request(b"", {NAME: GOOD}),
    "letters outside ASCII": lambda: request(BODY, {NAME: "ї" * 44}),
    "a header far too long": lambda: request(BODY, {NAME: "A" * 100_000}),
    "the signature in another header": lambda: request(BODY, {"x-hmac-sha256": GOOD}),
    "a GET": lambda: WebhookRequest("GET", "", {}, [(NAME, GOOD)], BODY),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_proof_is_refused(clock: VirtualClock, how: str) -> None:
    with pytest.raises(RefusedError):
        adapter(clock).verify(SPOILT[how]())


def test_the_published_vector_is_believed(clock: VirtualClock) -> None:
    body = b'{"id":6120043217117,"name":"#1071"}'
    assert sign(SECRET, body) == "mpq8quHB4tFcF6Jv/tvi4mR7KCsz67OjyTBg1XNo/Mg="
    received = adapter(clock).verify(webhook(body))
    assert received.answer.status == 200
    assert [event.subject for event in received.events] == ["shop:unknown"]


def test_the_header_name_is_read_without_case(clock: VirtualClock) -> None:
    assert adapter(clock).verify(WebhookRequest("POST", "", {}, [(NAME, GOOD)], BODY)).events


def test_both_secrets_are_good_while_the_secret_is_rotated(clock: VirtualClock) -> None:
    rotating = adapter(clock, old_client_secret=OTHER)
    assert rotating.verify(webhook(BODY)).events
    assert rotating.verify(webhook(BODY, secret=OTHER)).events
    with pytest.raises(RefusedError):
        rotating.verify(webhook(BODY, secret="hush-third-secret"))


def test_webhooks_made_by_hand_have_a_secret_of_their_own(clock: VirtualClock) -> None:
    assert adapter(clock, webhook_secret=OTHER).verify(webhook(BODY, secret=OTHER)).events


def test_a_secret_with_entities_is_taken_as_it_stands(clock: VirtualClock) -> None:
    odd = "hush&amp;secret<>"
    assert adapter(clock, client_secret=odd).verify(webhook(BODY, secret=odd)).events
    with pytest.raises(RefusedError):
        adapter(clock, client_secret=odd).verify(webhook(BODY, secret="hush&secret<>"))


@pytest.mark.parametrize("name", ["client_secret", "old_client_secret", "webhook_secret", "access_token"])
@pytest.mark.parametrize("secret", ["", "   ", "\t\n"])
def test_an_empty_secret_refuses_to_start(name: str, secret: str) -> None:
    with pytest.raises(ValidationError, match="a secret may not be empty"):
        settings(**{name: secret})


def test_without_credentials_there_is_no_start() -> None:
    with pytest.raises(ValidationError, match="give client_id"):
        settings(client_id="")
    assert settings(client_id="", access_token="shpat_old").access_token is not None


def test_another_shop_of_the_same_app_is_refused(clock: VirtualClock) -> None:
    with pytest.raises(RefusedError, match="another shop"):
        adapter(clock).verify(webhook(BODY, shop_domain="other.myshopify.com"))


def test_a_replay_has_the_same_key_whatever_its_headers_say(clock: VirtualClock) -> None:
    shop = adapter(clock)
    first = shop.verify(webhook(BODY, topic="orders/create", webhook_id="a", event_id="b", triggered_at="c"))
    again = shop.verify(webhook(BODY, topic="orders/delete", webhook_id="x", event_id="y", triggered_at="z"))
    assert [event.dedupe_key for event in first.events] == [event.dedupe_key for event in again.events]


def test_the_topic_never_decides_what_a_body_is(clock: VirtualClock) -> None:
    shop = adapter(clock)
    plain = shop.verify(webhook(BODY, topic="orders/create")).events[0]
    for topic in ("orders/delete", "customers/redact", "fulfillment_events/delete", "nonsense", ""):
        forged = shop.verify(webhook(BODY, topic=topic)).events[0]
        assert forged.subject == plain.subject
        assert shop.normalise(forged) == shop.normalise(plain)


def test_no_refusal_says_a_secret(clock: VirtualClock) -> None:
    shop = adapter(clock)
    for how in SPOILT.values():
        with pytest.raises(RefusedError) as refused:
            shop.verify(how())
        assert SECRET not in str(refused.value) and GOOD not in str(refused.value)
    assert SECRET not in repr(shop.settings)
