"""The command line against a real server: what is printed, what is stored, and the exit code."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from penstock_sdk import AppHandle, Records
from penstock_sdk._config import load_profiles
from penstock_sdk.cli import run
from tests.conftest import RunningServer
from tests.databases import ADMIN_EMAIL, ADMIN_PASSWORD
from tests.sdk.conftest import SCHEMA


@pytest.fixture(autouse=True)
def environment(server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PENSTOCK_URL", server.url)
    monkeypatch.setenv("PENSTOCK_KEY", server.key)


@pytest.fixture
def table(people: Records) -> str:
    return people._path.split("/")[-3]


def printed_json(capfd: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert run([*arguments, "--json"]) == 0
    return json.loads(capfd.readouterr().out)


def test_apps_sources_and_tables(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert printed_json(capfd, "apps", "create", "Line Shop", "--description", "d")["slug"] == "line-shop"
    assert printed_json(capfd, "sources", "create", "line-shop", "Main")["slug"] == "main"
    assert [item["slug"] for item in printed_json(capfd, "sources", "list", "line-shop")] == ["main"]
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    arguments = ("tables", "create", "line-shop", "people", str(tmp_path / "schema.json"))
    assert printed_json(capfd, *arguments, "--materialize")["is_materialized"] is True
    assert printed_json(capfd, "tables", "list", "line-shop")[0]["name"] == "people"
    assert printed_json(capfd, "tables", "get", "line-shop", "people")["primary_key"] == ["id"]
    assert printed_json(capfd, "tables", "schema", "line-shop", "people") == SCHEMA
    assert run(["apps", "list"]) == 0
    assert "line-shop" in capfd.readouterr().out
    assert run(["tables", "delete", "line-shop", "people"]) == 0
    assert run(["apps", "delete", "line-shop"]) == 0
    assert run(["apps", "get", "line-shop"]) == 1
    assert capfd.readouterr().err.strip().endswith("error: Not found.")


def test_schemas_from_packages(capfd: pytest.CaptureFixture[str], app: AppHandle, tmp_path: Path) -> None:
    file = tmp_path / "package.json"

    def write(*names: str) -> None:
        fields = [{"name": "id", "type": "integer"}, *({"name": name} for name in names)]
        schema = {"fields": fields, "primaryKey": ["id"]}
        file.write_text(json.dumps({"resources": [{"name": "packed", "schema": schema}]}))

    write("a", "b")
    assert run(["schema", "plan", app.slug, str(file)]) == 3
    assert "Create table with 3 fields" in capfd.readouterr().out
    assert printed_json(capfd, "schema", "apply", app.slug, str(file))["created_count"] == 1
    assert run(["schema", "plan", app.slug, str(file)]) == 0
    assert printed_json(capfd, "schema", "apply", app.slug, str(file))["unchanged_count"] == 1
    write("a", "c")
    assert run(["schema", "plan", app.slug, str(file)]) == 3
    captured = capfd.readouterr()
    assert "destructive" in captured.out and "--allow-data-loss" in captured.err
    assert run(["schema", "apply", app.slug, str(file)]) == 1
    assert "requires allow_data_loss" in capfd.readouterr().err
    applied = printed_json(capfd, "schema", "apply", app.slug, str(file), "--allow-data-loss")
    assert applied["updated_count"] == 1
    file.write_text("[]")
    assert run(["schema", "plan", app.slug, str(file)]) == 1


def test_records_one_by_one(capfd: pytest.CaptureFixture[str], app: AppHandle, table: str) -> None:
    created = printed_json(capfd, "records", "create", app.slug, table, '{"name": "Ann", "price": 0.10}')
    assert (created["id"], created["name"]) == (1, "Ann")
    printed_json(
        capfd, "records", "create", app.slug, table, '[{"name": "Bo", "age": 7}, {"name": "Cy", "age": 8}]'
    )
    assert printed_json(capfd, "records", "get", app.slug, table, "2")["name"] == "Bo"
    arguments = (
        "records",
        "list",
        app.slug,
        table,
        "--filter",
        "age__gt=6",
        "--order",
        "-age",
        "--fields",
        "name",
    )
    assert [row["name"] for row in printed_json(capfd, *arguments)] == ["Cy", "Bo"]
    tree = json.dumps({"or": [{"age": 7}, {"name": "Ann"}]})
    assert printed_json(capfd, "records", "count", app.slug, table, "--where", tree) == {"count": 2}
    assert run(["records", "list", app.slug, table, "--limit", "1"]) == 0
    out = capfd.readouterr().out
    assert "Ann" in out
    assert "0.10" in out
    assert "Bo" not in out


@pytest.mark.parametrize("suffix", ["csv", "ndjson", "parquet"])
def test_export_and_import_are_a_round_trip(
    capfd: pytest.CaptureFixture[str],
    app: AppHandle,
    people: Records,
    table: str,
    tmp_path: Path,
    suffix: str,
) -> None:
    rows = [
        {
            "id": n,
            "name": f'n "{n}",\nü',
            "age": n % 9 or None,
            "price": n / 8,
            "seen_at": "2025-03-01T09:30:00Z",
        }
        for n in range(1, 2346)
    ]
    people.bulk_create(rows)
    before = people.select("id", "name", "age", "price", "active", "seen_at").all()
    file = tmp_path / f"people.{suffix}"
    fields = "id,name,age,price,active,seen_at"
    assert run(["records", "export", app.slug, table, str(file), "--fields", fields]) == 0
    assert people.delete_many(filter={"id__gt": 0}) == 2345
    capfd.readouterr()
    told = printed_json(capfd, "records", "import", app.slug, table, str(file))
    assert (told["read"], told["created"], told["skipped"], told["faults"]) == (2345, 2345, 0, [])
    assert people.select("id", "name", "age", "price", "active", "seen_at").all() == before


def test_export_of_a_selection_to_a_pipe(
    capfd: pytest.CaptureFixture[str], app: AppHandle, people: Records, table: str
) -> None:
    people.create([{"name": f"n{n}", "age": n} for n in range(5)])
    arguments = ["records", "export", app.slug, table, "-", "--filter", "age__gt=1", "--order", "-age"]
    assert run([*arguments, "--fields", "age,name", "--limit", "2"]) == 0
    captured = capfd.readouterr()
    assert captured.out == "id,name,age\n5,n4,4\n4,n3,3\n"
    assert "26 bytes" in captured.err


def test_an_import_with_bad_rows_stores_nothing_and_names_them(
    capfd: pytest.CaptureFixture[str], app: AppHandle, people: Records, table: str, tmp_path: Path
) -> None:
    file = tmp_path / "p.csv"
    file.write_text("name,age\na,1\nb,2\nc,old\nd,-4\n")
    assert run(["records", "import", app.slug, table, str(file)]) == 1
    err = capfd.readouterr().err
    assert "Nothing was imported: row 3" in err
    assert 'row 3, age: "old" is not of type integer' in err
    assert "row 4, age" in err
    assert people.count() == 0


def test_import_can_leave_bad_rows_out(
    capfd: pytest.CaptureFixture[str], app: AppHandle, people: Records, table: str, tmp_path: Path
) -> None:
    file = tmp_path / "p.tsv"
    file.write_text("name\tage\temail\na\t1\tx@b\nb\tNA\t\nc\told\t\nd\t-4\t\ne\t5\tx@b\nf\t6\t\n")
    arguments = ["records", "import", app.slug, table, str(file), "--null", "NA"]
    assert run([*arguments, "--on-error", "skip", "--json"]) == 1
    report = json.loads(capfd.readouterr().out)
    assert (report["created"], report["skipped"]) == (3, 3)
    assert [(one["row"], one["field"]) for one in report["faults"]] == [(3, "age"), (4, "age"), (5, "email")]
    assert [row["name"] for row in people.all()] == ["a", "b", "f"]
    assert run([*arguments, "--on-error", "skip"]) == 1
    err = capfd.readouterr().err
    assert "row 3: age:" in err
    assert "6 rows read in" in err
    assert "2 created, 4 left out" in err


def test_bad_rows_in_quarantine(
    capfd: pytest.CaptureFixture[str], app: AppHandle, people: Records, table: str, tmp_path: Path
) -> None:
    file = tmp_path / "p.ndjson"
    file.write_text('{"name": "a", "age": -1}\n{"name": "b"}\n')
    assert run(["records", "import", app.slug, table, str(file), "--on-error", "quarantine"]) == 1
    assert "1 created, 1 in quarantine as import" in capfd.readouterr().err
    (found,) = printed_json(capfd, "quarantine", "list", app.slug, table)
    number = str(found["id"])
    (row,) = printed_json(capfd, "quarantine", "rows", app.slug, table, number)
    assert (row["row"], row["data"]["name"], list(row["errors"])) == (1, "a", ["age"])
    assert run(["quarantine", "export", app.slug, table, number, "-"]) == 0
    assert json.loads(capfd.readouterr().out)["row"] == 1
    assert run(["quarantine", "delete", app.slug, table, number]) == 0
    capfd.readouterr()
    assert printed_json(capfd, "quarantine", "list", app.slug, table) == []
    assert people.count() == 1


def test_a_batch(capfd: pytest.CaptureFixture[str], app: AppHandle, people: Records, table: str) -> None:
    steps = [
        {"id": "a", "op": "create", "table": table, "data": {"name": "Ann"}},
        {"op": "update", "table": table, "key": {"$ref": "a.id"}, "data": {"age": 3}},
    ]
    told = printed_json(capfd, "records", "batch", app.slug, json.dumps(steps))
    assert [one["status"] for one in told] == [201, 200]
    assert run(["records", "batch", app.slug, json.dumps(steps)]) == 0
    assert "create" in capfd.readouterr().out
    assert people.count() == 2
    assert run(["records", "batch", app.slug, "{}"]) == 1
    assert "array of steps" in capfd.readouterr().err


def test_webhooks(capfd: pytest.CaptureFixture[str], app: AppHandle) -> None:
    made = printed_json(
        capfd,
        "webhooks",
        "create",
        app.slug,
        "https://203.0.113.9/hook",
        "table.created",
        "--description",
        "d",
    )
    number = str(made["id"])
    assert made["secret"]
    assert [one["id"] for one in printed_json(capfd, "webhooks", "list", app.slug)] == [made["id"]]
    changed = printed_json(
        capfd, "webhooks", "update", app.slug, number, "--event", "table.deleted", "--no-active"
    )
    assert (changed["events"], changed["is_active"], changed["description"]) == (
        ["table.deleted"],
        False,
        "d",
    )
    assert printed_json(capfd, "webhooks", "rotate", app.slug, number)["secret"] != made["secret"]
    assert printed_json(capfd, "webhooks", "deliveries", app.slug, number) == []
    assert run(["webhooks", "redeliver", app.slug, number, "1"]) == 1
    assert run(["webhooks", "create", app.slug, "https://203.0.113.9/hook"]) == 1
    assert run(["webhooks", "delete", app.slug, number]) == 0
    capfd.readouterr()
    assert printed_json(capfd, "webhooks", "list", app.slug) == []


def test_import_from_a_pipe_that_upserts(
    capfd: pytest.CaptureFixture[str],
    app: AppHandle,
    people: Records,
    table: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people.create({"id": 1, "name": "old"})
    lines = b'{"id": 1, "name": "new"}\n{"id": 2, "name": "two"}\n'
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    assert run(["records", "import", app.slug, table, "-", "--format", "ndjson", "--mode", "upsert"]) == 0
    assert [row["name"] for row in people.order_by("id").all()] == ["new", "two"]


def test_login_with_a_password_saves_a_key(
    capfd: pytest.CaptureFixture[str], server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PENSTOCK_KEY")
    monkeypatch.setenv("PENSTOCK_PASSWORD", ADMIN_PASSWORD)
    assert run(["login", "--email", ADMIN_EMAIL]) == 0
    saved = load_profiles().profiles["default"]
    assert saved.url == server.url
    assert saved.key
    assert ADMIN_PASSWORD not in str(saved)
    monkeypatch.delenv("PENSTOCK_PASSWORD")
    monkeypatch.delenv("PENSTOCK_URL")
    assert run(["apps", "list"]) == 0
    assert run(["login", "--url", server.url, "--key", "wrong" * 8]) == 1
    assert load_profiles().profiles["default"] == saved
    assert "Traceback" not in capfd.readouterr().err


def test_doctor(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    report = printed_json(capfd, "doctor", "--data-dir", str(tmp_path / "none"))
    found = {check["name"]: check for check in report}
    assert found["connection"]["ok"]
    assert found["caller"]["ok"]
    assert run(["doctor", "--url", "http://127.0.0.1:1", "--data-dir", str(tmp_path / "none")]) == 1
    assert "WRONG" in capfd.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["apps", "get"],
        ["records", "list", "a", "b", "--limit", "x"],
        ["records", "list", "a", "b", "--filter", "x"],
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(arguments)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["records", "list", "nowhere", "t"], "Not found."),
        (["records", "create", "nowhere", "t", "{"], "not JSON"),
        (["records", "get", "nowhere", "t"], "key is missing"),
        (["records", "list", "nowhere", "t", "--where", "[1]"], "no condition"),
        (["tables", "create", "nowhere", "t", "/no/such/file"], "No such file"),
        (["apps", "list", "--url", "http://127.0.0.1:1"], "No server can be reached"),
        (["apps", "list", "--profile", "q"], "no profile 'q'"),
    ],
)
def test_an_error_is_one_sentence_and_exits_with_1(
    capfd: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run(arguments) == 1
    err = capfd.readouterr().err
    assert message in err
    assert err.startswith("error: ")
    assert "Traceback" not in err


def test_version_and_help(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert run(["--help"]) == 0
    assert "Put a backup back" in capfd.readouterr().out


def test_aggregates(capfd: pytest.CaptureFixture[str], app: AppHandle, people: Records, table: str) -> None:
    people.create([{"name": name, "age": age} for name, age in (("a", 3), ("b", 3), ("c", 5), ("d", None))])
    arguments = (
        "records",
        "aggregate",
        app.slug,
        table,
        "count(*)",
        "sum(age) as total",
        "--filter",
        "name__ne=d",
    )
    assert printed_json(capfd, *arguments) == [{"count": 3, "total": 11}]
    groups = [{"age": 5, "count": 1, "total": 5}, {"age": 3, "count": 2, "total": 6}]
    assert printed_json(capfd, *arguments, "--by", "age", "--order", "-age") == groups
    assert printed_json(capfd, *arguments, "--by", "age", "--having", "count > 1") == groups[1:]
    assert printed_json(capfd, *arguments, "--by", "age", "--limit", "1") == groups[1:]
    assert run([*arguments, "--by", "age", "--order", "-total"]) == 0
    assert capfd.readouterr().out.split() == ["age", "count", "total", "3", "2", "6", "5", "1", "5"]
    assert run(["records", "aggregate", app.slug, table]) == 1
    assert "Say what to compute" in capfd.readouterr().err
    assert run(["records", "aggregate", app.slug, table, "median(age)"]) == 1
    assert "there is no aggregate 'median'" in capfd.readouterr().err


def test_related_records(capfd: pytest.CaptureFixture[str], app: AppHandle) -> None:
    key = {"fields": "up_id", "reference": {"resource": "", "fields": "id"}}
    fields = [{"name": "id", "type": "integer"}, {"name": "up_id", "type": "integer"}]
    app.tables.create("main", "folders", {"fields": fields, "primaryKey": ["id"], "foreignKeys": [key]})
    app.table("folders").records.create([{"id": 1}, {"id": 2, "up_id": 1}])
    arguments = ("records", "list", app.slug, "folders", "--filter", "up.id=1", "--populate", "up, *")
    assert printed_json(capfd, *arguments) == [{"id": 2, "up_id": 1, "up": {"id": 1, "up_id": None}}]
    one = printed_json(capfd, "records", "get", app.slug, "folders", "2", "--populate", "up_id")
    assert one["up_id"] == {"id": 1, "up_id": None}
    assert run(["records", "list", app.slug, "folders", "--populate", "folders:up_id"]) == 0
    assert "folders:up_id" in capfd.readouterr().out


@pytest.mark.usefixtures("pgvector")
def test_the_nearest(capfd: pytest.CaptureFixture[str], app: AppHandle) -> None:
    fields = [
        {"name": "id", "type": "integer"},
        {"name": "e", "type": "vector", "dimensions": 2, "metric": "l2"},
    ]
    app.tables.create("main", "spots", {"fields": fields, "primaryKey": ["id"]})
    app.table("spots").records.create([{"id": n, "e": [n, 0]} for n in (1, 2, 3)])
    arguments = ("records", "list", app.slug, "spots", "--near", "e=[2.75, 0]")
    assert [row["id"] for row in printed_json(capfd, *arguments)] == [3, 2, 1]
    assert [row["id"] for row in printed_json(capfd, *arguments, "--limit", "1")] == [3]
    assert [row["id"] for row in printed_json(capfd, *arguments, "--threshold", "1")] == [3, 2]
    near = app.table("spots").records.near("e", [1, 0], top=3)
    assert ([row["id"] for row in near.page_size(2).all()], near.count(), near.limit(1).all()[0]["id"]) == (
        [1, 2, 3],
        3,
        1,
    )
    assert run(["records", "list", app.slug, "spots", "--near", "e=2"]) == 1
    assert run(["records", "list", app.slug, "spots", "--threshold", "2"]) == 1
