"""A short story with everything real but the world's owners: the hub, a shop, SMSAPI and a letter box."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from hub.clock import VirtualClock
from plugins.channels.smsapi.sandbox import TOKEN, SmsapiSandbox
from tests.plugins.sms_town import START, SmsTown, sms_town

PHONE = "+48600100200"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
async def it(tmp_path: Path, clock: VirtualClock, sandbox: SmsapiSandbox) -> AsyncIterator[SmsTown]:
    settings = 'channel: smsapi, token: "${SMSAPI_TOKEN}", sender: Sklep'
    async with sms_town(tmp_path, clock, {"sms": (sandbox, settings)}, {"SMSAPI_TOKEN": TOKEN}) as town:
        yield town


async def test_a_customer_is_told_by_sms_and_a_receipt_comes_back(it: SmsTown, sandbox: SmsapiSandbox) -> None:
    it.shop.shop.create_order(phone=PHONE, email="anna@example.com")
    await it.advance(minutes=2)
    [sent] = sandbox.ledger
    assert (sent.number, sent.sender, sent.notify_url.startswith(f"{it.base}/in/sms/")) == (
        "48600100200",
        "Sklep",
        True,
    )
    assert await it.messages() == [("sent", "sms")]
    sandbox.report(sent.message_id, status=404)
    await it.advance(minutes=1)
    assert [(each.status, each.answer) for each in sandbox.callbacks] == [(200, "OK")]
    await it.advance(hours=2)
    assert await it.messages() == [("delivered", "sms")]
    assert it.mails("anna@example.com") == []


async def test_the_first_message_after_a_start_asks_for_its_receipt_too(it: SmsTown, sandbox: SmsapiSandbox) -> None:
    it.shop.shop.create_order(phone=PHONE, email="anna@example.com")
    await it.advance(seconds=30)
    assert len(sandbox.ledger) == 0, "the message waits for its minute"
    it.clock.move_to(it.clock.now() + timedelta(minutes=5))
    await it.restart()
    assert [each.notify_url.startswith(f"{it.base}/in/sms/") for each in sandbox.ledger] == [True]


async def test_what_does_not_arrive_goes_by_mail(it: SmsTown, sandbox: SmsapiSandbox) -> None:
    it.shop.shop.create_order(phone=PHONE, email="anna@example.com")
    await it.advance(minutes=2)
    sandbox.report(sandbox.ledger[0].message_id, status=405)
    await it.advance(minutes=2)
    assert await it.messages() == [("sent", "mail")]
    assert len(it.mails("anna@example.com")) == 1


async def test_who_answers_stop_hears_by_mail_from_then_on(it: SmsTown, sandbox: SmsapiSandbox) -> None:
    it.shop.shop.create_order(phone=PHONE, email="anna@example.com")
    await it.advance(minutes=2)
    sandbox.report(sandbox.ledger[0].message_id)
    sandbox.inbox_url = sandbox.ledger[0].notify_url
    sandbox.answer("48600100200", "Stop!")
    await it.advance(minutes=1)
    it.shop.shop.create_order(phone=PHONE, email="anna@example.com")
    await it.advance(minutes=2)
    assert await it.messages() == [("delivered", "sms"), ("sent", "mail")]
    sandbox.answer("48600100200", "start")
    await it.advance(minutes=1)
    it.shop.shop.create_order(phone=PHONE, email="anna@example.com")
    await it.advance(minutes=2)
    assert [each.number for each in sandbox.ledger] == ["48600100200"] * 2
