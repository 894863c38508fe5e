from __future__ import annotations

from datetime import UTC, datetime

import pytest

from penstock_sdk._retry import RetryPolicy, is_repeatable, parse_retry_after


def test_waits_double_up_to_the_cap_with_full_jitter() -> None:
    policy = RetryPolicy(attempts=5, base=1, cap=5)
    assert [policy.wait(n, None, lambda: 1.0) for n in range(6)] == [1, 2, 4, 5, 5, None]
    assert policy.wait(2, None, lambda: 0.0) == 0


def test_the_server_s_wish_replaces_the_back_off_unless_it_is_too_long() -> None:
    policy = RetryPolicy(longest_wait=10)
    assert policy.wait(0, 7.0) == 7
    assert policy.wait(0, 11.0) is None
    assert policy.wait(3, 1.0) is None


@pytest.mark.parametrize(
    ("method", "key", "expected"),
    [
        ("GET", False, True),
        ("DELETE", False, True),
        ("PUT", False, True),
        ("POST", False, False),
        ("PATCH", True, True),
    ],
)
def test_only_what_does_no_more_when_sent_twice_is_repeatable(method: str, key: bool, expected: bool) -> None:
    assert is_repeatable(method, key) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("45", 45.0),
        ("soon", None),
        ("Sat, 01 Mar 2025 09:30:10 GMT", 10.0),
        ("Sat, 01 Mar 2025 09:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, expected: float | None) -> None:
    assert parse_retry_after(value, datetime(2025, 3, 1, 9, 30, tzinfo=UTC)) == expected
