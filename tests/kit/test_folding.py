"""Case folding: one character stays one character, and what folds alike compares alike."""

from __future__ import annotations

import sys

import pytest

from penstock.kit.folding import fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ABC", "abc"),
        ("É", "é"),
        ("İSTANBUL", "istanbul"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("ЖУК", "жук"),
        ("STRAẞE", "straße"),
    ],
)
def test_folds_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_keeps_apart() -> None:
    assert fold("ı") != fold("i")
    assert fold("ss") != fold("ß")


def test_one_character_stays_one_character() -> None:
    for code in range(sys.maxunicode + 1):
        letter = chr(code)
        folded = fold(letter)
        assert len(folded) == 1
        assert fold(folded) == folded
