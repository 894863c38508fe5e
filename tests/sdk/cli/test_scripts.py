"""The scripts of the dashboard dialect: what they print, find and make, under `penstock` and under their own names."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from penstock_sdk import AppHandle, Client
from penstock_sdk.cli import run
from tests.conftest import RunningServer
from tests.sdk.conftest import SCHEMA


@pytest.fixture(autouse=True)
def environment(server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TONALYTICA_API_KEY", server.key)
    monkeypatch.delenv("PENSTOCK_KEY", raising=False)


@pytest.fixture(scope="module", autouse=True)
def source(client: Client, app: AppHandle) -> int:
    """With the tables `customers` and `orders`."""
    for name in ("customers", "orders"):
        app.tables.create("main", name, SCHEMA, materialize=True)
    app.table("customers").records.create(
        [{"name": 'O\'Brien "Bo"', "email": "bo@example.org"}, {"name": "Ann"}]
    )
    return client.data_sources.find().id


@pytest.fixture(scope="module")
def queries(client: Client, source: int) -> dict[str, int]:
    made = {
        "customers": client.queries.create("Customers", "SELECT name, email FROM customers -- not orders"),
        "both": client.queries.create(
            "Both */ of\nthem",
            "SELECT count(*) AS n FROM orders o, customers c WHERE o.id < {{ most }}",
            description="About BO@example.org",
            parameters=[{"name": "most", "type": "number", "value": 3, "title": "At most"}],
            tags=["sales"],
        ),
        "broken": client.queries.create("Names", "SELECT name AS value FROM customers"),
    }
    chosen = client.queries.create(
        "Chosen",
        "SELECT * FROM customers WHERE name = {{ who }}",
        parameters=[{"name": "who", "type": "query", "queryId": made["broken"].id, "value": "Ann"}],
    )
    archived = client.queries.create("Old", "SELECT 'bo@example.org' AS email")
    client.queries.archive(archived.id)
    client.queries.run_and_wait(made["customers"].id)
    return {name: one.id for name, one in (made | {"chosen": chosen, "archived": archived}).items()}


def printed(capfd: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert run(arguments) == code, capfd.readouterr().err
    return capfd.readouterr().out


def test_gdpr_scrub(
    capfd: pytest.CaptureFixture[str], server: RunningServer, queries: dict[str, int]
) -> None:
    assert run(["gdpr-scrub", server.url, "bo@EXAMPLE.org", "o'brien \"b"]) == 0
    captured = capfd.readouterr()
    urls = {name: f"{server.url}/queries/{number}" for name, number in queries.items()}
    assert captured.out.splitlines() == [urls["customers"], urls["both"], urls["archived"]]
    assert f"{urls['customers']}: result" in captured.err
    assert f"{urls['both']}: description" in captured.err
    found = json.loads(printed(capfd, "gdpr-scrub", server.url, "at most", "--json"))
    assert [(one["kind"], one["id"], one["where"]) for one in found["found"]] == [
        ("query", queries["both"], ["options"])
    ]
    assert printed(capfd, "gdpr-scrub", server.url, "nobody knows this") == ""
    assert run(["gdpr-scrub", server.url]) == 1
    assert "Say what to search" in capfd.readouterr().err


def test_find_tables(
    capfd: pytest.CaptureFixture[str], server: RunningServer, queries: dict[str, int], source: int
) -> None:
    assert printed(capfd, "find-tables", server.url, str(source)) == (
        "\n    table | number of queries\n"
        "--------- | -----------------\n"
        "customers |                 4\n"
        "   orders |                 1\n"
        "\n"
    )
    lines = printed(capfd, "find-tables", server.url, server.key, str(source), "--detail").splitlines()
    assert lines == [
        f"{queries['customers']},customers", f"{queries['both']},orders", f"{queries['both']},customers",
        f"{queries['broken']},customers", f"{queries['chosen']},customers",
    ]  # fmt: skip
    found = json.loads(printed(capfd, "find-tables", server.url, str(source), "--json"))
    assert found["tables"][1] == {"table": "orders", "queries": [queries["both"]]}
    assert printed(capfd, "find-tables", server.url, str(source + 99), code=1) == ""
    for wrong in ([], ["x"], ["1", "2", "3"]):
        assert run(["find-tables", server.url, *wrong]) == 1


def test_export_and_import(
    capfd: pytest.CaptureFixture[str],
    client: Client,
    server: RunningServer,
    queries: dict[str, int],
    tmp_path: Path,
) -> None:
    here = [client.queries.get(number) for number in queries.values()]
    for kind in ("sql", "json"):
        folder = tmp_path / kind
        arguments = ["--dir", str(folder), "--format", kind]
        assert printed(capfd, "export-queries", server.url, *arguments) == ""
        assert len(list(folder.iterdir())) == 4
        printed(capfd, "export-queries", server.url, *arguments, "--include-archived")
        exported = [str(folder / f"query_{one.id}.{kind}") for one in here]
        assert set(exported) <= {str(path) for path in folder.iterdir()}
        assert all(server.key not in path.read_text() for path in folder.iterdir())
        first = {path.name: path.read_bytes() for path in folder.iterdir()}
        printed(capfd, "export-queries", server.url, *arguments, "--include-archived")
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == first
        dry = printed(capfd, "import-queries", server.url, str(folder), "--dry-run").splitlines()
        assert {f"query {one.id} -> (new)" for one in here} <= set(dry)
        lines = printed(capfd, "import-queries", server.url, *exported).splitlines()
        pairs = {int(old): int(new) for old, new in (line[6:].split(" -> ") for line in lines)}
        for one in here:
            made = client.queries.get(pairs[one.id])
            assert (made.name, made.query, made.tags, made.is_archived) == (
                one.name, one.query, one.tags, one.is_archived,
            )  # fmt: skip
            assert (made.description or "") == (
                one.description or ""
            ) and made.data_source_id == one.data_source_id
            assert len(made.visualizations) == len(one.visualizations)
        chosen = client.queries.get(pairs[queries["chosen"]]).options["parameters"][0]
        assert chosen["queryId"] == pairs[queries["broken"]]
        for number in pairs.values():
            client.queries.archive(number)


def test_import_elsewhere(
    capfd: pytest.CaptureFixture[str], client: Client, server: RunningServer, source: int, tmp_path: Path
) -> None:
    path = tmp_path / "mine.sql"
    path.write_text(
        "/*\nName: From elsewhere\nData source: 4711\nCreated By: x\nLast Updated At: y\n*/\nSELECT 1 AS n"
    )
    assert run(["import-queries", server.url, str(path)]) == 1
    assert "there is no data source 4711; say which with --data-source OLD=NEW" in capfd.readouterr().err
    (line,) = printed(
        capfd, "import-queries", server.url, str(path), "--data-source", f"4711={source}"
    ).splitlines()
    made = client.queries.get(int(line.removeprefix("query - -> ")))
    assert (made.name, made.query, made.is_draft) == ("From elsewhere", "SELECT 1 AS n", False)
    client.queries.archive(made.id)
    (tmp_path / "broken.json").write_text("{")
    for arguments, reason in (
        ([str(tmp_path / "broken.json")], "cannot be read"),
        ([str(tmp_path / "missing.sql")], "No such file"),
        ([], "There is no file to import"),
        ([str(path), "--data-source", "x"], "write OLD=NEW"),
    ):
        assert run(["import-queries", server.url, *arguments]) == 1
        assert reason in capfd.readouterr().err


def test_without_a_key(
    capfd: pytest.CaptureFixture[str], server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TONALYTICA_API_KEY")
    assert run(["gdpr-scrub", server.url, "x"]) == 1
    assert "There is no API key" in capfd.readouterr().err
    assert run(["gdpr-scrub", server.url, "nobody knows this", "--api-key", server.key]) == 0
    assert run(["gdpr-scrub", server.url, "x", "--api-key", "wrong"]) == 1


@pytest.mark.parametrize(
    "name", ["gdpr-scrub", "find-tables", "clone-dashboard-and-queries", "export-queries", "import-queries"]
)
def test_their_own_names(name: str) -> None:
    script = Path(sys.executable).parent / name
    done = subprocess.run([script, "--help"], capture_output=True, text=True, check=True, timeout=60)
    assert f"Usage: {name}" in done.stdout


def test_pull_and_apply(
    capfd: pytest.CaptureFixture[str], client: Client, server: RunningServer, queries: dict[str, int],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("PENSTOCK_URL", server.url)
    monkeypatch.setenv("PENSTOCK_KEY", server.key)

    def apply(*arguments: str, code: int = 0) -> Any:
        return json.loads(printed(capfd, "queries", "apply", str(tmp_path), *arguments, "--json", code=code))

    printed(capfd, "queries", "pull", str(tmp_path))
    assert {path.stem for path in (tmp_path / "queries").iterdir()} == {
        "both-of-them",
        "chosen",
        "customers",
        "names",
    }
    text = (tmp_path / "queries/chosen.yaml").read_text()
    assert "query: names" in text and "queryId" not in text and f"id: {queries['chosen']}" not in text
    assert apply() == []
    assert printed(capfd, "queries", "apply", str(tmp_path), "--dry-run") == ""

    new = tmp_path / "queries/late.yaml"
    new.write_text(
        "name: Late\nsql: |\n  SELECT 1 AS n\n  WHERE 1 = {{ x }}\n"
        "parameters:\n- {name: x, type: query, query: names}\ntags: [b, a]\ndescription: d\n"
    )
    wanted = [{"action": "create", "kind": "queries", "key": "late", "fields": []}]
    assert apply("--dry-run", code=3) == wanted
    assert apply() == wanted
    assert apply() == []
    (made,) = client.queries.list(tags=["b"])
    assert (made.name, made.tags, made.is_draft) == ("Late", ["a", "b"], False)
    assert made.options["parameters"][0]["queryId"] == queries["broken"]

    new.write_text(new.read_text().replace("name: Late\n", "name: Later\n").replace("1 AS n", "2 AS n"))
    assert apply() == [{"action": "change", "kind": "queries", "key": "late", "fields": ["name", "sql"]}]
    assert client.queries.get(made.id).name == "Later"
    printed(capfd, "queries", "pull", str(tmp_path))
    assert "name: Later\n" in new.read_text()
    new.unlink()
    assert apply() == []
    assert apply("--prune") == [{"action": "archive", "kind": "queries", "key": "late", "fields": []}]
    assert client.queries.get(made.id).is_archived
    (tmp_path / "queries/wrong.yaml").write_text("name: W\nsql: SELECT 1\nsource: nowhere/at-all\n")
    assert run(["queries", "apply", str(tmp_path)]) == 1
    assert "there is no data source 'nowhere/at-all'" in capfd.readouterr().err
    assert run(["queries", "apply", str(tmp_path / "missing")]) == 1
