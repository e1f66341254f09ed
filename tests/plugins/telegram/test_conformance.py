"""What is true of every channel that speaks HTTP and takes webhooks, of this one."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from hub.testing import ChannelConformance, HttpConformance, Trouble, WebhookConformance
from plugins.channels.telegram import Telegram
from plugins.channels.telegram.sandbox import TOKEN, TelegramSandbox

SECRET = "webhook-secret-of-the-tests"
REFUSALS: Mapping[str, Mapping[str, Any]] = {
    "401": {"error_code": 401, "description": "Unauthorized"},
    "429 with Retry-After": {
        "error_code": 429,
        "description": "Too Many Requests: retry after 120",
        "parameters": {"retry_after": 120},
    },
}


class TestTelegram(WebhookConformance, HttpConformance, ChannelConformance):
    adapter = Telegram
    settings = {"token": TOKEN, "webhook_secret": SECRET}  # noqa: RUF012
    samples = Path(__file__).parent / "samples"
    sandbox = TelegramSandbox
    to = "501112234"

    def sign(self, body: bytes) -> Mapping[str, str]:
        return {"X-Telegram-Bot-Api-Secret-Token": SECRET}

    def prepare(self, sandbox: Any) -> None:
        assert str(sandbox.open_chat()) == self.to

    def trouble(self, name: str) -> Trouble:
        """Telegram's own words, where it has its own."""
        usual = super().trouble(name)
        if name not in REFUSALS:
            return usual
        refusal = {"ok": False, **REFUSALS[name]}
        return replace(usual, respond=lambda _: httpx.Response(refusal["error_code"], text=json.dumps(refusal)))
