"""`python-telegram-bot`, the usual client of the Bot API, unchanged, against our sandbox."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from telegram import (
    Bot,
    BotCommand,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    Message,
    ReplyKeyboardRemove,
    Update,
)
from telegram.constants import ChatMemberStatus, ParseMode
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter
from telegram.ext import ApplicationBuilder, CallbackQueryHandler, CommandHandler, ContextTypes
from telegram.request import HTTPXRequest

from hub.plugin.sandbox import serve
from plugins.channels.telegram.sandbox import TOKEN, ChatState, TelegramSandbox

TEXT = 'Order <b>№1042</b> 📦 is at <a href="https://shop.example/17">branch 17</a>'
KEYS = InlineKeyboardMarkup(
    [
        [InlineKeyboardButton("Track", url="https://shop.example/t/9f3c")],
        [InlineKeyboardButton("Fine", callback_data="fb:5"), InlineKeyboardButton("Not", callback_data="fb:0")],
    ]
)


@pytest.fixture(autouse=True)
def lengths_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """As its next release has them; else it warns."""
    monkeypatch.setenv("PTB_TIMEDELTA", "true")


@pytest.fixture
async def bot(base: str) -> AsyncIterator[Bot]:
    async with Bot(TOKEN, base_url=f"{base}/bot") as one:  # asks getMe
        yield one


@pytest.fixture
def chat(sandbox: TelegramSandbox) -> int:
    return sandbox.open_chat("Анна", username="anna_k")


async def test_it_knows_itself(bot: Bot) -> None:
    assert (bot.username, bot.id, bot.first_name, bot.bot.is_bot) == ("shop_orders_bot", 123456789, "Shop", True)
    assert bot.bot.can_join_groups is True


async def test_a_wrong_token_is_said_to_be_one(base: str) -> None:
    async with HTTPXRequest() as wire:
        for token in ("123456789:AAE-wrong", "no-token"):
            with pytest.raises(InvalidToken):
                await Bot(token, base_url=f"{base}/bot", request=wire, get_updates_request=wire).get_me()


async def test_it_sends_with_buttons_and_reads_back_what_it_sent(bot: Bot, sandbox: TelegramSandbox, chat: int) -> None:
    preview = LinkPreviewOptions(is_disabled=True)
    sent = await bot.send_message(
        chat, TEXT, parse_mode=ParseMode.HTML, reply_markup=KEYS, link_preview_options=preview,
        disable_notification=True,
    )  # fmt: skip
    assert sent.text == "Order №1042 📦 is at branch 17"
    assert sent.parse_entities() == {sent.entities[0]: "№1042", sent.entities[1]: "branch 17"}, "in UTF-16 units"
    assert sent.entities[1].url == "https://shop.example/17"
    assert sent.reply_markup == KEYS
    assert sent.chat.username == "anna_k"
    [entry] = sandbox.ledger
    assert (entry.silent, entry.preview) == (True, False)
    assert sent.date == entry.at.replace(microsecond=0)


async def test_it_edits_text_and_buttons_and_deletes(
    bot: Bot, sandbox: TelegramSandbox, chat: int, later: Callable[[float], None]
) -> None:
    sent = await bot.send_message(chat, "wait", reply_markup=KEYS)
    later(2)
    edited = await sent.edit_text("done")
    assert isinstance(edited, Message)
    assert (edited.text, edited.reply_markup) == ("done", None)
    assert edited.edit_date is not None and edited.edit_date - edited.date == timedelta(seconds=2)
    with pytest.raises(BadRequest, match="Message is not modified"):
        await sent.edit_text("done")
    again = await sent.edit_reply_markup(KEYS)
    assert isinstance(again, Message) and again.reply_markup == KEYS
    assert await sent.delete()
    assert sandbox.screen(chat) == ()
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await sent.edit_text("gone")


async def test_start_by_a_deep_link_and_a_pressed_button_reach_its_handlers(
    base: str, sandbox: TelegramSandbox, chat: int
) -> None:
    """The whole of it: its own polling loop, its filters, and the answer that stops the button's clock."""
    heard: list[Any] = []

    async def start(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.effective_user is not None and update.message is not None
        heard.append((update.effective_user.language_code, context.args))
        await update.message.reply_text("Welcome", reply_markup=KEYS)

    async def pressed(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        query = update.callback_query
        assert query is not None and isinstance(query.message, Message)
        heard.append((query.data, query.message.text))
        await query.answer("Thank you")

    app = ApplicationBuilder().token(TOKEN).base_url(f"{base}/bot").job_queue(None).build()
    app.add_handlers([CommandHandler("start", start), CallbackQueryHandler(pressed, pattern=r"^fb:")])
    assert app.updater is not None
    async with app:
        await app.start()
        await app.updater.start_polling(poll_interval=0.01, timeout=timedelta(0))
        sandbox.follow(chat, "https://t.me/shop_orders_bot?start=o_9Jx2pQ7TtWm4Zr0aB1cD3e")
        await _until(lambda: len(sandbox.ledger) == 1)
        query = sandbox.press(chat, sandbox.screen(chat)[-1].message_id, "fb:5")
        await _until(lambda: query in sandbox.answered)
        await app.updater.stop()
        await app.stop()
    assert heard == [("uk", ["o_9Jx2pQ7TtWm4Zr0aB1cD3e"]), ("fb:5", "Welcome")]
    assert sandbox.answered[query] == "Thank you"
    assert sandbox.pending == [], "its last offset confirmed everything"


async def test_an_answer_that_comes_too_late_is_refused(
    bot: Bot, sandbox: TelegramSandbox, chat: int, later: Callable[[float], None]
) -> None:
    sent = await bot.send_message(chat, "Well?", reply_markup=KEYS)
    query = sandbox.press(chat, sent.message_id, "fb:0")
    later(120)
    with pytest.raises(BadRequest, match="Query is too old"):
        await bot.answer_callback_query(query)


async def test_a_phone_and_a_membership_are_read(bot: Bot, sandbox: TelegramSandbox, chat: int) -> None:
    sandbox.share_contact(chat, "+380501112233")
    sandbox.block(chat)
    contact, left = await bot.get_updates(allowed_updates=Update.ALL_TYPES)
    assert contact.message is not None and contact.message.contact is not None
    assert contact.message.contact.user_id == contact.effective_user.id == chat  # type: ignore[union-attr]
    assert left.my_chat_member is not None
    assert left.my_chat_member.new_chat_member.status == ChatMemberStatus.BANNED


async def test_who_blocked_the_bot_or_never_started_it_is_forbidden(bot: Bot, sandbox: TelegramSandbox) -> None:
    for state, said in (
        (ChatState.BLOCKED, "bot was blocked by the user"),
        (ChatState.NOT_STARTED, "bot can't initiate conversation"),
        (ChatState.DEACTIVATED, "user is deactivated"),
    ):
        with pytest.raises(Forbidden, match=said):
            await bot.send_message(sandbox.open_chat(state=state), "Hello")
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.send_message(404, "Hello")


async def test_too_many_say_when_to_come_again(bot: Bot, sandbox: TelegramSandbox, chat: int) -> None:
    sandbox.too_many(17)
    with pytest.raises(RetryAfter) as flood:
        await bot.send_message(chat, "Hello")
    assert flood.value.retry_after == timedelta(seconds=17)
    await bot.send_message(chat, "Hello")
    with pytest.raises(RetryAfter):
        await bot.send_message(chat, "One a second")


async def test_a_group_that_moved_says_where_to(bot: Bot, sandbox: TelegramSandbox) -> None:
    group = sandbox.open_group()
    new = sandbox.upgrade(group)
    with pytest.raises(ChatMigrated) as moved:
        await bot.send_message(group, "Hello")
    assert moved.value.new_chat_id == new


async def test_a_server_that_is_away_is_a_fault_of_the_network(bot: Bot, sandbox: TelegramSandbox, chat: int) -> None:
    sandbox.down()
    with pytest.raises(NetworkError):
        await bot.send_message(chat, "Hello")


async def test_what_cannot_be_read_as_html_is_refused_with_the_place(bot: Bot, chat: int) -> None:
    with pytest.raises(BadRequest, match="Can't parse entities"):
        await bot.send_message(chat, "<b>open", parse_mode=ParseMode.HTML)
    with pytest.raises(BadRequest, match="Message text is empty"):
        await bot.send_message(chat, " ")
    with pytest.raises(BadRequest, match="Message is too long"):
        await bot.send_message(chat, "x" * 4097)


@pytest.mark.parametrize("markup", [ReplyKeyboardRemove(), ForceReply()], ids=["away with the keyboard", "force reply"])
async def test_keyboards_that_are_no_buttons_are_taken_with_a_new_message_only(
    bot: Bot, chat: int, markup: Any
) -> None:
    sent = await bot.send_message(chat, "Hello", reply_markup=markup)
    assert sent.reply_markup is None
    with pytest.raises(BadRequest, match="Inline keyboard expected"):
        await bot.edit_message_text("Hello?", chat, sent.message_id, reply_markup=markup)


async def test_a_webhook_is_set_looked_at_and_taken_away(bot: Bot, sandbox: TelegramSandbox, chat: int) -> None:
    url = "https://hub.example/in/bot"
    assert await bot.set_webhook(url, secret_token="a-secret", allowed_updates=["message"], max_connections=5)
    info = await bot.get_webhook_info()
    assert (info.url, info.max_connections, info.allowed_updates) == (url, 5, ("message",))
    sandbox.say(chat, "Hello")
    assert (await bot.get_webhook_info()).pending_update_count == 1
    with pytest.raises(Conflict):
        await bot.get_updates()
    assert await bot.delete_webhook(drop_pending_updates=True)
    assert (await bot.get_webhook_info()).url == ""
    assert await bot.get_updates() == ()
    with pytest.raises(BadRequest, match="an https url must be provided"):
        await bot.set_webhook("http://hub.example/in/bot")


async def test_what_the_webhook_brings_is_an_update_to_it(bot: Bot, sandbox: TelegramSandbox, chat: int) -> None:
    brought: list[tuple[str, Update]] = []

    async def take(request: Request) -> Response:
        secret = request.headers["X-Telegram-Bot-Api-Secret-Token"]
        brought.append((secret, Update.de_json(json.loads(await request.body()), bot)))
        return Response()

    async with serve(Starlette(routes=[Route("/hook", take, methods=["POST"])])) as url:
        await bot.set_webhook(f"{url}/hook", secret_token="a-secret")
        sandbox.press_start(chat, "token-1")
        assert await sandbox.deliver_due() == 1
    [(secret, update)] = brought
    assert secret == "a-secret"
    assert update.message is not None and update.message.text == "/start token-1"
    assert update.message.entities[0].type == "bot_command"


async def test_commands_are_set_by_language(bot: Bot) -> None:
    await bot.set_my_commands([BotCommand("orders", "My orders")])
    await bot.set_my_commands([BotCommand("orders", "Мої замовлення")], language_code="uk")
    assert [each.description for each in await bot.get_my_commands(language_code="uk")] == ["Мої замовлення"]
    assert [each.command for each in await bot.get_my_commands()] == ["orders"]


async def _until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not so():
            await asyncio.sleep(0.02)
