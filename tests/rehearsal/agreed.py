"""How these tests make a configuration, and run the cases in it: one merchant with a shop, a carrier and every kind of
channel, and flows and tests as each test writes them."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent, indent

from hub.config.load import Loaded
from hub.flows.load import load_config
from hub.messages import Texts, check_text
from hub.plugin.registry import Registry
from hub.rehearsal.cases import Result, run_case

TOKEN = "123456789:AAEbcdefghijklmnopqrstuvwxyz1234567"
SECRET = "a-secret-of-some-length-123456"

BASE = """
hub: {public_url: https://hub.example}
shop: {name: Kavovar, url: https://kavovar.example, country: UA, locale: uk, timezone: Europe/Kyiv, currency: UAH}
connections:
  main-shop: {platform: shopify, domain: amber-kiosk.myshopify.com, client_id: a, client_secret: "${SHOPIFY_SECRET}"}
  nova-poshta: {carrier: nova_poshta, api_key: "${NP_KEY}", storage: {locker: 3d, branch: 7d}}
  mail: {channel: smtp, host: smtp.example, from: "Kavovar <shop@kavovar.example>"}
  bot: {channel: telegram, token: "${BOT_TOKEN}"}
  turbosms: {channel: turbosms, token: "${SMS_TOKEN}", sender: Kavovar}
  backup: {channel: smsapi, token: "${SMSAPI_TOKEN}", sender: Kavovar}
  sms: {failover: [turbosms, backup]}
  crm: {target: http, url: https://crm.example/hook}
contact:
  routes: {default: [bot, sms, mail], letter: [mail]}
  quiet: "21:00-08:00"
  receipt: {sms: 30m}
  unheard: {escalate: support}
staff:
  support: {people: [olena, petro], via: [mail], acknowledge: 30m, then: manager}
  manager: {people: [iryna], via: [mail]}
people:
  olena: {name: Olena, mail: olena@kavovar.example, locale: uk}
  petro: {name: Petro, mail: petro@kavovar.example, locale: uk}
  iryna: {name: Iryna, mail: iryna@kavovar.example, locale: uk}
surveys:
  after: {template: five-questions}
"""


def env_of(text: str, more: Mapping[str, str] = {}) -> dict[str, str]:
    """A value for each secret that a file refers to."""
    names = re.findall(r"\$\{(\w+)\}", text)
    return {name: TOKEN if "TOKEN" in name else SECRET for name in names} | dict(more)


def texts_of(shops: Mapping[str, str] = {}) -> Texts:
    return Texts.load(None, shops)[0]


def loaded(folder: Path, flows: str, tests: str, base: str = BASE) -> Loaded:
    """What comes of a file with these flows and tests."""
    parts = [base, "flows:", indent(dedent(flows), "  "), "tests:", indent(dedent(tests), "  ")]
    path = folder / "flows.yaml"
    path.write_text("\n".join(parts), "utf-8")
    env = env_of(path.read_text("utf-8"))
    return load_config(path, Registry.load(), env, texts=texts_of(), check_text=check_text)


def played(folder: Path, flows: str, tests: str, base: str = BASE) -> list[Result]:
    """What came of each case."""
    it = loaded(folder, flows, tests, base)
    assert it.config is not None, "\n".join(map(str, it.problems))
    config, texts = it.config, texts_of()

    async def all_of_them() -> list[Result]:
        return [await run_case(each, config, texts) for each in config.tests]

    return asyncio.run(all_of_them())


def said(results: list[Result]) -> list[str]:
    """Every difference, in one line each."""
    return [each.problem.text for result in results for each in result.differences]
