"""`penstock query` and `queries`: what is printed and written, and how they end."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

from penstock_sdk import AppHandle, Client
from penstock_sdk.cli import run
from tests.conftest import RunningServer
from tests.sdk.conftest import SCHEMA, foreign

ALL = "SELECT id, name, price FROM buyers ORDER BY id"


@pytest.fixture(autouse=True)
def environment(server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PENSTOCK_URL", server.url)
    monkeypatch.setenv("PENSTOCK_KEY", server.key)


@pytest.fixture(scope="module", autouse=True)
def source(client: Client, app: AppHandle) -> str:
    app.tables.create("main", "buyers", SCHEMA, materialize=True)
    app.table("buyers").records.create(
        [{"name": f"Ann {n}", "age": n, "price": n / 4} for n in range(1, 251)]
    )
    return f"{app.slug}/main"


def printed(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(arguments) == 0, capfd.readouterr().err
    return capfd.readouterr().out


def test_a_table(capfd: pytest.CaptureFixture[str], source: str) -> None:
    assert run(["query", ALL, "--source", source, "--rows", "2"]) == 0
    captured = capfd.readouterr()
    assert [line.split() for line in captured.out.splitlines()] == [
        ["id", "name", "price"], ["1", "Ann", "1", "0.25"], ["2", "Ann", "2", "0.5"],
    ]  # fmt: skip
    assert "2 of 250 rows" in captured.err


def test_json_csv_and_standard_input(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = json.loads(printed(capfd, "query", ALL, "--json"))
    assert (len(rows), rows[0]) == (250, {"id": 1, "name": "Ann 1", "price": 0.25})
    assert (
        json.loads(printed(capfd, "query", f"SELECT * FROM ({ALL}) q WHERE false", "--format", "json")) == []
    )
    monkeypatch.setattr(sys, "stdin", io.StringIO(ALL))
    assert printed(capfd, "query", "-", "--format", "csv").splitlines()[:2] == [
        "id,name,price",
        "1,Ann 1,0.25",
    ]
    assert printed(capfd, "query", ALL, "-o", "-").startswith("id,name,price\r\n")


def test_files(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name in ("out.parquet", "out.csv", "out.json", "out.ndjson"):
        assert printed(capfd, "query", ALL, "-o", str(tmp_path / name)) == ""
    assert pq.read_metadata(tmp_path / "out.parquet").num_rows == 250
    assert len(json.loads((tmp_path / "out.json").read_text())) == 250
    assert (tmp_path / "out.ndjson").read_text().startswith('{"id":1,"name":"Ann 1","price":0.25}\n')
    assert run(["query", ALL, "-o", str(tmp_path / "out.xyz")]) == 1
    assert "cannot be told from its name" in capfd.readouterr().err
    assert run(["query", ALL, "--format", "table", "-o", str(tmp_path / "out.txt")]) == 1


def test_values(capfd: pytest.CaptureFixture[str]) -> None:
    sql = "SELECT age FROM buyers WHERE name = {{ name }} OR age = {{ age }} ORDER BY age"
    arguments = ["query", sql, "--param", "name=Ann 3", "--param", "age=5", "--format", "ndjson"]
    assert printed(capfd, *arguments) == '{"age":3}\n{"age":5}\n'
    span = "SELECT {{ r.start }} AS a, {{ r.end }} AS b"
    assert printed(
        capfd, "query", span, "--param", "r=2020-01-01--2020-12-31", "--format", "tsv"
    ).splitlines() == ["a\tb", "2020-01-01\t2020-12-31"]
    assert run(["query", sql, "--param", "name"]) == 1
    assert "write name=value" in capfd.readouterr().err


def test_what_fails(capfd: pytest.CaptureFixture[str]) -> None:
    for arguments, reason in (
        (["query", "SELECT * FROM buyer"], "buyers"),
        (["query", "  "], "The query is empty."),
        (["query", "SELECT 1 / (id - id) AS n FROM buyers"], "Division by zero."),
        (["query", "SELECT 1 AS n", "--source", "nowhere"], "No data source is called 'nowhere'"),
        (
            ["query", "SELECT count(*) AS n FROM generate_series(1, 10000000000) g", "--timeout", "0.3"],
            "0.3 seconds",
        ),
    ):
        assert run(arguments) == 1
        assert reason in capfd.readouterr().err


def test_interrupting_cancels(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs: list[str] = []

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    from penstock_sdk._sync.resources import jobs as module

    real = module.Jobs.cancel
    monkeypatch.setattr(module, "sleep", interrupt)
    monkeypatch.setattr(module.Jobs, "cancel", lambda self, job: (jobs.append(str(job)), real(self, job))[1])
    with pytest.raises(SystemExit) as ended:
        run(["query", "SELECT count(*) AS n FROM generate_series(1, 10000000000) AS g"])
    assert ended.value.code == 130
    monkeypatch.undo()
    assert client.jobs.wait(jobs[0], seconds=30).state == "cancelled"


def test_a_foreign_data_source(capfd: pytest.CaptureFixture[str], server: RunningServer, source: str) -> None:
    with foreign(server, "Ware House", "towns.csv") as number:
        for name in ("Ware House", "ware_house", str(number)):
            told = printed(capfd, "query", "SELECT town FROM towns ORDER BY id", "--source", name, "--json")
            assert json.loads(told) == [{"town": "Jena"}, {"town": "Ulm"}]
        joined = "SELECT b.id, t.town FROM buyers b JOIN ware_house.towns t ON t.id = b.id ORDER BY 1"
        told = printed(capfd, "query", joined, "--source", source, "--json")
        assert json.loads(told) == [{"id": 1, "town": "Jena"}, {"id": 2, "town": "Ulm"}]
        assert run(["query", "SELECT 1 AS n FROM villages", "--source", "Ware House"]) != 0
        assert "There is no table 'villages' in 'Ware House'" in capfd.readouterr().err
        assert "Ware House" in printed(capfd, "queries", "sources")


def test_saved_queries(capfd: pytest.CaptureFixture[str], source: str, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("SELECT age FROM buyers WHERE age <= {{ most }} ORDER BY age")
    definitions = '[{"name": "most", "type": "number", "value": 1}]'
    made = json.loads(
        printed(capfd, "queries", "create", "Young", f"@{tmp_path / 'q.sql'}", "--source", source,
                "--parameters", definitions, "--tag", "line", "--json")
    )  # fmt: skip
    number = str(made["id"])
    assert made["api_key"] is None
    assert printed(capfd, "queries", "show", number) == made["query"] + "\n"
    assert (
        printed(capfd, "queries", "run", number, "--param", "most=2", "--format", "csv")
        == "age\r\n1\r\n2\r\n"
    )
    changed = json.loads(
        printed(capfd, "queries", "update", number, "--name", "Younger", "--no-draft", "--json")
    )
    assert (changed["name"], changed["is_draft"], changed["tags"]) == ("Younger", False, ["line"])
    assert run(["queries", "update", number, "--name", "x", "--version", "1"]) == 1
    fork = json.loads(printed(capfd, "queries", "fork", number, "--json"))
    assert [one["id"] for one in json.loads(printed(capfd, "queries", "list", "--tag", "line", "--json"))] == [
        fork["id"], made["id"],
    ]  # fmt: skip
    assert "Younger" in printed(capfd, "queries", "list", "--order", "-name", "--limit", "1")
    assert run(["queries", "archive", str(fork["id"])]) == 0
    assert str(fork["id"]) in printed(capfd, "queries", "list", "--which", "archive")
    assert source in printed(capfd, "queries", "sources")
    job = client_job(capfd, number)
    assert job["status"] == 3


def client_job(capfd: pytest.CaptureFixture[str], number: str) -> Any:
    from penstock_sdk import Client

    with Client() as client:
        asked = client.queries.run(int(number), parameters={"most": 3}, max_age=0)
        assert asked.job is not None
        asked.wait()
    return json.loads(printed(capfd, "queries", "jobs", asked.job.id, "--json"))


def test_what_a_waiting_user_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    from penstock_sdk import Job
    from penstock_sdk.cli import _progress

    shown: list[str] = []
    status = SimpleNamespace(update=shown.append, start=lambda: None, stop=lambda: shown.append("end"))
    screen = SimpleNamespace(is_terminal=True, status=lambda _: status)
    monkeypatch.setattr(_progress, "console", lambda stderr: screen)
    with _progress.running() as tell:
        tell(Job(id="1", status=1))
        monkeypatch.setattr(_progress, "_PATIENCE", 0.0)
        tell(Job(id="1", status=1, queue_position=2))
        tell(Job(id="1", status=2, rows=12_000))
        tell(Job(id="1", status=2))
    assert shown == [
        "Waiting, 2 before it, 0 s; Ctrl-C cancels", "Running, 12,000 rows, 0 s; Ctrl-C cancels",
        "Running, 0 s; Ctrl-C cancels", "end",
    ]  # fmt: skip
