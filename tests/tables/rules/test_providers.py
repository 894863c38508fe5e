"""Rules of tables of documents: reads and writes are held to them as in ordinary tables."""

from __future__ import annotations

import pytest

from tests.tables.rules.conftest import APP, TASKS, World

pytestmark = pytest.mark.anyio
DATA = f"{APP}/datatables/docs/data"


async def test_documents_under_rules(world: World) -> None:
    await world.owner.post(f"{APP}/datasources", json={"name": "Docs", "provider_type": "jsonb"})
    schema = {name: part for name, part in TASKS.items() if name != "graph"}
    body = {"name": "docs", "json_schema": schema}
    made = await world.owner.post(f"{APP}/datasources/docs/datatables?materialize=true", json=body)
    assert made.status_code == 201, made.text
    await world.add("docs", {"title": "oak", "owner": world.ids["ann"], "code": "elm"}, {"title": "elm"})
    await world.rule("docs", read={"owner": "$user.id"}, hidden_fields=["code", "cost"])
    ann = world["ann"]
    assert [row["title"] for row in (await world.read("ann", "docs"))["data"]] == ["oak"]
    assert (await world.read("ann", "docs", search="elm"))["total"] == 0
    assert (await world.read("ann", "docs", search="oak"))["total"] == 1
    assert (await ann.get(DATA, params={"code": "elm"})).status_code == 400
    assert (await ann.patch(f"{DATA}/1", json={"title": "yew"})).json()["data"]["title"] == "yew"
    assert (await ann.patch(f"{DATA}/2", json={"title": "yew"})).status_code == 404
    assert (await ann.delete(f"{DATA}/2")).status_code == 404
    assert (await ann.post(DATA, json={"title": "x"})).status_code == 403
    assert (await ann.patch(f"{DATA}/1", json={"owner": None})).status_code == 403
    told = await world.read("ann", "docs", allowed_actions="read,update")
    assert [row["_allowed_actions"] for row in told["data"]] == [["read", "update"]]
    assert (await world["adm"].patch(f"{DATA}/1", json={"title": "ash"})).status_code == 200
