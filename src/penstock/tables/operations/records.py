"""Records, of any table in general and of one table in particular: the same operations with other schemas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from penstock.kit.openapi import GONE, Body, Operation, Parameter, Reply, described, ref
from penstock.tables.aggregates.tree import MAX_LENGTH
from penstock.tables.operations.common import APP, COUNT, IF_NONE_MATCH, PAGE, TABLE, TAG, access, whole
from penstock.tables.operations.edges import walk_parameters
from penstock.tables.records.allowed import ACTIONS
from penstock.tables.records.request import DEFAULT_SIZE, MAX_SIZE, Count
from penstock.tables.schema.vectors import MAX_DIMENSIONS, METRICS
from penstock.tables.vectors.parse import DEFAULT_TOP, MAX_EF_SEARCH, MAX_TOP

SCHEMAS: Final[dict[str, Any]] = {
    "Record": {"type": "object", "description": "A record: a value for each field of its table."},
    "FilterTree": {
        "description": "A tree of conditions: `{field__operator: value}`, joined by `and`, `or` and `not`.",
        "type": ["object", "array"],
        "items": {"type": "object"},
        "examples": [{"or": [{"price__gte": 120}, {"not": {"name__startswith": "A"}}]}],
    },
    "RecordGroups": described(
        {
            "data": {
                "type": "array",
                "items": {"type": "object", "description": "Keys and outputs by name."},
            },
            "total": {"type": ["integer", "null"], "description": "Groups, on all pages."},
            "page": {"type": "integer", "minimum": 1},
            "page_size": {"type": "integer", "minimum": 1, "maximum": MAX_SIZE},
            "limit": {"type": "integer", "description": "When the request has `limit` or `offset`."},
            "offset": {"type": "integer", "description": "When the request has `limit` or `offset`."},
            "aggregates": {"type": "object", "description": "The one group, without `_group_by`."},
        },
        "limit",
        "offset",
        "aggregates",
    ),
}
IF_MATCH: Final = Parameter(
    name="If-Match",
    place="header",
    schema={"type": "string", "pattern": '^(\\*|"[0-9]+")$'},
    description="Do it only if this is still the current `ETag` of the record.",
    component="if_match_record",
)
ONCE: Final = Parameter(
    name="Idempotency-Key",
    place="header",
    schema={"type": "string", "minLength": 1, "maxLength": 255},
    description="A name for this request: sent again with it, the request is answered again and done once.",
    component="idempotency_key",
)

PREFER: Final = Parameter(
    name="Prefer",
    place="header",
    schema={"type": "string", "examples": ["return=minimal"]},
    description="`return=minimal` leaves the new records of a list out of the answer and says how many there are.",
    component="prefer",
)


ALLOWED: Final = Parameter(
    name="allowed_actions",
    schema={"type": "array", "items": {"enum": list(ACTIONS)}},
    is_list=True,
    description="Tell of each record which of these you may do, as `_allowed_actions`.",
    component="record_allowed_actions",
)
_WINDOW: Final = (
    ALLOWED,
    PAGE,
    whole(
        "page_size",
        f"Records of a page, at most {MAX_SIZE}.",
        "record_page_size",
        maximum=MAX_SIZE,
        default=DEFAULT_SIZE,
    ),
    whole("limit", "As `page_size`, with `offset`.", "record_limit", maximum=MAX_SIZE),
    whole("offset", "Records to skip, instead of `page`.", "record_offset", minimum=0),
    Parameter(
        name="after",
        schema={"type": "string"},
        description="Walk by cursors: empty to begin, then the `next_cursor` of the page before.",
        component="record_after",
    ),
    Parameter(
        name="count",
        schema={"enum": [one.value for one in Count], "default": Count.EXACT.value},
        description="How `total` is found: counted, estimated, or not at all (then it is null).",
        component="record_count",
    ),
    Parameter(
        name="search",
        schema={"type": "string"},
        description="Words to find, in the search fields of the table or else in all of its text.",
        component="record_search",
    ),
    Parameter(
        name="filters",
        schema=ref("FilterTree"),
        description="Conditions that must hold besides the others, as a JSON tree.",
        is_json=True,
        component="record_filters",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What record operations are about: any table, or one of which everything is known."""

    base: str
    tag: str
    # What ids end in: `list<many>`, `read<one>`.
    many: str
    one: str
    noun: str
    path: Sequence[Parameter]
    key: Parameter
    # A whole record, and one of which `fields` may have left something out.
    row: Mapping[str, Any]
    part: Mapping[str, Any]
    create: Mapping[str, Any]
    change: Mapping[str, Any]
    primary_key: Sequence[str]
    keys: Mapping[str, Any]
    ordering: Mapping[str, Any]
    fields: Mapping[str, Any]
    unique_fields: Mapping[str, Any]
    conditions: Sequence[Parameter]
    # `field__vector_near` of each vector; none where there are none.
    vectors: Sequence[Parameter] = ()
    # None where nothing is related.
    populate: Mapping[str, Any] | None = None
    # What a walk along edges takes; nothing where there are none.
    walks: Sequence[Parameter] = ()
    # What may stand in `_aggregate`, `_group_by` and `_having`.
    aggregates: Sequence[str] = ("count(*)", "sum(price)", "avg(price * stock) as mean")
    keys_of_groups: Sequence[str] = ("category", "date_trunc('month', created_at)")
    thresholds: Sequence[str] = ("count__gte=10", "count(*) > 5")
    max_rows: int | None = None
    # A record, one to create, and changes to one.
    example: Mapping[str, Any] | None = None
    creation: Mapping[str, Any] | None = None
    changes: Mapping[str, Any] | None = None


_NAMES: Final = {"type": "array", "items": {"type": "string", "minLength": 1}}
GENERIC: Final = Target(
    base="/api/apps/{app}/datatables/{table}/data",
    tag="Records",
    many="Records",
    one="Record",
    noun="records",
    path=(APP, TABLE),
    key=Parameter(
        name="key",
        place="path",
        schema={"type": "string", "minLength": 1},
        description="The primary key; the values of a composite one joined by commas.",
        example="42",
        component="in_path_record",
    ),
    row=ref("Record"),
    part=ref("Record"),
    create=ref("Record"),
    change=ref("Record"),
    primary_key=(),
    keys={"type": "array", "items": {"type": ["string", "integer", "number"]}},
    ordering=_NAMES,
    fields=_NAMES,
    unique_fields=_NAMES,
    populate=_NAMES,
    conditions=(
        Parameter(
            name="conditions",
            schema={"type": "object", "additionalProperties": {"type": "string"}},
            description="Conditions, each a parameter `field=value` or `field__operator=value`; `author.name=value` is "
            "one on a related record.",
        ),
    ),
    walks=walk_parameters(),
    vectors=(
        Parameter(
            name="field__vector_near",
            schema={"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": MAX_DIMENSIONS},
            description="With the name of a vector field in place of `field`: list the records nearest to this vector.",
            is_json=True,
        ),
    ),
)


def record_operations(target: Target) -> tuple[Operation, ...]:
    """The operations on the records of this table."""
    return (*_reads(target), *_creates(target), *_updates(target), *_deletes(target))


def _reads(target: Target) -> tuple[Operation, ...]:
    return (
        Operation(
            id=f"list{target.many}",
            method="get",
            path=target.base,
            summary=f"List {target.noun}",
            tag=target.tag,
            access=access("record.read"),
            parameters=(
                *target.path,
                *_reading(target),
                *_WINDOW,
                *_nearness(target),
                *_aggregation(target),
                *target.walks,
                *target.conditions,
            ),
            replies=(
                Reply(
                    status=200,
                    description="A page of records; of groups, with `_aggregate`.",
                    schema={"anyOf": [_page(target), ref("RecordGroups"), *_walked(target)]},
                    **_shown(target),
                ),
            ),
            errors=(404, 409),
        ),
        Operation(
            id=f"read{target.one}",
            method="get",
            path=_detail(target),
            summary=f"Read one of {target.noun}",
            tag=target.tag,
            access=access("record.read"),
            parameters=(
                *target.path,
                target.key,
                *_reading(target)[1:],
                ALLOWED,
                *target.walks,
                IF_NONE_MATCH,
            ),
            replies=(
                Reply(
                    status=200,
                    description="The record.",
                    schema=_any_of(described({"data": target.part}), *_walked(target)),
                    headers=TAG,
                ),
                Reply(status=304, description="Not changed."),
            ),
            errors=(404, 409),
        ),
    )


def _creates(target: Target) -> tuple[Operation, ...]:
    one_or_many = {"anyOf": [target.create, _rows(target, target.create)]}
    upserted = {"anyOf": [target.change, _rows(target, target.change)]}
    single = described({"data": target.row, "created": {"type": "boolean"}})
    listed = {"type": "array", "items": target.row}
    many = described({"data": listed, "created": COUNT, "updated": COUNT}, "created", "updated")
    unique = Parameter(
        name="unique_fields",
        schema=target.unique_fields,
        is_list=True,
        description="The fields that tell records apart; the primary key when not given.",
    )
    return (
        Operation(
            id=f"create{target.many}",
            method="post",
            path=target.base,
            summary=f"Create one or many {target.noun}",
            description="An object, or an array of which all are created or none.",
            tag=target.tag,
            access=access("record.write"),
            parameters=(*target.path, ONCE, PREFER),
            body=Body(schema=one_or_many, examples=_creations(target)),
            replies=(
                Reply(
                    status=201,
                    description="As created, in the order of the request.",
                    schema=_data(target),
                ),
            ),
            errors=(404, 409),
        ),
        Operation(
            id=f"upsert{target.many}",
            method="post",
            path=f"{target.base}/upsert",
            summary=f"Create or update {target.noun}",
            description="Records that are there are changed in the fields sent; the others are created.",
            tag=target.tag,
            access=access("record.write"),
            parameters=(*target.path, unique, ONCE),
            body=Body(schema=upserted, examples=_creations(target, *target.primary_key)),
            replies=(
                Reply(status=200, description="At least one was there.", schema={"anyOf": [single, many]}),
                Reply(status=201, description="All are new.", schema={"anyOf": [single, many]}),
            ),
            errors=(404, 409),
        ),
    )


def _updates(target: Target) -> tuple[Operation, ...]:
    keyed: Mapping[str, Any] = target.change
    if target.primary_key:
        keyed = {"allOf": [target.change, {"required": list(target.primary_key)}]}
    keyed_changes = _changes(target, *target.primary_key)
    listed = {"type": "array", "items": target.row}
    return (
        Operation(
            id=f"update{target.many}",
            method="patch",
            path=target.base,
            summary=f"Change many {target.noun}",
            description="Each element names the key of its record and the fields to change; all or none.",
            tag=target.tag,
            access=access("record.write"),
            parameters=(*target.path, ONCE),
            body=Body(
                schema=_rows(target, keyed),
                examples={"one record": [keyed_changes]} if keyed_changes else {},
            ),
            replies=(
                Reply(
                    status=200,
                    description="The records, in the order of the request.",
                    schema=described({"data": listed}),
                ),
            ),
            errors=(404, 409),
        ),
        Operation(
            id=f"update{target.one}",
            method="patch",
            path=_detail(target),
            summary=f"Change one of {target.noun}",
            tag=target.tag,
            access=access("record.write"),
            parameters=(*target.path, target.key, IF_MATCH, ONCE),
            body=Body(schema=target.change, examples={"one field": target.changes} if target.changes else {}),
            replies=(
                Reply(
                    status=200,
                    description="The record.",
                    schema=described({"data": target.row}),
                    headers=TAG,
                ),
            ),
            errors=(404, 409, 412),
        ),
    )


def _deletes(target: Target) -> tuple[Operation, ...]:
    ids = Parameter(
        name="ids",
        schema=target.keys,
        is_list=True,
        description="Keys of the records; unknown ones are skipped. Not for composite keys.",
    )
    condition = Parameter(
        name="filter",
        schema=ref("FilterTree"),
        is_json=True,
        description="What the records have in common. An empty filter is refused.",
        component="record_filter",
    )
    return (
        Operation(
            id=f"delete{target.one}",
            method="delete",
            path=_detail(target),
            summary=f"Delete one of {target.noun}",
            tag=target.tag,
            access=access("record.write"),
            parameters=(*target.path, target.key, IF_MATCH, ONCE),
            replies=(GONE,),
            errors=(404, 409, 412),
        ),
        Operation(
            id=f"delete{target.many}",
            method="delete",
            path=target.base,
            summary=f"Delete many {target.noun}",
            description="By exactly one of `ids` and `filter`.",
            tag=target.tag,
            access=access("record.write"),
            parameters=(*target.path, ids, condition, ONCE),
            replies=(
                Reply(
                    status=200,
                    description="How many were deleted.",
                    schema=described({"deleted": COUNT, "ids": {"type": "array", "items": {}}}, "ids"),
                ),
            ),
            errors=(404, 409),
        ),
    )


def reading(target: Target) -> tuple[Parameter, ...]:
    """What says which records of a list are wanted, and how, but not which page."""
    found = (one for one in _WINDOW if one.name in ("search", "filters"))
    return (*_reading(target), *found, *target.conditions)


def _detail(target: Target) -> str:
    return f"{target.base}/{{{target.key.name}}}"


def _reading(target: Target) -> tuple[Parameter, ...]:
    related = Parameter(
        name="populate",
        schema=target.populate or {},
        is_list=True,
        description="Relations whose records to add: a foreign key, a table that refers to this one, a table behind "
        "a junction, `*` for all foreign keys; dots go on from there.",
    )
    return (
        Parameter(
            name="ordering",
            schema=target.ordering,
            is_list=True,
            description="Fields to order by, `-` before one for descending; ties go by the key.",
        ),
        Parameter(
            name="fields",
            schema=target.fields,
            is_list=True,
            description="Fields to answer, besides the key; all when not given. Of a populated record: `author.name`.",
        ),
        *([related] if target.populate else []),
    )


def _aggregation(target: Target) -> tuple[Parameter, ...]:
    given = (
        ("_aggregate", target.aggregates, "What to compute of each group: functions of fields, by commas."),
        (
            "_group_by",
            target.keys_of_groups,
            "Fields, or parts and periods of moments; not given, one group.",
        ),
        ("_having", target.thresholds, "Conditions on outputs; groups that miss them are left out."),
    )
    return tuple(
        Parameter(
            name=name,
            schema={"type": "string", "minLength": 1, "maxLength": MAX_LENGTH, "examples": list(examples)},
            description=description,
        )
        for name, examples, description in given
        if examples
    )


def _walked(target: Target) -> list[dict[str, Any]]:
    return [ref("RecordWalk")] if target.walks else []


def _any_of(first: dict[str, Any], *others: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [first, *others]} if others else first


def _nearness(target: Target) -> tuple[Parameter, ...]:
    """Parameters that mean something together with a vector."""
    if not target.vectors:
        return ()
    given: tuple[tuple[str, dict[str, Any], str], ...] = (
        (
            "_topk",
            {"type": "integer", "minimum": 1, "maximum": MAX_TOP, "default": DEFAULT_TOP},
            "How many at most.",
        ),
        ("_vector_threshold", {"type": "number"}, "The distance beyond which nothing is near."),
        (
            "_vector_metric",
            {"enum": list(METRICS)},
            "Another metric than the field's, measured without its index.",
        ),
        (
            "_vector_ef_search",
            {"type": "integer", "minimum": 1, "maximum": MAX_EF_SEARCH},
            "How far the index looks: more finds more of the nearest, more slowly.",
        ),
        ("_hybrid_strategy", {"enum": ["rrf"]}, "How nearness and `search` are fused."),
        (
            "_hybrid_alpha",
            {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5},
            "What nearness weighs against `search`: 1 is nearness alone.",
        ),
    )
    options = [Parameter(name=name, schema=schema, description=words) for name, schema, words in given]
    return (*target.vectors, *options)


def _page(target: Target) -> dict[str, Any]:
    return described(
        {
            "data": {"type": "array", "items": target.part},
            "total": {"type": ["integer", "null"], "description": "Records that match, on all pages."},
            "page": {"type": "integer", "minimum": 1},
            "page_size": {"type": "integer", "minimum": 1, "maximum": MAX_SIZE},
            "limit": {"type": "integer", "description": "When the request has `limit` or `offset`."},
            "offset": {"type": "integer", "description": "When the request has `limit` or `offset`."},
            "next_cursor": {
                "type": ["string", "null"],
                "description": "In a walk by cursors; null at the end.",
            },
        },
        "page",
        "limit",
        "offset",
        "next_cursor",
    )


def _data(target: Target) -> dict[str, Any]:
    listed = described({"data": {"type": "array", "items": target.row}})
    return {"anyOf": [described({"data": target.row}), listed]}


def _rows(target: Target, row: Mapping[str, Any]) -> dict[str, Any]:
    limit = {} if target.max_rows is None else {"maxItems": target.max_rows}
    return {"type": "array", "items": row, **limit}


def _shown(target: Target) -> dict[str, Any]:
    if target.example is None:
        return {}
    return {"example": {"data": [target.example], "total": 1, "page": 1, "page_size": DEFAULT_SIZE}}


def _creations(target: Target, *names: str) -> dict[str, Any]:
    """Records to create as examples, with these fields of the example record."""
    if target.creation is None or target.example is None:
        return {}
    record = {**{name: target.example[name] for name in names}, **target.creation}
    return {"one record": record, "many records": [record]}


def _changes(target: Target, *names: str) -> dict[str, Any]:
    """Changes as an example, with these fields of the example record."""
    if target.changes is None or target.example is None:
        return {}
    return {**{name: target.example[name] for name in names}, **target.changes}
