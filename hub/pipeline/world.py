"""What the configuration means to the pipeline: adapters, status tables, who follows a number, flows by trigger.

Built once per configuration that went live and swapped whole; never changed in place.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from hub.config.model import Config, Connection, Shop
from hub.flows.model import Flow, State
from hub.flows.run import words_heard
from hub.messages import Texts
from hub.plugin import Adapter, Carrier, Channel, Platform
from hub.status import Found, Level, Table, lookup


def unwatched(flow: str, path: tuple[int, ...]) -> None:
    """Nobody keeps count of the ways that runs take."""


@dataclass(frozen=True)
class World:
    """One live configuration with its adapters at hand."""

    config: Config
    adapters: Mapping[str, Adapter[Any]]
    texts: Texts
    shadow: bool = False
    """Whether the whole hub runs in shadow: every flow counts as one that does."""
    watch: Callable[[str, tuple[int, ...]], None] = unwatched
    """Told of each list of steps inside a step that a run goes into: (flow, path of the list)."""
    _old: dict[str, Flow] = field(default_factory=dict)
    _heard_by_old: set[str] = field(default_factory=set)
    _tables: dict[tuple[str, str], Table | None] = field(default_factory=dict)
    _former: Mapping[tuple[str, str, str], Found | None] = field(default_factory=dict)

    @cached_property
    def flows_by_word(self) -> Mapping[str, Sequence[Flow]]:
        """Trigger word → flows at work; a flow that listens to nothing of an event costs that event nothing."""
        index: dict[str, list[Flow]] = {}
        for flow in self.config.flows.values():
            if flow.state is not State.OFF:
                for word in flow.triggers:
                    index.setdefault(word, []).append(flow)
        return index

    def speaks(self, word: str, connection: str) -> bool:
        """Whether a flow of the connection's shop says in the hub's place what the hub would tell staff: one in shadow
        only does where the hub's own words are a shadow's too."""
        shop = self.shop_of(connection).key if connection in self.config.connections else None
        theirs = (each for each in self.flows_by_word.get(word, ()) if each.shops is None or shop in each.shops)
        return any(self.shadow or flow.state is State.LIVE for flow in theirs)

    @cached_property
    def claims(self) -> bool:
        """Whether any flow begins once for an order, a parcel or a customer."""
        return any(flow.once is not None for flow in self.config.flows.values())

    @cached_property
    def keeps_clocks(self) -> bool:
        """Whether any flow listens to what lasts or is missed."""
        return any(word.startswith(("stalled.", "late.")) for word in self.flows_by_word)

    @cached_property
    def _heard(self) -> frozenset[str]:
        flows = [flow for flow in self.config.flows.values() if flow.state is not State.OFF]
        return frozenset(word for flow in flows for word in words_heard(flow))

    def hears(self, word: str) -> bool:
        """Whether any flow listens to a word: starts, goes on or stops by it. A happening that none does is not even
        written down."""
        return word in self._heard or word in self._heard_by_old

    def knows(self, name: str, version: str) -> bool:
        """Whether the flow text that a run started with is at hand."""
        current = self.config.flows.get(name)
        return version in self._old or (current is not None and current.version == version)

    def remember(self, flow: Flow) -> None:
        """Keep a former text of a flow for the runs that started with it."""
        self._old[flow.version] = flow
        self._heard_by_old.update(words_heard(flow))

    def old_flow(self, version: str) -> Flow:
        return self._old[version]

    def connection(self, name: str) -> Connection:
        return self.config.connections[name]

    def platform(self, name: str) -> Platform[Any]:
        adapter = self.adapters[name]
        assert isinstance(adapter, Platform)
        return adapter

    def carrier(self, name: str) -> Carrier[Any]:
        adapter = self.adapters[name]
        assert isinstance(adapter, Carrier)
        return adapter

    def channel(self, name: str) -> Channel[Any]:
        adapter = self.adapters[name]
        assert isinstance(adapter, Channel)
        return adapter

    def gives_receipts(self, channel: str) -> bool:
        """Whether a channel connection's receipts reach this hub."""
        return self.channel(channel).gives_receipts(self.webhook_url(channel))

    def webhook_url(self, connection: str) -> str | None:
        """Where a connection's webhooks come in; None: nothing outside can reach this hub."""
        base = self.config.hub.public_url
        return f"{base}/in/{connection}" if base else None

    def of_kind(self, kind: str) -> Sequence[str]:
        return tuple(name for name, each in self.config.connections.items() if each.kind == kind)

    def shop_of(self, connection: str) -> Shop:
        return self.config.shop_of(connection)

    def entries_of(self, via: str | Sequence[str], shop: Shop) -> list[tuple[str, ...]]:
        """The entries of a route or list, in order, as this shop means its words: of each the channel connections that
        may carry it, several where it is a failover. No channel comes twice."""
        route = self.config.contact_of(shop).routes.get(via, ()) if isinstance(via, str) else via
        seen: set[str] = set()
        entries = []
        for name in route:
            providers = self.config.providers(shop.connections.get(name, name))
            channels = [each for each in providers if isinstance(self.adapters.get(each), Channel)]
            fresh = tuple(each for each in channels if each not in seen)
            seen |= set(fresh)
            entries += [fresh] if fresh else []
        return entries

    def list_of(self, via: str | Sequence[str], shop: Shop) -> list[str]:
        """The channel connections of a route or list, in order, as this shop means its words."""
        return [name for entry in self.entries_of(via, shop) for name in entry]

    @cached_property
    def one_address(self) -> Mapping[str, frozenset[str]]:
        """Channel connection → itself and those that a failover joins it with: they reach people at the same address,
        so what one of them learns of it (it is dead, its owner answered STOP) holds for all."""
        groups = {name: frozenset({name}) for name in self.config.connections}
        for providers in self.config.failovers.values():
            joined = frozenset(each for name in providers for each in groups[name])
            groups |= dict.fromkeys(joined, joined)
        return groups

    def level(self, connection: str) -> Level:
        return Level.CARRIER if self.config.connections[connection].kind == "carrier" else Level.SHOP

    def meaning(self, source: str, vocabulary: str, code: str) -> Found | None:
        """What a native code of a connection means; None: nobody mapped it."""
        if (source, vocabulary, code) in self._former:
            return self._former[source, vocabulary, code]
        return lookup(code, merchant=self._merchant(source), plugin=self._plugin(source, vocabulary))

    def _merchant(self, source: str) -> Table | None:
        key = (source, "")
        if key not in self._tables:
            rows = self.config.statuses.get(source)
            self._tables[key] = Table.of(rows) if rows else None
        return self._tables[key]

    def _plugin(self, source: str, vocabulary: str) -> Table | None:
        key = (source, vocabulary)
        if key not in self._tables:
            adapter = self.adapters.get(source)
            tables = adapter.statuses_of(adapter.settings) if adapter is not None else {}
            rows = tables.get(vocabulary)
            self._tables[key] = Table.of(rows) if rows is not None else None
        return self._tables[key]

    def before_remap(self, former: Mapping[tuple[str, str, str], Found | None]) -> "World":
        """The same world in which these codes still mean what they meant."""
        return replace(self, _former=former)

    def carrier_for(self, number: str, word: str) -> str:
        """The carrier connection that follows a number: by the shop's word for the carrier, else by the number's own
        form; empty when none does."""
        carriers = self.of_kind("carrier")
        if word:
            named = [name for name in carriers if self.carrier(name).calls_itself(word)]
            if named:
                return named[0]
        known = [name for name in carriers if self.carrier(name).recognises(number)]
        return known[0] if known else ""
