"""The questions of the oracle, put to tables in MongoDB."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.acceptance.test_oracle import KINDS, Question, Table, check, scenarios
from tests.conftest import running_server
from tests.databases import Databases
from tests.mongodb import replica_set

__all__ = ["replica_set"]

EXAMPLES = int(os.environ.get("PENSTOCK_TEST_EXAMPLES", "60"))
NUMBER = (
    st.decimals(-10, 10, places=2)
    | st.decimals(allow_nan=False, allow_infinity=False).filter(
        lambda d: abs(d.adjusted()) < 300 and len(d.as_tuple().digits) <= 34
    )
    | st.sampled_from([Decimal(10) ** 40, Decimal("1e-40"), Decimal("0.10"), Decimal("-0.0")])
)
HELD = dict(KINDS)
HELD["number"] = replace(KINDS["number"], values=NUMBER)


@pytest.fixture(scope="module")
def client(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, replica_set: str
) -> Iterator[httpx2.Client]:
    with databases.clone() as cloned:
        environment = {**cloned.environment, "PENSTOCK_MONGODB_URL": f"{replica_set}oracle"}
        with (
            running_server(tmp_path_factory.mktemp("server"), environment) as server,
            httpx2.Client(base_url=server.url, headers={"X-Api-Key": server.key}, timeout=60) as opened,
        ):
            assert opened.post("/api/apps", json={"name": "Oracle"}).status_code == 201
            source = {"name": "Main", "provider_type": "mongodb"}
            assert opened.post("/api/apps/oracle/datasources", json=source).status_code == 201
            yield opened


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(scenarios(HELD))
def test_the_answer_is_what_plain_python_says(
    client: httpx2.Client, scenario: tuple[Table, list[Question]]
) -> None:
    check(client, *scenario)


@pytest.mark.parametrize("value", ["1" + "0" * 34 + "1", "0." + "1" * 35])
def test_numbers_that_would_lose_digits_are_refused(client: httpx2.Client, value: str) -> None:
    schema = {
        "fields": [{"name": "id", "type": "integer"}, {"name": "n", "type": "number"}],
        "primaryKey": ["id"],
    }
    body = {"name": f"n{len(value)}", "json_schema": schema}
    assert client.post("/api/apps/oracle/datasources/main/datatables", json=body).status_code == 201
    url = f"/api/apps/oracle/datatables/{body['name']}/data"
    answer = client.post(url, content=f'{{"n": {value}}}')
    assert (answer.status_code, list(json.loads(answer.text)["errors"])) == (400, ["n"])
    assert client.get(url, params={"n__gt": value}).status_code == 400
