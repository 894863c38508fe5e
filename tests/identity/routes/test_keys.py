from __future__ import annotations

from datetime import timedelta

import pytest

from penstock.identity import Places
from penstock.identity.models import KeyKind, Role
from penstock.kit import clock

pytestmark = pytest.mark.anyio


async def test_a_key_is_shown_once_and_ends_at_once(world) -> None:
    client = await world.client("operator")
    answer = await client.post("/api/keys/", json={"name": "laptop"})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["key"].startswith("pnu_")
    assert made["key"].startswith(made["prefix"])
    assert 8 <= len(made["prefix"]) <= 12
    with_key = await world.client(Authorization=f"Key {made['key']}")
    assert (await with_key.get("/api/users/me")).json()["role"] == "operator"
    for shown in (
        (await client.get("/api/keys")).text,
        (await client.get(f"/api/auth/keys/{made['id']}/")).text,
    ):
        assert made["key"] not in shown
        assert made["prefix"] in shown
    async with world.ctx.db.control.transaction() as conn:
        row = await conn.row("SELECT k::text AS text FROM penstock.api_keys k WHERE id = $1", made["id"])
    assert row is not None
    assert made["key"] not in row["text"]
    renamed = await client.patch(f"/api/keys/{made['id']}", json={"name": "desktop"})
    assert renamed.json()["name"] == "desktop"
    assert (await client.delete(f"/api/keys/{made['id']}/")).status_code == 204
    assert (await with_key.get("/api/users/me")).status_code == 401
    assert (await client.delete(f"/api/keys/{made['id']}/")).status_code == 204
    names = [key["name"] for key in (await client.get("/api/keys")).json()]
    assert names == ["key of operator"]
    assert (await client.get("/api/keys?page=1&page_size=1&revoked=true")).json()["count"] == 2


async def test_lists_hold_what_one_may_see(world) -> None:
    await world.key("owner", kind=KeyKind.SERVICE, role=Role.OPERATOR)
    manager = (await (await world.client("manager")).get("/api/keys")).json()
    assert {"key of owner", "one more", "First key"} <= {key["name"] for key in manager}
    assert not any(key["name"].endswith("2") for key in manager)
    own = (await (await world.client("nobody")).get("/api/keys")).json()
    assert [key["name"] for key in own] == ["key of nobody"]
    service = await world.key("owner", kind=KeyKind.SERVICE, role=Role.OPERATOR)
    client = await world.client(Authorization=f"Key {service.secret}")
    assert [key["id"] for key in (await client.get("/api/keys")).json()] == [service.key.id]
    assert (await client.get("/api/users/me")).json()["id"] is None
    assert (await client.post("/api/keys", json={"name": "u"})).status_code == 403


async def test_a_key_never_makes_a_mightier_one(world) -> None:
    capped = await world.key("owner", role=Role.COLLABORATOR)
    client = await world.client(Authorization=f"Key {capped.secret}")
    assert (await client.post("/api/keys", json={"name": "k", "role": "operator"})).status_code == 403
    assert (await client.post("/api/keys", json={"name": "k", "kind": "service"})).status_code == 403
    child = (await client.post("/api/keys", json={"name": "k"})).json()
    assert child["role"] == "collaborator"
    narrow = await world.key("owner", places={("app", 7): Role.ADMIN})
    client = await world.client(Authorization=f"Key {narrow.secret}")
    assert (await client.post("/api/keys", json={"name": "k", "role": "collaborator"})).status_code == 403
    child = (await client.post("/api/keys", json={"name": "k"})).json()
    assert child["restricted"] is True
    grandchild = await world.client(Authorization=f"Key {child['key']}")
    me = (await grandchild.get("/api/users/me")).json()
    assert (me["role"], me["roles"]) == (None, [{"kind": "app", "id": 7, "role": "admin"}])
    assert (await grandchild.get("/api/audit")).status_code == 403
    soon = clock.now() + timedelta(hours=1)
    expiring = await world.key("owner", expires_at=soon)
    client = await world.client(Authorization=f"Key {expiring.secret}")
    later = clock.iso(soon + timedelta(hours=1))
    assert (await client.post("/api/keys", json={"name": "k"})).status_code == 403
    assert (await client.post("/api/keys", json={"name": "k", "expires_at": later})).status_code == 403
    assert (
        await client.post("/api/keys", json={"name": "k", "expires_at": clock.iso(soon)})
    ).status_code == 201
    extended = await client.patch(f"/api/keys/{expiring.key.id}", json={"expires_at": None})
    assert extended.status_code == 403


async def test_keys_for_apps(world) -> None:
    async def find(conn, org_id: int, slug: str) -> int | None:
        return {"shop": 7, "blog": 8}.get(slug) if org_id == world.main.id else None

    world.ctx.get(Places).register("app", find)
    client = await world.client("manager")
    body = {"name": "ci", "kind": "service", "apps": {"shop": "operator", "blog": "collaborator"}}
    made = (await client.post("/api/keys", json=body)).json()
    assert made["key"].startswith("pns_")
    service = await world.client(Authorization=f"Key {made['key']}")
    me = (await service.get("/api/auth/me")).json()
    assert (me["role"], len(me["roles"]), me["kind"]) == (None, 2, "service_key")
    assert (await client.post("/api/keys", json={**body, "apps": {"shop": "owner"}})).status_code == 403
    assert (await client.post("/api/keys", json={**body, "apps": {"shop": "king"}})).status_code == 400
    stranger = await world.client("owner2")
    assert (await stranger.post("/api/keys", json=body)).status_code == 400


async def test_request_limits_of_a_key(world) -> None:
    made = await world.key("operator", requests_per_minute=3)
    client = await world.client(Authorization=f"Key {made.secret}")
    answers = [await client.get("/api/users/me") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    wait = int(answers[3].headers["Retry-After"])
    assert 1 <= wait <= 20
    assert answers[3].json()["detail"] == f"Request was throttled. Expected available in {wait} seconds."
    assert (await (await world.client("operator")).get("/api/users/me")).status_code == 200


async def test_a_limited_key_gives_no_key_more(world) -> None:
    made = await world.key("owner", requests_per_minute=50)
    client = await world.client(Authorization=f"Key {made.secret}")
    inherited = (await client.post("/api/keys", json={"kind": "user", "name": "a"})).json()
    assert inherited["requests_per_minute"] == 50
    for path, method, body in (
        (
            "/api/keys",
            "POST",
            {"kind": "service", "name": "b", "role": "operator", "requests_per_minute": 51},
        ),
        (f"/api/keys/{made.key.id}", "PATCH", {"requests_per_minute": None}),
        (f"/api/keys/{made.key.id}", "PATCH", {"requests_per_minute": 100}),
    ):
        refused = await client.request(method, path, json=body)
        assert (refused.status_code, list(refused.json()["errors"])) == (400, ["requests_per_minute"])
    lowered = await client.patch(f"/api/keys/{made.key.id}", json={"requests_per_minute": 20})
    assert lowered.json()["requests_per_minute"] == 20
