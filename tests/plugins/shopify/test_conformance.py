"""What is true of every platform, of this one: documented webhook bodies, and whole answers to a poll."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from hub.testing import PlatformConformance, WebhookConformance
from plugins.platforms.shopify import Shopify
from plugins.platforms.shopify.sandbox import ShopifySandbox, sign

SECRET = "hush-test-secret"


class TestShopify(WebhookConformance, PlatformConformance):
    adapter = Shopify
    settings = {  # noqa: RUF012
        "domain": "amber-kiosk.myshopify.com",
        "client_id": "sandbox-client",
        "client_secret": SECRET,
    }
    samples = Path(__file__).parent / "samples"
    sandbox = ShopifySandbox
    now = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)

    def sign(self, body: bytes) -> Mapping[str, str]:
        return {"X-Shopify-Hmac-Sha256": sign(SECRET, body)}

    def login(self, request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith("/access_token"):
            return None
        answer = {"access_token": "shpat_of-the-tests", "scope": "read_orders", "expires_in": 86399}
        return httpx.Response(200, content=json.dumps(answer))

    def prepare(self, sandbox: Any) -> None:
        for _ in range(60):
            sandbox.shop.create_order()
