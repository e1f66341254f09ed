"""`hub flows test`: what is printed, what is written for a build server, and the exit status."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from .using import Shop

FLOW = "flows: {packed: {on: order.packed, steps: [{notify: {template: packed, via: letter}}]}}\n"
HOLDS = """
  - name: a packed order is told of
    when: [{at: "2026-03-02T10:00", order: packed}]
    then: [{at: "2026-03-02T10:01", message: packed}]
"""
FAILS = """
  - name: a packed order is told of later
    when: [{at: "2026-03-02T10:00", order: packed}]
    then:
      - {at: "2026-03-02T10:05", message: packed}
"""


@pytest.fixture
def agreed(tmp_path: Path, lived: Path) -> Shop:
    """A file of one flow, without tests yet."""
    shop = Shop(tmp_path)
    text = (lived / "flows.yaml").read_text("utf-8")
    shop.file.write_text(text[: text.index("\nflows:") + 1] + FLOW, "utf-8")
    return shop


def write(shop: Shop, *cases: str) -> None:
    with shop.file.open("a", encoding="utf-8") as file:
        file.write("tests:" + "".join(cases))


def test_cases_that_hold(agreed: Shop) -> None:
    write(agreed, HOLDS)
    result = agreed.hub("flows", "test")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "ok      a packed order is told of",
        "",
        "1 of 1 case holds",
        "flows: 1 of 1",
        "branches: 0 of 0",
        "languages: 1 of 1",
    ]


def test_a_case_that_does_not_hold_is_shown_line_by_line(agreed: Shop) -> None:
    write(agreed, HOLDS, FAILS)
    result = agreed.hub("flows", "test")
    assert result.exit_code == 1
    line = agreed.file.read_text("utf-8").splitlines().index('      - {at: "2026-03-02T10:05", message: packed}') + 1
    shown = [
        "FAILED  a packed order is told of later",
        f"        flows.yaml:{line}:9:",
        "          - 2026-03-02T10:05 message packed",
        "          + 2026-03-02T10:01 message packed via mail by packed",
    ]
    assert result.stdout.splitlines()[1:5] == shown
    assert "1 of 2 cases hold" in result.stdout


def test_one_case_by_its_name(agreed: Shop) -> None:
    write(agreed, HOLDS, FAILS)
    result = agreed.hub("flows", "test", "--case", "Told of later")
    assert result.exit_code == 1 and "told of later" in result.stdout and "flows:" not in result.stdout
    assert agreed.hub("flows", "test", "--case", "nobody").exit_code == 2


def test_for_a_program(agreed: Shop) -> None:
    write(agreed, HOLDS, FAILS)
    told = agreed.told("flows", "test")
    assert told["holds"] is False and [each["holds"] for each in told["cases"]] == [True, False]
    (difference,) = told["cases"][1]["differences"]
    assert difference["expected"].endswith("message packed") and "10:01" in difference["found"]
    assert told["cases"][0]["effects"][0]["what"] == "packed"
    assert told["coverage"]["flows"] == {"packed": True} and told["coverage"]["languages"] == {"uk": True}


def test_for_a_build_server(agreed: Shop, tmp_path: Path) -> None:
    write(agreed, HOLDS, FAILS)
    report = tmp_path / "report.xml"
    agreed.hub("flows", "test", "--junit", str(report))
    suite = ElementTree.parse(report).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.find("failure") is None for case in suite] == [True, False]


def test_a_file_without_tests_and_one_with_mistakes_are_refused(agreed: Shop) -> None:
    result = agreed.hub("flows", "test")
    assert result.exit_code == 2 and "has no 'tests'" in result.stderr
    write(agreed, HOLDS.replace("order: packed", "order: packd"))
    result = agreed.hub("flows", "test")
    assert result.exit_code == 2 and "unknown-status" in result.stderr
