"""Foreign data sources, versions of queries, rights, snippets, users and groups, by the client and the command."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from penstock_sdk import AppHandle, Client, NotFoundError
from penstock_sdk.cli import run
from tests.conftest import RunningServer
from tests.sdk.conftest import SCHEMA


@pytest.fixture(scope="module")
def query(client: Client, app: AppHandle) -> int:
    app.tables.create("main", "stock", SCHEMA, materialize=True)
    made = client.queries.create("In stock", "SELECT count(*) AS n FROM stock").id
    client.queries.update(made, sql="SELECT count(*) AS many FROM stock")
    return made


@pytest.fixture
def printed(
    capfd: pytest.CaptureFixture[str], server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    monkeypatch.setenv("PENSTOCK_URL", server.url)
    monkeypatch.setenv("PENSTOCK_KEY", server.key)

    def give(*arguments: str, code: int = 0) -> str:
        capfd.readouterr()
        assert run(arguments) == code, capfd.readouterr().err
        return capfd.readouterr().out

    return give


def test_versions(client: Client, query: int) -> None:
    newest, oldest = list(client.queries.versions(query))
    assert (newest.version, newest.changed, oldest.version) == (2, ["query"], 1)
    assert client.queries.version(query, 1).query == "SELECT count(*) AS n FROM stock"
    found = client.queries.diff(query, 2)
    assert (found.from_version, found.to_version) == (1, 2) and "+SELECT count(*) AS many" in found.diff
    assert client.queries.diff(query, 1, 2).from_version == 2
    assert client.queries.restore(query, 1).query.endswith("AS n FROM stock")
    assert client.queries.get(query).version == 3
    with pytest.raises(NotFoundError):
        client.queries.version(query, 99)


def test_people(client: Client, query: int) -> None:
    ada = client.users.create("Ada Lovelace", "ada@example.org")
    assert ada.is_invitation_pending and ada.invite_link and "/invite/" in ada.invite_link
    assert client.users.invite(ada.id).invite_link
    assert "/reset/" in client.users.reset_link("ada")
    assert client.users.update("ada", name="Ada King").name == "Ada King"
    assert [one.name for one in client.users.list(pending=True)] == ["Ada King"]
    assert client.users.disable("ada").is_disabled and not client.users.enable("ada").is_disabled
    assert client.users.get(ada.id).username == "ada" and client.users.me().role == "owner"
    group = client.groups.create("Sales")
    assert client.groups.rename(group.id, "Sellers").name == "Sellers"
    client.groups.add(group.id, ada.id)
    assert [one.id for one in client.groups.members(group.id)] == [ada.id]
    assert [one.name for one in client.groups.list()] == ["admin", "default", "Sellers"]
    client.groups.remove(group.id, ada.id)
    client.groups.delete(group.id)
    board = client.dashboards.create("Board")
    for part, number in ((client.queries, query), (client.dashboards, board.id)):
        part.allow(number, ada.id, "view")
        assert [one.id for one in part.rights(number)["view"]] == [ada.id]
        part.disallow(number, ada.id, "view")
        assert part.rights(number).get("view", []) == []
    client.users.remove("ada")
    with pytest.raises(NotFoundError):
        client.users.get("ada")


def test_snippets(client: Client) -> None:
    made = client.snippets.create("top", "LIMIT 10", description="The first ten")
    assert client.snippets.update(made.id, snippet="LIMIT 5").snippet == "LIMIT 5"
    assert [one.trigger for one in client.snippets.list()] == ["top"]
    assert client.snippets.get(made.id).description == "The first ten"
    client.snippets.delete(made.id)
    assert client.snippets.list() == []


def test_data_sources(client: Client) -> None:
    assert {"postgresql", "results"} <= {one.type for one in client.data_sources.kinds()}
    secret = {"host": "db.example.com", "database": "d", "user": "u", "password": "p"}
    made = client.data_sources.create("Warehouse", "postgresql", secret)
    assert made.options is not None and made.options["password"] == "--------"
    changed = client.data_sources.update(made.id, name="Store", options={**made.options, "user": "v"})
    assert changed.name == "Store" and changed.options is not None and changed.options["user"] == "v"
    assert (
        client.data_sources.pause(made.id, "Moving").paused and not client.data_sources.resume(made.id).paused
    )
    assert client.data_sources.test(made.id).ok is False
    client.data_sources.delete(made.id)
    with pytest.raises(NotFoundError):
        client.data_sources.get(made.id)


def test_the_commands(printed: Callable[..., str], client: Client, query: int) -> None:
    versions = json.loads(printed("queries", "versions", str(query), "--json"))
    assert versions[-1]["version"] == 1
    assert "created_at" in printed("queries", "versions", str(query))
    assert "many" in printed("queries", "diff", str(query), "2")
    assert "many" in printed("queries", "restore", str(query), "2")
    link = printed("users", "invite", "bob@example.org", "Bob").strip()
    assert "/invite/" in link
    assert "/invite/" in printed("users", "invite", "bob@example.org", "--again")
    assert "/reset/" in printed("users", "reset", "bob")
    bob = json.loads(printed("users", "show", "bob", "--json"))["id"]
    printed("queries", "allow", str(query), str(bob), "view")
    assert "Bob" in printed("queries", "rights", str(query))
    printed("queries", "allow", str(query), str(bob), "view", "--off")
    printed("users", "disable", "bob")
    assert "bob" in printed("users", "list", "--disabled")
    printed("users", "disable", "bob", "--off")
    printed("users", "remove", "bob")
    assert "postgresql" in printed("data-sources", "types")
    made = json.loads(
        printed(
            "data-sources", "create", "Far", "postgresql", "--set", "host=db.example.com", "--set", "database=d",
            "--set", "user=u", "--set", "port=5433", "--secrets", '{"password": "p"}', "--json",
        )
    )  # fmt: skip
    number = str(made["id"])
    assert made["options"]["port"] == 5433
    assert (
        json.loads(printed("data-sources", "update", number, "--set", "user=w", "--json"))["options"]["user"]
        == "w"
    )
    printed("data-sources", "test", number, code=1)
    printed("data-sources", "pause", number, "--reason", "Later")
    printed("data-sources", "resume", number)
    assert "Far" in printed("data-sources", "list") and "Far" in printed("data-sources", "show", number)
    own = next(one.id for one in client.data_sources.list() if one.app)
    assert "stock" in printed("data-sources", "tables", str(own))
    printed("data-sources", "delete", number)
    snippet = json.loads(printed("snippets", "create", "x", "LIMIT 1", "--json"))["id"]
    assert "LIMIT 1" in printed("snippets", "list")
    printed("snippets", "delete", str(snippet))
