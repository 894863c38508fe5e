"""Rules: how they are written, whom they hold, and what they let through."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tables.rules.conftest import APP, World

pytestmark = pytest.mark.anyio
RULES = f"{APP}/datatables/tasks/rules/"
DATA = f"{APP}/datatables/tasks/data"


def names(answer: Any) -> list[str]:
    return sorted(row["title"] for row in answer["data"])


async def test_a_rule_is_written_read_changed_and_deleted(world: World) -> None:
    await world.owner.post("/api/teams", json={"slug": "crew"})
    made = await world.rule(
        name="own",
        subjects={"roles": ["operator"], "teams": ["crew"], "users": ["ann"], "keys": [world.ids["rob"]]},
        read={"owner": "$user.id"},
        hidden_fields=["cost"],
        read_only_fields=["region"],
    )
    assert made["read"] == made["write"] == {"owner__eq": "$user.id"} or made["read"] == {"owner": "$user.id"}
    assert made["subjects"] == {
        "roles": ["operator"],
        "teams": ["crew"],
        "users": ["ann"],
        "keys": [world.ids["rob"]],
    }
    one = f"{RULES}{made['id']}/"
    assert (await world.owner.get(one)).json() == made
    assert (await world.owner.get(RULES)).json() == [made]
    changed = (await world.owner.patch(one, json={"write": None, "name": "mine"})).json()
    assert (changed["write"], changed["name"], changed["read"]) == (None, "mine", made["read"])
    replaced = (await world.owner.put(one, json={"name": "all"})).json()
    assert (replaced["read"], replaced["write"], replaced["subjects"]) == ({}, {}, None)
    assert (await world.owner.post(RULES, json={"name": "all"})).status_code == 409
    assert (await world.owner.delete(one)).status_code == 204
    assert (await world.owner.get(one)).status_code == 404
    actions = [row["action"] for row in (await world.owner.get("/api/audit?page_size=20")).json()["results"]]
    assert {"rule.create", "rule.update", "rule.delete"} <= set(actions)


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"name": ""},
        {"name": "x", "read": {"nope": 1}},
        {"name": "x", "read": {"owner": "$user.nope"}},
        {"name": "x", "read": {"owner__in": "$user.id"}},
        {"name": "x", "read": {"owner": "$user.team_ids"}},
        {"name": "x", "read": {"title__contains": "$user.email"}},
        {"name": "x", "read": {"parent.title": "a"}},
        {"name": "x", "read": {"owner__in": ["$user.id", 1]}},
        {"name": "x", "read": {"owner": "$token.a b"}},
        {"name": "x", "read": {"owner": "many"}},
        {"name": "x", "read": 5},
        {"name": "x", "read": "{"},
        {"name": "x", "write": {"search_vector__search": "x"}},
        {"name": "x", "hidden_fields": ["id"]},
        {"name": "x", "hidden_fields": ["nope"]},
        {"name": "x", "read_only_fields": ["nope"]},
        {"name": "x", "subjects": {}},
        {"name": "x", "subjects": {"roles": ["admin"]}},
        {"name": "x", "subjects": {"users": ["nobody-here"]}},
        {"name": "x", "subjects": {"teams": [1]}},
        {"name": "x", "subjects": {"keys": [99]}},
        {"name": "x", "more": 1},
    ],
)
async def test_bad_rules_are_refused(world: World, rule: dict[str, Any]) -> None:
    answer = await world.owner.post(RULES, json=rule)
    assert answer.status_code == 400, answer.text
    assert (await world.owner.get(RULES)).json() == []


async def test_only_admins_of_the_table_have_to_do_with_rules(world: World) -> None:
    rule = await world.rule(name="all")
    for name, status in {"eve": 403, "ann": 403, "rob": 403, "adm": 200}.items():
        assert (await world[name].get(RULES)).status_code == status
        assert (await world[name].get(f"{RULES}{rule['id']}")).status_code == status
        assert (await world[name].patch(f"{RULES}{rule['id']}", json={"name": "x"})).status_code == status
    for name, status in {"ann": 403, "adm": 201}.items():
        assert (await world[name].post(RULES, json={"name": "new"})).status_code == status
    assert (await world["ann"].delete(f"{RULES}{rule['id']}")).status_code == 403


async def test_a_caller_reads_the_union_of_what_rules_let_them_read(world: World) -> None:
    await world.add(
        "tasks",
        {"title": "a", "owner": world.ids["ann"], "region": "EU"},
        {"title": "b", "owner": world.ids["bob"], "region": "US"},
        {"title": "c", "region": "US", "email": "eve@x.org"},
    )
    assert (await world.read("eve"))["total"] == 3
    await world.rule(name="own", read={"owner": "$user.id"})
    await world.rule(name="mail", read={"email": "$user.email"}, write=None)
    await world.rule(name="region", read={"region": "$token.region"}, subjects={"keys": [world.ids["rob"]]})
    seen = {name: names(await world.read(name)) for name in ("ann", "bob", "eve", "rob", "adm")}
    assert seen == {"ann": ["a"], "bob": ["b"], "eve": ["c"], "rob": ["a"], "adm": ["a", "b", "c"]}
    assert (await world["ann"].get(f"{DATA}/2")).status_code == 404
    assert (await world["ann"].get(f"{DATA}/1")).status_code == 200


async def test_whom_no_rule_names_sees_nothing(world: World) -> None:
    await world.add("tasks", {"title": "a"})
    await world.rule(subjects={"users": ["ann"]}, read={})
    assert names(await world.read("ann")) == ["a"]
    assert (await world.read("bob"))["total"] == 0
    assert (await world["bob"].post(DATA, json={"title": "x"})).status_code == 403
    assert (await world["ann"].post(DATA, json={"title": "x"})).status_code == 201


async def test_teams_in_rules(world: World) -> None:
    await world.owner.post("/api/teams", json={"slug": "crew"})
    team = (await world.owner.get("/api/teams/crew")).json()["id"]
    await world.add("tasks", {"title": "a", "team": team}, {"title": "b", "team": team + 1})
    await world.rule(read={"team__in": "$user.team_ids"})
    assert (await world.read("ann"))["total"] == 0
    await world.owner.post("/api/teams/crew/members", json={"user": "ann"})
    assert names(await world.read("ann")) == ["a"]
    assert (await world.read("bob"))["total"] == 0


async def test_what_a_caller_lacks_lets_nothing_through(world: World) -> None:
    await world.add("tasks", {"title": "a", "email": "q"}, {"title": "b", "region": "EU", "owner": 5})
    rule = await world.rule(read={"email__ne": "$user.email"})
    assert (await world.read("rob"))["total"] == 0
    for read in (
        {"not": {"email": "$user.email"}},
        {"not": {"not": {"email": "$user.email"}}},
        {"region": "$token.nope"},
        {"not": {"or": [{"region": "$token.nope"}, {"owner": 99}]}},
        {"owner": "$token.region"},
        {"not": {"owner": "$token.region"}},
    ):
        await world.owner.patch(f"{RULES}{rule['id']}", json={"read": read})
        assert (await world.read("rob"))["total"] == 0, read
    await world.owner.patch(
        f"{RULES}{rule['id']}", json={"read": {"or": [{"email": "$user.email"}, {"owner": 5}]}}
    )
    assert names(await world.read("rob")) == ["b"]


async def test_writes_stay_within_the_rules(world: World) -> None:
    mine = {"owner": world.ids["ann"]}
    await world.add(
        "tasks", {"title": "own", **mine}, {"title": "shared", "region": "EU"}, {"title": "hidden"}
    )
    await world.rule(
        name="own", read={"or": [{"owner": "$user.id"}, {"region": "EU"}]}, write={"owner": "$user.id"}
    )
    ann = world["ann"]
    assert (await ann.patch(f"{DATA}/1", json={"title": "mine"})).status_code == 200
    refused = await ann.patch(f"{DATA}/2", json={"title": "x"})
    assert refused.status_code == 403
    assert "'own'" in refused.text
    assert (await ann.patch(f"{DATA}/3", json={"title": "x"})).status_code == 404
    assert (await ann.patch(f"{DATA}/1", json={"owner": 77})).status_code == 403
    assert (await ann.post(DATA, json={"title": "new", "owner": 77})).status_code == 403
    assert (
        await ann.post(DATA, json=[{"title": "n", **mine}, {"title": "n", "owner": 5}])
    ).status_code == 403
    minimal = {"Prefer": "return=minimal"}
    assert (await ann.post(DATA, json=[{"title": "n", "owner": 5}], headers=minimal)).status_code == 403
    assert (await ann.patch(DATA, json=[{"id": 2, "title": "x"}])).status_code == 403
    assert (await ann.patch(DATA, json=[{"id": 3, "title": "x"}])).status_code == 404
    assert (await ann.patch(DATA, json=[{"id": 1, "title": "again"}])).status_code == 200
    assert (await ann.delete(f"{DATA}/2")).status_code == 403
    assert (await ann.delete(f"{DATA}/3")).status_code == 404
    assert (await ann.delete(DATA, params={"ids": "1,2"})).status_code == 403
    assert (await ann.delete(DATA, params={"ids": "3"})).json()["deleted"] == 0
    assert (await ann.delete(DATA, params={"filter": '{"title__ne": "zz"}'})).status_code == 403
    assert (await ann.post(f"{DATA}/upsert", json=[{"id": 2, "title": "x"}])).status_code == 403
    assert (await ann.post(f"{DATA}/upsert", json=[{"id": 3, "title": "x", **mine}])).status_code == 403
    assert (await ann.post(f"{DATA}/upsert", json=[{"id": 1, "title": "up"}])).status_code == 200
    headers = {"If-Match": '"1"'}
    assert (await ann.patch(f"{DATA}/1", json={"title": "x"}, headers=headers)).status_code == 412
    assert (await ann.patch(f"{DATA}/2", json={"title": "x"}, headers=headers)).status_code == 403
    assert (await ann.patch(f"{DATA}/3", json={"title": "x"}, headers=headers)).status_code == 404
    assert (await ann.delete(DATA, params={"filter": '{"title": "up"}'})).json()["deleted"] == 1
    assert names(await world.read("adm")) == ["hidden", "shared"]


async def test_hidden_fields_are_as_none(world: World) -> None:
    await world.add("tasks", {"title": "a", "cost": 3, "code": "zebra"}, {"title": "b", "cost": 1})
    await world.rule(hidden_fields=["cost", "code"], read_only_fields=["region"])
    ann = world["ann"]
    assert "cost" not in (await world.read("ann"))["data"][0]
    for params in (
        {"cost": "1"}, {"cost__gt": "1"}, {"filters": '{"cost": 1}'}, {"ordering": "cost"}, {"fields": "cost"},
        {"_aggregate": "sum(cost)"}, {"_aggregate": "count(*)", "_group_by": "cost"}, {"unique_fields": "cost"},
        {"_aggregate": "count(*) as n", "_having": "sum(cost) > 1"}, {"populate": "cost"}, {"cost.x": "1"},
    ):  # fmt: skip
        answer = await ann.get(DATA, params=params)
        assert answer.status_code == 400, params
        # As a field that there never was.
        other = {name.replace("cost", "qqqq"): text.replace("cost", "qqqq") for name, text in params.items()}
        missing = (await ann.get(DATA, params=other)).text.replace("qqqq", "cost")
        assert answer.text.partition("request_id")[0] == missing.partition("request_id")[0]
    for params in ({"cosst": "1"}, {"ordering": "coste"}, {"fields": "cots"}):
        answer = await ann.get(DATA, params=params)
        assert answer.status_code == 400
        assert "'cost'" not in answer.text
    # Words are looked for in what is left.
    assert (await world.read("ann", search="zebra"))["total"] == 0
    assert (await world.read("adm", search="zebra"))["total"] == 1
    assert (await world.read("ann", search="a"))["total"] in (0, 1)
    for body in ({"title": "x", "cost": 2}, {"title": "x", "region": "EU"}):
        assert (await ann.post(DATA, json=body)).status_code == 400
        assert (await ann.patch(f"{DATA}/1", json=body)).status_code == 400
    made = (await ann.post(DATA, json={"title": "c"})).json()["data"]
    assert set(made) == {"id", "title", "owner", "region", "team", "email", "parent_id"}
    assert (await world.owner.get(f"{DATA}/{made['id']}")).json()["data"]["cost"] == 7
    assert (await ann.post(f"{DATA}/upsert", json=[{"id": 1, "title": "up"}])).status_code == 200
    assert (await world.owner.get(f"{DATA}/1")).json()["data"]["cost"] == 3
    schema = (await ann.get(f"{APP}/datatables/tasks/schema")).text
    assert "cost" not in schema
    assert "cost" not in (await ann.get(f"{APP}/datatables/tasks")).text
    assert "cost" not in (await ann.get(f"{APP}/openapi.json")).text.replace("would cost", "")
    assert (await ann.get(f"{APP}/datatables/tasks/operation-history")).status_code == 403
    checked = await ann.post(
        f"{APP}/datatables/tasks/validate_data", json={"data": [{"title": "x", "cost": 1}]}
    )
    assert checked.json()["is_valid"] is False


async def test_a_field_is_shown_where_a_rule_shows_it_of_every_row(world: World) -> None:
    await world.add("tasks", {"title": "a", "owner": world.ids["ann"]}, {"title": "b"})
    await world.rule(name="all", read={}, hidden_fields=["cost"])
    await world.rule(name="own", read={"owner": "$user.id"})
    assert all("cost" not in row for row in (await world.read("ann"))["data"])
    await world.rule(name="whole", read={}, subjects={"users": ["ann"]})
    assert all("cost" in row for row in (await world.read("ann"))["data"])
    assert all("cost" not in row for row in (await world.read("bob"))["data"])


async def test_related_tables_keep_their_rules(world: World) -> None:
    await world.add("tasks", {"title": "a", "owner": world.ids["ann"]}, {"title": "b", "cost": 5})
    await world.add("notes", {"task_id": 1, "text": "x"}, {"task_id": 2, "text": "y"})
    await world.rule(read={"owner": "$user.id"}, hidden_fields=["cost"])
    found = (await world.read("ann", "notes", populate="task"))["data"]
    assert [row["task"] and row["task"]["title"] for row in found] == ["a", None]
    assert "cost" not in found[0]["task"]
    assert (await world.read("ann", "notes", **{"task.title": "b"}))["total"] == 0
    answer = await world["ann"].get(f"{APP}/datatables/notes/data", params={"task.cost__gt": 1})
    assert answer.status_code == 400


async def test_edges_keep_the_rules_of_their_records(world: World) -> None:
    mine = {"owner": world.ids["ann"]}
    await world.add("tasks", {"title": "a", **mine}, {"title": "b", **mine}, {"title": "c"})
    edges = f"{APP}/datatables/tasks/edges"
    made = await world.owner.post(
        edges, json=[{"from": 2, "to": 1, "type": "next"}, {"from": 2, "to": 3, "type": "next"}]
    )
    assert made.status_code == 201, made.text
    await world.rule(name="see", read={"owner": "$user.id"}, write={"title": "a"})
    ann = world["ann"]
    assert (await ann.get(edges)).json()["total"] == 1
    walked = (await ann.get(DATA, params={"format": "graph", "include": "ancestors", "id": 2})).text
    assert '"c"' not in walked
    assert (await ann.get(f"{edges}/path", params={"from": 2, "to": 3})).status_code == 400
    assert (await ann.post(edges, json={"from": 1, "to": 3, "type": "next"})).status_code == 400
    assert (await ann.request("DELETE", edges, json={"edge_ids": [1, 2]})).json()["deleted"] == 0
    await world.owner.request("DELETE", edges, json={"edge_ids": [1]})
    assert (await ann.post(edges, json={"from": 2, "to": 1, "type": "next"})).status_code == 403
    made = await ann.post(edges, json={"from": 1, "to": 2, "type": "next"})
    assert made.status_code == 201
    gone = await ann.request("DELETE", edges, json={"edge_ids": [made.json()["data"]["id"]]})
    assert gone.json()["deleted"] == 1
    assert (await world.owner.get(edges)).json()["total"] == 1


async def test_bulk_ways_in_and_out_keep_the_rules(world: World) -> None:
    mine = {"owner": world.ids["ann"]}
    await world.add("tasks", {"title": "a", **mine}, {"title": "b"})
    await world.rule(read={"owner": "$user.id"}, hidden_fields=["cost"])
    ann = world["ann"]
    table = (await ann.get(f"{DATA}/export", params={"format": "csv"})).text
    assert len(table.splitlines()) == 2
    assert "cost" not in table
    batch = f"{APP}/batch/"
    bad = {"steps": [{"op": "update", "table": "tasks", "key": 2, "data": {"title": "x"}}]}
    assert (await ann.post(batch, json=bad)).status_code == 404
    outside = {"steps": [{"op": "create", "table": "tasks", "data": {"title": "x"}}]}
    assert (await ann.post(batch, json=outside)).status_code == 403
    fine = {"steps": [{"op": "create", "table": "tasks", "data": {"title": "x", **mine}}]}
    assert (await ann.post(batch, json=fine)).status_code == 200
    file = f"title,owner\nok,{world.ids['ann']}\nbad,99\n"
    options = {"format": "csv", "on_error": "skip"}
    told = await ann.post(f"{DATA}/import", params=options, content=file)
    assert told.status_code == 200, told.text
    assert (told.json()["created"], told.json()["skipped"]) == (1, 1)
    assert (
        await ann.post(f"{DATA}/import", params={"format": "csv"}, content="title,cost\nx,1\n")
    ).status_code == 400
    assert (
        await world.owner.post(
            f"{DATA}/import", params={"format": "csv", "on_error": "quarantine"}, content='title\n\n""\n'
        )
    ).status_code == 200
    assert (await ann.get(f"{APP}/datatables/tasks/quarantine")).json()["count"] == 0


async def test_rules_follow_changes_of_the_schema(world: World) -> None:
    from tests.tables.rules.conftest import TASKS

    await world.add("tasks", {"title": "a", "owner": world.ids["ann"]}, {"title": "b"})
    await world.rule(read={"owner": "$user.id"}, hidden_fields=["cost"])
    table = f"{APP}/datatables/tasks"
    fields = [
        {**one, "name": "holder", "x-rename-from": "owner"} if one["name"] == "owner" else one
        for one in TASKS["fields"]
    ]
    changed = await world.owner.patch(table, json={"json_schema": {**TASKS, "fields": fields}})
    assert changed.status_code == 200, changed.text
    (rule,) = (await world.owner.get(RULES)).json()
    assert "holder" in str(rule["read"])
    assert names(await world.read("ann")) == ["a"]
    gone = [one for one in TASKS["fields"] if one["name"] not in ("owner", "holder")]
    dropped = await world.owner.patch(
        table, json={"json_schema": {**TASKS, "fields": gone}, "allow_data_loss": True}
    )
    assert dropped.status_code == 400
    assert "rule" in dropped.text
    history = (await world.owner.get(f"{table}/operation-history")).json()["data"]
    back = await world.owner.post(f"{table}/rollback", json={"revision_id": history[0]["id"]})
    assert back.status_code == 200, back.text
    (rule,) = (await world.owner.get(RULES)).json()
    assert "owner" in str(rule["read"])
    assert names(await world.read("ann")) == ["a"]
    wide = [{**one, "type": "string"} if one["name"] == "owner" else one for one in TASKS["fields"]]
    widened = await world.owner.patch(table, json={"json_schema": {**TASKS, "fields": wide}})
    assert widened.status_code == 200, widened.text
    assert names(await world.read("ann")) == ["a"]
