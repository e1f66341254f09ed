"""The HTTP client that the hub hands to adapters."""

from typing import Any


def expecting(*statuses: int, safe: bool = False) -> dict[str, Any]:
    """Request extensions: let the adapter see these statuses itself; `safe`: a POST that only reads."""
    return {"hub": {"expect": frozenset(statuses), "safe": safe}}
