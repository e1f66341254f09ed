"""Believing, polling, and seeing to it that updates come."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hub.clock import VirtualClock
from hub.model import Linked, Reply
from hub.plugin import (
    Button,
    Config,
    FailureError,
    Outgoing,
    Received,
    RefusedError,
    UnreadableError,
    WebhookRequest,
)
from hub.plugin.http import make_client
from hub.plugin.sandbox import serve
from plugins.channels.telegram import Telegram
from plugins.channels.telegram.sandbox import TOKEN, TelegramSandbox
from plugins.channels.telegram.settings import TelegramSettings
from plugins.channels.telegram.statuses import COMMANDS

from .conftest import START, Asking, Make
from .test_reading import AT, JSON, bent, message, pressed

HEADER = "x-telegram-bot-api-secret-token"


def request(body: Any, secret: str | None, method: str = "POST") -> WebhookRequest:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = [("content-type", "application/json")] + ([(HEADER, secret)] if secret is not None else [])
    return WebhookRequest(method, "", {}, headers, content)


async def test_an_update_with_our_secret_is_believed(telegram: Telegram) -> None:
    received = telegram.verify(request(message(), telegram.settings.secret()))
    (event,) = received.events
    assert (event.subject, event.topic, event.body) == ("chat:501112233", "message", message())
    assert event.occurred_at == AT
    assert received.answer.status == 200


async def test_a_secret_of_ones_own_is_used(make: Make) -> None:
    telegram = await make(webhook_secret="s3cret")
    assert telegram.verify(request(message(), "s3cret")).events


async def test_the_secret_made_from_the_token_is_one_telegram_takes(make: Make) -> None:
    first, second = await make(), await make(token=TOKEN[:-1] + "1")
    assert first.settings.secret() != second.settings.secret()
    assert len(first.settings.secret()) == 64
    assert first.settings.secret().startswith("a5638733f8fd25d2"), "another one would cut off every webhook that is set"
    assert "test_token" not in first.settings.secret()


async def test_what_does_not_bring_our_secret_is_refused(telegram: Telegram) -> None:
    secret = telegram.settings.secret()
    for given_ in (None, "", " ", secret[:-1], secret + "x", secret.upper(), f" {secret}", "a" * 10_000):
        with pytest.raises(RefusedError):
            telegram.verify(request(message(), given_))
    doubled = WebhookRequest("POST", "", {}, [(HEADER, secret), (HEADER, secret)], json.dumps(message()).encode())
    with pytest.raises(RefusedError):
        telegram.verify(doubled)
    with pytest.raises(RefusedError):
        telegram.verify(request(message(), secret, method="GET"))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{", b"\xff", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"[" * 100_000, b"1" * 5000]
)
async def test_a_body_that_is_no_update_is_refused(telegram: Telegram, body: bytes) -> None:
    with pytest.raises(RefusedError):
        telegram.verify(request(body, telegram.settings.secret()))


async def test_a_repeated_update_has_the_same_dedupe_key_and_another_bots_has_not(make: Make) -> None:
    def key(received: Received) -> str:
        return received.events[0].dedupe_key

    one, other = await make(), await make(token="42" + TOKEN)
    first = key(one.verify(request(message(), one.settings.secret())))
    assert first == key(one.verify(request(message("edited"), one.settings.secret())))
    assert first != key(one.verify(request({**message(), "update_id": 900102}, one.settings.secret())))
    assert first != key(other.verify(request(message(), other.settings.secret())))


async def test_a_pressed_button_is_answered_in_the_answer(telegram: Telegram, clock: VirtualClock) -> None:
    received = telegram.verify(request(pressed(), telegram.settings.secret()))
    assert json.loads(received.answer.body) == {
        "method": "answerCallbackQuery",
        "callback_query_id": "2152489479834520001",
    }
    assert received.answer.content_type == "application/json"
    assert received.events[0].occurred_at == clock.now()


@given(bent() | JSON)
def test_any_json_with_our_secret_is_stored_or_refused(update: Any) -> None:
    clock = VirtualClock(START)
    settings = TelegramSettings.model_validate({"token": TOKEN})
    telegram = Telegram(settings, make_client("bot", Telegram.limits, clock), clock)
    try:
        (event,) = telegram.verify(request(update, settings.secret())).events
    except RefusedError:
        return
    assert event.dedupe_key
    try:
        telegram.normalise(event)
    except UnreadableError:
        return


async def say_and_press(telegram: Telegram, sandbox: TelegramSandbox) -> int:
    """One person who was sent a button, wrote and pressed it."""
    chat = sandbox.open_chat()
    await telegram.send(Outgoing(key="0" * 32, to=str(chat), text="Усе гаразд?", buttons=(Button("Так", data="y"),)))
    sandbox.say(chat, "Де моє?")
    sandbox.press(chat, sandbox.ledger[-1].message_id, "y")
    return chat


async def test_polling_brings_updates_confirms_them_and_answers_buttons(
    telegram: Telegram, sandbox: TelegramSandbox, clock: VirtualClock
) -> None:
    chat = await say_and_press(telegram, sandbox)
    page = await telegram.poll(None)
    assert [telegram.normalise(each) for each in page.events] == [
        (Reply(str(chat), "Де моє?", clock.now(), str(page.events[0].body["update_id"]), "uk"),),
        (Reply(str(chat), "", clock.now(), str(page.events[1].body["update_id"]), "uk", "y"),),
    ]
    assert list(sandbox.answered.values()) == [""]
    again = await telegram.poll(None)
    assert [each.dedupe_key for each in again.events] == [each.dedupe_key for each in page.events], "not confirmed yet"
    empty = await telegram.poll(page.cursor)
    assert (empty.events, empty.cursor, empty.more) == ([], 0, False)
    assert sandbox.pending == []


async def test_a_new_numbering_after_a_quiet_week_hides_nothing(telegram: Telegram, sandbox: TelegramSandbox) -> None:
    chat = sandbox.open_chat()
    sandbox.say(chat, "before")
    cursor = (await telegram.poll((await telegram.poll(None)).cursor)).cursor
    sandbox.restart_numbers(5)
    sandbox.say(chat, "after")
    assert [each.body["message"]["text"] for each in (await telegram.poll(cursor)).events] == ["after"]


async def test_a_full_page_asks_for_more_at_once(telegram: Telegram, sandbox: TelegramSandbox) -> None:
    chat = sandbox.open_chat()
    for number in range(101):
        sandbox.say(chat, str(number))
    first = await telegram.poll(None)
    second = await telegram.poll(first.cursor)
    assert (len(first.events), first.more, len(second.events), second.more) == (100, True, 1, False)


@pytest.mark.parametrize("cursor", ["nonsense", -7, 2**70, {"a": 1}, True])
async def test_a_cursor_that_is_none_of_ours_begins_anew(
    telegram: Telegram, sandbox: TelegramSandbox, cursor: Any
) -> None:
    sandbox.say(sandbox.open_chat(), "x")
    assert len((await telegram.poll(cursor)).events) == 1


async def test_a_button_that_telegram_no_longer_knows_loses_no_update(
    telegram: Telegram, sandbox: TelegramSandbox, later: Callable[[float], None]
) -> None:
    await say_and_press(telegram, sandbox)
    later(3600)
    assert len((await telegram.poll(None)).events) == 2
    sandbox.chaos.fail(500, path="*/answerCallbackQuery")
    assert len((await telegram.poll(None)).events) == 2


async def test_two_programs_on_one_bot_are_a_matter_of_configuration(
    telegram: Telegram, sandbox: TelegramSandbox
) -> None:
    sandbox.refuse(409, "Conflict: terminated by other getUpdates request")
    with pytest.raises(FailureError) as failure:
        await telegram.poll(None)
    assert isinstance(failure.value.outcome, Config)


@asynccontextmanager
async def hub(telegram: Telegram) -> AsyncIterator[tuple[str, list[Received]]]:
    """A hub's door for one connection."""
    taken: list[Received] = []

    async def receive(request: Request) -> Response:
        headers = [(name.decode(), value.decode()) for name, value in request.headers.raw]
        try:
            received = telegram.verify(WebhookRequest("POST", "", {}, headers, await request.body()))
        except RefusedError:
            return Response(status_code=401)
        taken.append(received)
        answer = received.answer
        return Response(answer.body, answer.status, {"content-type": answer.content_type})

    async with serve(Starlette(routes=[Route("/in/bot", receive, methods=["POST"])])) as url:
        yield f"{url}/in/bot", taken


async def test_registering_sets_the_webhook_and_the_menu_once(telegram: Telegram, sandbox: TelegramSandbox) -> None:
    async with hub(telegram) as (url, taken):
        assert await telegram.register(url) == [
            "telegram: webhook set to 127.0.0.1",
            "telegram: menu of commands set",
        ]
        assert await telegram.register(url) == []
        chat = await say_and_press(telegram, sandbox)
        assert await sandbox.deliver_due() == 2
    assert [each.events[0].subject for each in taken] == [f"chat:{chat}"] * 2
    assert list(sandbox.answered.values()) == [""], "the button was answered by the webhook's answer"
    assert sandbox.commands == COMMANDS
    assert telegram.asks_every(url) is None, "with a webhook nothing is polled"
    before = len(sandbox.calls)
    assert [(await telegram.poll(7)).cursor for _ in range(3)] == [7] * 3
    assert len(sandbox.calls) == before + 1, "whoever asks all the same learns it, once"


async def test_a_changed_secret_is_set_anew(
    make: Make, sandbox: TelegramSandbox, later: Callable[[float], None]
) -> None:
    old, new = await make(webhook_secret="old"), await make(webhook_secret="new")
    async with hub(new) as (url, taken):
        await old.register(url)
        sandbox.say(sandbox.open_chat(), "x")
        assert await sandbox.deliver_due() == 0
        assert await new.register(url) == ["telegram: webhook set to 127.0.0.1"]
        later(1)
        assert await sandbox.deliver_due() == 1
    assert len(taken) == 1


async def test_a_hub_that_cannot_be_reached_polls(telegram: Telegram, sandbox: TelegramSandbox, api: Asking) -> None:
    await api.result("setWebhook", url="https://old.example/hook")
    sandbox.say(sandbox.open_chat(), "x")
    assert (await telegram.poll(None)).events == ()
    assert (await telegram.register(None))[0] == "telegram: webhook removed, updates are polled"
    assert len((await telegram.poll(None)).events) == 1
    assert await telegram.register(None) == []


async def test_a_webhook_set_by_another_process_stops_the_polling_for_a_while(
    telegram: Telegram, sandbox: TelegramSandbox, api: Asking, later: Callable[[float], None]
) -> None:
    await api.result("setWebhook", url="https://shop.example/hook")
    for _ in range(3):
        assert (await telegram.poll(4)).cursor == 4
    assert sandbox.calls.count("getUpdates") == 1
    await api.result("deleteWebhook")
    later(301)
    sandbox.say(sandbox.open_chat(), "x")
    assert len((await telegram.poll(None)).events) == 1


async def test_a_clock_put_back_does_not_prolong_the_while(
    telegram: Telegram, sandbox: TelegramSandbox, api: Asking, clock: VirtualClock
) -> None:
    await api.result("setWebhook", url="https://shop.example/hook")
    await telegram.poll(None)
    await api.result("deleteWebhook")
    sandbox.say(sandbox.open_chat(), "x")
    clock._now = clock.now() - timedelta(hours=12)
    assert len((await telegram.poll(None)).events) == 1


async def test_polling_by_setting_removes_a_webhook_and_meets_one_with_a_complaint(
    make: Make, sandbox: TelegramSandbox, api: Asking
) -> None:
    telegram = await make(updates="polling")
    await api.result("setWebhook", url="https://shop.example/hook")
    with pytest.raises(FailureError):
        await telegram.poll(None)
    assert "telegram: webhook removed, updates are polled" in await telegram.register("https://shop.example/hook")
    assert sandbox.webhook is None


async def test_a_webhook_by_setting_is_never_polled_and_needs_an_address(make: Make, sandbox: TelegramSandbox) -> None:
    telegram = await make(updates="webhook")
    assert (await telegram.poll(None)).events == ()
    assert "the hub has no https address" in (await telegram.register(None))[0]
    assert "getUpdates" not in sandbox.calls


async def test_plain_http_is_only_for_a_sandbox_on_this_machine(make: Make, sandbox: TelegramSandbox) -> None:
    telegram = await make()
    await telegram.register("http://shop.example/hook")
    assert sandbox.webhook is None, "the real one would refuse it, so it is polled"
    await telegram.register("https://shop.example/hook")
    assert sandbox.webhook is not None


async def test_a_refused_webhook_is_a_failure_with_a_reason_and_not_polled_for(
    telegram: Telegram, sandbox: TelegramSandbox
) -> None:
    sandbox.chaos.fail(
        400, path="*/setWebhook", body='{"ok": false, "error_code": 400, "description": "Bad Request: bad webhook"}'
    )
    with pytest.raises(FailureError, match="Telegram refused the call: Bad Request: bad webhook"):
        await telegram.register("https://shop.example/hook")
    assert telegram.asks_every("https://shop.example/hook") is None, "that would hide what is broken"
    sandbox.say(sandbox.open_chat(), "x")
    assert len((await telegram.poll(None)).events) == 1, "but who asks gets an answer"


@pytest.mark.parametrize(
    ("port", "taken"),
    [("", True), (":443", True), (":80", True), (":88", True), (":8443", True)]
    + [(port, False) for port in (":3000", ":8080", ":0", ":99999")],
)
async def test_a_port_that_telegram_does_not_take_is_polled(
    telegram: Telegram, sandbox: TelegramSandbox, port: str, taken: bool
) -> None:
    url = f"https://shop.example{port}/hook"
    assert telegram.asks_every(url) == (None if taken else telegram.poll_every)
    await telegram.register(url)
    assert (sandbox.webhook is not None) == taken
    sandbox.say(sandbox.open_chat(), "x")
    assert len((await telegram.poll(None)).events) == (0 if taken else 1)


async def test_a_webhook_by_setting_says_which_ports_it_needs(make: Make, sandbox: TelegramSandbox) -> None:
    telegram = await make(updates="webhook")
    assert (
        "on one of the ports 443, 80, 88, 8443; replies"
        in (await telegram.register("https://shop.example:3000/hook"))[0]
    )
    assert sandbox.webhook is None


async def test_hello_learns_the_name_that_deep_links_need(telegram: Telegram, sandbox: TelegramSandbox) -> None:
    assert telegram.link_url("tok-en_1") is None
    assert await telegram.hello() == "@shop_orders_bot answers"
    link = telegram.link_url("tok-en_1")
    assert link == "https://t.me/shop_orders_bot?start=tok-en_1"
    chat = sandbox.open_chat()
    sandbox.follow(chat, link)
    (event,) = (await telegram.poll(None)).events
    assert telegram.normalise(event) == (Linked("tok-en_1", str(chat), START, "uk"),)


async def test_the_bots_name_may_be_set_and_must_be_the_tokens(make: Make) -> None:
    telegram = await make(bot="@Shop_Orders_Bot")
    assert telegram.link_url("x") == "https://t.me/Shop_Orders_Bot?start=x"
    assert await telegram.hello() == "@shop_orders_bot answers"
    with pytest.raises(FailureError, match="the token is @shop_orders_bot's, the setting bot says @other_bot"):
        await (await make(bot="other_bot")).hello()


@pytest.mark.parametrize("token", ["", "x" * 65, "a b", "a&b=c", "№1042", "a\n"])
async def test_a_token_that_no_deep_link_can_carry_is_refused(telegram: Telegram, token: str) -> None:
    with pytest.raises(ValueError, match="a deep link carries"):
        telegram.link_url(token)


@pytest.mark.parametrize("status", [401, 404])
async def test_a_wrong_token_is_named_as_our_fault(telegram: Telegram, sandbox: TelegramSandbox, status: int) -> None:
    sandbox.refuse(status, "Unauthorized")
    with pytest.raises(FailureError) as failure:
        await telegram.hello()
    assert isinstance(failure.value.outcome, Config)


async def test_a_day_between_registrations_changes_nothing(
    telegram: Telegram, clock: VirtualClock, sandbox: TelegramSandbox
) -> None:
    async with hub(telegram) as (url, _):
        await telegram.register(url)
        clock.move_to(clock.now() + timedelta(days=1))
        assert await telegram.register(url) == []
    assert sandbox.calls.count("setWebhook") == 1
    assert sandbox.calls.count("setMyCommands") == len(COMMANDS)
