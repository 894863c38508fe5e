"""Seed 000's own job: one Penstock in front of another, which runs the queries under the caller's key."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from tests.acceptance.test_seed_explorer import BY_SQL, BY_TABLE, LIMITED, RESULTS, curl, pages, seeded
from tests.conftest import RunningServer, running_server
from tests.databases import ADMIN_KEY, Databases

__all__ = ["seeded"]


@pytest.fixture(scope="module")
def key(seeded: RunningServer) -> str:
    """Of the server behind; the one in front has never heard of it."""
    headers = {"Authorization": f"Key {ADMIN_KEY}"}
    made = httpx2.post(f"{seeded.url}/api/keys", json={"name": "mine"}, headers=headers)
    return made.json()["key"]


@pytest.fixture(scope="module")
def front(
    seeded: RunningServer, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    settings = {"PENSTOCK_EXPLORER_UPSTREAM": seeded.url, "PENSTOCK_WORKER": "off"}
    with (
        databases.clone() as cloned,
        running_server(tmp_path_factory.mktemp("front"), {**cloned.environment, **settings}) as started,
    ):
        yield started


@pytest.mark.parametrize(
    ("command", "sizes"),
    [(BY_TABLE, [100, 100, 50]), (LIMITED, [100, 0]), (BY_SQL, [100, 100, 50])],
    ids=["a table", "a limit", "SQL"],
)
def test_the_commands(
    seeded: RunningServer, front: RunningServer, key: str, command: str, sizes: list[int]
) -> None:
    status, made = curl(front, command, key)
    assert status == 200, made
    found = list(pages(front, made["query_slug"], key))
    assert [len(page) for page in found] == sizes
    # What comes through is what is there.
    behind = curl(seeded, command, key)[1]
    assert behind["sql_query"] == made["sql_query"]
    assert found == list(pages(seeded, behind["query_slug"], key))


def test_what_the_server_behind_refuses(seeded: RunningServer, front: RunningServer, key: str) -> None:
    assert httpx2.get(f"{front.url}/api/health").json()["status"] == "ok"
    assert curl(front, BY_TABLE, "wrong")[0] == 401
    status, made = curl(front, BY_TABLE.replace("table_name", "nothing"), key)
    assert status == 200
    status, body = curl(front, RESULTS.replace("explorer-query-8OSP", made["query_slug"]), key)
    assert (status, body["error"]) == (400, "Query execution failed")
    assert "nothing" in body["details"]
    # A slug is of the key that made it.
    assert curl(front, RESULTS.replace("explorer-query-8OSP", made["query_slug"]), ADMIN_KEY)[0] == 404
