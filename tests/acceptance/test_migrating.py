"""`redash-migrate` of redash-toolbelt as it is, from one Penstock to another, command by command."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import RunningServer, running_server
from tests.databases import ADMIN_EMAIL, ADMIN_KEY, Databases

# What the console script of the package calls, in an environment of its own; `init` is told by its standard input.
SCRIPT = """
import io, json, os, sys, traceback
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import entry_points
(script,) = entry_points(group="console_scripts", name="redash-migrate")
main = script.load()
said = {}
for command in sys.argv[1:]:
    out = io.StringIO()
    sys.stdin = io.StringIO(os.environ["ANSWERS"])
    with redirect_stdout(out), redirect_stderr(out):
        main([command], standalone_mode=False)
    said[command] = out.getvalue()
    if command == "init":
        meta = json.load(open("meta.json"))
        # The data source of an app is none that could be made there: it is told by hand, as the manual says.
        meta["data_sources"] = {os.environ["FROM_SOURCE"]: int(os.environ["TO_SOURCE"])}
        json.dump(meta, open("meta.json", "w"))
print(json.dumps(said))
"""
RUN = ("uv", "run", "--isolated", "--no-project", "--quiet", "--with", "redash-toolbelt==0.1.9", "script.py")
COMMANDS = (
    "init", "data-sources", "check-data-sources", "users", "groups", "destinations", "queries", "visualizations",
    "dashboards", "alerts", "favorites", "disable-users", "fix-qrds-refs",
)  # fmt: skip


@dataclass
class Side:
    """One of the two servers, as its owner sees it."""

    server: RunningServer
    client: httpx2.Client

    def post(self, path: str, **body: Any) -> Any:
        return self.send("POST", path, json=body)

    def get(self, path: str, **params: Any) -> Any:
        return self.send("GET", path, params=params)

    def send(self, method: str, path: str, **options: Any) -> Any:
        answer = self.client.request(method, path, **options)
        assert answer.status_code < 300, (method, path, answer.text)
        return answer.json() if answer.content else None

    def of(self, user: dict[str, Any]) -> Side:
        headers = {"Authorization": f"Key {user['api_key']}"}
        return Side(self.server, httpx2.Client(base_url=self.server.url, headers=headers, timeout=60))


@pytest.fixture(scope="module")
def sides(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Side, Side]]:
    with ExitStack() as stack:
        made: list[Side] = []
        for name in ("origin", "destination"):
            cloned = stack.enter_context(databases.clone())
            server = stack.enter_context(running_server(tmp_path_factory.mktemp(name), cloned.environment))
            headers = {"Authorization": f"Key {ADMIN_KEY}"}
            client = stack.enter_context(httpx2.Client(base_url=server.url, headers=headers, timeout=60))
            side = Side(server, client)
            side.post("/api/apps", name="Data")
            side.post("/api/apps/data/datasources", name="Main")
            fields = [{"name": "id", "type": "integer"}, {"name": "n", "type": "integer"}]
            schema = {"fields": fields, "primaryKey": "id"}
            side.post("/api/apps/data/datasources/main/datatables", name="items", json_schema=schema)
            # The tool asks for everybody's key, the admin's included.
            side.post("/api/users/1/regenerate_api_key")
            made.append(side)
        yield made[0], made[1]


def seed(origin: Side) -> dict[str, Any]:
    """Something of everything that is moved."""
    (app,) = origin.get("/api/data_sources")
    options = {"host": "db.example.com", "database": "d", "user": "u", "password": "secret"}
    foreign = origin.post("/api/data_sources", name="Warehouse", type="postgresql", options=options)
    results = origin.post("/api/data_sources", name="Results", type="results", options={})
    people = {
        name: origin.send(
            "POST", "/api/users?no_invite=1", json={"name": name, "email": f"{name}@example.org"}
        )
        for name in ("ada", "bob", "gone")
    }
    origin.post(f"/api/users/{people['gone']['id']}/disable")
    origin.post("/api/groups/1/members", user_id=people["bob"]["id"])
    group = origin.post("/api/groups", name="Sales")["id"]
    origin.post(f"/api/groups/{group}/members", user_id=people["ada"]["id"])
    origin.post(f"/api/groups/{group}/data_sources", data_source_id=foreign["id"])
    origin.post(f"/api/groups/{group}/data_sources/{foreign['id']}", view_only=True)
    hook = origin.post(
        "/api/destinations", name="Hook", type="slack", options={"url": "https://example.com/h"}
    )
    ada = origin.of(people["ada"])
    # Numbers that differ on the two sides.
    for number in range(3):
        gone = ada.post("/api/queries", name=f"x{number}", query="SELECT 1", data_source_id=app["id"])["id"]
        ada.send("DELETE", f"/api/queries/{gone}")
    schedule = {"interval": 86400, "time": "03:00", "day_of_week": None, "until": None}
    defined = [{"name": "least", "title": "Least", "type": "number", "value": 1}]
    query = ada.post(
        "/api/queries", name="Items", query="SELECT n FROM items WHERE n > {{ least }}", data_source_id=app["id"],
        description="All", tags=["t"], options={"parameters": defined}, schedule=schedule,
    )  # fmt: skip
    ada.post(f"/api/queries/{query['id']}", is_draft=False)
    ada.post(
        "/api/queries",
        name="Through",
        query=f"SELECT * FROM query_{query['id']}",
        data_source_id=results["id"],
    )
    by_query = [{"name": "n", "title": "N", "type": "query", "queryId": query["id"], "value": None}]
    ada.post(
        "/api/queries", name="Chosen", query="SELECT {{ n }} AS n", data_source_id=app["id"],
        options={"parameters": by_query},
    )  # fmt: skip
    chart = ada.post(
        "/api/visualizations", query_id=query["id"], type="CHART", name="Line",
        options={"globalSeriesType": "line", "columnMapping": {"n": "y"}},
    )  # fmt: skip
    board = ada.post("/api/dashboards", name="Board")
    ada.post(f"/api/dashboards/{board['id']}", is_draft=False, tags=["shown"])
    position = {"position": {"col": 0, "row": 0, "sizeX": 3, "sizeY": 8}}
    ada.post(
        "/api/widgets", dashboard_id=board["id"], visualization_id=chart["id"], text="", options=position
    )
    ada.post("/api/widgets", dashboard_id=board["id"], visualization_id=None, text="Words", options={})
    condition = {"column": "n", "op": ">", "value": 5}
    alert = ada.post("/api/alerts", name="Many", query_id=query["id"], options=condition, rearm=60)
    ada.post(f"/api/alerts/{alert['id']}/subscriptions", destination_id=hook["id"])
    ada.post(f"/api/alerts/{alert['id']}/subscriptions")
    ada.post(f"/api/queries/{query['id']}/favorite")
    ada.post(f"/api/dashboards/{board['id']}/favorite")
    ada.client.close()
    return {"app": app["id"], "group": group}


def migrate(origin: Side, destination: Side, sources: dict[str, Any], directory: Path) -> dict[str, str]:
    """What each command said."""
    answers = (origin.server.url, ADMIN_KEY, "1", destination.server.url, ADMIN_KEY, "1", ADMIN_EMAIL, "")
    (directory / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [*RUN, *COMMANDS],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=directory,
        env={
            **os.environ,
            "TERM": "dumb",
            "ANSWERS": "\n".join(answers),
            "FROM_SOURCE": str(sources["from"]),
            "TO_SOURCE": str(sources["to"]),
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_everything_is_moved(sides: tuple[Side, Side], tmp_path: Path) -> None:
    origin, destination = sides
    seeded = seed(origin)
    (there,) = destination.get("/api/data_sources")
    said = migrate(origin, destination, {"from": seeded["app"], "to": there["id"]}, tmp_path)
    whole = json.dumps(said, indent=1)
    for command, text in said.items():
        assert "Traceback" not in text and "FAIL" not in text and "ERROR" not in text, (command, whole)
    meta = json.loads((tmp_path / "meta.json").read_text())

    sources = {one["name"]: one for one in destination.get("/api/data_sources")}
    assert sources["Warehouse"]["type"] == "postgresql"
    # What is secret is not told, so that it is entered again.
    tried = destination.post(f"/api/data_sources/{sources['Warehouse']['id']}/test")
    assert tried == {"ok": False, "message": "Its option 'password' has not been entered yet."}

    users = {one["email"]: one for one in destination.get("/api/users", page_size=100)["results"]}
    assert users["ada@example.org"]["is_invitation_pending"] and users["gone@example.org"]["is_disabled"]
    assert [one["id"] for one in users["bob@example.org"]["groups"]] == [1, 2]
    groups = {one["name"]: one["id"] for one in destination.get("/api/groups")}
    assert {one["name"] for one in users["ada@example.org"]["groups"]} == {"default", "Sales"}
    held = destination.get(f"/api/groups/{groups['Sales']}/data_sources")
    assert [(one["name"], one["view_only"]) for one in held] == [("Warehouse", True)]
    # The links of the invitations are in the file of the tool, and work.
    invited = next(one for one in meta["users"].values() if one["email"] == "ada@example.org")
    accepted = httpx2.post(invited["invite_link"], json={"password": "a password of ada"}, timeout=30)
    assert accepted.status_code == 200 and accepted.json()["org"] == "main"

    queries = {one["name"]: one for one in destination.get("/api/queries", page_size=100)["results"]}
    assert set(queries) == {"Items", "Through", "Chosen"}
    items = queries["Items"]
    assert (items["user"]["email"], items["is_draft"], items["tags"]) == ("ada@example.org", False, ["t"])
    assert items["schedule"]["time"] == "03:00" and items["description"] == "All"
    assert queries["Through"]["query"] == f"SELECT * FROM query_{items['id']}"
    assert queries["Chosen"]["options"]["parameters"][0]["queryId"] == items["id"]
    whole_query = destination.get(f"/api/queries/{items['id']}")
    assert [one["name"] for one in whole_query["visualizations"]] == ["Table", "Line"]

    (board,) = destination.get("/api/dashboards")["results"]
    shown = destination.get(f"/api/dashboards/{board['id']}")
    assert (shown["user"]["email"], shown["tags"], shown["is_draft"]) == ("ada@example.org", ["shown"], False)
    chart, words = sorted(shown["widgets"], key=lambda one: one["text"])
    assert chart["visualization"]["name"] == "Line" and chart["options"]["position"]["sizeX"] == 3
    assert words["text"] == "Words"

    (alert,) = destination.get("/api/alerts")
    assert (alert["name"], alert["rearm"], alert["options"]["value"]) == ("Many", 60, 5)
    told = destination.get(f"/api/alerts/{alert['id']}/subscriptions")
    assert sorted(
        one["destination"]["name"] if "destination" in one else one["user"]["email"] for one in told
    ) == [
        "Hook",
        "ada@example.org",
    ]
    ada = destination.of(destination.get(f"/api/users/{users['ada@example.org']['id']}"))
    with ada.client:
        assert [one["name"] for one in ada.get("/api/queries/favorites")["results"]] == ["Items"]
        assert [one["name"] for one in ada.get("/api/dashboards/favorites")["results"]] == ["Board"]
