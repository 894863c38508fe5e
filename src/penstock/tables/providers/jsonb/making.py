"""The statements that make a table of documents: the table, its indexes, and the view that shows it typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from penstock.kit import sql
from penstock.tables.fields import BY_NAME
from penstock.tables.models import Field, Index, TableSchema
from penstock.tables.providers.jsonb.layout import (
    DOCUMENT,
    Layout,
    is_indexed,
    layout_of,
    raw,
    raw_name,
    typed,
    view_of,
)
from penstock.tables.schema import checks, ddl, feeds
from penstock.tables.schema.ddl import Place, Step
from penstock.tables.schema.language import SEARCH_COLUMN

_MOST_STATISTICS = 16


def create_steps(place: Place, table_id: int, schema: TableSchema, config: Mapping[str, Any]) -> list[Step]:
    """As `ddl.create_steps`, with the change feed."""
    layout = layout_of(schema, gin=has_gin(config))
    create = "\n".join([_table(place, schema, layout), *storage(place, config)])
    drop = f"{drop_view(place)}\nDROP TABLE {place.sql};"
    steps = [Step("CREATE", f"Create table with {len(schema.fields)} fields", create, drop)]
    texts = [
        ("Create index of " + one.name, unique(place, layout, one)) for one in _unique_members(layout, schema)
    ]
    texts += [
        (f"Create index {one.name}", create_index(place, schema, layout, one))
        for one in (*schema.indexes, *ddl.implied_indexes(schema))
    ]
    if schema.search_fields:
        texts.append(("Index the search fields", create_search_index(place, schema, layout)))
    if layout.gin:
        texts.append(("Index the documents", create_gin(place)))
    texts += [("Count the values of a field", text) for text in statistics(place, schema, layout).values()]
    steps += [Step("INDEX", what, text, None) for what, text in texts]
    steps.append(
        Step("ALTER", "Show the documents as typed columns", create_view(place, schema, layout), None)
    )
    if schema.changes:
        steps.append(feeds.start_step(table_id, place))
    return steps


def has_gin(config: Mapping[str, Any]) -> bool:
    return config.get("indexing", "gin") == "gin"


def storage(place: Place, config: Mapping[str, Any]) -> list[str]:
    """How long documents are kept; nothing where the server is to decide."""
    wanted = {**config, **config.get("effective", {})}.get("compression")
    if wanted is None:
        return []
    column = f"ALTER TABLE {place.sql} ALTER COLUMN {sql.identifier(DOCUMENT)}"
    if wanted == "none":
        return [f"{column} SET STORAGE EXTERNAL;"]
    return [f"{column} SET STORAGE EXTENDED;", f"{column} SET COMPRESSION {wanted};"]


def _unique_members(layout: Layout, schema: TableSchema) -> list[Field]:
    return [one for one in schema.fields if ddl.has_unique(one, schema) and one.name in layout.members]


def _table(place: Place, schema: TableSchema, layout: Layout) -> str:
    lines = [ddl.column(one, schema) for one in schema.fields if one.name in layout.columns]
    lines.append(f"{sql.identifier(DOCUMENT)} jsonb DEFAULT '{{}}' NOT NULL")
    lines.append(ddl.primary_key(place, schema))
    for field in schema.fields:
        if ddl.has_unique(field, schema) and field.name in layout.columns:
            lines.append(ddl.unique(place, field))
        lines += member_checks(place, layout, field).values()
    body = ",\n  ".join(lines)
    return f"CREATE TABLE {place.sql} (\n  {body}\n);"


def member_checks(place: Place, layout: Layout, field: Field) -> dict[str, str]:
    """The `CHECK` constraints of a field by kind; that a member is required is one of them."""
    found = dict(checks.as_sql(field, typed(layout, field)))
    if field.constraints.required and field.name in layout.members:
        found["required"] = f"{typed(layout, field)} IS NOT NULL"
    return {kind: check(place, field, kind, condition) for kind, condition in found.items()}


def check(place: Place, field: Field, kind: str, condition: str) -> str:
    return f"CONSTRAINT {sql.identifier(ddl.check_name(place, field, kind))} CHECK ({condition})"


def unique(place: Place, layout: Layout, field: Field, *, concurrently: bool = False) -> str:
    name = sql.identifier(ddl.unique_name(place, field))
    when = "CONCURRENTLY " if concurrently else ""
    return f"CREATE UNIQUE INDEX {when}{name} ON {place.sql} (({typed(layout, field)}));"


def create_index(
    place: Place,
    schema: TableSchema,
    layout: Layout,
    index: Index,
    *,
    concurrently: bool = False,
    unless_there: bool = False,
) -> str:
    """As `ddl.create_index`, over the expressions that the view shows as columns."""
    columns = {one.name: typed(layout, one) for one in schema.fields}
    keys = [columns[name] if name in layout.columns else f"({columns[name]})" for name in index.fields]
    if index.expression or index.where:
        from penstock.tables.schema.expressions import substituted  # noqa: PLC0415  (the SQL parser is large)

        expression, where = (
            None if text is None else substituted(text, columns) for text in (index.expression, index.where)
        )
        index = replace(index, expression=expression, where=where)
    return ddl.create_index(place, index, keys=keys, concurrently=concurrently, unless_there=unless_there)


def create_search_index(
    place: Place, schema: TableSchema, layout: Layout, *, concurrently: bool = False
) -> str:
    name = sql.identifier(ddl.search_name(place))
    when = "CONCURRENTLY " if concurrently else ""
    return f"CREATE INDEX {when}{name} ON {place.sql} USING gin (({_search(schema, layout)}));"


def _search(schema: TableSchema, layout: Layout, row: str = "") -> str:
    return ddl.search_vector(schema, lambda name: typed(layout, schema.by_name[name], row))


def gin_name(place: Place) -> str:
    return sql.derived_name(place.name, "members")


def create_gin(place: Place, *, concurrently: bool = False) -> str:
    when = "CONCURRENTLY " if concurrently else ""
    return (
        f"CREATE INDEX {when}{sql.identifier(gin_name(place))} ON {place.sql} "
        f"USING gin ({sql.identifier(DOCUMENT)} jsonb_path_ops);"
    )


def statistics(place: Place, schema: TableSchema, layout: Layout) -> dict[str, str]:
    """What makes PostgreSQL count the values of members as it does those of columns, by name.

    Without it a plan that is kept takes any value for a rare one, and finds half a table through the index.
    """
    found: dict[str, str] = {}
    for field in schema.fields:
        if field.name not in layout.members or not BY_NAME[field.type].orderable or is_indexed(schema, field):
            continue
        parts = (
            layout.members[field.name],
            BY_NAME[field.type].column(field),
            layout.missing.get(field.name, ""),
        )
        name = sql.qualified(place.schema, sql.derived_name(place.name, "statistics", *parts))
        found[name] = f"CREATE STATISTICS IF NOT EXISTS {name} ON ({typed(layout, field)}) FROM {place.sql};"
    # Each of them is looked at whenever a statement is planned.
    return dict(list(found.items())[:_MOST_STATISTICS])


def create_view(place: Place, schema: TableSchema, layout: Layout) -> str:
    """The records as typed columns, the document, and what statements need to know of a row."""
    view = view_of(place).sql
    columns = ["b.xmin", "b.xmax", *shown(schema, layout)]
    return (
        f"CREATE VIEW {view} WITH (security_invoker = true) AS SELECT\n  "
        + ",\n  ".join(columns)
        + f"\nFROM {place.sql} AS b;\nCOMMENT ON VIEW {view} IS {sql.literal(layout.write())};"
    )


def shown(schema: TableSchema, layout: Layout) -> list[str]:
    """The columns of the view, of rows `b` as they are stored."""
    columns = [f"b.{sql.identifier(DOCUMENT)} AS {sql.identifier(layout.document)}"]
    columns += [f"{typed(layout, one, 'b.')} AS {sql.identifier(one.name)}" for one in schema.fields]
    columns += [
        f"{raw(layout, one, 'b.')} AS {sql.identifier(raw_name(one.name))}"
        for one in _texts_in_unique_indexes(layout, schema)
    ]
    if schema.search_fields:
        columns.append(f"{_search(schema, layout, 'b.')} AS {sql.identifier(SEARCH_COLUMN)}")
    return columns


def drop_view(place: Place) -> str:
    return f"DROP VIEW {view_of(place).sql};"


def _texts_in_unique_indexes(layout: Layout, schema: TableSchema) -> list[Field]:
    names = {one.name for one in schema.fields if one.constraints.unique}
    names |= {name for index in schema.indexes if index.unique for name in index.fields}
    return [
        one
        for one in schema.fields
        if one.name in names & set(layout.members) and BY_NAME[one.type].column(one).startswith("text")
    ]
