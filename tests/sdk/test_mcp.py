"""`penstock mcp`, asked by the official client over standard input and output."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from mcp import Client as Caller
from mcp import StdioServerParameters

from penstock_sdk import AppHandle, Client
from tests.conftest import RunningServer
from tests.sdk.conftest import SCHEMA, foreign

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module", autouse=True)
def source(client: Client, app: AppHandle) -> str:
    app.tables.create("main", "members", SCHEMA, materialize=True, description="Who belongs")
    app.table("members").records.bulk_create({"name": f"n {n}", "age": n} for n in range(1, 1501))
    client.queries.create(
        "Older than",
        "SELECT name FROM members WHERE age > {{ age }} ORDER BY age",
        parameters=[{"name": "age", "type": "number", "value": 1}],
    )
    return f"{app.slug}/main"


def caller(server: RunningServer, key: str) -> Caller:
    arguments = ["-m", "penstock_sdk.cli", "mcp", "--timeout", "10"]
    environment = {"PENSTOCK_URL": server.url, "PENSTOCK_KEY": key}
    return Caller(StdioServerParameters(command=sys.executable, args=arguments, env=environment))


async def test_the_tools(server: RunningServer, source: str) -> None:
    async with caller(server, server.key) as asked:

        async def call(name: str, **arguments: Any) -> Any:
            answer = await asked.call_tool(name, arguments)
            assert not answer.is_error, answer.content
            found = answer.structured_content
            return found["result"] if isinstance(found, dict) and set(found) == {"result"} else found

        async def refused(name: str, **arguments: Any) -> str:
            answer = await asked.call_tool(name, arguments)
            assert answer.is_error
            return answer.content[0].text  # pyright: ignore

        tools = (await asked.list_tools()).tools
        assert {one.name for one in tools} == {
            "list_data_sources", "list_tables", "describe_table", "run_sql", "list_queries", "run_query",
        }  # fmt: skip
        assert all(one.annotations and one.annotations.read_only_hint for one in tools)
        assert [one["source"] for one in await call("list_data_sources")] == [source]
        assert await call("list_tables") == {"tables": [{"source": source, "table": "members"}], "more": 0}
        described = await call("describe_table", table="members")
        assert described["description"] == "Who belongs" and described["primaryKey"] == ["id"]
        assert described["fields"][1]["name"] == "name"
        found = await call("run_sql", sql="SELECT id, name FROM members ORDER BY id", max_rows=2)
        assert found == {
            "columns": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}],
            "rows": [{"id": 1, "name": "n 1"}, {"id": 2, "name": "n 2"}],
            "row_count": 1500,
            "truncated": True,
        }
        wide = await call("run_sql", sql="SELECT repeat('x', 1000) AS x FROM members", max_rows=1000)
        assert 200 < len(wide["rows"]) < 300 and wide["truncated"]
        bound = await call("run_sql", sql="SELECT name FROM members WHERE age = {{ a }}", parameters={"a": 7})
        assert (bound["rows"], bound["truncated"]) == ([{"name": "n 7"}], False)
        (query,) = (await call("list_queries", words="older"))["queries"]
        assert query["parameters"] == [{"name": "age", "type": "number", "value": 1}]
        older = await call("run_query", query_id=query["id"], parameters={"age": 1499})
        assert older["rows"] == [{"name": "n 1500"}]

        assert "members" in await refused("run_sql", sql="SELECT * FROM member")
        assert "SELECT" in await refused("run_sql", sql="DELETE FROM members")
        assert "There is no table 'ghosts'" in await refused("describe_table", table="ghosts")
        assert "No data source is called" in await refused("list_tables", source="x/y")
        assert "less than or equal to 1000" in await refused("run_sql", sql="SELECT 1 AS n", max_rows=5000)
        assert "Not found" in await refused("run_query", query_id=999999)


async def test_foreign_data_sources(server: RunningServer, source: str) -> None:
    with foreign(server, "Ware House", "towns.csv"), foreign(server, "Gone", "gone.csv"):
        async with caller(server, server.key) as asked:

            async def call(name: str, **arguments: Any) -> Any:
                answer = await asked.call_tool(name, arguments)
                assert not answer.is_error, answer.content
                return answer.structured_content

            listed = (await call("list_data_sources"))["result"]
            assert {one["source"]: one.get("in_sql") for one in listed} == {
                source: None, "Ware House": "ware_house", "Gone": "gone",
            }  # fmt: skip
            found = await call("list_tables")
            assert sorted(found["tables"], key=lambda one: one["table"]) == [
                {"source": source, "table": "members"}, {"source": "Ware House", "table": "towns"},
            ]  # fmt: skip
            assert [one["source"] for one in found["unreadable"]] == ["Gone"]
            fields = [{"name": "id", "type": "int64"}, {"name": "town", "type": "string"}]
            described = {"source": "Ware House", "table": "towns", "fields": fields}
            assert await call("describe_table", table="towns") == described
            for name in ("Ware House", "ware_house"):
                told = await call("run_sql", sql="SELECT town FROM towns WHERE id = 2", source=name)
                assert told["rows"] == [{"town": "Ulm"}]
            joined = (
                "SELECT m.name, t.town FROM members m JOIN ware_house.towns t ON t.id = m.id WHERE t.id = 1"
            )
            assert (await call("run_sql", sql=joined, source=source))["rows"] == [
                {"name": "n 1", "town": "Jena"}
            ]
            silent = await asked.call_tool("list_tables", {"source": "Gone"})
            assert silent.is_error and "gone.csv" in silent.content[0].text  # pyright: ignore


async def test_it_has_no_right_but_its_caller_s(server: RunningServer, client: Client) -> None:
    other = client.keys.create("nothing", kind="service", role=None)
    async with caller(server, other.key) as asked:
        answer = await asked.call_tool("list_data_sources", {})
        assert answer.structured_content == {"result": []}
