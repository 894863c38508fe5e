"""Aggregates: MongoDB groups and sums, exactly or not at all; what needs rounding is done here, as PostgreSQL does it.

Sums are kept beside the sum of what they add up without its signs: as long as that one has fewer digits than MongoDB
has, nothing was rounded on the way.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cmp_to_key
from typing import Any, cast

import msgspec
from bson.decimal128 import Decimal128

from penstock.kit import errors
from penstock.kit.filters import And, ValueType
from penstock.tables.aggregates import answer
from penstock.tables.aggregates.bound import Bound, Call, Condition, Limit, PeriodOf, Term, Value
from penstock.tables.aggregates.plan import AggregatePlan
from penstock.tables.aggregates.tree import Function
from penstock.tables.providers.mongodb import numeric
from penstock.tables.providers.mongodb.dividing import divides, evaluator, of_counts, taken
from penstock.tables.providers.mongodb.expressions import Expressions
from penstock.tables.providers.mongodb.joining import Stage, selection
from penstock.tables.providers.mongodb.reading import documents_of, search_match
from penstock.tables.providers.mongodb.searching import Found
from penstock.tables.providers.mongodb.servers import Place
from penstock.tables.providers.mongodb.shape import path_of, value_json
from penstock.tables.providers.mongodb.values import MAX_DIGITS, quoted
from penstock.tables.records.shape import Answer

MAX_GROUPS = 50_000
# In the documents that count operands: these, how many there are, and the place of the function among the outputs.
_OPERANDS, _COUNT, _CALL = "#v", "#n", "#call"
_SQUARES = (Function.STDDEV, Function.VARIANCE)
Group = dict[str, Any]


async def aggregate(place: Place, plan: AggregatePlan, found: Found | None, most: int) -> Answer:
    """Raises `Invalid` for more groups, items or digits than an answer may have."""
    stages = _Stages(plan, found, most)
    groups: list[Group] = await documents_of(place, plan.table, stages.pipeline())
    counted = [one for one in groups if _CALL in one]
    groups = [one for one in groups if _CALL not in one]
    _check_number(len(groups), Counter(one[_CALL] for one in counted), stages.most_operands)
    if not groups and not plan.grouping.keys:
        groups = [{}]
    # Thousands of quotients take a while, in which others are answered.
    made = await asyncio.to_thread(_all_made, plan, groups, counted)
    return _answer(plan, made, most)


def _check_number(groups: int, counted: Mapping[int, int], most: int) -> None:
    """`counted` are the operands of each division, of which none has more than `most`."""
    if groups > MAX_GROUPS:
        raise errors.Invalid(
            {
                "_group_by": [
                    f"There are more than {MAX_GROUPS:,} groups; on MongoDB an answer is made of fewer."
                ]
            },
            hint="Filter the records, or group by longer periods.",
        )
    if any(number > most for number in counted.values()):
        raise errors.Invalid(
            {
                "_aggregate": [
                    f"An expression divides more than {most:,} different operands; on MongoDB {MAX_GROUPS:,} are "
                    "divided in one answer."
                ]
            },
            hint="Filter the records.",
        )


class _Stages:
    """The pipeline of a plan. Outputs of a group are called by their place among the outputs."""

    def __init__(self, plan: AggregatePlan, found: Found | None, most: int) -> None:
        self.plan = plan
        self.found = found
        self.most = most
        self.expressions = Expressions(plan.table, plan.values)
        self.most_operands = MAX_GROUPS // max(1, sum(map(_is_counted, calls_of(plan))))

    def pipeline(self) -> list[dict[str, Any]]:
        plan = self.plan
        also = [] if self.found is None else [self.found.match()]
        if plan.search is not None:
            also.append(search_match(plan.table, plan.search))
        selected = selection(plan.table, plan.where, hide_deleted=plan.hide_deleted, also=also)
        stages, calls = [*selected], self.calls()
        if any(call.collects and not call.distinct for call in calls):
            stages.append({"$sort": {path_of(plan.table, name): 1 for name in plan.table.schema.primary_key}})
        keys = {
            f"k{n}": self.expressions.of(cast("Bound", key.value)) for n, key in enumerate(plan.grouping.keys)
        }
        group: dict[str, Any] = {"_id": keys or None}
        more: list[Stage] = []
        for number, call in enumerate(calls):
            if _is_counted(call):
                more.append(self.counted(selected, keys, number, call))
            else:
                group |= self.accumulators(f"o{number}", call)
        return [*stages, {"$group": group}, {"$limit": MAX_GROUPS + 1}, *more]

    def calls(self) -> list[Call]:
        return calls_of(self.plan)

    def counted(self, selected: Sequence[Stage], keys: Mapping[str, Any], number: int, call: Call) -> Stage:
        """How often the operands of a division occur in each group."""
        assert call.argument is not None
        group = {
            "_id": {**keys, _OPERANDS: taken(self.expressions, call.argument)},
            _COUNT: {"$sum": 1},
        }
        mark = {"$set": {_CALL: {"$literal": number}}}
        steps = [*selected, {"$group": group}, {"$limit": self.most_operands + 1}, mark]
        return {"$unionWith": {"coll": self.plan.table.place.name, "pipeline": steps}}

    def accumulators(self, name: str, call: Call) -> dict[str, Any]:  # noqa: PLR0911  (a table, one row a return)
        if call.argument is None:
            return {name: {"$sum": 1}}
        if divides(call.argument):
            # Each item by its operands, in order.
            operands = taken(self.expressions, call.argument)
            if call.function is Function.STRING_AGG:
                return {name: {"$push": {"$concatArrays": [operands]}}}
            return {name: {"$firstN": {"input": operands, "n": self.most + 1}}}
        value = self.expressions.of(call.argument)
        filled = {"$gt": [value, None]}
        if call.distinct:
            return {name: {"$addToSet": value}}
        if call.function is Function.STRING_AGG:
            return {name: {"$push": {"$cond": [filled, value, "$$REMOVE"]}}}
        if call.collects:
            return {name: {"$firstN": {"input": value, "n": self.most + 1}}}
        count = {"$sum": {"$cond": [filled, 1, 0]}}
        if call.function is Function.COUNT:
            return {name: count}
        if call.function in (Function.MIN, Function.MAX):
            return {name: {f"${call.function.value}": value}}
        number = self.expressions.number(call.argument)
        found: dict[str, Any] = {
            name: {"$sum": number},
            f"{name}n": count,
            f"{name}a": {"$sum": {"$abs": number}},
        }
        if call.function in _SQUARES:
            found[f"{name}q"] = {"$sum": {"$multiply": [number, number]}}
        return found


def calls_of(plan: AggregatePlan) -> list[Call]:
    """What is computed of groups: the outputs, and what conditions on groups name besides."""
    found = list(dict.fromkeys(cast("Call", term.value) for term in plan.grouping.outputs))
    for limit in _limits(plan.grouping.having):
        if isinstance(limit.value, Call) and limit.value not in found:
            found.append(limit.value)
    return found


def _limits(condition: Condition | None) -> list[Limit]:
    if condition is None:
        return []
    if isinstance(condition, Limit):
        return [condition]
    return [limit for item in cast("Sequence[Condition]", condition.items) for limit in _limits(item)]


# --- what came of each group


@dataclass(frozen=True, slots=True)
class _Made:
    """The values of a group: of its keys, and of everything that is computed of it."""

    keys: tuple[Any, ...]
    computed: dict[Call, Any]

    def value(self, value: Bound | Call, keys: Sequence[Term]) -> Any:
        if isinstance(value, Call):
            return self.computed[value]
        return next(found for found, key in zip(self.keys, keys, strict=True) if key.value == value)


def _all_made(plan: AggregatePlan, groups: Sequence[Group], counted: Sequence[Group]) -> list[_Made]:
    calls = calls_of(plan)
    evaluate = {
        number: evaluator(call.argument, plan.values)
        for number, call in enumerate(calls)
        if call.argument is not None and divides(call.argument)
    }
    divided: dict[tuple[int, tuple[Any, ...]], list[tuple[Decimal | None, int]]] = {}
    for one in counted:
        number: int = one[_CALL]
        value = evaluate[number](one["_id"][_OPERANDS])
        divided.setdefault((number, _keys(plan, one)), []).append((value, one[_COUNT]))
    found: list[_Made] = []
    for group in groups:
        keys = _keys(plan, group)
        computed: dict[Call, Any] = {}
        for number, call in enumerate(calls):
            if _is_counted(call):
                computed[call] = of_counts(call, divided.get((number, keys), ()))
            elif number in evaluate:
                operands: list[list[str | None]] = group.get(f"o{number}") or []
                computed[call] = _of_items(call, list(map(evaluate[number], operands)))
            else:
                computed[call] = _outcome(call, group, f"o{number}")
        found.append(_Made(keys, computed))
    return found


def _is_counted(call: Call) -> bool:
    """A division whose items need not be in order."""
    return divides(call.argument) and (call.distinct or not call.collects)


def _keys(plan: AggregatePlan, group: Group) -> tuple[Any, ...]:
    own: dict[str, Any] = group.get("_id") or {}
    return tuple(plain(own.get(f"k{n}")) for n in range(len(plan.grouping.keys)))


def plain(value: Any) -> Any:
    return value.to_decimal() if isinstance(value, Decimal128) else value


def _outcome(call: Call, group: Group, name: str) -> Any:
    found = group.get(name)
    if call.distinct or call.collects:
        items: list[Any] = found or []
        return _of_items(call, [plain(item) for item in items])
    if call.argument is None or call.function is Function.COUNT:
        return found or 0
    if call.function in (Function.MIN, Function.MAX):
        return None if found is None else _exact(plain(found), isinstance(call.argument, Value))
    count = int(group.get(f"{name}n") or 0)
    if count == 0:
        return None
    # Without a sign, so that nothing was rounded where terms cancel each other.
    _exact(plain(group[f"{name}a"]))
    squares = _exact(plain(group[f"{name}q"])) if call.function in _SQUARES else Decimal(0)
    return numeric.of_sums(call.function, plain(found), squares, count)


def _of_items(call: Call, items: list[Any]) -> Any:
    filled = [item for item in items if item is not None]
    if call.function is Function.COUNT:
        return len(filled)
    if call.collects:
        kept = filled if call.function is Function.STRING_AGG else items
        if call.distinct:
            kept = [*sorted(filled), *([None] if len(kept) > len(filled) else [])]
        return kept or None
    if not filled:
        return None
    if call.function in (Function.MIN, Function.MAX):
        return min(filled) if call.function is Function.MIN else max(filled)
    numbers = [_exact(Decimal(item), isinstance(call.argument, Value)) for item in filled]
    squares = numeric.total([numeric.square(one) for one in numbers])
    return numeric.of_sums(call.function, numeric.total(numbers), squares, len(numbers))


def _exact(value: Any, is_stored: bool = False) -> Any:
    """Raises `Invalid` for a number that may have been rounded."""
    if isinstance(value, Decimal) and not is_stored and len(value.as_tuple().digits) >= MAX_DIGITS:
        raise errors.Invalid(
            {"_aggregate": [f"A result has more than {MAX_DIGITS - 1} digits, and MongoDB would round it."]}
        )
    return value


# --- conditions, order, page


def _answer(plan: AggregatePlan, groups: list[_Made], most: int) -> Answer:
    grouping = plan.grouping
    having = grouping.having
    if having is not None:
        groups = [one for one in groups if _holds(plan, having, one)]
    total = len(groups) if plan.is_counted else None
    if grouping.keys:
        groups.sort(key=cmp_to_key(lambda left, right: _compared(plan, left, right)))
        groups = groups[plan.window.offset : plan.window.offset + plan.window.limit]
    _check_size(plan, groups, most)
    shown = ",".join(_row(plan, one) for one in groups)
    return answer.groups(plan, shown or None, total)


def _holds(plan: AggregatePlan, condition: Condition, group: _Made) -> bool:
    if not isinstance(condition, Limit):
        found = (_holds(plan, item, group) for item in cast("Sequence[Condition]", condition.items))
        return all(found) if isinstance(condition, And) else any(found)
    value = group.value(condition.value, plan.grouping.keys)
    return value is not None and _SIGNS[condition.sign](Decimal(value), plan.values[condition.place])


_SIGNS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def _compared(plan: AggregatePlan, left: _Made, right: _Made) -> int:
    """Nothing comes last, and first in a descending order."""
    for place, descending in plan.grouping.order:
        value = plan.grouping.terms[place].value
        a, b = (one.value(value, plan.grouping.keys) for one in (left, right))
        if a == b:
            continue
        less = b is None or (a is not None and a < b)
        return 1 if less is descending else -1
    return 0


def _check_size(plan: AggregatePlan, groups: Sequence[_Made], most: int) -> None:
    items = sum(
        len(one.computed[call] or ())
        for one in groups
        for call in dict.fromkeys(cast("Call", term.value) for term in plan.grouping.outputs)
        if call.collects
    )
    if items > most:
        raise errors.Invalid(
            {
                "_aggregate": [
                    f"array_agg, json_agg and string_agg collect at most {most:,} items in one answer."
                ]
            },
            hint="Filter the records, ask for fewer groups on a page, or collect 'distinct' values.",
        )


def _row(plan: AggregatePlan, group: _Made) -> str:
    shown = (
        f"{quoted(term.name)}:{_shown(plan, term.value, group.value(term.value, plan.grouping.keys))}"
        for term in plan.grouping.terms
    )
    return "{" + ",".join(shown) + "}"


def _shown(plan: AggregatePlan, value: Bound | Call, found: Any) -> str:  # noqa: PLR0911  (a table, one row a return)
    if found is None:
        return "null"
    if not isinstance(value, Call):
        return _shown_value(plan, value, found)
    argument = value.argument
    if argument is not None and value.collects:
        items = ["null" if item is None else _shown_value(plan, argument, item) for item in found]
        if value.function is Function.STRING_AGG:
            return quoted(", ".join(_text(item) for item in items))
        return f"[{', '.join(items)}]"
    if argument is not None and value.function in (Function.MIN, Function.MAX):
        return _shown_value(plan, argument, found)
    if value.function is Function.SUM and isinstance(argument, Value):
        return format(found or abs(found), "f")
    return numeric.trimmed(found) if isinstance(found, Decimal) else str(found)


def _shown_value(plan: AggregatePlan, value: Bound, found: Any) -> str:
    match value:
        case Value(field):
            return value_json(plan.table, field, found)
        case PeriodOf(_, moment, zone):
            assert isinstance(found, datetime)
            if moment.type is ValueType.DATE:
                return f'"{found.date().isoformat()}"'
            return f'"{found.isoformat()}"' if zone is not None else f'"{found.isoformat()}Z"'
        case _:
            return numeric.trimmed(Decimal(found))


def _text(shown: str) -> str:
    """The text that a JSON value stands for."""
    return msgspec.json.decode(shown) if shown.startswith('"') else shown
