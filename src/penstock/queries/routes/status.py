"""HTTP for how the whole installation does, for who administers it (contract section 3)."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.response.base import ASGIResponse

from penstock import __version__
from penstock.kit import clock, errors, http, jobs
from penstock.kit.db import Connection
from penstock.kit.http import AnyRequest
from penstock.kit.jobs import RunState
from penstock.queries import store
from penstock.queries.routes.common import moment
from penstock.queries.routes.saved import caller


@get("/status.json")
async def read_status(request: AnyRequest) -> ASGIResponse:
    """Counts of all orgs, and what waits."""
    await _require_platform(request)
    async with http.context(request).db.control.transaction() as conn:
        found = await store.installed(conn)
        waiting = await _waiting(conn)
        workers = await jobs.workers(conn)
    counted = {f"{name}_count": found[name] for name in _COUNTED}
    queues = {name: {"size": number} for name, number in waiting.items()}
    outdated = {"outdated_queries_count": found["outdated"]}
    shown: dict[str, Any] = {
        "version": __version__,
        **counted,
        "workers": [one.name for one in workers],
        "manager": {**outdated, "last_refresh_at": clock.now().timestamp(), "queues": queues},
        "database_metrics": {
            "metrics": [["Query Results Size", found["results_size"]], ["Database Size", found["size"]]]
        },
    }
    return http.json(shown)


_COUNTED = ("dashboards", "queries", "query_results", "unused_query_results", "widgets")


@get("/api/admin/queries/rq_status")
async def read_queue_status(request: AnyRequest) -> ASGIResponse:
    """What waits, what runs, and who runs it: kinds of work are queues, as the dialect has it."""
    await _require_platform(request)
    async with http.context(request).db.control.transaction() as conn:
        waiting = await _waiting(conn)
        workers, running = await jobs.workers(conn), await jobs.running(conn)
    queues: dict[str, dict[str, Any]] = {
        name: {"name": name, "queued": number, "started": []} for name, number in waiting.items()
    }
    busy: dict[str, str] = {}
    for one in running:
        queue = queues.setdefault(one.job, {"name": one.job, "queued": 0, "started": []})
        shown = {"id": str(one.id), "name": one.job, "origin": one.job}
        times = {"enqueued_at": moment(one.created_at), "started_at": moment(one.started_at)}
        queue["started"].append({**shown, **times, "meta": {"org_id": one.org_id}})
        busy.setdefault(str(one.worker), str(one.id))
    shown_workers: list[dict[str, Any]] = [
        {
            "name": one.name,
            "state": "busy" if str(one.id) in busy else "idle",
            "current_job": busy.get(str(one.id)),
            "concurrency": one.concurrency,
            "birth_date": moment(one.started_at),
            "last_heartbeat": moment(one.beat_at),
        }
        for one in workers
    ]
    return http.json({"queues": queues, "workers": shown_workers})


async def _waiting(conn: Connection) -> dict[str, int]:
    """How many runs of each job wait; 0 of those that only run, or did."""
    counts = await jobs.counts(conn)
    found = dict.fromkeys(sorted({job for job, _ in counts}), 0)
    return found | {job: number for (job, state), number in counts.items() if state is RunState.TODO}


async def _require_platform(request: AnyRequest) -> None:
    if not (await caller(request)).is_platform_admin:
        raise errors.Forbidden


ROUTES = (read_status, read_queue_status)
