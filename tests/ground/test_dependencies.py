"""What we stand on: declared, explained, locked with hashes, and nothing else imported."""

import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from typing import Any

from .repository import ROOT, imports, modules, project

LINE = re.compile(r"^\| (?!package )([a-z][a-z0-9-]*) \| (.+) \|$", re.MULTILINE)

# Their modules come with a declared package, whose interface shows them.
WITH = {"aiohttp": "httpx-aiohttp", "pydantic-core": "pydantic", "markupsafe": "jinja2", "uvloop": "uvicorn"}

# Needed and not imported by name: the wire's data, and what another package asks for.
UNSEEN = {"tzdata", "python-multipart"}


def name_of(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found.group()).lower()


def names(requirements: list[str]) -> set[str]:
    return {name_of(each) for each in requirements} - {"orderhub"}


def runtime() -> set[str]:
    return names(project()["project"]["dependencies"])


def extras() -> set[str]:
    return {name for each in project()["project"]["optional-dependencies"].values() for name in names(each)}


def dev() -> set[str]:
    return names(project()["dependency-groups"]["dev"])


def lock() -> list[dict[str, Any]]:
    packages: list[dict[str, Any]] = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))["package"]
    return packages


def test_every_dependency_has_its_reason_and_no_reason_is_left_over() -> None:
    told = [name for name, _ in LINE.findall((ROOT / "docs/dependencies.md").read_text("utf-8"))]
    assert len(told) == len(set(told))
    assert set(told) == runtime() | extras() | dev()


def test_dependencies_stand_in_order() -> None:
    for group in (project()["project"]["dependencies"], project()["dependency-groups"]["dev"][1:]):
        assert group == sorted(group, key=name_of)


def test_everything_locked_has_hashes() -> None:
    for package in lock():
        if package["name"] == "orderhub":
            assert package["source"] == {"editable": "."}
            continue
        assert set(package["source"]) == {"registry"}, f"{package['name']} does not come from a registry"
        artifacts = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
        assert artifacts and all(each["hash"].startswith("sha256:") for each in artifacts), package["name"]


def test_everything_locked_has_a_wheel() -> None:
    """Nobody who starts the demo should need a compiler."""
    for package in lock():
        assert package["name"] == "orderhub" or package.get("wheels"), package["name"]


def test_the_tool_that_installs_is_pinned_by_hashes() -> None:
    lines = [line.strip() for line in (ROOT / "scripts/uv.txt").read_text().splitlines() if line[:1] != "#"]
    assert re.fullmatch(r"uv==[\d.]+ \\", lines[0])
    assert len(lines) > 5
    assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}( \\)?", line) for line in lines[1:])


def imported(*folders: str) -> dict[str, str]:
    """Distribution → one place that imports it; of the modules that are neither ours nor Python's."""
    known = packages_distributions()
    found: dict[str, str] = {}
    for path, tree in modules(*folders):
        for line, module in imports(tree):
            top = module.partition(".")[0]
            if not top or top in sys.stdlib_module_names or top in ("hub", "plugins", "tests", "scripts"):
                continue
            for each in _providers(known, top, module):
                found.setdefault(WITH.get(each, each), f"{path}:{line} imports {module}")
    return found


def _providers(known: Any, top: str, module: str) -> set[str]:
    if module.startswith("google.protobuf"):
        return {"protobuf"}
    return {name_of(each) for each in known.get(top, [top])}


def test_the_hub_imports_only_what_it_declares() -> None:
    """What only developers have would be missing at a shop."""
    for name, place in imported("hub", "plugins").items():
        assert name in runtime() | extras(), f"{place}, which pyproject.toml does not declare"


def test_what_is_declared_is_used() -> None:
    used = set(imported("hub", "plugins"))
    assert runtime() - used == UNSEEN
    assert extras() - used <= {"psycopg"}, "the driver is loaded by SQLAlchemy"


def test_extras_are_imported_only_where_they_may_be_missing() -> None:
    """pytest in the conformance kit, cryptography in a sandbox; the hub itself starts without either."""
    for path, tree in modules("hub", "plugins"):
        for line, module in imports(tree):
            if module.partition(".")[0] == "pytest":
                assert path.is_relative_to("hub/testing"), f"{path}:{line}"
            if module.partition(".")[0] == "cryptography":
                assert "sandbox" in path.name, f"{path}:{line}"
