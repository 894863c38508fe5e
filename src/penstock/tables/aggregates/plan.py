"""An `Aggregation` meets a table and a grant: fields become typed columns, outputs get names, the order gets total."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from typing import cast as typed
from zoneinfo import available_timezones

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.filters import (
    EVERYTHING,
    And,
    BoundTree,
    Column,
    Or,
    ValueType,
    bind,
    conjunction,
    leaves,
    paths,
)
from penstock.kit.filters.values import clean
from penstock.tables.aggregates import tree
from penstock.tables.aggregates.bound import (
    Bound,
    Call,
    Computed,
    Condition,
    Constant,
    Grouping,
    Limit,
    Negated,
    PartOf,
    PeriodOf,
    Term,
    Value,
)
from penstock.tables.aggregates.tokens import refuse
from penstock.tables.aggregates.tree import Aggregation, Function, Threshold
from penstock.tables.fields import BY_NAME
from penstock.tables.graph.filters import walked
from penstock.tables.records.plan import Search, plan_search, searches_by_vector
from penstock.tables.records.reach import Reach, reach
from penstock.tables.records.request import Count, RecordRequest, Sort, Window
from penstock.tables.schema import SEARCH_COLUMN

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

_NUMERIC = frozenset({ValueType.INTEGER, ValueType.NUMBER, ValueType.YEAR})
_NAME_BYTES = 63
# Values that are told apart by more than what they show have no place in keys.
_UNGROUPED = frozenset(
    {
        ValueType.JSON_OBJECT,
        ValueType.JSON_ARRAY,
        ValueType.JSON,
        ValueType.RANGE,
        ValueType.TSVECTOR,
        ValueType.VECTOR,
    }
)
_OF_DAY = ("hour", "minute", "second")
_OF_DATE = ("year", "isoyear", "quarter", "month", "week", "day", "dow", "isodow", "doy")
PARTS: dict[ValueType, tuple[str, ...]] = {
    ValueType.DATE: (*_OF_DATE, "epoch"),
    ValueType.DATETIME: (*_OF_DATE, *_OF_DAY, "epoch"),
    ValueType.TIME: (*_OF_DAY, "epoch"),
}
PERIODS: dict[ValueType, tuple[str, ...]] = {
    ValueType.DATE: ("year", "quarter", "month", "week", "day"),
    ValueType.DATETIME: ("year", "quarter", "month", "week", "day", "hour", "minute", "second"),
}
"""The units by the type of the field."""


@dataclass(frozen=True, slots=True)
class AggregatePlan:
    """A read of groups in which nothing can be wrong any more, but for the values in the records."""

    table: Table
    where: BoundTree
    hide_deleted: bool
    search: Search | None
    grouping: Grouping
    values: tuple[Any, ...]
    window: Window
    is_counted: bool
    # Some rows are kept back from who asks.
    is_limited: bool = False


def plan_aggregate(
    request: RecordRequest, aggregation: Aggregation, table: Table, grant: Grant
) -> AggregatePlan:
    """`grant` is the permission to read this table: what it does not reach is not counted either."""
    seen = reach(table, grant)
    binder = _Binder(seen)
    keys = tuple(binder.key(key) for key in aggregation.keys)
    outputs = tuple(binder.output(output) for output in aggregation.outputs)
    names = _names(keys, outputs)
    having = binder.having(aggregation.having, names) if aggregation.having is not None else None
    return AggregatePlan(
        table=table,
        where=conjunction([_where(request, seen), seen.rows]),
        hide_deleted=table.schema.soft_deletes and "is_deleted" not in paths(request.filters),
        search=plan_search(request.search, table, seen.fields),
        grouping=Grouping(keys, outputs, having, _order(request.order, keys, names)),
        values=tuple(binder.values),
        window=request.window,
        is_counted=request.count is not Count.NONE,
        is_limited=seen.rows != EVERYTHING,
    )


def _where(request: RecordRequest, seen: Reach) -> BoundTree:
    columns: dict[str, Column] = {name: seen.table.columns[name] for name in seen.fields}
    if searches_by_vector(seen.table, seen.fields):
        columns[SEARCH_COLUMN] = seen.table.columns[SEARCH_COLUMN]
    for leaf in leaves(request.filters):
        if "." in leaf.path and leaf.path not in columns:
            refuse(clean(leaf.path), "Conditions on related records cannot be combined with aggregates.")
    return bind(walked(request.filters, seen), columns.get, columns)


def _names(keys: tuple[Term, ...], outputs: tuple[Term, ...]) -> dict[str, Term]:
    found: dict[str, Term] = {}
    for parameter, terms in (("_group_by", keys), ("_aggregate", outputs)):
        for term in terms:
            if len(term.name.encode()) > _NAME_BYTES:
                refuse(parameter, f"'{term.name[:80]}' is too long a name; give a shorter one with 'as'.")
            if term.name in found:
                refuse(parameter, f"Two outputs are called '{term.name}'; give one another name with 'as'.")
            found[term.name] = term
    return found


def _order(
    sorts: tuple[Sort, ...], keys: tuple[Term, ...], names: dict[str, Term]
) -> tuple[tuple[int, bool], ...]:
    """What is asked for, then the keys: places of terms, and whether they descend."""
    places = {name: place for place, name in enumerate(names)}
    found: dict[int, bool] = {}
    for sort in sorts:
        term = names.get(sort.field)
        if term is None:
            known = ", ".join(list(names)[:20])
            message = f"There is no output '{sort.field[:80]}' to order by; there are {known}."
            refuse("ordering", message, errors.nearest(sort.field, list(names)))
        if isinstance(term.value, Call) and term.value.collects:
            refuse("ordering", f"'{term.name}' is a collection, which has no order.")
        if isinstance(term.value, Value) and term.value.type in _UNGROUPED:
            refuse("ordering", f"'{term.name}' has no order.")
        found.setdefault(places[sort.field], sort.descending)
    for place in range(len(keys)):
        found.setdefault(place, False)
    return tuple(found.items())


class _Binder:
    """Resolves names and checks types; the constants it meets go to `values`."""

    def __init__(self, seen: Reach) -> None:
        self.table = seen.table
        self.fields = frozenset(seen.fields)
        self.values: list[Any] = []
        self.parameter = ""

    # --- the three parameters

    def key(self, key: tree.Key) -> Term:
        self.parameter = "_group_by"
        bound = self.expression(key.expression)
        if isinstance(bound, Value):
            self.groupable(bound, "grouped by it")
        return Term(tree.key_name(key), bound)

    def output(self, output: tree.Output) -> Term:
        self.parameter = "_aggregate"
        call = self.call(output.aggregate)
        name = tree.output_name(output)
        if name is None:
            function = output.aggregate.function
            refuse("_aggregate", f"The {function} of an expression needs a name: {function}(…) as name.")
        return Term(name, call)

    def having(self, having: tree.Having, names: dict[str, Term]) -> Condition:
        self.parameter = "_having"
        if isinstance(having, Threshold):
            return self.limit(having, names)
        items = typed("tuple[tree.Having, ...]", having.items)
        bound = tuple(self.having(item, names) for item in items)
        return And(bound) if isinstance(having, And) else Or(bound)

    def limit(self, threshold: Threshold, names: dict[str, Term]) -> Limit:
        subject = threshold.subject
        if isinstance(subject, str):
            term = names.get(subject)
            if term is None:
                message = f"There is no output '{subject[:80]}'; there are {', '.join(list(names)[:20])}."
                refuse("_having", message, errors.nearest(subject, list(names)))
            value, shown = term.value, f"'{subject}'"
        else:
            value, shown = self.call(subject), f"{subject.function}(…)"
        if not _is_number(value):
            refuse("_having", f"{shown} is not a number; '_having' compares numbers.")
        return Limit(value, threshold.sign, self.place(threshold.value))

    # --- functions

    def call(self, aggregate: tree.Aggregate) -> Call:
        function = aggregate.function
        if aggregate.argument is None:
            return Call(function, None, False)
        argument = self.expression(aggregate.argument)
        if not _has_field(argument):
            refuse(self.parameter, f"{function}(…) names no field; the number of records is count(*).")
        self.takes(function, argument)
        if aggregate.distinct and isinstance(argument, Value):
            self.groupable(argument, "told apart by it")
        return Call(function, argument, aggregate.distinct)

    def takes(self, function: Function, argument: Bound) -> None:
        if function in (Function.SUM, Function.AVG, Function.STDDEV, Function.VARIANCE):
            if not _is_number(argument):
                self.unfit(function, argument, "takes numbers")
        elif function in (Function.MIN, Function.MAX):
            if isinstance(argument, Value) and (
                argument.type in (*_UNGROUPED, ValueType.BOOLEAN)
                or not BY_NAME[self.table.schema.by_name[argument.field].type].orderable
            ):
                self.unfit(function, argument, "takes what has an order")
        elif function is Function.STRING_AGG and isinstance(argument, Value) and argument.type in _UNGROUPED:
            self.unfit(function, argument, "joins single values")

    def unfit(self, function: Function, argument: Bound, takes: str) -> None:
        if isinstance(argument, Value):
            kind = self.table.schema.by_name[argument.field].type
            refuse(self.parameter, f"{function} {takes}; '{argument.field}' is of type {kind}.")
        refuse(self.parameter, f"{function} {takes}, and the expression gives none.")

    # --- expressions

    def expression(self, expression: tree.Expression) -> Bound:
        match expression:
            case tree.Name(field):
                return self.value(field)
            case tree.Number(value):
                return Constant(self.place(value))
            case tree.Negative(item):
                return Negated(self.number(item))
            case tree.Arithmetic(sign, left, right):
                return Computed(sign, self.number(left), self.number(right))
            case tree.Part(unit, field, zone):
                value = self.moment(field, unit, PARTS, "extract")
                if unit == "epoch" and zone is not None:
                    refuse(self.parameter, "The epoch is the same in every time zone; leave the zone out.")
                return PartOf(unit, value, self.zone(value, zone))
            case tree.Period(unit, field, zone):
                value = self.moment(field, unit, PERIODS, "date_trunc")
                return PeriodOf(unit, value, self.zone(value, zone))

    def value(self, name: str) -> Value:
        if name not in self.fields:
            hint = errors.nearest(name, self.table.schema.names)
            refuse(self.parameter, f"There is no field '{name[:80]}'.", hint)
        return Value(name, self.table.columns[name].type)

    def number(self, expression: tree.Expression) -> Bound:
        bound = self.expression(expression)
        if not _is_number(bound):
            shown = f"'{bound.field}' is not one" if isinstance(bound, Value) else "a period is none"
            refuse(self.parameter, f"Arithmetic takes numbers; {shown}.")
        return bound

    def moment(self, field: str, unit: str, units: dict[ValueType, tuple[str, ...]], function: str) -> Value:
        value = self.value(field)
        known = units.get(value.type)
        kind = self.table.schema.by_name[field].type
        if known is None:
            kinds = ", ".join(one.value for one in units)
            refuse(self.parameter, f"{function} takes fields of type {kinds}; '{field}' is of type {kind}.")
        if unit not in known:
            message = f"{function} of a {kind} has no unit '{unit[:40]}'; there are {', '.join(known)}."
            refuse(self.parameter, message, errors.nearest(unit, known))
        return value

    def zone(self, value: Value, zone: str | None) -> int | None:
        if zone is None:
            return None
        if value.type is not ValueType.DATETIME:
            refuse(self.parameter, f"'{value.field}' has no time zone; only a datetime is moved into one.")
        if zone not in zones():
            hint = errors.nearest(zone, sorted(zones()))
            refuse(
                self.parameter,
                f"There is no time zone '{zone[:40]}'; write a name of the IANA list, such as 'Europe/Berlin'.",
                hint,
            )
        return self.place(zone)

    def groupable(self, value: Value, how: str) -> None:
        if value.type in _UNGROUPED:
            kind = self.table.schema.by_name[value.field].type
            refuse(self.parameter, f"'{value.field}' is of type {kind}; records cannot be {how}.")

    def place(self, value: Any) -> int:
        self.values.append(value)
        return len(self.values) - 1


@cache
def zones() -> Collection[str]:
    """The names of time zones, as the IANA list has them."""
    return frozenset(available_timezones())


def _is_number(value: Bound | Call) -> bool:
    match value:
        case Call(function, argument):
            if function in (Function.MIN, Function.MAX):
                return argument is not None and _is_number(argument)
            return not value.collects
        case Value(_, kind):
            return kind in _NUMERIC
        case PeriodOf():
            return False
        case _:
            return True


def _has_field(bound: Bound) -> bool:
    match bound:
        case Constant():
            return False
        case Negated(item):
            return _has_field(item)
        case Computed(_, left, right):
            return _has_field(left) or _has_field(right)
        case _:
            return True
