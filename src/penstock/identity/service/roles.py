"""Roles on single resources: giving, listing and taking them. Routes belong to the domain of the resource."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.identity import audit, changes, names
from penstock.identity.models import Assignment, Grant, KeyKind, Place, Role, SubjectKind
from penstock.identity.service.users import check_gives
from penstock.identity.store import keys, people, roles, teams
from penstock.kit import errors
from penstock.kit.db import Connection


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is to hold a role: a member, a service key, a team, or every member of the org."""

    kind: SubjectKind
    id: int
    name: str


async def find_subject(conn: Connection, grant: Grant, kind: SubjectKind, ident: str) -> Subject:
    """By id or username (user), id (key), id or slug (team); the org needs no name. Raises `Invalid`."""
    number = names.resource_id(ident)
    if kind is SubjectKind.ORG:
        return Subject(kind, grant.org_id, grant.principal.org_slug)
    if kind is SubjectKind.KEY:
        key = await keys.key(conn, grant.org_id, number) if number and number > 0 else None
        if key and key.kind is KeyKind.SERVICE and key.revoked_at is None:
            return Subject(kind, key.id, key.name)
        raise errors.Invalid({"key": [f"There is no service key with the id '{ident[:80]}' in this org."]})
    if kind is SubjectKind.TEAM:
        team = await teams.team(conn, grant.org_id, ident)
        if team is None:
            raise errors.Invalid({"team": [f"There is no team '{ident[:80]}' in this org."]})
        return Subject(kind, team.id, team.slug)
    found = None
    if number is not None and number > 0:
        found = await people.member(conn, grant.org_id, user_id=number)
    elif number is None and "\0" not in ident:
        found = await people.member(conn, grant.org_id, username=ident)
    if found is None:
        raise errors.Invalid({"user": [f"There is no member '{ident[:80]}' in this org."]})
    return Subject(kind, found.user.id, found.user.username)


async def assign_role(
    conn: Connection, grant: Grant, subject: Subject, role: Role, name: str | None = None
) -> Assignment:
    """Give a role on the resource of the grant, or change the one held there. `name`: of the resource."""
    place = _place(grant)
    check_gives(grant.principal, role, grant.role)
    await _check_rank(conn, grant, place, subject)
    await roles.put(conn, grant.org_id, place, subject.kind, subject.id, role)
    await _changed(conn, subject)
    detail = {
        "subject": subject.kind.value,
        "subject_id": subject.id,
        "name": subject.name,
        "role": role.label,
    }
    await audit.record(conn, grant.principal, "access.assign", place[0], place[1], name, detail)
    return Assignment(place, subject.kind, subject.id, subject.name, role)


async def list_roles(conn: Connection, grant: Grant) -> list[Assignment]:
    """Who holds a role on the resource of the grant itself; roles in the org are listed with its members."""
    return await roles.on_place(conn, grant.org_id, _place(grant))


async def remove_role(conn: Connection, grant: Grant, subject: Subject, name: str | None = None) -> None:
    """Take the role away. Raises `NotFound` when none is held."""
    place = _place(grant)
    await _check_rank(conn, grant, place, subject)
    if not await roles.remove(conn, grant.org_id, place, subject.kind, subject.id):
        raise errors.NotFound
    await _changed(conn, subject)
    detail = {"subject": subject.kind.value, "subject_id": subject.id, "name": subject.name}
    await audit.record(conn, grant.principal, "access.remove", place[0], place[1], name, detail)


async def roles_of_subject(conn: Connection, org_id: int, subject: Subject, resource: str) -> dict[int, Role]:
    """What somebody holds on resources of a kind themself, by their ids."""
    return await roles.of_subject(conn, org_id, subject.kind, subject.id, resource)


async def people_of(
    conn: Connection, org_id: int, team_ids: list[int], user_ids: list[int]
) -> tuple[dict[int, str], dict[int, str]]:
    """The slugs of these teams of an org, and the usernames of these members of it, by id."""
    slugs = await teams.slugs(conn, org_id, team_ids) if team_ids else {}
    return slugs, await people.usernames(conn, org_id, user_ids) if user_ids else {}


def _place(grant: Grant) -> Place:
    if grant.place is None:
        raise ValueError("The grant is not for a resource.")
    return grant.place


async def _check_rank(conn: Connection, grant: Grant, place: Place, subject: Subject) -> None:
    held = await roles.held(conn, grant.org_id, place, subject.kind, subject.id)
    if held is not None and held > grant.role:
        raise errors.Forbidden(f"Only an {held.label} can change an {held.label}.")


async def _changed(conn: Connection, subject: Subject) -> None:
    match subject.kind:
        case SubjectKind.USER:
            await changes.user_changed(conn, subject.id)
        case SubjectKind.KEY:
            await changes.key_changed(conn, subject.id)
        case SubjectKind.TEAM:
            for user_id in await teams.user_ids(conn, subject.id):
                await changes.user_changed(conn, user_id)
        case SubjectKind.ORG:
            await changes.org_changed(conn, subject.id)
