"""Callbacks: a GET on an unguessable path, answered with OK; several receipts in one; and what customers answer."""

from collections.abc import Mapping
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.model import ChannelClosed, ChannelRecord, Receipt, ReceiptState, Reply
from hub.plugin import Answer, Raw, RefusedError, UnreadableError, WebhookRequest
from plugins.channels.smsapi import Smsapi
from plugins.channels.smsapi.reading import events, read
from plugins.channels.smsapi.sandbox import SmsapiSandbox
from plugins.channels.smsapi.statuses import START as START_WORDS
from plugins.channels.smsapi.statuses import STOP

from .conftest import SECRET, START, Make, saying

ID, KEY = "6373B0C4B3E7D1A2F0C4A1B2", "0123456789abcdef0123456789abcdef"
DELIVERED = {"MsgId": ID, "status": "404", "status_name": "DELIVERED", "idx": KEY, "donedate": "1793607390"}


def get(fields: Mapping[str, str], rest: str = SECRET, method: str = "GET") -> WebhookRequest:
    return WebhookRequest(method, rest, fields, [], b"")


def post(fields: Mapping[str, str]) -> WebhookRequest:
    return WebhookRequest("POST", SECRET, {}, [], urlencode(fields).encode())


def records(smsapi: Smsapi, fields: Mapping[str, str]) -> list[ChannelRecord]:
    return [record for raw in smsapi.verify(get(fields)).events for record in smsapi.normalise(raw)]


async def test_a_receipt_is_believed_on_its_path_and_answered_ok(smsapi: Smsapi) -> None:
    received = smsapi.verify(get(DELIVERED))
    assert received.answer == Answer(200, "OK", "text/plain; charset=utf-8")
    [raw] = received.events
    assert raw.subject == f"message:{ID}"
    [receipt] = smsapi.normalise(raw)
    assert isinstance(receipt, Receipt)
    assert (receipt.state, receipt.key, receipt.provider_id) == (ReceiptState.DELIVERED, KEY, ID)
    assert receipt.at.isoformat() == "2026-11-02T08:16:30+00:00"


async def test_a_form_says_the_same(smsapi: Smsapi) -> None:
    assert smsapi.verify(post(DELIVERED)) == smsapi.verify(get(DELIVERED))


@pytest.mark.parametrize("rest", ["", "x", SECRET[:-1], SECRET + "x", SECRET.upper(), f"{SECRET}/"])
async def test_on_another_path_nothing_is_believed(smsapi: Smsapi, rest: str) -> None:
    with pytest.raises(RefusedError):
        smsapi.verify(get(DELIVERED, rest))


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD"])
async def test_another_method_is_refused(smsapi: Smsapi, method: str) -> None:
    with pytest.raises(RefusedError):
        smsapi.verify(get(DELIVERED, method=method))


async def test_whoever_only_looks_is_greeted(smsapi: Smsapi) -> None:
    received = smsapi.verify(get({}))
    assert (list(received.events), received.answer.body) == ([], "OK")


async def test_number_sender_and_price_are_not_kept(smsapi: Smsapi) -> None:
    more = {"to": "48600100200", "from": "Sklep", "username": "kavovar", "points": "0.165", "mcc": "260", "mnc": "02"}
    [raw] = smsapi.verify(get({**DELIVERED, **more})).events
    assert raw.body == DELIVERED


async def test_several_receipts_in_one_call_are_several_events(smsapi: Smsapi) -> None:
    fields = {"MsgId": f"{ID},B2", "status": "404,405", "idx": f"{KEY},", "donedate": "1793607390,1793607391"}
    first, second = records(smsapi, fields)
    assert isinstance(first, Receipt)
    assert isinstance(second, Receipt)
    assert (first.state, first.key, second.state, second.key) == ("delivered", KEY, "failed", "")
    assert (second.provider_id, second.reason) == ("B2", "SMSAPI: not delivered")


async def test_a_receipt_alone_and_in_company_has_the_same_key(smsapi: Smsapi) -> None:
    [alone] = smsapi.verify(get(DELIVERED)).events
    both = {name: f"{value},{value if name != 'MsgId' else 'B2'}" for name, value in DELIVERED.items()}
    assert alone.dedupe_key in [raw.dedupe_key for raw in smsapi.verify(get(both)).events]


async def test_columns_that_do_not_fit_are_kept_as_a_dead_letter_and_answered_ok(smsapi: Smsapi) -> None:
    received = smsapi.verify(get({"MsgId": f"{ID},B2", "status": "404"}))
    assert received.answer.body == "OK"
    [raw] = received.events
    with pytest.raises(UnreadableError):
        smsapi.normalise(raw)


@pytest.mark.parametrize("status", ["401", "403", "408", "409", "410", "411"])
async def test_what_is_under_way_says_nothing(smsapi: Smsapi, status: str) -> None:
    assert records(smsapi, {**DELIVERED, "status": status}) == []


async def test_a_status_that_nobody_knows_is_a_dead_letter(smsapi: Smsapi) -> None:
    [raw] = smsapi.verify(get({**DELIVERED, "status": "413"})).events
    with pytest.raises(UnreadableError):
        smsapi.normalise(raw)


async def test_a_receipt_without_a_date_happened_when_it_came(smsapi: Smsapi) -> None:
    [receipt] = records(smsapi, {"MsgId": ID, "status": "404"})
    assert receipt.at == START


@pytest.mark.parametrize("word", sorted(STOP))
@pytest.mark.parametrize("written", ["{}", " {}. ", "{}!"])
async def test_a_word_of_stop_closes_the_channel(smsapi: Smsapi, word: str, written: str) -> None:
    answer = {"sms_from": "48600100200", "sms_text": written.format(word.upper()), "sms_date": "1793607390"}
    [closed] = records(smsapi, answer)
    assert isinstance(closed, ChannelClosed)
    assert (closed.address, closed.open, closed.reason) == ("+48600100200", False, "stop")


@pytest.mark.parametrize("word", sorted(START_WORDS))
async def test_a_word_of_start_opens_it_again(smsapi: Smsapi, word: str) -> None:
    [opened] = records(smsapi, {"sms_from": "48600100200", "sms_text": word, "sms_date": "1793607390"})
    assert isinstance(opened, ChannelClosed)
    assert opened.open


@pytest.mark.parametrize("text", ["Gdzie jest moja paczka?", "Please stop by tomorrow", "nie stop", "STOPP"])
async def test_other_words_close_nothing_and_are_what_somebody_says(smsapi: Smsapi, text: str) -> None:
    [said] = records(smsapi, {"sms_from": "48600100200", "sms_text": text, "sms_date": "1793607390"})
    assert isinstance(said, Reply) and said.event_id
    assert (said.address, said.text, said.button) == ("+48600100200", text, "")


async def test_an_empty_answer_says_nothing(smsapi: Smsapi) -> None:
    assert records(smsapi, {"sms_from": "48600100200", "sms_text": " "}) == []


async def test_an_answer_from_no_number_is_a_dead_letter(smsapi: Smsapi) -> None:
    [raw] = smsapi.verify(get({"sms_from": "Sklep", "sms_text": "stop"})).events
    with pytest.raises(UnreadableError):
        smsapi.normalise(raw)


async def test_what_is_no_form_is_unreadable(smsapi: Smsapi) -> None:
    for body in (b"\xff\xfe", b"a=1&" * 101):
        with pytest.raises(UnreadableError):
            smsapi.verify(WebhookRequest("POST", SECRET, {}, [], body))


async def test_the_path_is_made_of_the_token_where_none_is_set(make: Make, sandbox: SmsapiSandbox) -> None:
    smsapi = make(callback_secret=None)
    smsapi.asks_every("https://hub.example/in/sms")
    await smsapi.send(saying())
    _, _, rest = sandbox.ledger[0].notify_url.partition("/in/sms/")
    assert smsapi.verify(get(DELIVERED, rest)).events


_FIELDS = st.dictionaries(
    st.sampled_from(["MsgId", "status", "idx", "donedate", "sms_from", "sms_text", "sms_date", "other"]),
    st.text(max_size=20) | st.sampled_from([ID, "404", "404,405", "48600100200", "stop", "9" * 30, "1793607390"]),
)


@given(fields=_FIELDS)
def test_whatever_is_called_in_gives_records_or_is_unreadable(fields: dict[str, str]) -> None:
    for raw in events(fields, START):
        try:
            found = read(raw, "PL")
        except UnreadableError:
            continue
        assert all(isinstance(each, Receipt | ChannelClosed | Reply) for each in found)


@given(body=st.none() | st.text() | st.dictionaries(st.text(max_size=5), st.integers() | st.none() | st.text()))
def test_whatever_was_stored_gives_records_or_is_unreadable(body: object) -> None:
    with pytest.raises(UnreadableError):
        read(Raw(body, "message:none", "key", occurred_at=START), "PL")


@pytest.mark.parametrize(
    ("url", "test", "gives"),
    [
        pytest.param("https://hub.example/in/sms", False, True, id="the hub can be reached"),
        pytest.param(None, False, False, id="it cannot"),
        pytest.param("https://hub.example/in/sms", True, False, id="messages are only checked"),
    ],
)
async def test_receipts_come_where_they_can_be_called_in(make: Make, url: str | None, test: bool, gives: bool) -> None:
    assert make(test=test).gives_receipts(url) is gives
