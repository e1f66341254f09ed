"""Secrets: `${NAME}` from the environment (a `.env` beside the file is read), `${file:/path}` from a file."""

import re
from collections.abc import Mapping
from pathlib import Path

from .problems import quoted
from .scalars import MistakeError
from .yaml import Scalar

MAX_BYTES = 65_536
_WHOLE = re.compile(r"\$\{(file:[^{}]+|[A-Za-z_][A-Za-z0-9_]*)\}")
_PART = re.compile(r"\$\{")
_START = re.compile(r"\$\{(?!\{)")


def is_reference(text: str) -> bool:
    return _WHOLE.fullmatch(text) is not None


def reference_at(text: str) -> int | None:
    """Where a reference begins in a text, whole or broken; `${{` is none, but a sign of money before a value."""
    found = _START.search(text)
    return found.start() if found else None


class Secrets:
    """Resolves references; remembers what may never be shown. Shows nothing of itself."""

    def __init__(self, env: Mapping[str, str], folder: Path) -> None:
        self._env, self._folder = env, folder
        self._values: set[str] = set()
        self.literals: list[Scalar] = []

    def resolve(self, text: str) -> str:
        """The text, or the secret that it refers to."""
        found = _WHOLE.fullmatch(text)
        if found is None:
            part = _PART.search(text)
            if part is not None:
                raise MistakeError("bad-value", "a reference to a secret must be the whole value", part.start())
            return text
        name = found[1]
        value = self._read(name[5:]) if name.startswith("file:") else self._env.get(name)
        if not value:
            raise MistakeError(
                "secret-missing", f"{name} is not set; put it into .env beside the file, or into the environment"
            )
        self._values.add(value)
        return value

    def _read(self, name: str) -> str:
        try:
            with (self._folder / name).open("rb") as file:
                content = file.read(MAX_BYTES + 1)
            text = content.decode()
        except (OSError, ValueError):
            raise MistakeError("secret-missing", f"the file {quoted(name)} of a secret cannot be read") from None
        if len(content) > MAX_BYTES:
            raise MistakeError("secret-missing", f"the file {quoted(name)} is too large for a secret")
        return text.strip("\r\n")

    def literal(self, node: Scalar) -> None:
        """A secret that stands in the file itself: its line is shown masked."""
        self.literals.append(node)
        self._values.add(node.text)

    def masked(self, text: str) -> str:
        """Text without any secret in it."""
        for value in sorted(self._values, key=len, reverse=True):
            if len(value) > 3:
                text = text.replace(value, "•••")
        return text
