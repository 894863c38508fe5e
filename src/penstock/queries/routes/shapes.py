"""Objects of the dashboard dialect as they are on the wire (contract sections 4.1, 6.1, 11 and 12.1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from penstock import identity
from penstock.identity import Principal
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.queries import store
from penstock.queries.access import ACTIONS
from penstock.queries.results.models import Result
from penstock.queries.routes.common import moment
from penstock.queries.run.hashing import hash_of
from penstock.queries.saved import SavedQuery, Visualization
from penstock.queries.service import bound
from penstock.queries.service.asking import stored
from penstock.queries.service.authorizing import Readers, is_safe
from penstock.queries.service.saved import Seen
from penstock.queries.store import saved
from penstock.tables import NumberedSource

# What tells of the question, rather than of the answer.
_ASKED: Final = frozenset({"query", "query_hash", "schedule", "data_source_id", "version", "tags"})


class Shapes:
    """What the objects of a list have in common to look up: people, stars, newest results."""

    def __init__(
        self,
        people: Mapping[int, identity.Member],
        stars: Mapping[int, datetime],
        results: Mapping[int, Result],
        pictures: Mapping[int, Sequence[Visualization]],
        secrets: Mapping[int, str | None],
        *,
        reduced: bool = False,
    ) -> None:
        self._people = people
        self._stars = stars
        self._results = results
        self._pictures = pictures
        self._secrets = secrets
        self._reduced = reduced
        self._public = False

    @classmethod
    async def of(
        cls, ctx: Context, principal: Principal, queries: Sequence[SavedQuery], *, whole: bool = False
    ) -> Shapes:
        ids = [query.id for query in queries]
        people = {one for query in queries for one in (query.user_id, query.modified_by) if one is not None}
        async with ctx.db.control.transaction() as conn:
            members = await identity.members_by_id(conn, principal.org_id, sorted(people))
            stars = await saved.favorites(conn, principal.user_id, ids)
            newest = await store.newest_of(conn, principal.org_id, ids)
            pictures = await saved.list_visualizations(conn, ids) if whole else {}
            secrets = await bound.secrets_of(ctx, conn, principal, queries)
        results = await _readable(ctx, principal, queries, newest)
        shapes = cls(members, stars, results, pictures, secrets, reduced=principal.bound is not None)
        shapes._public = principal.bound is not None and principal.bound[0] == bound.DASHBOARD
        return shapes

    def listed(self, query: SavedQuery) -> dict[str, Any]:
        """As in a list."""
        found = self._results.get(query.id)
        shown = self._common(query)
        shown["user"] = self._person(query.user_id)
        shown["last_modified_by_id"] = query.modified_by
        shown["retrieved_at"] = moment(found.retrieved_at) if found else None
        shown["runtime"] = found.runtime if found else None
        if query.id in self._stars:
            shown["starred_at"] = moment(self._stars[query.id])
        return shown

    def recent(self, query: SavedQuery) -> dict[str, Any]:
        shown = self._common(query)
        return {**shown, "user_id": query.user_id, "last_modified_by_id": query.modified_by}

    def nested(self, query: SavedQuery) -> dict[str, Any]:
        """As inside what shows it."""
        shown = self._common(query)
        shown["user"] = self._person(query.user_id)
        return {**shown, "last_modified_by_id": query.modified_by}

    def whole(self, query: SavedQuery) -> dict[str, Any]:
        shown = self._common(query)
        shown["user"] = self._person(query.user_id)
        shown["last_modified_by"] = self._person(query.modified_by)
        shown["visualizations"] = [visualization(one) for one in self._pictures.get(query.id, ())]
        return shown

    def seen(self, seen: Seen) -> dict[str, Any]:
        return {**self.whole(seen.query), "can_edit": seen.can_edit}

    def _common(self, query: SavedQuery) -> dict[str, Any]:
        found = self._results.get(query.id)
        shown: dict[str, Any] = {
            "id": query.id,
            "latest_query_data_id": found.id if found else None,
            "query_result_id": found.id if found else None,
            "name": query.name,
            "description": query.description,
            "query": query.text,
            "query_hash": hash_of(query.text),
            "schedule": query.schedule,
            "is_archived": query.is_archived,
            "is_draft": query.is_draft,
            "updated_at": moment(query.updated_at),
            "created_at": moment(query.created_at),
            "data_source_id": query.data_source_id,
            "options": {"parameters": [], **query.options},
            "version": query.version,
            "tags": list(query.tags),
            "is_safe": is_safe(query),
            "is_favorite": query.id in self._stars,
        }
        if self._reduced:
            del shown["is_favorite"]
        if self._public:
            # Who has the token of a dashboard sees what it shows, and not what was asked.
            shown = {name: value for name, value in shown.items() if name not in _ASKED}
        if query.id in self._secrets:
            shown["api_key"] = self._secrets[query.id]
        return shown if query.slug is None else {**shown, "slug": query.slug}

    def _person(self, user_id: int | None) -> dict[str, Any] | None:
        member = None if user_id is None else self._people.get(user_id)
        if member is None:
            return None
        found = person(member)
        return {name: found[name] for name in ("id", "name")} if self._reduced else found


async def _readable(
    ctx: Context, principal: Principal, queries: Sequence[SavedQuery], newest: Mapping[int, Result]
) -> dict[int, Result]:
    """Of each query that was run, the newest result that the caller would get, which may not be the newest of all."""
    readers = ctx.get(Readers)
    found: dict[int, Result] = {}
    for query in queries:
        result = newest.get(query.id)
        if result is None:
            continue
        if result.request == query.request() and await readers.may(principal, result):
            found[query.id] = result
        elif (own := await _own(ctx, principal, query)) is not None:
            found[query.id] = own
    return found


async def _own(ctx: Context, principal: Principal, query: SavedQuery) -> Result | None:
    """Somebody with another reach, or with other values, has run it since."""
    try:
        return await stored(ctx, principal, query.request(), query.id)
    except (errors.BadRequest, errors.Forbidden, errors.NotFound):
        return None


def visualization(one: Visualization) -> dict[str, Any]:
    return {
        "id": one.id,
        "type": one.type,
        "name": one.name,
        "description": one.description,
        "options": one.options,
        "updated_at": moment(one.updated_at),
        "created_at": moment(one.created_at),
    }


def person(member: identity.Member) -> dict[str, Any]:
    """A user; groups stand for roles (1: those who administer, 2: everybody)."""
    user = member.user
    return {
        "id": user.id,
        "name": f"{user.first_name} {user.last_name}".strip() or user.username,
        "email": user.email,
        "profile_image_url": None,
        "groups": identity.groups_of(member.role),
        "updated_at": moment(user.updated_at),
        "created_at": moment(user.created_at),
        "disabled_at": None if user.is_active else moment(user.updated_at),
        "is_disabled": not user.is_active,
        "active_at": moment(user.last_login_at),
        "is_invitation_pending": False,
        "is_email_verified": user.is_email_verified,
        "auth_type": "password",
    }


def result_head(result: Result, principal: Principal) -> dict[str, Any]:
    """A result without its rows; for the key of a query, without what was asked."""
    if principal.bound is not None:
        return {"retrieved_at": moment(result.retrieved_at)}
    return {
        "id": result.id,
        "query_hash": result.query_hash,
        "query": result.query_text,
        "data_source_id": result.data_source_id,
        "runtime": result.runtime,
        "retrieved_at": moment(result.retrieved_at),
    }


def source(one: NumberedSource) -> dict[str, Any]:
    """A data source. The name of one of an app is said with that of the app: apps have sources of the same name."""
    level = one.role or 0
    return {
        "id": one.id,
        "name": one.name if one.is_foreign else f"{one.app_name} / {one.name}",
        "type": one.provider,
        "syntax": "sql",
        "paused": one.is_paused,
        "pause_reason": one.pause_reason,
        "supports_auto_limit": True,
        "view_only": level < ACTIONS["query.run"],
        "app": one.app_slug or None,
        "slug": one.slug,
    }


async def people_of(
    conn: Connection, principal: Principal, ids: Collection[int]
) -> Mapping[int, identity.Member]:
    return await identity.members_by_id(conn, principal.org_id, sorted(ids))
