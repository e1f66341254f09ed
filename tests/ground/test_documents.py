"""Pages that cannot go stale: their configurations load, their links lead somewhere, what is generated is new."""

import ast
import re
from pathlib import Path

import pytest

from hub.flows.load import load_config
from hub.messages import Texts, check_text
from hub.plugin.registry import Registry
from scripts.reference import different, pages, stray

from .blocks import BLOCK, Block, blocks, configuration
from .repository import ROOT, files

PAGES = [path.relative_to(ROOT) for path in files() if path.suffix == ".md"]
DECISIONS = [path for path in PAGES if path.parent == Path("docs/decisions")]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def mistakes(text: str, folder: Path) -> list[str]:
    path = folder / "flows.yaml"
    path.write_text(text, "utf-8")
    texts, _ = Texts.load(None)
    env = dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), "a-secret-of-some-length-123456")
    env |= {name: "123456789:AAEbcdefghijklmnopqrstuvwxyz1234567" for name in env if "TOKEN" in name}
    loaded = load_config(path, Registry.load(), env, texts=texts, check_text=check_text)
    return [str(each) for each in loaded.problems if loaded.config is None]


@pytest.mark.parametrize("block", list(blocks("yaml", "yml")), ids=str)
def test_a_configuration_in_a_page_loads(block: Block, tmp_path: Path) -> None:
    assert mistakes(configuration(block), tmp_path) == []


def test_the_configuration_that_the_repository_brings_loads(tmp_path: Path) -> None:
    assert mistakes((ROOT / "flows.yaml").read_text("utf-8"), tmp_path) == []


def test_a_wrong_fragment_is_found(tmp_path: Path) -> None:
    block = Block(Path("page.md"), 1, "yaml", "- notfy: {template: shipped}\n", "")
    assert mistakes(configuration(block), tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", BLOCK.sub("", (ROOT / page).read_text("utf-8")))
    for target in LINK.findall(text):
        if not re.match(r"[a-z]+:|#", target):
            assert (ROOT / page.parent / target.partition("#")[0]).exists(), f"{page}: {target}"


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs/README.md").read_text("utf-8")
    for page in PAGES:
        if page.is_relative_to("docs") and page != Path("docs/README.md") and page not in DECISIONS:
            assert f"({page.relative_to('docs')})" in index, f"docs/README.md does not name {page}"


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [path.name[:5] for path in sorted(DECISIONS)] == [f"{n:04}-" for n in range(1, len(DECISIONS) + 1)]


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_has_its_three_parts(page: Path) -> None:
    lines = (ROOT / page).read_text("utf-8").splitlines()
    assert re.match(rf"# {page.name[:4]} \S", lines[0])
    assert [line for line in lines if line.startswith("## ")] == ["## Context", "## Decision", "## Consequences"]


def test_the_changelog_has_room_for_what_comes() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text("utf-8").splitlines()
    assert next(line for line in lines if line.startswith("## ")) == "## Unreleased"


def test_generated_pages_are_what_the_code_says() -> None:
    wanted = pages()
    assert [*different(wanted), *stray(wanted)] == [], "run scripts/docs"


def test_generated_pages_come_out_the_same_twice() -> None:
    assert pages() == pages()


@pytest.mark.parametrize("block", list(blocks("python", "py")), ids=str)
def test_a_block_of_python_is_python(block: Block) -> None:
    """What guides show whole comes from files that tests run; what they show in part is at least written right."""
    compile(block.text, str(block), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_every_setting_says_what_it_is() -> None:
    for (kind, name), entry in Registry.load().adapters.items():
        for key, info in entry.adapter.settings_type.model_fields.items():
            assert (info.description or "").endswith("."), f"{kind} {name}: {key} has no sentence"
