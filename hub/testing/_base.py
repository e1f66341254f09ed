"""What every adapter is held to, whatever its kind: its declaration, its settings, its samples."""

import re
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import Any

from pydantic import ValidationError

from hub.model import OwnEvent
from hub.plugin import Adapter, Raw, UnreadableError
from hub.status import Table, lookup

from ._kit import Kit, fail, require
from ._nonsense import nonsense
from ._samples import Sample, difference, plain

_KIT = __name__.rpartition(".")[0]
_LATER = timedelta(hours=1)
_SECRET_NAME = re.compile(r"(^|_)(key|secret|token|password)$")


class AdapterConformance(Kit):
    """The checks of every kind."""

    # --- the declaration ---------------------------------------------------------------------------------------

    def test_no_check_is_replaced(self) -> None:
        """A check of the kit is left out by name and with a reason, or it holds."""
        kit = {name for cls in type(self).__mro__ if _of_kit(cls) for name in vars(cls) if name.startswith("test_")}
        replaced = [name for name in sorted(kit) if not _of_kit(_definer(type(self), name))]
        require(not replaced, f"checks of the kit are replaced: {replaced}; use not_applicable with a reason instead")
        unknown = sorted(set(self.not_applicable) - kit)
        require(not unknown, f"not_applicable names checks that do not exist: {unknown}")
        bare = [name for name, reason in self.not_applicable.items() if len(reason.split()) < 3]
        require(not bare, f"say in a few words why these do not apply: {bare}")

    def test_the_plugin_registers_the_adapter(self) -> None:
        """The module of the adapter, or one above it, brings it through the hook `adapters`."""
        parts = self.adapter.__module__.split(".")
        modules = [import_module(".".join(parts[:length])) for length in range(len(parts), 0, -1)]
        hooks = [module.adapters for module in modules if hasattr(module, "adapters")]
        require(hooks, f"write `@hookimpl def adapters()` in {modules[0].__name__}")
        require(self.adapter in hooks[0](), f"`adapters()` does not return {self.adapter.__name__}")

    def test_webhooks_are_checked_where_they_are_taken(self) -> None:
        """An adapter with a `verify` of its own is held to `WebhookConformance` too."""
        takes = self.adapter.verify is not Adapter.verify
        require(
            not takes or hasattr(self, "sign"),
            f"{self.adapter.__name__} takes webhooks: put WebhookConformance in front of the kit's class",
        )

    def test_it_has_a_word_and_a_label(self) -> None:
        """`name` is the word in flows.yaml, `label` what people read."""
        require(
            re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", self.adapter.name),
            f"'{self.adapter.name}' is no plugin word: use small letters, digits and single underscores",
        )
        require(self.adapter.label.strip(), "give the adapter a label")

    def test_every_setting_is_described(self) -> None:
        """The description is the documentation."""
        model = self.adapter.settings_type
        silent = [name for name, field in model.model_fields.items() if not (field.description or "").strip()]
        require(not silent, f"describe these settings with Field(description=...): {silent}")

    def test_a_misspelt_setting_is_refused(self) -> None:
        """Settings derive from hub.plugin.Settings, which forbids what it does not know."""
        try:
            self.adapter.settings_type.model_validate({**self.settings, "no_such_setting": 1})
        except ValidationError:
            return
        fail("a setting that does not exist is accepted: derive the settings from hub.plugin.Settings")

    def test_secret_settings_are_secret(self) -> None:
        """Named like a secret means typed like one, and nothing that shows itself shows it."""
        model = self.adapter.settings_type
        open_ones = [
            name
            for name, field in model.model_fields.items()
            if _SECRET_NAME.search(name) and "SecretStr" not in str(field.annotation)
        ]
        require(not open_ones, f"make these settings SecretStr: {open_ones}")

        adapter = self.unplugged()
        text = f"{adapter!r} {adapter.settings!r} {adapter.settings}"
        require(not any(secret in text for secret in self.secrets()), "a secret stands in the repr of the adapter")

    # --- samples -----------------------------------------------------------------------------------------------

    def test_a_sample_gives_the_records_expected(self, sample: Sample) -> None:
        """Whole answers in, whole records out."""
        events = self.events(sample)
        found = [{"subject": raw.subject, "records": [plain(each) for each in self.read(raw)]} for raw in events]
        wrong = difference(sample, found)
        require(not wrong, wrong)

    def test_its_own_events_are_declared(self, sample: Sample) -> None:
        """Flows can only start by events that the adapter declares, about what it declares."""
        declared = self.unplugged().events_of(self.unplugged().settings)
        for raw in self.events(sample):
            own = [each for each in self.read(raw) if isinstance(each, OwnEvent)]
            wrong = [each.name for each in own if declared.get(each.name) is not each.about]
            require(not wrong, f"declare these in `events`, with what they are about: {wrong}")

    def test_reading_a_sample_twice_gives_equal_records(self, sample: Sample) -> None:
        """`normalise` is pure: it depends on the event alone and changes nothing."""
        for raw in self.events(sample):
            before = deepcopy(raw.body)
            same = self.read(raw) == self.read(raw, later=_LATER)
            require(same, "normalise gives other records the second time: it may read neither clock nor memory")
            require(raw.body == before, "normalise changes the raw event: copy what is to be changed")

    def test_a_repeated_sample_has_the_same_dedupe_keys(self, sample: Sample) -> None:
        """What is told twice acts once."""
        first, second = self.events(sample), self.events(sample, later=_LATER)
        keys = [raw.dedupe_key for raw in first]
        require(keys == [raw.dedupe_key for raw in second], "the dedupe key must be made of content and nothing else")
        require(len(set(keys)) == len(keys), "two events of one answer share a dedupe key: the second would be lost")

    def test_nonsense_is_unreadable_and_nothing_else(self, sample: Sample) -> None:
        """Each part of an event changed or left out: records, or `UnreadableError`."""
        adapter = self.unplugged()
        for raw in self.events(sample):
            for body in nonsense(raw.body):
                _read_nonsense(adapter, replace(raw, body=body))

    def test_every_code_of_a_sample_is_in_a_table(self, sample: Sample) -> None:
        """A code without an entry is unmapped, and stands in `unmapped` when the sample is there to show that."""
        tables = {name: Table.of(rows) for name, rows in getattr(self.adapter, "statuses", {}).items()}
        for native in self.natives(sample):
            known = native.vocabulary in tables and lookup(native.code, plugin=tables[native.vocabulary])
            name = f"{native.vocabulary}:{native.code}"
            require(known or name in self.unmapped, f"add {name} to the status table, or to `unmapped` of this class")


def _read_nonsense(adapter: Any, raw: Raw) -> None:
    try:
        adapter.normalise(raw)
    except UnreadableError:
        return
    except Exception as error:
        fail(f"normalise raises {error!r} where only UnreadableError may pass; the event was {raw.body!r:.2000}")


def _of_kit(cls: type) -> bool:
    return cls.__module__.startswith(_KIT)


def _definer(cls: type, name: str) -> type:
    return next(each for each in cls.__mro__ if name in vars(each))
