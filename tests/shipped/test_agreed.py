"""The tests that the repository's own flows.yaml brings hold, and reach every flow, branch and language of it."""

import asyncio

from hub.flows.load import load_config
from hub.messages import Texts, check_text
from hub.plugin.registry import Registry
from hub.rehearsal.cases import coverage, run_case
from tests.ground.repository import ROOT
from tests.rehearsal.agreed import env_of

FILE = ROOT / "flows.yaml"


def test_every_case_holds_and_nothing_is_left_out() -> None:
    texts, _ = Texts.load(None, {"kavovar": "parcel", "ziarno": ""})
    loaded = load_config(FILE, Registry.load(), env_of(FILE.read_text("utf-8")), texts=texts, check_text=check_text)
    config = loaded.config
    assert config is not None, "\n".join(map(str, loaded.problems))

    results = [asyncio.run(run_case(case, config, texts)) for case in config.tests]
    assert [str(problem) for result in results for problem in result.problems] == []
    reached = coverage(results, config)
    assert [name for part in (reached.flows, reached.locales) for name, there in part.items() if not there] == []
    assert [branch for branch, taken in reached.branches.items() if not taken] == []
