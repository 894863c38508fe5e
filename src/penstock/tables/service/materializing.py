"""Has the physical tables of definitions made, and writes down that they are; `tables.schema` makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.db import Connection
from penstock.tables import events, store
from penstock.tables.models import DataTable, NewOperation
from penstock.tables.providers import require_served
from penstock.tables.schema import materialize as schema
from penstock.tables.schema.materialize import Done
from penstock.tables.schema.vectors import declared, require_home


async def materialize(conn: Connection, grant: Grant, names: Sequence[str]) -> list[Done]:
    """Materialize these tables of the grant's app, and first those that their foreign keys lead to.

    Holds the app until the transaction ends; what another request has made meanwhile is left as it is. Any
    grant on the app will do, since the first reader of a table makes it. Raises `Invalid` for `json_schema`
    when a definition cannot be made, `BadRequest` when its provider is not served.
    """
    await store.lock_app(conn, grant)
    family = await store.family_of(conn, grant, names)
    tables = {name: entry.table for name, entry in family.items()}
    if missing := set(names) - set(tables):
        # Deleted while this request was on its way here.
        raise errors.NotFound(f"This app has no table '{min(missing)}'.")
    done: list[Done] = []
    waiting = [one for one in tables.values() if not one.is_materialized]
    vectors = await require_home(conn) if any(declared(one.json_schema) for one in waiting) else None
    for name in names:
        steps = schema.plan(tables[name], tables, vectors=vectors)
        for member, _ in steps:
            require_served(family[member.name].provider_type, member.name)
        done += await schema.run(conn, steps)
        made = {member.name for member, _ in steps}
        tables.update({one: replace(tables[one], is_materialized=True) for one in made})
    if done:
        await _write_down(conn, grant, done)
    return done


async def _write_down(conn: Connection, grant: Grant, done: Sequence[Done]) -> None:
    by_table = sorted(done, key=lambda one: one.table.id)
    operations = [_creation(list(steps)) for _, steps in groupby(by_table, key=lambda one: one.table.id)]
    await store.mark_materialized(conn, grant, [one.table_id for one in operations])
    await store.add_operations(conn, grant, operations)
    names = {one.table.id: one.table for one in done}
    for table in names.values():
        await events.changed(
            conn, grant, table.app_id, ("data_table", table.id, table.name), action="table.materialize"
        )


def _creation(steps: Sequence[Done]) -> NewOperation:
    """One row tells how a table came to be: its statement, its indexes and its foreign keys."""
    table: DataTable = steps[0].table
    creates = [one.step for one in steps if one.step.operation_type == "CREATE"]
    create = creates[0]
    return NewOperation(
        table_id=table.id,
        operation_type="CREATE",
        description=create.description,
        sql="\n".join(one.step.sql for one in steps),
        rollback_sql="\n".join(one.rollback_sql or "" for one in reversed(creates)),
        milliseconds=sum(one.milliseconds for one in steps),
    )
