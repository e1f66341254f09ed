"""A fake SMSAPI.pl: one account with its sender names, points and blacklist; sending, receipts, answers, the ledger.

After the official client 2.9.7, which works against it unchanged, and the lists that other clients reproduce (dossier
of November 2026). Where it knowingly differs: there are no groups and templates but unknown ones, and how often an
unheard callback is repeated is not published (here after a minute, doubling up to an hour, for a day).
"""

import base64
import re
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from hub.clock import Clock
from hub.plugin.sandbox import Chaos, Delivery, Entry, Ledger, serve

from .sandbox_parts import is_unicode, normalised, parts

TOKEN, USERNAME, PASSWORD, SENDER = "smsapi-token-of-the-sandbox", "kavovar", "smsapi-api-password", "Sklep"
PRICE = 0.165
"""Points for one part."""
MOST_RECIPIENTS, MOST_IDX = 10_000, 255
MOST_A_MINUTE = 10
KEEPS_IDX = timedelta(hours=24)
FARTHEST = timedelta(days=90)
AGAIN, LONGEST_WAIT, GIVES_UP = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WORDS = {
    401: "NOT_FOUND", 402: "EXPIRED", 403: "SENT", 404: "DELIVERED", 405: "UNDELIVERED", 406: "FAILED",
    407: "REJECTED", 408: "UNKNOWN", 409: "QUEUE", 410: "ACCEPTED", 411: "RENEWAL", 412: "STOP",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sent(Entry):
    """A message that SMSAPI took. `key`: its `idx`; `flash`, `fast` as asked for."""

    number: str
    text: str
    sender: str
    message_id: str
    key: str = ""
    parts: int = 1
    notify_url: str = ""
    flash: bool = False
    fast: bool = False
    scheduled_at: datetime | None = None


class Refused(Exception):
    """An error of the API; `numbers`: those that were no good."""

    def __init__(self, code: int, message: str, numbers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.code, self.message, self.numbers = code, message, tuple(numbers)


@dataclass(slots=True)
class Call:
    """A callback on its way."""

    url: str
    params: Mapping[str, str]
    due_at: datetime
    first_at: datetime
    wait: timedelta = AGAIN
    tries: int = 0


@dataclass(slots=True)
class Wish:
    """What a request asks for."""

    given: Mapping[str, str]
    submitted: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    text: str = ""
    parts: int = 1
    scheduled_at: datetime | None = None

    def has(self, name: str) -> bool:
        return self.given.get(name) in ("1", "true", "True")


class SmsapiSandbox:
    """One account. Levers: `report`, `answer`, `refuse`, `points`, `blacklist`, `blocked_countries`, `senders`,
    `error_status`; `deliver_due` brings callbacks; `ledger` and `callbacks` witness, `chaos` breaks the wire."""

    def __init__(self, clock: Clock, *, token: str = TOKEN) -> None:
        self.ledger: Ledger[Sent] = Ledger()
        self.callbacks: Ledger[Delivery] = Ledger()
        self.chaos = Chaos()
        self.token = token
        self.points = 100.0
        self.senders = {SENDER, "Test"}
        self.blacklist: set[str] = set()
        self.blocked_countries: tuple[str, ...] = ("7",)
        self.error_status = 200
        """The HTTP status of errors: the real one says 200 or a 4xx."""
        self.callback = ""
        """The account's own address for receipts, as set in the panel; a message's `notify_url` goes before it."""
        self.inbox_url = ""
        """Where answers to a two-way number go, as set in the panel."""
        self.calls: list[str] = []
        self.pending: list[Call] = []
        self._clock = clock
        self._refusals: deque[Refused] = deque()
        self._attempts: dict[str, list[datetime]] = {}
        routes = [
            Route("/sms.do", self._endpoint, methods=["GET", "POST"]),
            Route("/user.do", self._endpoint, methods=["GET"]),
            Route("/sender.do", self._endpoint, methods=["GET"]),
            Route("/blacklist/phone_numbers", self._blacklist, methods=["GET", "POST", "DELETE"]),
            Route("/blacklist/phone_numbers/{id}", self._blacklist, methods=["DELETE"]),
        ]
        self.app = Starlette(routes=routes, middleware=[self.chaos.middleware()])

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Run on a free port of this machine; gives the base URL (the setting `url` of a connection)."""
        async with serve(self.app) as url:
            yield url

    # Levers.

    def refuse(self, code: int, message: str = "", times: int = 1) -> None:
        """The next calls are refused with this error."""
        self._refusals.extend([Refused(code, message or f"Error {code}")] * times)

    def report(self, *message_ids: str, status: int = 404) -> None:
        """Messages come to have this status; a callback is due, one for all that go to one address."""
        urls: dict[str, list[Sent]] = {}
        for message_id in message_ids:
            [sent] = self.ledger.where(message_id=message_id)
            urls.setdefault(sent.notify_url or self.callback, []).append(sent)
        for url, some in urls.items():
            if url:
                self._call(url, self._report(some, status))

    def answer(self, number: str, text: str) -> None:
        """Somebody answers to the two-way number."""
        now = int(self._clock.now().timestamp())
        params = {"sms_from": number, "sms_to": "48500000000", "sms_text": text, "sms_date": str(now)}
        self._call(self.inbox_url, {**params, "username": USERNAME, "MsgId": f"MO{len(self.pending) + now:022d}"})

    def next_at(self) -> datetime | None:
        """When `deliver_due` has something to do."""
        return min((each.due_at for each in self.pending), default=None)

    async def deliver_due(self) -> int:
        """Bring the callbacks that are due; returns how many were taken (HTTP 200 and the word OK)."""
        due = [each for each in self.pending if each.due_at <= self._clock.now()]
        if not due:
            return 0
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            return sum([await self._bring(client, each) for each in due])

    async def _bring(self, client: httpx.AsyncClient, call: Call) -> bool:
        call.tries += 1
        now = self._clock.now()
        try:
            answer = await client.get(call.url, params=call.params)
        except httpx.HTTPError as error:
            delivery = Delivery(now, len(self.callbacks) + 1, call.tries, call.url, error=type(error).__name__)
        else:
            number = len(self.callbacks) + 1
            delivery = Delivery(now, number, call.tries, call.url, answer.status_code, answer=answer.text[:200])
        self.callbacks.record(delivery)
        taken = delivery.status == 200 and delivery.answer == "OK"
        if taken or now - call.first_at >= GIVES_UP:
            self.pending.remove(call)
        call.due_at, call.wait = now + call.wait, min(call.wait * 2, LONGEST_WAIT)
        return taken

    def _call(self, url: str, params: Mapping[str, str]) -> None:
        now = self._clock.now()
        self.pending.append(Call(url, params, now, now))

    def _report(self, some: Sequence[Sent], status: int) -> Mapping[str, str]:
        now = str(int(self._clock.now().timestamp()))
        columns = {
            "MsgId": [each.message_id for each in some],
            "status": [str(status)] * len(some),
            "status_name": [WORDS.get(status, "UNKNOWN")] * len(some),
            "idx": [each.key for each in some],
            "donedate": [now] * len(some),
            "username": [USERNAME] * len(some),
            "to": [each.number for each in some],
            "from": [each.sender for each in some],
            "points": [str(round(PRICE * each.parts, 4)) for each in some],
            "mcc": ["260"] * len(some),
            "mnc": ["02"] * len(some),
        }
        return {name: ",".join(values) for name, values in columns.items()}

    # The wire.

    async def _endpoint(self, request: Request) -> Response:
        given = dict(request.query_params)
        async with request.form() as form:
            given.update({name: str(value) for name, value in form.items()})
        path = request.url.path.removeprefix("/")
        self.calls.append(path)
        json = given.get("format") == "json"
        try:
            self._admit(request.headers.get("authorization", ""))
            result = self._answer(path, given)
        except Refused as error:
            return self._refusal(error) if json else PlainTextResponse(f"ERROR:{error.code}")
        return JSONResponse(result) if json or path != "sms.do" else PlainTextResponse(_as_text(result))

    async def _blacklist(self, request: Request) -> Response:
        """The blacklist as a resource: an entry's id is its number."""
        self.calls.append("blacklist/phone_numbers")
        try:
            self._admit(request.headers.get("authorization", ""))
        except Refused as error:
            return self._refusal(error)
        if request.method == "POST":
            async with request.form() as form:
                number = str(form.get("phone_number", ""))
            self.blacklist.add(number)
            return JSONResponse(_entry(number), 201)
        if request.method == "DELETE":
            self.blacklist -= {request.path_params["id"]} if "id" in request.path_params else set(self.blacklist)
            return Response(status_code=204)
        return JSONResponse(
            {"size": len(self.blacklist), "collection": [_entry(each) for each in sorted(self.blacklist)]}
        )

    def _admit(self, authorization: str) -> None:
        kind, _, given = authorization.partition(" ")
        basic = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        if not (kind == "Bearer" and given == self.token) and not (kind == "Basic" and given == basic):
            raise Refused(101, "Authorization failed")
        if self._refusals:
            raise self._refusals.popleft()

    def _refusal(self, error: Refused) -> Response:
        body: dict[str, Any] = {"message": error.message, "error": error.code}
        if error.numbers:
            body["invalid_numbers"] = [
                {"number": number, "submitted_number": number, "message": message} for number, message in error.numbers
            ]
        return JSONResponse(body, self.error_status)

    def _answer(self, path: str, given: Mapping[str, str]) -> Any:
        if path == "user.do":
            return {"points": round(self.points, 4), "proCount": 0, "ecoCount": 0, "mmsCount": 0}
        if path == "sender.do":
            names = sorted(self.senders)
            return [{"sender": each, "status": "ACTIVE", "default": each == "Test"} for each in names]
        return self._delete(given["sch_del"]) if "sch_del" in given else self._send(given)

    def _delete(self, message_id: str) -> Any:
        waiting = [each for each in self.ledger.where(message_id=message_id) if each.scheduled_at]
        if not waiting:
            raise Refused(301, "Message ID not found")
        return {"count": 1, "list": [{"id": message_id}]}

    def _send(self, given: Mapping[str, str]) -> Any:
        wish = self._wish(given)
        sent = [self._one(wish, number, key) for number, key in zip(wish.numbers, wish.keys, strict=True)]
        described = {"message": wish.text, "length": len(wish.text), "parts": wish.parts} if wish.has("details") else {}
        return {"count": len(sent), **described, "list": sent}

    def _one(self, wish: Wish, number: str, key: str) -> Mapping[str, Any]:
        points, now = round(PRICE * wish.parts, 4), self._clock.now()
        message_id = f"{0x6373B0C4B3E7D1A2F0C4A1B2 + len(self.ledger):024X}"
        self._attempts.setdefault(number, []).append(now)
        if not wish.has("test"):
            self.points -= points
            self.ledger.record(
                Sent(
                    now,
                    number,
                    wish.text,
                    wish.given.get("from", "Test"),
                    message_id,
                    key,
                    wish.parts,
                    wish.given.get("notify_url", ""),
                    flash=wish.has("flash"),
                    fast=wish.has("fast"),
                    scheduled_at=wish.scheduled_at,
                )
            )
        return {
            "id": message_id,
            "points": points,
            "number": number,
            "submitted_number": number,
            "date_sent": int(now.timestamp()),
            "status": "QUEUE",
            "error": None,
            "idx": key or None,
            "parts": wish.parts,
        }

    # What is wrong with a request, in the order in which it is looked for.

    def _wish(self, given: Mapping[str, str]) -> Wish:
        wish = Wish(given)
        if given.get("group"):
            raise Refused(40, "Group not found")
        if given.get("template"):
            raise Refused(104, "No such template")
        self._numbers(wish)
        self._text(wish)
        self._sender(wish)
        self._schedule(wish)
        self._keys(wish)
        self._notify(wish)
        if not wish.has("test") and self.points < PRICE * wish.parts * len(wish.numbers):
            raise Refused(103, "Insufficient points")
        return wish

    def _numbers(self, wish: Wish) -> None:
        wish.submitted = [re.sub(r"[+ -]", "", each) for each in wish.given.get("to", "").split(",")]
        if len(wish.submitted) > MOST_RECIPIENTS:
            raise Refused(19, "Too many messages in one request")
        wrong = [
            each for each in wish.submitted if not re.fullmatch(r"[1-9][0-9]{8,14}", each) or each in self.blacklist
        ]
        if len(wrong) == len(wish.submitted):
            raise Refused(13, "No correct phonenumbers", [(each, "Invalid phone number") for each in wrong])
        wish.numbers = [each for each in wish.submitted if each not in wrong]
        if any(each.startswith(self.blocked_countries) for each in wish.numbers):
            raise Refused(112, "Sending to this country is blocked")
        since = self._clock.now() - timedelta(seconds=60)
        for number, count in Counter(wish.numbers).items():
            recent = [each for each in self._attempts.get(number, ()) if each > since]
            if len(recent) + count > MOST_A_MINUTE:
                raise Refused(52, "Too many attempts of sending messages to one number")

    def _text(self, wish: Wish) -> None:
        text = wish.given.get("message", "")
        if wish.has("normalize"):
            if wish.given.get("datacoding"):
                raise Refused(25, "Parameters normalize and datacoding must not appear in the same request")
            text = normalised(text)
        if not text or (wish.has("nounicode") and is_unicode(text)):
            raise Refused(11, "Message too long or there is no message or parameter nounicode is set")
        if wish.has("flash") and is_unicode(text):
            raise Refused(17, "Flash message cannot contain special characters")
        wish.text, wish.parts = text, parts(text)
        if wish.parts > int(wish.given.get("max_parts", "6")):
            raise Refused(12, "Message has more parts than defined in max_parts")

    def _sender(self, wish: Wish) -> None:
        if wish.given.get("from", "Test") not in self.senders:
            raise Refused(14, "Invalid sender")

    def _schedule(self, wish: Wish) -> None:
        text = wish.given.get("date")
        if not text:
            return
        try:
            unix = re.fullmatch(r"[0-9]{1,11}", text)
            at = datetime.fromtimestamp(int(text), self._clock.now().tzinfo) if unix else datetime.fromisoformat(text)
        except ValueError:
            raise Refused(54, "Invalid date") from None
        if at.tzinfo is None:
            raise Refused(54, "Invalid date")
        if at > self._clock.now() + FARTHEST:
            raise Refused(50, "Scheduled too far ahead")
        wish.scheduled_at = at

    def _keys(self, wish: Wish) -> None:
        said = wish.given["idx"].split("|") if wish.given.get("idx") else [""] * len(wish.submitted)
        if len(said) != len(wish.submitted):
            raise Refused(20, "The number of idx is not the number of recipients")
        wish.keys = [key for key, number in zip(said, wish.submitted, strict=True) if number in wish.numbers]
        if any(len(each) > MOST_IDX for each in wish.keys):
            raise Refused(30, "idx is too long")
        since = self._clock.now() - KEEPS_IDX
        used = {each.key for each in self.ledger if each.at > since and each.key}
        if wish.has("check_idx") and (used & set(wish.keys) or len(set(wish.keys)) < len(wish.keys)):
            raise Refused(53, "idx is not unique")

    def _notify(self, wish: Wish) -> None:
        url = wish.given.get("notify_url", "")
        if url and not re.fullmatch(r"https?://[^\s]+", url):
            raise Refused(70, "Invalid notify_url")
        if url and len(wish.numbers) > 1:
            raise Refused(72, "notify_url with more than one recipient")


def _entry(number: str) -> Mapping[str, Any]:
    return {"id": number, "phone_number": number, "expire_at": None, "created_at": "2026-11-02T09:00:00+00:00"}


def _as_text(result: Any) -> str:
    lines = [f"OK:{each['id']}:{each.get('points', 0)}:{each.get('number', '')}" for each in result["list"]]
    return ";".join(lines)


SANDBOX = SmsapiSandbox
"""What the demo starts."""
