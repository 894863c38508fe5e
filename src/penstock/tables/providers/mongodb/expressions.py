"""Bound expressions of aggregates to those of MongoDB: numbers are decimals, and nothing stays nothing."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from penstock.kit import errors
from penstock.kit.filters import ValueType
from penstock.tables.aggregates.bound import Bound, Computed, Constant, Negated, PartOf, PeriodOf, Value
from penstock.tables.providers.mongodb.shape import path_of
from penstock.tables.providers.mongodb.values import Unstorable, number

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

_SIGNS = {"+": "$add", "-": "$subtract", "*": "$multiply"}
_MILLIONTH = number(Decimal("0.000001"))
_THOUSANDTH = number(Decimal("0.001"))
_DATE_PARTS = {
    "year": "$year",
    "isoyear": "$isoWeekYear",
    "month": "$month",
    "week": "$isoWeek",
    "day": "$dayOfMonth",
    "isodow": "$isoDayOfWeek",
    "doy": "$dayOfYear",
    "hour": "$hour",
    "minute": "$minute",
}
_LOCAL = "%Y-%m-%dT%H:%M:%S.%L"


class Expressions:
    """The expressions of one plan; `values` are its constants."""

    def __init__(self, table: Table, values: Sequence[Any]) -> None:
        self.table = table
        self.values = values

    def of(self, bound: Bound) -> Any:
        """The value as it is stored, or computed; null where there is none."""
        match bound:
            case Value(field):
                return {"$ifNull": [f"${path_of(self.table, field)}", None]}
            case PeriodOf():
                return self.period(bound)
            case _:
                return self.number(bound)

    def number(self, bound: Bound) -> Any:
        match bound:
            case Value(field):
                return {"$toDecimal": f"${path_of(self.table, field)}"}
            case Constant(place):
                return self.constant(place)
            case Negated(item):
                return {"$multiply": [self.number(item), number(Decimal(-1))]}
            case Computed(sign, left, right):
                return {_SIGNS[sign]: [self.number(left), self.number(right)]}
            case PartOf():
                return {"$toDecimal": self.part(bound)}
            case PeriodOf():
                raise AssertionError("a period is no number")

    def constant(self, place: int) -> Any:
        try:
            return number(self.values[place])
        except Unstorable as error:
            raise errors.Invalid({"_aggregate": [str(error)]}) from error

    # --- moments

    def period(self, bound: PeriodOf) -> Any:
        moment = self.moment(bound.value, bound.zone)
        return {"$dateTrunc": {"date": moment, "unit": bound.unit, "startOfWeek": "monday"}}

    def moment(self, value: Value, zone: int | None) -> Any:
        """A date of MongoDB; of a datetime its local time, as if it were UTC."""
        column = f"${path_of(self.table, value.field)}"
        if value.type is ValueType.DATE:
            return column
        thousands = {"$floor": {"$multiply": [{"$toDecimal": column}, _THOUSANDTH]}}
        instant = {"$toDate": {"$toLong": thousands}}
        if zone is None:
            return instant
        local = {"$dateToString": {"date": instant, "timezone": self.values[zone], "format": _LOCAL}}
        return {"$dateFromString": {"dateString": local}}

    def part(self, bound: PartOf) -> Any:  # noqa: PLR0911  (a table, one row a return)
        column = f"${path_of(self.table, bound.value.field)}"
        if bound.value.type is ValueType.TIME:
            return _of_clock(column, bound.unit)
        if bound.unit == "epoch":
            if bound.value.type is ValueType.DATE:
                return {"$multiply": [{"$toDecimal": {"$toLong": column}}, _THOUSANDTH]}
            return {"$multiply": [{"$toDecimal": column}, _MILLIONTH]}
        moment = self.moment(bound.value, bound.zone)
        match bound.unit:
            case "dow":
                return {"$subtract": [{"$dayOfWeek": moment}, 1]}
            case "quarter":
                return {"$toLong": {"$ceil": {"$divide": [{"$month": moment}, 3]}}}
            case "second":
                return {"$add": [{"$toDecimal": {"$second": moment}}, _fraction(column)]}
            case unit:
                return {_DATE_PARTS[unit]: moment}


def _fraction(column: str) -> Any:
    """The part of a second that microseconds since some whole one have, before 1970 too."""
    million = number(Decimal(1_000_000))
    rest = {"$mod": [{"$add": [{"$mod": [{"$toDecimal": column}, million]}, million]}, million]}
    return {"$multiply": [rest, _MILLIONTH]}


def _of_clock(column: str, unit: str) -> Any:
    seconds = {"$multiply": [{"$toDecimal": column}, _MILLIONTH]}
    match unit:
        case "hour":
            return {"$floor": {"$divide": [seconds, 3600]}}
        case "minute":
            return {"$floor": {"$divide": [{"$mod": [seconds, 3600]}, 60]}}
        case "second":
            return {"$mod": [seconds, 60]}
        case _:
            return seconds
