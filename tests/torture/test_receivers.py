"""Receivers that misbehave on a real wire: the outcome is right, others do not wait, and once they are well again
everybody has been told exactly once, except where nobody can know and the merchant chose."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.clock import Clock
from hub.config.model import Config
from hub.plugin import Adapter
from hub.plugin.http import make_client
from hub.plugin.sandbox import When
from hub.store import tables
from plugins.channels.smtp.sandbox import Act
from plugins.channels.telegram.sandbox import TelegramSandbox
from tests.e2e.town import CONNECTIONS, Town, town

QUICK = timedelta(seconds=0.25)
ANNA = "anna@buyers.example"
SEND = "*/sendMessage"
PAID = "Оплату замовлення"
"""In every text that tells of a payment."""

FLOWS = """
flows:
  confirm: {on: order.received, steps: [{notify: {template: order-received, via: letter}}]}
  paid: {on: payment.paid, steps: [{notify: {template: payment-received}}]}
"""


def quick(name: str, config: Config, clock: Clock) -> Adapter[Any]:
    """Adapters that wait a quarter of a second instead of ten, for a receiver that says nothing."""
    connection = config.connections[name]
    adapter = connection.adapter
    limits = replace(
        adapter.limits, per_second=None, timeout=QUICK if connection.plugin == "telegram" else adapter.limits.timeout
    )
    impatient: type[Adapter[Any]] = type(adapter.__name__, (adapter,), {"limits": limits})
    return impatient(connection.settings, make_client(name, limits, clock), clock, connection=name)


@asynccontextmanager
async def receivers(folder: Path, *, uncertain: str = "maybe_twice") -> AsyncIterator[tuple[Town, str, int]]:
    """A town, an order of Anna's, and the chat that she has linked: the first of her two channels."""
    changed = CONNECTIONS.replace(
        "security: none,", f"security: none, timeout: 0.3, dot_timeout: 0.3, uncertain: {uncertain},"
    )
    changed = changed.replace("bot: {{channel: telegram,", f"bot: {{{{channel: telegram, uncertain: {uncertain},")
    async with town(folder, flows=FLOWS, connections=changed, make=quick) as it:
        order = it.shop.shop.create_order(name="Anna", email=ANNA, phone="+380501110001", gateway="shopify_payments")
        await it.advance(minutes=5)
        link = next(word for word in it.smtp.ledger[0].text.split() if word.startswith("https://t.me/"))
        chat = it.telegram.open_chat("Anna")
        it.telegram.follow(chat, link)
        await it.advance(minutes=5)
        yield it, order, chat


async def _told(it: Town, chat: int) -> Counter[str]:
    """How often Anna was told of her payment, by channel."""
    bot = sum(each.chat == chat and PAID in each.text for each in it.telegram.ledger)
    mail = sum(ANNA in each.to and PAID in each.text for each in it.smtp.ledger)
    return +Counter({"bot": bot, "mail": mail})


async def _outcomes(it: Town, connection: str) -> set[str]:
    rows = await it.rows(tables.attempts, tables.attempts.c.connection == connection)
    return {row.outcome for row in rows}


Fault = Callable[[TelegramSandbox, int], None]

REFUSES: dict[str, Fault] = {
    "500": lambda bot, times: bot.chaos.fail(500, times, path=SEND),
    "502 with a page": lambda bot, times: bot.down(times),
    "503 with Retry-After": lambda bot, times: bot.chaos.fail(503, times, retry_after=30, path=SEND),
    "429": lambda bot, times: bot.too_many(30, times),
    "429 for a year": lambda bot, times: bot.chaos.fail(429, times, retry_after=31_536_000, path=SEND),
}
"""Faults of which it is known that nothing was sent."""

SILENT: dict[str, Fault] = {
    "no answer": lambda bot, times: bot.chaos.hang(times, path=SEND),
    "reset": lambda bot, times: bot.chaos.reset(times, path=SEND),
    "a page instead of an answer": lambda bot, times: bot.chaos.garble(times, path=SEND),
}
"""Faults before the request had its effect, of which the sender cannot know that."""

SWALLOWS: dict[str, Fault] = {
    "no answer, but done": lambda bot, times: bot.chaos.hang(times, path=SEND, when=When.AFTER),
    "reset, but done": lambda bot, times: bot.chaos.reset(times, When.AFTER, path=SEND),
    "cut off in the answer": lambda bot, times: bot.chaos.cut(times, path=SEND),
}
"""Faults after the request had its effect."""


@pytest.mark.parametrize("fault", REFUSES)
async def test_a_chat_that_refuses_for_a_while_is_told_once(tmp_path: Path, fault: str) -> None:
    async with receivers(tmp_path) as (it, order, chat):
        REFUSES[fault](it.telegram, 2)
        it.shop.shop.pay(order)
        await it.advance(minutes=10)
        it.telegram.chaos.calm()
        await it.advance(hours=3)
        told = await _told(it, chat)
        assert told.total() == 1
        assert await _outcomes(it, "bot") <= {"transient", "accepted"}


@pytest.mark.parametrize("fault", REFUSES)
async def test_a_chat_that_goes_on_refusing_gives_way_to_mail(tmp_path: Path, fault: str) -> None:
    async with receivers(tmp_path) as (it, order, chat):
        REFUSES[fault](it.telegram, 10_000)
        it.shop.shop.pay(order)
        await it.advance(minutes=30)
        assert await _told(it, chat) == Counter(mail=1)
        it.telegram.chaos.calm()
        await it.advance(hours=24)
        assert await _told(it, chat) == Counter(mail=1), "reached is reached"


@pytest.mark.parametrize("fault", SILENT)
async def test_what_cannot_be_known_is_sent_again_where_twice_is_better_than_never(tmp_path: Path, fault: str) -> None:
    async with receivers(tmp_path) as (it, order, chat):
        SILENT[fault](it.telegram, 1)
        it.shop.shop.pay(order)
        await it.advance(hours=3)
        assert await _told(it, chat) == Counter(bot=1)


@pytest.mark.parametrize("uncertain", ["maybe_twice", "maybe_never"])
@pytest.mark.parametrize("fault", SWALLOWS)
async def test_a_lost_answer_repeats_at_most_once_and_by_the_merchants_choice(
    tmp_path: Path, fault: str, uncertain: str
) -> None:
    async with receivers(tmp_path, uncertain=uncertain) as (it, order, chat):
        SWALLOWS[fault](it.telegram, 1)
        it.shop.shop.pay(order)
        await it.advance(hours=3)
        assert await _told(it, chat) == Counter(bot=2 if uncertain == "maybe_twice" else 1)
        assert "unknown" in await _outcomes(it, "bot")
        states = [state for template, state, _ in await it.messages() if template == "payment-received"]
        assert states == ["sent" if uncertain == "maybe_twice" else "uncertain"]


@pytest.mark.parametrize("fault", [*REFUSES, *SILENT, *SWALLOWS])
async def test_nobody_waits_for_a_sick_channel_who_does_not_need_it(tmp_path: Path, fault: str) -> None:
    async with receivers(tmp_path) as (it, order, _):
        {**REFUSES, **SILENT, **SWALLOWS}[fault](it.telegram, 10_000)
        it.shop.shop.pay(order)
        for n in range(8):
            it.shop.shop.create_order(name="Bohdan", email=f"bohdan{n}@buyers.example", phone=f"+38050222000{n}")
        await it.advance(minutes=2)
        assert Counter(each.to for each in it.smtp.ledger if "bohdan" in each.to) == {
            each.to: 1 for each in it.smtp.ledger if "bohdan" in each.to
        }
        assert len({each.to for each in it.smtp.ledger if "bohdan" in each.to}) == 8


MAIL_FAULTS: dict[tuple[str, str | Act], set[str]] = {
    ("CONNECT", "421 4.3.2 not now"): {"transient"},
    ("CONNECT", Act.DROP): {"transient"},
    ("CONNECT", Act.HANG): {"transient"},
    ("CONNECT", Act.GARBAGE): {"transient"},
    ("MAIL", "421 4.7.28 too many"): set(),
    ("MAIL", Act.RESET): {"transient"},
    ("RCPT", "450 4.2.0 greylisted"): {"transient"},
    ("RCPT", "451 4.3.0 local error"): {"transient"},
    ("RCPT", Act.HANG): {"transient"},
    ("DATA", "452 4.3.1 full"): {"transient"},
    ("DATA", Act.DROP): {"transient"},
    ("CONTENT", Act.RESET): {"transient", "unknown"},
    ("DOT", "451 4.3.0 try again"): {"transient"},
    ("DOT", Act.FORGET): {"unknown"},
}
"""Where a mail server fails once → what the attempt may be counted as, beside the one that was accepted. A connection
that was only used up is no failure; of a small mail that broke off midway it is not known whether the dot had left."""


@pytest.mark.parametrize(("step", "script"), MAIL_FAULTS, ids=lambda each: str(each).replace(" ", "-"))
async def test_a_mail_server_that_fails_once_has_the_mail_once_in_the_end(
    tmp_path: Path, step: str, script: str | Act
) -> None:
    async with receivers(tmp_path) as (it, _, _chat):
        it.smtp.close_idle()
        it.smtp.fail_next(step, script, 2 if script in (Act.DROP, Act.RESET) and step != "CONTENT" else 1)
        it.shop.shop.create_order(name="Bohdan", email="bohdan@buyers.example", phone="+380502220000")
        await it.advance(hours=12)
        assert sum("bohdan" in each.to for each in it.smtp.ledger) == 1
        assert "accepted" in await _outcomes(it, "mail") <= {"accepted", *MAIL_FAULTS[step, script]}


@pytest.mark.parametrize("script", [Act.DROP, Act.RESET, Act.HANG])
@pytest.mark.parametrize("uncertain", ["maybe_twice", "maybe_never"])
async def test_a_mail_whose_last_answer_is_lost_comes_twice_or_once_by_choice(
    tmp_path: Path, uncertain: str, script: Act
) -> None:
    async with receivers(tmp_path, uncertain=uncertain) as (it, _, _chat):
        it.smtp.fail_next("DOT", script)
        it.shop.shop.create_order(name="Bohdan", email="bohdan@buyers.example", phone="+380502220000")
        await it.advance(hours=3)
        mails = [each for each in it.smtp.ledger if "bohdan" in each.to]
        assert len(mails) == (2 if uncertain == "maybe_twice" else 1)
        assert len({dict(each.headers)["Message-ID"] for each in mails}) == 1, "a repeat can be known as one"


@pytest.mark.parametrize("local", ["550-unknown", "551-elsewhere", "553-name", "556-nullmx"])
async def test_a_dead_address_is_tried_once_for_all_orders(tmp_path: Path, local: str) -> None:
    async with receivers(tmp_path) as (it, _, _chat):
        for _ in range(3):
            it.shop.shop.create_order(name="Bohdan", email=f"{local}@buyers.example", phone="+380502220000")
            await it.advance(hours=1)
        rows = await it.rows(tables.attempts, tables.attempts.c.outcome == "suppress")
        assert len(rows) == 1
        states = [state for template, state, _ in await it.messages() if template == "order-received"]
        assert states == ["sent", "failed", "failed", "failed"]
