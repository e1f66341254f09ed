"""What is said when the database or its folder cannot be used."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.store.database import Database, DatabaseBusyError, trouble


def test_a_full_disk_is_called_one_and_no_row_is_repeated(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    try:
        with db.writer.connect() as connection:
            connection.exec_driver_sql("CREATE TABLE t (x)")
            connection.exec_driver_sql("PRAGMA max_page_count = 3")
            with pytest.raises(sa.exc.OperationalError) as caught:
                connection.exec_driver_sql("INSERT INTO t VALUES (?)", ("anna@example.test" * 9999,))
        assert trouble(caught.value) == "OperationalError, the disk is full"
    finally:
        db.close()


def test_other_errors_are_said_by_their_kind_alone() -> None:
    assert trouble(TimeoutError("anna@example.test")) == "TimeoutError"


def test_a_folder_that_cannot_be_written_to_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "hub.db.lock").mkdir()
    db = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    try:
        with pytest.raises(DatabaseBusyError, match=r"cannot be written to \(Is a directory\); make it writable"):
            db.hold()
    finally:
        db.close()
