"""What the ledgers say against the hub: pure reading, after everything has ended."""

import base64
import contextlib
import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from .journal import lines
from .reference import States
from .stories import ENDS

REACHED = ("sent", "delivered", "read")
DONE, SEEN_BY_STAFF = 1, (9, 10)
NOBODYS = -1
"""Received, and no attempt of the hub's had its key."""
SHOWN = 5
"""So many examples stand in a problem's line."""


@dataclass(slots=True)
class Verdict:
    """`problems` is empty when every promise was kept; `figures` is what was counted."""

    problems: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def expect(self, wrong: Sequence[Any], what: str) -> None:
        """Each of `wrong` breaks a promise."""
        if wrong:
            examples = ", ".join(str(each) for each in wrong[:SHOWN])
            self.problems.append(f"{len(wrong)} {what}: {examples}{' …' if len(wrong) > SHOWN else ''}")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where the ledgers lie, and the attempts that were on the wire at each kill."""

    folder: Path
    on_wire: Sequence[tuple[int, ...]] = ()
    killed: States = field(default_factory=dict)
    undisturbed: States = field(default_factory=dict)

    @property
    def database(self) -> Path:
        return self.folder / "data" / "hub.db"


def judge(evidence: Evidence) -> Verdict:
    """Every promise, held against the ledgers."""
    verdict = Verdict()
    with contextlib.closing(sqlite3.connect(evidence.database)) as connection:
        connection.row_factory = sqlite3.Row
        _events(verdict, evidence, connection)
        _orders(verdict, evidence, connection)
        _messages(verdict, evidence, connection)
        _wire(verdict, evidence, connection)
        _calls(verdict, evidence, connection)
    _states(verdict, evidence)
    return verdict


def _content(body: Any) -> str:
    """One name for a body, however it is written. Of a hint the hub keeps less than was sent: what it hints at."""
    hint = body.get("hint", body)
    if "payload" in hint:
        body = {name: hint["payload"].get(name) for name in ("tracking_number", "status")}
    return sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _events(verdict: Verdict, evidence: Evidence, connection: sqlite3.Connection) -> None:
    """Accepted means kept, and what was kept was applied or is a visible dead letter."""
    taken = {line["n"] for line in lines(evidence.folder / "taken.jsonl")}
    sent = {line["n"]: line for line in lines(evidence.folder / "sent.jsonl") if "n" in line}
    rows = connection.execute("select body, state, subject, topic, error from inbox").fetchall()
    kept = {_content(json.loads(row["body"])) for row in rows}
    lost = [n for n in sorted(taken) if _content(json.loads(base64.b64decode(sent[n]["body"]))) not in kept]
    verdict.expect(lost, "accepted events lost")
    verdict.expect([n for n in sorted(sent) if n not in taken], "events never accepted")
    idle = [(row["subject"], row["topic"]) for row in rows if row["state"] not in (DONE, *SEEN_BY_STAFF)]
    dead = [(row["subject"], row["topic"], row["error"]) for row in rows if row["state"] in SEEN_BY_STAFF]
    verdict.expect(idle, "events neither applied nor dead")
    verdict.expect(dead, "dead letters, where nothing was poisonous")
    answers = sum(1 for _ in lines(evidence.folder / "taken.jsonl"))
    verdict.figures |= {"accepted": len(taken), "answers": answers, "inbox": len(rows)}


def _orders(verdict: Verdict, evidence: Evidence, connection: sqlite3.Connection) -> None:
    """Every order stands as its story left it, and every flow that had to speak of it did."""
    rows = {row["id"]: row for row in connection.execute("select * from orders")}
    spoke: dict[str, set[str]] = {}
    for row in connection.execute("select order_id, flow from messages"):
        spoke.setdefault(row["order_id"], set()).add(row["flow"])
    stories = [line for line in lines(evidence.folder / "sent.jsonl") if "story" in line]
    told = [(f"{line['shop']}:{line['order']}", line["story"]) for line in stories]
    verdict.expect([order for order, _ in told if order not in rows], "orders unknown")
    known = [(rows[order], story) for order, story in told if order in rows]
    wrong, silent = [], []
    for row, story in known:
        end = ENDS[story]
        if (row["headline"], row["payment_status"]) != (end.headline, end.payment):
            wrong.append(f"{row['number']} ({story}): {row['headline']}, {row['payment_status']}")
        silent += [f"{row['number']} {flow}" for flow in end.flows if flow not in spoke.get(row["id"], ())]
    verdict.expect(wrong, "orders that do not stand as their story ended")
    verdict.expect(silent, "messages that had to be written and were not")
    verdict.figures["orders"] = len(stories)


def _messages(verdict: Verdict, evidence: Evidence, connection: sqlite3.Connection) -> None:
    """One message for each (run, step, recipient); nothing stuck; what counts as sent was received."""
    rows = connection.execute(
        "select messages.*, orders.number from messages left join orders on orders.id = messages.order_id"
    ).fetchall()
    received = _received(evidence, connection, rows)
    places = Counter((row["run_key"] or row["key"], row["step"], row["recipient"]) for row in rows)
    verdict.expect([place for place, count in places.items() if count > 1], "messages written twice")
    runs = connection.execute("select key, flow from runs where state = 'done'").fetchall()
    spoken = {row["run_key"] for row in rows} | {
        row["run_key"]
        for table in ("escalations", "errands")
        for row in connection.execute(f"select run_key from {table}")
    }
    verdict.expect(
        [f"{row['flow']} {row['key'][:8]}" for row in runs if row["key"] not in spoken], "runs that said nothing"
    )
    verdict.expect([_named(row) for row in rows if row["state"] in ("due", "on_wire", "held")], "messages stuck")
    verdict.expect([_named(row) for row in rows if row["state"] == "failed"], "messages failed")
    never = [_named(row) for row in rows if row["state"] in REACHED and not received[row["id"]]]
    verdict.expect(never, "messages that count as sent and never arrived")
    uncertain = [row for row in rows if row["state"] == "uncertain"]
    figures = Counter(row["state"] for row in rows)
    verdict.figures |= {
        "messages": dict(figures),
        "received": sum(received.values()),
        "uncertain": len(uncertain),
        "uncertain_not_received": sum(not received[row["id"]] for row in uncertain),
    }


def _named(row: sqlite3.Row) -> str:
    return f"{row['flow']} {row['number']} ({row['state']} {row['reason']})".replace(" )", ")")


def _received(evidence: Evidence, connection: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> Counter[int]:
    """Message → how often it arrived. A mail and an SMS are known by their attempt's key, a chat message by the mark in
    its text."""
    by_key = {row["key"]: row["message_id"] for row in connection.execute("select key, message_id from attempts")}
    by_mark = {f"{row['flow']} {row['number']}": row["id"] for row in rows if row["recipient"].startswith("staff:")}
    found: Counter[int] = Counter()
    for line in lines(evidence.folder / "received.jsonl"):
        if line["by"] == "crm":
            continue
        message = by_key.get(line["key"]) if line["by"] != "bot" else by_mark.get(line["key"])
        found[message if message is not None else NOBODYS] += 1
    return found


def _wire(verdict: Verdict, evidence: Evidence, connection: sqlite3.Connection) -> None:
    """Repeats are at most what was on the wire at kills, and each of that was counted as unknown."""
    rows = connection.execute(
        "select messages.*, orders.number from messages left join orders on orders.id = messages.order_id"
    ).fetchall()
    received = _received(evidence, connection, rows)
    attempts = connection.execute("select id, message_id, outcome from attempts").fetchall()
    unknown: Counter[int] = Counter(row["message_id"] for row in attempts if row["outcome"] == "unknown")
    outcomes = {row["id"]: row["outcome"] for row in attempts}
    on_wire = {attempt for life in evidence.on_wire for attempt in life}
    uncounted = [each for each in on_wire if outcomes.get(each) != "unknown"]
    verdict.expect(uncounted, "attempts on the wire at a kill and not counted as unknown")
    verdict.expect([each for each in outcomes if not outcomes[each]], "attempts without an outcome")
    repeats = {message: count - 1 for message, count in received.items() if count > 1 and message != NOBODYS}
    more = [f"message {each}: {n} repeats, {unknown[each]} unknown" for each, n in repeats.items() if n > unknown[each]]
    verdict.expect(more, "messages repeated more often than they were uncertain")
    total = sum(repeats.values())
    if total > len(on_wire):
        verdict.problems.append(f"{total} repeats, but only {len(on_wire)} sends were on the wire at kills")
    verdict.expect(["see received.jsonl"] * received[NOBODYS], "things received that no attempt sent")
    accepted = Counter(row["message_id"] for row in attempts if row["outcome"] in ("accepted", "duplicate"))
    verdict.expect([message for message, count in accepted.items() if count > 1], "messages accepted twice")
    verdict.figures |= {
        "attempts": dict(Counter(outcomes.values())),
        "on_wire_at_kills": len(on_wire),
        "repeats": total,
    }


def _calls(verdict: Verdict, evidence: Evidence, connection: sqlite3.Connection) -> None:
    """Every call that is done arrived, each under its one key, and no more often than it was tried."""
    rows = connection.execute("select key, flow, state, reason, tries from errands").fetchall()
    came = Counter(line["key"] for line in lines(evidence.folder / "received.jsonl") if line["by"] == "crm")
    undone = [row for row in rows if row["state"] not in ("done", "stopped")]
    verdict.expect([f"{row['key'][:8]} ({row['state']} {row['reason']})" for row in undone], "calls not done")
    never = [row["key"][:8] for row in rows if row["state"] == "done" and not came[row["key"]]]
    verdict.expect(never, "calls that count as done and never arrived")
    tries = {row["key"]: row["tries"] for row in rows}
    verdict.expect([key[:8] for key in came if key not in tries], "calls received that no errand made")
    more = [f"{key[:8]}: {n} of {tries.get(key)}" for key, n in came.items() if n > tries.get(key, 0)]
    verdict.expect(more, "calls that arrived more often than they were tried")
    verdict.figures |= {"calls": len(rows), "calls_again": sum(n - 1 for n in came.values())}


def _states(verdict: Verdict, evidence: Evidence) -> None:
    """Each order stands in the killed hub as in the one that was never killed."""
    if not evidence.undisturbed:
        return
    killed, calm = evidence.killed, evidence.undisturbed
    unlike = [each for each in calm if killed.get(each) != calm[each]]
    wrong = [f"{_differences(killed.get(each, {}), calm[each])} of {each}" for each in unlike]
    verdict.expect(wrong, "orders that stand otherwise than without kills")
    torn = [each for each, state in killed.items() if state["headline"] != state["folded"]]
    verdict.expect(torn, "orders whose row is not what their facts say")
    verdict.figures["compared"] = len(calm)


def _differences(killed: Mapping[str, str], calm: Mapping[str, str]) -> str:
    keys = sorted(key for key in {*killed, *calm} if killed.get(key) != calm.get(key))
    return "; ".join(f"{key}: {killed.get(key, 'nothing')} instead of {calm.get(key, 'nothing')}" for key in keys)
