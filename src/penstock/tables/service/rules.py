"""The verbs on the row rules of a table. What they say is for PostgreSQL to keep, too, in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.db import Connection
from penstock.kit.filters import leaves
from penstock.tables import events, store
from penstock.tables.catalog import Table, layouts_of
from penstock.tables.models import DataTable, Definition, ProviderType, TableEntry, TableSchema
from penstock.tables.rules.language import check_filter, renamed
from penstock.tables.rules.models import Rule
from penstock.tables.rules.policies import lift_policies, put_policies
from penstock.tables.schema import edges_place, parse_schema, place_of
from penstock.tables.schema.vectors import declared, find_home

MAX_RULES = 100
_KIND = "data_table"


async def find_rule(conn: Connection, table: DataTable, rule_id: int) -> Rule:
    """Raises `NotFound`."""
    for rule in (await store.rules_of(conn, [table])).get(table.id, ()):
        if rule.id == rule_id:
            return rule
    raise errors.NotFound


async def create_rule(conn: Connection, grant: Grant, entry: TableEntry, values: Mapping[str, Any]) -> Rule:
    """`values` are all of a rule. Raises `Invalid` for what does not fit the table, `Conflict` for its name."""
    table = entry.table
    _check(table, values)
    if len((await store.rules_of(conn, [table])).get(table.id, ())) >= MAX_RULES:
        raise errors.Conflict(f"A table has at most {MAX_RULES} rules.")
    rule = await store.insert_rule(conn, grant, table, values)
    if rule is None:
        raise _taken(values["name"])
    await _changed(conn, grant, entry, "rule.create", rule)
    return rule


async def update_rule(
    conn: Connection, grant: Grant, entry: TableEntry, rule: Rule, values: Mapping[str, Any]
) -> Rule:
    """`values` are what changes."""
    table = entry.table
    _check(table, values)
    others = (await store.rules_of(conn, [table])).get(table.id, ())
    if any(one.name == values.get("name") and one.id != rule.id for one in others):
        raise _taken(values["name"])
    changed = await store.update_rule(conn, table, rule.id, values)
    await _changed(conn, grant, entry, "rule.update", changed)
    return changed


async def delete_rule(conn: Connection, grant: Grant, entry: TableEntry, rule: Rule) -> None:
    await store.delete_rule(conn, entry.table, rule.id)
    await _changed(conn, grant, entry, "rule.delete", rule)


def _taken(name: str) -> errors.Conflict:
    message = f"This table has a rule '{name}' already."
    return errors.Conflict(message, errors={"name": [message]})


async def _changed(conn: Connection, grant: Grant, entry: TableEntry, action: str, rule: Rule) -> None:
    table = entry.table
    await hold(conn, table, entry.provider_type)
    detail = {"rule": rule.name, "rule_id": rule.id}
    await events.changed(conn, grant, table.app_id, (_KIND, table.id, table.name), detail, action=action)


def _check(definition: DataTable, values: Mapping[str, Any]) -> None:
    table = Table(definition, ProviderType.FLAT_TABLE, "", is_audited=False)
    schema = table.schema
    known = {name: column for name, column in table.columns.items() if name in schema.by_name}
    for name in ("read", "write"):
        if name in values:
            check_filter(name, values[name], known)
    for name in ("hidden", "read_only"):
        _check_fields(schema, f"{name}_fields", values.get(name, ()))


def _check_fields(schema: TableSchema, parameter: str, names: Sequence[str]) -> None:
    for name in names:
        if name not in schema.by_name:
            hint = errors.nearest(name, schema.names)
            raise errors.Invalid({parameter: [f"There is no field '{name[:80]}'."]}, hint=hint)
        if name in schema.primary_key:
            message = (
                f"'{name}' is the key, by which records are told apart; it is neither hidden nor read-only."
            )
            raise errors.Invalid({parameter: [message]})
        if name == "is_deleted" and schema.soft_deletes:
            message = "'is_deleted' says which records are there; it is neither hidden nor read-only."
            raise errors.Invalid({parameter: [message]})


async def hold(conn: Connection, table: DataTable, provider: ProviderType) -> None:
    """Have PostgreSQL keep to the rules of a table that is made; elsewhere conditions alone do."""
    if not table.is_materialized or provider is ProviderType.MONGODB:
        return
    rules = (await store.rules_of(conn, [table])).get(table.id, ())
    vectors = await find_home(conn) if declared(table.json_schema) else None
    layout = (await layouts_of(conn, [(table, provider)])).get(table.id)
    made = Table(table, provider, "", is_audited=False, vectors=vectors, rules=rules, layout=layout)
    await put_policies(conn, made)


async def lift(conn: Connection, table: DataTable) -> bool:
    """Take the policies away for a change of the schema, until `hold`. False when there are none."""
    if table.id not in await store.rules_of(conn, [table]):
        return False
    place = place_of(table)
    await lift_policies(conn, place, edges_place(place) if parse_schema(table.json_schema).graph else None)
    return True


async def follow(
    conn: Connection,
    table: DataTable,
    definition: Definition,
    before: Mapping[str, str],
    after: Mapping[str, str],
) -> None:
    """Have the rules of a table fit its new schema, by the ids of its fields `before` and `after`.

    Fields that have another name have it in the rules, too. Raises `Invalid` for `json_schema` when a field is gone, or
    is now of a type, that a rule has no use for.
    """
    rules = (await store.rules_of(conn, [table])).get(table.id, ())
    new_names = {one: name for name, one in after.items()}
    names = {name: new_names[one] for name, one in before.items() if one in new_names}
    new = replace(table, json_schema=definition.raw)
    for rule in rules:
        mentioned = {
            leaf.path for tree in (rule.read, rule.write) if tree is not None for leaf in leaves(tree)
        }
        gone = sorted(name for name in mentioned | rule.hidden | rule.read_only if name not in names)
        if gone:
            message = f"The rule '{rule.name}' mentions the field '{gone[0]}'; change the rule first."
            raise errors.Invalid({"json_schema": [message]})
        values = {
            "read": renamed(rule.read, names),
            "write": renamed(rule.write, names),
            "hidden": [names[name] for name in rule.hidden],
            "read_only": [names[name] for name in rule.read_only],
        }
        try:
            _check(new, values)
        except errors.Invalid as error:
            sentence = errors.first_sentence(error.errors or {})
            message = f"The rule '{rule.name}' would not fit any more: {sentence}"
            raise errors.Invalid({"json_schema": [message]}) from error
        await store.update_rule(conn, new, rule.id, values)
