"""Teams and who belongs to them: rows to models and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from penstock.identity import names
from penstock.identity.models import Team, TeamMember
from penstock.identity.store.tables import team_members, teams, users
from penstock.kit.db import Connection, Row
from penstock.kit.paging import Page

_TEAM = [teams.c[name] for name in Team.__dataclass_fields__]
_COUNT = (
    select(func.count()).where(team_members.c.team_id == teams.c.id).scalar_subquery().label("member_count")
)


async def insert_team(conn: Connection, values: Mapping[str, Any]) -> Team | None:
    """None when the org has a team with this slug."""
    statement = upsert(teams).values(**values)
    row = await conn.row(
        statement.on_conflict_do_nothing(index_elements=[teams.c.org_id, teams.c.slug]).returning(*_TEAM)
    )
    return None if row is None else _team(row)


async def update_team(conn: Connection, team_id: int, values: Mapping[str, Any]) -> Team:
    statement = update(teams).where(teams.c.id == team_id).values(**values, updated_at=func.now())
    row = await conn.row(statement.returning(*_TEAM))
    assert row is not None
    return _team(row)


async def delete_team(conn: Connection, team_id: int) -> None:
    await conn.execute(delete(teams).where(teams.c.id == team_id))


async def team(conn: Connection, org_id: int, ident: str, *, lock: bool = False) -> Team | None:
    """By id (all digits) or slug; a slug of digits is found where no id is."""
    number = names.resource_id(ident)
    if "\0" in ident:
        return None
    which: ColumnElement[bool] = teams.c.slug == ident
    if number is not None:
        which = which | (teams.c.id == number)
    statement = select(*_TEAM).where(teams.c.org_id == org_id, which).order_by(teams.c.slug == ident).limit(1)
    row = await conn.row(statement.with_for_update(key_share=True) if lock else statement)
    return None if row is None else _team(row)


async def teams_of(
    conn: Connection, org_id: int, page: Page | None, *, only: tuple[int, ...] | None = None
) -> tuple[int, list[tuple[Team, int]]]:
    """The number of teams, and a page of them by slug, each with how many belong to it; of `only` these."""
    wanted: list[ColumnElement[bool]] = [teams.c.org_id == org_id]
    if only is not None:
        wanted.append(teams.c.id.in_(only))
    statement = select(*_TEAM, _COUNT).where(*wanted).order_by(teams.c.slug)
    if page is None:
        found = [(_team(row), row["member_count"]) for row in await conn.rows(statement)]
        return len(found), found
    total = await conn.value(select(func.count()).select_from(teams).where(*wanted))
    rows = await conn.rows(statement.limit(page.size).offset(page.offset))
    return total, [(_team(row), row["member_count"]) for row in rows]


async def count(conn: Connection, team_id: int) -> int:
    return await conn.value(
        select(func.count()).select_from(team_members).where(team_members.c.team_id == team_id)
    )


async def slugs(conn: Connection, org_id: int, ids: list[int]) -> dict[int, str]:
    """The slugs of these teams by id."""
    rows = await conn.rows(
        select(teams.c.id, teams.c.slug).where(teams.c.org_id == org_id, teams.c.id.in_(ids))
    )
    return {row["id"]: row["slug"] for row in rows}


async def user_ids(conn: Connection, team_id: int) -> list[int]:
    rows = await conn.rows(select(team_members.c.user_id).where(team_members.c.team_id == team_id))
    return [row["user_id"] for row in rows]


async def teams_of_users(conn: Connection, org_id: int, ids: list[int]) -> dict[int, list[tuple[int, str]]]:
    """The teams of each of these users, by id and name."""
    rows = await conn.rows(
        select(team_members.c.user_id, teams.c.id, teams.c.name)
        .select_from(team_members.join(teams, teams.c.id == team_members.c.team_id))
        .where(teams.c.org_id == org_id, team_members.c.user_id.in_(ids))
        .order_by(teams.c.id)
    )
    found: dict[int, list[tuple[int, str]]] = {}
    for row in rows:
        found.setdefault(row["user_id"], []).append((row["id"], row["name"]))
    return found


async def members(
    conn: Connection, team_id: int, page: Page | None, *, user_id: int | None = None
) -> tuple[int, list[TeamMember]]:
    """The number of members, and a page of them by username."""
    wanted: list[ColumnElement[bool]] = [team_members.c.team_id == team_id]
    if user_id is not None:
        wanted.append(team_members.c.user_id == user_id)
    statement = (
        select(
            users.c.id.label("user_id"),
            users.c.username,
            users.c.email,
            team_members.c.is_admin,
            team_members.c.created_at.label("joined_at"),
        )
        .select_from(team_members.join(users, users.c.id == team_members.c.user_id))
        .where(*wanted)
        .order_by(users.c.username_key)
    )
    if page is None:
        found = [_member(row) for row in await conn.rows(statement)]
        return len(found), found
    total = await conn.value(select(func.count()).select_from(team_members).where(*wanted))
    rows = await conn.rows(statement.limit(page.size).offset(page.offset))
    return total, [_member(row) for row in rows]


async def put_member(conn: Connection, team_id: int, user_id: int, *, is_admin: bool) -> None:
    statement = upsert(team_members).values(team_id=team_id, user_id=user_id, is_admin=is_admin)
    await conn.execute(
        statement.on_conflict_do_update(
            index_elements=list(team_members.primary_key), set_={"is_admin": statement.excluded.is_admin}
        )
    )


async def remove_member(conn: Connection, team_id: int, user_id: int) -> int:
    return await conn.execute(
        delete(team_members).where(team_members.c.team_id == team_id, team_members.c.user_id == user_id)
    )


async def remove_everywhere(conn: Connection, org_id: int, user_id: int) -> None:
    """Out of every team of an org."""
    ours = select(teams.c.id).where(teams.c.org_id == org_id)
    await conn.execute(
        delete(team_members).where(team_members.c.user_id == user_id, team_members.c.team_id.in_(ours))
    )


def _team(row: Row) -> Team:
    return Team(**{name: row[name] for name in Team.__dataclass_fields__})


def _member(row: Row) -> TeamMember:
    return TeamMember(**{name: row[name] for name in TeamMember.__dataclass_fields__})
