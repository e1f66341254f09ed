"""Asking for receipts: of what is under way, in few calls, through a restart, and no longer than it matters."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from hub.model import Receipt
from hub.plugin import Accepted, FailureError
from plugins.channels.turbosms import BATCH, TurboSms
from plugins.channels.turbosms.sandbox import TurboSmsSandbox

from .conftest import Make, saying


async def sent(turbosms: TurboSms, number: int = 1) -> str:
    found = await turbosms.send(saying(f"Kod {number}", key=f"{number:032x}"))
    assert isinstance(found, Accepted)
    return found.provider_id


async def test_nothing_is_asked_where_nothing_is_under_way(turbosms: TurboSms, sandbox: TurboSmsSandbox) -> None:
    page = await turbosms.poll(None)
    assert (list(page.events), page.cursor, sandbox.calls) == ([], {}, [])


async def test_a_message_is_followed_until_it_arrives(turbosms: TurboSms, sandbox: TurboSmsSandbox) -> None:
    message_id = await sent(turbosms)
    page = await turbosms.poll(None)
    assert [turbosms.normalise(raw) for raw in page.events] == [()]
    page = await turbosms.poll(page.cursor)
    assert list(page.events) == [], "told once is enough"
    await sandbox.move(message_id, "Delivered")
    page = await turbosms.poll(page.cursor)
    [[receipt]] = [turbosms.normalise(raw) for raw in page.events]
    assert isinstance(receipt, Receipt)
    assert (receipt.state, receipt.provider_id) == ("delivered", message_id)
    page = await turbosms.poll(page.cursor)
    assert (list(page.events), page.cursor) == ([], {})
    asked = len(sandbox.calls)
    await turbosms.poll(page.cursor)
    assert len(sandbox.calls) == asked


async def test_a_cursor_that_was_not_stored_loses_nothing(turbosms: TurboSms, sandbox: TurboSmsSandbox) -> None:
    message_id = await sent(turbosms)
    await sandbox.move(message_id, "Undelivered")
    first, again = await turbosms.poll(None), await turbosms.poll(None)
    assert [raw.dedupe_key for raw in first.events] == [raw.dedupe_key for raw in again.events] != []


async def test_another_process_goes_on_from_the_cursor(
    turbosms: TurboSms, make: Make, sandbox: TurboSmsSandbox
) -> None:
    message_id = await sent(turbosms)
    cursor = (await turbosms.poll(None)).cursor
    await sandbox.move(message_id, "Delivered")
    assert len((await make().poll(cursor)).events) == 1


async def test_many_are_asked_about_in_few_calls(turbosms: TurboSms, sandbox: TurboSmsSandbox) -> None:
    for number in range(BATCH + 1):
        await sent(turbosms, number)
    sandbox.calls.clear()
    assert len((await turbosms.poll(None)).events) == BATCH + 1
    assert sandbox.calls == ["message/status"] * 2


async def test_after_two_days_nobody_asks_any_more(
    turbosms: TurboSms, sandbox: TurboSmsSandbox, later: Callable[[float], None]
) -> None:
    await sent(turbosms)
    cursor = (await turbosms.poll(None)).cursor
    later(timedelta(hours=49).total_seconds())
    sandbox.calls.clear()
    assert (await turbosms.poll(cursor)).cursor == {}
    assert sandbox.calls == []


async def test_a_repeated_message_is_followed_too(turbosms: TurboSms, make: Make) -> None:
    """Its first answer was lost with the process that waited for it."""
    message_id = await sent(turbosms)
    other = make()
    await other.send(saying("Kod 1", key=f"{1:032x}"))
    assert list((await other.poll(None)).cursor) == [message_id]


async def test_trouble_while_asking_is_a_failure(turbosms: TurboSms, sandbox: TurboSmsSandbox) -> None:
    await sent(turbosms)
    sandbox.chaos.fail(500)
    with pytest.raises(FailureError):
        await turbosms.poll(None)
    sandbox.refuse(999, "FATAL_ERROR")
    with pytest.raises(FailureError):
        await turbosms.poll(None)
    assert len((await turbosms.poll(None)).events) == 1


async def test_what_nobody_asked_about_is_passed_over(turbosms: TurboSms, sandbox: TurboSmsSandbox) -> None:
    await sent(turbosms)
    told = '{"message_id": "another", "status": "Delivered"}, 7, {"status": "Delivered"}'
    sandbox.chaos.fail(200, body=f'{{"response_code": 0, "response_status": "OK", "response_result": [{told}]}}')
    assert list((await turbosms.poll(None)).events) == []


def test_it_is_asked_seldom_where_callbacks_come_in(make: Make) -> None:
    url = "https://hub.example/in/sms"
    assert make().asks_every(url) == timedelta(minutes=10)
    assert make().asks_every(None) == timedelta(minutes=1)
    assert make(callback_secret=None).asks_every(url) == timedelta(minutes=1)
