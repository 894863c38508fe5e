"""Destinations over HTTP: who may do what, what is refused, and that secrets stay where they are."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from penstock.kit.context import Context
from penstock.kit.crypto import KeyRing, new_ring
from penstock.kit.jobs import Run
from penstock.kit.jobs.cleaning import Nothing
from penstock.notifications.destinations.jobs import reseal
from tests.notifications.conftest import Receiver
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
ALL = "/api/destinations"
URL = "https://hooks.example.com/T0/zq7719secret"
SLACK: dict[str, Any] = {"name": "Chat", "type": "slack", "options": {"url": URL}}


async def create(owner: httpx2.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await owner.post(ALL, json={**SLACK, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "least"),
    [
        ("GET", "", None, 200, "collaborator"),
        ("GET", "/types", None, 200, "admin"),
        ("POST", "", {**SLACK, "name": "Another"}, 200, "admin"),
        ("GET", "/{id}", None, 200, "admin"),
        ("POST", "/{id}", {"name": "Renamed"}, 200, "admin"),
        ("GET", "/{id}/deliveries", None, 200, "admin"),
        ("POST", "/{id}/test", None, 200, "admin"),
        ("DELETE", "/{id}", None, 204, "admin"),
    ],
)
async def test_who_may_do_what(
    owner: httpx2.AsyncClient,
    callers: Callers,
    receiver: Receiver,
    method: str,
    path: str,
    body: Any,
    status: int,
    least: str,
) -> None:
    made = await create(owner, options={"url": receiver.url})
    url = ALL + path.format(id=made["id"])
    roles = ["collaborator", "operator", "admin"]
    expected = {role: status if roles.index(role) >= roles.index(least) else 403 for role in roles}
    for name, wanted in {"anonymous": 401, "nobody": 403, **expected}.items():
        if wanted == status and name != least and method != "GET":
            continue
        answer = await callers[name].request(method, url, json=body)
        assert answer.status_code == wanted, (name, answer.text)
    if "{id}" in path:
        assert (await callers["other"].request(method, url, json=body)).status_code == 404


async def test_secrets_are_written_and_not_read(owner: httpx2.AsyncClient, ctx: Context) -> None:
    made = await create(owner)
    path = f"{ALL}/{made['id']}"
    assert made["options"] == {"url": "--------"} and "secret" not in made
    hook = await create(owner, name="Hook", type="webhook", options={"url": "https://example.com/x"})
    assert hook["secret"].startswith("whsec_")
    shown = [await owner.get(one) for one in (ALL, path, f"{ALL}/{hook['id']}", "/api/audit")]
    assert all(URL not in one.text and hook["secret"] not in one.text for one in shown)
    # A mask keeps the secret; another kind begins without.
    assert (await owner.post(path, json={"options": {"url": "--------"}, "name": "Kept"})).status_code == 200
    kept = await owner.post(f"{ALL}/{hook['id']}", json={"options": {"url": "https://example.com/y"}})
    assert kept.json()["options"] == {"url": "https://example.com/y", "secret": "--------"}
    async with ctx.db.control.transaction() as conn:
        rows = await conn.rows("SELECT options::text AS o, sealed FROM penstock.destinations")
        assert not any(URL in row["o"] or URL in (row["sealed"] or "") for row in rows)
    turned = await owner.post(path, json={"type": "discord", "options": {"url": "--------"}})
    assert turned.status_code == 200 and turned.json()["options"] == {}
    tried = (await owner.post(f"{path}/test")).json()
    assert tried == {"ok": False, "message": "Its option 'url' has not been entered yet."}
    await owner.post(path, json={"options": {"url": URL}})
    # With a new key everything is sealed anew.
    old = ctx.keys.encryption
    ring = KeyRing((*new_ring().keys, *old.keys))
    ctx.keys = type(ctx.keys)(ctx.keys.signing, ring)
    run: Any = Run(ctx, 0, None, Nothing(), 1, True, None)  # type: ignore[arg-type]
    assert await reseal(ctx, run) == 2 and await reseal(ctx, run) == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": 5}, "name"),
        ({"type": "pigeon"}, "type"),
        ({"type": None}, "type"),
        ({"options": []}, "options"),
        ({"options": {}}, "options"),
        ({"options": {"url": 5}}, "options"),
        ({"options": {"url": "ftp://example.com"}}, "options"),
        ({"options": {"url": "https://user:x@example.com"}}, "options"),
        ({"options": {"url": "https://example.com/\n"}}, "options"),
        ({"type": "email", "options": {"addresses": "nobody"}}, "options"),
        ({"type": "email", "options": {"addresses": "a@b.c\r\nBcc: x@y.z"}}, "options"),
        ({"type": "email", "options": {"addresses": ", "}}, "options"),
        ({"type": "email", "options": {"addresses": "a@b.c", "smtp_port": 0}}, "options"),
        ({"type": "email", "options": {"addresses": "a@b.c", "smtp_port": True}}, "options"),
        ({"type": "email", "options": {"addresses": "a@b.c", "smtp_security": "rot13"}}, "options"),
        ({"type": "webhook", "options": {"url": "https://example.com", "secret": "short"}}, "options"),
    ],
)
async def test_what_is_refused(owner: httpx2.AsyncClient, body: dict[str, Any], field: str) -> None:
    answer = await owner.post(ALL, json={**SLACK, **body})
    assert answer.status_code == 400 and field in answer.json(), answer.text


async def test_names_are_taken_once(owner: httpx2.AsyncClient) -> None:
    made, other = await create(owner), await create(owner, name="Other")
    sentence = "Alert Destination with the name Chat already exists."
    for answer in (
        await owner.post(ALL, json=SLACK),
        await owner.post(f"{ALL}/{other['id']}", json={"name": "Chat"}),
    ):
        assert (answer.status_code, answer.json()["message"]) == (400, sentence)
    assert (await owner.post(f"{ALL}/{made['id']}", json={"name": "Chat"})).status_code == 200
    assert [one["name"] for one in (await owner.get(ALL)).json()] == ["Chat", "Other"]
    types = (await owner.get(f"{ALL}/types")).json()
    assert {one["type"] for one in types} >= {"email", "slack", "webhook", "discord", "mattermost"}
    assert types[0]["configuration_schema"]["required"] == ["addresses"]
    for path in ("/0", "/999", "/x", f"/{2**70}"):
        assert (await owner.get(ALL + path)).status_code == 404
    assert (await owner.get(f"{ALL}/{made['id']}/deliveries?state=lost")).status_code == 400


async def test_addresses_that_hold_line_breaks(owner: httpx2.AsyncClient) -> None:
    options = {"addresses": "=?utf-8?q?a=0ABcc:z?=@example.com", "smtp_host": "127.0.0.1", "smtp_port": 9}
    made = await create(owner, name="Odd", type="email", options=options)
    told = await owner.post(f"{ALL}/{made['id']}/test")
    assert told.status_code == 200, told.text
    assert "cannot stand in a letter" in told.text
