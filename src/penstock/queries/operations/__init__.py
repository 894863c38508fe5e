"""What this domain offers over HTTP, declared for the OpenAPI document; `routes` does it."""

from __future__ import annotations

from typing import Final

from penstock.kit.openapi import Operation
from penstock.queries.alerts import operations as alerts
from penstock.queries.operations import dashboards, installation, results, saved, sharing, sources, sql
from penstock.queries.schedules import operations as schedules

TAGS: Final = {
    "Queries": "SQL with a name. Every path below `/api/queries`, `/api/query_results` and `/api/jobs` is served "
    "without `/api`, too.",
    "Data sources": "What queries ask: the data sources of apps, and foreign systems.",
    "Results": "Running queries, their jobs, and the rows that they found.",
    "Dashboards": "Ways to show the rows of queries, and dashboards of them, which can be shared with anybody.",
    **alerts.TAGS,
}
OPERATIONS: Final[tuple[Operation, ...]] = (
    *saved.OPERATIONS,
    *sharing.OPERATIONS,
    *results.OPERATIONS,
    *sources.OPERATIONS,
    *sql.OPERATIONS,
    *dashboards.OPERATIONS,
    *installation.OPERATIONS,
    *schedules.OPERATIONS,
    *alerts.OPERATIONS,
)
