"""The link to an order's page: what it opens to whom, that looking writes nothing, that all that is not good looks
alike."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from hub.model import Customer, Merged, Removed
from hub.plugin import Button
from hub.store import tables
from hub.store.database import upsert
from hub.store.links import link_row, link_secret, order_of, order_ref, token_for
from hub.web.words import WORDS
from tests.browser.site import FLOWS, Site, site
from tests.pipeline.fakes import moment, notify, order

from .tales import BUYER, HOSTILE, hostile, one_parcel, ordered, two_parcels

POLISH = {"accept-language": "pl"}


async def seen(link: str, language: str = "en") -> httpx.Response:
    async with httpx.AsyncClient(headers={"accept-language": language}) as reader:
        return await reader.get(link)


def by(channel: str, cls: str = "transactional") -> dict[str, Any]:
    """A flow that confirms an order through this channel."""
    step = notify("order-received", via=[channel], **{"class": cls})
    return {"ask": {"on": "order.received", "steps": [step]}}


def of_page(site: Site) -> str:
    """The last page that a message led to, by its text or its buttons."""
    urls = [button.url for _, message in site.it.board.sent for button in message.buttons if "/o/" in button.url]
    return site.here(urls[-1]) if urls else site.said("/o/")


async def written(site: Site) -> list[Any]:
    """Everything in the database."""
    return [list(map(tuple, await site.it.rows(table))) for table in tables.metadata.sorted_tables]


async def test_a_mail_leads_to_the_page_and_looking_writes_nothing(tmp_path: Path) -> None:
    async with site(tmp_path) as at:
        link = await at.order_link(two_parcels())
        before = await written(at)
        answer = await seen(link)
        async with httpx.AsyncClient() as scanner:
            assert (await scanner.head(link)).status_code == 200
        assert await written(at) == before
        assert answer.status_code == 200
        assert "Ready for pickup: 1 of 2 parcels" in answer.text
        assert '<a href="https://post.example/P20450999123456"' in answer.text


async def test_the_page_is_strict_and_kept_nowhere(tmp_path: Path) -> None:
    async with site(tmp_path) as at:
        answer = await seen(await at.order_link([("shop", "order:1", ordered())]))
        headers = answer.headers
        assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; img-src 'self'")
        assert "script-src" not in headers["content-security-policy"]
        assert (headers["referrer-policy"], headers["cache-control"]) == ("no-referrer", "no-store")
        assert (headers["x-robots-tag"], headers["x-content-type-options"]) == ("noindex, nofollow", "nosniff")
        assert "set-cookie" not in headers
        assert re.findall(r'(?:src|href)="(/(?!u/)[^"]*)"', answer.text) == ["/icon.svg", "/page.css"]


async def test_names_and_addresses_of_people_are_not_on_the_page(tmp_path: Path) -> None:
    async with site(tmp_path) as at:
        answer = await seen(await at.order_link(two_parcels()))
        for each in (BUYER.name, BUYER.email, BUYER.phone):
            assert each not in answer.text


async def test_a_reader_without_a_wish_gets_the_orders_language(tmp_path: Path) -> None:
    async with site(tmp_path) as at:
        buyer = Customer(email="o@x.example", locale="pl-PL")
        link = await at.order_link([("shop", "order:1", ordered(customer=buyer))])
        assert 'lang="pl"' in (await seen(link, "")).text
        assert 'lang="uk"' in (await seen(link, "uk")).text


# ------------------------------------------------------------------------------------------------ what is not good


async def test_all_links_that_are_not_good_look_alike(tmp_path: Path) -> None:
    """Missing, unknown, expired, of another door, of a deleted order, of a former customer."""
    async with site(tmp_path) as at:
        now, customer = at.it.clock.now(), "c"
        link = await at.order_link([("shop", "order:1", ordered())])
        (row,) = await at.it.rows(tables.orders)
        rows = [
            link_row("expired", "order", order_ref(row.customer_id, "mail", row.id), now - timedelta(seconds=1)),
            link_row("other-door", "unsubscribe", order_ref(row.customer_id, "mail", row.id), None),
            link_row("no-order", "order", order_ref(row.customer_id, "mail", "shop:404"), None),
            link_row("former", "order", order_ref(customer, "mail", row.id), None),
        ]
        await at.it.hub.db.write(lambda connection: connection.execute(sa.insert(tables.links), rows))
        good = link.rpartition("/")[2]
        tokens = [
            "expired",
            "other-door",
            "no-order",
            "former",
            "nobody",
            good[:-1],
            good.swapcase(),
            "a" * 5_000,
            "%00",
        ]
        answers = [await seen(f"{at.base}/o/{token}") for token in tokens]
        await at.it.hear("shop", "order:1", Removed("1", moment("11:00")))
        answers.append(await seen(link))
        assert {answer.status_code for answer in answers} == {404}
        assert {answer.text for answer in answers} == {answers[0].text}
        assert len({tuple(sorted(answer.headers.items())) for answer in answers}) == 1
        assert WORDS["en"]["nothing"] in answers[0].text
        async with httpx.AsyncClient() as reader:
            posts = [await reader.post(f"{at.base}/o/{token}", data={"leave": "feedback"}) for token in tokens]
        assert {answer.status_code for answer in posts} == {404}
        assert await at.it.rows(tables.optouts) == []


async def test_a_link_lasts_sixty_days_from_the_last_message(tmp_path: Path) -> None:
    async with site(tmp_path) as at:
        link = await at.order_link([("shop", "order:1", ordered())])
        at.it.clock.move_to(at.it.clock.now() + timedelta(days=59))
        assert (await seen(link)).status_code == 200
        at.it.clock.move_to(at.it.clock.now() + timedelta(days=2))
        assert (await seen(link)).status_code == 404


async def test_a_shop_that_left_the_file_shows_nothing(tmp_path: Path) -> None:
    async with site(tmp_path) as at:
        link = await at.order_link([("shop", "order:1", ordered())])
        await at.it.hub.db.write(
            lambda connection: connection.execute(sa.update(tables.orders).values(connection="former-shop"))
        )
        assert (await seen(link)).status_code == 404


@contextmanager
def asked(engine: type[sa.Engine] = sa.Engine) -> Iterator[list[tuple[str, Any]]]:
    """Every question to the database, with its values."""
    found: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, values: Any, context: Any, many: bool) -> None:
        if statement.startswith("SELECT"):
            found.append((statement, values))

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


async def test_a_page_and_a_guess_cost_the_same_few_look_ups_by_key_however_many_orders_there_are(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as at:
        link = await at.order_link(two_parcels())
        costs = []
        for more in range(2):
            for n in range(10 * more):
                again = order("09:10", "order.packed", ref=f"9{n}", placed="08:30", customer=BUYER)
                await at.it.hear("shop", f"order:9{n}", again)
            with asked() as guess:
                assert (await seen(f"{at.base}/o/nobody")).status_code == 404
            with asked() as page:
                assert (await seen(link)).status_code == 200
            costs.append((len(guess), len(page)))
        assert costs[0] == costs[1] and costs[0][0] == 1 and costs[0][1] <= 8

        def plans(connection: sa.Connection) -> list[str]:
            """How SQLite finds each of them: `SEARCH … USING INDEX`, or by reading everything."""
            found = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all() for text, values in page]
            return [row[3] for rows in found for row in rows]

        assert [plan for plan in await at.it.hub.db.read(plans) if plan.startswith("SCAN")] == []


# ------------------------------------------------------------------------------------------------ orders that moved on


async def test_a_merged_orders_page_leads_to_the_others(tmp_path: Path) -> None:
    async with site(tmp_path) as at:
        link = await at.order_link([("shop", "order:1", ordered())])
        other = order("09:10", "order.packed", ref="2", placed="08:30", customer=BUYER)
        await at.it.hear("shop", "order:2", other)
        await at.it.hear("shop", "order:1", Merged("1", "2", moment("11:00")))
        answer = await seen(link)
        assert "Order #2" in answer.text and "Packed" in answer.text and "Order #1" not in answer.text


async def test_orders_merged_in_a_circle_or_into_nothing_are_nothing(tmp_path: Path) -> None:
    async with site(tmp_path) as at:
        link = await at.order_link([("shop", "order:1", ordered())])
        await at.it.hear("shop", "order:1", Merged("1", "2", moment("11:00")))
        assert (await seen(link)).status_code == 404
        await at.it.hear("shop", "order:2", order("09:10", "order.packed", ref="2", placed="08:30", customer=BUYER))
        assert (await seen(link)).status_code == 200
        await at.it.hear("shop", "order:2", Merged("2", "1", moment("11:30")))
        assert (await seen(link)).status_code == 404


async def test_who_was_mistaken_for_the_customer_reads_no_more(tmp_path: Path) -> None:
    """A corrected address is another person's: links that went to the wrong one open nothing."""
    async with site(tmp_path) as at:
        link = await at.order_link([("shop", "order:1", ordered())])
        corrected = order("11:00", "order.processing", placed="08:00", customer=Customer(email="right@x.example"))
        await at.it.hear("shop", "order:1", corrected)
        assert (await seen(link)).status_code == 404


# ------------------------------------------------------------------------------------------------ who gets a link


async def test_there_is_no_link_where_nobody_can_reach_the_hub(tmp_path: Path) -> None:
    async with site(tmp_path, public_url=None) as at:
        await at.it.hear("shop", "order:1", ordered())
        await at.it.advance(minutes=5)
        ((_, message),) = at.it.board.sent
        assert "/o/" not in message.text and message.buttons == ()
        assert {row.purpose for row in await at.it.rows(tables.links)} == {"link:bot"}, "a bot that asks can be joined"


async def test_staff_get_no_link_to_a_customers_page(tmp_path: Path) -> None:
    async with site(tmp_path, flows={"call": FLOWS["call"]}) as at:
        await at.matter_link()
        assert {row.purpose for row in await at.it.rows(tables.links)} == {"acknowledge"}


async def test_each_channel_has_a_link_of_its_own(tmp_path: Path) -> None:
    async with site(tmp_path) as at:
        await at.order_link([("shop", "order:1", ordered())])
        refs = [order_of(row.ref) for row in await at.it.rows(tables.links, tables.links.c.purpose == "order")]
        (row,) = await at.it.rows(tables.orders)
        assert refs == [(row.customer_id, "mail", "shop:1")]
        assert order_of(order_ref("c", "mail", "shop:a|b")) == ("c", "mail", "shop:a|b")


async def _page_through(at: Site, channel: str) -> str:
    """The page as it opens from a message of this channel."""
    await at.order_link([("shop", "order:1", ordered())])
    (row,) = await at.it.rows(tables.orders)
    ref = order_ref(row.customer_id, channel, row.id)
    token = token_for(await at.it.hub.db.read(link_secret), "order", ref)
    made = link_row(token, "order", ref, None)
    put = upsert(tables.links, at.it.hub.db.dialect, keys=("tenant", "token_hash"), change=("expires_at",))
    await at.it.hub.db.write(lambda connection: connection.execute(put, [made]))
    return (await seen(f"{at.base}/o/{token}")).text


@pytest.mark.parametrize(("channel", "invited"), [("mail", True), ("sms", False), ("gone", False)])
async def test_only_who_is_proven_to_be_the_customer_may_join_a_chat(
    tmp_path: Path, channel: str, invited: bool
) -> None:
    """Anyone can order with somebody else's e-mail and a phone of their own: their SMS leads to a page without the deep
    link, which would show them the other's orders."""
    async with site(tmp_path) as at:
        assert ("https://chat.example/" in await _page_through(at, channel)) is invited


async def test_a_deep_link_of_the_page_is_one_that_works(tmp_path: Path) -> None:
    async with site(tmp_path) as at:
        page = (await seen(await at.order_link([("shop", "order:1", ordered())]))).text
        (token,) = re.findall(r"https://chat\.example/([\w-]{27})", page)
        made = await at.it.rows(tables.links, tables.links.c.purpose == "link:bot")
        (row,) = await at.it.rows(tables.orders)
        assert [each.ref for each in made] == [row.customer_id]
        assert len(token) == 27


async def test_who_is_in_the_chat_already_is_told_how_to_leave_it(tmp_path: Path) -> None:
    async with site(tmp_path) as at:
        link = await at.order_link([("shop", "order:1", ordered())])
        (row,) = await at.it.rows(tables.orders)
        contact = {"tenant": "main", "customer_id": row.customer_id, "channel": "bot", "address": "7"}
        await at.it.hub.db.write(
            lambda connection: connection.execute(sa.insert(tables.contacts).values(**contact, at=at.it.clock.now()))
        )
        page = (await seen(link)).text
        assert "send /stop there" in page and "chat.example" not in page


# ------------------------------------------------------------------------------------------------ leaving


async def test_a_kind_of_message_is_left_by_a_button(tmp_path: Path) -> None:
    async with site(tmp_path) as at:
        link = await at.order_link([("shop", "order:1", ordered())])
        assert 'value="feedback"' in (await seen(link)).text
        async with httpx.AsyncClient(headers=POLISH) as reader:
            for nonsense in ("transactional", "marketing", "", "' or 1=1"):
                assert (await reader.post(link, data={"leave": nonsense})).status_code == 404
            assert await at.it.rows(tables.optouts) == []
            assert "Wypisano" in (await reader.post(link, data={"leave": "feedback"})).text
            assert "Wypisano" in (await reader.post(link, data={"leave": "feedback"})).text, "twice does no harm"
        (row,) = await at.it.rows(tables.optouts)
        assert (row.cls, row.channel, row.how) == ("feedback", "", "order page")
        assert 'value="feedback"' not in (await seen(link)).text
        again = order("11:00", "order.received", ref="2", placed="10:30", customer=BUYER)
        await at.it.hear("shop", "order:2", again)
        await at.it.advance(minutes=5)
        assert (await at.it.messages())[-1] == ("order-received", "suppressed", "opted out")


@pytest.mark.parametrize("wants", [True, False])
async def test_offers_can_be_left_by_those_who_get_them(tmp_path: Path, wants: bool) -> None:
    flows = {**by("mail"), "offer": by("mail", "marketing")["ask"]}
    async with site(tmp_path, flows=flows) as at:
        buyer = Customer(email="o@x.example", accepts_marketing=wants)
        page = (await seen(await at.order_link([("shop", "order:1", ordered(customer=buyer))]))).text
        assert ('value="marketing"' in page) is wants
        assert 'value="feedback"' not in page, "nothing of the kind is ever sent"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"leave=" + b"a" * 3_000_000, 400),
        (b"--x\r\nContent", 404),
        (b"&".join(b"a%d=1" % n for n in range(1000)), 400),
    ],
)
async def test_nonsense_leaves_nothing(tmp_path: Path, body: bytes, status: int) -> None:
    async with site(tmp_path) as at:
        link = await at.order_link([("shop", "order:1", ordered())])
        async with httpx.AsyncClient() as reader:
            answer = await reader.post(
                link, content=body, headers={"content-type": "application/x-www-form-urlencoded"}
            )
        assert answer.status_code == status
        assert await at.it.rows(tables.optouts) == []


# ------------------------------------------------------------------------------------------------ hostile orders


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_texts_stay_texts(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="hub")
    async with site(tmp_path) as at:
        link = await at.order_link(hostile(HOSTILE[name]))
        answer = await seen(link)
        assert answer.status_code == 200
        assert len(answer.content) < 200_000
        tags = set(re.findall(r"<\s*([a-zA-Z!]\w*)", answer.text))
        assert tags.isdisjoint({"script", "img", "style", "iframe"})
        assert "javascript:" not in re.sub(r">[^<]*<", "><", answer.text)
        assert not re.search(r"<[^>]*\son\w+=", answer.text)
        assert "49" not in re.findall(r"<bdi>(\d+)", answer.text), "a template of theirs is not filled"
        token = link.rpartition("/")[2]
        for secret in (token, BUYER.email, BUYER.phone, BUYER.name):
            assert secret not in caplog.text


async def test_a_page_that_fails_says_and_logs_nothing_of_the_order(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with site(tmp_path) as at:
        link = await at.order_link(one_parcel("in_transit"))
        await at.it.hub.db.write(
            lambda connection: connection.execute(sa.update(tables.orders).values(doc='{"snapshot": "Олена"}'))
        )
        answer = await seen(link)
        assert (answer.status_code, answer.text) == (500, "something went wrong here\n")
        assert "a request to /o failed" in caplog.text
        assert "Олена" not in caplog.text and link.rpartition("/")[2] not in caplog.text


async def test_a_chat_brings_the_page_as_a_button(tmp_path: Path) -> None:
    async with site(tmp_path, flows=by("bot")) as at:
        await at.it.hear("shop", "order:1", ordered())
        (row,) = await at.it.rows(tables.orders)
        contact = {"tenant": "main", "customer_id": row.customer_id, "channel": "bot", "address": "7"}
        await at.it.hub.db.write(
            lambda connection: connection.execute(sa.insert(tables.contacts).values(**contact, at=at.it.clock.now()))
        )
        await at.it.advance(minutes=5)
        ((_, message),) = at.it.board.sent
        assert [each.text for each in message.buttons] == ["Переглянути замовлення"]
        assert isinstance(message.buttons[0], Button)
        assert (await seen(of_page(at))).status_code == 200
