"""Whatever InPost sends: records, `UnreadableError`, `RefusedError` or a `FailureError`; nothing else."""

import json
from typing import Any

import httpx
from hypothesis import given
from hypothesis import settings as searching
from hypothesis import strategies as st

from hub.clock import VirtualClock
from hub.model import Checkpoint, ParcelNews, Reread
from hub.plugin import FailureError, Limits, RefusedError, TrackRequest, UnreadableError
from hub.plugin.http import make_client
from plugins.carriers.inpost import InPost
from plugins.carriers.inpost.reading import moment, records
from plugins.carriers.inpost.sandbox import ORGANIZATION, TOKEN

from .conftest import NOON
from .telling import ASKED_AT, NUMBER, SECRET, answer, event, hint, machine, post, settings

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
SEARCH = searching(derandomize=True, database=None, deadline=None)
WHOLE = answer(event("ready_to_pickup"), event("confirmed", "2026-11-16T09:11:02.000+01:00"))
BESIDE = {"cod": {"amount": 129.9, "currency": "PLN"}, "point": machine("KRA01M"), "titles": {"x": "X"}}


def _said(tracking: Any, **beside: Any) -> dict[str, Any]:
    return {"asked_at": ASKED_AT, "tracking": tracking, **BESIDE, **beside}


@SEARCH
@given(
    st.dictionaries(st.sampled_from(sorted(WHOLE)), JSON, max_size=5),
    st.dictionaries(st.sampled_from(sorted(BESIDE)), JSON, max_size=3),
)
def test_an_answer_with_changed_fields_is_read_or_unreadable(changes: dict[str, Any], beside: dict[str, Any]) -> None:
    body = _said({**WHOLE, **changes}, **beside)
    try:
        found = records(body)
    except UnreadableError:
        return
    assert all(isinstance(each, Checkpoint | ParcelNews) and each.number == NUMBER for each in found)
    assert found == records(body)


@SEARCH
@given(st.dictionaries(st.sampled_from(sorted(machine())), JSON, max_size=4))
def test_a_point_with_changed_fields_is_told_or_left_out(changes: dict[str, Any]) -> None:
    target = {"target_machine_id": "KRA010", "target_machine_detail": {**machine(), **changes}}
    points = [
        each.point for each in records(_said({**WHOLE, "custom_attributes": target})) if isinstance(each, ParcelNews)
    ]
    assert points and all(each is None or each.ref == "KRA010" for each in points)


@SEARCH
@given(st.dictionaries(st.sampled_from(["status", "datetime", "agency"]), JSON, max_size=3))
def test_a_line_with_changed_fields_is_read_or_unreadable(changes: dict[str, Any]) -> None:
    try:
        found = records(_said({**WHOLE, "tracking_details": [{**event("confirmed"), **changes}]}))
    except UnreadableError:
        return
    assert isinstance(found[0], Checkpoint)


@SEARCH
@given(JSON)
def test_anything_at_all_is_read_or_unreadable(body: Any) -> None:
    for each in (body, _said(body), {"asked_at": body, "tracking": WHOLE}, {"asked_at": ASKED_AT, "bad_number": body}):
        try:
            records(each)
        except UnreadableError:
            continue


@SEARCH
@given(st.text() | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?([+-]\d\d:\d\d|Z)?", fullmatch=True))
def test_any_text_is_a_date_or_none(written: str) -> None:
    found = moment(written)
    assert found is None or 2000 <= found.year <= 2100


@SEARCH
@given(
    st.one_of(
        JSON,
        st.fixed_dictionaries(
            {"tracking_number": st.just(NUMBER), "tracking_details": JSON, "custom_attributes": JSON}
        ),
        st.dictionaries(st.sampled_from(sorted(WHOLE)), JSON).map(lambda changes: {**WHOLE, **changes}),
    ),
    JSON,
)
async def test_any_answers_give_raw_events_or_a_failure(body: Any, beside: Any) -> None:
    clock = VirtualClock(NOON)
    transport = httpx.MockTransport(
        lambda request: httpx.Response(200, content=json.dumps(body if "tracking/" in request.url.path else beside))
    )
    async with make_client("inpost", Limits(), clock, transport=transport) as client:
        carrier = InPost(settings(token=TOKEN, organization=ORGANIZATION), client, clock)
        try:
            found = await carrier.track([TrackRequest(NUMBER)])
            for raw in found:
                carrier.normalise(raw)
        except (FailureError, UnreadableError):
            return
        assert len(found) <= 1


@SEARCH
@given(st.one_of(st.binary(), JSON.map(lambda body: json.dumps(body).encode())))
def test_any_body_of_a_webhook_is_a_hint_or_nothing(body: bytes) -> None:
    _hinted(body)


@SEARCH
@given(JSON, st.dictionaries(st.sampled_from(["tracking_number", "status", "shipment_id"]), JSON))
def test_a_webhook_with_changed_fields_is_a_hint_or_nothing(organization: Any, changes: dict[str, Any]) -> None:
    said = hint(organization_id=organization)
    _hinted(json.dumps({**said, "payload": {**said["payload"], **changes}}).encode())


def _hinted(body: bytes) -> None:
    clock = VirtualClock(NOON)
    client = make_client("inpost", Limits(), clock, transport=httpx.MockTransport(lambda _: httpx.Response(500)))
    carrier = InPost(settings(webhook_secret=SECRET), client, clock)
    try:
        events = carrier.verify(post(body)).events
    except (RefusedError, UnreadableError):
        return
    assert all(isinstance(record, Reread) for raw in events for record in carrier.normalise(raw))
