"""The endpoint reference, replayed with its tables in MongoDB."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from tests.acceptance.test_seed_data_service import GRAPH, STEPS, Step, differences
from tests.conftest import running_server
from tests.databases import Databases
from tests.mongodb import replica_set

__all__ = ["replica_set"]


@pytest.fixture(scope="module")
def client(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, replica_set: str
) -> Iterator[httpx2.Client]:
    with databases.clone() as cloned:
        environment = {**cloned.environment, "PENSTOCK_MONGODB_URL": f"{replica_set}seed"}
        with (
            running_server(tmp_path_factory.mktemp("server"), environment) as server,
            httpx2.Client(base_url=server.url, headers={"X-Api-Key": server.key}, timeout=60) as opened,
        ):
            yield opened


def moved(value: Any) -> Any:
    """The same with `mongodb` for `flat_table`."""
    if isinstance(value, dict):
        return {name: moved(item) for name, item in value.items()}
    if isinstance(value, list):
        return [moved(item) for item in value]
    return "mongodb" if value == "flat_table" else value


def in_mongodb(step: Step) -> Step:
    body = moved(step.body)
    if step.method == "POST" and step.path.endswith("/datasources/"):
        body = {"provider_type": "mongodb", **body}
    return replace(step, body=body, expected=moved(step.expected))


@pytest.mark.parametrize("steps", [STEPS, GRAPH], ids=["everything", "graphs"])
def test_the_reference(client: httpx2.Client, steps: tuple[Step, ...]) -> None:
    for step in map(in_mongodb, steps):
        sent = {"json": step.body} if step.body is not None else {}
        answer = client.request(step.method, step.path, **sent)
        told = f"{step.method} {step.path}\n{answer.status_code} {answer.text}"
        assert answer.status_code == step.status, told
        if step.status != 204 and step.expected is not None:
            assert not list(differences(step.expected, answer.json())), told
