"""The demo's page: everything is there, nothing from outside does anything, and the headers are strict."""

import re

import httpx
import pytest

from hub.sandbox.page import messages
from hub.sandbox.stage import Stage

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


async def get(week: Stage, path: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, base_url=week.town.base) as browser:
        return await browser.get(path)


async def test_the_overview_has_every_order_with_its_headline(week: Stage) -> None:
    text = (await get(week, "/")).text
    for it in week.cases.values():
        assert week.shops[it.case.shop].number(it.order) in text
    assert "✓</span> Delivered" in text
    assert "◄</span> Returned" in text


async def test_every_order_has_its_path_and_says_why(week: Stage) -> None:
    for it in week.cases.values():
        number = week.shops[it.case.shop].number(it.order)
        answer = await get(week, f"/orders/{number.lstrip('#')}")
        assert answer.status_code == 200, number
        assert ("<code>shopify.order:placed</code>" in answer.text) is (it.case.shop == "main-shop")
        assert "order.received" in answer.text


async def test_an_unknown_code_is_shown_in_quarantine(week: Stage) -> None:
    number = week.shop.shop.find(week.cases["nazar"].order).name
    text = (await get(week, f"/orders/{number[1:]}")).text
    assert "nova_poshta:113" in text
    assert "in quarantine" in text


async def test_tries_in_vain_are_shown_with_their_reason(week: Stage) -> None:
    number = week.shop.shop.find(week.cases["kateryna"].order).name
    text = (await get(week, f"/orders/{number[1:]}")).text
    assert "Tried in vain: ready-for-pickup by Telegram" in text
    assert "502" in text


async def test_every_message_is_shown_as_it_arrived(week: Stage) -> None:
    found = await messages(week)
    listed = (await get(week, "/messages")).text
    for each in found:
        assert f'href="/messages/{each.n}"' in listed
    mail = next(each for each in found if each.it.channel == "mail")
    chat = next(each for each in found if each.it.channel == "bot")
    assert (await get(week, f"/messages/{mail.n}/mail.html")).text == mail.it.html
    assert '<div class="bubble">' in (await get(week, f"/messages/{chat.n}")).text
    assert all(each.template for each in found)


async def test_names_from_outside_stay_text(week: Stage) -> None:
    for path in ("/", "/messages", "/orders/1073"):
        text = (await get(week, path)).text
        assert "Anna &lt;Ania&gt; Nowak" in text
        assert "<Ania>" not in text


async def test_pages_allow_no_script_and_no_stranger(week: Stage) -> None:
    for path in ("/", "/messages", "/messages/1", "/orders/1071"):
        answer = await get(week, path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "<script" not in answer.text
        assert not re.search(r'(?:src|href)="(?!/|#|https?://)', answer.text)


async def test_a_mail_is_shown_in_a_frame_that_may_do_nothing(week: Stage) -> None:
    page = (await get(week, "/messages/1")).text
    assert re.search(r'<iframe sandbox title="[^"]+" src="/messages/1/mail.html">', page)
    policy = (await get(week, "/messages/1/mail.html")).headers["content-security-policy"]
    assert policy.startswith("sandbox;")
    assert "script" not in policy


@pytest.mark.parametrize(
    "path", ["/orders/99999", "/orders/%3Cscript%3E", "/messages/0", "/messages/99999", "/messages/99999/mail.html"]
)
async def test_what_is_not_there_is_said_so(week: Stage, path: str) -> None:
    answer = await get(week, path)
    assert answer.status_code == 404
    assert "<script>" not in answer.text


async def test_a_chat_message_has_no_mail(week: Stage) -> None:
    chat = next(each for each in await messages(week) if each.it.channel == "bot")
    assert (await get(week, f"/messages/{chat.n}/mail.html")).status_code == 404
