"""The verb upsert: insert what is new and update what is there, matched by fields of the request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from penstock.identity import Grant
from penstock.kit import errors
from penstock.tables.records import batch, change, keys, shape
from penstock.tables.records.batch import Group
from penstock.tables.records.codec import MAX_REPORTED, Fault, Incoming, must_be_sent
from penstock.tables.records.execute import Runner, write
from penstock.tables.records.shape import Answer
from penstock.tables.schema.ddl import index_name, unique_name

if TYPE_CHECKING:
    from penstock.tables.catalog import Table


async def upsert(
    runner: Runner, table: Table, grant: Grant, incoming: Incoming, unique: tuple[str, ...]
) -> Answer:
    """Insert or update each row, matched by the fields `unique`; all or none.

    Runs in a transaction. Without a unique index over these fields the table is locked against other writers.
    """
    if not incoming.rows:
        return shape.records([], extra=',"created":0,"updated":0')
    rows, created = await merge(runner, table, grant, incoming, unique, numbering=runner)
    return answered(rows, created, is_list=incoming.is_list)


async def merge(
    runner: Runner,
    table: Table,
    grant: Grant,
    incoming: Incoming,
    unique: tuple[str, ...],
    *,
    numbering: Runner,
) -> tuple[list[str], int]:
    """The records as they are now, in the order of the rows, and how many are new.

    `numbering` moves the sequence of the key past the keys of the rows.
    """
    assert grant.action == "record.write"
    batch.require(table, incoming, unique, "This field tells records apart here and must be sent.")
    batch.refuse_repeated(table, incoming, unique)
    found = batch.groups(table, incoming, unique)
    indexed = has_unique_index(table, unique)
    if not indexed:
        await runner.row(f"LOCK TABLE {table.place.sql} IN SHARE ROW EXCLUSIVE MODE", [])
    await _check_against_stored(runner, table, incoming, found, unique, with_deleted=indexed)
    rows = [""] * len(incoming.rows)
    created = 0
    for group in found:
        await keys.advance(numbering, table, (incoming.rows[position] for position in group.positions))
        if indexed:
            created += await _by_index(runner, table, group, unique, rows)
        else:
            created += await _under_lock(runner, table, incoming, group, unique, rows)
    return rows, created


async def _by_index(
    runner: Runner, table: Table, group: Group, unique: tuple[str, ...], rows: list[str]
) -> int:
    statement = group.statement(change.upsert_sql(table, group.present, unique))
    row = await write(runner, statement, group=group)
    for position, text in zip(group.positions, row["rows"], strict=True):
        rows[position] = text
    return sum(row["inserted"])


async def _under_lock(
    runner: Runner, table: Table, incoming: Incoming, group: Group, unique: tuple[str, ...], rows: list[str]
) -> int:
    matched = await write(runner, group.statement(change.match_sql(table, unique, with_deleted=False)))
    counts: list[int] = matched["found"]
    ambiguous = [place for place, count in zip(group.positions, counts, strict=True) if count > 1]
    if ambiguous:
        faults = [errors.RowError(n, {unique[0]: ["Several records match."]}) for n in ambiguous]
        message = f"Several records have the same {', '.join(unique)}."
        raise errors.Conflict(message, rows=faults[:MAX_REPORTED] if incoming.is_list else None)
    created = 0
    for exists in (True, False):
        places = [
            place for place, count in zip(group.positions, counts, strict=True) if bool(count) is exists
        ]
        if not places:
            continue
        part = batch.group(table, incoming, group.present, places, unique)
        text = (
            change.update_sql(table, part.present, unique, live=True)
            if exists
            else change.insert_present_sql(table, part.present)
        )
        row = await write(runner, part.statement(text), group=part)
        if len(row["rows"] or ()) < len(places):
            # Records that are there, and that a rule keeps from being changed.
            raise errors.RowRefused
        for n, answer in zip(row["positions"], row["rows"], strict=True):
            rows[places[n - 1]] = answer
        created += 0 if exists else len(places)
    return created


async def _check_against_stored(
    runner: Runner,
    table: Table,
    incoming: Incoming,
    found: Sequence[Group],
    unique: tuple[str, ...],
    *,
    with_deleted: bool,
) -> None:
    """What only a look at the stored records can tell; most requests need none.

    A row without some required field cannot be new, and one that names a key must not give it to another record.
    """
    faults: list[Fault] = []
    for group in found:
        named = {one.name for one in group.fields}
        lacking = [
            one.name
            for one in table.schema.fields
            if must_be_sent(one, table.schema) and one.name not in named
        ]
        if lacking:
            statement = group.statement(change.match_sql(table, unique, with_deleted=with_deleted))
            counts = (await write(runner, statement))["found"]
            new = [place for place, count in zip(group.positions, counts, strict=True) if not count]
            faults += [Fault(place, name, "This field is required.") for place in new for name in lacking]
        moved = tuple(name for name in table.schema.primary_key if name in named and name not in unique)
        if moved:
            sql = change.match_sql(table, unique, with_deleted=with_deleted, differing=moved)
            counts = (await write(runner, group.statement(sql)))["found"]
            places = [place for place, count in zip(group.positions, counts, strict=True) if count]
            faults += [Fault(place, moved[0], "The key of a record cannot be changed.") for place in places]
    if faults:
        faults.sort(key=lambda fault: fault.index)
        table.codec.refuse(faults, len(incoming.rows), is_list=incoming.is_list)


def answered(rows: list[str], created: int, *, is_list: bool) -> Answer:
    """The answer that has these records, of which so many are new."""
    status = 201 if created == len(rows) else 200
    if is_list:
        counts = f',"created":{created},"updated":{len(rows) - created}'
        return shape.records(rows, status=status, extra=counts)
    flag = "true" if created else "false"
    return Answer(status, f'{{"data":{rows[0]},"created":{flag}}}'.encode())


def has_unique_index(table: Table, fields: tuple[str, ...]) -> bool:
    """True when the database itself keeps exactly these columns unique, on all rows, as of now."""
    wanted = frozenset(fields)
    schema, place = table.schema, table.place
    if wanted == frozenset(schema.primary_key):
        return True
    names = [
        index_name(place, index)
        for index in schema.indexes
        if index.unique and not index.where and frozenset(index.fields) == wanted
    ]
    if len(fields) == 1 and schema.by_name[fields[0]].constraints.unique:
        names.append(unique_name(place, schema.by_name[fields[0]]))
    return bool(names) if table.unique_indexes is None else not table.unique_indexes.isdisjoint(names)
