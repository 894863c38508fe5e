"""JSON documents: objects, arrays, anything, and the two geographic types that are JSON with a rule.

The text of a document is handed through unread, so numbers inside it keep all their digits.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import msgspec

from penstock.kit.operators import ValueType
from penstock.tables.fields.base import EVERYWHERE, LENGTHS, Check, FieldType
from penstock.tables.fields.number import MAX_DIGITS, finite
from penstock.tables.models import Field

# What may be a number of a thousand digits or more, written in a few: PostgreSQL would write it out.
_LONG = re.compile(rb"[0-9][eE][+-]?[0-9]{3}")

_GEOJSON = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon")
_GEOJSON_TYPES = frozenset((*_GEOJSON, "GeometryCollection", "Feature", "FeatureCollection"))


class _Typed(msgspec.Struct):
    type: str


class _TooLong(ValueError):
    """A number in a document has too many digits."""


def _number(text: str) -> None:
    try:
        reason = finite(Decimal(text))
    except ArithmeticError:
        reason = "out of range"
    if reason:
        raise _TooLong


def bounded(value: Any) -> str | None:
    """Holds numbers inside a document to the digits that a number field may have."""
    text = bytes(value)
    if _LONG.search(text):
        try:
            json.loads(text, parse_float=_number, parse_int=lambda _: None)
        except _TooLong:
            return f"A number in it has more than {MAX_DIGITS} digits."
        except ValueError as error:
            return f"It is not valid JSON: {error}."
    return None


def _opens_with(opening: str, what: str) -> Check:
    def check(value: Any) -> str | None:
        return bounded(value) if bytes(value).lstrip()[:1] == opening.encode() else f"Expected {what}."

    return check


def geopoint(value: Any) -> str | None:
    """`[lon, lat]`, the array format of Table Schema, in degrees."""
    try:
        longitude, latitude = msgspec.json.decode(bytes(value), type=tuple[float, float])
    except msgspec.ValidationError:
        longitude = latitude = 1000.0
    if abs(longitude) <= 180 and abs(latitude) <= 90:
        return None
    return "Expected [longitude, latitude] in degrees."


def geojson(value: Any) -> str | None:
    try:
        if msgspec.json.decode(bytes(value), type=_Typed).type in _GEOJSON_TYPES:
            return bounded(value)
    except msgspec.ValidationError:
        pass
    return "Expected a GeoJSON object (RFC 7946) with a 'type' such as Point or Feature."


class JsonType(FieldType):
    """What the JSON types share."""

    constraints = EVERYWHERE
    orderable = False
    value_type = ValueType.JSON

    def column(self, field: Field) -> str:
        return "jsonb"

    def annotation(self, field: Field) -> Any:
        return msgspec.Raw

    def parse(self, field: Field, raw: Any) -> Any:
        value = msgspec.Raw(msgspec.json.encode(raw))
        if (check := self.intrinsic(field)) and (message := check(value)):
            raise ValueError(message)
        return value


class ObjectType(JsonType):
    name = "object"
    value_type = ValueType.JSON_OBJECT

    def intrinsic(self, field: Field) -> Check | None:
        return _opens_with("{", "an object")

    def describe(self, field: Field) -> dict[str, Any]:
        return {"type": "object"}


class ArrayType(JsonType):
    name = "array"
    constraints = EVERYWHERE | LENGTHS
    value_type = ValueType.JSON_ARRAY

    def intrinsic(self, field: Field) -> Check | None:
        return _opens_with("[", "an array")

    def describe(self, field: Field) -> dict[str, Any]:
        return {"type": "array", "items": {}}


class AnyType(JsonType):
    name = "any"

    def intrinsic(self, field: Field) -> Check | None:
        return bounded

    def describe(self, field: Field) -> dict[str, Any]:
        return {}


class GeopointType(JsonType):
    name = "geopoint"
    formats = frozenset({"default", "array"})
    value_type = ValueType.JSON_ARRAY

    def intrinsic(self, field: Field) -> Check | None:
        return geopoint

    def describe(self, field: Field) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}


class GeojsonType(JsonType):
    name = "geojson"
    value_type = ValueType.JSON_OBJECT

    def intrinsic(self, field: Field) -> Check | None:
        return geojson

    def describe(self, field: Field) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["type"],
            "properties": {"type": {"enum": sorted(_GEOJSON_TYPES)}},
        }
