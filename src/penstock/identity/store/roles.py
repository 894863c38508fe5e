"""Roles held on single resources."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case, delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from penstock.identity.models import Assignment, Place, Role, SubjectKind
from penstock.identity.store.tables import api_keys, orgs, role_assignments, teams, users
from penstock.kit.db import Connection

_TABLE = role_assignments.c


async def put(
    conn: Connection, org_id: int, place: Place, kind: SubjectKind, subject_id: int, role: Role
) -> None:
    """Give a role, or change the one that is held."""
    statement = upsert(role_assignments).values(
        org_id=org_id,
        resource_kind=place[0],
        resource_id=place[1],
        subject_kind=kind.value,
        subject_id=subject_id,
        role=role,
    )
    await conn.execute(
        statement.on_conflict_do_update(
            index_elements=list(role_assignments.primary_key), set_={"role": statement.excluded.role}
        )
    )


async def held(
    conn: Connection, org_id: int, place: Place, kind: SubjectKind, subject_id: int
) -> Role | None:
    level = await conn.value(
        select(_TABLE.role).where(
            _at(org_id, place), _TABLE.subject_kind == kind.value, _TABLE.subject_id == subject_id
        )
    )
    return None if level is None else Role(level)


async def remove(conn: Connection, org_id: int, place: Place, kind: SubjectKind, subject_id: int) -> int:
    return await conn.execute(
        delete(role_assignments).where(
            _at(org_id, place), _TABLE.subject_kind == kind.value, _TABLE.subject_id == subject_id
        )
    )


async def remove_subject(conn: Connection, org_id: int, kind: SubjectKind, subject_id: int) -> None:
    """Everything that somebody holds on single resources of an org."""
    await conn.execute(
        delete(role_assignments).where(
            _TABLE.org_id == org_id, _TABLE.subject_kind == kind.value, _TABLE.subject_id == subject_id
        )
    )


async def on_place(conn: Connection, org_id: int, place: Place) -> list[Assignment]:
    """Who holds a role on this resource, live keys only, the highest role first."""
    name = case(
        (_TABLE.subject_kind == "user", users.c.username),
        (_TABLE.subject_kind == "key", api_keys.c.name),
        (_TABLE.subject_kind == "team", teams.c.slug),
        else_=orgs.c.slug,
    )
    joined = (
        role_assignments.outerjoin(
            users, and_(_TABLE.subject_kind == "user", users.c.id == _TABLE.subject_id)
        )
        .outerjoin(
            api_keys,
            and_(
                _TABLE.subject_kind == "key",
                api_keys.c.id == _TABLE.subject_id,
                api_keys.c.org_id == _TABLE.org_id,
                api_keys.c.revoked_at.is_(None),
            ),
        )
        .outerjoin(
            teams,
            and_(
                _TABLE.subject_kind == "team",
                teams.c.id == _TABLE.subject_id,
                teams.c.org_id == _TABLE.org_id,
            ),
        )
        .join(orgs, orgs.c.id == _TABLE.org_id)
    )
    rows = await conn.rows(
        select(_TABLE.subject_kind, _TABLE.subject_id, name.label("name"), _TABLE.role)
        .select_from(joined)
        .where(_at(org_id, place), name.is_not(None))
        .order_by(_TABLE.role.desc(), _TABLE.subject_kind, name, _TABLE.subject_id)
    )
    return [
        Assignment(place, SubjectKind(row["subject_kind"]), row["subject_id"], row["name"], Role(row["role"]))
        for row in rows
    ]


async def of_subject(
    conn: Connection, org_id: int, kind: SubjectKind, subject_id: int, resource: str
) -> dict[int, Role]:
    """What somebody holds on resources of a kind, by their ids."""
    rows = await conn.rows(
        select(_TABLE.resource_id, _TABLE.role).where(
            _TABLE.org_id == org_id,
            _TABLE.subject_kind == kind.value,
            _TABLE.subject_id == subject_id,
            _TABLE.resource_kind == resource,
        )
    )
    return {row["resource_id"]: Role(row["role"]) for row in rows}


async def highest(conn: Connection, org_id: int, kind: SubjectKind, subject_id: int) -> Role | None:
    """The highest role that somebody holds on any single resource of an org."""
    level = await conn.value(
        select(func.max(_TABLE.role)).where(
            _TABLE.org_id == org_id, _TABLE.subject_kind == kind.value, _TABLE.subject_id == subject_id
        )
    )
    return None if level is None else Role(level)


def _at(org_id: int, place: Place) -> ColumnElement[bool]:
    return and_(_TABLE.org_id == org_id, _TABLE.resource_kind == place[0], _TABLE.resource_id == place[1])
