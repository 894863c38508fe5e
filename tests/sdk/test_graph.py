"""Edges and walks by the client and on the command line."""

from __future__ import annotations

import asyncio
import json

import pytest

from penstock_sdk import AsyncClient, Graph, ValidationError
from penstock_sdk._sync.resources.apps import AppHandle
from penstock_sdk.cli import run
from tests.conftest import RunningServer

SCHEMA = {
    "fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}],
    "primaryKey": ["id"],
    "graph": {"types": [{"name": "manager", "inverse": "reports"}, "mentor"]},
}


@pytest.fixture(scope="module")
def staff(app: AppHandle) -> AppHandle:
    app.tables.create("main", "staff", SCHEMA)
    table = app.table("staff")
    table.records.create([{"name": name} for name in ("Alice", "Bob", "Carol", "Dan")])
    table.edges.create([{"from": a, "to": b, "type": "manager"} for a, b in ((2, 1), (3, 1), (4, 2))])
    return app


def test_edges(staff: AppHandle) -> None:
    edges = staff.table("staff").edges
    made = edges.create({"from": 4, "to": 3, "type": "mentor", "metadata": {"since": 2024}})
    assert (made["id"], made["metadata"]) == (4, {"since": 2024})
    assert edges.update(4, {"to": 1})["to_id"] == 1
    found = edges.list(to_id=1, types=["mentor", "manager"], page_size=2)
    assert ([one["id"] for one in found.data], found.total) == ([1, 2], 3)
    assert [one["id"] for one in edges.list(from_id=4).data] == [3, 4]
    assert edges.delete([4, 99]) == 1
    with pytest.raises(ValidationError):
        edges.create([{"from": 1, "to": 1, "type": "manager"}])
    way = edges.path(2, 3, types=["manager"], direction="any", depth=5)
    assert way is not None
    assert [one["name"] for one in way.nodes] == ["Bob", "Alice", "Carol"]
    assert edges.path(2, 3) is None


def test_walks(staff: AppHandle) -> None:
    records = staff.table("staff").records
    below = records.filter(name="Alice").walk("descendants", depth=1, types=["manager"])
    assert [row["name"] for row in below] == ["Alice", "Bob", "Carol"]
    (root,) = records.walk("descendants").tree()
    assert [one["name"] for one in root["children"]] == ["Bob", "Carol"]
    found = records.filter(id=4).walk("ancestors").graph()
    assert isinstance(found, Graph)
    assert ([one["id"] for one in found.nodes], len(found.edges)) == ([4, 2, 1], 2)
    related = records.related(2, "both", depth=1, types=["manager"], fields=["name"])
    assert (related["data"], [one["id"] for one in related["reports"]]) == ({"id": 2, "name": "Bob"}, [4])
    with pytest.raises(ValueError, match="walk"):
        records.delete_many(filter=records.filter(id=1).walk("both"))


def test_the_async_client(server: RunningServer, staff: AppHandle) -> None:
    async def go() -> None:
        async with AsyncClient(server.url, key=server.key) as client:
            table = client.app(staff.slug).table("staff")
            assert (await table.edges.list()).total == 3
            assert len((await table.records.walk("descendants").tree())[0]["children"]) == 2

    asyncio.run(go())


def test_commands(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    server: RunningServer,
    staff: AppHandle,
) -> None:
    monkeypatch.setenv("PENSTOCK_URL", server.url)
    monkeypatch.setenv("PENSTOCK_KEY", server.key)

    def out(*arguments: str) -> str:
        assert run(arguments) == 0, capfd.readouterr().err
        return capfd.readouterr().out

    assert out("records", "tree", staff.slug, "staff", "--label", "name").splitlines() == [
        "Alice",
        "├── Bob  manager",
        "│   └── Dan  manager",
        "└── Carol  manager",
    ]
    assert "id=2 name=Bob" in out("records", "tree", staff.slug, "staff", "--filter", "id=2", "--depth", "1")
    assert json.loads(out("records", "tree", staff.slug, "staff", "--json"))[0]["name"] == "Alice"
    added = out("edges", "add", staff.slug, "staff", "4", "3", "mentor", "--metadata", '{"n": 1}', "--json")
    assert json.loads(added)["metadata"] == {"n": 1}
    assert len(json.loads(out("edges", "list", staff.slug, "staff", "--from", "4", "--json"))) == 2
    assert "mentor" in out("edges", "list", staff.slug, "staff", "--types", "mentor")
    assert "Alice" in out("edges", "path", staff.slug, "staff", "4", "1")
    assert run(["edges", "path", staff.slug, "staff", "1", "4"]) == 1
    assert "No way leads from 1 to 4." in capfd.readouterr().err
    made = str(json.loads(added)["id"])
    assert json.loads(out("edges", "remove", staff.slug, "staff", made, "--json")) == {"deleted": 1}
    assert run(["edges", "remove", staff.slug, "staff"]) == 1
