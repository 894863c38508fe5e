"""The systems that credentials are for; a new one is a module here and a line below."""

from __future__ import annotations

from typing import Final

from penstock.connectors.kinds import csv, duckdb, mongodb, mysql, parquet, postgresql, sqlite
from penstock.connectors.kinds.base import Kind
from penstock.kit import errors

KINDS: Final[tuple[Kind, ...]] = (
    postgresql.KIND,
    mysql.KIND,
    mongodb.KIND,
    sqlite.KIND,
    duckdb.KIND,
    csv.KIND,
    parquet.KIND,
)


def kind_of(name: str) -> Kind:
    """Raises `Invalid` for field `kind`."""
    for kind in KINDS:
        if kind.name == name:
            return kind
    known = [kind.name for kind in KINDS]
    message = f"'{name[:40]}' is not a kind of credential; kinds are: {', '.join(known)}."
    raise errors.Invalid({"kind": [message]}, hint=errors.nearest(name, known))


__all__ = ["KINDS", "Kind", "kind_of"]
