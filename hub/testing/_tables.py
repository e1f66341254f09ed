"""What every status table is held to."""

from collections.abc import Mapping
from typing import Any

from hub.status import Axis, Meaning, Table, axis_of, check_plugin_table

from ._kit import fail, require


def check_tables(statuses: Mapping[str, Mapping[str, Meaning]], own: str, allowed: frozenset[Axis]) -> None:
    """Vocabularies named after the plugin, every label given, no code twice, no pattern that leads too far, and only
    values of the axes that this kind of plugin may speak of."""
    require(statuses, "give the adapter its status table (`statuses`)")
    for vocabulary, rows in statuses.items():
        require(
            vocabulary == own or vocabulary.startswith(f"{own}."), f"name the vocabulary '{own}' or '{own}.something'"
        )
        require(rows, f"the table {vocabulary} is empty")
        _check_rows(vocabulary, rows, allowed)


def _check_rows(vocabulary: str, rows: Mapping[str, Meaning], allowed: frozenset[Axis]) -> None:
    try:
        Table.of(rows)
        check_plugin_table(rows)
    except ValueError as error:
        fail(f"{vocabulary}: {error}")
    silent = [code for code, meaning in rows.items() if not meaning.label.strip()]
    require(not silent, f"{vocabulary}: give the source's own label of {silent}")
    wrong = [code for code, meaning in rows.items() if not _may_say(meaning.status, allowed)]
    require(not wrong, f"{vocabulary}: {wrong} lead to an axis that such a plugin may not speak of")


def _may_say(status: Any, allowed: frozenset[Axis]) -> bool:
    return status is None or axis_of(status) in allowed
