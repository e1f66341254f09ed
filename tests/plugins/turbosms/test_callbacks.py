"""Callbacks: believed when the body names the SHA-1 of our secret and its id, in either order; and what they mean."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.model import Receipt, ReceiptState
from hub.plugin import Raw, RefusedError, UnreadableError, WebhookRequest
from plugins.channels.turbosms import TurboSms
from plugins.channels.turbosms.reading import receipts
from plugins.channels.turbosms.sandbox import SECRET, TurboSmsSandbox

from .conftest import START, Make, saying

ID = "1cb60453-659a-430d-5384-303fb4bbddad"


def sha1(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def event(signature: str | None = None, **rest: Any) -> dict[str, Any]:
    told = {"message_id": ID, "status": "DELIVRD", "dlr_date": "2026-11-02 10:31:07"}
    made = {
        "id": "evt-7f31",
        "type": "dlr",
        "try": 1,
        "signature": signature or sha1(SECRET + "evt-7f31"),
        "data": told,
    }
    return {**made, **rest}


def request(body: Any, method: str = "POST") -> WebhookRequest:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return WebhookRequest(method, "", {}, [("content-type", "application/json")], content)


@pytest.mark.parametrize(
    "signature",
    [sha1(SECRET + "evt-7f31"), sha1("evt-7f31" + SECRET), sha1(SECRET + "evt-7f31").upper()],
    ids=["secret first", "id first", "large letters"],
)
async def test_a_signature_in_either_order_is_believed(turbosms: TurboSms, signature: str) -> None:
    received = turbosms.verify(request(event(signature)))
    assert (received.answer.status, len(received.events)) == (200, 1)


@pytest.mark.parametrize(
    "body",
    [
        event("0" * 40),
        event(sha1(SECRET)),
        event(sha1("evt-7f31")),
        event(sha1(SECRET + "evt-7f32")),
        event(sha1(SECRET + "evt-7f31")[:-1]),
        event(hashlib.sha256((SECRET + "evt-7f31").encode()).hexdigest()),
        event(sha1(SECRET + "evt-7f31"), id="evt-7f30"),
        event(sha1(SECRET), id=""),
        event(sha1(SECRET + "7"), id=7),
        {**event(), "signature": None},
        {**event(), "signature": ["x"]},
        {"id": "evt-7f31", "data": {}},
        [event()],
        b"",
        b"{",
        b'{"id": "a", "id": "b"}',
    ],
)
async def test_what_is_not_proved_is_refused(turbosms: TurboSms, body: Any) -> None:
    with pytest.raises(RefusedError):
        turbosms.verify(request(body))


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_callback_is_a_post(turbosms: TurboSms, method: str) -> None:
    with pytest.raises(RefusedError):
        turbosms.verify(request(event(), method))


async def test_without_a_secret_nothing_is_believed(make: Make) -> None:
    with pytest.raises(RefusedError):
        make(callback_secret=None).verify(request(event(sha1("evt-7f31"))))


async def test_an_id_speaks_of_the_first_message_that_it_named(turbosms: TurboSms) -> None:
    """The signature is over the id alone: whoever caught one must not move another message with it."""
    [first] = turbosms.verify(request(event())).events
    [forged] = turbosms.verify(request(event(data={"message_id": "another", "status": "UNDELIV"}))).events
    assert forged.dedupe_key == first.dedupe_key
    [next_one] = turbosms.verify(request(event(sha1(SECRET + "evt-7f32"), id="evt-7f32"))).events
    assert next_one.dedupe_key != first.dedupe_key


async def test_a_repeat_has_the_key_of_the_first_try(turbosms: TurboSms) -> None:
    first, again = (turbosms.verify(request({**event(), "try": number})).events[0] for number in (1, 2))
    assert first.dedupe_key == again.dedupe_key


async def test_kyiv_time_becomes_utc_in_winter_and_in_summer(turbosms: TurboSms) -> None:
    for date, hour in (("2026-11-02 10:31:07", 8), ("2026-07-02 10:31:07", 7)):
        told = {"message_id": ID, "status": "DELIVRD", "dlr_date": date}
        [raw] = turbosms.verify(request(event(data=told))).events
        [receipt] = turbosms.normalise(raw)
        assert isinstance(receipt, Receipt)
        assert receipt.at.hour == hour


async def test_a_receipt_without_a_date_happened_when_it_came(turbosms: TurboSms) -> None:
    [raw] = turbosms.verify(request(event(data={"message_id": ID, "status": "READ"}))).events
    assert turbosms.normalise(raw) == (Receipt(ReceiptState.READ, START, provider_id=ID),)


async def test_a_proved_event_that_nobody_can_read_is_kept_as_a_dead_letter(turbosms: TurboSms) -> None:
    [raw] = turbosms.verify(request(event(data={"status": "DELIVRD"}))).events
    with pytest.raises(UnreadableError):
        turbosms.normalise(raw)


async def test_the_sandboxs_callback_is_believed(turbosms: TurboSms, sandbox: TurboSmsSandbox) -> None:
    await turbosms.send(saying())
    signed = {"id": "evt-0001", "signature": sandbox.signature("evt-0001"), "data": {}}
    assert turbosms.verify(request(signed)).events


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "message_id", "status", "dlr_date", "updated"]), inner)
    ),
    max_leaves=10,
)


@given(body=_JSON)
def test_whatever_was_stored_gives_receipts_or_is_unreadable(body: Any) -> None:
    try:
        found = receipts(Raw(body, "message:none", "key", occurred_at=START))
    except UnreadableError:
        return
    assert all(isinstance(each, Receipt) for each in found)
