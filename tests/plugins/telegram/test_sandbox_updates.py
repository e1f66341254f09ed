"""What the fake Bot API brings in: updates by poll and by webhook, and the people who make them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.plugin.sandbox import serve
from plugins.channels.telegram.sandbox import ChatState, TelegramSandbox

from .conftest import Asking

KEYBOARD = {
    "inline_keyboard": [
        [{"text": "Відстежити", "url": "https://shop.example/t/9f3c"}, {"text": "Ок", "callback_data": "ok:1"}]
    ]
}


async def test_updates_are_confirmed_by_the_next_offset(api: Asking, sandbox: TelegramSandbox) -> None:
    chat = sandbox.open_chat()
    ids = [sandbox.say(chat, str(number)) for number in range(3)]
    first = await api.result("getUpdates", limit=2)
    assert [each["update_id"] for each in first] == ids[:2]
    assert await api.result("getUpdates", limit=2) == first, "nothing was confirmed yet"
    assert [each["update_id"] for each in await api.result("getUpdates", offset=ids[1] + 1)] == ids[2:]
    assert [each["update_id"] for each in await api.result("getUpdates")] == ids[2:], "the others are forgotten"
    assert await api.result("getUpdates", offset=ids[2] + 1) == []


async def test_a_negative_offset_counts_from_the_tail(api: Asking, sandbox: TelegramSandbox) -> None:
    chat = sandbox.open_chat()
    ids = [sandbox.say(chat, str(number)) for number in range(3)]
    assert [each["update_id"] for each in await api.result("getUpdates", offset=-1)] == ids[2:]
    assert len(await api.result("getUpdates")) == 1


async def test_updates_cannot_be_polled_while_a_webhook_is_set(api: Asking) -> None:
    await api.result("setWebhook", url="https://shop.example/hook")
    answer = await api.json("getUpdates")
    assert answer.status_code == 409
    assert answer.json()["description"].startswith("Conflict: can't use getUpdates method while webhook is active")


async def test_only_the_kinds_asked_for_become_updates(api: Asking, sandbox: TelegramSandbox) -> None:
    chat = sandbox.open_chat()
    await api.form("getUpdates", allowed_updates='["callback_query"]')
    sandbox.say(chat, "unheard")
    assert await api.result("getUpdates") == []
    await api.json("getUpdates", allowed_updates=[])
    sandbox.say(chat, "heard")
    assert [each["message"]["text"] for each in await api.result("getUpdates")] == ["heard"]


async def test_updates_are_kept_for_a_day(
    api: Asking, sandbox: TelegramSandbox, later: Callable[[float], None]
) -> None:
    sandbox.say(sandbox.open_chat(), "old")
    later(24 * 3600 + 1)
    assert await api.result("getUpdates") == []


async def test_setting_and_deleting_a_webhook_says_what_changed(api: Asking) -> None:
    said = []
    for method in ("setWebhook", "setWebhook", "deleteWebhook", "deleteWebhook"):
        said.append((await api.json(method, url="https://shop.example/hook")).json()["description"])
    assert said == ["Webhook was set", "Webhook is already set", "Webhook was deleted", "Webhook is already deleted"]
    assert (await api.json("setWebhook", url="")).json()["description"] == "Webhook is already deleted"


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"url": "http://shop.example/hook"}, "An HTTPS URL must be provided for webhook"),
        ({"url": "https://shop.example:3000/hook"}, "only on ports 80, 88, 443 or 8443"),
        ({"url": "https://shop.example:x/"}, "invalid webhook URL"),
        ({"url": "https://"}, "invalid webhook URL"),
        ({"url": "https://shop.example/", "secret_token": "a b"}, "secret token contains unallowed characters"),
        ({"url": "https://shop.example/", "secret_token": "a" * 257}, "secret token"),
    ],
)
async def test_a_wrong_webhook_is_refused(api: Asking, params: dict[str, str], complaint: str) -> None:
    answer = await api.json("setWebhook", **params)
    assert answer.status_code == 400
    assert complaint in answer.json()["description"]


async def test_webhook_info_tells_all_but_the_secret(api: Asking, sandbox: TelegramSandbox) -> None:
    assert (await api.result("getWebhookInfo"))["url"] == ""
    wish = {"secret_token": "s3cret", "allowed_updates": ["message"], "max_connections": 7}
    await api.result("setWebhook", url="https://shop.example/hook", **wish)
    sandbox.say(sandbox.open_chat(), "waiting")
    info = await api.result("getWebhookInfo")
    assert info == {
        "url": "https://shop.example/hook",
        "has_custom_certificate": False,
        "pending_update_count": 1,
        "max_connections": 7,
        "allowed_updates": ["message"],
    }
    await api.result("deleteWebhook", drop_pending_updates=True)
    assert (await api.result("getWebhookInfo"))["pending_update_count"] == 0


@asynccontextmanager
async def hook(answers: list[Response]) -> AsyncIterator[tuple[str, list[Request]]]:
    """A webhook's receiver: gives these answers in turn, the last one for ever."""
    seen: list[Request] = []

    async def receive(request: Request) -> Response:
        await request.body()
        seen.append(request)
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async with serve(Starlette(routes=[Route("/hook", receive, methods=["POST"])])) as url:
        yield f"{url}/hook", seen


async def test_a_webhook_brings_the_update_and_the_secret(api: Asking, sandbox: TelegramSandbox) -> None:
    async with hook([Response()]) as (url, seen):
        await api.result("setWebhook", url=url, secret_token="s3cret")
        update = sandbox.press_start(sandbox.open_chat("Анна", language="uk"), "o_9Jx2pQ7")
        assert await sandbox.deliver_due() == 1
        assert await sandbox.deliver_due() == 0, "what was taken is not brought again"
    assert seen[0].headers["X-Telegram-Bot-Api-Secret-Token"] == "s3cret"
    assert seen[0].headers["content-type"] == "application/json"
    body = await seen[0].json()
    assert (body["update_id"], body["message"]["text"]) == (update, "/start o_9Jx2pQ7")
    assert body["message"]["entities"] == [{"offset": 0, "length": 6, "type": "bot_command"}]
    assert body["message"]["from"]["language_code"] == "uk"


async def test_a_webhook_answered_500_is_brought_again_later(
    api: Asking, sandbox: TelegramSandbox, later: Callable[[float], None]
) -> None:
    async with hook([Response(status_code=500), Response(status_code=401), Response(status_code=204)]) as (url, seen):
        await api.result("setWebhook", url=url)
        sandbox.say(sandbox.open_chat(), "hello")
        assert await sandbox.deliver_due() == 0
        assert await sandbox.deliver_due() == 0, "not at once"
        assert len(seen) == 1
        later(1)
        assert await sandbox.deliver_due() == 0
        info = await api.result("getWebhookInfo")
        assert info["last_error_message"] == "Wrong response from the webhook: 401 Unauthorized"
        later(2)
        assert await sandbox.deliver_due() == 1
    assert len({(await each.body()) for each in seen}) == 1, "the same bytes each time"


async def test_an_update_that_failed_holds_back_the_later_ones_of_its_chat_only(
    api: Asking, sandbox: TelegramSandbox, later: Callable[[float], None]
) -> None:
    first, second = sandbox.open_chat(), sandbox.open_chat()
    async with hook([Response(status_code=500), Response()]) as (url, seen):
        await api.result("setWebhook", url=url)
        for chat, text in ((first, "1a"), (first, "1b"), (second, "2a")):
            sandbox.say(chat, text)
        assert await sandbox.deliver_due() == 1
        later(1)
        assert await sandbox.deliver_due() == 2
    assert [(await each.json())["message"]["text"] for each in seen] == ["1a", "2a", "1a", "1b"]


async def test_a_webhook_that_nobody_answers_is_an_error_and_obeys_retry_after_later(
    api: Asking, sandbox: TelegramSandbox, later: Callable[[float], None]
) -> None:
    async with hook([Response(status_code=503, headers={"retry-after": "30"}), Response()]) as (url, seen):
        await api.result("setWebhook", url=url)
        sandbox.say(sandbox.open_chat(), "hello")
        await sandbox.deliver_due()
        later(29)
        assert await sandbox.deliver_due() == 0
        assert len(seen) == 1
        later(1)
        assert await sandbox.deliver_due() == 1
        sandbox.say(sandbox.open_chat(), "into the void")
    assert await sandbox.deliver_due() == 0
    assert (await api.result("getWebhookInfo"))["last_error_message"] == "Webhook connection closed"


async def test_the_answer_to_a_webhook_may_call_one_method(api: Asking, sandbox: TelegramSandbox) -> None:
    chat = sandbox.open_chat()
    reply = JSONResponse({"method": "sendMessage", "chat_id": chat, "text": "at once"})
    stray = JSONResponse({"method": "deleteWebhook"})
    async with hook([reply, stray, JSONResponse(["nonsense"]), Response("OK")]) as (url, _):
        await api.result("setWebhook", url=url)
        for number in range(4):
            sandbox.say(chat, str(number))
        assert await sandbox.deliver_due() == 4
    assert [each.text for each in sandbox.ledger] == ["at once"]
    assert (await api.result("getWebhookInfo"))["url"] == url, "not every method may be called this way"


async def test_a_pressed_button_is_answered_once_in_time(
    api: Asking, sandbox: TelegramSandbox, later: Callable[[float], None]
) -> None:
    chat = sandbox.open_chat()
    sent = await api.result("sendMessage", chat_id=chat, text="t", reply_markup=KEYBOARD)
    query = sandbox.press(chat, sent["message_id"], "ok:1")
    update = (await api.result("getUpdates"))[0]["callback_query"]
    assert (update["id"], update["data"], update["from"]["id"]) == (query, "ok:1", chat)
    assert update["message"]["chat"] == {"id": chat, "first_name": "Анна", "type": "private"}
    await api.result("answerCallbackQuery", callback_query_id=query, text="дякуємо")
    assert sandbox.answered == {query: "дякуємо"}
    later(61)
    answer = await api.json("answerCallbackQuery", callback_query_id=query)
    assert answer.json()["description"].startswith("Bad Request: query is too old")
    assert (await api.json("answerCallbackQuery", callback_query_id=query, text="x" * 201)).status_code == 400


async def test_a_person_can_press_only_a_button_that_is_there_and_a_forger_any(
    api: Asking, sandbox: TelegramSandbox
) -> None:
    chat = sandbox.open_chat()
    sent = await api.result("sendMessage", chat_id=chat, text="t", reply_markup=KEYBOARD)
    with pytest.raises(ValueError, match="no such button"):
        sandbox.press(chat, sent["message_id"], "other")
    sandbox.press(chat, sent["message_id"], "other", forged=True)
    assert (await api.result("getUpdates"))[0]["callback_query"]["data"] == "other"


async def test_blocking_and_unblocking_are_told_and_felt(api: Asking, sandbox: TelegramSandbox) -> None:
    chat = sandbox.open_chat()
    sandbox.block(chat)
    assert (await api.json("sendMessage", chat_id=chat, text="t")).status_code == 403
    sandbox.unblock(chat)
    assert (await api.json("sendMessage", chat_id=chat, text="t")).status_code == 200
    updates = await api.result("getUpdates")
    assert [each["my_chat_member"]["new_chat_member"]["status"] for each in updates] == ["kicked", "member"]


async def test_start_opens_a_chat_that_was_not_started_or_was_blocked(api: Asking, sandbox: TelegramSandbox) -> None:
    fresh, blocked = sandbox.open_chat(state=ChatState.NOT_STARTED), sandbox.open_chat(state=ChatState.BLOCKED)
    for chat in (fresh, blocked):
        sandbox.follow(chat, "https://t.me/shop_orders_bot?start=tok-en_1")
        assert (await api.json("sendMessage", chat_id=chat, text="t")).status_code == 200
    updates = await api.result("getUpdates")
    assert [next(key for key in each if key != "update_id") for each in updates] == [
        "message",
        "my_chat_member",
        "message",
    ]


async def test_people_do_not_do_what_their_app_would_not_let_them(sandbox: TelegramSandbox) -> None:
    chat = sandbox.open_chat(state=ChatState.DEACTIVATED)
    acts: list[Callable[[], int]] = [
        lambda: sandbox.press_start(chat, "x" * 65),
        lambda: sandbox.follow(chat, "https://t.me/another_bot?start=x"),
        lambda: sandbox.say(chat, "hello"),
    ]
    for act in acts:
        with pytest.raises(ValueError):
            act()


async def test_a_shared_contact_is_a_message_without_text(api: Asking, sandbox: TelegramSandbox) -> None:
    chat = sandbox.open_chat()
    sandbox.share_contact(chat, "+380501112233")
    message = (await api.result("getUpdates"))[0]["message"]
    assert message["contact"]["user_id"] == chat
    assert "text" not in message
