"""Checks rows against a definition without writing any (contract section 7.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from penstock.kit import errors, http
from penstock.tables.fields import BY_NAME
from penstock.tables.models import DataTable, TableSchema
from penstock.tables.records.codec import MAX_REPORTED, Fault, RowCodec
from penstock.tables.schema import parse_schema


def validate_data(table: DataTable, data: msgspec.Raw, most: int) -> dict[str, Any]:
    """`{is_valid, errors, error_count, validated_rows}`; rows count from 0, and the first errors are told.

    Raises `Invalid` when `data` is no list, `TooLarge` when it has more than `most` rows.
    """
    schema = parse_schema(table.json_schema)
    rows = http.decode(bytes(data), list[msgspec.Raw])
    if len(rows) > most:
        raise errors.TooLarge(f"At most {most:,} rows are checked in one request; this has {len(rows):,}.")
    faults = [*RowCodec(schema).faults(rows, is_create=True), *_repeated(schema, rows)]
    faults.sort(key=lambda fault: fault.index)
    return {
        "is_valid": not faults,
        "errors": [_sentence(fault) for fault in faults[:MAX_REPORTED]],
        "error_count": len(faults),
        "validated_rows": len(rows),
    }


def _sentence(fault: Fault) -> str:
    if fault.is_missing:
        return f"Row {fault.index}: Missing required field '{fault.field}'"
    return f"Row {fault.index}: Field '{fault.field}': {fault.message}"


def _repeated(schema: TableSchema, rows: Sequence[msgspec.Raw]) -> Iterator[Fault]:
    """Values that would break a unique constraint within the batch itself."""
    seen: dict[tuple[str, ...], dict[Any, int]] = {names: {} for names in _unique(schema)}
    for index, row in enumerate(rows):
        try:
            values = msgspec.json.decode(bytes(row), type=dict[str, msgspec.Raw])
        except msgspec.ValidationError:
            continue
        for names, known in seen.items():
            key = _key(schema, names, values)
            if key is None:
                continue
            first = known.setdefault(key, index)
            if first != index:
                yield Fault(index, ", ".join(names), f"The value must be unique, and row {first} has it too.")


def _unique(schema: TableSchema) -> list[tuple[str, ...]]:
    names = [schema.primary_key]
    names += [(field.name,) for field in schema.fields if field.constraints.unique]
    names += [index.fields for index in schema.indexes if index.unique and index.fields and not index.where]
    return list(dict.fromkeys(names))


def _key(schema: TableSchema, names: tuple[str, ...], values: dict[str, msgspec.Raw]) -> Any:
    """What is compared; None where a value is absent, null or faulty."""
    key: list[Any] = []
    for name in names:
        raw = values.get(name)
        if raw is None or bytes(raw).strip() == b"null":
            return None
        field = schema.by_name[name]
        try:
            value = msgspec.json.decode(bytes(raw), type=BY_NAME[field.type].annotation(field))
            hash(value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        except TypeError:
            value = bytes(raw)
        key.append(value)
    return tuple(key)
