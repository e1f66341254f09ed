"""What is true of every channel that speaks HTTP and takes webhooks, of this one."""

from collections.abc import Mapping
from pathlib import Path

from hub.plugin import WebhookRequest
from hub.testing import ChannelConformance, HttpConformance, WebhookConformance
from plugins.channels.smsapi import Smsapi
from plugins.channels.smsapi.sandbox import SENDER, TOKEN, SmsapiSandbox

from .conftest import SECRET


class TestSmsapi(WebhookConformance, HttpConformance, ChannelConformance):
    """The samples are forms; test_callbacks.py has the GET that SMSAPI really makes."""

    adapter = Smsapi
    settings = {"token": TOKEN, "sender": SENDER, "callback_secret": SECRET}  # noqa: RUF012
    samples = Path(__file__).parent / "samples"
    sandbox = SmsapiSandbox
    to = "+48600100200"
    rest = SECRET

    def signed(self, body: bytes, headers: Mapping[str, str]) -> WebhookRequest:
        """The file ends with a line break, the form does not."""
        return super().signed(body.rstrip(b"\n"), headers)
