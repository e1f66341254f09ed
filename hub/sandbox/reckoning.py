"""The reckoning: the ledgers of the world outside against the database, and both against the story.

Each check gives how many things it looked at and everything that differs, in plain words. Nothing that differs is
explained away: one difference anywhere, and the demo has failed.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from hub.pipeline.states import REACHED
from hub.store.tables import InboxState

from . import expected
from .evidence import Evidence, mark_of
from .story import CASES, CHANNELS, MAIL, SMS, TELEGRAM

TAKEN = ("accepted", "duplicate")
"""Outcomes of an attempt with which a message has arrived."""


@dataclass(frozen=True, slots=True)
class Line:
    """One check: `n` things of which `what` must hold, and the differences."""

    what: str
    n: int
    differences: tuple[str, ...] = ()


Check = Callable[[Evidence], tuple[int, Iterator[str]]]


def reckon(evidence: Evidence) -> list[Line]:
    """All checks."""
    lines = []
    for what, check in CHECKS.items():
        n, differences = check(evidence)
        lines.append(Line(what, n, tuple(differences)))
    return lines


# -- in: nothing is lost, nothing acts twice


def _kept(it: Evidence) -> tuple[int, Iterator[str]]:
    lost = Counter(it.taken).keys() - it.inbox.keys()
    return len(it.taken), (f"a webhook was answered 2xx and is not in the inbox (body {each[:12]}…)" for each in lost)


def _repeated(it: Evidence) -> tuple[int, Iterator[str]]:
    """What came again, or came after a poll had found it, was known."""
    again, all_of_it = len(it.taken) - len(set(it.taken)), it.repeated + it.fresh
    wrong = all_of_it != len(it.taken) or it.repeated < again
    said = f"{len(it.taken)} webhooks, {again} of them again; the hub counted {it.fresh} new and {it.repeated} known"
    return it.repeated, _when(wrong, said)


def _processed(it: Evidence) -> tuple[int, Iterator[str]]:
    words = {InboxState.DEAD: "is a dead letter", InboxState.ORPHAN: "waits for an order", InboxState.PENDING: "waits"}
    return len(it.events), (
        f"event e{row.id} of {row.connection} {words[row.state]} {row.error}".rstrip()
        for row in it.events
        if row.state in words
    )


# -- out: what arrived is what the database says, one for one


def _arrived(it: Evidence, channel: str) -> tuple[int, Iterator[str]]:
    """`channel` as people call it: several connections may be of one."""
    ours = Counter(mark_of(row) for row in it.attempts if CHANNELS[row.connection] == channel and row.outcome in TAKEN)
    theirs = Counter(each.mark for each in it.arrivals if CHANNELS[each.channel] == channel)
    return sum(theirs.values()), _unequal(ours, theirs, channel)


def _unequal(ours: Mapping[str, int], theirs: Mapping[str, int], channel: str) -> Iterator[str]:
    for mark in sorted(ours.keys() | theirs.keys()):
        said, came = ours.get(mark, 0), theirs.get(mark, 0)
        if said != came:
            yield f"{channel} message {mark[:16]}…: the database says sent {said} ×, it arrived {came} ×"


def _mails(it: Evidence) -> tuple[int, Iterator[str]]:
    return _arrived(it, MAIL)


def _chats(it: Evidence) -> tuple[int, Iterator[str]]:
    return _arrived(it, TELEGRAM)


def _texts(it: Evidence) -> tuple[int, Iterator[str]]:
    return _arrived(it, SMS)


def _once(it: Evidence) -> tuple[int, Iterator[str]]:
    """By what arrived: one message is one recipient's, of one step of one run. What is urgent may speak on two channels
    (FLOWS 6), on each of them once."""
    message_of = {mark_of(row): row.message_id for row in it.attempts if row.outcome in TAKEN}
    rows = {row.id: row for row in it.messages}
    came: Counter[tuple[str, ...]] = Counter()
    for each in it.arrivals:
        row = rows.get(message_of.get(each.mark, 0))
        if row is not None:
            what = (row.run_key, row.step, row.recipient) if row.run_key else (row.key,)
            came[(*what, each.channel) if row.doc.get("urgent") else what] += 1
    return sum(came.values()), (f"told {n} times: {' / '.join(what)}" for what, n in came.items() if n > 1)


def _called(it: Evidence) -> tuple[int, Iterator[str]]:
    ours = Counter(row.key for row in it.errands if row.kind == "call" and row.state == "done")
    return len(it.calls), _unequal(ours, Counter(it.calls), "CRM")


# -- the story


def _headlines(it: Evidence) -> tuple[int, Iterator[str]]:
    found = {it.cases[row.id]: row.headline for row in it.orders if row.id in it.cases}
    return len(CASES), (
        f"{case.key} should be {case.ends}, and is {found.get(case.key, 'not there')}"
        for case in CASES
        if found.get(case.key) != case.ends
    )


def told(it: Evidence, staff: bool) -> Mapping[str, list[str]]:
    """Case → what arrived, in the words of `expected.TOLD` (or of `expected.CALLED`)."""
    message_of = {mark_of(row): row.message_id for row in it.attempts if row.outcome in TAKEN}
    rows = {row.id: row for row in it.messages}
    found: dict[str, list[str]] = {}
    for each in it.arrivals:
        row = rows.get(message_of.get(each.mark, 0))
        if row is not None and row.order_id in it.cases and row.recipient.startswith("staff:") == staff:
            person = f"{row.recipient.removeprefix('staff:')}:" if staff else ""
            found.setdefault(it.cases[row.order_id], []).append(f"{person}{each.channel}:{row.template}")
    return found


def _compared(it: Evidence, wanted: Mapping[str, Sequence[str]], staff: bool) -> tuple[int, Iterator[str]]:
    found = told(it, staff)
    return sum(len(each) for each in found.values()), (
        f"{case.key}: {'staff' if staff else 'the customer'} should have heard [{' '.join(wanted.get(case.key, ()))}], "
        f"and heard [{' '.join(found.get(case.key, ()))}]"
        for case in CASES
        if found.get(case.key, []) != list(wanted.get(case.key, ()))
    )


def _customers(it: Evidence) -> tuple[int, Iterator[str]]:
    return _compared(it, expected.TOLD, staff=False)


def _staff(it: Evidence) -> tuple[int, Iterator[str]]:
    return _compared(it, expected.CALLED, staff=True)


def _unheard(it: Evidence) -> tuple[int, Iterator[str]]:
    failed = Counter(it.cases.get(row.order_id, "?") for row in it.messages if row.state == "failed")
    return sum(failed.values()), _when(
        failed != Counter(expected.UNHEARD),
        f"nobody could be reached: {dict(failed)} instead of {dict(expected.UNHEARD)}",
    )


def _answered(it: Evidence) -> tuple[int, Iterator[str]]:
    found = {it.cases[row.order_id]: (row.state, row.answers.get("recommend")) for row in it.surveys if row.answers}
    said = f"the surveys came to {found} instead of {dict(expected.ANSWERED)}"
    return len(found), _when(found != dict(expected.ANSWERED), said)


def _written(it: Evidence) -> tuple[int, Iterator[str]]:
    said = f"the shops were written to for {sorted(it.written)} instead of {sorted(expected.WRITTEN)}"
    return len(it.written), _when(sorted(it.written) != sorted(expected.WRITTEN), said)


def _unknown(it: Evidence) -> tuple[int, Iterator[str]]:
    found = tuple(sorted((row.connection, row.code) for row in it.unmapped))
    return len(found), _when(
        found != expected.UNKNOWN_CODES, f"quarantined {found} instead of {expected.UNKNOWN_CODES}"
    )


def _finished(it: Evidence) -> tuple[int, Iterator[str]]:
    return len(it.messages), (
        f"message m{row.id} ({row.template}) is still {row.state}"
        for row in it.messages
        if row.state in ("on_wire", "uncertain") or (row.state == "due" and row.due_at <= it.now)
    )


def _when(differs: bool, text: str) -> Iterator[str]:
    return iter([text] if differs else [])


CHECKS: Mapping[str, Check] = {
    "webhooks answered 2xx are in the inbox": _kept,
    "webhooks that came again, or after a poll, were known as such": _repeated,
    "events were applied; none is dead or waits": _processed,
    "mails that arrived are attempts of the database, one for one": _mails,
    "Telegram messages that arrived are attempts of the database, one for one": _chats,
    "SMS that arrived are attempts of the database, one for one": _texts,
    "calls that arrived at the CRM are errands of the database, one for one": _called,
    "messages that arrived were told once": _once,
    "orders end with the headline of the story": _headlines,
    "messages to customers are the story's, in its order": _customers,
    "messages to staff are the story's, in its order": _staff,
    "messages that nobody could be reached with are the story's": _unheard,
    "surveys are answered as in the story": _answered,
    "orders that were written to in a shop are the story's": _written,
    "unknown codes are in quarantine, and no other": _unknown,
    "messages are finished; none is on the wire or overdue": _finished,
}


# -- the table of the day

SILENT = {
    "superseded": "a newer word took its place",
    "overtaken": "overtaken by what happened since",
    "stopped": "its occasion was over",
    "old-news": "old news",
    "said-already": "said already",
}
LONG = timedelta(hours=1)
"""A message that waited longer was kept for the morning, or for the hours of those it is for."""


@dataclass(frozen=True, slots=True)
class Day:
    """What the table of the day shows."""

    orders: int
    parcels: int
    events: int
    repeated: int
    by_channel: Mapping[str, int]
    by_locale: Mapping[str, int]
    silent: Mapping[str, int]
    late: int
    deferred: int
    escalations: int
    unknown: int
    failed: int
    arrived: int


def the_day(it: Evidence, locales: Mapping[str, str]) -> Day:
    """The figures of the day. `locales`: case → language."""
    rows = {row.id: row for row in it.messages}
    reached = [row for row in it.attempts if row.outcome in TAKEN]
    told_in = Counter(locales[it.cases[rows[each.message_id].order_id]] for each in reached
                      if rows[each.message_id].order_id in it.cases
                      and not rows[each.message_id].recipient.startswith("staff:"))  # fmt: skip
    return Day(
        orders=len(it.orders),
        parcels=it.numbers,
        events=len(it.events),
        repeated=it.repeated,
        by_channel=Counter(CHANNELS[each.connection] for each in reached),
        by_locale=told_in,
        silent=_silences(it),
        late=sum(1 for line in it.lines if line.doc.get("verdict") == "stale"),
        deferred=sum(1 for row in it.messages if row.state in REACHED and row.finished_at - row.created_at > LONG),
        escalations=len(it.escalations),
        unknown=len(it.unmapped),
        failed=sum(1 for row in it.messages if row.state == "failed"),
        arrived=len(it.arrivals),
    )


def _silences(it: Evidence) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for row in it.messages:
        if row.state in ("superseded", "suppressed"):
            found[_silence(row.reason)] += 1
    for line in it.lines:
        result = str(line.doc.get("result", "")) if line.kind == "run" else ""
        word = result.partition(":")[0]
        if word in ("old-news", "said-already", "stopped"):
            found[_silence(word)] += 1
    return found


def _silence(reason: str) -> str:
    return SILENT.get(reason.partition(":")[0], reason)


def differences(lines: Sequence[Line]) -> list[str]:
    """Everything that differs."""
    return [text for line in lines for text in line.differences]


def failed(lines: Sequence[Line]) -> bool:
    """Whether anything differs."""
    return any(line.differences for line in lines)
