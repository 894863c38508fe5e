"""Who may call what: without a key 401, in another org 404, with too low a role 403."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.anyio

EVERYONE = ("owner", "manager", "operator", "collaborator", "nobody", "owner2")
MEMBERS = dict.fromkeys(EVERYONE, 200)
# Method, path, body, status by caller. `{…}` is the id of that person or of their key.
TABLE = (
    ("GET", "/api/users/me", None, MEMBERS),
    ("GET", "/api/auth/me", None, MEMBERS),
    ("GET", "/_allauth/app/v1/auth/session", None, MEMBERS),
    ("GET", "/api/users", None, MEMBERS),
    ("GET", "/api/orgs", None, MEMBERS),
    ("GET", "/api/keys", None, MEMBERS),
    ("GET", "/api/audit", None, {"owner": 200, "manager": 200, "operator": 403, "nobody": 403}),
    ("GET", "/api/users/{operator}", None, {"owner": 200, "collaborator": 200, "nobody": 404, "owner2": 404}),
    ("GET", "/api/users/operator", None, {"owner": 200, "collaborator": 200, "nobody": 404, "owner2": 404}),
    ("GET", "/api/users/nobody", None, {"nobody": 200, "owner2": 404}),
    (
        "PATCH",
        "/api/users/{operator}",
        {"first_name": "Olga"},
        {"manager": 200, "operator": 200, "collaborator": 403, "nobody": 404, "owner2": 404},
    ),
    (
        "PUT",
        "/api/users/{owner}",
        {"email": "new@example.org"},
        {"manager": 403, "collaborator": 403, "owner2": 404, "owner": 200},
    ),
    ("DELETE", "/api/users/{operator}", None, {"collaborator": 403, "nobody": 404, "owner2": 404}),
    ("DELETE", "/api/users/{owner}", None, {"manager": 403, "owner2": 404}),
    ("POST", "/api/users", {"username": "x"}, {"operator": 403, "collaborator": 403, "nobody": 403}),
    ("POST", "/api/orgs", {"slug": "new"}, {"owner": 403, "manager": 403, "owner2": 403}),
    ("GET", "/api/orgs/main", None, {"owner": 200, "collaborator": 200, "nobody": 200, "owner2": 404}),
    ("PATCH", "/api/orgs/main", {"name": "M"}, {"owner": 200, "operator": 403, "nobody": 403, "owner2": 404}),
    (
        "GET",
        "/api/orgs/main/members",
        None,
        {"owner": 200, "collaborator": 200, "nobody": 200, "owner2": 404},
    ),
    (
        "POST",
        "/api/orgs/main/members",
        {"user": "owner2"},
        {"owner": 400, "operator": 403, "nobody": 403, "owner2": 404},
    ),
    (
        "PATCH",
        "/api/orgs/main/members/operator",
        {"role": "operator"},
        {"manager": 200, "operator": 403, "collaborator": 403, "nobody": 404, "owner2": 404},
    ),
    (
        "PATCH",
        "/api/orgs/main/members/operator",
        {"role": "owner"},
        {"manager": 403, "operator": 403, "owner2": 404},
    ),
    (
        "DELETE",
        "/api/orgs/main/members/operator",
        None,
        {"collaborator": 403, "nobody": 404, "owner2": 404, "operator": 403},
    ),
    (
        "GET",
        "/api/keys/{key:operator}",
        None,
        {"manager": 200, "operator": 200, "nobody": 404, "owner2": 404},
    ),
    (
        "PATCH",
        "/api/keys/{key:operator}",
        {"name": "renamed"},
        {"manager": 200, "operator": 200, "collaborator": 404, "owner2": 404},
    ),
    (
        "PATCH",
        "/api/keys/{key:operator}",
        {"requests_per_minute": 100000},
        {"operator": 403, "collaborator": 404, "owner2": 404, "manager": 200},
    ),
    ("DELETE", "/api/keys/{key:operator}", None, {"collaborator": 404, "nobody": 404, "owner2": 404}),
    (
        "POST",
        "/api/keys",
        {"name": "s", "kind": "service", "role": "operator"},
        {"manager": 201, "operator": 403, "nobody": 403},
    ),
    ("POST", "/api/keys", {"name": "u", "role": "owner"}, {"manager": 403, "nobody": 403, "owner": 201}),
    ("POST", "/api/keys", {"name": "u", "apps": {"no-such": "admin"}}, {"owner": 400, "nobody": 400}),
    ("POST", "/api/auth/org", {"org": "other"}, {"owner": 403, "owner2": 403}),
    ("DELETE", "/_allauth/app/v1/auth/session", None, {"owner": 400}),
    ("POST", "/api/auth/password", {"new_password": "long enough"}, {"owner": 400}),
)
BAD_QUERIES = (
    "/api/users?page=0",
    "/api/users?page=x",
    "/api/users?is_active=maybe",
    "/api/users?role=king",
    "/api/users?search=%00",
    "/api/users?unknown=1",
    "/api/audit?since=yesterday",
    "/api/audit?actor=%00",
    "/api/audit?until=2026-01-01",
    "/api/keys?revoked=perhaps",
)


async def test_who_may_call_what(world) -> None:
    clients = {name: await world.client(name) for name in EVERYONE}
    anonymous = await world.client()
    wrong = await world.client(Authorization="Key pnu_nothing_that_was_ever_given_out")
    for method, template, body, expected in TABLE:
        path = template
        for name, user in world.users.items():
            path = path.replace(f"{{{name}}}", str(user.id)).replace(
                f"{{key:{name}}}", str(world.keys[name].key.id)
            )
        for client in (anonymous, wrong):
            answer = await client.request(method, path, json=body)
            assert answer.status_code == 401, (method, template, answer.text)
            assert answer.json()["code"] == "UNAUTHORIZED"
        for name, status in expected.items():
            answer = await clients[name].request(method, path, json=body)
            assert answer.status_code == status, (method, template, name, answer.text)
            if status == 403 and method == "GET":
                assert answer.json()["detail"] == "You do not have permission to perform this action."
            if status == 404:
                assert answer.json()["detail"] == "Not found."


async def test_no_id_and_no_text_is_a_fault_of_the_server(world) -> None:
    client = await world.client("owner")
    hostile = [
        "0",
        "-1",
        "9" * 30,
        str(2**63),
        str(2**63 - 1),
        "a%00b",
        "%F0%9F%92%A9",
        "x" * 5000,
        "%2F",
        "'--",
    ]
    for ident in hostile:
        for path in (
            f"/api/users/{ident}",
            f"/api/keys/{ident}",
            f"/api/orgs/{ident}",
            f"/api/orgs/main/members/{ident}",
        ):
            for method in ("GET", "PATCH", "DELETE"):
                answer = await client.request(method, path, json={"name": "x"} if method == "PATCH" else None)
                assert answer.status_code in (400, 404, 405), (method, path, answer.text)
    bodies = [
        ("/api/users", {"username": "a\0b"}),
        ("/api/users", {"username": "x" * 255}),
        ("/api/users", {"email": "no address"}),
        ("/api/users", {"username": "123"}),
        ("/api/users", {"username": "a/b"}),
        ("/api/users", {}),
        ("/api/users", {"unknown": 1, "username": "b"}),
        ("/api/users", {"username": 3}),
        ("/api/users", {"username": "short", "password": "1234567"}),
        ("/api/users", {"username": "differs", "password": "12345678", "confirm_password": "123456789"}),
        ("/api/keys", {"name": "a\0"}),
        ("/api/keys", {"name": ""}),
        ("/api/keys", {"name": "k", "apps": {"a\0b": "admin"}}),
        ("/api/keys", {"name": "k", "requests_per_minute": 2**70}),
        ("/api/keys", {"name": "k", "expires_at": "2020-01-01T00:00:00Z"}),
        ("/api/keys", {"name": "k", "expires_at": "2030-01-01T00:00:00"}),
        ("/api/keys", {"name": "k", "expires_at": "9999-12-31T23:59:59-12:00"}),
        ("/api/orgs/main/members", {"user": 2**80}),
        ("/api/orgs/main/members", {"user": "a\0"}),
        ("/api/auth/jwt/token", {"username": "a\0b", "password": "x"}),
        ("/api/auth/jwt/token", {"password": "x"}),
        ("/api/auth/jwt/token/refresh", {"refresh": ""}),
        ("/api/auth/password", {"new_password": "x"}),
    ]
    for path, body in bodies:
        answer = await client.post(path, json=body)
        assert answer.status_code == 400, (path, body, answer.text)
        assert answer.json()["code"] == "VALIDATION_ERROR", (path, answer.text)
    for path in BAD_QUERIES:
        assert (await client.get(path)).status_code == 400, path
    for raw in (b"", b"{", b"[]", b"\xff", b'"\\ud800"', b"{" * 5000):
        answer = await client.post("/api/users", content=raw)
        assert answer.status_code == 400, (raw[:10], answer.text)
