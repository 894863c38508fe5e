"""Rights of users on single things: rows to models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from penstock.identity import Principal
from penstock.kit.db import Connection
from penstock.queries.store.sharing_tables import object_rights


@dataclass(frozen=True, slots=True)
class Right:
    """What a user may do with a thing, and who has given it to them."""

    id: int
    object_id: int
    access_type: str
    user_id: int
    grantor_id: int | None


_RIGHT: Final = [object_rights.c[name] for name in Right.__dataclass_fields__]


def by_rights(principal: Principal, kind: str) -> Select[Any] | None:
    """The ids of things on which the caller has any; None for who came with less than they hold, or is no user."""
    if principal.user_id is None or principal.narrowed or principal.bound is not None:
        return None
    return select(object_rights.c.object_id).where(
        object_rights.c.org_id == principal.org_id,
        object_rights.c.user_id == principal.user_id,
        object_rights.c.kind == kind,
    )


async def held(conn: Connection, principal: Principal, kind: str, object_id: int) -> frozenset[str]:
    """What the caller may do with one thing by such rights."""
    ids = by_rights(principal, kind)
    if ids is None:
        return frozenset()
    statement = ids.with_only_columns(object_rights.c.access_type).where(
        object_rights.c.object_id == object_id
    )
    return frozenset(row["access_type"] for row in await conn.rows(statement))


async def held_on(
    conn: Connection, principal: Principal, kind: str, object_ids: Sequence[int]
) -> dict[int, frozenset[str]]:
    """As `held`, of several things."""
    ids = by_rights(principal, kind)
    if ids is None or not object_ids:
        return {}
    statement = ids.with_only_columns(object_rights.c.object_id, object_rights.c.access_type).where(
        object_rights.c.object_id.in_(list(object_ids))
    )
    found: dict[int, frozenset[str]] = {}
    for row in await conn.rows(statement):
        found[row["object_id"]] = found.get(row["object_id"], frozenset()) | {row["access_type"]}
    return found


async def rights_on(conn: Connection, org_id: int, kind: str, object_id: int) -> list[Right]:
    statement = select(*_RIGHT).where(*_of(org_id, kind, object_id)).order_by(object_rights.c.id)
    return [
        Right(**{name: row[name] for name in Right.__dataclass_fields__})
        for row in await conn.rows(statement)
    ]


async def count_rights(conn: Connection, org_id: int, kind: str, object_id: int) -> int:
    return await conn.value(
        select(func.count()).select_from(object_rights).where(*_of(org_id, kind, object_id))
    )


async def give_right(conn: Connection, values: dict[str, Any]) -> Right:
    """Who has it already has it from the one who gave it last."""
    statement = upsert(object_rights).values(**values)
    row = await conn.row(
        statement.on_conflict_do_update(
            index_elements=["org_id", "kind", "object_id", "user_id", "access_type"],
            set_={"grantor_id": statement.excluded.grantor_id},
        ).returning(*_RIGHT)
    )
    assert row is not None
    return Right(**{name: row[name] for name in Right.__dataclass_fields__})


async def take_right(
    conn: Connection, org_id: int, kind: str, object_id: int, user_id: int, access_type: str
) -> bool:
    """False when it was not held."""
    gone = await conn.execute(
        object_rights.delete().where(
            *_of(org_id, kind, object_id),
            object_rights.c.user_id == user_id,
            object_rights.c.access_type == access_type,
        )
    )
    return bool(gone)


def _of(org_id: int, kind: str, object_id: int) -> tuple[Any, ...]:
    return (
        object_rights.c.org_id == org_id,
        object_rights.c.kind == kind,
        object_rights.c.object_id == object_id,
    )
