"""Plans to PostgreSQL. The text depends on the shape of a plan only; constants and the values of filters are bound.

What is collected (`array_agg` and its like) is numbered and weighed inside its group first, and items past a limit
are left out of the collection: it never holds more, however many records there are, and one item or byte too many
shows that it is short.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING
from typing import cast as typed

from penstock.kit import sql
from penstock.kit.filters import And, ValueType
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
    Value,
)
from penstock.tables.aggregates.plan import AggregatePlan
from penstock.tables.aggregates.tree import Function
from penstock.tables.fields import BY_NAME
from penstock.tables.records.compile import ROW, Statement, matching

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

_GROUPS, _PAGE = '"#groups"', '"#page"'
_SEPARATOR = "', '"
MOST_BYTES = 32 * 1024 * 1024
# Values that are distinct are not weighed together, but then each may be but so long.
MOST_BYTES_DISTINCT = 3_000
_HEAVY = frozenset({ValueType.TEXT, ValueType.JSON, ValueType.JSON_ARRAY, ValueType.JSON_OBJECT})


def compile_aggregate(plan: AggregatePlan, most: int) -> Statement:
    """One row: `page` (the JSON of the groups, comma-separated), `total`, and whether it `exceeds` what may be
    collected, `most` items and their bytes; then `page` is null.
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


@lru_cache(maxsize=256)
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
    exceeds = compiler.exceeds()
    if exceeds is None:
        exceeds = "FALSE"
    else:
        # An uncorrelated subquery in a branch that is not taken does not run.
        rows = f"CASE WHEN NOT {exceeds} THEN {rows} END"
    # A total has every group made anyway; without one, a page ends the work early where the plan allows it.
    kept = "MATERIALIZED" if counted else "NOT MATERIALIZED"
    return (
        f"WITH {_GROUPS} AS {kept} ({groups}), {_PAGE} AS MATERIALIZED ({page}) "
        f"SELECT {rows} AS page, {total} AS total, {exceeds} AS exceeds"
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
        columns = [f"{text} AS {_column(place)}" for place, text in enumerate(found)]
        columns += [f"{self.weight(call)} AS {_weight(place)}" for place, call in self.heavy()]
        text = f"SELECT {', '.join(columns)} FROM {source}"
        if self.keys:
            text += f" GROUP BY {', '.join(str(number) for number in range(1, len(self.keys) + 1))}"
        if self.grouping.having is not None:
            text += f" HAVING {self.having(self.grouping.having)}"
        return text

    def numbers(self) -> dict[str, str]:
        """What numbers and weighs the records of a group, or their distinct values; names by SQL."""
        found: dict[str, str] = {}
        for _, call in self.collections():
            for text in (self.numbering(call), self.weighing(call)):
                if text is not None:
                    found.setdefault(text, f'"#n{len(found)}"')
        return found

    def collections(self) -> list[tuple[int, Call]]:
        """The outputs that collect, by their place among the terms."""
        return [
            (place, term.value)
            for place, term in enumerate(self.grouping.terms)
            if isinstance(term.value, Call) and term.value.collects
        ]

    def heavy(self) -> list[tuple[int, Call]]:
        """Those of values that may be long."""
        return [
            (place, call)
            for place, call in self.collections()
            if isinstance(call.argument, Value) and call.argument.type in _HEAVY
        ]

    def numbering(self, call: Call) -> str:
        assert call.argument is not None
        if call.distinct:
            return f"dense_rank() OVER ({self.parted()}ORDER BY {self.expression(call.argument)})"
        if call.function is Function.STRING_AGG:
            # Empty values are no items.
            return f"count({self.expression(call.argument)}) OVER {self.running()}"
        return f"row_number() OVER {self.running()}"

    def weighing(self, call: Call) -> str | None:
        if call.distinct or not isinstance(call.argument, Value) or call.argument.type not in _HEAVY:
            return None
        return f"sum({self.length(call)}) OVER {self.running()}"

    def length(self, call: Call) -> str:
        assert isinstance(call.argument, Value)
        column = self.expression(call.argument)
        return (
            f"octet_length({column})"
            if call.argument.type is ValueType.TEXT
            else f"octet_length({column}::text)"
        )

    def weight(self, call: Call) -> str:
        """The bytes of a group's items; more than all that may be when a distinct one is too long."""
        weighing = self.weighing(call)
        if weighing is not None:
            return f"max({self.numbers()[weighing]})"
        return f"CASE WHEN max({self.length(call)}) > {MOST_BYTES_DISTINCT} THEN {MOST_BYTES + 1} ELSE 0 END"

    def running(self) -> str:
        return f"({self.parted()}ORDER BY {self.primary_key()} ROWS UNBOUNDED PRECEDING)"

    def parted(self) -> str:
        return f"PARTITION BY {', '.join(self.keys)} " if self.keys else ""

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
        numbers = self.numbers()
        kept = [f"{numbers[self.numbering(call)]} <= {self.most + 1}"]
        if (weighing := self.weighing(call)) is not None:
            # NULL where nothing has been weighed yet.
            kept.append(f"coalesce({numbers[weighing]}, 0) <= {MOST_BYTES}")
        elif isinstance(call.argument, Value) and call.argument.type in _HEAVY:
            kept.append(f"({argument} IS NULL OR {self.length(call)} <= {MOST_BYTES_DISTINCT})")
        if call.function is Function.STRING_AGG:
            kept.append(f"{argument} IS NOT NULL")
        items = f"{argument} ORDER BY {self.primary_key()}"
        if call.distinct:
            items = f"DISTINCT {argument} ORDER BY {argument}"
        return f"array_agg({items}) FILTER (WHERE {' AND '.join(kept)})"

    # --- what is shown of groups `g`

    def order(self) -> str:
        return ", ".join(
            f"g.{_column(place)}{' DESC' if down else ''}" for place, down in self.grouping.order
        )

    def exceeds(self) -> str | None:
        """True when the groups of the page collect too much; None when none collects anything."""
        collections = self.collections()
        if not collections:
            return None
        sizes = " + ".join(f"coalesce(cardinality(g.{_column(place)}), 0)" for place, _ in collections)
        found = f"coalesce(sum({sizes}), 0) > {self.most}"
        if heavy := self.heavy():
            weights = " + ".join(f"coalesce(g.{_weight(place)}, 0)" for place, _ in heavy)
            found += f" OR coalesce(sum({weights}), 0) > {MOST_BYTES}"
        return f"(SELECT {found} FROM {_PAGE} AS g)"

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


def _weight(place: int) -> str:
    return f'"#w{place}"'
