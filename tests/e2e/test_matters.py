"""Matters as people live them: a night on the ladder, a decision that a run waits for, a problem that is solved."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from hub.store import tables

from .test_stories import NUMBER, _shipped
from .town import CONNECTIONS, Town, town

STAFF = CONNECTIONS[CONNECTIONS.index("staff:") :]
TEAM = """staff:
  support: {{people: [olena, marek], via: [bot, mail], hours: "Mon-Sat 09:00-19:00", acknowledge: 30m, then: manager}}
  manager: {{people: [iryna], via: [bot, mail], acknowledge: 15m}}
people:
  olena: {{name: Olena, bot: "olena-chat", mail: olena@kavovar.example, locale: uk}}
  marek: {{name: Marek, mail: marek@kavovar.example, locale: pl}}
  iryna: {{name: Iryna, bot: "iryna-chat", mail: iryna@kavovar.example, locale: en}}
"""
WITH_TEAM = CONNECTIONS.replace(STAFF, TEAM)
EVENING = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
"""A Tuesday, 20:00 in Kyiv."""


@asynccontextmanager
async def staffed(folder: Path, flows: str, start: datetime = EVENING) -> AsyncIterator[tuple[Town, int, int]]:
    """A town where Olena and Iryna have a chat with the bot."""
    async with town(folder, connections=WITH_TEAM, flows=f"flows:\n{flows}", start=start) as it:
        olena, iryna = it.telegram.open_chat("Олена"), it.telegram.open_chat("Iryna")
        for name, chat in (("olena", olena), ("iryna", iryna)):
            it.telegram.press_start(chat)
            await it.restart((f"{name}-chat", str(chat)))
        await it.advance(minutes=1)
        yield it, olena, iryna


def last(it: Town, chat: int) -> str:
    return it.telegram.screen(chat)[-1].text


def keys(it: Town, chat: int) -> dict[str, tuple[int, str]]:
    """Words → (message, data) of the buttons in a chat; of those with the same words the newest."""
    found = ((seen.message_id, key) for seen in it.telegram.screen(chat) for row in seen.keys for key in row)
    return {key.text: (number, key.data) for number, key in found if key.data}


async def press(it: Town, chat: int, words: str) -> None:
    """Press the newest button with these words."""
    it.telegram.press(chat, *keys(it, chat)[words])
    await it.advance(seconds=10)


CHECK = """
  check:
    on: order.received
    steps:
      - escalate: {to: support, due: 4h working, reason: "Call about {{ order.number }}"}
"""


async def test_a_night_on_the_ladder(tmp_path: Path) -> None:
    async with staffed(tmp_path, CHECK) as (it, olena, iryna):
        it.shop.shop.create_order(gateway="shopify_payments")
        before = len(it.telegram.screen(olena)), len(it.telegram.screen(iryna))
        await it.advance_to(datetime(2026, 11, 25, 6, 59, tzinfo=UTC))
        assert (len(it.telegram.screen(olena)), len(it.telegram.screen(iryna))) == before, "nobody is woken"
        assert it.mails("marek@kavovar.example") == []
        await it.advance(minutes=2)
        assert "Call about" in last(it, olena) and len(it.mails("marek@kavovar.example")) == 1, "at nine all are told"
        (row,) = await it.rows(tables.escalations)
        assert row.due_at == datetime(2026, 11, 25, 11, 0, tzinfo=UTC), "four hours from nine, 13:00 in Kyiv"
        await it.advance(minutes=30)
        assert "Call about" in last(it, iryna), "nobody took it in half an hour"
        await press(it, iryna, "I take it")
        assert last(it, iryna).startswith("It is yours: Call about")
        (row,) = await it.rows(tables.escalations)
        assert (row.state, row.owner) == ("acknowledged", "iryna")
        await press(it, olena, "Беру на себе")
        assert "відповідає Iryna" in last(it, olena)
        heard = len(it.telegram.screen(iryna))
        await it.advance_to(datetime(2026, 11, 25, 10, 59, tzinfo=UTC))
        assert len(it.telegram.screen(iryna)) == heard, "who took it hears no more"
        await it.advance(minutes=2)
        assert last(it, iryna).startswith("Overdue: Call about"), "until it is late"
        await press(it, iryna, "Done")
        (row,) = await it.rows(tables.escalations)
        assert (row.state, row.owner) == ("resolved", "iryna")
        heard = len(it.telegram.screen(iryna))
        await it.advance(days=2)
        assert len(it.telegram.screen(iryna)) == heard


async def test_a_button_works_in_the_chats_of_the_file_alone(tmp_path: Path) -> None:
    async with staffed(tmp_path, CHECK.replace("due:", "severity: critical, due:")) as (it, olena, _):
        it.shop.shop.create_order(gateway="shopify_payments")
        await it.advance(minutes=1)
        assert "Call about" in last(it, olena), "what is critical rings at night"
        stranger = it.telegram.open_chat("Хтось")
        it.telegram.press_start(stranger)
        await it.advance(minutes=1)
        seen = len(it.telegram.screen(stranger))
        number = it.telegram.screen(stranger)[-1].message_id
        it.telegram.press(stranger, number, keys(it, olena)["Беру на себе"][1], forged=True)
        await it.advance(seconds=10)
        assert len(it.telegram.screen(stranger)) == seen
        assert (await it.rows(tables.escalations))[0].state == "open"


APOLOGY = """
  send-apology:
    on: order.received
    steps:
      - escalate:
          {to: support, severity: critical, due: 1d, reason: "Apologise to {{ customer.name or 'them' }}?",
           choices: [send it, leave it], wait: true}
      - choose:
          - when: escalation.choice == "send it"
            steps: [{notify: {template: problem-solved, via: letter}}]
"""


async def test_a_run_waits_for_a_decision_over_a_restart(tmp_path: Path) -> None:
    async with staffed(tmp_path, APOLOGY) as (it, olena, _):
        it.shop.shop.create_order(gateway="shopify_payments", paid=True)
        await it.advance(minutes=1)
        assert list(keys(it, olena)) == ["Беру на себе", "send it", "leave it"]
        await it.restart()
        await it.advance(hours=2)
        assert await it.messages() == []
        await press(it, olena, "send it")
        assert "send it" in last(it, olena)
        await it.advance(minutes=5)
        assert [each[0] for each in await it.messages()] == ["problem-solved"]


async def test_the_decision_is_made_on_the_page_as_well_and_only_by_a_click(tmp_path: Path) -> None:
    async with staffed(tmp_path, APOLOGY) as (it, _, _), httpx.AsyncClient() as reader:
        it.shop.shop.create_order(gateway="shopify_payments", paid=True)
        await it.advance(minutes=1)
        mail = next(mail for mail in it.smtp.ledger if "marek@kavovar.example" in mail.to)
        link = next(word for word in mail.text.split() if "/e/" in word)
        assert "send it / leave it" in mail.text
        shown = await reader.get(link)
        assert "send it" in shown.text and "leave it" in shown.text
        assert (await it.rows(tables.escalations))[0].state == "open"
        await reader.post(link, data={"do": "choose", "choice": "leave it", "note": "twice already"})
        await it.advance(minutes=5)
        (row,) = await it.rows(tables.escalations)
        assert (row.state, row.choice, row.owner, row.note) == ("resolved", "leave it", "marek", "twice already")
        assert await it.messages() == []
        assert [row.state for row in await it.rows(tables.runs)] == ["done"]
        assert urlsplit(link).path.startswith("/e/")


PROBLEM = """
  problem:
    on: shipment.problem
    steps:
      - escalate: {to: support, severity: critical, due: 4h, reason: "{{ shipment.reason or 'problem' }}", id: case}
      - wait: {event: escalation.resolved, up_to: 2d}
      - choose:
          - when: waited == "escalation.resolved"
            steps: [{notify: {template: problem-solved, via: letter}}]
          - else: [{escalate: {to: manager, severity: critical, due: 4h, reason: "Not solved after two days"}}]
  nobody-took-it:
    on: escalation.overdue
    when: escalation.severity in ["high", "critical"]
    steps: [{notify: {to: manager, template: staff-overdue, urgent: true, via: [mail]}}]
"""


async def test_a_problem_that_somebody_solves_is_told_to_the_customer(tmp_path: Path) -> None:
    morning = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    async with staffed(tmp_path, PROBLEM, morning) as (it, olena, _):
        await _shipped(it)
        it.np.move(NUMBER, "105")
        await it.advance(hours=8)
        assert any("Overdue" in subject for subject in it.mails("iryna@kavovar.example")), "nobody took it"
        assert await it.messages() == []
        await press(it, olena, "Готово")
        await it.advance(minutes=5)
        assert [each[0] for each in await it.messages()] == ["problem-solved"]


async def test_and_one_that_nobody_solves_goes_to_the_manager(tmp_path: Path) -> None:
    morning = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    async with staffed(tmp_path, PROBLEM, morning) as (it, _, _):
        await _shipped(it)
        it.np.move(NUMBER, "105")
        await it.advance(days=3)
        rows = await it.rows(tables.escalations)
        assert [row.reason for row in rows][1:] == ["Not solved after two days"]
        assert await it.messages() == []
