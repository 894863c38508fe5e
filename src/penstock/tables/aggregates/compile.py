"""Plans to PostgreSQL. The text depends on the shape of a plan only; constants and the values of filters are bound.

What is collected (`array_agg` and its like) is numbered inside its group first, and items past the limit are left
out of the collection: it never holds more, however many records there are, and one too many shows that it is short.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING
from typing import cast as typed

from penstock.kit import sql
from penstock.kit.filters import And, ValueType
from penstock.tables.aggregates.plan import (
    AggregatePlan,
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
    Value,
)
from penstock.tables.aggregates.tree import Function
from penstock.tables.fields import BY_NAME
from penstock.tables.records.compile import ROW, Statement, matching

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

_GROUPS, _PAGE = '"#groups"', '"#page"'
_SEPARATOR = "', '"


def compile_aggregate(plan: AggregatePlan, most: int) -> Statement:
    """One row: `page` (the JSON of the groups, comma-separated), `total`, and `collected` items on the page.

    With more than `most` items collected, `page` is null.
    """
    values = list[object]()
    condition = matching(plan.table, plan.where, plan.search, values, hide_deleted=plan.hide_deleted)
    first = len(values)
    values += plan.values
    offset = None
    if plan.grouping.keys and plan.window.offset:
        values.append(plan.window.offset)
        offset = len(values)
    kinds = tuple("numeric" if isinstance(value, Decimal) else "text" for value in plan.values)
    places = tuple(f"${first + number}::{kind}" for number, kind in enumerate(kinds, 1))
    text = _text(
        plan.table,
        plan.grouping,
        condition,
        places,
        plan.window.limit,
        offset,
        most,
        counted=plan.is_counted,
    )
    return Statement(text, values)


@lru_cache(maxsize=1024)
def _text(
    table: Table,
    grouping: Grouping,
    condition: str,
    places: tuple[str, ...],
    limit: int,
    offset: int | None,
    most: int,
    *,
    counted: bool,
) -> str:
    compiler = _Compiler(table, grouping, places, most)
    groups = compiler.groups(f"{table.rows} AS t WHERE {condition}")
    order = compiler.order()
    page = f"SELECT g.* FROM {_GROUPS} AS g"
    if grouping.keys:
        page += f" ORDER BY {order} LIMIT {limit}"
        if offset is not None:
            page += f" OFFSET ${offset}::bigint"
    total = f"(SELECT count(*) FROM {_GROUPS})" if counted else "NULL::bigint"
    shown = f"SELECT {compiler.shown()} FROM {_PAGE} AS g" + (f" ORDER BY {order}" if grouping.keys else "")
    rows = f"(SELECT string_agg(row_to_json({ROW})::text, ',') FROM ({shown}) AS {ROW})"
    collected = compiler.collected()
    if collected is None:
        collected = "0::bigint"
    else:
        # An uncorrelated subquery in a branch that is not taken does not run.
        rows = f"CASE WHEN {collected} <= {most} THEN {rows} END"
    # A total has every group made anyway; without one, a page ends the work early where the plan allows it.
    kept = "MATERIALIZED" if counted else "NOT MATERIALIZED"
    return (
        f"WITH {_GROUPS} AS {kept} ({groups}), {_PAGE} AS MATERIALIZED ({page}) "
        f"SELECT {rows} AS page, {total} AS total, {collected} AS collected"
    )


class _Compiler:
    """The parts of one statement. Columns of groups are called by their place among the terms."""

    def __init__(self, table: Table, grouping: Grouping, places: tuple[str, ...], most: int) -> None:
        self.table = table
        self.grouping = grouping
        self.places = places
        self.most = most
        self.keys = [self.expression(typed("Bound", key.value)) for key in grouping.keys]

    # --- the groups

    def groups(self, source: str) -> str:
        numbers = self.numbers()
        if numbers:
            listed = ", ".join(f"{text} AS {name}" for text, name in numbers.items())
            source = f"(SELECT t.*, {listed} FROM {source}) AS t"
        found = [*self.keys, *(self.call(typed("Call", term.value)) for term in self.grouping.outputs)]
        columns = ", ".join(f"{text} AS {_column(place)}" for place, text in enumerate(found))
        text = f"SELECT {columns} FROM {source}"
        if self.keys:
            text += f" GROUP BY {', '.join(str(number) for number in range(1, len(self.keys) + 1))}"
        if self.grouping.having is not None:
            text += f" HAVING {self.having(self.grouping.having)}"
        return text

    def numbers(self) -> dict[str, str]:
        """What numbers the records of a group, or their distinct values, for each collection; by its text."""
        found: dict[str, str] = {}
        for term in self.grouping.outputs:
            call = typed("Call", term.value)
            if call.collects:
                found.setdefault(self.numbering(call), f'"#n{len(found)}"')
        return found

    def numbering(self, call: Call) -> str:
        assert call.argument is not None
        parted = f"PARTITION BY {', '.join(self.keys)} " if self.keys else ""
        if call.distinct:
            return f"dense_rank() OVER ({parted}ORDER BY {self.expression(call.argument)})"
        numbered = f"({parted}ORDER BY {self.primary_key()} ROWS UNBOUNDED PRECEDING)"
        if call.function is Function.STRING_AGG:
            # Empty values are no items.
            return f"count({self.expression(call.argument)}) OVER {numbered}"
        return f"row_number() OVER {numbered}"

    def primary_key(self) -> str:
        return ", ".join(f"t.{sql.identifier(name)}" for name in self.table.schema.primary_key)

    def having(self, condition: Condition) -> str:
        if isinstance(condition, Limit):
            value = condition.value
            text = self.call(value) if isinstance(value, Call) else self.expression(value)
            sign = "<>" if condition.sign == "!=" else condition.sign
            return f"({text})::numeric {sign} {self.places[condition.place]}"
        word = " AND " if isinstance(condition, And) else " OR "
        items = typed("tuple[Condition, ...]", condition.items)
        return f"({word.join(self.having(item) for item in items)})"

    # --- expressions and functions over rows `t`

    def expression(self, bound: Bound) -> str:
        match bound:
            case Value(field):
                return f"t.{sql.identifier(field)}"
            case Constant(place):
                return self.places[place]
            case Negated(item):
                return f"(-{self.number(item)})"
            case Computed(sign, left, right):
                return f"({self.number(left)} {sign} {self.number(right)})"
            case PartOf(unit, value, zone):
                return f"extract({unit} FROM {self.moment(value, zone)})"
            case PeriodOf(unit, value, zone):
                text = f"date_trunc('{unit}', {self.moment(value, zone)})"
                return f"{text}::date" if value.type is ValueType.DATE else text

    def number(self, bound: Bound) -> str:
        """Numeric, so that no sum overflows and no division drops the fraction."""
        text = self.expression(bound)
        return f"{text}::numeric" if isinstance(bound, Value) else text

    def moment(self, value: Value, zone: int | None) -> str:
        column = self.expression(value)
        if value.type is ValueType.DATETIME:
            local = "'UTC'" if zone is None else self.places[zone]
            return f"({column} AT TIME ZONE {local})"
        # Without the cast a date is taken for an instant of the session's zone.
        return f"{column}::timestamp" if value.type is ValueType.DATE else column

    def call(self, call: Call) -> str:
        if call.argument is None:
            return "count(*)"
        argument = self.expression(call.argument)
        if call.collects:
            return self.collection(call, argument)
        if call.function in (Function.MIN, Function.MAX):
            if isinstance(call.argument, Value) and call.argument.type is ValueType.UUID:
                # PostgreSQL has no least UUID; as text they have the same order.
                return f'{call.function}({argument}::text COLLATE "C")::uuid'
            return f"{call.function}({argument})"
        text = f"{call.function}({'DISTINCT ' if call.distinct else ''}{argument})"
        plain = call.function is Function.COUNT or (
            call.function is Function.SUM and isinstance(call.argument, Value)
        )
        return text if plain else f"trim_scale({text})"

    def collection(self, call: Call, argument: str) -> str:
        number = self.numbers()[self.numbering(call)]
        items = f"{argument} ORDER BY {self.primary_key()}"
        if call.distinct:
            items = f"DISTINCT {argument} ORDER BY {argument}"
        present = f" AND {argument} IS NOT NULL" if call.function is Function.STRING_AGG else ""
        return f"array_agg({items}) FILTER (WHERE {number} <= {self.most + 1}{present})"

    # --- what is shown of groups `g`

    def order(self) -> str:
        return ", ".join(
            f"g.{_column(place)}{' DESC' if down else ''}" for place, down in self.grouping.order
        )

    def collected(self) -> str | None:
        sizes = [
            f"coalesce(cardinality(g.{_column(place)}), 0)"
            for place, term in enumerate(self.grouping.terms)
            if isinstance(term.value, Call) and term.value.collects
        ]
        if not sizes:
            return None
        return f"(SELECT coalesce(sum({' + '.join(sizes)}), 0)::bigint FROM {_PAGE} AS g)"

    def shown(self) -> str:
        return ", ".join(
            f"{self.rendered(term.value, f'g.{_column(place)}')} AS {sql.identifier(term.name)}"
            for place, term in enumerate(self.grouping.terms)
        )

    def rendered(self, value: Bound | Call, column: str) -> str:
        """SQL whose JSON form is what the API answers, as records show it."""
        if not isinstance(value, Call):
            return self.rendered_value(value, column)
        if value.argument is not None and value.collects:
            item = self.rendered_value(value.argument, "u.e")
            items = f"FROM unnest({column}) WITH ORDINALITY AS u(e, n)"
            if value.function is Function.STRING_AGG:
                return f"(SELECT string_agg(({item})::text, {_SEPARATOR} ORDER BY u.n) {items})"
            return f"(SELECT json_agg({item} ORDER BY u.n) {items})"
        if value.argument is not None and value.function in (Function.MIN, Function.MAX):
            return self.rendered_value(value.argument, column)
        return column

    def rendered_value(self, value: Bound, column: str) -> str:
        match value:
            case Value(field):
                known = self.table.schema.by_name[field]
                return BY_NAME[known.type].render(known, column)
            case PeriodOf(_, moment, zone) if moment.type is ValueType.DATETIME:
                return f"replace({column}::text, ' ', 'T')" + ("" if zone is not None else " || 'Z'")
            case PeriodOf():
                return column
            case _:
                return f"trim_scale({column})"


def _column(place: int) -> str:
    return f'"#{place}"'
