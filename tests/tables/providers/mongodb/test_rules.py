"""Rules of a table hold for its records in MongoDB: what they keep back is in no answer."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any

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
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
async def operator(bench: MongoBench) -> AsyncIterator[httpx2.AsyncClient]:
    async with bench.ctx.db.control.transaction() as conn:
        org = await people.org_by_slug(conn, "main")
        assert org is not None
        key = await _member(conn, org, f"operator-{next(_NUMBERS)}", Role.OPERATOR)
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
    # A new record would need the field that they do not know of.
    lacking = await theirs.post({"name": "x", "kind": "open"})
    assert (lacking.status_code, "secret" in lacking.text) == (403, False)
    assert (await operator.post(edges, json={"from": 3, "to": 1, "type": "knows"})).status_code == 403
    assert (await theirs.patch({"name": "A"}, "/1")).json()["data"] == {"id": 1, "name": "A", "kind": "open"}
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


async def ruled(bench: MongoBench, *fields: Any, **rule: Any) -> Records:
    table = await bench.table(
        NAME, {"name": "kind", "type": "string"}, {"name": "region", "type": "string"}, *fields
    )
    read = {"or": [{"kind": "mine"}, {"region": "EU"}]}
    body = {"name": "own", "read": read, "write": {"kind": "mine"}, **rule}
    made = await bench.client.post(f"/api/apps/{APP}/datatables/{table.name}/rules/", json=body)
    assert made.status_code == 201, made.text
    return table


@pytest.mark.parametrize("deletes_softly", [False, True], ids=["hard", "soft"])
async def test_writes_stay_within_the_rules(
    bench: MongoBench, operator: httpx2.AsyncClient, deletes_softly: bool
) -> None:
    mine = {"kind": "mine"}
    softly = [{"name": "is_deleted", "type": "boolean"}] if deletes_softly else []
    table = await ruled(bench, *softly)
    await table.add({"name": "own", **mine}, {"name": "shared", "region": "EU"}, {"name": "hidden"})
    theirs = Records(operator, table.name)
    assert (await theirs.patch({"name": "mine"}, "/1")).status_code == 200
    refused = await theirs.patch({"name": "x"}, "/2")
    assert refused.status_code == 403
    assert "'own'" in refused.text
    assert (await theirs.patch({"name": "x"}, "/3")).status_code == 404
    assert (await theirs.patch({"kind": "other"}, "/1")).status_code == 403
    assert (await theirs.post({"name": "new", "kind": "other"})).status_code == 403
    assert (await theirs.post([{"name": "n", **mine}, {"name": "n"}])).status_code == 403
    minimal = {"Prefer": "return=minimal"}
    assert (await theirs.post([{"name": "n", "kind": "other"}], headers=minimal)).status_code == 403
    named = {"Idempotency-Key": f"one-{deletes_softly}"}
    assert (await theirs.post({"name": "n"}, headers=named)).status_code == 403
    assert (await theirs.patch([{"id": 2, "name": "x"}])).status_code == 403
    assert (await theirs.patch([{"id": 1, "name": "x"}, {"id": 3, "name": "x"}])).status_code == 404
    assert (await theirs.patch([{"id": 1, "kind": None}])).status_code == 403
    assert (await theirs.patch([{"id": 1, "name": "again"}])).status_code == 200
    assert (await theirs.delete("/2")).status_code == 403
    assert (await theirs.delete("/3")).status_code == 404
    assert (await theirs.delete(ids="1,2")).status_code == 403
    assert (await theirs.delete(ids="3")).json()["deleted"] == 0
    assert (await theirs.delete(filter='{"name__ne": "zz"}')).status_code == 403
    assert (await theirs.post([{"id": 2, "name": "x"}], "/upsert")).status_code == 403
    assert (await theirs.post([{"id": 3, "name": "x", **mine}], "/upsert")).status_code == 403
    assert (await theirs.post([{"id": 1, "name": "up"}], "/upsert")).status_code == 200
    assert (await theirs.post([{"id": 1, "kind": "other"}], "/upsert")).status_code == 403
    # What no index keeps unique may be there again, where they do not see it.
    again = await theirs.post({"name": "hidden", **mine}, "/upsert?unique_fields=name")
    assert (again.status_code, again.json()["created"]) == (201, True)
    headers = {"If-Match": '"none"'}
    assert (await theirs.patch({"name": "x"}, "/1", headers=headers)).status_code == 412
    assert (await theirs.patch({"name": "x"}, "/2", headers=headers)).status_code == 403
    assert (await theirs.patch({"name": "x"}, "/3", headers=headers)).status_code == 404
    assert (await theirs.delete(filter='{"name": "up"}')).json()["deleted"] == 1
    assert [row["name"] for row in await table.rows(ordering="id")] == ["shared", "hidden", "hidden"]
    told = await operator.get(f"{theirs.url}/2/allowed_actions")
    assert told.json() == {"allowed_actions": ["read"]}
    told = await operator.get(f"{theirs.url}/{(await theirs.ids(name='hidden'))[0]}/allowed_actions")
    assert told.json() == {"allowed_actions": ["read", "update", "delete"]}


async def test_hidden_fields_of_what_is_written(bench: MongoBench, operator: httpx2.AsyncClient) -> None:
    table = await ruled(
        bench,
        {"name": "cost", "type": "number", "default": 7},
        {"name": "code", "type": "string", "constraints": {"unique": True}},
        hidden_fields=["cost", "code"],
        read_only_fields=["region"],
    )
    await table.add({"name": "a", "code": "zebra"})
    theirs = Records(operator, table.name)
    made = (await theirs.post({"name": "b", "kind": "mine"})).json()["data"]
    assert "cost" not in made
    assert (await table.rows(id=made["id"]))[0]["cost"] == 7
    assert (await theirs.post({"name": "c", "kind": "mine", "region": "EU"})).status_code == 400
    assert (await theirs.post({"name": "c", "kind": "mine", "cost": 1})).status_code == 400
    upserted = await theirs.post({"id": 50, "name": "d", "kind": "mine"}, "/upsert")
    assert upserted.status_code == 201
    assert (await table.rows(id=50))[0]["cost"] == 7


async def test_alone_nothing_is_written_under_rules(alone: MongoBench) -> None:
    async with alone.ctx.db.control.transaction() as conn:
        org = await people.org_by_slug(conn, "main")
        assert org is not None
        key = await _member(conn, org, "operator-alone", Role.OPERATOR)
    table = await ruled(alone)
    assert alone.app is not None
    async with client_of(alone.app, key) as client:
        refused = await Records(client, table.name).post({"name": "a", "kind": "mine"})
    assert refused.status_code == 400
    assert "stands alone" in refused.text
    assert await table.total() == 0
