"""Takes one rule out of a definition, as whoever sent it would: the document, not the parsed schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from penstock.tables.schema.ddl import Rule

Document = Mapping[str, Any]


def without(document: Document, rule: Rule) -> dict[str, Any]:
    """The document without the rule; the same when it is not there."""
    match rule.kind:
        case "constraint":
            return _changed(
                document, "fields", lambda one: _relaxed(one, rule.what) if one["name"] == rule.name else one
            )
        case "index":
            return _changed(document, "indexes", lambda one: None if one["name"] == rule.name else one)
        case "foreign_key":
            return _changed(document, "foreignKeys", lambda one: None if _is_key(one, rule) else one)


def _changed(document: Document, name: str, change: Callable[[Document], Document | None]) -> dict[str, Any]:
    entries: list[Document] | None = document.get(name)
    if not entries:
        return dict(document)
    return {**document, name: [kept for one in entries if (kept := change(one)) is not None]}


def _relaxed(field: Document, what: str) -> Document:
    given: Document = field.get("constraints") or {}
    constraints = {name: value for name, value in given.items() if name != what}
    rest = {name: value for name, value in field.items() if name != "constraints"}
    return {**rest, "constraints": constraints} if constraints else rest


def _is_key(entry: Document, rule: Rule) -> bool:
    fields: str | list[str] = entry["fields"]
    named = (fields,) if isinstance(fields, str) else tuple(fields)
    return named == rule.fields and entry["reference"].get("resource", "") == rule.name
