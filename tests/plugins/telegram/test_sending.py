"""What a message looks like when it arrives, and what each answer of Telegram's means."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.clock import VirtualClock
from hub.plugin import (
    Accepted,
    Button,
    Config,
    Duplicate,
    FailureError,
    Outcome,
    Outgoing,
    Permanent,
    Suppress,
    Transient,
    Unknown,
)
from hub.plugin.http import make_client
from plugins.channels.telegram import Telegram
from plugins.channels.telegram.sandbox import ChatState, Key, TelegramSandbox
from plugins.channels.telegram.sandbox_html import HtmlReader
from plugins.channels.telegram.sending import Answered, Pace, Quiet, harmless
from plugins.channels.telegram.settings import TelegramSettings
from plugins.channels.telegram.text import cut, html, keyboard, plain, units

from .conftest import START, Make

HELLO = Outgoing(key="0" * 32, to="", text="Ваше замовлення №1042 вже в дорозі.")

HOSTILE = [
    "<script>alert(1)</script>",
    "<b>bold</b>",
    "<b>",
    "</b>",
    "<img src=x onerror=alert(1)>",
    "<a href='https://evil.example'>click</a>",
    "&lt;b&gt; &amp;amp; &#60;b&#62; &#xD800; &nbsp;",
    "<<<<>>>>&&&&",
    "*bold* _it_ [x](https://evil.example) `code` ~s~ ||spoiler||",
    "\\*\\_\\`",
    "{{ order.number }} {% for x in y %} ${TOKEN} %s %(x)s {0}",
    "\"quotes\" 'apostrophes' «ялинки»",
    "<tg-spoiler>x</tg-spoiler><tg-emoji emoji-id='1'>x</tg-emoji>",
    "<pre><code class='language-x'>",
    "=1+1|calc",
    "javascript:alert(1) tg://user?id=1 @everyone #tag /stop",
    "1 < 2 > 0 & 3",
    "\u202eabc\u202c",
    "👨‍👩‍👧‍👦🇺🇦é",
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_untrusted_text_arrives_as_it_stands(telegram: Telegram, sandbox: TelegramSandbox, text: str) -> None:
    outcome = await telegram.send(replace(HELLO, to=str(sandbox.open_chat()), text=f"Товар: {text}!"))
    assert isinstance(outcome, Accepted)
    assert sandbox.ledger[0].text == f"Товар: {text}!"
    assert sandbox.screen(sandbox.ledger[0].chat)[0].entities == ()


@given(st.text())
def test_any_text_is_shown_as_it_stands(text: str) -> None:
    reader = HtmlReader(html(plain(text)))
    assert (reader.plain, reader.entities) == (plain(text), [])


def test_what_no_message_can_carry_is_left_out() -> None:
    assert plain("a\x00b\x1b[31m\r\nc\td\ud800 \n") == "ab[31m\nc\td\ufffd"


async def test_a_message_carries_its_buttons_and_no_preview(
    make: Make, sandbox: TelegramSandbox, later: Callable[[float], None]
) -> None:
    telegram, chat = await make(), sandbox.open_chat()
    buttons = (Button("📦 Відстежити", url="https://shop.example/t/1"), Button("Так", data="y"), Button("Ні", data="n"))
    first = await telegram.send(replace(HELLO, to=str(chat), buttons=buttons))
    later(1)
    await telegram.send(replace(HELLO, to=str(chat), silent=True))
    assert first == Accepted(str(sandbox.ledger[0].message_id))
    track, yes, no = Key("📦 Відстежити", url="https://shop.example/t/1"), Key("Так", data="y"), Key("Ні", data="n")
    assert sandbox.ledger[0].keys == ((track,), (yes, no))
    assert [(each.silent, each.preview) for each in sandbox.ledger] == [(False, False), (True, False)]


def test_a_scale_from_0_to_10_stands_in_two_rows() -> None:
    board = keyboard([Button(str(number), data=f"n{number}") for number in range(11)])
    assert board is not None
    assert [len(row) for row in board["inline_keyboard"]] == [6, 5]


def test_a_long_text_is_cut_between_words() -> None:
    text = cut("слово " * 1000)
    assert text.endswith("слово…")
    assert 4000 < units(text) <= 4096
    assert cut("short") == "short"


@given(st.text(min_size=1), st.integers(2, 60))
def test_a_cut_text_fits_and_is_the_beginning(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert units(short) <= limit
    assert short == text or text.startswith(short[:-1])


def test_a_cut_never_goes_through_a_character() -> None:
    family = "👨‍👩‍👧‍👦"
    assert cut("x" * 5 + family, 12) == "xxxxx…"
    assert cut("👍🏽" * 3, 8) == "👍🏽…"


async def test_a_text_of_any_length_is_taken(telegram: Telegram, sandbox: TelegramSandbox) -> None:
    outcome = await telegram.send(replace(HELLO, to=str(sandbox.open_chat()), text="<📦&> " * 2000))
    assert isinstance(outcome, Accepted)
    assert sandbox.ledger[0].text.endswith("…")


ANSWERS = [
    (429, "Too Many Requests: retry after 17", Transient("Telegram asks for patience", START + timedelta(seconds=5))),
    (403, "Forbidden: bot was blocked by the user", Suppress("the customer has blocked the bot", blocked=True)),
    (403, "FORBIDDEN: USER IS DEACTIVATED", Suppress("the customer's Telegram account is gone", blocked=True)),
    (403, "Forbidden: bot can't initiate conversation with a user", Suppress("the customer has not started the bot")),
    (403, "Forbidden: bot was kicked from the supergroup chat", Suppress("the bot was removed from this group")),
    (403, "Forbidden: bot is not a member of the channel chat", Suppress("the bot is not a member of this group")),
    (403, "Forbidden: something new", Permanent("Telegram does not let the bot write to this chat")),
    (400, "Bad Request: chat not found", Suppress("Telegram does not know this chat")),
    (400, "Bad Request: BUTTON_DATA_INVALID", Permanent("a button's data is too long for Telegram")),
    (400, "Bad Request: message is too long", Permanent("the text is too long for Telegram")),
    (400, "Bad Request: message text is empty", Permanent("the text is empty")),
    (400, "Bad Request: TOPIC_CLOSED", Permanent("Telegram refused the message: Bad Request: TOPIC_CLOSED")),
    (400, "Bad Request: message is not modified: specified new", Duplicate()),
    (401, "Unauthorized", Config("Telegram does not accept the bot's token")),
    (404, "Not Found", Config("Telegram does not know this bot: the token or the address is wrong")),
    (409, "Conflict: terminated by other getUpdates request", Config("another program reads this bot's updates")),
    (413, "Request Entity Too Large", Permanent("the message is too large for Telegram")),
]


@pytest.mark.parametrize(("status", "description", "expected"), ANSWERS, ids=[each[1][:40] for each in ANSWERS])
async def test_each_refusal_means_one_outcome(
    telegram: Telegram, sandbox: TelegramSandbox, status: int, description: str, expected: Outcome
) -> None:
    sandbox.refuse(status, description)
    assert await telegram.send(replace(HELLO, to=str(sandbox.open_chat()))) == expected
    assert sandbox.calls == ["sendMessage"]


async def test_flood_control_says_when_again(telegram: Telegram, sandbox: TelegramSandbox) -> None:
    sandbox.too_many(170)
    outcome = await telegram.send(replace(HELLO, to=str(sandbox.open_chat())))
    assert outcome == Transient("Telegram asks for patience", START + timedelta(seconds=170))


async def test_a_long_wish_for_patience_is_for_the_whole_bot(
    telegram: Telegram, sandbox: TelegramSandbox, later: Callable[[float], None]
) -> None:
    one, other = str(sandbox.open_chat()), str(sandbox.open_chat())
    sandbox.too_many(170)
    end = START + timedelta(seconds=170)
    assert await telegram.send(replace(HELLO, to=one)) == Transient("Telegram asks for patience", end)
    quiet = Transient("Telegram asked the whole bot to wait", end, unsent=True)
    for seconds in (0, 160):
        later(seconds)
        assert await telegram.send(replace(HELLO, to=other)) == quiet
        for asking in (telegram.hello(), telegram.poll(None), telegram.register(None)):
            with pytest.raises(FailureError) as failure:
                await asking
            assert failure.value.outcome == quiet
    assert sandbox.calls == ["sendMessage"], "Telegram was left alone"
    later(10)
    assert isinstance(await telegram.send(replace(HELLO, to=other)), Accepted)
    assert isinstance(await telegram.send(replace(HELLO, to=one)), Accepted)


@pytest.mark.parametrize(("asked", "quiet"), [(5, False), (6, True)])
async def test_a_short_wish_for_patience_is_for_the_one_chat(
    telegram: Telegram, sandbox: TelegramSandbox, asked: int, quiet: bool
) -> None:
    one, other = str(sandbox.open_chat()), str(sandbox.open_chat())
    sandbox.too_many(asked)
    assert isinstance(await telegram.send(replace(HELLO, to=one)), Transient)
    assert isinstance(await telegram.send(replace(HELLO, to=other)), Transient if quiet else Accepted)


@pytest.mark.parametrize("back", [timedelta(minutes=2), timedelta(hours=12), timedelta(days=2)])
def test_of_several_wishes_the_longest_counts_and_a_clock_put_back_ends_them(back: timedelta) -> None:
    clock = VirtualClock(START)
    quiet = Quiet(clock)
    for seconds in (60, 170, 30):
        quiet.hear(Answered(429, retry_after=seconds))
    assert quiet.until() == START + timedelta(seconds=170)
    clock._now = START - back  # no clock of ours goes back by itself
    assert quiet.until() is None
    quiet.hear(Answered(429, retry_after=60))
    assert quiet.until() == clock.now() + timedelta(seconds=60)


def test_a_clock_put_back_does_not_silence_a_chat() -> None:
    clock = VirtualClock(START)
    pace = Pace(clock)
    assert (pace.claim("7"), pace.claim("7")) == (None, START + timedelta(seconds=1))
    clock._now = START - timedelta(hours=12)
    assert pace.claim("7") is None


@pytest.mark.parametrize(("asked", "seconds"), [(10**15, 86_400), (-5, 1)])
async def test_an_absurd_wish_for_patience_is_bounded(
    telegram: Telegram, sandbox: TelegramSandbox, asked: int, seconds: int
) -> None:
    sandbox.chaos.fail(429, body=f'{{"ok": false, "error_code": 429, "parameters": {{"retry_after": {asked}}}}}')
    outcome = await telegram.send(replace(HELLO, to=str(sandbox.open_chat())))
    assert isinstance(outcome, Transient)
    assert outcome.not_before == START + timedelta(seconds=seconds)


@pytest.mark.parametrize("state", [ChatState.BLOCKED, ChatState.DEACTIVATED])
async def test_a_closed_chat_is_not_written_to_again(
    telegram: Telegram, sandbox: TelegramSandbox, state: ChatState
) -> None:
    outcome = await telegram.send(replace(HELLO, to=str(sandbox.open_chat(state=state))))
    assert isinstance(outcome, Suppress)
    assert outcome.blocked


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_trouble_at_telegram_is_transient(telegram: Telegram, sandbox: TelegramSandbox, status: int) -> None:
    sandbox.down(status=status)
    with pytest.raises(FailureError) as failure:
        await telegram.send(replace(HELLO, to=str(sandbox.open_chat())))
    assert isinstance(failure.value.outcome, Transient)


@pytest.mark.parametrize("status", [400, 403, 404, 407])
async def test_a_wall_before_telegram_marks_no_address(
    telegram: Telegram, sandbox: TelegramSandbox, status: int
) -> None:
    sandbox.down(status=status)
    outcome = await telegram.send(replace(HELLO, to=str(sandbox.open_chat())))
    assert outcome == Config("what answers at this address is not the Bot API")


async def test_an_answer_cut_off_leaves_it_unknown(telegram: Telegram, sandbox: TelegramSandbox) -> None:
    sandbox.chaos.cut()
    with pytest.raises(FailureError) as failure:
        await telegram.send(replace(HELLO, to=str(sandbox.open_chat())))
    assert isinstance(failure.value.outcome, Unknown)
    assert len(sandbox.ledger) == 1


async def test_an_answer_in_no_time_leaves_it_unknown(base: str, sandbox: TelegramSandbox, clock: VirtualClock) -> None:
    sandbox.chaos.hang(when="after")
    limits = replace(Telegram.limits, timeout=timedelta(milliseconds=100))
    settings = TelegramSettings.model_validate({"token": sandbox.token, "url": base})
    async with make_client("bot", limits, clock) as client:
        with pytest.raises(FailureError) as failure:
            await Telegram(settings, client, clock).send(replace(HELLO, to=str(sandbox.open_chat())))
    assert isinstance(failure.value.outcome, Unknown)
    assert len(sandbox.ledger) == 1


async def test_an_answer_that_cannot_be_read_leaves_it_unknown(telegram: Telegram, sandbox: TelegramSandbox) -> None:
    sandbox.chaos.garble(when="after")
    outcome = await telegram.send(replace(HELLO, to=str(sandbox.open_chat())))
    assert outcome == Unknown("Telegram's answer could not be read")
    assert len(sandbox.ledger) == 1


async def test_markup_that_telegram_cannot_read_is_sent_once_more_without(
    telegram: Telegram, sandbox: TelegramSandbox, later: Callable[[float], None]
) -> None:
    chat = str(sandbox.open_chat())
    sandbox.refuse(400, "Bad Request: can't parse entities: Can't find end of the entity starting at byte offset 7")
    assert isinstance(await telegram.send(replace(HELLO, to=chat, text="1 < 2 & 3")), Accepted)
    assert [each.text for each in sandbox.ledger] == ["1 < 2 & 3"]
    later(1)
    sandbox.refuse(400, "Bad Request: can't parse entities: again", times=2)
    assert isinstance(await telegram.send(replace(HELLO, to=chat)), Permanent)
    assert sandbox.calls == ["sendMessage"] * 4


async def test_a_link_that_telegram_will_not_put_under_a_button_stands_in_the_text(
    telegram: Telegram, sandbox: TelegramSandbox
) -> None:
    buttons = (Button("Відстежити", url="http://localhost:8080/t/1"), Button("Так", data="y"))
    await telegram.send(replace(HELLO, to=str(sandbox.open_chat()), text="У дорозі", buttons=buttons))
    assert sandbox.ledger[0].text == "У дорозі\nВідстежити: http://localhost:8080/t/1"
    assert sandbox.ledger[0].keys == ((Key("Так", data="y"),),)


async def test_a_group_that_moved_is_followed(
    telegram: Telegram, sandbox: TelegramSandbox, later: Callable[[float], None]
) -> None:
    group = sandbox.open_group()
    new = sandbox.upgrade(group)
    assert isinstance(await telegram.send(replace(HELLO, to=str(group))), Accepted)
    later(3)
    assert isinstance(await telegram.send(replace(HELLO, to=str(group))), Accepted)
    assert [each.chat for each in sandbox.ledger] == [new, new]
    assert len(sandbox.calls) == 3, "the new id is remembered"


async def test_a_group_gets_no_button_that_would_do_nothing(telegram: Telegram, sandbox: TelegramSandbox) -> None:
    both = (Button("I take it", data="m:1:take"), Button("Open", url="https://hub.example/e/1"))
    group, chat = sandbox.open_group(), sandbox.open_chat()
    for to in (group, chat):
        assert isinstance(await telegram.send(replace(HELLO, to=str(to), buttons=both)), Accepted)
    shown = [[key.text for row in sandbox.screen(to)[-1].keys for key in row] for to in (group, chat)]
    assert shown == [["Open"], ["I take it", "Open"]]


async def test_a_group_that_moved_nowhere_is_given_up(telegram: Telegram, sandbox: TelegramSandbox) -> None:
    sandbox.refuse(400, "Bad Request: group chat was upgraded to a supergroup chat")
    assert isinstance(await telegram.send(replace(HELLO, to=str(sandbox.open_group()))), Permanent)


async def test_a_burst_to_one_chat_is_told_when_to_come_again(
    telegram: Telegram, sandbox: TelegramSandbox, later: Callable[[float], None]
) -> None:
    chat, other, group = str(sandbox.open_chat()), str(sandbox.open_chat()), str(sandbox.open_group())
    assert isinstance(await telegram.send(replace(HELLO, to=chat)), Accepted)
    wait = Transient("one message a second for one chat", START + timedelta(seconds=1), unsent=True)
    assert await telegram.send(replace(HELLO, to=chat)) == wait
    assert isinstance(await telegram.send(replace(HELLO, to=other)), Accepted)
    assert isinstance(await telegram.send(replace(HELLO, to=group)), Accepted)
    later(1)
    assert isinstance(await telegram.send(replace(HELLO, to=chat)), Accepted)
    assert isinstance(await telegram.send(replace(HELLO, to=group)), Transient), "a group takes twenty a minute"


@pytest.mark.parametrize(
    "to", ["", "olena@shop.example", "+380501112233", "1" * 19, "@x", "1/../../getMe", "١٢٣", "5\n"]
)
async def test_what_is_no_chat_id_is_not_sent(telegram: Telegram, sandbox: TelegramSandbox, to: str) -> None:
    assert await telegram.send(replace(HELLO, to=to)) == Suppress("not a Telegram chat id")
    assert sandbox.calls == []


@pytest.mark.parametrize(
    "buttons",
    [
        (Button("a", data="я" * 33),),
        (Button("", data="x"),),
        (Button("a"),),
        (Button("a", url="https://shop.example", data="x"),),
        (Button("a", data="x"),) * 101,
    ],
)
async def test_buttons_that_telegram_would_refuse_are_not_sent(
    telegram: Telegram, sandbox: TelegramSandbox, buttons: tuple[Button, ...]
) -> None:
    outcome = await telegram.send(replace(HELLO, to=str(sandbox.open_chat()), buttons=buttons))
    assert isinstance(outcome, Permanent)
    assert sandbox.calls == []


async def test_an_empty_text_is_not_sent(telegram: Telegram, sandbox: TelegramSandbox) -> None:
    outcome = await telegram.send(replace(HELLO, to=str(sandbox.open_chat()), text=" \x00\n"))
    assert outcome == Permanent("the text is empty")
    assert sandbox.calls == []


CANARY = "987654321:CANARY-token-that-nobody-may-ever-see-0"


async def test_the_token_is_in_no_log_no_error_and_no_repr(
    make: Make, base: str, clock: VirtualClock, sandbox: TelegramSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    telegram = await make(token=CANARY)
    chat = str(sandbox.open_chat())
    heard: list[Any] = [telegram, telegram.settings, vars(telegram), telegram.settings.model_dump()]
    sandbox.token = CANARY
    orders: list[Callable[[], None]] = [
        lambda: None,
        lambda: sandbox.down(),
        lambda: sandbox.chaos.cut(),
        lambda: sandbox.chaos.reset(),
        lambda: sandbox.chaos.garble(),
        lambda: sandbox.chaos.fail(302, body=CANARY),
        lambda: sandbox.refuse(400, f"Bad Request: bot{CANARY} {CANARY} is wrong"),
        lambda: sandbox.refuse(401, CANARY),
    ]
    for order in orders:
        order()
        clock.move_to(clock.now() + timedelta(minutes=20))
        try:
            heard.append(await telegram.send(replace(HELLO, to=chat)))
        except FailureError as error:
            heard += [error, error.outcome, error.__cause__, error.__context__]
    dead = await make(token=CANARY, url="http://127.0.0.1:1")
    with pytest.raises(FailureError) as failure:
        await dead.hello()
    logged = [each.getMessage() for each in caplog.records if each.name != "uvicorn.access"]  # the sandbox's own
    said = [repr(each) + str(each) for each in [*heard, failure.value]] + logged
    assert len(heard) > 10
    assert not [each for each in said if "CANARY" in each]


@pytest.mark.parametrize(
    "wrong",
    [
        {"token": "CANARY"},
        {"token": "12:CANARY/../../../../aaaaaaaaaaaaaaaaaaaaaa"},
        {"token": CANARY + "\n"},
        {"webhook_secret": "CANARY with blanks"},
        {"webhook_secret": ""},
        {"bot": "not a name"},
        {"url": "ftp://CANARY.example"},
        {"url": "https://user:CANARY@api.example"},
        {"url": "https://api.example/?x=CANARY"},
        {"updates": "sometimes"},
        {"unknown": 1},
    ],
)
def test_wrong_settings_are_refused_without_repeating_them(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError) as refused:
        TelegramSettings(**{"token": CANARY, **wrong})
    assert "CANARY" not in str(refused.value)


def test_every_setting_is_described() -> None:
    assert all(field.description for field in TelegramSettings.model_fields.values())


def test_what_telegram_says_is_repeated_without_data_in_it() -> None:
    said = 'Bad Request: can\'t find "Олена Коваль" in chat 501112233 for +380501112233 or olena@mail.example'
    assert harmless(said) == "Bad Request: can't find … in chat … for … or …"


def test_the_adapter_says_what_it_can() -> None:
    assert (Telegram.rings, Telegram.receipts, Telegram.honours_keys) == (True, False, False)
    assert (Telegram.form, Telegram.address_kind, Telegram.max_length) == ("chat", "link", 4096)
    assert Telegram.limits.per_second == 30


def test_a_client_without_a_wire_is_enough_to_make_one() -> None:
    settings = TelegramSettings.model_validate({"token": CANARY})
    telegram = Telegram(settings, httpx.AsyncClient(), VirtualClock(START))
    assert telegram.settings.url == "https://api.telegram.org"
