"""HTTP for records: who asks, for which table, one verb, the answer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from litestar import delete, get, patch, post
from litestar.response.base import ASGIResponse

from penstock.identity import Grant, Principal, audit, authenticate
from penstock.kit import errors, http
from penstock.kit.context import Context
from penstock.tables import access
from penstock.tables.catalog import Catalog, Table
from penstock.tables.providers import require_served
from penstock.tables.records import idempotency, service
from penstock.tables.records.change import Keys
from penstock.tables.records.codec import Incoming
from penstock.tables.records.execute import Autocommit, InTransaction, Runner
from penstock.tables.records.keys import source_of_keys
from penstock.tables.records.plan import plan_list, project
from penstock.tables.records.request import NEVER_UNIQUE, parse_detail, parse_list
from penstock.tables.records.shape import Answer, versions_of
from penstock.tables.records.upsert import upsert
from penstock.tables.records.violations import Refused, explain
from penstock.tables.service import materialize
from penstock.tables.settings import TablesSettings

LIST = "/api/apps/{app:str}/datatables/{table:str}/data"
UPSERT = f"{LIST}/upsert"
DETAIL = f"{LIST}/{{key:str}}"
# Where text is the key, a record may be called "upsert"; only POST means the verb.
ONE = [DETAIL, UPSERT]

_LARGE = 256 * 1024  # bytes

# Seconds, at the most, between attempts.
_PATIENCE = (0.05, 0.1, 0.2, 0.4)

Verb = Callable[[Runner], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has been identified, found its table and been granted its action."""

    ctx: Context
    principal: Principal
    grant: Grant
    table: Table
    request: http.AnyRequest

    @property
    def key(self) -> str:
        return http.segment(self.request, "key") if "key" in self.request.path_params else "upsert"


async def _enter(request: http.AnyRequest, action: str) -> Call:
    ctx = http.context(request)
    principal = await authenticate(ctx, request.scope)
    app, name = http.segment(request, "app"), http.segment(request, "table")
    catalog = Catalog.of(ctx)
    table = await catalog.table(principal.org_id, app, name)
    grant = access.authorize_within(principal, action, table.definition.app_id)
    if not table.definition.is_materialized:
        require_served(table.provider, table.name)
        async with ctx.db.control.transaction() as conn:
            await materialize(conn, grant, [name])
        table = await catalog.load(principal.org_id, app, name)
    return Call(ctx, principal, grant, table, request)


@get(LIST)
async def list_records(request: http.AnyRequest) -> ASGIResponse:
    call = await _enter(request, "record.read")
    wanted = parse_list(http.query(request), call.table.columns)
    return _answer(await service.list_records(call.ctx.db.data, plan_list(wanted, call.table, call.grant)))


@get(ONE)
async def get_record(request: http.AnyRequest) -> ASGIResponse:
    call = await _enter(request, "record.read")
    fields = project(parse_detail(http.query(request)), call.table)
    answer = await service.get_record(call.ctx.db.data, call.table, call.key, fields)
    if answer.etag and http.not_modified(request, answer.etag):
        return ASGIResponse(status_code=304, headers={"ETag": answer.etag})
    return _answer(answer)


@post(LIST)
async def create_records(request: http.AnyRequest) -> ASGIResponse:
    call = await _enter(request, "record.write")
    _only(request)
    incoming = await _read(call.table.codec.decode_create, await request.body(), _limit(call))
    many = source_of_keys(call.table, incoming) is not Keys.GENERATED
    # RFC 7240: whoever loads thousands of rows rarely wants them back.
    brief = (
        incoming.is_list and "return=minimal" in request.headers.get("prefer", "").replace(" ", "").lower()
    )

    async def verb(runner: Runner) -> Answer:
        return await service.create(runner, call.table, call.grant, incoming, brief=brief)

    return await _write(call, verb, "record.create", incoming, statements=2 if many else 1)


@post(UPSERT)
async def upsert_records(request: http.AnyRequest) -> ASGIResponse:
    call = await _enter(request, "record.write")
    unique = _unique_fields(call.table, _only(request, "unique_fields").get("unique_fields"))
    incoming = await _read(call.table.codec.decode_change, await request.body(), _limit(call))

    async def verb(runner: Runner) -> Answer:
        return await upsert(runner, call.table, call.grant, incoming, unique)

    return await _write(call, verb, "record.upsert", incoming, statements=2)


@patch(LIST)
async def update_records(request: http.AnyRequest) -> ASGIResponse:
    call = await _enter(request, "record.write")
    _only(request)
    incoming = await _read(call.table.codec.decode_change, await request.body(), _limit(call))
    if not incoming.is_list:
        raise errors.BadRequest("A bulk update takes an array of objects, each with its key.")

    async def verb(runner: Runner) -> Answer:
        return await service.update_many(runner, call.table, call.grant, incoming)

    return await _write(call, verb, "record.update", incoming, statements=2)


@patch(ONE)
async def update_record(request: http.AnyRequest) -> ASGIResponse:
    call = await _enter(request, "record.write")
    _only(request)
    incoming = call.table.codec.decode_change(await request.body(), 1)
    if incoming.is_list:
        raise errors.BadRequest("One record is changed by an object, not by an array.")
    versions = versions_of(request.headers.get("if-match"))

    async def verb(runner: Runner) -> Answer:
        return await service.update_one(runner, call.table, call.grant, call.key, incoming, versions)

    return await _write(call, verb, "record.update", incoming, statements=1)


@delete(ONE, status_code=200)
async def delete_record(request: http.AnyRequest) -> ASGIResponse:
    call = await _enter(request, "record.write")
    _only(request)
    versions = versions_of(request.headers.get("if-match"))

    async def verb(runner: Runner) -> Answer:
        await service.delete_one(runner, call.table, call.grant, call.key, versions)
        return Answer(204, b"")

    return await _write(call, verb, "record.delete", None, statements=1)


@delete(LIST, status_code=200)
async def delete_records(request: http.AnyRequest) -> ASGIResponse:
    call = await _enter(request, "record.write")
    given = _only(request, "ids", "filter")
    if len(given) != 1:
        raise errors.BadRequest("A bulk delete takes exactly one of 'ids' and 'filter'; nothing was deleted.")

    async def verb(runner: Runner) -> Answer:
        if "ids" in given:
            return await service.delete_by_keys(runner, call.table, call.grant, given["ids"])
        return await service.delete_by_filter(runner, call.table, call.grant, given["filter"])

    return await _write(call, verb, "record.delete", None, statements=1)


ROUTES: tuple[Any, ...] = (
    list_records,
    get_record,
    create_records,
    upsert_records,
    update_records,
    update_record,
    delete_record,
    delete_records,
)


async def _write(
    call: Call, verb: Verb, action: str, incoming: Incoming | None, *, statements: int
) -> ASGIResponse:
    """Run a verb, and again when it lost a deadlock: bulk writes of the same rows in another order end in one."""
    for wait in _PATIENCE:
        try:
            return await _attempt(call, verb, action, incoming, statements=statements)
        except errors.Contended:
            await asyncio.sleep(wait * random.random())  # noqa: S311  (any two waits that differ will do)
    return await _attempt(call, verb, action, incoming, statements=statements)


async def _attempt(
    call: Call, verb: Verb, action: str, incoming: Incoming | None, *, statements: int
) -> ASGIResponse:
    """As one statement where that is all, else in a transaction with what belongs to it."""
    name = call.request.headers.get("idempotency-key")
    pool = call.ctx.db.data
    try:
        if name is None and statements == 1 and not call.table.is_audited:
            return _answer(await verb(Autocommit(pool)))
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
        return _answer(answer)
    except Refused as refused:
        is_list = incoming is not None and incoming.is_list
        raise await explain(pool, call.table, refused, is_list=is_list) from refused.error


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


async def _read(decode: Callable[[bytes, int], Incoming], body: bytes, limit: int) -> Incoming:
    """Large bodies are read in a thread: naming every fault of one takes seconds, in which others are answered."""
    if len(body) < _LARGE:
        return decode(body, limit)
    return await asyncio.to_thread(decode, body, limit)


def _only(request: http.AnyRequest, *allowed: str) -> dict[str, str]:
    """The query parameters of a write; an unknown one is refused, since ignoring it could widen the write."""
    given: dict[str, str] = {}
    for name, value in http.query(request):
        if name not in allowed:
            raise errors.Invalid({name[:80]: ["This request takes no such parameter."]})
        if name in given:
            raise errors.Invalid({name: ["The parameter is given twice."]})
        given[name] = value
    return given


def _unique_fields(table: Table, text: str | None) -> tuple[str, ...]:
    if text is None:
        return table.schema.primary_key
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if not names or len(set(names)) != len(names):
        raise errors.Invalid({"unique_fields": ["Name the fields that tell records apart, each once."]})
    for name in names:
        field = table.schema.by_name.get(name)
        if field is None:
            hint = errors.nearest(name, table.schema.names)
            raise errors.Invalid({"unique_fields": [f"There is no field '{name[:80]}'."]}, hint=hint)
        if field.type in NEVER_UNIQUE:
            raise errors.Invalid(
                {"unique_fields": [f"'{name}' is of type {field.type}, which tells no records apart."]}
            )
    return names


def _limit(call: Call) -> int:
    return call.ctx.settings(TablesSettings).max_bulk_rows


def _answer(answer: Answer) -> ASGIResponse:
    headers = {"ETag": answer.etag} if answer.etag else None
    if answer.status == 204:
        return http.empty(headers)
    return http.raw_json(answer.body, answer.status, headers)
