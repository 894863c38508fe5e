"""Orgs, users and memberships: rows to models and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from penstock.identity import names
from penstock.identity.models import Member, Membership, Org, Role, User
from penstock.identity.store.tables import memberships, orgs, users
from penstock.kit.db import Connection, Row
from penstock.kit.paging import Page

_USER = [users.c[name] for name in User.__dataclass_fields__]
_ORG = [orgs.c[name] for name in Org.__dataclass_fields__]
_MEMBER = [*_USER, memberships.c.role, memberships.c.created_at.label("joined_at")]
_MEMBERS = users.join(memberships, memberships.c.user_id == users.c.id)
_PENDING = users.c.password_hash.is_(None) & users.c.last_login_at.is_(None)
_NAME = func.lower(
    func.coalesce(
        func.nullif(func.concat_ws(" ", users.c.first_name, users.c.last_name), " "), users.c.username
    )
)
ORDERS: dict[str, ColumnElement[Any]] = {
    "name": _NAME,
    "active_at": users.c.last_login_at,
    "created_at": users.c.created_at,
    "groups": memberships.c.role,
}


@dataclass(frozen=True, slots=True)
class Account:
    """A user with the hash of the password, for verifying it."""

    user: User
    password_hash: str | None


async def insert_org(conn: Connection, values: Mapping[str, Any]) -> Org:
    row = await conn.row(insert(orgs).values(**values).returning(*_ORG))
    assert row is not None
    return org_of(row)


async def update_org(conn: Connection, org_id: int, values: Mapping[str, Any]) -> Org:
    statement = update(orgs).where(orgs.c.id == org_id).values(**values, updated_at=func.now())
    row = await conn.row(statement.returning(*_ORG))
    assert row is not None
    return org_of(row)


async def org_by_slug(conn: Connection, slug: str) -> Org | None:
    row = await conn.row(select(*_ORG).where(orgs.c.slug == slug))
    return None if row is None else org_of(row)


async def org_by_id(conn: Connection, org_id: int, *, lock: bool = False) -> Org | None:
    statement = select(*_ORG).where(orgs.c.id == org_id)
    row = await conn.row(statement.with_for_update() if lock else statement)
    return None if row is None else org_of(row)


async def any_org(conn: Connection) -> bool:
    return bool(await conn.value(select(orgs.c.id).limit(1)))


async def all_orgs(conn: Connection) -> list[Org]:
    return [org_of(row) for row in await conn.rows(select(*_ORG).order_by(orgs.c.slug))]


async def insert_user(conn: Connection, values: Mapping[str, Any]) -> User:
    row = await conn.row(insert(users).values(**_keyed(values)).returning(*_USER))
    assert row is not None
    return user_of(row)


async def update_user(conn: Connection, user_id: int, values: Mapping[str, Any]) -> User:
    statement = update(users).where(users.c.id == user_id).values(**_keyed(values), updated_at=func.now())
    row = await conn.row(statement.returning(*_USER))
    assert row is not None
    return user_of(row)


async def raise_token_version(conn: Connection, user_id: int) -> int:
    statement = update(users).where(users.c.id == user_id).values(token_version=users.c.token_version + 1)
    return await conn.value(statement.returning(users.c.token_version))


async def name_taken(conn: Connection, name: str, *, but: int | None = None) -> bool:
    """True when another user has this username or this e-mail address."""
    known = names.key(name)
    statement = select(users.c.id).where(or_(users.c.username_key == known, users.c.email_key == known))
    return await conn.value(statement if but is None else statement.where(users.c.id != but)) is not None


async def user_by_id(conn: Connection, user_id: int) -> User | None:
    row = await conn.row(select(*_USER).where(users.c.id == user_id))
    return None if row is None else user_of(row)


async def platform_admin(conn: Connection, email: str | None) -> User | None:
    """The platform admin with this address, else the oldest."""
    statement = select(*_USER).where(users.c.is_platform_admin, users.c.is_active)
    wanted = users.c.email_key == names.key(email or "")
    row = await conn.row(statement.order_by(wanted.desc().nulls_last(), users.c.id).limit(1))
    return None if row is None else user_of(row)


async def account(conn: Connection, name: str | None = None, *, user_id: int | None = None) -> Account | None:
    """By username or e-mail address, or by id."""
    known = names.key(name or "")
    which = or_(users.c.username_key == known, users.c.email_key == known)
    statement = select(*_USER, users.c.password_hash).where(
        which if user_id is None else users.c.id == user_id
    )
    row = await conn.row(statement)
    return None if row is None else Account(user_of(row), row["password_hash"])


async def memberships_of(conn: Connection, user_id: int) -> list[Membership]:
    """Where a user belongs, the org used last first."""
    rows = await conn.rows(
        select(*_ORG, memberships.c.role)
        .join(memberships, memberships.c.org_id == orgs.c.id)
        .where(memberships.c.user_id == user_id)
        .order_by(memberships.c.last_used_at.desc().nulls_last(), memberships.c.created_at, orgs.c.id)
    )
    return [Membership(org_of(row), _role(row["role"])) for row in rows]


async def put_member(conn: Connection, org_id: int, user_id: int, role: Role | None) -> None:
    """Make a user a member, or change the role of one."""
    statement = upsert(memberships).values(org_id=org_id, user_id=user_id, role=role)
    await conn.execute(
        statement.on_conflict_do_update(
            index_elements=[memberships.c.org_id, memberships.c.user_id],
            set_={"role": statement.excluded.role},
        )
    )


async def delete_member(conn: Connection, org_id: int, user_id: int) -> None:
    await conn.execute(delete(memberships).where(_membership(org_id, user_id)))


async def lock_user(conn: Connection, user_id: int) -> User | None:
    """The user, locked: what begins, renews or ends logins of one user waits its turn."""
    row = await conn.row(select(*_USER).where(users.c.id == user_id).with_for_update(key_share=True))
    return None if row is None else user_of(row)


async def touch_member(conn: Connection, org_id: int, user_id: int) -> None:
    """Note a sign-in."""
    await conn.execute(
        update(memberships).where(_membership(org_id, user_id)).values(last_used_at=func.now())
    )
    await conn.execute(update(users).where(users.c.id == user_id).values(last_login_at=func.now()))


async def member(
    conn: Connection,
    org_id: int,
    *,
    user_id: int | None = None,
    username: str | None = None,
    lock: bool = False,
) -> Member | None:
    """One member of an org, by id or username."""
    which = users.c.id == user_id if username is None else users.c.username_key == names.key(username)
    statement = select(*_MEMBER).select_from(_MEMBERS).where(memberships.c.org_id == org_id, which)
    row = await conn.row(statement.with_for_update(of=[users, memberships]) if lock else statement)
    return None if row is None else member_of(row)


async def usernames(conn: Connection, org_id: int, ids: list[int]) -> dict[int, str]:
    """The usernames of these members of an org by id."""
    rows = await conn.rows(
        select(users.c.id, users.c.username)
        .select_from(_MEMBERS)
        .where(memberships.c.org_id == org_id, users.c.id.in_(ids))
    )
    return {row["id"]: row["username"] for row in rows}


async def members_by_id(conn: Connection, org_id: int, ids: list[int]) -> dict[int, Member]:
    """These members of an org by id, as far as there are such."""
    if not ids:
        return {}
    rows = await conn.rows(
        select(*_MEMBER).select_from(_MEMBERS).where(memberships.c.org_id == org_id, users.c.id.in_(ids))
    )
    return {row["id"]: member_of(row) for row in rows}


async def owners(conn: Connection, org_id: int) -> int:
    """How many active owners an org has."""
    return await conn.value(
        select(func.count())
        .select_from(_MEMBERS)
        .where(memberships.c.org_id == org_id, memberships.c.role == Role.OWNER, users.c.is_active)
    )


async def members(
    conn: Connection,
    org_id: int,
    page: Page | None,
    *,
    search: str | None = None,
    is_active: bool | None = None,
    role: Role | None = None,
    only: int | None = None,
    is_pending: bool | None = None,
    order: str = "",
) -> tuple[int, list[Member]]:
    """The number of members that fit, and a page of them by username. `only` leaves that user.

    `order` is one of `ORDERS`, perhaps after a `-`.
    """
    wanted: list[ColumnElement[bool]] = [memberships.c.org_id == org_id]
    if search:
        fields = (
            users.c.username_key,
            users.c.email_key,
            func.lower(users.c.first_name + " " + users.c.last_name),
        )
        wanted.append(or_(*(field.contains(names.key(search), autoescape=True) for field in fields)))
    if is_active is not None:
        wanted.append(users.c.is_active == literal(is_active))
    if role is not None:
        wanted.append(memberships.c.role == role)
    if only is not None:
        wanted.append(users.c.id == only)
    if is_pending is not None:
        wanted.append(_PENDING if is_pending else ~_PENDING)
    statement = select(*_MEMBER).select_from(_MEMBERS).where(*wanted).order_by(*_ordered(order))
    if page is None:
        found = [member_of(row) for row in await conn.rows(statement)]
        return len(found), found
    total = await conn.value(select(func.count()).select_from(_MEMBERS).where(*wanted))
    rows = await conn.rows(statement.limit(page.size).offset(page.offset))
    return total, [member_of(row) for row in rows]


async def pending(conn: Connection, ids: list[int]) -> set[int]:
    """Those of these users who have neither a password nor ever signed in."""
    rows = await conn.rows(select(users.c.id).where(users.c.id.in_(ids), _PENDING))
    return {row["id"] for row in rows}


def _ordered(order: str) -> list[ColumnElement[Any]]:
    column = ORDERS.get(order.removeprefix("-"))
    if column is None:
        return [users.c.username_key]
    turned = column.desc() if order.startswith("-") else column.asc()
    return [turned.nulls_last(), users.c.id]


def org_of(row: Row) -> Org:
    return Org(**{name: row[name] for name in Org.__dataclass_fields__})


def user_of(row: Row) -> User:
    return User(**{name: row[name] for name in User.__dataclass_fields__})


def member_of(row: Row) -> Member:
    return Member(user_of(row), _role(row["role"]), row["joined_at"])


def _keyed(values: Mapping[str, Any]) -> dict[str, Any]:
    keyed = dict(values)
    for name in ("username", "email"):
        if name in values:
            keyed[f"{name}_key"] = None if values[name] is None else names.key(values[name])
    return keyed


def _membership(org_id: int, user_id: int) -> ColumnElement[bool]:
    return (memberships.c.org_id == org_id) & (memberships.c.user_id == user_id)


def _role(level: int | None) -> Role | None:
    return None if level is None else Role(level)
