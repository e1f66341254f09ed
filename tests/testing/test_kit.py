"""A kit that cannot fail is worth nothing: each check against an adapter with the fault it is there to find."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from pydantic import BaseModel, Field

from hub.model import Checkpoint, EventAbout, OwnEvent, Removed
from hub.plugin import Config, FailureError, Permanent, Raw, Received, Settings, TrackRequest, WebhookRequest, digest
from hub.status import Meaning, Payment, Shipment
from hub.testing import REWRITE, CarrierConformance, Sample

from .acme import GOOD, SAMPLES, Acme, AcmeConformance, AcmeSettings

WHEN = datetime(2026, 3, 3, tzinfo=UTC)
ANSWER = Sample(SAMPLES / "two-parcels.json")
WEBHOOK = Sample(SAMPLES / "webhooks" / "collected.json")


def over(adapter: Any, **named: Any) -> AcmeConformance:
    """The checks over another adapter, or with other things named."""
    cls = type("Checks", (AcmeConformance,), {"adapter": adapter, "__module__": __name__, **named})
    made = cls()
    assert isinstance(made, AcmeConformance)
    return made


def _says(check: Callable[[], object], *words: str) -> None:
    with pytest.raises(pytest.fail.Exception) as caught:
        check()
    for word in words:
        assert word in str(caught.value)


# --- declaration and settings --------------------------------------------------------------------------------------


def test_a_replaced_check_is_found() -> None:
    checks = over(Acme, test_every_setting_is_described=lambda self: None)
    _says(checks.test_no_check_is_replaced, "test_every_setting_is_described", "not_applicable")


def test_leaving_out_a_check_needs_its_name_and_a_reason() -> None:
    _says(over(Acme, not_applicable={"test_no_such": "it is not there"}).test_no_check_is_replaced, "do not exist")
    _says(over(Acme, not_applicable={"test_it_has_a_word_and_a_label": "no"}).test_no_check_is_replaced, "few words")


def test_what_is_left_out_is_reported_as_an_expected_failure() -> None:
    checks = over(Acme, not_applicable={"test_every_setting_is_described": "this one has no settings"})
    with pytest.raises(pytest.xfail.Exception, match="no settings"):
        checks.leave_out("test_every_setting_is_described")
    checks.leave_out("test_it_has_a_word_and_a_label")


class Unregistered(Acme):
    pass


def test_an_adapter_that_nobody_registers_is_found() -> None:
    _says(over(Unregistered).test_the_plugin_registers_the_adapter, "@hookimpl def adapters()")


def test_a_webhook_adapter_without_webhook_checks_is_found() -> None:
    bare = type("Bare", (CarrierConformance,), {"adapter": Acme, "settings": GOOD, "samples": SAMPLES})()
    _says(bare.test_webhooks_are_checked_where_they_are_taken, "WebhookConformance in front")


@pytest.mark.parametrize("word", ["Acme", "acme-express", "acme__x", "", "1acme"])
def test_a_word_that_is_none_is_found(word: str) -> None:
    _says(over(type("Odd", (Acme,), {"name": word})).test_it_has_a_word_and_a_label, "no plugin word")


class Undescribed(AcmeSettings):
    depot: str = ""


class OpenSecret(AcmeSettings):
    api_token: str = Field(default="", description="A token.")


class Lax(BaseModel):
    api_key: Any = Field(default=None, description="Key.")
    webhook_secret: Any = Field(default=None, description="Secret.")


def test_faults_in_the_settings_are_found() -> None:
    def with_settings(model: type[BaseModel]) -> AcmeConformance:
        return over(type("Odd", (Acme,), {"settings_type": model}))

    _says(with_settings(Undescribed).test_every_setting_is_described, "depot")
    _says(with_settings(OpenSecret).test_secret_settings_are_secret, "api_token", "SecretStr")
    _says(with_settings(Lax).test_a_misspelt_setting_is_refused, "hub.plugin.Settings")


def test_secrets_too_short_to_be_looked_for_are_found() -> None:
    _says(over(Acme, settings={**GOOD, "api_key": "k"}).test_secret_settings_are_secret, "at least 8 characters")


# --- samples -------------------------------------------------------------------------------------------------------


def test_no_samples_are_a_failure(tmp_path: Path) -> None:
    checks = over(Acme, samples=tmp_path)
    request: Any = type("Request", (), {"param": None})
    _says(lambda: checks._given(request, "a real answer"), "nothing to check", "a real answer")
    _says(checks.test_the_numbers_of_the_samples_are_recognised, "no tracking number in the samples")


def test_a_sample_without_expectation_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = Sample(tmp_path / "new.json")
    copy.path.write_bytes(ANSWER.body)
    monkeypatch.delenv(REWRITE, raising=False)
    checks = over(Acme, samples=tmp_path)
    _says(lambda: checks.test_a_sample_gives_the_records_expected(copy), REWRITE, "new.expected.json")
    monkeypatch.setenv(REWRITE, "1")
    checks.test_a_sample_gives_the_records_expected(copy)
    monkeypatch.delenv(REWRITE)
    checks.test_a_sample_gives_the_records_expected(copy)
    assert copy.expected.read_bytes() == ANSWER.expected.read_bytes()


class ReadsOtherwise(Acme):
    def normalise(self, raw: Raw) -> Sequence[Checkpoint]:
        return [replace(each, place="Elsewhere") for each in super().normalise(raw)]


def test_other_records_are_shown_as_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(REWRITE, raising=False)
    checks = over(ReadsOtherwise)
    _says(
        lambda: checks.test_a_sample_gives_the_records_expected(ANSWER), "two-parcels.json", '+        "place": "Else'
    )


class Forgetful(Acme):
    turns = 0

    def normalise(self, raw: Raw) -> Sequence[Checkpoint]:
        type(self).turns += 1
        return [replace(each, text=str(self.turns)) for each in super().normalise(raw)]


class Grabbing(Acme):
    def normalise(self, raw: Raw) -> Sequence[Checkpoint]:
        found = super().normalise(raw)
        raw.body["seen"] = True
        return found


def test_an_impure_reading_is_found() -> None:
    _says(lambda: over(Forgetful).test_reading_a_sample_twice_gives_equal_records(ANSWER), "other records")
    _says(lambda: over(Grabbing).test_reading_a_sample_twice_gives_equal_records(ANSWER), "changes the raw event")


class Telling(Acme):
    def normalise(self, raw: Raw) -> Sequence[Any]:
        about = EventAbout.PARCEL
        return [*super().normalise(raw), OwnEvent("weighed", "1", raw.occurred_at or WHEN, about, "AC00000001")]


class Declaring(Telling):
    events: ClassVar[Mapping[str, EventAbout]] = {"weighed": EventAbout.PARCEL}


def test_an_event_that_is_not_declared_is_found() -> None:
    _says(lambda: over(Telling).test_its_own_events_are_declared(ANSWER), "weighed", "`events`")
    over(Declaring).test_its_own_events_are_declared(ANSWER)


class ClockWatching(Acme):
    def normalise(self, raw: Raw) -> Sequence[Checkpoint]:
        return [replace(each, at=self.clock.now()) for each in super().normalise(raw)]


def test_a_reading_that_looks_at_the_clock_is_found() -> None:
    _says(
        lambda: over(ClockWatching).test_reading_a_sample_twice_gives_equal_records(ANSWER), "neither clock nor memory"
    )


class SameKeys(Acme):
    async def track(self, parcels: Sequence[TrackRequest]) -> Sequence[Raw]:
        return [replace(each, dedupe_key="one") for each in await super().track(parcels)]


class NewKeys(Acme):
    turns = 0

    async def track(self, parcels: Sequence[TrackRequest]) -> Sequence[Raw]:
        type(self).turns += 1
        return [replace(each, dedupe_key=digest(each.dedupe_key, self.turns)) for each in await super().track(parcels)]


def test_bad_dedupe_keys_are_found() -> None:
    _says(lambda: over(SameKeys).test_a_repeated_sample_has_the_same_dedupe_keys(ANSWER), "share a dedupe key")
    _says(lambda: over(NewKeys).test_a_repeated_sample_has_the_same_dedupe_keys(ANSWER), "made of content")


class Brittle(Acme):
    def normalise(self, raw: Raw) -> Sequence[Checkpoint]:
        return super().normalise(raw) if raw.body["scans"] else ()


def test_an_exception_of_another_kind_is_found() -> None:
    _says(
        lambda: over(Brittle).test_nonsense_is_unreadable_and_nothing_else(ANSWER),
        "only UnreadableError",
        "the event was",
    )


def test_a_code_outside_the_table_is_found_unless_it_is_there_on_purpose() -> None:
    poor = type("Odd", (Acme,), {"statuses": {"acme": {"COL": Meaning(Shipment.SHIPPED, "Collected")}}})
    _says(lambda: over(poor).test_every_code_of_a_sample_is_in_a_table(ANSWER), "acme:DLV")
    over(poor, unmapped=("acme:DLV",)).test_every_code_of_a_sample_is_in_a_table(ANSWER)


@pytest.mark.parametrize(
    ("table", "word"),
    [
        ({}, "give the adapter its status table"),
        ({"other": {"A": Meaning(None, "A")}}, "name the vocabulary"),
        ({"acme": {}}, "is empty"),
        ({"acme": {"A": Meaning(None, "A"), "a ": Meaning(None, "A")}}, "are the same code"),
        ({"acme": {"D*": Meaning(Shipment.DELIVERED, "Done")}}, "pattern may not lead"),
        ({"acme": {"A": Meaning(None, " ")}}, "own label"),
        ({"acme": {"A": Meaning(Payment.PAID, "Paid")}}, "may not speak of"),
    ],
)
def test_faults_in_a_table_are_found(table: Any, word: str) -> None:
    _says(over(type("Odd", (Acme,), {"statuses": table})).test_the_status_tables_are_sound, word)


# --- the wire ------------------------------------------------------------------------------------------------------


class Credulous(Acme):
    async def _get(self, params: Any) -> dict[str, Any]:
        try:
            return await super()._get(params)
        except FailureError:
            return {"parcels": []}


class Gloomy(Acme):
    async def _get(self, params: Any) -> dict[str, Any]:
        try:
            return await super()._get(params)
        except FailureError as failure:
            raise FailureError(Permanent("acme: gave up")) from failure


class Careless(Acme):
    async def _get(self, params: Any) -> dict[str, Any]:
        return dict(await super()._get(params))["parcels"][0]  # type: ignore[no-any-return]


def test_a_swallowed_failure_is_found() -> None:
    _says(lambda: over(Credulous).test_trouble_on_the_wire_is_the_right_failure("503"), "counts as success")
    _says(over(Credulous).test_hello_fails_when_the_credentials_are_refused, "must fail with Config")


def test_a_wrong_failure_is_found() -> None:
    _says(
        lambda: over(Gloomy).test_trouble_on_the_wire_is_the_right_failure("time-out"),
        "Transient or Unknown",
        "gave up",
    )
    _says(over(Gloomy).test_a_wish_to_wait_is_heard, "not_before")


def test_another_exception_is_found() -> None:
    _says(
        lambda: over(Careless).test_trouble_on_the_wire_is_the_right_failure("an object"),
        "KeyError",
        "only FailureError",
    )


class Talkative(Acme):
    async def _get(self, params: Any) -> dict[str, Any]:
        logging.getLogger("acme").info("asking with %s", self.settings.api_key.get_secret_value())
        return await super()._get(params)


class Blabbing(Acme):
    async def _get(self, params: Any) -> dict[str, Any]:
        raise FailureError(Config(f"bad key {self.settings.api_key.get_secret_value()}"))


@pytest.mark.parametrize("adapter", [Talkative, Blabbing])
def test_a_told_secret_is_found(adapter: type[Acme], caplog: pytest.LogCaptureFixture) -> None:
    _says(lambda: over(adapter).test_no_failure_and_no_log_line_tells_a_secret("401", caplog), "a secret stands")


# --- carriers ------------------------------------------------------------------------------------------------------


class Greedy(Acme):
    def recognises(self, number: str) -> bool:
        return True


class Shy(Acme):
    def recognises(self, number: str) -> bool:
        return number == "AC00000001"


def test_recognising_too_much_or_too_little_is_found() -> None:
    _says(over(Greedy).test_the_numbers_of_the_samples_are_recognised, "takes what is no number")
    _says(over(Shy).test_as_many_numbers_as_declared_go_into_one_request, "1 numbers like AC00000001")


class Nameless(Acme):
    def calls_itself(self, word: str) -> bool:
        return "acme" in word


class Everyone(Acme):
    def calls_itself(self, word: str) -> bool:
        return True


def test_names_that_are_not_its_own_are_found() -> None:
    _says(over(Nameless).test_it_knows_its_own_name, "does not know 'Acme Express'")
    _says(over(Everyone).test_it_knows_its_own_name, "for this carrier")


class OpenLink(Acme):
    def tracking_url(self, number: str) -> str:
        return f"https://acme.example/t/{number}"


class PlainLink(Acme):
    def tracking_url(self, number: str) -> str:
        return f"http://acme.example/t/{number}"


def test_unsafe_links_are_found() -> None:
    _says(over(OpenLink).test_the_tracking_page_is_a_safe_link, "quote the number")
    _says(over(PlainLink).test_the_tracking_page_is_a_safe_link, "https")


class OneByOne(Acme):
    async def track(self, parcels: Sequence[TrackRequest]) -> Sequence[Raw]:
        return [raw for each in parcels for raw in await self._ask([each.number])]


class Eager(Acme):
    async def track(self, parcels: Sequence[TrackRequest]) -> Sequence[Raw]:
        await self._get({})
        return await super().track(parcels)


def test_more_requests_than_declared_are_found() -> None:
    _says(over(OneByOne).test_as_many_numbers_as_declared_go_into_one_request, "3 numbers are 1 requests and not 3")
    _says(over(Eager).test_nothing_to_ask_is_no_request, "asks all the same")


class ByPosition(Acme):
    async def _ask(self, numbers: Sequence[str]) -> Sequence[Raw]:
        found = (await self._get({})).get("parcels") or []
        return [Raw(each, f"parcel:{each['number']}", digest(each)) for each in found]


class Misnamed(Acme):
    def normalise(self, raw: Raw) -> Sequence[Checkpoint]:
        return [replace(each, number="AC99999999") for each in super().normalise(raw)]


class Foreign(Acme):
    def normalise(self, raw: Raw) -> Sequence[Any]:
        return [Removed("1", each.at) for each in super().normalise(raw)]


class Snapping(Acme):
    def normalise(self, raw: Raw) -> Sequence[Checkpoint]:
        return [replace(each, snapshot=True) for each in super().normalise(raw)]


def test_answers_taken_for_anothers_are_found() -> None:
    _says(lambda: over(ByPosition).test_answers_are_matched_by_number(ANSWER), "took the answer about")
    _says(lambda: over(Misnamed).test_every_event_is_about_one_parcel(ANSWER), "the record about AC99999999")
    _says(lambda: over(Foreign).test_every_event_is_about_one_parcel(ANSWER), "says nothing of Removed")
    _says(lambda: over(Snapping).test_snapshots_are_what_was_declared(ANSWER), "snapshots is False")


def test_intervals_out_of_reason_are_found() -> None:
    hasty = type("Odd", (Acme,), {"intervals": {None: timedelta(seconds=1)}})
    _says(over(hasty).test_the_intervals_are_lengths_of_time, "these intervals are none")


def test_a_missing_sandbox_is_found() -> None:
    _says(over(Acme, sandbox=None).test_the_sandbox_is_greeted_and_asked, "name the plugin's sandbox")


# --- webhooks ------------------------------------------------------------------------------------------------------


class Trusting(Acme):
    def verify(self, request: WebhookRequest) -> Received:
        body = httpx.Response(200, content=request.body).json()
        return Received(
            [Raw(body, f"parcel:{body['number']}", digest(body, dict(request.headers).get("x-acme-attempt")))]
        )


def test_a_believing_adapter_is_found() -> None:
    checks = over(Trusting)
    _says(lambda: checks.test_a_changed_body_is_refused(WEBHOOK), "not signed is believed")
    _says(lambda: checks.test_without_its_proof_a_webhook_is_refused(WEBHOOK), "wrong x-acme-signature is believed")
    _says(
        lambda: checks.test_a_repeated_webhook_has_the_same_dedupe_key(WEBHOOK), "x-acme-attempt changes the dedupe key"
    )
    _says(checks.test_proved_nonsense_does_no_harm, "verify raises")
    _says(lambda: checks.test_other_methods_are_refused(WEBHOOK), "look at request.method")


def test_a_wrong_signature_of_the_author_is_found() -> None:
    checks = over(Acme, sign=lambda self, body: {"x-acme-signature": "00"})
    _says(lambda: checks.test_a_proved_webhook_is_believed(WEBHOOK), "does `sign` do as the sender does?")


def test_proving_nothing_is_found() -> None:
    checks = over(Trusting, sign=lambda self, body: {})
    _says(lambda: checks.test_without_its_proof_a_webhook_is_refused(WEBHOOK), "nothing is proved")


def test_the_toys_settings_are_the_hubs() -> None:
    assert issubclass(AcmeSettings, Settings)
