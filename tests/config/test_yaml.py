"""YAML as nodes: places, and files that mean harm."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hub.config.problems import Problem
from hub.config.yaml import PARSERS, ListNode, MapNode, Node, Scalar, from_plain, parse, to_plain
from hub.flows.load import load_config

from .fakes import ENV, GROUND, FakeRegistry, load


def read(text: str) -> tuple[Node | None, tuple[Problem, ...]]:
    """Parsed by both of PyYAML's parsers, which must agree: which one is there depends on how it was built."""
    (node, problems), *others = [parse(text, "f", parser) for parser in PARSERS]
    for other, more in others:
        assert [each.code for each in more] == [each.code for each in problems]
        assert problems or (other and to_plain(other)) == (node and to_plain(node))
    return node, problems


def scalar(text: str, *path: str | int) -> Scalar:
    node, problems = read(text)
    assert not problems
    for step in path:
        if isinstance(step, str):
            assert isinstance(node, MapNode)
            node = node.get(step)
        else:
            assert isinstance(node, ListNode)
            node = node.items[step]
    assert isinstance(node, Scalar)
    return node


def codes(text: str) -> list[str]:
    _, problems = read(text)
    return [f"{each.line}:{each.column} {each.code}" for each in problems]


# ------------------------------------------------------------------------------------------------ places

WORDS = "order.totl > 5 && 'їжак' != \"x\""
STYLES = [
    pytest.param("a: {k: order.totl > 5}", "order.totl > 5", id="plain"),
    pytest.param("a:\n  k: order.totl\n    > 5\n\n    && more", "order.totl > 5\n&& more", id="plain over lines"),
    pytest.param("a:\n  k: 'it''s order.totl'", "it's order.totl", id="single quotes"),
    pytest.param("a:\n  k: 'one\n    two order.totl\n\n    three'", "one two order.totl\nthree", id="single, folded"),
    pytest.param('a:\n  k: "x\\t\\u0439\\"order.totl\\x41"', 'x\tй"order.totlA', id="double quotes"),
    pytest.param('a:\n  k: "one \\\n     two order.totl"', "one two order.totl", id="double, continued"),
    pytest.param("a:\n  k: |\n    one\n      two order.totl\n", "one\n  two order.totl\n", id="literal"),
    pytest.param("a:\n  k: >-\n    one\n    two\n\n    order.totl", "one two\norder.totl", id="folded"),
    pytest.param("a:\n  k: >1\n    one\n    order.totl\n", " one\n order.totl\n", id="folded, indented"),
]


@pytest.mark.parametrize(("text", "value"), STYLES)
def test_a_character_of_a_value_is_found_in_the_file(text: str, value: str) -> None:
    node = scalar(text, "a", "k")
    assert node.text == value
    lines = text.split("\n")
    for offset, character in enumerate(value):
        place = node.at(offset)
        if character.isalnum() and character not in "йA":
            assert lines[place.line - 1][place.column - 1] == character, (offset, place)


def test_the_first_character_is_behind_the_quote() -> None:
    assert str(scalar("a: 'b'", "a").at(0)) == "f:1:5"
    assert str(scalar("a: 'b'", "a").place) == "f:1:4"
    assert str(scalar("a: |\n  b", "a").at(0)) == "f:2:3"


def test_columns_count_characters_not_bytes() -> None:
    assert str(scalar("їжак: {ключ: [1, два]}", "їжак", "ключ", 1).place) == "f:1:18"


def test_plain_data_and_nodes_are_the_same() -> None:
    data = {"on": "a.b", "steps": [{"wait": "3d"}, {"notify": {"urgent": "true", "list": []}}]}
    node = from_plain(data, scalar("a: b", "a").place)
    assert to_plain(node) == data
    parsed, _ = read(json.dumps(data))
    assert parsed is not None and to_plain(parsed) == data


def test_numbers_and_truth_of_stored_data_become_what_would_be_typed() -> None:
    place = scalar("a: b", "a").place
    assert to_plain(from_plain({"a": True, "b": 3, "c": 1.5}, place)) == {"a": "true", "b": "3", "c": "1.5"}


# ------------------------------------------------------------------------------------------------ mistakes

MISTAKES = [
    ("a: {b: 1", "yaml-syntax"),
    ("a: [1, 2", "yaml-syntax"),
    ("a: b: c", "yaml-syntax"),
    ("a: 1\n\tb: 2", "yaml-syntax"),
    ("a: 1\n b: 2", "yaml-syntax"),
    ("- a\nb: c", "yaml-syntax"),
    ("a: 'open", "yaml-syntax"),
    ('a: "\\q"', "yaml-syntax"),
    ("a: @b", "yaml-syntax"),
    ("a: `b`", "yaml-syntax"),
    ("a: %b", "yaml-syntax"),
    ("a\nb: c\nd", "yaml-syntax"),
    ("? [a, b]\n: c", "yaml-syntax"),
    ("a: {{ b }}: c", "yaml-quote"),
    ("a: {{ b }}", "yaml-quote"),
    ("a: {{ b }} c", "yaml-quote"),
    ("{a: {{ b }} c}", "yaml-quote"),
    ("{a: ${B}}", "yaml-quote"),
    ("{a: ${B}, c: d}", "yaml-quote"),
    ("a:b\nc: d", "yaml-syntax"),
    ("a: b\nc:d\ne: f", "yaml-syntax"),
    ("{a:b, c: d}", "yaml-syntax"),
    ("--- a\n--- b", "yaml-syntax"),
    ("a: 1\n...\nb: 2", "yaml-syntax"),
    ("%YAML 3.0\n---\na: 1", "yaml-syntax"),
    ("a: *b", "yaml-aliases"),
    ("a: &x [*x]", "yaml-aliases"),
    ("a: &x {b: {c: *x}}", "yaml-aliases"),
    ("a: !x b", "yaml-tag"),
    ("a: !!python/object/apply:os.system ['id']", "yaml-tag"),
    ("a: !!python/name:os.system", "yaml-tag"),
    ("a: !!binary aGk=", "yaml-tag"),
    ("a: !!str 1", "yaml-tag"),
    ("a: !!set {b}", "yaml-tag"),
    ("a: !<tag:evil,2000:x> b", "yaml-tag"),
    ("when: !order.wholesale", "yaml-quote"),
    ("when: [!vip, a]", "yaml-quote"),
    ("x: !has(order.note) || true", "yaml-quote"),
    ('when: "vip" in order.tags', "yaml-quote"),
    ("when: 'vip' in order.tags", "yaml-quote"),
    ('{when: "vip" in order.tags}', "yaml-quote"),
    ("a: {<<: {b: 1}}", "yaml-merge"),
    ("a: &x {b: 1}\nc: {<<: *x}", "yaml-merge"),
    ("a: {<<: [{b: 1}, {c: 2}]}", "yaml-merge"),
    ("a: 1\na: 2", "duplicate-key"),
    ("a: 1\n'a': 2", "duplicate-key"),
    ("a: {b: 1, c: 2, b: 3}", "duplicate-key"),
    ("yes: 1\nyes: 2", "duplicate-key"),
    ("a: \x00", "yaml-encoding"),
    ("a: \x07", "yaml-encoding"),
    ("\x00", "yaml-encoding"),
    ("a: \ufffe", "yaml-encoding"),
]


@pytest.mark.parametrize(("text", "code"), MISTAKES)
def test_what_cannot_be_read_is_named_with_its_place(text: str, code: str) -> None:
    assert {each.partition(" ")[2] for each in codes(text)} == {code}


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("text", ["a:\n\t- b: 1", "a:\n  b: 1\n\tc: 2", "\ta: 1"])
def test_a_tab_is_called_a_tab(text: str, parser: Any) -> None:
    _, problems = parse(text, "flows.yaml", parser)
    assert [each.text for each in problems] == ["a tab; indent with spaces"]


@pytest.mark.parametrize("parser", PARSERS)
def test_a_missing_space_before_a_bracket_is_told_or_read_as_meant(parser: Any) -> None:
    node, problems = parse("{b: {c: d}, a:[b]}", "f", parser)
    assert [(each.text, each.column) for each in problems] in ([], [("a space is missing behind 'a:'", 15)])
    assert problems or (node and to_plain(node)) == {"b": {"c": "d"}, "a": ["b"]}


def test_where_a_quote_was_forgotten() -> None:
    assert codes('a:\n  when: "vip" in order.tags') == ["2:9 yaml-quote"]
    assert codes("a:\n  when: !order.wholesale") == ["2:9 yaml-quote"]
    assert codes("a: 1\n\0")[0] == "2:1 yaml-encoding"


def test_several_mistakes_of_one_file_are_all_named() -> None:
    assert codes("a: !x 1\nb: 2\nb: 3\nc: {<<: {}}\nd: *e") == [
        "1:4 yaml-tag",
        "3:1 duplicate-key",
        "4:5 yaml-merge",
        "5:4 yaml-aliases",
    ]


def test_the_first_of_two_keys_stays() -> None:
    node, _ = parse("a: 1\na: 2", "f")
    assert node is not None and to_plain(node) == {"a": "1"}


# ------------------------------------------------------------------------------------------------ bombs


def lol(depth: int, width: int = 9) -> str:
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, depth)]
    return "\n".join(lines)


BOMBS: dict[str, Callable[[], str]] = {
    **{f"aliases {depth} by {width}": partial(lol, depth, width) for depth in (3, 6, 9, 20) for width in (2, 9, 40)},
    **{f"{n} aliases": partial("a: &a x\nb: [{}]".format, "*a, " * n) for n in (51, 500, 50_000)},
    **{f"{n} brackets": partial("a: {}".format, "[" * n) for n in (33, 1_000, 3_000, 5_000, 100_000)},
    **{f"{n} closed brackets": partial("a: {}{}".format, "[" * n, "]" * n) for n in (33, 3_000, 50_000)},
    **{f"{n} braces": partial("{}".format, "{a: " * n) for n in (33, 3_000, 50_000)},
    **{f"{n} deep": partial("".join, [" " * i + "a:\n" for i in range(n)]) for n in (40, 400)},
    **{f"{n} dashes": partial("{}a".format, "- " * n) for n in (40, 3_000)},
    **{f"{n} question marks": partial("{}".format, "? " * n) for n in (40, 3_000)},
    **{f"{n} quotes": partial("a: '{}".format, "''" * n) for n in (10, 100_000)},
    **{f"{n} anchors": partial("\n".join, [*(f"a{i}: &x{i} 1" for i in range(n)), "z: *no"]) for n in (10, 2_000)},
    "long key": lambda: "a" * 500_000 + ": 1\n: :",
    "long plain": lambda: "a: " + "b" * 900_000 + "\na: 2",
    "long number": lambda: "version: " + "9" * 200_000,
    "long negative number": lambda: "version: -" + "9" * 200_000,
    "long hexadecimal": lambda: "version: 0x" + "f" * 200_000,
    "long sexagesimal": lambda: "version: " + "1:" * 100_000 + "1",
    "long float": lambda: "version: 1e" + "9" * 100_000,
    "many keys": lambda: "\n".join(f"k{n}: 1" for n in range(60_000)),
    "many equal keys": lambda: "\n".join("k: 1" for n in range(20_000)),
    "many values": lambda: "a: [" + "1," * 300_000 + "]",
    "many empty maps": lambda: "a: [" + "{}," * 210_000 + "]",
    "a megabyte and one": lambda: "a: " + "b" * 1_000_000,
    "fifty megabytes": lambda: "a: b\n" * 10_000_000,
    "merge loop": lambda: "a: &a {<<: *a}",
    "merge chain": lambda: "\n".join(f"a{n}: &a{n} {{<<: *a{n - 1}}}" for n in range(1, 500)),
    "self in a key": lambda: "&a {*a : b}",
    "self in a list": lambda: "&a [*a, *a]",
    "tabs": lambda: "a:\n" + "\t" * 100_000 + "b",
    "comments": lambda: "#" * 900_000 + "\na: [",
    "comment lines": lambda: "#\n" * 400_000 + "a: [",
    "blank lines": lambda: "\n" * 900_000 + "a: [",
    "carriage returns": lambda: "\r" * 500_000 + "a: [",
    "folded blanks": lambda: "a: >\n" + " \n" * 300_000 + " b\na: 1",
    "escapes": lambda: 'a: "' + "\\x41" * 200_000 + '"\na: 1',
    "bad escape at the end": lambda: 'a: "' + "\\x41" * 200_000 + '\\q"',
    "documents": lambda: "---\n" * 100_000,
    "directives": lambda: "%A b\n" * 50_000 + "---\na: 1\na: 2",
    "tags": lambda: "a: [" + "!x y, " * 2_000 + "]",
    "python tags": lambda: "a: [" + "!!python/object/apply:os.system [id], " * 2_000 + "]",
    "tag handle": lambda: "%TAG ! tag:x," + "y" * 100_000 + "\n---\na: !z b",
    "null character in the middle": lambda: "a: b\n" * 1000 + "\0",
    "lone surrogate escape": lambda: 'a: "\\ud800"\na: 1',
    "byte order mark in the middle": lambda: "a: b\n\ufeffa: c\na: 1",
    "only a bracket": lambda: "[",
    "only a quote": lambda: '"',
    "only an ampersand": lambda: "&",
    "only a star": lambda: "*",
    "only an exclamation mark": lambda: "!",
    "only a percent": lambda: "%",
    "only a bar": lambda: "a: |9\n b",
    "nested keys": lambda: "{" * 20 + "a" + "}" * 20,
}


def test_there_are_at_least_sixty_bombs() -> None:
    assert len(BOMBS) >= 60


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_does_nothing_but_a_problem(tmp_path: Path, name: str) -> None:
    text = BOMBS[name]()
    began = time.process_time()
    loaded = load(tmp_path, text)
    took = time.process_time() - began
    assert loaded.config is None and loaded.errors
    assert all(each.line >= 1 and each.column >= 1 and each.file == "flows.yaml" for each in loaded.problems)
    assert took < 10, took


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("fifty megabytes", "yaml-size"),
        ("a megabyte and one", "yaml-size"),
        ("many values", "yaml-size"),
        ("33 brackets", "yaml-depth"),
        ("400 deep", "yaml-depth"),
        ("51 aliases", "yaml-aliases"),
        ("aliases 9 by 9", "yaml-aliases"),
    ],
)
def test_which_limit_a_bomb_meets(tmp_path: Path, name: str, code: str) -> None:
    assert [each.code for each in load(tmp_path, BOMBS[name]()).problems] == [code]


MEASURE = """
import resource, sys
from pathlib import Path
from tests.config.fakes import ENV, FakeRegistry, load
from hub.flows.load import load_config
load(Path(sys.argv[1]), "shop: {name: x}")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sorted(Path(sys.argv[1]).glob("bomb*.yaml")):
    load_config(path, FakeRegistry(), ENV)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_bombs_take_no_memory(tmp_path: Path) -> None:
    for number, name in enumerate(
        ("aliases 9 by 9", "fifty megabytes", "100000 brackets", "many empty maps", "many values")
    ):
        (tmp_path / f"bomb{number}.yaml").write_text(BOMBS[name]())
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)], cwd=root, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 100, done.stdout


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "cp1251"])
def test_a_file_that_is_not_utf8(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "flows.yaml").write_bytes("shop: {name: Кавовар}".encode(encoding))
    loaded = load_config(tmp_path / "flows.yaml", FakeRegistry(), ENV)
    assert [each.code for each in loaded.problems] == ["yaml-encoding"]


def test_where_the_file_stops_being_utf8(tmp_path: Path) -> None:
    (tmp_path / "flows.yaml").write_bytes("a: ї\nb: ї\xff".encode("latin-1", "replace") + "їж".encode() + b"\nc: \xff")
    loaded = load_config(tmp_path / "flows.yaml", FakeRegistry(), ENV)
    assert str(loaded.problems[0].place) == "flows.yaml:2:5"


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    assert load(tmp_path, "\ufeff" + GROUND).config is not None


def test_fifty_aliases_are_fine(tmp_path: Path) -> None:
    text = GROUND.replace("shop: {name:", "shop: {name: &n").replace("olena: {name: Olena", "olena: {name: *n")
    loaded = load(tmp_path, text)
    assert loaded.config is not None and loaded.config.people["olena"].name == "Kavovar"


def test_an_empty_file_says_what_a_file_needs(tmp_path: Path) -> None:
    assert [each.code for each in load(tmp_path, "").problems] == ["missing-setting"]
    assert [each.code for each in load(tmp_path, "# nothing\n").problems] == ["missing-setting"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    loaded = load_config(tmp_path / "nowhere.yaml", FakeRegistry(), ENV)
    assert [each.code for each in loaded.problems] == ["include-missing"]
