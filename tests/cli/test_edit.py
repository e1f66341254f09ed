"""One row more in `statuses`, and every other character as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.cli._edit import CannotEditError, MapRow, to_plain_root, with_row

ROW = MapRow("inpost", "X17", "shipment.on_hold")

CASES = {
    "no section": (
        "version: 1\n\nflows:\n  # ours\n  a: {on: order.received}\n",
        "version: 1\n\nflows:\n  # ours\n  a: {on: order.received}\n\nstatuses:\n  inpost: {X17: shipment.on_hold}\n",
    ),
    "no section and no last line end": ("version: 1", "version: 1\n\nstatuses:\n  inpost: {X17: shipment.on_hold}\n"),
    "an empty file": ("", "statuses:\n  inpost: {X17: shipment.on_hold}\n"),
    "nothing but a comment": ("# ours\n", "# ours\n\nstatuses:\n  inpost: {X17: shipment.on_hold}\n"),
    "an empty section": (
        "statuses:   # none yet\nflows: {}\n",
        "statuses:   # none yet\n  inpost: {X17: shipment.on_hold}\nflows: {}\n",
    ),
    "a flow section": (
        "statuses: {shop: {a: order.packed}}  # ours\nflows: {}\n",
        "statuses: {shop: {a: order.packed}, inpost: {X17: shipment.on_hold}}  # ours\nflows: {}\n",
    ),
    "an empty flow section": ("statuses: {}\n", "statuses: {inpost: {X17: shipment.on_hold}}\n"),
    "a flow section over lines": (
        "statuses: {\n  shop: {a: order.packed},  # ours\n}\n",
        "statuses: {\n  shop: {a: order.packed}, inpost: {X17: shipment.on_hold},  # ours\n}\n",
    ),
    "a block section without the connection": (
        "statuses:\n    shop: {a: order.packed}  # ours\n\n# about flows\nflows: {}\n",
        "statuses:\n    shop: {a: order.packed}  # ours\n    inpost: {X17: shipment.on_hold}\n\n"
        "# about flows\nflows: {}\n",
    ),
    "a flow table": (
        "statuses:\n  inpost: {a: order.packed}  # ours\n  shop: {b: order.packed}\n",
        "statuses:\n  inpost: {a: order.packed, X17: shipment.on_hold}  # ours\n  shop: {b: order.packed}\n",
    ),
    "an empty flow table": ("statuses:\n  inpost: {}\n", "statuses:\n  inpost: {X17: shipment.on_hold}\n"),
    "a block table": (
        "statuses:\n  inpost:\n    a: order.packed  # one\n    # two\n  shop: {b: order.packed}\n",
        "statuses:\n  inpost:\n    a: order.packed  # one\n    X17: shipment.on_hold\n"
        "    # two\n  shop: {b: order.packed}\n",
    ),
    "a block table whose last row is written out": (
        "statuses:\n  inpost:\n    a:\n      to: shipment.on_hold\n      reason: delayed   # so\nflows: {}\n",
        "statuses:\n  inpost:\n    a:\n      to: shipment.on_hold\n      reason: delayed   # so\n"
        "    X17: shipment.on_hold\nflows: {}\n",
    ),
    "an empty table": (
        "statuses:\n  inpost:  # soon\nflows: {}\n",
        "statuses:\n  inpost:  # soon\n    X17: shipment.on_hold\nflows: {}\n",
    ),
    "a block table at the end, no last line end": (
        "statuses:\n  inpost:\n    a: order.packed",
        "statuses:\n  inpost:\n    a: order.packed\n    X17: shipment.on_hold\n",
    ),
    "line ends of another system": (
        "version: 1\r\nstatuses:\r\n  inpost:\r\n    a: order.packed\r\n",
        "version: 1\r\nstatuses:\r\n  inpost:\r\n    a: order.packed\r\n    X17: shipment.on_hold\r\n",
    ),
    "other letters before it": (
        "# Мапа 🚚 статусів\nstatuses: {inpost: {стан: order.packed}}\n",
        "# Мапа 🚚 статусів\nstatuses: {inpost: {стан: order.packed, X17: shipment.on_hold}}\n",
    ),
    "a file that is one flow map": (
        "{version: 1, flows: {}}\n",
        "{version: 1, flows: {}, statuses: {inpost: {X17: shipment.on_hold}}}\n",
    ),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_the_row_goes_to_the_right_place(before: str, after: str) -> None:
    assert with_row(before, ROW) == after


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("statuses:\n  inpost: {x17 : order.packed}\n", id="mapped already"),
        pytest.param("statuses: &s\n  inpost: &i {a: order.packed}\n  shop: *i\n  other: *i\n", id="shared by others"),
        pytest.param("a: &i {a: order.packed}\nstatuses:\n  inpost: *i\n", id="an alias"),
        pytest.param("statuses: all\n", id="no map"),
        pytest.param("statuses:\n  inpost: all\n", id="no table"),
        pytest.param("- a\n", id="a list"),
        pytest.param("a: [\n", id="not YAML"),
        pytest.param("version: 1\n...\n", id="a closed document"),
    ],
)
def test_what_cannot_be_edited_safely_is_refused(text: str) -> None:
    with pytest.raises(CannotEditError):
        with_row(text, ROW)


@pytest.mark.parametrize(
    "code", ["7", "7/doors", "on: hold", "no", "null", "a #b", '"', "стан 1", "'", "{x}", "🚚", "-"]
)
def test_a_code_of_any_letters_is_quoted_where_it_must_be(code: str) -> None:
    row = MapRow("inpost", code, "nothing")
    for text in ("", "statuses: {inpost: {a: order.packed}}\n", "statuses:\n  inpost:\n    a: order.packed\n"):
        assert to_plain_root(with_row(text, row))["statuses"]["inpost"][code] == "nothing"


@given(st.text(min_size=1, max_size=30))
def test_any_code_is_written_rightly_or_refused(code: str) -> None:
    row = MapRow("inpost", code, "order.packed", "delayed")
    try:
        found = to_plain_root(with_row("statuses:\n  shop: {a: order.packed}  # ours\n", row))
    except CannotEditError:
        return
    assert found == {
        "statuses": {"shop": {"a": "order.packed"}, "inpost": {code: {"to": "order.packed", "reason": "delayed"}}}
    }
