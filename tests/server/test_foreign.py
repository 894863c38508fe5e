"""A real server on Debian's PostgreSQL 15, as an account that is no superuser, and behind pgbouncer.

The whole suite runs there as well: `python -m tests.foreign [--pgbouncer] -- pytest`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from penstock.server.commands import backup
from penstock.server.logins import connected, login_from_url
from tests.conftest import RunningServer, running_server
from tests.databases import ADMIN_KEY
from tests.foreign import Foreign, foreign_postgresql

HEADERS = {"Authorization": f"Key {ADMIN_KEY}"}


@pytest.fixture(scope="module", params=[False, True], ids=["postgresql", "pgbouncer"])
def foreign(request: pytest.FixtureRequest) -> Iterator[Foreign]:
    with foreign_postgresql(pgbouncer=request.param) as started:
        yield started


@pytest.fixture(scope="module")
def environment(foreign: Foreign) -> dict[str, str]:
    given = {"PENSTOCK_DATABASE_URL": foreign.url(), "PENSTOCK_ADMIN_KEY": ADMIN_KEY}
    if foreign.pooler_port:
        given["PENSTOCK_DATABASE_DIRECT_URL"] = foreign.direct_url()
    return given


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("foreign")


@pytest.fixture(scope="module")
def server(environment: dict[str, str], directory: Path) -> Iterator[RunningServer]:
    with running_server(directory, environment, "--workers", "2") as started:
        yield started


def call(server: RunningServer, method: str, path: str, body: object = None) -> httpx2.Response:
    return httpx2.request(method, f"{server.url}{path}", json=body, headers=HEADERS, timeout=30)


def test_healthy(server: RunningServer) -> None:
    report = call(server, "GET", "/api/health").json()
    assert report["database"]["version"].startswith("15.")
    assert report["migrations"]["current"] is True


def test_tables_and_records(server: RunningServer) -> None:
    assert call(server, "POST", "/api/apps/", {"name": "Shop", "slug": "shop"}).status_code == 201
    source = {"name": "Main", "slug": "main", "provider_type": "flat_table"}
    assert call(server, "POST", "/api/apps/shop/datasources/", source).status_code == 201
    schema = {
        "fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}],
        "primaryKey": ["id"],
    }
    table = {"name": "things", "json_schema": schema}
    made = call(server, "POST", "/api/apps/shop/datasources/main/datatables/", table)
    assert made.status_code == 201, made.text
    rows = [{"id": number, "name": f"Thing {number}"} for number in range(500)]
    created = call(server, "POST", "/api/apps/shop/datatables/things/data/", rows)
    assert created.status_code == 201, created.text
    page = call(
        server, "GET", "/api/apps/shop/datatables/things/data/?name__icontains=THING+49&ordering=-id"
    ).json()
    assert page["total"] == 11
    assert page["data"][0]["id"] == 499


def test_keys_are_revoked_in_every_process(
    server: RunningServer, environment: dict[str, str], directory: Path
) -> None:
    with running_server(directory / "second", {**environment, **_keys_of(directory)}) as second:
        made = call(server, "POST", "/api/keys/", {"kind": "user", "name": "short-lived"})
        assert made.status_code == 201, made.text
        headers = {"Authorization": f"Key {made.json()['key']}"}
        for _ in range(3):
            assert httpx2.get(f"{second.url}/api/users/me/", headers=headers).status_code == 200
        assert call(server, "DELETE", f"/api/keys/{made.json()['id']}/").status_code in (200, 204)
        deadline = time.monotonic() + 1.0
        while httpx2.get(f"{second.url}/api/users/me/", headers=headers).status_code == 200:
            assert time.monotonic() < deadline


def _keys_of(directory: Path) -> dict[str, str]:
    import json

    stored = json.loads((directory / "keys.json").read_text())
    return {"PENSTOCK_SIGNING_KEYS": stored["signing"], "PENSTOCK_ENCRYPTION_KEYS": stored["encryption"]}


def test_our_roles_are_no_superusers(server: RunningServer, foreign: Foreign) -> None:
    async def flags() -> list[tuple[str, bool, bool, bool]]:
        async with connected(login_from_url(foreign.direct_url())) as connection:
            rows = await connection.fetch(
                "SELECT rolname, rolsuper, rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname LIKE 'penstock%'"
            )
            return [tuple(row) for row in rows]

    found = asyncio.run(flags())
    assert len(found) == 3
    assert not any(any(row[1:]) for row in found)


def test_backup_of_a_foreign_database(
    server: RunningServer, foreign: Foreign, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if foreign.pooler_port:
        monkeypatch.setenv("PENSTOCK_DATABASE_DIRECT_URL", foreign.direct_url())
    assert backup(directory, foreign.url(), tmp_path / "backup") == 0
    assert (tmp_path / "backup").stat().st_size > 10_000


def test_vectors_say_what_is_missing(server: RunningServer) -> None:
    assert call(server, "POST", "/api/apps/", {"name": "Vectors", "slug": "vectors"}).status_code == 201
    assert call(server, "POST", "/api/apps/vectors/datasources/", {"name": "Main"}).status_code == 201
    fields = [{"name": "id", "type": "integer"}, {"name": "e", "type": "vector", "dimensions": 3}]
    table = {"name": "things", "json_schema": {"fields": fields, "primaryKey": ["id"]}}
    assert call(server, "POST", "/api/apps/vectors/datasources/main/datatables/", table).status_code == 201
    for method, path, body in (
        ("GET", "data/", None),
        ("POST", "materialize/", None),
        ("POST", "data/", {"id": 1}),
    ):
        answer = call(server, method, f"/api/apps/vectors/datatables/things/{path}", body)
        assert answer.status_code == 400, answer.text
        assert (
            "have a superuser run in this database: CREATE EXTENSION vector;"
            in answer.json()["json_schema"][0]
        )
