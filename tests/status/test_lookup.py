"""What a native code means: STATUS.md, section 8, and the storage rules of section 5."""

from datetime import timedelta

import pytest

from hub.status import (
    NOT_BY_PATTERN,
    RULES,
    STORAGE_RULES,
    By,
    Meaning,
    Order,
    Shipment,
    Status,
    Table,
    check_plugin_table,
    lookup,
    propose,
    storage_rule,
)

PLUGIN = {
    "7": Meaning(Shipment.READY_FOR_PICKUP, "Arrived"),
    "7/doors": Meaning(Shipment.ARRIVED_AT_BRANCH, "Arrived, to the door"),
    "NTF": Meaning(None, "Customer was notified"),
    "6004??": Meaning(Shipment.DELIVERY_FAILED, "Not delivered at the point"),
    "6*": Meaning(Shipment.IN_TRANSIT, "Some scan"),
    "60*": Meaning(Shipment.ON_HOLD, "Some delay"),
}


def found(code: str, merchant: dict[str, Meaning] | None = None) -> tuple[Status | None, str, str] | None:
    hit = lookup(code, merchant=Table.of(merchant or {}), plugin=Table.of(PLUGIN))
    return None if hit is None else (hit.meaning.status, hit.by.value, hit.pattern)


def mine(*codes: str) -> dict[str, Meaning]:
    return {code: Meaning(Order.ON_HOLD, "mine") for code in codes}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("7/doors", (Shipment.ARRIVED_AT_BRANCH, "plugin-exact", "7/doors")),
        ("7/warehouse", (Shipment.READY_FOR_PICKUP, "plugin-exact", "7")),
        (" ntf ", (None, "plugin-exact", "NTF")),
        ("600412", (Shipment.DELIVERY_FAILED, "plugin-pattern", "6004??")),
        ("6004123", (Shipment.ON_HOLD, "plugin-pattern", "60*")),
        ("61", (Shipment.IN_TRANSIT, "plugin-pattern", "6*")),
        ("6", (Shipment.IN_TRANSIT, "plugin-pattern", "6*")),
        ("8", None),
        ("", None),
        ("/doors", None),
    ],
)
def test_a_code_is_found(code: str, expected: tuple[Status | None, str, str] | None) -> None:
    assert found(code) == expected


@pytest.mark.parametrize(
    ("merchant", "by", "row"),
    [
        (mine("7/doors", "7", "7*"), By.MERCHANT_EXACT, "7/doors"),
        (mine("7", "7/*"), By.MERCHANT_EXACT, "7"),
        (mine("7/d*", "7*", "?"), By.MERCHANT_PATTERN, "7/d*"),
        (mine("?"), By.MERCHANT_PATTERN, "?"),
        (mine("8"), By.PLUGIN_EXACT, "7/doors"),
    ],
)
def test_the_merchant_comes_before_the_plugin_and_exact_before_pattern(
    merchant: dict[str, Meaning], by: By, row: str
) -> None:
    hit = lookup("7/doors", merchant=Table.of(merchant), plugin=Table.of(PLUGIN))
    assert hit is not None
    assert (hit.by, hit.pattern) == (by, row)


def test_the_pattern_with_most_fixed_characters_wins_and_a_tie_is_settled_by_the_alphabet() -> None:
    rows = {"a*": Meaning(None, "1"), "?b": Meaning(None, "2"), "ab*": Meaning(None, "3")}
    table = Table.of(rows)
    assert [row.written for row in table.patterns] == ["ab*", "?b", "a*"]


def test_what_looks_like_an_expression_is_plain_text() -> None:
    table = Table.of({"CRE.1*": Meaning(Shipment.ANNOUNCED, "Created")})
    assert lookup("CRE.1001", plugin=table)
    assert lookup("CREX1001", plugin=table) is None


def test_two_spellings_of_one_code_are_refused() -> None:
    with pytest.raises(ValueError, match="'wc-lost' and 'WC-Lost ' are the same code"):
        Table.of(mine("WC-Lost ", "wc-lost"))


@pytest.mark.parametrize("status", [each for each in RULES if each in NOT_BY_PATTERN])
def test_a_plugin_may_not_guess_what_much_hangs_on(status: Status) -> None:
    check_plugin_table(
        {"exact": Meaning(status, "x"), "6*": Meaning(Shipment.IN_TRANSIT, "x"), "7*": Meaning(None, "")}
    )
    with pytest.raises(ValueError, match=r"'6\*' to \w+\.\w+"):
        check_plugin_table({"6*": Meaning(status, "x")})


def test_what_a_plugin_may_not_guess_is_delivered_returned_refunded_and_cancelled() -> None:
    assert {status.value for status in NOT_BY_PATTERN} == {"delivered", "returned", "refunded", "cancelled"}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("wc-partial-shipped", "shipped"),
        ("Нове замовлення", "received"),
        ("Gotowe do odbioru", "ready_for_pickup"),
        ("Готово до видачі", "ready_for_pickup"),
        ("Payment pending", "awaiting_payment"),
        ("Oczekiwanie na płatność", None),
        ("Оплачен", "paid"),
        ("Zwrot pieniędzy", "refunded"),
        ("Lost in the post", "problem"),
        ("Not delivered", "delivery_failed"),
        ("Renewed", None),
        ("", None),
    ],
)
def test_the_name_of_a_status_makes_a_proposal(name: str, status: str | None) -> None:
    proposal = propose(name)
    assert (proposal and proposal.status) == status
    assert proposal is None or proposal.note.startswith("the name says '")


@pytest.mark.parametrize(
    ("carrier", "kind", "free", "basis"),
    [
        ("inpost", "locker", timedelta(hours=48), "estimated"),
        ("inpost", "partner", None, None),
        ("poczta_polska", "post_office", timedelta(days=14), "estimated"),
        ("nova_poshta", "branch", None, "told"),
        ("cdek", "locker", None, "told"),
        ("", "shop", timedelta(days=7), "estimated"),
    ],
)
def test_storage_is_as_the_carriers_say(carrier: str, kind: str, free: timedelta | None, basis: str | None) -> None:
    rule = storage_rule(carrier, kind)
    assert rule is not None
    assert (rule.free, rule.basis) == (free, basis)


def test_an_unknown_carrier_has_no_storage_rule() -> None:
    assert storage_rule("nova_poshta", "locker") is None
    assert storage_rule("acme", "branch") is None


def test_only_what_is_reckoned_needs_a_length_and_a_beginning() -> None:
    for rule in STORAGE_RULES.values():
        assert (rule.free is None) == (rule.starts is None) == (rule.basis != "estimated")
        assert rule.source
