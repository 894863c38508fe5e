"""Rules of a table hold for its records in MongoDB: what they keep back is in no answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from penstock.identity.models import Role
from penstock.identity.store import people
from penstock.kit.filters import BoundTree, Compare, bind
from penstock.tables.catalog import Table
from penstock.tables.records import allowed, asking
from tests.conftest import client_of
from tests.tables.conftest import _member
from tests.tables.providers.mongodb.conftest import MongoBench
from tests.tables.workbench import APP, Records

pytestmark = pytest.mark.anyio

NAME = {"name": "name", "type": "string"}
TYPES = ["knows"]


@pytest.fixture(scope="module")
async def operator(bench: MongoBench) -> AsyncIterator[httpx2.AsyncClient]:
    async with bench.ctx.db.control.transaction() as conn:
        org = await people.org_by_slug(conn, "main")
        assert org is not None
        key = await _member(conn, org, "operator-of-rules", Role.OPERATOR)
    assert bench.app is not None
    async with client_of(bench.app, key) as client:
        yield client


async def test_what_a_rule_keeps_back(bench: MongoBench, operator: httpx2.AsyncClient) -> None:
    table = await bench.table(
        NAME,
        {"name": "kind", "type": "string", "constraints": {"required": True}},
        {"name": "secret", "type": "integer", "constraints": {"required": True}},
        graph={"types": TYPES},
    )
    rows = [
        {"name": n, "kind": k, "secret": s}
        for n, k, s in (("a", "open", 1), ("b", "closed", 2), ("c", "open", 3))
    ]
    await table.add(*rows)
    edges = f"/api/apps/{APP}/datatables/{table.name}/edges"
    sent = [
        {"from": 1, "to": 2, "type": "knows"},
        {"from": 2, "to": 3, "type": "knows"},
        {"from": 1, "to": 3, "type": "knows"},
    ]
    assert (await bench.client.post(edges, json=sent)).status_code == 201
    rule = {
        "name": "open ones",
        "read": {"kind": "open"},
        "write": {"kind": "open"},
        "hidden_fields": ["secret"],
    }
    made = await bench.client.post(f"/api/apps/{APP}/datatables/{table.name}/rules/", json=rule)
    assert made.status_code == 201, made.text
    theirs = Records(operator, table.name)
    assert [row["id"] for row in await theirs.rows(ordering="id")] == [1, 3]
    assert "secret" not in (await theirs.get()).text
    assert (await theirs.get("/2")).status_code == 404
    assert (await theirs.get(secret=1)).status_code == 400
    assert (await theirs.get(ordering="secret")).status_code == 400
    counted = await theirs.get(_aggregate="count(*)", _group_by="kind")
    assert counted.json()["data"] == [{"kind": "open", "count": 2}]
    assert (await theirs.get(_aggregate="max(secret)")).status_code == 400
    assert [(one["from_id"], one["to_id"]) for one in (await operator.get(edges)).json()["data"]] == [(1, 3)]
    walk = (await theirs.get("/3", format="tree")).json()
    assert (walk["total"], "secret" in str(walk)) == (2, False)
    assert (await theirs.get(search="b")).json()["total"] == 0
    for answer in (
        await theirs.post({"name": "x", "kind": "open"}),
        await theirs.patch({"name": "x"}, "/1"),
        await theirs.delete("/1"),
        await operator.post(edges, json={"from": 3, "to": 1, "type": "knows"}),
    ):
        assert answer.status_code == 403, answer.text
    # Whoever is under no rule still writes what the collection itself insists on.
    assert (await table.post({"name": "d", "kind": "open"})).status_code == 400
    assert (await table.post({"name": "d", "kind": "open", "secret": 4})).status_code == 201


async def test_what_may_be_done_with_each_record(
    bench: MongoBench, operator: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = await bench.table(NAME, search_fields=["name"], graph={"types": TYPES})
    await table.add({"name": "a x"}, {"name": "b x"})
    theirs = Records(operator, table.name)
    asked = {"allowed_actions": "delete,read,update", "fields": "id"}
    everything = ["read", "update", "delete"]
    told = [row["_allowed_actions"] for row in await theirs.rows(**asked)]
    assert told == [everything, everything]

    def first(table: Table, principal: object) -> BoundTree:
        return bind(Compare("name", "eq", "a x"), table.columns.get)

    monkeypatch.setattr(allowed, "writable_by", first)
    monkeypatch.setattr(asking, "writable_by", first)
    wanted = [{"id": 1, "_allowed_actions": everything}, {"id": 2, "_allowed_actions": ["read"]}]
    for params in ({}, {"after": ""}, {"ordering": "name"}, {"populate": "*"}):
        assert await theirs.rows(**asked, **params) == wanted
    found = await theirs.rows(**asked, search="x")
    assert [list(row) for row in found] == [["id", "rank", "_allowed_actions"]] * 2
    for one in wanted:
        assert (await theirs.get(f"/{one['id']}", **asked)).json()["data"] == one
        path = f"/{one['id']}/allowed_actions"
        assert (await theirs.get(path)).json() == {"allowed_actions": one["_allowed_actions"]}
