"""Decide what news means for an order, and say what is to be written. `loading` reads the rows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from hub.config.model import Shop
from hub.model import OrderSnapshot
from hub.plugin import AddressKind
from hub.status import Fact, Line, Mode, Precision, Status, Verdict, is_fresh
from hub.store.tables import (
    slot_of,
)

from .appointments import rung
from .asking import questions
from .batch import OrderPlan, Wanted
from .changes import ORDER as ORDER_CHANGED
from .changes import SHIPMENT as SHIPMENT_CHANGED
from .changes import changes
from .customer import NOTHING_KNOWN, customer_id_of
from .documents import OrderDoc, dump, learn
from .facts import StoredFact, Witness, believed, facts_of, said_in_between, take_in
from .ladder import climb, climbed_text, history_line
from .loading import Loaded, ended_of
from .news import is_home, shop_of_home
from .notices import notices_of, taken_back
from .occasions import Occasion
from .own_events import located
from .parcels import with_ids
from .phones import phone_of
from .pickup import deadline_of
from .promises import keep_promises
from .reach import open_channels, with_failovers
from .react import Situation, react, run_key
from .remap import former
from .said import ended_of as said_ended
from .shadow import in_shadow, realm
from .state import OrderView
from .stays import Watched, clocks_of
from .stuck import notices_of_errands, notices_of_runs
from .unmapped import example_of
from .view import nothing_of, view
from .watches import Heard
from .world import World


def reachable(world: World, doc: OrderDoc, states: Mapping[str, str]) -> tuple[str, ...]:
    """Channel connections by which a customer can be reached, and the failovers that hold them; `states`: connection →
    open or closed."""
    snapshot = doc.snapshot
    if snapshot is None:
        return ()
    phone = snapshot.customer.phone or (snapshot.address.phone if snapshot.address else "")
    has = {AddressKind.EMAIL: bool(snapshot.customer.email), AddressKind.PHONE: bool(phone)}
    return with_failovers(world, open_channels(world, states, has))


def plan_order(
    order_id: str,
    want: Wanted,
    loaded: Loaded,
    world: World,
    now: datetime,
    read: Mapping[str, Mapping[str, Any]] | None = None,
) -> OrderPlan:
    """Everything that follows for one order from these events and timers. `read`: what is known of timers of homes."""
    plan = OrderPlan(order_id, loaded.rev)
    plan.unreceipted = [int(timer.ref) for timer in want.timers if timer.kind == "receipt"]
    if is_home(order_id):
        return _plan_home(plan, want, loaded, world, now, read or {})
    shop = world.shop_of(loaded.connection) if loaded.connection in world.config.connections else None
    if shop is None:
        return _homeless(plan, want, loaded)
    remapped = {key: old for event in want.events if event.refold for key, old in former(event.body).items()}
    earlier = world.before_remap(remapped) if remapped else world
    before = view(order_id, loaded.connection, loaded.doc, loaded.facts, earlier)
    loaded.doc = with_ids(loaded.doc, order_id, before.shipments)  # a release before this kept none
    doc, all_facts, new = _learn(want, loaded, world)
    news = [event.news for event in want.events if event.news is not None]
    changed = len(news) < len(want.events)
    plan.customer_was = _whose(loaded, doc, shop.key, order_id)
    plan.consents = _consents(loaded.doc.snapshot, doc.snapshot, anew=bool(plan.customer_was))
    for at, given in plan.consents:
        loaded.about = replace(loaded.about, standing=loaded.about.standing.told_by_order(at, given))
    needless = said_in_between(all_facts, lambda fact: _value_of(fact, world))
    after = view(order_id, loaded.connection, doc, all_facts, world) if changed else before
    news = located(news, after)
    if changed:
        doc = with_ids(doc, order_id, after.shipments)
        _write_order(plan, order_id, shop, loaded, doc, after, now)
        plan.facts = [(fact, event_id) for fact, event_id in new if (fact.subject, fact.key) not in needless]
        plan.needless = sorted(needless & {(fact.subject, fact.key) for fact in loaded.facts})
        plan.unmapped = _unmapped(new, world, order_id, now)
        plan.lines = [*_status_lines(new, after, needless, world, shop, now), *_undone_lines(new, before, after)]
        plan.numbers = sorted({leg.number.number for leg in after.legs})
        plan.polls = questions(after, world, now)
    known = (None if loaded.rev == 0 else before) if changed else after
    live = any(event.mode is Mode.LIVE for event in want.events if event.news is None)
    if live and not remapped and (world.hears(ORDER_CHANGED) or world.hears(SHIPMENT_CHANGED)):
        news += changes(known, after, now - world.config.contact_of(shop).fresh)
    watched = Watched(
        known,
        after,
        world,
        shop,
        now,
        anew=any(event.refold for event in want.events),
        counts_from=(loaded.created_at or now) if doc.imported else None,
        live=live or not changed,
        told_since=loaded.told_since,
    )
    clocks = clocks_of(watched, want.timers if loaded.rev else ())
    situation = Situation(
        before=known,
        after=after,
        world=world,
        now=now,
        created_at=loaded.created_at or now,
        customer_id=loaded.customer_id,
        reach=reachable(world, doc, loaded.contacts),
        open_escalations=loaded.open_escalations,
        matters=loaded.escalations,
        surveys=loaded.surveys,
        remapped=remapped.keys(),
        speaking=loaded.speaking,
        news=[*news, *clocks.occasions] if loaded.rev else clocks.occasions,
        errands=[*loaded.errands, *loaded.spoken],
        ended=ended_of(want.timers) | said_ended(want.timers),
        about=loaded.about,
        claims=loaded.claims,
        watches=loaded.watches,
        heard=_heard(loaded),
    )
    plan.reaction = react(situation, loaded.runs, loaded.run_keys, _due_runs(want))
    plan.reaction.timers += clocks.timers
    keep_promises(plan.reaction, want.timers, loaded, after, world, now)
    if changed:
        plan.notices = notices_of(new, before, after, plan.reaction, shadow=world.shadow)
        if plan.notices and after.gone and not before.gone:
            plan.lines.append({"kind": "note", "subject": "", "at": now, "doc": {"text": after.gone}})
    return _with_clocks(plan, want, loaded, world, now, shop)


def _heard(loaded: Loaded) -> Heard:
    return Heard(loaded.said, loaded.escalations.values(), loaded.answered)


def _due_runs(want: Wanted) -> frozenset[str]:
    return frozenset(timer.ref for timer in want.timers if timer.kind == "run")


def _with_clocks(plan: OrderPlan, want: Wanted, loaded: Loaded, world: World, now: datetime, shop: Shop) -> OrderPlan:
    """The same, with what staff are told of the runs, and with what the clocks of open matters bring."""
    plan.notices += notices_of_runs(plan.reaction, now)
    plan.notices += notices_of_errands(loaded.errands, ended_of(want.timers), plan.reaction, now)
    plan.fired_timers = [timer.id for timer in want.timers]
    plan.rested = [timer.ref for timer in want.timers if timer.kind == "survey"]
    for timer in want.timers:
        if timer.kind in ("acknowledge", "due") and timer.ref in loaded.escalations:
            _climb(plan, loaded, timer.ref, timer.kind, world, now, shop)
    return plan


def _plan_home(
    plan: OrderPlan,
    want: Wanted,
    loaded: Loaded,
    world: World,
    now: datetime,
    read: Mapping[str, Mapping[str, Any]],
) -> OrderPlan:
    """What follows for runs that no order belongs to: those of a connection, of a shop."""
    shop = shop_of_home(plan.order_id, world)
    nothing = nothing_of(plan.order_id)
    clocks = rung(want.timers, read, world, now)
    told = [event.news for event in want.events if event.news is not None]
    happened = [each for each in clocks.occasions if not _is_known(each, loaded, world)]
    situation = Situation(
        before=nothing,
        after=nothing,
        world=world,
        now=now,
        created_at=now,
        customer_id="",
        open_escalations=loaded.open_escalations,
        matters=loaded.escalations,
        speaking=loaded.speaking,
        news=[*told, *happened],
        errands=[*loaded.errands, *loaded.spoken],
        ended=ended_of(want.timers) | said_ended(want.timers),
        watches=loaded.watches,
        heard=_heard(loaded),
    )
    plan.reaction = react(situation, loaded.runs, loaded.run_keys, _due_runs(want))
    plan.reaction.timers += clocks.timers
    return _with_clocks(plan, want, loaded, world, now, shop)


def claims_at_homes(
    wanted: Mapping[str, Wanted], read: Mapping[str, Mapping[str, Any]], world: World, now: datetime
) -> set[str]:
    """Keys of the runs that would start at homes by what happened there, and by timers that have run out."""
    homes = [want for home, want in wanted.items() if is_home(home)]
    told = [event.news for want in homes for event in want.events if event.news is not None]
    rang = [occasion for want in homes for occasion in rung(want.timers, read, world, now).occasions]
    return {
        run_key(realm(name, in_shadow(flow, world)), occasion)
        for occasion in (*told, *rang)
        for flow in world.flows_by_word.get(occasion.word, ())
        for name in (flow.name, *flow.was)
    }


def _is_known(occasion: Occasion, loaded: Loaded, world: World) -> bool:
    """Whether the one flow that it is for has run because of it."""
    flow = world.config.flows[occasion.flow]
    return run_key(realm(flow.name, in_shadow(flow, world)), occasion) in loaded.run_keys


def _homeless(plan: OrderPlan, want: Wanted, loaded: Loaded) -> OrderPlan:
    """The order's shop is not in the file: what is said of it and what is due for it waits until it is."""
    waits = [timer.id for timer in want.timers if timer.kind != "receipt" and loaded.rev]
    plan.postponed = waits
    plan.fired_timers = [timer.id for timer in want.timers if timer.id not in waits]
    plan.homeless = f"there is no shop '{loaded.connection}' any more" if loaded.rev else ""
    return plan


def _climb(plan: OrderPlan, loaded: Loaded, uid: str, kind: str, world: World, now: datetime, shop: Shop) -> None:
    row = loaded.escalations[uid]
    rows = climb(row, kind, world, now, shop)
    if rows.escalation:
        loaded.escalations[uid] = rows.escalation  # both clocks may run out at once, and each climbs from where it is
        plan.climbed.append((row, rows.escalation, kind))
        plan.lines.append(history_line(uid, climbed_text(row, rows.escalation, kind), now))
    if rows.line:
        plan.lines.append({"kind": "note", "subject": "", "at": now, "doc": {"text": rows.line}})
    plan.reaction.messages += rows.messages
    plan.reaction.timers += rows.timers


def _learn(
    want: Wanted, loaded: Loaded, world: World
) -> tuple[OrderDoc, list[StoredFact], list[tuple[StoredFact, int]]]:
    """The document and all facts after these events, and of the facts those that are new, each with its event."""
    doc, known = loaded.doc, {(fact.subject, fact.key): fact for fact in loaded.facts}
    new: dict[tuple[str, str], tuple[StoredFact, int]] = {}
    for event, record in want.records:
        doc = learn(doc, believed(record, event.received_at), imported=event.mode == "import")
        who = Witness(event.connection, world.level(event.connection), event.received_at, event.mode)
        new |= {(fact.subject, fact.key): (fact, event.id) for fact in take_in(known, facts_of(record, who))}
    return doc, list(known.values()), list(new.values())


def _value_of(fact: StoredFact, world: World) -> Status | None:
    found = world.meaning(fact.source, fact.native.vocabulary, fact.native.code)
    return found.meaning.status if found is not None else None


def _whose(loaded: Loaded, doc: OrderDoc, shop: str, order_id: str) -> str:
    """The customer whose order it was until its address was corrected; empty: it is whose it was. What it is told from
    now on, and the links in it, are the new one's."""
    before, after = loaded.doc.snapshot, doc.snapshot
    if before is None or after is None:
        return ""
    was, now = (each.customer.email.strip().lower() or each.customer.phone.strip() for each in (before, after))
    if not was or not now or was == now or bool(before.customer.email) != bool(after.customer.email):
        return ""  # a part that is only left out, or told later, makes nobody another person
    former, loaded.customer_id = loaded.customer_id, customer_id_of(after, shop, order_id)
    loaded.contacts, loaded.about = {}, replace(NOTHING_KNOWN, order_tags=loaded.about.order_tags)
    return former


def _consents(before: OrderSnapshot | None, after: OrderSnapshot | None, *, anew: bool) -> list[tuple[datetime, bool]]:
    """What an order newly says of marketing, and when its customer said it. An order without a tick says nothing: not
    to be asked is not to refuse. A tick that the shop takes back later is a refusal."""
    if after is None:
        return []
    allows = after.customer.accepts_marketing
    if before is None or anew:
        return [(after.placed_at, True)] if allows else []
    return [(after.version, allows)] if before.customer.accepts_marketing is not allows else []


def _write_order(
    plan: OrderPlan, order_id: str, shop: Shop, loaded: Loaded, doc: OrderDoc, after: OrderView, now: datetime
) -> None:
    snapshot = doc.snapshot
    plan.row = {
        "id": order_id,
        "slot": slot_of(order_id),
        "shop": shop.key,
        "connection": loaded.connection,
        "ref": order_id.partition(":")[2],
        "number": snapshot.number if snapshot else "",
        "customer_id": loaded.customer_id,
        "headline": "" if doc.merged_into else after.headline.value.value,  # the other order's speaks for it
        "order_status": after.order.state.value if after.order.state else "",
        "payment_status": after.effective_payment.value if after.effective_payment else "",
        "doc": dump(doc),
        "created_at": loaded.created_at or now,
        "updated_at": now,
    }
    if (loaded.rev == 0 or plan.customer_was) and snapshot is not None:
        plan.customer = {
            "id": loaded.customer_id,
            "shop": shop.key,
            "name": snapshot.customer.name,
            "email": snapshot.customer.email,
            "phone": phone_of(snapshot, shop),
            "locale": snapshot.customer.locale,
            "created_at": now,
        }


def _unmapped(
    new: Sequence[tuple[StoredFact, int]], world: World, order_id: str, now: datetime
) -> list[dict[str, Any]]:
    return [
        {
            "connection": fact.source,
            "vocabulary": fact.native.vocabulary,
            "code": fact.native.code,
            "label": fact.native.label,
            "example": example_of(order_id, fact),
            "at": now,
            "told": fact.mode is Mode.LIVE,
        }
        for fact, _ in new
        if not fact.retracts and world.meaning(fact.source, fact.native.vocabulary, fact.native.code) is None
    ]


def _status_lines(
    new: Sequence[tuple[StoredFact, int]],
    after: OrderView,
    needless: set[tuple[str, str]],
    world: World,
    shop: Shop,
    now: datetime,
) -> list[dict[str, Any]]:
    """A timeline line for each new fact: what became of it in the light of all that is known."""
    events = {fact.key: (fact, event_id) for fact, event_id in new}
    lines = []
    for axis, subject, folded in after.axes():
        for line in folded.lines:
            if line.fact.key not in events or line.verdict is Verdict.NOTHING:
                continue
            fact, event_id = events[line.fact.key]
            if (fact.subject, fact.key) in needless:
                continue
            doc = {
                "axis": axis.value,
                **_native(fact),
                "verdict": line.verdict.value,
                "before": _word(line.before),
                "after": _word(line.after),
                "value": _word(line.fact.value),
                "reason": line.fact.reason.value if line.fact.reason else None,
                "clock": fact.clock or None,
                "precision": None if fact.precision is Precision.SECOND else fact.precision.value,
                "old_news": _is_old_news(line, subject, after, world, shop, now) or None,
            }
            lines.append({"kind": "status", "subject": subject, "at": fact.at, "event_id": event_id, "doc": doc})
    return lines


def _undone_lines(new: Sequence[tuple[StoredFact, int]], before: OrderView, after: OrderView) -> list[dict[str, Any]]:
    """A timeline line for each word that was taken back: how its subject stood, and how it stands without it."""
    lines = []
    for each in taken_back(new, before, after):
        doc = {
            "axis": each.axis.value,
            **_native(each.fact),
            "verdict": Verdict.RETRACTED.value,
            "before": _word(each.before),
            "after": _word(each.after),
            "value": _word(each.fact.value),
        }
        lines.append(
            {"kind": "status", "subject": each.subject, "at": each.by.at, "event_id": each.event_id, "doc": doc}
        )
    return lines


def _native(fact: StoredFact | Fact) -> dict[str, Any]:
    """What was said, in the source's own words, and by whom."""
    native, text = fact.native, fact.text if isinstance(fact, StoredFact) else ""
    return {"native": f"{native.vocabulary}:{native.code}", "label": native.label or text, "source": fact.source}


def _word(status: Status | None) -> str | None:
    return status.value if status is not None else None


def _is_old_news(line: Line, subject: str, after: OrderView, world: World, shop: Shop, now: datetime) -> bool:
    """Whether a move became known when it was no news any more (STATUS.md 7, freshness)."""
    if line.verdict is not Verdict.MOVE or line.after is None:
        return False
    shipment = next((each for each in after.shipments if each.id == subject), None)
    told = deadline_of(shipment, world) if shipment else None
    fresh = world.config.contact_of(shop).fresh
    return not is_fresh(line.after, line.fact.at, now, fresh, told.at if told else None)
