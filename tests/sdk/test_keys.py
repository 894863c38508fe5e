from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from penstock_sdk._keys import key_list, key_segment


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (5, "5"),
        ("a/b ü", "a%2Fb%20%C3%BC"),
        ((datetime(2013, 1, 1, 10, tzinfo=UTC), "UA", 1545), "2013-01-01T10%3A00%3A00Z,UA,1545"),
        (True, "true"),
    ],
)
def test_a_key_is_one_segment(key: Any, expected: str) -> None:
    assert key_segment(key) == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [([1, 2], "1,2"), (["a", "b,c"], '["a","b,c"]'), ([("x", 1)], '[["x",1]]'), (["[a"], '["[a"]')],
)
def test_keys_of_a_delete(keys: list[Any], expected: str) -> None:
    assert key_list(keys) == expected
