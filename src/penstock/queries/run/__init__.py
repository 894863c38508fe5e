"""From the text of a query to what may be run of it: parse → bind → authorize → rewrite."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from penstock.identity import Principal
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.queries.models import AuthorizedQuery, QueryRows, Question
from penstock.queries.parameters import canonical
from penstock.queries.run.systems import WHOLE
from penstock.queries.settings import QueriesSettings

if TYPE_CHECKING:
    from penstock.queries.run.authorize import Nested

_LONG = 20_000  # characters


async def _nothing(query_id: int, values: Mapping[str, Any] | None) -> QueryRows:
    raise errors.BadRequest(f"You do not have access to query id {query_id}.")


async def prepare(
    ctx: Context, principal: Principal, question: Question, nested: Nested = _nothing
) -> AuthorizedQuery:
    """What of a question this caller may have run, now. Raises `errors.BadRequest` with the reason it is nothing."""
    # With them comes the parser of SQL, which is large.
    from penstock.queries.run.authorize import authorize, grant_of
    from penstock.queries.run.bind import bind
    from penstock.queries.run.whole import authorize_whole, parser_of

    most = ctx.settings(QueriesSettings).max_query_bytes
    read = parser_of(question)
    if len(question.text) < _LONG:
        parsed = read(question.text, most)
    else:
        # Long texts take a while, in which others are answered.
        parsed = await asyncio.to_thread(read, question.text, most)
    values = canonical(question.parameters, question.values, question.time_zone)
    bound = bind(parsed, values)
    if question.source is not None and question.source.provider in WHOLE:
        timeout = ctx.settings(QueriesSettings).query_timeout
        return authorize_whole(bound, question, grant=grant_of(principal), timeout=timeout)
    return await authorize(ctx, principal, bound, question, nested)
