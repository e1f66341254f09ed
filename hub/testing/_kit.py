"""What the author of a plugin names and may override, and how the kit makes adapters and finds samples."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, NoReturn, TypeVar

import httpx
import pytest
from pydantic import SecretStr

from hub.clock import VirtualClock
from hub.model import Record
from hub.plugin import Adapter, Limits, Raw, WebhookRequest
from hub.plugin.http import make_client
from hub.status import Native

from ._samples import WEBHOOKS, Sample, samples_in

Handler = Callable[[httpx.Request], httpx.Response]
T = TypeVar("T")

_SHORTEST_SECRET = 8


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


class Kit:
    """Base of all conformance classes: what the author names, then hooks with defaults."""

    adapter: ClassVar[type[Adapter[Any]]]
    settings: ClassVar[Mapping[str, Any]]
    """Good settings, with secrets of at least 8 characters that stand nowhere else."""
    samples: ClassVar[Path]
    """A folder: in it answers to asking, in `webhooks/` below it bodies of webhooks. See `Sample`."""
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

    def answer_to(self, request: httpx.Request, sample: Sample) -> httpx.Response:
        """The outside system's answer to one request while a sample is read."""
        return sample.as_answer()

    async def asked(self, adapter: Any, sample: Sample) -> Sequence[Raw]:
        """The raw events that come of asking, when a sample is the answer."""
        raise NotImplementedError

    async def ask(self, adapter: Any) -> Any:
        """Make the adapter's most usual call; a channel's gives an outcome."""
        raise NotImplementedError

    def request(self, sample: Sample) -> WebhookRequest:
        """A sample as a webhook, proof and all."""
        fail("put WebhookConformance in front of the class: these samples are webhooks")

    def sandbox_settings(self, sandbox: Any, url: str) -> Mapping[str, Any]:
        """Settings with which the adapter reaches the running sandbox."""
        return {**self.settings, "url": url}

    # --- making ------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def made(self, handler: Handler, *, later: timedelta = timedelta(0)) -> AsyncIterator[Any]:
        """The adapter as the hub makes it, but over `handler` and without waiting for its rate limit."""
        clock = VirtualClock(self.now + later)
        async with self._made(self.settings, clock, httpx.MockTransport(handler)) as adapter:
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

    def unplugged(self, *, later: timedelta = timedelta(0)) -> Any:
        """An adapter for questions that need no wire."""
        return self._build(self.settings, VirtualClock(self.now + later), httpx.MockTransport(silent))

    def answering(self, sample: Sample) -> Handler:
        """Answers sign-ins, and everything else with the sample."""
        return lambda request: self.login(request) or self.answer_to(request, sample)

    def events(self, sample: Sample, *, later: timedelta = timedelta(0)) -> list[Raw]:
        """The raw events of a sample, by an adapter of its own, whose clock may be later."""

        async def ask() -> list[Raw]:
            async with self.made(self.answering(sample), later=later) as adapter:
                if sample.is_webhook:
                    return list(adapter.verify(self.request(sample)).events)
                return list(await self.asked(adapter, sample))

        return run(ask())

    def read(self, raw: Raw, *, later: timedelta = timedelta(0)) -> list[Record]:
        """The records of a raw event, by an adapter of its own, whose clock may be later."""
        return list(self.unplugged(later=later).normalise(raw))

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
        """One test for each sample (`answer`: of asking alone; `webhook`: of webhooks alone); else one that fails."""
        kinds = {"sample": (self.answers, self.webhooks), "answer": (self.answers,), "webhook": (self.webhooks,)}
        for name, folders in kinds.items():
            if name in metafunc.fixturenames:
                found: list[Sample | None] = [each for folder in folders for each in folder()]
                ids = [each.name if each else "none" for each in found or [None]]
                metafunc.parametrize(name, found or [None], ids=ids, indirect=True)

    def answers(self) -> Sequence[Sample]:
        """The samples that are answers to asking."""
        return samples_in(self.samples)

    def webhooks(self) -> Sequence[Sample]:
        """The samples that are bodies of webhooks."""
        return samples_in(self.samples / WEBHOOKS)

    @pytest.fixture
    def sample(self, request: pytest.FixtureRequest) -> Sample:
        return self._given(request, "a real answer, or a webhook's body in webhooks/")

    @pytest.fixture
    def answer(self, request: pytest.FixtureRequest) -> Sample:
        return self._given(request, "a real answer")

    @pytest.fixture
    def webhook(self, request: pytest.FixtureRequest) -> Sample:
        return self._given(request, "the body of a real webhook in webhooks/")

    def _given(self, request: pytest.FixtureRequest, wanted: str) -> Sample:
        if request.param is None:
            fail(f"there is nothing to check: put {wanted} into {self.samples}, names and numbers changed")
        assert isinstance(request.param, Sample)
        return request.param

    @pytest.fixture(autouse=True)
    def _leave_out(self, request: pytest.FixtureRequest) -> None:
        self.leave_out(request.function.__name__)

    def leave_out(self, check: str) -> None:
        """End a check that cannot hold as an expected failure, with the reason."""
        reason = self.not_applicable.get(check)
        if reason:
            pytest.xfail(reason)

    def natives(self, sample: Sample) -> list[Native]:
        """All native codes of a sample's records."""
        records = [record for raw in self.events(sample) for record in self.read(raw)]
        return [native for record in records for native in _natives(record)]


def silent(_: httpx.Request) -> httpx.Response:
    """An outside system that is out of order."""
    return httpx.Response(503)


def _natives(record: Any) -> list[Native]:
    inner = [*(getattr(record, "parcels", None) or ()), *(getattr(record, "returns", None) or ())]
    own = [record.native] if hasattr(record, "native") else list(getattr(record, "natives", ()))
    return own + [native for each in inner for native in _natives(each)]
