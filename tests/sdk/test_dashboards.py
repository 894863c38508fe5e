"""Dashboards and visualizations by the client, copied by the script, and as files for git."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from penstock_sdk import AppHandle, BadRequestError, Client, ConflictError, NotFoundError
from penstock_sdk.cli import run
from tests.conftest import RunningServer
from tests.sdk.conftest import SCHEMA

BARS = {"globalSeriesType": "column", "columnMapping": {"name": "x", "age": "y"}}


@pytest.fixture(autouse=True)
def environment(server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PENSTOCK_URL", server.url)
    monkeypatch.setenv("PENSTOCK_KEY", server.key)


@pytest.fixture(scope="module")
def made(client: Client, app: AppHandle) -> dict[str, int]:
    """A dashboard that shows two queries, one of them twice in like tables, and a text."""
    app.tables.create("main", "staff", SCHEMA, materialize=True)
    app.table("staff").records.create([{"name": f"n {n}", "age": n} for n in range(1, 6)])
    names = client.queries.create("Names", "SELECT name AS value FROM staff")
    staff = client.queries.create(
        "Staff",
        "SELECT name, age FROM staff WHERE name = {{ who }} OR true",
        parameters=[{"name": "who", "type": "query", "queryId": names.id, "value": "n 1"}],
    )
    second = client.visualizations.create(staff.id, "TABLE", "Second table")
    bars = client.visualizations.create(staff.id, "CHART", "Bars", options=BARS, description="d")
    dashboard = client.dashboards.create("People at work")
    for shown, row in (
        (staff.visualizations[0].id, 0),
        (second.id, 1),
        (bars.id, 2),
        (names.visualizations[0].id, 3),
    ):
        position = {"col": 0, "row": row, "sizeX": 3, "sizeY": 4}
        client.dashboards.add_widget(dashboard.id, shown, options={"position": position})
    client.dashboards.add_widget(
        dashboard.id,
        text="**Staff** of bo@example.org",
        options={"position": {"col": 3, "row": 0, "sizeX": 3, "sizeY": 4}},
    )
    client.dashboards.update(dashboard.id, tags=["work"], is_draft=False, dashboard_filters_enabled=True)
    client.queries.run_and_wait(names.id)
    client.queries.run_and_wait(staff.id, parameters={"who": "n 1"})
    return {
        "dashboard": dashboard.id,
        "staff": staff.id,
        "names": names.id,
        "bars": bars.id,
        "second": second.id,
    }


def test_dashboards(client: Client, made: dict[str, int]) -> None:
    found = client.dashboards.get(made["dashboard"])
    assert (found.slug, found.tags, found.is_draft, found.dashboard_filters_enabled) == (
        "people-at-work", ["work"], False, True,
    )  # fmt: skip
    assert client.dashboards.get("people-at-work").id == found.id
    assert found.widgets is not None and len(found.widgets) == 5
    assert [one.id for one in client.dashboards.list(q="work", tags=["work"])] == [found.id]
    with pytest.raises(ConflictError):
        client.dashboards.update(found.id, name="x", version=found.version - 1)
    widget = client.dashboards.add_widget(found.id, text="a")
    assert client.dashboards.update_widget(widget.id, text="b", options={}).text == "b"
    client.dashboards.remove_widget(widget.id)
    client.dashboards.favorite(found.id)
    assert [one.id for one in client.dashboards.list(which="favorites")] == [found.id]
    client.dashboards.unfavorite(found.id)
    fork = client.dashboards.fork(found.id)
    assert fork.id != found.id
    client.dashboards.archive(fork.id)
    assert [one.id for one in client.dashboards.list()] == [found.id]
    share = client.dashboards.share(found.id)
    assert share.api_key in share.public_url
    client.dashboards.unshare(found.id)
    with pytest.raises(NotFoundError):
        client.dashboards.get("nowhere")


def test_visualizations(client: Client, made: dict[str, int]) -> None:
    changed = client.visualizations.update(made["bars"], name="More bars")
    assert (changed.name, changed.options, changed.description) == ("More bars", BARS, "d")
    assert client.visualizations.update(made["bars"], name="Bars").name == "Bars"
    picture = client.visualizations.picture(made["bars"], "svg", parameters={"who": "n 1"}, width=300)
    assert b"<svg" in picture
    assert client.visualizations.chart(made["bars"], parameters={"who": "n 1"})["$schema"]
    extra = client.visualizations.create(made["staff"], "COUNTER", "Extra")
    client.visualizations.delete(extra.id)
    assert [one.name for one in client.queries.get(made["staff"]).visualizations] == [
        "Table",
        "Second table",
        "Bars",
    ]
    wrong = client.visualizations.create(
        made["names"], "CHART", "Wrong", options={"columnMapping": {"ghost": "x"}}
    )
    with pytest.raises(BadRequestError, match="ghost"):
        client.visualizations.picture(wrong.id)
    client.visualizations.delete(wrong.id)


def printed(capfd: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert run([*arguments, "--json"]) == code, capfd.readouterr().err
    return json.loads(capfd.readouterr().out)


def test_a_copy_of_a_dashboard(
    capfd: pytest.CaptureFixture[str], client: Client, server: RunningServer, made: dict[str, int]
) -> None:
    arguments = ("clone-dashboard-and-queries", server.url, "people-at-work", "Copied ")
    planned = printed(capfd, *arguments, "--dry-run")
    assert planned["dashboard"] == {str(made["dashboard"]): None}
    assert len(client.dashboards.list().all()) == 1
    told = printed(capfd, *arguments)
    copy = client.dashboards.get(told["dashboard"][str(made["dashboard"])])
    original = client.dashboards.get(made["dashboard"])
    assert (copy.name, copy.tags, copy.is_draft, copy.dashboard_filters_enabled) == (
        "Copy of: People at work", ["work"], False, True,
    )  # fmt: skip
    staff = client.queries.get(told["query"][str(made["staff"])])
    assert staff.name == "Copied Staff" and staff.query == client.queries.get(made["staff"]).query
    assert staff.options["parameters"][0]["queryId"] == told["query"][str(made["names"])]
    # Two tables with the same options stay two.
    assert told["visualization"][str(made["second"])] == staff.visualizations[1].id
    assert original.widgets is not None and copy.widgets is not None
    for old, new in zip(original.widgets, copy.widgets, strict=True):
        assert (old.text, old.options) == (new.text, new.options)
        if old.visualization:
            assert (
                new.visualization
                and new.visualization["id"] == told["visualization"][str(old.visualization["id"])]
            )
    assert run(["clone-dashboard-and-queries", server.url, "nowhere", "x"]) == 1
    assert run(list(arguments)) == 0
    assert f"query {made['staff']} -> " in capfd.readouterr().out
    for one in client.dashboards.list():
        if one.id != made["dashboard"]:
            client.dashboards.archive(one.id)
    for query in client.queries.list(q="Copied"):
        client.queries.archive(query.id)


def test_a_copy_that_fails_leaves_nothing(
    capfd: pytest.CaptureFixture[str], client: Client, server: RunningServer, made: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from penstock_sdk._dialect import clone

    def refused(*_: Any) -> None:
        raise BadRequestError("no widget today")

    before = ({one.id for one in client.queries.list()}, {one.id for one in client.dashboards.list()})
    monkeypatch.setattr(clone, "_add_widget", refused)
    assert run(["clone-dashboard-and-queries", server.url, "people-at-work", "x"]) == 1
    assert "no widget today" in capfd.readouterr().err
    assert ({one.id for one in client.queries.list()}, {one.id for one in client.dashboards.list()}) == before


def test_a_search_finds_texts_of_dashboards(
    capfd: pytest.CaptureFixture[str], server: RunningServer, made: dict[str, int]
) -> None:
    assert run(["gdpr-scrub", server.url, "BO@example.org"]) == 0
    assert capfd.readouterr().out == f"{server.url}/dashboards/people-at-work\n"


def test_dashboards_in_git(
    capfd: pytest.CaptureFixture[str], client: Client, made: dict[str, int], tmp_path: Path
) -> None:
    directory = str(tmp_path)
    assert run(["queries", "pull", directory]) == 0
    file = tmp_path / "dashboards/people-at-work.yaml"
    text = file.read_text()
    assert "query: staff\n  visualization: Second table\n" in text
    assert printed_nothing(capfd, directory) == []
    file.write_text(
        text.replace("name: People at work", "name: People").replace("**Staff** of", "## Staff of")
    )
    file.with_name("new.yaml").write_text(
        "name: New one\nwidgets:\n- {query: names, visualization: Table, options: {position: {col: 0, row: 0}}}\n"
    )
    steps = printed(capfd, "queries", "apply", directory)
    assert [(one["action"], one["key"], one["fields"]) for one in steps] == [
        ("create", "new", []), ("change", "people-at-work", ["name", "widgets"]),
    ]  # fmt: skip
    assert printed_nothing(capfd, directory) == []
    assert client.dashboards.get(made["dashboard"]).name == "People"
    file.with_name("new.yaml").unlink()
    steps = printed(capfd, "queries", "apply", directory, "--prune")
    assert [(one["action"], one["kind"], one["key"]) for one in steps] == [("archive", "dashboards", "new")]
    assert run(["queries", "pull", directory]) == 0
    assert "name: People\n" in file.read_text()


def printed_nothing(capfd: pytest.CaptureFixture[str], directory: str) -> Any:
    capfd.readouterr()
    return printed(capfd, "queries", "apply", directory)
