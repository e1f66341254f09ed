"""A slice of the mutations; `python -m tests.wrong.mutants` tries 20,000."""

from pathlib import Path

from .mutants import good_files, read, run


def test_the_files_that_go_wrong_are_right(tmp_path: Path) -> None:
    goods = good_files()
    assert len(goods) >= 3
    for text in goods.values():
        (tmp_path / "flows.yaml").write_text(text, "utf-8")
        assert read(tmp_path / "flows.yaml").errors == ()


def test_nothing_crashes_or_hangs_and_every_refusal_has_its_place() -> None:
    seen = run(300, seed=7)
    assert seen.wrong == [] and seen.tried == 300
    assert seen.read > 10 and len(seen.codes) > 15, "they are wrong in too few ways to say anything"
