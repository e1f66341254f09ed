# ruff: noqa: E501  (tables are read across)
"""What a template may not do: hundreds of ways to climb out of it or to make it endless, and every one is stopped."""

from decimal import Decimal
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2.defaults import DEFAULT_NAMESPACE
from jinja2.filters import FILTERS as DEFAULT_FILTERS
from jinja2.tests import TESTS as DEFAULT_TESTS

from hub.messages import TextError, TooLongError, UnprintableError, check_text, render_text
from hub.messages._check import Allowed
from hub.messages._filters import FILTERS
from hub.messages._marks import tidy
from hub.messages._names import ROOTS
from hub.messages._render import MAX_OUTPUT, MAX_SOURCE, Source, compile_source
from hub.messages._values import Filling

from .world import KYIV, world

CODES = {"jinja-syntax", "jinja-name", "jinja-unsafe", "jinja-limit"}
NAMES = set(ROOTS)


def codes(source: str) -> set[str]:
    return {problem.code for problem in check_text(source, NAMES)}


def fill(source: str, names: dict[str, Any]) -> str:
    compiled, problems = compile_source(Source(source, "t"), Allowed(ROOTS))
    assert problems == ()
    assert compiled is not None
    return tidy(compiled.fill(names, Filling("en", KYIV), lambda _: None))


DUNDERS = [
    "__class__", "__mro__", "__subclasses__", "__globals__", "__init__", "__dict__", "__builtins__", "_data", "_spec",
    "_filling", "mro", "func_globals", "gi_frame", "f_globals", "format", "format_map",
]  # fmt: skip
BASES = ["order", "order.number", "order.items", "shop.support", "''", "()", "link", "loop", "self", "payment.reason"]
CHAINS = [f"{{{{ {base}.{name} }}}}" for base in BASES for name in DUNDERS]
FILTER_CALLS = [f"{{{{ order.number | {name} }}}}" for name in DEFAULT_FILTERS if name not in FILTERS]
TEST_CALLS = [f"{{% if order.number is {name} %}}x{{% endif %}}" for name in DEFAULT_TESTS if name != "defined"]
GLOBALS = [
    f"{{{{ {name} }}}}" for name in (*DEFAULT_NAMESPACE, "config", "request", "environment", "__builtins__", "open")
]
STATEMENTS = [
    "{% set x = 1 %}",
    "{% set x %}a{% endset %}",
    "{% macro m() %}a{% endmacro %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% call order() %}a{% endcall %}",
    "{% include 'a' %}",
    "{% include order.number %}",
    "{% import 'a' as a %}",
    "{% from 'a' import b %}",
    "{% extends 'a' %}",
    "{% block a %}{% endblock %}",
    "{% with a = 1 %}{{ a }}{% endwith %}",
    "{% filter upper %}a{% endfilter %}",
    "{% autoescape false %}a{% endautoescape %}",
    "{% do order.items.append(1) %}",
    "{% trans %}a{% endtrans %}",
    "{% debug %}",
    "{% for a in 'abc' %}{{ a }}{% endfor %}",
    "{% for a in [1, 2] %}{{ a }}{% endfor %}",
    "{% for a in order %}{{ a }}{% endfor %}",
    "{% for a in order.number %}{{ a }}{% endfor %}",
    "{% for a in range(9) %}{{ a }}{% endfor %}",
    "{% for a, b in order.items %}{{ a }}{% endfor %}",
    "{% for a in order.items recursive %}{{ loop(a.categories) }}{% endfor %}",
    "{% for order in order.items %}{{ order.number }}{% endfor %}",
    "{% for _a in order.items %}{{ _a.name }}{% endfor %}",
    "{% for loop in order.items %}{{ loop.name }}{% endfor %}",
    "{% for a in order.items if a.__class__ %}{{ a.name }}{% endfor %}",
    "{% for a in order.items %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% for a in order.items %}{{ loop.changed(a) }}{% endfor %}",
    "{% for a in order.items %}{{ loop._iterator }}{% endfor %}",
]
EXPRESSIONS = [
    "{{ order.total + 1 }}",
    "{{ order.total - 1 }}",
    "{{ order.total / 0 }}",
    "{{ order.total // 1 }}",
    "{{ order.total % 2 }}",
    "{{ -order.total }}",
    "{{ +order.total }}",
    "{{ order.number ~ 'a' }}",
    "{{ 'a' ~ 'b' }}",
    "{{ order['number'] }}",
    "{{ order.number[0] }}",
    "{{ order.number[::-1] }}",
    "{{ order.items[0].name }}",
    "{{ [1, 2] }}",
    "{{ (1, 2) }}",
    "{{ {'a': 1} }}",
    "{{ order }}",
    "{{ order.items }}",
    "{{ order.gift }}",
    "{{ none }}",
    "{{ 'gift' if order.gift }}",
    "{{ order.gift or 'x' }}",
    "{{ order.number and order.gift }}",
    "{{ order if order.gift else 'x' }}",
    "{{ order.items or 'x' }}",
    "{{ 'a'.format(1) }}",
    "{{ '%s' % order }}",
    "{{ '{0.__class__}'.format(order) }}",
    "{{ order.number.format }}",
    "{{ order.number.upper() }}",
    "{{ link() }}",
    "{{ link('order', 'x') }}",
    "{{ link(order.number) }}",
    "{{ link(name='order') }}",
    "{{ link(*order.items) }}",
    "{{ link(**order) }}",
    "{{ link('nowhere') }}",
    "{{ link }}",
    "{{ link('order')('x') }}",
    "{{ order() }}",
    "{{ (order.number or link)('a') }}",
    "{{ order.number if order.number() else '' }}",
    "{{ order.number in order.number }}",
    "{{ order.number < order.total }}",
    "{{ order.placed_at > 5 }}",
    "{{ order.number | day }}",
    "{{ order.placed_at | money }}",
    "{{ order.total | money('a', 'b') }}",
    "{{ order.total | money(order) | day }}",
    "{{ order.placed_at | day('%Y' * 9) }}",
    "{{ order.placed_at | day('whenever') }}",
    "{{ order.placed_at | day(order.number) }}",
    "{{ order.placed_at | day(form='on') }}",
    "{{ order.item_count | plural }}",
    "{{ order.item_count | plural('a') }}",
    "{{ order.item_count | plural(one='a') }}",
    "{{ order.item_count | plural(one=order.number, other='b') }}",
    "{{ order.item_count | plural(one='a', other='b', paucal='c') }}",
    "{{ order.item_count | plural(*order.items) }}",
    "{{ order.item_count | plural(**order.attributes) }}",
    "{{ order.nubmer }}",
    "{{ order.items.name }}",
    "{{ nothing }}",
    "{{ a b }}",
    "{{ }}",
    "{{ order.number",
    "{% if order.number %}",
    "{% endif %}",
    "{% unknown %}",
    "{# never closed",
    "{{ 'never closed }}",
]
BOMBS = [
    "{{ 'a' * 10**9 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{{ 2 ** 99999 }}",
    "{{ order.number * 999999999 }}",
    "{{ 'a' | center(10**9) }}",
    "{{ order.number | ljust(1000000000) }}",
    "{{ '%999999999d' | format(1) }}",
    "{{ ['a'] * 10**9 }}",
    "{{ range(10**12) | list }}",
    "{{ range(10**12) | join }}",
    "{% for a in range(10**9) %}{% for b in range(10**9) %}x{% endfor %}{% endfor %}",
    "{{ lipsum(100000) }}",
    "{{ " + "9" * 1900 + " }}",
    "{{ 0b" + "1" * 1900 + " }}",
    "{{ 9e999 }}",
    "{{ " + "(" * 300 + "1" + ")" * 300 + " }}",
    "{{ " + "not " * 450 + "order.number }}",
    "{{ " + "-" * 1800 + "1 }}",
    "{{ " + "[" * 900 + "]" * 900 + " }}",
    "{{ " + " or ".join(["order.number"] * 120) + " }}",
    "{{ order" + ".attributes" * 150 + " }}",
    "{% if order.number %}" * 60 + "x" + "{% endif %}" * 60,
    "{% for a in order.items %}{% for b in a.categories %}{% for c in order.tags %}x{% endfor %}{% endfor %}{% endfor %}",
    "{{ order.number" + " | reason" * 190 + " }}",
    "{{ '" + "a" * 1999 + "' }}",
    "a\x00b",
    "a\x01b\x02",
    "a\u202eb",
    "a\ud800b",
]  # fmt: skip
REFUSED = [*CHAINS, *FILTER_CALLS, *TEST_CALLS, *GLOBALS, *STATEMENTS, *EXPRESSIONS, *BOMBS]


def test_there_are_more_than_two_hundred_attacks() -> None:
    assert len(set(REFUSED)) > 300


@pytest.mark.parametrize("source", REFUSED)
def test_an_attack_is_refused_with_its_place_when_it_is_loaded(source: str) -> None:
    begun = process_time()
    problems = check_text(source, NAMES)
    assert process_time() - begun < 10
    assert problems, source
    for problem in problems:
        assert problem.code in CODES
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.text


@pytest.mark.parametrize("statement", ["{% if order.number %}", "{{ order.number }}", "{#a#}", "{", "{{ '{{' }}"])
def test_a_template_of_sixty_four_kilobytes_is_checked_within_seconds(statement: str) -> None:
    source = statement * ((MAX_SOURCE - 100) // len(statement))
    begun = process_time()
    compile_source(Source(source, "t"), Allowed(ROOTS))
    assert process_time() - begun < 20


def test_a_longer_template_is_refused_unread() -> None:
    _, problems = compile_source(Source("a" * (MAX_SOURCE + 1), "t"), Allowed(ROOTS))
    assert [problem.code for problem in problems] == ["jinja-limit"]


@pytest.mark.parametrize(
    ("source", "line", "column", "code"),
    [
        ("Order {{ order.nubmer }}", 1, 16, "jinja-name"),
        ("a\nb {{ oder.number }}", 2, 6, "jinja-name"),
        ("a\n\n{% set x = 1 %}", 3, 4, "jinja-unsafe"),
        ("{{ order.number | upper }}", 1, 19, "jinja-name"),
        ("{{ order._x }}", 1, 10, "jinja-unsafe"),
        ("{{ shop.name }}{{ order.number }", 1, 1, "jinja-syntax"),
        ("{% for i in order.number %}{% endfor %}", 1, 13, "jinja-name"),
        ("ok\n{{ order.placed_at | day('noon') }}", 2, 22, "jinja-name"),
    ],
)
def test_a_mistake_says_its_line_and_column(source: str, line: int, column: int, code: str) -> None:
    (problem,) = check_text(source, NAMES)
    assert (problem.line, problem.column, problem.code) == (line, column, code)


def test_a_misspelt_name_brings_the_right_one() -> None:
    (problem,) = check_text("{{ order.nubmer }}", NAMES)
    assert "did you mean 'number'?" in problem.text
    (problem,) = check_text("{{ shippment.carrier }}", NAMES)
    assert "did you mean 'shipment'?" in problem.text


@pytest.mark.parametrize(
    "source",
    [
        "{{ order.number }}",
        "{{ shipment.reason or 'no reason given' }}",
        "{% if order.total and order.total >= 500.5 and not order.gift %}a{% elif payment.on_delivery %}b{% else %}c{% endif %}",
        "{% for item in order.items %}{{ loop.index }} {{ item.name }}{% if not loop.last %}, {% endif %}{% endfor %}",
        "{% for item in order.items if item.back_ordered %}{% for c in item.categories %}{{ c }}{% endfor %}{% endfor %}",
        "{% for item in order.items %}{{ item.name }}{% else %}nothing{% endfor %}",
        "{{ 'gift' if order.gift else 'order' }}",
        "{% if shipment.tracking_url is defined %}{{ shipment.tracking_url }}{% endif %}",
        "{% if order.return_status in ['requested', 'approved'] %}a{% endif %}",
        "{% if 'vip' in customer.tags %}a{% endif %}",
        "{% if order.placed_at < now %}late{% endif %}",
        "{{ order.attributes.anything.at.all }}",
        "{{ link('order') or order.url }}",
        "{{ order.items | length }} {{ order.items | plural(one='item', other='items') }}",
        "{# a note #}{% raw %}{{ not a name }}{% endraw %}",
    ],
)
def test_what_texts_need_is_allowed(source: str) -> None:
    assert check_text(source, NAMES) == ()


def test_only_the_names_that_are_offered_may_be_said() -> None:
    assert codes("{{ shipment.carrier }}") == set()
    assert {each.code for each in check_text("{{ shipment.carrier }}", {"order"})} == {"not-offered"}
    assert check_text("{{ discount }}", {"discount"}) == ()


# ---------------------------------------------------------------- stopped while it is filled


def many(count: int) -> dict[str, Any]:
    return {"order": {"items": [{"name": "x" * 100, "categories": ["c" * 100] * 200}] * count}}


def test_output_is_cut_off_while_it_is_produced() -> None:
    source = "{% for i in order.items %}{{ i.name }}{% endfor %}"
    assert len(fill(source, many(600))) == 60_000
    with pytest.raises(TooLongError, match=str(MAX_OUTPUT)):
        fill(source, many(5_000))


def test_the_limit_counts_bytes_of_what_people_write() -> None:
    names = {"order": {"items": [{"name": "ї" * 100}] * 400}}
    with pytest.raises(TooLongError):
        fill("{% for i in order.items %}{{ i.name }}{% endfor %}", names)


def test_loops_without_output_end_too() -> None:
    source = "{% for i in order.items %}{% for c in i.categories %}{% endfor %}{% endfor %}"
    begun = process_time()
    with pytest.raises(TooLongError, match="loops"):
        fill(source, many(100_000))
    assert process_time() - begun < 10


def test_one_value_cannot_be_a_megabyte() -> None:
    assert len(fill("{{ order.note }}", {"order": {"note": "x" * 10**6}})) == 4_000


def test_values_are_no_templates() -> None:
    names = world("en", order={"number": "{{ shop.name }}{% for a in b %}"})
    assert fill("{{ order.number }}", names) == "{{ shop.name }}{% for a in b %}"


@pytest.mark.parametrize("value", [object(), {"a": 1}, [1], {1, 2}, b"bytes", 3 + 4j, type, len])
def test_a_value_of_a_wrong_kind_is_absent_and_never_printed(value: object) -> None:
    assert render_text("[{{ order.number }}]", {"order": {"number": value}}, "en", KYIV) == "[–]"
    assert render_text("[{{ order.number }}]", {"order": value}, "en", KYIV) in ("[–]",)


@pytest.mark.parametrize("source", ["{{ waited or 'none' }}", "{{ escalation.reason or 'none' }}"])
def test_a_name_that_is_not_there_is_a_gap_and_no_mistake(source: str) -> None:
    """A branch that was not taken would have brought it."""
    assert render_text(source, {"order": {}}, "en", KYIV) == "none"
    assert render_text("[{{ waited }}]", {}, "en", KYIV) == "[–]"


def test_an_untyped_value_that_is_no_text_is_refused_when_it_is_printed() -> None:
    with pytest.raises(UnprintableError):
        fill("{{ order.attributes.list }}", {"order": {"attributes": {"list": [1, 2]}}})
    with pytest.raises(UnprintableError):
        fill("{{ order.attributes.n | day }}", {"order": {"attributes": {"n": 5}}})
    with pytest.raises(UnprintableError):
        fill(
            "{% if order.attributes.n < order.attributes.t %}a{% endif %}",
            {"order": {"attributes": {"n": 5, "t": "x"}}},
        )


@pytest.mark.parametrize("amount", [Decimal("NaN"), Decimal("Infinity"), float("inf"), 10**40, Decimal("1e400"), True])
def test_an_impossible_amount_is_absent(amount: object) -> None:
    assert render_text("[{{ order.total | money }}]", {"order": {"total": amount}}, "en", KYIV) == "[–]"


PIECES = st.sampled_from(
    [
        "{{", "}}", "{%", "%}", "{#", "#}", " order", ".number", ".items", " | money", " | plural('a','b')", " if ", " for i in ",
        " endif ", " endfor ", "i.name", "(", ")", "[", "]", "'", '"', "~", "*", "**", "9", "1e9", " or ", " and ", " not ", " in ",
        " is defined", "_", ".__class__", " else ", "link('order')", "\n", "\x00", "ї", "::", "- ", "{{ order.number }}",
        "{% if order.gift %}", "{% endif %}", "{% for i in order.items %}", "{% endfor %}", "{% raw %}", "{% endraw %}", "loop.index",
    ]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_whatever_is_written_is_refused_or_filled_and_nothing_else(source: str) -> None:
    problems = check_text(source, NAMES)
    assert {each.code for each in problems} <= CODES
    if not problems:
        try:
            assert len(render_text(source, world("en"), "en", KYIV)) <= 2_000
        except TextError:
            return
