"""What one order's change sets in motion: triggers, runs, messages and escalations as rows to be written. Pure."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hub.config.model import Shop
from hub.flows.model import (
    Ask,
    Coupon,
    Escalate,
    Flow,
    Mode,
    Mute,
    Notify,
    Once,
    Outside,
    Per,
    Spoken,
    Tag,
    Unknown,
    WriteBack,
)
from hub.flows.run import (
    Effect,
    Exceeded,
    Invite,
    Mark,
    Moment,
    Note,
    Open,
    Reach,
    Reached,
    Run,
    RunState,
    SayTo,
    first_unmet,
    proceed,
    why_unmet,
)
from hub.flows.types import GIVEN, IN_LISTS, NEWS, is_event
from hub.flows.why import NOT_ASKED, Asked, first_part, what_was_read
from hub.messages import TextError, render_text
from hub.status import FINAL, Axis, Folded, Shipment, full_name, is_fresh
from hub.status import Mode as FactMode
from hub.store.tables import TENANT, slot_of

from .alarms import matter_of, warning_of
from .claims import Claim, Claims, ids_of, is_taken
from .customer import NOTHING_KNOWN, About, mark_rows
from .errand import became_of, call_doc, coupon_doc, errand_row, tag_doc, tracking_of, why_parked_by
from .fault import fault
from .gather import begun, closed, is_complete, is_open, joined, leader, only_gathered
from .guards import Option, before_quiet
from .holdout import is_held_out
from .ladder import MATTER, EscalationRows, escalation_rows, matter_names, opened_line, raised, rung_of
from .names import names_of, shop_names
from .news import NOBODY, is_home, shop_of_home
from .occasions import DELIVERED, RECEIVED, Happened, Occasion, happenings, occasions, said_else_since
from .pickup import deadline_of
from .plain import from_plain, key_of, to_plain
from .questions import ORDERED
from .queue import begins, is_queued, queued, turn_of
from .said import said_as, wish_of
from .shadow import in_shadow, realm, would_have
from .state import NOT_THERE, OrderView
from .surveys import new_survey
from .watches import NOBODY_HEARD, Heard, Watch, look_at, timer_of, watch_rows
from .world import World
from .zones import clocks_of

log = logging.getLogger("hub.react")

CANCELLED = "order.cancelled"
REPLACED = "another parcel was sent in its place"
NOTHING_MORE: Mapping[str, Any] = {}
NEWS_WORDS = frozenset({*NEWS, *GIVEN})
OUTLIVES_CANCELLATION = ("order.cancelled", "payment.", "return.", "customer.", "survey.", "escalation.")
"""Runs triggered by these go on when the order is cancelled (FLOWS 2.3)."""


@dataclass(slots=True)
class RunRow:
    """A run as it stands in the table."""

    key: str
    flow: str
    version: str
    subject_kind: str
    subject: str
    word: str
    occurrence: int
    started_at: datetime
    run: Run
    new: bool = False
    changed: bool = False
    event: Mapping[str, Any] = field(default_factory=dict)
    shadow: bool = False
    """Whether nobody outside is to feel anything of it."""
    unreadable: str = ""
    """Why the flow's text with which it started cannot be had; then it cannot go on."""


@dataclass(slots=True)
class Reaction:
    """Everything that is to be written because of one order's change."""

    runs: list[RunRow] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    escalations: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    """Escalations that are open already: uid, note, severity."""
    errands: list[dict[str, Any]] = field(default_factory=list)
    timers: list[dict[str, Any]] = field(default_factory=list)
    surveys: list[dict[str, Any]] = field(default_factory=list)
    mutes: list[dict[str, Any]] = field(default_factory=list)
    tags: list[dict[str, Any]] = field(default_factory=list)
    silenced: list[str] = field(default_factory=list)
    """Keys of runs whose messages and errands that are not on the wire yet are stopped."""
    watches: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    """What policies wait for from now on: the watch and its first timer; of what is watched already, nothing."""
    looked_at: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Watch → what has changed of it."""
    lines: list[dict[str, Any]] = field(default_factory=list)
    versions: dict[str, Flow] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    exceeded: list[tuple[str, str, str]] = field(default_factory=list)
    """Conditions that took too many steps: flow, its version, the condition."""


@dataclass(frozen=True, slots=True)
class Situation:
    """One order before and after, and what is known around it."""

    before: OrderView | None
    after: OrderView
    world: World
    now: datetime
    created_at: datetime
    customer_id: str
    reach: Sequence[str] = ()
    open_escalations: Mapping[str, str] = field(default_factory=dict)
    """key → uid"""
    remapped: Set[tuple[str, str, str]] = frozenset()
    """Codes whose meaning changed (source, vocabulary, code): only what they say now fires (STATUS.md 7)."""
    matters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """uid → row, of all matters that were ever raised about the order."""
    surveys: Set[str] = frozenset()
    """Names of the surveys that were opened about the order, those of shadows in their realm."""
    speaking: Sequence[RunRow] = ()
    """Runs that are done but whose messages or errands have not left yet: what stops them stops those."""
    news: Sequence[Occasion] = ()
    """What happened beside the statuses."""
    errands: Sequence[Any] = ()
    """Rows of what the order's runs asked for outside (run_key, step, key, state, reason, answer)."""
    ended: Set[str] = frozenset()
    """Keys of errands that have just ended."""
    about: About = NOTHING_KNOWN
    claims: Claims = field(default_factory=dict)
    """What flows were claimed once for; the orders of a batch share it."""
    watches: Sequence[Watch] = ()
    """What policies wait for, of which it is time to look."""
    heard: Heard = NOBODY_HEARD
    """What was said about the order, where there are such."""

    @property
    def shop(self) -> Shop:
        home = is_home(self.after.id)
        return shop_of_home(self.after.id, self.world) if home else self.world.shop_of(self.after.connection)


def react(situation: Situation, runs: Sequence[RunRow], known_keys: frozenset[str], due: frozenset[str]) -> Reaction:
    """Start, advance and stop runs. `runs`: the waiting ones; `known_keys`: keys of all runs there ever were for this
    order; `due`: keys of runs whose timer is due."""
    return _React(situation, runs, known_keys, due).all()


class _React:
    def __init__(
        self, situation: Situation, runs: Sequence[RunRow], known_keys: frozenset[str], due: frozenset[str]
    ) -> None:
        self.it, self.due, self.known = situation, due, set(known_keys)
        self.waiting = {row.key: replace(row, subject=situation.after.as_now(row.subject)) for row in runs}
        self.out = Reaction()
        self.open = dict(situation.open_escalations)
        self.matters = dict(situation.matters)
        self.surveys = set(situation.surveys)
        self.about = situation.about
        self._names: dict[str | None, dict[str, Any]] = {}
        self.happened = [
            Happened(each.word, each.subject, each.run, each.shadow) for each in situation.news if not _of_itself(each)
        ]
        if situation.before is not situation.after:
            self.happened += happenings(situation.before, situation.after)

    def all(self) -> Reaction:
        it = self.it
        self._stop()
        for row in list(self.waiting.values()):
            self._resume(row)
        if it.before is not it.after:
            for occasion in occasions(it.before, it.after):
                if it.remapped and not self._newly_said(occasion):
                    continue
                self.out.words.append(occasion.word)
                self._answer(occasion)
        for occasion in it.news:
            self._answer(occasion)
        while (first := self._whose_turn()) is not None:
            first.run, first.changed = begins(first.run), True
            self._begin(first, self._flow(first), NOT_ASKED)
        for watch in it.watches:
            self._look_at(watch)
        return self.out

    def _newly_said(self, occasion: Occasion) -> bool:
        """Whether a code whose meaning changed says this now, itself and as the newest word of the subject. What only
        shows again, because a newer word lost its meaning, is no news."""
        cause = occasion.cause
        if cause is None or occasion.implied or occasion.word == RECEIVED:
            return False
        newly = (cause.source, cause.native.vocabulary, cause.native.code) in self.it.remapped
        return newly and not any(said_else_since(folded, cause) for _, _, folded in self.it.after.axes())

    # -- runs that live already

    def _stop(self) -> None:
        for row in list(self.waiting.values()):
            word = self._stopper(row)
            if word:
                self._end(row, RunState.STOPPED, word)
        for row in self.it.speaking:
            word = self._stopper(row)
            if word:
                self.out.silenced.append(row.key)
                self._line(row.flow, row.word, f"its messages are stopped: {word}", row.key)

    def _stopper(self, row: RunRow) -> str:
        over = self._over_for(self._about(row)) or (NOT_THERE if row.key in self.due and self._missing(row) else "")
        if over:
            return over
        words = self._words_for(row)
        stop_on = () if row.unreadable else self._flow(row).stop_on
        named = next((word for word in stop_on if word in words), "")
        if named:
            return named
        outlives = row.word.startswith(OUTLIVES_CANCELLATION)
        return CANCELLED if CANCELLED in words and not outlives else ""

    def _over_for(self, subject: str) -> str:
        """Why nothing more is said of a subject: its order is gone, or another parcel was sent in its place."""
        after, subject = self.it.after, self.it.after.as_now(subject)
        sent_instead = any(each.id == subject and each.replaced for each in after.shipments)
        return after.gone or (REPLACED if sent_instead else "")

    def _missing(self, row: RunRow) -> bool:
        """Whether the shop does not name the run's subject now. It may do so again, so the run waits for that; what
        comes due meanwhile ends it."""
        return not self.it.after.has(self.it.after.as_now(self._about(row)))

    def _about(self, it: RunRow | Occasion) -> str:
        """The order or the parcel that it is about; a question, an answer, a matter have their order. A run of parcels
        that are told together outlives the first of them."""
        if isinstance(it, RunRow) and (first := leader(it.run.values, it.word, self.it.after)) is not None:
            return first
        return it.subject if it.subject_kind in ("order", "shipment") else self.it.after.id

    def _words_for(self, it: RunRow | Occasion) -> frozenset[str]:
        """What happened to the run's order; for a shipment's run, of shipments only its own; of matters only those that
        the run made."""
        own, subject = it.subject_kind == "shipment", self.it.after.as_now(it.subject)
        key = it.key if isinstance(it, RunRow) else it.run
        return frozenset(
            each.word
            for each in self.happened
            if not (own and each.word.startswith("shipment.") and each.subject != subject)
            and each.run in ("", key)
            and each.shadow <= it.shadow
        )

    def _end(self, row: RunRow, state: RunState, reason: str) -> None:
        row.run = replace(row.run, state=state, reason=reason, since=None, due_at=None)
        row.changed = True
        self.waiting.pop(row.key, None)
        self.out.runs.append(row)
        self.out.silenced.append(row.key)
        self.out.errands = [each for each in self.out.errands if each["run_key"] != row.key]  # of this very batch
        self.out.timers.append(self._timer(row, None))
        self._line(row.flow, row.word, f"{state.value}: {reason}", row.key)

    def _resume(self, row: RunRow) -> None:
        if row.unreadable:
            self._park(row, row.unreadable)
            return
        if self._missing(row) or is_queued(row.run.values):
            return
        if is_open(row.run.values):
            self._gather(row)
            return
        broken = why_parked_by(self._flow(row), row.key, self.it.errands, self.it.ended)
        if broken:
            self._park(row, broken)
            return
        moment = self._moment(row, self._words_for(row))
        run, effects = proceed(self._flow(row), row.run, moment)
        if run != row.run or effects:
            row.run, row.changed = run, True
            self._settle(row)
            self.out.runs.append(row)

    def _gather(self, row: RunRow) -> None:
        """Shut the window of a run that gathers, when its time is up or nothing more can come."""
        until = row.run.due_at
        if until is not None and until > self.it.now and not is_complete(row.run.values, self.it.after):
            return
        row.run, _ = proceed(self._flow(row), closed(row.run), self._moment(row, frozenset()))
        row.changed = True
        self._settle(row)
        self.out.runs.append(row)

    def _join(self, row: RunRow, flow: Flow, occasion: Occasion) -> None:
        claim = run_key(realm(flow.name, row.shadow), occasion)
        self.known.add(claim)
        self._claim(flow, occasion)
        row.run, row.changed = joined(row.run, occasion.subject, claim), True
        self._line(flow.name, occasion.word, "joined the parcels that are told together", row.key)
        self.out.runs.append(row)
        self._gather(row)

    def _park(self, row: RunRow, reason: str) -> None:
        """It cannot go on. What it has said already may still leave."""
        row.run, row.changed = replace(row.run, state=RunState.PARKED, reason=reason, due_at=None), True
        self._settle(row)
        self.out.runs.append(row)

    def _failed(self, error: Exception) -> str:
        """What the reason of a parked run says of an error; the log says where it was."""
        log.error("a run cannot go on and is parked: %s", fault(error))
        return f"{type(error).__name__}; the log names the place"

    # -- new runs

    def _answer(self, occasion: Occasion) -> None:
        self._watch(occasion)
        for flow in self.it.world.flows_by_word.get(occasion.word, ()):
            if occasion.flow not in ("", flow.name) or occasion.shadow > in_shadow(flow, self.it.world):
                continue
            try:
                refusal = self._refusal(flow, occasion)
                why = NOT_ASKED if refusal else self._ask(flow, occasion)
            except Exception as error:  # the trouble of one flow, and not of the event that it listens to
                self._park(self._new_row(flow, occasion), f"it could not start: {self._failed(error)}")
                continue
            if refusal or why.unmet:
                self._line(flow.name, occasion.word, refusal or why.unmet, "", why)
            elif is_held_out(flow, self.it.customer_id):
                self._hold_out(flow, occasion, why)
            else:
                self._start(flow, occasion, why)

    # -- policies

    def _watch(self, occasion: Occasion) -> None:
        """From now on somebody is to hear of it, as policies say. Old news obliges nobody, nor what only would have
        happened."""
        it, policies = self.it, self.it.world.policies.after.get(occasion.word, ())
        if not policies or occasion.flow or occasion.shadow > it.world.shadow:
            return
        if self._over_for(self._about(occasion)) or self._old_news(it.world.config.contact_of(it.shop).fresh, occasion):
            return
        values = {"event": self._event(occasion), **self._own_names(occasion)}
        names = {**self._names_for(self._subject(occasion)), **values, **self._matter(occasion.names)}
        for policy in policies:
            if not policy.waived(names):
                self.out.watches.append(
                    watch_rows(policy, occasion, it.after.id, values, it.shop, it.now, it.world.shadow)
                )

    def _look_at(self, watch: Watch) -> None:
        """Its time is nearly up, or is: has who is meant heard?"""
        it, policy = self.it, self.it.world.policies.named(watch.policy, watch.word)
        subject = watch.subject if watch.subject_kind == "shipment" else None
        names = {**self._names_for(subject and it.after.as_now(subject)), **watch.values, **self._matter(watch.values)}
        waived = policy is not None and policy.waived(names)
        verdict = look_at(
            watch, policy, it.heard, waived, order_id=it.after.id, world=it.world, shop=it.shop, now=it.now
        )
        changed: dict[str, Any] = {"state": verdict.state}
        if verdict.again is None:
            changed["ended_at"] = it.now
        else:
            self.out.timers.append(timer_of(watch.key, it.after.id, verdict.again))
        if verdict.ends is not None:
            changed["due_at"] = verdict.ends
        if verdict.warning is not None:
            changed["warned"] = 1
            self.out.messages += warning_of(verdict.warning, verdict.again or it.now, it.world, it.now, it.shop)
        if verdict.alarm is not None:
            self._raise(matter_of(verdict.alarm, it.world, it.now, it.shop))
        self.out.looked_at[watch.key] = changed

    def _raise(self, rows: EscalationRows) -> None:
        """Raise a matter, or add to the one that is open."""
        matter = rows.escalation
        open_already = self.open.get(matter["key"])
        if open_already is not None:
            self.out.notes.append({"uid": open_already, "note": matter["reason"], "severity": matter["severity"]})
            return
        self.open[matter["key"]] = matter["uid"]
        self.out.escalations.append(matter)
        self.out.lines.append(opened_line(matter))
        self.out.messages += rows.messages
        self.out.timers += rows.timers
        self.matters[matter["uid"]] = matter

    def _refusal(self, flow: Flow, occasion: Occasion) -> str:
        """Why this flow does not start; empty: it does."""
        over = self._over_for(self._about(occasion))
        if over:
            return over
        if flow.shops is not None and self.it.shop.key not in flow.shops:
            return "not for this shop"
        fresh = flow.fresh.about if flow.fresh else self.it.world.config.contact_of(self.it.shop).fresh
        stale = self._old_news(fresh, occasion)
        if stale:
            return stale
        names = self.it.world.config.flows
        former = [name for name in (flow.name, *flow.was) if name == flow.name or name not in names]
        ended = self._over(flow, occasion)
        if ended:
            return f"stopped: {ended}"
        keys = {
            run_key(realm(name, in_shadow(flow, self.it.world)), each)
            for name in former
            for each in self._same_news(occasion)
        }
        if keys & self.known:
            return "said-already"
        if flow.once is not None and self._is_claimed(flow, flow.once, former, occasion):
            return f"said-already: once for this {flow.once.per.value}"
        if flow.mode is Mode.IGNORE and any(self._same_subject(row, flow, occasion) for row in self.waiting.values()):
            return "busy"
        return ""

    def _is_claimed(self, flow: Flow, once: Once, names: Iterable[str], occasion: Occasion) -> bool:
        own = in_shadow(flow, self.it.world)
        ids = ids_of(once, self.it.after.id, [each.subject for each in self._same_news(occasion)], self.it.customer_id)
        keys = [(realm(name, own), once.per.value, each) for name in names for each in ids]
        return is_taken(once, self.it.claims, keys, self.it.now, self.it.shop)

    def _claim(self, flow: Flow, occasion: Occasion) -> None:
        """Note that this flow has begun, for what it begins once for."""
        if flow.once is None:
            return
        ref = ids_of(flow.once, self.it.after.id, [occasion.subject], self.it.customer_id)[0]
        key = (realm(flow.name, in_shadow(flow, self.it.world)), flow.once.per.value, ref)
        home = ref if flow.once.per is Per.CUSTOMER else self.it.after.id
        self.out.claims.append(Claim(key, home, self.it.now, self.it.claims.get(key)))
        self.it.claims[key] = self.it.now

    def _ask(self, flow: Flow, occasion: Occasion) -> Asked:
        """What a flow's conditions say of what has happened."""
        own = {"event": self._event(occasion), **self._own_names(occasion), **self._matter(occasion.names)}
        names = {**self._names_for(self._subject(occasion)), **own}
        unmet, value = first_unmet(flow.when, names)
        if unmet is None:
            return Asked(rule=" && ".join(each.text for each in flow.when), read=what_was_read(flow.when, names))
        if isinstance(value, Unknown) and value.exceeded:
            self.out.exceeded.append((flow.name, flow.version, unmet.text))
        rule, _ = first_part(unmet, names)
        return Asked(f"not met: {why_unmet(unmet, value)}", rule, what_was_read([unmet], names))

    def _own_names(self, occasion: Occasion) -> dict[str, Any]:
        """What a run knows of its beginning."""
        return {"entered_at": occasion.at, "started_at": self.it.now, **occasion.names}

    def _same_news(self, occasion: Occasion) -> list[Occasion]:
        """The occasion itself, and the same news where it was told of what the subject was known as before."""
        return [occasion, *(replace(occasion, subject=former) for former in self.it.after.former(occasion.subject))]

    def _old_news(self, fresh: timedelta, occasion: Occasion) -> str:
        it = self.it
        cause = occasion.cause
        if occasion.entered is None and (occasion.word in NEWS_WORDS or is_event(occasion.word)):
            return "" if it.now - occasion.at <= fresh else "old-news: it happened too long ago"
        if cause is not None and cause.mode is FactMode.IMPORT:
            return "old-news: from an import"
        if it.after.doc.imported and (occasion.word == RECEIVED or occasion.at < it.created_at):
            return "old-news: before the hub knew the order"
        deadline = None
        if occasion.entered is Shipment.READY_FOR_PICKUP:
            shipment = next((each for each in it.after.shipments if each.id == occasion.subject), None)
            told = deadline_of(shipment, it.world) if shipment else None
            deadline = told.at if told else None
        entered = occasion.entered if occasion.entered is not None else Shipment.DELIVERED
        if not is_fresh(entered, occasion.at, it.now, fresh, deadline):
            return "old-news: it happened too long ago"
        return ""

    def _over(self, flow: Flow, occasion: Occasion) -> str:
        """The end that came in the very batch that would start a run: the order cancelled, a word of `stop_on` from
        which nothing leads back, or one that is no status and happened since. What only comes next
        (`stop_on: order.processing`) keeps no run from starting."""
        after = self.it.after
        built_in = () if occasion.word.startswith(OUTLIVES_CANCELLATION) else (CANCELLED,)
        words = self._words_for(occasion) - {occasion.word}
        final = {folded.state for folded in self._folds(occasion) if folded.state is not None} & FINAL
        ends = {full_name(state) for state in final} | ({DELIVERED} if after.delivered else set())
        ends |= {each.word for each in self.it.news if not each.run and each.at > occasion.at}
        return next((word for word in (*flow.stop_on, *built_in) if word in words & ends), "")

    def _folds(self, occasion: Occasion) -> list[Folded]:
        """How everything stands that a run of this occasion would listen to."""
        own = occasion.subject_kind == "shipment"
        return [
            folded
            for axis, subject, folded in self.it.after.axes()
            if not (own and axis is Axis.SHIPMENT and subject != occasion.subject)
        ]

    def _same_subject(self, row: RunRow, flow: Flow, occasion: Occasion) -> bool:
        own = row.shadow is in_shadow(flow, self.it.world)
        return own and row.flow == flow.name and row.subject == occasion.subject

    def _start(self, flow: Flow, occasion: Occasion, why: Asked) -> None:
        own = in_shadow(flow, self.it.world)
        mine = (row for row in self.waiting.values() if row.flow == flow.name and row.shadow is own)
        gathering = next((row for row in mine if is_open(row.run.values)), None)
        if gathering is not None:
            self._join(gathering, flow, occasion)
            return
        before = [row for row in self.waiting.values() if self._same_subject(row, flow, occasion)]
        row = self._new_row(flow, occasion)
        if before and flow.mode is Mode.QUEUE:
            row.run = queued(row.run, [each.run.values for each in before])
            self.waiting[row.key] = row
            self._line(flow.name, occasion.word, row.run.reason, row.key, why)
            self.out.runs.append(row)
            return
        for each in before:
            self._end(each, RunState.RESTARTED, occasion.word)
        self._begin(row, flow, why)

    def _whose_turn(self) -> RunRow | None:
        """The next run that has waited until none before it lives; None: there is none."""
        living = list(self.waiting.values())
        for row in living:
            if is_queued(row.run.values) and not row.unreadable and not self._missing(row):
                alike = (each for each in living if _would_meet(each, row))
                if min(alike, key=lambda each: turn_of(each.run.values)) is row:
                    return row
        return None

    def _begin(self, row: RunRow, flow: Flow, why: Asked) -> None:
        """Its first steps; where it gathers, its window opens first."""
        self.waiting[row.key] = row
        self._line(flow.name, row.word, "started in shadow" if row.shadow else "started", row.key, why)
        if flow.gather is not None:
            until = flow.gather.after(self.it.now, self.it.shop.timezone, self.it.shop.hours)
            row.run = begun(row.run, row.subject, until)
            self.out.timers.append(self._timer(row, until))
            self.out.runs.append(row)
            self._gather(row)
            return
        row.run, _ = proceed(flow, row.run, self._moment(row, frozenset()))
        self._settle(row)
        self.out.runs.append(row)

    def _hold_out(self, flow: Flow, occasion: Occasion, why: Asked) -> None:
        """Its customer is left out of this flow: the run is there to be seen, and does nothing."""
        row = self._new_row(flow, occasion)
        row.run = replace(row.run, state=RunState.HELD_OUT, reason=f"{flow.holdout}% of customers are left out")
        self._line(flow.name, occasion.word, f"{row.run.state.value}: {row.run.reason}", row.key, why)
        self.out.runs.append(row)

    def _new_row(self, flow: Flow, occasion: Occasion) -> RunRow:
        shadow = in_shadow(flow, self.it.world)
        key = run_key(realm(flow.name, shadow), occasion)
        self.known.add(key)
        self._claim(flow, occasion)
        self.out.versions[flow.version] = flow
        values = to_plain(self._own_names(occasion))
        return RunRow(
            key, flow.name, flow.version, occasion.subject_kind, occasion.subject, occasion.word, occasion.occurrence,
            self.it.now, Run(values=values), new=True, changed=True, event=self._event(occasion),
            shadow=shadow,
        )  # fmt: skip

    def _event(self, occasion: Occasion) -> dict[str, Any]:
        source = occasion.cause.source if occasion.cause else occasion.source or self.it.after.connection
        return {
            "name": occasion.word,
            "source": source,
            "occurred_at": occasion.at,
            "received_at": self.it.now,
            "data": occasion.data or {},
            "changed": list(occasion.changed),
        }

    # -- effects

    def _do(self, row: RunRow, effect: Effect, run: Run) -> Run:
        """What a step asks for, and the run with what it learnt by it."""
        not_done = would_have(effect) if row.shadow else ""
        if not_done:
            self._line(row.flow, row.word, not_done, row.key)
            return run
        match effect:
            case SayTo():
                return self._say(row, effect, run)
            case Open():
                return self._escalate(row, effect.step, run)
            case Reach():
                self._reach(row, effect, run)
            case Invite():
                return self._invite(row, effect.step, run)
            case Mark():
                self._mark(row, effect.step)
            case Note():
                self._line(row.flow, row.word, effect.text, row.key, Asked(rule=effect.rule, read=effect.read))
            case Exceeded():
                self.out.exceeded.append((row.flow, row.version, effect.expression.text))
        return run

    def _mark(self, row: RunRow, step: Mute | Tag) -> None:
        """What is muted or tagged: rows, and what the very next step reads."""
        it = self.it
        rows = mark_rows(step, it.after.id, it.customer_id, row.flow, it.now, it.shop)
        if isinstance(step, Mute):
            self.out.mutes += rows
        else:
            self.out.tags += rows
            self.about = self.about.tagged(step.who, {each["tag"]: bool(each["present"]) for each in rows})
            self._names.clear()
            if step.write_back:
                doc = tag_doc(step, it.after)
                self.out.errands.append(errand_row(step, row, it.after.id, it.after.connection, doc, it.now))
        said = "" if rows else ": there is none"
        self._line(row.flow, row.word, f"{step.id}{said}", row.key)

    def _settle(self, row: RunRow) -> None:
        self.out.timers.append(self._timer(row, row.run.due_at))
        if row.run.state is not RunState.WAITING:
            self.waiting.pop(row.key, None)  # it lives no more: nothing restarts it, and nothing queues behind it
            self._line(
                row.flow, row.word, f"{row.run.state.value}{f': {row.run.reason}' if row.run.reason else ''}", row.key
            )

    def _invite(self, row: RunRow, step: Ask, run: Run) -> Run:
        """Open the survey, invite to it, and put the reminder beside the invitation."""
        it = self.it
        survey = it.world.config.surveys.get(step.name)
        claim = realm(step.name, row.shadow)
        if survey is None or claim in self.surveys:
            why = "this order was asked already" if survey else "there is no such survey in the file any more"
            self._line(row.flow, row.word, f"{step.id}: {why}", row.key)
            return run
        self.surveys.add(claim)
        opened = new_survey(
            survey, order_id=it.after.id, customer_id=it.customer_id, run_key=row.key, now=it.now, shadow=row.shadow
        )
        self.out.surveys.append(opened)
        said = [(step.id, survey.template, it.now)]
        if survey.remind is not None:
            said.append((f"{step.id}:reminder", survey.reminder, it.now + survey.remind))
        for key, template, earliest in said:
            words = Notify(key, template, step.to, step.via, step.cls)
            if key == step.id:
                words = replace(words, if_fails=step.if_fails)  # of a reminder that fails nobody need hear
            run = self._say(
                row, SayTo(words, opened["until_at"], {}), run, about={"survey": opened["id"]}, earliest=earliest
            )
        return run

    def _say(
        self,
        row: RunRow,
        effect: SayTo,
        run: Run,
        *,
        about: Mapping[str, Any] = NOTHING_MORE,
        earliest: datetime | None = None,
    ) -> Run:
        """One message for each recipient, not before `earliest`; `about` is kept with it."""
        step, it = effect.step, self.it
        extra = {**self._matter(run.values), **effect.extra}
        values = {name: value for name, value in run.values.items() if name != MATTER}
        for recipient in self._recipients(row, step.to):
            settles = recipient == "customer" and not step.urgent
            due = row.started_at + it.world.config.contact_of(it.shop).settle if settles else it.now
            flow = realm(row.flow, row.shadow)
            key = key_of(TENANT, flow, row.subject_kind, row.subject, row.word, row.occurrence, step.id, recipient)
            self.out.messages.append(
                {
                    "tenant": TENANT,
                    "slot": slot_of(it.after.id),
                    "key": key,
                    "order_id": it.after.id,
                    "customer_id": it.customer_id if recipient == "customer" else "",
                    "run_key": row.key,
                    "flow": row.flow,
                    "step": step.id,
                    "template": step.template,
                    "cls": step.cls.value,
                    "recipient": recipient,
                    "word": row.word,
                    "subject": self._about(row),
                    "state": "due",
                    "reason": "",
                    "shadow": int(row.shadow),
                    "due_at": max(due, earliest or it.now),
                    "before_at": effect.before,
                    "created_at": it.now,
                    "doc": {
                        "via": list(step.via) if not isinstance(step.via, str) else step.via,
                        "urgent": step.urgent,
                        "echo": step.echo,
                        "extra": to_plain(extra),
                        "values": values,
                        "event": to_plain(row.event),
                        **wish_of(step, row.key),
                        **about,
                    },
                }
            )
            if recipient == "customer":
                run = replace(run, values={**run.values, "spoke": True})
        return run

    def _recipients(self, row: RunRow, to: str) -> list[str]:
        config = self.it.world.config
        if to in ("customer", "recipient"):
            return ["customer"]
        if to in config.people and to not in config.staff:
            return [f"staff:{to}"]
        rung, line = rung_of(to, self.it.world)
        if line:
            self._line(row.flow, row.word, line, row.key)
        return [f"staff:{person}" for person in rung.people]

    def _escalate(self, row: RunRow, step: Escalate, run: Run) -> Run:
        """Raise the matter, or add to the one that is open; from now on it is the run's own."""
        it = self.it
        key = key_of(TENANT, realm(row.flow, row.shadow), row.subject, step.id)
        uid = key_of(row.key, step.id)[:24]
        shop = it.shop
        reason = self._reason(row, step, run, shop)
        open_already = self.open.get(key)
        if open_already is not None:
            self.out.notes.append({"uid": open_already, "note": reason, "severity": step.severity.value})
            if open_already in self.matters:
                self.matters[open_already] = raised(self.matters[open_already], step.severity)
            return replace(run, values={**run.values, MATTER: {"uid": open_already, "to": step.to}})
        rows = escalation_rows(
            uid, key, step, reason, order_id=it.after.id, run_key=row.key, flow=row.flow, subject=self._about(row),
            word=row.word, world=it.world, now=it.now, shop=shop, shadow=row.shadow,
        )  # fmt: skip
        if rows.line:
            self._line(row.flow, row.word, rows.line, row.key)
        for message in rows.messages:
            message["doc"] |= wish_of(step, row.key)
        self._raise(rows)
        return replace(run, values={**run.values, MATTER: {"uid": uid, "to": rows.escalation["rung"]}})

    def _reason(self, row: RunRow, step: Escalate, run: Run, shop: Shop) -> str:
        """What a matter is about. One whose text cannot be filled (it prints what turns out to be a list) is raised all
        the same, with the text as it is written: the merchant's own words."""
        names = {**self._names_in(row, run.values), **({IN_LISTS: step.param} if step.param is not None else {})}
        try:
            return render_text(step.reason, names, shop.locale, shop.timezone)
        except TextError as error:
            self._line(row.flow, row.word, f"{step.id}: its text cannot be filled: {error}", row.key)
            return " ".join(step.reason.split())

    def _reach(self, row: RunRow, effect: Reach, run: Run) -> None:
        """What is done outside after the commit: a call, or something in the order's own shop."""
        it, step = self.it, effect.step
        if isinstance(step, WriteBack):
            connection, doc = it.after.connection, self._wish(row, step, run)
        elif isinstance(step, Coupon):
            connection, doc = it.after.connection, coupon_doc(step, it.customer_id, it.shop, it.now)
        else:
            connection, doc = step.to, call_doc(effect, row, self._names_in(row, run.values))
        self.out.errands.append(errand_row(step, row, it.after.id, connection, doc, it.now))

    def _wish(self, row: RunRow, step: WriteBack, run: Run) -> dict[str, Any]:
        """What is to be written into the shop's order, fixed when the step is done."""
        names, shop = self._names_in(row, run.values), self.it.world.shop_of(self.it.after.connection)
        names |= {IN_LISTS: step.param} if step.param is not None else {}
        note = render_text(step.note, names, shop.locale, shop.timezone) if step.note else ""
        return {"status": step.status, "note": note, **(tracking_of(names) if step.tracking else {})}

    def _became(self, row: RunRow) -> Callable[[Outside | Spoken], Reached | None]:
        if row.shadow:  # nothing is asked of anybody, and nobody answers: it goes on as if it were done
            return lambda step: Reached()

        def became(step: Outside | Spoken) -> Reached | None:
            name = said_as(step, row.key)
            found = became_of(self.it.errands, row.key, name)
            if found is None and isinstance(step, Spoken) and not self._is_said(row, name):
                return Reached()  # there was nobody to say it to, or nothing left to say
            return found

        return became

    def _is_said(self, row: RunRow, step: str) -> bool:
        """Whether anything was said by a step of a run: now, or before and it is known."""
        wishes = (each["doc"].get("if_fails") for each in self.out.messages)
        now = any(wish and (wish["run"], wish["step"]) == (row.key, step) for wish in wishes)
        return now or any((each.run_key, each.step) == (row.key, step) for each in self.it.errands)

    def _timer(self, row: RunRow, due_at: datetime | None) -> dict[str, Any]:
        return {
            "tenant": TENANT,
            "slot": slot_of(self.it.after.id),
            "key": f"run:{row.key}",
            "kind": "run",
            "ref": row.key,
            "order_id": self.it.after.id,
            "due_at": due_at or self.it.now,
            "state": 0 if due_at is not None else 1,
        }

    # -- what a run reads

    def _moment(self, row: RunRow, happened: frozenset[str]) -> Moment:
        return Moment(
            lambda values: self._names_in(row, values),
            self.it.now, self.it.shop.timezone, happened, self._planned, lambda effect, run: self._do(row, effect, run),
            self._failed, self.it.shop.hours, self._became(row), self._resolved,
            lambda path: self.it.world.watch(row.flow, path),
        )  # fmt: skip

    def _resolved(self, run: Run) -> bool:
        """Whether the matter that a run raised last is resolved."""
        raised_last = run.values.get(MATTER)
        matter = self.matters.get(raised_last["uid"]) if raised_last else None
        return matter is not None and matter["state"] == "resolved"

    def _planned(self, step: Notify, due: datetime, before: datetime) -> datetime:
        """When a wait is to end whose message must not come in quiet hours; its first choice decides."""
        it, shop = self.it, self.it.shop
        quiet = it.world.config.contact_of(shop).quiet
        first = next((name for name in it.world.list_of(step.via, shop) if name in it.reach), None)
        if quiet is None or first is None:
            return due
        option = Option(first, it.world.channel(first).rings)
        return before_quiet(quiet, option, *clocks_of(it.after, shop), due_at=due, before_at=before, now=it.now)

    def _names_for(self, subject: str | None) -> dict[str, Any]:
        if subject not in self._names:
            it = self.it
            alone = {"now": it.now, "shop": shop_names(it.shop)}
            order = not is_home(it.after.id)
            self._names[subject] = (
                names_of(it.after, it.world, it.now, it.reach, subject, self.about) if order else alone
            )
        return self._names[subject]

    def _names_in(self, row: RunRow, values: Mapping[str, Any]) -> dict[str, Any]:
        """What a step of a run reads: its order as it is now, and what is the run's own."""
        own = {**from_plain(dict(values)), "event": from_plain(row.event)}
        names = {**self._names_for(self._about(row)), **own, **self._matter(values)}
        return only_gathered(names, values, self.it.after)

    def _matter(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """`escalation`: the matter that the run raised last, as it stands."""
        raised_last = values.get(MATTER)
        matter = self.matters.get(raised_last["uid"]) if raised_last else None
        if not raised_last or not matter:
            return {}
        return {"escalation": matter_names(matter, raised_last["to"], self.it.world.config.staff)}

    def _subject(self, occasion: Occasion) -> str | None:
        return occasion.subject if occasion.subject_kind == "shipment" else None

    def _flow(self, row: RunRow) -> Flow:
        """The flow with the text the run started with."""
        current = self.it.world.config.flows.get(row.flow)
        if current is not None and current.version == row.version:
            return current  # type: ignore[no-any-return]
        return self.it.world.old_flow(row.version)

    def _line(self, flow: str, word: str, result: str, run: str, why: Asked = NOT_ASKED) -> None:
        doc = {"flow": flow, "word": word, "result": result, "run": run}
        if why.read:
            doc |= {"rule": why.rule, "read": to_plain(why.read)}
        self.out.lines.append({"kind": "run", "subject": "", "at": self.it.now, "doc": doc})


def _would_meet(one: RunRow, other: RunRow) -> bool:
    """Whether two runs are of one flow and subject, and of one realm: then only one of them is at work."""
    return (one.flow, one.subject, one.shadow) == (other.flow, other.subject, other.shadow)


def _of_itself(occasion: Occasion) -> bool:
    """Whether an order is told that it is one more of its customer's: that begins flows, and is no *other* order to the
    runs of its own (FLOWS 3, `customer.ordered`)."""
    return occasion.word == ORDERED and occasion.flow != NOBODY


def run_key(flow: str, occasion: Occasion) -> str:
    """A run is (tenant, flow, subject, trigger word, occurrence), made of content and never of arrival."""
    return key_of(TENANT, flow, occasion.subject_kind, occasion.subject, occasion.word, occasion.occurrence)
