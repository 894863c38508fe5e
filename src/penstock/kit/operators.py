"""The filter operators, one row each: parser, compilers, OpenAPI and the reference page are driven by it.

Casting of values is in `kit.filters.values`; how a row becomes SQL for one column in `kit.filters.postgres`.
`python -m penstock.kit.operators` prints the reference page.
"""

from __future__ import annotations

import sys
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
    VECTOR = "vector"

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
    second value, `{l}` the list of values, each with its cast. `negates` names the operator that this one
    negates. An operator with no types is known by name only and refused everywhere.
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
    # Conditions on records instead of values: whoever knows the edges puts walks in their place before binding.
    _row("descendants", "is below the record", Arity.SCALAR, _NONE, ""),
    _row("ancestors", "is above the record", Arity.SCALAR, _NONE, ""),
)

BY_NAME: dict[str, Operator] = {name: row for row in OPERATORS for name in (row.name, *row.aliases)}
"""Every operator by its name and by its aliases."""

ARRAY_OPERATORS = frozenset(row.name for row in OPERATORS if row.types == _ARRAY)
"""The operators that look at the items of an array."""


def allowed(value_type: ValueType) -> tuple[str, ...]:
    """The names of the operators a column of that type takes, in the order of the table."""
    return tuple(row.name for row in OPERATORS if value_type in row.types)


_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Comparing", ("eq", "ne", "gt", "gte", "lt", "lte", "between", "nbetween")),
    ("Lists", ("in", "nin", "ina", "nina")),
    ("Empty or not", ("null", "nnull")),
    (
        "Text",
        (
            *("contains", "ncontains", "containss", "ncontainss"),
            *("startswith", "nstartswith", "startswiths", "nstartswiths"),
            *("endswith", "nendswith", "endswiths", "nendswiths"),
            *("like", "ilike", "search"),
        ),
    ),
    (
        "Arrays",
        (
            *("acontains", "nacontains", "acontainedby", "nacontainedby"),
            *("aoverlap", "naoverlap", "aelement", "naelement"),
        ),
    ),
    ("Hierarchies and graphs", ("descendants", "ancestors")),
    ("Ranges", ("rcontains", "rcontainedby", "roverlaps", "radjacent", "rstrictleft", "rstrictright")),
)

_INTRODUCTION = """\
# Filters

<!-- Generated by `python -m penstock.kit.operators`; edit src/penstock/kit/operators.py instead. -->

A filter is a query parameter `field=value` or `field__operator=value`. All filters of a request
must hold; a field may be filtered more than once.

    ?carrier=UA&dep_delay__gt=60
    ?origin__in=JFK,LGA&dest__ne=MIA&dest__ne=BOS

Conditions that an AND cannot say go into a JSON tree, URL-encoded in `filters`; it is ANDed with
the rest.

    filters={"or": [{"dep_delay__gte": 120}, {"and": [{"carrier": "UA"}, {"not": {"origin": "EWR"}}]}]}

## Operators
"""

_RULES = """\
## Values

- A value must fit the type of its field, else the answer is 400 and names parameter, value and
  expected type.
- Booleans are `true`, `false`, `1` or `0`, in any case. Dates are `2024-02-29`, times `09:30:00`,
  datetimes `2024-02-29T09:30:00Z`; without an offset they are UTC, and a bare date is midnight UTC.
  In a URL write `%2B` for `+`.
- Numbers keep all digits, 1,000 of them at most; integers are 64 bits wide.
- Lists are separated by commas: `status__in=active,pending`. An item with a comma needs a JSON
  array: `status__in=["a,b","c"]`. An empty list matches nothing with `in`, everything with `nin`.
- Text is ordered by code point. *Any case* folds all of Unicode, the same way on every server.
- `%`, `_` and `\\` are ordinary characters except in `like` and `ilike`, where `%` is any text, `_`
  any one character, and `\\` takes the meaning from the next.
- An empty field (NULL) matches no operator but `null`, and no negation either: `status__ne=draft`
  leaves out the rows without a status. `not` in a tree follows the same logic.
- Objects and arrays compare as JSON with `eq` and `ne`; the text operators look at their JSON text.
- Items of an array compare as wholes. In a query string, an item that reads as a number or a
  boolean means that and the text as well, unless the schema gives the type of the items:
  `tags__aelement=5` finds `5` and `"5"`. In JSON, `5` is a number and `"5"` is text.
- A range is one value, `lower,upper` (the upper end not included, an end may be left out), or has
  its brackets: `[1,10]`, `(1,10)`; in JSON also `{"lower": 1, "upper": 10, "bounds": "[)"}`.
- `search` takes words (all must occur), `"a phrase"`, `-without` and `OR`.

## JSON trees

| form | example |
|---|---|
| key form | `{"and": [node, ...]}`, `{"or": [node, ...]}`, `{"not": node}`, `{"age__gte": 18}` |
| node form | `{"operator": "or", "value": [node, ...]}`, `{"field": "age", "operator": "gte", "value": 18}` |
| list | `[node, ...]`, all of which must hold |

The forms may be mixed. Several keys in one object are ANDed. Values are typed: a number is a
number, and `null` with `eq` or `ne` asks for an empty or a filled field. A list operator takes an
array or comma-separated text.

A tree is at most 10 levels deep; a request holds at most 200 conditions, a list at most 1,000
items.

## Deleting by filter

`DELETE …/data/?filter={"status": "draft", "created_at__lt": "2023-01-01"}` takes the key form. It
may besides hold a whole tree, or the JSON text of one, in `filters`. A filter that would hold for
every row is refused, and so is an unknown field.
"""


def page() -> str:
    """The reference page, in Markdown."""
    return "\n".join([_INTRODUCTION, *(_section(title, names) for title, names in _GROUPS), _RULES])


def _section(title: str, names: tuple[str, ...]) -> str:
    lines = [f"### {title}", "", "| operator | the field | value | fields of type |", "|---|---|---|---|"]
    for name in names:
        row = BY_NAME[name]
        spelled = ", ".join(f"`{spelling}`" for spelling in (row.name, *row.aliases))
        kinds = (
            "any"
            if len(row.types) == len(ValueType)
            else ", ".join(k.value for k in ValueType if k in row.types)
            or "any, if it is the key of a table with edges"
        )
        lines.append(f"| {spelled} | {row.words} | {row.arity.value} | {kinds} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.stdout.write(page())
