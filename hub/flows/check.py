"""Questions about the whole set of flows: what can never happen, what nobody tells, what is told twice, what has no
words. All of them are warnings and notes; what refuses a file is found while it is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations, product, takewhile
from typing import Protocol

from hub.config.load import Ground
from hub.config.model import Config, Person, Shop
from hub.config.problems import Place, did_you_mean, listed
from hub.config.questions import Survey
from hub.config.settings import Reading
from hub.plugin import Channel
from hub.status import Axis, Order, Payment, Return, Shipment, Status, full_name

from .compile import Checked
from .model import Ask, Call, Escalate, Flow, Mute, Notify, State, Step, Tag, WriteBack, lists_in
from .types import EVERYTHING, IN_STEPS, LATER_NAMES, ROLL_UP, TRIGGERS, axis_of_word, kind_of_word, offered


class Texts(Protocol):
    """What is asked of the texts: which there are, which have mistakes, which are the merchant's own (name → file),
    whether one can speak in a language and form (of a shop), and the fields without which it cannot."""

    @property
    def spoilt(self) -> frozenset[str]: ...

    @property
    def own(self) -> Mapping[str, str]: ...

    def names(self) -> frozenset[str] | tuple[str, ...] | set[str]: ...

    def has(self, template: str, locale: str, form: str, shop: str | None = None) -> bool: ...

    def always(self, template: str, locale: str, form: str, shop: str | None = None) -> frozenset[str]: ...


def check_all(checked: Mapping[str, Checked], ground: Ground, reading: Reading, texts: Texts | None) -> None:
    """Report what is odd about the set. What a broken part of the file would have to say is not guessed at."""
    live = [each for each in checked.values() if each.flow.state is State.LIVE]
    shadow = [each for each in checked.values() if each.flow.state is State.SHADOW]
    at_work = [each for each in checked.values() if each.flow.state is not State.OFF]
    whole = len(checked) == len(ground.flows) and ground.whole
    words = producible(ground.config) if _all_good(ground) else None
    if words is not None and ground.whole:
        _never_fires(at_work, words, reading)
        if whole:
            _not_told(live, words, ground, reading)
    for each in at_work:
        _one_flow_twice(each, reading)
    for first, second in (*_meeting(live), *_meeting(shadow)):  # what one of each says is heard once
        _two_flows(first, second, reading)
    for each in at_work:
        _unreachable(each, ground.config, reading)
    if texts is not None:
        for each in at_work:
            _spoken(each, ground, reading, texts)
        if whole:
            _unused(checked, ground.config.surveys, reading, texts)
    _renamed(checked, ground, reading)


def _all_good(ground: Ground) -> bool:
    return {*ground.config.connections, *ground.config.failovers} == set(ground.connections)


# ------------------------------------------------------------------------------------------------ what can happen


def producible(config: Config) -> frozenset[str]:
    """The trigger words that the connections of a file can bring about."""
    statuses: set[Status] = set()
    for connection in config.connections.values():
        for table in connection.adapter.statuses_of(connection.settings).values():
            statuses.update(meaning.status for meaning in table.values() if meaning.status is not None)
    for merchant in config.statuses.values():
        statuses.update(meaning.status for meaning in merchant.values() if meaning.status is not None)
    platforms = [each for each in config.connections.values() if each.kind == "platform"]
    if platforms:
        statuses.add(Order.RECEIVED)
    if Order.COMPLETED in statuses and any(each.completed_means == "delivered" for each in platforms):
        statuses.add(Shipment.DELIVERED)
    statuses |= _implied(statuses)
    words = {full_name(each) for each in statuses}
    return frozenset(words | ({ROLL_UP} if Shipment.DELIVERED in statuses else set()))


def _implied(statuses: set[Status]) -> set[Status]:
    """What follows from other statuses without anybody saying it (STATUS 1, 2)."""
    implied: set[Status] = set()
    if any(isinstance(each, Shipment) and each not in (Shipment.ANNOUNCED, Shipment.CANCELLED) for each in statuses):
        implied.add(Shipment.SHIPPED)
    if Shipment.DELIVERED in statuses:
        implied |= {Shipment.RETURNING, Shipment.RETURNED}  # a hand-over on the way back is to the sender
    if Payment.CASH_ON_DELIVERY in statuses:
        implied |= {Payment.PAID, Payment.VOIDED}
    if any(isinstance(each, Return) for each in statuses):
        implied |= {Return.RETURNING, Return.RETURNED}
    return implied


def _never_fires(live: list[Checked], words: frozenset[str], reading: Reading) -> None:
    for each in live:
        for word, place in each.words.items():
            if not _possible(word, words):
                text = f"no connection of this file can produce '{word}'"
                reading.report(place, "never-fires", text)


def _possible(word: str, words: frozenset[str]) -> bool:
    """Whether a trigger can happen where these statuses can: it is one, or lasts, or needs some order or parcel."""
    status = word.removeprefix("stalled.")
    if axis_of_word(status) is not None:
        return status in words
    kind = kind_of_word(word) if word in ABOUT_SUBJECTS else ""
    return not kind or any(each.startswith(f"{kind}.") for each in words)


ABOUT_SUBJECTS = frozenset(
    {"order.changed", "shipment.changed", "stalled.shipment", "late.order", "late.shipment", "button"}
)
"""Triggers that every order or parcel can have, and nothing else."""


def _not_told(live: list[Checked], words: frozenset[str], ground: Ground, reading: Reading) -> None:
    told = {word for each in live for word in each.flow.triggers}
    config = ground.config
    contacts = [config.contact_of(shop) for shop in config.shops.values()] or [config.contact]
    silent = frozenset.intersection(*(each.silent for each in contacts))
    missing = [
        word for word in TRIGGERS if word in words and word not in told and word not in silent and word != ROLL_UP
    ]
    if missing:
        place = ground.keys.get("flows") or Place(ground.config.path.name)
        text = f"no flow tells of {listed(missing, 60)}"
        reading.report(place, "not-told", text, "what is silent on purpose stands in contact: {silent: […]}")


# ------------------------------------------------------------------------------------------------ said twice


def all_steps(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Every step of a list and of the branches in it."""
    for each in steps:
        yield each
        for steps in lists_in(each):
            yield from all_steps(steps)


def _said(flow: Flow) -> dict[str, Notify]:
    """What a flow says to the customer, by template."""
    found = [each for each in all_steps(flow.steps) if isinstance(each, Notify) and each.to == "customer"]
    return {each.template: each for each in found}


def _one_flow_twice(each: Checked, reading: Reading) -> None:
    axes = [axis_of_word(word) for word in each.flow.triggers]
    again = next((axis for axis in Axis if axes.count(axis) > 1), None)
    if again is not None and not each.once and _said(each.flow):
        second = [place for word, place in each.words.items() if axis_of_word(word) is again][1]
        text = f"two triggers of the {again} axis tell one person twice"
        reading.report(second, "said-twice", text, "if each is its own news, write once: occurrence")


MAX_MEETING = 50
"""Of so many flows with one trigger each pair is looked at; what comes after them is not."""


def _meeting(live: list[Checked]) -> list[tuple[Checked, Checked]]:
    """Pairs of flows that share a trigger, each pair once."""
    by_word: dict[str, list[Checked]] = {}
    for each in live:
        for word in each.flow.triggers:
            by_word.setdefault(word, []).append(each)
    pairs = (pair for those in by_word.values() for pair in combinations(those[:MAX_MEETING], 2))
    return list({(one.flow.name, two.flow.name): (one, two) for one, two in pairs}.values())


def _two_flows(first: Checked, second: Checked, reading: Reading) -> None:
    one, two = first.flow, second.flow
    if one.shops is not None and two.shops is not None and set(one.shops).isdisjoint(two.shops):
        return
    word = next(each for each in two.triggers if each in one.triggers)
    same = sorted(set(_said(one)) & set(_said(two)))
    if same and _texts_of(one) == _texts_of(two):
        text = f"'{one.name}' and '{two.name}' both say '{same[0]}' at '{word}'"
    elif _always_says(one) and _always_says(two):
        text = f"'{one.name}' and '{two.name}' both tell the customer at '{word}', whatever the order"
    else:
        return
    reading.report(second.words[word], "said-twice", text, f"the other is in line {first.place.line}")


def _texts_of(flow: Flow) -> frozenset[str]:
    return frozenset(each.text for each in flow.when)


def _is_at_once(step: Step) -> bool:
    """Whether what stands after this step is still said at the trigger."""
    if isinstance(step, Escalate):
        return not step.wait
    return isinstance(step, Notify | Ask | Call | WriteBack | Mute | Tag)


def _always_says(flow: Flow) -> bool:
    """Whether a flow says something to the customer at its trigger without any condition. What it says after a wait is
    other news."""
    at_once = takewhile(_is_at_once, flow.steps)
    return not flow.when and any(isinstance(each, Notify) and each.to == "customer" for each in at_once)


def _renamed(checked: Mapping[str, Checked], ground: Ground, reading: Reading) -> None:
    """A former name that is somebody's present name would lend them claims of another flow."""
    for each in checked.values():
        for name in each.flow.was:
            if name in ground.flows:
                text = f"'{name}' in 'was' of '{each.flow.name}' is the name of a flow in this file"
                reading.report(each.place, "duplicate-name", text)


# ------------------------------------------------------------------------------------------------ texts


def _spoken(each: Checked, ground: Ground, reading: Reading, texts: Texts) -> None:
    names = frozenset(texts.names())
    for step in _words_of(each.flow, ground.config.surveys):
        if step.template in names:
            place = each.keys.get(step.id, each.place)
            for locale, shop, forms in _readers(step, each.flow, ground.config):
                _speaks(step.template, locale, shop, forms, place, reading, texts)
                _can_know(step, each.flow, (locale, shop, forms), place, reading, texts)


def _words_of(flow: Flow, surveys: Mapping[str, Survey]) -> Iterator[Notify]:
    """Everything that a flow says, with the words of the surveys that it asks."""
    for step in all_steps(flow.steps):
        if isinstance(step, Notify):
            yield step
        elif isinstance(step, Ask) and step.name in surveys:
            for template in surveys[step.name].templates:
                yield Notify(step.id, template, step.to, step.via, step.cls)


def _unused(checked: Mapping[str, Checked], surveys: Mapping[str, Survey], reading: Reading, texts: Texts) -> None:
    """A text of the merchant's own that no flow uses: often a file with a misspelt name."""
    used = {step.template for each in checked.values() for step in _words_of(each.flow, surveys)}
    used |= {template for each in surveys.values() for template in each.templates}
    for name, file in texts.own.items():
        if name not in used and name not in texts.spoilt:
            others = [each for each in texts.names() if each != name]
            reading.report(Place(file), "unused-text", f"no flow uses the text '{name}'{did_you_mean(name, others)}")


def _can_know(
    step: Notify,
    flow: Flow,
    reader: tuple[str, str | None, frozenset[str]],
    place: Place,
    reading: Reading,
    texts: Texts,
) -> None:
    """A text that prints what no trigger of the flow can tell would wait for it in vain."""
    locale, shop, forms = reader
    absent = (EVERYTHING | LATER_NAMES) - IN_STEPS.keys() - offered(flow.triggers) - frozenset(step.extra or ())
    if not absent:
        return
    tags = (locale, locale.partition("-")[0])
    printed = {field for form in forms for tag in tags for field in texts.always(step.template, tag, form, shop)}
    lacking = sorted(each for each in printed if "." in each and each.partition(".")[0] in absent)
    if lacking:
        root = lacking[0].partition(".")[0]
        text = f"the text '{step.template}' prints {lacking[0]}, and {listed(flow.triggers)} offers no '{root}'"
        reading.report(place, "not-offered", text, "put it into an if, or choose another trigger")


def _readers(step: Notify, flow: Flow, config: Config) -> Iterator[tuple[str, str | None, frozenset[str]]]:
    """The languages in which a message may be read, with the shop and the forms its channels ask for."""
    if step.to == "customer":
        for shop in _shops(flow, config):
            yield shop.locale, shop.key, _forms(_channels(step, shop, config), shop.connections, config)
        return
    for person, shop in product(_staff(step, config), _shops(flow, config)):
        reached = tuple(each for each in _channels(step, shop, config) if each in person.addresses)
        if reached:
            yield person.locale, None, _forms(reached, {}, config)


def _staff(step: Notify, config: Config) -> list[Person]:
    """The people that a message to staff is for."""
    names = config.staff[step.to].people if step.to in config.staff else (step.to,)
    return [config.people[name] for name in names if name in config.people]


def _unreachable(each: Checked, config: Config, reading: Reading) -> None:
    """Staff who have no address for any channel of a message."""
    for step in all_steps(each.flow.steps):
        if not isinstance(step, Notify) or step.to == "customer":
            continue
        lists = dict.fromkeys(_channels(step, shop, config) for shop in _shops(each.flow, config))
        for channels, person in product(filter(None, lists), _staff(step, config)):
            if not any(channel in person.addresses for channel in channels):
                text = f"'{person.key}' has no address for any of {listed(channels)} and would not be told"
                reading.report(each.keys.get(step.id, each.place), "dead-channel", text)


def _shops(flow: Flow, config: Config) -> list[Shop]:
    return [shop for shop in config.shops.values() if flow.shops is None or shop.key in flow.shops]


def _channels(step: Notify, shop: Shop, config: Config) -> tuple[str, ...]:
    return config.contact_of(shop).routes.get(step.via, ()) if isinstance(step.via, str) else step.via


def _forms(channels: tuple[str, ...], words: Mapping[str, str], config: Config) -> frozenset[str]:
    named = [provider for each in channels for provider in config.providers(words.get(each, each))]
    found = [config.connections.get(each) for each in named]
    adapters = [each.adapter for each in found if each is not None]
    return frozenset(str(each.form) for each in adapters if issubclass(each, Channel))


def _speaks(
    template: str,
    locale: str,
    shop: str | None,
    forms: frozenset[str],
    place: Place,
    reading: Reading,
    texts: Texts,
) -> None:
    tags = tuple(dict.fromkeys((locale, locale.partition("-")[0])))
    missing = sorted(form for form in forms if not any(texts.has(template, tag, form, shop) for tag in tags))
    if not missing:
        return
    if len(missing) == len(forms):
        reading.report(place, "no-text", f"the text '{template}' does not exist in '{locale}'; English is sent instead")
    else:
        said = f"the text '{template}' has no form for {listed(missing)} in '{locale}'"
        reading.report(place, "no-form", said)
