"""HTTP for identity."""

from __future__ import annotations

from litestar import Router
from litestar.di import Provide

from penstock.identity.authenticate import principal, transaction
from penstock.identity.routes import accounts, audit, auth, keys, letters, orgs, teams, users

ROUTES = (
    Router(
        path="/",
        route_handlers=[
            *auth.ROUTES,
            *users.ROUTES,
            *accounts.ROUTES,
            *letters.ROUTES,
            *orgs.ROUTES,
            *keys.ROUTES,
            *teams.ROUTES,
            *audit.ROUTES,
        ],
        dependencies={"principal": Provide(principal), "conn": Provide(transaction)},
    ),
)
