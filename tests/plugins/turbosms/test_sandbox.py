"""The sandbox as a client meets it: what section 1 of the dossier's sms.md says of TurboSMS."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hub.clock import VirtualClock
from hub.plugin.sandbox import serve
from plugins.channels.turbosms.sandbox import SCHEDULE, SECRET, SENDER, TOKEN, TurboSmsSandbox

from .conftest import Asking

ONE, TWO = "380501112233", "380671112233"


def codes(answer: Any) -> tuple[int, list[int]]:
    """(code of the whole, codes of its parts)."""
    return answer["response_code"], [each["response_code"] for each in answer["response_result"] or ()]


async def test_an_answer_is_an_envelope_and_ping_says_pong(api: Asking) -> None:
    assert await api.json("message/ping") == {"response_code": 1, "response_status": "PONG", "response_result": None}


@pytest.mark.parametrize("authorization", [f"Bearer {TOKEN}", f"Basic {TOKEN}"])
async def test_the_token_goes_into_a_header(api: Asking, authorization: str) -> None:
    answer = await api.client.get(f"{api.base}/user/ping.json", headers={"Authorization": authorization})
    assert answer.json()["response_code"] == 1


async def test_the_token_goes_into_the_query_or_the_form(api: Asking) -> None:
    asked = await api.client.get(f"{api.base}/user/balance", params={"token": TOKEN})
    assert asked.json()["response_result"] == {"balance": 2106.42}
    posted = await api.client.post(f"{api.base}/user/balance.json", data={"token": TOKEN})
    assert posted.json()["response_code"] == 0


async def test_without_a_token_or_with_another_one_nothing_happens(api: Asking, sandbox: TurboSmsSandbox) -> None:
    without = await api.client.post(f"{api.base}/message/send.json", json={})
    assert (without.status_code, without.json()["response_status"]) == (200, "REQUIRED_TOKEN")
    assert (await api.json("message/send", token="another"))["response_status"] == "INVALID_TOKEN"
    assert len(sandbox.ledger) == 0


async def test_a_message_is_taken_and_stands_in_the_ledger(api: Asking, sandbox: TurboSmsSandbox) -> None:
    answer = await api.send(ONE, text="Kod 4821", sequence_id="evt-1042-arrived")
    assert answer["response_status"] == "SUCCESS_MESSAGE_ACCEPTED"
    [told] = answer["response_result"]
    assert told["phone"] == ONE
    [sent] = sandbox.ledger
    assert (sent.message_id, sent.phone, sent.text, sent.key) == (
        told["message_id"],
        ONE,
        "Kod 4821",
        "evt-1042-arrived",
    )


async def test_of_two_numbers_one_may_be_refused(api: Asking, sandbox: TurboSmsSandbox) -> None:
    sandbox.stop("+" + TWO)
    answer = await api.send(ONE, TWO)
    assert codes(answer) == (802, [0, 404])
    assert answer["response_result"][1]["message_id"] is None


async def test_common_fields_may_stand_at_the_top_and_a_form_will_do(api: Asking, sandbox: TurboSmsSandbox) -> None:
    form = {"token": TOKEN, "recipients[0]": ONE, "sms[text]": "in the block", "text": "at the top", "sender": SENDER}
    answer = await api.client.post(f"{api.base}/message/send.json", data=form)
    assert answer.json()["response_code"] == 800
    assert sandbox.ledger[0].text == "in the block"


async def test_the_query_will_do_up_to_2000_characters(api: Asking, sandbox: TurboSmsSandbox) -> None:
    short = {"token": TOKEN, "recipients[]": ONE, "sms[sender]": SENDER, "sms[text]": "Kod"}
    assert (await api.client.get(f"{api.base}/message/send", params=short)).json()["response_code"] == 800
    long = {**short, "sms[text]": "x" * 2000}
    assert (await api.client.get(f"{api.base}/message/send", params=long)).json()["response_code"] == 300


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        ({}, "REQUIRED_CONTENT"),
        ({"sms": {}}, "REQUIRED_MESSAGE_RECIPIENT"),
        ({"recipients": [ONE], "sms": {"text": "x"}}, "REQUIRED_MESSAGE_SENDER"),
        ({"recipients": [ONE], "sms": {"sender": SENDER}}, "REQUIRED_MESSAGE_TEXT"),
        ({"recipients": [ONE], "sms": {"sender": "Unknown", "text": "x"}}, "NOT_ALLOWED_MESSAGE_SENDER"),
        ({"recipients": [ONE], "sms": {"sender": "OLDSHOP", "text": "x"}}, "NOT_ALLOWED_MESSAGE_SENDER_NOT_ACTIVE"),
        ({"recipients": [ONE], "sms": {"sender": "TwelveLetter", "text": "x"}}, "INVALID_MESSAGE_SENDER"),
        ({"recipients": [ONE], "viber": {"sender": "V", "text": "x"}}, "NOT_ALLOWED_MESSAGE_SENDER"),
        (
            {"recipients": [ONE], "sms": {"sender": SENDER, "text": "x"}, "start_time": "tomorrow"},
            "INVALID_START_TIME",
        ),
        ({"recipients": [ONE] * 5001, "sms": {"sender": SENDER, "text": "x"}}, "NOT_ALLOWED_RECIPIENTS_LIMIT"),
    ],
)
async def test_a_wrong_request_is_refused_by_name(api: Asking, wish: Any, name: str) -> None:
    assert (await api.json("message/send", wish))["response_status"] == name


async def test_a_body_that_is_no_json_is_refused(api: Asking) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    answer = await api.client.post(f"{api.base}/message/send.json", content=b"{", headers=headers)
    assert (answer.status_code, answer.json()["response_status"]) == (200, "FAILED_PARSE_BODY")


@pytest.mark.parametrize(("phone", "code"), [("0501112233", 305), ("380", 305), ("49301234567", 406)])
async def test_a_number_is_digits_with_a_country_that_the_account_may_reach(api: Asking, phone: str, code: int) -> None:
    assert codes(await api.send(phone))[1] == [code]


async def test_a_number_twice_in_a_batch_is_sent_to_once(api: Asking, sandbox: TurboSmsSandbox) -> None:
    assert codes(await api.send(ONE, ONE)) == (802, [0, 407])
    assert len(sandbox.ledger) == 1


async def test_a_repeated_sequence_id_gives_the_answer_of_then(api: Asking, sandbox: TurboSmsSandbox) -> None:
    first = await api.send(ONE, sequence_id="evt-1")
    again = await api.send(ONE, text="another text", sequence_id="evt-1")
    assert again["response_status"] == "FAILED_DUPLICATE_REQUEST"
    assert again["response_result"] == first["response_result"]
    assert len(sandbox.ledger) == 1


async def test_an_identical_message_within_90_seconds_is_refused(
    api: Asking, sandbox: TurboSmsSandbox, later: Callable[[float], None]
) -> None:
    await api.send(ONE)
    later(89)
    assert codes(await api.send(ONE))[1] == [427]
    later(2)
    assert codes(await api.send(ONE)) == (800, [0])


async def test_the_balance_goes_down_and_then_nothing_is_sent(api: Asking, sandbox: TurboSmsSandbox) -> None:
    sandbox.balance = 1
    await api.send(ONE)
    assert (await api.json("user/balance"))["response_result"] == {"balance": 0}
    assert (await api.send(TWO))["response_status"] == "REQUIRED_BALANCE"


async def test_a_status_can_be_asked_for(api: Asking, sandbox: TurboSmsSandbox, clock: VirtualClock) -> None:
    message_id = (await api.send(ONE))["response_result"][0]["message_id"]
    clock.move_to(clock.now() + timedelta(minutes=2))
    await sandbox.move(message_id, "Delivered")
    answer = await api.json("message/status", {"messages": [message_id, "unknown"]})
    known, unknown = answer["response_result"]
    assert (known["status"], known["type"], known["recipient"]) == ("Delivered", "sms", ONE)
    assert (known["sent"], known["updated"]) == ("2026-11-02 11:00:00", "2026-11-02 11:02:00")  # Kyiv
    assert unknown["response_status"] == "INVALID_MESSAGE_ID"
    assert (await api.json("message/status"))["response_status"] == "INVALID_MESSAGE_ID"


class Hearer:
    """Who hears callbacks; says `status` to each."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.status = 200

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from starlette.requests import Request
        from starlette.responses import PlainTextResponse

        if scope["type"] == "http":
            self.heard.append(await Request(scope, receive).json())
            await PlainTextResponse("", self.status)(scope, receive, send)


@pytest.mark.parametrize("id_first", [False, True])
async def test_a_callback_is_signed_over_secret_and_id_in_one_order_or_the_other(
    api: Asking, sandbox: TurboSmsSandbox, id_first: bool
) -> None:
    sandbox.id_first = id_first
    message_id = (await api.send(ONE))["response_result"][0]["message_id"]
    hearer = Hearer()
    async with serve(hearer) as url:
        sandbox.callback = url
        await sandbox.move(message_id, "Delivered")
    [event] = hearer.heard
    text = event["id"] + SECRET if id_first else SECRET + event["id"]
    assert event["signature"] == hashlib.sha1(text.encode()).hexdigest()
    assert event["data"] == {"message_id": message_id, "status": "DELIVRD", "dlr_date": "2026-11-02 11:00:00"}
    assert event["try"] == 1


async def test_a_callback_that_is_not_taken_comes_nine_times_more_and_then_never(
    api: Asking, sandbox: TurboSmsSandbox, clock: VirtualClock
) -> None:
    message_id = (await api.send(ONE))["response_result"][0]["message_id"]
    hearer = Hearer()
    hearer.status = 503
    async with serve(hearer) as url:
        sandbox.callback = url
        await sandbox.move(message_id, "Undelivered")
        waits = []
        while (due := sandbox.sender.next_at()) is not None:
            waits.append(due - clock.now())
            clock.move_to(due)
            await sandbox.sender.tick()
    assert waits == list(SCHEDULE)
    assert len(hearer.heard) == 10
    assert {each["id"] for each in hearer.heard} == {"evt-0001"}


async def test_a_status_without_a_callback_word_calls_nobody(api: Asking, sandbox: TurboSmsSandbox) -> None:
    message_id = (await api.send(ONE))["response_result"][0]["message_id"]
    sandbox.callback = "http://127.0.0.1:9/nobody"
    assert await sandbox.move(message_id, "In Process") is None
    assert len(sandbox.sender.ledger) == 0


async def test_an_unknown_method_is_refused_and_codes_can_be_ordered(api: Asking, sandbox: TurboSmsSandbox) -> None:
    assert (await api.json("message/sing"))["response_status"] == "INVALID_REQUEST"
    sandbox.refuse(999, "FATAL_ERROR")
    assert codes(await api.send(ONE))[0] == 999
    assert codes(await api.send(ONE))[0] == 800


async def test_the_wire_can_break(base: str, sandbox: TurboSmsSandbox) -> None:
    sandbox.chaos.reset(1, "after")
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx.HTTPError):
            await Asking(client, base).send(ONE)
    assert len(sandbox.ledger) == 1
