"""A fake Bot API server for one bot: the methods, the levers that move people, the faults, and the ledger.

It follows Bot API 10.3 (JSON, forms and queries alike). Where it knowingly differs: a long poll answers at once,
a webhook may be plain http on this machine, and the pace per chat is strict, while the real one lets bursts through.
"""

import itertools
import json
import re
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.clock import Clock
from hub.plugin.sandbox import Chaos, serve

from .sandbox_api import BotApi, Pending, Result, Webhook
from .sandbox_world import ApiError, Chat, ChatState, Key, Params, Seen, Sent

__all__ = ["ApiError", "Chat", "ChatState", "Key", "Seen", "Sent", "TelegramSandbox"]

TOKEN = "123456789:AAE-test_token_value_0000000000000000"
MAX_DELAY = timedelta(minutes=1)
"""Between two tries to deliver a webhook; the real schedule is not published (it begins with a second and doubles)."""


class TelegramSandbox(BotApi):
    """One bot's server. `pace=False` switches the limit of one message a second and chat off."""

    def __init__(
        self, clock: Clock, *, token: str = TOKEN, username: str = "shop_orders_bot", pace: bool = True
    ) -> None:
        super().__init__(clock, token=token, username=username, pace=pace)
        self.chaos = Chaos()
        route = Route("/bot{token}/{method}", self._endpoint, methods=["GET", "POST"])
        self.app = Starlette(routes=[route], middleware=[self.chaos.middleware()])
        self.calls: list[str] = []
        self._refusals: deque[ApiError] = deque()
        self._next_chat = 501_112_233

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Run on a free port of this machine; gives the base URL (the setting `url` of a connection)."""
        async with serve(self.app) as url:
            yield url

    # People: what they do in their app.

    def open_chat(
        self, name: str = "Анна", *, language: str = "uk", username: str = "", state: ChatState = ChatState.OPEN
    ) -> int:
        """A person with a private chat; returns its id. Not started, blocked and deactivated ones may be preset."""
        self._next_chat += 1
        self.chats[self._next_chat] = Chat(self._next_chat, name, language=language, username=username, state=state)
        return self._next_chat

    def open_group(self, title: str = "Зміна", *, username: str = "") -> int:
        """A group that the bot is a member of; its id is negative."""
        self._next_chat += 1
        number = -self._next_chat
        self.chats[number] = Chat(number, title, type="group", username=username)
        return number

    def press_start(self, chat: int, payload: str = "") -> int:
        """START, with what the deep link carried; who had blocked the bot unblocks it so. Returns the update's id."""
        if payload and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", payload):
            raise ValueError("a deep link carries 1 to 64 of A-Z a-z 0-9 _ -")
        if self.chats[chat].state is ChatState.BLOCKED:
            self.unblock(chat)
        self.chats[chat].state = ChatState.OPEN
        return self.say(chat, f"/start {payload}".strip())

    def follow(self, chat: int, link: str) -> int:
        """Open a `https://t.me/<bot>?start=…` link and press START."""
        parts = urlsplit(link)
        if parts.hostname != "t.me" or parts.path.strip("/").casefold() != self.username.casefold():
            raise ValueError("the link does not lead to this bot")
        return self.press_start(chat, parse_qs(parts.query).get("start", [""])[0])

    def say(self, chat: int, text: str) -> int:
        """Write to the bot. Returns the update's id."""
        here = self._awake(chat)
        message = self.message_json(here, here.put(text, self.clock.now(), own=True))
        if text.startswith("/"):
            message["entities"] = [{"offset": 0, "length": len(text.split()[0]), "type": "bot_command"}]
        return self.queue("message", chat, message)

    def share_contact(self, chat: int, phone: str) -> int:
        """Send one's own phone number. Returns the update's id."""
        here = self._awake(chat)
        message = self.message_json(here, here.put("", self.clock.now(), own=True))
        del message["text"]
        contact = {"phone_number": phone, "first_name": here.name, "user_id": chat}
        return self.queue("message", chat, {**message, "contact": contact})

    def press(self, chat: int, message_id: int, data: str, *, forged: bool = False) -> str:
        """Press the button with this data; `forged`: a client that sends data no button has. Returns the query's id."""
        here = self._awake(chat)
        seen = here.screen[message_id]
        if not forged and not any(key.data == data for row in seen.keys for key in row):
            raise ValueError("there is no such button")
        return self.ask(here, seen, data)

    def block(self, chat: int) -> int:
        """Stop the bot for good. Returns the update's id."""
        self.chats[chat].state = ChatState.BLOCKED
        return self._membership(chat, "member", "kicked")

    def unblock(self, chat: int) -> int:
        """Let the bot in again. Returns the update's id."""
        self.chats[chat].state = ChatState.OPEN
        return self._membership(chat, "kicked", "member")

    def deactivate(self, chat: int) -> None:
        """The person deletes the account."""
        self.chats[chat].state = ChatState.DEACTIVATED

    def kick(self, group: int) -> None:
        """The bot is put out of a group."""
        self.chats[group].state = ChatState.KICKED

    def upgrade(self, group: int) -> int:
        """A group becomes a supergroup; returns its new id."""
        old = self.chats[group]
        new = -1_000_000_000_000 + group
        self.chats[new] = Chat(new, old.name, type="supergroup", username=old.username)
        old.state, old.moved_to = ChatState.UPGRADED, new
        return new

    def restart_numbers(self, start: int) -> None:
        """A week of silence is over: Telegram numbers its updates anew."""
        self._update_ids = itertools.count(start)

    def screen(self, chat: int) -> tuple[Seen, ...]:
        """What stands in a chat now, as its person sees it."""
        return tuple(self.chats[chat].screen.values())

    def _awake(self, chat: int) -> Chat:
        here = self.chats[chat]
        if here.state is ChatState.NOT_STARTED:
            here.state = ChatState.OPEN
        if here.state is not ChatState.OPEN:
            raise ValueError(f"this chat is {here.state}")
        return here

    def _membership(self, chat: int, before: str, after: str) -> int:
        here = self.chats[chat]
        change = {"chat": here.as_json(), "from": here.user(), "date": int(self.clock.now().timestamp())}
        old, new = (
            {"user": self.bot(), "status": status, **({"until_date": 0} if status == "kicked" else {})}
            for status in (before, after)
        )
        return self.queue("my_chat_member", chat, {**change, "old_chat_member": old, "new_chat_member": new})

    # Faults: the next requests go wrong (`chaos` has more of them, for the whole wire).

    def down(self, times: int = 1, status: int = 502) -> None:
        """The server is away: a proxy's page instead of the API."""
        self.chaos.fail(status, times, body=f"<html><h1>{status}</h1></html>")

    def refuse(self, status: int, description: str, *, times: int = 1, **parameters: int) -> None:
        """The API refuses with these words."""
        self._refusals.extend([ApiError(status, description, **parameters)] * times)

    def too_many(self, retry_after: int, times: int = 1) -> None:
        """Flood control."""
        self.refuse(429, f"Too Many Requests: retry after {retry_after}", times=times, retry_after=retry_after)

    # The wire.

    async def _endpoint(self, request: Request) -> Response:
        method = request.path_params["method"]
        self.calls.append(method)
        try:
            self._admit(request.path_params["token"])
            result = self.call(method, await _params(request))
        except ApiError as error:
            return _refusal(error)
        described = {"description": result.description} if result.description else {}
        return JSONResponse({"ok": True, "result": result.value, **described})

    def _admit(self, token: str) -> None:
        if self._refusals:
            raise self._refusals.popleft()
        if not re.fullmatch(r"[0-9]+:[A-Za-z0-9_-]+", token):
            raise ApiError(404, "Not Found")
        if token != self.token:
            raise ApiError(401, "Unauthorized")

    async def deliver_due(self) -> int:
        """Deliver the updates that are due to the webhook; returns how many were taken. The updates of one chat keep
        their order: one that failed holds the later ones of its chat back."""
        self.forget_old()
        hook, taken, held = self.webhook, 0, set[int]()
        if hook is None or all(each.due > self.clock.now() for each in self.pending):
            return 0  # making a client takes tens of milliseconds
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            for pending in list(self.pending):
                if pending.chat in held or pending.due > self.clock.now():
                    held.add(pending.chat)
                elif await self._post(client, hook, pending):
                    self.pending.remove(pending)
                    taken += 1
                else:
                    held.add(pending.chat)
        return taken

    async def _post(self, client: httpx.AsyncClient, hook: Webhook, pending: Pending) -> bool:
        headers = {"X-Telegram-Bot-Api-Secret-Token": hook.secret} if hook.secret else {}
        try:
            answer = await client.post(hook.url, json=pending.update, headers=headers)
        except httpx.HTTPError:
            return self._later(pending, "Webhook connection closed")
        if not answer.is_success:
            reason = f"{answer.status_code} {answer.reason_phrase}"
            return self._later(pending, f"Wrong response from the webhook: {reason}", answer.headers.get("retry-after"))
        self._call_in(answer)
        return True

    def _later(self, pending: Pending, error: str, asked: str | None = None) -> bool:
        self.note_failure(error)
        if pending.fails:
            pending.delay = min(pending.delay * 2, MAX_DELAY)
        wait = timedelta(seconds=int(asked)) if asked and asked.isdigit() else pending.delay
        pending.due, pending.fails = self.clock.now() + wait, pending.fails + 1
        return False

    def _call_in(self, answer: httpx.Response) -> Result | None:
        """A method call in the answer to a webhook; nobody hears what became of it."""
        try:
            body = answer.json()
        except ValueError:
            return None
        method = str(body.get("method", "")).casefold() if isinstance(body, dict) else ""
        if not method or method.startswith("get") or method in ("setwebhook", "deletewebhook"):
            return None
        try:
            return self.call(method, Params(body))
        except ApiError:
            return None


async def _params(request: Request) -> Params:
    """Parameters from the query and the body, whichever encoding it has."""
    values: dict[str, Any] = dict(request.query_params)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if kind == "application/json":
        try:
            body = json.loads(await request.body() or b"{}")
        except (ValueError, RecursionError):
            raise ApiError(400, "Bad Request: can't parse JSON object") from None
        if not isinstance(body, dict):
            raise ApiError(400, "Bad Request: can't parse JSON object")
        values.update(body)
    elif kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        async with request.form() as form:
            values.update({name: value for name, value in form.items() if isinstance(value, str)})
    return Params(values)


def _refusal(error: ApiError) -> Response:
    body: dict[str, Any] = {"ok": False, "error_code": error.status, "description": error.description}
    if error.parameters:
        body["parameters"] = error.parameters
    return JSONResponse(body, error.status)


SANDBOX = TelegramSandbox
"""What the demo starts."""
