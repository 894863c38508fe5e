"""A `RecordRequest` meets a table and a grant: names become columns, values are cast, the order is made total."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.filters import EVERYTHING, And, BoundTree, Compare, bind, conjunction, paths
from penstock.tables.fields import BY_NAME
from penstock.tables.graph.filters import walked
from penstock.tables.models import Field
from penstock.tables.records.allowed import Allowed, plan_actions
from penstock.tables.records.reach import Reach, reach
from penstock.tables.records.request import Count, DetailRequest, RecordRequest, Sort, Window
from penstock.tables.relations.filters import relate
from penstock.tables.relations.hop import Surroundings
from penstock.tables.relations.populate import Path, Populated, dotted, plan_populate
from penstock.tables.vectors.plan import Nearest, plan_nearest, require_ranked

if TYPE_CHECKING:
    from penstock.tables.catalog import Table


class OrderTerm(NamedTuple):
    """A column of the order. `nullable` decides whether keyset paging must mind NULL."""

    field: str
    descending: bool
    nullable: bool


@dataclass(frozen=True, slots=True)
class Search:
    """Words to find: by the search vector, or as a substring of any text field."""

    text: str
    by_vector: bool
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordPlan:
    """A read in which nothing can be wrong any more."""

    table: Table
    where: BoundTree
    hide_deleted: bool
    order: tuple[OrderTerm, ...]
    by_rank: bool
    window: Window
    after: tuple[Any, ...] | None
    count: Count
    search: Search | None
    fields: tuple[str, ...]
    populated: Populated | None = None
    nearest: Nearest | None = None
    allowed: Allowed | None = None


@dataclass(frozen=True, slots=True)
class DetailPlan:
    """A read of one record."""

    table: Table
    key: BoundTree
    fields: tuple[str, ...]
    populated: Populated | None = None
    allowed: Allowed | None = None


def plan_list(
    request: RecordRequest, table: Table, grant: Grant, around: Surroundings | None = None
) -> RecordPlan:
    """`grant` is the permission to read this table. A request that names relations needs what is `around`."""
    assert grant.action == "record.read"
    readable = reach(table, grant)
    search = plan_search(request.search, table, table.schema.names)
    nearest = plan_nearest(request.near, table, readable.fields)
    if nearest is not None and search is not None:
        require_ranked(table, by_vector=search.by_vector)
    by_rank = (nearest is not None or (search is not None and search.by_vector)) and not request.order
    if by_rank and request.window.after is not None:
        raise errors.Invalid({"after": ["A walk by cursors needs an 'ordering' when it searches."]})
    order = plan_order(request.order, table)
    fields, populated = _answered(request.fields, request.populate, table, around)
    filters = request.filters if around is None else relate(request.filters, table.name, around)
    filters = walked(filters, readable)
    return RecordPlan(
        table=table,
        where=conjunction([bind(filters, table.columns.get, table.columns), readable.rows]),
        hide_deleted=table.schema.soft_deletes and "is_deleted" not in paths(request.filters),
        order=order,
        by_rank=by_rank,
        window=request.window,
        after=_decode_cursor(request.window.after, order, table) if request.window.after else None,
        count=_count(request, readable, around),
        search=search,
        fields=fields,
        populated=populated,
        nearest=nearest,
        allowed=plan_actions(request.actions, table, grant.principal),
    )


def _count(request: RecordRequest, readable: Reach, around: Surroundings | None) -> Count:
    """What the planner expects says something of rows that are kept back, be they of another table."""
    if request.count is not Count.PLANNED:
        return request.count
    hides = readable.rows != EVERYTHING or (around is not None and around.hides_rows)
    return Count.EXACT if hides else Count.PLANNED


def plan_detail(
    request: DetailRequest, key: str, table: Table, grant: Grant, around: Surroundings | None = None
) -> DetailPlan:
    """Raises `errors.NotFound` for what cannot be a key of the table."""
    condition = conjunction([key_filter(key, table), reach(table, grant).rows])
    fields, populated = _answered(request.fields, request.populate, table, around)
    allowed = plan_actions(request.actions, table, grant.principal)
    return DetailPlan(table, condition, fields, populated, allowed)


def _answered(
    names: tuple[str, ...] | None, paths: tuple[Path, ...], table: Table, around: Surroundings | None
) -> tuple[tuple[str, ...], Populated | None]:
    """The fields to answer, and what is related."""
    if around is None:
        return project(names, table), None
    own, picked = dotted(names or ())
    return project(own or None, table), plan_populate(paths, picked, table, around)


@lru_cache(maxsize=4096)
def plan_order(terms: tuple[Sort, ...], table: Table) -> tuple[OrderTerm, ...]:
    """The order asked for, then the key, so that no two rows are equal in it."""
    schema = table.schema
    found: list[OrderTerm] = []
    for term in terms:
        field = schema.by_name.get(term.field)
        if field is None and "." in term.field:
            raise errors.Invalid(
                {
                    "ordering": [
                        f"Records are ordered by their own fields; '{term.field[:80]}' is of another table."
                    ]
                }
            )
        if field is None:
            hint = errors.nearest(term.field, schema.names)
            raise errors.Invalid(
                {"ordering": [f"There is no field '{term.field[:80]}' to order by."]}, hint=hint
            )
        if not BY_NAME[field.type].orderable:
            raise errors.Invalid(
                {"ordering": [f"'{field.name}' is of type {field.type}, which has no order."]}
            )
        required = field.constraints.required or field.name in schema.primary_key
        found.append(OrderTerm(field.name, term.descending, not required))
    named = {term.field for term in found}
    found += [OrderTerm(name, False, False) for name in schema.primary_key if name not in named]
    return tuple(found)


def project(names: tuple[str, ...] | None, table: Table) -> tuple[str, ...]:
    """The fields to answer, in schema order; the key is always among them."""
    schema = table.schema
    if names is None:
        return schema.names
    for name in names:
        if name not in schema.by_name:
            hint = errors.nearest(name, schema.names)
            raise errors.Invalid({"fields": [f"There is no field '{name[:80]}'."]}, hint=hint)
    wanted = {*names, *schema.primary_key}
    return tuple(name for name in schema.names if name in wanted)


def key_filter(text: str, table: Table) -> BoundTree:
    """The record with this key: `42`, or the values of a composite key joined by commas or as a JSON array.

    Raises `errors.NotFound` for what cannot be a key of the table.
    """
    names = table.schema.primary_key
    parts: Sequence[Any] = [text]
    if len(names) > 1:
        parts = _json_list(text) if text.startswith("[") else text.split(",")
    if len(parts) != len(names):
        raise errors.NotFound
    compares = tuple(Compare(name, "eq", part) for name, part in zip(names, parts, strict=True))
    try:
        return bind(And(compares), table.columns.get)
    except errors.Invalid:
        raise errors.NotFound from None


def keys_filter(text: str, table: Table) -> BoundTree:
    """The records of `ids=`: a comma list or a JSON array; of arrays for a composite key."""
    names = table.schema.primary_key
    if len(names) == 1:
        try:
            return bind(Compare(names[0], "in", text), table.columns.get)
        except errors.Invalid as error:
            # The caller wrote `ids`, and knows nothing of the condition it stands for.
            messages = [message for found in (error.errors or {}).values() for message in found]
            raise errors.Invalid({"ids": messages}) from error
    raise errors.Invalid(
        {"ids": ["This table has a composite key; delete by 'filter', or one record by its path."]}
    )


def encode_cursor(values: str, order: tuple[OrderTerm, ...]) -> str:
    """`values` is the JSON array of the order's columns in the last row of a page."""
    text = msgspec.json.encode([_fingerprint(order), msgspec.Raw(values.encode())])
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _decode_cursor(text: str, order: tuple[OrderTerm, ...], table: Table) -> tuple[Any, ...]:
    refused = errors.Invalid(
        {"after": ["The cursor is not one that this list gave out; begin with 'after=' alone."]}
    )
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        fingerprint, values = msgspec.json.decode(raw, type=tuple[str, list[msgspec.Raw]])
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise refused from error
    if fingerprint != _fingerprint(order) or len(values) != len(order):
        raise errors.Invalid({"after": ["The cursor belongs to a list with another 'ordering'."]})
    try:
        return tuple(
            _cursor_value(value, table.schema.by_name[term.field])
            for value, term in zip(values, order, strict=True)
        )
    except msgspec.DecodeError as error:
        raise refused from error


def _cursor_value(raw: msgspec.Raw, field: Field) -> Any:
    kind = BY_NAME[field.type].annotation(field)
    value = msgspec.json.decode(bytes(raw), type=kind | None)
    if isinstance(value, str) and "\0" in value:
        raise msgspec.ValidationError("NUL")
    check = BY_NAME[field.type].intrinsic(field)
    if value is not None and check and check(value):
        raise msgspec.ValidationError("value")
    return value


def _fingerprint(order: tuple[OrderTerm, ...]) -> str:
    return ",".join(("-" if term.descending else "") + term.field for term in order)


def plan_search(text: str | None, table: Table, fields: Collection[str]) -> Search | None:
    """`fields` are those that may be looked into."""
    if text is None:
        return None
    if searches_by_vector(table, fields):
        return Search(text, True, ())
    columns = tuple(
        one.name
        for one in table.schema.fields
        if one.type == "string" and one.format != "uuid" and one.name in fields
    )
    return Search(text, False, columns)


def searches_by_vector(table: Table, fields: Collection[str]) -> bool:
    """True when the table has a search vector, and all that went into it may be looked into."""
    return bool(table.schema.search_fields) and all(name in fields for name, _ in table.schema.search_fields)


def _json_list(text: str) -> list[Any]:
    try:
        return msgspec.json.decode(text, type=list[Any])
    except msgspec.DecodeError:
        raise errors.NotFound from None
