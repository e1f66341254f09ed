"""A fake TurboSMS: one account with its senders, balance and stop list; sending, statuses, callbacks, and the ledger.

After `turbosms.ua/en/api.html` and the clients that reproduce its code table (dossier of November 2026). Where it
knowingly differs: it has no Viber sender (a `viber` block is refused with 400), a message costs one unit however long
it is, what is scheduled counts as sent at once, and a request of which nothing was taken may come again under its
`sequence_id`.
"""

import hashlib
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from hub.clock import Clock
from hub.plugin.sandbox import Chaos, Delivery, Entry, Ledger, WebhookSender, serve

TOKEN, SECRET, SENDER = "turbosms-token-of-the-sandbox", "turbosms-callback-secret", "SHOP"
MOST_RECIPIENTS = 5000
MOST_URL = 2000
TWIN = timedelta(seconds=90)
"""For so long an identical message to the same number is refused."""
SCHEDULE = tuple(timedelta(minutes=each) for each in (1, 3, 5, 10, 15, 20, 30, 60, 120))
"""When a callback that nobody took is tried again; then it is dropped for good."""
KYIV = ZoneInfo("Europe/Kyiv")

CALLBACK_WORDS = {
    "Delivered": "DELIVRD",
    "Read": "READ",
    "Undelivered": "UNDELIV",
    "Rejected": "REJECTD",
    "Expired": "EXPIRED",
}


@dataclass(frozen=True, slots=True)
class Sent(Entry):
    """A message that TurboSMS took. `key`: its `sequence_id`."""

    phone: str
    text: str
    sender: str
    message_id: str
    key: str = ""


@dataclass(slots=True)
class Status:
    """What became of a message."""

    phone: str
    sent: datetime
    updated: datetime
    word: str


class Refused(Exception):
    """A refusal at the top of the answer."""

    def __init__(self, code: int, name: str) -> None:
        super().__init__(name)
        self.code, self.name = code, name


class TurboSmsSandbox:
    """One account. Levers: `move`, `stop`, `bad_number`, `refuse`, `refuse_numbers`, `balance`, `callback`; `ledger`
    and `sender.ledger` witness, `chaos` breaks the wire."""

    def __init__(self, clock: Clock, *, token: str = TOKEN, secret: str = SECRET) -> None:
        self.ledger: Ledger[Sent] = Ledger()
        self.chaos = Chaos()
        self.sender = WebhookSender(clock, schedule=SCHEDULE)
        self.token, self.secret = token, secret
        self.senders = {SENDER: True, "OLDSHOP": False}
        """Name → whether it is active."""
        self.balance = 2106.42
        self.stop_list: set[str] = set()
        self.bad_numbers: set[str] = set()
        self.countries = ("380", "48")
        self.callback = ""
        """Where callbacks go, as set in the panel; empty: nowhere."""
        self.id_first = False
        """Whether the signature is over id and secret instead of secret and id: the page does not say."""
        self.calls: list[str] = []
        self.statuses: dict[str, Status] = {}
        self._clock = clock
        self._answers: dict[str, Any] = {}
        self._refusals: deque[Refused] = deque()
        self._number_refusals: deque[Refused] = deque()
        self._events = 0
        self.app = Starlette(
            routes=[Route("/{module}/{method}", self._endpoint, methods=["GET", "POST"])],
            middleware=[self.chaos.middleware()],
        )

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Run on a free port of this machine; gives the base URL (the setting `url` of a connection)."""
        async with serve(self.app) as url:
            try:
                yield url
            finally:
                await self.sender.aclose()

    # Levers.

    def refuse(self, code: int, name: str, times: int = 1) -> None:
        """The next calls are refused with this code."""
        self._refusals.extend([Refused(code, name)] * times)

    def refuse_numbers(self, code: int, name: str, times: int = 1) -> None:
        """The next numbers are refused with this code, inside an answer that is a success."""
        self._number_refusals.extend([Refused(code, name)] * times)

    def stop(self, phone: str) -> None:
        """The owner of a number wants no more messages."""
        self.stop_list.add(_digits(phone))

    def bad_number(self, phone: str) -> None:
        """A number that looks right and does not exist."""
        self.bad_numbers.add(_digits(phone))

    async def move(self, message_id: str, word: str) -> Delivery | None:
        """A message comes to be `Delivered`, `Undelivered` …; a callback tells it, where there is one."""
        status = self.statuses[message_id]
        status.word, status.updated = word, self._clock.now()
        if not self.callback or word not in CALLBACK_WORDS:
            return None
        return await self.call_back(message_id, CALLBACK_WORDS[word])

    async def call_back(self, message_id: str, word: str) -> Delivery:
        """Tell the callback a status, signed."""
        self._events += 1
        event_id = f"evt-{self._events:04x}"
        told = {"message_id": message_id, "status": word, "dlr_date": _time(self._clock.now())}
        event = {"id": event_id, "type": "dlr", "try": 1, "signature": self.signature(event_id), "data": told}
        return await self.sender.send(self.callback, json.dumps(event).encode())

    def signature(self, event_id: str) -> str:
        """SHA-1 over the secret and an event's id."""
        parts = (event_id, self.secret) if self.id_first else (self.secret, event_id)
        return hashlib.sha1("".join(parts).encode()).hexdigest()

    # The wire.

    async def _endpoint(self, request: Request) -> JSONResponse:
        method = f"{request.path_params['module']}/{request.path_params['method'].removesuffix('.json')}"
        self.calls.append(method)
        try:
            code, name, result = self._answer(method, request, await _data(request))
        except Refused as error:
            code, name, result = error.code, error.name, None
        return JSONResponse({"response_code": code, "response_status": name, "response_result": result})

    def _answer(self, method: str, request: Request, data: dict[str, Any]) -> tuple[int, str, Any]:
        self._admit(request, data)
        if method.endswith("/ping"):
            return 1, "PONG", None
        if self._refusals:
            raise self._refusals.popleft()
        known: dict[str, Callable[[dict[str, Any]], tuple[int, str, Any]]] = {
            "message/send": self._send,
            "message/status": self._status,
            "user/balance": lambda _: (0, "OK", {"balance": round(self.balance, 2)}),
        }
        if method not in known:
            raise Refused(300, "INVALID_REQUEST")
        return known[method](data)

    def _admit(self, request: Request, data: dict[str, Any]) -> None:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        token = given if kind in ("Bearer", "Basic") else data.get("token", request.query_params.get("token", ""))
        if not token:
            raise Refused(103, "REQUIRED_TOKEN")
        if token != self.token:
            raise Refused(301, "INVALID_TOKEN")

    def _send(self, data: dict[str, Any]) -> tuple[int, str, Any]:
        key = str(data.get("sequence_id") or "")
        if key in self._answers:
            return 507, "FAILED_DUPLICATE_REQUEST", self._answers[key]
        phones, sender, text = self._wish(data)
        seen: set[str] = set()
        told = []
        for phone in phones:
            told.append(self._one(phone, sender, text, key, twice=phone in seen))
            seen.add(phone)
        taken = sum(each["message_id"] is not None for each in told)
        if key and taken:
            self._answers[key] = told
        if taken == len(told):
            return 800, "SUCCESS_MESSAGE_ACCEPTED", told
        if taken:
            return 802, "SUCCESS_MESSAGE_PARTIAL_ACCEPTED", told
        return 0, "OK", told

    def _wish(self, data: dict[str, Any]) -> tuple[list[str], str, str]:
        """Recipients, sender and text of a request that is right; `Refused` else."""
        block = data.get("sms")
        if data.get("viber"):
            raise Refused(400, "NOT_ALLOWED_MESSAGE_SENDER")
        if not isinstance(block, dict):
            raise Refused(104, "REQUIRED_CONTENT")
        phones = data.get("recipients")
        if not isinstance(phones, list) or not phones:
            raise Refused(202, "REQUIRED_MESSAGE_RECIPIENT")
        if len(phones) > MOST_RECIPIENTS:
            raise Refused(405, "NOT_ALLOWED_RECIPIENTS_LIMIT")
        sender, text = (str(block.get(each) or data.get(each) or "") for each in ("sender", "text"))
        self._check(sender, text, data.get("start_time"))
        if self.balance < len(phones):
            raise Refused(203, "REQUIRED_BALANCE")
        return [str(each) for each in phones], sender, text

    def _check(self, sender: str, text: str, start_time: Any) -> None:
        if not sender:
            raise Refused(200, "REQUIRED_MESSAGE_SENDER")
        if not text:
            raise Refused(201, "REQUIRED_MESSAGE_TEXT")
        if len(sender) > 11:
            raise Refused(302, "INVALID_MESSAGE_SENDER")
        if sender not in self.senders:
            raise Refused(400, "NOT_ALLOWED_MESSAGE_SENDER")
        if not self.senders[sender]:
            raise Refused(401, "NOT_ALLOWED_MESSAGE_SENDER_NOT_ACTIVE")
        if start_time is not None and not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", str(start_time)):
            raise Refused(303, "INVALID_START_TIME")

    def _one(self, phone: str, sender: str, text: str, key: str, *, twice: bool) -> dict[str, Any]:
        try:
            self._check_number(phone, sender, text, twice=twice)
        except Refused as error:
            return _told(phone, error.code, None, error.name)
        now = self._clock.now()
        message_id = str(UUID(int=0x1CB60453_659A_430D_5384_000000000000 + len(self.ledger) + 1))
        self.balance -= 1
        self.statuses[message_id] = Status(phone, now, now, "In Queue")
        self.ledger.record(Sent(now, phone, text, sender, message_id, key))
        return _told(phone, 0, message_id, "OK")

    def _check_number(self, phone: str, sender: str, text: str, *, twice: bool) -> None:
        if self._number_refusals:
            raise self._number_refusals.popleft()
        if not re.fullmatch(r"[1-9][0-9]{9,14}", phone) or phone in self.bad_numbers:
            raise Refused(305, "INVALID_PHONE")
        if phone in self.stop_list:
            raise Refused(404, "NOT_ALLOWED_NUMBER_STOPLIST")
        if not phone.startswith(self.countries):
            raise Refused(406, "NOT_ALLOWED_RECIPIENT_COUNTRY")
        if twice:
            raise Refused(407, "NOT_ALLOWED_RECIPIENT_DUPLICATE")
        since = self._clock.now() - TWIN
        if any(each.at > since for each in self.ledger.where(phone=phone, sender=sender, text=text)):
            raise Refused(427, "NOT_ALLOWED_MESSAGE_DUPLICATE")

    def _status(self, data: dict[str, Any]) -> tuple[int, str, Any]:
        ids = data.get("messages")
        if not isinstance(ids, list) or not ids:
            raise Refused(307, "INVALID_MESSAGE_ID")
        return 0, "OK", [self._status_of(str(each)) for each in ids]

    def _status_of(self, message_id: str) -> dict[str, Any]:
        status = self.statuses.get(message_id)
        if status is None:
            return {"message_id": message_id, "response_code": 307, "response_status": "INVALID_MESSAGE_ID"}
        return {
            "message_id": message_id,
            "recipient": status.phone,
            "sent": _time(status.sent),
            "updated": _time(status.updated),
            "status": status.word,
            "type": "sms",
            "rejected_status": None,
            "click_time": None,
            "response_code": 0,
            "response_status": "OK",
        }


async def _data(request: Request) -> dict[str, Any]:
    """What a call brings: from the query, a form or a JSON body; `Refused` where it cannot be read."""
    if len(str(request.url)) > MOST_URL:
        raise Refused(300, "INVALID_REQUEST")
    if request.headers.get("content-type", "").partition(";")[0] == "application/json":
        try:
            body = json.loads(await request.body() or b"{}")
        except ValueError:
            raise Refused(502, "FAILED_PARSE_BODY") from None
        if not isinstance(body, dict):
            raise Refused(502, "FAILED_PARSE_BODY")
        return body
    if request.method == "GET":
        return _nested(list(request.query_params.multi_items()))
    async with request.form() as form:
        return _nested([(name, str(value)) for name, value in form.multi_items()])


def _nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """PHP's way to write structures in a form: `recipients[0]=…&sms[text]=…`."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        match = re.fullmatch(r"(\w+)\[(\w*)\]", name)
        if match is None:
            found[name] = value
        elif match[2].isdigit() or not match[2]:
            found.setdefault(match[1], []).append(value)
        else:
            found.setdefault(match[1], {})[match[2]] = value
    return found


def _told(phone: str, code: int, message_id: str | None, name: str) -> dict[str, Any]:
    return {"phone": phone, "response_code": code, "message_id": message_id, "response_status": name}


def _digits(phone: str) -> str:
    return re.sub(r"\D", "", phone)


def _time(at: datetime) -> str:
    return at.astimezone(KYIV).strftime("%Y-%m-%d %H:%M:%S")


SANDBOX = TurboSmsSandbox
"""What the demo starts."""
