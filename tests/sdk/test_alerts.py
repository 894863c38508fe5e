"""Alerts and destinations by the client, and alerts as files for git."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock_sdk import AppHandle, BadRequestError, Client, NotFoundError
from penstock_sdk.cli import run
from tests.conftest import RunningServer
from tests.sdk.conftest import SCHEMA

OPTIONS = {"column": "n", "op": ">", "value": 5}


@pytest.fixture(scope="module")
def query(client: Client, app: AppHandle) -> int:
    app.tables.create("main", "stock", SCHEMA, materialize=True)
    return client.queries.create("In stock", "SELECT count(*) AS n FROM stock").id


def test_alerts(client: Client, query: int) -> None:
    made = client.alerts.create("Too much", query, OPTIONS, rearm=60)
    assert (made.state, made.rearm, made.options["op"]) == ("unknown", 60, ">")
    assert [one.id for one in client.alerts.list()] == [made.id]
    assert client.alerts.update(made.id, name="Far too much").name == "Far too much"
    client.alerts.mute(made.id)
    assert client.alerts.get(made.id).options["muted"] is True
    client.alerts.unmute(made.id)
    client.queries.run_and_wait(query, max_age=0)
    client.alerts.evaluate(made.id)
    assert client.alerts.get(made.id).state == "ok"
    with pytest.raises(BadRequestError):
        client.alerts.create("Wrong", query, {"column": "n", "op": "=", "value": 1})
    place = client.destinations.create("Hook", "webhook", {"url": "https://example.org/hook"})
    told = client.alerts.subscribe(made.id, place.id)
    assert [one.id for one in client.alerts.subscriptions(made.id)] == [told.id]
    client.alerts.unsubscribe(made.id, told.id)
    assert client.destinations.update(place.id, name="Hooked").name == "Hooked"
    assert [one.name for one in client.destinations.list()] == ["Hooked"]
    assert client.destinations.get(place.id).type == "webhook"
    client.destinations.delete(place.id)
    client.alerts.delete(made.id)
    with pytest.raises(NotFoundError):
        client.alerts.get(made.id)


def test_the_command(
    capfd: pytest.CaptureFixture[str],
    client: Client,
    server: RunningServer,
    query: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PENSTOCK_URL", server.url)
    monkeypatch.setenv("PENSTOCK_KEY", server.key)

    def printed(*arguments: str) -> str:
        assert run(["alerts", *arguments]) == 0, capfd.readouterr().err
        return capfd.readouterr().out

    made = json.loads(printed("create", "Any", str(query), json.dumps({**OPTIONS, "value": -1}), "--json"))
    number = str(made["id"])
    assert len(client.alerts.subscriptions(made["id"])) == 1
    assert "Any" in printed("list")
    client.queries.run_and_wait(query, max_age=0)
    assert json.loads(printed("eval", number, "--json"))["state"] == "triggered"
    assert (
        printed("mute", number) == ""
        and json.loads(printed("show", number, "--json"))["options"]["muted"] is True
    )
    assert printed("mute", number, "--off") == printed("delete", number) == ""
    assert run(["alerts", "create", "Any", str(query), "[]"]) == 1


def test_alerts_in_git(
    capfd: pytest.CaptureFixture[str], client: Client, server: RunningServer, query: int, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("PENSTOCK_URL", server.url)
    monkeypatch.setenv("PENSTOCK_KEY", server.key)

    def apply(*arguments: str) -> list[str]:
        capfd.readouterr()
        assert run(["queries", "apply", str(tmp_path), "--json", *arguments]) == 0
        return [f"{one['action']} {one['key']} {one['fields']}" for one in json.loads(capfd.readouterr().out)]

    assert run(["queries", "pull", str(tmp_path)]) == 0
    (tmp_path / "alerts").mkdir(exist_ok=True)
    file = tmp_path / "alerts/much.yaml"
    file.write_text("name: Too much\nquery: in-stock\noptions: {column: n, op: '>', value: 5}\nrearm: 60\n")
    assert apply() == ["create much []"]
    assert apply() == []
    (made,) = client.alerts.list()
    assert (made.name, made.rearm) == ("Too much", 60)
    assert run(["queries", "pull", str(tmp_path)]) == 0
    assert "query: in-stock" in file.read_text()
    assert apply() == []
    file.write_text(file.read_text().replace("value: 5", "value: 6").replace("Too much", "Enough"))
    assert apply() == ["change much ['name', 'options']"]
    assert (client.alerts.get(made.id).name, client.alerts.get(made.id).options["value"]) == ("Enough", 6)
    place = client.destinations.create("Hook", "webhook", {"url": "https://example.org/hook"})
    file.write_text(file.read_text().replace("destinations: []", "destinations: [Hook]"))
    assert apply() == ["change much ['destinations']"]
    assert apply() == []
    told = client.alerts.subscriptions(made.id)
    assert [one.destination.id for one in told if one.destination] == [place.id]
    file.write_text(file.read_text().replace("[Hook]", "[Nowhere]"))
    assert run(["queries", "apply", str(tmp_path)]) == 1
    assert "no destination 'Nowhere'; there are: Hook" in capfd.readouterr().err
    file.write_text(file.read_text().replace("[Nowhere]", "[]"))
    assert apply() == ["change much ['destinations']"]
    assert client.alerts.subscriptions(made.id) == []
    file.unlink()
    assert apply("--prune") == ["archive much []"]
    assert client.alerts.list() == []
