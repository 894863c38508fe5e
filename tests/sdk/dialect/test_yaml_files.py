"""Documents for git: stable, exact, and read with reasons for what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock_sdk._dialect.wanted import WrongDocumentError, completed
from penstock_sdk._dialect.yaml_files import (
    UnreadableDocumentError,
    as_text,
    from_text,
    keys_of,
    read,
    slug_of,
    write,
)

CHARACTERS = st.characters(blacklist_categories=["Cs", "Cn"], blacklist_characters="\x00\ufeff")
TELLING = ["2020-01-01", "no", "1e3", "a\nb", " a\n", "a \nb", "~", "null", "a\r\nb"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(CHARACTERS) | st.sampled_from(TELLING),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(CHARACTERS, max_size=5), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(VALUES)
def test_what_is_written_is_read(value: Any) -> None:
    assert from_text(as_text({"value": value}), "file") == {"value": value}


def test_sql_is_a_block_and_a_date_is_a_text() -> None:
    assert as_text({"sql": "SELECT 1\nFROM t\n"}) == "sql: |\n  SELECT 1\n  FROM t\n"
    assert from_text("value: 2020-01-01", "file") == {"value": "2020-01-01"}


@pytest.mark.parametrize("text", ["a: [", "- a", "1: 2", "!!python/object:x {}"])
def test_what_is_no_document(text: str) -> None:
    with pytest.raises(UnreadableDocumentError):
        from_text(text, "file")


def test_files(tmp_path: Path) -> None:
    documents = {"queries": {"a": {"sql": "x"}, "b": {"sql": "y"}}, "dashboards": {}, "alerts": {}}
    assert len(write(tmp_path, documents)) == 2
    assert write(tmp_path, documents) == []
    assert read(tmp_path) == documents
    del documents["queries"]["a"]
    assert write(tmp_path, documents) == [tmp_path / "queries/a.yaml"]
    (tmp_path / "queries/Not This.yaml").write_text("{}")
    with pytest.raises(UnreadableDocumentError, match="lower-case"):
        read(tmp_path)


def test_keys() -> None:
    assert keys_of([(3, "Sales", None), (1, "Sales", None), (2, "x", "sales")]) == {
        1: "sales-2",
        2: "sales",
        3: "sales-3",
    }
    assert keys_of([(1, "Übersicht & Co", None), (2, "…", None), (3, "y", "Not A Key")]) == {
        1: "ubersicht-co", 2: "unnamed", 3: "y",
    }  # fmt: skip
    assert slug_of("a" * 200) == "a" * 80


QUERY = {"name": "Q", "sql": "SELECT 1"}
SHOWN = {"query": "q", "visualization": "X"}


@pytest.mark.parametrize(
    ("documents", "reason"),
    [
        ({"queries": {"q": {"name": "Q"}}}, "'sql' is missing"),
        ({"queries": {"q": {**QUERY, "sqll": 1}}}, "no field 'sqll'"),
        ({"queries": {"q": {**QUERY, "tags": "a"}}}, "'tags' is of another kind"),
        ({"queries": {"q": {**QUERY, "parameters": [{"name": "p", "query": "ghost"}]}}}, "no query 'ghost'"),
        ({"queries": {"q": {**QUERY, "visualizations": [{"name": "x"}]}}}, "a visualization has"),
        ({"dashboards": {"d": {"name": "D", "widgets": [{}]}}}, "either 'text'"),
        ({"dashboards": {"d": {"name": "D", "widgets": [{"text": 1}]}}}, "no 'text' of this kind"),
        (
            {"queries": {"q": QUERY}, "dashboards": {"d": {"name": "D", "widgets": [SHOWN]}}},
            "no visualization 'X'; it has Table",
        ),
        ({"alerts": {"a": {"name": "A", "query": "ghost", "options": {}}}}, "no query 'ghost'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_document(documents: Any, reason: str) -> None:
    with pytest.raises(WrongDocumentError, match=reason):
        completed(documents)
