"""The blocks of code in hand-written pages, and a configuration around a fragment of one."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from .repository import ROOT, files

PART = r"(?:^ *<!-- part of: (?P<part>[\w.-]+) -->\n+)?"
BLOCK = re.compile(PART + r"^(?P<indent> *)```(?P<kind>\w+)\n(?P<text>.*?)^ *```", re.MULTILINE | re.DOTALL)
SECTIONS = {
    "steps",
    "surveys",
    "version",
    "include",
    "hub",
    "shops",
    "connections",
    "contact",
    "staff",
    "people",
    "statuses",
    "flows",
    "tests",
    "policies",
}
TEXT, MAP = "tag:yaml.org,2002:str", "tag:yaml.org,2002:map"

AROUND = """
version: 1
shops: {kavovar: {name: Kavovar, url: "https://kavovar.example", country: UA, locale: uk, timezone: Europe/Kyiv}}
connections:
  main-shop: {platform: shopify, domain: kavovar.myshopify.com, client_id: "${ID}", client_secret: "${SECRET}"}
  nova-poshta: {carrier: nova_poshta, api_key: "${KEY}"}
  mail: {channel: smtp, host: smtp.kavovar.example, from: "Kavovar <shop@kavovar.example>", bounce_secret: "${BOUNCES}"}
  bot: {channel: telegram, token: "${TOKEN}"}
  crm: {target: http, url: "https://crm.kavovar.example/hooks", secret: "${CRM_SECRET}"}
contact: {routes: {default: [mail]}}
staff: {support: {people: [olena], via: [mail], acknowledge: 30m}}
people: {olena: {name: Olena, mail: olena@kavovar.example}}
steps:
  remind: {takes: {template: template, first: length}, steps: [{wait: $first}, {notify: {template: $template}}]}
surveys: {after-delivery: {template: five-questions}}
flows: {example: {on: shipment.ready_for_pickup, steps: [{notify: {template: ready-for-pickup}}]}}
"""


@dataclass(frozen=True)
class Block:
    """`part`: where in a configuration the text belongs, where the page says so."""

    page: Path
    line: int
    kind: str
    text: str
    part: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(*kinds: str) -> Iterator[Block]:
    """Every fenced block of these kinds in every page that belongs to the project."""
    for path in files():
        if path.suffix == ".md":
            text = path.read_text("utf-8")
            for found in BLOCK.finditer(text):
                if found["kind"] in kinds:
                    line = text.count("\n", 0, found.start("text"))
                    yield Block(
                        path.relative_to(ROOT), line, found["kind"], textwrap.dedent(found["text"]), found["part"] or ""
                    )


def configuration(block: Block) -> str:
    """The whole flows.yaml that a block stands for: itself, or a small one with the block in its place."""
    node, around = yaml.compose(block.text), yaml.compose(AROUND)
    assert isinstance(around, yaml.MappingNode)
    if isinstance(node, yaml.MappingNode) and {"connections", "flows"} <= _keys(node):
        return block.text
    assert node is not None, f"{block} is empty"
    for name in reversed(_place(node, block)):
        node = yaml.MappingNode(MAP, [(yaml.ScalarNode(TEXT, name), node)])
    assert isinstance(node, yaml.MappingNode)
    _merge(around, node)
    return str(yaml.serialize(around, allow_unicode=True))


def _keys(node: yaml.MappingNode) -> set[str]:
    return {key.value for key, _ in node.value}


def _place(node: yaml.Node, block: Block) -> list[str]:
    if block.part:
        return block.part.split(".")
    if isinstance(node, yaml.SequenceNode):
        return ["flows", "example", "steps"]
    whole = isinstance(node, yaml.MappingNode) and _keys(node) <= SECTIONS
    assert whole, f"{block}: say where it belongs, in a line before it: <!-- part of: connections.mail -->"
    return []


def _merge(around: yaml.MappingNode, more: yaml.MappingNode) -> None:
    """Maps grow together; anything else takes the place of what was there."""
    known = {key.value: index for index, (key, _) in enumerate(around.value)}
    for key, value in more.value:
        if key.value not in known:
            around.value.append((key, value))
            continue
        index = known[key.value]
        there = around.value[index][1]
        if isinstance(there, yaml.MappingNode) and isinstance(value, yaml.MappingNode):
            _merge(there, value)
        else:
            around.value[index] = (around.value[index][0], value)
