"""Hints of errors."""

from __future__ import annotations

import time

from penstock.kit import errors


def test_the_nearest_name_is_named() -> None:
    assert errors.nearest("prise", ["name", "price"]) == "Did you mean 'price'?"
    assert errors.nearest("zzz", ["name", "price"]) is None


def test_a_very_long_name_is_near_to_nothing_and_costs_nothing() -> None:
    before = time.process_time()
    assert errors.nearest("ab" * 500_000, ["ab" * 30] * 500) is None
    assert time.process_time() - before < 0.5
