"""Examples are valid against the schema they are made from."""

from __future__ import annotations

import re
from typing import Any

import pytest

from penstock.kit import http
from penstock.tables.openapi import examples
from penstock.tables.records.codec import RowCodec
from penstock.tables.schema import parse_schema
from tests.server.test_openapi import EVERYTHING, PAIR

PATTERNS = [
    "[A-Z]{3}-[0-9]{2,4}",
    r"\d{5}(-\d{4})?",
    "[a-z0-9]+(?:-[a-z0-9]+)*",
    r"\+?[1-9]\d{1,14}",
    "(red|green)(ish)?",
    "^[A-Za-z_][A-Za-z0-9_]*$",
    r"[^@\s]+@[^@\s]+\.[a-z]{2,}",
    "#[0-9a-fA-F]{6}",
    r"v\d+\.\d+\.\d+",
    ".*",
    "a|b|c",
    r"[\w.]+",
    "(?:ab){2,3}c?",
    r"\(\d{3}\) \d{3}",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_texts_that_match(pattern: str) -> None:
    assert any(re.fullmatch(pattern, text) for text in examples.matching(pattern))


@pytest.mark.parametrize("pattern", ["(", "a{2", "[", "(?=a)", "a**", "\\", "x|(", "(?P<n>a)", ")"])
def test_what_is_not_understood_gives_nothing_or_text(pattern: str) -> None:
    assert all(isinstance(text, str) for text in examples.matching(pattern))


@pytest.mark.parametrize("schema", [EVERYTHING, PAIR])
def test_records_fit(schema: dict[str, Any]) -> None:
    parsed = parse_schema(schema)
    codec = RowCodec(parsed)
    for record in (examples.whole(parsed), examples.created(parsed)):
        assert record is not None
        codec.decode_create(http.encode(record), 1)
    codec.decode_change(http.encode(examples.changed(parsed)), 1)


def test_what_the_server_fills_is_left_out_of_a_create() -> None:
    created = examples.created(parse_schema(EVERYTHING))
    assert created is not None
    assert {"id", "created_at", "updated_at"}.isdisjoint(created)


def test_keys() -> None:
    assert examples.key(parse_schema(EVERYTHING)) == 1
    assert examples.key(parse_schema(PAIR)) == "1,example"


def test_a_field_for_which_none_is_found() -> None:
    hard = {"name": "hard", "constraints": {"pattern": "(?i)x{3}[[:digit:]]\\pL", "required": True}}
    key = {"name": "id", "type": "integer"}
    assert examples.whole(parse_schema({"fields": [key, hard], "primaryKey": "id"})) is None
    soft = {**hard, "constraints": {"pattern": hard["constraints"]["pattern"]}}
    assert examples.whole(parse_schema({"fields": [key, soft], "primaryKey": "id"})) == {
        "id": 1,
        "hard": None,
    }
