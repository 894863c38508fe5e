"""Saved queries: rows to models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, func, not_, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from penstock.identity import Principal
from penstock.kit.db import Connection, Row
from penstock.queries.saved import SavedQuery, Visualization
from penstock.queries.searching import Either, Every, Sought, Without, Word, words
from penstock.queries.store.rights import by_rights
from penstock.queries.store.tables import queries, query_favorites, visualizations
from penstock.queries.store.versions import forget_versions, keep_version

_QUERY: Final = [queries.c[name] for name in SavedQuery.__dataclass_fields__]
_PICTURE: Final = [visualizations.c[name] for name in Visualization.__dataclass_fields__]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which queries a list has. `sources` are those that the caller sees; None means every one of the org."""

    sources: Sequence[int]
    everything: bool
    archived: bool = False
    mine: bool = False
    favorites: bool = False
    tags: Sequence[str] = ()
    sought: Sought | None = None


async def add_query(conn: Connection, values: Mapping[str, Any]) -> SavedQuery | None:
    """None when the slug is taken."""
    statement = upsert(queries).values(**values)
    statement = statement.on_conflict_do_nothing(
        index_elements=["org_id", "slug"], index_where=queries.c.slug.is_not(None)
    )
    row = await conn.row(statement.returning(*_QUERY))
    if row is None:
        return None
    await keep_version(conn, row["id"])
    return query_of(row)


async def find_query(
    conn: Connection, org_id: int, *, query_id: int | None = None, slug: str | None = None, lock: bool = False
) -> SavedQuery | None:
    which = queries.c.id == query_id if query_id is not None else queries.c.slug == slug
    statement = select(*_QUERY).where(queries.c.org_id == org_id, which)
    row = await conn.row(statement.with_for_update() if lock else statement)
    return None if row is None else query_of(row)


async def change_query(conn: Connection, query_id: int, values: Mapping[str, Any]) -> SavedQuery:
    """As an edit of a user: the version goes up."""
    statement = (
        update(queries)
        .where(queries.c.id == query_id)
        .values(**values, version=queries.c.version + 1, updated_at=func.now())
        .returning(*_QUERY)
    )
    row = await conn.row(statement)
    assert row is not None
    await keep_version(conn, query_id)
    await forget_versions(conn, query_id, row["version"])
    return query_of(row)


async def list_queries(
    conn: Connection,
    principal: Principal,
    wanted: Filter,
    order: Sequence[ColumnElement[Any]],
    limit: int,
    offset: int,
) -> tuple[int, list[SavedQuery]]:
    total = await conn.value(_filtered(select(func.count()), principal, wanted))
    statement = _filtered(select(*_QUERY), principal, wanted).order_by(*order).limit(limit).offset(offset)
    return total, [query_of(row) for row in await conn.rows(statement)]


async def list_tags(conn: Connection, principal: Principal, wanted: Filter) -> list[tuple[str, int]]:
    """Each tag, and how many queries have it."""
    tag = func.unnest(queries.c.tags).label("tag")
    inner = _filtered(select(tag), principal, wanted).subquery()
    statement = select(inner.c.tag, func.count().label("number")).group_by(inner.c.tag).order_by(inner.c.tag)
    return [(row["tag"], row["number"]) for row in await conn.rows(statement)]


async def favorites(conn: Connection, user_id: int | None, ids: Sequence[int]) -> dict[int, Any]:
    """When each of these was starred by the user."""
    if user_id is None or not ids:
        return {}
    statement = select(query_favorites.c.query_id, query_favorites.c.created_at).where(
        query_favorites.c.user_id == user_id, query_favorites.c.query_id.in_(list(ids))
    )
    return {row["query_id"]: row["created_at"] for row in await conn.rows(statement)}


async def add_favorite(conn: Connection, user_id: int, query_id: int) -> None:
    await conn.execute(
        upsert(query_favorites).values(user_id=user_id, query_id=query_id).on_conflict_do_nothing()
    )


async def drop_favorite(conn: Connection, user_id: int, query_id: int) -> None:
    await conn.execute(
        query_favorites.delete().where(
            query_favorites.c.user_id == user_id, query_favorites.c.query_id == query_id
        )
    )


async def add_visualization(conn: Connection, query_id: int, values: Mapping[str, Any]) -> Visualization:
    row = await conn.row(visualizations.insert().values(query_id=query_id, **values).returning(*_PICTURE))
    assert row is not None
    return _picture(row)


async def find_visualization(conn: Connection, org_id: int, visualization_id: int) -> Visualization | None:
    statement = (
        select(*_PICTURE)
        .join(queries, queries.c.id == visualizations.c.query_id)
        .where(queries.c.org_id == org_id, visualizations.c.id == visualization_id)
    )
    row = await conn.row(statement)
    return None if row is None else _picture(row)


async def change_visualization(
    conn: Connection, visualization_id: int, values: Mapping[str, Any]
) -> Visualization | None:
    """None when it has gone meanwhile."""
    statement = update(visualizations).where(visualizations.c.id == visualization_id)
    row = await conn.row(statement.values(**values, updated_at=func.now()).returning(*_PICTURE))
    return None if row is None else _picture(row)


async def drop_visualization(conn: Connection, visualization_id: int) -> None:
    await conn.execute(visualizations.delete().where(visualizations.c.id == visualization_id))


async def visualizations_by_id(conn: Connection, ids: Sequence[int]) -> dict[int, Visualization]:
    if not ids:
        return {}
    rows = await conn.rows(select(*_PICTURE).where(visualizations.c.id.in_(list(ids))))
    return {row["id"]: _picture(row) for row in rows}


async def queries_by_id(conn: Connection, org_id: int, ids: Sequence[int]) -> dict[int, SavedQuery]:
    if not ids:
        return {}
    rows = await conn.rows(select(*_QUERY).where(queries.c.org_id == org_id, queries.c.id.in_(list(ids))))
    return {row["id"]: query_of(row) for row in rows}


async def list_visualizations(conn: Connection, ids: Sequence[int]) -> dict[int, list[Visualization]]:
    """Those of each of these queries, in the order they were made."""
    if not ids:
        return {}
    statement = (
        select(*_PICTURE).where(visualizations.c.query_id.in_(list(ids))).order_by(visualizations.c.id)
    )
    found: dict[int, list[Visualization]] = {}
    for row in await conn.rows(statement):
        found.setdefault(row["query_id"], []).append(_picture(row))
    return found


def _filtered(statement: Select[Any], principal: Principal, wanted: Filter) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = [
        queries.c.org_id == principal.org_id,
        queries.c.is_archived.is_(wanted.archived),
    ]
    mine = own(principal)
    if not wanted.everything:
        seen = [mine, queries.c.data_source_id.in_(list(wanted.sources))]
        shared = by_rights(principal, "query")
        conditions.append(or_(*seen, *([] if shared is None else [queries.c.id.in_(shared)])))
    if wanted.mine:
        conditions.append(mine)
    if wanted.tags:
        conditions.append(queries.c.tags.contains(list(wanted.tags)))
    if wanted.favorites:
        starred = select(query_favorites.c.query_id).where(query_favorites.c.user_id == principal.user_id)
        conditions.append(queries.c.id.in_(starred))
    if wanted.sought is not None:
        conditions.append(_fits(wanted.sought))
    return statement.select_from(queries).where(*conditions)


def _fits(sought: Sought) -> ColumnElement[bool]:
    match sought:
        case Word(text):
            return or_(*(condition for condition, _ in _places(text)))
        case Without(item):
            return not_(_fits(item))
        case Every(items):
            return and_(*(_fits(one) for one in items))
        case Either(items):
            return or_(*(_fits(one) for one in items))


def rank(sought: Sought) -> ColumnElement[Any] | None:
    """How well a query fits: by where the words are, more where its name has one that begins so; None without words."""
    found: list[ColumnElement[Any]] = [
        case((condition, weight), else_=0) for word in words(sought) for condition, weight in _places(word)
    ]
    return sum(found[1:], found[0]) if found else None


def _places(word: str) -> list[tuple[ColumnElement[bool], int]]:
    """Where a word may be found, and what it is worth there."""
    inside = f"%{literal(word)}%"
    found: list[tuple[ColumnElement[bool], int]] = [
        (func.lower(column).like(func.lower(inside), escape="\\"), weight)
        for column, weight in (
            (queries.c.name, 8),
            (func.coalesce(queries.c.description, ""), 2),
            (queries.c.text, 1),
        )
    ]
    begins = (func.concat(" ", func.lower(queries.c.name))).like(
        func.lower(f"% {literal(word)}%"), escape="\\"
    )
    found.append((begins, 8))
    if word.isascii() and word.isdigit() and len(word) < 18:
        found.append((queries.c.id == int(word), 4))
    return found


def own(principal: Principal) -> ColumnElement[bool]:
    """Made by the caller."""
    if principal.user_id is not None:
        return queries.c.user_id == principal.user_id
    return queries.c.key_id == principal.key_id


def literal(word: str) -> str:
    """As a pattern of LIKE means it."""
    for special in ("\\", "%", "_"):
        word = word.replace(special, f"\\{special}")
    return word


def query_of(row: Row) -> SavedQuery:
    values: dict[str, Any] = {name: row[name] for name in SavedQuery.__dataclass_fields__}
    return SavedQuery(**values)


def _picture(row: Row) -> Visualization:
    values: dict[str, Any] = {name: row[name] for name in Visualization.__dataclass_fields__}
    return Visualization(**values)
