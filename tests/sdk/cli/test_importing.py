from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from penstock_sdk import ConflictError, ForbiddenError, RowFault, ValidationError
from penstock_sdk.cli._formats import SourceRow
from penstock_sdk.cli._importing import ImportResult, load


class Table:
    """Stores all rows of a request or none; refuses odd numbers in `bad`, naming at most two."""

    def __init__(self, *bad: int, named: bool = True) -> None:
        self.bad = set(bad)
        self.named = named
        self.stored: list[int] = []

    def __call__(self, rows: Sequence[dict[str, Any]]) -> None:
        numbers = [row["n"] for row in rows]
        faults = [RowFault(index, {"n": ["is bad"]}) for index, n in enumerate(numbers) if n in self.bad]
        if faults and self.named:
            raise ValidationError("Bad rows.", rows=faults[:2])
        if faults:
            raise ConflictError("Taken.", errors={"n": ["is taken"]})
        self.stored += numbers


def source(count: int, *unreadable: int) -> list[SourceRow]:
    return [SourceRow(n + 2, {"n": n}, {"n": "unreadable"} if n in unreadable else {}) for n in range(count)]


def run(table: Table, rows: list[SourceRow], *, skip_bad: bool) -> tuple[Any, list[int]]:
    seen: list[int] = []
    result = ImportResult()
    load(rows, table, result, chunk=4, skip_bad=skip_bad, on_progress=seen.append)
    return result, seen


def test_good_rows_are_stored_in_chunks() -> None:
    table = Table()
    result, seen = run(table, source(10), skip_bad=False)
    assert (result.stored, result.skipped, result.stopped) == (10, 0, False)
    assert table.stored == list(range(10))
    assert seen == [4, 8, 10]


def test_a_bad_row_stops_the_import_and_its_chunk_is_not_stored() -> None:
    table = Table(5)
    result, _ = run(table, source(10), skip_bad=False)
    assert table.stored == [0, 1, 2, 3]
    assert (result.stored, result.skipped, result.stopped) == (4, 1, True)
    assert [(bad.row, bad.field, bad.reason) for bad in result.bad] == [(7, "n", "is bad")]


def test_an_unreadable_row_stops_before_anything_is_sent() -> None:
    table = Table()
    result, _ = run(table, source(3, 1), skip_bad=False)
    assert table.stored == []
    assert (result.stopped, result.bad[0].row) == (True, 3)


@pytest.mark.parametrize("named", [True, False])
def test_bad_rows_are_left_out_whether_the_server_names_them_or_not(named: bool) -> None:
    table = Table(0, 1, 2, 5, 8, named=named)
    result, seen = run(table, source(10, 9), skip_bad=True)
    assert sorted(table.stored) == [3, 4, 6, 7]
    assert (result.stored, result.skipped, result.stopped) == (4, 6, False)
    assert sorted(bad.row for bad in result.bad) == [2, 3, 4, 7, 10, 11]
    assert seen == [4, 8, 10]


def test_an_error_that_is_not_about_rows_is_raised() -> None:
    def refuse(_rows: Sequence[dict[str, Any]]) -> None:
        raise ForbiddenError("No.")

    with pytest.raises(ForbiddenError):
        load(source(1), refuse, ImportResult(), chunk=4, skip_bad=True, on_progress=lambda _: None)


def test_only_the_first_faults_are_kept() -> None:
    result, _ = run(Table(*range(250)), source(250), skip_bad=True)
    assert (len(result.bad), result.skipped) == (100, 250)
