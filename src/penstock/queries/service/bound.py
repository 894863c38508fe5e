"""Keys of single queries: whom they ask for, and that they ask nothing which others have put into their mouth."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from penstock import identity
from penstock.identity import Principal, Role
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.queries.dashboards import Widget
from penstock.queries.run.request import QueryRequest
from penstock.queries.saved import SavedQuery
from penstock.queries.service.authorizing import authorized
from penstock.queries.settings import QueriesSettings
from penstock.queries.store import dashboards, saved
from penstock.queries.store.preferences import find_preferences

QUERY: Final = "query"
DASHBOARD: Final = "dashboard"
_NOT_ITS_WORDS: Final = (
    "Who changed this query last would be given other rows than the one in whose name the key asks; the owner of the "
    "query has to save it again before its key reads it."
)

_NOT_PUBLIC: Final = "Public URLs are disabled."
_NOT_ITS_PLACE: Final = (
    "Who put the query on the dashboard would be given other rows than the one who shares it; that one has to save the "
    "widget before it is shown."
)


async def within(conn: Connection, principal: Principal, query_id: int) -> bool:
    """Whether a caller may know of this query as far as their key goes, which may be for one thing alone."""
    if principal.bound is None:
        return True
    kind, number = principal.bound
    if kind == DASHBOARD:
        return bool(await dashboards.widgets_of_query(conn, number, query_id))
    return kind == QUERY and number == query_id


def author(principal: Principal) -> dict[str, Any]:
    """Who writes what a query asks, as the query holds it."""
    own = principal.user_id is None or principal.narrowed
    return {"written_by": principal.user_id, "written_key_id": principal.key_id if own else None}


async def require(ctx: Context, principal: Principal, query_id: int | None, request: QueryRequest) -> None:
    """A key asks in the name of one, and others may change its query: these must be given the same rows.

    Raises `Forbidden` otherwise; who came by themself is not held to it. `request` has its choices settled.
    """
    if principal.bound is None:
        return
    async with ctx.db.control.transaction() as conn:
        if principal.bound[0] == DASHBOARD:
            await require_public(ctx, conn, principal.org_id)
        found = None
        widgets: list[Widget] = []
        if query_id is not None:
            found = await saved.find_query(conn, principal.org_id, query_id=query_id)
            if principal.bound[0] == DASHBOARD:
                widgets = await dashboards.widgets_of_query(conn, principal.bound[1], query_id)
    if found is None:
        raise errors.NotFound
    if not await _same(ctx, principal, (found.written_by, found.written_key_id), request):
        raise errors.Forbidden(_NOT_ITS_WORDS)
    if principal.bound[0] != DASHBOARD:
        return
    for widget in widgets:
        if await _same(ctx, principal, (widget.placed_by, widget.placed_key_id), request):
            return
    raise errors.Forbidden(_NOT_ITS_PLACE)


def require_any_public(ctx: Context) -> None:
    """Raises `BadRequest` where no org shares dashboards with everybody."""
    if not ctx.settings(QueriesSettings).public_dashboards:
        raise errors.BadRequest(_NOT_PUBLIC)


async def require_public(ctx: Context, conn: Connection, org_id: int) -> None:
    """Raises `BadRequest` where the org shares no dashboards with everybody."""
    require_any_public(ctx)
    if (await find_preferences(conn, org_id)).value("disable_public_urls"):
        raise errors.BadRequest(_NOT_PUBLIC)


async def _same(
    ctx: Context, principal: Principal, other: tuple[int | None, int | None], request: QueryRequest
) -> bool:
    """Whether another user, or who has another key, would be given the same rows."""
    user_id, key_id = other
    if key_id is None and user_id == principal.user_id is not None:
        return True
    mine = await authorized(ctx, principal, request)
    try:
        who = await identity.recall(ctx, org_id=principal.org_id, user_id=user_id, key_id=key_id)
        return mine.fingerprint == (await authorized(ctx, who, request)).fingerprint
    except (errors.Unauthorized, errors.BadRequest, errors.Forbidden, errors.NotFound):
        return False


async def give_key(ctx: Context, conn: Connection, principal: Principal, query: SavedQuery) -> None:
    """Make the key of a query, in place of the one it has. Raises `Conflict` for a query that is nobody's."""
    if query.user_id is None and query.key_id is None:
        raise errors.Conflict(
            "Nobody owns this query any more, so there is nobody in whose name a key could ask."
        )
    place = (QUERY, query.id)
    await identity.give_bound_key(
        conn, ctx.keys.encryption, principal, place, user_id=query.user_id, key_id=query.key_id
    )


def may_hand_out(principal: Principal, query: SavedQuery) -> bool:
    """True for who owns the query or administers the org, and came with all they hold."""
    if principal.bound is not None or principal.narrowed:
        return False
    own = (
        query.user_id == principal.user_id
        if principal.user_id is not None
        else query.key_id == principal.key_id
    )
    return own or (principal.org_role or 0) >= Role.ADMIN


async def secrets_of(
    ctx: Context, conn: Connection, principal: Principal, queries: Collection[SavedQuery]
) -> Mapping[int, str | None]:
    """The keys of those of these queries whose keys the caller may hand out."""
    ids = [query.id for query in queries if may_hand_out(principal, query)]
    found = await identity.bound_secrets(conn, ctx.keys.encryption, principal.org_id, QUERY, ids)
    return {number: found.get(number) for number in ids}
