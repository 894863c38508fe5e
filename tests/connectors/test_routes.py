"""Credentials over HTTP: who may do what, what is stored, what is never answered."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from penstock.kit.context import Context
from penstock.kit.crypto import KeyRing, Keys, new_ring
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
URL = "/api/credentials"
PASSWORD = "a very secret password"
NEW: dict[str, Any] = {
    "name": "Shop",
    "kind": "postgresql",
    "settings": {"host": "db.example.com", "database": "shop", "user": "reader"},
    "secrets": {"password": PASSWORD},
}
DEFAULTS = {"port": 5432, "sslmode": "prefer"}


async def create(client: httpx2.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await client.post(URL, json={**NEW, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", URL, None),
        ("GET", f"{URL}/kinds", None),
        ("POST", URL, {**NEW, "name": "another"}),
        ("GET", f"{URL}/{{id}}", None),
        ("PATCH", f"{URL}/{{id}}", {"description": "x"}),
        ("POST", f"{URL}/{{id}}/check", None),
        ("DELETE", f"{URL}/{{id}}", None),
    ],
)
async def test_who_may_do_what(
    callers: Callers, owner: httpx2.AsyncClient, method: str, path: str, body: Any
) -> None:
    made = await create(owner, settings={**NEW["settings"], "host": "127.0.0.1", "port": 1})
    of_org = "{id}" not in path
    for name, status in (
        ("anonymous", 401),
        ("nobody", 403),
        ("collaborator", 403),
        ("operator", 403),
        ("other", None if of_org else 404),
        ("admin", 204 if method == "DELETE" else 201 if path == URL and body else 200),
    ):
        answer = await callers[name].request(method, path.format(id=made["id"]), json=body)
        assert status is None or answer.status_code == status, (name, answer.text)
        if name == "other" and of_org:
            assert "Shop" not in answer.text


async def test_a_secret_is_never_answered_nor_stored_in_the_open(
    owner: httpx2.AsyncClient, ctx: Context
) -> None:
    made = await create(owner)
    path = f"{URL}/{made['id']}"
    assert made["settings"] == {**NEW["settings"], **DEFAULTS}
    answers = [
        await owner.get(URL),
        await owner.get(path),
        await owner.patch(path, json={"secrets": {"password": f"{PASSWORD} 2"}}),
        await owner.get("/api/audit?resource_kind=credential"),
    ]
    assert all(answer.status_code == 200 and PASSWORD not in answer.text for answer in answers)
    assert [entry["action"] for entry in answers[-1].json()["results"]] == [
        "credential.alter",
        "credential.create",
    ]
    async with ctx.db.control.transaction() as conn:
        row = await conn.value("SELECT credentials::text FROM penstock.credentials")
    assert PASSWORD not in row and "password" not in row


async def test_lists(owner: httpx2.AsyncClient) -> None:
    for name in ("b", "a", "c"):
        await create(owner, name=name)
    assert [one["name"] for one in (await owner.get(URL)).json()] == ["a", "b", "c"]
    page = (await owner.get(f"{URL}?page=2&page_size=2")).json()
    assert page["count"] == 3 and [one["name"] for one in page["results"]] == ["c"]


async def test_the_kinds(owner: httpx2.AsyncClient) -> None:
    kinds = {one["kind"]: one for one in (await owner.get(f"{URL}/kinds")).json()}
    assert set(kinds) == {"postgresql", "mysql", "mongodb", "sqlite", "duckdb", "csv", "parquet"}
    assert kinds["postgresql"]["settings"]["required"] == ["host", "database", "user"]
    assert kinds["postgresql"]["secrets"]["properties"]["password"]["maxLength"] == 4096


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "postgres"}, "kind"),
        ({"settings": {"host": "x"}}, "settings"),
        ({"settings": {**NEW["settings"], "colour": 1}}, "settings"),
        ({"settings": {**NEW["settings"], "port": 70000}}, "settings.port"),
        ({"settings": {**NEW["settings"], "port": "5432"}}, "settings.port"),
        ({"settings": {**NEW["settings"], "host": "/var/run"}}, "settings.host"),
        ({"settings": {**NEW["settings"], "host": "a,b c"}}, "settings.host"),
        ({"settings": {**NEW["settings"], "user": "a\0b"}}, "settings"),
        ({"secrets": {}}, "secrets"),
        ({"secrets": {"password": ""}}, "secrets.password"),
        ({"name": ""}, "name"),
        ({"name": "x" * 129}, "name"),
        ({"stranger": 1}, "stranger"),
    ],
)
async def test_what_is_refused(owner: httpx2.AsyncClient, changes: dict[str, Any], field: str) -> None:
    answer = await owner.post(URL, json={**NEW, **changes})
    assert answer.status_code == 400 and list(answer.json()["errors"]) == [field], answer.text
    assert PASSWORD not in answer.text


async def test_names_are_unique_in_an_org(owner: httpx2.AsyncClient, callers: Callers) -> None:
    await create(owner)
    other = await create(owner, name="Other")
    await create(callers["other"])
    for answer in (
        await owner.post(URL, json=NEW),
        await owner.patch(f"{URL}/{other['id']}", json={"name": "Shop"}),
    ):
        assert answer.status_code == 409 and "Shop" in answer.json()["errors"]["name"][0]


async def test_new_settings_need_the_secrets_again(owner: httpx2.AsyncClient) -> None:
    """Or an admin who does not know a password could have it sent to a host of theirs."""
    made = await create(owner)
    path = f"{URL}/{made['id']}"
    elsewhere = {**NEW["settings"], "host": "evil.example.com"}
    refused = await owner.patch(path, json={"settings": elsewhere})
    assert refused.status_code == 400 and list(refused.json()["errors"]) == ["secrets"]
    assert (await owner.get(path)).json()["settings"]["host"] == "db.example.com"
    same = await owner.patch(path, json={"settings": {**NEW["settings"], **DEFAULTS}, "description": "d"})
    assert same.status_code == 200 and same.json()["description"] == "d"
    given = await owner.patch(path, json={"settings": elsewhere, "secrets": {"password": "another"}})
    assert given.json()["settings"]["host"] == "evil.example.com"
    assert given.json()["secrets_changed_at"] > made["secrets_changed_at"]


async def test_secrets_follow_the_key(owner: httpx2.AsyncClient, ctx: Context) -> None:
    from penstock.connectors.jobs import reseal
    from penstock.kit.jobs import Run
    from penstock.kit.jobs.cleaning import Nothing

    made = await create(owner)
    old = ctx.keys
    run: Any = Run(ctx, 1, None, Nothing(), 1, True, made["id"])
    assert await reseal(ctx, run) == 0
    newest = new_ring()
    ctx.keys = Keys(old.signing, KeyRing((*newest.keys, *old.encryption.keys)))
    assert await reseal(ctx, run) == 1
    ctx.keys = Keys(old.signing, newest)
    async with ctx.db.control.transaction() as conn:
        row = await conn.row("SELECT uid, sealed FROM penstock.credentials")
    assert row and PASSWORD in newest.decrypt(row["sealed"], context=f"credential:{row['uid']}")
    ctx.keys = Keys(old.signing, new_ring())
    lost = await owner.post(f"{URL}/{made['id']}/check")
    assert lost.status_code == 409 and "give them again" in lost.json()["detail"]


async def test_deleted_is_gone(owner: httpx2.AsyncClient) -> None:
    made = await create(owner)
    assert (await owner.delete(f"{URL}/{made['id']}")).status_code == 204
    for path in (made["id"], "0", "99999999999999999999999", "abc", "1%2F2"):
        assert (await owner.get(f"{URL}/{path}")).status_code == 404
