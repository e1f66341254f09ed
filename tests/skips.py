"""What was skipped is told in one line each; with HUB_REQUIRE_ALL=1 it is a failure."""

import os
from collections import Counter

import pytest

STRICT = "HUB_REQUIRE_ALL"


class Skips:
    """Counts what was skipped, by reason."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            told = report.longrepr
            self.reasons[told[2].removeprefix("Skipped: ") if isinstance(told, tuple) else str(told)] += 1

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> object:
        if self.reasons and os.environ.get(STRICT) == "1" and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return (yield)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        failing = os.environ.get(STRICT) == "1"
        for reason, number in sorted(self.reasons.items()):
            end = f" ({STRICT}=1: this is a failure)" if failing else ""
            terminalreporter.write_line(f"skipped {number}: {reason}{end}", red=failing, yellow=not failing)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Skips(), "orderhub-skips")
