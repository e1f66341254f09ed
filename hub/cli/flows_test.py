"""`hub flows test`: does the file do what was agreed?"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._errors import FAILED, refused
from ._out import counted, print_json, printable
from ._setup import config_option, configured, example, json_option

if TYPE_CHECKING:
    from hub.config.model import Config
    from hub.flows.cases import Case
    from hub.messages import Texts
    from hub.rehearsal.cases import Coverage, Result


@click.command(
    "test",
    epilog=example("hub flows test", 'hub flows test --case "never at night"', "hub flows test --junit tests.xml"),
)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@config_option
@click.option("--case", "wanted", metavar="NAME", help="Only cases whose name holds this.")
@click.option("--junit", metavar="FILE", type=click.Path(path_type=Path), help="Write a report for a build server.")
@json_option
@click.pass_context
def test(
    ctx: click.Context, file: Path | None, path: Path, wanted: str | None, junit: Path | None, as_json: bool
) -> None:
    """Does it do what was agreed? The cases of `tests:`, each on the hub itself, with another clock and with
    connections that reach nobody.

    A line of a case that did not come, or came otherwise, is shown with its place; what no case has reached is listed
    at the end. Exit status: 0 all cases hold, 1 some do not, 2 the file is refused, or there is no such case.
    """
    config, texts = configured(file or path)
    cases = _chosen(config, wanted)
    with quietly():
        results = asyncio.run(_run(cases, config, texts, loud=not as_json))
    from hub.rehearsal.cases import coverage

    reached = coverage(results, config) if wanted is None else None
    if junit is not None:
        junit.write_text(_junit(results), "utf-8")
    if as_json:
        print_json(_plain(results, reached))
    else:
        _sum_up(results, reached)
    if not all(each.holds for each in results):
        ctx.exit(FAILED)


def _chosen(config: "Config", wanted: str | None) -> "Sequence[Case]":
    if not config.tests:
        raise refused(f"{config.path.name} has no 'tests'; docs/testing-flows.md shows how they are written")
    cases = [each for each in config.tests if wanted is None or wanted.casefold() in each.name.casefold()]
    if not cases:
        raise refused(
            f"no test's name holds '{wanted}'; there are {len(config.tests)}, such as '{config.tests[0].name}'"
        )
    return cases


@contextmanager
def quietly() -> Iterator[None]:
    """What a rehearsed channel is made to do is no warning to anybody."""
    log = logging.getLogger("hub")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


async def _run(cases: "Sequence[Case]", config: "Config", texts: "Texts", *, loud: bool) -> "list[Result]":
    from hub.rehearsal.cases import run_case

    results = []
    for each in cases:
        result = await run_case(each, config, texts)
        results.append(result)
        if loud:
            _tell(result)
    return results


def _tell(result: "Result") -> None:
    word = click.style("ok    ", fg="green") if result.holds else click.style("FAILED", fg="red", bold=True)
    click.echo(f"{word}  {printable(result.case.name)}")
    for line in _lines(result):
        click.echo(f"        {line}")


def _lines(result: "Result") -> Iterator[str]:
    """Each difference as people compare two lists: what was agreed with `-`, what came with `+`."""
    for each in result.differences:
        yield f"{each.place}:"
        if each.expected:
            yield f"  - {printable(each.expected)}"
        if each.found:
            yield f"  + {printable(each.found)}"


def _sum_up(results: "Sequence[Result]", reached: "Coverage | None") -> None:
    failed = [each for each in results if not each.holds]
    click.echo()
    click.echo(
        f"{len(results) - len(failed)} of {counted(len(results), 'case')} {'hold' if len(results) > 1 else 'holds'}"
    )
    if reached is None:
        return
    click.echo(_part("flows", "never ran", {name: name for name in reached.flows}, reached.flows))
    labels = {each: f"{each.flow}, {each.label}" for each in reached.branches}
    click.echo(_part("branches", "never taken", labels, reached.branches))
    click.echo(_part("languages", "never spoken", {name: name for name in reached.locales}, reached.locales))


def _part(what: str, never: str, labels: "dict[Any, str]", part: Any) -> str:
    missing = [label for each, label in labels.items() if not part[each]]
    said = f"{what}: {len(part) - len(missing)} of {len(part)}"
    return said + "".join([f"; {never}:", *(f"\n  {each}" for each in missing)] if missing else [])


def _plain(results: "Sequence[Result]", reached: "Coverage | None") -> dict[str, Any]:
    from hub.rehearsal.effects import plain

    cases = [
        {
            "name": each.case.name,
            "file": each.case.place.file,
            "line": each.case.place.line,
            "holds": each.holds,
            "differences": [
                {"line": one.place.line, "column": one.place.column, "expected": one.expected, "found": one.found}
                for one in each.differences
            ],
            "effects": plain(each.effects),
        }
        for each in results
    ]
    whole: dict[str, Any] = {"holds": all(each.holds for each in results), "cases": cases}
    if reached is not None:
        whole["coverage"] = {
            "flows": dict(reached.flows),
            "branches": [
                {"flow": each.flow, "branch": each.label, "taken": taken} for each, taken in reached.branches.items()
            ],
            "languages": dict(reached.locales),
        }
    return whole


def _junit(results: "Sequence[Result]") -> str:
    from xml.etree import ElementTree

    failed = sum(not each.holds for each in results)
    root = ElementTree.Element("testsuite", name="hub flows test", tests=str(len(results)), failures=str(failed))
    for each in results:
        case = ElementTree.SubElement(
            root, "testcase", classname=each.case.place.file, name=each.case.name, line=str(each.case.place.line)
        )
        if not each.holds:
            failure = ElementTree.SubElement(case, "failure", message=each.problems[0].text)
            failure.text = "\n".join(_lines(each))
    ElementTree.indent(root)
    return ElementTree.tostring(root, "unicode", xml_declaration=True) + "\n"
