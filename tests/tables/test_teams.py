"""Teams: who manages them, what they hold, and that leaving one ends it at once."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
TEAMS = "/api/teams"


async def made(client: httpx2.AsyncClient, slug: str = "support", *members: str) -> int:
    answer = await client.post(TEAMS, json={"slug": slug, "name": slug.title()})
    assert answer.status_code == 201, answer.text
    for member in members:
        added = await client.post(f"{TEAMS}/{slug}/members", json={"user": member})
        assert added.status_code == 201, added.text
    return answer.json()["id"]


async def test_a_team_is_made_read_renamed_and_deleted(callers: Callers) -> None:
    admin = callers["admin"]
    team_id = await made(admin, "support", "operator-user")
    listed = (await admin.get(TEAMS)).json()
    assert [(one["slug"], one["member_count"]) for one in listed] == [("support", 1)]
    for ident in ("support", team_id):
        assert (await admin.get(f"{TEAMS}/{ident}")).json()["name"] == "Support"
    renamed = await admin.patch(f"{TEAMS}/support", json={"name": "Nights"})
    assert renamed.json()["name"] == "Nights"
    assert (await admin.post(TEAMS, json={"slug": "support"})).status_code == 409
    assert (await admin.delete(f"{TEAMS}/support")).status_code == 204
    assert (await admin.get(f"{TEAMS}/support")).status_code == 404
    actions = {one["action"] for one in (await admin.get("/api/audit?page_size=50")).json()["results"]}
    assert {"team.create", "team.update", "team.delete", "team.member.put"} <= actions


@pytest.mark.parametrize(
    ("method", "path", "body", "statuses"),
    [
        ("GET", TEAMS, None, {"collaborator": 200, "other": 200, "anonymous": 401}),
        ("POST", TEAMS, {"slug": "x"}, {"operator": 403, "nobody": 403, "admin": 201, "anonymous": 401}),
        ("GET", f"{TEAMS}/a", None, {"collaborator": 200, "nobody": 404, "other": 404, "anonymous": 401}),
        ("PATCH", f"{TEAMS}/a", {"name": "b"}, {"operator": 403, "nobody": 404, "other": 404, "admin": 200}),
        ("DELETE", f"{TEAMS}/a", None, {"operator": 403, "nobody": 404, "other": 404, "admin": 204}),
        ("GET", f"{TEAMS}/a/members", None, {"collaborator": 200, "nobody": 404, "other": 404}),
        (
            "POST",
            f"{TEAMS}/a/members",
            {"user": "nobody-user"},
            {"operator": 403, "other": 404, "anonymous": 401, "admin": 201},
        ),
        (
            "PATCH",
            f"{TEAMS}/a/members/collaborator-user",
            {"is_admin": True},
            {"operator": 403, "other": 404, "anonymous": 401, "admin": 200},
        ),
        (
            "DELETE",
            f"{TEAMS}/a/members/collaborator-user",
            None,
            {"operator": 403, "other": 404, "anonymous": 401, "admin": 204},
        ),
    ],
)
async def test_who_may(callers: Callers, method: str, path: str, body: Any, statuses: dict[str, int]) -> None:
    await made(callers["owner"], "a", "collaborator-user")
    for name, status in statuses.items():
        answer = await callers[name].request(method, path, json=body)
        assert answer.status_code == status, (name, answer.text)


@pytest.mark.parametrize("body", [{"slug": "A b"}, {"slug": ""}, {}, {"slug": "a", "x": 1}, {"slug": "a\0"}])
async def test_bad_teams_are_refused(callers: Callers, body: Any) -> None:
    assert (await callers["admin"].post(TEAMS, json=body)).status_code == 400


async def test_members_come_from_the_org(callers: Callers) -> None:
    await made(callers["admin"], "a")
    for name in ("other-user", "nope", "99999"):
        answer = await callers["admin"].post(f"{TEAMS}/a/members", json={"user": name})
        assert answer.status_code == 400, answer.text


async def test_roles_of_a_team_are_its_members(shop: httpx2.AsyncClient, callers: Callers) -> None:
    nobody, admin = callers["nobody"], callers["admin"]
    await made(admin, "support")
    app = "/api/apps/shop"
    given = await admin.post(f"{app}/access", json={"team": "support", "role": "collaborator"})
    assert given.json() == {
        "subject": "team",
        "id": given.json()["id"],
        "name": "support",
        "role": "collaborator",
    }
    assert (await nobody.get(app)).status_code == 404
    await admin.post(f"{TEAMS}/support/members", json={"user": "nobody-user"})
    assert (await nobody.get(app)).status_code == 200
    assert [one["name"] for one in (await admin.get(f"{app}/access")).json()] == ["support"]
    # Who is in a team sees it.
    assert (await nobody.get(f"{TEAMS}/support")).status_code == 200
    assert (await nobody.delete(f"{TEAMS}/support/members/nobody-user")).status_code in (204, 403)
    await admin.delete(f"{TEAMS}/support/members/nobody-user")
    assert (await nobody.get(app)).status_code == 404
    await admin.post(f"{TEAMS}/support/members", json={"user": "nobody-user"})
    assert (await nobody.get(app)).status_code == 200
    await admin.delete(f"{TEAMS}/support")
    assert (await nobody.get(app)).status_code == 404


async def test_an_admin_does_not_enter_a_team_of_owners(
    shop: httpx2.AsyncClient,
    callers: Callers,
) -> None:
    await made(callers["owner"], "chiefs")
    given = await callers["owner"].post("/api/apps/shop/access", json={"team": "chiefs", "role": "owner"})
    assert given.status_code == 200
    answer = await callers["admin"].post(f"{TEAMS}/chiefs/members", json={"user": "admin-user"})
    assert answer.status_code == 403
    assert (
        await callers["admin"].post("/api/apps/shop/access", json={"team": "chiefs", "role": "admin"})
    ).status_code == 403


async def test_who_leaves_the_org_leaves_its_teams(callers: Callers) -> None:
    admin = callers["admin"]
    await made(admin, "support", "operator-user")
    assert (await admin.delete("/api/users/operator-user")).status_code == 204
    assert (await admin.get(f"{TEAMS}/support")).json()["member_count"] == 0


async def test_claims_are_for_admins_to_give(callers: Callers) -> None:
    body = {
        "name": "partner",
        "kind": "service",
        "role": "collaborator",
        "claims": {"region": "EU", "level": 3},
    }
    answer = await callers["admin"].post("/api/keys", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["claims"] == {"region": "EU", "level": 3}
    own = {"name": "mine", "claims": {"region": "EU"}}
    assert (await callers["operator"].post("/api/keys", json=own)).status_code == 403
    for claims in ({"a b": 1}, {"a": [1]}, {"a": None}, {"a": 2**70}, {"a": "x\0"}):
        answer = await callers["admin"].post("/api/keys", json={"name": "bad", "claims": claims})
        assert answer.status_code == 400, (claims, answer.text)


async def test_the_audit_log_is_exported_whole(shop: httpx2.AsyncClient, callers: Callers) -> None:
    admin = callers["admin"]
    lines = (await admin.get("/api/audit/export")).text.splitlines()
    total = (await admin.get("/api/audit?page_size=1")).json()["count"]
    assert len(lines) == total > 5
    table = await admin.get("/api/audit/export", params={"format": "csv", "action": "app.create"})
    assert table.headers["content-type"].startswith("text/csv")
    assert len(table.text.splitlines()) == 2
    for name, status in {"operator": 403, "nobody": 403, "anonymous": 401}.items():
        assert (await callers[name].get("/api/audit/export")).status_code == status
    assert (await admin.get("/api/audit/export?format=xml")).status_code == 400
