"""The generated documents against a running server: nothing fails, answers fit, every operation works.

First every operation is called once as it is meant to be, on real objects; then schemathesis makes thousands of
requests of its own, valid and invalid ones.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx2
import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tests.conftest import RunningServer, running_server
from tests.databases import ADMIN_EMAIL, ADMIN_PASSWORD, Databases
from tests.notifications.destinations.conftest import Post, mail_server, mailing
from tests.server.test_openapi import EVERYTHING, PAIR

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
# Requests for each operation, and how many there must be of each document: more than 2,000 in all.
CASES = {"server": (5, 4), "app": (10, 7)}
LEAST = {"server": 1750, "app": 450}
# What these are done to does not answer any more.
STOPPING = {"pauseDataSource"}
SIMPLE: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "name", "constraints": {"required": True, "maxLength": 200}},
        {"name": "price", "type": "number", "constraints": {"minimum": 0}},
    ],
    "primaryKey": ["id"],
    "changes": True,
}
LINKED: dict[str, Any] = {**SIMPLE, "graph": {"types": [{"name": "part", "inverse": "wholes"}, "spare"]}}

REVIEWS = SIMPLE | {
    "fields": [*SIMPLE["fields"], {"name": "product_id", "type": "integer"}],
    "foreignKeys": [{"fields": "product_id", "reference": {"resource": "products", "fields": "id"}}],
}


@dataclass
class World:
    """A seeded server, and how to make things on it that a request may use up."""

    url: str
    key: str
    letters: Post
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.client = httpx2.Client(
            base_url=self.url, headers={"Authorization": f"Key {self.key}"}, timeout=60
        )
        self.session = requests.Session()
        self.post("/api/apps", name="Shop")
        self.post("/api/apps/shop/datasources", name="Main")
        for name, schema in (
            ("products", SIMPLE),
            ("things", EVERYTHING),
            ("pair", PAIR),
            ("reviews", REVIEWS),
            ("parts", LINKED),
        ):
            self.table(name, schema)
        self.client.post("/api/apps/shop/datatables/pair/data", json=[{"a": n, "b": "x"} for n in range(5)])

    def send(self, method: str, path: str, **options: Any) -> Any:
        answer = self.client.request(method, path, **options)
        assert answer.status_code < 300, (method, path, answer.text)
        return answer.json() if answer.content else None

    def post(self, path: str, **body: Any) -> Any:
        return self.send("POST", path, json=body)

    def name(self) -> str:
        return f"x{next(self.numbers)}"

    def app(self, *, deleted: bool = False) -> str:
        slug = self.post("/api/apps", name=self.name())["slug"]
        if deleted:
            self.send("DELETE", f"/api/apps/{slug}")
        return slug

    def source(self) -> str:
        return self.post("/api/apps/shop/datasources", name=self.name())["slug"]

    def table(self, name: str | None = None, schema: Mapping[str, Any] = SIMPLE) -> str:
        path = "/api/apps/shop/datasources/main/datatables"
        return self.post(path, name=name or self.name(), json_schema=schema)["name"]

    def altered(self) -> str:
        """A table whose schema has changed, in the operation `newest`."""
        path = f"/api/apps/shop/datatables/{self.table()}"
        self.post(f"{path}/materialize")
        fields = [*SIMPLE["fields"], {"name": "more"}]
        self.send("PATCH", path, json={"json_schema": {**SIMPLE, "fields": fields}})
        self.newest: int = self.send("GET", f"{path}/operation-history")["data"][0]["id"]
        return path.rpartition("/")[2]

    def user(self) -> str:
        name = self.name()
        self.post("/api/users", username=name, password="long enough for anybody")
        return name

    def webhook(self) -> str:
        path = "/api/apps/shop/webhooks"
        known = self.send("GET", path, params={"page_size": 100})["results"]
        if len(known) > 40:  # an app has 50 at most, and the cases make some too
            for one in known:
                self.send("DELETE", f"{path}/{one['id']}")
        wanted = {"url": "http://127.0.0.1:1/hook", "events": ["table.created"]}
        return str(self.post(path, **wanted)["id"])

    def delivery(self, webhook: str) -> str:
        """One that has come to its end, since only those are sent again."""
        self.table()
        path = f"/api/apps/shop/webhooks/{webhook}"
        (found,) = self.send("GET", f"{path}/deliveries")["results"]
        self.send("PATCH", path, json={"is_active": False})
        while self.send("GET", f"{path}/deliveries/{found['id']}")["state"] == "pending":
            time.sleep(0.2)
        self.send("PATCH", path, json={"is_active": True})
        return str(found["id"])

    def credential(self) -> str:
        settings = {"host": "127.0.0.1", "port": 1, "database": "shop", "user": "reader"}
        secrets = {"password": "a password"}
        made = self.post(
            "/api/credentials", name=self.name(), kind="postgresql", settings=settings, secrets=secrets
        )
        return str(made["id"])

    def api_key(self) -> str:
        return str(self.post("/api/keys", name=self.name())["id"])

    def record(self, table: str) -> Any:
        """The key of a record that is there."""
        if table == "pair":
            pair = {"a": next(self.numbers) + 1000, "b": "y"}
            self.send("POST", "/api/apps/shop/datatables/pair/data", json=pair)
            return f"{pair['a']},y"
        number = next(self.numbers)
        row: dict[str, Any] = {"name": "Chair"}
        if table == "things":
            row = {"code": f"ABC-{number:04d}", "short": "123456789", "stock": 5}
        return self.send("POST", f"/api/apps/shop/datatables/{table}/data", json=row)["data"]["id"]

    def edge(self) -> Any:
        """The id of an edge that is there."""
        ends = {"from": self.record("parts"), "to": self.record("parts")}
        return self.post("/api/apps/shop/datatables/parts/edges", **ends, type="part")["data"]["id"]

    def quarantine(self) -> int:
        """The number of an import of `products` that has a row in quarantine."""
        path = "/api/apps/shop/datatables/products/data/import?format=csv&on_error=quarantine"
        return self.send("POST", path, content=b'name\n""\n,\n')["quarantine"]

    def ruled(self) -> tuple[str, int]:
        """A table and the rule that it has."""
        table = self.table()
        return table, self.post(f"/api/apps/shop/datatables/{table}/rules", name="all")["id"]

    def team(self, member: str | None = None) -> str:
        slug = self.post("/api/teams", slug=self.name())["slug"]
        if member is not None:
            self.post(f"/api/teams/{slug}/members", user=member)
        return slug

    def numbered(self) -> int:
        """The number of the data source that the tables are in."""
        found = self.send("GET", "/api/data_sources")
        return next(one["id"] for one in found if (one["app"], one["slug"]) == ("shop", "main"))

    def foreign(self) -> int:
        """The number of a data source that is no app's."""
        return self.post("/api/data_sources", name=self.name(), type="results")["id"]

    def query(self, *, max_age: int = -1) -> str:
        """A query that has a result: that of any other of these, or of a run of its own where it is to be new."""
        wanted = {"query": 'SELECT id, name FROM "products" LIMIT 5', "data_source_id": self.numbered()}
        made = str(self.post("/api/queries", **wanted, name=self.name())["id"])
        asked = self.post(f"/api/queries/{made}/results", max_age=max_age)
        self.result: int = (
            asked["query_result"]["id"] if "job" not in asked else self.ended(asked["job"]["id"])
        )
        return made

    def dashboard(self) -> str:
        """One with a visualization on it, which is shared."""
        query = self.send("GET", f"/api/queries/{self.query()}")
        made = str(self.post("/api/dashboards", name=self.name())["id"])
        self.shown: int = query["visualizations"][0]["id"]
        self.widget: int = self.post(
            "/api/widgets", dashboard_id=int(made), visualization_id=self.shown, text=""
        )["id"]
        self.token: str = self.post(f"/api/dashboards/{made}/share")["api_key"]
        return made

    def ended(self, job: str) -> int:
        self.job = job
        while (found := self.send("GET", f"/api/jobs/{job}")["job"])["status"] < 3:
            time.sleep(0.05)
        return found["query_result_id"]

    def alert(self) -> int:
        """An alert with a subscription."""
        watched = {"column": "id", "op": ">", "value": 0}
        made = self.post("/api/alerts", name=self.name(), query_id=int(self.query()), options=watched)["id"]
        self.subscription = self.post(f"/api/alerts/{made}/subscriptions")["id"]
        return made

    def destination(self) -> int:
        options = {"url": "http://127.0.0.1:1/hook"}
        return self.post("/api/destinations", name=self.name(), type="webhook", options=options)["id"]

    def link(self) -> str:
        """The name of a file, for which `token` is good."""
        found = self.post("/api/v1/sql-query", sql="SELECT 1 AS one")["presigned_urls"][0]
        name, _, self.token = found.rpartition("/")[2].partition("?token=")
        return name

    def snippet(self) -> str:
        wanted = {"trigger": self.name(), "description": "", "snippet": "x"}
        return str(self.post("/api/query_snippets", **wanted)["id"])

    def group(self, member: str | None = None) -> int:
        number = self.post("/api/groups", name=self.name())["id"]
        if member is not None:
            self.post(f"/api/groups/{number}/members", user_id=self.user_id(member))
        return number

    def user_id(self, name: str | None = None) -> int:
        return self.send("GET", f"/api/users/{name or self.user()}")["id"]

    def invited(self) -> dict[str, Any]:
        """A user who has not come yet, with the link by which they do."""
        name = self.name()
        wanted = {"name": name, "email": f"{name}@example.org"}
        return self.send("POST", "/api/users?no_invite=1", json=wanted)

    def invitation(self) -> str:
        return self.invited()["invite_link"].rpartition("/")[2]

    def reset(self) -> str:
        return self.post(f"/api/users/{self.user()}/reset_password")["reset_link"].rpartition("/")[2]

    def confirmation(self) -> str:
        """The end of the link in a letter, which comes from the worker beside the server."""
        address = f"{self.name()}@example.org"
        self.send("PATCH", f"/api/users/{self.user()}", json={"email": address})
        while not (found := [letter for to, letter in self.letters.got if to == [address]]):
            time.sleep(0.05)
        (text,) = (part.get_content() for part in found[0].walk() if part.get_content_type() == "text/plain")
        return next(one for one in text.split() if "/verify/" in one).rpartition("/")[2]

    def login(self) -> dict[str, Any]:
        """Tokens of a login of a user who is nobody else."""
        return self.post("/api/auth/jwt/token", username=self.user(), password="long enough for anybody")


@pytest.fixture(scope="module")
def post() -> Iterator[Post]:
    with mail_server() as made:
        yield made


@pytest.fixture(scope="module")
def server(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, post: Post
) -> Iterator[RunningServer]:
    """One that sends mail."""
    mail = {f"PENSTOCK_{name.upper()}": str(value) for name, value in mailing(post).items()}
    with (
        databases.clone() as cloned,
        running_server(tmp_path_factory.mktemp("server"), {**cloned.environment, **mail}) as started,
    ):
        yield started


@pytest.fixture(scope="module")
def world(server: RunningServer, post: Post) -> Iterator[World]:
    made = World(server.url, server.key, post)
    yield made
    made.client.close()
    made.session.close()


# What stands in a path, by operation where it may be used up by the request.
USED_UP: Mapping[str, Callable[[World], dict[str, Any]]] = {
    "readQuarantine": lambda world: {"number": world.quarantine()},
    "showInvitation": lambda world: {"token": world.invitation()},
    "acceptInvitation": lambda world: {"token": world.invitation()},
    "showReset": lambda world: {"token": world.reset()},
    "resetPassword": lambda world: {"token": world.reset()},
    "verifyAddress": lambda world: {"token": world.confirmation()},
    "inviteUser": lambda world: {"user": world.invited()["id"]},
    "changeDataSource": lambda world: {"source": world.foreign()},
    "deleteDataSource": lambda world: {"source": world.foreign()},
    "testDataSource": lambda world: {"source": world.foreign()},
    "pauseDataSource": lambda world: {"source": world.foreign()},
    "resumeDataSource": lambda world: {"source": world.foreign()},
    "deleteQuarantine": lambda world: {"number": world.quarantine()},
    "deleteApp": lambda world: {"app": world.app()},
    "replaceApp": lambda world: {"app": world.app()},
    "updateApp": lambda world: {"app": world.app()},
    "restoreApp": lambda world: {"app": world.app(deleted=True)},
    "takeAppAccess": lambda world: {"app": world.app()},
    "takeSourceAccess": lambda world: {"source": world.source()},
    "takeTableAccess": lambda world: {"table": world.table()},
    "createRule": lambda world: {"table": world.table()},
    "giveAppAccess": lambda world: {"app": world.app()},
    "deleteSource": lambda world: {"source": world.source()},
    "replaceSource": lambda world: {"source": world.source()},
    "updateSource": lambda world: {"source": world.source()},
    "deleteTable": lambda world: {"table": world.table()},
    "deleteTableOfSource": lambda world: {"table": world.table()},
    "materializeTable": lambda world: {"table": world.table()},
    "replaceTable": lambda world: {"table": world.table()},
    "updateTable": lambda world: {"table": world.table()},
    "readChanges": lambda world: {"table": world.table()},
    "replaceTableOfSource": lambda world: {"table": world.table()},
    "updateTableOfSource": lambda world: {"table": world.table()},
    "rollBackTable": lambda world: {"table": world.altered()},
    "rollBackTableOfSource": lambda world: {"table": world.altered()},
}


def places(world: World, operation: Any, name: str) -> dict[str, Any]:
    """Real values for the parameters of a path."""
    path: str = operation.path
    table = path.split("/")[5] if path.startswith("/api/apps/shop/datatables/") else "products"
    found: dict[str, Any] = {"app": "shop", "source": "main", "table": "products", "org": "main", "number": 1}
    if "{user}" in path:
        found["user"] = world.user()
    if "{key}" in path:
        found["key"] = world.record(table) if "/data/" in path else world.api_key()
    if "{team}" in path:
        found["team"] = world.team(found.get("user"))
    if "{rule}" in path:
        found["table"], found["rule"] = world.ruled()
    if "{webhook}" in path:
        found["webhook"] = world.webhook()
    if "{delivery}" in path:
        found["delivery"] = world.delivery(found["webhook"])
    if "{credential}" in path:
        found["credential"] = world.credential()
    if "/edges" in path:
        found["table"] = "parts"
    if "/data_sources/" in path:
        found["source"] = world.numbered()
    if name == "readLinkedFile":
        found["file"] = world.link()
    elif "{query_id}" in path or "{file}" in path or "{job}" in path:
        found["query_id"] = world.query(max_age=0 if "{query_id}/jobs/" in path else -1)
        found["job"] = world.job
        found["file"] = "results.csv" if name == "downloadResults" else f"{world.result}.parquet"
        found |= {"linked": found["query_id"], "version": 1, "access_type": "modify"}
    if "{alert}" in path:
        found |= {"alert": world.alert(), "subscription": world.subscription}
    if "{destination}" in path:
        found["destination"] = world.destination()
    if "{group}" in path:
        found["group"] = world.group(found.get("user"))
        if name in ("removeGroupSource", "changeGroupSource"):
            world.post(f"/api/groups/{found['group']}/data_sources", data_source_id=found["source"])
    if "{snippet}" in path:
        found["snippet"] = world.snippet()
    if any(part in path for part in ("{dashboard}", "{visualization}", "{widget}", "{token}")):
        found["dashboard"] = world.dashboard()
        found |= {"visualization": f"{world.shown}", "widget": world.widget, "token": world.token}
        found["access_type"] = "modify"
    if "{edge}" in path:
        found["edge"] = world.edge()
    found |= USED_UP[name](world) if name in USED_UP else {}
    return {one.name: found[one.name] for one in operation.path_parameters}


# The one request that must work, where the example of the document, or no body, is not it.
BODIES: Mapping[str, Callable[[World], Any]] = {
    "login": lambda world: {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD},
    "obtainTokens": lambda world: {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD},
    "obtainCloudTokens": lambda world: {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD},
    "refreshTokens": lambda world: {"refresh": world.login()["refresh"]},
    "refreshCloudTokens": lambda world: {"refresh": world.login()["refresh"]},
    "blacklistToken": lambda world: {"refresh": world.login()["refresh"]},
    "changePassword": lambda world: {
        "current_password": "long enough for anybody",
        "new_password": "another that is long enough",
    },
    "switchOrg": lambda world: {"org": "main"},
    "addMember": lambda world: {"user": outsider(world)},
    "giveAppAccess": lambda world: {"user": world.user(), "role": "operator"},
    "giveSourceAccess": lambda world: {"user": world.user(), "role": "operator"},
    "giveTableAccess": lambda world: {"team": world.team(), "role": "operator"},
    "createRule": lambda world: {"name": world.name()},
    "createTeam": lambda world: {"slug": world.name()},
    "addTeamMember": lambda world: {"user": world.user()},
    "createTable": lambda world: {"name": world.name(), "json_schema": SIMPLE},
    "createAlert": lambda world: {
        "name": world.name(),
        "query_id": int(world.query()),
        "options": {"column": "id", "op": ">", "value": 0},
    },
    "subscribeToAlert": lambda world: {"destination_id": world.destination()},
    "createDestination": lambda world: {
        "name": world.name(),
        "type": "webhook",
        "options": {"url": "http://127.0.0.1:1/hook"},
    },
    "updateDestination": lambda world: {"name": world.name()},
    "runSql": lambda world: {"query": "SELECT 1 AS one", "data_source_id": world.numbered()},
    "giveQueryRight": lambda world: {"user_id": world.user_id(), "access_type": "modify"},
    "takeQueryRight": lambda world: {"user_id": world.user_id(), "access_type": "view"},
    "giveDashboardRight": lambda world: {"user_id": world.user_id(), "access_type": "modify"},
    "takeDashboardRight": lambda world: {"user_id": world.user_id(), "access_type": "view"},
    "addGroupMember": lambda world: {"user_id": world.user_id()},
    "addGroupSource": lambda world: {"data_source_id": world.numbered()},
    "createSnippet": lambda world: {"trigger": world.name(), "description": "", "snippet": "x"},
    "createDataSource": lambda world: {"name": world.name(), "type": "results"},
    "changeDataSource": lambda world: {"name": world.name()},
    "rollBackTable": lambda world: {"revision_id": world.newest},
    "rollBackTableOfSource": lambda world: {"revision_id": world.newest},
    "createRecords": lambda world: {"name": "Chair"},
    "upsertRecords": lambda world: [
        {"id": world.record("products"), "name": "Table"},
        {"id": 9000, "name": "New"},
    ],
    "importRecords": lambda world: b"name\nChair\n",
    "updateRecords": lambda world: [{"id": world.record("products"), "price": 3}],
    "updateRecord": lambda world: {"price": 4},
    "createThings": lambda world: {
        "code": f"XYZ-{next(world.numbers):04d}",
        "short": "987654321",
        "stock": 7,
    },
    "upsertThings": lambda world: {"id": 9001, "code": "NEW-0001", "short": "987654321", "stock": 7},
    "updateParts": lambda world: [{"id": world.record("parts"), "price": 3}],
    "updateThings": lambda world: [{"id": world.record("things"), "stock": 8}],
    "updateReviews": lambda world: [{"id": world.record("reviews"), "price": 3}],
    "createEdges": lambda world: [new_edge(world)],
    "createPartsEdges": lambda world: new_edge(world),
    "updateEdge": lambda world: {"to": world.record("parts")},
    "updatePartsEdge": lambda world: {"to": world.record("parts"), "metadata": {"n": 1}},
    "deleteEdges": lambda world: {"edge_ids": [world.edge()]},
    "deletePartsEdges": lambda world: {"edge_ids": [world.edge()]},
    "updatePair": lambda world: [{"a": 1, "b": "x", "note": "seen"}],
    "createVisualization": lambda world: {"query_id": int(world.query()), "type": "TABLE", "name": "T"},
    "createWidget": lambda world: {"dashboard_id": int(world.dashboard()), "visualization_id": world.shown},
    "createPair": lambda world: {"a": 77, "b": "z"},
}
# Bodies that are files.
FILES: Mapping[str, str] = {"importRecords": "text/csv"}
QUERIES: Mapping[str, Callable[[World], dict[str, Any]]] = {
    "takeAppAccess": lambda world: {"org": "true"},
    "takeSourceAccess": lambda world: {"org": "true"},
    "takeTableAccess": lambda world: {"org": "true"},
    "exportAuditEntries": lambda world: {"format": "csv"},
    "exportRecords": lambda world: {"format": "csv"},
    "readLinkedFile": lambda world: {"token": world.token},
    "deleteRecords": lambda world: {"ids": str(world.record("products"))},
    "deleteThings": lambda world: {"ids": str(world.record("things"))},
    "deleteParts": lambda world: {"ids": str(world.record("parts"))},
    "deleteProducts": lambda world: {"ids": str(world.record("products"))},
    "deletePair": lambda world: {"filter": '{"a": 4}'},
    "deleteReviews": lambda world: {"ids": str(world.record("reviews"))},
    "findEdgePath": lambda world: {"from": world.record("parts"), "to": world.record("parts")},
    "findPartsEdgePath": lambda world: {"from": world.record("parts"), "to": world.record("parts")},
}
# These are for a person who signed in, not for a key.
SIGNED_IN = ("readSession", "logout", "changePassword", "switchOrg")


def new_edge(world: World) -> dict[str, Any]:
    return {"from": world.record("parts"), "to": world.record("parts"), "type": "spare"}


def outsider(world: World) -> str:
    """A user who belongs to another org alone."""
    name = world.user()
    world.send("DELETE", f"/api/orgs/main/members/{name}")
    world.client.patch(f"/api/users/{name}", json={"is_active": True})
    return name


def documents(world: World) -> dict[str, Any]:
    return {
        "server": schemathesis.openapi.from_dict(world.send("GET", "/openapi.json")),
        "app": schemathesis.openapi.from_dict(
            world.send("GET", "/api/apps/shop/openapi.json?tables=products,parts,things,pair,reviews")
        ),
    }


def operations(schema: Any) -> Iterator[tuple[str, Any]]:
    for result in schema.get_all_operations():
        operation = result.ok()
        yield operation.definition.raw["operationId"], operation


@pytest.mark.parametrize("which", ["server", "app"])
def test_every_operation_works(world: World, which: str) -> None:
    failed: list[str] = []
    answered: Counter[int] = Counter()
    for name, operation in operations(documents(world)[which]):
        case = operation.Case(
            path_parameters=places(world, operation, name),
            query=QUERIES[name](world) if name in QUERIES else {},
            headers={"Authorization": f"Key {world.key}"},
        )
        if name in ("takeAppAccess", "takeSourceAccess", "takeTableAccess"):
            shared = operation.path.format(**case.path_parameters)
            world.post(shared, org=True, role="operator")
        if name in SIGNED_IN:
            case.headers["Authorization"] = f"Bearer {world.login()['access']}"
        body = body_of(world, name, operation)
        if body is not None:
            case.body, case.media_type = body, FILES.get(name, "application/json")
        if name == "exchangeKey":
            case.headers["Authorization"] = f"Basic {world.key}"
        answer = case.call(base_url=world.url, session=world.session)
        if not 200 <= answer.status_code < 300:
            failed.append(f"{name}: {answer.status_code} {answer.text[:300]}")
            continue
        answered[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)
    print(f"{which}: {answered.total()} operations answered {dict(sorted(answered.items()))}")
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("which", ["server", "app"])
def test_groups_fit_the_document(world: World, which: str) -> None:
    """The examples of aggregates, which no request above combines."""
    tried = 0
    for name, operation in operations(documents(world)[which]):
        listed = operation.definition.raw.get("parameters", ())
        given = {one["name"]: one.get("schema", {}) for one in listed if one.get("in") == "query"}
        if "_aggregate" not in given or which == "server":
            # What the general document shows is of a table that is not there.
            queries = [{"_aggregate": "count(*)", "_group_by": "name"}] if "_aggregate" in given else []
        else:
            everything = {"_aggregate": ",".join(given["_aggregate"]["examples"])}
            by = [{"_group_by": one} for one in given["_group_by"]["examples"]]
            queries = [everything | one | {"_having": "count > 0"} for one in ({}, *by)]
        for query in queries:
            case = operation.Case(
                path_parameters=places(world, operation, name),
                query=query,
                headers={"Authorization": f"Key {world.key}"},
            )
            answer = case.call(base_url=world.url, session=world.session)
            assert answer.status_code == 200, (query, answer.text)
            case.validate_response(answer, checks=CHECKS)
            tried += 1
    assert tried >= (1 if which == "server" else 6)


def test_related_records_fit_the_document(world: World) -> None:
    product = world.record("products")
    world.send("POST", "/api/apps/shop/datatables/reviews/data", json={"name": "R", "product_id": product})
    tried: set[str] = set()
    for name, operation in operations(documents(world)["app"]):
        given = {one.name: one.definition.get("schema", {}) for one in operation.query}
        if "populate" not in given:
            continue
        for token in given["populate"]["items"]["enum"]:
            case = operation.Case(
                path_parameters=places(world, operation, name),
                query={"populate": token},
                headers={"Authorization": f"Key {world.key}"},
            )
            answer = case.call(base_url=world.url, session=world.session)
            assert answer.status_code == 200, (token, answer.text)
            case.validate_response(answer, checks=CHECKS)
            tried.add(f"{name} {token}")
    assert tried == {
        *(
            "listReviews product_id",
            "listReviews product",
            "listReviews *",
            "listProducts *",
            "listProducts reviews",
        ),
        *("readReviewsRecord product_id", "readReviewsRecord product", "readReviewsRecord *"),
        *("readProductsRecord *", "readProductsRecord reviews"),
    }


@schemathesis.serializer("text/csv", "application/x-ndjson", "application/vnd.apache.parquet")
def sent_as_it_is(_: Any, value: Any) -> bytes:
    data = getattr(value, "data", value)
    return data if isinstance(data, bytes) else str(data).encode()


def body_of(world: World, name: str, operation: Any) -> Any:
    if name in BODIES:
        return BODIES[name](world)
    raw = operation.definition.raw.get("requestBody")
    if raw is None:
        return None
    shown: Any = next(iter(raw["content"]["application/json"]["examples"].values()))["value"]
    if isinstance(shown, dict):
        # What an example names may be taken by now.
        for key in ("slug", "username", "email"):
            if key in shown:
                shown = {**shown, key: f"{world.name()}@example.org" if key == "email" else world.name()}
    return shown


@pytest.mark.parametrize("which", ["server", "app"])
def test_whatever_is_sent(world: World, which: str, record_property: Callable[[str, object], None]) -> None:
    sent: Counter[str] = Counter()
    statuses: Counter[int] = Counter()
    failures: dict[str, str] = {}
    for name, operation in operations(documents(world)[which]):
        for mode, cases in zip((GenerationMode.POSITIVE, GenerationMode.NEGATIVE), CASES[which], strict=True):
            attack(world, name, operation, mode, cases, sent, statuses, failures)
    record_property("cases", sent.total())
    print(f"{which}: {sent.total()} cases on {len(sent)} operations, {dict(sorted(statuses.items()))}")
    assert not failures, "\n\n".join(failures.values())
    assert sent.total() >= LEAST[which]


def attack(
    world: World,
    name: str,
    operation: Any,
    mode: GenerationMode,
    cases: int,
    sent: Counter[str],
    statuses: Counter[int],
    failures: dict[str, str],
) -> None:
    """Requests for one operation, always the same ones; what they find wrong goes to `failures`."""

    # Looking uses nothing up.
    looked_at = places(world, operation, name) if operation.method.lower() == "get" else None

    @hypothesis.seed(20250301)
    @hypothesis.settings(
        max_examples=cases,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Any) -> None:
        sent[name] += 1
        # A request that may use something up is always given something to use up.
        uses_up = case.method == "DELETE" or name in STOPPING
        if operation.path_parameters and (mode is GenerationMode.POSITIVE or uses_up):
            case.path_parameters = looked_at or places(world, operation, name)
        case.headers["Authorization"] = f"Key {world.key}"
        answer = case.call(base_url=world.url, session=world.session, allow_redirects=False)
        statuses[answer.status_code] += 1
        if answer.status_code == 414:
            # The address is longer than the web server reads; ours never hears of it.
            return
        case.validate_response(answer, checks=CHECKS)

    try:
        one()
    except hypothesis.errors.Unsatisfiable:
        # An operation without parameters has nothing that could be wrong.
        assert mode is GenerationMode.NEGATIVE
    except BaseException as error:  # schemathesis raises groups of failures
        failures[f"{name} {mode}"] = f"{name} {mode}: {describe(error)}"


def describe(error: BaseException) -> str:
    parts = [str(error)]
    for one in getattr(error, "exceptions", ()):
        parts.append(describe(one))
    return "\n".join(parts)[:3000]
