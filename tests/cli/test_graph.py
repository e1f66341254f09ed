"""`hub flows graph` and `hub flows schema`: what they print can be read by whoever draws, or completes."""

import json
from xml.etree import ElementTree

from hub.flows.schema import json_schema

from .using import Shop


def test_the_flows_are_drawn_all_together_and_one_from_within(shop: Shop) -> None:
    for args in ((), ("--flow", "ready")):
        said = shop.hub("flows", "graph", *args)
        assert said.exit_code == 0 and ElementTree.fromstring(said.stdout).tag.endswith("svg")
    assert shop.hub("flows", "graph", "--format", "mermaid").stdout.startswith("flowchart LR\n")
    assert shop.hub("flows", "graph", "--format", "mermaid", "--flow", "ready").stdout.startswith("flowchart TD\n")


def test_a_flow_that_is_not_there_is_refused_with_the_nearest_name(shop: Shop) -> None:
    said = shop.hub("flows", "graph", "--flow", "redy")
    assert said.exit_code == 2 and "there is no flow 'redy'" in said.stderr and "did you mean 'ready'?" in said.stderr


def test_the_schema_is_printed_whole(shop: Shop) -> None:
    assert json.loads(shop.hub("flows", "schema").stdout) == json.loads(json.dumps(json_schema()))
