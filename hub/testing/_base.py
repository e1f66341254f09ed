"""What every adapter is held to, whatever its kind: its declaration, its settings, its samples."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, NoReturn, TypeVar

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from hub.clock import VirtualClock
from hub.model import Record
from hub.plugin import Adapter, Limits, Raw, UnreadableError
from hub.plugin.http import make_client
from hub.status import Native, Table, lookup

from ._nonsense import nonsense
from ._samples import Sample, difference, plain, samples_in

Handler = Callable[[httpx.Request], httpx.Response]
T = TypeVar("T")

_SECRET_NAME = re.compile(r"(^|_)(key|secret|token|password)$")
_SHORTEST_SECRET = 8
_KIT = __name__.rpartition(".")[0]


def fail(message: str) -> NoReturn:
    """End a check with a sentence that says what to do."""
    pytest.fail(message, pytrace=False)


def require(good: object, message: str) -> None:
    """Go on only if it is so."""
    if not good:
        fail(message)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; the kit needs no plugin of pytest for it."""
    return asyncio.run(work)


class AdapterConformance:
    """Base of the three kinds. Below: what the author names; then hooks with defaults; then the checks."""

    adapter: ClassVar[type[Adapter[Any]]]
    settings: ClassVar[Mapping[str, Any]]
    """Good settings, with secrets of at least 8 characters that stand nowhere else."""
    samples: ClassVar[Path]
    sandbox: ClassVar[Any] = None
    """The sandbox's class, or what makes one from a clock; it has `serve()`, an async context that gives its URL."""
    now: ClassVar[datetime] = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
    """The time in which samples are read."""
    unmapped: ClassVar[Sequence[str]] = ()
    """`vocabulary:code` of samples that show on purpose what comes of a code that no table has."""
    not_applicable: ClassVar[Mapping[str, str]] = {}
    """Checks that cannot hold for this adapter: name → reason."""

    # --- hooks -------------------------------------------------------------------------------------------------

    def login(self, request: httpx.Request) -> httpx.Response | None:
        """The answer to a request that only signs in, or None for all others."""
        return None

    def answer(self, request: httpx.Request, sample: Sample) -> httpx.Response:
        """The outside system's answer to one request while a sample is read."""
        return sample.as_answer()

    async def raws(self, adapter: Any, sample: Sample) -> Sequence[Raw]:
        """The raw events of a sample."""
        raise NotImplementedError

    def sandbox_settings(self, sandbox: Any, url: str) -> Mapping[str, Any]:
        """Settings with which the adapter reaches the running sandbox."""
        return {**self.settings, "url": url}

    # --- making ------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def made(self, handler: Handler) -> AsyncIterator[Any]:
        """The adapter as the hub makes it, but over `handler` and without waiting for its rate limit."""
        async with self._made(self.settings, VirtualClock(self.now), httpx.MockTransport(handler)) as adapter:
            yield adapter

    @asynccontextmanager
    async def in_sandbox(self) -> AsyncIterator[tuple[Any, Any]]:
        """The adapter and the running sandbox that it is connected to."""
        make = type(self).sandbox
        if make is None:
            fail("name the plugin's sandbox: `sandbox = AcmeSandbox`")
        clock = VirtualClock(self.now)
        sandbox = make(clock)
        async with (
            sandbox.serve() as url,
            self._made(self.sandbox_settings(sandbox, url), clock, None) as adapter,
        ):
            yield adapter, sandbox

    @asynccontextmanager
    async def _made(
        self, settings: Mapping[str, Any], clock: VirtualClock, transport: httpx.AsyncBaseTransport | None
    ) -> AsyncIterator[Any]:
        adapter = self._build(settings, clock, transport)
        try:
            yield adapter
        finally:
            await adapter.aclose()
            await adapter.client.aclose()

    def _build(
        self, settings: Mapping[str, Any], clock: VirtualClock, transport: httpx.AsyncBaseTransport | None
    ) -> Adapter[Any]:
        limits = Limits(self.adapter.limits.concurrency, timeout=timedelta(seconds=10))
        client = make_client(self.adapter.name, limits, clock, transport=transport)
        return self.adapter(self.adapter.settings_type.model_validate(settings), client, clock)

    def unplugged(self) -> Any:
        """An adapter for questions that need no wire."""
        return self._build(self.settings, VirtualClock(self.now), httpx.MockTransport(_silent))

    def answering(self, sample: Sample) -> Handler:
        """Answers sign-ins, and everything else with the sample."""
        return lambda request: self.login(request) or self.answer(request, sample)

    def events(self, sample: Sample) -> list[Raw]:
        """The raw events of a sample, by an adapter of its own."""

        async def ask() -> list[Raw]:
            async with self.made(self.answering(sample)) as adapter:
                return list(await self.raws(adapter, sample))

        return run(ask())

    def read(self, raw: Raw) -> list[Record]:
        """The records of a raw event, by an adapter of its own."""

        return list(self.unplugged().normalise(raw))

    def secrets(self) -> list[str]:
        """The values of the secret settings, to be looked for where they must not be."""
        settings = self.adapter.settings_type.model_validate(self.settings)
        values = [getattr(settings, name) for name in type(settings).model_fields]
        found = [each.get_secret_value() for each in values if isinstance(each, SecretStr)]
        short = [each for each in found if 0 < len(each) < _SHORTEST_SECRET]
        require(not short, f"give secrets of at least {_SHORTEST_SECRET} characters, so that they can be looked for")
        return [each for each in found if each]

    # --- pytest ------------------------------------------------------------------------------------------------

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test for each sample; without samples one that fails."""
        if "sample" in metafunc.fixturenames:
            found: Sequence[Sample | None] = samples_in(self.samples) or [None]
            ids = [each.name if each else "none" for each in found]
            metafunc.parametrize("sample", found, ids=ids, indirect=True)

    @pytest.fixture
    def sample(self, request: pytest.FixtureRequest) -> Sample:
        if request.param is None:
            fail(f"there are no samples in {self.samples.name}/: put a real answer there, names and numbers changed")
        assert isinstance(request.param, Sample)
        return request.param

    @pytest.fixture(autouse=True)
    def _leave_out(self, request: pytest.FixtureRequest) -> None:
        reason = self.not_applicable.get(request.function.__name__)
        if reason:
            pytest.xfail(reason)

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

    def test_reading_a_sample_twice_gives_equal_records(self, sample: Sample) -> None:
        """`normalise` is pure: it depends on the event alone and changes nothing."""
        for raw in self.events(sample):
            before = deepcopy(raw.body)
            require(self.read(raw) == self.read(raw), "normalise gives other records the second time")
            require(raw.body == before, "normalise changes the raw event: copy what is to be changed")

    def test_a_repeated_sample_has_the_same_dedupe_keys(self, sample: Sample) -> None:
        """What is told twice acts once."""
        first, second = self.events(sample), self.events(sample)
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

    def natives(self, sample: Sample) -> list[Native]:
        """All native codes of a sample's records."""
        records = [record for raw in self.events(sample) for record in self.read(raw)]
        return [native for record in records for native in _natives(record)]


def _natives(record: Any) -> list[Native]:
    inner = [*(getattr(record, "parcels", None) or ()), *(getattr(record, "returns", None) or ())]
    own = [record.native] if hasattr(record, "native") else list(getattr(record, "natives", ()))
    return own + [native for each in inner for native in _natives(each)]


def _read_nonsense(adapter: Any, raw: Raw) -> None:
    try:
        adapter.normalise(raw)
    except UnreadableError:
        return
    except Exception as error:
        fail(f"normalise raises {error!r} where only UnreadableError may pass; the event was {raw.body!r:.2000}")


def _silent(_: httpx.Request) -> httpx.Response:
    return httpx.Response(503)


def _of_kit(cls: type) -> bool:
    return cls.__module__.startswith(_KIT)


def _definer(cls: type, name: str) -> type:
    return next(each for each in cls.__mro__ if name in vars(each))
