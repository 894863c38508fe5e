"""Vectors of a fixed number of dimensions, such as embeddings of texts: `{"type": "vector", "dimensions": 384}`.

They are columns of pgvector, whose schema is found in the database: see `schema.vectors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.kit import sql
from penstock.kit.operators import ValueType
from penstock.tables.fields.base import EVERYWHERE, Check, FieldType
from penstock.tables.models import Field, Vector

# So that no distance between two vectors overflows the single precision it is computed in.
LARGEST = 1e16


def options(field: Field) -> Vector:
    """What the field says of its vectors."""
    assert field.vector is not None
    return field.vector


def sound(numbers: Sequence[float], dimensions: int) -> str | None:
    """What is wrong with a vector for a field of so many dimensions."""
    if len(numbers) != dimensions:
        return f"The vector has {len(numbers):,} dimensions; the field has {dimensions:,}."
    if any(not -LARGEST <= one <= LARGEST for one in numbers):
        return f"The numbers of a vector lie between -{LARGEST:g} and {LARGEST:g}."
    return None


class VectorType(FieldType):
    name = "vector"
    constraints = EVERYWHERE
    value_type = ValueType.VECTOR
    orderable = False

    def column(self, field: Field) -> str:
        return f"{self._type(field)}({options(field).dimensions})"

    def annotation(self, field: Field) -> Any:
        return list[float]

    def parse(self, field: Field, raw: Any) -> Any:
        raise ValueError("vectors are given record by record")

    def intrinsic(self, field: Field) -> Check | None:
        dimensions = options(field).dimensions

        def check(value: Any) -> str | None:
            return sound(value, dimensions)

        return check

    def incoming(self, field: Field) -> str:
        return "text"

    def store(self, field: Field, expression: str) -> str:
        return f"({expression})::{self._type(field)}"

    def render(self, field: Field, column: str) -> str:
        return f"{column}::text::json"

    def describe(self, field: Field) -> dict[str, Any]:
        dimensions = options(field).dimensions
        return {
            "type": "array",
            "items": {"type": "number", "minimum": -LARGEST, "maximum": LARGEST},
            "minItems": dimensions,
            "maxItems": dimensions,
        }

    def _type(self, field: Field) -> str:
        return sql.qualified(options(field).home, "vector")
