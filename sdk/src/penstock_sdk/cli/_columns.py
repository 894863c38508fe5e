"""Text to values by a table's schema, for files that know only text, and back.

What a value must satisfy beyond its type is the server's to check.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, cast

import msgspec

from penstock_sdk import _json

Convert = Callable[[str], Any]
RowReader = Callable[[Sequence[str]], tuple[dict[str, Any], dict[str, str]]]

_WHOLE = re.compile(r"[+-]?[0-9]+\Z")
_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}
_JSON_TYPES = frozenset({"object", "array", "geojson", "geopoint", "range", "vector"})


class Columns:
    """The fields of a table, as a file has to know them."""

    def __init__(self, json_schema: Mapping[str, Any]) -> None:
        fields = cast("list[dict[str, Any]]", json_schema.get("fields", []))
        self.types = {str(field["name"]): str(field.get("type", "string")) for field in fields}
        self._convert = {name: CONVERTERS.get(kind, str) for name, kind in self.types.items()}

    @property
    def names(self) -> list[str]:
        """Field names in schema order."""
        return list(self.types)

    def unknown(self, names: list[str]) -> list[str]:
        """The names that are no fields."""
        return [name for name in names if name not in self.types]

    def reader(self, names: Sequence[str], nulls: frozenset[str]) -> RowReader:
        """Gives a function from the texts of a row, in the order of `names`, to its values.

        Empty text and the words in `nulls` are null. The second part of its answer has the reasons, by field,
        of texts that cannot be read.
        """
        converters = [(name, self._convert[name]) for name in names]

        def read(texts: Sequence[str]) -> tuple[dict[str, Any], dict[str, str]]:
            values: dict[str, Any] = {}
            reasons: dict[str, str] = {}
            for (name, convert), text in zip(converters, texts, strict=True):
                if not text or text in nulls:
                    values[name] = None
                    continue
                try:
                    values[name] = text if convert is str else convert(text)
                except ValueError as error:
                    reasons[name] = str(error)
            return values, reasons

        return read


def whole_number(text: str) -> int:
    if text.isdigit() and text.isascii():
        return int(text)
    if not _WHOLE.match(text.strip()):
        raise ValueError(f"'{text}' is not a whole number")
    return int(text)


def number(text: str) -> Decimal:
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError(f"'{text}' is not a number") from None
    if not value.is_finite():
        raise ValueError(f"'{text}' is not a finite number")
    return value


def boolean(text: str) -> bool:
    value = _BOOLEANS.get(text.strip().lower())
    if value is None:
        raise ValueError(f"'{text}' is neither true nor false")
    return value


def json_value(text: str) -> Any:
    try:
        return _json.decode(text.encode(), decimals=True)
    except msgspec.DecodeError as error:
        raise ValueError(f"'{text[:40]}' is not JSON: {error}") from None


def json_or_text(text: str) -> Any:
    try:
        return json_value(text)
    except ValueError:
        return text


CONVERTERS: dict[str, Convert] = {
    "integer": whole_number,
    "year": whole_number,
    "number": number,
    "boolean": boolean,
    "any": json_or_text,
    **dict.fromkeys(_JSON_TYPES, json_value),
}


def as_text(value: Any) -> str:
    """A value as it stands in a CSV file; null is empty."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict | list):
        return _json.encode(cast("object", value)).decode()
    return str(value)
