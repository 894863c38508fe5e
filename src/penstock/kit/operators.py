"""The filter operators, one row each: the parser, the compilers, OpenAPI and the reference page are driven by it.

Casting of values is in `kit.filters.values`; how a row becomes SQL for one column in `kit.filters.postgres`.
`python -m penstock.kit.operators` prints the reference page.
"""

from __future__ import annotations

from enum import Enum

import msgspec


class ValueType(Enum):
    """What a column holds, as far as filters care."""

    TEXT = "text"
    UUID = "uuid"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    YEAR = "year"
    DURATION = "duration"
    JSON_OBJECT = "object"
    JSON_ARRAY = "array"
    JSON = "json"
    RANGE = "range"
    TSVECTOR = "search vector"

    # Members are singletons compared by identity; Enum's own hash costs a Python call on the hot path.
    __hash__ = object.__hash__


class Arity(Enum):
    """What kind of value an operator takes."""

    SCALAR = "one value"
    LIST = "a list"
    PAIR = "two values"
    BOOLEAN = "true or false"
    TEXT = "text"
    RANGE = "a value or `lower,upper`"

    __hash__ = object.__hash__


_JSON = frozenset({ValueType.JSON_OBJECT, ValueType.JSON_ARRAY, ValueType.JSON})
_ORDERED = frozenset(
    {
        ValueType.TEXT,
        ValueType.UUID,
        ValueType.INTEGER,
        ValueType.NUMBER,
        ValueType.DATE,
        ValueType.TIME,
        ValueType.DATETIME,
        ValueType.YEAR,
        ValueType.DURATION,
    }
)
_LISTED = _ORDERED | {ValueType.BOOLEAN}
_COMPARED = _LISTED | _JSON | {ValueType.RANGE}
_TEXT = frozenset({ValueType.TEXT})
_TEXTUAL = _TEXT | _JSON
_ARRAY = frozenset({ValueType.JSON_ARRAY})
_RANGE = frozenset({ValueType.RANGE})
_NONE: frozenset[ValueType] = frozenset()


class Operator(msgspec.Struct, frozen=True, kw_only=True):
    """One operator.

    `sql` is a template for one column: `{c}` the column, `{x}` its text form, `{v}` and `{w}` the first and
    second value, `{l}` the list of values, each with its cast. `negates` names the operator of which this is the
    negation.
    An operator with no types is known by name only and refused everywhere.
    """

    name: str
    words: str
    arity: Arity
    types: frozenset[ValueType]
    sql: str
    aliases: tuple[str, ...] = ()
    negates: str | None = None


def _row(
    name: str,
    words: str,
    arity: Arity,
    types: frozenset[ValueType],
    sql: str,
    *,
    aliases: tuple[str, ...] = (),
    negates: str | None = None,
) -> Operator:
    return Operator(
        name=name, words=words, arity=arity, types=types, sql=sql, aliases=aliases, negates=negates
    )


_FOLDED = "penstock.fold({x}) LIKE penstock.fold({v})"
_FOLDED_NOT = "penstock.fold({x}) NOT LIKE penstock.fold({v})"
_FOLDED_LIST = "ARRAY(SELECT penstock.fold(v) FROM unnest({l}) AS v)"
_OVERLAP = (
    "CASE WHEN jsonb_typeof({c}) = 'array' THEN "
    "EXISTS (SELECT FROM jsonb_array_elements({c}) AS pst__e WHERE pst__e = ANY({l})) END"
)

OPERATORS: tuple[Operator, ...] = (
    _row("eq", "is", Arity.SCALAR, _COMPARED, "{c} = {v}"),
    _row("ne", "is not", Arity.SCALAR, _COMPARED, "{c} <> {v}", negates="eq"),
    _row("gt", "is greater than", Arity.SCALAR, _ORDERED, "{c} > {v}"),
    _row("gte", "is at least", Arity.SCALAR, _ORDERED, "{c} >= {v}"),
    _row("lt", "is less than", Arity.SCALAR, _ORDERED, "{c} < {v}"),
    _row("lte", "is at most", Arity.SCALAR, _ORDERED, "{c} <= {v}"),
    _row("in", "is one of", Arity.LIST, _LISTED, "{c} = ANY({l})"),
    _row("nin", "is none of", Arity.LIST, _LISTED, "{c} <> ALL({l})", negates="in"),
    _row("ina", "is one of (any case)", Arity.LIST, _TEXT, f"penstock.fold({{c}}) = ANY({_FOLDED_LIST})"),
    _row(
        "nina",
        "is none of (any case)",
        Arity.LIST,
        _TEXT,
        f"penstock.fold({{c}}) <> ALL({_FOLDED_LIST})",
        negates="ina",
    ),
    _row("contains", "contains (any case)", Arity.TEXT, _TEXTUAL, _FOLDED, aliases=("icontains",)),
    _row(
        "ncontains",
        "does not contain (any case)",
        Arity.TEXT,
        _TEXTUAL,
        _FOLDED_NOT,
        aliases=("nicontains",),
        negates="contains",
    ),
    _row("containss", "contains", Arity.TEXT, _TEXTUAL, "{x} LIKE {v}"),
    _row("ncontainss", "does not contain", Arity.TEXT, _TEXTUAL, "{x} NOT LIKE {v}", negates="containss"),
    _row("startswith", "starts with (any case)", Arity.TEXT, _TEXTUAL, _FOLDED, aliases=("istartswith",)),
    _row(
        "nstartswith",
        "does not start with (any case)",
        Arity.TEXT,
        _TEXTUAL,
        _FOLDED_NOT,
        aliases=("nistartswith",),
        negates="startswith",
    ),
    _row("startswiths", "starts with", Arity.TEXT, _TEXTUAL, "{x} LIKE {v}"),
    _row(
        "nstartswiths", "does not start with", Arity.TEXT, _TEXTUAL, "{x} NOT LIKE {v}", negates="startswiths"
    ),
    _row("endswith", "ends with (any case)", Arity.TEXT, _TEXTUAL, _FOLDED, aliases=("iendswith",)),
    _row(
        "nendswith",
        "does not end with (any case)",
        Arity.TEXT,
        _TEXTUAL,
        _FOLDED_NOT,
        aliases=("niendswith",),
        negates="endswith",
    ),
    _row("endswiths", "ends with", Arity.TEXT, _TEXTUAL, "{x} LIKE {v}"),
    _row("nendswiths", "does not end with", Arity.TEXT, _TEXTUAL, "{x} NOT LIKE {v}", negates="endswiths"),
    _row("like", "matches the pattern", Arity.TEXT, _TEXTUAL, "{x} LIKE {v}"),
    _row("ilike", "matches the pattern (any case)", Arity.TEXT, _TEXTUAL, _FOLDED),
    _row("between", "is between", Arity.PAIR, _ORDERED, "{c} BETWEEN {v} AND {w}"),
    _row(
        "nbetween", "is not between", Arity.PAIR, _ORDERED, "{c} NOT BETWEEN {v} AND {w}", negates="between"
    ),
    _row("null", "is empty", Arity.BOOLEAN, frozenset(ValueType), "{c} IS NULL"),
    _row("nnull", "is not empty", Arity.BOOLEAN, frozenset(ValueType), "{c} IS NOT NULL", negates="null"),
    _row(
        "search",
        "matches the search",
        Arity.TEXT,
        frozenset({ValueType.TSVECTOR}),
        "{c} @@ websearch_to_tsquery({w}, {v})",
    ),
    _row("acontains", "has all of", Arity.LIST, _ARRAY, "{c} @> {v}"),
    _row("nacontains", "does not have all of", Arity.LIST, _ARRAY, "NOT ({c} @> {v})", negates="acontains"),
    _row("acontainedby", "has only items of", Arity.LIST, _ARRAY, "{c} <@ {v}"),
    _row(
        "nacontainedby",
        "does not have only items of",
        Arity.LIST,
        _ARRAY,
        "NOT ({c} <@ {v})",
        negates="acontainedby",
    ),
    _row("aoverlap", "has any of", Arity.LIST, _ARRAY, _OVERLAP),
    _row("naoverlap", "has none of", Arity.LIST, _ARRAY, f"NOT ({_OVERLAP})", negates="aoverlap"),
    _row("aelement", "has the item", Arity.SCALAR, _ARRAY, "{c} @> {v}"),
    _row("naelement", "does not have the item", Arity.SCALAR, _ARRAY, "NOT ({c} @> {v})", negates="aelement"),
    _row("rcontains", "contains the range", Arity.RANGE, _RANGE, "{c} @> {v}"),
    _row("rcontainedby", "lies within", Arity.RANGE, _RANGE, "{c} <@ {v}"),
    _row("roverlaps", "overlaps", Arity.RANGE, _RANGE, "{c} && {v}"),
    _row("radjacent", "is adjacent to", Arity.RANGE, _RANGE, "{c} -|- {v}"),
    _row("rstrictleft", "lies before", Arity.RANGE, _RANGE, "{c} << {v}"),
    _row("rstrictright", "lies after", Arity.RANGE, _RANGE, "{c} >> {v}"),
    _row("descendants", "is below", Arity.SCALAR, _NONE, ""),
    _row("ancestors", "is above", Arity.SCALAR, _NONE, ""),
)

BY_NAME: dict[str, Operator] = {name: row for row in OPERATORS for name in (row.name, *row.aliases)}
"""Every operator by its name and by its aliases."""

ARRAY_OPERATORS = frozenset(row.name for row in OPERATORS if row.types == _ARRAY)
"""The operators that look at the items of an array."""


def allowed(value_type: ValueType) -> tuple[str, ...]:
    """The names of the operators a column of that type takes, in the order of the table."""
    return tuple(row.name for row in OPERATORS if value_type in row.types)
