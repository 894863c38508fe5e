"""Edges between records, of any table in general and of one table in particular, and what walks along them take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from penstock.kit.openapi import Body, One, Operation, Parameter, Reply, described, ref
from penstock.tables.graph.path import MAX_DEPTH as LONGEST
from penstock.tables.graph.path import Direction
from penstock.tables.graph.requests import DEFAULT_SIZE
from penstock.tables.graph.traversal import MAX_DEPTH, Format, Include
from penstock.tables.operations.common import APP, COUNT, PAGE, TABLE, access, whole
from penstock.tables.records.request import MAX_SIZE
from penstock.tables.schema.graph import TYPE_LENGTH

_KEY: Final = {"type": ["string", "integer", "number"]}
_TYPE: Final = {"type": "string", "minLength": 1, "maxLength": TYPE_LENGTH}
_METADATA: Final = {"type": ["object", "null"]}
SCHEMAS: Final[dict[str, Any]] = {
    "Edge": described(
        {
            "id": {**_KEY, "description": "A number; the key of the record where a field says the edges."},
            "from_id": {**_KEY, "description": "Key of the record that the edge comes from: the child."},
            "to_id": {**_KEY, "description": "Key of the record that the edge leads to: the parent."},
            "type": _TYPE,
            "metadata": _METADATA,
            "created_at": {"type": ["string", "null"], "format": "date-time"},
        }
    ),
    "EdgeCreate": {
        "type": "object",
        "description": "`from_id` and `to_id` may be sent in place of `from` and `to`.",
        "properties": {"from": _KEY, "to": _KEY, "type": _TYPE, "metadata": _METADATA},
        "required": ["from", "to", "type"],
        "additionalProperties": False,
    },
    "EdgeChange": {
        "type": "object",
        "properties": {"from": _KEY, "to": _KEY, "type": _TYPE, "metadata": _METADATA},
        "additionalProperties": False,
    },
    "RecordWalk": {
        "description": "What `include` and `format` answer: records with `_depth` and `_relationship_type`, in one "
        "list, nested in `children`, or as `nodes` beside `edges`; of one record, in a list for each relation.",
        **described({"data": {"type": ["array", "object"]}, "total": COUNT}, "total"),
    },
    "RecordPath": described(
        {
            "data": {
                "type": ["object", "null"],
                "description": "`nodes` and `edges` in their order, and `length`, the number of edges.",
            },
            "total": COUNT,
        }
    ),
}


def walk_parameters(types: Sequence[str] = ()) -> tuple[Parameter, ...]:
    """What a read takes to walk along edges of these types."""
    return (
        Parameter(
            name="format",
            schema={"enum": [one.value for one in Format], "default": Format.FLAT.value},
            description="The shape of what a walk along edges finds.",
            component="walk_format",
        ),
        Parameter(
            name="include",
            schema={"enum": [one.value for one in Include]},
            description="Which way to walk: to what is below the records, above them, or both.",
            component="walk_include",
        ),
        Parameter(
            name="depth",
            schema={"type": "integer", "minimum": 1, "maximum": MAX_DEPTH, "default": MAX_DEPTH},
            description="How many edges to follow. Goes with `include` or `format`.",
            component="walk_depth",
        ),
        _types(types),
    )


def _types(types: Sequence[str]) -> Parameter:
    return Parameter(
        name="relationship_type",
        schema={"type": "array", "items": {"enum": list(types)} if types else _TYPE, "minItems": 1},
        is_list=True,
        description="Follow edges of these types only; also `types`. Goes with `include` or `format`.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeTarget:
    """The edges of any table, or of one. Ids end in `many` and `one`."""

    base: str
    tag: str
    many: str
    one: str
    noun: str
    path: Sequence[Parameter]
    types: Sequence[str] = ()
    is_stored: bool = True


GENERIC: Final = EdgeTarget(
    base="/api/apps/{app}/datatables/{table}/edges",
    tag="Edges",
    many="Edges",
    one="Edge",
    noun="edges",
    path=(APP, TABLE),
)


def edge_operations(target: EdgeTarget) -> tuple[Operation, ...]:
    """The operations on the edges of this table."""
    return (*_reads(target), *(_writes(target) if target.is_stored else ()))


def _end(name: str, words: str, *, required: bool = False) -> Parameter:
    return Parameter(
        name=name,
        schema={"type": "string", "minLength": 1},
        description=words,
        required=required,
        example="1",
    )


def _reads(target: EdgeTarget) -> tuple[Operation, ...]:
    kinds = Parameter(
        name="types",
        schema=_types(target.types).schema,
        is_list=True,
        description="Edges of these types only.",
    )
    listed = {"type": "array", "items": ref("Edge")}
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
                _end("from_id", "Edges that come from this record."),
                _end("to_id", "Edges that lead to this record."),
                kinds,
                whole("limit", "The most to answer, instead of `page_size`.", maximum=MAX_SIZE),
                whole("offset", "Edges to skip, instead of `page`.", minimum=0),
                PAGE,
                whole("page_size", "Edges of a page.", maximum=MAX_SIZE, default=DEFAULT_SIZE),
            ),
            replies=(
                Reply(
                    status=200,
                    description="A page of edges, the oldest first.",
                    schema=described({"data": listed, "total": COUNT}),
                ),
            ),
            errors=(404, 409),
        ),
        Operation(
            id=f"find{target.one}Path",
            method="get",
            path=f"{target.base}/path",
            summary=f"Find the shortest path along {target.noun}",
            description="`data` is null where no path leads from the one record to the other.",
            tag=target.tag,
            access=access("record.read"),
            parameters=(
                *target.path,
                _end("from", "Key of the record to begin at.", required=True),
                _end("to", "Key of the record to arrive at.", required=True),
                Parameter(
                    name="direction",
                    schema={"enum": [one.value for one in Direction], "default": Direction.FORWARD.value},
                    description="Follow edges as they point, against it, or either way.",
                ),
                kinds,
                whole("depth", "The most edges of a path.", maximum=LONGEST, default=LONGEST),
            ),
            replies=(Reply(status=200, description="The path.", schema=ref("RecordPath")),),
            errors=(404, 409),
        ),
    )


_EDGE: Final = Parameter(
    name="edge",
    place="path",
    schema={"type": "integer", "minimum": 1},
    description="`id` of the edge.",
    example=1,
    component="in_path_edge",
)


def _writes(target: EdgeTarget) -> tuple[Operation, ...]:
    one = One(
        f"{target.base}/{{edge}}",
        target.tag,
        (*target.path, _EDGE),
        Reply(status=200, description="The edge.", schema=described({"data": ref("Edge")})),
    )
    return (
        _create(target),
        one.change(
            f"update{target.one}",
            f"Change one of {target.noun}",
            access("record.write"),
            Body(schema=ref("EdgeChange"), examples={"its end": {"to": 3}}),
            errors=(404, 409, 412),
        ),
        _delete(target),
    )


def _create(target: EdgeTarget) -> Operation:
    edges = {"type": "array", "items": ref("Edge")}
    new: Mapping[str, Any] = {"from": 2, "to": 1, "type": target.types[0] if target.types else "manager"}
    return Operation(
        id=f"create{target.many}",
        method="post",
        path=target.base,
        summary=f"Create one or many {target.noun}",
        description="An object, or an array of which all are created or none.",
        tag=target.tag,
        access=access("record.write"),
        parameters=target.path,
        body=Body(
            schema={"anyOf": [ref("EdgeCreate"), {"type": "array", "items": ref("EdgeCreate")}]},
            examples={"many edges": [new], "one edge": new},
        ),
        replies=(
            Reply(
                status=201,
                description="As created, in the order of the request.",
                schema={"anyOf": [described({"data": edges}), described({"data": ref("Edge")})]},
            ),
        ),
        errors=(404, 409),
    )


def _delete(target: EdgeTarget) -> Operation:
    ids = {"type": "array", "items": {"type": "integer"}, "minItems": 1}
    named = {
        "type": "object", "properties": {"edge_ids": ids}, "required": ["edge_ids"], "additionalProperties": False,
    }  # fmt: skip
    return Operation(
        id=f"delete{target.many}",
        method="delete",
        path=target.base,
        summary=f"Delete many {target.noun}",
        description="Unknown ids are skipped.",
        tag=target.tag,
        access=access("record.write"),
        parameters=target.path,
        body=Body(schema=named, examples={"two edges": {"edge_ids": [10, 11]}}),
        replies=(
            Reply(status=200, description="How many were deleted.", schema=described({"deleted": COUNT})),
        ),
        errors=(404, 409),
    )
