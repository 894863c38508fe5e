"""Rules as policies of row-level security, so that a forgotten condition still keeps rows back.

The policies of a table let the rows of each rule through whose id the transaction names in the setting
`penstock.reach`, and everything for who is exempt. Who says nothing there sees nothing. They are for the role that
reads and writes records; the owner of the tables, which changes schemas, is not held to them. Other roles have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from penstock.kit import sql
from penstock.kit.db import Connection
from penstock.kit.filters import EVERYTHING, Tree, inline
from penstock.tables.rules.language import bind_places, constant
from penstock.tables.rules.limits import SETTING
from penstock.tables.rules.models import Rule
from penstock.tables.schema.ddl import Place

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

_TOLD = f"nullif(current_setting('{SETTING}', true), '')::jsonb"
_ALL, _READ, _WRITE = "x", "r", "w"


async def put_policies(conn: Connection, table: Table) -> None:
    """Have the policies of the physical table, and of its edges, say what its rules say now."""
    places = [table.place] + ([table.edges.place] if _has_edges(table) and table.edges else [])
    for place in places:
        await _clear(conn, place)
    if not table.rules:
        return
    role = await _role(conn, table.place)
    found = [_of_rows(table)] + ([_of_edges(table)] if len(places) > 1 else [])
    for place, policies in zip(places, found, strict=True):
        await conn.execute(f"ALTER TABLE {place.sql} ENABLE ROW LEVEL SECURITY")
        for name, command, condition in policies:
            clause = f"WITH CHECK ({condition})" if command == "INSERT" else f"USING ({condition})"
            if command == "UPDATE":
                clause += f" WITH CHECK ({condition})"
            await conn.execute(
                f"CREATE POLICY {sql.identifier(name)} ON {place.sql} FOR {command} TO {role} {clause}"
            )


async def lift_policies(conn: Connection, place: Place, edges: Place | None) -> None:
    """Drop the policies, which stand in the way of changes to the columns they name; the tables stay closed."""
    for one in (place, edges):
        if one is not None:
            await _drop(conn, one)


async def _clear(conn: Connection, place: Place) -> None:
    if await _drop(conn, place):
        await conn.execute(f"ALTER TABLE {place.sql} DISABLE ROW LEVEL SECURITY")


async def _drop(conn: Connection, place: Place) -> bool:
    rows = await conn.rows("SELECT polname FROM pg_policy WHERE polrelid = to_regclass($1::text)", place.sql)
    for row in rows:
        await conn.execute(f"DROP POLICY {sql.identifier(row['polname'])} ON {place.sql}")
    return bool(rows)


async def _role(conn: Connection, place: Place) -> str:
    """The role that may write to the table and does not own it, quoted."""
    found: str = await conn.value(
        "SELECT DISTINCT quote_ident(r.rolname) FROM pg_class c CROSS JOIN aclexplode(c.relacl) a "
        "JOIN pg_roles r ON r.oid = a.grantee "
        "WHERE c.oid = $1::text::regclass AND a.privilege_type = 'INSERT' AND a.grantee <> c.relowner",
        place.sql,
    )
    assert found, "a table that nobody may write to"
    return found


def _has_edges(table: Table) -> bool:
    graph = table.schema.graph
    return graph is not None and graph.self_reference is None


def _of_rows(table: Table) -> list[tuple[str, str, str]]:
    """Name, command and condition of each policy."""
    alias = sql.identifier(table.place.name)
    found = [("pst_exempt", "ALL", _named(_ALL, table.definition.id))]
    for rule in table.rules:
        if rule.read is not None:
            condition = f"{_named(_READ, rule.id)} AND {_condition(table, rule, rule.read, _READ, alias)}"
            found.append((f"pst_{rule.id}_read", "SELECT", condition))
        if rule.write is not None:
            condition = f"{_named(_WRITE, rule.id)} AND {_condition(table, rule, rule.write, _WRITE, alias)}"
            found += [
                (f"pst_{rule.id}_{command.lower()}", command, condition)
                for command in ("INSERT", "UPDATE", "DELETE")
            ]
    return found


def _of_edges(table: Table) -> list[tuple[str, str, str]]:
    """An edge is seen by who sees the records at its ends, and written by who may write the one it leads from."""
    exempt = _named(_ALL, table.definition.id)
    key, nodes = sql.identifier(table.schema.primary_key[0]), table.place.sql
    assert table.edges is not None
    edge = sql.identifier(table.edges.place.name)
    seen = " AND ".join(
        f"EXISTS (SELECT FROM {nodes} AS n WHERE n.{key} = {edge}.{end})" for end in ("from_id", "to_id")
    )
    writes = [
        f"({_named(_WRITE, rule.id)} AND {_condition(table, rule, rule.write, _WRITE, 'n')})"
        for rule in table.rules
        if rule.write is not None
    ]
    own = f"n.{key} = {edge}.from_id AND ({' OR '.join(writes) or 'FALSE'})"
    written = f"EXISTS (SELECT FROM {nodes} AS n WHERE {own})"
    found = [("pst_exempt", "ALL", exempt), ("pst_read", "SELECT", seen)]
    found += [
        (f"pst_{command.lower()}", command, f"{seen} AND {written}")
        for command in ("INSERT", "UPDATE", "DELETE")
    ]
    return found


def _condition(table: Table, rule: Rule, tree: Tree, letter: str, alias: str) -> str:
    if tree == EVERYTHING:
        return "TRUE"
    bound = bind_places(tree, table.stored(alias), f"{rule.id}{letter}")
    return inline(bound, _constant)


def _constant(value: Any) -> str:
    return constant(value, _caller)


def _caller(key: str) -> str:
    # As a subquery it is found once for a statement, and not for each row.
    return f"(SELECT {_TOLD} -> 'v' ->> {sql.literal(key)})"


def _named(kind: str, number: int) -> str:
    return f"(SELECT coalesce({_TOLD} -> '{kind}' @> '[{number:d}]', false))"


def names(rules: Sequence[Rule]) -> str:
    """The names of rules for a sentence."""
    return ", ".join(f"'{one.name}'" for one in rules)
