"""One due message on its way: whom it is for, what the guards are told, what it says, and with what it leaves."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from hub.config.model import Person, Shop
from hub.flows.check import all_steps
from hub.flows.model import Flow, Notify
from hub.flows.run import first_unmet, why_unmet
from hub.flows.types import PROMISE, axis_of_word
from hub.flows.why import first_part, what_was_read
from hub.messages import MissingData, NoTextError, Rendering, TextError
from hub.model import Customer
from hub.plugin import AddressKind, Button, Channel, Form, Outgoing
from hub.status import FINAL, full_name, parse_status
from hub.store.consents import NO_CONSENT, NOTHING_SAID, OPTED_OUT
from hub.store.links import chat_purpose, link_row, matter_ref, order_ref, token_for

from .around import ABOUT_ALL_ORDERS, LINK_LIVES, Around, Capacity, Departure, Outbox, address_hash
from .breaker import counts, whose
from .customer import CUSTOMER, ORDER
from .gather import only_gathered
from .guards import LOOK_AGAIN, Decision, Defer, Drop, Option, Question, Via, decide, is_capped
from .ladder import OVERDUE, first_told, matter_names
from .names import locales_of, names_of, shop_names, status_summary
from .news import is_home, shop_of_home
from .phones import phone_of
from .plain import attempt_key, from_plain, to_plain
from .pressing import buttons_of
from .promises import RENEWS, Promise, looked_at, needless, promised, timer_key, timer_of
from .questions import ASKED
from .sentences import POLICY, Sentences
from .shadow import SHADOW, WAITS, from_a_shadow, speaks, would_have_gone
from .state import NOT_THERE
from .states import REACHED
from .survey_chat import Asking
from .world import World
from .zones import clocks_of

MUTED = "muted"
THANKS_LAST = timedelta(hours=1)
CARRIER_TELLS = "the carrier tells this itself"
NEEDLESS = (OPTED_OUT, NO_CONSENT, CARRIER_TELLS)
"""Why a channel is closed, where nothing has failed."""
SAID_WITH_ANOTHER = "said-already: with another in the same parcel"


def proves(kind: AddressKind, customer: Customer | None) -> bool:
    """Whether who reads in such a channel is the person that a customer's links are for: a customer is known by e-mail,
    else by phone, and anyone can give somebody else's e-mail with a phone of their own."""
    return kind is AddressKind.EMAIL or customer is None or not customer.email


class Leaving:
    """One due message on its way to a decision."""

    def __init__(
        self,
        row: Any,
        world: World,
        now: datetime,
        around: Around,
        capacity: Capacity,
        room: dict[str, int],
        outbox: Outbox,
    ) -> None:
        self.row, self.world, self.now, self.around = row, world, now, around
        self.capacity, self.room, self.outbox = capacity, room, outbox
        self.doc: Mapping[str, Any] = row.doc
        self.view = around.views.get(row.order_id)
        self.subject = self.view.as_now(row.subject) if self.view is not None else row.subject
        """What it is about, as it is known now."""
        self.person = self._person()
        self.shop = self._shop()
        self.asking = Asking.of(row, around.surveys, world)
        """The survey that it invites to or asks a question of."""
        self.links: list[dict[str, Any]] = []
        self.entries = world.entries_of(self.doc.get("via", "default"), self.shop)
        self.usable: dict[str, Option] = {}
        self.asked: dict[str, Any] = {}
        """What its flow's conditions read, where they do not hold any more: to explain by."""
        self.rendered: dict[str, tuple[Rendering, list[dict[str, Any]]]] = {}

    # -- who it is for

    def _person(self) -> Person | None:
        kind, _, key = self.row.recipient.partition(":")
        return self.world.config.people.get(key) if kind == "staff" else None

    def _shop(self) -> Shop:
        if self.view is not None:
            return self.world.shop_of(self.view.connection)
        if is_home(self.row.order_id):
            return shop_of_home(self.row.order_id, self.world)
        return next(iter(self.world.config.shops.values()))

    def _locales(self) -> Sequence[str]:
        """The languages that its reader may want, the first wish first."""
        if self.person is not None:
            return self.person.locale, self.shop.locale
        if self.view is not None:
            return locales_of(self.view, self.shop)
        customer = self.around.customers.get(self.row.customer_id)
        theirs = (str(self.doc.get("locale", "")), customer.locale if customer is not None else "")
        return tuple(tag for tag in (*theirs, self.shop.locale) if tag)

    def address(self, connection: str) -> str:
        """The address in this channel, or empty."""
        if "address" in self.doc:
            return str(self.doc["address"])
        if self.row.recipient.startswith("staff:"):
            return self.person.addresses.get(connection, "") if self.person else ""
        contact = self.around.contacts.get((self.row.customer_id, connection))
        kind = self.world.channel(connection).address_kind
        snapshot = self.view.snapshot if self.view else None
        if kind is AddressKind.LINK or snapshot is None:
            return contact.address if contact is not None else ""
        if kind is AddressKind.EMAIL:
            return snapshot.customer.email
        return phone_of(snapshot, self.shop)

    def addresses(self) -> list[tuple[str, str]]:
        """(channel, address) of every channel of its list, and of those that reach people at the same address."""
        one = self.world.one_address
        return [(each, self.address(name)) for entry in self.entries for name in entry for each in one[name]]

    # -- the decision

    def go(self) -> None:
        decision = self._decide()
        if isinstance(decision, Drop) and RENEWS in self.doc:
            self.outbox.look_at.append(timer_key(self.doc[RENEWS]["of"]))
        match decision:
            case Via():
                self._leave(decision)
            case Defer():
                self._change(due_at=decision.until, reason=decision.reason)
            case Drop():
                if decision.state == "held":
                    self._hold(decision.reason)
                    return
                asked = self.sentences.asked(decision.reason) if decision.reason.startswith(POLICY) else self.asked
                read = {"doc": {**self.doc, "asked": asked}} if asked else {}
                self._change(state=decision.state, reason=decision.reason, finished_at=self.now, **read)
                if decision.state == "failed":
                    self.outbox.unheard.append(self.row)

    def _hold(self, reason: str) -> None:
        self._change(state="held", reason=reason)
        pace = self.around.paces[whose(self.row)]
        if not pace.held:
            self.outbox.held[whose(self.row)] = pace

    def _change(self, **values: Any) -> None:
        self.outbox.changes.append((self.row.id, values))

    def _decide(self) -> Decision:
        row, names = self.row, self.names
        if self.world.shadow and not row.shadow and not row.recipient.startswith("staff:"):
            return Defer(self.now + LOOK_AGAIN, WAITS)
        tried = self.doc.get("tried", ())
        options = [
            self._option(name, place) for place, entry in enumerate(self.entries) for name in entry if name not in tried
        ]
        self.usable = {option.connection: option for option in options if not option.closed}
        missing = self._missing(options, names)
        staff = row.recipient != "customer"
        first_try = self.doc.get("first_try_at")
        ask = Question(
            now=self.now,
            cls=row.cls,
            urgent=bool(self.doc.get("urgent")),
            staff=staff,
            created_at=row.created_at,
            before_at=self._before(names),
            stopped=self._stopped(),
            untrue=self._untrue(names),
            superseded=self._superseded(),
            overtaken=self._overtaken(),
            missing=missing,
            against=self.sentences.ends,
            forbidden="" if staff else self._forbidden(),
            options=options,
            tried=[(name, self.doc.get("why", {}).get(name, "tried")) for name in tried],
            zones=clocks_of(self.view, self.shop),
            first_try_at=datetime.fromisoformat(first_try) if first_try else None,
            held=self._held(),
        )
        sent = self.around.sent.get((bool(row.shadow), row.customer_id), ())
        contact = self.world.config.contact_of(self.shop)
        return decide(
            ask, contact, lambda name: is_capped(contact.caps, sent, connection=name, cls=row.cls, now=self.now)
        )

    def _held(self) -> str:
        pace = self.around.paces[whose(self.row)] if counts(self.row) else None
        return pace.why() if pace is not None and pace.over else ""

    def _option(self, name: str, place: int) -> Option:
        channel, address = self.world.channel(name), self.address(name)
        why = CARRIER_TELLS if channel.rings and self._carrier_tells else self._closed(name, channel, address)
        why = why or self._rests_with(place, name) or self.sentences.closes(name)
        paused = self.around.paused.get(name)
        waits = paused[1] if paused else None
        cooling = self.capacity.cooling.get(name)
        later = max((t for t in (waits, cooling) if t), default=None)
        return Option(
            name,
            channel.rings,
            why,
            later,
            needless=why if why in NEEDLESS or why.startswith(POLICY) else "",
            entry=place,
        )

    @cached_property
    def sentences(self) -> Sentences:
        """What the merchant's policies say of it."""
        return Sentences(self.row, self.world.policies, self.names, self.around.gone, self.now)

    def _rests_with(self, place: int, name: str) -> str:
        """What may have gone is tried again by the same provider only, who knows its key."""
        perhaps = self.doc.get("perhaps", "")
        return f"it may have gone by {perhaps}" if perhaps != name and perhaps in self.entries[place] else ""

    def _closed(self, name: str, channel: Channel[Any], address: str) -> str:
        if not address:
            return "not linked" if channel.address_kind is AddressKind.LINK else "no address"
        alike = self.world.one_address[name]
        if any(self.around.suppressed(each, address) for each in alike):
            return "the address is dead"
        if self.row.recipient == "customer":
            contacts = [self.around.contacts.get((self.row.customer_id, each)) for each in alike]
            if any(contact is not None and contact.state == "closed" for contact in contacts):
                return "closed by the customer"
            if refusal := next(filter(None, map(self._refusal, alike)), ""):
                return refusal
        if self.asking is not None and (why := self.asking.closed(channel, self.world.config.hub.public_url)):
            return why
        if self.asking is not None and self.asking.question is not None:
            return ""  # its words are the survey's
        if not self.world.texts.has(self.row.template, self._text_locale(channel.form), channel.form, self.shop.key):
            return "no text in this form"
        return ""

    @cached_property
    def _carrier_tells(self) -> bool:
        """Whether it is the first word of a run about a status that this parcel's carrier announces itself: it need
        not ring a second time."""
        row, shipments = self.row, self.view.shipments if self.view else ()
        shipment = next((each for each in shipments if each.id == self.subject), None)
        leg = shipment.current if shipment is not None else None
        if row.recipient != "customer" or self.doc.get("echo") or leg is None or not leg.carrier:
            return False
        told = row.word in {full_name(each) for each in self.world.connection(leg.carrier).tells}
        about = self.around.later.get(row.order_id, ())
        return told and not any(
            each.run_key == row.run_key and each.id < row.id and each.recipient == row.recipient for each in about
        )

    def _stopped(self) -> str:
        run = self.around.runs.get(self.row.run_key)
        if self.view is not None and self.row.recipient == "customer":
            if self.view.gone:
                return f"stopped: {self.view.gone}"
            if self.subject and not self.view.has(self.subject):
                return f"stopped: {NOT_THERE}"
        if self.asking is not None and (over := self.asking.over(self.now) or self._reminds_of_nothing()):
            return over
        if RENEWS in self.doc and self.view is not None:
            loaded, said = self.around.loaded[self.row.order_id], self.around.later.get(self.row.order_id, ())
            if over := needless(self.doc, said, self.view, loaded.about.open_questions, self.world):
                return over
        if self.doc.get("escalation"):
            return self._settled(self.around.escalations.get(self.doc["escalation"]))
        if run is not None and run.state in ("stopped", "restarted"):
            return "stopped"
        return SAID_WITH_ANOTHER if self._said_with_another() else ""

    def _reminds_of_nothing(self) -> str:
        """Whether it reminds of an invitation that did not go out, or has not yet: the first that its run said of the
        survey."""
        row, said = self.row, self.around.later.get(self.row.order_id, ()) if self.row.run_key else ()
        ours = [each for each in said if each.run_key == row.run_key and each.id < row.id]
        first = next((each for each in ours if each.doc.get("survey") == self.doc["survey"]), None)
        went = first is None or first.state in REACHED or would_have_gone(first)
        return "" if went else "stopped: the invitation did not go out"

    def _settled(self, matter: Any) -> str:
        """Why nobody has to be called about a matter any more. That it is overdue concerns people also when somebody
        has taken it."""
        if matter is None or matter.state in ("open", SHADOW):
            return ""
        if matter.state == "resolved":
            return "already resolved"
        return "already taken" if self.row.template != OVERDUE else ""

    def _said_with_another(self) -> bool:
        """One parcel holds two orders of one person, or two fulfilments of one order: what happens to it is told once
        (STATUS.md 2)."""
        row, shipments = self.row, self.view.shipments if self.view else ()
        shipment = next((each for each in shipments if each.id == self.subject), None)
        if shipment is None or row.recipient != "customer":
            return False
        numbers = shipment.numbers
        twins = {each.id for each in shipments if each is not shipment and each.numbers & numbers}
        own = [each for each in self.around.later.get(row.order_id, ()) if each.subject in twins]
        others = [each for number in numbers for each in self.around.alike.get((row.order_id, number), ())]
        return any(
            each.id < row.id
            and each.shadow == row.shadow
            and (each.customer_id, each.template, each.word) == (row.customer_id, row.template, row.word)
            and speaks(each)
            for each in (*own, *others)
        )

    def _untrue(self, names: Mapping[str, Any]) -> str:
        run = self.around.runs.get(self.row.run_key)
        flow = (self._flow_of(run) or self.world.config.flows.get(run.flow)) if run is not None else None
        if flow is None or not flow.recheck:
            return ""
        unmet, value = first_unmet(flow.when, names)
        if unmet is None:
            return ""
        self.asked = {"rule": first_part(unmet, names)[0], "read": to_plain(what_was_read([unmet], names))}
        return why_unmet(unmet, value)

    def _before(self, names: Mapping[str, Any]) -> datetime | None:
        """From when on it is pointless, as things stand now: a deadline may have moved since the step was done. `now`
        stays what it was then, or a deadline that counts from it would never come. What has become unknown holds as it
        was."""
        then, step = {**names, "now": self.row.created_at}, self._step
        before = step.before.value(then) if step is not None and step.before is not None else None
        return before if isinstance(before, datetime) else self.row.before_at

    @cached_property
    def _step(self) -> Notify | None:
        """The step that says it, in the text that its run started with."""
        run = self.around.runs.get(self.row.run_key)
        flow = self._flow_of(run) if run is not None else None
        steps = all_steps(flow.steps) if flow is not None else ()
        return next((each for each in steps if isinstance(each, Notify) and each.id == self.row.step), None)

    def _flow_of(self, run: Any) -> Flow | None:
        """The flow with the text that a run started with."""
        current = self.world.config.flows.get(run.flow)
        if current is not None and current.version == run.version:
            return current  # type: ignore[no-any-return]
        return self.world.old_flow(run.version) if self.world.knows(run.flow, run.version) else None

    def _superseded(self) -> bool:
        """A later status of the same axis and subject has its own message for the same person; or this run has said
        more since, and both came due together."""
        row = self.row
        if row.word == ASKED and not row.run_key:
            return self._thanked_for()
        if not row.word or row.recipient != "customer" or self.asking is not None:
            return False  # what is asked about an order is no news of it
        about = self.around.later.get(row.order_id, ())
        later = [each for each in about if each.id > row.id and _heard_by(each) == _heard_by(row)]
        return any(self._is_newer_news(each) or self._came_due_too(each) for each in later)

    def _thanked_for(self) -> bool:
        """The hub's own thanks for a question yield to a flow that speaks on it, and are said once an hour: who
        explains a thing in five lines is not thanked for each."""
        row = self.row
        about = [each for each in self.around.later.get(row.order_id, ()) if each.word == ASKED and speaks(each)]
        alike = [each for each in about if each.shadow == row.shadow]
        by_a_flow = any(each.run_key and each.id > row.id and each.recipient == "customer" for each in alike)
        own = [each for each in alike if not each.run_key and each.id < row.id and each.recipient == row.recipient]
        return by_a_flow or any(each.created_at > row.created_at - THANKS_LAST for each in own)

    def _is_newer_news(self, other: Any) -> bool:
        row = self.row
        axis = axis_of_word(row.word)
        alike = axis is not None and axis_of_word(other.word) is axis
        again = other.word == row.word and other.flow == row.flow and other.run_key != row.run_key
        same = self._as_now(other.subject) == self.subject and alike and (other.word != row.word or again)
        return same and _news_of(other) >= _news_of(row) and speaks(other)

    def _as_now(self, subject: str) -> str:
        return self.view.as_now(subject) if self.view is not None else subject

    def _came_due_too(self, other: Any) -> bool:
        """What a run says in one breath is all meant to be said; what it says after a wait replaces what waits yet."""
        said_later = other.run_key == self.row.run_key and other.created_at > self.row.created_at
        return bool(said_later and other.state == "due" and other.due_at <= self.now)

    def _overtaken(self) -> bool:
        """The subject reached a final status that is not the trigger's."""
        row = self.row
        if self.view is None or not row.word or row.recipient != "customer" or not row.run_key:
            return False
        axis = axis_of_word(row.word)
        if axis is None:
            return False
        state = self.view.folded(axis, self.subject).state
        if state is None or state not in FINAL or row.word == "order.delivered":
            return False
        return state is not parse_status(row.word)

    def _forbidden(self) -> str:
        return self._refusal() or self._muted()

    def _refusal(self, channel: str = "") -> str:
        """Why this person is not to hear it, at all or in a channel (docs/consent.md)."""
        snapshot = self.view.snapshot if self.view else None
        allows = snapshot is not None and snapshot.customer.accepts_marketing
        standing = self.around.standings.get(self.row.customer_id, NOTHING_SAID)
        return standing.refusal(self.row.cls, channel, order_allows=allows)

    def _muted(self) -> str:
        """Urgent news are said all the same, and so is what no flow says: a person's answer."""
        if self.doc.get("urgent") or not self.row.flow:
            return ""
        scopes = (CUSTOMER, self.row.customer_id), (ORDER, self.row.order_id)
        return MUTED if any((*each, self.row.cls) in self.around.muted for each in scopes) else ""

    # -- what it says

    @cached_property
    def names(self) -> dict[str, Any]:
        """Everything its text may read, with the freshest data, and by when it promises to be followed by more."""
        return {**self._fresh, PROMISE: {"by": self.promise.by}} if self.promise is not None else self._fresh

    @cached_property
    def promise(self) -> Promise | None:
        """What it promises, if it leaves now."""
        given = self._step.promise if self._step is not None else None
        return promised(given, self.doc, self._fresh, self.view, self.shop, self.now)

    def _look_at(self, promise: Promise) -> dict[str, Any]:
        """The timer that sees to its promise; who promises anew speaks by the first channel that can reach them."""
        contact = self.world.config.contact_of(self.shop)
        via = contact.promise.via if contact.promise is not None else "default"
        first = next((name for name in self.world.list_of(via, self.shop) if self.address(name)), None)
        option = Option(first, self.world.channel(first).rings) if first is not None else None
        return timer_of(self.row, looked_at(promise, self.shop, contact.quiet, option, clocks_of(self.view, self.shop)))

    @cached_property
    def _fresh(self) -> dict[str, Any]:
        row, doc = self.row, self.doc
        names: dict[str, Any] = {"now": self.now, "shop": shop_names(self.shop)}
        if self.view is not None:
            loaded = self.around.loaded[row.order_id]
            names |= names_of(
                self.view, self.world, self.now, tuple(loaded.contacts), self.subject or None, loaded.about
            )
        names |= from_plain(dict(doc.get("values", {})))
        names |= from_plain(dict(doc.get("extra", {})))
        if doc.get("event"):
            names["event"] = from_plain(doc["event"])
        matter = self.around.escalations.get(doc.get("escalation", ""))
        if matter is not None:
            names["escalation"] = matter_names(matter._mapping, self._first_told(matter), self.world.config.staff)
        if row.template in ABOUT_ALL_ORDERS:
            names["orders"] = self._their_orders()
        return only_gathered(names, doc.get("values", {}), self.view)

    def _first_told(self, matter: Any) -> str:
        """The group that was told of a matter first, as its run remembers."""
        run = self.around.runs.get(matter.run_key)
        return first_told(matter._mapping, run.doc if run is not None else None)

    def _their_orders(self) -> list[dict[str, Any]]:
        ids = self.around.their_orders.get(self.row.customer_id, ())
        found = [self.around.views[order_id] for order_id in ids if order_id in self.around.views]
        # One entry: whoever asks is answered where they asked.
        first = self.entries[0][0] if self.entries else ""
        locale = self._text_locale(self.world.channel(first).form) if first else self.shop.locale
        return [status_summary(each, self.world, locale) for each in found if not each.gone]

    def _text_locale(self, form: Form) -> str:
        try:
            return self.world.texts.locale_for(self.row.template, form, self._locales(), self.shop.key)
        except NoTextError:
            return "en"

    def _render(self, connection: str, names: Mapping[str, Any]) -> Rendering:
        if connection in self.rendered:
            text, self.links = self.rendered[connection]
            return text
        self.links = []
        if self.asking is not None and self.asking.question is not None:
            text = self.asking.alone(self._locales()[0], self.around.secret, connection, self.address(connection))
        else:
            text = self._fill(connection, names)
        self.rendered[connection] = (text, self.links)
        return text

    def _fill(self, connection: str, names: Mapping[str, Any]) -> Rendering:
        """Its template filled; an invitation to a survey asks at once where the channel brings answers back."""
        channel = self.world.channel(connection)
        text = self.world.texts.render(
            self.row.template,
            form=channel.form,
            locale=self._text_locale(channel.form),
            names=names,
            zone=self.shop.timezone,
            link=self._link(connection),
            shop=self.shop.key,
        )
        if self.asking is None or not channel.buttons_reply:
            return text
        return self.asking.added(text, self.around.secret, connection, self.address(connection))

    def _missing(self, options: Sequence[Option], names: Mapping[str, Any]) -> tuple[str, ...]:
        """The fields that the text for the first usable channel lacks."""
        usable = [option for option in options if not option.closed]
        first = next((option for option in usable if not option.waits(self.now)), usable[0] if usable else None)
        if first is None or self.room.get(first.connection, 0) <= 0:
            return ()  # asked when there is room
        try:
            self._render(first.connection, names)
        except MissingData as error:
            return error.fields
        except TextError:
            return ()  # told when it is about to leave
        return ()

    def _link(self, connection: str) -> Callable[[str], str | None]:
        base = self.world.config.hub.public_url

        def link(purpose: str) -> str | None:
            match purpose:
                case "telegram":
                    return self._link_to_chat(connection)
                case "order" if base and (customer := self._page_reader()):
                    self._link_to_chat(connection)  # the page invites, and opening it writes nothing
                    ref = order_ref(customer, connection, self.row.order_id)
                    return f"{base}/o/{self._token('order', ref)}"
                case "survey" if base and self.asking is not None and (customer := self._page_reader()):
                    ref = order_ref(customer, connection, self.asking.id)
                    return f"{base}/s/{self._token('survey', ref)}"
                case "acknowledge" if base and self.doc.get("escalation"):
                    ref = matter_ref(self.doc["escalation"], self.person.key if self.person else "")
                    return f"{base}/e/{self._token('acknowledge', ref)}"
                case "unsubscribe" if base and self.row.customer_id and self.row.cls != "transactional":
                    ref = f"{self.row.customer_id}|{self.row.cls}|{connection}"
                    return f"{base}/u/{self._token('unsubscribe', ref)}"
            return None

        return link

    def _token(self, purpose: str, ref: str) -> str:
        token = token_for(self.around.secret, purpose, ref)
        row = link_row(token, purpose, ref, self.now + LINK_LIVES)
        if row not in self.links:
            self.links.append(row)
        return token

    def _page_reader(self) -> str:
        """Whose the order is that this is about, where this is for them: a page is the customer's, staff have the
        console."""
        loaded = self.around.loaded.get(self.row.order_id)
        ours = self.row.recipient == "customer" and self.view is not None and loaded is not None
        return loaded.customer_id if ours and loaded is not None else ""

    def _link_to_chat(self, connection: str) -> str | None:
        customer = self.view.snapshot.customer if self.view and self.view.snapshot else None
        known = proves(self.world.channel(connection).address_kind, customer)
        return self._deep_link() if known else None

    def _deep_link(self) -> str | None:
        """Only who has not linked the chat yet is invited to."""
        if self.row.recipient != "customer" or not self.row.customer_id:
            return None
        for name in self.world.of_kind("channel"):
            if (self.row.customer_id, name) in self.around.contacts:
                continue
            if self.world.channel(name).address_kind is AddressKind.LINK:
                url = self.world.channel(name).link_url(
                    token_for(self.around.secret, chat_purpose(name), self.row.customer_id)
                )
                if url:
                    self._token(chat_purpose(name), self.row.customer_id)
                    return url
        return None

    def _leave(self, via: Via) -> None:
        connection = via.connection
        if self.room.get(connection, 0) <= 0:
            if self.row.connection != connection:
                self._change(connection=connection)
            return
        try:
            text = self._render(connection, self.names)
        except TextError as error:
            self._change(state="failed", reason=f"its text cannot be made: {error}", finished_at=self.now)
            self.outbox.unheard.append(self.row)
            return
        self.room[connection] -= 1
        self.outbox.departures.append(self._departure(connection, via, text))

    def _to_press(self, connection: str, locale: str) -> tuple[Button, ...]:
        """Where staff read in a chat, what they can do about the matter by pressing."""
        matter = self.around.escalations.get(self.doc.get("escalation", ""))
        if matter is None or self.person is None or self.world.channel(connection).form is not Form.CHAT:
            return ()
        return buttons_of(matter, locale)

    def _departure(self, connection: str, via: Via, text: Rendering) -> Departure:
        row, address = self.row, self.address(connection)
        unsubscribe = self._link(connection)("unsubscribe") or ""
        snapshot = self.view.snapshot if self.view else None
        name = self.person.name if self.person else (snapshot.customer.name if snapshot else "")
        thread = self.around.threads.get((row.order_id, connection), "") if row.recipient == "customer" else ""
        outgoing = Outgoing(
            key=attempt_key(row.key, connection),
            to=address,
            text=text.text,
            subject=text.subject,
            html=text.html,
            to_name=name,
            locale=text.locale,
            thread=thread,
            skeleton=f"{row.template}.{text.locale}",
            unsubscribe_url=unsubscribe,
            silent=via.silent,
            urgent=bool(self.doc.get("urgent")),
            buttons=(*self._to_press(connection, text.locale), *text.buttons),
        )
        if self.world.shadow and not row.shadow:
            outgoing = from_a_shadow(outgoing)
        entry = next((each for each in self.entries if connection in each and len(each) > 1), ())
        standby = [self.usable[each] for each in entry if each in self.usable and each != connection]
        return Departure(
            row, connection, outgoing,
            address_hash=address_hash(connection, address),
            links=self.links,
            rev=self.around.loaded[row.order_id].rev if row.order_id in self.around.loaded else 0,
            others=bool(self.usable.keys() - {connection}),
            entry=entry,
            stands_by=any(not each.waits(self.now) for each in standby),
            form=self.world.channel(connection).form.value,
            limits=self.sentences.counted(connection),
            breaks=self.sentences.alarms(connection),
            promise=self.promise,
            timer=self._look_at(self.promise) if self.promise is not None else None,
        )  # fmt: skip


def _heard_by(row: Any) -> tuple[str, int]:
    """Who hears a message. A shadow's is heard by nobody: it silences only other shadows."""
    return row.recipient, row.shadow


def _news_of(row: Any) -> datetime:
    """When what a message is about became known: an older flow may speak later, and says nothing newer."""
    known: datetime = from_plain(row.doc.get("event", {})).get("received_at") or row.created_at
    return known
