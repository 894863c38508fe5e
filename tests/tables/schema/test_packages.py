"""Packages that change several tables together."""

from __future__ import annotations

import pytest

from tests.tables.schema.changing import BASE, field, history, make, refer, renamed, schema
from tests.tables.workbench import Workbench

pytestmark = pytest.mark.anyio


async def test_a_package_changes_tables_together(workbench: Workbench) -> None:
    parent = await make(workbench, schema(field("code", unique=True)), {"code": "1"})
    child = await make(
        workbench,
        schema(field("parent"), foreignKeys=[refer("parent", parent.name, theirs="code")]),
        {"parent": "1"},
    )
    added = f"{parent.name}_new"
    package = {
        "resources": [
            {
                "name": parent.name,
                "schema": schema(
                    renamed("code", "number", "integer", unique=True),
                    field("new", "integer"),
                    foreignKeys=[refer("new", added)],
                ),
            },
            {
                "name": child.name,
                "schema": schema(
                    field("parent", "integer"), foreignKeys=[refer("parent", parent.name, theirs="number")]
                ),
            },
            {
                "name": added,
                "schema": schema(field("parent", "integer"), foreignKeys=[refer("parent", parent.name)]),
            },
        ]
    }
    path = f"{BASE}/create_schema"
    refused = await workbench.client.post(path, json=package)
    assert refused.status_code == 400
    assert set(refused.json()["errors"]) == {parent.name, child.name}
    plan = await workbench.client.post(f"{path}?dry_run=true", json=package)
    assert plan.status_code == 200, plan.text
    assert plan.json()["destructive"] is True
    assert plan.json()["rows"] == {parent.name: 1, child.name: 1}
    kinds = [(one["table"], one["kind"]) for one in plan.json()["changes"]]
    assert (child.name, "drop_foreign_key") in kinds
    assert (parent.name, "change_type") in kinds
    done = await workbench.client.post(f"{path}?allow_data_loss=true", json=package)
    assert done.status_code == 200, done.text
    assert (done.json()["created_count"], done.json()["updated_count"]) == (1, 2)
    assert await parent.rows() == [{"id": 1, "number": 1, "new": None}]
    assert await child.rows() == [{"id": 1, "parent": 1}]
    assert (await child.post({"parent": 2})).status_code == 400
    again = await workbench.client.post(path, json=package)
    assert again.json()["unchanged_count"] == 3


async def test_a_package_that_rows_refuse(workbench: Workbench) -> None:
    good = await make(workbench, schema(field("a")), {"a": "x"})
    bad = await make(workbench, schema(field("a")), {"a": "x"})
    package = {
        "resources": [
            {"name": good.name, "schema": schema(field("a"), field("b"))},
            {"name": bad.name, "schema": schema(field("a", minLength=2))},
        ]
    }
    refused = await workbench.client.post(f"{BASE}/create_schema", json=package)
    assert refused.status_code == 400
    assert refused.json()["errors"] == {
        bad.name: ["Add minLength of 'a': 1 row does not fit. Nothing was changed."]
    }
    assert [one["status"] for one in await history(workbench, bad)] == ["failed", "success"]
    assert len(await history(workbench, good)) == 1
    assert await good.rows() == [{"id": 1, "a": "x"}]
