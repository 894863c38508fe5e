"""Tokens that show a dashboard to anybody: a key for the dashboard alone, which asks in the name of who shared it.

It has the reach that this one has at the moment it is used: what they may see no longer, it shows no longer; what row
rules keep from them, it keeps from its readers. Nor does it show what others have put into its mouth (`bound.require`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from penstock import identity
from penstock.identity import Principal, audit
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.queries.dashboards import Dashboard
from penstock.queries.service.bound import DASHBOARD, require_any_public, require_public
from penstock.queries.service.dashboards import KIND, SeenDashboard
from penstock.queries.store import dashboards as store


@dataclass(frozen=True, slots=True)
class Opened:
    """A dashboard that is shown to anybody, and the one by whose rights."""

    dashboard: Dashboard
    principal: Principal


async def share(ctx: Context, conn: Connection, principal: Principal, seen: SeenDashboard) -> str:
    """The token of the dashboard: the one it has, or a new one.

    Raises `Forbidden`, or `BadRequest` where none are given.
    """
    seen.require_share()
    await require_public(ctx, conn, principal.org_id)
    if principal.narrowed:
        raise errors.Forbidden("A key that holds less than its user shares nothing in their name.")
    number = seen.dashboard.id
    known = await token_of(ctx, conn, seen)
    if known is not None:
        return known
    token = await identity.give_bound_key(
        conn,
        ctx.keys.encryption,
        principal,
        (DASHBOARD, number),
        user_id=principal.user_id,
        key_id=principal.key_id,
    )
    await audit.record(conn, principal, "dashboard.share", KIND, number, seen.dashboard.name)
    return token


async def unshare(conn: Connection, principal: Principal, seen: SeenDashboard) -> None:
    """The token shows nothing from now on."""
    seen.require_share()
    if await identity.revoke_bound_key(conn, principal, (DASHBOARD, seen.dashboard.id)):
        await audit.record(conn, principal, "dashboard.unshare", KIND, seen.dashboard.id, seen.dashboard.name)


async def token_of(ctx: Context, conn: Connection, seen: SeenDashboard) -> str | None:
    """For who may share it; None when it is not shared."""
    if not seen.can_share:
        return None
    one = seen.dashboard
    found = await identity.bound_secrets(conn, ctx.keys.encryption, one.org_id, DASHBOARD, [one.id])
    return found.get(one.id)


async def opened_by(ctx: Context, token: str) -> Opened:
    """Raises `NotFound` for a token that shows nothing, `BadRequest` where none does."""
    require_any_public(ctx)
    # As if the token had come in a header, so that it counts and is remembered like any other key.
    carried: dict[str, Any] = {"method": "GET", "headers": [(b"x-api-key", token.encode())]}
    try:
        principal = await identity.authenticate(ctx, carried, bound=True)
    except errors.Unauthorized as error:
        raise errors.NotFound from error
    if principal.bound is None or principal.bound[0] != DASHBOARD:
        raise errors.NotFound
    async with ctx.db.control.transaction() as conn:
        await require_public(ctx, conn, principal.org_id)
        found = await store.find_dashboard(conn, principal.org_id, store.by_id(principal.bound[1]))
    if found is None or found.is_archived:
        raise errors.NotFound
    return Opened(found, principal)
