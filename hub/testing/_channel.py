"""What every channel is held to."""

from collections.abc import Sequence
from typing import Any, ClassVar, get_args

from hub.model import ChannelClosed, Linked, OwnEvent, Receipt, Reply
from hub.plugin import (
    Accepted,
    Adapter,
    AddressKind,
    Channel,
    Duplicate,
    FailureError,
    Outcome,
    Outgoing,
    Page,
    Permanent,
    Raw,
    Suppress,
)

from ._base import AdapterConformance
from ._kit import require, run
from ._samples import Sample

KEY = "0123456789abcdef0123456789abcdef"
_NO_ADDRESSES = ("", " ", "\x00", "a\r\nBcc: b@c.example", "x" * 5000, "../..")


class ChannelConformance(AdapterConformance):
    """Samples are answers to a first `poll`, and webhooks."""

    adapter: ClassVar[type[Channel[Any]]]
    to: ClassVar[str]
    """An address in this channel that the sandbox takes."""

    def message(self, **rest: Any) -> Outgoing:
        """A message that the channel can say."""
        return Outgoing(**{"key": KEY, "to": self.to, "text": "Your parcel is here.", "subject": "Here", **rest})

    def prepare(self, sandbox: Any) -> None:
        """Make `to` reachable in the sandbox, where that needs something."""

    async def asked(self, adapter: Any, sample: Sample) -> Sequence[Raw]:
        page: Page = await adapter.poll(None)
        return page.events

    async def ask(self, adapter: Any) -> Any:
        return await adapter.send(self.message())

    def said(self, *messages: Outgoing) -> list[Any]:
        """Outcomes of messages sent to the sandbox, one after another."""

        async def send() -> list[Any]:
            async with self.in_sandbox() as (adapter, sandbox):
                self.prepare(sandbox)
                return [await _outcome(adapter, each) for each in messages]

        return run(send())

    def test_a_message_is_accepted(self) -> None:
        """By the sandbox."""
        [found] = self.said(self.message())
        require(isinstance(found, Accepted), f"the sandbox should take the message; it was {found!r}")

    def test_a_key_is_honoured_where_that_is_declared(self) -> None:
        """The same key twice is one message."""
        first, second = self.said(self.message(), self.message())
        if self.adapter.honours_keys:
            same = isinstance(second, Duplicate) or second == first
            require(same, f"honours_keys is True, and the second message was {second!r}")
        else:
            require(isinstance(first, Accepted), f"the sandbox should take the message; it was {first!r}")

    def test_an_address_that_is_none_is_an_outcome(self) -> None:
        """`Suppress` or `Permanent`, never an exception and never accepted."""
        outcomes = self.said(*(self.message(to=each) for each in _NO_ADDRESSES))
        wrong = [
            (address, found)
            for address, found in zip(_NO_ADDRESSES, outcomes, strict=True)
            if not isinstance(found, Suppress | Permanent)
        ]
        require(not wrong, f"these are no addresses, so answer Suppress or Permanent: {wrong!r:.1000}")

    def test_hostile_texts_are_outcomes(self) -> None:
        """Control characters, header injection, too long: an outcome, and no exception."""
        length = (self.adapter.max_length or 20_000) + 1
        outcomes = self.said(
            self.message(text="x" * length),
            self.message(text=""),
            self.message(text="<b>&amp;*_[`\x00\x1b\u202e", subject="a\r\nBcc: b@c.example"),
        )
        wrong = [found for found in outcomes if not isinstance(found, get_args(Outcome))]
        require(not wrong, f"`send` returns an outcome, not {wrong!r}")

    def test_the_sandbox_is_greeted(self) -> None:
        """`hello` says one line for people."""

        async def greet() -> str:
            async with self.in_sandbox() as (adapter, _):
                return str(await adapter.hello())

        line = run(greet())
        require(line.strip() and "\n" not in line, f"`hello` returns one line for people, not {line!r}")

    def test_receipts_come_from_somewhere_when_they_are_declared(self) -> None:
        """By webhook or by poll; and what can be polled has a rhythm."""
        cls = self.adapter
        hears = cls.verify is not Adapter.verify or cls.poll is not Channel.poll
        require(hears or not cls.receipts, "receipts is True, and there is neither `verify` nor `poll`")
        polled = cls.poll_every is not None
        require(not polled or cls.poll is not Channel.poll, "poll_every is set, and there is no `poll`")

    def test_a_channel_of_links_can_make_one(self) -> None:
        """`AddressKind.LINK` means that a deep link gives the address."""

        async def link() -> Any:
            async with self.in_sandbox() as (adapter, _):
                await adapter.hello()
                return adapter.link_url("Abc-_123")

        found = run(link())
        if self.adapter.address_kind is AddressKind.LINK:
            require(found and "Abc-_123" in found, f"`link_url` must give a link with the token, not {found!r}")
        else:
            require(found is None, f"only a channel of links makes links; this one made {found!r}")

    def test_records_are_a_channels(self, sample: Sample) -> None:
        """Receipts, replies, links, closed doors; nothing of orders."""
        records = [record for raw in self.events(sample) for record in self.read(raw)]
        wrong = [
            type(each).__name__
            for each in records
            if not isinstance(each, Receipt | Reply | Linked | ChannelClosed | OwnEvent)
        ]
        require(not wrong, f"a channel says nothing of {wrong}")


async def _outcome(adapter: Any, message: Outgoing) -> Any:
    try:
        return await adapter.send(message)
    except FailureError as failure:
        return failure.outcome
