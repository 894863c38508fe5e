"""One rule less: the rest of a definition stays as it was sent."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.tables.schema import parse_schema
from penstock.tables.schema.ddl import Rule
from penstock.tables.schema.retract import without

DOCUMENT: dict[str, Any] = {
    "title": "Things",
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "a", "type": "number", "constraints": {"unique": True, "minimum": 1.5}},
        {"name": "b", "type": "integer", "constraints": {"required": True}},
    ],
    "primaryKey": "id",
    "indexes": [{"name": "i", "fields": ["a", "b"], "unique": True}],
    "foreignKeys": [{"fields": "b", "reference": {"resource": "", "fields": "id"}}],
}


@pytest.mark.parametrize(
    ("rule", "path", "value"),
    [
        (Rule("constraint", "a", "unique"), ("fields", 1, "constraints"), {"minimum": 1.5}),
        (Rule("constraint", "a", "minimum"), ("fields", 1, "constraints"), {"unique": True}),
        (Rule("constraint", "b", "required"), ("fields", 2), {"name": "b", "type": "integer"}),
        (Rule("index", "i"), ("indexes",), []),
        (Rule("foreign_key", "", fields=("b",)), ("foreignKeys",), []),
    ],
)
def test_one_rule_less(rule: Rule, path: tuple[Any, ...], value: Any) -> None:
    changed: Any = without(DOCUMENT, rule)
    assert parse_schema(changed) != parse_schema(DOCUMENT)
    assert {name for name in DOCUMENT if changed[name] != DOCUMENT[name]} == {path[0]}
    found = changed
    for step in path:
        found = found[step]
    assert found == value
    assert without(changed, rule) == changed


@pytest.mark.parametrize(
    "rule",
    [
        Rule("constraint", "id", "unique"),
        Rule("constraint", "gone", "unique"),
        Rule("index", "(b)"),
        Rule("foreign_key", "others", fields=("b",)),
    ],
)
def test_a_rule_that_is_not_there(rule: Rule) -> None:
    assert without(DOCUMENT, rule) == DOCUMENT
