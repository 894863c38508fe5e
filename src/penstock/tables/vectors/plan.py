"""A list by nearness meets its table: the field is found, the vector fits it, and what can use the index is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from penstock.kit import errors
from penstock.tables.fields.vector import options, sound
from penstock.tables.models import Field
from penstock.tables.schema.vectors import is_indexed
from penstock.tables.vectors.parse import MAX_EF_SEARCH, Near

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

# What pgvector looks at when nothing is said.
_DEFAULT_EF_SEARCH: Final = 40
# Of each kind, at the least, before the two are fused: a record that is good in both may be first in neither.
_CANDIDATES: Final = 100


@dataclass(frozen=True, slots=True)
class Nearest:
    """`vector` as pgvector reads it. `ef_search` is None where no index has the order.

    Where words are searched for as well, `candidates` of each kind are fused, with nearness weighing `alpha`.
    """

    field: Field
    vector: str
    metric: str
    top: int
    threshold: float | None
    ef_search: int | None
    candidates: int
    alpha: float


def plan_nearest(near: Near | None, table: Table, fields: Sequence[str]) -> Nearest | None:
    """`fields` are those that may be looked into. Raises `errors.Invalid` naming the parameter."""
    if near is None:
        return None
    field = _field(near, table, fields)
    own = options(field)
    metric = near.metric or own.metric
    if fault := sound(near.vector, own.dimensions):
        raise errors.Invalid({near.parameter: [fault]})
    # Smaller numbers than these have no direction in single precision.
    if metric == "cosine" and max(map(abs, near.vector)) < 1e-16:
        raise errors.Invalid({near.parameter: ["A vector of zeros has no direction to compare by cosine."]})
    ef_search = None
    if metric == own.metric and is_indexed(field):
        ef_search = near.ef_search or min(max(_DEFAULT_EF_SEARCH, near.top), MAX_EF_SEARCH)
    return Nearest(
        field=field,
        vector=msgspec.json.encode(near.vector).decode(),
        metric=metric,
        top=near.top,
        threshold=near.threshold,
        ef_search=ef_search,
        candidates=max(near.top, _CANDIDATES),
        alpha=near.alpha,
    )


def require_ranked(table: Table, *, by_vector: bool) -> None:
    """Raises `errors.Invalid` where words can be found and not ranked."""
    if not by_vector:
        raise errors.Invalid(
            {
                "search": [
                    f"Nearness and words are weighed against each other by rank, and '{table.name}' has no "
                    "search_fields to rank words by."
                ]
            }
        )


def _field(near: Near, table: Table, fields: Sequence[str]) -> Field:
    field = table.schema.by_name.get(near.field) if near.field in fields else None
    if field is None and "." in near.field:
        raise errors.Invalid(
            {near.parameter: [f"Nearness is of a field of '{table.name}' itself, not of a related record."]}
        )
    if field is None:
        hint = errors.nearest(near.field, fields)
        raise errors.Invalid({near.parameter: [f"There is no field '{near.field[:80]}'."]}, hint=hint)
    if field.vector is None:
        raise errors.Invalid(
            {
                near.parameter: [
                    f"'{field.name}' is of type {field.type}; nearness is of fields of type vector."
                ]
            }
        )
    return field
