"""The hub's file for a torture run: everything speaks at once, nothing is quiet, and every kind of message is sent."""

from pathlib import Path

CHAT_OF_STAFF = 501_112_234
"""The first chat that the Telegram sandbox opens."""

SECRETS = {"SHOPIFY_SECRET": "hush-test-secret", "NP_KEY": "0123456789abcdef0123456789abcdef"}

TEXT = """
hub: {{public_url: "http://127.0.0.1:{port}", listen: "127.0.0.1:{port}", data: "{data}"}}
shop: {{name: Kavovar, url: "https://kavovar.example", country: UA, locale: uk, timezone: Europe/Kyiv, currency: UAH,
        support: {{email: help@kavovar.example}}}}
connections:
  main-shop: {{platform: shopify, domain: amber-kiosk.myshopify.com, client_id: sandbox-client, poll_every: 1d,
              client_secret: "${{SHOPIFY_SECRET}}", url: "{shopify}"}}
  nova-poshta: {{carrier: nova_poshta, api_key: "${{NP_KEY}}", url: "{carrier}"}}
  mail: {{channel: smtp, host: 127.0.0.1, port: {smtp}, security: none, from: "Kavovar <shop@kavovar.example>",
         uncertain: {uncertain}}}
  bot: {{channel: telegram, token: "${{TELEGRAM_TOKEN}}", url: "{telegram}", updates: polling, poll_every: 1d,
        uncertain: {uncertain}}}
contact:
  routes: {{default: [mail]}}
  settle: 1s
staff:
  support: {{people: [olena], via: [bot], acknowledge: 1d}}
people:
  olena: {{name: Olena, locale: en, bot: "{chat}"}}
"""

FLOWS = """
flows:
  confirm: {on: order.received, steps: [{notify: {template: order-received}}]}
  paid: {on: payment.paid, steps: [{wait: 1s}, {notify: {template: payment-received}}]}
  refunded: {on: payment.refunded, steps: [{notify: {template: refunded}}]}
  cancelled: {on: order.cancelled, steps: [{notify: {template: order-cancelled}}]}
  shipped: {on: shipment.shipped, steps: [{notify: {template: shipped}}]}
  delivered: {on: shipment.delivered, steps: [{notify: {template: delivered}}]}
  cancelled-staff:
    on: order.cancelled
    steps: [{escalate: {to: support, severity: critical, reason: "[cancelled-staff {{ order.number }}]"}}]
  failed-staff:
    on: shipment.delivery_failed
    steps: [{escalate: {to: support, severity: critical, reason: "[failed-staff {{ order.number }}]"}}]
"""


def write_config(
    path: Path,
    *,
    port: int,
    shopify: str,
    carrier: str,
    smtp: int,
    telegram: str,
    flows: str = FLOWS,
    uncertain: str = "maybe_twice",
) -> None:
    """Write the file; `data` lies beside it."""
    text = TEXT.format(
        port=port, data=path.parent / "data", shopify=shopify, carrier=carrier, smtp=smtp, telegram=telegram,
        uncertain=uncertain, chat=CHAT_OF_STAFF,
    )  # fmt: skip
    path.write_text(text + flows, "utf-8")
