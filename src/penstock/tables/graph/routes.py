"""HTTP for the edges of a table. The same edges are records of the table `x_edges`, see `records.routes`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from litestar import delete, get, patch, post
from litestar.response.base import ASGIResponse

from penstock.kit import http
from penstock.tables.graph import path, requests, service, writes
from penstock.tables.providers import Feature
from penstock.tables.records.call import Call, enter, finished, reading
from penstock.tables.records.plan import plan_list
from penstock.tables.records.replan import replanned
from penstock.tables.settings import TablesSettings

LIST = "/api/apps/{app:str}/datatables/{table:str}/edges"
PATH = f"{LIST}/path"
ONE = f"{LIST}/{{edge:str}}"


@get(LIST)
@replanned
async def list_edges(request: http.AnyRequest) -> ASGIResponse:
    call = await _enter(request, "record.read")
    wanted = requests.edge_list(http.query(request), call.table)
    return finished(await (await reading(call)).list_records(plan_list(wanted, call.table, call.grant)))


@get(PATH)
@replanned
async def find_path(request: http.AnyRequest) -> ASGIResponse:
    call = await enter(request, "record.read", Feature.SHORTEST_PATH)
    service.require_edges(call.table)
    limit = call.ctx.settings(TablesSettings).max_graph_size
    plan = path.plan_path(http.query(request), call.table, call.grant, limit)
    return finished(await (await reading(call)).path(plan))


@post(LIST)
@replanned
async def create_edges(request: http.AnyRequest) -> ASGIResponse:
    return await writes.create(await _enter(request, "record.write"))


@patch(ONE)
@replanned
async def update_edge(request: http.AnyRequest) -> ASGIResponse:
    call = await _enter(request, "record.write")
    return await writes.update_one(call, http.segment(request, "edge"))


@delete(LIST, status_code=200)
@replanned
async def delete_edges(request: http.AnyRequest) -> ASGIResponse:
    return await writes.delete(await _enter(request, "record.write"))


ROUTES: tuple[Any, ...] = (list_edges, find_path, create_edges, update_edge, delete_edges)


async def _enter(request: http.AnyRequest, action: str) -> Call:
    """The request, with the edges of its table in the table's place."""
    call = await enter(request, action)
    return replace(call, table=service.require_edges(call.table))
