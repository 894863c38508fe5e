"""The fields of a table as JSON Schema: what a record holds, and what may be sent."""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from penstock.kit.openapi import nullable, ref
from penstock.tables.fields import BY_NAME
from penstock.tables.models import UNSET, Constraints, Field, TableSchema
from penstock.tables.records.allowed import ACTIONS
from penstock.tables.records.allowed import NAME as ALLOWED
from penstock.tables.records.codec import may_be_null, must_be_sent
from penstock.tables.vectors.compile import SCORES

# What RE2 reads like every other engine: nothing of its own after a question mark, no classes by name.
_PORTABLE = re.compile(r"(?:[^\\(]|\\[^ACEGKPQRXZabcghijklmopqyz0-9]|\\[bB]|\((?!\?)|\(\?:)*")


def components(schema: TableSchema, name: str) -> dict[str, Any]:
    """The component schemas of a table: `name` and, with a word behind it, what reads and writes take."""
    return {
        name: {
            "allOf": [ref(f"{name}Fields")],
            "required": list(schema.names),
            **_texts(schema.title, schema.description),
        },
        f"{name}Fields": {
            "type": "object",
            "description": "Every field, or those that `fields` picks.",
            "properties": {field.name: readable(field, schema) for field in schema.fields} | added(schema),
            "required": list(schema.primary_key),
            "additionalProperties": False,
        },
        f"{name}Create": {
            "type": "object",
            "properties": {field.name: writable(field, schema, is_create=True) for field in schema.fields},
            "required": [field.name for field in schema.fields if must_be_sent(field, schema)],
            "additionalProperties": False,
        },
        f"{name}Change": {
            "type": "object",
            "description": "Fields to change; those that are absent stay.",
            "properties": {field.name: writable(field, schema, is_create=False) for field in schema.fields},
            "additionalProperties": False,
        },
    }


def populated(schema: TableSchema, name: str, replaced: Collection[str]) -> dict[str, Any]:
    """The component schema of a record with related ones, which may stand in the place of `replaced` fields."""
    one = {"type": ["object", "null"]}
    fields = {field.name: readable(field, schema) for field in schema.fields}
    return {
        f"{name}Populated": {
            "type": "object",
            "description": "A record with what `populate` asked for.",
            "properties": {
                field: {"anyOf": [found, one]} if field in replaced else found
                for field, found in fields.items()
            }
            | added(schema),
            "required": list(schema.primary_key),
            "additionalProperties": {"type": ["object", "array", "null"]},
        }
    }


def added(schema: TableSchema) -> dict[str, Any]:
    """What `allowed_actions` and a list by nearness add to records."""
    found: dict[str, Any] = {ALLOWED: {"type": "array", "items": {"enum": list(ACTIONS)}}}
    if any(one.vector for one in schema.fields):
        for name, words in SCORES.items():
            found[name] = {"type": ["number", "null"], "description": words}
    return {name: one for name, one in found.items() if name not in schema.by_name}


def readable(field: Field, schema: TableSchema) -> dict[str, Any]:
    """A value as it is answered."""
    found = {**BY_NAME[field.type].describe(field), **_texts(field.title, field.description)}
    if field.constraints.enum is not None and field.type in ("string", "integer", "boolean"):
        found["enum"] = list(field.constraints.enum)
    always = field.constraints.required or field.name in schema.primary_key
    return found if always else nullable(found)


def writable(field: Field, schema: TableSchema, *, is_create: bool) -> dict[str, Any]:
    """A value as it may be sent, with the constraints that JSON Schema can say; the others in words."""
    found = {**BY_NAME[field.type].describe(field), **constrained(field)}
    words = [field.description, *_in_words(field.constraints, field)]
    if is_create and field.default is not UNSET:
        found["default"] = field.default
    if is_create and schema.manages(field.name):
        words.append("The server fills it.")
    found |= _texts(field.title, " ".join(word for word in words if word))
    return nullable(found) if may_be_null(field, schema, is_create=is_create) else found


def constrained(field: Field) -> dict[str, Any]:
    """The constraints of a field that JSON Schema has words for."""
    given, found = field.constraints, dict[str, Any]()
    unit = "Items" if field.type == "array" else "Length"
    for key, value in ((f"min{unit}", given.min_length), (f"max{unit}", given.max_length)):
        if value is not None:
            found[key] = value
    for key, value in (("minimum", given.minimum), ("maximum", given.maximum)):
        if isinstance(value, int | Decimal):
            found[key] = value
    if given.pattern is not None and is_portable(given.pattern):
        found["pattern"] = f"^(?:{given.pattern})$"
    if given.enum is not None:
        found["enum"] = list(given.enum)
    return found


def is_portable(pattern: str) -> bool:
    """True for a pattern that means the same to RE2, to ECMA 262 and to Python."""
    if not _PORTABLE.fullmatch(pattern) or "[[:" in pattern:
        return False
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _in_words(given: Constraints, field: Field) -> list[str]:
    words: list[str] = []
    for name, value in (("At least", given.minimum), ("At most", given.maximum)):
        if value is not None and not isinstance(value, int | Decimal):
            words.append(f"{name} {value}.")
    if given.pattern is not None and not is_portable(given.pattern):
        words.append(f"Matches the RE2 pattern `{given.pattern}`.")
    if given.unique:
        words.append("No two records have the same.")
    return words


def _texts(title: str, description: str) -> dict[str, Any]:
    return {key: value for key, value in (("title", title), ("description", description)) if value}
