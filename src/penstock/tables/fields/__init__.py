"""The field types, one per file (the JSON family shares one); what exists is listed in `FIELDS`."""

from penstock.tables.fields.base import Check, FieldType
from penstock.tables.fields.boolean import BooleanType
from penstock.tables.fields.date import DateType
from penstock.tables.fields.datetime import DatetimeType
from penstock.tables.fields.duration import DurationType
from penstock.tables.fields.integer import IntegerType
from penstock.tables.fields.json import AnyType, ArrayType, GeojsonType, GeopointType, ObjectType
from penstock.tables.fields.number import NumberType
from penstock.tables.fields.range import OF, RangeType
from penstock.tables.fields.string import StringType
from penstock.tables.fields.time import TimeType
from penstock.tables.fields.uuid import UuidType
from penstock.tables.fields.vector import VectorType
from penstock.tables.fields.year import YearType
from penstock.tables.fields.yearmonth import YearmonthType

FIELDS: tuple[FieldType, ...] = (
    StringType(),
    UuidType(),
    IntegerType(),
    NumberType(),
    BooleanType(),
    DateType(),
    TimeType(),
    DatetimeType(),
    YearType(),
    YearmonthType(),
    DurationType(),
    ObjectType(),
    ArrayType(),
    AnyType(),
    GeopointType(),
    GeojsonType(),
    RangeType(),
    VectorType(),
)
BY_NAME = {one.name: one for one in FIELDS}
RANGE_OF = tuple(OF)

__all__ = ["BY_NAME", "FIELDS", "RANGE_OF", "Check", "FieldType"]
