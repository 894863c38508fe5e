"""Finds the tables that a statement names among those its reader sees, and has it held to what they may read."""

from __future__ import annotations

from sqlglot import exp

from penstock.identity import Principal
from penstock.kit.context import Context
from penstock.queries.models import AuthorizedQuery, BoundQuery, Question, Scope, TableName
from penstock.queries.run.columns import Columns
from penstock.queries.run.resolve import Named, choose, named_in, unknown
from penstock.queries.run.rewrite import Granted, rewrite
from penstock.queries.settings import QueriesSettings
from penstock.tables import Found, Readable, find_readable, readable


async def authorize(
    ctx: Context, principal: Principal, bound: BoundQuery, question: Question
) -> AuthorizedQuery:
    """Raises `errors.Invalid` for `query` when it names what does not exist, or not for this reader."""
    named = named_in(bound.tree, bound.text)
    chosen = await _choose(ctx, principal, named, question.scope, bound.text) if named else ()
    # As in lists of records: who says what is to be with deleted ones is asked for them.
    deleted = any(one.name == "is_deleted" for one in bound.tree.find_all(exp.Column))
    tables: dict[TableName, Readable] = {}
    for name in dict.fromkeys(name for _, name in chosen):
        found = Found(name.app, name.source, name.table)
        tables[name] = await readable(ctx, principal, found, deleted=deleted)
    fields = {id(one.node): tables[name].fields for one, name in chosen}
    columns = Columns(bound.text, fields).check(bound.tree)
    return rewrite(
        bound,
        question,
        Granted(tuple(chosen), tables),
        columns,
        org_id=principal.org_id,
        timeout=ctx.settings(QueriesSettings).query_timeout,
    )


async def _choose(
    ctx: Context, principal: Principal, named: list[Named], scope: Scope | None, text: str
) -> tuple[tuple[Named, TableName], ...]:
    async def seen(names: list[str] | None) -> list[TableName]:
        found = await find_readable(ctx, principal, names)
        return [TableName(one.app, one.source, one.name) for one in found]

    candidates = await seen(sorted({one.parts[-1] for one in named}))
    chosen: list[tuple[Named, TableName]] = []
    for one in named:
        name = choose(one, candidates, scope, text)
        if name is None:
            raise unknown(one, await seen(None), scope, text)
        chosen.append((one, name))
    return tuple(chosen)
