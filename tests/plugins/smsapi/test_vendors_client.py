"""SMSAPI's own client for Python (`smsapi-client`), unchanged, against our sandbox."""

import asyncio

import pytest
from smsapi.client import Client
from smsapi.exception import EndpointException, SendException

from plugins.channels.smsapi.sandbox import PASSWORD, TOKEN, USERNAME, SmsapiSandbox

ONE, TWO = "48600100200", "48600100201"


@pytest.fixture
def client(base: str) -> Client:
    return Client(f"{base}/", access_token=TOKEN)


async def test_it_sends_and_reads_the_answer(client: Client, sandbox: SmsapiSandbox) -> None:
    found = await asyncio.to_thread(
        client.sms.send, to=ONE, message="Kod 4821", from_="Sklep", details=True, idx="evt-1", check_idx=True
    )
    [one] = found
    [sent] = sandbox.ledger
    assert (one.id, one.number, one.idx, one.status, one.points) == (sent.message_id, ONE, "evt-1", "QUEUE", 0.165)
    assert (sent.text, sent.sender, sent.key) == ("Kod 4821", "Sklep", "evt-1")


async def test_it_sends_to_many_with_a_key_for_each(client: Client, sandbox: SmsapiSandbox) -> None:
    found = await asyncio.to_thread(client.sms.send, to=[ONE, TWO], message="Kod", idx=["a", "b"])
    assert [(each.number, each.idx) for each in found] == [(ONE, "a"), (TWO, "b")]


async def test_it_sends_fast_and_as_flash(client: Client, sandbox: SmsapiSandbox) -> None:
    await asyncio.to_thread(client.sms.send_fast, to=ONE, message="Kod")
    await asyncio.to_thread(client.sms.send_flash, to=ONE, message="Kod")
    assert [(each.fast, each.flash) for each in sandbox.ledger] == [(True, False), (False, True)]


@pytest.mark.parametrize(("wish", "error"), [({"message": ""}, 11), ({"message": "x", "from_": "Nobody"}, 14)])
async def test_it_raises_the_error_of_a_refusal(client: Client, wish: dict[str, str], error: int) -> None:
    with pytest.raises(SendException) as refusal:
        await asyncio.to_thread(client.sms.send, to=ONE, **wish)
    assert refusal.value.code == error


async def test_it_reads_the_numbers_that_were_no_good(client: Client) -> None:
    with pytest.raises(SendException) as refusal:
        await asyncio.to_thread(client.sms.send, to="12", message="Kod")
    assert [each.number for each in refusal.value.invalid_numbers] == ["12"]


async def test_it_raises_for_a_4xx_too(client: Client, sandbox: SmsapiSandbox) -> None:
    sandbox.error_status = 400
    with pytest.raises(EndpointException) as refusal:
        await asyncio.to_thread(client.sms.send, to=ONE, message="")
    assert refusal.value.code == 400


async def test_it_deletes_what_is_scheduled(client: Client) -> None:
    [one] = await asyncio.to_thread(client.sms.send, to=ONE, message="Kod", date="1793620000")
    [gone] = await asyncio.to_thread(client.sms.remove_scheduled, id=one.id)
    assert gone.id == one.id


async def test_it_reads_the_account(client: Client) -> None:
    assert (await asyncio.to_thread(client.account.balance)).points == 100.0
    assert "Sklep" in [each.sender for each in await asyncio.to_thread(client.sender.list)]


async def test_it_keeps_the_blacklist(client: Client, sandbox: SmsapiSandbox) -> None:
    added = await asyncio.to_thread(client.blacklist.add_phone_number, phone_number=ONE)
    assert [each.phone_number for each in await asyncio.to_thread(client.blacklist.list_phone_numbers)] == [ONE]
    with pytest.raises(SendException) as refusal:
        await asyncio.to_thread(client.sms.send, to=ONE, message="Kod")
    assert refusal.value.code == 13
    await asyncio.to_thread(client.blacklist.delete_phone_number, id=added.id)
    assert sandbox.blacklist == set()


async def test_it_signs_in_by_name_and_password(base: str) -> None:
    client = Client(f"{base}/", username=USERNAME, password=PASSWORD)
    assert (await asyncio.to_thread(client.account.balance)).points == 100.0
