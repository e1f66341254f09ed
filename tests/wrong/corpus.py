"""The wrong files: each stands under the code that it shows, with what `hub flows check` prints about it beside it.

`files/CODE/NAME.yaml` is a flows.yaml that includes `files/shop.yaml`, in which everything is right; what else lies in
its folder (more files, `messages/`) is in `files/CODE/NAME.files/`. `files/CODE/NAME.txt` is the exact output.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hub.config.files import peek, shops_of
from hub.config.load import Entry, Loaded
from hub.config.problems import Problem, counted, render_problems
from hub.flows.load import load_config
from hub.messages import Texts, check_text
from hub.plugin.registry import Registry

FILES = Path(__file__).parent / "files"
ENV = {
    "SHOPIFY_ID": "client-id",
    "SHOPIFY_SECRET": "shpss_secret",
    "NP_KEY": "0123456789abcdef0123456789abcdef",
    "TURBOSMS_TOKEN": "token-of-turbosms",
    "CRM_SECRET": "a-secret-of-24-characters",
    "TELEGRAM_TOKEN": "123456789:" + "A" * 35,
    "OLENA_CHAT": "4711",
}


class Plugins:
    """The plugins that are built in, and `hurt`: one that cannot be used."""

    def __init__(self) -> None:
        self.built_in = Registry.load()

    def adapter(self, kind: str, name: str) -> Entry:
        if name == "hurt":
            raise LookupError(f"{kind} hurt: plugin stranger:hurt is broken: ImportError: no module named 'hurt'")
        return self.built_in.adapter(kind, name)

    @property
    def filters(self) -> Any:
        return self.built_in.filters


plugins = cache(Plugins)


@dataclass(frozen=True)
class Wrong:
    """One wrong file."""

    code: str
    path: Path

    def __str__(self) -> str:
        return f"{self.code}/{self.path.stem}"

    @property
    def snapshot(self) -> Path:
        return self.path.with_suffix(".txt")

    @property
    def beside(self) -> list[Path]:
        """What lies in its folder."""
        folder = self.path.with_suffix(".files")
        return sorted(each for each in folder.rglob("*") if each.is_file()) if folder.is_dir() else []


def wrong_files() -> Iterator[Wrong]:
    for path in sorted(FILES.glob("*/*.yaml")):
        yield Wrong(path.parent.name, path)


def problems_of(wrong: Wrong) -> tuple[tuple[Problem, ...], str]:
    """The problems, and what is printed of them."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(FILES / "shop.yaml", folder / "shop.yaml")
        if wrong.beside:
            shutil.copytree(wrong.path.with_suffix(".files"), folder, dirs_exist_ok=True)
        shutil.copy(wrong.path, folder / "flows.yaml")
        loaded, texts = load(folder)
        found = (*loaded.problems, *texts)
        return found, f"{render_problems(found, loaded.sources)}{counted(found)}\n"


def load(folder: Path) -> tuple[Loaded, tuple[Problem, ...]]:
    """As `hub flows check` reads the flows.yaml of a folder."""
    path = folder / "flows.yaml"
    texts, wrong = Texts.load(folder / "messages", shops_of(peek(path)), filters=plugins().filters)
    return load_config(path, plugins(), ENV, texts=texts, check_text=check_text), wrong


def write_snapshots() -> None:
    """`python -m tests.wrong`: write what is printed today; read the difference before it is committed."""
    for each in wrong_files():
        each.snapshot.write_text(problems_of(each)[1], "utf-8")
