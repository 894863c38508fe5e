"""Has the physical tables of definitions made, and writes down that they are; `tables.schema` makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.tables import events, store
from penstock.tables.models import DataTable, NewOperation, ProviderType, TableEntry, TableSchema
from penstock.tables.providers import Feature, capabilities, mongodb, require_served
from penstock.tables.providers.jsonb import making
from penstock.tables.schema import ddl, feeds
from penstock.tables.schema import materialize as schema
from penstock.tables.schema.ddl import Step
from penstock.tables.schema.language import parse_schema, refuse
from penstock.tables.schema.materialize import Done, place_of
from penstock.tables.schema.vectors import declared, require_home
from penstock.tables.service.rules import hold


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
    configs = await store.source_configs(conn, grant, sorted({one.data_source_id for one in waiting}))

    def create(member: DataTable, wanted: TableSchema) -> list[Step]:
        provider, place = family[member.name].provider_type, place_of(member)
        require_served(provider, member.name)
        if provider is ProviderType.JSONB:
            return making.create_steps(place, member.id, wanted, configs[member.data_source_id])
        steps = ddl.create_steps(place, wanted)
        if wanted.changes:
            steps.append(feeds.start_step(member.id, place, hidden=feeds.hidden_in(wanted)))
        return steps

    for name in names:
        require_served(family[name].provider_type, name)
        if family[name].provider_type is ProviderType.MONGODB:
            made = _collections(name, family, tables)
            done += made
            tables.update({one.table.name: replace(one.table, is_materialized=True) for one in made})
            continue
        _refuse_strangers(family)
        check_references(family[name], family)
        steps = schema.plan(tables[name], tables, create=create, vectors=vectors)
        done += await schema.run(conn, steps)
        made = {member.name for member, _ in steps}
        tables.update({one: replace(tables[one], is_materialized=True) for one in made})
    if done:
        await _write_down(conn, grant, done)
        for table in {one.table.id: one.table for one in done}.values():
            provider = family[table.name].provider_type
            await hold(conn, replace(table, is_materialized=True), provider)
    return done


def _refuse_strangers(family: Mapping[str, TableEntry]) -> None:
    """Raises `Invalid` for a foreign key from a table of PostgreSQL to one that is elsewhere."""
    for entry in family.values():
        if entry.provider_type is ProviderType.MONGODB:
            continue
        for key in parse_schema(entry.table.json_schema).foreign_keys:
            other = family.get(key.resource)
            if other is not None and other.provider_type is ProviderType.MONGODB:
                refuse(
                    f"a foreign key of '{entry.table.name}' refers to '{key.resource}', which another provider stores."
                )


def _collections(name: str, family: Mapping[str, TableEntry], tables: Mapping[str, DataTable]) -> list[Done]:
    """The collection of a table, and those that its foreign keys lead to; raises `Invalid` when one does not fit."""
    found: dict[str, Done] = {}
    waiting = [name]
    while waiting:
        member = tables[waiting.pop()]
        if member.is_materialized or member.name in found:
            continue
        targets = check_collection(member, tables)
        found[member.name] = _collection(member)
        waiting += [target.name for target in targets.values()]
    return list(found.values())


def check_collection(table: DataTable, tables: Mapping[str, DataTable]) -> dict[str, DataTable]:
    """The tables that the foreign keys of a collection lead to, as they call them.

    Raises `Invalid` for a foreign key that does not fit, `BadRequest` for what collections cannot do.
    """
    parsed = parse_schema(table.json_schema)
    mongodb.refuse_unfit(table.name, parsed, is_audited=table.json_schema.get("audit") is True)
    found: dict[str, DataTable] = {}
    for key in parsed.foreign_keys:
        target = found[key.resource] = schema.target(table, parsed, key, tables)
        if target.data_source_id != table.data_source_id:
            refuse(
                f"a foreign key of '{table.name}' refers to '{target.name}', which another data source stores."
            )
        if key.reference_fields != parse_schema(target.json_schema).primary_key:
            mongodb.CAPABILITIES.require(Feature.FOREIGN_UNIQUE, table.name)
    return found


def _collection(table: DataTable) -> Done:
    """What is done before the table is said to be there."""
    parsed = parse_schema(table.json_schema)
    name = table.physical_name
    step = Step(
        "CREATE",
        f"Create collection with {len(parsed.fields)} fields",
        mongodb.described(name, parsed),
        f'db.getCollection("{name}").drop();',
    )
    return Done(table, step, 0, elsewhere=True)


async def settle(ctx: Context, conn: Connection, grant: Grant, done: Sequence[Done]) -> None:
    """Have other databases do their part of what was done, before it is committed here.

    What is made there and not committed here does no harm: the next one to make it finds it there.
    """
    for one in done:
        if one.elsewhere:
            await mongodb.load_engine().prepare(ctx, conn, grant, one.table)


def check_references(table: TableEntry, others: Mapping[str, TableEntry]) -> None:
    """Raises `Invalid` for a foreign key to a field that the provider of the other table keeps no index for."""
    for key in parse_schema(table.table.json_schema).foreign_keys:
        target = table if key.resource in ("", table.table.name) else others.get(key.resource)
        if target is None or capabilities(target.provider_type).can(Feature.FOREIGN_UNIQUE):
            continue
        if set(key.reference_fields) != set(parse_schema(target.table.json_schema).primary_key):
            name, reason = (
                target.table.name,
                capabilities(target.provider_type).refused[Feature.FOREIGN_UNIQUE],
            )
            refuse(f"a foreign key of '{table.table.name}' refers to '{name}', and {reason}")


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
