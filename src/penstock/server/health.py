"""`/api/health` and `/ping`: whether this process can do its work, for load balancers and for people."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import get
from litestar.response.base import ASGIResponse

from penstock import __version__
from penstock.kit import errors, http
from penstock.kit.context import Context
from penstock.server.stamp import MIGRATIONS

_PATIENCE = 3.0  # seconds

_SQL = (
    "SELECT current_setting('server_version') AS version,"
    " (SELECT string_agg(version_num, ',') FROM penstock.alembic_version) AS revision"
)


@get("/api/health")
async def health(request: http.AnyRequest) -> ASGIResponse:
    """200 when requests can be answered, 503 when the database cannot be reached."""
    report = await examine(http.context(request))
    return http.json(report, 200 if report["status"] == "ok" else 503)


@get("/ping")
async def ping() -> ASGIResponse:
    return ASGIResponse(body=b"PONG.", media_type="text/plain")


async def examine(context: Context) -> dict[str, Any]:
    report: dict[str, Any] = {"status": "ok", "version": __version__}
    try:
        async with asyncio.timeout(_PATIENCE), context.db.control.transaction() as connection:
            facts = await connection.row(_SQL)
            assert facts
    except (errors.PenstockError, TimeoutError) as error:
        reason = error.message if isinstance(error, errors.PenstockError) else "The database does not answer."
        report.update(
            status="unavailable", database={"ok": False, "detail": reason}, migrations={"current": None}
        )
        return report
    report["database"] = {"ok": True, "version": facts["version"]}
    report["migrations"] = {"current": facts["revision"] == newest_revision(), "revision": facts["revision"]}
    report["notifications"] = {"ok": context.listener.listening}
    return report


def newest_revision() -> str | None:
    """The revision this release brings a database to; read from the file names, because Alembic is heavy."""
    names = sorted(path.name for path in MIGRATIONS.glob("[0-9]*.py"))
    return names[-1].partition("_")[0] if names else None
