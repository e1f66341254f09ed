"""Conditions: what they mean over data, what is refused when they are read, and where."""

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.flows.cel import Compiled, Wants, compile_expression
from hub.flows.model import Unknown
from hub.flows.types import LATER_NAMES, offered

NAMES = offered(("shipment.ready_for_pickup",))
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DATA: Mapping[str, Any] = {
    "now": NOW,
    "shop": {"key": "kavovar", "timezone": "Europe/Kyiv"},
    "order": {
        "number": "1001",
        "status": "packed",
        "total": Decimal("1450.00"),
        "placed_at": NOW - timedelta(days=3),
        "delay": timedelta(days=6),
        "tags": ["vip", "wholesale"],
        "item_count": 2,
        "wholesale": False,
        "country": "UA",
        "items": [
            {"name": "Ethiopia", "price": Decimal("650.50"), "quantity": Decimal(1), "categories": ["beans", "new"]},
            {"name": "Mug", "quantity": Decimal(2), "categories": []},
        ],
        "attributes": {"roast": "dark", "grams": 250, "gone": None},
    },
    "payment": {"on_delivery": False, "failures": 0},
    "customer": {"orders": 0, "tags": [], "timezone": "Europe/Kyiv", "phone": "+380441234567", "email": None},
    "shipment": {
        "arrived_at": NOW,
        "pickup_deadline": NOW + timedelta(days=7),
        "last": {"at": NOW, "native_status": "7"},
        "failures": 2,
        "status": "ready_for_pickup",
    },
    "shipments": [{"status": "delivered"}, {"status": "in_transit"}],
}


def compiled(text: str, wants: Wants = Wants.ANY) -> Compiled:
    found = compile_expression(text, wants, NAMES)
    assert isinstance(found, Compiled), found
    return found


def value(text: str) -> Any:
    return compiled(text).value(DATA)


MEANING = [
    # amounts and whole numbers
    ("order.total >= 500", True),
    ("500 < order.total", True),
    ("order.total >= 1450 && order.total <= 1450", True),
    ("order.total == 1450.0", True),
    ("order.item_count == 2", True),
    ("order.item_count > 1.5", True),
    ("order.items.exists(i, has(i.price) && i.price > 650)", True),
    # unknown is absorbed, and not guessed
    ("order.note == 'x'", Unknown(("order.note",))),
    ("order.note != 'x'", Unknown(("order.note",))),
    ("!(order.note == 'x')", Unknown(("order.note",))),
    ("false && order.note == 'x'", False),
    ("order.note == 'x' && false", False),
    ("true || order.note == 'x'", True),
    ("order.note == 'x' || true", True),
    ("true && order.note == 'x'", Unknown(("order.note",))),
    ("order.note == 'x' || false", Unknown(("order.note",))),
    ("order.note == 'x' || order.eta > now", Unknown(("order.note", "order.eta"))),
    ("has(order.note) && order.note == 'x'", False),
    ("!has(order.note) || order.note == 'x'", True),
    ("has(order.note) ? order.note : 'none'", "none"),
    ("has(shipment.pickup_point) && shipment.pickup_point.kind == 'locker'", False),
    ("shipment.pickup_point.kind == 'locker'", Unknown(("shipment.pickup_point",))),
    ("has(shipment.pickup_point.name)", Unknown(())),
    ("valid_email(customer.email)", Unknown(("customer.email",))),
    ("!valid_phone(customer.phone, order.country)", False),
    ("order.items.exists(i, i.price > 600)", True),
    ("order.items.exists(i, i.price > 700)", Unknown(("order.items.price",))),
    ("order.items.all(i, i.price > 600)", Unknown(("order.items.price",))),
    ("order.attributes.roast == 'dark'", True),
    ("order.attributes.grams > 200", True),
    ("order.attributes.gone == 'x'", Unknown(("order.attributes.gone",))),
    ("has(order.attributes.gone)", False),
    ("order.attributes.roast > 3", Unknown(())),
    ("event.source == 'x'", Unknown(("event",))),
    # times and lengths
    ("now - order.placed_at >= days(3)", True),
    ("now - order.placed_at > hours(72)", False),
    ("order.delay >= days(5)", True),
    ("shipment.pickup_deadline - shipment.arrived_at > days(4)", True),
    ("between(shipment.arrived_at, shipment.pickup_deadline, 0.5)", NOW + timedelta(days=3, hours=12)),
    ("now + minutes(30)", NOW + timedelta(minutes=30)),
    ("weekday(now, 'Europe/Kyiv')", 7),
    ("now.getHours('Europe/Kyiv')", 14),
    ("now.getHours(shop.timezone)", 14),
    ("now.getHours('+05:30')", 17),
    ("timestamp('2026-03-01T12:00:00Z') == now", True),
    ("duration('1h30m') == minutes(90)", True),
    ("shipment.last.at == now", True),
    ("at(now, '09:00', 'Nowhere/Land' + '')", Unknown(())),
    # texts and lists
    ("'vip' in order.tags", True),
    ('order.tags.exists(t, t == "vip")', True),
    ("order.status in ['packed', 'picking']", True),
    ("order.items.exists(i, i.categories.exists(c, c == 'beans'))", True),
    ("size(order.items) == order.item_count", True),
    ("size(order.items) > 0.5 && 1.5 >= 1", True),
    ("weekday(now, 'Europe/Kyiv') < 6.5", False),
    ("order.items.filter(i, 'beans' in i.categories).size() == 1", True),
    ("order.number.matches('^10+1$') && order.number.startsWith('1')", True),
    ("lower('ЇЖАК') == 'їжак'", True),
    ("shipments.exists(s, s.status == 'delivered')", True),
    ("order.tags[5] == 'x'", Unknown(())),
    ("1 / (order.item_count - 2) > 0", Unknown(())),
    ("valid_email('olena@kavovar.example')", True),
    ("valid_email('olena@kavovar')", False),
    ("valid_phone('12', 'UA')", False),
    ("valid_phone('nonsense', '')", False),
]


@pytest.mark.parametrize(("text", "expected"), MEANING)
def test_what_an_expression_means(text: str, expected: Any) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("clock", "day", "zone", "expected"),
    [
        pytest.param("09:00", datetime(2026, 3, 28, 12, tzinfo=UTC), "Europe/Kyiv", "2026-03-28T07:00", id="winter"),
        pytest.param("09:00", datetime(2026, 3, 29, 12, tzinfo=UTC), "Europe/Kyiv", "2026-03-29T06:00", id="summer"),
        pytest.param("03:30", datetime(2026, 3, 29, 12, tzinfo=UTC), "Europe/Kyiv", "2026-03-29T01:00", id="the gap"),
        pytest.param("03:30", datetime(2026, 10, 25, 12, tzinfo=UTC), "Europe/Kyiv", "2026-10-25T00:30", id="twice"),
        pytest.param("02:30", datetime(2026, 3, 29, 12, tzinfo=UTC), "Europe/Warsaw", "2026-03-29T01:00", id="Warsaw"),
        pytest.param(
            "23:30", datetime(2026, 3, 1, 23, tzinfo=UTC), "Europe/Kyiv", "2026-03-02T21:30", id="that local day"
        ),
    ],
)
def test_an_hour_of_a_local_day(clock: str, day: datetime, zone: str, expected: str) -> None:
    found = compiled(f"at(now, '{clock}', '{zone}')").value({"now": day})
    assert isinstance(found, datetime) and found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M") == expected


def test_a_value_is_of_the_kind_that_is_asked_for() -> None:
    names = {"order": {"attributes": {"x": "text", "t": NOW}}}
    assert compiled("order.attributes.x", Wants.BOOL).value(names) == Unknown(())
    assert compiled("order.attributes.x", Wants.TIME).value(names) == Unknown(())
    assert compiled("order.attributes.t", Wants.TIME).value(names) == NOW


@pytest.mark.parametrize(
    "data", [{}, {"order": None}, {"order": 3}, {"order": {"total": object()}}, {"order": {"total": 10**40}}]
)
def test_evaluation_never_raises(data: Mapping[str, Any]) -> None:
    assert isinstance(compiled("order.total > 5 && order.wholesale").value(data), Unknown)


def test_too_many_steps_of_a_loop_are_unknown() -> None:
    names = {"order": {"items": [{"categories": ["x"] * 200}] * 200}}
    text = "order.items.exists(i, i.categories.exists(c, c == 'y'))"
    assert compiled(text).value(names) == Unknown(exceeded=True)
    assert compiled(f"true || {text}").value(names) in (True, Unknown(exceeded=True))


@pytest.mark.parametrize(("lines", "found"), [(9_999, False), (10_001, Unknown(exceeded=True))])
def test_a_loop_has_ten_thousand_steps(lines: int, found: Any) -> None:
    assert (
        compiled("order.items.exists(i, i.name == 'x')").value({"order": {"items": [{"name": "y"}] * lines}}) == found
    )


# ------------------------------------------------------------------------------------------------ what is refused

REFUSED = [
    ("order.totl > 1", "cel-field", 6, "'order' has no field 'totl'; did you mean 'total'?"),
    ("'їжак' == order.totl", "cel-field", 16, None),
    ("has(order.nota)", "cel-field", 10, None),
    ("order.items.exists(i, i.skuu == 'a')", "cel-field", 24, "'item' has no field 'skuu'; did you mean 'sku'?"),
    ("shipment.pickup_point.kid == 'a'", "cel-field", 22, None),
    ("true &&\n\n  order.totl > 1", "cel-field", 17, None),
    ("totl > 1", "cel-name", 0, None),
    ("total > 1", "cel-name", 0, "there is no name 'total'; did you mean 'order.total'?"),
    ("order.status == packed", "cel-name", 16, "there is no name 'packed'; a text is written with quotes: \"packed\""),
    ("order.wholesale == no", "cel-name", 19, "there is no name 'no'; write false"),
    ("waited == 'x'", "not-offered", 0, None),
    ("escalation.choice == 'x'", "not-offered", 0, None),
    ("promise.by > now", "not-yet", 0, "'promise' is not supported in this version"),
    ("order.gift && has(coupon.code)", "not-yet", 18, None),
    *((f"{name}.x == 'y'", "not-yet", 0, None) for name in sorted(LATER_NAMES)),
    (
        "dyn(order.total) == 5",
        "cel-function",
        0,
        "'dyn' is not part of this language: everything keeps the type that is declared for it",
    ),
    ("order.number == dyn(5)", "cel-function", 16, None),
    ("type(order.total) == double", "cel-function", 0, None),
    ("order.total >= 5u", "cel-type", 15, "a number is written without a 'u'"),
    ("size(b'abc') > 2", "cel-constant", 5, "there are no bytes; a text is written without the 'b'"),
    ("order.total == 5", "cel-type", 12, None),
    ("order.total in [1, 2]", "cel-type", 12, None),
    ("order.number + 1", "cel-type", 13, "'+' cannot be used between a text and a whole number"),
    ("!order.number", "cel-type", 0, None),
    ("now > '2026-01-01'", "cel-type", 4, None),
    ("order.wholesale ? 1 : 'a'", "cel-type", 16, None),
    ("days('a') > days(1)", "cel-type", 0, "days(…) takes a whole number, not a text"),
    ("at(now, '09:00') > now", "cel-type", 0, None),
    ("hub.item{name: 'a'}.name == 'a'", "cel-type", 0, None),
    ("has(order)", "cel-syntax", 4, None),
    ("order.gift && has(ordr.note)", "cel-name", 18, "there is no name 'ordr'; did you mean 'order'?"),
    (
        "has(waited)",
        "cel-syntax",
        4,
        "'waited' is always there after a wait, and empty when nothing came; ask it",
    ),
    ("now + 2d > now", "cel-syntax", 7, "'d' does not belong here; a length of time is written days(3)"),
    ("nofn(1)", "cel-function", 0, "there is no function 'nofn' here"),
    ("order.number.lower() == 'a'", "cel-function", 13, None),
    ("valid_fone(customer.phone, 'UA')", "cel-function", 0, None),
    ('working_days(now, now, "UA") > 2', "cel-constant", 23, None),
    ("duration('3d') > days(1)", "cel-constant", 9, "'3d' is no duration CEL knows; write days(3)"),
    ("duration('soon') > days(1)", "cel-constant", 9, None),
    ("timestamp('tomorrow') > now", "cel-constant", 10, None),
    ("at(now, '25:00', shop.timezone) > now", "cel-constant", 8, None),
    ("at(now, '09:00', 'Europe/Kiew') > now", "cel-constant", 17, None),
    ("now.getHours('Kyiv') > 3", "cel-constant", 13, None),
    ("order.number.matches('(')", "cel-constant", 21, None),
    ("order.note == null", "cel-constant", 11, None),
    ("order.item_count > 99999999999999999999", "cel-constant", 19, None),
    ("order.total >= 1 &&", "cel-syntax", 19, "the expression ends too early"),
    ("(order.total >= 1", "cel-syntax", 17, None),
    ("order.total = 5", "cel-syntax", 12, "'=' is not CEL; write =="),
    ("order.gift and order.wholesale", "cel-syntax", 11, "'and' is not CEL; write &&"),
    ("order.gift or order.wholesale", "cel-syntax", 11, "'or' is not CEL; write ||"),
    ("order..total", "cel-syntax", 6, None),
    ("'open", "cel-syntax", 0, None),
    ("{{ order.total }} > 5", "cel-syntax", None, None),
    ("", "cel-syntax", 0, None),
    ("  ", "cel-syntax", 0, None),
    ("order.total", "not-a-condition", 0, "this is a number, and a condition is asked for"),
    ("order.number", "not-a-condition", 0, None),
    ("now", "not-a-condition", 0, None),
]


@pytest.mark.parametrize(("text", "code", "offset", "said"), REFUSED)
def test_what_is_wrong_is_named_at_its_character(text: str, code: str, offset: int | None, said: str | None) -> None:
    found = compile_expression(text, Wants.BOOL, NAMES)
    assert not isinstance(found, Compiled)
    first = found[0]
    assert (first.code, len(found)) == (code, 1)
    assert offset is None or first.offset == offset
    assert said is None or first.text == said


def test_a_moment_is_asked_for() -> None:
    found = compile_expression("order.total", Wants.TIME, NAMES)
    assert not isinstance(found, Compiled) and found[0].code == "not-a-time"
    assert isinstance(compile_expression("now + days(1)", Wants.TIME, NAMES), Compiled)


def test_two_mistakes_of_one_expression_are_both_named() -> None:
    found = compile_expression("order.totl > 1 && order.not_e == 'x'", Wants.BOOL, NAMES)
    assert not isinstance(found, Compiled) and [each.code for each in found] == ["cel-field", "cel-field"]


def test_a_name_that_not_every_trigger_offers() -> None:
    names = offered(("order.received", "shipment.shipped"))
    found = compile_expression("shipment.count > 1", Wants.BOOL, names)
    assert not isinstance(found, Compiled) and (found[0].code, found[0].offset) == ("not-offered", 0)


# ------------------------------------------------------------------------------------------------ hostile

HOSTILE = {
    "too long": "true " + "|| true " * 300,
    "brackets": "(" * 900 + "true" + ")" * 900,
    "just too many brackets": "(" * 33 + "true" + ")" * 33,
    "lists": "[" * 40 + "]" * 40 + " == []",
    "ternaries": "true ? " * 200 + "true" + " : false" * 200,
    "calls": "size(" * 40 + "'a'" + ")" * 40 + " > 0",
    "fields": "order" + ".attributes" * 150 + " == 1",
    "sums": "1" + " + 1" * 480 + " > 0",
    "loop over a literal": "[1, 2, 3].exists(x, x > 1)",
    "loop over a sum": "(order.items + order.items).exists(i, true)",
    "loop over a loop": "order.items.map(i, i.name).map(n, n).exists(n, true)",
    "loop in a loop": "order.items.exists(i, order.items.exists(j, i.name == j.name))",
    "three loops": "shipments.exists(s, s.items.exists(i, i.categories.exists(c, c == 'x')))",
    "text in a loop": "order.items.map(i, i.name + i.name).size() > 0",
    "text in an inner loop": "order.items.exists(i, i.categories.exists(c, (c + c) == 'x'))",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_expression_is_refused_when_it_is_read(name: str) -> None:
    began = time.process_time()
    found = compile_expression(HOSTILE[name], Wants.BOOL, NAMES)
    assert time.process_time() - began < 10
    assert not isinstance(found, Compiled) and found[0].code == "cel-limit", found


@pytest.mark.parametrize("text", ["!" * 500 + "true", "-" * 500 + "1 > 0"])
def test_signs_in_a_row_are_harmless(text: str) -> None:
    assert compiled(text, Wants.BOOL).value(DATA) is True


def test_a_long_and_true_chain_is_fine() -> None:
    chain = " && ".join(f"order.number != '{n}'" for n in range(80))
    assert compiled(chain, Wants.BOOL).value(DATA) is True


TOKENS = (
    *("order", ".", "total", "items", "exists", "(", ")", "i", ",", "&&", "||", "!", ">", ">=", "==", "+", "1", "2.5"),
    *("'a'", '"', "now", "days", "has", "[", "]", "{", "}", "?", ":", "in", "true", "false", "null", "shipment"),
    *("pickup_deadline", "\n", "їжак", "\\", "`"),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), max_size=24))
def test_no_mixture_of_tokens_breaks_anything(tokens: list[str]) -> None:
    text = " ".join(tokens)
    found = compile_expression(text, Wants.BOOL, NAMES)
    if isinstance(found, Compiled):
        assert isinstance(found.value(DATA), bool | Unknown)
    else:
        assert found and all(0 <= each.offset <= max(len(text), 2000) for each in found)
        assert not any("ERROR" in each.text or "overload" in each.text or "hub." in each.text for each in found)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_no_text_breaks_anything(text: str) -> None:
    found = compile_expression(text, Wants.ANY, NAMES)
    assert isinstance(found, Compiled) or found


def test_threads_agree() -> None:
    expression = compiled("order.total >= 500 && order.tags.exists(t, t == 'vip')")
    found: list[Any] = []

    def ask() -> None:
        found.extend(expression.value(DATA) for _ in range(500))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == [True] * 2000


def test_the_fields_read_are_known() -> None:
    assert compiled("order.total > 1 || true").absent({"order": {}}) == ("order.total",)
