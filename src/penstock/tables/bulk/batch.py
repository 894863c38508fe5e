"""HTTP for batches: all steps in one transaction, each in a savepoint so that a refusal can be explained."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import asyncpg
import msgspec
from litestar import post
from litestar.response.base import ASGIResponse

from penstock.identity import Grant, Principal, audit, authenticate
from penstock.kit import db, errors, http
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.tables.bulk.steps import Batch, References, Step, check, named
from penstock.tables.catalog import Table
from penstock.tables.models import ProviderType
from penstock.tables.providers import Feature, mongodb
from penstock.tables.providers.postgres import PostgresWriting
from penstock.tables.providers.verbs import Writing
from penstock.tables.records import idempotency
from penstock.tables.records.call import finished, open_table, outside, persist, pool_for
from penstock.tables.records.codec import Incoming
from penstock.tables.records.execute import InTransaction
from penstock.tables.records.matching import unique_fields
from penstock.tables.records.replan import replanned
from penstock.tables.records.shape import Answer
from penstock.tables.records.violations import Refused, explain_here
from penstock.tables.rules.limits import limits_of
from penstock.tables.settings import TablesSettings

BATCH = "/api/apps/{app:str}/batch"
_NOTHING = Incoming([], False, [])
Perform: TypeAlias = "Callable[[Step, Grant, Table, Incoming], Awaitable[Answer]]"


@dataclass(slots=True)
class Run:
    """One pass over the steps; `left` is how many rows they may still write."""

    ctx: Context
    principal: Principal
    opened: dict[str, tuple[Grant, Table]]
    left: int
    references: References

    async def all(self, steps: list[Step], perform: Perform) -> Answer:
        answers: list[dict[str, Any]] = []
        for index, step in enumerate(steps):
            try:
                grant, table = self.opened[step.table]
                incoming = self._read(step, table)
                self.left -= len(incoming.rows)
                answer = await perform(step, grant, table, incoming)
            except errors.PenstockError as error:
                raise named(error, index, step) from error.__cause__
            except asyncpg.PostgresError as error:
                raise named(db.translate(error), index, step) from error
            self.references.answered(step, answer.body)
            body = msgspec.Raw(answer.body or b"null")
            answers.append(
                {"id": step.id, "op": step.op, "table": step.table, "status": answer.status, "body": body}
            )
        return Answer(200, msgspec.json.encode({"steps": answers}))

    async def rows(
        self, conn: Connection, step: Step, grant: Grant, table: Table, incoming: Incoming
    ) -> Answer:
        """A step on a table of PostgreSQL."""
        try:
            async with conn.savepoint():
                writing = PostgresWriting(InTransaction(conn))
                answer = await self._perform(writing, step, grant, table, incoming)
        except (errors.RowRefused, asyncpg.InsufficientPrivilegeError) as refused:
            raise outside(table, limits_of(table, self.principal)) from refused
        except Refused as refused:
            raise await explain_here(conn, table, refused, is_list=incoming.is_list) from refused.error
        if table.is_audited:
            definition = table.definition
            detail = {"batch": True, "step": step.id, "rows": len(incoming.rows)}
            await audit.record(
                conn,
                self.principal,
                f"record.{step.op}",
                "data_table",
                definition.id,
                definition.name,
                detail,
            )
        return answer

    async def documents(
        self, writing: Writing, step: Step, grant: Grant, table: Table, incoming: Incoming
    ) -> Answer:
        """A step on a table of MongoDB."""
        try:
            return await self._perform(writing, step, grant, table, incoming)
        except errors.RowRefused as refused:
            if type(refused) is not errors.RowRefused:
                raise
            raise outside(table, limits_of(table, self.principal)) from refused

    def _read(self, step: Step, table: Table) -> Incoming:
        if isinstance(step.data, msgspec.UnsetType):
            return _NOTHING
        text = self.references.data(step.data)
        decode = table.codec.decode_create if step.op == "create" else table.codec.decode_change
        return decode(text, self.left)

    async def _perform(
        self, writing: Writing, step: Step, grant: Grant, table: Table, incoming: Incoming
    ) -> Answer:
        if step.op == "create":
            return await writing.create(table, grant, incoming, brief=False)
        if step.op == "upsert":
            names = (
                None if isinstance(step.unique_fields, msgspec.UnsetType) else ",".join(step.unique_fields)
            )
            return await writing.upsert(table, grant, incoming, unique_fields(table, names))
        if step.op == "update":
            return await self._update(writing, step, grant, table, incoming)
        return await self._delete(writing, step, grant, table)

    async def _update(
        self, writing: Writing, step: Step, grant: Grant, table: Table, incoming: Incoming
    ) -> Answer:
        if isinstance(step.key, msgspec.UnsetType):
            if not incoming.is_list:
                raise errors.Invalid({"data": ["Without 'key' it is a list of objects, each with its key."]})
            return await writing.update_many(table, grant, incoming)
        if incoming.is_list:
            raise errors.Invalid({"data": ["With 'key' it is one object."]})
        return await writing.update_one(table, grant, self.references.key(step.key), incoming, None)

    async def _delete(self, writing: Writing, step: Step, grant: Grant, table: Table) -> Answer:
        if not isinstance(step.key, msgspec.UnsetType):
            return await writing.delete_one(table, grant, self.references.key(step.key), None)
        if not isinstance(step.ids, msgspec.UnsetType):
            return await writing.delete_by_keys(table, grant, self.references.ids(step.ids))
        assert not isinstance(step.filter, msgspec.UnsetType)
        return await writing.delete_by_filter(table, grant, bytes(step.filter).decode())


@post(BATCH, status_code=200)
@replanned
async def run_batch(request: http.AnyRequest) -> ASGIResponse:
    ctx = http.context(request)
    principal = await authenticate(ctx, request.scope)
    if http.query(request):
        raise errors.Invalid({http.query(request)[0][0][:80]: ["A batch takes no parameters."]})
    batch = await http.parse(request, Batch)
    check(batch)
    opened = await _open(ctx, principal, http.segment(request, "app"), batch)
    limits = [limits_of(table, principal) for _, table in opened.values()]
    settings = ctx.settings(TablesSettings)
    name = http.header(request, b"idempotency-key")
    body = await request.body()

    said = f"POST {request.scope['path'].replace(http.SLASH, '%2F')}"
    once = None if name is None else idempotency.identify(principal, name, said, b"", body)

    def new_run() -> Run:
        return Run(ctx, principal, opened, settings.max_bulk_rows, References())

    async def attempt() -> Answer:
        run = new_run()
        async with pool_for(ctx, limits).transaction() as conn:

            async def work() -> Answer:
                return await run.all(batch.steps, partial(run.rows, conn))

            if once is None:
                return await work()
            return await idempotency.perform(conn, once, settings.idempotency_seconds, work)

    async def attempt_documents() -> Answer:
        grant, _ = opened[batch.steps[0].table]
        records = await mongodb.load_engine().open_batch(ctx, grant, [table for _, table in opened.values()])

        async def work(writing: Writing) -> Answer:
            run = new_run()
            return await run.all(batch.steps, partial(run.documents, writing))

        return await records.perform_all(work, once)

    elsewhere = any(table.provider is ProviderType.MONGODB for _, table in opened.values())
    return finished(await persist(attempt_documents if elsewhere else attempt))


async def _open(ctx: Context, principal: Principal, app: str, batch: Batch) -> dict[str, tuple[Grant, Table]]:
    """Every table that the steps name, each with the permission to write to it."""
    found: dict[str, tuple[Grant, Table]] = {}
    for index, step in enumerate(batch.steps):
        if step.table in found:
            continue
        try:
            grant, table = await open_table(ctx, principal, app, step.table, "record.write", Feature.BATCH)
            if table.edges_of is not None:
                raise errors.BadRequest("Edges have requests of their own, and no place in a batch.")
            for _, other in found.values():
                _require_shared(table, other)
        except errors.PenstockError as error:
            raise named(error, index, step) from error.__cause__
        found[step.table] = grant, table
    return found


def _require_shared(table: Table, other: Table) -> None:
    """Raises `BadRequest` for tables that no transaction has both of."""
    places = [
        one.definition.data_source_id if one.provider is ProviderType.MONGODB else None
        for one in (table, other)
    ]
    if places[0] != places[1]:
        raise errors.BadRequest(
            f"A batch is one transaction, and none has both '{other.name}' and '{table.name}': "
            "they are in different databases.",
            hint="Tables in MongoDB share a batch with those of the same data source.",
        )
