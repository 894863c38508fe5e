"""API keys: a user's own, and all of the org for its admins."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import delete, get, patch, post
from litestar.response.base import ASGIResponse
from msgspec import UNSET

from penstock.identity import names
from penstock.identity.models import ApiKey, KeyKind, Place, Role
from penstock.identity.routes.common import Caller, Conn, answer_list, body, flag, parameters
from penstock.identity.schemas import KeyCreate, KeyOut, KeyPatch, NewKeyOut, role_of
from penstock.identity.service import keys
from penstock.identity.service.keys import KeyWish, Places
from penstock.identity.settings import IdentitySettings
from penstock.kit import errors, http
from penstock.kit.http import AnyRequest

_KEYS = ["/api/keys", "/api/auth/keys"]
_KEY = [f"{path}/{{key:str}}" for path in _KEYS]


@get(_KEYS)
async def list_keys(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    revoked = flag(parameters(request, "page", "page_size", "revoked"), "revoked") or False
    return await answer_list(
        request, lambda page: keys.list_keys(conn, principal, page, revoked=revoked), KeyOut.of
    )


@post(_KEYS)
async def create_key(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """Make a key; the answer is the only one that holds its secret."""
    parameters(request)
    wanted = await body(request, KeyCreate)
    _check_rate(request, principal, wanted.requests_per_minute)
    wish = KeyWish(
        KeyKind(wanted.kind),
        wanted.name,
        role_of(wanted.role),
        await _places(request, principal, conn, wanted),
        wanted.expires_at,
        wanted.requests_per_minute,
        wanted.claims,
    )
    return http.json(NewKeyOut.of_new(await keys.create_key(conn, principal, wish)), 201)


@get(_KEY)
async def read_key(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    return http.json(KeyOut.of(await _found(request, principal, conn)))


@patch(_KEY)
async def update_key(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    key = await _found(request, principal, conn, lock=True)
    wanted = await body(request, KeyPatch)
    values: dict[str, Any] = {
        name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not UNSET
    }
    changed = await keys.update_key(conn, principal, key, values) if values else key
    return http.json(KeyOut.of(changed))


@delete(_KEY, status_code=200)
async def revoke_key(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    """End a key, at once and everywhere."""
    parameters(request)
    await keys.revoke_key(conn, principal, await _found(request, principal, conn, lock=True))
    return http.empty()


async def _found(request: AnyRequest, principal: Caller, conn: Conn, *, lock: bool = False) -> ApiKey:
    key_id = names.resource_id(http.segment(request, "key"))
    return await keys.find_key(conn, principal, -1 if key_id is None else key_id, lock=lock)


async def _places(request: AnyRequest, principal: Caller, conn: Conn, wanted: KeyCreate) -> dict[Place, Role]:
    places: dict[Place, Role] = {}
    registry = http.context(request).get(Places)
    for slug, role in wanted.apps.items():
        place = await registry.find(conn, principal.org_id, "app", slug)
        if place is None or principal.role_on(place) is None:
            raise errors.Invalid({"apps": [f"There is no app '{slug[:80]}'."]})
        places[place] = Role.of(role)
    return places


def _check_rate(request: AnyRequest, principal: Caller, wanted: int | None) -> None:
    """A limit of one's own making may be lower than the server's, not higher; admins may lift it."""
    limit = http.context(request).settings(IdentitySettings).requests_per_minute
    admin = principal.org_role is not None and principal.org_role >= Role.ADMIN
    if wanted is not None and limit and wanted > limit and not admin:
        raise errors.Invalid({"requests_per_minute": [f"Only an admin can allow more than {limit}."]})


ROUTES = (list_keys, create_key, read_key, update_key, revoke_key)
