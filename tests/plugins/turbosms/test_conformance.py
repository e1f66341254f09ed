"""What is true of every channel that speaks HTTP and takes webhooks, of this one."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hub.plugin import Page, Raw
from hub.testing import ChannelConformance, HttpConformance, Sample, WebhookConformance
from plugins.channels.turbosms import TurboSms
from plugins.channels.turbosms.sandbox import SECRET, SENDER, TOKEN, TurboSmsSandbox

IN_THE_BODY = "the signature is a member of the body, not a header; test_callbacks.py has these checks for it"


class TestTurboSms(WebhookConformance, HttpConformance, ChannelConformance):
    adapter = TurboSms
    settings = {"token": TOKEN, "sender": SENDER, "callback_secret": SECRET}  # noqa: RUF012
    samples = Path(__file__).parent / "samples"
    sandbox = TurboSmsSandbox
    to = "+380501112233"
    not_applicable = {  # noqa: RUF012
        "test_a_changed_body_is_refused": "the signature is over the event's id alone, not over the body",
        "test_without_its_proof_a_webhook_is_refused": IN_THE_BODY,
        "test_a_repeated_webhook_has_the_same_dedupe_key": IN_THE_BODY,
    }

    async def asked(self, adapter: Any, sample: Sample) -> Sequence[Raw]:
        """A poll that waits for the messages of the sample."""
        sent_at = self.now.isoformat()
        told = json.loads(sample.body)["response_result"]
        page: Page = await adapter.poll({each["message_id"]: [sent_at, ""] for each in told})
        return page.events
