"""The verbs on records. Each takes where it runs; none opens or commits a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.db import Pool
from penstock.kit.filters import BoundTree, bind, leaves, parse_delete, paths
from penstock.tables.models import Field
from penstock.tables.records import change, shape
from penstock.tables.records.change import Keys
from penstock.tables.records.codec import Incoming
from penstock.tables.records.compile import Statement, compile_count_estimate, compile_detail, compile_list
from penstock.tables.records.execute import Runner, read, write
from penstock.tables.records.plan import RecordPlan, key_filter, keys_filter
from penstock.tables.records.request import Count
from penstock.tables.records.shape import Answer

if TYPE_CHECKING:
    from penstock.tables.catalog import Table


async def list_records(pool: Pool, plan: RecordPlan) -> Answer:
    row = await read(pool, compile_list(plan))
    assert row is not None
    total: int | None = row["total"]
    if plan.count is Count.PLANNED:
        estimate = await read(pool, compile_count_estimate(plan))
        assert estimate is not None
        total = int(msgspec.json.decode(estimate[0])[0]["Plan"]["Plan Rows"])
    if plan.window.after is not None:
        return shape.walk(plan, row["page"], total, row["last"], row["more"])
    return shape.page(plan, row["page"], total)


async def get_record(pool: Pool, table: Table, key: str, fields: tuple[str, ...]) -> Answer:
    row = await read(pool, compile_detail(table, key_filter(key, table), fields))
    if row is None:
        raise errors.NotFound
    return shape.record(row["row"], row["version"])


def explicit_keys(table: Table, incoming: Incoming) -> Keys:
    """Whether the rows bring their own integer keys."""
    generated = table.schema.generates_key()
    if generated is None or generated.type != "integer":
        return Keys.GIVEN
    given = sum(table.codec.value(row, generated.name) is not None for row in incoming.rows)
    if given == 0:
        return Keys.GENERATED
    return Keys.GIVEN if given == len(incoming.rows) else Keys.MIXED


async def create(runner: Runner, table: Table, grant: Grant, incoming: Incoming) -> Answer:
    """Insert all rows or none; the answer has them complete, in the order of the request."""
    assert grant.action == "record.write"
    if not incoming.rows:
        return shape.records([], status=201)
    rows = await _insert(runner, table, incoming)
    body = f'{{"data":[{rows}]}}' if incoming.is_list else f'{{"data":{rows}}}'
    return Answer(201, body.encode())


async def _insert(runner: Runner, table: Table, incoming: Incoming) -> str:
    keys = explicit_keys(table, incoming)
    payload = incoming.encode()
    statement = Statement(change.insert_sql(table, keys), [payload])
    row = await write(runner, statement, payload=payload, fields=table.schema.fields)
    generated = table.schema.generates_key()
    if keys is not Keys.GENERATED and generated is not None and generated.type == "integer":
        await _advance(runner, table, generated, incoming)
    return row["page"]


async def _advance(runner: Runner, table: Table, key: Field, incoming: Incoming) -> None:
    given = [value for row in incoming.rows if (value := table.codec.value(row, key.name)) is not None]
    if (highest := max(given)) > 0:
        statement = change.advance_sequence(table, key, highest)
        await runner.row(statement.sql, statement.values)


async def update_one(
    runner: Runner, table: Table, grant: Grant, key: str, incoming: Incoming, version: str | None
) -> Answer:
    """Change one record. Raises `NotFound`, or `PreconditionFailed` when it is no longer at `version`."""
    assert grant.action == "record.write"
    condition = key_filter(key, table)
    present = incoming.present[0]
    _refuse_new_key(table, key, incoming)
    payload = incoming.encode()
    statement = change.update_one(table, present, condition, payload, version)
    row = await write(runner, statement, payload=payload, fields=_fields(table, present))
    if not row["rows"]:
        await _absent_or_changed(runner, table, condition, version)
    return shape.record(row["rows"][0], row["version"])


def _refuse_new_key(table: Table, key: str, incoming: Incoming) -> None:
    """A record keeps its key; naming it in the body is fine as long as it is the same."""
    named = set(incoming.present[0])
    for position, name in enumerate(table.schema.names):
        if name in table.schema.primary_key and position in named:
            said = table.codec.value(incoming.rows[0], name)
            current = bind_value(table, key, name)
            if said != current:
                raise errors.Invalid({name: ["The key of a record cannot be changed."]})


def bind_value(table: Table, key: str, name: str) -> Any:
    """The value that a key in a path has for one of the key's fields."""
    return next(leaf.value for leaf in leaves(key_filter(key, table)) if leaf.column.name == name)


async def _absent_or_changed(runner: Runner, table: Table, key: BoundTree, version: str | None) -> None:
    if version is not None:
        statement = compile_detail(table, key, table.schema.primary_key)
        if await runner.row(statement.sql, statement.values) is not None:
            raise errors.PreconditionFailed
    raise errors.NotFound


async def update_many(runner: Runner, table: Table, grant: Grant, incoming: Incoming) -> Answer:
    """Change each record named by its key in the request; all or none."""
    assert grant.action == "record.write"
    key = table.schema.primary_key
    _require_fields(table, incoming, key, "The key of the record to change is missing.")
    _refuse_repeated(table, incoming, key)
    answers = [""] * len(incoming.rows)
    for present, positions in _groups(incoming).items():
        payload = incoming.encode([incoming.rows[position] for position in positions])
        statement = Statement(change.update_sql(table, present, key), [payload])
        row = await write(runner, statement, payload=payload, fields=_fields(table, present))
        found = dict(zip(row["positions"] or (), row["rows"] or (), strict=True))
        missing = [position for n, position in enumerate(positions, 1) if n not in found]
        if missing:
            rows = [errors.RowError(position, {key[0]: ["There is no such record."]}) for position in missing[:100]]
            raise errors.NotFound(f"{len(missing):,} of the records do not exist; nothing was changed.", rows=rows)
        for n, position in enumerate(positions, 1):
            answers[position] = found[n]
    return shape.records(answers)


async def upsert(runner: Runner, table: Table, grant: Grant, incoming: Incoming, unique: tuple[str, ...]) -> Answer:
    """Insert what is new and update what is there, matched by the fields `unique`.

    Runs in a transaction. Without a unique index over these fields the table is locked against other writers.
    """
    assert grant.action == "record.write"
    if not incoming.rows:
        return shape.records([], extra=',"created":0,"updated":0')
    _require_fields(table, incoming, unique, "This field tells records apart here and must be sent.")
    _refuse_repeated(table, incoming, unique)
    if not has_unique_index(table, unique):
        return await _upsert_locked(runner, table, incoming, unique)
    rows, created = [""] * len(incoming.rows), 0
    for present, positions in _groups(incoming).items():
        picked = [incoming.rows[position] for position in positions]
        payload = incoming.encode(picked)
        statement = Statement(change.upsert_sql(table, present, unique), [payload])
        row = await write(runner, statement, payload=payload, fields=_fields(table, present))
        for position, text in zip(positions, row["rows"], strict=True):
            rows[position] = text
        created += sum(row["inserted"])
        await _advance_if_given(runner, table, incoming, present, positions)
    return _upserted(rows, created, incoming)


async def _upsert_locked(runner: Runner, table: Table, incoming: Incoming, unique: tuple[str, ...]) -> Answer:
    await runner.row(f"LOCK TABLE {table.rows} IN SHARE ROW EXCLUSIVE MODE", [])
    found = await write(runner, Statement(change.match_sql(table, unique), [incoming.encode()]))
    counts: list[int] = found["found"]
    ambiguous = [position for position, count in enumerate(counts) if count > 1]
    if ambiguous:
        rows = [errors.RowError(n, {unique[0]: ["Several records match."]}) for n in ambiguous[:100]]
        raise errors.Conflict(f"Several records have the same {', '.join(unique)}.", rows=rows)
    rows, created = [""] * len(incoming.rows), 0
    for present, positions in _groups(incoming).items():
        for exists in (True, False):
            picked = [position for position in positions if bool(counts[position]) is exists]
            if not picked:
                continue
            payload = incoming.encode([incoming.rows[position] for position in picked])
            text = change.update_sql(table, present, unique) if exists else change.insert_present_sql(table, present)
            row = await write(runner, Statement(text, [payload]), payload=payload, fields=_fields(table, present))
            for n, answer in zip(row["positions"], row["rows"], strict=True):
                rows[picked[n - 1]] = answer
            created += 0 if exists else len(picked)
        await _advance_if_given(runner, table, incoming, present, positions)
    return _upserted(rows, created, incoming)


def _upserted(rows: list[str], created: int, incoming: Incoming) -> Answer:
    status = 201 if created == len(rows) else 200
    if incoming.is_list:
        return shape.records(rows, status=status, extra=f',"created":{created},"updated":{len(rows) - created}')
    flag = "true" if created else "false"
    return Answer(status, f'{{"data":{rows[0]},"created":{flag}}}'.encode())


async def _advance_if_given(
    runner: Runner, table: Table, incoming: Incoming, present: tuple[int, ...], positions: Sequence[int]
) -> None:
    key = table.schema.generates_key()
    if key is not None and key.type == "integer" and table.schema.names.index(key.name) in present:
        picked = Incoming([incoming.rows[position] for position in positions], True, [])
        await _advance(runner, table, key, picked)


def has_unique_index(table: Table, fields: tuple[str, ...]) -> bool:
    """True when the database itself keeps exactly these columns unique, on all rows."""
    wanted = frozenset(fields)
    schema = table.schema
    if wanted == frozenset(schema.primary_key):
        return True
    if len(fields) == 1 and schema.by_name[fields[0]].constraints.unique:
        return True
    return any(index.unique and not index.where and frozenset(index.fields) == wanted for index in schema.indexes)


async def delete_one(runner: Runner, table: Table, grant: Grant, key: str, version: str | None) -> None:
    assert grant.action == "record.write"
    condition = key_filter(key, table)
    row = await write(runner, change.delete(table, condition, hide_deleted=table.schema.soft_deletes, version=version))
    if not row["deleted"]:
        await _absent_or_changed(runner, table, condition, version)


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
    row = await write(runner, change.delete(table, bind(tree, table.columns.get, table.columns), hide_deleted=hide))
    return shape.counted(deleted=row["deleted"])


def _groups(incoming: Incoming) -> dict[tuple[int, ...], list[int]]:
    """Positions of rows that carry the same fields: each group is one statement."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for position, present in enumerate(incoming.present):
        groups.setdefault(present, []).append(position)
    return groups


def _fields(table: Table, present: tuple[int, ...]) -> list[Field]:
    return [table.schema.fields[position] for position in present]


def _require_fields(table: Table, incoming: Incoming, fields: tuple[str, ...], message: str) -> None:
    wanted = {table.schema.names.index(name) for name in fields}
    lacking = [n for n, present in enumerate(incoming.present) if not wanted <= set(present)]
    if not lacking:
        return
    absent = {name: [message] for name in fields if table.schema.names.index(name) not in incoming.present[lacking[0]]}
    if not incoming.is_list:
        raise errors.Invalid(absent)
    rows = [errors.RowError(n, absent) for n in lacking[:100]]
    raise errors.Invalid({}, message=f"{len(lacking):,} rows lack {', '.join(fields)}; nothing was written.", rows=rows)


def _refuse_repeated(table: Table, incoming: Incoming, fields: tuple[str, ...]) -> None:
    seen: dict[Any, int] = {}
    rows: list[errors.RowError] = []
    for position, row in enumerate(incoming.rows):
        value = tuple(table.codec.value(row, name) for name in fields)
        if None in value:
            continue
        first = seen.setdefault(value, position)
        if first != position:
            rows.append(errors.RowError(position, {fields[0]: [f"The same as in row {first}."]}))
    if rows:
        message = f"{len(rows):,} rows repeat {', '.join(fields)} of an earlier row; nothing was written."
        raise errors.Invalid({}, message=message, rows=rows[:100])
