"""Conditions on fields: `F("delay") > 10`, combined with `&`, `|`, `~`, printed as the JSON `filters` tree.

Flat conditions (`carrier="UA", dep_delay__gt=10`) become query parameters here too. The server parses and
checks both; nothing here knows the fields of a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, cast
from uuid import UUID

from penstock_sdk import _json

# Names that the record routes give a meaning of their own; a column so named needs an explicit operator.
RESERVED = frozenset(
    [
        "page",
        "page_size",
        "limit",
        "offset",
        "ordering",
        "populate",
        "format",
        "search",
        "include",
        "depth",
        "relationship_type",
        "types",
        "graph_types",
        "filters",
        "filter",
        "ids",
        "unique_fields",
        "fields",
        "select",
        "allowed_actions",
        "materialize",
        "datasource",
        "after",
        "count",
    ]
)


class Expression:
    """A condition on records; combine with `&` (and), `|` (or) and `~` (not)."""

    def tree(self) -> dict[str, Any]:
        """The condition as the server's JSON filter tree."""
        raise NotImplementedError

    def __and__(self, other: Expression) -> Expression:
        return Junction("and", (*_members(self, "and"), *_members(other, "and")))

    def __or__(self, other: Expression) -> Expression:
        return Junction("or", (*_members(self, "or"), *_members(other, "or")))

    def __invert__(self) -> Expression:
        return self.inner if isinstance(self, Negation) else Negation(self)

    def __bool__(self) -> bool:
        raise TypeError(
            "a condition has no truth value; combine conditions with &, | and ~ instead of and, or, not"
        )


class Comparison(Expression):
    """One field, one operator, one value."""

    __slots__ = ("field", "operator", "value")

    def __init__(self, field: str, operator: str, value: Any) -> None:
        self.field = field
        self.operator = operator
        self.value = value

    def tree(self) -> dict[str, Any]:
        return {f"{self.field}__{self.operator}": _plain(self.value)}

    def __repr__(self) -> str:
        return f"Comparison({self.field!r}, {self.operator!r}, {self.value!r})"


class Junction(Expression):
    """Several conditions joined by `and` or `or`."""

    __slots__ = ("members", "word")

    def __init__(self, word: str, members: Iterable[Expression]) -> None:
        self.word = word
        self.members = tuple(members)

    def tree(self) -> dict[str, Any]:
        return {self.word: [member.tree() for member in self.members]}

    def __repr__(self) -> str:
        return f"Junction({self.word!r}, {list(self.members)!r})"


class Negation(Expression):
    """The opposite of a condition."""

    __slots__ = ("inner",)

    def __init__(self, inner: Expression) -> None:
        self.inner = inner

    def tree(self) -> dict[str, Any]:
        return {"not": self.inner.tree()}

    def __repr__(self) -> str:
        return f"Negation({self.inner!r})"


class F:
    """A field to compare: `F("name") == "Ann"`, `F("age").between(18, 65)`, `F("tag").in_(["a", "b"])`.

    Every operator of the server is reachable through `op`; the common ones have methods of their own. Text
    comparisons ignore case unless their name says `exact_case`.
    """

    __slots__ = ("name",)
    __hash__ = None  # type: ignore[assignment]  # `==` builds a condition, so a field cannot be a key

    def __init__(self, name: str) -> None:
        if not name:
            raise ValueError("a field needs a name")
        self.name = name

    def op(self, operator: str, value: Any) -> Expression:
        """The condition `<field>__<operator>=<value>`."""
        return Comparison(self.name, operator, value)

    def __eq__(self, value: object) -> Expression:  # type: ignore[override]  # builds a condition
        return self.is_null() if value is None else self.op("eq", value)

    def __ne__(self, value: object) -> Expression:  # type: ignore[override]  # builds a condition
        return self.is_not_null() if value is None else self.op("ne", value)

    def __gt__(self, value: Any) -> Expression:
        return self.op("gt", value)

    def __ge__(self, value: Any) -> Expression:
        return self.op("gte", value)

    def __lt__(self, value: Any) -> Expression:
        return self.op("lt", value)

    def __le__(self, value: Any) -> Expression:
        return self.op("lte", value)

    def in_(self, values: Iterable[Any], *, ignore_case: bool = False) -> Expression:
        return self.op("ina" if ignore_case else "in", list(values))

    def not_in(self, values: Iterable[Any], *, ignore_case: bool = False) -> Expression:
        return self.op("nina" if ignore_case else "nin", list(values))

    def between(self, low: Any, high: Any) -> Expression:
        """From `low` to `high`, both included."""
        return self.op("between", [low, high])

    def is_null(self) -> Expression:
        return self.op("null", True)

    def is_not_null(self) -> Expression:
        return self.op("null", False)

    def contains(self, text: str, *, exact_case: bool = False) -> Expression:
        return self.op("containss" if exact_case else "contains", text)

    def startswith(self, text: str, *, exact_case: bool = False) -> Expression:
        return self.op("startswiths" if exact_case else "startswith", text)

    def endswith(self, text: str, *, exact_case: bool = False) -> Expression:
        return self.op("endswiths" if exact_case else "endswith", text)

    def like(self, pattern: str, *, ignore_case: bool = False) -> Expression:
        """SQL pattern: `%` is any text, `_` any character."""
        return self.op("ilike" if ignore_case else "like", pattern)

    def __repr__(self) -> str:
        return f"F({self.name!r})"


def condition(where: Expression | Mapping[str, Any]) -> Expression:
    """An expression as it is, or a mapping (`{"age__gt": 3, "or": […]}`) as conjunction of its items."""
    if isinstance(where, Expression):
        return where
    members = [_item(key, value) for key, value in where.items()]
    if not members:
        raise ValueError("an empty filter matches everything; leave it out instead")
    return members[0] if len(members) == 1 else Junction("and", members)


def _item(key: str, value: Any) -> Expression:
    if key in ("and", "or") and isinstance(value, list):
        return Junction(key, [condition(item) for item in cast("list[Any]", value)])
    if key == "not" and isinstance(value, Mapping | Expression):
        return ~condition(cast("Mapping[str, Any] | Expression", value))
    field, operator = _split(key)
    return _null(field, operator) if value is None else Comparison(field, operator, value)


def flat_parameter(key: str, value: Any) -> tuple[str, str]:
    """One query parameter for `key=value` as in `.filter(carrier="UA", dep_delay__gt=10, tailnum=None)`."""
    if value is None:
        field, operator = _split(key)
        comparison = _null(field, operator)
        return f"{comparison.field}__null", "true" if comparison.value else "false"
    if "__" not in key and (key in RESERVED or key.startswith("_")):
        key = f"{key}__eq"
    return key, text(value)


def text(value: Any) -> str:
    """A value as it stands in a query string; lists become JSON, so that a comma inside an item is safe."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, set | frozenset | tuple | range):
        value = list(cast("Iterable[Any]", value))
    if isinstance(value, list | dict):
        return _json.encode(_plain(value)).decode()
    return str(_plain(value))


def _plain(value: Any) -> Any:
    """`value` in JSON types, so that trees can be compared and printed."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date | time | UUID):
        return _json.encode(value).decode().strip('"')
    if isinstance(value, set | frozenset | tuple | list | range):
        return [_plain(item) for item in cast("Iterable[Any]", value)]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in cast("dict[str, Any]", value).items()}
    return value


def _split(key: str) -> tuple[str, str]:
    field, separator, operator = key.rpartition("__")
    return (field, operator) if separator and field else (key, "eq")


def _null(field: str, operator: str) -> Comparison:
    if operator not in ("eq", "ne"):
        raise ValueError(f"None cannot be compared with '{operator}'; use {field}=None or {field}__ne=None")
    return Comparison(field, "null", operator == "eq")


def _members(expression: Expression, word: str) -> tuple[Expression, ...]:
    if isinstance(expression, Junction) and expression.word == word:
        return expression.members
    return (expression,)
