"""Feeds under row rules: what of a change a reader learns."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tables.rules.conftest import APP, TASKS, World, world

__all__ = ["world"]
pytestmark = pytest.mark.anyio
DATA = f"{APP}/datatables/tasks/data"


@pytest.fixture(params=["flat_table", "jsonb"])
def provider(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def fed(world: World) -> World:
    """Operators see their own tasks, and of these not the cost."""
    answer = await world.owner.patch(
        f"{APP}/datatables/tasks", json={"json_schema": {**TASKS, "changes": True}}
    )
    assert answer.status_code == 200, answer.text
    await world.rule(subjects={"roles": ["operator"]}, read={"owner": "$user.id"}, hidden_fields=["cost"])
    return world


async def told(world: World, name: str, cursor: str = "start", **params: Any) -> tuple[list[Any], str]:
    answer = await world[name].get(f"{DATA}/changes/", params={"since": cursor, **params})
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert not page["has_more"]
    return page["data"], page["next_cursor"]


def short(changes: list[Any]) -> list[tuple[str, int]]:
    return [(one["op"], one["key"]) for one in changes]


async def test_only_what_is_in_reach(fed: World) -> None:
    ann, bob = fed.ids["ann"], fed.ids["bob"]
    await fed.add("tasks", {"title": "a", "owner": ann}, {"title": "b", "owner": bob}, {"title": "c"})
    changes, cursor = await told(fed, "ann")
    assert short(changes) == [("insert", 1)]
    assert "cost" not in changes[0]["record"] and changes[0]["record"]["title"] == "a"
    changes, other = await told(fed, "bob")
    assert short(changes) == [("insert", 2)]
    everything, _ = await told(fed, "adm")
    assert len(everything) == 3 and "cost" in everything[0]["record"]
    # A record that goes from one to the other, and what becomes of it there.
    for body in ({"owner": bob}, {"title": "a2"}, {"owner": None}):
        assert (await fed.owner.patch(f"{DATA}/1", json=body)).status_code == 200
    changes, cursor = await told(fed, "ann", cursor)
    assert [(one["op"], one["key"], one["record"]) for one in changes] == [("delete", 1, None)]
    changes, other = await told(fed, "bob", other)
    assert short(changes) == [("insert", 1), ("update", 1), ("delete", 1)]
    assert (await fed.owner.delete(f"{DATA}/1")).status_code == 204
    assert (await fed.owner.delete(f"{DATA}/2")).status_code == 204
    assert short((await told(fed, "ann", cursor))[0]) == []
    assert short((await told(fed, "bob", other))[0]) == [("delete", 2)]


async def test_what_a_rule_hides_does_not_show(fed: World) -> None:
    await fed.add("tasks", {"title": "a", "owner": fed.ids["ann"], "cost": 1})
    _, cursor = await told(fed, "ann")
    assert (await fed.owner.patch(f"{DATA}/1", json={"cost": 99})).status_code == 200
    assert (await told(fed, "ann", cursor))[0] == []
    assert short((await told(fed, "adm", cursor))[0]) == [("update", 1)]
    for params in ({"cost": 99}, {"filters": '{"cost__gt": 5}'}):
        answer = await fed["ann"].get(f"{DATA}/changes/", params={"since": "start", **params})
        assert answer.status_code == 400, answer.text
        unknown = await fed["ann"].get(f"{DATA}/changes/", params={"since": "start", "nope": 1})
        assert unknown.status_code == 400


async def test_whom_no_rule_names(fed: World) -> None:
    await fed.add("tasks", {"title": "a", "owner": fed.ids["ann"]})
    assert (await told(fed, "eve"))[0] == []
