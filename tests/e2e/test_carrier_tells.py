"""A carrier that announces a parcel itself: we write, and ring only when it matters more."""

from pathlib import Path

from .town import CONNECTIONS, FLOWS, Town, town

CUSTOMER = "olena.hrytsenko@example.com"
NUMBER = "20450999123456"
TELLING = CONNECTIONS.replace("carrier: nova_poshta,", "carrier: nova_poshta, tells: [ready_for_pickup],")
READY = "{template: ready-for-pickup}"


async def _waiting(it: Town) -> int:
    """A parcel that waits in the branch, and the chat of its recipient."""
    order = it.shop.shop.create_order(gateway="shopify_payments", paid=True)
    await it.advance(minutes=5)
    link = next(word for word in it.smtp.ledger[0].text.split() if word.startswith("https://t.me/"))
    chat = it.telegram.open_chat("Олена")
    it.telegram.follow(chat, link)
    await it.advance(minutes=5)
    it.np.create(NUMBER)
    it.shop.shop.fulfil(order, NUMBER, "Nova Poshta")
    await it.advance(minutes=5)
    it.np.move(NUMBER, "5")
    await it.advance(hours=5)
    it.np.arrive(NUMBER)
    await it.advance(hours=3)
    return chat


def _arrived(it: Town) -> list[str]:
    return [subject for subject in it.mails(CUSTOMER) if "чекає на вас" in subject]


async def test_it_arrives_as_a_mail_and_the_last_day_rings(tmp_path: Path) -> None:
    async with town(tmp_path, connections=TELLING) as it:
        chat = await _waiting(it)
        assert len(_arrived(it)) == 1
        before = len(it.telegram.screen(chat))
        await it.advance(days=8)
        assert (await it.messages())[-1][:2] == ("pickup-last-day", "sent")
        assert len(it.telegram.screen(chat)) == before + 1, "no carrier announces the last day"


async def test_unless_the_merchant_wants_the_echo(tmp_path: Path) -> None:
    flows = FLOWS.replace(READY, READY.replace("}", ", echo: true}"))
    async with town(tmp_path, connections=TELLING, flows=flows) as it:
        await _waiting(it)
        assert (await it.messages())[-1][:2] == ("ready-for-pickup", "sent")
        assert _arrived(it) == []
