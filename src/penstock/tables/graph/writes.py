"""Writes of edges over HTTP, the same below `/edges` and below `/data` of the table of edges."""

from __future__ import annotations

from litestar.response.base import ASGIResponse

from penstock.kit import errors
from penstock.tables import access
from penstock.tables.graph import drafts, requests, service
from penstock.tables.providers.verbs import Writing
from penstock.tables.records.call import Call, change, limit_of, only, read
from penstock.tables.records.reach import Reach, reach
from penstock.tables.records.shape import Answer, versions_of


async def create(call: Call) -> ASGIResponse:
    """`call.table` is the table of edges, here and below."""
    only(call.request)
    service.require_stored(call.table)
    body = drafts.respelled(await call.request.body())
    incoming = await read(call.table.codec.decode_create, body, limit_of(call))

    async def verb(records: Writing) -> Answer:
        return await records.create_edges(call.table, call.grant, _nodes(call), incoming)

    return await change(call, verb, "edge.create", incoming, statements=2)


async def update(call: Call) -> ASGIResponse:
    """Many edges, each naming its id."""
    only(call.request)
    service.require_stored(call.table)
    body = drafts.respelled(await call.request.body(), filled=("created_at",))
    incoming = await read(call.table.codec.decode_change, body, limit_of(call))
    if not incoming.is_list:
        raise errors.BadRequest("A bulk update takes an array of objects, each with the id of its edge.")
    ids = requests.ids_of(call.table, incoming)

    async def verb(records: Writing) -> Answer:
        return await records.update_edges(call.table, call.grant, _nodes(call), incoming, ids, None)

    return await change(call, verb, "edge.update", incoming, statements=2)


async def update_one(call: Call, key: str) -> ASGIResponse:
    only(call.request)
    service.require_stored(call.table)
    body = drafts.respelled(await call.request.body())
    incoming = call.table.codec.decode_change(body, 1)
    if incoming.is_list:
        raise errors.BadRequest("One edge is changed by an object, not by an array.")
    versions, ids = versions_of(call.request.headers.get("if-match")), [requests.edge_id(key)]

    async def verb(records: Writing) -> Answer:
        return await records.update_edges(call.table, call.grant, _nodes(call), incoming, ids, versions)

    return await change(call, verb, "edge.update", incoming, statements=2)


async def delete(call: Call) -> ASGIResponse:
    """Those that the body names."""
    only(call.request)
    service.require_stored(call.table)
    ids = requests.edge_ids(await call.request.body(), limit_of(call))

    async def verb(records: Writing) -> Answer:
        return await records.delete_edges(call.table, call.grant, ids)

    return await change(call, verb, "edge.delete", None, statements=1)


def _nodes(call: Call) -> Reach:
    """The records that edges of this caller may lead to: those the caller may read."""
    base = call.table.edges_of
    assert base is not None
    return reach(base, access.authorize_table(call.principal, "record.read", base.definition))
