"""Makes the physical tables of definitions, foreign key targets first, inside the caller's transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from penstock.kit import errors
from penstock.kit.db import Connection, summary
from penstock.tables.models import DataTable, ForeignKey, TableSchema
from penstock.tables.schema import ddl
from penstock.tables.schema.checks import anchored
from penstock.tables.schema.companion import companion_steps
from penstock.tables.schema.ddl import Place, Step
from penstock.tables.schema.language import parse_schema, refuse
from penstock.tables.schema.vectors import at_home

SYSTEM_TABLES = ("auth_user", "storage_objects")


@dataclass(frozen=True, slots=True)
class Done:
    """A step that was executed for a table; or will be, in a database that is `elsewhere`."""

    table: DataTable
    step: Step
    milliseconds: int
    elsewhere: bool = False


def place_of(table: DataTable) -> Place:
    return Place(table.physical_schema, table.physical_name)


def plan(
    table: DataTable,
    siblings: Mapping[str, DataTable],
    *,
    create: Callable[[DataTable, TableSchema], Sequence[Step]],
    vectors: str | None = None,
) -> list[tuple[DataTable, Step]]:
    """Every statement that materializing `table` needs, its unmaterialized targets included.

    `create` gives the steps that make a table itself, as its provider wants them.
    `siblings` are the active tables of the app by name; `vectors` is the schema that has pgvector. Raises
    `errors.Invalid` when a foreign key does not fit.
    """
    found: dict[str, tuple[DataTable, TableSchema]] = {}
    _collect(table, siblings, found)
    creates: list[tuple[DataTable, Step]] = []
    keys: list[tuple[DataTable, Step]] = []
    for member, schema in found.values():
        steps = [*create(member, at_home(schema, vectors))]
        steps += companion_steps(member.name, place_of(member), schema)
        creates += [(member, step) for step in steps]
        for key in schema.foreign_keys:
            target_table = target(member, schema, key, siblings)
            keys.append((member, ddl.foreign_key_step(place_of(member), key, place_of(target_table))))
    return creates + keys


async def run(conn: Connection, steps: Sequence[tuple[DataTable, Step]]) -> list[Done]:
    """Execute a plan; what the database refuses comes back as a 400 for `json_schema`, and nothing is made."""
    done: list[Done] = []
    for table, step in steps:
        started = time.perf_counter()
        try:
            if step.operation_type == "CREATE":
                await try_patterns(conn, parse_schema(table.json_schema))
            await conn.execute(step.sql)
        except asyncpg.PostgresError as error:
            if error.sqlstate and error.sqlstate[:2] in ("42", "22", "54"):
                refuse(f"PostgreSQL refuses to {step.description.lower()}: {summary(error)}.")
            raise
        done.append(Done(table, step, int((time.perf_counter() - started) * 1000)))
    return done


async def try_patterns(conn: Connection, schema: TableSchema) -> None:
    """PostgreSQL would find out about a pattern it cannot read with the first row only."""
    for field in schema.fields:
        if field.constraints.pattern is None:
            continue
        try:
            async with conn.savepoint():
                await conn.value("SELECT '' ~ $1::text", anchored(field.constraints.pattern))
        except asyncpg.DataError as error:
            refuse(
                f"Field '{field.name}' has invalid constraints: PostgreSQL cannot use its 'pattern': {summary(error)}."
            )


def _collect(
    table: DataTable, siblings: Mapping[str, DataTable], found: dict[str, tuple[DataTable, TableSchema]]
) -> None:
    """The table and every unmaterialized table its foreign keys lead to; walks iteratively, chains may be long."""
    waiting = [table]
    while waiting:
        member = waiting.pop()
        if member.name in found or member.is_materialized:
            continue
        schema = parse_schema(member.json_schema)
        found[member.name] = (member, schema)
        for key in schema.foreign_keys:
            waiting.append(target(member, schema, key, siblings))


def target(
    table: DataTable, schema: TableSchema, key: ForeignKey, siblings: Mapping[str, DataTable]
) -> DataTable:
    if key.resource in SYSTEM_TABLES and key.resource not in siblings:
        refuse(f"foreign keys to the system table '{key.resource}' are not supported yet.")
    target = table if key.resource in ("", table.name) else siblings.get(key.resource)
    if target is None:
        refuse(
            f"a foreign key of '{table.name}' refers to the table '{key.resource}', which this app does not have.",
            hint=errors.nearest(key.resource, list(siblings)),
        )
    if target.data_source_id != table.data_source_id and target.physical_schema != table.physical_schema:
        refuse(f"a foreign key of '{table.name}' refers to '{key.resource}', which another provider stores.")
    theirs = schema if target is table else parse_schema(target.json_schema)
    for name in key.reference_fields:
        if name not in theirs.by_name:
            refuse(f"a foreign key of '{table.name}' refers to '{target.name}.{name}', which does not exist.")
    unique = {theirs.primary_key} | {(one.name,) for one in theirs.fields if one.constraints.unique}
    unique |= {index.fields for index in theirs.indexes if index.unique and index.fields and not index.where}
    if {frozenset(columns) for columns in unique}.isdisjoint({frozenset(key.reference_fields)}):
        refuse(
            f"a foreign key of '{table.name}' refers to {', '.join(key.reference_fields)} of '{target.name}', "
            "which is neither its key nor unique."
        )
    for own, other in zip(key.fields, key.reference_fields, strict=True):
        mine, its = ddl.column_type(schema.by_name[own]), ddl.column_type(theirs.by_name[other])
        if mine != its:
            refuse(
                f"a foreign key pairs '{own}' ({mine}) with '{target.name}.{other}' ({its}); the types must be equal."
            )
    return target
