"""Whether the policies of a file hold with its flows, as far as triggers, steps and waits alone decide it (FLOWS 9).

What certainly breaks a policy refuses the file, with the path that does it. What depends on more (data that a condition
reads, the hour, a person) is *sampled*: tests, replay and running show it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from hub.config.load import Ground
from hub.config.model import Config, Shop
from hub.config.problems import listed
from hub.config.settings import Reading
from hub.config.yaml import MapNode
from hub.status import Axis

from .cel import Compiled
from .check import all_steps, possible, producible
from .compile import Checked
from .model import (
    Ask,
    Call,
    Choose,
    Escalate,
    Expression,
    Flow,
    Mode,
    Notify,
    Severity,
    State,
    Step,
    Stop,
    WaitEvent,
    WaitFor,
    WaitThat,
    WaitUntil,
    WriteBack,
    lists_in,
)
from .policies import ANSWER, ANY, CUSTOMER, STAFF, After, AtMost, Never, Pattern
from .proving import NO_FACTS, Facts, facts_of, facts_of_trigger, facts_of_unmet, known_to_be
from .read_policies import Sentence
from .types import ROLL_UP, axis_of_word

Found = Iterator[tuple[str, str]]
"""Codes and texts of what is to be said about a policy."""
BROKEN, SAMPLED = "policy-broken", "policy-sampled"
AGES = timedelta(days=800)
"""Longer than anything waits: how long it may take until what nobody can foresee."""
NOTHING = timedelta(0)
AGAIN = frozenset({"payment.payment_failed", "order.on_hold", "return.requested"})
"""Statuses of an order that it can come into more than once, each time as news (FLOWS 2.2)."""


def check_policies(
    sentences: Collection[Sentence], checked: Mapping[str, Checked], ground: Ground, reading: Reading
) -> None:
    """Report the policies that cannot hold, and those of which that is not decided. Where a part of the file could not
    be read nothing is said: it may hold what keeps them."""
    all_known = {*ground.config.connections, *ground.config.failovers} == set(ground.connections)
    if not ground.whole or not all_known or len(checked) != len(ground.flows):
        return
    live = [each.flow for each in checked.values() if each.flow.state is State.LIVE]
    words = producible(ground.config)
    for each in sentences:
        for code, text in _found(each, live, words, ground.config):
            reading.report(each.place, code, text)
    for name, policy in _left_out(sentences, live, words, ground.config).items():
        key, node = ground.flows[name]
        place = node.key("holdout") if isinstance(node, MapNode) else None
        said = f"nobody may be left out here: the policy '{policy}' counts on this flow"
        reading.report(place or key, "holdout-required", said)


def _found(sentence: Sentence, live: Sequence[Flow], words: frozenset[str], config: Config) -> Found:
    match sentence.policy:
        case After() as after if not possible(after.word, words):
            yield "never-fires", f"no connection of this file can produce '{after.word}'"
        case After() as after:
            yield from _after(after, sentence.condition, live, config)
        case AtMost() as limit:
            yield from _at_most(limit, live, config)
        case Never() as ban:
            assert sentence.condition is not None
            yield from _never(ban, sentence.condition, live, config)


# ------------------------------------------------------------------------------------------------ after


def _after(policy: After, unless: Compiled | None, live: Sequence[Flow], config: Config) -> Found:
    """In each shop: some live flow is heard in time whatever happens, or perhaps, or none is."""
    if policy.hear == ANSWER:
        said = f"it is for people to answer within {policy.limit}; running shows whether they do"
        yield SAMPLED, f"'{policy.name}': {said}"
        return
    for shop in config.shops.values():
        heard = _heard_in(shop, policy, unless, live, config)
        if any(each.always for each in heard.values()):
            continue
        where = f" in the shop '{shop.key}'" if len(config.shops) > 1 else ""
        name, perhaps = next(((name, each) for name, each in heard.items() if each.some), ("", None))
        if perhaps is not None:
            said = f"whether '{name}' {_does(policy)}{where} within {policy.limit} depends on {perhaps.why}"
            yield SAMPLED, f"'{policy.name}': {said}"
            return
        ways = "; ".join(f"{policy.word} → '{name}': {each.way}" for name, each in heard.items())
        path = ways or f"{policy.word}, to which no live flow listens"
        yield BROKEN, f"'{policy.name}': nothing {_does(policy)}{where} within {policy.limit}: {path}"
        return


def _heard_in(
    shop: Shop, policy: After, unless: Compiled | None, live: Sequence[Flow], config: Config
) -> dict[str, Heard]:
    """The live flows of a shop that listen to the policy's word, and whether each is heard in time."""
    known = facts_of_trigger((policy.word,)) | (facts_of_unmet(unless) if unless is not None else NO_FACTS)
    theirs = [flow for flow in live if flow.shops is None or shop.key in flow.shops]
    return {flow.name: _heard(flow, policy, known, theirs, config) for flow in theirs if policy.word in flow.triggers}


def _left_out(
    sentences: Collection[Sentence], live: Sequence[Flow], words: frozenset[str], config: Config
) -> dict[str, str]:
    """Flow → the policy that counts on it, of flows that leave customers out: in some shop it is heard, and none that
    leaves nobody out is heard whatever happens."""
    shares = {flow.name for flow in live if flow.holdout is not None}
    found: dict[str, str] = {}
    afters = [(each.policy, each.condition) for each in sentences if isinstance(each.policy, After)] if shares else []
    for policy, unless in afters:
        if policy.hear == ANSWER or not possible(policy.word, words):
            continue
        for shop in config.shops.values():
            heard = _heard_in(shop, policy, unless, live, config)
            if not any(each.always for name, each in heard.items() if name not in shares):
                found |= {name: policy.name for name, each in heard.items() if each.some and name in shares}
    return found


def _does(policy: After) -> str:
    if policy.hear == STAFF:
        return "tells a person"
    return f"says {listed(sorted(policy.templates), 6)}" if policy.templates else "speaks to the customer"


@dataclass(frozen=True, slots=True)
class Heard:
    """Whether a flow is heard in time: on `some` path, and whether on all (`always`); else on what that depends
    (`why`), and what it does instead (`way`)."""

    some: bool
    always: bool
    why: str = ""
    way: str = ""


def _heard(flow: Flow, policy: After, known: Facts, live: Sequence[Flow], config: Config) -> Heard:
    walk = _Walk(policy, config)
    begins = _Open(NOTHING, flow.gather.about if flow.gather is not None else NOTHING)
    heard = walk.heard(flow.steps, begins)
    if not heard.always:
        return heard
    unsure = next((each.text for each in flow.when if not _is_known(each, known)), _may_not_begin(flow, config))
    if unsure:
        return Heard(True, False, unsure)
    stops = [word for word in flow.stop_on if walk.waited and not _answered(word, policy, live, config)]
    return Heard(True, False, f"whether it is stopped before that by {stops[0]}") if stops else heard


def _may_not_begin(flow: Flow, config: Config) -> str:
    """On what else than its conditions it depends whether a flow begins; empty: on nothing."""
    if flow.once is not None:
        return "whether it has begun before (once)"
    if flow.mode is not Mode.RESTART:
        return "whether it is at work already (mode)"
    return "how fresh the news is" if flow.fresh is not None and flow.fresh.about < config.contact.fresh else ""


def _is_known(condition: Expression, facts: Facts) -> bool:
    return isinstance(condition, Compiled) and known_to_be(condition, True, facts)


def _answered(word: str, policy: After, live: Sequence[Flow], config: Config) -> bool:
    """Whether what stops a flow is said at once and in any case, so that the customer hears that instead."""
    if policy.hear != ANY or policy.templates:
        return False
    flows = [flow for flow in live if word in flow.triggers and not flow.when and flow.gather is None]
    at_once = _Open(NOTHING, NOTHING)
    walks = [(_Walk(policy, config), flow) for flow in flows]
    return any(walk.heard(flow.steps, at_once).always and not walk.waited for walk, flow in walks)


@dataclass(frozen=True, slots=True)
class _Open:
    """The paths on which nobody has heard anything yet: the least and the most time that has gone by on them."""

    least: timedelta
    most: timedelta


class _Walk:
    """A walk along the steps of a flow, on all paths at once."""

    def __init__(self, policy: After, config: Config) -> None:
        self.policy, self.config, self.limit = policy, config, policy.within.about
        self.some = self.lost = self.waited = False
        self.why, self.passed = "", list[str]()

    def heard(self, steps: Sequence[Step], begins: _Open) -> Heard:
        """What becomes of all paths together."""
        self._lose(self._along(steps, begins))
        why = self.why or "the branch that is taken"
        return Heard(self.some, self.some and not self.lost, why, ", ".join(self.passed) or "nothing")

    def _lose(self, left: _Open | None) -> None:
        self.lost = self.lost or left is not None

    def _along(self, steps: Sequence[Step], left: _Open | None) -> _Open | None:
        """The paths on which nobody has heard behind these steps; None: there are none."""
        for step in steps:
            if left is None or left.least > self.limit:
                break
            left = self._past(step, left)
        return left

    def _past(self, step: Step, left: _Open) -> _Open | None:
        if isinstance(step, Choose):
            return self._branches(step, left)
        self.passed.append(step.id)
        delay, why = _delay(step, self.policy, self.config)
        if delay is not None:
            self.some = True
            if left.most > self.limit:
                why = why or "its waits"
            elif left.most + delay > self.limit:
                why = why or "the hour: what rings waits for the morning"
            if not why:
                return None
            self.why = self.why or why
        if isinstance(step, Stop):
            self._lose(left)
            return None
        least, most = _takes(step)
        self.waited = self.waited or most > NOTHING
        return _Open(left.least + least, min(left.most + most, AGES))

    def _branches(self, step: Choose, left: _Open) -> _Open | None:
        ways = [self._along(branch.steps, left) for branch in step.branches]
        if step.branches[-1].when is not None:
            ways.append(left)
        silent = [each for each in ways if each is not None]
        if not silent:
            return None
        return _Open(min(each.least for each in silent), max(each.most for each in silent))


def _delay(step: Step, policy: After, config: Config) -> tuple[timedelta | None, str]:
    """How long at most it takes until somebody hears this step, None where nobody does who is meant; and what else
    that depends on."""
    if policy.hear == STAFF:
        if isinstance(step, Escalate):
            rung = config.staff.get(step.to)
            rests = rung is not None and rung.hours is not None and step.severity is not Severity.CRITICAL
            return NOTHING, f"the hours of {step.to}" if rests else ""
        return (NOTHING, "") if isinstance(step, Notify) and step.to != CUSTOMER else (None, "")
    said = _said_by(step, config)
    if said is None or (policy.templates and said.template not in policy.templates):
        return None, ""
    if said.cls != "transactional":
        return NOTHING, f"what the customer allows of {said.cls}"
    return (NOTHING if said.urgent else config.contact.settle + _night(said, config)), ""


def _night(said: Notify, config: Config) -> timedelta:
    """How long quiet hours may keep a message back: not at all where the first of its channels does not ring."""
    quiet, first = config.contact.quiet, next(iter(_channels(said, config)), "")
    if quiet is None or not _rings(first, config):
        return NOTHING
    day = date(2000, 1, 3)
    return (datetime.combine(day, quiet.end) - datetime.combine(day, quiet.start)) % timedelta(days=1)


def _rings(channel: str, config: Config) -> bool:
    quiet = config.contact.quiet
    means = _means(channel, config)
    if quiet is not None and quiet.channels is not None:
        return any(each in quiet.channels for each in means)
    known = [config.connections[each].adapter for each in means if each in config.connections]
    return any(getattr(each, "rings", False) for each in known)


def _means(channel: str, config: Config) -> set[str]:
    """The connections that a channel's name stands for, in whichever shop."""
    words = {shop.connections.get(channel, channel) for shop in config.shops.values()}
    return {each for word in words for each in config.providers(word)}


def _channels(said: Notify, config: Config) -> tuple[str, ...]:
    return config.contact.routes.get(said.via, ()) if isinstance(said.via, str) else said.via


def _said_by(step: Step, config: Config) -> Notify | None:
    """What a step says to the customer: a message, or the invitation to a survey."""
    if isinstance(step, Notify):
        return step if step.to == CUSTOMER else None
    if isinstance(step, Ask) and step.name in config.surveys:
        return Notify(step.id, config.surveys[step.name].template, step.to, step.via, step.cls)
    return None


def _takes(step: Step) -> tuple[timedelta, timedelta]:
    """The least and the most time that a step keeps its run waiting."""
    match step:
        case WaitFor():
            return step.length.about, AGES if step.length.working else step.length.about
        case WaitThat() | WaitEvent():
            return NOTHING, AGES if step.up_to.working else step.up_to.about
        case WaitUntil() | Escalate(wait=True):
            return NOTHING, AGES
        case Call() | WriteBack():
            return NOTHING, AGES if step.holds else NOTHING
    return NOTHING, NOTHING


# ------------------------------------------------------------------------------------------------ at_most


def _at_most(policy: AtMost, live: Sequence[Flow], config: Config) -> Found:
    """What a trigger certainly brings, of any order; else the most that one order could bring."""
    surely = {flow.name: count for flow in live if (count := _surely(flow, policy, config))}
    by_word: dict[str, dict[str, int]] = {}
    for flow in live:
        for word in flow.triggers if flow.name in surely else ():
            by_word.setdefault(word, {})[flow.name] = surely[flow.name]
    for word, sure in by_word.items():
        if sum(sure.values()) > policy.at_most:
            said = f"{word} alone brings {sum(sure.values())} within {policy.limit} ({listed(sure, 6)})"
            yield BROKEN, f"'{policy.name}': {said}, and it lets {policy.at_most}"
            return
    worst = {flow.name: count for flow in live if (count := _worst(flow.steps, policy, config))}
    total = sum(count * len(flow.triggers) for flow in live if (count := worst.get(flow.name, 0)))
    bounded = policy.by == "order" and all(_comes_once(flow) for flow in live if flow.name in worst)
    if worst and not (bounded and total <= policy.at_most):
        most = "" if bounded else " or more"
        behind = "does not leave" if policy.blocks else "raises an alarm"
        said = f"one order may bring {total}{most}; what is beyond {policy.at_most} within {policy.limit} {behind}"
        yield SAMPLED, f"'{policy.name}': {said}"


def _comes_once(flow: Flow) -> bool:
    """Whether each trigger of a flow can happen to an order once only."""
    once = (Axis.ORDER, Axis.PAYMENT)
    return all(word == ROLL_UP or (axis_of_word(word) in once and word not in AGAIN) for word in flow.triggers)


def _surely(flow: Flow, policy: AtMost, config: Config) -> int:
    """How many such messages a flow says within the window that its trigger opens, whatever the order."""
    if flow.when or flow.shops is not None or policy.of.channels is not None or _may_not_begin(flow, config):
        return 0  # by which channel a message goes depends on its customer
    gone_by, count = NOTHING, 0
    for step in flow.steps:
        said = _said_by(step, config)
        count += said is not None and said.cls == "transactional" and policy.of.names(said.template, said.cls)
        least, most = _takes(step)
        gone_by += most
        if isinstance(step, Choose | Stop) or least != most or (most and flow.stop_on) or gone_by >= policy.per:
            break
    return count


def _worst(steps: Sequence[Step], policy: AtMost, config: Config) -> int:
    """The most such messages that these steps say on one path."""
    total = 0
    for step in steps:
        total += sum(_is_about(policy.of, said, config) for said in _says(step, config))
        total += max((_worst(inner, policy, config) for inner in lists_in(step)), default=0)
    return total


# ------------------------------------------------------------------------------------------------ never


def _never(policy: Never, condition: Compiled, live: Sequence[Flow], config: Config) -> Found:
    """What flows say that a ban is about: let by what is known when it is said, never let, or neither is certain."""
    unsure = dict[str, None]()
    for flow in live:
        always = _held(flow)
        begins = (always if flow.recheck else _conditions(flow)) | facts_of_trigger(flow.triggers)
        for said, facts in _sayings(flow.steps, begins, always, config):
            if not _is_about(policy.of, said, config) or known_to_be(condition, policy.lets, facts):
                continue
            if policy.blocks and policy.of.channels is None and known_to_be(condition, not policy.lets, facts):
                path = f"{listed(flow.triggers, 3)} → '{flow.name}': {said.id}"
                yield BROKEN, f"'{policy.name}': what is said there can never leave: {path}"
                return
            unsure[flow.name] = None
    if unsure:
        said_by = listed((f"'{name}'" for name in unsure), 6)
        yield SAMPLED, f"'{policy.name}': whether what {said_by} says may leave depends on {condition.text}"


def _conditions(flow: Flow) -> Facts:
    return NO_FACTS.union(*(facts_of(each, True) for each in flow.when if isinstance(each, Compiled)))


def _held(flow: Flow) -> Facts:
    """What is asked again before every message."""
    return _conditions(flow) if flow.recheck else NO_FACTS


def _is_about(of: Pattern, said: Notify, config: Config) -> bool:
    """Whether a sentence about such messages may be about this one."""
    rung = config.staff.get(said.to)
    to = {CUSTOMER} if said.to == CUSTOMER else {f"staff:{each}" for each in (rung.people if rung else (said.to,))}
    return bool(to & of.to) and of.names(said.template, said.cls) and _may_go_by(of, said, config)


def _may_go_by(of: Pattern, said: Notify, config: Config) -> bool:
    if of.channels is None:
        return True
    return any(_means(name, config) & of.channels for name in _channels(said, config))


def _sayings(steps: Sequence[Step], facts: Facts, always: Facts, config: Config) -> Iterator[tuple[Notify, Facts]]:
    """Everything that these steps say, to whomever, with what is known when it is said: what was asked before a wait
    counts behind it only where it is asked again."""
    for step in steps:
        for at, said in enumerate(_says(step, config)):
            yield said, always if at else facts
        if isinstance(step, Choose):
            for branch in step.branches:
                when = branch.when if isinstance(branch.when, Compiled) else None
                inner = facts | facts_of(when, True) if when is not None else facts
                yield from _sayings(branch.steps, inner, always, config)
        else:
            for inside in lists_in(step):
                yield from _sayings(inside, always, always, config)
        if any(_takes(each)[1] > NOTHING for each in all_steps((step,))):
            facts = always


def _says(step: Step, config: Config) -> Iterator[Notify]:
    """What a step itself says, to whomever; of a survey the invitation and, later, the reminder."""
    if isinstance(step, Notify):
        yield step
    elif isinstance(step, Ask) and step.name in config.surveys:
        survey = config.surveys[step.name]
        for template in survey.templates:
            yield Notify(step.id, template, step.to, step.via, step.cls)
