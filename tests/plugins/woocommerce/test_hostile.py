"""Bodies that nobody should send: records, or `UnreadableError`, and nothing else."""

import copy
import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from hub.clock import VirtualClock
from hub.model import Record
from hub.plugin import Raw, RefusedError, UnreadableError
from plugins.platforms.woocommerce import WooCommerce

from .telling import MORNING, SAMPLES, settings, webhook


def _shop(**more: Any) -> WooCommerce:
    client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(503)))
    return WooCommerce(settings(tracking_meta=["ttn"], attributes=["ttn"], **more), client, VirtualClock(MORNING))


SHOP, WITH_FULFILMENTS = _shop(), _shop(fulfillments=True)
FULFILMENT = {
    "id": 9, "status": "fulfilled", "date_deleted": None,
    "meta_data": [{"id": 1, "key": "_items", "value": [{"item_id": 3105, "qty": 1}]},
                  {"id": 2, "key": "_tracking_number", "value": "6200"}],
}  # fmt: skip
BODIES: list[Any] = [
    inner
    for path in sorted(SAMPLES.rglob("*.json"))
    if not path.name.endswith((".expected.json", ".headers.json"))
    for found in [json.loads(path.read_text(encoding="utf-8"))]
    for inner in (found if isinstance(found, list) else [found])
] + [{"hub_removed": {"id": 7419, "at": "2026-11-20T09:00:00+00:00"}}]
ORDER = next(each for each in BODIES if "line_items" in each)
BODIES.append({**ORDER, "hub_fulfillments": [FULFILMENT], "meta_data": [{"id": 1, "key": "ttn", "value": "A1, B2"}]})
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**18, max_value=10**400)
    | st.floats(allow_nan=True)
    | st.text(max_size=20)
    | st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1e999999", "-0.00", "２", "Infinity",
                       "2026-02-30T00:00:00", "&#0;&#x110000;", "/", "wc-", "../x", "0.000000001", "9" * 30])
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


def read(body: Any) -> None:
    for shop in (SHOP, WITH_FULFILMENTS):
        try:
            records = shop.normalise(Raw(body, subject="order:1", dedupe_key="k"))
        except UnreadableError as error:
            assert len(str(error)) < 300
            continue
        assert all(isinstance(each, Record) for each in records)


@hypothesis(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_spoilt_body_is_read_or_unreadable(data: st.DataObject) -> None:
    body = data.draw(st.sampled_from(BODIES), label="sample")
    for _ in range(data.draw(st.integers(1, 3), label="changes")):
        body = changed(body, data.draw(st.sampled_from(paths(body)), label="where"), data.draw(VALUES, label="what"))
    read(body)


@hypothesis(max_examples=300, deadline=None)
@given(body=VALUES)
def test_anything_at_all_is_read_or_unreadable(body: Any) -> None:
    read(body)


@hypothesis(max_examples=300, deadline=None)
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
    "UTF-16": '{"id": 1}'.encode("utf-16"),
    "not UTF-8": b'{"id": "\xff"}',
    "an empty body": b"",
    "a text": b'"orders"',
    "a false id": b'{"id": true}',
    "a float for an id": b'{"id": 1.0}',
    "a negative id": b'{"id": -5}',
    "a warning before it": b"<br />Warning<br />" + b'{"id": 1}',
}


@pytest.mark.parametrize("how", HOSTILE)
def test_hostile_json_is_unreadable_and_hangs_nothing(how: str) -> None:
    with pytest.raises(UnreadableError):
        for event in SHOP.verify(webhook(HOSTILE[how])).events:
            SHOP.normalise(event)


@pytest.mark.parametrize("quantity", [1e-300, 5e-324, 1e-7, 1e10, -1, True, "2", None])
def test_an_absurd_quantity_is_unreadable(quantity: Any) -> None:
    line = {**ORDER["line_items"][0], "quantity": quantity}
    with pytest.raises(UnreadableError, match="quantity"):
        SHOP.normalise(Raw({**ORDER, "line_items": [line]}, subject="order:1", dedupe_key="k"))


def test_a_mark_of_the_byte_order_is_no_harm() -> None:
    (event,) = SHOP.verify(webhook(b"\xef\xbb\xbf" + json.dumps(ORDER).encode())).events
    assert SHOP.normalise(event)


def test_no_error_tells_what_stood_in_the_body() -> None:
    with pytest.raises(UnreadableError) as error:
        SHOP.normalise(Raw({**ORDER, "date_modified_gmt": "marek@example.com"}, subject="order:1", dedupe_key="k"))
    assert "marek" not in str(error.value)
