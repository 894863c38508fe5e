"""The ASGI application: the routes of every domain behind the edge, with one handler for all errors."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import cache
from hmac import compare_digest

from litestar import Litestar, get
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
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
    context.put(metrics)
    routes = framework()
    return Edge(Direct(routes, context), settings, metrics, _methods(routes))


class _Framework(Litestar):
    """The framework without its plug-in for pydantic: where that is installed, for another's sake, it is large."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


@cache
def framework() -> Litestar:
    """The routes, once for a process: they hold nothing, and requests bring the context along."""
    return _Framework(
        route_handlers=[
            health.health,
            health.ping,
            _show_metrics,
            openapi.openapi,
            docs_page.docs,
            docs_page.docs_file,
            *identity.ROUTES,
            *connectors.ROUTES,
            *notifications.ROUTES,
            *tables.ROUTES,
            *queries.ROUTES,
        ],
        exception_handlers={Exception: answers.answer},
        openapi_config=None,
        logging_config=None,
        # The edge limits bodies, and lets streamed imports through.
        request_max_body_size=None,
    )


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


@get("/metrics")
async def _show_metrics(request: http.AnyRequest) -> ASGIResponse:
    ctx = http.context(request)
    key = ctx.settings(ServerSettings).metrics_key
    sent = request.headers.get("authorization", "").encode()
    if key and not compare_digest(sent, f"Bearer {key}".encode()):
        raise errors.Unauthorized("The metrics key is needed: `Authorization: Bearer <key>`.")
    text = ctx.get(Metrics).render(await _job_counts(ctx))
    return ASGIResponse(body=text, media_type="text/plain; version=0.0.4; charset=utf-8")
