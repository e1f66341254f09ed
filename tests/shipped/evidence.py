"""What came of the month: who was told what, read from the servers that took it; and what the hub keeps of the rest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from standardwebhooks import Webhook

from hub.clock import VirtualClock
from hub.config.model import Config
from hub.sandbox.evidence import mark_of
from hub.sandbox.story import CRM, DAY_ONE, PLAN, ZONE, moment
from hub.sandbox.town import town
from hub.store import tables as t

from .month import ACTS, CAST, END
from .world import World, play

REPOSITORY = Path(__file__).parents[2] / "flows.yaml"
IN_ITS_OWN_WORDS = frozenset({"staff-unheard", "staff-promise"})
"""What tells of a matter without its reason."""
OF_MATTERS = frozenset({"staff-escalation", "staff-overdue", *IN_ITS_OWN_WORDS})
"""What staff hear because a matter stands open; they are told of with the matter."""


@dataclass(frozen=True, slots=True)
class Said:
    """A message that truly arrived. `who`: a case, or a person of the staff."""

    flow: str
    when: str
    who: str
    channel: str
    template: str
    text: str


@dataclass(frozen=True, slots=True)
class Raised:
    """A matter. `person`: who was told of it first."""

    flow: str
    when: str
    case: str
    person: str
    severity: str
    reason: str


@dataclass(frozen=True, slots=True)
class Called:
    """A call that the CRM took."""

    flow: str
    case: str
    status: str


@dataclass(frozen=True, slots=True)
class Wrote:
    """What a shop saw written into an order."""

    flow: str
    case: str
    what: str


@dataclass(frozen=True)
class Month:
    """Everything that the stories look at. `muted`: (flow, case) → classes; `tagged`: (flow, case) → tags; `surveys`:
    case → (state, channel, what was recommended); `unsent`: (flow, case, template) → why."""

    config: Config
    said: Sequence[Said]
    raised: Sequence[Raised]
    called: Sequence[Called]
    wrote: Sequence[Wrote]
    muted: Mapping[tuple[str, str], frozenset[str]]
    tagged: Mapping[tuple[str, str], frozenset[str]]
    surveys: Mapping[str, tuple[str, str, Any]]
    unsent: Mapping[tuple[str, str, str], str]
    headlines: Mapping[str, str]
    watched: Mapping[str, Mapping[str, frozenset[str]]]
    """Policy → what became of each that it watched (kept, broken, waived, open) → cases."""
    skew: Sequence[str]
    """Calls whose signature a stranger's library does not find right."""


async def played(folder: Path, path: Path = REPOSITORY) -> Month:
    """The whole month on one virtual clock, with a file of flows."""
    async with town(path, PLAN, VirtualClock(moment("1 09:55")), folder) as it:
        world = World(it, CAST)
        await play(world, ACTS, END)
        rows = await it.hub.db.read(_tables)
        return _Reader(world, rows).month()


def _tables(connection: sa.Connection) -> Mapping[str, Sequence[Any]]:
    wanted = (t.orders, t.messages, t.attempts, t.escalations, t.errands, t.mutes, t.tags, t.surveys, t.watches)
    return {each.name: connection.execute(sa.select(each).order_by(*each.primary_key)).all() for each in wanted}


def spoken(at: datetime) -> str:
    """A time as the month's lines write it."""
    local = at.astimezone(ZONE)
    return f"{(local.date() - DAY_ONE.date()).days + 1} {local:%H:%M}"


class _Reader:
    def __init__(self, world: World, rows: Mapping[str, Sequence[Any]]) -> None:
        self.world, self.rows = world, rows
        self.cases = {order: case for case, order in world.order_ids().items()}
        self.customers = {row.customer_id: self.cases[row.id] for row in reversed(rows["orders"])}
        self.messages = {row.id: row for row in rows["messages"]}
        self.crm = world.town.sandboxes[CRM]

    def month(self) -> Month:
        return Month(
            config=self.world.town.config,
            said=self._said(lambda row: not (row.recipient.startswith("staff:") and row.template in OF_MATTERS)),
            raised=self._raised(),
            called=self._called(),
            wrote=self._wrote(),
            muted=self._by_customer("mutes", "cls"),
            tagged=self._by_customer("tags", "tag"),
            surveys={
                self.cases[row.order_id]: (row.state, row.channel, row.answers.get("recommend"))
                for row in self.rows["surveys"]
            },
            unsent={
                (row.flow, self._case(row.order_id), row.template): row.reason
                for row in self.rows["messages"]
                if row.state == "suppressed"
            },
            headlines={self._case(row.id): str(row.headline) for row in self.rows["orders"]},
            watched=self._watched(),
            skew=self._unbelieved(),
        )

    def _case(self, order: str) -> str:
        return self.cases.get(order, order)

    def _said(self, of: Callable[[Any], bool]) -> list[Said]:
        arrivals = {each.mark: each for each in self.world.book.read()}
        found = []
        for attempt in self.rows["attempts"]:
            row, arrival = self.messages[attempt.message_id], arrivals.get(mark_of(attempt))
            if arrival is not None and of(row):
                who = (
                    row.recipient.partition(":")[2] if row.recipient.startswith("staff:") else self._case(row.order_id)
                )
                text = " ".join(f"{arrival.title} {arrival.text}".split())
                found.append((arrival.at, Said(row.flow, spoken(arrival.at), who, arrival.channel, row.template, text)))
        return [each for _, each in sorted(found, key=lambda pair: pair[0])]

    def _raised(self) -> list[Raised]:
        told = self._said(lambda row: row.template in OF_MATTERS)
        found = []
        for row in sorted(self.rows["escalations"], key=lambda row: row.opened_at):
            number = next((order.number for order in self.rows["orders"] if order.id == row.order_id), "")
            mine = (each for each in told if each.flow == row.flow and _is_about(each, row.reason, number))
            first = next((each.who for each in mine), "nobody")
            found.append(
                Raised(row.flow, spoken(row.opened_at), self._case(row.order_id), first, row.severity, row.reason)
            )
        return found

    def _called(self) -> list[Called]:
        flows = {row.key: (row.flow, self._case(row.order_id)) for row in self.rows["errands"]}
        numbers = {row.number: self.cases[row.id] for row in self.rows["orders"]}
        return [
            Called(flows[taken.key][0], numbers[taken.body["order"]], taken.body["status"]) for taken in self.crm.ledger
        ]

    def _unbelieved(self) -> list[str]:
        """By the library of Standard Webhooks itself: it looks at the real clock, so it signs each call once more."""
        library = Webhook(self.crm.secret)
        return [
            taken.key
            for taken in self.crm.ledger
            if taken.headers["webhook-signature"]
            != library.sign(
                taken.key, datetime.fromtimestamp(int(taken.headers["webhook-timestamp"]), UTC), taken.raw.decode()
            )
        ]

    def _wrote(self) -> list[Wrote]:
        """An errand counts when the shop saw it."""
        found = []
        for row in self.rows["errands"]:
            if row.step.startswith("write_back"):
                case = self._case(row.order_id)
                it = self.world.cases[case]
                seen = row.state == "done" and self.world.shops[it.case.shop].written(it.order)
                found.append(Wrote(row.flow, case, row.step.partition(":")[2] if seen else "nothing"))
        return found

    def _watched(self) -> Mapping[str, Mapping[str, frozenset[str]]]:
        found: dict[str, dict[str, frozenset[str]]] = {}
        for row in self.rows["watches"]:
            states = found.setdefault(row.policy, {})
            states[row.state] = states.get(row.state, frozenset()) | {self._case(row.order_id)}
        return found

    def _by_customer(self, table: str, column: str) -> Mapping[tuple[str, str], frozenset[str]]:
        found: dict[tuple[str, str], frozenset[str]] = {}
        for row in self.rows[table]:
            key = row.how, self.customers.get(row.ref, row.ref)
            found[key] = found.get(key, frozenset()) | {row._mapping[column]}
        return found


def _is_about(said: Said, reason: str, number: str) -> bool:
    """Whether somebody was told of this matter."""
    return reason in said.text or (said.template in IN_ITS_OWN_WORDS and number in said.text)
