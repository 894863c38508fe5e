"""Importing a data package: every table it lists is created or replaced, in one transaction, or none is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.db import Connection
from penstock.tables import naming, store
from penstock.tables.definitions import read_definition
from penstock.tables.errors import ImportFailed
from penstock.tables.models import DataSource, Definition, TableEntry
from penstock.tables.schema.materialize import SYSTEM_TABLES, Done
from penstock.tables.service.materializing import materialize
from penstock.tables.service.migrating import ChangeRefused, Migrated, Terms, Wanted, migrate
from penstock.tables.service.tables import check_edges, create_table, write_definition

MAX_RESOURCES = 1000


@dataclass(frozen=True, slots=True)
class Incoming:
    """A resource of a package, not yet read."""

    name: str
    description: str
    schema: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did. `unchanged` tables had the very definition that was sent."""

    created: Sequence[str]
    updated: Sequence[str]
    unchanged: Sequence[str]
    migrated: Migrated
    steps: Sequence[Done]

    def summary(self) -> dict[str, Any]:
        return {
            "created_count": len(self.created),
            "updated_count": len(self.updated),
            "unchanged_count": len(self.unchanged),
            "error_count": 0,
            "errors": {},
        }


class _Faults:
    """Collects what is wrong with the resources, so that all of it is told at once."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}

    def add(self, name: str, message: str) -> None:
        self.found.setdefault(name[:80], []).append(message)

    def add_error(self, name: str, error: errors.PenstockError) -> None:
        for messages in (error.errors or {"": [error.message]}).values():
            for message in messages:
                self.add(name, message)

    def raise_if_any(self) -> None:
        if self.found:
            raise ImportFailed(self.found)


async def import_package(
    conn: Connection,
    grant: Grant,
    source: DataSource,
    resources: Sequence[Incoming],
    *,
    source_is_chosen: bool,
    materialized: bool,
    terms: Terms,
) -> Imported:
    """Create or update every resource; `materialized` makes all of them at once, foreign key targets first.

    Materialized tables whose schemas differ are migrated together.

    New tables go to `source`; an existing one stays in its own, and when the source was chosen must be in it.
    Raises `ImportFailed` with all faults by resource, and nothing is written then.
    """
    faults = _Faults()
    definitions = dict(_read(resources, faults))
    known = await store.find_tables(conn, grant, list(definitions))
    await _check_references(conn, grant, definitions, faults)
    for name, definition in definitions.items():
        try:
            await check_edges(conn, grant, name, definition)
            if name in known:
                _check_existing(known[name], source if source_is_chosen else None)
        except errors.Invalid as error:
            faults.add_error(name, error)
    faults.raise_if_any()
    (created, updated, unchanged), wanted = await _write(conn, grant, source, resources, definitions, known)
    try:
        migrated = await migrate(conn, grant, wanted, terms) if wanted else Migrated()
    except ChangeRefused as refused:
        raise ImportFailed(refused.faults) from refused
    steps = await materialize(conn, grant, list(definitions)) if materialized else []
    return Imported(created, updated, unchanged, migrated, [*migrated.steps, *steps])


def _read(resources: Sequence[Incoming], faults: _Faults) -> Iterator[tuple[str, Definition]]:
    if len(resources) > MAX_RESOURCES:
        message = f"A package has at most {MAX_RESOURCES} resources; this one has {len(resources)}."
        raise errors.Invalid({"resources": [message]})
    seen: set[str] = set()
    for resource in resources:
        try:
            naming.check_table_name(resource.name)
            if resource.name in seen:
                faults.add(resource.name, "The package lists this name twice.")
                continue
            seen.add(resource.name)
            yield resource.name, read_definition(resource.schema)
        except errors.BadRequest as error:
            faults.add_error(resource.name, error)


async def _check_references(
    conn: Connection, grant: Grant, definitions: dict[str, Definition], faults: _Faults
) -> None:
    """A package is complete: what its foreign keys name is in it, or in the app already."""
    wanted = {
        key.resource
        for definition in definitions.values()
        for key in definition.schema.foreign_keys
        if key.resource and key.resource not in definitions and key.resource not in SYSTEM_TABLES
    }
    missing = wanted - set(await store.find_tables(conn, grant, sorted(wanted))) if wanted else set[str]()
    for name, definition in definitions.items():
        for key in definition.schema.foreign_keys:
            if key.resource in missing:
                message = f"A foreign key refers to '{key.resource}', which neither package nor app has."
                faults.add(name, message)


def _check_existing(entry: TableEntry, chosen: DataSource | None) -> None:
    if chosen is not None and entry.table.data_source_id != chosen.id:
        message = f"A table of this name is in the data source '{entry.source_slug}', not '{chosen.slug}'."
        raise errors.Invalid({"name": [message]})


async def _write(
    conn: Connection,
    grant: Grant,
    source: DataSource,
    resources: Sequence[Incoming],
    definitions: dict[str, Definition],
    known: dict[str, TableEntry],
) -> tuple[tuple[list[str], list[str], list[str]], list[Wanted]]:
    created: list[str] = []
    updated: list[str] = []
    unchanged: list[str] = []
    wanted: list[Wanted] = []
    for resource in resources:
        name, definition = resource.name, definitions[resource.name]
        before = known.get(name)
        if before is None:
            await create_table(conn, grant, source, name, resource.description, definition)
            created.append(name)
            continue
        after, change = await write_definition(
            conn, grant, before, description=resource.description or None, definition=definition
        )
        (unchanged if after is before else updated).append(name)
        if change is not None:
            wanted.append(change)
    return (created, updated, unchanged), wanted
