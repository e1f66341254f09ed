"""Bodies that nobody should send: records, or `UnreadableError`, and nothing else."""

import copy
import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.clock import VirtualClock
from hub.model import Record
from hub.plugin import Raw, RefusedError, UnreadableError
from plugins.platforms.shopify import Shopify

from . import telling
from .conftest import MORNING
from .telling import SAMPLES, webhook


def _shop() -> Shopify:
    client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(503)))
    return Shopify(telling.settings(), client, VirtualClock(MORNING))


SHOP = _shop()
WEBHOOKS = [
    json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((SAMPLES / "webhooks").glob("*.json"))
    if not path.name.endswith((".expected.json", ".headers.json"))
]
NODES = [
    node
    for path in sorted(SAMPLES.glob("*.json"))
    if not path.name.endswith(".expected.json")
    for node in json.loads(path.read_text(encoding="utf-8"))["data"]["orders"]["nodes"]
]
OWN: list[Any] = [
    {"prepared_for_pickup": {"fulfillment_order": "gid://shopify/FulfillmentOrder/5", "at": "2026-11-20T09:00:00Z"},
     "order": NODES[0]},
    {"deleted_fulfillment_event": {"id": "5", "order_id": "6", "at": "2026-11-20T09:00:00Z"}},
]  # fmt: skip
"""What the adapter itself stores after asking the API."""
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**18, max_value=10**400)
    | st.floats(allow_nan=True)
    | st.text(max_size=20)
    | st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1e999999", "gid://shopify/Order/0",
                       "gid://shopify/Order/" + "9" * 40, "-0.00", "２", "Infinity", "2026-02-30T00:00:00Z"])
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, each in inner for path in paths(each, (*here, key)))]


def changed(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    whole = copy.deepcopy(body)
    place = whole
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return whole


def read(body: Any, topic: str = "") -> None:
    raw = Raw(body, subject="order:1", dedupe_key="k", topic=topic, occurred_at=MORNING)
    try:
        records = SHOP.normalise(raw)
    except UnreadableError as error:
        assert len(str(error)) < 300
        return
    assert all(isinstance(each, Record) for each in records)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_spoilt_body_is_read_or_unreadable(data: st.DataObject) -> None:
    body = data.draw(st.sampled_from([*WEBHOOKS, *NODES, *OWN]), label="sample")
    for _ in range(data.draw(st.integers(1, 3), label="changes")):
        body = changed(body, data.draw(st.sampled_from(paths(body)), label="where"), data.draw(VALUES, label="what"))
    read(body, data.draw(st.sampled_from(["", "fulfillment_events/delete", "orders/delete"]), label="topic"))


@settings(max_examples=300, deadline=None)
@given(body=VALUES)
def test_anything_at_all_is_read_or_unreadable(body: Any) -> None:
    read(body)


@settings(max_examples=300, deadline=None)
@given(body=st.binary(max_size=400) | VALUES.map(lambda each: json.dumps(each).encode()))
def test_signed_nonsense_is_believed_refused_or_unreadable(body: bytes) -> None:
    try:
        SHOP.verify(webhook(body))
    except (RefusedError, UnreadableError):
        return


HOSTILE = {
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "depth within": b'{"id": ' + b"[" * 500 + b"]" * 500 + b"}",
    "many keys": b"{" + b",".join(b'"k%d": 1' % number for number in range(100_000)) + b"}",
    "NaN": b'{"id": NaN}',
    "infinity": b'{"id": 1e999}',
    "a number of 5,000 digits": b'{"id": ' + b"9" * 5000 + b"}",
    "a lone surrogate": b'{"id": 1, "name": "\\ud800"}',
    "a key twice": b'{"id": 1, "id": 2}',
    "a byte order mark": b"\xef\xbb\xbf" + b'{"id": "x"}',
    "UTF-16": '{"id": 1}'.encode("utf-16"),
    "not UTF-8": b'{"id": "\xff"}',
    "an empty body": b"",
    "a text": b'"orders"',
    "a false id": b'{"id": true}',
    "a float for an id": b'{"id": 1.0}',
    "a negative id": b'{"id": -5}',
}


@pytest.mark.parametrize("how", HOSTILE)
def test_hostile_json_is_unreadable_and_hangs_nothing(how: str) -> None:
    with pytest.raises(UnreadableError):
        for event in SHOP.verify(webhook(HOSTILE[how])).events:
            SHOP.normalise(event)


def test_a_signed_body_of_no_known_kind_becomes_a_dead_letter() -> None:
    event = SHOP.verify(webhook(b'{"id": 5, "name": "#1071"}')).events[0]
    with pytest.raises(UnreadableError, match="no known kind"):
        SHOP.normalise(event)


def test_no_error_tells_what_stood_in_the_body() -> None:
    body = {**WEBHOOKS[0], "id": 5, "admin_graphql_api_id": "gid://shopify/Order/5", "created_at": "olena@example.com"}
    with pytest.raises(UnreadableError) as error:
        SHOP.normalise(Raw(body, subject="order:5", dedupe_key="k"))
    assert "olena" not in str(error.value)
