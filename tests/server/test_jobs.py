"""Background jobs in the installed program: the worker beside `serve`, `penstock worker`, metrics and the doctor."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from penstock import identity, tables
from penstock.kit.context import Context
from penstock.kit.jobs import Run, cleaning
from penstock.server import diagnosis, jobs
from penstock.server.logins import connected
from tests.conftest import RunningServer, client_of, running_server
from tests.databases import Databases, TestDatabase, url
from tests.server.test_processes import children, eventually, job_workers

SERVE_OFF = {"PENSTOCK_WORKER": "off"}


@pytest.fixture
def served(databases: Databases, tmp_path: Path) -> Iterator[tuple[TestDatabase, RunningServer]]:
    with databases.clone() as cloned, running_server(tmp_path, cloned.environment) as started:
        yield cloned, started


def ask(database: TestDatabase, sql: str) -> Any:
    async def work() -> Any:
        async with connected(database.account.direct) as connection:
            return await connection.fetchval(sql)

    return asyncio.run(work())


def all_cleaned(database: TestDatabase) -> bool:
    sql = "SELECT count(DISTINCT job) FROM penstock.job_runs WHERE state = 'succeeded'"
    return ask(database, sql) == len(jobs.SCHEDULES)


def test_serve_does_the_jobs_and_replaces_a_killed_worker(
    served: tuple[TestDatabase, RunningServer],
) -> None:
    database, server = served
    eventually(lambda: all_cleaned(database))
    (first,) = job_workers(server)
    os.kill(first.pid, signal.SIGKILL)
    eventually(lambda: bool({process.pid for process in job_workers(server)} - {first.pid}))
    text = httpx2.get(f"{server.url}/metrics").text
    assert 'penstock_jobs_ended_total{job="jobs.forget",state="succeeded"} 1' in text


def test_a_stopped_server_leaves_no_worker(served: tuple[TestDatabase, RunningServer]) -> None:
    database, server = served
    eventually(lambda: ask(database, "SELECT count(*) FROM penstock.job_workers") == 1)
    left = children(server)
    server.process.terminate()
    assert server.process.wait(30) == 0
    assert not any(process.is_running() for process in left)
    assert ask(database, "SELECT count(*) FROM penstock.job_workers") == 0


def test_a_killed_server_takes_its_worker_along(served: tuple[TestDatabase, RunningServer]) -> None:
    _, server = served
    eventually(lambda: len(job_workers(server)) == 1)
    left = children(server)
    server.process.kill()
    server.process.wait()
    eventually(lambda: not any(process.is_running() for process in left))


def headers(server: RunningServer) -> dict[str, str]:
    return {"Authorization": f"Key {server.key}"}


def scheduled(server: RunningServer) -> str:
    """Where the results of a query will be that runs by itself."""
    with httpx2.Client(base_url=server.url, headers=headers(server)) as client:
        client.post("/api/apps", json={"name": "Shop"}).raise_for_status()
        client.post("/api/apps/shop/datasources", json={"name": "Main"}).raise_for_status()
        (source,) = client.get("/api/data_sources").json()
        wanted = {"name": "n", "query": "SELECT 1 AS n", "schedule": {"interval": 3600}}
        made = client.post("/api/queries", json={**wanted, "data_source_id": source["id"]})
        return f"{server.url}/api/queries/{made.json()['id']}/results"


def test_workers_of_their_own(databases: Databases, tmp_path: Path) -> None:
    """With the database and the place of results, as on another machine."""
    shared = {"PENSTOCK_RESULTS_URL": str(tmp_path / "results")}
    with (
        databases.clone() as cloned,
        running_server(tmp_path / "server", {**cloned.environment, **shared, **SERVE_OFF}) as server,
    ):
        assert job_workers(server) == []
        assert ask(cloned, "SELECT count(*) FROM penstock.job_runs") == 0
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
        command = [sys.executable, "-m", "penstock_sdk.cli", "worker", "--data-dir", str(tmp_path / "far")]
        environment = {**inherited, **cloned.environment, **shared}
        started = [subprocess.Popen([*command, "--concurrency", "2"], env=environment) for _ in range(2)]
        try:
            eventually(lambda: ask(cloned, "SELECT count(*) FROM penstock.job_workers") == 2)
            eventually(lambda: all_cleaned(cloned))
            results = scheduled(server)
            eventually(lambda: httpx2.get(results, headers=headers(server)).status_code == 200)
        finally:
            for process in started:
                process.terminate()
        assert [process.wait(30) for process in started] == [0, 0]


def test_a_concurrency_that_is_none(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "penstock_sdk.cli", "worker", "--data-dir", str(tmp_path)]
    done = subprocess.run([*command, "--concurrency", "0"], capture_output=True, text=True)
    assert done.returncode == 2 and "must be 1 or more" in done.stderr


def test_the_doctor_misses_a_worker(databases: Databases, tmp_path: Path) -> None:
    with databases.clone() as cloned:
        flags = {"data_dir": tmp_path, "database_url": url(cloned.account.direct), "port": 5999}

        def found() -> diagnosis.Check:
            checks = diagnosis.examine(flags, None)
            return next(check for check in checks if check.name == "background jobs")

        assert found().ok
        ask(
            cloned,
            "INSERT INTO penstock.job_runs (job, payload, most_attempts, due_at)"
            " VALUES ('any', '{}', 1, now() - interval '2 minutes')",
        )
        assert not found().ok and "penstock worker" in found().detail


@pytest.mark.anyio
async def test_what_has_expired_is_forgotten(ctx: Context) -> None:
    async with ctx.db.control.transaction() as conn:
        for statement in (
            "INSERT INTO penstock.refresh_tokens (family, kind, user_id, org_id, digest, expires_at)"
            " SELECT 'old', 'refresh', u.id, o.id, '\\x00', now() - interval '2 days'"
            " FROM penstock.users u, penstock.orgs o",
            "INSERT INTO penstock.refresh_tokens (family, kind, user_id, org_id, digest, expires_at)"
            " SELECT 'new', 'refresh', u.id, o.id, '\\x01', now() + interval '2 days'"
            " FROM penstock.users u, penstock.orgs o",
            "INSERT INTO penstock.idempotency_keys"
            " (org_id, principal, key, request, fingerprint, status, body, created_at)"
            " SELECT id, 'user:1', 'old', '', '', 200, '', now() - interval '3 days' FROM penstock.orgs",
            "INSERT INTO penstock.job_runs (job, payload, most_attempts, due_at, state, finished_at)"
            " VALUES ('any', '{}', 1, now(), 'succeeded', now() - interval '8 days')",
            "INSERT INTO penstock.job_runs (job, payload, most_attempts, due_at, state, finished_at)"
            " VALUES ('any', '{}', 1, now(), 'failed', now() - interval '8 days')",
        ):
            await conn.execute(statement)
    found: dict[str, Any] = {}
    for handler in (*identity.HANDLERS, *tables.HANDLERS, *cleaning.HANDLERS):
        if "forget" in handler.job.name:
            run: Run[Any] = Run(ctx, 1, None, cleaning.Nothing(), 1, True, uuid4())
            found[handler.job.name] = await handler.run(ctx, run)
    assert found["identity.forget"]["tokens"] == 1
    assert found["tables.forget_answers"] == 1
    assert found["jobs.forget"] == 1
    async with ctx.db.control.transaction() as conn:
        assert await conn.value("SELECT family FROM penstock.refresh_tokens WHERE family <> ''") == "new"
        assert await conn.value("SELECT state FROM penstock.job_runs") == "failed"


@pytest.mark.anyio
async def test_metrics_without_a_database(app: Any, ctx: Context) -> None:
    async with client_of(app, None) as anyone:
        assert "# TYPE penstock_jobs gauge" in (await anyone.get("/metrics")).text
