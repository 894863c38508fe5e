from __future__ import annotations

import pytest

from penstock.identity import audit

pytestmark = pytest.mark.anyio


async def test_filters_and_pages(world) -> None:
    client = await world.client("manager")
    for name in ("one", "two", "three"):
        answer = await client.post("/api/keys", json={"name": name})
        assert answer.status_code == 201
    body = (await client.get("/api/audit?actor=manager&action=key.create&page_size=2")).json()
    # The fixture made the first of the four.
    assert body["count"] == 4
    assert [entry["resource_name"] for entry in body["results"]] == ["three", "two"]
    entry = body["results"][0]
    assert (entry["actor"], entry["actor_kind"], entry["resource_kind"]) == ("manager", "user_key", "key")
    assert entry["detail"]["kind"] == "user"
    assert entry["request_id"] == answer.headers["X-Request-ID"]
    following = (await client.get(body["next"])).json()
    assert following["results"][0]["resource_name"] == "one"
    at = entry["at"]
    assert (await client.get(f"/api/audit?until={at}&actor=manager&action=key.create")).json()["count"] == 3
    later = (await client.get("/api/audit", params={"since": at.replace("Z", "+00:00")})).json()
    assert later["results"][0]["id"] == entry["id"]
    assert (await client.get("/api/audit?since=2026-01-01T00:00:00+02:00")).status_code == 200
    assert (await client.get("/api/audit?resource_kind=nothing")).json()["results"] == []
    one = await client.get(f"/api/audit?resource_kind=key&resource_id={entry['resource_id']}")
    assert one.json()["count"] == 1


async def test_orgs_do_not_see_each_others_log(world) -> None:
    other = (await (await world.client("owner2")).get("/api/audit?page_size=100")).json()["results"]
    assert other
    assert not any(entry["resource_name"] == "key of owner" for entry in other)


async def test_the_role_that_writes_records_may_write_entries(world) -> None:
    async with world.ctx.db.data.transaction() as conn:
        await audit.record(conn, world.principal("owner"), "record.create", "data_table", 5, "t", {"rows": 3})
    body = (await (await world.client("owner")).get("/api/audit?action=record.create")).json()
    assert body["results"][0]["detail"] == {"rows": 3}
