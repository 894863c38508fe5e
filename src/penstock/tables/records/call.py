"""A request for records on its way: who asks, for which table, under which grant; and how its verb runs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from litestar.response.base import ASGIResponse

from penstock.identity import Grant, Principal, audit, authenticate
from penstock.kit import errors, http
from penstock.kit.context import Context
from penstock.kit.db import Pool, Scoped
from penstock.tables import access
from penstock.tables.catalog import Catalog, Table
from penstock.tables.models import ProviderType
from penstock.tables.providers import Feature, capabilities, mongodb, require_served
from penstock.tables.providers.postgres import PostgresReading, PostgresWriting
from penstock.tables.providers.verbs import Reading, Writing
from penstock.tables.records import idempotency
from penstock.tables.records.codec import Incoming
from penstock.tables.records.execute import Autocommit, InTransaction, Runner
from penstock.tables.records.reach import limits_in
from penstock.tables.records.replan import planned
from penstock.tables.records.shape import Answer
from penstock.tables.records.violations import Refused, explain
from penstock.tables.relations.family import Family
from penstock.tables.relations.hop import Surroundings
from penstock.tables.rules.limits import SETTING, limits_of, setting_of
from penstock.tables.rules.models import Limits
from penstock.tables.service import materialize, settle
from penstock.tables.settings import TablesSettings

T = TypeVar("T")
_LARGE = 256 * 1024  # bytes

# Seconds, at the most, between attempts.
_PATIENCE = (0.05, 0.1, 0.2, 0.4)

P = TypeVar("P")
Verb = Callable[[Runner], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has been identified, found its table and been granted its action."""

    ctx: Context
    principal: Principal
    grant: Grant
    table: Table
    request: http.AnyRequest
    # Where statements on this table run: past it, rows that rules keep back would be in reach.
    pool: Pool

    @property
    def limits(self) -> Limits:
        return limits_of(self.table, self.principal)

    @property
    def key(self) -> str:
        if "key" in self.request.path_params:
            return http.segment(self.request, "key")
        # A record that is called like a verb.
        return self.request.scope["path"].rpartition("/")[2]


async def enter(request: http.AnyRequest, action: str, needs: Feature = Feature.RECORDS) -> Call:
    """Who asks, and the table of the path, materialized; raises what a caller without the right is told.

    Raises `BadRequest` when the table's provider lacks what the request needs.
    """
    ctx = http.context(request)
    principal = await authenticate(ctx, request.scope)
    app, name = http.segment(request, "app"), http.segment(request, "table")
    grant, table = await open_table(ctx, principal, app, name, action, needs)
    planned(request, table)
    return Call(ctx, principal, grant, table, request, pool_for(ctx, (limits_of(table, principal),)))


def pool_for(ctx: Context, limits: Iterable[Limits]) -> Pool:
    """The pool of records, each transaction telling PostgreSQL who asks where tables have rules."""
    setting = setting_of(limits)
    return ctx.db.data if setting is None else Scoped(ctx.db.data, SETTING, setting)


async def open_table(
    ctx: Context,
    principal: Principal,
    app: str,
    name: str,
    action: str,
    needs: Feature = Feature.RECORDS,
) -> tuple[Grant, Table]:
    """The permission and the table as the caller knows it; raises what a caller without the right is told."""
    catalog = Catalog.of(ctx)
    table = await catalog.table(principal.org_id, app, name)
    grant = access.authorize_table(principal, action, table.definition)
    capabilities(table.provider).require(needs, table.name)
    if not table.definition.is_materialized:
        require_served(table.provider, table.name)
        async with ctx.db.control.transaction() as conn:
            made = await materialize(conn, grant, [(table.edges_of or table).name])
            await settle(ctx, conn, grant, made)
        table = await catalog.load(principal.org_id, app, name)
    limits = limits_in(table, principal)
    return grant, limits.table


async def persist(attempt: Callable[[], Awaitable[T]]) -> T:
    """What `attempt` gives; again when it lost a deadlock, in which bulk writes of the same rows may end."""
    for wait in _PATIENCE:
        try:
            return await attempt()
        except errors.Contended:
            await asyncio.sleep(wait * random.random())  # noqa: S311  (any two waits that differ will do)
    return await attempt()


async def plan_around(
    call: Call, plan: Callable[[Surroundings | None], P], *, names_relations: bool
) -> tuple[P, Pool]:
    """The plan of a read, made with the tables around its own when it names some, and where it runs.

    These tables are materialized too.
    """
    if not names_relations:
        return plan(None), call.pool
    capabilities(call.table.provider).require(Feature.RELATED, call.table.name)
    around = await surroundings(call)
    found = plan(around)
    if around.missing:
        async with call.ctx.db.control.transaction() as conn:
            made = await materialize(conn, call.grant, sorted(around.missing))
            await settle(call.ctx, conn, call.grant, made)
        found = plan(await surroundings(call))
    limits = (limits_of(table, call.principal) for table in around.family.tables.values())
    return found, pool_for(call.ctx, dict.fromkeys(limits))


@lru_cache(maxsize=256)
def seen_by(family: Family, principal: Principal) -> Family:
    """The tables on which the caller holds a role, as they know them: a relation to any other is as none."""

    def seen(table: Table) -> Table | None:
        if not access.role_on(principal, table.definition):
            return None
        known = limits_of(table, principal).table
        return known if table.edges_of is None else known.edges

    return family.within(seen)


async def surroundings(call: Call) -> Surroundings:
    settings = call.ctx.settings(TablesSettings)
    family = await Catalog.of(call.ctx).family(call.principal.org_id, call.table.app_slug)
    if family.has_rules or not access.sees_app(call.principal, call.table.definition.app_id):
        family = seen_by(family, call.principal)
    return Surroundings(
        family,
        call.grant,
        max_per_record=settings.max_related_per_record,
        max_rows=settings.max_related_rows,
        max_bytes=settings.max_populated_bytes,
    )


async def reading(call: Call, pool: Pool | None = None) -> Reading:
    """The reads of the table's provider; on PostgreSQL by a pool that knows of all tables they are of."""
    if call.table.provider is ProviderType.MONGODB:
        return await mongodb.load_engine().open_records(call.ctx, call.grant, call.table)
    return PostgresReading(call.ctx, pool or call.pool)


async def change(
    call: Call,
    verb: Callable[[Writing], Awaitable[Answer]],
    action: str,
    incoming: Incoming | None,
    *,
    statements: int,
) -> ASGIResponse:
    """Run a verb of the table's provider, and again when it lost a deadlock."""
    if call.table.provider is ProviderType.MONGODB:
        return await persist(lambda: _change_documents(call, verb))

    async def run(runner: Runner) -> Answer:
        return await verb(PostgresWriting(runner))

    return await write(call, run, action, incoming, statements=statements)


async def _change_documents(call: Call, verb: Callable[[Writing], Awaitable[Answer]]) -> ASGIResponse:
    records = await mongodb.load_engine().open_records(call.ctx, call.grant, call.table)
    name = http.header(call.request, b"idempotency-key")
    named = None if name is None else await _once(call, name)
    try:
        return finished(await records.perform(verb, named))
    except errors.RowRefused as refused:
        if type(refused) is not errors.RowRefused:
            raise
        raise outside(call.table, call.limits) from refused


async def write(
    call: Call, verb: Verb, action: str, incoming: Incoming | None, *, statements: int
) -> ASGIResponse:
    """Run a verb, and again when it lost a deadlock."""
    return await persist(lambda: _attempt(call, verb, action, incoming, statements=statements))


async def _attempt(
    call: Call, verb: Verb, action: str, incoming: Incoming | None, *, statements: int
) -> ASGIResponse:
    """As one statement where that is all, else in a transaction with what belongs to it."""
    name = http.header(call.request, b"idempotency-key")
    pool, limits = call.pool, call.limits
    try:
        if name is None and statements == 1 and not call.table.is_audited and not limits.is_limited:
            return finished(await verb(Autocommit(pool)))
        async with pool.transaction() as conn:

            async def work() -> Answer:
                answer = await verb(InTransaction(conn))
                if call.table.is_audited:
                    await _audit(conn, call, action, incoming)
                return answer

            if name is None:
                answer = await work()
            else:
                settings = call.ctx.settings(TablesSettings)
                answer = await idempotency.perform(
                    conn, await _once(call, name), settings.idempotency_seconds, work
                )
        return finished(answer)
    except errors.RowRefused as refused:
        raise outside(call.table, limits) from refused
    except Refused as refused:
        is_list = incoming is not None and incoming.is_list
        raise await explain(pool, call.table, refused, is_list=is_list) from refused.error


def outside(table: Table, limits: Limits) -> errors.RowRefused:
    """The error for a row that no rule lets the caller write."""
    if not limits.writers:
        return errors.RowRefused(f"No rule of '{table.name}' lets you write its records.")
    named = ", ".join(f"'{name}'" for name in limits.writers)
    return errors.RowRefused(f"The rules of '{table.name}' ({named}) do not let you write this record.")


async def _once(call: Call, name: str) -> idempotency.Once:
    path = call.request.scope["path"].replace(http.SLASH, "%2F")
    request = f"{call.request.method} {path}"
    query: bytes = call.request.scope["query_string"]
    return idempotency.identify(call.principal, name, request, query, await call.request.body())


async def _audit(conn: Any, call: Call, action: str, incoming: Incoming | None) -> None:
    definition = call.table.definition
    detail: dict[str, Any] = {"query": call.request.scope["query_string"].decode("ascii", "replace")[:2000]}
    if incoming is not None:
        detail["rows"] = len(incoming.rows)
    if "key" in call.request.path_params:
        detail["key"] = call.key
    await audit.record(conn, call.principal, action, "data_table", definition.id, definition.name, detail)


async def read(decode: Callable[[bytes, int], Incoming], body: bytes, limit: int) -> Incoming:
    """Large bodies are read in a thread: naming every fault of one takes seconds, in which others are answered."""
    if len(body) < _LARGE:
        return decode(body, limit)
    return await asyncio.to_thread(decode, body, limit)


def only(request: http.AnyRequest, *allowed: str) -> dict[str, str]:
    """The query parameters of a write; an unknown one is refused, since ignoring it could widen the write."""
    given: dict[str, str] = {}
    for name, value in http.query(request):
        if name not in allowed:
            raise errors.Invalid({name[:80]: ["This request takes no such parameter."]})
        if name in given:
            raise errors.Invalid({name: ["The parameter is given twice."]})
        given[name] = value
    return given


def limit_of(call: Call) -> int:
    """The most rows that one request may write."""
    return call.ctx.settings(TablesSettings).max_bulk_rows


def finished(answer: Answer) -> ASGIResponse:
    """The response of a verb's answer."""
    headers = {"ETag": answer.etag} if answer.etag else None
    if answer.status == 204:
        return http.empty(headers)
    return http.raw_json(answer.body, answer.status, headers)
