"""Who may do what: every route of management, asked by every kind of caller."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from penstock.identity import Role
from penstock.tables.access import ACTIONS
from tests.tables.conftest import SCHEMA, Callers

pytestmark = pytest.mark.anyio

APP = "/api/apps/shop"
SOURCE = f"{APP}/datasources/main"
TABLE = f"{SOURCE}/datatables/users"
ALIAS = f"{APP}/datatables/users"
PACKAGE = {"name": "p", "resources": [{"name": "more", "schema": SCHEMA}]}


@dataclass(frozen=True)
class Route:
    """A request, the least role it asks for, and the status it then answers."""

    method: str
    path: str
    least: Role
    status: int = 200
    body: Any = None
    gone_after: bool = field(default=False)

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


READ, ADMIN, OWNER = Role.COLLABORATOR, Role.ADMIN, Role.OWNER
ROUTES = (
    Route("GET", APP, READ),
    Route("GET", f"{APP}/stats", READ),
    Route("PUT", APP, ADMIN, body={"name": "Shop", "description": "new"}),
    Route("PATCH", APP, ADMIN, body={"description": "newer"}),
    Route("GET", f"{APP}/access", ADMIN),
    Route("POST", f"{APP}/access", ADMIN, body={"user": "nobody-user", "role": "collaborator"}),
    Route("DELETE", f"{APP}/access?user=nobody-user", ADMIN, 204),
    Route("GET", f"{APP}/datasources", READ),
    Route("POST", f"{APP}/datasources", ADMIN, 201, {"name": "Second"}),
    Route("GET", SOURCE, READ),
    Route("GET", f"{SOURCE}/tables", READ),
    Route("GET", f"{SOURCE}/stats", READ),
    Route("PUT", SOURCE, ADMIN, body={"name": "Main", "description": "new"}),
    Route("PATCH", SOURCE, ADMIN, body={"description": "newer"}),
    Route("GET", f"{SOURCE}/datatables", READ),
    Route("POST", f"{SOURCE}/datatables", ADMIN, 201, {"name": "orders", "json_schema": SCHEMA}),
    Route("GET", f"{APP}/datatables", READ),
    Route("GET", f"{APP}/datatables/stats", READ),
    Route("POST", f"{APP}/datatables/create_schema", ADMIN, body=PACKAGE),
    *(
        route
        for path in (TABLE, ALIAS)
        for route in (
            Route("GET", path, READ),
            Route("GET", f"{path}/schema", READ),
            Route("GET", f"{path}/operation-history", READ),
            Route("POST", f"{path}/validate_data", READ, body={"data": []}),
            Route("PUT", path, ADMIN, body={"description": "new"}),
            Route("PATCH", path, ADMIN, body={"description": "newer"}),
            Route("POST", f"{path}/materialize", ADMIN),
            Route("POST", f"{path}/rollback", ADMIN, 409, {"revision_id": 1}),
        )
    ),
    Route("DELETE", ALIAS, OWNER, 204),
    Route("DELETE", SOURCE, OWNER, 204),
    Route("DELETE", APP, OWNER, 204),
    Route("POST", f"{APP}/restore", OWNER),
)


async def _ask(client: httpx2.AsyncClient, route: Route) -> httpx2.Response:
    return await client.request(route.method, route.path, json=route.body)


async def test_every_route_asks_for_its_role(shop: httpx2.AsyncClient, callers: Callers) -> None:
    before = (await shop.get(ALIAS)).text
    lower = {Role.COLLABORATOR: (), Role.ADMIN: ("collaborator", "operator")}
    lower[Role.OWNER] = (*lower[Role.ADMIN], "admin")
    for route in ROUTES:
        for name in ("other", "nobody"):
            answer = await _ask(callers[name], route)
            assert answer.status_code == 404, (name, route.name, answer.text)
            assert answer.json()["detail"] == "Not found."
        answer = await _ask(callers["anonymous"], route)
        assert answer.status_code == 401, (route.name, answer.text)
        for name in lower[route.least]:
            answer = await _ask(callers[name], route)
            assert answer.status_code == 403, (name, route.name, answer.text)
            assert answer.json()["detail"] == "You do not have permission to perform this action."
    assert (await shop.get(ALIAS)).text == before
    for route in ROUTES:
        answer = await _ask(callers[route.least.label], route)
        assert answer.status_code == route.status, (route.name, answer.text)


async def test_creating_apps_takes_an_admin_of_the_org(callers: Callers) -> None:
    body = {"name": "Mine"}
    expected = {
        "anonymous": 401,
        "nobody": 403,
        "collaborator": 403,
        "operator": 403,
        "admin": 201,
        "other": 201,
    }
    for name, status in expected.items():
        assert (await callers[name].post("/api/apps", json=body)).status_code == status, name
    assert [app["slug"] for app in (await callers["other"].get("/api/apps")).json()] == ["mine"]


async def test_an_app_is_listed_for_who_holds_a_role_on_it(
    shop: httpx2.AsyncClient, callers: Callers
) -> None:
    nobody = callers["nobody"]
    await shop.post("/api/apps", json={"name": "Secret"})
    assert (await nobody.get("/api/apps")).json() == []
    given = await shop.post(f"{APP}/access", json={"user": "nobody-user", "role": "operator"})
    assert given.status_code == 200, given.text
    assert given.json()["role"] == "operator"
    assert (await shop.get(f"{APP}/access")).json() == [given.json()]
    assert [app["slug"] for app in (await nobody.get("/api/apps")).json()] == ["shop"]
    assert (await nobody.get("/api/apps?page=1")).json()["count"] == 1
    assert (await nobody.get("/api/apps/secret")).status_code == 404
    assert (await nobody.get(ALIAS)).status_code == 200
    assert (await nobody.patch(APP, json={"name": "Mine"})).status_code == 403
    assert (await shop.delete(f"{APP}/access?user=nobody-user")).status_code == 204
    assert (await nobody.get(APP)).status_code == 404
    assert (await shop.delete(f"{APP}/access?user=nobody-user")).status_code == 404


async def test_access_names_one_subject(shop: httpx2.AsyncClient) -> None:
    for body in (
        {"role": "admin"},
        {"role": "admin", "user": "a", "org": True},
        {"role": "king", "user": "a"},
    ):
        assert (await shop.post(f"{APP}/access", json=body)).status_code == 400, body
    unknown = await shop.post(f"{APP}/access", json={"role": "admin", "user": "who\0"})
    assert unknown.status_code == 400
    assert (await shop.post(f"{APP}/access", json={"role": "admin", "key": 2**70})).status_code == 400
    assert (await shop.post(f"{APP}/access", json={"role": "admin", "user": "other-user"})).status_code == 400
    assert (await shop.delete(f"{APP}/access")).status_code == 400


async def test_nobody_gives_more_than_they_hold(shop: httpx2.AsyncClient, callers: Callers) -> None:
    body = {"user": "nobody-user", "role": "owner"}
    assert (await callers["admin"].post(f"{APP}/access", json=body)).status_code == 403
    assert (await shop.post(f"{APP}/access", json=body)).status_code == 200


def test_actions_ask_for_roles_that_grow() -> None:
    assert ACTIONS["record.read"] < ACTIONS["record.write"] < ACTIONS["table.alter"] < ACTIONS["table.delete"]
