"""Rules as policies of row-level security, so that a forgotten condition still keeps rows back.

The policies of a table let the rows of each rule through whose id the transaction names in the setting
`penstock.reach`, and everything for who is exempt (`past.py` is the server, exempt everywhere). Who says nothing there
sees nothing. They are for the role that reads and writes records, and for the login of the org that runs queries,
which is believed only what is sealed (see docs/decisions). The owner of the tables, which changes schemas, is not held
to them. Other roles have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock.kit import sql
from penstock.kit.db import Connection
from penstock.kit.filters import EVERYTHING, inline
from penstock.tables.rules.language import bind_places, constant
from penstock.tables.rules.limits import SETTING
from penstock.tables.rules.models import Rule
from penstock.tables.schema.ddl import Place

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

_TOLD = f"nullif(current_setting('{SETTING}', true), '')::jsonb"
_SEALED = "penstock.told_reader()"
_ALL, _READ, _WRITE = "x", "r", "w"


@dataclass(frozen=True, slots=True)
class Told:
    """A role, quoted, and the SQL by which its policies find out who asks."""

    role: str
    said: str
    prefix: str = "pst"
    reads_only: bool = False


async def put_policies(conn: Connection, table: Table) -> None:
    """Have the policies of the physical table, and of its edges, say what its rules say now."""
    places = [table.place] + ([table.edges.place] if _has_edges(table) and table.edges else [])
    for place in places:
        await _clear(conn, place)
    if not table.rules:
        return
    roles = [Told(await _role(conn, table.place), _TOLD)]
    roles += [Told(reader, _SEALED, "pstq", reads_only=True) for reader in await _readers(conn, table.place)]
    for place in places:
        await conn.execute(f"ALTER TABLE {place.sql} ENABLE ROW LEVEL SECURITY")
        for role in roles:
            await _create(conn, place, role, (_of_rows if place is places[0] else _of_edges)(table, role))


async def _create(conn: Connection, place: Place, role: Told, policies: list[tuple[str, str, str]]) -> None:
    for name, command, condition in policies:
        if role.reads_only and command not in ("ALL", "SELECT"):
            continue
        verb = "SELECT" if role.reads_only else command
        clause = f"WITH CHECK ({condition})" if verb == "INSERT" else f"USING ({condition})"
        if verb == "UPDATE":
            clause += f" WITH CHECK ({condition})"
        named = sql.identifier(f"{role.prefix}_{name}")
        await conn.execute(f"CREATE POLICY {named} ON {place.sql} FOR {verb} TO {role.role} {clause}")


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


async def _readers(conn: Connection, place: Place) -> list[str]:
    """The roles that may read the table and nothing else, quoted: the login of the org that runs queries."""
    rows = await conn.rows(
        "SELECT quote_ident(r.rolname) AS name FROM pg_class c CROSS JOIN aclexplode(c.relacl) a "
        "JOIN pg_roles r ON r.oid = a.grantee WHERE c.oid = $1::text::regclass AND a.grantee <> c.relowner "
        "GROUP BY r.rolname HAVING array_agg(a.privilege_type) = ARRAY['SELECT']",
        place.sql,
    )
    return [row["name"] for row in rows]


def _has_edges(table: Table) -> bool:
    graph = table.schema.graph
    return graph is not None and graph.self_reference is None


def _of_rows(table: Table, role: Told) -> list[tuple[str, str, str]]:
    """Name, command and condition of each policy."""
    alias = sql.identifier(table.place.name)
    found = [("exempt", "ALL", _exempt(table, role))]
    for rule in table.rules:
        if rule.read is not None:
            condition = f"{_named(role, _READ, rule.id)} AND {_condition(table, role, rule, _READ, alias)}"
            found.append((f"{rule.id}_read", "SELECT", condition))
        if rule.write is not None:
            condition = f"{_named(role, _WRITE, rule.id)} AND {_condition(table, role, rule, _WRITE, alias)}"
            found += [
                (f"{rule.id}_{command.lower()}", command, condition)
                for command in ("INSERT", "UPDATE", "DELETE")
            ]
    return found


def _of_edges(table: Table, role: Told) -> list[tuple[str, str, str]]:
    """An edge is seen by who sees the records at its ends, and written by who may write the one it leads from."""
    key, nodes = sql.identifier(table.schema.primary_key[0]), table.place.sql
    assert table.edges is not None
    edge = sql.identifier(table.edges.place.name)
    seen = " AND ".join(
        f"EXISTS (SELECT FROM {nodes} AS n WHERE n.{key} = {edge}.{end})" for end in ("from_id", "to_id")
    )
    writes = [
        f"({_named(role, _WRITE, rule.id)} AND {_condition(table, role, rule, _WRITE, 'n')})"
        for rule in table.rules
        if rule.write is not None
    ]
    own = f"n.{key} = {edge}.from_id AND ({' OR '.join(writes) or 'FALSE'})"
    written = f"EXISTS (SELECT FROM {nodes} AS n WHERE {own})"
    found = [("exempt", "ALL", _exempt(table, role)), ("read", "SELECT", seen)]
    found += [
        (command.lower(), command, f"{seen} AND {written}") for command in ("INSERT", "UPDATE", "DELETE")
    ]
    return found


def _condition(table: Table, role: Told, rule: Rule, letter: str, alias: str) -> str:
    tree = rule.read if letter == _READ else rule.write
    if tree is None or tree == EVERYTHING:
        return "FALSE" if tree is None else "TRUE"
    bound = bind_places(tree, table.stored(alias), f"{rule.id}{letter}")

    def caller(key: str) -> str:
        # As a subquery it is found once for a statement, and not for each row.
        return f"(SELECT {role.said} -> 'v' ->> {sql.literal(key)})"

    return inline(bound, lambda value: constant(value, caller))


def _exempt(table: Table, role: Told) -> str:
    listed = f"{role.said} -> '{_ALL}' @> '[{table.definition.id:d}]'"
    if not role.reads_only:
        listed += f" OR {role.said} -> 'a' = 'true'"
    return f"(SELECT coalesce({listed}, false))"


def _named(role: Told, kind: str, number: int) -> str:
    return f"(SELECT coalesce({role.said} -> '{kind}' @> '[{number:d}]', false))"


def names(rules: Sequence[Rule]) -> str:
    """The names of rules for a sentence."""
    return ", ".join(f"'{one.name}'" for one in rules)
