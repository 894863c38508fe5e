"""Teams, rules and the audit log from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from penstock_sdk import Client, Records
from penstock_sdk.cli import run
from tests.conftest import RunningServer


@pytest.fixture(autouse=True)
def environment(server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PENSTOCK_URL", server.url)
    monkeypatch.setenv("PENSTOCK_KEY", server.key)


def printed(capfd: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert run([*arguments, "--json"]) == 0
    return json.loads(capfd.readouterr().out)


def test_teams(capfd: pytest.CaptureFixture[str], client: Client) -> None:
    user = {"username": "lin", "email": "lin@x.org", "password": "long enough for all", "role": "operator"}
    client.request("POST", "/api/users/", body=user)
    assert printed(capfd, "teams", "create", "desk", "--name", "The desk")["slug"] == "desk"
    assert printed(capfd, "teams", "update", "desk", "--description", "d")["description"] == "d"
    assert printed(capfd, "teams", "add", "desk", "lin", "--admin")["is_admin"] is True
    assert [one["username"] for one in printed(capfd, "teams", "members", "desk")] == ["lin"]
    assert run(["teams", "list"]) == 0
    assert "The desk" in capfd.readouterr().out
    assert run(["teams", "remove", "desk", "lin"]) == 0
    assert printed(capfd, "teams", "members", "desk") == []
    assert run(["teams", "delete", "desk"]) == 0
    assert run(["teams", "members", "desk"]) == 1


def test_access(capfd: pytest.CaptureFixture[str], client: Client, people: Records) -> None:
    *_, slug, _, table, _, _ = people._path.split("/")
    client.teams.create("door")
    places: list[list[str]] = [[], ["--source", "main"], ["--table", table]]
    for place in places:
        given = printed(capfd, "access", "give", slug, "operator", "--team", "door", *place)
        assert (given["name"], given["role"]) == ("door", "operator")
        assert given in printed(capfd, "access", "list", slug, *place)
        assert run(["access", "take", slug, "--team", "door", *place]) == 0
        assert given not in printed(capfd, "access", "list", slug, *place)
    assert run(["access", "give", slug, "operator"]) == 1
    assert run(["access", "list", slug, "--source", "main", "--table", table]) == 1


def test_rules(capfd: pytest.CaptureFixture[str], people: Records) -> None:
    *_, slug, _, table, _, _ = people._path.split("/")
    of = (slug, table)
    rule = printed(
        capfd, "rules", "create", *of, "own", "--role", "operator", "--read", '{"email": "$user.email"}',
        "--write", "null", "--hide", "price, age", "--read-only", "tags",
    )  # fmt: skip
    number = str(rule["id"])
    assert (rule["write"], rule["hidden_fields"], rule["read_only_fields"]) == (
        None,
        ["age", "price"],
        ["tags"],
    )
    assert rule["subjects"]["roles"] == ["operator"]
    assert printed(capfd, "rules", "get", *of, number) == rule
    changed = printed(capfd, "rules", "update", *of, number, "--everyone", "--read", "{}", "--hide", "")
    assert (changed["subjects"], changed["read"], changed["hidden_fields"]) == (None, {}, [])
    assert printed(capfd, "rules", "update", *of, number, "--name", "all")["read_only_fields"] == ["tags"]
    assert run(["rules", "list", *of]) == 0
    assert "all" in capfd.readouterr().out
    assert run(["rules", "update", *of, number, "--everyone", "--role", "operator"]) == 1
    assert run(["rules", "create", *of, "bad", "--read", "{"]) == 1
    assert run(["rules", "create", *of, "bad", "--read", '{"nope": 1}']) == 1
    assert "nope" in capfd.readouterr().err
    assert run(["rules", "delete", *of, number]) == 0
    assert printed(capfd, "rules", "list", *of) == []


def test_audit(capfd: pytest.CaptureFixture[str], client: Client, tmp_path: Path) -> None:
    client.teams.create("seen")
    (entry,) = printed(capfd, "audit", "list", "--action", "team.create", "--limit", "1")
    assert entry["resource_name"] == "seen"
    assert run(["audit", "list", "--limit", "3"]) == 0
    assert "team.create" in capfd.readouterr().out
    assert printed(capfd, "audit", "list", "--until", "2001-01-01T00:00:00") == []
    file = tmp_path / "audit.csv"
    assert run(["audit", "export", str(file), "--format", "csv", "--resource-kind", "team"]) == 0
    assert file.read_text().startswith("id,at,")
    assert run(["audit", "export", "-", "--resource-kind", "team"]) == 0
    assert json.loads(capfd.readouterr().out.splitlines()[0])["resource_kind"] == "team"
