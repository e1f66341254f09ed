"""Files with one mistake each: what is printed about them, word for word, and that no code is without one."""

import pytest

from hub.config.mending import MENDING
from hub.config.problems import CODES

from .corpus import FILES, Wrong, problems_of, wrong_files


@pytest.mark.parametrize("wrong", list(wrong_files()), ids=str)
def test_what_is_printed_is_the_snapshot(wrong: Wrong) -> None:
    """`python -m tests.wrong` writes them anew; read the difference before it is committed."""
    problems, said = problems_of(wrong)
    assert wrong.code in {each.code for each in problems}
    assert said == wrong.snapshot.read_text("utf-8")


def test_every_code_has_a_wrong_file_and_says_how_it_is_mended() -> None:
    shown = {each.code for each in wrong_files()}
    assert set(CODES) - shown == {"test-failed"}, "which comes only of playing the tests of a file"
    assert set(CODES) - set(MENDING) == set()


def test_there_are_at_least_eighty_and_no_snapshot_without_its_file() -> None:
    files = list(wrong_files())
    assert len(files) >= 80
    assert {each.snapshot for each in files} == set(FILES.glob("*/*.txt"))


def test_what_they_stand_on_is_right() -> None:
    file = Wrong("", FILES / "shop.yaml")
    problems, _ = problems_of(file)
    assert [each.code for each in problems] == []
