"""HTTP for records: who asks, for which table, one verb, the answer."""

from __future__ import annotations

from typing import Any

from litestar import delete, get, patch, post
from litestar.response.base import ASGIResponse

from penstock.kit import errors, http
from penstock.tables.aggregates.plan import plan_aggregate
from penstock.tables.catalog import Table
from penstock.tables.graph import writes as edges
from penstock.tables.graph.plan import plan_walk, plan_walk_from
from penstock.tables.graph.requests import as_conditions
from penstock.tables.graph.service import require_stored
from penstock.tables.providers.verbs import Writing
from penstock.tables.records.call import (
    Call,
    change,
    enter,
    finished,
    limit_of,
    only,
    plan_around,
    read,
    reading,
)
from penstock.tables.records.change import Keys
from penstock.tables.records.keys import source_of_keys
from penstock.tables.records.matching import unique_fields
from penstock.tables.records.plan import plan_detail, plan_list
from penstock.tables.records.replan import replanned
from penstock.tables.records.request import parse_detail, parse_list
from penstock.tables.records.shape import Answer, versions_of
from penstock.tables.settings import TablesSettings

LIST = "/api/apps/{app:str}/datatables/{table:str}/data"
UPSERT = f"{LIST}/upsert"
DETAIL = f"{LIST}/{{key:str}}"
IMPORT = f"{LIST}/import"
EXPORT = f"{LIST}/export"
CHANGES = f"{LIST}/changes"
# Where text is the key, a record may be called like a verb, which it is for one method only.
ONE = [DETAIL, UPSERT, IMPORT, EXPORT, CHANGES]


@get(LIST)
@replanned
async def list_records(request: http.AnyRequest) -> ASGIResponse:
    call = await enter(request, "record.read")
    pairs = http.query(request)
    if call.table.edges_of is not None:
        pairs = as_conditions(pairs)
    wanted = parse_list(pairs, call.table.columns)
    if wanted.aggregation is not None:
        groups = plan_aggregate(wanted, wanted.aggregation, call.table, call.grant)
        return finished(await (await reading(call)).aggregate(groups))
    if wanted.traversal is not None:
        walk, pool = await plan_around(
            call,
            lambda around: plan_walk(wanted, call.table, call.grant, around, _walk_limit(call)),
            names_relations=wanted.names_relations,
        )
        return finished(await (await reading(call, pool)).walk(walk))
    plan, pool = await plan_around(
        call,
        lambda around: plan_list(wanted, call.table, call.grant, around),
        names_relations=wanted.names_relations,
    )
    return finished(await (await reading(call, pool)).list_records(plan))


@get([DETAIL, UPSERT, IMPORT])
@replanned
async def get_record(request: http.AnyRequest) -> ASGIResponse:
    call = await enter(request, "record.read")
    wanted = parse_detail(http.query(request))
    if wanted.traversal is not None:
        walk = plan_walk_from(wanted, call.key, call.table, call.grant, _walk_limit(call))
        return finished(await (await reading(call)).walk(walk))
    plan, pool = await plan_around(
        call,
        lambda around: plan_detail(wanted, call.key, call.table, call.grant, around),
        names_relations=wanted.names_relations,
    )
    answer = await (await reading(call, pool)).get_record(plan)
    if answer.etag and http.not_modified(request, answer.etag):
        return ASGIResponse(status_code=304, headers={"ETag": answer.etag})
    return finished(answer)


@post(LIST)
@replanned
async def create_records(request: http.AnyRequest) -> ASGIResponse:
    call = await enter(request, "record.write")
    if call.table.edges_of is not None:
        return await edges.create(call)
    only(request)
    incoming = await read(call.table.codec.decode_create, await request.body(), limit_of(call))
    many = source_of_keys(call.table, incoming) is not Keys.GENERATED
    # RFC 7240: whoever loads thousands of rows rarely wants them back.
    brief = (
        incoming.is_list
        and "return=minimal" in (http.header(request, b"prefer") or "").replace(" ", "").lower()
    )

    async def verb(records: Writing) -> Answer:
        return await records.create(call.table, call.grant, incoming, brief=brief)

    return await change(call, verb, "record.create", incoming, statements=2 if many else 1)


@post(UPSERT)
@replanned
async def upsert_records(request: http.AnyRequest) -> ASGIResponse:
    call = await enter(request, "record.write")
    if call.table.edges_of is not None:
        raise errors.BadRequest(
            "Edges are created and changed, each by its own request; there is no upsert of them."
        )
    unique = unique_fields(call.table, only(request, "unique_fields").get("unique_fields"))
    incoming = await read(call.table.codec.decode_change, await request.body(), limit_of(call))

    async def verb(records: Writing) -> Answer:
        return await records.upsert(call.table, call.grant, incoming, unique)

    return await change(call, verb, "record.upsert", incoming, statements=2)


@patch(LIST)
@replanned
async def update_records(request: http.AnyRequest) -> ASGIResponse:
    call = await enter(request, "record.write")
    if call.table.edges_of is not None:
        return await edges.update(call)
    only(request)
    incoming = await read(call.table.codec.decode_change, await request.body(), limit_of(call))
    if not incoming.is_list:
        raise errors.BadRequest("A bulk update takes an array of objects, each with its key.")

    async def verb(records: Writing) -> Answer:
        return await records.update_many(call.table, call.grant, incoming)

    return await change(call, verb, "record.update", incoming, statements=2)


@patch(ONE)
@replanned
async def update_record(request: http.AnyRequest) -> ASGIResponse:
    call = await enter(request, "record.write")
    if call.table.edges_of is not None:
        return await edges.update_one(call, call.key)
    only(request)
    incoming = call.table.codec.decode_change(await request.body(), 1)
    if incoming.is_list:
        raise errors.BadRequest("One record is changed by an object, not by an array.")
    versions = versions_of(http.header(request, b"if-match"))

    async def verb(records: Writing) -> Answer:
        return await records.update_one(call.table, call.grant, call.key, incoming, versions)

    return await change(call, verb, "record.update", incoming, statements=1)


@delete(ONE, status_code=200)
@replanned
async def delete_record(request: http.AnyRequest) -> ASGIResponse:
    call = await enter(request, "record.write")
    _require_own(call.table)
    only(request)
    versions = versions_of(http.header(request, b"if-match"))

    async def verb(records: Writing) -> Answer:
        return await records.delete_one(call.table, call.grant, call.key, versions)

    return await change(call, verb, "record.delete", None, statements=1)


@delete(LIST, status_code=200)
@replanned
async def delete_records(request: http.AnyRequest) -> ASGIResponse:
    call = await enter(request, "record.write")
    _require_own(call.table)
    if call.table.edges_of is not None and not http.query(request):
        return await edges.delete(call)
    given = only(request, "ids", "filter")
    if len(given) != 1:
        raise errors.BadRequest("A bulk delete takes exactly one of 'ids' and 'filter'; nothing was deleted.")

    async def verb(records: Writing) -> Answer:
        if "ids" in given:
            return await records.delete_by_keys(call.table, call.grant, given["ids"])
        return await records.delete_by_filter(call.table, call.grant, given["filter"])

    return await change(call, verb, "record.delete", None, statements=1)


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


def _walk_limit(call: Call) -> int:
    return call.ctx.settings(TablesSettings).max_graph_size


def _require_own(table: Table) -> None:
    """Raises `BadRequest` for edges that are written as a field of records."""
    if table.edges_of is not None:
        require_stored(table)
