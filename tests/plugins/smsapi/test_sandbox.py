"""The sandbox as a client meets it: what section 2 of the dossier's sms.md says of SMSAPI."""

import base64
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from hub.clock import VirtualClock
from hub.plugin.sandbox import serve
from plugins.channels.smsapi.sandbox import PASSWORD, USERNAME, SmsapiSandbox

from .conftest import Asking

ONE, TWO = "48600100200", "48600100201"


async def test_a_message_is_taken_and_stands_in_the_ledger(api: Asking, sandbox: SmsapiSandbox) -> None:
    answer = await api.send(ONE, "Paczka 1042 czeka w KRA01M", idx="evt-1042", details="1")
    told = answer["list"][0]
    assert (answer["count"], answer["message"], answer["length"], answer["parts"]) == (
        1,
        "Paczka 1042 czeka w KRA01M",
        26,
        1,
    )
    assert told == {
        "id": "6373B0C4B3E7D1A2F0C4A1B2",
        "points": 0.165,
        "number": ONE,
        "submitted_number": ONE,
        "date_sent": 1793610000,
        "status": "QUEUE",
        "error": None,
        "idx": "evt-1042",
        "parts": 1,
    }
    assert (sandbox.ledger[0].text, sandbox.ledger[0].key) == ("Paczka 1042 czeka w KRA01M", "evt-1042")


async def test_details_come_only_when_asked_for(api: Asking) -> None:
    assert set(await api.send()) == {"count", "list"}


async def test_without_format_the_answer_is_text(api: Asking) -> None:
    good = await api.post("sms.do", to=ONE, message="Kod", **{"from": "Sklep"})
    assert good.text == "OK:6373B0C4B3E7D1A2F0C4A1B2:0.165:48600100200"
    bad = await api.post("sms.do", to=ONE, message="", **{"from": "Sklep"})
    assert bad.text == "ERROR:11"


async def test_name_and_password_will_do_too(api: Asking) -> None:
    basic = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
    answer = await api.client.get(
        f"{api.base}/user.do", params={"format": "json"}, headers={"Authorization": f"Basic {basic}"}
    )
    assert answer.json()["points"] == 100.0


@pytest.mark.parametrize("status", [200, 401])
async def test_an_error_comes_with_200_or_with_a_4xx(api: Asking, sandbox: SmsapiSandbox, status: int) -> None:
    sandbox.error_status = status
    answer = await api.post("sms.do", token="another", format="json", to=ONE, message="Kod")
    assert (answer.status_code, answer.json()) == (status, {"message": "Authorization failed", "error": 101})


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"message": ""}, 11),
        ({"message": "żółw", "nounicode": "1"}, 11),
        ({"message": "a" * 161, "max_parts": "1"}, 12),
        ({"message": "a" * 919}, 12),
        ({"message": "ж" * 403}, 12),
        ({"to": "12"}, 13),
        ({"from": "Nobody"}, 14),
        ({"message": "żółw", "flash": "1"}, 17),
        ({"to": ",".join(["48600100200"] * 10_001)}, 19),
        ({"idx": "a|b"}, 20),
        ({"normalize": "1", "datacoding": "gsm"}, 25),
        ({"idx": "x" * 256}, 30),
        ({"group": "all"}, 40),
        ({"template": "none"}, 104),
        ({"date": "2027-06-01T00:00:00+00:00"}, 50),
        ({"date": "soon"}, 54),
        ({"notify_url": "not an address"}, 70),
        ({"to": f"{ONE},{TWO}", "notify_url": "https://hub.example/x"}, 72),
        ({"to": "79001234567"}, 112),
        ({"sch_del": "nothing"}, 301),
    ],
)
async def test_a_wrong_request_has_its_error(
    api: Asking, sandbox: SmsapiSandbox, form: dict[str, str], error: int
) -> None:
    assert await api.error(**form) == error
    assert len(sandbox.ledger) == 0


@pytest.mark.parametrize(("message", "limit"), [("a" * 918, "GSM"), ("ж" * 402, "UCS-2")])
async def test_six_parts_are_the_limit_unless_said_otherwise(api: Asking, message: str, limit: str) -> None:
    assert (await api.send(message=message, details="1"))["parts"] == 6


async def test_a_blacklisted_number_is_named(api: Asking, sandbox: SmsapiSandbox) -> None:
    sandbox.blacklist.add(ONE)
    answer = await api.send(ONE)
    assert answer["error"] == 13
    assert answer["invalid_numbers"] == [
        {"number": ONE, "submitted_number": ONE, "message": "Invalid phone number"},
    ]


async def test_many_numbers_go_at_once_with_an_idx_for_each(api: Asking, sandbox: SmsapiSandbox) -> None:
    answer = await api.send(f"{ONE},+{TWO}", idx="a|b")
    assert [(each["number"], each["idx"]) for each in answer["list"]] == [(ONE, "a"), (TWO, "b")]
    assert len(sandbox.ledger) == 2


async def test_the_good_numbers_of_a_batch_are_sent_to(api: Asking, sandbox: SmsapiSandbox) -> None:
    answer = await api.send(f"12,{TWO}", idx="a|b")
    assert [(each["number"], each["idx"]) for each in answer["list"]] == [(TWO, "b")]


async def test_a_repeated_idx_is_refused_for_a_day(
    api: Asking, sandbox: SmsapiSandbox, later: Callable[[float], None]
) -> None:
    await api.send(idx="evt-1", check_idx="1")
    assert await api.error(idx="evt-1", check_idx="1") == 53
    assert "error" not in await api.send(idx="evt-1"), "nobody asked to check"
    later(25 * 3600)
    assert "error" not in await api.send(idx="evt-1", check_idx="1")


async def test_the_eleventh_try_in_a_minute_waits(api: Asking, later: Callable[[float], None]) -> None:
    for _ in range(10):
        await api.send()
    assert await api.error() == 52
    later(60)
    assert "error" not in await api.send()


async def test_points_go_down_and_then_nothing_is_sent(api: Asking, sandbox: SmsapiSandbox) -> None:
    sandbox.points = 0.2
    await api.send()
    assert round(sandbox.points, 3) == 0.035
    assert await api.error() == 103


async def test_a_test_sends_and_costs_nothing(api: Asking, sandbox: SmsapiSandbox) -> None:
    answer = await api.send(test="1")
    assert answer["list"][0]["points"] == 0.165
    assert (len(sandbox.ledger), sandbox.points) == (0, 100.0)


async def test_normalise_takes_the_marks_off(api: Asking, sandbox: SmsapiSandbox) -> None:
    await api.send(message="Zażółć", normalize="1")
    assert sandbox.ledger[0].text == "Zazolc"


async def test_a_scheduled_message_can_be_deleted(api: Asking, sandbox: SmsapiSandbox) -> None:
    message_id = (await api.send(date="1793620000"))["list"][0]["id"]
    assert (await api.send(sch_del=message_id))["list"] == [{"id": message_id}]


class Hearer:
    """Who hears callbacks, and says `answer` to each."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str]]] = []
        self.answer = "OK"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from starlette.requests import Request
        from starlette.responses import PlainTextResponse

        if scope["type"] == "http":
            request = Request(scope, receive)
            self.heard.append((request.method, dict(request.query_params)))
            await PlainTextResponse(self.answer)(scope, receive, send)


async def test_a_receipt_is_a_get_with_the_fields_of_the_page(api: Asking, sandbox: SmsapiSandbox) -> None:
    hearer = Hearer()
    async with serve(hearer) as url:
        message_id = (await api.send(idx="evt-1", notify_url=f"{url}/in/sms/path"))["list"][0]["id"]
        sandbox.report(message_id, status=404)
        assert await sandbox.deliver_due() == 1
    [(method, params)] = hearer.heard
    assert method == "GET"
    assert set(params) == {
        "MsgId", "status", "status_name", "idx", "donedate", "username", "to", "from", "points", "mcc", "mnc",
    }  # fmt: skip
    assert (params["MsgId"], params["status"], params["status_name"], params["idx"]) == (
        message_id,
        "404",
        "DELIVERED",
        "evt-1",
    )
    assert params["donedate"] == "1793610000"


async def test_several_receipts_come_in_one_call(api: Asking, sandbox: SmsapiSandbox) -> None:
    hearer = Hearer()
    async with serve(hearer) as url:
        sandbox.callback = url
        answer = await api.send(f"{ONE},{TWO}", idx="a|b")
        first, second = (each["id"] for each in answer["list"])
        sandbox.report(first, second)
        await sandbox.deliver_due()
    [(_, params)] = hearer.heard
    assert (params["MsgId"], params["status"], params["idx"]) == (f"{first},{second}", "404,404", "a,b")


async def test_without_the_word_ok_a_callback_comes_again(
    api: Asking, sandbox: SmsapiSandbox, clock: VirtualClock
) -> None:
    hearer = Hearer()
    hearer.answer = "thank you"
    async with serve(hearer) as url:
        message_id = (await api.send(notify_url=url))["list"][0]["id"]
        sandbox.report(message_id)
        assert await sandbox.deliver_due() == 0
        hearer.answer = "OK"
        due = sandbox.next_at()
        assert due is not None
        clock.move_to(due)
        assert await sandbox.deliver_due() == 1
    assert sandbox.next_at() is None
    assert [each.answer for each in sandbox.callbacks] == ["thank you", "OK"]


async def test_a_callback_that_nobody_ever_takes_ends(api: Asking, sandbox: SmsapiSandbox, clock: VirtualClock) -> None:
    message_id = (await api.send(notify_url="http://127.0.0.1:9/nobody"))["list"][0]["id"]
    sandbox.report(message_id)
    while (due := sandbox.next_at()) is not None:
        clock.move_to(due)
        await sandbox.deliver_due()
    assert all(each.error for each in sandbox.callbacks)
    assert len(sandbox.callbacks) > 10


async def test_errors_and_a_breaking_wire_can_be_ordered(base: str, sandbox: SmsapiSandbox) -> None:
    sandbox.refuse(202)
    sandbox.chaos.reset(1, "after")
    async with httpx.AsyncClient(trust_env=False) as client:
        api = Asking(client, base)
        with pytest.raises(httpx.HTTPError):
            await api.send()
        assert "error" not in await api.send(), "the ordered error was spent on the lost answer"
    assert len(sandbox.ledger) == 1
