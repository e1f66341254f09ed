"""The project's own flows.yaml, with its own plugins and texts."""

import re
from pathlib import Path

from hub.config.problems import render_problems
from hub.flows.check import all_steps
from hub.flows.load import load_config
from hub.flows.model import Notify
from hub.messages import Texts, check_text
from hub.plugin.registry import Registry

ROOT = Path(__file__).parents[2]
ENV = {
    "SHOPIFY_ID": "client-id",
    "SHOPIFY_SECRET": "shpss_secret",
    "NP_KEY": "0123456789abcdef0123456789abcdef",
    "SMTP_USER": "shop@kavovar.example",
    "SMTP_PASSWORD": "password",
    "TELEGRAM_TOKEN": "123456789:" + "A" * 35,
    "OLENA_CHAT": "1",
    "TARAS_CHAT": "2",
    "IRYNA_CHAT": "3",
}
SAID = frozenset(
    {
        *("order-received", "payment-received", "payment-failed", "order-cancelled", "on-hold", "packed", "shipped"),
        *("shipped-part", "out-for-delivery", "ready-for-pickup", "pickup-reminder", "pickup-last-day", "delivered"),
        *("not-collected", "delivery-failed", "parcel-delayed", "problem-we-are-on-it", "return-news", "refunded"),
    }
)


def test_it_is_right_in_every_respect() -> None:
    texts, wrong = Texts.load()
    loaded = load_config(ROOT / "flows.yaml", Registry.load(), ENV, texts=texts, check_text=check_text)
    assert wrong == () and loaded.problems == (), render_problems(loaded.problems)
    assert loaded.config is not None and list(loaded.config.shops) == ["kavovar"]
    said = {
        step.template
        for flow in loaded.config.flows.values()
        for step in all_steps(flow.steps)
        if isinstance(step, Notify)
    }
    assert said == SAID


def test_the_example_of_the_environment_names_every_secret() -> None:
    asked = set(re.findall(r"\$\{(\w+)\}", (ROOT / "flows.yaml").read_text()))
    named = {line.partition("=")[0] for line in (ROOT / ".env.example").read_text().splitlines() if "=" in line}
    assert asked == named == set(ENV)


def test_without_its_secrets_each_is_named() -> None:
    loaded = load_config(ROOT / "flows.yaml", Registry.load(), {})
    assert [each.code for each in loaded.errors] == ["secret-missing"] * len(ENV)
