"""Policies of the form `after` while they run: for each occurrence a watch, with a timer at four fifths of its time and
one at its end (FLOWS 9). Nothing is done when a message reaches somebody: the timers look back. Pure.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hub.config.model import Shop
from hub.flows.policies import ANSWER, STAFF, After
from hub.store.tables import TENANT, slot_of

from .alarms import TEMPLATE, Alarm
from .occasions import Occasion
from .plain import from_plain, key_of, to_plain
from .shadow import SHADOW, realm
from .states import REACHED, MessageState
from .world import World

KIND = "policy"
"""Kind of the timers of watches."""
WARN_AT = 4, 5
"""The part of its time after which staff are warned."""
OPEN, KEPT, BROKEN, WAIVED, DROPPED = "open", "kept", "broken", "waived", "dropped"
"""States of a watch. `dropped`: its policy is not in the file any more."""
FORMS = {STAFF: "staff", ANSWER: "answer"}


@dataclass(frozen=True, slots=True)
class Watch:
    """One occurrence that somebody is to hear of. `values` are the names that were frozen when it happened."""

    key: str
    policy: str
    word: str
    subject_kind: str
    subject: str
    since: datetime
    warned: bool
    shadow: bool
    values: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, row: Any) -> "Watch":
        """The watch of its row."""
        return cls(
            row.key, row.policy, row.word, row.subject_kind, row.subject, row.since_at, bool(row.warned),
            bool(row.shadow), from_plain(row.doc),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said about an order since, to whomever: rows of messages, of matters, and of answered questions."""

    messages: Iterable[Any] = ()
    matters: Iterable[Mapping[str, Any]] = ()
    answered: Mapping[str, datetime] = field(default_factory=dict)
    """Question → when it was answered."""


NOBODY_HEARD = Heard()


def watch_rows(
    policy: After, occasion: Occasion, order_id: str, values: Mapping[str, Any], shop: Shop, now: datetime, shadow: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The row of a new watch and its first timer. The key is made of content: what happens again is watched once."""
    whose = (occasion.subject_kind, occasion.subject, occasion.word, occasion.occurrence)
    key = key_of(TENANT, realm(policy.name, shadow), *whose)
    watch = {
        "tenant": TENANT, "key": key, "order_id": order_id, "policy": policy.name, "word": occasion.word,
        "subject_kind": occasion.subject_kind, "subject": occasion.subject, "state": OPEN, "warned": 0,
        "shadow": int(shadow), "doc": to_plain(dict(values)), "since_at": now, "due_at": _ends(policy, now, shop),
    }  # fmt: skip
    return watch, timer_of(key, order_id, warns_at(policy, now, shop))


def timer_of(key: str, order_id: str, due_at: datetime) -> dict[str, Any]:
    """The timer of a watch."""
    return {
        "tenant": TENANT, "slot": slot_of(order_id), "key": f"{KIND}:{key}", "kind": KIND, "ref": key,
        "order_id": order_id, "due_at": due_at, "state": 0,
    }  # fmt: skip


def _ends(policy: After, since: datetime, shop: Shop) -> datetime:
    return policy.within.after(since, shop.timezone, shop.hours)


def warns_at(policy: After, since: datetime, shop: Shop) -> datetime:
    """When staff are warned."""
    part, whole = WARN_AT
    return since + (_ends(policy, since, shop) - since) * part / whole


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a watch whose timer has run out: its state; when to look again; the alarm to raise, or the
    warning to give."""

    state: str
    again: datetime | None = None
    alarm: Alarm | None = None
    warning: Alarm | None = None
    ends: datetime | None = None


def look_at(
    watch: Watch,
    policy: After | None,
    heard: Heard,
    waived: bool,
    *,
    order_id: str,
    world: World,
    shop: Shop,
    now: datetime,
) -> Verdict:
    """The newest text of a policy decides, and by when it holds. `waived`: `unless` holds now."""
    if policy is None:
        return Verdict(DROPPED)
    ends = _ends(policy, watch.since, shop)
    if is_heard(policy, watch, heard, world, until=min(ends, now)):
        return Verdict(KEPT, ends=ends)
    if now >= ends:
        if waived:
            return Verdict(WAIVED, ends=ends)
        return Verdict(BROKEN, alarm=_alarm(watch, policy, order_id, ends, over=True), ends=ends)
    if now < warns_at(policy, watch.since, shop):  # its time has been made longer
        return Verdict(OPEN, again=warns_at(policy, watch.since, shop), ends=ends)
    warning = None if waived or watch.warned else _alarm(watch, policy, order_id, ends, over=False)
    return Verdict(OPEN, again=ends, warning=warning, ends=ends)


def _alarm(watch: Watch, policy: After, order_id: str, ends: datetime, *, over: bool) -> Alarm:
    whom = FORMS.get(policy.hear, "customer")
    said = {"name": policy.name, "kind": "after" if over else "soon", "hear": whom, "by": ends}
    nobody = {"staff": "no person was told", "answer": "the question was not answered"}
    reason = f"{nobody.get(whom, 'the customer heard nothing')} within {policy.limit} of {watch.word}"
    return Alarm(policy.name, watch.key, order_id, watch.subject, watch.word, said, reason, watch.shadow)


def is_heard(policy: After, watch: Watch, heard: Heard, world: World, *, until: datetime) -> bool:
    """Whether who is meant has heard between the occurrence and `until`."""

    def in_time(at: datetime | None) -> bool:
        return at is not None and watch.since <= at <= until

    if policy.hear == ANSWER:
        return in_time(heard.answered.get(watch.subject))
    told = (each for each in heard.messages if each.template != TEMPLATE and in_time(each.finished_at))
    there = [each for each in told if _reached(each, world, shadow=watch.shadow)]
    if policy.hear == STAFF:
        taken = any(in_time(each["acknowledged_at"]) or in_time(each["resolved_at"]) for each in heard.matters)
        return taken or any(each.recipient.startswith("staff:") for each in there)
    to_customer = [each for each in there if not each.recipient.startswith("staff:")]
    return any(not policy.templates or each.template in policy.templates for each in to_customer)


def _reached(row: Any, world: World, *, shadow: bool) -> bool:
    """Whether a message has reached whoever it is for; in shadow, whether it would have."""
    if shadow and row.shadow:
        return bool((row.state, row.reason) == (MessageState.SUPPRESSED, SHADOW))
    if row.shadow or row.state not in REACHED:
        return False
    waits = row.state == MessageState.SENT and row.connection in world.adapters
    return not (waits and world.gives_receipts(row.connection))


def needed(timers: Iterable[Any]) -> Collection[str]:
    """Keys of the watches whose timers these are."""
    return {timer.ref for timer in timers if timer.kind == KIND}
