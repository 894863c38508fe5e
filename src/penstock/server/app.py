"""The ASGI application: the routes of every domain behind the edge, with one handler for all errors."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from hmac import compare_digest
from typing import Any

from litestar import Litestar, get
from litestar.datastructures import State
from litestar.response.base import ASGIResponse

from penstock import connectors, identity, notifications, queries, tables
from penstock.kit import errors, http, jobs
from penstock.kit.context import Context
from penstock.kit.openapi import Documents
from penstock.server import answers, docs_page, health, openapi
from penstock.server.direct import Direct
from penstock.server.edge import Edge
from penstock.server.metrics import Metrics
from penstock.server.settings import ServerSettings

_PATIENCE = 2.0  # seconds


def create_app(context: Context, metrics: Metrics | None = None) -> Edge:
    """The whole application over handles that somebody else opens and closes."""
    settings = context.settings(ServerSettings)
    metrics = metrics or Metrics()
    context.put(Documents())
    context.put(openapi.information(settings))
    application = Litestar(
        route_handlers=[
            *_own_routes(metrics, settings),
            *identity.ROUTES,
            *connectors.ROUTES,
            *notifications.ROUTES,
            *tables.ROUTES,
            *queries.ROUTES,
        ],
        exception_handlers={Exception: answers.answer},
        state=State({"context": context}),
        openapi_config=None,
        logging_config=None,
        # The edge limits bodies, and lets streamed imports through.
        request_max_body_size=None,
    )
    return Edge(Direct(application), settings, metrics, _methods(application))


def _methods(application: Litestar) -> dict[str, set[str]]:
    """The methods of each path, which may be several routes of the framework."""
    found: dict[str, set[str]] = {}
    for route in application.routes:
        found.setdefault(route.path_format, set()).update(getattr(route, "methods", ()))
    return found


async def _job_counts(context: Context) -> dict[tuple[str, str], int]:
    """Nothing while the database does not answer: the other figures are wanted then most."""
    with suppress(errors.PenstockError, TimeoutError):
        async with asyncio.timeout(_PATIENCE), context.db.control.transaction() as conn:
            return {(job, state.value): number for (job, state), number in (await jobs.counts(conn)).items()}
    return {}


def _own_routes(metrics: Metrics, settings: ServerSettings) -> list[Any]:
    @get("/metrics")
    async def show_metrics(request: http.AnyRequest) -> ASGIResponse:
        sent = request.headers.get("authorization", "").encode()
        if settings.metrics_key and not compare_digest(sent, f"Bearer {settings.metrics_key}".encode()):
            raise errors.Unauthorized("The metrics key is needed: `Authorization: Bearer <key>`.")
        known = await _job_counts(http.context(request))
        return ASGIResponse(body=metrics.render(known), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [health.health, health.ping, show_metrics, openapi.openapi, docs_page.docs, docs_page.docs_file]
