"""Webhooks over HTTP: who may do what, and what is refused."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from penstock.kit.context import Context
from penstock.notifications import service
from tests.notifications.conftest import URL, deliveries, subscribe, table
from tests.tables.conftest import Callers

pytestmark = pytest.mark.anyio
HOOK = "https://example.com/hook"
NEW: dict[str, Any] = {"url": HOOK, "events": ["table.created"]}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "", None, 200),
        ("POST", "", NEW, 201),
        ("GET", "/{hook}", None, 200),
        ("PATCH", "/{hook}", {"description": "x"}, 200),
        ("POST", "/{hook}/rotate", None, 200),
        ("GET", "/{hook}/deliveries", None, 200),
        ("GET", "/{hook}/deliveries/{delivery}", None, 200),
        ("POST", "/{hook}/deliveries/{delivery}/redeliver", None, 202),
        ("DELETE", "/{hook}", None, 204),
    ],
)
async def test_who_may_do_what(
    shop: httpx2.AsyncClient,
    callers: Callers,
    ctx: Context,
    method: str,
    path: str,
    body: Any,
    status: int,
) -> None:
    made = await subscribe(shop, HOOK)
    await table(shop, "products")
    (delivery,) = await deliveries(shop, made)
    async with ctx.db.control.transaction() as conn:
        await conn.execute("UPDATE penstock.webhook_deliveries SET state = 'failed'")
    url = URL + path.format(hook=made["id"], delivery=delivery["id"])
    for name, expected in (
        ("anonymous", 401),
        ("other", 404),
        ("nobody", 404),
        ("collaborator", 403),
        ("operator", 403),
        ("admin", status),
    ):
        answer = await callers[name].request(method, url, json=body)
        assert answer.status_code == expected, (name, answer.text)


async def test_the_secret_is_shown_once(shop: httpx2.AsyncClient, ctx: Context) -> None:
    made = await subscribe(shop, HOOK)
    assert made["secret"].startswith("whsec_")
    shown = [
        await shop.get(URL),
        await shop.get(f"{URL}/{made['id']}"),
        await shop.patch(f"{URL}/{made['id']}", json={"description": "d"}),
        await shop.get("/api/audit?resource_kind=webhook"),
    ]
    assert all(answer.status_code == 200 and made["secret"] not in answer.text for answer in shown)
    async with ctx.db.control.transaction() as conn:
        assert made["secret"] not in await conn.value("SELECT webhooks::text FROM penstock.webhooks")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "ftp://example.com/x"}, "url"),
        ({"url": "https:///nowhere"}, "url"),
        ({"url": "https://user:password@example.com"}, "url"),
        ({"url": "https://example.com/#here"}, "url"),
        ({"url": "https://example.com:99999/"}, "url"),
        ({"url": "https://example.com:0/"}, "url"),
        ({"url": "https://exa mple.com/"}, "url"),
        ({"url": "https://example.com/\r\nX: y"}, "url"),
        ({"url": "https://[::1/"}, "url"),
        ({"url": "https://bücher.example/"}, "url"),
        ({"url": "https://example.com/" + "x" * 2000}, "url"),
        ({"events": []}, "events"),
        ({"events": ["table.eaten"]}, "events[0]"),
        ({"stranger": True}, "stranger"),
    ],
)
async def test_what_is_refused(shop: httpx2.AsyncClient, changes: dict[str, Any], field: str) -> None:
    made = await subscribe(shop, HOOK)
    for answer in (
        await shop.post(URL, json={**NEW, **changes}),
        await shop.patch(f"{URL}/{made['id']}", json=changes),
    ):
        assert answer.status_code == 400 and list(answer.json()["errors"]) == [field], answer.text


async def test_only_so_many(shop: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST", 2)
    for _ in range(2):
        await subscribe(shop, HOOK)
    assert (await shop.post(URL, json=NEW)).status_code == 409


async def test_what_is_not_there(shop: httpx2.AsyncClient) -> None:
    made = await subscribe(shop, HOOK)
    for path in (f"{URL}/0", f"{URL}/x", f"{URL}/{made['id']}/deliveries/1", "/api/apps/nothing/webhooks"):
        assert (await shop.get(path)).status_code == 404
    assert (await shop.get(f"{URL}/{made['id']}/deliveries?state=eaten")).status_code == 400
    assert (await shop.get(f"{URL}/{made['id']}/deliveries?colour=red")).status_code == 400


async def test_lists(shop: httpx2.AsyncClient) -> None:
    made = [await subscribe(shop, HOOK) for _ in range(3)]
    assert [one["id"] for one in (await shop.get(URL)).json()] == [one["id"] for one in made]
    page = (await shop.get(f"{URL}?page=2&page_size=2")).json()
    assert page["count"] == 3 and len(page["results"]) == 1
