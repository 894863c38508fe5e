"""Who may do what: teams, roles on single things, row rules, claims of keys, and the log of it all."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from penstock_sdk import AppHandle, Client, F, ForbiddenError, NotFoundError, ValidationError
from tests.conftest import RunningServer
from tests.sdk.conftest import SCHEMA

PASSWORD = "long enough for all"


@pytest.fixture(scope="module")
def ann(server: RunningServer, client: Client) -> Iterator[Client]:
    """A member of the org without a role in it."""
    user = {"username": "ann", "email": "ann@x.org", "password": PASSWORD, "role": None}
    client.request("POST", "/api/users/", body=user)
    with Client(server.url, email="ann@x.org", password=PASSWORD) as opened:
        yield opened


def test_teams_and_their_members(client: Client, ann: Client) -> None:
    made = client.teams.create("crew", name="The crew")
    assert (made.slug, made.name, made.member_count) == ("crew", "The crew", 0)
    assert client.teams.update("crew", description="d").description == "d"
    member = client.teams.put_member("crew", "ann")
    assert (member.username, member.is_admin) == ("ann", False)
    assert client.teams.put_member(made.id, member.id, is_admin=True).is_admin
    assert [one.username for one in client.teams.members("crew", page_size=1)] == ["ann"]
    assert [one.slug for one in ann.teams.list()] == ["crew"]
    assert client.teams.get("crew").member_count == 1
    client.teams.remove_member("crew", "ann")
    assert ann.teams.list().all() == []
    client.teams.delete("crew")
    with pytest.raises(NotFoundError):
        client.teams.get("crew")


def test_rules_and_roles_on_a_table(client: Client, ann: Client, app: AppHandle) -> None:
    app.tables.create("main", "guarded", SCHEMA, materialize=True)
    table, theirs = app.table("guarded"), ann.app(app.slug).table("guarded")
    table.records.create([{"name": "a", "email": "ann@x.org"}, {"name": "b"}])
    client.teams.create("guards")
    client.teams.put_member("guards", "ann")
    given = table.access.give("operator", team="guards")
    assert (given.subject, given.name, given.role) == ("team", "guards", "operator")
    assert given in table.access.list()
    assert theirs.records.count() == 2
    rule = table.rules.create(
        "own",
        subjects={"teams": ["guards"]},
        read=F("email") == "$user.email",
        write=None,
        hidden_fields=["price"],
    )
    assert (rule.subjects or {})["teams"] == ["guards"]
    assert (rule.read, rule.write) == ({"email__eq": "$user.email"}, None)
    assert [row["name"] for row in theirs.records] == ["a"]
    assert "price" not in theirs.get().field_names
    with pytest.raises(ForbiddenError, match="No rule"):
        theirs.records.update(1, {"name": "c"})
    changed = table.rules.update(rule.id, write={"age__null": True}, subjects=None)
    assert (changed.subjects, changed.hidden_fields) == (None, ["price"])
    assert theirs.records.update(1, {"name": "c"})["name"] == "c"
    assert table.rules.update(rule.id, read={}, hidden_fields=[]).read == {}
    assert theirs.records.count() == 2
    assert [one.id for one in table.rules.list()] == [rule.id]
    with pytest.raises(ValidationError, match="nope"):
        table.rules.create("other", read={"nope": 1})
    table.rules.delete(rule.id)
    with pytest.raises(NotFoundError):
        table.rules.get(rule.id)
    table.access.take(team="guards")
    with pytest.raises(NotFoundError):
        theirs.records.count()
    app.access.give("collaborator", user="ann")
    assert theirs.records.count() == 2
    app.access.take(user="ann")


def test_claims_of_a_key(server: RunningServer, client: Client, app: AppHandle) -> None:
    app.tables.create("main", "claimed", SCHEMA, materialize=True)
    table = app.table("claimed")
    table.records.create([{"name": "EU"}, {"name": "US"}])
    table.rules.create("region", read={"name": "$token.region"})
    made = client.keys.create(
        "robot", kind="service", role="operator", claims={"region": "EU"}, requests_per_minute=900
    )
    assert (made.claims, made.requests_per_minute) == ({"region": "EU"}, 900)
    with Client(server.url, key=made.key) as robot:
        assert [row["name"] for row in robot.app(app.slug).table("claimed").records] == ["EU"]


def test_the_audit_log(client: Client, ann: Client) -> None:
    client.teams.create("logged")
    client.teams.delete("logged")
    (entry, *_) = client.audit.list(action="team.delete", page_size=1)
    assert (entry.resource_name, entry.resource_kind) == ("logged", "team")
    assert client.audit.list(since=entry.at, until=entry.at).all() == []
    lines = b"".join(client.audit.export(resource_kind="team")).splitlines()
    assert json.loads(lines[0])["id"] == entry.id
    assert b"".join(client.audit.export("csv", resource_id=entry.resource_id)).startswith(b"id,at,")
    with pytest.raises(ForbiddenError):
        ann.audit.list().all()
