"""The operator table is sound, and the reference page is what it says."""

from __future__ import annotations

from pathlib import Path

from penstock.kit.operators import BY_NAME, OPERATORS, ValueType, allowed, page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "filters.md"


def test_names_are_unique() -> None:
    spelled = [name for row in OPERATORS for name in (row.name, *row.aliases)]
    assert len(spelled) == len(set(spelled)) == len(BY_NAME)


def test_negations_apply_to_the_same_types() -> None:
    for row in OPERATORS:
        if row.negates:
            positive = BY_NAME[row.negates]
            assert (row.types, row.arity) == (positive.types, positive.arity)
            assert not positive.negates


def test_operators_by_type() -> None:
    assert allowed(ValueType.BOOLEAN) == ("eq", "ne", "in", "nin", "null", "nnull")
    assert allowed(ValueType.TSVECTOR) == ("null", "nnull", "search")
    assert "contains" in allowed(ValueType.TEXT)
    assert "contains" not in allowed(ValueType.INTEGER)


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text() == page(), "run: python -m penstock.kit.operators > docs/reference/filters.md"


def test_the_page_names_every_operator() -> None:
    text = page()
    for row in OPERATORS:
        for name in (row.name, *row.aliases) if row.types else ():
            assert f"`{name}`" in text
