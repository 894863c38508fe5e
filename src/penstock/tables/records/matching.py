"""The fields by which an upsert finds the record that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.kit import errors
from penstock.tables.records.request import NEVER_UNIQUE

if TYPE_CHECKING:
    from penstock.tables.catalog import Table


def unique_fields(table: Table, text: str | None) -> tuple[str, ...]:
    """The fields of a comma list, the primary key when there is none. Raises `Invalid`."""
    if text is None:
        return table.schema.primary_key
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if not names or len(set(names)) != len(names):
        raise errors.Invalid({"unique_fields": ["Name the fields that tell records apart, each once."]})
    for name in names:
        field = table.schema.by_name.get(name)
        if field is None:
            hint = errors.nearest(name, table.schema.names)
            raise errors.Invalid({"unique_fields": [f"There is no field '{name[:80]}'."]}, hint=hint)
        if field.type in NEVER_UNIQUE:
            raise errors.Invalid(
                {"unique_fields": [f"'{name}' is of type {field.type}, which tells no records apart."]}
            )
    return names
