"""Samples: recorded answers in files, and the records they must give, beside them."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

REWRITE = "HUB_REWRITE_SAMPLES"
"""Set this environment variable to write the `.expected.json` files anew; then read the difference."""

WEBHOOKS = "webhooks"
"""The folder of the samples that are webhooks."""

_BESIDE = (".expected.json", ".headers.json")
_TYPES = {".json": "application/json", ".xml": "text/xml", ".html": "text/html"}


@dataclass(frozen=True)
class Sample:
    """One recorded answer or webhook body: `NAME.json` (or `.xml`, any text), `NAME.headers.json` where headers
    matter, and `NAME.expected.json` with what must become of it."""

    path: Path

    @property
    def is_webhook(self) -> bool:
        return self.path.parent.name == WEBHOOKS

    @property
    def name(self) -> str:
        return f"{WEBHOOKS}/{self.path.stem}" if self.is_webhook else self.path.stem

    @cached_property
    def body(self) -> bytes:
        return self.path.read_bytes()

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers that came with it, without those that prove the sender."""
        beside = self.path.with_suffix(".headers.json")
        found = json.loads(beside.read_text(encoding="utf-8")) if beside.exists() else {}
        return {str(name): str(value) for name, value in found.items()}

    @property
    def expected(self) -> Path:
        return self.path.with_suffix(".expected.json")

    def as_answer(self) -> httpx.Response:
        """The sample as a good answer of the outside system."""
        kind = _TYPES.get(self.path.suffix, "application/octet-stream")
        return httpx.Response(200, content=self.body, headers={"content-type": kind, **self.headers})


def samples_in(folder: Path) -> Sequence[Sample]:
    """The samples of a folder, by name; what stands beside a sample is none."""
    found = [each for each in sorted(folder.glob("*.*")) if each.is_file() and not each.name.endswith(_BESIDE)]
    return [Sample(each) for each in found]


def difference(sample: Sample, events: Any) -> str:
    """What is wrong with the events of a sample, as a sentence; "" when they are as expected."""
    found = json.dumps(events, ensure_ascii=False, indent=2) + "\n"
    if os.environ.get(REWRITE):
        sample.expected.write_text(found, encoding="utf-8")
    if not sample.expected.exists():
        return f"there is no {sample.expected.name}: run once with {REWRITE}=1, read what it wrote, and commit it"
    wanted = sample.expected.read_text(encoding="utf-8")
    if json.loads(wanted) == events:
        return ""
    return (
        f"{sample.path.name} no longer gives what {sample.expected.name} says. If the change is meant, run with "
        f"{REWRITE}=1 and read the difference.\n{_diff(wanted, found)}"
    )


def plain(value: Any) -> Any:
    """A record as plain JSON: its type and every field that is not at its default."""
    if is_dataclass(value) and not isinstance(value, type):
        said = {each.name: plain(getattr(value, each.name)) for each in fields(value) if _matters(value, each)}
        return {"is": type(value).__name__, **said}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal | timedelta):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | frozenset | set):
        return [plain(each) for each in value]
    return value


def _matters(record: Any, each: Field[Any]) -> bool:
    value = getattr(record, each.name)
    if each.default is not MISSING:
        return bool(value != each.default)
    if each.default_factory is not MISSING:
        return bool(value != each.default_factory())
    return True


def _diff(wanted: str, found: str) -> str:
    from difflib import unified_diff

    lines: Iterable[str] = unified_diff(wanted.splitlines(), found.splitlines(), "expected", "found", lineterm="", n=2)
    return "\n".join(lines)
