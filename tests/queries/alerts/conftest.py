"""The shop of the routes' tests, with mail, and a worker that runs queries, looks for alerts and tells of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from penstock import queries
from penstock.notifications.settings import NotificationsSettings
from penstock.server.settings import Settings
from tests.databases import TestDatabase
from tests.kit.jobs.conftest import working
from tests.notifications.destinations.conftest import SENDING, Post, mailing, post
from tests.queries.routes.conftest import Asking, asking, database, results, shop
from tests.tables.conftest import callers, owner

__all__ = ["asking", "callers", "database", "owner", "post", "results", "shop"]
ALERTS = "/api/alerts"
QUERIES = "/api/queries"


@pytest.fixture
async def worker(database: TestDatabase, post: Post) -> AsyncIterator[None]:
    """Somebody who runs queries and sends messages."""
    settings = replace(NotificationsSettings(), **mailing(post))
    sections = {**database.settings.sections, NotificationsSettings: settings}
    mailed = replace(database, settings=Settings(sections))
    async with working(mailed, (*queries.HANDLERS, SENDING)):
        yield


async def query_of(asking: Asking, text: str, **body: Any) -> dict[str, Any]:
    given = {"data_source_id": asking.source, "query": text, "name": "Watched", **body}
    answer = await asking.client.post(QUERIES, json=given)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def alert_on(
    client: httpx2.AsyncClient, query: dict[str, Any], rearm: int | None = None, **options: Any
) -> dict[str, Any]:
    given = {"column": "n", "op": ">", "value": 10, **options}
    answer = await client.post(
        ALERTS, json={"name": "Many", "query_id": query["id"], "options": given, "rearm": rearm}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def read(client: httpx2.AsyncClient, alert: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(f"{ALERTS}/{alert['id']}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def run(
    asking: Asking, query: dict[str, Any], client: httpx2.AsyncClient | None = None, **values: Any
) -> None:
    """Run it anew, to its end."""
    by = client or asking.client
    answer = await by.post(f"{QUERIES}/{query['id']}/results", json={"max_age": 0, "parameters": values})
    assert answer.status_code == 200, answer.text
    await replace(asking, client=by).end(answer.json()["job"]["id"])
