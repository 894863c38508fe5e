"""HTTP for batches: all steps in one transaction, each in a savepoint so that a refusal can be explained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
from penstock.tables.providers import Feature
from penstock.tables.records import idempotency, service
from penstock.tables.records.call import finished, open_table, outside, persist, pool_for
from penstock.tables.records.codec import Incoming
from penstock.tables.records.execute import InTransaction
from penstock.tables.records.matching import unique_fields
from penstock.tables.records.replan import replanned
from penstock.tables.records.shape import Answer
from penstock.tables.records.upsert import upsert
from penstock.tables.records.violations import Refused, explain_here
from penstock.tables.rules.limits import limits_of
from penstock.tables.settings import TablesSettings

BATCH = "/api/apps/{app:str}/batch"
_NOTHING = Incoming([], False, [])


@dataclass(slots=True)
class Run:
    """One pass over the steps; `left` is how many rows they may still write."""

    ctx: Context
    principal: Principal
    opened: dict[str, tuple[Grant, Table]]
    left: int
    references: References

    async def all(self, conn: Connection, steps: list[Step]) -> Answer:
        answers: list[dict[str, Any]] = []
        for index, step in enumerate(steps):
            try:
                answer = await self._one(conn, step)
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

    async def _one(self, conn: Connection, step: Step) -> Answer:
        grant, table = self.opened[step.table]
        incoming = self._read(step, table)
        self.left -= len(incoming.rows)
        try:
            async with conn.savepoint():
                answer = await self._perform(InTransaction(conn), step, grant, table, incoming)
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

    def _read(self, step: Step, table: Table) -> Incoming:
        if isinstance(step.data, msgspec.UnsetType):
            return _NOTHING
        text = self.references.data(step.data)
        decode = table.codec.decode_create if step.op == "create" else table.codec.decode_change
        return decode(text, self.left)

    async def _perform(
        self, runner: InTransaction, step: Step, grant: Grant, table: Table, incoming: Incoming
    ) -> Answer:
        if step.op == "create":
            return await service.create(runner, table, grant, incoming)
        if step.op == "upsert":
            names = (
                None if isinstance(step.unique_fields, msgspec.UnsetType) else ",".join(step.unique_fields)
            )
            return await upsert(runner, table, grant, incoming, unique_fields(table, names))
        if step.op == "update":
            return await self._update(runner, step, grant, table, incoming)
        return await self._delete(runner, step, grant, table)

    async def _update(
        self, runner: InTransaction, step: Step, grant: Grant, table: Table, incoming: Incoming
    ) -> Answer:
        if isinstance(step.key, msgspec.UnsetType):
            if not incoming.is_list:
                raise errors.Invalid({"data": ["Without 'key' it is a list of objects, each with its key."]})
            return await service.update_many(runner, table, grant, incoming)
        if incoming.is_list:
            raise errors.Invalid({"data": ["With 'key' it is one object."]})
        return await service.update_one(runner, table, grant, self.references.key(step.key), incoming, None)

    async def _delete(self, runner: InTransaction, step: Step, grant: Grant, table: Table) -> Answer:
        if not isinstance(step.key, msgspec.UnsetType):
            await service.delete_one(runner, table, grant, self.references.key(step.key), None)
            return Answer(204, b"")
        if not isinstance(step.ids, msgspec.UnsetType):
            return await service.delete_by_keys(runner, table, grant, self.references.ids(step.ids))
        assert not isinstance(step.filter, msgspec.UnsetType)
        return await service.delete_by_filter(runner, table, grant, bytes(step.filter).decode())


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

    async def attempt() -> Answer:
        run = Run(ctx, principal, opened, settings.max_bulk_rows, References())
        async with pool_for(ctx, limits).transaction() as conn:
            if name is None:
                return await run.all(conn, batch.steps)
            said = f"POST {request.scope['path'].replace(http.SLASH, '%2F')}"
            once = idempotency.identify(principal, name, said, b"", body)
            return await idempotency.perform(
                conn, once, settings.idempotency_seconds, lambda: run.all(conn, batch.steps)
            )

    return finished(await persist(attempt))


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
        except errors.PenstockError as error:
            raise named(error, index, step) from error.__cause__
        found[step.table] = grant, table
    return found
