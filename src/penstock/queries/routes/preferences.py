"""HTTP for the settings of an org (contract section 3)."""

from __future__ import annotations

from litestar import get, post
from litestar.response.base import ASGIResponse

from penstock.identity import Principal, Role, audit
from penstock.kit import errors, http
from penstock.kit.http import AnyRequest
from penstock.queries.preferences import changed
from penstock.queries.routes.common import object_body
from penstock.queries.routes.saved import caller
from penstock.queries.store import preferences as store

_SETTINGS = "/api/settings/organization"


@get(_SETTINGS)
async def read_org_settings(request: AnyRequest) -> ASGIResponse:
    principal = await _admin(request)
    async with http.context(request).db.control.transaction() as conn:
        found = await store.find_preferences(conn, principal.org_id)
    return http.json({"settings": found.all})


@post(_SETTINGS, status_code=200)
async def change_org_settings(request: AnyRequest) -> ASGIResponse:
    """What the body does not name stays."""
    principal = await _admin(request)
    body = await object_body(request)
    async with http.context(request).db.control.transaction() as conn:
        before = await store.lock_preferences(conn, principal.org_id)
        after = changed(before, body)
        if after != before:
            await store.put_preferences(conn, principal.org_id, after)
            names = sorted(name for name in after.said if after.said[name] != before.said.get(name))
            detail = {"changed": {name: after.said[name] for name in names}}
            await audit.record(
                conn, principal, "org.settings", "org", principal.org_id, principal.org_slug, detail
            )
    return http.json({"settings": after.all})


async def _admin(request: AnyRequest) -> Principal:
    principal = await caller(request)
    if (principal.org_role or 0) < Role.ADMIN:
        raise errors.Forbidden
    return principal


ROUTES = (read_org_settings, change_org_settings)
