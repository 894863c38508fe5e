"""Background: looking at fresh results for the alerts that they concern."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from penstock.kit import errors, jobs
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.kit.jobs import Handler, Job, Run
from penstock.kit.logs import structlog
from penstock.queries import store as results
from penstock.queries.alerts import store
from penstock.queries.alerts.looking import REFUSED, look_at, question
from penstock.queries.service.owning import NoLonger
from penstock.queries.service.runs import Asked
from penstock.queries.store import saved

_log = structlog.get_logger()


class Fresh(msgspec.Struct, frozen=True):
    """The payload: a result, and when it was asked for."""

    result_id: int
    asked_at: datetime | None


LOOK: Final = Job("alerts.look", Fresh, time_limit=600.0)


async def tell_alerts(conn: Connection, org_id: int, asked: Asked, result_id: int) -> None:
    """Have alerts look at a result, if and when this transaction commits."""
    request = asked.request
    if await store.any_concerned(conn, org_id, request.text, request.data_source_id):
        await jobs.defer(conn, LOOK, Fresh(result_id, asked.at), org_id=org_id)


async def look_for_all(ctx: Context, run: Run[Fresh]) -> None:
    """Each alert whose very question this result answers: the text, the values, and the rows of its owner."""
    assert run.org_id is not None
    async with ctx.db.control.transaction() as conn:
        result = await results.result(conn, run.org_id, run.payload.result_id)
        if result is None:
            return
        alerts = await store.concerned(conn, run.org_id, result.query_text, result.data_source_id)
    failed: Exception | None = None
    for alert in alerts:
        async with ctx.db.control.transaction() as conn:
            query = await saved.find_query(conn, run.org_id, query_id=alert.query_id)
        if query is None:
            continue
        try:
            wanted = await question(ctx, alert.asker, query, run.payload.asked_at)
            if wanted.query.fingerprint == result.fingerprint:
                await look_at(ctx, alert, query, result, forced=False)
        except (NoLonger, *REFUSED) as error:
            # Somebody else's run says nothing about this alert.
            _log.info("alert.passed_over", alert=alert.id, reason=str(error))
        except (errors.PenstockError, errors.Transient) as error:
            failed = error
    if failed is not None:
        raise errors.Transient("Not every alert could be looked at; it is tried again.") from failed


HANDLERS = (Handler(LOOK, look_for_all),)
