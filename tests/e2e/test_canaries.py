"""Nothing personal and no secret is logged, counted or answered, whatever goes wrong: canaries are put wherever
people's data and secrets belong, every logger speaks at its loudest, and no canary may be heard.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hub.flows.load import load_config
from hub.messages import Texts, check_text
from hub.plugin import Adapter, UnreadableError
from hub.plugin.registry import Registry
from hub.runtime.hub import Hub, build_unpaced_adapter
from hub.store import tables
from hub.web.app import build_app

from .test_webhook_door import sign
from .town import Town, town

FIRST, LAST, LATIN = "Канарка", "Співоча", "Kanarka Spivocha"
MAIL = "kanarka.spivocha@canary.example"
PHONES = ("+380971234567", "380971234567", "097 123-45-67", "(097) 123 45 67")
STREET, CITY, POSTCODE = "вул. Пташина 17б", "Жовтогрядка", "98765"
NOTE, GIFT, CHAT, TAG = "код домофона 4711Ж", "CANARY-GIFT-WORDS", "мій номер телефону знову", "canary-tag-anna"
STAFF_MAIL, STAFF_NAME, STAFF_NOTE = "olena@kavovar.example", "iryna@kavovar.example", "дзвонила, буде о шостій"
NUMBER = "20450999123456"
SECRET_NOTE = "CANARY-IN-A-BODY"

PEOPLE = (
    FIRST, LAST, LATIN, MAIL, MAIL.partition("@")[0], MAIL.upper(), *PHONES, "0971234567", "971234567", STREET,
    STREET.removeprefix("вул. "), CITY, POSTCODE, NOTE, GIFT, CHAT, TAG, STAFF_MAIL, STAFF_NAME, STAFF_NOTE,
    SECRET_NOTE,
)  # fmt: skip


class Ear(logging.Handler):
    """Hears every record of every logger, with its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[str] = []
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(self.format(record))


@pytest.fixture
def ear() -> Iterator[Ear]:
    """At debug level, all loggers that there are and that there will be."""
    root, ear = logging.getLogger(), Ear()
    known = [each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    levels = [(each, each.level) for each in (root, *known)]
    for each, _ in levels:
        each.setLevel(logging.DEBUG)
    root.addHandler(ear)
    yield ear
    root.removeHandler(ear)
    for each, level in levels:
        each.setLevel(level)


@dataclass
class Watch:
    """A town with canaries in it, and all that was said out loud."""

    town: Town
    ear: Ear
    answers: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    order: str = ""

    def canaries(self) -> list[str]:
        """In every spelling in which they could slip through."""
        it = self.town
        secrets = [it.shop.client_secret, it.np.key, it.telegram.token, it.telegram.token.partition(":")[2]]
        secrets += [each.value for each in it.shop.tokens.tokens] if hasattr(it.shop.tokens, "tokens") else []
        plain = [*PEOPLE, *secrets, *self.tokens]
        return [spelt for each in plain for spelt in {each, json.dumps(each)[1:-1], quote(each), repr(each)[1:-1]}]

    def listen(self, said: Sequence[str]) -> list[tuple[str, str]]:
        """(canary, where it was heard)."""
        canaries = self.canaries()
        return [(each, text) for text in said for each in canaries if each in text]

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask the hub something; the answer is listened to."""
        async with httpx.AsyncClient(base_url=self.town.base) as client:
            answer = await client.request(method, path, **more)
        self.answers.append(f"{answer.status_code} {answer.headers} {answer.text}")
        return answer

    async def order_now(self, **more: Any) -> str:
        """An order full of canaries."""
        given: dict[str, Any] = {
            "name": f"{FIRST} {LAST}", "email": MAIL, "phone": PHONES[0], "gateway": "shopify_payments",
            "address": {"name": LATIN, "address1": STREET, "city": CITY, "zip": POSTCODE, "phone": PHONES[2],
                        "country_code": "UA"},
            "note": f"{NOTE} {PHONES[3]}", "attributes": {"gift": GIFT}, "tags": [TAG],
        }  # fmt: skip
        self.order = self.town.shop.shop.create_order(**{**given, **more})
        await self.town.advance(minutes=5)
        return self.order

    async def ship(self) -> None:
        it = self.town
        it.np.create(NUMBER, recipient_phone=PHONES[1], recipient_name=f"{LAST} {FIRST}", city=CITY)
        it.shop.shop.fulfil(self.order, NUMBER, "Nova Poshta")
        await it.advance(minutes=10)

    async def link_chat(self) -> int:
        """The customer opens the deep link of the first mail."""
        it = self.town
        word = next(word for word in it.smtp.ledger[0].text.split() if word.startswith("https://t.me/"))
        self.tokens.add(word.partition("start=")[2])
        chat = it.telegram.open_chat(FIRST, username="canary-tag-anna")
        it.telegram.follow(chat, word)
        await it.advance(minutes=1)
        return chat


@asynccontextmanager
async def watched(folder: Path, ear: Ear) -> AsyncIterator[Watch]:
    async with town(folder) as it:
        yield Watch(it, ear)


# ------------------------------------------------------------------------------------------------ what goes on


async def a_whole_life(watch: Watch) -> None:
    it = watch.town
    await watch.order_now(paid=True)
    chat = await watch.link_chat()
    it.telegram.say(chat, CHAT)
    await watch.ship()
    it.np.move(NUMBER, "5")
    await it.advance(hours=5)
    it.np.arrive(NUMBER)
    await it.advance(hours=26)
    it.np.hand_over(NUMBER)
    await it.advance(hours=5)
    assert await it.headline() == "delivered"


async def a_mailbox_that_is_refused_by_name(watch: Watch) -> None:
    local = MAIL.partition("@")[0]
    watch.town.smtp.answer(local, "RCPT", f"550 5.1.1 <{MAIL}>: no mailbox of {LATIN} here, call {PHONES[0]}")
    await watch.order_now()
    await watch.town.advance(hours=1)


async def a_mail_server_in_trouble(watch: Watch) -> None:
    smtp = watch.town.smtp
    smtp.fail_next("CONNECT", f"421 4.3.2 not now {MAIL}", 2)
    smtp.fail_next("DOT", f"451 4.3.0 cannot keep the mail for {MAIL}", 2)
    smtp.fail_next("MAIL", f"535 5.7.8 not allowed: {STAFF_MAIL}", 1)
    await watch.order_now()
    await watch.town.advance(hours=3)


async def an_answer_that_is_lost(watch: Watch) -> None:
    from plugins.channels.smtp.sandbox import Act

    watch.town.smtp.answer(MAIL.partition("@")[0], "DOT", Act.DROP)
    await watch.order_now()
    await watch.town.advance(hours=1)


async def a_chat_that_fails_in_every_way(watch: Watch) -> None:
    it = watch.town
    await watch.order_now()
    chat = await watch.link_chat()
    it.telegram.down(times=3)
    it.telegram.too_many(30, times=1)
    it.telegram.refuse(400, f"Bad Request: cannot write to {FIRST} ({PHONES[0]})", times=1)
    it.telegram.refuse(401, f"Unauthorized: {it.telegram.token}", times=1)
    it.telegram.share_contact(chat, PHONES[0])
    it.shop.shop.pay(watch.order)
    await it.advance(hours=1)
    it.telegram.block(chat)
    it.shop.shop.cancel(watch.order)
    await it.advance(hours=1)


async def hostile_webhooks(watch: Watch) -> None:
    body = json.dumps({"id": 1, "email": MAIL, "phone": PHONES[0], "note": SECRET_NOTE}).encode()
    header, secret = "X-Shopify-Hmac-Sha256", watch.town.shop.client_secret
    for headers in ({}, {header: secret}, {header: sign(body, "wrong"), "X-Note": MAIL}, {header: MAIL}):
        await watch.ask("POST", "/in/main-shop", content=body, headers=headers)
    for nonsense in (body, body[:-1], body + b"}", b"[" * 99_999, body.decode().encode("utf-16")):
        await watch.ask("POST", "/in/main-shop", content=nonsense, headers={header: sign(nonsense)})
    for path in ("bot", "mail", "nova-poshta", "nobody", quote(MAIL), f"bot/{watch.town.telegram.token}"):
        await watch.ask("POST", f"/in/{path}", content=body, headers={"X-Telegram-Bot-Api-Secret-Token": MAIL})
    await watch.ask("POST", "/in/main-shop", content=b"x" * 5_000_000)
    await watch.town.settle()
    assert len(await watch.town.rows(tables.inbox, tables.inbox.c.state == 9)) == 5


async def links_good_and_bad(watch: Watch) -> None:
    it = watch.town
    await watch.order_now()
    await watch.ship()
    it.np.move(NUMBER, "105")
    await it.advance(hours=3)
    mail = next(mail for mail in it.smtp.ledger if STAFF_MAIL in mail.to)
    link = next(word for word in mail.text.split() if "/e/" in word).removeprefix(it.base)
    watch.tokens.add(link.removeprefix("/e/"))
    assert (await watch.ask("POST", link, data={"do": "take"})).status_code == 200
    done = await watch.ask("POST", link, data={"do": "resolve", "note": STAFF_NOTE})
    assert done.status_code == 200
    for path in (f"/e/{quote(MAIL)}", f"/u/{quote(LATIN)}", f"/{quote(PHONES[0])}", "/e/" + "A" * 27):
        assert (await watch.ask("GET", path)).status_code == 404
    for path in ("/e/x", "/u/x"):
        await watch.ask("POST", path, data={"do": MAIL})
    await watch.ask(
        "POST", link, content=b"--x\r\n" + MAIL.encode(), headers={"content-type": "multipart/form-data; boundary=x"}
    )


async def a_carrier_that_says_too_much(watch: Watch) -> None:
    it = watch.town
    await watch.order_now()
    it.np.refuse_next(f"API key {it.np.key} is expired, call {PHONES[0]}", code="20000200068", times=1)
    await watch.ship()
    it.np.refuse_next(f"Document for {PHONES[1]} not found", times=2)
    await it.advance(hours=2)
    it.np.chaos.fail(500, 2, body=f"<html>{MAIL}</html>")
    it.np.chaos.garble(1)
    it.np.chaos.reset(1)
    it.np.move(NUMBER, "777")
    await it.advance(hours=9)


async def a_shop_in_trouble(watch: Watch) -> None:
    it = watch.town
    await watch.order_now()
    it.shop.chaos.fail(401, 2, body=json.dumps({"errors": f"bad secret {it.shop.client_secret}"}))
    it.shop.chaos.fail(500, 2, body=MAIL)
    it.shop.chaos.garble(2)
    await it.advance(hours=20)
    it.shop.shop.set_note(watch.order, f"{NOTE} {MAIL}")
    it.shop.shop.delete(watch.order)
    await it.advance(hours=1)


async def a_database_that_is_damaged(watch: Watch) -> None:
    it = watch.town
    await watch.order_now()
    await it.hub.db.write(lambda connection: connection.exec_driver_sql("ALTER TABLE facts RENAME TO facts_gone"))
    await post_order(watch)
    await it.hub.db.write(lambda connection: connection.exec_driver_sql("ALTER TABLE facts_gone RENAME TO facts"))
    await it.advance(minutes=5)
    await it.hub.db.write(lambda connection: connection.exec_driver_sql("ALTER TABLE inbox RENAME TO inbox_gone"))
    answer = await post_order(watch)
    assert answer.status_code == 503
    await it.hub.db.write(lambda connection: connection.exec_driver_sql("ALTER TABLE inbox_gone RENAME TO inbox"))
    await it.advance(minutes=5)


def only_reads(hub: Hub, wish: str) -> None:
    connection = hub.db.writer.raw_connection()
    connection.cursor().execute(f"PRAGMA query_only={wish}").close()
    connection.close()


async def a_database_that_only_reads(watch: Watch) -> None:
    it = watch.town
    await watch.order_now()
    await asyncio.to_thread(only_reads, it.hub, "ON")
    assert (await post_order(watch)).status_code == 503
    it.hub.engine.wake_all()
    for _ in range(20):
        await asyncio.sleep(0.005)
    await asyncio.to_thread(only_reads, it.hub, "OFF")
    await it.advance(minutes=5)


async def post_order(watch: Watch) -> httpx.Response:
    """The order again, as the shop would tell a change of it; sent by hand, so that the hub need not come to rest."""
    it = watch.town
    it.shop.lose_next(9)
    it.shop.shop.set_note(watch.order, f"{NOTE} {len(watch.answers)}")
    body = json.dumps(it.shop.bodies.order(it.shop.shop.find(watch.order))).encode()
    answer = await watch.ask("POST", "/in/main-shop", content=body, headers={"X-Shopify-Hmac-Sha256": sign(body)})
    for _ in range(40):
        await asyncio.sleep(0.005)
    return answer


async def a_fault_of_our_own(watch: Watch) -> None:
    async def boom(request: Request) -> Response:
        raise RuntimeError(f"no such thing: {MAIL} {PHONES[0]} {request.query_params}")

    watch.town.door.app = build_app(watch.town.hub, [Route("/boom", boom)])
    assert (await watch.ask("GET", f"/boom?{MAIL}")).status_code == 500


async def a_restart_with_another_table(watch: Watch) -> None:
    it = watch.town
    await watch.order_now()
    await watch.ship()
    it.np.move(NUMBER, "777")
    await it.advance(hours=3)
    await it.restart(("flows:\n", 'statuses: {nova-poshta: {"777": shipment.problem}}\nflows:\n'))
    await it.advance(hours=1)


def saying(base: type[Adapter[Any]], **methods: Any) -> type[Adapter[Any]]:
    return type(base.__name__, (base,), methods)


def loudly(error: Callable[[str], Exception]) -> Callable[..., Any]:
    """A method that fails and says in its error all that it was given."""

    def fail(self: Any, *given: Any) -> Any:
        everything = [getattr(each, "body", each) for each in given]
        raise error(f"{everything} {self.settings!r} {MAIL} {SECRET_NOTE}")

    return fail


def loudly_later(error: Callable[[str], Exception]) -> Callable[..., Any]:
    fail = loudly(error)

    async def later(self: Any, *given: Any) -> Any:
        return fail(self, *given)

    return later


async def with_adapters(watch: Watch, **methods: dict[str, Any]) -> None:
    """Start the hub anew, with these methods in these connections' adapters."""
    it = watch.town
    await it.hub.stop()
    texts, _ = Texts.load(None)
    config = load_config(it.path, Registry.load(), it.env(), texts=texts, check_text=check_text).config
    assert config is not None
    connections = {
        name: replace(each, adapter=saying(each.adapter, **methods.get(name.replace("-", "_"), {})))
        for name, each in config.connections.items()
    }
    it.hub = Hub(
        replace(config, connections=connections),
        texts,
        clock=it.clock,
        jitter=False,
        make_adapter=build_unpaced_adapter,
    )
    it.door.app = build_app(it.hub)
    await it.hub.start(ticking=False)
    await it.settle()


async def plugins_that_cannot_read(watch: Watch) -> None:
    await watch.order_now()
    await with_adapters(
        watch, main_shop={"normalise": loudly(RuntimeError)}, nova_poshta={"normalise": loudly(UnreadableError)}
    )
    await watch.ship()
    await watch.town.advance(hours=2)


async def plugins_that_cannot_ask(watch: Watch) -> None:
    await watch.order_now()
    for error in (RuntimeError, UnreadableError, KeyError):
        await with_adapters(
            watch,
            main_shop={"poll": loudly_later(error), "fetch": loudly_later(error), "register": loudly_later(error)},
            nova_poshta={"track": loudly_later(error)},
            bot={"poll": loudly_later(error)},
        )
        await watch.ship() if error is RuntimeError else None
        await watch.town.advance(hours=13)


async def plugins_that_cannot_send(watch: Watch) -> None:
    await with_adapters(watch, mail={"send": loudly_later(RuntimeError)})
    await watch.order_now()
    await watch.town.advance(hours=1)
    await with_adapters(watch, mail={"send": loudly_later(lambda text: UnicodeError(text))})
    await watch.order_now()
    await watch.town.advance(hours=1)


async def plugins_that_cannot_verify(watch: Watch) -> None:
    await with_adapters(watch, main_shop={"verify": loudly(RuntimeError)}, bot={"verify": loudly(ValueError)})
    body = json.dumps({"email": MAIL}).encode()
    for path in ("main-shop", "bot"):
        assert (await watch.ask("POST", f"/in/{path}", content=body)).status_code == 500


SCENARIOS: list[Callable[[Watch], Awaitable[None]]] = [
    a_whole_life, a_mailbox_that_is_refused_by_name, a_mail_server_in_trouble, an_answer_that_is_lost,
    a_chat_that_fails_in_every_way, hostile_webhooks, links_good_and_bad, a_carrier_that_says_too_much,
    a_shop_in_trouble, a_database_that_is_damaged, a_database_that_only_reads, a_fault_of_our_own,
    a_restart_with_another_table, plugins_that_cannot_read, plugins_that_cannot_ask, plugins_that_cannot_send,
    plugins_that_cannot_verify,
]  # fmt: skip


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.__name__)
async def test_no_canary_is_heard(
    tmp_path: Path, ear: Ear, capfd: pytest.CaptureFixture[str], scenario: Callable[[Watch], Awaitable[None]]
) -> None:
    async with watched(tmp_path, ear) as watch:
        await scenario(watch)
        for path in ("/metrics", "/readyz", "/healthz"):
            await watch.ask("GET", path)
    printed = capfd.readouterr()
    assert len(ear.heard) > 50, "the loggers were listened to"
    found = watch.listen([*ear.heard, *watch.answers, printed.out, printed.err])
    assert found == [], "\n".join(f"{canary!r} in {text[:300]}" for canary, text in found[:10])


async def test_the_canaries_were_there_and_would_have_been_heard(tmp_path: Path, ear: Ear) -> None:
    """A test that finds nothing must be able to find something."""
    async with watched(tmp_path, ear) as watch:
        await a_whole_life(watch)
        (order,) = await watch.town.rows(tables.orders)
        inbox = [json.dumps(row.body, ensure_ascii=False) for row in await watch.town.rows(tables.inbox)]
        mails = [mail.text + mail.to for mail in watch.town.smtp.ledger]
        found = {canary for canary, _ in watch.listen([order.doc, *inbox, *mails])}
        assert {FIRST, LAST, MAIL, PHONES[0], STREET, CITY, POSTCODE, NOTE, GIFT, CHAT} <= found
        assert len(watch.canaries()) >= 40
        for canary in (MAIL, STREET, watch.town.telegram.token, *watch.tokens):
            logging.getLogger("somebody").debug("careless: %s", {"said": canary})
            assert watch.listen(ear.heard[-1:])
