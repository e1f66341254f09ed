"""Unsigned webhooks: whom the adapter believes to be InPost, and how little it makes of what they say."""

from typing import Any

import httpx
import pytest

from hub.clock import VirtualClock
from hub.model import RefKind, Reread
from hub.plugin import Limits, RefusedError, UnreadableError, WebhookRequest
from hub.plugin.http import make_client
from plugins.carriers.inpost import InPost

from .conftest import NOON
from .telling import NUMBER, OTHER, SECRET, hint, post, settings

HEADER = "x-real-ip"
TRUE = (HEADER, "91.216.25.7")


def _nobody(_: httpx.Request) -> httpx.Response:
    raise AssertionError("a webhook is answered without asking anybody")


def _carrier(**rest: Any) -> InPost:
    clock = VirtualClock(NOON)
    client = make_client("inpost", Limits(), clock, transport=httpx.MockTransport(_nobody))
    return InPost(settings(**{"webhook_secret": SECRET, **rest}), client, clock)


def _read(request: WebhookRequest, **rest: Any) -> list[Any]:
    carrier = _carrier(**rest)
    return [record for raw in carrier.verify(request).events for record in carrier.normalise(raw)]


def _refused(request: WebhookRequest, **rest: Any) -> bool:
    try:
        _carrier(**rest).verify(request)
    except RefusedError:
        return True
    return False


@pytest.mark.parametrize("event", ["shipment_status_changed", "shipment_confirmed", "something_new"])
def test_a_webhook_only_makes_the_hub_read_the_parcel_again(event: str) -> None:
    assert _read(post(hint(event=event))) == [Reread(RefKind.PARCEL, NUMBER)]


def test_the_event_is_the_parcels() -> None:
    [raw] = _carrier().verify(post(hint())).events
    assert (raw.subject, raw.topic) == (f"parcel:{NUMBER}", "shipment_status_changed")


def test_it_is_declared_unsigned() -> None:
    assert InPost.signed is False


def test_a_get_on_the_right_path_is_greeted_and_stored_nowhere() -> None:
    found = _carrier().verify(post(b"", method="GET"))
    assert (list(found.events), found.answer.status) == ([], 200)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("rest", ["", "x", SECRET[:-1], SECRET + "x", f"x/{SECRET}", SECRET.upper()])
def test_on_any_other_path_nobody_is_believed_or_greeted(method: str, rest: str) -> None:
    assert _refused(post(hint(), rest=rest, method=method))


@pytest.mark.parametrize("rest", [f"{SECRET}/", f"/{SECRET}"])
def test_a_slash_at_an_end_does_not_matter(rest: str) -> None:
    assert not _refused(post(hint(), rest=rest))


@pytest.mark.parametrize("rest", ["", "None", "**********"])
def test_without_a_secret_no_webhook_is_believed(rest: str) -> None:
    assert _refused(post(hint(), rest=rest), webhook_secret=None)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "post"])
def test_other_methods_are_refused(method: str) -> None:
    assert _refused(post(hint(), method=method))


# --- the organization and the address ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs", "refused"),
    [(1234, 1234, False), (None, 99, False), (1234, 99, True), (1234, None, True), (1234, "1234", True)],
)
def test_a_webhook_about_another_organization_is_refused(ours: int | None, theirs: Any, refused: bool) -> None:
    assert _refused(post(hint(organization_id=theirs)), organization=ours) is refused


@pytest.mark.parametrize(
    ("address", "refused"),
    [
        ("91.216.25.0", False),
        ("91.216.25.255", False),
        ("::ffff:91.216.25.7", False),
        ("8.8.8.8, 91.216.25.7", False),
        ("91.216.25.7, 8.8.8.8", True),
        ("91.216.26.1", True),
        ("91.216.25.7:443", True),
        ("::1", True),
        ("", True),
        ("unknown", True),
    ],
)
def test_where_the_proxy_tells_the_address_only_inposts_network_is_believed(address: str, refused: bool) -> None:
    assert _refused(post(hint(), (HEADER, address)), sender_header="X-Real-IP") is refused


def test_a_header_that_is_missing_or_comes_twice_tells_no_address() -> None:
    assert _refused(post(hint()), sender_header=HEADER)
    assert _refused(post(hint(), TRUE, TRUE), sender_header=HEADER)


def test_the_probe_may_come_from_anywhere() -> None:
    found = _carrier(sender_header=HEADER).verify(post(b"", (HEADER, "8.8.8.8"), method="GET"))
    assert found.answer.status == 200


def test_other_networks_can_be_named() -> None:
    request = post(hint(), (HEADER, "10.1.2.3"))
    assert not _refused(request, sender_header=HEADER, senders=["10.0.0.0/8", "91.216.25.0/24"])


def test_without_the_setting_a_header_is_just_a_header() -> None:
    assert not _refused(post(hint(), (HEADER, "8.8.8.8")))


# --- repeated, incomplete, nonsense ----------------------------------------------------------------------------------


def _key(body: Any, *headers: tuple[str, str]) -> str:
    [raw] = _carrier().verify(post(body, *headers)).events
    return raw.dedupe_key


def test_a_repeated_webhook_has_the_same_key_and_another_has_not() -> None:
    assert _key(hint()) == _key(hint(), ("x-retry", "2"), ("date", "today"))
    assert len({_key(each) for each in (hint(), hint(OTHER), hint(event_ts="2026-11-18 07:42:11 +0100"))}) == 3


def test_before_there_is_a_number_there_is_nothing_to_read() -> None:
    payload: dict[str, Any] = {"shipment_id": 998877, "tracking_number": None}
    assert _read(post(hint(event="offers_prepared", payload=payload))) == []
    assert _read(post(hint(payload={"shipment_id": 998877}))) == []


def test_unknown_keys_of_a_return_are_ignored_and_not_stored() -> None:
    extra = {"return_receiver": {"name": "Kanarek"}, "tracking_number": NUMBER, "status": "returned_to_sender"}
    [raw] = _carrier().verify(post(hint(payload=extra, secret="Kanarek"))).events
    assert _carrier().normalise(raw) == [Reread(RefKind.PARCEL, NUMBER)]
    assert "Kanarek" not in str(raw.body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 5000,
        b'{"a": 1, "a": 2}',
        b"null",
        b"[]",
        {},
        {"payload": None},
        {"payload": []},
        hint("123"),
        hint(int(NUMBER)),
        hint([NUMBER]),
        hint("../../" + NUMBER),
        hint(NUMBER + "\n"),
    ],
)
def test_a_body_that_is_no_webhook_is_unreadable(body: Any) -> None:
    with pytest.raises(UnreadableError) as caught:
        _carrier().verify(post(body))
    assert NUMBER not in str(caught.value)


def test_what_is_refused_says_no_secret() -> None:
    with pytest.raises(RefusedError) as caught:
        _carrier(sender_header=HEADER).verify(post(hint(), (HEADER, "8.8.8.8")))
    assert SECRET not in str(caught.value) and NUMBER not in str(caught.value) and "8.8.8.8" not in str(caught.value)
