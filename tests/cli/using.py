"""How these tests call the command line: in this process, on a file of their own."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from click.testing import CliRunner, Result

from hub.cli import cli
from hub.store.database import Database
from hub.store.migrate import upgrade

SECRETS = {"SHOPIFY_SECRET": "sandbox-secret", "NP_KEY": "np-key", "TELEGRAM_TOKEN": f"123456789:{'a' * 35}"}


@dataclass
class Shop:
    """A folder with a flows.yaml and perhaps a database."""

    folder: Path
    env: Mapping[str, str] = field(default_factory=lambda: SECRETS)

    @property
    def file(self) -> Path:
        return self.folder / "flows.yaml"

    def hub(self, *args: str, typed: str | None = None) -> Result:
        """Run a command on this file; an exception that is none of click's own fails the test."""
        env = {**self.env, "HUB_CONFIG": str(self.file), "COLUMNS": "100"}
        result = CliRunner().invoke(cli, args, env=env, input=typed, prog_name="hub")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    def told(self, *args: str) -> Any:
        """What a command says with `--json`."""
        result = self.hub(*args, "--json")
        return json.loads(result.stdout)

    def rows(self, query: sa.Select[Any]) -> list[Any]:
        return self.run(lambda connection: list(connection.execute(query).all()))  # type: ignore[no-any-return]

    def change(self, *statements: Any) -> None:
        def work(connection: sa.Connection) -> None:
            for each in statements:
                connection.execute(each)

        self.run(work)

    def run(self, work: Any) -> Any:
        db = Database(f"sqlite:///{self.folder / 'hub.db'}")
        try:
            upgrade(db)
            return db.run(work)
        finally:
            db.close()


def inherited(**more: str) -> dict[str, str]:
    """An environment for a process of its own."""
    return {**os.environ, **SECRETS, **more}
