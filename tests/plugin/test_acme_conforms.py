"""Acme Express, held to what is true of every carrier that takes webhooks."""

import hmac
from collections.abc import Mapping
from pathlib import Path

from hub.testing import CarrierConformance, WebhookConformance

from .acme import Acme
from .acme.sandbox import KEY, SECRET, AcmeSandbox


class TestAcme(WebhookConformance, CarrierConformance):
    adapter = Acme
    settings = {"api_key": KEY, "webhook_secret": SECRET}  # noqa: RUF012
    samples = Path(__file__).parent / "acme" / "samples"
    sandbox = AcmeSandbox

    def sign(self, body: bytes) -> Mapping[str, str]:
        return {"X-Acme-Signature": hmac.new(SECRET.encode(), body, "sha256").hexdigest()}
