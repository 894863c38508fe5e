"""Looking at a fresh result with the eyes of an alert's owner, and telling whoever is to be told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from penstock import notifications
from penstock.kit import clock, errors
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.notifications import Message
from penstock.queries.alerts import store
from penstock.queries.alerts.messages import message_of
from penstock.queries.alerts.models import Alert, Asker, Outcome, State, Subscription
from penstock.queries.alerts.options import condition_of
from penstock.queries.results.models import Result
from penstock.queries.results.reading import ResultFiles
from penstock.queries.saved import SavedQuery
from penstock.queries.service.asking import Ready, ready
from penstock.queries.service.authorizing import Readers
from penstock.queries.service.owning import NoLonger, recall, require_runnable

REFUSED: Final = (errors.BadRequest, errors.Forbidden, errors.NotFound)
_TRIES: Final = 5
_OTHER_ROWS: Final = "Not sent: who subscribed would not get the same rows by asking."


async def question(ctx: Context, asker: Asker, query: SavedQuery, at: datetime | None = None) -> Ready:
    """What the owner of an alert asks: the query, with the alert's values in place of those it was saved with.

    Raises `NoLonger`, or one of `REFUSED`.
    """
    owner = await recall(ctx, asker.org_id, asker.user_id, asker.key_id)
    await require_runnable(ctx, owner, query)
    return await ready(ctx, owner, query.request({**query.defaults, **asker.values}), at)


async def look_at(ctx: Context, alert: Alert, query: SavedQuery, result: Result, *, forced: bool) -> None:
    """`forced` looks at a result once more. To be called with the owner's own rows only."""
    for _ in range(_TRIES):
        known = await _look_once(ctx, alert, query, result, forced=forced)
        if known is None:
            return
        # It has changed, or stands otherwise, since: what came of looking may have, too.
        alert = known
    raise errors.Transient("The alert kept changing while it was looked at.")


async def _look_once(
    ctx: Context, alert: Alert, query: SavedQuery, result: Result, *, forced: bool
) -> Alert | None:
    """Gives the alert as it is by now, if it is not the one that was looked for."""
    from penstock.queries.alerts.conditions import look

    outcome = await look(ctx.get(ResultFiles), result.file, condition_of(alert.options), alert.state)
    allowed = await _allowed(ctx, alert, result)
    message = await message_of(ctx, alert, query, result, outcome)
    async with ctx.db.control.transaction() as conn:
        known = await store.find(conn, alert.org_id, alert.id, lock=True)
        if known is None or (not forced and (known.result_id or 0) >= result.id):
            return None
        if (known.options, known.state) != (alert.options, alert.state):
            return known
        triggered = await _tell(conn, known, outcome, message, allowed)
        values: dict[str, Any] = {
            "state": outcome.state.value,
            "value": outcome.value,
            "reason": outcome.reason,
            "result_id": max(result.id, known.result_id or 0),
            "fingerprint": result.fingerprint,
        }
        if triggered:
            values["last_triggered_at"] = clock.now()
        await store.note(conn, alert.id, values, result.request)
    return None


async def cannot_look(ctx: Context, alert: Alert, reason: str) -> None:
    """It is not known how it stands. Nobody is told but who reads it: nothing has happened."""
    async with ctx.db.control.transaction() as conn:
        values = {"state": State.UNKNOWN.value, "value": None, "reason": reason, "fingerprint": None}
        await store.note(conn, alert.id, values, None)


async def _tell(
    conn: Connection, alert: Alert, outcome: Outcome, message: Message, allowed: Mapping[int, bool]
) -> bool:
    """True when this was a time at which it triggered."""
    changed = outcome.state is not alert.state
    if not changed and not _rearmed(alert):
        return False
    quiet = alert.state is State.UNKNOWN and outcome.state is State.OK
    if not quiet and not alert.muted:
        for one in await _to_tell(conn, alert, allowed):
            to = {"destination_id": one.destination_id}
            if one.destination_id is None:
                to = {"user_id": one.user_id}
            if allowed[one.id]:
                await notifications.notify(conn, alert.org_id, message, about=alert.about, **to)
            else:
                await notifications.refuse(conn, alert.org_id, _OTHER_ROWS, about=alert.about, **to)
    return outcome.state is State.TRIGGERED


async def _to_tell(conn: Connection, alert: Alert, allowed: Mapping[int, bool]) -> list[Subscription]:
    """Each place once: through who may see the rows, where several have subscribed it."""
    found: dict[Any, Subscription] = {}
    for one in await store.subscriptions(conn, alert.id):
        if one.id not in allowed:
            continue
        place = one.destination_id if one.destination_id is not None else ("user", one.user_id)
        if place not in found or (allowed[one.id] and not allowed[found[place].id]):
            found[place] = one
    return list(found.values())


def _rearmed(alert: Alert) -> bool:
    """Whether one that is still triggered is told of again."""
    if alert.state is not State.TRIGGERED or not alert.rearm or alert.last_triggered_at is None:
        return False
    return alert.last_triggered_at + timedelta(seconds=alert.rearm) < clock.now()


async def _allowed(ctx: Context, alert: Alert, result: Result) -> dict[int, bool]:
    """By subscription, whether who made it would get the same rows: what is sent is made of them."""
    async with ctx.db.control.transaction() as conn:
        found = await store.subscriptions(conn, alert.id)
    allowed: dict[int, bool] = {}
    for one in found:
        try:
            subscriber = await recall(ctx, alert.org_id, one.user_id, one.key_id)
            allowed[one.id] = await ctx.get(Readers).may(subscriber, result)
        except NoLonger:
            allowed[one.id] = False
    return allowed
