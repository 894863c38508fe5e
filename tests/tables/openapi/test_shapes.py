"""Fields as JSON Schema."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from penstock.tables.openapi.shapes import components, is_portable
from penstock.tables.schema import parse_schema


def shapes(*fields: dict[str, Any]) -> dict[str, Any]:
    schema = {"fields": [{"name": "id", "type": "integer"}, *fields], "primaryKey": "id", "title": "T"}
    return components(parse_schema(schema), "T")


def test_the_four_of_a_table() -> None:
    found = shapes({"name": "a", "constraints": {"required": True}}, {"name": "b"})
    assert set(found) == {"T", "TFields", "TCreate", "TChange"}
    assert found["T"]["required"] == ["id", "a", "b"]
    assert found["T"]["title"] == "T"
    assert found["TFields"]["required"] == ["id"]
    assert found["TCreate"]["required"] == ["a"]
    assert "required" not in found["TChange"]
    assert found["TChange"]["properties"]["a"]["type"] == "string"
    assert found["TChange"]["properties"]["id"]["type"] == "integer"
    assert found["TCreate"]["properties"]["id"]["type"] == ["integer", "null"]
    assert found["TFields"]["properties"]["b"]["type"] == ["string", "null"]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ({"constraints": {"minLength": 2, "maxLength": 5}}, {"minLength": 2, "maxLength": 5}),
        ({"type": "array", "constraints": {"minLength": 2}}, {"minItems": 2}),
        ({"type": "integer", "constraints": {"minimum": 3}}, {"minimum": 3, "maximum": 2**63 - 1}),
        ({"type": "number", "constraints": {"maximum": 3.5}}, {"maximum": Decimal("3.5")}),
        ({"constraints": {"pattern": "a+"}}, {"pattern": "^(?:a+)$"}),
        ({"default": "x"}, {"default": "x"}),
        ({"type": "date", "constraints": {"minimum": "2020-01-01"}}, {"description": "At least 2020-01-01."}),
        ({"constraints": {"pattern": "(?i)a"}}, {"description": "Matches the RE2 pattern `(?i)a`."}),
        ({"constraints": {"unique": True}}, {"description": "No two records have the same."}),
        ({"title": "N", "description": "D"}, {"title": "N", "description": "D"}),
    ],
)
def test_constraints(field: dict[str, Any], expected: dict[str, Any]) -> None:
    written = shapes({"name": "f", **field})["TCreate"]["properties"]["f"]
    assert {key: written.get(key) for key in expected} == expected


def test_one_of_a_list() -> None:
    found = shapes({"name": "f", "constraints": {"enum": ["a", "b"]}})
    assert found["TCreate"]["properties"]["f"] == {
        "anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "null"}]
    }
    assert found["TFields"]["properties"]["f"]["anyOf"][0]["enum"] == ["a", "b"]


@pytest.mark.parametrize("pattern", ["a+", r"\d{2}\.\w", "(a|b)?", "(?:x)", "[^a-z]", r"a\b"])
def test_patterns_that_every_engine_reads(pattern: str) -> None:
    assert is_portable(pattern)
    re.compile(pattern)


@pytest.mark.parametrize("pattern", ["(?i)a", r"\pL", "[[:alpha:]]", r"\Aa\z", r"\Qa\E", "(?P<n>a)"])
def test_patterns_of_re2_alone(pattern: str) -> None:
    assert not is_portable(pattern)
