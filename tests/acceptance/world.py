"""A server with one of everything that its operations are about, and how to make more of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx2
import requests

from tests.notifications.destinations.conftest import Post
from tests.server.test_openapi import EVERYTHING, PAIR

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

    def new_edge(self) -> dict[str, Any]:
        return {"from": self.record("parts"), "to": self.record("parts"), "type": "spare"}

    def outsider(self) -> str:
        """A user who belongs to another org alone."""
        name = self.user()
        self.send("DELETE", f"/api/orgs/main/members/{name}")
        self.client.patch(f"/api/users/{name}", json={"is_active": True})
        return name
