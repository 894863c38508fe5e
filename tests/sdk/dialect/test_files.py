"""Queries as files: what is written can be read, whatever the query is called."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock_sdk._dialect.files import UnreadableFileError, as_json, as_sql, described, from_json, from_sql

TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["*/", "a */ b\n*/\n", "/*"]
)
SOURCE = {"id": 3, "name": "demo */ nyc", "type": "flat_table"}


def query_of(name: str, sql: str, **more: Any) -> dict[str, Any]:
    picture = {"id": 9, "type": "TABLE", "name": "Table", "description": "", "options": {}}
    return {
        "id": 12,
        "name": name,
        "query": sql,
        "data_source_id": 3,
        "user": {"name": "A */ B"},
        "updated_at": "2025-01-01T00:00:00Z",
        "visualizations": [picture],
        "api_key": "secret",
        **more,
    }


@given(TEXT, TEXT, TEXT)
def test_a_round_trip(name: str, sql: str, description: str) -> None:
    options = {"parameters": [{"name": "p", "type": "text", "value": description}]}
    query = described(query_of(name, sql, description=description, options=options, tags=["*/"]), SOURCE)
    assert "secret" not in as_json(query) + as_sql(query)
    for found in (from_json(as_json(query), "query_12"), from_sql(as_sql(query), "query_12")):
        kept = {key: query[key] for key in ("id", "name", "query", "options", "tags")}
        assert {key: found[key] for key in kept} == kept or not name.strip()
        assert found["query"] == sql and found.get("description", "") == description
        assert (found["data_source"]["id"], found["data_source"]["name"]) == (3, "demo */ nyc")


def test_the_head_of_the_published_script() -> None:
    text = as_sql(described(query_of("Name */ DROP\nme", "SELECT 1"), None))
    assert text.startswith(
        "/*\nName: Name * / DROP me\nData source: 3\nCreated By: A * / B\nLast Updated At: 2025-01-01T00:00:00Z\n"
    )
    assert text.endswith("\n*/\nSELECT 1") and text.count("*/") == 1
    theirs = "/*\nName: Sales\nData source: 4\nCreated By: Ann\nLast Updated At: x\n*/\nSELECT 2"
    found = from_sql(theirs, "query_7")
    assert (found["id"], found["name"], found["query"], found["data_source"]) == (
        7,
        "Sales",
        "SELECT 2",
        {"id": 4},
    )
    assert from_sql("SELECT 3", "mine")["name"] == "mine"


@pytest.mark.parametrize(
    "text", ["[]", "{", "{}", '{"name": 1, "query": "x"}', '{"name": "n", "query": "x", "visualizations": [1]}',
             '{"name": "n", "query": "x", "options": {"parameters": {}}}']
)  # fmt: skip
def test_what_is_no_exported_query(text: str) -> None:
    with pytest.raises(UnreadableFileError):
        from_json(text, "file")
