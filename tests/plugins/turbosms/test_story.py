"""A short story with everything real but the world's owners: the hub, a shop, TurboSMS and a letter box."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.clock import VirtualClock
from plugins.channels.turbosms.sandbox import SECRET, TOKEN, TurboSmsSandbox
from tests.plugins.sms_town import START, SmsTown, sms_town

PHONE, MAIL = "+380501112233", "olena.hrytsenko@example.com"
SETTINGS = 'channel: turbosms, token: "${TURBOSMS_TOKEN}", sender: SHOP'


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
async def it(tmp_path: Path, clock: VirtualClock, sandbox: TurboSmsSandbox) -> AsyncIterator[SmsTown]:
    async with sms_town(tmp_path, clock, {"sms": (sandbox, SETTINGS)}, {"TURBOSMS_TOKEN": TOKEN}) as town:
        yield town


async def test_a_customer_is_told_by_sms_and_the_receipt_is_asked_for(it: SmsTown, sandbox: TurboSmsSandbox) -> None:
    it.shop.shop.create_order()
    await it.advance(minutes=3)
    [sent] = sandbox.ledger
    assert (sent.phone, sent.sender) == ("380501112233", "SHOP")
    assert await it.messages() == [("sent", "sms")]
    await sandbox.move(sent.message_id, "Delivered")
    await it.advance(minutes=3)
    assert await it.messages() == [("delivered", "sms")]
    asked = sandbox.calls.count("message/status")
    await it.advance(hours=2)
    assert sandbox.calls.count("message/status") == asked, "nobody is asked about what has arrived"
    assert it.mails(MAIL) == []


async def test_a_lost_answer_makes_no_second_sms(it: SmsTown, sandbox: TurboSmsSandbox) -> None:
    sandbox.chaos.reset(1, "after", path="/message/send.json")
    it.shop.shop.create_order()
    await it.advance(minutes=5)
    assert len(sandbox.ledger) == 1
    assert sandbox.calls.count("message/send") == 2
    assert await it.messages() == [("sent", "sms")]
    await sandbox.move(sandbox.ledger[0].message_id, "Delivered")
    await it.advance(minutes=3)
    assert await it.messages() == [("delivered", "sms")]


async def test_a_message_is_followed_through_a_restart(it: SmsTown, sandbox: TurboSmsSandbox) -> None:
    it.shop.shop.create_order()
    await it.advance(minutes=3)
    await it.restart()
    await sandbox.move(sandbox.ledger[0].message_id, "Undelivered")
    await it.advance(minutes=3)
    assert await it.messages() == [("sent", "mail")]


async def test_a_number_on_the_stop_list_is_written_to_by_mail(it: SmsTown, sandbox: TurboSmsSandbox) -> None:
    sandbox.stop(PHONE)
    it.shop.shop.create_order()
    await it.advance(minutes=2)
    it.shop.shop.create_order()
    await it.advance(minutes=2)
    assert await it.messages() == [("sent", "mail")] * 2
    assert sandbox.calls.count("message/send") == 1, "the channel is closed for this customer"


async def test_without_money_staff_are_told_and_customers_are_reached_by_mail(
    it: SmsTown, sandbox: TurboSmsSandbox
) -> None:
    sandbox.balance = 0
    it.shop.shop.create_order()
    await it.advance(minutes=30)
    assert len(it.mails(MAIL)) == 1
    assert any("sms" in each for each in it.mails("olena@kavovar.example"))


async def test_a_receipt_is_called_in(tmp_path: Path, clock: VirtualClock, sandbox: TurboSmsSandbox) -> None:
    env = {"TURBOSMS_TOKEN": TOKEN, "TURBOSMS_SECRET": SECRET}
    settings = SETTINGS + ', callback_secret: "${TURBOSMS_SECRET}"'
    async with sms_town(tmp_path, clock, {"sms": (sandbox, settings)}, env) as it:
        sandbox.callback = f"{it.base}/in/sms"
        it.shop.shop.create_order()
        await it.advance(minutes=2)
        told = await sandbox.move(sandbox.ledger[0].message_id, "Delivered")
        assert told is not None
        assert told.taken
        await it.settle()
        assert await it.messages() == [("delivered", "sms")]
