"""Webhooks: believed when they prove their sender, refused in every other case, the same each time."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hub.plugin import Received, RefusedError, UnreadableError, WebhookRequest

from ._base import AdapterConformance
from ._kit import fail, require
from ._samples import Sample

_BODIES = (b"", b"null", b"[]", b"0", b'"x"', b"{", b"\xff\xfe", b"[" * 5000, b'{"a": NaN}', b'{"a": 1, "a": 2}', b"{}")


class WebhookConformance(AdapterConformance):
    """Stands in front of the kind's class. Where nothing is signed (`signed = False`), the proof is in the path."""

    rest = ""
    """The path after the connection's name, for senders whose proof it is."""

    def sign(self, body: bytes) -> Mapping[str, str]:
        """Headers with which the outside system proves that it is the sender, made with the secrets of `settings`."""
        return {}

    def request(self, sample: Sample) -> WebhookRequest:
        return self.signed(sample.body, sample.headers)

    def signed(self, body: bytes, headers: Mapping[str, str]) -> WebhookRequest:
        """A webhook with this body, proved."""
        usual = {"content-type": "application/json", **headers, **self.sign(body)}
        return WebhookRequest("POST", self.rest, {}, [(name.lower(), value) for name, value in usual.items()], body)

    def verified(self, request: WebhookRequest, *, later: timedelta = timedelta(0)) -> Received | None:
        """What the adapter makes of a request; None when it is refused or unreadable, and nothing else may happen."""
        try:
            found = self.unplugged(later=later).verify(request)
        except (RefusedError, UnreadableError):
            return None
        assert isinstance(found, Received)
        return found

    def _proofs(self, request: WebhookRequest) -> list[str]:
        names = [name.lower() for name in self.sign(request.body)]
        require(names or self.rest, "override `sign` (or set `rest`, where the path is the proof): nothing is proved")
        return names

    def test_a_proved_webhook_is_believed(self, webhook: Sample) -> None:
        """The samples are good ones."""
        require(
            self.verified(self.request(webhook)), f"{webhook.path.name} is refused; does `sign` do as the sender does?"
        )

    def test_a_changed_body_is_refused(self, webhook: Sample) -> None:
        """The signature is over the exact bytes."""
        request = self.request(webhook)
        if not self.adapter.signed or self._signs_nothing(request):
            self._proofs(request)
            return
        for body in (request.body + b" ", request.body[:-1], b""):
            require(self.verified(replace(request, body=body)) is None, "a body that was not signed is believed")

    def _signs_nothing(self, request: WebhookRequest) -> bool:
        """A plain shared secret proves the sender and not the body."""
        return dict(self.sign(request.body)) == dict(self.sign(request.body + b" "))

    def test_without_its_proof_a_webhook_is_refused(self, webhook: Sample) -> None:
        """Each header of the proof left out, emptied, changed, and doubled; and the path, where that is the proof."""
        request = self.request(webhook)
        for name in self._proofs(request):
            for headers in _spoilt(request.headers, name):
                require(
                    self.verified(replace(request, headers=headers)) is None,
                    f"a webhook with a wrong {name} is believed",
                )
        if self.rest:
            for rest in ("", "x", self.rest[:-1], self.rest + "x"):
                require(self.verified(replace(request, rest=rest)) is None, "a webhook on a wrong path is believed")

    def test_a_repeated_webhook_has_the_same_dedupe_key(self, webhook: Sample) -> None:
        """Also with other unsigned headers: those make no key."""
        request = self.request(webhook)
        keys = _keys(self.verified(request))
        again = self.verified(request, later=timedelta(seconds=5))
        require(keys == _keys(again), "the dedupe key must be made of content and nothing else")
        proofs = self._proofs(request)
        for name in [name for name, _ in request.headers if name not in (*proofs, "content-type")]:
            changed = [(key, value + "0" if key == name else value) for key, value in request.headers]
            found = self.verified(replace(request, headers=changed))
            require(found is None or _keys(found) == keys, f"the unsigned header {name} changes the dedupe key")

    def test_proved_nonsense_does_no_harm(self) -> None:
        """Believed, refused or unreadable, and no other exception."""
        for body in _BODIES:
            try:
                self.verified(self.signed(body, {}))
            except Exception as error:
                fail(f"verify raises {error!r} for the body {body[:40]!r}: let RefusedError or UnreadableError pass")

    def test_other_methods_are_refused(self, webhook: Sample) -> None:
        """A webhook is a POST; whoever greets with a GET is greeted without an event."""
        for method in ("GET", "PUT", "DELETE"):
            found = self.verified(replace(self.request(webhook), method=method))
            require(found is None or not found.events, f"a {method} is stored as an event: look at request.method")


def _spoilt(headers: Sequence[tuple[str, str]], name: str) -> list[list[tuple[str, str]]]:
    others = [(key, value) for key, value in headers if key != name]
    value = dict(headers)[name]
    flipped = ("B" if value[:1] == "A" else "A") + value[1:]
    wrong: list[Any] = [[], [(name, "")], [(name, flipped)], [(name, value[:-4])], [(name, value), (name, value)]]
    return [[*others, *each] for each in wrong]


def _keys(received: Received | None) -> list[str]:
    return [raw.dedupe_key for raw in received.events] if received else []
