"""What every field type says about itself, always in the same order: column, parse, check, render, describe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from penstock.kit.operators import ValueType
from penstock.tables.models import Field

Check = Callable[[Any], str | None]
LENGTHS = frozenset({"minLength", "maxLength"})
BOUNDS = frozenset({"minimum", "maximum"})
EVERYWHERE = frozenset({"required"})


class FieldType:
    """A type of the schema language. Methods take the field because formats and `of` refine a type."""

    name: ClassVar[str]
    formats: ClassVar[frozenset[str]] = frozenset({"default"})
    constraints: ClassVar[frozenset[str]] = frozenset()
    value_type: ClassVar[ValueType]
    orderable: ClassVar[bool] = True

    def column(self, field: Field) -> str:
        """The PostgreSQL type of the column, collation included."""
        raise NotImplementedError(self.name)

    def filters_as(self, field: Field) -> ValueType:
        """How filters see the column."""
        return self.value_type

    def annotation(self, field: Field) -> Any:
        """The type that `msgspec` reads a JSON value into."""
        raise NotImplementedError(self.name)

    def parse(self, field: Field, raw: Any) -> Any:
        """A default, bound or enum member of the schema as a value; raises ValueError with the reason."""
        try:
            value = msgspec.convert(raw, self.annotation(field), strict=True)
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from error
        if (reason := self.intrinsic(field)) and (message := reason(value)):
            raise ValueError(message)
        return value

    def intrinsic(self, field: Field) -> Check | None:
        """What the annotation cannot say, as a sentence about the value; None when it says everything."""
        return None

    def incoming(self, field: Field) -> str:
        """The type that a JSON value is read as inside PostgreSQL before it is stored."""
        return self.column(field)

    def store(self, field: Field, expression: str) -> str:
        """SQL that turns an incoming value into the column's."""
        return expression

    def render(self, field: Field, column: str) -> str:
        """SQL whose JSON form is what the API answers."""
        return column

    def describe(self, field: Field) -> dict[str, Any]:
        """JSON Schema of a value."""
        raise NotImplementedError(self.name)
