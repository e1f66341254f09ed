"""What every carrier is held to."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx

from hub.model import Checkpoint, OwnEvent, ParcelNews, Reread, Retraction
from hub.plugin import Carrier, Raw, TrackRequest
from hub.status import Axis

from ._http import HttpConformance
from ._kit import require, run
from ._samples import Sample
from ._tables import check_tables

_AXES = frozenset({Axis.SHIPMENT, Axis.ORDER})
_TOKEN = re.compile(r"[A-Za-z0-9-]{6,40}")
_NO_NUMBERS = ("", " ", "not a number", "x" * 500, "\n", "../..")


def _like(number: str) -> Iterator[str]:
    """Numbers with other last digits; with a check digit one in ten or so is good."""
    places = [place for place, character in enumerate(number) if character.isdigit()][-6:]
    for serial in range(10 ** len(places)):
        changed = list(number)
        for place, digit in zip(places, f"{serial:0{len(places)}d}", strict=True):
            changed[place] = digit
        yield "".join(changed)


class CarrierConformance(HttpConformance):
    """Samples are answers to `track`; their numbers are found by `recognises`."""

    adapter: ClassVar[type[Carrier[Any]]]

    def numbers(self, sample: Sample) -> Sequence[str]:
        """The numbers to ask about when a sample is the answer: by default all that the carrier recognises in it."""
        words, carrier = dict.fromkeys(_TOKEN.findall(sample.body.decode("utf-8", "replace"))), self.unplugged()
        return [word for word in words if carrier.recognises(word)]

    async def asked(self, adapter: Any, sample: Sample) -> Sequence[Raw]:
        numbers = self.numbers(sample)
        require(numbers, f"no number in {sample.path.name} is recognised; name them by overriding `numbers`")
        found: Sequence[Raw] = await adapter.track([TrackRequest(number) for number in numbers])
        return found

    async def ask(self, adapter: Any) -> Any:
        await adapter.track([TrackRequest(self._some(1)[0])])

    def _known(self) -> list[str]:
        found = [number for sample in self.answers() for number in self.numbers(sample)]
        require(found, "there is no tracking number in the samples: add an answer about a parcel")
        return found

    def _some(self, count: int) -> list[str]:
        """So many numbers of the carrier's form, made from one of a sample."""
        first, carrier = self._known()[0], self.unplugged()
        others = (each for each in _like(first) if each != first and carrier.recognises(each))
        found = [first, *islice(others, count - 1)]
        require(len(found) >= count, f"only {len(found)} numbers like {first} are recognised, {count} are needed")
        return found[:count]

    def test_the_numbers_of_the_samples_are_recognised(self) -> None:
        """And nothing that is no number."""
        carrier = self.unplugged()
        strange = [number for number in self._known() if not carrier.recognises(number)]
        require(not strange, f"`recognises` does not know the numbers of the samples: {strange}")
        wrong = [word for word in _NO_NUMBERS if carrier.recognises(word)]
        require(not wrong, f"`recognises` takes what is no number: {wrong!r}")

    def test_it_knows_its_own_name(self) -> None:
        """`calls_itself` knows word and label, and not every word."""
        carrier = self.unplugged()
        for word in (carrier.name, carrier.label, carrier.label.upper()):
            require(carrier.calls_itself(word), f"`calls_itself` does not know '{word}'")
        for word in ("", "somebody else", "?"):
            require(not carrier.calls_itself(word), f"`calls_itself` takes '{word}' for this carrier")

    def test_the_tracking_page_is_a_safe_link(self) -> None:
        """https, and a number that is none cannot change the address."""
        carrier, number = self.unplugged(), self._known()[0]
        link, hostile = carrier.tracking_url(number), carrier.tracking_url('../x?y=z#\r\n "<a>')
        require(link.startswith("https://") and number in link, f"the tracking page must be https and name {number}")
        require(not re.search(r"[\s\"<>]", hostile), "quote the number in `tracking_url`")
        require(urlsplit(hostile).netloc == urlsplit(link).netloc, "quote the number in `tracking_url`")

    def test_as_many_numbers_as_declared_go_into_one_request(self) -> None:
        """`batch` numbers are one request, one more are two."""
        size = self.adapter.batch
        for count, wanted in ((size, 1), (size + 1, 2)):
            asked = self._requests(self._some(count))
            require(asked == wanted, f"batch is {size}, so {count} numbers are {wanted} requests and not {asked}")

    def _requests(self, numbers: Sequence[str]) -> int:
        sample, asked = self.answers()[0], []

        def respond(request: httpx.Request) -> httpx.Response:
            signing_in = self.login(request)
            if signing_in is None:
                asked.append(request.url.path)
            return signing_in or self.answer_to(request, sample)

        async def track() -> None:
            async with self.made(respond) as adapter:
                await adapter.track([TrackRequest(number) for number in numbers])

        run(track())
        return len(asked)

    def test_nothing_to_ask_is_no_request(self) -> None:
        """An empty list is answered without the wire."""
        require(self._requests([]) == 0, "`track` of no parcels asks all the same")

    def test_answers_are_matched_by_number(self, answer: Sample) -> None:
        """What nobody asked about is left alone, whatever stands in the answer."""

        async def track() -> list[str]:
            async with self.made(self.answering(answer)) as adapter:
                return [raw.subject for raw in await adapter.track([TrackRequest(stranger)])]

        stranger = self._some(len(self._known()) + 1)[-1]
        found = run(track())
        require(set(found) <= {f"parcel:{stranger}"}, f"asked about {stranger} and took the answer about {found}")

    def test_every_event_is_about_one_parcel(self, sample: Sample) -> None:
        """`subject` is `parcel:<number>`, and the records are a carrier's and speak of that number."""
        for raw in self.events(sample):
            kind, _, number = raw.subject.partition(":")
            require(
                kind == "parcel" and number, f"the subject of a carrier's event is parcel:<number>, not {raw.subject}"
            )
            for record in self.read(raw):
                require(
                    isinstance(record, Checkpoint | ParcelNews | Reread | Retraction | OwnEvent),
                    f"a carrier says nothing of {type(record).__name__}",
                )
                named = getattr(record, "number", number)
                require(named == number, f"the event is about {number}, the record about {named}")

    def test_snapshots_are_what_was_declared(self, sample: Sample) -> None:
        """`snapshots = True` and `Checkpoint.snapshot` go together."""
        for raw in self.events(sample):
            wrong = [
                record
                for record in self.read(raw)
                if isinstance(record, Checkpoint) and record.snapshot is not self.adapter.snapshots
            ]
            require(not wrong, f"snapshots is {self.adapter.snapshots}, and a checkpoint says otherwise: {wrong}")

    def test_the_status_tables_are_sound(self) -> None:
        """A carrier speaks of parcels, and of picking and packing."""
        check_tables(self.adapter.statuses, self.adapter.name, _AXES)

    def test_the_intervals_are_lengths_of_time(self) -> None:
        """Between a minute and a week, or the hub asks too often or never."""
        wrong = {
            status: every
            for status, every in self.adapter.intervals.items()
            if not timedelta(minutes=1) <= every <= timedelta(days=7)
        }
        require(not wrong, f"these intervals are none: {wrong}")

    def test_the_sandbox_is_greeted_and_asked(self) -> None:
        """`hello` says one line for people; a number that nobody knows is no failure."""

        async def try_it() -> str:
            async with self.in_sandbox() as (adapter, _):
                await adapter.track([TrackRequest(unknown)])
                return str(await adapter.hello())

        unknown = self._some(2)[1]
        line = run(try_it())
        require(line.strip() and "\n" not in line, f"`hello` returns one line for people, not {line!r}")
