"""Seed 003: its calls, by the two published clients as they are, in an environment of their own."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import RunningServer, running_server
from tests.databases import ADMIN_KEY, Databases

FIELDS = [{"name": "id", "type": "integer"}, {"name": "n", "type": "number"}, {"name": "day", "type": "date"}]
# The seed's own example, without the brace that is one too many.
PARAMETERS = {
    "parameters": {
        "number_param": 100,
        "date_param": "2020-01-01",
        "date_range_param": {"start": "2020-01-01", "end": "2020-12-31"},
    },
    "max_age": 1800,
}
DEFINED = [
    {"name": "number_param", "title": "Number", "type": "number", "value": 1},
    {"name": "date_param", "title": "Date", "type": "date", "value": "2020-01-01"},
    {"name": "date_range_param", "title": "Range", "type": "date-range", "value": "d_this_year"},
]
ASKED = """SELECT count(*) AS n FROM items WHERE n < {{ number_param }} AND day >= {{ date_param }}
AND day BETWEEN {{ date_range_param.start }} AND {{ date_range_param.end }}"""

TONALYTICA = """
import json, sys
from tonalytica_client import TonalyticaAPIClient
url, key, source = sys.argv[1], sys.argv[2], int(sys.argv[3])
api = TonalyticaAPIClient(key, url)
said = {}
made = api.create_query(source, "From the client", "SELECT count(*) AS n FROM items", "described")
said["made"] = made.get("name") if isinstance(made, dict) else made.json()["name"]
page = api.queries()
said["page"] = sorted(page)
query_id = page["results"][0]["id"]
said["query"] = api.get_query(query_id)["query"]
said["rows"] = api.query_and_wait_result(source, "SELECT count(*) AS n FROM items", 60)
said["duplicate"] = api.duplicate_query(query_id, "A copy")
said["refreshed"] = api.refresh_query(query_id)
said["sources"] = api.get_data_sources()
said["source"] = api.get_data_source(source)
said["users"] = api.users()
said["updated"] = api.update_query(query_id, {"name": "Renamed"})
said["favorite"] = api.create_favorite("query", query_id)
alert = api.create_alert("Many", {"column": "n", "op": ">", "value": 100}, query_id)
alert = alert if isinstance(alert, dict) else alert.json()
said["alert"] = api.get_alert(alert["id"])
said["alert_updated"] = api.update_alert(alert["id"], name="Very many")
said["alerts"] = api.alerts()
api.update_query(query_id, {"schedule": {"interval": 86400, "time": "03:00", "day_of_week": None, "until": None}})
said["scheduled"] = list(api.scheduled_queries())
said["favorites"] = [one["id"] for one in api.queries(only_favorites=True)["results"]] == [query_id]
by_key = TonalyticaAPIClient(api.get_query(query_id)["api_key"], url)
said["by_key"] = by_key.get_query(query_id)["name"]
board = api.create_dashboard("Client board")
said["board"] = board
made_id = [one["id"] for one in api.dashboards()["results"] if one["name"] == "Client board"][0]
shown = api.create_visualization(query_id, "line", "Line", x_axis="day", y_axis=[{"name": "n"}])
said["grid"] = api.create_visualization(query_id, "table", "Grid", columns=[{"name": "n", "type": "integer"}])
said["pivot"] = api.create_visualization(query_id, "pivot", "Pivot", custom_options={"rows": ["n"]})
said["shown"] = shown
said["unscheduled"] = api.update_query(query_id, {"schedule": None})
def plain(value):
    return value.json() if hasattr(value, "json") else value
said["text"] = api.add_widget(made_id, "A text", None)
said["chart"] = api.add_widget(made_id, "", plain(shown)["id"])
said["renamed"] = api.update_visualization(plain(shown)["id"], {"name": "Renamed"})
said["board_by_id"] = api.get_dashboard(made_id)
said["board_by_slug"] = api.dashboard("client-board")
said["nothing"] = api.update_dashboard(made_id, {"name": "lost"})
said["published"] = api.publish_dashboard(made_id)
said["board_favorite"] = api.create_favorite("dashboard", made_id)
said["board_favorites"] = [one["name"] for one in api.dashboards(only_favorites=True)["results"]]
print(json.dumps({name: plain(value) for name, value in said.items()}, default=str))
"""
TOOLBELT = """
import json, sys
from redash_toolbelt import Redash
url, key, source = sys.argv[1], sys.argv[2], int(sys.argv[3])
api = Redash(url, key)
said = {"works": api.test_credentials()}
made = api.create_query({"name": "Toolbelt", "query": "SELECT 1 AS one", "data_source_id": source,
                         "description": "", "options": {}}).json()
said["names"] = [one["name"] for one in api.paginate(api.queries)]
said["query"] = api.get_query(made["id"])["query"]
said["copy"] = api.duplicate_query(made["id"], "Copied")["name"]
board = api.create_dashboard("Belt board")
api.create_widget(board["id"], api.get_query(made["id"])["visualizations"][0]["id"], "", {"position": {"col": 0}})
api.create_widget(board["id"], None, "A text", {})
said["tagged"] = api.update_dashboard(board["id"], {"tags": ["x"], "is_draft": False})["tags"]
copy = api.duplicate_dashboard(board["slug"])
said["board_copy"] = [copy["name"], len(api.dashboard(copy["slug"])["widgets"]), api.get_dashboard(copy["id"])["tags"]]
api.create_favorite("dashboard", copy["id"])
said["board_starred"] = [one["name"] for one in api.dashboards(only_favorites=True)["results"]]
said["boards"] = [one["name"] for one in api.paginate(api.dashboards)]
said["updated"] = api.update_query(made["id"], {"name": "Renamed"}).json()["name"]
said["sources"] = [one["id"] for one in api.get_data_sources()]
said["scheduled"] = made["id"] in [one["id"] for one in api.scheduled_queries()]
user = api._post("api/users?no_invite=1", json={"name": "Ada Lovelace", "email": "ada@example.org"}).json()
said["user"] = [user["name"], api._get(f"api/users/{user['id']}").json()["api_key"] == user["api_key"]]
api.disable_user(user["id"])
said["disabled"] = [one["email"] for one in api.paginate(api.users, only_disabled=True)]
said["enabled"] = len(api.paginate(api.users))
said["groups"] = [(one["id"], one["type"]) for one in api._get("api/groups").json()]
said["members"] = user["id"] in [one["id"] for one in api._get("api/groups/2/members").json()]
api._post(f"api/queries/{made['id']}/favorite", json={})
said["starred"] = made["id"] in [one["id"] for one in api.paginate(api.queries, only_favorites=True)]
key = api.get_query(made["id"])["api_key"]
said["by_key"] = Redash(url, key).test_credentials() and Redash(url, key).get_query(made["id"])["name"]
alert = api.create_alert("Toolbelt", {"column": "one", "op": "greater than", "value": 0}, made["id"])
said["rearm"] = api.update_alert(alert["id"], rearm=60).json()["rearm"]
said["alert"] = api.get_alert(alert["id"])["query"]["name"]
said["alerts"] = [one["name"] for one in api.alerts()]
# As redash-migrate does with destinations, whose secrets it cannot read.
types = [one["type"] for one in api._get("api/destinations/types").json()]
options = {"url": "--------"}
place = api._post("api/destinations", json={"name": "Copied", "type": "slack", "options": options}).json()
kept = api._get(f"api/destinations/{place['id']}").json()
told = api._post(f"api/alerts/{alert['id']}/subscriptions", json={"alert_id": 1, "destination_id": kept["id"]})
said["told"] = [types.count("slack"), told.json()["destination"]["name"]]
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def seeded(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with (
        databases.clone() as cloned,
        running_server(tmp_path_factory.mktemp("server"), cloned.environment) as started,
        opened(started) as client,
    ):
        for path, body in (
            ("/api/apps", {"name": "Data"}),
            ("/api/apps/data/datasources", {"name": "Main"}),
            (
                "/api/apps/data/datasources/main/datatables",
                {"name": "items", "json_schema": {"fields": FIELDS, "primaryKey": "id"}},
            ),
            (
                "/api/apps/data/datatables/items/data",
                [{"id": n, "n": n, "day": f"2020-{n % 12 + 1:02d}-15"} for n in range(1, 201)],
            ),
        ):
            assert client.post(path, json=body).status_code == 201
        yield started


def opened(server: RunningServer) -> httpx2.Client:
    return httpx2.Client(base_url=server.url, headers={"Authorization": f"Key {ADMIN_KEY}"}, timeout=60)


@pytest.fixture
def client(seeded: RunningServer) -> Iterator[httpx2.Client]:
    with opened(seeded) as made:
        yield made


def source_of(client: httpx2.Client) -> int:
    (source,) = client.get("/api/data_sources").json()
    return source["id"]


def ended(client: httpx2.Client, job: dict[str, Any]) -> dict[str, Any]:
    while job["status"] < 3:
        time.sleep(0.05)
        job = client.get(f"/jobs/{job['id']}").json()["job"]
    return job


def test_the_seed_by_hand(client: httpx2.Client) -> None:
    """Paths as the seed writes them, without `/api`; parameters, `max_age`, files with the key in the address."""
    body = {
        "name": "Asked",
        "query": ASKED,
        "data_source_id": source_of(client),
        "options": {"parameters": DEFINED},
    }
    query = client.post("/queries", json=body).json()
    path = f"/queries/{query['id']}"
    assert client.get("/queries").json()["count"] >= 1
    assert client.get(path).json()["is_safe"] is True
    none = client.get(f"{path}/results")
    assert none.status_code == 404
    assert none.json()["message"].lower() == "no cached result found for this query."
    job = ended(client, client.post(f"{path}/results", json=PARAMETERS).json()["job"])
    assert (job["status"], job["error"]) == (3, "")
    found = client.post(f"{path}/results", json=PARAMETERS).json()["query_result"]
    assert found["id"] == job["query_result_id"]
    assert found["data"]["rows"] == [{"n": 99}]
    # Values in the address, too; and other values are another question.
    values = {
        "p_number_param": "100",
        "p_date_param": "2020-01-01",
        "p_date_range_param": "2020-01-01--2020-12-31",
    }
    assert client.get(f"{path}/results", params=values).json()["query_result"]["id"] == found["id"]
    assert client.get(f"{path}/results", params=values | {"p_number_param": "5"}).status_code == 404
    fresh = ended(client, client.post(f"{path}/results", json={**PARAMETERS, "max_age": 0}).json()["job"])
    assert fresh["query_result_id"] != found["id"]
    missing = client.post(
        f"{path}/results", json={"parameters": {"number_param": 1, "date_param": "2020-01-01"}}
    )
    assert missing.status_code == 400 and missing.json()["job"]["error"].startswith(
        "Missing parameter value for: "
    )
    wrong = client.post(
        f"{path}/results", json={"parameters": {**PARAMETERS["parameters"], "number_param": "1 OR 1"}}
    )
    assert wrong.status_code == 400 and wrong.json()["message"].endswith("definitions: number_param")
    with httpx2.Client(base_url=client.base_url, timeout=60) as nobody:
        link = f"/query_results/{found['id']}.csv"
        assert nobody.get(link).status_code == 401
        assert nobody.get(link, params={"api_key": ADMIN_KEY}).text == "n\r\n99\r\n"
    assert client.request("DELETE", path).content == b"null\n"


def published(
    seeded: RunningServer, package: str, script: str, source: int, directory: Path
) -> dict[str, Any]:
    (directory / "script.py").write_text(script)
    command = ["uv", "run", "--isolated", "--no-project", "--quiet", *package.split(), "script.py"]
    done = subprocess.run(
        [*command, seeded.url, ADMIN_KEY, str(source)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=directory,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_tonalytica_client(seeded: RunningServer, client: httpx2.Client, tmp_path: Path) -> None:
    said = published(seeded, "--with tonalytica-client==0.1.0", TONALYTICA, source_of(client), tmp_path)
    assert said["page"] == ["count", "page", "page_size", "results"]
    assert said["made"] == "From the client" and said["query"] == "SELECT count(*) AS n FROM items"
    assert said["rows"]["query_result"]["data"]["rows"] == [{"n": 200}]
    assert said["duplicate"]["name"] == "A copy" and said["updated"]["name"] == "Renamed"
    assert said["refreshed"]["job"]["status"] in (1, 2, 3)
    assert [one["id"] for one in said["sources"]] == [said["source"]["id"]]
    assert [one["is_disabled"] for one in said["users"]["results"]] == [False]
    assert (said["alert"]["name"], said["alert"]["state"]) == ("Many", "unknown")
    assert [one["name"] for one in said["alerts"]] == ["Very many"]
    assert [one["schedule"]["time"] for one in said["scheduled"]] == ["03:00"]
    assert said["favorite"] is None and said["favorites"] is True
    assert said["by_key"] == said["updated"]["name"]
    # Dashboards: what is drawn, placed and published.
    assert said["shown"]["options"]["columnMapping"] == {"day": "x", "n": "y"}
    assert (said["grid"]["type"], said["pivot"]["type"], said["renamed"]["name"]) == (
        "TABLE",
        "PIVOT",
        "Renamed",
    )
    assert said["board_by_id"]["id"] == said["board_by_slug"]["id"] == said["board"]["id"]
    text, chart = said["board_by_id"]["widgets"]
    assert text["text"] == "A text" and "visualization" not in text
    assert chart["visualization"]["type"] == "CHART" and chart["options"]["position"]["sizeX"]
    assert said["nothing"]["name"] == "Client board"
    assert "/public/dashboards/" in said["published"] and "Client board" in said["board_favorites"]
    token = said["published"].rpartition("/")[2]
    with httpx2.Client(base_url=client.base_url, timeout=60) as anybody:
        assert anybody.get(f"/public/dashboards/{token}").status_code == 200
        assert len(anybody.get(f"/api/dashboards/public/{token}").json()["widgets"]) == 2
    assert said["unscheduled"]["schedule"] is None


def test_redash_toolbelt(seeded: RunningServer, client: httpx2.Client, tmp_path: Path) -> None:
    said = published(seeded, "--with redash-toolbelt==0.1.9", TOOLBELT, source_of(client), tmp_path)
    assert said["works"] is True and "Toolbelt" in said["names"]
    assert (said["query"], said["copy"], said["updated"]) == ("SELECT 1 AS one", "Copied", "Renamed")
    assert said["scheduled"] is False
    assert said["user"] == ["Ada Lovelace", True] and said["disabled"] == ["ada@example.org"]
    assert said["enabled"] == 1 and said["groups"][:2] == [[1, "builtin"], [2, "builtin"]]
    assert said["members"] is True
    assert said["starred"] is True and said["by_key"] == "Renamed"
    assert said["tagged"] == ["x"] and said["board_copy"] == ["Copy of: Belt board", 2, ["x"]]
    assert "Copy of: Belt board" in said["board_starred"]
    assert {"Belt board", "Copy of: Belt board"} <= set(said["boards"])
    assert (said["alert"], said["rearm"], said["told"]) == ("Renamed", 60, [1, "Copied"])
    assert "Toolbelt" in said["alerts"]
