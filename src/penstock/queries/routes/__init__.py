"""HTTP for queries, their runs and their results, in both dialects."""

from penstock.queries.alerts import routes as alerts
from penstock.queries.routes import files, running, saved, session, sources, sql
from penstock.queries.schedules import routes as schedules

ROUTES = (
    *saved.ROUTES,
    *running.ROUTES,
    *files.ROUTES,
    *sources.ROUTES,
    *session.ROUTES,
    *sql.ROUTES,
    *schedules.ROUTES,
    *alerts.ROUTES,
)
