"""Sending over real HTTP: what goes out, and what becomes of every answer."""

import logging
from collections.abc import Callable
from typing import Any

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
    sms_text,
)
from plugins.channels.turbosms import TurboSms, TurboSmsSettings
from plugins.channels.turbosms.reading import outcome, read_answer
from plugins.channels.turbosms.sandbox import SECRET, TOKEN, TurboSmsSandbox
from plugins.channels.turbosms.statuses import CODES, Code

from .conftest import PHONE, Make, saying

SENT_BODY = {"recipients": ["380501112233"], "sms": {"sender": "SHOP", "text": "Kod"}, "sequence_id": "0" * 32}


async def test_a_message_leaves_under_its_key(turbosms: TurboSms, sandbox: TurboSmsSandbox) -> None:
    found = await turbosms.send(saying("Замовлення №1042 прибуло", key="a" * 32))
    [sent] = sandbox.ledger
    assert found == Accepted(sent.message_id)
    assert (sent.phone, sent.sender, sent.text, sent.key) == (
        "380501112233",
        "SHOP",
        "Замовлення №1042 прибуло",
        "a" * 32,
    )


async def test_the_same_key_is_one_message(turbosms: TurboSms, sandbox: TurboSmsSandbox) -> None:
    first = await turbosms.send(saying())
    assert isinstance(first, Accepted)
    assert await turbosms.send(saying()) == Duplicate(first.provider_id)
    assert len(sandbox.ledger) == 1


async def test_the_same_words_within_90_seconds_count_as_said(turbosms: TurboSms, sandbox: TurboSmsSandbox) -> None:
    await turbosms.send(saying(key="a" * 32))
    assert await turbosms.send(saying(key="b" * 32)) == Duplicate()
    assert len(sandbox.ledger) == 1


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.name)
async def test_every_code_at_the_top_is_its_outcome(turbosms: TurboSms, sandbox: TurboSmsSandbox, code: Code) -> None:
    sandbox.refuse(code.number, code.name)
    assert await turbosms.send(saying()) == code.verdict


@pytest.mark.parametrize("code", [each for each in CODES if each.number != 507], ids=lambda code: code.name)
async def test_every_code_beside_the_number_is_its_outcome(
    turbosms: TurboSms, sandbox: TurboSmsSandbox, code: Code
) -> None:
    sandbox.refuse_numbers(code.number, code.name)
    assert await turbosms.send(saying()) == code.verdict
    assert len(sandbox.ledger) == 0


async def test_trouble_is_over_under_the_same_key(turbosms: TurboSms, sandbox: TurboSmsSandbox) -> None:
    sandbox.refuse(503, "FAILED_SMS_SEND")
    assert isinstance(await turbosms.send(saying()), Transient)
    assert isinstance(await turbosms.send(saying()), Accepted)


async def test_a_lost_answer_is_unknown_and_the_repeat_finds_what_was_sent(
    turbosms: TurboSms, sandbox: TurboSmsSandbox
) -> None:
    sandbox.chaos.reset(1, "after")
    with pytest.raises(FailureError) as failure:
        await turbosms.send(saying())
    assert isinstance(failure.value.outcome, Unknown)
    assert await turbosms.send(saying()) == Duplicate(sandbox.ledger[0].message_id)
    assert len(sandbox.ledger) == 1


@pytest.mark.parametrize(
    ("order", "kind"),
    [
        (lambda chaos: chaos.fail(500), Transient),
        (lambda chaos: chaos.fail(502), Transient),
        (lambda chaos: chaos.fail(503, retry_after=60), Transient),
        (lambda chaos: chaos.fail(429, retry_after=60), Transient),
        (lambda chaos: chaos.fail(401), Config),
        (lambda chaos: chaos.fail(402), Config),
        (lambda chaos: chaos.fail(403), Config),
        (lambda chaos: chaos.fail(404), Permanent),
        (lambda chaos: chaos.fail(302), Permanent),
        (lambda chaos: chaos.hang(), Unknown),
        (lambda chaos: chaos.reset(), Unknown),
        (lambda chaos: chaos.cut(), Unknown),
        (lambda chaos: chaos.garble(), Unknown),
    ],
    ids=["500", "502", "503", "429", "401", "402", "403", "404", "302", "hang", "reset", "cut", "page"],
)
async def test_trouble_on_the_wire(
    turbosms: TurboSms, sandbox: TurboSmsSandbox, order: Callable[[Any], None], kind: type[Outcome]
) -> None:
    order(sandbox.chaos)
    with pytest.raises(FailureError) as failure:
        await turbosms.send(saying())
    assert isinstance(failure.value.outcome, kind)


async def test_a_wish_to_wait_holds_back_the_next_message_too(
    turbosms: TurboSms, sandbox: TurboSmsSandbox, later: Callable[[float], None]
) -> None:
    sandbox.chaos.fail(429, retry_after=60)
    with pytest.raises(FailureError):
        await turbosms.send(saying())
    with pytest.raises(FailureError) as failure:
        await turbosms.send(saying())
    assert isinstance(failure.value.outcome, Transient)
    assert failure.value.outcome.unsent
    assert sandbox.calls == []
    later(61)
    assert isinstance(await turbosms.send(saying()), Accepted)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+380501112233", "+380501112233"),
        ("380501112233", "+380501112233"),
        ("0501112233", "+380501112233"),
        ("050 111-22-33", "+380501112233"),
        ("+38 (050) 111 22 33", "+380501112233"),
        ("00380501112233", "+380501112233"),
        ("+48 600 100 200", "+48600100200"),
        ("48600100200", "+48600100200"),
        ("", None),
        ("050", None),
        ("12345", None),
        ("+380501112233; DROP", None),
        ("call me", None),
        ("+99999999999", None),
    ],
)
def test_a_number_is_read_as_people_write_it(written: str, number: str | None) -> None:
    assert e164(written, "UA") == number


async def test_what_is_no_number_or_no_text_is_not_asked_about(turbosms: TurboSms, sandbox: TurboSmsSandbox) -> None:
    assert await turbosms.send(saying(to="nobody")) == Suppress("this is no telephone number")
    assert await turbosms.send(saying("\x00 \n")) == Permanent("the text is empty")
    assert sandbox.calls == []


def test_a_text_loses_only_what_no_sms_can_carry() -> None:
    assert sms_text("a\r\nb\rc\x00\x1b\ud800 ж📦") == "a\nb\nc? ж📦"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60), to=st.text(max_size=30) | st.just(PHONE))
async def test_whatever_stands_in_an_order_is_an_outcome(turbosms: TurboSms, text: str, to: str) -> None:
    key = digest(text, to)[:32]
    assert isinstance(await turbosms.send(saying(text, to, key)), Outcome)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10**6) | st.text(max_size=8) | st.sampled_from(["380501112233"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["response_code", "response_status", "response_result", "phone", "message_id"]), inner
        )
    ),
    max_leaves=12,
)


@given(body=_JSON)
def test_whatever_answers_is_an_outcome(body: Any) -> None:
    answered = read_answer(body)
    assert answered is None or isinstance(outcome(answered, "380501112233"), Outcome)


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        (None, Unknown),
        ([], Unknown),
        ([{"phone": "380501112233", "response_code": 0, "message_id": None, "response_status": "OK"}], Unknown),
        ([{"phone": "1", "message_id": "a"}, {"phone": "2", "message_id": "b"}], Unknown),
        ([{"phone": "written otherwise", "response_code": 0, "message_id": "a-1"}], Accepted),
    ],
)
def test_a_success_without_an_id_of_this_number_is_unknown(result: Any, kind: type) -> None:
    answered = read_answer({"response_code": 800, "response_status": "OK", "response_result": result})
    assert answered is not None
    assert isinstance(outcome(answered, "380501112233"), kind)


async def test_an_answer_that_is_not_turbosms_is_unknown(make: Make, sandbox: TurboSmsSandbox) -> None:
    sandbox.chaos.fail(200, body='{"hello": 1}')
    assert await make().send(saying()) == Unknown("TurboSMS's answer could not be read")


async def test_greeting_tells_the_balance(turbosms: TurboSms, sandbox: TurboSmsSandbox) -> None:
    assert await turbosms.hello() == "TurboSMS answers, the balance is 2106.42"


async def test_greeting_with_a_wrong_token_is_our_fault(make: Make) -> None:
    with pytest.raises(FailureError) as failure:
        await make(token="another-token").hello()
    assert failure.value.outcome == Config("TurboSMS does not know the token")


@pytest.mark.parametrize("body", ["{}", "[]", '{"response_code": 0, "response_result": {}}'])
async def test_greeting_something_else_is_our_fault(turbosms: TurboSms, sandbox: TurboSmsSandbox, body: str) -> None:
    sandbox.chaos.fail(200, body=body)
    with pytest.raises(FailureError) as failure:
        await turbosms.hello()
    assert isinstance(failure.value.outcome, Config)


async def test_neither_log_nor_failure_tells_secret_number_or_text(
    turbosms: TurboSms, sandbox: TurboSmsSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = ""
    for trouble in ("none", "a new code", "500"):
        if trouble == "a new code":
            sandbox.refuse(777, "NEW 380501112233")
        if trouble == "500":
            sandbox.chaos.fail(500)
        try:
            said += repr(await turbosms.send(saying("Kod 4821", key=f"{len(said):032x}")))
        except FailureError as failure:
            said += repr(failure)
    ours = "".join(record.getMessage() for record in caplog.records if not record.name.startswith("aiohttp"))
    for secret in (TOKEN, SECRET, "380501112233", "Kod 4821"):
        assert secret not in said + ours


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("token", "short"),
        ("token", "with a blank in it"),
        ("sender", ""),
        ("sender", "12345"),
        ("sender", "Крамниця"),
        ("sender", "TwelveLetter"),
        ("callback_secret", "short"),
        ("country", "Ukraine"),
        ("url", "sms.example"),
        ("url", "https://api.turbosms.ua/?token=x"),
    ],
)
def test_a_wrong_setting_is_refused_and_not_repeated(name: str, value: str) -> None:
    with pytest.raises(ValidationError) as error:
        TurboSmsSettings.model_validate({"token": TOKEN, "sender": "SHOP", name: value})
    assert not value or value not in str(error.value)


async def test_the_request_is_json_with_the_token_in_a_header(turbosms: TurboSms, sandbox: TurboSmsSandbox) -> None:
    seen: list[httpx.Request] = []
    turbosms.client.event_hooks = {"request": [_keep(seen)]}
    await turbosms.send(saying("Kod"))
    [request] = seen
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["content-type"] == "application/json"
    assert httpx.Response(200, content=request.content).json() == SENT_BODY
    assert TOKEN not in str(request.url)


def _keep(seen: list[httpx.Request]) -> Callable[[httpx.Request], Any]:
    async def keep(request: httpx.Request) -> None:
        seen.append(request)

    return keep
