"""The hub's file for a torture run: everything speaks at once, nothing is quiet, and every kind of message is sent."""

from collections.abc import Mapping
from pathlib import Path

from plugins.channels.smsapi import sandbox as smsapi
from plugins.channels.telegram import sandbox as telegram
from plugins.channels.turbosms import sandbox as turbosms
from plugins.targets.http import sandbox as http

CHAT_OF_STAFF = 501_112_234
"""The first chat that the Telegram sandbox opens."""

SHOPIFY, WOO, NOVA_POSHTA, INPOST = "main-shop", "woo", "nova-poshta", "inpost"
"""Connections of the file, as the world's parts are called too."""
INPOST_SECRET = "a-path-that-nobody-guesses"
SECRETS = {
    "SHOPIFY_SECRET": "hush-test-secret",
    "NP_KEY": "0123456789abcdef0123456789abcdef",
    "WOO_KEY": "ck_of-the-sandbox-01",
    "WOO_SECRET": "cs_of-the-sandbox-01",
    "WOO_HOOK": "wh-secret-01",
    "INPOST_SECRET": INPOST_SECRET,
    "TELEGRAM_TOKEN": telegram.TOKEN,
    "TURBOSMS_TOKEN": turbosms.TOKEN,
    "SMSAPI_TOKEN": smsapi.TOKEN,
    "CRM_SECRET": http.SECRET,
}

TEXT = """
hub: {{public_url: "http://127.0.0.1:{port}", listen: "127.0.0.1:{port}", data: "{data}"}}
shops:
  kavovar: {{name: Kavovar, url: "https://kavovar.example", country: UA, locale: uk, timezone: Europe/Kyiv,
            currency: UAH, support: {{email: help@kavovar.example}}, connections: {{sms: turbosms}}}}
  ziarno: {{name: Ziarno, url: "https://ziarno.example", country: PL, locale: pl, timezone: Europe/Warsaw,
           currency: PLN, support: {{email: pomoc@ziarno.example}}, connections: {{sms: smsapi}}}}
connections:
  main-shop: {{platform: shopify, shop: kavovar, domain: amber-kiosk.myshopify.com, client_id: sandbox-client,
              poll_every: 1d, client_secret: "${{SHOPIFY_SECRET}}", url: "{main_shop}"}}
  woo: {{platform: woocommerce, shop: ziarno, url: "{woo}", poll_every: 1d, consumer_key: "${{WOO_KEY}}",
        consumer_secret: "${{WOO_SECRET}}", webhook_secret: "${{WOO_HOOK}}"}}
  nova-poshta: {{carrier: nova_poshta, api_key: "${{NP_KEY}}", url: "{nova_poshta}"}}
  inpost: {{carrier: inpost, url: "{inpost}", webhook_secret: "${{INPOST_SECRET}}", sender_header: x-real-ip}}
  turbosms: {{channel: turbosms, token: "${{TURBOSMS_TOKEN}}", sender: SHOP, url: "{turbosms}", uncertain: {uncertain}}}
  smsapi: {{channel: smsapi, token: "${{SMSAPI_TOKEN}}", sender: Sklep, url: "{smsapi}", uncertain: {uncertain}}}
  mail: {{channel: smtp, host: 127.0.0.1, port: {smtp}, security: none, from: "Kavovar <shop@kavovar.example>",
         uncertain: {uncertain}}}
  bot: {{channel: telegram, token: "${{TELEGRAM_TOKEN}}", url: "{bot}", updates: polling, poll_every: 1d,
        uncertain: {uncertain}}}
  crm: {{target: http, url: "{crm}", secret: "${{CRM_SECRET}}", private: true}}
contact:
  routes: {{default: [mail], brief: [sms]}}
  settle: 1s
  receipt: {{turbosms: 1d, smsapi: 1d}}
  breaker: {{floor: 1000000}}
staff:
  support: {{people: [olena], via: [bot], acknowledge: 1d}}
people:
  olena: {{name: Olena, locale: en, bot: "{chat}"}}
"""

FLOWS = """
flows:
  confirm: {on: order.received, steps: [{notify: {template: order-received}}]}
  paid: {on: payment.paid, steps: [{wait: 1s}, {notify: {template: payment-received, via: brief}}]}
  refunded: {on: payment.refunded, steps: [{notify: {template: refunded}}]}
  cancelled: {on: order.cancelled, steps: [{notify: {template: order-cancelled}}]}
  shipped: {on: shipment.shipped, steps: [{notify: {template: shipped}}]}
  delivered: {on: shipment.delivered, steps: [{notify: {template: delivered, via: brief}}]}
  tell-the-crm:
    on: [order.received, order.cancelled, shipment.delivered]
    once: occurrence
    steps: [{call: {to: crm}}]
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
    urls: Mapping[str, str],
    smtp: int,
    flows: str = FLOWS,
    uncertain: str = "maybe_twice",
) -> None:
    """Write the file; `data` lies beside it. `urls`: connection → where it leads."""
    where = {name.replace("-", "_"): url for name, url in urls.items()}
    text = TEXT.format(
        port=port, data=path.parent / "data", smtp=smtp, uncertain=uncertain, chat=CHAT_OF_STAFF, **where
    )
    path.write_text(text + flows, "utf-8")
