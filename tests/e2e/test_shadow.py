"""A hub in shadow: the same stories, told to a live hub and to one in shadow, and nobody outside feels the second."""

import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from hub.model import Customer
from hub.store import tables
from tests.pipeline.fakes import notify, order

from .hamlet import hamlet
from .test_stories import NUMBER, _shipped, _token
from .test_surveys import SURVEYS, delivered
from .town import FLOWS, Town, town

CUSTOMER = "olena.hrytsenko@example.com"
STAFF = ("olena@kavovar.example", "iryna@kavovar.example")
Story = Callable[[Town], Awaitable[object]]


@dataclass(frozen=True, order=True)
class Heard:
    """One message as its reader reads it, or would have."""

    at: datetime
    template: str
    recipient: str
    connection: str
    subject: str
    text: str


async def heard(it: Town, outcome: str) -> list[Heard]:
    """What went out, or would have, in that order; of staff only who is told first. The hub's own address and the
    secrets in links differ from hub to hub."""
    of = {row.id: row for row in await it.rows(tables.messages)}
    found = []
    for each in await it.rows(tables.attempts, tables.attempts.c.outcome == outcome):
        message = of[each.message_id]
        if message.recipient.startswith("staff:") and not message.step.endswith(":support:1"):
            continue
        text = re.sub(r"(/[oesu]/|start=)[\w-]+", r"\1TOKEN", each.content["text"].replace(it.base, "HUB"))
        subject = each.content["subject"]
        found.append(
            Heard(
                each.started_at, message.template, message.recipient, each.connection, subject, " ".join(text.split())
            )
        )
    return found


async def nobody_felt_it(it: Town) -> None:
    """Nothing arrived at any customer, the shop was not written to, and where the whole hub is in shadow nobody of the
    staff was called."""
    assert [each for mail in it.smtp.ledger for each in mail.to if it.shadow or each not in STAFF] == []
    assert not list(it.telegram.ledger)
    writes = {each.what for each in it.shop.ledger if each.kind == "mutation"}
    assert writes <= {"webhookSubscriptionCreate", "webhookSubscriptionUpdate", "webhookSubscriptionDelete"}
    links = await it.rows(tables.links)
    assert [each for each in links if each.purpose in ("order", "survey", "acknowledge", "unsubscribe")] == []


async def a_chat(it: Town) -> int:
    """The customer of the only order has linked a chat."""
    customer = (await it.rows(tables.customers))[0].id
    chat = it.telegram.open_chat("Олена")
    it.telegram.follow(chat, f"https://t.me/shop_orders_bot?start={await _token(it, customer)}")
    await it.advance(minutes=1)
    return chat


# ------------------------------------------------------------------------------------------------ the stories


async def nobody_collects_it(it: Town) -> None:
    await _shipped(it)
    it.np.arrive(NUMBER)
    await it.advance(days=8)


async def it_is_collected(it: Town) -> None:
    await _shipped(it)
    it.np.arrive(NUMBER)
    await it.advance(days=1)
    it.np.hand_over(NUMBER)
    await it.advance(days=9)


async def two_words_together(it: Town) -> None:
    await _shipped(it)
    it.np.arrive(NUMBER)
    await it.hub.quiet()
    await it.advance_to(datetime(2026, 11, 25, 9, 0, tzinfo=UTC))
    it.np.hand_over(NUMBER)
    await it.advance(hours=3)


async def paid_at_night_by_chat(it: Town) -> None:
    order = it.shop.shop.create_order(gateway="shopify_payments")
    await it.advance(hours=13)
    await a_chat(it)
    it.shop.shop.pay(order)
    await it.advance(hours=12)


async def a_customer_writes(it: Town) -> None:
    it.shop.shop.create_order()
    await it.advance(minutes=5)
    chat = await a_chat(it)
    it.telegram.say(chat, "Де моє замовлення?")
    stranger = it.telegram.open_chat("Чужий")
    it.telegram.say(stranger, "Агов")
    await it.advance(minutes=5)


async def it_is_cancelled(it: Town) -> None:
    order = it.shop.shop.create_order(gateway="shopify_payments", paid=True)
    await it.advance(minutes=5)
    it.shop.shop.cancel(order)
    await it.advance(hours=1)


async def something_is_wrong(it: Town) -> None:
    await _shipped(it)
    it.np.move(NUMBER, "105")
    await it.advance(hours=5)


async def two_orders_in_one_parcel(it: Town) -> None:
    await _shipped(it)
    second = it.shop.shop.create_order(gateway="shopify_payments", paid=True)
    await it.advance(minutes=5)
    it.shop.shop.fulfil(second, NUMBER, "Nova Poshta")
    await it.advance(minutes=10)
    it.np.hand_over(NUMBER)
    await it.advance(hours=16)


STORIES: list[Story] = [
    nobody_collects_it, it_is_collected, two_words_together, paid_at_night_by_chat, a_customer_writes,
    it_is_cancelled, something_is_wrong, two_orders_in_one_parcel,
]  # fmt: skip


def any_story(seed: int) -> Story:
    """Some days of a shop as the dice fall: the same for the same seed."""

    async def story(it: Town) -> None:
        dice = random.Random(seed)
        orders = [it.shop.shop.create_order(gateway="shopify_payments")]
        parcels: list[str] = []
        for _ in range(14):
            match dice.choice(("order", "pay", "ship", "ship", "move", "move", "arrive", "give", "cancel", "chat")):
                case "order":
                    mail = dice.choice((CUSTOMER, f"{dice.randrange(3)}@example.com"))
                    orders.append(it.shop.shop.create_order(email=mail, gateway="shopify_payments"))
                case "pay" if orders:
                    it.shop.shop.pay(orders.pop(0)) if dice.random() < 0.5 else None
                case "ship" if orders:
                    number = it.np.create()
                    parcels.append(number)
                    it.shop.shop.fulfil(orders.pop(), number, "Nova Poshta")
                case "move" if parcels:
                    it.np.move(dice.choice(parcels), dice.choice(("4", "5", "6", "105")))
                case "arrive" if parcels:
                    it.np.arrive(dice.choice(parcels))
                case "give" if parcels:
                    it.np.hand_over(parcels.pop())
                case "cancel" if orders:
                    it.shop.shop.cancel(orders.pop())
                case "chat" if await it.rows(tables.customers):
                    await a_chat(it)
            await it.advance(minutes=dice.choice((0, 1, 7, 60, 300, 1500)))
        await it.advance(days=3)

    return story


async def _told(story: Story, folder: Path, *, shadow: bool, flows: str = FLOWS) -> list[Heard]:
    folder.mkdir()
    async with town(folder, shadow=shadow, flows=flows) as it:
        await story(it)
        if shadow:
            await nobody_felt_it(it)
            assert await heard(it, "accepted") == []
        return await heard(it, "shadow" if shadow else "accepted")


@pytest.mark.parametrize("story", STORIES, ids=lambda each: each.__name__)
async def test_a_shadow_would_have_said_what_a_live_hub_says(tmp_path: Path, story: Story) -> None:
    live = await _told(story, tmp_path / "live", shadow=False)
    assert len(live) >= 2 or story is it_is_cancelled
    assert await _told(story, tmp_path / "shadow", shadow=True) == live


@pytest.mark.parametrize(
    "story", [nobody_collects_it, two_words_together, something_is_wrong], ids=lambda it: it.__name__
)
async def test_flows_in_shadow_would_have_said_what_live_flows_say(tmp_path: Path, story: Story) -> None:
    live = await _told(story, tmp_path / "live", shadow=False)
    quiet = FLOWS.replace("{on:", "{state: shadow, on:").replace("\n    on:", "\n    state: shadow\n    on:")
    (tmp_path / "shadow").mkdir()
    async with town(tmp_path / "shadow", flows=quiet) as it:
        await story(it)
        await nobody_felt_it(it)
        assert await heard(it, "shadow") == live


async def nobody_answers(it: Town) -> None:
    await delivered(it)
    await it.advance(days=10)


async def nobody_answers_in_a_chat(it: Town) -> None:
    it.shop.shop.create_order()
    await it.advance(minutes=5)
    await a_chat(it)
    await nobody_answers(it)


@pytest.mark.parametrize("story", [nobody_answers, nobody_answers_in_a_chat], ids=lambda it: it.__name__)
async def test_a_shadow_would_have_asked_and_reminded_as_a_live_hub_does(tmp_path: Path, story: Story) -> None:
    live = await _told(story, tmp_path / "live", shadow=False, flows=SURVEYS)
    assert [each.template for each in live][-2:] == ["five-questions", "five-questions-reminder"]
    assert all("/s/TOKEN" in each.text or "5 = цілком" in each.text for each in live[-2:])
    assert await _told(story, tmp_path / "shadow", shadow=True, flows=SURVEYS) == live


async def test_the_link_of_a_survey_in_shadow_opens_nothing_before_the_switch_or_after(tmp_path: Path) -> None:
    later = SURVEYS + "  again: {on: return.requested, steps: [{survey: {name: after-delivery, via: letter}}]}\n"
    async with town(tmp_path, flows=later, shadow=True) as it, httpx.AsyncClient() as reader:
        order = await delivered(it)
        await it.advance(days=3, hours=12)
        (kept,) = [each for each in await it.rows(tables.attempts) if "/s/" in each.content["text"]]
        link = next(word for word in kept.content["text"].split() if "/s/" in word)
        assert (await reader.get(link)).status_code == 404
        await it.restart(shadow=False)
        it.shop.shop.request_return(order)
        await it.advance(hours=1)
        (mail,) = [mail for mail in it.smtp.ledger if "/s/" in mail.text]
        real = next(word for word in mail.text.split() if "/s/" in word)
        assert (await reader.get(real)).status_code == 200, "a shadow keeps nobody from asking"
        link = f"{it.base}/s/{link.rpartition('/')[2]}"
        assert (await reader.post(link, data={"recommend": "1"})).status_code == 404
        assert {(row.shadow, row.state, len(row.answers)) for row in await it.rows(tables.surveys)} == {
            (0, "open", 0), (1, "open", 0),
        }  # fmt: skip


async def test_a_wait_that_began_in_shadow_ends_in_shadow_after_a_switch_in_its_middle(tmp_path: Path) -> None:
    async with town(tmp_path, shadow=True) as it:
        await _shipped(it)
        it.np.arrive(NUMBER)
        await it.advance(hours=3)
        await it.restart()
        await it.advance(hours=3)
        await it.restart(shadow=False)
        again = it.shop.shop.create_order(email="second@example.com", gateway="shopify_payments", paid=True)
        await it.advance(days=8)
        first = [each.template for each in await heard(it, "shadow")]
        assert first[-2:] == ["ready-for-pickup", "pickup-last-day"]
        assert [each.template for each in await heard(it, "accepted")] == ["order-received", "payment-received"]
        assert it.mails(CUSTOMER) == [] and len(it.mails("second@example.com")) == 2
        it.np.hand_over(NUMBER)
        await it.advance(days=1)
        assert len(it.mails(CUSTOMER)) == 1, "what happens from now on is told"
        assert again


async def test_what_was_due_at_the_switch_is_not_sent_late(tmp_path: Path) -> None:
    async with town(tmp_path, shadow=True) as it:
        it.shop.shop.create_order(gateway="shopify_payments", paid=True)
        await it.settle()
        assert {row.state for row in await it.rows(tables.messages)} == {"due"}
        await it.restart(shadow=False)
        await it.advance(hours=1)
        assert await it.messages() == [
            ("order-received", "suppressed", "shadow"), ("payment-received", "suppressed", "shadow"),
        ]  # fmt: skip
        assert it.mails() == []


async def test_who_came_in_shadow_is_greeted_when_they_come_again(tmp_path: Path) -> None:
    async with town(tmp_path, shadow=True) as it:
        it.shop.shop.create_order()
        await it.advance(minutes=5)
        chat = await a_chat(it)
        assert [each.template for each in await heard(it, "shadow")][-1] == "chat-linked"
        await it.restart(shadow=False)
        seen = len(it.telegram.screen(chat))
        customer = (await it.rows(tables.customers))[0].id
        it.telegram.follow(chat, f"https://t.me/shop_orders_bot?start={await _token(it, customer)}")
        await it.advance(minutes=1)
        assert len(it.telegram.screen(chat)) == seen + 2, "the start, and our greeting"


async def test_sms_are_kept_as_they_would_have_been_sent(tmp_path: Path) -> None:
    flows = {"packed": {"on": "order.packed", "steps": [notify("order-received", via=["sms"])]}}
    texts = []
    for shadow in (False, True):
        (tmp_path / str(shadow)).mkdir()
        async with hamlet(tmp_path / str(shadow), flows, shadow=shadow) as it:
            await it.hear("shop", "order:1", order("10:00", "order.packed", customer=Customer(phone="+380671234567")))
            await it.advance(minutes=5)
            (kept,) = await it.rows(tables.attempts)
            assert (kept.connection, kept.outcome, len(it.board.sent)) == (
                ("sms", "shadow", 0) if shadow else ("sms", "accepted", 1)
            )
            texts.append(re.sub(r"/o/[\w-]+", "/o/TOKEN", kept.content["text"]))
    assert texts[0] == texts[1] != ""


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_a_shadow_would_have_said_what_a_live_hub_says(tmp_path: Path, seed: int) -> None:
    live = await _told(any_story(seed), tmp_path / "live", shadow=False)
    assert live
    assert await _told(any_story(seed), tmp_path / "shadow", shadow=True) == live
