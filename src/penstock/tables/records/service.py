"""The verbs on records. Each takes where it runs; none opens or commits a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.db import Pool, Row
from penstock.kit.filters import (
    EVERYTHING,
    And,
    BoundTree,
    Condition,
    Or,
    bind,
    conjunction,
    leaves,
    parse_delete,
    paths,
)
from penstock.kit.operators import BY_NAME
from penstock.tables.records import batch, change, keys, populated, shape
from penstock.tables.records.change import Keys, Versions
from penstock.tables.records.codec import MAX_REPORTED, Incoming
from penstock.tables.records.compile import (
    Statement,
    compile_count_estimate,
    compile_detail,
    compile_list,
    where,
)
from penstock.tables.records.execute import Runner, read, write
from penstock.tables.records.plan import DetailPlan, RecordPlan, key_filter, keys_filter
from penstock.tables.records.reach import limits_in
from penstock.tables.records.request import Count
from penstock.tables.records.shape import Answer
from penstock.tables.relations.populate import Populated
from penstock.tables.rules.models import Limits
from penstock.tables.schema.checks import comparable

if TYPE_CHECKING:
    from penstock.tables.catalog import Table


async def list_records(pool: Pool, plan: RecordPlan) -> Answer:
    statement = compile_list(plan) if plan.populated is None else populated.compile_list(plan)
    row = await read(pool, statement)
    assert row is not None
    if plan.populated is not None:
        populated.check(row, plan.populated)
    total: int | None = row["total"]
    if plan.count is Count.PLANNED and plan.nearest is None:
        estimate = await read(pool, compile_count_estimate(plan))
        assert estimate is not None
        total = int(msgspec.json.decode(estimate[0])[0]["Plan"]["Plan Rows"])
    if plan.window.after is not None:
        return shape.walk(plan, row["page"], total, row["last"], row["more"])
    return shape.page(plan.window, row["page"], total)


async def get_record(pool: Pool, plan: DetailPlan) -> Answer:
    if plan.populated is not None:
        return await _get_populated(pool, plan, plan.populated)
    row = await read(pool, compile_detail(plan.table, plan.key, plan.fields, plan.allowed))
    if row is None:
        raise errors.NotFound
    return shape.record(row["row"], row["version"])


async def _get_populated(pool: Pool, plan: DetailPlan, wanted: Populated) -> Answer:
    """Without an entity tag: the record's version says nothing of the related ones."""
    row = await read(pool, populated.compile_detail(plan.table, plan.key, plan.fields, wanted, plan.allowed))
    assert row is not None
    if not row["found"]:
        raise errors.NotFound
    populated.check(row, wanted)
    return shape.record(row["page"])


async def create(
    runner: Runner, table: Table, grant: Grant, incoming: Incoming, *, brief: bool = False
) -> Answer:
    """Insert all rows or none; the answer has them complete, in the order of the request, or is `brief`."""
    assert grant.action == "record.write"
    if not incoming.rows:
        return shape.records([], status=201)
    source = keys.source_of_keys(table, incoming)
    if source is not Keys.GENERATED:
        await keys.advance(runner, table, incoming.rows)
    if len(incoming.rows) == 1 and not incoming.is_list:
        fields = change.inserted_fields(table, source)
        values = table.codec.texts(incoming.rows[0], fields)
        statement = Statement(change.insert_one_sql(table, source), values)
        row = await write(runner, statement, group=batch.alone(table, incoming))
        return Answer(201, f'{{"data":{row["page"]}}}'.encode())
    group = batch.group(table, incoming, incoming.present[0], range(len(incoming.rows)))
    statement = group.statement(change.insert_sql(table, source, brief=brief))
    rows = (await write(runner, statement, group=group))["page"]
    if brief:
        return shape.records([], status=201, extra=f',"created":{len(incoming.rows)}')
    return shape.records([rows], status=201)


async def update_one(
    runner: Runner, table: Table, grant: Grant, key: str, incoming: Incoming, versions: Versions
) -> Answer:
    """Change one record. Raises `NotFound`, or `PreconditionFailed` when it is at none of `versions`."""
    assert grant.action == "record.write"
    limits, condition = limits_in(table, grant.principal), key_filter(key, table)
    present = incoming.present[0]
    refuse_new_key(table, key, incoming)
    group = batch.group(table, incoming, present, (0,))
    statement = change.update_one(table, present, _writable(limits, condition), group.payload, versions)
    row = await write(runner, statement, group=group)
    if not row["rows"]:
        await _not_changed(runner, limits, condition, versions)
    return shape.record(row["rows"][0], row["version"])


def refuse_new_key(table: Table, key: str, incoming: Incoming) -> None:
    """A record keeps its key; naming it in the body is fine as long as it is the same."""
    named = set(incoming.present[0])
    for position, name in enumerate(table.schema.names):
        if name in table.schema.primary_key and position in named:
            said = table.codec.value(incoming.rows[0], name)
            current = bind_value(table, key, name)
            if comparable(said) != comparable(current):
                raise errors.Invalid({name: ["The key of a record cannot be changed."]})


def bind_value(table: Table, key: str, name: str) -> Any:
    """The value that a key in a path has for one of the key's fields."""
    return next(leaf.value for leaf in leaves(key_filter(key, table)) if leaf.column.name == name)


def _writable(limits: Limits, condition: BoundTree) -> BoundTree:
    """Of the records that fulfil a condition, those that the caller may change."""
    return conjunction([condition, limits.rows, limits.writable]) if limits.is_limited else condition


async def _not_changed(runner: Runner, limits: Limits, key: BoundTree, versions: Versions) -> NoReturn:
    """Say why a record was not found to be changed: it is at no such version, may not be changed, or is not there."""
    if versions is not None and await _finds(runner, limits, _writable(limits, key)):
        raise errors.PreconditionFailed
    if limits.is_limited and await _finds(runner, limits, conjunction([key, limits.rows])):
        raise errors.RowRefused
    raise errors.NotFound


async def _finds(runner: Runner, limits: Limits, condition: BoundTree) -> bool:
    statement = compile_detail(limits.table, condition, limits.table.schema.primary_key)
    return await runner.row(statement.sql, statement.values) is not None


async def update_many(runner: Runner, table: Table, grant: Grant, incoming: Incoming) -> Answer:
    """Change each record named by its key in the request; all or none."""
    assert grant.action == "record.write"
    key = table.schema.primary_key
    batch.require(table, incoming, key, "The key of the record to change is missing.")
    batch.refuse_repeated(table, incoming, key)
    answers = [""] * len(incoming.rows)
    missing: list[int] = []
    limits = limits_in(table, grant.principal)
    for group in batch.groups(table, incoming, key):
        statement = group.statement(change.update_sql(table, group.present, key))
        if limits.is_limited:
            reach = _writable(limits, EVERYTHING)
            statement = change.update_within(table, group.present, key, reach, group.payload)
        row = await write(runner, statement, group=group)
        found: dict[int, str] = dict(zip(row["positions"] or (), row["rows"] or (), strict=True))
        for n, position in enumerate(group.positions, 1):
            answers[position] = found.get(n, "")
            if n not in found:
                missing.append(position)
    if missing:
        await _require_unseen(runner, limits, incoming, missing)
        absent = {key[0]: ["There is no such record."]}
        rows = [errors.RowError(position, absent) for position in sorted(missing)[:MAX_REPORTED]]
        message = f"{len(missing):,} of the records do not exist; nothing was changed."
        raise errors.NotFound(message, rows=rows)
    return shape.records(answers)


async def _require_unseen(runner: Runner, limits: Limits, incoming: Incoming, missing: Sequence[int]) -> None:
    """Raises `RowRefused` when some of the records are there, and the caller may read and not change them."""
    if not limits.is_limited:
        return
    table = limits.table
    keys = [
        And(
            tuple(
                Condition(
                    table.columns[name],
                    BY_NAME["eq"],
                    comparable(table.codec.value(incoming.rows[one], name)),
                )
                for name in table.schema.primary_key
            )
        )
        for one in sorted(missing)[:MAX_REPORTED]
    ]
    await _require_none(runner, limits, Or(tuple(keys)), hide_deleted=table.schema.soft_deletes)


async def _require_none(runner: Runner, limits: Limits, condition: BoundTree, *, hide_deleted: bool) -> None:
    """Raises `RowRefused` when the caller still sees a record that fulfils the condition."""
    values: list[Any] = []
    text = where(conjunction([condition, limits.rows]), values, hide_deleted=hide_deleted)
    row = await runner.row(
        f"SELECT EXISTS (SELECT FROM {limits.table.rows} AS t WHERE {text}) AS found", values
    )
    if row is not None and row["found"]:
        raise errors.RowRefused


async def delete_one(runner: Runner, table: Table, grant: Grant, key: str, versions: Versions) -> None:
    assert grant.action == "record.write"
    limits, condition, hide = (
        limits_in(table, grant.principal),
        key_filter(key, table),
        table.schema.soft_deletes,
    )
    row = await write(
        runner, change.delete(table, _writable(limits, condition), hide_deleted=hide, versions=versions)
    )
    if not row["deleted"]:
        await _not_changed(runner, limits, condition, versions)


async def delete_by_keys(runner: Runner, table: Table, grant: Grant, text: str) -> Answer:
    """Delete the records of `ids=`; unknown ones are skipped."""
    assert grant.action == "record.write"
    row = await _delete(
        runner, table, grant, keys_filter(text, table), hide_deleted=table.schema.soft_deletes
    )
    return Answer(200, f'{{"deleted":{row["deleted"]},"ids":{row["keys"]}}}'.encode())


async def delete_by_filter(runner: Runner, table: Table, grant: Grant, text: str) -> Answer:
    """Delete what a filter object matches; an empty filter is refused while parsing."""
    assert grant.action == "record.write"
    tree = parse_delete(text, table.columns)
    hide = table.schema.soft_deletes and "is_deleted" not in paths(tree)
    condition = bind(tree, table.columns.get, table.columns)
    row = await _delete(runner, table, grant, condition, hide_deleted=hide)
    return shape.counted(deleted=row["deleted"])


async def _delete(
    runner: Runner, table: Table, grant: Grant, condition: BoundTree, *, hide_deleted: bool
) -> Row:
    """All that fulfils the condition and that the caller sees, or nothing where a rule keeps some of it."""
    limits = limits_in(table, grant.principal)
    row = await write(runner, change.delete(table, _writable(limits, condition), hide_deleted=hide_deleted))
    if limits.is_limited:
        hides = hide_deleted or table.schema.soft_deletes
        await _require_none(runner, limits, condition, hide_deleted=hides)
    return row
