"""The schema language: what is understood, and the sentence for what is not."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.kit import errors
from penstock.tables.models import ForeignKey, OnDelete
from penstock.tables.schema import canonical_hash, parse_schema

ID = {"name": "id", "type": "integer"}
A = {"name": "a", "type": "string"}
N = {"name": "n", "type": "integer"}


def schema(*fields: Any, **more: Any) -> dict[str, Any]:
    return {"fields": [ID, *fields], "primaryKey": ["id"], **more}


def refused(raw: Any) -> str:
    with pytest.raises(errors.Invalid) as caught:
        parse_schema(raw)
    assert list(caught.value.errors or {}) == ["json_schema"]
    (sentence,) = (caught.value.errors or {})["json_schema"]
    assert sentence.startswith("Invalid Frictionless schema: ")
    return sentence.removeprefix("Invalid Frictionless schema: ")


def test_a_whole_schema() -> None:
    parsed = parse_schema(
        schema(
            {**A, "default": "x", "constraints": {"required": True, "maxLength": 5}},
            {"name": "boss", "type": "integer"},
            primaryKey="id",
            foreignKeys=[
                {
                    "fields": "boss",
                    "reference": {"resource": "", "fields": "id"},
                    "x-actions": {"onDelete": "cascade"},
                }
            ],
            indexes=[
                {"name": "low", "expression": "LOWER(a)", "unique": True, "where": "boss IS NULL OR a <> ''"}
            ],
            search_fields=["a"],
            search_config="german",
            title="T",
        )
    )
    assert (parsed.primary_key, parsed.search_fields, parsed.search_language) == (
        ("id",),
        (("a", "D"),),
        "german",
    )
    assert parsed.foreign_keys == (ForeignKey(("boss",), "", ("id",), OnDelete.CASCADE),)
    assert parsed.by_name["a"].default == "x"
    assert parsed.title == "T"
    (index,) = parsed.indexes
    assert (index.name, index.expression, index.unique) == ("low", 'LOWER("a")', True)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (None, "a schema is an object"),
        ([], "a schema is an object"),
        ({}, "'fields' must be a list"),
        ({"fields": []}, "'fields' must be a list"),
        ({"fields": {}}, "'fields' must be a list"),
        ({"fields": [1], "primaryKey": "id"}, "field 0 must be an object"),
        ({"fields": [ID]}, "'primaryKey' is missing"),
        ({"fields": [ID], "primaryKey": []}, "'primaryKey' is missing"),
        ({"fields": [ID], "primaryKey": ["x"]}, "primaryKey names the unknown field 'x'"),
        ({"fields": [ID], "primaryKey": ["id", "id"]}, "primaryKey names a field twice"),
        (
            {"fields": [{"name": "o", "type": "object"}], "primaryKey": "o"},
            "a field of type object cannot be a key",
        ),
        (schema({"type": "string"}), "field 1 has the name"),
        (schema({"name": ""}), "field 1 has the name"),
        (schema({"name": "1a"}), "field 1 has the name"),
        (schema({"name": 'a"b'}), "field 1 has the name"),
        (schema({"name": "a\0"}), "field 1 has the name"),
        (schema({"name": "ä" * 32}), "field 1 has the name"),
        (schema({"name": "xmin"}), "a name that PostgreSQL keeps for itself"),
        (schema(A, A), "Field 'a' is declared twice"),
        (schema({"name": "a", "type": "strin"}), "Field 'a' has the unknown type 'strin'"),
        (schema({"name": "a", "type": 5}), "Field 'a' has the unknown type '5'"),
        (schema({"name": "a", "type": "integer", "format": "email"}), "Field 'a' has the format 'email'"),
        (schema({"name": "a", "type": "range"}), "must say of what"),
        (schema({**A, "constraints": []}), "Field 'a' has invalid constraints: expected an object"),
        (schema({**A, "constraints": {"minimum": 1}}), "Field 'a' has invalid constraints"),
        (schema({**N, "constraints": {"minLength": 1}}), "Field 'n' has invalid constraints"),
        (schema({**A, "constraints": {"nothing": 1}}), "Field 'a' has invalid constraints"),
        (schema({**A, "constraints": {"required": "yes"}}), "Field 'a' has invalid constraints"),
        (schema({**N, "constraints": {"minimum": "x"}}), "'minimum' is not a integer"),
        (schema({**N, "constraints": {"minimum": 2, "maximum": 1}}), "'minimum' 2 is above 'maximum' 1"),
        (schema({**A, "constraints": {"minLength": 2, "maxLength": 1}}), "'minLength' is above 'maxLength'"),
        (schema({**A, "constraints": {"minLength": -1}}), "'minLength' must be between"),
        (schema({**A, "constraints": {"pattern": "("}}), "'pattern' cannot be used"),
        (schema({**A, "constraints": {"pattern": "(?=a)"}}), "'pattern' cannot be used"),
        (schema({**A, "constraints": {"pattern": "(a)\\1"}}), "'pattern' cannot be used"),
        (schema({**A, "constraints": {"enum": []}}), "'enum' lists 1 to 1,000 values"),
        (schema({**N, "constraints": {"enum": ["a"]}}), "'enum' is not a integer"),
        (schema({**N, "default": "x"}), "has a default that is not a integer"),
        (
            schema({**N, "default": 1, "constraints": {"minimum": 2}}),
            "a default that its own constraints refuse",
        ),
        (schema(A, foreignKeys={}), "'foreignKeys' must be a list"),
        (schema(A, foreignKeys=[1]), "each of 'foreignKeys' is an object"),
        (schema(A, foreignKeys=[{"fields": "x", "reference": {"fields": "id"}}]), "unknown field 'x'"),
        (
            schema(A, foreignKeys=[{"fields": ["a"], "reference": {"fields": ["id", "a"]}}]),
            "pairs 1 fields with 2",
        ),
        (
            schema(
                A,
                foreignKeys=[
                    {"fields": "a", "reference": {"fields": "id"}, "x-actions": {"onDelete": "EXPLODE"}}
                ],
            ),
            "onDelete 'EXPLODE' is not one of",
        ),
        (
            schema(
                {**N, "constraints": {"required": True}},
                foreignKeys=[
                    {"fields": "n", "reference": {"fields": "id"}, "x-actions": {"onDelete": "SET NULL"}}
                ],
            ),
            "SET NULL contradicts the required field 'n'",
        ),
        (schema(A, indexes=[{"fields": ["a"]}]), "an index needs a 'name'"),
        (schema(A, indexes=[{"name": "i"}]), "needs exactly one of 'fields' and 'expression'"),
        (schema(A, indexes=[{"name": "i", "fields": ["a"], "expression": "a"}]), "needs exactly one of"),
        (schema(A, indexes=[{"name": "i", "fields": []}]), "has no fields"),
        (schema(A, indexes=[{"name": "i", "fields": ["x"]}]), "names the unknown field 'x'"),
        (schema(A, indexes=[{"name": "i", "fields": ["a"], "type": "rtree"}]), "has the method 'rtree'"),
        (schema(A, indexes=[{"name": "i", "fields": ["a"], "type": "gin"}]), "cannot have a gin index"),
        (
            schema(A, indexes=[{"name": "i", "fields": ["a"]}, {"name": "i", "fields": ["a"]}]),
            "declared twice",
        ),
        (
            schema(A, indexes=[{"name": "i", "fields": ["a"], "type": "hash", "unique": True}]),
            "only a btree index",
        ),
        (schema(A, search_fields=["x"]), "search_fields names the unknown field 'x'"),
        (schema(N, search_fields=["n"]), "which is no text field"),
        (schema(A, search_fields=[{"field": "a", "weight": "E"}]), "weights are A, B, C and D"),
        (
            schema(A, search_fields=["a"], search_language="klingon"),
            "search_language 'klingon' is not one of",
        ),
        (schema({"name": "search_vector"}, A, search_fields=["a"]), "cannot be named 'search_vector'"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_what_is_refused_and_why(raw: Any, words: str) -> None:
    assert words in refused(raw)


def test_a_typo_gets_a_hint() -> None:
    with pytest.raises(errors.Invalid) as caught:
        parse_schema(schema({"name": "a", "type": "strng"}))
    assert caught.value.hint == "Did you mean 'string'?"


def test_equal_schemas_hash_equally() -> None:
    one = {"fields": [{"name": "id", "type": "integer"}], "primaryKey": ["id"]}
    other = {"primaryKey": ["id"], "fields": [{"type": "integer", "name": "id"}]}
    assert canonical_hash(one) == canonical_hash(other)
    assert canonical_hash(one) != canonical_hash({**one, "title": "x"})
