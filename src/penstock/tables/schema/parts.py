"""A schema with some of its fields left out, for who may not know of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from penstock.tables.models import TableSchema

# Whatever else a definition says may mention anything.
_SHOWN = frozenset(
    {
        "fields", "primaryKey", "foreignKeys", "indexes", "search_fields", "x-search-fields", "search_language",
        "search_config", "hierarchy", "graph", "edge_types", "title", "description", "audit",
    }
)  # fmt: skip


def without(schema: TableSchema, hidden: Collection[str]) -> TableSchema:
    """The schema with nothing that mentions a hidden field. The key is never hidden."""
    if not hidden:
        return schema
    gone = set(hidden)
    graph = schema.graph
    if graph is not None and graph.self_reference in gone:
        graph = None
    return replace(
        schema,
        fields=tuple(one for one in schema.fields if one.name not in gone),
        foreign_keys=tuple(one for one in schema.foreign_keys if gone.isdisjoint(one.fields)),
        # What an expression or a condition mentions is not looked into.
        indexes=tuple(
            one
            for one in schema.indexes
            if one.expression is None and one.where is None and gone.isdisjoint(one.fields)
        ),
        search_fields=tuple(one for one in schema.search_fields if one[0] not in gone),
        graph=graph,
    )


def raw_without(raw: Mapping[str, Any], hidden: Collection[str], schema: TableSchema) -> dict[str, Any]:
    """As `without`, for the definition as it was sent; `schema` is what is left of it."""
    found: dict[str, Any] = {name: raw[name] for name in raw if name in _SHOWN}
    found["fields"] = [
        {key: value for key, value in one.items() if key != "x-rename-from"}
        for one in raw["fields"]
        if one["name"] not in hidden
    ]
    kept = {one.name for one in schema.indexes}
    if isinstance(raw.get("indexes"), list):
        found["indexes"] = [
            one for one in raw["indexes"] if _mentions_none(one, hidden) and one.get("name") in kept
        ]
    for name in ("foreignKeys", "search_fields", "x-search-fields"):
        if isinstance(raw.get(name), list):
            found[name] = [one for one in raw[name] if _mentions_none(one, hidden)]
    if schema.graph is None:
        found.pop("hierarchy", None)
        found.pop("graph", None)
        found.pop("edge_types", None)
    return found


def _mentions_none(part: Any, hidden: Collection[str]) -> bool:
    """True when no text anywhere in the part is a hidden name, or begins with one and a colon."""
    if isinstance(part, str):
        return part not in hidden and part.partition(":")[0] not in hidden
    if isinstance(part, Mapping):
        return all(_mentions_none(one, hidden) for one in msgspec.to_builtins(part).values())
    if isinstance(part, list):
        return all(_mentions_none(one, hidden) for one in msgspec.to_builtins(part))
    return True
