from __future__ import annotations

import pytest

from penstock_sdk import ConflictError, RowFault
from penstock_sdk._batches import chunks, located


def test_chunks_take_no_more_than_they_need() -> None:
    taken: list[int] = []

    def rows():
        for number in range(7):
            taken.append(number)
            yield {"n": number}

    parts = chunks(rows(), 3)
    assert next(parts) == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert taken == [0, 1, 2]
    assert [len(part) for part in parts] == [3, 1]


def test_a_chunk_has_a_size() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        next(chunks([], 0))


def test_faults_are_counted_from_the_start_of_the_stream() -> None:
    error = located(ConflictError("x", rows=[RowFault(2, {"a": ["b"]})]), 10)
    assert [row.index for row in error.rows] == [12]
