"""Promises to write again (FLOWS 11). Any later message that reaches the customer about the order keeps one. Otherwise
`contact.promise.template` goes out before it runs out and promises anew, so often in a row; then a person is asked, and
at once where the customer waits for an answer.

A promise stands in the document of the message that made it; one timer looks at it before it runs out, and again when
it has. Nothing is kept up to date in between, so no other event costs more. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from hub.config.lengths import Length
from hub.config.model import PromiseRule, Quiet, Shop
from hub.flows.model import Escalate, Expression, MessageClass, Severity
from hub.status import HeadlineValue
from hub.store.tables import TENANT

from .guards import LOOK_AGAIN, Option, before_quiet
from .ladder import escalation_rows, opened_line
from .loading import Loaded
from .plain import key_of
from .react import Reaction
from .shadow import realm, would_have_gone
from .staff import first_group
from .state import OrderView
from .states import REACHED
from .world import World

KIND = "promise"
"""Kind of the timers that look at promises."""
RENEWS = "renews"
"""In the document of a message that promises anew: the key of the one that promised before, and how."""
TEMPLATE = "staff-promise"
AHEAD = Length(timedelta(hours=1), working=True)
"""What is left of a promise when it is looked at: time for a person to act in, where one is asked."""
GRACE = timedelta(hours=1)
"""How long a promise that has run out while the hub was away may still be renewed before a person is asked."""
OVER = frozenset({
    HeadlineValue.CANCELLED, HeadlineValue.DELIVERED, HeadlineValue.RETURNED, HeadlineValue.REFUNDED,
})  # fmt: skip
"""The ends of an order: who has it, or has it no more, waits for nothing."""
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Promise:
    """Made `at`, to write until `by`: for the `again`-th time in a row after the first. `over`: the order had come to
    its end before."""

    by: datetime
    at: datetime
    length: Length
    again: int = 0
    over: bool = False

    def to_json(self) -> dict[str, Any]:
        """What is kept of it in its message's document."""
        return {
            "by": self.by.isoformat(), "at": self.at.isoformat(), "length": _plain(self.length), "again": self.again,
            "over": self.over,
        }  # fmt: skip

    @classmethod
    def from_json(cls, doc: Mapping[str, Any]) -> "Promise":
        """The promise again."""
        by, at = datetime.fromisoformat(doc["by"]), datetime.fromisoformat(doc["at"])
        return cls(by, at, _length(doc["length"]), doc["again"], doc["over"])


def _plain(length: Length) -> list[Any]:
    return [length.exact.total_seconds(), length.days, length.working]


def _length(plain: Sequence[Any]) -> Length:
    return Length(timedelta(seconds=plain[0]), plain[1], plain[2])


# ------------------------------------------------------------------------------------------------ made


def promised(
    given: Length | Expression | None,
    doc: Mapping[str, Any],
    names: Mapping[str, Any],
    view: OrderView | None,
    shop: Shop,
    now: datetime,
) -> Promise | None:
    """What a message promises that leaves now: by what its step says (`given`), or because it renews. A moment that is
    not known, or has passed, promises nothing. What renews one counts on from where that runs out: the customer hears
    once in that length of time, and not sooner each time."""
    again, begins = 0, now
    if RENEWS in doc:
        given, again = _length(doc[RENEWS]["length"]), doc[RENEWS]["again"]
        begins = max(now, datetime.fromisoformat(doc[RENEWS]["by"]))
    if given is None or view is None:
        return None
    if isinstance(given, Length):
        return Promise(given.after(begins, shop.timezone, shop.hours), now, given, again, is_over(view))
    by = given.value(names)
    if not isinstance(by, datetime) or by <= now:
        return None
    return Promise(by, now, Length(by - now), again, is_over(view))


def is_over(view: OrderView) -> bool:
    """Whether an order has come to its end."""
    return bool(view.gone) or view.headline.value in OVER


def looked_at(
    promise: Promise, shop: Shop, quiet: Quiet | None, option: Option | None, zones: Sequence[ZoneInfo]
) -> datetime:
    """When a promise is looked at: a working hour before it runs out; where less than a quarter of it would have passed
    by then, in its middle; sooner, where what would be said then (by `option`) would ring at night."""
    due, whole = _last_start(promise, shop), promise.by - promise.at
    if due - promise.at < whole / 4:
        due = promise.at + whole / 2
    if quiet is None or option is None:
        return due
    return before_quiet(quiet, option, *zones, due_at=due, before_at=promise.by, now=promise.at)


def _last_start(promise: Promise, shop: Shop) -> datetime:
    """The last minute from which there is as much working time as `AHEAD` until the promise runs out."""
    few, many = 0, ceil((promise.by - promise.at) / _MINUTE)
    while many - few > 1:
        middle = (few + many) // 2
        enough = AHEAD.after(promise.by - middle * _MINUTE, shop.timezone, shop.hours) <= promise.by
        few, many = (few, middle) if enough else (middle, many)
    return promise.by - many * _MINUTE


def timer_of(row: Any, due_at: datetime) -> dict[str, Any]:
    """The timer that looks at the promise of a message."""
    return {
        "tenant": TENANT, "slot": row.slot, "key": timer_key(row.key), "kind": KIND, "ref": row.key,
        "order_id": row.order_id, "due_at": due_at, "state": 0,
    }  # fmt: skip


def timer_key(message_key: str) -> str:
    """The key of that timer."""
    return f"{KIND}:{message_key}"


# ------------------------------------------------------------------------------------------------ kept


def is_kept(row: Any, promise: Promise, said: Sequence[Any], world: World) -> bool:
    """Whether anything that left after the promise has reached the customer; what a shadow said reaches only those who
    would hear shadows."""
    return any(_reached(each, world) and _left_at(each) > promise.at for each in _others(row, said))


def _others(row: Any, said: Sequence[Any]) -> Iterator[Any]:
    """What else is said to the customer about the order."""
    for each in said:
        if each.key != row.key and each.shadow <= row.shadow and not each.recipient.startswith("staff:"):
            yield each


def _left_at(row: Any) -> datetime:
    first: str | None = row.doc.get("first_try_at")
    return datetime.fromisoformat(first) if first else row.created_at


def _reached(row: Any, world: World) -> bool:
    return would_have_gone(row) or (row.state in REACHED and not _waits_for_receipt(row, world))


def _waits_for_receipt(row: Any, world: World) -> bool:
    return row.state == "sent" and row.connection in world.adapters and world.gives_receipts(row.connection)


def _is_coming(row: Any, promise: Promise, world: World) -> bool:
    """Whether a message may yet reach the customer before the promise runs out."""
    on_its_way = row.state == "on_wire" or (_waits_for_receipt(row, world) and _left_at(row) > promise.at)
    return on_its_way or (row.state == "due" and row.due_at < promise.by)


def needless(doc: Mapping[str, Any], said: Sequence[Any], view: OrderView, questions: int, world: World) -> str:
    """Why a promise need not be renewed any more by the message of this document; empty: it must be."""
    row = next((each for each in said if each.key == doc[RENEWS]["of"]), None)
    if row is None:
        return ""
    promise = Promise.from_json(row.doc["promise"])
    others = [each for each in said if RENEWS not in each.doc or each.doc[RENEWS]["of"] != row.key]
    if is_over(view) and not promise.over:
        return "stopped: the order has come to its end"
    if is_kept(row, promise, others, world):
        return "stopped: the promise is kept already"
    return "stopped: a question is open" if questions else ""


# ------------------------------------------------------------------------------------------------ looked at


def keep_promises(
    out: Reaction, due: Sequence[Any], loaded: Loaded, after: OrderView, world: World, now: datetime
) -> None:
    """What becomes of the promises whose timers have run out, beside what follows for the order at this moment."""
    for timer in due:
        row = next((each for each in loaded.said if timer.kind == KIND and each.key == timer.ref), None)
        if row is not None and "promise" in row.doc and (row.state in REACHED or would_have_gone(row)):
            _Look(out, row, loaded, after, world, now).go()


class _Look:
    """A look at one promise."""

    def __init__(self, out: Reaction, row: Any, loaded: Loaded, after: OrderView, world: World, now: datetime) -> None:
        self.out, self.row, self.loaded, self.after = out, row, loaded, after
        self.world, self.now, self.shop = world, now, world.shop_of(after.connection)
        self.promise = Promise.from_json(row.doc["promise"])
        self.rule = world.config.contact_of(self.shop).promise

    def go(self) -> None:
        row, promise, said = self.row, self.promise, self.loaded.said
        if (is_over(self.after) and not promise.over) or self.after.gone or is_kept(row, promise, said, self.world):
            return
        renewed = next((each for each in said if each.doc.get(RENEWS, {}).get("of") == row.key), None)
        if self.loaded.about.open_questions:
            self._ask("a question is open")
        elif self.rule is None:
            self._ask("nothing renews it")
        elif promise.again >= self.rule.at_most:
            self._ask(f"renewed {promise.again} times in a row")
        elif renewed is not None and not (self.now < promise.by and _is_coming(renewed, promise, self.world)):
            self._ask(f"{renewed.template} did not reach the customer")
        elif renewed is not None:
            self.out.timers.append(timer_of(row, promise.by))
        elif self.now < promise.by and (coming := self._coming()) is not None:
            self.out.timers.append(timer_of(row, min(max(coming, self.now) + LOOK_AGAIN, promise.by)))
        else:
            self._renew(self.rule)

    def _coming(self) -> datetime | None:
        """When something else is to be said in time; None: nothing is."""
        others = [each for each in _others(self.row, self.loaded.said) if _is_coming(each, self.promise, self.world)]
        due = [each.due_at for each in others]
        due += [each["due_at"] for each in self.out.messages if each["recipient"] == "customer"]
        return min((each for each in due if each < self.promise.by), default=None)

    def _renew(self, rule: PromiseRule) -> None:
        row, promise = self.row, self.promise
        again = {
            "of": row.key, "by": promise.by.isoformat(), "length": _plain(promise.length), "again": promise.again + 1,
        }  # fmt: skip
        self.out.messages.append(
            {
                "tenant": TENANT,
                "slot": row.slot,
                "key": key_of(TENANT, realm(KIND, bool(row.shadow)), row.key),
                "order_id": row.order_id,
                "customer_id": self.loaded.customer_id,
                "run_key": "",
                "flow": row.flow,
                "step": KIND,
                "template": rule.template,
                "cls": MessageClass.TRANSACTIONAL.value,
                "recipient": row.recipient,
                "word": "",
                "subject": row.subject,
                "state": "due",
                "reason": "",
                "shadow": row.shadow,
                "due_at": self.now,
                "before_at": promise.by if promise.by > self.now else None,
                "created_at": self.now,
                "doc": {
                    "via": rule.via if isinstance(rule.via, str) else list(rule.via),
                    "values": row.doc.get("values", {}),
                    "event": row.doc.get("event"),
                    RENEWS: again,
                },
            }
        )
        self.out.timers.append(timer_of(row, max(promise.by, self.now + GRACE)))
        self._note(f"{self._said()}: {rule.template} promises anew")

    def _ask(self, why: str) -> None:
        """A person is asked: one matter for each order."""
        row = self.row
        reason = f"{self._said()}: {why}"
        key = key_of(TENANT, realm(KIND, bool(row.shadow)), row.order_id)
        open_already = self.loaded.open_escalations.get(key)
        if open_already is not None:
            self.out.notes.append({"uid": open_already, "note": reason, "severity": Severity.HIGH.value})
            return
        group = self.rule.escalate if self.rule is not None else first_group(self.world)
        if not group:
            self._note(f"{reason}; the file names nobody who could be asked")
            return
        rows = escalation_rows(
            key_of(TENANT, KIND, row.key)[:24], key, Escalate(KIND, group, reason, Severity.HIGH), reason,
            order_id=row.order_id, run_key=row.run_key, flow=row.flow, subject=row.subject, word=row.word,
            world=self.world, now=self.now, shop=self.shop, template=TEMPLATE, shadow=bool(row.shadow),
        )  # fmt: skip
        for message in rows.messages:
            message["doc"]["extra"] = {"promise": {"by": {"$time": self.promise.by.isoformat()}}}
        if rows.line:
            self._note(rows.line)
        self.out.escalations.append(rows.escalation)
        self.out.lines.append(opened_line(rows.escalation))
        self.out.messages += rows.messages
        self.out.timers += rows.timers

    def _said(self) -> str:
        by = self.promise.by.astimezone(self.shop.timezone)
        return f"{self.row.template} promised news by {by:%Y-%m-%d %H:%M}"

    def _note(self, text: str) -> None:
        self.out.lines.append({"kind": "note", "subject": "", "at": self.now, "doc": {"text": text}})
