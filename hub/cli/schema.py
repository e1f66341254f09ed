"""`hub flows schema`: what editors complete and check a flows.yaml by."""

import click

from ._out import print_json
from ._setup import example


@click.command(epilog=example("hub flows schema > flows.schema.json"))
def schema() -> None:
    """A JSON Schema of flows.yaml, for editors.

    An editor with a YAML language server takes it up from the file's first line:
    # yaml-language-server: $schema=flows.schema.json
    """
    from hub.flows.schema import json_schema

    print_json(json_schema())
