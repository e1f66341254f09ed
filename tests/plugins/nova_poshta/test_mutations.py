"""Whatever the carrier sends: records or `UnreadableError`, or a `FailureError`; nothing else."""

from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st

from hub.clock import VirtualClock
from hub.model import Checkpoint, ParcelNews
from hub.plugin import FailureError, Limits, TrackRequest, UnreadableError
from hub.plugin.http import make_client
from plugins.carriers.nova_poshta import NovaPoshta
from plugins.carriers.nova_poshta.reading import moment, records
from plugins.carriers.nova_poshta.sandbox import NovaPoshtaSandbox

from .asking import ASKED_AT, settings
from .conftest import NOON

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def _full_item() -> dict[str, Any]:
    world = NovaPoshtaSandbox(VirtualClock(NOON))
    number = world.create(cod=1200)
    world.arrive(number)
    world.return_waybill(number)
    return world.waybills[number].item(full=True)


ITEM = _full_item()


@given(st.dictionaries(st.sampled_from(sorted(ITEM)), JSON, max_size=8))
def test_an_item_with_changed_fields_is_read_or_unreadable(changes: dict[str, Any]) -> None:
    body = {"asked_at": ASKED_AT, "item": {**ITEM, **changes}}
    try:
        found = records(body)
    except UnreadableError:
        return
    assert isinstance(found[0], Checkpoint)
    assert all(isinstance(each, Checkpoint | ParcelNews) for each in found)
    assert found == records(body)


@given(JSON)
def test_anything_at_all_is_read_or_unreadable(body: Any) -> None:
    for each in (body, {"asked_at": ASKED_AT, "item": body}, {"asked_at": body, "item": ITEM}):
        try:
            records(each)
        except UnreadableError:
            continue


@given(
    st.text() | st.from_regex(r"\d{1,4}[-.T: ]\d{1,4}[-.T: ]\d{1,4}[-.T: ]?\d{0,2}:?\d{0,2}:?\d{0,2}", fullmatch=True)
)
def test_any_text_is_a_date_or_none(written: str) -> None:
    found = moment(written)
    assert found is None or 2000 <= found.year <= 2100


@given(st.one_of(JSON, st.fixed_dictionaries({"success": JSON, "data": JSON, "errors": JSON, "errorCodes": JSON})))
async def test_any_answer_gives_raw_events_or_a_failure(body: Any) -> None:
    clock = VirtualClock(NOON)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=body))
    async with make_client("np", Limits(), clock, transport=transport) as client:
        try:
            found = await NovaPoshta(settings(), client, clock).track([TrackRequest("20450777123456")])
        except FailureError:
            return
        assert len(found) <= 1
