"""What a family of tables is made of, and what of it may be asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.acceptance.asked import Request

Schema = dict[str, Any]
Values = dict[str, st.SearchStrategy[Any]]
Pairs = list[tuple[str, str]]


def pool(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


KEYS = st.integers(1, 6)
ALL_KEYS = st.integers(1, 8)
WORD = pool("red", "Red fox", "the quick fox", "é", "É%_\\", "", "a,b", "word")
NAME = pool("Ann", "ann", "Bob", "Éva", "éva%", "", None)


def described(*fields: Schema, key: Sequence[str] = ("id",), **more: Any) -> Schema:
    return {"fields": list(fields), "primaryKey": list(key), **more}


def typed(name: str, kind: str, **constraints: Any) -> Schema:
    return {"name": name, "type": kind, **({"constraints": constraints} if constraints else {})}


def refers(field: str, table: str, on_delete: str | None = None) -> Schema:
    found: Schema = {"fields": field, "reference": {"resource": table, "fields": "id"}}
    return found | ({"x-actions": {"onDelete": on_delete}} if on_delete else {})


@dataclass(frozen=True)
class Shape:
    """A table of a theme: its schema, the values of its fields, and what lists of it may be asked."""

    schema: Schema
    values: Values
    conditions: Sequence[tuple[str, st.SearchStrategy[str]]] = ()
    relations: Sequence[str] = ()
    outputs: Sequence[str] = ("count(*)",)
    groups: Sequence[str] = ()
    unique: Sequence[str] = ("id",)

    @property
    def key(self) -> list[str]:
        return self.schema["primaryKey"]

    @property
    def names(self) -> list[str]:
        return [one["name"] for one in self.schema["fields"]]


@dataclass(frozen=True)
class Theme:
    """Tables in the order in which they are made, and the requests that a session may have."""

    tables: dict[str, Shape]
    requests: st.SearchStrategy[Request]


def texts(*values: Any) -> st.SearchStrategy[str]:
    return st.sampled_from([value if isinstance(value, str) else json.dumps(value) for value in values])
