"""Running queries for who is not there: as the owner of a schedule or an alert, with what they may do by now."""

from __future__ import annotations

from penstock import identity
from penstock.identity import Principal
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.queries.access import ACTIONS, role_at
from penstock.queries.saved import SavedQuery
from penstock.queries.service import saved
from penstock.queries.service.authorizing import is_safe


class NoLonger(Exception):
    """They may not (any more); the message is a sentence."""


async def recall(ctx: Context, org_id: int, user_id: int | None, key_id: int | None) -> Principal:
    """Raises `NoLonger`."""
    try:
        return await identity.recall(ctx, org_id=org_id, user_id=user_id, key_id=key_id)
    except errors.Unauthorized as error:
        raise NoLonger("Its owner is no longer there, and it runs with their rights.") from error


async def require_runnable(ctx: Context, owner: Principal, query: SavedQuery) -> None:
    """Raises `NoLonger` for who may not run the query."""
    if query.data_source_id is None and query.slug is None:
        raise NoLonger("Its data source is gone.")
    try:
        async with ctx.db.control.transaction() as conn:
            seen = await saved.find(conn, owner, query.id)
    except errors.NotFound as error:
        raise NoLonger("Its owner no longer sees the query.") from error
    if query.data_source_id is not None and seen.source is None:
        raise NoLonger("Its owner no longer sees the data source.")
    if (role_at(owner, seen.source) or 0) < ACTIONS["query.run"] and not is_safe(query):
        raise NoLonger("Its owner may not run the query: it takes text, which asks for the role `operator`.")
