"""kill -9 of the server and of PostgreSQL while schemas change, are rolled back, and indexes are built.

After each restart definition, hash, table and history agree, the change is there as a whole or not at all, and what was
left to be done gets done.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import random
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import msgspec
import psutil
import pytest

from penstock.kit import embedded
from penstock.tables.schema import Place, parse_schema, violations
from tests.acceptance.test_crash import ENVIRONMENT, Installation
from tests.conftest import free_port, start_server, stop_server, wait_until_ready
from tests.databases import ADMIN_KEY

ROWS = 20_000
ROUNDS = 4
HEADERS = {"Authorization": f"Key {ADMIN_KEY}"}
TABLE = "/api/apps/crash/datatables/events"
Json = dict[str, Any]


def column(name: str, kind: str = "string", **more: Any) -> Json:
    return {"name": name, "type": kind, **more}


def schema(*fields: Json, **more: Any) -> Json:
    return {"fields": [column("id", "integer"), *fields], "primaryKey": ["id"], **more}


# Each is made of the one before; from the last back to the first by rollbacks.
A = schema(column("name"), column("amount", "integer", constraints={"required": True}))
B = schema(
    column("label", **{"x-rename-from": "name"}),
    column("amount", "number", constraints={"required": True, "unique": True}),
    column("level", "integer", default=1),
    indexes=[{"name": "by_label", "fields": ["label", "amount"]}],
    graph={"types": ["next"]},
)


class MigratingInstallation(Installation):
    """One whose tables are soon large, and whose workers are soon missed."""

    def start(self) -> None:
        environment = {
            **ENVIRONMENT,
            "PENSTOCK_SCHEMA_SMALL_ROWS": "1000",
            "PENSTOCK_WORKER_LOST_AFTER": "2",
        }
        self.server = start_server(self.directory, environment, port=self.port)
        wait_until_ready(self.server)


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[MigratingInstallation]:
    found = MigratingInstallation(tmp_path / "data", free_port())
    found.start()
    with client_of(found) as client:
        assert client.post("/api/apps", json={"name": "Crash"}).status_code == 201
        assert client.post("/api/apps/crash/datasources", json={"name": "Main"}).status_code == 201
        made = client.post(
            "/api/apps/crash/datasources/main/datatables?materialize=true",
            json={"name": "events", "json_schema": A},
        )
        assert made.status_code == 201, made.text
        lines = ["name,amount", *(f"n{one},{one}" for one in range(ROWS))]
        sent = client.post(
            f"{TABLE}/data/import", content="\n".join(lines).encode(), headers={"Content-Type": "text/csv"}
        )
        assert sent.status_code == 200, sent.text
    yield found
    stop_server(found.server)


def client_of(installation: Installation) -> Any:
    return httpx2.Client(base_url=installation.server.url, headers=HEADERS, timeout=60)


def kill_server(installation: Installation) -> None:
    installation.server.process.kill()
    installation.server.process.wait()
    installation.start()


def kill_postgresql(installation: Installation) -> None:
    pid = installation.postmaster(set())
    os.kill(pid, signal.SIGKILL)
    installation.postmaster({pid})
    wait_until_ready(installation.server)


def kill_workers(installation: Installation) -> None:
    """Those that build indexes, beside the server."""
    parent = psutil.Process(installation.server.process.pid)
    for child in parent.children(recursive=True):
        if "jobs" in child.name():
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()


@pytest.mark.parametrize("kill", [kill_server, kill_postgresql, kill_workers])
def test_killed_while_the_schema_changes(
    installation: MigratingInstallation, kill: Callable[[Installation], None]
) -> None:
    chance = random.Random(5)
    asyncio.run(compare(installation))
    for number in range(ROUNDS):
        forwards = is_at(installation, A)
        act = threading.Thread(target=change if forwards else take_back, args=(installation,))
        act.start()
        # The first rounds are killed early, the last ones while indexes are built.
        time.sleep(chance.uniform(0.02, 0.25) * (1 + number))
        kill(installation)
        act.join()
        settled(installation)
        asyncio.run(compare(installation))
    # And it still works.
    for _ in range(2):
        forwards = is_at(installation, A)
        answer = change(installation) if forwards else take_back(installation)
        assert answer is not None and answer.status_code == 200, answer and answer.text
        settled(installation)
        assert is_at(installation, B if forwards else A)
        asyncio.run(compare(installation))


def change(installation: Installation) -> Any:
    with client_of(installation) as client, contextlib.suppress(httpx2.TransportError):
        return client.patch(TABLE, json={"json_schema": B})


def take_back(installation: Installation) -> Any:
    with client_of(installation) as client, contextlib.suppress(httpx2.TransportError):
        history = client.get(f"{TABLE}/operation-history", params={"page_size": 100}).json()["data"]
        newest = next(one for one in history if one["status"] == "success" and one["revision"])
        return client.post(f"{TABLE}/rollback/", json={"revision_id": newest["id"]})


def is_at(installation: Installation, definition: Json) -> bool:
    with client_of(installation) as client:
        return client.get(TABLE).json()["json_schema"] == definition


def settled(installation: Installation) -> None:
    """Nothing is pending any more, and nothing is left of what was given up."""
    deadline = time.monotonic() + 90
    while True:
        with (
            client_of(installation) as client,
            contextlib.suppress(httpx2.TransportError, KeyError, ValueError),
        ):
            pending = client.get(f"{TABLE}/operation-history", params={"status": "pending"})
            if (
                pending.status_code == 200
                and not pending.json()["data"]
                and not asyncio.run(left_over(installation))
            ):
                return
        assert time.monotonic() < deadline, installation.server.output()[-3000:]
        time.sleep(0.2)


@contextlib.asynccontextmanager
async def connected(installation: Installation) -> AsyncIterator[Any]:
    cluster = embedded.start(installation.directory, watch=False)
    try:
        connection: Any = await asyncpg.connect(cluster.dsn(database="penstock"))
        try:
            yield connection
        finally:
            await connection.close()
    finally:
        cluster.close()


async def left_over(installation: Installation) -> int:
    async with connected(installation) as connection:
        return await connection.fetchval(
            "SELECT (SELECT count(*) FROM pg_attribute WHERE attname LIKE '#%' AND NOT attisdropped) "
            "+ (SELECT count(*) FROM pg_index WHERE NOT indisvalid) "
            "+ (SELECT count(*) FROM pg_trigger WHERE tgname LIKE '#%')"
        )


async def compare(installation: Installation) -> None:
    """Definition, hash, columns, constraints, edges, rows and history say the same."""
    async with connected(installation) as connection:
        row = await connection.fetchrow("SELECT * FROM penstock.data_tables WHERE name = 'events'")
        document = msgspec.json.decode(row["json_schema"])
        place, parsed = Place(row["physical_schema"], row["physical_name"]), parse_schema(document)
        assert document in (A, B)
        digest = hashlib.sha256(msgspec.json.encode(document, order="sorted")).hexdigest()
        assert row["schema_hash"] == digest
        assert set(msgspec.json.decode(row["field_ids"])) == set(parsed.names)
        columns = await connection.fetch(
            "SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute "
            "WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped",
            place.sql,
        )
        found = {one["attname"]: one["type"] for one in columns}
        assert set(found) == set(parsed.names)
        assert found["amount"] == ("numeric" if document == B else "bigint")
        unique = await connection.fetch(
            "SELECT relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
            "WHERE i.indrelid = $1::text::regclass AND i.indisunique AND i.indisvalid",
            place.sql,
        )
        assert {one["relname"] for one in unique} == set(violations(place, parsed))
        edges = await connection.fetchval(
            "SELECT count(*) FROM pg_constraint WHERE confrelid = $1::text::regclass", place.sql
        )
        assert edges == (2 if document == B else 0)
        rows = await connection.fetchrow(
            f"SELECT count(*) AS n, sum(amount)::bigint AS total FROM {place.sql}"
        )
        assert (rows["n"], rows["total"]) == (ROWS, ROWS * (ROWS - 1) // 2)
        statuses = await connection.fetch(
            "SELECT r.rolled_back, array_agg(DISTINCT h.status) AS found FROM penstock.schema_revisions r "
            "JOIN penstock.operation_history h ON h.revision_id = r.id GROUP BY r.id, r.rolled_back"
        )
        for one in statuses:
            assert one["found"] == (["rolled_back"] if one["rolled_back"] else ["success"])
        standing = sum(not one["rolled_back"] for one in statuses)
        assert standing == (1 if document == B else 0)
