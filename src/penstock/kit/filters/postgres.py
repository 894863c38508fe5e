"""A bound tree to PostgreSQL: every value is a parameter, and the text depends on the filter's shape alone.

`lower` separates the two: a hashable shape, whose SQL is rendered once, and the values in the order of `$n`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, Protocol, TypeAlias
from typing import cast as typed

from penstock.kit.filters.bind import BoundTree, Column, Condition
from penstock.kit.filters.tree import And, Not, Or, Related
from penstock.kit.filters.values import RangeValue, encode_json
from penstock.kit.operators import ARRAY_OPERATORS, BY_NAME, Arity, ValueType

Shape: TypeAlias = "tuple[Any, ...]"
"""("AND" | "OR" | "NOT", shape, …), ("SQL", text or shape, …), or (template, column expression, number of values)."""

_SQL_TYPES: dict[ValueType, str] = {
    ValueType.TEXT: "text",
    ValueType.UUID: "uuid",
    ValueType.INTEGER: "bigint",
    ValueType.NUMBER: "numeric",
    ValueType.BOOLEAN: "boolean",
    # As text: the driver takes the first and the last day of Python's calendar for infinity.
    ValueType.DATE: "text::date",
    ValueType.TIME: "time",
    ValueType.DATETIME: "text::timestamptz",
    ValueType.YEAR: "smallint",
    ValueType.DURATION: "text::interval",
    ValueType.JSON_OBJECT: "jsonb",
    ValueType.JSON_ARRAY: "jsonb",
    ValueType.JSON: "jsonb",
    ValueType.TSVECTOR: "text",
    ValueType.VECTOR: "text",
}
_RANGES: dict[ValueType, tuple[str, str, Any]] = {
    ValueType.INTEGER: ("int8range", "bigint", 0),
    ValueType.NUMBER: ("numrange", "numeric", Decimal(0)),
    ValueType.DATE: ("daterange", "text::date", date(2000, 1, 1)),
    ValueType.DATETIME: ("tstzrange", "text::timestamptz", datetime(2000, 1, 1, tzinfo=UTC)),
}
"""By the type of the ends: the constructor, the SQL type of an end, and a value to make an empty range of."""
_AFFIXES: dict[str, tuple[str, str]] = {
    f"{negation}{name}{case}": affixes
    for name, affixes in (("contains", ("%", "%")), ("startswith", ("", "%")), ("endswith", ("%", "")))
    for negation in ("", "n")
    for case in ("", "s")
}
_ESCAPES = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})

# Items compare as wholes here, where `@>` would compare nested ones by parts; the aliases are odd so that
# they hide no column. CASE keeps NULL unknown under a negation.
_ITEMWISE: dict[str, str] = {
    "acontains": (
        "CASE WHEN jsonb_typeof({c}) = 'array' THEN "
        "NOT EXISTS (SELECT FROM jsonb_array_elements({v}) AS pst__g "
        "WHERE NOT EXISTS (SELECT FROM jsonb_array_elements({c}) AS pst__e "
        "WHERE pst__e = ANY(ARRAY(SELECT jsonb_array_elements(pst__g))))) END"
    ),
    "acontainedby": (
        "CASE WHEN jsonb_typeof({c}) = 'array' THEN "
        "NOT EXISTS (SELECT FROM jsonb_array_elements({c}) AS pst__e WHERE pst__e <> ALL({l})) END"
    ),
}


class Joined(Protocol):
    """A hop of a `Related` node, as this compiler needs it."""

    def exists(self, item: BoundTree) -> Sequence[str | BoundTree]:
        """The condition that some row it leads to fulfils `item`: SQL text, and trees between it."""
        ...


def compile_postgres(tree: BoundTree, params: list[Any]) -> str:
    """The condition as SQL; its values are appended to `params` and numbered on from there."""
    first = len(params)
    return render(lower(tree, params), first)


def lower(tree: BoundTree, params: list[Any], *, negated: bool = False) -> Shape:
    """The shape of the tree, its values appended to `params` in the order in which `render` numbers them."""
    if type(tree) is Condition:
        return _leaf(tree, params, negated=negated)
    if isinstance(tree, And):
        return ("AND", *[lower(item, params, negated=negated) for item in tree.items])
    if isinstance(tree, Or):
        return ("OR", *[lower(item, params, negated=negated) for item in tree.items])
    if isinstance(tree, Related):
        parts = typed("Joined", tree.hop).exists(tree.item)
        return ("SQL", *[part if isinstance(part, str) else lower(part, params) for part in parts])
    return ("NOT", lower(typed("Not[Condition]", tree).item, params, negated=True))


def inline(tree: BoundTree, constant: Callable[[Any], str]) -> str:
    """The condition with each value in the form that `constant` gives it: for policies, where nothing is bound."""
    params: list[Any] = []
    return _inlined(lower(tree, params), [constant(value) for value in params])


def _inlined(shape: Shape, constants: list[str]) -> str:
    kind = shape[0]
    if kind == "NOT":
        return f"NOT ({_inlined(shape[1], constants)})"
    if kind == "SQL":
        return "".join(part if isinstance(part, str) else _inlined(part, constants) for part in shape[1:])
    if kind in ("AND", "OR"):
        parts = [_inlined(item, constants) for item in shape[1:]]
        return f"({f' {kind} '.join(parts)})" if parts else "TRUE" if kind == "AND" else "FALSE"
    template, column, count = shape
    places = [constants.pop(0) for _ in range(count)]
    return template.format(*places, c=column)


def shape(tree: BoundTree) -> Shape:
    """What alone the SQL depends on; hashable, so whole statements can be cached by it."""
    return lower(tree, [])


def values(tree: BoundTree) -> list[Any]:
    """The values of the tree in the order of their placeholders."""
    found: list[Any] = []
    lower(tree, found)
    return found


@lru_cache(maxsize=4096)
def render(shape: Shape, first: int = 0) -> str:
    """The SQL of a shape; its first placeholder is `${first + 1}`."""
    return _render(shape, first)[0]


def _render(shape: Shape, used: int) -> tuple[str, int]:
    kind = shape[0]
    if kind == "NOT":
        text, used = _render(shape[1], used)
        return f"NOT ({text})", used
    if kind == "SQL":
        texts: list[str] = []
        for part in shape[1:]:
            text, used = (part, used) if isinstance(part, str) else _render(part, used)
            texts.append(text)
        return "".join(texts), used
    if kind in ("AND", "OR"):
        parts: list[str] = []
        for item in shape[1:]:
            text, used = _render(item, used)
            parts.append(text)
        if not parts:
            return ("TRUE" if kind == "AND" else "FALSE"), used
        return (parts[0] if len(parts) == 1 else f"({f' {kind} '.join(parts)})"), used
    template, column, count = shape
    places = [f"${number}" for number in range(used + 1, used + count + 1)]
    return template.format(*places, c=column), used + count


def _leaf(condition: Condition, params: list[Any], *, negated: bool) -> Shape:
    column, operator, value = condition.column, condition.operator, condition.value
    arity = operator.arity
    if column.type is ValueType.JSON_ARRAY and operator.name in ARRAY_OPERATORS:
        return _array_leaf(column, operator.name, value, params)
    if arity is Arity.BOOLEAN:
        name = operator.name if value else ("nnull" if operator.name == "null" else "null")
        return (_template(name, column.type, None), column.sql, 0)
    if type(value) is RangeValue:
        params += _range_values(column.item or ValueType.INTEGER, value)
        return (_template(operator.name, column.type, column.item or ValueType.INTEGER), column.sql, 3)
    template = _template(operator.name, column.type, None)
    if arity is Arity.PAIR:
        params += map(wire, value)
        return (template, column.sql, 2)
    if arity is Arity.TEXT:
        return _text_leaf(column, operator.name, value, params)
    if arity is Arity.LIST:
        params.append([wire(item) for item in value])
    elif column.type in (ValueType.JSON_OBJECT, ValueType.JSON_ARRAY, ValueType.JSON):
        params.append(encode_json(value))
    else:
        params.append(wire(value))
    if column.implied and operator.name == "eq" and not negated:
        # What is implied is false where the column is NULL, which a negation would turn around.
        template = f"({template} AND {column.implied.replace('{v}', f'{{0}}::{_SQL_TYPES[column.type]}')})"
    return (template, column.sql, 1)


def wire(value: Any) -> Any:
    """The value as it is bound: days and instants are text."""
    return value.isoformat() if isinstance(value, date) else value


def _text_leaf(column: Column, name: str, value: str, params: list[Any]) -> Shape:
    template = _template(name, column.type, None)
    affixes = _AFFIXES.get(name)
    params.append(value if affixes is None else f"{affixes[0]}{value.translate(_ESCAPES)}{affixes[1]}")
    if column.type is ValueType.TSVECTOR:
        params.append(column.config)
        return (template, column.sql, 2)
    return (template, column.sql, 1)


def _array_leaf(column: Column, name: str, items: tuple[tuple[Any, ...], ...], params: list[Any]) -> Shape:
    base, negation = (name[1:], "NOT ({})") if name[0] == "n" else (name, "{}")
    readings = [reading for item in items for reading in item]
    flat = not any(isinstance(reading, (tuple, dict)) for reading in readings)
    if base == "aelement" and not (flat and len(readings) == 1):
        base = "aoverlap"
    if base == "aoverlap":
        params.append([encode_json(reading) for reading in readings])
    elif flat and (base == "acontainedby" or len(readings) == len(items)):
        params.append(encode_json(readings))
    elif base == "acontains":
        params.append(encode_json(items))
        return (negation.format(_ITEMWISE[base].replace("{v}", "{0}::jsonb")), column.sql, 1)
    else:
        params.append([encode_json(reading) for reading in readings])
        return (negation.format(_ITEMWISE[base].replace("{l}", "{0}::jsonb[]")), column.sql, 1)
    return (_template(name[0] + base if name[0] == "n" else base, column.type, None), column.sql, 1)


def _range_values(item: ValueType, value: RangeValue) -> tuple[Any, Any, str]:
    if value.empty:
        any_value = _RANGES[item][2]
        return (wire(any_value), wire(any_value), "()")
    return (wire(value.lower), wire(value.upper), value.bounds)


@cache
def _template(name: str, kind: ValueType, item: ValueType | None) -> str:
    """The template of an operator for one type: only the column `{c}` and places `{0}`, … are left open."""
    if item is not None and kind is ValueType.RANGE:
        function, end, _ = _RANGES[item]
        first = f"{function}({{0}}::{end}, {{1}}::{end}, {{2}}::text)"
        second = listed = ""
    else:
        textual = BY_NAME[name].arity is Arity.TEXT
        sql_type = "text" if textual else _SQL_TYPES.get(kind, "text")
        first, second = f"{{0}}::{sql_type}", f"{{1}}::{sql_type}"
        listed = "{0}::" + "::".join(f"{part}[]" for part in sql_type.split("::"))
        if kind is ValueType.TSVECTOR:
            second = "{1}::text::regconfig"
    text = "{c}" if kind is ValueType.TEXT else "({c})::text"
    return (
        BY_NAME[name]
        .sql.replace("{x}", text)
        .replace("{v}", first)
        .replace("{w}", second)
        .replace("{l}", listed)
    )
