"""What is true of every channel that takes webhooks, of this one. The proof of a posted bounce is its path."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from hub.clock import Clock
from hub.testing import ChannelConformance, WebhookConformance
from plugins.channels.smtp import Smtp
from plugins.channels.smtp.sandbox import SmtpSandbox

PATH = "the-last-part-of-the-address"


def _sandbox(clock: Clock) -> SmtpSandbox:
    return SmtpSandbox(clock=clock)


class TestSmtp(WebhookConformance, ChannelConformance):
    adapter = Smtp
    settings: ClassVar[Mapping[str, Any]] = {
        "host": "127.0.0.1",
        "security": "none",
        "from": "Shop <orders@shop.example>",
        "bounce_domain": "bounces.shop.example",
        "bounce_secret": "bounce-secret-of-the-tests",
        "webhook_secret": PATH,
    }
    samples = Path(__file__).parent / "samples"
    sandbox = _sandbox
    to = "anna@customer.example"
    rest = PATH

    def sandbox_settings(self, sandbox: Any, url: str) -> Mapping[str, Any]:
        return {**self.settings, "port": urlsplit(url).port}
