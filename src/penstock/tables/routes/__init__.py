"""HTTP for apps, data sources and data tables. Records have routes of their own, in `tables.records`."""

from __future__ import annotations

from litestar import Router
from litestar.di import Provide

from penstock.identity import principal, transaction
from penstock.tables.routes import app_tables, apps, openapi, rules, sharing, sources, tables

ROUTES = (
    Router(
        path="/",
        route_handlers=[
            *apps.ROUTES,
            *sharing.ROUTES,
            *openapi.ROUTES,
            *sources.ROUTES,
            *app_tables.ROUTES,
            *tables.ROUTES,
            *rules.ROUTES,
        ],
        dependencies={"principal": Provide(principal), "conn": Provide(transaction)},
    ),
)
