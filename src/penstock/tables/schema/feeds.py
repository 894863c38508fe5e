"""What a table with a change feed has besides itself: triggers, and its row in `record_feeds`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from penstock.kit import sql
from penstock.tables.models import TableSchema
from penstock.tables.schema.ddl import Place, Step
from penstock.tables.schema.language import SEARCH_COLUMN

_TRIGGERS = (
    ("penstock_inserted", "INSERT", "NEW TABLE AS pst_new"),
    ("penstock_updated", "UPDATE", "OLD TABLE AS pst_old NEW TABLE AS pst_new"),
    ("penstock_deleted", "DELETE", "OLD TABLE AS pst_old"),
)


def start_step(table_id: int, place: Place, schema: TableSchema) -> Step:
    """Keep every change from now on."""
    return Step("ALTER", "Start the change feed", _start(table_id, place, schema), _stop(table_id, place))


def stop_step(table_id: int, place: Place, schema: TableSchema) -> Step:
    """Keep no changes any more; those that were kept are not given out again."""
    return Step("ALTER", "Stop the change feed", _stop(table_id, place), _start(table_id, place, schema))


def follow_step(
    table_id: int, place: Place, old: TableSchema, new: TableSchema, names: Mapping[str, str | None]
) -> Step:
    """Have the changes kept so far read under other names; what is None is left out of them."""
    back = {to: since for since, to in names.items() if to is not None}
    do, undo = _follow(table_id, names), _follow(table_id, back)
    if bool(old.search_fields) != bool(new.search_fields):
        do, undo = f"{do}\n{_triggers(table_id, place, new)}", f"{undo}\n{_triggers(table_id, place, old)}"
    return Step("ALTER", "Keep the change feed in step", do.strip(), undo.strip())


def _follow(table_id: int, names: Mapping[str, str | None]) -> str:
    if not names:
        return ""
    text = sql.literal(msgspec.json.encode(names).decode())
    return (
        "UPDATE penstock.record_feeds SET names = names || jsonb_build_array(jsonb_build_object("
        f"'until', nextval('penstock.record_change_ids'), 'names', {text}::jsonb)) WHERE table_id = {table_id};"
    )


def _start(table_id: int, place: Place, schema: TableSchema) -> str:
    feed = (
        "INSERT INTO penstock.record_feeds (table_id, gone_id) "
        f"VALUES ({table_id}, nextval('penstock.record_change_ids'));"
    )
    return f"{_triggers(table_id, place, schema)}\n{feed}"


def _stop(table_id: int, place: Place) -> str:
    drops = [f"DROP TRIGGER {name} ON {place.sql};" for name, _, _ in _TRIGGERS]
    return "\n".join([*drops, f"DELETE FROM penstock.record_feeds WHERE table_id = {table_id};"])


def _triggers(table_id: int, place: Place, schema: TableSchema) -> str:
    """The search vector is made of the row and would only take room."""
    given = f"'{table_id}'" + (f", {sql.literal(SEARCH_COLUMN)}" if schema.search_fields else "")
    return "\n".join(
        f"CREATE OR REPLACE TRIGGER {name} AFTER {event} ON {place.sql} REFERENCING {seen} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION penstock.note_changes_v1({given});"
        for name, event, seen in _TRIGGERS
    )
