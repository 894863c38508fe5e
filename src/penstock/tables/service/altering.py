"""The steps that change a table, as the provider of its records wants them."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.kit.db import Connection
from penstock.tables import store
from penstock.tables.models import DataTable
from penstock.tables.providers.jsonb import altering as documents
from penstock.tables.providers.jsonb.layout import read_layout, view_of
from penstock.tables.schema import alter
from penstock.tables.schema.alter import Targets
from penstock.tables.schema.ddl import Step
from penstock.tables.schema.diff import Change, Version
from penstock.tables.schema.materialize import place_of


async def alteration(
    conn: Connection,
    table: DataTable,
    old: Version,
    new: Version,
    changes: Sequence[Change],
    targets: Targets,
    *,
    large: bool,
) -> list[tuple[Change, Step]]:
    """The changes with their steps, in the order in which these are done."""
    place = place_of(table)
    view = view_of(place)
    texts = await store.comments(conn, [(view.schema, view.name)])
    if not texts:
        return alter.steps(place, table.name, old, new, changes, targets, large=large, table_id=table.id)
    layout = read_layout(texts[view.schema, view.name])
    return documents.steps(
        place, table.name, old, new, changes, targets, large=large, table_id=table.id, layout=layout
    )
