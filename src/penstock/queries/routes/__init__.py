"""HTTP for queries, their runs and their results, in both dialects."""

from penstock.queries.routes import files, running, saved, session, sources

ROUTES = (*saved.ROUTES, *running.ROUTES, *files.ROUTES, *sources.ROUTES, *session.ROUTES)
