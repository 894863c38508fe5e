"""What a table with a change feed has besides itself: triggers, and its row in `record_feeds`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Move:
    """A value of a row that is under another path now, or `default` where there was none; without `to` it is null."""

    source: tuple[str, ...]
    to: tuple[str, ...] = ()
    default: str | None = None

    def entry(self) -> dict[str, Any]:
        if not self.to:
            return {"from": self.source}
        found: dict[str, Any] = {"from": self.source, "to": self.to}
        return found if self.default is None else found | {"else": msgspec.Raw(self.default.encode())}


@dataclass(frozen=True, slots=True)
class Reading:
    """How rows that were noted are read from now on: columns by other names, None being left out, then `moves`."""

    names: Mapping[str, str | None] = field(default_factory=dict[str, "str | None"])
    moves: tuple[Move, ...] = ()

    def entry(self) -> str:
        parts: dict[str, Any] = {"names": self.names}
        if self.moves:
            parts["moves"] = [one.entry() for one in self.moves]
        values = ", ".join(
            f"{sql.literal(name)}, {sql.literal(msgspec.json.encode(value).decode())}::jsonb"
            for name, value in parts.items()
        )
        return f"jsonb_build_object('until', nextval('penstock.record_change_ids'), {values})"


def hidden_in(schema: TableSchema) -> str | None:
    """The search vector is made of the row and would only take room."""
    return SEARCH_COLUMN if schema.search_fields else None


def start_step(table_id: int, place: Place, *, hidden: str | None = None) -> Step:
    """Keep every change from now on, without the column `hidden`."""
    start = _start(table_id, place, hidden)
    return Step("ALTER", "Start the change feed", start, _stop(table_id, place))


def stop_step(table_id: int, place: Place, *, hidden: str | None = None) -> Step:
    """Keep no changes any more; those that were kept are not given out again."""
    start = _start(table_id, place, hidden)
    return Step("ALTER", "Stop the change feed", _stop(table_id, place), start)


def follow_step(
    table_id: int,
    place: Place,
    forth: Sequence[Reading],
    back: Sequence[Reading],
    *,
    hidden: tuple[str | None, str | None] = (None, None),
) -> Step:
    """Have the changes kept so far read otherwise, and `back` when that is undone."""
    do, undo = _follow(table_id, forth), _follow(table_id, back)
    old, new = hidden
    if old != new:
        do, undo = f"{do}\n{_triggers(table_id, place, new)}", f"{undo}\n{_triggers(table_id, place, old)}"
    return Step("ALTER", "Keep the change feed in step", do.strip(), undo.strip())


def _follow(table_id: int, readings: Sequence[Reading]) -> str:
    entries = [one.entry() for one in readings if one.names or one.moves]
    if not entries:
        return ""
    return (
        f"UPDATE penstock.record_feeds SET names = names || jsonb_build_array({', '.join(entries)}) "
        f"WHERE table_id = {table_id};"
    )


def _start(table_id: int, place: Place, hidden: str | None) -> str:
    feed = (
        "INSERT INTO penstock.record_feeds (table_id, gone_id) "
        f"VALUES ({table_id}, nextval('penstock.record_change_ids'));"
    )
    return f"{_triggers(table_id, place, hidden)}\n{feed}"


def _stop(table_id: int, place: Place) -> str:
    drops = [f"DROP TRIGGER {name} ON {place.sql};" for name, _, _ in _TRIGGERS]
    return "\n".join([*drops, f"DELETE FROM penstock.record_feeds WHERE table_id = {table_id};"])


def _triggers(table_id: int, place: Place, hidden: str | None) -> str:
    given = f"'{table_id}'" + (f", {sql.literal(hidden)}" if hidden else "")
    return "\n".join(
        f"CREATE OR REPLACE TRIGGER {name} AFTER {event} ON {place.sql} REFERENCING {seen} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION penstock.note_changes_v1({given});"
        for name, event, seen in _TRIGGERS
    )
