"""Folders, entry points, and who may import whom where the import contracts cannot say it."""

from importlib.metadata import distribution
from pathlib import Path

from .repository import ROOT, files, imports, modules, project

KINDS = ("platforms", "carriers", "channels", "targets")
AGAIN = "install again: .venv/bin/uv sync"


def folders() -> set[str]:
    return {
        f"plugins.{kind}.{path.parent.name}"
        for kind in KINDS
        for path in (ROOT / "plugins" / kind).glob("*/__init__.py")
    }


def declared() -> dict[str, str]:
    entries: dict[str, str] = project()["project"]["entry-points"]["orderhub"]
    return entries


def test_every_folder_under_plugins_is_an_entry_point() -> None:
    ours = {module for module in declared().values() if module.startswith("plugins.")}
    assert ours == folders(), "the folders under plugins/ and the entry points in pyproject.toml differ"


def test_an_entry_point_bears_the_name_of_its_folder() -> None:
    for name, module in declared().items():
        if module.startswith("plugins."):
            assert module.rpartition(".")[2] == name


def test_what_is_installed_is_what_is_declared() -> None:
    points = distribution("orderhub").entry_points.select(group="orderhub")
    assert {each.name: each.value for each in points} == declared(), AGAIN


def test_every_plugin_has_its_three_rooms() -> None:
    known = {str(path.relative_to(ROOT)) for path in files()}
    for module in folders():
        place = module.replace(".", "/")
        rooms = ("__init__", "sandbox") if place.startswith("plugins/targets/") else ("__init__", "statuses", "sandbox")
        missing = {f"{place}/{room}.py" for room in rooms} - known
        assert not missing, f"{place} lacks {missing}"


def _sandbox(name: str) -> bool:
    return name.lstrip("._").startswith("sandbox")


def test_no_sandbox_imports_the_adapter_beside_it() -> None:
    """A fake that used the adapter's reading or its table would agree with the adapter's mistakes."""
    for path, tree in modules("plugins"):
        if not _sandbox(path.name):
            continue
        for line, module in imports(tree):
            beside = module.startswith((".", "plugins"))
            assert not beside or _sandbox(module.rpartition(".")[2]), f"{path}:{line} imports {module}"


def test_no_adapter_imports_its_sandbox() -> None:
    for path, tree in modules("plugins"):
        if _sandbox(path.name):
            continue
        for line, module in imports(tree):
            assert not (module.startswith((".", "plugins")) and _sandbox(module)), f"{path}:{line} imports {module}"


def test_plugins_use_public_names_of_the_hub_only() -> None:
    allowed = {"hub.plugin", "hub.plugin.http", "hub.plugin.sandbox", "hub.model", "hub.status", "hub.clock"}
    for path, tree in modules("plugins"):
        for line, module in imports(tree):
            assert not module.startswith("hub") or module in allowed, f"{path}:{line} imports {module}"


def test_only_the_clock_knows_the_time() -> None:
    """ruff bans `datetime.now` and `time.sleep`; nobody switches that off but the clock."""
    for path in files():
        name = path.relative_to(ROOT)
        if path.suffix == ".py" and name.parts[0] in ("hub", "plugins") and name != Path("hub/clock.py"):
            assert "noqa: TID251" not in path.read_text("utf-8"), f"{name} takes the time from elsewhere"
