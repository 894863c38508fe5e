"""What a unique index refused, in the words of the request: which row, which field, which value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, PyMongoError

from penstock.kit import errors
from penstock.kit.errors import RowError
from penstock.tables.providers.mongodb.definition import KEY, indexes
from penstock.tables.providers.mongodb.failures import Unexpected, translated
from penstock.tables.providers.mongodb.match import Match
from penstock.tables.providers.mongodb.ruling import is_hidden
from penstock.tables.providers.mongodb.servers import Place
from penstock.tables.providers.mongodb.shape import comparable, layout_of, names_by_path, path_of, value_json
from penstock.tables.records.codec import MAX_REPORTED

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

_DUPLICATE = 11000
_AT_ONCE = 500


class Taken(Exception):
    """A unique index over these paths refused a document with these values."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__("taken")
        self.values = values


def taken(error: PyMongoError) -> Taken | None:
    """The violation that an error of the driver tells of, if it does."""
    if isinstance(error, BulkWriteError):
        details: Any = error.details
        found: Any = next((one for one in details.get("writeErrors", ()) if one["code"] == _DUPLICATE), None)
    elif isinstance(error, DuplicateKeyError) or (
        isinstance(error, OperationFailure) and error.code == _DUPLICATE
    ):
        found = error.details
    else:
        found = None
    return None if found is None or "keyValue" not in found else Taken(found["keyValue"])


async def explained(
    place: Place,
    table: Table,
    refused: Taken,
    documents: Sequence[Mapping[str, Any]],
    *,
    is_list: bool,
    matched: Sequence[str] = (),
) -> errors.Conflict:
    """The error to answer. `documents` are the rows of the request as they should have become, by path.

    A row and a record that agree in the fields `matched` are the same: it is changed by the row, not in its way.
    """
    known = names_by_path(table)
    require_declared(table, refused)
    if is_hidden(table, list(refused.values)):
        return errors.Conflict("A record like this exists already.")
    names = [known.get(path, path) for path in refused.values]
    if not is_list:
        said = ", ".join(_said(table, known, path, value) for path, value in refused.values.items())
        message = f"A record with this {', '.join(names)} ({said[:100]}) exists already."
        return errors.Conflict(message, errors={name: [message] for name in names})
    message = f"A record with this {', '.join(names)} exists already."
    rows = await _rows(
        place, table, list(refused.values), documents, [path_of(table, name) for name in matched]
    )
    if not rows:
        return errors.Conflict(message)
    refusal = "1 row was" if len(rows) == 1 else f"{len(rows):,} rows were"
    return errors.Conflict(
        f"{refusal} refused and nothing was written; row {rows[0]}: {message}",
        rows=[RowError(row, {names[0]: [message]}) for row in rows[:MAX_REPORTED]],
    )


def unique_paths(table: Table) -> list[tuple[str, ...]]:
    """What of a table is unique, its key first."""
    return [(KEY,), *(one.paths for one in indexes(table.whole.schema, layout_of(table)) if one.unique)]


def require_declared(table: Table, refused: Taken) -> None:
    """Raises `Unexpected` for an index that the definition does not know of."""
    if tuple(refused.values) not in unique_paths(table):
        raise Unexpected


def _said(table: Table, known: Mapping[str, str], path: str, value: Any) -> str:
    return value_json(table, known[path], value).strip('"') if path in known else str(value)


async def _rows(
    place: Place,
    table: Table,
    paths: Sequence[str],
    documents: Sequence[Mapping[str, Any]],
    matched: Sequence[str],
) -> list[int]:
    """Rows whose values another record has, or an earlier row."""
    key = [path_of(table, name) for name in table.schema.primary_key]
    same = matched or key
    seen: dict[tuple[Any, ...], list[int]] = {}
    found: set[int] = set()
    for position, one in enumerate(documents):
        if all(one.get(path) is not None for path in paths):
            places = seen.setdefault(_values(one, paths), [])
            if places:
                found.add(position)
            places.append(position)
    firsts = [documents[places[0]] for places in seen.values()]
    for start in range(0, len(firsts), _AT_ONCE):
        match: Match = {
            "$or": [{path: one[path] for path in paths} for one in firsts[start : start + _AT_ONCE]]
        }
        with translated():
            cursor = place.collection(table.place.name).find(match, dict.fromkeys([*paths, *same], 1))
            async for stored in cursor:
                for position in seen.get(_values(stored, paths), ()):
                    mine = documents[position]
                    is_own = all(
                        path in mine and comparable(mine[path]) == comparable(stored.get(path))
                        for path in same
                    )
                    if not is_own or (paths == key and not matched):
                        found.add(position)
    return sorted(found)


def _values(document: Mapping[str, Any], paths: Sequence[str]) -> tuple[Any, ...]:
    return tuple(comparable(document[path]) for path in paths)
