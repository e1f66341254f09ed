"""What is true of every platform, of this one: documented webhook bodies, and whole answers to a poll."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hub.testing import PlatformConformance, WebhookConformance
from plugins.platforms.woocommerce import WooCommerce
from plugins.platforms.woocommerce.sandbox import WooCommerceSandbox, sign

from .telling import KNOWN, SECRET


class TestWooCommerce(WebhookConformance, PlatformConformance):
    adapter = WooCommerce
    settings = {**KNOWN, "url": "https://kavovar.example", "attributes": ["_paczkomat_id"]}  # noqa: RUF012
    samples = Path(__file__).parent / "samples"
    sandbox = WooCommerceSandbox
    now = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
    unmapped = ("woocommerce.status:wc-partial-shipped",)

    def sign(self, body: bytes) -> Mapping[str, str]:
        return {"X-WC-Webhook-Signature": sign(SECRET, body)}

    def prepare(self, sandbox: Any) -> None:
        for _ in range(60):
            sandbox.shop.create_order()
