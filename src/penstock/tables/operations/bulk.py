"""Rows in bulk: imports, exports, and the quarantine."""

from __future__ import annotations

from typing import Any, Final

from penstock.kit.openapi import GONE, Body, Operation, Parameter, Reply, described, ref
from penstock.tables.bulk.options import MEDIA_TYPES, Format, Mode, OnError
from penstock.tables.bulk.steps import MAX_STEPS
from penstock.tables.operations.common import APP, TABLE, TABLE_NAME, access
from penstock.tables.operations.records import GENERIC, ONCE, reading

_TAG: Final = "Records"
_COUNT: Final = {"type": "integer", "minimum": 0}
_BASE: Final = "/api/apps/{app}/datatables/{table}"
_FAULT: Final = described(
    {
        "row": {"type": "integer", "minimum": 1, "description": "Number of the row in the file, from 1."},
        "field": {"type": "string", "description": "`row` where it is the whole row."},
        "reason": {"type": "string"},
    }
)
_FINISHED: Final = described(
    {
        **dict.fromkeys(("read", "created", "updated", "skipped", "quarantined"), _COUNT),
        "seconds": {"type": "number", "minimum": 0},
        "quarantine": {
            "type": ["integer", "null"],
            "description": "The import whose rows are in quarantine.",
        },
        "faults": {"type": "array", "items": ref("ImportFault"), "maxItems": 100},
    }
)
_IMPORT: Final = described(
    {
        "id": _COUNT,
        "format": {"enum": [one.value for one in Format]},
        "mode": {"enum": [one.value for one in Mode]},
        **dict.fromkeys(("read", "created", "updated", "quarantined"), _COUNT),
        "created_at": {"type": "string", "format": "date-time"},
        "created_by": {"type": ["string", "null"]},
    }
)
_ASIDE: Final = described(
    {
        "row": {"type": "integer", "minimum": 1},
        "data": {"description": "The row as it was sent."},
        "errors": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    }
)
SCHEMAS: Final[dict[str, Any]] = {
    "ImportFault": _FAULT,
    "FinishedImport": _FINISHED,
    "ImportInQuarantine": _IMPORT,
    "RowInQuarantine": _ASIDE,
}
_PAGING: Final = (
    Parameter(name="page", schema={"type": "integer", "minimum": 1, "default": 1}, description="From 1."),
    Parameter(
        name="page_size",
        schema={"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
        description="Entries of a page.",
    ),
)
_NUMBER: Final = Parameter(
    name="number",
    place="path",
    schema={"type": "integer", "minimum": 1},
    description="Number of the import.",
    example=1,
)


def _choice(name: str, kind: Any, description: str, default: str | None = None) -> Parameter:
    schema: dict[str, Any] = {"enum": [one.value for one in kind]}
    if default is not None:
        schema["default"] = default
    return Parameter(name=name, schema=schema, description=description)


def _listed(item: str) -> dict[str, Any]:
    link = {"type": ["string", "null"]}
    return described(
        {"count": _COUNT, "next": link, "previous": link, "results": {"type": "array", "items": ref(item)}}
    )


_STEP: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["op", "table"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "pattern": "^[^.]+$", "maxLength": 100},
        "op": {"enum": ["create", "update", "upsert", "delete"]},
        "table": TABLE_NAME,
        "data": {"description": "A row, or a list of rows.", "type": ["object", "array"]},
        "key": {"description": "Of the record to change or delete."},
        "ids": {"type": "array", "items": {}, "description": "Keys of records to delete."},
        "filter": {"type": "object", "description": "What records to delete have in common."},
        "unique_fields": {"type": "array", "items": {"type": "string"}},
    },
}
_STEPPED: Final = described(
    {
        "id": {"type": ["string", "null"]},
        "op": {"type": "string"},
        "table": {"type": "string"},
        "status": {"type": "integer"},
        "body": {"description": "What the single request answers; null where it has no body."},
    }
)
_BATCH: Final = Operation(
    id="runBatch",
    method="post",
    path="/api/apps/{app}/batch",
    summary="Do several writes as one",
    description=(
        'All steps are done, in their order, or none; an error says which `step` refused. `{"$ref": "a.id"}` as the '
        "value of a field, or as a key, stands for a field of the record that the earlier step `a` answered."
    ),
    tag=_TAG,
    access=access("record.write"),
    parameters=(APP, ONCE),
    body=Body(
        schema={
            "type": "object",
            "required": ["steps"],
            "additionalProperties": False,
            "properties": {"steps": {"type": "array", "items": _STEP, "minItems": 1, "maxItems": MAX_STEPS}},
        },
        examples={
            "two steps": {
                "steps": [
                    {"id": "chair", "op": "create", "table": "products", "data": {"name": "Chair"}},
                    {
                        "op": "update",
                        "table": "products",
                        "key": {"$ref": "chair.id"},
                        "data": {"price": 49.9},
                    },
                ]
            }
        },
    ),
    replies=(
        Reply(
            status=200,
            description="What each step answered.",
            schema=described({"steps": {"type": "array", "items": _STEPPED}}),
        ),
    ),
    errors=(404, 409),
)
OPERATIONS: Final[tuple[Operation, ...]] = (
    _BATCH,
    Operation(
        id="importRecords",
        method="post",
        path=f"{_BASE}/data/import",
        summary="Import a file of any size",
        description=(
            "The body is the file. It is one transaction. With `Accept: application/x-ndjson` a long import tells "
            "how far it is in lines of JSON, the last of which is the answer, or `{status, error}`."
        ),
        tag=_TAG,
        access=access("record.write"),
        parameters=(
            APP,
            TABLE,
            _choice("format", Format, "What the body is, when `Content-Type` does not tell."),
            _choice("on_error", OnError, "What becomes of the import when a row is faulty.", "abort"),
            _choice("mode", Mode, "Whether rows may change the record they match.", "insert"),
            Parameter(
                name="unique_fields",
                schema=GENERIC.unique_fields,
                is_list=True,
                description="With mode=upsert: the fields that tell records apart; a unique index must be over them.",
            ),
            Parameter(
                name="delimiter",
                schema={"type": "string", "default": ","},
                description="Of CSV: one character, or `tab`.",
            ),
            Parameter(
                name="null",
                schema={"type": "array", "items": {"type": "string"}},
                description="In CSV: words that stand for null besides empty text.",
            ),
            Parameter(name="encoding", schema={"enum": ["utf-8", "utf8"]}, description="Of CSV."),
        ),
        body=Body(
            schema={"type": "string", "format": "binary"},
            media_types={
                "text/csv": "name,price\nChair,49.90\n",
                "application/x-ndjson": '{"name": "Chair", "price": 49.90}\n',
                "application/vnd.apache.parquet": "PAR1…PAR1",
            },
        ),
        replies=(
            Reply(
                status=200,
                description="What became of the rows.",
                schema=ref("FinishedImport"),
                files=(MEDIA_TYPES[Format.NDJSON],),
            ),
        ),
        errors=(404, 409),
    ),
    Operation(
        id="exportRecords",
        method="get",
        path=f"{_BASE}/data/export",
        summary="Export a list as a file",
        description="All records that match, as a stream. Conditions, search, order and fields are those of the list.",
        tag=_TAG,
        access=access("record.export"),
        parameters=(
            APP,
            TABLE,
            Parameter(
                name="format",
                schema={"enum": [one.value for one in Format]},
                description="What to write.",
                required=True,
                example="ndjson",
            ),
            Parameter(
                name="limit",
                schema={"type": "integer", "minimum": 1},
                description="The most records to write; all when not given.",
            ),
            *reading(GENERIC),
        ),
        replies=(
            Reply(
                status=200,
                description="The file.",
                schema={"type": "string", "format": "binary"},
                media_type=MEDIA_TYPES[Format.NDJSON],
                files=("text/csv", MEDIA_TYPES[Format.PARQUET]),
                headers={"Content-Disposition": "A name for the file."},
            ),
        ),
        errors=(404, 409),
    ),
    Operation(
        id="listQuarantine",
        method="get",
        path=f"{_BASE}/quarantine",
        summary="List imports that put rows in quarantine",
        tag=_TAG,
        access=access("record.write"),
        parameters=(APP, TABLE, *_PAGING),
        replies=(Reply(status=200, description="Newest first.", schema=_listed("ImportInQuarantine")),),
        errors=(409,),
    ),
    Operation(
        id="readQuarantine",
        method="get",
        path=f"{_BASE}/quarantine/{{number}}",
        summary="Read the rows of an import that are in quarantine",
        description="In the order of the file, with what was wrong. `format=ndjson` gives all of them as a file.",
        tag=_TAG,
        access=access("record.write"),
        parameters=(
            APP,
            TABLE,
            _NUMBER,
            *_PAGING,
            Parameter(name="format", schema={"enum": ["ndjson"]}, description="All rows, as a file."),
        ),
        replies=(
            Reply(
                status=200,
                description="A page of rows.",
                schema=_listed("RowInQuarantine"),
                files=(MEDIA_TYPES[Format.NDJSON],),
            ),
        ),
        errors=(409,),
    ),
    Operation(
        id="deleteQuarantine",
        method="delete",
        path=f"{_BASE}/quarantine/{{number}}",
        summary="Forget the rows of an import that are in quarantine",
        tag=_TAG,
        access=access("record.write"),
        parameters=(APP, TABLE, _NUMBER),
        replies=(GONE,),
        errors=(409,),
    ),
)
