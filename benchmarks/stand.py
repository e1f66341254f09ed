"""A hub whose drains run only when they are told to, so that each stage can be measured alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hub.clock import Clock
from hub.flows.load import load_config
from hub.messages import Texts, check_text
from hub.plugin import WebhookRequest
from hub.plugin.registry import Registry
from hub.runtime.hub import Hub

from .load import SECRET, signature

CONNECTIONS = """
hub: {{listen: "{listen}", data: "{data}"}}
shops:
  kavovar: {{name: Kavovar, url: "https://kavovar.example", country: UA, locale: uk, timezone: Europe/Kyiv,
            currency: UAH, support: {{email: help@kavovar.example}}}}
connections:
  main-shop: {{platform: shopify, shop: kavovar, domain: benchmark.myshopify.com, client_id: sandbox-client,
              client_secret: "${{SHOPIFY_SECRET}}", url: "{shopify}", poll_every: 6h}}
  mail: {{channel: smtp, host: 127.0.0.1, port: {smtp}, security: none, from: "Kavovar <shop@kavovar.example>"}}
contact:
  routes: {{default: [mail], letter: [mail]}}
  settle: 0s
  breaker: {{floor: 1000000}}
staff:
  support: {{people: [olena], via: [mail], acknowledge: 30m}}
people:
  olena: {{name: Olena, mail: olena@kavovar.example, locale: uk}}
"""
CONFIRM = "  confirm: {on: order.received, steps: [{notify: {template: order-received, via: letter}}]}\n"
NOWHERE = {"shopify": "http://127.0.0.1:9", "smtp": 9}
ENV = {"SHOPIFY_SECRET": SECRET}


def write_config(
    folder: Path, flows: str = CONFIRM, *, shopify: str = "http://127.0.0.1:9", smtp: int = 9, listen: str = ""
) -> Path:
    """A whole file in a folder; gives its path."""
    path = folder / "flows.yaml"
    text = CONNECTIONS.format(data=folder, shopify=shopify, smtp=smtp, listen=listen or "127.0.0.1:8080")
    path.write_text(f"{text}flows:\n{flows}", "utf-8")
    return path


@asynccontextmanager
async def stand(path: Path, clock: Clock) -> AsyncIterator[Hub]:
    """The hub of that file, started, then its worker ended: nothing happens by itself."""
    texts, _ = Texts.load(None)
    loaded = load_config(path, Registry.load(), ENV, texts=texts, check_text=check_text)
    if loaded.config is None:
        raise ValueError("\n".join(map(str, loaded.problems)))
    hub = Hub(loaded.config, texts, clock=clock, jitter=False)
    await hub.start(ticking=False)
    assert hub.worker is not None
    hub.worker.cancel()
    try:
        yield hub
    finally:
        await hub.stop()


async def take_in(hub: Hub, bodies: list[bytes]) -> None:
    """Webhooks to the receiver, without HTTP."""
    for body in bodies:
        headers = [("x-shopify-hmac-sha256", signature(body)), ("x-shopify-topic", "orders/create")]
        answer = await hub.receiver.webhook("main-shop", WebhookRequest("POST", "", {}, headers, body))
        assert answer.status == 200
