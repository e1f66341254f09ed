"""The two tests of the example of the whole language hold, unchanged."""

import asyncio
from pathlib import Path

from hub.flows.load import load_config
from hub.messages import check_text
from hub.plugin.registry import Registry
from hub.rehearsal.cases import run_case
from hub.rehearsal.effects import plain

from .agreed import env_of, texts_of

EXAMPLE = Path(__file__).parent / "example.yaml"


def test_the_tests_of_the_example_hold_and_come_out_the_same_twice() -> None:
    texts = texts_of({"kavovar": "parcel", "ziarno": ""})
    more = {"ZAPIER_HOOK": "https://hooks.zapier.example/1", "IRYNA_PHONE": "+380671234567"}
    env = env_of(EXAMPLE.read_text("utf-8"), more)
    loaded = load_config(EXAMPLE, Registry.load(), env, texts=texts, check_text=check_text)
    config = loaded.config
    assert config is not None, "\n".join(map(str, loaded.problems))
    assert len(config.tests) == 2
    for case in config.tests:
        first, second = (asyncio.run(run_case(case, config, texts)) for _ in range(2))
        assert first.differences == ()
        assert plain(first.effects) == plain(second.effects)
