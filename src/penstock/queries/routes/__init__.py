"""HTTP for queries, their runs and their results, in both dialects; and for what shows them."""

from penstock.queries.alerts import routes as alerts
from penstock.queries.routes import (
    dashboards,
    describing,
    files,
    groups,
    pages,
    preferences,
    rights,
    running,
    saved,
    session,
    snippets,
    sources,
    sql,
    status,
    usage,
    versions,
    visualizations,
    widgets,
    writing,
)
from penstock.queries.schedules import routes as schedules

ROUTES = (
    *saved.ROUTES,
    *versions.ROUTES,
    *rights.ROUTES,
    *groups.ROUTES,
    *snippets.ROUTES,
    *describing.ROUTES,
    *writing.ROUTES,
    *running.ROUTES,
    *files.ROUTES,
    *sources.ROUTES,
    *session.ROUTES,
    *sql.ROUTES,
    *preferences.ROUTES,
    *usage.ROUTES,
    *status.ROUTES,
    *schedules.ROUTES,
    *alerts.ROUTES,
    *visualizations.ROUTES,
    *dashboards.ROUTES,
    *widgets.ROUTES,
    *pages.ROUTES,
)
