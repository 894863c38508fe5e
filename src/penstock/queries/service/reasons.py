"""Why a run failed: the database may quote rows in what it says, so that is for who would get the same ones."""

from __future__ import annotations

from typing import Final

import msgspec

from penstock.identity import Principal
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.queries import store
from penstock.queries.service import bound
from penstock.queries.service.authorizing import authorized
from penstock.queries.service.runs import Asked

HIDDEN: Final = "It failed; who asked for it sees why."
_asked: Final = msgspec.json.Decoder(Asked)


async def may_see(ctx: Context, principal: Principal, run: store.Stored) -> bool:
    """True for who asked, and for who would get the same rows by asking the same.

    A key that holds less than its user, or is for one query alone, has not asked what its user did.
    """
    if principal.bound is None:
        if principal.user_id is not None and not principal.narrowed and run.user_id == principal.user_id:
            return True
        if principal.key_id is not None and run.key_id == principal.key_id:
            return True
    async with ctx.db.control.transaction() as conn:
        payload = await store.payload(conn, run.run_id)
    if payload is None:
        return False
    try:
        request = _asked.decode(payload).request
        await bound.require(ctx, principal, run.query_id, request)
        query = await authorized(ctx, principal, request)
    except (errors.BadRequest, errors.Forbidden, errors.NotFound):
        return False
    return query.fingerprint == run.fingerprint
