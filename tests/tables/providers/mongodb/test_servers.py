"""Which MongoDB and which database a source means; and what is said of one that does not answer."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pymongo
import pytest
from pymongo.errors import WriteError

from tests.conftest import free_port
from tests.mongodb import running
from tests.tables.providers.mongodb.conftest import MongoBench, bench_on
from tests.tables.workbench import APP, Records

pytestmark = pytest.mark.anyio

SCHEMA = {
    "fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}],
    "primaryKey": ["id"],
}


async def databases_of(url: str) -> dict[str, set[str]]:
    """Collections with records, by database."""
    client: Any = pymongo.AsyncMongoClient(url)
    found: dict[str, set[str]] = {}
    for name in await client.list_database_names():
        for collection in await client[name].list_collection_names():
            if await client[name][collection].find_one({}) and not collection.startswith("#"):
                found.setdefault(name, set()).add(collection)
    await client.close()
    return found


async def source(bench: MongoBench, name: str, app: str = APP, **config: str) -> Records:
    body = {"name": name, "provider_type": "mongodb", "provider_config": config}
    made = await bench.client.post(f"/api/apps/{app}/datasources", json=body)
    assert made.status_code == 201, made.text
    table = {"name": name, "json_schema": SCHEMA}
    made = await bench.client.post(f"/api/apps/{app}/datasources/{name}/datatables", json=table)
    assert made.status_code == 201, made.text
    return Records(bench.client, name, app)


async def test_apps_share_no_database(bench: MongoBench, replica_set: str) -> None:
    assert (await bench.client.post("/api/apps", json={"name": "second"})).status_code == 201
    tables = [
        await source(bench, "one"),
        await source(bench, "two", database="shop"),
        await source(bench, "three", "second", database="shop"),
    ]
    for table in tables:
        assert (await table.post({"name": table.name})).status_code == 201
    found = await databases_of(replica_set)
    homes = [
        next(home for home, held in found.items() if any(one.endswith(f"_{table.name}") for one in held))
        for table in tables
    ]
    assert len(set(homes)) == 3
    assert homes[1].endswith("_shop")
    assert homes[2].endswith("_shop")


async def test_a_credential_says_where_the_records_are(bench: MongoBench, replica_set: str) -> None:
    port = urlsplit(replica_set).port
    credential = {
        "name": "ours",
        "kind": "mongodb",
        "settings": {"host": "127.0.0.1", "port": port, "database": "ours"},
        "secrets": {},
    }
    made = await bench.client.post("/api/credentials", json=credential)
    assert made.status_code == 201, made.text
    table = await source(bench, "kept", credential="ours")
    assert (await table.post([{"name": "a"}, {"name": "b"}])).status_code == 201
    assert any(name.endswith("_kept") for name in (await databases_of(replica_set))["ours"])


async def test_a_credential_that_is_not_there(bench: MongoBench) -> None:
    table = await source(bench, "lost", credential="nobody")
    answer = await table.get()
    assert answer.status_code == 400
    assert "'nobody'" in answer.json()["detail"]
    details = await bench.details(table)
    assert details["is_materialized"] is False


# The driver forgets a socket when it is closed while it tries to connect.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_server_that_does_not_answer(database: Any, tmp_path: Path) -> None:
    port = free_port()
    async with bench_on(database, f"mongodb://127.0.0.1:{port}/") as bench:
        table = await source(bench, "away")
        answer = await table.get()
        assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
        with running(tmp_path, port, replica_set=False):
            assert (await table.post({"name": "a"})).status_code == 201
            assert await table.total() == 1
        gone = await table.get()
        assert gone.status_code == 503
    gc.collect()


@pytest.mark.parametrize("name", ["admin", "local", "a.b", "$x", "a/b", "x" * 39, ""])
async def test_names_of_databases(bench: MongoBench, name: str) -> None:
    body = {"name": "bad", "provider_type": "mongodb", "provider_config": {"database": name}}
    assert (await bench.client.post(f"/api/apps/{APP}/datasources", json=body)).status_code == 400


async def test_what_another_program_breaks_is_not_written(bench: MongoBench, replica_set: str) -> None:
    table = await source(bench, "typed")
    assert (await table.post({"name": "a"})).status_code == 201
    client: Any = pymongo.AsyncMongoClient(replica_set)
    for name in await client.list_database_names():
        for collection in await client[name].list_collection_names():
            if collection.endswith("_typed"):
                with pytest.raises(WriteError):
                    await client[name][collection].insert_one({"_id": "text"})
                with pytest.raises(WriteError):
                    await client[name][collection].update_one({}, {"$set": {"name": None}})
    await client.close()
