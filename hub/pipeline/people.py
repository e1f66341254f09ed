"""What channels report: receipts, replies, links made, channels closed. Written in the apply transaction."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hub.model import ChannelClosed, Linked, Receipt, ReceiptState, Reply
from hub.plugin import AddressKind
from hub.store.consents import COMPLAINT, STOP, start, stop
from hub.store.database import insert_new, upsert
from hub.store.links import chat_purpose, find_link
from hub.store.tables import (
    TENANT,
    InboxState,
    attempts,
    contacts,
    customers,
    inbox,
    links,
    messages,
    orders,
    slot_of,
    suppressions,
)

from .around import address_hash
from .batch import ChannelRecord
from .listen import message_moved
from .plain import key_of, receipt_subject
from .pressing import PREFIX, pressed
from .questions import ASKED, RECEIVED, ask, newest_order
from .shadow import realm, write_messages
from .states import MOVES, done_with
from .survey_replies import Chat, take_press, take_words
from .topics import STATUS, topic_of
from .world import World

BOUNCE_COUNTS = timedelta(hours=48)
"""A bounce within this time undoes "reached": the next channel is tried (FLOWS 6)."""

ANSWER, NOT_LINKED, GREETING, STOPPED = "order-status", "order-status-none", "chat-linked", "chat-stopped"
HELP = "chat-help"
YIELDS = timedelta(seconds=5)
"""How long the hub's own thanks for a question wait where flows hear of it: what one of them says stands in their
place."""
COMMANDS = {"/start": ANSWER, "/status": ANSWER, "/help": HELP}
"""Commands of a chat, which are no questions, and what they are answered with."""


def write_channel(
    connection: sa.Connection,
    dialect: str,
    source: str,
    event_id: int,
    record: ChannelRecord,
    world: World,
    now: datetime,
) -> None:
    """Take one record of a channel in."""
    write = _Channel(connection, dialect, source, world, now)
    match record:
        case Receipt():
            write.receipt(record, event_id)
        case Reply():
            write.reply(record)
        case Linked():
            write.linked(record)
        case ChannelClosed():
            write.closed(record)


Press = Callable[[sa.Connection, str, str, Reply, World, datetime], None]
PRESSED: Mapping[str, Press] = {PREFIX: pressed}
"""What a button for staff begins with → what a press of it does. Others are a survey's, or not ours."""


class _Channel:
    def __init__(self, connection: sa.Connection, dialect: str, source: str, world: World, now: datetime) -> None:
        self.connection, self.dialect, self.source, self.world, self.now = connection, dialect, source, world, now

    # -- receipts

    def receipt(self, receipt: Receipt, event_id: int) -> None:
        attempt = self._attempt(receipt)
        if attempt is None:
            self._too_early(receipt, event_id)
            return
        message = self.connection.execute(sa.select(messages).where(messages.c.id == attempt.message_id)).one()
        if receipt.state is ReceiptState.FAILED:
            self._bounced(receipt, attempt, message)
        elif receipt.state.value in MOVES[message.state]:
            self._move(message.id, state=receipt.state.value, reason="", finished_at=receipt.at)

    def _too_early(self, receipt: Receipt, event_id: int) -> None:
        """A receipt may overtake the answer that tells us the provider's id: it waits until that is recorded."""
        on_wire = sa.select(messages.c.id).where(
            sa.text("messages.state = 'on_wire'"), messages.c.connection == self.source
        )
        if receipt.provider_id and self.connection.execute(on_wire.limit(1)).first() is not None:
            values = {"state": InboxState.ORPHAN, "subject": receipt_subject(self.source, receipt.provider_id)}
            self.connection.execute(sa.update(inbox).where(inbox.c.id == event_id).values(**values, done_at=None))

    def _attempt(self, receipt: Receipt) -> Any:
        query = sa.select(attempts).where(attempts.c.tenant == TENANT, attempts.c.connection == self.source)
        if receipt.key:
            query = query.where(attempts.c.key == receipt.key)
        elif receipt.provider_id:
            query = query.where(attempts.c.provider_id == receipt.provider_id)
        else:
            return None
        return self.connection.execute(query.order_by(attempts.c.id.desc()).limit(1)).first()

    def _bounced(self, receipt: Receipt, attempt: Any, message: Any) -> None:
        if receipt.dead_address:
            self._suppress(attempt.address_hash, receipt.reason)
        late = self.now - attempt.started_at > BOUNCE_COUNTS
        if message.state not in ("sent", "uncertain") or late or attempt.id != self._newest_attempt(message.id):
            return  # a receipt of what the message no longer rests on undoes nothing
        doc = done_with(message.doc, self.source, receipt.reason)
        self._move(message.id, state="due", reason=receipt.reason, due_at=self.now, doc=doc, tries=0)

    def _newest_attempt(self, message_id: int) -> Any:
        newest = sa.select(sa.func.max(attempts.c.id)).where(attempts.c.message_id == message_id)
        return self.connection.execute(newest).scalar()

    def _suppress(self, address_hash: str, reason: str) -> None:
        if address_hash:
            values = {"tenant": TENANT, "channel": self.source, "address_hash": address_hash, "reason": reason}
            self.connection.execute(insert_new(suppressions, self.dialect).values(**values, at=self.now))

    def _move(self, message_id: int, **values: Any) -> None:
        if values.get("state") == "due":
            values |= {"connection": "", "owner": "", "finished_at": None}
        self.connection.execute(sa.update(messages).where(messages.c.id == message_id).values(**values))
        message_moved(self.connection, self.dialect, self.world, message_id, values["state"], self.now)

    # -- links and closed channels

    def linked(self, linked: Linked) -> None:
        link = find_link(self.connection, linked.token, chat_purpose(self.source), self.now)
        if link is None or (link.used_at is not None and self._holder(link.ref) != linked.address):
            self._say(NOT_LINKED, linked.address, f"link|{linked.token}|{linked.address}", linked.locale)
            return
        self.connection.execute(sa.update(links).where(links.c.token_hash == link.token_hash).values(used_at=self.now))
        self._contact(link.ref, linked.address, "open", "linked")
        occasion = f"linked|{link.ref}|{linked.address}"
        self._say(GREETING, linked.address, occasion, linked.locale, link.ref, self._newest_order(link.ref))

    def _newest_order(self, customer_id: str) -> str:
        """The order that a greeting speaks of; empty when there is none."""
        mine = (orders.c.tenant == TENANT, orders.c.customer_id == customer_id, orders.c.headline != "")
        newest = sa.select(orders.c.id).where(*mine).order_by(orders.c.created_at.desc(), orders.c.id.desc()).limit(1)
        return self.connection.execute(newest).scalar() or ""

    def _holder(self, customer_id: str) -> str:
        row = self.connection.execute(
            sa.select(contacts.c.address).where(
                contacts.c.tenant == TENANT, contacts.c.customer_id == customer_id, contacts.c.channel == self.source
            )
        ).first()
        return row.address if row else ""

    def _contact(self, customer_id: str, address: str, state: str, reason: str) -> None:
        values = {
            "tenant": TENANT, "customer_id": customer_id, "channel": self.source, "address": address,
            "state": state, "reason": reason, "at": self.now,
        }  # fmt: skip
        keys, change = ("tenant", "customer_id", "channel"), ("address", "state", "reason", "at")
        self.connection.execute(upsert(contacts, self.dialect, keys=keys, change=change), [values])

    def closed(self, closed: ChannelClosed) -> None:
        """The person shut the channel (or opened it again): true for whoever has this address. A word in a channel
        that carries news of orders leaves it open for them; on SMS it is for all (FLOWS 7)."""
        whose, kind = self._who_has(closed.address), self.world.channel(self.source).address_kind
        for customer_id in whose if closed.word or closed.reason == COMPLAINT else ():
            self._said(closed, customer_id)
        if closed.word and kind is not AddressKind.PHONE and not closed.open:
            occasion = f"stop|{closed.address}|{closed.at}"
            customer = min(whose, default="")
            self._say(STOPPED if whose else NOT_LINKED, closed.address, occasion, closed.locale, customer)
            return
        state = "open" if closed.open else "closed"
        for customer_id in whose:
            self._contact(customer_id, closed.address, state, closed.reason)
        if closed.open:
            self._reopen(whose, closed.reason)
        if kind is not AddressKind.LINK:
            self._address(closed)

    def _said(self, closed: ChannelClosed, customer_id: str) -> None:
        """What they no longer want to hear here, or want to hear again."""
        who: dict[str, Any] = {"customer_id": customer_id, "at": closed.at}
        if not closed.open:
            how = STOP if closed.word else COMPLAINT
            stop(self.connection, self.dialect, **who, channel=self.source, how=how)
            return
        channels = self.world.of_kind("channel")
        for each in self._alike():
            start(self.connection, self.dialect, **who, channel=each, channels=channels)

    def _reopen(self, customer_ids: set[str], reason: str) -> None:
        """What any provider of the failover reported closed is open again, whichever hears of it."""
        its = (contacts.c.tenant == TENANT, contacts.c.channel.in_(self._alike()), contacts.c.state == "closed")
        opened = sa.update(contacts).where(*its, contacts.c.customer_id.in_(customer_ids))
        self.connection.execute(opened.values(state="open", reason=reason, at=self.now))

    def _alike(self) -> list[str]:
        return sorted(self.world.one_address[self.source])

    def _address(self, closed: ChannelClosed) -> None:
        """The address itself, for whoever gives it in an order: we may not know yet whose it is."""
        if not closed.open:
            self._suppress(address_hash(self.source, closed.address), closed.reason)
            return
        hashes = [address_hash(each, closed.address) for each in self._alike()]
        mine = (suppressions.c.tenant == TENANT, suppressions.c.address_hash.in_(hashes))
        self.connection.execute(sa.delete(suppressions).where(*mine))

    def _who_has(self, address: str) -> set[str]:
        linked = sa.select(contacts.c.customer_id).where(
            contacts.c.tenant == TENANT, contacts.c.channel == self.source, contacts.c.address == address
        )
        kind = self.world.channel(self.source).address_kind
        column = {AddressKind.EMAIL: customers.c.email, AddressKind.PHONE: customers.c.phone}.get(kind)
        if column is None:
            return {row.customer_id for row in self.connection.execute(linked)}
        known = sa.select(customers.c.id.label("customer_id")).where(
            customers.c.tenant == TENANT, sa.func.lower(column) == address.strip().lower()
        )
        return {row.customer_id for query in (linked, known) for row in self.connection.execute(query)}

    # -- answers

    def reply(self, reply: Reply) -> None:
        """Whoever writes to us asks something. In a chat, where their orders are is told at once, and a stranger is
        told how to be known; the rest is for a person (docs/consent.md)."""
        asking = Chat(self.connection, self.dialect, self.world, self.source, reply.address, self.now)
        if reply.button:
            press = PRESSED.get(reply.button.partition(":")[0])
            if press is not None:
                press(self.connection, self.dialect, self.source, reply, self.world, self.now)
            else:
                take_press(asking, reply.button, self._say)
            return
        if take_words(asking, reply.text, self._say):
            return
        chat = self.world.channel(self.source).address_kind is AddressKind.LINK
        people, command = self._who_has(reply.address), reply.text.strip().partition(" ")[0].casefold()
        customer, order = newest_order(self.connection, people)
        customer = customer or min(people, default="")
        if chat and (not customer or command in COMMANDS):
            template = COMMANDS.get(command, NOT_LINKED) if customer else NOT_LINKED
            self._say(template, reply.address, f"reply|{reply.event_id}", reply.locale, customer)
            return
        topic = topic_of(reply.text)
        if not customer or not topic:
            return
        question = ask(
            self.connection, self.dialect, self.world, customer_id=customer, order_id=order, channel=self.source,
            topic=topic, text=reply.text, occasion=f"{self.source}|{reply.event_id}", at=reply.at, now=self.now,
            answered=chat and topic == STATUS,
        )  # fmt: skip
        if chat and topic == STATUS:
            self._say(ANSWER, reply.address, f"reply|{reply.event_id}", reply.locale, customer)
        elif chat and question:
            occasion = f"received|{question if order else f'{reply.address}|{self.now:%Y-%m-%d %H}'}"
            self._say(RECEIVED, reply.address, occasion, reply.locale, customer, order, question)

    def _say(
        self,
        template: str,
        address: str,
        occasion: str,
        locale: str,
        customer_id: str = "",
        order_id: str = "",
        question: str = "",
    ) -> None:
        recipient = f"chat:{self.source}"
        yields = bool(question) and self.world.hears(ASKED)
        row = {
            "tenant": TENANT,
            "slot": slot_of(order_id or address),
            "key": key_of(TENANT, self.source, realm(template, self.world.shadow), occasion),
            "order_id": order_id,
            "customer_id": customer_id,
            "subject": question,
            "word": ASKED if question else "",
            "template": template,
            "cls": "transactional",
            "recipient": recipient,
            "state": "due",
            "due_at": self.now + YIELDS if yields else self.now,
            "created_at": self.now,
            "doc": {"via": [self.source], "urgent": True, "address": address, "locale": locale},
        }
        write_messages(self.connection, self.dialect, self.world, [row])
