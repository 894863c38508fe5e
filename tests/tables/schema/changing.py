"""Definitions of tables in few words, and requests that change them."""

from __future__ import annotations

from typing import Any

from tests.tables.workbench import APP, ID, Records, Workbench

BASE = f"/api/apps/{APP}/datatables"


Json = dict[str, Any]


def field(name: str, kind: str = "string", **more: Any) -> Json:
    default = {"default": more.pop("default")} if "default" in more else {}
    extra = {key: more.pop(key) for key in ("format", "of", "x-rename-from", "title") if key in more}
    return {"name": name, "type": kind, **default, **extra, **({"constraints": more} if more else {})}


def renamed(since: str, name: str, kind: str = "string", **more: Any) -> Json:
    return field(name, kind, **{"x-rename-from": since}, **more)


def schema(*fields: Json, **more: Any) -> Json:
    return {"fields": [ID, *fields], "primaryKey": ["id"], **more}


async def make(workbench: Workbench, definition: Json, *rows: Json) -> Records:
    fields = definition["fields"]
    table = await workbench.table(
        *fields, **{key: value for key, value in definition.items() if key != "fields"}
    )
    await table.rows()
    if rows:
        await table.add(*rows)
    return table


async def change(workbench: Workbench, table: Records, definition: Json, **params: Any) -> Any:
    return await workbench.client.patch(
        f"{BASE}/{table.name}", json={"json_schema": definition}, params=params
    )


async def history(workbench: Workbench, table: Records, **params: Any) -> list[Json]:
    answer = await workbench.client.get(f"{BASE}/{table.name}/operation-history", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def roll_back(workbench: Workbench, table: Records, operation: int) -> Any:
    return await workbench.client.post(f"{BASE}/{table.name}/rollback/", json={"revision_id": operation})


def refer(own: str, resource: str = "", action: str = "RESTRICT", theirs: str = "id") -> Json:
    reference = {"resource": resource, "fields": theirs}
    return {"fields": own, "reference": reference, "x-actions": {"onDelete": action}}


async def add_phone(workbench: Workbench) -> Records:
    table = await make(workbench, schema(field("a")), {"a": "x"})
    done = await change(workbench, table, schema(field("a"), field("phone")))
    assert done.status_code == 200, done.text
    return table
