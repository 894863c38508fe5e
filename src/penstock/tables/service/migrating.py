"""Changing the schemas of tables that stand: planned, agreed to, applied wholly or not at all, written down.

The new definitions are stored first; what cannot be applied raises, and the transaction takes them back.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.tables import store
from penstock.tables.errors import ImportFailed
from penstock.tables.models import (
    DataTable,
    Definition,
    ForeignKey,
    NewOperation,
    ProviderType,
    TableEntry,
    TableSchema,
)
from penstock.tables.providers import Feature, capabilities, mongodb
from penstock.tables.schema import identity
from penstock.tables.schema.apply import Limits, StepFailed, attempts, looking, probe, run
from penstock.tables.schema.ddl import Place, Step
from penstock.tables.schema.diff import Change, Kind, Version, diff
from penstock.tables.schema.language import parse_schema
from penstock.tables.schema.materialize import Done, place_of, target
from penstock.tables.schema.vectors import at_home, require_home
from penstock.tables.service import altering_documents as documents
from penstock.tables.service.altering import alteration
from penstock.tables.service.materializing import check_references, materialize, settle
from penstock.tables.service.rules import hold, lift
from penstock.tables.service.unfinished import finish_later
from penstock.tables.service.widening import Sessions, widened


@dataclass(frozen=True, slots=True)
class Terms:
    """How a caller wants changes made. `consent`: data may be lost; `rehearsal`: all of it will be undone.

    Tables of more than `small` rows are large.
    """

    limits: Limits
    small: int = 100_000
    consent: bool = False
    rehearsal: bool = False
    # For what cannot be in the transaction.
    sessions: Sessions | None = None
    # For tables whose records are in another database.
    context: Context | None = None
    # Called before what takes longer than other requests may.
    allow: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A materialized table that is to have another schema; its new definition is stored already."""

    before: TableEntry
    definition: Definition
    old_ids: Mapping[str, str]
    new_ids: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.before.table.name


@dataclass(frozen=True, slots=True)
class Migrated:
    """What was changed in the database. `rows` is an estimate, by table; `steps` includes tables that were made."""

    changes: Sequence[tuple[str, Change]] = ()
    steps: Sequence[Done] = ()
    rows: Mapping[str, int] = field(default_factory=dict[str, int])


class ChangeRefused(Exception):
    """Definitions that cannot be applied, with the reasons by table. Nothing was tried."""

    def __init__(self, faults: Mapping[str, Sequence[str]]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class ChangeFailed(Exception):
    """A step did not work: to be written into the history once the transaction is undone."""

    def __init__(self, grant: Grant, failed: StepFailed) -> None:
        super().__init__(str(failed))
        self.grant, self.failed = grant, failed

    def of_import(self) -> errors.PenstockError:
        """The error for a request over several tables."""
        error = self.failed.error
        if not isinstance(error, errors.Invalid):
            return error
        return ImportFailed(
            {self.failed.table.name: [one for found in (error.errors or {}).values() for one in found]}
        )


@dataclass(frozen=True, slots=True)
class _Plan:
    wanted: Wanted
    table: DataTable
    changes: list[Change]
    steps: list[tuple[Change, Step]]
    rows: int
    large: bool
    # For records that are in another database.
    documents: mongodb.Alteration | None = None

    def of(self, *kinds: Kind) -> list[Step]:
        return [step for change, step in self.steps if change.kind in kinds]

    def between(self) -> list[Step]:
        return [step for change, step in self.steps if change.kind not in (Kind.DROP_KEY, Kind.ADD_KEY)]


async def migrate(conn: Connection, grant: Grant, wanted: Sequence[Wanted], terms: Terms) -> Migrated:
    """Give these tables their new schemas. Raises `ChangeRefused`, or `ChangeFailed` for what the rows refuse."""
    plans = await _plan(conn, grant, wanted, terms)
    _require_consent(plans, terms)
    try:
        async with _prepared(conn, grant, plans, terms):
            for plan in plans:
                if not plan.documents:
                    await probe(conn, plan.table, [step for _, step in plan.steps])
            if terms.rehearsal and any(plan.large for plan in plans):
                # Even a rehearsal would hold locks; the probes have looked at the rows.
                done = [
                    Done(plan.table, step, 0)
                    for plan in plans
                    if not plan.documents
                    for _, step in plan.steps
                ]
            else:
                done = await attempts(conn, terms.limits, lambda: _apply(conn, grant, plans, terms))
            done = [*done, *await _change_documents(conn, grant, plans, terms)]
    except StepFailed as failed:
        raise ChangeFailed(grant, failed) from failed
    for plan in plans:
        await _write_down(conn, grant, plan, [one for one in done if one.table.id == plan.table.id])
    return Migrated(
        [(plan.table.name, change) for plan in plans for change in plan.changes],
        done,
        {plan.table.name: plan.rows for plan in plans},
    )


@asynccontextmanager
async def _prepared(
    conn: Connection, grant: Grant, plans: Sequence[_Plan], terms: Terms
) -> AsyncGenerator[None]:
    """What takes long and keeps nobody out has been done, as long as this lasts."""
    waiting = [plan for plan in plans if any(step.widening for _, step in plan.steps)]
    async with AsyncExitStack() as stack:
        if waiting and not terms.rehearsal and terms.sessions:
            # This transaction, which keeps other changes of the app out, waits as long.
            await conn.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            for plan in waiting:
                steps = [step for _, step in plan.steps]
                await stack.enter_async_context(
                    widened(terms.sessions, grant, plan.table, steps, terms.limits)
                )
        yield


async def record_failure(conn: Connection, change: ChangeFailed) -> None:
    """The row of the history that tells of a change that was undone."""
    step, table = change.failed.step, change.failed.table
    row = NewOperation(
        table.id,
        step.operation_type,
        step.description,
        step.whole_sql,
        None,
        0,
        status="failed",
        detail={"reason": change.failed.error.message},
    )
    await store.add_operations(conn, change.grant, [row])


async def _plan(conn: Connection, grant: Grant, wanted: Sequence[Wanted], terms: Terms) -> list[_Plan]:
    await store.lock_app(conn, grant)
    old = {one.name: parse_schema(one.before.table.json_schema) for one in wanted}
    schemas = [*old.values(), *(one.definition.schema for one in wanted)]
    named = {key.resource for schema in schemas for key in schema.foreign_keys if key.resource}
    entries = await store.find_tables(conn, grant, sorted(named | set(old)))
    tables = {name: entry.table for name, entry in entries.items()}
    plans: list[_Plan] = []
    faults: dict[str, list[str]] = {}
    for one in wanted:
        try:
            capabilities(entries[one.name].provider_type).require(Feature.SCHEMA_CHANGES, one.name)
            check_references(entries[one.name], entries)
            await require_finished(conn, grant, tables[one.name])
            if one.before.provider_type is ProviderType.MONGODB:
                plans.append(await _plan_documents(conn, grant, one, old[one.name], tables, terms))
            else:
                plans.append(await _plan_one(conn, one, old[one.name], tables, terms.small))
            await _check_children(conn, grant, one, tables)
        except errors.Invalid as error:
            faults[one.name] = [
                sentence for messages in (error.errors or {}).values() for sentence in messages
            ]
    if faults:
        raise ChangeRefused(faults)
    return plans


async def _plan_one(
    conn: Connection, wanted: Wanted, old: TableSchema, tables: Mapping[str, DataTable], small: int
) -> _Plan:
    table, new = tables[wanted.name], wanted.definition.schema
    if any(one.vector for one in (*old.fields, *new.fields)):
        home = await require_home(conn)
        old, new = at_home(old, home), at_home(new, home)
    place = place_of(table)
    rows = await _estimate(conn, place, small)
    before, after = Version(old, wanted.old_ids), Version(new, wanted.new_ids)
    changes = diff(table.name, before, after, has_rows=rows > 0)
    for key in new.foreign_keys:
        target(table, new, key, tables)

    def place_at(key: ForeignKey) -> Place | None:
        found = table if key.resource in ("", table.name) else tables.get(key.resource)
        return place_of(found) if found else None

    large = rows > small
    steps = await alteration(conn, table, before, after, changes, place_at, large=large)
    return _Plan(wanted, table, changes, steps, rows, large)


async def _plan_documents(
    conn: Connection,
    grant: Grant,
    wanted: Wanted,
    old: TableSchema,
    tables: Mapping[str, DataTable],
    terms: Terms,
) -> _Plan:
    table = tables[wanted.name]
    rows = await documents.count(terms.context, conn, grant, table)
    before, after = Version(old, wanted.old_ids), Version(wanted.definition.schema, wanted.new_ids)
    changes = diff(table.name, before, after, has_rows=rows > 0)
    found = documents.plan(table, before, after, changes, tables)
    return _Plan(wanted, table, changes, found.steps, rows, large=False, documents=found)


async def _estimate(conn: Connection, place: Place, most: int) -> int:
    """The number of rows, exact up to `most`; beyond it is what PostgreSQL thinks."""
    async with looking(conn):
        count: int = await conn.value(
            f"SELECT count(*) FROM (SELECT FROM {place.sql} LIMIT $1) AS found",  # noqa: S608  (a quoted name)
            most + 1,
        )
    if count <= most:
        return count
    guess: float = await conn.value(
        "SELECT reltuples FROM pg_class WHERE oid = $1::text::regclass", place.sql
    )
    return max(count, int(guess))


async def require_finished(conn: Connection, grant: Grant, table: DataTable) -> None:
    """One change after the other: what comes after a transaction knows the table as that change left it."""
    if await store.has_pending(conn, grant, table.id):
        raise errors.Conflict(
            f"An earlier change of '{table.name}' is still being finished; its history shows what is pending.",
            hint="Wait until it is done, or roll it back.",
        )


async def _check_children(
    conn: Connection, grant: Grant, wanted: Wanted, tables: Mapping[str, DataTable]
) -> None:
    """Tables whose foreign keys refer to this one must find what they refer to, as they do now."""
    names = await store.children_of(conn, grant, [wanted.name])
    children = await store.find_tables(conn, grant, names) if names else {}
    for child in children.values():
        if not child.table.is_materialized:
            continue
        schema = parse_schema(child.table.json_schema)
        for key in schema.foreign_keys:
            if key.resource != wanted.name:
                continue
            target(child.table, schema, key, {**tables, child.table.name: child.table})
            for name in key.reference_fields:
                if name in wanted.old_ids and wanted.old_ids[name] != wanted.new_ids.get(name):
                    message = f"Field '{name}' cannot be renamed: a foreign key of '{child.table.name}' refers to it."
                    raise errors.Invalid({"json_schema": [message]})


def _require_consent(plans: Sequence[_Plan], terms: Terms) -> None:
    if terms.consent or terms.rehearsal:
        return
    faults = {
        plan.table.name: [
            f"Destructive change: {change.loses} requires allow_data_loss"
            for change in plan.changes
            if change.loses
        ]
        for plan in plans
    }
    if any(faults.values()):
        raise ChangeRefused({name: messages for name, messages in faults.items() if messages})


async def _change_documents(
    conn: Connection, grant: Grant, plans: Sequence[_Plan], terms: Terms
) -> list[Done]:
    wanted = [plan.documents for plan in plans if plan.documents]
    if wanted and terms.allow:
        terms.allow()
    return await documents.change(terms.context, conn, grant, wanted, terms.limits, rehearsal=terms.rehearsal)


async def _apply(conn: Connection, grant: Grant, plans: Sequence[_Plan], terms: Terms) -> list[Done]:
    """References go first and come last, over all tables; tables that are referred to are made in between."""
    done: list[Done] = []
    ordinary = [plan for plan in plans if not plan.documents]
    held = [plan for plan in ordinary if await lift(conn, plan.table)]
    for plan in ordinary:
        done += await run(conn, plan.table, plan.of(Kind.DROP_KEY))
    for plan in ordinary:
        done += await run(conn, plan.table, plan.between())
    ours = {plan.table.name for plan in plans}
    for plan in plans:
        resources = {key.resource for key in plan.wanted.definition.schema.foreign_keys} - ours - {""}
        made = await materialize(conn, grant, sorted(resources)) if resources else []
        if terms.context is not None and not terms.rehearsal:
            await settle(terms.context, conn, grant, made)
        done += made
    for plan in ordinary:
        done += await run(conn, plan.table, plan.of(Kind.ADD_KEY))
    for plan in held:
        await hold(conn, plan.table, plan.wanted.before.provider_type)
    return done


async def _write_down(conn: Connection, grant: Grant, plan: _Plan, done: Sequence[Done]) -> None:
    """One row of the history for each step, all of one revision."""
    steps = [one for one in done if one.step.whole_sql]
    if not steps:
        return
    revision = await store.add_revision(
        conn, grant, plan.table.id, plan.wanted.before.schema_text, dict(plan.wanted.old_ids)
    )
    await store.add_operations(conn, grant, [_operation(one, revision) for one in steps])
    if any(one.step.after for one in steps):
        await finish_later(conn, grant, plan.table)


def _operation(done: Done, revision: int) -> NewOperation:
    step = done.step
    # What undoing brings back whole may be undone unasked, when rows turn out to be in the way.
    detail: dict[str, Any] = {"whole": True} if step.keeps_values else {}
    if step.after:
        detail["after"] = [asdict(one) for one in step.after]
    if step.rollback_after:
        detail["rollback_sql"] = step.rollback_sql
        detail["rollback_after"] = [asdict(one) for one in step.rollback_after]
    return NewOperation(
        table_id=done.table.id,
        operation_type=step.operation_type,
        description=step.description,
        sql=step.whole_sql,
        rollback_sql=step.whole_rollback_sql,
        milliseconds=done.milliseconds,
        status="pending" if step.after else "success",
        revision=revision,
        detail=detail,
    )


def identities(
    known: Mapping[str, str], old: TableSchema, new: TableSchema
) -> tuple[dict[str, str], dict[str, str]]:
    """The ids of the fields before and after."""
    return identity.complete(known, old), identity.assign(known, old, new)
