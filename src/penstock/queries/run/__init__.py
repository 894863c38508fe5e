"""From the text of a query to what may be run of it: parse → bind → authorize → rewrite."""

from __future__ import annotations

import asyncio

from penstock.identity import Principal
from penstock.kit.context import Context
from penstock.queries.models import AuthorizedQuery, Question
from penstock.queries.parameters import canonical
from penstock.queries.run.authorize import authorize
from penstock.queries.run.bind import bind
from penstock.queries.run.parse import parse
from penstock.queries.settings import QueriesSettings

_LONG = 20_000  # characters


async def prepare(ctx: Context, principal: Principal, question: Question) -> AuthorizedQuery:
    """What of a question this caller may have run, now. Raises `errors.BadRequest` with the reason it is nothing."""
    most = ctx.settings(QueriesSettings).max_query_bytes
    if len(question.text) < _LONG:
        parsed = parse(question.text, most)
    else:
        # Long texts take a while, in which others are answered.
        parsed = await asyncio.to_thread(parse, question.text, most)
    values = canonical(question.parameters, question.values, question.time_zone)
    return await authorize(ctx, principal, bind(parsed, values), question)
