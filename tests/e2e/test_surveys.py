"""How was it? From the delivered parcel to what the shop does about the answer: by mail and page, and inside a chat."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from hub.store import tables

from .town import Town, town

CUSTOMER = "olena.hrytsenko@example.com"
NUMBER = "20450999123456"

SURVEYS = """
surveys:
  after-delivery: {template: five-questions, open: 14d, remind: 4d}
flows:
  confirm: {on: order.received, steps: [{notify: {template: order-received, via: letter}}]}
  ask-how-it-was:
    on: order.delivered
    stop_on: [return.requested]
    fresh: 7d
    steps:
      - wait: 3d
      - survey: {name: after-delivery}
  unhappy:
    on: survey.answered
    when: answer.nps <= 6
    steps:
      - escalate:
          {to: support, severity: high, due: 48h, reason: "NPS {{ answer.nps }}: {{ answer.text or 'no comment' }}"}
  happy:
    on: survey.answered
    when: answer.nps >= 9
    steps:
      - notify: {template: delivered, class: marketing}
"""
"""The texts of a review request are another's; any text does here."""
ALL = {"product": "5", "expectations": "4", "delivery": "5", "service": "4"}


async def delivered(it: Town, number: str = NUMBER, **order: Any) -> str:
    """An order whose only parcel has been handed over."""
    made = it.shop.shop.create_order(gateway="shopify_payments", paid=True, **order)
    await it.advance(minutes=5)
    it.np.create(number, to="branch")
    it.shop.shop.fulfil(made, number, "Nova Poshta")
    await it.advance(minutes=5)
    it.np.move(number, "5")
    await it.advance(hours=5)
    it.np.arrive(number)
    await it.advance(hours=5)
    it.np.hand_over(number)
    await it.advance(hours=5)
    return made


def link_in(it: Town) -> str:
    """The link that the last mail with one brought."""
    words = [word for mail in it.smtp.ledger for word in mail.text.split() if "/s/" in word]
    return words[-1]


async def chat_of(it: Town) -> int:
    """A chat that the customer of the newest mail joined."""
    text = list(it.smtp.ledger)[-1].text
    chat = it.telegram.open_chat("Олена")
    it.telegram.follow(chat, next(word for word in text.split() if word.startswith("https://t.me/")))
    await it.advance(minutes=1)
    return chat


async def press(it: Town, chat: int, mark: str, back: int = 1) -> str:
    """Press a button of the last message with buttons, or of one before it; returns its data."""
    seen = [each for each in it.telegram.screen(chat) if any(key.data for row in each.keys for key in row)][-back]
    (data,) = [key.data for row in seen.keys for key in row if key.text == mark]
    it.telegram.press(chat, seen.message_id, data)
    await it.advance(minutes=1)
    return str(data)


async def survey(it: Town) -> Any:
    (row,) = await it.rows(tables.surveys)
    return row


async def asked(it: Town, **order: Any) -> str:
    """The link of a survey that a mail has invited to."""
    await delivered(it, **order)
    await it.advance(days=3, hours=12)
    return link_in(it)


async def lines(it: Town, flow: str) -> list[str]:
    """What became of a flow."""
    rows = await it.rows(tables.timeline, tables.timeline.c.kind == "run")
    return [row.doc["result"] for row in rows if row.doc["flow"] == flow]


# ------------------------------------------------------------------------------------------------ mail and page


async def test_a_mail_invites_a_scanner_changes_nothing_and_blame_raises_a_matter(tmp_path: Path) -> None:
    async with town(tmp_path, flows=SURVEYS) as it, httpx.AsyncClient(headers={"accept-language": "pl"}) as reader:
        await delivered(it)
        assert await it.rows(tables.surveys) == []
        await it.advance(days=3, hours=12)
        link = link_in(it)
        for _ in range(10):
            assert (await reader.get(link)).status_code == 200
            assert (await reader.head(link)).status_code == 200
            assert (await reader.get(link, params={"recommend": "0"})).status_code == 200
        row = await survey(it)
        assert (row.state, row.answers, row.heard_at) == ("open", {}, None)
        half = await reader.post(link, data={"product": "5", "delivery": "2", "comment": "<b>Мило</b>"})
        assert half.status_code == 200 and "Zostało pytań: 3" in half.text
        row = await survey(it)
        assert (row.state, row.answers) == ("partial", {"product": 5, "delivery": 2, "comment": "<b>Мило</b>"})
        assert row.channel == "mail"
        again = await reader.get(link)
        assert "&lt;b&gt;Мило&lt;/b&gt;" in again.text and "<b>Мило" not in again.text
        assert await it.rows(tables.escalations) == []
        whole = await reader.post(link, data={**ALL, "recommend": "3", "comment": "Мило"})
        assert "Dziękujemy!" in whole.text
        row = await survey(it)
        assert (row.state, row.answers["recommend"], row.answers["delivery"]) == ("answered", 3, 5)
        await it.advance(minutes=1)
        (matter,) = await it.rows(tables.escalations)
        assert (matter.reason, matter.severity) == ("NPS 3: Мило", "high")
        late = await reader.post(link, data={"recommend": "10"})
        assert "Dziękujemy!" in late.text and "Dziękujemy!" in (await reader.get(link)).text
        assert (await survey(it)).answers == row.answers
        await it.advance(days=20)
        assert ("five-questions-reminder", "suppressed", "already answered") in await it.messages()
        assert len(await it.rows(tables.escalations)) == 1


async def test_what_an_address_proposes_is_chosen_and_not_kept(tmp_path: Path) -> None:
    async with town(tmp_path, flows=SURVEYS) as it, httpx.AsyncClient() as reader:
        link = await asked(it)
        shown = await reader.get(link, params={"recommend": "9", "product": "77", "comment": "<script>"})
        assert re.findall(r'name="(\w+)" value="(\d+)"[^>]* checked', shown.text) == [("recommend", "9")]
        assert "<script>" not in shown.text
        assert (await survey(it)).answers == {}


async def test_who_answers_nothing_is_reminded_once(tmp_path: Path) -> None:
    async with town(tmp_path, flows=SURVEYS) as it:
        await asked(it)
        await it.advance(days=3)
        assert len([subject for subject in it.mails(CUSTOMER) if "хвилина" in subject]) == 0
        await it.advance(days=30)
        assert len([subject for subject in it.mails(CUSTOMER) if "хвилина" in subject]) == 1
        assert ("five-questions-reminder", "sent", "") in await it.messages()


async def test_a_return_ends_the_reminder_too(tmp_path: Path) -> None:
    async with town(tmp_path, flows=SURVEYS) as it:
        order = await delivered(it)
        await it.advance(days=3, hours=12)
        it.shop.shop.request_return(order)
        await it.advance(days=30)
        found = {template: (state, reason) for template, state, reason in await it.messages()}
        assert found["five-questions"] == ("sent", "")
        assert found["five-questions-reminder"] == ("suppressed", "stopped")


async def test_a_partial_answer_counts_after_an_hour_and_what_completes_it_is_heard_too(tmp_path: Path) -> None:
    async with town(tmp_path, flows=SURVEYS) as it, httpx.AsyncClient() as reader:
        link = await asked(it)
        await reader.post(link, data={"product": "1"})
        await it.advance(minutes=50)
        await reader.post(link, data={"delivery": "2"})
        await it.advance(minutes=50)
        assert await lines(it, "unhappy") == [], "it rests from the last answer on"
        await it.advance(minutes=20)
        assert await lines(it, "unhappy") == ["not met: answer.nps <= 6: answer.nps is not known"]
        await reader.post(link, data={**ALL, "recommend": "2"})
        await it.advance(minutes=1)
        (matter,) = await it.rows(tables.escalations)
        assert matter.reason == "NPS 2: no comment"


async def test_a_flow_that_a_partial_answer_started_is_not_started_again(tmp_path: Path) -> None:
    async with town(tmp_path, flows=SURVEYS) as it, httpx.AsyncClient() as reader:
        link = await asked(it)
        await reader.post(link, data={"recommend": "2"})
        await it.advance(hours=2)
        await reader.post(link, data={**ALL, "recommend": "3"})
        await it.advance(hours=2)
        assert await lines(it, "unhappy") == ["started", "done", "said-already"]
        assert len(await it.rows(tables.escalations)) == 1


async def test_an_order_is_asked_a_survey_once(tmp_path: Path) -> None:
    twice = SURVEYS + "  again: {on: order.delivered, steps: [{wait: 4d}, {survey: {name: after-delivery}}]}\n"
    async with town(tmp_path, flows=twice) as it:
        await asked(it)
        await it.advance(days=2)
        assert len(await it.rows(tables.surveys)) == 1
        assert "survey:after-delivery: this order was asked already" in await lines(it, "again")
        assert [template for template, _, _ in await it.messages()].count("five-questions") == 1


async def test_bad_links_look_alike_and_keep_nothing(tmp_path: Path) -> None:
    async with town(tmp_path, flows=SURVEYS) as it, httpx.AsyncClient() as reader:
        link = await asked(it)
        order_page = next(w for mail in it.smtp.ledger for w in mail.text.split() if "/o/" in w)
        base, _, token = link.rpartition("/")
        bad = [f"{base}/{'A' * 27}", f"{base}/{order_page.rpartition('/')[2]}", f"{base}/{token[:-1]}", f"{base}/x.y"]
        await it.advance(days=15)
        bad.append(link)
        got = [answer for each in bad for answer in (await reader.get(each), await reader.post(each, data=ALL))]
        assert {(answer.status_code, answer.text) for answer in got} == {(404, got[0].text)}
        assert "Тут нічого немає" in got[0].text
        assert (await survey(it)).answers == {}


async def test_a_link_to_an_order_that_became_somebody_elses_opens_nothing(tmp_path: Path) -> None:
    async with town(tmp_path, flows=SURVEYS) as it, httpx.AsyncClient() as reader:
        link = await asked(it)
        assert (await reader.get(link)).status_code == 200
        change = sa.update(tables.orders).values(customer_id="somebody-else")
        await it.hub.db.write(lambda connection: connection.execute(change))
        assert (await reader.get(link)).status_code == 404
        assert (await reader.post(link, data={"recommend": "1"})).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"recommend=3&comment=" + b"x" * 70_000, 400),
        (b"&".join(b"a%d=1" % n for n in range(200)), 400),
        (b"\xff\xfe\x00", 200),
        (b"recommend=99&product=&product=abc", 200),
    ],
)
async def test_nonsense_is_not_kept(tmp_path: Path, body: bytes, status: int) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    async with town(tmp_path, flows=SURVEYS) as it, httpx.AsyncClient(headers=form) as reader:
        link = await asked(it)
        assert (await reader.post(link, content=body)).status_code == status
        row = await survey(it)
        assert (row.state, row.answers) == ("open", {})


async def test_a_long_comment_is_cut(tmp_path: Path) -> None:
    async with town(tmp_path, flows=SURVEYS) as it, httpx.AsyncClient() as reader:
        link = await asked(it)
        await reader.post(link, data={"comment": "щось " * 2000})
        assert len((await survey(it)).answers["comment"]) == 1999


# ------------------------------------------------------------------------------------------------ a chat


async def in_a_chat(it: Town, **order: Any) -> int:
    """A chat in which the first question has just been asked."""
    it.shop.shop.create_order(**order)
    await it.advance(minutes=5)
    chat = await chat_of(it)
    await delivered(it, **order)
    await it.advance(days=3, hours=12)
    return chat


async def test_in_a_chat_one_question_follows_the_other_and_praise_is_thanked_for(tmp_path: Path) -> None:
    async with town(tmp_path, flows=SURVEYS) as it:
        chat = await in_a_chat(it, marketing=True)
        (said,) = [each for each in await it.rows(tables.messages) if each.template == "five-questions"]
        assert said.connection == "bot"
        first = it.telegram.screen(chat)[-1]
        assert "Чи задоволені ви самим товаром?\n1 = зовсім ні, 5 = цілком" in first.text
        assert [[key.text for key in row if key.data] for row in first.keys][:2] == [list("12345"), ["Пропустити"]]
        kept: dict[str, int | None] = {}
        for key, mark in (("product", 5), ("expectations", 4), ("delivery", None), ("service", 4)):
            await press(it, chat, str(mark or "Пропустити"))
            kept[key] = mark
            row = await survey(it)
            assert (row.state, row.answers) == ("partial", kept), "each answer is kept at once"
        recommend = it.telegram.screen(chat)[-1]
        assert [key.text for row in recommend.keys for key in row] == [*map(str, range(11)), "Пропустити"]
        await press(it, chat, "10")
        assert "Хочете щось додати?\nПросто напишіть тут." in it.telegram.screen(chat)[-1].text
        it.telegram.say(chat, "Кава чудова!")
        await it.advance(minutes=2)
        row = await survey(it)
        assert (row.state, row.channel, row.answers["comment"]) == ("answered", "bot", "Кава чудова!")
        thanks, praise = [each.text for each in it.telegram.screen(chat)[-2:]]
        assert "Дякуємо" in thanks and "доставлено" in praise
        assert await lines(it, "happy") == ["started", "done"]


async def test_without_consent_praise_is_answered_with_no_marketing(tmp_path: Path) -> None:
    async with town(tmp_path, flows=SURVEYS) as it, httpx.AsyncClient() as reader:
        link = await asked(it)
        await reader.post(link, data={**ALL, "recommend": "10"})
        await it.advance(minutes=5)
        assert ("delivered", "suppressed", "no consent") in await it.messages()


async def test_old_and_repeated_presses_change_nothing_that_is_complete(tmp_path: Path) -> None:
    async with town(tmp_path, flows=SURVEYS) as it:
        chat = await in_a_chat(it)
        await press(it, chat, "5")
        await press(it, chat, "5", back=2)
        seen = [each.text for each in it.telegram.screen(chat)]
        assert len([text for text in seen if "очікування" in text]) == 1, "no question is asked twice"
        await press(it, chat, "3", back=2)
        assert (await survey(it)).answers == {"product": 3}, "who mistook a button presses another"
        for _ in range(5):
            await press(it, chat, "Пропустити")
        row = await survey(it)
        assert row.state == "answered"
        shown = len(it.telegram.screen(chat))
        await press(it, chat, "1", back=6)
        await press(it, chat, "1", back=2)
        assert (await survey(it)).answers == row.answers and len(it.telegram.screen(chat)) == shown


async def test_a_button_of_one_chat_does_nothing_in_another(tmp_path: Path) -> None:
    async with town(tmp_path, flows=SURVEYS) as it:
        chat = await in_a_chat(it)
        seen = it.telegram.screen(chat)[-1]
        data = [key.data for row in seen.keys for key in row if key.data]
        stranger = it.telegram.open_chat("Чужий")
        it.telegram.say(stranger, "Добрий день")
        await it.advance(minutes=1)
        theirs = it.telegram.screen(stranger)[-1].message_id
        for each in (*data, data[0][:-1] + "A", "s|x|y|5|z", "s|", "|||", "s|" + "a" * 24 + "|product|1|" + "A" * 16):
            it.telegram.press(stranger, theirs, each, forged=True)
            it.telegram.press(chat, seen.message_id, each[::-1], forged=True)
            await it.advance(minutes=1)
        assert (await survey(it)).answers == {}


async def test_words_are_a_comment_only_while_they_are_asked_for(tmp_path: Path) -> None:
    async with town(tmp_path, flows=SURVEYS) as it:
        chat = await in_a_chat(it)
        await press(it, chat, "5")
        it.telegram.say(chat, "Де моє замовлення?")
        await it.advance(minutes=1)
        assert "comment" not in (await survey(it)).answers
        for mark in ("5", "5", "5", "8"):
            await press(it, chat, mark)
        await it.advance(hours=1, minutes=5)
        row = await survey(it)
        assert row.state == "answered", "a comment is a gift, and nobody waits for it"
        it.telegram.say(chat, "Дякую")
        await it.advance(minutes=1)
        assert (await survey(it)).answers == row.answers


async def test_what_was_answered_on_the_page_is_not_asked_in_the_chat(tmp_path: Path) -> None:
    async with town(tmp_path, flows=SURVEYS) as it, httpx.AsyncClient() as reader:
        chat = await in_a_chat(it)
        link = next(key.url for row in it.telegram.screen(chat)[-1].keys for key in row if "/s/" in key.url)
        await reader.post(link, data={"expectations": "4", "delivery": "4", "service": "4"})
        await press(it, chat, "5")
        assert "Чи порадите ви нас друзям?" in it.telegram.screen(chat)[-1].text


async def test_the_reminder_asks_what_is_still_open(tmp_path: Path) -> None:
    async with town(tmp_path, flows=SURVEYS) as it:
        chat = await in_a_chat(it)
        await press(it, chat, "5")
        await it.advance(days=5)
        reminder = it.telegram.screen(chat)[-1].text
        assert "більше нагадувати не будемо" in reminder and "очікування" in reminder
