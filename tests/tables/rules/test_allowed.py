"""What a caller is told that they may do, and that it is so."""

from __future__ import annotations

import pytest

from tests.tables.rules.conftest import APP, World

pytestmark = pytest.mark.anyio
TABLE = f"{APP}/datatables/tasks"
DATA = f"{TABLE}/data"


async def told(world: World, name: str, **params: str) -> list[list[str]]:
    found = await world.read(name, ordering="id", allowed_actions="update,delete,read", **params)
    return [row["_allowed_actions"] for row in found["data"]]


async def test_each_record_tells_what_may_be_done_with_it(world: World) -> None:
    mine = {"owner": world.ids["ann"]}
    await world.add("tasks", {"title": "a b", **mine}, {"title": "c b", "region": "EU"}, {"title": "d b"})
    everything = ["read", "update", "delete"]
    assert await told(world, "ann") == [everything] * 3
    assert await told(world, "eve") == [["read"]] * 3
    await world.rule(read={"or": [{"owner": "$user.id"}, {"region": "EU"}]}, write={"owner": "$user.id"})
    for params in ({}, {"search": "b"}, {"after": ""}, {"populate": "parent"}, {"limit": "9", "offset": "0"}):
        assert await told(world, "ann", **params) == [everything, ["read"]], params
    assert await told(world, "adm") == [everything] * 3
    one = (await world["ann"].get(f"{DATA}/2", params={"allowed_actions": "update"})).json()["data"]
    assert one["_allowed_actions"] == []
    one = (
        await world["ann"].get(f"{DATA}/1", params={"allowed_actions": "update", "populate": "parent"})
    ).json()
    assert one["data"]["_allowed_actions"] == ["update"]
    for key, actions in ((1, everything), (2, ["read"])):
        answer = (await world["ann"].get(f"{DATA}/{key}/allowed_actions/")).json()
        assert answer == {"allowed_actions": actions}
    assert (await world["ann"].get(f"{DATA}/3/allowed_actions")).status_code == 404


async def test_a_table_tells_what_may_be_done_with_it(world: World) -> None:
    async def actions(name: str) -> list[str]:
        return (await world[name].get(f"{TABLE}/allowed_actions")).json()["allowed_actions"]

    writes = ["read", "create", "update", "delete"]
    assert [await actions(name) for name in ("eve", "ann", "adm")] == [["read"], writes, [*writes, "alter"]]
    await world.rule(read={}, write=None)
    assert [await actions(name) for name in ("eve", "ann", "adm")] == [["read"], ["read"], [*writes, "alter"]]


@pytest.mark.parametrize(
    "params",
    [
        {"allowed_actions": "fly"},
        {"allowed_actions": "update", "_aggregate": "count(*)"},
        {"allowed_actions": "update", "format": "tree"},
    ],
)
async def test_what_has_no_answer_is_refused(world: World, params: dict[str, str]) -> None:
    assert (await world["ann"].get(DATA, params=params)).status_code == 400


async def test_who_may_ask(world: World) -> None:
    for path in (f"{TABLE}/allowed_actions", f"{DATA}/1/allowed_actions"):
        stranger = world["ann"]
        saved = stranger.headers.pop("Authorization")
        assert (await stranger.get(path)).status_code == 401
        stranger.headers["Authorization"] = saved
    assert (await world["ann"].get(f"{APP}/datatables/nope/allowed_actions")).status_code == 404
