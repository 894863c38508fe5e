"""Assignments of a statement that writes, gathered into the document and the columns beside it."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.kit import sql
from penstock.tables.fields import BY_NAME
from penstock.tables.models import TableSchema
from penstock.tables.providers.jsonb.layout import Layout, member_of, object_of, raw_name


def inserted(layout: Layout, schema: TableSchema, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """The columns of the view that a new record fills, each with its value.

    A member that is not named is null, and not what its absence stands for.
    """
    columns = [(sql.identifier(name), value) for name, value in values.items() if name in layout.columns]
    members = [
        (key, member_of(schema.by_name[name], values[name]) if name in values else "NULL")
        for name, key in layout.members.items()
        if name in values or name in layout.missing
    ]
    return [*columns, (sql.identifier(layout.document), object_of(members))]


def changed(layout: Layout, schema: TableSchema, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """As `inserted`, for records `t` that keep what is not named."""
    members = [
        (layout.members[name], member_of(schema.by_name[name], value))
        for name, value in values.items()
        if name in layout.members
    ]
    return _changed(layout, values, members)


def overwritten(
    layout: Layout, schema: TableSchema, names: list[str], fixed: Mapping[str, str]
) -> list[tuple[str, str]]:
    """As `changed`: these fields take the values that could not be inserted, others the ones of `fixed`."""
    document = sql.identifier(layout.document)
    values = {name: f"EXCLUDED.{sql.identifier(name)}" for name in names} | dict(fixed)
    members = [
        (layout.members[name], f"EXCLUDED.{document} -> {sql.literal(layout.members[name])}")
        for name in names
        if name in layout.members
    ]
    members += [
        (layout.members[name], member_of(schema.by_name[name], value))
        for name, value in fixed.items()
        if name in layout.members
    ]
    return _changed(layout, values, members)


def _changed(
    layout: Layout, values: Mapping[str, str], members: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    found = [(sql.identifier(name), value) for name, value in values.items() if name in layout.columns]
    if members:
        document = sql.identifier(layout.document)
        found.append((document, f"t.{document} || {object_of(members)}"))
    return found


def conflicting(layout: Layout, schema: TableSchema, name: str) -> str:
    """A field as a conflict names it; the unique index knows text without the collation that the view gives it."""
    field = schema.by_name[name]
    if name in layout.members and BY_NAME[field.type].column(field).startswith("text"):
        return f'{sql.identifier(raw_name(name))} COLLATE "C"'
    return sql.identifier(name)
