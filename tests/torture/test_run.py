"""The kill run itself is run by `scripts/torture`; here stand the small things that it leans on."""

import re
from pathlib import Path

import pytest

from hub.pipeline.crash import POINTS

from .journal import Journal, lines
from .kill import percentile
from .verdict import Verdict
from .world import Plan, Telling

PIPELINE = Path(__file__).parents[2] / "hub" / "pipeline"


def test_every_crash_point_stands_somewhere_in_the_pipeline() -> None:
    found = {
        name for file in PIPELINE.glob("*.py") for name in re.findall(r'crash_point\("([a-z-]+)"\)', file.read_text())
    }
    assert found == set(POINTS)


def test_a_torn_line_of_a_journal_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    journal = Journal(path)
    journal.write(n=1, text="Олена")
    journal.write(n=2)
    journal.close()
    path.write_bytes(path.read_bytes() + b'{"n":3,"te')
    assert list(lines(path)) == [{"n": 1, "text": "Олена"}, {"n": 2}]


def _told(folder: Path, seed: int) -> list[tuple[int, str, bytes]]:
    folder.mkdir()
    telling = Telling(Plan(seed=seed, events=200, hub=""), folder)
    told = [(each.n, each.to, each.body) for each in iter(telling.next, None)]
    telling.sent.close()
    return told


def test_a_seed_tells_the_same_stories_in_the_same_disorder(tmp_path: Path) -> None:
    first, again, other = (_told(tmp_path / name, seed) for name, seed in (("a", 7), ("b", 7), ("c", 8)))
    assert [each[:2] for each in first] == [each[:2] for each in again]
    assert [each[:2] for each in first] != [each[:2] for each in other]
    assert [each[0] for each in first] != sorted(each[0] for each in first), "shuffled"
    assert len({each[0] for each in first}) == len(first) >= 200


def test_a_verdict_names_how_many_and_some_examples() -> None:
    verdict = Verdict()
    verdict.expect([], "things lost")
    verdict.expect(list(range(9)), "things lost")
    assert verdict.problems == ["9 things lost: 0, 1, 2, 3, 4 …"]


@pytest.mark.parametrize(("part", "value"), [(0.5, 3), (0.95, 5), (1.0, 5), (0.0, 1)])
def test_percentiles_are_values_that_were_measured(part: float, value: float) -> None:
    assert percentile([5, 1, 4, 2, 3], part) == value
