"""The project's own flows.yaml, with its own plugins and texts."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from hub.config.load import Loaded
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
    "WOO_KEY": "ck_key",
    "WOO_SECRET": "cs_secret",
    "WOO_HOOK": "hook-secret",
    "INPOST_HOOK": "a-path-that-nobody-guesses",
    "TURBOSMS_TOKEN": "token-of-turbosms",
    "TURBOSMS_HOOK": "callback-secret",
    "SMSAPI_TOKEN": "token-of-smsapi",
    "CRM_SECRET": "a-secret-of-24-characters",
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
        *("please-check-your-number", "please-pay", "delayed", "we-are-asking-the-carrier"),
        *("problem-solved", "problem-still-open", "please-review", "complaint-received", "question-received"),
        *("order-the-same-again", "staff-unmapped-status", "staff-connection-failing", "staff-weekly-report"),
    }
)


def load(folder: Path, env: Mapping[str, str]) -> Loaded:
    """A copy, so that nobody's own .env beside the file is read."""
    shutil.copy(ROOT / "flows.yaml", folder)
    texts, wrong = Texts.load()
    assert wrong == ()
    return load_config(folder / "flows.yaml", Registry.load(), env, texts=texts, check_text=check_text)


def test_it_is_right_in_every_respect(tmp_path: Path) -> None:
    loaded = load(tmp_path, ENV)
    problems = [each for each in loaded.problems if each.code != "policy-sampled"]
    assert problems == [], render_problems(problems)
    assert loaded.config is not None and list(loaded.config.shops) == ["kavovar", "ziarno"]
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


def test_without_its_secrets_each_is_named(tmp_path: Path) -> None:
    loaded = load(tmp_path, {})
    assert {each.code for each in loaded.errors} == {"secret-missing"}
    assert {each.text.partition(" ")[0] for each in loaded.errors} == set(ENV)


def test_a_mistake_in_an_escalations_text_is_found_where_it_stands(tmp_path: Path) -> None:
    text = (ROOT / "flows.yaml").read_text().replace("{{ order.number }} is back", "{{ order.numbr }} is back")
    (tmp_path / "flows.yaml").write_text(text)
    loaded = load_config(tmp_path / "flows.yaml", Registry.load(), ENV, check_text=check_text)
    (problem,) = loaded.problems
    line = text.splitlines()[problem.line - 1]
    assert problem.code == "jinja-name" and line[problem.column - 1 :].startswith(
        ("order.numbr", "numbr", "{{ order.numbr")
    )
