"""A user of another org calls every route with the addresses of this one: nothing is seen and nothing changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from penstock.kit.context import Context
from penstock.kit.openapi import Operation
from penstock.server.openapi import every_operation
from tests.tables import conftest as tables
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
callers, owner = tables.callers, tables.owner

# Stands in every name, text and record of the org that must not be seen.
MARKER = "zq7719secret"
SCHEMA: dict[str, Any] = {
    "title": MARKER,
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "name", "constraints": {"required": True}, "description": MARKER},
        {"name": "price", "type": "number"},
    ],
    "primaryKey": ["id"],
    "hierarchy": True,
    "changes": True,
}
WATCHED: dict[str, Any] = {
    "name": "Watched",
    "options": {"column": "name", "op": "==", "value": MARKER},
}
PUBLIC = {
    "login",
    "obtainTokens",
    "refreshTokens",
    "blacklistToken",
    "readHealth",
    "ping",
    "readMetrics",
    "describeServer",
    "showClientConfig",
    "readLinkedFile",
    "readPublicDashboard",
    "showInvitation",
    "acceptInvitation",
    "showReset",
    "resetPassword",
    "verifyAddress",
    "showForgot",
    "forgotPassword",
}
# Columns that tell when something was last used, and tables that only count.
_VOLATILE = ("last_used_at", "last_login_at")
_COUNTERS = ("rate_buckets", "alembic_version")


@dataclass(frozen=True)
class Place:
    """What the addresses of the org `main` hold."""

    user: str
    username: str
    key: str
    record: str
    credential: str
    webhook: str
    delivery: str
    edge: str
    quarantined: str
    team: str
    rule: str
    query: str
    job: str
    numbered: str
    alert: str
    subscription: str
    destination: str
    snippet: str
    visualization: str
    dashboard: str
    widget: str
    token: str

    def fill(self, path: str, user: str) -> str:
        return path.format(
            app="shop",
            source=self.numbered if "/data_sources/" in path else "main",
            table="products",
            org="main",
            user=user,
            key=self.record if "/data/" in path else self.key,
            credential=self.credential,
            webhook=self.webhook,
            delivery=self.delivery,
            edge=self.edge,
            number=self.quarantined,
            team=self.team,
            rule=self.rule,
            query_id=self.query,
            linked=self.query,
            snippet=self.snippet,
            group=str(int(self.team) + 2),
            access_type="modify",
            version="1",
            job=self.job,
            alert=self.alert,
            subscription=self.subscription,
            destination=self.destination,
            visualization=self.visualization,
            dashboard=self.dashboard,
            widget=self.widget,
            token=self.token,
            file="1.json" if path.endswith("results/{file}") else "results.json",
        )


@pytest.fixture
async def place(owner: httpx2.AsyncClient) -> Place:
    """The org `main` with something of every kind, marked wherever text can be."""

    async def made(path: str, **body: Any) -> Any:
        answer = await owner.post(path, json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    await made("/api/apps", name=f"Shop {MARKER}", slug="shop", description=MARKER)
    await made("/api/apps/shop/datasources", name=f"Main {MARKER}", slug="main", description=MARKER)
    hook = await made(
        "/api/apps/shop/webhooks",
        url=f"https://example.com/{MARKER}",
        events=["table.created"],
        description=MARKER,
    )
    for name in ("products", "idle"):
        await made(
            "/api/apps/shop/datasources/main/datatables",
            name=name,
            description=MARKER,
            json_schema=SCHEMA,
        )
    record = await made("/api/apps/shop/datatables/products/data", name=MARKER, price=7)
    second = await made("/api/apps/shop/datatables/products/data", name=MARKER, price=8)
    ends = {"from": second["data"]["id"], "to": record["data"]["id"], "type": "parent"}
    edge = await made("/api/apps/shop/datatables/products/edges", **ends, metadata={"note": MARKER})
    bad = await owner.post(
        "/api/apps/shop/datatables/products/data/import?format=ndjson&on_error=quarantine",
        content=f'{{"name": "{MARKER}", "price": "{MARKER}"}}\n',
    )
    assert bad.json()["quarantined"] == 1, bad.text
    deliveries = await owner.get(f"/api/apps/shop/webhooks/{hook['id']}/deliveries")
    credential = await made(
        "/api/credentials",
        name=f"credential {MARKER}",
        kind="postgresql",
        settings={"host": f"{MARKER}.example.com", "database": "d", "user": MARKER},
        secrets={"password": MARKER},
    )
    user = await made("/api/users", username="jo", email="jo@example.org", first_name=MARKER)
    key = await made("/api/keys", name=f"key {MARKER}", kind="service", role="operator")
    await made("/api/apps/shop/access", user="jo", role="operator")
    team = await made("/api/teams", name=f"team {MARKER}", slug="team", description=MARKER)
    await made(f"/api/teams/{team['id']}/members", user="jo")
    everyone: dict[str, Any] = {"read": {"name": MARKER}, "write": {"name": MARKER}}
    rule = await made("/api/apps/shop/datatables/products/rules", name=f"rule {MARKER}", **everyone)
    (numbered,) = (await owner.get("/api/data_sources")).json()
    text = f"SELECT '{MARKER}' AS name FROM products"
    query = await made(
        "/api/queries",
        name=MARKER,
        query=text,
        data_source_id=numbered["id"],
        tags=[MARKER],
        description=MARKER,
    )
    job = await made(f"/api/queries/{query['id']}/results")
    alert = await made("/api/alerts", **{**WATCHED, "name": MARKER}, query_id=query["id"])
    destination = await made(
        "/api/destinations", name=MARKER, type="webhook", options={"url": f"https://example.com/{MARKER}"}
    )
    subscription = await made(f"/api/alerts/{alert['id']}/subscriptions", destination_id=destination["id"])
    snippet = await made("/api/query_snippets", trigger=MARKER, description=MARKER, snippet=MARKER)
    await made(f"/api/queries/{query['id']}/acl", user_id=user["id"], access_type="view")
    (shown,) = query["visualizations"]
    dashboard = await made("/api/dashboards", name=MARKER)
    await made(f"/api/dashboards/{dashboard['id']}", is_draft=False, tags=[MARKER], options={MARKER: MARKER})
    await made(f"/api/dashboards/{dashboard['id']}/acl", user_id=user["id"], access_type="view")
    seen = [{"action": MARKER, "object_type": MARKER, "note": MARKER}]
    assert (await owner.post("/api/events", json=seen)).status_code == 200
    widget = await made(
        "/api/widgets", dashboard_id=dashboard["id"], visualization_id=shown["id"], text=MARKER
    )
    shared = await made(f"/api/dashboards/{dashboard['id']}/share")
    # Or whoever has the token would see what this test looks for.
    assert (await owner.delete(f"/api/dashboards/{dashboard['id']}/share")).status_code == 200
    return Place(
        user=str(user["id"]),
        username="jo",
        key=str(key["id"]),
        record=str(record["data"]["id"]),
        credential=str(credential["id"]),
        webhook=str(hook["id"]),
        delivery=str(deliveries.json()["results"][0]["id"]),
        edge=str(edge["data"]["id"]),
        quarantined="1",
        team=str(team["id"]),
        rule=str(rule["id"]),
        query=str(query["id"]),
        job=job["job"]["id"],
        numbered=str(numbered["id"]),
        alert=str(alert["id"]),
        subscription=str(subscription["id"]),
        destination=str(destination["id"]),
        snippet=str(snippet["id"]),
        visualization=str(shown["id"]),
        dashboard=str(dashboard["id"]),
        widget=str(widget["id"]),
        token=shared["api_key"],
    )


def requests_of(place: Place) -> Iterator[tuple[Operation, str, str, dict[str, Any]]]:
    """Operation, method, path and options of a request for every address of every operation, and of every way."""
    for operation in every_operation():
        for path, _ in operation.addresses():
            for user in {place.user, place.username} if "{user}" in path else {""}:
                for options in ways(operation, place):
                    yield operation, operation.method.upper(), place.fill(path, user), options


def ways(operation: Operation, place: Place) -> Iterator[dict[str, Any]]:
    yield {}
    if operation.id == "runSqlQuery":
        # One that could be run would be waited for.
        yield {"json": {"sql": "SELECT * FROM products"}}
        return
    if operation.body is not None:
        for example in operation.body.examples.values():
            yield {"json": example}
        yield {"json": {"id": int(place.record), "name": "taken over"}}
        yield {"json": [{"id": int(place.record), "name": "taken over"}]}
    if operation.id == "deleteRecords":
        yield {"params": {"ids": place.record}}
        yield {"params": {"filter": '{"price__gte": 0}'}}
    if operation.id == "readChanges":
        yield {"params": {"since": "start"}}
    if operation.id == "takeAppAccess":
        yield {"params": {"user": place.user}}
        yield {"params": {"org": "true"}}
    if operation.id in ("deleteTable", "deleteSource"):
        yield {"params": {"force": "true"}}
    if operation.method != "get":
        yield {"headers": {"If-Match": "*", "Idempotency-Key": "a"}, "json": {}}


async def dump(ctx: Context) -> dict[str, set[str]]:
    """Every row of the metadata and of all orgs, by table."""
    found: dict[str, set[str]] = {}
    async with ctx.db.control.transaction() as conn:
        tables = await conn.rows(
            "SELECT n.nspname AS schema, c.relname AS name, quote_ident(n.nspname) || '.' || quote_ident(c.relname)"
            " AS place FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r'"
            " AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
        )
        for table in tables:
            if table["name"] not in _COUNTERS:
                shown = "".join(f" - '{column}'" for column in _VOLATILE)
                rows = await conn.rows(f"SELECT (to_jsonb(t){shown})::text AS row FROM {table['place']} AS t")
                found[table["place"]] = {row["row"] for row in rows}
    return found


async def test_the_marks_can_be_seen(place: Place, owner: httpx2.AsyncClient) -> None:
    """Or the other tests would find nothing whatever happened."""
    seen = {
        operation.id
        for operation, method, path, _ in requests_of(place)
        if method == "GET" and MARKER in (await owner.get(path)).text
    }
    assert {"listApps", "readApp", "listSources", "readTable", "readTableSchema", "listRecords"} <= seen
    assert {"readRecord", "readUser", "listMembers", "readKey", "describeApp", "readAppStatistics"} <= seen
    assert {"readCredential", "readWebhook", "listEdges", "readQuarantine"} <= seen
    assert {"readTeam", "readRule", "listRules"} <= seen
    assert {"listQueries", "readQuery", "listQueryTags", "readDataSource"} <= seen
    assert {
        "listAlerts",
        "readAlert",
        "listAlertSubscriptions",
        "listDestinations",
        "readDestination",
    } <= seen
    assert {"readVersion", "compareVersions"} <= seen
    assert {"listDashboards", "readDashboard", "listDashboardTags"} <= seen
    assert {"readSnippet", "listSnippets", "listQueryRights", "listDashboardRights", "listEvents"} <= seen


async def test_another_org(place: Place, callers: Callers, ctx: Context) -> None:
    other = callers["other"]
    before = await dump(ctx)
    assert any(MARKER in row for rows in before.values() for row in rows)
    for operation, method, path, options in requests_of(place):
        if "{" not in operation.path:
            continue
        answer = await other.request(method, path, **options)
        # An unreadable body may be told of before the address is looked at.
        assert answer.status_code in (400, 403, 404), (method, path, options, answer.text)
        assert MARKER not in answer.text, (method, path, answer.text)
        assert MARKER not in str(answer.headers)
    assert await dump(ctx) == before


async def test_what_has_no_address(place: Place, callers: Callers, ctx: Context) -> None:
    other = callers["other"]
    before = await dump(ctx)
    statuses: dict[str, set[int]] = {}
    for operation, method, path, options in requests_of(place):
        if "{" in operation.path or operation.id == "logout":
            continue
        answer = await other.request(method, path, **options)
        assert answer.status_code < 500, (method, path, answer.text)
        assert MARKER not in answer.text, (method, path, answer.text)
        statuses.setdefault(operation.id, set()).add(answer.status_code)
    lists = {"listApps", "listUsers", "listOrgs", "listKeys", "listAuditEntries", "readMe", "listTeams"}
    assert all(statuses[name] == {200} for name in lists)
    await unchanged(ctx, before)


async def test_references_across_orgs(place: Place, callers: Callers, ctx: Context) -> None:
    """Naming what belongs to the other org in a body or a parameter is like naming nothing."""
    other = callers["other"]
    assert (await other.post("/api/apps", json={"name": "Mine"})).status_code == 201
    assert (await other.post("/api/apps/mine/datasources", json={"name": "Main"})).status_code == 201
    before = await dump(ctx)
    for method, path, options in (
        ("POST", "/api/orgs/other/members", {"json": {"user": place.username}}),
        ("POST", "/api/orgs/other/members", {"json": {"user": int(place.user)}}),
        ("POST", "/api/keys", {"json": {"name": "k", "apps": {"shop": "operator"}}}),
        ("POST", "/api/keys", {"json": {"name": "k", "kind": "service", "apps": {"shop": "operator"}}}),
        ("POST", "/api/apps/mine/access", {"json": {"user": int(place.user), "role": "operator"}}),
        ("POST", "/api/apps/mine/access", {"json": {"user": place.username, "role": "operator"}}),
        ("POST", "/api/apps/mine/access", {"json": {"key": int(place.key), "role": "operator"}}),
        ("DELETE", "/api/apps/mine/access", {"params": {"user": place.user}}),
        ("POST", "/api/auth/org", {"json": {"org": "main"}}),
        ("GET", "/api/apps/mine/datatables/products/data", {}),
        ("GET", "/api/apps/mine/openapi.json", {"params": {"tables": "products"}}),
        ("GET", f"/api/keys/{place.key}", {}),
        ("POST", "/api/alerts", {"json": {**WATCHED, "query_id": int(place.query)}}),
    ):
        answer = await other.request(method, path, **options)
        assert answer.status_code in (400, 403, 404), (method, path, options, answer.text)
        assert MARKER not in answer.text
    for path in (
        "/api/audit",
        "/api/audit?actor=owner-user",
        "/api/users?search=jo",
        "/api/keys?revoked=true",
    ):
        answer = await other.get(path)
        assert answer.status_code == 200
        assert MARKER not in answer.text and "jo@example.org" not in answer.text
    assert await dump(ctx) == before


async def test_the_same_names_in_both_orgs(place: Place, callers: Callers, ctx: Context) -> None:
    """Slugs, table names and keys of records are each org's own."""
    other = callers["other"]
    await other.post("/api/apps", json={"name": "Shop"})
    await other.post("/api/apps/shop/datasources", json={"name": "Main"})
    table = {"name": "products", "json_schema": {**SCHEMA, "title": "", "fields": SCHEMA["fields"][::2]}}
    made = await other.post("/api/apps/shop/datasources/main/datatables", json=table)
    assert made.status_code == 201, made.text
    data = "/api/apps/shop/datatables/products/data"
    once = {"Idempotency-Key": "the same"}
    mine = await other.post(data, json={"price": 1}, headers=once)
    theirs = await callers["owner"].post(data, json={"name": MARKER}, headers=once)
    assert mine.json()["data"] == {"id": 1, "price": 1}
    assert theirs.json()["data"]["name"] == MARKER
    before = await dump(ctx)
    assert (await other.get(data)).json()["data"] == [{"id": 1, "price": 1}]
    assert (await other.get(f"{data}/2")).status_code == 404
    assert (await other.get("/api/apps/shop/openapi.json")).status_code == 200
    assert (await other.delete(data, params={"filter": '{"price__gte": 0}'})).json() == {"deleted": 1}
    assert (await callers["owner"].get(data)).json()["total"] == 3
    await unchanged(ctx, before, but="products")


async def test_no_credentials(place: Place, callers: Callers, ctx: Context) -> None:
    anonymous = callers["anonymous"]
    before = await dump(ctx)
    assert {one.id for one in every_operation() if one.access.is_public} == PUBLIC
    for operation, method, path, options in requests_of(place):
        answer = await anonymous.request(method, path, **options)
        assert MARKER not in answer.text
        if not operation.access.is_public:
            assert answer.status_code == 401, (method, path, answer.text)
            assert answer.headers["www-authenticate"]
    assert await dump(ctx) == before


async def unchanged(ctx: Context, before: Mapping[str, set[str]], but: str = "\0") -> None:
    """Every row that was there is there still, and no new one is marked."""
    after = await dump(ctx)
    for table, rows in before.items():
        gone = [row for row in rows - after[table] if not (but in table and MARKER not in row)]
        assert not gone, (table, gone)
    for table, rows in after.items():
        assert not [row for row in rows - before.get(table, set()) if MARKER in row], table
