"""The verbs on alerts. An alert looks at the rows that its owner gets; who made one may change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from penstock import notifications, tables
from penstock.identity import Principal, Role, audit
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.queries import store as results
from penstock.queries.access import ACTIONS, role_at
from penstock.queries.alerts import store
from penstock.queries.alerts.looking import REFUSED, cannot_look, look_at, question
from penstock.queries.alerts.models import Alert, Asker, State, Subscription
from penstock.queries.saved import SavedQuery
from penstock.queries.service import saved
from penstock.queries.service.asking import Ready, start
from penstock.queries.service.authorizing import authorized
from penstock.queries.service.owning import NoLonger
from penstock.queries.store import saved as saved_store

KIND: Final = "alert"
MOST: Final = 1000  # of an org, in a list
_MOST_OF_QUERY: Final = 50
_MOST_SUBSCRIPTIONS: Final = 100


@dataclass(frozen=True, slots=True)
class Seen:
    """An alert that the caller may know of, and whether they may change it."""

    alert: Alert
    query: SavedQuery
    can_edit: bool

    def require_edit(self) -> None:
        if not self.can_edit:
            raise errors.Forbidden(saved.NOT_YOURS)


async def find(conn: Connection, principal: Principal, alert_id: int | None, *, lock: bool = False) -> Seen:
    """Raises `NotFound` for what there is not, or an alert on a query that the caller may not know of."""
    found = None
    if alert_id is not None:
        found = await store.find(conn, principal.org_id, alert_id, lock=lock)
    if found is None:
        raise errors.NotFound
    seen = await saved.find(conn, principal, found.query_id)
    return Seen(found, seen.query, _may_edit(principal, found, seen.source))


async def listed(conn: Connection, principal: Principal) -> list[Seen]:
    """Those on queries that the caller may know of."""
    admin = (principal.org_role or 0) >= Role.ADMIN
    sources = {one.id: one for one in await tables.numbered_sources(conn, principal)}
    queries: dict[int, SavedQuery | None] = {}
    found: list[Seen] = []
    for alert in await store.listed(conn, principal.org_id, MOST):
        if alert.query_id not in queries:
            queries[alert.query_id] = await saved_store.find_query(
                conn, principal.org_id, query_id=alert.query_id
            )
        query = queries[alert.query_id]
        source = None if query is None else sources.get(query.data_source_id or 0)
        if query is not None and (admin or source is not None or saved.is_own(principal, query)):
            found.append(Seen(alert, query, _may_edit(principal, alert, source)))
    return found


def _may_edit(principal: Principal, alert: Alert, source: tables.NumberedSource | None) -> bool:
    if is_own(principal, alert) or (principal.org_role or 0) >= Role.ADMIN:
        return True
    return source is not None and (role_at(principal, source) or 0) >= ACTIONS["query.alter"]


def is_own(principal: Principal, one: Alert | Subscription) -> bool:
    """A key that holds less than its user has as its own what was made by it alone."""
    if principal.user_id is not None and not principal.narrowed:
        return one.user_id == principal.user_id
    return principal.key_id is not None and one.key_id == principal.key_id


async def create(ctx: Context, principal: Principal, values: Mapping[str, Any]) -> Seen:
    """Raises `Invalid` for the query, and what `question` raises for what could never be looked at."""
    async with ctx.db.control.transaction() as conn:
        query = await _query(conn, principal, values["query_id"])
    owner = _owner(principal)
    await _check(ctx, Asker(principal.org_id, owner["user_id"], owner["key_id"], values["options"]), query)
    async with ctx.db.control.transaction() as conn:
        if await store.count(conn, query.id) >= _MOST_OF_QUERY:
            raise errors.Conflict(f"A query has {_MOST_OF_QUERY} alerts at most.")
        made = await store.add(conn, {**values, "org_id": principal.org_id, **owner})
        await audit.record(conn, principal, "alert.create", KIND, made.id, made.name)
    return Seen(made, query, can_edit=True)


async def change(ctx: Context, principal: Principal, known: Seen, values: Mapping[str, Any]) -> Seen:
    """What it watches for may change; what it was so far is then unknown."""
    known.require_edit()
    query = known.query
    if values.get("query_id", query.id) != query.id:
        async with ctx.db.control.transaction() as conn:
            query = await _query(conn, principal, values["query_id"])
    asker = replace(known.alert.asker, options=values.get("options", known.alert.options))
    await _check(ctx, asker, query)
    watches = {name: values[name] for name in ("options", "query_id") if name in values}
    anew = _unmuted(watches.get("options", known.alert.options)) != _unmuted(known.alert.options)
    if anew or query.id != known.query.id:
        unknown = {"state": State.UNKNOWN.value, "value": None, "reason": None, "result_id": None}
        values = {**values, **unknown}
    async with ctx.db.control.transaction() as conn:
        changed = await store.change(conn, known.alert.id, values)
        detail = {"changed": sorted(set(values) & {"name", "options", "query_id", "rearm"})}
        await audit.record(conn, principal, "alert.update", KIND, changed.id, changed.name, detail)
    return Seen(changed, query, known.can_edit)


def _unmuted(options: Mapping[str, Any]) -> dict[str, Any]:
    """What of the options decides the state."""
    passing = ("muted", "custom_subject", "custom_body")
    return {name: value for name, value in options.items() if name not in passing}


async def _query(conn: Connection, principal: Principal, query_id: int) -> SavedQuery:
    try:
        seen = await saved.find(conn, principal, query_id)
    except errors.NotFound:
        raise errors.Invalid({"query_id": [f"There is no query {query_id}."]}) from None
    if seen.query.is_archived:
        raise errors.Invalid({"query_id": [f"The query {query_id} is archived."]})
    return seen.query


async def _check(ctx: Context, asker: Asker, query: SavedQuery) -> None:
    """Raises when its owner cannot ask what it is to look at."""
    try:
        await question(ctx, asker, query)
    except NoLonger as error:
        raise errors.Forbidden(str(error)) from error


async def drop(conn: Connection, principal: Principal, known: Seen) -> None:
    known.require_edit()
    await store.drop(conn, known.alert.id)
    await audit.record(conn, principal, "alert.delete", KIND, known.alert.id, known.alert.name)


async def mute(conn: Connection, principal: Principal, known: Seen, *, muted: bool) -> None:
    known.require_edit()
    await store.change(conn, known.alert.id, {"options": {**known.alert.options, "muted": muted}})
    action = "alert.mute" if muted else "alert.unmute"
    await audit.record(conn, principal, action, KIND, known.alert.id, known.alert.name)


async def look_now(ctx: Context, known: Seen) -> None:
    """Look at the newest rows that there are, and tell of it."""
    known.require_edit()
    try:
        wanted = await question(ctx, known.alert.asker, known.query)
    except (NoLonger, *REFUSED) as error:
        await cannot_look(ctx, known.alert, str(error))
        return
    async with ctx.db.control.transaction() as conn:
        found = await results.newest(conn, known.alert.org_id, wanted.query.fingerprint)
    if found is None:
        await cannot_look(ctx, known.alert, "The query has not been run for its owner yet.")
    else:
        await look_at(ctx, known.alert, known.query, found, forced=True)


async def ask_for_alerts(ctx: Context, query: SavedQuery, asked: Ready) -> None:
    """A scheduled run has begun: what alerts ask besides, with other values or other rows, is run as well."""
    async with ctx.db.control.transaction() as conn:
        alerts = await store.of_query(conn, query.id)
    running = {asked.query.fingerprint}
    for alert in alerts:
        try:
            wanted = await question(ctx, alert.asker, query)
        except (NoLonger, *REFUSED) as error:
            await cannot_look(ctx, alert, str(error))
            continue
        if wanted.query.fingerprint not in running:
            running.add(wanted.query.fingerprint)
            async with ctx.db.control.transaction() as conn:
                # Not as a run of the query: that one's newest result is for its own values.
                await start(conn, wanted, None, join=True)


async def may_see_state(ctx: Context, principal: Principal, alert: Alert) -> bool:
    """Whether the caller would get the rows that the state was told from."""
    if is_own(principal, alert) or alert.asked is None:
        return True
    try:
        query = await authorized(ctx, principal, alert.asked)
    except REFUSED:
        return False
    return query.fingerprint == alert.fingerprint


async def subscribe(
    conn: Connection, principal: Principal, known: Seen, destination_id: int | None
) -> Subscription:
    """The caller's own, by e-mail, or of a destination. Raises `Invalid`."""
    if destination_id is None and (principal.user_id is None or not principal.email):
        raise errors.Invalid(
            {"destination_id": ["You have no e-mail address; name the destination that is to be told."]}
        )
    if destination_id is not None:
        try:
            await notifications.find_destination(conn, principal.org_id, destination_id)
        except errors.NotFound:
            sentence = f"There is no destination {destination_id}."
            raise errors.Invalid({"destination_id": [sentence]}) from None
    if len(await store.subscriptions(conn, known.alert.id)) >= _MOST_SUBSCRIPTIONS:
        raise errors.Conflict(f"An alert has {_MOST_SUBSCRIPTIONS} subscriptions at most.")
    values = {"alert_id": known.alert.id, **_owner(principal), "destination_id": destination_id}
    made = await store.subscribe(conn, values)
    detail = {"destination": destination_id}
    await audit.record(conn, principal, "alert.subscribe", KIND, known.alert.id, known.alert.name, detail)
    return made


async def unsubscribe(conn: Connection, principal: Principal, known: Seen, one: Subscription) -> None:
    if not is_own(principal, one) and (principal.org_role or 0) < Role.ADMIN:
        raise errors.Forbidden(saved.NOT_YOURS)
    await store.unsubscribe(conn, one.id)
    await audit.record(conn, principal, "alert.unsubscribe", KIND, known.alert.id, known.alert.name)


def _owner(principal: Principal) -> dict[str, Any]:
    """In whose name it looks: a key that is nobody's, or holds less than its user, looks with what it has itself."""
    own = principal.user_id is None or principal.narrowed
    return {"user_id": principal.user_id, "key_id": principal.key_id if own else None}
