"""Orgs: making one, naming it, and who belongs to it."""

from __future__ import annotations

from penstock.identity import audit, changes, names
from penstock.identity.events import OrgCreated
from penstock.identity.models import Grant, Membership, Org, Principal, Role
from penstock.identity.store import people
from penstock.kit import errors, ids
from penstock.kit.db import Connection
from penstock.kit.events import Events


async def create_org(
    conn: Connection, events: Events, by: Principal | None, slug: str, name: str, owner_id: int | None
) -> Org:
    """Make an org and announce it, so that its schema and role come to be in the same transaction."""
    names.check_slug(slug)
    if await people.org_by_slug(conn, slug):
        raise errors.Conflict(f"There is an org with the slug '{slug}' already.")
    suffix = ids.lower(12)
    values = {
        "slug": slug,
        "name": name,
        "database_schema": f"org_{suffix}",
        "database_role": f"penstock_org_{suffix}",
    }
    org = await people.insert_org(conn, values)
    await events.announce(conn, OrgCreated(org))
    if owner_id is not None:
        await people.put_member(conn, org.id, owner_id, Role.OWNER)
    await audit.record(conn, by, "org.create", "org", org.id, slug, org_id=org.id)
    return org


async def rename_org(conn: Connection, grant: Grant, name: str) -> Org:
    org = await people.update_org(conn, grant.org_id, {"name": name})
    await audit.record(conn, grant.principal, "org.update", "org", org.id, org.slug, {"name": name})
    return org


async def orgs_of(conn: Connection, principal: Principal) -> list[Membership]:
    """The orgs a caller can reach: a user's own, or the one that a key belongs to."""
    if principal.user_id is not None and principal.key_id is None:
        return await people.memberships_of(conn, principal.user_id)
    org = await people.org_by_id(conn, principal.org_id)
    return [Membership(org, principal.org_role)] if org else []


async def org_of(conn: Connection, principal: Principal, slug: str) -> Membership:
    """One of the caller's orgs. Raises `NotFound` for any other."""
    for membership in await orgs_of(conn, principal):
        if membership.org.slug == slug:
            return membership
    raise errors.NotFound


async def in_org(conn: Connection, principal: Principal, slug: str) -> Principal:
    """The caller as a principal of one of their orgs, which may be another than that of the credential."""
    if slug == principal.org_slug:
        return principal
    membership = await org_of(conn, principal, slug)
    return Principal(
        org_id=membership.org.id,
        org_slug=membership.org.slug,
        kind=principal.kind,
        user_id=principal.user_id,
        key_id=principal.key_id,
        username=principal.username,
        email=principal.email,
        org_role=membership.role,
        expires_at=principal.expires_at,
        is_platform_admin=principal.is_platform_admin,
        family=principal.family,
        claims=principal.claims,
    )


async def guard_last_owner(conn: Connection, org_id: int) -> None:
    """To be called before an owner stops being one. Raises `Conflict` when nobody else is."""
    # Two owners who demote each other at once wait for one another here.
    await people.org_by_id(conn, org_id, lock=True)
    if await people.owners(conn, org_id) < 2:
        raise errors.Conflict("An org keeps at least one owner; make somebody else owner first.")


async def leave(conn: Connection, org_id: int, user_id: int) -> None:
    """Forget a member: tell every process."""
    await people.delete_member(conn, org_id, user_id)
    await changes.user_changed(conn, user_id)
