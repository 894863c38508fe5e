"""Background: delivering webhooks, and forgetting deliveries."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from penstock.identity import audit
from penstock.kit import clock, errors
from penstock.kit.context import Context
from penstock.kit.crypto import KeyRing, UnknownKey
from penstock.kit.db import Connection
from penstock.kit.jobs import Handler, Job, Run, Schedule
from penstock.kit.jobs.cleaning import HOUR, PIECE, Nothing, in_pieces
from penstock.kit.outbound import OutboundSettings
from penstock.notifications import store
from penstock.notifications.feeds import SEND, Send, send_soon
from penstock.notifications.models import DeliveryState, Due, Webhook
from penstock.notifications.sending import NotSent, send
from penstock.notifications.service import DELIVER, KIND, Deliver, place
from penstock.notifications.settings import NotificationsSettings

_GONE = 410
_DAY = 86_400.0
# Seconds beyond those of an attempt for which a run that sends is believed to be alive, and messages of one run.
_LEASE = 30.0
_AT_ONCE = 500


async def deliver(ctx: Context, run: Run[Deliver]) -> None:
    """One attempt. Its outcome is written together with the end of the run, if it is the end."""
    settings = ctx.settings(NotificationsSettings)
    async with ctx.db.control.transaction() as conn:
        due = await store.due(conn, run.payload.delivery_id)
        if due is None:
            raise errors.Terminal("The webhook was deleted.")
        if not due.webhook.is_active:
            values = {"state": DeliveryState.FAILED.value, "error": "The webhook is switched off."}
            await store.note(conn, due.delivery.id, values)
            await run.succeed(conn)
            return
    status, trouble = await _attempt(ctx, due, settings)
    over = status == _GONE or run.last or run.attempt >= settings.webhook_attempts
    async with ctx.db.control.transaction() as conn:
        if trouble is None:
            await _note(conn, due, DeliveryState.SUCCEEDED, status, None)
            await store.note_health(conn, due.webhook.id, arrived=True)
            await run.succeed(conn)
            return
        await _note(conn, due, DeliveryState.FAILED if over else DeliveryState.PENDING, status, trouble)
        await _note_health(conn, due, status, trouble, settings)
    raise errors.Terminal(trouble) if over else errors.Transient(trouble)


async def _note_health(
    conn: Connection, due: Due, status: int | None, trouble: str | None, settings: NotificationsSettings
) -> None:
    """Since when nothing arrives; after too long the webhook is switched off."""
    failing = await store.note_health(conn, due.webhook.id, arrived=trouble is None)
    if status == _GONE:
        await _switch_off(conn, due.webhook, "The receiver answered 410 Gone.")
    elif trouble is not None and failing > settings.webhook_disable_days * _DAY:
        reason = f"Nothing arrived for {settings.webhook_disable_days:g} days; the last trouble: {trouble}"
        await _switch_off(conn, due.webhook, reason)


async def _attempt(ctx: Context, due: Due, settings: NotificationsSettings) -> tuple[int | None, str | None]:
    """The status, if one was answered, and what went wrong, if anything did."""
    try:
        status = await send(
            due.webhook.url,
            due.delivery.body.encode(),
            due.delivery.message_id,
            _secrets(ctx.keys.encryption, due),
            seconds=settings.webhook_timeout,
            limits=ctx.settings(OutboundSettings),
        )
    except NotSent as error:
        return None, str(error)
    except UnknownKey:
        return None, "The secret was sealed with a key that this server does not have; rotate it."
    return status, None if 200 <= status < 300 else f"The receiver answered {status}."


def _secrets(ring: KeyRing, due: Due) -> list[str]:
    sealed = [due.sealed, *([due.previous_sealed] if due.previous_sealed else [])]
    return [ring.decrypt(text, context=place(due.webhook.uid)) for text in sealed]


async def _note(
    conn: Connection, due: Due, state: DeliveryState, status: int | None, error: str | None
) -> None:
    values: dict[str, Any] = {"state": state.value, "status_code": status, "error": error}
    values |= {"attempts": due.delivery.attempts + 1, "attempted_at": clock.now()}
    await store.note(conn, due.delivery.id, values)


async def _switch_off(conn: Connection, webhook: Webhook, reason: str) -> None:
    await store.change(conn, webhook.id, {"is_active": False, "disabled_reason": reason})
    await audit.record(
        conn,
        None,
        "webhook.disable",
        KIND,
        webhook.id,
        webhook.url[:200],
        {"reason": reason},
        org_id=webhook.org_id,
    )


async def send_in_order(ctx: Context, run: Run[Send]) -> None:
    """Send the messages of a webhook of records, each when the one before it is over."""
    webhook_id = run.payload.webhook_id
    while await _holds(ctx, run):
        try:
            done = await _send_all(ctx, webhook_id, run)
        finally:
            async with ctx.db.control.transaction() as conn:
                await store.release(conn, webhook_id, run.id)
        if done:
            return
    # Another run has them, and looks again once it is through.


async def _holds(ctx: Context, run: Run[Send]) -> bool:
    """Nothing waits for who does not hold the webhook: the holder looks for it after letting go."""
    settings = ctx.settings(NotificationsSettings)
    async with ctx.db.control.transaction() as conn:
        first = await store.first_waiting(conn, run.payload.webhook_id)
        if first is None or first[1] > 0:
            return False
        return await store.hold(conn, run.payload.webhook_id, run.id, _LEASE + settings.webhook_timeout)


async def _send_all(ctx: Context, webhook_id: int, run: Run[Send]) -> bool:
    """False when it stopped at the end of what waited, and more may have come since."""
    settings = ctx.settings(NotificationsSettings)
    sent = 0
    while True:
        async with ctx.db.control.transaction() as conn:
            first = await store.first_waiting(conn, webhook_id)
            due = await store.due(conn, first[0]) if first and not first[1] else None
            if due is None or not due.webhook.is_active:
                return due is not None or bool(first and first[1])
            await conn.execute("SET LOCAL synchronous_commit = off")
            await store.hold(conn, webhook_id, run.id, _LEASE + settings.webhook_timeout)
        status, trouble = await _attempt(ctx, due, settings)
        attempts = due.delivery.attempts + 1
        over = trouble is None or status == _GONE or attempts >= settings.webhook_attempts
        async with ctx.db.control.transaction() as conn:
            # What gets lost with the server is sent once more.
            await conn.execute("SET LOCAL synchronous_commit = off")
            state = DeliveryState.SUCCEEDED if trouble is None else DeliveryState.FAILED
            await _note(conn, due, state if over else DeliveryState.PENDING, status, trouble)
            await _note_health(conn, due, status, trouble, settings)
            if not over:
                delay = DELIVER.delay(attempts)
                await store.put_off(conn, due.delivery.id, delay)
                await send_soon(conn, webhook_id, delay)
                return True
        sent += 1
        if sent >= _AT_ONCE:
            async with ctx.db.control.transaction() as conn:
                await send_soon(conn, webhook_id, 0.001)
            return True


async def forget_deliveries(ctx: Context, run: Run[Nothing]) -> int:
    days = ctx.settings(NotificationsSettings).webhook_delivery_days
    return await in_pieces(ctx, lambda conn: store.forget(conn, days, PIECE))


async def reseal(ctx: Context, run: Run[Nothing]) -> int:
    """Seal with the current key what an older one sealed."""
    ring = ctx.keys.encryption
    done = 0
    async with ctx.db.control.transaction() as conn:
        for row in await store.sealed_with_another_key(conn, ring.current[0]):
            with suppress(UnknownKey):  # nobody can open it; its deliveries say so
                values = {
                    name: ring.encrypt(
                        ring.decrypt(row[name], context=place(row["uid"])), context=place(row["uid"])
                    )
                    for name in ("sealed", "previous_sealed")
                    if row[name] is not None
                }
                await store.change(conn, row["id"], values)
                done += 1
    return done


RESEAL = Job("webhooks.reseal", Nothing, time_limit=HOUR, at_once=1)
FORGET_DELIVERIES = Job("webhooks.forget", Nothing, time_limit=HOUR, at_once=1)
HANDLERS = (
    Handler(DELIVER, deliver),
    Handler(SEND, send_in_order),
    Handler(FORGET_DELIVERIES, forget_deliveries),
    Handler(RESEAL, reseal),
)
SCHEDULES = (Schedule(FORGET_DELIVERIES, Nothing(), HOUR), Schedule(RESEAL, Nothing(), HOUR))
