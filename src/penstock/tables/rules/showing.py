"""Definitions as callers know them: without the fields that the rules of a table hide from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec

from penstock.identity import Grant, Principal
from penstock.kit.db import Connection, Row
from penstock.tables import store
from penstock.tables.catalog import Table
from penstock.tables.models import TableEntry
from penstock.tables.rules.limits import limits_of
from penstock.tables.rules.models import Rule
from penstock.tables.schema import canonical_hash, raw_without

_encoder = msgspec.json.Encoder(decimal_format="number")


async def shown(conn: Connection, principal: Principal, entries: Sequence[TableEntry]) -> list[TableEntry]:
    """These tables with their schemas, as the caller knows them."""
    rules = await store.rules_of(conn, [one.table for one in entries])
    return [_shown(one, rules[one.table.id], principal) if one.table.id in rules else one for one in entries]


def _shown(entry: TableEntry, rules: Sequence[Rule], principal: Principal) -> TableEntry:
    whole = Table(entry.table, entry.provider_type, "", is_audited=False, rules=rules)
    known = limits_of(whole, principal).table
    hidden = {*whole.schema.names} - {*known.schema.names}
    if not hidden:
        return entry
    raw = raw_without(entry.table.json_schema, hidden, known.schema)
    table = replace(entry.table, json_schema=raw, schema_hash=canonical_hash(raw))
    text = _encoder.encode(raw).decode()
    return replace(entry, table=table, schema_text=text, field_count=len(known.schema.fields))


async def listed(conn: Connection, grant: Grant, rows: Sequence[Row]) -> Callable[[Row], TableEntry]:
    """What makes of a row of a list of tables a table with as many fields as the caller knows of."""
    ruled = await store.ruled_among(conn, [row["id"] for row in rows])
    names = [row["name"] for row in rows if row["id"] in ruled]
    whole = await store.find_tables(conn, grant, names) if names else {}
    known = {one.table.id: one.field_count for one in await shown(conn, grant.principal, [*whole.values()])}

    def entry(row: Row) -> TableEntry:
        found = store.entry_of(row)
        return replace(found, field_count=known.get(found.table.id, found.field_count))

    return entry
