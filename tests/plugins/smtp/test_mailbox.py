"""The bounce mailbox: read page by page, read-only, from a mail server that is really there."""

from datetime import timedelta
from typing import Any

import pytest

from hub.clock import VirtualClock
from hub.model import Receipt
from hub.plugin import Config, FailureError, Transient
from plugins.channels.smtp._bounces import MAX_BYTES
from plugins.channels.smtp.sandbox import ImapSandbox

from .world import KEY, SECRET, START, World, world


def box(**options: Any) -> ImapSandbox:
    return ImapSandbox(clock=VirtualClock(START), username="bounces", password='pass "word"', **options)


def at(mailbox: ImapSandbox, **fields: Any) -> dict[str, Any]:
    """Settings for a mailbox."""
    given = {"host": "127.0.0.1", "port": mailbox.port, "security": mailbox.mode, "username": "bounces"}
    if mailbox.mode != "none":
        given["ca_file"] = str(mailbox.ca_file)
    reading = {**given, "password": 'pass "word"', **fields}
    return {"bounce_domain": "b.kavovar.example", "bounce_secret": SECRET, "bounces": reading}


async def bounced(shop: World, key: str = KEY) -> bytes:
    await shop.send(key=key)
    return shop.sandbox.bounce(shop.last)


@pytest.mark.parametrize("mode", ["none", "starttls", "tls"])
async def test_a_bounce_in_the_mailbox_becomes_a_receipt(mode: str) -> None:
    mailbox = box(mode=mode)
    async with mailbox.serve(), world(**at(mailbox)) as shop:
        mailbox.append(await bounced(shop))
        page = await shop.channel.poll(None)
        (raw,) = page.events
        (receipt,) = shop.channel.normalise(raw)
    assert isinstance(receipt, Receipt) and receipt.key == KEY and receipt.dead_address
    assert (page.cursor, page.more) == ({"validity": 7, "uid": 1}, False)
    assert mailbox.marked == set()
    assert any(each.line.startswith("EXAMINE") for each in mailbox.commands)


async def test_a_mail_is_read_once_and_pages_follow_each_other() -> None:
    mailbox = box()
    async with mailbox.serve(), world(**at(mailbox)) as shop:
        for number in range(45):
            mailbox.append(f"Subject: {number}\r\n\r\nx".encode())
        cursor, seen, pages = None, [], 0
        while True:
            page = await shop.channel.poll(cursor)
            cursor, pages = page.cursor, pages + 1
            seen += [raw.dedupe_key for raw in page.events]
            if not page.more:
                break
        again = await shop.channel.poll(cursor)
        mailbox.append(b"Subject: new\r\n\r\nx")
        new = await shop.channel.poll(cursor)
    assert (pages, len(seen), len(set(seen))) == (3, 45, 45)
    assert (list(again.events), again.cursor) == ([], cursor)
    assert len(new.events) == 1 and new.cursor["uid"] == 46


async def test_the_first_reading_looks_back_three_days() -> None:
    mailbox = box()
    async with mailbox.serve(), world(**at(mailbox)) as shop:
        mailbox.append(b"Subject: old\r\n\r\nx")
        shop.clock.move_to(START + timedelta(days=10))
        assert (await shop.channel.poll(None)).events == []


@pytest.mark.parametrize("cursor", [{"validity": 6, "uid": 99}, {"uid": 99}, {}, [], "x", 3])
async def test_a_mailbox_made_anew_is_read_from_the_start(cursor: Any) -> None:
    mailbox = box()
    async with mailbox.serve(), world(**at(mailbox)) as shop:
        mailbox.append(b"Subject: x\r\n\r\nx")
        assert len((await shop.channel.poll(cursor)).events) == 1


async def test_only_the_beginning_of_a_huge_mail_is_fetched() -> None:
    mailbox = box()
    async with mailbox.serve(), world(**at(mailbox)) as shop:
        mailbox.append(await bounced(shop) + b"x" * 2_000_000)
        (raw,) = (await shop.channel.poll(None)).events
        assert len(raw.body["mail"]) == MAX_BYTES
        assert len(shop.channel.normalise(raw)) == 1


async def test_without_a_mailbox_there_is_nothing_to_read() -> None:
    async with world() as shop:
        page = await shop.channel.poll({"uid": 3})
    assert (list(page.events), page.cursor, page.more) == ([], {"uid": 3}, False)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [({"password": "wrong"}, Config), ({"folder": "Nowhere"}, Config), ({"port": 1}, Transient)],
    ids=["credentials", "folder", "nobody there"],
)
async def test_what_keeps_us_out_is_named(fields: dict[str, Any], kind: type) -> None:
    mailbox = box()
    async with mailbox.serve(), world(**at(mailbox, **fields)) as shop:
        with pytest.raises(FailureError) as caught:
            await shop.channel.poll(None)
    assert isinstance(caught.value.outcome, kind)
    assert "word" not in str(caught.value)


async def test_a_mailbox_whose_certificate_nobody_vouches_for_is_not_opened() -> None:
    mailbox = box(mode="tls")
    async with mailbox.serve(), world(**at(mailbox, ca_file=None)) as shop:
        with pytest.raises(FailureError) as caught:
            await shop.channel.poll(None)
    assert isinstance(caught.value.outcome, Config)
    assert list(mailbox.commands) == []


async def test_a_mailbox_without_starttls_gets_no_password() -> None:
    mailbox = box()
    async with mailbox.serve(), world(**at(mailbox, security="starttls")) as shop:
        with pytest.raises(FailureError) as caught:
            await shop.channel.poll(None)
    assert isinstance(caught.value.outcome, Config)
    assert [each.line for each in mailbox.commands] == ["CAPABILITY"]


async def test_a_folder_with_an_odd_name_is_opened() -> None:
    mailbox = box(folder='Bounces "2026" \\ x')
    async with mailbox.serve(), world(**at(mailbox, folder='Bounces "2026" \\ x')) as shop:
        assert (await shop.channel.poll(None)).events == []


async def test_hello_looks_into_the_mailbox_too() -> None:
    mailbox = box()
    async with mailbox.serve(), world(**at(mailbox)) as shop:
        assert "mailbox is open" in await shop.channel.hello()
