"""What is true of every carrier, and of everybody who sends webhooks, of this one."""

from pathlib import Path

import httpx

from hub.testing import CarrierConformance, Sample, WebhookConformance
from plugins.carriers.inpost import InPost
from plugins.carriers.inpost.sandbox import ORGANIZATION, TOKEN, InPostSandbox

from .telling import SECRET

SAMPLES = Path(__file__).parent / "samples"
UNKNOWN = ("unknown-number",)
"""Samples that InPost answers with 404."""


class TestInPost(WebhookConformance, CarrierConformance):
    adapter = InPost
    settings = {"webhook_secret": SECRET}  # noqa: RUF012
    samples = SAMPLES
    sandbox = InPostSandbox
    unmapped = ("inpost:brand_new_status",)
    rest = SECRET

    def answer_to(self, request: httpx.Request, sample: Sample) -> httpx.Response:
        if request.url.path == "/v1/statuses":
            return httpx.Response(200, json={"items": [{"name": "brand_new_status", "title": "Zupełnie nowy status"}]})
        if request.url.path.startswith("/v1/points/"):
            return httpx.Response(404, json={"status": 404, "error": "resource_not_found", "details": {}})
        if request.url.path.endswith("/shipments"):
            number = request.url.params["tracking_number"]
            cod = {"amount": 129.90, "currency": "PLN"}
            return httpx.Response(200, json={"items": [{"tracking_number": number, "cod": cod}]})
        found = sample.as_answer()
        return httpx.Response(404, content=found.content) if sample.path.stem in UNKNOWN else found


class TestInPostWithToken(TestInPost):
    """The same with a token, which may not be heard anywhere."""

    settings = {"webhook_secret": SECRET, "token": TOKEN, "organization": ORGANIZATION}  # noqa: RUF012
    samples = SAMPLES / "with-token"
    not_applicable = {  # noqa: RUF012
        "test_as_many_numbers_as_declared_go_into_one_request": "with a token each number's cash is asked for as well"
    }
