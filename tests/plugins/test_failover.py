"""Two SMS providers under one name, both real but for their networks: TurboSMS first, SMSAPI where the fault is its."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.clock import VirtualClock
from hub.store import tables
from plugins.channels.smsapi.sandbox import TOKEN as SMSAPI_TOKEN
from plugins.channels.smsapi.sandbox import SmsapiSandbox
from plugins.channels.turbosms.sandbox import TOKEN, TurboSmsSandbox
from tests.plugins.sms_town import START, SmsTown, sms_town

SECRET = "path-of-the-tests-0001"
PHONE, MAIL, OLENA = "+380501112233", "olena.hrytsenko@example.com", "olena@kavovar.example"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def turbosms(clock: VirtualClock) -> TurboSmsSandbox:
    return TurboSmsSandbox(clock)


@pytest.fixture
def smsapi(clock: VirtualClock) -> SmsapiSandbox:
    return SmsapiSandbox(clock)


@pytest.fixture
async def it(
    tmp_path: Path, clock: VirtualClock, turbosms: TurboSmsSandbox, smsapi: SmsapiSandbox
) -> AsyncIterator[SmsTown]:
    providers = {
        "turbosms": (turbosms, 'channel: turbosms, token: "${TURBOSMS_TOKEN}", sender: SHOP'),
        "sms-backup": (
            smsapi,
            'channel: smsapi, token: "${SMSAPI_TOKEN}", callback_secret: "${SECRET}", sender: Sklep',
        ),
    }
    env = {"TURBOSMS_TOKEN": TOKEN, "SMSAPI_TOKEN": SMSAPI_TOKEN, "SECRET": SECRET}
    async with sms_town(tmp_path, clock, providers, env) as town:
        yield town


async def test_the_first_provider_sends_and_the_second_is_not_asked(
    it: SmsTown, turbosms: TurboSmsSandbox, smsapi: SmsapiSandbox
) -> None:
    it.shop.shop.create_order()
    await it.advance(minutes=3)
    assert await it.messages() == [("sent", "turbosms")]
    assert (len(turbosms.ledger), len(smsapi.ledger)) == (1, 0)


async def test_without_money_the_second_provider_sends_at_once_and_staff_hear_of_it(
    it: SmsTown, turbosms: TurboSmsSandbox, smsapi: SmsapiSandbox
) -> None:
    turbosms.balance = 0
    it.shop.shop.create_order()
    it.shop.shop.create_order(phone="+380671112233", email="anna@example.com")
    await it.advance(minutes=2)
    assert await it.messages() == [("sent", "sms-backup")] * 2
    assert sorted(each.number for each in smsapi.ledger) == ["380501112233", "380671112233"]
    assert sum("turbosms" in each for each in it.mails(OLENA)) == 1, it.mails(OLENA)
    for sent in smsapi.ledger:
        smsapi.report(sent.message_id)
    turbosms.balance = 100.0
    await it.advance(minutes=30)
    it.shop.shop.create_order()
    await it.advance(minutes=2)
    assert await it.messages() == [("delivered", "sms-backup")] * 2 + [("sent", "turbosms")], "the first is back"
    assert it.mails(MAIL) == []


async def test_a_provider_that_is_down_is_tried_for_a_quarter_of_an_hour_and_nobody_hears_twice(
    it: SmsTown, turbosms: TurboSmsSandbox, smsapi: SmsapiSandbox
) -> None:
    turbosms.chaos.fail(503, 100)
    it.shop.shop.create_order()
    await it.advance(minutes=25)
    assert await it.messages() == [("sent", "sms-backup")]
    assert (len(turbosms.ledger), len(smsapi.ledger)) == (0, 1)
    smsapi.report(smsapi.ledger[0].message_id)
    await it.advance(hours=3)
    assert await it.messages() == [("delivered", "sms-backup")]
    assert (len(smsapi.ledger), it.mails(MAIL)) == (1, [])


async def test_a_lost_answer_stays_with_the_provider_that_knows_its_key(
    it: SmsTown, turbosms: TurboSmsSandbox, smsapi: SmsapiSandbox
) -> None:
    """The first try may have gone; then its money is used up, and it is waited for."""
    turbosms.chaos.reset(1, "after", path="/message/send.json")
    it.shop.shop.create_order()
    await it.advance(seconds=65)
    assert (await it.messages(), len(turbosms.ledger)) == ([("due", "turbosms")], 1)
    turbosms.refuse(203, "REQUIRED_BALANCE", 2)
    await it.advance(minutes=5)
    assert (await it.messages(), len(smsapi.ledger)) == ([("due", "turbosms")], 0)
    it.shop.shop.create_order(phone="+380671112233", email="anna@example.com")
    await it.advance(minutes=2)
    assert [each.number for each in smsapi.ledger] == ["380671112233"], "nothing of another's may have gone"


async def test_a_number_that_cannot_be_reached_is_written_to_by_mail(
    it: SmsTown, turbosms: TurboSmsSandbox, smsapi: SmsapiSandbox
) -> None:
    turbosms.bad_number(PHONE)
    it.shop.shop.create_order()
    await it.advance(minutes=2)
    it.shop.shop.create_order()
    await it.advance(minutes=2)
    assert await it.messages() == [("sent", "mail")] * 2
    assert turbosms.calls.count("message/send") == 1, "the number is marked"
    assert len(smsapi.ledger) == 0, "and no other provider is asked about it"


async def test_what_does_not_arrive_is_not_tried_by_another_provider(
    it: SmsTown, turbosms: TurboSmsSandbox, smsapi: SmsapiSandbox
) -> None:
    it.shop.shop.create_order()
    await it.advance(minutes=3)
    await turbosms.move(turbosms.ledger[0].message_id, "Undelivered")
    await it.advance(minutes=3)
    assert await it.messages() == [("sent", "mail")]
    assert len(smsapi.ledger) == 0


async def test_stop_to_one_provider_closes_the_number_for_both_and_start_opens_it(
    it: SmsTown, turbosms: TurboSmsSandbox, smsapi: SmsapiSandbox
) -> None:
    turbosms.balance = 0
    it.shop.shop.create_order()
    await it.advance(minutes=2)
    [sent] = smsapi.ledger
    smsapi.report(sent.message_id)
    smsapi.inbox_url = sent.notify_url
    smsapi.answer("380501112233", "STOP")
    await it.advance(minutes=20)
    turbosms.balance = 100.0
    it.shop.shop.create_order()
    await it.advance(minutes=2)
    assert await it.messages() == [("delivered", "sms-backup"), ("sent", "mail")]
    assert len(turbosms.ledger) == 0, "the pause of the first provider is over, and the number is closed there too"
    smsapi.answer("380501112233", "start")
    await it.advance(minutes=20)
    it.shop.shop.create_order()
    await it.advance(minutes=2)
    assert (await it.messages())[-1] == ("sent", "turbosms")


async def test_a_number_on_the_stop_list_of_one_is_opened_by_an_answer_to_the_other(
    it: SmsTown, turbosms: TurboSmsSandbox, smsapi: SmsapiSandbox
) -> None:
    turbosms.stop(PHONE)
    it.shop.shop.create_order()
    await it.advance(minutes=2)
    it.shop.shop.create_order()
    await it.advance(minutes=2)
    assert await it.messages() == [("sent", "mail")] * 2
    assert (turbosms.calls.count("message/send"), len(smsapi.ledger)) == (1, 0)
    closed = await it.hub.db.read(lambda connection: connection.execute(tables.contacts.select()).all())
    assert [(row.channel, row.state) for row in closed] == [("turbosms", "closed")]
    turbosms.stop_list.clear()
    smsapi.inbox_url = f"{it.base}/in/sms-backup/{SECRET}"
    smsapi.answer("380501112233", "START")
    await it.advance(minutes=2)
    it.shop.shop.create_order()
    await it.advance(minutes=2)
    assert (await it.messages())[-1] == ("sent", "turbosms")
