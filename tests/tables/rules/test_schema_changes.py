"""Rules hold for what a schema change makes: a graph that is switched on, a column that takes another's place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from penstock.kit.context import Context
from penstock.tables.settings import TablesSettings
from tests.tables.rules.conftest import APP, TASKS, World

pytestmark = pytest.mark.anyio
TABLE = f"{APP}/datatables/tasks"


@pytest.fixture(autouse=True)
def everything_is_large(ctx: Context) -> Iterator[None]:
    sections = ctx.sections
    usual = sections[TablesSettings]
    sections[TablesSettings] = replace(usual, schema_small_rows=0)
    yield
    sections[TablesSettings] = usual


async def test_a_graph_that_is_switched_on(world: World) -> None:
    plain = {name: value for name, value in TASKS.items() if name != "graph"}
    for definition in (plain, TASKS):
        mine = {"title": "mine", "owner": world.ids["ann"]}
        if definition is plain:
            await world.rule(read={"owner": "$user.id"}, write={"owner": "$user.id"})
            await world.add("tasks", mine, {"title": "his", "owner": world.ids["bob"]}, mine)
        done = await world.owner.patch(
            f"{TABLE}/", json={"json_schema": definition}, params={"allow_data_loss": "true"}
        )
        assert done.status_code == 200, done.text
    pairs = [{"from": 1, "to": 2, "type": "next"}, {"from": 1, "to": 3, "type": "next"}]
    assert (await world.owner.post(f"{TABLE}/edges/", json=pairs)).status_code == 201
    seen = (await world["ann"].get(f"{TABLE}/edges/")).json()
    assert [one["to_id"] for one in seen["data"]] == [3]
    walked = await world.read("ann", id="1", format="graph", include="ancestors")
    assert [one["id"] for one in walked["data"]["nodes"]] == [1, 3]
    refused = await world["ann"].post(f"{TABLE}/edges/", json={"from": 3, "to": 2, "type": "next"})
    assert refused.status_code == 400


async def test_a_type_that_widens_under_rules(world: World) -> None:
    """It is the field that the rule names."""
    await world.rule(read={"owner": "$user.id"})
    await world.add(
        "tasks", {"title": "a", "owner": world.ids["ann"]}, {"title": "b", "owner": world.ids["bob"]}
    )
    fields = [{**one, "type": "number"} if one["name"] == "owner" else one for one in TASKS["fields"]]
    done = await world.owner.patch(f"{TABLE}/", json={"json_schema": {**TASKS, "fields": fields}})
    assert done.status_code == 200, done.text
    assert [one["title"] for one in (await world.read("ann"))["data"]] == ["a"]
    assert (await world.read("bob", owner=str(world.ids["ann"])))["total"] == 0
