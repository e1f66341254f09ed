"""Questions about the whole set of flows."""

from collections.abc import Mapping
from typing import Any

from hub.config.load import Ground

from .compile import Checked


def check_all(checked: Mapping[str, Checked], ground: Ground, texts: Any) -> None:
    return None
