"""Background: sending messages to destinations and people, and forgetting them."""

from __future__ import annotations

from contextlib import suppress

from penstock import identity
from penstock.kit import clock, errors
from penstock.kit.context import Context
from penstock.kit.crypto import UnknownKey
from penstock.kit.jobs import Handler, Job, Run, Schedule
from penstock.kit.jobs.cleaning import HOUR, PIECE, Nothing, in_pieces
from penstock.kit.logs import structlog
from penstock.notifications.destinations import store
from penstock.notifications.destinations.kinds.email import mail
from penstock.notifications.destinations.models import Due
from penstock.notifications.destinations.service import SEND, Send, envelope, send_to
from penstock.notifications.models import DeliveryState
from penstock.notifications.sending import NotSent
from penstock.notifications.settings import NotificationsSettings

_GONE = 410
_log = structlog.get_logger()


async def deliver(ctx: Context, run: Run[Send]) -> None:
    """One attempt. Its outcome is written together with the end of the run, if it is the end."""
    async with ctx.db.control.transaction() as conn:
        due = await store.due(conn, run.payload.message_id)
    if due is None:
        raise errors.Terminal("The message, or the destination it was for, was deleted.")
    status, trouble, final = await _attempt(ctx, due)
    attempts = ctx.settings(NotificationsSettings).webhook_attempts
    over = trouble is None or final or run.last or run.attempt >= attempts
    state = DeliveryState.SUCCEEDED if trouble is None else DeliveryState.FAILED
    async with ctx.db.control.transaction() as conn:
        values = {
            "state": (state if over else DeliveryState.PENDING).value,
            "status_code": status,
            "error": trouble,
            "attempts": due.sent.attempts + 1,
            "attempted_at": clock.now(),
        }
        # What it said is of no more use, and may hold rows.
        await store.note(conn, due.sent.id, {**values, "message": None} if over else values)
        if trouble is None:
            await run.succeed(conn)
    if trouble is not None:
        _log.info("destination.not_sent", message=due.sent.id, about=due.sent.about, reason=trouble)
        raise errors.Terminal(trouble) if over else errors.Transient(trouble)


async def _attempt(ctx: Context, due: Due) -> tuple[int | None, str | None, bool]:
    """The status, if one was answered; what went wrong, if anything did; whether to leave it at that."""
    try:
        if due.destination is not None:
            status = await send_to(ctx, due.destination, due.sealed, due.message, due.sent.message_id)
        else:
            status = await _to_user(ctx, due)
    except NotSent as error:
        return None, str(error), error.final
    if status is None or 200 <= status < 300:
        return status, None, True
    return status, f"The receiver answered {status}.", status == _GONE


async def _to_user(ctx: Context, due: Due) -> None:
    user_id = due.sent.user_id
    assert user_id is not None
    async with ctx.db.control.transaction() as conn:
        found = (await identity.members_by_id(conn, due.sent.org_id, [user_id])).get(user_id)
    if found is None or not found.user.is_active or not found.user.email:
        raise NotSent("The user has left the org, or has no e-mail address.", final=True)
    await mail([found.user.email], envelope(ctx, due.message, due.sent.message_id))


async def forget(ctx: Context, run: Run[Nothing]) -> int:
    days = ctx.settings(NotificationsSettings).webhook_delivery_days
    return await in_pieces(ctx, lambda conn: store.forget(conn, days, PIECE))


async def reseal(ctx: Context, run: Run[Nothing]) -> int:
    """Seal with the current key what an older one sealed."""
    ring = ctx.keys.encryption
    done = 0
    async with ctx.db.control.transaction() as conn:
        for known, sealed in await store.sealed_with_another_key(conn, ring.current[0]):
            with suppress(UnknownKey):  # nobody can open it; its messages say so
                opened = ring.decrypt(sealed, context=known.place)
                await store.reseal(conn, known.id, ring.encrypt(opened, context=known.place))
                done += 1
    return done


FORGET = Job("destinations.forget", Nothing, time_limit=HOUR, at_once=1)
RESEAL = Job("destinations.reseal", Nothing, time_limit=HOUR, at_once=1)
HANDLERS = (Handler(SEND, deliver), Handler(FORGET, forget), Handler(RESEAL, reseal))
SCHEDULES = (Schedule(FORGET, Nothing(), HOUR), Schedule(RESEAL, Nothing(), HOUR))
