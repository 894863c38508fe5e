"""Row rules: rows to models and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import any_, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT

from penstock.identity import Grant, Role
from penstock.kit.db import Connection, Row
from penstock.kit.filters import Tree, parse_json, print_json
from penstock.tables.models import DataTable
from penstock.tables.rules.models import Rule, Subjects
from penstock.tables.store.core import table_rules

_COLUMNS = (
    table_rules.c.id,
    table_rules.c.table_id,
    table_rules.c.name,
    table_rules.c.subjects,
    table_rules.c.read_filter,
    table_rules.c.write_filter,
    table_rules.c.hidden_fields,
    table_rules.c.read_only_fields,
    table_rules.c.created_at,
    table_rules.c.updated_at,
    table_rules.c.created_by,
)


async def rules_of(conn: Connection, tables: Sequence[DataTable]) -> dict[int, list[Rule]]:
    """The rules of these tables in the order in which they were made, by table; of most there are none."""
    ids = bindparam(None, [one.id for one in tables], type_=ARRAY(BIGINT))
    rows = await conn.rows(
        select(*_COLUMNS).where(table_rules.c.table_id == any_(ids)).order_by(table_rules.c.id)
    )
    fields = {one.id: names_of(one.json_schema) for one in tables} if rows else {}
    found: dict[int, list[Rule]] = {}
    for row in rows:
        found.setdefault(row["table_id"], []).append(_rule(row, fields[row["table_id"]]))
    return found


async def ruled_among(conn: Connection, tables: Sequence[int]) -> set[int]:
    """Those of the tables that have rules."""
    ids = bindparam(None, list(tables), type_=ARRAY(BIGINT))
    rows = await conn.rows(
        select(table_rules.c.table_id).where(table_rules.c.table_id == any_(ids)).distinct()
    )
    return {row["table_id"] for row in rows}


def names_of(raw: Mapping[str, Any]) -> frozenset[str]:
    """The names of the fields of a definition."""
    return frozenset(one["name"] for one in raw["fields"])


async def insert_rule(
    conn: Connection, grant: Grant, table: DataTable, values: Mapping[str, Any]
) -> Rule | None:
    """None when the table has a rule of this name. `values` are those of a `Rule`."""
    found = await conn.value(
        select(table_rules.c.id).where(
            table_rules.c.table_id == table.id, table_rules.c.name == values["name"]
        )
    )
    if found is not None:
        return None
    names = names_of(table.json_schema)
    row = await conn.row(
        insert(table_rules)
        .values(
            org_id=grant.org_id,
            table_id=table.id,
            created_by=grant.principal.user_id,
            **_stored(values, names),
        )
        .returning(*_COLUMNS)
    )
    assert row is not None
    return _rule(row, names)


async def update_rule(conn: Connection, table: DataTable, rule_id: int, values: Mapping[str, Any]) -> Rule:
    names = names_of(table.json_schema)
    row = await conn.row(
        update(table_rules)
        .where(table_rules.c.table_id == table.id, table_rules.c.id == rule_id)
        .values(**_stored(values, names), updated_at=func.clock_timestamp())
        .returning(*_COLUMNS)
    )
    assert row is not None
    return _rule(row, names)


async def delete_rule(conn: Connection, table: DataTable, rule_id: int) -> None:
    await conn.execute(
        delete(table_rules).where(table_rules.c.table_id == table.id, table_rules.c.id == rule_id)
    )


def _stored(values: Mapping[str, Any], fields: frozenset[str]) -> dict[str, Any]:
    """Those columns of a rule that `values` names, by what they are in a `Rule`."""
    found: dict[str, Any] = {}
    if "name" in values:
        found["name"] = values["name"]
    if "subjects" in values:
        found["subjects"] = _encoded(values["subjects"])
    for name in ("read", "write"):
        if name in values:
            tree: Tree | None = values[name]
            found[f"{name}_filter"] = None if tree is None else print_json(tree, fields)
    for name in ("hidden", "read_only"):
        if name in values:
            found[f"{name}_fields"] = sorted(values[name])
    return found


def _encoded(subjects: Subjects | None) -> str | None:
    if subjects is None:
        return None
    content = {
        "roles": sorted(subjects.roles),
        "teams": sorted(subjects.teams),
        "users": sorted(subjects.users),
        "keys": sorted(subjects.keys),
    }
    return msgspec.json.encode(content).decode()


def _rule(row: Row, fields: frozenset[str]) -> Rule:
    subjects = None
    if row["subjects"] is not None:
        named = msgspec.json.decode(row["subjects"], type=dict[str, list[int]])
        subjects = Subjects(
            frozenset(map(Role, named["roles"])),
            frozenset(named["teams"]),
            frozenset(named["users"]),
            frozenset(named["keys"]),
        )
    return Rule(
        row["id"],
        row["table_id"],
        row["name"],
        subjects,
        _tree(row["read_filter"], fields),
        _tree(row["write_filter"], fields),
        frozenset(row["hidden_fields"]),
        frozenset(row["read_only_fields"]),
        row["created_at"],
        row["updated_at"],
        row["created_by"],
    )


def _tree(text: str | None, fields: frozenset[str]) -> Tree | None:
    return None if text is None else parse_json(text, fields)
