"""What a table with a hierarchy or graph has besides itself: the table of its edges, or edges that a field says.

The steps that make it for a new table make it for a table that has been there too.
"""

from __future__ import annotations

from typing import Any

from penstock.kit import sql
from penstock.tables.models import ForeignKey, OnDelete, TableSchema
from penstock.tables.schema import ddl
from penstock.tables.schema.ddl import Place, Step
from penstock.tables.schema.graph import TYPE_LENGTH
from penstock.tables.schema.language import parse_schema, refuse


def edges_definition(name: str, schema: TableSchema) -> dict[str, Any]:
    """The schema of the table of edges: `from_id` and `to_id` are keys of the table `name`."""
    graph, key = schema.graph, schema.by_name[schema.primary_key[0]]
    assert graph is not None
    kind = {"type": key.type, "format": key.format}
    required = {"constraints": {"required": True}}
    by_column = graph.self_reference is not None
    return {
        "fields": [
            {"name": "id", **(kind if by_column else {"type": "integer"})},
            {"name": "from_id", **kind, **required},
            {"name": "to_id", **kind, **required},
            {"name": "type", "type": "string", "constraints": {"required": True, "maxLength": TYPE_LENGTH}},
            {"name": "metadata", "type": "object"},
            {"name": "created_at", "type": "datetime"},
        ],
        "primaryKey": ["id"],
        "foreignKeys": [
            {
                "fields": [end],
                "reference": {"resource": name, "fields": [key.name]},
                "x-actions": {"onDelete": "CASCADE"},
            }
            for end in ("from_id", "to_id")
        ],
        # Each covers what a walk reads, so that the edges themselves are not touched.
        "indexes": []
        if by_column
        else [
            {"name": "out", "fields": ["from_id", "type", "to_id"], "unique": True},
            {"name": "in", "fields": ["to_id", "type", "from_id"]},
            {"name": "type", "fields": ["type"]},
        ],
    }


def edges_place(place: Place) -> Place:
    """Where the edges of a table are."""
    return Place(place.schema, sql.derived_name(place.name, "edges"))


def companion_steps(name: str, place: Place, schema: TableSchema) -> list[Step]:
    """What a table with a hierarchy or graph needs besides itself; nothing for any other table."""
    require_own_field(name, schema)
    if not keeps_edges(schema):
        return []
    edges = parse_schema(edges_definition(name, schema))
    at = edges_place(place)
    steps = ddl.create_steps(at, edges)
    steps += [
        ddl.foreign_key_step(at, ForeignKey((end,), name, schema.primary_key, OnDelete.CASCADE), place)
        for end in ("from_id", "to_id")
    ]
    return steps


def keeps_edges(schema: TableSchema) -> bool:
    """True when the edges have a table; a field that says them needs none, since its foreign key has an index."""
    return schema.graph is not None and schema.graph.self_reference is None


def require_own_field(name: str, schema: TableSchema) -> None:
    """Raises `Invalid` when the field that says each record's parent refers to another table."""
    column = schema.graph.self_reference if schema.graph else None
    if column is None:
        return
    targets = {one.resource for one in schema.foreign_keys if one.fields == (column,)}
    if targets.isdisjoint(("", name)):
        refuse(f"'self_reference' names '{column}', whose foreign key leads to another table.")


def column_edges(schema: TableSchema, rows: str) -> str:
    """The edges that a self-referencing column of these rows says, as SQL that stands where a table would."""
    graph = schema.graph
    assert graph is not None and graph.self_reference is not None
    key, parent = sql.identifier(schema.primary_key[0]), sql.identifier(graph.self_reference)
    made = 'r."created_at"' if schema.manages("created_at") else "NULL::timestamptz"
    columns = (
        f'r.xmin, r.{key} AS "id", r.{key} AS "from_id", r.{parent} AS "to_id", '
        f'{sql.literal(graph.types[0].name)}::text COLLATE "C" AS "type", NULL::jsonb AS "metadata", '
        f'{made} AS "created_at"'
    )
    return f"(SELECT {columns} FROM {rows} AS r WHERE r.{parent} IS NOT NULL{_alive(schema)})"


def _alive(schema: TableSchema) -> str:
    return ' AND r."is_deleted" IS NOT TRUE' if schema.soft_deletes else ""
