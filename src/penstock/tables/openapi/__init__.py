"""The OpenAPI document of one app: the record operations of each of its tables, with their real schemas."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from penstock.identity import Grant
from penstock.kit.openapi import Info, Operation, Parameter, document, ref
from penstock.tables.access import ACTIONS, role_on
from penstock.tables.catalog import Table
from penstock.tables.fields import BY_NAME
from penstock.tables.models import App, TableEntry
from penstock.tables.openapi import examples, groups
from penstock.tables.openapi.conditions import conditions, nearness
from penstock.tables.openapi.shapes import components, populated, readable
from penstock.tables.operations.edges import SCHEMAS as EDGE_SCHEMAS
from penstock.tables.operations.edges import EdgeTarget, edge_operations, walk_parameters
from penstock.tables.operations.records import GENERIC, SCHEMAS, Target, record_operations
from penstock.tables.providers import Feature, capabilities
from penstock.tables.records.request import NEVER_UNIQUE
from penstock.tables.relations.family import Family
from penstock.tables.relations.resolve import names as relations

# Documents of more tables than FULL have no filter parameters for each; none has more than MAX_TABLES.
FULL = 250
MAX_TABLES = 1000


def describe_app(
    grant: Grant, app: App, entries: Sequence[TableEntry], info: Info, max_rows: int
) -> dict[str, Any]:
    """The document for who holds this grant; tables whose provider is not served are not in it.

    Runs in a thread of its own, so it takes everything and looks nothing up.
    """
    operations: list[Operation] = []
    schemas: dict[str, Any] = {**SCHEMAS, **EDGE_SCHEMAS}
    tags: dict[str, str] = {}
    names = _Names()
    tables = {
        one.table.name: Table(one.table, one.provider_type, app.slug, is_audited=False) for one in entries
    }
    family = Family(tables.values())
    for entry in entries:
        if not capabilities(entry.provider_type).can(Feature.RECORDS):
            continue
        table = tables[entry.table.name]
        name = names.of(table.name)
        replaced = {key.fields[0] for key in table.schema.foreign_keys if len(key.fields) == 1}
        # Not every provider joins tables.
        related = relations(family, table.name) if table.name in family.tables else []
        schemas |= components(table.schema, name)
        if related:
            schemas |= populated(table.schema, name, replaced)
        tags[table.name] = entry.table.description or table.schema.description
        target = _target(table, name, max_rows, related, in_full=len(entries) <= FULL)
        described = (*record_operations(target), *_edges(table, name))
        role = role_on(grant.principal, table.definition) or grant.role
        operations += [one for one in described if ACTIONS[_action(one)] <= role]
    return document(_head(info, app, len(entries)), operations, schemas=schemas, tags=tags)


def _head(info: Info, app: App, count: int) -> Info:
    words = [app.description]
    if count > FULL:
        words.append("`?tables=a,b` describes these tables alone, with every filter parameter.")
    if count >= MAX_TABLES:
        words.append(f"Only the first {MAX_TABLES:,} tables are described here.")
    return replace(info, title=app.name, description=" ".join(word for word in words if word))


def _action(operation: Operation) -> str:
    return "record.read" if operation.method == "get" else "record.write"


class _Names:
    """Names of components and operations: `order_items` becomes `OrderItems`, and no two are the same."""

    def __init__(self) -> None:
        self._taken = {name.lower() for name in (*SCHEMAS, *EDGE_SCHEMAS, "Error")}

    def of(self, table: str) -> str:
        base = "".join(part[:1].upper() + part[1:] for part in table.split("_")) or "Table"
        base = re.sub("(Fields|Create|Change|Record)$", r"\1_", base)
        name, number = base, 1
        while not self._taken.isdisjoint((name.lower(), f"{name}edges".lower())):
            number += 1
            name = f"{base}_{number}"
        self._taken |= {name.lower(), f"{name}edges".lower()}
        return name


def _target(table: Table, name: str, max_rows: int, related: Sequence[str], *, in_full: bool) -> Target:
    schema = table.schema
    ordered = [field.name for field in schema.fields if BY_NAME[field.type].orderable]
    whole, key = examples.whole(schema), schema.primary_key
    single = readable(schema.by_name[key[0]], schema) if len(key) == 1 else {"type": "string", "minLength": 1}
    return Target(
        base=f"/api/apps/{table.app_slug}/datatables/{table.name}/data",
        tag=table.name,
        many=name,
        one=f"{name}Record",
        noun=f"records of {table.name}",
        path=(),
        key=Parameter(
            name="key",
            place="path",
            schema=single,
            description=_key_words(key),
            example=examples.key(schema),
        ),
        row=ref(name),
        part={"anyOf": [ref(f"{name}Fields"), ref(f"{name}Populated")]} if related else ref(f"{name}Fields"),
        create=ref(f"{name}Create"),
        change=ref(f"{name}Change"),
        primary_key=key,
        keys={"type": "array", "items": single, "minItems": 1},
        ordering=_names(sign + one for one in ordered for sign in ("", "-")),
        fields=_names(schema.names),
        populate=_names(["*", *related]) if related else None,
        unique_fields=_names(one.name for one in schema.fields if one.type not in NEVER_UNIQUE),
        conditions=tuple(conditions(table)) if in_full else GENERIC.conditions,
        vectors=tuple(nearness(schema.fields)),
        aggregates=groups.aggregates(table),
        keys_of_groups=groups.keys(table),
        walks=_walks(table),
        max_rows=max_rows,
        example=whole,
        creation=examples.created(schema),
        changes=examples.changed(schema),
    )


def _edges(table: Table, name: str) -> tuple[Operation, ...]:
    graph = table.schema.graph
    if graph is None:
        return ()
    target = EdgeTarget(
        base=f"/api/apps/{table.app_slug}/datatables/{table.name}/edges",
        tag=table.name,
        many=f"{name}Edges",
        one=f"{name}Edge",
        noun=f"edges of {table.name}",
        path=(),
        types=tuple(graph.by_name),
        is_stored=graph.self_reference is None,
    )
    return edge_operations(target)


def _walks(table: Table) -> tuple[Parameter, ...]:
    graph = table.schema.graph
    return () if graph is None else walk_parameters(tuple(graph.by_name))


def _key_words(key: Sequence[str]) -> str:
    return (
        f"`{key[0]}` of the record."
        if len(key) == 1
        else f"The values of {', '.join(key)}, joined by commas."
    )


def _names(names: Iterable[str]) -> dict[str, Any]:
    return {"type": "array", "items": {"enum": list(names)}}
