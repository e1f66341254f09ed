"""Sending over real HTTP: what goes out, and what becomes of every answer."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hub.plugin import (
    Accepted,
    Config,
    Duplicate,
    FailureError,
    Outcome,
    Permanent,
    Suppress,
    Transient,
    Unknown,
    digest,
    e164,
)
from plugins.channels.smsapi import Smsapi, SmsapiSettings
from plugins.channels.smsapi.reading import outcome
from plugins.channels.smsapi.sandbox import TOKEN, SmsapiSandbox
from plugins.channels.smsapi.statuses import ERRORS, verdict

from .conftest import PHONE, SECRET, START, Make, saying


async def test_a_message_leaves_under_its_key(smsapi: Smsapi, sandbox: SmsapiSandbox) -> None:
    found = await smsapi.send(saying("Замовлення №1042, zażółć & 100%", key="a" * 32))
    [sent] = sandbox.ledger
    assert found == Accepted(sent.message_id)
    assert (sent.number, sent.sender, sent.key) == ("48600100200", "Sklep", "a" * 32)
    assert sent.text == "Замовлення №1042, zażółć & 100%"


async def test_the_request_is_what_the_page_asks_for(smsapi: Smsapi) -> None:
    seen: list[httpx.Request] = []
    smsapi.client.event_hooks = {"request": [_keep(seen)]}
    smsapi.asks_every("https://hub.example/in/sms")
    await smsapi.send(saying("Kod"))
    [request] = seen
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(request.content.decode()) == {
        "format": ["json"],
        "from": ["Sklep"],
        "to": ["48600100200"],
        "message": ["Kod"],
        "idx": ["0" * 32],
        "check_idx": ["1"],
        "details": ["1"],
        "max_parts": ["6"],
        "notify_url": [f"https://hub.example/in/sms/{SECRET}"],
    }
    assert TOKEN not in str(request.url)


def _keep(seen: list[httpx.Request]) -> Callable[[httpx.Request], Any]:
    async def keep(request: httpx.Request) -> None:
        seen.append(request)

    return keep


async def test_without_an_address_no_receipt_is_asked_for(smsapi: Smsapi, sandbox: SmsapiSandbox) -> None:
    assert smsapi.asks_every("https://hub.example/in/sms") is None
    assert await smsapi.register(None) == ("smsapi: no receipts come in, the hub has no address (hub.public_url)",)
    await smsapi.send(saying())
    assert sandbox.ledger[0].notify_url == ""
    assert await smsapi.register("https://hub.example/in/sms") == ()
    await smsapi.send(saying(key="b" * 32))
    assert sandbox.ledger[1].notify_url == f"https://hub.example/in/sms/{SECRET}"


async def test_the_same_key_is_one_message(smsapi: Smsapi, sandbox: SmsapiSandbox) -> None:
    assert isinstance(await smsapi.send(saying()), Accepted)
    assert await smsapi.send(saying()) == Duplicate()
    assert len(sandbox.ledger) == 1


@pytest.mark.parametrize("http", [200, 400])
@pytest.mark.parametrize("code", ERRORS)
async def test_every_error_is_its_outcome_whatever_http_says(
    smsapi: Smsapi, sandbox: SmsapiSandbox, code: int, http: int
) -> None:
    sandbox.error_status = http
    sandbox.refuse(code)
    assert await smsapi.send(saying()) == verdict(code, START)
    assert len(sandbox.ledger) == 0


@pytest.mark.parametrize("code", [8, 52, 202])
async def test_what_may_pass_is_over_under_the_same_key(smsapi: Smsapi, sandbox: SmsapiSandbox, code: int) -> None:
    sandbox.refuse(code)
    assert isinstance(await smsapi.send(saying()), Transient)
    assert isinstance(await smsapi.send(saying()), Accepted)


async def test_ten_tries_a_minute_are_told_when_to_come_again(smsapi: Smsapi, sandbox: SmsapiSandbox) -> None:
    for number in range(10):
        await smsapi.send(saying(key=f"{number:032x}"))
    found = await smsapi.send(saying(key="f" * 32))
    assert isinstance(found, Transient)
    assert found.not_before == START + timedelta(seconds=60)


async def test_a_lost_answer_is_unknown_and_the_repeat_finds_what_was_sent(
    smsapi: Smsapi, sandbox: SmsapiSandbox
) -> None:
    sandbox.chaos.reset(1, "after")
    with pytest.raises(FailureError) as failure:
        await smsapi.send(saying())
    assert isinstance(failure.value.outcome, Unknown)
    assert await smsapi.send(saying()) == Duplicate()
    assert len(sandbox.ledger) == 1


@pytest.mark.parametrize(
    ("order", "kind"),
    [
        (lambda chaos: chaos.fail(500), Transient),
        (lambda chaos: chaos.fail(502), Transient),
        (lambda chaos: chaos.fail(503, retry_after=60), Transient),
        (lambda chaos: chaos.fail(429, retry_after=60), Transient),
        (lambda chaos: chaos.fail(408), Transient),
        (lambda chaos: chaos.fail(401), Config),
        (lambda chaos: chaos.fail(402), Config),
        (lambda chaos: chaos.fail(403, body="<html>Blocked</html>"), Config),
        (lambda chaos: chaos.fail(404, body="<html>Not here</html>"), Config),
        (lambda chaos: chaos.fail(302), Permanent),
        (lambda chaos: chaos.hang(), Unknown),
        (lambda chaos: chaos.reset(), Unknown),
        (lambda chaos: chaos.cut(), Unknown),
        (lambda chaos: chaos.garble(), Unknown),
    ],
    ids=["500", "502", "503", "429", "408", "401", "402", "403", "404", "302", "hang", "reset", "cut", "page"],
)
async def test_trouble_on_the_wire(
    smsapi: Smsapi, sandbox: SmsapiSandbox, order: Callable[[Any], None], kind: type[Outcome]
) -> None:
    order(sandbox.chaos)
    try:
        found = await smsapi.send(saying())
    except FailureError as failure:
        found = failure.outcome
    assert isinstance(found, kind)


async def test_a_wish_to_wait_holds_back_the_next_message_too(
    smsapi: Smsapi, sandbox: SmsapiSandbox, later: Callable[[float], None]
) -> None:
    sandbox.chaos.fail(429, retry_after=60)
    for _ in range(2):
        with pytest.raises(FailureError) as failure:
            await smsapi.send(saying())
    assert isinstance(failure.value.outcome, Transient)
    assert failure.value.outcome.unsent
    assert sandbox.calls == []
    later(61)
    assert isinstance(await smsapi.send(saying()), Accepted)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+48600100200", "+48600100200"),
        ("600 100 200", "+48600100200"),
        ("600-100-200", "+48600100200"),
        ("48600100200", "+48600100200"),
        ("0048 600 100 200", "+48600100200"),
        ("+380501112233", "+380501112233"),
        ("380501112233", "+380501112233"),
        ("", None),
        ("600", None),
        ("600100200,600100201", None),
        ("+48 600 100 200\r\nBcc: x", None),
    ],
)
def test_a_number_is_read_as_people_write_it(written: str, number: str | None) -> None:
    assert e164(written, "PL") == number


async def test_what_is_no_number_or_no_text_is_not_asked_about(smsapi: Smsapi, sandbox: SmsapiSandbox) -> None:
    assert await smsapi.send(saying(to="nobody")) == Suppress("this is no telephone number")
    assert await smsapi.send(saying("\x00 \n")) == Permanent("the text is empty")
    assert sandbox.calls == []


@pytest.mark.parametrize(
    ("diacritics", "said"), [("keep", "Zażółć"), ("strip", "Zazolc"), ("refuse", "")], ids=["keep", "strip", "refuse"]
)
async def test_what_is_done_with_dear_letters_is_a_setting(
    make: Make, sandbox: SmsapiSandbox, diacritics: str, said: str
) -> None:
    found = await make(diacritics=diacritics).send(saying("Zażółć"))
    assert [each.text for each in sandbox.ledger] == ([said] if said else [])
    assert isinstance(found, Accepted if said else Permanent)


async def test_how_many_parts_a_message_may_have_is_a_setting(make: Make, sandbox: SmsapiSandbox) -> None:
    assert isinstance(await make(max_parts=1).send(saying("a" * 161)), Permanent)
    assert isinstance(await make(max_parts=2).send(saying("a" * 161)), Accepted)


async def test_in_test_mode_nothing_is_sent(make: Make, sandbox: SmsapiSandbox) -> None:
    assert isinstance(await make(test=True).send(saying()), Accepted)
    assert (len(sandbox.ledger), sandbox.points) == (0, 100.0)


async def test_what_it_cost_stands_in_the_log(smsapi: Smsapi, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await smsapi.send(saying("ó" * 71))
    assert "smsapi: a message of 2 parts for 0.33 points" in caplog.text


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60), to=st.text(max_size=30) | st.just(PHONE))
async def test_whatever_stands_in_an_order_is_an_outcome(smsapi: Smsapi, text: str, to: str) -> None:
    assert isinstance(await smsapi.send(saying(text, to, digest(text, to)[:32])), Outcome)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10**7) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["list", "id", "error", "points", "parts"]), inner)
    ),
    max_leaves=12,
)


@given(body=_JSON, status=st.sampled_from([200, 400, 401, 404, 408, 418]))
def test_whatever_answers_is_an_outcome(body: Any, status: int) -> None:
    assert isinstance(outcome(status, body, START), Outcome)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (None, Unknown("SMSAPI's answer could not be read")),
        ({"count": 0, "list": []}, Unknown("SMSAPI's answer could not be read")),
        ({"list": [{"id": ""}]}, Unknown("SMSAPI's answer could not be read")),
        ({"list": [{"id": None, "error": 14}]}, verdict(14, START)),
        ({"list": [{"id": "A1", "error": 13}]}, verdict(13, START)),
        ({"error": "103"}, verdict(103, START)),
        ({"error": None, "list": [{"id": "A1", "error": None}]}, Accepted("A1")),
    ],
)
def test_success_needs_an_id_and_no_error(body: Any, found: Outcome) -> None:
    assert outcome(200, body, START) == found


async def test_greeting_tells_the_points(smsapi: Smsapi) -> None:
    assert await smsapi.hello() == "SMSAPI answers, 100.00 points are left"


@pytest.mark.parametrize("http", [200, 401])
async def test_greeting_with_a_wrong_token_is_our_fault(make: Make, sandbox: SmsapiSandbox, http: int) -> None:
    sandbox.error_status = http
    with pytest.raises(FailureError) as failure:
        await make(token="another-token").hello()
    assert failure.value.outcome == Config("SMSAPI does not accept the token")


@pytest.mark.parametrize("body", ["{}", "[]", "<html>", '{"error": 53}'])
async def test_greeting_something_else_is_a_failure(smsapi: Smsapi, sandbox: SmsapiSandbox, body: str) -> None:
    sandbox.chaos.fail(200, body=body)
    with pytest.raises(FailureError):
        await smsapi.hello()


async def test_neither_log_nor_failure_tells_secret_number_or_text(
    smsapi: Smsapi, sandbox: SmsapiSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    smsapi.asks_every("https://hub.example/in/sms")
    said = ""
    for trouble in ("none", "a new error", "500"):
        if trouble == "a new error":
            sandbox.refuse(4711, "number 48600100200 is wrong")
        if trouble == "500":
            sandbox.chaos.fail(500)
        try:
            said += repr(await smsapi.send(saying("Kod 4821", key=f"{len(said):032x}")))
        except FailureError as failure:
            said += repr(failure)
    ours = "".join(record.getMessage() for record in caplog.records if not record.name.startswith("aiohttp"))
    for secret in (TOKEN, SECRET, "48600100200", "Kod 4821"):
        assert secret not in said + ours


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("token", "short"),
        ("sender", "Кіоск"),
        ("sender", "TwelveLetter"),
        ("sender", "12"),
        ("callback_secret", "too/short"),
        ("callback_secret", "with/a/slash/in/its/path"),
        ("diacritics", "burn"),
        ("max_parts", "99"),
        ("country", "Poland"),
        ("url", "sms.example"),
    ],
)
def test_a_wrong_setting_is_refused_and_not_repeated(name: str, value: str) -> None:
    with pytest.raises(ValidationError) as error:
        SmsapiSettings.model_validate({"token": TOKEN, "sender": "Sklep", name: value})
    assert value not in str(error.value)


def test_the_secret_path_is_made_of_the_token_unless_it_is_set() -> None:
    made = SmsapiSettings.model_validate({"token": TOKEN, "sender": "48500000000"})
    other = SmsapiSettings.model_validate({"token": TOKEN + "x", "sender": "Sklep"})
    assert made.secret() != other.secret()
    assert len(made.secret()) == 64
    assert TOKEN not in made.secret()
