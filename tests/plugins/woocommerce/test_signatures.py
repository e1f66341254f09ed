"""Whom to believe: the exact bytes under the secret as WordPress uses it, and a ping that proves nothing."""

import base64
import hashlib
import hmac
import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hub.clock import VirtualClock
from hub.plugin import Received, RefusedError, UnreadableError, WebhookRequest
from plugins.platforms.woocommerce import WooCommerce
from plugins.platforms.woocommerce.sandbox import sign

from .telling import KNOWN, MORNING, SECRET, request, sample, settings, webhook

BODY = b'{"id":7419,"status":"processing"}'
GOOD = "zJbyRM48hBAAiH1trlhcZZQzN4nSrFPfsnbIHQtSGdQ="
ORDER = json.dumps(sample("webhooks/order-updated")).encode()


def adapter(**more: str) -> WooCommerce:
    client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(503)))
    return WooCommerce(settings(**more), client, VirtualClock(MORNING))


def test_the_documented_vector_is_believed() -> None:
    adapter().verify(request(BODY, {"x-wc-webhook-signature": GOOD}))
    assert sign(SECRET, BODY) == GOOD


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-wc-webhook-signature": ""},
        {"x-wc-webhook-signature": GOOD[:-4]},
        {"x-wc-webhook-signature": GOOD.rstrip("=")},
        {"x-wc-webhook-signature": GOOD.replace("z", "y", 1)},
        {"x-wc-webhook-signature": base64.b64decode(GOOD).hex()},
        {"x-wc-webhook-signature": f"sha256={GOOD}"},
        {"x-wc-webhook-source": "https://kavovar.example/", "x-wc-webhook-id": "12"},
    ],
)
def test_no_other_proof_is_believed(headers: dict[str, str]) -> None:
    with pytest.raises(RefusedError) as refused:
        adapter().verify(request(BODY, headers))
    assert SECRET not in str(refused.value) and GOOD not in str(refused.value)


@pytest.mark.parametrize("body", [BODY + b"\n", BODY[:-1], BODY.replace(b"7419", b"7418"), b"", b"\xef\xbb\xbf" + BODY])
def test_other_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(RefusedError):
        adapter().verify(request(body, {"x-wc-webhook-signature": GOOD}))


def plainly_signed(key: str) -> WebhookRequest:
    signature = base64.b64encode(hmac.new(key.encode(), ORDER, hashlib.sha256).digest()).decode()
    return request(ORDER, {"x-wc-webhook-signature": signature})


@pytest.mark.parametrize(
    ("typed", "used"),
    [
        ("a&amp;b-long-secret", "a&b-long-secret"),
        ("&lt;tag&gt; &quot;q&quot; &#039;s&#039;", "<tag> \"q\" 's'"),
        ("&#x26;&#38;&#60;", "&&<"),
        ("&amp;lt;-decoded-once", "&lt;-decoded-once"),
        ("a&b<c>\"d'e-plain", "a&b<c>\"d'e-plain"),
        ("&eacute;&nbsp;stay", "&eacute;&nbsp;stay"),
        ("a&amp;b-kept-as-typed", "a&amp;b-kept-as-typed"),
    ],
)
def test_a_secret_with_entities_is_used_as_wordpress_uses_it(typed: str, used: str) -> None:
    """It decodes five characters before it signs; and what it stored may be what was typed, or that encoded."""
    assert adapter(webhook_secret=typed).verify(plainly_signed(used)).events


@given(st.text(alphabet="&;#x038amplt<>\"'q uo", min_size=8, max_size=30).filter(str.strip))
def test_the_adapter_knows_every_secret_as_the_shop_signs_with_it(secret: str) -> None:
    shop = adapter(webhook_secret=secret)
    assert shop.verify(webhook(ORDER, secret=secret)).events
    with pytest.raises(RefusedError):
        shop.verify(plainly_signed(f"{secret}!"))


def test_the_old_secret_is_believed_while_it_is_set() -> None:
    shop = adapter(webhook_secret="the-new-secret", old_webhook_secret=SECRET)
    assert shop.verify(webhook(ORDER)).events and shop.verify(webhook(ORDER, secret="the-new-secret")).events
    with pytest.raises(RefusedError):
        adapter(webhook_secret="the-new-secret").verify(webhook(ORDER))


# --- the ping


def test_a_ping_is_greeted_with_exactly_200_and_stores_nothing() -> None:
    received = adapter().verify(request(b"webhook_id=12", {"content-type": "application/x-www-form-urlencoded"}))
    assert received == Received() and received.answer.status == 200 and not received.events


@pytest.mark.parametrize(
    "body",
    [b"webhook_id=", b"webhook_id=12&id=7419", b"webhook_id=x", b" webhook_id=12", b"webhook_id=12\n", b"id=12",
     b"webhook_id=" + b"1" * 100, b'{"webhook_id": 12}', b""],
)  # fmt: skip
def test_what_only_looks_like_a_ping_is_refused(body: bytes) -> None:
    with pytest.raises(RefusedError):
        adapter().verify(request(body, {}))


def test_a_ping_with_a_wrong_signature_is_refused() -> None:
    with pytest.raises(RefusedError):
        adapter().verify(request(b"webhook_id=12", {"x-wc-webhook-signature": GOOD}))


# --- what is stored


def test_a_webhook_and_a_poll_of_one_state_are_one_event() -> None:
    """Whitespace and the unsigned headers make no other event; another state does."""
    keys = {
        raw.dedupe_key
        for body in (ORDER, json.dumps(json.loads(ORDER), indent=1).encode())
        for ident in ("0a", "0b")
        for raw in adapter().verify(webhook(body, delivery_id=ident)).events
    }
    assert len(keys) == 1
    later = {**json.loads(ORDER), "status": "completed"}
    assert adapter().verify(webhook(json.dumps(later).encode())).events[0].dedupe_key not in keys


def test_two_orders_of_one_second_are_two_events_though_they_share_the_delivery_id() -> None:
    other = json.dumps({**json.loads(ORDER), "id": 7420}).encode()
    events = [adapter().verify(webhook(body, delivery_id="0c9f")).events[0] for body in (ORDER, other)]
    assert len({each.dedupe_key for each in events}) == 2
    assert [each.subject for each in events] == ["order:7419", "order:7420"]


def test_a_topic_is_no_evidence() -> None:
    (raw,) = adapter().verify(webhook(ORDER, topic="order.deleted")).events
    (plain,) = adapter().verify(webhook(ORDER, topic="order.updated")).events
    assert adapter().normalise(raw) == adapter().normalise(plain)


def test_a_customer_s_data_is_not_kept() -> None:
    body = json.dumps(sample("webhooks/customer-updated")).encode()
    assert adapter().verify(webhook(body)).events == ()


def test_a_signed_body_of_no_known_kind_becomes_a_dead_letter() -> None:
    (raw,) = adapter().verify(webhook(b'{"id": 5, "title": "x"}')).events
    assert raw.subject == "shop:unknown"
    with pytest.raises(UnreadableError, match="no known kind"):
        adapter().normalise(raw)


# --- settings


@pytest.mark.parametrize("secret", ["", "  "])
def test_an_empty_secret_is_refused(secret: str) -> None:
    for name in KNOWN:
        with pytest.raises(ValidationError, match="may not be empty"):
            settings(**{name: secret})


@pytest.mark.parametrize("url", ["http://kavovar.example", "http://127.0.0.1.evil.example", "kavovar.example",
                                 "https://u:p@kavovar.example", "https://kavovar.example/?a=b"])  # fmt: skip
def test_an_address_that_would_give_the_key_away_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        settings(url=url)


def test_a_shop_may_live_in_a_folder() -> None:
    assert settings(url="https://kavovar.example/sklep/").url == "https://kavovar.example/sklep/"


def test_no_secret_stands_in_a_repr() -> None:
    shop = adapter()
    assert not any(secret in f"{shop!r} {shop.settings!r}" for secret in KNOWN.values())
