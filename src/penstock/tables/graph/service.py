"""The verbs on edges. Each runs inside the transaction of its request, and none opens or commits one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.db import Row
from penstock.tables.fields import BY_NAME
from penstock.tables.graph import statements
from penstock.tables.graph.drafts import ENDS, Draft, Drafts, changed, drafts
from penstock.tables.records import shape
from penstock.tables.records.change import Versions
from penstock.tables.records.codec import MAX_REPORTED, Fault, Incoming
from penstock.tables.records.compile import Statement
from penstock.tables.records.execute import Runner, write
from penstock.tables.records.reach import Reach
from penstock.tables.records.shape import Answer
from penstock.tables.rules.past import past_rules

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

EXISTS = "There is such an edge already."


def require_edges(table: Table) -> Table:
    """The table of a table's edges; raises `BadRequest` for a table without."""
    if table.edges is None:
        raise errors.BadRequest(
            f"'{table.name}' has no edges: its schema declares neither 'hierarchy' nor 'graph'."
        )
    return table.edges


def require_stored(edges: Table) -> None:
    """Raises `BadRequest` when a field of the records says their edges."""
    base = edges.edges_of
    assert base is not None and base.schema.graph is not None
    column = base.schema.graph.self_reference
    if column is not None:
        raise errors.BadRequest(
            f"The edges of '{base.name}' are what its field '{column}' says; write '{column}' of the records."
        )


async def create(runner: Runner, edges: Table, grant: Grant, nodes: Reach, incoming: Incoming) -> Answer:
    """Insert all edges or none; the answer has them in the order of the request."""
    assert grant.action == "record.write"
    found = drafts(edges, incoming)
    if not found.edges:
        return shape.records([], status=201)
    payload = found.payload()
    await _require_ends(runner, edges, nodes, found, payload)
    rows: list[str | None] = (await write(runner, statements.insert(edges, payload)))["rows"]
    made = [row for row in rows if row is not None]
    if len(made) < len(rows):
        refuse_existing(rows, found)
    await _require_limits(runner, edges, found, payload)
    return shape.records(made, status=201) if found.is_list else Answer(201, f'{{"data":{made[0]}}}'.encode())


def refuse_existing(rows: list[str | None], found: Drafts) -> None:
    if not found.is_list:
        raise errors.Conflict(EXISTS, errors={"to_id": [EXISTS]})
    places = [n for n, row in enumerate(rows) if row is None]
    reported = [errors.RowError(n, {"to_id": [EXISTS]}) for n in places[:MAX_REPORTED]]
    message = (
        f"{len(places):,} of the edges exist already, the first in row {places[0]}; nothing was written."
    )
    raise errors.Conflict(message, rows=reported)


async def update(
    runner: Runner,
    edges: Table,
    grant: Grant,
    nodes: Reach,
    incoming: Incoming,
    ids: list[int],
    versions: Versions = None,
) -> Answer:
    """Change the edges `ids`, one for each row of the request; all or none."""
    assert grant.action == "record.write"
    if not ids:
        return shape.records([])
    row = await runner.row(statements.fetch(edges), [ids])
    assert row is not None
    stored = _stored(edges, row)
    missing = [n for n, one in enumerate(ids) if one not in stored]
    if missing:
        if not incoming.is_list:
            raise errors.NotFound
        rows = [errors.RowError(n, {"id": ["There is no such edge."]}) for n in missing[:MAX_REPORTED]]
        raise errors.NotFound(f"{len(missing):,} of the edges do not exist; nothing was changed.", rows=rows)
    if versions is not None and row["versions"][0] not in versions:
        raise errors.PreconditionFailed
    found = changed(edges, [stored[one] for one in ids], incoming)
    payload = found.payload()
    await _require_ends(runner, edges, nodes, found, payload)
    done = await write(runner, statements.update(edges, payload, ids))
    await _require_limits(runner, edges, found, payload)
    return shape.records(done["rows"]) if found.is_list else shape.record(done["rows"][0], done["version"])


def _stored(edges: Table, row: Any) -> dict[int, Draft]:
    kinds = [edges.schema.by_name[name] for name in ENDS]
    read = [msgspec.json.Decoder(BY_NAME[one.type].annotation(one)) for one in kinds]
    found: dict[int, Draft] = {}
    columns = zip(
        row["from_id"] or (), row["to_id"] or (), row["type"] or (), row["metadata"] or (), strict=True
    )
    for key, (first, last, kind, metadata) in zip(row["ids"] or (), columns, strict=True):
        raw = None if metadata is None else metadata.encode()
        found[key] = Draft(read[0].decode(first), read[1].decode(last), kind, raw)
    return found


async def delete(runner: Runner, edges: Table, grant: Grant, ids: list[int]) -> Answer:
    """Delete these edges; unknown ones are skipped."""
    assert grant.action == "record.write"
    row = await write(runner, statements.delete(edges, ids))
    return shape.counted(deleted=row["deleted"])


async def _require_ends(runner: Runner, edges: Table, nodes: Reach, found: Drafts, payload: str) -> None:
    limited = {name for name, _, _ in limits_of(edges)}
    exclusively = any(one.type in limited for one in found.edges)
    if exclusively and nodes.table.whole.rules:
        lock = statements.lock_edges(edges)
        await runner.row(lock.sql, lock.values)
    row = await write(runner, statements.lock_ends(edges, nodes, payload, exclusively=exclusively))
    missing: list[tuple[str, list[int]]] = [
        ("from_id", row["missing_from"] or []),
        ("to_id", row["missing_to"] or []),
    ]
    faults = [
        Fault(place, end, f"There is no record {end_of(found.edges[place], end)}: nodes do not exist.")
        for end, places in missing
        for place in places
    ]
    if faults:
        faults.sort(key=lambda fault: fault.index)
        edges.codec.refuse(faults, len(found.edges), is_list=found.is_list)


async def _require_limits(runner: Runner, edges: Table, found: Drafts, payload: str) -> None:
    """Looks once the edges are in: the records were locked before, so no other request adds to them meanwhile."""
    sent = {one.type for one in found.edges}
    limits = [limit for limit in limits_of(edges) if limit[0] in sent]
    if not limits:
        return
    row = await _counted(runner, edges, statements.over_limits(edges, payload, limits))
    allowed = {name: (out, into) for name, out, into in limits}
    faults: list[Fault] = []
    for side, end in enumerate(ENDS):
        direction = ("outgoing", "incoming")[side]
        places: list[int] = row[direction] or []
        for place in places:
            draft = found.edges[place]
            most = allowed[draft.type][side]
            message = (
                f"Record {end_of(draft, end)} would have more than {most} {direction} "
                f"edge{'' if most == 1 else 's'} of type '{draft.type}'."
            )
            faults.append(Fault(place, end, message))
    if faults:
        faults.sort(key=lambda fault: fault.index)
        edges.codec.refuse(faults, len(found.edges), is_list=found.is_list)


async def _counted(runner: Runner, edges: Table, statement: Statement) -> Row:
    """Limits count edges that the caller does not see, too."""
    base = edges.edges_of
    assert base is not None
    if not base.whole.rules:
        return await write(runner, statement)
    row = await past_rules(runner.row, statement.sql, statement.values)
    assert row is not None
    return row


def limits_of(edges: Table) -> list[tuple[str, int | None, int | None]]:
    base = edges.edges_of
    assert base is not None and base.schema.graph is not None
    return [
        (one.name, one.max_outgoing, one.max_incoming)
        for one in base.schema.graph.types
        if one.max_outgoing is not None or one.max_incoming is not None
    ]


def end_of(draft: Draft, end: str) -> str:
    return str(draft.from_id if end == "from_id" else draft.to_id)[:80]
