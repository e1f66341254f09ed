"""The checks of platforms and channels, each against an adapter with the fault it is there to find."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hub.model import Checkpoint, OrderSnapshot
from hub.plugin import Accepted, AddressKind, Outcome, Outgoing, Page, Permanent, Raw
from hub.status import Native
from hub.testing import Sample

from .stall import SAMPLES, Bell, BellConformance, Stall, StallConformance

ORDER = Sample(SAMPLES / "stall" / "one-order.json")
NOTHING = Sample(SAMPLES / "bell" / "nothing.json")


def over(base: type[Any], adapter: Any, **named: Any) -> Any:
    return type("Checks", (base,), {"adapter": adapter, "__module__": __name__, **named})()


def _says(check: Callable[[], object], *words: str) -> None:
    with pytest.raises(pytest.fail.Exception) as caught:
        check()
    for word in words:
        assert word in str(caught.value)


# --- platforms -----------------------------------------------------------------------------------------------------


class Restless(Stall):
    async def poll(self, cursor: Any) -> Page:
        return replace(await super().poll(cursor), more=True)


class Drifting(Stall):
    turns = 0

    async def poll(self, cursor: Any) -> Page:
        type(self).turns += 1
        page = await super().poll(cursor)
        return replace(page, events=[replace(each, dedupe_key=str(self.turns)) for each in page.events])


class Tuple(Stall):
    async def poll(self, cursor: Any) -> Page:
        return replace(await super().poll(cursor), cursor=(1, 2))


class Nosy(Stall):
    async def fetch(self, ref: str) -> Sequence[Raw]:
        return [Raw({}, f"order:{ref}", "k")]


def test_faults_of_polling_are_found() -> None:
    check = "test_a_poll_comes_to_an_end_and_gives_the_same_from_the_same_cursor"
    _says(getattr(over(StallConformance, Restless), check), "not come to an end")
    _says(getattr(over(StallConformance, Drifting), check), "other dedupe keys")
    _says(getattr(over(StallConformance, Tuple), check), "plain JSON")
    _says(getattr(over(StallConformance, Stall, prepare=lambda self, sandbox: None), check), "overriding `prepare`")


def test_an_invented_order_is_found() -> None:
    _says(over(StallConformance, Nosy).test_an_order_that_is_not_there_is_no_failure, "must give nothing")


class TwoStates(Stall):
    def normalise(self, raw: Raw) -> Sequence[OrderSnapshot]:
        twice = (Native("stall", "new"), Native("stall", "done"))
        return [replace(each, natives=twice) for each in super().normalise(raw)]


class Carrying(Stall):
    def normalise(self, raw: Raw) -> Sequence[Any]:
        return [Checkpoint("1", Native("stall", "new"), each.version) for each in super().normalise(raw)]


def test_records_that_are_no_platforms_are_found() -> None:
    two = over(StallConformance, TwoStates)
    _says(lambda: two.test_no_two_natives_of_an_order_claim_one_axis(ORDER), "claim the same axis")
    _says(
        lambda: over(StallConformance, Carrying).test_every_event_is_about_something(ORDER), "nothing of ['Checkpoint']"
    )


def test_a_safety_net_that_is_never_cast_is_found() -> None:
    lazy = type("Lazy", (Stall,), {"poll_every": timedelta(days=30)})
    _says(over(StallConformance, lazy).test_the_safety_net_is_cast_in_time, "out of reason")


# --- channels ------------------------------------------------------------------------------------------------------


class Forgetting(Bell):
    async def send(self, message: Outgoing) -> Outcome:
        return Accepted(str(id(message)))


class Refusing(Bell):
    async def send(self, message: Outgoing) -> Outcome:
        return Permanent("never")


class Raising(Bell):
    async def send(self, message: Outgoing) -> Outcome:
        if len(message.text) > 50:
            return None  # type: ignore[return-value]
        return await super().send(message)


def test_faults_of_sending_are_found() -> None:
    forgetting = over(BellConformance, Forgetting)
    _says(forgetting.test_a_key_is_honoured_where_that_is_declared, "honours_keys is True")
    _says(forgetting.test_an_address_that_is_none_is_an_outcome, "no addresses")
    _says(over(BellConformance, Refusing).test_a_message_is_accepted, "should take the message")
    _says(over(BellConformance, Raising).test_hostile_texts_are_outcomes, "returns an outcome")


def test_declarations_without_anything_behind_are_found() -> None:
    deaf = type("Deaf", (Bell,), {"receipts": True, "poll": Bell.__mro__[1].poll})  # type: ignore[attr-defined]
    _says(over(BellConformance, deaf).test_receipts_come_from_somewhere_when_they_are_declared, "neither `verify` nor")
    mute = type("Mute", (Bell,), {"address_kind": AddressKind.LINK})
    _says(over(BellConformance, mute).test_a_channel_of_links_can_make_one, "must give a link")


class Selling(Bell):
    def normalise(self, raw: Raw) -> Sequence[Any]:
        return [Checkpoint("1", Native("bell", "x"), self.clock.now())]


def test_records_that_are_no_channels_are_found() -> None:
    _says(lambda: over(BellConformance, Selling).test_records_are_a_channels(NOTHING), "nothing of ['Checkpoint']")
