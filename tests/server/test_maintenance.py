"""Backup while the server writes, and what comes back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from penstock.server.commands import backup, diagnose, restore
from tests.conftest import RunningServer, running_server

KEY = "a key of the tests with 32 characters"
HEADERS = {"Authorization": f"Key {KEY}"}
DATA = "/api/apps/shop/datatables/things/data/"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("maintenance") / "data"


@pytest.fixture(scope="module")
def server(directory: Path) -> Iterator[RunningServer]:
    with running_server(directory, {"PENSTOCK_ADMIN_KEY": KEY}) as started:
        prepare(started)
        yield started


def call(server: RunningServer, method: str, path: str, body: object = None) -> httpx2.Response:
    return httpx2.request(method, f"{server.url}{path}", json=body, headers=HEADERS, timeout=30)


def prepare(server: RunningServer) -> None:
    assert call(server, "POST", "/api/apps/", {"name": "Shop", "slug": "shop"}).status_code == 201
    source = {"name": "Main", "slug": "main", "provider_type": "flat_table"}
    assert call(server, "POST", "/api/apps/shop/datasources/", source).status_code == 201
    fields = [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}]
    schema = {"fields": fields, "primaryKey": ["id"]}
    table = {"name": "things", "json_schema": schema}
    assert call(server, "POST", "/api/apps/shop/datasources/main/datatables/", table).status_code == 201


def test_what_was_written_before_the_backup_comes_back(
    server: RunningServer, directory: Path, tmp_path: Path
) -> None:
    done = threading.Event()
    written: list[int] = []

    def write() -> None:
        number = 0
        while not done.is_set():
            rows = [{"id": number + offset, "name": "é ☃"} for offset in range(10)]
            if call(server, "POST", DATA, rows).status_code == 201:
                written.append(number)
            number += 10

    writing = threading.Thread(target=write)
    writing.start()
    while len(written) < 5:
        pass
    before = list(written)
    assert backup(directory, None, tmp_path / "backup") == 0
    done.set()
    writing.join()
    copy = tmp_path / "copy"
    assert restore(tmp_path / "backup", copy) == 0
    with running_server(copy, {}) as restored:
        assert "not shown again" not in restored.output()
        page = call(restored, "GET", f"{DATA}?page_size=1000&ordering=id").json()
        found = {row["id"] for row in page["data"]}
        # Each request of ten rows is there as a whole or not at all.
        assert page["total"] % 10 == 0
        assert all(number + offset in found for number in before for offset in range(10))
        assert page["data"][0]["name"] == "é ☃"
        assert call(restored, "POST", DATA, {"id": 10_000_000, "name": "new"}).status_code == 201
        made = call(restored, "POST", "/api/orgs/", {"slug": "second", "name": "Second"})
        assert made.status_code == 201, made.text


def test_neither_overwrites_anything(server: RunningServer, directory: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    target.write_text("mine")
    assert backup(directory, None, target) == 1
    assert target.read_text() == "mine"
    assert restore(target, directory) == 1
    assert call(server, "GET", "/api/health").status_code == 200


def test_a_broken_backup(tmp_path: Path) -> None:
    (tmp_path / "backup").write_bytes(b"\0" * 10_000)
    assert restore(tmp_path / "backup", tmp_path / "copy") == 1
    assert not (tmp_path / "copy").exists() or not list((tmp_path / "copy").iterdir())


def test_diagnosis(server: RunningServer, directory: Path, tmp_path: Path) -> None:
    found = {check.name: check for check in diagnose(directory)}
    assert found["migrations"].ok
    assert found["database"].ok
    assert found["key file"].ok
    assert all(check.ok for check in diagnose(tmp_path / "nothing-there"))
    assert not (tmp_path / "nothing-there").exists()
    (directory / "keys.json").chmod(0o644)
    assert not next(check for check in diagnose(directory) if check.name == "key file").ok
    (directory / "keys.json").chmod(0o600)
    unreachable = diagnose(tmp_path, "postgresql://me:x@127.0.0.1:1/data")
    assert not next(check for check in unreachable if check.name == "database").ok
