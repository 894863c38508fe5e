"""A server of the Model Context Protocol over the client: tables and queries, as far as its caller's key goes.

It holds no right of its own: every tool is a request to the HTTP API, which decides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Annotated, Any, ParamSpec, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from penstock_sdk import _json
from penstock_sdk._async.client import AsyncClient
from penstock_sdk._async.resources.results import AsyncQueryResult
from penstock_sdk._errors import BadRequestError, NotFoundError, PenstockError
from penstock_sdk._query_models import QuerySource
from penstock_sdk._version import __version__

P = ParamSpec("P")
T = TypeVar("T")
MOST_ROWS = 1000
MOST_BYTES = 256 * 1024
_LISTED = 500
_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)
_HELP = """\
Tables of a Penstock server. Begin with list_tables, look at one with describe_table, then ask run_sql: one SELECT in
PostgreSQL's dialect. A table is written "table", or "source"."table", or "app"."source"."table" where the name is not
unique; of a foreign data source it is written "in_sql"."table", with `in_sql` as list_data_sources has it. You see
what the owner of the key sees; nothing can be changed.
"""
Source = Annotated[
    str | None,
    Field(
        description="Data source as list_data_sources names it, app/source or a name; not needed where one is all."
    ),
]
Values = Annotated[
    dict[str, Any] | None, Field(description="Values of the parameters that the query has as {{ name }}.")
]
Rows = Annotated[int, Field(ge=1, le=MOST_ROWS, description="Most rows to give.")]


def refusing(tool: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """What the server refuses is told to who asked, in its words."""

    @wraps(tool)
    async def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await tool(*args, **kwargs)
        except PenstockError as error:
            raise ToolError(str(error)) from error

    return told


class Tools:
    """What the protocol's server offers, by one client."""

    def __init__(self, client: AsyncClient, seconds: float) -> None:
        self._client = client
        self._seconds = seconds

    async def list_data_sources(self) -> list[dict[str, Any]]:
        """The data sources that can be asked; `in_sql` is what tables of a foreign one begin with."""
        return [
            {"source": one.reference, "id": one.id, "type": one.type}
            | ({"in_sql": one.slug} if one.slug and not one.app else {})
            for one in await self._client.data_sources.list()
        ]

    async def list_tables(self, source: Source = None) -> dict[str, Any]:
        """The tables of one data source, or of all of them; `more` is how many there are beyond the first 500.

        `unreadable` are those that do not say what they have.
        """
        found: list[dict[str, Any]] = []
        silent: list[dict[str, str]] = []
        sources = self._client.data_sources
        for one in [await sources.find(source)] if source else await sources.list():
            try:
                names = await self._tables(one)
            except BadRequestError as error:
                if source:
                    raise
                silent.append({"source": one.reference, "reason": str(error)})
                continue
            found += [{"source": one.reference, "table": name} for name in names]
        listed: dict[str, Any] = {"tables": found[:_LISTED], "more": max(0, len(found) - _LISTED)}
        return listed | ({"unreadable": silent} if silent else {})

    async def _tables(self, source: QuerySource) -> list[str]:
        if source.app and source.slug:
            listed = self._client.app(source.app).tables.list(source=source.slug)
            return [one.name async for one in listed if one.is_active]
        return [one.name for one in await self._client.data_sources.tables(source.id)]

    async def describe_table(self, table: str, source: Source = None) -> dict[str, Any]:
        """The columns of a table with their types, its key, and what it refers to."""
        sources = self._client.data_sources
        for one in [await sources.find(source)] if source else await sources.list():
            try:
                return {"source": one.reference, "table": table, **await self._described(one, table)}
            except NotFoundError:
                continue
            except BadRequestError:
                # A foreign system that does not answer keeps nobody from the others.
                if source:
                    raise
        raise ToolError(f"There is no table '{table}'; list_tables names those there are.")

    async def _described(self, source: QuerySource, table: str) -> dict[str, Any]:
        if source.app and source.slug:
            found = await self._client.app(source.app).tables.get(table)
            if found.datasource_slug != source.slug:
                raise NotFoundError("It is of another data source.")
            return {"description": found.description, **found.json_schema}
        for one in await self._client.data_sources.tables(source.id):
            if one.name == table:
                return {"fields": [{"name": name, "type": kind} for name, kind in one.columns.items()]}
        raise NotFoundError("It has no such table.")

    async def run_sql(
        self, sql: str, source: Source = None, parameters: Values = None, max_rows: Rows = 100
    ) -> dict[str, Any]:
        """Runs one SELECT and gives its first rows, with the number of all of them."""
        result = await self._client.queries.run_and_wait(
            sql, source=source, parameters=parameters, max_age=0, seconds=self._seconds
        )
        return await _rows(result, max_rows)

    async def list_queries(self, words: str | None = None) -> dict[str, Any]:
        """The saved queries, or those that hold the words; `more` is how many there are beyond the first 100."""
        page = await self._client.queries.list(q=words).page()
        found = [
            {
                "id": one.id,
                "name": one.name,
                "description": one.description,
                "parameters": _parameters(one.options),
            }
            for one in page.items
        ]
        return {"queries": found, "more": page.total - len(found)}

    async def run_query(
        self, query_id: int, parameters: Values = None, max_rows: Rows = 100
    ) -> dict[str, Any]:
        """Runs a saved query, or takes its stored result, and gives its first rows."""
        result = await self._client.queries.run_and_wait(
            query_id, parameters=parameters, seconds=self._seconds
        )
        return await _rows(result, max_rows)


def _parameters(options: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {name: one.get(name) for name in ("name", "type", "value")} for one in options.get("parameters") or ()
    ]


async def _rows(result: AsyncQueryResult, most: int) -> dict[str, Any]:
    """As many rows as fit; a reader of this kind has little room."""
    rows: list[dict[str, Any]] = []
    room = MOST_BYTES
    for row in await result.page(1, most):
        room -= len(_json.encode(row))
        if room < 0:
            break
        rows.append(row)
    columns = [{"name": one.name, "type": one.type} for one in result.columns]
    return {
        "columns": columns,
        "rows": rows,
        "row_count": result.count,
        "truncated": len(rows) != result.count,
    }


def server_of(client: AsyncClient, seconds: float) -> MCPServer:
    """The protocol's server."""
    made = MCPServer("penstock", instructions=_HELP, version=__version__, log_level="WARNING")
    tools = Tools(client, seconds)
    offered: list[Callable[..., Awaitable[Any]]] = [
        tools.list_data_sources,
        tools.list_tables,
        tools.describe_table,
        tools.run_sql,
        tools.list_queries,
        tools.run_query,
    ]
    for tool in offered:
        made.add_tool(refusing(tool), annotations=_READS)
    return made


async def serve(client: AsyncClient, seconds: float) -> None:
    """Speaks on standard input and output until they are closed."""
    async with client:
        await server_of(client, seconds).run_stdio_async()
