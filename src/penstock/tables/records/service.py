"""The verbs on records. Each takes where it runs; none opens or commits a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.db import Pool
from penstock.kit.filters import BoundTree, bind, leaves, parse_delete, paths
from penstock.tables.records import batch, change, keys, populated, shape
from penstock.tables.records.change import Keys, Versions
from penstock.tables.records.codec import MAX_REPORTED, Incoming
from penstock.tables.records.compile import Statement, compile_count_estimate, compile_detail, compile_list
from penstock.tables.records.execute import Runner, read, write
from penstock.tables.records.plan import DetailPlan, RecordPlan, key_filter, keys_filter
from penstock.tables.records.request import Count
from penstock.tables.records.shape import Answer
from penstock.tables.relations.populate import Populated
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
    row = await read(pool, compile_detail(plan.table, plan.key, plan.fields))
    if row is None:
        raise errors.NotFound
    return shape.record(row["row"], row["version"])


async def _get_populated(pool: Pool, plan: DetailPlan, wanted: Populated) -> Answer:
    """Without an entity tag: the record's version says nothing of the related ones."""
    row = await read(pool, populated.compile_detail(plan.table, plan.key, plan.fields, wanted))
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
    condition = key_filter(key, table)
    present = incoming.present[0]
    refuse_new_key(table, key, incoming)
    group = batch.group(table, incoming, present, (0,))
    statement = change.update_one(table, present, condition, group.payload, versions)
    row = await write(runner, statement, group=group)
    if not row["rows"]:
        await _absent_or_changed(runner, table, condition, versions)
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


async def _absent_or_changed(runner: Runner, table: Table, key: BoundTree, versions: Versions) -> None:
    if versions is not None:
        statement = compile_detail(table, key, table.schema.primary_key)
        if await runner.row(statement.sql, statement.values) is not None:
            raise errors.PreconditionFailed
    raise errors.NotFound


async def update_many(runner: Runner, table: Table, grant: Grant, incoming: Incoming) -> Answer:
    """Change each record named by its key in the request; all or none."""
    assert grant.action == "record.write"
    key = table.schema.primary_key
    batch.require(table, incoming, key, "The key of the record to change is missing.")
    batch.refuse_repeated(table, incoming, key)
    answers = [""] * len(incoming.rows)
    missing: list[int] = []
    for group in batch.groups(table, incoming, key):
        row = await write(runner, group.statement(change.update_sql(table, group.present, key)), group=group)
        found: dict[int, str] = dict(zip(row["positions"] or (), row["rows"] or (), strict=True))
        for n, position in enumerate(group.positions, 1):
            answers[position] = found.get(n, "")
            if n not in found:
                missing.append(position)
    if missing:
        absent = {key[0]: ["There is no such record."]}
        rows = [errors.RowError(position, absent) for position in sorted(missing)[:MAX_REPORTED]]
        message = f"{len(missing):,} of the records do not exist; nothing was changed."
        raise errors.NotFound(message, rows=rows)
    return shape.records(answers)


async def delete_one(runner: Runner, table: Table, grant: Grant, key: str, versions: Versions) -> None:
    assert grant.action == "record.write"
    condition = key_filter(key, table)
    row = await write(
        runner, change.delete(table, condition, hide_deleted=table.schema.soft_deletes, versions=versions)
    )
    if not row["deleted"]:
        await _absent_or_changed(runner, table, condition, versions)


async def delete_by_keys(runner: Runner, table: Table, grant: Grant, text: str) -> Answer:
    """Delete the records of `ids=`; unknown ones are skipped."""
    assert grant.action == "record.write"
    condition = keys_filter(text, table)
    row = await write(runner, change.delete(table, condition, hide_deleted=table.schema.soft_deletes))
    return Answer(200, f'{{"deleted":{row["deleted"]},"ids":{row["keys"]}}}'.encode())


async def delete_by_filter(runner: Runner, table: Table, grant: Grant, text: str) -> Answer:
    """Delete what a filter object matches; an empty filter is refused while parsing."""
    assert grant.action == "record.write"
    tree = parse_delete(text, table.columns)
    hide = table.schema.soft_deletes and "is_deleted" not in paths(tree)
    row = await write(
        runner, change.delete(table, bind(tree, table.columns.get, table.columns), hide_deleted=hide)
    )
    return shape.counted(deleted=row["deleted"])
